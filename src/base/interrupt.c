#include "base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Written by the signal handler, read by every thread. A lock-free atomic is
 * the one type that is safe in both places. */
static atomic_int caught;
static int wake_fd = -1;

static void set_action(int sig, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT); /* one at a time: no handler inside a handler */
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGHUP);
    sigaction(sig, &action, NULL); /* fails only for a bad signal number */
}

/* What was ignored when we were started (SIGHUP, by nohup) stays so: for us, and for the
 * commands we start. Not so SIGINT: shells ignore that for all they start with "&". */
static void set_unless_ignored(int sig, void (*handler)(int))
{
    struct sigaction now;
    if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        set_action(sig, handler);
}

/* The kernel's own default action then ends the process on the second signal, whatever
 * our threads are busy with, and the shell sees 128 + its number. A second SIGHUP is no
 * such: a terminal that closes brings it from its shell and, when that ends, from the
 * kernel, while we write the report. */
static void on_signal(int sig)
{
    int code = errno;
    set_action(SIGINT, SIG_DFL);
    set_action(SIGTERM, SIG_DFL);
    if (sig != SIGHUP)
        set_unless_ignored(SIGHUP, SIG_DFL);
    atomic_store(&caught, sig);
    ssize_t n = write(wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n; /* an eventfd that holds little takes 1 */
    errno = code;
}

/* Not SIG_IGN: that is handed on to every command a script starts, and in those
 * "yes | head" would not end in silence. */
static void on_closed_pipe(int sig)
{
    (void)sig; /* write says EPIPE */
}

int tsp_interrupt_install(struct tsp_err *err)
{
    if (wake_fd == -1) {
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_fd == -1)
            return tsp_fail(err, errno, "eventfd");
    }
    set_unless_ignored(SIGPIPE, on_closed_pipe);
    set_unless_ignored(SIGHUP, on_signal);
    set_action(SIGINT, on_signal);
    set_action(SIGTERM, on_signal);
    return 0;
}

int tsp_interrupted(void)
{
    return atomic_load(&caught);
}

int tsp_interrupt_fd(void)
{
    return wake_fd;
}

bool tsp_interrupt_sleep(int64_t ns)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll skips a fd of -1 */
    int64_t until = tsp_now_ns() + (ns < INT64_MAX / 2 ? ns : INT64_MAX / 2);
    int64_t left = ns;
    while (left > 0 && !tsp_interrupted()) {
        struct timespec t = {.tv_sec = left / TSP_SECOND, .tv_nsec = left % TSP_SECOND};
        if (ppoll(&wake, 1, &t, NULL) == -1 && errno != EINTR)
            break; /* out of memory: better not to sleep than to spin */
        left = until - tsp_now_ns();
    }
    return tsp_interrupted() != 0;
}
