#include "net/sources.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

#define NOW (100 * TSP_SECOND)

static struct tsp_addr locals_item[4], targets_item[4];
static struct tsp_addrs locals = {locals_item, 0, 0}, targets = {targets_item, 0, 0};

/* 10.0.0.1, .2, … towards 192.0.2.1:80, :81, … */
static struct tsp_sources_spec walk_of(size_t sources, size_t destinations, uint16_t lo,
                                       uint16_t hi)
{
    for (size_t i = 0; i < 4; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        v4.sin_addr.s_addr = htonl(0x0a000001 + (uint32_t)i);
        locals_item[i] = (struct tsp_addr){.v4 = v4, .len = sizeof v4};
        v4.sin_addr.s_addr = htonl(0xc0000201);
        v4.sin_port = htons((uint16_t)(80 + i));
        targets_item[i] = (struct tsp_addr){.v4 = v4, .len = sizeof v4};
    }
    locals.count = sources;
    targets.count = destinations;
    return (struct tsp_sources_spec){
        .locals = &locals, .targets = &targets, .walk = true, .lo = lo, .hi = hi};
}

static struct tsp_sources ready(const struct tsp_sources_spec *spec)
{
    struct tsp_sources s;
    struct tsp_err err = {0};
    if (tsp_sources_init(&s, spec, 0, 1, &err))
        fail_msg("init: %s", err.msg);
    return s;
}

static struct tsp_source next(struct tsp_sources *s)
{
    struct tsp_source out;
    assert_int_equal(tsp_sources_next(s, NOW, &out), 0);
    return out;
}

static uint16_t next_port(struct tsp_sources *s)
{
    struct tsp_source out = next(s);
    return tsp_addr_port(&out.local);
}

/* A number of its own for every (address, port, destination) of these tests. */
static size_t index_of(const struct tsp_source *s, uint16_t lo)
{
    size_t address = (ntohl(s->local.v4.sin_addr.s_addr) & 0xff) - 1;
    size_t destination = (size_t)(tsp_addr_port(s->target) - 80);
    return ((size_t)(tsp_addr_port(&s->local) - lo) * 4 + address) * 4 + destination;
}

static void every_tuple_is_used_exactly_once_per_cycle(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(3, 2, 2000, 2009);
    struct tsp_sources s = ready(&spec);
    assert_int_equal(s.tuples, 3 * 2 * 10);
    for (int cycle = 1; cycle <= 3; cycle++) {
        unsigned char seen[10 * 4 * 4] = {0};
        for (int i = 0; i < 60; i++) {
            struct tsp_source out = next(&s);
            size_t at = index_of(&out, 2000);
            assert_true(at < sizeof seen);
            assert_int_equal(seen[at]++, 0);
            tsp_sources_release(&s, out.tuple, NOW);
        }
    }
    tsp_sources_clear(&s);
}

static void neighbours_in_the_walk_differ_in_destination_then_in_address(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(2, 2, 2000, 2001);
    struct tsp_sources s = ready(&spec);
    static const char *const want[] = {
        "10.0.0.1:2000>80", "10.0.0.1:2000>81", "10.0.0.2:2000>80", "10.0.0.2:2000>81",
        "10.0.0.1:2001>80", "10.0.0.1:2001>81", "10.0.0.2:2001>80", "10.0.0.2:2001>81",
    };
    for (size_t i = 0; i < 8; i++) {
        struct tsp_source out = next(&s);
        char text[TSP_ADDR_TEXT], all[TSP_ADDR_TEXT + 8];
        snprintf(all, sizeof all, "%s>%u", tsp_addr_text(text, &out.local),
                 tsp_addr_port(out.target));
        assert_string_equal(all, want[i]);
    }
    tsp_sources_clear(&s);
}

