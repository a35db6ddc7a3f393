#include "sys/check.h"

#include <math.h>

/* Measured: with half of 28,232 ports in use, the kernel finds 200 free ones a
 * second. The search walks the range, so a shorter one is quicker. */
#define CLIFF_RATE 200.0
#define CLIFF_PORTS 28232.0

/* What a range of 1024-65535 holds. */
#define WIDEST_RANGE 64512.0

/* A walk of tspam's own reuses a TIME_WAIT at once, and never searches. */
#define WIDE_WALK "--local-ports 1024-65535 (local_ports = \"1024-65535\")"
#define ADDRESSES "--local-ip with at least %s addresses (local_ips)"

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Whether a TIME_WAIT would be reused, were there timestamps. */
static bool reuse_asked(const struct tsp_check *c)
{
    if (!c->d->kernel_ports)
        return true;
    return c->l->tw_reuse == 1 || (c->l->tw_reuse == 2 && c->d->loopback);
}

static bool reuse_on(const struct tsp_check *c)
{
    return c->l->timestamps != 0 && reuse_asked(c);
}

/* Seconds from a connection's end until its tuple may be used again. */
static double reuse_after(const struct tsp_check *c)
{
    if (!reuse_on(c))
        return TSP_TIME_WAIT;
    return c->d->kernel_ports ? (double)c->l->tw_reuse_delay_ms / 1e3 : 0;
}

/* Enough ports, and not so many in use that the kernel searches. */
static bool suffices(const struct tsp_check *c, double exchange)
{
    double have = tsp_check_ports(c) * tsp_check_pairs(c), reuse = reuse_after(c);
    bool quick = !c->d->kernel_ports || tsp_check_tuples(c, 0, reuse) <= have / 2;
    return quick && tsp_check_tuples(c, exchange, reuse) <= have;
}

/* What may mend it, the smallest change first. */
static const struct mend {
    bool timestamps, range, walk;
    const char *command;
} mends[] = {
    {true, false, false, "sysctl -w net.ipv4.tcp_timestamps=1"},
    {false, true, false, "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""},
    {false, false, true, WIDE_WALK},
    {true, false, true, "sysctl -w net.ipv4.tcp_timestamps=1, and " WIDE_WALK},
};

static bool mends_it(const struct tsp_check *c, const struct mend *m, double exchange)
{
    struct tsp_demand d = *c->d;
    struct tsp_limits l = *c->l;
    struct tsp_check mended = *c;
    mended.d = &d;
    mended.l = &l;
    if (m->timestamps)
        l.timestamps = 1;
    if (m->range) {
        l.port_lo = 1024;
        l.port_hi = 65535;
    }
    if (m->walk) {
        d.kernel_ports = false;
        d.walk_ports = (uint64_t)WIDEST_RANGE;
    }
    return suffices(&mended, exchange);
}

/* Source addresses it takes, each with so many ports of which so many are quick. */
static double addresses(const struct tsp_check *c, double exchange, double ports, double quick,
                        double reuse)
{
    double to = c->d->destinations ? (double)c->d->destinations : 1;
    double all = ceil(tsp_check_tuples(c, exchange, reuse) / (ports * to));
    double soon = ceil(tsp_check_tuples(c, 0, reuse) / (quick * to));
    return all > soon ? all : soon;
}

static void more_addresses(const struct tsp_check *c, struct tsp_finding *f, double exchange)
{
    char n[TSP_CHECK_TEXT];
    double ports = tsp_check_ports(c), quick = c->d->kernel_ports ? ports / 2 : ports;
    double plain = addresses(c, exchange, ports, quick, reuse_after(c));
    double rest = c->l->timestamps == 0 ? TSP_TIME_WAIT : 0;
    double walked = addresses(c, exchange, WIDEST_RANGE, WIDEST_RANGE, rest);
    if (walked < plain / 2)
        TSP_REMEDY(f, WIDE_WALK ", and " ADDRESSES, tsp_check_number(n, walked));
    else
        TSP_REMEDY(f, ADDRESSES, tsp_check_number(n, plain));
}

/* The first change after which nothing is short while exchanges take so long. */
static void mend_ports(const struct tsp_check *c, struct tsp_finding *f, double exchange)
{
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++)
        if (mends_it(c, &mends[i], exchange)) {
            TSP_REMEDY(f, "%s", mends[i].command);
            return;
        }
    more_addresses(c, f, exchange);
}

