/* SPDX-License-Identifier: MIT */
/* The queue in front of a receiver: one message after another, or all sharing the bandwidth.
 *
 * Fifo is a row in the order of arrival and keeps when its head began: O(1). Fair-share (processor
 * sharing) is a binary heap by virtual finish, O(log queued): virtual time is the bytes that a
 * message present since the beginning would have been given; it grows by bandwidth / queued, and a
 * message that comes at virtual time V with b bytes is through at V + b, whoever comes or goes in
 * between. */
#include "models/network/model.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  double finish;   /* fair-share: virtual finish */
  uint32_t number; /* of arrival, for equal finishes */
  int message;
} entry;

typedef struct arrival { /* of a message */
  double bytes, time;
} arrival;

struct sg_ingress {
  sg_ingress_kind kind;
  double bandwidth;
  entry *queued; /* [first, first + count) */
  int first, count, capacity;
  arrival *arrival; /* by message */
  int arrivals;
  uint32_t number;
  double since; /* fifo: when the head began; fair-share: when `virtual_time` was right */
  double virtual_time;
  double next;          /* when the head is through */
  double busy_since;    /* while count > 0 */
  sg_ingress_used used; /* since sg_ingress_usage */
};

sg_ingress *sg_ingress_new(const sg_network *network) {
  sg_ingress *q = calloc(1, sizeof *q);
  if (q)
    *q = (sg_ingress){
        .kind = network->ingress, .bandwidth = network->ingress_bandwidth, .next = INFINITY};
  return q;
}

void sg_ingress_free(sg_ingress *q) {
  if (!q) return;
  free(q->queued);
  free(q->arrival);
  free(q);
}

bool sg_ingress_unlimited(const sg_ingress *q) {
  return q->kind == SG_INGRESS_UNLIMITED;
}

/* --- Order ------------------------------------------------------------------------------------ */

static bool before(const entry *a, const entry *b) {
  return a->finish < b->finish || (a->finish == b->finish && (int32_t)(a->number - b->number) < 0);
}

static void sift_up(entry *heap, int i, entry x) {
  for (; i > 0 && before(&x, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = x;
}

static void sift_down(entry *heap, int count, int i, entry x) {
  for (int child; (child = 2 * i + 1) < count; i = child) {
    if (child + 1 < count && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &x)) break;
    heap[i] = heap[child];
  }
  heap[i] = x;
}

static bool make_room(sg_ingress *q, int message) {
  if (q->first + q->count == q->capacity) {
    /* The served part of a row is given up before the row grows. */
    if (q->first > 0) {
      memmove(q->queued, q->queued + q->first, (size_t)q->count * sizeof *q->queued);
      q->first = 0;
    }
    if (2 * q->count >= q->capacity && !SG_ROOM(q->queued, q->capacity, q->capacity + 1))
      return false;
  }
  return SG_ROOM(q->arrival, q->arrivals, message + 1);
}

/* Takes the next to be delivered off the queue. */
static int take_head(sg_ingress *q) {
  int message = q->queued[q->first].message;
  q->count--;
  if (q->kind == SG_INGRESS_FIFO)
    q->first++;
  else if (q->count > 0)
    sift_down(q->queued, q->count, 0, q->queued[q->count]);
  return message;
}

/* --- Service ---------------------------------------------------------------------------------- */

/* Brings virtual time up to `now`. */
static void run_to(sg_ingress *q, double now) {
  if (q->kind != SG_INGRESS_FAIR_SHARE || q->count == 0) return;
  q->virtual_time += (now - q->since) * q->bandwidth / q->count;
  q->since = now;
}

/* Finds when the head is through. */
static void look_ahead(sg_ingress *q) {
  const entry *head = &q->queued[q->first];
  if (q->kind == SG_INGRESS_FIFO) {
    q->next = q->since + q->arrival[head->message].bytes / q->bandwidth;
  } else {
    double left = head->finish - q->virtual_time;
    q->next = q->since + (left > 0 ? left * q->count / q->bandwidth : 0);
  }
}

static void become_idle(sg_ingress *q, double now) {
  q->used.busy_s += now - q->busy_since;
  q->virtual_time = 0;
  q->next = INFINITY;
  q->first = 0;
}

bool sg_ingress_push(sg_ingress *q, double now, int message, double bytes) {
  if (!make_room(q, message)) return false;
  if (q->count == 0) {
    q->since = q->busy_since = now;
    q->virtual_time = 0;
  }
  run_to(q, now);
  q->arrival[message] = (arrival){.bytes = bytes, .time = now};
  entry x = {.finish = q->virtual_time + bytes, .number = q->number++, .message = message};
  if (q->kind == SG_INGRESS_FIFO)
    q->queued[q->first + q->count++] = x;
  else
    sift_up(q->queued, q->count++, x);
  if (q->kind == SG_INGRESS_FAIR_SHARE || q->count == 1) look_ahead(q);
  return true;
}

double sg_ingress_next(const sg_ingress *q) {
  return q->next;
}

int sg_ingress_first(const sg_ingress *q) {
  return q->queued[q->first].message;
}

int sg_ingress_pop(sg_ingress *q) {
  double now = q->next;
  /* Not by run_to: the finish is exact, time is rounded. */
  q->virtual_time = q->queued[q->first].finish;
  q->since = now;
  int message = take_head(q);
  const arrival *came = &q->arrival[message];
  double waited = now - came->time - came->bytes / q->bandwidth;
  if (waited > 0) q->used.queued_s += waited;
  q->used.taken++;
  if (q->count == 0)
    become_idle(q, now);
  else
    look_ahead(q);
  return message;
}

int sg_ingress_drop(sg_ingress *q, double now) {
  if (q->count == 0) return -1;
  /* The last place of a heap, or of a row, is free to go. */
  int message = q->queued[q->first + --q->count].message;
  if (q->count == 0) become_idle(q, now);
  return message;
}

void sg_ingress_shift(sg_ingress *q, double shift) {
  q->since -= shift;
  q->next -= shift;
  q->busy_since -= shift;
  for (int i = q->first; i < q->first + q->count; i++)
    q->arrival[q->queued[i].message].time -= shift;
}

sg_ingress_used sg_ingress_usage(sg_ingress *q, double now) {
  if (q->count > 0) {
    q->used.busy_s += now - q->busy_since;
    q->busy_since = now;
  }
  sg_ingress_used used = q->used;
  q->used = (sg_ingress_used){0};
  return used;
}
