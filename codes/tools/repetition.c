/* SPDX-License-Identifier: MIT */
/* Groups of workers with the same blocks. */
#include "codes/tools/repetition.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status optimal(const sg_approximate *a, int count, const int *worker, double *w,
                         sg_scratch *scratch, sg_decode_info *info) {
  const sg_repetition *t = (const sg_repetition *)a;
  size_t size = (size_t)t->groups.count * sizeof(int);
  int *come = sg_scratch_get(scratch, size);
  if (!come) return SG_NO_MEMORY;
  memset(come, 0, size);
  for (int i = 0; i < count; i++) {
    int group = t->groups.group[worker[i]];
    if (come[group]++ == 0 || t->mean) w[i] = 1;
  }
  for (int i = 0; t->mean && i < count; i++) w[i] = 1.0 / come[t->groups.group[worker[i]]];
  if (t->mean) info->flops = count;
  return SG_OK;
}

double sg_repetition_lost(const sg_repetition *t, int group) {
  int n = t->groups.workers, size = sg_group_size(&t->groups, group);
  double p = 1;
  if (t->base.counted) /* C(n − size, r)/C(n, r) with r = n − s */
    for (int i = 0; i < size; i++) p *= fmax(0, t->base.missing - i) / (n - i);
  else
    for (int j = 0; j < n; j++)
      if (t->groups.group[j] == group) p *= t->base.p[j];
  return p;
}

sg_status sg_repetition_place(sg_code *code, sg_repetition *t, sg_error *e) {
  const sg_groups *groups = &t->groups;
  int n = groups->workers;
  size_t entries = 0;
  for (int k = 0; k < groups->count; k++)
    entries += (size_t)sg_group_size(groups, k) * (size_t)sg_group_size(groups, k);
  SG_OWNED double *ones = malloc((size_t)n * sizeof *ones);
  SG_OWNED int *block = malloc((size_t)n * sizeof *block);
  if (!ones || !block || !sg_approximate_place(code, &t->base, n, entries))
    return sg_fail_memory(e);
  for (int j = 0; j < n; j++) {
    int group = groups->group[j], size = sg_group_size(groups, group);
    /* Blocks go to the groups one after another, the larger groups first. */
    int first = group * groups->least + (group < groups->larger ? group : groups->larger);
    for (int i = 0; i < size; i++) {
      ones[i] = 1;
      block[i] = first + i;
    }
    sg_sparse_add_row(&t->base.a, size, block, ones);
  }
  t->base.optimal = optimal;
  t->base.known = 0;
  for (int k = 0; k < groups->count; k++)
    t->base.known += (1 - sg_repetition_lost(t, k)) * sg_group_size(groups, k) / n;
  return SG_OK;
}
