/* SPDX-License-Identifier: MIT */
/* The uniform quantiser with a real budget of bits, and the random subsets that it chooses. Levels
 * are found for a chunk of coefficients at a time, in vectors, and then written one after another
 * without a branch: a store of eight bytes, of which the next one keeps those that are complete. */
#include "models/compress/quantiser.h"
#include "sim/core/array.h"
#include "sim/core/simd.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 256, HASHED = 1 << 12 };

/* Draws at the address of a message; 0 is what sg_dither_next takes. */
enum { DRAW_SUBSET = 1, DRAW_EXTRA = 1, DRAW_ROUNDING = 9 };

const char *const sg_roundings[] = {"nearest", "dithered", "sampled", NULL};

sg_status sg_quantiser_read(sg_quantiser *q, const sg_values *values, sg_error *e) {
  *q = (sg_quantiser){.rate = sg_real(values, "bits"),
                      .rounding = (sg_rounding)sg_choice(values, "rounding")};
  if (q->rounding == SG_DITHERED && q->rate < 1)
    return sg_fail_at(e, values, "bits",
                      "a dithered quantiser has at least one bit for each coordinate: expected "
                      "bits ≥ 1, or \"rounding\": \"sampled\", which sends some of them, found %g",
                      q->rate);
  if (q->rounding == SG_SAMPLED && q->rate >= 1)
    return sg_fail_at(e, values, "bits",
                      "a sampled quantiser sends fewer coordinates than there are: expected bits "
                      "< 1, or \"rounding\": \"dithered\", found %g",
                      q->rate);
  return SG_OK;
}

static int chunk_of(long m, long begin) {
  return m - begin < CHUNK ? (int)(m - begin) : CHUNK;
}

/* --- Who gets how many bits ------------------------------------------------------------------- */

typedef struct share {
  int base;   /* bits b of each coefficient */
  long extra; /* so many have one more */
  int sign;   /* bits of a sign where b > 0 */
  double scale;
} share;

static share share_of(const sg_quantiser *q, long d, long m) {
  /* 4.1 · 1000 is 4100 here, although the product of the doubles is less. */
  long budget = (long)floor(q->rate * (double)d * (1 + 0x1p-48));
  share s = {.scale = 1, .sign = q->rounding != SG_NEAREST};
  if (q->rounding == SG_SAMPLED) {
    s.extra = budget < 1 ? 1 : budget < m ? budget : m;
    s.scale = (double)m / (double)s.extra;
  } else if (q->rounding == SG_DITHERED && budget < m) {
    s.base = 1;
  } else {
    s.base = (int)(budget / m);
    s.extra = budget % m;
  }
  return s;
}

static int width_of(const share *s, uint32_t more) {
  int b = s->base + (int)more;
  return b > 0 ? b + s->sign : 0;
}

double sg_quantiser_bits(const sg_quantiser *q, long d, long m) {
  share s = share_of(q, d, m);
  return (double)s.extra * width_of(&s, 1) + (double)(m - s.extra) * width_of(&s, 0);
}

/* --- Random subsets --------------------------------------------------------------------------- */

static bool is_hashed(long n) {
  return n >= HASHED && n <= (1L << 31) && (n & (n - 1)) == 0;
}

long sg_subset_room(long n) {
  return is_hashed(n) ? 0 : (n + 63) / 64;
}

/* Adding, multiplying by an odd number and folding the upper half into the lower are permutations
 * of the numbers of so many bits; the last sum makes every place equally likely. */
static void draw_permutation(sg_subset *s, sg_stream *stream) {
  int bits = 0;
  while ((1L << bits) < s->n) bits++;
  s->hashed = true;
  s->mask = (uint32_t)(s->n - 1);
  s->half = (uint32_t)(bits + 1) / 2;
  for (int i = 0; i < 2; i++) {
    s->add[i] = (uint32_t)(sg_uniform(stream) * 0x1p32);
    s->times[i] = (uint32_t)(sg_uniform(stream) * 0x1p32) | 1;
  }
}

void sg_subset_draw(sg_subset *s, uint64_t key, uint32_t draw, long n, long k, double *room) {
  *s = (sg_subset){.n = n, .k = k};
  if (k == 0 || k == n) return;
  sg_stream stream;
  if (is_hashed(n)) {
    sg_stream_at(&stream, key, 0, SG_FOR_DITHER, 0, 0, DRAW_SUBSET + draw);
    draw_permutation(s, &stream);
    return;
  }
  /* One after another, each with the probability that it has, given those before. */
  uint64_t *word = (uint64_t *)(void *)room;
  memset(word, 0, (size_t)((n + 63) / 64) * sizeof *word);
  s->word = word;
  double u[CHUNK];
  for (long i = 0, left = k; i < n && left > 0; i++) {
    if (i % CHUNK == 0)
      sg_uniforms_at(u, chunk_of(n, i), key, 0, SG_FOR_DITHER, (uint32_t)(i / CHUNK),
                     DRAW_SUBSET + draw);
    bool in = u[i % CHUNK] * (double)(n - i) < (double)left;
    word[i / 64] |= (uint64_t)in << i % 64;
    left -= in;
  }
}

