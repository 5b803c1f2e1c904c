/* SPDX-License-Identifier: MIT */
/* Classes of workers by largest remainder. */
#include "sim/core/classes.h"

#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_classes_orders[] = {"random", "in-order", NULL};
enum { RANDOM };

typedef struct class {
  double share, remainder;
  int index, count;
} class;

/* Largest remainder first, then the order of the list. */
static int by_remainder(const void *a, const void *b) {
  const class *x = a, *y = b;
  if (x->remainder != y->remainder) return x->remainder > y->remainder ? -1 : 1;
  return x->index - y->index;
}

static int by_index(const void *a, const void *b) {
  return ((const class *)a)->index - ((const class *)b)->index;
}

/* Whole numbers of workers in proportion to the shares, which sum to 1. */
static void apportion(class *c, int count, int workers) {
  int left = workers;
  for (int i = 0; i < count; i++) {
    /* A share that stands for a whole number must not lose a worker to rounding. */
    double exact = c[i].share * workers, whole = round(exact);
    if (fabs(exact - whole) > 1e-9 * workers) whole = floor(exact);
    c[i].count = whole > left ? left : (int)whole;
    c[i].remainder = exact - whole;
    left -= c[i].count;
  }
  qsort(c, (size_t)count, sizeof *c, by_remainder);
  for (int i = 0; left > 0; i = (i + 1) % count, left--) c[i].count++;
  qsort(c, (size_t)count, sizeof *c, by_index);
}

/* Fisher–Yates. A stream has 2^17 numbers, so that it is positioned anew every 2^16 swaps. */
static void shuffle(int *value, int count, sg_classes_of what, uint64_t seed) {
  sg_stream stream;
  for (int i = count - 1, drawn = 0; i > 0; i--, drawn++) {
    if (drawn % 65536 == 0)
      sg_stream_at(&stream, seed, 0, SG_FOR_CLASSES, (uint32_t)(drawn / 65536), (uint32_t)what, 0);
    int j = (int)(sg_uniform(&stream) * (i + 1));
    int swapped = value[i];
    value[i] = value[j];
    value[j] = swapped;
  }
}

sg_status sg_classes_assign(const sg_values *v, int workers, sg_classes_of what, uint64_t seed,
                            int *class_of, sg_error *e) {
  int count = sg_count(v, "classes");
  memset(class_of, 0, (size_t)workers * sizeof *class_of);
  if (count == 0) return SG_OK;
  class *c = calloc((size_t)count, sizeof *c);
  if (!c) return sg_fail_memory(e);
  double sum = 0;
  for (int i = 0; i < count; i++) {
    c[i] = (class){.share = sg_real(sg_item(v, "classes", i)->object, "share"), .index = i};
    sum += c[i].share;
  }
  sg_status status = SG_OK;
  if (fabs(sum - 1) > 1e-9) {
    status =
        sg_fail_at(e, v, "classes", "expected shares that sum to 1, found a sum of %.10g", sum);
  } else {
    apportion(c, count, workers);
    for (int i = 0, w = 0; i < count; i++)
      for (int j = 0; j < c[i].count; j++) class_of[w++] = i;
    if (sg_choice(v, "assign") == RANDOM) shuffle(class_of, workers, what, seed);
  }
  free(c);
  return status;
}
