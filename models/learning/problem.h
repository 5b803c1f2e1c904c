/* SPDX-License-Identifier: MIT */
/* Learning problems: from a block of models to a block of partial gradients.
 *
 * f(x) = (mean loss over the training rows) + (l2/2) ‖x‖² (intercept not regularised).
 * The partial gradient of part j is g_j = (Σ over its rows of the loss gradient) / N, so that Σ g_j
 * is the gradient of the mean loss; the L2 term is added at the master (sg_optimizer_step).
 *
 * Two ways through the same interface, chosen by the width of the request:
 *   width 1   columns are taken one at a time; `begin` makes all partial gradients in one pass over
 *             the data (each row is read once), tiles are windows into them;
 *   width W   W models stand side by side as columns of one matrix; `begin` makes residuals for all
 *             (one matrix product), each tile is one matrix product per part.
 * Results of a column depend on its own model only, to the last bit, never on its neighbours. */
#ifndef SG_MODELS_PROBLEM_H
#define SG_MODELS_PROBLEM_H

#include "sim/core/param.h"

#define SG_TILE 512 /* default coordinates of a tile */

/* The scenario's "learning" object: family by "problem" with common members subsets, l2, optimizer,
 * evaluate_every, block_width. */
extern const sg_param sg_learning_params[];
extern const sg_family sg_problem_family;

typedef struct sg_problem sg_problem;     /* immutable after creation, shared by threads */
typedef struct sg_partition sg_partition; /* a code's parts in this problem's data; immutable */
typedef struct sg_workspace sg_workspace; /* one per thread */

typedef struct sg_partial { /* a partial gradient that is wanted */
  int part, column;
  int batch; /* 0: all rows of the part; otherwise the mini-batch of that name */
} sg_partial;

typedef struct sg_gradient_request {
  const sg_partition *partition;
  int width;              /* 1 or the fixed W */
  int columns;            /* models; ≤ width unless width is 1 */
  const double *const *x; /* columns pointers, each length l. Width W: x[c] = x[0] + c·l, and all W
                             columns can be read */
  int n_items;
  const sg_partial *item;
  /* Training loss (with the L2 term) at other points in the same pass over the data: loss_x[c]
   * NULL: not wanted. Equal to x[c] costs nothing extra. Width W: loss_x[c] = loss_x[0] + c·l where
   * given. loss_x itself may be NULL. */
  const double *const *loss_x;
  double *loss; /* out: columns values */
} sg_gradient_request;

typedef struct sg_metrics { /* NAN where a problem has none */
  double loss;              /* training loss with the L2 term */
  double test_loss;         /* without the L2 term */
  double accuracy;          /* share of test rows classified correctly */
  double auc;               /* area under the ROC curve on the test rows; two classes only */
} sg_metrics;

typedef struct sg_problem_type {
  sg_variant about;
  sg_status (*create)(sg_problem *problem, const sg_values *learning, uint64_t seed, sg_error *e);
  void (*destroy)(sg_problem *problem);
  sg_status (*partition)(const sg_problem *problem, int parts, const double *edge,
                         sg_partition *partition, sg_error *e);
  sg_status (*begin)(const sg_problem *problem, sg_workspace *ws,
                     const sg_gradient_request *request);
  sg_status (*tile)(const sg_problem *problem, sg_workspace *ws, int slot, long begin, long end,
                    const double **out);
  sg_status (*evaluate)(const sg_problem *problem, sg_workspace *ws, unsigned what, int columns,
                        const double *const *x, sg_metrics *metrics);
} sg_problem_type;

struct sg_problem {
  const sg_problem_type *type;
  void *self;
  long length;      /* l: coordinates of a model and of a gradient */
  int subsets;      /* k */
  bool timing_only; /* problem "none": there is nothing to compute */
  double l2;
  long stride;        /* a model is one vector of this length per class */
  long unregularised; /* trailing coordinates of each that l2 does not touch (intercepts) */
  double *initial;    /* length l: the model runs start from */
  int block_width;    /* 1 or W, from the data's size alone unless the scenario gives it */
  double data_bytes;  /* memory of the data */
  char data_sha256[65];
};

/* learning: the resolved "learning" object; workers: for subsets = "workers". */
sg_status sg_problem_new(const sg_values *learning, int workers, uint64_t seed, sg_problem **out,
                         sg_error *e);
void sg_problem_free(sg_problem *problem);

/* edge: parts + 1 rising shares of the data, 0 … 1; NULL: equal parts. */
sg_status sg_partition_new(const sg_problem *problem, int parts, const double *edge,
                           sg_partition **out, sg_error *e);
void sg_partition_free(sg_partition *partition);
int sg_partition_parts(const sg_partition *partition);

sg_workspace *sg_workspace_new(const sg_problem *problem);
void sg_workspace_free(sg_workspace *ws);

/* What needs all coordinates: residuals, and in width 1 all the partial gradients. The request and
 * what it points to must live until the last sg_problem_tile. SG_NO_MEMORY, or SG_BUG for a request
 * that the problem cannot meet (mini-batches, or problem "none"). */
sg_status sg_problem_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request);

/* Coordinates [begin, end) of every item: out[i] points to end − begin values of item i, valid
 * until the same slot is filled again. slot: 0 … pieces − 1, so that a tile of every piece is at
 * hand at once. end ≤ length. SG_NO_MEMORY when a slot cannot grow. */
sg_status sg_problem_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                          long end, const double **out);

/* Metrics of `columns` models, each alone (the same bits in any company). what: SG_WANT_LOSS is a
 * pass over the training data, SG_WANT_TEST one over the test rows; what is not wanted is NAN. */
enum { SG_WANT_LOSS = 1, SG_WANT_TEST = 2 };
sg_status sg_problem_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                              int columns, const double *const *x, sg_metrics *metrics);

#endif
