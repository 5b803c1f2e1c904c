/* SPDX-License-Identifier: MIT */
/* Gradients, losses, coded data, mini-batches and local steps of all problems against plain loops.
 */
#include "models/learning/abreast.h"
#include "models/learning/data.h"
#include "models/learning/dense.h"
#include "models/learning/problem.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
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

static struct fixture make_linear(const char *more);
static sg_partition *coded_partition(const sg_problem *problem);

/* Uneven on purpose; the first part is a few rows. */
static const double edges[PARTS + 1] = {0, 0.04, 0.31, 0.33, 0.8, 1};

/* more: settings that are added. */
static fixture make_with(const char *name, const char *settings, const char *more) {
  sg_error e = {0};
  char all[256];
  snprintf(all, sizeof all, "%s %s", more, settings);
  sg_values *v = learning_values(name, all);
  fixture f = {.name = name};
  assert_int_equal(sg_problem_new(v, 4, 3, &f.problem, &e), SG_OK);
  bool real = strcmp(f.name, "least-squares") == 0;
  assert_int_equal(sg_data_new(sg_object(v, "data"), real, 3, &f.data, &e), SG_OK);
  f.outputs = strcmp(f.name, "softmax") == 0 ? f.data->classes : 1;
  f.l2 = sg_real(v, "l2");
  assert_int_equal(f.problem->length, f.outputs * f.data->columns);
  sg_values_free(v);
  return f;
}

static fixture make(int kind) {
  return make_with(kinds[kind].name, kinds[kind].settings, "");
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
    for (int p = PARTS - 1; p >= 0; p--) item[n++] = (sg_partial){.part = p, .column = c};
  }
  const sg_gradient_request q = {partition,   width, columns, points, n,   item,
                                 loss_points, loss,  0,       0,      NULL};
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

/* The product on vectors of either length: one sum over the columns, with fused multiply-add. */
static void wide_products_have_the_same_bits(void **state) {
  (void)state;
  enum { ROWS = 23, COLUMNS = 1100, MODELS = 100 };
  static const int models[] = {1, 8, 13, 16, 32, 50, MODELS};
  double *x = calloc(ROWS * COLUMNS, 8), *m = calloc(MODELS * COLUMNS, 8),
         *z = calloc(ROWS * MODELS, 8), *scratch = calloc(sg_wide_scratch(ROWS, MODELS), 8);
  random_model(x, (long)ROWS * COLUMNS, 1);
  random_model(m, (long)MODELS * COLUMNS, 2);
  for (int lanes = SG_LANES_AVX2; lanes <= (int)sg_widest_lanes(); lanes++)
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
      for (long columns = 5; columns <= COLUMNS; columns *= 6) {
        sg_wide_product_with((sg_lanes)lanes, ROWS, columns, models[i], x, NULL, m, scratch, z,
                             ROWS);
        for (int w = 0; w < models[i]; w++)
          for (long r = 0; r < ROWS; r++) {
            double sum = 0;
            for (long c = 0; c < columns; c++)
              sum = fma(x[r * columns + c], m[w * columns + c], sum);
            assert_true(z[w * ROWS + r] == sum);
          }
      }
  free(x);
  free(m);
  free(z);
  free(scratch);
}

