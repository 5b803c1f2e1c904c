/* SPDX-License-Identifier: MIT */
/* The uniform quantiser with a real budget of bits, and the random subsets that it chooses. Levels
 * are found for a chunk of coefficients at a time, in vectors, which then put two or four of them
 * into a word. */
#include "models/compress/quantiser.h"
#include "models/compress/packed.h"

#include <float.h>

enum { CHUNK = 256 /* of SG_COARSE uniforms */, HASHED = 1 << 12 };

/* Draws at the address of a message; 0 is the dither's. */
enum { DRAW_SUBSET = 1, DRAW_EXTRA = 1 };

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

/* count: up to a multiple of 8. */
static SG_CLONES(permuted, (const sg_subset *s, uint32_t begin, int count, uint32_t *in),
                 (s, begin, count, in)) {
  typedef uint32_t u8 __attribute__((vector_size(32)));
  typedef uint32_t out8 __attribute__((vector_size(32), aligned(4), may_alias));
  const u8 step = {0, 1, 2, 3, 4, 5, 6, 7};
  uint32_t mask = s->mask, half = s->half, k = (uint32_t)s->k;
  for (int i = 0; i < count; i += 8) {
    u8 x = ((begin + (uint32_t)i + step) * s->times[0] + s->add[0]) & mask;
    x ^= x >> half;
    x = (x * s->times[1]) & mask;
    x ^= x >> half;
    x = (x * s->times[0] + s->add[1]) & mask;
    *(out8 *)(in + i) = (u8)(x < k) & 1;
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

SG_INLINE void limit(sg_v4 *y, const sg_v4 *top) {
  const sg_v4 zero = SG_V4(0.0);
  sg_v4i above = *y > *top, below = *y < zero;
  sg_v4_select(&above, top, y, y);
  sg_v4_select(&below, &zero, y, y);
}

typedef uint32_t u4 __attribute__((vector_size(16)));
typedef uint32_t flag4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef int32_t code4 __attribute__((vector_size(16), aligned(4), may_alias));

/* 2^b or 2^(b + 1) lane by lane: twice where the flag is set. */
SG_INLINE void twice(const uint32_t *more, double once, sg_v4 *out) {
  i4 flags = *(const code4 *)more;
  *out = (__builtin_convertvector(flags, sg_v4) + 1.0) * once;
}

/* Of CHUNK coefficients; 1/inverse is at least the largest magnitude, or all are 0. */
static SG_CLONES(nearest,
                 (const double *x, double inverse, const uint32_t *more, int base, uint32_t *code),
                 (x, inverse, more, base, code)) {
  double once = 0.5 * (double)(1L << base);
  for (int i = 0; i < CHUNK; i += 4) {
    sg_v4 half, top, y = *(const sg_v4u *)(x + i);
    twice(more + i, once, &half);
    y = (y * inverse + 1.0) * half;
    top = 2.0 * half - 1.0;
    limit(&y, &top);
    *(code4 *)(code + i) = __builtin_convertvector(y, i4);
  }
}

/* The level, and 2^b for a minus; 0 where there are no bits. */
static SG_CLONES(dithered,
                 (const double *x, double inverse, const double *u, const uint32_t *more, int base,
                  uint32_t *code),
                 (x, inverse, u, more, base, code)) {
  double once = (double)(1L << base);
  for (int i = 0; i < CHUNK; i += 4) {
    sg_v4 points, top;
    sg_v4i v = (sg_v4i) * (const sg_v4u *)(x + i);
    twice(more + i, once, &points);
    top = points - 1.0;
    sg_v4 y = (sg_v4)(v & INT64_MAX) * inverse * top + *(const sg_v4u *)(u + i);
    limit(&y, &top);
    sg_v4i minus = (v < 0) & (points > 1.5);
    sg_v4 sign = (sg_v4)((sg_v4i)points & minus);
    *(code4 *)(code + i) = __builtin_convertvector(y, i4) + __builtin_convertvector(sign, i4);
  }
}

/* Two codes side by side in a word, then, where four have room, two such words in one. Returns how
 * many words CHUNK codes make. */
static SG_CLONES_OF(int, pair_codes,
                    (const uint32_t *code, const uint32_t *width, bool four, uint64_t *word,
                     uint64_t *length),
                    (code, width, four, word, length)) {
  typedef uint64_t pair4 __attribute__((vector_size(32), aligned(4), may_alias));
  const uint64_t low = UINT32_MAX;
  for (int i = 0; i < CHUNK; i += 8) {
    sg_v4w c = *(const pair4 *)(code + i), n = *(const pair4 *)(width + i);
    sg_v4w both = (c & low) | (c >> 32) << (n & low), bits = (n & low) + (n >> 32);
    memcpy(word + i / 2, &both, sizeof both);
    memcpy(length + i / 2, &bits, sizeof bits);
  }
  if (!four) return CHUNK / 2;
  for (int i = 0; i < CHUNK / 2; i += 8) {
    sg_v4w a, b, m, n;
    memcpy(&a, word + i, sizeof a);
    memcpy(&b, word + i + 4, sizeof b);
    memcpy(&m, length + i, sizeof m);
    memcpy(&n, length + i + 4, sizeof n);
    sg_v4w even = __builtin_shufflevector(a, b, 0, 2, 4, 6),
           odd = __builtin_shufflevector(a, b, 1, 3, 5, 7),
           shift = __builtin_shufflevector(m, n, 0, 2, 4, 6),
           rest = __builtin_shufflevector(m, n, 1, 3, 5, 7);
    even |= odd << shift;
    shift += rest;
    memcpy(word + i / 2, &even, sizeof even);
    memcpy(length + i / 2, &shift, sizeof shift);
  }
  return CHUNK / 4;
}

/* On machines whose words begin with the other end codes go one by one. */
static void write_codes(sg_bit_writer *w, const uint32_t *code, const uint32_t *width, int most) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t word[CHUNK / 2], length[CHUNK / 2];
  int words = pair_codes(code, width, 4 * most <= 56, word, length);
  sg_bit_writer local = *w;
  for (int i = 0; i < words; i++) sg_write(&local, word[i], (int)length[i]);
  *w = local;
#else
  for (int i = 0; i < CHUNK; i++) sg_write(w, code[i], (int)width[i]);
#endif
}

/* Of a chunk: the flags of an extra bit, and the bits of each code; none beyond `count`. */
static SG_CLONES(widths,
                 (const share *s, const sg_subset *extra, long begin, int count, uint32_t *more,
                  uint32_t *width),
                 (s, extra, begin, count, more, width)) {
  uint32_t without = (uint32_t)width_of(s, 0), with = (uint32_t)width_of(s, 1) - without;
  sg_subset_flags(extra, begin, count, more);
  for (int i = 0; i < CHUNK; i += 4) {
    u4 flags = *(const flag4 *)(more + i);
    *(flag4 *)(width + i) = without + flags * with;
  }
  for (int i = count; i < CHUNK; i++) more[i] = width[i] = 0;
}

void sg_quantise(const sg_quantiser *q, sg_dither *dither, long d, long m, const double *x,
                 double most, double *room, sg_packed *out) {
  const share s = share_of(q, d, m);
  most = sg_float_above(most);
  sg_subset extra;
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, 32 + (size_t)sg_quantiser_bits(q, d, m))) return;
  sg_write(&w, sg_float_bits(most), 32);
  /* A largest magnitude that is no number says all; the levels are zeros. */
  double inverse = most > 0 && most <= (double)FLT_MAX ? 1 / most : 0;
  sg_subset_draw(&extra, out->key, DRAW_EXTRA, m, s.extra, room);
  uint32_t more[CHUNK] = {0}, width[CHUNK], code[CHUNK];
  double u[CHUNK] = {0}, rest[CHUNK] = {0};
  for (long begin = 0; begin < m; begin += CHUNK) {
    int count = chunk_of(m, begin);
    const double *from = x + begin;
    if (begin == 0 || s.extra > 0 || count < CHUNK) widths(&s, &extra, begin, count, more, width);
    if (count < CHUNK || inverse == 0) {
      if (inverse > 0) memcpy(rest, from, (size_t)count * sizeof *rest);
      from = rest;
    }
    if (q->rounding == SG_NEAREST) {
      nearest(from, inverse, more, s.base, code);
    } else {
      sg_dither_fill(dither, u, count);
      dithered(from, inverse, u, more, s.base, code);
    }
    if (count < CHUNK) memset(code + count, 0, (size_t)(CHUNK - count) * sizeof *code);
    write_codes(&w, code, width, width_of(&s, s.extra > 0));
  }
  sg_bits_end(&w, out);
}

