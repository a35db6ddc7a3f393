#include "measure/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/hist_layout.h"

/* Counts stay below this, so that their sums fit the signed numbers of the
 * text form, and adding one at a time cannot overflow in any run. */
#define COUNT_MAX (UINT64_C(1) << 62)

struct tsp_hist {
    uint64_t total;
    int64_t min, max; /* INT64_MAX and 0 when empty; their buckets bound the range in use */
    uint64_t count[TSP_HIST_BUCKETS];
};

struct tsp_hist *tsp_hist_new(void)
{
    struct tsp_hist *h = calloc(1, sizeof *h);
    if (h)
        h->min = INT64_MAX;
    return h;
}

void tsp_hist_free(struct tsp_hist *h)
{
    free(h);
}

/* The buckets in use are first .. end - 1; end is 0 when empty. */
static int32_t first_used(const struct tsp_hist *h)
{
    return h->total ? tsp_hist_bucket(h->min) : 0;
}

static int32_t end_used(const struct tsp_hist *h)
{
    return h->total ? tsp_hist_bucket(h->max) + 1 : 0;
}

void tsp_hist_reset(struct tsp_hist *h)
{
    int32_t first = first_used(h);
    memset(h->count + first, 0, (size_t)(end_used(h) - first) * sizeof h->count[0]);
    h->total = 0;
    h->min = INT64_MAX;
    h->max = 0;
}

#define PAGE_BUCKETS 512 /* of 4 KiB; larger pages are written to more than once */

void tsp_hist_prepare(struct tsp_hist *h, int64_t lo, int64_t hi)
{
    volatile uint64_t *count = h->count;
    int32_t last = tsp_hist_bucket(hi);
    for (int32_t b = tsp_hist_bucket(lo); b < last; b += PAGE_BUCKETS)
        count[b] = h->count[b];
    count[last] = h->count[last];
}

static inline void widen(struct tsp_hist *h, int64_t lo, int64_t hi)
{
    if (lo < h->min)
        h->min = lo;
    if (hi > h->max)
        h->max = hi;
}

static uint64_t room_for(const struct tsp_hist *h, uint64_t n)
{
    uint64_t room = h->total < COUNT_MAX ? COUNT_MAX - h->total : 0;
    return n < room ? n : room;
}

void tsp_hist_record(struct tsp_hist *h, int64_t ns)
{
    if (ns < TSP_HIST_LOWEST)
        ns = TSP_HIST_LOWEST;
    h->count[tsp_hist_bucket(ns)]++;
    h->total++;
    widen(h, ns, ns);
}

void tsp_hist_record_n(struct tsp_hist *h, int64_t ns, uint64_t n)
{
    if (ns < TSP_HIST_LOWEST)
        ns = TSP_HIST_LOWEST;
    n = room_for(h, n);
    if (n == 0)
        return;
    h->count[tsp_hist_bucket(ns)] += n;
    h->total += n;
    widen(h, ns, ns);
}

void tsp_hist_put(struct tsp_hist *h, int32_t bucket, uint64_t n)
{
    if (bucket < 1)
        bucket = 1;
    n = room_for(h, n);
    h->count[bucket] += n;
    h->total += n;
    if (n > 0)
        widen(h, tsp_hist_bucket_from(bucket), tsp_hist_bucket_from(bucket + 1) - 1);
}

void tsp_hist_add(struct tsp_hist *into, const struct tsp_hist *from)
{
    int32_t end = end_used(from);
    for (int32_t i = first_used(from); i < end; i++) {
        uint64_t n = room_for(into, from->count[i]);
        into->count[i] += n;
        into->total += n;
    }
    widen(into, from->min, from->max);
}

uint64_t tsp_hist_count(const struct tsp_hist *h)
{
    return h->total;
}

int64_t tsp_hist_min(const struct tsp_hist *h)
{
    return h->total ? h->min : 0;
}

int64_t tsp_hist_max(const struct tsp_hist *h)
{
    return h->max;
}

static double middle(const struct tsp_hist_step *step)
{
    return ((double)step->from + (double)step->to) / 2;
}

double tsp_hist_mean(const struct tsp_hist *h)
{
    struct tsp_hist_step step = {.index = -1};
    double sum = 0;
    while (tsp_hist_next(h, &step))
        sum += middle(&step) * (double)step.count;
    return h->total ? sum / (double)h->total : 0;
}

double tsp_hist_stdev(const struct tsp_hist *h)
{
    struct tsp_hist_step step = {.index = -1};
    double mean = tsp_hist_mean(h), sum = 0;
    while (tsp_hist_next(h, &step)) {
        double off = middle(&step) - mean;
        sum += off * off * (double)step.count;
    }
    return h->total ? sqrt(sum / (double)h->total) : 0;
}

/* How many values p percent of all are, rounded up; at least 1. The next double
 * below p: 99.9 is stored as a little more, and 99.9 % of 1000 must be 999. */
static uint64_t rank_of(const struct tsp_hist *h, double p)
{
    long double exact = (long double)nextafter(p, 0) / 100 * (long double)h->total;
    uint64_t rank = (uint64_t)ceill(exact);
    return rank > 0 ? rank : 1;
}

int64_t tsp_hist_percentile(const struct tsp_hist *h, double p)
{
    if (!(p > 0))
        return tsp_hist_min(h);
    if (h->total == 0 || p >= 100)
        return h->max;
    struct tsp_hist_step step = {.index = -1};
    uint64_t rank = rank_of(h, p), seen = 0;
    while (seen < rank && tsp_hist_next(h, &step))
        seen += step.count;
    return step.to;
}

uint64_t tsp_hist_count_between(const struct tsp_hist *h, int64_t lo, int64_t hi)
{
    if (hi < lo || hi < 0)
        return 0;
    int32_t i = tsp_hist_bucket(lo < 1 ? 1 : lo), last = tsp_hist_bucket(hi < 1 ? 1 : hi);
    int32_t first = first_used(h), end = end_used(h);
    uint64_t sum = 0;
    for (i = i < first ? first : i; i <= last && i < end; i++)
        sum += h->count[i];
    return sum;
}

bool tsp_hist_next(const struct tsp_hist *h, struct tsp_hist_step *step)
{
    int32_t first = first_used(h), end = end_used(h);
    int32_t i = step->index < first ? first : step->index + 1;
    while (i < end && h->count[i] == 0)
        i++;
    if (i >= end)
        return false;
    int64_t from = tsp_hist_bucket_from(i), to = tsp_hist_bucket_from(i + 1) - 1;
    step->index = i;
    step->from = from > h->min ? from : h->min;
    /* The last bucket has no upper edge of its own: it ends at max. */
    step->to = to < h->max && i < TSP_HIST_BUCKETS - 1 ? to : h->max;
    step->count = h->count[i];
    return true;
}
