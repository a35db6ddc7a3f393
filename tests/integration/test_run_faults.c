/* A load when the machine says no: each call that can fail fails in turn, and
 * the connections are counted, nothing is lost and nothing leaks.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

#define CONNECTIONS 40
#define ANSWER 100000 /* bytes */

/* What one kind of call does in the workers' threads: every n-th fails so, or is
 * cut to a byte. */
struct fault {
    atomic_int every; /* 0: never */
    atomic_int error;
    atomic_int cut;                 /* every n-th transfers a byte; 0: never */
    atomic_uint made, failed, more; /* more: calls with MSG_MORE */
};

static struct fault sockets, connects, sends, receives, shutdowns, binds, options;
static atomic_int send_takes_ms;   /* a copy of a large request that takes its time */
static atomic_bool wait_for_reset; /* shutdown waits for the peer's reset first */
static _Thread_local bool mine;    /* the test's thread, or the peer's: never disturbed */

static bool fails(struct fault *f)
{
    int every = atomic_load(&f->every);
    if (mine)
        return false;
    unsigned n = atomic_fetch_add(&f->made, 1) + 1;
    if (!every || n % (unsigned)every)
        return false;
    atomic_fetch_add(&f->failed, 1);
    errno = atomic_load(&f->error);
    return true;
}

static size_t cut(struct fault *f, size_t len)
{
    unsigned every = (unsigned)atomic_load(&f->cut);
    return !mine && every && len > 1 && atomic_load(&f->made) % every == 0 ? 1 : len;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len);
int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags);

