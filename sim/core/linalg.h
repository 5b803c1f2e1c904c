/* SPDX-License-Identifier: MIT */
/* Small dense linear algebra on LAPACKE and OpenBLAS, and the one place that includes cblas.h.
 *
 * GSL's gsl_cblas.h and OpenBLAS's cblas.h do not compile together: a file includes this header or
 * gsl_blas.h, never both, and the project links -lgsl without -lgslcblas.
 *
 * Matrices are column-major here, as LAPACK wants them: entry (i, j) of A is a[i + j * ld]. */
#ifndef SG_CORE_LINALG_H
#define SG_CORE_LINALG_H

#include "sim/core/error.h"

#include <cblas.h>
#include <lapacke.h>

/* Makes BLAS run in the calling thread only. Call once, from main, before any other thread starts:
 * runs are parallel over replications, never inside one. */
void sg_blas_single_thread(void);

/* What is at most this among n weights is a rounding error of 0, whose bits (also whether it is 0)
 * differ between processors: it is applied, but counted nowhere. */
double sg_weights_noise(long n, const double *w);

/* Solves A X = B, A n × n. A is overwritten by its LU factors, B (n × nrhs) by X. *cond1 (may be
 * NULL) gets LAPACK's estimate of the 1-norm condition number. SG_UNDECODABLE when A is singular to
 * working precision (reciprocal condition below n·ε); unless a pivot is exactly zero (*cond1 is
 * then INFINITY) B and *cond1 are filled in all the same, for a caller whose purpose is to show
 * what becomes of such a solution. pivots: n integers of workspace. Allocates only for n > 64.
 * (2/3) n³ + 2 n² nrhs flops. */
sg_status sg_solve(int n, int nrhs, double *a, int lda, double *b, int ldb, lapack_int *pivots,
                   double *cond1);

/* The same for Aᵀ X = B. Not only a convenience: pivoting exchanges rows, and a system whose
 * equations differ much in size is solved far more accurately from its transpose. */
sg_status sg_solve_transposed(int n, int nrhs, double *a, int lda, double *b, int ldb,
                              lapack_int *pivots, double *cond1);

/* A⁻¹ of a small A (n × n, overwritten by its LU factors), with its exact 1-norm condition number,
 * which costs less than an estimate once the inverse is there. Errors and pivots as for sg_solve.
 * (8/3) n³ flops. */
sg_status sg_invert(int n, double *a, int lda, double *inverse, int ldi, lapack_int *pivots,
                    double *cond1);

/* A Π = Q R with column pivoting, A m × n of numerical rank `rank` (SG_UNDECODABLE if R says it is
 * less). A is overwritten by Q (m × m, so it has room for max(m, n) columns); R gets the upper
 * triangle of the first `rank` columns (ld ldr, zero below); pivots (n): column k of A Π is column
 * pivots[k] of A, counted from 1. */
sg_status sg_pivoted_qr(int m, int n, int rank, double *a, int lda, double *r, int ldr,
                        lapack_int *pivots);

/* Replaces the rows of A (m × n, m ≤ n, of full rank) by an orthonormal basis of their span: Q of
 * A = L Q. */
sg_status sg_orthonormal_rows(int m, int n, double *a, int lda);

/* The minimum-norm least-squares solution of A X = B, A m × n, by complete orthogonal factorisation
 * (dgelsy) with relative rank tolerance `tolerance`. A is overwritten; B has max(m, n) rows, X is
 * in its first n. *rank (may be NULL) gets the numerical rank; *cond1 an estimate of the condition
 * of the leading triangular factor. pivots: n integers of workspace. */
sg_status sg_least_squares(int m, int n, int nrhs, double *a, int lda, double *b, int ldb,
                           double tolerance, lapack_int *pivots, int *rank, double *cond1);

/* The upper triangle of a QR decomposition of A (m × n): written over the upper triangle of A, what
 * is below it is lost. Every set of columns of it has the singular values of the same columns of A.
 */
sg_status sg_triangle(int m, int n, double *a, int lda);

/* Singular values of A (m × n, overwritten), descending, min(m, n) of them. */
sg_status sg_singular_values(int m, int n, double *a, int lda, double *sigma);

/* The full singular value decomposition A = U Σ Vᵀ, A m × n (overwritten), U m × m (ld m), Vᵀ n × n
 * (ld n). */
sg_status sg_svd(int m, int n, double *a, int lda, double *sigma, double *u, double *vt);

/* Eigenvalues of a symmetric A (n × n, both triangles or the upper one; overwritten), rising. */
sg_status sg_symmetric_eigenvalues(int n, double *a, int lda, double *lambda);

/* The least and the greatest eigenvalue of a symmetric tridiagonal matrix (n ≥ 1 numbers on the
 * diagonal, n − 1 beside it) and the last coordinates of their unit eigenvectors. */
sg_status sg_tridiagonal_ends(int n, const double *diagonal, const double *beside, double ends[2],
                              double last[2]);

#endif
