#include "server/spec.h"

#include <errno.h>
#include <stddef.h>

#define AT(member) offsetof(struct tsp_server_spec, member)

/* clang-format off */
const struct tsp_field tsp_server_fields[] = {
    {"listen",        TSP_FIELD_STRINGS, AT(listen),           NULL, 0, 0,
     "address or name to listen on, or a list of them", NULL},
    {"port",          TSP_FIELD_PORTS,   AT(port),             "2345", 0, 65535,
     "port or range of ports; 0 = any free one", NULL},
    {"content",       TSP_FIELD_DATA,    AT(content),          NULL, 0, 0,
     "what every connection is answered with", NULL},
    {"content_file",  TSP_FIELD_STRING,  AT(content_file),     NULL, 0, 0,
     "file with what to answer", NULL},
    {"acceptors",     TSP_FIELD_COUNT,   AT(acceptors),        "0", 0, 1024,
     "threads; 0 = one per CPU", NULL},
    {"backlog",       TSP_FIELD_COUNT,   AT(backlog),          "0", 0, 1e9,
     "connections the kernel queues; 0 = what somaxconn allows", NULL},
    {"idle_timeout",  TSP_FIELD_TIME,    AT(idle_timeout_ns),  "60", 1e-3, 1e6,
     "end a connection without progress after", NULL},
    {"total_timeout", TSP_FIELD_TIME,    AT(total_timeout_ns), "300", 1e-3, 1e6,
     "end any connection after", NULL},
    {"max_open",      TSP_FIELD_COUNT,   AT(max_open),         "0", 0, 1e7,
     "connections open at once; 0 = what RLIMIT_NOFILE allows", NULL},
    {"max_request",   TSP_FIELD_SIZE,    AT(max_request),      "64M", 1, 1e15,
     "bytes one connection may send", NULL},
    {"report_peer",   TSP_FIELD_BOOL,    AT(report_peer),      NULL, 0, 0,
     "answer first with the address and port of the client", NULL},
    {"coalesce_fin",  TSP_FIELD_BOOL,    AT(coalesce_fin),     NULL, 0, 0,
     "answer and FIN may share a segment", NULL},
    {"defer_accept",  TSP_FIELD_BOOL,    AT(defer_accept),     NULL, 0, 0,
     "accept when data has come (TCP_DEFER_ACCEPT)", NULL},
    {0},
};
/* clang-format on */

int tsp_server_spec_check(const struct tsp_server_spec *spec, struct tsp_err *err)
{
    if (spec->port.lo == 0 && spec->port.hi != 0)
        return tsp_refuse(err, EINVAL, "field 'port': a range begins at 1 or above, got 0-%u",
                          spec->port.hi);
    if (spec->content.bytes && spec->content_file)
        return tsp_refuse(err, EINVAL, "fields 'content' and 'content_file' exclude each other");
    for (size_t i = 0; i < spec->listen.count; i++) {
        if (!spec->listen.item[i][0])
            return tsp_refuse(err, EINVAL, "field 'listen': address or name expected, got ''");
    }
    return 0;
}
