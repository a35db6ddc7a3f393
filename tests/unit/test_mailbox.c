#include "client/mailbox.h"

#include <errno.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static struct tsp_slice slice_of(uint64_t started, uint64_t ok, uint64_t failed, uint64_t open)
{
    struct tsp_slice s;
    assert_int_equal(tsp_slice_init(&s), 0);
    s.started = started;
    s.ok = ok;
    s.failed = failed;
    s.open = open;
    tsp_hist_record_n(s.latency, 1000, ok);
    tsp_hist_record_n(s.lag, 10, started);
    return s;
}

static void what_is_posted_is_collected_once(void **state)
{
    (void)state;
    struct tsp_mailbox m;
    assert_int_equal(tsp_mailbox_init(&m), 0);
    struct tsp_slice s = slice_of(5, 3, 1, 1), into = slice_of(0, 0, 0, 0);
    tsp_mailbox_post(&m, &s);
    for (int i = 0; i < 2; i++) {
        tsp_mailbox_collect(&m, &into);
        assert_int_equal(into.started, 5);
        assert_int_equal(into.ok, 3);
        assert_int_equal(into.failed, 1);
        assert_int_equal(tsp_hist_count(into.latency), 3);
        assert_int_equal(tsp_hist_count(into.lag), 5);
    }
    tsp_slice_clear(&s);
    tsp_slice_clear(&into);
    tsp_mailbox_clear(&m);
}

static void posting_empties_the_slice_but_for_what_is_open(void **state)
{
    (void)state;
    struct tsp_mailbox m;
    assert_int_equal(tsp_mailbox_init(&m), 0);
    struct tsp_slice s = slice_of(5, 3, 1, 7);
    tsp_mailbox_post(&m, &s);
    assert_int_equal(s.started + s.ok + s.failed, 0);
    assert_int_equal(s.open, 7);
    assert_int_equal(tsp_hist_count(s.latency) + tsp_hist_count(s.lag), 0);
    tsp_slice_clear(&s);
    tsp_mailbox_clear(&m);
}

static void of_several_posts_the_counts_add_up_and_the_latest_open_stands(void **state)
{
    (void)state;
    struct tsp_mailbox m;
    assert_int_equal(tsp_mailbox_init(&m), 0);
    struct tsp_slice one = slice_of(5, 3, 1, 40), two = slice_of(2, 4, 0, 6);
    struct tsp_slice into = slice_of(0, 0, 0, 0);
    tsp_mailbox_post(&m, &one);
    tsp_mailbox_post(&m, &two);
    tsp_mailbox_collect(&m, &into);
    assert_int_equal(into.started, 7);
    assert_int_equal(into.ok, 7);
    assert_int_equal(into.open, 6);
    tsp_slice_reset(&into);
    tsp_mailbox_collect(&m, &into); /* a worker that is late has not closed its connections */
    assert_int_equal(into.started, 0);
    assert_int_equal(into.open, 6);
    tsp_slice_clear(&one);
    tsp_slice_clear(&two);
    tsp_slice_clear(&into);
    tsp_mailbox_clear(&m);
}

static void without_memory_nothing_is_held(void **state)
{
    (void)state;
    struct tsp_mailbox m;
    int held = live_blocks;
    for (int n = 0; n < 2; n++) {
        allocations_left = n;
        assert_int_equal(tsp_mailbox_init(&m), -ENOMEM);
        allocations_left = -1;
        assert_int_equal(live_blocks, held);
    }
}

#define POSTS 2000

static void *poster(void *arg)
{
    struct tsp_slice s;
    if (tsp_slice_init(&s))
        return arg;
    for (int i = 0; i < POSTS; i++) {
        s.started++;
        tsp_hist_record(s.latency, 1000 + i);
        tsp_mailbox_post(arg, &s);
    }
    tsp_slice_clear(&s);
    return NULL;
}

static void while_it_is_collected_nothing_is_lost_or_counted_twice(void **state)
{
    (void)state;
    struct tsp_mailbox m;
    pthread_t thread;
    void *failed;
    assert_int_equal(tsp_mailbox_init(&m), 0);
    struct tsp_slice into = slice_of(0, 0, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, poster, &m), 0);
    while (into.started < POSTS)
        tsp_mailbox_collect(&m, &into); /* what is lost is waited for until the time-out */
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(into.started, POSTS);
    assert_int_equal(tsp_hist_count(into.latency), POSTS);
    assert_int_equal(tsp_hist_max(into.latency), 1000 + POSTS - 1);
    tsp_slice_clear(&into);
    tsp_mailbox_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_posted_is_collected_once),
        cmocka_unit_test(posting_empties_the_slice_but_for_what_is_open),
        cmocka_unit_test(of_several_posts_the_counts_add_up_and_the_latest_open_stands),
        cmocka_unit_test(without_memory_nothing_is_held),
        cmocka_unit_test(while_it_is_collected_nothing_is_lost_or_counted_twice),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
