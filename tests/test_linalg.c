/* SPDX-License-Identifier: MIT */
/* Tests of the dense linear algebra: solutions, refusals, ranks, and that the BLAS behind it is
 * OpenBLAS, whichever way it is reached. */
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(double *a, int count, uint32_t draw) {
  sg_stream s;
  sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, 0, draw);
  for (int i = 0; i < count; i++) a[i] = 2 * sg_uniform(&s) - 1;
}

/* a := A · x for column-major A. */
static double product(int n, const double *a, int lda, int row, const double *x) {
  double sum = 0;
  for (int j = 0; j < n; j++) sum += a[row + j * lda] * x[j];
  return sum;
}

static void solves_with_leading_dimension(void **state) {
  (void)state;
  int sizes[] = {1, 2, 7, 64, 65, 90}; /* on both sides of the stack workspace */
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    int n = sizes[k], lda = n + 3, ldb = n + 1;
    double *a = malloc(sizeof *a * (size_t)(lda * n)),
           *copy = malloc(sizeof *a * (size_t)(lda * n));
    double *b = malloc(sizeof *b * (size_t)(2 * ldb)), *x = malloc(sizeof *x * (size_t)(2 * n));
    lapack_int *pivots = malloc(sizeof *pivots * (size_t)n);
    assert_true(a && copy && b && x && pivots);
    fill(a, lda * n, (uint32_t)n);
    memcpy(copy, a, sizeof *a * (size_t)(lda * n));
    fill(x, 2 * n, (uint32_t)n + 1000);
    for (int c = 0; c < 2; c++)
      for (int i = 0; i < n; i++) b[i + c * ldb] = product(n, copy, lda, i, x + c * n);
    double cond1 = 0;
    assert_int_equal(sg_solve(n, 2, a, lda, b, ldb, pivots, &cond1), SG_OK);
    assert_true(cond1 >= 1 - 1e-12 && cond1 < 1e8);
    for (int c = 0; c < 2; c++)
      for (int i = 0; i < n; i++)
        assert_true(fabs(b[i + c * ldb] - x[i + c * n]) <= 1e-14 * cond1 * n);
    memcpy(a, copy, sizeof *a * (size_t)(lda * n));
    for (int j = 0; j < n; j++) b[j] = product(n, x, 1, 0, copy + j * lda);
    assert_int_equal(sg_solve_transposed(n, 1, a, lda, b, ldb, pivots, &cond1), SG_OK);
    for (int i = 0; i < n; i++) assert_true(fabs(b[i] - x[i]) <= 1e-14 * cond1 * n);
    free(a);
    free(copy);
    free(b);
    free(x);
    free(pivots);
  }
}

static void condition_of_known_matrices(void **state) {
  (void)state;
  lapack_int pivots[2];
  double cond1, b[2] = {1, 1}, a[4] = {1, 0, 0, 1e-3};
  assert_int_equal(sg_solve(2, 1, a, 2, b, 2, pivots, &cond1), SG_OK);
  assert_true(fabs(cond1 - 1000) < 1e-9);
  assert_true(b[0] == 1 && fabs(b[1] - 1000) < 1e-9);
  double c[4] = {1, 1, 1, -1}; /* ‖C‖₁ = 2, ‖C⁻¹‖₁ = 1 */
  assert_int_equal(sg_solve(2, 1, c, 2, b, 2, pivots, &cond1), SG_OK);
  assert_true(fabs(cond1 - 2) < 1e-14);
  assert_int_equal(sg_solve(0, 1, c, 1, b, 1, pivots, &cond1), SG_OK);
  assert_true(cond1 == 1);
}

