/* spec.h - what a load is asked to do, and the table that reads it. */
#ifndef TSP_CLIENT_SPEC_H
#define TSP_CLIENT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"

/* A constant rate, a whole piecewise-linear load, and its ceilings. */
#define TSP_RATE_MAX 1e7
#define TSP_COUNT_MAX 9007199254740992.0 /* 2^53: past it a double skips numbers */

/* Plain data; strings and lists belong to the caller and are only read by start.
 * Members not given hold TSP_UNSET, NULL, false or an empty list. */
struct tsp_run_spec {
    const char *host;
    struct tsp_ports port;
    double rate, rate_to; /* per second */
    struct tsp_stage_list stages;
    int64_t concurrency;
    int64_t length_ns, count;
    int arrivals; /* index into TSP_ARRIVALS_CHOICES */
    int64_t seed;
    struct tsp_data content;
    const char *content_file;
    int64_t expect; /* bytes */
    int64_t hold_ns;
    int close; /* enum tsp_close_style */
    bool coalesce_fin, nat;
    struct tsp_strings local_ips;
    const char *local_ports; /* "auto", "kernel", "walk", "lo-hi", "lo-hi/step" */
    int64_t timeout_ns;
    int64_t max_open;
    int64_t workers; /* 0 = one per CPU */
    int64_t interval_ns;
    const char *label;
    bool own_server; /* set by the caller, not by the table: the target runs in this process */
};

#define TSP_ARRIVALS_CHOICES "even|poisson"
#define TSP_ARRIVALS_POISSON 1

extern const struct tsp_field tsp_run_fields[];

/* What a single row cannot check, and the defaults that depend on other
 * members (length). 0, or -EINVAL with a sentence. */
int tsp_run_spec_check(struct tsp_run_spec *spec, struct tsp_err *err);

#endif
