/* SPDX-License-Identifier: MIT */
/* The pass over dense data that logistic regression, softmax and least squares share: margins
 * z = X x, residuals r = ∂loss/∂z row by row, gradients X'r. A loss gives its rows; the rest is
 * here. */
#ifndef SG_MODELS_DENSE_H
#define SG_MODELS_DENSE_H

#include "models/learning/data.h"
#include "models/learning/internal.h"
#include "models/learning/metrics.h"

typedef struct sg_dense sg_dense;

/* One loss. Arrays of margins are output by output: output o of row i is z[o · ld + i]. */
typedef struct sg_loss {
  /* For n rows with these targets: r = scale · ∂loss/∂z (may be z itself, may be NULL) and the loss
   * of each row (may be NULL). The bits of a row do not depend on its place. */
  void (*rows)(int outputs, const double *target, long n, double scale, const double *z, double *r,
               long ld, double *loss);
  /* Accuracy and AUC on the test rows, where the loss has them. z is overwritten. */
  void (*judge)(const sg_data *data, double *z, sg_metrics *metrics);
} sg_loss;

struct sg_dense {
  const sg_loss *loss;
  sg_data *data;
  int outputs;                  /* vectors of length columns in a model */
  double *target, *test_target; /* as the loss wants them; owned */
  long block;                   /* rows of a block in width 1 */
};

/* Reads the data and fills in the problem. classes: 0 real targets, 2 exactly two, 3 two or more.
 */
sg_status sg_dense_create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                          const sg_loss *loss, int classes, sg_error *e);
void sg_dense_destroy(sg_problem *problem);
sg_status sg_dense_partition(const sg_problem *problem, int parts, const double *edge,
                             sg_partition *partition, sg_error *e);
/* Coded parts of a loss whose residuals are z − y: linear in the model, so that the gradient of a
 * combination without its targets is X̃ᵀX̃ x / N. */
sg_status sg_dense_combine(const sg_problem *problem, int count, const sg_coded_part *coded,
                           sg_partition *partition, sg_error *e);
sg_status sg_dense_begin(const sg_problem *problem, sg_workspace *ws,
                         const sg_gradient_request *request);
sg_status sg_dense_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin, long end,
                        const double **out);
sg_status sg_dense_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what, int columns,
                            const double *const *x, sg_metrics *metrics);

/* What the descriptors of these problems have in common but for the loss. */
extern const sg_param sg_dense_params[];
#define SG_DENSE_FUNCTIONS                                                                         \
  .destroy = sg_dense_destroy, .partition = sg_dense_partition, .begin = sg_dense_begin,           \
  .tile = sg_dense_tile, .evaluate = sg_dense_evaluate

#endif
