/* SPDX-License-Identifier: MIT */
/* Rows of a run: filled in, held until their loss is known, added up, handed on. */
#include "sim/experiment/row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sg_held_init(sg_held_row *h, const sg_snapshots *snapshots, int replication, sg_workspace *ws,
                  const sg_block_options *options, const sg_sink *sink, sg_error *e) {
  *h = (sg_held_row){.world = snapshots->world,
                     .options = options,
                     .sink = sink,
                     .ws = ws,
                     .snapshots = snapshots,
                     .error = e,
                     .replication = replication,
                     .live = true};
  size_t workers = (size_t)h->world->workers;
  int models = h->world->code->models;
  h->tally = sg_tally_new(h->world->workers, models, options->worker_rows);
  h->reached = calloc((size_t)models, sizeof *h->reached);
  if (options->worker_rows) h->workers = malloc(workers * sizeof *h->workers);
  return h->tally && h->reached && (h->workers || !options->worker_rows);
}

void sg_held_free(sg_held_row *h) {
  free(h->workers);
  free(h->reached);
  sg_tally_free(h->tally);
}

static bool emit(sg_held_row *h) {
  if (!h->held) return true;
  h->held = false;
  if (!sg_tally_row(h->tally, &h->row, h->n_workers, h->workers)) {
    sg_fail_memory(h->error);
    return false;
  }
  if (h->options->iterations)
    atomic_fetch_add_explicit(h->options->iterations, 1, memory_order_relaxed);
  return h->sink->row(h->sink->user, h->replication, &h->row, h->n_workers, h->workers);
}

void sg_held_end(sg_held_row *h, const char *status, const char *reason) {
  h->live = false;
  h->status = status;
  h->reason = reason;
}

/* --- Losses ----------------------------------------------------------------------------------- */

static bool has_target(const sg_held_row *h) {
  return !isnan(h->world->target_loss) || !isnan(h->world->target_grad_norm2);
}

static bool has_loss(const sg_held_row *h) {
  return h->world->problem->type->evaluate != NULL && h->world->evaluate_every > 0;
}

bool sg_held_wants_loss(const sg_held_row *h) {
  return h->held && h->due && isnan(h->row.loss);
}

bool sg_held_lacks_test(const sg_held_row *h) {
  return h->held && has_loss(h) && strcmp(h->status, "diverged") != 0 && !h->tested;
}

bool sg_held_lacks_loss(const sg_held_row *h) {
  return h->held && has_loss(h) && strcmp(h->status, "diverged") != 0 && isnan(h->row.loss);
}

/* Whether a target is looked for after every update, whatever evaluate_every says: times to it
 * would be late otherwise. An update that takes gradients of all the data has the loss nearly for
 * nothing; for others it would be a pass over all the data for an update on few. */
static bool looks_for_target(const sg_held_row *h) {
  unsigned few = SG_ASYNC | SG_BATCHES | SG_LOCAL;
  return has_loss(h) && !isnan(h->world->target_loss) && !(h->world->code->flags & few);
}

/* Whether the loss grows without bound: it is 10⁹ times that of the model that runs begin with, and
 * 1000 times the highest of the first losses, of a quarter to a half of all; that was above 100
 * times the former already. What grows at an exponential rate meets all three in time; linear
 * growth, as with too large a step where gradients are bounded, does not, and may come back
 * (theory: divergence). */
static bool grows(sg_held_row *h, double loss) {
  enum { FEWEST = 8 };
  static const double large = 1e9, more = 1e3, already = 1e2;
  double start = h->world->start_loss;
  h->losses++;
  if (h->losses == 1 || !(loss <= h->highest)) h->highest = loss;
  bool grown = h->losses >= FEWEST && start > 0 && loss > large * start &&
               loss > more * h->before && h->before > already * start;
  /* before: of the first 2^k losses, with 2^(k + 1) of them past. */
  if ((h->losses & (h->losses - 1)) == 0) {
    h->before = h->losses == 1 ? h->highest : h->next_before;
    h->next_before = h->highest;
  }
  return grown;
}

