/* What the server does with clients that idle, dawdle, flood or reset: exact counts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"

static int nothing_open(const struct tsp_server_stats *t)
{
    return t->accepted && !t->open;
}

static int five_open(const struct tsp_server_stats *t)
{
    return t->accepted >= 5 && t->open == 5;
}

static int one_byte(const struct tsp_server_stats *t)
{
    return t->bytes_received == 1;
}

static int one_shed(const struct tsp_server_stats *t)
{
    return t->shed == 1;
}

static uint64_t wanted; /* connections, for all_taken */

static int all_taken(const struct tsp_server_stats *t)
{
    return t->accepted == wanted && t->open == (wanted < 40 ? wanted : 40);
}

static void an_idle_client_is_ended_when_its_time_is_up(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.idle_timeout_ns = 50 * TSP_MS;
    struct tsp_server *s = server_start(&spec);
    int64_t before = tsp_now_ns();
    int fd = client_connect(tsp_server_port(s));
    assert_int_equal(recv(fd, answer, sizeof answer, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(tsp_now_ns() - before >= 50 * TSP_MS);
    close(fd);
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.failure[TSP_TIMEOUT][TSP_STEP_REPLY], 1);
    assert_int_equal(t.failed, 1);
}

static void progress_does_not_save_a_client_from_the_total_time_out(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    spec.idle_timeout_ns = 10 * TSP_SECOND;
    spec.total_timeout_ns = 100 * TSP_MS;
    struct tsp_server *s = server_start(&spec);
    int fd = client_connect(tsp_server_port(s)), sent = 0;
    int64_t before = tsp_now_ns();
    while (sent < 1000 && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
        usleep(10000);
        sent++;
    }
    assert_true(sent < 1000);
    assert_true(tsp_now_ns() - before >= 100 * TSP_MS);
    close(fd);
    assert_int_equal(server_end(s).failure[TSP_TIMEOUT][TSP_STEP_REPLY], 1);
}

static void progress_saves_a_slow_client_from_the_idle_time_out(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    spec.idle_timeout_ns = 400 * TSP_MS;
    struct tsp_server *s = server_start(&spec);
    int fd = client_connect(tsp_server_port(s));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
        usleep(50000);
    }
    assert_int_equal(client_finish(fd, "", answer, sizeof answer), 4);
    assert_int_equal(server_end(s).answered, 1);
}

static void a_client_that_does_not_read_is_ended_at_the_send_step(void **state)
{
    (void)state;
    size_t len = 20u << 20;
    char *content = calloc(1, len);
    assert_non_null(content);
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){content, len};
    spec.idle_timeout_ns = 100 * TSP_MS;
    struct tsp_server *s = server_start(&spec);
    int fd = client_connect(tsp_server_port(s));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    stats_when(s, nothing_open);
    close(fd);
    assert_int_equal(server_end(s).failure[TSP_TIMEOUT][TSP_STEP_SEND], 1);
    free(content);
}

static void a_request_over_the_cap_is_ended_with_a_reset(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.max_request = 4;
    struct tsp_server *s = server_start(&spec);
    assert_int_equal(client_ask(tsp_server_port(s), "four", answer, sizeof answer), 0);
    int fd = client_connect(tsp_server_port(s));
    assert_int_equal(send(fd, "fiver", 5, MSG_NOSIGNAL), 5);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.answered, 1);
    assert_int_equal(t.failure[TSP_OTHER][TSP_STEP_REPLY], 1);
}

static void a_reset_is_counted_as_one(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *s = server_start(&spec);
    for (int i = 0; i < 100; i++)
        client_reset(client_connect(tsp_server_port(s)));
    struct tsp_server_stats t = server_end(s); /* takes what is queued */
    assert_int_equal(t.accepted, 100);
    assert_int_equal(t.failure[TSP_RESET][TSP_STEP_REPLY], 100);
}

