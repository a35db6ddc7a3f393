#include "support/preflight.h"

static enum tsp_severity worst(const struct tsp_findings *all)
{
    enum tsp_severity w = TSP_SEVERITY_OK;
    for (size_t i = 0; i < all->count; i++)
        if (all->item[i].severity > w)
            w = all->item[i].severity;
    return w;
}

static void a_small_run_raises_nothing(void **state)
{
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    for (int i = 0; i < 4; i++) {
        d.own_server = i & 1;
        d.local = i & 1;
        d.kernel_ports = i & 2;
        tsp_preflight(&all, &d, &usual);
        assert_string_equal(tsp_severity_name(worst(&all)), "ok");
        assert_true(all.count >= 6);
        for (size_t k = 0; k < all.count; k++) {
            assert_string_equal(all.item[k].remedy, "");
            assert_true(strlen(all.item[k].have) > 0 && strlen(all.item[k].need) > 0);
        }
    }
}

static void a_dry_run_on_a_machine_with_few_descriptors_is_only_noted(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    l.nofile_hard = 20000;
    d.rate = 5000;
    d.total = 50000;
    d.own_server = d.local = true;
    tsp_preflight(&all, &d, &l);
    assert_string_equal(tsp_severity_name(worst(&all)), "note");
}

static void the_worst_case_of_open_files_is_a_note(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    (void)state;
    l.nofile_hard = 20000;
    d.rate = 5000;
    d.total = 1000000;
    expect(&d, &l, "open files",
           (struct tsp_finding){
               .severity = TSP_SEVERITY_NOTE,
               .have = "20,000",
               .need = "150,074 (5k/s x 30 s timeout + 74)",
               .remedy = "as root: ulimit -Hn 150074 && ulimit -n 150074; for good: \"* hard "
                         "nofile 150074\" in /etc/security/limits.conf",
               .effect = "only if they hang until the time-out: connections past 19,926 open at "
                         "once fail with no-fd"});
}

static void held_connections_past_the_descriptors_are_an_error(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    (void)state;
    l.nofile_hard = 20000;
    d.rate = 5000;
    d.total = 1000000;
    d.hold_ns = 10 * S;
    d.own_server = true;
    expect(&d, &l, "open files",
           (struct tsp_finding){
               .severity = TSP_SEVERITY_ERROR,
               .have = "20,000",
               .need = "400,074 (2 x 5k/s x 40 s timeout and hold + 74)",
               .remedy = "as root: ulimit -Hn 400074 && ulimit -n 400074; for good: \"* hard "
                         "nofile 400074\" in /etc/security/limits.conf",
               .effect = "connections past 9,963 open at once fail with no-fd"});
}

static void descriptors_past_fs_nr_open_take_a_higher_nr_open_first(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    l.nofile_hard = 20000;
    d.rate = 50000;
    d.total = UINT64_C(100000000000000);
    tsp_preflight(&all, &d, &l);
    assert_string_equal(look(&all, "open files")->remedy,
                        "as root: sysctl -w fs.nr_open=1500074 && ulimit -Hn 1500074 && ulimit -n "
                        "1500074; for good: \"* hard nofile 1500074\" in "
                        "/etc/security/limits.conf, fs.nr_open in /etc/sysctl.conf");
    l.nr_open = 1500074;
    tsp_preflight(&all, &d, &l);
    assert_string_equal(look(&all, "open files")->remedy,
                        "as root: ulimit -Hn 1500074 && ulimit -n 1500074; for good: \"* hard "
                        "nofile 1500074\" in /etc/security/limits.conf");
    d.timeout_ns = 100000 * S;
    tsp_preflight(&all, &d, &l);
    assert_string_equal(look(&all, "open files")->remedy,
                        "--max-open 19926 (max_open = 19926): no setting allows more than "
                        "2147483584");
    d.timeout_ns = 42949 * S; /* as many as there may be, in figures as long as they get */
    tsp_preflight(&all, &d, &l);
    const char *remedy = look(&all, "open files")->remedy;
    assert_non_null(strstr(remedy, "fs.nr_open=2147450074 && "));
    assert_non_null(strstr(remedy, "fs.nr_open in /etc/sysctl.conf"));
}

