/* Whole loads against a server on loopback: totals, shapes, what is measured. */
#include "client/run.h"

#include <string.h>

#include "integration/load.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

static struct tsp_server *pong_server(void)
{
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){"pong", 4};
    return server_start(&spec);
}

static void every_due_connection_is_opened_and_measured(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 4; workers++) {
        struct tsp_server *s = pong_server();
        struct tsp_run_spec spec = load_spec(tsp_server_port(s));
        spec.rate = 1000;
        spec.length_ns = 200 * TSP_MS;
        spec.workers = workers;
        spec.content = (struct tsp_data){"ping", 4};
        spec.interval_ns = 50 * TSP_MS;
        struct tsp_result r = load_run(&spec);
        load_assert_all_ok(&r, 200);
        assert_int_equal(r.workers, workers);
        assert_int_equal(r.tally.bytes_sent, 800);
        assert_int_equal(r.tally.bytes_received, 800);
        assert_true(r.timeline.count >= 4);
        assert_true(r.rate == 1000 && r.length == 0.2 && r.opening == 0.2);
        assert_true(tsp_result_achieved(&r) == 1000);
        assert_int_equal(r.first_failure, -1);
        assert_false(r.interrupted);
        tsp_result_clear(&r);
        assert_int_equal(server_end(s).answered, 200);
    }
}

static void no_connection_is_opened_before_it_is_due(void **state)
{
    (void)state;
    struct tsp_server *s = pong_server();
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 40;
    spec.length_ns = 300 * TSP_MS;
    int64_t before = tsp_now_ns();
    struct tsp_result r = load_run(&spec);
    assert_true(tsp_now_ns() - before >= 275 * TSP_MS); /* the twelfth is due then */
    load_assert_all_ok(&r, 12);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

/* Runs a load whose connections all end well; they are answered, and no others. */
static void run_shape(struct tsp_run_spec *spec, struct tsp_server *s, uint64_t due)
{
    struct tsp_server_stats before, after;
    tsp_server_stats(s, &before);
    struct tsp_result r = load_run(spec);
    load_assert_all_ok(&r, due);
    tsp_result_clear(&r);
    tsp_server_stats(s, &after);
    assert_int_equal(after.answered - before.answered, due);
}

static void ramps_and_stages_have_their_exact_totals(void **state)
{
    (void)state;
    struct tsp_field_stage stage[] = {{200, TSP_UNSET, 100 * TSP_MS},
                                      {0, TSP_UNSET, 100 * TSP_MS}, /* a pause */
                                      {100, 300, 200 * TSP_MS},
                                      {300, 0, 100 * TSP_MS}};
    struct tsp_server *s = pong_server();
    struct tsp_run_spec up = load_spec(tsp_server_port(s)), down = up, staged = up;
    up.rate = 0;
    up.rate_to = 400;
    up.length_ns = 500 * TSP_MS;
    run_shape(&up, s, 100);
    down.rate = 400;
    down.rate_to = 0;
    down.length_ns = 500 * TSP_MS;
    down.workers = 3;
    run_shape(&down, s, 100);
    staged.stages = (struct tsp_stage_list){stage, 4};
    run_shape(&staged, s, 20 + 0 + 40 + 15);
    tsp_server_free(s);
}

static void a_count_ends_the_load_for_any_number_of_workers(void **state)
{
    (void)state;
    struct tsp_server *s = pong_server();
    for (int workers = 1; workers <= 4; workers++) {
        struct tsp_run_spec even = load_spec(tsp_server_port(s)), random = even, ramp = even;
        even.rate = random.rate = 1100;
        even.count = 77;
        random.count = 53;
        random.arrivals = TSP_ARRIVALS_POISSON;
        random.seed = 5 + workers;
        ramp.rate = 10;
        ramp.rate_to = 500;
        ramp.count = 31;
        even.workers = random.workers = ramp.workers = workers;
        run_shape(&even, s, 77);
        run_shape(&random, s, 53);
        run_shape(&ramp, s, 31);
    }
    tsp_server_free(s);
}

static void random_arrivals_of_a_seed_are_the_same_each_time(void **state)
{
    (void)state;
    struct tsp_server *s = pong_server();
    uint64_t due[2], other;
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 1000;
    spec.length_ns = 150 * TSP_MS;
    spec.arrivals = TSP_ARRIVALS_POISSON;
    for (int i = 0; i < 2; i++) {
        struct tsp_result r = load_run(&spec);
        assert_int_equal(r.tally.due, r.tally.ok);
        due[i] = r.tally.due;
        tsp_result_clear(&r);
    }
    spec.seed = 2;
    struct tsp_result r = load_run(&spec);
    other = r.tally.due;
    tsp_result_clear(&r);
    assert_int_equal(due[0], due[1]);
    assert_int_not_equal(due[0], other);
    tsp_server_free(s);
}

static void a_closed_loop_opens_just_its_count(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 3; workers++) {
        struct tsp_server *s = pong_server();
        struct tsp_run_spec spec = load_spec(tsp_server_port(s));
        spec.concurrency = 5;
        spec.count = 301;
        spec.workers = workers;
        struct tsp_result r = load_run(&spec);
        load_assert_all_ok(&r, 301);
        assert_true(r.closed_loop);
        assert_true(r.tally.open_max <= 5);
        tsp_result_clear(&r);
        assert_int_equal(server_end(s).answered, 301);
    }
}

