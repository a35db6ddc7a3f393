#include "support/preflight.h"

static void kernel_ports_without_reuse_last_28232_a_minute(void **state)
{
    struct tsp_demand d = small;
    (void)state;
    d.kernel_ports = true;
    d.rate = 1000;
    d.total = 600000;
    expect(
        &d, &usual, "source ports",
        (struct tsp_finding){
            .severity = TSP_SEVERITY_ERROR,
            .have = "28,232 (28,232 ports x 1 source-destination pairs)",
            .need = "60,000 (in use, or in TIME_WAIT for 60 s)",
            .remedy = "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
            .effect = "past 28,232 connections no more than 471/s; the others fail with no-port"});
    expect(&d, &usual, "tcp_tw_reuse",
           (struct tsp_finding){.severity = TSP_SEVERITY_NOTE,
                                .have = "2 (loopback only)",
                                .need = "1",
                                .remedy = "sysctl -w net.ipv4.tcp_tw_reuse=1",
                                .effect = "a port rests 60 s in TIME_WAIT, not 1 s"});
}

static const struct port_row {
    double rate;
    uint64_t total, sources, destinations;
    bool kernel_ports, loopback;
    int64_t tw_reuse, timestamps;
    enum tsp_severity ports, cliff; /* cliff: looked at with kernel_ports */
} port_rows[] = {
    {200, 60000, 1, 1, true, false, 0, 1, TSP_SEVERITY_OK, TSP_SEVERITY_OK},
    {400, 600000, 1, 1, true, false, 0, 1, TSP_SEVERITY_NOTE, TSP_SEVERITY_ERROR}, /* 24,000 */
    {400, 600000, 2, 1, true, false, 0, 1, TSP_SEVERITY_OK, TSP_SEVERITY_OK},
    {400, 600000, 1, 2, true, false, 0, 1, TSP_SEVERITY_OK, TSP_SEVERITY_OK},
    {471, 600000, 1, 1, true, false, 0, 1, TSP_SEVERITY_ERROR, TSP_SEVERITY_ERROR},
    {400, 14000, 1, 1, true, false, 0, 1, TSP_SEVERITY_OK, TSP_SEVERITY_OK}, /* a short run */
    {5000, 600000, 1, 1, true, false, 1, 1, TSP_SEVERITY_NOTE, TSP_SEVERITY_OK},
    {5000, 600000, 1, 1, true, true, 2, 1, TSP_SEVERITY_NOTE, TSP_SEVERITY_OK},
    {5000, 600000, 1, 1, true, false, 2, 1, TSP_SEVERITY_ERROR, TSP_SEVERITY_ERROR},
    {5000, 600000, 1, 1, true, false, 1, 0, TSP_SEVERITY_ERROR, TSP_SEVERITY_ERROR},
    {20000, 600000, 1, 1, true, false, 1, 1, TSP_SEVERITY_WARNING, TSP_SEVERITY_ERROR},
    {2000, 600000, 1, 1, false, false, 0, 1, TSP_SEVERITY_OK, 0}, /* a walk reuses at once */
    {25000, 600000, 1, 1, false, false, 0, 1, TSP_SEVERITY_NOTE, 0},
    {2000, 600000, 1, 1, false, false, 0, 0, TSP_SEVERITY_ERROR, 0}, /* not without timestamps */
};

static void source_ports_last_as_long_as_the_formula_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof port_rows / sizeof *port_rows; i++) {
        const struct port_row *r = &port_rows[i];
        struct tsp_limits l = usual;
        struct tsp_demand d = small;
        struct tsp_findings all;
        l.tw_reuse = r->tw_reuse;
        l.timestamps = r->timestamps;
        d.rate = r->rate;
        d.total = r->total;
        d.sources = r->sources;
        d.destinations = r->destinations;
        d.kernel_ports = r->kernel_ports;
        d.loopback = r->loopback;
        tsp_preflight(&all, &d, &l);
        enum tsp_severity got = look(&all, "source ports")->severity;
        if (got != r->ports)
            fail_msg("row %zu, ports: %s, want %s", i, tsp_severity_name(got),
                     tsp_severity_name(r->ports));
        if (!r->kernel_ports)
            continue;
        got = look(&all, "ip_local_port_range")->severity;
        if (got != r->cliff)
            fail_msg("row %zu, cliff: %s, want %s", i, tsp_severity_name(got),
                     tsp_severity_name(r->cliff));
    }
}

static void the_cliff_is_named_with_its_rate(void **state)
{
    struct tsp_demand d = small;
    (void)state;
    d.kernel_ports = true;
    d.rate = 400;
    d.total = 600000;
    expect(&d, &usual, "ip_local_port_range",
           (struct tsp_finding){
               .severity = TSP_SEVERITY_ERROR,
               .have = "32768-60999: 28,232 ports, half of them quick",
               .need = "24,000 for each source-destination pair",
               .remedy = "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
               .effect = "past 14,116 ports connect() searches for milliseconds: about 200/s"});
}

static void too_few_walked_ports_take_more_addresses(void **state)
{
    struct tsp_demand d = small;
    (void)state;
    d.hold_ns = 10 * S;
    d.total = 600000;
    d.walk_ports = 4000;
    expect(
        &d, &usual, "source ports",
        (struct tsp_finding){
            .severity = TSP_SEVERITY_ERROR,
            .have = "4,000 (4,000 ports x 1 source-destination pairs)",
            .need = "10,000 (in use, or in TIME_WAIT for 0 s)",
            .remedy = "at least 3 source addresses (local_ips)",
            .effect = "past 4,000 connections no more than 400/s; the others fail with no-port"});
}

static void reserved_ports_are_not_counted(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    l.ports_reserved = 232;
    d.kernel_ports = true;
    tsp_preflight(&all, &d, &l);
    assert_string_equal(look(&all, "source ports")->have,
                        "28,000 (28,000 ports x 1 source-destination pairs)");
}

static void missing_timestamps_matter_once_ports_are_used_again(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    l.timestamps = 0;
    tsp_preflight(&all, &d, &l);
    assert_int_equal(look(&all, "tcp_timestamps")->severity, TSP_SEVERITY_OK);
    d.total = 600000;
    d.rate = 2000;
    tsp_preflight(&all, &d, &l);
    assert_int_equal(look(&all, "tcp_timestamps")->severity, TSP_SEVERITY_WARNING);
    assert_string_equal(look(&all, "tcp_timestamps")->remedy,
                        "sysctl -w net.ipv4.tcp_timestamps=1");
    assert_string_equal(look(&all, "source ports")->remedy, "sysctl -w net.ipv4.tcp_timestamps=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_ports_without_reuse_last_28232_a_minute),
        cmocka_unit_test(source_ports_last_as_long_as_the_formula_says),
        cmocka_unit_test(the_cliff_is_named_with_its_rate),
        cmocka_unit_test(too_few_walked_ports_take_more_addresses),
        cmocka_unit_test(reserved_ports_are_not_counted),
        cmocka_unit_test(missing_timestamps_matter_once_ports_are_used_again),
    };
    return cmocka_run_group_tests_name("preflight_ports", tests, NULL, NULL);
}
