/* SPDX-License-Identifier: MIT */
/* Compressors with codes (theory: error-feedback). A memory brings back later, with the weight of
 * then, what was kept back: that cancels only if a message always has the same weight, and if its
 * sender knows what became of the last one before it makes the next. A bias does not average out,
 * and weights that are chosen by who answers magnify it: then only unbiased compressors have a mean
 * to rely on. Number formats have no bias that matters beside that. */
#include "sim/experiment/compression.h"

#include "codes/frame/stop.h"
#include "sim/check/rehearsal.h"
#include "sim/core/owned.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The scheme's own; NULL: it has none, or (tests) its table does not know of any. */
static const sg_values *own_of(const sg_point *point) {
  const char *name = "compression";
  return sg_values_param(point->scheme, name) ? sg_object(point->scheme, name) : NULL;
}

const sg_values *sg_compression_of(const sg_point *point) {
  const sg_values *own = own_of(point);
  return own ? own : sg_object(sg_section(point, "network"), "compression");
}

bool sg_compression_loses(const sg_point *point, const sg_world *w) {
  const sg_compressor *c = &w->compressor;
  bool shared = w->broadcast.type && w->broadcast.type->number_bits < 32;
  if (shared || (!c->type->round && !c->type->encode)) return shared;
  return c->type->number_bits < 32 || c->feedback || own_of(point);
}

static sg_status read(const sg_values *values, const char *of, sg_compressor *c, const sg_world *w,
                      sg_error *e) {
  sg_status status = sg_compressor_init(c, values, e);
  if (status || sg_compressor_fixed(c) || !w->problem->timing_only) return status;
  return sg_fail_at(e, values, "compressor",
                    "the bits of \"%s\" depend on the %s, and the problem \"%s\" has none",
                    values->variant->name, of, w->problem->type->about.name);
}

sg_status sg_compression_read(const sg_point *point, sg_world *w, sg_error *e) {
  const sg_values *models = sg_object(sg_section(point, "network"), "broadcast_compression");
  sg_status status = read(sg_compression_of(point), "gradients", &w->compressor, w, e);
  if (!models || status) return status;
  status = read(models, "models", &w->broadcast, w, e);
  if (status || w->broadcast.least <= w->problem->length) return status;
  return sg_fail_at(e, models, "k", "expected at most l = %ld, the length of a model, found %ld",
                    w->problem->length, w->broadcast.least);
}

/* "k" of n coordinates, in every segment. */
static sg_status check_lengths(const sg_values *compression, const sg_world *w, sg_error *e) {
  long shortest = LONG_MAX;
  for (int s = 0; s < w->code->segments; s++) {
    long length = sg_segment_length(&w->code->segment[s]);
    shortest = length < shortest ? length : shortest;
  }
  if (w->compressor.least <= shortest) return SG_OK;
  return sg_fail_at(
      e, compression, "k",
      "expected at most n = %ld, the length of the shortest message of scheme \"%s\", "
      "found %ld",
      shortest, w->label, w->compressor.least);
}

/* Whether each message has the same weights whenever it is used; else, of what they depend. */
static bool weights_stay(const sg_world *w, const char **why) {
  const sg_code *code = w->code;
  bool counts = code->policy->type->wants & SG_COUNTS,
       fewer = code->flags & SG_ANY_COUNT && sg_delay_fails(w->delay);
  if (code->flags & SG_WEIGHTS_CONSTANT) return true;
  *why = "who answers";
  if (!(code->flags & SG_WEIGHTS_BY_COUNT)) return false;
  *why = fewer ? "how many answer, which crashes and erasures change"
               : "how many answer, which the stop policy leaves open";
  return counts && !fewer;
}

/* Whether some sender has several messages of one segment in the plan of a round, as far as one
 * sees it beforehand. */
static sg_status sends_several(const sg_code *code, bool *several, sg_error *e) {
  sg_rehearsal r = {0};
  sg_status status = sg_rehearse_opening(code, &r, e);
  size_t memories = (size_t)code->nodes * (size_t)code->segments;
  SG_OWNED bool *sends = calloc(memories, sizeof *sends);
  *several = false;
  if (!status && !sends) status = sg_fail_memory(e);
  for (int i = 0; !status && i < r.count; i++) {
    bool *mine = &sends[r.message[i]->from * code->segments + r.message[i]->segment];
    *several |= *mine;
    *mine = true;
  }
  sg_rehearsal_free(&r);
  return status;
}

