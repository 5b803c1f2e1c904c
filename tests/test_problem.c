/* SPDX-License-Identifier: MIT */
#include "models/learning/data.h"
#include "models/learning/metrics.h"
#include "models/learning/problem.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A problem, and its data once more. */
typedef struct fixture {
  const char *name;
  sg_problem *problem;
  sg_data *data;
  int outputs;
  double l2;
} fixture;

static const struct {
  const char *name, *settings;
} kinds[] = {
    {"logistic-regression", "l2=0.03 data=gaussian-mixture data.rows=143 data.features=9"},
    {"softmax", "l2=0.03 data=gaussian-mixture data.rows=143 data.features=9 data.classes=4"},
    {"softmax", "data=gaussian-mixture data.rows=97 data.features=70 data.intercept=false"},
    {"least-squares", "l2=0.03 data=gaussian-mixture data.rows=143 data.features=33"},
    /* More columns than a block of short rows, rows beyond one matrix product. */
    {"logistic-regression", "data=gaussian-mixture data.rows=700 data.features=101"},
};
enum { KINDS = sizeof kinds / sizeof *kinds, PARTS = 5 };

/* Uneven on purpose; the first part is a few rows. */
static const double edges[PARTS + 1] = {0, 0.04, 0.31, 0.33, 0.8, 1};

static fixture make(int kind) {
  sg_error e = {0};
  sg_values *v = learning_values(kinds[kind].name, kinds[kind].settings);
  fixture f = {.name = kinds[kind].name};
  assert_int_equal(sg_problem_new(v, 4, 3, &f.problem, &e), SG_OK);
  bool real = strcmp(f.name, "least-squares") == 0;
  assert_int_equal(sg_data_new(sg_object(v, "data"), real, 3, &f.data, &e), SG_OK);
  f.outputs = strcmp(f.name, "softmax") == 0 ? f.data->classes : 1;
  f.l2 = sg_real(v, "l2");
  assert_int_equal(f.problem->length, f.outputs * f.data->columns);
  sg_values_free(v);
  return f;
}

static void drop(fixture *f) {
  sg_problem_free(f->problem);
  sg_data_free(f->data);
}

static sg_partition *part(const sg_problem *problem, int parts, const double *edge) {
  sg_error e = {0};
  sg_partition *p;
  assert_int_equal(sg_partition_new(problem, parts, edge, 0, NULL, &p, &e), SG_OK);
  assert_int_equal(sg_partition_parts(p), parts);
  return p;
}

static void random_model(double *x, long n, uint32_t which) {
  sg_stream s;
  sg_stream_at(&s, 5, 0, SG_FOR_CHECK, 1, which, 0);
  for (long i = 0; i < n; i++) x[i] = sg_uniform(&s) - 0.5;
}

/* Loss of one row, and its derivatives by the margins. */
static double plain_row(const fixture *f, const double *z, double y, double *r) {
  if (f->outputs > 1) {
    double sum = 0;
    for (int o = 0; o < f->outputs; o++) sum += exp(z[o]);
    for (int o = 0; o < f->outputs; o++) r[o] = exp(z[o]) / sum - (o == (int)y);
    return log(sum) - z[(int)y];
  }
  if (f->data->classes == 0) {
    r[0] = z[0] - y;
    return 0.5 * r[0] * r[0];
  }
  double sign = y > 0 ? 1 : -1;
  r[0] = -sign / (1 + exp(sign * z[0]));
  return log1p(exp(-sign * z[0]));
}

/* Rows [begin, end) by plain loops: the gradient in units of the mean loss, and the summed loss. */
static double plain(const fixture *f, const double *x, const double *rows, const double *y,
                    long begin, long end, double *g) {
  long columns = f->data->columns;
  double loss = 0, z[8], r[8];
  if (g) memset(g, 0, (size_t)f->problem->length * sizeof *g);
  for (long i = begin; i < end; i++) {
    for (int o = 0; o < f->outputs; o++) {
      z[o] = 0;
      for (long j = 0; j < columns; j++) z[o] += rows[i * columns + j] * x[o * columns + j];
    }
    loss += plain_row(f, z, y[i], r);
    for (int o = 0; g && o < f->outputs; o++)
      for (long j = 0; j < columns; j++)
        g[o * columns + j] += r[o] * rows[i * columns + j] / (double)f->data->rows;
  }
  return loss;
}

