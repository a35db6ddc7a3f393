/* listener.h - the listening sockets of one thread: accepts in batches, rests
 * when descriptors or memory run out. Owner: the thread of the loop; opened
 * before that thread starts.
 */
#ifndef TSP_SERVER_LISTENER_H
#define TSP_SERVER_LISTENER_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/addr.h"
#include "server/session.h"

struct tsp_listener {
    struct tsp_sessions *sessions;
    ev_io *io; /* one per socket, owned */
    size_t count;
    ev_timer rest;
    double pause; /* seconds of the next rest */
};

/* What sockets are opened with. */
struct tsp_listen_options {
    int backlog;
    bool defer;
};

/* room: sockets that will be opened. 0 or -ENOMEM, with a sentence. */
int tsp_listener_init(struct tsp_listener *l, struct tsp_sessions *sessions, size_t room,
                      struct tsp_err *err);

/* Opens one more socket. A port of 0 is replaced by the one the kernel picked. */
int tsp_listener_open(struct tsp_listener *l, struct tsp_addr *at,
                      const struct tsp_listen_options *options, struct tsp_err *err);

/* Begins to accept, in the loop of the sessions; again after the cap has held it. */
void tsp_listener_start(struct tsp_listener *l);

/* Accepts what the kernel has queued already, until deadline_ns at most. */
void tsp_listener_drain(struct tsp_listener *l, int64_t deadline_ns);

/* Closes the sockets, stops what was started. All-zero is allowed. */
void tsp_listener_close(struct tsp_listener *l);

#endif
