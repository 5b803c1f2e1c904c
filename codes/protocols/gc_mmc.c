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
 * to 7e8 times in 200 rounds with the first draw, 2e6 times with the best of 16. (derived)
 *
 * Partial recovery: what has come gives the sum up to a rest, least in the mean square if α, the
 * coefficients of the shares, is the projection of the all-ones row on the span; then Σ α = Σ α².
 * The master is done when Σ (α − 1)² = n − Σ α is at most epsilon n: of uncoded messages a share 1
 * − epsilon. What is decoded is scaled to Σ α = n. A basis of the span is kept orthonormal (Gram
 * and Schmidt, twice), as elimination does not tell distances. (derived) */
#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <string.h>

static const sg_param prefix[] = {SG_ROW_INT("prefix", 1, SG_UNBOUNDED, "a number of shares"), {0}};

#define ROWS                                                                                       \
  SG_ROW_INT("r", 1, SG_UNBOUNDED,                                                                 \
             "computation load: shares that a worker computes, one after another, at most the "    \
             "number of workers in a cluster",                                                     \
             .flags = SG_REQUIRED),                                                                \
      SG_ROW_LIST("prefixes", prefix, 0, 0,                                                        \
                  "after how many of its shares a worker sends a message: rising whole numbers "   \
                  "from 1 to r; all of them when left out"),                                       \
      SG_ROW_INT("clusters", 1, SG_UNBOUNDED,                                                      \
                 "the code is used inside each of so many clusters of workers that follow one "    \
                 "another; divides the number of workers",                                         \
                 .fallback = 1)

static const sg_param params[] = {ROWS, {0}};
static const sg_param partial_params[] = {
    ROWS,
    SG_ROW_REAL("epsilon", 0, 1,
                "the sum of squares that may be missing, over the number of shares: of uncoded "
                "messages the share of the data. What came is then scaled up",
                .flags = SG_REQUIRED | SG_MIN_OPEN | SG_MAX_OPEN),
    {0}};

