/* Valid, or this machine was the limit: each reason at its threshold. */
#include "client/verdict.h"

#include <string.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

struct scene {
    struct tsp_tally tally;
    struct tsp_kcounter counter[4];
    struct tsp_kcounters counters;
    struct tsp_worker_time worker[2];
    struct tsp_evidence evidence;
    struct tsp_verdict verdict;
};

/* 1,000 due, started and answered in 1 ms, 0.1 ms late; two idle workers. */
static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    if (tsp_tally_init(&s.tally))
        return -1;
    s.tally.due = s.tally.started = s.tally.ok = 1000;
    tsp_hist_record_n(s.tally.phase[TSP_PHASE_LAG], TSP_MS / 10, 1000);
    tsp_hist_record_n(s.tally.phase[TSP_PHASE_LATENCY], TSP_MS, 1000);
    tsp_hist_record_n(s.tally.beat, TSP_MS, 200);
    s.counters.item = s.counter;
    s.worker[0] = s.worker[1] = (struct tsp_worker_time){.wall = 1000 * TSP_MS};
    s.evidence = (struct tsp_evidence){.tally = &s.tally,
                                       .counters = &s.counters,
                                       .worker = s.worker,
                                       .workers = 2,
                                       .local_target = true};
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    tsp_tally_clear(&s->tally);
    return 0;
}

static void count(struct scene *s, const char *name, int64_t value)
{
    struct tsp_kcounter *c = &s->counter[s->counters.count++];
    strncpy(c->name, name, sizeof c->name - 1);
    c->value = value;
}

static void expect_valid(struct scene *s)
{
    tsp_verdict_of(&s->verdict, &s->evidence);
    if (s->verdict.reasons)
        fail_msg("'%s'", s->verdict.reason[0].text);
}

static void expect_only(struct scene *s, const char *limit, const char *text)
{
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, 1);
    assert_string_equal(s->verdict.reason[0].limit, limit);
    assert_string_equal(s->verdict.reason[0].text, text);
}

static void a_clean_run_is_valid(void **state)
{
    expect_valid(*state);
}

static void failures_of_the_target_leave_a_run_valid(void **state)
{
    struct scene *s = *state;
    s->tally.ok = 0;
    s->tally.failed = 1000;
    s->tally.failure[TSP_TIMEOUT][TSP_STEP_REPLY] = 500;
    s->tally.failure[TSP_RESET][TSP_STEP_SEND] = 400;
    s->tally.failure[TSP_REFUSED][TSP_STEP_CONNECT] = 100;
    expect_valid(s);
}

static void own_resources_that_ran_out_are_reasons_at_the_first_connection(void **state)
{
    static const struct {
        enum tsp_outcome outcome;
        const char *limit, *text;
    } rows[] = {
        {TSP_NO_PORT, "own ports",
         "own ports: 3 connections found no free source port on this machine"},
        {TSP_NO_FD, "own descriptors",
         "own descriptors: 3 connections found no free file descriptor on this machine"},
        {TSP_NO_MEMORY, "own memory", "own memory: 3 connections found no memory on this machine"},
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(s->tally.failure, 0, sizeof s->tally.failure);
        s->tally.failure[rows[i].outcome][TSP_STEP_BIND] = 1;
        s->tally.failure[rows[i].outcome][TSP_STEP_CONNECT] = 2;
        expect_only(s, rows[i].limit, rows[i].text);
    }
}

static void a_report_that_lacks_a_part_for_want_of_memory_says_so(void **state)
{
    struct scene *s = *state;
    s->evidence.incomplete = true;
    expect_only(s, "own memory",
                "own memory: this machine had none left for a part of the report (intervals of the "
                "timeline, or the kernel's counters)");
}

static void a_full_listen_queue_counts_only_where_the_target_is_here(void **state)
{
    struct scene *s = *state;
    count(s, "TcpExtListenOverflows", 4);
    count(s, "TcpExtListenDrops", 5);
    count(s, "TcpExtTCPReqQFullDrop", 2);
    expect_only(s, "own listen queue",
                "own listen queue: a server on this machine let 7 handshakes drop (listen queue "
                "full)");
    s->evidence.local_target = false;
    expect_valid(s);
}

