/* SPDX-License-Identifier: MIT */
/* Sparse matrices by rows, LSQR and peeling: see sparse.h. */
#include "codes/tools/sparse.h"
#include "sim/core/linalg.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- Matrices --------------------------------------------------------------------------------- */

static size_t rounded(size_t bytes) {
  return (bytes + 15) / 16 * 16;
}

size_t sg_sparse_bytes(int rows, size_t entries) {
  return rounded(entries * sizeof(double)) + rounded(((size_t)rows + 1) * sizeof(size_t)) +
         rounded(entries * sizeof(int));
}

sg_sparse sg_sparse_at(void *memory, int rows, int columns, size_t entries) {
  char *at = memory;
  sg_sparse a = {.columns = columns, .value = memory};
  at += rounded(entries * sizeof(double));
  a.begin = (void *)at;
  at += rounded(((size_t)rows + 1) * sizeof(size_t));
  a.column = (void *)at;
  a.begin[0] = 0;
  return a;
}

void sg_sparse_add_row(sg_sparse *a, int n, const int *column, const double *value) {
  size_t end = a->begin[a->rows];
  for (int i = 0; i < n; i++, end++) {
    assert(column[i] >= 0 && column[i] < a->columns);
    a->column[end] = column[i];
    a->value[end] = value[i];
  }
  a->begin[++a->rows] = end;
}

size_t sg_sparse_triplets_bytes(int columns) {
  return rounded((size_t)columns * sizeof(size_t));
}

/* Joins entries of one place. last: columns numbers, where a column's last entry is, plus 1. */
static void join(sg_sparse *a, size_t *last) {
  size_t kept = 0;
  memset(last, 0, (size_t)a->columns * sizeof *last);
  for (int i = 0; i < a->rows; i++) {
    size_t from = a->begin[i], to = a->begin[i + 1], begin = kept;
    for (size_t k = from; k < to; k++) {
      int c = a->column[k];
      if (last[c] > begin) {
        a->value[last[c] - 1] += a->value[k];
        continue;
      }
      a->column[kept] = c;
      a->value[kept] = a->value[k];
      last[c] = ++kept;
    }
    a->begin[i] = begin;
  }
  a->begin[a->rows] = kept;
}

sg_sparse sg_sparse_from_triplets(void *memory, int rows, int columns, size_t entries,
                                  const int *row, const int *column, const double *value,
                                  void *workspace) {
  sg_sparse a = sg_sparse_at(memory, rows, columns, entries);
  a.rows = rows;
  memset(a.begin, 0, ((size_t)rows + 1) * sizeof *a.begin);
  for (size_t k = 0; k < entries; k++) {
    assert(row[k] >= 0 && row[k] < rows && column[k] >= 0 && column[k] < columns);
    a.begin[row[k] + 1]++;
  }
  for (int i = 0; i < rows; i++) a.begin[i + 1] += a.begin[i];
  for (size_t k = 0; k < entries; k++) { /* begin[i] goes on to the end of row i … */
    size_t place = a.begin[row[k]]++;
    a.column[place] = column[k];
    a.value[place] = value[k];
  }
  memmove(a.begin + 1, a.begin, (size_t)rows * sizeof *a.begin); /* … and back */
  a.begin[0] = 0;
  join(&a, workspace);
  return a;
}

void sg_sparse_times(const sg_sparse *a, const double *x, double *y) {
  for (int i = 0; i < a->rows; i++) {
    double sum = 0;
    for (size_t k = a->begin[i]; k < a->begin[i + 1]; k++) sum += a->value[k] * x[a->column[k]];
    y[i] += sum;
  }
}

void sg_sparse_transposed_times(const sg_sparse *a, const double *x, double *y) {
  for (int i = 0; i < a->rows; i++)
    for (size_t k = a->begin[i]; k < a->begin[i + 1]; k++) y[a->column[k]] += a->value[k] * x[i];
}

/* --- Least squares ---------------------------------------------------------------------------- */

