/* SPDX-License-Identifier: MIT */
/* Batched coupon's collector (Li, Mousavi Kalan, Avestimehr, Soltanolkotabi 2017).
 *
 * m parts of the data in B = ⌈m/r⌉ batches. Each worker picks a batch at random, independently of
 * the others, and sends its sum; the master keeps the first copy of each batch, and adds when it
 * has all. (published; theory: coupon-collector)
 *
 * The picks of n workers may leave batches out. `resample` has all workers pick again until none
 * is. `reassign` leaves the picks as they are: workers whose own message has come are given the
 * batches that nobody has picked, one after another, and when nothing else can come the batches of
 * lost workers, too; so every worker must have all of the data at hand. (derived) */
#include "codes/frame/protocol.h"
#include "codes/tools/rules.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const remedies[] = {"resample", "reassign", NULL};
enum { RESAMPLE, REASSIGN };

static const sg_param params[] = {
    SG_ROW_INT("r", 1, SG_UNBOUNDED, "parts in a batch, at most parts", .flags = SG_REQUIRED),
    SG_ROW_INT("parts", 1, 1000000,
               "m: how many equal parts the data is cut into; the number of workers when left out. "
               "They are in ⌈m/r⌉ batches, of which the last has what is left",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("uncovered", remedies, RESAMPLE,
                  "what becomes of a draw in which nobody has picked some batch: all pick again "
                  "until every batch is picked; or workers that have finished are given what is "
                  "missing, also the batches of lost workers when nothing else can come"),
    {0}};

/* Draws until workers cover all batches; of more workers than LARGE as many as make as many picks
 * in all, so that a refusal comes within half a second, too. */
enum { MOST_DRAWS = 50000, LARGE = 4096 };
/* Nor is anything drawn that covers all batches in none of the draws, but with this probability. */
static const double HOPELESS = 1e-12;

typedef struct tables {
  int batches;
  bool reassigns;
  int *pick;   /* of each worker */
  int *picked; /* how many workers have picked each batch */
} tables;

/* What has come in this round. A worker has finished if one message more than it was given batches
 * besides its own has come. */
typedef struct progress {
  int come;
  int next;      /* batches before it were picked, or given to somebody instead */
  int balance[]; /* of each worker: messages − further batches; behind it batches flags, have */
} progress;

static bool *have_of(const sg_code *code, progress *p) {
  return (bool *)(p->balance + code->nodes);
}

static double share(const sg_code *code, int batch) {
  return sg_code_edge(code, batch + 1) - sg_code_edge(code, batch);
}

/* --- Picks ------------------------------------------------------------------------------------ */

/* Returns how many batches nobody has picked. */
static int draw(const sg_code *code, tables *t, int number, double *u) {
  int uncovered = t->batches;
  sg_uniforms_at(u, code->nodes, code->shape.seed, 0, SG_FOR_CODE, 6, (uint32_t)number);
  memset(t->picked, 0, (size_t)t->batches * sizeof *t->picked);
  for (int j = 0; j < code->nodes; j++) {
    t->pick[j] = (int)(u[j] * t->batches);
    uncovered -= t->picked[t->pick[j]]++ == 0;
  }
  return uncovered;
}

/* The alternating sum for it cancels; the chain of how many batches have been picked does not.
 * Numbers that underflow count as 0, and where the chain is 0 it is not gone through: between both
 * ends lie a few standard deviations. */
static double chance_of_covering(int batches, int workers, double *chance) {
  memset(chance, 0, ((size_t)batches + 1) * sizeof *chance);
  chance[0] = 1;
  for (int j = 0, low = 0, high = 0; j < workers; j++) {
    if (high < batches) high++;
    for (int b = high; b >= low; b--)
      chance[b] = (chance[b] * b + (b > 0 ? chance[b - 1] * (batches - b + 1) : 0)) / batches;
    while (high > low && chance[high] < DBL_MIN) chance[high--] = 0;
    while (low < high && chance[low] < DBL_MIN) chance[low++] = 0;
  }
  return chance[batches];
}

static sg_status pick(sg_code *code, tables *t, const sg_values *values, long r, sg_error *e) {
  int n = code->nodes, number = 0, uncovered;
  SG_OWNED double *u = malloc(((size_t)n + (size_t)t->batches + 1) * sizeof *u);
  char *note = sg_code_alloc(code, 200, 1);
  if (!u || !note) return sg_fail_memory(e);
  if (!t->reassigns && t->batches > n) {
    long parts = sg_given(values, "parts") ? sg_int(values, "parts") : n;
    return sg_fail_at(e, values, "r",
                      "expected at most n = %d batches (r ≥ %ld), or \"uncovered\": \"reassign\", "
                      "found %d with r = %ld",
                      n, (parts + n - 1) / n, t->batches, r);
  }
  double chance = chance_of_covering(t->batches, n, u);
  int most = n > LARGE ? (int)((double)MOST_DRAWS * LARGE / n) + 1 : MOST_DRAWS;
  if (chance * most < HOPELESS) most = 1;
  do uncovered = draw(code, t, number++, u);
  while (uncovered > 0 && !t->reassigns && number < most);
  if (uncovered > 0 && !t->reassigns)
    return sg_fail_at(e, values, "r",
                      "expected fewer batches, of which n = %d workers cover all now and then (a "
                      "larger r), or \"uncovered\": \"reassign\", found %d, which they do with a "
                      "probability of %.2g",
                      n, t->batches, chance);
  int least = t->picked[0];
  for (int b = 0; b < t->batches; b++) least = t->picked[b] < least ? t->picked[b] : least;
  code->promised = least > 0 ? least - 1 : 0;
  int used = snprintf(note, 200,
                      "%d batches, each picked by at least %d of n workers, who cover "
                      "all with probability %.6g",
                      t->batches, least, chance);
  if (uncovered > 0)
    snprintf(note + used, 200 - (size_t)used, ": %d are reassigned in every iteration", uncovered);
  else if (!t->reassigns)
    snprintf(note + used, 200 - (size_t)used, ": draw %d does", number);
  code->note = note;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  int n = shape->workers;
  long m = sg_given(values, "parts") ? sg_int(values, "parts") : n, r = sg_int(values, "r");
  if (r > m)
    return sg_fail_at(e, values, "r", "expected r ≤ parts = %ld (1 to %ld), found %ld", m, m, r);
  t->batches = (int)((m + r - 1) / r);
  t->reassigns = sg_choice(values, "uncovered") == REASSIGN;
  t->pick = sg_code_alloc(code, (size_t)n, sizeof *t->pick);
  t->picked = sg_code_alloc(code, (size_t)t->batches, sizeof *t->picked);
  double *edge = sg_code_alloc(code, (size_t)t->batches + 1, sizeof *edge);
  if (!t->pick || !t->picked || !edge) return sg_fail_memory(e);
  sg_status status = pick(code, t, values, r, e);
  if (status) return status;
  for (int b = 0; b < t->batches; b++) edge[b] = (double)(b * r) / (double)m;
  edge[t->batches] = 1;
  code->parts = t->batches;
  if (m % r != 0) code->edge = edge;
  for (int j = 0; j < n; j++) code->stored += t->reassigns ? 1 : share(code, t->pick[j]);
  code->load = share(code, 0) * shape->subsets;
  code->flags = SG_ROUNDS | SG_WEIGHTS_CONSTANT;
  code->state_size = code->round_size =
      sizeof(progress) + (size_t)n * sizeof(int) + (size_t)t->batches * sizeof(bool);
  return sg_code_one_segment(code, values, "r", 1, n - code->promised, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->tag, 0, 1); /* the tag is the batch */
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void give(const sg_code *code, int worker, int batch, int snapshot, sg_orders *o) {
  double work = share(code, batch) * code->shape.subsets;
  sg_task(o, worker, snapshot, work, SG_DRAWS_OF_WORK, 0);
  sg_send(o, worker, SG_MASTER, snapshot, 0, batch, 0);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  for (int j = 0; j < code->nodes; j++) give(code, j, t->pick[j], snapshot, o);
}

/* Whoever has finished is given the next batch that nobody has picked. */
static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  bool *have = have_of(code, p) + message->tag;
  p->balance[message->from]++;
  while (p->next < t->batches && t->picked[p->next] > 0) p->next++;
  if (p->next < t->batches && t->reassigns) {
    give(code, message->from, p->next++, message->snapshot, o);
    p->balance[message->from]--;
  }
  if (*have) return SG_SKIP;
  *have = true;
  return ++p->come == t->batches ? SG_READY : SG_WAIT;
}

/* Workers are lost: the batches that are missing are shared out to those who have finished. Returns
 * whether there is anyone. */
static bool reassign(const sg_code *code, progress *p, int round, sg_orders *o) {
  const tables *t = code->self;
  const bool *have = have_of(code, p);
  int helpers = 0, missing = t->batches - p->come, batch = 0;
  for (int j = 0; j < code->nodes; j++) helpers += p->balance[j] == 1;
  for (int j = 0, left = helpers; left > 0 && missing > 0; j++) {
    if (p->balance[j] != 1) continue;
    int mine = (missing + left - 1) / left;
    left--;
    missing -= mine;
    p->balance[j] -= mine;
    for (; mine > 0; batch++) {
      if (have[batch]) continue;
      give(code, j, batch, round, o);
      mine--;
    }
  }
  return helpers > 0;
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  bool stuck = event->kind == SG_STALLED && p->come < t->batches && t->reassigns;
  if (!stuck || !reassign(code, p, event->round, o)) sg_round_event(event, o);
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  SG_OWNED bool *have = calloc((size_t)t->batches, sizeof *have);
  int count = 0, there = 0;
  for (int j = 0; have && j < code->nodes; j++) {
    there += present[j];
    count += present[j] && !have[t->pick[j]];
    have[t->pick[j]] |= present[j];
  }
  return t->reassigns ? there > 0 : count == t->batches;
}

const sg_code_type sg_coupon_collector = {
    .about = {.name = "coupon-collector",
              .brief = "batches that workers pick at random",
              .summary = "Each worker picks one of m/r batches at random and sends its sum; the "
                         "master waits until every batch has come from somebody.",
              .reference = "Li, Mousavi Kalan, Avestimehr, Soltanolkotabi (2017), "
                           "arXiv:1710.09990 (scheme published; what becomes of uncovered batches "
                           "derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = sg_first_of_each,
    .promises = promises,
    .plan = plan,
    .arrive = arrive,
    .on_event = on_event,
};
