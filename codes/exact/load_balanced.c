/* SPDX-License-Identifier: MIT */
/* No code, but what is known of the workers is used: load balancing and eviction.
 *
 * Both are uncoded and wait for all whom they use. load-balanced gives each worker a part of the
 * data in proportion to its speed; evict leaves the e slowest out, and each of the others carries
 * n/(n − e) times as much (theory: eviction).
 *
 * Speeds are those that the scenario says the workers have (speeds, classes, known_speeds), or
 * measured: the work over the mean time for it, over some iterations before the run, on random
 * numbers that no run uses. Where a scheme is made without a scenario there is nothing to measure,
 * and the speeds that it was made for are taken. */
#include "codes/frame/protocol.h"
#include "sim/core/owned.h"

#include <gsl/gsl_heapsort.h>
#include <math.h>
#include <stdlib.h>

#define ROW_MEASURED(word)                                                                         \
  SG_ROW_INT("iterations", 1, 1000000, "how many iterations before the run are measured",          \
             .fallback = 100, .with = word)

/* --- Speeds ----------------------------------------------------------------------------------- */

/* Of all workers, as they are known or, if `measures`, by their mean times for `work` subsets. */
static sg_status find_speeds(sg_code *code, const sg_values *values, bool measures, double work,
                             double *speed, sg_error *e) {
  const sg_forecast *f = code->shape.forecast;
  int n = code->shape.workers;
  for (int i = 0; i < n; i++) speed[i] = code->shape.speed[i];
  if (!measures || !f) return SG_OK;
  int count = (int)sg_int(values, "iterations");
  SG_OWNED double *times = malloc((size_t)count * (size_t)n * sizeof *times);
  if (!times || !f->samples(f->of, work, count, times)) return sg_fail_memory(e);
  for (int i = 0; i < n; i++) {
    double mean = 0;
    for (int k = 0; k < count; k++) mean += times[(size_t)k * (size_t)n + (size_t)i] / count;
    if (!(mean > 0 && mean < INFINITY))
      return sg_fail_at(e, values, "iterations",
                        "expected measured times above 0, found a mean of %g s of worker %d", mean,
                        i);
    speed[i] = work / mean;
  }
  return SG_OK;
}

/* --- Load balancing --------------------------------------------------------------------------- */

static const char *const by_words[] = {"speed", "measured", NULL};

static const sg_param balanced_params[] = {
    SG_ROW_CHOICE("by", by_words, 0,
                  "what the parts of the data are in proportion to: the workers' speeds as they "
                  "are known (speed), or as measured before the run (measured)"),
    ROW_MEASURED("by=measured"),
    {0}};

static sg_status balanced_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                 sg_error *e) {
  int n = shape->workers;
  double *edge = sg_code_alloc(code, (size_t)n + 1, sizeof *edge);
  SG_OWNED double *speed = malloc((size_t)n * sizeof *speed);
  if (!edge || !speed) return sg_fail_memory(e);
  sg_status status =
      find_speeds(code, values, sg_choice(values, "by") == 1, (double)shape->subsets / n, speed, e);
  if (status) return status;
  double all = 0, sum = 0;
  bool equal = true;
  for (int i = 0; i < n; i++) {
    all += speed[i];
    equal &= speed[i] == speed[0];
  }
  for (int i = 0; i < n; i++) {
    sum += speed[i];
    edge[i + 1] = i + 1 < n ? sum / all : 1;
    if (!(edge[i + 1] > edge[i]))
      return sg_fail_at(e, values, "by",
                        "expected speeds of which each is a share of their sum, found %g of worker "
                        "%d and a sum of %g",
                        speed[i], i, all);
  }
  code->parts = n;
  if (!equal) code->edge = edge;
  code->flags = SG_WEIGHTS_CONSTANT;
  return sg_code_one_segment(code, values, NULL, 1, n, e);
}

static void balanced_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->from, 0, 1);
}

/* Each part once: of all who hold one. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  if (used->count < code->parts) return SG_UNDECODABLE;
  for (int i = 0; i < used->count; i++) used->W[i] = 1;
  return SG_OK;
}

const sg_code_type sg_load_balanced = {
    .about = {.name = "load-balanced",
              .brief = "parts in proportion to speeds, no code",
              .summary = "No redundancy: each worker has a part of the data in proportion to its "
                         "speed, as known or as measured, and the master waits for all.",
              .reference = "What is done against workers that are slow all the time; see the "
                           "baselines of Wang, Guo, Tang, Li, Li (2019), arXiv:1901.09339 "
                           "(recalled).",
              .params = balanced_params},
    .create = balanced_create,
    .encode = balanced_encode,
    .weights = weights,
};

/* --- Eviction --------------------------------------------------------------------------------- */

static const char *const who_words[] = {"slowest-known", "slowest-measured", "listed", NULL};
enum { KNOWN, MEASURED, LISTED };

static const sg_param listed_item[] = {SG_ROW_INT("worker", 0, 999999, "a worker, from 0"), {0}};

