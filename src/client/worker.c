#include "client/worker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/deadlines.h"
#include "client/opener.h"
#include "net/loop.h"

#define BUFFER_SIZE ((size_t)64 * 1024) /* for all reads of a worker */

/* The loop notes how late it is so often: the bound of a late start. */
#define BEAT_NS (10 * TSP_MS)

/* An opening so short says nothing of the processor time it had to spare. */
#define SHORT_NS (100 * TSP_MS)
#define PREPARED_CONNS 256

/* What a stop aborts is closed for so long before the run is over, and the rest after it:
 * with the grace and the report that stays within a second. */
#define CLOSE_ABORTED_NS (250 * TSP_MS)

/* ---- the life of one connection, as the worker sees it ---- */

static struct tsp_worker *owner(struct tsp_conn *c)
{
    return c->env->owner;
}

void tsp_worker_on_start(struct tsp_conn *c)
{
    struct tsp_worker *w = owner(c);
    const int64_t *at = c->marks.at;
    tsp_tally_start(&w->tally, &c->marks, !w->concurrency);
    w->slice.started++;
    w->slice.open++;
    if (!w->concurrency)
        tsp_hist_record(w->slice.lag, at[TSP_MARK_OPEN] - at[TSP_MARK_DUE]);
    w->last_start_ns = at[TSP_MARK_OPEN];
    tsp_deadlines_start(c);
}

void tsp_worker_leave_when_idle(struct tsp_worker *w)
{
    if (!w->opening && tsp_deadlines_none_open(w))
        ev_break(w->loop, EVBREAK_ALL);
}

static void count_ended(struct tsp_worker *w, const struct tsp_conn *c)
{
    w->tally.bytes_sent += c->sent;
    w->tally.bytes_received += c->received;
    w->slice.open--;
    if (w->cap)
        tsp_open_cap_give(w->cap);
}

/* The connection is counted: everything it used goes back. */
static void retire(struct tsp_worker *w, struct tsp_conn *c)
{
    int64_t now = tsp_now_ns();
    tsp_deadlines_remove(w, c);
    count_ended(w, c);
    w->tally.retransmitted += c->retransmitted;
    w->ended_ns = now;
    tsp_sources_release(&w->sources, c->tuple, now);
    tsp_pool_give(&w->pool, c);
    tsp_worker_leave_when_idle(w);
}

void tsp_worker_note_failure(struct tsp_worker *w, int64_t when_ns)
{
    w->slice.failed++;
    if (when_ns < w->first_failure_ns)
        w->first_failure_ns = when_ns;
}

/* What was waited for in vain went wrong when the wait began, for the SYN when it was due
 * (a table that is full was so then); anything else is known at once. */
static int64_t went_wrong_ns(const struct tsp_conn *c)
{
    const int64_t *at = c->marks.at;
    if (!at[TSP_MARK_ESTABLISHED])
        return at[TSP_MARK_DUE];
    if (c->outcome != TSP_TIMEOUT)
        return tsp_now_ns();
    return at[TSP_MARK_SENT] ? at[TSP_MARK_SENT] : at[TSP_MARK_ESTABLISHED];
}

static void on_done(struct tsp_conn *c)
{
    struct tsp_worker *w = owner(c);
    const int64_t *at = c->marks.at;
    if (c->outcome == TSP_OK) {
        tsp_tally_ok(&w->tally, &c->marks);
        tsp_hist_record(w->slice.latency, at[TSP_MARK_CLOSED] - at[TSP_MARK_DUE]);
        w->slice.ok++;
        w->tally.retransmitted_ok += c->retransmitted;
        if (c->nat)
            tsp_nat_note(&w->nat, c->nat);
    } else {
        tsp_tally_fail(&w->tally, c->outcome, c->step, c->error);
        tsp_worker_note_failure(w, went_wrong_ns(c));
    }
    retire(w, c);
}

/* ---- intervals ---- */

/* At start + k x interval, whatever came in between: the keeper collects right after. The ends
 * that passed in a stall are one post. */
static void on_interval_end(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_worker *w = timer->data;
    int64_t now = tsp_now_ns(), interval = w->plan->interval_ns;
    tsp_mailbox_post(&w->mailbox, &w->slice);
    w->interval_end_ns += (now - w->interval_end_ns) / interval * interval + interval;
    tsp_loop_timer_at(loop, timer, w->interval_end_ns);
}

