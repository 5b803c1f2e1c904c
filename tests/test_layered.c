/* SPDX-License-Identifier: MIT */
/* Gradients of the shape of a network: their laws, norms by layer, sums of parts, and that nothing
 * depends on who asks for which coordinates. */
#include "models/learning/problem.h"
#include "sim/core/linalg.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct bench {
  sg_problem *problem;
  sg_partition *partition;
  sg_workspace *ws;
  double *x;
  const double *model;
} bench;

static bench open_bench(const char *settings, int subsets, int parts) {
  bench b;
  sg_error e = {0};
  char all[256];
  snprintf(all, sizeof all, "subsets=%d %s", subsets, settings);
  sg_values *v = learning_values("layered-gradient", all);
  if (sg_problem_new(v, 4, 7, &b.problem, &e)) fail_msg("%s", e.fault[0].message);
  sg_values_free(v);
  assert_int_equal(sg_partition_new(b.problem, parts, NULL, 0, NULL, &b.partition, &e), SG_OK);
  b.ws = sg_workspace_new(b.problem);
  b.x = calloc((size_t)b.problem->length, sizeof *b.x);
  assert_true(b.ws && b.x);
  b.model = b.x;
  return b;
}

static void close_bench(bench *b) {
  free(b->x);
  sg_workspace_free(b->ws);
  sg_partition_free(b->partition);
  sg_problem_free(b->problem);
}

/* Coordinates [begin, end) of a part's gradient, in tiles of `step`. */
static void take(bench *b, int part, long begin, long end, long step, double *out) {
  const sg_partial item = {.part = part};
  const sg_gradient_request q = {.partition = b->partition,
                                 .width = 1,
                                 .columns = 1,
                                 .x = &b->model,
                                 .n_items = 1,
                                 .item = &item};
  sg_error e = {0};
  assert_int_equal(sg_problem_begin(b->problem, b->ws, &q, &e), SG_OK);
  for (long c = begin; c < end; c += step) {
    const double *tile;
    long stop = c + step < end ? c + step : end;
    assert_int_equal(sg_problem_tile(b->problem, b->ws, 0, c, stop, &tile), SG_OK);
    memcpy(out + (c - begin), tile, (size_t)(stop - c) * sizeof *out);
  }
}

#define SMALL "profile=conformer profile.width=16 profile.blocks=2 profile.kernel=3"

static void tiles_make_no_difference(void **state) {
  (void)state;
  bench b = open_bench(SMALL " norm_sigma=1", 6, 6);
  long l = b.problem->length;
  assert_int_equal(l, 2 * (24 * 256 + 3 * 16));
  double *whole = calloc(2 * (size_t)l, sizeof *whole), *again = whole + l;
  assert_non_null(whole);
  take(&b, 3, 0, l, l, whole);
  for (long step = 1; step < 1000; step = 3 * step + 4) {
    take(&b, 3, 0, l, step, again);
    assert_memory_equal(whole, again, (size_t)l * sizeof *whole);
  }
  take(&b, 3, 1234, 5678, 77, again);
  assert_memory_equal(whole + 1234, again, (5678 - 1234) * sizeof *whole);
  /* Half the gradient where 1 + |x_0| is 2. */
  b.x[0] = -1;
  take(&b, 3, 0, l, 512, again);
  for (long c = 0; c < l; c++) assert_true(again[c] == whole[c] / 2);
  free(whole);
  close_bench(&b);
}

/* Parts of two thirds of a subset each, and so on: sums of shares, the same whole. */
static void parts_are_shares_of_subsets(void **state) {
  (void)state;
  bench fine = open_bench(SMALL, 6, 6), coarse = open_bench(SMALL, 6, 4);
  long l = fine.problem->length;
  double *g = calloc(3 * (size_t)l, sizeof *g), *sum = g + l, *other = sum + l;
  assert_non_null(g);
  for (int p = 0; p < 6; p++) {
    take(&fine, p, 0, l, 512, g);
    cblas_daxpy((int)l, 1, g, 1, sum, 1);
    cblas_daxpy((int)l, p == 0 ? 1 : p == 1 ? 0.5 : 0, g, 1, other, 1);
  }
  take(&coarse, 0, 0, l, 512, g);
  for (long c = 0; c < l; c++) assert_true(fabs(g[c] - other[c]) < 1e-14);
  for (int p = 0; p < 4; p++) {
    take(&coarse, p, 0, l, 512, g);
    cblas_daxpy((int)l, -1, g, 1, sum, 1);
  }
  assert_true(cblas_dnrm2((int)l, sum, 1) < 1e-13);
  free(g);
  close_bench(&fine);
  close_bench(&coarse);
}

