/* SPDX-License-Identifier: MIT */
#include "sim/check/trial.h"

#include "codes/frame/expand.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM = 1 << 14 /* normal numbers taken from one stream */ };

/* The messages of one segment that reach the master. */
typedef struct block {
  int segment, count, columns; /* columns = (parts + coded parts) · pieces */
  const sg_message **message;
  double *dense;    /* columns × count: rows written out, one column each */
  double *triangle; /* depth × count: the same turned into a triangle, with equal singular values
                       of every subset; NULL: dense is used */
  int depth;
  int *root; /* messages that share parts, directly or through others, have one root: one of them */
} block;

/* A round's messages with all that is computed from them once. */
typedef struct material {
  sg_rehearsal round;
  block *block; /* per segment */
  double *values;
  double **vector; /* [precision · messages + id]: the message rounded to it */
} material;

struct sg_trial_subject {
  const sg_code *code;
  bool has_errors;  /* gradients were drawn; not with coded parts, which are no sums of gradients */
  double *gradient; /* parts × length */
  long double *sum; /* length */
  double norms;     /* Σ ‖g‖ */
  bool is_static;
  material material; /* of the static round */
};

struct sg_trial {
  const sg_trial_subject *subject;
  sg_decoder *decoder;
  const bool *present; /* of the pattern at hand */
  const sg_message **picked;
  int *place; /* of picked messages in their block */
  int capacity;
  double *work;
  size_t work_room;
  sg_expander expander;
};

/* --- Messages --------------------------------------------------------------------------------- */

static int columns_of(const sg_code *code, int segment) {
  return (code->parts + code->coded_parts) * code->segment[segment].pieces;
}

/* Σ coefficient · piece of a gradient, and relays from their rounded inputs, then rounded. */
static bool form(const sg_trial_subject *s, const material *m, const sg_row *row,
                 const sg_message *message, sg_precision precision) {
  const sg_segment *segment = &s->code->segment[message->segment];
  long l = s->code->shape.length, length = sg_segment_length(segment);
  double *const *vector = m->vector + (ptrdiff_t)precision * m->round.count;
  double *y = vector[message->id];
  memset(y, 0, (size_t)length * sizeof *y);
  for (int i = 0; i < row->n_terms; i++) {
    const sg_term *t = &row->term[i];
    long from = segment->begin + t->piece * length, n = segment->end - from;
    if (n > length) n = length;
    if (n > 0) cblas_daxpy((int)n, t->coef, s->gradient + t->part * l + from, 1, y, 1);
  }
  for (int i = 0; i < row->n_links; i++)
    cblas_daxpy((int)length, row->link[i].coef, vector[row->link[i].message->id], 1, y, 1);
  sg_round(precision, length, y);
  return !row->failed;
}

static bool form_all(const sg_trial_subject *s, material *m) {
  int count = m->round.count;
  long total = 0;
  for (int i = 0; i < count; i++)
    total += sg_segment_length(&s->code->segment[m->round.message[i]->segment]);
  m->values = malloc(((size_t)total * SG_PRECISIONS + 1) * sizeof *m->values);
  m->vector = calloc((size_t)count * SG_PRECISIONS + 1, sizeof *m->vector);
  if (!m->values || !m->vector) return false;
  const void *state = sg_protocol_state(m->round.protocol);
  double *next = m->values;
  sg_row row = {0};
  bool ok = true;
  for (int i = 0; ok && i < count; i++) {
    const sg_message *message = m->round.message[i];
    ok = sg_encode(s->code, state, message, &row);
    for (int p = 0; ok && p < SG_PRECISIONS; p++) {
      m->vector[p * count + i] = next;
      next += sg_segment_length(&s->code->segment[message->segment]);
      ok = form(s, m, &row, message, (sg_precision)p);
    }
  }
  sg_row_free(&row);
  return ok;
}

