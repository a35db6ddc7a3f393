/* embedded.h - the Lua modules inside the executable (written by embed.cmake). */
#ifndef TSP_BIND_EMBEDDED_H
#define TSP_BIND_EMBEDDED_H

#include <stddef.h>

struct tsp_embedded {
    const char *name; /* "tspam.report"; NULL ends the table */
    const char *file; /* "tspam/report/init.lua" */
    const unsigned char *text;
    size_t size;
};

extern const struct tsp_embedded tsp_embedded[];

#endif
