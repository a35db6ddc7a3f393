/* run.h - a whole load: start, watch, stop, wait for the result.
 *
 * A handle belongs to one thread (the one that runs Lua). Behind it work the
 * workers, and a keeper that collects their intervals, so that two loads side
 * by side each keep their timeline whoever is waited for first.
 */
#ifndef TSP_CLIENT_RUN_H
#define TSP_CLIENT_RUN_H

#include <stdbool.h>

#include "base/err.h"
#include "client/result.h"
#include "client/spec.h"
#include "client/worker.h"

struct tsp_run;

/* Called on the caller's thread; false stops the run gently. */
typedef bool tsp_on_interval(const struct tsp_interval *interval, void *user);

/* The spec has been checked; its strings are only read here. On failure nothing
 * is running. After an interrupt (base/interrupt.h) it starts nothing and its
 * result says interrupted. */
int tsp_run_start(struct tsp_run **run, const struct tsp_run_spec *spec, struct tsp_err *err);

void tsp_run_stop(struct tsp_run *run, enum tsp_stop how);

/* Sum of the intervals so far: time is that of the latest. */
void tsp_run_snapshot(struct tsp_run *run, struct tsp_interval *sum);

/* Blocks until it is over; a signal (base/interrupt.h) ends it early. Once per run; the
 * caller clears the result. 0, or -EBADMSG: a bug, the counts do not add up. For want of
 * memory a part may be missing, which the verdict tells. on_interval may be NULL. */
int tsp_run_wait(struct tsp_run *run, struct tsp_result *result, tsp_on_interval *on_interval,
                 void *user);

/* Aborts it first where it still runs; NULL is allowed. Waits until what was aborted is closed:
 * seconds, where that is a million connections. */
void tsp_run_free(struct tsp_run *run);

/* What the load of this spec demands against what the machine allows. */
int tsp_run_preflight(const struct tsp_run_spec *spec, struct tsp_findings *out,
                      struct tsp_err *err);

#endif
