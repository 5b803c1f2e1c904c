/* SPDX-License-Identifier: MIT */
/* The pass over sparse rows, behind the same interface as the dense one (dense.c calls it where the
 * data are sparse). Costs go with the non-zeros, not with rows × columns: margins of all rows that
 * are wanted when a request begins, O(non-zeros); gradients tile by tile, O(non-zeros + length) for
 * each that is wanted, none of which is ever stored whole. The ones of an intercept are implied.
 *
 * A model has the same bits in width 1 and in any place of any width. */
#ifndef SG_MODELS_SPARSE_H
#define SG_MODELS_SPARSE_H

#include "models/learning/dense.h"

/* The non-zeros of every part once more, by stripes of columns, 16 bytes each. O(non-zeros), never
 * parts × columns. One part alone has none: its gradient is made, and stored, row by row.
 * SG_NO_MEMORY. */
sg_status sg_sparse_partition(const sg_data *data, sg_partition *partition, sg_error *e);

/* Coded parts (least squares): the rows of a combination have what any of its terms has, so that
 * one of many parts is hardly sparse any more. O(entries of the terms, and their sorting). */
sg_status sg_sparse_combine(const sg_data *data, int count, const sg_coded_part *coded,
                            sg_partition *partition, sg_error *e);

/* What a partition has of the above. */
void sg_sparse_free(sg_partition *partition);

/* As in sg_problem_type. */
sg_status sg_sparse_begin(const sg_problem *problem, sg_workspace *ws,
                          const sg_gradient_request *request);
sg_status sg_sparse_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                         long end, const double **out);
sg_status sg_sparse_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                             int columns, const double *const *x, sg_metrics *metrics);

/* u += XᵀX v / N over the training rows; columns numbers each. */
void sg_sparse_gram(const sg_data *data, const double *v, double *u);

#endif
