/* A host that is held up: whoever it was, it was not the target. */
#include "client/run.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/load.h"
#include "integration/server_client.h"
#include "support/cmocka_all.h"

static struct tsp_server *a_server(void)
{
    struct tsp_server_spec spec = default_spec();
    return server_start(&spec);
}

/* The child stops this whole process for a while, as a busy host would. */
static void stop_for(int64_t ms)
{
    pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (child)
        return;
    usleep(100000);
    kill(parent, SIGSTOP);
    usleep((useconds_t)ms * 1000);
    kill(parent, SIGCONT);
    _exit(0);
}

static void a_closed_loop_that_was_held_up_is_invalid(void **state)
{
    (void)state;
    struct tsp_server *s = a_server();
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.concurrency = 2;
    spec.hold_ns = 20 * TSP_MS; /* so that the processor is idle */
    spec.length_ns = 800 * TSP_MS;
    stop_for(300);
    struct tsp_result r = load_run(&spec);
    assert_int_equal(r.verdict.reasons, 1);
    assert_string_equal(r.verdict.reason[0].limit, "generator");
    assert_non_null(strstr(r.verdict.reason[0].text, "late wake-ups: for "));
    assert_int_equal(wait(NULL) > 0, 1);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

/* 150 ms are much for an exchange of a millisecond, however long it is held. */
static void a_stall_is_no_smaller_for_a_long_hold(void **state)
{
    (void)state;
    struct tsp_server *s = a_server();
    struct tsp_run_spec spec = load_spec(tsp_server_port(s));
    spec.rate = 200;
    spec.length_ns = 800 * TSP_MS;
    spec.hold_ns = 3 * TSP_SECOND;
    stop_for(150);
    struct tsp_result r = load_run(&spec);
    assert_true(r.verdict.reasons > 0);
    assert_string_equal(r.verdict.reason[0].what, "late starts");
    assert_int_equal(wait(NULL) > 0, 1);
    tsp_result_clear(&r);
    tsp_server_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_closed_loop_that_was_held_up_is_invalid),
        TEST(a_stall_is_no_smaller_for_a_long_hold),
    };
    return cmocka_run_group_tests_name("run_stall", tests, NULL, NULL);
}