static const struct file_row {
    double rate;
    int64_t hold_ns;
    uint64_t total, concurrency, max_open;
    int64_t have;
    enum tsp_severity want;
} file_rows[] = {
    {1000, 0, 10000, 0, 0, 20000, TSP_SEVERITY_OK},         /* no more than are opened at all */
    {1000, 0, 1000000, 0, 0, 20000, TSP_SEVERITY_NOTE},     /* 30 s of hanging */
    {1000, 0, 1000000, 0, 500, 700, TSP_SEVERITY_OK},       /* max_open caps it */
    {25000, 0, 1000000, 0, 0, 20000, TSP_SEVERITY_WARNING}, /* answers that take a second */
    {1000, 20 * S, 1000000, 0, 0, 20000, TSP_SEVERITY_ERROR},
    {1000, 19 * S, 1000000, 0, 0, 20000, TSP_SEVERITY_WARNING},
    {0, 0, 0, 1000, 0, 1074, TSP_SEVERITY_OK}, /* closed loop */
    {0, 0, 0, 1000, 0, 1073, TSP_SEVERITY_ERROR},
    {0, 0, 0, 1000, 100, 200, TSP_SEVERITY_OK},
    {0, 0, 50, 1000, 0, 200, TSP_SEVERITY_OK},
};

static void open_files_are_graded_by_how_sure_the_shortage_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file_rows / sizeof *file_rows; i++) {
        const struct file_row *r = &file_rows[i];
        struct tsp_limits l = usual;
        struct tsp_demand d = small;
        struct tsp_findings all;
        l.nofile_hard = r->have;
        d.rate = r->rate;
        d.hold_ns = r->hold_ns;
        d.total = r->total;
        d.concurrency = r->concurrency;
        d.max_open = r->max_open;
        tsp_preflight(&all, &d, &l);
        enum tsp_severity got = look(&all, "open files")->severity;
        if (got != r->want)
            fail_msg("row %zu: %s, want %s", i, tsp_severity_name(got), tsp_severity_name(r->want));
    }
}

static void listen_queues_matter_only_where_the_server_is_here(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    l.somaxconn = 128;
    l.syn_backlog = 32;
    d.rate = 5000;
    d.total = 50000;
    tsp_preflight(&all, &d, &l);
    for (size_t i = 0; i < all.count; i++)
        assert_true(strcmp(all.item[i].what, "somaxconn") != 0 &&
                    strcmp(all.item[i].what, "tcp_max_syn_backlog") != 0);
    d.own_server = d.local = true;
    expect(&d, &l, "somaxconn",
           (struct tsp_finding){.severity = TSP_SEVERITY_WARNING,
                                .have = "128",
                                .need = "500 (a pause of 100 ms of the server)",
                                .remedy = "sysctl -w net.core.somaxconn=500",
                                .effect = "when the listen queue is full SYNs are dropped: a "
                                          "second of latency, or a time-out"});
    tsp_preflight(&all, &d, &l);
    assert_int_equal(look(&all, "tcp_max_syn_backlog")->severity, TSP_SEVERITY_NOTE);
    l.syncookies = 0;
    tsp_preflight(&all, &d, &l);
    assert_int_equal(look(&all, "tcp_max_syn_backlog")->severity, TSP_SEVERITY_WARNING);
    assert_string_equal(look(&all, "tcp_max_syn_backlog")->remedy,
                        "sysctl -w net.ipv4.tcp_max_syn_backlog=50");
}

static void a_full_conntrack_table_is_foreseen_where_one_is_in_use(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    d.rate = 10000;
    d.total = 1000000;
    d.sources = 16;
    tsp_preflight(&all, &d, &l);
    assert_int_equal(look(&all, "nf_conntrack_max")->severity, TSP_SEVERITY_NOTE);
    l.conntrack_count = 100;
    expect(&d, &l, "nf_conntrack_max",
           (struct tsp_finding){
               .severity = TSP_SEVERITY_WARNING,
               .have = "262,144",
               .need = "1,000,100 (closed connections stay 120 s)",
               .remedy = "sysctl -w net.netfilter.nf_conntrack_max=1000100",
               .effect = "its SYNs are dropped when the table is full: timeout/connect"});
    l.conntrack_max = -1; /* no conntrack in this kernel */
    tsp_preflight(&all, &d, &l);
    for (size_t i = 0; i < all.count; i++)
        assert_null(strstr(all.item[i].what, "conntrack"));
}

