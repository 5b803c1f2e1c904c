/* SPDX-License-Identifier: MIT */
#include "models/compress/packed.h"
#include "sim/core/array.h"

/* --- Bits ------------------------------------------------------------------------------------- */

static bool room(sg_packed *p, size_t bits) {
  /* Words are stored whole. */
  p->failed = p->failed || !SG_ROOM(p->byte, p->capacity, (p->count + bits) / 8 + 17);
  return !p->failed;
}

bool sg_bits_begin(sg_bit_writer *w, sg_packed *p, size_t bits) {
  if (!room(p, bits)) return false;
  w->at = p->byte + p->count / 8;
  w->have = (int)(p->count % 8);
  w->word = w->have > 0 ? *w->at : 0;
  return true;
}

void sg_bits_end(const sg_bit_writer *w, sg_packed *p) {
  sg_store_word(w->at, w->word);
  p->count = (size_t)(w->at - p->byte) * 8 + (size_t)w->have;
}

void sg_pack(sg_packed *p, uint64_t value, int n) {
  if (n == 0 || !room(p, (size_t)n)) return;
  unsigned char *at = p->byte + p->count / 8;
  int have = (int)(p->count % 8);
  if (n < 64) value &= ((uint64_t)1 << n) - 1;
  sg_store_word(at, (have > 0 ? *at : 0) | value << have);
  if (have + n > 64) at[8] = (unsigned char)(value >> (64 - have));
  p->count += (size_t)n;
}

uint64_t sg_unpack(sg_packed *p, int n) {
  sg_bit_reader r = sg_reader_begin(p);
  int low = n < 32 ? n : 32;
  uint64_t value = sg_read(&r, low);
  value |= sg_read(&r, n - low) << 32 % 64;
  sg_reader_end(&r, p);
  return value;
}

void sg_pack_float(sg_packed *p, double value) {
  sg_pack(p, sg_float_bits(value), 32);
}

double sg_unpack_float(sg_packed *p) {
  return sg_float_of(sg_unpack(p, 32));
}

double *sg_packed_scratch(sg_packed *p, long n) {
  if (SG_ROOM(p->scratch, p->scratch_room, n)) return p->scratch;
  p->failed = true;
  return NULL;
}

/* --- Moments ---------------------------------------------------------------------------------- */

typedef struct lanes {
  sg_v4 most, sum, square;
} lanes;

SG_INLINE void add(lanes *l, const sg_v4 *x) {
  const sg_v4i sign = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
  sg_v4 a = (sg_v4)((sg_v4i)*x & ~sign);
  sg_v4i more = a > l->most;
  sg_v4_select(&more, &a, &l->most, &l->most);
  l->sum += a;
  l->square += a * a;
}

static SG_CLONES(sum_up, (long n, const double *x, sg_moments *m), (n, x, m)) {
  lanes l[4] = {0};
  long i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 4; k++) {
      sg_v4 v = *(const sg_v4u *)(x + i + 4 * k);
      add(&l[k], &v);
    }
  for (; i < n; i += 4) {
    sg_v4 rest = SG_V4(0.0);
    memcpy(&rest, x + i, (size_t)(n - i < 4 ? n - i : 4) * sizeof *x);
    add(&l[i / 4 % 4], &rest);
  }
  for (int k = 1; k < 4; k++) {
    sg_v4i more = l[k].most > l[0].most;
    sg_v4_select(&more, &l[k].most, &l[0].most, &l[0].most);
    l[0].sum += l[k].sum;
    l[0].square += l[k].square;
  }
  *m = (sg_moments){.sum = sg_v4_sum(&l[0].sum), .square = sg_v4_sum(&l[0].square)};
  for (int j = 0; j < 4; j++) m->most = fmax(m->most, l[0].most[j]);
}

sg_moments sg_moments_of(long n, const double *x) {
  sg_moments m;
  sum_up(n, x, &m);
  return m;
}

double sg_norm_of(long n, const double *x, const sg_moments *m) {
  if (!isfinite(m->sum) && !(m->most < INFINITY && m->sum == INFINITY)) return NAN;
  if (m->most == 0) return 0;
  if (m->square > 0x1p-900 && m->square < INFINITY) return sqrt(m->square);
  double sum = 0; /* squares that vanish or overflow */
  for (long i = 0; i < n; i++) sum += (x[i] / m->most) * (x[i] / m->most);
  return isnan(sum) ? NAN : m->most * sqrt(sum);
}

/* --- Uniforms --------------------------------------------------------------------------------- */

/* A stream gives 2^17 doubles, a vector may be longer: the message's address gives a key of its
 * own, and with that key there is a stream for each chunk of the vector. */
enum { CHUNK = 1 << 16 };

void sg_dither_at(sg_dither *d, uint64_t seed, uint32_t replication, int worker, uint32_t iteration,
                  uint32_t draw, int part) {
  sg_stream_at(&d->stream, seed, replication, SG_FOR_DITHER, (uint32_t)worker, iteration, draw);
  d->key = 0;
  for (int i = 0; i <= part; i++) {
    uint64_t high = (uint64_t)(sg_uniform(&d->stream) * 0x1p32);
    d->key = high << 32 | (uint64_t)(sg_uniform(&d->stream) * 0x1p32);
  }
  d->used = d->filled = 0;
}

double sg_dither_next(sg_dither *d) {
  if (d->used % CHUNK == 0)
    sg_stream_at(&d->stream, d->key, 0, SG_FOR_DITHER, 0, (uint32_t)(d->used / CHUNK), 0);
  d->used++;
  return sg_uniform(&d->stream);
}

