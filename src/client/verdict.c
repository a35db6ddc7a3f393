#include "client/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/units.h"

/* A late start is one the target did not cause. Up to 10 ms, or a tenth of what
 * is measured, it is noise. (A hold is not measured, but waited for.) */
#define LAG_FLOOR_NS (10 * TSP_MS)
#define LAG_SHARE 0.1
#define STARTED_SHARE 0.99

/* Fewer late beats than this are one stall of a moment. */
#define LATE_BEATS 3

/* A thread that is busy, or waiting for a processor, for this much of the time
 * has none left. */
#define BUSY_SHARE 0.95

static void add(struct tsp_verdict *v, const char *limit, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void add(struct tsp_verdict *v, const char *limit, const char *what, const char *fmt, ...)
{
    if (v->reasons == TSP_REASONS_MAX)
        return;
    struct tsp_reason *r = &v->reason[v->reasons++];
    r->limit = limit;
    r->what = what;
    int head = snprintf(r->text, sizeof r->text, "%s: ", what);
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->text + head, sizeof r->text - (size_t)head, fmt, args);
    va_end(args);
}

static uint64_t failures(const struct tsp_tally *t, enum tsp_outcome o)
{
    uint64_t n = 0;
    for (int s = 0; s < TSP_STEPS; s++)
        n += t->failure[o][s];
    return n;
}

static int64_t late_bound(const struct tsp_evidence *e)
{
    int64_t latency = tsp_hist_percentile(e->tally->phase[TSP_PHASE_LATENCY], 50);
    double share = (double)(latency - e->hold_ns) * LAG_SHARE;
    return share > (double)LAG_FLOOR_NS ? (int64_t)share : LAG_FLOOR_NS;
}

static void judge_starts(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    const struct tsp_tally *t = e->tally;
    if (e->closed_loop)
        return;
    uint64_t wanted = t->due - t->capped;
    if ((double)t->started < STARTED_SHARE * (double)wanted)
        add(v, "generator", "late starts",
            "only %.1f %% of the connections that were due could be started in time (%llu of %llu)",
            100 * (double)t->started / (double)wanted, (unsigned long long)t->started,
            (unsigned long long)wanted);
    int64_t lag = tsp_hist_percentile(t->phase[TSP_PHASE_LAG], 99), bound = late_bound(e);
    char is[16], may_be[16];
    if (lag > bound)
        add(v, "generator", "late starts",
            "1 %% of the connections were started %s or more after they were due (bound %s)",
            tsp_format_time(is, sizeof is, lag), tsp_format_time(may_be, sizeof may_be, bound));
}

/* A closed loop has no due times, and answers still come after the last start: for
 * both the beats of the workers' loops tell. The share that was late is the share of
 * the time in which nobody here could act. */
static void judge_beats(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    const struct tsp_hist *beat = e->tally->beat;
    int64_t bound = late_bound(e);
    uint64_t all = tsp_hist_count(beat), late = tsp_hist_count_between(beat, bound, INT64_MAX);
    char longest[16], may_be[16];
    if (late < LATE_BEATS || (double)late <= (1 - STARTED_SHARE) * (double)all)
        return;
    add(v, "generator", "late wake-ups",
        "for %.0f %% of the run this process could not act for %s or more (longest %s)",
        100 * (double)late / (double)all, tsp_format_time(may_be, sizeof may_be, bound),
        tsp_format_time(longest, sizeof longest, tsp_hist_max(beat)));
}

static void judge_cpu(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    double busy = 0, waiting = 0;
    for (unsigned i = 0; i < e->workers; i++) {
        const struct tsp_worker_time *w = &e->worker[i];
        if (w->wall <= 0 || (double)(w->busy + w->waiting) / (double)w->wall < busy + waiting)
            continue;
        busy = (double)w->busy / (double)w->wall;
        waiting = (double)w->waiting / (double)w->wall;
    }
    if (busy > BUSY_SHARE)
        add(v, "generator", "own CPU", "a worker thread was busy for %.0f %% of the run",
            100 * busy);
    else if (busy + waiting > BUSY_SHARE)
        add(v, "generator", "own CPU",
            "a worker thread was busy for %.0f %% of the run and waited for a processor for %.0f "
            "%%",
            100 * busy, 100 * waiting);
}

static void judge_resources(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    uint64_t ports = failures(e->tally, TSP_NO_PORT), fds = failures(e->tally, TSP_NO_FD);
    uint64_t memory = failures(e->tally, TSP_NO_MEMORY);
    if (ports)
        add(v, "own ports", "own ports",
            "%llu connections found no free source port on this machine",
            (unsigned long long)ports);
    if (fds)
        add(v, "own descriptors", "own descriptors",
            "%llu connections found no free file descriptor on this machine",
            (unsigned long long)fds);
    if (memory)
        add(v, "own memory", "own memory", "%llu connections found no memory on this machine",
            (unsigned long long)memory);
    else if (e->incomplete)
        add(v, "own memory", "own memory",
            "this machine had none left for a part of the report (intervals of the timeline, or "
            "the kernel's counters)");
}

static void judge_kernel(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    int64_t overflows = tsp_kcounters_get(e->counters, "TcpExtListenOverflows");
    int64_t drops = tsp_kcounters_get(e->counters, "TcpExtListenDrops");
    int64_t full = tsp_kcounters_get(e->counters, "TcpExtTCPReqQFullDrop");
    /* Drops count the overflows again, and whatever else made a listener drop. */
    int64_t queue = (drops > overflows ? drops : overflows) + full;
    if (e->local_target && queue > 0)
        add(v, "own listen queue", "own listen queue",
            "a server on this machine let %lld handshakes drop (listen queue full)",
            (long long)queue);
    int64_t table = tsp_kcounters_get(e->counters, "ConntrackDrop") +
                    tsp_kcounters_get(e->counters, "ConntrackEarlyDrop");
    if (table > 0)
        add(v, "own conntrack", "own conntrack",
            "this machine's connection tracking table was full, %lld packets or entries dropped",
            (long long)table);
}

void tsp_verdict_of(struct tsp_verdict *v, const struct tsp_evidence *e)
{
    v->reasons = 0;
    judge_resources(v, e);
    judge_kernel(v, e);
    size_t others = v->reasons;
    judge_starts(v, e);
    if (v->reasons == others) /* else it is the same lateness once more */
        judge_beats(v, e);
    judge_cpu(v, e);
}
