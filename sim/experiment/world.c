/* SPDX-License-Identifier: MIT */
/* From a resolved configuration to the objects that all runs of a point share. */
#include "sim/experiment/world.h"

#include "sim/check/worst.h"
#include "sim/experiment/causes.h"
#include "sim/experiment/compression.h"
#include "sim/experiment/forecast.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* --- Problem cache ---------------------------------------------------------------------------- */

typedef struct entry {
  struct entry *next;
  char *key;
  sg_problem *problem;           /* NULL while it is being made */
  double start_norm, start_loss; /* as in sg_world */
  double smoothness;             /* NAN: not measured */
  double least, most;            /* of a constant curvature; NAN: not measured */
  int users;
  bool outline; /* of use to plans only */
} entry;

struct sg_problem_cache {
  pthread_mutex_t lock;
  pthread_cond_t made;
  entry *first; /* most recently used first */
  bool outline;
};

sg_problem_cache *sg_problem_cache_new(void) {
  sg_problem_cache *cache = calloc(1, sizeof *cache);
  if (!cache) return NULL;
  pthread_mutex_init(&cache->lock, NULL);
  pthread_cond_init(&cache->made, NULL);
  return cache;
}

void sg_problem_cache_outline(sg_problem_cache *cache, bool outline) {
  cache->outline = outline;
}

static void entry_free(entry *x) {
  sg_problem_free(x->problem);
  free(x->key);
  free(x);
}

void sg_problem_cache_free(sg_problem_cache *cache) {
  if (!cache) return;
  for (entry *x = cache->first, *next; x; x = next) {
    next = x->next;
    entry_free(x);
  }
  pthread_cond_destroy(&cache->made);
  pthread_mutex_destroy(&cache->lock);
  free(cache);
}

/* Frees what nobody uses, but for the most recently used. */
static void trim(sg_problem_cache *cache) {
  bool kept = false;
  for (entry **at = &cache->first, *x; (x = *at);) {
    bool idle = x->users == 0;
    if (idle && kept) {
      *at = x->next;
      entry_free(x);
    } else {
      at = &x->next;
    }
    kept |= idle;
  }
}

void sg_values_paths(const sg_values *values, sg_buffer *out) {
  for (int i = 0; i < sg_values_size(values); i++) {
    const sg_param *row = sg_values_row(values, i);
    const sg_value *value = &values->value[i];
    if (row->flags & SG_UNHASHED) continue;
    if (row->kind == SG_TEXT && row->flags & SG_IS_PATH && value->text)
      sg_putf(out, "%s\n", value->text);
    else if (value->object)
      sg_values_paths(value->object, out);
    for (int k = 0; k < value->count; k++)
      if (value->item[k].object) sg_values_paths(value->item[k].object, out);
  }
}

static entry **find(sg_problem_cache *cache, const char *key) {
  entry **at = &cache->first;
  while (*at && (((*at)->outline && !cache->outline) || strcmp((*at)->key, key) != 0))
    at = &(*at)->next;
  return at;
}

static void put_first(sg_problem_cache *cache, entry *x) {
  x->next = cache->first;
  cache->first = x;
}

/* A problem that is not known is made without the lock: nobody makes the same one twice, and who
 * wants another need not wait. */
static sg_status make(sg_problem_cache *cache, char *key, const sg_values *learning, int workers,
                      uint64_t seed, entry **out, sg_error *e) {
  trim(cache);
  entry *x = calloc(1, sizeof *x);
  if (!x) {
    free(key);
    return sg_fail_memory(e);
  }
  *x = (entry){.key = key,
               .start_norm = NAN,
               .start_loss = NAN,
               .smoothness = NAN,
               .least = NAN,
               .most = NAN,
               .users = 1,
               .outline = cache->outline};
  put_first(cache, x);
  pthread_mutex_unlock(&cache->lock);
  sg_problem *problem = NULL;
  sg_status status =
      (cache->outline ? sg_problem_outline : sg_problem_new)(learning, workers, seed, &problem, e);
  pthread_mutex_lock(&cache->lock);
  x->problem = problem;
  if (status) {
    *find(cache, key) = x->next;
    entry_free(x);
  } else {
    x->outline = problem->outline;
  }
  pthread_cond_broadcast(&cache->made);
  *out = x;
  return status;
}