/* Sums over the rows of a part have the bits of OpenBLAS wherever they take its place. */
static void wide_sums_have_the_bits_of_openblas(void **state) {
  (void)state;
  if (!strstr(openblas_get_config(), "0.3.21")) skip(); /* others may add in another order */
  enum { ROWS = 1700, COLUMNS = 75, MODELS = 32, LD = 72 };
  double *x = calloc(ROWS * COLUMNS, 8), *r = calloc(ROWS * MODELS, 8),
         *turned = calloc(ROWS * MODELS, 8), *out = calloc(2 * LD * MODELS, 8),
         *scratch = calloc(SG_WIDE_SCRATCH, 8), *expected = out + (long)LD * MODELS;
  random_model(x, (long)ROWS * COLUMNS, 1);
  random_model(r, (long)ROWS * MODELS, 2);
  assert_false(sg_wide_sums_suit(100, 63, 16) || sg_wide_sums_suit(100, 64, 6));
  for (int models = 4; models <= MODELS; models *= 2)
    for (long rows = 1; rows <= ROWS; rows += rows < 5 ? 1 : 99)
      for (long n = 8; n <= LD; n += 8) {
        if (!sg_wide_sums_suit(rows, n, models)) continue;
        for (int w = 0; w < models; w++)
          for (long i = 0; i < rows; i++) turned[i * models + w] = r[w * ROWS + i];
        sg_wide_sums(rows, n, models, x + 1, NULL, COLUMNS, turned, scratch, out, LD);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, models, (int)rows, 1.0,
                    x + 1, COLUMNS, r, ROWS, 0.0, expected, LD);
        for (int w = 0; w < models; w++)
          assert_memory_equal(out + (long)w * LD, expected + (long)w * LD, (size_t)n * 8);
      }
  free(x);
  free(r);
  free(turned);
  free(out);
  free(scratch);
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
    const sg_partial item = {0, 0, 0, NULL};
    const sg_gradient_request q = {partition, 1, 1, &point, 1, &item, NULL, NULL, 0, 0, NULL};
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
      for (int p = 0; p < PARTS; p++) item[p] = (sg_partial){.part = p, .column = 0};
      for (long i = 0; i < l * width; i++) x[i] = NAN;
      random_model(x, l, 9);
      const sg_gradient_request first = {partition, width,       1, points, PARTS, item,
                                         points,    &alone_loss, 0, 0,      NULL};
      gradients(f.problem, ws, &first, 16, alone);
      for (int place = 0; place < width; place += width - 1) {
        for (int c = 0; c < width; c++)
          random_model(x + c * l, l, c == place ? 9 : 50 + (uint32_t)c);
        for (int p = 0; p < PARTS; p++) item[p].column = place;
        const sg_gradient_request q = {partition, width, width, points, PARTS, item,
                                       points,    loss,  0,     0,      NULL};
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

/* Width 1: columns that go through the data together have the bits of one alone; some want losses,
 * elsewhere or at their own point, some miss parts, some want one twice. */
static void check_together(const fixture *f, const sg_partition *partition, int columns) {
  long l = f->problem->length;
  int parts = sg_partition_parts(partition), n = 0;
  sg_workspace *ws = sg_workspace_new(f->problem);
  double *x = calloc((size_t)(l * 2 * columns), sizeof *x), loss[20], alone_loss;
  const double *points[20], *loss_points[20];
  sg_partial *item = calloc((size_t)(columns * (parts + 1)), sizeof *item);
  for (int c = 0; c < columns; c++) {
    points[c] = x + 2L * c * l;
    loss_points[c] = c % 3 == 0 ? points[c] : c % 3 == 1 ? points[c] + l : NULL;
    random_model(x + 2L * c * l, 2 * l, (uint32_t)c);
    for (int p = 0; p < parts; p++)
      if (c != 2 || p != 1) item[n++] = (sg_partial){.part = (p + c) % parts, .column = c};
    if (c == 3) item[n++] = (sg_partial){.part = 0, .column = c};
  }
  double *out = calloc((size_t)(l * n), sizeof *out), *alone = calloc((size_t)l, sizeof *alone);
  const sg_gradient_request q = {.partition = partition,
                                 .width = 1,
                                 .columns = columns,
                                 .x = points,
                                 .n_items = n,
                                 .item = item,
                                 .loss_x = loss_points,
                                 .loss = loss};
  int vectors = columns * f->outputs;
  assert_true(sg_abreast_suits(f->problem, &q) ==
              (sg_abreast_here() && vectors >= 6 * ((vectors + 7) / 8)));
  gradients(f->problem, ws, &q, 13, out);
  for (int i = 0; i < n; i++) {
    int c = item[i].column;
    const sg_partial one = {.part = item[i].part};
    const sg_gradient_request r = {.partition = partition,
                                   .width = 1,
                                   .columns = 1,
                                   .x = &points[c],
                                   .n_items = 1,
                                   .item = &one,
                                   .loss_x = &loss_points[c],
                                   .loss = &alone_loss};
    gradients(f->problem, ws, &r, l, alone);
    assert_memory_equal(out + i * l, alone, (size_t)l * sizeof *alone);
    assert_true(loss_points[c] ? loss[c] == alone_loss : isnan(loss[c]));
  }
  free(x);
  free(item);
  free(out);
  free(alone);
  sg_workspace_free(ws);
}

static void bits_of_columns_together_are_those_of_one(void **state) {
  (void)state;
  static const int columns[] = {1, 4, 6, 8, 12, 17, 20};
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
      fixture f = make(k);
      sg_partition *partition = part(f.problem, PARTS, edges);
      check_together(&f, partition, columns[i]);
      sg_partition_free(partition);
      drop(&f);
    }
  fixture f = make_linear("l2=0.1");
  sg_partition *coded = coded_partition(f.problem);
  check_together(&f, coded, 8);
  sg_partition_free(coded);
  drop(&f);
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
    sg_partial item[PARTS], two[3] = {{3, 0, 0, NULL}, {1, 0, 0, NULL}, {3, 0, 0, NULL}};
    for (int p = 0; p < PARTS; p++) item[p] = (sg_partial){.part = p, .column = 0};
    const sg_gradient_request q = {partition, 1, 1, &point, PARTS, item, &point, &loss, 0, 0, NULL},
                              r = {partition, 1, 1, &point, 3, two, &elsewhere, &loss, 0, 0, NULL};
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
    double auc;
    assert_int_equal(sg_auc(n, score, f.data->test_y, &auc), SG_OK);
    if (f.data->classes == 2)
      assert_true(fabs(m[0].auc - auc) < 1e-12);
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
/* The bits of a row do not depend on its place, and so not on how many lanes it shares. */
static void losses_of_rows_are_alone(void **state) {
  (void)state;
  enum { ROWS = 41 };
  static const double odd[] = {0.0,   -0.0,   1e-300,   800,       -800,
                               1e308, -1e308, INFINITY, -INFINITY, NAN};
  static const sg_loss *const types[] = {&sg_logistic_loss, &sg_hinge_loss, &sg_least_squares_loss};
  double z[ROWS], y[ROWS], r[ROWS], loss[ROWS];
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    random_model(z, ROWS, 3);
    for (int i = 0; i < ROWS; i++) {
      y[i] = i % 3 ? 1 : -1;
      z[i] = i < 10 ? odd[i] : i < 20 ? -odd[i - 10] : 20 * z[i];
    }
    types[t]->rows(1, y, ROWS, 0.3, z, r, ROWS, loss);
    for (int i = 0; i < ROWS; i++) {
      double one[2];
      types[t]->rows(1, &y[i], 1, 0.3, &z[i], &one[0], 1, &one[1]);
      assert_true(isnan(one[0]) ? isnan(r[i]) : memcmp(&one[0], &r[i], 8) == 0);
      assert_true(isnan(one[1]) ? isnan(loss[i]) : memcmp(&one[1], &loss[i], 8) == 0);
      types[t]->rows(1, &y[i], 1, 0.3, &z[i], NULL, 1, &one[1]);
      assert_true(isnan(one[1]) ? isnan(loss[i]) : one[1] == loss[i]);
    }
  }
}

