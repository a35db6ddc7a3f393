#include "client/nat.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "net/sock.h"

#define PORTS 65536

void tsp_nat_line_feed(struct tsp_nat_line *line, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !line->complete && !line->too_long; i++) {
        if (bytes[i] == '\n') {
            line->text[line->len] = '\0';
            line->complete = true;
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
    return line->complete ? line->len + 1u : 0;
}

/* "198.18.0.2:40000" or "[2001:2::2]:40000" */
static bool parse(const char *text, struct tsp_addr *out)
{
    char host[TSP_ADDR_TEXT];
    uint16_t port, same;
    struct tsp_addrs one = {0};
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !tsp_parse_ports(colon + 1, &port, &same) || port != same)
        return false;
    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    host[len] = '\0';
    if (strpbrk(host, "/-")) /* a list: up to 65,536 addresses, at a stranger's word */
        return false;
    bool ok = tsp_addrs_parse(&one, host, NULL) == 0 && one.count == 1;
    if (ok)
        *out = one.item[0];
    tsp_addrs_clear(&one);
    tsp_addr_set_port(out, port);
    return ok;
}

/* FNV-1a over address and port; never 0. */
static uint32_t hash(const struct tsp_addr *a)
{
    const unsigned char *bytes = a->sa.sa_family == AF_INET6
                                     ? a->v6.sin6_addr.s6_addr
                                     : (const unsigned char *)&a->v4.sin_addr;
    size_t n = a->sa.sa_family == AF_INET6 ? 16 : 4;
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 16777619u;
    h = (h ^ tsp_addr_port(a)) * 16777619u;
    return h ? h : 1;
}

static uint32_t *table_of(struct tsp_nat *n, const struct tsp_addr *outside)
{
    for (size_t i = 0; i < n->outsides; i++)
        if (tsp_addr_same_host(&n->outside[i], outside))
            return n->inside[i];
    if (n->outsides == TSP_NAT_OUTSIDES)
        return NULL;
    uint32_t *table = calloc(PORTS, sizeof *table);
    if (!table)
        return NULL;
    n->outside[n->outsides] = *outside;
    tsp_addr_set_port(&n->outside[n->outsides], 0);
    n->inside[n->outsides++] = table;
    return table;
}

static void note_outside(struct tsp_nat *n, const struct tsp_addr *outside, uint32_t inside)
{
    uint32_t *table = table_of(n, outside);
    if (!table) {
        n->outsides_more++;
        return;
    }
    uint32_t *who = &table[tsp_addr_port(outside)];
    n->collisions += *who && *who != inside;
    *who = inside;
}

void tsp_nat_note(struct tsp_nat *n, const struct tsp_nat_line *line)
{
    struct tsp_addr outside = {0};
    if (!line->complete || !line->local.len || !parse(line->text, &outside)) {
        n->unreported++;
        return;
    }
    bool same_port = tsp_addr_port(&outside) == tsp_addr_port(&line->local);
    n->reported++;
    if (!same_port || !tsp_addr_same_host(&outside, &line->local)) {
        n->translated++;
        n->preserved += same_port;
    }
    note_outside(n, &outside, hash(&line->local));
}

static void add_table(struct tsp_nat *into, uint32_t *table, const uint32_t *from)
{
    for (size_t port = 0; port < PORTS; port++) {
        into->collisions += table[port] && from[port] && table[port] != from[port];
        if (from[port])
            table[port] = from[port];
    }
}

void tsp_nat_add(struct tsp_nat *into, const struct tsp_nat *from)
{
    into->reported += from->reported;
    into->unreported += from->unreported;
    into->translated += from->translated;
    into->preserved += from->preserved;
    into->collisions += from->collisions;
    into->outsides_more += from->outsides_more;
    for (size_t i = 0; i < from->outsides; i++) {
        uint32_t *table = table_of(into, &from->outside[i]);
        if (table)
            add_table(into, table, from->inside[i]);
        else
            into->outsides_more++;
    }
}

void tsp_nat_clear(struct tsp_nat *n)
{
    for (size_t i = 0; i < n->outsides; i++)
        free(n->inside[i]);
    *n = (struct tsp_nat){0};
}