/* x / ‖x‖ unless x is 0; the norm. */
static double normalise(int n, double *x) {
  double norm = cblas_dnrm2(n, x, 1);
  for (int i = 0; i < n && norm > 0; i++) x[i] /= norm;
  return norm;
}

/* y ← A x − factor y, A the matrix of the system or, with `adjoint`, its transpose. */
static void step(const sg_sparse *a, bool adjoint, const double *x, double factor, int n,
                 double *y) {
  for (int i = 0; i < n; i++) y[i] = factor != 0 ? -factor * y[i] : 0;
  if (adjoint)
    sg_sparse_transposed_times(a, x, y);
  else
    sg_sparse_times(a, x, y);
}

/* r = b − A x, m numbers. */
static void residual(const sg_sparse *a, bool transposed, int m, const double *b, const double *x,
                     double *r) {
  step(a, transposed, x, 0, m, r);
  for (int i = 0; i < m; i++) r[i] = b[i] - r[i];
}

size_t sg_lsqr_bytes(int rows, int columns) {
  size_t m = (size_t)rows, n = (size_t)columns; /* either may be the longer side */
  return rounded((m + n + (m > n ? m : n)) * sizeof(double));
}

bool sg_lsqr(const sg_sparse *a, const sg_lsqr_options *o, const double *b, double *x,
             sg_lsqr_report *report, void *workspace) {
  const int m = o->transposed ? a->columns : a->rows, n = o->transposed ? a->rows : a->columns;
  const double tolerance = o->tolerance > 0 ? o->tolerance : 1e-13;
  const long most = o->most > 0 ? o->most : 4 * ((long)m + n) + 100;
  double *u = workspace, *v = u + m, *w = v + n;
  sg_lsqr_report own = {0};
  if (!o->warm) memset(x, 0, (size_t)n * sizeof *x);
  const double b_norm = cblas_dnrm2(m, b, 1);
  residual(a, o->transposed, m, b, x, u);
  double beta = normalise(m, u);
  step(a, !o->transposed, u, 0, n, v);
  double alpha = normalise(n, v), phi = beta, rho = alpha, x_norm = cblas_dnrm2(n, x, 1);
  memcpy(w, v, (size_t)n * sizeof *w);
  double squares = alpha * alpha;
  /* alpha · |c| · phi is the norm of the gradient, phi that of the residual. */
  bool found = alpha == 0 || beta == 0 || phi <= tolerance * (b_norm + alpha * x_norm);
  for (; !found && own.iterations < most; own.iterations++) {
    step(a, o->transposed, v, alpha, m, u);
    beta = normalise(m, u);
    step(a, !o->transposed, u, beta, n, v);
    alpha = normalise(n, v);
    squares += alpha * alpha + beta * beta;
    /* A rotation takes beta out of the bidiagonal matrix. */
    double length = hypot(rho, beta), c = rho / length, s = beta / length;
    double theta = s * alpha, along = c * phi / length;
    rho = -c * alpha;
    phi *= s;
    for (int i = 0; i < n; i++) {
      x[i] += along * w[i];
      w[i] = v[i] - theta / length * w[i];
    }
    x_norm = cblas_dnrm2(n, x, 1);
    double norm = sqrt(squares);
    found = phi <= tolerance * (b_norm + norm * x_norm) || alpha * fabs(c) <= tolerance * norm;
  }
  own.norm = sqrt(squares);
  residual(a, o->transposed, m, b, x, u);
  own.residual = cblas_dnrm2(m, u, 1);
  step(a, !o->transposed, u, 0, n, v);
  own.gradient = cblas_dnrm2(n, v, 1);
  if (report) *report = own;
  return found;
}

/* --- Peeling ---------------------------------------------------------------------------------- */

typedef struct peeling {
  size_t *begin; /* columns + 1: the rows that have column c are row[begin[c]] … */
  int *row;
  int *missing; /* rows: unknowns of the row that are not recovered yet … */
  int *mixed;   /* … and the exclusive or of their numbers: the last one's name */
  int *ready;   /* rows: those that had one unknown, in the order in which that came to be */
} peeling;

