/* SPDX-License-Identifier: MIT */
/* Products of the data with a narrow block of models.
 *
 * dgemm copies each operand into an order of its own before it multiplies. With a few dozen models
 * that copy of the data is a fifth of the time; here the data is read where it lies.
 *
 * Margins: a few rows of the data meet a packed panel of models in registers, depth by depth, with
 * fused multiply-add; each row is read once, where it lies, and the next ones are fetched
 * meanwhile.
 *
 * Sums over the rows of a part, of a tile's columns (AVX-512; with AVX2 OpenBLAS is faster): a
 * strip of columns meets four models at a time; the first four leave a dense copy for the others,
 * since each row of a strip lies in another page. */
#include "models/learning/dense.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  PACKED = 4096, /* numbers of packed models that stay in the first cache */
  DEPTH = 64,    /* columns at a time, at least */
  PANEL = 6,     /* rows at a time: 6 × 8 sums fill twelve of AVX2's sixteen registers */
  LANES = 8,     /* models at a time */
  WIDE = 4       /* times eight models at a time, with AVX-512: 6 × 32 sums fill 24 of 32 */
};

static int padded(int models) {
  return (models + LANES - 1) / LANES * LANES;
}

size_t sg_wide_scratch(long rows, int models) {
  return (size_t)(rows + DEPTH) * (size_t)padded(models) + PACKED;
}

#if defined(__x86_64__)

#define FMA    __attribute__((target("avx2,fma")))
#define FMA512 __attribute__((target("avx512f,avx512dq,fma")))

/* sum (rows × 8 of `width`) += x (rows × depth, leading dimension ld) · packed (depth × 8 of
 * `width`). `rows` is a constant at each call. Fetches two rows from `ahead` on into the second
 * cache. */
FMA static inline __attribute__((always_inline)) void panel(int rows, long depth, const double *x,
                                                            long ld, const double *packed,
                                                            int width, double *sum,
                                                            const double *ahead) {
  __m256d a[PANEL][2];
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    a[r][0] = _mm256_loadu_pd(sum + r * width);
    a[r][1] = _mm256_loadu_pd(sum + r * width + 4);
  }
  for (long p = 0; p < depth; p++) {
    if (ahead && p % 8 == 0) {
      _mm_prefetch((const char *)(ahead + p), _MM_HINT_T1);
      _mm_prefetch((const char *)(ahead + ld + p), _MM_HINT_T1);
    }
    __m256d m0 = _mm256_loadu_pd(packed + p * width), m1 = _mm256_loadu_pd(packed + p * width + 4);
    SG_UNROLL
    for (int r = 0; r < rows; r++) {
      __m256d v = _mm256_broadcast_sd(x + r * ld + p);
      a[r][0] = _mm256_fmadd_pd(v, m0, a[r][0]);
      a[r][1] = _mm256_fmadd_pd(v, m1, a[r][1]);
    }
  }
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    _mm256_storeu_pd(sum + r * width, a[r][0]);
    _mm256_storeu_pd(sum + r * width + 4, a[r][1]);
  }
}

/* packed (depth × width, row-major) = rows [0, depth) of m; the last columns are zero. */
static void pack(long depth, int models, int width, const double *m, long columns, double *packed) {
  if (width > models) memset(packed, 0, (size_t)(depth * width) * sizeof *packed);
  for (int w = 0; w < models; w++)
    for (long p = 0; p < depth; p++) packed[p * width + w] = m[w * columns + p];
}

FMA static void panels(int rows, long depth, const double *x, long ld, const double *packed,
                       int width, double *sum, bool more) {
  for (int w = 0; w < width; w += LANES) {
    /* The next rows come from memory while these are at work, two rows a time. */
    const double *next = more && w / LANES * 2 < PANEL ? x + (PANEL + w / LANES * 2) * ld : x;
    if (rows == PANEL)
      panel(PANEL, depth, x, ld, packed + w, width, sum + w, next);
    else
      for (int r = 0; r < rows; r++)
        panel(1, depth, x + r * ld, ld, packed + w, width, sum + r * width + w, NULL);
  }
}