static void the_tuple_that_rested_longest_comes_first(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 3000, 3004);
    struct tsp_sources s = ready(&spec);
    uint32_t first = next(&s).tuple, second = next(&s).tuple;
    tsp_sources_release(&s, second, NOW);
    tsp_sources_release(&s, first, NOW);
    assert_int_equal(next_port(&s), 3002);
    assert_int_equal(next_port(&s), 3003);
    assert_int_equal(next_port(&s), 3004);
    assert_int_equal(next_port(&s), 3000);
    assert_int_equal(next_port(&s), 3001);
    tsp_sources_clear(&s);
}

static void no_two_workers_share_a_port_and_together_they_have_all(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(2, 1, 2000, 2010);
    unsigned char seen[11 * 16] = {0};
    uint64_t tuples = 0;
    for (unsigned w = 0; w < 3; w++) {
        struct tsp_sources s;
        struct tsp_source out;
        assert_int_equal(tsp_sources_init(&s, &spec, w, 3, NULL), 0);
        tuples += s.tuples;
        while (tsp_sources_next(&s, NOW, &out) == 0)
            assert_int_equal(seen[index_of(&out, 2000)]++, 0);
        tsp_sources_clear(&s);
    }
    assert_int_equal(tuples, 22);
    size_t used = 0;
    for (size_t i = 0; i < sizeof seen; i++)
        used += seen[i];
    assert_int_equal(used, 22);
}

static void taken_ports_are_left_out(void **state)
{
    (void)state;
    static uint8_t taken[8192];
    memset(taken, 0, sizeof taken);
    taken[3001 / 8] |= 1 << (3001 % 8);
    taken[3003 / 8] |= 1 << (3003 % 8);
    struct tsp_sources_spec spec = walk_of(1, 1, 3000, 3004);
    spec.taken = taken;
    assert_int_equal(tsp_sources_usable(&spec), 3);
    struct tsp_sources s = ready(&spec);
    assert_int_equal(s.tuples, 3);
    assert_int_equal(next_port(&s), 3000);
    assert_int_equal(next_port(&s), 3002);
    assert_int_equal(next_port(&s), 3004);
    tsp_sources_clear(&s);
}

static void a_step_leaves_the_ports_between_out(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 65529, 65535);
    spec.step = 3;
    assert_int_equal(tsp_sources_usable(&spec), 3);
    struct tsp_sources s = ready(&spec);
    assert_int_equal(next_port(&s), 65529);
    assert_int_equal(next_port(&s), 65532);
    assert_int_equal(next_port(&s), 65535);
    tsp_sources_clear(&s);
}

static void a_source_is_never_the_destination_itself(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 2, 80, 82);
    locals_item[0].v4.sin_addr = targets_item[0].v4.sin_addr;
    struct tsp_sources s = ready(&spec);
    for (int i = 0; i < 40; i++) {
        struct tsp_source out = next(&s);
        assert_int_not_equal(tsp_addr_port(&out.local), tsp_addr_port(out.target));
        tsp_sources_release(&s, out.tuple, NOW);
    }
    tsp_sources_clear(&s);
}

static void when_every_tuple_is_in_use_there_is_no_port(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(2, 1, 3000, 3003);
    struct tsp_sources s = ready(&spec);
    struct tsp_source out;
    uint32_t last = 0;
    for (int i = 0; i < 8; i++)
        last = next(&s).tuple;
    assert_int_equal(tsp_sources_next(&s, NOW, &out), -EADDRNOTAVAIL);
    tsp_sources_release(&s, last, NOW);
    assert_int_equal(next(&s).tuple, last);
    assert_int_equal(tsp_sources_next(&s, NOW, &out), -EADDRNOTAVAIL);
    tsp_sources_clear(&s);
}

static int64_t processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * TSP_SECOND + t.tv_nsec;
}

/* Looks at one tuple after the other, as the walk must not. */
static uint64_t count_busy(const struct tsp_sources *s)
{
    uint64_t busy = 0;
    for (uint64_t t = 0; t < s->tuples; t++)
        busy += s->busy[t / 64] >> (t % 64) & 1;
    return busy;
}

