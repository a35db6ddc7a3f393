/* timeline.h - one small summary per interval of a run.
 *
 * tsp_slice is what one worker (or all of them, added up) did in an interval;
 * tsp_interval is what is kept of it. Owner: one thread at a time.
 */
#ifndef TSP_MEASURE_TIMELINE_H
#define TSP_MEASURE_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "measure/hist.h"

struct tsp_slice {
    uint64_t started, ok, failed;
    uint64_t open; /* now, not summed over time: the last post counts */
    struct tsp_hist *latency, *lag;
};

struct tsp_interval {
    double time; /* end of the interval, seconds from the start of the run */
    uint64_t started, ok, failed, open;
    int64_t p50, p99, max; /* latency of those that ended ok, ns; 0 = none did */
    int64_t lag_p99;       /* ns; 0 = none started */
};

struct tsp_timeline {
    struct tsp_interval *item; /* count of them, in order of time */
    size_t count, room;
};

int tsp_slice_init(struct tsp_slice *s);   /* 0 or -ENOMEM; on failure nothing is held */
void tsp_slice_clear(struct tsp_slice *s); /* all-zero is allowed */
void tsp_slice_prepare(struct tsp_slice *s, int64_t lo, int64_t hi); /* as tsp_hist_prepare */
void tsp_slice_reset(struct tsp_slice *s); /* counts and histograms to nothing; open too */
/* Sums everything, open too: slices of different workers. */
void tsp_slice_add(struct tsp_slice *into, const struct tsp_slice *from);

/* Takes the memory for so many intervals in all. 0 or -ENOMEM. */
int tsp_timeline_reserve(struct tsp_timeline *t, size_t intervals);

/* Appends the summary of s at this time. 0 or -ENOMEM. */
int tsp_timeline_append(struct tsp_timeline *t, double time, const struct tsp_slice *s);
void tsp_timeline_clear(struct tsp_timeline *t); /* all-zero is allowed */

#endif
