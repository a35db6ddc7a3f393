#include "load/stages.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

#define S INT64_C(1000000000)

static struct tsp_load load_of(const struct tsp_stage *stage, size_t stages)
{
    struct tsp_load load;
    struct tsp_err err = {0};
    if (tsp_load_init(&load, stage, stages, &err))
        fail_msg("%s", err.msg);
    return load;
}

static struct tsp_load one_stage(double rate, double rate_to, int64_t length_ns)
{
    return load_of(&(struct tsp_stage){rate, rate_to, length_ns}, 1);
}

static void a_point_is_due_where_the_integral_reaches_it(void **state)
{
    (void)state;
    static const struct {
        struct tsp_stage stage;
        double n;
        int64_t due;
    } rows[] = {
        {{1000, 1000, S}, 0, 0},
        {{1000, 1000, S}, 1, 1000000},
        {{1000, 1000, S}, 0.5, 500000},
        {{1000, 1000, S}, 999, 999000000},
        {{1000, 1000, S}, 999.9999999, S - 1},
        {{1000, 1000, S}, 1000, TSP_NEVER},
        {{3, 3, S}, 1, 333333333},
        {{3, 3, S}, 2, 666666667},
        {{0, 200, S}, 0, 0},
        {{0, 200, S}, 25, S / 2},
        {{0, 200, S}, 100, TSP_NEVER},
        {{200, 0, S}, 75, S / 2},
        {{200, 0, S}, 99, 900000000},
        {{200, 0, S}, 100, TSP_NEVER},
        {{200, 0, S}, 101, TSP_NEVER},
        {{100, 300, 2 * S}, 150, S},
        {{300, 100, 2 * S}, 250, S},
        {{0.001, 0.001, S}, 0, 0},
        {{0.001, 0.001, S}, 1, TSP_NEVER},
        {{1e7, 1e7, S}, 9999999, 999999900},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsp_load load = load_of(&rows[i].stage, 1);
        int64_t due = tsp_load_due_ns(&load, rows[i].n);
        if (due != rows[i].due)
            fail_msg("row %zu: due %lld, want %lld", i, (long long)due, (long long)rows[i].due);
        tsp_load_clear(&load);
    }
}

/* The total is ceil(rate * length), in tenths by integers alone. */
static void every_tenth_rate_and_length_has_the_exact_total(void **state)
{
    (void)state;
    for (unsigned rate = 1; rate <= 1000; rate++) {
        for (unsigned length = 1; length <= 600; length++) {
            struct tsp_load load = one_stage(rate / 10.0, rate / 10.0, length * S / 10);
            uint64_t want = (rate * length + 99) / 100;
            if (load.total != want || tsp_load_due_ns(&load, (double)want) != TSP_NEVER ||
                tsp_load_due_ns(&load, (double)want - 1) >= load.length_ns)
                fail_msg("%.1f/s x %.1f s: %llu, want %llu", rate / 10.0, length / 10.0,
                         (unsigned long long)load.total, (unsigned long long)want);
            tsp_load_clear(&load);
        }
    }
}

/* (rate + rate_to) / 2 * length, in tenths: three of them make thousandths. */
static void check_tenth_ramp(unsigned from, unsigned to)
{
    for (unsigned length = 1; length <= 60; length++) {
        struct tsp_load load = one_stage(from / 10.0, to / 10.0, length * S / 10);
        uint64_t want = ((from + to) * length + 199) / 200;
        if (load.total != want)
            fail_msg("%.1f .. %.1f/s x %.1f s: %llu, want %llu", from / 10.0, to / 10.0,
                     length / 10.0, (unsigned long long)load.total, (unsigned long long)want);
        tsp_load_clear(&load);
    }
}

static void every_tenth_ramp_has_the_exact_total(void **state)
{
    (void)state;
    for (unsigned from = 0; from <= 50; from++)
        for (unsigned to = from == 0; to <= 50; to++)
            check_tenth_ramp(from, to);
}

/* A length is whole nanoseconds: two thirds of a second are not. */
static void a_rounded_length_makes_no_extra_connection(void **state)
{
    (void)state;
    struct tsp_load load = one_stage(3, 3, 666666667);
    assert_int_equal(load.total, 2);
    tsp_load_clear(&load);
    struct tsp_stage third[300];
    for (size_t i = 0; i < 300; i++)
        third[i] = (struct tsp_stage){3e5, 3e5, 333333333 + (i % 3 == 0)};
    load = load_of(third, 300);
    assert_int_equal(load.total, 30000000);
    tsp_load_clear(&load);
}