void tsp_check_source_ports(struct tsp_check *c)
{
    if (tsp_check_ports(c) <= 0)
        return;
    double have = tsp_check_ports(c) * tsp_check_pairs(c), reuse = reuse_after(c);
    double sure = tsp_check_tuples(c, 0, reuse);
    double likely = tsp_check_tuples(c, least(TSP_SLOW, c->timeout), reuse);
    double worst = tsp_check_tuples(c, c->timeout, reuse);
    struct tsp_finding *f =
        tsp_check_add(c, tsp_check_grade(have, sure, likely, worst), "source ports");
    double need = f->severity == TSP_SEVERITY_ERROR     ? sure
                  : f->severity == TSP_SEVERITY_WARNING ? likely
                                                        : worst;
    char a[TSP_CHECK_TEXT], b[TSP_CHECK_TEXT], rate[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%s (%s ports x %.0f source-destination pairs)", tsp_check_number(a, have),
             tsp_check_number(b, tsp_check_ports(c)), tsp_check_pairs(c));
    if (c->d->total && need >= (double)c->d->total)
        TSP_NEED(f, "%s (one per connection)", tsp_check_number(a, need));
    else
        TSP_NEED(f, "%s (in use, or in TIME_WAIT for %.3g s)", tsp_check_number(a, need), reuse);
    if (f->severity == TSP_SEVERITY_OK)
        return;
    mend_ports(c, f, f->severity == TSP_SEVERITY_NOTE ? c->timeout : least(TSP_SLOW, c->timeout));
    double in_use = reuse + c->hold;
    if (f->severity == TSP_SEVERITY_ERROR && in_use > 0 && c->d->rate > 0)
        TSP_EFFECT(f, "past %s connections no more than %s; the others fail with no-port",
                   tsp_check_number(a, have), tsp_check_rate(rate, have / in_use));
    else
        TSP_EFFECT(
            f, "connections past %s in use at once fail with no-port%s", tsp_check_number(a, have),
            f->severity == TSP_SEVERITY_NOTE ? ": only if they hang until the time-out" : "");
}

/* The kernel fills the ports of one parity first; once they are gone, every
 * connect() looks at all of them before it turns to the other half. */
void tsp_check_cliff(struct tsp_check *c)
{
    if (!c->d->kernel_ports || tsp_check_ports(c) <= 0)
        return;
    double half = tsp_check_ports(c) / 2,
           used = tsp_check_tuples(c, 0, reuse_after(c)) / tsp_check_pairs(c);
    double rate = CLIFF_RATE * CLIFF_PORTS / tsp_check_ports(c);
    enum tsp_severity severity = used <= half         ? TSP_SEVERITY_OK
                                 : c->d->rate <= rate ? TSP_SEVERITY_NOTE
                                                      : TSP_SEVERITY_ERROR;
    struct tsp_finding *f = tsp_check_add(c, severity, "ip_local_port_range");
    char a[TSP_CHECK_TEXT], b[TSP_CHECK_TEXT];
    TSP_HAVE(f, "%lld-%lld: %s ports, half of them quick", (long long)c->l->port_lo,
             (long long)c->l->port_hi, tsp_check_number(a, tsp_check_ports(c)));
    TSP_NEED(f, "%s for each source-destination pair", tsp_check_number(a, used));
    if (severity == TSP_SEVERITY_OK)
        return;
    mend_ports(c, f, least(TSP_SLOW, c->timeout));
    TSP_EFFECT(f, "past %s ports connect() searches for milliseconds: about %s",
               tsp_check_number(a, half), tsp_check_rate(b, rate));
}

void tsp_check_reuse(struct tsp_check *c)
{
    static const char *const words[] = {"0 (off)", "1 (on)", "2 (loopback only)"};
    if (!c->d->kernel_ports || c->l->tw_reuse < 0 || c->l->tw_reuse > 2 || tsp_check_ports(c) <= 0)
        return;
    double have = tsp_check_ports(c) * tsp_check_pairs(c),
           used = tsp_check_tuples(c, 0, TSP_TIME_WAIT);
    bool enough = reuse_asked(c) || used <= have;
    struct tsp_finding *f =
        tsp_check_add(c, enough ? TSP_SEVERITY_OK : TSP_SEVERITY_NOTE, "tcp_tw_reuse");
    TSP_HAVE(f, "%s", words[c->l->tw_reuse]);
    TSP_NEED(f, "%s", used <= have ? "any" : "1");
    if (enough)
        return;
    TSP_REMEDY(f, "sysctl -w net.ipv4.tcp_tw_reuse=1%s",
               c->l->timestamps == 0 ? " net.ipv4.tcp_timestamps=1" : "");
    TSP_EFFECT(f, "a port rests %.3g s in TIME_WAIT, not %.3g s", TSP_TIME_WAIT,
               (double)c->l->tw_reuse_delay_ms / 1e3);
}

void tsp_check_timestamps(struct tsp_check *c)
{
    if (c->l->timestamps < 0 || tsp_check_ports(c) <= 0)
        return;
    /* A closed loop takes as many as it can get. */
    bool again = c->d->rate <= 0 ||
                 tsp_check_tuples(c, 0, TSP_TIME_WAIT) > tsp_check_ports(c) * tsp_check_pairs(c);
    bool reuses = again && reuse_asked(c);
    bool enough = c->l->timestamps > 0 || !reuses;
    struct tsp_finding *f =
        tsp_check_add(c, enough ? TSP_SEVERITY_OK : TSP_SEVERITY_WARNING, "tcp_timestamps");
    TSP_HAVE(f, "%lld", (long long)c->l->timestamps);
    TSP_NEED(f, "%s", reuses ? "1 (source ports are used again)" : "any");
    if (enough)
        return;
    TSP_REMEDY(f, "sysctl -w net.ipv4.tcp_timestamps=1");
    TSP_EFFECT(f, "without timestamps a port rests %.3g s in TIME_WAIT, whoever picks it",
               TSP_TIME_WAIT);
}
