/* SPDX-License-Identifier: MIT */
#include "sim/experiment/block.h"

#include "sim/experiment/calibrate.h"
#include "sim/experiment/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The kernel sets of one decode of one run: growing arrays that are used again in every round. */
typedef struct decode_plan {
  sg_kernel_set *set;
  int n_sets, sets_capacity;
  struct range { /* where a set's arrays begin, until growing is over and pointers can be set */
    size_t start, weight;
  } * range;
  sg_kernel_term *term;
  size_t n_terms, terms_capacity;
  sg_kernel_link *link;
  size_t n_links, links_capacity;
  int *start; /* pairs of offsets, term and link, per message and one past the last */
  size_t n_starts, starts_capacity;
  int *link_start;
  size_t n_link_starts, link_starts_capacity;
  double *weight;
  size_t n_weights, weights_capacity;
  const sg_message **known; /* messages of the set under construction, for relays */
  size_t n_known, known_capacity;
  int *sum_item;
  double *sum_coef, *norm2;
  size_t n_sum, sum_capacity, coef_capacity, norm_capacity;
} decode_plan;

typedef struct slot {
  double *x; /* length l */
  int model;
  long update; /* of the model when the snapshot was taken */
} slot;

typedef struct lane {
  struct block *block;
  sg_run *run;
  sg_decoder *decoder;
  int replication, column; /* column: its place in the block */
  bool live, decoding, finished;
  double **state; /* models × vectors of length l */
  long *updates;  /* per model */
  slot *slots;
  int n_slots;
  double *decoded, *previous; /* previous: only for codes that want values */
  double *point;              /* an evaluation point that no snapshot holds; lazily made */
  decode_plan plan;
  /* Of the decode at hand. */
  int *points, *column_of, n_points; /* distinct points and their columns in the request */
  size_t points_capacity, columns_capacity;
  int *item_of; /* n_points × parts: index of the partial gradient in the request, or −1 */
  size_t item_of_capacity;
  double decode_flops;
  int n_used, held_column;
  sg_decode_info info;
  double n_alpha; /* coefficients of the decoded combination, over segments */
  /* The last row waits here until its loss is known. */
  bool held, held_due;
  int held_model;
  sg_iteration_record row;
  sg_worker_record *workers;
  int n_workers;
  sg_tally *tally;
  const char *status, *reason;
} lane;

typedef struct block {
  const sg_world *world;
  const sg_block_options *options;
  const sg_sink *sink;
  sg_error *error;
  sg_workspace *ws;
  sg_kernel *kernel;
  lane *lane;
  int n_lanes, width, parts;
  long length;
  double *models, *points, *decoded; /* l × (vectors · W), l × W, l × W */
  /* The request of the step at hand. */
  const double **x, **loss_x;
  double *loss;
  size_t n_columns, columns_capacity, loss_x_capacity, loss_capacity;
  sg_partial *item;
  size_t n_items, items_capacity;
  sg_kernel_set *sets;
  size_t sets_capacity;
} block;

/* Makes room for one more element beyond `count`. */
static bool room(void *array, size_t *capacity, size_t count, size_t size) {
  if (count < *capacity) return true;
  size_t wanted = *capacity ? 2 * *capacity : 64;
  while (wanted <= count) wanted *= 2;
  void **p = array;
  void *grown = realloc(*p, wanted * size);
  if (!grown) return false;
  *p = grown;
  *capacity = wanted;
  return true;
}
#define ROOM(array, capacity, count) room(&(array), &(capacity), (size_t)(count), sizeof *(array))

/* --- Snapshots and models --------------------------------------------------------------------- */

static double **model_state(const lane *l, int model) {
  return l->state + (ptrdiff_t)model * sg_optimizer_vectors(l->block->world->optimizer);
}

static bool take_snapshot(void *user, int number, int model) {
  lane *l = user;
  const sg_world *w = l->block->world;
  if (w->problem->timing_only) return true;
  if (number >= l->n_slots) {
    slot *grown = realloc(l->slots, (size_t)(number + 1) * sizeof *grown);
    if (!grown) return false;
    memset(grown + l->n_slots, 0, (size_t)(number + 1 - l->n_slots) * sizeof *grown);
    l->slots = grown;
    l->n_slots = number + 1;
  }
  slot *s = &l->slots[number];
  if (!s->x) {
    /* The first slot is the run's column of the block's matrix. */
    s->x = number == 0 ? l->block->points + l->column * l->block->length
                       : malloc((size_t)l->block->length * sizeof *s->x);
    if (!s->x) return false;
  }
  s->model = model;
  s->update = l->updates[model];
  sg_optimizer_point(w->optimizer, l->block->length, l->updates[model], model_state(l, model),
                     s->x);
  return true;
}

