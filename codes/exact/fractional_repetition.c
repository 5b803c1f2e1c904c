/* SPDX-License-Identifier: MIT */
/* Fractional repetition (Tandon et al. 2017): n/(s + 1) groups of s + 1 identical workers; each
 * sends the plain sum of its group's share, the first of every group is enough.
 *
 * Any s stragglers are survived, and up to n − n/(s + 1) lucky ones: that is what `stop` turns on.
 * Decoding only adds. */
#include "codes/frame/code.h"
#include "codes/tools/rules.h"

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated; s + 1 must divide the number of workers"),
    {0}};

typedef struct tables {
  int size; /* s + 1 workers in a group */
} tables;

/* What has come in this round. */
typedef struct progress {
  int covered;         /* groups that have answered */
  unsigned char met[]; /* per group */
} progress;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_repetition(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->size = s + 1;
  code->parts = n / t->size;
  code->promised = s;
  code->state_size = code->round_size = sizeof(progress) + (size_t)code->parts;
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  sg_row_part(row, message->from / t->size, 0, 1);
}

/* Messages come sorted by worker: the first of each group counts. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  int covered = 0, last = -1;
  for (int i = 0; i < used->count; i++) {
    int group = used->message[i]->from / t->size;
    if (group == last) continue;
    last = group;
    used->W[i] = 1;
    covered++;
  }
  return covered == code->parts ? SG_OK : SG_UNDECODABLE;
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  int covered = 0;
  for (int group = 0; group < code->parts; group++) {
    int answers = 0;
    for (int c = 0; c < t->size; c++) answers += present[group * t->size + c];
    covered += answers > 0;
  }
  return covered == code->parts;
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  int group = message->from / t->size;
  bool second = p->met[group];
  p->covered += !second;
  p->met[group] = 1;
  if (second) return SG_SKIP;
  return p->covered == code->parts ? SG_READY : SG_WAIT;
}

const sg_code_type sg_fractional_repetition = {
    .about = {.name = "fractional-repetition",
              .brief = "groups of s + 1 identical workers",
              .summary = "Groups of s + 1 identical workers send the sum of their share; one of "
                         "each group is enough (d = s + 1, m = 1, additions only).",
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 "
                           "(published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .arrive = arrive,
};
