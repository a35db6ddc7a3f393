/* plan.h - a checked and resolved spec: all that workers need to know.
 *
 * Made by the main thread before the workers start, read-only from then on.
 */
#ifndef TSP_CLIENT_PLAN_H
#define TSP_CLIENT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "client/spec.h"
#include "load/stages.h"
#include "net/addr.h"
#include "net/exchange.h"
#include "net/sources.h"
#include "sys/limits.h"
#include "sys/preflight.h"

struct tsp_plan {
    /* when */
    struct tsp_load load; /* all-zero in a closed loop */
    uint64_t concurrency; /* 0 = by the clock */
    uint64_t count;       /* connections in all, where that ends the run; 0 = the load does */
    uint64_t seed;        /* 0 = even arrivals */
    int64_t length_ns;    /* asked for; INT64_MAX: until count */
    double rate;          /* mean, asked for; 0 in a closed loop */
    int64_t start_ns;     /* tsp_now_ns() of the load's zero */
    int64_t interval_ns;
    unsigned workers;
    uint64_t max_open; /* 0 = no cap */

    /* where */
    struct tsp_addrs targets, locals; /* unspecified targets and sources of a walk are named */
    struct tsp_sources_spec sources;
    uint8_t taken[8192];
    bool local_target;    /* it ends on this machine */
    bool loopback;        /* ... at an address in 127.0.0.0/8, or ::1 */
    bool may_meet_itself; /* kernel-chosen ports could be the target's own */

    /* what */
    struct tsp_payload request;
    uint64_t expect;
    int64_t hold_ns, timeout_ns;
    enum tsp_close_style close;
    bool coalesce_fin, nat;

    struct tsp_limits limits; /* as they were when the plan was made */
    bool own_server;
};

/* Resolves, reads files, decides about source ports. On failure nothing is held. */
int tsp_plan_make(struct tsp_plan *plan, const struct tsp_run_spec *spec, struct tsp_err *err);
void tsp_plan_clear(struct tsp_plan *plan); /* all-zero is allowed */

/* The plan against the machine. */
void tsp_plan_preflight(const struct tsp_plan *plan, struct tsp_findings *out);

#endif
