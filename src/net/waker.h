/* waker.h - lets another thread wake a loop: an eventfd behind an ev_io.
 *
 * Not an ev_async: where descriptors have run out, libev aborts the process
 * when it cannot make the ev_async's own. Embedded and open; owner: the thread
 * of the loop, but for call.
 */
#ifndef TSP_NET_WAKER_H
#define TSP_NET_WAKER_H

#include <ev.h>

#include "base/err.h"

struct tsp_waker;
typedef void tsp_on_wake(struct tsp_waker *w);

struct tsp_waker {
    ev_io io; /* first: libev hands it back */
    struct ev_loop *loop;
    tsp_on_wake *on_wake;
    void *data; /* the caller's */
};

/* Makes the descriptor; what is called before start is not lost. */
int tsp_waker_init(struct tsp_waker *w, struct ev_loop *loop, tsp_on_wake *on_wake, void *data,
                   struct tsp_err *err);

/* From now on calls are heard (and keep the loop running). */
void tsp_waker_start(struct tsp_waker *w);
void tsp_waker_stop(struct tsp_waker *w);

/* Any thread: on_wake runs soon, once for any number of calls. */
void tsp_waker_call(struct tsp_waker *w);

/* Once no thread can call any more; all-zero is allowed. */
void tsp_waker_close(struct tsp_waker *w);

#endif
