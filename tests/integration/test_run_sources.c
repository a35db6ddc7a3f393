/* Where connections come from and go to: what the other side sees of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

static struct tsp_run_spec load_of(uint16_t port, int64_t count)
{
    struct tsp_run_spec spec = load_spec(port);
    spec.rate = 500;
    spec.count = count;
    return spec;
}

static struct tsp_strings one(const char **item, const char *text)
{
    *item = text;
    return (struct tsp_strings){item, 1};
}

/* How often the peer saw this address ("" = any) with this port (0 = any). */
static size_t seen(const struct peer *p, const char *host, uint16_t port)
{
    size_t n = 0;
    char text[TSP_ADDR_TEXT];
    for (size_t i = 0; i < p->accepted; i++)
        n += (!*host || !strcmp(tsp_addr_host_text(text, &p->from[i]), host)) &&
             (!port || tsp_addr_port(&p->from[i]) == port);
    return n;
}

static void addresses_of_a_list_are_bound_in_turn(void **state)
{
    (void)state;
    static const char *list[] = {"127.0.0.2-127.0.0.4", "127.0.0.5"};
    for (int workers = 1; workers <= 3; workers++) {
        struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
        struct tsp_run_spec spec = load_of(p->port, 40);
        spec.local_ips = (struct tsp_strings){list, 2};
        spec.workers = workers;
        struct tsp_result r = load_run(&spec);
        peer_end(p);
        load_assert_all_ok(&r, 40);
        assert_false(r.walk);
        if (workers == 1) /* else the workers' turns are exact, but their shares differ by one */
            assert_int_equal(seen(p, "127.0.0.2", 0), 10);
        size_t all = 0;
        for (int i = 2; i <= 5; i++) {
            char host[TSP_ADDR_TEXT];
            snprintf(host, sizeof host, "127.0.0.%d", i);
            assert_in_range(seen(p, host, 0), 9, 11);
            all += seen(p, host, 0);
        }
        assert_int_equal(all, 40);
        tsp_result_clear(&r);
        free(p);
    }
}

static void destination_ports_of_a_range_are_used_in_turn(void **state)
{
    (void)state;
    char host[24];
    struct peer *p[3];
    snprintf(host, sizeof host, "%s", load_own_address(1));
    for (int i = 0; i < 3; i++)
        p[i] = peer_start(host, (uint16_t)(23450 + i), peer_answers);
    struct tsp_run_spec spec = load_of(23450, 30);
    spec.host = host;
    spec.port.hi = 23452;
    spec.workers = 1;
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 30);
    assert_int_equal(tsp_addr_port(&r.target), 23450);
    assert_int_equal(r.port_hi, 23452);
    tsp_result_clear(&r);
    for (int i = 0; i < 3; i++) {
        peer_end(p[i]);
        assert_int_equal(p[i]->accepted, 10);
        free(p[i]);
    }
}

static void a_walk_uses_every_port_of_its_range_and_the_oldest_again(void **state)
{
    (void)state;
    const char *list[1], *from = load_own_address(2);
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = load_of(p->port, 160);
    spec.rate = 200; /* 200 ms from use to use: none is still open by then */
    spec.local_ips = one(list, from);
    spec.local_ports = "21000-21039";
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_ok(&r, 160);
    assert_true(r.walk);
    assert_int_equal(r.tuples, 40);
    assert_int_equal(r.skipped, 0);
    assert_true(r.shortest_reuse > 0);
    for (uint16_t port = 21000; port <= 21039; port++)
        assert_int_equal(seen(p, from, port), 4);
    tsp_result_clear(&r);
    free(p);
}

static void a_walk_multiplies_addresses_ports_and_destinations(void **state)
{
    (void)state;
    char host[24], list_text[64];
    const char *list[1];
    struct peer *p[2];
    snprintf(host, sizeof host, "%s", load_own_address(1));
    snprintf(list_text, sizeof list_text, "%s-4", load_own_address(3));
    for (int i = 0; i < 2; i++)
        p[i] = peer_start(host, (uint16_t)(23460 + i), peer_answers);
    struct tsp_run_spec spec = load_of(23460, 12);
    spec.host = host;
    spec.port.hi = 23461;
    spec.local_ips = one(list, list_text);
    spec.local_ports = "21000-21002";
    spec.workers = 1; /* of two, one would have two ports of the three */
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 12);
    assert_int_equal(r.tuples, 2 * 3 * 2);
    assert_int_equal(r.shortest_reuse, 0); /* each was used once */
    tsp_result_clear(&r);
    for (int i = 0; i < 2; i++) {
        peer_end(p[i]);
        for (uint16_t port = 21000; port <= 21002; port++) {
            assert_int_equal(seen(p[i], load_own_address(3), port), 1);
            assert_int_equal(seen(p[i], load_own_address(4), port), 1);
        }
        free(p[i]);
    }
}