static int root_of(const int *root, int i) {
  while (root[i] != i) i = root[i];
  return i;
}

/* Rows without a part in common are independent systems, whose scales do not matter to each other.
 */
static bool find_roots(block *b) {
  int *owner = malloc(((size_t)b->columns + 1) * sizeof *owner);
  b->root = malloc(((size_t)b->count + 1) * sizeof *b->root);
  if (owner && b->root) {
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
  }
  free(owner);
  return b->root;
}

static bool write_rows(const sg_trial_subject *s, const material *m, block *b,
                       sg_expander *expander) {
  const void *state = sg_protocol_state(m->round.protocol);
  int columns = columns_of(s->code, b->segment);
  b->columns = b->depth = columns;
  b->message = calloc((size_t)m->round.n_delivered + 1, sizeof *b->message);
  if (!b->message) return false;
  for (int i = 0; i < m->round.n_delivered; i++)
    if (m->round.delivered[i]->segment == b->segment)
      b->message[b->count++] = m->round.delivered[i];
  b->dense = calloc((size_t)columns * (size_t)b->count + 1, sizeof *b->dense);
  bool ok = b->dense;
  for (int i = 0; ok && i < b->count; i++)
    ok = sg_expand(expander, s->code, state, b->message[i], 1, b->dense + (ptrdiff_t)i * columns);
  return ok && find_roots(b);
}

/* The triangle of a QR decomposition: where rows are long, each set of them costs far less. */
static sg_status make_triangle(block *b) {
  int m = b->columns, n = b->count;
  if (m <= n || n == 0) return SG_OK;
  double *a = malloc((size_t)m * (size_t)n * sizeof *a);
  sg_status status = SG_NO_MEMORY;
  b->triangle = calloc((size_t)n * (size_t)n, sizeof *b->triangle);
  if (a && b->triangle) {
    memcpy(a, b->dense, (size_t)m * (size_t)n * sizeof *a);
    status = sg_triangle(m, n, a, m);
    for (int j = 0; !status && j < n; j++)
      for (int i = 0; i <= j; i++) b->triangle[i + j * n] = a[i + (ptrdiff_t)j * m];
    b->depth = n;
  }
  free(a);
  return status;
}

static sg_status make_material(const sg_trial_subject *s, const bool *present, material *m,
                               sg_expander *expander, sg_error *e) {
  sg_status status = sg_rehearsal_round(s->code, present, &m->round, e);
  if (status) return status;
  m->block = calloc((size_t)s->code->segments, sizeof *m->block);
  bool ok = m->block;
  for (int i = 0; ok && i < s->code->segments; i++) {
    m->block[i].segment = i;
    ok = write_rows(s, m, &m->block[i], expander);
  }
  if (ok && s->has_errors) ok = form_all(s, m);
  return ok ? SG_OK : sg_fail_memory(e);
}

static void free_material(const sg_code *code, material *m) {
  for (int i = 0; m->block && i < code->segments; i++) {
    free(m->block[i].message);
    free(m->block[i].dense);
    free(m->block[i].triangle);
    free(m->block[i].root);
  }
  free(m->block);
  free(m->values);
  free(m->vector);
  sg_rehearsal_free(&m->round);
  *m = (material){0};
}

/* --- One pattern ------------------------------------------------------------------------------ */

static double *workspace(sg_trial *t, size_t count) {
  if (count > t->work_room) {
    double *grown = realloc(t->work, count * sizeof *grown);
    if (!grown) return NULL;
    t->work = grown;
    t->work_room = count;
  }
  return t->work;
}

/* Whether a message of the full round comes in the pattern at hand. */
static bool comes(const sg_trial *t, const sg_message *message) {
  return !t->subject->is_static || sg_message_comes(t->subject->code, message, t->present);
}