static void a_full_connection_table_is_a_reason_wherever_the_target_is(void **state)
{
    struct scene *s = *state;
    s->evidence.local_target = false;
    count(s, "ConntrackDrop", 1);
    count(s, "ConntrackEarlyDrop", 2);
    expect_only(s, "own conntrack",
                "own conntrack: this machine's connection tracking table was full, 3 packets or "
                "entries dropped");
}

static void one_start_in_a_hundred_may_be_missing_but_not_more(void **state)
{
    struct scene *s = *state;
    s->tally.started = 990;
    s->tally.not_started = 10;
    expect_valid(s);
    s->tally.started = 989;
    s->tally.not_started = 11;
    expect_only(s, "generator",
                "late starts: only 98.9 % of the connections that were due could be started in "
                "time (989 of 1000)");
}

static void capped_connections_were_not_to_be_started(void **state)
{
    struct scene *s = *state;
    s->tally.due = 5000;
    s->tally.capped = 4000;
    expect_valid(s);
}

static void lateness_is_noise_up_to_ten_milliseconds(void **state)
{
    struct scene *s = *state;
    tsp_hist_reset(s->tally.phase[TSP_PHASE_LAG]);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], TSP_MS, 989);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 9990 * TSP_MS / 1000, 11);
    expect_valid(s);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 50 * TSP_MS, 20);
    expect_only(s, "generator",
                "late starts: 1 % of the connections were started 50 ms or more after they were "
                "due (bound 10 ms)");
}

static void lateness_is_noise_up_to_a_tenth_of_what_is_measured(void **state)
{
    struct scene *s = *state;
    tsp_hist_reset(s->tally.phase[TSP_PHASE_LATENCY]);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LATENCY], 1000 * TSP_MS, 1000);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 90 * TSP_MS, 20);
    expect_valid(s);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 120 * TSP_MS, 20);
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, 1);
    assert_non_null(strstr(s->verdict.reason[0].text, "120 ms or more"));
    assert_non_null(strstr(s->verdict.reason[0].text, "(bound 100 ms)"));
}

/* A burst of half a second was no lateness to connections held for a minute. */
static void a_hold_is_no_part_of_what_is_measured(void **state)
{
    struct scene *s = *state;
    s->evidence.hold_ns = 60 * TSP_SECOND;
    tsp_hist_reset(s->tally.phase[TSP_PHASE_LATENCY]);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LATENCY], 61 * TSP_SECOND, 1000);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 90 * TSP_MS, 20);
    expect_valid(s);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], 500 * TSP_MS, 20);
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, 1);
    assert_string_equal(s->verdict.reason[0].what, "late starts");
    /* A stop ended the hold before its time. */
    tsp_hist_reset(s->tally.phase[TSP_PHASE_LATENCY]);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LATENCY], 2 * TSP_SECOND, 1000);
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_non_null(strstr(s->verdict.reason[0].text, "(bound 10 ms)"));
}

static void a_closed_loop_is_never_started_late(void **state)
{
    struct scene *s = *state;
    s->evidence.closed_loop = true;
    s->tally.started = 1;
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], TSP_SECOND, 1000);
    expect_valid(s);
}

static void a_stall_shows_in_the_beats_where_no_start_was_late(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 2; i++) {
        s->evidence.closed_loop = i;
        tsp_hist_reset(s->tally.beat);
        tsp_hist_record_n(s->tally.beat, TSP_MS, 295);
        tsp_hist_record_n(s->tally.beat, 9 * TSP_MS, 2);
        tsp_hist_record_n(s->tally.beat, 40 * TSP_MS, 2);
        expect_valid(s);
        tsp_hist_record_n(s->tally.beat, 50 * TSP_MS, 1);
        tsp_hist_record_n(s->tally.beat, 500 * TSP_MS, 1);
        expect_only(s, "generator",
                    "late wake-ups: for 1 % of the run this process could not act for 10 ms or "
                    "more (longest 500 ms)");
    }
}