static void synthetic_sum(const sg_problem *problem, int parts, const double *edge, int width,
                          const double *const *x, int column, double *sum) {
  long l = problem->length;
  sg_partition *partition = part(problem, parts, edge);
  sg_workspace *ws = sg_workspace_new(problem);
  sg_partial item[16];
  double *out = calloc((size_t)(l * parts), sizeof *out), loss[4];
  for (int p = 0; p < parts; p++) item[p] = (sg_partial){.part = p, .column = column};
  const sg_gradient_request q = {
      partition, width, width == 1 ? 1 : 3, x, parts, item, NULL, loss, 0, 0, NULL};
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

/* --- Coded data ------------------------------------------------------------------------------- */

static void assert_fault(sg_status status, sg_status expected, sg_error *e, const char *words) {
  assert_int_equal(status, expected);
  assert_int_equal(e->count, 1);
  if (!strstr(e->fault[0].message, words)) fail_msg("%s", e->fault[0].message);
  sg_error_clear(e);
}

enum { CODED_PARTS = 28, CODED = 4 };

/* Many parts, one, two, one at the end of the data. */
static const sg_coded_part combinations[CODED] = {
    {CODED_PARTS, (const int[]){27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,
                                13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0},
     (const double[]){1, -2, 3,  .5, 1,   -1, 2, 1, 1, 1, 4,  1, -3, 1,
                      1, 2,  -1, 1,  .25, 1,  1, 1, 2, 1, -1, 1, 1,  3}},
    {1, (const int[]){2}, (const double[]){-3}},
    {2, (const int[]){5, 3}, (const double[]){0.5, -1.5}},
    {1, (const int[]){27}, (const double[]){1}},
};

/* X̃ᵀX̃ x / N by plain loops. */
static void plain_coded(const fixture *f, const sg_coded_part *m, const double *x, double *g) {
  long columns = f->data->columns, rows = f->data->rows / CODED_PARTS;
  double *row = calloc((size_t)columns, sizeof *row);
  memset(g, 0, (size_t)columns * sizeof *g);
  for (long i = 0; i < rows; i++) {
    double z = 0;
    for (long j = 0; j < columns; j++) {
      row[j] = 0;
      for (int t = 0; t < m->count; t++)
        row[j] += m->coef[t] * f->data->x[(m->part[t] * rows + i) * columns + j];
      z += row[j] * x[j];
    }
    for (long j = 0; j < columns; j++) g[j] += z * row[j] / (double)f->data->rows;
  }
  free(row);
}

static sg_partition *coded_partition(const sg_problem *problem) {
  sg_error e = {0};
  sg_partition *p;
  assert_int_equal(sg_partition_new(problem, CODED_PARTS, NULL, CODED, combinations, &p, &e),
                   SG_OK);
  assert_int_equal(sg_partition_parts(p), CODED_PARTS + CODED);
  return p;
}

/* 140 · (1 − 0.2) = 112 training rows. */
static fixture make_linear(const char *more) {
  return make_with("least-squares", "data=gaussian-mixture data.rows=140 data.features=37", more);
}

static void coded_parts_are_those_of_plain_loops(void **state) {
  (void)state;
  fixture f = make_linear("l2=0.1");
  assert_int_equal(f.data->rows, 112);
  sg_partition *partition = coded_partition(f.problem);
  sg_workspace *ws = sg_workspace_new(f.problem);
  long l = f.problem->length;
  double *x = calloc((size_t)(16 * l), 8), *g = calloc((size_t)l, 8), loss[16];
  double *out = calloc((size_t)((CODED + 2) * 16 * l), 8);
  const double *points[16];
  for (int c = 0; c < 16; c++) random_model(x + c * l, l, (uint32_t)c);
  for (int c = 0; c < 16; c++) points[c] = x + c * l;
  static const int widths[][2] = {{1, 1}, {1, 3}, {4, 4}, {16, 5}};
  for (int w = 0; w < 4; w++) {
    int columns = widths[w][1], n = 0;
    sg_partial item[(CODED + 2) * 16];
    for (int c = columns - 1; c >= 0; c--) {
      for (int p = 0; p < CODED; p++)
        item[n++] = (sg_partial){.part = CODED_PARTS + p, .column = c};
      item[n++] = (sg_partial){.part = 3, .column = c};
      item[n++] = (sg_partial){.part = CODED_PARTS + 1, .column = c}; /* once more */
    }
    const sg_gradient_request q = {.partition = partition,
                                   .width = widths[w][0],
                                   .columns = columns,
                                   .x = points,
                                   .n_items = n,
                                   .item = item,
                                   .loss_x = points,
                                   .loss = loss};
    gradients(f.problem, ws, &q, 11, out);
    for (int i = 0; i < n; i++) {
      int p = item[i].part;
      if (p < CODED_PARTS)
        plain(&f, points[item[i].column], f.data->x, f.data->y, 4 * p, 4 * p + 4, g);
      else
        plain_coded(&f, &combinations[p - CODED_PARTS], points[item[i].column], g);
      assert_near(out + i * l, g, l, 1e-13);
    }
    for (int c = 0; c < columns; c++)
      assert_true(fabs(loss[c] - plain_loss(&f, points[c])) < 1e-13);
  }
  assert_int_equal(sg_partition_rows(partition, CODED_PARTS, 0), 4);
  assert_true(sg_partition_bytes(partition) == 8.0 * 2 * 4 * (double)l);
  const double *constant = sg_partition_constant(partition);
  for (long j = 0; j < l; j++) {
    double sum = 0;
    for (long i = 0; i < 112; i++) sum -= f.data->x[i * l + j] * f.data->y[i] / 112;
    assert_true(fabs(constant[j] - sum) < 1e-14);
  }
  free(x);
  free(g);
  free(out);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  drop(&f);
}

/* In a block and at any place, and in any request of width 1. */
static void bits_of_coded_parts_do_not_depend_on_company(void **state) {
  (void)state;
  fixture f = make_linear("");
  sg_partition *partition = coded_partition(f.problem);
  sg_workspace *ws = sg_workspace_new(f.problem);
  long l = f.problem->length;
  double *x = calloc((size_t)(16 * l), 8), *out = calloc((size_t)(16 * l), 8),
         *alone = calloc((size_t)l, 8);
  const double *points[16];
  for (int c = 0; c < 16; c++) points[c] = x + c * l;
  for (int width = 1; width <= 16; width *= 16)
    for (int place = 0; place < 16; place += 15) {
      for (int c = 0; c < 16; c++)
        for (long i = 0; i < l; i++) x[c * l + i] = NAN;
      random_model(x, l, 9);
      const sg_partial one = {CODED_PARTS, 0, 0, NULL};
      sg_partial all[16];
      const sg_gradient_request q = {.partition = partition,
                                     .width = width,
                                     .columns = 1,
                                     .x = points,
                                     .n_items = 1,
                                     .item = &one};
      gradients(f.problem, ws, &q, 16, alone);
      for (int c = 0; c < 16; c++) {
        random_model(x + c * l, l, c == place ? 9 : 50 + (uint32_t)c);
        all[c] =
            (sg_partial){.part = c == place ? CODED_PARTS : CODED_PARTS + c % CODED, .column = c};
      }
      const sg_gradient_request r = {.partition = partition,
                                     .width = width,
                                     .columns = 16,
                                     .x = points,
                                     .n_items = 16,
                                     .item = all};
      gradients(f.problem, ws, &r, 16, out);
      assert_memory_equal(out + place * l, alone, (size_t)l * 8);
    }
  free(x);
  free(out);
  free(alone);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  drop(&f);
}

/* --- float32 ---------------------------------------------------------------------------------- */

/* All that a problem gives, into one list of numbers: gradients and losses in a width, of batches,
 * of coded parts; metrics; bounds. */
static long everything(const sg_problem *p, int width, int columns, double *out) {
  long l = p->length, at = 0;
  bool linear = strcmp(p->type->about.name, "least-squares") == 0;
  sg_error e = {0};
  sg_partition *partition;
  int parts = linear ? CODED_PARTS + CODED : PARTS, n = 0;
  if (linear)
    partition = coded_partition(p);
  else
    partition = part(p, PARTS, edges);
  sg_workspace *ws = sg_workspace_new(p);
  double *x = calloc((size_t)(2 * l * 16), sizeof *x), loss[16]; /* all W can be read */
  const double *points[16], *loss_points[16];
  sg_partial *item = calloc((size_t)(parts * columns), sizeof *item);
  for (int c = 0; c < columns; c++) {
    points[c] = x + c * l;
    loss_points[c] = x + (columns + c) * l;
    for (int i = 0; i < parts; i++)
      item[n++] = (sg_partial){.part = i, .column = c, .batch = width == 1 && i < 2 ? 7 : 0};
  }
  random_model(x, 2 * l * columns, 11);
  const sg_gradient_request q = {.partition = partition,
                                 .width = width,
                                 .columns = columns,
                                 .x = points,
                                 .n_items = n,
                                 .item = item,
                                 .loss_x = loss_points,
                                 .loss = loss};
  for (int batches = width == 1; batches >= 0; batches--) {
    for (int i = 0; !batches && i < n; i++) item[i].batch = 0;
    gradients(p, ws, &q, 23, out + at);
    at += n * l;
    memcpy(out + at, loss, (size_t)columns * sizeof *loss);
    at += columns;
  }
  sg_metrics m;
  assert_int_equal(sg_problem_evaluate(p, ws, SG_WANT_LOSS | SG_WANT_TEST, 1, points, &m), SG_OK);
  memcpy(out + at, &m, sizeof m);
  at += (long)(sizeof m / sizeof *out);
  assert_int_equal(p->type->smoothness(p, out + at++), SG_OK);
  if (linear) assert_int_equal(p->type->curvature(p, &out[at], &out[at + 1]), SG_OK), at += 2;
  if (linear) memcpy(out + at, sg_partition_constant(partition), (size_t)l * 8), at += l;
  sg_error_clear(&e);
  free(x);
  free(item);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  return at;
}

/* A problem in float32 is that of float64 data that were rounded before, to the last bit; with
 * OpenBLAS's own products in width W nearly. */
static void float32_is_float64_of_rounded_data(void **state) {
  (void)state;
  static const struct {
    const char *name, *settings;
  } problems[] = {
      {"logistic-regression",
       "l2=0.03 batch_rows=4 data=gaussian-mixture data.rows=143 data.features=9"},
      {"logistic-regression", "batch_rows=4 data=gaussian-mixture data.rows=700 data.features=101"},
      {"softmax",
       "batch_rows=4 data=gaussian-mixture data.rows=143 data.features=9 data.classes=4"},
      {"least-squares", "batch_rows=2 data=gaussian-mixture data.rows=140 data.features=37"},
  };
  static const int shapes[][2] = {{1, 1}, {1, 3}, {1, 8}, {4, 4}, {16, 9}};
  enum { ROOM = 1 << 19 };
  double *a = calloc(ROOM, sizeof *a), *b = calloc(ROOM, sizeof *b);
  for (size_t k = 0; k < sizeof problems / sizeof *problems; k++) {
    char settings[256];
    sg_error e = {0};
    snprintf(settings, sizeof settings, "%s data.storage=float32", problems[k].settings);
    sg_problem *single = learning_problem(problems[k].name, settings, 4, 3, &e),
               *rounded = learning_problem(problems[k].name, problems[k].settings, 4, 3, &e);
    assert_true(single && rounded && single->data_bytes * 2 == rounded->data_bytes);
    sg_data *data = ((sg_dense *)rounded->self)->data;
    for (long i = 0; i < (data->rows + data->test_rows) * data->columns; i++)
      data->x[i] = (float)data->x[i];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
      long n = everything(single, shapes[s][0], shapes[s][1], a);
      assert_int_equal(everything(rounded, shapes[s][0], shapes[s][1], b), n);
      assert_true(n < ROOM);
      bool same = shapes[s][0] == 1 || sg_widest_lanes() != SG_SCALAR;
      for (long i = 0; i < n; i++)
        if (!(isnan(a[i]) ? isnan(b[i]) : same ? a[i] == b[i] : fabs(a[i] - b[i]) < 1e-13))
          fail_msg("%s, width %d: number %ld of %ld is %.17g, not %.17g", problems[k].name,
                   shapes[s][0], i, n, a[i], b[i]);
    }
    sg_problem_free(single);
    sg_problem_free(rounded);
  }
  free(a);
  free(b);
}

