#include "sys/preflight.h"

#include "sys/check.h"

/* Descriptors beside the connections: Lua, loops, timers, listeners, files. */
#define SPARE_FILES 64

/* How long Linux's connection tracking keeps a closed one. */
#define CONNTRACK_TIME_WAIT 120.0

/* Connections that arrive while an acceptor is kept from running this long
 * must fit into the listen queue; SYNs under way on loopback, a tenth of it. */
#define ACCEPT_PAUSE 0.1
#define SYN_PAUSE 0.01

/* The most that fs.nr_open may be (Linux, 64 bits). */
#define NR_OPEN_MOST 2147483584.0

/* Seconds of a processor that one end of a short exchange takes where all goes
 * well. Measured in a closed loop on two processors, both ends: twice that to
 * four times, so what is more than this will not be done. */
#define COST 30e-6

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Why so many are open at once: "5k/s x 30 s timeout". */
static const char *open_reason(char buf[96], const struct tsp_check *c, double open)
{
    char rate[TSP_CHECK_TEXT], n[TSP_CHECK_TEXT];
    if (c->d->rate <= 0)
        tsp_check_put(buf, 96, "%s at once", tsp_check_number(n, open));
    else if (c->d->max_open && open >= (double)c->d->max_open)
        tsp_check_put(buf, 96, "max_open %s", tsp_check_number(n, open));
    else if (c->d->total && open >= (double)c->d->total)
        tsp_check_put(buf, 96, "%s connections", tsp_check_number(n, open));
    else if (c->hold > 0)
        tsp_check_put(buf, 96, "%s x %.3g s timeout and hold", tsp_check_rate(rate, c->d->rate),
                      c->hold + c->timeout);
    else
        tsp_check_put(buf, 96, "%s x %.3g s timeout", tsp_check_rate(rate, c->d->rate), c->timeout);
    return buf;
}

/* Connections a cap may allow: what the descriptors there are hold. */
static double room(double have, double spare, double each)
{
    return have > spare ? (double)(int64_t)((have - spare) / each) : 0;
}

static void mend_files(const struct tsp_check *c, struct tsp_finding *f, double need, double fits)
{
    char first[TSP_CHECK_TEXT] = "", last[TSP_CHECK_TEXT] = "";
    if (need > NR_OPEN_MOST) {
        TSP_REMEDY(f, "--max-open %.0f (max_open = %.0f): no setting allows more than %.0f", fits,
                   fits, NR_OPEN_MOST);
        return;
    }
    if (c->l->nr_open > 0 && need > (double)c->l->nr_open) {
        tsp_check_put(first, sizeof first, "sysctl -w fs.nr_open=%.0f && ", need);
        tsp_check_put(last, sizeof last, ", fs.nr_open in /etc/sysctl.conf");
    }
    TSP_REMEDY(f,
               "as root: %sulimit -Hn %.0f && ulimit -n %.0f; for good: \"* hard nofile %.0f\" in "
               "/etc/security/limits.conf%s",
               first, need, need, need, last);
}

static void check_files(struct tsp_check *c)
{
    const struct tsp_limits *l = c->l;
    double have = (double)(l->nofile_hard >= 0 ? l->nofile_hard : l->nofile_soft);
    if (have < 0)
        return;
    double each = c->d->own_server ? 2 : 1;
    double spare = SPARE_FILES + (double)(l->nofile_used > 0 ? l->nofile_used : 0);
    double open = tsp_check_open(c, c->timeout), need = each * open + spare;
    struct tsp_finding *f = tsp_check_add(
        c,
        tsp_check_grade(have, each * tsp_check_open(c, 0) + spare,
                        each * tsp_check_open(c, least(TSP_SLOW, c->timeout)) + spare, need),
        "open files (RLIMIT_NOFILE)");
    char a[TSP_CHECK_TEXT], b[TSP_CHECK_TEXT], why[96];
    TSP_HAVE(f, "%s", tsp_check_number(a, have));
    TSP_NEED(f, "%s (%s%s + %s)", tsp_check_number(a, need), each > 1 ? "2 x " : "",
             open_reason(why, c, open), tsp_check_number(b, spare));
    if (f->severity == TSP_SEVERITY_OK)
        return;
    double fits = room(have, spare, each);
    mend_files(c, f, need, fits);
    TSP_EFFECT(f, "%sconnections past %s open at once fail with no-fd",
               f->severity == TSP_SEVERITY_NOTE ? "only if they hang until the time-out: " : "",
               tsp_check_number(a, fits));
}