static void a_closed_loop_keeps_going_for_its_length(void **state)
{
    (void)state;
    struct tsp_server *s = pong_server();
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.concurrency = 2;
    spec.length_ns = 200 * TSP_MS;
    struct tsp_result r = load_run(&spec);
    assert_true(r.tally.due > 2);
    load_assert_all_ok(&r, r.tally.due);
    assert_true(r.elapsed >= 0.2);
    assert_int_equal(server_end(s).answered, r.tally.ok);
    tsp_result_clear(&r);
}

static void a_closed_loop_against_a_closed_port_fails_its_count_and_ends(void **state)
{
    (void)state;
    int held;
    struct tsp_run_spec spec = load_spec(peer_closed_port(&held));
    spec.concurrency = 8;
    spec.count = 100;
    struct tsp_result r = load_run(&spec);
    load_assert_all_failed(&r, 100, TSP_REFUSED, TSP_STEP_CONNECT);
    tsp_result_clear(&r);
    close(held);
}

static void a_refused_connection_is_counted_at_connect(void **state)
{
    (void)state;
    int held;
    struct tsp_run_spec spec = load_spec(peer_closed_port(&held));
    spec.rate = 500;
    spec.length_ns = 100 * TSP_MS;
    spec.content = (struct tsp_data){"ping", 4};
    struct tsp_result r = load_run(&spec);
    load_assert_all_failed(&r, 50, TSP_REFUSED, TSP_STEP_CONNECT);
    assert_int_equal(r.first_failure, 0);
    assert_int_equal(r.first_failure_count, 0);
    assert_int_equal(r.tally.bytes_sent, 0);
    tsp_result_clear(&r);
    close(held);
}

/* A device that drops what it held did so then, not when the connection was due. */
static void what_breaks_while_it_is_held_broke_then(void **state)
{
    (void)state;
    struct tsp_server_spec server = default_spec();
    server.total_timeout_ns = 400 * TSP_MS;
    struct tsp_server *s = server_start(&server);
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 100;
    spec.length_ns = 200 * TSP_MS;
    spec.hold_ns = 2 * TSP_SECOND;
    struct tsp_result r = load_run(&spec);
    assert_int_equal(r.tally.failed, 20);
    assert_true(r.first_failure >= 390 * TSP_MS);
    assert_int_equal(r.first_failure_count, 20);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

static void ipv6_is_connected_to_like_ipv4(void **state)
{
    (void)state;
    static const char *six[] = {"::1"};
    struct tsp_server_spec server = default_spec();
    server.listen = (struct tsp_strings){six, 1};
    struct tsp_server *s = server_start(&server);
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.host = "::1";
    spec.rate = 500;
    spec.count = 20;
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 20);
    spec.local_ips = (struct tsp_strings){six, 1};
    spec.local_ports = "22000-22019";
    tsp_result_clear(&r);
    r = load_run(&spec);
    load_assert_all_ok(&r, 20);
    assert_true(r.walk);
    tsp_result_clear(&r);
    assert_int_equal(server_end(s).answered, 40);
}