/* Messages that come, to t->picked and t->place. */
static int pick(sg_trial *t, const block *from) {
  if (from->count > t->capacity) {
    size_t n = (size_t)from->count;
    const sg_message **picked = realloc(t->picked, n * sizeof *picked);
    if (picked) t->picked = picked;
    int *place = realloc(t->place, n * sizeof *place);
    if (place) t->place = place;
    if (!picked || !place) return -1;
    t->capacity = from->count;
  }
  int n = 0;
  for (int i = 0; i < from->count; i++) {
    if (!comes(t, from->message[i])) continue;
    t->picked[n] = from->message[i];
    t->place[n++] = i;
  }
  return n;
}

static bool is_used(const sg_weights *w, int i) {
  for (int v = 0; v < w->pieces; v++)
    if (w->w[i * w->pieces + v] != 0) return true;
  return false;
}

/* Of the independent system with this root. */
static sg_status condition_of(sg_trial *t, const block *from, const sg_weights *w, int root,
                              double *cond2) {
  const double *rows = from->triangle ? from->triangle : from->dense;
  size_t depth = (size_t)from->depth;
  double *a = workspace(t, (depth + 1) * (size_t)w->count + depth);
  if (!a) return SG_NO_MEMORY;
  int used = 0;
  for (int i = 0; i < w->count; i++)
    if (from->root[t->place[i]] == root && is_used(w, i))
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
  double *alpha = workspace(t, (size_t)from->columns);
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

/* Adds ‖ĝ − Σ g‖² of a segment. */
static bool square_errors(sg_trial *t, const material *m, const block *from, const sg_weights *w,
                          double *square) {
  const sg_trial_subject *s = t->subject;
  const sg_segment *segment = &s->code->segment[from->segment];
  long length = sg_segment_length(segment);
  double *g = workspace(t, (size_t)length);
  if (!g) return false;
  for (int p = 0; p < SG_PRECISIONS; p++)
    for (int v = 0; v < w->pieces; v++) {
      memset(g, 0, (size_t)length * sizeof *g);
      for (int i = 0; i < w->count; i++) {
        double weight = w->w[i * w->pieces + v];
        if (weight != 0)
          cblas_daxpy((int)length, weight, m->vector[p * m->round.count + t->picked[i]->id], 1, g,
                      1);
      }
      const long double *sum = s->sum + segment->begin + v * length;
      long n = segment->end - segment->begin - v * length;
      for (long c = 0; c < length && c < n; c++) {
        double off = (double)(g[c] - sum[c]);
        square[p] += off * off;
      }
    }
  return true;
}

static sg_status judge(sg_trial *t, const material *m, unsigned want, sg_trial_result *r,
                       sg_error *e) {
  const sg_code *code = t->subject->code;
  const void *state = sg_protocol_state(m->round.protocol);
  double square[SG_PRECISIONS] = {0};
  *r = (sg_trial_result){.cond2 = NAN, .residual = NAN};
  for (int p = 0; p < SG_PRECISIONS; p++) r->error[p] = NAN;
  for (int s = 0; s < code->segments; s++) {
    const block *from = &m->block[s];
    const sg_segment *segment = &code->segment[s];
    int count = pick(t, from);
    sg_weights w;
    if (count < 0) return sg_fail_memory(e);
    sg_status status = sg_decoder_weights(t->decoder, state, s, count, t->picked, &w, e);
    if (status) return status == SG_UNDECODABLE ? SG_OK : status;
    double numbers = (double)(segment->end - segment->begin) / segment->pieces; /* of a message */
    for (int i = 0; i < count; i++) {
      if (!is_used(&w, i)) continue;
      r->messages++;
      r->received += numbers;
    }
    for (int i = 0; i < count * w.pieces; i++) r->apply_flops += w.w[i] != 0 ? 2 * numbers : 0;
    r->find_flops += w.info.flops;
    r->amplification = fmax(r->amplification, w.info.amplification);
    if (want & SG_TRIAL_CONDITION) status = condition(t, from, &w, &r->cond2);
    bool ok = !status && (!(want & SG_TRIAL_ERRORS) || residual(t, from, &w, &r->residual));
    if (ok && want & SG_TRIAL_ERRORS && t->subject->has_errors)
      ok = square_errors(t, m, from, &w, square);
    if (!ok) return sg_fail_memory(e);
  }
  r->decoded = true;
  r->received /= (double)code->shape.length;
  r->apply_flops /= (double)code->shape.length;
  if (want & SG_TRIAL_ERRORS && t->subject->has_errors)
    for (int p = 0; p < SG_PRECISIONS; p++) r->error[p] = sqrt(square[p]) / t->subject->norms;
  return SG_OK;
}

sg_status sg_trial_run(sg_trial *t, const bool *present, unsigned want, sg_trial_result *r,
                       sg_error *e) {
  const sg_trial_subject *s = t->subject;
  t->present = present;
  if (s->is_static) return judge(t, &s->material, want, r, e);
  material own = {0};
  sg_status status = make_material(s, present, &own, &t->expander, e);
  if (!status) status = judge(t, &own, want, r, e);
  free_material(s->code, &own);
  return status;
}

sg_trial *sg_trial_new(const sg_trial_subject *subject) {
  sg_trial *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->subject = subject;
  t->decoder = sg_decoder_new(subject->code);
  if (t->decoder) return t;
  free(t);
  return NULL;
}

void sg_trial_free(sg_trial *t) {
  if (!t) return;
  sg_decoder_free(t->decoder);
  sg_expander_free(&t->expander);
  free(t->picked);
  free(t->place);
  free(t->work);
  free(t);
}

/* --- What patterns share ---------------------------------------------------------------------- */

static sg_status draw_gradients(sg_trial_subject *s, uint64_t seed, sg_error *e) {
  const sg_code *code = s->code;
  size_t l = (size_t)code->shape.length, parts = (size_t)code->parts;
  s->has_errors = code->coded_parts == 0;
  if (!s->has_errors) return SG_OK;
  s->gradient = malloc(parts * l * sizeof *s->gradient);
  s->sum = calloc(l, sizeof *s->sum);
  if (!s->gradient || !s->sum) return sg_fail_memory(e);
  for (size_t p = 0; p < parts; p++) {
    double *g = s->gradient + p * l;
    for (size_t i = 0; i < l; i += STREAM) {
      sg_stream random;
      sg_stream_at(&random, seed, 0, SG_FOR_CHECK, (uint32_t)p, (uint32_t)(i / STREAM), 3);
      sg_draw_gaussian(&random, l - i < STREAM ? (int)(l - i) : STREAM, g + i);
    }
    for (size_t i = 0; i < l; i++) s->sum[i] += g[i];
    s->norms += cblas_dnrm2((int)l, g, 1);
  }
  return SG_OK;
}

sg_status sg_trial_subject_new(const sg_code *code, uint64_t seed, sg_trial_subject **out,
                               sg_error *e) {
  *out = NULL;
  sg_status status = sg_rehearsal_possible(code, e);
  if (status) return status;
  sg_trial_subject *s = calloc(1, sizeof *s);
  if (!s) return sg_fail_memory(e);
  s->code = code;
  s->is_static = sg_rehearsal_is_static(code);
  sg_expander expander = {0};
  status = draw_gradients(s, seed, e);
  if (!status) status = make_material(s, NULL, &s->material, &expander, e);
  sg_expander_free(&expander);
  for (int i = 0; !status && s->is_static && i < code->segments; i++)
    if (make_triangle(&s->material.block[i]) == SG_NO_MEMORY) status = sg_fail_memory(e);
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
  free(s->gradient);
  free(s->sum);
  free(s);
}

const sg_rehearsal *sg_trial_round(const sg_trial_subject *s) {
  return &s->material.round;
}

bool sg_trial_has_errors(const sg_trial_subject *s) {
  return s->has_errors;
}
