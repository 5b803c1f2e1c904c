/* SPDX-License-Identifier: MIT */
/* Block-coordinate gradient coding (Wang, Cui, Li, Zou, Xiong 2022): the coordinates of the
 * gradient are cut into blocks that tolerate different numbers of stragglers.
 *
 * Block s is coded by cyclic repetition with tolerance s: it costs s + 1 shares of the data for its
 * part of the coordinates, and any n − s workers recover it. A worker takes the blocks in the order
 * of s and sends each as soon as it is done; all its messages together are as long as one gradient.
 * Fast workers give all blocks, slow ones at least the first. (published)
 *
 * Segments are the blocks that are not empty. One block is cyclic repetition, to the bit. How large
 * blocks are made is in block_design.h. Work in proportion to coordinates is true of linear models
 * and approximate where gradients are propagated back. */
#include "codes/tools/block_design.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/owned.h"

#include <math.h>

enum { OPTIMAL, MEANS, INVERSE_MEANS, LARGE_TIME, SINGLE_LEVEL };
static const char *const designs[] = {"optimal",    "means",        "inverse-means",
                                      "large-time", "single-level", NULL};
static const sg_param size_item[] = {
    SG_ROW_REAL("size", 0, SG_UNBOUNDED, "relative size of a block"), {0}};
static const sg_param params[] = {
    SG_ROW_CHOICE(
        "design", designs, OPTIMAL,
        "how sizes of blocks are chosen: optimal: least mean time over a sample of the delays; "
        "means, inverse-means: closed forms with E T_(k) or E 1/T_(k) in place of the ordered "
        "times T_(k); large-time: in proportion to 1/(s + 1), whatever the delays; single-level: "
        "the one block with the least mean time. Left out: optimal, or where no delays are known "
        "(codes check) large-time",
        .flags = SG_OPTIONAL),
    SG_ROW_LIST("blocks", size_item, 1, 0,
                "sizes of the blocks that tolerate s, s + 1, … stragglers, in proportion; at most "
                "n - s of them, in place of a design"),
    SG_ROW_INT("s", 0, SG_UNBOUNDED,
               "least number of stragglers that a block tolerates, and so the number of workers "
               "that may be lost"),
    {0}};

typedef struct tables {
  int n;
  sg_cyclic **cyclic; /* per segment */
  double *work;       /* of a segment, in subsets */
} tables;

/* What sizes are chosen from and how well they do. */
typedef struct design {
  const sg_values *values;
  const sg_shape *shape;
  int n, first; /* blocks before `first` are empty */
  int chosen;   /* one of designs; −1: given */
  double unit;  /* work of one share, in subsets */
  bool loses;   /* workers may be lost */
  double *x, *rate;
  double *mean; /* E T_(k), k = 1 … n */
  sg_block_times sample, judge;
} design;

/* --- What is known of times ------------------------------------------------------------------- */

static const char *word(const design *d) {
  return d->chosen < 0 ? "given" : designs[d->chosen];
}

static bool finite_block(const design *d, int s) {
  return isfinite(d->mean[d->n - 1 - s]);
}

/* The means and samples. A block that waits for messages that may never come has no mean time; how
 * many are lost at once is not known, unless s was given: then it is no more than that. */
static sg_status look_ahead(design *d, sg_error *e) {
  const sg_forecast *f = d->shape->forecast;
  int n = d->n, lost = 0;
  for (int w = 0; w < n; w++) lost += !(f->straggling(f->of, w) <= 0);
  d->loses = lost > 0;
  if (sg_given(d->values, "s") && lost > d->first) lost = d->first;
  for (int k = 1; k <= n; k++) {
    d->mean[k - 1] = k > n - lost ? INFINITY : f->mean(f->of, d->unit, k);
    if (isnan(d->mean[k - 1])) return sg_fail_memory(e);
  }
  return sg_block_times_new(f, n, d->unit, &d->sample, &d->judge) ? SG_OK : sg_fail_memory(e);
}

static sg_status check_design(design *d, sg_error *e) {
  const char *instead = "; large-time and given blocks need nothing of them";
  if (d->chosen < 0 || d->chosen == LARGE_TIME) return SG_OK;
  if (!d->shape->forecast)
    return sg_fail_at(e, d->values, "design",
                      "expected the delays of a scenario for \"%s\", found none%s", word(d),
                      instead);
  if (!d->sample.in_proportion)
    return sg_fail_at(e, d->values, "design",
                      "expected delays in proportion to work (scaling proportional) for \"%s\", "
                      "found others%s",
                      word(d), instead);
  if (!(d->mean[0] > 0))
    return sg_fail_at(e, d->values, "design",
                      "expected delays above 0 s for \"%s\", found E T_(1) = 0%s", word(d),
                      instead);
  while (d->first < d->n && !finite_block(d, d->first)) d->first++;
  if (d->first == d->n)
    return sg_fail_at(e, d->values, "design",
                      "expected delays with some E T_(k) that is finite for \"%s\", found that the "
                      "fastest worker's has no mean or that every worker's messages may be lost, "
                      "which an s of those lost at once would allow%s",
                      word(d), instead);
  return SG_OK;
}

