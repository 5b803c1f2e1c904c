/* SPDX-License-Identifier: MIT */
/* The table of compressors, and how messages go through them. */
#include "models/compress/compress.h"

#include <assert.h>
#include <stdlib.h>

/* One line a compressor, in the order of the documentation; number formats as in sg_precision. */
/* clang-format off */
#define COMPRESSORS(X) \
  X(float64) \
  X(float32) \
  X(bfloat16) \
  X(qsgd) \
  X(terngrad) \
  X(scaled_sign) \
  X(stochastic_sign) \
  X(percentile) \
  X(top_k) \
  X(rand_k) \
  X(sparsification) \
  X(scalar_quantiser) \
  X(near_democratic) \
  X(democratic) \
  X(worker_bits)

/* clang-format on */

#define DECLARE(name) extern const sg_compressor_type sg_compressor_##name;
#define ENTER(name)   &sg_compressor_##name,
COMPRESSORS(DECLARE)
static const sg_compressor_type *const types[] = {COMPRESSORS(ENTER)};

static const sg_variant *variant_at(int i) {
  return i >= 0 && (size_t)i < sizeof types / sizeof *types ? &types[i]->about : NULL;
}

const sg_family sg_compressor_family = {.selector = "compressor",
                                        .what = "compressor",
                                        .at = variant_at,
                                        .fallback = "float64",
                                        .by_name = true};

const char *const sg_feedbacks[] = {"none", "classic", "ef21", NULL};

const sg_param sg_compression_params[] = {
    SG_ROW_CHOICE("feedback", sg_feedbacks, SG_FEEDBACK_NONE,
                  "What a worker remembers of the messages that were used, one vector for each "
                  "segment. Classic: what it has not sent yet, which it adds to its next message. "
                  "EF21: what the master has of it; it sends the compressed difference to that. "
                  "Left out: classic with top-k, none with the others.",
                  .flags = SG_OPTIONAL, .formerly = "error_feedback"),
    SG_ROW("insist", SG_BOOL,
           "Whether to go on where a combination with a code is wrong: feedback with weights that "
           "change or without a barrier, a compressor with a bias where weights depend on who "
           "answers. Otherwise these are refused.",
           .flags = SG_OPTIONAL),
    {0}};

static sg_feedback feedback_of(const sg_compressor_type *type, const sg_values *values) {
  bool given = sg_values_param(values, "feedback") && sg_given(values, "feedback");
  return given ? (sg_feedback)sg_choice(values, "feedback") : type->feedback;
}

sg_status sg_compressor_init(sg_compressor *c, const sg_values *values, sg_error *e) {
  /* `about` is its first member. */
  *c = (sg_compressor){.type = (const sg_compressor_type *)values->variant};
  c->number_bits = c->type->number_bits;
  c->unbiased = c->type->unbiased;
  c->feedback = feedback_of(c->type, values);
  assert(sg_family_find(&sg_compressor_family, values->variant->name) == values->variant);
  return c->type->init ? c->type->init(c, values, e) : SG_OK;
}

bool sg_compressor_fixed(const sg_compressor *c) {
  return !c || c->number_bits > 0 || c->bits;
}

double sg_compressor_bits(const sg_compressor *c, long length) {
  assert(sg_compressor_fixed(c));
  if (c && c->bits) return c->bits(c->state, length);
  return c ? c->head_bits + c->number_bits * (double)length : 64.0 * (double)length;
}

int sg_compressor_memory(const sg_compressor *c) {
  return c && c->feedback ? 1 : 0;
}

bool sg_compressor_forms(const sg_compressor *c) {
  return !sg_compressor_fixed(c) || sg_compressor_memory(c) > 0;
}

/* Without memory. */
static sg_status squeeze(const sg_compressor *c, sg_packed *p, sg_dither *dither, long n, double *x,
                         double *bits) {
  if (!c || !c->type->encode) {
    if (c && c->type->round) c->type->round(c->state, n, x);
    *bits = sg_compressor_bits(c, n);
    return SG_OK;
  }
  p->count = p->at = 0;
  p->failed = false;
  p->key = dither ? dither->key : 0;
  c->type->encode(c->state, dither, n, x, p);
  if (p->failed) return SG_NO_MEMORY;
  *bits = (double)p->count;
  assert(!sg_compressor_fixed(c) || *bits == sg_compressor_bits(c, n));
  c->type->decode(c->state, n, p, x);
  assert(p->failed || p->at == p->count);
  return p->failed ? SG_NO_MEMORY : SG_OK;
}

sg_status sg_compress(const sg_compressor *c, sg_packed *p, sg_dither *dither, long n, double *x,
                      double *memory, double *bits) {
  sg_feedback feedback = c && memory ? c->feedback : SG_FEEDBACK_NONE;
  if (feedback == SG_FEEDBACK_CLASSIC)
    for (long i = 0; i < n; i++) memory[i] = x[i] += memory[i];
  if (feedback == SG_FEEDBACK_EF21)
    for (long i = 0; i < n; i++) x[i] -= memory[i];
  sg_status status = squeeze(c, p, dither, n, x, bits);
  if (feedback == SG_FEEDBACK_CLASSIC)
    for (long i = 0; i < n; i++) memory[i] -= x[i];
  if (feedback == SG_FEEDBACK_EF21)
    for (long i = 0; i < n; i++) x[i] = memory[i] += x[i];
  return status;
}

void sg_packed_free(sg_packed *p) {
  free(p->byte);
  free(p->scratch);
  *p = (sg_packed){0};
}
