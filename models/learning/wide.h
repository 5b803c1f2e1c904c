/* SPDX-License-Identifier: MIT */
/* The product of the data with a narrow block of models.
 *
 * dgemm copies each operand into an order of its own before it multiplies. With a few dozen models
 * that copy of the data is a fifth of the time; here the data is read where it lies. For the
 * transposed product of a part's gradient, where the copy is short, OpenBLAS is as good. */
#ifndef SG_MODELS_WIDE_H
#define SG_MODELS_WIDE_H

#include <stddef.h>

/* Doubles of scratch that a product needs. */
size_t sg_wide_scratch(long rows, int models);

/* z (rows × models, column-major, leading dimension ldz) = x (rows × columns, row-major, dense) · m
 * (columns × models, column-major, dense). scratch: sg_wide_scratch(rows, models). A row and column
 * of z have the same bits whatever stands in the others. Uses fused multiply-add where the
 * processor has it, else OpenBLAS. */
void sg_wide_product(long rows, long columns, int models, const double *x, const double *m,
                     double *scratch, double *z, long ldz);

#endif