static void refuses_unfit_combinations(void **state) {
  (void)state;
  sg_error e = {0};
  sg_partition *p;
  fixture f = make_linear(""), g = make(0);
  const sg_coded_part pair = {2, (const int[]){1, 2}, (const double[]){1, 1}},
                      outside = {2, (const int[]){1, 5}, (const double[]){1, 1}}, nothing = {0};
  assert_fault(sg_partition_new(f.problem, 5, NULL, 1, &pair, &p, &e), SG_INVALID, &e,
               "found 23 in part 1 and 22 in part 2: the data have 112 training rows in 5 parts");
  assert_fault(sg_partition_new(f.problem, 5, NULL, 1, &outside, &p, &e), SG_BUG, &e, "part 5");
  assert_fault(sg_partition_new(f.problem, 5, NULL, 1, &nothing, &p, &e), SG_BUG, &e, "no parts");
  assert_fault(sg_partition_new(g.problem, 2, NULL, 1, &pair, &p, &e), SG_INVALID, &e,
               "\"least-squares\"");
  assert_null(p);
  drop(&g);
  drop(&f);
  sg_problem *synthetic = learning_problem("synthetic-gradient", "length=10", 4, 1, &e);
  assert_fault(sg_partition_new(synthetic, 4, NULL, 1, &pair, &p, &e), SG_INVALID, &e,
               "found \"synthetic-gradient\"");
  sg_problem_free(synthetic);
  /* Timing only: there is nothing to combine. */
  sg_problem *none = learning_problem("none", "length=10", 4, 1, &e);
  assert_int_equal(sg_partition_new(none, 5, NULL, 1, &pair, &p, &e), SG_OK);
  assert_true(sg_partition_parts(p) == 6 && sg_partition_rows(p, 5, 0) == 0);
  assert_null(sg_partition_constant(p));
  sg_partition_free(p);
  sg_problem_free(none);
}

