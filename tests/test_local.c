/* SPDX-License-Identifier: MIT */
/* The steps of workers' own optimisers against loops, and requests for them. Whole trajectories:
 * tests/local.bats. */
#include "models/learning/local.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { L = 14, STRIDE = 7 }; /* two classes of seven coordinates, the last an intercept */
static const sg_problem problem = {.length = L, .stride = STRIDE, .unregularised = 1};

static void gradient(const double *x, double *g) {
  for (int i = 0; i < L; i++) g[i] = 0.05 * (i + 1) * (x[i] - 1);
}

static void sizes(void **state) {
  (void)state;
  sg_local_optimizer o = {0};
  assert_int_equal(sg_local_size(NULL, L), 0);
  assert_int_equal(sg_local_size(&o, L), 0);
  o.method = SG_INNER_MOMENTUM;
  assert_int_equal(sg_local_size(&o, L), L + 1);
  o.method = SG_INNER_ADAMW;
  assert_int_equal(sg_local_size(&o, L), 2 * L + 1);
}

static void adamw_is_the_loop_and_spares_intercepts(void **state) {
  (void)state;
  const sg_local_optimizer o = {
      .method = SG_INNER_ADAMW, .beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-3, .weight_decay = 0.2};
  const double rate = 0.03;
  double x[L] = {0}, g[L], memory[2 * L + 1] = {0};
  double hx[L] = {0}, hg[L], m[L] = {0}, v[L] = {0};
  for (int i = 0; i < L; i++) x[i] = hx[i] = 0.1 * i - 0.4;
  for (int t = 1; t <= 30; t++) {
    gradient(hx, hg);
    for (int i = 0; i < L; i++) {
      double decay = i % STRIDE == STRIDE - 1 ? 0 : 0.2;
      m[i] += (1 - 0.9) * (hg[i] - m[i]);
      v[i] += (1 - 0.98) * (hg[i] * hg[i] - v[i]);
      double mean = m[i] / (1 - pow(0.9, t)), root = sqrt(v[i] / (1 - pow(0.98, t)));
      hx[i] -= rate * (decay * hx[i] + mean / (root + 1e-3));
    }
    gradient(x, g);
    sg_local_step(&o, &problem, rate, g, memory, x);
    for (int i = 0; i < L; i++) assert_true(fabs(x[i] - hx[i]) < 1e-12);
  }
  assert_true(memory[0] == 30);
}

static void momentum_is_the_loop(void **state) {
  (void)state;
  const sg_local_optimizer o = {.method = SG_INNER_MOMENTUM, .momentum = 0.8};
  double x[L] = {0}, before[L] = {0}, g[L], memory[L + 1] = {0}, hx[L] = {0}, hg[L];
  for (int t = 0; t < 30; t++) {
    gradient(hx, hg);
    for (int i = 0; i < L; i++) {
      double now = hx[i];
      hx[i] += 0.8 * (now - before[i]) - 0.1 * hg[i];
      before[i] = now;
    }
    gradient(x, g);
    sg_local_step(&o, &problem, 0.1, g, memory, x);
    for (int i = 0; i < L; i++) assert_true(fabs(x[i] - hx[i]) < 1e-12);
  }
}

/* One step that is sent as a displacement is no gradient: it has width 1, too. */
static void requests(void **state) {
  (void)state;
  sg_error e = {0};
  sg_problem *p = learning_problem(
      "least-squares",
      "data=gaussian-mixture data.rows=24 data.features=4 data.test_share=0 l2=0.5", 3, 1, &e);
  sg_partition *partition;
  assert_int_equal(sg_partition_new(p, 3, NULL, 0, NULL, &partition, &e), SG_OK);
  sg_workspace *ws = sg_workspace_new(p);
  sg_local_optimizer o = {.displacement = true};
  double *x = calloc((size_t)p->length, sizeof *x);
  for (long i = 0; i < p->length; i++) x[i] = 0.01 * (double)i;
  const double *at = x, *g, *d;
  const sg_partial item = {.part = 1};
  sg_gradient_request q = {.partition = partition,
                           .width = 1,
                           .columns = 1,
                           .x = &at,
                           .n_items = 1,
                           .item = &item,
                           .steps = 1,
                           .rate = 0.25};
  assert_int_equal(sg_problem_begin(p, ws, &q, &e), SG_OK);
  assert_int_equal(sg_problem_tile(p, ws, 0, 0, p->length, &g), SG_OK);
  double *gradient_ = malloc((size_t)p->length * sizeof *gradient_);
  memcpy(gradient_, g, (size_t)p->length * sizeof *g);
  q.inner = &o;
  assert_int_equal(sg_problem_begin(p, ws, &q, &e), SG_OK);
  assert_int_equal(sg_problem_tile(p, ws, 0, 0, p->length, &d), SG_OK);
  /* x − x after has the L2 term, of which the master's share at x is taken out again. */
  for (long i = 0; i < p->length; i++) {
    double l2 = i < p->length - p->unregularised ? 0.5 * x[i] / 3 : 0;
    assert_true(fabs(d[i] - 0.25 * (gradient_[i] + l2) + l2) < 1e-14);
  }
  q.width = 2;
  assert_int_equal(sg_problem_begin(p, ws, &q, &e), SG_BUG);
  sg_error_clear(&e);
  free(gradient_);
  free(x);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes), cmocka_unit_test(adamw_is_the_loop_and_spares_intercepts),
      cmocka_unit_test(momentum_is_the_loop), cmocka_unit_test(requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