static void an_hour_at_a_million_is_exact_to_the_nanosecond(void **state)
{
    (void)state;
    struct tsp_load load = one_stage(1e6, 1e6, 3600 * S);
    assert_int_equal(load.total, UINT64_C(3600000000));
    for (uint64_t n = 0; n < load.total; n += 999983)
        assert_int_equal(tsp_load_due_ns(&load, (double)n), (int64_t)n * 1000);
    assert_int_equal(tsp_load_due_ns(&load, 3599999999.0), INT64_C(3599999999000));
    assert_int_equal(tsp_load_due_ns(&load, 3600000000.0), TSP_NEVER);
    tsp_load_clear(&load);
}

/* 1e6 t^2 / (2 * 3600) connections are due by second t: 1250 t^2 / 9. */
static void an_hours_ramp_to_a_million_is_exact_to_the_nanosecond(void **state)
{
    (void)state;
    struct tsp_load load = one_stage(0, 1e6, 3600 * S);
    assert_int_equal(load.total, UINT64_C(1800000000));
    for (int64_t t = 6; t < 3600; t += 6) /* t^2 * 1e6 / 7200 is whole then */
        assert_int_equal(tsp_load_due_ns(&load, (double)(t * t * 1250 / 9)), t * S);
    tsp_load_clear(&load);
    load = one_stage(1e6, 0, 3600 * S);
    assert_int_equal(load.total, UINT64_C(1800000000));
    for (int64_t t = 6; t < 3600; t += 6)
        assert_int_equal(tsp_load_due_ns(&load, (double)(1800000000 - t * t * 1250 / 9)),
                         (3600 - t) * S);
    tsp_load_clear(&load);
}

static void nothing_is_due_in_a_pause(void **state)
{
    (void)state;
    static const struct tsp_stage stages[] = {{0, 0, 5 * S},  {1.1, 1.1, 30 * S}, {0, 0, 10 * S},
                                              {10, 0, 2 * S}, {0, 0, S},          {0, 10, 2 * S},
                                              {0, 0, S}};
    struct tsp_load load = load_of(stages, 7);
    assert_int_equal(load.length_ns, 51 * S);
    assert_int_equal(load.total, 33 + 10 + 10);
    assert_int_equal(tsp_load_due_ns(&load, 0), 5 * S);
    assert_true(tsp_load_due_ns(&load, 32) < 35 * S);
    assert_int_equal(tsp_load_due_ns(&load, 33), 45 * S);
    assert_true(tsp_load_due_ns(&load, 42) < 47 * S);
    assert_int_equal(tsp_load_due_ns(&load, 43), 48 * S);
    assert_true(tsp_load_due_ns(&load, 52) < 50 * S);
    assert_int_equal(tsp_load_due_ns(&load, 53), TSP_NEVER);
    tsp_load_clear(&load);
}

/* 2.5 a second: the third of the first stage comes in the second. */
static void what_a_stage_leaves_over_is_due_in_the_next(void **state)
{
    (void)state;
    static const struct tsp_stage stages[] = {{2.5, 2.5, S}, {5, 5, S}};
    struct tsp_load load = load_of(stages, 2);
    assert_int_equal(load.total, 8);
    assert_int_equal(tsp_load_due_ns(&load, 2), 800000000);
    assert_int_equal(tsp_load_due_ns(&load, 3), 1100000000);
    assert_int_equal(tsp_load_due_ns(&load, 7), 1900000000);
    tsp_load_clear(&load);
}

static const struct tsp_stage mixed[] = {{0, 1000, S},  {1000, 1000, S},  {0, 0, S},
                                         {5000, 0, S},  {0, 0, S},        {0.3, 0.3, 7 * S},
                                         {0, 300.3, S}, {7, 7, 333333333}};
enum { MIXED = sizeof mixed / sizeof mixed[0] };

static void points_are_due_in_order(void **state)
{
    (void)state;
    struct tsp_load load = load_of(mixed, MIXED);
    int64_t before = 0;
    for (double n = 0; n < (double)load.expected; n += 0.0625) {
        int64_t due = tsp_load_due_ns(&load, n);
        assert_true(due >= before && due < load.length_ns);
        before = due;
    }
    tsp_load_clear(&load);
}