/* What could be written instead. */
static const char *steady(const sg_world *w) {
  return w->code->flags & SG_WEIGHTS_BY_COUNT ? "the stop policy \"count\" without losses"
                                              : "a code whose weights stay the same (uncoded, "
                                                "fractional-repetition, approximate ones "
                                                "with decoding \"fixed\")";
}

sg_status sg_compression_check(const sg_point *point, const sg_world *w, sg_error *e) {
  const sg_values *compression = sg_compression_of(point);
  const sg_compressor *c = &w->compressor;
  const char *name = c->type->about.name, *code = w->code->type->about.name, *why = "";
  bool biased = c->type->encode && !c->unbiased;
  bool insists = sg_given(compression, "insist") && sg_bool(compression, "insist");
  sg_status status = check_lengths(compression, w, e);
  if (status || insists || (!c->feedback && !biased)) return status;
  if (c->feedback && w->code->flags & SG_ASYNC)
    return sg_fail_at(e, compression, "feedback",
                      "expected \"none\" with the code \"%s\", or a code with a barrier such as "
                      "k-sync: without one a worker goes on before it knows what became of its "
                      "last message; found \"%s\" with \"%s\" (\"insist\": true runs it)",
                      code, sg_feedbacks[c->feedback], name);
  if (c->feedback && w->code->inner)
    return sg_fail_at(e, compression, "feedback",
                      "expected \"none\" with a collective: every hop compresses a sum of several "
                      "workers, and what it leaves out would come back in another one; found "
                      "\"%s\" with \"%s\" (\"insist\": true runs it)",
                      sg_feedbacks[c->feedback], name);
  if (c->feedback == SG_FEEDBACK_EF21) {
    bool several;
    status = sends_several(w->code, &several, e);
    if (status) return status;
    if (several)
      return sg_fail_at(
          e, compression, "feedback",
          "expected \"classic\" or \"none\" with the code \"%s\", whose workers send "
          "several messages of a segment in a round: EF21 remembers what the master has "
          "of one; found \"ef21\" with \"%s\" (\"insist\": true runs it)",
          code, name);
  }
  if (weights_stay(w, &why)) return SG_OK;
  if (c->feedback)
    return sg_fail_at(e, compression, "feedback",
                      "expected \"none\" and an unbiased compressor such as \"qsgd\", or %s: the "
                      "weights of the code \"%s\" depend on %s, and what a worker kept back would "
                      "come back with another one; found \"%s\" with \"%s\" (\"insist\": true runs "
                      "it)",
                      steady(w), code, why, sg_feedbacks[c->feedback], name);
  /* A common factor of all messages magnifies nothing. */
  if (w->code->flags & SG_WEIGHTS_BY_COUNT) return SG_OK;
  return sg_fail_at(e, compression, "compressor",
                    "expected an unbiased compressor such as \"qsgd\", or %s: the weights of the "
                    "code \"%s\" depend on %s, and magnify a bias; found \"%s\" (\"insist\": true "
                    "runs it)",
                    steady(w), code, why, name);
}

sg_status sg_compression_check_beside(const sg_values *scheme, const sg_values *optimizer,
                                      const sg_world *w, sg_error *e) {
  const char *code = w->code->type->about.name;
  if (w->compressor.feedback != SG_FEEDBACK_CLASSIC)
    return sg_fail_at(
        e, optimizer, "method",
        "\"dgd-def\" takes gradients beside the model, by what the worker has not sent "
        "yet: expected a compression with \"feedback\": \"classic\", found \"%s\" with "
        "\"%s\"",
        sg_feedbacks[w->compressor.feedback], w->compressor.type->about.name);
  if (w->code->nodes > 1)
    return sg_fail_at(e, optimizer, "method",
                      "\"dgd-def\" is for a link between two: expected 1 worker, found %d: workers "
                      "keep back different errors and would take gradients at different points, "
                      "which no code can add up",
                      w->code->nodes);
  if (strcmp(code, "uncoded") != 0)
    return sg_fail_at(e, scheme, NULL,
                      "\"dgd-def\" is for one message of weight 1 in each iteration: expected the "
                      "code \"uncoded\", found \"%s\"",
                      code);
  if (sg_optimizer_projects(w->optimizer))
    return sg_fail_at(e, optimizer, "radius",
                      "\"dgd-def\" does without a ball: a projected model is no longer a step away "
                      "from where the gradient was taken; expected no radius");
  return SG_OK;
}