static void what_is_past_the_cap_is_counted_and_not_opened(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 3; workers++) {
        struct tsp_server *s = pong_server();
        struct tsp_run_spec spec = load_spec(tsp_server_port(s));
        spec.rate = 400;
        spec.count = 60;
        spec.hold_ns = TSP_SECOND;
        spec.max_open = 12;
        spec.workers = workers;
        struct tsp_result r = load_run(&spec);
        assert_int_equal(r.tally.due, 60);
        assert_int_equal(r.tally.ok, 12);
        assert_int_equal(r.tally.capped, 48);
        assert_int_equal(r.tally.open_max, 12);
        tsp_result_clear(&r);
        assert_int_equal(server_end(s).answered, 12);
    }
}

static void a_held_connection_stays_open_for_its_hold(void **state)
{
    (void)state;
    struct tsp_server *s = pong_server();
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 200;
    spec.count = 20;
    spec.hold_ns = TSP_SECOND;
    spec.timeout_ns = 200 * TSP_MS; /* the hold comes on top */
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 20);
    assert_int_equal(r.tally.open_max, 20);
    assert_true(tsp_hist_min(r.tally.phase[TSP_PHASE_SERVICE]) >= TSP_SECOND);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

static void two_loads_side_by_side_have_counts_of_their_own(void **state)
{
    (void)state;
    int held;
    struct tsp_server *s = pong_server();
    struct tsp_run_spec good = load_spec(tsp_server_port(s)), bad = good;
    bad.port.lo = bad.port.hi = peer_closed_port(&held);
    good.rate = 300;
    bad.rate = 200;
    good.length_ns = bad.length_ns = 200 * TSP_MS;
    good.interval_ns = bad.interval_ns = 20 * TSP_MS;
    struct tsp_run *one = load_start(&good), *two = load_start(&bad);
    struct tsp_result second = load_end(two), first = load_end(one);
    load_assert_all_ok(&first, 60);
    load_assert_all_failed(&second, 40, TSP_REFUSED, TSP_STEP_CONNECT);
    assert_true(first.timeline.count > 5); /* though it was waited for last */
    tsp_result_clear(&first);
    tsp_result_clear(&second);
    tsp_server_free(s);
    close(held);
}

static void with_nat_the_report_is_read_and_not_counted_as_answer(void **state)
{
    (void)state;
    struct tsp_server_spec server = default_spec();
    server.content = (struct tsp_data){"pong", 4};
    server.report_peer = true;
    struct tsp_server *s = server_start(&server);
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 500;
    spec.count = 40;
    spec.nat = true;
    spec.expect = 4;
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 40);
    assert_true(r.has_nat);
    assert_int_equal(r.nat.reported, 40);
    assert_int_equal(r.nat.unreported, 0);
    assert_int_equal(r.nat.translated, 0); /* loopback */
    assert_int_equal(r.nat.outsides, 1);
    assert_int_equal(r.nat.outside[0].connections, 40);
    assert_int_equal(r.nat.holds, 40);
    struct tsp_nat_clashes clashes = tsp_nat_clashes(&r.nat);
    assert_int_equal(clashes.collisions + clashes.reused, 0);
    for (size_t i = 0; i < r.nat.holds; i++)
        assert_true(r.nat.hold[i].from_ns && r.nat.hold[i].from_ns < r.nat.hold[i].to_ns);
    tsp_result_clear(&r);
    spec.expect = 5; /* the line itself is longer than that */
    r = load_run(&spec);
    load_assert_all_failed(&r, 40, TSP_SHORT, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_due_connection_is_opened_and_measured),
        TEST(no_connection_is_opened_before_it_is_due),
        TEST(ramps_and_stages_have_their_exact_totals),
        TEST(a_count_ends_the_load_for_any_number_of_workers),
        TEST(random_arrivals_of_a_seed_are_the_same_each_time),
        TEST(a_closed_loop_opens_just_its_count),
        TEST(a_closed_loop_keeps_going_for_its_length),
        TEST(a_closed_loop_against_a_closed_port_fails_its_count_and_ends),
        TEST(a_refused_connection_is_counted_at_connect),
        TEST(ipv6_is_connected_to_like_ipv4),
        TEST(what_is_past_the_cap_is_counted_and_not_opened),
        TEST(a_held_connection_stays_open_for_its_hold),
        TEST(what_breaks_while_it_is_held_broke_then),
        TEST(two_loads_side_by_side_have_counts_of_their_own),
        TEST(with_nat_the_report_is_read_and_not_counted_as_answer),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