SG_CLONES static void permuted(const sg_subset *s, uint32_t begin, int count, uint32_t *in) {
  uint32_t mask = s->mask, half = s->half, k = (uint32_t)s->k;
  for (int i = 0; i < count; i++) {
    uint32_t x = ((begin + (uint32_t)i) * s->times[0] + s->add[0]) & mask;
    x ^= x >> half;
    x = (x * s->times[1]) & mask;
    x ^= x >> half;
    x = (x * s->times[0] + s->add[1]) & mask;
    in[i] = x < k;
  }
}

void sg_subset_flags(const sg_subset *s, long begin, int count, uint32_t *in) {
  if (s->hashed) {
    permuted(s, (uint32_t)begin, count, in);
  } else if (s->word) {
    for (int i = 0; i < count; i++) in[i] = s->word[(begin + i) / 64] >> i % 64 & 1;
  } else {
    uint32_t all = s->k == s->n;
    for (int i = 0; i < count; i++) in[i] = all;
  }
}

/* --- Levels ----------------------------------------------------------------------------------- */

/* As whole numbers: NaN is above infinity, which is above all others. */
SG_CLONES static double most_of(long n, const double *x) {
  typedef int64_t bits __attribute__((vector_size(32), aligned(8), may_alias));
  const sg_v4i magnitude = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
  sg_v4i most = {0, 0, 0, 0};
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    sg_v4i v = *(const bits *)(x + i) & magnitude, more = v > most;
    most = (v & more) | (most & ~more);
  }
  for (; i < n; i++) {
    double size = fabs(x[i]);
    int64_t v;
    memcpy(&v, &size, sizeof v);
    if (v > most[0]) most[0] = v;
  }
  for (int k = 1; k < 4; k++)
    if (most[k] > most[0]) most[0] = most[k];
  double largest;
  int64_t v = most[0];
  memcpy(&largest, &v, sizeof v);
  return largest;
}

static float round_up(double x) {
  float narrow = (float)x;
  return (double)narrow < x ? nextafterf(narrow, INFINITY) : narrow;
}

SG_INLINE void limit(sg_v4 *y, const sg_v4 *top) {
  const sg_v4 zero = SG_V4(0.0);
  sg_v4i above = *y > *top, below = *y < zero;
  sg_v4_select(&above, top, y, y);
  sg_v4_select(&below, &zero, y, y);
}

typedef int32_t code4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint32_t flag4 __attribute__((vector_size(16), aligned(4), may_alias));

/* 2^b or 2^(b + 1) lane by lane: twice where the flag is set. */
SG_INLINE void twice(const uint32_t *more, double once, sg_v4 *out) {
  typedef int32_t i4 __attribute__((vector_size(16)));
  i4 flags = (i4) * (const flag4 *)more;
  *out = (__builtin_convertvector(flags, sg_v4) + 1.0) * once;
}

/* Of CHUNK coefficients; most is at least the largest magnitude, or all are 0. */
SG_CLONES static void nearest(const double *x, double inverse, const uint32_t *more, int base,
                              uint32_t *code) {
  double once = 0.5 * (double)(1L << base);
  for (int i = 0; i < CHUNK; i += 4) {
    sg_v4 half, top, y = *(const sg_v4u *)(x + i);
    twice(more + i, once, &half);
    y = (y * inverse + 1.0) * half;
    top = 2.0 * half - 1.0;
    limit(&y, &top);
    *(code4 *)(code + i) = __builtin_convertvector(y, code4);
  }
}

SG_CLONES static void dithered(const double *x, double inverse, const double *u,
                               const uint32_t *more, int base, uint32_t *code) {
  double once = (double)(1L << base);
  for (int i = 0; i < CHUNK; i += 4) {
    const sg_v4i magnitude = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    sg_v4 points, top, v = *(const sg_v4u *)(x + i);
    twice(more + i, once, &points);
    top = points - 1.0;
    sg_v4 y = (sg_v4)((sg_v4i)v & magnitude) * inverse * top + *(const sg_v4u *)(u + i);
    limit(&y, &top);
    sg_v4w minus = (sg_v4w)v >> 63;
    typedef uint32_t u4 __attribute__((vector_size(16)));
    u4 level = (u4) __builtin_convertvector(y, code4);
    u4 sign = __builtin_convertvector(minus, u4) * (u4) __builtin_convertvector(points, code4);
    *(flag4 *)(code + i) = level + sign;
  }
}

