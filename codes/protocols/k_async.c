/* SPDX-License-Identifier: MIT */
/* K-async and K-batch-async stochastic gradient descent: no barrier, and gradients of older models.
 *
 * The model is updated with the mean of the K gradients that came first, whatever model they were
 * taken at: exactly K, however many more come while an update takes its time. Nobody is cancelled.
 *
 * K-async: who has sent a gradient waits for the update that uses it, and goes on with the model
 * that comes of it; so the K are of distinct workers. K-batch-async: who has sent a mini-batch goes
 * on at once, with the newest model that there is, unless n mini-batches wait for the master
 * already: then it waits until an update begins.
 *
 * With max_lead (stale-synchronous, after Ho et al. 2013) a worker goes on only when the slowest
 * has sent at most so many gradients fewer than it; one that never comes back then stops them all.
 *
 * What a worker lost to a crash it is given anew when it is back. Where too few are left for K, a
 * run stalls or, if undecodable rounds are skipped, goes on with those there are. */
#include "codes/tools/no_barrier.h"

#define ROW_LEAD                                                                                   \
  SG_ROW_INT("max_lead", 0, SG_UNBOUNDED,                                                          \
             "by how many gradients a worker may be ahead of the slowest when it goes on; when "   \
             "left out there is no bound",                                                         \
             .flags = SG_OPTIONAL)
static const sg_param async_params[] = {SG_ROW_K("k", "gradients of an update"),
                                        SG_ROWS_LEARNERS(sg_gradients_of_learners),
                                        ROW_LEAD,
                                        {0}};
static const sg_param batch_params[] = {SG_ROW_K("k", "mini-batches of an update"),
                                        SG_ROWS_LEARNERS(sg_batches_of_learners),
                                        ROW_LEAD,
                                        {0}};

static sg_status make(sg_code *code, const sg_values *values, bool waits, sg_error *e) {
  sg_no_barrier *b = code->self = sg_code_alloc(code, 1, sizeof *b);
  if (!b) return sg_fail_memory(e);
  b->waits = waits;
  if (sg_given(values, "max_lead")) b->lead = sg_int(values, "max_lead") + 1;
  sg_status status = sg_no_barrier_create(code, values, "k", e);
  return status ? status : sg_no_barrier_ready(code, values, "k", e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  return make(code, values, true, e);
}

static sg_status batch_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  return make(code, values, false, e);
}

const sg_code_type sg_k_async = {
    .about = {.name = "k-async",
              .brief = "an update with every K gradients",
              .summary = "No barrier: the model is updated with the mean of every K workers' "
                         "gradients, however old; those K go on with the new model, the others "
                         "with what they are at. Approximate.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113; "
                           "Dutta, Wang, Joshi (2020), arXiv:2003.10579 (published); details "
                           "recalled, expectations derived.",
              .params = async_params},
    .create = create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};

const sg_code_type sg_k_batch_async = {
    .about = {.name = "k-batch-async",
              .brief = "an update with every K mini-batches",
              .summary = "No barrier: the model is updated with the mean of every K mini-batches, "
                         "of whomever and however old; who has sent one goes on at once with the "
                         "newest model. Approximate.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113; "
                           "Dutta, Wang, Joshi (2020), arXiv:2003.10579 (published); details "
                           "recalled, expectations derived.",
              .params = batch_params},
    .create = batch_create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};
