/* The socket calls: what each makes of a system call that says no. No packet
 * leaves: connect is never real.
 */
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/cmocka_all.h"

enum call { NONE, SOCKET, BIND, LISTEN, CONNECT, SETSOCKOPT, GETSOCKOPT, GETSOCKNAME };

static enum call failing;
static int skip;             /* calls of this kind that succeed before it */
static int code;             /* errno of the one that fails */
static int connects;         /* how often connect was called */
static int connect_codes[3]; /* what each of them says; 0 = done */
static char asked[8][40];    /* options set, in order */
static size_t options;

static bool fails(enum call c)
{
    if (c != failing || skip-- > 0)
        return false;
    failing = NONE;
    errno = code;
    return true;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_listen(int fd, int backlog);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_getsockname(int fd, struct sockaddr *at, socklen_t *len);
int __wrap_getsockname(int fd, struct sockaddr *at, socklen_t *len);

int __wrap_socket(int family, int type, int protocol)
{
    return fails(SOCKET) ? -1 : __real_socket(family, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len)
{
    return fails(BIND) ? -1 : __real_bind(fd, at, len);
}

int __wrap_listen(int fd, int backlog)
{
    (void)fd;
    (void)backlog;
    return fails(LISTEN) ? -1 : 0;
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    (void)fd;
    (void)to;
    (void)len;
    errno = connect_codes[connects++];
    return errno ? -1 : 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    if (options < sizeof asked / sizeof *asked)
        snprintf(asked[options++], sizeof *asked, "%d/%d", level, name);
    return fails(SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

/* TCP_INFO: of a connection that sent 3 segments again. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (fails(GETSOCKOPT))
        return -1;
    if (level != IPPROTO_TCP || name != TCP_INFO)
        return __real_getsockopt(fd, level, name, value, len);
    struct tcp_info info = {.tcpi_total_retrans = 3};
    memcpy(value, &info, *len < sizeof info ? *len : sizeof info);
    return 0;
}

int __wrap_getsockname(int fd, struct sockaddr *at, socklen_t *len)
{
    return fails(GETSOCKNAME) ? -1 : __real_getsockname(fd, at, len);
}

static int reset(void **state)
{
    (void)state;
    failing = NONE;
    skip = connects = 0;
    options = 0;
    memset(connect_codes, 0, sizeof connect_codes);
    return 0;
}

static void fail_call(enum call c, int after, int with)
{
    failing = c;
    skip = after;
    code = with;
}

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static struct tsp_addr address(const char *text, uint16_t port)
{
    struct tsp_addr a;
    assert_int_equal(tsp_addr_resolve(&a, text, AF_UNSPEC, NULL), 0);
    tsp_addr_set_port(&a, port);
    return a;
}

static int opened(void)
{
    int fd = -1;
    assert_int_equal(tsp_sock_open(&fd, AF_INET), 0);
    return fd;
}

static void a_socket_is_non_blocking_and_closed_on_exec(void **state)
{
    (void)state;
    int fd = opened();
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void no_descriptor_is_told_and_the_variable_says_so(void **state)
{
    (void)state;
    int fd = 77;
    fail_call(SOCKET, 0, EMFILE);
    assert_int_equal(tsp_sock_open(&fd, AF_INET), -EMFILE);
    assert_int_equal(fd, -1);
}

static void a_listener_whose_setup_fails_leaks_nothing_and_names_the_call(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int after, code;
        const char *want;
    } rows[] = {
        {SOCKET, 0, EMFILE, "listen on [::1]:0: socket: Too many open files"},
        {SETSOCKOPT, 0, ENOPROTOOPT, "listen on [::1]:0: socket: Protocol not available"},
        {SETSOCKOPT, 1, ENOPROTOOPT, "SO_REUSEPORT: Protocol not available"},
        {SETSOCKOPT, 2, ENOPROTOOPT, "IPV6_V6ONLY: Protocol not available"},
        {SETSOCKOPT, 3, ENOPROTOOPT, "TCP_DEFER_ACCEPT: Protocol not available"},
        {BIND, 0, EADDRINUSE, "listen on [::1]:0: Address already in use"},
        {LISTEN, 0, EADDRINUSE, "listen on [::1]:0: Address already in use"},
    };
    struct tsp_addr at = address("::1", 0);
    int before = next_fd();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = 77;
        struct tsp_err err = {0};
        fail_call(rows[i].call, rows[i].after, rows[i].code);
        assert_int_equal(tsp_sock_listen(&fd, &at, 5, true, &err), -rows[i].code);
        assert_int_equal(fd, -1);
        assert_string_equal(err.msg, rows[i].want);
        assert_int_equal(next_fd(), before);
    }
}

static void a_listener_defers_only_when_asked(void **state)
{
    (void)state;
    struct tsp_addr at = address("127.0.0.1", 0);
    for (int defer = 0; defer <= 1; defer++) {
        int fd;
        options = 0;
        assert_int_equal(tsp_sock_listen(&fd, &at, 5, defer, NULL), 0);
        assert_int_equal(options, 2 + defer); /* no IPV6_V6ONLY */
        close(fd);
    }
}

static void a_socket_may_use_an_address_in_time_wait(void **state)
{
    (void)state;
    int fd = opened(), reuse = 0, failed = 77;
    socklen_t len = sizeof reuse;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &len), 0);
    assert_int_equal(reuse, 1);
    close(fd);
    fail_call(SETSOCKOPT, 0, ENOPROTOOPT);
    int before = next_fd();
    assert_int_equal(tsp_sock_open(&failed, AF_INET), -ENOPROTOOPT);
    assert_int_equal(failed, -1);
    assert_int_equal(next_fd(), before);
}

