/* loop.h - libev's loops: with epoll, and with memory that does not run out under them.
 *
 * libev ends the process when one of its arrays cannot grow. How far they may grow follows
 * from the descriptors that are watched, so a reserve is mapped that would hold them all; it
 * is touched only when malloc has failed. Where a higher descriptor would need a larger
 * reserve and there is none, the descriptor is not admitted: that is one failed connection
 * on this machine, and the run goes on. The reserve is the process's; any thread may call.
 */
#ifndef TSP_NET_LOOP_H
#define TSP_NET_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A loop that waits by epoll and by nothing else; "event loop of WHO" says why not. -ENOMEM
 * where the reserve cannot be had. */
int tsp_loop_new(struct ev_loop **loop, const char *who, struct tsp_err *err);
void tsp_loop_free(struct ev_loop *loop); /* NULL is allowed */

/* Whether loops may watch this descriptor: to be asked of each new one. False = -ENOMEM. */
bool tsp_loop_admits(int fd);

/* The same of a descriptor that was made for a loop's own use, of this kind ("timerfd"); fd -1:
 * errno says why there is none. One that is not admitted is closed. 0 or -errno. */
int tsp_loop_admit_own(int fd, const char *kind, struct tsp_err *err);

/* The timer goes off once, at this tsp_now_ns() time or up to some ms later; at the next
 * wake-up where it has passed. Replaces what was set before. */
void tsp_loop_timer_at(struct ev_loop *loop, ev_timer *timer, int64_t when_ns);

#endif
