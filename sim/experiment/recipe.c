/* SPDX-License-Identifier: MIT */
/* Rows and weights of a decode, turned into kernel sets: which partial gradients, which messages
 * made of them, which sum to compare with. */
#include "sim/experiment/recipe.h"

#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sg_recipe_init(sg_recipe *r, sg_snapshots *snapshots, uint32_t replication, double *decoded,
                    double *previous) {
  const sg_world *w = snapshots->world;
  bool whole = !w->problem->timing_only && sg_compressor_whole(w->environment.compressor);
  *r = (sg_recipe){.world = w,
                   .snapshots = snapshots,
                   .pass = snapshots->pass,
                   .decoder = sg_decoder_new(w->code),
                   .former = NULL,
                   .decoded = decoded,
                   .previous = previous};
  r->pass->inner = w->code->local;
  if (!sg_inner_states_init(&r->states, w)) return false;
  r->former = whole ? sg_former_new(w, replication, &r->states) : NULL;
  r->seen = calloc((size_t)r->world->code->parts, sizeof *r->seen);
  return r->decoder && r->seen && (!whole || r->former);
}

bool sg_recipe_take_alphas(sg_recipe *r) {
  const sg_code *code = r->world->code;
  /* Times only: rows of messages are not looked at. */
  if (code->exact || code->coded_parts || code->models > 1 || r->world->problem->timing_only)
    return true;
  r->alphas = calloc(1, sizeof *r->alphas);
  return r->alphas && sg_alphas_init(r->alphas, code->parts);
}

void sg_recipe_free(sg_recipe *r) {
  for (int i = 0; i < r->n_relayed; i++) sg_row_free(&r->relayed[i]);
  free(r->relayed);
  free(r->input);
  free(r->item_of);
  free(r->before);
  free(r->seen);
  free(r->used);
  free(r->known);
  free(r->range);
  free(r->term);
  free(r->link);
  free(r->start);
  free(r->link_start);
  free(r->weight);
  free(r->bias);
  free(r->sum_item);
  free(r->sum_coef);
  free(r->norm2);
  free(r->message);
  free(r->payload);
  sg_former_free(r->former);
  sg_inner_states_free(&r->states);
  if (r->alphas) sg_alphas_free(r->alphas);
  free(r->alphas);
  sg_decoder_free(r->decoder);
}

static int parts_of(const sg_code *code) {
  return code->parts + code->coded_parts;
}

/* --- Partial gradients ------------------------------------------------------------------------ */

/* The partial gradient in the pass; −1: no memory. `used` is the snapshot's place among those of
 * the decode, state that of the worker's optimiser. */
static int find_item(sg_recipe *r, int used, int part, int batch, double *state) {
  int parts = parts_of(r->world->code), wanted = (used + 1) * parts;
  if (!SG_ROOM(r->item_of, r->item_of_capacity, wanted)) return -1;
  while (r->n_item_of < wanted) r->item_of[r->n_item_of++] = -1;
  int *last = &r->item_of[used * parts + part];
  for (int item = *last; item >= 0; item = r->before[item - r->first_item])
    if (r->pass->item[item].batch == batch) return item;
  const sg_partial wants = {
      .part = part, .column = r->snapshots->used[used].column, .batch = batch, .state = state};
  int item = sg_pass_item(r->pass, &wants);
  if (item < 0 || !SG_ROOM(r->before, r->before_capacity, item - r->first_item + 1)) return -1;
  r->before[item - r->first_item] = *last;
  return *last = item;
}

/* How many samples the gradients that the rows name go over: whole parts and those that are in
 * coded ones once, mini-batches each; all that in every local step. */
