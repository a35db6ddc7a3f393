/* Loads that are ended before their time: gently, at once, by a signal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "integration/load.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

/* An hour of 200/s, told every 50 ms. */
static struct tsp_run_spec an_hour(uint16_t port)
{
    struct tsp_run_spec spec = load_spec(port);
    spec.rate = 200;
    spec.length_ns = 3600 * TSP_SECOND;
    spec.interval_ns = 50 * TSP_MS;
    return spec;
}

static struct tsp_interval started_at_least(struct tsp_run *run, uint64_t n)
{
    struct tsp_interval sum = {0};
    for (int i = 0; i < 2000 && sum.started < n; i++) {
        usleep(5000);
        tsp_run_snapshot(run, &sum);
    }
    assert_true(sum.started >= n);
    return sum;
}

static void a_gentle_stop_lets_exchanges_finish(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_late);
    struct tsp_run_spec spec = an_hour(p->port);
    struct tsp_run *run = load_start(&spec);
    struct tsp_interval sum = started_at_least(run, 10);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.ok, r.tally.started);
    assert_true(r.tally.due >= sum.started && r.tally.due < PEER_CONNECTIONS);
    assert_true(r.opening > 0 && r.opening < 3600);
    assert_true(r.length == 3600);
    assert_false(r.interrupted);
    assert_int_equal(p->accepted, r.tally.ok);
    tsp_result_clear(&r);
    free(p);
}

static void a_gentle_stop_ends_holds_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.hold_ns = 3600 * TSP_SECOND;
    spec.expect = 4;
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 20);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.ok, r.tally.started);
    assert_int_equal(r.tally.open_max, r.tally.started);
    tsp_result_clear(&r);
    free(p);
}

/* What a stop ends all at once may take longer than the time-out of one exchange. */
static void held_connections_that_a_stop_ends_get_time_to_be_answered(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_late);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.hold_ns = 3600 * TSP_SECOND;
    spec.timeout_ns = 20 * TSP_MS;
    spec.expect = 4;
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 10);
    usleep(50000);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.ok + r.tally.failure[TSP_TIMEOUT][TSP_STEP_CONNECT], r.tally.started);
    assert_true(r.tally.ok >= 10);
    tsp_result_clear(&r);
    free(p);
}

#define BIG ((size_t)8 << 20)

/* Reads nothing for 300 ms: by then the load has been stopped. */
static void reads_late(struct peer *p, int fd)
{
    usleep(300000);
    peer_answers(p, fd);
}

static void what_is_established_after_the_stop_is_not_held(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, reads_late);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.rate = 20;
    spec.hold_ns = 3600 * TSP_SECOND;
    spec.content = (struct tsp_data){request, BIG};
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 2);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.ok, r.tally.started);
    assert_int_equal(p->received, r.tally.ok * BIG);
    tsp_result_clear(&r);
    free(p);
    free(request);
}

static void what_is_left_after_the_grace_is_aborted(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_is_silent);
    struct tsp_run_spec spec = an_hour(p->port);
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 10);
    int64_t before = tsp_now_ns();
    tsp_run_stop(run, TSP_STOP_ABORT);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_true(tsp_now_ns() - before >= TSP_GRACE_NS - TSP_MS); /* libev rounds */
    assert_true(r.tally.started >= 10);
    assert_int_equal(r.tally.aborted, r.tally.started);
    assert_int_equal(r.tally.failed, 0);
    assert_int_equal(p->noted, p->accepted); /* reset: no FIN is left that wants an answer */
    tsp_result_clear(&r);
    free(p);
}

static void an_abort_gives_answers_their_grace(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_late);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.hold_ns = 3600 * TSP_SECOND;
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 5);
    tsp_run_stop(run, TSP_STOP_ABORT);
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.ok + r.tally.aborted, r.tally.started);
    assert_true(r.tally.ok > 0); /* 50 ms of 300 */
    tsp_result_clear(&r);
    free(p);
}

static void an_abort_may_follow_a_gentle_stop(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_is_silent);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.timeout_ns = 3600 * TSP_SECOND;
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 10);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    tsp_run_stop(run, TSP_STOP_ABORT);
    tsp_run_stop(run, TSP_STOP_GENTLE); /* does not weaken it */
    struct tsp_result r = load_end(run);
    peer_end(p);
    assert_int_equal(r.tally.aborted, r.tally.started);
    tsp_result_clear(&r);
    free(p);
}

static void a_stop_before_the_first_connection_opens_none(void **state)
{
    (void)state;
    int held;
    struct tsp_field_stage stage[] = {{0, TSP_UNSET, 3600 * TSP_SECOND}, /* a pause */
                                      {100, TSP_UNSET, TSP_SECOND}};
    struct tsp_run_spec spec = load_spec(peer_closed_port(&held));
    spec.stages = (struct tsp_stage_list){stage, 2};
    struct tsp_run *run = load_start(&spec);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    assert_int_equal(r.tally.due + r.tally.started + r.tally.not_started, 0);
    tsp_result_clear(&r);
    close(held);
}

