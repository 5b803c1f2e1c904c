/* SPDX-License-Identifier: MIT */
/* Reed–Solomon codes with a balanced mask (Halbawi, Azizan, Salehi, Hassibi 2018).
 *
 * Worker i has a node α_i, all distinct and none zero. Part j is held by the s + 1 workers H_j;
 * worker i's coefficient for it is t_j(α_i), where t_j(x) = Π_{r ∉ H_j} (1 − x/α_r) has degree
 * n − s − 1 and t_j(0) = 1. The sum is recovered by interpolation at 0 from any n − s workers.
 * (derived; recalled that the paper's construction is like this, with complex roots of unity)
 *
 * Rows may be scaled. Divided by their values Π_{r ≠ i} (1 − α_i/α_r) they become
 *
 *   B[i][j] = 1 / Π_{r ∈ H_j, r ≠ i} δ(i, r),   weights a_i = Π_{r ∈ S} δ(i, r)
 *
 * for stragglers S, with δ(i, r) = 1 − α_i/α_r: O(s f) operations, no linear solve, no cache.
 *
 * roots-of-unity: α_i = exp(2πi/n). A message is complex and travels as two real vectors, twice the
 * bytes. Real nodes: α_i = 1/y_i with equidistant y from −2 to 2 (one of them may be infinite);
 * scaled by powers of y, δ(i, r) = y_i − y_r, and what is interpolated is the leading coefficient.
 * With fewer than s stragglers the missing factors may then be any monic polynomial; Chebyshev's
 * over the nodes keeps the weights small. Chebyshev nodes α with 0 amid them have weights larger by
 * orders of magnitude (n = 50, s = 5: three, with the same mask).
 *
 * The mask decides the size of the coefficients: cyclic (neighbours) as in the paper's examples, or
 * spread, in which the nodes of H_j lie as far apart as they can, so that no δ is small. (derived;
 * docs/validation.md) */
#include "codes/frame/code.h"
#include "codes/frame/protocol.h"
#include "codes/tools/rules.h"
#include "sim/core/elementary.h"

#include <complex.h>
#include <math.h>

static const char *const node_names[] = {"real", "roots-of-unity", NULL};
enum { REAL, ROOTS };
static const char *const masks[] = {"spread", "cyclic", NULL};
enum { SPREAD, CYCLIC };

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated; every part is held by s + 1 workers"),
    SG_ROW_INT("parts", 1, 1e6,
               "k, how many parts the data is cut into; the number of workers n when left out. "
               "Loads are equal if n divides k (s + 1) and differ by one part otherwise",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("nodes", node_names, REAL,
                  "evaluation points: real, or complex n-th roots of unity, whose messages are "
                  "twice as long and whose arithmetic is the safest"),
    SG_ROW_CHOICE("mask", masks, SPREAD,
                  "which workers hold a part: those of far apart nodes, or neighbours"),
    {0}};

typedef struct term {
  int part;
  double re, im;
} term;

typedef struct tables {
  int n, s, k, nodes;
  double *y;              /* n, real nodes */
  double complex *factor; /* roots of unity: factor[t] = 1 − exp(2πi t/n), δ(i, r) at t = i − r */
  int *start;             /* n + 1: where the terms of each worker begin */
  term *term;             /* k (s + 1) */
} tables;

/* --- The mask --------------------------------------------------------------------------------- */

/* The x-th worker when they are counted with strides of ⌊n/(s + 1)⌋, so that any s + 1 that follow
 * one another are spread out. */
static int strided(int n, int stride, int x) {
  int longer = n % stride, size = n / stride; /* `longer` classes of size + 1, then the others */
  int head = longer * (size + 1);
  int class = x < head ? x / (size + 1) : longer + (x - head) / size;
  int place = x < head ? x % (size + 1) : (x - head) % size;
  return class + place * stride;
}

/* The t-th holder of part j. With k a multiple of n every worker begins as many parts; otherwise
 * parts take the next s + 1 workers in turn, so that loads differ by one part at most. */
static int holder(const tables *t, int mask, long j, int place) {
  int n = t->n, d = t->s + 1;
  if (t->k % n == 0) return (int)((j + (mask == SPREAD ? (long)place * n / d : place)) % n);
  int x = (int)((j * d + place) % n);
  return mask == SPREAD ? strided(n, n / d, x) : x;
}

/* --- Making ----------------------------------------------------------------------------------- */

static double complex delta(const tables *t, int i, int r) {
  return t->nodes == REAL ? t->y[i] - t->y[r] : t->factor[(i - r + t->n) % t->n];
}

static void place_nodes(tables *t) {
  for (int i = 0; i < t->n; i++) {
    t->y[i] = t->n > 1 ? 4.0 * i / (t->n - 1) - 2 : 0;
    /* 1 − exp(2πi t/n) = 2 sin²(π t/n) − i sin(2π t/n), without cancellation near t = 0. */
    double half = sg_sin(M_PI * i / t->n);
    t->factor[i] = 2 * half * half - I * sg_sin(2 * M_PI * i / t->n);
  }
}

