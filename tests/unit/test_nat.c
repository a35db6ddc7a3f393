/* What the other side saw of our sources: lines as they come, counts as they add up. */
#include "client/nat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static struct tsp_addr address(const char *host, uint16_t port)
{
    struct tsp_addr a;
    assert_int_equal(tsp_addr_resolve(&a, host, AF_UNSPEC, NULL), 0);
    tsp_addr_set_port(&a, port);
    return a;
}

static struct tsp_nat_line line_of(const char *text, const char *local, uint16_t port)
{
    struct tsp_nat_line line = {.local = address(local, port)};
    tsp_nat_line_feed(&line, text, strlen(text));
    return line;
}

static void note(struct tsp_nat *n, const char *seen, const char *local, uint16_t port)
{
    struct tsp_nat_line line = line_of(seen, local, port);
    tsp_nat_note(n, &line);
}

static void a_line_may_come_in_pieces_and_ends_at_its_newline(void **state)
{
    (void)state;
    static const char text[] = "198.18.0.2:40000\ncontent\n";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct tsp_nat_line line = {0};
        tsp_nat_line_feed(&line, text, cut);
        assert_int_equal(line.complete, cut >= 17);
        tsp_nat_line_feed(&line, text + cut, strlen(text) - cut);
        assert_true(line.complete);
        assert_string_equal(line.text, "198.18.0.2:40000");
        assert_int_equal(tsp_nat_line_bytes(&line), 17);
    }
}

static void a_line_without_its_end_has_no_bytes(void **state)
{
    (void)state;
    struct tsp_nat_line line = line_of("198.18.0.2:40000", "10.0.0.1", 1);
    assert_false(line.complete);
    assert_int_equal(tsp_nat_line_bytes(&line), 0);
}

static void an_answer_that_begins_with_no_line_is_given_up_in_time(void **state)
{
    (void)state;
    struct tsp_nat_line line = {0};
    char lots[200];
    memset(lots, 'x', sizeof lots);
    lots[150] = '\n';
    tsp_nat_line_feed(&line, lots, sizeof lots);
    assert_true(line.too_long);
    assert_false(line.complete);
    tsp_nat_line_feed(&line, "\n", 1);
    assert_false(line.complete);
    assert_int_equal(tsp_nat_line_bytes(&line), 0);
}

static void an_untranslated_connection_is_reported_only(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    note(&n, "10.0.0.1:1234\n", "10.0.0.1", 1234);
    note(&n, "[2001:2::2]:1234\n", "2001:2::2", 1234);
    assert_int_equal(n.reported, 2);
    assert_int_equal(n.translated, 0);
    assert_int_equal(n.preserved, 0);
    assert_int_equal(n.outsides, 2);
    tsp_nat_clear(&n);
}

static void a_translated_port_is_preserved_or_not(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    note(&n, "198.18.0.2:1234\n", "10.0.0.1", 1234);
    note(&n, "198.18.0.2:5000\n", "10.0.0.1", 1235);
    note(&n, "10.0.0.1:5001\n", "10.0.0.1", 1236); /* only the port was changed */
    assert_int_equal(n.reported, 3);
    assert_int_equal(n.translated, 3);
    assert_int_equal(n.preserved, 1);
    assert_int_equal(n.outsides, 2);
    tsp_nat_clear(&n);
}

static void what_is_no_address_and_port_is_unreported(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\n",
        "hello\n",
        "198.18.0.2\n",
        ":80\n",
        "198.18.0.2:\n",
        "198.18.0.2:65536\n",
        "198.18.0.2:1-2\n",
        "10.0.0.0/30:80\n",
        "10.0.0.1-10.0.0.2:80\n",
        "localhost:80\n",
        "198.18.0.2:80",
        "10.0.0.0/32:80\n",
        "10.0.0.1-1:80\n",
    };
    struct tsp_nat n = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tsp_nat_line bad = line_of(texts[i], "10.0.0.1", 80);
        tsp_nat_note(&n, &bad);
        assert_int_equal(tsp_nat_line_bytes(&bad), 0); /* it is a part of the answer */
        if (n.unreported != i + 1)
            fail_msg("'%s' was taken for an address", texts[i]);
    }
    struct tsp_nat_line line = line_of("10.0.0.1:80\n", "10.0.0.1", 80);
    tsp_nat_line_local(&line, -1); /* our own end is not known */
    tsp_nat_note(&n, &line);
    assert_int_equal(n.unreported, sizeof texts / sizeof *texts + 1);
    assert_int_equal(n.reported, 0);
    tsp_nat_clear(&n);
}

