/* stages.h - piecewise-linear load: when is the n-th connection due?
 *
 * The rate runs in straight lines, stage after stage; N(t), the connections
 * due by time t, is its integral, and due_ns its inverse. No state and no
 * clock: a table tests it, and any number of workers shares it. n is real, so
 * that Poisson arrivals are the same function. Arithmetic is long double: at
 * 10^6/s an hour's last connection is still placed to the nanosecond.
 */
#ifndef TSP_LOAD_STAGES_H
#define TSP_LOAD_STAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TSP_NEVER INT64_MAX

struct tsp_stage {
    double rate, rate_to; /* per second, at its start and end; equal = constant */
    int64_t length_ns;
};

struct tsp_segment; /* a stage with what comes before it, private */

struct tsp_load {
    struct tsp_segment *segment; /* owned */
    size_t segments;
    int64_t length_ns;    /* of all stages together */
    uint64_t total;       /* connections due in all: the n with due_ns(n) < length */
    long double expected; /* the integral itself; total is its ceiling, with tolerance */
};

/* Copies the stages. -EINVAL with a sentence: no stage, a length <= 0, a rate
 * that is negative, not finite or above 1e7, a load in which nothing is ever
 * due, more than 2^53 connections. -ENOMEM. */
int tsp_load_init(struct tsp_load *load, const struct tsp_stage *stage, size_t stages,
                  struct tsp_err *err);
void tsp_load_clear(struct tsp_load *load); /* all-zero is allowed */

/* Nanoseconds from the start of the run at which point n >= 0 of the load is
 * due; TSP_NEVER past the end. Monotonic in n. The total is computed once, with
 * tolerance (1.1/s x 30 s is 33), never by comparing times. */
int64_t tsp_load_due_ns(const struct tsp_load *load, double n);

/* Points due before time t (ns): the n in 0, 1, 2, ... with due_ns(n) < t. */
uint64_t tsp_load_due_by(const struct tsp_load *load, int64_t t_ns);

/* Mean of the whole load, per second. */
double tsp_load_mean_rate(const struct tsp_load *load);

/* Highest rate anywhere. */
double tsp_load_peak_rate(const struct tsp_load *load);

#endif
