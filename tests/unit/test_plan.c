/* A spec becomes a plan, on a machine whose limits the test chooses. */
#include "client/plan.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "support/cmocka_all.h"
#include "support/plan.h"
#include "support/preflight.h"

static struct tsp_limits machine;
static int taken_port; /* a port something listens on; 0 = none */
static int raised;
static bool all_local; /* every address is this machine's */

void __wrap_tsp_limits_read(struct tsp_limits *l, const char *proc);
void __wrap_tsp_limits_taken_ports(uint8_t map[8192], const char *proc);
int64_t __wrap_tsp_limits_raise_nofile(void);
bool __real_tsp_addr_is_local(const struct tsp_addr *a);
bool __wrap_tsp_addr_is_local(const struct tsp_addr *a);

void __wrap_tsp_limits_read(struct tsp_limits *l, const char *proc)
{
    assert_string_equal(proc, "/proc");
    *l = machine;
}

void __wrap_tsp_limits_taken_ports(uint8_t map[8192], const char *proc)
{
    assert_string_equal(proc, "/proc");
    if (taken_port)
        map[taken_port / 8] |= (uint8_t)(1 << taken_port % 8);
}

int64_t __wrap_tsp_limits_raise_nofile(void)
{
    raised++;
    return machine.nofile_hard;
}

bool __wrap_tsp_addr_is_local(const struct tsp_addr *a)
{
    return all_local || __real_tsp_addr_is_local(a);
}

static int setup(void **state)
{
    (void)state;
    machine = usual;
    taken_port = raised = 0;
    all_local = false;
    return 0;
}

static void make_fail(struct tsp_run_spec *spec, int code, const char *message)
{
    static struct tsp_plan plan, nothing;
    struct tsp_err err = {0};
    assert_int_equal(tsp_run_spec_check(spec, NULL), 0);
    assert_int_equal(tsp_plan_make(&plan, spec, &err), -code);
    assert_string_equal(err.msg, message);
    assert_ptr_equal(plan.targets.item, nothing.targets.item);
    assert_ptr_equal(plan.locals.item, nothing.locals.item);
    assert_ptr_equal(plan.request.bytes, nothing.request.bytes);
    assert_ptr_equal(plan.load.segment, nothing.load.segment);
}

