/* SPDX-License-Identifier: MIT */
/* One pass over the data for all runs of a block: the models that it looks at, the partial
 * gradients that it makes of them, and the decodes that use these.
 *
 * A wide pass (width > 1) looks at all columns of one matrix, run c at column c, whether the run
 * wants something or not. A pass of width 1 looks at any number of models wherever they stand, and
 * its matrix is only a place for them. */
#ifndef SG_SIM_PASS_H
#define SG_SIM_PASS_H

#include "sim/kernel.h"

typedef struct sg_pass {
  long length; /* l */
  int width;
  int runs;              /* columns of the matrix: `width` unless that is 1 */
  double *matrix;        /* l × runs, column by column; unused columns are 0 */
  const double **x;      /* the models */
  const double **loss_x; /* NULL, or where a loss is wanted in the same pass */
  double *loss;          /* out */
  int n_columns, x_capacity, loss_x_capacity, loss_capacity;
  sg_partial *item;
  int n_items, items_capacity;
  sg_kernel_set *set; /* those of a run stand together */
  int n_sets, sets_capacity;
  int steps; /* ≤ 1: partial gradients; otherwise what comes of so many local steps at `rate` */
  double rate;
  const sg_local_optimizer *inner; /* of these */
} sg_pass;

/* false: no memory; sg_pass_free all the same. */
bool sg_pass_init(sg_pass *pass, long length, int width, int runs);
void sg_pass_free(sg_pass *pass);

/* Empties the pass, which keeps its memory. A wide one shows all columns of `matrix`. */
bool sg_pass_begin(sg_pass *pass, const double *matrix);

/* The number of a new column, partial gradient or set; −1: no memory. */
int sg_pass_column(sg_pass *pass, const double *x);
int sg_pass_item(sg_pass *pass, const sg_partial *item);
int sg_pass_set(sg_pass *pass);

sg_gradient_request sg_pass_request(const sg_pass *pass, const sg_partition *partition);

#endif
