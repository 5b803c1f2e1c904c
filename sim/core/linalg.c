/* SPDX-License-Identifier: MIT */
/* Calls of LAPACKE with the checks, workspace rules and statuses that are wanted here. */
#include "sim/core/linalg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Orders up to this one take their workspace from the stack, so that a decode allocates nothing. */
enum { SMALL = 64 };

/* In the place of LAPACKE's own, which prints on the standard output, into the answer of a command.
 * What is wrong is in the status. */
void LAPACKE_xerbla(const char *name, lapack_int info);
void LAPACKE_xerbla(const char *name, lapack_int info) {}

void sg_blas_single_thread(void) {
  openblas_set_num_threads(1);
}

double sg_weights_noise(long n, const double *w) {
  double most = 0;
  for (long i = 0; i < n; i++) /* fmax is a call */
    if (fabs(w[i]) > most) most = fabs(w[i]);
  return most * 0x1p-36;
}

/* LAPACK reports a bad argument, a NaN in the input included, as a negative number. */
static sg_status status_of(lapack_int info) {
  if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
    return SG_NO_MEMORY;
  return info == 0 ? SG_OK : SG_UNDECODABLE;
}

/* Reciprocal condition of the matrix whose LU factors are in a and whose 1-norm was `norm`. */
static sg_status reciprocal_condition(int n, const double *a, int lda, double norm, double *rcond) {
  double small_work[4 * SMALL];
  lapack_int small_iwork[SMALL];
  double *work = n <= SMALL ? small_work : malloc(4 * (size_t)n * sizeof *work);
  lapack_int *iwork = n <= SMALL ? small_iwork : malloc((size_t)n * sizeof *iwork);
  sg_status status = SG_NO_MEMORY;
  if (work && iwork)
    status =
        status_of(LAPACKE_dgecon_work(LAPACK_COL_MAJOR, '1', n, a, lda, norm, rcond, work, iwork));
  if (n > SMALL) {
    free(work);
    free(iwork);
  }
  return status;
}

static double norm1(int n, const double *a, int lda) {
  return LAPACKE_dlange_work(LAPACK_COL_MAJOR, '1', n, n, a, lda, NULL);
}

static sg_status solve(char transpose, int n, int nrhs, double *a, int lda, double *b, int ldb,
                       lapack_int *pivots, double *cond1) {
  if (cond1) *cond1 = n == 0 ? 1 : INFINITY;
  if (n == 0) return SG_OK;
  double norm = norm1(n, a, lda), rcond = 0;
  if (!isfinite(norm)) return SG_UNDECODABLE;
  sg_status status = status_of(LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, n, n, a, lda, pivots));
  if (!status) status = reciprocal_condition(n, a, lda, norm, &rcond);
  if (!status)
    status = status_of(
        LAPACKE_dgetrs_work(LAPACK_COL_MAJOR, transpose, n, nrhs, a, lda, pivots, b, ldb));
  if (status) return status;
  if (cond1) *cond1 = 1 / rcond;
  return rcond < n * DBL_EPSILON ? SG_UNDECODABLE : SG_OK;
}

sg_status sg_solve(int n, int nrhs, double *a, int lda, double *b, int ldb, lapack_int *pivots,
                   double *cond1) {
  return solve('N', n, nrhs, a, lda, b, ldb, pivots, cond1);
}

sg_status sg_solve_transposed(int n, int nrhs, double *a, int lda, double *b, int ldb,
                              lapack_int *pivots, double *cond1) {
  return solve('T', n, nrhs, a, lda, b, ldb, pivots, cond1);
}

sg_status sg_invert(int n, double *a, int lda, double *inverse, int ldi, lapack_int *pivots,
                    double *cond1) {
  *cond1 = n == 0 ? 1 : INFINITY;
  if (n == 0) return SG_OK;
  double norm = norm1(n, a, lda);
  if (!isfinite(norm)) return SG_UNDECODABLE;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) inverse[i + j * ldi] = i == j;
  sg_status status =
      status_of(LAPACKE_dgesv_work(LAPACK_COL_MAJOR, n, n, a, lda, pivots, inverse, ldi));
  if (status) return status;
  *cond1 = norm * norm1(n, inverse, ldi);
  return *cond1 * n * DBL_EPSILON <= 1 ? SG_OK : SG_UNDECODABLE;
}

