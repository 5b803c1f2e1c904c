/* SPDX-License-Identifier: MIT */
#include "codes/frame/rank.h"
#include "codes/frame/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row counts as dependent when elimination leaves less than this of its largest coefficient, the
 * target as reached when less than this is left of its ones. */
static const double TOLERANCE = 1e-9;

struct sg_rank {
  const sg_code *code;
  int segment, pieces, columns; /* columns = parts × pieces */
  int rank, reached;            /* rows kept; targets (pieces) that are spanned */
  double *basis; /* columns × columns: row i is zero in the pivots of rows before it */
  int *pivot;
  double *target; /* pieces × columns: what is left of the all-ones rows */
  unsigned char *done;
  sg_expander expander;
};

sg_rank *sg_rank_new(const sg_code *code, int segment) {
  sg_rank *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->code = code;
  r->segment = segment;
  r->pieces = code->segment[segment].pieces;
  r->columns = code->parts * r->pieces;
  size_t n = (size_t)r->columns;
  /* One row more than the rank can be: a row is eliminated in its place. */
  r->basis = calloc((n + 1) * n, sizeof *r->basis);
  r->pivot = calloc(n, sizeof *r->pivot);
  r->target = calloc((size_t)r->pieces * n, sizeof *r->target);
  r->done = calloc((size_t)r->pieces, 1);
  if (r->basis && r->pivot && r->target && r->done) {
    sg_rank_clear(r);
    return r;
  }
  sg_rank_free(r);
  return NULL;
}

void sg_rank_free(sg_rank *r) {
  if (!r) return;
  free(r->basis);
  free(r->pivot);
  free(r->target);
  free(r->done);
  sg_expander_free(&r->expander);
  free(r);
}

void sg_rank_clear(sg_rank *r) {
  r->rank = r->reached = 0;
  memset(r->done, 0, (size_t)r->pieces);
  for (int v = 0; v < r->pieces; v++)
    for (int j = 0; j < r->columns; j++) r->target[v * r->columns + j] = j % r->pieces == v ? 1 : 0;
}

static int largest(const double *row, int n) {
  int at = 0;
  for (int j = 1; j < n; j++)
    if (fabs(row[j]) > fabs(row[at])) at = j;
  return at;
}

/* row −= row[pivot] · basis row, whose pivot is 1. */
static void eliminate(double *row, const double *basis, int pivot, int n) {
  double factor = row[pivot];
  if (factor == 0) return;
  for (int j = 0; j < n; j++) row[j] -= factor * basis[j];
  row[pivot] = 0;
}

static void reduce_targets(sg_rank *r, const double *row, int pivot) {
  int n = r->columns;
  for (int v = 0; v < r->pieces; v++) {
    double *target = r->target + (size_t)v * (size_t)n;
    if (r->done[v]) continue;
    eliminate(target, row, pivot, n);
    if (fabs(target[largest(target, n)]) > TOLERANCE) continue;
    r->done[v] = 1;
    r->reached++;
  }
}

sg_verdict sg_rank_add(sg_rank *r, const void *state, const sg_message *message, bool *failed) {
  int n = r->columns;
  double *row = r->basis + (size_t)r->rank * (size_t)n;
  memset(row, 0, (size_t)n * sizeof *row);
  if (!sg_expand(&r->expander, r->code, state, message, 1, row)) {
    *failed = true;
    return SG_WAIT;
  }
  double before = fabs(row[largest(row, n)]);
  for (int i = 0; i < r->rank; i++)
    eliminate(row, r->basis + (size_t)i * (size_t)n, r->pivot[i], n);
  int pivot = largest(row, n);
  double scale = row[pivot];
  /* After a refused decode everything is welcome that may mend the arithmetic. */
  if (!(fabs(scale) > TOLERANCE * before)) return r->reached == r->pieces ? SG_READY : SG_SKIP;
  for (int j = 0; j < n; j++) row[j] /= scale;
  r->pivot[r->rank++] = pivot;
  reduce_targets(r, row, pivot);
  return r->reached == r->pieces ? SG_READY : SG_WAIT;
}