static void fill_terms(tables *t, int mask, int *count) {
  int d = t->s + 1;
  for (long j = 0; j < t->k; j++)
    for (int p = 0; p < d; p++) t->start[holder(t, mask, j, p) + 1]++;
  for (int i = 0; i < t->n; i++) t->start[i + 1] += t->start[i];
  for (long j = 0; j < t->k; j++)
    for (int p = 0; p < d; p++) {
      int i = holder(t, mask, j, p);
      double complex product = 1;
      for (int other = 0; other < d; other++)
        if (other != p) product *= delta(t, i, holder(t, mask, j, other));
      double complex b = 1 / product;
      t->term[t->start[i] + count[i]++] = (term){.part = (int)j, .re = creal(b), .im = cimag(b)};
    }
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  *t = (tables){.n = n, .s = s, .k = n, .nodes = sg_choice(values, "nodes")};
  if (sg_given(values, "parts")) t->k = (int)sg_int(values, "parts");
  size_t size = (size_t)n;
  t->y = sg_code_alloc(code, size, sizeof *t->y);
  t->factor = sg_code_alloc(code, size, sizeof *t->factor);
  t->start = sg_code_alloc(code, size + 1, sizeof *t->start);
  t->term = sg_code_alloc(code, (size_t)t->k * (size_t)(s + 1), sizeof *t->term);
  int *count = sg_code_alloc(code, size, sizeof *count);
  if (!t->y || !t->factor || !t->start || !t->term || !count) return sg_fail_memory(e);
  place_nodes(t);
  fill_terms(t, sg_choice(values, "mask"), count);
  code->parts = t->k;
  code->promised = t->s;
  int messages = t->nodes == ROOTS ? 2 : 1;
  return sg_code_one_segment(code, values, "s", 1, messages * (n - t->s), e);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* The real part, and with roots of unity the imaginary part (tag 1) in the same transmission. */
static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  for (int i = 0; i < t->n; i++) {
    double work = (double)(t->start[i + 1] - t->start[i]) / t->k * code->shape.subsets;
    if (work > 0) sg_task(o, i, snapshot, work, SG_DRAWS_OF_WORK, 0);
    sg_send(o, i, SG_MASTER, snapshot, 0, 0, 0);
    if (t->nodes == ROOTS) sg_send(o, i, SG_MASTER, snapshot, 0, 1, SG_WITH_PREVIOUS);
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (int at = t->start[message->from]; at < t->start[message->from + 1]; at++)
    sg_row_part(row, t->term[at].part, 0, message->tag == 0 ? t->term[at].re : t->term[at].im);
}

/* --- Decoding --------------------------------------------------------------------------------- */

/* Stragglers: workers without all of their messages. */
static int find_missing(const tables *t, const sg_used *used, int *missing) {
  int each = t->nodes == ROOTS ? 2 : 1, q = 0, at = 0;
  for (int i = 0; i < t->n; i++) {
    int have = 0;
    for (; at < used->count && used->message[at]->from == i; at++) have++;
    if (have < each) missing[q++] = i;
  }
  return q;
}

/* The zeros of the polynomial that takes the place of the stragglers: they, and Chebyshev's zeros
 * for as many as there could be more. */
static void place_zeros(const tables *t, int q, const int *missing, double *zero) {
  int more = t->s - q;
  for (int k = 0; k < q; k++) zero[k] = t->y[missing[k]];
  for (int k = 0; k < more; k++) zero[q + k] = 2 * sg_cos(M_PI * (2 * k + 1) / (2.0 * more));
}

static double real_weight(const tables *t, int i, const double *zero) {
  double product = 1;
  for (int k = 0; k < t->s; k++) product *= t->y[i] - zero[k];
  return product;
}

static double complex complex_weight(const tables *t, int i, int q, const int *missing) {
  double complex product = 1;
  for (int k = 0; k < q; k++) product *= delta(t, i, missing[k]);
  return product;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  double *zero = sg_used_scratch(used, (size_t)t->n * (sizeof *zero + sizeof(int)));
  if (!zero) return SG_NO_MEMORY;
  int *missing = (int *)(void *)(zero + t->n);
  int q = find_missing(t, used, missing), k = 0;
  if (q > t->s) return SG_UNDECODABLE;
  if (t->nodes == REAL) place_zeros(t, q, missing, zero);
  for (int i = 0; i < used->count; i++) {
    int from = used->message[i]->from;
    while (k < q && missing[k] < from) k++;
    if (k < q && missing[k] == from) continue; /* half a message */
    if (t->nodes == REAL) {
      used->W[i] = real_weight(t, from, zero);
    } else if (used->message[i]->tag == 0) {
      double complex a = complex_weight(t, from, q, missing);
      used->W[i] = creal(a);
      used->W[i + 1] = -cimag(a);
    }
  }
  /* A subtraction and a product for each zero; a product of complex numbers is 6. */
  used->info->flops = (t->nodes == REAL ? 2.0 * t->s : 6.0 * q) * (t->n - q);
  return SG_OK;
}

const sg_code_type sg_reed_solomon = {
    .about = {.name = "reed-solomon",
              .brief = "balanced Reed-Solomon, no linear solve",
              .summary = "Reed-Solomon code with a balanced mask: deterministic, any n - s workers "
                         "recover the sum by interpolation, without a linear solve (d = s + 1, "
                         "m = 1).",
              .reference = "Halbawi, Azizan, Salehi, Hassibi (ISIT 2018), arXiv:1706.05436 "
                           "(abstract published; construction derived). Real nodes and the spread "
                           "mask: derived here.",
              .params = params},
    .create = create,
    .encode = encode,
    .plan = plan,
    .weights = weights,
};