static sg_status problem_get(sg_problem_cache *cache, const sg_point *point, int workers,
                             uint64_t seed, const sg_problem **out, sg_error *e) {
  const sg_values *learning = sg_section(point, "learning");
  sg_buffer key = {0};
  sg_putf(&key, "%d %llu ", workers, (unsigned long long)seed);
  sg_values_to_json(learning, &key);
  sg_values_paths(learning, &key);
  if (key.failed) {
    sg_buffer_free(&key);
    return sg_fail_memory(e);
  }
  pthread_mutex_lock(&cache->lock);
  entry **at = find(cache, key.data), *x;
  while ((x = *at) && !x->problem) {
    pthread_cond_wait(&cache->made, &cache->lock);
    at = find(cache, key.data);
  }
  sg_status status = SG_OK;
  if (x) {
    *at = x->next;
    put_first(cache, x);
    x->users++;
    sg_buffer_free(&key);
  } else {
    status = make(cache, key.data, learning, workers, seed, &x, e);
  }
  if (!status) *out = x->problem;
  pthread_mutex_unlock(&cache->lock);
  return status;
}

static void problem_put(sg_problem_cache *cache, const sg_problem *problem) {
  pthread_mutex_lock(&cache->lock);
  for (entry *x = cache->first; x; x = x->next)
    if (x->problem == problem) x->users--;
  trim(cache);
  pthread_mutex_unlock(&cache->lock);
}

/* Of the gradient at the model that runs begin with, as one part, and the loss there. */
static sg_status measure_start(const sg_problem *problem, double *norm, double *loss, sg_error *e) {
  sg_partition *whole = NULL;
  sg_workspace *ws = sg_workspace_new(problem);
  double *x = calloc((size_t)problem->length, sizeof *x), norm2 = NAN;
  sg_status status =
      ws && x ? sg_partition_new(problem, 1, NULL, 0, NULL, &whole, e) : sg_fail_memory(e);
  if (!status) {
    sg_problem_start(problem, x);
    status = sg_problem_gradient_norm2(problem, ws, whole, x, false, loss, &norm2, e);
  }
  *norm = sqrt(norm2);
  free(x);
  sg_workspace_free(ws);
  sg_partition_free(whole);
  return status;
}

/* Without the lock: who comes at the same time measures the same numbers. */
sg_status sg_world_measure(sg_world *w, sg_problem_cache *cache, sg_error *e) {
  if (w->problem->timing_only) return SG_OK;
  pthread_mutex_lock(&cache->lock);
  entry *x = cache->first;
  while (x->problem != w->problem) x = x->next;
  entry known = *x;
  pthread_mutex_unlock(&cache->lock);
  sg_status status = SG_OK;
  if (isnan(known.start_norm))
    status = measure_start(w->problem, &known.start_norm, &known.start_loss, e);
  if (!status && sg_optimizer_is_automatic(w->optimizer) && isnan(known.smoothness))
    status =
        w->problem->type->smoothness(w->problem, &known.smoothness) ? sg_fail_memory(e) : SG_OK;
  if (!status && sg_optimizer_wants_curvature(w->optimizer) && isnan(known.most))
    status = w->problem->type->curvature(w->problem, &known.least, &known.most) ? sg_fail_memory(e)
                                                                                : SG_OK;
  if (status) return status;
  w->start_norm = known.start_norm;
  w->start_loss = known.start_loss;
  sg_optimizer_set_smoothness(w->optimizer, known.smoothness);
  sg_optimizer_set_curvature(w->optimizer, known.least, known.most);
  pthread_mutex_lock(&cache->lock); /* we are a user of it: it has stayed */
  x->start_norm = known.start_norm;
  x->start_loss = known.start_loss;
  if (isnan(x->smoothness)) x->smoothness = known.smoothness;
  if (isnan(x->most)) x->least = known.least, x->most = known.most;
  pthread_mutex_unlock(&cache->lock);
  return SG_OK;
}

