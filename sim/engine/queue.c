/* SPDX-License-Identifier: MIT */
/* The row and the 4-ary implicit heap of events. Children of i: 4i + 1 … 4i + 4. */
#include "sim/engine/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool sg_queue_init(sg_queue *q, int kinds, int subjects) {
  assert(kinds <= SG_QUEUE_KINDS);
  *q = (sg_queue){.kinds = kinds, .subjects = subjects};
  q->alive_from = calloc((size_t)kinds * (size_t)subjects, sizeof *q->alive_from);
  return q->alive_from != NULL;
}

void sg_queue_free(sg_queue *q) {
  free(q->heap);
  free(q->row);
  free(q->scratch);
  free(q->bucket);
  free(q->alive_from);
  *q = (sg_queue){0};
}

#define before sg_queue_before

static inline void sift_up(sg_queue_event *heap, size_t i, sg_queue_event x) {
  while (i > 0) {
    size_t parent = (i - 1) / 4;
    if (!before(&x, &heap[parent])) break;
    heap[i] = heap[parent];
    i = parent;
  }
  heap[i] = x;
}

static inline void sift_down(sg_queue_event *heap, size_t count, size_t i, sg_queue_event x) {
  for (;;) {
    size_t first = 4 * i + 1, least = first;
    if (first + 4 <= count) {
      size_t left = first + before(&heap[first + 1], &heap[first]);
      size_t right = first + 2 + before(&heap[first + 3], &heap[first + 2]);
      least = before(&heap[right], &heap[left]) ? right : left;
    } else if (first < count) {
      for (size_t child = first + 1; child < count; child++)
        if (before(&heap[child], &heap[least])) least = child;
    } else {
      break;
    }
    if (!before(&heap[least], &x)) break;
    heap[i] = heap[least];
    i = least;
  }
  heap[i] = x;
}

static void heapify(sg_queue *q) {
  if (q->count > 1)
    for (size_t i = (q->count - 2) / 4 + 1; i-- > 0;) sift_down(q->heap, q->count, i, q->heap[i]);
}

/* Closes the gap that the last pop has left. */
static void fill_root(sg_queue *q) {
  if (!q->vacant) return;
  q->vacant = false;
  q->count--;
  if (q->count > 0) sift_down(q->heap, q->count, 0, q->heap[q->count]);
}

/* --- The row ---------------------------------------------------------------------------------- */

/* Each of four events goes to the place that its comparisons with the others tell. */
static inline void sort_four(const sg_queue_event *x, sg_queue_event *to) {
  int ba = before(&x[1], &x[0]), ca = before(&x[2], &x[0]), da = before(&x[3], &x[0]);
  int cb = before(&x[2], &x[1]), db = before(&x[3], &x[1]), dc = before(&x[3], &x[2]);
  to[ba + ca + da] = x[0];
  to[!ba + cb + db] = x[1];
  to[!ca + !cb + dc] = x[2];
  to[!da + !db + !dc] = x[3];
}

static void sort_fewer(const sg_queue_event *x, size_t n, sg_queue_event *to) {
  for (size_t i = 0; i < n; i++) {
    size_t place = 0;
    for (size_t j = 0; j < n; j++) place += before(&x[j], &x[i]);
    to[place] = x[i];
  }
}

/* Fours, then bottom-up merging: most of the time goes into comparisons, which are made without
 * branches. */
static void merge_row(sg_queue *q) {
  size_t n = q->end - q->next, fours = n / 4 * 4;
  sg_queue_event *from = q->scratch, *to = q->row + q->next;
  for (size_t i = 0; i < fours; i += 4) sort_four(to + i, from + i);
  sort_fewer(to + fours, n - fours, from + fours);
  for (size_t width = 4; width < n; width *= 2) {
    for (size_t begin = 0; begin < n; begin += 2 * width) {
      size_t i = begin, middle = begin + width < n ? begin + width : n, j = middle;
      size_t end = middle + width < n ? middle + width : n, k = begin;
      while (i < middle && j < end) {
        bool right = before(&from[j], &from[i]);
        to[k++] = from[right ? j : i];
        j += right;
        i += !right;
      }
      memcpy(to + k, from + i, (middle - i) * sizeof *to);
      memcpy(to + k + (middle - i), from + j, (end - j) * sizeof *to);
    }
    sg_queue_event *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != q->row + q->next) memcpy(q->row + q->next, from, n * sizeof *from);
}

/* Times of a round are spread: two buckets of equal width for each event, then each is moved past
 * the few before it that it precedes. In which bucket an event is costs no order, as that grows
 * with its time; where many share one (equal times, or one that is far off), or times are not
 * finite, nothing has been moved yet, and false says that it is for others to sort them. */
