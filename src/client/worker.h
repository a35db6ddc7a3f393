/* worker.h - one thread, one loop: opens what is due, ends what is over, counts.
 *
 * Made by the main thread (init), run by its own (tsp_worker_run), read again
 * by the main thread when tsp_worker_run has returned. While it runs, others may only stop it
 * and collect from its mailbox.
 */
#ifndef TSP_CLIENT_WORKER_H
#define TSP_CLIENT_WORKER_H

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "client/conn.h"
#include "client/conn_list.h"
#include "client/mailbox.h"
#include "client/nat.h"
#include "client/open_cap.h"
#include "client/plan.h"
#include "client/pool.h"
#include "load/arrivals.h"
#include "net/pacer.h"
#include "net/waker.h"
#include "sys/usage.h"

enum tsp_stop {
    TSP_STOP_NOT,
    TSP_STOP_GENTLE, /* opens nothing more, ends holds, lets exchanges finish */
    TSP_STOP_ABORT   /* the same, and after TSP_GRACE_NS aborts what is left */
};

#define TSP_GRACE_NS INT64_C(300000000)

/* Connections that are due may still be started so long after the end. */
#define TSP_CATCH_UP_NS INT64_C(1000000000)

/* Latencies for which memory is taken beforehand, where not more workers than this
 * would take it: else it is more than most runs need. */
#define TSP_USUAL_LEAST_NS (TSP_MS / 512)
#define TSP_USUAL_MOST_NS (256 * TSP_MS)
#define TSP_PREPARED_WORKERS 4

struct tsp_worker {
    struct tsp_conn_env env;
    const struct tsp_plan *plan;
    unsigned index;
    struct ev_loop *loop;
    struct tsp_pacer pacer;
    struct tsp_waker stopped;
    ev_timer expiry, hold_end, interval_end, grace_end, beat;
    ev_prepare refill; /* closed loop */
    ev_idle more;      /* closed loop: refill again without waiting */
    ev_timer rest;     /* closed loop: places that rest are filled again */

    struct tsp_arrivals arrivals;
    struct tsp_sources sources;
    struct tsp_open_cap *cap; /* of all workers together; NULL = none, or by concurrency */
    uint64_t concurrency;     /* its share; 0 = by the clock */
    uint64_t resting;         /* of these, places whose connections failed at once */
    uint64_t left;            /* connections it may still take; UINT64_MAX = no bound */
    bool opening;             /* between start and the end of the load */
    bool closing;             /* it was stopped */

    struct tsp_pool pool;
    struct tsp_conn_list by_age;  /* is to end within the time-out; in order of that */
    struct tsp_conn_list by_hold; /* its hold runs, from when it was established */
    struct tsp_tally tally;
    struct tsp_slice slice;
    struct tsp_mailbox mailbox;
    struct tsp_nat nat;

    _Atomic int stop;        /* enum tsp_stop, set before it is woken */
    _Atomic int64_t stop_ns; /* when */

    int64_t ended_ns;         /* when its last connection ended; 0 = none did */
    int64_t last_start_ns;    /* when it last started one */
    int64_t first_failure_ns; /* when the first went wrong; INT64_MAX = none did */
    int64_t beat_ns;          /* when its loop should next be awake */
    int64_t interval_end_ns;  /* when it should next post */
    struct tsp_usage usage;   /* of its thread, over used_ns */
    int64_t used_ns;          /* the time in which it opened; the whole run if that was short */
    int64_t began_ns;
    struct tsp_usage before; /* what the thread had used then */
};

/* On failure nothing is held. The cap is used where the plan has one. */
int tsp_worker_init(struct tsp_worker *w, const struct tsp_plan *plan, unsigned index,
                    struct tsp_open_cap *cap, struct tsp_err *err);
void tsp_worker_clear(struct tsp_worker *w);

/* The thread's body; returns when its load is over and everything is counted. What was
 * aborted may still be open: close_rest ends that, and touches nothing that is read then. */
void tsp_worker_run(struct tsp_worker *w);
void tsp_worker_close_rest(struct tsp_worker *w);

/* Any thread, any number of times; a stronger stop replaces a weaker. */
void tsp_worker_stop(struct tsp_worker *w, enum tsp_stop how, int64_t when_ns);

/* For opener.c and deadlines.c: a connection was started, failed (went wrong at when_ns); nothing
 * more will be opened; nothing may be left to do. */
void tsp_worker_on_start(struct tsp_conn *c);
void tsp_worker_note_failure(struct tsp_worker *w, int64_t when_ns);
void tsp_worker_end_opening(struct tsp_worker *w);
void tsp_worker_leave_when_idle(struct tsp_worker *w);
/* It will be closed once the loop has ended. */
void tsp_worker_count_aborted(struct tsp_worker *w, const struct tsp_conn *c);
void tsp_worker_init_timer(struct tsp_worker *w, ev_timer *timer,
                           void (*cb)(struct ev_loop *, ev_timer *, int));

#endif
