/* SPDX-License-Identifier: MIT */
/* Addressed random streams on Philox. */
#include "sim/core/random.h"
#include "sim/core/elementary.h"

#include <assert.h>
#include <Random123/philox.h>
#include <stdbool.h>
#include <string.h>
#ifdef SG_HAS_LANES
#include <immintrin.h>
#endif

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
double sg_exponential_at(double u, double mean) {
  return -mean * sg_log(1.0 - u);
}

double sg_exponential(sg_stream *s, double mean) {
  return sg_exponential_at(next53(&s->state), mean);
}

/* --- Many at a time --------------------------------------------------------------------------- */

#ifdef SG_HAS_LANES
enum { HALVES = 2, SIDE_BY_SIDE = 4 * HALVES };
#define AVX2 SG_AVX2

/* Philox on vectors of four 64-bit lanes, from the counters of `first`, of which that at `word` is
 * one more from lane to lane. A counter's word is in the low half of its lane; what a product
 * leaves in the high half is of no consequence, since multiplications read the low half only. */
AVX2 static inline __attribute__((always_inline)) void philox_lanes(const state_t *first, int word,
                                                                    __m256i c[4][HALVES]) {
  const __m256i m0 = _mm256_set1_epi64x(PHILOX_M4x32_0), m1 = _mm256_set1_epi64x(PHILOX_M4x32_1);
  uint32_t k0 = first->key[0], k1 = first->key[1];
  for (int h = 0; h < HALVES; h++) {
    for (int i = 0; i < 4; i++) c[i][h] = _mm256_set1_epi64x(first->counter[i]);
    c[word][h] =
        _mm256_add_epi64(c[word][h], _mm256_setr_epi64x(4 * h, 4 * h + 1, 4 * h + 2, 4 * h + 3));
  }
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    __m256i x0 = _mm256_set1_epi64x(k0), x1 = _mm256_set1_epi64x(k1);
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++) {
      __m256i p = _mm256_mul_epu32(c[0][h], m0), q = _mm256_mul_epu32(c[2][h], m1);
      c[0][h] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(q, 32), c[1][h]), x0);
      c[2][h] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p, 32), c[3][h]), x1);
      c[1][h] = q;
      c[3][h] = p;
    }
    k0 += PHILOX_W32_0;
    k1 += PHILOX_W32_1;
  }
}

/* Of 53 bits that lie in 64: the upper 21 behind 2^84, whose last place is 2^32, and the lower 32
 * behind 2^52. Their sum is exact. */
AVX2 static inline __attribute__((always_inline)) __m256d uniform_of(__m256i bits) {
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  __m256i number = _mm256_srli_epi64(bits, 11);
  __m256d upper = _mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(number, 32),
                                                      _mm256_set1_epi64x(0x4530000000000000))),
          lower = _mm256_castsi256_pd(_mm256_or_si256(_mm256_and_si256(number, low),
                                                      _mm256_set1_epi64x(0x4330000000000000)));
  upper = _mm256_sub_pd(upper, _mm256_set1_pd(0x1p84));
  lower = _mm256_sub_pd(lower, _mm256_set1_pd(0x1p52));
  return _mm256_mul_pd(_mm256_add_pd(upper, lower), _mm256_set1_pd(0x1p-53));
}

/* Two words of a block as one uniform number. */
AVX2 static inline __attribute__((always_inline)) void store_avx2(double *u, __m256i high,
                                                                  __m256i word) {
  const __m256i low = _mm256_set1_epi64x(0xffffffff);
  _mm256_storeu_pd(
      u, uniform_of(_mm256_or_si256(_mm256_slli_epi64(high, 32), _mm256_and_si256(word, low))));
}

/* The first uniform number of each of eight workers, and the second (v; NULL: not). */
AVX2 static void uniforms_avx2(const state_t *first, double *u, double *v) {
  __m256i c[4][HALVES];
  philox_lanes(first, 2, c);
  for (int h = 0; h < HALVES; h++) {
    store_avx2(u + 4 * h, c[0][h], c[1][h]);
    if (v) store_avx2(v + 4 * h, c[2][h], c[3][h]);
  }
}

SG_AVX512 static inline __attribute__((always_inline)) void store_avx512(double *u, __m512i high,
                                                                         __m512i word) {
  const __m512i low = _mm512_set1_epi64(0xffffffff);
  __m512i bits = _mm512_or_si512(_mm512_slli_epi64(high, 32), _mm512_and_si512(word, low));
  __m512d number = _mm512_cvtepu64_pd(_mm512_srli_epi64(bits, 11));
  _mm512_storeu_pd(u, _mm512_mul_pd(number, _mm512_set1_pd(0x1p-53)));
}