static bool sort_by_buckets(sg_queue *q) {
  enum { FEWEST = 12, CROWD = 24 };
  size_t n = q->end - q->next, buckets = 2 * n;
  sg_queue_event *row = q->row + q->next, *placed = q->scratch;
  uint32_t *start = q->bucket, *of = start + buckets + 1;
  if (n < FEWEST || n > INT32_MAX / 4) return false;
  double least = row[0].time, most = least;
  for (size_t i = 1; i < n; i++) {
    double time = row[i].time;
    least = time < least ? time : least;
    most = time > most ? time : most;
  }
  /* The greatest falls into the last bucket, or into one more. */
  double scale = (double)(buckets - 1) / (most - least);
  if (!(scale > 0 && scale < 1e300 && most < 1e300)) return false;
  memset(start, 0, (buckets + 1) * sizeof *start);
  uint32_t crowd = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t b = of[i] = (uint32_t)(int32_t)((row[i].time - least) * scale);
    uint32_t in = ++start[b];
    crowd = in > crowd ? in : crowd;
  }
  if (crowd > CROWD) return false;
  for (uint32_t b = 0, sum = 0; b < buckets; b++) {
    uint32_t in = start[b];
    start[b] = sum;
    sum += in;
  }
  for (size_t i = 0; i < n; i++) placed[start[of[i]]++] = row[i];
  row[0] = placed[0];
  for (size_t i = 1; i < n; i++) {
    size_t at = i;
    for (; at > 0 && before(&placed[i], &row[at - 1]); at--) row[at] = row[at - 1];
    row[at] = placed[i];
  }
  return true;
}

static void sort_row(sg_queue *q) {
  if (!sort_by_buckets(q)) merge_row(q);
}

bool sg_queue_grow_row(sg_queue *q) {
  size_t capacity = q->row_capacity ? 2 * q->row_capacity : 64;
  sg_queue_event *row = realloc(q->row, capacity * sizeof *row);
  if (row) q->row = row;
  sg_queue_event *scratch = realloc(q->scratch, capacity * sizeof *scratch);
  if (scratch) q->scratch = scratch;
  /* Two for each event and one more, and the bucket of each. */
  uint32_t *bucket = realloc(q->bucket, (3 * capacity + 1) * sizeof *bucket);
  if (bucket) q->bucket = bucket;
  if (!row || !scratch || !bucket) return false;
  q->row_capacity = capacity;
  return true;
}

/* --- Both ------------------------------------------------------------------------------------- */

bool sg_queue_push(sg_queue *q, double time, int kind, int subject, int value) {
  sg_queue_event x = {.time = time,
                      .key = (uint64_t)kind << 56 | q->sequence++,
                      .subject = subject,
                      .value = value};
  if (q->bulk) {
    if (q->end == q->row_capacity && !sg_queue_grow_row(q)) return false;
    q->row[q->end++] = x;
    return true;
  }
  if (q->count == q->capacity) {
    size_t capacity = q->capacity ? 2 * q->capacity : 64;
    sg_queue_event *heap = realloc(q->heap, capacity * sizeof *heap);
    if (!heap) return false;
    q->heap = heap;
    q->capacity = capacity;
  }
  if (q->vacant) {
    q->vacant = false;
    sift_down(q->heap, q->count, 0, x);
  } else {
    sift_up(q->heap, q->count++, x);
  }
  return true;
}

/* What is left of an earlier row is sorted again with the new one. */
void sg_queue_begin_bulk(sg_queue *q) {
  if (q->next > 0) memmove(q->row, q->row + q->next, (q->end - q->next) * sizeof *q->row);
  q->end -= q->next;
  q->next = 0;
  q->bulk = true;
}

void sg_queue_end_bulk(sg_queue *q) {
  q->bulk = false;
  sort_row(q);
}

#define alive sg_queue_alive

bool sg_queue_pop_before(sg_queue *q, double time, int kind, sg_queue_event *event) {
  for (;;) {
    fill_root(q);
    bool in_row = q->next < q->end && (q->count == 0 || before(&q->row[q->next], &q->heap[0]));
    if (!in_row && q->count == 0) return false;
    *event = in_row ? q->row[q->next] : q->heap[0];
    bool lives = alive(q, event);
    if (lives && (event->time > time || (event->time == time && sg_queue_kind(event) >= kind)))
      return false;
    if (in_row)
      q->next++;
    else
      q->vacant = true;
    if (lives) return true;
  }
}

/* The living among events [begin, end) move to the front, −shift earlier. How many there are. */
static size_t shift_living(const sg_queue *q, sg_queue_event *events, size_t begin, size_t end,
                           double shift) {
  size_t kept = 0;
  for (size_t i = begin; i < end; i++) {
    if (!alive(q, &events[i])) continue;
    events[kept] = events[i];
    events[kept++].time -= shift;
  }
  return kept;
}

void sg_queue_shift(sg_queue *q, double shift) {
  fill_root(q);
  q->count = shift_living(q, q->heap, 0, q->count, shift);
  heapify(q);
  q->end = shift_living(q, q->row, q->next, q->end, shift);
  q->next = 0;
}