static void check_buckets(struct tsp_check *c)
{
    if (c->l->tw_max < 0)
        return;
    double now = (double)(c->l->tw_now > 0 ? c->l->tw_now : 0);
    double waiting = tsp_check_opened(c, TSP_TIME_WAIT);
    if (tsp_check_ports(c) > 0)
        waiting = least(waiting, tsp_check_ports(c) * tsp_check_pairs(c));
    double have = (double)c->l->tw_max, need = waiting + now;
    struct tsp_finding *f =
        tsp_check_add(c, need > have ? TSP_SEVERITY_NOTE : TSP_SEVERITY_OK, "tcp_max_tw_buckets");
    char a[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%s", tsp_check_number(a, have));
    TSP_NEED(f, "%s in TIME_WAIT at once", tsp_check_number(a, need));
    if (need <= have)
        return;
    TSP_REMEDY(f, "sysctl -w net.ipv4.tcp_max_tw_buckets=%.0f", need);
    TSP_EFFECT(f, "past it the kernel ends TIME_WAITs early and logs that the table overflows");
}

/* Connections in the listen queue while nobody accepts for so many seconds. */
static double queued(const struct tsp_check *c, double seconds)
{
    double n = c->d->rate > 0 ? tsp_check_opened(c, seconds) : (double)c->d->concurrency;
    return c->d->max_open ? least(n, (double)c->d->max_open) : n;
}

static void check_somaxconn(struct tsp_check *c)
{
    if (c->l->somaxconn < 0 || !(c->d->own_server || c->d->local))
        return;
    double have = (double)c->l->somaxconn, need = queued(c, ACCEPT_PAUSE);
    struct tsp_finding *f =
        tsp_check_add(c, need > have ? TSP_SEVERITY_WARNING : TSP_SEVERITY_OK, "somaxconn");
    char a[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%s", tsp_check_number(a, have));
    TSP_NEED(f, "%s (%s)", tsp_check_number(a, need),
             c->d->rate > 0 ? "a pause of 100 ms of the server" : "connections at once");
    if (need <= have)
        return;
    TSP_REMEDY(f, "sysctl -w net.core.somaxconn=%.0f", need);
    TSP_EFFECT(
        f, "when the listen queue is full SYNs are dropped: a second of latency, or a time-out");
}

static void check_syn_backlog(struct tsp_check *c)
{
    if (c->l->syn_backlog < 0 || !(c->d->own_server || c->d->local))
        return;
    double have = (double)c->l->syn_backlog;
    double need = queued(c, SYN_PAUSE);
    bool cookies = c->l->syncookies != 0;
    struct tsp_finding *f = tsp_check_add(c,
                                          need <= have ? TSP_SEVERITY_OK
                                          : cookies    ? TSP_SEVERITY_NOTE
                                                       : TSP_SEVERITY_WARNING,
                                          "tcp_max_syn_backlog");
    char a[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%s%s", tsp_check_number(a, have), cookies ? "" : ", no SYN cookies");
    TSP_NEED(f, "%s handshakes under way", tsp_check_number(a, need));
    if (need <= have)
        return;
    TSP_REMEDY(f, "sysctl -w net.ipv4.tcp_max_syn_backlog=%.0f", need);
    TSP_EFFECT(f, "%s", cookies ? "past it SYN cookies are sent" : "past it SYNs are dropped");
}

/* Only where entries are there already does this host surely track. */
static void check_conntrack(struct tsp_check *c)
{
    if (c->l->conntrack_max <= 0)
        return;
    double now = (double)(c->l->conntrack_count > 0 ? c->l->conntrack_count : 0);
    double entries = tsp_check_tuples(c, 0, CONNTRACK_TIME_WAIT);
    if (tsp_check_ports(c) > 0)
        entries = least(entries, tsp_check_ports(c) * tsp_check_pairs(c));
    double have = (double)c->l->conntrack_max, need = entries + now;
    enum tsp_severity severity = need <= have ? TSP_SEVERITY_OK
                                 : now > 0    ? TSP_SEVERITY_WARNING
                                              : TSP_SEVERITY_NOTE;
    struct tsp_finding *f = tsp_check_add(c, severity, "nf_conntrack_max of this host");
    char a[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%s", tsp_check_number(a, have));
    TSP_NEED(f, "%s (closed connections stay %.0f s)", tsp_check_number(a, need),
             CONNTRACK_TIME_WAIT);
    if (severity == TSP_SEVERITY_OK)
        return;
    TSP_REMEDY(f, "sysctl -w net.netfilter.nf_conntrack_max=%.0f", need);
    TSP_EFFECT(f, "%sits SYNs are dropped when the table is full: timeout/connect",
               now > 0 ? "" : "if a firewall on this host tracks connections: ");
}

static void check_cpus(struct tsp_check *c)
{
    if (c->l->cpus <= 0)
        return;
    bool crowded = c->d->workers > (uint64_t)c->l->cpus;
    struct tsp_finding *f =
        tsp_check_add(c, crowded ? TSP_SEVERITY_NOTE : TSP_SEVERITY_OK, "processors");
    TSP_HAVE(f, "%lld", (long long)c->l->cpus);
    if (c->d->workers)
        TSP_NEED(f, "%u (workers)", c->d->workers);
    else
        TSP_NEED(f, "one per worker");
    if (!crowded)
        return;
    TSP_REMEDY(f, "--workers %lld (workers = %lld)", (long long)c->l->cpus, (long long)c->l->cpus);
    TSP_EFFECT(f, "workers wait for each other, and open connections late");
}

static void check_cpu_time(struct tsp_check *c)
{
    if (c->l->cpus <= 0 || c->d->rate <= 0)
        return;
    bool both = c->d->own_server || c->d->local;
    double cost = both ? 2 * COST : COST, have = (double)c->l->cpus, need = c->d->rate * cost;
    bool enough = need <= have;
    struct tsp_finding *f =
        tsp_check_add(c, enough ? TSP_SEVERITY_OK : TSP_SEVERITY_WARNING, "processor time");
    char rate[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%.0f s a second", have);
    TSP_NEED(f, "%.2g s a second, at best (%s x %.0f us%s)", need, tsp_check_rate(rate, c->d->rate),
             cost * 1e6, both ? ", both ends" : "");
    if (enough)
        return;
    TSP_REMEDY(f, "a rate of at most %s, or more machines", tsp_check_rate(rate, have / cost));
    TSP_EFFECT(f, "starts will be late, and the run's verdict invalid");
}

const char *tsp_severity_name(enum tsp_severity s)
{
    static const char *const names[] = {"ok", "note", "warning", "error"};
    return names[s];
}

void tsp_preflight(struct tsp_findings *out, const struct tsp_demand *d, const struct tsp_limits *l)
{
    static void (*const checks[])(struct tsp_check * c) = {
        check_files,     tsp_check_source_ports, tsp_check_cliff,
        tsp_check_reuse, tsp_check_timestamps,   check_buckets,
        check_somaxconn, check_syn_backlog,      check_conntrack,
        check_cpus,      check_cpu_time,
    };
    struct tsp_check c = {.d = d,
                          .l = l,
                          .out = out,
                          .hold = (double)d->hold_ns / 1e9,
                          .timeout = (double)d->timeout_ns / 1e9};
    out->count = 0;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        checks[i](&c);
}
