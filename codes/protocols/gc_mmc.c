/* SPDX-License-Identifier: MIT */
/* Multi-message gradient coding, a reconstruction after Ozfatura, Ulukus and Gündüz 2020.
 *
 * Worker i computes shares i, …, i + r − 1 (mod n) in this order. After its m-th one, for each m of
 * the set of prefixes, it sends row i of the cyclic repetition code of tolerance m − 1, which is a
 * combination of just these m gradients. The master is done when what has come spans the sum, by
 * the rank test, whose elimination gives the weights. With clusters all of this happens inside each
 * of them, among `size` workers with their own shares.
 *
 * The rows of all prefixes come from one random P (cyclic.h): those of prefix m are orthogonal to
 * its first m − 1 rows, so that a larger prefix's rows lie in the span of a smaller one's, and any
 * size − m + 1 independent rows of a cluster span its sum if m is the smallest prefix among them.
 * With an independent matrix for each prefix that would not be so.
 *
 * A row whose first or last coefficient is small beside the others is nearly one of a smaller
 * window, and may be all that is new in a message. Of several draws of P the one is taken whose
 * worst row is best in this: with n = 60 and prefixes 3, 6, 9 a decode amplified rounding errors up
 * to 7e8 times in 200 rounds with the first draw, 2e6 times with the best of 16. (derived) */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"

#include <math.h>

static const sg_param prefix[] = {SG_ROW_INT("prefix", 1, SG_UNBOUNDED, "a number of shares"), {0}};

static const sg_param params[] = {
    SG_ROW_INT("r", 1, SG_UNBOUNDED,
               "computation load: shares that a worker computes, one after another, at most the "
               "number of workers in a cluster",
               .flags = SG_REQUIRED),
    SG_ROW_LIST("prefixes", prefix, 0, 0,
                "after how many of its shares a worker sends a message: rising whole numbers from "
                "1 to r; all of them when left out"),
    SG_ROW_INT("clusters", 1, SG_UNBOUNDED,
               "the code is used inside each of so many clusters of workers that follow one "
               "another; divides the number of workers",
               .fallback = 1),
    {0}};

typedef struct tables {
  int n, size, r;   /* workers, and in a cluster */
  int messages;     /* of a worker */
  int *prefix;      /* messages: shares in each */
  sg_cyclic **code; /* messages */
} tables;

static sg_status read_prefixes(tables *t, sg_code *code, const sg_values *values, sg_error *e) {
  int count = sg_count(values, "prefixes");
  bool all = count == 0;
  t->messages = all ? t->r : count;
  t->prefix = sg_code_alloc(code, (size_t)t->messages, sizeof *t->prefix);
  if (!t->prefix) return sg_fail_memory(e);
  for (int k = 0; k < t->messages; k++) {
    double m = all ? k + 1 : sg_item(values, "prefixes", k)->number;
    int least = k > 0 ? t->prefix[k - 1] + 1 : 1;
    if (m < least || m > t->r)
      return sg_fail_at(e, values, "prefixes",
                        "expected rising prefixes from 1 to r = %d, found %.0f%s", t->r, m,
                        m < least && m >= 1 ? ", which does not rise" : "");
    t->prefix[k] = (int)m;
  }
  return SG_OK;
}

enum { DRAWS = 16 };

/* How small the first or last coefficient of a row gets, over its norm: the least over all rows. */
static double least_end(const sg_cyclic *c) {
  double least = 1;
  for (int i = 0; i < c->n; i++) {
    const double *coef = c->coef + i * (c->s + 1);
    double norm = cblas_dnrm2(c->s + 1, coef, 1);
    least = fmin(least, fmin(fabs(coef[0]), fabs(coef[c->s])) / norm);
  }
  return least;
}

