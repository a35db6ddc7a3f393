#include "measure/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tsp_slice_init(struct tsp_slice *s)
{
    *s = (struct tsp_slice){.latency = tsp_hist_new(), .lag = tsp_hist_new()};
    if (s->latency && s->lag)
        return 0;
    tsp_slice_clear(s);
    return -ENOMEM;
}

void tsp_slice_clear(struct tsp_slice *s)
{
    tsp_hist_free(s->latency);
    tsp_hist_free(s->lag);
    *s = (struct tsp_slice){0};
}

void tsp_slice_prepare(struct tsp_slice *s, int64_t lo, int64_t hi)
{
    tsp_hist_prepare(s->latency, lo, hi);
    tsp_hist_prepare(s->lag, lo, hi);
}

void tsp_slice_reset(struct tsp_slice *s)
{
    tsp_hist_reset(s->latency);
    tsp_hist_reset(s->lag);
    *s = (struct tsp_slice){.latency = s->latency, .lag = s->lag};
}

void tsp_slice_add(struct tsp_slice *into, const struct tsp_slice *from)
{
    into->started += from->started;
    into->ok += from->ok;
    into->failed += from->failed;
    into->open += from->open;
    tsp_hist_add(into->latency, from->latency);
    tsp_hist_add(into->lag, from->lag);
}

int tsp_timeline_reserve(struct tsp_timeline *t, size_t intervals)
{
    if (intervals <= t->room)
        return 0;
    struct tsp_interval *item = reallocarray(t->item, intervals, sizeof *item);
    if (!item)
        return -ENOMEM;
    memset(item + t->room, 0, (intervals - t->room) * sizeof *item);
    t->item = item;
    t->room = intervals;
    return 0;
}

/* Doubles: a run of hours appends thousands of intervals, one at a time. */
static int make_room(struct tsp_timeline *t)
{
    if (t->count < t->room)
        return 0;
    return tsp_timeline_reserve(t, t->room ? t->room * 2 : 64);
}

int tsp_timeline_append(struct tsp_timeline *t, double time, const struct tsp_slice *s)
{
    int rc = make_room(t);
    if (rc)
        return rc;
    t->item[t->count++] = (struct tsp_interval){
        .time = time,
        .started = s->started,
        .ok = s->ok,
        .failed = s->failed,
        .open = s->open,
        .p50 = tsp_hist_percentile(s->latency, 50),
        .p99 = tsp_hist_percentile(s->latency, 99),
        .max = tsp_hist_max(s->latency),
        .lag_p99 = tsp_hist_percentile(s->lag, 99),
    };
    return 0;
}

void tsp_timeline_clear(struct tsp_timeline *t)
{
    free(t->item);
    *t = (struct tsp_timeline){0};
}
