/* SPDX-License-Identifier: MIT */
/* Two-state chains by sojourns: see chain.h. */
#include "models/delay/chain.h"
#include "sim/core/elementary.h"

#include <math.h>

/* Iterations of a stay that ends with probability p after each: at least 1. */
static uint64_t stay(double p, double u) {
  enum { LONGEST = 1 << 30 };
  if (p <= 0) return UINT64_MAX / 2;
  double length = 1 + floor(sg_log1p(-u) / sg_log1p(-p));
  return length < LONGEST ? (uint64_t)length : UINT64_MAX / 2;
}

static void next_sojourn(const sg_chain *c, sg_chain_state *s, uint32_t replication, int worker) {
  sg_stream stream;
  s->sojourn = s->until == 0 ? 0 : s->sojourn + 1;
  sg_stream_at(&stream, c->seed, replication, SG_FOR_STATE, (uint32_t)worker, s->sojourn, c->draw);
  s->in = s->until == 0 ? sg_uniform(&stream) < c->start : !s->in;
  s->from = s->until;
  s->until += stay(s->in ? c->leave : c->enter, sg_uniform(&stream));
}

bool sg_chain_in(const sg_chain *c, sg_chain_state *s, uint32_t replication, int worker,
                 uint32_t iteration) {
  if (iteration < s->from) *s = (sg_chain_state){0};
  while (iteration >= s->until) next_sojourn(c, s, replication, worker);
  return s->in;
}
