#include "client/opener.h"

#include <errno.h>

#include "base/clock.h"

/* Opened at one wake-up at most; then answers get their turn, so that a worker
 * that catches up does not age the connections it has. Measured at twice the
 * ceiling: batches of 4, 8, 32, 128 complete the same within noise, at a median
 * service time of 1.6, 2.3, 3.2, 7.1 ms; the larger two take fewer wake-ups. */
#define OPENS_PER_TURN 32

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
        tsp_cap_give(w->cap);
    tsp_worker_note_failure(w, due_ns);
}

static void open_one(struct tsp_worker *w, int64_t due_ns)
{
    w->tally.due++;
    if (w->cap && !tsp_cap_take(w->cap)) {
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

static void advance(struct tsp_worker *w)
{
    tsp_arrivals_advance(&w->arrivals);
    if (w->left != UINT64_MAX)
        w->left--;
}

/* What was due by then will not be started any more. */
void tsp_opener_give_up(struct tsp_worker *w, int64_t until_ns)
{
    for (int64_t due = next_due_ns(w); due <= until_ns && due != TSP_NEVER; due = next_due_ns(w)) {
        w->tally.due++;
        w->tally.not_started++;
        advance(w);
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
            advance(w);
        }
    }
    tsp_worker_leave_when_idle(w);
}

/* ---- closed loop ---- */

static void on_refill(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    (void)revents;
    struct tsp_worker *w = watcher->data;
    int opened = 0;
    while (w->opening && w->tally.open < w->concurrency && opened < OPENS_PER_TURN) {
        if (!w->left) {
            tsp_worker_end_opening(w);
            break;
        }
        if (w->left != UINT64_MAX)
            w->left--;
        open_one(w, tsp_now_ns());
        opened++;
    }
    /* A full batch may mean there is more to open: poll, but do not sleep. */
    if (w->opening && w->tally.open < w->concurrency)
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
}