/* In a wide block gradients are taken at the block's columns: a snapshot in another slot changes
 * places with the one that is there. */
static void bring_to_column(lane *l, slot *s) {
  double *column = l->block->points + l->column * l->block->length;
  if (s->x == column) return;
  for (int i = 0; i < l->n_slots; i++) {
    if (l->slots[i].x != column) continue;
    for (long c = 0; c < l->block->length; c++) {
      double t = s->x[c];
      s->x[c] = column[c];
      column[c] = t;
    }
    l->slots[i].x = s->x;
    s->x = column;
    return;
  }
}

/* --- Building the request --------------------------------------------------------------------- */

static int new_column(block *b, const double *x) {
  if (!ROOM(b->x, b->columns_capacity, b->n_columns) ||
      !ROOM(b->loss_x, b->loss_x_capacity, b->n_columns) ||
      !ROOM(b->loss, b->loss_capacity, b->n_columns))
    return -1;
  b->x[b->n_columns] = x;
  b->loss_x[b->n_columns] = NULL;
  return (int)b->n_columns++;
}

/* The index of a point among those of this decode, in `*index`. */
static bool find_point(lane *l, int point, int *index) {
  for (*index = 0; *index < l->n_points; ++*index)
    if (l->points[*index] == point) return true;
  block *b = l->block;
  int number = sg_run_slot(l->run, point);
  if (number < 0) return false;
  slot *s = &l->slots[number];
  int column = l->column;
  if (b->width > 1)
    bring_to_column(l, s);
  else
    column = new_column(b, s->x);
  if (column < 0 || !ROOM(l->points, l->points_capacity, l->n_points) ||
      !ROOM(l->column_of, l->columns_capacity, l->n_points))
    return false;
  l->points[l->n_points] = point;
  l->column_of[l->n_points] = column;
  size_t from = (size_t)l->n_points * (size_t)b->parts, to = from + (size_t)b->parts;
  if (!ROOM(l->item_of, l->item_of_capacity, to)) return false;
  for (size_t i = from; i < to; i++) l->item_of[i] = -1;
  *index = l->n_points++;
  return true;
}

static int find_item(lane *l, int point_index, int part, int batch) {
  block *b = l->block;
  int *known = &l->item_of[(size_t)point_index * (size_t)b->parts + (size_t)part];
  if (batch == 0 && *known >= 0) return *known;
  if (!ROOM(b->item, b->items_capacity, b->n_items)) return -1;
  b->item[b->n_items] =
      (sg_partial){.part = part, .column = l->column_of[point_index], .batch = batch};
  if (batch == 0) *known = (int)b->n_items;
  return (int)b->n_items++;
}

/* Adds a message to the set under construction, what it is made from before it. weights: pieces
 * values, NULL for a relay's input. The message's place in the set, or −1. */
static int add_message(lane *l, const sg_message *message, const sg_row *row, const double *weights,
                       int pieces) {
  decode_plan *p = &l->plan;
  const sg_code *code = l->block->world->code;
  sg_row own = {0};
  int place = -1;
  if (!row) {
    code->type->encode(code, sg_run_request_of(l->run)->state, message, &own);
    if (own.failed) goto out;
    row = &own;
  }
  int *input = row->n_links ? malloc((size_t)row->n_links * sizeof *input) : NULL;
  if (row->n_links && !input) goto out;
  bool fine = true;
  for (int i = 0; fine && i < row->n_links; i++) {
    input[i] = -1;
    for (size_t k = 0; k < p->n_known; k++)
      if (p->known[k] == row->link[i].message) input[i] = (int)k;
    if (input[i] < 0) input[i] = add_message(l, row->link[i].message, NULL, NULL, pieces);
    fine = input[i] >= 0;
  }
  int point = 0;
  fine = fine && (row->n_terms == 0 || find_point(l, message->point, &point));
  for (int i = 0; fine && i < row->n_terms; i++) {
    const sg_term *t = &row->term[i];
    int item = find_item(l, point, t->part, row->batch);
    fine = item >= 0 && ROOM(p->term, p->terms_capacity, p->n_terms);
    if (fine)
      p->term[p->n_terms++] = (sg_kernel_term){.item = item, .piece = t->piece, .coef = t->coef};
  }
  for (int i = 0; fine && i < row->n_links; i++) {
    fine = ROOM(p->link, p->links_capacity, p->n_links);
    if (fine)
      p->link[p->n_links++] = (sg_kernel_link){.message = input[i], .coef = row->link[i].coef};
  }
  free(input);
  fine = fine && ROOM(p->start, p->starts_capacity, p->n_starts) &&
         ROOM(p->link_start, p->link_starts_capacity, p->n_link_starts) &&
         ROOM(p->known, p->known_capacity, p->n_known) &&
         ROOM(p->weight, p->weights_capacity, p->n_weights + (size_t)pieces);
  if (!fine) goto out;
  p->start[p->n_starts++] = (int)p->n_terms;
  p->link_start[p->n_link_starts++] = (int)p->n_links;
  for (int i = 0; i < pieces; i++) p->weight[p->n_weights++] = weights ? weights[i] : 0;
  p->known[p->n_known] = message;
  place = (int)p->n_known++;
out:
  sg_row_free(&own);
  return place;
}

