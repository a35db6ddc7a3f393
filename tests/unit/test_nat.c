/* What the other side saw of our sources: lines as they come, counts as they add up. */
#include "client/nat.h"

#include <stdio.h>
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
        note(&n, texts[i], "10.0.0.1", 80);
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

static void two_insides_behind_one_outside_pair_collide(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    note(&n, "198.18.0.2:4000\n", "10.0.0.1", 4000);
    note(&n, "198.18.0.2:4000\n", "10.0.0.1", 4000);
    assert_int_equal(n.collisions, 0);
    note(&n, "198.18.0.2:4000\n", "10.0.0.2", 4000);
    assert_int_equal(n.collisions, 1);
    note(&n, "198.18.0.3:4000\n", "10.0.0.3", 4000);
    note(&n, "198.18.0.2:4001\n", "10.0.0.4", 4000);
    assert_int_equal(n.collisions, 1);
    tsp_nat_clear(&n);
}

static void outside_addresses_past_the_table_are_counted(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    char text[32];
    for (int i = 1; i <= TSP_NAT_OUTSIDES + 3; i++) {
        snprintf(text, sizeof text, "198.18.0.%d:80\n", i);
        note(&n, text, "10.0.0.1", 80);
    }
    assert_int_equal(n.outsides, TSP_NAT_OUTSIDES);
    assert_int_equal(n.outsides_more, 3);
    assert_int_equal(n.reported, TSP_NAT_OUTSIDES + 3);
    tsp_nat_clear(&n);
}

static void workers_add_up_and_their_collisions_show(void **state)
{
    (void)state;
    struct tsp_nat one = {0}, two = {0}, sum = {0};
    note(&one, "198.18.0.2:4000\n", "10.0.0.1", 4000);
    note(&one, "bad\n", "10.0.0.1", 4000);
    note(&two, "198.18.0.2:4000\n", "10.0.0.2", 4000);
    note(&two, "198.18.0.2:4001\n", "10.0.0.2", 4001);
    note(&two, "198.18.0.9:4001\n", "10.0.0.2", 5001);
    tsp_nat_add(&sum, &one);
    tsp_nat_add(&sum, &two);
    assert_int_equal(sum.reported, 4);
    assert_int_equal(sum.unreported, 1);
    assert_int_equal(sum.translated, 4);
    assert_int_equal(sum.preserved, 3);
    assert_int_equal(sum.outsides, 2);
    assert_int_equal(sum.collisions, 1);
    tsp_nat_clear(&one);
    tsp_nat_clear(&two);
    tsp_nat_clear(&sum);
}

static void without_memory_for_a_table_the_address_is_only_counted(void **state)
{
    (void)state;
    struct tsp_nat n = {0};
    struct tsp_nat_line line = line_of("198.18.0.2:80\n", "10.0.0.1", 80);
    int held = live_blocks;
    allocations_left = 1; /* the parser's list; then the table */
    tsp_nat_note(&n, &line);
    allocations_left = -1;
    assert_int_equal(n.reported, 1);
    assert_int_equal(n.translated, 1);
    assert_int_equal(n.outsides, 0);
    assert_int_equal(n.outsides_more, 1);
    assert_int_equal(live_blocks, held);
    tsp_nat_clear(&n);
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
        cmocka_unit_test(two_insides_behind_one_outside_pair_collide),
        cmocka_unit_test(outside_addresses_past_the_table_are_counted),
        cmocka_unit_test(workers_add_up_and_their_collisions_show),
        cmocka_unit_test(without_memory_for_a_table_the_address_is_only_counted),
    };
    return cmocka_run_group_tests_name("nat", tests, NULL, NULL);
}