static double plain_loss(const fixture *f, const double *x) {
  double sum = plain(f, x, f->data->x, f->data->y, 0, f->data->rows, NULL), norm2 = 0;
  for (long i = 0; i < f->problem->length; i++) {
    bool intercept = f->data->intercept && i % f->data->columns == f->data->columns - 1;
    norm2 += intercept ? 0 : x[i] * x[i];
  }
  return sum / (double)f->data->rows + 0.5 * f->l2 * norm2;
}

/* All items of all columns, cut into tiles of `step`, to out[item · length]. */
static void gradients(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *q,
                      long step, double *out) {
  const double **tile = calloc((size_t)q->n_items, sizeof *tile);
  assert_non_null(tile);
  assert_int_equal(sg_problem_begin(problem, ws, q, NULL), SG_OK);
  for (long b = 0; b < problem->length; b += step) {
    long end = b + step < problem->length ? b + step : problem->length;
    assert_int_equal(sg_problem_tile(problem, ws, 1, b, end, tile), SG_OK);
    for (int i = 0; i < q->n_items; i++)
      memcpy(out + i * problem->length + b, tile[i], (size_t)(end - b) * sizeof(double));
  }
  free(tile);
}

static void assert_near(const double *a, const double *b, long n, double tolerance) {
  for (long i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= tolerance)) fail_msg("%ld: %.17g, %.17g", i, a[i], b[i]);
}

/* Partial gradients of all parts at `columns` models in a width, against plain loops; losses at
 * other points on the way. */
static void check_width(const fixture *f, int width, int columns) {
  long l = f->problem->length;
  sg_partition *partition = part(f->problem, PARTS, edges);
  sg_workspace *ws = sg_workspace_new(f->problem);
  double *x = calloc((size_t)(l * 2 * 64), sizeof *x), *other = x + l * 64, loss[64];
  double *out = calloc((size_t)(l * PARTS * columns), sizeof *out), *g = calloc((size_t)l, 8);
  const double *points[64], *loss_points[64];
  sg_partial item[PARTS * 64];
  int n = 0;
  for (int c = 0; c < columns; c++) {
    random_model(x + c * l, l, (uint32_t)c);
    random_model(other + c * l, l, 100 + (uint32_t)c);
    points[c] = x + c * l;
    loss_points[c] = c % 3 == 0 ? points[c] : c % 3 == 1 ? other + c * l : NULL;
    for (int p = PARTS - 1; p >= 0; p--) item[n++] = (sg_partial){p, c, 0};
  }
  const sg_gradient_request q = {partition, width,       columns, points, n,
                                 item,      loss_points, loss,    0,      0};
  gradients(f->problem, ws, &q, 13, out);
  for (int i = 0; i < n; i++) {
    long begin = lround(edges[item[i].part] * (double)f->data->rows),
         end = lround(edges[item[i].part + 1] * (double)f->data->rows);
    plain(f, points[item[i].column], f->data->x, f->data->y, begin, end, g);
    assert_near(out + i * l, g, l, 1e-14);
  }
  for (int c = 0; c < columns; c++) {
    sg_metrics m;
    if (!loss_points[c]) {
      assert_true(isnan(loss[c]));
      continue;
    }
    assert_true(fabs(loss[c] - plain_loss(f, loss_points[c])) < 1e-13);
    sg_problem_evaluate(f->problem, ws, SG_WANT_LOSS, 1, &loss_points[c], &m);
    assert_true(width == 1 ? m.loss == loss[c] : fabs(m.loss - loss[c]) < 1e-13);
  }
  free(x);
  free(out);
  free(g);
  sg_workspace_free(ws);
  sg_partition_free(partition);
}

static void gradients_are_those_of_plain_loops(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    fixture f = make(k);
    check_width(&f, 1, 1);
    check_width(&f, 1, 3);
    check_width(&f, 4, 4);
    check_width(&f, 16, 5);
    check_width(&f, 32, 32);
    drop(&f);
  }
}

