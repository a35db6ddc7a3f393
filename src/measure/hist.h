/* hist.h - latency histogram in HdrHistogram's bucket layout.
 *
 * Values are nanoseconds, 1 .. 3.6e12 (an hour), three significant figures
 * (worst error below 0.1 %). Larger values are counted in the last bucket,
 * smaller ones as 1; min and max are exact. Fixed memory (some 270 KiB of
 * address space, of which only touched pages are backed). One writer, no
 * locks: a histogram belongs to one thread at a time.
 *
 * Layout: lowest discernible value 1, 2048 sub-buckets (the least power of two
 * that keeps three figures), 32 buckets; see HdrHistogram's documentation.
 */
#ifndef TSP_MEASURE_HIST_H
#define TSP_MEASURE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TSP_HIST_LOWEST INT64_C(1)
#define TSP_HIST_HIGHEST INT64_C(3600000000000)
#define TSP_HIST_FIGURES 3

struct tsp_hist;

struct tsp_hist *tsp_hist_new(void);     /* caller owns; NULL = out of memory */
void tsp_hist_free(struct tsp_hist *h);  /* NULL is allowed */
void tsp_hist_reset(struct tsp_hist *h); /* cost follows the range in use */

void tsp_hist_record(struct tsp_hist *h, int64_t ns);
void tsp_hist_record_n(struct tsp_hist *h, int64_t ns, uint64_t n);
void tsp_hist_add(struct tsp_hist *into, const struct tsp_hist *from);

uint64_t tsp_hist_count(const struct tsp_hist *h);
int64_t tsp_hist_min(const struct tsp_hist *h);  /* exact; 0 when empty */
int64_t tsp_hist_max(const struct tsp_hist *h);  /* exact; 0 when empty */
double tsp_hist_mean(const struct tsp_hist *h);  /* ns, of bucket midpoints; 0 when empty */
double tsp_hist_stdev(const struct tsp_hist *h); /* ns, of the population; 0 when empty */

/* Takes the memory for values of lo .. hi (ns, >= 1) now, else it is taken page by page
 * as values come. Changes nothing that can be seen. */
void tsp_hist_prepare(struct tsp_hist *h, int64_t lo, int64_t hi);

/* Smallest recorded value v such that p percent of all values are <= v, as its
 * bucket's upper edge, never above max. 0 when empty. p outside 0..100 is
 * clamped; p = 0 is min. */
int64_t tsp_hist_percentile(const struct tsp_hist *h, double p);

/* How many recorded values lie in the buckets from that of lo to that of hi. */
uint64_t tsp_hist_count_between(const struct tsp_hist *h, int64_t lo, int64_t hi);

/* One bucket of an iteration: values from .. to (both inclusive), count > 0. */
struct tsp_hist_step {
    int32_t index; /* start with -1 */
    int64_t from, to;
    uint64_t count;
};

/* Moves to the next bucket that holds something; false at the end. */
bool tsp_hist_next(const struct tsp_hist *h, struct tsp_hist_step *step);

#endif
