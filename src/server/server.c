#include "server/server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/exchange.h"
#include "net/sock.h"
#include "server/acceptor.h"
#include "sys/limits.h"

/* How long stats() waits for the threads, and stop() for them to have closed everything. */
#define STATS_WAIT_NS TSP_SECOND
#define STOP_WAIT_NS (950 * TSP_MS)

/* Ports to try until one is free on every address: the kernel's choice, then
 * some below its usual range. */
#define KERNEL_TRIES 4
#define PORT_TRIES 64
#define OWN_PORT_LO 10000
#define OWN_PORTS 22000

/* Descriptors of a process besides its acceptors' (two, and one per listener). */
#define OTHERS 8

/* Descriptors left to the rest of the process, at most. */
#define RESERVE 64

struct tsp_server {
    struct tsp_payload content;
    struct tsp_answer answer;
    struct tsp_addr *at; /* every address with every port */
    char (*text)[TSP_ADDR_TEXT];
    size_t ats;
    struct tsp_acceptor **acceptor;
    size_t acceptors;
    struct tsp_cap cap;
};

/* SO_REUSEPORT lets a second server of the same user share a port that is in
 * use, unnoticed. A socket without it, bound for a moment, does notice. */
static int check_unused(const struct tsp_addr *at, struct tsp_err *err)
{
    char text[TSP_ADDR_TEXT];
    int fd;
    if (tsp_sock_open(&fd, at->sa.sa_family))
        return 0; /* listening itself will say why */
    if (at->sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    int rc = tsp_sock_bind_source(fd, at);
    (void)close(fd);
    if (rc == -EADDRINUSE)
        return tsp_fail(err, EADDRINUSE, "listen on %s", tsp_addr_text(text, at));
    return 0;
}

static int resolve(struct tsp_server *s, const struct tsp_server_spec *spec, struct tsp_err *err)
{
    static const char *everywhere[] = {"0.0.0.0"};
    bool given = spec->listen.count > 0;
    const char **name = given ? spec->listen.item : everywhere;
    size_t names = given ? spec->listen.count : 1;
    size_t ports = (size_t)(spec->port.hi - spec->port.lo) + 1;
    s->at = calloc(names * ports, sizeof *s->at);
    s->text = calloc(names * ports, sizeof *s->text);
    if (!s->at || !s->text)
        return tsp_fail(err, ENOMEM, "%zu addresses to listen on", names * ports);
    for (size_t i = 0; i < names; i++) {
        struct tsp_addr host;
        int rc = tsp_addr_resolve(&host, name[i], AF_UNSPEC, err);
        for (size_t p = 0; rc == 0 && p < ports; p++) {
            tsp_addr_set_port(&host, (uint16_t)(spec->port.lo + p));
            s->at[s->ats++] = host;
            rc = spec->port.lo ? check_unused(&host, err) : 0;
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* The first socket of all finds the port where any will do. */
static int listen_one(struct tsp_server *s, struct tsp_listener *l,
                      const struct tsp_listen_options *options, struct tsp_err *err)
{
    for (size_t i = 0; i < s->ats; i++) {
        bool any = tsp_addr_port(&s->at[i]) == 0;
        int rc = tsp_listener_open(l, &s->at[i], options, err);
        if (rc)
            return rc;
        for (size_t j = i + 1; any && j < s->ats; j++)
            tsp_addr_set_port(&s->at[j], tsp_addr_port(&s->at[i]));
    }
    return 0;
}

static int listen_all(struct tsp_server *s, const struct tsp_listen_options *options,
                      struct tsp_err *err)
{
    for (size_t i = 0; i < s->acceptors; i++) {
        struct tsp_acceptor *a = s->acceptor[i];
        int rc = tsp_listener_init(&a->listener, &a->sessions, s->ats, err);
        if (rc == 0)
            rc = listen_one(s, &a->listener, options, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* A port to try in turn: the kernel's choice; where it finds none (all of its range
 * in TIME_WAIT after a big load on loopback: seen), one below that range. */
static uint16_t candidate(int try)
{
    if (try < KERNEL_TRIES)
        return 0;
    return (uint16_t)(OWN_PORT_LO + (tsp_now_ns() / 1000 + try * INT64_C(7919)) % OWN_PORTS);
}

static int listen_anywhere(struct tsp_server *s, const struct tsp_listen_options *options,
                           struct tsp_err *err)
{
    int rc = -EADDRINUSE;
    for (int try = 0; try < PORT_TRIES && rc == -EADDRINUSE; try++) {
        uint16_t port = candidate(try);
        rc = 0;
        for (size_t j = 0; j < s->acceptors; j++)
            tsp_listener_close(&s->acceptor[j]->listener);
        for (size_t j = 0; j < s->ats && rc == 0; j++) {
            tsp_addr_set_port(&s->at[j], port);
            rc = port ? check_unused(&s->at[j], err) : 0;
        }
        if (rc == 0)
            rc = listen_all(s, options, err);
    }
    return rc;
}

static int make_acceptors(struct tsp_server *s, size_t n, struct tsp_err *err)
{
    s->acceptor = calloc(n, sizeof(struct tsp_acceptor *));
    if (!s->acceptor)
        return tsp_fail(err, ENOMEM, "%zu acceptors", n);
    for (size_t i = 0; i < n; i++) {
        int rc = tsp_acceptor_new(&s->acceptor[i], &s->answer, &s->cap, err);
        if (rc)
            return rc;
        s->acceptors++;
    }
    return 0;
}

/* After all listeners are open, so that what they take is seen. Each thread may have one
 * connection beyond the cap for a moment. */
static int set_cap(struct tsp_server *s, int64_t asked, int64_t nofile, struct tsp_err *err)
{
    struct tsp_limits limits;
    tsp_limits_read(&limits, "/proc");
    int64_t reserve = nofile / 4 < RESERVE ? nofile / 4 : RESERVE;
    int64_t n = (int64_t)s->acceptors, used = limits.nofile_used;
    if (used < 0) /* counting takes a descriptor, too, and there was none: what is known of */
        used = OTHERS + n * (2 + (int64_t)s->ats);
    int64_t room = nofile - used - reserve - n;
    if (room < 1)
        return tsp_refuse(
            err, EMFILE,
            "open files: %lld allowed, %lld in use, which leaves none for connections "
            "(raise with ulimit -n)",
            (long long)nofile, (long long)used);
    s->cap.max = asked > 0 && asked < room ? asked : room;
    return 0;
}

static int set_up(struct tsp_server *s, const struct tsp_server_spec *spec, struct tsp_err *err)
{
    int64_t nofile = tsp_limits_raise_nofile();
    struct tsp_limits limits;
    tsp_limits_read(&limits, "/proc");
    int64_t n = spec->acceptors > 0 ? spec->acceptors : limits.cpus;
    struct tsp_listen_options options = {
        .backlog = (int)(spec->backlog > 0 ? spec->backlog : limits.somaxconn),
        .defer = spec->defer_accept};
    if (options.backlog <= 0)
        options.backlog = SOMAXCONN;
    int rc = tsp_payload_init(&s->content, &spec->content, spec->content_file, err);
    if (rc)
        return rc;
    s->answer = (struct tsp_answer){.bytes = s->content.bytes,
                                    .len = s->content.len,
                                    .report_peer = spec->report_peer,
                                    .coalesce_fin = spec->coalesce_fin,
                                    .idle_ns = spec->idle_timeout_ns,
                                    .total_ns = spec->total_timeout_ns,
                                    .max_request = spec->max_request};
    rc = resolve(s, spec, err);
    if (rc == 0)
        rc = make_acceptors(s, (size_t)(n > 0 ? n : 1), err);
    if (rc == 0)
        rc = (spec->port.lo ? listen_all : listen_anywhere)(s, &options, err);
    return rc ? rc : set_cap(s, spec->max_open, nofile, err);
}

int tsp_server_start(struct tsp_server **server, const struct tsp_server_spec *spec,
                     struct tsp_err *err)
{
    *server = NULL;
    struct tsp_server *s = calloc(1, sizeof *s);
    if (!s)
        return tsp_fail(err, ENOMEM, "server");
    int rc = tsp_server_spec_check(spec, err);
    if (rc == 0)
        rc = set_up(s, spec, err);
    for (size_t i = 0; rc == 0 && i < s->acceptors; i++)
        rc = tsp_acceptor_start(s->acceptor[i], err);
    if (rc) {
        tsp_server_free(s);
        return rc;
    }
    for (size_t i = 0; i < s->ats; i++)
        tsp_addr_text(s->text[i], &s->at[i]);
    *server = s;
    return 0;
}

uint16_t tsp_server_port(const struct tsp_server *s)
{
    return tsp_addr_port(&s->at[0]); /* ports of a range are in rising order */
}

const char *tsp_server_address(const struct tsp_server *s, size_t i)
{
    return i < s->ats ? s->text[i] : NULL;
}

int64_t tsp_server_max_open(const struct tsp_server *s)
{
    return s->cap.max;
}

void tsp_server_stats(struct tsp_server *s, struct tsp_server_stats *out)
{
    *out = (struct tsp_server_stats){0};
    int64_t until = tsp_now_ns() + STATS_WAIT_NS;
    for (size_t i = 0; i < s->acceptors; i++)
        tsp_acceptor_ask(s->acceptor[i]);
    for (size_t i = 0; i < s->acceptors; i++)
        tsp_acceptor_collect(s->acceptor[i], until, out);
}

static void stop(struct tsp_server *s, int64_t until_ns)
{
    bool over = true;
    for (size_t i = 0; i < s->acceptors; i++)
        tsp_acceptor_stop(s->acceptor[i]);
    for (size_t i = 0; i < s->acceptors; i++)
        over = tsp_acceptor_join(s->acceptor[i], until_ns) && over;
    for (size_t i = 0; over && i < s->acceptors; i++)
        tsp_acceptor_release(s->acceptor[i]);
}

void tsp_server_stop(struct tsp_server *s)
{
    stop(s, tsp_now_ns() + STOP_WAIT_NS);
}

void tsp_server_free(struct tsp_server *s)
{
    if (!s)
        return;
    stop(s, INT64_MAX);
    for (size_t i = 0; i < s->acceptors; i++)
        tsp_acceptor_free(s->acceptor[i]);
    free(s->acceptor);
    free(s->at);
    free(s->text);
    tsp_payload_clear(&s->content);
    free(s);
}