/* As `panel`, on `vectors` times eight models; fetches all the rows from `ahead` on. */
FMA512 static inline __attribute__((always_inline)) void
panel512(int rows, int vectors, long depth, const double *x, long ld, const double *packed,
         int width, double *sum, const double *ahead) {
  __m512d a[PANEL][WIDE];
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    SG_UNROLL
    for (int v = 0; v < vectors; v++) a[r][v] = _mm512_loadu_pd(sum + r * width + v * LANES);
  }
  for (long p = 0; p < depth; p++) {
    if (ahead && p % 8 == 0) {
      SG_UNROLL
      for (int r = 0; r < rows; r++) _mm_prefetch((const char *)(ahead + r * ld + p), _MM_HINT_T1);
    }
    __m512d m[WIDE];
    SG_UNROLL
    for (int v = 0; v < vectors; v++) m[v] = _mm512_loadu_pd(packed + p * width + v * LANES);
    SG_UNROLL
    for (int r = 0; r < rows; r++) {
      __m512d number = _mm512_set1_pd(x[r * ld + p]);
      SG_UNROLL
      for (int v = 0; v < vectors; v++) a[r][v] = _mm512_fmadd_pd(number, m[v], a[r][v]);
    }
  }
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    SG_UNROLL
    for (int v = 0; v < vectors; v++) _mm512_storeu_pd(sum + r * width + v * LANES, a[r][v]);
  }
}

FMA512 static void panels512(int rows, long depth, const double *x, long ld, const double *packed,
                             int width, double *sum, bool more) {
  for (int w = 0; w < width;) {
    const double *ahead = more && w == 0 ? x + PANEL * ld : NULL, *m = packed + w;
    int vectors = width - w >= WIDE * LANES ? WIDE : width - w >= 2 * LANES ? 2 : 1;
    if (rows < PANEL)
      vectors = 1;
    else if (vectors == WIDE)
      panel512(PANEL, WIDE, depth, x, ld, m, width, sum + w, ahead);
    else if (vectors == 2)
      panel512(PANEL, 2, depth, x, ld, m, width, sum + w, ahead);
    else
      panel512(PANEL, 1, depth, x, ld, m, width, sum + w, ahead);
    for (int r = 0; rows < PANEL && r < rows; r++)
      panel512(1, 1, depth, x + r * ld, ld, m, width, sum + r * width + w, NULL);
    w += vectors * LANES;
  }
}

/* What is fetched meanwhile: `lines` lines of the cache from each row on. */
typedef struct later {
  const double *x;
  long columns;
  int lines;
} later;

/* out (8 · `vectors` × 4, leading dimension ld) = xᵀ r over the rows, or += it; these columns of x
 * are left in `copy`, densely, unless it is NULL. */
FMA512 static inline __attribute__((always_inline)) void
sums512(int vectors, long rows, const double *x, long columns, const double *r, int models,
        bool add, double *out, long ld, double *copy, later next) {
  enum { MODELS = 4 };
  __m512d a[MODELS][WIDE];
  SG_UNROLL
  for (int m = 0; m < MODELS; m++) {
    SG_UNROLL
    for (int v = 0; v < vectors; v++) a[m][v] = _mm512_setzero_pd();
  }
  for (long i = 0; i < rows; i++) {
    for (int k = 0; k < next.lines; k++)
      _mm_prefetch((const char *)(next.x + i * next.columns + k * LANES), _MM_HINT_T1);
    __m512d b[WIDE];
    SG_UNROLL
    for (int v = 0; v < vectors; v++) {
      b[v] = _mm512_loadu_pd(x + i * columns + v * LANES);
      if (copy) _mm512_storeu_pd(copy + (i * vectors + v) * LANES, b[v]);
    }
    SG_UNROLL
    for (int m = 0; m < MODELS; m++) {
      __m512d c = _mm512_set1_pd(r[i * models + m]);
      SG_UNROLL
      for (int v = 0; v < vectors; v++) a[m][v] = _mm512_fmadd_pd(b[v], c, a[m][v]);
    }
  }
  SG_UNROLL
  for (int m = 0; m < MODELS; m++) {
    SG_UNROLL
    for (int v = 0; v < vectors; v++) {
      double *to = out + m * ld + v * LANES;
      if (add) a[m][v] = _mm512_add_pd(_mm512_loadu_pd(to), a[m][v]);
      _mm512_storeu_pd(to, a[m][v]);
    }
  }
}