static void at_the_cap_the_one_longest_without_progress_is_shed(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    int fd[6];
    spec.content = (struct tsp_data){"pong", 4};
    spec.max_open = 5;
    struct tsp_server *s = server_start(&spec);
    assert_int_equal(tsp_server_max_open(s), 5);
    for (int i = 0; i < 5; i++)
        fd[i] = client_connect(tsp_server_port(s));
    stats_when(s, five_open);
    assert_int_equal(send(fd[0], "x", 1, MSG_NOSIGNAL), 1); /* now the second is the idlest */
    stats_when(s, one_byte);
    fd[5] = client_connect(tsp_server_port(s));
    struct tsp_server_stats t = stats_when(s, one_shed);
    assert_int_equal(t.shed, 1);
    assert_int_equal(t.open, 5);
    assert_int_equal(recv(fd[1], answer, sizeof answer, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd[1]);
    for (int i = 0; i < 6; i++) {
        if (i != 1)
            assert_int_equal(client_finish(fd[i], "x", answer, sizeof answer), 4);
    }
    t = server_end(s);
    assert_int_equal(t.answered, 5);
    assert_int_equal(t.failed, 0);
}

static void the_cap_is_one_number_for_all_acceptors(void **state)
{
    (void)state;
    enum { CAP = 40, ALL = 3 * CAP };
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    int fd[ALL];
    spec.content = (struct tsp_data){"pong", 4};
    spec.max_open = CAP;
    spec.acceptors = 4;
    struct tsp_server *s = server_start(&spec);
    assert_int_equal(tsp_server_max_open(s), CAP);
    for (int i = 0; i < ALL; i++) {
        fd[i] = client_connect(tsp_server_port(s));
        wanted = (uint64_t)i + 1;
        struct tsp_server_stats t = stats_when(s, all_taken);
        assert_int_equal(t.open, i < CAP ? i + 1 : CAP);
        assert_int_equal(t.shed, i < CAP ? 0 : i + 1 - CAP);
        if (i < CAP)
            continue;
        /* The one longest without progress, whichever thread has it. */
        assert_int_equal(recv(fd[i - CAP], answer, sizeof answer, 0), -1);
        assert_int_equal(errno, ECONNRESET);
        close(fd[i - CAP]);
    }
    for (int i = ALL - CAP; i < ALL; i++)
        assert_int_equal(client_finish(fd[i], "x", answer, sizeof answer), 4);
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.answered, CAP);
    assert_int_equal(t.failed, 0);
}

static void a_crowd_is_shed_down_to_the_cap_and_no_further(void **state)
{
    (void)state;
    enum { CAP = 40, CROWD = 400, ROUNDS = 5 };
    struct tsp_server_spec spec = default_spec();
    int fd[CROWD];
    spec.max_open = CAP;
    spec.acceptors = 8;
    for (int round = 0; round < ROUNDS; round++) {
        struct tsp_server *s = server_start(&spec);
        for (int i = 0; i < CROWD; i++)
            fd[i] = client_connect(tsp_server_port(s));
        wanted = CROWD;
        struct tsp_server_stats t = stats_when(s, all_taken);
        assert_int_equal(t.open, CAP);
        assert_int_equal(t.shed, CROWD - CAP);
        for (int i = 0; i < CROWD; i++)
            close(fd[i]);
        server_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_client_is_ended_when_its_time_is_up),
        cmocka_unit_test(progress_does_not_save_a_client_from_the_total_time_out),
        cmocka_unit_test(progress_saves_a_slow_client_from_the_idle_time_out),
        cmocka_unit_test(a_client_that_does_not_read_is_ended_at_the_send_step),
        cmocka_unit_test(a_request_over_the_cap_is_ended_with_a_reset),
        cmocka_unit_test(a_reset_is_counted_as_one),
        cmocka_unit_test(at_the_cap_the_one_longest_without_progress_is_shed),
        cmocka_unit_test(the_cap_is_one_number_for_all_acceptors),
        cmocka_unit_test(a_crowd_is_shed_down_to_the_cap_and_no_further),
    };
    return cmocka_run_group_tests_name("server_limits", tests, NULL, NULL);
}
