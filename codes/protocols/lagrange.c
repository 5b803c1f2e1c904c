/* SPDX-License-Identifier: MIT */
/* Codes on coded data for gradients XᵀXw − Xᵀy of least squares, whose second term is computed
 * once: workers hold values of polynomials through the parts of the data, their gradients are
 * values of a polynomial of twice the degree, and its sum at the places of the parts is the
 * gradient.
 *
 * K parts lie at the Chebyshev points β_j of order K on a polynomial X(z) of degree K − 1, and
 * h(z) = X(z)ᵀX(z)w has degree 2(K − 1): any 2K − 1 values give Σ_j h(β_j).
 *
 *   lcc-mmc                a worker holds r of n r values X(α), where K = n, and sends each h(α) as
 *                          soon as it has it: any 2n − 1 are enough, from whomever
 *   polynomial-regression  the n parts are in groups of K = ⌈n/r⌉ with a polynomial each, a worker
 *                          holds each at one α and sends the sum of all: any 2⌈n/r⌉ − 1 workers
 *
 * α are Chebyshev points, too; those of a worker lie apart, and so do those that all workers come
 * to at the same time. Interpolation of equal points loses digits the faster the higher the degree,
 * and those that came first are not equal at all: the error of the rows shows it.
 * (polynomial-regression and thresholds recalled; placement derived) */
#include "codes/frame/protocol.h"
#include "codes/tools/interpolation.h"

#include <stdio.h>

extern const sg_code_type sg_lcc_mmc, sg_polynomial_regression;

typedef struct tables {
  int each, groups; /* messages of a worker, polynomials in a message */
  int points, need; /* K, 2K − 1 */
  double *beta;     /* K */
  double *alpha;    /* workers × each */
} tables;

static const sg_param params[] = {
    SG_ROW_INT("r", 1, SG_UNBOUNDED,
               "coded parts that a worker holds and computes, each 1/n of the data; at least 2",
               .flags = SG_REQUIRED),
    {0}};

/* Message k of worker i is at one of r neighbours number (i + k n/r) mod n of all points. */
static int place(const tables *t, int n, int i, int k) {
  return (i + k * n / t->each) % n * t->each + k;
}

static sg_status make(sg_code *code, tables *t, sg_error *e) {
  int n = code->nodes, values = n * t->each;
  t->need = 2 * t->points - 1;
  t->beta = sg_code_alloc(code, (size_t)t->points, sizeof *t->beta);
  t->alpha = sg_code_alloc(code, (size_t)values, sizeof *t->alpha);
  if (!t->beta || !t->alpha) return sg_fail_memory(e);
  for (int j = 0; j < t->points; j++) t->beta[j] = sg_chebyshev(j, t->points);
  for (int c = 0; c < values; c++)
    t->alpha[c] = sg_chebyshev(place(t, n, c / t->each, c % t->each), values);
  code->parts = n;
  if (!sg_code_on_curves(code, sg_lagrange_basis, t->points, t->beta, values, t->alpha))
    return sg_fail_memory(e);
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  bool many = code->type == &sg_lcc_mmc;
  long r = sg_int(values, "r");
  int n = shape->workers;
  if (n < 2) return sg_fail_at(e, values, NULL, "expected at least 2 workers, found %d", n);
  if (r < 2 || r > n)
    return sg_fail_at(e, values, "r",
                      "expected r from 2, so that there are 2%s − 1 values to decode from, to n = "
                      "%d, found %ld",
                      many ? "n" : "⌈n/r⌉", n, r);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  char *note = sg_code_alloc(code, 120, 1);
  if (!t || !note) return sg_fail_memory(e);
  int size = (n + (int)r - 1) / (int)r;
  *t = many ? (tables){.each = (int)r, .groups = 1, .points = n}
            : (tables){.each = 1, .groups = (n + size - 1) / size, .points = size};
  sg_status status = make(code, t, e);
  if (status) return status;
  code->promised = n - (t->need + t->each - 1) / t->each;
  code->flags = SG_WEIGHTS_PURE;
  snprintf(note, 120,
           "interpolates a polynomial of degree %d: the higher, the more digits are lost",
           t->need - 1);
  code->note = note;
  return sg_code_one_segment(code, values, NULL, 1, t->need, e);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  double part = (double)code->shape.subsets / code->nodes;
  for (int k = 0; k < t->each; k++) {
    sg_task(o, SG_ALL, snapshot, part, SG_DRAWS_OF_WORK, 0);
    sg_send(o, SG_ALL, SG_MASTER, snapshot, 0, k, 0);
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int value = message->from * t->each + message->tag;
  for (int u = 0; u < t->groups; u++) sg_row_part(row, code->parts + value * t->groups + u, 0, 1);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  size_t count = (size_t)used->count;
  if (used->count < t->need) return SG_UNDECODABLE;
  double *x = sg_used_scratch(used, 3 * count * sizeof *x);
  if (!x) return SG_NO_MEMORY;
  for (int i = 0; i < used->count; i++)
    x[i] = t->alpha[used->message[i]->from * t->each + used->message[i]->tag];
  sg_lagrange_weights(used->count, x, t->need, t->points, t->beta, used->W, x + count, used->info);
  return SG_OK;
}

const sg_code_type sg_lcc_mmc = {
    .about = {.name = "lcc-mmc",
              .brief = "Lagrange coded data, a message per part; least squares",
              .summary = "Lagrange coded computing with several messages of a worker: any 2n - 1 "
                         "gradients of coded parts of the data give the sum. Least squares only; "
                         "loses accuracy with n.",
              .reference = "Multi-message communication: Ozfatura, Ulukus, Gündüz (Entropy 2020), "
                           "arXiv:2004.04948; Lagrange codes: Yu et al. 2019, arXiv:1806.00939 "
                           "(recalled); points derived.",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
};

const sg_code_type sg_polynomial_regression = {
    .about = {.name = "polynomial-regression",
              .brief = "polynomially coded data, one message; least squares",
              .summary =
                  "Polynomially coded regression: a worker sends the sum of its gradients of "
                  "r coded parts of the data; any 2⌈n/r⌉ - 1 workers give the sum. Least "
                  "squares only; loses accuracy with n.",
              .reference = "Li, Mousavi Kalan, Yu, Soltanolkotabi, Avestimehr 2018, "
                           "arXiv:1805.09934 (threshold recalled); points derived.",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