sg_status sg_pivoted_qr(int m, int n, int rank, double *a, int lda, double *r, int ldr,
                        lapack_int *pivots) {
  int least = m < n ? m : n;
  double *tau = calloc((size_t)least + 1, sizeof *tau);
  if (!tau) return SG_NO_MEMORY;
  for (int j = 0; j < n; j++) pivots[j] = 0; /* every column may be moved */
  for (int j = n; j < m; j++) memset(a + j * lda, 0, (size_t)m * sizeof *a);
  sg_status status = SG_OK;
  if (least > 0) status = status_of(LAPACKE_dgeqp3(LAPACK_COL_MAJOR, m, n, a, lda, pivots, tau));
  for (int j = 0; !status && j < rank; j++)
    for (int i = 0; i < rank; i++) r[i + j * ldr] = i <= j ? a[i + j * lda] : 0;
  if (!status && rank > 0 &&
      !(rank <= least && fabs(r[rank - 1 + (rank - 1) * ldr]) > m * DBL_EPSILON * fabs(r[0])))
    status = SG_UNDECODABLE;
  if (!status && m > 0)
    status = status_of(LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, m, least, a, lda, tau));
  free(tau);
  return status;
}

sg_status sg_orthonormal_rows(int m, int n, double *a, int lda) {
  double *tau = calloc((size_t)m + 1, sizeof *tau);
  if (!tau) return SG_NO_MEMORY;
  sg_status status = SG_OK;
  if (m > 0) status = status_of(LAPACKE_dgelqf(LAPACK_COL_MAJOR, m, n, a, lda, tau));
  if (!status && m > 0) status = status_of(LAPACKE_dorglq(LAPACK_COL_MAJOR, m, n, m, a, lda, tau));
  free(tau);
  return status;
}

sg_status sg_least_squares(int m, int n, int nrhs, double *a, int lda, double *b, int ldb,
                           double tolerance, lapack_int *pivots, int *rank, double *cond1) {
  lapack_int r = 0;
  double rcond = 1;
  for (int j = 0; j < n; j++) pivots[j] = 0; /* every column may be moved */
  sg_status status = SG_OK;
  if (m > 0 && n > 0)
    status = status_of(
        LAPACKE_dgelsy(LAPACK_COL_MAJOR, m, n, nrhs, a, lda, b, ldb, pivots, tolerance, &r));
  if (!status && r > 0)
    status = status_of(LAPACKE_dtrcon(LAPACK_COL_MAJOR, '1', 'U', 'N', r, a, lda, &rcond));
  if (rank) *rank = (int)r;
  if (cond1) *cond1 = 1 / rcond;
  return status;
}

sg_status sg_triangle(int m, int n, double *a, int lda) {
  int least = m < n ? m : n;
  double *tau = malloc(((size_t)least + 1) * sizeof *tau);
  sg_status status =
      tau ? status_of(LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, a, lda, tau)) : SG_NO_MEMORY;
  free(tau);
  return status;
}

sg_status sg_singular_values(int m, int n, double *a, int lda, double *sigma) {
  return status_of(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', m, n, a, lda, sigma, NULL, 1, NULL, 1));
}

sg_status sg_svd(int m, int n, double *a, int lda, double *sigma, double *u, double *vt) {
  return status_of(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'A', m, n, a, lda, sigma, u, m, vt, n));
}

sg_status sg_symmetric_eigenvalues(int n, double *a, int lda, double *lambda) {
  return status_of(LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'N', 'U', n, a, lda, lambda));
}

sg_status sg_tridiagonal_ends(int n, const double *diagonal, const double *beside, double ends[2],
                              double last[2]) {
  size_t size = (size_t)n;
  double *copy = malloc(4 * size * sizeof *copy), *lambda = copy + 2 * size, *z = lambda + size;
  sg_status status = copy ? SG_OK : SG_NO_MEMORY;
  for (int which = 0; !status && which < 2; which++) {
    int wanted = which ? n : 1;
    lapack_int found, support[2];
    memcpy(copy, diagonal, size * sizeof *copy);
    memcpy(copy + size, beside, (size - 1) * sizeof *copy);
    status = status_of(LAPACKE_dstevr(LAPACK_COL_MAJOR, 'V', 'I', n, copy, copy + size, 0, 0,
                                      wanted, wanted, 0, &found, lambda, z, n, support));
    ends[which] = lambda[0];
    last[which] = z[n - 1];
  }
  free(copy);
  return status;
}
