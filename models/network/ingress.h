/* SPDX-License-Identifier: MIT */
/* The queue in front of one receiver: one message after another, or all sharing the bandwidth. It
 * holds message numbers (the caller's), not messages.
 *
 * Fifo keeps when its head began: O(1). Fair-share (processor sharing) goes by virtual finish:
 * virtual time is the bytes that a message present since the beginning would have been given; it
 * grows by bandwidth / queued, and a message that comes at virtual time V with b bytes is through
 * at V + b, whoever comes or goes in between. Virtual time does not run backwards, so that messages
 * of one size are through in the order in which they came: whoever is through last when it comes
 * stands in a row, O(1), and only the others in a heap, O(log queued).
 *
 * Inline, since an event loop calls these for every message. */
#ifndef SG_MODELS_INGRESS_H
#define SG_MODELS_INGRESS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct sg_network;

typedef enum sg_ingress_kind {
  SG_INGRESS_UNLIMITED,
  SG_INGRESS_FIFO,
  SG_INGRESS_FAIR_SHARE
} sg_ingress_kind;

typedef struct sg_ingress_entry {
  double finish;      /* fair-share: virtual finish */
  double bytes, time; /* when it came */
  uint32_t number;    /* of arrival, for equal finishes */
  int message;
} sg_ingress_entry;

typedef struct sg_ingress_used {
  double busy_s;   /* the link was */
  double queued_s; /* that the messages taken waited: from coming to being taken, without the time
                      that each would have needed alone */
  long taken;      /* messages */
} sg_ingress_used;

typedef struct sg_ingress {
  sg_ingress_kind kind;
  int count; /* in row and heap */
  double bandwidth;
  sg_ingress_entry *row; /* [first, end), sorted */
  int first, end, row_capacity;
  int heaped, heap_capacity;
  sg_ingress_entry *heap;
  uint32_t number;
  double since; /* fifo: when the head began; fair-share: when `virtual_time` was right */
  double virtual_time;
  double next;          /* when the head is through */
  double busy_since;    /* while count > 0 */
  sg_ingress_used used; /* since sg_ingress_usage */
} sg_ingress;

sg_ingress *sg_ingress_new(const struct sg_network *network);
void sg_ingress_free(sg_ingress *q);

/* Then messages are delivered at once: no queue. */
static inline bool sg_ingress_unlimited(const sg_ingress *q) {
  return q->kind == SG_INGRESS_UNLIMITED;
}

/* For these functions alone. */
bool sg_ingress_grow_row(sg_ingress *q);
bool sg_ingress_push_heap(sg_ingress *q, const sg_ingress_entry *x);
void sg_ingress_pop_heap(sg_ingress *q);

static inline bool sg_ingress_before(const sg_ingress_entry *a, const sg_ingress_entry *b) {
  return a->finish < b->finish || (a->finish == b->finish && (int32_t)(a->number - b->number) < 0);
}

static inline bool sg_ingress_heap_first(const sg_ingress *q) {
  return q->heaped > 0 && (q->first == q->end || sg_ingress_before(q->heap, &q->row[q->first]));
}

static inline const sg_ingress_entry *sg_ingress_head(const sg_ingress *q) {
  return sg_ingress_heap_first(q) ? q->heap : &q->row[q->first];
}

/* Finds when the head is through. */
static inline void sg_ingress_look_ahead(sg_ingress *q) {
  const sg_ingress_entry *head = sg_ingress_head(q);
  if (q->kind == SG_INGRESS_FIFO) {
    q->next = q->since + head->bytes / q->bandwidth;
  } else {
    double left = head->finish - q->virtual_time;
    q->next = q->since + (left > 0 ? left * q->count / q->bandwidth : 0);
  }
}

/* A message of `bytes` has come to the queue at time now. false: no memory. */
static inline bool sg_ingress_push(sg_ingress *q, double now, int message, double bytes) {
  bool shares = q->kind == SG_INGRESS_FAIR_SHARE;
  if (q->end == q->row_capacity && !sg_ingress_grow_row(q)) return false;
  if (q->count == 0) {
    q->since = q->busy_since = now;
    q->virtual_time = 0;
  } else if (shares) {
    q->virtual_time += (now - q->since) * q->bandwidth / q->count;
    q->since = now;
  }
  sg_ingress_entry x = {.finish = q->virtual_time + bytes,
                        .bytes = bytes,
                        .time = now,
                        .number = q->number++,
                        .message = message};
  if (!shares || q->first == q->end || x.finish >= q->row[q->end - 1].finish)
    q->row[q->end++] = x;
  else if (!sg_ingress_push_heap(q, &x))
    return false;
  q->count++;
  if (shares || q->count == 1) sg_ingress_look_ahead(q);
  return true;
}

/* The time of the next delivery, INFINITY if nothing is queued. */
static inline double sg_ingress_next(const sg_ingress *q) {
  return q->next;
}

/* Which message that is; of a queue that is not empty. */
static inline int sg_ingress_first(const sg_ingress *q) {
  return sg_ingress_head(q)->message;
}

/* A message that will be taken some k later, −1: nobody knows. For who fetches memory ahead. */
static inline int sg_ingress_ahead(const sg_ingress *q, int k) {
  return q->end - q->first > k ? q->row[q->first + k].message : -1;
}

/* The last message is out of the queue. */
static inline void sg_ingress_become_idle(sg_ingress *q, double now) {
  q->used.busy_s += now - q->busy_since;
  q->virtual_time = 0;
  q->next = INFINITY;
  q->first = q->end = 0;
}

/* Takes the message delivered at sg_ingress_next. */
static inline int sg_ingress_pop(sg_ingress *q) {
  double now = q->next;
  const sg_ingress_entry head = *sg_ingress_head(q);
  /* The finish is exact, time is rounded. */
  q->virtual_time = head.finish;
  q->since = now;
  if (sg_ingress_heap_first(q))
    sg_ingress_pop_heap(q);
  else
    q->first++;
  q->count--;
  double waited = now - head.time - head.bytes / q->bandwidth;
  if (waited > 0) q->used.queued_s += waited;
  q->used.taken++;
  if (q->count == 0)
    sg_ingress_become_idle(q, now);
  else
    sg_ingress_look_ahead(q);
  return head.message;
}

/* Nothing that is queued is wanted any more at time now: takes out a message, −1 when none is left.
 * To be called until then. */
int sg_ingress_drop(sg_ingress *q, double now);
/* All times that the queue holds move by −shift: times are relative to the iteration's start. */
void sg_ingress_shift(sg_ingress *q, double shift);
/* What has happened since the last call. */
sg_ingress_used sg_ingress_usage(sg_ingress *q, double now);

#endif
