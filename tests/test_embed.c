/* SPDX-License-Identifier: MIT */
/* Frames, embeddings and the quantiser with a real budget of bits: identities, bounds, the error
 * table, bits one by one. */
#include "models/compress/embedding.h"
#include "models/compress/hadamard.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sg_stream stream;

static double normal(void) {
  return sqrt(-2 * log1p(-sg_uniform(&stream))) * cos(2 * M_PI * sg_uniform(&stream));
}

static void fill_cubed(double *v, long n) {
  for (long i = 0; i < n; i++) {
    double z = normal();
    v[i] = z * z * z;
  }
}

static double *doubles(long n) {
  double *x = calloc((size_t)n + 1, sizeof *x);
  assert_non_null(x);
  return x;
}

static double norm_of(const double *x, long n) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

/* --- The transform ---------------------------------------------------------------------------- */

static void by_counting_common_ones(void **state) {
  (void)state;
  sg_stream_at(&stream, 11, 0, SG_FOR_CHECK, 0, 0, 0);
  for (long n = 1; n <= 1024; n *= 2) {
    double *x = doubles(n), *y = doubles(n);
    for (long i = 0; i < n; i++) x[i] = floor(1000 * sg_uniform(&stream));
    for (long i = 0; i < n; i++)
      for (long k = 0; k < n; k++)
        y[i] += __builtin_popcountl((unsigned long)(i & k)) % 2 ? -x[k] : x[k];
    sg_walsh_hadamard(n, x, NULL);
    assert_memory_equal(x, y, (size_t)n * sizeof *x);
    free(x);
    free(y);
  }
}

