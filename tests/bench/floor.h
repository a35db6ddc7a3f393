/* floor.h - what the kernel alone can do: tspam's exchange in bare epoll.
 *
 * Client: connect, send the request, half-close, read to the end, close. Server:
 * accept, read to the end, answer, close. No libev, no Lua, no histogram, no
 * clock. The settings are written before the threads start and only read after.
 */
#ifndef TSP_BENCH_FLOOR_H
#define TSP_BENCH_FLOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct floor_settings {
    unsigned threads, concurrency;
    double seconds;
    size_t request, answer; /* bytes */
    int port;
    bool immediate; /* try to send right after connect(), without waiting */
    bool coalesce;  /* data and FIN in one segment (MSG_MORE) */
    bool walk;      /* own walk over source ports, instead of the kernel's choice */
};

/* One thread's part. The main thread reads it after pthread_join. */
struct floor_part {
    unsigned index;
    uint64_t done, failed;
};

extern struct floor_settings floor_set;
extern atomic_bool floor_ending;

void *floor_client(void *part); /* thread functions */
void *floor_server(void *part);

#endif
