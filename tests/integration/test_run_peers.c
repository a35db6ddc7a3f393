/* Loads against a peer that does what a test says: each end is counted by its
 * cause and the step it came at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

#define BIG ((size_t)8 << 20) /* more than the sockets of both sides hold */

static const char ping[] = "ping";

/* Thirty connections that send "ping". */
static struct tsp_run_spec thirty(uint16_t port)
{
    struct tsp_run_spec spec = load_spec(port);
    spec.rate = 600;
    spec.count = 30;
    spec.content = (struct tsp_data){ping, 4};
    return spec;
}

static struct tsp_result run_and_end(struct tsp_run_spec *spec, struct peer *p)
{
    struct tsp_result r = load_run(spec);
    peer_end(p);
    return r;
}

static void answers_that_end_well_are_ok_however_they_come(void **state)
{
    (void)state;
    static peer_manner *const manners[] = {peer_answers, peer_answers_late, peer_drips};
    static const int64_t slowness[] = {0, 50, 4 * 5}; /* ms */
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = peer_start("127.0.0.1", 0, manners[i]);
        struct tsp_run_spec spec = thirty(p->port);
        spec.expect = 4;
        struct tsp_result r = run_and_end(&spec, p);
        load_assert_all_ok(&r, 30);
        assert_int_equal(r.tally.bytes_received, 120);
        assert_int_equal(p->received, 120);
        assert_int_equal(p->accepted, 30);
        /* Not a shorter phase: only these marks lie before and after what the peer does. */
        int64_t least = tsp_hist_min(r.tally.phase[TSP_PHASE_SERVICE]);
        assert_true(least >= slowness[i] * TSP_MS);
        tsp_result_clear(&r);
        free(p);
    }
}

static void fewer_bytes_than_expected_are_short_at_the_reply(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_short);
    struct tsp_run_spec spec = thirty(p->port);
    spec.expect = 3;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 30, TSP_SHORT, TSP_STEP_REPLY);
    assert_int_equal(r.tally.bytes_received, 60);
    tsp_result_clear(&r);
    free(p);
}

static void silence_is_a_timeout_at_the_reply(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_is_silent);
    struct tsp_run_spec spec = thirty(p->port);
    spec.timeout_ns = 100 * TSP_MS;
    int64_t before = tsp_now_ns();
    struct tsp_result r = run_and_end(&spec, p);
    assert_true(tsp_now_ns() - before >= 148 * TSP_MS); /* the last is due at 48 ms */
    load_assert_all_failed(&r, 30, TSP_TIMEOUT, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    free(p);
}

/* A plain close leaves the kernel with a FIN that wants an answer, on a port that the walk
 * takes for free. */
static void what_timed_out_is_reset(void **state)
{
    (void)state;
    for (int hold = 0; hold <= 1; hold++) {
        struct peer *p = peer_start("127.0.0.1", 0, peer_is_silent);
        struct tsp_run_spec spec = thirty(p->port);
        spec.hold_ns = hold * 50 * TSP_MS;
        spec.timeout_ns = 100 * TSP_MS;
        struct tsp_result r = run_and_end(&spec, p);
        load_assert_all_failed(&r, 30, TSP_TIMEOUT, TSP_STEP_REPLY);
        assert_int_equal(p->noted, 30);
        tsp_result_clear(&r);
        free(p);
    }
}

static void a_request_nobody_reads_is_a_timeout_at_send(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, peer_never_reads);
    struct tsp_run_spec spec = thirty(p->port);
    spec.content = (struct tsp_data){request, BIG};
    spec.count = 6;
    spec.timeout_ns = 150 * TSP_MS;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 6, TSP_TIMEOUT, TSP_STEP_SEND);
    tsp_result_clear(&r);
    free(p);
    free(request);
}

/* Nobody accepts: the queue takes one, and every other SYN is dropped. */
static int nobody_accepts(void)
{
    int listener;
    struct tsp_run_spec spec = thirty(peer_closed_port(&listener));
    if (listen(listener, 0))
        return 1;
    spec.rate = 50;
    spec.count = 5;
    spec.timeout_ns = 1300 * TSP_MS; /* the SYN is sent again after 1 s */
    struct tsp_result r = load_run(&spec);
    bool fine = r.tally.failure[TSP_TIMEOUT][TSP_STEP_CONNECT] == 4 &&
                r.tally.failure[TSP_TIMEOUT][TSP_STEP_REPLY] == 1 && r.tally.retransmitted == 4 &&
                r.tally.retransmitted_ok == 0 && /* each is one miss, not two */
                r.verdict.reasons && !strcmp(r.verdict.reason[0].limit, "own listen queue");
    tsp_result_clear(&r);
    return !fine;
}

