/* verdict.h - valid, or this machine was the limit. Pure; never changes a count. */
#ifndef TSP_CLIENT_VERDICT_H
#define TSP_CLIENT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/tally.h"
#include "sys/kcounters.h"

#define TSP_REASONS_MAX 8

struct tsp_reason {
    const char *limit; /* whose: "generator", "own ports", … (API: limited_by) */
    const char *what;  /* what told it: "late starts", "own CPU", … (README: its table) */
    char text[224];    /* one sentence, what first */
};

struct tsp_verdict {
    struct tsp_reason reason[TSP_REASONS_MAX];
    size_t reasons; /* 0 = valid */
};

/* How one worker's thread spent the run, ns. */
struct tsp_worker_time {
    int64_t busy, waiting, wall;
};

struct tsp_evidence {
    const struct tsp_tally *tally;
    const struct tsp_kcounters *counters; /* of the run's own time */
    const struct tsp_worker_time *worker; /* workers of them */
    unsigned workers;
    int64_t hold_ns; /* that each connection was to stay open: part of its latency */
    bool closed_loop;
    bool local_target; /* the listen queue is this machine's */
    bool incomplete;   /* no memory for all intervals, or for the counters */
};

void tsp_verdict_of(struct tsp_verdict *v, const struct tsp_evidence *e);

#endif
