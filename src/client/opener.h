/* opener.h - the half of a worker that opens connections: by the clock, or as
 * fast as they finish. Called on the worker's thread only.
 */
#ifndef TSP_CLIENT_OPENER_H
#define TSP_CLIENT_OPENER_H

#include "client/worker.h"

/* Sets up the watchers of the closed loop. */
void tsp_opener_init(struct tsp_worker *w);

/* The worker's pacer: opens what is due, and sets the pacer anew. */
void tsp_opener_on_pace(struct tsp_pacer *p);

/* Counts what was due by then and will not be started any more; opening ends. */
void tsp_opener_give_up(struct tsp_worker *w, int64_t until_ns);

#endif
