/* SPDX-License-Identifier: MIT */
/* Scalar, near-democratic and democratic quantisation: the uniform quantiser on v itself, on
 * x = Fᵀ v, and on the flattest x with v = F x that is easily found. */
#include "models/compress/embedding.h"
#include "models/compress/hadamard.h"
#include "sim/core/simd.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 256 };

/* Draws at the address of a message; the quantiser takes those from 1 on. */
enum { DRAW_ROWS = 0, DRAW_SIGNS = 20, DRAW_REFLECTIONS = 21 };

/* --- Frames ----------------------------------------------------------------------------------- */

static sg_frame_kind kind_of(sg_frame_kind kind, long d) {
  return d <= SG_ORTHONORMAL_MOST ? kind : SG_FRAME_HADAMARD;
}

long sg_frame_size(sg_frame_kind kind, double redundancy, long d) {
  double wanted = redundancy * (double)d * (1 - 0x1p-48);
  if (kind_of(kind, d) == SG_FRAME_ORTHONORMAL) return (long)ceil(wanted);
  long m = 1;
  while ((double)m < wanted) m *= 2;
  return m;
}

long sg_frame_room(sg_frame_kind kind, double redundancy, long d) {
  long m = sg_frame_size(kind, redundancy, d);
  return kind_of(kind, d) == SG_FRAME_ORTHONORMAL ? m * (m + 1) / 2
                                                  : sg_hadamard_room(m) + sg_subset_room(m);
}

/* The reflection I − 2 w wᵀ that takes the first axis to a random direction g/|g| has w along
 * g − |g| e₁; of one coordinate it is a random sign. */
static void draw_reflections(const sg_frame *f) {
  double *w = f->unit;
  for (long i = 0, n = f->m; n > 0; w += n, n--, i++) {
    sg_stream stream;
    sg_stream_at(&stream, f->key, 0, SG_FOR_DITHER, (uint32_t)i, 0, DRAW_REFLECTIONS);
    double sum = 0;
    for (long k = 0; k < n; k++) {
      w[k] = gsl_ran_gaussian_ziggurat(&stream.rng, 1);
      sum += w[k] * w[k];
    }
    w[0] -= sqrt(sum);
    sum = 0;
    for (long k = 0; k < n; k++) sum += w[k] * w[k];
    double scale = sum > 0 ? 1 / sqrt(sum) : 0;
    for (long k = 0; k < n; k++) w[k] *= scale;
  }
}

void sg_frame_draw(sg_frame *f, sg_frame_kind kind, double redundancy, long d, uint64_t key,
                   double *room) {
  *f = (sg_frame){.d = d,
                  .m = sg_frame_size(kind, redundancy, d),
                  .kind = kind_of(kind, d),
                  .key = key,
                  .unit = room,
                  .buffer = room};
  if (f->kind == SG_FRAME_ORTHONORMAL)
    draw_reflections(f);
  else
    sg_subset_draw(&f->rows, key, DRAW_ROWS, f->m, d, room + sg_hadamard_room(f->m));
}

static void reflect(long n, const double *w, double *x) {
  double sum = 0;
  for (long k = 0; k < n; k++) sum += w[k] * x[k];
  sum *= 2;
  for (long k = 0; k < n; k++) x[k] -= sum * w[k];
}

/* x ← Q x, or Qᵀ x with the reflections in the other order. */
static void rotate(const sg_frame *f, bool transposed, double *x) {
  const double *w = f->unit + (transposed ? 0 : f->m * (f->m + 1) / 2);
  for (long i = 0; i < f->m; i++) {
    long at = transposed ? i : f->m - 1 - i, n = f->m - at;
    if (!transposed) w -= n;
    reflect(n, w, x + at);
    if (transposed) w += n;
  }
}

/* Random signs of the chunk that begins there, 32 in a word. */
enum { SIGNS = 32 };
static void draw_signs(const sg_frame *f, long begin, uint64_t *word) {
  double u[CHUNK / SIGNS];
  sg_uniforms_at(u, CHUNK / SIGNS, f->key, 0, SG_FOR_DITHER, (uint32_t)(begin / CHUNK), DRAW_SIGNS);
  for (int i = 0; i < CHUNK / SIGNS; i++) word[i] = (uint64_t)(u[i] * 0x1p32);
}

