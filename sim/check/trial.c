/* SPDX-License-Identifier: MIT */
/* Patterns of stragglers: messages of rehearsed rounds, the code's weights, the one kernel. */
#include "sim/check/trial.h"

#include "sim/check/gradients.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "sim/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  ORDERS = 4,   /* of what happens, that a pattern is tried with */
  EXPLORED = 32 /* of them with everybody present, to see what workers hold */
};

/* The messages of one segment. */
typedef struct block {
  int segment, count, columns; /* columns = (parts + coded parts) · pieces */
  const sg_message **message;  /* those that may be decoded with */
  int *slot;                   /* where each stands in the kernel's set */
  bool *refused;               /* an inner node could not decode what it is made of */
  double *dense;               /* columns × count: rows written out, one column each */
  double *triangle; /* depth × count: the same turned into a triangle, with equal singular values
                       of every subset; NULL: dense is used */
  int depth;
  int *root; /* messages that share parts, directly or through others, have one root: one of them */
  /* The kernel's set: all messages of the segment, what relays are made from before them. */
  int n_slots, n_terms, n_links;
  int *term_start, *link_start;
  sg_kernel_term *term;
  sg_kernel_link *link;
  int terms_capacity, links_capacity;
} block;

/* What a decode may use, with all that is computed from it once. */
typedef struct material {
  const sg_message *const *all; /* every message that there is, by id */
  int n_all;
  const void *state;
  int snapshot;    /* gradients at another are others; SG_ANY: none is */
  sg_arena *arena; /* of what follows, the kernel's terms and links apart */
  int *slot;       /* of every message in the set of its segment; −1: it is in none */
  block *block;    /* per segment */
} material;

struct sg_trial_subject {
  const sg_code *code;
  sg_gradients given; /* gradients: of the parts, of coded ones, then all at another snapshot */
  sg_compressor format[SG_PRECISIONS]; /* of messages */
  uint64_t seed;
  bool is_static;
  sg_rehearsal round; /* of a static code: its messages */
  material material;
  sg_load load;
  sg_traffic_range traffic;
};

struct sg_trial {
  const sg_trial_subject *subject;
  sg_decoder *decoder;
  sg_kernel *kernel;
  sg_workspace *workspace;
  const sg_message **picked;
  int *place;             /* of picked messages in their block */
  sg_scratch picks, work; /* these two; numbers */
  sg_arena *weights;      /* of the kernel's sets */
  double *decoded;
  sg_kernel_set *set; /* segments × formats */
  sg_expander expander;
  sg_traffic_range traffic;
  sg_load load;
  const bool *present; /* of the pattern at hand */
  bool chooses;        /* the messages that come are those of the full round that would */
  unsigned want;
  sg_trial_result *result;
};

/* --- Messages --------------------------------------------------------------------------------- */

static int root_of(const int *root, int i) {
  while (root[i] != i) i = root[i];
  return i;
}

/* Rows without a part in common are independent systems, whose scales do not matter to each other.
 */
static bool find_roots(material *m, block *b) {
  int *owner = sg_arena_alloc(&m->arena, (size_t)b->columns, sizeof *owner);
  b->root = sg_arena_alloc(&m->arena, (size_t)b->count, sizeof *b->root);
  if (!owner || !b->root) return false;
  for (int j = 0; j < b->columns; j++) owner[j] = -1;
  for (int i = 0; i < b->count; i++) {
    b->root[i] = i;
    for (int j = 0; j < b->columns; j++) {
      if (b->dense[i * (ptrdiff_t)b->columns + j] == 0) continue;
      if (owner[j] >= 0) b->root[root_of(b->root, owner[j])] = i;
      owner[j] = i;
    }
  }
  for (int i = 0; i < b->count; i++) b->root[i] = root_of(b->root, i);
  return true;
}

static sg_status write_rows(const sg_trial_subject *s, material *m, block *b, sg_expander *expander,
                            sg_error *e) {
  const sg_code *code = s->code;
  int columns = (code->parts + code->coded_parts) * code->segment[b->segment].pieces;
  b->columns = b->depth = columns;
  b->dense = sg_arena_alloc(&m->arena, (size_t)columns * (size_t)b->count, sizeof *b->dense);
  if (!b->dense) return sg_fail_memory(e);
  for (int i = 0; i < b->count; i++)
    if (!sg_expand(expander, code, m->state, b->message[i], 1, b->dense + (ptrdiff_t)i * columns)) {
      if (!expander->row.undecodable) return sg_row_fail(code, &expander->row, e);
      b->refused[i] = true;
    }
  return find_roots(m, b) ? SG_OK : sg_fail_memory(e);
}