/* In a namespace of its own: the kernel's count of dropped SYNs would void the
 * verdict of every other run on this machine. */
static void a_dropped_syn_is_sent_again_and_times_out_at_connect(void **state)
{
    (void)state;
    int status = load_in_own_namespace(nobody_accepts);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

static void a_reset_instead_of_an_answer_is_a_reset_at_the_reply(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_resets);
    struct tsp_run_spec spec = thirty(p->port);
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 30, TSP_RESET, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    free(p);
}

static void a_reset_after_the_answer_is_not_taken_for_its_end(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_leaves_input);
    struct tsp_run_spec spec = thirty(p->port);
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 30, TSP_RESET, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    free(p);
}

static void reset_at_once(struct peer *p, int fd)
{
    (void)p;
    peer_reset(fd);
}

/* Which step it comes at is a matter of microseconds; that it is one is not. */
static void a_reset_right_after_accept_is_a_reset_in_every_case(void **state)
{
    (void)state;
    for (int hold = 0; hold <= 1; hold++) {
        struct peer *p = peer_start("127.0.0.1", 0, reset_at_once);
        struct tsp_run_spec spec = thirty(p->port);
        spec.hold_ns = hold * 10 * TSP_SECOND;
        struct tsp_result r = run_and_end(&spec, p);
        const uint64_t *resets = r.tally.failure[TSP_RESET];
        assert_int_equal(resets[TSP_STEP_SEND] + resets[TSP_STEP_REPLY], 30);
        assert_int_equal(r.tally.failed, 30);
        tsp_result_clear(&r);
        free(p);
    }
}

static void reset_after_the_request(struct peer *p, int fd)
{
    char request[4];
    (void)p;
    if (recv(fd, request, sizeof request, MSG_WAITALL) == sizeof request)
        peer_reset(fd);
}

static void a_reset_during_the_hold_ends_it_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, reset_after_the_request);
    struct tsp_run_spec spec = thirty(p->port);
    spec.hold_ns = 100 * TSP_SECOND; /* the test's own limit is below that */
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 30, TSP_RESET, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    free(p);
}

static void close_after_the_request(struct peer *p, int fd)
{
    char request[4];
    (void)p;
    (void)!recv(fd, request, sizeof request, MSG_WAITALL);
    (void)!send(fd, "pong", 4, MSG_NOSIGNAL);
}

static void a_peer_that_closes_during_the_hold_has_answered(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, close_after_the_request);
    struct tsp_run_spec spec = thirty(p->port);
    spec.hold_ns = 100 * TSP_SECOND;
    spec.expect = 4;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok_early(&r, 30, 30);
    tsp_result_clear(&r);
    free(p);
}

static void speaks_first(struct peer *p, int fd)
{
    (void)!send(fd, "hello", 5, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR); /* which ends the hold */
    peer_answers(p, fd);
}

/* It was 1 ns: the time from the request back to an answer that came before it. */
static void a_peer_that_speaks_first_has_no_first_byte_time(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, speaks_first);
    struct tsp_run_spec spec = thirty(p->port);
    spec.hold_ns = 100 * TSP_SECOND;
    spec.expect = 5;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok_early(&r, 30, 30);
    tsp_result_clear(&r);
    free(p);
}

static void an_early_answer_does_not_block_a_big_request(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers_early);
    struct tsp_run_spec spec = thirty(p->port);
    spec.content = (struct tsp_data){request, BIG};
    spec.count = 8;
    spec.expect = 256 << 10;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok_early(&r, 8, r.tally.answered_early); /* most */
    assert_int_equal(r.tally.bytes_sent, 8 * BIG);
    assert_int_equal(p->received, 8 * BIG);
    assert_int_equal(r.tally.bytes_received, 8 * (256 << 10));
    tsp_result_clear(&r);
    free(p);
    free(request);
}

