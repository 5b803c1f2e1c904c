/* SPDX-License-Identifier: MIT */
/* Sparse systems: LSQR against LAPACK's singular value decomposition, peeling against scanning. */
#include "codes/tools/sparse.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct triplets {
  int rows, columns;
  size_t count;
  int row[4000], column[4000];
  double value[4000];
} triplets;

static sg_stream stream_of(uint32_t number) {
  sg_stream s;
  sg_stream_at(&s, 20, 1, SG_FOR_CHECK, 0, number, 0);
  return s;
}

static int below(sg_stream *s, int n) {
  return (int)(sg_uniform(s) * n);
}

/* Random places and values in [−1, 1], some places several times. The last `dependent` rows repeat
 * the first ones times 2. */
static void fill(triplets *t, sg_stream *s, int rows, int columns, int per_row, int dependent) {
  t->rows = rows;
  t->columns = columns;
  t->count = 0;
  for (int i = 0; i < rows; i++)
    for (int k = 0; k < per_row; k++, t->count++) {
      bool copied = i >= rows - dependent;
      size_t from = (size_t)((i - (rows - dependent)) * per_row + k);
      t->row[t->count] = i;
      t->column[t->count] = copied ? t->column[from] : below(s, columns);
      t->value[t->count] = copied ? 2 * t->value[from] : 2 * sg_uniform(s) - 1;
    }
}

/* Column-major, rows × columns. */
static double *dense_of(const triplets *t) {
  double *a = calloc((size_t)t->rows * (size_t)t->columns, sizeof *a);
  assert_non_null(a);
  for (size_t k = 0; k < t->count; k++) a[t->row[k] + t->column[k] * t->rows] += t->value[k];
  return a;
}

static sg_sparse sparse_of(const triplets *t, void **memory) {
  *memory = malloc(sg_sparse_bytes(t->rows, t->count));
  void *work = malloc(sg_sparse_triplets_bytes(t->columns));
  assert_true(*memory && work);
  sg_sparse a = sg_sparse_from_triplets(*memory, t->rows, t->columns, t->count, t->row, t->column,
                                        t->value, work);
  free(work);
  return a;
}

static void test_matrices(void **state) {
  (void)state;
  /* Three triplets of one place, an empty row, and the same matrix by rows. */
  const int row[] = {2, 0, 2, 0, 2, 2}, column[] = {1, 3, 0, 0, 1, 1};
  const double value[] = {1, 2, 3, 4, 5, 6};
  char memory[1024], work[256], again[1024];
  assert_true(sg_sparse_bytes(3, 6) <= sizeof memory && sg_sparse_triplets_bytes(4) <= 256);
  sg_sparse a = sg_sparse_from_triplets(memory, 3, 4, 6, row, column, value, work);
  assert_int_equal(a.rows, 3);
  assert_int_equal(a.begin[1], 2);
  assert_int_equal(a.begin[2], 2);
  assert_int_equal(a.begin[3], 4); /* not 6: the three are one */
  sg_sparse b = sg_sparse_at(again, 3, 4, 6);
  sg_sparse_add_row(&b, 2, (int[]){3, 0}, (double[]){2, 4});
  sg_sparse_add_row(&b, 0, NULL, NULL);
  sg_sparse_add_row(&b, 2, (int[]){0, 1}, (double[]){3, 12});
  const double x[] = {1, 10, 100, 1000}, z[] = {1, 10, 100};
  double y[2][3] = {{1, 1, 1}, {1, 1, 1}}, w[2][4] = {{0}, {0}};
  sg_sparse_times(&a, x, y[0]);
  sg_sparse_times(&b, x, y[1]);
  sg_sparse_transposed_times(&a, z, w[0]);
  sg_sparse_transposed_times(&b, z, w[1]);
  const double ax[] = {2005, 1, 124}, az[] = {304, 1200, 0, 2};
  for (int i = 0; i < 2; i++) {
    assert_memory_equal(y[i], ax, sizeof ax);
    assert_memory_equal(w[i], az, sizeof az);
  }
}

