/* SPDX-License-Identifier: MIT */
/* The pass over sparse rows against the pass over the same rows made dense. */
#include "models/learning/data.h"
#include "models/learning/dense.h"
#include "models/learning/problem.h"
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

static const struct {
  const char *name, *settings;
} kinds[] = {
    {"logistic-regression", "l2=0.03 data.rows=240 data.features=57 data.density=0.1"},
    {"logistic-regression", "data.rows=150 data.features=700 data.density=0.01 "
                            "data.intercept=false"},
    {"hinge", "l2=0.1 data.rows=240 data.features=57 data.density=0.1"},
    {"softmax", "l2=0.03 data.rows=240 data.features=41 data.density=0.2 data.classes=3"},
    /* More classes than stand side by side, and more columns than fit a byte. */
    {"softmax", "data.rows=200 data.features=300 data.density=0.05 data.classes=11 "
                "data.intercept=false"},
    {"least-squares", "l2=0.03 data.rows=240 data.features=33 data.density=0.3"},
    {"least-squares", "data.rows=130 data.features=70000 data.density=0.0003"},
};
enum { KINDS = sizeof kinds / sizeof *kinds, PARTS = 5, WIDTH = 19 };

/* Uneven on purpose; the first part is a few rows. */
static const double edges[PARTS + 1] = {0, 0.04, 0.31, 0.33, 0.8, 1};

typedef struct fixture {
  sg_problem *sparse, dense; /* dense: the same problem with rows that hold all zeros */
  sg_dense self;
  sg_data data;
  double *x;
} fixture;

/* Leaves rows and columns without any non-zero, and one row full. */
static void thin(sg_data *data) {
  sg_csr *x = data->sparse;
  long kept = 0, features = data->columns - data->intercept;
  for (long i = 0, k = 0; i < data->rows + data->test_rows; i++) {
    long end = x->start[i + 1];
    for (; k < end; k++) {
      bool gone = i == 0 || i == 7 || i == data->rows - 1 || i == data->rows ||
                  x->column[k] % 11 == 3 || x->column[k] == features - 1;
      x->column[kept] = x->column[k], x->value[kept] = x->value[k];
      kept += !gone;
    }
    x->start[i + 1] = kept;
  }
}

static void make_dense(fixture *f) {
  const sg_dense *d = f->sparse->self;
  f->dense = *f->sparse;
  f->self = *d;
  f->data = *d->data;
  f->dense.self = &f->self;
  f->self.data = &f->data;
  const sg_csr *from = d->data->sparse;
  long rows = f->data.rows + f->data.test_rows, columns = f->data.columns;
  f->x = calloc((size_t)(rows * columns), sizeof *f->x);
  assert_non_null(f->x);
  for (long i = 0; i < rows; i++) {
    for (long k = from->start[i]; k < from->start[i + 1]; k++)
      f->x[i * columns + from->column[k]] = from->value[k];
    if (f->data.intercept) f->x[(i + 1) * columns - 1] = 1;
  }
  f->data.sparse = NULL;
  f->data.x = f->x;
  f->data.test_x = f->x + f->data.rows * columns;
}

static void make(fixture *f, int kind, const char *more) {
  sg_error e = {0};
  char all[256];
  snprintf(all, sizeof all, "data=sparse-text %s %s", kinds[kind].settings, more);
  sg_values *v = learning_values(kinds[kind].name, all);
  *f = (fixture){0};
  assert_int_equal(sg_problem_new(v, 4, 3, &f->sparse, &e), SG_OK);
  sg_values_free(v);
  thin(((sg_dense *)f->sparse->self)->data);
  make_dense(f);
}

static void drop(fixture *f) {
  sg_problem_free(f->sparse);
  free(f->x);
}

static void random_model(double *x, long n, uint32_t which) {
  sg_stream s;
  sg_stream_at(&s, 5, 0, SG_FOR_CHECK, 1, which, 0);
  for (long i = 0; i < n; i++) x[i] = sg_uniform(&s) - 0.5;
}