/* 60,000 of 60,001 tuples are held. Measured against a look at each of them, in this
 * thread's own processor time: some 30 times quicker, of which 4 are asked. */
static void nearly_full_the_last_free_tuple_is_found_without_a_look_at_each(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 1024, 61024);
    struct tsp_sources s = ready(&spec);
    for (int i = 0; i < 60000; i++)
        next(&s);
    uint32_t only = next(&s).tuple;
    int64_t began = processor_time();
    for (int i = 0; i < 1000; i++) {
        tsp_sources_release(&s, only, NOW);
        assert_int_equal(next(&s).tuple, only);
    }
    int64_t walked = processor_time();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(count_busy(&s), 60001);
    assert_true((walked - began) * 4 < processor_time() - walked);
    tsp_sources_clear(&s);
}

static void a_refused_tuple_is_counted_and_passed_over_this_time_round(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 3000, 3002);
    struct tsp_sources s = ready(&spec);
    tsp_sources_refused(&s, next(&s).tuple);
    assert_int_equal(s.skipped, 1);
    assert_int_equal(s.used, 0);
    assert_int_equal(next_port(&s), 3001);
    assert_int_equal(next_port(&s), 3002);
    assert_int_equal(next_port(&s), 3000);
    assert_int_equal(s.shortest_reuse, 0); /* it never carried a connection before */
    tsp_sources_clear(&s);
}

static void the_shortest_rest_between_two_uses_of_a_tuple_is_kept(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 3000, 3000);
    struct tsp_sources s = ready(&spec);
    static const int64_t rest_ms[] = {300, 20, 500};
    static const int64_t want_ms[] = {300, 20, 20};
    int64_t now = NOW;
    struct tsp_source out;
    assert_int_equal(tsp_sources_next(&s, now, &out), 0);
    assert_int_equal(s.shortest_reuse, 0);
    for (int i = 0; i < 3; i++) {
        tsp_sources_release(&s, out.tuple, now += 7 * TSP_MS);
        assert_int_equal(tsp_sources_next(&s, now += rest_ms[i] * TSP_MS, &out), 0);
        assert_int_equal(s.shortest_reuse, want_ms[i] * TSP_MS);
    }
    tsp_sources_clear(&s);
}

/* 65,535 ports x 4 x 4 are past the 2^18 tuples that have stamps of their own. */
static void a_large_walk_still_has_every_tuple_and_a_reuse_time(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(4, 4, 1, 65535);
    struct tsp_sources s = ready(&spec);
    assert_int_equal(s.tuples, 65535 * 16);
    for (uint64_t i = 0; i < s.tuples; i++) {
        struct tsp_source out = next(&s);
        assert_int_equal(out.tuple, i);
        tsp_sources_release(&s, out.tuple, NOW);
    }
    struct tsp_source again;
    assert_int_equal(tsp_sources_next(&s, NOW + TSP_SECOND, &again), 0);
    assert_int_equal(s.shortest_reuse, TSP_SECOND); /* not what others of a block rested */
    tsp_sources_clear(&s);
}

static void the_kernels_choice_takes_addresses_and_destinations_in_turn(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(3, 2, 0, 0);
    spec.walk = false;
    size_t seen[4][4] = {{0}};
    for (unsigned w = 0; w < 4; w++) {
        struct tsp_sources s;
        assert_int_equal(tsp_sources_init(&s, &spec, w, 4, NULL), 0);
        for (int i = 0; i < 6; i++) {
            struct tsp_source out = next(&s);
            assert_int_equal(tsp_addr_port(&out.local), 0);
            assert_int_equal(out.tuple, TSP_NO_TUPLE);
            size_t address = (ntohl(out.local.v4.sin_addr.s_addr) & 0xff) - 1;
            seen[address][tsp_addr_port(out.target) - 80]++;
            tsp_sources_release(&s, out.tuple, NOW);
            tsp_sources_refused(&s, out.tuple);
        }
        assert_int_equal(s.skipped, 0);
        tsp_sources_clear(&s);
    }
    for (size_t a = 0; a < 3; a++)
        for (size_t d = 0; d < 2; d++)
            assert_int_equal(seen[a][d], 4); /* 4 workers x 6 = 24 over 6 pairs */
}

