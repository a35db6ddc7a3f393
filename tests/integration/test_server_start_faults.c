/* Starting a server when the machine says no: each call that can fail fails in
 * turn, once and for good, and what must not leak is counted.
 */
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "integration/server_client.h"
#include "server/session.h"
#include "support/cmocka_all.h"

enum call {
    SOCKET,
    SETSOCKOPT,
    BIND,
    LISTEN,
    GETSOCKNAME,
    EVENTFD,
    LOOP,
    THREAD,
    CALLOC,
    MALLOC,
    KERNEL_PORT
};

/* The call of this kind that fails: its number from now, and its errno. */
/* More than a start makes of any kind. */
#define MOST_CALLS (200 + 3 * TSP_SESSIONS_PREPARED)

static enum call failing;
static atomic_int calls_left = -1; /* -1: none fails */
static bool for_good;
static atomic_bool failed; /* it has */

/* Blocks allocated here and not freed; libc's own (getline's, say) are freed, too. */
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static void *block[256];

static bool fails(enum call c)
{
    if (c != failing || atomic_load(&calls_left) < 0)
        return false;
    bool now = for_good && atomic_load(&calls_left) == 0;
    if (!now)
        now = atomic_fetch_sub(&calls_left, 1) == 0;
    if (now)
        failed = true;
    return now;
}

#define WRAP(result, name, call, code, failure, parameters, arguments)                             \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        if (!fails(call))                                                                          \
            return __real_##name arguments;                                                        \
        errno = code;                                                                              \
        return failure;                                                                            \
    }

/* clang-format off */
WRAP(int, socket, SOCKET, EMFILE, -1,
     (int family, int type, int protocol), (family, type, protocol))
WRAP(int, setsockopt, SETSOCKOPT, ENOPROTOOPT, -1,
     (int fd, int level, int name, const void *value, socklen_t len), (fd, level, name, value, len))
WRAP(int, listen, LISTEN, EADDRINUSE, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, getsockname, GETSOCKNAME, ENOBUFS, -1,
     (int fd, struct sockaddr *at, socklen_t *len), (fd, at, len))
WRAP(int, eventfd, EVENTFD, EMFILE, -1, (unsigned value, int flags), (value, flags))
WRAP(struct ev_loop *, ev_loop_new, LOOP, ENOMEM, NULL, (unsigned flags), (flags))
WRAP(int, pthread_create, THREAD, EAGAIN, EAGAIN,
     (pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *data), (t, a, run, data))
/* clang-format on */

int __real_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len);

int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len)
{
    bool any = ((const struct sockaddr_in *)(const void *)at)->sin_port == 0; /* v6: same place */
    errno = fails(BIND) ? EACCES : EADDRINUSE;
    if (errno == EACCES || (any && fails(KERNEL_PORT)))
        return -1;
    return __real_bind(fd, at, len);
}

void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void __wrap_free(void *p);

/* Puts `to` where `from` is in the list of blocks. */
static void *note(const void *from, void *to)
{
    size_t i = 0;
    pthread_mutex_lock(&blocks_lock);
    while (i < sizeof block / sizeof *block - 1 && block[i] != from)
        i++;
    if (block[i] == from)
        block[i] = to;
    pthread_mutex_unlock(&blocks_lock);
    return to;
}

static int blocks(void)
{
    int n = 0;
    pthread_mutex_lock(&blocks_lock);
    for (size_t i = 0; i < sizeof block / sizeof *block; i++)
        n += block[i] != NULL;
    pthread_mutex_unlock(&blocks_lock);
    return n;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(CALLOC) ? NULL : note(NULL, __real_calloc(count, size));
}

void *__wrap_malloc(size_t size)
{
    return fails(MALLOC) ? NULL : note(NULL, __real_malloc(size));
}

void __wrap_free(void *p)
{
    if (p)
        note(p, NULL);
    __real_free(p);
}

