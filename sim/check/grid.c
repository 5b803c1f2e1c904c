/* SPDX-License-Identifier: MIT */
/* Combinations of a code's parameters, member by member along its table. */
#include "sim/check/grid.h"

#include <string.h>

static const int whole[] = {1, 2, 3, 4};
enum { WHOLE = sizeof whole / sizeof *whole, REAL = 3 };

/* The i-th of REAL values inside the bounds of a real number. */
static double real_value(const sg_param *p, int i) {
  bool bounded = p->min != 0 || p->max != 0;
  if (bounded && p->max < SG_UNBOUNDED && p->min > -SG_UNBOUNDED)
    return p->min + (p->max - p->min) * (i + 1) / (REAL + 1);
  return (bounded && p->min > -SG_UNBOUNDED ? p->min : 0) + (i + 1) * 0.5;
}

typedef struct walk {
  const sg_code_type *type;
  const sg_shape *shape;
  sg_grid_visit visit; /* NULL: only look for tolerance */
  void *user;
  sg_error *error;
  bool tolerant; /* some combination promises s ≥ 1; then others are passed over */
  long made;     /* codes so far */
} walk;

static sg_status make(walk *w, const sg_values *values) {
  sg_error ignored = {0};
  sg_code *code = NULL;
  sg_status status = sg_values_check_required(values, &ignored);
  if (!status) status = sg_code_new(w->type, w->shape, values, &code, &ignored);
  if (status && status != SG_INVALID) sg_error_move(w->error, &ignored);
  sg_error_clear(&ignored);
  if (status) return status == SG_INVALID ? SG_OK : status;
  w->made++;
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
      bool number = p->kind == SG_INT ? open : p->kind == SG_REAL && p->flags & SG_REQUIRED;
      if (*pass == 0 ? p->kind == SG_CHOICE : number) return p;
    }
  return NULL;
}

static sg_status go(walk *w, const sg_param *p, int pass, bool deviates, const sg_values *values);

/* The rest of the members with this one at a value. A value that is refused is passed over. */
static sg_status go_with(walk *w, const sg_param *p, int pass, bool deviates,
                         const sg_values *values, int i) {
  sg_values *copy = sg_values_copy(values);
  if (!copy) return sg_fail_memory(w->error);
  sg_status set = p->kind == SG_CHOICE
                      ? sg_values_set_string(copy, p->name, p->choices[i], NULL)
                      : sg_values_set_number(copy, p->name,
                                             p->kind == SG_INT ? whole[i] : real_value(p, i), NULL);
  sg_status status = !set ? go(w, p, pass, deviates, copy) : SG_OK;
  sg_values_free(copy);
  return status;
}

static sg_status go_words(walk *w, const sg_param *p, int pass, bool deviates,
                          const sg_values *values) {
  int words = 0;
  while (p->choices[words]) words++;
  if (strcmp(p->name, "stop") == 0) return go_with(w, p, pass, deviates, values, words - 1);
  bool has_default = !(p->flags & (SG_REQUIRED | SG_OPTIONAL));
  sg_status status = has_default ? go(w, p, pass, deviates, values) : SG_OK;
  for (int i = 0; i < words && !status && !(has_default && deviates); i++)
    if (!has_default || i != (int)p->fallback)
      status = go_with(w, p, pass, deviates || has_default, values, i);
  return status;
}

static sg_status go(walk *w, const sg_param *p, int pass, bool deviates, const sg_values *values) {
  p = next_member(w->type->about.params, &pass, p);
  if (!p) return make(w, values);
  if (p->kind == SG_CHOICE) return go_words(w, p, pass, deviates, values);
  long before = w->made;
  sg_status status = p->flags & SG_OPTIONAL ? go(w, p, pass, deviates, values) : SG_OK;
  if (w->made > before) return status;
  for (int i = 0; i < (p->kind == SG_REAL ? REAL : WHOLE) && !status; i++)
    if (p->kind == SG_REAL || whole[i] <= w->shape->workers)
      status = go_with(w, p, pass, deviates, values, i);
  return status;
}

sg_status sg_grid_walk(const sg_code_type *type, const sg_shape *shape, sg_grid_visit visit,
                       void *user, sg_error *e) {
  walk w = {.type = type, .shape = shape, .error = e};
  sg_values *values = sg_values_new(NULL, &type->about, "");
  if (!values) return sg_fail_memory(e);
  sg_status status = go(&w, NULL, 0, false, values);
  w.visit = visit;
  w.user = user;
  if (!status) status = go(&w, NULL, 0, false, values);
  sg_values_free(values);
  return status;
}