static void singular_is_refused(void **state) {
  (void)state;
  lapack_int pivots[2];
  double cond1, b[2] = {1, 1}, exact[4] = {1, 2, 2, 4};
  assert_int_equal(sg_solve(2, 1, exact, 2, b, 2, pivots, &cond1), SG_UNDECODABLE);
  assert_true(isinf(cond1));
  /* Singular to working precision: refused, yet solved for whoever wants to see it. */
  double nearly[4] = {1, 1, 1, 1 + 4 * DBL_EPSILON}, c[2] = {0, 8 * DBL_EPSILON};
  assert_int_equal(sg_solve(2, 1, nearly, 2, c, 2, pivots, &cond1), SG_UNDECODABLE);
  assert_true(cond1 > 1e15 && isfinite(cond1));
  assert_true(fabs(c[1] - 2) < 1e-12 && fabs(c[0] + 2) < 1e-12);
  double nan[4] = {1, 0, NAN, 1};
  assert_int_equal(sg_solve(2, 1, nan, 2, b, 2, pivots, NULL), SG_UNDECODABLE);
}

static void least_squares_is_minimum_norm(void **state) {
  (void)state;
  /* x + y = 2 has the minimum-norm solution (1, 1). */
  double a[2] = {1, 1}, b[2] = {2, 0}, cond1;
  lapack_int pivots[3];
  int rank;
  assert_int_equal(sg_least_squares(1, 2, 1, a, 1, b, 2, 1e-12, pivots, &rank, &cond1), SG_OK);
  assert_int_equal(rank, 1);
  assert_true(fabs(b[0] - 1) < 1e-14 && fabs(b[1] - 1) < 1e-14 && cond1 == 1);
  /* A rank-deficient overdetermined system: columns 1 and 3 are equal. */
  double c[12] = {1, 2, 3, 4, 1, -1, 1, -1, 1, 2, 3, 4}, d[4] = {2, 4, 6, 8};
  assert_int_equal(sg_least_squares(4, 3, 1, c, 4, d, 4, 1e-12, pivots, &rank, &cond1), SG_OK);
  assert_int_equal(rank, 2);
  assert_true(fabs(d[0] - 1) < 1e-13 && fabs(d[1]) < 1e-13 && fabs(d[2] - 1) < 1e-13);
  assert_true(cond1 >= 1 && cond1 < 10);
}

static void inverse_and_its_condition(void **state) {
  (void)state;
  double a[16], copy[16], inverse[16], cond1, norm[2] = {0};
  lapack_int pivots[4];
  fill(a, 16, 3);
  memcpy(copy, a, sizeof a);
  assert_int_equal(sg_invert(4, a, 4, inverse, 4, pivots, &cond1), SG_OK);
  for (int j = 0; j < 4; j++) {
    double sum[2] = {0};
    for (int i = 0; i < 4; i++) {
      assert_true(fabs(product(4, copy, 4, i, inverse + 4 * j) - (i == j)) < 1e-12);
      sum[0] += fabs(copy[i + 4 * j]);
      sum[1] += fabs(inverse[i + 4 * j]);
    }
    for (int k = 0; k < 2; k++) norm[k] = fmax(norm[k], sum[k]);
  }
  assert_true(fabs(cond1 / (norm[0] * norm[1]) - 1) < 1e-12);
  double singular[4] = {1, 2, 2, 4}, broken[4] = {1, NAN, 0, 1};
  assert_int_equal(sg_invert(2, singular, 2, inverse, 2, pivots, &cond1), SG_UNDECODABLE);
  assert_true(isinf(cond1));
  assert_int_equal(sg_invert(2, broken, 2, inverse, 2, pivots, &cond1), SG_UNDECODABLE);
  assert_int_equal(sg_invert(0, a, 1, inverse, 1, pivots, &cond1), SG_OK);
  assert_true(cond1 == 1);
}

/* A Π = Q R of a 6 × 4 matrix of rank 3; Q is square and orthonormal, its last columns span what is
 * orthogonal to A. */