static double count_samples(sg_recipe *r) {
  const sg_code *code = r->world->code;
  double samples = 0;
  if (r->world->problem->rows == 0 && !r->world->problem->stochastic) return NAN;
  r->decode++;
  for (int i = r->first_item; i < r->pass->n_items; i++) {
    const sg_partial *item = &r->pass->item[i];
    int steps = r->steps > 1 ? r->steps : 1;
    if (item->batch) {
      samples += steps * sg_partition_samples(r->world->partition, item->part, item->batch);
      continue;
    }
    const sg_combination own = {.count = 1, .part = &item->part},
                         *of = item->part < code->parts ? &own
                                                        : &code->coded[item->part - code->parts];
    for (int k = 0; k < of->count; k++) {
      if (r->seen[of->part[k]] == r->decode) continue;
      r->seen[of->part[k]] = r->decode;
      samples += steps * sg_partition_samples(r->world->partition, of->part[k], 0);
    }
  }
  return samples;
}

/* --- Messages --------------------------------------------------------------------------------- */

/* message: NULL before the first of a set. */
static bool end_message(sg_recipe *r, const sg_message *message) {
  if (r->former) {
    bool earlier = message && sg_compressor_forms(r->world->environment.compressor);
    if (!SG_ROOM(r->message, r->messages_capacity, r->n_starts + 1) ||
        !SG_ROOM(r->payload, r->payloads_capacity, r->n_starts + 1))
      return false;
    r->message[r->n_starts] = message;
    r->payload[r->n_starts] = earlier ? sg_former_payload(r->former, message) : NULL;
  }
  if (!SG_ROOM(r->start, r->starts_capacity, r->n_starts + 1) ||
      !SG_ROOM(r->link_start, r->link_starts_capacity, r->n_starts + 1))
    return false;
  r->start[r->n_starts] = r->n_terms;
  r->link_start[r->n_starts++] = r->n_links;
  return true;
}

static bool add_term(sg_recipe *r, int item, const sg_term *t) {
  if (item < 0 || !SG_ROOM(r->term, r->terms_capacity, r->n_terms + 1)) return false;
  r->term[r->n_terms++] = (sg_kernel_term){.item = item, .piece = t->piece, .coef = t->coef};
  return true;
}

static bool add_link(sg_recipe *r, int message, double coef) {
  if (!SG_ROOM(r->link, r->links_capacity, r->n_links + 1)) return false;
  r->link[r->n_links++] = (sg_kernel_link){.message = message, .coef = coef};
  return true;
}

/* weights: `pieces` values, NULL for a relay's input. */
static bool add_weights(sg_recipe *r, const double *weights, int pieces) {
  if (!SG_ROOM(r->weight, r->weights_capacity, r->n_weights + pieces)) return false;
  for (int i = 0; i < pieces; i++) r->weight[r->n_weights++] = weights ? weights[i] : 0;
  return true;
}

static sg_status add_message(sg_recipe *r, const sg_run *run, const sg_message *message,
                             const sg_row *row, const double *weights, int pieces, int depth,
                             sg_error *e);

/* Adds what a relay's message is made of before it, unless it is there; its place in the set goes
 * to the end of r->input. */
static sg_status add_input(sg_recipe *r, const sg_run *run, const sg_message *message, int pieces,
                           int depth, sg_error *e) {
  int place = 0;
  while (place < r->n_known && r->known[place] != message) place++;
  if (place == r->n_known) {
    if (!SG_ROOM(r->relayed, r->relayed_capacity, depth + 1)) return sg_fail_memory(e);
    while (r->n_relayed <= depth) r->relayed[r->n_relayed++] = (sg_row){0};
    /* The row is copied: deeper ones may move the array. */
    sg_row row = r->relayed[depth];
    r->relayed[depth] = (sg_row){0};
    sg_status status = SG_OK;
    if (sg_encode(r->world->code, sg_run_request_of(run)->state, message, &row))
      status = add_message(r, run, message, &row, NULL, pieces, depth + 1, e);
    else
      status = sg_row_fail(r->world->code, &row, e);
    r->relayed[depth] = row;
    if (status) return status;
    place = r->n_known - 1;
  }
  if (!SG_ROOM(r->input, r->input_capacity, r->n_input + 1)) return sg_fail_memory(e);
  r->input[r->n_input++] = place;
  return SG_OK;
}

