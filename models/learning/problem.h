/* SPDX-License-Identifier: MIT */
/* Learning problems: from a block of models to a block of partial gradients.
 *
 * f(x) = (mean loss over the training rows) + (l2/2) ‖x‖² (intercept not regularised).
 * The partial gradient of part j is g_j = (Σ over its rows of the loss gradient) / N, so that Σ g_j
 * is the gradient of the mean loss; the L2 term is added at the master (sg_optimizer_step).
 *
 * Coded data (least squares only). A coded part is a combination of the data of parts, rows
 * X̃ = Σ coef · X_part, numbered after the parts. Its partial gradient is X̃ᵀX̃ x / N, without
 * targets: they are in the constant vector c = −Xᵀy / N of the whole problem
 * (sg_partition_constant), of which a decode adds its share (sg_kernel_set.bias). So
 *   Lagrange codes (Li et al., 1805.09934): with X(z) = Σ_j X_j L_j(z) each worker holds
 *     combinations X(α); Σ_j X_jᵀX_j x / N is a combination of the partial gradients at any
 *     2 · parts − 1 points α, and bias 1 makes the gradient of it;
 *   moment encoding (Maity, Rawat, Mazumdar, 1805.08327): the combination of one part with
 *     coefficient 1 has the partial gradient X_jᵀX_j x / N. With one part in all, its pieces are
 *     the products of blocks of rows of the moment XᵀX with x; a piece that is not recovered has
 *     bias 0.
 * A code that mixes parts with coded ones takes them as combinations of one part, too: a part's own
 * gradient has its share of c in it.
 *
 * Mini-batches (width 1 only). Batch b ≠ 0 of a part is learning.batch_rows of its rows, drawn
 * without replacement from the stream (seed, SG_FOR_BATCH, part, b): the same rows for the same
 * name in every run, thread and scheme. Its gradient is scaled by rows of the part / batch_rows,
 * so that its mean over batches is the part's. A batch of all rows is the part. A problem that is
 * `stochastic` has mini-batches without rows: the part's gradient with noise, by the same address.
 *
 * Points that differ by worker (width 1 only). Every column of a request is a pointer of its own,
 * so a worker whose model is older, quantised or moved by an offset has a column with that model:
 * x + offset is written to memory of the caller, once per step, and is a point like any other. With
 * `steps` > 1 an item is what a worker sends after that many local steps.
 *
 * Two ways through the same interface, chosen by the width of the request:
 *   width 1   `begin` makes all partial gradients in one pass over the data for each column, or for
 *             eight (abreast.h; the bits are the same), tiles are windows into them;
 *   width W   W models stand side by side as columns of one matrix; `begin` makes residuals for all
 *             (one matrix product), each tile is one matrix product per part.
 * Of sparse data (sparse.h) no width stores a whole partial gradient, and both have the same bits.
 * Results of a column depend on its own model only, to the last bit, never on its neighbours. */
#ifndef SG_MODELS_PROBLEM_H
#define SG_MODELS_PROBLEM_H

#include "sim/core/local_optimizer.h"
#include "sim/core/param.h"

#define SG_TILE 512 /* default coordinates of a tile */

/* The scenario's "learning" object: family by "problem" with common members subsets, l2, optimizer,
 * evaluate_every, block_width, batch_rows. */
extern const sg_param sg_learning_params[];
extern const sg_family sg_problem_family;

typedef struct sg_problem sg_problem;     /* immutable after creation, shared by threads */
typedef struct sg_partition sg_partition; /* a code's parts in this problem's data; immutable */
typedef struct sg_workspace sg_workspace; /* one per thread */

/* A combination of the data of parts. Two or more parts have equally many rows. */
typedef struct sg_coded_part {
  int count;
  const int *part; /* count parts that are not coded themselves */
  const double *coef;
} sg_coded_part;