static bool is_zero(const double *w, int n) {
  for (int i = 0; i < n; i++)
    if (w[i] != 0) return false;
  return true;
}

static bool begin_set(decode_plan *p, const sg_segment *segment) {
  size_t ranges = (size_t)p->sets_capacity, sets = (size_t)p->sets_capacity;
  if (!ROOM(p->set, sets, p->n_sets) || !ROOM(p->range, ranges, p->n_sets)) return false;
  p->sets_capacity = (int)sets;
  if (!ROOM(p->start, p->starts_capacity, p->n_starts) ||
      !ROOM(p->link_start, p->link_starts_capacity, p->n_link_starts))
    return false;
  p->range[p->n_sets] = (struct range){.start = p->n_starts, .weight = p->n_weights};
  p->set[p->n_sets] =
      (sg_kernel_set){.begin = segment->begin, .end = segment->end, .pieces = segment->pieces};
  p->start[p->n_starts++] = (int)p->n_terms;
  p->link_start[p->n_link_starts++] = (int)p->n_links;
  p->n_known = 0;
  return true;
}

/* The arrays have stopped growing: offsets become pointers. */
static void settle_sets(lane *l, bool with_sum, const double *sum_coef) {
  decode_plan *p = &l->plan;
  for (int i = 0; i < p->n_sets; i++) {
    sg_kernel_set *set = &p->set[i];
    set->term_start = p->start + p->range[i].start;
    set->term = p->term;
    set->link_start = p->n_links ? p->link_start + p->range[i].start : NULL;
    set->link = p->link;
    set->weight = p->weight + p->range[i].weight;
    set->decoded = l->decoded;
    set->previous = l->previous;
    set->precision = sg_network_precision(l->block->world->network);
    if (with_sum) {
      set->n_sum = (int)p->n_sum;
      set->sum_item = p->sum_item;
      set->sum_coef = sum_coef;
      set->item_norm2 = p->norm2;
    }
  }
}

/* What the decoded vector is compared with: the sum over all parts at the decode's point, or, where
 * the master deliberately uses only some gradients, exactly their weighted sum. */
static bool add_sum(lane *l, bool whole) {
  decode_plan *p = &l->plan;
  block *b = l->block;
  p->n_sum = 0;
  if (l->n_points == 0) return true;
  size_t most = whole ? (size_t)b->parts : b->n_items;
  if (!ROOM(p->sum_item, p->sum_capacity, most) || !ROOM(p->norm2, p->norm_capacity, most) ||
      !ROOM(p->sum_coef, p->coef_capacity, most))
    return false;
  if (whole) {
    for (int part = 0; part < b->parts; part++) {
      int item = find_item(l, 0, part, 0);
      if (item < 0) return false;
      p->sum_item[p->n_sum++] = item;
    }
  } else {
    /* α of each partial gradient: Σ over messages of weight · coefficient. With several pieces a
     * partial gradient has no single α, and there is nothing to compare with. */
    for (int i = 0; i < p->n_sets; i++)
      if (p->set[i].pieces != 1 || p->n_links) return true;
    for (int i = 0; i < p->n_sets && i < 1; i++) {
      const int *start = p->start + p->range[i].start;
      const double *weight = p->weight + p->range[i].weight;
      for (int k = 0; k < p->set[i].n_messages; k++)
        for (int t = start[k]; t < start[k + 1]; t++) {
          size_t at = 0;
          while (at < p->n_sum && p->sum_item[at] != p->term[t].item) at++;
          if (at == p->n_sum) {
            p->sum_item[p->n_sum] = p->term[t].item;
            p->sum_coef[p->n_sum++] = 0;
          }
          p->sum_coef[at] += weight[k] * p->term[t].coef;
        }
    }
  }
  for (size_t i = 0; i < p->n_sum; i++) p->norm2[i] = 0;
  return true;
}

