/* The pacer: wakes a loop, never before the time it was set to. */
#include "net/pacer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

static int timer_code;     /* errno of the next timerfd_create; 0 = the real call */
static bool epoll_refuses; /* the next epoll_ctl */

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);

int __wrap_timerfd_create(int clock, int flags)
{
    if (!timer_code)
        return __real_timerfd_create(clock, flags);
    errno = timer_code;
    timer_code = 0;
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

struct woken {
    int times;
    int64_t at, again_at; /* when it was; where it is set to from the callback (0 = nowhere) */
};

static void on_pace(struct tsp_pacer *p)
{
    struct woken *w = p->data;
    w->times++;
    w->at = tsp_now_ns();
    if (w->again_at) {
        tsp_pacer_at(p, w->again_at);
        w->again_at = 0;
        return;
    }
    ev_break(p->loop, EVBREAK_ALL);
}

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static struct ev_loop *new_loop(void)
{
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);
    assert_non_null(loop);
    return loop;
}

static void a_timer_that_cannot_be_made_is_told_and_needs_no_closing(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct tsp_err err = {0};
    int before = next_fd();
    timer_code = EMFILE;
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, NULL, &err), -EMFILE);
    assert_string_equal(err.msg, "timerfd: Too many open files");
    tsp_pacer_close(&p);
    assert_int_equal(next_fd(), before);
    ev_loop_destroy(loop);
}

static void it_wakes_once_and_not_before_its_time(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct woken w = {0};
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, &w, NULL), 0);
    int64_t when = tsp_now_ns() + 2 * TSP_MS;
    tsp_pacer_at(&p, when);
    ev_run(loop, 0);
    assert_int_equal(w.times, 1);
    assert_true(w.at >= when);
    tsp_pacer_close(&p);
    ev_loop_destroy(loop);
}

static void a_time_that_has_passed_wakes_at_once(void **state)
{
    (void)state;
    static const int64_t past[] = {INT64_MIN, -1, 0, 1, TSP_SECOND};
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct woken w = {0};
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, &w, NULL), 0);
    for (int i = 0; i < 5; i++) {
        tsp_pacer_at(&p, past[i]);
        ev_run(loop, 0);
        assert_int_equal(w.times, i + 1);
    }
    tsp_pacer_close(&p);
    ev_loop_destroy(loop);
}

static void setting_it_replaces_what_was_set_before(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct woken w = {0};
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, &w, NULL), 0);
    int64_t when = tsp_now_ns() + 3 * TSP_MS;
    tsp_pacer_at(&p, 1);
    tsp_pacer_at(&p, when); /* expired already, but no longer due */
    ev_run(loop, 0);
    assert_int_equal(w.times, 1);
    assert_true(w.at >= when);
    tsp_pacer_close(&p);
    ev_loop_destroy(loop);
}

static void it_may_be_set_anew_from_its_own_callback(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct woken w = {.again_at = tsp_now_ns() + 2 * TSP_MS};
    int64_t when = w.again_at;
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, &w, NULL), 0);
    tsp_pacer_at(&p, 1);
    ev_run(loop, 0);
    assert_int_equal(w.times, 2);
    assert_true(w.at >= when);
    tsp_pacer_close(&p);
    ev_loop_destroy(loop);
}

static void closing_gives_the_descriptor_back_and_may_be_repeated(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    int before = next_fd();
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, NULL, NULL), 0);
    assert_int_not_equal(next_fd(), before);
    tsp_pacer_close(&p);
    tsp_pacer_close(&p);
    assert_int_equal(next_fd(), before);
    ev_loop_destroy(loop);
}

/* libev takes the watcher out when epoll refuses the descriptor, and says so
 * once: it must not be the end of the load. */
static void a_refusal_of_epoll_does_not_stop_the_clock(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    struct tsp_pacer p;
    struct woken w = {0};
    assert_int_equal(tsp_pacer_init(&p, loop, on_pace, &w, NULL), 0);
    tsp_pacer_at(&p, tsp_now_ns() + 5 * TSP_MS);
    epoll_refuses = true;
    ev_run(loop, 0);
    assert_false(epoll_refuses);
    assert_int_equal(w.times, 1);
    tsp_pacer_close(&p);
    ev_loop_destroy(loop);
}

static void the_version_of_libev_has_two_numbers(void **state)
{
    (void)state;
    int major, minor;
    assert_int_equal(sscanf(tsp_ev_version(), "%d.%d", &major, &minor), 2);
    assert_int_equal(major, ev_version_major());
    assert_int_equal(minor, ev_version_minor());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_that_cannot_be_made_is_told_and_needs_no_closing),
        cmocka_unit_test(it_wakes_once_and_not_before_its_time),
        cmocka_unit_test(a_time_that_has_passed_wakes_at_once),
        cmocka_unit_test(setting_it_replaces_what_was_set_before),
        cmocka_unit_test(it_may_be_set_anew_from_its_own_callback),
        cmocka_unit_test(closing_gives_the_descriptor_back_and_may_be_repeated),
        cmocka_unit_test(a_refusal_of_epoll_does_not_stop_the_clock),
        cmocka_unit_test(the_version_of_libev_has_two_numbers),
    };
    return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
