#include "client/nat.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "net/sock.h"

#define OUTSIDES_FIRST 16
#define HOLDS_FIRST 1024

/* "198.18.0.2:40000" or "[2001:2::2]:40000" */
static bool parse(const char *text, struct tsp_addr *out)
{
    char host[TSP_ADDR_TEXT];
    uint16_t port, same;
    const char *colon = strrchr(text, ':');
    if (!colon || !tsp_parse_ports(colon + 1, &port, &same) || port != same)
        return false;
    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    host[len] = '\0';
    if (!tsp_addr_parse(out, host))
        return false;
    tsp_addr_set_port(out, port);
    return true;
}

void tsp_nat_line_feed(struct tsp_nat_line *line, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !line->complete && !line->too_long; i++) {
        if (bytes[i] == '\n') {
            line->text[line->len] = '\0';
            line->complete = true;
            if (!parse(line->text, &line->outside))
                line->outside.len = 0;
        } else if (line->len + 1u < sizeof line->text) {
            line->text[line->len++] = bytes[i];
        } else {
            line->too_long = true;
        }
    }
}

void tsp_nat_line_local(struct tsp_nat_line *line, int fd)
{
    if (tsp_sock_local(fd, &line->local))
        line->local.len = 0;
}

uint64_t tsp_nat_line_bytes(const struct tsp_nat_line *line)
{
    return line->outside.len ? line->len + 1u : 0;
}

/* FNV-1a, going on from h, over address and port. */
static uint64_t hash(uint64_t h, const struct tsp_addr *a)
{
    const unsigned char *bytes = a->sa.sa_family == AF_INET6
                                     ? a->v6.sin6_addr.s6_addr
                                     : (const unsigned char *)&a->v4.sin_addr;
    size_t n = a->sa.sa_family == AF_INET6 ? 16 : 4;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return (h ^ tsp_addr_port(a)) * 1099511628211u;
}

#define HASH_START 14695981039346656037u

/* ---- distinct outside addresses ---- */

/* The slot of an address, or the free one where it belongs. FNV leaves neighbours
 * close together, the multiplication (2^64 over the golden ratio) spreads them. */
static uint32_t *slot_of(const struct tsp_nat *n, const struct tsp_addr *host)
{
    size_t mask = 2 * n->outsides_room - 1;
    size_t i = (size_t)(hash(HASH_START, host) * 11400714819323198485u >> 32) & mask;
    while (n->slot[i] && !tsp_addr_same_host(&n->outside[n->slot[i] - 1].address, host))
        i = (i + 1) & mask;
    return &n->slot[i];
}

static bool grow_outsides(struct tsp_nat *n)
{
    size_t room = n->outsides_room ? 2 * n->outsides_room : OUTSIDES_FIRST;
    if (room > TSP_NAT_OUTSIDES_MAX)
        return false;
    uint32_t *slot = calloc(2 * room, sizeof *slot);
    struct tsp_nat_outside *outside = slot ? reallocarray(n->outside, room, sizeof *outside) : NULL;
    if (!outside) {
        free(slot);
        return false;
    }
    free(n->slot);
    n->slot = slot;
    n->outside = outside;
    n->outsides_room = room;
    for (size_t i = 0; i < n->outsides; i++)
        *slot_of(n, &outside[i].address) = (uint32_t)i + 1;
    return true;
}

static void add_outside(struct tsp_nat *n, const struct tsp_nat_outside *o)
{
    uint32_t *slot = n->outsides_room ? slot_of(n, &o->address) : NULL;
    if (slot && *slot) {
        n->outside[*slot - 1].connections += o->connections;
    } else if (n->outsides < n->outsides_room || grow_outsides(n)) {
        slot = slot_of(n, &o->address);
        n->outside[n->outsides++] = *o;
        *slot = (uint32_t)n->outsides;
    } else {
        n->more_addresses += o->connections;
    }
}

/* ---- who held what, and when ---- */

static bool reserve_holds(struct tsp_nat *n, size_t count)
{
    size_t room = n->holds_room ? n->holds_room : HOLDS_FIRST;
    while (room < count)
        room *= 2;
    if (room == n->holds_room)
        return true;
    struct tsp_nat_hold *hold = reallocarray(n->hold, room, sizeof *hold);
    if (!hold)
        return false;
    n->hold = hold;
    n->holds_room = room;
    return true;
}

static void add_holds(struct tsp_nat *n, const struct tsp_nat_hold *hold, size_t count, size_t max)
{
    size_t fit = count < max - n->holds ? count : max - n->holds;
    if (fit && !reserve_holds(n, n->holds + fit))
        fit = 0;
    if (fit)
        memcpy(n->hold + n->holds, hold, fit * sizeof *hold);
    n->holds += fit;
    n->more_holds += count - fit;
}

static int by_pair_and_start(const void *a, const void *b)
{
    const struct tsp_nat_hold *x = a, *y = b;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

/* One holder at a time is enough to compare with, the one that lets go last: who
 * overlaps with any other overlaps with that one, unless it is the same inside
 * pair, which cannot be in use twice. */
struct tsp_nat_clashes tsp_nat_clashes(struct tsp_nat *n)
{
    struct tsp_nat_clashes found = {0};
    const struct tsp_nat_hold *last = n->hold;
    if (n->holds)
        qsort(n->hold, n->holds, sizeof *n->hold, by_pair_and_start);
    for (size_t i = 1; i < n->holds; i++) {
        const struct tsp_nat_hold *h = &n->hold[i];
        bool same = h->pair == last->pair;
        if (same && h->inside != last->inside) {
            found.collisions += h->from_ns < last->to_ns;
            found.reused += h->from_ns >= last->to_ns;
        }
        if (!same || h->to_ns >= last->to_ns)
            last = h;
    }
    return found;
}

/* ---- counting ---- */

static void note_hold(struct tsp_nat *n, const struct tsp_addr *outside,
                      const struct tsp_nat_line *line)
{
    struct tsp_nat_hold hold = {
        .pair = hash(HASH_START, outside),
        .inside = hash(HASH_START, &line->local),
        .from_ns = line->established_ns,
        .to_ns = line->closed_ns,
    };
    if (line->target)
        hold.pair = hash(hold.pair, line->target);
    add_holds(n, &hold, 1, TSP_NAT_HOLDS_MAX);
}

void tsp_nat_note(struct tsp_nat *n, const struct tsp_nat_line *line)
{
    struct tsp_nat_outside seen = {.connections = 1};
    struct tsp_addr *outside = &seen.address;
    if (!line->outside.len || !line->local.len) {
        n->unreported++;
        return;
    }
    *outside = line->outside;
    bool same_port = tsp_addr_port(outside) == tsp_addr_port(&line->local);
    n->reported++;
    if (!same_port || !tsp_addr_same_host(outside, &line->local)) {
        n->translated++;
        n->preserved += same_port;
    }
    note_hold(n, outside, line);
    tsp_addr_set_port(outside, 0);
    add_outside(n, &seen);
}

void tsp_nat_add(struct tsp_nat *into, const struct tsp_nat *from)
{
    into->reported += from->reported;
    into->unreported += from->unreported;
    into->translated += from->translated;
    into->preserved += from->preserved;
    into->more_addresses += from->more_addresses;
    into->more_holds += from->more_holds;
    for (size_t i = 0; i < from->outsides; i++)
        add_outside(into, &from->outside[i]);
    add_holds(into, from->hold, from->holds, TSP_NAT_HOLDS_SUM);
}

void tsp_nat_clear(struct tsp_nat *n)
{
    free(n->outside);
    free(n->slot);
    free(n->hold);
    *n = (struct tsp_nat){0};
}
