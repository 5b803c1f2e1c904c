/* SPDX-License-Identifier: MIT */
/* Synthetic gradients, for large models without data.
 *
 * Subset j has a vector a_j of standard normals, drawn once (in single precision, which halves what
 * an iteration has to read). Its gradient at the model x is g_j(x) = a_j / (1 + |x_0|), in double
 * precision: the gradients of all iterations differ, and shrink as training moves away from its
 * start. A part that covers shares of subsets has the sum of those shares, so the full gradient is
 * the same for every code. There is no loss. */
#include "models/learning/internal.h"
#include "models/learning/simd.h"
#include "sim/core/memory.h"
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

enum {
  CHUNK = 1 << 15, /* coordinates of one stream */
  STRIP = 64       /* coordinates of a strip */
};

/* Strip by strip, in a strip subset by subset: a tile of all subsets is one stretch of memory, or
 * two. The last strip is as wide as the others. Where coordinate c of subset j is; the rest of its
 * strip follows. */
static float *at(const sg_problem *problem, int j, long c) {
  float *a = problem->self;
  return a + (c / STRIP * problem->subsets + j) * STRIP + c % STRIP;
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  long l = problem->length = problem->stride = sg_int(learning, "length");
  problem->block_width = 1; /* there are no matrix products to gain by more */
  size_t count = (size_t)(l + STRIP - 1) / STRIP * STRIP * (size_t)problem->subsets;
  problem->data_bytes = (double)count * sizeof(float);
  if (problem->outline) return SG_OK;
  problem->self = sg_pages(count, sizeof(float));
  if (!problem->self) return sg_fail_memory(e);
  for (int j = 0; j < problem->subsets; j++)
    for (long c = 0; c < l; c += CHUNK) {
      sg_stream stream;
      sg_stream_at(&stream, seed, 0, SG_FOR_GRADIENT, (uint32_t)j, (uint32_t)(c / CHUNK), 0);
      for (long i = c; i < c + CHUNK && i < l; i++)
        *at(problem, j, i) = (float)gsl_ran_gaussian_ziggurat(&stream.rng, 1);
    }
  return SG_OK;
}

/* The subsets that [begin, end) overlaps, begin and end counted in subsets; returns how many.
 * Slivers that come from rounding are left out. */
static int overlaps(double begin, double end, int subsets, struct sg_overlap *out) {
  const double sliver = 1e-9;
  int count = 0;
  for (int j = (int)floor(begin + sliver); j < subsets && j + sliver < end; j++) {
    double from = begin > j ? begin : j, to = end < j + 1 ? end : j + 1, part = to - from;
    if (part < sliver) continue;
    out[count++] = (struct sg_overlap){j, part > 1 - sliver ? 1 : part};
  }
  return count;
}

sg_status sg_synthetic_partition(const sg_problem *problem, int parts, const double *edge,
                                 sg_partition *partition, sg_error *e) {
  int k = problem->subsets;
  partition->start = malloc(((size_t)parts + 1) * sizeof *partition->start);
  /* Every inner edge splits at most one subset. */
  partition->overlap = malloc(((size_t)parts + (size_t)k) * sizeof *partition->overlap);
  if (!partition->start || !partition->overlap) return sg_fail_memory(e);
  int count = 0;
  for (int p = 0; p < parts; p++) {
    double begin = (edge ? edge[p] : (double)p / parts) * k;
    double end = (edge ? edge[p + 1] : (double)(p + 1) / parts) * k;
    partition->start[p] = count;
    int n = overlaps(begin, end, k, partition->overlap + count);
    if (n == 0)
      return sg_fail(e, SG_INVALID, NULL, "expected data in each part, found none in part %d", p);
    count += n;
  }
  partition->start[parts] = count;
  return SG_OK;
}

sg_status sg_synthetic_begin(const sg_problem *problem, sg_workspace *ws,
                             const sg_gradient_request *q) {
  if (!sg_numbers_need(&ws->scratch, (size_t)q->columns)) return SG_NO_MEMORY;
  for (int c = 0; c < q->columns; c++) {
    ws->scratch.p[c] = 1 / (1 + fabs(q->x[c][0]));
    if (q->loss) q->loss[c] = NAN;
  }
  return SG_OK;
}

/* What is twice as long as a vector in registers, for the next. */
typedef double twice_v8 __attribute__((vector_size(128)));
typedef sg_v8 twice_v4;
typedef float floats_of_v8 __attribute__((vector_size(64), aligned(4), may_alias));
typedef sg_f8u floats_of_v4;
#define LOW_v4(d)  __builtin_shufflevector(d, d, 0, 1, 2, 3)
#define HIGH_v4(d) __builtin_shufflevector(d, d, 4, 5, 6, 7)
#define LOW_v8(d)  __builtin_shufflevector(d, d, 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH_v8(d) __builtin_shufflevector(d, d, 8, 9, 10, 11, 12, 13, 14, 15)

/* low and high = f · two vectors of floats from p on. Of as many floats as fill a vector GCC makes
 * doubles in one instruction for each half; of half as many, in five. */
#define SCALE(V, f, p, low, high)                                                                  \
  sg_##V low, high;                                                                                \
  do {                                                                                             \
    twice_##V d_ = __builtin_convertvector(*(const floats_of_##V *)(p), twice_##V);                \
    low = (f)*LOW_##V(d_), high = (f)*HIGH_##V(d_);                                                \
  } while (0)

