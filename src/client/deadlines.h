/* deadlines.h - the part of a worker that ends what is over: time-outs, holds, the
 * grace after a stop. Called on the worker's thread only.
 *
 * Both lists are in the order in which their deadlines come, so that a timer set to the
 * first is enough, and what is due at one moment is dealt with in batches: between two of
 * them answers are read and a stop is heard.
 */
#ifndef TSP_CLIENT_DEADLINES_H
#define TSP_CLIENT_DEADLINES_H

#include "client/worker.h"

void tsp_deadlines_init(struct tsp_worker *w);

/* The connection was opened: from now on it must come to its end within the time-out. */
void tsp_deadlines_start(struct tsp_conn *c);

/* For conn.c. It is established: its hold begins. It has sent its request: true while its
 * hold still runs; then nothing is expected of it until tsp_conn_end_hold. */
void tsp_deadlines_begin_hold(struct tsp_conn *c);
bool tsp_deadlines_wait_for_hold(struct tsp_conn *c);

/* It has ended. */
void tsp_deadlines_remove(struct tsp_worker *w, struct tsp_conn *c);

bool tsp_deadlines_none_open(const struct tsp_worker *w);

/* The worker was stopped: holds end, and with TSP_STOP_ABORT the grace begins. */
void tsp_deadlines_stop(struct tsp_worker *w, enum tsp_stop how);

/* Once the loop has ended: closes what the grace left open, until this time. Returns how many
 * of these had sent something again. */
uint64_t tsp_deadlines_close(struct tsp_worker *w, int64_t until_ns);

#endif