/* Each target that is given is met by what is known of the held row. */
static void look_at_targets(sg_held_row *h) {
  const sg_world *w = h->world;
  bool by_loss = !isnan(w->target_loss), by_gradient = !isnan(w->target_grad_norm2);
  if (h->reached[h->model] || !has_target(h) || (by_loss && !(h->row.loss <= w->target_loss)) ||
      (by_gradient && !(h->row.full_grad_norm2 <= w->target_grad_norm2)))
    return;
  h->reached[h->model] = true;
  if (++h->n_reached < w->code->models) return;
  sg_tally_target(h->tally, &h->row, h->updates);
  sg_held_end(h, "finished",
              !by_gradient ? "target-loss"
              : by_loss    ? "targets"
                           : "target-gradient");
}

void sg_held_loss(sg_held_row *h, double loss) {
  h->row.loss = loss;
  if (!isfinite(loss)) {
    h->row.loss = NAN;
    sg_held_end(h, "diverged", "diverged");
  } else if (grows(h, loss)) {
    sg_held_end(h, "diverged", "diverged");
  } else {
    look_at_targets(h);
  }
}

/* The whole gradient at the held row's model, after its update. */
static sg_status measure_gradient(sg_held_row *h) {
  const sg_world *w = h->world;
  double norm2 = NAN;
  sg_status status = sg_problem_gradient_norm2(w->problem, h->ws, w->whole,
                                               sg_snapshots_model(h->snapshots, h->model), true,
                                               NULL, &norm2, h->error);
  h->row.full_grad_norm2 = isfinite(norm2) ? norm2 : NAN;
  if (!status && isnan(w->target_loss)) look_at_targets(h);
  return status;
}

sg_status sg_held_measure(sg_held_row *h, unsigned what) {
  const double *x = sg_snapshots_model(h->snapshots, h->model);
  sg_metrics m;
  sg_status status = sg_problem_evaluate(h->world->problem, h->ws, what, 1, &x, &m);
  if (status) return sg_fail_memory(h->error);
  if (what & SG_WANT_TEST) {
    h->tested = true;
    h->row.test_loss = m.test_loss;
    h->row.test_accuracy = m.accuracy;
    h->row.test_auc = m.auc;
  }
  if (what & SG_WANT_LOSS) sg_held_loss(h, m.loss);
  return SG_OK;
}

/* --- A row ------------------------------------------------------------------------------------ */

/* (Σ α)² / Σ α², in subsets: as many as would give the same sum with weight 1, if each part came
 * whole. Σ α² is in the error: Σ (α − 1)² = Σ α² − 2 Σ α + their number. Segments of their own
 * lengths have no one number, and mini-batches are no parts. */
static void fill_effective(sg_iteration_record *r, const sg_code *code, const sg_recipe *recipe) {
  if (!code->exact && (code->segments > 1 || code->flags & (SG_BATCHES | SG_LOCAL))) return;
  double pieces = recipe->n_alpha / code->parts, sum = recipe->info.alpha_sum;
  double squares = recipe->info.alpha_error / pieces + 2 * sum - code->parts;
  if (squares > 0) r->subsets_effective = sum * sum / squares * code->shape.subsets / code->parts;
}

static void fill_arithmetic(sg_held_row *h, const sg_recipe *recipe, bool decoded) {
  sg_iteration_record *r = &h->row;
  if (!decoded) return;
  r->cond1_est = recipe->info.cond1;
  r->decode_amp = recipe->info.amplification;
  r->alpha_sum = recipe->info.alpha_sum;
  fill_effective(r, h->world->code, recipe);
  if (recipe->former) r->beside_loss = sg_former_beside_loss(recipe->former);
  if (recipe->formed2 > 0) r->compression_err = sqrt(recipe->lost2 / recipe->formed2);
  if (!h->world->code->exact) {
    r->decoding_err = recipe->info.alpha_error;
    r->err_norm = recipe->info.alpha_error / recipe->n_alpha;
    r->err_root = sqrt(recipe->info.alpha_error);
  }
  r->staleness_mean = recipe->staleness_sum / recipe->n_used; /* NAN: no message was used */
  if (recipe->n_used > 0) r->staleness_max = recipe->staleness_max;
  r->samples_used = recipe->samples;
  r->bits = recipe->bits;
  if (h->world->problem->timing_only) return;
  double error2 = 0, sum2 = 0, norm2 = 0, parts = 0;
  for (int i = 0; i < recipe->n_sets; i++) {
    const sg_kernel_set *set = &recipe->pass->set[recipe->first_set + i];
    error2 += set->error2;
    sum2 += set->sum2;
    norm2 += set->norm2;
  }
  r->grad_norm = sqrt(norm2);
  if (recipe->n_sum == 0) return;
  for (int i = 0; i < recipe->n_sum; i++) parts += sqrt(recipe->norm2[i]);
  if (parts > 0) r->grad_scaled_err = sqrt(error2) / parts;
  if (h->world->start_norm > 0) r->grad_common_err = sqrt(error2) / h->world->start_norm;
  if (sqrt(sum2) >= 1e-8 * parts && sum2 > 0) r->grad_rel_err = sqrt(error2 / sum2);
}