typedef struct sg_partial { /* a partial gradient that is wanted */
  int part, column;         /* part: coded ones come after the others */
  int batch;                /* 0: all rows of the part; otherwise the mini-batch of that name */
  double *state; /* local steps: what the worker's optimiser remembers (sg_local_size numbers),
                    which they go on with; NULL: they begin anew, and it is forgotten */
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
   * given, and all W columns can be read. loss_x itself may be NULL. */
  const double *const *loss_x;
  double *loss; /* out: columns values */
  /* > 1: an item is what comes of that many steps of `inner` at `rate` on the part's own mean loss,
   * with the L2 term, from its column's point: (x − x after) / rate, or x − x after itself, times
   * the part's share of the data, but without that share of the L2 term at x, which is the
   * master's. Of gradient descent this is the sum of the partial gradients on the way, so that one
   * step of it is a gradient to the last bit. Step t takes the mini-batch batch + t; all rows where
   * batch is 0 or there is no learning.batch_rows. Width 1, no coded parts; `steps` passes over the
   * part. */
  int steps;
  double rate;
  const sg_local_optimizer *inner; /* NULL: gradient descent, over the rate */
} sg_gradient_request;

typedef struct sg_metrics { /* NAN where a problem has none */
  double loss;              /* training loss with the L2 term */
  double test_loss;         /* without the L2 term */
  double accuracy;          /* share of test rows classified correctly */
  double auc;               /* area under the ROC curve on the test rows; two classes only */
} sg_metrics;

typedef struct sg_problem_type {
  sg_variant about;
  const struct sg_loss *loss; /* of dense data (dense.h) */
  sg_status (*create)(sg_problem *problem, const sg_values *learning, uint64_t seed, sg_error *e);
  void (*destroy)(sg_problem *problem); /* what problem->self owns; it is freed then */
  /* The model that runs begin with, written to x (length l). NULL: 0. */
  void (*start)(const sg_problem *problem, double *x);
  sg_status (*partition)(const sg_problem *problem, int parts, const double *edge,
                         sg_partition *partition, sg_error *e);
  /* Adds coded parts, whose combinations have been checked, to a partition. NULL: the problem's
   * gradients are not linear in x, or it has no data. */
  sg_status (*combine)(const sg_problem *problem, int count, const sg_coded_part *coded,
                       sg_partition *partition, sg_error *e);
  sg_status (*begin)(const sg_problem *problem, sg_workspace *ws,
                     const sg_gradient_request *request);
  sg_status (*tile)(const sg_problem *problem, sg_workspace *ws, int slot, long begin, long end,
                    const double **out);
  /* Of sg_problem_ahead. NULL: nothing is read that the processor would not see coming. */
  void (*ahead)(const sg_problem *problem, long begin, long n, int share, int shares);
  sg_status (*evaluate)(const sg_problem *problem, sg_workspace *ws, unsigned what, int columns,
                        const double *const *x, sg_metrics *metrics);
  /* A bound L of the curvature of f: its gradient changes by at most L ‖x − y‖ (theory:
   * smoothness). NULL: the problem has none that is known. */
  sg_status (*smoothness)(const sg_problem *problem, double *bound);
  /* The least and the largest eigenvalue of a second derivative that is the same everywhere. NULL:
   * it is not. Columns² numbers, and columns² · rows multiplications. */
  sg_status (*curvature)(const sg_problem *problem, double *least, double *most);
} sg_problem_type;

struct sg_problem {
  const sg_problem_type *type;
  void *self;
  long length;     /* l: coordinates of a model and of a gradient */
  int subsets;     /* k */
  long rows;       /* N: training rows; 0: the problem has none */
  long batch_rows; /* of a mini-batch; 0: not given */
  uint64_t seed;
  bool stochastic;  /* mini-batches need no rows: they are gradients with noise */
  bool timing_only; /* problem "none": there is nothing to compute */
  double l2;
  long stride;        /* a model is one vector of this length per class */
  long unregularised; /* trailing coordinates of each that l2 does not touch (intercepts) */
  int block_width;    /* 1 or W, from the data's size alone unless the scenario gives it */
  int abreast; /* columns that a request of width 1 should have, if it can, for speed alone: the
                  bits are the same, so it may depend on the processor; 1: any number is as good */
  double data_bytes;   /* memory of the data */
  double making_bytes; /* what they take more while they are made */
  const char *note;    /* a line for people about the data; NULL: none */
  bool outline;        /* what is generated is not there */
  /* Gradients that appear layer by layer, the last layer first; 0: all at once. */
  int n_layers;
  const long *layer_end;    /* n_layers: coordinates of layer i end there */
  const double *layer_work; /* its share of the work of a gradient */
  double subset_flops;      /* of the gradient of one subset; 0: not known */
};

/* learning: the resolved "learning" object; workers: for subsets = "workers". */
sg_status sg_problem_new(const sg_values *learning, int workers, uint64_t seed, sg_problem **out,
                         sg_error *e);
