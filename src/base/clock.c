#include "base/clock.h"

#include <time.h>

int64_t tsp_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with a valid clock and pointer */
    int64_t ns = (int64_t)t.tv_sec * TSP_SECOND + t.tv_nsec;
    return ns ? ns : 1; /* a mark of 0 means: did not happen */
}