/* Whole numbers stay whole: twice is n times, to the last bit, in and beyond the cache. */
static void twice_is_n_times(void **state) {
  (void)state;
  for (long n = 1 << 11; n <= 1 << 18; n *= 2) {
    double *x = doubles(n), *buffer = doubles(sg_hadamard_room(n)), most = 0;
    for (long i = 0; i < n; i++) x[i] = (double)(i * 7919 % 1013 - 500);
    sg_walsh_hadamard(n, x, buffer);
    for (long k = 1; k < n; k = 3 * k + 1) { /* some of them against the definition */
      double sum = 0;
      for (long i = 0; i < n; i++)
        sum += (__builtin_popcountl((unsigned long)(i & k)) % 2 ? -1 : 1) *
               (double)(i * 7919 % 1013 - 500);
      assert_true(x[k] == sum);
    }
    for (long i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    assert_true(sg_largest(n, x) == most);
    sg_walsh_hadamard(n, x, buffer);
    for (long i = 0; i < n; i++) assert_true(x[i] == (double)n * (double)(i * 7919 % 1013 - 500));
    x[n / 3] = -INFINITY;
    assert_true(isinf(sg_largest(n, x)));
    x[n / 2] = NAN;
    assert_true(isnan(sg_largest(n, x)));
    free(x);
    free(buffer);
  }
}

/* --- Subsets ---------------------------------------------------------------------------------- */

/* As many as there should be; each as likely as the others, and pairs of neighbours as they are
 * without replacement. */
static void subsets_are_fair(void **state) {
  (void)state;
  enum { DRAWS = 4000 };
  static const struct {
    long n, k;
  } of[] = {{1, 1}, {5, 0}, {7, 3}, {100, 37}, {130, 129}, {4096, 1000}, {8192, 5}, {8192, 8191}};
  uint32_t in[64];
  for (size_t c = 0; c < sizeof of / sizeof *of; c++) {
    long n = of[c].n, k = of[c].k;
    double *room = doubles(sg_subset_room(n)), *seen = doubles(n), pairs = 0,
           p = (double)k / (double)n;
    int draws = n > 1000 ? DRAWS / 10 : DRAWS;
    for (int r = 0; r < draws; r++) {
      sg_subset s;
      sg_subset_draw(&s, 1000 + (uint64_t)r, 3, n, k, room);
      long count = 0;
      bool last = false;
      for (long i = 0; i < n; i++) {
        if (i % 64 == 0) sg_subset_flags(&s, i, n - i < 64 ? (int)(n - i) : 64, in);
        count += in[i % 64];
        seen[i] += in[i % 64];
        pairs += last && in[i % 64] ? 1 : 0;
        last = in[i % 64];
      }
      assert_int_equal(count, k);
    }
    /* Extremes of n binomial numbers. */
    double error = sqrt(p * (1 - p) * draws),
           both = (double)(n - 1) * p * ((double)k - 1) / ((double)n - 1 + (n == 1));
    for (long i = 0; i < n; i++) assert_true(fabs(seen[i] - p * draws) <= 5 * error + 4);
    assert_true(fabs(pairs / draws - both) <= 0.02 * both + 0.2);
    free(room);
    free(seen);
  }
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* F Fᵀ = I, column by column; and x = Fᵀ v keeps the norm. */
static void frames_are_parsevals(void **state) {
  (void)state;
  static const double redundancy[] = {1, 1.1, 1.5, 2};
  sg_stream_at(&stream, 12, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int kind = 0; kind < 2; kind++)
    for (int l = 0; l < 4; l++)
      for (long d = 1; d <= 70; d += d < 10 ? 1 : 13) {
        double r = redundancy[l], *room = doubles(sg_frame_room((sg_frame_kind)kind, r, d));
        long m = sg_frame_size((sg_frame_kind)kind, r, d);
        assert_true((double)m >= r * (double)d - 1e-9);
        if (kind == SG_FRAME_HADAMARD)
          assert_true((m & (m - 1)) == 0 && (double)m < 2 * r * (double)d);
        if (kind == SG_FRAME_ORTHONORMAL) assert_true(m == (long)ceil(r * (double)d - 1e-9));
        sg_frame f;
        sg_frame_draw(&f, (sg_frame_kind)kind, r, d, 77 + (uint64_t)d, room);
        double *v = doubles(d), *x = doubles(m), *y = doubles(m);
        for (long i = 0; i < d; i++) {
          memset(v, 0, (size_t)d * sizeof *v);
          v[i] = 1;
          double most = sg_frame_up(&f, v, x), largest = 0;
          for (long k = 0; k < m; k++) largest = fmax(largest, fabs(x[k]));
          assert_true(most == largest && fabs(norm_of(x, m) - 1) < 1e-12);
          sg_frame_down(&f, x, y);
          for (long k = 0; k < d; k++) assert_true(fabs(y[k] - (k == i)) < 1e-12);
        }
        free(room);
        free(v);
        free(x);
        free(y);
      }
}

/* |x|_∞ √M / |v| of cubed Gaussians, D = 1000: 3.3 to 3.4 on the mean, 10 to 11 before; the bound
 * 2 √log 2M is kept. The democratic embedding is below its own bound and no larger, and v = F x. */
static void no_coordinate_is_large(void **state) {
  (void)state;
  enum { D = 1000, DRAWS = 300 };
  sg_stream_at(&stream, 13, 0, SG_FOR_CHECK, 0, 0, 0);
  double *v = doubles(D), *x = doubles(4 * D), *y = doubles(4 * D), *more = doubles(4 * D);
  double *room = doubles(sg_frame_room(SG_FRAME_HADAMARD, 1.5, D)), before = 0, near = 0, flat = 0,
         wide = 0;
  for (int r = 0; r < DRAWS; r++) {
    sg_frame f;
    fill_cubed(v, D);
    double norm = norm_of(v, D);
    sg_frame_draw(&f, SG_FRAME_HADAMARD, 1, D, (uint64_t)r, room);
    assert_int_equal(f.m, 1024);
    double most = sg_frame_up(&f, v, x) * sqrt(1024) / norm;
    assert_true(most <= 2 * sqrt(log(2 * 1024.0)));
    near += most / DRAWS;
    before += sg_largest(D, v) * sqrt(D) / norm / DRAWS;
    sg_frame_draw(&f, SG_FRAME_HADAMARD, 1.5, D, (uint64_t)r, room);
    assert_int_equal(f.m, 2048);
    wide += sg_frame_up(&f, v, x) * sqrt(2048) / norm / DRAWS;
    double bound = sg_frame_democratic(&f, v, x, more);
    most = sg_largest(f.m, x) * sqrt(2048) / norm;
    assert_true(most <= bound);
    flat += most / DRAWS;
    sg_frame_down(&f, x, y);
    for (long i = 0; i < D; i++) assert_true(fabs(y[i] - v[i]) < 1e-12 * norm);
  }
  assert_true(near > 3.3 && near < 3.4 && before > 10 && before < 11);
  assert_true(flat < wide);
  free(v);
  free(x);
  free(y);
  free(more);
  free(room);
}

/* Orthonormal frames, too: D = 116 of 128. */
static void orthonormal_embeddings(void **state) {
  (void)state;
  enum { D = 116, DRAWS = 60 };
  double *v = doubles(D), *x = doubles(4 * D), *y = doubles(4 * D), *more = doubles(4 * D);
  double *room = doubles(sg_frame_room(SG_FRAME_ORTHONORMAL, 1.5, D));
  sg_stream_at(&stream, 14, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int r = 0; r < DRAWS; r++) {
    sg_frame f;
    fill_cubed(v, D);
    double norm = norm_of(v, D);
    sg_frame_draw(&f, SG_FRAME_ORTHONORMAL, 1.1, D, (uint64_t)r, room);
    assert_int_equal(f.m, 128);
    assert_true(sg_frame_up(&f, v, x) <= 2 * sqrt(1.1 * log(256) / 128) * norm);
    sg_frame_draw(&f, SG_FRAME_ORTHONORMAL, 1.5, D, (uint64_t)r, room);
    assert_int_equal(f.m, 174);
    double bound = sg_frame_democratic(&f, v, x, more);
    assert_true(sg_largest(174, x) * sqrt(174) <= bound * norm);
    sg_frame_down(&f, x, y);
    for (long i = 0; i < D; i++) assert_true(fabs(y[i] - v[i]) < 1e-12 * norm);
  }
  free(v);
  free(x);
  free(y);
  free(more);
  free(room);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static sg_compressor near_of(const char *name, double bits, int rounding, int kind,
                             double redundancy) {
  return test_compressor(name, (const double[]){bits, rounding, kind, redundancy});
}

static double squared_error(const sg_compressor *c, sg_packed *p, const double *v, long n,
                            double *y, uint32_t r) {
  sg_dither d;
  double bits, sum = 0, all = 0;
  sg_dither_at(&d, 3, r, 1, 2, 0, 0);
  memcpy(y, v, (size_t)n * sizeof *y);
  assert_int_equal(sg_compress(c, p, &d, n, y, NULL, &bits), SG_OK);
  for (long i = 0; i < n; i++) sum += (y[i] - v[i]) * (y[i] - v[i]), all += v[i] * v[i];
  return sum / all;
}

/* |C(v) − v|²/|v|², D = 1000, v = randn³: the numbers that another program found (theory:
 * quantiser), within 6 % (scalar) and 3 % (embedding). */
static void errors_are_those_of_the_table(void **state) {
  (void)state;
  enum { D = 1000, DRAWS = 1500 };
  static const double rate[] = {1.1, 2.1, 3.1, 4.1, 6.1};
  static const double expected[4][5] = {{24.4, 5.48, 1.276, 0.293, 0.01517},
                                        {3.13, 0.678, 0.179, 0.0486, 0.00352},
                                        {1.059, 0.2218, 0.0566, 0.0144, 0.00102},
                                        {1.537, 0.1958, 0.0368, 0.00818, 0.000529}};
  double *v = doubles(D), *y = doubles(D), sum[4][5] = {{0}};
  sg_packed p = {0};
  sg_compressor c[4][5];
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < 5; i++)
      c[k][i] = near_of(k < 2 ? "scalar-quantiser" : "near-democratic", rate[i], k % 2, 0, 1);
  sg_stream_at(&stream, 15, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int r = 0; r < DRAWS; r++) {
    fill_cubed(v, D);
    for (int k = 0; k < 4; k++)
      for (int i = 0; i < 5; i++) sum[k][i] += squared_error(&c[k][i], &p, v, D, y, (uint32_t)r);
  }
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < 5; i++) {
      double mean = sum[k][i] / DRAWS;
      if (fabs(mean / expected[k][i] - 1) > (k < 2 ? 0.06 : 0.03))
        fail_msg("expected %g, found %g", expected[k][i], mean);
    }
  sg_packed_free(&p);
  free(v);
  free(y);
}

/* |v − C(v)| ≤ √M |x|_∞ 2^−b for every vector, and by the embedding's bound. */
static void errors_keep_their_bounds(void **state) {
  (void)state;
  enum { D = 512 };
  double *v = doubles(D), *y = doubles(D);
  sg_packed p = {0};
  sg_stream_at(&stream, 16, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int r = 0; r < 200; r++) {
    int b = 1 + r % 8;
    fill_cubed(v, D);
    sg_compressor scalar = near_of("scalar-quantiser", b, 0, 0, 1),
                  near = near_of("near-democratic", b, 0, 0, 1);
    double scalar2 = squared_error(&scalar, &p, v, D, y, (uint32_t)r),
           near2 = squared_error(&near, &p, v, D, y, (uint32_t)r);
    assert_true(sqrt(scalar2) <=
                sqrt(D) * ldexp(1, -b) * sg_largest(D, v) / norm_of(v, D) * (1 + 1e-6));
    assert_true(sqrt(near2) <= ldexp(2, -b) * sqrt(log(2 * D)) * (1 + 1e-6));
  }
  sg_packed_free(&p);
  free(v);
  free(y);
}

/* --- Bits ------------------------------------------------------------------------------------- */

/* ⌊⌊n R⌋/M⌋ each and the rest, one by one. */
static double formula(long n, long m, double rate, int rounding) {
  long budget = (long)floor(rate * (double)n + 1e-9), sum = 0;
  if (rounding == 2) {
    budget = budget < 1 ? 1 : budget;
    return 32 + 2.0 * (double)budget;
  }
  if (rounding == 1 && budget < m) return 32 + 2.0 * (double)m;
  for (long i = 0; i < m; i++) {
    long b = budget / m + (i < budget % m);
    sum += b > 0 ? b + rounding : 0;
  }
  return 32 + (double)sum;
}

/* The levels as they stand in the packed bits, read bit by bit, are the levels of the vector; what
 * the receiver makes of them is the quantised vector to the last bit. */
static void bits_are_counted_and_carried(void **state) {
  (void)state;
  static const long lengths[] = {1, 7, 1000, 1 << 20, (1 << 20) + 1};
  static const double rates[3][3] = {{0.5, 2, 4.1}, {1, 1.3, 6.1}, {0.1, 0.5, 0.999}};
  static const char *const names[] = {"scalar-quantiser", "near-democratic", "democratic"};
  static const double redundancy[] = {1, 1, 1.5};
  sg_packed p = {0};
  sg_stream_at(&stream, 17, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int l = 0; l < 5; l++)
    for (int k = 0; k < 3; k++) {
      long n = lengths[l], m = 1;
      double *v = doubles(n), *y = doubles(n), *z = doubles(n), bits;
      fill_cubed(v, n);
      while ((double)m < redundancy[k] * (double)n) m *= 2;
      if (k == 0) m = n;
      for (int q = 0; q < 9; q++) {
        if (l > 2 && q % 3 != l % 3) continue; /* long ones: one rate each */
        double rate = rates[q / 3][q % 3];
        sg_compressor c = near_of(names[k], rate, q / 3, 0, redundancy[k]);
        sg_dither d;
        sg_dither_at(&d, 1, 0, 1, (uint32_t)q, 0, 0);
        memcpy(y, v, (size_t)n * sizeof *y);
        assert_int_equal(sg_compress(&c, &p, &d, n, y, NULL, &bits), SG_OK);
        assert_true(bits == formula(n, m, rate, q / 3) && bits == sg_compressor_bits(&c, n));
        assert_true(sg_bytes_of(bits) == ceil(bits / 8));
        assert_true(c.unbiased == (q / 3 > 0) && sg_compressor_fixed(&c) &&
                    !sg_compressor_forms(&c));
        /* Again from the bytes alone. */
        sg_packed copy = {.byte = malloc((p.count + 7) / 8),
                          .capacity = (p.count + 7) / 8,
                          .count = p.count,
                          .key = p.key};
        assert_non_null(copy.byte);
        memcpy(copy.byte, p.byte, copy.capacity);
        c.type->decode(c.state, n, &copy, z);
        assert_int_equal(copy.at, copy.count);
        assert_memory_equal(y, z, (size_t)n * sizeof *y);
        sg_packed_free(&copy);
        if (k > 0) continue;
        /* Without a frame the quantised vector is seen: each coordinate is one of its levels. */
        long kept = 0;
        double most = sg_largest(n, v);
        for (long i = 0; i < n; i++) {
          double x = v[i] / most, level = y[i] / most;
          double b0 = floor(floor(rate * (double)n + 1e-9) / (double)n);
          double step = q < 3 ? ldexp(2, -(int)b0) : 1 / (exp2(fmax(b0, 1)) - 1);
          if (y[i] == 0) continue;
          kept++;
          if (q < 6)
            assert_true(fabs(level - x) <= (q < 3 ? step / 2 : step) * (1 + 1e-6) + 1e-6);
          else
            assert_true(fabs(fabs(level) - (double)n / fmax(1, floor(rate * (double)n))) <
                        1e-6 * (double)n);
        }
        if (q / 3 == 2) assert_true(kept <= (long)fmax(1, floor(rate * (double)n)));
        if (q == 0) assert_true(kept == (long)floor(rate * (double)n));
      }
      free(v);
      free(y);
      free(z);
    }
  sg_packed_free(&p);
}

/* By hand: R = 2, four levels −3/4, −1/4, 1/4, 3/4 of the largest, lowest bits first. */
static void four_levels_by_hand(void **state) {
  (void)state;
  double v[] = {4, -4, 0.5, -1.9, 2.1, 0, -0.1, -2.1}, y[8], bits;
  static const double expected[] = {3, -3, 1, -1, 3, 1, -1, -3};
  static const unsigned code[] = {3, 0, 2, 1, 3, 2, 1, 0};
  sg_packed p = {0};
  sg_dither d;
  sg_compressor c = near_of("scalar-quantiser", 2, 0, 0, 1);
  sg_dither_at(&d, 1, 0, 0, 0, 0, 0);
  memcpy(y, v, sizeof y);
  assert_int_equal(sg_compress(&c, &p, &d, 8, y, NULL, &bits), SG_OK);
  assert_memory_equal(y, expected, sizeof y);
  assert_true(bits == 48);
  unsigned packed = p.byte[4] | (unsigned)p.byte[5] << 8;
  for (int i = 0; i < 8; i++) assert_int_equal(packed >> (2 * i) & 3, code[i]);
  /* Zero stays zero, with every quantiser. */
  static const char *const names[] = {"scalar-quantiser", "near-democratic", "democratic"};
  for (int k = 0; k < 9; k++) {
    memset(y, 0, sizeof y);
    c = near_of(names[k % 3], k / 3 == 2 ? 0.5 : 3, k / 3, k % 2, k % 3 == 2 ? 1.5 : 1);
    assert_int_equal(sg_compress(&c, &p, &d, 8, y, NULL, &bits), SG_OK);
    for (int i = 0; i < 8; i++) assert_true(y[i] == 0);
    y[3] = INFINITY;
    assert_int_equal(sg_compress(&c, &p, &d, 8, y, NULL, &bits), SG_OK);
    bool finite = true;
    for (int i = 0; i < 8; i++) finite = finite && isfinite(y[i]);
    assert_false(finite);
  }
  sg_packed_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_counting_common_ones),
      cmocka_unit_test(twice_is_n_times),
      cmocka_unit_test(subsets_are_fair),
      cmocka_unit_test(frames_are_parsevals),
      cmocka_unit_test(no_coordinate_is_large),
      cmocka_unit_test(orthonormal_embeddings),
      cmocka_unit_test(errors_are_those_of_the_table),
      cmocka_unit_test(errors_keep_their_bounds),
      cmocka_unit_test(bits_are_counted_and_carried),
      cmocka_unit_test(four_levels_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