static void pivoted_qr_shows_the_rank(void **state) {
  (void)state;
  double a[36], copy[24], r[16];
  lapack_int pivots[4];
  fill(copy, 18, 5);
  for (int i = 0; i < 6; i++) copy[i + 18] = copy[i] - 2 * copy[i + 6];
  memcpy(a, copy, sizeof copy);
  assert_int_equal(sg_pivoted_qr(6, 4, 4, a, 6, r, 4, pivots), SG_UNDECODABLE);
  memcpy(a, copy, sizeof copy);
  for (int i = 24; i < 36; i++) a[i] = NAN; /* room for Q, not read */
  assert_int_equal(sg_pivoted_qr(6, 4, 3, a, 6, r, 3, pivots), SG_OK);
  for (int j = 0; j < 6; j++) {
    for (int k = 0; k < 6; k++)
      assert_true(fabs(cblas_ddot(6, a + 6 * j, 1, a + 6 * k, 1) - (j == k)) < 1e-14);
    for (int k = 0; k < 4 && j >= 3; k++)
      assert_true(fabs(cblas_ddot(6, a + 6 * j, 1, copy + 6 * k, 1)) < 1e-13);
  }
  for (int j = 0; j < 3; j++)
    for (int i = 0; i < 6; i++)
      assert_true(fabs(product(3, a, 6, i, r + 3 * j) - copy[i + 6 * (pivots[j] - 1)]) < 1e-13);
}

static void rows_become_orthonormal(void **state) {
  (void)state;
  double a[12], copy[12], rest[6];
  fill(a, 12, 7); /* 2 × 6 */
  memcpy(copy, a, sizeof a);
  assert_int_equal(sg_orthonormal_rows(2, 6, a, 2), SG_OK);
  for (int i = 0; i < 2; i++) {
    for (int k = 0; k < 2; k++)
      assert_true(fabs(cblas_ddot(6, a + i, 2, a + k, 2) - (i == k)) < 1e-14);
    for (int j = 0; j < 6; j++) rest[j] = copy[i + 2 * j];
    for (int k = 0; k < 2; k++) /* the same span */
      cblas_daxpy(6, -cblas_ddot(6, copy + i, 2, a + k, 2), a + k, 2, rest, 1);
    assert_true(cblas_dnrm2(6, rest, 1) < 1e-13);
  }
}

static void svd_multiplies_back(void **state) {
  (void)state;
  double a[15], copy[15], sigma[3], u[25], vt[9];
  fill(a, 15, 9); /* 5 × 3 */
  memcpy(copy, a, sizeof a);
  assert_int_equal(sg_svd(5, 3, a, 5, sigma, u, vt), SG_OK);
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 3; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += u[i + 5 * k] * sigma[k] * vt[k + 3 * j];
      assert_true(fabs(sum - copy[i + 5 * j]) < 1e-14);
    }
}

static void assert_in_openblas(const char *symbol) {
  Dl_info info;
  void *address = dlsym(RTLD_DEFAULT, symbol);
  assert_non_null(address);
  assert_true(dladdr(address, &info));
  if (!strstr(info.dli_fname, "openblas")) fail_msg("%s is in %s", symbol, info.dli_fname);
}

/* GSL's own CBLAS or the reference BLAS would be several times slower and go unnoticed. */
static void blas_is_openblas(void **state) {
  (void)state;
  assert_in_openblas("cblas_dgemm");
  assert_in_openblas("dgemm_");
  assert_in_openblas("dgetrf_");
  sg_blas_single_thread();
  assert_int_equal(openblas_get_num_threads(), 1);
  assert_true(strlen(openblas_get_corename()) > 0 &&
              strstr(openblas_get_config(), "OpenBLAS") != NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(solves_with_leading_dimension),
      cmocka_unit_test(condition_of_known_matrices),
      cmocka_unit_test(singular_is_refused),
      cmocka_unit_test(least_squares_is_minimum_norm),
      cmocka_unit_test(inverse_and_its_condition),
      cmocka_unit_test(pivoted_qr_shows_the_rank),
      cmocka_unit_test(rows_become_orthonormal),
      cmocka_unit_test(svd_multiplies_back),
      cmocka_unit_test(blas_is_openblas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