static void a_stall_of_a_moment_is_noise(void **state)
{
    struct scene *s = *state;
    tsp_hist_reset(s->tally.beat);
    tsp_hist_record_n(s->tally.beat, TSP_MS, 8);
    tsp_hist_record_n(s->tally.beat, 25 * TSP_MS, 2);
    expect_valid(s);
    tsp_hist_record_n(s->tally.beat, 15 * TSP_MS, 1);
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, 1);
    /* As lateness of starts: a tenth of what is measured is noise as well. */
    tsp_hist_reset(s->tally.phase[TSP_PHASE_LATENCY]);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LATENCY], 500 * TSP_MS, 1000);
    expect_valid(s);
}

static void a_stall_is_told_once(void **state)
{
    struct scene *s = *state;
    tsp_hist_record_n(s->tally.beat, TSP_SECOND, 100);
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], TSP_SECOND, 100);
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, 1);
    assert_non_null(strstr(s->verdict.reason[0].text, "late starts"));
}

static void a_worker_without_time_to_spare_is_a_reason(void **state)
{
    struct scene *s = *state;
    s->worker[1].busy = 950 * TSP_MS;
    expect_valid(s);
    s->worker[1].busy = 970 * TSP_MS;
    expect_only(s, "generator", "own CPU: a worker thread was busy for 97 % of the run");
    s->worker[1].busy = 840 * TSP_MS;
    s->worker[1].waiting = 120 * TSP_MS;
    expect_only(s, "generator",
                "own CPU: a worker thread was busy for 84 % of the run and waited for a processor "
                "for 12 %");
}

static void a_worker_that_never_ran_says_nothing(void **state)
{
    struct scene *s = *state;
    s->worker[0] = s->worker[1] = (struct tsp_worker_time){.busy = 1};
    expect_valid(s);
}

static void every_reason_is_told_the_scarce_resources_first(void **state)
{
    static const struct {
        const char *limit, *what;
    } want[] = {
        {"own ports", "own ports"},         {"own descriptors", "own descriptors"},
        {"own memory", "own memory"},       {"own listen queue", "own listen queue"},
        {"own conntrack", "own conntrack"}, {"generator", "late starts"},
        {"generator", "late starts"},       {"generator", "own CPU"},
    };
    struct scene *s = *state;
    s->tally.failure[TSP_NO_PORT][TSP_STEP_BIND] = 1;
    s->tally.failure[TSP_NO_FD][TSP_STEP_SOCKET] = 1;
    s->tally.failure[TSP_NO_MEMORY][TSP_STEP_SOCKET] = 1;
    count(s, "TcpExtListenOverflows", 1);
    count(s, "ConntrackDrop", 1);
    s->tally.started = 1;
    tsp_hist_record_n(s->tally.phase[TSP_PHASE_LAG], TSP_SECOND, 1000);
    s->worker[0].busy = 2000 * TSP_MS;
    tsp_verdict_of(&s->verdict, &s->evidence);
    assert_int_equal(s->verdict.reasons, sizeof want / sizeof *want);
    for (size_t i = 0; i < s->verdict.reasons; i++) {
        assert_string_equal(s->verdict.reason[i].limit, want[i].limit);
        assert_string_equal(s->verdict.reason[i].what, want[i].what);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_clean_run_is_valid),
        TEST(failures_of_the_target_leave_a_run_valid),
        TEST(own_resources_that_ran_out_are_reasons_at_the_first_connection),
        TEST(a_report_that_lacks_a_part_for_want_of_memory_says_so),
        TEST(a_full_listen_queue_counts_only_where_the_target_is_here),
        TEST(a_full_connection_table_is_a_reason_wherever_the_target_is),
        TEST(one_start_in_a_hundred_may_be_missing_but_not_more),
        TEST(capped_connections_were_not_to_be_started),
        TEST(lateness_is_noise_up_to_ten_milliseconds),
        TEST(lateness_is_noise_up_to_a_tenth_of_what_is_measured),
        TEST(a_hold_is_no_part_of_what_is_measured),
        TEST(a_closed_loop_is_never_started_late),
        TEST(a_stall_shows_in_the_beats_where_no_start_was_late),
        TEST(a_stall_of_a_moment_is_noise),
        TEST(a_stall_is_told_once),
        TEST(a_worker_without_time_to_spare_is_a_reason),
        TEST(a_worker_that_never_ran_says_nothing),
        TEST(every_reason_is_told_the_scarce_resources_first),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