static void without_addresses_of_its_own_nothing_is_bound(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(0, 1, 0, 0);
    spec.walk = false;
    struct tsp_sources s = ready(&spec);
    assert_int_equal(next(&s).local.len, 0);
    tsp_sources_clear(&s);
}

static void too_few_ports_or_no_address_are_refused(void **state)
{
    (void)state;
    struct tsp_sources_spec spec = walk_of(1, 1, 3000, 3001);
    struct tsp_sources s;
    struct tsp_err err = {0};
    assert_int_equal(tsp_sources_init(&s, &spec, 2, 3, &err), -EADDRNOTAVAIL);
    assert_string_equal(err.msg, "local_ports 3000-3001: 2 free ports are too few for 3 workers");
    spec = walk_of(0, 1, 3000, 3001);
    assert_int_equal(tsp_sources_init(&s, &spec, 0, 1, &err), -EINVAL);
    assert_string_equal(err.msg, "a walk needs a source address and a destination");
}

static void port_ranges_are_read_with_or_without_a_step(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        unsigned lo, hi, step;
    } rows[] = {
        {"1024-65535", true, 1024, 65535, 1},
        {"40000", true, 40000, 40000, 1},
        {"32769-60999/2", true, 32769, 60999, 2},
        {"1-10/10", true, 1, 10, 10},
        {"0-10", false, 0, 0, 0},
        {"10-1", false, 0, 0, 0},
        {"1-10/0", false, 0, 0, 0},
        {"1-10/", false, 0, 0, 0},
        {"1-10/1-2", false, 0, 0, 0},
        {"1-10/x", false, 0, 0, 0},
        {"/2", false, 0, 0, 0},
        {"", false, 0, 0, 0},
        {"1-65536", false, 0, 0, 0},
        {"auto", false, 0, 0, 0},
        {"11111111111111111111111111111111-2", false, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_sources_spec spec = {.lo = 7, .hi = 7, .step = 7};
        bool ok = tsp_sources_parse_ports(rows[i].text, &spec);
        if (ok != rows[i].ok)
            fail_msg("'%s' parses: %d", rows[i].text, ok);
        assert_int_equal(spec.lo, ok ? rows[i].lo : 7);
        assert_int_equal(spec.hi, ok ? rows[i].hi : 7);
        assert_int_equal(spec.step, ok ? rows[i].step : 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tuple_is_used_exactly_once_per_cycle),
        cmocka_unit_test(neighbours_in_the_walk_differ_in_destination_then_in_address),
        cmocka_unit_test(the_tuple_that_rested_longest_comes_first),
        cmocka_unit_test(no_two_workers_share_a_port_and_together_they_have_all),
        cmocka_unit_test(taken_ports_are_left_out),
        cmocka_unit_test(a_step_leaves_the_ports_between_out),
        cmocka_unit_test(a_source_is_never_the_destination_itself),
        cmocka_unit_test(when_every_tuple_is_in_use_there_is_no_port),
        cmocka_unit_test(nearly_full_the_last_free_tuple_is_found_without_a_look_at_each),
        cmocka_unit_test(a_refused_tuple_is_counted_and_passed_over_this_time_round),
        cmocka_unit_test(the_shortest_rest_between_two_uses_of_a_tuple_is_kept),
        cmocka_unit_test(a_large_walk_still_has_every_tuple_and_a_reuse_time),
        cmocka_unit_test(the_kernels_choice_takes_addresses_and_destinations_in_turn),
        cmocka_unit_test(without_addresses_of_its_own_nothing_is_bound),
        cmocka_unit_test(too_few_ports_or_no_address_are_refused),
        cmocka_unit_test(port_ranges_are_read_with_or_without_a_step),
    };
    return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
