/* SPDX-License-Identifier: MIT */
/* Making gradient codes: defaults, mistakes of their authors, measures. */
#include "codes/frame/measure.h"
#include "codes/frame/stop.h"

#include <stdlib.h>
#include <string.h>

sg_status sg_code_one_segment(sg_code *code, const sg_values *values, const char *member,
                              int pieces, int need, sg_error *e) {
  long length = code->shape.length;
  if (pieces > length)
    return sg_fail_at(e, values, member,
                      "expected at most as many pieces (m) as a gradient has coordinates (%ld), "
                      "found %d",
                      length, pieces);
  sg_segment *segment = sg_code_alloc(code, 1, sizeof *segment);
  if (!segment) return sg_fail_memory(e);
  *segment = (sg_segment){.begin = 0, .end = length, .pieces = pieces, .need = need};
  code->segment = segment;
  code->segments = 1;
  return SG_OK;
}

static sg_code *blank(const sg_code_type *type, const sg_shape *shape) {
  sg_code *code = calloc(1, sizeof *code);
  if (!code) return NULL;
  code->type = type;
  code->shape = *shape;
  code->nodes = shape->workers;
  code->parts = shape->subsets;
  code->segments = code->models = 1;
  code->exact = true;
  double *speed = sg_code_alloc(code, (size_t)shape->workers, sizeof *speed);
  if (!speed) {
    sg_code_free(code);
    return NULL;
  }
  for (int i = 0; i < shape->workers; i++) speed[i] = shape->speed ? shape->speed[i] : 1;
  code->shape.speed = speed;
  return code;
}

/* Mistakes of a code's author, found before they can do harm. */
static const char *mistake(const sg_code *code) {
  if (code->nodes < 1 || code->parts < 1 || code->models < 1 || code->coded_parts < 0)
    return "nodes, parts and models must be positive";
  if (code->edge && (code->edge[0] != 0 || code->edge[code->parts] != 1))
    return "edges must go from 0 to 1";
  for (int p = 0; code->edge && p < code->parts; p++)
    if (!(code->edge[p] < code->edge[p + 1])) return "edges must rise";
  long end = 0;
  for (int s = 0; s < code->segments; s++) {
    const sg_segment *segment = &code->segment[s];
    if (segment->begin != end || segment->end <= end) return "segments must follow one another";
    if (segment->pieces < 1 || segment->pieces > segment->end - segment->begin)
      return "pieces must be from 1 to the length of the segment";
    end = segment->end;
  }
  for (int s = 0; s < code->segments && code->flags & SG_OFFSET; s++)
    if (code->segment[s].pieces > 1) return "offsets need segments of one piece";
  if (end != code->shape.length) return "segments must cover all coordinates";
  if (!code->type->encode) return "encode is missing";
  if (code->coded_parts) {
    if (!code->type->weights) return "coded parts need weights of their own";
    if (code->flags & (SG_BATCHES | SG_LOCAL))
      return "coded parts have neither mini-batches nor local steps";
    if (!code->coded) return "coded is missing";
  }
  for (int c = 0; c < code->coded_parts; c++) {
    if (code->coded[c].count < 1) return "a coded part must be a combination of parts";
    for (int i = 0; i < code->coded[c].count; i++)
      if (code->coded[c].part[i] < 0 || code->coded[c].part[i] >= code->parts)
        return "a coded part combines a part that the code does not have";
  }
  if ((code->flags & SG_ASYNC) && !code->type->on_event)
    return "without a barrier: on_event is missing";
  return NULL;
}

static sg_status complete(sg_code *code, const sg_values *values, sg_error *e) {
  const sg_code_type *type = code->type;
  if (!code->segment) {
    sg_status status = sg_code_one_segment(code, NULL, NULL, 1, code->nodes, e);
    if (status) return status;
  }
  const char *what = mistake(code);
  if (what) return sg_fail(e, SG_BUG, NULL, "code %s: %s", type->about.name, what);
  if (code->reduction == 0) code->reduction = code->segment[0].pieces;
  sg_status status = sg_stop_of_scheme(code, values, &code->policy, e);
  if (status) return status;
  if (code->coded_parts && code->policy->wants & SG_WANTS_DECODABLE && !type->arrive)
    return sg_fail(e, SG_INVALID, NULL,
                   "code %s: coded data have no rank test: expected a stop policy other than "
                   "\"%s\", or a code with arrive",
                   type->about.name, code->policy->type->about.name);
  if (!code->stop || (values && sg_values_param(values, "stop") && sg_given(values, "stop")))
    code->stop = code->policy->type->about.name;
  if (!type->on_event && (!type->plan || code->load <= 0)) return sg_measure(code, e);
  if (code->stored <= 0) code->stored = code->nodes * code->load / code->shape.subsets;
  return SG_OK;
}

sg_status sg_code_new(const sg_code_type *type, const sg_shape *shape, const sg_values *values,
                      sg_code **out, sg_error *e) {
  *out = NULL;
  if (shape->workers < 1 || shape->subsets < 1 || shape->length < 1)
    return sg_fail(e, SG_BUG, NULL, "a code needs workers, subsets and coordinates");
  sg_code *code = blank(type, shape);
  if (!code) return sg_fail_memory(e);
  sg_status status = sg_values_check_with(values, e);
  if (!status) status = type->create(code, shape, values, e);
  code->shape.forecast = NULL; /* its maker may be gone when the code is used */
  if (!status) status = complete(code, values, e);
  if (status) {
    sg_code_free(code);
    return status;
  }
  *out = code;
  return SG_OK;
}
