/* SPDX-License-Identifier: MIT */
#include "models/learning/optimizer.h"
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

enum { L = 14, STRIDE = 7 }; /* two classes of seven coordinates, the last an intercept */

/* ∇ of Σ i (x_i − 1)² / 2: any gradient would do. */
static void gradient(const double *x, double *g) {
  for (int i = 0; i < L; i++) g[i] = 0.05 * (i + 1) * (x[i] - 1);
}

/* Runs `updates` steps against a hand-written loop; momentum below 0: t/(t + 3). */
static void against_a_loop(const char *settings, bool nesterov, double step, double momentum) {
  char all[256] = "length=1 ";
  strcat(all, settings);
  sg_values *v = learning_values("none", all);
  sg_error e = {0};
  sg_optimizer *o;
  assert_int_equal(sg_optimizer_new(sg_object(v, "optimizer"), &o, &e), SG_OK);
  assert_int_equal(sg_optimizer_vectors(o), nesterov ? 2 : 1);
  const double l2 = 0.1;
  const sg_problem problem = {.length = L, .stride = STRIDE, .unregularised = 1, .l2 = l2};
  double x[L] = {0}, previous[L] = {0}, point[L], g[L], *vectors[2] = {x, previous};
  double hx[L] = {0}, hp[L] = {0};
  for (int t = 0; t < 25; t++) {
    double beta = !nesterov || t == 0 ? 0 : momentum < 0 ? t / (t + 3.0) : momentum;
    double hy[L], hg[L];
    for (int i = 0; i < L; i++) hy[i] = hx[i] + beta * (hx[i] - hp[i]);
    gradient(hy, hg);
    for (int i = 0; i < L; i++) {
      hp[i] = hx[i];
      hx[i] = hy[i] - step * (hg[i] + (i % STRIDE == STRIDE - 1 ? 0 : l2 * hy[i]));
    }
    sg_optimizer_point(o, L, t, vectors, point);
    gradient(point, g);
    sg_optimizer_step(o, &problem, t, vectors, point, g);
    for (int i = 0; i < L; i++) assert_true(fabs(x[i] - hx[i]) < 1e-13);
  }
  free(o);
  sg_values_free(v);
}

static void gradient_descent_is_the_loop(void **state) {
  (void)state;
  against_a_loop("", false, 1, 0); /* the defaults */
  against_a_loop("optimizer=gradient-descent optimizer.step=0.3", false, 0.3, 0);
}

static void nesterov_is_the_loop(void **state) {
  (void)state;
  against_a_loop("optimizer=nesterov optimizer.step=0.3", true, 0.3, -1);
  against_a_loop("optimizer=nesterov optimizer.step=0.2 optimizer.momentum=0.9", true, 0.2, 0.9);
  against_a_loop("optimizer=nesterov optimizer.momentum=0", true, 1, 0);
}

/* The loop of ErasureHead's program: h = 2/(t + 2), v = (1 − h) x + h u, x₊ = v − step (g + l2 x),
 * u₊ = x + (x₊ − x)/h, gradients at x. With a constant momentum that of Polyak. */
static void heavy_ball_is_the_loop(void **state) {
  (void)state;
  for (int constant = 0; constant < 2; constant++) {
    char all[256];
    snprintf(all, sizeof all, "length=1 optimizer=heavy-ball optimizer.step=0.3%s",
             constant ? " optimizer.momentum=0.8" : "");
    sg_values *v = learning_values("none", all);
    sg_error e = {0};
    sg_optimizer *o;
    assert_int_equal(sg_optimizer_new(sg_object(v, "optimizer"), &o, &e), SG_OK);
    assert_int_equal(sg_optimizer_vectors(o), 2);
    const sg_problem problem = {.length = L, .stride = STRIDE, .unregularised = 1, .l2 = 0.1};
    double x[L] = {0}, previous[L] = {0}, point[L], g[L], *vectors[2] = {x, previous};
    double hx[L] = {0}, hu[L] = {0};
    for (int t = 0; t < 25; t++) {
      double h = 2 / (t + 2.0), hg[L];
      gradient(hx, hg);
      for (int i = 0; i < L; i++) {
        double l2 = i % STRIDE == STRIDE - 1 ? 0 : 0.1, last = hx[i];
        double base = constant ? hx[i] + 0.8 * hu[i] : (1 - h) * hx[i] + h * hu[i];
        hx[i] = base - 0.3 * (hg[i] + l2 * last);
        hu[i] = constant ? hx[i] - last : last + (hx[i] - last) / h;
      }
      sg_optimizer_point(o, L, t, vectors, point);
      gradient(point, g);
      sg_optimizer_step(o, &problem, t, vectors, point, g);
      for (int i = 0; i < L; i++) assert_true(fabs(x[i] - hx[i]) < 1e-13);
    }
    free(o);
    sg_values_free(v);
  }
}

static void a_step_may_be_taken_in_place(void **state) {
  (void)state;
  sg_values *v = learning_values("none", "optimizer.step=0.5");
  sg_error e = {0};
  sg_optimizer *o;
  assert_int_equal(sg_optimizer_new(sg_object(v, "optimizer"), &o, &e), SG_OK);
  const sg_problem problem = {.length = L, .stride = L};
  double x[L], g[L], *vectors[1] = {x};
  for (int i = 0; i < L; i++) x[i] = i, g[i] = 2;
  sg_optimizer_step(o, &problem, 0, vectors, x, g);
  for (int i = 0; i < L; i++) assert_true(x[i] == i - 1);
  free(o);
  sg_values_free(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradient_descent_is_the_loop), cmocka_unit_test(nesterov_is_the_loop),
      cmocka_unit_test(heavy_ball_is_the_loop), cmocka_unit_test(a_step_may_be_taken_in_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
