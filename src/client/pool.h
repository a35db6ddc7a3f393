/* pool.h - connection objects: taken and given back without a call to malloc.
 *
 * Grows by chunks, never shrinks before it is cleared. One thread.
 */
#ifndef TSP_CLIENT_POOL_H
#define TSP_CLIENT_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "client/conn.h"

struct tsp_pool_chunk;

struct tsp_pool {
    struct tsp_pool_chunk *chunks;
    struct tsp_conn *free; /* through by_age.next */
    bool with_nat;         /* every connection has a nat line */
};

/* An object whose members are all zero (but nat); NULL = out of memory. */
struct tsp_conn *tsp_pool_take(struct tsp_pool *p);
/* Makes objects for that many open connections, as far as there is memory. */
void tsp_pool_prepare(struct tsp_pool *p, size_t conns);
void tsp_pool_give(struct tsp_pool *p, struct tsp_conn *c);
void tsp_pool_clear(struct tsp_pool *p);

#endif
