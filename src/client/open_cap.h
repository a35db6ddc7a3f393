/* open_cap.h - how many connections the workers of a run may have open together.
 *
 * One figure for all of them: a cap split into shares would turn connections away while
 * others have room. Owner: the keeper. Any worker's thread; without a cap none touches it.
 */
#ifndef TSP_CLIENT_OPEN_CAP_H
#define TSP_CLIENT_OPEN_CAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tsp_open_cap {
    uint64_t limit; /* set before the workers start */
    _Atomic uint64_t open;
};

/* False when there is no room. Never counts past the limit, not even for a moment, in which
 * another worker would be refused in error. */
static inline bool tsp_open_cap_take(struct tsp_open_cap *cap)
{
    uint64_t open = atomic_load(&cap->open);
    while (open < cap->limit)
        if (atomic_compare_exchange_weak(&cap->open, &open, open + 1))
            return true;
    return false;
}

static inline void tsp_open_cap_give(struct tsp_open_cap *cap)
{
    atomic_fetch_sub(&cap->open, 1);
}

#endif