/* --- World ------------------------------------------------------------------------------------ */

static void read_limits(const sg_point *point, sg_world *w) {
  const sg_values *stop = sg_section(point, "stop");
  w->limits.iterations = sg_int(stop, "iterations");
  w->limits.sim_time_s = sg_given(stop, "sim_time_s") ? sg_real(stop, "sim_time_s") : INFINITY;
  w->limits.undecodable = (sg_undecodable)sg_choice(stop, "undecodable");
  w->target_loss = sg_given(stop, "target_loss") ? sg_real(stop, "target_loss") : NAN;
  w->target_grad_norm2 =
      sg_given(stop, "target_grad_norm2") ? sg_real(stop, "target_grad_norm2") : NAN;
}

static sg_pace pace_of(const sg_values *model, const sg_calibration *calibration) {
  static const sg_calibration not_measured; /* nobody asks before a run */
  const char *name = model->variant->name;
  bool flops = strcmp(name, "flops") == 0, measured = strcmp(name, "measured") == 0;
  return (sg_pace){.flops_per_s = flops ? sg_real(model, "flops_per_s") : INFINITY,
                   .calibration = !measured     ? NULL
                                  : calibration ? calibration
                                                : &not_measured};
}

static void read_master(const sg_point *point, const sg_calibration *calibration, sg_world *w) {
  const sg_values *master = sg_section(point, "master"), *encode = sg_section(point, "encode");
  w->environment.update_s = sg_real(master, "update_s");
  w->decode = pace_of(sg_object(master, "decode"), calibration);
  bool alike = strcmp(encode->variant->name, "as-decode") == 0;
  w->encode = alike ? w->decode : pace_of(encode, calibration);
}

static sg_status check_target(const sg_point *point, const sg_world *w, const char *member,
                              const char *what, bool has, sg_error *e) {
  const sg_values *stop = sg_section(point, "stop");
  if (!sg_given(stop, member)) return SG_OK;
  if (!has || w->problem->timing_only)
    return sg_fail_at(e, stop, member, "the problem \"%s\" has no %s to reach a target",
                      w->problem->type->about.name, what);
  if (w->evaluate_every == 0)
    return sg_fail_at(e, stop, member,
                      "a target needs the %s: expected learning.evaluate_every ≥ 1, found 0", what);
  return SG_OK;
}

static sg_status check_targets(const sg_point *point, const sg_world *w, sg_error *e) {
  const sg_problem_type *type = w->problem->type;
  sg_status loss = check_target(point, w, "target_loss", "loss", type->evaluate, e),
            gradient = check_target(point, w, "target_grad_norm2", "gradient", type->begin, e);
  return loss ? loss : gradient;
}

static sg_status find_worst(sg_world *w, const sg_values *cluster, uint64_t seed, sg_error *e) {
  int count = sg_delay_worst_wanted(w->delay);
  if (count == 0) return SG_OK;
  int nodes = w->code->nodes > w->workers ? w->code->nodes : w->workers;
  bool *erased = calloc((size_t)nodes, sizeof *erased);
  if (!erased) return sg_fail_memory(e);
  sg_status status =
      sg_worst_erasure(w->code, seed, count, sg_object(cluster, "erasure")->pointer, erased, e);
  if (!status) sg_delay_set_worst(w->delay, erased);
  free(erased);
  return status;
}