/* The message's row, for the kernel. Its inputs have slots already: they were sent before it. */
static sg_status add_slot(const sg_trial_subject *s, material *m, block *b, const sg_message *from,
                          sg_row *row, sg_error *e) {
  bool mixed = m->snapshot != SG_ANY && from->snapshot != m->snapshot;
  int other = mixed && !s->is_static ? s->given.items / 2 : 0;
  if (!sg_encode(s->code, m->state, from, row) && !row->undecodable)
    return sg_row_fail(s->code, row, e);
  if (row->undecodable) row->n_terms = row->n_links = 0; /* nobody can use it */
  if (!SG_ROOM(b->term, b->terms_capacity, b->n_terms + row->n_terms + 1) ||
      !SG_ROOM(b->link, b->links_capacity, b->n_links + row->n_links + 1))
    return sg_fail_memory(e);
  for (int i = 0; i < row->n_terms; i++)
    b->term[b->n_terms++] = (sg_kernel_term){.item = row->term[i].part + other,
                                             .piece = row->term[i].piece,
                                             .coef = row->term[i].coef * row->batches};
  for (int i = 0; i < row->n_links; i++)
    b->link[b->n_links++] =
        (sg_kernel_link){.message = m->slot[row->link[i].message->id], .coef = row->link[i].coef};
  m->slot[from->id] = b->n_slots++;
  b->term_start[b->n_slots] = b->n_terms;
  b->link_start[b->n_slots] = b->n_links;
  return SG_OK;
}

/* Marks what a message is made from, and what that is. */
static void mark(int *slot, const sg_message *m) {
  slot[m->id] = 0;
  for (int i = 0; i < m->n_in; i++) mark(slot, m->in[i]);
}

/* usable: the messages that the master may decode with. */
static sg_status make_material(const sg_trial_subject *s, int count,
                               const sg_message *const *usable, sg_expander *expander, material *m,
                               sg_error *e) {
  const sg_code *code = s->code;
  size_t starts = (size_t)m->n_all + 1, most = (size_t)count;
  m->block = sg_arena_alloc(&m->arena, (size_t)code->segments, sizeof *m->block);
  m->slot = sg_arena_alloc(&m->arena, (size_t)m->n_all, sizeof *m->slot);
  if (!m->block || !m->slot) return sg_fail_memory(e);
  for (int i = 0; i < m->n_all; i++) m->slot[i] = -1;
  for (int i = 0; i < count; i++) mark(m->slot, usable[i]);
  for (int k = 0; k < code->segments; k++) {
    block *b = &m->block[k];
    b->segment = k;
    b->message = sg_arena_alloc(&m->arena, most, sizeof *b->message);
    b->slot = sg_arena_alloc(&m->arena, most, sizeof *b->slot);
    b->refused = sg_arena_alloc(&m->arena, most, sizeof *b->refused);
    b->term_start = sg_arena_alloc(&m->arena, starts, sizeof *b->term_start);
    b->link_start = sg_arena_alloc(&m->arena, starts, sizeof *b->link_start);
    if (!b->message || !b->slot || !b->refused || !b->term_start || !b->link_start)
      return sg_fail_memory(e);
  }
  sg_row row = {0};
  sg_status status = SG_OK;
  for (int i = 0; i < m->n_all && !status; i++)
    if (m->slot[i] >= 0) status = add_slot(s, m, &m->block[m->all[i]->segment], m->all[i], &row, e);
  sg_row_free(&row);
  for (int i = 0; i < count && !status; i++) {
    block *b = &m->block[usable[i]->segment];
    b->slot[b->count] = m->slot[usable[i]->id];
    b->message[b->count++] = usable[i];
  }
  for (int k = 0; k < code->segments && !status; k++)
    status = write_rows(s, m, &m->block[k], expander, e);
  return status;
}

/* The triangle of a QR decomposition: where rows are long, each set of them costs far less. */
static sg_status make_triangle(sg_arena **arena, block *b) {
  int m = b->columns, n = b->count;
  if (m <= n || n == 0) return SG_OK;
  double *a = sg_arena_alloc(arena, (size_t)m * (size_t)n, sizeof *a);
  if (!a) return SG_NO_MEMORY;
  memcpy(a, b->dense, (size_t)m * (size_t)n * sizeof *a);
  sg_status status = sg_triangle(m, n, a, m);
  if (status) return status;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) a[i + (ptrdiff_t)j * n] = i <= j ? a[i + (ptrdiff_t)j * m] : 0;
  b->triangle = a;
  b->depth = n;
  return SG_OK;
}