/* Weights and rows of a run's decode. SG_UNDECODABLE: the weights were refused. */
static sg_status plan_decode(lane *l) {
  block *b = l->block;
  const sg_world *w = b->world;
  decode_plan *p = &l->plan;
  const sg_run_request *request = sg_run_request_of(l->run);
  p->n_sets = 0;
  p->n_terms = p->n_links = p->n_starts = p->n_link_starts = p->n_weights = p->n_known = 0;
  l->n_points = 0;
  l->decode_flops = 0;
  l->n_used = 0;
  l->info = (sg_decode_info){.cond1 = NAN, .amplification = 0, .alpha_error = 0};
  l->n_alpha = 0;
  for (int i = 0; i < request->n_segments; i++) {
    const sg_run_segment *s = &request->segment[i];
    const sg_segment *segment = &w->code->segment[s->segment];
    sg_weights weights;
    sg_status status = sg_decoder_weights(l->decoder, request->state, s->segment, s->count,
                                          s->message, &weights, b->error);
    if (status != SG_OK) return status;
    if (!begin_set(p, segment)) return sg_fail_memory(b->error);
    for (int k = 0; k < s->count; k++) {
      const double *row = weights.w + (ptrdiff_t)k * weights.pieces;
      if (is_zero(row, weights.pieces)) continue;
      l->n_used++;
      p->set[p->n_sets].n_messages++;
      if (w->problem->timing_only) continue;
      const sg_row *recipe = sg_decoder_row(l->decoder, k);
      if (!recipe || add_message(l, s->message[k], recipe, row, weights.pieces) < 0)
        return sg_fail_memory(b->error);
    }
    if (!w->problem->timing_only) p->set[p->n_sets].n_messages = (int)p->n_known;
    const sg_kernel_set applied = {.begin = segment->begin,
                                   .end = segment->end,
                                   .pieces = segment->pieces,
                                   .n_messages = s->count,
                                   .weight = weights.w};
    l->decode_flops += weights.info.flops + sg_kernel_decode_flops(&applied);
    p->n_sets++;
    l->info.cond1 = fmax(l->info.cond1, weights.info.cond1);
    l->info.amplification = fmax(l->info.amplification, weights.info.amplification);
    l->info.alpha_error += weights.info.alpha_error;
    l->n_alpha += (double)w->code->parts * segment->pieces;
  }
  if (w->problem->timing_only) return SG_OK;
  bool whole = !(request->flags & SG_NO_SUM);
  if (!add_sum(l, whole)) return sg_fail_memory(b->error);
  settle_sets(l, p->n_sum > 0, whole ? NULL : p->sum_coef);
  return SG_OK;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static bool emit_held(lane *l) {
  block *b = l->block;
  if (!l->held) return true;
  l->held = false;
  sg_tally_row(l->tally, &l->row, l->n_workers, l->workers);
  if (b->options->iterations)
    atomic_fetch_add_explicit(b->options->iterations, 1, memory_order_relaxed);
  return b->sink->row(b->sink->user, l->replication, &l->row, l->n_workers, l->workers);
}

static void end_run(lane *l, const char *status, const char *reason) {
  l->live = false;
  l->decoding = false;
  l->status = status;
  l->reason = reason;
}

/* The loss of the held row is known: is the run over? */
static void judge_loss(lane *l, double loss) {
  const sg_world *w = l->block->world;
  l->row.loss = loss;
  if (!isfinite(loss)) {
    l->row.loss = NAN;
    end_run(l, "diverged", "diverged");
  } else if (loss <= w->target_loss) {
    sg_tally_target(l->tally, &l->row);
    end_run(l, "finished", "target-loss");
  }
}

static bool has_loss(const lane *l) {
  return l->block->world->problem->type->evaluate != NULL && l->block->world->evaluate_every > 0;
}

static sg_status measure(lane *l, unsigned what) {
  const sg_world *w = l->block->world;
  const double *x = model_state(l, l->held_model)[0];
  sg_metrics m;
  sg_status status = sg_problem_evaluate(w->problem, l->block->ws, what, 1, &x, &m);
  if (status != SG_OK) return sg_fail_memory(l->block->error);
  if (what & SG_WANT_TEST) {
    l->row.test_loss = m.test_loss;
    l->row.test_accuracy = m.accuracy;
    l->row.test_auc = m.auc;
  }
  if (what & SG_WANT_LOSS) judge_loss(l, m.loss);
  return SG_OK;
}

/* The last row of a run is always measured; rows before it get their loss from the next pass over
 * the data. */
static bool lacks_loss(const lane *l) {
  return l->held && has_loss(l) && strcmp(l->status, "diverged") != 0 && isnan(l->row.loss);
}

/* The loss of the last row, which may end the run for another reason than it thought. */
static void judge_last_loss(lane *l, double loss) {
  const char *status = l->status, *reason = l->reason;
  judge_loss(l, loss);
  if (strcmp(l->reason, reason) == 0) end_run(l, status, reason);
}

static sg_status finish_run(lane *l) {
  block *b = l->block;
  if (!emit_held(l)) return SG_IO;
  sg_run_row run = {.replication = l->replication,
                    .status = l->status,
                    .stop_reason = l->reason,
                    .rounds = sg_run_rounds(l->run),
                    .events = sg_run_events(l->run)};
  sg_summary_record summary;
  long asked = 0, found = 0;
  sg_decoder_cache_counts(l->decoder, &asked, &found);
  sg_tally_finish(l->tally, &run, &summary);
  summary.decode_cache_hit_rate = asked ? (double)found / (double)asked : NAN;
  int n = 0;
  const sg_worker_summary_record *workers =
      sg_tally_workers(l->tally, sg_delay_speeds(b->world->delay), &n);
  return b->sink->finish(b->sink->user, l->replication, &run, &summary, n, workers) ? SG_OK : SG_IO;
}

static void fill_arithmetic(lane *l, bool decoded) {
  sg_iteration_record *r = &l->row;
  if (!decoded) return;
  r->cond1_est = l->info.cond1;
  r->decode_amp = l->info.amplification;
  if (!l->block->world->code->exact) {
    r->decoding_err = l->info.alpha_error;
    r->err_norm = l->info.alpha_error / l->n_alpha;
    r->err_root = sqrt(l->info.alpha_error);
  }
  if (l->block->world->problem->timing_only) return;
  double error2 = 0, sum2 = 0, norm2 = 0, parts = 0;
  for (int i = 0; i < l->plan.n_sets; i++) {
    error2 += l->plan.set[i].error2;
    sum2 += l->plan.set[i].sum2;
    norm2 += l->plan.set[i].norm2;
  }
  r->grad_norm = sqrt(norm2);
  if (l->plan.n_sum == 0) return;
  for (size_t i = 0; i < l->plan.n_sum; i++) parts += sqrt(l->plan.norm2[i]);
  if (parts > 0) r->grad_scaled_err = sqrt(error2) / parts;
  if (sqrt(sum2) >= 1e-8 * parts && sum2 > 0) r->grad_rel_err = sqrt(error2 / sum2);
}

static bool copy_workers(lane *l) {
  if (!l->block->options->worker_rows) return true;
  int n = 0;
  const sg_worker_record *rows = sg_run_worker_records(l->run, &n);
  if (!l->workers) l->workers = malloc((size_t)l->block->world->workers * sizeof *l->workers);
  if (!l->workers) return false;
  if (n > 0) memcpy(l->workers, rows, (size_t)n * sizeof *rows);
  l->n_workers = n;
  return true;
}

/* Tells the engine what came of the decode and takes up the row. */
static sg_status supply(lane *l, const sg_run_result *result) {
  block *b = l->block;
  const sg_run_request *request = sg_run_request_of(l->run);
  int model = request->model;
  sg_run_supply(l->run, result);
  const sg_iteration_record *record = sg_run_record(l->run);
  if (!record) return SG_OK; /* the protocol waits for more */
  if (l->held && l->held_due && has_loss(l) && isnan(l->row.loss)) { /* before a skipped round */
    sg_status status = measure(l, SG_WANT_LOSS);
    if (status != SG_OK) return status;
    if (!l->live) return SG_OK;
  }
  if (!emit_held(l)) return SG_IO;
  l->row = *record;
  l->row.model = model;
  fill_arithmetic(l, result->decoded);
  if (!copy_workers(l)) return sg_fail_memory(b->error);
  l->held = true;
  l->held_model = model;
  long every = b->world->evaluate_every;
  l->held_due = has_loss(l) && result->decoded && (l->row.iteration + 1) % every == 0;
  if (result->decoded && !b->world->problem->timing_only && !isfinite(l->row.grad_norm)) {
    /* A message that overflowed its number format ends here, too. */
    l->row.grad_norm = l->row.grad_rel_err = l->row.grad_scaled_err = NAN;
    end_run(l, "diverged", "diverged");
    return SG_OK;
  }
  return l->held_due ? measure(l, SG_WANT_TEST) : SG_OK;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static double decode_seconds(const sg_world *w, double flops) {
  switch (w->decode) {
  case SG_DECODE_NONE: return 0;
  case SG_DECODE_FLOPS: return flops / w->flops_per_s;
  case SG_DECODE_MEASURED: return sg_calibration_seconds(w->calibration, flops);
  }
  return 0;
}

static void end_by(lane *l, sg_run_status status) {
  switch (status) {
  case SG_RUN_ITERATIONS: end_run(l, "finished", "iterations"); break;
  case SG_RUN_TIME: end_run(l, "finished", "sim-time"); break;
  case SG_RUN_UNDECODABLE: end_run(l, "undecodable", "undecodable"); break;
  default: end_run(l, "stalled", "stalled"); break;
  }
}

/* Takes a run to its next decode whose weights are there, or to its end. */
static sg_status advance(lane *l) {
  const sg_world *w = l->block->world;
  l->decoding = false;
  while (l->live) {
    sg_run_status at = sg_run_advance(l->run);
    if (at == SG_RUN_FAILED)
      return sg_fail(l->block->error, SG_BUG, NULL, "replication %d of %s: %s", l->replication,
                     w->label, sg_run_fault(l->run));
    if (at != SG_RUN_DECODE) {
      end_by(l, at);
      break;
    }
    sg_status status = plan_decode(l);
    if (status == SG_UNDECODABLE) {
      status = supply(l, &(sg_run_result){.decoded = false});
    } else if (status == SG_OK && w->problem->timing_only) {
      sg_run_result result = {
          .decoded = true, .decode_s = decode_seconds(w, l->decode_flops), .n_used = l->n_used};
      status = supply(l, &result);
    } else if (status == SG_OK) {
      l->decoding = true;
      return SG_OK;
    }
    if (status != SG_OK) return status;
    if (l->block->options->stop &&
        atomic_load_explicit(l->block->options->stop, memory_order_relaxed))
      return SG_INTERRUPTED;
  }
  return SG_OK;
}

/* The loss of a held row is asked for in the pass that the next gradient needs anyway. */
static sg_status ask_losses(block *b) {
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    l->held_column = -1;
    if (!l->decoding || !l->held || !l->held_due || !isnan(l->row.loss) || l->n_points == 0)
      continue;
    int column = l->column_of[0];
    const slot *s = &l->slots[sg_run_slot(l->run, l->points[0])];
    bool same = sg_optimizer_vectors(b->world->optimizer) == 1 && s->model == l->held_model &&
                s->update == l->updates[s->model];
    b->loss_x[column] = same ? b->x[column] : model_state(l, l->held_model)[0];
    l->held_column = column;
  }
  return SG_OK;
}

static sg_status update_model(lane *l) {
  block *b = l->block;
  const sg_world *w = b->world;
  const sg_run_request *request = sg_run_request_of(l->run);
  int model = request->model;
  double dot = 0, norm2 = 0;
  for (int i = 0; i < l->plan.n_sets; i++) {
    dot += l->plan.set[i].dot_previous;
    norm2 += l->plan.set[i].norm2;
  }
  /* The point at which ĝ was taken, or, for gradients of mixed age, the current one. */
  const double *at = NULL;
  if (l->n_points == 1) {
    const slot *s = &l->slots[sg_run_slot(l->run, l->points[0])];
    if (s->model == model && s->update == l->updates[model]) at = s->x;
  }
  if (!at) {
    if (!l->point) l->point = malloc((size_t)b->length * sizeof *l->point);
    if (!l->point) return sg_fail_memory(b->error);
    sg_optimizer_point(w->optimizer, b->length, l->updates[model], model_state(l, model), l->point);
    at = l->point;
  }
  double decode_s = decode_seconds(w, l->decode_flops);
  /* An update that ends past the limit of simulated time does not count: the model stays. */
  bool counts = sg_run_now(l->run) + decode_s + w->environment.update_s <= w->limits.sim_time_s;
  if (counts)
    sg_optimizer_step(w->optimizer, w->problem, l->updates[model], model_state(l, model), at,
                      l->decoded);
  l->updates[model] += counts;
  if (l->previous) memcpy(l->previous, l->decoded, (size_t)b->length * sizeof *l->previous);
  sg_run_result result = {.decoded = true,
                          .decode_s = decode_s,
                          .n_used = l->n_used,
                          .norm = sqrt(norm2),
                          .dot_previous = dot};
  return supply(l, &result);
}

static sg_status arithmetic_fault(block *b, sg_status status) {
  if (status == SG_NO_MEMORY) return sg_fail_memory(b->error);
  return sg_fail(b->error, status, NULL,
                 "%s: the problem \"%s\" cannot compute what the code asks for", b->world->label,
                 b->world->problem->type->about.name);
}

/* One pass over the data for all runs that are at a decode. */
static sg_status step(block *b) {
  const sg_world *w = b->world;
  size_t n_sets = 0;
  sg_status status = ask_losses(b);
  if (status != SG_OK) return status;
  sg_gradient_request request = {.partition = w->partition,
                                 .width = b->width,
                                 .columns = (int)b->n_columns,
                                 .x = b->x,
                                 .n_items = (int)b->n_items,
                                 .item = b->item,
                                 .loss_x = b->loss_x,
                                 .loss = b->loss};
  status = sg_problem_begin(w->problem, b->ws, &request);
  if (status != SG_OK) return arithmetic_fault(b, status);
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (l->decoding && l->held_column >= 0) judge_loss(l, b->loss[l->held_column]);
    if (!l->decoding) continue;
    for (int k = 0; k < l->plan.n_sets; k++) {
      if (!ROOM(b->sets, b->sets_capacity, n_sets)) return sg_fail_memory(b->error);
      b->sets[n_sets++] = l->plan.set[k];
    }
  }
  status = n_sets ? sg_kernel_decode(b->kernel, w->problem, b->ws, &request, (int)n_sets, b->sets)
                  : SG_OK;
  if (status != SG_OK) return arithmetic_fault(b, status);
  n_sets = 0;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (!l->decoding) continue;
    for (int k = 0; k < l->plan.n_sets; k++) l->plan.set[k] = b->sets[n_sets++];
    status = update_model(l);
    if (status != SG_OK) return status;
  }
  return SG_OK;
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void lane_free(lane *l) {
  decode_plan *p = &l->plan;
  free(p->set);
  free(p->range);
  free(p->term);
  free(p->link);
  free(p->start);
  free(p->link_start);
  free(p->weight);
  free(p->known);
  free(p->sum_item);
  free(p->sum_coef);
  free(p->norm2);
  double *column = l->block->points ? l->block->points + l->column * l->block->length : NULL;
  for (int i = 0; i < l->n_slots; i++)
    if (l->slots[i].x != column) free(l->slots[i].x);
  free(l->slots);
  free(l->state);
  free(l->updates);
  free(l->previous);
  free(l->point);
  free(l->points);
  free(l->column_of);
  free(l->item_of);
  free(l->workers);
  sg_tally_free(l->tally);
  sg_decoder_free(l->decoder);
  sg_run_free(l->run);
}

