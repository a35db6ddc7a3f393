/* peer.h - a plain blocking server whose answers a test chooses: one thread
 * accepts, and one for each connection does what the manner says.
 */
#ifndef TSP_TESTS_PEER_H
#define TSP_TESTS_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct peer;

/* Deals with one accepted connection; it is closed at return. */
typedef void peer_manner(struct peer *p, int fd);

#define PEER_CONNECTIONS 1024

struct peer {
    uint16_t port;
    peer_manner *manner;
    int listener, stop; /* stop: an eventfd, readable once the peer ends */
    pthread_t accepting;
    pthread_t thread[PEER_CONNECTIONS];
    struct tsp_addr from[PEER_CONNECTIONS]; /* who connected, in order */
    size_t accepted;                        /* read it after peer_end */
    atomic_uint noted;                      /* what the manner counts */
    atomic_ullong received;                 /* bytes, by those that read to the end */
};

/* Listens on the address (numeric; port 0 = any) and starts; fails the test. */
struct peer *peer_start(const char *host, uint16_t port, peer_manner *manner);

/* Ends it when its connections have ended; what was counted stays until free(). */
void peer_end(struct peer *p);

/* Each waits for the end of the request first, but the last two. */
peer_manner peer_answers;       /* "pong" */
peer_manner peer_answers_late;  /* the same, 50 ms after the request */
peer_manner peer_drips;         /* the same, a byte every 5 ms */
peer_manner peer_answers_short; /* "po" */
peer_manner peer_is_silent;     /* nothing, until the peer ends; notes one that is reset */
peer_manner peer_resets;        /* a reset */
peer_manner peer_leaves_input;  /* "pong", but the request is never read: a reset */
peer_manner peer_keeps_open;    /* "pong", no end; notes a connection that is reset */
peer_manner peer_answers_early; /* 256 KiB before it reads the request */
peer_manner peer_never_reads;   /* nothing, until the peer ends */

void peer_reset(int fd); /* sets it to be closed with a reset */

/* A port of 127.0.0.1 on which nobody listens, held by *fd. */
uint16_t peer_closed_port(int *fd);

#endif