static void refuses_what_is_not_there(void **state) {
  (void)state;
  sg_error e = {0};
  fixture f = make_linear(""), other = make(0);
  sg_partition *partition = coded_partition(f.problem);
  sg_workspace *ws = sg_workspace_new(f.problem);
  double *x = calloc((size_t)(4 * f.problem->length), 8);
  const double *points[4];
  for (int c = 0; c < 4; c++) points[c] = x + c * f.problem->length;
  static const struct {
    sg_partial item;
    int width, steps;
    sg_status status;
    const char *words;
  } cases[] = {
      {{CODED_PARTS + CODED, 0, 0, NULL}, 1, 0, SG_BUG, "parts 0 … 31, 4 of them coded"},
      {{CODED_PARTS + CODED, 0, 0, NULL}, 4, 0, SG_BUG, "part 32"},
      {{-1, 0, 0, NULL}, 1, 0, SG_BUG, "part -1"},
      {{0, 2, 0, NULL}, 1, 0, SG_BUG, "column 2"},
      {{0, -1, 0, NULL}, 4, 0, SG_BUG, "column -1"},
      {{3, 0, 7, NULL}, 1, 0, SG_INVALID, "mini-batch 7 of part 3"},
      {{3, 0, 0, NULL}, 4, 2, SG_BUG, "local steps"},
      {{CODED_PARTS, 0, 0, NULL}, 1, 2, SG_BUG, "coded part 28"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const sg_gradient_request q = {.partition = partition,
                                   .width = cases[i].width,
                                   .columns = 2,
                                   .x = points,
                                   .n_items = 1,
                                   .item = &cases[i].item,
                                   .steps = cases[i].steps,
                                   .rate = 1};
    assert_fault(sg_problem_begin(f.problem, ws, &q, &e), cases[i].status, &e, cases[i].words);
  }
  sg_partition *stranger = part(other.problem, 2, NULL);
  const sg_gradient_request mixed = {.partition = stranger, .width = 1, .columns = 1, .x = points},
                            crowd = {.partition = partition, .width = 2, .columns = 3, .x = points};
  assert_fault(sg_problem_begin(f.problem, ws, &mixed, &e), SG_BUG, &e, "partition of another");
  assert_fault(sg_problem_begin(f.problem, ws, &crowd, &e), SG_BUG, &e, "3 columns in width 2");
  free(x);
  sg_partition_free(stranger);
  sg_partition_free(partition);
  sg_workspace_free(ws);
  drop(&f);
  drop(&other);
}

/* --- Mini-batches ----------------------------------------------------------------------------- */

static void one_gradient(const fixture *f, sg_workspace *ws, const sg_partition *partition,
                         const double *x, sg_partial item, double *out) {
  const sg_gradient_request q = {
      .partition = partition, .width = 1, .columns = 1, .x = &x, .n_items = 1, .item = &item};
  gradients(f->problem, ws, &q, f->problem->length, out);
}

static double distance(const double *a, const double *b, long n) {
  double worst = 0;
  for (long i = 0; i < n; i++) worst = fmax(worst, fabs(a[i] - b[i]));
  return worst;
}

/* A batch of 2 of the 6 rows of a part must be 3 times the sum of exactly one of 15 pairs of rows;
 * all pairs come equally often (χ² of 14 degrees of freedom: 36.1 is passed once in a thousand). */
static void a_batch_is_a_pair_of_rows(void **state) {
  (void)state;
  enum { ROWS = 6, BATCHES = 600 };
  for (int k = 0; k < KINDS; k++) {
    fixture f = make_with(kinds[k].name, kinds[k].settings, "batch_rows=2");
    long l = f.problem->length, rows = f.data->rows, first = 11;
    const double edge[] = {0, (double)first / (double)rows, (double)(first + ROWS) / (double)rows,
                           1};
    sg_partition *partition = part(f.problem, 3, edge);
    sg_workspace *ws = sg_workspace_new(f.problem);
    assert_int_equal(sg_partition_rows(partition, 1, 0), ROWS);
    assert_int_equal(sg_partition_rows(partition, 1, 5), 2);
    double *x = calloc((size_t)l, 8), *row = calloc((size_t)(l * ROWS), 8),
           *g = calloc((size_t)l, 8), *pair = calloc((size_t)l, 8);
    random_model(x, l, 3);
    for (int r = 0; r < ROWS; r++)
      plain(&f, x, f.data->x, f.data->y, first + r, first + r + 1, row + r * l);
    int count[ROWS][ROWS] = {{0}}, distinct = 0;
    for (int b = 1; b <= BATCHES; b++) {
      one_gradient(&f, ws, partition, x, (sg_partial){.part = 1, .column = 0, .batch = b}, g);
      int matches = 0;
      for (int i = 0; i < ROWS; i++)
        for (int j = i + 1; j < ROWS; j++) {
          for (long c = 0; c < l; c++) pair[c] = 3 * (row[i * l + c] + row[j * l + c]);
          if (distance(g, pair, l) > 1e-14) continue;
          matches++;
          count[i][j]++;
        }
      assert_int_equal(matches, 1);
    }
    double chi2 = 0;
    for (int i = 0; i < ROWS; i++)
      for (int j = i + 1; j < ROWS; j++) {
        double expected = BATCHES / 15.0;
        chi2 += (count[i][j] - expected) * (count[i][j] - expected) / expected;
        distinct += count[i][j] > 0;
      }
    assert_true(distinct == 15 && chi2 < 36.1);
    free(x);
    free(row);
    free(g);
    free(pair);
    sg_workspace_free(ws);
    sg_partition_free(partition);
    drop(&f);
  }
}

/* The mean over batches of uneven parts, of more rows than a block, is the part's gradient within
 * 4.5 standard errors in every coordinate. */
static void the_mean_of_batches_is_the_part(void **state) {
  (void)state;
  enum { BATCHES = 1000 };
  for (int k = 0; k < KINDS; k++) {
    fixture f =
        make_with(kinds[k].name, kinds[k].settings, k < 4 ? "batch_rows=7" : "batch_rows=90");
    sg_partition *partition = part(f.problem, PARTS, edges);
    sg_workspace *ws = sg_workspace_new(f.problem);
    long l = f.problem->length;
    double *x = calloc((size_t)l, 8), *g = calloc((size_t)l, 8), *whole = calloc((size_t)l, 8);
    double *sum = calloc((size_t)l, 8), *square = calloc((size_t)l, 8);
    random_model(x, l, 4);
    one_gradient(&f, ws, partition, x, (sg_partial){.part = 3, .column = 0}, whole);
    for (int b = 1; b <= BATCHES; b++) {
      one_gradient(&f, ws, partition, x, (sg_partial){.part = 3, .column = 0, .batch = b}, g);
      for (long c = 0; c < l; c++) sum[c] += g[c], square[c] += g[c] * g[c];
    }
    for (long c = 0; c < l; c++) {
      double mean = sum[c] / BATCHES, variance = square[c] / BATCHES - mean * mean;
      assert_true(fabs(mean - whole[c]) <= 4.5 * sqrt(variance / BATCHES) + 1e-15);
    }
    free(x);
    free(g);
    free(whole);
    free(sum);
    free(square);
    sg_workspace_free(ws);
    sg_partition_free(partition);
    drop(&f);
  }
}

/* The same bits in another workspace, in another order and company, beside a loss; another part of
 * the same name has rows of its own; a part with no more rows than a batch is taken whole. */
static void the_name_of_a_batch_is_its_rows(void **state) {
  (void)state;
  fixture f = make_with(kinds[0].name, kinds[0].settings, "batch_rows=20");
  sg_partition *partition = part(f.problem, PARTS, edges);
  sg_workspace *ws = sg_workspace_new(f.problem), *fresh = sg_workspace_new(f.problem);
  long l = f.problem->length;
  double *x = calloc((size_t)l, 8), *a = calloc((size_t)l, 8), *out = calloc((size_t)(7 * l), 8);
  double loss;
  random_model(x, l, 4);
  const double *point = x;
  const sg_partial item[] = {{3, 0, 9, NULL}, {3, 0, 0, NULL}, {1, 0, 8, NULL}, {3, 0, 8, NULL},
                             {3, 0, 8, NULL}, {2, 0, 8, NULL}, {2, 0, 0, NULL}};
  const sg_gradient_request q = {partition, 1, 1, &point, 7, item, &point, &loss, 0, 0, NULL};
  gradients(f.problem, ws, &q, 5, out);
  one_gradient(&f, fresh, partition, x, (sg_partial){.part = 3, .column = 0, .batch = 8}, a);
  assert_memory_equal(out + 3 * l, a, (size_t)l * 8);
  assert_memory_equal(out + 4 * l, a, (size_t)l * 8);
  assert_true(distance(out, a, l) > 1e-4 && distance(out + l, a, l) > 1e-4);
  one_gradient(&f, fresh, partition, x, (sg_partial){.part = 3, .column = 0}, a);
  assert_memory_equal(out + l, a, (size_t)l * 8);
  assert_true(fabs(loss - plain_loss(&f, x)) < 1e-13);
  assert_true(sg_partition_rows(partition, 2, 8) == sg_partition_rows(partition, 2, 0));
  assert_memory_equal(out + 5 * l, out + 6 * l, (size_t)l * 8);
  free(x);
  free(a);
  free(out);
  sg_workspace_free(ws);
  sg_workspace_free(fresh);
  sg_partition_free(partition);
  drop(&f);
}

/* The rows of X̃ are drawn like others: the mean of all single rows is the coded part. */
static void coded_parts_have_batches(void **state) {
  (void)state;
  fixture f = make_linear("batch_rows=1");
  sg_partition *partition = coded_partition(f.problem);
  sg_workspace *ws = sg_workspace_new(f.problem);
  long l = f.problem->length;
  assert_int_equal(sg_partition_rows(partition, CODED_PARTS + 2, 1), 1);
  double *x = calloc((size_t)l, 8), *g = calloc((size_t)l, 8), *sum = calloc((size_t)l, 8),
         *seen = calloc((size_t)(4 * l), 8);
  random_model(x, l, 4);
  int found = 0;
  for (int b = 1; b < 100; b++) {
    one_gradient(&f, ws, partition, x,
                 (sg_partial){.part = CODED_PARTS + 2, .column = 0, .batch = b}, g);
    int known = 0;
    for (int k = 0; k < found; k++) known |= distance(g, seen + k * l, l) == 0;
    if (known) continue;
    assert_true(found < 4);
    memcpy(seen + l * found++, g, (size_t)l * 8);
    for (long c = 0; c < l; c++) sum[c] += g[c] / 4;
  }
  assert_int_equal(found, 4);
  plain_coded(&f, &combinations[2], x, g);
  assert_near(sum, g, l, 1e-13);
  free(x);
  free(g);
  free(sum);
  free(seen);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  drop(&f);
}

static void refuses_unfit_batches(void **state) {
  (void)state;
  sg_error e = {0};
  assert_null(learning_problem("synthetic-gradient", "length=10 batch_rows=3", 4, 1, &e));
  assert_fault(sg_error_status(&e), SG_INVALID, &e, "found \"synthetic-gradient\"");
  assert_null(learning_problem("softmax",
                               "batch_rows=3 block_width=4 data=gaussian-mixture data.rows=50 "
                               "data.features=5",
                               4, 1, &e));
  assert_fault(sg_error_status(&e), SG_INVALID, &e, "one model at a time");
  sg_problem *none = learning_problem("none", "length=10 batch_rows=3", 4, 1, &e);
  assert_non_null(none);
  sg_problem_free(none);
  fixture f = make_with(kinds[0].name, kinds[0].settings, "batch_rows=3");
  assert_int_equal(f.problem->block_width, 1);
  sg_partition *partition = part(f.problem, 4, NULL);
  sg_workspace *ws = sg_workspace_new(f.problem);
  double *x = calloc((size_t)(2 * f.problem->length), 8);
  const double *points[] = {x, x + f.problem->length};
  const sg_partial item = {0, 0, 1, NULL};
  const sg_gradient_request q = {
      .partition = partition, .width = 2, .columns = 2, .x = points, .n_items = 1, .item = &item};
  assert_fault(sg_problem_begin(f.problem, ws, &q, &e), SG_BUG, &e, "in width 2");
  free(x);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  drop(&f);
  sg_problem *synthetic = learning_problem("synthetic-gradient", "length=10", 4, 1, &e);
  partition = part(synthetic, 4, NULL);
  ws = sg_workspace_new(synthetic);
  double zero[10] = {0};
  const double *origin = zero;
  const sg_gradient_request r = {
      .partition = partition, .width = 1, .columns = 1, .x = &origin, .n_items = 1, .item = &item};
  assert_fault(sg_problem_begin(synthetic, ws, &r, &e), SG_INVALID, &e, "have no rows");
  assert_int_equal(sg_partition_rows(partition, 0, 1), 0);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(synthetic);
}

/* --- Local steps ------------------------------------------------------------------------------ */

/* l2 · x, where the L2 term counts. */
static double penalty(const fixture *f, const double *x, long i) {
  const sg_problem *p = f->problem;
  return i % p->stride < p->stride - p->unregularised ? p->l2 * x[i] : 0;
}

/* Gradient descent on the part's mean loss with the L2 term by plain loops, and from it the
 * pseudo-gradient, without that term at the first model, which is the master's. */
static void plain_steps(const fixture *f, const double *x, long begin, long end, int steps,
                        double rate, double *out) {
  long l = f->problem->length;
  double *at = calloc((size_t)(2 * l), 8), *g = at + l, rows = (double)(end - begin);
  memcpy(at, x, (size_t)l * 8);
  for (int t = 0; t < steps; t++) {
    plain(f, at, f->data->x, f->data->y, begin, end, g);
    for (long i = 0; i < l; i++)
      at[i] -= rate * (g[i] * (double)f->data->rows / rows + penalty(f, at, i));
  }
  for (long i = 0; i < l; i++)
    out[i] = ((x[i] - at[i]) / rate - penalty(f, x, i)) * rows / (double)f->data->rows;
  free(at);
}

/* The item that comes of local steps on one part. */
static void local_steps(const sg_problem *problem, sg_workspace *ws, const sg_partition *partition,
                        sg_partial item, const double *x, int steps, double rate, double *out) {
  const sg_gradient_request q = {.partition = partition,
                                 .width = 1,
                                 .columns = 1,
                                 .x = &x,
                                 .n_items = 1,
                                 .item = &item,
                                 .steps = steps,
                                 .rate = rate};
  gradients(problem, ws, &q, problem->length, out);
}

static void local_steps_are_those_of_plain_loops(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    fixture f = make(k);
    sg_partition *partition = part(f.problem, PARTS, edges);
    sg_workspace *ws = sg_workspace_new(f.problem);
    long l = f.problem->length;
    double *x = calloc((size_t)(2 * l), 8), *out = calloc((size_t)l, 8), *g = calloc((size_t)l, 8),
           *all = calloc((size_t)(2 * l), 8), loss[2];
    random_model(x, l, 4);
    random_model(x + l, l, 5);
    long begin = lround(edges[1] * (double)f.data->rows),
         end = lround(edges[2] * (double)f.data->rows);
    for (int steps = 1; steps <= 5; steps += 2) {
      local_steps(f.problem, ws, partition,
                  (sg_partial){.part = 1, .column = 0, .batch = steps > 1 ? 3 : 0}, x, steps, 0.05,
                  out);
      plain_steps(&f, x, begin, end, steps, 0.05, g);
      assert_near(out, g, l, 1e-12);
      if (steps == 1) {
        one_gradient(&f, ws, partition, x, (sg_partial){.part = 1, .column = 0}, g);
        assert_memory_equal(out, g, (size_t)l * 8);
        continue;
      }
      one_gradient(&f, ws, partition, x, (sg_partial){.part = 1, .column = 0}, g);
      assert_true(distance(out, g, l) > 1e-3); /* a step does something */
      /* In a request, beside another point and the losses. */
      const double *points[] = {x + l, x};
      const sg_partial item[] = {{4, 0, 0, NULL}, {1, 1, 0, NULL}};
      const sg_gradient_request q = {partition, 1,    2,     points, 2,   item,
                                     points,    loss, steps, 0.05,   NULL};
      gradients(f.problem, ws, &q, 6, all);
      assert_memory_equal(all + l, out, (size_t)l * 8);
      assert_true(fabs(loss[0] - plain_loss(&f, x + l)) < 1e-13);
      assert_true(fabs(loss[1] - plain_loss(&f, x)) < 1e-13);
    }
    free(x);
    free(out);
    free(g);
    free(all);
    sg_workspace_free(ws);
    sg_partition_free(partition);
    drop(&f);
  }
}

