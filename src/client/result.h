/* result.h - what a run measured: the workers' tallies added up, and what is
 * known about the circumstances. Plain data; times in ns unless said otherwise.
 */
#ifndef TSP_CLIENT_RESULT_H
#define TSP_CLIENT_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/nat.h"
#include "client/verdict.h"
#include "measure/tally.h"
#include "measure/timeline.h"
#include "net/addr.h"
#include "net/exchange.h"
#include "sys/kcounters.h"
#include "sys/preflight.h"

struct tsp_result {
    struct tsp_tally tally;
    struct tsp_timeline timeline;

    double rate;    /* asked, mean, per second; 0 in a closed loop */
    double length;  /* seconds asked for; of a closed loop until count: as long as it took */
    double opening; /* seconds in which connections were opened: length, or until it was stopped */
    double elapsed; /* seconds until the last connection ended */
    bool closed_loop, interrupted;
    unsigned workers;

    size_t content_len; /* what each connection was to send */
    char content_sha256[TSP_SHA256_TEXT];

    struct tsp_addr target; /* the first */
    uint16_t port_hi;       /* of the last */

    bool walk; /* tspam picked the source ports, not the kernel */
    uint64_t tuples, skipped;
    int64_t shortest_reuse; /* 0 = none was reused, or the kernel picked */

    bool has_nat;
    struct tsp_nat nat;

    /* When the first connection went wrong, from the start; -1 = none failed. Without an
     * answer: when it was due, or if it had been established, when the answer began to be
     * waited for. Else when it broke. */
    int64_t first_failure;
    uint64_t first_failure_count; /* connections due before that */

    struct tsp_kcounters counters;
    double cpu_user, cpu_system, cpu_share; /* seconds; share of all processors */
    struct tsp_findings warnings;
    struct tsp_verdict verdict;
};

/* An all-zero result is allowed. */
void tsp_result_clear(struct tsp_result *r);

double tsp_result_achieved(const struct tsp_result *r);  /* started / opening */
double tsp_result_completed(const struct tsp_result *r); /* ok / elapsed */

#endif
