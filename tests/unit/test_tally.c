#include "measure/tally.h"

#include <errno.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

#define MS INT64_C(1000000)

/* Due at 100 ms, opened 1 ms late, and so on in steps that tell them apart. */
static const struct tsp_marks marks = {{
    [TSP_MARK_DUE] = 100 * MS,
    [TSP_MARK_OPEN] = 101 * MS,
    [TSP_MARK_ESTABLISHED] = 103 * MS,
    [TSP_MARK_SENT] = 107 * MS,
    [TSP_MARK_FIRST_BYTE] = 115 * MS,
    [TSP_MARK_CLOSED] = 131 * MS,
}};

static int setup(void **state)
{
    static struct tsp_tally t;
    *state = &t;
    return tsp_tally_init(&t);
}

static int teardown(void **state)
{
    tsp_tally_clear(*state);
    return live_blocks;
}

/* Started because due, as a run with a rate does it. */
static void start(struct tsp_tally *t)
{
    t->due++;
    tsp_tally_start(t, &marks, true);
}

static void every_phase_is_the_time_between_its_two_marks(void **state)
{
    struct tsp_tally *t = *state;
    start(t);
    tsp_tally_ok(t, &marks);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_LATENCY]), 31 * MS);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_SERVICE]), 30 * MS);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_CONNECT]), 2 * MS);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_FIRST_BYTE]), 8 * MS);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_TRANSFER]), 16 * MS);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_LAG]), 1 * MS);
}

/* The target speaks first: its first byte is no answer to a request sent later. */
static void an_answer_before_the_request_was_sent_has_no_first_byte(void **state)
{
    struct tsp_tally *t = *state, other;
    struct tsp_marks early = marks;
    early.at[TSP_MARK_FIRST_BYTE] = 105 * MS;
    start(t);
    tsp_tally_ok(t, &early);
    assert_int_equal(t->answered_early, 1);
    for (int p = 0; p < TSP_PHASES; p++)
        assert_int_equal(tsp_hist_count(t->phase[p]), p != TSP_PHASE_FIRST_BYTE);
    assert_int_equal(tsp_hist_max(t->phase[TSP_PHASE_TRANSFER]), 26 * MS);
    assert_true(tsp_tally_adds_up(t, true));
    assert_int_equal(tsp_tally_init(&other), 0);
    start(&other);
    tsp_tally_ok(&other, &marks);
    tsp_tally_add(t, &other);
    tsp_tally_add(t, &other);
    assert_int_equal(t->answered_early, 1);
    assert_int_equal(tsp_hist_min(t->phase[TSP_PHASE_FIRST_BYTE]), 8 * MS);
    assert_true(tsp_tally_adds_up(t, true));
    tsp_tally_clear(&other);
}

static void phases_have_the_names_of_the_result(void **state)
{
    (void)state;
    static const char *const names[] = {"latency",    "service",  "connect",
                                        "first_byte", "transfer", "lag"};
    assert_int_equal(TSP_PHASES, sizeof names / sizeof names[0]);
    for (int p = 0; p < TSP_PHASES; p++)
        assert_string_equal(tsp_phase_name((enum tsp_phase)p), names[p]);
}

static void only_lag_is_recorded_of_what_failed_or_was_aborted(void **state)
{
    struct tsp_tally *t = *state;
    start(t);
    tsp_tally_fail(t, TSP_REFUSED, TSP_STEP_CONNECT, ECONNREFUSED);
    start(t);
    tsp_tally_abort(t);
    for (int p = 0; p < TSP_PHASES; p++)
        assert_int_equal(tsp_hist_count(t->phase[p]), p == TSP_PHASE_LAG ? 2 : 0);
    assert_int_equal(t->failure[TSP_REFUSED][TSP_STEP_CONNECT], 1);
    assert_int_equal(t->failed, 1);
    assert_int_equal(t->aborted, 1);
    assert_true(tsp_tally_adds_up(t, true));
}