/* Eight bytes are written from `at` on, of which `fill` bits are meant. Returns the next `at`. */
static void write_codes(sg_packed *out, int count, const uint32_t *code, const uint32_t *more,
                        const share *s) {
  unsigned char *at = out->byte + out->count / 8;
  int fill = (int)(out->count % 8), width[2] = {width_of(s, 0), width_of(s, 1)};
  uint64_t bits = fill > 0 ? (uint64_t)(*at >> (8 - fill)) : 0;
  for (int i = 0; i < count; i++) {
    int n = width[more[i]];
    bits = bits << n | (n > 0 ? code[i] : 0);
    fill += n;
    uint64_t big = htobe64(bits << ((64 - fill) & 63));
    memcpy(at, &big, sizeof big);
    at += fill >> 3;
    fill &= 7;
  }
  out->count = (size_t)(at - out->byte) * 8 + (size_t)fill;
}

static void read_codes(sg_packed *in, int count, uint32_t *code, const uint32_t *more,
                       const share *s) {
  int width[2] = {width_of(s, 0), width_of(s, 1)}, i = 0;
  size_t bytes = (in->count + 7) / 8;
  for (; i < count && in->at / 8 + 8 <= bytes; i++) {
    int n = width[more[i]];
    uint64_t big;
    memcpy(&big, in->byte + in->at / 8, sizeof big);
    code[i] = (uint32_t)(be64toh(big) << in->at % 8 >> 1 >> (63 - n));
    in->at += (size_t)n;
  }
  for (; i < count; i++) code[i] = (uint32_t)sg_unpack(in, width[more[i]]);
}

void sg_quantise(const sg_quantiser *q, long d, long m, const double *x, double *room,
                 sg_packed *out) {
  double most = (double)round_up(most_of(m, x));
  const share s = share_of(q, d, m);
  size_t bits = out->count + 32 + (size_t)sg_quantiser_bits(q, d, m);
  sg_subset extra;
  sg_pack_float(out, most);
  /* With room for what a store writes beyond. */
  if (out->failed || !SG_ROOM(out->byte, out->capacity, bits / 8 + 16)) {
    out->failed = true;
    return;
  }
  /* A largest magnitude that is no number says all; the levels are zeros. */
  double inverse = most > 0 && most <= FLT_MAX ? 1 / most : 0;
  sg_subset_draw(&extra, out->key, DRAW_EXTRA, m, s.extra, room);
  for (long begin = 0; begin < m; begin += CHUNK) {
    int count = chunk_of(m, begin);
    uint32_t more[CHUNK], code[CHUNK];
    double u[CHUNK], rest[CHUNK];
    const double *from = x + begin;
    sg_subset_flags(&extra, begin, count, more);
    if (count < CHUNK || inverse == 0) {
      memset(rest, 0, sizeof rest);
      memset(more + count, 0, (size_t)(CHUNK - count) * sizeof *more);
      if (inverse > 0) memcpy(rest, from, (size_t)count * sizeof *rest);
      from = rest;
    }
    if (q->rounding == SG_NEAREST) {
      nearest(from, inverse, more, s.base, code);
    } else {
      sg_uniforms_at(u, count, out->key, 0, SG_FOR_DITHER, (uint32_t)(begin / CHUNK),
                     DRAW_ROUNDING);
      if (count < CHUNK) memset(u + count, 0, (size_t)(CHUNK - count) * sizeof *u);
      dithered(from, inverse, u, more, s.base, code);
    }
    write_codes(out, count, code, more, &s);
  }
  assert(out->count == bits);
}

/* Where a coefficient has no bits its level counts as 0, with a step of 0. */
void sg_dequantise(const sg_quantiser *q, long d, long m, double *x, double *room, sg_packed *in) {
  const share s = share_of(q, d, m);
  double most = sg_unpack_float(in);
  sg_subset extra;
  sg_subset_draw(&extra, in->key, DRAW_EXTRA, m, s.extra, room);
  for (long begin = 0; begin < m; begin += CHUNK) {
    int count = chunk_of(m, begin);
    uint32_t more[CHUNK], code[CHUNK];
    double *to = x + begin;
    sg_subset_flags(&extra, begin, count, more);
    read_codes(in, count, code, more, &s);
    for (int i = 0; i < count; i++) {
      int b = s.base + (int)more[i];
      double points = (double)(1L << b), level = (double)code[i];
      if (b == 0) {
        to[i] = most * 0;
      } else if (q->rounding == SG_NEAREST) {
        to[i] = most * ((2 * level + 1) / points - 1);
      } else {
        bool minus = level >= points;
        double size = most * ((minus ? level - points : level) / (points - 1) * s.scale);
        to[i] = minus ? -size : size;
      }
    }
  }
}