/* --- Sizes ------------------------------------------------------------------------------------ */

static sg_status read_blocks(design *d, sg_error *e) {
  int count = sg_count(d->values, "blocks");
  double sum = 0;
  if (sg_given(d->values, "design"))
    return sg_fail_at(e, d->values, "blocks", "expected blocks or design, found both");
  if (count > d->n - d->first)
    return sg_fail_at(e, d->values, "blocks", "expected at most n - s = %d blocks, found %d",
                      d->n - d->first, count);
  for (int i = 0; i < count; i++)
    sum += d->x[d->first + i] = sg_item(d->values, "blocks", i)->number;
  if (!(sum > 0) || isinf(sum))
    return sg_fail_at(e, d->values, "blocks", "expected sizes with a positive sum, found %g", sum);
  for (int s = 0; s < d->n; s++) d->x[s] /= sum;
  return SG_OK;
}

/* S_s in proportion to 1/E T_(n−s); the bound on E τ. */
static double by_means(design *d) {
  for (int s = 0; s < d->n; s++) d->rate[s] = 1 / d->mean[d->n - 1 - s];
  return sg_blocks_by_rate(d->n, d->first, d->rate, d->x);
}

static sg_status by_inverse_means(design *d, sg_error *e) {
  const sg_forecast *f = d->shape->forecast;
  for (int s = d->first; s < d->n; s++) {
    d->rate[s] = f->inverse_mean(f->of, d->unit, d->n - s);
    if (isnan(d->rate[s])) return sg_fail_memory(e);
    if (isinf(d->rate[s]))
      return sg_fail_at(e, d->values, "design",
                        "expected delays whose E 1/T_(k) are finite for \"inverse-means\", found "
                        "E 1/T_(%d) = infinity, as without a shift; \"means\" and \"optimal\" have "
                        "no need of it",
                        d->n - s);
  }
  sg_blocks_by_rate(d->n, d->first, d->rate, d->x);
  return SG_OK;
}

/* From x^(t), with something in every block: what is zero stays zero. */
static sg_status by_minimum(design *d, sg_error *e) {
  by_means(d);
  for (int s = d->first; s < d->n; s++) d->x[s] = 0.95 * d->x[s] + 0.05 / (d->n - d->first);
  return sg_blocks_minimise(&d->sample, d->first, d->x) ? SG_OK : sg_fail_memory(e);
}

static void by_one_block(design *d) {
  int best = d->first;
  for (int s = d->first; s < d->n; s++)
    if ((s + 1) * d->mean[d->n - 1 - s] < (best + 1) * d->mean[d->n - 1 - best]) best = s;
  d->x[best] = 1;
}

static sg_status choose(design *d, sg_error *e) {
  switch (d->chosen) {
  case OPTIMAL: return by_minimum(d, e);
  case MEANS: by_means(d); return SG_OK;
  case INVERSE_MEANS: return by_inverse_means(d, e);
  case SINGLE_LEVEL: by_one_block(d); return SG_OK;
  case LARGE_TIME:
    for (int s = 0; s < d->n; s++) d->rate[s] = s + 1;
    sg_blocks_by_rate(d->n, d->first, d->rate, d->x);
    return SG_OK;
  default: return read_blocks(d, e);
  }
}

/* --- What people are told --------------------------------------------------------------------- */

static void put_times(design *d, sg_buffer *out) {
  bool finite = true;
  if (!d->shape->forecast) return;
  if (!d->sample.in_proportion) {
    sg_put(out, "; no expected time: delays are not in proportion to work");
    return;
  }
  for (int s = 0; s < d->n; s++)
    if (d->x[s] > 0 && !finite_block(d, s)) finite = false;
  double error, mean = sg_blocks_mean(&d->judge, 0, d->x, &error);
  if (finite)
    sg_putf(out, "; expected compute time %.6g s (standard error %.2g s)%s", mean, error,
            d->loses ? " if nobody were lost" : "");
  else
    sg_put(out, "; expected compute time infinite");
  while (d->first < d->n && !finite_block(d, d->first)) d->first++;
  if (d->first < d->n && d->mean[0] > 0) /* x is not needed any more */
    sg_putf(out, ", at least %.6g s with any sizes (Jensen's bound)", by_means(d));
}