static const sg_param evict_params[] = {
    SG_ROW_CHOICE("who", who_words, 0,
                  "who is evicted: the slowest by the speeds that are known, or as measured before "
                  "the run (of equally slow ones the last), or those listed"),
    SG_ROW_INT("workers", 0, SG_UNBOUNDED,
               "how many of the slowest are evicted, less than the number of workers; 1 when left "
               "out",
               .flags = SG_OPTIONAL),
    ROW_MEASURED("who=slowest-measured"),
    SG_ROW_LIST("listed", listed_item, 0, 1000000, "the workers that are evicted, from 0",
                .with = "who=listed"),
    {0}};

typedef struct crew {
  int *part; /* of each worker; −1: evicted */
  int evicted;
} crew;

typedef struct ranked {
  double speed;
  int worker;
} ranked;

/* The slowest first, of equal ones the last. */
static int by_speed(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->speed != y->speed) return x->speed < y->speed ? -1 : 1;
  return (x->worker < y->worker) - (x->worker > y->worker);
}

static sg_status evict_slowest(sg_code *code, const sg_values *values, crew *c, sg_error *e) {
  int n = code->shape.workers;
  long count = sg_given(values, "workers") ? sg_int(values, "workers") : 1;
  if (count >= n)
    return sg_fail_at(e, values, "workers", "expected workers < n = %d (0 to %d), found %ld", n,
                      n - 1, count);
  c->evicted = (int)count;
  SG_OWNED double *speed = malloc((size_t)n * sizeof *speed);
  SG_OWNED ranked *rank = malloc((size_t)n * sizeof *rank);
  if (!speed || !rank) return sg_fail_memory(e);
  sg_status status = find_speeds(code, values, sg_choice(values, "who") == MEASURED,
                                 (double)code->shape.subsets / n, speed, e);
  if (status) return status;
  for (int i = 0; i < n; i++) rank[i] = (ranked){speed[i], i};
  gsl_heapsort(rank, (size_t)n, sizeof *rank, by_speed);
  for (int i = 0; i < c->evicted; i++) c->part[rank[i].worker] = -1;
  return SG_OK;
}

static sg_status evict_listed(sg_code *code, const sg_values *values, crew *c, sg_error *e) {
  int n = code->shape.workers;
  c->evicted = sg_count(values, "listed");
  if (sg_given(values, "workers") && sg_int(values, "workers") != c->evicted)
    return sg_fail_at(e, values, "workers",
                      "expected as many as are listed (%d), or nothing, found %ld", c->evicted,
                      sg_int(values, "workers"));
  if (c->evicted >= n)
    return sg_fail_at(e, values, "listed", "expected fewer than n = %d workers, found %d", n,
                      c->evicted);
  for (int i = 0; i < c->evicted; i++) {
    int worker = (int)sg_item(values, "listed", i)->number;
    if (worker >= n)
      return sg_fail_at(e, values, "listed", "expected workers from 0 to %d, found %d", n - 1,
                        worker);
    if (c->part[worker] < 0)
      return sg_fail_at(e, values, "listed", "expected each worker once, found %d twice", worker);
    c->part[worker] = -1;
  }
  return SG_OK;
}

static sg_status evict_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  int n = shape->workers;
  crew *c = code->self = sg_code_alloc(code, 1, sizeof *c);
  if (!c || !(c->part = sg_code_alloc(code, (size_t)n, sizeof *c->part))) return sg_fail_memory(e);
  bool listed = sg_choice(values, "who") == LISTED;
  sg_status status = listed ? evict_listed(code, values, c, e) : evict_slowest(code, values, c, e);
  if (status) return status;
  code->parts = 0;
  for (int i = 0; i < n; i++)
    if (c->part[i] == 0) c->part[i] = code->parts++;
  code->flags = SG_WEIGHTS_CONSTANT;
  return sg_code_one_segment(code, values, NULL, 1, code->parts, e);
}

/* Who is evicted is given nothing and sends nothing. */
static void evict_plan(const sg_code *code, const void *state, int round, int snapshot,
                       sg_orders *o) {
  const crew *c = code->self;
  double work = (double)code->shape.subsets / code->parts;
  bool all = c->evicted == 0;
  for (int i = 0; i < (all ? 1 : code->nodes); i++) {
    int node = all ? SG_ALL : i;
    if (c->part[i] < 0) continue;
    sg_task(o, node, snapshot, work, SG_DRAWS_OF_WORK, 0);
    sg_send(o, node, SG_MASTER, snapshot, 0, 0, 0);
  }
}

static void evict_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const crew *c = code->self;
  if (c->part[message->from] >= 0) sg_row_part(row, c->part[message->from], 0, 1);
}

static bool evict_promises(const sg_code *code, const bool *present) {
  const crew *c = code->self;
  for (int i = 0; i < code->nodes; i++)
    if (c->part[i] >= 0 && !present[i]) return false;
  return true;
}

const sg_code_type sg_evict = {
    .about = {.name = "evict",
              .brief = "without the slowest, no code",
              .summary = "No redundancy: the slowest workers are not used at all, each of the "
                         "others carries n/(n - e) times as much, and the master waits for them.",
              .reference = "What operators of clusters do against persistent stragglers; the rule "
                           "when it pays is derived.",
              .params = evict_params},
    .create = evict_create,
    .encode = evict_encode,
    .weights = weights,
    .promises = evict_promises,
    .plan = evict_plan,
};