/* Says of every client that it is the same: a NAT that gives one outside pair to all. */
static void says_one_for_all(struct peer *p, int fd)
{
    static const char line[] = "198.18.0.2:4000\n";
    char byte;
    (void)p;
    while (read(fd, &byte, 1) > 0)
        ;
    (void)!write(fd, line, sizeof line - 1);
}

static void one_outside_pair_collides_for_each_destination(void **state)
{
    (void)state;
    char host[24];
    const char *list[1];
    struct peer *p[2];
    snprintf(host, sizeof host, "%s", load_own_address(1));
    for (int i = 0; i < 2; i++)
        p[i] = peer_start(host, (uint16_t)(23470 + i), says_one_for_all);
    struct tsp_run_spec spec = load_of(23470, 4);
    spec.host = host;
    spec.port.hi = 23471;
    spec.local_ips = one(list, load_own_address(3));
    spec.local_ports = "21000-21001";
    spec.workers = 1;
    spec.nat = true;
    spec.hold_ns = 300000000; /* all four are open at once */
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 4);
    assert_int_equal(r.nat.reported, 4);
    assert_int_equal(r.nat.outsides, 1);
    struct tsp_nat_clashes found = tsp_nat_clashes(&r.nat);
    assert_int_equal(found.collisions, 2); /* the second towards each, not three of all */
    assert_int_equal(found.reused, 0);
    tsp_result_clear(&r);
    for (int i = 0; i < 2; i++) {
        peer_end(p[i]);
        free(p[i]);
    }
}

static void a_port_somebody_else_holds_is_skipped_and_counted(void **state)
{
    (void)state;
    const char *list[1];
    struct tsp_addr held;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = load_of(p->port, 20);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    spec.local_ips = one(list, load_own_address(5));
    spec.local_ports = "21000-21019";
    spec.workers = 1;
    assert_int_equal(tsp_addr_resolve(&held, list[0], AF_INET, NULL), 0);
    tsp_addr_set_port(&held, 21002);
    assert_int_equal(bind(fd, &held.sa, held.len), 0);
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    load_assert_all_ok(&r, 20);
    assert_int_equal(seen(p, "", 21002), 0);
    assert_true(r.skipped >= 1);
    tsp_result_clear(&r);
    close(fd);
    free(p);
}

static void a_range_that_is_held_whole_leaves_no_port(void **state)
{
    (void)state;
    const char *list[1];
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = load_of(p->port, 30);
    spec.local_ips = one(list, load_own_address(6));
    spec.local_ports = "21000-21003";
    spec.hold_ns = TSP_SECOND;
    struct tsp_result r = load_run(&spec);
    peer_end(p);
    assert_int_equal(r.tally.started, 30);
    assert_int_equal(r.tally.ok, 4);
    assert_int_equal(r.tally.failure[TSP_NO_PORT][TSP_STEP_BIND], 26);
    assert_string_equal(r.verdict.reason[0].limit, "own ports");
    tsp_result_clear(&r);
    free(p);
}

static void a_walk_over_the_targets_own_port_never_connects_to_itself(void **state)
{
    (void)state;
    const char *list[1];
    struct tsp_run_spec spec = load_of(21007, 40);
    spec.host = load_own_address(7);
    spec.local_ips = one(list, spec.host);
    spec.local_ports = "21000-21009";
    struct tsp_result r = load_run(&spec);
    load_assert_all_failed(&r, 40, TSP_REFUSED, TSP_STEP_CONNECT);
    tsp_result_clear(&r);
}