/* All rows of a pass are of the same local steps. */
static sg_status agree_on_steps(sg_recipe *r, const sg_row *row, sg_error *e) {
  bool first = r->steps < 0;
  if (!first && row->steps == r->steps && (row->steps == 0 || row->rate == r->rate)) return SG_OK;
  if (!first)
    return sg_fail(e, SG_BUG, NULL,
                   "code %s: the rows of a decode differ in their local steps: expected %d at rate "
                   "%g, found %d at rate %g",
                   r->world->code->type->about.name, r->steps, r->rate, row->steps, row->rate);
  r->steps = r->pass->steps = row->steps;
  r->rate = row->rate;
  r->pass->rate = sg_world_rate(r->world, row);
  return SG_OK;
}

/* The place of the snapshot of a row with terms among those of the decode. */
static sg_status find_snapshot(sg_recipe *r, const sg_run *run, int snapshot, int *used,
                               sg_error *e) {
  const sg_snapshots *s = r->snapshots;
  if (r->pass->width > 1 && s->n_used > 0 && s->used[0].snapshot != snapshot)
    return sg_fail(e, SG_INVALID, "/learning/block_width",
                   "a decode of the code %s uses gradients of several snapshots: expected "
                   "block_width 1, found %d",
                   r->world->code->type->about.name, r->pass->width);
  *used = sg_snapshots_find(r->snapshots, run, snapshot);
  return *used < 0 ? sg_fail_memory(e) : SG_OK;
}

/* What the sender's optimiser remembers before the steps of the message. NULL: nothing, or a run
 * without arithmetic. A message that was formed when it was sent had a copy, which is the item's
 * now. */
static double *state_of(const sg_recipe *r, const sg_message *message) {
  bool earlier = r->former && sg_compressor_forms(r->world->environment.compressor);
  return earlier ? sg_former_state(r->former, message)
                 : sg_inner_states_of(&r->states, message->from);
}

/* Adds a message to the set under construction, what it is made from before it. */
static sg_status add_message(sg_recipe *r, const sg_run *run, const sg_message *message,
                             const sg_row *row, const double *weights, int pieces, int depth,
                             sg_error *e) {
  int first_input = r->n_input, used = 0;
  r->info.cond1 = fmax(r->info.cond1, row->combined.cond1); /* of an inner node; NAN: none */
  for (int i = 0; i < row->n_links; i++) {
    sg_status status = add_input(r, run, row->link[i].message, pieces, depth, e);
    if (status) return status;
  }
  if (row->n_terms > 0) {
    sg_status status = agree_on_steps(r, row, e);
    if (!status) status = find_snapshot(r, run, message->snapshot, &used, e);
    if (status) return status;
  }
  bool fine = true;
  double *state = state_of(r, message);
  for (int i = 0; fine && i < row->n_terms; i++) {
    const sg_term *t = &row->term[i];
    for (int b = 0; fine && b < row->batches; b++)
      fine = add_term(r, find_item(r, used, t->part, row->batch + b, state), t);
  }
  for (int i = 0; fine && i < row->n_links; i++)
    fine = add_link(r, r->input[first_input + i], row->link[i].coef);
  r->n_input = first_input;
  if (!fine || !end_message(r, message) || !add_weights(r, weights, pieces) ||
      !SG_ROOM(r->known, r->known_capacity, r->n_known + 1))
    return sg_fail_memory(e);
  r->known[r->n_known++] = message;
  return SG_OK;
}

/* --- Sets ------------------------------------------------------------------------------------- */

static bool begin_set(sg_recipe *r, const sg_segment *segment, const sg_weights *weights) {
  int set = sg_pass_set(r->pass);
  if (set < 0 || !SG_ROOM(r->range, r->ranges_capacity, r->n_sets + 1) ||
      !SG_ROOM(r->bias, r->bias_capacity, r->n_bias + segment->pieces))
    return false;
  r->pass->set[set] =
      (sg_kernel_set){.begin = segment->begin, .end = segment->end, .pieces = segment->pieces};
  r->range[r->n_sets++] =
      (struct sg_recipe_range){.start = r->n_starts, .weight = r->n_weights, .bias = r->n_bias};
  for (int q = 0; q < segment->pieces; q++) r->bias[r->n_bias++] = weights->bias[q];
  r->n_known = 0;
  return end_message(r, NULL);
}

