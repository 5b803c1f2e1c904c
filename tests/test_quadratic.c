/* SPDX-License-Identifier: MIT */
/* The quadratic problem against its matrices: gradients of parts, noise by name, heterogeneous
 * subsets, local steps, spectrum; the norm of the whole gradient, of data with an intercept too. */
#include "sim/core/linalg.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { D = 13, K = 6 };

static sg_problem *make(const char *settings) {
  sg_error e = {0};
  sg_problem *p = learning_problem("quadratic", settings, K, 3, &e);
  assert_non_null(p);
  return p;
}

static sg_partition *part(const sg_problem *problem, int parts, const double *edge) {
  sg_error e = {0};
  sg_partition *p;
  assert_int_equal(sg_partition_new(problem, parts, edge, 0, NULL, &p, &e), SG_OK);
  return p;
}

/* One item, to `out`. */
static void ask(const sg_problem *problem, const sg_partition *p, sg_workspace *ws, const double *x,
                sg_partial item, int steps, double rate, double *out) {
  sg_error e = {0};
  const sg_gradient_request q = {.partition = p,
                                 .width = 1,
                                 .columns = 1,
                                 .x = &x,
                                 .n_items = 1,
                                 .item = &item,
                                 .steps = steps,
                                 .rate = rate};
  const double *tile;
  assert_int_equal(sg_problem_begin(problem, ws, &q, &e), SG_OK);
  assert_int_equal(sg_problem_tile(problem, ws, 0, 0, problem->length, &tile), SG_OK);
  memcpy(out, tile, (size_t)problem->length * sizeof *out);
}

/* A x − b by the whole matrix, and ½ xᵀA x − bᵀx. */
static double dense(long d, const double *x, double *g) {
  double f = 0;
  for (long i = 0; i < d; i++) {
    g[i] = i == 0 ? 0.25 : 0;
    double product = 0;
    for (long j = 0; j < d; j++) product += (i == j ? 0.5 : labs(i - j) == 1 ? -0.25 : 0) * x[j];
    g[i] += product;
    f += 0.5 * x[i] * product + (i == 0 ? 0.25 * x[0] : 0);
  }
  return f;
}

static void wave(long d, double *x) {
  for (long i = 0; i < d; i++) x[i] = sin(1.7 * (double)i + 0.4) * 3;
}

static double evaluate(const sg_problem *problem, sg_workspace *ws, const double *x) {
  sg_metrics m;
  assert_int_equal(sg_problem_evaluate(problem, ws, SG_WANT_LOSS, 1, &x, &m), SG_OK);
  return m.loss;
}

static void loss_and_start(void **state) {
  for (long d = 1; d <= 40; d += 13) {
    char settings[64];
    snprintf(settings, sizeof settings, "length=%ld", d);
    sg_problem *problem = make(settings);
    sg_workspace *ws = sg_workspace_new(problem);
    double x[40], g[40], best[40];
    sg_problem_start(problem, x);
    assert_true(x[0] == sqrt((double)d));
    for (long i = 1; i < d; i++) assert_true(x[i] == 0);
    wave(d, x);
    for (long i = 0; i < d; i++) best[i] = -1 + (double)(i + 1) / (double)(d + 1);
    double least = dense(d, best, g);
    for (long i = 0; i < d; i++) assert_true(fabs(g[i]) < 1e-15);
    assert_true(fabs(least + (double)d / (8 * (double)(d + 1))) < 1e-15);
    assert_true(fabs(evaluate(problem, ws, x) - (dense(d, x, g) - least)) < 1e-13);
    assert_true(evaluate(problem, ws, best) < 1e-31);
    sg_workspace_free(ws);
    sg_problem_free(problem);
  }
}

