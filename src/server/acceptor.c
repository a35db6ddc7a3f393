#include "server/acceptor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/loop.h"

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

static void tell_last(struct tsp_acceptor *a, const struct tsp_server_stats *count, bool done)
{
    pthread_mutex_lock(&a->lock);
    a->seen = *count;
    a->final = true;
    a->done = done;
    pthread_cond_signal(&a->told);
    pthread_mutex_unlock(&a->lock);
}

/* Closing a million sockets takes ten seconds: whoever stops the server does not wait. */
static void on_grace_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct tsp_acceptor *a = timer->data;
    struct tsp_server_stats count;
    tsp_sessions_foresee_end(&a->sessions, &count);
    tell_last(a, &count, false);
    tsp_sessions_end(&a->sessions);
    ev_break(loop, EVBREAK_ALL);
}

static void leave(struct tsp_acceptor *a)
{
    tsp_waker_stop(&a->wake);
    a->sessions.leaving = true;
    tsp_sessions_relieve(&a->sessions);
    tsp_listener_drain(&a->listener, tsp_now_ns() + DRAIN_NS);
    tsp_listener_close(&a->listener);
    ev_timer_start(a->loop, &a->grace);
    /* What ended last in between was not the last of all. */
    ev_break(a->loop, a->sessions.count.open ? EVBREAK_CANCEL : EVBREAK_ALL);
}

static void on_wake(struct tsp_waker *waker)
{
    struct tsp_acceptor *a = waker->data;
    pthread_mutex_lock(&a->lock);
    a->seen = a->sessions.count;
    a->answered = a->asked;
    bool stop = a->stop;
    pthread_cond_signal(&a->told);
    pthread_mutex_unlock(&a->lock);
    if (stop) {
        leave(a);
        return;
    }
    tsp_sessions_relieve(&a->sessions);
    tsp_listener_start(&a->listener);
}

static void *run(void *data)
{
    struct tsp_acceptor *a = data;
    tsp_waker_start(&a->wake);
    tsp_listener_start(&a->listener);
    ev_run(a->loop, 0);
    tell_last(a, &a->sessions.count, true);
    return NULL;
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
                     struct tsp_cap *cap, struct tsp_err *err)
{
    struct tsp_acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return tsp_fail(err, ENOMEM, "acceptor");
    init_lock(a);
    ev_timer_init(&a->grace, on_grace_over, GRACE, 0.);
    a->grace.data = a;
    int rc = tsp_loop_new(&a->loop, "an acceptor", err);
    if (!rc)
        rc = tsp_waker_init(&a->wake, a->loop, on_wake, a, err);
    tsp_sessions_init(&a->sessions, a->loop, answer, cap, &a->wake);
    if (!rc && tsp_sessions_prepare(&a->sessions, TSP_SESSIONS_PREPARED))
        rc = tsp_fail(err, ENOMEM, "sessions of an acceptor");
    if (rc) {
        tsp_acceptor_free(a);
        return rc;
    }
    *out = a;
    return 0;
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
    if (!a->running || a->stop)
        return;
    pthread_mutex_lock(&a->lock);
    a->asked++;
    a->stop = stop;
    pthread_mutex_unlock(&a->lock);
    tsp_waker_call(&a->wake);
}

void tsp_acceptor_ask(struct tsp_acceptor *a)
{
    call(a, false);
}

/* False: the time has passed. Locked. */
static bool hear(struct tsp_acceptor *a, int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / TSP_SECOND, .tv_nsec = until_ns % TSP_SECOND};
    return pthread_cond_timedwait(&a->told, &a->lock, &until) == 0;
}

void tsp_acceptor_collect(struct tsp_acceptor *a, int64_t until_ns, struct tsp_server_stats *out)
{
    if (!a->running) {
        add(out, &a->sessions.count);
        return;
    }
    pthread_mutex_lock(&a->lock);
    while (a->answered < a->asked && hear(a, until_ns))
        ;
    add(out, &a->seen);
    pthread_mutex_unlock(&a->lock);
}

void tsp_acceptor_stop(struct tsp_acceptor *a)
{
    call(a, true);
}

bool tsp_acceptor_join(struct tsp_acceptor *a, int64_t until_ns)
{
    if (!a->running)
        return true;
    pthread_mutex_lock(&a->lock);
    while (!a->final)
        pthread_cond_wait(&a->told, &a->lock);
    while (!a->done && hear(a, until_ns))
        ;
    a->running = !a->done;
    pthread_mutex_unlock(&a->lock);
    if (!a->running)
        pthread_join(a->thread, NULL);
    return !a->running;
}

void tsp_acceptor_release(struct tsp_acceptor *a)
{
    tsp_listener_close(&a->listener);
    tsp_sessions_clear(&a->sessions);
    tsp_waker_close(&a->wake);
    tsp_loop_free(a->loop);
    a->loop = NULL;
}

void tsp_acceptor_free(struct tsp_acceptor *a)
{
    tsp_acceptor_release(a);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->told);
    free(a);
}
