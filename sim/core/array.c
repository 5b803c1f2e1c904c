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

/* Of runs this long, by insertion, merging begins. */
enum { RUN = 16 };

static void sort_run(double *x, size_t n) {
  for (size_t i = 1; i < n; i++) {
    double moved = x[i];
    size_t at = i;
    for (; at > 0 && x[at - 1] > moved; at--) x[at] = x[at - 1];
    x[at] = moved;
  }
}

/* a and b, both sorted, into `to`; of equals those of a first. Which one is next is no branch: half
 * of these would be mispredicted. */
static void merge(const double *a, size_t n, const double *b, size_t m, double *to) {
  const double *end_a = a + n, *end_b = b + m;
  while (a < end_a && b < end_b) {
    double x = *a, y = *b;
    bool second = y < x;
    *to++ = second ? y : x;
    a += !second;
    b += second;
  }
  memcpy(to, a, (size_t)(end_a - a) * sizeof *a);
  memcpy(to + (end_a - a), b, (size_t)(end_b - b) * sizeof *b);
}

/* Stable, which qsort need not be (it stands in where there is no memory), so that zeros of both
 * signs keep their order. */
void sg_sort_doubles(double *x, size_t n) {
  double *room = n > RUN && n < SIZE_MAX / sizeof *x ? malloc(n * sizeof *x) : NULL, *from = x;
  if (n > RUN && !room) {
    qsort(x, n, sizeof *x, ascending);
    return;
  }
  for (size_t i = 0; i < n; i += RUN) sort_run(x + i, n - i < RUN ? n - i : RUN);
  for (size_t run = RUN; run < n; run *= 2) {
    double *to = from == x ? room : x;
    for (size_t i = 0; i < n; i += 2 * run) {
      size_t first = n - i < run ? n - i : run, rest = n - i - first;
      merge(from + i, first, from + i + first, rest < run ? rest : run, to + i);
    }
    from = to;
  }
  if (from != x) memcpy(x, from, n * sizeof *x);
  free(room);
}
