/* keeper.h - the thread beside the workers that turns their interval counts into
 * the run's timeline, and notices that they are done.
 *
 * Shared between the keeper, the workers' threads (which only say that they are
 * done) and the run's own thread; what is shared is under lock.
 */
#ifndef TSP_CLIENT_KEEPER_H
#define TSP_CLIENT_KEEPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "client/worker.h"
#include "measure/timeline.h"
#include "sys/kcounters.h"
#include "sys/usage.h"

struct tsp_keeper;

struct tsp_keeper_seat {
    struct tsp_keeper *keeper;
    struct tsp_worker worker;
    pthread_t thread;
};

struct tsp_keeper {
    struct tsp_keeper_seat *seat; /* owned; workers of them */
    struct tsp_open_cap cap;      /* the workers' */
    unsigned workers, made, started;
    int64_t start_ns, interval_ns;
    pthread_t thread;
    int event; /* an eventfd: readable when there is something new; -1 = none */

    struct tsp_slice slice; /* the keeper thread's */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned finished;            /* workers */
    struct tsp_timeline timeline; /* and the rest: under lock */
    struct tsp_interval sum;      /* of the timeline; open is the latest */
    bool over, out_of_memory, running;

    /* Of the moment at which the last worker had ended: what comes later is not the run's. */
    struct tsp_kcounters after;
    struct tsp_usage usage; /* of the process */
};

/* Makes the workers of this plan; on failure nothing is held. */
int tsp_keeper_init(struct tsp_keeper *k, const struct tsp_plan *plan, struct tsp_err *err);

/* Starts all threads. On failure those that run are stopped and joined. */
int tsp_keeper_start(struct tsp_keeper *k, struct tsp_err *err);

void tsp_keeper_stop(struct tsp_keeper *k, enum tsp_stop how, int64_t when_ns);

/* Copies the i-th interval; false when it is not there yet. */
bool tsp_keeper_interval(struct tsp_keeper *k, size_t i, struct tsp_interval *out);

/* True once every worker has counted all and the timeline is complete. */
bool tsp_keeper_is_over(struct tsp_keeper *k);

/* Reads after and usage; the keeper's thread does so itself at the end of a run. */
void tsp_keeper_note_end(struct tsp_keeper *k);

void tsp_keeper_join(struct tsp_keeper *k); /* waits until it is over */
/* Joins first, also the workers, that may still close what was aborted; all-zero is not
 * allowed. */
void tsp_keeper_clear(struct tsp_keeper *k);

#endif
