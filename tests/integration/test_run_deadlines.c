/* What ends a connection from this side, and when: holds, time-outs, the grace after a
 * stop; and the one cap of all workers.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

#define BIG ((size_t)8 << 20) /* more than the sockets of both sides hold */

static atomic_bool slow_close;  /* a worker's close takes 5 ms, as a million take their time */
static _Thread_local bool mine; /* the test's own thread: never disturbed */

int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_close(int fd)
{
    if (!mine && atomic_load(&slow_close))
        usleep(5000);
    return __real_close(fd);
}

static unsigned ended[8]; /* in which order the connections were closed by the client */
static atomic_uint ends;

/* The first connection is read 1.6 s late, the others at once. */
static void reads_the_first_late(struct peer *p, int fd)
{
    unsigned n = atomic_fetch_add(&p->noted, 1);
    if (n == 0)
        usleep(1600000);
    peer_answers(p, fd);
    ended[n] = atomic_fetch_add(&ends, 1);
}

/* Established at 0, sends until 1.6 s, held until 1.8 s; the other is established at 1 s and
 * held until 2.8 s. */
static void a_slow_sender_is_held_no_longer_than_asked(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, reads_the_first_late);
    struct tsp_run_spec spec = load_spec(p->port);
    spec.rate = 1;
    spec.count = 2;
    spec.workers = 1;
    spec.hold_ns = 1800 * TSP_MS;
    spec.content = (struct tsp_data){request, BIG};
    atomic_store(&ends, 0);
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_ok(&r, 2);
    assert_int_equal(ended[0], 0);
    assert_int_equal(ended[1], 1);
    assert_true(tsp_hist_min(r.tally.phase[TSP_PHASE_SERVICE]) >= spec.hold_ns);
    tsp_result_clear(&r);
    free(p);
    free(request);
}

/* Its hold is over after 0.2 s, its time-out after 1.8 s; it has sent after 1.6 s. */
static void a_hold_that_ends_while_the_request_is_sent_is_over(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, reads_the_first_late);
    struct tsp_run_spec spec = load_spec(p->port);
    spec.rate = 1;
    spec.count = 1;
    spec.hold_ns = 200 * TSP_MS;
    spec.timeout_ns = 1800 * TSP_MS;
    spec.expect = 4;
    spec.content = (struct tsp_data){request, BIG};
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_ok(&r, 1);
    assert_int_equal(p->received, BIG);
    tsp_result_clear(&r);
    free(p);
    free(request);
}

static uint64_t random_arrivals(unsigned workers, double points)
{
    uint64_t due = 0;
    for (unsigned k = 0; k < workers; k++) {
        struct tsp_arrivals a;
        for (tsp_arrivals_init(&a, k, workers, 1); a.n < points; tsp_arrivals_advance(&a))
            due++;
    }
    return due;
}

/* Random arrivals give each worker more or fewer than its part. All that are opened are
 * still held when the last is due. */
static void a_cap_is_one_figure_for_all_workers(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 4; workers += 3) {
        struct tsp_server_spec any = default_spec();
        struct tsp_server *s = server_start(&any);
        struct tsp_run_spec spec = load_spec(tsp_server_port(s));
        uint64_t due = random_arrivals(workers, 80);
        spec.rate = 200;
        spec.length_ns = 400 * TSP_MS;
        spec.arrivals = TSP_ARRIVALS_POISSON;
        spec.seed = 1;
        spec.hold_ns = 1500 * TSP_MS;
        spec.workers = workers;
        for (uint64_t over = 0; over <= 1; over++) {
            spec.max_open = (int64_t)(due - over);
            struct tsp_result r = load_run(&spec);
            assert_int_equal(r.tally.due, due);
            assert_int_equal(r.tally.capped, over);
            assert_int_equal(r.tally.open_max, due - over);
            tsp_result_clear(&r);
        }
        server_end(s);
    }
}

/* Six hundred open by one worker, which would take three seconds to close them. */
static void stopped_while_all_are_open(int64_t timeout_ns, useconds_t after_us)
{
    int listener;
    struct tsp_run_spec spec = load_spec(peer_closed_port(&listener));
    assert_int_equal(listen(listener, 4096), 0); /* and nobody accepts */
    spec.rate = 6000;
    spec.count = 600;
    spec.workers = 1;
    spec.timeout_ns = timeout_ns;
    atomic_store(&slow_close, true);
    struct tsp_run *run = load_start(&spec);
    usleep(after_us);
    int64_t before = tsp_now_ns();
    struct tsp_result r;
    tsp_run_stop(run, TSP_STOP_ABORT);
    assert_int_equal(tsp_run_wait(run, &r, NULL, NULL), 0);
    int64_t took = tsp_now_ns() - before;
    tsp_run_free(run);
    atomic_store(&slow_close, false);
    load_assert_sums(&r);
    assert_int_equal(r.tally.aborted + r.tally.failure[TSP_TIMEOUT][TSP_STEP_REPLY],
                     r.tally.started);
    assert_true(r.tally.aborted > 0);
    assert_true(took < 2 * TSP_SECOND);
    tsp_result_clear(&r);
    close(listener);
}

static void a_stop_is_answered_before_all_that_it_aborts_is_closed(void **state)
{
    (void)state;
    stopped_while_all_are_open(30 * TSP_SECOND, 400000);
}

static void a_stop_is_heard_while_many_time_out(void **state)
{
    (void)state;
    stopped_while_all_are_open(500 * TSP_MS, 700000);
}

int main(void)
{
    mine = true;
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_slow_sender_is_held_no_longer_than_asked),
        TEST(a_hold_that_ends_while_the_request_is_sent_is_over),
        TEST(a_cap_is_one_figure_for_all_workers),
        TEST(a_stop_is_answered_before_all_that_it_aborts_is_closed),
        TEST(a_stop_is_heard_while_many_time_out),
    };
    return cmocka_run_group_tests_name("run_deadlines", tests, NULL, NULL);
}
