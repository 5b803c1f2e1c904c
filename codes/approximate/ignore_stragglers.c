/* SPDX-License-Identifier: MIT */
/* Ignoring stragglers: the master takes the n − s fastest shares and scales their sum by n/(n − s).
 *
 * Unbiased when all workers are equally likely to be late. Decoding error Σ(α − 1)² = n s/(n − s),
 * whoever is missing. */
#include "codes/frame/stop.h"
#include "codes/tools/rules.h"

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of slowest workers that are not waited for"), {0}};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  code->parts = n;
  code->promised = s;
  code->exact = s == 0;
  code->flags = s == 0 ? SG_WEIGHTS_CONSTANT : SG_WEIGHTS_BY_COUNT;
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->from, 0, 1);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  /* Where the stop policy ends a round with what there is or with fewer, that is what is used; with
   * s = 0 the sum is promised, whatever the policy. */
  bool fewer = !code->exact && code->policy->wants & (SG_ENDS_WITH_ALL | SG_COUNTS_ITS_OWN);
  if (used->count < code->nodes - code->promised && !fewer) return SG_UNDECODABLE;
  double weight = (double)code->nodes / used->count;
  for (int i = 0; i < used->count; i++) used->W[i] = weight;
  /* The parts that came have α = n/f, the others 0. */
  used->info->alpha_error = used->count * (weight - 1) * (weight - 1) + (code->nodes - used->count);
  used->info->alpha_sum = code->nodes;
  return SG_OK;
}

const sg_code_type sg_ignore_stragglers = {
    .about = {.name = "ignore-stragglers",
              .brief = "the fastest n - s shares, approximate",
              .summary = "No redundancy: the master takes the fastest n - s shares and rescales "
                         "their sum by n/(n - s). Approximate: stragglers' data is missing.",
              .reference = "Baseline of Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), "
                           "arXiv:1612.03301 (published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
