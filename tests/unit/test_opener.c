#include "client/opener.h"

#include "support/cmocka_all.h"
#include "support/plan.h"

/* A worker that has opened nothing yet, of a load that began at time 0. */
static struct tsp_worker worker_of(const struct tsp_plan *plan, unsigned k, unsigned workers)
{
    struct tsp_worker w = {.plan = plan, .index = k, .left = UINT64_MAX};
    tsp_arrivals_init(&w.arrivals, k, workers, plan->seed);
    return w;
}

/* What all workers of the plan count when they give up at this time. */
static uint64_t given_up(const struct tsp_plan *plan, unsigned workers, int64_t until_ns)
{
    uint64_t sum = 0;
    for (unsigned k = 0; k < workers; k++) {
        struct tsp_worker w = worker_of(plan, k, workers);
        tsp_opener_give_up(&w, until_ns);
        assert_int_equal(w.tally.due, w.tally.not_started);
        sum += w.tally.due;
    }
    return sum;
}

static void giving_up_counts_what_was_due_by_then(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(1000);
        spec.length_ns = 2 * TSP_SECOND;
        make(&p, &spec);
        assert_int_equal(given_up(&p, workers, -1), 0);
        assert_int_equal(given_up(&p, workers, 0), 1);
        assert_int_equal(given_up(&p, workers, TSP_MS - 1), 1);
        assert_int_equal(given_up(&p, workers, TSP_MS), 2);
        assert_int_equal(given_up(&p, workers, 500 * TSP_MS), 501);
        assert_int_equal(given_up(&p, workers, 2 * TSP_SECOND), 2000);
        assert_int_equal(given_up(&p, workers, 9 * TSP_SECOND), 2000);
        p.count = 7;
        assert_int_equal(given_up(&p, workers, 9 * TSP_SECOND), 7);
        tsp_plan_clear(&p);
    }
}

/* The stream of a seed is the same whether it is taken or given up. */
static void giving_up_random_arrivals_counts_those_of_the_seed(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(1000);
    spec.length_ns = 2 * TSP_SECOND;
    spec.arrivals = TSP_ARRIVALS_POISSON;
    spec.seed = 5;
    make(&p, &spec);
    for (int64_t until = 0; until <= 3 * TSP_SECOND; until += 333 * TSP_MS) {
        struct tsp_worker w = worker_of(&p, 0, 1);
        uint64_t due = 0;
        while (tsp_load_due_ns(&p.load, w.arrivals.n) <= until && w.arrivals.n < 2000) {
            tsp_arrivals_advance(&w.arrivals);
            due++;
        }
        assert_int_equal(given_up(&p, 1, until), due);
        w = worker_of(&p, 0, 1);
        w.left = 10; /* its quota of a count */
        tsp_opener_give_up(&w, until);
        assert_int_equal(w.tally.not_started, due < 10 ? due : 10);
        assert_int_equal(w.left, due < 10 ? 10 - due : 0);
    }
    tsp_plan_clear(&p);
}

/* 3 x 10^9 that were due: one by one they took a minute and more, deaf to a stop. */
static void giving_up_a_backlog_of_billions_takes_no_time(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(1e7);
    spec.length_ns = 300 * TSP_SECOND;
    make(&p, &spec);
    assert_int_equal(given_up(&p, 3, 300 * TSP_SECOND), 3000000000);
    tsp_plan_clear(&p);
    spec.arrivals = TSP_ARRIVALS_POISSON;
    make(&p, &spec);
    uint64_t due = given_up(&p, 3, 300 * TSP_SECOND); /* deviation: 55 thousand */
    assert_in_range(due, 2999600000, 3000400000);
    tsp_plan_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(giving_up_counts_what_was_due_by_then),
        cmocka_unit_test(giving_up_random_arrivals_counts_those_of_the_seed),
        cmocka_unit_test(giving_up_a_backlog_of_billions_takes_no_time),
    };
    return cmocka_run_group_tests_name("opener", tests, NULL, NULL);
}
