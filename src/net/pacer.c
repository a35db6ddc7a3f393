#include "net/pacer.h"

#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/event.h"
#include "net/loop.h"

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct tsp_pacer *p = (struct tsp_pacer *)io;
    uint64_t expirations;
    tsp_event_rewatch(loop, io, revents);
    /* Nothing to read = the time was moved meanwhile: not due yet. */
    if (read(io->fd, &expirations, sizeof expirations) == -1)
        return;
    p->on_pace(p);
}

int tsp_pacer_init(struct tsp_pacer *p, struct ev_loop *loop, tsp_on_pace *on_pace, void *data,
                   struct tsp_err *err)
{
    *p = (struct tsp_pacer){0};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int rc = tsp_loop_admit_own(fd, "timerfd", err);
    if (rc)
        return rc;
    p->loop = loop;
    p->on_pace = on_pace;
    p->data = data;
    ev_io_init(&p->io, on_readable, fd, EV_READ);
    ev_io_start(loop, &p->io);
    return 0;
}

void tsp_pacer_at(struct tsp_pacer *p, int64_t when_ns)
{
    if (when_ns < 1)
        when_ns = 1; /* zero would disarm it; any past time fires at once */
    struct itimerspec at = {
        .it_value = {.tv_sec = when_ns / TSP_SECOND, .tv_nsec = when_ns % TSP_SECOND}};
    (void)timerfd_settime(p->io.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void tsp_pacer_close(struct tsp_pacer *p)
{
    if (!p->loop)
        return;
    ev_io_stop(p->loop, &p->io);
    close(p->io.fd);
    *p = (struct tsp_pacer){0};
}

const char *tsp_ev_version(void)
{
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "%d.%d", ev_version_major(), ev_version_minor());
    return text;
}
