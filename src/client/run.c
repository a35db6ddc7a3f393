#include "client/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "client/keeper.h"

/* Threads need a moment to start; the first connection is not due before. */
#define START_DELAY_NS (10 * TSP_MS)

struct tsp_run {
    struct tsp_plan plan;
    struct tsp_keeper keeper;
    struct tsp_findings warnings;
    struct tsp_kcounters before;
    struct tsp_usage usage;
    struct tsp_tally tally;       /* for the result: at the end there may be no memory for it */
    struct tsp_worker_time *time; /* workers of them, likewise */
    int64_t stop_ns;              /* 0 = it was not stopped */
    bool interrupted;
};

static void clear_plan(struct tsp_run *run)
{
    tsp_plan_clear(&run->plan);
    tsp_tally_clear(&run->tally);
    free(run->time);
}

static int make(struct tsp_run *run, const struct tsp_run_spec *spec, struct tsp_err *err)
{
    int rc = tsp_plan_make(&run->plan, spec, err);
    if (rc)
        return rc;
    tsp_plan_preflight(&run->plan, &run->warnings);
    run->time = calloc(run->plan.workers, sizeof *run->time);
    if (!run->time || tsp_tally_init(&run->tally))
        rc = tsp_fail(err, ENOMEM, "run");
    else
        rc = tsp_keeper_init(&run->keeper, &run->plan, err);
    if (rc)
        clear_plan(run);
    return rc;
}

static int start(struct tsp_run *run, struct tsp_err *err)
{
    if (tsp_kcounters_read(&run->before, "/proc"))
        return tsp_fail(err, ENOMEM, "kernel counters");
    tsp_usage_process(&run->usage);
    run->plan.start_ns = tsp_now_ns() + START_DELAY_NS;
    run->interrupted = tsp_interrupted();
    if (!run->interrupted)
        return tsp_keeper_start(&run->keeper, err);
    run->stop_ns = run->plan.start_ns;
    return 0;
}

int tsp_run_start(struct tsp_run **run, const struct tsp_run_spec *spec, struct tsp_err *err)
{
    *run = NULL;
    struct tsp_run *made = calloc(1, sizeof *made);
    if (!made)
        return tsp_fail(err, ENOMEM, "run");
    int rc = make(made, spec, err);
    if (rc) {
        free(made);
        return rc;
    }
    rc = start(made, err);
    if (rc)
        tsp_run_free(made);
    else
        *run = made;
    return rc;
}

void tsp_run_stop(struct tsp_run *run, enum tsp_stop how)
{
    if (!run->keeper.running)
        return;
    if (!run->stop_ns)
        run->stop_ns = tsp_now_ns();
    tsp_keeper_stop(&run->keeper, how, run->stop_ns);
}

void tsp_run_snapshot(struct tsp_run *run, struct tsp_interval *sum)
{
    pthread_mutex_lock(&run->keeper.lock);
    *sum = run->keeper.sum;
    pthread_mutex_unlock(&run->keeper.lock);
}

static void wait_for_news(struct tsp_run *run)
{
    struct pollfd fds[] = {{.fd = run->keeper.event, .events = POLLIN},
                           {.fd = run->interrupted ? -1 : tsp_interrupt_fd(), .events = POLLIN}};
    uint64_t news;
    (void)poll(fds, 2, -1);
    (void)!read(run->keeper.event, &news, sizeof news);
    if (!run->interrupted && tsp_interrupted()) {
        run->interrupted = true;
        tsp_run_stop(run, TSP_STOP_ABORT);
    }
}

static void watch(struct tsp_run *run, tsp_on_interval *on_interval, void *user)
{
    size_t told = 0;
    struct tsp_interval interval;
    bool go_on = true;
    for (bool over = false; !over;) {
        over = tsp_keeper_is_over(&run->keeper);
        while (tsp_keeper_interval(&run->keeper, told, &interval)) {
            told++;
            if (go_on && on_interval)
                go_on = on_interval(&interval, user);
        }
        if (!go_on)
            tsp_run_stop(run, TSP_STOP_GENTLE);
        if (!over)
            wait_for_news(run);
    }
}

/* ---- the result ---- */

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_workers(struct tsp_run *run, struct tsp_result *r)
{
    const struct tsp_plan *plan = &run->plan;
    int64_t ended = 0, last_start = 0, failure = INT64_MAX;
    for (unsigned i = 0; i < plan->workers; i++) {
        const struct tsp_worker *w = &run->keeper.seat[i].worker;
        tsp_tally_add(&r->tally, &w->tally);
        if (plan->nat)
            tsp_nat_add(&r->nat, &w->nat);
        r->tuples += w->sources.tuples;
        r->skipped += w->sources.skipped;
        if (w->sources.shortest_reuse &&
            (!r->shortest_reuse || w->sources.shortest_reuse < r->shortest_reuse))
            r->shortest_reuse = w->sources.shortest_reuse;
        ended = latest(ended, w->ended_ns);
        last_start = latest(last_start, w->last_start_ns);
        failure = w->first_failure_ns < failure ? w->first_failure_ns : failure;
    }
    /* The sum of the workers' maxima may be past the cap: they need not be of one moment. */
    if (plan->max_open && r->tally.open_max > plan->max_open)
        r->tally.open_max = plan->max_open;
    int64_t opening = plan->length_ns == INT64_MAX ? last_start - plan->start_ns : plan->length_ns;
    if (run->stop_ns && run->stop_ns - plan->start_ns < opening)
        opening = run->stop_ns - plan->start_ns;
    r->opening = opening > 0 ? (double)opening / 1e9 : 0;
    r->length = plan->length_ns == INT64_MAX ? r->opening : (double)plan->length_ns / 1e9;
    r->elapsed = ended ? (double)(ended - plan->start_ns) / 1e9 : r->opening;
    r->first_failure = failure == INT64_MAX ? -1 : failure - plan->start_ns;
    if (r->first_failure > 0 && !plan->concurrency)
        r->first_failure_count = tsp_load_due_by(&plan->load, r->first_failure);
}

