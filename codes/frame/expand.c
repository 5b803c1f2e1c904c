/* SPDX-License-Identifier: MIT */
/* Rows written out densely, with a stack of messages still to be written instead of recursion. */
#include "codes/frame/expand.h"

#include <stdlib.h>

static bool push(sg_expander *x, const sg_message *message, double coef) {
  if (x->count == x->capacity) {
    int capacity = x->capacity ? 2 * x->capacity : 8;
    sg_link *todo = realloc(x->todo, (size_t)capacity * sizeof *todo);
    if (!todo) return false;
    x->todo = todo;
    x->capacity = capacity;
  }
  x->todo[x->count++] = (sg_link){.message = message, .coef = coef};
  return true;
}

bool sg_expand(sg_expander *x, const sg_code *code, const void *state, const sg_message *message,
               double scale, double *dense) {
  int pieces = code->segment[message->segment].pieces;
  x->count = 0;
  if (!push(x, message, scale)) return false;
  while (x->count > 0) {
    sg_link next = x->todo[--x->count];
    if (!sg_encode(code, state, next.message, &x->row)) return false;
    for (int i = 0; i < x->row.n_terms; i++) {
      const sg_term *t = &x->row.term[i];
      dense[t->part * pieces + t->piece] += next.coef * t->coef;
    }
    for (int i = 0; i < x->row.n_links; i++)
      if (!push(x, x->row.link[i].message, next.coef * x->row.link[i].coef)) return false;
  }
  return true;
}

void sg_expander_free(sg_expander *x) {
  sg_row_free(&x->row);
  free(x->todo);
  *x = (sg_expander){0};
}