int __wrap_socket(int family, int type, int protocol)
{
    return fails(&sockets) ? -1 : __real_socket(family, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len)
{
    return fails(&binds) ? -1 : __real_bind(fd, at, len);
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    return fails(&connects) ? -1 : __real_connect(fd, to, len);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return fails(&options) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

int __wrap_shutdown(int fd, int how)
{
    struct pollfd reset = {.fd = fd};
    if (!mine && wait_for_reset)
        poll(&reset, 1, 10000);
    return fails(&shutdowns) ? -1 : __real_shutdown(fd, how);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    if (!mine && (flags & MSG_MORE))
        atomic_fetch_add(&sends.more, 1);
    if (!mine)
        usleep((useconds_t)atomic_load(&send_takes_ms) * 1000);
    return fails(&sends) ? -1 : __real_send(fd, bytes, cut(&sends, len), flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
    return fails(&receives) ? -1 : __real_recv(fd, bytes, cut(&receives, len), flags);
}

static struct fault *const all[] = {&sockets,   &connects, &sends,  &receives,
                                    &shutdowns, &binds,    &options};

static void nothing_fails(void)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        atomic_store(&all[i]->every, 0);
        atomic_store(&all[i]->cut, 0);
        atomic_store(&all[i]->made, 0);
        atomic_store(&all[i]->failed, 0);
        atomic_store(&all[i]->more, 0);
    }
    atomic_store(&wait_for_reset, false);
    atomic_store(&send_takes_ms, 0);
}

static int setup(void **state)
{
    nothing_fails();
    return load_setup(state);
}

static int teardown(void **state)
{
    nothing_fails();
    return load_teardown(state);
}

static void every(struct fault *f, int n, int error)
{
    atomic_store(&f->error, error);
    atomic_store(&f->every, n);
}

/* Reads to the end, then sends ANSWER bytes. */
static void answers(struct peer *p, int fd)
{
    static const char lots[ANSWER];
    char buffer[4096];
    ssize_t n;
    mine = true;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
        atomic_fetch_add(&p->received, (unsigned long long)n);
    for (size_t sent = 0; n == 0 && sent < ANSWER; sent += (size_t)n) {
        n = send(fd, lots + sent, ANSWER - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
    }
}

static struct tsp_run_spec load_of(uint16_t port)
{
    static char request[1000];
    struct tsp_run_spec spec = load_spec(port);
    spec.rate = 1000;
    spec.count = CONNECTIONS;
    spec.content = (struct tsp_data){request, sizeof request};
    spec.timeout_ns = 20 * TSP_SECOND;
    return spec;
}

/* The load against a peer that answers, with the faults that have been set. */
static struct tsp_result run_load(void)
{
    struct peer *p = peer_start("127.0.0.1", 0, answers);
    struct tsp_run_spec spec = load_of(p->port);
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    free(p);
    return r;
}

static void a_failing_call_is_counted_by_its_cause_and_step(void **state)
{
    (void)state;
    static const struct {
        struct fault *call;
        int error;
        enum tsp_outcome outcome;
        enum tsp_step step;
    } rows[] = {
        {&sockets, EMFILE, TSP_NO_FD, TSP_STEP_SOCKET},
        {&sockets, ENFILE, TSP_NO_FD, TSP_STEP_SOCKET},
        {&sockets, ENOBUFS, TSP_NO_MEMORY, TSP_STEP_SOCKET},
        {&connects, EADDRNOTAVAIL, TSP_NO_PORT, TSP_STEP_CONNECT},
        {&connects, ECONNREFUSED, TSP_REFUSED, TSP_STEP_CONNECT},
        {&connects, ENETUNREACH, TSP_UNREACHABLE, TSP_STEP_CONNECT},
        {&connects, EPERM, TSP_UNREACHABLE, TSP_STEP_CONNECT},
        {&connects, EAGAIN, TSP_NO_PORT, TSP_STEP_CONNECT},
        {&sends, ECONNRESET, TSP_RESET, TSP_STEP_SEND},
        {&sends, EPIPE, TSP_RESET, TSP_STEP_SEND},
        {&sends, ECONNREFUSED, TSP_REFUSED, TSP_STEP_CONNECT},
        {&sends, EHOSTUNREACH, TSP_UNREACHABLE, TSP_STEP_CONNECT},
        {&sends, ETIMEDOUT, TSP_TIMEOUT, TSP_STEP_CONNECT},
        {&receives, ECONNRESET, TSP_RESET, TSP_STEP_REPLY},
        {&receives, ETIMEDOUT, TSP_TIMEOUT, TSP_STEP_REPLY},
        {&receives, ENOMEM, TSP_NO_MEMORY, TSP_STEP_REPLY},
        {&shutdowns, ENOTCONN, TSP_RESET, TSP_STEP_SEND},
        {&shutdowns, ENOBUFS, TSP_NO_MEMORY, TSP_STEP_SEND},
        {&options, ENOPROTOOPT, TSP_OTHER, TSP_STEP_SOCKET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nothing_fails();
        every(rows[i].call, 4, rows[i].error);
        struct tsp_result r = run_load();
        uint64_t counted = r.tally.failure[rows[i].outcome][rows[i].step];
        if (!counted || counted != r.tally.failed || counted + r.tally.ok != CONNECTIONS)
            fail_msg("row %zu: %llu counted, %llu failed, %llu ok", i, (unsigned long long)counted,
                     (unsigned long long)r.tally.failed, (unsigned long long)r.tally.ok);
        tsp_result_clear(&r);
    }
}

static void an_errno_nobody_expects_is_other_and_keeps_its_name(void **state)
{
    (void)state;
    static const struct {
        struct fault *call;
        enum tsp_step step;
    } rows[] = {
        {&sockets, TSP_STEP_SOCKET}, {&connects, TSP_STEP_CONNECT}, {&sends, TSP_STEP_CONNECT},
        {&shutdowns, TSP_STEP_SEND}, {&receives, TSP_STEP_REPLY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nothing_fails();
        every(rows[i].call, 1, EPROTO);
        struct tsp_result r = run_load();
        load_assert_all_failed(&r, CONNECTIONS, TSP_OTHER, rows[i].step);
        assert_int_equal(r.tally.other[0].error, EPROTO);
        assert_int_equal(r.tally.other[0].step, rows[i].step);
        assert_int_equal(r.tally.other[0].count, CONNECTIONS);
        tsp_result_clear(&r);
    }
}

static void interrupted_and_short_calls_change_no_count(void **state)
{
    (void)state;
    struct tsp_result clean = run_load();
    load_assert_all_ok(&clean, CONNECTIONS);
    for (int round = 0; round < 2; round++) {
        every(&connects, 3, EINTR);
        every(&sends, 3, round ? EAGAIN : EINTR);
        every(&receives, 3, round ? EAGAIN : EINTR);
        atomic_store(&sends.cut, 2);
        atomic_store(&receives.cut, 2);
        struct tsp_result r = run_load();
        load_assert_all_ok(&r, CONNECTIONS);
        assert_int_equal(r.tally.bytes_sent, clean.tally.bytes_sent);
        assert_int_equal(r.tally.bytes_received, clean.tally.bytes_received);
        assert_true(connects.failed && sends.failed && receives.failed);
        tsp_result_clear(&r);
        nothing_fails();
    }
    tsp_result_clear(&clean);
}

static void reset_after_the_request(struct peer *p, int fd)
{
    char request[1000];
    (void)p;
    mine = true;
    if (recv(fd, request, sizeof request, MSG_WAITALL) == sizeof request)
        peer_reset(fd);
}

/* After such a reset shutdown says ENOTCONN and the next read says end of file:
 * whoever ignores the one takes the other for an answer. */
static void a_reset_between_send_and_shutdown_is_not_read_as_an_end(void **state)
{
    (void)state;
    atomic_store(&wait_for_reset, true);
    struct peer *p = peer_start("127.0.0.1", 0, reset_after_the_request);
    struct tsp_run_spec spec = load_of(p->port);
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_failed(&r, CONNECTIONS, TSP_RESET, TSP_STEP_SEND);
    tsp_result_clear(&r);
    free(p);
}

static void tuples_the_kernel_refuses_are_passed_over(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, answers);
    struct tsp_run_spec spec = load_of(p->port);
    const char *from[] = {load_own_address(9)};
    spec.local_ips = (struct tsp_strings){from, 1};
    spec.local_ports = "21000-21199";
    struct fault *const calls[] = {&binds, &connects};
    for (int i = 0; i < 2; i++) {
        nothing_fails();
        every(calls[i], 2, EADDRINUSE);
        struct tsp_result r = load_run(&spec);
        load_assert_all_ok(&r, CONNECTIONS);
        assert_true(r.skipped >= CONNECTIONS / 2);
        tsp_result_clear(&r);
    }
    peer_end(p);
    free(p);
}

static void where_every_tuple_is_refused_there_is_no_port(void **state)
{
    (void)state;
    int held;
    struct tsp_run_spec spec = load_of(peer_closed_port(&held));
    spec.local_ports = "21000-21199";
    every(&binds, 1, EADDRINUSE);
    struct tsp_result r = load_run(&spec);
    nothing_fails();
    load_assert_all_failed(&r, CONNECTIONS, TSP_NO_PORT, TSP_STEP_BIND);
    assert_int_equal(r.skipped, CONNECTIONS * 64);
    tsp_result_clear(&r);
    every(&connects, 1, EADDRNOTAVAIL);
    r = load_run(&spec);
    load_assert_all_failed(&r, CONNECTIONS, TSP_NO_PORT, TSP_STEP_CONNECT);
    tsp_result_clear(&r);
    close(held);
}

/* Established is stamped before the send that finds it so: what lies behind the stamp takes
 * as long as the send at least. */
static void connect_does_not_contain_the_copy_of_the_request(void **state)
{
    (void)state;
    const int64_t copy = 50;
    struct peer *p = peer_start("127.0.0.1", 0, answers);
    struct tsp_run_spec spec = load_of(p->port);
    spec.count = 1;
    atomic_store(&send_takes_ms, copy);
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_ok(&r, 1);
    int64_t connect = tsp_hist_max(r.tally.phase[TSP_PHASE_CONNECT]);
    int64_t service = tsp_hist_max(r.tally.phase[TSP_PHASE_SERVICE]);
    assert_true(connect > 0 && service - connect >= copy * TSP_MS);
    tsp_result_clear(&r);
    free(p);
}

static void only_a_fin_that_is_to_wait_for_the_request_asks_for_it(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, answers);
    for (int coalesce = 0; coalesce <= 1; coalesce++) {
        struct tsp_run_spec spec = load_of(p->port);
        spec.coalesce_fin = coalesce;
        struct tsp_result r = load_run(&spec);
        load_assert_all_ok(&r, CONNECTIONS);
        assert_int_equal(atomic_load(&sends.more) > 0, coalesce);
        tsp_result_clear(&r);
    }
    peer_end(p);
    free(p);
}

int main(void)
{
    mine = true;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_failing_call_is_counted_by_its_cause_and_step),
        TEST(an_errno_nobody_expects_is_other_and_keeps_its_name),
        TEST(interrupted_and_short_calls_change_no_count),
        TEST(a_reset_between_send_and_shutdown_is_not_read_as_an_end),
        TEST(tuples_the_kernel_refuses_are_passed_over),
        TEST(where_every_tuple_is_refused_there_is_no_port),
        TEST(connect_does_not_contain_the_copy_of_the_request),
        TEST(only_a_fin_that_is_to_wait_for_the_request_asks_for_it),
    };
    return cmocka_run_group_tests_name("run_faults", tests, NULL, NULL);
}