static void copy_plan(const struct tsp_run *run, struct tsp_result *r)
{
    const struct tsp_plan *plan = &run->plan;
    r->rate = plan->rate;
    r->closed_loop = plan->concurrency > 0;
    r->interrupted = run->interrupted;
    r->workers = plan->workers;
    r->content_len = plan->request.len;
    tsp_payload_sha256(&plan->request, r->content_sha256);
    r->target = plan->targets.item[0];
    r->port_hi = tsp_addr_port(&plan->targets.item[plan->targets.count - 1]);
    r->walk = plan->sources.walk;
    r->has_nat = plan->nat;
    r->warnings = run->warnings;
    /* The kernel chooses from its whole range, for each address and destination. */
    if (!r->walk)
        r->tuples = (uint64_t)(plan->sources.hi - plan->sources.lo + 1) * plan->targets.count *
                    (plan->locals.count ? plan->locals.count : 1);
}

static void add_machine(struct tsp_run *run, struct tsp_result *r)
{
    const struct tsp_usage *end = &run->keeper.usage;
    r->cpu_user = (double)(end->user_ns - run->usage.user_ns) / 1e9;
    r->cpu_system = (double)(end->system_ns - run->usage.system_ns) / 1e9;
    double all = (double)run->plan.limits.cpus * r->elapsed;
    r->cpu_share = all > 0 ? (r->cpu_user + r->cpu_system) / all : 0;
}

static void judge(struct tsp_run *run, struct tsp_result *r, bool incomplete)
{
    unsigned n = run->plan.workers;
    for (unsigned i = 0; i < n; i++) {
        const struct tsp_worker *w = &run->keeper.seat[i].worker;
        run->time[i] = (struct tsp_worker_time){w->usage.user_ns + w->usage.system_ns,
                                                w->usage.wait_ns, w->used_ns};
    }
    struct tsp_evidence evidence = {
        .tally = &r->tally,
        .counters = &r->counters,
        .worker = run->time,
        .workers = n,
        .hold_ns = run->plan.hold_ns,
        .closed_loop = r->closed_loop,
        .local_target = run->plan.local_target,
        .incomplete = incomplete,
    };
    tsp_verdict_of(&r->verdict, &evidence);
}

/* The identity every run has to satisfy, and with even arrivals that ran their
 * whole length the total that was promised. */
static bool adds_up(const struct tsp_run *run, const struct tsp_result *r)
{
    const struct tsp_plan *plan = &run->plan;
    bool whole = !run->stop_ns && !run->interrupted && !plan->concurrency && !plan->seed;
    uint64_t promised = plan->count ? plan->count : plan->load.total;
    return r->tally.open == 0 && tsp_tally_adds_up(&r->tally, !r->closed_loop) &&
           (!whole || r->tally.due == promised);
}

static void fill(struct tsp_run *run, struct tsp_result *r)
{
    bool counted = tsp_kcounters_diff(&r->counters, &run->keeper.after, &run->before) == 0;
    r->tally = run->tally;
    run->tally = (struct tsp_tally){0};
    copy_plan(run, r);
    add_workers(run, r);
    add_machine(run, r);
    r->timeline = run->keeper.timeline;
    run->keeper.timeline = (struct tsp_timeline){0};
    judge(run, r, !counted || run->keeper.out_of_memory);
}

int tsp_run_wait(struct tsp_run *run, struct tsp_result *result, tsp_on_interval *on_interval,
                 void *user)
{
    *result = (struct tsp_result){0};
    if (run->keeper.running)
        watch(run, on_interval, user);
    else
        tsp_keeper_note_end(&run->keeper);
    tsp_keeper_join(&run->keeper);
    fill(run, result);
    return adds_up(run, result) ? 0 : -EBADMSG;
}

void tsp_run_free(struct tsp_run *run)
{
    if (!run)
        return;
    tsp_run_stop(run, TSP_STOP_ABORT);
    tsp_keeper_clear(&run->keeper);
    clear_plan(run);
    tsp_kcounters_clear(&run->before);
    free(run);
}

int tsp_run_preflight(const struct tsp_run_spec *spec, struct tsp_findings *out,
                      struct tsp_err *err)
{
    struct tsp_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return tsp_fail(err, ENOMEM, "preflight");
    int rc = tsp_plan_make(plan, spec, err);
    if (!rc) {
        tsp_plan_preflight(plan, out);
        tsp_plan_clear(plan);
    }
    free(plan);
    return rc;
}
