/* SPDX-License-Identifier: MIT */
/* Growing arrays: see array.h. */
#include "sim/core/array.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 16 };

bool sg_array_grow(void *array, size_t *capacity, size_t wanted, size_t size) {
  size_t larger = *capacity > LEAST / 2 ? 2 * *capacity : LEAST;
  if (larger < wanted) larger = wanted;
  if (larger > SIZE_MAX / size) return false;
  void *old, *moved;
  memcpy(&old, array, sizeof old); /* the pointer may be to any type */
  moved = realloc(old, larger * size);
  if (!moved) return false;
  memcpy(array, &moved, sizeof moved);
  *capacity = larger;
  return true;
}

bool sg_array_grow_int(void *array, int *capacity, size_t wanted, size_t size) {
  size_t larger = (size_t)*capacity;
  if (wanted > INT_MAX || larger > INT_MAX / 2) return false;
  if (!sg_array_grow(array, &larger, wanted, size)) return false;
  *capacity = (int)larger;
  return true;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void sg_sort_doubles(double *x, size_t n) {
  qsort(x, n, sizeof *x, ascending);
}