static bool is_above(double least, const double *w, int n) {
  for (int i = 0; i < n; i++)
    if (fabs(w[i]) > least) return true;
  return false;
}

static void add_staleness(sg_recipe *r, const sg_run *run, int snapshot) {
  if (r->n_used == 1 || snapshot != r->last_snapshot) {
    r->last_snapshot = snapshot;
    r->last_age = sg_snapshots_age(r->snapshots, run, snapshot);
    r->staleness_max = fmax(r->staleness_max, (double)r->last_age);
  }
  r->staleness_sum += (double)r->last_age;
}

/* Local steps take the mini-batches batch, batch + 1, … */
static int batches_of(const sg_row *row) {
  return row->batch && row->steps > 1 ? row->steps : row->batches;
}

/* A message that was used, the last of those so far. row: NULL when timing only. */
static bool name_used(sg_recipe *r, const sg_run *run, const sg_message *m, const sg_row *row) {
  if (!r->names_used) return true;
  if (!SG_ROOM(r->used, r->used_capacity, r->n_used)) return false;
  r->used[r->n_used - 1] = (sg_used_record){.position = r->n_used - 1,
                                            .worker = m->from,
                                            .segment = m->segment,
                                            .version = sg_run_request_of(run)->update - r->last_age,
                                            .staleness = r->last_age,
                                            .batch = row ? row->batch : -1,
                                            .batches = row ? batches_of(row) : -1};
  return true;
}

/* Adds what the last weights make of each part, a mean over pieces. */
static sg_status add_alpha(sg_recipe *r, const sg_segment *segment, sg_error *e) {
  const double *alpha = sg_decoder_alpha(r->decoder);
  int parts = r->world->code->parts, pieces = segment->pieces;
  if (!alpha) return sg_decoder_fail(r->decoder, e);
  double share = (double)(segment->end - segment->begin) / (double)r->world->code->shape.length;
  for (int v = 0; v < pieces; v++, alpha += parts * pieces)
    for (int i = 0; i < parts; i++) r->alphas->alpha[i] += share * alpha[i * pieces + v] / pieces;
  return SG_OK;
}

static sg_status add_set(sg_recipe *r, const sg_run *run, const sg_run_segment *s, sg_error *e) {
  const sg_code *code = r->world->code;
  const sg_segment *segment = &code->segment[s->segment];
  sg_weights weights;
  sg_status status = sg_decoder_weights_in(r->decoder, sg_run_request_of(run)->protocol, s->segment,
                                           s->count, s->message, &weights, e);
  if (status) return status;
  if (!begin_set(r, segment, &weights)) return sg_fail_memory(e);
  bool alike = !sg_compressor_forms(r->world->environment.compressor);
  double bits = s->count > 0 ? sg_run_bits(run, s->message[0]) : 0;
  double noise = sg_weights_noise((long)s->count * weights.pieces, weights.w);
  for (int k = 0; k < s->count; k++) {
    const double *w = weights.w + (ptrdiff_t)k * weights.pieces;
    if (!is_above(0, w, weights.pieces)) continue;
    bool timing_only = r->world->problem->timing_only;
    const sg_row *row = timing_only ? NULL : sg_decoder_row(r->decoder, k);
    if (!row && !timing_only) return sg_decoder_fail(r->decoder, e);
    if (is_above(noise, w, weights.pieces)) {
      r->n_used++;
      r->bits += alike ? bits : sg_run_bits(run, s->message[k]);
      add_staleness(r, run, s->message[k]->snapshot);
      if (!name_used(r, run, s->message[k], row)) return sg_fail_memory(e);
    }
    if (timing_only) continue;
    status = add_message(r, run, s->message[k], row, w, weights.pieces, 0, e);
    if (status) return status;
  }
  r->pass->set[r->first_set + r->n_sets - 1].n_messages = r->n_known;
  const sg_kernel_set applied = {.begin = segment->begin,
                                 .end = segment->end,
                                 .pieces = segment->pieces,
                                 .n_messages = s->count,
                                 .weight = weights.w,
                                 .bias = code->coded_parts ? weights.bias : NULL};
  r->decode_flops += weights.info.flops + sg_kernel_decode_flops(&applied);
  r->info.cond1 = fmax(r->info.cond1, weights.info.cond1);
  double share = (double)(segment->end - segment->begin) / (double)code->shape.length;
  r->info.amplification = hypot(r->info.amplification, sqrt(share) * weights.info.amplification);
  r->info.alpha_error += weights.info.alpha_error;
  r->n_alpha += (double)code->parts * segment->pieces;
  r->info.alpha_sum += share * weights.info.alpha_sum;
  return r->alphas ? add_alpha(r, segment, e) : SG_OK;
}