size_t sg_peel_bytes(const sg_sparse *a) {
  return rounded(((size_t)a->columns + 1) * sizeof(size_t)) +
         rounded(a->begin[a->rows] * sizeof(int)) + 3 * rounded((size_t)a->rows * sizeof(int));
}

static peeling lay_out(const sg_sparse *a, char *at) {
  size_t rows = rounded((size_t)a->rows * sizeof(int));
  peeling p = {.begin = (void *)at};
  p.row = (void *)(at += rounded(((size_t)a->columns + 1) * sizeof *p.begin));
  p.missing = (void *)(at += rounded(a->begin[a->rows] * sizeof *p.row));
  p.mixed = (void *)(at += rows);
  p.ready = (void *)(at + rows);
  return p;
}

/* The rows of each column, ascending, and what each row misses. */
static void prepare(const sg_sparse *a, peeling *p) {
  memset(p->begin, 0, ((size_t)a->columns + 1) * sizeof *p->begin);
  for (int i = 0; i < a->rows; i++) {
    p->missing[i] = p->mixed[i] = 0;
    for (size_t k = a->begin[i]; k < a->begin[i + 1]; k++) {
      if (a->value[k] == 0) continue;
      p->begin[a->column[k] + 1]++;
      p->missing[i]++;
      p->mixed[i] ^= a->column[k];
    }
  }
  for (int c = 0; c < a->columns; c++) p->begin[c + 1] += p->begin[c];
  for (int i = 0; i < a->rows; i++)
    for (size_t k = a->begin[i]; k < a->begin[i + 1]; k++)
      if (a->value[k] != 0) p->row[p->begin[a->column[k]]++] = i;
  memmove(p->begin + 1, p->begin, (size_t)a->columns * sizeof *p->begin);
  p->begin[0] = 0;
}

int sg_peel(const sg_sparse *a, int *unknown, int *row, void *workspace) {
  peeling p = lay_out(a, workspace);
  int count = 0, first = 0, last = 0;
  prepare(a, &p);
  for (int i = 0; i < a->rows; i++)
    if (p.missing[i] == 1) p.ready[last++] = i;
  for (; first < last; first++) {
    int from = p.ready[first], c = p.mixed[from];
    if (p.missing[from] == 0) continue; /* its unknown has come from another row */
    unknown[count] = c;
    row[count++] = from;
    for (size_t k = p.begin[c]; k < p.begin[c + 1]; k++) {
      int i = p.row[k];
      p.mixed[i] ^= c;
      if (--p.missing[i] == 1) p.ready[last++] = i;
    }
  }
  return count;
}

void sg_peel_values(const sg_sparse *a, int count, const int *unknown, const int *row,
                    const double *b, double *x) {
  for (int k = 0; k < count; k++) {
    double rest = b[row[k]], own = 0;
    for (size_t j = a->begin[row[k]]; j < a->begin[row[k] + 1]; j++) {
      if (a->column[j] == unknown[k])
        own = a->value[j];
      else if (a->value[j] != 0)
        rest -= a->value[j] * x[a->column[j]];
    }
    x[unknown[k]] = rest / own;
  }
}

/* From the last to the first: a row's weight is what its unknown still needs, and is a debt to the
 * unknowns that came before. */
void sg_peel_weights(const sg_sparse *a, int count, const int *unknown, const int *row,
                     double *target, double *w) {
  memset(w, 0, (size_t)a->rows * sizeof *w);
  for (int k = count - 1; k >= 0; k--) {
    size_t from = a->begin[row[k]], to = a->begin[row[k] + 1];
    double own = 0;
    for (size_t j = from; j < to && own == 0; j++)
      if (a->column[j] == unknown[k]) own = a->value[j];
    w[row[k]] = target[unknown[k]] / own;
    for (size_t j = from; j < to; j++) target[a->column[j]] -= a->value[j] * w[row[k]];
  }
}
