/* SPDX-License-Identifier: MIT */
#include "models/delay/source.h"

#include <math.h>

sg_status sg_source_init(sg_source *s, const sg_values *values, int workers, uint64_t seed,
                         sg_replay_column column, double per_subset_s, sg_error *e) {
  *s = (sg_source){.seed = seed};
  if (values->variant == &sg_replay_variant)
    return sg_replay_new(values, workers, seed, column, per_subset_s, &s->replay, e);
  return sg_law_init(&s->law, values, e);
}

void sg_source_clear(sg_source *s) {
  sg_law_clear(&s->law);
  sg_replay_free(s->replay);
  *s = (sg_source){0};
}

double sg_source_level(const sg_source *s, int worker) {
  return s->replay ? sg_replay_mean(s->replay, worker) : 1;
}

bool sg_source_is_random(const sg_source *s) {
  return s->replay || s->law.type->variance(s->law.state) > 0;
}

bool sg_source_take_mean(sg_source *s) {
  s->certain = s->replay || isfinite(s->law.type->mean(s->law.state));
  return s->certain;
}

double sg_source_seconds(const sg_source *s, uint32_t replication, int worker, uint32_t iteration,
                         uint32_t draw) {
  if (s->certain)
    return s->replay ? sg_replay_mean(s->replay, worker) : s->law.type->mean(s->law.state);
  if (s->replay) return sg_replay_seconds(s->replay, replication, worker, iteration, draw);
  sg_stream stream;
  sg_stream_at(&stream, s->seed, replication, SG_FOR_COMPUTE, (uint32_t)worker, iteration, draw);
  return sg_law_draw(&s->law, &stream);
}
