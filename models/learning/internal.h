/* SPDX-License-Identifier: MIT */
/* What the learning problems share among themselves, hidden from the other folders. */
#ifndef SG_MODELS_LEARNING_INTERNAL_H
#define SG_MODELS_LEARNING_INTERNAL_H

#include "models/learning/problem.h"

#include <stddef.h>
#include <stdint.h>

/* A growing array of doubles, 64-byte aligned. Contents are lost when it grows. */
typedef struct sg_numbers {
  double *p;
  size_t capacity;
} sg_numbers;

bool sg_numbers_need(sg_numbers *b, size_t count);

/* out = n numbers of x. */
void sg_widen(const float *x, long n, double *out);

struct sg_csr;

/* A non-zero of some rows: those of a part stand by stripes of columns (sparse.c), then
 * by rows. */
typedef struct sg_entry {
  int32_t column, row; /* row: from the first of the part, or of the mini-batch */
  double value;
} sg_entry;

/* Rows to go over, and the factor of their gradient. */
typedef struct sg_stretch {
  const double *x, *target; /* x: NULL for sparse rows, and for those of: */
  const float *single;      /* data in float32 */
  long n;
  const long *pick; /* NULL: rows 0 … n − 1; otherwise the n rows of a mini-batch */
  double scale;
  long at; /* width W: their place among the residuals */
  /* Sparse rows: first … first + n − 1 of `sparse`, each with `one` in the column of an intercept;
   * their non-zeros by stripes are entry[list] … entry[list + listed − 1]. */
  const struct sg_csr *sparse;
  long first;
  double one;
  size_t list, listed;
} sg_stretch;

struct sg_partition {
  const sg_problem *problem;
  int parts, coded;        /* coded parts are not among `parts` */
  sg_stretch *stretch;     /* data with rows: those of each part, then of each coded one */
  sg_entry *entry;         /* sparse data: their non-zeros */
  struct sg_csr *combined; /* the rows of coded parts of two or more */
  double *made;            /* the rows of coded parts of two or more, their targets, the constant */
  long made_numbers;       /* of these rows */
  double *constant;        /* −Xᵀy/N */
  /* Synthetic: part p overlaps the subsets of overlap[start[p]] … overlap[start[p + 1] − 1]. */
  int *start;
  struct sg_overlap {
    int subset;
    double share; /* of the subset that lies in the part */
  } * overlap;
};

struct sg_workspace {
  const sg_problem *problem;
  const sg_gradient_request *request;
  sg_numbers vectors;  /* width 1: whole partial gradients */
  sg_numbers residual; /* width W: rows × (W · outputs) */
  sg_numbers turned;   /* width W: the same, outputs × rows × W */
  sg_numbers scratch, loss;
  sg_numbers widened; /* width W: columns of a part in float32 */
  sg_numbers local;   /* local steps: the items they have made, and where they are */
  sg_numbers *tile;   /* one per slot */
  int slots;
  const double **window; /* width 1: the vector of each item */
  int *used, *index;     /* width W: the parts of the request, and where each stands among them */
  int window_room, used_room, index_room, n_used;
  double **gradient; /* width 1, columns together: those of a part */
  int gradient_room;
  /* Sparse data: what a tile is made of, once for items that are the same, and which it is of each
   * item; the non-zeros of mini-batches; where the last tile of each slot ended. */
  struct sg_source *source;
  int *which;
  sg_entry *entry, *spare;
  size_t *hint;
  int source_room, which_room;
  int n_models; /* width W: columns before the last of which something is wanted */
  size_t entry_room, spare_room, hint_room;
  long *order; /* mini-batches: 0, 1, … but for the rows being drawn */
  long *pick;  /* the rows that were drawn, then where they stood */
  size_t order_room, pick_room;
};

/* Rows b … b + n − 1 of dense data, or those that are picked there: where each stands, those in
 * float32 in `room`, n · columns numbers, one after the other. */
void sg_get_rows(const sg_stretch *s, long b, long n, long columns, double *room,
                 const double **row);

/* Room for `slot` and `count` numbers in it; NULL: no memory. */
double *sg_workspace_tile(sg_workspace *ws, int slot, size_t count);
/* Room for the arrays per item and per part. */
bool sg_workspace_shape(sg_workspace *ws, int items, int parts);

/* Whether an item is less than its whole part. */
bool sg_is_batch(const sg_partition *partition, const sg_partial *item);
/* The rows of a mini-batch, counted from the part's first, in the order in which they are drawn;
 * sg_partition_rows says how many. Valid until the next call. NULL: no memory. O(batch), but for
 * the first call. */
const long *sg_batch_rows(sg_workspace *ws, const sg_partition *partition, const sg_partial *item);

/* What problems without data share. Parts overlap subsets; ws->scratch gets 1 / (1 + |x_0|) of
 * every column; out = f · a, or out += f · a. */
sg_status sg_synthetic_partition(const sg_problem *problem, int parts, const double *edge,
                                 sg_partition *partition, sg_error *e);
sg_status sg_synthetic_begin(const sg_problem *problem, sg_workspace *ws,
                             const sg_gradient_request *request);
void sg_synthetic_scaled(const float *a, double f, long n, double *out, bool add);

extern const sg_problem_type sg_problem_logistic, sg_problem_hinge, sg_problem_softmax,
    sg_problem_least_squares, sg_problem_quadratic, sg_problem_synthetic, sg_problem_layered;

#endif
