/* SPDX-License-Identifier: MIT */
/* What of the queue in front of a receiver is not for every message: see ingress.h. */
#include "models/network/ingress.h"
#include "models/network/model.h"
#include "sim/core/array.h"

#include <stdlib.h>
#include <string.h>

sg_ingress *sg_ingress_new(const sg_network *network) {
  sg_ingress *q = calloc(1, sizeof *q);
  if (q)
    *q = (sg_ingress){
        .kind = network->ingress, .bandwidth = network->ingress_bandwidth, .next = INFINITY};
  return q;
}

void sg_ingress_free(sg_ingress *q) {
  if (!q) return;
  free(q->row);
  free(q->heap);
  free(q);
}

/* The served part of a row is given up before the row grows. */
bool sg_ingress_grow_row(sg_ingress *q) {
  int left = q->end - q->first;
  if (q->first > 0) memmove(q->row, q->row + q->first, (size_t)left * sizeof *q->row);
  q->first = 0;
  q->end = left;
  return 2 * left < q->row_capacity || SG_ROOM(q->row, q->row_capacity, q->row_capacity + 1);
}

/* --- Those that overtake: a binary heap ------------------------------------------------------- */

bool sg_ingress_push_heap(sg_ingress *q, const sg_ingress_entry *x) {
  if (!SG_ROOM(q->heap, q->heap_capacity, q->heaped + 1)) return false;
  sg_ingress_entry *heap = q->heap;
  int i = q->heaped++;
  for (; i > 0 && sg_ingress_before(x, &heap[(i - 1) / 2]); i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = *x;
  return true;
}

void sg_ingress_pop_heap(sg_ingress *q) {
  sg_ingress_entry *heap = q->heap, x = heap[--q->heaped];
  int i = 0;
  for (int child; (child = 2 * i + 1) < q->heaped; i = child) {
    if (child + 1 < q->heaped && sg_ingress_before(&heap[child + 1], &heap[child])) child++;
    if (!sg_ingress_before(&heap[child], &x)) break;
    heap[i] = heap[child];
  }
  heap[i] = x;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

int sg_ingress_drop(sg_ingress *q, double now) {
  if (q->count == 0) return -1;
  /* The last place of a heap, or of a row, is free to go. */
  int message = q->heaped > 0 ? q->heap[--q->heaped].message : q->row[--q->end].message;
  if (--q->count == 0) sg_ingress_become_idle(q, now);
  return message;
}

void sg_ingress_shift(sg_ingress *q, double shift) {
  q->since -= shift;
  q->next -= shift;
  q->busy_since -= shift;
  for (int i = q->first; i < q->end; i++) q->row[i].time -= shift;
  for (int i = 0; i < q->heaped; i++) q->heap[i].time -= shift;
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
