/* SPDX-License-Identifier: MIT */
/* Learners: workers whose gradients the master averages, some of them at a time, as in K-sync and
 * K-async descent and in adaptive fastest-k.
 *
 * A gradient is that of a worker's whole share of the data, of a mini-batch of that share, or of a
 * mini-batch of all the data. With `count` gradients in an update each has the weight parts/count,
 * so that what is decoded estimates the sum over all the data; it is unbiased where who comes first
 * says nothing about the data. */
#ifndef SG_CODES_LEARNERS_H
#define SG_CODES_LEARNERS_H

#include "codes/frame/protocol.h"

typedef struct sg_learners {
  int k;       /* gradients of an update */
  double work; /* of a gradient, in subsets */
  bool shared; /* mini-batches are of all the data, and the code has one part */
} sg_learners;

extern const char *const sg_gradients_of_learners[], *const sg_batches_of_learners[];

/* The rows of what a gradient is of: of schemes that may take whole shares, and of those that may
 * not, since they take several gradients of a worker at one model. */
#define SG_ROWS_LEARNERS(words)                                                                    \
  SG_ROW_CHOICE("gradients", words, 0,                                                             \
                "what a gradient is of: the worker's share of the data (part), a mini-batch of "   \
                "that share (batch) or a mini-batch of all the data, which each worker then has "  \
                "(global-batch); mini-batches are of learning.batch_rows rows, each time others"), \
      SG_ROW_REAL("work", 0, SG_UNBOUNDED,                                                         \
                  "work of a gradient, in subsets; when left out that of a worker's share of "     \
                  "the data",                                                                      \
                  .flags = SG_OPTIONAL | SG_MIN_OPEN)
#define SG_ROW_K(name, ...)                                                                        \
  SG_ROW_INT(name, 1, SG_UNBOUNDED, __VA_ARGS__ ", at most the number of workers",                 \
             .flags = SG_REQUIRED)

/* Reads these members (batch where there is no `gradients`) and `k`, one that is named so (NULL:
 * 1), into l, and sets the code's parts, stored and, for one gradient of each worker in an update,
 * load; mini-batches set SG_BATCHES and are not exact. A fault where there are more than n. */
sg_status sg_learners_read(sg_code *code, const sg_values *values, const char *k, sg_learners *l,
                           sg_error *e);

/* The same without the member, where k ≤ n is known. */
sg_status sg_learners_read_rest(sg_code *code, const sg_values *values, int k, sg_learners *l,
                                sg_error *e);

/* Has a node, or SG_ALL, compute a gradient at a snapshot and send it. */
void sg_learners_give(const sg_learners *l, int node, int snapshot, int tag, sg_orders *o);

/* The row of a worker's `number`-th gradient in this run, from 0: mini-batches have different rows
 * until numbers begin again after about 2^31 (of all workers together with shared data). */
void sg_learners_row(const sg_code *code, const sg_learners *l, int worker, unsigned number,
                     sg_row *row);

/* The mean of at least `need` gradients, times the number of parts, with its decoding error; fewer
 * where the stop policy may end a round with what there is. O(count). */
sg_status sg_learners_weights(const sg_code *code, const sg_used *used, int need);

#endif
