/* SPDX-License-Identifier: MIT */
/* Cyclic repetition under the (1 + μ) κ rule: what sequential gradient coding is compared with
 * (theory: sequential).
 *
 * A round of at most s stragglers ends at (1 + μ) κ; others are waited out. s = 0 is no coding:
 * the master waits for all. The authors' program takes fewer than s stragglers only (`strict`). */
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "codes/tools/sequential.h"

#include <string.h>

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated; a worker computes s + 1 of n shares"),
    SG_ROWS_SEQUENTIAL("1"),
    SG_ROW("strict", SG_BOOL,
           "wait a round out from s stragglers on, as the authors' program does, not only with "
           "more than s"),
    {0}};

typedef struct tables {
  sg_sequential sequential; /* first */
  sg_cyclic *cyclic;
  double work;
} tables;

typedef struct progress {
  int come;
} progress;

static void ask(const sg_code *code, void *own, int round, sg_orders *o) {
  const tables *t = code->self;
  *(progress *)own = (progress){0};
  sg_sequential_ask(code, own, SG_ALL);
  sg_task(o, SG_ALL, round, t->work, sg_sequential_draws(t->work), 0);
  sg_send(o, SG_ALL, SG_MASTER, round, 0, 0, 0);
}

static void came(const sg_code *code, void *own, const sg_message *message) {
  ((progress *)own)->come++;
}

static bool decodable(const sg_code *code, const void *own, int job) {
  const tables *t = code->self;
  return ((const progress *)own)->come >= code->nodes - t->cyclic->s;
}

static const sg_sequence scheme = {.ask = ask, .came = came, .decodable = decodable};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  tables *t = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (!status) status = sg_cyclic_new(code, values, n, s, shape->seed, &t->cyclic, e);
  if (status) return status;
  t->work = (s + 1) * (double)shape->subsets / n;
  t->sequential.bursts = (sg_bursts){.n = n,
                                     .words = sg_bursts_words(n),
                                     .burst = 1,
                                     .window = 1,
                                     .lambda = sg_bool(values, "strict") ? s - 1 : s};
  code->parts = n;
  code->promised = s;
  code->load = t->work;
  status = sg_sequential_init(&t->sequential, &scheme, 0, sizeof(progress), code, values, e);
  return status ? status : sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  sg_cyclic_row(t->cyclic, message->from, 0, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->cyclic->parity, used, 0, NULL);
}

static int candidates(const sg_shape *shape, const char *name, long *value, int most) {
  if (strcmp(name, "s") != 0) return 0;
  value[0] = 0;
  return 1 + sg_counts_to_try(shape->workers, value + 1, most - 1);
}

const sg_code_type sg_sequential_gc = {
    .about = {.name = "sequential-gc",
              .brief = "cyclic repetition that waits stragglers out",
              .summary = "Cyclic repetition in rounds that end at 1 + μ times the first result if "
                         "at most s workers straggle, and wait for them if not; s = 0 waits for "
                         "all.",
              .reference = "Krishnan, Ebrahimi, Khisti (ICLR 2023), arXiv:2211.13802 and its "
                           "official program (published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .candidates = candidates,
    .on_event = sg_sequential_event,
};
