/* limits.h - what this machine's settings allow. Read only. */
#ifndef TSP_SYS_LIMITS_H
#define TSP_SYS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* -1 = the machine does not say (no such file). */
struct tsp_limits {
    int64_t nofile_soft, nofile_hard; /* RLIMIT_NOFILE */
    int64_t nofile_used;              /* descriptors open now */
    int64_t nr_open;                  /* fs.nr_open: no hard limit may be higher */
    int64_t cpus;                     /* this process may run on (affinity) */
    int64_t port_lo, port_hi;         /* ip_local_port_range */
    int64_t ports_reserved;           /* of that range, in ip_local_reserved_ports */
    int64_t tw_reuse;                 /* tcp_tw_reuse: 0, 1, 2 = loopback only */
    int64_t tw_reuse_delay_ms;        /* tcp_tw_reuse_delay; 1000 before Linux 6.14 */
    int64_t tw_max;                   /* tcp_max_tw_buckets */
    int64_t tw_now;                   /* TIME_WAIT sockets now (sockstat) */
    int64_t timestamps;               /* tcp_timestamps */
    int64_t somaxconn, syn_backlog, syncookies;
    int64_t conntrack_max, conntrack_count; /* of this network namespace */
    int64_t memory_free;                    /* MemAvailable, bytes */
};

/* proc is "/proc", or a saved tree with the same files (tests). Never fails:
 * what cannot be read is -1. */
void tsp_limits_read(struct tsp_limits *l, const char *proc);

/* Processors this process may run on. */
int64_t tsp_limits_cpus(void);

/* The soft descriptor limit in force; INT64_MAX = none. */
int64_t tsp_limits_nofile(void);

/* Raises it to the hard one. The soft limit in force. */
int64_t tsp_limits_raise_nofile(void);

/* Ports of ip_local_reserved_ports inside lo..hi as a list for callback-free
 * use: sets bit p of map (65536 bits) for each; also for every port that a
 * socket of this network namespace listens on (/proc/net/tcp and tcp6). */
void tsp_limits_taken_ports(uint8_t map[8192], const char *proc);

#endif