static void gradient_is_the_slope_of_the_loss(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    fixture f = make(k);
    long l = f.problem->length;
    sg_partition *partition = part(f.problem, 1, NULL);
    sg_workspace *ws = sg_workspace_new(f.problem);
    double *x = calloc((size_t)l, sizeof *x), *g = calloc((size_t)l, sizeof *g);
    random_model(x, l, 7);
    const double *point = x;
    const sg_partial item = {0, 0, 0};
    const sg_gradient_request q = {partition, 1, 1, &point, 1, &item, NULL, NULL, 0, 0};
    gradients(f.problem, ws, &q, l, g);
    for (long i = 0; i < l; i++) {
      const double h = 1e-5, at = x[i];
      sg_metrics up, down;
      x[i] = at + h;
      sg_problem_evaluate(f.problem, ws, SG_WANT_LOSS, 1, &point, &up);
      x[i] = at - h;
      sg_problem_evaluate(f.problem, ws, SG_WANT_LOSS, 1, &point, &down);
      x[i] = at;
      bool last = i % f.problem->stride >= f.problem->stride - f.problem->unregularised;
      double slope = (up.loss - down.loss) / (2 * h);
      assert_true(fabs(slope - (g[i] + (last ? 0 : f.l2 * at))) < 1e-8);
    }
    free(x);
    free(g);
    sg_workspace_free(ws);
    sg_partition_free(partition);
    drop(&f);
  }
}

/* The gradients of one model, alone in its block (unused columns are NaN) at column 0. */
static void bits_do_not_depend_on_company(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++)
    for (int width = 4; width <= 32; width += width == 4 ? 12 : 16) {
      fixture f = make(k);
      long l = f.problem->length;
      sg_partition *partition = part(f.problem, PARTS, edges);
      sg_workspace *ws = sg_workspace_new(f.problem);
      double *x = calloc((size_t)(l * width), sizeof *x), loss[64], alone_loss;
      double *alone = calloc((size_t)(l * PARTS), 8), *out = calloc((size_t)(l * PARTS), 8);
      const double *points[64];
      for (int c = 0; c < width; c++) points[c] = x + c * l;
      sg_partial item[PARTS];
      for (int p = 0; p < PARTS; p++) item[p] = (sg_partial){p, 0, 0};
      for (long i = 0; i < l * width; i++) x[i] = NAN;
      random_model(x, l, 9);
      const sg_gradient_request first = {partition, width,  1,           points, PARTS,
                                         item,      points, &alone_loss, 0,      0};
      gradients(f.problem, ws, &first, 16, alone);
      for (int place = 0; place < width; place += width - 1) {
        for (int c = 0; c < width; c++)
          random_model(x + c * l, l, c == place ? 9 : 50 + (uint32_t)c);
        for (int p = 0; p < PARTS; p++) item[p].column = place;
        const sg_gradient_request q = {partition, width,  width, points, PARTS,
                                       item,      points, loss,  0,      0};
        gradients(f.problem, ws, &q, 16, out);
        assert_memory_equal(out, alone, (size_t)(l * PARTS) * sizeof *out);
        assert_true(loss[place] == alone_loss);
      }
      free(x);
      free(alone);
      free(out);
      sg_workspace_free(ws);
      sg_partition_free(partition);
      drop(&f);
    }
}

/* Width 1: neither which parts are asked for, nor whether a loss is, nor the tiles matter. */
static void bits_do_not_depend_on_the_request(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    fixture f = make(k);
    long l = f.problem->length;
    sg_partition *partition = part(f.problem, PARTS, edges);
    sg_workspace *ws = sg_workspace_new(f.problem);
    double *x = calloc((size_t)(2 * l), sizeof *x), loss;
    double *all = calloc((size_t)(l * PARTS), 8), *some = calloc((size_t)(3 * l), 8);
    random_model(x, l, 9);
    random_model(x + l, l, 10);
    const double *point = x, *elsewhere = x + l;
    sg_partial item[PARTS], two[3] = {{3, 0, 0}, {1, 0, 0}, {3, 0, 0}};
    for (int p = 0; p < PARTS; p++) item[p] = (sg_partial){p, 0, 0};
    const sg_gradient_request q = {partition, 1, 1, &point, PARTS, item, &point, &loss, 0, 0},
                              r = {partition, 1, 1, &point, 3, two, &elsewhere, &loss, 0, 0};
    gradients(f.problem, ws, &q, 8, all);
    gradients(f.problem, ws, &r, l, some);
    assert_memory_equal(some, all + 3 * l, (size_t)l * 8);
    assert_memory_equal(some + l, all + l, (size_t)l * 8);
    assert_memory_equal(some + 2 * l, all + 3 * l, (size_t)l * 8);
    free(x);
    free(all);
    free(some);
    sg_workspace_free(ws);
    sg_partition_free(partition);
    drop(&f);
  }
}

