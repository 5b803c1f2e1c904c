/* SPDX-License-Identifier: MIT */
/* Rows: the recipes of messages. */
#include "codes/frame/code.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>

static void blame(sg_row *row, const char *mistake) {
  row->failed = true;
  row->mistake = mistake;
}

void sg_row_part(sg_row *row, int part, int piece, double coef) {
  if (part < 0 || part >= row->parts) {
    blame(row, "encode gave a term of a part that the code does not have");
    return;
  }
  if (piece < 0 || piece >= row->pieces) {
    blame(row, "encode gave a term of a piece that the segment does not have");
    return;
  }
  if (coef == 0) return;
  if (!SG_ROOM(row->term, row->terms_capacity, row->n_terms + 1)) {
    row->failed = true;
    return;
  }
  row->term[row->n_terms++] = (sg_term){.part = part, .piece = piece, .coef = coef};
}

void sg_row_message(sg_row *row, const sg_message *input, double coef) {
  if (coef == 0) return;
  if (!SG_ROOM(row->link, row->links_capacity, row->n_links + 1)) {
    row->failed = true;
    return;
  }
  row->link[row->n_links++] = (sg_link){.message = input, .coef = coef};
}

void sg_row_batch(sg_row *row, int name) {
  if (!(row->flags & SG_BATCHES)) {
    blame(row, "encode named a mini-batch, but the flag SG_BATCHES is missing");
    return;
  }
  row->batch = name;
}

void sg_row_local(sg_row *row, int steps, double rate) {
  if (!(row->flags & SG_LOCAL)) {
    blame(row, "encode gave local steps, but the flag SG_LOCAL is missing");
    return;
  }
  if (steps < 1 || !(rate > 0 && rate < INFINITY)) {
    blame(row, "local steps must be at least one, and their rate positive");
    return;
  }
  row->steps = steps;
  row->rate = rate;
}

bool sg_encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row) {
  row->n_terms = row->n_links = row->batch = row->steps = 0;
  row->flags = code->flags;
  row->failed = false;
  row->mistake = NULL;
  row->state = state;
  row->parts = code->parts + code->coded_parts;
  row->pieces = code->segment[message->segment].pieces;
  code->type->encode(code, message, row);
  return !row->failed;
}

sg_status sg_row_fail(const sg_code *code, const sg_row *row, sg_error *e) {
  if (!row->mistake) return sg_fail_memory(e);
  return sg_fail(e, SG_BUG, NULL, "code %s: %s", code->type->about.name, row->mistake);
}

void sg_row_free(sg_row *row) {
  free(row->term);
  free(row->link);
  *row = (sg_row){0};
}
