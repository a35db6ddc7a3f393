#include "measure/timeline.h"

#include <errno.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static int setup(void **state)
{
    static struct tsp_slice s;
    *state = &s;
    return tsp_slice_init(&s);
}

static int teardown(void **state)
{
    tsp_slice_clear(*state);
    return live_blocks;
}

static void fill(struct tsp_slice *s, uint64_t k)
{
    s->started = 4 * k;
    s->ok = 3 * k;
    s->failed = k;
    s->open = 2 * k;
    tsp_hist_record_n(s->latency, (int64_t)k * 1000, k);
    tsp_hist_record_n(s->lag, (int64_t)k * 10, k);
}

static void an_interval_keeps_the_figures_of_its_slice(void **state)
{
    struct tsp_slice *s = *state;
    struct tsp_timeline t = {0};
    for (int64_t v = 1; v <= 1000; v++) {
        tsp_hist_record(s->latency, v);
        tsp_hist_record(s->lag, 2000 - v);
    }
    s->started = 1003;
    s->ok = 1000;
    s->failed = 2;
    s->open = 1;
    assert_int_equal(tsp_timeline_append(&t, 1.5, s), 0);
    assert_int_equal(t.count, 1);
    const struct tsp_interval *i = &t.item[0];
    assert_true(i->time == 1.5);
    assert_int_equal(i->started, 1003);
    assert_int_equal(i->ok, 1000);
    assert_int_equal(i->failed, 2);
    assert_int_equal(i->open, 1);
    assert_int_equal(i->p50, 500);
    assert_int_equal(i->p99, 990);
    assert_int_equal(i->max, 1000);
    assert_int_equal(i->lag_p99, 1989);
    tsp_timeline_clear(&t);
}

static void an_interval_without_connections_has_zeros(void **state)
{
    struct tsp_timeline t = {0};
    assert_int_equal(tsp_timeline_append(&t, 1, *state), 0);
    assert_int_equal(t.item[0].p50, 0);
    assert_int_equal(t.item[0].p99, 0);
    assert_int_equal(t.item[0].max, 0);
    assert_int_equal(t.item[0].lag_p99, 0);
    tsp_timeline_clear(&t);
}

static void intervals_stay_in_order_however_many(void **state)
{
    struct tsp_slice *s = *state;
    struct tsp_timeline t = {0};
    for (size_t i = 0; i < 5000; i++) {
        s->started = i;
        assert_int_equal(tsp_timeline_append(&t, (double)i, s), 0);
    }
    assert_int_equal(t.count, 5000);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(t.item[i].started, i);
        assert_true(t.item[i].time == (double)i);
    }
    tsp_timeline_clear(&t);
    assert_int_equal(t.count, 0);
    assert_null(t.item);
}

static void slices_of_workers_add_up(void **state)
{
    struct tsp_slice *s = *state, other;
    assert_int_equal(tsp_slice_init(&other), 0);
    fill(s, 1);
    fill(&other, 10);
    tsp_slice_add(s, &other);
    assert_int_equal(s->started, 44);
    assert_int_equal(s->ok, 33);
    assert_int_equal(s->failed, 11);
    assert_int_equal(s->open, 22);
    assert_int_equal(tsp_hist_count(s->latency), 11);
    assert_int_equal(tsp_hist_min(s->latency), 1000);
    assert_int_equal(tsp_hist_max(s->latency), 10000);
    assert_int_equal(tsp_hist_max(s->lag), 100);
    tsp_slice_clear(&other);
}

static void a_reset_slice_is_like_a_new_one(void **state)
{
    struct tsp_slice *s = *state;
    fill(s, 3);
    tsp_slice_reset(s);
    assert_int_equal(s->started + s->ok + s->failed + s->open, 0);
    assert_int_equal(tsp_hist_count(s->latency), 0);
    assert_int_equal(tsp_hist_count(s->lag), 0);
}

static void running_out_of_memory_loses_nothing(void **state)
{
    struct tsp_slice *s = *state, other;
    struct tsp_timeline t = {0};
    int held = live_blocks;
    for (int n = 0; n < 2; n++) {
        allocations_left = n;
        int rc = tsp_slice_init(&other);
        allocations_left = -1;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(live_blocks, held);
        tsp_slice_clear(&other);
    }
    int rc = 0;
    allocations_left = 1;
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = tsp_timeline_append(&t, i, s);
    allocations_left = -1;
    assert_int_equal(rc, -ENOMEM);
    assert_true(t.count > 0 && t.count == t.room);
    assert_true(t.item[t.count - 1].time == (double)(t.count - 1));
    assert_int_equal(tsp_timeline_append(&t, 1, s), 0);
    tsp_timeline_clear(&t);
}

static void what_is_all_zero_can_be_cleared(void **state)
{
    (void)state;
    struct tsp_slice s = {0};
    struct tsp_timeline t = {0};
    tsp_slice_clear(&s);
    tsp_timeline_clear(&t);
    assert_null(t.item);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_interval_keeps_the_figures_of_its_slice, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_interval_without_connections_has_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(intervals_stay_in_order_however_many, setup, teardown),
        cmocka_unit_test_setup_teardown(slices_of_workers_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_slice_is_like_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(running_out_of_memory_loses_nothing, setup, teardown),
        cmocka_unit_test(what_is_all_zero_can_be_cleared),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
