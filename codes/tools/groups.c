/* SPDX-License-Identifier: MIT */
/* Who is in which group, and the weights group by group. */
#include "codes/tools/groups.h"
#include "codes/tools/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_groups_sizes[] = {"even", "uneven", NULL};
enum { EVEN };
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

sg_status sg_groups_make(sg_code *code, int count, int grouping, sg_groups *out, sg_error *e) {
  int n = code->shape.workers;
  int *group = sg_code_alloc(code, (size_t)n, sizeof *group);
  int *position = sg_code_alloc(code, (size_t)n, sizeof *position);
  ranked *worker = calloc((size_t)n, sizeof *worker + sizeof(int));
  int *have = (int *)(void *)(worker + n); /* of each group */
  bool ok = group && position && worker;
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
  free(worker);
  return ok ? SG_OK : sg_fail_memory(e);
}

sg_status sg_groups_read(sg_code *code, const sg_values *values, sg_groups *out, sg_error *e) {
  long d = sg_int(values, "d");
  int n = code->shape.workers;
  char list[200];
  if (d > n)
    return sg_fail_at(e, values, "d", "expected d ≤ n = %d (divisors: %s), found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), d);
  if (n % d != 0 && sg_choice(values, "groups") == EVEN)
    return sg_fail_at(e, values, "d",
                      "expected d dividing n = %d (%s), or \"groups\": \"uneven\", found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), d);
  return sg_groups_make(code, n / (int)d, sg_choice(values, "grouping"), out, e);
}

/* Messages of group k are used->message[order[i]], first[k] ≤ i < first[k + 1]. Positions rise with
 * the worker's number in each group, and messages come sorted by worker: a counting sort keeps that
 * order. first: count + 2 numbers. */
static void sort_by_group(const sg_groups *g, const sg_used *used, int *first, int *order) {
  /* first[k + 1] moves while group k is filled. */
  memset(first, 0, ((size_t)g->count + 2) * sizeof *first);
  for (int i = 0; i < used->count; i++) first[g->group[used->message[i]->from] + 2]++;
  for (int k = 2; k <= g->count + 1; k++) first[k] += first[k - 1];
  for (int i = 0; i < used->count; i++) order[first[g->group[used->message[i]->from] + 1]++] = i;
}

/* w ← w B, row by row; returns its flops. row: m numbers of workspace. */
static double unbias(int m, int count, const double *b, double *w, double *row) {
  for (int i = 0; i < count; i++) {
    double *of = w + i * m;
    for (int v = 0; v < m; v++) {
      row[v] = 0;
      for (int u = 0; u < m; u++) row[v] += of[u] * b[u * m + v];
    }
    memcpy(of, row, (size_t)m * sizeof *row);
  }
  return 2.0 * m * m * count;
}

sg_status sg_groups_weights(const sg_groups *g, int each,
                            int (*column_of)(const void *self, int size, int position, int tag),
                            const void *self, const sg_used *used) {
  sg_decode_info *info = used->info;
  int m = g->inner[1]->m, most = g->most * each;
  size_t solving = sg_inner_scratch(g->inner[1], most), rows = (size_t)most * (size_t)m;
  size_t ints = (size_t)most + (size_t)g->count + 2 + (size_t)used->count;
  double *w = sg_used_scratch(used, solving + (rows + (size_t)m) * sizeof *w + ints * sizeof(int));
  if (!w) return SG_NO_MEMORY;
  double *row = w + rows;
  void *scratch = row + m;
  int *column = (int *)(void *)((char *)scratch + solving), *first = column + most;
  int *order = first + g->count + 2;
  sort_by_group(g, used, first, order);
  for (int group = 0; group < g->count; group++) {
    int count = first[group + 1] - first[group], size = sg_group_size(g, group);
    int *at = order + first[group];
    for (int i = 0; i < count; i++) { /* sorted by column, by insertion */
      int message = at[i], k = i;
      const sg_message *view = used->message[message];
      int c = g->position[view->from];
      if (column_of) c = column_of(self, size, c, view->tag);
      for (; k > 0 && column[k - 1] > c; k--) {
        column[k] = column[k - 1];
        at[k] = at[k - 1];
      }
      column[k] = c;
      at[k] = message;
    }
    double cond1, flops;
    sg_status status =
        sg_inner_weights(sg_group_inner(g, group), count, column, w, scratch, &cond1, &flops);
    if (status == SG_UNDECODABLE && g->below) {
      if (count == 0) continue;
      status =
          sg_inner_nearest(sg_group_inner(g, group), count, column, w, scratch, &cond1, &flops);
    }
    if (status) return status;
    if (g->unbias) flops += unbias(m, count, g->unbias + (size_t)group * (size_t)(m * m), w, row);
    info->cond1 = fmax(info->cond1, cond1);
    info->flops += flops;
    for (int i = 0; i < count; i++) memcpy(used->W + at[i] * m, w + i * m, (size_t)m * sizeof *w);
  }
  return SG_OK;
}