static void a_closed_loop_has_no_lag(void **state)
{
    struct tsp_tally *t = *state;
    t->due = 1;
    tsp_tally_start(t, &marks, false);
    tsp_tally_ok(t, &marks);
    assert_int_equal(tsp_hist_count(t->phase[TSP_PHASE_LAG]), 0);
    assert_true(tsp_tally_adds_up(t, false));
    assert_false(tsp_tally_adds_up(t, true));
}

static void open_and_its_maximum_follow_starts_and_ends(void **state)
{
    struct tsp_tally *t = *state;
    start(t);
    start(t);
    start(t);
    assert_int_equal(t->open, 3);
    tsp_tally_ok(t, &marks);
    tsp_tally_fail(t, TSP_TIMEOUT, TSP_STEP_REPLY, 0);
    start(t);
    assert_int_equal(t->open, 2);
    assert_int_equal(t->open_max, 3);
    assert_true(tsp_tally_adds_up(t, true));
    tsp_tally_abort(t);
    tsp_tally_abort(t);
    assert_int_equal(t->open, 0);
    assert_true(tsp_tally_adds_up(t, true));
}

static void fail_as(struct tsp_tally *t, enum tsp_step step, int error)
{
    start(t);
    tsp_tally_fail(t, TSP_OTHER, step, error);
}

static void unknown_errors_are_kept_by_name_and_step(void **state)
{
    struct tsp_tally *t = *state;
    fail_as(t, TSP_STEP_CONNECT, EPROTO);
    fail_as(t, TSP_STEP_REPLY, EPROTO);
    fail_as(t, TSP_STEP_CONNECT, EPROTO);
    start(t);
    tsp_tally_fail(t, TSP_RESET, TSP_STEP_SEND, EPIPE);
    static const struct tsp_other want[] = {{EPROTO, TSP_STEP_CONNECT, 2},
                                            {EPROTO, TSP_STEP_REPLY, 1}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(t->other[i].error, want[i].error);
        assert_int_equal(t->other[i].step, want[i].step);
        assert_int_equal(t->other[i].count, want[i].count);
    }
    assert_int_equal(t->other[2].error, 0);
    assert_int_equal(t->failure[TSP_OTHER][TSP_STEP_CONNECT], 2);
}

static void more_kinds_of_errors_than_rows_are_still_counted(void **state)
{
    struct tsp_tally *t = *state;
    for (int error = 1; error <= 2 * TSP_TALLY_OTHERS; error++)
        fail_as(t, TSP_STEP_SEND, error);
    assert_int_equal(t->failure[TSP_OTHER][TSP_STEP_SEND], 2 * TSP_TALLY_OTHERS);
    assert_int_equal(t->other[TSP_TALLY_OTHERS - 1].error, TSP_TALLY_OTHERS);
    assert_true(tsp_tally_adds_up(t, true));
}

static void fill(struct tsp_tally *t, uint64_t k)
{
    start(t);
    tsp_tally_ok(t, &marks);
    start(t);
    tsp_tally_fail(t, TSP_TIMEOUT, TSP_STEP_CONNECT, ETIMEDOUT);
    fail_as(t, TSP_STEP_CONNECT, EPROTO);
    fail_as(t, TSP_STEP_BIND, (int)k);
    start(t);
    tsp_tally_abort(t);
    start(t);
    t->due += 7 * k;
    t->capped = 3 * k;
    t->not_started = 4 * k;
    t->retransmitted = 5 * k;
    t->retransmitted_ok = 1;
    t->bytes_sent = 6 * k;
    t->bytes_received = 8 * k;
}

