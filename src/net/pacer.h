/* pacer.h - wakes a loop at an absolute time: a timerfd behind an ev_io.
 *
 * ev_timer is not enough: with epoll, libev waits in whole milliseconds (a
 * 50 us timer fires about 1 ms late, measured); a timerfd fires some 27 us late.
 * Embedded and open; owner: the thread of the loop.
 */
#ifndef TSP_NET_PACER_H
#define TSP_NET_PACER_H

#include <ev.h>
#include <stdint.h>

#include "base/err.h"

struct tsp_pacer;
typedef void tsp_on_pace(struct tsp_pacer *p);

struct tsp_pacer {
    ev_io io; /* first: libev hands it back */
    struct ev_loop *loop;
    tsp_on_pace *on_pace;
    void *data; /* the caller's */
};

/* Makes the timer; it starts unset. */
int tsp_pacer_init(struct tsp_pacer *p, struct ev_loop *loop, tsp_on_pace *on_pace, void *data,
                   struct tsp_err *err);
/* Calls on_pace at this tsp_now_ns() time, at once when it has passed. Replaces
 * what was set before. */
void tsp_pacer_at(struct tsp_pacer *p, int64_t when_ns);
void tsp_pacer_close(struct tsp_pacer *p); /* closes the timer; all-zero is allowed */

/* libev's version, "4.33", for those who may not include it. */
const char *tsp_ev_version(void);

#endif
