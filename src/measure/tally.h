/* tally.h - all that one worker counts; tallies add up.
 *
 * Owner: one thread at a time. Histograms are allocated by init; plain counts
 * are open members. Times are nanoseconds, sizes bytes.
 */
#ifndef TSP_MEASURE_TALLY_H
#define TSP_MEASURE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/hist.h"
#include "measure/outcome.h"

enum tsp_mark {
#define X(id) TSP_MARK_##id,
#include "measure/marks.def"
#undef X
    TSP_MARKS
};

enum tsp_phase {
#define X(id, name, from, to) TSP_PHASE_##id,
#include "measure/phases.def"
#undef X
    TSP_PHASES
};

struct tsp_marks {
    int64_t at[TSP_MARKS]; /* tsp_now_ns(); 0 = not reached */
};

/* Errno values the outcome table does not know, so that they can be named. */
#define TSP_TALLY_OTHERS 16

struct tsp_other {
    int error; /* 0 = free row */
    enum tsp_step step;
    uint64_t count;
};

struct tsp_tally {
    struct tsp_hist *phase[TSP_PHASES];
    struct tsp_hist *beat; /* how late the worker's loop was, at each beat of its time */
    uint64_t due, started, ok, failed, aborted, capped, not_started;
    uint64_t failure[TSP_OUTCOMES][TSP_STEPS]; /* [TSP_OK] stays 0 */
    struct tsp_other other[TSP_TALLY_OTHERS];  /* of failure[TSP_OTHER]; past 16 kinds unnamed */
    uint64_t retransmitted;                    /* connections with a SYN or data sent again */
    uint64_t retransmitted_ok;                 /* of those: the ones that ended ok */
    uint64_t answered_early; /* ok, but the answer began before the request was sent */
    uint64_t open, open_max; /* add() sums both: of open_max an upper bound */
    uint64_t bytes_sent, bytes_received;
};

const char *tsp_phase_name(enum tsp_phase p);

int tsp_tally_init(struct tsp_tally *t);   /* 0 or -ENOMEM; on failure nothing is held */
void tsp_tally_clear(struct tsp_tally *t); /* an all-zero tally is allowed */

/* A connection was started: counts it, opens it, and records how late it is
 * (from DUE to OPEN) when lag is asked for: a closed loop has none. */
void tsp_tally_start(struct tsp_tally *t, const struct tsp_marks *m, bool lag);

/* The connection ended. Exactly one of these per start. Phases other than lag
 * are recorded for the ones that ended ok, so each of their histograms counts
 * exactly t->ok; but that of first_byte leaves out those answered early: there
 * is no time from the request to an answer that came before it. */
void tsp_tally_ok(struct tsp_tally *t, const struct tsp_marks *m);
void tsp_tally_fail(struct tsp_tally *t, enum tsp_outcome o, enum tsp_step step, int error);
void tsp_tally_abort(struct tsp_tally *t);

void tsp_tally_add(struct tsp_tally *into, const struct tsp_tally *from);

/* True when due = started + capped + not_started, started = ok + failed +
 * aborted + open, failures add up and every histogram's count is explained. */
bool tsp_tally_adds_up(const struct tsp_tally *t, bool lag);

#endif
