#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define SOURCES 16
#define SECOND 1000000000u

/* Where an exchange ended; DONE is the good end. */
enum step { SOCKET, BIND, CONNECT, HANDSHAKE, EXCHANGE, DONE, STEPS };
enum state { WAITING, CONNECTING, ESTABLISHED, ENDED };

struct conn {
    uint64_t due, opened, established, ended; /* ns; 0 = never */
    int fd, error;
    enum state state;
    enum step step;
    unsigned retransmits;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static struct {
    const char *host, *csv, *source[SOURCES];
    size_t sources, bytes;
    int port, rate, timeout_ms;
    double seconds;
} set = {.port = 2345, .rate = 100, .timeout_ms = 5000, .seconds = 5, .bytes = 16};

static struct {
    struct conn *conns;
    size_t total, started, ended, open, open_max, oldest;
    uint64_t start, gap, timeout;
    union address to, from[SOURCES];
    char *request;
    char peer[64]; /* the first answer's first line */
    int epoll;
} run;

static union address parse(const char *text, int port)
{
    union address a = {0};
    if (strchr(text, ':')) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, text, &a.v6.sin6_addr);
    } else {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, text, &a.v4.sin_addr);
    }
    return a;
}

static socklen_t length(const union address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

static void end(struct conn *c, int error, enum step step)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    c->ended = probe_now();
    if (c->fd != -1) {
        getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
        close(c->fd);
        run.open--;
    }
    c->retransmits = info.tcpi_total_retrans;
    c->state = ENDED;
    c->error = error;
    c->step = step;
    run.ended++;
}

static void open_next(uint64_t now)
{
    size_t k = run.started++;
    struct conn *c = &run.conns[k];
    c->due = run.start + k * run.gap;
    c->opened = now;
    c->state = CONNECTING;
    c->fd = socket(run.to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1) {
        end(c, errno, SOCKET);
        return;
    }
    run.open++;
    run.open_max = run.open > run.open_max ? run.open : run.open_max;
    if (set.sources) {
        const union address *from = &run.from[k % set.sources];
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
        if (bind(c->fd, &from->any, length(from)) == -1) {
            end(c, errno, BIND);
            return;
        }
    }
    if (connect(c->fd, &run.to.any, length(&run.to)) == -1 && errno != EINPROGRESS) {
        end(c, errno, CONNECT);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLET, .data.ptr = c};
    epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return error;
}

/* The handshake is over; 0 when the connection ended here. */
static int send_request(struct conn *c)
{
    c->established = probe_now();
    c->state = ESTABLISHED;
    ssize_t n = set.bytes ? write(c->fd, run.request, set.bytes) : 0;
    if (n != (ssize_t)set.bytes) {
        end(c, n == -1 ? errno : EMSGSIZE, EXCHANGE);
        return 0;
    }
    if (shutdown(c->fd, SHUT_WR) == -1) {
        /* ENOTCONN means a reset came in between: the socket still knows it */
        int code = errno, error = socket_error(c->fd);
        end(c, code == ENOTCONN && error ? error : code, EXCHANGE);
        return 0;
    }
    return 1;
}

static void read_answer(struct conn *c)
{
    char text[4096];
    ssize_t n;
    while ((n = read(c->fd, text, sizeof text)) > 0)
        if (!run.peer[0])
            snprintf(run.peer, sizeof run.peer, "%.*s", (int)strcspn(text, "\n"), text);
    if (n == 0)
        end(c, 0, DONE);
    else if (errno != EAGAIN)
        end(c, errno, DONE);
}

static void on_event(struct conn *c, uint32_t events)
{
    if (c->state == ENDED)
        return;
    if (c->state == CONNECTING) {
        int error = socket_error(c->fd);
        if (error) {
            end(c, error, HANDSHAKE);
            return;
        }
        if (!(events & EPOLLOUT) || !send_request(c))
            return;
    }
    read_answer(c);
}

static void end_overdue(uint64_t now)
{
    while (run.oldest < run.started) {
        struct conn *c = &run.conns[run.oldest];
        if (c->state != ENDED && c->due + run.timeout > now)
            return;
        if (c->state != ENDED)
            end(c, ETIMEDOUT, c->state == CONNECTING ? HANDSHAKE : EXCHANGE);
        run.oldest++;
    }
}

/* When there is something to do that no event tells of. */
static struct timespec until_next(void)
{
    uint64_t next = UINT64_MAX, now = probe_now();
    if (run.started < run.total)
        next = run.start + run.started * run.gap;
    if (run.oldest < run.started && run.conns[run.oldest].due + run.timeout < next)
        next = run.conns[run.oldest].due + run.timeout;
    uint64_t wait = next > now ? next - now : 0;
    if (wait > SECOND / 5)
        wait = SECOND / 5; /* to notice a signal */
    return (struct timespec){.tv_sec = 0, .tv_nsec = (long)wait};
}