static double *models(long length, int count) {
  double *x = malloc((size_t)(length * count) * sizeof *x);
  assert_non_null(x);
  for (int c = 0; c < count; c++) random_model(x + c * length, length, (uint32_t)c);
  return x;
}

static double *numbers(long n) {
  double *x = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (long i = 0; i < n; i++) x[i] = NAN;
  return x;
}

/* All items, cut into tiles of `step`, to out[item · length]; two slots in turn. */
static void gradients(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *q,
                      long step, double *out) {
  const double **tile = calloc((size_t)q->n_items + 1, sizeof *tile);
  assert_non_null(tile);
  assert_int_equal(sg_problem_begin(problem, ws, q, NULL), SG_OK);
  int slot = 0;
  for (long b = 0; b < problem->length; b += step, slot = !slot) {
    long end = b + step < problem->length ? b + step : problem->length;
    assert_int_equal(sg_problem_tile(problem, ws, slot, b, end, tile), SG_OK);
    for (int i = 0; i < q->n_items; i++)
      memcpy(out + i * problem->length + b, tile[i], (size_t)(end - b) * sizeof(double));
  }
  free(tile);
}

/* The same of a problem in a workspace of its own. */
static double *gradients_of(const sg_problem *problem, sg_gradient_request q, int parts,
                            const double *edge, int n_coded, const sg_coded_part *coded,
                            long step) {
  sg_error e = {0};
  sg_partition *p;
  assert_int_equal(sg_partition_new(problem, parts, edge, n_coded, coded, &p, &e), SG_OK);
  sg_workspace *ws = sg_workspace_new(problem);
  double *out = numbers(q.n_items * problem->length);
  q.partition = p;
  gradients(problem, ws, &q, step, out);
  sg_workspace_free(ws);
  sg_partition_free(p);
  return out;
}

static void assert_near(const double *a, const double *b, long n, double tolerance) {
  double largest = 1e-3;
  for (long i = 0; i < n; i++) largest = fmax(largest, fabs(b[i]));
  for (long i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= tolerance * largest)) fail_msg("%ld: %.17g, %.17g", i, a[i], b[i]);
}

static void assert_same(const double *a, const double *b, long n) {
  for (long i = 0; i < n; i++)
    if (memcmp(a + i, b + i, sizeof *a)) fail_msg("%ld: %.17g, %.17g", i, a[i], b[i]);
}

/* Three columns, two with losses, one of these elsewhere; one item twice. */
static void single_is_dense(void **state) {
  for (int kind = 0; kind < KINDS; kind++) {
    fixture f;
    make(&f, kind, "");
    const long l = f.sparse->length;
    double *x = models(l, 4), loss[3], wanted[3];
    const double *at[] = {x, x + l, x + 2 * l}, *loss_at[] = {x, NULL, x + 3 * l};
    const sg_partial item[] = {{.part = 1}, {.part = 0, .column = 1}, {.part = 4, .column = 2},
                               {.part = 1}, {.part = 2, .column = 2}, {.part = 3}};
    sg_gradient_request q = {
        .width = 1, .columns = 3, .x = at, .n_items = 6, .item = item, .loss_x = loss_at};
    q.loss = wanted;
    double *g = gradients_of(&f.dense, q, PARTS, edges, 0, NULL, l);
    q.loss = loss;
    double *s = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, l);
    assert_near(s, g, 6 * l, 1e-14);
    assert_true(isnan(loss[1]));
    assert_near(loss, wanted, 1, 1e-14);
    assert_near(loss + 2, wanted + 2, 1, 1e-14);
    /* Any tiles: the same bits. */
    for (long step = kind == KINDS - 1 ? 512 : 1; step < l; step = 3 * step + 4) {
      double *t = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, step);
      assert_same(t, s, 6 * l);
      free(t);
    }
    /* Alone: the same bits. */
    for (int i = 0; i < 6; i++) {
      sg_partial one = {.part = item[i].part};
      sg_gradient_request alone = {
          .width = 1, .columns = 1, .x = &at[item[i].column], .n_items = 1, .item = &one};
      double *t = gradients_of(f.sparse, alone, PARTS, edges, 0, NULL, 100);
      assert_same(t, s + i * l, l);
      free(t);
    }
    free(x), free(g), free(s);
    drop(&f);
  }
}