static sg_status make_note(sg_code *code, design *d, const long *size, int blocks, sg_error *e) {
  enum { MOST_SHOWN = 32 };
  sg_buffer text = {0};
  sg_putf(&text, "%d block%s (%s), of s:size", blocks, blocks == 1 ? "" : "s", word(d));
  int shown = 0;
  for (int s = 0; s < d->n; s++)
    if (size[s] > 0 && shown++ < MOST_SHOWN) sg_putf(&text, " %d:%ld", s, size[s]);
  if (shown > MOST_SHOWN) sg_put(&text, " …");
  put_times(d, &text);
  return sg_blocks_note(code, &text, e);
}

/* --- Making ----------------------------------------------------------------------------------- */

static double nearly_whole(double x) {
  return fabs(x - round(x)) < 1e-9 ? round(x) : x;
}

static sg_status make_segments(sg_code *code, const design *d, const long *size, int blocks,
                               sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  sg_segment *segment = sg_code_alloc(code, (size_t)blocks, sizeof *segment);
  if (!t || !segment) return sg_fail_memory(e);
  t->n = d->n;
  t->cyclic = sg_code_alloc(code, (size_t)blocks, sizeof *t->cyclic);
  t->work = sg_code_alloc(code, (size_t)blocks, sizeof *t->work);
  if (!t->cyclic || !t->work) return sg_fail_memory(e);
  sg_status status = SG_OK;
  long begin = 0, length = d->shape->length;
  int at = 0;
  for (int s = 0; s < d->n && !status; s++) {
    if (size[s] == 0) continue;
    if (at == 0) code->promised = s;
    double share = (double)size[s] / (double)length;
    t->work[at] = nearly_whole((double)(s + 1) / d->n * share * d->shape->subsets);
    segment[at] =
        (sg_segment){.begin = begin, .end = begin + size[s], .pieces = 1, .need = d->n - s};
    begin += size[s];
    status = sg_cyclic_new(code, d->values, d->n, s, d->shape->seed, &t->cyclic[at++], e);
  }
  code->segment = segment;
  code->segments = blocks;
  return status;
}

static sg_status make(sg_code *code, design *d, long *size, sg_error *e) {
  sg_status status = d->shape->forecast ? look_ahead(d, e) : SG_OK;
  if (!status) status = check_design(d, e);
  if (!status) status = choose(d, e);
  if (status) return status;
  int blocks = 0;
  sg_blocks_round(d->n, d->x, d->shape->length, size, d->rate);
  for (int s = 0; s < d->n; s++) {
    blocks += size[s] > 0;
    d->x[s] = (double)size[s] / (double)d->shape->length;
  }
  status = make_segments(code, d, size, blocks, e);
  return status ? status : make_note(code, d, size, blocks, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  SG_OWNED double *number = calloc(3 * (size_t)n, sizeof *number);
  SG_OWNED long *size = calloc((size_t)n, sizeof *size);
  if (!number || !size) return sg_fail_memory(e);
  design d = {.values = values,
              .shape = shape,
              .n = n,
              .first = s,
              .unit = (double)shape->subsets / n,
              .x = number,
              .rate = number + n,
              .mean = number + 2 * n};
  d.chosen = sg_count(values, "blocks") > 0 ? -1
             : sg_given(values, "design")   ? sg_choice(values, "design")
             : shape->forecast              ? OPTIMAL
                                            : LARGE_TIME;
  code->parts = n;
  code->flags = SG_WEIGHTS_PURE;
  status = make(code, &d, size, e);
  sg_block_times_free(&d.sample);
  return status;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  sg_blocks_plan(code, t->work, snapshot, o);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  const sg_cyclic *c = t->cyclic[message->segment];
  const double *coef = c->coef + message->from * (c->s + 1);
  for (int k = 0; k <= c->s; k++) sg_row_part(row, (message->from + k) % t->n, 0, coef[k]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->cyclic[used->segment]->parity, used, 0, NULL);
}

const sg_code_type sg_block_coordinate = {
    .about = {.name = "block-coordinate",
              .brief = "blocks with different tolerance",
              .summary =
                  "Blocks of coordinates that tolerate different numbers of stragglers, each "
                  "coded by cyclic repetition and sent as soon as it is done; sizes of "
                  "blocks given, or chosen for the delays.",
              .reference = "Wang, Cui, Li, Zou, Xiong (2022), arXiv:2206.02450 and its official "
                           "program (published); bound and optimiser derived.",
              .params = params},
    .create = create,
    .plan = plan,
    .encode = encode,
    .weights = weights,
};
