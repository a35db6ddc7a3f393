/* preflight.h - what a load demands against what this machine allows. Pure.
 *
 * Each finding says what is short, what there is, what it takes, the exact
 * command that mends it, and what happens if it is left.
 */
#ifndef TSP_SYS_PREFLIGHT_H
#define TSP_SYS_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/limits.h"

/* Linux keeps a closed connection's tuple so many seconds (TCP_TIMEWAIT_LEN). */
#define TSP_TIME_WAIT 60.0

struct tsp_demand {
    double rate;       /* peak, connections per second; 0 = closed loop */
    double mean_rate;  /* over length_ns */
    int64_t length_ns; /* how long connections are opened */
    int64_t timeout_ns, hold_ns;
    uint64_t total;        /* connections in all; 0 = not known (closed loop) */
    uint64_t concurrency;  /* closed loop: connections at once; else 0 */
    uint64_t max_open;     /* 0 = no cap */
    uint64_t sources;      /* source addresses, at least 1 */
    uint64_t destinations; /* destination (address, port) pairs, at least 1 */
    bool kernel_ports;     /* the kernel picks source ports (no walk) */
    uint64_t walk_ports;   /* ports of tspam's own walk; 0 = none */
    bool local;            /* the target is on this machine */
    bool loopback;         /* ... and its address is a loopback one */
    bool own_server;       /* the server is in this process: two descriptors each */
    unsigned workers;
};

enum tsp_severity {
    TSP_SEVERITY_OK,      /* looked at, and it suffices: doctor shows it */
    TSP_SEVERITY_NOTE,    /* worth knowing */
    TSP_SEVERITY_WARNING, /* may limit the load */
    TSP_SEVERITY_ERROR    /* will limit the load */
};

struct tsp_finding {
    enum tsp_severity severity;
    char what[64];    /* "open files (RLIMIT_NOFILE)" */
    char have[96];    /* "20,000" */
    char need[96];    /* "150,310 (5k/s x 30 s timeout + 310)" */
    char remedy[256]; /* "ulimit -n 150310"; "" where severity is OK */
    char effect[192]; /* "connections past 19,690 open at once fail with no-fd" */
};

#define TSP_FINDINGS_MAX 16

struct tsp_findings {
    struct tsp_finding item[TSP_FINDINGS_MAX];
    size_t count;
};

const char *tsp_severity_name(enum tsp_severity s); /* "ok", "note", "warning", "error" */

void tsp_preflight(struct tsp_findings *out, const struct tsp_demand *d,
                   const struct tsp_limits *l);

#endif