/* Items are all parts of all columns. */
static void wide_is_single(void **state) {
  for (int kind = 0; kind < KINDS; kind++)
    for (int columns = 1; columns <= WIDTH; columns += columns % 2 ? 7 : 5) {
      fixture f;
      make(&f, kind, "");
      const long l = f.sparse->length;
      double *x = models(l, 2 * WIDTH), loss[WIDTH], wanted[WIDTH];
      const double *at[WIDTH], *loss_at[WIDTH];
      sg_partial item[PARTS * WIDTH];
      for (int c = 0; c < WIDTH; c++) at[c] = x + c * l, loss_at[c] = NULL;
      for (int c = 0; c < columns; c++) {
        loss_at[c] = c % 3 == 0 ? at[c] : c % 3 == 1 ? x + (WIDTH + c) * l : NULL;
        for (int p = 0; p < PARTS; p++)
          item[c * PARTS + p] = (sg_partial){.part = (p + c) % PARTS, .column = c};
      }
      /* Half of the time there are models of which nothing is wanted. */
      sg_gradient_request q = {.width = WIDTH,
                               .columns = columns % 2 ? WIDTH : columns,
                               .x = at,
                               .n_items = columns * PARTS,
                               .item = item,
                               .loss_x = loss_at};
      q.loss = loss;
      double *w = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, 301);
      q.width = 1, q.loss = wanted;
      double *s = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, 512);
      assert_same(w, s, q.n_items * l);
      for (int c = 0; c < q.columns; c++)
        if (c % 3 == 2 || c >= columns)
          assert_true(isnan(loss[c]));
        else
          assert_same(loss + c, wanted + c, 1);
      free(x), free(w), free(s);
      drop(&f);
    }
}

/* The rows of a batch, in its part, and whole parts beside them; and of one part in all. */
static void batches_are_dense(void **state) {
  for (int kind = 0; kind < KINDS; kind++) {
    fixture f;
    make(&f, kind, "batch_rows=9");
    const long l = f.sparse->length;
    double *x = models(l, 2);
    const double *at[] = {x, x + l};
    const sg_partial item[] = {{.part = 1, .batch = 3},
                               {.part = 1, .batch = 4, .column = 1},
                               {.part = 0, .batch = 1}, /* no more rows than a batch has */
                               {.part = 1},
                               {.part = 3, .batch = 3}};
    sg_gradient_request q = {.width = 1, .columns = 2, .x = at, .n_items = 5, .item = item};
    double *g = gradients_of(&f.dense, q, PARTS, edges, 0, NULL, l);
    double *s = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, 100);
    assert_near(s, g, 5 * l, 1e-14);
    const sg_partial of_one[] = {{.batch = 3}, {0}, {.batch = 4, .column = 1}};
    sg_gradient_request one = {.width = 1, .columns = 2, .x = at, .n_items = 3, .item = of_one};
    double *h = gradients_of(&f.dense, one, 1, NULL, 0, NULL, l);
    double *t = gradients_of(f.sparse, one, 1, NULL, 0, NULL, 100);
    assert_near(t, h, 3 * l, 1e-13);
    free(h), free(t);
    for (int inner = 0; inner < 2; inner++) {
      static const sg_local_optimizer momentum = {.method = SG_INNER_MOMENTUM, .momentum = 0.5};
      q.steps = 3, q.rate = 0.7, q.inner = inner ? &momentum : NULL;
      double *a = gradients_of(&f.dense, q, PARTS, edges, 0, NULL, l);
      double *b = gradients_of(f.sparse, q, PARTS, edges, 0, NULL, 100);
      assert_near(b, a, 5 * l, 1e-13);
      free(a), free(b);
    }
    free(x), free(g), free(s);
    drop(&f);
  }
}

