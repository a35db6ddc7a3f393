#include "client/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/event.h"

#define MOST_FORESEEN 4096

/* Workers post when an interval ends; so much later their posts are collected.
 * One that is later still is counted in the next interval. */
static int64_t collect_delay_ns(const struct tsp_keeper *k)
{
    int64_t delay = k->interval_ns / 10;
    return delay < 10 * TSP_MS ? delay : 10 * TSP_MS;
}

static int init_shared(struct tsp_keeper *k, struct tsp_err *err)
{
    pthread_condattr_t attr;
    if (tsp_slice_init(&k->slice))
        return tsp_fail(err, ENOMEM, "run");
    k->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (k->event == -1) {
        int rc = tsp_fail(err, errno, "eventfd");
        tsp_slice_clear(&k->slice);
        return rc;
    }
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

static int make_workers(struct tsp_keeper *k, const struct tsp_plan *plan, struct tsp_err *err)
{
    k->seat = calloc(k->workers, sizeof *k->seat);
    if (!k->seat)
        return tsp_fail(err, ENOMEM, "%u workers", k->workers);
    for (; k->made < k->workers; k->made++) {
        k->seat[k->made].keeper = k;
        int rc = tsp_worker_init(&k->seat[k->made].worker, plan, k->made, &k->cap, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* So many are foreseen, up to some 300 KiB. */
static size_t intervals(const struct tsp_plan *plan)
{
    int64_t n = plan->length_ns == INT64_MAX ? 0 : plan->length_ns / plan->interval_ns + 2;
    return n < MOST_FORESEEN ? (size_t)n : MOST_FORESEEN;
}

int tsp_keeper_init(struct tsp_keeper *k, const struct tsp_plan *plan, struct tsp_err *err)
{
    *k = (struct tsp_keeper){.workers = plan->workers, .interval_ns = plan->interval_ns};
    k->cap.limit = plan->max_open;
    int rc = init_shared(k, err);
    if (rc)
        return rc;
    if (plan->workers <= TSP_PREPARED_WORKERS)
        tsp_slice_prepare(&k->slice, TSP_USUAL_LEAST_NS, TSP_USUAL_MOST_NS);
    rc = make_workers(k, plan, err);
    if (!rc && tsp_timeline_reserve(&k->timeline, intervals(plan)))
        rc = tsp_fail(err, ENOMEM, "timeline");
    if (rc)
        tsp_keeper_clear(k);
    return rc;
}

static void *worker_main(void *arg)
{
    struct tsp_keeper_seat *seat = arg;
    struct tsp_keeper *k = seat->keeper;
    tsp_worker_run(&seat->worker);
    pthread_mutex_lock(&k->lock);
    k->finished++;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
    tsp_worker_close_rest(&seat->worker);
    return NULL;
}

static void join_workers(struct tsp_keeper *k)
{
    for (unsigned i = 0; i < k->started; i++)
        pthread_join(k->seat[i].thread, NULL);
    k->started = 0;
}

/* Waits for the end of the interval, or for the last worker; true = the latter. */
static bool wait_until(struct tsp_keeper *k, int64_t when_ns)
{
    struct timespec at = {.tv_sec = when_ns / TSP_SECOND, .tv_nsec = when_ns % TSP_SECOND};
    int rc = 0;
    pthread_mutex_lock(&k->lock);
    while (k->finished < k->started && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&k->changed, &k->lock, &at);
    bool all = k->finished == k->started;
    pthread_mutex_unlock(&k->lock);
    return all;
}

static void add_up(struct tsp_keeper *k, double time)
{
    struct tsp_interval *sum = &k->sum;
    if (tsp_timeline_append(&k->timeline, time, &k->slice))
        k->out_of_memory = true;
    sum->time = time;
    sum->started += k->slice.started;
    sum->ok += k->slice.ok;
    sum->failed += k->slice.failed;
    sum->open = k->slice.open;
}

static void collect(struct tsp_keeper *k, double time, bool last)
{
    tsp_slice_reset(&k->slice);
    for (unsigned i = 0; i < k->workers; i++)
        tsp_mailbox_collect(&k->seat[i].worker.mailbox, &k->slice);
    bool nothing = !k->slice.started && !k->slice.ok && !k->slice.failed;
    pthread_mutex_lock(&k->lock);
    if (!last || !nothing)
        add_up(k, time);
    k->over = last;
    pthread_mutex_unlock(&k->lock);
    tsp_event_raise(k->event);
}

void tsp_keeper_note_end(struct tsp_keeper *k)
{
    tsp_usage_process(&k->usage);
    if (tsp_kcounters_read(&k->after, "/proc"))
        k->out_of_memory = true;
}

static void *keeper_main(void *arg)
{
    struct tsp_keeper *k = arg;
    bool last = false;
    for (int64_t i = 1; !last; i++) {
        int64_t end = i * k->interval_ns;
        last = wait_until(k, k->start_ns + end + collect_delay_ns(k));
        if (last) {
            end = tsp_now_ns() - k->start_ns;
            tsp_keeper_note_end(k);
        }
        collect(k, (double)end / 1e9, last);
    }
    return NULL;
}

static int start_workers(struct tsp_keeper *k, struct tsp_err *err)
{
    for (; k->started < k->workers; k->started++) {
        struct tsp_keeper_seat *seat = &k->seat[k->started];
        int rc = pthread_create(&seat->thread, NULL, worker_main, seat);
        if (rc)
            return tsp_fail(err, rc, "thread of worker %u", k->started);
    }
    return 0;
}

int tsp_keeper_start(struct tsp_keeper *k, struct tsp_err *err)
{
    k->start_ns = k->seat[0].worker.plan->start_ns;
    int rc = start_workers(k, err);
    if (!rc) {
        rc = pthread_create(&k->thread, NULL, keeper_main, k);
        if (!rc) {
            k->running = true;
            return 0;
        }
        tsp_fail(err, rc, "thread of the keeper");
        rc = -rc;
    }
    for (unsigned i = 0; i < k->started; i++)
        tsp_worker_stop(&k->seat[i].worker, TSP_STOP_ABORT, tsp_now_ns());
    join_workers(k);
    return rc;
}

void tsp_keeper_stop(struct tsp_keeper *k, enum tsp_stop how, int64_t when_ns)
{
    for (unsigned i = 0; i < k->workers; i++)
        tsp_worker_stop(&k->seat[i].worker, how, when_ns);
}

bool tsp_keeper_interval(struct tsp_keeper *k, size_t i, struct tsp_interval *out)
{
    pthread_mutex_lock(&k->lock);
    bool there = i < k->timeline.count;
    if (there)
        *out = k->timeline.item[i];
    pthread_mutex_unlock(&k->lock);
    return there;
}

bool tsp_keeper_is_over(struct tsp_keeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool over = k->over;
    pthread_mutex_unlock(&k->lock);
    return over;
}

void tsp_keeper_join(struct tsp_keeper *k)
{
    if (k->running)
        pthread_join(k->thread, NULL);
    k->running = false;
}

void tsp_keeper_clear(struct tsp_keeper *k)
{
    tsp_keeper_join(k);
    join_workers(k);
    for (unsigned i = 0; i < k->made; i++)
        tsp_worker_clear(&k->seat[i].worker);
    free(k->seat);
    tsp_kcounters_clear(&k->after);
    tsp_slice_clear(&k->slice);
    tsp_timeline_clear(&k->timeline);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    close(k->event);
}
