/* SPDX-License-Identifier: MIT */
/* Random coefficients of codes. */
#ifndef SG_CODES_GAUSSIAN_H
#define SG_CODES_GAUSSIAN_H

#include "sim/core/random.h"

/* n independent N(0, 1) numbers from a stream: fewer than 50,000, which it has random bits for. */
void sg_draw_gaussian(sg_stream *random, int n, double *x);

/* Fills a column-major rows × columns matrix (leading dimension ld) with independent N(0, 1)
 * numbers. One stream per row, so that the first rows of a larger matrix are the same. */
void sg_fill_gaussian(double *a, int rows, int columns, int ld, uint64_t seed);
/* The draw-th such matrix of a seed; the 0-th is the one above. */
void sg_fill_gaussian_draw(double *a, int rows, int columns, int ld, uint64_t seed, uint32_t draw);

#endif