static void free_material(const sg_code *code, material *m) {
  for (int i = 0; m->block && i < code->segments; i++) {
    free(m->block[i].term);
    free(m->block[i].link);
  }
  sg_arena_free(m->arena);
  *m = (material){0};
}

/* --- One decode ------------------------------------------------------------------------------- */

/* Messages that come, to t->picked and t->place. */
static int pick(sg_trial *t, const block *from) {
  const sg_trial_subject *s = t->subject;
  size_t most = (size_t)from->count + 1;
  int n = 0;
  t->picked = sg_scratch_get(&t->picks, most * (sizeof *t->picked + sizeof *t->place));
  if (!t->picked) return -1;
  t->place = (int *)(void *)(t->picked + most);
  for (int i = 0; i < from->count; i++) {
    if (t->chooses && !sg_message_comes(s->code, from->message[i], t->present)) continue;
    t->picked[n] = from->message[i];
    t->place[n++] = i;
  }
  return n;
}

static bool is_used(const sg_weights *w, double noise, int i) {
  for (int v = 0; v < w->pieces; v++)
    if (fabs(w->w[i * w->pieces + v]) > noise) return true;
  return false;
}

/* Of the independent system with this root. */
static sg_status condition_of(sg_trial *t, const block *from, const sg_weights *w, int root,
                              double *cond2) {
  const double *rows = from->triangle ? from->triangle : from->dense;
  size_t depth = (size_t)from->depth;
  double *a = sg_scratch_get(&t->work, ((depth + 1) * (size_t)w->count + depth) * sizeof *a);
  if (!a) return SG_NO_MEMORY;
  int used = 0;
  for (int i = 0; i < w->count; i++)
    if (from->root[t->place[i]] == root && is_used(w, 0, i))
      memcpy(a + depth * (size_t)used++, rows + depth * (size_t)t->place[i], depth * sizeof *a);
  int least = from->depth < used ? from->depth : used;
  int most = from->columns > used ? from->columns : used;
  if (least == 0) return SG_OK;
  double *sigma = a + depth * (size_t)used;
  sg_status status = sg_singular_values(from->depth, used, a, from->depth, sigma);
  if (status) return status == SG_NO_MEMORY ? status : SG_OK; /* not known */
  int rank = least;
  while (rank > 1 && sigma[rank - 1] <= most * DBL_EPSILON * sigma[0]) rank--;
  *cond2 = fmax(isnan(*cond2) ? 0 : *cond2, sigma[0] / sigma[rank - 1]);
  return SG_OK;
}

static sg_status condition(sg_trial *t, const block *from, const sg_weights *w, double *cond2) {
  sg_status status = SG_OK;
  for (int i = 0; i < from->count && !status; i++)
    if (from->root[i] == i) status = condition_of(t, from, w, i, cond2);
  return status;
}

static bool residual(sg_trial *t, const block *from, const sg_weights *w, double *most) {
  if (t->subject->code->coded_parts) return true;
  double *alpha = sg_scratch_get(&t->work, (size_t)from->columns * sizeof *alpha);
  if (!alpha) return false;
  if (isnan(*most)) *most = 0;
  for (int v = 0; v < w->pieces; v++) {
    for (int j = 0; j < from->columns; j++) alpha[j] = j % w->pieces == v ? -1 : 0;
    for (int i = 0; i < w->count; i++) {
      double weight = w->w[i * w->pieces + v];
      if (weight != 0)
        cblas_daxpy(from->columns, weight, from->dense + (ptrdiff_t)t->place[i] * from->columns, 1,
                    alpha, 1);
    }
    for (int j = 0; j < from->columns; j++) *most = fmax(*most, fabs(alpha[j]));
  }
  return true;
}