static void evaluations_are_dense(void **state) {
  for (int kind = 0; kind < KINDS; kind++) {
    fixture f;
    make(&f, kind, "");
    const long l = f.sparse->length;
    double *x = models(l, 2);
    const double *at[] = {x, x + l};
    sg_metrics a[2], b[2];
    sg_workspace *dense = sg_workspace_new(&f.dense), *sparse = sg_workspace_new(f.sparse);
    unsigned what = SG_WANT_LOSS | SG_WANT_TEST;
    assert_int_equal(sg_problem_evaluate(&f.dense, dense, what, 2, at, a), SG_OK);
    assert_int_equal(sg_problem_evaluate(f.sparse, sparse, what, 2, at, b), SG_OK);
    for (int c = 0; c < 2; c++) {
      assert_near(&b[c].loss, &a[c].loss, 1, 1e-14);
      assert_near(&b[c].test_loss, &a[c].test_loss, 1, 1e-14);
      assert_true(b[c].accuracy == a[c].accuracy || (isnan(a[c].accuracy) && f.data.classes == 0));
      assert_true(b[c].auc == a[c].auc || (isnan(a[c].auc) && f.data.classes != 2));
    }
    assert_int_equal(sg_problem_evaluate(f.sparse, sparse, SG_WANT_LOSS, 1, at + 1, a), SG_OK);
    assert_same(&a[0].loss, &b[1].loss, 1);
    assert_true(isnan(a[0].test_loss));
    if (f.sparse->type->smoothness) {
      double by_dense, by_sparse;
      assert_int_equal(f.dense.type->smoothness(&f.dense, &by_dense), SG_OK);
      assert_int_equal(f.sparse->type->smoothness(f.sparse, &by_sparse), SG_OK);
      assert_true(by_dense > 0);
      assert_near(&by_sparse, &by_dense, 1, 1e-9);
    }
    if (f.sparse->type->curvature && l < 1000) {
      double d[2], s[2];
      assert_int_equal(f.dense.type->curvature(&f.dense, &d[0], &d[1]), SG_OK);
      assert_int_equal(f.sparse->type->curvature(f.sparse, &s[0], &s[1]), SG_OK);
      assert_near(s, d, 2, 1e-13);
    }
    sg_workspace_free(dense), sg_workspace_free(sparse);
    free(x);
    drop(&f);
  }
}

/* Parts of one row each, and all rows as one part: the sums are the same. */
static void parts_add_up(void **state) {
  for (int kind = 0; kind < KINDS - 1; kind++) {
    fixture f;
    make(&f, kind, "");
    const long l = f.sparse->length;
    const int rows = (int)f.sparse->rows;
    double *x = models(l, 1), *sum = calloc((size_t)l, sizeof *sum);
    const double *at[] = {x};
    sg_partial *item = calloc((size_t)rows, sizeof *item);
    assert_true(sum && item);
    for (int i = 0; i < rows; i++) item[i].part = i;
    sg_gradient_request q = {.width = 1, .columns = 1, .x = at, .n_items = 1, .item = item};
    double *whole = gradients_of(f.sparse, q, 1, NULL, 0, NULL, 100);
    sg_gradient_request parts = q;
    parts.n_items = rows;
    double *single = gradients_of(f.sparse, parts, rows, NULL, 0, NULL, 100);
    for (int i = 0; i < rows; i++)
      for (long j = 0; j < l; j++) sum[j] += single[i * l + j];
    assert_near(sum, whole, l, 1e-13);
    /* One part has a way of its own: dense, in any width and beside a mini-batch. */
    const double *two[] = {x, x};
    const sg_partial items[] = {{0}, {.column = 1}, {0}};
    double loss[2];
    sg_gradient_request w = {.width = 4,
                             .columns = 2,
                             .x = two,
                             .n_items = 3,
                             .item = items,
                             .loss_x = two,
                             .loss = loss};
    double *wide = gradients_of(f.sparse, w, 1, NULL, 0, NULL, 77);
    double *dense = gradients_of(&f.dense, q, 1, NULL, 0, NULL, l);
    assert_near(whole, dense, l, 1e-13);
    for (int i = 0; i < 3; i++) assert_same(wide + i * l, whole, l);
    assert_same(loss, loss + 1, 1);
    free(wide), free(dense);
    free(x), free(sum), free(item), free(whole), free(single);
    drop(&f);
  }
}

