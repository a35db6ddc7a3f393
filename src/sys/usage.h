/* usage.h - processor time of this process and of one of its threads. */
#ifndef TSP_SYS_USAGE_H
#define TSP_SYS_USAGE_H

#include <stdint.h>

/* Nanoseconds since the process or thread began. */
struct tsp_usage {
    int64_t user_ns, system_ns;
    int64_t wait_ns; /* thread only: runnable, but waiting for a processor
                        (second number of /proc/self/task/TID/schedstat); 0 = unknown */
};

void tsp_usage_process(struct tsp_usage *u);
void tsp_usage_thread(struct tsp_usage *u); /* of the calling thread */

/* Resident set size now, bytes (/proc/self/statm). */
int64_t tsp_usage_rss(void);

#endif