static void more_workers_than_processors_are_noted(void **state)
{
    struct tsp_demand d = small;
    (void)state;
    d.workers = 8;
    expect(
        &d, &usual, "processors",
        (struct tsp_finding){.severity = TSP_SEVERITY_NOTE,
                             .have = "4",
                             .need = "8 (workers)",
                             .remedy = "--workers 4 (workers = 4)",
                             .effect = "workers wait for each other, and open connections late"});
}

static void a_rate_that_the_processors_cannot_open_is_warned_of(void **state)
{
    static const struct {
        double rate;
        int64_t cpus;
        bool own_server, local;
        enum tsp_severity want;
    } rows[] = {
        {22000, 2, true, true, TSP_SEVERITY_OK}, /* the most that was measured, both ends */
        {33000, 2, true, true, TSP_SEVERITY_OK},
        {34000, 2, true, true, TSP_SEVERITY_WARNING},
        {34000, 2, false, true, TSP_SEVERITY_WARNING}, /* the server is another process here */
        {66000, 2, false, false, TSP_SEVERITY_OK},
        {67000, 2, false, false, TSP_SEVERITY_WARNING},
        {67000, 3, false, false, TSP_SEVERITY_OK},
    };
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        l.cpus = rows[i].cpus;
        d.rate = rows[i].rate;
        d.own_server = rows[i].own_server;
        d.local = rows[i].local;
        tsp_preflight(&all, &d, &l);
        enum tsp_severity got = look(&all, "processor time")->severity;
        if (got != rows[i].want)
            fail_msg("row %zu: %s", i, tsp_severity_name(got));
    }
    l.cpus = 2;
    d.rate = 1e6;
    expect(&d, &l, "processor time",
           (struct tsp_finding){.severity = TSP_SEVERITY_WARNING,
                                .have = "2 s a second",
                                .need = "30 s a second, at best (1M/s x 30 us)",
                                .remedy = "a rate of at most 66.7k/s, or more machines",
                                .effect = "starts will be late, and the run's verdict invalid"});
}

static void many_time_waits_are_noted(void **state)
{
    struct tsp_limits l = usual;
    struct tsp_demand d = small;
    (void)state;
    l.tw_max = 8192;
    l.tw_now = 1000;
    expect(&d, &l, "tcp_max_tw_buckets",
           (struct tsp_finding){
               .severity = TSP_SEVERITY_NOTE,
               .have = "8,192",
               .need = "11,000 in TIME_WAIT at once",
               .remedy = "sysctl -w net.ipv4.tcp_max_tw_buckets=11000",
               .effect = "past it the kernel ends TIME_WAITs early and logs that the table "
                         "overflows"});
}

static void a_machine_that_says_nothing_gets_no_findings(void **state)
{
    struct tsp_limits l;
    struct tsp_demand d = small;
    struct tsp_findings all;
    (void)state;
    memset(&l, 0xff, sizeof l); /* all -1 */
    d.kernel_ports = true;
    tsp_preflight(&all, &d, &l);
    assert_int_equal(all.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_run_raises_nothing),
        cmocka_unit_test(a_dry_run_on_a_machine_with_few_descriptors_is_only_noted),
        cmocka_unit_test(the_worst_case_of_open_files_is_a_note),
        cmocka_unit_test(held_connections_past_the_descriptors_are_an_error),
        cmocka_unit_test(descriptors_past_fs_nr_open_take_a_higher_nr_open_first),
        cmocka_unit_test(open_files_are_graded_by_how_sure_the_shortage_is),
        cmocka_unit_test(listen_queues_matter_only_where_the_server_is_here),
        cmocka_unit_test(a_full_conntrack_table_is_foreseen_where_one_is_in_use),
        cmocka_unit_test(more_workers_than_processors_are_noted),
        cmocka_unit_test(a_rate_that_the_processors_cannot_open_is_warned_of),
        cmocka_unit_test(many_time_waits_are_noted),
        cmocka_unit_test(a_machine_that_says_nothing_gets_no_findings),
    };
    return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