/* The kernel's sets of a segment, one per format of messages. false: no memory. */
static bool make_sets(sg_trial *t, const block *b, const sg_weights *w, sg_kernel_set *set) {
  const sg_trial_subject *s = t->subject;
  const sg_segment *segment = &s->code->segment[b->segment];
  size_t pieces = (size_t)w->pieces;
  size_t weights = (size_t)b->n_slots * pieces;
  double *weight = sg_arena_alloc(&t->weights, weights + pieces, sizeof *weight);
  if (!weight) return false;
  double *bias = weight + weights;
  for (int i = 0; i < w->count; i++)
    memcpy(weight + (size_t)b->slot[t->place[i]] * pieces, w->w + (size_t)i * pieces,
           pieces * sizeof *weight);
  memcpy(bias, w->bias, pieces * sizeof *bias);
  for (int p = 0; p < SG_PRECISIONS; p++)
    set[p] = (sg_kernel_set){.begin = segment->begin,
                             .end = segment->end,
                             .pieces = segment->pieces,
                             .n_messages = b->n_slots,
                             .term_start = b->term_start,
                             .term = b->term,
                             .link_start = b->n_links ? b->link_start : NULL,
                             .link = b->link,
                             .weight = weight,
                             .constant = s->given.constant,
                             .bias = s->given.constant ? bias : NULL,
                             .compressor = &s->format[p],
                             .n_sum = s->code->parts,
                             .sum_item = s->given.sum_item,
                             .decoded = t->decoded};
  return true;
}

static sg_status measure_errors(sg_trial *t, sg_trial_result *r, sg_error *e) {
  const sg_trial_subject *s = t->subject;
  const double *x = s->given.gradient; /* gradients are given, whatever the model */
  const sg_gradient_request request = {.partition = s->given.partition,
                                       .width = 1,
                                       .columns = 1,
                                       .x = &x,
                                       .n_items = s->given.items,
                                       .item = s->given.item};
  int sets = s->code->segments * SG_PRECISIONS;
  sg_status status = sg_problem_begin(&s->given.problem, t->workspace, &request, e);
  if (!status) {
    status = sg_kernel_decode(t->kernel, &s->given.problem, t->workspace, &request, sets, t->set);
    if (status) sg_fail_memory(e);
  }
  for (int p = 0; p < SG_PRECISIONS && !status; p++) {
    double square = 0;
    for (int k = 0; k < s->code->segments; k++) square += t->set[k * SG_PRECISIONS + p].error2;
    r->error[p] = sqrt(square) / s->given.norms;
  }
  return status;
}

static sg_status judge_segment(sg_trial *t, const material *m, int k, sg_trial_result *r,
                               sg_error *e) {
  const sg_code *code = t->subject->code;
  const block *from = &m->block[k];
  const sg_segment *segment = &code->segment[k];
  int count = pick(t, from);
  sg_weights w;
  if (count < 0) return sg_fail_memory(e);
  sg_status status = sg_decoder_weights(t->decoder, m->state, k, count, t->picked, &w, e);
  if (status) return status;
  double numbers = (double)(segment->end - segment->begin) / segment->pieces; /* of a message */
  double noise = sg_weights_noise((long)count * w.pieces, w.w);
  for (int i = 0; i < count; i++) {
    if (!is_used(&w, noise, i)) continue;
    if (from->refused[t->place[i]]) return SG_UNDECODABLE;
    r->messages++;
    r->received += numbers;
  }
  for (int i = 0; i < count * w.pieces; i++)
    r->apply_flops += fabs(w.w[i]) > noise ? 2 * numbers : 0;
  r->find_flops += w.info.flops;
  r->amplification =
      hypot(r->amplification,
            sqrt(numbers * segment->pieces / (double)code->shape.length) * w.info.amplification);
  r->deviation += w.info.alpha_error / code->parts * numbers;
  r->share += w.info.alpha_sum / code->parts * numbers * segment->pieces;
  if (t->want & SG_TRIAL_CONDITION) status = condition(t, from, &w, &r->cond2);
  if (status) return sg_fail_memory(e);
  if (!(t->want & SG_TRIAL_ERRORS)) return SG_OK;
  return residual(t, from, &w, &r->residual) && make_sets(t, from, &w, t->set + k * SG_PRECISIONS)
             ? SG_OK
             : sg_fail_memory(e);
}

/* SG_UNDECODABLE: the weights were refused. */
static sg_status judge(sg_trial *t, const material *m, sg_trial_result *r, sg_error *e) {
  const sg_code *code = t->subject->code;
  *r = (sg_trial_result){.decoded = true, .cond2 = NAN, .residual = NAN};
  for (int p = 0; p < SG_PRECISIONS; p++) r->error[p] = NAN;
  sg_arena_free(t->weights);
  t->weights = NULL;
  for (int k = 0; k < code->segments; k++) {
    sg_status status = judge_segment(t, m, k, r, e);
    if (status) return status;
  }
  r->received /= (double)code->shape.length;
  r->apply_flops /= (double)code->shape.length;
  r->deviation /= (double)code->shape.length;
  r->share /= (double)code->shape.length;
  return t->want & SG_TRIAL_ERRORS ? measure_errors(t, r, e) : SG_OK;
}

