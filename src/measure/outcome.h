/* outcome.h - what became of a connection, and where it broke. Pure. */
#ifndef TSP_MEASURE_OUTCOME_H
#define TSP_MEASURE_OUTCOME_H

enum tsp_outcome {
#define X(id, name) TSP_##id,
#include "measure/outcomes.def"
#undef X
    TSP_OUTCOMES
};

/* Where an exchange broke; "send" covers the request and the half-close. */
enum tsp_step {
    TSP_STEP_SOCKET,
    TSP_STEP_BIND,
    TSP_STEP_CONNECT,
    TSP_STEP_SEND,
    TSP_STEP_REPLY,
    TSP_STEPS
};

const char *tsp_outcome_name(enum tsp_outcome o); /* "no-port" */
const char *tsp_step_name(enum tsp_step s);       /* "connect" */

/* What a positive errno value at a step amounts to. Never TSP_OK. The step
 * matters: EACCES at connect is an ICMP "prohibited", at socket it is not. */
enum tsp_outcome tsp_outcome_of(int error, enum tsp_step step);

#endif