/* Says goodbye first, but listens on: 100 ms in which the worker must not spin. */
static void ends_before_it_reads(struct peer *p, int fd)
{
    shutdown(fd, SHUT_WR);
    usleep(100000);
    peer_answers(p, fd);
}

static void a_peer_that_ends_first_still_gets_the_whole_request(void **state)
{
    (void)state;
    char *request = calloc(1, BIG);
    struct peer *p = peer_start("127.0.0.1", 0, ends_before_it_reads);
    struct tsp_run_spec spec = thirty(p->port);
    spec.content = (struct tsp_data){request, BIG};
    spec.count = 4;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok_early(&r, 4, r.tally.answered_early); /* most */
    assert_int_equal(p->received, 4 * BIG);
    tsp_result_clear(&r);
    free(p);
    free(request);
}

static void close_by_reset_resets_as_soon_as_the_answer_is_there(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_keeps_open);
    struct tsp_run_spec spec = thirty(p->port);
    spec.close = TSP_CLOSE_RESET;
    spec.expect = 4;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok(&r, 30);
    assert_int_equal(p->noted, 30);
    tsp_result_clear(&r);
    free(p);
}

static void a_fin_in_the_requests_segment_changes_no_count(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 4; len += 4) {
        struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
        struct tsp_run_spec spec = thirty(p->port);
        spec.content.len = len;
        spec.coalesce_fin = true;
        struct tsp_result r = run_and_end(&spec, p);
        load_assert_all_ok(&r, 30);
        assert_int_equal(p->received, 30 * len);
        tsp_result_clear(&r);
        free(p);
    }
}

static void an_answer_without_a_report_is_unreported_and_ok(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, peer_answers);
    struct tsp_run_spec spec = thirty(p->port);
    spec.nat = true;
    spec.expect = 4;
    struct tsp_result r = run_and_end(&spec, p);
    load_assert_all_ok(&r, 30);
    assert_int_equal(r.nat.reported, 0);
    assert_int_equal(r.nat.unreported, 30);
    tsp_result_clear(&r);
    free(p);
}

static void says_a_line(struct peer *p, int fd)
{
    peer_answers(p, fd);
    (void)!send(fd, "\nbye", 4, MSG_NOSIGNAL);
}

static void a_first_line_that_is_no_address_is_a_part_of_the_answer(void **state)
{
    (void)state;
    struct peer *p = peer_start("127.0.0.1", 0, says_a_line);
    struct tsp_run_spec spec = thirty(p->port);
    spec.nat = true;
    spec.expect = 8;
    struct tsp_result r = load_run(&spec);
    load_assert_all_ok(&r, 30);
    assert_int_equal(r.nat.unreported, 30);
    tsp_result_clear(&r);
    spec.expect = 9;
    r = run_and_end(&spec, p);
    load_assert_all_failed(&r, 30, TSP_SHORT, TSP_STEP_REPLY);
    tsp_result_clear(&r);
    free(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(answers_that_end_well_are_ok_however_they_come),
        TEST(fewer_bytes_than_expected_are_short_at_the_reply),
        TEST(silence_is_a_timeout_at_the_reply),
        TEST(what_timed_out_is_reset),
        TEST(a_request_nobody_reads_is_a_timeout_at_send),
        TEST(a_dropped_syn_is_sent_again_and_times_out_at_connect),
        TEST(a_reset_instead_of_an_answer_is_a_reset_at_the_reply),
        TEST(a_reset_after_the_answer_is_not_taken_for_its_end),
        TEST(a_reset_right_after_accept_is_a_reset_in_every_case),
        TEST(a_reset_during_the_hold_ends_it_at_once),
        TEST(a_peer_that_closes_during_the_hold_has_answered),
        TEST(a_peer_that_speaks_first_has_no_first_byte_time),
        TEST(an_early_answer_does_not_block_a_big_request),
        TEST(a_peer_that_ends_first_still_gets_the_whole_request),
        TEST(close_by_reset_resets_as_soon_as_the_answer_is_there),
        TEST(a_fin_in_the_requests_segment_changes_no_count),
        TEST(an_answer_without_a_report_is_unreported_and_ok),
        TEST(a_first_line_that_is_no_address_is_a_part_of_the_answer),
    };
    return cmocka_run_group_tests_name("run_peers", tests, NULL, NULL);
}
