/* blocks.h - counts the blocks that the code under test holds, from any thread.
 *
 * Only blocks allocated through the wrapped calls are known: libc's own
 * (getline's, say), which are freed too, are not missed. For one test program:
 * include it once.
 */
#ifndef TSP_TESTS_BLOCKS_H
#define TSP_TESTS_BLOCKS_H

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static const void *blocks_held[1024];

/* Puts `to` where `from` is in the list; NULL is a free place. Returns to. */
static void *blocks_note(const void *from, void *to)
{
    size_t i = 0, room = sizeof blocks_held / sizeof *blocks_held;
    pthread_mutex_lock(&blocks_lock);
    while (i < room && blocks_held[i] != from)
        i++;
    if (i < room)
        blocks_held[i] = to;
    pthread_mutex_unlock(&blocks_lock);
    return to;
}

static int blocks_count(void)
{
    int n = 0;
    pthread_mutex_lock(&blocks_lock);
    for (size_t i = 0; i < sizeof blocks_held / sizeof *blocks_held; i++)
        n += blocks_held[i] != NULL;
    pthread_mutex_unlock(&blocks_lock);
    return n;
}

#endif