/* Uneven parts, of subsets that are alike and that are not; in width 1 and side by side. */
static void gradients_of_parts(void **state) {
  static const double edge[] = {0, 0.04, 0.31, 0.5, 0.8, 1};
  const char *settings[] = {"length=13", "length=13 heterogeneity=0.7 l2=0.2 start=2"};
  for (int s = 0; s < 2; s++) {
    sg_problem *problem = make(settings[s]);
    sg_partition *p = part(problem, 5, edge), *subset = part(problem, K, NULL);
    sg_workspace *ws = sg_workspace_new(problem);
    double x[3 * D], g[D], sum[D] = {0}, got[D], squares = 0;
    wave(3 * D, x);
    dense(D, x, g);
    for (int i = 0; i < 5; i++) {
      ask(problem, p, ws, x, (sg_partial){.part = i}, 1, 0, got);
      for (int c = 0; c < D; c++) {
        double share = edge[i + 1] - edge[i];
        sum[c] += got[c];
        if (s == 0) assert_true(fabs(got[c] - share * g[c]) < 1e-14);
      }
    }
    for (int c = 0; c < D; c++) assert_true(fabs(sum[c] - g[c]) < 1e-14);
    for (int j = 0; j < K; j++) { /* a subset scaled to all of it is ζ √(1 − 1/k) away */
      ask(problem, subset, ws, x, (sg_partial){.part = j}, 1, 0, got);
      for (int c = 0; c < D; c++) squares += (K * got[c] - g[c]) * (K * got[c] - g[c]);
    }
    double sd = sqrt(squares / (K * D)), expected = s * 0.7 * sqrt(1 - 1.0 / K);
    assert_true(fabs(sd - expected) <= 4.0 * expected / sqrt(2.0 * (K - 1) * D) + 1e-14);

    const double *columns[] = {x, x + D, x + 2 * D};
    const sg_partial item[] = {{.part = 3},
                               {.part = 3, .column = 2},
                               {.part = 1, .column = 1},
                               {.part = 3, .column = 2, .batch = 5}};
    double loss[3];
    for (int width = 1; width <= 3; width += 2) {
      const sg_gradient_request q = {.partition = p,
                                     .width = width,
                                     .columns = 3,
                                     .x = columns,
                                     .n_items = 3 + (width == 1),
                                     .item = item,
                                     .loss_x = columns,
                                     .loss = loss};
      sg_error e = {0};
      const double *tile[4];
      assert_int_equal(sg_problem_begin(problem, ws, &q, &e), SG_OK);
      assert_int_equal(sg_problem_tile(problem, ws, 1, 4, 9, tile), SG_OK);
      double kept[4][5], kept_loss[3];
      memcpy(kept_loss, loss, sizeof loss);
      for (int i = 0; i < q.n_items; i++) memcpy(kept[i], tile[i], sizeof kept[i]);
      for (int i = 0; i < q.n_items; i++) {
        const sg_partial alone = {.part = item[i].part, .batch = item[i].batch};
        ask(problem, p, ws, columns[item[i].column], alone, 1, 0, got);
        assert_memory_equal(kept[i], got + 4, sizeof kept[i]);
      }
      for (int c = 0; c < 3; c++) assert_true(kept_loss[c] == evaluate(problem, ws, columns[c]));
    }
    sg_workspace_free(ws);
    sg_partition_free(p);
    sg_partition_free(subset);
    sg_problem_free(problem);
  }
}