/* 0.0.0.0 is this machine, too: the source is 127.0.0.1, and so is the target. */
static int walks_over_ten(void)
{
    static const struct {
        const char *host, *from;
    } rows[] = {{"0.0.0.0", NULL}, {"127.0.0.1", "0.0.0.0"}, {"::", NULL}, {"::1", "::"}};
    int bad = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_run_spec spec = load_of(21007, 40);
        spec.host = rows[i].host;
        spec.local_ips = (struct tsp_strings){(const char *[]){rows[i].from}, rows[i].from != NULL};
        spec.local_ports = "21000-21009";
        struct tsp_result r = load_run(&spec);
        uint64_t refused = r.tally.failure[TSP_REFUSED][TSP_STEP_CONNECT];
        if (refused != 40)
            fprintf(stderr, "%s: refused %llu, ok %llu\n", spec.host, (unsigned long long)refused,
                    (unsigned long long)r.tally.ok);
        bad += refused != 40;
        tsp_result_clear(&r);
    }
    return bad;
}

static void a_walk_towards_an_unspecified_address_never_connects_to_itself(void **state)
{
    (void)state;
    int status = load_in_own_namespace(walks_over_ten);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

/* The kernel has ten ports to choose from, and one of them is the target: without
 * a look at both ends the connection to it would count as ok. */
static int kernel_picks_of_ten(void)
{
    int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    if (fd == -1 || write(fd, "20000 20009", 11) != 11)
        return 77;
    close(fd);
    struct tsp_run_spec spec = load_of(20004, 200);
    spec.local_ports = "kernel";
    spec.content = (struct tsp_data){"ping", 4};
    struct tsp_result r = load_run(&spec);
    uint64_t refused = r.tally.failure[TSP_REFUSED][TSP_STEP_CONNECT];
    if (refused != 200 || r.tally.ok)
        fprintf(stderr, "refused %llu, ok %llu\n", (unsigned long long)refused,
                (unsigned long long)r.tally.ok);
    int bad = refused != 200;
    tsp_result_clear(&r);
    return bad;
}

static void a_closed_port_of_the_kernels_range_never_connects_to_itself(void **state)
{
    (void)state;
    int status = load_in_own_namespace(kernel_picks_of_ten);
    if (status == 77)
        skip(); /* needs the right to make a network namespace */
    assert_int_equal(status, 0);
}

/* Descriptors for some of the connections only; sockets are counted, not guessed. */
static int run_with_few_descriptors(uint16_t port)
{
    int used = descriptors() - 3; /* ".", ".." and the folder itself */
    struct rlimit few = {(rlim_t)used + 40, (rlim_t)used + 40};
    if (setrlimit(RLIMIT_NOFILE, &few))
        return 2;
    struct tsp_run_spec spec = load_of(port, 100);
    spec.hold_ns = TSP_SECOND;
    struct tsp_result r = load_run(&spec);
    uint64_t none = r.tally.failure[TSP_NO_FD][TSP_STEP_SOCKET];
    fprintf(stderr, "%llu ok, %llu without a descriptor\n", (unsigned long long)r.tally.ok,
            (unsigned long long)none);
    bool told = !strcmp(r.verdict.reason[0].limit, "own descriptors");
    bool fine = told && r.tally.started == 100 && r.tally.ok + none == 100 && r.tally.ok >= 20 &&
                r.tally.ok < 40;
    tsp_result_clear(&r);
    return !fine;
}

static void without_descriptors_connections_fail_at_the_socket(void **state)
{
    (void)state;
    assert_int_equal(load_in_child(peer_answers, run_with_few_descriptors), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(addresses_of_a_list_are_bound_in_turn),
        TEST(destination_ports_of_a_range_are_used_in_turn),
        TEST(a_walk_uses_every_port_of_its_range_and_the_oldest_again),
        TEST(a_walk_multiplies_addresses_ports_and_destinations),
        TEST(one_outside_pair_collides_for_each_destination),
        TEST(a_port_somebody_else_holds_is_skipped_and_counted),
        TEST(a_range_that_is_held_whole_leaves_no_port),
        TEST(a_walk_over_the_targets_own_port_never_connects_to_itself),
        TEST(a_walk_towards_an_unspecified_address_never_connects_to_itself),
        TEST(a_closed_port_of_the_kernels_range_never_connects_to_itself),
        TEST(without_descriptors_connections_fail_at_the_socket),
    };
    return cmocka_run_group_tests_name("run_sources", tests, NULL, NULL);
}
