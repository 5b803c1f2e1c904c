/* SPDX-License-Identifier: MIT */
/* The non-zeros of parts by stripes of 64 columns, for gradients tile by tile. In a stripe they
 * stand row by row. A partition of one part has none: its gradients are made row by row. */
#ifndef SG_MODELS_ENTRIES_H
#define SG_MODELS_ENTRIES_H

#include "models/learning/data.h"
#include "models/learning/internal.h"

enum { SG_STRIPE_BITS = 6, SG_STRIPE = 1 << SG_STRIPE_BITS };

static inline long sg_stripe_of(long column) {
  return column >> SG_STRIPE_BITS;
}

/* Where row i of a stretch begins and, in the next number, ends. */
static inline const long *sg_entries_row(const sg_stretch *s, long i) {
  return s->sparse->start + s->first + (s->pick ? s->pick[i] : i);
}

/* How many the rows of a stretch have; these, row by row; and what makes stripes of them, where
 * they are few (spare: as many). */
size_t sg_entries_count(const sg_stretch *s);
void sg_entries_gather(const sg_stretch *s, sg_entry *out);
void sg_entries_sort(sg_entry *entry, size_t n, long columns, sg_entry *spare);

/* The first of n sorted entries from this stripe on. hint: where it may be. */
size_t sg_entries_find(const sg_entry *entry, size_t n, long stripe, size_t hint);

#endif
