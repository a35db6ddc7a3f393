#include "net/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* A walk of one worker uses at most this many tuples: 8 MiB of bits, touched
 * only as far as the walk comes. */
#define TUPLES_MAX (UINT64_C(1) << 26)

/* Up to here every tuple has its own time stamp, beyond one per 64 of them. */
#define EXACT_MAX (UINT64_C(1) << 18)

/* Time stamps count tenths of a millisecond, so that 32 bits last five days. */
#define STAMP_NS 100000

static bool is_taken(const struct tsp_sources_spec *spec, unsigned port)
{
    return spec->taken && (spec->taken[port / 8] >> (port % 8) & 1);
}

bool tsp_sources_parse_ports(const char *text, struct tsp_sources_spec *out)
{
    char range[32];
    uint16_t lo, hi, step = 1, same = 1;
    size_t len = strcspn(text, "/");
    if (len >= sizeof range)
        return false;
    memcpy(range, text, len);
    range[len] = '\0';
    if (!tsp_parse_ports(range, &lo, &hi) || lo == 0)
        return false;
    if (text[len] && (!tsp_parse_ports(text + len + 1, &step, &same) || step != same || !step))
        return false;
    out->lo = lo;
    out->hi = hi;
    out->step = step;
    return true;
}

static unsigned step_of(const struct tsp_sources_spec *spec)
{
    return spec->step ? spec->step : 1;
}

/* Calls take for every port of the walk, in its order, that may be used. */
static void each_port(const struct tsp_sources_spec *spec, void (*take)(void *to, unsigned port),
                      void *to)
{
    for (unsigned port = spec->lo; port <= spec->hi; port += step_of(spec))
        if (!is_taken(spec, port))
            take(to, port);
    for (unsigned port = spec->lo - 1u; spec->spill && port <= spec->hi; port += step_of(spec))
        if (!is_taken(spec, port))
            take(to, port);
}

static void count_port(void *to, unsigned port)
{
    (void)port;
    ++*(uint32_t *)to;
}

uint32_t tsp_sources_usable(const struct tsp_sources_spec *spec)
{
    uint32_t usable = 0;
    each_port(spec, count_port, &usable);
    return usable;
}

struct deal {
    struct tsp_sources *s;
    uint32_t seen, mine;
};

/* This worker takes every workers-th of them. */
static void deal_port(void *to, unsigned port)
{
    struct deal *d = to;
    if (d->seen++ % d->s->workers == d->s->worker)
        d->s->ports[d->mine++] = (uint16_t)port;
}

static uint32_t deal_ports(struct tsp_sources *s)
{
    struct deal deal = {.s = s};
    each_port(s->spec, deal_port, &deal);
    return deal.mine;
}

static int init_walk(struct tsp_sources *s, struct tsp_err *err)
{
    s->ports = malloc(sizeof *s->ports * ((size_t)s->spec->hi - s->spec->lo + 2));
    if (!s->ports)
        return tsp_fail(err, ENOMEM, "source ports");
    uint32_t ports = deal_ports(s);
    if (ports == 0)
        return tsp_refuse(err, EADDRNOTAVAIL,
                          "local_ports %u-%u: %u free ports are too few for %u workers",
                          s->spec->lo, s->spec->hi, tsp_sources_usable(s->spec), s->workers);
    s->per_port = (uint64_t)s->spec->locals->count * s->spec->targets->count;
    if (s->per_port == 0)
        return tsp_refuse(err, EINVAL, "a walk needs a source address and a destination");
    s->tuples = ports * s->per_port;
    if (s->tuples > TUPLES_MAX)
        s->tuples = TUPLES_MAX;
    s->block_shift = s->tuples > EXACT_MAX ? 6 : 0;
    s->busy = calloc(s->tuples / 64 + 1, sizeof *s->busy);
    s->ended = calloc((s->tuples >> s->block_shift) + 1, sizeof *s->ended);
    return s->busy && s->ended ? 0 : tsp_fail(err, ENOMEM, "source ports");
}

