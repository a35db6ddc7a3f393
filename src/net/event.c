#include "net/event.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

void tsp_event_raise(int fd)
{
    while (write(fd, &(uint64_t){1}, sizeof(uint64_t)) == -1 && errno == EINTR)
        ;
}

void tsp_event_rewatch(struct ev_loop *loop, ev_io *io, int revents)
{
    if (!(revents & EV_ERROR))
        return;
    ev_io_set(io, io->fd, EV_READ); /* else libev takes it for registered */
    ev_io_start(loop, io);
}
