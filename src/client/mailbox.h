/* mailbox.h - how a running worker hands its interval counts on.
 *
 * The worker posts once per interval; the run's keeper thread collects whenever
 * it likes. Only a slice changes hands, by adding, under a lock held for that.
 */
#ifndef TSP_CLIENT_MAILBOX_H
#define TSP_CLIENT_MAILBOX_H

#include <pthread.h>

#include "measure/timeline.h"

struct tsp_mailbox {
    pthread_mutex_t lock;
    struct tsp_slice pending; /* posted, not yet collected */
};

int tsp_mailbox_init(struct tsp_mailbox *m); /* 0 or -errno; on failure nothing is held */
void tsp_mailbox_clear(struct tsp_mailbox *m);

/* Worker: hands slice over and empties it (its open stays as it is). */
void tsp_mailbox_post(struct tsp_mailbox *m, struct tsp_slice *slice);

/* Keeper: adds what was posted since the last time to into. */
void tsp_mailbox_collect(struct tsp_mailbox *m, struct tsp_slice *into);

#endif