/* All models; the first four make the copy that the others read, unless x is in float32; meanwhile
 * those fetch the same columns from `next` on, each its share, since no processor foresees rows
 * that lie in pages of their own. */
FMA512 static inline __attribute__((always_inline)) void
strip512(int vectors, long rows, const double *x, const float *single, long columns,
         const double *r, int models, bool add, double *out, long ld, double *copy,
         const double *next) {
  int m = 0, fetched = single ? vectors : 0;
  if (single) {
    for (long i = 0; i < rows; i++)
      for (int v = 0; v < vectors; v++)
        _mm512_storeu_pd(copy + (i * vectors + v) * LANES,
                         _mm512_cvtps_pd(_mm256_loadu_ps(single + i * columns + v * LANES)));
  } else {
    sums512(vectors, rows, x, columns, r, models, add, out, ld, copy, (later){0});
    m = 4;
  }
  for (; m < models; m += 4) {
    int passes = (models - m) / 4, lines = (vectors - fetched + passes - 1) / passes;
    sums512(vectors, rows, copy, (long)vectors * LANES, r + m, models, add, out + m * ld, ld, NULL,
            (later){next + (long)fetched * LANES, columns, lines});
    fetched += lines;
  }
}

FMA512 static void strips512(long rows, long n, int models, const double *x, const float *single,
                             long columns, const double *r, bool add, double *copy, double *out,
                             long ld) {
  for (long c = 0; c < n;) {
    long width = n - c >= WIDE * LANES ? WIDE * LANES : LANES;
    const double *from = single ? x : x + c;
    /* The next columns, or the first ones of the rows that follow. */
    const double *next = single ? x : c + width < n ? from + width : x + rows * columns;
    if (width == WIDE * LANES)
      strip512(WIDE, rows, from, single ? single + c : NULL, columns, r, models, add, out + c, ld,
               copy, next);
    else
      strip512(1, rows, from, single ? single + c : NULL, columns, r, models, add, out + c, ld,
               copy, next);
    c += width;
  }
}

/* float32: rows × depth numbers, dense, while those of the next panel are fetched. */
static void widen_panel(int rows, long depth, const float *x, long ld, bool more, double *out) {
  for (int r = 0; r < rows; r++) {
    for (long p = 0; more && p < depth; p += 16) __builtin_prefetch(x + (PANEL + r) * ld + p, 0, 2);
    sg_widen(x + r * ld, depth, out + r * depth);
  }
}

/* A product is a sum over the columns, one after the other, whatever the vectors. */
static void multiply(sg_lanes lanes, long rows, long columns, int models, const double *x,
                     const float *single, const double *m, double *scratch, double *z, long ld) {
  int width = padded(models);
  long fitting = PACKED / width / 8 * 8, most = fitting > DEPTH ? fitting : DEPTH;
  double *sum = scratch, *packed = scratch + rows * width;
  memset(sum, 0, (size_t)(rows * width) * sizeof *sum);
  for (long c = 0; c < columns; c += most) {
    long depth = c + most < columns ? most : columns - c;
    pack(depth, models, width, m + c, columns, packed);
    for (long i = 0; i < rows; i += PANEL) {
      int n = rows - i < PANEL ? (int)(rows - i) : PANEL;
      bool more = i + 2 * PANEL <= rows;
      double widened[PANEL * PACKED / LANES];
      if (single) widen_panel(n, depth, single + i * columns + c, columns, more, widened);
      (lanes == SG_LANES_AVX512 ? panels512 : panels)(
          n, depth, single ? widened : x + i * columns + c, single ? depth : columns, packed, width,
          sum + i * width, more && !single);
    }
  }
  for (int w = 0; w < models; w++)
    for (long i = 0; i < rows; i++) z[w * ld + i] = sum[i * width + w];
}

