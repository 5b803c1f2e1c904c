/* SPDX-License-Identifier: MIT */
/* Where timing and arithmetic meet: runs advance to their decodes, one pass over the data serves
 * them all, each gets its result and goes on. */
#include "sim/experiment/block.h"

#include "sim/experiment/row.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct lane { /* one run */
  struct block *block;
  sg_run *run;
  sg_snapshots snapshots;
  sg_recipe recipe;
  sg_held_row row;
  bool decoding, finished;
  double *previous; /* the last decoded vector, only for codes that want values */
  int loss_column;  /* of the pass, that brings the loss of the held row; −1: none */
  sg_status formed; /* why the last message could not be formed when it was sent */
} lane;

typedef struct block {
  const sg_world *world;
  const sg_block_options *options;
  sg_error *error;
  sg_workspace *ws;
  sg_kernel *kernel;
  lane *lane;
  int n_lanes;
  double *models, *decoded; /* l × (vectors · models · runs), l × runs */
  sg_pass pass;
} block;

static bool is_stopped(const block *b) {
  return b->options->stop && atomic_load_explicit(b->options->stop, memory_order_relaxed);
}

/* --- To the next decode ----------------------------------------------------------------------- */

static void end_by(lane *l, sg_run_status status) {
  switch (status) {
  case SG_RUN_ITERATIONS: sg_held_end(&l->row, "finished", "iterations"); break;
  case SG_RUN_TIME: sg_held_end(&l->row, "finished", "sim-time"); break;
  case SG_RUN_UNDECODABLE: sg_held_end(&l->row, "undecodable", "undecodable"); break;
  default: sg_held_end(&l->row, "stalled", "stalled"); break;
  }
}

/* Tells the engine what came of the decode and takes up the row, unless the protocol waits for
 * more. */
static sg_status supply(lane *l, const sg_run_result *result) {
  int model = sg_run_request_of(l->run)->model;
  sg_run_supply(l->run, result);
  if (!sg_run_record(l->run)) return SG_OK;
  return sg_held_put(&l->row, l->run, model, &l->recipe, result->decoded);
}

static bool take_snapshot(void *user, int slot, int model) {
  lane *l = user;
  return sg_snapshots_take(&l->snapshots, slot, model);
}

static double model_bits(void *user, int slot) {
  return sg_snapshots_bits(&((lane *)user)->snapshots);
}

/* A run whose messages are formed when they are sent is alone in its block, and no pass is under
 * way while it goes on. */
static bool form_message(void *user, const sg_run_sent *sent, double *bits) {
  lane *l = user;
  block *b = l->block;
  const double *x = sg_snapshots_point(&l->snapshots, l->run, sent->message->snapshot);
  l->formed = sg_former_send(l->recipe.former, b->kernel, b->ws, x, sent, bits, b->error);
  return !l->formed;
}

static void forget_message(void *user, const sg_message *message) {
  sg_former_gone(((lane *)user)->recipe.former, message);
}

static void tell(void *user, const sg_run_logged *entry) {
  const sg_block_options *options = ((const lane *)user)->block->options;
  options->log(options->log_user, entry);
}

/* The weights are there and, unless times only are wanted, the decoded vector. */
static sg_status update_model(block *b, lane *l) {
  const sg_world *w = b->world;
  int model = sg_run_request_of(l->run)->model;
  double dot = 0, norm2 = 0;
  for (int i = 0; i < l->recipe.n_sets && !w->problem->timing_only; i++) {
    const sg_kernel_set *set = &b->pass.set[l->recipe.first_set + i];
    dot += set->dot_previous;
    norm2 += set->norm2;
  }
  double decode_s = sg_decode_seconds(w, l->recipe.decode_flops);
  /* An update that ends past the limit of simulated time does not count: the model stays. */
  if (sg_run_now(l->run) + decode_s + w->environment.update_s <= w->limits.sim_time_s) {
    sg_status status = sg_snapshots_step(&l->snapshots, model, l->recipe.decoded, b->error);
    if (status) return status;
  }
  sg_recipe_used(&l->recipe);
  if (l->previous)
    memcpy(l->previous, l->recipe.decoded, (size_t)b->pass.length * sizeof *l->previous);
  sg_run_result result = {.decoded = true,
                          .decode_s = decode_s,
                          .n_used = l->recipe.n_used,
                          .norm = sqrt(norm2),
                          .dot_previous = dot};
  return supply(l, &result);
}