/* Faults of the partition are faults of the scheme, whose parts they are. */
static sg_status make_partition(sg_world *w, const sg_values *scheme, sg_error *e) {
  const sg_code *code = w->code;
  size_t n = (size_t)code->coded_parts;
  sg_coded_part *coded = calloc(n + 1, sizeof *coded);
  if (!coded) return sg_fail_memory(e);
  for (size_t i = 0; i < n; i++)
    coded[i] = (sg_coded_part){
        .count = code->coded[i].count, .part = code->coded[i].part, .coef = code->coded[i].coef};
  sg_error faults = {0};
  sg_status status = sg_partition_new(w->problem, code->parts, code->edge, code->coded_parts, coded,
                                      &w->partition, &faults);
  free(coded);
  for (int i = 0; i < faults.count; i++) {
    const sg_fault *f = &faults.fault[i];
    sg_fail(e, f->status, *f->place ? f->place : scheme->pointer, "%s", f->message);
  }
  sg_error_clear(&faults);
  return status;
}

/* Models stand side by side only where each decode has one snapshot, as in a synchronous scheme,
 * and wants whole partial gradients of it, where nothing is computed between decodes, and where
 * they have code and data in common. */
static bool stands_side_by_side(const sg_world *w) {
  unsigned alone = SG_ASYNC | SG_SEE_CUTS | SG_BATCHES | SG_LOCAL;
  return !(w->code->flags & alone) && w->code->models <= 1 &&
         !sg_compressor_forms(&w->compressor) && w->replication < 0 &&
         sg_optimizer_result(w->optimizer) == 0;
}

/* In width 1 each run of a block has all its partial gradients in memory, which should stay in the
 * cache. */
static int abreast_of(const sg_world *w) {
  static const double most_bytes = 32e6;
  double bytes = sizeof(double) * (double)w->code->parts * (double)w->problem->length;
  return w->problem->abreast * bytes <= most_bytes ? w->problem->abreast : 1;
}

double sg_world_rate(const sg_world *w, const sg_row *row) {
  return row->rate > 0 ? row->rate : sg_optimizer_step_size(w->optimizer);
}

/* Whether the step of the optimiser is in the units of what workers send after local steps, and
 * whether these are taken once for all segments. */
static sg_status check_local(const sg_world *w, const sg_values *scheme, const sg_values *optimizer,
                             sg_error *e) {
  const sg_local_optimizer *inner = w->code->local;
  if (!inner) return SG_OK;
  if (inner->displacement && sg_text(optimizer, "step"))
    return sg_fail_at(e, optimizer, "step",
                      "expected a number with the scheme \"%s\", whose workers send displacements: "
                      "the step is the outer learning rate, 1 averages plainly; found \"%s\"",
                      w->label, sg_text(optimizer, "step"));
  if (!inner->displacement && inner->rate_given && !sg_given(optimizer, "step"))
    return sg_fail_at(e, optimizer, "step",
                      "expected a number with the scheme \"%s\", whose workers send displacements "
                      "over their rate: the rate itself averages plainly; found nothing",
                      w->label);
  if (inner->kept && inner->method != SG_INNER_SGD && w->code->segments > 1 &&
      sg_compressor_forms(&w->compressor))
    return sg_fail_at(e, scheme, "inner_state",
                      "expected \"reset\" where each of several pieces of a gradient is compressed "
                      "when it is sent, found \"kept\"");
  return SG_OK;
}