/* out = size · ±in, of n numbers of a chunk; out may be in. */
static SG_CLONES(sign_all,
                 (int n, const uint64_t *word, double size, const double *in, double *out),
                 (n, word, size, in, out)) {
  sg_v4w shift = {63, 62, 61, 60};
  int i = 0;
  for (; i + 4 <= n; i += 4) {
    uint64_t bits = word[i / SIGNS] >> i % SIGNS;
    sg_v4w sign = (((sg_v4w){bits, bits, bits, bits}) << shift) & (uint64_t)1 << 63;
    sg_v4 v = *(const sg_v4u *)(in + i) * size;
    *(sg_v4u *)(out + i) = (sg_v4)((sg_v4w)v ^ sign);
  }
  for (; i < n; i++) {
    double v = in[i] * size;
    out[i] = word[i / SIGNS] >> i % SIGNS & 1 ? -v : v;
  }
}

/* Between the D coordinates of v and the M of x, with a random sign and 1/√M each. */
typedef struct spreading {
  const sg_frame *frame;
  const double *v, *end; /* what is left of it */
} spreading;

static void spread(void *user, long begin, long n, double *x) {
  spreading *s = user;
  const sg_frame *f = s->frame;
  const double *v = s->v;
  double size = 1 / sqrt((double)f->m);
  uint64_t word[CHUNK / SIGNS];
  uint32_t in[CHUNK];
  for (long at = 0; at < n; at += CHUNK) {
    int count = n - at < CHUNK ? (int)(n - at) : CHUNK;
    draw_signs(f, begin + at, word);
    const double *from = x + at;
    if (f->d == f->m) {
      from = v;
      v += count;
    } else {
      sg_subset_flags(&f->rows, begin + at, count, in);
      /* Without a branch, which would be as random as the rows; the last number may be read again.
       */
      const double *last = s->end - 1;
      for (int i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, v <= last ? v : last, sizeof bits);
        bits &= 0 - (uint64_t)in[i];
        memcpy(x + at + i, &bits, sizeof bits);
        v += in[i];
      }
    }
    sign_all(count, word, size, from, x + at);
  }
  s->v = v;
}

/* x is lost. */
static void gather(const sg_frame *f, double *x, double *v) {
  const double *end = v + f->d;
  double size = 1 / sqrt((double)f->m);
  uint64_t word[CHUNK / SIGNS];
  uint32_t in[CHUNK];
  for (long begin = 0; begin < f->m; begin += CHUNK) {
    int count = f->m - begin < CHUNK ? (int)(f->m - begin) : CHUNK;
    draw_signs(f, begin, word);
    if (f->d == f->m) {
      sign_all(count, word, size, x + begin, v + begin);
      continue;
    }
    sign_all(count, word, size, x + begin, x + begin);
    sg_subset_flags(&f->rows, begin, count, in);
    for (int i = 0; i < count && v < end; i++) {
      *v = x[begin + i];
      v += in[i];
    }
  }
}

double sg_frame_up(const sg_frame *f, const double *v, double *x) {
  if (f->kind == SG_FRAME_HADAMARD) {
    spreading s = {.frame = f, .v = v, .end = v + f->d};
    return sg_hadamard_of(f->m, x, f->buffer, spread, &s);
  }
  memcpy(x, v, (size_t)f->d * sizeof *x);
  memset(x + f->d, 0, (size_t)(f->m - f->d) * sizeof *x);
  rotate(f, true, x);
  return sg_largest(f->m, x);
}

void sg_frame_down(const sg_frame *f, double *x, double *v) {
  if (f->kind == SG_FRAME_ORTHONORMAL) {
    rotate(f, false, x);
    memmove(v, x, (size_t)f->d * sizeof *v);
  } else {
    sg_walsh_hadamard(f->m, x, f->buffer);
    gather(f, x, v);
  }
}

/* --- The democratic embedding ----------------------------------------------------------------- */

