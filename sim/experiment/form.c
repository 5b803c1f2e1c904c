/* SPDX-License-Identifier: MIT */
/* Forming messages as whole vectors: the row of a message becomes a set of one message for the
 * kernel, its vector goes through the compressor; what its sender remembers advances when it is
 * used. */
#include "sim/experiment/form.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <stdlib.h>
#include <string.h>

/* By message number. */
typedef struct formed {
  double *x;    /* what the receiver has; NULL: no buffer yet */
  double *kept; /* what the sender remembers once it is used; behind x, without feedback NULL */
  bool open;    /* its sender does not know yet what became of it */
  double lost2, formed2;  /* squared norms of what compression changed, and of the message */
  double *before, *after; /* of its sender's optimiser; NULL: nothing is kept */
  bool stepped;           /* `after` has not been of use yet */
} formed;

struct sg_former {
  const sg_world *world;
  uint32_t replication;
  long most; /* length of the longest message */
  formed *payload;
  size_t payloads;
  double *before; /* a message before it is compressed */
  double *memory; /* node by node, segment by segment */
  size_t per_node, *offset;
  int *carrier; /* of each memory: the open message that was made with it, −1 */
  sg_inner_states *states;
  int *newest; /* of each node: the last message whose steps were formed, unless it has been used or
                  is gone, −1 */
  sg_packed packed;
  double *beside;     /* length l: where gradients with an offset are taken; lazily made */
  double beside_loss; /* of the optimiser's point there; NAN: it has none */
  /* Of a message that is sent. */
  sg_row row;
  int *item_of; /* by part: index in item, −1 */
  sg_partial *item;
  sg_kernel_term *term;
  sg_kernel_link *link;
  int *start;
  const double **input;
  double **out;
  size_t item_room, term_room, link_room, start_room, input_room, out_room;
};

double sg_former_memory(const sg_world *w) {
  double coordinates = 0;
  for (int s = 0; s < w->code->segments; s++)
    coordinates += (double)sg_segment_length(&w->code->segment[s]);
  return sizeof(double) * coordinates * w->code->nodes *
         sg_compressor_memory(w->environment.compressor);
}

sg_former *sg_former_new(const sg_world *w, uint32_t replication, sg_inner_states *states) {
  const sg_code *code = w->code;
  size_t segments = (size_t)code->segments, parts = (size_t)(code->parts + code->coded_parts);
  size_t each = (size_t)sg_compressor_memory(w->environment.compressor);
  sg_former *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  *f = (sg_former){.world = w, .replication = replication, .states = states, .beside_loss = NAN};
  f->newest = malloc((size_t)code->nodes * sizeof *f->newest);
  for (int i = 0; f->newest && i < code->nodes; i++) f->newest[i] = -1;
  f->offset = calloc(segments, sizeof *f->offset);
  f->item_of = calloc(parts, sizeof *f->item_of);
  for (size_t s = 0; f->offset && s < segments; s++) {
    long length = sg_segment_length(&code->segment[s]);
    f->most = length > f->most ? length : f->most;
    f->offset[s] = f->per_node;
    f->per_node += (size_t)length * each;
  }
  size_t memories = (size_t)code->nodes * segments;
  if (each > 0) f->memory = calloc((size_t)code->nodes * f->per_node, sizeof *f->memory);
  if (each > 0) f->carrier = malloc(memories * sizeof *f->carrier);
  for (size_t i = 0; f->carrier && i < memories; i++) f->carrier[i] = -1;
  if (!f->offset || !f->item_of || !f->newest || (each > 0 && !(f->memory && f->carrier))) {
    sg_former_free(f);
    return NULL;
  }
  for (size_t p = 0; p < parts; p++) f->item_of[p] = -1;
  return f;
}

void sg_former_free(sg_former *f) {
  if (!f) return;
  for (size_t i = 0; i < f->payloads; i++) {
    free(f->payload[i].x);
    free(f->payload[i].before);
  }
  free(f->newest);
  free(f->payload);
  free(f->before);
  free(f->memory);
  free(f->carrier);
  free(f->offset);
  free(f->beside);
  sg_packed_free(&f->packed);
  sg_row_free(&f->row);
  free(f->item_of);
  free(f->item);
  free(f->term);
  free(f->link);
  free(f->start);
  free(f->input);
  free(f->out);
  free(f);
}

