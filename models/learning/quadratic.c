/* SPDX-License-Identifier: MIT */
/* The test problem of asynchronous methods with time bounds: a quadratic with noisy gradients.
 *
 *   f(x) = ½ xᵀA x − bᵀx,  A = ¼ tridiag(−1, 2, −1),  b = −¼ e_1,  x⁰ = √d e_1  (d: length)
 *
 * (Tyurin, Richtárik 2023, arXiv:2305.12387, after Nesterov's worst case; A, b, x⁰ and a noise of
 * variance .01² per coordinate are those of their experiments.) The eigenvalues of A are
 * sin²(iπ / (2 (d + 1))), the least value is f* = −d / (8 (d + 1)) at x*_i = −1 + i / (d + 1), and
 * the loss is f(x) − f* = ⅛ (y_1² + Σ (y_{i+1} − y_i)² + y_d²), y = x − x*: no digits cancel.
 *
 * Parts are shares of f: a part with the share s has the gradient s ∇f(x), without noise. A
 * mini-batch has no rows here, it is a stochastic gradient: s (∇f(x) + noise · ξ), ξ standard
 * normal, so that its mean is the part's gradient and whoever takes mini-batches of all of f (one
 * part) has noise of standard deviation `noise` in each coordinate. The mean over workers of
 * gradients of their own parts, times their number, is as noisy as the mean of as many of all of f.
 * ξ is a function of (seed, part, name) alone, the same vector wherever it is asked for: by Box and
 * Muller from the stream (seed, SG_FOR_BATCH, part, name, chunk), two coordinates from two numbers.
 *
 * Heterogeneous data: with heterogeneity ζ the share of subset j has the linear term
 * (b + ζ (z_j − z̄)) / k, z_j standard normal vectors of the seed and z̄ their mean: ∇f_j of a
 * subset, times k, is ζ √(1 − 1/k) from ∇f in each coordinate, and f is what it was. */
#include "models/learning/internal.h"
#include "sim/core/elementary.h"
#include "sim/core/memory.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 15 }; /* coordinates of one stream */

typedef struct quadratic {
  double noise, start;
  double *offset; /* subsets × length: ζ (z_j − z̄) / k; NULL: all subsets are alike */
} quadratic;

static const char *const start_words[] = {"sqrt-length", NULL};

static const sg_param params[] = {
    SG_ROW_INT("length", 1, 1e9, "coordinates d of the model", .flags = SG_REQUIRED),
    SG_ROW_REAL(
        "noise", 0, SG_UNBOUNDED,
        "standard deviation of the noise in each coordinate of a stochastic gradient of all "
        "of f, which is what schemes have that compute on mini-batches; whole parts have "
        "none",
        .fallback = 0.01),
    SG_ROW_REAL("heterogeneity", 0, SG_UNBOUNDED,
                "standard deviation, in each coordinate, by which the gradients of the subsets "
                "differ from that of f when they are scaled to all of it; f itself is the same"),
    SG_ROW_REAL("start", -SG_UNBOUNDED, SG_UNBOUNDED,
                "first coordinate of the model that runs begin with, whose others are 0; "
                "sqrt-length: √d",
                .choices = start_words, .text = "sqrt-length"),
    {0}};

/* out += f · ξ, ξ the standard normal vector of an address. */
static void add_normals(uint64_t seed, sg_purpose purpose, uint32_t worker, uint32_t iteration,
                        double f, long n, double *out) {
  for (long c = 0; c < n; c += CHUNK) {
    sg_stream s;
    sg_stream_at(&s, seed, 0, purpose, worker, iteration, (uint32_t)(c / CHUNK));
    for (long i = c; i < n && i < c + CHUNK; i += 2) {
      double r = f * sqrt(-2 * sg_log(1 - sg_uniform(&s))), angle = 2 * M_PI * sg_uniform(&s);
      out[i] += r * sg_cos(angle);
      if (i + 1 < n) out[i + 1] += r * sg_sin(angle);
    }
  }
}

static sg_status make_offsets(const sg_problem *problem, double heterogeneity, quadratic *q) {
  size_t k = (size_t)problem->subsets, l = (size_t)problem->length;
  if (k > SIZE_MAX / sizeof(double) / l) return SG_NO_MEMORY;
  double *mean = calloc(l, sizeof *mean);
  q->offset = sg_pages(k * l, sizeof *q->offset);
  if (!mean || !q->offset) {
    free(mean);
    return SG_NO_MEMORY;
  }
  memset(q->offset, 0, k * l * sizeof *q->offset);
  for (size_t j = 0; j < k; j++) {
    double *z = q->offset + j * l;
    add_normals(problem->seed, SG_FOR_GRADIENT, (uint32_t)j, 0, 1, problem->length, z);
    for (size_t i = 0; i < l; i++) mean[i] += z[i] / (double)k;
  }
  for (size_t j = 0; j < k; j++)
    for (size_t i = 0; i < l; i++)
      q->offset[j * l + i] = heterogeneity / (double)k * (q->offset[j * l + i] - mean[i]);
  free(mean);
  return SG_OK;
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  quadratic *q = problem->self = calloc(1, sizeof *q);
  if (!q) return sg_fail_memory(e);
  double heterogeneity = sg_real(learning, "heterogeneity");
  problem->length = problem->stride = sg_int(learning, "length");
  problem->stochastic = true;
  q->noise = sg_real(learning, "noise");
  q->start =
      sg_text(learning, "start") ? sqrt((double)problem->length) : sg_real(learning, "start");
  if (!(heterogeneity > 0)) return SG_OK;
  double bytes = 8.0 * (double)problem->length * problem->subsets;
  problem->data_bytes = bytes;
  problem->block_width = 1; /* there are no matrix products to gain by more */
  if (problem->outline) return SG_OK;
  sg_status status = make_offsets(problem, heterogeneity, q);
  return status ? sg_fail_room(e, "the linear terms of subsets", bytes) : SG_OK;
}

