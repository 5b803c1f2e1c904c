/* SPDX-License-Identifier: MIT */
/* Soft block designs: a reconstruction after Sakorikar and Wang 2021 (arXiv:2105.05231), who relax
 * the conditions of block designs to hold in the mean (published).
 *
 * A is random, 0 or 1, with E |a_j|² = ℓ and E <a_j, a_k> = ω for any two workers j, k; the weights
 * are those of the design (ℓ, ω), and so is the expected error, for any set of r workers:
 *
 *   w = ℓ/(ℓ + ω (r − 1))   E ‖α − 1‖² = n − r ℓ²/(ℓ + ω (r − 1))
 *
 * Here blocks are independent, and a block is at K workers, K random, any K of them alike. So
 * E K = ℓ and E K(K − 1) = (n − 1) ω are all there is to meet. The law of K has the least spread
 * that does it: a mixture of two laws on two numbers each, both of mean ℓ; K ≥ 1 where that is
 * possible. (reconstruction, derived; theory: soft-block-design) */
#include "codes/tools/placement.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>

static const sg_param params[] = {
    SG_ROW_REAL("d", 0, SG_UNBOUNDED, "mean computation load ℓ: blocks of a worker",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW_REAL("omega", 0, SG_UNBOUNDED,
                "mean number ω of blocks that two workers have in common; left out: "
                "d(d - 1)/(n - 1), as in a symmetric design",
                .flags = SG_OPTIONAL),
    SG_ROWS_DECODING(SG_CONSTANT),
    {0}};

/* K is high with probability (mean − low)/(high − low), otherwise low. */
typedef struct two_numbers {
  int low, high;
} two_numbers;

static double variance_of(two_numbers k, double mean) {
  return (mean - k.low) * (k.high - mean);
}

/* The next wider law: upwards as long as there is room and downwards to 1, in turn, then to 0. */
static two_numbers wider(two_numbers k, double mean, int n) {
  bool down = k.low > 1 && (k.high == n || mean - k.low < k.high - mean);
  if (down || k.high == n)
    k.low--;
  else
    k.high++;
  return k;
}

typedef struct spread {
  two_numbers narrow, wide;
  double share; /* of the wide one */
} spread;

/* The law of K of that variance, at most mean (n − mean). */
static spread spread_of(double mean, double variance, int n) {
  two_numbers k = {(int)floor(mean), (int)ceil(mean)};
  spread s = {.narrow = k, .wide = k};
  while (variance_of(s.wide, mean) < variance && (s.wide.low > 0 || s.wide.high < n)) {
    s.narrow = s.wide;
    s.wide = wider(s.wide, mean, n);
  }
  double least = variance_of(s.narrow, mean), most = variance_of(s.wide, mean);
  if (most > least) s.share = fmax(0, fmin(1, (variance - least) / (most - least)));
  return s;
}

static int draw_number(const spread *s, double mean, sg_stream *random) {
  two_numbers k = sg_uniform(random) < s->share ? s->wide : s->narrow;
  double high = k.high > k.low ? (mean - k.low) / (k.high - k.low) : 1;
  return sg_uniform(random) < high ? k.high : k.low;
}

static sg_status read_moments(const sg_values *values, int n, double *l, double *omega,
                              sg_error *e) {
  *l = sg_real(values, "d");
  if (*l > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %g", n, *l);
  double part = *l - floor(*l), others = n > 1 ? n - 1 : 1;
  double least = fmax(0, part * (1 - part) + *l * *l - *l) / others, most = n > 1 ? *l : 0;
  *omega = sg_given(values, "omega") ? sg_real(values, "omega") : *l * (*l - 1) / others;
  if (!sg_given(values, "omega")) *omega = fmax(least, *omega);
  if (*omega < least - 1e-12 * *l || *omega > most + 1e-12 * *l)
    return sg_fail_at(e, values, "omega",
                      "expected omega from %.6g to %.6g with n = %d and d = %g, as a block is at a "
                      "whole number of workers; found %g",
                      least, most, n, *l, *omega);
  return SG_OK;
}

typedef struct drawn {
  size_t count, capacity;
  sg_placed *entry;
} drawn;

static bool add(drawn *t, int worker, int block) {
  if (!SG_ROOM(t->entry, t->capacity, t->count + 1)) return false;
  t->entry[t->count++] = (sg_placed){worker, block, 1};
  return true;
}

/* K of n workers for the block, any K alike: each is asked in turn or, of many, by Floyd's method,
 * which takes a number for each of the K. has: n bytes, zero before and after. */
static bool draw_workers(drawn *t, int n, int wanted, int block, sg_stream *random,
                         unsigned char *has) {
  size_t first = t->count;
  for (int j = 0; j < n && !sg_placement_is_large(n); j++)
    if (sg_uniform(random) * (n - j) < wanted) {
      if (!add(t, j, block)) return false;
      wanted--;
    }
  for (int j = n - wanted; j < n && sg_placement_is_large(n); j++) {
    int pick = (int)(sg_uniform(random) * (j + 1));
    if (has[pick]) pick = j;
    has[pick] = 1;
    if (!add(t, pick, block)) return false;
  }
  for (size_t k = first; k < t->count; k++) has[t->entry[k].worker] = 0;
  return true;
}

/* Block i goes to K workers. */
static bool draw_blocks(drawn *t, int n, double l, double omega, uint64_t seed) {
  spread s = spread_of(l, omega * (n - 1) + l - l * l, n);
  SG_OWNED unsigned char *has = calloc((size_t)n, 1);
  bool ok = has != NULL;
  for (int i = 0; ok && i < n; i++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, 3, (uint32_t)i, 0);
    int wanted = draw_number(&s, l, &random);
    ok = draw_workers(t, n, wanted, i, &random, has);
  }
  return ok;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  double l = 0, omega = 0;
  sg_status status = read_moments(values, n, &l, &omega, e);
  if (status) return status;
  drawn q = {0};
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  bool ok = t && draw_blocks(&q, n, l, omega, shape->seed) &&
            sg_place_entries(code, t, n, q.count, q.entry);
  free(q.entry);
  if (!ok) return sg_fail_memory(e);
  t->sum = t->energy = t->replication = l;
  t->overlap = omega;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_soft_block_design = {
    .about = {.name = "soft-block-design",
              .brief = "a block design in the mean, approximate",
              .summary =
                  "Soft block design: a worker has d of the blocks and any two have omega in "
                  "common in the mean over random placements, for any real d and omega in a range; "
                  "the weights and the mean error are those of a design. Approximate.",
              .reference = "After Sakorikar, Wang 2021, arXiv:2105.05231 (idea published; the "
                           "construction is a reconstruction, derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