static void without_a_port_the_kernel_picks_it_at_connect(void **state)
{
    (void)state;
    struct tsp_addr from = address("127.0.0.1", 0), bound;
    int fd = opened();
    options = 0;
    assert_int_equal(tsp_sock_bind_source(fd, &from), 0);
    char want[40];
    snprintf(want, sizeof want, "%d/%d", IPPROTO_IP, 24); /* IP_BIND_ADDRESS_NO_PORT */
    assert_int_equal(options, 1);
    assert_string_equal(asked[0], want);
    assert_int_equal(tsp_sock_local(fd, &bound), 0);
    assert_int_equal(tsp_addr_port(&bound), 0); /* none yet */
    close(fd);
}

static void with_a_port_it_is_bound_to_just_that(void **state)
{
    (void)state;
    struct tsp_addr from = address("127.0.0.1", 999);
    int fd = opened();
    options = 0;
    fail_call(BIND, 0, EADDRINUSE);
    assert_int_equal(tsp_sock_bind_source(fd, &from), -EADDRINUSE);
    assert_int_equal(options, 0);
    close(fd);
}

static void a_source_whose_option_is_refused_is_not_bound(void **state)
{
    (void)state;
    struct tsp_addr from = address("127.0.0.1", 0);
    int fd = opened();
    fail_call(SETSOCKOPT, 0, EPERM);
    assert_int_equal(tsp_sock_bind_source(fd, &from), -EPERM);
    close(fd);
}

static void connect_is_under_way_done_or_refused(void **state)
{
    (void)state;
    static const struct {
        int codes[3];
        int rc, calls;
    } rows[] = {
        {{0}, 0, 1},
        {{EINPROGRESS}, 0, 1},
        {{EINTR, EALREADY}, 0, 2},
        {{EINTR, EISCONN}, 0, 2},
        {{EINTR, EINTR, 0}, 0, 3},
        {{ECONNREFUSED}, -ECONNREFUSED, 1},
        {{EADDRNOTAVAIL}, -EADDRNOTAVAIL, 1},
        {{EAGAIN}, -EAGAIN, 1},
        {{EINTR, ENETUNREACH}, -ENETUNREACH, 2},
    };
    struct tsp_addr to = address("127.0.0.1", 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        connects = 0;
        memcpy(connect_codes, rows[i].codes, sizeof connect_codes);
        assert_int_equal(tsp_sock_connect(0, &to), rows[i].rc);
        assert_int_equal(connects, rows[i].calls);
    }
}

