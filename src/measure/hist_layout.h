/* hist_layout.h - where a value lies in HdrHistogram's layout: shared by the
 * histogram and its codec, private to measure/. Pure arithmetic.
 *
 * Bucket i < 2048 holds the value i alone; above, each power of two is cut into
 * 1024 buckets of equal width, so that the width is below 1/1000 of the value.
 */
#ifndef TSP_MEASURE_HIST_LAYOUT_H
#define TSP_MEASURE_HIST_LAYOUT_H

#include <stdint.h>

#include "measure/hist.h"

/* 2048 sub-buckets are the least power of two not below 2 * 10^3. */
#define TSP_HIST_SUB_BITS 11
#define TSP_HIST_HALF (1 << (TSP_HIST_SUB_BITS - 1))

/* 2^42 is the first power of two above 3.6e12: 32 times the first 2048. */
#define TSP_HIST_VALUE_BITS 42
#define TSP_HIST_BUCKETS ((TSP_HIST_VALUE_BITS - TSP_HIST_SUB_BITS + 2) * TSP_HIST_HALF)

/* ns >= 1. */
static inline int32_t tsp_hist_bucket(int64_t ns)
{
    uint64_t v = (uint64_t)ns;
    if (v >> TSP_HIST_VALUE_BITS)
        return TSP_HIST_BUCKETS - 1;
    int shift = 63 - __builtin_clzll(v | (TSP_HIST_HALF * 2 - 1)) - (TSP_HIST_SUB_BITS - 1);
    return shift * TSP_HIST_HALF + (int32_t)(v >> shift);
}

/* The least value of a bucket; that of TSP_HIST_BUCKETS is one past the end. */
static inline int64_t tsp_hist_bucket_from(int32_t bucket)
{
    int32_t shift = bucket < 2 * TSP_HIST_HALF ? 0 : bucket / TSP_HIST_HALF - 1;
    return (int64_t)((uint64_t)(bucket - shift * TSP_HIST_HALF) << shift);
}

/* Counts n > 0 values of which only the bucket is known: min and max become its
 * edges. Bucket 0 is the value 0, which counts as 1. */
void tsp_hist_put(struct tsp_hist *h, int32_t bucket, uint64_t n);

#endif