/* What the runs compute, besides their times. */
static sg_status make_learning(sg_world *w, const sg_values *learning, const sg_values *scheme,
                               sg_error *e) {
  if (w->code->flags & SG_BATCHES && !sg_problem_has_batches(w->problem))
    return sg_fail_at(e, learning, "batch_rows",
                      "the scheme \"%s\" computes on mini-batches: expected how many rows one has, "
                      "found nothing",
                      w->label);
  if (w->code->flags & SG_OFFSET && w->compressor.feedback != SG_FEEDBACK_CLASSIC)
    return sg_fail_at(e, scheme, NULL,
                      "the scheme \"%s\" takes gradients beside the snapshot, by what its workers "
                      "have not sent: expected a network.compression with feedback \"classic\", "
                      "found \"%s\" without",
                      w->label, w->compressor.type->about.name);
  sg_status status = make_partition(w, scheme, e);
  if (!status && !isnan(w->target_grad_norm2) && !w->problem->timing_only)
    status = sg_partition_new(w->problem, 1, NULL, 0, NULL, &w->whole, e);
  const sg_values *optimizer = sg_object(learning, "optimizer");
  if (!status) status = sg_optimizer_new(optimizer, &w->optimizer, e);
  if (!status) status = check_local(w, scheme, optimizer, e);
  if (!status && sg_optimizer_is_automatic(w->optimizer) && !w->problem->timing_only &&
      !w->problem->type->smoothness)
    status =
        sg_fail_at(e, optimizer, "step",
                   "expected a number with problem \"%s\", whose curvature has no bound, found "
                   "\"auto\"",
                   w->problem->type->about.name);
  if (!status && sg_optimizer_wants_curvature(w->optimizer) && !w->problem->type->curvature)
    status = sg_fail_at(e, optimizer, "step",
                        "expected a number or \"auto\" with problem \"%s\", whose curvature is not "
                        "the same everywhere, found \"two-over-l-plus-mu\"",
                        w->problem->type->about.name);
  if (!status && sg_optimizer_is_beside(w->optimizer))
    status = sg_compression_check_beside(scheme, optimizer, w, e);
  if (!status && stands_side_by_side(w)) {
    w->width = w->problem->block_width;
    w->abreast = w->width > 1 ? w->width : abreast_of(w);
  }
  return status;
}

/* What the scenario says of times. All its faults are listed together. */
static sg_status make_times(sg_world *w, const sg_point *point, uint64_t seed, sg_error *e) {
  sg_status a = check_targets(point, w, e);
  sg_status b = sg_delay_new(sg_section(point, "cluster"), sg_section(point, "delay"),
                             w->problem->subsets, w->problem->subset_flops, seed, &w->delay, e);
  sg_status c = sg_network_new(sg_section(point, "network"), w->workers, seed, &w->network, e);
  sg_status d = sg_compression_read(point, w, e);
  if (a || b || c || d) return a ? a : b ? b : c ? c : d;
  /* A trace that is not begun again ends a run. */
  long most = sg_delay_iterations(w->delay);
  if (most > 0 && most < w->limits.iterations) w->limits.iterations = most;
  return SG_OK;
}

static sg_status make_code(sg_world *w, const sg_point *point, uint64_t seed, sg_error *e) {
  /* Before causes are taken away: the code is that of the scenario. */
  const sg_forecast *forecast = sg_forecast_new(w->delay, w->limits.iterations);
  if (!forecast) return sg_fail_memory(e);
  sg_status status = sg_causes_remove(point->values, w->delay, w->network, e);
  sg_shape shape = {.workers = w->workers,
                    .subsets = w->problem->subsets,
                    .length = w->problem->length,
                    .speed = sg_delay_known_speeds(w->delay),
                    .seed = seed,
                    .updates = w->limits.iterations,
                    .n_layers = w->problem->n_layers,
                    .layer_end = w->problem->layer_end,
                    .layer_work = w->problem->layer_work,
                    .forecast = forecast};
  const sg_code_type *type = (const sg_code_type *)point->scheme->variant;
  sg_code_label(point->scheme, w->label, sizeof w->label);
  if (!status) status = sg_code_new(type, &shape, point->scheme, &w->code, e);
  /* The default round knows no other round's messages. */
  if (!status && w->environment.late_work == SG_LATE_KEEP_PARTIAL && !w->code->type->on_event)
    status = sg_fail_at(e, point->values, "late_work",
                        "expected \"cancel\" or \"finish-first\" with the code \"%s\", which has "
                        "no use for what is finished after the iteration, found \"keep-partial\"",
                        type->about.name);
  if (!status && w->code->flags & SG_WANTS_VALUES && w->problem->timing_only)
    status = sg_fail_at(e, point->scheme, NULL,
                        "what the scheme \"%s\" does depends on gradients: expected a learning "
                        "problem that has some, found \"%s\"",
                        type->about.name, w->problem->type->about.name);
  if (!status) status = sg_compression_check(point, w, e);
  if (!status) status = find_worst(w, sg_section(point, "cluster"), seed, e);
  sg_forecast_free(forecast);
  return status;
}

