/* SPDX-License-Identifier: MIT */
/* What embedding, quantising and packing a message cost, in processor time of this thread: the
 * near-democratic compressor's encoder beside the cache-blocked Hadamard transform of the same
 * padded length and beside a plain copy; best of five rounds, float64.
 *
 *   bench_embed [n]      2^22 when left out; n need not be a power of two */
#include "models/compress/compress.h"
#include "models/compress/hadamard.h"
#include "tests/support/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5 };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void keep_least(double *best, double begin) {
  double spent = seconds() - begin;
  if (*best == 0 || spent < *best) *best = spent;
}

static void line(const char *what, double best, long n, double transform, double copy) {
  printf("%-34s %8.3f ms  %6.2f ns  %6.2f transforms  %6.1f copies\n", what, 1e3 * best,
         1e9 * best / (double)n, best / transform, best / copy);
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1L << 22, m = 1;
  while (m < n) m *= 2;
  static const struct {
    const char *what, *name;
    double by[5];
  } kinds[] = {{"near-democratic, R = 2", "near-democratic", {2, 0}},
               {"near-democratic, R = 4.1", "near-democratic", {4.1, 0}},
               {"near-democratic, R = 0.5", "near-democratic", {0.5, 0}},
               {"near-democratic dithered, R = 4.1", "near-democratic", {4.1, 1}},
               {"near-democratic sampled, R = 0.5", "near-democratic", {0.5, 2}},
               {"scalar-quantiser, R = 4", "scalar-quantiser", {4, 0}},
               {"scalar-quantiser dithered, R = 4", "scalar-quantiser", {4, 1}},
               {"democratic, R = 4", "democratic", {4, 0, 0, 1.5}}};
  double *x = malloc((size_t)m * sizeof *x), *y = malloc((size_t)m * sizeof *y),
         *buffer = malloc((size_t)(sg_hadamard_room(m) + 1) * sizeof *buffer);
  if (!x || !y || !buffer) return 1;
  for (long i = 0; i < m; i++) x[i] = (double)(i * 7919 % 1013) - 506;
  double transform = 0, copy = 0;
  for (int r = 0; r < ROUNDS; r++) {
    memcpy(y, x, (size_t)m * sizeof *y);
    double t = seconds();
    sg_walsh_hadamard(m, y, buffer);
    keep_least(&transform, t);
    t = seconds();
    memcpy(y, x, (size_t)n * sizeof *y);
    keep_least(&copy, t);
  }
  printf("%ld coordinates, float64; transforms of %ld\n", n, m);
  line("Hadamard transform", transform, n, transform, copy);
  line("copy", copy, n, transform, copy);
  sg_packed packed = {0};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    double by[5];
    memcpy(by, kinds[k].by, sizeof by);
    if (by[3] == 0) by[3] = 1;
    sg_compressor c = test_compressor(kinds[k].name, by);
    double in = 0, out = 0;
    for (int r = 0; r < ROUNDS; r++) {
      packed.count = packed.at = 0;
      sg_dither dither;
      sg_dither_at(&dither, 1, (uint32_t)r, 0, 0, 0, 0);
      packed.key = dither.key;
      double t = seconds();
      c.type->encode(c.state, &dither, n, x, &packed);
      keep_least(&in, t);
      t = seconds();
      c.type->decode(c.state, n, &packed, y);
      keep_least(&out, t);
    }
    line(kinds[k].what, in, n, transform, copy);
    line("  and back", out, n, transform, copy);
  }
  sg_packed_free(&packed);
  free(x);
  free(y);
  free(buffer);
  return 0;
}
