#include "client/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/sock.h"

/* What a closed loop may reach, for want of a rate: above any machine's. */
#define CLOSED_LOOP_RATE 50e3

/* The kernel's choice of ports slows down once half the range is in use; this
 * share of the half is where we take over. */
#define CLIFF_MARGIN 0.8

/* connect() takes the unspecified address for loopback. It is called so here: a connection
 * to itself is known by its two addresses being the same. */
static void name_loopback(struct tsp_addr *host)
{
    if (!tsp_addr_is_unspecified(host))
        return;
    if (host->sa.sa_family == AF_INET)
        host->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (IN6_IS_ADDR_V4MAPPED(&host->v6.sin6_addr))
        host->v6.sin6_addr.s6_addr32[3] = htonl(INADDR_LOOPBACK);
    else
        host->v6.sin6_addr = in6addr_loopback;
}

static int add_targets(struct tsp_plan *p, const struct tsp_run_spec *s, struct tsp_err *err)
{
    struct tsp_addr host;
    int rc = tsp_addr_resolve(&host, s->host, AF_UNSPEC, err);
    if (rc)
        return rc;
    name_loopback(&host);
    size_t ports = (size_t)s->port.hi - s->port.lo + 1;
    p->targets.item = calloc(ports, sizeof *p->targets.item);
    if (!p->targets.item)
        return tsp_fail(err, ENOMEM, "destinations");
    p->targets.count = p->targets.room = ports;
    for (size_t i = 0; i < ports; i++) {
        p->targets.item[i] = host;
        tsp_addr_set_port(&p->targets.item[i], (uint16_t)(s->port.lo + i));
    }
    p->local_target = tsp_addr_is_local(&host);
    p->loopback = tsp_addr_is_loopback(&host);
    return 0;
}

