#include "load/arrivals.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "load/stages.h"
#include "support/cmocka_all.h"

static void even_workers_take_every_point_once(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 7; workers++) {
        unsigned taken[100] = {0};
        for (unsigned k = 0; k < workers; k++) {
            struct tsp_arrivals a;
            tsp_arrivals_init(&a, k, workers, 0);
            for (; a.n < 100; tsp_arrivals_advance(&a))
                taken[(int)a.n]++;
        }
        for (int n = 0; n < 100; n++)
            assert_int_equal(taken[n], 1);
    }
}

static void even_points_stay_whole_up_to_2_to_the_53(void **state)
{
    (void)state;
    struct tsp_arrivals a;
    tsp_arrivals_init(&a, 2, 3, 0);
    a.n = 0x1p53 - 5;
    tsp_arrivals_advance(&a);
    assert_true(a.n == 0x1p53 - 2);
}

static void the_same_seed_gives_the_same_stream(void **state)
{
    (void)state;
    struct tsp_arrivals a, b;
    tsp_arrivals_init(&a, 1, 4, 42);
    tsp_arrivals_init(&b, 1, 4, 42);
    for (int i = 0; i < 1000; i++) {
        assert_true(a.n == b.n);
        tsp_arrivals_advance(&a);
        tsp_arrivals_advance(&b);
    }
}

static void other_seeds_and_other_workers_give_other_streams(void **state)
{
    (void)state;
    enum { SEEDS = 40, WORKERS = 40 };
    double first[SEEDS * WORKERS];
    for (unsigned s = 0; s < SEEDS; s++)
        for (unsigned k = 0; k < WORKERS; k++) {
            struct tsp_arrivals a;
            tsp_arrivals_init(&a, k, WORKERS, s + 1);
            first[s * WORKERS + k] = a.n;
        }
    for (int i = 0; i < SEEDS * WORKERS; i++)
        for (int j = 0; j < i; j++)
            assert_true(first[i] != first[j]);
}

/* Of exponential steps of mean m the standard deviation is m too, and the mean
 * of N of them is off by m / sqrt(N). */
static void poisson_steps_have_mean_and_deviation_of_the_workers(void **state)
{
    (void)state;
    enum { N = 200000, WORKERS = 5 };
    struct tsp_arrivals a;
    tsp_arrivals_init(&a, 3, WORKERS, 2024);
    double sum = 0, squares = 0, longer = 0, before = 0;
    for (int i = 0; i < N; i++) {
        double step = a.n - before;
        assert_true(step >= 0 && isfinite(step));
        before = a.n;
        sum += step;
        squares += step * step;
        longer += step > WORKERS;
        tsp_arrivals_advance(&a);
    }
    double mean = sum / N, deviation = sqrt(squares / N - mean * mean);
    assert_true(fabs(mean - WORKERS) < 4 * WORKERS / sqrt(N));
    assert_true(fabs(deviation - WORKERS) < 8 * WORKERS / sqrt(N));
    assert_true(fabs(longer / N - exp(-1)) < 4 * 0.5 / sqrt(N));
}

/* Steps that follow each other must not depend on each other, nor those of two
 * workers: their correlation is within 4 / sqrt(N) of 0. */
static void poisson_streams_of_workers_are_independent(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct tsp_arrivals a, b;
    tsp_arrivals_init(&a, 0, 2, 7);
    tsp_arrivals_init(&b, 1, 2, 7);
    double across = 0, along = 0, last = 0;
    for (int i = 0; i < N; i++) {
        double at = a.n, bt = b.n;
        tsp_arrivals_advance(&a);
        tsp_arrivals_advance(&b);
        double x = (a.n - at) / 2 - 1, y = (b.n - bt) / 2 - 1;
        across += x * y;
        along += x * last;
        last = x;
    }
    assert_true(fabs(across / N) < 4 / sqrt(N));
    assert_true(fabs(along / N) < 4 / sqrt(N));
}

/* All workers together: counts per second have the mean of the rate, and a
 * Poisson stream's variance is its mean. */