/* Every beat that has passed counts: the longer the loop stood still, the more were late. */
static void on_beat(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_worker *w = timer->data;
    int64_t now = tsp_now_ns();
    for (; w->beat_ns <= now; w->beat_ns += BEAT_NS)
        tsp_hist_record(w->tally.beat, now - w->beat_ns);
    tsp_loop_timer_at(loop, timer, w->beat_ns);
}

/* Since began: what the thread used, and the time it had for that. */
static void take_usage(struct tsp_worker *w)
{
    tsp_usage_thread(&w->usage);
    w->usage.user_ns -= w->before.user_ns;
    w->usage.system_ns -= w->before.system_ns;
    w->usage.wait_ns -= w->before.wait_ns;
    w->used_ns = tsp_now_ns() - w->began_ns;
}

/* ---- stopping ---- */

void tsp_worker_end_opening(struct tsp_worker *w)
{
    if (!w->opening)
        return;
    w->opening = false;
    take_usage(w);
}

void tsp_worker_count_aborted(struct tsp_worker *w, const struct tsp_conn *c)
{
    tsp_tally_abort(&w->tally);
    count_ended(w, c);
}

static void on_stop(struct tsp_waker *waker)
{
    struct tsp_worker *w = waker->data;
    int how = atomic_load(&w->stop);
    if (w->opening && !w->concurrency)
        tsp_opener_give_up(w, atomic_load(&w->stop_ns));
    tsp_worker_end_opening(w);
    tsp_deadlines_stop(w, (enum tsp_stop)how);
    tsp_worker_leave_when_idle(w);
}

void tsp_worker_stop(struct tsp_worker *w, enum tsp_stop how, int64_t when_ns)
{
    int64_t never = 0;
    atomic_compare_exchange_strong(&w->stop_ns, &never, when_ns);
    if (atomic_load(&w->stop) < (int)how)
        atomic_store(&w->stop, (int)how);
    tsp_waker_call(&w->stopped);
}

/* ---- set up and run ---- */

/* The k-th of n shares of a whole: they add up, and differ by one at most. */
static uint64_t share(uint64_t whole, unsigned k, unsigned n)
{
    return whole / n + (k < whole % n);
}

static void init_shares(struct tsp_worker *w)
{
    const struct tsp_plan *plan = w->plan;
    unsigned n = plan->workers;
    bool quota = plan->count && (plan->concurrency || plan->seed);
    bool capped = plan->max_open && plan->max_open < plan->concurrency;
    w->concurrency = share(capped ? plan->max_open : plan->concurrency, w->index, n);
    w->left = quota ? share(plan->count, w->index, n) : UINT64_MAX;
    w->first_failure_ns = INT64_MAX;
    tsp_arrivals_init(&w->arrivals, w->index, n, plan->seed);
}

void tsp_worker_init_timer(struct tsp_worker *w, ev_timer *timer,
                           void (*cb)(struct ev_loop *, ev_timer *, int))
{
    ev_init(timer, cb);
    /* After the descriptors of the same wake-up: an answer that is there counts. */
    ev_set_priority(timer, EV_MINPRI);
    timer->data = w;
}

static void init_watchers(struct tsp_worker *w)
{
    tsp_worker_init_timer(w, &w->interval_end, on_interval_end);
    tsp_worker_init_timer(w, &w->beat, on_beat);
    ev_set_priority(&w->beat, EV_MAXPRI); /* the loop's own lateness, not that of a batch */
    tsp_deadlines_init(w);
    tsp_opener_init(w);
}

static void init_env(struct tsp_worker *w)
{
    w->env = (struct tsp_conn_env){
        .plan = w->plan,
        .loop = w->loop,
        .sources = &w->sources,
        .buffer = w->env.buffer,
        .buffer_size = BUFFER_SIZE,
        .done = on_done,
        .begin_hold = tsp_deadlines_begin_hold,
        .wait_for_hold = tsp_deadlines_wait_for_hold,
        .owner = w,
    };
    w->pool.with_nat = w->plan->nat;
}

