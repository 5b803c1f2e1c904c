/* SPDX-License-Identifier: MIT */
/* Random times from a law or a trace. */
#include "models/times/times.h"

#include <math.h>

sg_status sg_times_init(sg_times *t, const sg_values *values, sg_purpose purpose, int workers,
                        uint64_t seed, sg_replay_column column, double per_subset_s, sg_error *e) {
  *t = (sg_times){.purpose = purpose, .workers = workers, .seed = seed};
  if (values->variant == &sg_replay_variant)
    return sg_replay_new(values, workers, column, per_subset_s, &t->replay, e);
  return sg_law_init(&t->law, values, e);
}

void sg_times_clear(sg_times *t) {
  sg_law_clear(&t->law);
  sg_replay_free(t->replay);
  *t = (sg_times){0};
}

double sg_times_level(const sg_times *t, int worker) {
  return t->replay ? sg_replay_mean(t->replay, worker) : 1;
}

bool sg_times_are_random(const sg_times *t) {
  return t->replay || t->law.type->variance(t->law.state) > 0;
}

bool sg_times_take_mean(sg_times *t) {
  t->certain = t->replay || isfinite(t->law.type->mean(t->law.state));
  return t->certain;
}

double sg_times_seconds(const sg_times *t, uint32_t replication, int node, uint32_t iteration,
                        uint32_t draw) {
  if (t->certain)
    return t->replay ? sg_replay_mean(t->replay, node) : t->law.type->mean(t->law.state);
  if (t->replay)
    return sg_replay_seconds(t->replay, t->seed, replication, node % t->workers, iteration, draw);
  sg_stream stream;
  sg_stream_at(&stream, t->seed, replication, t->purpose, (uint32_t)node, iteration, draw);
  return sg_law_draw(&t->law, &stream);
}