/* Takes a run to its next decode whose weights are there, or to its end. */
static sg_status advance(block *b, lane *l) {
  const sg_world *w = b->world;
  l->decoding = false;
  while (l->row.live) {
    sg_run_status at = sg_run_advance(l->run);
    if (at == SG_RUN_FAILED && l->formed) return l->formed;
    const char *fault = at == SG_RUN_FAILED ? sg_run_fault(l->run) : NULL;
    if (fault)
      return sg_fail(b->error, SG_BUG, NULL, "replication %d of %s: %s", l->row.replication,
                     w->label, fault);
    if (at == SG_RUN_FAILED) return sg_fail_memory(b->error);
    if (at != SG_RUN_DECODE) {
      end_by(l, at);
      break;
    }
    sg_status status = sg_recipe_make(&l->recipe, l->run, b->error);
    if (status == SG_UNDECODABLE) {
      status = supply(l, &(sg_run_result){.decoded = false});
    } else if (!status && w->problem->timing_only) {
      status = update_model(b, l);
    } else if (!status) {
      l->decoding = true;
      return SG_OK;
    }
    if (status) return status;
    if (is_stopped(b)) return SG_INTERRUPTED;
  }
  return SG_OK;
}

/* --- One pass over the data ------------------------------------------------------------------- */

/* The loss of a held row is asked for in the pass that the next gradient needs anyway; where that
 * is taken at the row's own model, it costs nothing. */
static void ask_losses(block *b) {
  sg_pass *p = &b->pass;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    const sg_snapshots *s = &l->snapshots;
    l->loss_column = -1;
    if (!l->decoding || s->n_used == 0 || !sg_held_wants_loss(&l->row)) continue;
    int column = l->loss_column = s->used[0].column;
    bool same =
        sg_optimizer_vectors(b->world->optimizer) == 1 && sg_snapshots_current(s, 0, l->row.model);
    p->loss_x[column] = same ? p->x[column] : sg_snapshots_model(s, l->row.model);
  }
}

/* For all runs that are at a decode. */
static sg_status step(block *b) {
  const sg_world *w = b->world;
  ask_losses(b);
  const sg_gradient_request request = sg_pass_request(&b->pass, w->partition);
  sg_status status = sg_problem_begin(w->problem, b->ws, &request, b->error);
  if (status) return status;
  bool any = false;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (l->decoding && l->loss_column >= 0) sg_held_loss(&l->row, b->pass.loss[l->loss_column]);
    l->decoding &= l->row.live;
    any |= l->decoding;
  }
  if (!any) return SG_OK;
  for (int i = 0; i < b->n_lanes && !status; i++)
    if (b->lane[i].decoding)
      status = sg_recipe_form(&b->lane[i].recipe, b->lane[i].run, b->kernel, b->ws, &request);
  if (status) return sg_fail_memory(b->error);
  status = sg_kernel_decode(b->kernel, w->problem, b->ws, &request, b->pass.n_sets, b->pass.set);
  if (status) return sg_fail_memory(b->error);
  for (int i = 0; i < b->n_lanes; i++) {
    if (!b->lane[i].decoding) continue;
    status = update_model(b, &b->lane[i]);
    if (status) return status;
  }
  return SG_OK;
}

/* --- The end of runs -------------------------------------------------------------------------- */

static bool lacks_loss(const lane *l) {
  return !l->finished && !l->row.live && sg_held_lacks_loss(&l->row);
}

/* The loss of the last row, which may end the run for another reason than it thought. */
static void last_loss(lane *l, double loss) {
  const char *status = l->row.status, *reason = l->row.reason;
  sg_held_loss(&l->row, loss);
  if (strcmp(l->row.reason, reason) == 0) sg_held_end(&l->row, status, reason);
}

/* The last losses of the runs that ended in this step, all in one pass where the block is wide. */
static sg_status last_losses(block *b) {
  const sg_world *w = b->world;
  bool wanting = false;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (!l->finished && !l->row.live && sg_held_lacks_test(&l->row)) {
      sg_status status = sg_held_measure(&l->row, SG_WANT_TEST);
      if (status) return status;
    }
    if (!lacks_loss(l)) continue;
    wanting = true;
    if (b->pass.width > 1) continue;
    const double *x = sg_snapshots_model(&l->snapshots, l->row.model);
    sg_metrics m;
    sg_status status = sg_problem_evaluate(w->problem, b->ws, SG_WANT_LOSS, 1, &x, &m);
    if (status) return sg_fail_memory(b->error);
    last_loss(l, m.loss);
  }
  if (b->pass.width == 1 || !wanting) return SG_OK;
  if (!sg_pass_begin(&b->pass, b->models)) return sg_fail_memory(b->error);
  for (int c = 0; c < b->pass.width; c++) b->pass.loss_x[c] = b->pass.x[c];
  const sg_gradient_request request = sg_pass_request(&b->pass, w->partition);
  sg_status status = sg_problem_begin(w->problem, b->ws, &request, b->error);
  if (status) return status;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (lacks_loss(l)) last_loss(l, b->pass.loss[l->snapshots.column]);
  }
  return SG_OK;
}

