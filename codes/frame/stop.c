/* SPDX-License-Identifier: MIT */
/* What is common to all stop policies: making them from a scheme's member `stop`. */
#include "codes/frame/stop.h"

#include <math.h>

const sg_param sg_scheme_params[] = {
    {.name = "stop",
     .kind = SG_FAMILY,
     .summary = "When the master stops waiting for messages; the code's own rule when absent. A "
                "policy without parameters may be given by its name alone.",
     .family = &sg_stop_family,
     .flags = SG_OPTIONAL},
    {0}};

/* A policy of a type, made from its values or, without any, as it is. */
static sg_status make(sg_code *code, const sg_variant *type, const sg_values *values,
                      const sg_policy **out, sg_error *e) {
  sg_policy *stop = sg_code_alloc(code, 1, sizeof *stop);
  if (!stop) return sg_fail_memory(e);
  stop->type = (const sg_stop_type *)type;
  stop->wants = stop->type->wants;
  sg_status status =
      values && stop->type->create ? stop->type->create(stop, code, values, e) : SG_OK;
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) stop->wants |= stop->part[i]->wants;
  *out = stop;
  return status;
}

sg_status sg_stop_new(sg_code *code, const sg_values *values, const sg_policy **out, sg_error *e) {
  return make(code, values->variant, values, out, e);
}

sg_status sg_stop_of_scheme(sg_code *code, const sg_values *scheme, const sg_policy **out,
                            sg_error *e) {
  const sg_values *given =
      scheme && sg_values_param(scheme, "stop") ? sg_object(scheme, "stop") : NULL;
  if (given && code->type->on_event && !(code->flags & SG_ROUNDS))
    return sg_fail_at(e, scheme, "stop",
                      "expected no \"stop\" with \"%s\", whose protocol decides itself when to "
                      "decode, found \"%s\"",
                      code->type->about.name, given->variant->name);
  if (given) return sg_stop_new(code, given, out, e);
  /* A code that says itself when it is ready, or one whose messages are counted. */
  bool says = code->type->arrive || code->flags & SG_STOP_DECODABLE;
  const sg_variant *own = sg_family_find(&sg_stop_family, says ? "decodable" : "count");
  return make(code, own, NULL, out, e);
}

double sg_stop_deadline(const sg_policy *stop, bool *other) {
  double deadline = INFINITY;
  if (stop->type->timed && stop->type->rule == SG_AFTER_SECONDS)
    deadline = stop->value;
  else if (stop->type->timed)
    *other = true;
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) deadline = fmin(deadline, sg_stop_deadline(stop->part[i], other));
  return deadline;
}