static sg_status lane_init(block *b, lane *l, int column, int replication) {
  const sg_world *w = b->world;
  *l = (lane){.block = b, .column = column, .replication = replication, .live = true};
  int models = w->code->models, vectors = w->optimizer ? sg_optimizer_vectors(w->optimizer) : 0;
  l->decoder = sg_decoder_new(w->code);
  l->updates = calloc((size_t)models, sizeof *l->updates);
  l->tally = sg_tally_new(w->workers, b->options->worker_rows);
  if (!l->decoder || !l->updates || !l->tally) return sg_fail_memory(b->error);
  if (!w->problem->timing_only) {
    l->state = calloc((size_t)(models * vectors), sizeof *l->state);
    if (!l->state) return sg_fail_memory(b->error);
    for (int k = 0; k < models * vectors; k++) {
      /* Vector 0 of all runs, then vector 1 of all runs: columns of the same matrix. */
      l->state[k] = b->models + ((ptrdiff_t)k * b->width + column) * b->length;
      memcpy(l->state[k], w->problem->initial, (size_t)b->length * sizeof(double));
    }
    l->decoded = b->decoded + column * b->length;
    if (w->code->flags & SG_WANTS_VALUES) {
      l->previous = calloc((size_t)b->length, sizeof *l->previous);
      if (!l->previous) return sg_fail_memory(b->error);
    }
  }
  sg_run_limits limits = w->limits;
  limits.worker_rows = b->options->worker_rows;
  sg_run_hooks hooks = {.user = l, .snapshot = take_snapshot};
  l->run = sg_run_new(&w->environment, w->code, (uint32_t)replication, &limits, &hooks, b->error);
  return l->run ? SG_OK : sg_fail_memory(b->error);
}

