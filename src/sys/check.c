#include "sys/check.h"

#include <stdarg.h>
#include <stdio.h>

/* Beyond all limits; for what nothing caps. */
#define ENDLESS 1e15

static double least(double a, double b)
{
    return a < b ? a : b;
}

const char *tsp_check_number(char buf[TSP_CHECK_TEXT], double value)
{
    char digits[TSP_CHECK_TEXT];
    int len = snprintf(digits, sizeof digits, "%.0f", least(value, ENDLESS));
    char *to = buf;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buf;
}

const char *tsp_check_rate(char buf[TSP_CHECK_TEXT], double rate)
{
    double scaled = rate >= 1e6 ? rate / 1e6 : rate >= 1e3 ? rate / 1e3 : rate;
    snprintf(buf, TSP_CHECK_TEXT, "%.3g%s/s", scaled, rate >= 1e6 ? "M" : rate >= 1e3 ? "k" : "");
    return buf;
}

void tsp_check_put(char *to, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(to, size, fmt, ap);
    va_end(ap);
}

struct tsp_finding *tsp_check_add(struct tsp_check *c, enum tsp_severity severity, const char *what)
{
    static _Thread_local struct tsp_finding dropped; /* more checks than room: none now */
    struct tsp_findings *out = c->out;
    struct tsp_finding *f = out->count < TSP_FINDINGS_MAX ? &out->item[out->count++] : &dropped;
    *f = (struct tsp_finding){.severity = severity};
    tsp_check_put(f->what, sizeof f->what, "%s", what);
    return f;
}

double tsp_check_opened(const struct tsp_check *c, double seconds)
{
    double n = c->d->rate * seconds;
    return c->d->total ? least(n, (double)c->d->total) : n;
}

double tsp_check_open(const struct tsp_check *c, double exchange)
{
    double n = c->d->rate > 0 ? c->d->rate * (c->hold + exchange) : (double)c->d->concurrency;
    n = c->d->total ? least(n, (double)c->d->total) : n;
    return c->d->max_open ? least(n, (double)c->d->max_open) : n;
}

double tsp_check_tuples(const struct tsp_check *c, double exchange, double reuse)
{
    double n = tsp_check_open(c, exchange) + c->d->rate * reuse;
    return c->d->total ? least(n, (double)c->d->total) : n;
}

enum tsp_severity tsp_check_grade(double have, double sure, double likely, double worst)
{
    if (sure > have)
        return TSP_SEVERITY_ERROR;
    if (likely > have)
        return TSP_SEVERITY_WARNING;
    return worst > have ? TSP_SEVERITY_NOTE : TSP_SEVERITY_OK;
}

static double kernel_ports(const struct tsp_limits *l)
{
    return (double)(l->port_hi - l->port_lo + 1 - l->ports_reserved);
}

double tsp_check_pairs(const struct tsp_check *c)
{
    double sources = c->d->sources ? (double)c->d->sources : 1;
    return sources * (c->d->destinations ? (double)c->d->destinations : 1);
}

double tsp_check_ports(const struct tsp_check *c)
{
    if (!c->d->kernel_ports)
        return (double)c->d->walk_ports;
    return c->l->port_lo > 0 && c->l->port_hi >= c->l->port_lo ? kernel_ports(c->l) : 0;
}
