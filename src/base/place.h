/* place.h - where this program is, so that a moved install tree still works. */
#ifndef TSP_BASE_PLACE_H
#define TSP_BASE_PLACE_H

#include <stdbool.h>

#define TSP_PATH 4096

/* Path of the running executable. false = the system does not say. */
bool tsp_place_executable(char path[TSP_PATH]);

/* The folder of the shipped scripts: scripts/ beside the executable (a build
 * tree) or ../share/tspam/scripts (an install tree). false = neither is there. */
bool tsp_place_scripts(char path[TSP_PATH]);

#endif
