/* preflight.h - a usual machine, a small load, and what to expect of the two. */
#ifndef TSP_TESTS_PREFLIGHT_H
#define TSP_TESTS_PREFLIGHT_H

#include <string.h>

#include "support/cmocka_all.h"
#include "sys/preflight.h"

#define S INT64_C(1000000000) /* a second */

/* A machine as Debian installs it, with a generous descriptor limit. */
static const struct tsp_limits usual = {
    .nofile_soft = 1024,
    .nofile_hard = 1048576,
    .nofile_used = 10,
    .nr_open = 1048576,
    .cpus = 4,
    .port_lo = 32768,
    .port_hi = 60999,
    .ports_reserved = 0,
    .tw_reuse = 2,
    .tw_reuse_delay_ms = 1000,
    .tw_max = 131072,
    .tw_now = 0,
    .timestamps = 1,
    .somaxconn = 4096,
    .syn_backlog = 2048,
    .syncookies = 1,
    .conntrack_max = 262144,
    .conntrack_count = 0,
    .memory_free = 4000000000,
};

static const struct tsp_demand small = {
    .rate = 1000,
    .mean_rate = 1000,
    .length_ns = 10 * S,
    .timeout_ns = 30 * S,
    .total = 10000,
    .sources = 1,
    .destinations = 1,
    .walk_ports = 64512,
    .workers = 4,
};

static inline const struct tsp_finding *look(struct tsp_findings *all, const char *what)
{
    for (size_t i = 0; i < all->count; i++)
        if (strncmp(all->item[i].what, what, strlen(what)) == 0)
            return &all->item[i];
    fail_msg("no finding about %s", what);
    return NULL;
}

static inline void expect(const struct tsp_demand *d, const struct tsp_limits *l, const char *what,
                          struct tsp_finding want)
{
    struct tsp_findings all;
    tsp_preflight(&all, d, l);
    const struct tsp_finding *got = look(&all, what);
    assert_string_equal(tsp_severity_name(got->severity), tsp_severity_name(want.severity));
    assert_string_equal(got->have, want.have);
    assert_string_equal(got->need, want.need);
    assert_string_equal(got->remedy, want.remedy);
    assert_string_equal(got->effect, want.effect);
}

#endif