static sg_status finish_ended(block *b) {
  bool any = false;
  for (int i = 0; i < b->n_lanes; i++) any |= !b->lane[i].row.live && !b->lane[i].finished;
  sg_status status = any ? last_losses(b) : SG_OK;
  for (int i = 0; !status && any && i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (l->row.live || l->finished) continue;
    status = sg_held_finish(&l->row, l->run, &l->recipe);
    l->finished = true;
  }
  return status;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void lane_free(lane *l) {
  sg_held_free(&l->row);
  sg_recipe_free(&l->recipe);
  sg_snapshots_free(&l->snapshots);
  sg_run_free(l->run);
  free(l->previous);
}

static sg_status lane_init(block *b, lane *l, int column, int replication, const sg_sink *sink) {
  const sg_world *w = b->world;
  assert(w->replication < 0 || w->replication == replication);
  assert(!b->options->log || column == 0);
  l->block = b;
  double *decoded = b->decoded ? b->decoded + column * b->pass.length : NULL;
  if (decoded && w->code->flags & SG_WANTS_VALUES) {
    l->previous = calloc((size_t)b->pass.length, sizeof *l->previous);
    if (!l->previous) return sg_fail_memory(b->error);
  }
  bool fine =
      sg_snapshots_init(&l->snapshots, w, (uint32_t)replication, &b->pass, column, b->models);
  fine = sg_recipe_init(&l->recipe, &l->snapshots, (uint32_t)replication, decoded, l->previous) &&
         fine;
  fine = fine && sg_recipe_take_alphas(&l->recipe);
  fine =
      sg_held_init(&l->row, &l->snapshots, replication, b->ws, b->options, sink, b->error) && fine;
  if (!fine) return sg_fail_memory(b->error);
  l->recipe.names_used =
      b->options->worker_rows && sink->used && w->code->flags & (SG_ASYNC | SG_BATCHES);
  sg_run_limits limits = w->limits;
  limits.worker_rows = b->options->worker_rows;
  bool remembers = l->recipe.former && (sg_compressor_memory(w->environment.compressor) > 0 ||
                                        l->recipe.states.size > 0);
  sg_run_hooks hooks = {.user = l,
                        .snapshot = take_snapshot,
                        .model_bits = model_bits,
                        .form = l->recipe.former ? form_message : NULL,
                        .gone = remembers ? forget_message : NULL,
                        .log = b->options->log ? tell : NULL};
  l->run = sg_run_new(&w->environment, w->code, (uint32_t)replication, &limits, &hooks, b->error);
  return l->run ? SG_OK : sg_fail_memory(b->error);
}

static sg_status block_init(block *b, int count, const int *replication, const sg_sink *sink) {
  const sg_world *w = b->world;
  b->lane = calloc((size_t)count, sizeof *b->lane);
  if (!sg_pass_init(&b->pass, w->problem->length, w->width, count) || !b->lane)
    return sg_fail_memory(b->error);
  if (!w->problem->timing_only) {
    size_t numbers = (size_t)b->pass.length * (size_t)b->pass.runs,
           vectors = (size_t)(sg_optimizer_vectors(w->optimizer) * w->code->models);
    b->ws = sg_workspace_new(w->problem);
    b->kernel = sg_kernel_new();
    b->models = calloc(numbers * vectors, sizeof *b->models);
    b->decoded = calloc(numbers, sizeof *b->decoded);
    if (!b->ws || !b->kernel || !b->models || !b->decoded) return sg_fail_memory(b->error);
  }
  for (int i = 0; i < count; i++) {
    b->n_lanes++;
    sg_status status = lane_init(b, &b->lane[i], i, replication[i], sink);
    if (status) return status;
  }
  return SG_OK;
}

static void block_free(block *b) {
  for (int i = 0; i < b->n_lanes; i++) lane_free(&b->lane[i]);
  free(b->lane);
  sg_pass_free(&b->pass);
  free(b->models);
  free(b->decoded);
  sg_kernel_free(b->kernel);
  sg_workspace_free(b->ws);
}

sg_status sg_block_run(const sg_world *world, int count, const int *replication,
                       const sg_block_options *options, const sg_sink *sink, sg_error *e) {
  block b = {.world = world, .options = options, .error = e};
  sg_status status = block_init(&b, count, replication, sink);
  while (!status) {
    int decoding = 0;
    status = finish_ended(&b);
    if (!status && !sg_pass_begin(&b.pass, b.pass.matrix)) status = sg_fail_memory(e);
    for (int i = 0; !status && i < count; i++) {
      lane *l = &b.lane[i];
      status = advance(&b, l);
      decoding += l->decoding;
    }
    if (!status && decoding == 0) status = finish_ended(&b);
    if (status || decoding == 0) break;
    status = is_stopped(&b) ? SG_INTERRUPTED : step(&b);
  }
  block_free(&b);
  return status;
}
