#include "client/pool.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

#define MANY 1000

static struct tsp_conn *taken[MANY];

static void objects_are_distinct_and_all_zero(void **state)
{
    (void)state;
    static const struct tsp_conn zero;
    struct tsp_pool p = {0};
    int held = live_blocks;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            taken[i] = tsp_pool_take(&p);
            assert_non_null(taken[i]);
            assert_memory_equal(taken[i], &zero, sizeof zero);
            memset(taken[i], 0x5a, sizeof *taken[i]); /* were two the same, the next is not zero */
            taken[i]->nat = NULL;
        }
        for (int i = 0; i < MANY; i++)
            tsp_pool_give(&p, taken[i]);
    }
    tsp_pool_clear(&p);
    assert_int_equal(live_blocks, held);
}

static void what_was_given_back_is_taken_again_without_allocating(void **state)
{
    (void)state;
    struct tsp_pool p = {0};
    for (int i = 0; i < MANY; i++)
        taken[i] = tsp_pool_take(&p);
    for (int i = 0; i < MANY; i++)
        tsp_pool_give(&p, taken[i]);
    int held = live_blocks;
    allocations_left = 0;
    for (int i = 0; i < MANY; i++)
        assert_non_null(tsp_pool_take(&p));
    allocations_left = -1;
    assert_int_equal(live_blocks, held);
    tsp_pool_clear(&p);
}

static void with_nat_each_has_an_empty_line_of_its_own_for_life(void **state)
{
    (void)state;
    static const struct tsp_nat_line empty;
    struct tsp_pool p = {.with_nat = true};
    struct tsp_conn *one = tsp_pool_take(&p), *two = tsp_pool_take(&p);
    assert_non_null(one->nat);
    assert_non_null(two->nat);
    assert_ptr_not_equal(one->nat, two->nat);
    const struct tsp_nat_line *line = two->nat;
    tsp_nat_line_feed(two->nat, "x\n", 2);
    tsp_pool_give(&p, two);
    struct tsp_conn *again = tsp_pool_take(&p);
    assert_ptr_equal(again, two);
    assert_ptr_equal(again->nat, line);
    assert_memory_equal(again->nat, &empty, sizeof empty);
    tsp_pool_clear(&p);
}

static void without_memory_there_is_no_object_and_nothing_is_held(void **state)
{
    (void)state;
    for (int nat = 0; nat <= 1; nat++) {
        for (int n = 0; n <= nat; n++) {
            struct tsp_pool p = {.with_nat = nat};
            int held = live_blocks;
            allocations_left = n;
            assert_null(tsp_pool_take(&p));
            allocations_left = -1;
            assert_int_equal(live_blocks, held);
            assert_non_null(tsp_pool_take(&p)); /* once there is some again, it goes on */
            tsp_pool_clear(&p);
            assert_int_equal(live_blocks, held);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_distinct_and_all_zero),
        cmocka_unit_test(what_was_given_back_is_taken_again_without_allocating),
        cmocka_unit_test(with_nat_each_has_an_empty_line_of_its_own_for_life),
        cmocka_unit_test(without_memory_there_is_no_object_and_nothing_is_held),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
