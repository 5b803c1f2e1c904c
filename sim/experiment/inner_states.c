/* SPDX-License-Identifier: MIT */
#include "sim/experiment/inner_states.h"

#include "models/learning/local.h"

#include <stdlib.h>

static size_t size_of(const sg_world *w) {
  const sg_local_optimizer *inner = w->code->local;
  if (!inner || !inner->kept || w->problem->timing_only) return 0;
  return (size_t)sg_local_size(inner, w->problem->length);
}

bool sg_inner_states_init(sg_inner_states *s, const sg_world *w) {
  *s = (sg_inner_states){.size = size_of(w)};
  if (s->size) s->state = calloc((size_t)w->code->nodes * s->size, sizeof *s->state);
  return s->state || !s->size;
}

void sg_inner_states_free(sg_inner_states *s) {
  free(s->state);
}

double sg_inner_states_memory(const sg_world *w) {
  return sizeof(double) * (double)size_of(w) * w->code->nodes;
}