static void destroy(sg_problem *problem) {
  const quadratic *q = problem->self;
  if (q) free(q->offset);
}

static void start(const sg_problem *problem, double *x) {
  memset(x, 0, (size_t)problem->length * sizeof *x);
  x[0] = ((const quadratic *)problem->self)->start;
}

/* out = s (A x − b). */
static void gradient(double s, long n, const double *x, double *out) {
  double before = 0, f = s / 4;
  for (long i = 0; i < n; i++) {
    double after = i + 1 < n ? x[i + 1] : 0;
    out[i] = f * (2 * x[i] - before - after);
    before = x[i];
  }
  out[0] += f;
}

static double loss(const sg_problem *problem, const double *x) {
  double n = (double)problem->length, y = x[0] + n / (n + 1), sum = y * y, squares = 0;
  for (long i = 1; i < problem->length; i++) {
    double next = x[i] + 1 - (double)(i + 1) / (n + 1);
    sum += (next - y) * (next - y);
    y = next;
  }
  for (long i = 0; problem->l2 > 0 && i < problem->length; i++) squares += x[i] * x[i];
  return (sum + y * y) / 8 + problem->l2 / 2 * squares;
}

static sg_status begin(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *r) {
  const quadratic *q = problem->self;
  const sg_partition *p = r->partition;
  long l = problem->length;
  if (!sg_numbers_need(&ws->vectors, (size_t)r->n_items * (size_t)l)) return SG_NO_MEMORY;
  for (int i = 0; i < r->n_items; i++) {
    const sg_partial *item = &r->item[i];
    const struct sg_overlap *first = p->overlap + p->start[item->part],
                            *end = p->overlap + p->start[item->part + 1];
    double *g = ws->vectors.p + i * l, subsets = 0;
    for (const struct sg_overlap *o = first; o < end; o++) subsets += o->share;
    double share = subsets / problem->subsets;
    gradient(share, l, r->x[item->column], g);
    for (const struct sg_overlap *o = first; q->offset && o < end; o++) {
      const double *offset = q->offset + o->subset * l;
      for (long c = 0; c < l; c++) g[c] -= o->share * offset[c];
    }
    if (item->batch && q->noise > 0)
      add_normals(problem->seed, SG_FOR_BATCH, (uint32_t)item->part, (uint32_t)item->batch,
                  share * q->noise, l, g);
  }
  for (int c = 0; r->loss && c < r->columns; c++)
    r->loss[c] = r->loss_x && r->loss_x[c] ? loss(problem, r->loss_x[c]) : NAN;
  return SG_OK;
}

static sg_status tile(const sg_problem *problem, sg_workspace *ws, int slot, long from, long to,
                      const double **out) {
  for (int i = 0; i < ws->request->n_items; i++)
    out[i] = ws->vectors.p + i * problem->length + from;
  return SG_OK;
}

static sg_status evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what, int columns,
                          const double *const *x, sg_metrics *metrics) {
  for (int c = 0; what & SG_WANT_LOSS && c < columns; c++) metrics[c].loss = loss(problem, x[c]);
  return SG_OK;
}

/* The eigenvalue number i of A, from 1. */
static double eigenvalue(const sg_problem *problem, long i) {
  double root = sin((double)i * M_PI / (2 * (double)(problem->length + 1)));
  return root * root;
}

static sg_status smoothness(const sg_problem *problem, double *bound) {
  *bound = eigenvalue(problem, problem->length) + problem->l2;
  return SG_OK;
}

static sg_status curvature(const sg_problem *problem, double *least, double *most) {
  *least = eigenvalue(problem, 1) + problem->l2;
  *most = eigenvalue(problem, problem->length) + problem->l2;
  return SG_OK;
}

const sg_problem_type sg_problem_quadratic = {
    .about = {.name = "quadratic",
              .summary =
                  "½ xᵀA x − bᵀx with A = ¼ tridiag(−1, 2, −1), b = −¼ e_1, less its least value, "
                  "and mini-batches that are its gradient with noise, without data: the test "
                  "problem of asynchronous methods with time bounds",
              .reference =
                  "Tyurin, Richtárik 2023, arXiv:2305.12387 (A, b, start and noise recalled "
                  "from its experiments); spectrum, least value and heterogeneous terms "
                  "derived.",
              .params = params},
    .create = create,
    .destroy = destroy,
    .start = start,
    .partition = sg_synthetic_partition,
    .begin = begin,
    .tile = tile,
    .evaluate = evaluate,
    .smoothness = smoothness,
    .curvature = curvature};