/* The minimum-norm solution from U, Σ, Vᵀ. m × n, column-major. */
static void by_svd(int m, int n, const double *a, const double *b, double *x) {
  size_t small = (size_t)(m < n ? m : n);
  double *copy = malloc((size_t)m * (size_t)n * sizeof *copy),
         *sigma = malloc(small * sizeof *copy);
  double *u = malloc((size_t)m * (size_t)m * sizeof *u),
         *vt = malloc((size_t)n * (size_t)n * sizeof *vt);
  assert_true(copy && sigma && u && vt);
  memcpy(copy, a, (size_t)m * (size_t)n * sizeof *copy);
  assert_int_equal(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'A', m, n, copy, m, sigma, u, m, vt, n), 0);
  memset(x, 0, (size_t)n * sizeof *x);
  for (size_t k = 0; k < small && sigma[k] > 1e-10 * sigma[0]; k++) {
    double c = 0;
    for (int i = 0; i < m; i++) c += u[(size_t)i + k * (size_t)m] * b[i];
    for (int j = 0; j < n; j++) x[j] += c / sigma[k] * vt[k + (size_t)j * (size_t)n];
  }
  free(copy);
  free(sigma);
  free(u);
  free(vt);
}

/* Residual and gradient by dense loops. */
static void judge(int m, int n, const double *a, const double *b, const double *x, double *residual,
                  double *gradient) {
  double r2 = 0, g2 = 0, *r = malloc((size_t)m * sizeof *r);
  assert_non_null(r);
  for (int i = 0; i < m; i++) {
    r[i] = b[i];
    for (int j = 0; j < n; j++) r[i] -= a[i + j * m] * x[j];
    r2 += r[i] * r[i];
  }
  for (int j = 0; j < n; j++) {
    double g = 0;
    for (int i = 0; i < m; i++) g += a[i + j * m] * r[i];
    g2 += g * g;
  }
  free(r);
  *residual = sqrt(r2);
  *gradient = sqrt(g2);
}

static double distance(int n, const double *x, const double *y) {
  double d = 0, norm = 0;
  for (int i = 0; i < n; i++) d += (x[i] - y[i]) * (x[i] - y[i]), norm += y[i] * y[i];
  return sqrt(d / (norm > 0 ? norm : 1));
}

static void transpose(int m, int n, const double *a, double *t) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) t[j + i * n] = a[i + j * m];
}

static void test_lsqr_random(void **state) {
  (void)state;
  static const int shape[][4] = {/* rows, columns, entries a row, dependent rows */
                                 {30, 12, 3, 0}, {12, 30, 3, 0}, {25, 25, 4, 0},
                                 {25, 25, 4, 8}, {40, 15, 2, 5}, {15, 40, 3, 5},
                                 {1, 7, 3, 0},   {7, 1, 1, 2},   {60, 50, 2, 9}};
  static triplets t;
  int inconsistent = 0, deficient = 0;
  for (uint32_t c = 0; c < 9 * 12; c++) {
    sg_stream s = stream_of(c);
    const int *of = shape[c / 12];
    bool transposed = c % 2, consistent = c % 4 < 2;
    fill(&t, &s, of[0], of[1], of[2], of[3]);
    int m = transposed ? t.columns : t.rows, n = transposed ? t.rows : t.columns;
    double *dense = dense_of(&t), *system = dense_of(&t);
    if (transposed) transpose(t.rows, t.columns, dense, system);
    double b[64] = {0}, x[64], exact[64];
    for (int i = 0; i < m; i++)
      if (!consistent) b[i] = 2 * sg_uniform(&s) - 1;
    for (int j = 0; j < n && consistent; j++) {
      double value = 2 * sg_uniform(&s) - 1;
      for (int i = 0; i < m; i++) b[i] += value * system[i + j * m];
    }
    by_svd(m, n, system, b, exact);
    void *memory, *work = malloc(sg_lsqr_bytes(t.rows, t.columns));
    sg_sparse a = sparse_of(&t, &memory);
    sg_lsqr_report report;
    sg_lsqr_options o = {.transposed = transposed};
    assert_true(sg_lsqr(&a, &o, b, x, &report, work));
    double residual, gradient;
    judge(m, n, system, b, x, &residual, &gradient);
    assert_true(distance(n, x, exact) < 1e-7);
    assert_true(fabs(report.residual - residual) < 1e-11);
    assert_true(fabs(report.gradient - gradient) < 1e-11);
    assert_true(gradient < 1e-9);
    assert_true(!consistent || residual < 1e-10);
    inconsistent += residual > 1e-3;
    deficient += of[3] > 0;
    /* Begun at the solution there is nothing to do. */
    o.warm = true;
    o.tolerance = 1e-9;
    assert_true(sg_lsqr(&a, &o, b, x, &report, work));
    assert_true(report.iterations <= 2);
    assert_true(distance(n, x, exact) < 1e-7);
    free(dense);
    free(system);
    free(memory);
    free(work);
  }
  assert_true(inconsistent > 20 && deficient > 20); /* the cases are what they are meant to be */
}

