/* session.h - one accepted connection, and the set of them one thread has.
 *
 * A session reads to the end of input, sends the answer and closes. The set
 * keeps the sessions that had to wait in two lists, by their last progress and
 * by their age, so that one timer serves all time-outs and the one to shed is
 * always at hand. Owner: the thread of the loop.
 */
#ifndef TSP_SERVER_SESSION_H
#define TSP_SERVER_SESSION_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "server/cap.h"
#include "server/server.h"

/* What all sessions of a server share, read-only. */
struct tsp_answer {
    const char *bytes;
    size_t len;
    bool report_peer, coalesce_fin;
    int64_t idle_ns, total_ns; /* time-outs */
    int64_t max_request;
};

struct tsp_link {
    struct tsp_link *prev, *next;
};

struct tsp_session {
    ev_io io;                         /* first: libev hands it back; io.data = the set */
    struct tsp_link by_progress;      /* both only while it waits for its socket */
    struct tsp_link by_age;           /* in the pool: next */
    int64_t progress_ns, accepted_ns; /* when it last moved a byte; when it began */
    int64_t received;
    size_t sent;
    struct tsp_addr peer;
    int state; /* 0 = reads the request */
};

/* The set it belongs to. */
static inline struct tsp_sessions *tsp_session_set(const struct tsp_session *c)
{
    return (struct tsp_sessions *)c->io.data;
}

/* Goes as far as its socket lets it. Returns what it waits for, or 0 when it has ended and
 * is counted. All-zero but for io and peer at first. */
int tsp_session_advance(struct tsp_session *c);

/* It ends in this way, at the step it is in. */
void tsp_session_count_failure(const struct tsp_session *c, enum tsp_outcome outcome,
                               struct tsp_server_stats *count);

/* Bytes one recv() may take off a socket. They are dropped inside the kernel
 * (MSG_TRUNC), so that a flood costs no copying. */
#define TSP_SESSION_BITE (64u << 10)

struct tsp_sessions {
    struct ev_loop *loop;
    const struct tsp_answer *answer;
    struct tsp_cap *cap;                 /* the server's */
    struct tsp_cap_thread here;          /* what the other threads know of this one */
    struct tsp_link by_progress, by_age; /* oldest first */
    struct tsp_link *pool;               /* ended sessions, to be used again */
    ev_timer expiry;
    bool leaving;                  /* the loop ends with the last session; to shed is ours alone */
    struct tsp_server_stats count; /* this thread's part */
    char bite[TSP_SESSION_BITE];   /* recv() wants an address; never read */
};

/* All-zero before; nothing is allocated. wake: calls tsp_sessions_relieve on this thread. */
void tsp_sessions_init(struct tsp_sessions *s, struct ev_loop *loop, const struct tsp_answer *a,
                       struct tsp_cap *cap, struct tsp_waker *wake);

/* What a stall of a tenth of a second leaves open at a usual rate: made beforehand, so
 * that memory does not grow over the hours. */
#define TSP_SESSIONS_PREPARED 256

/* Makes so many sessions for the pool. 0 or -ENOMEM; clear frees those that were made. */
int tsp_sessions_prepare(struct tsp_sessions *s, int n);

/* Takes over an accepted socket and goes as far as it can with it at once; over
 * the cap the session longest without progress is shed, with a reset. False = out
 * of memory: the socket is closed and nothing is counted. */
bool tsp_sessions_take(struct tsp_sessions *s, int fd, const struct tsp_addr *peer);

/* Sheds the session longest without progress whatever the count: it or its thread frees
 * a descriptor soon, where any is open. */
void tsp_sessions_shed(struct tsp_sessions *s);

/* Sheds what the other threads have asked for, and while the server is over its cap. */
void tsp_sessions_relieve(struct tsp_sessions *s);

/* Ends all, with a reset; they count as failed, timeout. That takes some 10 us each on
 * loopback; what the counts will be then can be told before. */
void tsp_sessions_end(struct tsp_sessions *s);
void tsp_sessions_foresee_end(const struct tsp_sessions *s, struct tsp_server_stats *count);

/* Frees the pool. No session is open any more. */
void tsp_sessions_clear(struct tsp_sessions *s);

#endif
