#include "client/spec.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "net/exchange.h"
#include "net/sources.h"

#define AT(member) offsetof(struct tsp_run_spec, member)

/* clang-format off */
const struct tsp_field tsp_run_fields[] = {
    {"host",         TSP_FIELD_STRING,   AT(host),         "127.0.0.1", 0, 0,
     "address or name to connect to", NULL},
    {"port",         TSP_FIELD_PORTS,    AT(port),         "2345", 1, 65535,
     "port, or a range used in turn", NULL},
    {"rate",         TSP_FIELD_RATE,     AT(rate),         NULL, 0, TSP_RATE_MAX,
     "connections per second", NULL},
    {"rate_to",      TSP_FIELD_RATE,     AT(rate_to),      NULL, 0, TSP_RATE_MAX,
     "rate at the end of a ramp", NULL},
    {"stages",       TSP_FIELD_STAGES,   AT(stages),       NULL, 0, TSP_RATE_MAX,
     "list of {rate=, rate_to=, length=}", NULL},
    {"concurrency",  TSP_FIELD_COUNT,    AT(concurrency),  NULL, 1, 1e6,
     "connections kept going, instead of a rate", NULL},
    {"length",       TSP_FIELD_TIME,     AT(length_ns),    NULL, 1e-3, 1e6,
     "how long to open connections", NULL},
    {"count",        TSP_FIELD_COUNT,    AT(count),        NULL, 1, TSP_COUNT_MAX,
     "how many connections to open", NULL},
    {"arrivals",     TSP_FIELD_CHOICE,   AT(arrivals),     "even", 0, 0,
     "how arrivals are spaced", TSP_ARRIVALS_CHOICES},
    {"seed",         TSP_FIELD_COUNT,    AT(seed),         "1", 1, TSP_COUNT_MAX,
     "of poisson arrivals", NULL},
    {"content",      TSP_FIELD_DATA,     AT(content),      NULL, 0, 0,
     "what the client sends", NULL},
    {"content_file", TSP_FIELD_STRING,   AT(content_file), NULL, 0, 0,
     "file with what the client sends", NULL},
    {"expect",       TSP_FIELD_SIZE,     AT(expect),       "0", 0, 1e15,
     "bytes the answer must have", NULL},
    {"hold",         TSP_FIELD_TIME,     AT(hold_ns),      "0", 0, 1e6,
     "how long a connection stays open", NULL},
    {"close",        TSP_FIELD_CHOICE,   AT(close),        "half", 0, 0,
     "how the client closes", TSP_CLOSE_CHOICES},
    {"coalesce_fin", TSP_FIELD_BOOL,     AT(coalesce_fin), NULL, 0, 0,
     "request and FIN may share a segment", NULL},
    {"nat",          TSP_FIELD_BOOL,     AT(nat),          NULL, 0, 0,
     "read the address the server reports", NULL},
    {"local_ips",    TSP_FIELD_STRINGS,  AT(local_ips),    NULL, 0, 0,
     "source addresses, ranges, CIDRs, used in turn", NULL},
    {"local_ports",  TSP_FIELD_STRING,   AT(local_ports),  "auto", 0, 0,
     "\"auto\", \"kernel\", \"walk\" or a range", NULL},
    {"timeout",      TSP_FIELD_TIME,     AT(timeout_ns),   "30", 1e-3, 1e4,
     "give up on a connection after", NULL},
    {"max_open",     TSP_FIELD_COUNT,    AT(max_open),     NULL, 1, 1e7,
     "cap on open connections", NULL},
    {"workers",      TSP_FIELD_COUNT,    AT(workers),      "0", 0, 1024,
     "threads; 0 = one per CPU", NULL},
    {"interval",     TSP_FIELD_TIME,     AT(interval_ns),  "1", 1e-2, 3600,
     "between entries of the timeline", NULL},
    {"on_interval",  TSP_FIELD_CALLBACK, 0,                NULL, 0, 0,
     "called with each interval's figures", NULL},
    {"label",        TSP_FIELD_STRING,   AT(label),        NULL, 0, 0,
     "carried into the result", NULL},
    {0},
};
/* clang-format on */

/* As long as a load may take: thirty years, and nanoseconds hold it. */
#define SECONDS_MAX 1e9

static int check_one_load(const struct tsp_run_spec *s, struct tsp_err *err)
{
    int kinds = (s->rate >= 0) + (s->concurrency > 0) + (s->stages.count > 0);
    if (kinds > 1)
        return tsp_refuse(err, EINVAL, "give one of 'rate', 'stages' and 'concurrency'");
    if (kinds == 0 && s->rate_to >= 0)
        return tsp_refuse(err, EINVAL, "field 'rate' is missing ('rate_to' needs it)");
    if (kinds == 0)
        return tsp_refuse(err, EINVAL, "field 'rate' is missing (connections per second)");
    if (s->rate_to >= 0 && s->rate < 0)
        return tsp_refuse(err, EINVAL, "field 'rate_to' goes with 'rate'");
    if (s->rate == 0 && s->rate_to <= 0)
        return tsp_refuse(err, EINVAL,
                          "field 'rate': a constant rate must be above 0 (a ramp may begin or "
                          "end there), got 0");
    return 0;
}

static int check_length(struct tsp_run_spec *s, struct tsp_err *err)
{
    bool has_length = s->length_ns != TSP_UNSET, has_count = s->count != TSP_UNSET;
    if (s->stages.count && (has_length || has_count))
        return tsp_refuse(err, EINVAL,
                          "field '%s' does not go with 'stages', which have lengths of their own",
                          has_length ? "length" : "count");
    if (has_length && has_count)
        return tsp_refuse(err, EINVAL, "give 'length' or 'count', not both");
    if (has_count && s->rate_to >= 0 && s->arrivals == TSP_ARRIVALS_POISSON)
        return tsp_refuse(err, EINVAL,
                          "'count' with poisson arrivals needs a constant rate: give 'length'");
    if (!s->stages.count && !has_length && !has_count)
        s->length_ns = 10 * TSP_SECOND;
    double total = s->rate >= 0 && has_length ? s->rate * (double)s->length_ns / 1e9 : 0;
    if (total > TSP_COUNT_MAX)
        return tsp_refuse(err, EINVAL, "rate x length is %.3g connections, past 2^53", total);
    double mean = s->rate_to >= 0 ? (s->rate + s->rate_to) / 2 : s->rate;
    double seconds = has_count && mean > 0 ? (double)s->count / mean : 0;
    if (seconds > SECONDS_MAX)
        return tsp_refuse(err, EINVAL, "count / rate is %.3g seconds, past 1e9", seconds);
    return 0;
}

static int check_local_ports(const struct tsp_run_spec *s, struct tsp_err *err)
{
    static const char *const words[] = {"auto", "kernel", "walk"};
    struct tsp_sources_spec range;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(s->local_ports, words[i]))
            return 0;
    if (tsp_sources_parse_ports(s->local_ports, &range))
        return 0;
    return tsp_refuse(err, EINVAL,
                      "field 'local_ports': \"auto\", \"kernel\", \"walk\" or a range like "
                      "\"1024-65535\" expected, got '%.40s'",
                      s->local_ports);
}

int tsp_run_spec_check(struct tsp_run_spec *spec, struct tsp_err *err)
{
    int rc = check_one_load(spec, err);
    if (!rc)
        rc = check_length(spec, err);
    if (!rc)
        rc = check_local_ports(spec, err);
    if (!rc && spec->content.bytes && spec->content_file)
        rc = tsp_refuse(err, EINVAL, "give 'content' or 'content_file', not both");
    return rc;
}