static void test_lsqr_limits(void **state) {
  (void)state;
  /* diag(1, 2, 3, 4): four distinct singular values, four iterations; fewer are said to be too few,
   * and the report is that of the x at hand. */
  char memory[1024], work[1024];
  double b[] = {1, 2, 3, 4}, x[4], residual, gradient;
  const double dense[] = {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4};
  sg_sparse a = sg_sparse_at(memory, 4, 4, 4);
  for (int i = 0; i < 4; i++) sg_sparse_add_row(&a, 1, &i, (double[]){i + 1});
  sg_lsqr_report report;
  assert_true(sg_lsqr_bytes(4, 4) <= sizeof work);
  assert_false(sg_lsqr(&a, &(sg_lsqr_options){.most = 2}, b, x, &report, work));
  assert_int_equal(report.iterations, 2);
  judge(4, 4, dense, b, x, &residual, &gradient);
  assert_true(residual > 1e-3 && fabs(report.residual - residual) < 1e-14);
  assert_true(sg_lsqr(&a, &(sg_lsqr_options){0}, b, x, &report, work));
  assert_int_equal(report.iterations, 4);
  for (int i = 0; i < 4; i++) assert_true(fabs(x[i] - 1) < 1e-13);
  /* b = 0, b that no x comes near to, and a matrix of zeros. */
  double zero[4] = {0};
  assert_true(sg_lsqr(&a, &(sg_lsqr_options){0}, zero, x, &report, work));
  for (int i = 0; i < 4; i++) assert_true(x[i] == 0);
  sg_sparse empty = sg_sparse_at(memory, 4, 4, 4);
  for (int i = 0; i < 4; i++) sg_sparse_add_row(&empty, 0, NULL, NULL);
  assert_true(sg_lsqr(&empty, &(sg_lsqr_options){0}, b, x, &report, work));
  assert_true(report.gradient == 0 && fabs(report.residual - sqrt(30)) < 1e-14);
  for (int i = 0; i < 4; i++) assert_true(x[i] == 0);
  /* Warm from (0, 0, …): x + y = 2 from (3, 1) goes to the nearest solution (2, 0). */
  sg_sparse line = sg_sparse_at(memory, 1, 2, 2);
  sg_sparse_add_row(&line, 2, (int[]){0, 1}, (double[]){1, 1});
  double p[] = {3, 1}, two = 2;
  assert_true(sg_lsqr(&line, &(sg_lsqr_options){.warm = true}, &two, p, &report, work));
  assert_true(fabs(p[0] - 2) < 1e-14 && fabs(p[1]) < 1e-14);
}

/* Rows with one unknown, by looking at all rows again and again. */
static int scan(const triplets *t, const double *dense, bool *known) {
  int found = 0;
  memset(known, 0, (size_t)t->columns * sizeof *known);
  for (bool more = true; more;) {
    more = false;
    for (int i = 0; i < t->rows; i++) {
      int missing = 0, last = 0;
      for (int j = 0; j < t->columns; j++)
        if (dense[i + j * t->rows] != 0 && !known[j]) missing++, last = j;
      if (missing != 1) continue;
      known[last] = more = true;
      found++;
    }
  }
  return found;
}

static void test_peeling(void **state) {
  (void)state;
  static triplets t;
  int all = 0, some = 0;
  for (uint32_t c = 0; c < 300; c++) {
    sg_stream s = stream_of(1000 + c);
    int rows = 1 + below(&s, 60), columns = 1 + below(&s, 40);
    t = (triplets){.rows = rows, .columns = columns};
    for (int i = 0; i < rows; i++) { /* degrees as an LT code has them: many small, few large */
      double degree = 1 / (1 - sg_uniform(&s) * 0.95);
      for (int k = 0; k < degree; k++, t.count++) {
        t.row[t.count] = i;
        t.column[t.count] = below(&s, columns);
        t.value[t.count] = k == 5 ? 0 : 1 + sg_uniform(&s);
      }
    }
    double *dense = dense_of(&t);
    void *memory;
    sg_sparse a = sparse_of(&t, &memory);
    int unknown[64], row[64];
    bool known[64], before[64] = {false};
    void *work = malloc(sg_peel_bytes(&a));
    int count = sg_peel(&a, unknown, row, work);
    assert_int_equal(count, scan(&t, dense, known));
    all += count == columns;
    some += count > 0 && count < columns;
    for (int k = 0; k < count; k++) {
      assert_true(known[unknown[k]] && !before[unknown[k]]);
      for (int j = 0; j < columns; j++)
        if (dense[row[k] + j * rows] != 0) assert_int_equal(before[j], j != unknown[k]);
      before[unknown[k]] = true;
    }
    /* Values of a system that is known, and weights for the sum of what was recovered. */
    double x[64], y[64], b[64] = {0}, target[64], w[64];
    for (int j = 0; j < columns; j++) {
      x[j] = 1 + below(&s, 9);
      y[j] = -1;
      target[j] = known[j];
      for (int i = 0; i < rows; i++) b[i] += dense[i + j * rows] * x[j];
    }
    sg_peel_values(&a, count, unknown, row, b, y);
    sg_peel_weights(&a, count, unknown, row, target, w);
    for (int j = 0; j < columns; j++) {
      double sum = 0, size = 1;
      for (int i = 0; i < rows; i++) {
        sum += w[i] * dense[i + j * rows];
        size += fabs(w[i] * dense[i + j * rows]);
      }
      assert_true(fabs(sum - known[j]) < 1e-12 * size);
      assert_true(known[j] ? fabs(y[j] - x[j]) < 1e-6 * x[j] : y[j] == -1);
    }
    free(dense);
    free(memory);
    free(work);
  }
  assert_true(all > 20 && some > 20);
}