typedef struct tables {
  int n, size, r;   /* workers, and in a cluster */
  int messages;     /* of a worker */
  int *prefix;      /* messages: shares in each */
  sg_cyclic **code; /* messages */
  double missing;   /* partial recovery: the most that Σ (α − 1)² may be */
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

/* 16 draws, or as many as take a second or so. */
static int draws(const tables *t) {
  double flops = t->size * pow(t->r, 4) / 6;
  return (int)fmax(1, fmin(16, 1e9 / flops));
}

/* Coefficients of all prefixes by one draw of P; how good it is, or 0 for a singular one. It is
 * given up where it is no better than `bar`, which the longest rows show first. */
static sg_status draw(const tables *t, uint64_t seed, int number, double bar, double *worth) {
  *worth = 1;
  for (int k = t->messages - 1; k >= 0 && *worth > bar; k--) {
    double least;
    sg_status status = sg_cyclic_draw_above(t->code[k], seed, (uint32_t)number, bar, &least);
    if (status == SG_UNDECODABLE) *worth = 0;
    if (status) return status;
    *worth = fmin(*worth, least);
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
  for (int i = 0, count = draws(t); i < count; i++) {
    if (draw(t, seed, i, best, &worth) == SG_NO_MEMORY) return sg_fail_memory(e);
    if (!(worth > best)) continue;
    best = worth;
    chosen = i;
  }
  return sg_made_at_random(draw(t, seed, chosen, -1, &worth), values, e);
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
      sg_task(orders, SG_ALL, snapshot, share, SG_DRAWS_OF_WORK, 0);
    sg_send(orders, SG_ALL, SG_MASTER, snapshot, 0, k, 0);
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int place = message->from % t->size;
  sg_cyclic_row(t->code[message->tag], place, message->from - place, row);
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

/* --- Partial recovery ------------------------------------------------------------------------- */

/* What has come in this round: of each cluster an orthonormal basis of the span of its messages and
 * what it leaves of the all-ones row. */
typedef struct progress {
  double left;     /* Σ of squares of all rests */
  double number[]; /* n: the rests; then a matrix (size × size) with the basis for each cluster */
} progress;

enum { MOST_SIZE = 4096 };

/* The ranks stand behind the numbers. */
static int *ranks(const tables *t, progress *p) {
  return (int *)(void *)(p->number + t->n + (size_t)t->n * (size_t)t->size);
}

static sg_status create_partial(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  sg_status status = create(code, shape, values, e);
  if (status) return status;
  tables *t = code->self;
  size_t n = (size_t)t->n, size = (size_t)t->size;
  if (t->size > MOST_SIZE)
    return sg_fail_at(e, values, "clusters",
                      "expected at most %d workers in a cluster, as a basis of all they send is "
                      "kept, found %d",
                      MOST_SIZE, t->size);
  t->missing = sg_real(values, "epsilon") * t->n * (1 + 1e-12); /* typed in decimals */
  code->flags = 0;
  code->exact = false;
  code->state_size = sizeof(progress) + (n + n * size) * sizeof(double) + n * sizeof(int);
  return SG_OK;
}

static void begin_round(const sg_code *code, void *state, int round) {
  const tables *t = code->self;
  progress *p = state;
  p->left = t->n;
  for (int j = 0; j < t->n; j++) p->number[j] = 1;
  memset(ranks(t, p), 0, (size_t)(t->n / t->size) * sizeof(int));
}

/* x minus its projection on the `rank` columns of the basis. */
static void reject(int size, int rank, const double *basis, double *x) {
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < rank; k++) {
      const double *column = basis + k * size;
      cblas_daxpy(size, -cblas_ddot(size, column, 1, x, 1), column, 1, x, 1);
    }
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  int size = t->size, cluster = message->from / size, place = message->from % size;
  const sg_cyclic *rows = t->code[message->tag];
  double *rest = p->number + cluster * size;
  double *basis = p->number + t->n + (size_t)cluster * (size_t)size * (size_t)size;
  int *rank = &ranks(t, p)[cluster];
  bool surplus = *rank == size;
  if (!surplus) {
    double *x = basis + *rank * size;
    memset(x, 0, (size_t)size * sizeof *x);
    for (int c = 0; c <= rows->s; c++)
      x[(place + c) % size] = rows->coef[place * (rows->s + 1) + c];
    double norm = cblas_dnrm2(size, x, 1);
    reject(size, *rank, basis, x);
    double left = cblas_dnrm2(size, x, 1);
    surplus = left <= 1e-9 * norm;
    if (!surplus) {
      cblas_dscal(size, 1 / left, x, 1);
      double before = cblas_ddot(size, rest, 1, rest, 1);
      cblas_daxpy(size, -cblas_ddot(size, x, 1, rest, 1), x, 1, rest, 1);
      p->left += cblas_ddot(size, rest, 1, rest, 1) - before;
      ++*rank;
    }
  }
  return p->left <= t->missing ? SG_READY : surplus ? SG_SKIP : SG_WAIT;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  int n = t->n, count = used->count, most = n > count ? n : count;
  double *a = sg_used_scratch(used, ((size_t)n * (size_t)count + (size_t)most) * sizeof *a +
                                        (size_t)count * sizeof(lapack_int));
  if (!a) return SG_NO_MEMORY;
  double *x = a + (size_t)n * (size_t)count, alpha = 0;
  memset(a, 0, (size_t)n * (size_t)count * sizeof *a);
  for (int i = 0; i < count; i++) {
    const sg_row *row = sg_used_row(used, i);
    if (!row) return SG_NO_MEMORY;
    used->W[i] = 0;
    for (int k = 0; k < row->n_terms; k++) {
      a[(size_t)row->term[k].part + (size_t)i * (size_t)n] = row->term[k].coef;
      used->W[i] += row->term[k].coef;
    }
  }
  for (int j = 0; j < most; j++) x[j] = j < n;
  sg_status status = sg_least_squares(n, count, 1, a, n, x, most, 1e-12,
                                      (lapack_int *)(void *)(x + most), NULL, &used->info->cond1);
  if (status) return status;
  for (int i = 0; i < count; i++) alpha += x[i] * used->W[i];
  /* Where a stop policy ends the round with what there is, that is what is used. */
  bool fewer = code->policy->wants & (SG_ENDS_WITH_ALL | SG_COUNTS_ITS_OWN);
  if (!(alpha > 1e-9) || (n - alpha > t->missing + 1e-6 * n && !fewer)) return SG_UNDECODABLE;
  for (int i = 0; i < count; i++) used->W[i] = x[i] * n / alpha;
  double least = n < count ? n : count;
  used->info->flops = 2 * least * least * (most - least / 3) + 4.0 * n * count;
  return SG_OK;
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

const sg_code_type sg_gc_mmc_partial = {
    .about = {.name = "gc-mmc-partial",
              .brief = "the same, until little is missing",
              .summary =
                  "Multi-message gradient coding with partial recovery: done as soon as what "
                  "has come gives the sum up to a share epsilon, in the mean square. "
                  "Approximate.",
              .reference = "Reconstruction after Ozfatura, Ulukus, Gündüz (2020), "
                           "arXiv:2004.04948 (idea of partial recovery recalled; the criterion "
                           "derived).",
              .params = partial_params},
    .create = create_partial,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .begin_round = begin_round,
    .plan = plan,
    .arrive = arrive,
};