/* Noise: of the deviation that is wanted, the share's part of it, by name and part alone. */
static void noise(void **state) {
  enum { LONG = 70000, NAMES = 40 };
  sg_problem *problem = make("length=70000 noise=0.01"), *other = make("length=70000 noise=0.01"),
             *none = make("length=70000 noise=0");
  sg_partition *one = part(problem, 1, NULL), *three = part(problem, 3, NULL),
               *same = part(other, 3, NULL), *exact = part(none, 3, NULL);
  sg_workspace *ws = sg_workspace_new(problem), *w2 = sg_workspace_new(other),
               *w3 = sg_workspace_new(none);
  double *x = calloc(LONG, sizeof *x), *g = calloc(LONG, sizeof *g), *a = calloc(LONG, sizeof *a),
         *b = calloc(LONG, sizeof *b);
  wave(LONG, x);
  for (int parts = 1; parts <= 3; parts += 2) {
    const sg_partition *p = parts == 1 ? one : three;
    double sum = 0, squares = 0, fourth = 0, next = 0;
    ask(problem, p, ws, x, (sg_partial){.part = parts - 1}, 1, 0, g);
    for (int name = 1; name <= NAMES; name++) {
      ask(problem, p, ws, x, (sg_partial){.part = parts - 1, .batch = name}, 1, 0, a);
      for (long i = 0; i < LONG; i++) {
        double z = (a[i] - g[i]) * parts / 0.01;
        sum += z, squares += z * z, fourth += z * z * z * z;
        if (i > 0) next += z * (a[i - 1] - g[i - 1]) * parts / 0.01;
      }
    }
    double n = (double)LONG * NAMES;
    assert_true(fabs(sum / n) < 4 / sqrt(n));
    assert_true(fabs(squares / n - 1) < 4 * sqrt(2 / n));
    assert_true(fabs(fourth / n - 3) < 4 * sqrt(96 / n));
    assert_true(fabs(next / n) < 4 / sqrt(n));
  }
  /* Equal names are equal vectors in another process; others are not. */
  ask(other, same, w2, x, (sg_partial){.part = 2, .batch = NAMES}, 1, 0, b);
  assert_memory_equal(a, b, LONG * sizeof *a);
  ask(other, same, w2, x, (sg_partial){.part = 1, .batch = NAMES}, 1, 0, b);
  long equal = 0;
  for (long i = 0; i < LONG; i++) equal += a[i] == b[i];
  assert_true(equal < 10);
  ask(none, exact, w3, x, (sg_partial){.part = 2, .batch = 1}, 1, 0, b);
  assert_memory_equal(g, b, LONG * sizeof *g);
  assert_true(sg_partition_samples(three, 1, 7) == 1 && isnan(sg_partition_samples(three, 1, 0)));
  free(x), free(g), free(a), free(b);
  sg_workspace_free(ws), sg_workspace_free(w2), sg_workspace_free(w3);
  sg_partition_free(one), sg_partition_free(three), sg_partition_free(same);
  sg_partition_free(exact);
  sg_problem_free(problem), sg_problem_free(other), sg_problem_free(none);
}

/* Local steps go by the names batch, batch + 1, …: the same as gradients asked for one by one. */
static void local_steps(void **state) {
  enum { STEPS = 5 };
  const double rate = 0.3;
  sg_problem *problem = make("length=13 noise=0.2 heterogeneity=0.4");
  sg_partition *p = part(problem, 3, NULL);
  sg_workspace *ws = sg_workspace_new(problem);
  for (int batch = 0; batch <= 7; batch += 7) {
    double x[D], g[D], sum[D] = {0}, got[D];
    wave(D, x);
    ask(problem, p, ws, x, (sg_partial){.part = 1, .batch = batch}, STEPS, rate, got);
    for (int t = 0; t < STEPS; t++) {
      ask(problem, p, ws, x, (sg_partial){.part = 1, .batch = batch ? batch + t : 0}, 1, 0, g);
      for (int c = 0; c < D; c++) sum[c] += g[c], x[c] -= rate * 3 * g[c];
    }
    for (int c = 0; c < D; c++) assert_true(fabs(got[c] - sum[c]) < 1e-14);
  }
  sg_workspace_free(ws);
  sg_partition_free(p);
  sg_problem_free(problem);
}