static void workers_add_up_to_a_poisson_stream_of_the_rate(void **state)
{
    (void)state;
    enum { SECONDS = 2000, RATE = 50, WORKERS = 8 };
    static unsigned count[SECONDS];
    memset(count, 0, sizeof count);
    struct tsp_load load;
    const struct tsp_stage stage = {RATE, RATE, INT64_C(1000000000) * SECONDS};
    assert_int_equal(tsp_load_init(&load, &stage, 1, NULL), 0);
    for (unsigned k = 0; k < WORKERS; k++) {
        struct tsp_arrivals a;
        int64_t due;
        tsp_arrivals_init(&a, k, WORKERS, 99);
        for (; (due = tsp_load_due_ns(&load, a.n)) != TSP_NEVER; tsp_arrivals_advance(&a))
            count[due / 1000000000]++;
    }
    double sum = 0, squares = 0;
    for (int i = 0; i < SECONDS; i++) {
        sum += count[i];
        squares += (double)count[i] * count[i];
    }
    double mean = sum / SECONDS, variance = squares / SECONDS - mean * mean;
    assert_true(fabs(mean - RATE) < 4 * sqrt(RATE) / sqrt(SECONDS));
    assert_true(fabs(variance / mean - 1) < 4 * sqrt(2.0 / SECONDS));
    tsp_load_clear(&load);
}

static uint64_t take_below(struct tsp_arrivals *a, uint64_t below)
{
    uint64_t taken = 0;
    for (; a->n < (double)below; taken++)
        tsp_arrivals_advance(a);
    return taken;
}

static void passing_points_is_the_same_as_taking_them(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        struct tsp_arrivals a, b;
        tsp_arrivals_init(&a, i % 3, 3, i / 3); /* seed 0: even */
        b = a;
        for (uint64_t below = 0; below < 3000; below += 1 + below / 3) {
            assert_int_equal(tsp_arrivals_pass(&a, below), take_below(&b, below));
            assert_true(a.n == b.n);
        }
    }
}

static void passing_even_points_is_exact_up_to_2_to_the_53(void **state)
{
    (void)state;
    struct tsp_arrivals a;
    tsp_arrivals_init(&a, 2, 3, 0);
    assert_int_equal(tsp_arrivals_pass(&a, UINT64_C(1) << 53), 3002399751580330);
    assert_true(a.n == 0x1p53);
    assert_int_equal(tsp_arrivals_pass(&a, UINT64_C(1) << 53), 0);
}

/* As of any Poisson stream: the number before a point varies like its mean. */
static void random_points_passed_at_once_are_as_many_as_they_would_be(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    const double mean = 100000;
    double sum = 0, squares = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct tsp_arrivals a;
        tsp_arrivals_init(&a, 1, 4, seed);
        double off = (double)tsp_arrivals_pass(&a, (uint64_t)(4 * mean)) - mean;
        assert_true(a.n >= 4 * mean);
        sum += off;
        squares += off * off;
    }
    double deviation = sqrt(mean), error = deviation / sqrt(ROUNDS);
    assert_true(fabs(sum / ROUNDS) < 4 * error);
    double ratio = squares / ROUNDS / mean; /* 1, with a deviation of sqrt(2 / ROUNDS) */
    assert_true(ratio > 0.87 && ratio < 1.13);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_workers_take_every_point_once),
        cmocka_unit_test(even_points_stay_whole_up_to_2_to_the_53),
        cmocka_unit_test(the_same_seed_gives_the_same_stream),
        cmocka_unit_test(other_seeds_and_other_workers_give_other_streams),
        cmocka_unit_test(poisson_steps_have_mean_and_deviation_of_the_workers),
        cmocka_unit_test(poisson_streams_of_workers_are_independent),
        cmocka_unit_test(workers_add_up_to_a_poisson_stream_of_the_rate),
        cmocka_unit_test(passing_points_is_the_same_as_taking_them),
        cmocka_unit_test(passing_even_points_is_exact_up_to_2_to_the_53),
        cmocka_unit_test(random_points_passed_at_once_are_as_many_as_they_would_be),
    };
    return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
