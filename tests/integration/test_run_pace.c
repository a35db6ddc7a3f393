/* When connections are opened, and when their counts are handed on, where something
 * stands in the way: failures that take no time, a stall.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/load.h"
#include "support/cmocka_all.h"
#include "support/peer.h"

static atomic_bool stall;       /* the next socket of a worker takes a second */
static _Thread_local bool mine; /* the test's own thread: never disturbed */
static int64_t posted_ns[64];
static atomic_uint posts;

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
void __real_tsp_mailbox_post(struct tsp_mailbox *m, struct tsp_slice *slice);
void __wrap_tsp_mailbox_post(struct tsp_mailbox *m, struct tsp_slice *slice);

int __wrap_socket(int family, int type, int protocol)
{
    if (!mine && atomic_exchange(&stall, false))
        usleep(1000000);
    return __real_socket(family, type, protocol);
}

void __wrap_tsp_mailbox_post(struct tsp_mailbox *m, struct tsp_slice *slice)
{
    unsigned n = atomic_fetch_add(&posts, 1);
    if (n < sizeof posted_ns / sizeof *posted_ns)
        posted_ns[n] = tsp_now_ns();
    __real_tsp_mailbox_post(m, slice);
}

/* Eight places; each may fail at 0, 0.1, ... 0.5 s. Unbounded it is some 100,000. */
static void a_closed_loop_whose_connections_fail_at_once_does_not_spin(void **state)
{
    (void)state;
    int held;
    struct tsp_run_spec spec = load_spec(peer_closed_port(&held));
    spec.concurrency = 8;
    spec.length_ns = 550 * TSP_MS;
    struct tsp_result r = load_run(&spec);
    assert_in_range(r.tally.started, 8, 48);
    load_assert_all_failed(&r, r.tally.due, TSP_REFUSED, TSP_STEP_CONNECT);
    tsp_result_clear(&r);
    spec.length_ns = TSP_UNSET;
    spec.count = 20;
    r = load_run(&spec);
    load_assert_all_failed(&r, 20, TSP_REFUSED, TSP_STEP_CONNECT);
    tsp_result_clear(&r);
    close(held);
}

static unsigned posts_between(int64_t from_ns, int64_t to_ns)
{
    unsigned n = 0;
    for (unsigned i = 0; i < atomic_load(&posts); i++)
        n += posted_ns[i] > from_ns && posted_ns[i] < to_ns;
    return n;
}

/* A second passes before the first end of an interval (0.4 s) is noticed. The next are at
 * 1.2 s, 1.6 s, ... and not 0.4 s, 0.8 s, ... after that. */
static void intervals_end_when_they_should_also_after_a_stall(void **state)
{
    (void)state;
    int held;
    struct tsp_run_spec spec = load_spec(peer_closed_port(&held));
    spec.rate = 20;
    spec.length_ns = 2 * TSP_SECOND;
    spec.interval_ns = 400 * TSP_MS;
    spec.workers = 1;
    atomic_store(&posts, 0);
    atomic_store(&stall, true);
    struct tsp_result r = load_run(&spec);
    assert_true(posts >= 4);
    assert_int_equal(posts_between(posted_ns[0] + 50 * TSP_MS, posted_ns[0] + 350 * TSP_MS), 1);
    tsp_result_clear(&r);
    close(held);
}

int main(void)
{
    mine = true;
#define TEST(name) cmocka_unit_test_setup_teardown(name, load_setup, load_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_closed_loop_whose_connections_fail_at_once_does_not_spin),
        TEST(intervals_end_when_they_should_also_after_a_stall),
    };
    return cmocka_run_group_tests_name("run_pace", tests, NULL, NULL);
}