static sg_status block_init(block *b, int count, const int *replication) {
  const sg_world *w = b->world;
  b->width = w->width;
  b->parts = w->code->parts + w->code->coded_parts;
  b->length = w->problem->length;
  b->lane = calloc((size_t)count, sizeof *b->lane);
  if (!b->lane) return sg_fail_memory(b->error);
  if (!w->problem->timing_only) {
    size_t l = (size_t)b->length, columns = (size_t)b->width,
           vectors = (size_t)(sg_optimizer_vectors(w->optimizer) * w->code->models);
    b->ws = sg_workspace_new(w->problem);
    b->kernel = sg_kernel_new();
    b->models = calloc(l * vectors * columns, sizeof(double));
    b->points = calloc(l * columns, sizeof(double));
    b->decoded = calloc(l * columns, sizeof(double));
    if (!b->ws || !b->kernel || !b->models || !b->points || !b->decoded)
      return sg_fail_memory(b->error);
  }
  for (int i = 0; i < count; i++) {
    b->n_lanes++;
    sg_status status = lane_init(b, &b->lane[i], i, replication[i]);
    if (status != SG_OK) return status;
  }
  return SG_OK;
}

static void block_free(block *b) {
  for (int i = 0; i < b->n_lanes; i++) lane_free(&b->lane[i]);
  free(b->lane);
  free(b->x);
  free(b->loss_x);
  free(b->loss);
  free(b->item);
  free(b->sets);
  free(b->models);
  free(b->points);
  free(b->decoded);
  sg_kernel_free(b->kernel);
  sg_workspace_free(b->ws);
}