static void judges_on_the_test_rows(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    fixture f = make(k);
    long l = f.problem->length, n = f.data->test_rows, columns = f.data->columns, right = 0;
    sg_workspace *ws = sg_workspace_new(f.problem);
    double *x = calloc((size_t)(2 * l), sizeof *x), *score = calloc((size_t)n, sizeof *score);
    random_model(x, l, 1);
    random_model(x + l, l, 2);
    const double *points[2] = {x, x + l};
    sg_metrics m[2], alone;
    sg_problem_evaluate(f.problem, ws, SG_WANT_LOSS | SG_WANT_TEST, 2, points, m);
    sg_problem_evaluate(f.problem, ws, SG_WANT_TEST, 1, points + 1, &alone);
    assert_true(isnan(alone.loss) && m[1].test_loss == alone.test_loss);
    double loss = plain(&f, x, f.data->test_x, f.data->test_y, 0, n, NULL) / (double)n;
    assert_true(fabs(m[0].test_loss - loss) < 1e-13);
    for (long i = 0; i < n; i++) {
      double z[8] = {0};
      int best = 0;
      for (int o = 0; o < f.outputs; o++)
        for (long j = 0; j < columns; j++)
          z[o] += f.data->test_x[i * columns + j] * x[o * columns + j];
      for (int o = 1; o < f.outputs; o++) best = z[o] > z[best] ? o : best;
      score[i] = f.outputs > 1 ? z[1] - z[0] : z[0];
      right += (f.outputs > 1 ? best : z[0] > 0) == (int)f.data->test_y[i];
    }
    if (f.data->classes == 0)
      assert_true(isnan(m[0].accuracy));
    else
      assert_true(m[0].accuracy == (double)right / (double)n);
    if (f.data->classes == 2)
      assert_true(fabs(m[0].auc - sg_auc(n, score, f.data->test_y)) < 1e-12);
    else
      assert_true(isnan(m[0].auc));
    free(x);
    free(score);
    sg_workspace_free(ws);
    drop(&f);
  }
}

static void large_margins_do_no_harm(void **state) {
  (void)state;
  fixture f = make(0);
  long l = f.problem->length;
  sg_workspace *ws = sg_workspace_new(f.problem);
  double *x = calloc((size_t)l, sizeof *x);
  x[0] = 1e5;
  const double *point = x;
  sg_metrics m;
  sg_problem_evaluate(f.problem, ws, SG_WANT_LOSS, 1, &point, &m);
  double loss = 0;
  for (long i = 0; i < f.data->rows; i++) {
    double margin = (2 * f.data->y[i] - 1) * x[0] * f.data->x[i * f.data->columns];
    loss += margin < 0 ? -margin : 0;
  }
  loss = loss / (double)f.data->rows + 0.5 * f.l2 * 1e10;
  assert_true(fabs(m.loss / loss - 1) < 1e-6);
  x[0] = NAN; /* a run that diverged must be seen */
  sg_problem_evaluate(f.problem, ws, SG_WANT_LOSS, 1, &point, &m);
  assert_true(isnan(m.loss));
  free(x);
  sg_workspace_free(ws);
  drop(&f);
}

/* The full gradient of the synthetic problem with the given parts. */
static void synthetic_sum(const sg_problem *problem, int parts, const double *edge, int width,
                          const double *const *x, int column, double *sum) {
  long l = problem->length;
  sg_partition *partition = part(problem, parts, edge);
  sg_workspace *ws = sg_workspace_new(problem);
  sg_partial item[16];
  double *out = calloc((size_t)(l * parts), sizeof *out), loss[4];
  for (int p = 0; p < parts; p++) item[p] = (sg_partial){p, column, 0};
  const sg_gradient_request q = {partition, width, width == 1 ? 1 : 3, x, parts, item, NULL, loss,
                                 0,         0};
  gradients(problem, ws, &q, 100, out);
  memset(sum, 0, (size_t)l * sizeof *sum);
  for (int p = 0; p < parts; p++)
    for (long i = 0; i < l; i++) sum[i] += out[p * l + i];
  assert_true(isnan(loss[0]));
  free(out);
  sg_workspace_free(ws);
  sg_partition_free(partition);
}

