/* A running server when the machine says no: accept, send, receive, memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "integration/server_client.h"
#include "server/session.h"
#include "support/cmocka_all.h"

static atomic_bool no_memory; /* the next malloc fails */

/* errno values that the next accept4 (sendmsg, recv) calls fail with; 0 = real call. */
struct script {
    int error[8];
    size_t count;
    atomic_size_t next;
};
static struct script accepts, sends, receives;
static atomic_bool short_io; /* every send takes one byte at most, every other recv too */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* sends wait for it */

static int scripted(struct script *s)
{
    size_t i = atomic_fetch_add(&s->next, 1);
    return i < s->count ? s->error[i] : 0;
}

static void play(struct script *s, const int *error, size_t count)
{
    s->count = count;
    for (size_t i = 0; i < count; i++)
        s->error[i] = error[i];
    atomic_store(&s->next, 0);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return atomic_exchange(&no_memory, false) ? NULL : __real_malloc(size);
}

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    errno = scripted(&accepts);
    return errno ? -1 : __real_accept4(fd, peer, len, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    errno = scripted(&sends);
    if (errno)
        return -1;
    if (!short_io)
        return __real_sendmsg(fd, message, flags);
    const struct iovec *part = message->msg_iov;
    return send(fd, part[part[0].iov_len == 0].iov_base, 1, flags);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
    if (!(flags & MSG_TRUNC)) /* the test's own */
        return __real_recv(fd, buf, len, flags);
    errno = scripted(&receives);
    if (errno)
        return -1;
    return __real_recv(fd, buf, short_io ? 1 : len, flags);
}

static int nothing_fails(void **state)
{
    (void)state;
    no_memory = false;
    accepts.count = sends.count = receives.count = 0;
    short_io = false;
    return 0;
}

static int answered_one(const struct tsp_server_stats *t)
{
    return t->answered == 1;
}

static int one_open(const struct tsp_server_stats *t)
{
    return t->open == 1;
}

static int two_open(const struct tsp_server_stats *t)
{
    return t->open == 2;
}

static int one_failed(const struct tsp_server_stats *t)
{
    return t->failed == 1;
}

static int accept_has_failed(const struct tsp_server_stats *t)
{
    return t->accept_errors >= 1;
}

static int all_are_open(const struct tsp_server_stats *t)
{
    return t->open == TSP_SESSIONS_PREPARED;
}

static void errors_of_one_connection_do_not_stop_the_next(void **state)
{
    (void)state;
    static const int script[] = {ECONNABORTED, EPROTO, EPERM, EINTR, ENETDOWN, EHOSTUNREACH};
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    play(&accepts, script, 6);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
    tsp_server_stats(s, &t);
    assert_int_equal(t.accepted, 1);
    assert_int_equal(t.accept_errors, 0);
    tsp_server_free(s);
}

/* Two idle clients are open when accept begins to fail. */
static void rests_and_sheds_one_each_time(int64_t max_open)
{
    static const int script[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    char answer[16];
    spec.max_open = max_open;
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    int idle[2] = {client_connect(tsp_server_port(s)), client_connect(tsp_server_port(s))};
    stats_when(s, two_open);
    int64_t before = tsp_now_ns();
    play(&accepts, script, 4);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
    assert_true(tsp_now_ns() - before >= 140 * TSP_MS); /* 10 + 20 + 40 + 80, by libev's clock */
    tsp_server_stats(s, &t);
    assert_int_equal(t.accept_errors, 4);
    assert_int_equal(t.shed, 2);
    assert_int_equal(t.answered, 1);
    /* The four, the one that took it, and one that found the queue empty. */
    assert_in_range(atomic_load(&accepts.next), 5, 6);
    close(idle[0]);
    close(idle[1]);
    tsp_server_free(s);
}

static void without_descriptors_it_rests_and_sheds_one_each_time(void **state)
{
    (void)state;
    rests_and_sheds_one_each_time(0);
}

static void without_descriptors_at_the_cap_it_rests_and_sheds_just_so(void **state)
{
    (void)state;
    rests_and_sheds_one_each_time(2);
}

static void a_thread_with_nothing_to_shed_asks_another(void **state)
{
    (void)state;
    static const int script[] = {EMFILE};
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    spec.acceptors = 8;
    /* One of eight threads has the idle one, and most likely another is asked next. */
    for (int i = 0; i < 8; i++) {
        struct tsp_server *s = server_start(&spec);
        int idle = client_connect(tsp_server_port(s));
        stats_when(s, one_open);
        play(&accepts, script, 1);
        assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
        assert_int_equal(recv(idle, answer, sizeof answer, 0), -1);
        assert_int_equal(errno, ECONNRESET);
        close(idle);
        struct tsp_server_stats t = server_end(s);
        assert_int_equal(t.accept_errors, 1);
        assert_int_equal(t.shed, 1);
    }
}

static void exhaustion_told_with_an_empty_queue_sheds_nobody(void **state)
{
    (void)state;
    static const int script[] = {0, EMFILE};
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *s = server_start(&spec);
    play(&accepts, script, 2);
    int idle = client_connect(tsp_server_port(s));
    char answer[16];
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 0);
    struct tsp_server_stats t = stats_when(s, answered_one);
    assert_int_equal(t.accept_errors, 0);
    assert_int_equal(t.shed, 0);
    assert_int_equal(t.open, 1);
    close(idle);
    tsp_server_free(s);
}