/* Batches b, b + 1, b + 2, whose gradients are those of requests of their own. */
static void local_steps_take_batches_in_turn(void **state) {
  (void)state;
  fixture f = make_with(kinds[0].name, kinds[0].settings, "batch_rows=4");
  sg_partition *partition = part(f.problem, PARTS, edges);
  sg_workspace *ws = sg_workspace_new(f.problem);
  long l = f.problem->length;
  double share = (double)sg_partition_rows(partition, 3, 0) / (double)f.data->rows;
  double *x = calloc((size_t)l, 8), *at = calloc((size_t)l, 8), *g = calloc((size_t)l, 8),
         *out = calloc((size_t)l, 8);
  random_model(x, l, 4);
  memcpy(at, x, (size_t)l * 8);
  for (int t = 0; t < 3; t++) {
    one_gradient(&f, ws, partition, at, (sg_partial){.part = 3, .column = 0, .batch = 21 + t}, g);
    for (long i = 0; i < l; i++) at[i] -= 0.1 * (g[i] / share + penalty(&f, at, i));
  }
  local_steps(f.problem, ws, partition, (sg_partial){.part = 3, .column = 0, .batch = 21}, x, 3,
              0.1, out);
  for (long i = 0; i < l; i++) g[i] = ((x[i] - at[i]) / 0.1 - penalty(&f, x, i)) * share;
  assert_near(out, g, l, 1e-13);
  plain_steps(&f, x, lround(edges[3] * (double)f.data->rows),
              lround(edges[4] * (double)f.data->rows), 3, 0.1, g);
  assert_true(distance(out, g, l) > 1e-3);
  local_steps(f.problem, ws, partition, (sg_partial){.part = 3, .column = 0}, x, 3, 0.1, out);
  assert_near(out, g, l, 1e-13); /* no name: all rows */
  free(x);
  free(at);
  free(g);
  free(out);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  drop(&f);
}

