/* SPDX-License-Identifier: MIT */
/* Addressed random streams on Philox. */
#include "sim/core/random.h"
#include "sim/core/elementary.h"

#include <Random123/philox.h>

typedef struct sg_philox_state state_t;

static void refill(state_t *s) {
  philox4x32_ctr_t c = {{s->counter[0], s->counter[1], s->counter[2], s->counter[3]}};
  philox4x32_key_t k = {{s->key[0], s->key[1]}};
  philox4x32_ctr_t r = philox4x32(c, k);
  for (int i = 0; i < 4; i++) s->out[i] = r.v[i];
  s->counter[0]++;
  s->used = 0;
}

static uint32_t next32(state_t *s) {
  if (s->used == 4) refill(s);
  return s->out[s->used++];
}

/* A double takes two words, so that it always lies inside one block of four. */
static inline double next53(state_t *s) {
  if (s->used > 2) refill(s);
  uint64_t bits = (uint64_t)s->out[s->used] << 32 | s->out[s->used + 1];
  s->used += 2;
  return (double)(bits >> 11) * 0x1p-53;
}

static void philox_set(void *state, unsigned long seed) {
  state_t *s = state;
  *s = (state_t){.key = {(uint32_t)seed, (uint32_t)((uint64_t)seed >> 32)}, .used = 4};
}

static unsigned long philox_get(void *state) {
  return next32(state);
}

static double philox_get_double(void *state) {
  return next53(state);
}

static const gsl_rng_type philox_type = {.name = "philox4x32-10",
                                         .max = 0xffffffffUL,
                                         .min = 0,
                                         .size = sizeof(state_t),
                                         .set = philox_set,
                                         .get = philox_get,
                                         .get_double = philox_get_double};

void sg_stream_at(sg_stream *s, uint64_t seed, uint32_t replication, sg_purpose purpose,
                  uint32_t worker, uint32_t iteration, uint32_t draw) {
  s->rng.type = &philox_type;
  s->rng.state = &s->state;
  s->state =
      (state_t){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                .counter = {draw << 16, iteration, worker, (uint32_t)purpose << 24 | replication},
                .used = 4};
}

uint64_t sg_replication_seed(uint64_t seed, uint32_t replication) {
  sg_stream s;
  sg_stream_at(&s, seed, replication, SG_FOR_SEEDS, 0, 0, 0);
  uint64_t high = next32(&s.state);
  return high << 32 | next32(&s.state);
}

double sg_uniform(sg_stream *s) {
  return next53(&s->state);
}

/* 1 - u is exact and lies in (0, 1]. */
double sg_exponential(sg_stream *s, double mean) {
  return -mean * sg_log(1.0 - next53(&s->state));
}
