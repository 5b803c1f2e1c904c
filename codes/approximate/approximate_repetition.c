/* SPDX-License-Identifier: MIT */
/* Fractional repetition used approximately (Charles, Papailiopoulos, Ellenberg 2017,
 * arXiv:1711.06771): groups of d workers hold the same d blocks of n and send their sum; groups of
 * which nobody answers are lost (recalled; theory: approximate-repetition).
 *
 * Optimal decoding takes one answer of each group, in O(n): of several that of the least number, or
 * their mean, which has the same α and is the least-norm solution. With independent straggling
 * E ‖α − 1‖² = n p^d and the mean share is κ = 1 − p^d; with r of n answers, all sets alike,
 * κ = 1 − C(n − d, r)/C(n, r) (derived). Both are least possible for such a load. Where d does not
 * divide n, groups have d workers or more, as equally many as can be.
 *
 * With the stop policy {"rule": "first-of", "first": {"rule": "count", "messages": …}, "second":
 * {"rule": "coverage", "share": 1}} this is ErasureHead (Wang, Charles, Papailiopoulos 2019,
 * arXiv:1901.09671; official code): the master stops when so many have come or all groups are
 * covered, takes the first of each group and does not rescale (published), or divides by κ. */
#include "codes/tools/approximate.h"
#include "codes/tools/groups.h"

#include <string.h>

static const char *const answers[] = {"first", "mean", NULL};
enum { FIRST, MEAN };

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "computation load: workers of a group, and blocks that each of them has; where it "
               "does not divide n, groups have d or more",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("grouping", sg_grouping_names, SG_IN_ORDER,
                  "who is in a group: workers that follow one another, or by known speed, so that "
                  "slow workers are spread over the groups"),
    SG_ROW_CHOICE("answers", answers, FIRST,
                  "which of several answers of a group optimal decoding uses: the first, in the "
                  "order of the workers' numbers, or their mean"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct tables {
  sg_approximate base;
  sg_groups groups;
  int answers;
} tables;

static sg_status optimal(const sg_approximate *a, int count, const int *worker, double *w,
                         sg_scratch *scratch, sg_decode_info *info) {
  const tables *t = (const tables *)a;
  size_t size = (size_t)t->groups.count * sizeof(int);
  int *come = sg_scratch_get(scratch, size);
  if (!come) return SG_NO_MEMORY;
  memset(come, 0, size);
  for (int i = 0; i < count; i++) {
    int group = t->groups.group[worker[i]];
    if (come[group]++ == 0 || t->answers == MEAN) w[i] = 1;
  }
  for (int i = 0; t->answers == MEAN && i < count; i++)
    w[i] = 1.0 / come[t->groups.group[worker[i]]];
  if (t->answers == MEAN) info->flops = count;
  return SG_OK;
}

/* P(nobody of the group answers). */
static double lost(const sg_approximate *t, const sg_groups *groups, int group) {
  int n = groups->workers, size = sg_group_size(groups, group);
  double p = 1;
  if (t->counted) /* C(n − size, r)/C(n, r) with r = n − s */
    for (int i = 0; i < size; i++) p *= i < t->s ? (double)(t->s - i) / (n - i) : 0;
  else
    for (int j = 0; j < n; j++)
      if (groups->group[j] == group) p *= t->p[j];
  return p;
}

static sg_status fill(sg_code *code, tables *t, sg_error *e) {
  const sg_groups *groups = &t->groups;
  int n = groups->workers;
  double *ones = sg_code_alloc(code, (size_t)n, sizeof *ones);
  int *block = sg_code_alloc(code, (size_t)n, sizeof *block);
  size_t entries = 0;
  for (int k = 0; k < groups->count; k++)
    entries += (size_t)sg_group_size(groups, k) * (size_t)sg_group_size(groups, k);
  if (!ones || !block || !sg_approximate_place(code, &t->base, n, entries))
    return sg_fail_memory(e);
  for (int j = 0; j < n; j++) {
    int group = groups->group[j], size = sg_group_size(groups, group);
    int first = group * groups->least + (group < groups->larger ? group : groups->larger);
    for (int i = 0; i < size; i++) {
      ones[i] = 1;
      block[i] = first + i;
    }
    sg_sparse_add_row(&t->base.a, size, block, ones);
  }
  for (int k = 0; k < groups->count; k++)
    t->base.known += (1 - lost(&t->base, groups, k)) * sg_group_size(groups, k) / n;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long d = sg_int(values, "d");
  if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %ld", n, d);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->answers = sg_choice(values, "answers");
  t->base.optimal = optimal;
  sg_status status = sg_approximate_straggling(code, values, &t->base, e);
  if (!status)
    status = sg_groups_make(code, n / (int)d, sg_choice(values, "grouping"), &t->groups, e);
  if (!status) status = fill(code, t, e);
  return status ? status : sg_approximate_new(code, values, &t->base, e);
}

const sg_code_type sg_approximate_repetition = {
    .about = {.name = "approximate-repetition",
              .brief = "groups that repeat, the lost ones left out",
              .summary = "Fractional repetition used approximately: groups of d workers with the "
                         "same blocks, one answer of each counts, and groups without an answer are "
                         "left out. Also ErasureHead, by its stop policy. Approximate.",
              .reference = "Charles, Papailiopoulos, Ellenberg 2017, arXiv:1711.06771 (recalled); "
                           "Wang, Charles, Papailiopoulos 2019, arXiv:1901.09671 (published).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
