#include "server/acceptor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

/* Stopping takes less than a second: this much to take what is queued, ... */
#define DRAIN_NS (100 * TSP_MS)
/* ... and this much for what is open. */
#define GRACE 0.8

static void add(struct tsp_server_stats *into, const struct tsp_server_stats *from)
{
    into->accepted += from->accepted;
    into->answered += from->answered;
    into->failed += from->failed;
    into->shed += from->shed;
    into->open += from->open;
    into->accept_errors += from->accept_errors;
    into->bytes_received += from->bytes_received;
    into->bytes_sent += from->bytes_sent;
    for (int o = 0; o < TSP_OUTCOMES; o++) {
        for (int s = 0; s < TSP_STEPS; s++)
            into->failure[o][s] += from->failure[o][s];
    }
}

static void on_grace_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_acceptor *a = timer->data;
    tsp_sessions_end(&a->sessions);
    ev_break(loop, EVBREAK_ALL);
}

static void leave(struct tsp_acceptor *a)
{
    ev_io_stop(a->loop, &a->wake);
    tsp_listener_drain(&a->listener, tsp_now_ns() + DRAIN_NS);
    tsp_listener_close(&a->listener);
    a->sessions.leaving = true;
    ev_timer_start(a->loop, &a->grace);
    if (a->sessions.count.open == 0)
        ev_break(a->loop, EVBREAK_ALL);
}

static void on_wake(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    struct tsp_acceptor *a = io->data;
    uint64_t calls;
    if (read(io->fd, &calls, sizeof calls) == -1)
        return; /* nobody called: the descriptor does not block */
    pthread_mutex_lock(&a->lock);
    a->seen = a->sessions.count;
    a->answered = a->asked;
    bool stop = a->stop;
    pthread_cond_signal(&a->told);
    pthread_mutex_unlock(&a->lock);
    if (stop)
        leave(a);
}

static void *run(void *data)
{
    struct tsp_acceptor *a = data;
    ev_io_start(a->loop, &a->wake);
    tsp_listener_start(&a->listener);
    ev_run(a->loop, 0);
    return NULL;
}

/* Releases all but the counts: they can still be asked for. */
static void release(struct tsp_acceptor *a)
{
    tsp_listener_close(&a->listener);
    tsp_sessions_clear(&a->sessions);
    if (a->wake.fd != -1)
        (void)close(a->wake.fd);
    a->wake.fd = -1;
    if (a->loop)
        ev_loop_destroy(a->loop);
    a->loop = NULL;
}

static void init_lock(struct tsp_acceptor *a)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->told, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int tsp_acceptor_new(struct tsp_acceptor **out, const struct tsp_answer *answer,
                     struct tsp_err *err)
{
    struct tsp_acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return tsp_fail(err, ENOMEM, "acceptor");
    init_lock(a);
    ev_io_init(&a->wake, on_wake, -1, EV_READ);
    ev_timer_init(&a->grace, on_grace_over, GRACE, 0.);
    a->wake.data = a->grace.data = a;
    int rc;
    /* An eventfd, and not an ev_async: where descriptors have run out, libev
     * aborts the process when it cannot make the ev_async's own. */
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd == -1) {
        rc = tsp_fail(err, errno, "eventfd of an acceptor");
        goto fail;
    }
    ev_io_set(&a->wake, fd, EV_READ);
    errno = ENOMEM; /* what libev leaves there when it is not a system call */
    a->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!a->loop) {
        rc = tsp_fail(err, errno, "event loop of an acceptor");
        goto fail;
    }
    tsp_sessions_init(&a->sessions, a->loop, answer);
    *out = a;
    return 0;

fail:
    tsp_acceptor_free(a);
    return rc;
}

/* Signals are for the main thread. */
int tsp_acceptor_start(struct tsp_acceptor *a, struct tsp_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&a->thread, NULL, run, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    a->running = rc == 0;
    return rc ? tsp_fail(err, rc, "thread of an acceptor") : 0;
}

static void call(struct tsp_acceptor *a, bool stop)
{
    if (!a->running)
        return;
    pthread_mutex_lock(&a->lock);
    a->asked++;
    a->stop = a->stop || stop;
    pthread_mutex_unlock(&a->lock);
    (void)!write(a->wake.fd, &(uint64_t){1}, sizeof(uint64_t)); /* full: it is awake anyway */
}

void tsp_acceptor_ask(struct tsp_acceptor *a)
{
    call(a, false);
}

void tsp_acceptor_collect(struct tsp_acceptor *a, int64_t until_ns, struct tsp_server_stats *out)
{
    if (!a->running) {
        add(out, &a->sessions.count);
        return;
    }
    struct timespec until = {.tv_sec = until_ns / TSP_SECOND, .tv_nsec = until_ns % TSP_SECOND};
    int rc = 0;
    pthread_mutex_lock(&a->lock);
    while (a->answered < a->asked && rc == 0)
        rc = pthread_cond_timedwait(&a->told, &a->lock, &until);
    add(out, &a->seen);
    pthread_mutex_unlock(&a->lock);
}

void tsp_acceptor_stop(struct tsp_acceptor *a)
{
    call(a, true);
}

void tsp_acceptor_join(struct tsp_acceptor *a)
{
    if (a->running)
        pthread_join(a->thread, NULL);
    a->running = false;
    release(a);
}

void tsp_acceptor_free(struct tsp_acceptor *a)
{
    release(a);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->told);
    free(a);
}