/* --- The sum to compare with ------------------------------------------------------------------ */

static bool sum_room(sg_recipe *r, int items) {
  return SG_ROOM(r->sum_item, r->sum_capacity, items) &&
         SG_ROOM(r->norm2, r->norm_capacity, items) &&
         SG_ROOM(r->sum_coef, r->coef_capacity, items * r->n_sets);
}

/* The sum over all parts at the decode's snapshot; of a code with mini-batches over those that the
 * rows name there. */
static bool whole_sum(sg_recipe *r) {
  bool named = r->world->code->flags & SG_BATCHES;
  int parts = r->world->code->parts, items = r->pass->n_items;
  if (!sum_room(r, named ? items - r->first_item : parts)) return false;
  for (int i = r->first_item; named && i < items; i++)
    if (r->pass->item[i].column == r->snapshots->used[0].column) r->sum_item[r->n_sum++] = i;
  while (!named && r->n_sum < parts) {
    int item = find_item(r, 0, r->n_sum, 0, NULL);
    if (item < 0) return false;
    r->sum_item[r->n_sum++] = item;
  }
  return true;
}

/* Exactly the weighted sum that the master meant, where it deliberately uses only some gradients:
 * α of each, Σ over messages of weight · coefficient. With several pieces a partial gradient has no
 * single α, with relays none that rows tell, and those of coded parts are not whole: there is
 * nothing to compare with. */
static bool weighted_sum(sg_recipe *r) {
  const sg_kernel_set *set = r->pass->set + r->first_set;
  int first_item = r->first_item, items = r->pass->n_items - first_item;
  for (int i = 0; i < r->n_sets; i++)
    if (set[i].pieces != 1 || r->n_links || r->world->code->coded_parts) return true;
  if (!sum_room(r, items)) return false;
  for (; r->n_sum < items; r->n_sum++) r->sum_item[r->n_sum] = first_item + r->n_sum;
  for (int i = 0; i < r->n_sets; i++) {
    const int *start = r->start + r->range[i].start;
    const double *weight = r->weight + r->range[i].weight;
    double *alpha = r->sum_coef + i * items;
    for (int k = 0; k < items; k++) alpha[k] = 0;
    for (int k = 0; k < set[i].n_messages; k++)
      for (int t = start[k]; t < start[k + 1]; t++)
        alpha[r->term[t].item - first_item] += weight[k] * r->term[t].coef;
  }
  return true;
}

