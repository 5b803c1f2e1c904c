/* SPDX-License-Identifier: MIT */
/* A matrix read from a file of comma-separated numbers, for parameters of kind SG_MATRIX. */
#ifndef SG_CORE_MATRIX_H
#define SG_CORE_MATRIX_H

#include "sim/core/error.h"

typedef struct sg_matrix {
  int rows, columns; /* at least 1 each */
  char sha256[65];   /* of the file's content */
  double number[];   /* rows × columns, row by row, all finite; then the line of each row */
} sg_matrix;

/* The line of the file in which a row stands, from 1. */
long sg_matrix_line(const sg_matrix *m, int row);

/* Reads a file (sim/core/csv.h): a row of numbers per line, commas between them, no header; lines
 * that begin with '#' are passed over. Every fault (text, a number that is not finite, a row longer
 * or shorter than the first) is listed; a file that cannot be read is a fault at `place`. *out is
 * freed with free. */
sg_status sg_matrix_read(const char *path, const char *place, sg_matrix **out, sg_error *e);

/* NULL: no memory. */
sg_matrix *sg_matrix_copy(const sg_matrix *m);

#endif