/* Least squares: combinations of parts, one of which is a multiple of a part, beside plain parts.
 */
static void coded_parts_are_dense(void **state) {
  enum { PARTS_CODED = 4 };
  static const int some[] = {0, 2}, all[] = {0, 1, 2, 3}, one[] = {3};
  static const double pair[] = {0.5, -2}, many[] = {1, -0.25, 0.75, 3}, factor[] = {-1.5};
  static const sg_coded_part coded[] = {{2, some, pair}, {4, all, many}, {1, one, factor}};
  for (int kind = KINDS - 2; kind < KINDS; kind++) {
    fixture f;
    make(&f, kind, "data.rows=160");
    const long l = f.sparse->length;
    double *x = models(l, 3), loss[3], wanted[3];
    const double *at[] = {x, x + l, x + 2 * l};
    sg_partial item[15];
    for (int i = 0; i < 15; i++)
      item[i] = (sg_partial){.part = i < 12 ? PARTS_CODED + i % 3 : i % 4, .column = i / 3 % 3};
    for (int width = 1; width <= 5; width += 4) {
      sg_gradient_request q = {.width = width, .columns = 3, .x = at, .n_items = 15, .item = item};
      q.loss_x = at;
      q.loss = wanted;
      if (width > 1) /* the dense pass reads all columns */
        q.width = 1;
      double *g = gradients_of(&f.dense, q, PARTS_CODED, NULL, 3, coded, l);
      q.width = width, q.loss = loss;
      double *s = gradients_of(f.sparse, q, PARTS_CODED, NULL, 3, coded, 512);
      assert_near(s, g, 15 * l, 1e-13);
      assert_near(loss, wanted, 3, 1e-14);
      free(g), free(s);
    }
    /* Of one part in all. */
    static const int first[] = {0};
    static const sg_coded_part multiple[] = {{1, first, factor}};
    const sg_partial both[] = {{.part = 1}, {.part = 0}};
    sg_gradient_request q = {.width = 1, .columns = 1, .x = at, .n_items = 2, .item = both};
    double *g = gradients_of(&f.dense, q, 1, NULL, 1, multiple, l);
    q.width = 3;
    double *s = gradients_of(f.sparse, q, 1, NULL, 1, multiple, 100);
    assert_near(s, g, 2 * l, 1e-13);
    free(g), free(s);
    sg_partition *a, *b;
    sg_error e = {0};
    assert_int_equal(sg_partition_new(&f.dense, PARTS_CODED, NULL, 3, coded, &a, &e), SG_OK);
    assert_int_equal(sg_partition_new(f.sparse, PARTS_CODED, NULL, 3, coded, &b, &e), SG_OK);
    assert_near(sg_partition_constant(b), sg_partition_constant(a), l, 1e-13);
    /* Of the zeros nothing is stored: 28 bytes a number, 16 for those of rows that are there. */
    long entries = 0;
    const long rows = f.sparse->rows / PARTS_CODED;
    for (int c = 0; c < 2; c++)
      for (long i = 0; i < rows; i++)
        for (long j = 0; j < f.data.columns - f.data.intercept; j++) {
          bool there = false;
          for (int t = 0; t < coded[c].count; t++)
            there |= f.x[(coded[c].part[t] * rows + i) * f.data.columns + j] != 0;
          entries += there;
        }
    const sg_csr *x_sparse = ((sg_dense *)f.sparse->self)->data->sparse;
    const double wanted_bytes =
        16.0 * (double)x_sparse->start[f.sparse->rows] + 28.0 * (double)entries;
    assert_true(fabs(sg_partition_bytes(b) - wanted_bytes) <= 8);
    sg_partition_free(a), sg_partition_free(b);
    free(x);
    drop(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_is_dense),   cmocka_unit_test(wide_is_single),
      cmocka_unit_test(batches_are_dense), cmocka_unit_test(evaluations_are_dense),
      cmocka_unit_test(parts_add_up),      cmocka_unit_test(coded_parts_are_dense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
