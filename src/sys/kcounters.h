/* kcounters.h - the kernel's TCP counters of this network namespace: snapshot
 * and difference.
 *
 * From /proc/net/netstat and /proc/net/snmp (names as nstat prints them:
 * "TcpExtListenOverflows", "TcpActiveOpens") and /proc/net/stat/nf_conntrack
 * (summed over CPUs: "ConntrackDrop", "ConntrackInsertFailed", …).
 */
#ifndef TSP_SYS_KCOUNTERS_H
#define TSP_SYS_KCOUNTERS_H

#include <stddef.h>
#include <stdint.h>

#define TSP_KCOUNTER_NAME 40

struct tsp_kcounter {
    char name[TSP_KCOUNTER_NAME];
    int64_t value;
};

struct tsp_kcounters {
    struct tsp_kcounter *item; /* owned */
    size_t count, room;
};

/* proc: "/proc" or a saved tree. Only Tcp*, TcpExt*, and conntrack's rows. A
 * file that is missing, or cannot be read to its end, adds nothing. 0 or -ENOMEM. */
int tsp_kcounters_read(struct tsp_kcounters *k, const char *proc);

/* out = after - before, only what moved, gauges (TcpCurrEstab) left out, and what one of
 * the two does not have: how far that moved is not known. 0 or -ENOMEM. */
int tsp_kcounters_diff(struct tsp_kcounters *out, const struct tsp_kcounters *after,
                       const struct tsp_kcounters *before);

int64_t tsp_kcounters_get(const struct tsp_kcounters *k, const char *name); /* 0 when absent */
void tsp_kcounters_clear(struct tsp_kcounters *k); /* all-zero is allowed */

#endif