static void drive(void)
{
    struct epoll_event events[EVENTS];
    while (run.ended < run.total && !probe_ending) {
        uint64_t now = probe_now();
        while (run.started < run.total && run.start + run.started * run.gap <= now)
            open_next(now);
        end_overdue(now);
        struct timespec wait = until_next();
        int n = epoll_pwait2(run.epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++)
            on_event(events[i].data.ptr, events[i].events);
    }
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_spread(const char *name, uint64_t *ns, size_t n)
{
    static const struct {
        const char *name;
        double share;
    } points[] = {{"min", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
    printf(",\"%s\":{", name);
    qsort(ns, n, sizeof *ns, by_size);
    for (size_t i = 0; n && i < sizeof points / sizeof *points; i++) {
        size_t at = (size_t)((double)n * points[i].share);
        printf("%s\"%s\":%.6f", i ? "," : "", points[i].name,
               (double)ns[at < n ? at : n - 1] / 1e9);
    }
    printf("}");
}

/* One spread of (to - from) over the connections that ended well. */
static void print_phase(const char *name, size_t from, size_t to)
{
    uint64_t *ns = calloc(run.total + 1, sizeof *ns);
    size_t n = 0;
    for (size_t k = 0; ns && k < run.started; k++) {
        const char *c = (const char *)&run.conns[k];
        if (run.conns[k].state == ENDED && !run.conns[k].error)
            ns[n++] = *(const uint64_t *)(c + to) - *(const uint64_t *)(c + from);
    }
    print_spread(name, ns, n);
    free(ns);
}

static size_t count(int error, enum step step)
{
    size_t n = 0;
    for (size_t k = 0; k < run.started; k++) {
        const struct conn *c = &run.conns[k];
        n += c->state == ENDED && c->error == error && (step == STEPS || c->step == step);
    }
    return n;
}

static size_t count_retransmitted(void)
{
    size_t n = 0;
    for (size_t k = 0; k < run.started; k++)
        n += run.conns[k].retransmits > 0;
    return n;
}

/* The connections due before the first one that failed. */
static size_t first_failure(void)
{
    size_t k = 0;
    while (k < run.started && !run.conns[k].error)
        k++;
    return k;
}

static void print_result(void)
{
    static const struct {
        const char *name;
        int error;
        enum step step;
    } causes[] = {
        {"refused", ECONNREFUSED, STEPS},
        {"timeout_connect", ETIMEDOUT, HANDSHAKE},
        {"timeout_reply", ETIMEDOUT, EXCHANGE},
        {"reset", ECONNRESET, STEPS},
        {"broken_pipe", EPIPE, STEPS},
        {"no_port", EADDRNOTAVAIL, STEPS},
        {"host_unreachable", EHOSTUNREACH, STEPS},
        {"net_unreachable", ENETUNREACH, STEPS},
        {"prohibited", EACCES, STEPS},
    };
    printf("{\"rate\":%d,\"due\":%zu,\"ok\":%zu,\"failed\":%zu,\"retransmitted\":%zu,"
           "\"first_failure\":%zu,\"open_max\":%zu,\"peer\":\"%s\"",
           set.rate, run.started, count(0, DONE), run.ended - count(0, DONE), count_retransmitted(),
           first_failure(), run.open_max, run.peer);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        printf(",\"%s\":%zu", causes[i].name, count(causes[i].error, causes[i].step));
    print_phase("latency", offsetof(struct conn, due), offsetof(struct conn, ended));
    print_phase("service", offsetof(struct conn, opened), offsetof(struct conn, ended));
    print_phase("connect", offsetof(struct conn, opened), offsetof(struct conn, established));
    print_phase("lag", offsetof(struct conn, due), offsetof(struct conn, opened));
    printf("}\n");
}

/* due, opened, established, ended in seconds since the start; error; step; retransmits */
static void write_csv(void)
{
    FILE *f = fopen(set.csv, "w");
    if (!f) {
        perror(set.csv);
        return;
    }
    for (size_t k = 0; k < run.started; k++) {
        const struct conn *c = &run.conns[k];
        const uint64_t at[] = {c->due, c->opened, c->established, c->ended};
        for (size_t i = 0; i < sizeof at / sizeof *at; i++)
            fprintf(f, "%.6f,", at[i] ? (double)(at[i] - run.start) / 1e9 : -1);
        fprintf(f, "%d,%d,%u\n", c->error, (int)c->step, c->retransmits);
    }
    fclose(f);
}

static int read_arguments(int argc, char **argv)
{
    int o;
    while ((o = getopt(argc, argv, "h:p:r:s:t:i:n:o:")) != -1) {
        if (o == 'h')
            set.host = optarg;
        else if (o == 'p')
            set.port = atoi(optarg);
        else if (o == 'r')
            set.rate = atoi(optarg);
        else if (o == 's')
            set.seconds = atof(optarg);
        else if (o == 't')
            set.timeout_ms = atoi(optarg);
        else if (o == 'i' && set.sources < SOURCES)
            set.source[set.sources++] = optarg;
        else if (o == 'n')
            set.bytes = strtoul(optarg, NULL, 10);
        else if (o == 'o')
            set.csv = optarg;
        else
            return 0;
    }
    return set.host && set.rate > 0 && set.seconds > 0;
}

int probe_rate(int argc, char **argv)
{
    if (!read_arguments(argc, argv))
        return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run.total = (size_t)(set.rate * set.seconds + 1e-6);
    run.conns = calloc(run.total + 1, sizeof *run.conns);
    run.request = calloc(1, set.bytes + 1);
    if (!run.conns || !run.request)
        return 2;
    memset(run.request, 'x', set.bytes);
    run.to = parse(set.host, set.port);
    for (size_t i = 0; i < set.sources; i++)
        run.from[i] = parse(set.source[i], 0);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.gap = SECOND / (uint64_t)set.rate;
    run.timeout = (uint64_t)set.timeout_ms * 1000000;
    run.start = probe_now() + SECOND / 50;
    drive();
    print_result();
    if (set.csv)
        write_csv();
    free(run.conns);
    free(run.request);
    return 0;
}