static void a_closed_loop_stops_too(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_late);
    struct tsp_run_spec spec = an_hour(p->port);
    spec.rate = TSP_UNSET;
    spec.concurrency = 4;
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 8);
    tsp_run_stop(run, TSP_STOP_GENTLE);
    struct tsp_result r = load_end(run);
    peer_end(p);
    load_assert_all_ok(&r, r.tally.due);
    assert_int_equal(p->accepted, r.tally.ok);
    tsp_result_clear(&r);
    free(p);
}

struct told {
    int times, stop_at;
    uint64_t started;
    double time;
};

static bool count_interval(const struct tsp_interval *interval, void *user)
{
    struct told *told = user;
    assert_true(interval->time > told->time);
    told->time = interval->time;
    told->started += interval->started;
    return ++told->times != told->stop_at;
}

static void a_callback_that_says_no_ends_the_run_and_is_not_called_again(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_late);
    struct tsp_run_spec spec = an_hour(p->port);
    struct told told = {.stop_at = 3};
    struct tsp_run *run = load_start(&spec);
    struct tsp_result r;
    assert_int_equal(tsp_run_wait(run, &r, count_interval, &told), 0);
    tsp_run_free(run);
    peer_end(p);
    load_assert_sums(&r);
    assert_int_equal(told.times, 3);
    assert_int_equal(r.tally.ok, r.tally.started);
    assert_true(r.tally.started >= told.started);
    tsp_result_clear(&r);
    free(p);
}

static void a_callback_sees_every_interval_of_the_timeline(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = an_hour(p->port);
    struct told told = {0};
    spec.length_ns = 300 * TSP_MS;
    struct tsp_run *run = load_start(&spec);
    struct tsp_result r;
    assert_int_equal(tsp_run_wait(run, &r, count_interval, &told), 0);
    tsp_run_free(run);
    peer_end(p);
    load_assert_all_ok(&r, 60);
    assert_int_equal(told.times, r.timeline.count);
    assert_int_equal(told.started, 60);
    tsp_result_clear(&r);
    free(p);
}

static void a_run_that_is_freed_unwaited_is_over(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_is_silent);
    struct tsp_run_spec spec = an_hour(p->port);
    struct tsp_run *run = load_start(&spec);
    started_at_least(run, 5);
    tsp_run_free(run);
    tsp_run_free(NULL);
    peer_end(p);
    assert_true(p->accepted >= 5);
    free(p);
}

static bool interrupt(const struct tsp_interval *interval, void *user)
{
    bool *raised = user;
    if (interval->started && !*raised)
        *raised = raise(SIGINT) == 0; /* a second one would end the process */
    return true;
}

/* A signal is remembered for ever: this is a process of its own. */
static int interrupted_twice(uint16_t port)
{
    struct tsp_run_spec spec = an_hour(port);
    struct tsp_result r;
    bool raised = false;
    if (tsp_interrupt_install(NULL))
        return 1;
    struct tsp_run *run = load_start(&spec);
    if (tsp_run_wait(run, &r, interrupt, &raised) || !r.interrupted || !r.tally.aborted ||
        r.tally.aborted != r.tally.started)
        return 2;
    tsp_run_free(run);
    tsp_result_clear(&r);
    run = load_start(&spec); /* every further run is over at once */
    if (tsp_run_wait(run, &r, NULL, NULL) || !r.interrupted || r.tally.due)
        return 3;
    tsp_run_free(run);
    tsp_result_clear(&r);
    return 0;
}

static void a_signal_aborts_the_run_and_every_further_one(void **state)
{
    (void)state;
    assert_int_equal(load_in_child(peer_is_silent, interrupted_twice), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_gentle_stop_lets_exchanges_finish),
        TEST(a_gentle_stop_ends_holds_at_once),
        TEST(held_connections_that_a_stop_ends_get_time_to_be_answered),
        TEST(what_is_established_after_the_stop_is_not_held),
        TEST(what_is_left_after_the_grace_is_aborted),
        TEST(an_abort_gives_answers_their_grace),
        TEST(an_abort_may_follow_a_gentle_stop),
        TEST(a_stop_before_the_first_connection_opens_none),
        TEST(a_closed_loop_stops_too),
        TEST(a_callback_that_says_no_ends_the_run_and_is_not_called_again),
        TEST(a_callback_sees_every_interval_of_the_timeline),
        TEST(a_run_that_is_freed_unwaited_is_over),
        TEST(a_signal_aborts_the_run_and_every_further_one),
    };
    return cmocka_run_group_tests_name("run_stop", tests, NULL, NULL);
}