/* --- Rounds that must be played --------------------------------------------------------------- */

/* fmax of numbers that may be unknown. */
static void raise_to(double *most, double x) {
  *most = isnan(*most) ? x : fmax(*most, isnan(x) ? *most : x);
}

/* The worst of several decodes of a pattern, and the least that one of them needed. */
static void join(sg_trial_result *all, const sg_trial_result *r, bool first) {
  if (first) {
    *all = *r;
    return;
  }
  raise_to(&all->cond2, r->cond2);
  raise_to(&all->amplification, r->amplification);
  raise_to(&all->residual, r->residual);
  raise_to(&all->deviation, r->deviation);
  for (int p = 0; p < SG_PRECISIONS; p++) raise_to(&all->error[p], r->error[p]);
  all->find_flops = fmax(all->find_flops, r->find_flops);
  all->apply_flops = fmax(all->apply_flops, r->apply_flops);
  all->messages = fmin(all->messages, r->messages);
  all->received = fmin(all->received, r->received);
}

static sg_status decode(void *user, const sg_rehearsal *played, const sg_rehearsed_decode *what,
                        bool *decoded, sg_error *e) {
  sg_trial *t = user;
  const sg_code *code = t->subject->code;
  const sg_message *const *all = (const sg_message *const *)played->message;
  material m = {.all = all,
                .n_all = played->count,
                .state = sg_protocol_state(played->protocol),
                .snapshot = what->snapshot};
  sg_trial_result r;
  sg_status status = make_material(t->subject, what->count, what->message, &t->expander, &m, e);
  if (!status) status = judge(t, &m, &r, e);
  *decoded = !status;
  if (!status) {
    join(t->result, &r, played->updates == 0 && !t->result->decoded);
    /* With what was not waited for: it is work all the same. */
    if (what->snapshot != SG_ANY)
      status = sg_load_add(&t->load, code, m.state, played->count, all, what->snapshot, e);
    for (int i = 0; what->snapshot == SG_ANY && i < what->count && !status; i++)
      status = sg_load_add(&t->load, code, m.state, what->count, what->message,
                           what->message[i]->snapshot, e);
  }
  free_material(code, &m);
  return status == SG_UNDECODABLE ? SG_OK : status;
}

/* A pattern decodes if it does in every order that is tried, in as many rounds as it takes to see
 * what is left of one in the next. */
static sg_status play(sg_trial *t, int orders, bool prompt, sg_error *e) {
  const sg_trial_subject *s = t->subject;
  bool decoded = true;
  *t->result = (sg_trial_result){.cond2 = NAN, .residual = NAN};
  for (int i = 0; i < orders; i++) {
    const sg_script script = {.present = t->present,
                              .seed = i < 1 + prompt ? 0 : s->seed * EXPLORED + (uint64_t)i,
                              .prompt = prompt && i % 2 == 1,
                              .updates = s->code->models + 1,
                              .decode = decode,
                              .user = t};
    sg_rehearsal played;
    sg_status status = sg_rehearse(s->code, &script, &played, e);
    sg_traffic_join(&t->traffic, &played.traffic);
    decoded = decoded && played.updates >= script.updates;
    sg_rehearsal_free(&played);
    if (status) return status;
    if (!decoded) break;
  }
  t->result->decoded = decoded;
  return SG_OK;
}

sg_status sg_trial_run(sg_trial *t, const bool *present, unsigned want, sg_trial_result *r,
                       sg_error *e) {
  const sg_trial_subject *s = t->subject;
  t->present = present;
  t->want = want;
  t->result = r;
  t->chooses = s->is_static;
  if (!s->is_static) return play(t, ORDERS, false, e);
  sg_status status = judge(t, &s->material, r, e);
  if (status == SG_UNDECODABLE) r->decoded = false;
  return status == SG_UNDECODABLE ? SG_OK : status;
}

