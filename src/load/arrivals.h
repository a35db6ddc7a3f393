/* arrivals.h - which points of the load one worker takes.
 *
 * "even": worker k of w takes n = k, k + w, k + 2w, ... so all workers together
 * hit every integer once. "poisson": each worker takes steps of mean w with
 * exponential spread, which adds up to a Poisson stream of the same rate. Fed
 * through tsp_load_due_ns, both work with every load.
 */
#ifndef TSP_LOAD_ARRIVALS_H
#define TSP_LOAD_ARRIVALS_H

#include <stdint.h>

struct tsp_arrivals {
    double n;       /* the point to take next */
    double step;    /* number of workers */
    uint64_t state; /* of the generator; 0 = even */
};

/* seed 0 = even; with any other, the same seed, worker and workers give the
 * same stream. */
void tsp_arrivals_init(struct tsp_arrivals *a, unsigned worker, unsigned workers, uint64_t seed);
void tsp_arrivals_advance(struct tsp_arrivals *a);

/* Passes all points below this one and returns how many there were, without taking them one
 * by one: with even arrivals that is a division; of random ones, whose number is random too,
 * all but some thousand are drawn in a few sums that have the distribution of the single
 * steps. Up to that many the stream is the same as by advance. */
uint64_t tsp_arrivals_pass(struct tsp_arrivals *a, uint64_t below);

#endif