/* Standardised moments of the entries: variance, E|z|, E z⁴, within 4 standard errors of what n
 * independent draws (of the table, 2¹⁷) would have. */
static void entries_have_their_law(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double absolute, fourth, eighth;
  } laws[] = {{"gaussian", 0.7978845608, 3, 105},
              {"laplace", 0.7071067812, 6, 2520},
              /* z³/√15: E|z³| = 2√(2/π), E z¹² = 10395, E z²⁴ = 316234143225. */
              {"cubed-gaussian", 0.4120258228, 46.2, 6246600}};
  for (size_t i = 0; i < 3; i++) {
    char settings[128];
    snprintf(settings, sizeof settings,
             "entries=%s profile=conformer profile.width=64 profile.blocks=3", laws[i].name);
    bench b = open_bench(settings, 3, 3);
    long l = b.problem->length, n = 3 * l, at = 0;
    double *g = calloc((size_t)l, sizeof *g), one = 0, two = 0, abs1 = 0, four = 0;
    assert_non_null(g);
    for (int p = 0; p < 3; p++) {
      take(&b, p, 0, l, 512, g);
      for (int k = 0; k < b.problem->n_layers; k++) {
        long end = b.problem->layer_end[k];
        double scale = sqrt(3.0 * (double)(end - at)); /* norms are 1 */
        for (; at < end; at++) {
          double z = g[at] * scale;
          one += z, two += z * z, abs1 += fabs(z), four += z * z * z * z;
        }
      }
      at = 0;
    }
    double draws = fmin((double)n, 1 << 17), a = laws[i].absolute;
    assert_true(fabs(one / (double)n) < 4 / sqrt(draws));
    assert_true(fabs(two / (double)n - 1) < 4 * sqrt((laws[i].fourth - 1) / draws));
    assert_true(fabs(abs1 / (double)n - a) < 4 * sqrt((1 - a * a) / draws));
    double fourth = laws[i].fourth;
    assert_true(fabs(four / (double)n - fourth) <
                4 * sqrt((laws[i].eighth - fourth * fourth) / draws));
    free(g);
    close_bench(&b);
  }
}

/* Log-normal norms with median 1; subsets are as good as uncorrelated. */
static void layers_have_their_norms(void **state) {
  (void)state;
  bench b = open_bench("profile=conformer profile.width=24 profile.blocks=40 norm_sigma=0.7", 5, 5);
  long l = b.problem->length, at = 0;
  int layers = b.problem->n_layers;
  double *g = calloc(6 * (size_t)l, sizeof *g), *sum = g + 5 * l, mean = 0, square = 0;
  assert_non_null(g);
  for (int p = 0; p < 5; p++) {
    take(&b, p, 0, l, 4096, g + p * l);
    cblas_daxpy((int)l, 1, g + p * l, 1, sum, 1);
  }
  for (int k = 0; k < layers; k++) {
    int n = (int)(b.problem->layer_end[k] - at);
    double norm = log(cblas_dnrm2(n, sum + at, 1));
    mean += norm / layers;
    square += norm * norm / layers;
    for (int p = 1; p < 5; p++) {
      double cosine = cblas_ddot(n, g + at, 1, g + p * l + at, 1) /
                      (cblas_dnrm2(n, g + at, 1) * cblas_dnrm2(n, g + p * l + at, 1));
      assert_true(fabs(cosine) < 6 / sqrt(n));
    }
    at += n;
  }
  double sd = sqrt(square - mean * mean);
  assert_true(fabs(mean) < 4 * 0.7 / sqrt(layers));
  assert_true(fabs(sd - 0.7) < 4 * 0.7 / sqrt(2.0 * layers) + 0.02);
  free(g);
  close_bench(&b);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiles_make_no_difference),
      cmocka_unit_test(parts_are_shares_of_subsets),
      cmocka_unit_test(entries_have_their_law),
      cmocka_unit_test(layers_have_their_norms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