#endif

void sg_wide_product_with(sg_lanes lanes, long rows, long columns, int models, const double *x,
                          const float *single, const double *m, double *scratch, double *z,
                          long ldz) {
#if defined(__x86_64__)
  if (lanes != SG_SCALAR && __builtin_cpu_supports("fma")) {
    multiply(lanes, rows, columns, models, x, single, m, scratch, z, ldz);
    return;
  }
#endif
  if (!single) {
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)rows, models, (int)columns, 1.0, x,
                (int)columns, m, (int)columns, 0.0, z, (int)ldz);
    return;
  }
  long depth = padded(models); /* columns at a time: as many as there is room for */
  for (long c = 0; c < columns; c += depth) {
    long n = c + depth < columns ? depth : columns - c;
    for (long i = 0; i < rows; i++) sg_widen(single + i * columns + c, n, scratch + i * n);
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)rows, models, (int)n, 1.0, scratch,
                (int)n, m + c, (int)columns, c ? 1.0 : 0.0, z, (int)ldz);
  }
}

void sg_wide_product(long rows, long columns, int models, const double *x, const float *single,
                     const double *m, double *scratch, double *z, long ldz) {
  sg_lanes lanes = sg_widest_lanes();
#if defined(__x86_64__)
  /* Whether there is fused multiply-add changes bits, and is the processor's alone to say. */
  if (lanes == SG_SCALAR && __builtin_cpu_supports("avx2")) lanes = SG_LANES_AVX2;
#endif
  sg_wide_product_with(lanes, rows, columns, models, x, single, m, scratch, z, ldz);
}

/* How OpenBLAS's kernels for this processor cut a sum: into `most` numbers, or the rest in two
 * halves of whole units; not at all in products of at most `whole` multiplications. */
typedef struct cut {
  long most, unit;
  double whole;
} cut;

/* Of those with fused multiply-add whose sums go one number after another. NULL: another one. */
static const cut *known_cut(void) {
  static const cut avx2 = {256, 4, 0}, avx512 = {384, 16, 1e6};
  const char *kernels = openblas_get_corename();
  if (strcmp(kernels, "Haswell") == 0 || strcmp(kernels, "Zen") == 0) return &avx2;
  return strcmp(kernels, "SkylakeX") == 0 || strcmp(kernels, "Cooperlake") == 0 ? &avx512 : NULL;
}

/* The next of `rest` numbers to add up, in a product of so many multiplications. */
static long stretch(const cut *c, long rest, double product) {
  if (product <= c->whole || rest <= c->most) return rest;
  return rest >= 2 * c->most ? c->most : (rest / 2 + c->unit - 1) / c->unit * c->unit;
}

bool sg_wide_sums_suit(long rows, long n, int models) {
  if (sg_widest_lanes() != SG_LANES_AVX512 || !__builtin_cpu_supports("fma") || n % LANES != 0 ||
      models % 4 != 0)
    return false;
  const cut *c = known_cut();
  return c && stretch(c, rows, n ? (double)rows * (double)n * models : INFINITY) <= SG_WIDE_ROWS;
}

void sg_wide_sums(long rows, long n, int models, const double *x, const float *single, long columns,
                  const double *r, double *scratch, double *out, long ld) {
#if defined(__x86_64__)
  const cut *c = known_cut();
  for (long at = 0, here; c && at < rows; at += here) {
    here = stretch(c, rows - at, (double)rows * (double)n * models);
    strips512(here, n, models, single ? x : x + at * columns, single ? single + at * columns : NULL,
              columns, r + at * models, at > 0, scratch, out, ld);
  }
#endif
}