sg_status sg_held_put(sg_held_row *h, const sg_run *run, int model, const sg_recipe *recipe,
                      bool decoded) {
  if (sg_held_wants_loss(h)) { /* before a skipped round */
    sg_status status = sg_held_measure(h, SG_WANT_LOSS);
    if (status || !h->live) return status;
  }
  if (!emit(h)) return SG_IO;
  h->row = *sg_run_record(run);
  h->row.model = model;
  fill_arithmetic(h, recipe, decoded);
  if (h->options->worker_rows) {
    const sg_worker_record *rows = sg_run_worker_records(run, &h->n_workers);
    if (h->n_workers > h->world->workers) h->n_workers = h->world->workers; /* relays follow */
    memcpy(h->workers, rows, (size_t)h->n_workers * sizeof *rows);
  }
  if (decoded && h->sink->used && recipe->used) {
    for (int i = 0; i < recipe->n_used; i++) recipe->used[i].iteration = h->row.iteration;
    if (!h->sink->used(h->sink->user, h->replication, recipe->n_used, recipe->used)) return SG_IO;
  }
  h->held = true;
  h->model = model;
  bool alone = h->world->code->models == 1;
  h->updates = alone ? (long)h->row.iteration + 1 : sg_snapshots_updates(h->snapshots, model);
  long every = h->world->evaluate_every;
  bool evaluated = every > 0 && decoded && h->updates % every == 0;
  h->due = has_loss(h) && (evaluated || (decoded && looks_for_target(h)));
  h->tested = false;
  if (decoded && !h->world->problem->timing_only && !isfinite(h->row.grad_norm)) {
    /* A message that overflowed its number format ends here, too. */
    h->row.grad_norm = h->row.grad_rel_err = NAN;
    h->row.grad_scaled_err = h->row.grad_common_err = NAN;
    sg_held_end(h, "diverged", "diverged");
    return SG_OK;
  }
  sg_status status = evaluated && has_loss(h) ? sg_held_measure(h, SG_WANT_TEST) : SG_OK;
  if (!status && evaluated && !isnan(h->world->target_grad_norm2)) status = measure_gradient(h);
  return status;
}

sg_status sg_held_finish(sg_held_row *h, const sg_run *run, const sg_recipe *recipe) {
  if (!emit(h)) return SG_IO;
  sg_run_row row = {.replication = h->replication,
                    .status = h->status,
                    .stop_reason = h->reason,
                    .rounds = sg_run_rounds(run),
                    .events = sg_run_events(run)};
  sg_summary_record summary;
  long asked = 0, found = 0;
  sg_decoder_cache_counts(recipe->decoder, &asked, &found);
  sg_tally_finish(h->tally, &row, &summary);
  summary.decode_cache_hit_rate = asked ? (double)found / (double)asked : NAN;
  if (recipe->alphas) {
    summary.alpha_bias = sg_alphas_bias(recipe->alphas);
    if (!sg_alphas_covariance_norm(recipe->alphas, &summary.alpha_cov_norm)) return SG_NO_MEMORY;
  }
  if (h->world->optimizer) summary.auto_step = sg_optimizer_found_step(h->world->optimizer);
  int n = 0;
  const sg_worker_summary_record *workers =
      sg_tally_workers(h->tally, sg_delay_speeds(h->world->delay), &n);
  int n_times = 0;
  sg_time_group_record *times = h->sink->times ? sg_tally_times(h->tally, &n_times) : NULL;
  if (!times && h->sink->times && row.iterations > 0) return SG_NO_MEMORY;
  if (times && !h->sink->times(h->sink->user, h->replication, n_times, times)) return SG_IO;
  bool going = h->sink->finish(h->sink->user, h->replication, &row, &summary, n, workers);
  return going ? SG_OK : SG_IO;
}
