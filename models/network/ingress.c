/* SPDX-License-Identifier: MIT */
/* The queue in front of a receiver: one message after another, or all sharing the bandwidth.
 *
 * Both are one binary heap with an index from message to place, so that every operation takes
 * O(log queued). Fifo orders by number of arrival and keeps when the head began. Fair-share
 * (processor sharing) orders by virtual finish: virtual time is the bytes that a message present
 * since the beginning would have been given; it grows by bandwidth / queued, and a message that
 * comes at virtual time V with b bytes is through at V + b, whoever comes or goes in between. */
#include "models/network/ingress.h"

#include <math.h>
#include <stdlib.h>

typedef struct entry {
  double finish;   /* fair-share: virtual finish; fifo: 0 */
  uint64_t number; /* of arrival */
  double bytes, arrived;
  int message;
} entry;

struct sg_ingress {
  sg_ingress_kind kind;
  double bandwidth;
  entry *heap;
  int count, capacity;
  int *place; /* of each message in the heap, −1: not there */
  int places;
  uint64_t number;
  double since; /* fifo: when the head began; fair-share: when `virtual_time` was right */
  double virtual_time;
  double busy_since;    /* while count > 0 */
  sg_ingress_used used; /* since sg_ingress_usage */
};

sg_ingress *sg_ingress_make(sg_ingress_kind kind, double bandwidth) {
  sg_ingress *q = calloc(1, sizeof *q);
  if (q) *q = (sg_ingress){.kind = kind, .bandwidth = bandwidth};
  return q;
}

void sg_ingress_free(sg_ingress *q) {
  if (!q) return;
  free(q->heap);
  free(q->place);
  free(q);
}

bool sg_ingress_unlimited(const sg_ingress *q) {
  return q->kind == SG_INGRESS_UNLIMITED;
}

/* --- Heap ------------------------------------------------------------------------------------- */

static bool before(const entry *a, const entry *b) {
  return a->finish < b->finish || (a->finish == b->finish && a->number < b->number);
}

static void put(sg_ingress *q, int i, entry x) {
  q->heap[i] = x;
  q->place[x.message] = i;
}

static void sift_up(sg_ingress *q, int i, entry x) {
  for (; i > 0 && before(&x, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
    put(q, i, q->heap[(i - 1) / 2]);
  put(q, i, x);
}

static void sift_down(sg_ingress *q, int i, entry x) {
  for (int child; (child = 2 * i + 1) < q->count; i = child) {
    if (child + 1 < q->count && before(&q->heap[child + 1], &q->heap[child])) child++;
    if (!before(&q->heap[child], &x)) break;
    put(q, i, q->heap[child]);
  }
  put(q, i, x);
}

static void take_out(sg_ingress *q, int i) {
  q->place[q->heap[i].message] = -1;
  entry last = q->heap[--q->count];
  if (i == q->count) return;
  if (i > 0 && before(&last, &q->heap[(i - 1) / 2]))
    sift_up(q, i, last);
  else
    sift_down(q, i, last);
}

static bool make_room(sg_ingress *q, int message) {
  if (q->count == q->capacity) {
    int capacity = q->capacity ? 2 * q->capacity : 64;
    entry *heap = realloc(q->heap, (size_t)capacity * sizeof *heap);
    if (!heap) return false;
    q->heap = heap;
    q->capacity = capacity;
  }
  if (message >= q->places) {
    int places = q->places ? q->places : 64;
    while (places <= message) places *= 2;
    int *place = realloc(q->place, (size_t)places * sizeof *place);
    if (!place) return false;
    for (int i = q->places; i < places; i++) place[i] = -1;
    q->place = place;
    q->places = places;
  }
  return true;
}

/* --- Service ---------------------------------------------------------------------------------- */

/* Brings virtual time up to `now`. */
static void run_to(sg_ingress *q, double now) {
  if (q->kind != SG_INGRESS_FAIR_SHARE || q->count == 0) return;
  q->virtual_time += (now - q->since) * q->bandwidth / q->count;
  q->since = now;
}

static void become_idle(sg_ingress *q, double now) {
  q->used.busy_s += now - q->busy_since;
  q->virtual_time = 0;
}

bool sg_ingress_push(sg_ingress *q, double now, int message, double bytes) {
  if (!make_room(q, message)) return false;
  if (q->count == 0) {
    q->since = q->busy_since = now;
    q->virtual_time = 0;
  }
  run_to(q, now);
  entry x = {.finish = q->kind == SG_INGRESS_FAIR_SHARE ? q->virtual_time + bytes : 0,
             .number = q->number++,
             .bytes = bytes,
             .arrived = now,
             .message = message};
  sift_up(q, q->count++, x);
  return true;
}

double sg_ingress_next(const sg_ingress *q) {
  if (q->count == 0) return INFINITY;
  if (q->kind == SG_INGRESS_FIFO) return q->since + q->heap[0].bytes / q->bandwidth;
  double left = q->heap[0].finish - q->virtual_time;
  return q->since + (left > 0 ? left * q->count / q->bandwidth : 0);
}

int sg_ingress_pop(sg_ingress *q) {
  double now = sg_ingress_next(q);
  entry head = q->heap[0];
  double waited = now - head.arrived - head.bytes / q->bandwidth;
  if (waited > 0) q->used.queued_s += waited;
  q->used.taken++;
  /* Not by run_to: the finish is exact, time is rounded. */
  q->virtual_time = head.finish;
  q->since = now;
  take_out(q, 0);
  if (q->count == 0) become_idle(q, now);
  return head.message;
}

void sg_ingress_remove(sg_ingress *q, double now, int message) {
  int i = message < q->places ? q->place[message] : -1;
  if (i < 0) return;
  run_to(q, now);
  take_out(q, i);
  if (i == 0 && q->kind == SG_INGRESS_FIFO) q->since = now;
  if (q->count == 0) become_idle(q, now);
}

void sg_ingress_clear(sg_ingress *q) {
  for (int i = 0; i < q->count; i++) q->place[q->heap[i].message] = -1;
  q->count = 0;
  q->virtual_time = 0;
}

void sg_ingress_shift(sg_ingress *q, double shift) {
  q->since -= shift;
  q->busy_since -= shift;
  for (int i = 0; i < q->count; i++) q->heap[i].arrived -= shift;
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