void sg_former_loss(const sg_former *f, const sg_message *message, double *lost2, double *formed2) {
  *lost2 += f->payload[message->id].lost2;
  *formed2 += f->payload[message->id].formed2;
}

const double *sg_former_payload(const sg_former *f, const sg_message *message) {
  return f->payload[message->id].x;
}

/* The buffers of the message of that number; false: no memory. */
static bool make_buffer(sg_former *f, int id) {
  size_t known = f->payloads, most = (size_t)f->most;
  if (!f->before) f->before = malloc(most * sizeof *f->before);
  if (!f->before || !SG_ROOM(f->payload, f->payloads, id + 1)) return false;
  for (size_t i = known; i < f->payloads; i++) f->payload[i] = (formed){0};
  formed *p = &f->payload[id];
  if (!p->x) p->x = malloc((f->memory ? 2 : 1) * most * sizeof *p->x);
  p->kept = p->x && f->memory ? p->x + most : NULL;
  size_t size = f->states->size;
  if (size && !p->before) p->before = malloc(2 * size * sizeof *p->before);
  p->after = p->before ? p->before + size : NULL;
  return p->x && (p->before || !size);
}

/* --- What the senders' optimisers remember ---------------------------------------------------- */

double *sg_former_state(const sg_former *f, const sg_message *m) {
  return f->payload[m->id].before;
}

/* The steps of the message are taken on `after`. */
static double *begin_steps(sg_former *f, const sg_message *m) {
  formed *p = &f->payload[m->id];
  int *newest = &f->newest[m->from];
  size_t bytes = f->states->size * sizeof(double);
  if (!bytes) return NULL;
  const double *from =
      *newest >= 0 ? f->payload[*newest].after : sg_inner_states_of(f->states, m->from);
  memcpy(p->before, from, bytes);
  memcpy(p->after, from, bytes);
  *newest = m->id;
  p->stepped = true;
  return p->after;
}

static void end_steps(sg_former *f, const sg_message *m, bool used) {
  formed *p = (size_t)m->id < f->payloads ? &f->payload[m->id] : NULL;
  if (!p || !p->stepped) return;
  p->stepped = false;
  if (f->newest[m->from] == m->id) f->newest[m->from] = -1;
  if (used)
    memcpy(sg_inner_states_of(f->states, m->from), p->after, f->states->size * sizeof(double));
}

/* --- What senders remember -------------------------------------------------------------------- */

static int *carrier_of(const sg_former *f, const sg_message *m) {
  return &f->carrier[m->from * f->world->code->segments + m->segment];
}

static double *memory_of(const sg_former *f, const sg_message *m) {
  return f->memory + (size_t)m->from * f->per_node + f->offset[m->segment];
}

/* Compresses a message with a copy of what its sender remembers. While another message with it is
 * open, there is nothing to remember: it is on its way. */
static sg_status compress(sg_former *f, const sg_run_sent *sent, double *bits) {
  const sg_message *m = sent->message;
  formed *p = &f->payload[m->id];
  long n = sg_segment_length(&f->world->code->segment[m->segment]);
  sg_dither dither;
  sg_dither_at(&dither, f->world->environment.seed, f->replication, m->from, sent->iteration,
               sent->draw, sent->part);
  f->packed.worker = m->from;
  if (p->kept) {
    size_t size = (size_t)n * sizeof *p->kept;
    int *carrier = carrier_of(f, m);
    if (*carrier < 0)
      memcpy(p->kept, memory_of(f, m), size);
    else
      memset(p->kept, 0, size);
    if (*carrier < 0) *carrier = m->id;
    p->open = true;
  }
  memcpy(f->before, p->x, (size_t)n * sizeof *p->x);
  sg_status status =
      sg_compress(f->world->environment.compressor, &f->packed, &dither, n, p->x, p->kept, bits);
  p->formed2 = cblas_ddot((int)n, f->before, 1, f->before, 1);
  cblas_daxpy((int)n, -1, p->x, 1, f->before, 1);
  p->lost2 = cblas_ddot((int)n, f->before, 1, f->before, 1);
  return status;
}

