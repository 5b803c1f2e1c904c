/* SPDX-License-Identifier: MIT */
#include "codes/grid.h"

#include <string.h>

static const int whole[] = {1, 2, 3, 4, 6};
enum { WHOLE = sizeof whole / sizeof *whole };

typedef struct walk {
  const sg_code_type *type;
  const sg_shape *shape;
  sg_grid_visit visit; /* NULL: only look for tolerance */
  void *user;
  sg_error *error;
  bool tolerant; /* some combination promises s ≥ 1; then others are passed over */
} walk;

static sg_status make(walk *w, const sg_values *values, long *made) {
  sg_error ignored = {0};
  sg_code *code = NULL;
  sg_status status = sg_values_check_required(values, &ignored);
  if (!status) status = sg_code_new(w->type, w->shape, values, &code, &ignored);
  if (status == SG_INVALID || status == SG_OK)
    sg_error_clear(&ignored);
  else
    sg_error_move(w->error, &ignored);
  if (status) return status == SG_INVALID ? SG_OK : status;
  ++*made;
  if (!w->visit)
    w->tolerant |= code->promised > 0;
  else if (!w->tolerant || code->promised > 0)
    status = w->visit(w->user, values, code, w->error);
  sg_code_free(code);
  return status;
}

/* Words first, so that it is known which of them need the optional numbers. */
static const sg_param *next_member(const sg_param *table, int *pass, const sg_param *after) {
  const sg_param *p = after ? after + 1 : table;
  for (; *pass < 2; ++*pass, p = table)
    for (; p && p->name; p++) {
      bool open = p->flags & (SG_REQUIRED | SG_OPTIONAL);
      if (*pass == 0 ? p->kind == SG_CHOICE : p->kind == SG_INT && open) return p;
    }
  return NULL;
}

static sg_status go(walk *w, const sg_param *p, int pass, const sg_values *values, long *made) {
  const sg_param *table = w->type->about.params;
  p = next_member(table, &pass, p);
  if (!p) return make(w, values, made);
  long before = *made;
  sg_status status = SG_OK;
  if (p->kind == SG_INT && p->flags & SG_OPTIONAL) {
    status = go(w, p, pass, values, made);
    if (status || *made > before) return status;
  }
  int words = 0;
  while (p->kind == SG_CHOICE && p->choices[words]) words++;
  int count = p->kind == SG_INT ? WHOLE : words;
  for (int i = p->kind == SG_CHOICE && strcmp(p->name, "stop") == 0 ? count - 1 : 0;
       i < count && !status; i++) {
    if (p->kind == SG_INT && whole[i] > w->shape->workers) break;
    sg_values *copy = sg_values_copy(values);
    if (!copy) return sg_fail_memory(w->error);
    sg_status set = p->kind == SG_INT ? sg_values_set_number(copy, p->name, whole[i], NULL)
                                      : sg_values_set_string(copy, p->name, p->choices[i], NULL);
    if (set == SG_OK) status = go(w, p, pass, copy, made);
    sg_values_free(copy);
  }
  return status;
}

sg_status sg_grid_walk(const sg_code_type *type, const sg_shape *shape, sg_grid_visit visit,
                       void *user, sg_error *e) {
  walk w = {.type = type, .shape = shape, .error = e};
  sg_values *values = sg_values_new(NULL, &type->about, "");
  if (!values) return sg_fail_memory(e);
  long made = 0;
  sg_status status = go(&w, NULL, 0, values, &made);
  w.visit = visit;
  w.user = user;
  if (!status) status = go(&w, NULL, 0, values, &made);
  sg_values_free(values);
  return status;
}