/* Starts the next request. A wide block always shows all its columns. */
static sg_status begin_request(block *b) {
  b->n_columns = b->n_items = 0;
  if (b->width == 1) return SG_OK;
  for (int c = 0; c < b->width; c++)
    if (new_column(b, b->points + c * b->length) < 0) return sg_fail_memory(b->error);
  return SG_OK;
}

/* The last losses of the runs that ended in this step, all in one pass where the block is wide. */
static sg_status last_losses(block *b) {
  int wanting = 0;
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (l->finished || l->live || !lacks_loss(l)) continue;
    wanting++;
    if (!l->held_due) {
      sg_status status = measure(l, SG_WANT_TEST);
      if (status != SG_OK) return status;
    }
    if (b->width > 1) continue;
    const double *x = model_state(l, l->held_model)[0];
    sg_metrics m;
    sg_status status = sg_problem_evaluate(b->world->problem, b->ws, SG_WANT_LOSS, 1, &x, &m);
    if (status != SG_OK) return sg_fail_memory(b->error);
    judge_last_loss(l, m.loss);
  }
  if (b->width == 1 || wanting == 0) return SG_OK;
  b->n_columns = b->n_items = 0;
  for (int c = 0; c < b->width; c++) {
    if (new_column(b, b->models + c * b->length) < 0) return sg_fail_memory(b->error);
    b->loss_x[c] = b->x[c];
  }
  const sg_gradient_request request = {.partition = b->world->partition,
                                       .width = b->width,
                                       .columns = b->width,
                                       .x = b->x,
                                       .loss_x = b->loss_x,
                                       .loss = b->loss};
  if (sg_problem_begin(b->world->problem, b->ws, &request) != SG_OK)
    return sg_fail_memory(b->error);
  for (int i = 0; i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (!l->finished && !l->live && lacks_loss(l)) judge_last_loss(l, b->loss[l->column]);
  }
  return SG_OK;
}