/* 100,000 unknowns: a triangular system with its rows and columns shuffled, which peeling takes
 * apart wholly and which LSQR solves, being diagonally dominant. */
static void test_size(void **state) {
  (void)state;
  enum { N = 100000, PER_ROW = 4 };
  size_t entries = (size_t)N * PER_ROW;
  sg_stream s = stream_of(5000);
  int *name = malloc(2 * N * sizeof *name), *at = name + N;
  int *row = malloc(entries * sizeof *row), *column = malloc(entries * sizeof *column);
  double *value = malloc(entries * sizeof *value), *x = malloc(4 * N * sizeof *x);
  double *b = x + N, *y = b + N, *w = y + N;
  int *unknown = malloc(2 * N * sizeof *unknown), *from = unknown + N;
  assert_true(name && row && column && value && x && unknown);
  for (int i = 0; i < N; i++) name[i] = at[i] = i;
  for (int i = N - 1; i > 0; i--) {
    for (int k = 0; k < 2; k++) {
      int *list = k ? at : name, j = below(&s, i + 1), swapped = list[i];
      list[i] = list[j];
      list[j] = swapped;
    }
  }
  size_t count = 0;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < PER_ROW && k <= i; k++, count++) {
      row[count] = at[i];
      column[count] = name[k ? below(&s, i) : i];
      value[count] = k ? 0.2 : 1;
    }
  void *memory = malloc(sg_sparse_bytes(N, count)), *merge = malloc(sg_sparse_triplets_bytes(N));
  sg_sparse a = sg_sparse_from_triplets(memory, N, N, count, row, column, value, merge);
  void *work = malloc(sg_peel_bytes(&a)), *lsqr = malloc(sg_lsqr_bytes(N, N));
  assert_true(memory && merge && work && lsqr);
  memset(b, 0, N * sizeof *b);
  for (int i = 0; i < N; i++) x[i] = sg_uniform(&s);
  for (size_t k = 0; k < count; k++) b[row[k]] += value[k] * x[column[k]];
  assert_int_equal(sg_peel(&a, unknown, from, work), N);
  sg_peel_values(&a, N, unknown, from, b, y);
  for (int i = 0; i < N; i++) assert_true(fabs(y[i] - x[i]) < 1e-9);
  sg_lsqr_report report;
  assert_true(sg_lsqr(&a, &(sg_lsqr_options){0}, b, y, &report, lsqr));
  for (int i = 0; i < N; i++) assert_true(fabs(y[i] - x[i]) < 1e-9);
  /* Weights for the sum of all parts, by both. */
  for (int i = 0; i < N; i++) b[i] = x[i] = 1;
  sg_peel_weights(&a, N, unknown, from, b, w);
  assert_true(sg_lsqr(&a, &(sg_lsqr_options){.transposed = true}, x, y, &report, lsqr));
  assert_true(report.residual < 1e-9 && report.iterations < 2000);
  double largest = 1;
  for (int i = 0; i < N; i++) largest = fmax(largest, fabs(w[i]));
  for (int i = 0; i < N; i++) assert_true(fabs(y[i] - w[i]) < 1e-7 * largest);
  free(name);
  free(row);
  free(column);
  free(value);
  free(x);
  free(unknown);
  free(memory);
  free(merge);
  free(work);
  free(lsqr);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matrices),
                                     cmocka_unit_test(test_lsqr_random),
                                     cmocka_unit_test(test_lsqr_limits),
                                     cmocka_unit_test(test_peeling), cmocka_unit_test(test_size)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
