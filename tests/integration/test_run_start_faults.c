/* Setting up, and adding up, a load when the machine says no: each call that can
 * fail fails in turn, once and for good. A start that fails leaves nothing; one
 * that does not is a whole run.
 */
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "integration/server_client.h"
#include "support/blocks.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

enum call { SOCKET, TIMERFD, EVENTFD, LOOP, THREAD, MAP, MALLOC, CALLOC, REALLOC, REALLOCARRAY };

/* The call of this kind that fails: its number from now. */
static enum call failing;
static atomic_int calls_left = -1; /* -1: none fails */
static bool for_good;              /* and all after it */
static atomic_bool failed;         /* it has */
static atomic_bool in_workers;     /* there is no memory in any other thread than this */
static atomic_bool in_openers;     /* nor in those that have opened a socket */
static _Thread_local bool main_thread, opener;

static bool fails(enum call c)
{
    if (c != failing || atomic_load(&calls_left) < 0)
        return false;
    bool now = for_good && atomic_load(&calls_left) == 0;
    if (!now)
        now = atomic_fetch_sub(&calls_left, 1) == 0;
    if (now)
        atomic_store(&failed, true);
    return now;
}

static bool starved(void)
{
    return !main_thread && (atomic_load(&in_workers) || (opener && atomic_load(&in_openers)));
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
WRAP(int, timerfd_create, TIMERFD, EMFILE, -1, (int clock, int flags), (clock, flags))
WRAP(int, eventfd, EVENTFD, EMFILE, -1, (unsigned value, int flags), (value, flags))
WRAP(struct ev_loop *, ev_loop_new, LOOP, ENOMEM, NULL, (unsigned flags), (flags))
WRAP(int, pthread_create, THREAD, EAGAIN, EAGAIN,
     (pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *data), (t, a, run, data))
/* clang-format on */

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
void __wrap_free(void *p);

int __wrap_socket(int family, int type, int protocol)
{
    opener = true;
    if (!fails(SOCKET))
        return __real_socket(family, type, protocol);
    errno = EMFILE;
    return -1;
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!fails(MAP) && !starved())
        return __real_mmap(at, size, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

/* libev's */
void *__wrap_realloc(void *p, size_t size)
{
    if (fails(REALLOC) || starved())
        return NULL;
    if (p)
        blocks_note(p, NULL);
    return blocks_note(NULL, __real_realloc(p, size));
}

void *__wrap_malloc(size_t size)
{
    if (fails(MALLOC) || starved())
        return NULL;
    return blocks_note(NULL, __real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(CALLOC) ? NULL : blocks_note(NULL, __real_calloc(count, size));
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    if (fails(REALLOCARRAY))
        return NULL;
    if (p)
        blocks_note(p, NULL);
    return blocks_note(NULL, __real_reallocarray(p, count, size));
}

void __wrap_free(void *p)
{
    if (p)
        blocks_note(p, NULL);
    __real_free(p);
}

static int held;
static uint16_t closed_port;

/* Five connections to a closed port, by a walk with NAT lines: whatever takes memory. */
static struct tsp_run_spec small_load(void)
{
    static const char *from[] = {"127.0.0.1"};
    struct tsp_run_spec spec = load_spec(closed_port);
    spec.rate = 1000;
    spec.count = 5;
    spec.nat = true;
    spec.content = (struct tsp_data){"ping", 4};
    spec.local_ips = (struct tsp_strings){from, 1};
    spec.local_ports = "21000-21199";
    spec.interval_ns = 10 * TSP_MS;
    return spec;
}

/* A run that has started ends with a result that adds up, whatever there was no memory for. */
static void run_to_its_end(struct tsp_run *run)
{
    struct tsp_result r;
    assert_int_equal(tsp_run_wait(run, &r, NULL, NULL), 0);
    load_assert_sums(&r);
    assert_int_equal(r.tally.due, 5);
    assert_int_equal(r.tally.failed, 5);
    tsp_result_clear(&r);
    tsp_run_free(run);
}

/* A load with the n-th call of a kind failing. False: there is no n-th call. */
static bool load_fails_cleanly(enum call c, int n)
{
    struct tsp_run_spec spec = small_load();
    struct tsp_run *run = NULL;
    struct tsp_err err = {0};
    int fds = descriptors(), blocks = blocks_count();
    failing = c;
    atomic_store(&failed, false);
    assert_int_equal(tsp_run_spec_check(&spec, NULL), 0);
    atomic_store(&calls_left, n);
    int rc = tsp_run_start(&run, &spec, &err);
    if (rc && (run || !err.msg[0] || err.code != -rc))
        fail_msg("call %d, number %d: rc %d, message '%s'", (int)c, n, rc, err.msg);
    if (!rc)
        run_to_its_end(run);
    atomic_store(&calls_left, -1);
    if (!rc && failed && (c == TIMERFD || c == EVENTFD || c == LOOP || c == THREAD))
        fail_msg("call %d, number %d failed unnoticed", (int)c, n);
    if (descriptors() != fds || blocks_count() != blocks)
        fail_msg("call %d, number %d: %d descriptors and %d blocks leaked", (int)c, n,
                 descriptors() - fds, blocks_count() - blocks);
    return failed;
}

static void a_load_that_cannot_be_set_up_or_added_up_leaves_nothing(void **state)
{
    (void)state;
    for (int lasting = 0; lasting <= 1; lasting++) {
        for_good = lasting;
        for (int c = SOCKET; c <= REALLOCARRAY; c++) {
            int n = 0;
            while (n < 200 && load_fails_cleanly((enum call)c, n))
                n++;
            assert_true(n > 0 && n < 200);
        }
    }
    for_good = false;
}

static void without_memory_for_an_object_a_connection_is_started_and_fails(void **state)
{
    (void)state;
    struct tsp_run_spec spec = small_load();
    spec.workers = TSP_PREPARED_WORKERS + 1; /* so that no object is there beforehand */
    atomic_store(&in_workers, true);
    struct tsp_result r = load_run(&spec);
    atomic_store(&in_workers, false);
    load_assert_all_failed(&r, 5, TSP_NO_MEMORY, TSP_STEP_SOCKET);
    assert_string_equal(r.verdict.reason[0].limit, "own memory");
    assert_int_equal(r.first_failure, 0);
    tsp_result_clear(&r);
}

/* Five workers, each with objects for 64 connections; all are held. */
static void a_run_that_runs_out_of_memory_on_the_way_tells_what_it_measured(void **state)
{
    (void)state;
    struct tsp_server_spec server = default_spec();
    struct tsp_server *s = server_start(&server);
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    struct tsp_interval sum = {0};
    spec.rate = 1000;
    spec.count = 800;
    spec.hold_ns = 1500 * TSP_MS;
    spec.interval_ns = 20 * TSP_MS;
    spec.workers = TSP_PREPARED_WORKERS + 1;
    struct tsp_run *run = load_start(&spec);
    for (int i = 0; i < 5000 && sum.started < 100; i++) {
        usleep(1000);
        tsp_run_snapshot(run, &sum);
    }
    atomic_store(&in_openers, true);
    struct tsp_result r = load_end(run);
    atomic_store(&in_openers, false);
    assert_int_equal(r.tally.due, 800);
    assert_true(r.tally.ok >= 100 && r.tally.failed > 0);
    assert_int_equal(r.tally.failed, r.tally.failure[TSP_NO_MEMORY][TSP_STEP_SOCKET]);
    assert_string_equal(r.verdict.reason[0].limit, "own memory");
    tsp_result_clear(&r);
    server_end(s);
}

static int setup(void **state)
{
    (void)state;
    main_thread = true;
    closed_port = peer_closed_port(&held);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return close(held);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_load_that_cannot_be_set_up_or_added_up_leaves_nothing),
        TEST(without_memory_for_an_object_a_connection_is_started_and_fails),
        TEST(a_run_that_runs_out_of_memory_on_the_way_tells_what_it_measured),
    };
    return cmocka_run_group_tests_name("run_start_faults", tests, setup, teardown);
}