static sg_status finish_ended(block *b) {
  bool any = false;
  for (int i = 0; i < b->n_lanes; i++) any |= !b->lane[i].live && !b->lane[i].finished;
  sg_status status = any ? last_losses(b) : SG_OK;
  for (int i = 0; status == SG_OK && any && i < b->n_lanes; i++) {
    lane *l = &b->lane[i];
    if (l->live || l->finished) continue;
    status = finish_run(l);
    l->finished = true;
  }
  return status;
}

sg_status sg_block_run(const sg_world *world, int count, const int *replication,
                       const sg_block_options *options, const sg_sink *sink, sg_error *e) {
  block b = {.world = world, .options = options, .sink = sink, .error = e};
  sg_status status = block_init(&b, count, replication);
  while (status == SG_OK) {
    int decoding = 0;
    status = finish_ended(&b);
    if (status == SG_OK) status = begin_request(&b);
    for (int i = 0; status == SG_OK && i < count; i++) {
      lane *l = &b.lane[i];
      if (l->live) status = advance(l);
      decoding += l->decoding;
    }
    if (status == SG_OK && decoding == 0) status = finish_ended(&b);
    if (status != SG_OK || decoding == 0) break;
    if (options->stop && atomic_load_explicit(options->stop, memory_order_relaxed))
      status = SG_INTERRUPTED;
    else
      status = step(&b);
  }
  block_free(&b);
  return status;
}
