/* A server that has to end many connections at once, each of which takes its time. */
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "integration/server_client.h"
#include "net/sock.h"
#include "support/cmocka_all.h"

static atomic_uint end_us; /* how long it takes to end a connection */
static atomic_uint ends;

void __real_tsp_sock_reset_on_close(int fd);
void __wrap_tsp_sock_reset_on_close(int fd);

void __wrap_tsp_sock_reset_on_close(int fd)
{
    usleep(end_us);
    ends++;
    __real_tsp_sock_reset_on_close(fd);
}

enum { MANY = 200 };

static int some_have_failed(const struct tsp_server_stats *t)
{
    return t->failed > 0;
}

static int nothing_open(const struct tsp_server_stats *t)
{
    return t->open == 0;
}

static int many_open(const struct tsp_server_stats *t)
{
    return t->open == MANY;
}

static struct tsp_server *server_with_many(const struct tsp_server_spec *spec, int fd[MANY])
{
    struct tsp_server *s = server_start(spec);
    for (int i = 0; i < MANY; i++)
        fd[i] = client_connect(tsp_server_port(s));
    assert_int_equal(stats_when(s, many_open).open, MANY);
    ends = 0;
    return s;
}

static void while_many_time_out_the_others_and_the_statistics_are_served(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    char answer[16];
    int fd[MANY];
    spec.content = (struct tsp_data){"pong", 4};
    spec.idle_timeout_ns = TSP_SECOND;
    struct tsp_server *s = server_with_many(&spec, fd);
    end_us = 10000; /* 2 s for all */
    struct tsp_server_stats t = stats_when(s, some_have_failed);
    assert_in_range(t.failed, 1, MANY / 2);
    assert_int_equal(client_ask(tsp_server_port(s), "x", answer, sizeof answer), 4);
    tsp_server_stats(s, &t);
    assert_int_equal(t.answered, 1);
    assert_in_range(t.failed, 1, MANY - 1);
    end_us = 0;
    stats_when(s, nothing_open);
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    assert_int_equal(server_end(s).failure[TSP_TIMEOUT][TSP_STEP_REPLY], MANY);
}

static void stop_does_not_wait_until_the_last_of_many_is_closed(void **state)
{
    (void)state;
    struct tsp_server_spec spec = default_spec();
    struct tsp_server_stats t;
    int before = descriptors(), fd[MANY];
    spec.acceptors = 2;
    struct tsp_server *s = server_with_many(&spec, fd);
    end_us = 50000; /* 5 s for all, by two threads */
    tsp_server_stop(s);
    assert_in_range(ends, 1, MANY - 1);
    tsp_server_stats(s, &t);
    assert_int_equal(t.failure[TSP_TIMEOUT][TSP_STEP_REPLY], MANY);
    assert_int_equal(t.open, 0);
    server_assert_sums(&t);
    end_us = 0;
    assert_int_equal(server_end(s).failed, MANY); /* waits */
    assert_int_equal(ends, MANY);
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    assert_int_equal(descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_many_time_out_the_others_and_the_statistics_are_served),
        cmocka_unit_test(stop_does_not_wait_until_the_last_of_many_is_closed),
    };
    return cmocka_run_group_tests_name("server_many", tests, NULL, NULL);
}