/* Two vectors at a time from coordinate i on, while there are two. */
#define SCALED(V, AT, TO)                                                                          \
  for (const long n_ = sizeof(sg_##V) / sizeof *out; i + 2 * n_ <= n; i += 2 * n_) {               \
    SCALE(V, f, a + i, u, v);                                                                      \
    if (add) u += AT(out, i), v += AT(out, i + n_);                                                \
    TO(out, i) = u, TO(out, i + n_) = v;                                                           \
  }

SG_CLONES(sg_synthetic_scaled, (const float *a, double f, long n, double *out, bool add),
          (a, f, n, out, add)) {
  long i = 0;
  if (wide) SCALED(v8, AT8, TO8)
  SCALED(v4, AT, TO)
  for (; i < n; i++) out[i] = add ? out[i] + f * (double)a[i] : f * (double)a[i];
}

#define SCALED3(V, AT, TO)                                                                         \
  for (const long n_ = sizeof(sg_##V) / sizeof *out; i + 2 * n_ <= n; i += 2 * n_) {               \
    SCALE(V, f[0], a[0] + i, u, v);                                                                \
    SCALE(V, f[1], a[1] + i, u1, v1);                                                              \
    SCALE(V, f[2], a[2] + i, u2, v2);                                                              \
    u = u + u1 + u2, v = v + v1 + v2;                                                              \
    if (add) u += AT(out, i), v += AT(out, i + n_);                                                \
    TO(out, i) = u, TO(out, i + n_) = v;                                                           \
  }

/* out = Σ f[j] · a[j] over three subsets, or out += …: three at a time spare two passes over out.
 */
static SG_CLONES(scaled3,
                 (const float *const a[3], const double f[3], long n, double *out, bool add),
                 (a, f, n, out, add)) {
  long i = 0;
  if (wide) SCALED3(v8, AT8, TO8)
  SCALED3(v4, AT, TO)
  for (; i < n; i++) {
    double v = f[0] * (double)a[0][i] + f[1] * (double)a[1][i] + f[2] * (double)a[2][i];
    out[i] = add ? out[i] + v : v;
  }
}

/* The next strip of the same subset lies a whole strip of all subsets away, too far for the
 * processor to see it coming. */
static void fetch_ahead(const sg_problem *problem, const float *a, long n) {
  const float *next = a + (ptrdiff_t)problem->subsets * STRIP;
  for (long i = 0; i < n; i += 16) __builtin_prefetch(next + i);
}

/* The gradient of a part over one strip. */
static void sum_subsets(const sg_problem *problem, const sg_partition *p, int part, double factor,
                        long c, long n, double *out) {
  const struct sg_overlap *first = p->overlap + p->start[part], *o = first,
                          *end = p->overlap + p->start[part + 1];
  for (; o + 3 <= end; o += 3) {
    const float *a[3];
    double f[3];
    for (int i = 0; i < 3; i++) {
      a[i] = at(problem, o[i].subset, c);
      f[i] = factor * o[i].share;
      fetch_ahead(problem, a[i], n);
    }
    scaled3(a, f, n, out, o > first);
  }
  for (; o < end; o++) {
    const float *a = at(problem, o->subset, c);

    sg_synthetic_scaled(a, factor * o->share, n, out, o > first);
  }
}

static sg_status tile(const sg_problem *problem, sg_workspace *ws, int slot, long from, long to,
                      const double **out) {
  const sg_gradient_request *q = ws->request;
  const sg_partition *p = q->partition;
  /* A strip more, so that the strips of all items at the same place lie side by side in the cache.
   */
  long ld = (to - from + 7) / 8 * 8 + STRIP;
  double *x = sg_workspace_tile(ws, slot, (size_t)q->n_items * (size_t)ld);
  if (!x) return SG_NO_MEMORY;
  for (int i = 0; i < q->n_items; i++) out[i] = x + i * ld;
  /* Memory is read in its own order: strip by strip. */
  for (long c = from; c < to;) {
    long n = STRIP - c % STRIP < to - c ? STRIP - c % STRIP : to - c;
    for (int i = 0; i < q->n_items; i++)
      sum_subsets(problem, p, q->item[i].part, ws->scratch.p[q->item[i].column], c, n,
                  x + i * ld + (c - from));
    c += n;
  }
  return SG_OK;
}

/* Strips that lie one after another. More lines at a time than a processor keeps track of (a dozen
 * or so) would make it wait; what is then not asked for here, sum_subsets asks for. */
static void ahead(const sg_problem *problem, long begin, long n, int share, int shares) {
  enum { LINE = 64 / sizeof(float), MOST = 48 };
  const long lines =
      ((begin + n - 1) / STRIP - begin / STRIP + 1) * problem->subsets * STRIP / LINE;
  if (lines > (long)MOST * shares) return;
  const float *from = at(problem, 0, begin / STRIP * STRIP);
  for (long i = lines * share / shares; i < lines * (share + 1) / shares; i++)
    __builtin_prefetch(from + i * LINE, 0, 2);
}

static const sg_param params[] = {
    SG_ROW_INT("length", 1, 1e10,
               "coordinates of a gradient; there are 4 bytes of data for each coordinate of each "
               "subset (problem layered-gradient has none)",
               .flags = SG_REQUIRED),
    {0}};

const sg_problem_type sg_problem_synthetic = {
    .about = {.name = "synthetic-gradient",
              .summary =
                  "a random gradient per subset, drawn once and rescaled by 1/(1 + |x_0|) in each "
                  "iteration, really encoded and decoded: for large models",
              .params = params},
    .create = create,
    .partition = sg_synthetic_partition,
    .begin = sg_synthetic_begin,
    .tile = tile,
    .ahead = ahead};
