/* The load of a plan: what is promised by rate, length and count is what is due. */
#include "base/clock.h"
#include "client/plan.h"
#include "load/arrivals.h"
#include "support/cmocka_all.h"
#include "support/plan.h"

static void rate_and_length_give_the_promised_total(void **state)
{
    (void)state;
    static const struct {
        double rate, rate_to;
        int64_t length_ms;
        uint64_t total;
    } rows[] = {
        {1.1, -1, 30000, 33},     {0.1, -1, 10000, 1},  {0.1, -1, 60000, 6},
        {1000, -1, 10000, 10000}, {2.5, -1, 1000, 3},   {1e7, -1, 1000, 10000000},
        {0.3, -1, 1000, 1},       {33.3, -1, 300, 10},  {0, 200, 1000, 100},
        {200, 0, 1000, 100},      {100, 300, 500, 100}, {12345.6, -1, 10000, 123456},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(rows[i].rate);
        spec.rate_to = rows[i].rate_to;
        spec.length_ns = rows[i].length_ms * TSP_MS;
        make(&p, &spec);
        if (p.load.total != rows[i].total)
            fail_msg("row %zu: %llu due", i, (unsigned long long)p.load.total);
        assert_int_equal(p.length_ns, spec.length_ns);
        assert_int_equal(p.count, 0);
        tsp_plan_clear(&p);
    }
}

static void stages_follow_each_other_and_add_up(void **state)
{
    (void)state;
    struct tsp_field_stage stage[] = {{100, TSP_UNSET, TSP_SECOND},
                                      {0, TSP_UNSET, TSP_SECOND}, /* a pause */
                                      {100, 300, TSP_SECOND}};
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(TSP_UNSET);
    spec.stages = (struct tsp_stage_list){stage, 3};
    make(&p, &spec);
    assert_int_equal(p.load.total, 300);
    assert_int_equal(p.length_ns, 3 * TSP_SECOND);
    assert_int_equal(tsp_load_due_ns(&p.load, 100), 2 * TSP_SECOND);
    assert_true(p.rate == 100);
    tsp_plan_clear(&p);
}

/* The stage made for a count must be long enough for its last connection. */
static void every_connection_of_a_count_is_due(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 7, 10, 33, 100, 999, 1000, 12345};
    for (int tenths = 1; tenths <= 400; tenths += 3) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            struct tsp_plan p;
            struct tsp_run_spec spec = spec_at(tenths / 10.0);
            spec.rate_to = i % 2 ? 0 : TSP_UNSET;
            spec.count = counts[i];
            make(&p, &spec);
            if (tsp_load_due_ns(&p.load, (double)(counts[i] - 1)) == TSP_NEVER)
                fail_msg("%d tenths: connection %lld is never due", tenths, (long long)counts[i]);
            assert_int_equal(p.count, counts[i]);
            tsp_plan_clear(&p);
        }
    }
}

static void random_arrivals_have_room_for_the_whole_count(void **state)
{
    (void)state;
    for (int64_t seed = 1; seed <= 300; seed++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(50);
        spec.arrivals = TSP_ARRIVALS_POISSON;
        spec.seed = seed;
        spec.count = 1 + seed * 7 % 400;
        spec.workers = 1 + seed % 4;
        make(&p, &spec);
        assert_int_equal(p.seed, seed);
        assert_int_equal(p.length_ns, (int64_t)((double)spec.count / 50 * 1e9));
        for (unsigned w = 0; w < p.workers; w++) {
            struct tsp_arrivals a;
            tsp_arrivals_init(&a, w, p.workers, p.seed);
            for (uint64_t i = 1; i < p.count / p.workers + 1; i++)
                tsp_arrivals_advance(&a);
            assert_true(tsp_load_due_ns(&p.load, a.n) != TSP_NEVER);
        }
        tsp_plan_clear(&p);
    }
}

static void a_closed_loop_has_no_load_and_ends_by_length_or_count(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(TSP_UNSET);
    spec.concurrency = 7;
    make(&p, &spec);
    assert_int_equal(p.concurrency, 7);
    assert_int_equal(p.load.segments, 0);
    assert_int_equal(p.length_ns, 10 * TSP_SECOND);
    assert_true(p.rate == 0);
    tsp_plan_clear(&p);
    spec = spec_at(TSP_UNSET);
    spec.concurrency = 7;
    spec.count = 70;
    make(&p, &spec);
    assert_int_equal(p.length_ns, INT64_MAX);
    assert_int_equal(p.count, 70);
    tsp_plan_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_and_length_give_the_promised_total),
        cmocka_unit_test(stages_follow_each_other_and_add_up),
        cmocka_unit_test(every_connection_of_a_count_is_due),
        cmocka_unit_test(random_arrivals_have_room_for_the_whole_count),
        cmocka_unit_test(a_closed_loop_has_no_load_and_ends_by_length_or_count),
    };
    return cmocka_run_group_tests_name("plan_load", tests, NULL, NULL);
}
