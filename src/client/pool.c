#include "client/pool.h"

#include <stdlib.h>

#define CHUNK 64

struct tsp_pool_chunk {
    struct tsp_pool_chunk *next;
    struct tsp_nat_line *lines; /* CHUNK of them, or NULL */
    struct tsp_conn conn[CHUNK];
};

static bool grow(struct tsp_pool *p)
{
    struct tsp_pool_chunk *chunk = malloc(sizeof *chunk);
    if (!chunk)
        return false;
    chunk->lines = NULL;
    if (p->with_nat) {
        chunk->lines = malloc(CHUNK * sizeof *chunk->lines);
        if (!chunk->lines) {
            free(chunk);
            return false;
        }
    }
    chunk->next = p->chunks;
    p->chunks = chunk;
    for (int i = 0; i < CHUNK; i++) {
        chunk->conn[i].nat = chunk->lines ? &chunk->lines[i] : NULL;
        tsp_pool_give(p, &chunk->conn[i]);
    }
    return true;
}

void tsp_pool_prepare(struct tsp_pool *p, size_t conns)
{
    for (size_t made = 0; made < conns && grow(p); made += CHUNK)
        ;
}

struct tsp_conn *tsp_pool_take(struct tsp_pool *p)
{
    if (!p->free && !grow(p))
        return NULL;
    struct tsp_conn *c = p->free;
    struct tsp_nat_line *line = c->nat;
    p->free = c->by_age.next;
    *c = (struct tsp_conn){.nat = line};
    if (line)
        *line = (struct tsp_nat_line){0};
    return c;
}

void tsp_pool_give(struct tsp_pool *p, struct tsp_conn *c)
{
    c->by_age.next = p->free;
    p->free = c;
}

void tsp_pool_clear(struct tsp_pool *p)
{
    while (p->chunks) {
        struct tsp_pool_chunk *chunk = p->chunks;
        p->chunks = chunk->next;
        free(chunk->lines);
        free(chunk);
    }
    p->free = NULL;
}