/* 80 % of half of the 28,232 ports is 11,292.8. */
static void auto_picks_the_walk_only_past_the_cliff(void **state)
{
    (void)state;
    static const char *sources[] = {"127.0.0.1-127.0.0.4"};
    static const struct {
        int64_t tw_reuse, tw_now, length_s, hold_s, concurrency;
        double rate;
        int ports, sources;
        bool walk;
        int64_t timestamps;
    } rows[] = {
        {2, 0, 10, 0, 0, 11292, 1, 0, false, 1}, /* 1 s each: loopback's are reusable */
        {2, 0, 10, 0, 0, 11293, 1, 0, true, 1},
        {1, 99999, 10, 0, 0, 11292, 1, 0, false, 1}, /* what is left over is reusable too */
        {0, 0, 10, 0, 0, 1129, 1, 0, false, 1},      /* 60 s each, but the run ends before */
        {0, 0, 10, 0, 0, 1130, 1, 0, true, 1},
        {0, 0, 600, 0, 0, 188, 1, 0, false, 1}, /* 60 x 188 */
        {0, 0, 600, 0, 0, 189, 1, 0, true, 1},
        {0, 2000, 10, 0, 0, 1000, 1, 0, true, 1}, /* what other loads left in TIME_WAIT */
        {0, -1, 10, 0, 0, 1000, 1, 0, false, 1},
        {2, 0, 10, 2, 0, 3764, 1, 0, false, 1}, /* held for 2 s more */
        {2, 0, 10, 2, 0, 3765, 1, 0, true, 1},
        {2, 0, 10, 0, 0, 22585, 2, 0, false, 1}, /* each destination has ports of its own */
        {2, 0, 10, 0, 0, 22586, 2, 0, true, 1},
        {2, 0, 10, 0, 0, 45171, 1, 4, false, 1}, /* and each source */
        {2, 0, 10, 0, 0, 45172, 1, 4, true, 1},
        {2, 0, 10, 0, 10, -1, 1, 0, true, 1},   /* a closed loop may be as quick as that */
        {2, 0, 10, 0, 10, -1, 5, 0, false, 1},  /* 50,000/s over 5 */
        {2, 0, 600, 0, 0, 188, 1, 0, false, 0}, /* without timestamps nothing is reusable */
        {2, 0, 600, 0, 0, 189, 1, 0, true, 0},
        {1, 2000, 10, 0, 0, 1000, 1, 0, true, 0},
        {2, 0, 1, 0, 0, 11293, 1, 0, true, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(rows[i].rate);
        machine.tw_reuse = rows[i].tw_reuse;
        machine.tw_now = rows[i].tw_now;
        machine.timestamps = rows[i].timestamps;
        spec.length_ns = rows[i].length_s * TSP_SECOND;
        spec.hold_ns = rows[i].hold_s * TSP_SECOND;
        spec.concurrency = rows[i].concurrency ? rows[i].concurrency : TSP_UNSET;
        spec.port.hi = (uint16_t)(spec.port.lo + rows[i].ports - 1);
        spec.local_ips = (struct tsp_strings){sources, rows[i].sources != 0};
        make(&p, &spec);
        if (p.sources.walk != rows[i].walk)
            fail_msg("row %zu: walk %d", i, p.sources.walk);
        tsp_plan_clear(&p);
    }
}

/* tcp_tw_reuse = 2 is for loopback addresses, not for all of this machine's. */
static void an_interface_address_of_this_machine_is_no_loopback_one(void **state)
{
    (void)state;
    static const char *sources[] = {"127.0.0.1"};
    struct tsp_plan p;
    struct tsp_findings f = {0};
    struct tsp_run_spec spec = spec_at(5000);
    all_local = true;
    machine.tw_reuse = 2;
    spec.host = "192.0.2.1";
    spec.length_ns = 10 * TSP_SECOND;
    spec.local_ips = (struct tsp_strings){sources, 1};
    make(&p, &spec);
    assert_true(p.local_target && !p.loopback);
    assert_true(p.sources.walk);
    p.sources.walk = false;
    tsp_plan_preflight(&p, &f);
    assert_non_null(look(&f, "somaxconn")); /* its listen queue is this machine's */
    assert_string_equal(look(&f, "tcp_tw_reuse")->effect,
                        "a port rests 60 s in TIME_WAIT, not 1 s");
    tsp_plan_clear(&p);
}

static void the_auto_walk_keeps_to_the_half_the_kernel_takes_last(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(2000);
    machine.tw_reuse = 0;
    make(&p, &spec);
    assert_true(p.sources.walk);
    assert_int_equal(p.sources.lo, 32769);
    assert_int_equal(p.sources.hi, 60999);
    assert_int_equal(p.sources.step, 2);
    assert_false(p.sources.spill);
    assert_int_equal(tsp_sources_usable(&p.sources), 14116);
    tsp_plan_clear(&p);
    spec.hold_ns = 10 * TSP_SECOND; /* 22,000 open at once need both halves */
    make(&p, &spec);
    assert_int_equal(p.sources.lo, 32769);
    assert_true(p.sources.spill);
    assert_int_equal(tsp_sources_usable(&p.sources), 28232);
    tsp_plan_clear(&p);
}

static void without_timestamps_the_auto_walk_takes_all_that_rests_for_a_minute(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_findings f = {0};
    struct tsp_run_spec spec = spec_at(600);
    machine.timestamps = 0;
    machine.port_lo = 1024;
    machine.port_hi = 65535;
    spec.length_ns = 100 * TSP_SECOND;
    make(&p, &spec);
    assert_true(p.sources.walk && p.sources.spill);
    tsp_plan_preflight(&p, &f);
    assert_string_equal(tsp_severity_name(look(&f, "source ports")->severity), "ok");
    tsp_plan_clear(&p);
    spec.length_ns = 10 * TSP_SECOND; /* 6,000 ports in all */
    make(&p, &spec);
    assert_false(p.sources.walk);
    tsp_plan_clear(&p);
}

static void reserved_ports_bring_the_cliff_nearer(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(6000);
    make(&p, &spec);
    assert_false(p.sources.walk);
    tsp_plan_clear(&p);
    machine.ports_reserved = 14232;
    make(&p, &spec);
    assert_true(p.sources.walk);
    tsp_plan_clear(&p);
}

static void a_walk_binds_an_address_even_where_none_was_given(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(10);
    spec.local_ports = "20000-20009";
    make(&p, &spec);
    char text[TSP_ADDR_TEXT];
    assert_true(p.sources.walk);
    assert_int_equal(p.locals.count, 1);
    assert_string_equal(tsp_addr_host_text(text, &p.locals.item[0]), "127.0.0.1");
    tsp_plan_clear(&p);
    spec.local_ports = "kernel";
    make(&p, &spec);
    assert_false(p.sources.walk);
    assert_int_equal(p.locals.count, 0);
    tsp_plan_clear(&p);
}

static void a_walk_leaves_out_what_something_listens_on(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(10);
    taken_port = 20003;
    spec.local_ports = "20000-20009";
    make(&p, &spec);
    assert_int_equal(tsp_sources_usable(&p.sources), 9);
    tsp_plan_clear(&p);
    spec.local_ports = "20003";
    make_fail(&spec, EADDRNOTAVAIL, "local_ports 20003-20003: every port is reserved or in use");
}

static void there_are_never_more_workers_than_shares(void **state)
{
    (void)state;
    static const struct {
        int64_t workers, concurrency, max_open, count;
        const char *ports;
        unsigned want;
    } rows[] = {
        {0, -1, -1, -1, "kernel", 4},      {9, -1, -1, -1, "kernel", 9},
        {0, 2, -1, -1, "kernel", 2},       {0, 900, -1, -1, "kernel", 4},
        {0, -1, 3, -1, "kernel", 3},       {0, -1, -1, 1, "kernel", 1},
        {5, -1, -1, -1, "20000-20001", 2}, {1, 7, 7, 7, "kernel", 1},
        {8, 6, 5, 4, "20000-20002", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(rows[i].concurrency > 0 ? -1 : 10);
        spec.workers = rows[i].workers;
        spec.concurrency = rows[i].concurrency;
        spec.max_open = rows[i].max_open;
        spec.count = rows[i].count;
        spec.local_ports = rows[i].ports;
        make(&p, &spec);
        assert_int_equal(p.workers, rows[i].want);
        tsp_plan_clear(&p);
    }
    machine.cpus = -1;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(10);
    make(&p, &spec);
    assert_true(p.workers >= 1);
    tsp_plan_clear(&p);
}

static void what_cannot_be_used_is_refused_and_nothing_is_held(void **state)
{
    (void)state;
    static const char *six[] = {"127.0.0.1", "::1"}, *far[] = {"192.0.2.77"}, *bad[] = {"x"};
    struct tsp_run_spec spec = spec_at(10);
    spec.content = (struct tsp_data){"ping", 4};
    spec.local_ips = (struct tsp_strings){six, 2};
    make_fail(&spec, EAFNOSUPPORT, "local ip ::1 and target 127.0.0.1: not the same family");
    spec.local_ips = (struct tsp_strings){far, 1};
    make_fail(&spec, EADDRNOTAVAIL,
              "this machine does not have the address 192.0.2.77 (to add it: ip address add "
              "192.0.2.77/32 dev lo)");
    spec.local_ips = (struct tsp_strings){bad, 1};
    make_fail(&spec, EINVAL,
              "'x': address, range \"10.0.0.1-10.0.0.9\" or CIDR \"10.0.0.0/24\" expected");
    spec.local_ips.count = 0;
    spec.host = "300.1.1.1";
    make_fail(&spec, EINVAL, "cannot resolve '300.1.1.1': neither an address nor a name");
    spec.host = "127.0.0.1";
    spec.content.bytes = NULL;
    spec.content_file = "/nowhere/at/all";
    make_fail(&spec, ENOENT, "content file '/nowhere/at/all': No such file or directory");
}

static void names_are_resolved_and_ports_follow_each_other(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_run_spec spec = spec_at(10);
    spec.host = "localhost";
    spec.port = (struct tsp_ports){65530, 65535};
    make(&p, &spec);
    assert_int_equal(p.targets.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tsp_addr_port(&p.targets.item[i]), 65530 + i);
    assert_true(p.local_target);
    assert_true(raised > 0);
    tsp_plan_clear(&p);
}

static void only_a_local_target_in_the_kernels_range_may_meet_itself(void **state)
{
    (void)state;
    static const struct {
        const char *host, *ports;
        uint16_t lo, hi;
        bool may;
    } rows[] = {
        {"127.0.0.1", "kernel", 40000, 40000, true},  {"127.0.0.1", "kernel", 32767, 32767, false},
        {"127.0.0.1", "kernel", 32700, 32768, true},  {"127.0.0.1", "kernel", 60999, 61000, true},
        {"127.0.0.1", "kernel", 61000, 61001, false}, {"192.0.2.1", "kernel", 40000, 40000, false},
        {"127.0.0.1", "20000", 40000, 40000, false},  {"0.0.0.0", "kernel", 40000, 40000, true},
        {"::", "kernel", 40000, 40000, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_plan p;
        struct tsp_run_spec spec = spec_at(10);
        spec.host = rows[i].host;
        spec.local_ports = rows[i].ports;
        spec.port = (struct tsp_ports){rows[i].lo, rows[i].hi};
        make(&p, &spec);
        if (p.may_meet_itself != rows[i].may)
            fail_msg("row %zu: %d", i, p.may_meet_itself);
        tsp_plan_clear(&p);
    }
}

/* connect() goes to loopback: a source compared with 0.0.0.0 would never be the target. */
static void an_unspecified_address_is_named_as_the_one_it_stands_for(void **state)
{
    (void)state;
    static const struct {
        const char *host, *from, *named, *bound;
    } rows[] = {
        {"0.0.0.0", NULL, "127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "127.0.0.9", "127.0.0.1", "127.0.0.9"},
        {"127.0.0.5", "0.0.0.0", "127.0.0.5", "127.0.0.1"},
        {"::", NULL, "::1", "::1"},
        {"::1", "::", "::1", "::1"},
        {"::ffff:0.0.0.0", NULL, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_plan p;
        char text[TSP_ADDR_TEXT];
        struct tsp_run_spec spec = spec_at(10);
        spec.host = rows[i].host;
        spec.local_ports = "20000-20009";
        spec.local_ips = (struct tsp_strings){(const char *[]){rows[i].from}, rows[i].from != NULL};
        make(&p, &spec);
        assert_string_equal(tsp_addr_host_text(text, &p.targets.item[0]), rows[i].named);
        assert_string_equal(tsp_addr_host_text(text, &p.locals.item[0]), rows[i].bound);
        assert_true(p.loopback);
        tsp_plan_clear(&p);
    }
}

static void the_plan_is_held_against_the_machine(void **state)
{
    (void)state;
    struct tsp_plan p;
    struct tsp_findings f = {0};
    struct tsp_run_spec spec = spec_at(1000);
    machine.nofile_hard = machine.nofile_soft = 100;
    spec.hold_ns = TSP_SECOND;
    make(&p, &spec);
    tsp_plan_preflight(&p, &f);
    assert_string_equal(tsp_severity_name(look(&f, "open files")->severity), "error");
    tsp_plan_clear(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(auto_picks_the_walk_only_past_the_cliff),
        TEST(an_interface_address_of_this_machine_is_no_loopback_one),
        TEST(the_auto_walk_keeps_to_the_half_the_kernel_takes_last),
        TEST(without_timestamps_the_auto_walk_takes_all_that_rests_for_a_minute),
        TEST(reserved_ports_bring_the_cliff_nearer),
        TEST(a_walk_binds_an_address_even_where_none_was_given),
        TEST(a_walk_leaves_out_what_something_listens_on),
        TEST(there_are_never_more_workers_than_shares),
        TEST(what_cannot_be_used_is_refused_and_nothing_is_held),
        TEST(names_are_resolved_and_ports_follow_each_other),
        TEST(only_a_local_target_in_the_kernels_range_may_meet_itself),
        TEST(an_unspecified_address_is_named_as_the_one_it_stands_for),
        TEST(the_plan_is_held_against_the_machine),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
