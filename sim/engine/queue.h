/* SPDX-License-Identifier: MIT */
/* The event queue: a sorted row of the events that were pushed together at the start of a round,
 * and a 4-ary implicit heap of those that came since, both ordered by (time, kind, sequence).
 *
 * Simultaneous events are handled by kind (the lower number first), then in the order in which they
 * were scheduled, never by their place in the heap. Events are cancelled by (kind, subject),
 * lazily: the queue remembers from which sequence number on events of that kind and subject are
 * alive, and passes over dead ones when they come up. Pushes between sg_queue_begin_bulk and
 * sg_queue_end_bulk are sorted together, which for the start of a round is cheaper than a heap. */
#ifndef SG_SIM_QUEUE_H
#define SG_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct sg_queue_event {
  double time;  /* not negative */
  uint64_t key; /* kind << 56 | sequence */
  int subject;  /* whom it is about, 0 … subjects − 1 */
  int value;    /* the caller's own */
} sg_queue_event;

enum { SG_QUEUE_KINDS = 16 };

typedef struct sg_queue {
  sg_queue_event *heap;
  size_t count, capacity;
  sg_queue_event *row, *scratch; /* sorted but in bulk: [next, end); scratch to sort with */
  uint32_t *bucket;
  size_t next, end, row_capacity;
  bool bulk;
  bool vacant; /* heap[0] has been popped: the next push takes its place, which saves a sift */
  uint64_t sequence;
  /* From which sequence number on events are alive: of a kind and subject (kinds × subjects), of a
   * kind, and the greatest of a kind's, from which on nobody need look there. */
  uint64_t *alive_from, kind_from[SG_QUEUE_KINDS], all_from[SG_QUEUE_KINDS];
  int kinds, subjects;
} sg_queue;

/* kinds: at most SG_QUEUE_KINDS. Zero-initialised queues may be freed. false: no memory. */
bool sg_queue_init(sg_queue *q, int kinds, int subjects);
void sg_queue_free(sg_queue *q);

/* false: no memory. */
bool sg_queue_push(sg_queue *q, double time, int kind, int subject, int value);
void sg_queue_begin_bulk(sg_queue *q);
void sg_queue_end_bulk(sg_queue *q);

/* The first event that is alive and comes before all of this time and kind; false if there is none.
 * Not in bulk. */
bool sg_queue_pop_before(sg_queue *q, double time, int kind, sg_queue_event *event);

/* Whom the event is about that is k places behind the first in the row; −1: there is none. It may
 * be dead. For who fetches memory ahead. */
static inline int sg_queue_ahead(const sg_queue *q, size_t k) {
  return q->next + k < q->end ? q->row[q->next + k].subject : -1;
}

/* Cancels all events of this kind and subject that are in the queue. */
static inline void sg_queue_cancel(sg_queue *q, int kind, int subject) {
  q->alive_from[(size_t)kind * (size_t)q->subjects + (size_t)subject] = q->sequence;
  q->all_from[kind] = q->sequence;
}
static inline void sg_queue_cancel_kind(sg_queue *q, int kind) {
  q->kind_from[kind] = q->sequence;
}

/* Forgets dead events and moves all others by −shift; their order stays. */
void sg_queue_shift(sg_queue *q, double shift);

static inline int sg_queue_kind(const sg_queue_event *event) {
  return (int)(event->key >> 56);
}

/* --- Parts of these for who needs them in a loop ---------------------------------------------- */

bool sg_queue_grow_row(sg_queue *q);

/* sg_queue_push in bulk. */
static inline bool sg_queue_push_bulk(sg_queue *q, double time, int kind, int subject, int value) {
  if (q->end == q->row_capacity && !sg_queue_grow_row(q)) return false;
  q->row[q->end++] = (sg_queue_event){.time = time,
                                      .key = (uint64_t)kind << 56 | q->sequence++,
                                      .subject = subject,
                                      .value = value};
  return true;
}

/* Doubles that are not negative are ordered as their bits are. */
static inline uint64_t sg_queue_bits(double time) {
  uint64_t x;
  memcpy(&x, &time, sizeof x);
  return x;
}

/* Without branches: which of two events comes first is a coin toss to the processor. */
static inline bool sg_queue_before(const sg_queue_event *a, const sg_queue_event *b) {
  uint64_t x = sg_queue_bits(a->time), y = sg_queue_bits(b->time);
  return (x < y) | ((x == y) & (a->key < b->key));
}

static inline bool sg_queue_alive(const sg_queue *q, const sg_queue_event *x) {
  uint64_t sequence = x->key & ((UINT64_C(1) << 56) - 1);
  int kind = sg_queue_kind(x);
  if (sequence >= q->all_from[kind]) return sequence >= q->kind_from[kind];
  size_t row = (size_t)kind * (size_t)q->subjects + (size_t)x->subject;
  return sequence >= q->kind_from[kind] && sequence >= q->alive_from[row];
}

/* The next of the row if it lives, nothing in the heap goes before it and its time is below this
 * one; NULL: ask sg_queue_pop_before. To be taken off by sg_queue_next_taken. */
static inline const sg_queue_event *sg_queue_next_of_row(const sg_queue *q, double time) {
  if (q->next == q->end) return NULL;
  const sg_queue_event *x = &q->row[q->next];
  bool first = !q->vacant && (q->count == 0 || sg_queue_before(x, q->heap));
  return first && x->time < time && sg_queue_alive(q, x) ? x : NULL;
}

/* Whether all events, dead ones too, come after this time; false: ask sg_queue_pop_before. */
static inline bool sg_queue_is_later(const sg_queue *q, double time) {
  return q->count == 0 && (q->next == q->end || q->row[q->next].time > time);
}

static inline void sg_queue_next_taken(sg_queue *q) {
  q->next++;
}

#endif
