/* cap.h - how many connections a server has open at most: one number, whatever its threads.
 *
 * Counted are the sessions that wait for their socket; one that is over before it has to
 * wait is not. Whoever goes over the cap sees to it that the session longest without
 * progress, of all threads, is shed: each thread tells when that of its own last moved,
 * and the one with the oldest sheds, woken by who went over. Who had to wake another
 * accepts nothing until the count is down. So at any moment a thread is one connection
 * beyond the cap at most, and a connection is shed only where the count is over it.
 *
 * Any thread, but for what names another. max and the threads are set before they start.
 */
#ifndef TSP_SERVER_CAP_H
#define TSP_SERVER_CAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/waker.h"

/* What the others know of one thread. Embedded in its sessions. */
struct tsp_cap_thread {
    _Atomic int64_t idlest_ns; /* when its session longest without progress last moved */
    atomic_int asked;          /* sessions it is to shed for want of descriptors */
    atomic_bool held;          /* it accepts nothing until the count is down */
    struct tsp_waker *wake;
    struct tsp_cap_thread *next;
};

#define TSP_CAP_NONE INT64_MAX /* idlest_ns of a thread without sessions */

struct tsp_cap {
    int64_t max;
    struct tsp_cap_thread *first;
    char apart[64]; /* what all write is not in the cache line of what they only read */
    _Atomic int64_t open;
};

/* Adds a thread, while none runs. */
void tsp_cap_add(struct tsp_cap *c, struct tsp_cap_thread *t, struct tsp_waker *wake);

/* One more is open: true when that is over the cap. One less is. */
bool tsp_cap_enter(struct tsp_cap *c);
void tsp_cap_leave(struct tsp_cap *c);

bool tsp_cap_full(struct tsp_cap *c); /* one more would be over */
bool tsp_cap_over(struct tsp_cap *c);

/* Of this thread: true when the session to shed is its own. Else the thread that has it
 * is woken, if there is one, and asked to shed so many whatever the count. */
bool tsp_cap_choose(struct tsp_cap *c, struct tsp_cap_thread *t, int ask);

/* How many this thread was asked to shed since the last call. */
int tsp_cap_asked(struct tsp_cap_thread *t);

/* Over the cap, counts one less, and the caller sheds it: true. Two that see the same
 * excess cannot both. */
bool tsp_cap_claim(struct tsp_cap *c);

/* Of this thread: true when over the cap. Then it is woken once the count is down, and is
 * held until then. */
bool tsp_cap_hold(struct tsp_cap *c, struct tsp_cap_thread *t);

#endif