static void spectrum(void **state) {
  for (int d = 1; d <= D; d += 4) {
    char settings[64];
    snprintf(settings, sizeof settings, "length=%d l2=0.25", d);
    sg_problem *problem = make(settings);
    double a[D * D] = {0}, sigma[D], least, most, bound;
    for (int i = 0; i < d; i++) {
      a[i * d + i] = 0.5 + 0.25;
      if (i > 0) a[i * d + i - 1] = a[(i - 1) * d + i] = -0.25;
    }
    assert_int_equal(sg_singular_values(d, d, a, d, sigma), SG_OK);
    assert_int_equal(problem->type->curvature(problem, &least, &most), SG_OK);
    assert_int_equal(problem->type->smoothness(problem, &bound), SG_OK);
    assert_true(fabs(most - sigma[0]) < 1e-14 && fabs(least - sigma[d - 1]) < 1e-14);
    assert_true(bound == most);
    sg_problem_free(problem);
  }
}

/* The squared norm of the whole gradient, by differences of the loss: with the L2 term, which does
 * not touch intercepts, and of the loss alone. */
static void norms(void **state) {
  static const struct {
    const char *problem, *settings;
  } kinds[] = {
      {"quadratic", "length=13 l2=0.3 heterogeneity=1 noise=5"},
      {"least-squares", "l2=0.3 data=gaussian-mixture data.rows=90 data.features=5"},
      {"softmax", "l2=0.3 data=gaussian-mixture data.rows=90 data.features=4 data.classes=3"}};
  for (int k = 0; k < 3; k++) {
    sg_error e = {0};
    sg_problem *problem = learning_problem(kinds[k].problem, kinds[k].settings, K, 3, &e);
    assert_non_null(problem);
    sg_partition *whole = part(problem, 1, NULL);
    sg_workspace *ws = sg_workspace_new(problem);
    double x[40], loss, norm2, bare, expected = 0, plain = 0;
    long l = problem->length;
    assert_true(l <= 40);
    wave(l, x);
    for (long i = 0; i < l; i++) {
      const double h = 1e-5, at = x[i];
      x[i] = at + h;
      double up = evaluate(problem, ws, x);
      x[i] = at - h;
      double slope = (up - evaluate(problem, ws, x)) / (2 * h);
      x[i] = at;
      bool free_one = i % problem->stride >= problem->stride - problem->unregularised;
      expected += slope * slope;
      plain += pow(slope - (free_one ? 0 : 0.3 * at), 2);
    }
    assert_int_equal(sg_problem_gradient_norm2(problem, ws, whole, x, true, &loss, &norm2, &e), 0);
    assert_int_equal(sg_problem_gradient_norm2(problem, ws, whole, x, false, NULL, &bare, &e), 0);
    assert_true(fabs(norm2 - expected) < 1e-7 * expected);
    assert_true(fabs(bare - plain) < 1e-7 * plain && fabs(bare - norm2) > 1e-3 * norm2);
    assert_true(fabs(loss - evaluate(problem, ws, x)) < 1e-13 * loss);
    sg_workspace_free(ws);
    sg_partition_free(whole);
    sg_problem_free(problem);
  }
}

static void what_is_refused(void **state) {
  sg_error e = {0};
  assert_null(learning_problem("quadratic", "length=13 batch_rows=4", K, 3, &e));
  assert_non_null(strstr(e.fault[0].message, "expected a problem whose data have rows"));
  sg_error_clear(&e);
  sg_problem *problem = make("length=13");
  const sg_coded_part coded = {.count = 1, .part = (int[]){0}, .coef = (double[]){1}};
  sg_partition *p;
  assert_int_equal(sg_partition_new(problem, 2, NULL, 1, &coded, &p, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "found \"quadratic\""));
  sg_error_clear(&e);
  sg_problem_free(problem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loss_and_start), cmocka_unit_test(gradients_of_parts),
      cmocka_unit_test(noise),          cmocka_unit_test(local_steps),
      cmocka_unit_test(spectrum),       cmocka_unit_test(norms),
      cmocka_unit_test(what_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
