/* SPDX-License-Identifier: MIT */
/* Combinations that a code cannot have, as `check` lists them: a rule that is broken in many
 * environments is said once. */
#include "sim/cli/session.h"
#include "sim/core/array.h"

#include <stdlib.h>
#include <string.h>

/* One rule that a point breaks. */
typedef struct broken {
  const sg_planned *point;
  const char *rule;
} broken;

/* Equal rules of equal labels side by side, in the order of the plan. */
static int by_rule(const void *a, const void *b) {
  const broken *x = a, *y = b;
  int order = strcmp(x->point->label, y->point->label);
  if (!order) order = strcmp(x->rule, y->rule);
  return order ? order : (x->point > y->point) - (x->point < y->point);
}

static bool same_rule(const broken *a, const broken *b) {
  return !strcmp(a->point->label, b->point->label) && !strcmp(a->rule, b->rule);
}

typedef struct group {
  const broken *first;
  size_t count;
} group;

static int by_place(const void *a, const void *b) {
  const group *x = a, *y = b;
  if (x->first->point != y->first->point) return x->first->point < y->first->point ? -1 : 1;
  return strcmp(x->first->rule, y->first->rule);
}

/* Whether some points of the plan have another value of an axis that environments have. */
static bool varies(const sg_plan *plan, const sg_point *point, int axis) {
  for (const sg_planned *p = plan->point; p < plan->point + plan->count; p++)
    if (axis < p->point->n_shared_axes &&
        strcmp(p->point->axis_value[axis], point->axis_value[axis]) != 0)
      return true;
  return false;
}

/* " (6 environments: n = 10)": what all have in common and others have not. */
static void put_environments(const sg_plan *plan, const group *g, sg_buffer *out) {
  const sg_point *first = g->first->point->point;
  if (first->n_shared_axes == 0) return;
  sg_putf(out, g->count == 1 ? " (1 environment" : " (%zu environments", g->count);
  const char *before = ": ";
  for (int a = 0; a < first->n_shared_axes; a++) {
    bool common = varies(plan, first, a);
    for (size_t i = 1; i < g->count && common; i++)
      common = !strcmp(g->first[i].point->point->axis_value[a], first->axis_value[a]);
    if (!common) continue;
    sg_putf(out, "%s%s = %s", before, first->axis_name[a], first->axis_value[a]);
    before = ", ";
  }
  sg_put(out, ")");
}

static void put_axes(const sg_point *p, sg_buffer *out) {
  for (int a = 0; a < p->n_shared_axes; a++)
    sg_putf(out, "%s%s = %s", a ? ", " : " (", p->axis_name[a], p->axis_value[a]);
  if (p->n_shared_axes) sg_put(out, ")");
}

sg_status sg_put_skipped(const sg_plan *plan, bool all, sg_buffer *out, sg_error *e) {
  size_t n = 0, groups = 0, faults = 0;
  for (const sg_planned *p = plan->point; p < plan->point + plan->count; p++)
    faults += (size_t)p->why.count;
  broken *b = malloc((faults + 1) * sizeof *b);
  group *g = malloc((faults + 1) * sizeof *g);
  bool room = b && g;
  for (const sg_planned *p = plan->point; room && p < plan->point + plan->count; p++)
    for (int f = 0; f < p->why.count; f++) b[n++] = (broken){p, p->why.fault[f].message};
  if (n && !all) qsort(b, n, sizeof *b, by_rule);
  for (size_t i = 0; i < n; i++) {
    if (!i || all || !same_rule(&b[i - 1], &b[i])) g[groups++] = (group){&b[i], 0};
    g[groups - 1].count++;
  }
  if (groups) qsort(g, groups, sizeof *g, by_place);
  for (size_t i = 0; i < groups; i++) {
    sg_putf(out, "  skipped: %s: %s", g[i].first->point->label, g[i].first->rule);
    if (all)
      put_axes(g[i].first->point->point, out);
    else
      put_environments(plan, &g[i], out);
    sg_put(out, "\n");
  }
  free(b);
  free(g);
  return room ? SG_OK : sg_fail_memory(e);
}

void sg_put_skipped_json(const sg_plan *plan, sg_buffer *out) {
  bool first = true;
  sg_put(out, "[");
  for (const sg_planned *p = plan->point; p < plan->point + plan->count; p++)
    for (int f = 0; f < p->why.count; f++) {
      sg_put(out, first ? "{" : ", {");
      first = false;
      sg_put_json_text_member(out, "scheme", p->label);
      sg_put_json_raw_member(out, "axes", "{");
      for (int a = 0; a < p->point->n_shared_axes; a++)
        sg_put_json_raw_member(out, p->point->axis_name[a], p->point->axis_value[a]);
      sg_put(out, "}");
      sg_put_json_text_member(out, "rule", p->why.fault[f].message);
      sg_put(out, "}");
    }
  sg_put(out, "]");
}