sg_trial *sg_trial_new(const sg_trial_subject *subject) {
  const sg_code *code = subject->code;
  sg_trial *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->subject = subject;
  t->traffic = sg_traffic_none;
  t->decoder = sg_decoder_new(code);
  t->kernel = sg_kernel_new();
  t->workspace = sg_workspace_new(&subject->given.problem);
  t->decoded = calloc((size_t)code->shape.length, sizeof *t->decoded);
  t->set = calloc((size_t)code->segments * SG_PRECISIONS, sizeof *t->set);
  bool ok = sg_load_init(&t->load, code);
  if (ok && t->decoder && t->kernel && t->workspace && t->decoded && t->set) return t;
  sg_trial_free(t);
  return NULL;
}

void sg_trial_free(sg_trial *t) {
  if (!t) return;
  sg_decoder_free(t->decoder);
  sg_kernel_free(t->kernel);
  sg_workspace_free(t->workspace);
  sg_expander_free(&t->expander);
  sg_load_free(&t->load);
  free(t->picks.data);
  free(t->work.data);
  sg_arena_free(t->weights);
  free(t->decoded);
  free(t->set);
  free(t);
}

const sg_traffic_range *sg_trial_traffic(const sg_trial *t) {
  return &t->traffic;
}

const sg_load *sg_trial_load(const sg_trial *t) {
  return &t->load;
}

/* --- What patterns share ---------------------------------------------------------------------- */

/* The number formats, as the compressors of those names. */
static sg_status make_formats(sg_trial_subject *s, sg_error *e) {
  for (int p = 0; p < SG_PRECISIONS; p++) {
    sg_values *values = sg_values_new(NULL, sg_compressor_family.at(p), "");
    sg_status status = values ? sg_compressor_init(&s->format[p], values, e) : sg_fail_memory(e);
    sg_values_free(values);
    if (status) return status;
  }
  return SG_OK;
}

static sg_status make_static(sg_trial_subject *s, sg_error *e) {
  sg_rehearsal *r = &s->round;
  sg_expander expander = {0};
  sg_status status = sg_rehearse_opening(s->code, r, e);
  if (status) return status;
  s->material = (material){.all = (const sg_message *const *)r->message,
                           .n_all = r->count,
                           .state = sg_protocol_state(r->protocol),
                           .snapshot = SG_ANY};
  status = make_material(s, r->n_held, r->held, &expander, &s->material, e);
  sg_expander_free(&expander);
  for (int i = 0; !status && i < s->code->segments; i++)
    if (make_triangle(&s->material.arena, &s->material.block[i]) == SG_NO_MEMORY)
      status = sg_fail_memory(e);
  if (!status && r->count > 0)
    status = sg_load_add(&s->load, s->code, s->material.state, r->count, s->material.all,
                         r->message[0]->snapshot, e);
  return status;
}

/* What orders other than the first and later rounds show workers to hold, with everyone there. */
static sg_status explore(sg_trial_subject *s, sg_error *e) {
  sg_trial_result r;
  sg_trial *t = sg_trial_new(s);
  if (!t) return sg_fail_memory(e);
  t->result = &r;
  sg_status status = play(t, EXPLORED, true, e);
  sg_load_join(&s->load, &t->load);
  s->traffic = t->traffic;
  sg_trial_free(t);
  return status;
}

sg_status sg_trial_subject_new(const sg_code *code, uint64_t seed, sg_trial_subject **out,
                               sg_error *e) {
  *out = NULL;
  sg_trial_subject *s = calloc(1, sizeof *s);
  if (!s) return sg_fail_memory(e);
  s->code = code;
  s->seed = seed;
  s->is_static = sg_rehearsal_is_static(code);
  sg_status status = sg_load_init(&s->load, code) ? SG_OK : sg_fail_memory(e);
  if (!status) status = make_formats(s, e);
  if (!status) status = sg_gradients_make(&s->given, code, seed, !s->is_static, e);
  if (!status && s->is_static) status = make_static(s, e);
  if (!status) status = explore(s, e);
  if (status) {
    sg_trial_subject_free(s);
    return status;
  }
  *out = s;
  return SG_OK;
}

void sg_trial_subject_free(sg_trial_subject *s) {
  if (!s) return;
  free_material(s->code, &s->material);
  sg_rehearsal_free(&s->round);
  sg_gradients_free(&s->given);
  sg_load_free(&s->load);
  free(s);
}

const sg_traffic_range *sg_trial_subject_traffic(const sg_trial_subject *s) {
  return &s->traffic;
}

const sg_load *sg_trial_subject_load(const sg_trial_subject *s) {
  return &s->load;
}

double sg_trial_subject_norms_ratio(const sg_trial_subject *s) {
  return s->given.norms / s->given.sum_norm;
}
