/* The server over real sockets on loopback: exact counts. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/server_client.h"
#include "net/addr.h"
#include "support/cmocka_all.h"

static int one_open(const struct tsp_server_stats *t)
{
    return t->open == 1;
}

static void every_answer_a_client_has_seen_is_in_the_statistics(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){"pong", 4};
    spec.acceptors = 2;
    struct tsp_server *s = server_start(&spec);
    for (uint64_t i = 1; i <= 200; i++) {
        char answer[16];
        struct tsp_server_stats t;
        assert_int_equal(client_ask(tsp_server_port(s), "ping", answer, sizeof answer), 4);
        assert_memory_equal(answer, "pong", 4);
        tsp_server_stats(s, &t);
        assert_int_equal(t.answered, i);
        server_assert_sums(&t);
    }
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.accepted, 200);
    assert_int_equal(t.bytes_received, 800);
    assert_int_equal(t.bytes_sent, 800);
}

static void a_client_that_half_closes_without_a_word_is_answered(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    char answer[16];
    assert_int_equal(client_ask(tsp_server_port(s), "", answer, sizeof answer), 4);
    assert_int_equal(server_end(s).answered, 1);
}

static void a_server_without_content_answers_with_its_end(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *s = server_start(&spec);
    char answer[16];
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 0);
    assert_int_equal(server_end(s).answered, 1);
}

static void a_long_answer_arrives_whole(void **state)
{
    (void)state;
    size_t len = 20u << 20;
    char *content = malloc(len), *whole = malloc(len + 100);
    assert_non_null(content);
    assert_non_null(whole);
    for (size_t i = 0; i < len; i++)
        content[i] = (char)(i * 31 >> 7);
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){content, len};
    spec.report_peer = true;
    struct tsp_server *s = server_start(&spec);
    ssize_t n = client_ask(tsp_server_port(s), "x", whole, len + 100);
    char *line_end = memchr(whole, '\n', 64);
    assert_non_null(line_end);
    assert_int_equal(n, (ssize_t)len + (line_end + 1 - whole));
    assert_memory_equal(line_end + 1, content, len);
    assert_int_equal(server_end(s).bytes_sent, (uint64_t)n);
    free(whole);
    free(content);
}

static void a_peer_is_told_the_address_it_is_seen_with(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    const char *both[] = {"127.0.0.1", "::1"};
    spec.listen = (struct tsp_strings){both, 2};
    spec.content = (struct tsp_data){"pong", 4};
    spec.report_peer = true;
    struct tsp_server *s = server_start(&spec);
    for (int v6 = 0; v6 <= 1; v6++) {
        char answer[128] = "", want[128];
        int fd = v6 ? client_connect6(tsp_server_port(s)) : client_connect(tsp_server_port(s));
        assert_int_not_equal(fd, -1);
        struct tsp_addr own = {.len = sizeof own.v6};
        assert_int_equal(getsockname(fd, &own.sa, &own.len), 0);
        ssize_t n = client_finish(fd, "x", answer, sizeof answer - 1);
        snprintf(want, sizeof want, v6 ? "[::1]:%u\npong" : "127.0.0.1:%u\npong",
                 tsp_addr_port(&own));
        assert_int_equal(n, (ssize_t)strlen(want));
        assert_string_equal(answer, want);
    }
    assert_int_equal(server_end(s).answered, 2);
}

static void with_defer_accept_a_client_without_a_word_is_answered_too(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    spec.content = (struct tsp_data){"pong", 4};
    spec.defer_accept = true;
    struct tsp_server *s = server_start(&spec);
    assert_int_equal(client_ask(tsp_server_port(s), "", answer, sizeof answer), 4);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
    assert_int_equal(server_end(s).answered, 2);
}

static void all_addresses_share_the_free_port(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    const char *both[] = {"127.0.0.1", "::1"};
    char want[64];
    spec.listen = (struct tsp_strings){both, 2};
    spec.acceptors = 3;
    struct tsp_server *s = server_start(&spec);
    snprintf(want, sizeof want, "127.0.0.1:%u", tsp_server_port(s));
    assert_string_equal(tsp_server_address(s, 0), want);
    snprintf(want, sizeof want, "[::1]:%u", tsp_server_port(s));
    assert_string_equal(tsp_server_address(s, 1), want);
    assert_null(tsp_server_address(s, 2));
    server_end(s);
}

static void a_port_in_use_is_refused_even_by_another_server_of_ours(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server *first = server_start(&spec), *second;
    struct tsp_err err = {0};
    char want[128];
    int before = descriptors();
    spec.port = (struct tsp_ports){tsp_server_port(first), tsp_server_port(first)};
    assert_int_equal(tsp_server_start(&second, &spec, &err), -EADDRINUSE);
    snprintf(want, sizeof want, "listen on 127.0.0.1:%u: %s", spec.port.lo, strerror(EADDRINUSE));
    assert_string_equal(err.msg, want);
    assert_null(second);
    assert_int_equal(descriptors(), before);
    tsp_server_free(first);
    second = server_start(&spec); /* free again */
    server_end(second);
}

