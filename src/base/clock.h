/* clock.h - the one clock measurements are stamped with. */
#ifndef TSP_BASE_CLOCK_H
#define TSP_BASE_CLOCK_H

#include <stdint.h>

#define TSP_SECOND INT64_C(1000000000)
#define TSP_MS INT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds. Never 0. Any thread. */
int64_t tsp_now_ns(void);

#endif
