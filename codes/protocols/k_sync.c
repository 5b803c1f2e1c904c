/* SPDX-License-Identifier: MIT */
/* K-sync and K-batch-sync stochastic gradient descent, and backup workers.
 *
 * K-sync: all workers begin with the same model; the first K that are done are used, the others are
 * cancelled. K-batch-sync: whoever is done goes on with another mini-batch at the same model, until
 * the master has K of them, from whomever. A worker may be the one that sends all K, so that as
 * many are planned for each: O(n K) in a round, and the load is that of K.
 *
 * Where the times of a worker's mini-batches are independent and exponential with rate μ (scaling:
 * additive, work 1), an update of K-batch-sync takes K/(n μ) in the mean; one of K-sync takes
 * E[X_(K:n)] for any law (theory: k-sync).
 *
 * Backup workers are K-sync with K = n − b, said the other way round: b of the n workers are spare,
 * and a step is always of the n − b mini-batches that come first, so that their number does not
 * depend on how many spares there are (theory: backup-workers). */
#include "codes/tools/learners.h"

static const sg_param sync_params[] = {SG_ROW_K("k", "gradients that are waited for"),
                                       SG_ROWS_LEARNERS(sg_gradients_of_learners),
                                       {0}};
static const sg_param batch_params[] = {
    SG_ROW_K("k", "mini-batches of an update"), SG_ROWS_LEARNERS(sg_batches_of_learners), {0}};

/* `member` says how many gradients are waited for: `waits`, or if that is 0 its value. */
static sg_status create_with(sg_code *code, const sg_shape *shape, const sg_values *values,
                             const char *member, int waits, sg_error *e) {
  sg_learners *l = code->self = sg_code_alloc(code, 1, sizeof *l);
  if (!l) return sg_fail_memory(e);
  sg_status status = waits ? sg_learners_read_rest(code, values, waits, l, e)
                           : sg_learners_read(code, values, member, l, e);
  if (status) return status;
  code->promised = shape->workers - l->k;
  if (code->promised > 0) code->exact = false;
  code->flags |= SG_WEIGHTS_BY_COUNT;
  return sg_code_one_segment(code, values, member, 1, l->k, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  return create_with(code, shape, values, "k", 0, e);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  sg_learners_give(code->self, SG_ALL, snapshot, 0, o);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_learners_row(code, code->self, message->from, (unsigned)message->snapshot, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  return sg_learners_weights(code, used, ((const sg_learners *)code->self)->k);
}

const sg_code_type sg_k_sync = {
    .about = {.name = "k-sync",
              .brief = "the mean of the first K gradients",
              .summary = "The model is updated with the mean of the first K workers' gradients; "
                         "the others are cancelled. Approximate for K < n.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113 "
                           "(published); details recalled, expectations derived.",
              .params = sync_params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
};

/* --- Backup workers --------------------------------------------------------------------------- */

static const char *const gradients_of_backups[] = {"batch", "global-batch", "part", NULL};

static const sg_param backup_params[] = {
    SG_ROW_INT("b", 0, SG_UNBOUNDED,
               "how many of the n workers are backups: the master takes the first n - b gradients; "
               "less than the number of workers",
               .flags = SG_REQUIRED),
    SG_ROWS_LEARNERS(gradients_of_backups),
    {0}};

static sg_status backup_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  long b = sg_int(values, "b");
  if (b >= shape->workers)
    return sg_fail_at(e, values, "b", "expected b < n = %d (0 to %d), found %ld", shape->workers,
                      shape->workers - 1, b);
  return create_with(code, shape, values, "b", shape->workers - (int)b, e);
}

const sg_code_type sg_backup_workers = {
    .about = {.name = "backup-workers",
              .brief = "the mean of the first n - b mini-batches",
              .summary = "b of the n workers are spare: the model is updated with the mean of the "
                         "mini-batches of the first n - b, whoever they are, and the others are "
                         "cancelled. Approximate.",
              .reference = "Chen, Pan, Monga, Bengio, Jozefowicz (2016), arXiv:1604.00981 "
                           "(published); expectations derived.",
              .params = backup_params},
    .create = backup_create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
};

/* --- K-batch-sync ----------------------------------------------------------------------------- */

static sg_status batch_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  sg_status status = create(code, shape, values, e);
  if (status) return status;
  code->load *= ((const sg_learners *)code->self)->k;
  code->promised = shape->workers - 1;
  return SG_OK;
}

static void batch_plan(const sg_code *code, const void *state, int round, int snapshot,
                       sg_orders *o) {
  const sg_learners *l = code->self;
  for (int t = 0; t < l->k; t++) sg_learners_give(l, SG_ALL, snapshot, t, o);
}

static void batch_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const sg_learners *l = code->self;
  sg_learners_row(code, l, message->from,
                  (unsigned)message->snapshot * (unsigned)l->k + (unsigned)message->tag, row);
}

const sg_code_type sg_k_batch_sync = {
    .about = {.name = "k-batch-sync",
              .brief = "the first K mini-batches at one model",
              .summary = "The model is updated with the mean of the first K mini-batches, several "
                         "of a fast worker if need be, all at the same model; the rest is "
                         "cancelled. Approximate.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113 "
                           "(published); details recalled, expectations derived.",
              .params = batch_params},
    .create = batch_create,
    .encode = batch_encode,
    .weights = weights,
    .plan = batch_plan,
};
