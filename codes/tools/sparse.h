/* SPDX-License-Identifier: MIT */
/* Sparse systems, for codes with thousands of parts: LSQR and peeling.
 *
 * Rows are messages and columns are parts, as a code's `encode` gives them. The weights of a sum
 * then are the solution of Aᵀ w = 1 (sg_lsqr with `transposed`), or come out of peeling where the
 * code is made for that (LT, raptor and LDPC codes); values of parts are that of A x = b.
 *
 * Nothing here allocates. Each function has a twin that says how many bytes it needs, so that a
 * code's `weights` can take them all from sg_used_scratch:
 *
 *   char *at = sg_used_scratch(used, sg_sparse_bytes(rows, entries) + sg_lsqr_bytes(rows, parts));
 *   sg_sparse a = sg_sparse_at(at, rows, parts, entries);
 *   for (…) sg_sparse_add_row(&a, row->count, column, coefficient);
 *   sg_lsqr_report report;
 *   if (!sg_lsqr(&a, &(sg_lsqr_options){.transposed = true}, ones, w, &report, at + …)) …
 *
 * All byte counts are multiples of 16, and memory must be aligned as that of malloc is. */
#ifndef SG_CODES_TOOLS_SPARSE_H
#define SG_CODES_TOOLS_SPARSE_H

#include <stdbool.h>
#include <stddef.h>

/* Compressed rows: the entries of row i are begin[i] … begin[i + 1] − 1. No column comes twice in a
 * row. */
typedef struct sg_sparse {
  int rows, columns;
  size_t *begin;
  int *column;
  double *value;
} sg_sparse;

/* Memory of a matrix of up to `rows` rows and `entries` entries. */
size_t sg_sparse_bytes(int rows, size_t entries);
/* A matrix without rows in such memory; it has `rows` rows when so many were added. */
sg_sparse sg_sparse_at(void *memory, int rows, int columns, size_t entries);
/* Adds a row of n entries, in any order, each column at most once. O(n). */
void sg_sparse_add_row(sg_sparse *a, int n, const int *column, const double *value);

/* A matrix from `entries` triplets in any order; those of one place add up. The workspace is for
 * the call only. O(entries + rows + columns). */
size_t sg_sparse_triplets_bytes(int columns);
sg_sparse sg_sparse_from_triplets(void *memory, int rows, int columns, size_t entries,
                                  const int *row, const int *column, const double *value,
                                  void *workspace);

/* y += A x, and y += Aᵀ x. O(entries). */
void sg_sparse_times(const sg_sparse *a, const double *x, double *y);
void sg_sparse_transposed_times(const sg_sparse *a, const double *x, double *y);

/* --- Least squares ----------------------------------------------------------------------------
 *
 * LSQR (Paige and Saunders 1982, ACM TOMS 8(1), 43–71; recalled): conjugate gradients on the normal
 * equations by Golub–Kahan bidiagonalisation, which never squares the condition number. From
 * x = 0 it gives the minimum-norm least-squares solution of any matrix, of full rank or not. About
 * as many iterations as A has distinct singular values, or condition · log(1/tolerance) if that is
 * less; each costs O(entries + rows + columns). */

typedef struct sg_lsqr_options {
  bool transposed;  /* solve Aᵀ x = b: x has a->rows values, b a->columns */
  bool warm;        /* begin at x; the result then is the solution nearest to that beginning, which
                       is that of minimum norm only if the beginning is a combination of equations,
                       as a former solution for the same matrix is */
  double tolerance; /* relative, of residual and gradient as below; 0: 1e-13 */
  int most;         /* iterations; 0: 4 · (rows + columns) + 100 */
} sg_lsqr_options;

typedef struct sg_lsqr_report {
  int iterations;
  double residual; /* ‖b − A x‖ of the x that is returned, computed anew */
  double gradient; /* ‖Aᵀ (b − A x)‖, likewise: 0 at every least-squares solution */
  double norm;     /* an estimate of the Frobenius norm of A, from below */
} sg_lsqr_report;

size_t sg_lsqr_bytes(int rows, int columns);
/* Whether x was found before the limit of iterations: ‖b − A x‖ ≤ tolerance (‖b‖ + ‖A‖ ‖x‖), the
 * system being solved, or ‖Aᵀ r‖ ≤ tolerance ‖A‖ ‖r‖, no x being better. x and the report (which
 * may be NULL) are filled in either way. */
bool sg_lsqr(const sg_sparse *a, const sg_lsqr_options *options, const double *b, double *x,
             sg_lsqr_report *report, void *workspace);

/* --- Peeling ----------------------------------------------------------------------------------
 *
 * A row with one unknown gives its value, which is taken out of all other rows, and so on: the
 * decoder of LDPC codes on erasures and of LT codes (Luby 2002; recalled). What it recovers does
 * not depend on the order. Entries of value 0 count as absent. O(entries + rows + columns). */

size_t sg_peel_bytes(const sg_sparse *a);
/* How many unknowns are recovered. In the order of recovery, unknown[k] is got from row[k], whose
 * other unknowns came before; both have room for min(rows, columns) numbers. Among rows that could
 * be taken, that which became ready first is, and at the beginning the one of least number. */
int sg_peel(const sg_sparse *a, int *unknown, int *row, void *workspace);

/* The values: x[unknown[k]] of A x = b; others are left alone. */
void sg_peel_values(const sg_sparse *a, int count, const int *unknown, const int *row,
                    const double *b, double *x);
/* The weights: w with Aᵀ w = target, where target (columns values, overwritten) is 0 at unknowns
 * that were not recovered. w: a->rows values. A target of ones is the sum of all parts. */
void sg_peel_weights(const sg_sparse *a, int count, const int *unknown, const int *row,
                     double *target, double *w);

#endif
