#include "load/arrivals.h"

#include <math.h>
#include <stdbool.h>

/* Odd, with its bits well spread: the golden ratio times 2^64. */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

#define PI 3.14159265358979323846

/* With more steps than this before it, half of what is expected to be left is passed at
 * once. That twice as far as expected is gone in so many steps does not happen. */
#define STEPS_DRAWN 4096

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

/* In (0, 1], so that its logarithm is finite. */
static double uniform(uint64_t *state)
{
    return ((double)(draw(state) >> 11) + 1) * 0x1p-53;
}

/* Mean 1. */
static double exponential(uint64_t *state)
{
    return -log(uniform(state));
}

/* Mean 0, deviation 1 (Box and Muller). */
static double normal(uint64_t *state)
{
    double radius = sqrt(2 * exponential(state));
    return radius * cos(2 * PI * uniform(state));
}

/* As the sum of k exponentials, k >= 1: gamma distributed (Marsaglia and Tsang, 2000). */
static double sum_of_exponentials(uint64_t *state, double k)
{
    double d = k - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(state), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(uniform(state)) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
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

static uint64_t pass_even(struct tsp_arrivals *a, uint64_t below)
{
    uint64_t n = (uint64_t)a->n, step = (uint64_t)a->step;
    uint64_t passed = n < below ? (below - n + step - 1) / step : 0;
    a->n = (double)(n + passed * step);
    return passed;
}

uint64_t tsp_arrivals_pass(struct tsp_arrivals *a, uint64_t below)
{
    if (a->state == 0)
        return pass_even(a, below);
    double end = (double)below, left;
    uint64_t passed = 0;
    while ((left = (end - a->n) / a->step) > STEPS_DRAWN) {
        double steps = floor(left / 2);
        a->n += a->step * sum_of_exponentials(&a->state, steps);
        passed += (uint64_t)steps;
    }
    for (; a->n < end; passed++)
        tsp_arrivals_advance(a);
    return passed;
}
