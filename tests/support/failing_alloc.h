/* failing_alloc.h - makes the n-th allocation of the code under test fail, and
 * counts the blocks it holds. For one test program: include it once and link
 * with WRAP malloc calloc reallocarray free.
 */
#ifndef TSP_TESTS_FAILING_ALLOC_H
#define TSP_TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

static int allocations_left = -1; /* until one fails; -1 = none does */
static int live_blocks;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
void __wrap_free(void *p);

static bool must_fail(void)
{
    if (allocations_left == -1)
        return false;
    if (allocations_left == 0)
        return true;
    allocations_left--;
    return false;
}

static void *counted(void *p)
{
    live_blocks += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    if (must_fail())
        return NULL;
    return p ? __real_reallocarray(p, count, size) : counted(__real_reallocarray(p, count, size));
}

void __wrap_free(void *p)
{
    live_blocks -= p != NULL;
    __real_free(p);
}

#endif
