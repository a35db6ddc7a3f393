/* sources.h - who picks the source (address, port) of a connection, and which
 * destination it goes to.
 *
 * kernel: the address is taken in turn from the list (or left to routing), the
 * port is the kernel's choice at connect. walk: tspam picks the tuple itself,
 * oldest first, by explicit bind. The kernel fills one parity of its range and
 * then searches that whole half on every connect (Linux
 * __inet_hash_connect; measured: x130); an explicit bind is O(1) and reuses a
 * TIME_WAIT of our own at once. A one-port IP_LOCAL_PORT_RANGE (Linux 6.3) made
 * 1.02 of the bind's closed loop on fresh ports, but it is the kernel's choice
 * still: no port in TIME_WAIT for a second, or a minute. So it is not used.
 *
 * One object per worker, owned by its thread: the ports of a walk are dealt
 * out, so no two workers ever use one (address, port).
 */
#ifndef TSP_NET_SOURCES_H
#define TSP_NET_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/addr.h"

#define TSP_NO_TUPLE UINT32_MAX

struct tsp_sources_spec {
    const struct tsp_addrs *locals;  /* port 0; empty = routing's choice (kernel only) */
    const struct tsp_addrs *targets; /* address and port; at least one */
    bool walk;
    uint16_t lo, hi;      /* ports of the walk: */
    uint16_t step;        /* lo, lo + step, …; 0 counts as 1 */
    bool spill;           /* then, with a step of 2, lo - 1, lo + 1, … */
    const uint8_t *taken; /* 65536 bits: ports the walk leaves out; NULL = none */
};

struct tsp_source {
    const struct tsp_addr *target;
    struct tsp_addr local; /* len 0 = do not bind */
    uint32_t tuple;        /* to hand back; TSP_NO_TUPLE = nothing to hand back */
};

struct tsp_sources {
    const struct tsp_sources_spec *spec; /* must outlive this */
    unsigned worker, workers;
    uint64_t turn; /* connections handed out */

    uint16_t *ports;   /* of this worker's walk */
    uint64_t per_port; /* tuples one port stands for */
    uint64_t tuples, used, cursor;
    uint64_t *busy;  /* a bit per tuple */
    uint32_t *ended; /* when a tuple (or one of its block) was last given back */
    unsigned block_shift;
    uint64_t block; /* of the tuple used last */
    int64_t epoch_ns;

    uint64_t skipped;       /* tuples the kernel refused */
    int64_t shortest_reuse; /* ns between giving back and next use; 0 = never reused */
};

/* -ENOMEM, or -EADDRNOTAVAIL when the walk has no port for this worker. */
int tsp_sources_init(struct tsp_sources *s, const struct tsp_sources_spec *spec, unsigned worker,
                     unsigned workers, struct tsp_err *err);
void tsp_sources_clear(struct tsp_sources *s); /* all-zero is allowed */

/* The next source and destination. -EADDRNOTAVAIL: every tuple is in use. */
int tsp_sources_next(struct tsp_sources *s, int64_t now_ns, struct tsp_source *out);

/* The connection is over; its tuple may be used again, after all the others. */
void tsp_sources_release(struct tsp_sources *s, uint32_t tuple, int64_t now_ns);

/* The kernel would not take the tuple: counted, and passed over this time round. */
void tsp_sources_refused(struct tsp_sources *s, uint32_t tuple);

/* "1024-65535", "40000", or "32769-60999/2" (every second port). The first port
 * is at least 1. false = it does not parse. */
bool tsp_sources_parse_ports(const char *text, struct tsp_sources_spec *out);

/* How many ports a walk would use (all workers together). */
uint32_t tsp_sources_usable(const struct tsp_sources_spec *spec);

#endif