/* Coefficients of all prefixes by one draw of P; how good it is, or 0 for a singular one. */
static sg_status draw(const tables *t, uint64_t seed, int number, double *worth) {
  *worth = 1;
  for (int k = 0; k < t->messages; k++) {
    sg_status status = sg_cyclic_draw(t->code[k], seed, (uint32_t)number);
    if (status == SG_UNDECODABLE) *worth = 0;
    if (status) return status;
    *worth = fmin(*worth, least_end(t->code[k]));
  }
  return SG_OK;
}

static sg_status make_rows(tables *t, sg_code *code, const sg_values *values, sg_error *e) {
  uint64_t seed = code->shape.seed;
  double best = 0, worth;
  int chosen = 0;
  t->code = sg_code_alloc(code, (size_t)t->messages, sizeof *t->code);
  if (!t->code) return sg_fail_memory(e);
  for (int k = 0; k < t->messages; k++) {
    sg_status status = sg_cyclic_blank(code, t->size, t->prefix[k] - 1, &t->code[k], e);
    if (status) return status;
  }
  for (int i = 0; i < DRAWS; i++) {
    if (draw(t, seed, i, &worth) == SG_NO_MEMORY) return sg_fail_memory(e);
    if (!(worth > best)) continue;
    best = worth;
    chosen = i;
  }
  return sg_made_at_random(draw(t, seed, chosen, &worth), values, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long clusters = sg_int(values, "clusters"), r = sg_int(values, "r");
  char divisors[160];
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  if (clusters > n || n % clusters)
    return sg_fail_at(e, values, "clusters",
                      "expected a divisor of the number of workers n = %d (%s), found %ld", n,
                      sg_divisors(n, 0, divisors, sizeof divisors), clusters);
  *t = (tables){.n = n, .size = n / (int)clusters, .r = (int)r};
  if (r > t->size)
    return sg_fail_at(e, values, "r",
                      "expected r ≤ n / clusters = %d, the workers of a cluster, found %ld",
                      t->size, r);
  sg_status status = read_prefixes(t, code, values, e);
  if (!status) status = make_rows(t, code, values, e);
  if (status) return status;
  code->parts = n;
  code->promised = t->prefix[t->messages - 1] - 1;
  code->flags = SG_STOP_DECODABLE;
  return SG_OK;
}

static void plan(const sg_code *code, const void *state, int round, int snapshot,
                 sg_orders *orders) {
  const tables *t = code->self;
  double share = (double)code->shape.subsets / t->n;
  for (int k = 0; k < t->messages; k++) {
    /* A task per share: what a worker has done when it is stopped does not depend on the set. */
    for (int m = k ? t->prefix[k - 1] : 0; m < t->prefix[k]; m++)
      sg_task(orders, SG_ALL, snapshot, share, share < 1 ? 1 : (int)lround(share), 0);
    sg_send(orders, SG_ALL, SG_MASTER, snapshot, 0, k, 0);
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int place = message->from % t->size, first = message->from - place;
  int m = t->prefix[message->tag];
  const double *coef = t->code[message->tag]->coef + place * m;
  for (int c = 0; c < m; c++) sg_row_part(row, first + (place + c) % t->size, 0, coef[c]);
}

/* As many in each cluster as the largest prefix allows. */
static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  for (int first = 0; first < t->n; first += t->size) {
    int missing = 0;
    for (int i = 0; i < t->size; i++) missing += !present[first + i];
    if (missing > code->promised) return false;
  }
  return true;
}

const sg_code_type sg_gc_mmc = {
    .about = {.name = "gc-mmc",
              .brief = "coded messages after some of the shares",
              .summary = "Multi-message gradient coding: after the m-th of r shares, for each m of "
                         "a set of prefixes, a worker sends its row of the cyclic code of "
                         "tolerance m - 1; done as soon as what has come spans the sum. Also "
                         "inside clusters.",
              .reference = "Reconstruction after Ozfatura, Ulukus, Gündüz (2020), "
                           "arXiv:2004.04948, and with clusters arXiv:1903.01974 (names and "
                           "structure recalled; the choice of rows derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .promises = promises,
    .plan = plan,
};