/* The synthetic gradient a / (1 + |x_0|) of a part with two thirds of the data. */
static void local_steps_on_synthetic_gradients(void **state) {
  (void)state;
  sg_error e = {0};
  sg_problem *p = learning_problem("synthetic-gradient", "length=50 subsets=6", 4, 1, &e);
  const double edge[] = {0, 1.0 / 3, 1};
  sg_partition *partition = part(p, 2, edge);
  sg_workspace *ws = sg_workspace_new(p);
  double x[50] = {2}, a[50], out[50], at = 2, sum = 0;
  const double *point = x, *tile;
  const sg_partial item = {1, 0, 0, NULL};
  const sg_gradient_request q = {
      .partition = partition, .width = 1, .columns = 1, .x = &point, .n_items = 1, .item = &item};
  assert_int_equal(sg_problem_begin(p, ws, &q, &e), SG_OK);
  assert_int_equal(sg_problem_tile(p, ws, 0, 0, 50, &tile), SG_OK);
  for (int i = 0; i < 50; i++) a[i] = 3 * tile[i];
  for (int t = 0; t < 4; t++) {
    double factor = 1 / (1 + fabs(at));
    sum += factor;
    at -= 0.3 * factor * a[0] * 1.5;
  }
  local_steps(p, ws, partition, item, x, 4, 0.3, out);
  for (int i = 0; i < 50; i++) assert_true(fabs(out[i] - sum * a[i]) < 1e-13);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(p);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_those_of_plain_loops),
      cmocka_unit_test(wide_products_have_the_same_bits),
      cmocka_unit_test(wide_sums_have_the_bits_of_openblas),
      cmocka_unit_test(gradient_is_the_slope_of_the_loss),
      cmocka_unit_test(bits_do_not_depend_on_company),
      cmocka_unit_test(bits_do_not_depend_on_the_request),
      cmocka_unit_test(bits_of_columns_together_are_those_of_one),
      cmocka_unit_test(judges_on_the_test_rows),
      cmocka_unit_test(large_margins_do_no_harm),
      cmocka_unit_test(losses_of_rows_are_alone),
      cmocka_unit_test(float32_is_float64_of_rounded_data),
      cmocka_unit_test(synthetic_gradient_is_the_same_for_all_codes),
      cmocka_unit_test(none_computes_nothing),
      cmocka_unit_test(refuses_unfit_data),
      cmocka_unit_test(width_follows_the_size_of_the_data),
      cmocka_unit_test(coded_parts_are_those_of_plain_loops),
      cmocka_unit_test(bits_of_coded_parts_do_not_depend_on_company),
      cmocka_unit_test(refuses_unfit_combinations),
      cmocka_unit_test(refuses_what_is_not_there),
      cmocka_unit_test(a_batch_is_a_pair_of_rows),
      cmocka_unit_test(the_mean_of_batches_is_the_part),
      cmocka_unit_test(the_name_of_a_batch_is_its_rows),
      cmocka_unit_test(coded_parts_have_batches),
      cmocka_unit_test(refuses_unfit_batches),
      cmocka_unit_test(local_steps_are_those_of_plain_loops),
      cmocka_unit_test(local_steps_take_batches_in_turn),
      cmocka_unit_test(local_steps_on_synthetic_gradients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