/* Scaled by the largest magnitude, so that no square overflows or vanishes. */
static double norm_of(long n, const double *x) {
  double most = 0, sum = 0;
  for (long i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
  if (most == 0) return 0;
  for (long i = 0; i < n; i++) sum += (x[i] / most) * (x[i] / most);
  return most * sqrt(sum);
}

static SG_CLONES(clip, (long n, double level, double *b, double *x), (n, level, b, x)) {
  const sg_v4 top = SG_V4(level), bottom = SG_V4(-level);
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    sg_v4 v = *(const sg_v4u *)(b + i);
    sg_v4i above = v > top, below = v < bottom;
    sg_v4_select(&above, &top, &v, &v);
    sg_v4_select(&below, &bottom, &v, &v);
    *(sg_v4u *)(b + i) = v;
    *(sg_v4u *)(x + i) = *(const sg_v4u *)(x + i) + v;
  }
  for (; i < n; i++) {
    b[i] = fmax(-level, fmin(level, b[i]));
    x[i] += b[i];
  }
}

double sg_frame_democratic(const sg_frame *f, const double *v, double *x, double *room) {
  const double c = 0.3;
  double redundancy = (double)f->m / (double)f->d, *u = room, *b = room + f->d;
  double h0 = fmin(redundancy - 1, 0.5);
  memcpy(u, v, (size_t)f->d * sizeof *u);
  memset(x, 0, (size_t)f->m * sizeof *x);
  double bound = INFINITY;
  if (h0 > 0) {
    double h = 1 - h0 / 4, dl = c * h0 * h0 / log(1 / h0), root = sqrt((double)f->m);
    double k0 = 4 * sqrt(log(1 / h0)) / (h0 * h0 * sqrt(c));
    double rounds = fmax(1, ceil(log(root / k0) / log(1 / h)));
    double level = norm_of(f->d, v) / (sqrt(dl) * root);
    bound = 1 / ((1 - h) * sqrt(dl));
    for (int t = 0; t < (int)rounds; t++, level *= h) {
      double most = sg_frame_up(f, u, b);
      if (!(most > level)) break; /* nothing to clip: all that is left is added below */
      clip(f->m, level, b, x);
      sg_frame_down(f, b, b);
      for (long i = 0; i < f->d; i++) u[i] -= b[i];
    }
  }
  sg_frame_up(f, u, b);
  for (long i = 0; i < f->m; i++) x[i] += b[i];
  return bound;
}

/* --- The compressors -------------------------------------------------------------------------- */

typedef struct embedding {
  sg_quantiser quantiser;
  double redundancy;
  sg_frame_kind kind;
} embedding;
SG_COMPRESSOR_FITS(embedding);

static const char *const kinds[] = {"hadamard", "orthonormal", NULL};

#define ROW_FRAME                                                                                  \
  SG_ROW_CHOICE("frame", kinds, SG_FRAME_HADAMARD,                                                 \
                "Random rows and signs of a Hadamard matrix, whose order M is a power of two, or " \
                "a random orthonormal frame for messages of at most 512 coordinates (longer "      \
                "ones have a Hadamard frame); drawn anew for each message, from its address.")

static const sg_param scalar_params[] = {SG_ROWS_QUANTISER, {0}};
static const sg_param near_params[] = {SG_ROWS_QUANTISER,
                                       ROW_FRAME,
                                       SG_ROW_REAL("redundancy", 1, 2,
                                                   "Λ: the embedding has at least Λ n coordinates.",
                                                   .fallback = 1),
                                       {0}};
static const sg_param democratic_params[] = {
    SG_ROWS_QUANTISER,
    ROW_FRAME,
    SG_ROW_REAL("redundancy", 1.1, 2, "Λ: the embedding has at least Λ n coordinates.",
                .fallback = 1.5),
    {0}};

static double scalar_bits(const void *state, long n) {
  return 32 + sg_quantiser_bits(&((const embedding *)state)->quantiser, n, n);
}

static double frame_bits(const void *state, long n) {
  const embedding *m = state;
  return 32 + sg_quantiser_bits(&m->quantiser, n, sg_frame_size(m->kind, m->redundancy, n));
}

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  embedding *m = (embedding *)c->state;
  *m = (embedding){.redundancy = 1};
  c->bits = scalar_bits;
  if (sg_values_param(values, "frame")) {
    c->bits = frame_bits;
    m->kind = (sg_frame_kind)sg_choice(values, "frame");
    m->redundancy = sg_real(values, "redundancy");
  }
  sg_status status = sg_quantiser_read(&m->quantiser, values, e);
  c->unbiased = m->quantiser.rounding != SG_NEAREST;
  return status;
}