static void adding_sums_every_count(void **state)
{
    struct tsp_tally *t = *state, other;
    assert_int_equal(tsp_tally_init(&other), 0);
    fill(t, 1);
    fill(&other, 10);
    tsp_tally_add(t, &other);
    assert_int_equal(t->due, 12 + 77);
    assert_int_equal(t->started, 12);
    assert_int_equal(t->ok, 2);
    assert_int_equal(t->failed, 6);
    assert_int_equal(t->aborted, 2);
    assert_int_equal(t->capped, 33);
    assert_int_equal(t->not_started, 44);
    assert_int_equal(t->retransmitted, 55);
    assert_int_equal(t->retransmitted_ok, 2);
    assert_int_equal(t->bytes_sent, 66);
    assert_int_equal(t->bytes_received, 88);
    assert_int_equal(t->open, 2);
    assert_int_equal(t->open_max, 2);
    assert_int_equal(t->failure[TSP_TIMEOUT][TSP_STEP_CONNECT], 2);
    assert_int_equal(t->other[0].count, 2);
    assert_int_equal(t->other[1].error, 1);
    assert_int_equal(t->other[2].error, 10);
    assert_int_equal(tsp_hist_count(t->phase[TSP_PHASE_LATENCY]), 2);
    assert_int_equal(tsp_hist_count(t->phase[TSP_PHASE_LAG]), 12);
    assert_true(tsp_tally_adds_up(t, true));
    tsp_tally_clear(&other);
}

static void any_count_that_is_off_by_one_is_found(void **state)
{
    struct tsp_tally *t = *state;
    fill(t, 1);
    assert_true(tsp_tally_adds_up(t, true));
    uint64_t *const counts[] = {&t->due,
                                &t->started,
                                &t->ok,
                                &t->failed,
                                &t->aborted,
                                &t->capped,
                                &t->not_started,
                                &t->open,
                                &t->answered_early,
                                &t->retransmitted_ok,
                                &t->other[0].count,
                                &t->failure[TSP_REFUSED][TSP_STEP_CONNECT],
                                &t->failure[TSP_OK][TSP_STEP_CONNECT]};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        ++*counts[i];
        if (tsp_tally_adds_up(t, true))
            fail_msg("count %zu", i);
        --*counts[i];
    }
    for (int p = 0; p < TSP_PHASES; p++) {
        tsp_hist_record(t->phase[p], 1);
        assert_false(tsp_tally_adds_up(t, true));
        tsp_tally_clear(t);
        assert_int_equal(tsp_tally_init(t), 0);
        fill(t, 1);
    }
}

static void a_failed_init_holds_nothing(void **state)
{
    (void)state;
    struct tsp_tally t;
    int held = live_blocks;
    for (int n = 0; n < TSP_PHASES; n++) {
        allocations_left = n;
        int rc = tsp_tally_init(&t);
        allocations_left = -1;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(live_blocks, held);
        tsp_tally_clear(&t);
    }
}

static void an_all_zero_tally_can_be_cleared(void **state)
{
    (void)state;
    struct tsp_tally t = {0};
    tsp_tally_clear(&t);
    assert_int_equal(t.due, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_phase_is_the_time_between_its_two_marks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_before_the_request_was_sent_has_no_first_byte,
                                        setup, teardown),
        cmocka_unit_test(phases_have_the_names_of_the_result),
        cmocka_unit_test_setup_teardown(only_lag_is_recorded_of_what_failed_or_was_aborted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_closed_loop_has_no_lag, setup, teardown),
        cmocka_unit_test_setup_teardown(open_and_its_maximum_follow_starts_and_ends, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(unknown_errors_are_kept_by_name_and_step, setup, teardown),
        cmocka_unit_test_setup_teardown(more_kinds_of_errors_than_rows_are_still_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(adding_sums_every_count, setup, teardown),
        cmocka_unit_test_setup_teardown(any_count_that_is_off_by_one_is_found, setup, teardown),
        cmocka_unit_test(a_failed_init_holds_nothing),
        cmocka_unit_test(an_all_zero_tally_can_be_cleared),
    };
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