static void an_error_that_cannot_be_asked_for_is_an_error(void **state)
{
    (void)state;
    int fd = opened();
    assert_int_equal(tsp_sock_error(fd), 0);
    fail_call(GETSOCKOPT, 0, ENOTSOCK);
    assert_int_equal(tsp_sock_error(fd), ENOTSOCK);
    close(fd);
}

static void names_of_both_ends_or_an_error(void **state)
{
    (void)state;
    struct tsp_addr at;
    int fd = opened();
    assert_int_equal(tsp_sock_local(fd, &at), 0);
    assert_int_equal(at.sa.sa_family, AF_INET);
    assert_int_equal(at.len, sizeof at.v4);
    assert_int_equal(tsp_sock_peer(fd, &at), -ENOTCONN);
    close(fd);
    assert_int_equal(tsp_sock_local(-1, &at), -EBADF);
}

static void the_route_fails_with_a_sentence_and_leaks_nothing(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int code, connect;
        const char *want;
    } rows[] = {
        {SOCKET, EMFILE, 0, "route to 192.0.2.1: socket: Too many open files"},
        {NONE, ENETUNREACH, ENETUNREACH, "route to 192.0.2.1: Network is unreachable"},
        {GETSOCKNAME, ENOBUFS, 0, "route to 192.0.2.1: No buffer space available"},
    };
    struct tsp_addr to = address("192.0.2.1", 80), out;
    int before = next_fd();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_err err = {0};
        connects = 0;
        connect_codes[0] = rows[i].connect;
        fail_call(rows[i].call, 0, rows[i].code);
        assert_int_equal(tsp_sock_route(&to, &out, &err), -rows[i].code);
        assert_string_equal(err.msg, rows[i].want);
        assert_int_equal(next_fd(), before);
    }
    connects = connect_codes[0] = 0;
    assert_int_equal(tsp_sock_route(&to, &out, NULL), 0);
    assert_int_equal(tsp_addr_port(&out), 0);
    assert_int_equal(next_fd(), before);
}

static void what_was_sent_again_is_asked_of_tcp_info(void **state)
{
    (void)state;
    int fd = opened();
    assert_true(tsp_sock_retransmitted(fd));
    fail_call(GETSOCKOPT, 0, ENOTCONN);
    assert_false(tsp_sock_retransmitted(fd));
    close(fd);
}

static void reset_on_close_lingers_for_no_time(void **state)
{
    (void)state;
    int fd = opened();
    struct linger linger = {0};
    socklen_t len = sizeof linger;
    tsp_sock_reset_on_close(fd);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    assert_int_equal(linger.l_onoff, 1);
    assert_int_equal(linger.l_linger, 0);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(a_socket_is_non_blocking_and_closed_on_exec),
        TEST(no_descriptor_is_told_and_the_variable_says_so),
        TEST(a_listener_whose_setup_fails_leaks_nothing_and_names_the_call),
        TEST(a_listener_defers_only_when_asked),
        TEST(a_socket_may_use_an_address_in_time_wait),
        TEST(without_a_port_the_kernel_picks_it_at_connect),
        TEST(with_a_port_it_is_bound_to_just_that),
        TEST(a_source_whose_option_is_refused_is_not_bound),
        TEST(connect_is_under_way_done_or_refused),
        TEST(an_error_that_cannot_be_asked_for_is_an_error),
        TEST(names_of_both_ends_or_an_error),
        TEST(the_route_fails_with_a_sentence_and_leaks_nothing),
        TEST(what_was_sent_again_is_asked_of_tcp_info),
        TEST(reset_on_close_lingers_for_no_time),
    };
    return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
