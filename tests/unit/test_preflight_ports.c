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
            .remedy = "--local-ports 1024-65535 (local_ports = \"1024-65535\")",
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

static void too_few_walked_ports_take_a_wider_range(void **state)
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
            .remedy = "--local-ports 1024-65535 (local_ports = \"1024-65535\")",
            .effect = "past 4,000 connections no more than 400/s; the others fail with no-port"});
}

static void addresses_are_counted_by_the_ports_in_force(void **state)
{
    static const struct {
        double rate;
        uint64_t walk_ports; /* 0: the kernel's choice, without reuse */
        int64_t timestamps;
        const char *remedy;
    } rows[] = {
        {130000, 64512, 1, "--local-ip with at least 3 addresses (local_ips)"},
        {130000, 28232, 1, "--local-ip with at least 5 addresses (local_ips)"},
        {2000, 0, 0,
         "sysctl -w net.ipv4.tcp_timestamps=1, and --local-ports 1024-65535 (local_ports = "
         "\"1024-65535\")"},
        {130000, 0, 1,
         "--local-ports 1024-65535 (local_ports = \"1024-65535\"), and --local-ip with at least 3 "
         "addresses (local_ips)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_limits l = usual;
        struct tsp_demand d = small;
        struct tsp_findings all;
        l.timestamps = rows[i].timestamps;
        d.rate = rows[i].rate;
        d.total = 60 * (uint64_t)d.rate;
        d.kernel_ports = rows[i].walk_ports == 0;
        d.walk_ports = rows[i].walk_ports;
        tsp_preflight(&all, &d, &l);
        assert_string_equal(look(&all, "source ports")->remedy, rows[i].remedy);
    }
}

static uint64_t number_after(const char *text)
{
    uint64_t n = 0;
    for (; (*text >= '0' && *text <= '9') || *text == ','; text++)
        n = *text == ',' ? n : n * 10 + (uint64_t)(*text - '0');
    return n;
}

/* Does to the load and to the machine what a remedy says. */
static void obey(const char *remedy, struct tsp_demand *d, struct tsp_limits *l)
{
    const char *addresses = strstr(remedy, "--local-ip with at least ");
    if (strstr(remedy, "tcp_timestamps=1"))
        l->timestamps = 1;
    if (strstr(remedy, "ip_local_port_range=\"1024 65535\"")) {
        l->port_lo = 1024;
        l->port_hi = 65535;
    }
    if (strstr(remedy, "--local-ports 1024-65535")) {
        d->kernel_ports = false;
        d->walk_ports = 64512;
    }
    if (addresses)
        d->sources = number_after(addresses + strlen("--local-ip with at least "));
}

static void obeyed(struct tsp_demand d, struct tsp_limits l, const char *what)
{
    struct tsp_findings before, after;
    tsp_preflight(&before, &d, &l);
    const struct tsp_finding *f = look(&before, what);
    if (f->severity == TSP_SEVERITY_OK)
        return;
    enum tsp_severity bearable =
        f->severity == TSP_SEVERITY_NOTE ? TSP_SEVERITY_OK : TSP_SEVERITY_NOTE;
    obey(f->remedy, &d, &l);
    tsp_preflight(&after, &d, &l);
    bool searches = d.kernel_ports && look(&after, "ip_local_port_range")->severity > 0;
    if (searches || look(&after, "source ports")->severity > bearable)
        fail_msg("%s: %s: %.0f/s, reuse %d, timestamps %d: '%s' does not mend it", what, f->need,
                 d.rate, (int)l.tw_reuse, (int)l.timestamps, f->remedy);
}

static void a_remedy_that_is_obeyed_mends(void **state)
{
    static const double rates[] = {100, 400, 600, 1000, 5000, 20000, 70000, 100000, 1000000};
    static const uint64_t ports[] = {0, 20, 4000, 14116, 28232, 64512}; /* 0: the kernel's */
    (void)state;
    for (unsigned i = 0; i < 9 * 6 * 3 * 2 * 2; i++) {
        struct tsp_limits l = usual;
        struct tsp_demand d = small;
        d.rate = rates[i % 9];
        d.walk_ports = ports[i / 9 % 6];
        d.kernel_ports = d.walk_ports == 0;
        d.total = 100 * (uint64_t)d.rate;
        l.tw_reuse = i / 54 % 3;
        l.timestamps = i / 162 % 2;
        d.hold_ns = i / 324 ? 10 * S : 0;
        obeyed(d, l, "source ports");
        if (d.kernel_ports)
            obeyed(d, l, "ip_local_port_range");
    }
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
        cmocka_unit_test(too_few_walked_ports_take_a_wider_range),
        cmocka_unit_test(addresses_are_counted_by_the_ports_in_force),
        cmocka_unit_test(a_remedy_that_is_obeyed_mends),
        cmocka_unit_test(reserved_ports_are_not_counted),
        cmocka_unit_test(missing_timestamps_matter_once_ports_are_used_again),
    };
    return cmocka_run_group_tests_name("preflight_ports", tests, NULL, NULL);
}
