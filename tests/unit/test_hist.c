#include "measure/hist.h"

#include <math.h>
#include <stdlib.h>

#include "support/cmocka_all.h"

/* Three figures: an edge is off by less than a thousandth, or by nothing where
 * every value has a bucket of its own. */
static bool close_to(int64_t got, int64_t want)
{
    return got >= want && (double)(got - want) <= (double)want / 1000;
}

static int setup(void **state)
{
    *state = tsp_hist_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    tsp_hist_free(*state);
    return 0;
}

static void an_empty_histogram_answers_zero(void **state)
{
    const struct tsp_hist *h = *state;
    struct tsp_hist_step step = {.index = -1};
    assert_int_equal(tsp_hist_count(h), 0);
    assert_int_equal(tsp_hist_min(h), 0);
    assert_int_equal(tsp_hist_max(h), 0);
    assert_true(tsp_hist_mean(h) == 0);
    assert_true(tsp_hist_stdev(h) == 0);
    assert_int_equal(tsp_hist_percentile(h, 0), 0);
    assert_int_equal(tsp_hist_percentile(h, 99), 0);
    assert_int_equal(tsp_hist_percentile(h, 100), 0);
    assert_int_equal(tsp_hist_count_between(h, 0, INT64_MAX), 0);
    assert_false(tsp_hist_next(h, &step));
}

static void one_value_is_every_figure_exactly(void **state)
{
    struct tsp_hist *h = *state;
    tsp_hist_record(h, 1234567891);
    assert_int_equal(tsp_hist_min(h), 1234567891);
    assert_int_equal(tsp_hist_max(h), 1234567891);
    assert_int_equal(tsp_hist_percentile(h, 50), 1234567891);
    assert_true(tsp_hist_mean(h) == 1234567891);
    assert_true(tsp_hist_stdev(h) == 0);
}

static void values_up_to_2047_are_kept_one_by_one(void **state)
{
    struct tsp_hist *h = *state;
    for (int64_t v = 1; v < 2048; v++)
        tsp_hist_record(h, v);
    struct tsp_hist_step step = {.index = -1};
    for (int64_t v = 1; v < 2048; v++) {
        assert_true(tsp_hist_next(h, &step));
        assert_int_equal(step.from, v);
        assert_int_equal(step.to, v);
        assert_int_equal(step.count, 1);
    }
    assert_false(tsp_hist_next(h, &step));
    assert_true(tsp_hist_mean(h) == 1024);
}

/* The edges of the layout, from HdrHistogram's documentation: widths double at
 * every power of two from 2048 on. */
static void buckets_are_those_of_hdrhistogram(void **state)
{
    static const struct {
        int64_t value, from, to;
        int32_t index;
    } rows[] = {
        {1, 1, 1, 1},
        {2047, 2047, 2047, 2047},
        {2048, 2048, 2049, 2048},
        {4095, 4094, 4095, 3071},
        {4096, 4096, 4099, 3072},
        {1000000, 999936, 1000447, 11169},
        {INT64_C(3600000000000), INT64_C(3599182594048), INT64_C(3601330077695), 33420},
    };
    struct tsp_hist *h = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsp_hist_step step = {.index = -1};
        tsp_hist_reset(h);
        tsp_hist_record(h, rows[i].from);
        tsp_hist_record(h, rows[i].value);
        tsp_hist_record(h, rows[i].to);
        assert_true(tsp_hist_next(h, &step));
        if (step.index != rows[i].index || step.count != 3)
            fail_msg("row %zu: bucket %d, count %llu", i, step.index,
                     (unsigned long long)step.count);
        tsp_hist_record(h, rows[i].from - 1);
        tsp_hist_record(h, rows[i].to + 1);
        assert_int_equal(tsp_hist_count_between(h, rows[i].value, rows[i].value),
                         rows[i].value == 1 ? 4 : 3); /* 0 counts as 1 */
    }
}

static void zero_and_less_count_as_one(void **state)
{
    struct tsp_hist *h = *state;
    tsp_hist_record(h, 0);
    tsp_hist_record(h, INT64_MIN);
    tsp_hist_record_n(h, -5, 2);
    assert_int_equal(tsp_hist_count(h), 4);
    assert_int_equal(tsp_hist_min(h), 1);
    assert_int_equal(tsp_hist_max(h), 1);
    assert_int_equal(tsp_hist_percentile(h, 100), 1);
}

static void values_past_an_hour_keep_their_max(void **state)
{
    struct tsp_hist *h = *state;
    tsp_hist_record(h, 5);
    tsp_hist_record(h, INT64_C(1) << 43);
    tsp_hist_record(h, INT64_MAX);
    assert_int_equal(tsp_hist_count(h), 3);
    assert_int_equal(tsp_hist_max(h), INT64_MAX);
    assert_int_equal(tsp_hist_percentile(h, 100), INT64_MAX);
    assert_int_equal(tsp_hist_percentile(h, 99), INT64_MAX);
    assert_int_equal(tsp_hist_count_between(h, TSP_HIST_HIGHEST, INT64_MAX), 2);
    tsp_hist_reset(h);
    assert_int_equal(tsp_hist_count_between(h, 1, INT64_MAX), 0);
}

