#include "load/arrivals.h"

#include <math.h>
#include <stdbool.h>

/* Odd, with its bits well spread: the golden ratio times 2^64. */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* Every bit of the result hangs on every bit of v (splitmix64's finish). */
static uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

/* xorshift64*: its state runs through all values but 0, which means "even". */
static uint64_t draw(uint64_t *state)
{
    uint64_t v = *state;
    v ^= v >> 12;
    v ^= v << 25;
    v ^= v >> 27;
    *state = v;
    return v * UINT64_C(0x2545f4914f6cdd1d);
}

/* Mean 1; the uniform number is in (0, 1], so that its logarithm is finite. */
static double exponential(uint64_t *state)
{
    double uniform = ((double)(draw(state) >> 11) + 1) * 0x1p-53;
    return -log(uniform);
}

void tsp_arrivals_init(struct tsp_arrivals *a, unsigned worker, unsigned workers, uint64_t seed)
{
    bool even = seed == 0;
    *a = (struct tsp_arrivals){.n = worker, .step = workers};
    if (even)
        return;
    /* Mixed twice: workers 0, 1, 2 of seeds 1, 2, 3 must not meet. */
    a->state = mix(mix(seed) + GOLDEN * (worker + UINT64_C(1)));
    if (a->state == 0)
        a->state = GOLDEN;
    a->n = a->step * exponential(&a->state);
}

void tsp_arrivals_advance(struct tsp_arrivals *a)
{
    a->n += a->state == 0 ? a->step : a->step * exponential(&a->state);
}
