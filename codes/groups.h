/* SPDX-License-Identifier: MIT */
/* Workers in groups: who is in which, at which position, and messages sorted by group. */
#ifndef SG_CODES_GROUPS_H
#define SG_CODES_GROUPS_H

#include "codes/code.h"

/* in-order: groups of workers that follow one another. by-speed: workers sorted by their known
 * speed, slowest first, are dealt out to the groups, back and forth, so that the slowest are in
 * different groups. (The idea of Buyukates et al. 2020, arXiv:2011.01922, for known speeds.) */
enum { SG_IN_ORDER, SG_BY_SPEED };
extern const char *const sg_grouping_names[];

typedef struct sg_groups {
  int workers, count;
  int least, most; /* sizes: ⌊workers/count⌋ and, for the first groups if need be, one more */
  int larger;      /* how many groups have one more */
  const int *group, *position; /* per worker */
} sg_groups;

/* Memory is the code's. */
sg_status sg_groups_new(sg_code *code, int count, int grouping, sg_groups *out, sg_error *e);

static inline int sg_group_size(const sg_groups *g, int group) {
  return g->least + (group < g->larger);
}

/* How many ints sg_groups_sort needs. */
size_t sg_groups_scratch(const sg_groups *g, int messages);

/* Messages of group k are used->message[order[i]], first[k] ≤ i < first[k + 1], by position and
 * tag. */
void sg_groups_sort(const sg_groups *g, const sg_used *used, int *scratch, int **first,
                    int **order);

#endif