/* What a run of minutes would take anyway is taken at its start, so as not to seem a leak:
 * usual latencies, and what a stall of a tenth of a second leaves open. */
static void prepare_memory(struct tsp_worker *w)
{
    if (w->plan->workers > TSP_PREPARED_WORKERS)
        return;
    for (int p = 0; p < TSP_PHASES; p++)
        tsp_hist_prepare(w->tally.phase[p], TSP_USUAL_LEAST_NS, TSP_USUAL_MOST_NS);
    tsp_hist_prepare(w->tally.beat, TSP_USUAL_LEAST_NS, TSP_USUAL_MOST_NS);
    tsp_slice_prepare(&w->slice, TSP_USUAL_LEAST_NS, TSP_USUAL_MOST_NS);
    tsp_slice_prepare(&w->mailbox.pending, TSP_USUAL_LEAST_NS, TSP_USUAL_MOST_NS);
    tsp_pool_prepare(&w->pool, PREPARED_CONNS);
}

int tsp_worker_init(struct tsp_worker *w, const struct tsp_plan *plan, unsigned index,
                    struct tsp_open_cap *cap, struct tsp_err *err)
{
    *w = (struct tsp_worker){.plan = plan, .index = index};
    w->cap = plan->max_open && !plan->concurrency ? cap : NULL;
    init_shares(w);
    int rc = tsp_sources_init(&w->sources, &plan->sources, index, plan->workers, err);
    if (rc)
        return rc;
    if (tsp_mailbox_init(&w->mailbox)) {
        tsp_sources_clear(&w->sources);
        return tsp_fail(err, ENOMEM, "worker %u", index);
    }
    w->env.buffer = malloc(BUFFER_SIZE);
    if (!w->env.buffer || tsp_tally_init(&w->tally) || tsp_slice_init(&w->slice))
        rc = tsp_fail(err, ENOMEM, "worker %u", index);
    else
        rc = tsp_loop_new(&w->loop, "a worker", err);
    if (!rc) {
        init_watchers(w);
        init_env(w);
        prepare_memory(w);
        rc = tsp_pacer_init(&w->pacer, w->loop, tsp_opener_on_pace, w, err);
    }
    if (!rc)
        rc = tsp_waker_init(&w->stopped, w->loop, on_stop, w, err);
    if (rc)
        tsp_worker_clear(w);
    return rc;
}

void tsp_worker_clear(struct tsp_worker *w)
{
    tsp_pacer_close(&w->pacer);
    tsp_waker_close(&w->stopped);
    tsp_loop_free(w->loop);
    free(w->env.buffer);
    tsp_pool_clear(&w->pool);
    tsp_tally_clear(&w->tally);
    tsp_slice_clear(&w->slice);
    tsp_mailbox_clear(&w->mailbox);
    tsp_sources_clear(&w->sources);
    tsp_nat_clear(&w->nat);
}

static void start_timers(struct tsp_worker *w)
{
    w->interval_end_ns = w->plan->start_ns + w->plan->interval_ns;
    tsp_loop_timer_at(w->loop, &w->interval_end, w->interval_end_ns);
    w->beat_ns = w->plan->start_ns + BEAT_NS;
    tsp_loop_timer_at(w->loop, &w->beat, w->beat_ns);
    tsp_waker_start(&w->stopped);
    tsp_pacer_at(&w->pacer, w->plan->start_ns);
}

/* As a rule that is all. Where it is not, of the rest is not known what was sent again. */
static void close_aborted(struct tsp_worker *w)
{
    w->ended_ns = tsp_now_ns();
    w->tally.retransmitted += tsp_deadlines_close(w, w->ended_ns + CLOSE_ABORTED_NS);
}

void tsp_worker_run(struct tsp_worker *w)
{
    w->began_ns = tsp_now_ns();
    tsp_usage_thread(&w->before);
    w->opening = true;
    start_timers(w);
    ev_run(w->loop, 0);
    if (!tsp_deadlines_none_open(w))
        close_aborted(w);
    tsp_mailbox_post(&w->mailbox, &w->slice);
    if (w->used_ns < SHORT_NS)
        take_usage(w);
}

void tsp_worker_close_rest(struct tsp_worker *w)
{
    (void)tsp_deadlines_close(w, INT64_MAX);
}
