/* SPDX-License-Identifier: MIT */
/* What one pass over the data has to do, in arrays that are used again by the next. */
#include "sim/experiment/pass.h"

#include "sim/core/array.h"

#include <stdlib.h>

bool sg_pass_init(sg_pass *p, long length, int width, int runs) {
  *p = (sg_pass){.length = length, .width = width, .runs = width > 1 ? width : runs};
  p->matrix = calloc((size_t)length * (size_t)p->runs, sizeof *p->matrix);
  return p->matrix != NULL;
}

void sg_pass_free(sg_pass *p) {
  free(p->matrix);
  free(p->x);
  free(p->loss_x);
  free(p->loss);
  free(p->item);
  free(p->set);
}

bool sg_pass_begin(sg_pass *p, const double *matrix) {
  p->n_columns = p->n_items = p->n_sets = p->steps = 0;
  if (p->width == 1) return true;
  for (int c = 0; c < p->width; c++)
    if (sg_pass_column(p, matrix + c * p->length) < 0) return false;
  return true;
}

int sg_pass_column(sg_pass *p, const double *x) {
  int wanted = p->n_columns + 1;
  if (!SG_ROOM(p->x, p->x_capacity, wanted) || !SG_ROOM(p->loss_x, p->loss_x_capacity, wanted) ||
      !SG_ROOM(p->loss, p->loss_capacity, wanted))
    return -1;
  p->x[p->n_columns] = x;
  p->loss_x[p->n_columns] = NULL;
  return p->n_columns++;
}

int sg_pass_item(sg_pass *p, const sg_partial *item) {
  if (!SG_ROOM(p->item, p->items_capacity, p->n_items + 1)) return -1;
  p->item[p->n_items] = *item;
  return p->n_items++;
}

int sg_pass_set(sg_pass *p) {
  if (!SG_ROOM(p->set, p->sets_capacity, p->n_sets + 1)) return -1;
  return p->n_sets++;
}

sg_gradient_request sg_pass_request(const sg_pass *p, const sg_partition *partition) {
  return (sg_gradient_request){.partition = partition,
                               .width = p->width,
                               .columns = p->n_columns,
                               .x = p->x,
                               .n_items = p->n_items,
                               .item = p->item,
                               .loss_x = p->loss_x,
                               .loss = p->loss,
                               .steps = p->steps,
                               .rate = p->rate,
                               .inner = p->inner};
}
