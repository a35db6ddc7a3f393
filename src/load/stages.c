#include "load/stages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define RATE_MAX 1e7
#define NS_PER_SECOND 1e9L

/* Past this, a double no longer holds every whole number. */
#define TOTAL_MAX 0x1p53L

/* Points n from begin up to, not including, end are due in this stage. Half
 * open: a point on the edge of a pause comes after it. */
struct tsp_segment {
    long double begin, end;
    long double rate, rate_to, slope; /* per second, per second squared */
    int64_t start_ns, length_ns;
};

static int check(const struct tsp_stage *s, size_t index, struct tsp_err *err)
{
    if (s->length_ns <= 0)
        return tsp_refuse(err, EINVAL, "stage %zu: length must be above 0", index + 1);
    /* Written so that NaN fails. */
    if (!(s->rate >= 0 && s->rate <= RATE_MAX) || !(s->rate_to >= 0 && s->rate_to <= RATE_MAX))
        return tsp_refuse(err, EINVAL, "stage %zu: rate must be 0 .. 10M", index + 1);
    return 0;
}

/* The whole number that n was meant to be, or n. 1.1/s as a double is a little
 * more than 1.1 and a length is rounded to nanoseconds, so 33 comes out as
 * 33.000000000000003: taken as it is, that would be a 34th connection. */
static long double snapped(long double n, long double mean_rate)
{
    long double tolerance = 0.6L / NS_PER_SECOND * mean_rate + n * 0x1p-51L;
    long double whole = roundl(n);
    return fabsl(n - whole) <= tolerance ? whole : n;
}

static void append(struct tsp_load *load, const struct tsp_stage *stage)
{
    long double seconds = (long double)stage->length_ns / NS_PER_SECOND;
    long double mean = ((long double)stage->rate + stage->rate_to) / 2;
    long double begin = load->segments ? load->segment[load->segments - 1].end : 0;
    load->segment[load->segments++] = (struct tsp_segment){
        .begin = begin,
        .end = fmaxl(begin, snapped(begin + mean * seconds, mean)),
        .rate = stage->rate,
        .rate_to = stage->rate_to,
        .slope = ((long double)stage->rate_to - stage->rate) / seconds,
        .start_ns = load->length_ns,
        .length_ns = stage->length_ns,
    };
    load->expected += mean * seconds;
    load->length_ns += stage->length_ns;
}

static int fill(struct tsp_load *load, const struct tsp_stage *stage, size_t stages,
                struct tsp_err *err)
{
    for (size_t i = 0; i < stages; i++) {
        int rc = check(&stage[i], i, err);
        if (rc)
            return rc;
        if (stage[i].length_ns >= TSP_NEVER - load->length_ns)
            return tsp_refuse(err, EINVAL, "stage %zu: all lengths together are too long", i + 1);
        append(load, &stage[i]);
    }
    long double total = ceill(load->segment[stages - 1].end);
    if (total == 0)
        return tsp_refuse(err, EINVAL, "with a rate of 0 no connection is ever due");
    if (total > TOTAL_MAX)
        return tsp_refuse(err, EINVAL, "more than 2^53 connections");
    load->total = (uint64_t)total;
    return 0;
}

int tsp_load_init(struct tsp_load *load, const struct tsp_stage *stage, size_t stages,
                  struct tsp_err *err)
{
    *load = (struct tsp_load){0};
    if (stages == 0)
        return tsp_refuse(err, EINVAL, "a load needs at least one stage");
    load->segment = calloc(stages, sizeof *load->segment);
    if (!load->segment)
        return tsp_fail(err, ENOMEM, "load of %zu stages", stages);
    int rc = fill(load, stage, stages, err);
    if (rc)
        tsp_load_clear(load);
    return rc;
}

void tsp_load_clear(struct tsp_load *load)
{
    free(load->segment);
    *load = (struct tsp_load){0};
}

/* The segment in which point n is due, n being before the end of the last. */
static const struct tsp_segment *segment_of(const struct tsp_load *load, long double n)
{
    size_t lo = 0, hi = load->segments - 1;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (n < load->segment[middle].end)
            hi = middle;
        else
            lo = middle + 1;
    }
    return &load->segment[lo];
}

/* Inverse of  rate t + slope t^2 / 2 = n,  in ns. This form of the solution has
 * no difference of near numbers, and is n / rate where the slope is 0. */
static long double ns_until(const struct tsp_segment *s, long double n)
{
    if (n <= 0)
        return 0;
    if (s->slope == 0)
        return n * NS_PER_SECOND / s->rate;
    long double under = s->rate * s->rate + 2 * s->slope * n;
    return 2 * n * NS_PER_SECOND / (s->rate + sqrtl(under > 0 ? under : 0));
}

int64_t tsp_load_due_ns(const struct tsp_load *load, double n)
{
    if (load->segments == 0 || n >= load->segment[load->segments - 1].end)
        return TSP_NEVER;
    const struct tsp_segment *s = segment_of(load, n);
    long double ns = rintl(ns_until(s, n - s->begin));
    /* Rounding, or the snapped end, may carry it to the edge or past it. */
    int64_t last = s->length_ns - 1;
    return s->start_ns + (ns < (long double)last ? (int64_t)ns : last);
}

/* By halving: only due_ns itself knows how it rounds. */
uint64_t tsp_load_due_by(const struct tsp_load *load, int64_t t_ns)
{
    uint64_t lo = 0, hi = load->total;
    while (lo < hi) {
        uint64_t middle = lo + (hi - lo) / 2;
        if (tsp_load_due_ns(load, (double)middle) < t_ns)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

double tsp_load_mean_rate(const struct tsp_load *load)
{
    if (load->length_ns == 0)
        return 0;
    return (double)(load->expected * NS_PER_SECOND / (long double)load->length_ns);
}

double tsp_load_peak_rate(const struct tsp_load *load)
{
    long double peak = 0;
    for (size_t i = 0; i < load->segments; i++)
        peak = fmaxl(peak, fmaxl(load->segment[i].rate, load->segment[i].rate_to));
    return (double)peak;
}
