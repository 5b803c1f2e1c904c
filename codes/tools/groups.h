/* SPDX-License-Identifier: MIT */
/* Workers in groups: who is in which, at which position, and messages sorted by group. */
#ifndef SG_CODES_GROUPS_H
#define SG_CODES_GROUPS_H

#include "codes/frame/code.h"
#include "codes/linear/inner.h"

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
  /* For codes that use an inner code in each group: of the smaller and of the larger groups. */
  const sg_inner *inner[2];
  /* Codes that may be below their threshold (below.h): groups of too low a rank are decoded by
   * minimum norm; unbias: m × m for each group, by which estimates are multiplied; NULL: none. */
  bool below;
  const double *unbias;
} sg_groups;

/* Rows of parameter tables that say how workers are grouped; read by sg_groups_read. */
#define SG_ROWS_GROUPS                                                                              \
  SG_ROW_CHOICE("groups", sg_groups_sizes, 0,                                                       \
                "even: d divides the number of workers n; uneven: any n, in ⌊n/d⌋ groups of d " \
                "workers or more"),                                                                 \
      SG_ROW_CHOICE("grouping", sg_grouping_names, SG_IN_ORDER,                                     \
                    "who is in a group: workers that follow one another, or by known speed, so "    \
                    "that slow workers are spread over the groups")
extern const char *const sg_groups_sizes[];

/* `count` groups. Memory is the code's. */
sg_status sg_groups_make(sg_code *code, int count, int grouping, sg_groups *out, sg_error *e);

/* Groups of `d` workers, by the members d, groups and grouping. Memory is the code's. */
sg_status sg_groups_read(sg_code *code, const sg_values *values, sg_groups *out, sg_error *e);

static inline int sg_group_size(const sg_groups *g, int group) {
  return g->least + (group < g->larger);
}

static inline const sg_inner *sg_group_inner(const sg_groups *g, int group) {
  return g->inner[group < g->larger];
}

/* The weights of a code whose groups each use an inner code. A worker sends up to `each` columns of
 * it; column gives the one of a message, from the group's size and the worker's position; NULL: the
 * position. */
sg_status sg_groups_weights(const sg_groups *g, int each,
                            int (*column)(const void *self, int size, int position, int tag),
                            const void *self, const sg_used *used);

#endif