void sg_dither_fill(sg_dither *d, double *u, long n) {
  n = (n + SG_COARSE - 1) / SG_COARSE * SG_COARSE;
  while (n > 0) {
    long left = CHUNK - d->filled % CHUNK, some = n < left ? n : left;
    if (left == CHUNK)
      sg_stream_at(&d->coarse, d->key, 0, SG_FOR_DITHER, 1, (uint32_t)(d->filled / CHUNK), 0);
    sg_coarse_uniforms(&d->coarse, u, some);
    d->filled += some;
    u += some;
    n -= some;
  }
}

/* --- How many are sent ------------------------------------------------------------------------ */

SG_COMPRESSOR_FITS(sg_kept);

sg_status sg_kept_read(sg_compressor *c, const sg_values *values, sg_error *e) {
  sg_kept *kept = (sg_kept *)c->state;
  bool counted = sg_given(values, "k");
  if (counted && sg_given(values, "share"))
    return sg_fail_at(e, values, "k", "expected share or k, found both");
  kept->share = sg_real(values, "share");
  kept->k = c->least = counted ? sg_int(values, "k") : 0;
  return SG_OK;
}

long sg_kept_of(const sg_kept *kept, long n) {
  long k = kept->k > 0 ? kept->k : (long)ceil(kept->share * (double)n);
  return k < 1 ? 1 : k > n ? n : k;
}

/* --- Ternary digits --------------------------------------------------------------------------- */

enum { SIDE = SG_TRITS / 5 };
static const int tail_bits[5] = {0, 2, 4, 5, 7};

double sg_trit_bits(long n) {
  return 8.0 * (double)(n / 5) + tail_bits[n % 5];
}

static int digit(double x, double t) {
  return fabs(x) >= t ? 1 + (x > 0) - (x < 0) : 1;
}

/* 64 bytes of 320 coordinates that are not zero where they reach their thresholds t_i = scale · u_i
 * (u NULL: scale). Digits are summed as doubles, exactly. */
SG_INLINE void pack_block(const double *x, const double *u, double scale, unsigned char *byte) {
  const sg_v4i sign = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
  typedef int32_t i4 __attribute__((vector_size(16)));
  for (int j = 0; j < SIDE; j += 4) {
    sg_v4 sum = SG_V4(121.0), weight = SG_V4(1.0);
#pragma GCC unroll 5
    for (int m = 0; m < 5; m++) {
      sg_v4i v = (sg_v4i) * (const sg_v4u *)(x + SIDE * m + j);
      sg_v4 t = SG_V4(scale), a = (sg_v4)(v & ~sign);
      if (u) t *= *(const sg_v4u *)(u + SIDE * m + j);
      sg_v4i sent = (a >= t) & (a > 0);
      sum += (sg_v4)(sent & ((sg_v4i)weight | (v & sign)));
      weight *= 3.0;
    }
    i4 whole = __builtin_convertvector(sum, i4);
    for (int k = 0; k < 4; k++) byte[j + k] = (unsigned char)whole[k];
  }
}

static SG_CLONES(pack_blocks, (long n, const double *x, double t, unsigned char *byte),
                 (n, x, t, byte)) {
  for (; n >= SG_TRITS; n -= SG_TRITS, x += SG_TRITS, byte += SIDE) pack_block(x, NULL, t, byte);
}

static SG_CLONES(pack_random, (const double *x, const double *u, double t, unsigned char *byte),
                 (x, u, t, byte)) {
  pack_block(x, u, t, byte);
}

void sg_pack_trits(sg_packed *out, long n, const double *x, double t, sg_dither *dither) {
  double u[SG_TRITS];
  size_t bits = (size_t)sg_trit_bits(n);
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, bits)) return;
  if (!dither) {
    pack_blocks(n, x, t, w.at);
    long done = n / SG_TRITS;
    w.at += SIDE * done;
    x += SG_TRITS * done;
    n -= SG_TRITS * done;
  }
  for (; n >= SG_TRITS; n -= SG_TRITS, x += SG_TRITS, w.at += SIDE) {
    sg_dither_fill(dither, u, SG_TRITS);
    pack_random(x, u, t, w.at);
  }
  if (dither) sg_dither_fill(dither, u, n);
  for (long i = 0; i < n; i += 5) {
    int value = 0, some = n - i < 5 ? (int)(n - i) : 5;
    for (int m = some - 1; m >= 0; m--)
      value = 3 * value + digit(x[i + m], dither ? u[i + m] * t : t);
    sg_write(&w, (uint64_t)value, some == 5 ? 8 : tail_bits[some]);
  }
  sg_bits_end(&w, out);
}

void sg_unpack_trits(sg_packed *in, long n, double c, double *x) {
  sg_bit_reader r = sg_reader_begin(in);
  const double value[3] = {-c, 0.0 * c, c}; /* not finite if c is not */
  if (n >= SG_TRITS) {
    double table[5][256];
    for (int b = 0, digits = 0; b < 256; b++, digits = b)
      for (int m = 0; m < 5; m++, digits /= 3) table[m][b] = value[digits % 3];
    const unsigned char *byte = r.byte + r.at / 8;
    for (; n >= SG_TRITS; n -= SG_TRITS, x += SG_TRITS, byte += SIDE, r.at += 8 * SIDE)
      for (int m = 0; m < 5; m++)
        for (int j = 0; j < SIDE; j++) x[SIDE * m + j] = table[m][byte[j]];
  }
  for (long i = 0; i < n; i += 5) {
    int some = n - i < 5 ? (int)(n - i) : 5;
    int digits = (int)sg_read(&r, some == 5 ? 8 : tail_bits[some]);
    for (int m = 0; m < some; m++, digits /= 3) x[i + m] = value[digits % 3];
  }
  sg_reader_end(&r, in);
}