static void percentiles_count_values_not_fractions(void **state)
{
    struct tsp_hist *h = *state;
    for (int64_t v = 1; v <= 1000; v++)
        tsp_hist_record(h, v);
    assert_int_equal(tsp_hist_percentile(h, 0), 1);
    assert_int_equal(tsp_hist_percentile(h, -3), 1);
    assert_int_equal(tsp_hist_percentile(h, NAN), 1);
    assert_int_equal(tsp_hist_percentile(h, 0.01), 1);
    assert_int_equal(tsp_hist_percentile(h, 50), 500);
    assert_int_equal(tsp_hist_percentile(h, 50.01), 501);
    assert_int_equal(tsp_hist_percentile(h, 99), 990);
    assert_int_equal(tsp_hist_percentile(h, 99.9), 999); /* not 1000: 99.9 is not exact */
    assert_int_equal(tsp_hist_percentile(h, 100), 1000);
    assert_int_equal(tsp_hist_percentile(h, 300), 1000);
}

static void percentiles_stay_between_min_and_max(void **state)
{
    struct tsp_hist *h = *state;
    tsp_hist_record(h, 1000001);
    tsp_hist_record(h, 1000003);
    for (double p = 0; p <= 100; p += 0.5) {
        assert_true(tsp_hist_percentile(h, p) >= 1000001);
        assert_true(tsp_hist_percentile(h, p) <= 1000003);
    }
    assert_true(tsp_hist_mean(h) >= 1000001 && tsp_hist_mean(h) <= 1000003);
}

static void count_between_takes_both_ends(void **state)
{
    struct tsp_hist *h = *state;
    for (int64_t v = 10; v <= 20; v++)
        tsp_hist_record_n(h, v, 2);
    assert_int_equal(tsp_hist_count_between(h, 10, 20), 22);
    assert_int_equal(tsp_hist_count_between(h, 12, 13), 4);
    assert_int_equal(tsp_hist_count_between(h, 0, 9), 0);
    assert_int_equal(tsp_hist_count_between(h, 21, INT64_MAX), 0);
    assert_int_equal(tsp_hist_count_between(h, INT64_MIN, 10), 2);
    assert_int_equal(tsp_hist_count_between(h, 15, 14), 0);
    assert_int_equal(tsp_hist_count_between(h, -2, -1), 0);
}

static void a_weight_is_that_many_values(void **state)
{
    struct tsp_hist *h = *state, *one_by_one = tsp_hist_new();
    tsp_hist_record_n(h, 777777, 1000);
    tsp_hist_record_n(h, 5, 0);
    for (int i = 0; i < 1000; i++)
        tsp_hist_record(one_by_one, 777777);
    assert_int_equal(tsp_hist_count(h), tsp_hist_count(one_by_one));
    assert_int_equal(tsp_hist_min(h), 777777);
    assert_true(tsp_hist_mean(h) == tsp_hist_mean(one_by_one));
    tsp_hist_free(one_by_one);
}

static void counts_stop_at_2_to_the_62_instead_of_wrapping(void **state)
{
    struct tsp_hist *h = *state;
    tsp_hist_record_n(h, 7, UINT64_MAX);
    tsp_hist_record_n(h, 9, UINT64_MAX);
    tsp_hist_add(h, h);
    assert_true(tsp_hist_count(h) == UINT64_C(1) << 62);
    assert_int_equal(tsp_hist_percentile(h, 50), 7);
    assert_int_equal(tsp_hist_max(h), 7);
}

static void adding_is_recording_both(void **state)
{
    struct tsp_hist *h = *state, *other = tsp_hist_new(), *both = tsp_hist_new();
    for (int64_t v = 1; v < 5000; v += 3) {
        tsp_hist_record(h, v * v);
        tsp_hist_record(both, v * v);
        tsp_hist_record(other, v * 1000003);
        tsp_hist_record(both, v * 1000003);
    }
    tsp_hist_add(h, other);
    assert_int_equal(tsp_hist_count(h), tsp_hist_count(both));
    assert_int_equal(tsp_hist_min(h), tsp_hist_min(both));
    assert_int_equal(tsp_hist_max(h), tsp_hist_max(both));
    struct tsp_hist_step a = {.index = -1}, b = {.index = -1};
    while (tsp_hist_next(both, &b)) {
        assert_true(tsp_hist_next(h, &a));
        assert_memory_equal(&a, &b, sizeof a);
    }
    assert_false(tsp_hist_next(h, &a));
    tsp_hist_free(other);
    tsp_hist_free(both);
}