/* Starts with the n-th call of a kind failing. False: there is no n-th call. */
static bool start_fails_cleanly(enum call c, int n)
{
    static const char *both[] = {"127.0.0.1", "::1"};
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *s = NULL;
    struct tsp_err err = {0};
    int fds = descriptors(), held = blocks();
    spec.listen = (struct tsp_strings){both, 2};
    spec.acceptors = 3;
    spec.content = (struct tsp_data){"pong", 4};
    failing = c;
    failed = false;
    atomic_store(&calls_left, n);
    int rc = tsp_server_start(&s, &spec, &err);
    atomic_store(&calls_left, -1);
    if (rc && (s || !err.msg[0] || err.code != -rc))
        fail_msg("call %d, number %d: rc %d, message '%s'", (int)c, n, rc, err.msg);
    if (!rc && failed && c != SETSOCKOPT && c != LISTEN && c != SOCKET)
        fail_msg("call %d, number %d failed unnoticed", (int)c, n);
    tsp_server_free(s);
    if (descriptors() != fds || blocks() != held)
        fail_msg("call %d, number %d: %d descriptors and %d blocks leaked", (int)c, n,
                 descriptors() - fds, blocks() - held);
    return failed;
}

static void a_start_that_fails_leaves_nothing_open_or_running(void **state)
{
    (void)state;
    for (int lasting = 0; lasting <= 1; lasting++) {
        for_good = lasting;
        for (int c = SOCKET; c <= MALLOC; c++) {
            int n = 0;
            while (n < MOST_CALLS && start_fails_cleanly((enum call)c, n))
                n++;
            assert_true(n > 0 && n < MOST_CALLS);
        }
    }
    for_good = false;
}

static void without_a_port_from_the_kernel_it_picks_one_itself(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    int fds = descriptors();
    failing = KERNEL_PORT;
    for_good = true;
    atomic_store(&calls_left, 0);
    struct tsp_server *s = server_start(&spec);
    for_good = false;
    atomic_store(&calls_left, -1);
    assert_in_range(tsp_server_port(s), 10000, 31999);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 0);
    tsp_server_free(s);
    assert_int_equal(descriptors(), fds);
}

static int64_t nofile; /* what the descriptor limit is said to be; 0 = the real one */

int64_t __real_tsp_limits_raise_nofile(void);
int64_t __wrap_tsp_limits_raise_nofile(void);

int64_t __wrap_tsp_limits_raise_nofile(void)
{
    return nofile ? nofile : __real_tsp_limits_raise_nofile();
}

static void the_cap_leaves_a_reserve_below_the_descriptor_limit(void **state)
{
    (void)state;
    static const struct {
        int64_t free, asked, cap; /* free: descriptors not open at start */
    } rows[] = {
        {10000, 0, 10000 - 64 - 1}, /* 1: the acceptor's, beyond the cap for a moment */
        {10000, 1000000, 10000 - 64 - 1},
        {10000, 10, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_server_spec spec = default_spec();
        spec.max_open = rows[i].asked;
        nofile = rows[i].free + descriptors() - 2 + 3; /* "." and ".."; loop, wake, listener */
        struct tsp_server *s = server_start(&spec);
        nofile = 0;
        /* The count of what is open sees the descriptor it is made with, too. */
        int64_t more = rows[i].cap == rows[i].asked ? 0 : 1;
        assert_in_range(tsp_server_max_open(s), rows[i].cap - more, rows[i].cap + more);
        tsp_server_free(s);
    }
}

static void a_limit_that_leaves_no_connection_is_said_at_the_start(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *s;
    struct tsp_err err = {0};
    int fds = descriptors();
    nofile = fds;
    assert_int_equal(tsp_server_start(&s, &spec, &err), -EMFILE);
    nofile = 0;
    assert_null(s);
    assert_non_null(strstr(err.msg, "which leaves none for connections (raise with ulimit -n)"));
    assert_int_equal(descriptors(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_fails_leaves_nothing_open_or_running),
        cmocka_unit_test(the_cap_leaves_a_reserve_below_the_descriptor_limit),
        cmocka_unit_test(a_limit_that_leaves_no_connection_is_said_at_the_start),
        cmocka_unit_test(without_a_port_from_the_kernel_it_picks_one_itself),
    };
    return cmocka_run_group_tests_name("server_start_faults", tests, NULL, NULL);
}