/* Uses up all descriptors; how many were got. */
static int use_up(int fd[], int room)
{
    int n = 0;
    while (n < room && (fd[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1)
        n++;
    return n;
}

static void descriptors_that_come_back_are_used_again_and_it_never_spins(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    struct rlimit limit, all;
    int taken[256];
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    getrlimit(RLIMIT_NOFILE, &all);
    limit = (struct rlimit){.rlim_cur = 200, .rlim_max = all.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int n = use_up(taken, 256);
    assert_true(n > 0 && n < 256);
    close(taken[--n]);
    int waiting = client_connect(tsp_server_port(s));
    assert_int_not_equal(waiting, -1);
    int64_t began = tsp_now_ns();
    t = stats_when(s, accept_has_failed);
    usleep(400000);
    tsp_server_stats(s, &t);
    /* It rests for 10, 20, 40, ... 320 ms: six within 630 ms; from then on for 500 ms. */
    uint64_t more = (uint64_t)((tsp_now_ns() - began) / (630 * TSP_MS));
    assert_true(t.accept_errors >= 1 && t.accept_errors <= 6 + 2 * more);
    while (n)
        close(taken[--n]);
    assert_int_equal(client_finish(waiting, "x", answer, sizeof answer), 4);
    setrlimit(RLIMIT_NOFILE, &all);
    tsp_server_free(s);
}

static void a_connection_there_is_no_memory_for_is_reset(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.acceptors = 1;
    struct tsp_server *s = server_start(&spec);
    int held[TSP_SESSIONS_PREPARED];
    for (int i = 0; i < TSP_SESSIONS_PREPARED; i++)
        held[i] = client_connect(tsp_server_port(s));
    stats_when(s, all_are_open);
    int fds = descriptors();
    no_memory = true;
    int fd = client_connect(tsp_server_port(s));
    assert_int_equal(recv(fd, answer, sizeof answer, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    struct tsp_server_stats t = stats_when(s, accept_has_failed);
    assert_int_equal(t.accepted, TSP_SESSIONS_PREPARED);
    assert_int_equal(t.accept_errors, 1);
    assert_int_equal(t.shed, 1); /* which gives the next one its place */
    assert_int_equal(descriptors(), fds - 1);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 0);
    for (int i = 0; i < TSP_SESSIONS_PREPARED; i++)
        close(held[i]);
    tsp_server_free(s);
}

static void interrupted_and_short_calls_change_nothing(void **state)
{
    (void)state;
    static const int script[] = {EINTR, 0, EINTR, EAGAIN, 0, EINTR, EAGAIN, 0};
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    char answer[64];
    spec.content = (struct tsp_data){"a longer answer", 15};
    spec.report_peer = true;
    struct tsp_server *s = server_start(&spec);
    play(&sends, script, 8);
    play(&receives, script, 8);
    short_io = true;
    ssize_t n = client_ask(tsp_server_port(s), "request", answer, sizeof answer);
    assert_true(n > 15 + 10);
    assert_memory_equal(answer, "127.0.0.1:", 10);
    assert_memory_equal(answer + n - 16, "\na longer answer", 16);
    tsp_server_stats(s, &t);
    assert_int_equal(t.answered, 1);
    assert_int_equal(t.bytes_received, 7);
    assert_int_equal(t.bytes_sent, (uint64_t)n);
    tsp_server_free(s);
}

static void a_send_error_is_counted_by_cause_at_the_send_step(void **state)
{
    (void)state;
    static const int script[] = {ENOBUFS};
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    play(&sends, script, 1);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 0);
    assert_int_equal(stats_when(s, one_failed).failure[TSP_NO_MEMORY][TSP_STEP_SEND], 1);
    tsp_server_free(s);
}

static void statistics_come_even_when_a_thread_does_not_answer(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    char answer[16];
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
    stats_when(s, answered_one);
    pthread_mutex_lock(&gate);
    int fd = client_connect(tsp_server_port(s));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    usleep(100000); /* the thread is held in sendmsg by now, or will be: both are right */
    tsp_server_stats(s, &t);
    assert_int_equal(t.answered, 1);
    pthread_mutex_unlock(&gate);
    assert_int_equal(recv(fd, answer, sizeof answer, MSG_WAITALL), 4);
    close(fd);
    tsp_server_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, nothing_fails)
    const struct CMUnitTest tests[] = {
        TEST(errors_of_one_connection_do_not_stop_the_next),
        TEST(without_descriptors_it_rests_and_sheds_one_each_time),
        TEST(without_descriptors_at_the_cap_it_rests_and_sheds_just_so),
        TEST(a_thread_with_nothing_to_shed_asks_another),
        TEST(exhaustion_told_with_an_empty_queue_sheds_nobody),
        TEST(descriptors_that_come_back_are_used_again_and_it_never_spins),
        TEST(a_connection_there_is_no_memory_for_is_reset),
        TEST(interrupted_and_short_calls_change_nothing),
        TEST(a_send_error_is_counted_by_cause_at_the_send_step),
        TEST(statistics_come_even_when_a_thread_does_not_answer),
    };
    return cmocka_run_group_tests_name("server_faults", tests, NULL, NULL);
}
