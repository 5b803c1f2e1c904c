/* SPDX-License-Identifier: MIT */
/* The pass over dense data that logistic regression, softmax and least squares share: margins
 * z = X x, residuals r = ∂loss/∂z row by row, gradients X'r. A loss gives its rows (losses.c); the
 * pass is in dense.c, its product with many models side by side in wide.c. */
#ifndef SG_MODELS_DENSE_H
#define SG_MODELS_DENSE_H

#include "models/learning/data.h"
#include "models/learning/internal.h"
#include "sim/core/lanes.h"

#include <stddef.h>

/* One loss. Arrays of margins are output by output: output o of row i is z[o · ld + i]. */
typedef struct sg_loss {
  int classes;      /* of the labels: 0 real targets, 2 exactly two, 3 two or more */
  double curvature; /* largest eigenvalue of the second derivative by z, at most */
  /* For n rows with these targets: r = scale · ∂loss/∂z (may be z itself, may be NULL) and the loss
   * of each row (may be NULL). The bits of a row do not depend on its place. */
  void (*rows)(int outputs, const double *target, long n, double scale, const double *z, double *r,
               long ld, double *loss);
  /* Accuracy and AUC on the test rows, where the loss has them. z is overwritten. SG_NO_MEMORY. */
  sg_status (*judge)(const sg_data *data, double *z, sg_metrics *metrics);
} sg_loss;

/* A problem with rows of data: what problem->self is. */
typedef struct sg_dense {
  const sg_loss *loss;
  sg_data *data;
  int outputs; /* vectors of length columns in a model */
  long block;  /* rows of a block in width 1 */
  long ahead;  /* numbers from a row to that which is fetched meanwhile; 0: none is */
} sg_dense;

/* Margins of n rows with x, to zx, and with y (NULL: not wanted), to zy. O(n · columns). */
void sg_margins(const double *const *row, long n, long columns, const double *x, const double *y,
                double *zx, double *zy);

/* The mean of the rows' losses in an order that no code and no block changes. */
double sg_mean_loss(const double *loss, long n);
/* (l2/2) ‖x‖² over the regularised coordinates. */
double sg_penalty(const sg_problem *problem, const double *x);

extern const sg_loss sg_logistic_loss, sg_hinge_loss, sg_softmax_loss, sg_least_squares_loss;

/* Share of n rows whose score's sign says the label (positive: class 1; zero: class 0). NAN if
 * there are no rows. */
double sg_binary_accuracy(long n, const double *score, const double *label);

/* Area under the ROC curve by the Mann–Whitney rank sum, ties counted half, to *auc. NAN if a class
 * is missing or a score is not a number. SG_NO_MEMORY. */
sg_status sg_auc(long n, const double *score, const double *label, double *auc);

/* Below x stands in float64, or `single` is the same in float32, whose numbers are widened on the
 * way; the other is NULL. */

/* z (rows × models, column-major, leading dimension ldz) = x (rows × columns, row-major, dense) · m
 * (columns × models, column-major, dense). scratch: sg_wide_scratch(rows, models) doubles. A row
 * and column of z have the same bits whatever stands in the others. Uses fused multiply-add where
 * the processor has it, else OpenBLAS. */
void sg_wide_product(long rows, long columns, int models, const double *x, const float *single,
                     const double *m, double *scratch, double *z, long ldz);
size_t sg_wide_scratch(long rows, int models);
/* As sg_wide_product with these vectors, which the processor has, of which AVX2 and AVX-512 give
 * the same bits; SG_SCALAR is OpenBLAS. */
void sg_wide_product_with(sg_lanes lanes, long rows, long columns, int models, const double *x,
                          const float *single, const double *m, double *scratch, double *z,
                          long ldz);

/* out (n × models, column-major, leading dimension ld) = the first n columns of x (rows × columns,
 * row-major) transposed · r (rows × models, row-major, dense). scratch: SG_WIDE_SCRATCH doubles.
 * Only where it suits: OpenBLAS's kernels with fused multiply-add then make each sum over the rows
 * one after the other, cut in a way that is known, and this gives their bits. n = 0 asks whether
 * some number of columns suits. */
enum { SG_WIDE_ROWS = 512, SG_WIDE_SCRATCH = 32 * SG_WIDE_ROWS };
bool sg_wide_sums_suit(long rows, long n, int models);
void sg_wide_sums(long rows, long n, int models, const double *x, const float *single, long columns,
                  const double *r, double *scratch, double *out, long ld);

#endif
