/* spec.h - what a server is asked to do, and the table that reads it. */
#ifndef TSP_SERVER_SPEC_H
#define TSP_SERVER_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"

/* Plain data; strings belong to the caller and are only read by start. */
struct tsp_server_spec {
    struct tsp_strings listen; /* addresses or names; none = 0.0.0.0 */
    struct tsp_ports port;     /* 0 = any free one, the same for all addresses */
    struct tsp_data content;
    const char *content_file;
    int64_t acceptors; /* threads; 0 = one per CPU */
    int64_t backlog;   /* 0 = what somaxconn allows */
    int64_t idle_timeout_ns, total_timeout_ns;
    int64_t max_open;    /* 0 = what RLIMIT_NOFILE allows */
    int64_t max_request; /* bytes one connection may send */
    bool report_peer;    /* "address:port\n" of the client comes before the content */
    bool coalesce_fin;   /* the answer's end and the FIN may share a segment */
    bool defer_accept;
};

extern const struct tsp_field tsp_server_fields[];

/* What a single row cannot check. 0, or -EINVAL with a sentence. */
int tsp_server_spec_check(const struct tsp_server_spec *spec, struct tsp_err *err);

#endif