static void hold(struct tsp_nat *n, struct tsp_nat_line line, int64_t from, int64_t to)
{
    line.established_ns = from;
    line.closed_ns = to;
    tsp_nat_note(n, &line);
}

static void check_clashes(struct tsp_nat *n, uint64_t collisions, uint64_t reused)
{
    struct tsp_nat_clashes found = tsp_nat_clashes(n);
    assert_int_equal(found.collisions, collisions);
    assert_int_equal(found.reused, reused);
}

#define SEEN "198.18.0.2:4000\n"

static void a_pair_held_by_two_insides_at_once_is_a_collision(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    hold(&n, line_of(SEEN, "10.0.0.2", 4000), 20, 30); /* notes come as they end */
    hold(&n, line_of(SEEN, "10.0.0.1", 4000), 10, 40);
    check_clashes(&n, 1, 0);
    hold(&n, line_of(SEEN, "10.0.0.3", 4000), 35, 50); /* with the first, not the second */
    check_clashes(&n, 2, 0);
    hold(&n, line_of(SEEN, "10.0.0.3", 4001), 49, 51); /* the inside port counts too */
    check_clashes(&n, 3, 0);
    tsp_nat_clear(&n);
}

static void a_pair_taken_over_after_its_release_is_reused(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    hold(&n, line_of(SEEN, "10.0.0.1", 4000), 10, 20);
    hold(&n, line_of(SEEN, "10.0.0.1", 4000), 20, 30); /* its own: nobody took it over */
    check_clashes(&n, 0, 0);
    hold(&n, line_of(SEEN, "10.0.0.2", 4000), 30, 40);
    hold(&n, line_of(SEEN, "10.0.0.1", 4000), 50, 60);
    check_clashes(&n, 0, 2);
    tsp_nat_clear(&n);
}

static void other_pairs_at_the_same_time_do_not_collide(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    hold(&n, line_of(SEEN, "10.0.0.1", 4000), 10, 20);
    hold(&n, line_of("198.18.0.2:4001\n", "10.0.0.2", 4000), 10, 20);
    hold(&n, line_of("198.18.0.3:4000\n", "10.0.0.3", 4000), 10, 20);
    hold(&n, line_of("[2001:2::2]:4000\n", "2001:2::3", 4000), 10, 20);
    check_clashes(&n, 0, 0);
    tsp_nat_clear(&n);
}

static void a_pair_towards_two_destinations_does_not_collide(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    struct tsp_addr one = address("192.0.2.1", 80), two = address("192.0.2.1", 81);
    struct tsp_nat_line line = line_of(SEEN, "10.0.0.1", 4000);
    line.target = &one;
    hold(&n, line, 10, 20);
    line.local = address("10.0.0.2", 4000);
    line.target = &two;
    hold(&n, line, 10, 20);
    check_clashes(&n, 0, 0);
    line.target = &one;
    hold(&n, line, 15, 20);
    check_clashes(&n, 1, 0);
    tsp_nat_clear(&n);
}

static void every_outside_address_is_kept_up_to_the_bound(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    char text[40];
    for (int i = 0; i < TSP_NAT_OUTSIDES_MAX + 3; i++) {
        snprintf(text, sizeof text, "10.%d.%d.%d:80\n", i >> 16, i >> 8 & 255, i & 255);
        note(&n, text, "10.9.0.1", 80);
        note(&n, text, "10.9.0.1", 81);
    }
    assert_int_equal(n.outsides, TSP_NAT_OUTSIDES_MAX);
    assert_int_equal(n.outside[29].connections, 2);
    assert_int_equal(n.more_addresses, 6);
    assert_int_equal(n.reported, 2 * (TSP_NAT_OUTSIDES_MAX + 3));
    assert_int_equal(n.more_holds, 0);
    tsp_nat_clear(&n);
}