static void due_by_counts_what_due_ns_says(void **state)
{
    (void)state;
    struct tsp_load load = load_of(mixed, MIXED);
    assert_int_equal(tsp_load_due_by(&load, -1), 0);
    assert_int_equal(tsp_load_due_by(&load, 0), 0);
    for (uint64_t n = 0; n < load.total; n++) {
        int64_t due = tsp_load_due_ns(&load, (double)n);
        uint64_t by = tsp_load_due_by(&load, due), after = tsp_load_due_by(&load, due + 1);
        assert_true(by <= n);
        assert_true(after >= n + 1);
        assert_true(by == 0 || tsp_load_due_ns(&load, (double)(by - 1)) < due);
    }
    assert_int_equal(tsp_load_due_by(&load, load.length_ns), load.total);
    assert_int_equal(tsp_load_due_by(&load, INT64_MAX), load.total);
    tsp_load_clear(&load);
}

static void mean_and_peak_follow_the_stages(void **state)
{
    (void)state;
    static const struct tsp_stage stages[] = {{100, 300, 2 * S}, {0, 0, S}, {50, 50, S}};
    struct tsp_load load = load_of(stages, 3);
    assert_true(tsp_load_mean_rate(&load) == 450 / 4.0);
    assert_true(tsp_load_peak_rate(&load) == 300);
    tsp_load_clear(&load);
    load = one_stage(7, 3, S);
    assert_true(tsp_load_peak_rate(&load) == 7);
    tsp_load_clear(&load);
}

static void a_load_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct tsp_stage stage[2];
        size_t stages;
        const char *why;
    } rows[] = {
        {{{0}}, 0, "a load needs at least one stage"},
        {{{1, 1, 0}}, 1, "stage 1: length must be above 0"},
        {{{1, 1, S}, {1, 1, -S}}, 2, "stage 2: length must be above 0"},
        {{{-1, 1, S}}, 1, "stage 1: rate must be 0 .. 10M"},
        {{{1, -0.5, S}}, 1, "stage 1: rate must be 0 .. 10M"},
        {{{1, NAN, S}}, 1, "stage 1: rate must be 0 .. 10M"},
        {{{INFINITY, 1, S}}, 1, "stage 1: rate must be 0 .. 10M"},
        {{{1, 1, S}, {1e7, 1.1e7, S}}, 2, "stage 2: rate must be 0 .. 10M"},
        {{{0, 0, S}, {0, 0, S}}, 2, "with a rate of 0 no connection is ever due"},
        {{{1e7, 1e7, INT64_MAX - 1}}, 1, "more than 2^53 connections"},
        {{{1, 1, INT64_MAX / 2}, {1, 1, INT64_MAX / 2 + 2}},
         2,
         "stage 2: all lengths together are too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsp_load load;
        struct tsp_err err = {0};
        int held = live_blocks;
        assert_int_equal(tsp_load_init(&load, rows[i].stage, rows[i].stages, &err), -EINVAL);
        assert_string_equal(err.msg, rows[i].why);
        assert_int_equal(live_blocks, held);
        assert_int_equal(tsp_load_init(&load, rows[i].stage, rows[i].stages, NULL), -EINVAL);
        tsp_load_clear(&load);
    }
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    struct tsp_load load;
    struct tsp_err err = {0};
    allocations_left = 0;
    int rc = tsp_load_init(&load, mixed, MIXED, &err);
    allocations_left = -1;
    assert_int_equal(rc, -ENOMEM);
    assert_int_equal(err.code, ENOMEM);
    tsp_load_clear(&load);
    assert_int_equal(live_blocks, 0);
}

static void a_load_of_nothing_answers_never(void **state)
{
    (void)state;
    struct tsp_load load = {0};
    assert_int_equal(tsp_load_due_ns(&load, 0), TSP_NEVER);
    assert_int_equal(tsp_load_due_by(&load, S), 0);
    assert_true(tsp_load_mean_rate(&load) == 0);
    assert_true(tsp_load_peak_rate(&load) == 0);
    tsp_load_clear(&load);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_due_where_the_integral_reaches_it),
        cmocka_unit_test(every_tenth_rate_and_length_has_the_exact_total),
        cmocka_unit_test(every_tenth_ramp_has_the_exact_total),
        cmocka_unit_test(a_rounded_length_makes_no_extra_connection),
        cmocka_unit_test(an_hour_at_a_million_is_exact_to_the_nanosecond),
        cmocka_unit_test(an_hours_ramp_to_a_million_is_exact_to_the_nanosecond),
        cmocka_unit_test(nothing_is_due_in_a_pause),
        cmocka_unit_test(what_a_stage_leaves_over_is_due_in_the_next),
        cmocka_unit_test(points_are_due_in_order),
        cmocka_unit_test(due_by_counts_what_due_ns_says),
        cmocka_unit_test(mean_and_peak_follow_the_stages),
        cmocka_unit_test(a_load_that_makes_no_sense_is_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
        cmocka_unit_test(a_load_of_nothing_answers_never),
    };
    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
