#include "client/opener.h"

#include <errno.h>

#include "base/clock.h"
#include "net/loop.h"

/* Opened at one wake-up at most; then answers get their turn, so that a worker
 * that catches up does not age the connections it has. Measured at twice the
 * ceiling: batches of 4, 8, 32, 128 complete the same within noise, at a median
 * service time of 1.6, 2.3, 3.2, 7.1 ms; the larger two take fewer wake-ups. */
#define OPENS_PER_TURN 32

/* In a closed loop the place of a connection that failed at once (refused on this machine, no
 * descriptor, no port) is filled again after so long at most; filled at once it would fail as
 * fast as this machine can count. Other places are refilled without delay. */
#define REST_NS (100 * TSP_MS)

/* Without memory for an object the connection still counts: it was due, was
 * tried, and failed here. */
static void fail_without_object(struct tsp_worker *w, int64_t due_ns)
{
    struct tsp_marks marks = {0};
    marks.at[TSP_MARK_DUE] = due_ns;
    marks.at[TSP_MARK_OPEN] = tsp_now_ns();
    tsp_tally_start(&w->tally, &marks, !w->concurrency);
    tsp_tally_fail(&w->tally, TSP_NO_MEMORY, TSP_STEP_SOCKET, ENOMEM);
    w->slice.started++;
    if (w->cap)
        tsp_open_cap_give(w->cap);
    tsp_worker_note_failure(w, due_ns);
}

static void open_one(struct tsp_worker *w, int64_t due_ns)
{
    w->tally.due++;
    if (w->cap && !tsp_open_cap_take(w->cap)) {
        w->tally.capped++;
        return;
    }
    struct tsp_conn *c = tsp_pool_take(&w->pool);
    if (c)
        tsp_conn_open(c, &w->env, due_ns, tsp_worker_on_start);
    else
        fail_without_object(w, due_ns);
}

/* ---- by the clock ---- */

static int64_t next_due_ns(const struct tsp_worker *w)
{
    const struct tsp_plan *plan = w->plan;
    bool counted_out = plan->count && !plan->seed && w->arrivals.n >= (double)plan->count;
    if (!w->left || counted_out)
        return TSP_NEVER;
    int64_t due = tsp_load_due_ns(&plan->load, w->arrivals.n);
    return due == TSP_NEVER ? due : plan->start_ns + due;
}

static void count_down(struct tsp_worker *w, uint64_t taken)
{
    if (w->left != UINT64_MAX)
        w->left -= taken;
}

static void count_not_started(struct tsp_worker *w, uint64_t n)
{
    w->tally.due += n;
    w->tally.not_started += n;
    count_down(w, n);
}

/* Whole numbers below this one are due by then; random points just below it may not be. */
static uint64_t due_by(const struct tsp_worker *w, int64_t until_ns)
{
    const struct tsp_plan *plan = w->plan;
    uint64_t by = tsp_load_due_by(&plan->load, until_ns - plan->start_ns + 1);
    if (plan->seed)
        return by ? by - 1 : 0;
    return plan->count && plan->count < by ? plan->count : by;
}

/* By arithmetic: a backlog may be billions of connections, and a stop waits for this. */
void tsp_opener_give_up(struct tsp_worker *w, int64_t until_ns)
{
    uint64_t passed = tsp_arrivals_pass(&w->arrivals, due_by(w, until_ns));
    count_not_started(w, passed < w->left ? passed : w->left);
    for (int64_t due = next_due_ns(w); due <= until_ns && due != TSP_NEVER; due = next_due_ns(w)) {
        count_not_started(w, 1);
        tsp_arrivals_advance(&w->arrivals);
    }
    tsp_worker_end_opening(w);
}

/* Opens everything that is due, then sleeps until the next. A late wake-up opens
 * a batch: no connection is skipped, and each is measured from when it was due. */
static void open_due(struct tsp_worker *w)
{
    int64_t now = tsp_now_ns();
    int64_t end = w->plan->start_ns + w->plan->load.length_ns;
    for (int opened = 0; w->opening; opened++) {
        int64_t due = next_due_ns(w);
        if (due > now)
            now = tsp_now_ns();
        if (due == TSP_NEVER) {
            tsp_worker_end_opening(w);
        } else if (now > end + TSP_CATCH_UP_NS) {
            tsp_opener_give_up(w, end);
        } else if (due > now || opened == OPENS_PER_TURN) {
            tsp_pacer_at(&w->pacer, due > now ? due : 0);
            return;
        } else {
            open_one(w, due);
            tsp_arrivals_advance(&w->arrivals);
            count_down(w, 1);
        }
    }
    tsp_worker_leave_when_idle(w);
}

/* ---- closed loop ---- */

static bool has_place(const struct tsp_worker *w)
{
    return w->opening && w->tally.open + w->resting < w->concurrency;
}

/* A connection that fails without ever having waited leaves a place that rests. */
static void fill_place(struct tsp_worker *w)
{
    uint64_t failed = w->tally.failed;
    count_down(w, 1);
    open_one(w, tsp_now_ns());
    if (w->tally.failed == failed)
        return;
    w->resting++;
    if (!ev_is_active(&w->rest))
        tsp_loop_timer_at(w->loop, &w->rest, tsp_now_ns() + REST_NS);
}

static void on_rested(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    struct tsp_worker *w = timer->data;
    w->resting = 0; /* the loop refills before it waits again */
}

static void on_refill(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    (void)revents;
    struct tsp_worker *w = watcher->data;
    for (int i = 0; i < OPENS_PER_TURN && w->left && has_place(w); i++)
        fill_place(w);
    if (!w->left)
        tsp_worker_end_opening(w);
    /* A full batch may mean there is more to open: poll, but do not sleep. */
    if (has_place(w))
        ev_idle_start(loop, &w->more);
    else
        ev_idle_stop(loop, &w->more);
    tsp_worker_leave_when_idle(w);
}

static void on_more(struct ev_loop *loop, ev_idle *watcher, int revents)
{
    (void)loop;
    (void)watcher;
    (void)revents;
}

/* First call: the start; second: the end of the length. */
static void pace_closed_loop(struct tsp_worker *w)
{
    const struct tsp_plan *plan = w->plan;
    if (!ev_is_active(&w->refill)) {
        ev_prepare_start(w->loop, &w->refill);
        if (plan->length_ns != INT64_MAX)
            tsp_pacer_at(&w->pacer, plan->start_ns + plan->length_ns);
        return;
    }
    tsp_worker_end_opening(w);
    tsp_worker_leave_when_idle(w);
}

void tsp_opener_on_pace(struct tsp_pacer *p)
{
    struct tsp_worker *w = p->data;
    if (!w->opening)
        return;
    if (w->concurrency)
        pace_closed_loop(w);
    else
        open_due(w);
}

void tsp_opener_init(struct tsp_worker *w)
{
    ev_prepare_init(&w->refill, on_refill);
    w->refill.data = w;
    ev_idle_init(&w->more, on_more);
    tsp_worker_init_timer(w, &w->rest, on_rested);
}