sg_replicate sg_point_replicates(const sg_point *point) {
  return (sg_replicate)sg_choice(point->values, "replicate");
}

sg_status sg_world_new(const sg_point *point, sg_problem_cache *cache,
                       const sg_calibration *calibration, sg_world **out, sg_error *e) {
  return sg_world_of(point, 0, cache, calibration, out, e);
}

sg_status sg_world_of(const sg_point *point, int replication, sg_problem_cache *cache,
                      const sg_calibration *calibration, sg_world **out, sg_error *e) {
  *out = NULL;
  sg_world *w = calloc(1, sizeof *w);
  if (!w) return sg_fail_memory(e);
  const sg_values *learning = sg_section(point, "learning");
  sg_replicate varied = sg_point_replicates(point);
  uint64_t seed = sg_seed(sg_section(point, "random"), "seed"),
           own = sg_replication_seed(seed, (uint32_t)replication);
  w->workers = (int)sg_int(sg_section(point, "cluster"), "workers");
  w->evaluate_every = sg_int(learning, "evaluate_every");
  w->width = w->abreast = 1;
  w->start_norm = w->start_loss = NAN;
  w->replication = varied == SG_REPLICATE_DELAYS ? -1 : replication;
  read_limits(point, w);
  read_master(point, calibration, w);
  w->environment.flops_seconds = sg_decode_seconds;
  if (sg_takes_time(&w->encode)) w->environment.encode_seconds = sg_encode_seconds;
  w->environment.flops_user = w;
  w->environment.late_work = (sg_late_work)sg_choice(point->values, "late_work");
  w->environment.compressor = &w->compressor;
  w->environment.header_bytes = (double)sg_int(sg_section(point, "network"), "header_bytes");
  w->environment.seed = seed;

  sg_status status = problem_get(cache, point, w->workers, varied == SG_REPLICATE_DATA ? own : seed,
                                 &w->problem, e);
  if (!status) status = make_times(w, point, seed, e);
  if (!status) status = make_code(w, point, varied == SG_REPLICATE_DELAYS ? seed : own, e);
  if (!status && !w->problem->timing_only) status = make_learning(w, learning, point->scheme, e);
  if (status) {
    sg_world_free(w, cache);
    return status;
  }
  w->environment.delay = w->delay;
  w->environment.broadcast = w->broadcast.type ? &w->broadcast : NULL;
  w->environment.network = w->network;
  w->environment.length = w->problem->length;
  *out = w;
  return SG_OK;
}

/* Linear interpolation in the table, its last rate beyond it. */
static double seconds_of(const sg_pace *pace, double flops) {
  const sg_calibration *c = pace->calibration;
  if (!c) return flops / pace->flops_per_s;
  if (c->n == 0 || flops <= 0) return 0;
  int last = c->n - 1, i = 0;
  if (flops <= c->flops[0]) return c->seconds[0];
  if (flops >= c->flops[last]) return c->seconds[last] * flops / c->flops[last];
  while (c->flops[i + 1] < flops) i++;
  double t = (flops - c->flops[i]) / (c->flops[i + 1] - c->flops[i]);
  return c->seconds[i] + t * (c->seconds[i + 1] - c->seconds[i]);
}

double sg_decode_seconds(const void *world, double flops) {
  return seconds_of(&((const sg_world *)world)->decode, flops);
}

double sg_encode_seconds(const void *world, double flops) {
  return seconds_of(&((const sg_world *)world)->encode, flops);
}

void sg_world_free(sg_world *w, sg_problem_cache *cache) {
  if (!w) return;
  sg_partition_free(w->partition);
  sg_partition_free(w->whole);
  free(w->optimizer);
  sg_code_free(w->code);
  sg_network_free(w->network);
  sg_delay_free(w->delay);
  if (w->problem) problem_put(cache, w->problem);
  free(w);
}
