/* SPDX-License-Identifier: MIT */
/* Gaussian matrices at addresses of a seed. */
#include "codes/tools/gaussian.h"
#include "sim/core/elementary.h"
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* The polar method (Marsaglia and Bray, 1964), as gsl_ran_gaussian but for the logarithm: GSL asks
 * the libm. */
static double gaussian(sg_stream *stream) {
  double x, y, square;
  do {
    x = 2 * gsl_rng_uniform_pos(&stream->rng) - 1;
    y = 2 * gsl_rng_uniform_pos(&stream->rng) - 1;
    square = x * x + y * y;
  } while (square > 1 || square == 0);
  return y * sqrt(-2 * sg_log(square) / square);
}

void sg_draw_gaussian(sg_stream *random, int n, double *x) {
  for (int i = 0; i < n; i++) x[i] = gsl_ran_gaussian_ziggurat(&random->rng, 1);
}

void sg_fill_gaussian(double *a, int rows, int columns, int ld, uint64_t seed) {
  sg_fill_gaussian_draw(a, rows, columns, ld, seed, 0);
}

void sg_fill_gaussian_draw(double *a, int rows, int columns, int ld, uint64_t seed, uint32_t draw) {
  for (int i = 0; i < rows; i++) {
    sg_stream stream;
    sg_stream_at(&stream, seed, 0, SG_FOR_CODE, (uint32_t)i, draw, 0);
    for (int j = 0; j < columns; j++) a[i + j * ld] = gaussian(&stream);
  }
}