static void adding_nothing_changes_nothing(void **state)
{
    struct tsp_hist *h = *state, *empty = tsp_hist_new();
    tsp_hist_record(h, 42);
    tsp_hist_add(h, empty);
    assert_int_equal(tsp_hist_count(h), 1);
    assert_int_equal(tsp_hist_min(h), 42);
    assert_int_equal(tsp_hist_max(h), 42);
    tsp_hist_add(empty, empty);
    assert_int_equal(tsp_hist_min(empty), 0);
    tsp_hist_free(empty);
}

static void a_reset_histogram_is_like_a_new_one(void **state)
{
    struct tsp_hist *h = *state;
    for (int64_t v = 1; v < TSP_HIST_HIGHEST; v *= 3)
        tsp_hist_record(h, v);
    tsp_hist_reset(h);
    an_empty_histogram_answers_zero(state);
    tsp_hist_record(h, 9);
    assert_int_equal(tsp_hist_count(h), 1);
    assert_int_equal(tsp_hist_min(h), 9);
    assert_int_equal(tsp_hist_count_between(h, 1, INT64_MAX), 1);
}

static uint64_t seed = 88172645463325252u;

static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Values of every magnitude. */
static size_t record_random(struct tsp_hist *h, int64_t *values, size_t room)
{
    size_t n = 1 + draw() % room;
    for (size_t i = 0; i < n; i++) {
        values[i] = 1 + (int64_t)(draw() >> (23 + draw() % 40)) % TSP_HIST_HIGHEST;
        tsp_hist_record(h, values[i]);
    }
    qsort(values, n, sizeof values[0], by_size);
    return n;
}

static void figures_match(const struct tsp_hist *h, const int64_t *sorted, size_t n)
{
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (long double)sorted[i];
    long double mean = sum / (long double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((long double)sorted[i] - mean) * ((long double)sorted[i] - mean);
    double stdev = (double)sqrtl(squares / (long double)n);
    assert_int_equal(tsp_hist_count(h), n);
    assert_int_equal(tsp_hist_min(h), sorted[0]);
    assert_int_equal(tsp_hist_max(h), sorted[n - 1]);
    assert_true(fabs(tsp_hist_mean(h) - (double)mean) <= (double)mean / 1000);
    assert_true(fabs(tsp_hist_stdev(h) - stdev) <= hypot((double)mean, stdev) / 1000);
}

static void any_set_is_measured_to_a_thousandth(void **state)
{
    enum { SETS = 3000, ROOM = 60 };
    static const double percents[] = {0.1, 1, 10, 25, 50, 75, 90, 99, 99.9, 100};
    struct tsp_hist *h = *state;
    int64_t values[ROOM];
    for (int set = 0; set < SETS; set++) {
        tsp_hist_reset(h);
        size_t n = record_random(h, values, ROOM);
        figures_match(h, values, n);
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
            size_t rank = (size_t)ceil(percents[i] * (double)n / 100 - 1e-9);
            int64_t want = values[rank > 0 ? rank - 1 : 0];
            int64_t got = tsp_hist_percentile(h, percents[i]);
            if (!close_to(got, want))
                fail_msg("set %d, p%g of %zu: got %lld, want %lld", set, percents[i], n,
                         (long long)got, (long long)want);
        }
    }
}

static void the_steps_hold_all_values_in_order(void **state)
{
    struct tsp_hist *h = *state;
    int64_t values[500];
    size_t n = record_random(h, values, 500), at = 0;
    struct tsp_hist_step step = {.index = -1};
    while (tsp_hist_next(h, &step)) {
        assert_true(step.count > 0);
        for (uint64_t i = 0; i < step.count; i++, at++)
            assert_true(values[at] >= step.from && values[at] <= step.to);
    }
    assert_int_equal(at, n);
    assert_int_equal(step.to, values[n - 1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_histogram_answers_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(one_value_is_every_figure_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(values_up_to_2047_are_kept_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(buckets_are_those_of_hdrhistogram, setup, teardown),
        cmocka_unit_test_setup_teardown(zero_and_less_count_as_one, setup, teardown),
        cmocka_unit_test_setup_teardown(values_past_an_hour_keep_their_max, setup, teardown),
        cmocka_unit_test_setup_teardown(percentiles_count_values_not_fractions, setup, teardown),
        cmocka_unit_test_setup_teardown(percentiles_stay_between_min_and_max, setup, teardown),
        cmocka_unit_test_setup_teardown(count_between_takes_both_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_weight_is_that_many_values, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_stop_at_2_to_the_62_instead_of_wrapping, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(adding_is_recording_both, setup, teardown),
        cmocka_unit_test_setup_teardown(adding_nothing_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_histogram_is_like_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(any_set_is_measured_to_a_thousandth, setup, teardown),
        cmocka_unit_test_setup_teardown(the_steps_hold_all_values_in_order, setup, teardown),
    };
    return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
