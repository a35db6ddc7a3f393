#include "net/waker.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/event.h"
#include "net/loop.h"

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct tsp_waker *w = (struct tsp_waker *)io;
    uint64_t calls;
    tsp_event_rewatch(loop, io, revents);
    if (read(io->fd, &calls, sizeof calls) == -1)
        return; /* nobody called */
    w->on_wake(w);
}

int tsp_waker_init(struct tsp_waker *w, struct ev_loop *loop, tsp_on_wake *on_wake, void *data,
                   struct tsp_err *err)
{
    *w = (struct tsp_waker){0};
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = tsp_loop_admit_own(fd, "eventfd", err);
    if (rc)
        return rc;
    w->loop = loop;
    w->on_wake = on_wake;
    w->data = data;
    ev_io_init(&w->io, on_readable, fd, EV_READ);
    return 0;
}

void tsp_waker_start(struct tsp_waker *w)
{
    ev_io_start(w->loop, &w->io);
}

void tsp_waker_stop(struct tsp_waker *w)
{
    ev_io_stop(w->loop, &w->io);
}

void tsp_waker_call(struct tsp_waker *w)
{
    tsp_event_raise(w->io.fd);
}

void tsp_waker_close(struct tsp_waker *w)
{
    if (!w->loop)
        return;
    ev_io_stop(w->loop, &w->io);
    close(w->io.fd);
    *w = (struct tsp_waker){0};
}