/* What messages do not carry stays in the memory; of one that was made without it, what it leaves
 * over comes on top, and to what the carrier brings back. A receiver's copy (EF21) has no sums. */
void sg_former_used(sg_former *f, const sg_message *m) {
  end_steps(f, m, true);
  formed *p = f->memory ? &f->payload[m->id] : NULL;
  if (!p || !p->open) return;
  p->open = false;
  int *carrier = carrier_of(f, m);
  double *memory = memory_of(f, m);
  long length = sg_segment_length(&f->world->code->segment[m->segment]);
  if (*carrier == m->id) {
    *carrier = -1;
    memcpy(memory, p->kept, (size_t)length * sizeof *memory);
    return;
  }
  if (f->world->environment.compressor->feedback == SG_FEEDBACK_EF21) return;
  double *carried = *carrier >= 0 ? f->payload[*carrier].kept : NULL;
  for (long i = 0; i < length; i++) memory[i] += p->kept[i];
  for (long i = 0; carried && i < length; i++) carried[i] += p->kept[i];
}

void sg_former_gone(sg_former *f, const sg_message *m) {
  end_steps(f, m, false);
  if (!f->memory) return;
  int *carrier = carrier_of(f, m);
  if (*carrier == m->id) *carrier = -1;
  if ((size_t)m->id < f->payloads) f->payload[m->id].open = false;
}

/* --- Forming ---------------------------------------------------------------------------------- */

/* The row as the last message of a set, behind its inputs; the partial gradients that it needs.
 * false: no memory. */
static bool read_row(sg_former *f, double *state, sg_kernel_set *set,
                     sg_gradient_request *request) {
  const sg_row *row = &f->row;
  size_t terms = (size_t)row->n_terms * (size_t)row->batches, inputs = (size_t)row->n_links;
  if (!SG_ROOM(f->item, f->item_room, terms + 1) || !SG_ROOM(f->term, f->term_room, terms + 1) ||
      !SG_ROOM(f->link, f->link_room, inputs + 1) ||
      !SG_ROOM(f->start, f->start_room, 2 * (inputs + 2)) ||
      !SG_ROOM(f->input, f->input_room, inputs + 1) || !SG_ROOM(f->out, f->out_room, inputs + 1))
    return false;
  int items = 0, n = 0;
  for (int b = 0, first = 0; b < row->batches; b++, first = items) {
    for (int i = 0; i < row->n_terms; i++) {
      const sg_term *t = &row->term[i];
      if (f->item_of[t->part] < 0) {
        f->item[items] = (sg_partial){.part = t->part, .batch = row->batch + b, .state = state};
        f->item_of[t->part] = items++;
      }
      f->term[n++] =
          (sg_kernel_term){.item = f->item_of[t->part], .piece = t->piece, .coef = t->coef};
    }
    for (int i = first; i < items; i++) f->item_of[f->item[i].part] = -1;
  }
  int *link_start = f->start + inputs + 2;
  memset(f->start, 0, 2 * (inputs + 2) * sizeof *f->start);
  for (size_t i = 0; i < inputs; i++) {
    f->link[i] = (sg_kernel_link){.message = (int)i, .coef = row->link[i].coef};
    f->input[i] = sg_former_payload(f, row->link[i].message);
    f->out[i] = NULL;
  }
  f->input[inputs] = NULL;
  f->start[inputs + 1] = n;
  link_start[inputs + 1] = row->n_links;
  set->n_messages = (int)inputs + 1;
  set->term_start = f->start;
  set->term = f->term;
  set->link_start = link_start;
  set->link = f->link;
  set->payload = f->input;
  request->n_items = items;
  request->item = f->item;
  request->steps = row->steps;
  request->rate = sg_world_rate(f->world, row);
  request->inner = f->world->code->local;
  return true;
}

/* x + factor · what the sender remembers; NULL: no memory. */
static const double *beside(sg_former *f, const double *x, int from, double factor) {
  const sg_code *code = f->world->code;
  if (!f->beside) f->beside = malloc((size_t)f->world->problem->length * sizeof *f->beside);
  for (int s = 0; f->beside && s < code->segments; s++) {
    const sg_segment *segment = &code->segment[s];
    const double *e = f->memory + (size_t)from * f->per_node + f->offset[s];
    for (long c = segment->begin; c < segment->end; c++)
      f->beside[c] = x[c] + factor * e[c - segment->begin];
  }
  return f->beside;
}

