/* SPDX-License-Identifier: MIT */
/* Fast Walsh–Hadamard transform.
 *
 *   x ← H x,   H_ij = (−1)^(number of ones that i and j have in common),   H H = n I
 *
 * in n log2 n additions. Sums are taken in an order that does not depend on the processor. */
#ifndef SG_MODELS_HADAMARD_H
#define SG_MODELS_HADAMARD_H

/* Doubles of `buffer`: about 16 √n for long vectors, 0 for those that fit into a cache. */
long sg_hadamard_room(long n);

/* n: a power of two. Beyond the cache the vector is a matrix whose rows are transformed first, then
 * its columns, sixteen at a time in `buffer`: two passes over the memory. */
void sg_walsh_hadamard(long n, double *x, double *buffer);

/* The same for a vector that is being made: fill writes x[begin … begin + count − 1] to `x`, count
 * and begin multiples of 16 or all there is, just before they are needed. Returns the largest
 * magnitude of the result, NAN if there is one: no pass of its own for either. */
typedef void sg_hadamard_fill(void *user, long begin, long count, double *x);
double sg_hadamard_of(long n, double *x, double *buffer, sg_hadamard_fill *fill, void *user);
/* max |x_i|; NAN is above infinity. */
double sg_largest(long n, const double *x);

#endif
