#include "client/deadlines.h"

#include <stddef.h>

#include "base/clock.h"
#include "net/loop.h"

/* Connections whose deadline has come are ended at one wake-up so many at most. An end of
 * hold sends, a time-out reads and closes: some 10 us each. */
#define ENDS_PER_TURN 64

/* After a stop, which ends all holds, a connection gets longer than the time-out: that is
 * meant for one, and the target may have many to answer in one moment. */
#define CLOSING_NS (10 * TSP_SECOND)

/* The last in by_age, which stays in the order of expiry: the time-out counts from now,
 * when the connection is opened, or when its hold ends; after a stop none is opened, and
 * the longer one goes for all. The timer is set to the first of the list: where it is not
 * active it may have gone off unheard, and setting it takes that back. */
static void expect_progress(struct tsp_worker *w, struct tsp_conn *c, int64_t now_ns)
{
    int64_t wait = w->plan->timeout_ns;
    c->expires_ns = now_ns + (w->closing && wait < CLOSING_NS ? CLOSING_NS : wait);
    tsp_conn_list_append(&w->by_age, c);
    if (!ev_is_active(&w->expiry))
        tsp_loop_timer_at(w->loop, &w->expiry, w->by_age.first->expires_ns);
}

void tsp_deadlines_start(struct tsp_conn *c)
{
    expect_progress(c->env->owner, c, c->marks.at[TSP_MARK_OPEN]);
}

static int64_t held_until_ns(const struct tsp_worker *w, const struct tsp_conn *c)
{
    return w->closing ? 0 : c->marks.at[TSP_MARK_ESTABLISHED] + w->plan->hold_ns;
}

/* At the end of by_hold: the mark was stamped just now, so the list stays in the order in
 * which holds end, however long its connections still send. */
void tsp_deadlines_begin_hold(struct tsp_conn *c)
{
    struct tsp_worker *w = c->env->owner;
    c->hold_runs = true;
    tsp_conn_list_append(&w->by_hold, c);
    if (!ev_is_active(&w->hold_end))
        tsp_loop_timer_at(w->loop, &w->hold_end, held_until_ns(w, w->by_hold.first));
}

bool tsp_deadlines_wait_for_hold(struct tsp_conn *c)
{
    struct tsp_worker *w = c->env->owner;
    tsp_conn_list_remove(&w->by_age, c);
    c->held = c->hold_runs;
    if (!c->held)
        expect_progress(w, c, tsp_now_ns());
    return c->held;
}

void tsp_deadlines_remove(struct tsp_worker *w, struct tsp_conn *c)
{
    if (c->hold_runs)
        tsp_conn_list_remove(&w->by_hold, c);
    if (!c->held)
        tsp_conn_list_remove(&w->by_age, c);
}

bool tsp_deadlines_none_open(const struct tsp_worker *w)
{
    return !w->by_age.first && !w->by_hold.first;
}

static void on_expiry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_worker *w = timer->data;
    int64_t now = tsp_now_ns();
    for (int i = 0; i < ENDS_PER_TURN && w->by_age.first; i++) {
        if (w->by_age.first->expires_ns > now)
            break;
        tsp_conn_expire(w->by_age.first);
    }
    if (w->by_age.first)
        tsp_loop_timer_at(loop, timer, w->by_age.first->expires_ns);
}

/* What still sends goes on, and closes its half when it has sent. */
static void end_first_hold(struct tsp_worker *w)
{
    struct tsp_conn *c = w->by_hold.first;
    tsp_conn_list_remove(&w->by_hold, c);
    c->hold_runs = false;
    if (!c->held)
        return;
    c->held = false;
    expect_progress(w, c, tsp_now_ns());
    tsp_conn_end_hold(c);
}

static void on_hold_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_worker *w = timer->data;
    int64_t now = tsp_now_ns();
    for (int i = 0; i < ENDS_PER_TURN && w->by_hold.first; i++) {
        if (held_until_ns(w, w->by_hold.first) > now)
            break;
        end_first_hold(w);
    }
    ev_timer_stop(loop, timer);
    if (w->by_hold.first)
        tsp_loop_timer_at(loop, timer, held_until_ns(w, w->by_hold.first));
}

/* All that is left is counted, and not yet closed: to close a socket takes the kernel some
 * 15 us, a million of them many times the second in which a stop is to be answered. */
static void on_grace_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_worker *w = timer->data;
    for (const struct tsp_conn *c = w->by_age.first; c; c = c->by_age.next)
        tsp_worker_count_aborted(w, c);
    for (const struct tsp_conn *c = w->by_hold.first; c; c = c->by_hold.next)
        if (c->held) /* else it was in by_age */
            tsp_worker_count_aborted(w, c);
    ev_timer_stop(loop, &w->expiry);
    ev_timer_stop(loop, &w->hold_end);
    ev_break(loop, EVBREAK_ALL);
}

uint64_t tsp_deadlines_close(struct tsp_worker *w, int64_t until_ns)
{
    uint64_t retransmitted = 0;
    while (!tsp_deadlines_none_open(w) && tsp_now_ns() < until_ns) {
        struct tsp_conn *c = w->by_age.first ? w->by_age.first : w->by_hold.first;
        tsp_deadlines_remove(w, c);
        tsp_conn_abort(c);
        retransmitted += c->retransmitted;
    }
    return retransmitted;
}

void tsp_deadlines_stop(struct tsp_worker *w, enum tsp_stop how)
{
    w->closing = true;
    on_hold_end(w->loop, &w->hold_end, 0);
    if (how == TSP_STOP_ABORT && !ev_is_active(&w->grace_end))
        tsp_loop_timer_at(w->loop, &w->grace_end, tsp_now_ns() + TSP_GRACE_NS);
}

void tsp_deadlines_init(struct tsp_worker *w)
{
    w->by_age.link = offsetof(struct tsp_conn, by_age);
    w->by_hold.link = offsetof(struct tsp_conn, by_hold);
    tsp_worker_init_timer(w, &w->expiry, on_expiry);
    tsp_worker_init_timer(w, &w->hold_end, on_hold_end);
    tsp_worker_init_timer(w, &w->grace_end, on_grace_end);
}
