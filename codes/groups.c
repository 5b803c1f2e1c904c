/* SPDX-License-Identifier: MIT */
#include "codes/groups.h"

#include <stdlib.h>
#include <string.h>

const char *const sg_grouping_names[] = {"in-order", "by-speed", NULL};

typedef struct ranked {
  double speed;
  int worker;
} ranked;

static int slower_first(const void *x, const void *y) {
  const ranked *a = x, *b = y;
  if (a->speed != b->speed) return a->speed < b->speed ? -1 : 1;
  return (a->worker > b->worker) - (a->worker < b->worker);
}

static void deal(const sg_groups *g, const ranked *worker, int *group) {
  for (int i = 0; i < g->workers; i++) {
    int pass = i / g->count, at = i % g->count;
    /* What is left after full passes goes to the larger groups, which are the first. */
    bool back = pass % 2 && pass < g->least;
    group[worker[i].worker] = back ? g->count - 1 - at : at;
  }
}

sg_status sg_groups_new(sg_code *code, int count, int grouping, sg_groups *out, sg_error *e) {
  int n = code->shape.workers;
  int *group = sg_code_alloc(code, (size_t)n, sizeof *group);
  int *position = sg_code_alloc(code, (size_t)n, sizeof *position);
  int *have = calloc((size_t)count, sizeof *have);
  ranked *worker = calloc((size_t)n, sizeof *worker);
  bool ok = group && position && have && worker;
  *out = (sg_groups){.workers = n,
                     .count = count,
                     .least = n / count,
                     .most = n / count + (n % count != 0),
                     .larger = n % count,
                     .group = group,
                     .position = position};
  if (ok && grouping == SG_BY_SPEED) {
    for (int i = 0; i < n; i++) worker[i] = (ranked){code->shape.speed[i], i};
    qsort(worker, (size_t)n, sizeof *worker, slower_first);
    deal(out, worker, group);
  } else if (ok) {
    for (int i = 0, k = 0, left = sg_group_size(out, 0); i < n; i++) {
      group[i] = k;
      if (--left == 0) left = sg_group_size(out, ++k);
    }
  }
  for (int i = 0; ok && i < n; i++) position[i] = have[group[i]]++;
  free(have);
  free(worker);
  return ok ? SG_OK : sg_fail_memory(e);
}

size_t sg_groups_scratch(const sg_groups *g, int messages) {
  return (size_t)g->count + 2 + (size_t)messages;
}

/* Positions rise with the worker's number in each group, and messages come sorted by worker: a
 * counting sort keeps that order. */
void sg_groups_sort(const sg_groups *g, const sg_used *used, int *scratch, int **first,
                    int **order) {
  int *begin = scratch; /* count + 2; begin[k + 1] moves while group k is filled */
  *order = scratch + g->count + 2;
  memset(begin, 0, ((size_t)g->count + 2) * sizeof *begin);
  for (int i = 0; i < used->count; i++) begin[g->group[used->message[i]->from] + 2]++;
  for (int k = 2; k <= g->count + 1; k++) begin[k] += begin[k - 1];
  for (int i = 0; i < used->count; i++) (*order)[begin[g->group[used->message[i]->from] + 1]++] = i;
  *first = begin;
}