static void *stop_in_a_thread(void *server)
{
    tsp_server_stop(server);
    return NULL;
}

static void stop_lets_an_open_connection_finish(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    size_t len = 20u << 20;
    char *content = calloc(2, len);
    assert_non_null(content);
    spec.content = (struct tsp_data){content, len};
    struct tsp_server *s = server_start(&spec);
    int fd = client_connect(tsp_server_port(s));
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_in_a_thread, s);
    assert_int_equal(client_finish(fd, "x", content + len, len), (ssize_t)len);
    pthread_join(stopper, NULL);
    assert_int_equal(server_end(s).answered, 1);
    free(content);
}

static void stop_ends_what_does_not_finish(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    int before = descriptors();
    struct tsp_server *s = server_start(&spec);
    int fd = client_connect(tsp_server_port(s));
    stats_when(s, one_open);
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.failure[TSP_TIMEOUT][TSP_STEP_REPLY], 1);
    close(fd);
    assert_int_equal(descriptors(), before);
}

static void what_the_kernel_had_queued_at_stop_is_answered(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){"pong", 4};
    struct tsp_server *s = server_start(&spec);
    int fd[50];
    char answer[16];
    for (int i = 0; i < 50; i++) {
        fd[i] = client_connect(tsp_server_port(s));
        assert_int_equal(send(fd[i], "x", 1, MSG_NOSIGNAL), 1);
        assert_int_equal(shutdown(fd[i], SHUT_WR), 0);
    }
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.answered, 50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(recv(fd[i], answer, sizeof answer, 0), 4);
        close(fd[i]);
    }
}

static void a_server_that_did_nothing_stops_at_once_and_twice(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    int before = descriptors();
    struct tsp_server *s = server_start(&spec);
    tsp_server_stop(s);
    tsp_server_stop(s);
    assert_int_equal(server_end(s).accepted, 0);
    assert_int_equal(descriptors(), before);
    tsp_server_free(NULL);
}

static void counts_of_concurrent_clients_are_exact(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    spec.content = (struct tsp_data){"pong", 4};
    spec.acceptors = 4;
    struct tsp_server *s = server_start(&spec);
    enum { AT_ONCE = 50, ROUNDS = 20 };
    for (int round = 0; round < ROUNDS; round++) {
        int fd[AT_ONCE];
        char answer[16];
        struct tsp_server_stats t;
        for (int i = 0; i < AT_ONCE; i++)
            fd[i] = client_connect(tsp_server_port(s));
        tsp_server_stats(s, &t);
        server_assert_sums(&t);
        for (int i = 0; i < AT_ONCE; i++)
            assert_int_equal(client_finish(fd[i], "ping", answer, sizeof answer), 4);
    }
    struct tsp_server_stats t = server_end(s);
    assert_int_equal(t.answered, AT_ONCE * ROUNDS);
    assert_int_equal(t.bytes_received, 4 * AT_ONCE * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_a_client_has_seen_is_in_the_statistics),
        cmocka_unit_test(a_client_that_half_closes_without_a_word_is_answered),
        cmocka_unit_test(a_server_without_content_answers_with_its_end),
        cmocka_unit_test(a_long_answer_arrives_whole),
        cmocka_unit_test(a_peer_is_told_the_address_it_is_seen_with),
        cmocka_unit_test(with_defer_accept_a_client_without_a_word_is_answered_too),
        cmocka_unit_test(all_addresses_share_the_free_port),
        cmocka_unit_test(a_port_in_use_is_refused_even_by_another_server_of_ours),
        cmocka_unit_test(stop_lets_an_open_connection_finish),
        cmocka_unit_test(stop_ends_what_does_not_finish),
        cmocka_unit_test(what_the_kernel_had_queued_at_stop_is_answered),
        cmocka_unit_test(a_server_that_did_nothing_stops_at_once_and_twice),
        cmocka_unit_test(counts_of_concurrent_clients_are_exact),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
