/* loop.h - what tspam asks of libev beyond its own interface. */
#ifndef TSP_NET_LOOP_H
#define TSP_NET_LOOP_H

#include <ev.h>
#include <stdint.h>

/* The timer goes off once, at this tsp_now_ns() time or up to some ms later; at the next
 * wake-up where it has passed. Replaces what was set before. */
void tsp_loop_timer_at(struct ev_loop *loop, ev_timer *timer, int64_t when_ns);

#endif
