/* SPDX-License-Identifier: MIT */
/* Loads: gathered message by message, joined over patterns and threads. */
#include "sim/check/load.h"
#include "sim/core/owned.h"

#include <math.h>

bool sg_load_init(sg_load *load, const sg_code *code) {
  size_t n = (size_t)code->nodes, parts = (size_t)(code->parts + code->coded_parts);
  *load = (sg_load){.nodes = code->nodes,
                    .parts = code->parts + code->coded_parts,
                    .held = calloc(n, parts),
                    .flops = calloc(n, sizeof(double)),
                    .sent = calloc(n, sizeof(double))};
  return load->held && load->flops && load->sent;
}

void sg_load_free(sg_load *load) {
  free(load->held);
  free(load->flops);
  free(load->sent);
  *load = (sg_load){0};
}

void sg_load_join(sg_load *into, const sg_load *other) {
  for (size_t i = 0; i < (size_t)into->nodes * (size_t)into->parts; i++)
    into->held[i] |= other->held[i];
  for (int v = 0; v < into->nodes; v++) {
    into->flops[v] = fmax(into->flops[v], other->flops[v]);
    into->sent[v] = fmax(into->sent[v], other->sent[v]);
  }
}

sg_status sg_load_add(sg_load *load, const sg_code *code, const void *state, int count,
                      const sg_message *const *message, int snapshot, sg_error *e) {
  SG_OWNED double *once = calloc(2 * (size_t)load->nodes, sizeof *once);
  if (!once) return sg_fail_memory(e);
  double *flops = once, *sent = once + load->nodes;
  sg_row row = {0};
  sg_status status = SG_OK;
  for (int i = 0; i < count && !status; i++) {
    const sg_message *m = message[i];
    const sg_segment *segment = &code->segment[m->segment];
    if (m->snapshot != snapshot) continue;
    if (!sg_encode(code, state, m, &row) && !row.undecodable) status = sg_row_fail(code, &row, e);
    flops[m->from] +=
        2.0 * (row.n_terms * row.batches + row.n_links) * (double)sg_segment_length(segment);
    sent[m->from] += (double)(segment->end - segment->begin) / segment->pieces;
    for (int t = 0; t < row.n_terms; t++)
      load->held[(size_t)m->from * (size_t)load->parts + (size_t)row.term[t].part] = 1;
  }
  for (int v = 0; v < load->nodes; v++) {
    load->flops[v] = fmax(load->flops[v], flops[v]);
    load->sent[v] = fmax(load->sent[v], sent[v]);
  }
  sg_row_free(&row);
  return status;
}

bool sg_load_isolate(const sg_load *load, int workers, int parts, int *order) {
  SG_OWNED bool *gone = calloc((size_t)workers, sizeof *gone);
  SG_OWNED int *left = calloc((size_t)parts, sizeof *left);
  if (!gone || !left) return false;
  for (int j = 0; j < workers; j++)
    for (int i = 0; i < parts; i++)
      left[i] += load->held[(size_t)j * (size_t)load->parts + (size_t)i];
  for (int taken = 0; taken < workers;) {
    int best = -1;
    for (int i = 0; i < parts; i++)
      if (left[i] > 0 && (best < 0 || left[i] < left[best])) best = i;
    for (int j = 0; j < workers; j++) {
      const unsigned char *held = load->held + (size_t)j * (size_t)load->parts;
      if (gone[j] || (best >= 0 && !held[best])) continue;
      gone[j] = true;
      order[taken++] = j;
      for (int i = 0; i < parts; i++) left[i] -= held[i];
    }
  }
  return true;
}