/* y + factor · l2 · x where the L2 term counts. */
static void add_penalty(const sg_problem *problem, double factor, const double *x, double *y) {
  for (long b = 0; b < problem->length && problem->l2 > 0; b += problem->stride)
    for (long i = b; i < b + problem->stride - problem->unregularised; i++)
      y[i] += factor * problem->l2 * x[i];
}

double sg_former_beside_loss(const sg_former *f) {
  return f->beside_loss;
}

sg_status sg_former_send(sg_former *f, sg_kernel *kernel, sg_workspace *ws, const double *x,
                         const sg_run_sent *sent, double *bits, sg_error *e) {
  const sg_world *w = f->world;
  const sg_segment *segment = &w->code->segment[sent->message->segment];
  sg_kernel_set set = {.begin = segment->begin, .end = segment->end, .pieces = segment->pieces};
  sg_gradient_request request = {.partition = w->partition, .width = 1, .columns = 1, .x = &x};
  if (!sg_encode(w->code, sent->state, sent->message, &f->row))
    return sg_row_fail(w->code, &f->row, e);
  double factor = f->row.offset + (f->memory ? sg_optimizer_beside(w->optimizer) : 0);
  const double *snapshot = x;
  f->beside_loss = NAN;
  if (factor != 0) x = beside(f, x, sent->message->from, factor);
  bool measured = sg_optimizer_is_beside(w->optimizer) && w->problem->type->evaluate;
  if (measured) { /* at a point of the pass: for nothing */
    request.loss_x = request.x;
    request.loss = &f->beside_loss;
  }
  if (!x || !make_buffer(f, sent->message->id) ||
      !read_row(f, begin_steps(f, sent->message), &set, &request))
    return sg_fail_memory(e);
  f->out[set.n_messages - 1] = f->payload[sent->message->id].x;
  sg_status status = request.n_items > 0 ? sg_problem_begin(w->problem, ws, &request, e) : SG_OK;
  if (status) return status;
  status = sg_kernel_form(kernel, w->problem, ws, &request, &set, f->out);
  /* What vanishes at the optimum is sent, with the L2 term; the master, which adds that itself,
   * takes it out again. */
  double *y = f->payload[sent->message->id].x;
  bool whole = sg_optimizer_is_beside(w->optimizer);
  if (!status && whole) add_penalty(w->problem, 1, x, y);
  if (!status) status = compress(f, sent, bits);
  if (!status && whole) add_penalty(w->problem, -1, snapshot, y);
  return status ? sg_fail_memory(e) : SG_OK;
}

sg_status sg_former_fill(sg_former *f, sg_kernel *kernel, sg_workspace *ws,
                         const sg_gradient_request *request, const sg_run *run,
                         const sg_message *const *message, const sg_kernel_set *set,
                         const double **payload) {
  if (!SG_ROOM(f->out, f->out_room, set->n_messages)) return SG_NO_MEMORY;
  for (;;) { /* What is formed from others comes after them. */
    int ready = 0;
    for (int i = 0; i < set->n_messages; i++) {
      bool missing = !payload[i];
      for (int t = set->link_start ? set->link_start[i] : 0;
           missing && set->link_start && t < set->link_start[i + 1]; t++)
        missing = payload[set->link[t].message] != NULL;
      f->out[i] = NULL;
      if (!missing) continue;
      if (!make_buffer(f, message[i]->id)) return SG_NO_MEMORY;
      f->out[i] = f->payload[message[i]->id].x;
      ready++;
    }
    if (ready == 0) return SG_OK;
    sg_status status = sg_kernel_form(kernel, f->world->problem, ws, request, set, f->out);
    for (int i = 0; i < set->n_messages && !status; i++) {
      if (!f->out[i]) continue;
      sg_run_sent sent = sg_run_sent_of(run, message[i]);
      double bits;
      status = compress(f, &sent, &bits);
      payload[i] = f->out[i];
    }
    if (status) return status;
  }
}
