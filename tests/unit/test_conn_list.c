#include "client/conn_list.h"

#include <stddef.h>

#include "support/cmocka_all.h"

static struct tsp_conn conn[4];

static struct tsp_conn_list list_by_age(void)
{
    return (struct tsp_conn_list){.link = offsetof(struct tsp_conn, by_age)};
}

static void assert_holds(const struct tsp_conn_list *list, const int *want, size_t count)
{
    const struct tsp_conn *c = list->first, *before = NULL;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(c, &conn[want[i]]);
        assert_ptr_equal(c->by_age.prev, before);
        before = c;
        c = c->by_age.next;
    }
    assert_null(c);
    assert_ptr_equal(list->last, before);
}

static void the_oldest_is_first(void **state)
{
    (void)state;
    struct tsp_conn_list list = list_by_age();
    assert_holds(&list, NULL, 0);
    for (int i = 0; i < 3; i++)
        tsp_conn_list_append(&list, &conn[i]);
    assert_holds(&list, (int[]){0, 1, 2}, 3);
}

static void from_anywhere_one_may_leave_and_come_back_as_the_youngest(void **state)
{
    (void)state;
    static const struct {
        int leaves, left[3];
    } rows[] = {{0, {1, 2, 3}}, {1, {0, 2, 3}}, {2, {0, 1, 3}}, {3, {0, 1, 2}}};
    for (size_t r = 0; r < 4; r++) {
        struct tsp_conn_list list = list_by_age();
        for (int i = 0; i < 4; i++)
            tsp_conn_list_append(&list, &conn[i]);
        tsp_conn_list_remove(&list, &conn[rows[r].leaves]);
        assert_holds(&list, rows[r].left, 3);
        tsp_conn_list_append(&list, &conn[rows[r].leaves]);
        const int *left = rows[r].left;
        assert_holds(&list, (int[]){left[0], left[1], left[2], rows[r].leaves}, 4);
    }
}

static void the_last_one_to_leave_leaves_it_empty(void **state)
{
    (void)state;
    struct tsp_conn_list list = list_by_age();
    tsp_conn_list_append(&list, &conn[0]);
    tsp_conn_list_remove(&list, &conn[0]);
    assert_holds(&list, NULL, 0);
}

static void the_two_lists_of_a_connection_do_not_meet(void **state)
{
    (void)state;
    struct tsp_conn_list age = list_by_age();
    struct tsp_conn_list hold = {.link = offsetof(struct tsp_conn, by_hold)};
    for (int i = 0; i < 3; i++)
        tsp_conn_list_append(&age, &conn[i]);
    for (int i = 2; i >= 0; i--)
        tsp_conn_list_append(&hold, &conn[i]);
    tsp_conn_list_remove(&hold, &conn[1]);
    assert_holds(&age, (int[]){0, 1, 2}, 3);
    assert_ptr_equal(hold.first, &conn[2]);
    assert_ptr_equal(conn[2].by_hold.next, &conn[0]);
    assert_ptr_equal(hold.last, &conn[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_is_first),
        cmocka_unit_test(from_anywhere_one_may_leave_and_come_back_as_the_youngest),
        cmocka_unit_test(the_last_one_to_leave_leaves_it_empty),
        cmocka_unit_test(the_two_lists_of_a_connection_do_not_meet),
    };
    return cmocka_run_group_tests_name("conn_list", tests, NULL, NULL);
}
