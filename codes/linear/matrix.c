/* SPDX-License-Identifier: MIT */
/* A generator of the user's own. */
#include "codes/linear/inner.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

/* Rows count as dependent when a singular value is below this of the largest. */
static const double DEPENDENT = 1e-8;

static double entry(const sg_matrix *a, int row, int column) {
  return a->number[(size_t)row * (size_t)a->columns + (size_t)column];
}

static sg_status check_shape(const sg_values *values, const sg_matrix *a, int length, int m,
                             sg_error *e) {
  if (a->columns != length)
    return sg_fail_at(e, values, "generator",
                      "expected a matrix of %d columns, one for each worker of a group, found %d × "
                      "%d; d = %d would fit it",
                      length, a->rows, a->columns, a->columns);
  if (a->rows > a->columns)
    return sg_fail_at(e, values, "generator",
                      "expected at most as many rows (m) as columns (d = %d), found %d × %d; is it "
                      "transposed?",
                      length, a->rows, a->columns);
  if (m && m != a->rows)
    return sg_fail_at(e, values, "m", "expected m = %d, the rows of the generator, found %d",
                      a->rows, m);
  for (int c = 0; c < a->columns; c++) {
    int u = 0;
    while (u < a->rows && entry(a, u, c) == 0) u++;
    if (u == a->rows)
      return sg_fail_at(e, values, "generator",
                        "expected a number other than 0 in every column, found none in column %d: "
                        "worker %d of a group would have nothing to do",
                        c + 1, c);
  }
  return SG_OK;
}

/* Rank, and the first row that depends on those before it (from 1; 0: none). */
static sg_status measure(const sg_matrix *a, int *rank, int *dependent) {
  size_t rows = (size_t)a->rows, columns = (size_t)a->columns;
  SG_OWNED double *copy = malloc(rows * columns * sizeof *copy);
  SG_OWNED double *sigma = malloc(rows * sizeof *sigma);
  sg_status status = copy && sigma ? SG_OK : SG_NO_MEMORY;
  for (int k = 1; !status && k <= a->rows; k++) {
    for (int u = 0; u < k; u++)
      for (int c = 0; c < a->columns; c++) copy[u + c * k] = entry(a, u, c);
    status = sg_singular_values(k, a->columns, copy, k, sigma);
    *rank = 0;
    for (int i = 0; !status && i < k; i++) *rank += sigma[i] > DEPENDENT * sigma[0];
    if (*rank < k && !*dependent) *dependent = k;
  }
  return status;
}

static sg_status rules(const sg_linear_type *type, const sg_values *values, int length, int *m,
                       sg_error *e) {
  const sg_matrix *a = sg_matrix_of(values, "generator");
  if (!a)
    return sg_fail_at(e, values, "generator",
                      "expected the name of a CSV file, m rows of d numbers, with linear_code "
                      "matrix, found nothing");
  sg_status status = check_shape(values, a, length, *m, e);
  if (status) return status;
  int rank = 0, dependent = 0;
  status = measure(a, &rank, &dependent);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status || dependent)
    return sg_fail_at(e, values, "generator",
                      "expected a generator whose rows are independent (rank m = %d), found rank "
                      "%d: row %d depends on those before it; without such rows m = %d is valid",
                      a->rows, rank, dependent, rank);
  *m = a->rows;
  return SG_OK;
}

static sg_status generate(sg_code *code, const sg_values *values, sg_inner *made, sg_error *e) {
  const sg_matrix *a = sg_matrix_of(values, "generator");
  for (int c = 0; c < a->columns; c++)
    for (int u = 0; u < a->rows; u++) made->g[u + c * a->rows] = entry(a, u, c);
  return SG_OK;
}

const sg_linear_type sg_linear_matrix = {
    .name = "matrix",
    .summary = "a generator read from a CSV file",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .rules = rules,
    .generate = generate,
};
