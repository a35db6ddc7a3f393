/* The waker: a call from another thread is never lost. */
#include "net/waker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static int event_code;     /* errno of the next eventfd; 0 = the real call */
static bool epoll_refuses; /* the next epoll_ctl */
static int interrupts;     /* writes that are interrupted before one is done */

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);

int __wrap_eventfd(unsigned value, int flags)
{
    if (!event_code)
        return __real_eventfd(value, flags);
    errno = event_code;
    event_code = 0;
    return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (interrupts-- <= 0)
        return __real_write(fd, bytes, len);
    errno = EINTR;
    return -1;
}

/* libev is a shared library: this one stands before libc's. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (!epoll_refuses)
        return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
    epoll_refuses = false;
    errno = ENOMEM;
    return -1;
}

static void on_wake(struct tsp_waker *w)
{
    ++*(int *)w->data;
    ev_break(w->loop, EVBREAK_ALL);
}

static int setup(void **state)
{
    interrupts = 0;
    *state = ev_loop_new(EVBACKEND_EPOLL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    ev_loop_destroy(*state);
    return 0;
}

static struct tsp_waker ready(struct ev_loop *loop, int *woken)
{
    struct tsp_waker w;
    *woken = 0;
    assert_int_equal(tsp_waker_init(&w, loop, on_wake, woken, NULL), 0);
    return w;
}

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void without_a_descriptor_it_says_so_and_needs_no_closing(void **state)
{
    struct tsp_waker w;
    struct tsp_err err = {0};
    int before = next_fd();
    event_code = EMFILE;
    assert_int_equal(tsp_waker_init(&w, *state, on_wake, NULL, &err), -EMFILE);
    assert_string_equal(err.msg, "eventfd: Too many open files");
    tsp_waker_close(&w);
    assert_int_equal(next_fd(), before);
}

static void many_calls_wake_once_and_those_before_the_start_count(void **state)
{
    int woken, before = next_fd();
    struct tsp_waker w = ready(*state, &woken);
    for (int i = 0; i < 5; i++)
        tsp_waker_call(&w);
    tsp_waker_start(&w);
    ev_run(*state, 0);
    assert_int_equal(woken, 1);
    ev_run(*state, EVRUN_NOWAIT);
    assert_int_equal(woken, 1);
    tsp_waker_close(&w);
    assert_int_equal(next_fd(), before);
}

static void stopped_it_hears_nothing_until_it_is_started_again(void **state)
{
    int woken;
    struct tsp_waker w = ready(*state, &woken);
    tsp_waker_start(&w);
    tsp_waker_stop(&w);
    tsp_waker_call(&w);
    ev_run(*state, EVRUN_NOWAIT);
    assert_int_equal(woken, 0);
    tsp_waker_start(&w);
    ev_run(*state, 0);
    assert_int_equal(woken, 1);
    tsp_waker_close(&w);
}

static void *call(void *waker)
{
    tsp_waker_call(waker);
    return NULL;
}

static void another_thread_wakes_a_sleeping_loop(void **state)
{
    int woken;
    pthread_t thread;
    struct tsp_waker w = ready(*state, &woken);
    tsp_waker_start(&w);
    assert_int_equal(pthread_create(&thread, NULL, call, &w), 0);
    ev_run(*state, 0);
    pthread_join(thread, NULL);
    assert_int_equal(woken, 1);
    tsp_waker_close(&w);
}

static void an_interrupted_call_is_made_again(void **state)
{
    int woken;
    struct tsp_waker w = ready(*state, &woken);
    tsp_waker_start(&w);
    interrupts = 3;
    tsp_waker_call(&w);
    ev_run(*state, EVRUN_NOWAIT);
    assert_int_equal(woken, 1);
    tsp_waker_close(&w);
}

/* libev takes the watcher out when epoll refuses the descriptor, and says so
 * once: a stop would never be heard. */
static void a_refusal_of_epoll_does_not_make_it_deaf(void **state)
{
    int woken;
    struct tsp_waker w = ready(*state, &woken);
    tsp_waker_start(&w);
    epoll_refuses = true;
    ev_run(*state, EVRUN_NOWAIT);
    assert_false(epoll_refuses);
    tsp_waker_call(&w);
    ev_run(*state, EVRUN_NOWAIT);
    ev_run(*state, EVRUN_NOWAIT);
    assert_int_equal(woken, 1);
    tsp_waker_close(&w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(without_a_descriptor_it_says_so_and_needs_no_closing),
        TEST(many_calls_wake_once_and_those_before_the_start_count),
        TEST(stopped_it_hears_nothing_until_it_is_started_again),
        TEST(another_thread_wakes_a_sleeping_loop),
        TEST(an_interrupted_call_is_made_again),
        TEST(a_refusal_of_epoll_does_not_make_it_deaf),
    };
    return cmocka_run_group_tests_name("waker", tests, NULL, NULL);
}
