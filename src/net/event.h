/* event.h - what everything that waits behind an eventfd or a timerfd shares. */
#ifndef TSP_NET_EVENT_H
#define TSP_NET_EVENT_H

#include <ev.h>

/* Any thread: makes the eventfd readable. A full counter fails, and means that
 * whoever reads it is awake anyway. */
void tsp_event_raise(int fd);

/* First thing in a read watcher's callback: where epoll had no memory for it
 * (EV_ERROR), libev took the watcher out; it is put in again. */
void tsp_event_rewatch(struct ev_loop *loop, ev_io *io, int revents);

#endif