/* The same without generated data, which may be gigabytes: all that is known before they are made,
 * and partitions, but no gradients and losses. */
sg_status sg_problem_outline(const sg_values *learning, int workers, uint64_t seed,
                             sg_problem **out, sg_error *e);
void sg_problem_free(sg_problem *problem);

/* edge: parts + 1 rising shares of the data, 0 … 1; NULL: equal parts. coded: n_coded combinations
 * of parts, copied; the rows of those of two or more parts are made here, rows · columns numbers
 * each. SG_INVALID: a part without rows, a problem that has no coded data, parts of a combination
 * with unequal rows. SG_BUG: a combination of no parts, or of a part that is not there. */
sg_status sg_partition_new(const sg_problem *problem, int parts, const double *edge, int n_coded,
                           const sg_coded_part *coded, sg_partition **out, sg_error *e);
void sg_partition_free(sg_partition *partition);
int sg_partition_parts(const sg_partition *partition); /* coded parts included */

/* The constant vector −Xᵀy / N (length l) of which a decode adds its share. NULL where there are no
 * coded parts: the gradients of parts are whole. */
const double *sg_partition_constant(const sg_partition *partition);

/* How many rows the gradient of (part, batch) goes over, coded parts included; 0 where the problem
 * has none, or where batch ≠ 0 and learning.batch_rows is not given. */
long sg_partition_rows(const sg_partition *partition, int part, int batch);

/* The samples behind the gradient of (part, batch): its rows; of a stochastic problem 1 for each
 * mini-batch. NAN: a gradient of no samples. */
double sg_partition_samples(const sg_partition *partition, int part, int batch);

/* Whether the problem has mini-batches. */
bool sg_problem_has_batches(const sg_problem *problem);

/* The model that runs begin with, written to x (length l). */
void sg_problem_start(const sg_problem *problem, double *x);

/* ‖∇f(x)‖² with the L2 term, or without (l2 false), and in `loss`, unless it is NULL, the loss at x
 * as sg_problem_begin has it. whole: one part in all. A pass over the data in width 1, whatever the
 * workspace is used for otherwise; it ends the request before. SG_NO_MEMORY. */
sg_status sg_problem_gradient_norm2(const sg_problem *problem, sg_workspace *ws,
                                    const sg_partition *whole, const double *x, bool l2,
                                    double *loss, double *norm2, sg_error *e);

/* Memory of the rows of coded parts, and of sparse rows that stand in it in another order;
 * partition may be NULL. */
double sg_partition_bytes(const sg_partition *partition);

sg_workspace *sg_workspace_new(const sg_problem *problem);
void sg_workspace_free(sg_workspace *ws);

/* What needs all coordinates: residuals, and in width 1 all the partial gradients. The request and
 * what it points to must live until the last sg_problem_tile. SG_NO_MEMORY; SG_INVALID for
 * mini-batches where the problem has none (no learning.batch_rows, or no rows); SG_BUG for a
 * request that is wrong in itself: a part or column that is not there, mini-batches or local steps
 * in a width other than 1, problem "none". `e` names what is wrong. */
sg_status sg_problem_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request, sg_error *e);

/* Coordinates [begin, end) of every item: out[i] points to end − begin values of item i, valid
 * until the same slot is filled again. slot: 0 … pieces − 1, so that a tile of every piece is at
 * hand at once. end ≤ length. SG_NO_MEMORY when a slot cannot grow. */
sg_status sg_problem_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                          long end, const double **out);

/* Asks the memory for a share of what tiles will read for n coordinates from `begin` on, begin + n
 * ≤ length: share 0 … shares − 1, to be called between shares of other work. Only time depends on
 * it. */
static inline void sg_problem_ahead(const sg_problem *problem, long begin, long n, int share,
                                    int shares) {
  if (problem->type->ahead) problem->type->ahead(problem, begin, n, share, shares);
}

/* Metrics of `columns` models, each alone (the same bits in any company). what: SG_WANT_LOSS is a
 * pass over the training data, SG_WANT_TEST one over the test rows; what is not wanted is NAN. */
enum { SG_WANT_LOSS = 1, SG_WANT_TEST = 2 };
sg_status sg_problem_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                              int columns, const double *const *x, sg_metrics *metrics);

#endif