static void encode_scalar(const void *state, sg_dither *dither, long n, const double *x,
                          sg_packed *out) {
  double *room = sg_packed_scratch(out, sg_subset_room(n) + 1);
  if (room)
    sg_quantise(&((const embedding *)state)->quantiser, dither, n, n, x, sg_largest(n, x), room,
                out);
}

static void decode_scalar(const void *state, long n, sg_packed *in, double *x) {
  double *room = sg_packed_scratch(in, sg_subset_room(n) + 1);
  if (room) sg_dequantise(&((const embedding *)state)->quantiser, n, n, x, room, in);
}

/* The frame of a message and memory besides: that of the quantiser, then `more` doubles and the
 * embedding itself. NULL: no memory. */
static double *begin(const embedding *m, long n, sg_packed *p, long more, sg_frame *f,
                     double **quantiser) {
  long size = sg_frame_size(m->kind, m->redundancy, n), first = sg_subset_room(size),
       frame = sg_frame_room(m->kind, m->redundancy, n);
  double *room = sg_packed_scratch(p, first + frame + more + size);
  if (!room) return NULL;
  *quantiser = room;
  sg_frame_draw(f, m->kind, m->redundancy, n, p->key, room + first);
  return room + first + frame;
}

static void encode_near(const void *state, sg_dither *dither, long n, const double *v,
                        sg_packed *out) {
  const embedding *m = state;
  sg_frame f;
  double *room, *x = begin(m, n, out, 0, &f, &room);
  if (!x) return;
  double most = sg_frame_up(&f, v, x);
  sg_quantise(&m->quantiser, dither, n, f.m, x, most, room, out);
}

static void encode_democratic(const void *state, sg_dither *dither, long n, const double *v,
                              sg_packed *out) {
  const embedding *m = state;
  long more = n + sg_frame_size(m->kind, m->redundancy, n);
  sg_frame f;
  double *room, *spare = begin(m, n, out, more, &f, &room);
  if (!spare) return;
  double *x = spare + more;
  sg_frame_democratic(&f, v, x, spare);
  sg_quantise(&m->quantiser, dither, n, f.m, x, sg_largest(f.m, x), room, out);
}

static void decode_frame(const void *state, long n, sg_packed *in, double *v) {
  const embedding *m = state;
  sg_frame f;
  double *room, *x = begin(m, n, in, 0, &f, &room);
  if (!x) return;
  sg_dequantise(&m->quantiser, n, f.m, x, room, in);
  sg_frame_down(&f, x, v);
}

#define SOURCE                                                                                     \
  "Saha, Pilanci, Goldsmith 2021, arXiv:2103.07578, and its official code (published); bits of a " \
  "dithered level are counted as they are sent"

const sg_compressor_type sg_compressor_scalar_quantiser = {
    .about = {.name = "scalar-quantiser",
              .summary = "Uniform levels between plus and minus the largest magnitude, with any "
                         "real number of bits per coordinate, to nearest or at random.",
              .reference = SOURCE,
              .params = scalar_params},
    .init = init,
    .encode = encode_scalar,
    .decode = decode_scalar};

const sg_compressor_type sg_compressor_near_democratic = {
    .about = {.name = "near-democratic",
              .summary = "The scalar quantiser on x = Fᵀ v, F a random frame: no coordinate of x "
                         "is much larger than the others.",
              .reference = SOURCE,
              .params = near_params},
    .init = init,
    .encode = encode_near,
    .decode = decode_frame};

const sg_compressor_type sg_compressor_democratic = {
    .about = {.name = "democratic",
              .summary = "The scalar quantiser on an x with v = F x whose largest coordinate is "
                         "small, found in a few rounds of clipping.",
              .reference = SOURCE "; Lyubarskii, Vershynin 2010 (recalled)",
              .params = democratic_params},
    .init = init,
    .encode = encode_democratic,
    .decode = decode_frame};
