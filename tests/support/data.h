/* data.h - where the saved files of a test are. */
#ifndef TSP_TESTS_DATA_H
#define TSP_TESTS_DATA_H

#include <stdio.h>
#include <stdlib.h>

#define TSP_DATA_PATH 512

/* "tests/unit/data/NAME" of the source tree, which ctest names. Returns buf. */
static inline char *tsp_data(char buf[TSP_DATA_PATH], const char *name)
{
    const char *source = getenv("TSPAM_SOURCE");
    snprintf(buf, TSP_DATA_PATH, "%s/tests/unit/data/%s", source ? source : ".", name);
    return buf;
}

#endif
