/* SPDX-License-Identifier: MIT */
/* Dealing things out evenly at random. */
#include "codes/tools/fewest.h"

#include <assert.h>

void sg_fewest_begin(sg_fewest *f, int count, int *order) {
  *f = (sg_fewest){.count = count, .low = count, .order = order};
  for (int i = 0; i < count; i++) order[i] = i;
}

static void swap(sg_fewest *f, int i, int j) {
  int kept = f->order[i];
  f->order[i] = f->order[j];
  f->order[j] = kept;
}

int sg_fewest_take(sg_fewest *f, sg_stream *random) {
  int at = f->taken, end = at < f->low ? f->low : f->count;
  assert(at < f->count);
  swap(f, at, at + (int)(sg_uniform(random) * (end - at)));
  f->taken++;
  return f->order[at];
}

void sg_fewest_end_round(sg_fewest *f) {
  int left = f->low - f->taken;
  if (left > 0) {
    /* The last ones of those with the fewest take the places of those that were taken. */
    for (int k = 0; k < f->taken && k < left; k++) swap(f, k, f->low - 1 - k);
    f->low = left;
  } else {
    /* All of these have gone up by one, and whoever else was taken is above the others: from now on
     * these are the ones with the fewest. */
    for (int k = f->taken - 1, at = f->count - 1; k >= f->low; k--, at--) swap(f, k, at);
    f->low = f->count + left;
  }
  f->taken = 0;
}