static void synthetic_gradient_is_the_same_for_all_codes(void **state) {
  (void)state;
  enum { LENGTH = 70001 }; /* three streams per subset */
  sg_error e = {0};
  sg_problem *p = learning_problem("synthetic-gradient", "length=70001 subsets=6", 4, 1, &e);
  assert_non_null(p);
  double *x = calloc(3 * LENGTH, 8), *a = calloc(LENGTH, 8), *b = calloc(LENGTH, 8);
  const double *points[3] = {x, x + LENGTH, x + 2 * LENGTH};
  x[LENGTH] = -3;
  synthetic_sum(p, 6, NULL, 1, points, 0, a);
  double mean = 0, square = 0;
  for (int i = 0; i < LENGTH; i++) mean += a[i] / LENGTH, square += a[i] * a[i] / LENGTH;
  assert_true(fabs(mean) < 0.05 && fabs(square / 6 - 1) < 0.03);
  assert_true(fabs(a[40000]) > 0 && a[0] != a[1 << 15]);
  synthetic_sum(p, 3, NULL, 1, points, 0, b);
  assert_near(a, b, LENGTH, 1e-14);
  const double uneven[] = {0, 0.1, 1.0 / 3, 0.35, 0.36, 1};
  synthetic_sum(p, 5, uneven, 1, points, 0, b);
  assert_near(a, b, LENGTH, 1e-13);
  synthetic_sum(p, 5, uneven, 4, points, 1, b);
  for (int i = 0; i < LENGTH; i++) b[i] *= 4; /* 1 + |x_0| */
  assert_near(a, b, LENGTH, 1e-13);
  assert_true(p->block_width == 1 && p->unregularised == 0);
  free(x);
  free(a);
  free(b);
  sg_problem_free(p);
}

static void none_computes_nothing(void **state) {
  (void)state;
  sg_error e = {0};
  sg_problem *p = learning_problem("none", "length=1000000000", 12, 1, &e);
  assert_non_null(p);
  assert_true(p->timing_only && p->length == 1000000000 && p->subsets == 12);
  sg_problem_free(p);
}

static void refuses_unfit_data(void **state) {
  (void)state;
  static const struct {
    const char *problem, *settings, *message;
  } cases[] = {
      {"logistic-regression", "data=gaussian-mixture data.rows=50 data.features=5 data.classes=3",
       "exactly 2 classes"},
      {"softmax", "subsets=41 data=gaussian-mixture data.rows=50 data.features=5", "41 subsets"},
      {"softmax", "data=gaussian-mixture data.rows=50 data.features=2 data.classes=3",
       "at most features"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_error e = {0};
    assert_null(learning_problem(cases[i].problem, cases[i].settings, 4, 1, &e));
    assert_int_equal(sg_error_status(&e), SG_INVALID);
    if (!strstr(e.fault[0].message, cases[i].message)) fail_msg("%s", e.fault[0].message);
    sg_error_clear(&e);
  }
  sg_error e = {0};
  fixture f = make(0);
  sg_partition *p = NULL;
  const double empty[] = {0, 0.5, 0.5, 1};
  assert_int_equal(sg_partition_new(f.problem, 3, empty, 0, NULL, &p, &e), SG_INVALID);
  assert_null(p);
  assert_non_null(strstr(e.fault[0].message, "part 1"));
  sg_error_clear(&e);
  drop(&f);
}

static void width_follows_the_size_of_the_data(void **state) {
  (void)state;
  sg_error e = {0};
  sg_problem *small =
      learning_problem("softmax", "data=gaussian-mixture data.rows=50 data.features=5", 4, 1, &e);
  sg_problem *asked = learning_problem(
      "softmax", "block_width=8 data=gaussian-mixture data.rows=50 data.features=5", 4, 1, &e);
  sg_problem *large = learning_problem(
      "softmax", "data=gaussian-mixture data.rows=1000 data.features=8000 data.test_share=0", 4, 1,
      &e);
  assert_true(small->block_width == 1 && asked->block_width == 8 && large->block_width == 16);
  sg_problem_free(small);
  sg_problem_free(asked);
  sg_problem_free(large);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_those_of_plain_loops),
      cmocka_unit_test(gradient_is_the_slope_of_the_loss),
      cmocka_unit_test(bits_do_not_depend_on_company),
      cmocka_unit_test(bits_do_not_depend_on_the_request),
      cmocka_unit_test(judges_on_the_test_rows),
      cmocka_unit_test(large_margins_do_no_harm),
      cmocka_unit_test(synthetic_gradient_is_the_same_for_all_codes),
      cmocka_unit_test(none_computes_nothing),
      cmocka_unit_test(refuses_unfit_data),
      cmocka_unit_test(width_follows_the_size_of_the_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
