#include "base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);

/* 0 from the test means: use the real call. */
int __wrap_eventfd(unsigned count, int flags)
{
    int code = mock_type(int);
    if (code == 0)
        return __real_eventfd(count, flags);
    errno = code;
    return -1;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}

/* Runs body in a process of its own; its wait status. */
static int in_child(void (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body();
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_failed_install_is_reported(void **state)
{
    struct tsp_err err;
    (void)state;
    will_return(__wrap_eventfd, EMFILE);
    assert_int_equal(tsp_interrupt_install(&err), -EMFILE);
    assert_string_equal(err.msg, "eventfd: Too many open files");
    assert_int_equal(tsp_interrupt_fd(), -1);
}

static void before_install_a_sleep_still_sleeps(void **state)
{
    (void)state;
    int64_t start = tsp_now_ns();
    assert_false(tsp_interrupt_sleep(TSP_MS));
    assert_true(tsp_now_ns() - start >= TSP_MS);
    assert_false(tsp_interrupt_sleep(-1));
}

static void install_twice_opens_one_descriptor(void **state)
{
    (void)state;
    will_return(__wrap_eventfd, 0);
    assert_int_equal(tsp_interrupt_install(NULL), 0);
    int fd = tsp_interrupt_fd();
    assert_true(fd >= 0);
    assert_int_equal(tsp_interrupt_install(NULL), 0); /* no second eventfd: nothing to return */
    assert_int_equal(tsp_interrupt_fd(), fd);
    assert_int_equal(tsp_interrupted(), 0);
    assert_false(readable(fd));
}

static void a_closed_pipe_does_not_end_the_process(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

/* The shell's own end: by SIGPIPE, unless it was started with that ignored. */
static int of_a_command_that_breaks_a_pipe(void)
{
    return system("kill -PIPE $$; exit 7"); /* NOLINT(cert-env33-c) */
}

static void a_command_meets_a_closed_pipe_as_if_we_had_not_started_it(void **state)
{
    (void)state;
    int status = of_a_command_that_breaks_a_pipe();
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void ignore_then_install(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (tsp_interrupt_install(NULL))
        _exit(1);
    raise(SIGHUP);
    if (tsp_interrupted())
        _exit(2);
    int status = of_a_command_that_breaks_a_pipe();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        _exit(3);
    raise(SIGINT);
    raise(SIGHUP);
    _exit(tsp_interrupted() == SIGINT ? 0 : 4);
}

static void what_was_ignored_when_we_were_started_stays_so(void **state)
{
    (void)state;
    assert_int_equal(in_child(ignore_then_install), 0);
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void another_signal_does_not_shorten_a_sleep(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval soon = {.it_value = {.tv_usec = 200}};
    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    int64_t start = tsp_now_ns();
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_false(tsp_interrupt_sleep(3 * TSP_MS));
    assert_true(tsp_now_ns() - start >= 3 * TSP_MS);
    sigaction(SIGALRM, &before, NULL);
}

static void interrupt_twice(void)
{
    raise(SIGINT);
    if (tsp_interrupted() == SIGINT)
        raise(SIGINT);
}

static void interrupt_then_terminate(void)
{
    raise(SIGINT);
    if (tsp_interrupted() == SIGINT)
        raise(SIGTERM);
}

static void terminate_twice(void)
{
    raise(SIGTERM);
    if (tsp_interrupted() == SIGTERM)
        raise(SIGTERM);
}

static void hang_up_then(int sig)
{
    raise(SIGHUP);
    if (tsp_interrupted() == SIGHUP)
        raise(sig);
}

static void hang_up_then_interrupt(void)
{
    hang_up_then(SIGINT);
}

static void interrupt_then_hang_up(void)
{
    raise(SIGINT);
    if (tsp_interrupted() == SIGINT)
        raise(SIGHUP);
}

static void hang_up_three_times(void)
{
    hang_up_then(SIGHUP);
    hang_up_then(SIGHUP);
    _exit(tsp_interrupted() == SIGHUP && readable(tsp_interrupt_fd()) ? 0 : 1);
}

static void a_hangup_is_a_stop_like_sigterm(void **state)
{
    (void)state;
    int status = in_child(hang_up_then_interrupt);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    status = in_child(interrupt_then_hang_up);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGHUP);
}

static void a_terminal_that_closes_and_hangs_up_twice_is_one_stop(void **state)
{
    (void)state;
    assert_int_equal(in_child(hang_up_three_times), 0);
}

static void the_second_signal_ends_the_process_by_that_signal(void **state)
{
    (void)state;
    int status = in_child(interrupt_twice);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    status = in_child(interrupt_then_terminate);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    status = in_child(terminate_twice);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void the_first_signal_sets_flag_and_descriptor_for_ever(void **state)
{
    (void)state;
    errno = ENOENT;
    raise(SIGTERM);
    assert_int_equal(errno, ENOENT); /* the handler keeps the interrupted code's errno */
    assert_int_equal(tsp_interrupted(), SIGTERM);
    assert_true(readable(tsp_interrupt_fd()));
    assert_true(tsp_interrupt_sleep(3600 * TSP_SECOND)); /* at once, or the test times out */
    assert_true(tsp_interrupt_sleep(0));
    assert_true(readable(tsp_interrupt_fd()));
}

int main(void)
{
    /* In this order: the flag, once set, stays set. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_install_is_reported),
        cmocka_unit_test(before_install_a_sleep_still_sleeps),
        cmocka_unit_test(install_twice_opens_one_descriptor),
        cmocka_unit_test(a_closed_pipe_does_not_end_the_process),
        cmocka_unit_test(another_signal_does_not_shorten_a_sleep),
        cmocka_unit_test(a_command_meets_a_closed_pipe_as_if_we_had_not_started_it),
        cmocka_unit_test(what_was_ignored_when_we_were_started_stays_so),
        cmocka_unit_test(a_hangup_is_a_stop_like_sigterm),
        cmocka_unit_test(a_terminal_that_closes_and_hangs_up_twice_is_one_stop),
        cmocka_unit_test(the_second_signal_ends_the_process_by_that_signal),
        cmocka_unit_test(the_first_signal_sets_flag_and_descriptor_for_ever),
    };
    signal(SIGPIPE, SIG_DFL); /* whoever started the test may have ignored them */
    signal(SIGHUP, SIG_DFL);
    return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
