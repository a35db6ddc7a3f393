/* terminal.h - what a stream of this process is connected to. */
#ifndef TSP_BASE_TERMINAL_H
#define TSP_BASE_TERMINAL_H

#include <stdbool.h>

/* True when descriptor fd is a terminal. */
bool tsp_is_terminal(int fd);

/* Columns of the terminal behind fd; 80 when it is none or does not say. */
int tsp_terminal_width(int fd);

/* Opens /dev/null, for reading only, in place of standard streams that are closed:
 * no socket then takes their number, and writing there still fails. Main thread,
 * first of all. */
void tsp_terminal_keep_streams(void);

#endif