int tsp_sources_init(struct tsp_sources *s, const struct tsp_sources_spec *spec, unsigned worker,
                     unsigned workers, struct tsp_err *err)
{
    *s = (struct tsp_sources){.spec = spec, .worker = worker, .workers = workers};
    if (!spec->walk)
        return 0;
    int rc = init_walk(s, err);
    if (rc)
        tsp_sources_clear(s);
    return rc;
}

void tsp_sources_clear(struct tsp_sources *s)
{
    free(s->ports);
    free(s->busy);
    free(s->ended);
    *s = (struct tsp_sources){0};
}

/* Destination first, then address, then port: taking each modulo n alone would
 * reach only the least common multiple of the tuples. */
static void fill(struct tsp_sources *s, uint64_t n, struct tsp_source *out)
{
    const struct tsp_addrs *locals = s->spec->locals, *targets = s->spec->targets;
    out->target = &targets->item[n % targets->count];
    out->local.len = 0;
    if (locals->count)
        out->local = locals->item[n / targets->count % locals->count];
}

static bool is_busy(const struct tsp_sources *s, uint64_t t)
{
    return s->busy[t / 64] >> (t % 64) & 1;
}

/* First tuple from the cursor on that is not in use; there is one. Whole words
 * of busy tuples are stepped over. */
static uint64_t next_free(const struct tsp_sources *s)
{
    uint64_t t = s->cursor;
    while (is_busy(s, t)) {
        t += s->busy[t / 64] == UINT64_MAX ? 64 - t % 64 : 1;
        if (t >= s->tuples)
            t = 0;
    }
    return t;
}

/* TCP would connect to itself, and call it established. */
static bool is_self(const struct tsp_source *source)
{
    return tsp_addr_port(&source->local) == tsp_addr_port(source->target) &&
           tsp_addr_same_host(&source->local, source->target);
}

/* Where tuples share a stamp it is looked at when the walk comes into their block: from
 * then on it tells of this round. */
static void note_reuse(struct tsp_sources *s, uint64_t t, int64_t now_ns)
{
    uint64_t block = t >> s->block_shift;
    uint32_t ended = s->ended[block];
    bool inside = s->block_shift && block == s->block;
    s->block = block;
    if (!ended || inside)
        return;
    int64_t since = now_ns - s->epoch_ns - ((int64_t)ended - 1) * STAMP_NS;
    if (since < 1)
        since = 1;
    if (!s->shortest_reuse || since < s->shortest_reuse)
        s->shortest_reuse = since;
}

static int walk(struct tsp_sources *s, int64_t now_ns, struct tsp_source *out)
{
    while (s->used < s->tuples) {
        uint64_t t = next_free(s);
        s->cursor = t + 1 == s->tuples ? 0 : t + 1;
        s->busy[t / 64] |= UINT64_C(1) << (t % 64);
        s->used++;
        fill(s, t, out);
        tsp_addr_set_port(&out->local, s->ports[t / s->per_port]);
        if (is_self(out))
            continue; /* stays busy: met once, never again */
        out->tuple = (uint32_t)t;
        note_reuse(s, t, now_ns);
        return 0;
    }
    return -EADDRNOTAVAIL;
}

int tsp_sources_next(struct tsp_sources *s, int64_t now_ns, struct tsp_source *out)
{
    if (!s->epoch_ns)
        s->epoch_ns = now_ns;
    if (s->spec->walk)
        return walk(s, now_ns, out);
    fill(s, s->worker + s->turn++ * s->workers, out);
    out->tuple = TSP_NO_TUPLE;
    return 0;
}

static void give_back(struct tsp_sources *s, uint32_t tuple)
{
    s->busy[tuple / 64] &= ~(UINT64_C(1) << (tuple % 64));
    s->used--;
}

void tsp_sources_release(struct tsp_sources *s, uint32_t tuple, int64_t now_ns)
{
    if (tuple == TSP_NO_TUPLE)
        return;
    give_back(s, tuple);
    s->ended[tuple >> s->block_shift] = (uint32_t)((now_ns - s->epoch_ns) / STAMP_NS) + 1;
}

void tsp_sources_refused(struct tsp_sources *s, uint32_t tuple)
{
    if (tuple == TSP_NO_TUPLE)
        return;
    give_back(s, tuple);
    s->skipped++;
}
