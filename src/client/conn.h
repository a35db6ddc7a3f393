/* conn.h - one connection of the load: connect, send, half-close, read, close.
 *
 * One function per state; the driver runs them until one of them wants to wait.
 * A connection belongs to its worker's thread, lives in the worker's pool and
 * ends by exactly one call of env->done, after which it may be someone else's.
 */
#ifndef TSP_CLIENT_CONN_H
#define TSP_CLIENT_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/nat.h"
#include "client/plan.h"
#include "measure/tally.h"
#include "net/sources.h"

enum tsp_conn_state {
    TSP_CONN_CONNECTING,
    TSP_CONN_SENDING,
    TSP_CONN_HOLDING,
    TSP_CONN_HALF_CLOSING,
    TSP_CONN_RECEIVING,
    TSP_CONN_DONE
};

struct tsp_conn;

/* What the connections of one worker share. */
struct tsp_conn_env {
    const struct tsp_plan *plan;
    struct ev_loop *loop;
    struct tsp_sources *sources;
    char *buffer; /* for all reads: nothing is kept */
    size_t buffer_size;
    void (*done)(struct tsp_conn *c);
    /* Where the plan has a hold: it is established. It has sent: true = its hold still runs,
     * and the owner calls end_hold later. */
    void (*begin_hold)(struct tsp_conn *c);
    bool (*wait_for_hold)(struct tsp_conn *c);
    void *owner; /* the worker */
};

struct tsp_conn_link {
    struct tsp_conn *prev, *next;
};

struct tsp_conn {
    ev_io io; /* first: libev hands it back; io.fd -1 = no socket */
    struct tsp_conn_env *env;
    struct tsp_marks marks;
    struct tsp_conn_link by_age, by_hold; /* the worker's lists; by_age.next: the pool's too */
    uint64_t sent, received;
    int64_t expires_ns; /* the worker's: its time-out */
    uint32_t tuple;
    int error;
    unsigned char state, step, outcome; /* enum values; the last two once DONE */
    bool retransmitted;
    bool hold_runs, held;     /* the worker's: in by_hold; only there, since it has sent */
    struct tsp_nat_line *nat; /* NULL unless the plan asks */
};

/* Opens a connection that was due at this time. May call done before it returns.
 * on_start(c) is called once, when OPEN is stamped. */
void tsp_conn_open(struct tsp_conn *c, struct tsp_conn_env *env, int64_t due_ns,
                   void (*on_start)(struct tsp_conn *c));

/* The hold is over: closes its half and goes on. */
void tsp_conn_end_hold(struct tsp_conn *c);

/* Time is up. What has already arrived is looked at first, so that a worker that
 * was held up does not take an answer for silence. */
void tsp_conn_expire(struct tsp_conn *c);

/* Closes without counting it: the caller does; done is not called. */
void tsp_conn_abort(struct tsp_conn *c);

#endif