/* The arrays have stopped growing: offsets become pointers. */
static void settle(sg_recipe *r, bool whole) {
  const double *constant = sg_partition_constant(r->world->partition);
  for (int i = 0; i < r->n_sum; i++) r->norm2[i] = 0;
  for (int i = 0; i < r->n_sets; i++) {
    sg_kernel_set *set = &r->pass->set[r->first_set + i];
    set->term_start = r->start + r->range[i].start;
    set->term = r->term;
    set->link_start = r->n_links ? r->link_start + r->range[i].start : NULL;
    set->link = r->link;
    set->weight = r->weight + r->range[i].weight;
    set->constant = constant;
    set->bias = constant ? r->bias + r->range[i].bias : NULL;
    set->decoded = r->decoded;
    set->previous = r->previous;
    set->compressor = r->world->environment.compressor;
    set->payload = r->former ? r->payload + r->range[i].start + 1 : NULL;
    if (r->n_sum == 0) continue;
    set->n_sum = r->n_sum;
    set->sum_item = r->sum_item;
    set->sum_coef = whole ? NULL : r->sum_coef + i * r->n_sum;
    set->item_norm2 = r->norm2;
  }
}

/* A refused decode leaves nothing in the pass, nor does one of which only the time is wanted. */
static void take_back(sg_pass *pass, const sg_pass *before) {
  pass->n_columns = before->n_columns;
  pass->n_items = before->n_items;
  pass->n_sets = before->n_sets;
  pass->steps = before->steps;
}

static void begin_decode(sg_recipe *r) {
  r->first_set = r->pass->n_sets;
  r->first_item = r->pass->n_items;
  r->n_sets = r->n_sum = r->n_used = 0;
  r->n_terms = r->n_links = r->n_starts = r->n_weights = r->n_bias = 0;
  r->n_item_of = r->n_input = r->snapshots->n_used = 0;
  r->steps = -1;
  r->lost2 = r->formed2 = 0;
  r->decode_flops = r->bits = r->n_alpha = r->staleness_sum = r->staleness_max = 0;
  r->samples = NAN;
  r->info = (sg_decode_info){.cond1 = NAN, .amplification = 0, .alpha_error = 0, .alpha_sum = 0};
}

sg_status sg_recipe_make(sg_recipe *r, const sg_run *run, sg_error *e) {
  const sg_run_request *request = sg_run_request_of(run);
  const sg_pass before = *r->pass;
  begin_decode(r);
  sg_status status = SG_OK;
  for (int i = 0; !status && i < request->n_segments; i++)
    status = add_set(r, run, &request->segment[i], e);
  if (r->alphas && !status) sg_alphas_add(r->alphas);
  if (r->alphas && status) memset(r->alphas->alpha, 0, (size_t)r->alphas->parts * sizeof(double));
  if (status || r->world->problem->timing_only) {
    take_back(r->pass, &before);
    return status;
  }
  r->samples = count_samples(r);
  /* Of mini-batches that are not all there is no sum but the one that was meant, nor of steps of
   * optimisers that remember others. */
  bool whole = !(request->flags & SG_NO_SUM) && !r->states.size &&
               (r->world->code->exact || !(r->world->code->flags & SG_BATCHES));
  /* Nothing may have come: places in arrays are counted from them all the same. */
  bool fine = SG_ROOM(r->term, r->terms_capacity, r->n_terms + 1) &&
              SG_ROOM(r->weight, r->weights_capacity, r->n_weights + 1);
  if (fine && r->snapshots->n_used > 0) fine = whole ? whole_sum(r) : weighted_sum(r);
  if (!fine) return sg_fail_memory(e);
  settle(r, whole);
  return SG_OK;
}

sg_status sg_recipe_form(sg_recipe *r, const sg_run *run, sg_kernel *kernel, sg_workspace *ws,
                         const sg_gradient_request *request) {
  sg_status status = SG_OK;
  for (int i = 0; r->former && i < r->n_sets && !status; i++) {
    int at = r->range[i].start + 1;
    status = sg_former_fill(r->former, kernel, ws, request, run, r->message + at,
                            &r->pass->set[r->first_set + i], r->payload + at);
    for (int k = 0; k < r->pass->set[r->first_set + i].n_messages && !status; k++)
      sg_former_loss(r->former, r->message[at + k], &r->lost2, &r->formed2);
  }
  return status;
}

void sg_recipe_used(const sg_recipe *r) {
  for (int i = 0; r->former && i < r->n_starts; i++)
    if (r->message[i]) sg_former_used(r->former, r->message[i]);
}