/* Of each of sixteen. */
SG_AVX512 static void uniforms_avx512(const state_t *first, double *u, double *v) {
  const __m512i m0 = _mm512_set1_epi64(PHILOX_M4x32_0), m1 = _mm512_set1_epi64(PHILOX_M4x32_1);
  uint32_t k0 = first->key[0], k1 = first->key[1];
  __m512i c[4][2];
  for (int h = 0; h < 2; h++) {
    for (int i = 0; i < 4; i++) c[i][h] = _mm512_set1_epi64(first->counter[i]);
    c[2][h] = _mm512_add_epi64(c[2][h], _mm512_add_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
                                                         _mm512_set1_epi64(8 * h)));
  }
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    __m512i x0 = _mm512_set1_epi64(k0), x1 = _mm512_set1_epi64(k1);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
      __m512i p = _mm512_mul_epu32(c[0][h], m0), q = _mm512_mul_epu32(c[2][h], m1);
      c[0][h] = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(q, 32), c[1][h]), x0);
      c[2][h] = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(p, 32), c[3][h]), x1);
      c[1][h] = q;
      c[3][h] = p;
    }
    k0 += PHILOX_W32_0;
    k1 += PHILOX_W32_1;
  }
  for (int h = 0; h < 2; h++) {
    store_avx512(u + 8 * h, c[0][h], c[1][h]);
    if (v) store_avx512(v + 8 * h, c[2][h], c[3][h]);
  }
}

/* (w + ½) / 2^32: a word in the significand of 2^20, of which 2^20 − 2^-33 is taken away, exactly.
 */
AVX2 static void philox_coarse(double *u, long n, state_t *s) {
  const __m256i word = _mm256_set1_epi64x(0xffffffff);
  const __m256d million = _mm256_set1_pd(0x1p20), most = _mm256_set1_pd(0x1p20 - 0x1p-33);
  for (long i = 0; i < n; i += SG_COARSE) {
    __m256i c[4][HALVES];
    philox_lanes(s, 0, c);
    s->counter[0] += SIDE_BY_SIDE;
    for (int k = 0; k < 4; k++)
      for (int h = 0; h < HALVES; h++) {
        __m256i bits =
            _mm256_or_si256(_mm256_and_si256(c[k][h], word), _mm256_castpd_si256(million));
        _mm256_storeu_pd(u + i + SIDE_BY_SIDE * k + 4 * h,
                         _mm256_sub_pd(_mm256_castsi256_pd(bits), most));
      }
  }
}

static bool made_coarse(double *u, long n, state_t *s) {
  if (sg_widest_lanes() < SG_LANES_AVX2) return false;
  philox_coarse(u, n, s);
  return true;
}

#else
static bool made_coarse(double *u, long n, state_t *s) {
  return false;
}
#endif

void sg_coarse_uniforms(sg_stream *s, double *u, long n) {
  assert(n % SG_COARSE == 0);
  s->state.used = 4; /* from the next counter on */
  if (made_coarse(u, n, &s->state)) return;
  for (long i = 0; i < n; i += SG_COARSE)
    for (int lane = 0; lane < SG_COARSE / 4; lane++) {
      refill(&s->state);
      for (int k = 0; k < 4; k++)
        u[i + SG_COARSE / 4 * k + lane] = ((double)s->state.out[k] + 0.5) * 0x1p-32;
    }
  s->state.used = 4;
}

/* Of the sixteen workers from w on; false: not with these vectors. */
static bool uniforms_of(sg_lanes lanes, double *u, double *v, int w, state_t *s) {
  s->counter[2] = (uint32_t)w;
#ifdef SG_HAS_LANES
  if (lanes == SG_LANES_AVX512) {
    uniforms_avx512(s, u, v);
    return true;
  }
  if (lanes == SG_LANES_AVX2) {
    uniforms_avx2(s, u, v);
    s->counter[2] = (uint32_t)w + SIDE_BY_SIDE;
    uniforms_avx2(s, u + SIDE_BY_SIDE, v ? v + SIDE_BY_SIDE : NULL);
    return true;
  }
#endif
  return false;
}

void sg_uniform_pairs_at_with(sg_lanes lanes, double *u, double *v, int n, uint64_t seed,
                              uint32_t replication, sg_purpose purpose, uint32_t iteration,
                              uint32_t draw) {
  enum { BLOCK = 16 };
  double rest[2][BLOCK];
  sg_stream s;
  sg_stream_at(&s, seed, replication, purpose, 0, iteration, draw);
  int w = 0;
  while (w + BLOCK <= n && uniforms_of(lanes, u + w, v ? v + w : NULL, w, &s.state)) w += BLOCK;
  if (w < n && uniforms_of(lanes, rest[0], rest[1], w, &s.state)) {
    memcpy(u + w, rest[0], (size_t)(n - w) * sizeof *u);
    if (v) memcpy(v + w, rest[1], (size_t)(n - w) * sizeof *v);
    return;
  }
  for (; w < n; w++) {
    sg_stream_at(&s, seed, replication, purpose, (uint32_t)w, iteration, draw);
    u[w] = next53(&s.state);
    if (v) v[w] = next53(&s.state);
  }
}

void sg_uniforms_at(double *u, int n, uint64_t seed, uint32_t replication, sg_purpose purpose,
                    uint32_t iteration, uint32_t draw) {
  sg_uniform_pairs_at_with(sg_widest_lanes(), u, NULL, n, seed, replication, purpose, iteration,
                           draw);
}