static int check_locals(const struct tsp_plan *p, struct tsp_err *err)
{
    char text[TSP_ADDR_TEXT], to[TSP_ADDR_TEXT];
    const struct tsp_addr *target = &p->targets.item[0];
    for (size_t i = 0; i < p->locals.count; i++) {
        const struct tsp_addr *a = &p->locals.item[i];
        if (a->sa.sa_family != target->sa.sa_family)
            return tsp_refuse(err, EAFNOSUPPORT, "local ip %s and target %s: not the same family",
                              tsp_addr_host_text(text, a), tsp_addr_host_text(to, target));
        int rc = tsp_addr_check_local(a, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_locals(struct tsp_plan *p, const struct tsp_run_spec *s, struct tsp_err *err)
{
    for (size_t i = 0; i < s->local_ips.count; i++) {
        int rc = tsp_addrs_parse(&p->locals, s->local_ips.item[i], err);
        if (rc)
            return rc;
    }
    return check_locals(p, err);
}

static double half_range(const struct tsp_plan *p)
{
    return (double)(p->limits.port_hi - p->limits.port_lo + 1 - p->limits.ports_reserved) / 2;
}

/* Source tuples one port number stands for. */
static double tuples_per_port(const struct tsp_plan *p)
{
    return (double)p->targets.count * (p->locals.count ? (double)p->locals.count : 1);
}

/* Ports busy at once when a connection keeps its own this long, in seconds. */
static double busy_ports(const struct tsp_plan *p, double kept)
{
    double rate = p->concurrency ? CLOSED_LOOP_RATE : tsp_load_peak_rate(&p->load);
    return rate * (kept + (double)p->hold_ns / 1e9) / tuples_per_port(p);
}

/* How long a port is kept for a TIME_WAIT that nothing may reuse: no longer than
 * connections are opened. */
static double minute(const struct tsp_plan *p)
{
    double length = (double)p->length_ns / 1e9;
    return length < TSP_TIME_WAIT ? length : TSP_TIME_WAIT;
}

/* Past half of its range the kernel searches the whole half on every connect. */
static bool kernel_would_search(const struct tsp_plan *p)
{
    const struct tsp_limits *l = &p->limits;
    bool reusable = l->timestamps != 0 && (l->tw_reuse == 1 || (l->tw_reuse == 2 && p->loopback));
    double kept = minute(p), left = l->tw_now > 0 ? (double)l->tw_now : 0;
    if (reusable) {
        double delay = (double)l->tw_reuse_delay_ms / 1e3;
        kept = delay < kept ? delay : kept;
        left = 0;
    }
    return busy_ports(p, kept) + left > half_range(p) * CLIFF_MARGIN;
}

/* A port that was bound explicitly is no longer the kernel's to choose until its
 * TIME_WAIT is over: after a walk over the whole range a load with the kernel's
 * ports found none for a minute. The kernel takes the even half of its range
 * first (counted from its start), so the walk begins with the odd one, and goes
 * on to the other only where that is too small for what is open at once; without
 * timestamps, also for what rests: a walk then reuses nothing either. */
static void leave_the_kernels_half(struct tsp_plan *p)
{
    double open = p->concurrency ? (double)p->concurrency / tuples_per_port(p) : busy_ports(p, 1);
    double busy = p->limits.timestamps == 0 ? busy_ports(p, minute(p)) : open;
    if (p->sources.lo == p->sources.hi)
        return;
    p->sources.lo++;
    p->sources.step = 2;
    p->sources.spill = busy > half_range(p) * CLIFF_MARGIN;
}

/* The walk binds addresses of its own: routing's choice, where none was given, or the
 * unspecified one. */
static int walk_from(struct tsp_plan *p, struct tsp_err *err)
{
    char text[TSP_ADDR_TEXT];
    struct tsp_addr local;
    size_t i = 0;
    while (i < p->locals.count && !tsp_addr_is_unspecified(&p->locals.item[i]))
        i++;
    if (i > 0 && i == p->locals.count)
        return 0;
    int rc = tsp_sock_route(&p->targets.item[0], &local, err);
    if (rc)
        return rc;
    if (!p->locals.count)
        return tsp_addrs_parse(&p->locals, tsp_addr_host_text(text, &local), err);
    for (; i < p->locals.count; i++)
        if (tsp_addr_is_unspecified(&p->locals.item[i]))
            p->locals.item[i] = local;
    return 0;
}

/* Whether tspam picks the ports, and from which range. */
static void choose_walk(struct tsp_plan *p, const char *local_ports)
{
    struct tsp_sources_spec *src = &p->sources;
    bool chosen = strcmp(local_ports, "walk") == 0;
    src->lo = (uint16_t)(p->limits.port_lo > 0 ? p->limits.port_lo : 32768);
    src->hi = (uint16_t)(p->limits.port_hi > 0 ? p->limits.port_hi : 60999);
    if (!strcmp(local_ports, "kernel"))
        return;
    if (tsp_sources_parse_ports(local_ports, src)) {
        src->walk = true;
    } else if (chosen || kernel_would_search(p)) {
        src->walk = true;
        leave_the_kernels_half(p);
    }
}

static int choose_sources(struct tsp_plan *p, const struct tsp_run_spec *s, struct tsp_err *err)
{
    struct tsp_sources_spec *src = &p->sources;
    src->locals = &p->locals;
    src->targets = &p->targets;
    choose_walk(p, s->local_ports);
    uint16_t port = tsp_addr_port(&p->targets.item[0]);
    p->may_meet_itself =
        !src->walk && p->local_target && port + p->targets.count > src->lo && port <= src->hi;
    if (!src->walk)
        return 0;
    tsp_limits_taken_ports(p->taken, "/proc");
    src->taken = p->taken;
    if (tsp_sources_usable(src) == 0)
        return tsp_refuse(err, EADDRNOTAVAIL, "local_ports %u-%u: every port is reserved or in use",
                          src->lo, src->hi);
    return walk_from(p, err);
}

static struct tsp_stage only_stage(const struct tsp_run_spec *s)
{
    double to = s->rate_to >= 0 ? s->rate_to : s->rate;
    double mean = (s->rate + to) / 2;
    double seconds = (double)s->count / mean;
    struct tsp_stage stage = {s->rate, to, s->length_ns};
    if (s->count > 0) {
        /* The stage may be a hair longer than the last connection needs: the
         * count ends the run. Random arrivals need room for their spread. */
        double spread =
            s->arrivals == TSP_ARRIVALS_POISSON ? (10 * sqrt((double)s->count) + 200) / mean : 0;
        stage.length_ns = (int64_t)ceil((seconds + spread) * 1e9);
    }
    return stage;
}

static int stages_of(struct tsp_plan *p, const struct tsp_run_spec *s, struct tsp_err *err)
{
    struct tsp_stage *list = calloc(s->stages.count + 1, sizeof *list);
    if (!list)
        return tsp_fail(err, ENOMEM, "stages");
    size_t n = s->stages.count ? s->stages.count : 1;
    for (size_t i = 0; i < s->stages.count; i++) {
        const struct tsp_field_stage *from = &s->stages.item[i];
        double to = from->rate_to >= 0 ? from->rate_to : from->rate;
        list[i] = (struct tsp_stage){from->rate, to, from->length_ns};
    }
    if (!s->stages.count)
        list[0] = only_stage(s);
    int rc = tsp_load_init(&p->load, list, n, err);
    free(list);
    return rc;
}

static int make_load(struct tsp_plan *p, const struct tsp_run_spec *s, struct tsp_err *err)
{
    p->count = s->count > 0 ? (uint64_t)s->count : 0;
    p->seed = s->arrivals == TSP_ARRIVALS_POISSON ? (uint64_t)s->seed : 0;
    if (s->concurrency > 0) {
        p->concurrency = (uint64_t)s->concurrency;
        p->length_ns = p->count ? INT64_MAX : s->length_ns;
        return 0;
    }
    int rc = stages_of(p, s, err);
    if (rc)
        return rc;
    p->length_ns = p->load.length_ns;
    p->rate = tsp_load_mean_rate(&p->load);
    if (p->count && p->seed) {
        p->length_ns = (int64_t)((double)p->count / s->rate * 1e9);
        p->rate = s->rate;
    }
    return 0;
}

/* Never more workers than there are connections, or ports, to share. */
static unsigned worker_count(const struct tsp_plan *p, const struct tsp_run_spec *s)
{
    uint64_t n = s->workers > 0 ? (uint64_t)s->workers : (uint64_t)p->limits.cpus;
    uint64_t bounds[] = {p->concurrency, p->max_open, p->count,
                         p->sources.walk ? tsp_sources_usable(&p->sources) : 0};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i] && bounds[i] < n)
            n = bounds[i];
    return n ? (unsigned)n : 1;
}

static void copy_plain(struct tsp_plan *p, const struct tsp_run_spec *s)
{
    p->expect = (uint64_t)s->expect;
    p->hold_ns = s->hold_ns;
    p->timeout_ns = s->timeout_ns;
    p->interval_ns = s->interval_ns;
    p->close = (enum tsp_close_style)s->close;
    p->coalesce_fin = s->coalesce_fin;
    p->nat = s->nat;
    p->max_open = s->max_open > 0 ? (uint64_t)s->max_open : 0;
    p->own_server = s->own_server;
}

int tsp_plan_make(struct tsp_plan *plan, const struct tsp_run_spec *spec, struct tsp_err *err)
{
    *plan = (struct tsp_plan){0};
    copy_plain(plan, spec);
    tsp_limits_raise_nofile();
    tsp_limits_read(&plan->limits, "/proc");
    int rc = make_load(plan, spec, err);
    if (!rc)
        rc = tsp_payload_init(&plan->request, &spec->content, spec->content_file, err);
    if (!rc)
        rc = add_targets(plan, spec, err);
    if (!rc)
        rc = add_locals(plan, spec, err);
    if (!rc)
        rc = choose_sources(plan, spec, err);
    if (rc)
        tsp_plan_clear(plan);
    else
        plan->workers = worker_count(plan, spec);
    return rc;
}

void tsp_plan_clear(struct tsp_plan *plan)
{
    tsp_load_clear(&plan->load);
    tsp_payload_clear(&plan->request);
    tsp_addrs_clear(&plan->targets);
    tsp_addrs_clear(&plan->locals);
}

void tsp_plan_preflight(const struct tsp_plan *p, struct tsp_findings *out)
{
    bool endless = p->length_ns == INT64_MAX;
    struct tsp_demand demand = {
        .rate = p->concurrency ? 0 : tsp_load_peak_rate(&p->load),
        .mean_rate = p->rate,
        .length_ns = endless ? 0 : p->length_ns,
        .timeout_ns = p->timeout_ns,
        .hold_ns = p->hold_ns,
        .total = p->count ? p->count : p->load.total,
        .concurrency = p->concurrency,
        .max_open = p->max_open,
        .sources = p->locals.count ? p->locals.count : 1,
        .destinations = p->targets.count,
        .kernel_ports = !p->sources.walk,
        .walk_ports = p->sources.walk ? tsp_sources_usable(&p->sources) : 0,
        .local = p->local_target,
        .loopback = p->loopback,
        .own_server = p->own_server,
        .workers = p->workers,
    };
    tsp_preflight(out, &demand, &p->limits);
}