/* Points of CHUNK coefficients. Where one has no bits its level counts as 0, with a step of 0. */
static SG_CLONES(midpoints,
                 (const uint32_t *code, const uint32_t *more, int base, double most, double *x),
                 (code, more, base, most, x)) {
  double once = (double)(1L << base);
  for (int i = 0; i < CHUNK; i += 4) {
    sg_v4 points, y = __builtin_convertvector(*(const code4 *)(code + i), sg_v4);
    twice(more + i, once, &points);
    y = ((2.0 * y + 1.0) / points - 1.0) * most;
    *(sg_v4u *)(x + i) = y;
  }
}

static SG_CLONES(multiples,
                 (const uint32_t *code, const uint32_t *more, int base, double most, double scale,
                  double *x),
                 (code, more, base, most, scale, x)) {
  double once = (double)(1L << base);
  const sg_v4 one = SG_V4(1.0);
  for (int i = 0; i < CHUNK; i += 4) {
    sg_v4 points, step, y = __builtin_convertvector(*(const code4 *)(code + i), sg_v4);
    twice(more + i, once, &points);
    sg_v4i none = points < 1.5, minus = (y >= points) & ~none;
    y -= (sg_v4)((sg_v4i)points & minus);
    step = points - 1.0;
    sg_v4_select(&none, &one, &step, &step);
    y = y / step * scale * most;
    *(sg_v4u *)(x + i) = (sg_v4)((sg_v4i)y ^ (minus & INT64_MIN));
  }
}

void sg_dequantise(const sg_quantiser *q, long d, long m, double *x, double *room, sg_packed *in) {
  const share s = share_of(q, d, m);
  sg_bit_reader r = sg_reader_begin(in);
  double most = sg_float_of(sg_read(&r, 32));
  sg_subset extra;
  sg_subset_draw(&extra, in->key, DRAW_EXTRA, m, s.extra, room);
  uint32_t more[CHUNK] = {0}, width[CHUNK], code[CHUNK];
  double part[CHUNK];
  for (long begin = 0; begin < m; begin += CHUNK) {
    int count = chunk_of(m, begin);
    double *to = count < CHUNK ? part : x + begin;
    if (begin == 0 || s.extra > 0 || count < CHUNK) widths(&s, &extra, begin, count, more, width);
    for (int i = 0; i < CHUNK; i++) code[i] = (uint32_t)sg_read(&r, (int)width[i]);
    if (q->rounding == SG_NEAREST)
      midpoints(code, more, s.base, most, to);
    else
      multiples(code, more, s.base, most, s.scale, to);
    if (count < CHUNK) memcpy(x + begin, part, (size_t)count * sizeof *x);
  }
  sg_reader_end(&r, in);
}