static void holds_past_the_bound_are_counted(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    n.hold = malloc(TSP_NAT_HOLDS_MAX * sizeof *n.hold);
    assert_non_null(n.hold);
    n.holds_room = TSP_NAT_HOLDS_MAX;
    n.holds = TSP_NAT_HOLDS_MAX - 1; /* as if they were there: nothing reads them */
    note(&n, SEEN, "10.0.0.1", 4000);
    assert_int_equal(n.more_holds, 0);
    note(&n, SEEN, "10.0.0.1", 4000);
    assert_int_equal(n.holds, TSP_NAT_HOLDS_MAX);
    assert_int_equal(n.more_holds, 1);
    assert_int_equal(n.reported, 2);
    tsp_nat_clear(&n);
}

static void workers_add_up_and_their_collisions_show(void **state)
{
    (void)state;
    struct tsp_nat one = {0}, two = {0}, sum = {0};
    hold(&one, line_of(SEEN, "10.0.0.1", 4000), 10, 20);
    hold(&one, line_of(SEEN, "10.0.0.1", 4000), 100, 110); /* the later one hides nothing */
    note(&one, "bad\n", "10.0.0.1", 4000);
    hold(&two, line_of(SEEN, "10.0.0.2", 4000), 15, 25);
    hold(&two, line_of("198.18.0.2:4001\n", "10.0.0.2", 4001), 15, 25);
    hold(&two, line_of("198.18.0.9:4001\n", "10.0.0.2", 5001), 15, 25);
    tsp_nat_add(&sum, &one);
    tsp_nat_add(&sum, &two);
    assert_int_equal(sum.reported, 5);
    assert_int_equal(sum.unreported, 1);
    assert_int_equal(sum.translated, 5);
    assert_int_equal(sum.preserved, 4);
    assert_int_equal(sum.outsides, 2);
    assert_int_equal(sum.outside[0].connections, 4);
    check_clashes(&sum, 1, 1);
    tsp_nat_clear(&one);
    tsp_nat_clear(&two);
    tsp_nat_clear(&sum);
}

static void what_workers_did_not_keep_adds_up(void **state)
{
    (void)state;
    struct tsp_nat sum = {0}, one = {.more_addresses = 2, .more_holds = 3};
    tsp_nat_add(&sum, &one);
    tsp_nat_add(&sum, &one);
    assert_int_equal(sum.more_addresses, 4);
    assert_int_equal(sum.more_holds, 6);
    check_clashes(&sum, 0, 0);
    tsp_nat_clear(&sum);
}

/* The holds come first, then the slots and the addresses. */
static void without_memory_connections_are_only_counted(void **state)
{
    (void)state;
    static const uint64_t more[][2] = {{1, 1}, {0, 1}, {0, 1}, {0, 0}};
    for (int i = 0; i < 4; i++) {
        struct tsp_nat n = {0};
        struct tsp_nat_line line = line_of(SEEN, "10.0.0.1", 80);
        int held = live_blocks;
        allocations_left = i;
        tsp_nat_note(&n, &line);
        allocations_left = -1;
        assert_int_equal(n.reported, 1);
        assert_int_equal(n.translated, 1);
        assert_int_equal(n.more_holds, more[i][0]);
        assert_int_equal(n.more_addresses, more[i][1]);
        tsp_nat_clear(&n);
        assert_int_equal(live_blocks, held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_may_come_in_pieces_and_ends_at_its_newline),
        cmocka_unit_test(a_line_without_its_end_has_no_bytes),
        cmocka_unit_test(an_answer_that_begins_with_no_line_is_given_up_in_time),
        cmocka_unit_test(an_untranslated_connection_is_reported_only),
        cmocka_unit_test(a_translated_port_is_preserved_or_not),
        cmocka_unit_test(what_is_no_address_and_port_is_unreported),
        cmocka_unit_test(a_pair_held_by_two_insides_at_once_is_a_collision),
        cmocka_unit_test(a_pair_taken_over_after_its_release_is_reused),
        cmocka_unit_test(other_pairs_at_the_same_time_do_not_collide),
        cmocka_unit_test(a_pair_towards_two_destinations_does_not_collide),
        cmocka_unit_test(every_outside_address_is_kept_up_to_the_bound),
        cmocka_unit_test(holds_past_the_bound_are_counted),
        cmocka_unit_test(workers_add_up_and_their_collisions_show),
        cmocka_unit_test(what_workers_did_not_keep_adds_up),
        cmocka_unit_test(without_memory_connections_are_only_counted),
    };
    return cmocka_run_group_tests_name("nat", tests, NULL, NULL);
}
