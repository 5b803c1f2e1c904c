/* SPDX-License-Identifier: MIT */
/* Low-density generator-matrix codes (Horii, Yoshida, Kobayashi, Matsushima 2019,
 * arXiv:1901.04668): full recovery may take longer, a good unbiased estimate is cheap (published).
 *
 * Workers send sums of few blocks of B, as many as a law of degrees says; the master peels, and
 * takes the sum of the u recovered blocks times B/u (recalled). Blocks are alike before the code is
 * drawn, so that over draws (`replicate`) the estimate is unbiased, with variance
 *
 *   B² (1 − u/B)/u · S²   in a coordinate, given u ≥ 1
 *
 * where S² is the sample variance of the blocks' gradients (denominator B − 1); with u = 0 the step
 * is zero (derived). A block of mean replication c is at nobody with probability e^−c where blocks
 * are drawn apart, so `even` deals them out instead. theory: ldgm */
#include "codes/tools/density_evolution.h"
#include "codes/tools/fewest.h"
#include "codes/tools/placement.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const placements[] = {"even", "uniform", NULL};
enum { EVEN, UNIFORM };

static const sg_param weight_row[] = {
    {.kind = SG_REAL, .min = 0, .max = SG_UNBOUNDED, .summary = "weight of a degree"}, {0}};

static const sg_param params[] = {
    SG_ROW_INT("parts", 1, 100000,
               "blocks B of the data, of which workers send sums; half as many as workers when "
               "left out",
               .flags = SG_OPTIONAL),
    SG_ROW_LIST("degrees", weight_row, 1, 1000,
                "weights of the degrees 1, 2, …: how many workers send sums of so many blocks, in "
                "proportion; 1, 8, 1 when left out",
                .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("placement", placements, EVEN,
                  "even: a worker's blocks are those that the fewest workers have, at random among "
                  "equals; uniform: any, all alike"),
    SG_ROW("rescale", SG_BOOL, "the sum of u recovered blocks of B is taken times B/u",
           .fallback = 1),
    SG_ROWS_DECODING(SG_PEEL),
    {0}};

/* P(degree), degrees above B counted as B. Returns the largest. chance: B + 2 numbers. */
static sg_status read_degrees(const sg_values *values, int blocks, double *chance, int *most,
                              sg_error *e) {
  static const double usual[] = {1, 8, 1};
  int given = sg_given(values, "degrees") ? sg_count(values, "degrees") : 0,
      count = given ? given : 3;
  double sum = 0;
  for (int k = 0; k <= blocks; k++) chance[k] = 0;
  for (int k = 1; k <= count; k++) {
    double weight = given ? sg_item(values, "degrees", k - 1)->number : usual[k - 1];
    chance[k < blocks ? k : blocks] += weight;
    sum += weight;
  }
  if (!(sum > 0) || !isfinite(sum))
    return sg_fail_at(e, values, "degrees", "expected a weight above 0, found none");
  for (int k = 1; k <= blocks; k++) {
    chance[k] /= sum;
    if (chance[k] > 0) *most = k;
  }
  return SG_OK;
}

/* Puts a random one of order[k … blocks), or a random one of least `have`, to place k. */
static void draw_block(int k, int blocks, const int *have, sg_stream *random, int *order) {
  int best = k, equals = 1;
  for (int i = k + 1; have && i < blocks; i++) {
    int less = have[order[i]] - have[order[best]];
    /* The i-th of equals takes the place with chance 1/i: all alike. */
    bool takes = less < 0 || (less == 0 && sg_uniform(random) * (equals + 1) < 1);
    equals = less < 0 ? 1 : equals + (less == 0);
    if (takes) best = i;
  }
  if (!have) best = k + (int)(sg_uniform(random) * (blocks - k));
  int kept = order[k];
  order[k] = order[best];
  order[best] = kept;
}

static int draw_degree(const double *chance, int most, sg_stream *random) {
  double u = sg_uniform(random);
  int degree = 1;
  while (degree < most && u >= chance[degree]) u -= chance[degree++];
  return degree;
}

typedef struct draft {
  int blocks, most;
  double *chance, *ones; /* blocks + 1, blocks */
  int *order, *have;
} draft;

/* Rows for all workers; without t only the entries are counted. */
static size_t draw(const draft *q, const sg_code *code, bool even, sg_approximate *t) {
  size_t entries = 0;
  bool large = even && sg_placement_is_large(code->shape.workers);
  sg_fewest fewest; /* a search through all blocks for each of many workers' would take long */
  sg_fewest_begin(&fewest, q->blocks, q->order);
  for (int i = 0; i < q->blocks; i++) {
    q->ones[i] = 1;
    q->have[i] = 0;
  }
  for (int j = 0; j < code->shape.workers; j++) {
    sg_stream random;
    sg_stream_at(&random, code->shape.seed, 0, SG_FOR_CODE, 9, (uint32_t)j, 0);
    int degree = draw_degree(q->chance, q->most, &random);
    entries += (size_t)degree;
    if (!t) continue;
    for (int k = 0; k < degree; k++) { /* a stream each: it has 2^17 numbers */
      sg_stream_at(&random, code->shape.seed, 0, SG_FOR_CODE, 10, (uint32_t)j, (uint32_t)k);
      if (large)
        sg_fewest_take(&fewest, &random);
      else
        draw_block(k, q->blocks, even ? q->have : NULL, &random, q->order);
    }
    sg_sparse_add_row(&t->a, degree, q->order, q->ones);
    for (int k = 0; k < degree; k++) q->have[q->order[k]]++;
    if (large) sg_fewest_end_round(&fewest);
  }
  return entries;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, blocks = sg_given(values, "parts") ? (int)sg_int(values, "parts")
                                   : n > 1                   ? n / 2
                                                             : 1;
  size_t size = (size_t)blocks;
  bool even = sg_choice(values, "placement") == EVEN;
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  SG_OWNED double *numbers = malloc((2 * size + 2) * sizeof *numbers);
  SG_OWNED int *ints = malloc(2 * size * sizeof *ints);
  char *note = sg_code_alloc(code, 240, 1);
  if (!t || !numbers || !ints || !note) return sg_fail_memory(e);
  draft q = {blocks, 1, numbers, numbers + size + 1, ints, ints + size};
  sg_status status = read_degrees(values, blocks, q.chance, &q.most, e);
  if (!status) status = sg_approximate_straggling(code, values, t, e);
  if (status) return status;
  if (!sg_approximate_place(code, t, blocks, draw(&q, code, even, NULL))) return sg_fail_memory(e);
  draw(&q, code, even, t);
  t->enlarge = sg_bool(values, "rescale");
  sg_degrees law = {q.most, q.chance};
  double ratio = n * (1 - t->p_mean) / blocks;
  int at = snprintf(note, 240, "%d blocks, %.4g of them in a message in the mean", blocks,
                    sg_degrees_mean(&law));
  if (!even)
    snprintf(note + at, 240 - (size_t)at,
             "; with %.4g messages for each block peeling leaves %.4g of very many (density "
             "evolution)",
             ratio, sg_evolve_rateless(&law, ratio));
  code->note = note;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_ldgm = {
    .about = {.name = "ldgm",
              .brief = "sums of few blocks, peeled; approximate",
              .summary = "Low-density generator-matrix code: workers send sums of few blocks, the "
                         "master peels and scales the sum of the blocks that come out. "
                         "Approximate.",
              .reference = "Horii, Yoshida, Kobayashi, Matsushima 2019, arXiv:1901.04668 (idea "
                           "published, estimate recalled; variance derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
