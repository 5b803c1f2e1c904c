/* SPDX-License-Identifier: MIT */
/* Uncoded multi-message communication (Ozfatura, Ulukus, Gündüz 2020).
 *
 * Worker i computes shares i, …, i + r − 1 (mod n) in this order and sends each gradient at once,
 * as message tag = 0, …, r − 1. The master adds up the first gradient of every share; a share that
 * came before is dropped. Done when all have come or, in partial recovery, a share 1 − epsilon of
 * them, whose sum is scaled up by n / (how many came).
 *
 * Every share stands at every place 1, …, r of some worker's list once, so a share is missing when
 * all of its r holders are: r − 1 missing workers are survived, and r − 1 + u where u shares may be
 * missing. The most messages that leave one share out are n r − r (r + 1)/2. (derived) */
#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"

#include <math.h>
#include <string.h>

static const sg_param params[] = {
    SG_ROW_INT("r", 1, SG_UNBOUNDED,
               "computation load: shares that a worker computes, one after another, at most the "
               "number of workers",
               .flags = SG_REQUIRED),
    SG_ROW_REAL("epsilon", 0, 1,
                "partial recovery: share of the data that may be missing; the sum of what came is "
                "then scaled up, and the scheme is approximate",
                .flags = SG_MAX_OPEN),
    {0}};

typedef struct tables {
  int n, r, needed; /* shares that complete a round */
} tables;

/* What has come in this round. */
typedef struct progress {
  int covered;
  unsigned char met[]; /* per share */
} progress;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, r = (int)fmin((double)sg_int(values, "r"), n + 1.0);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  if (r > n)
    return sg_fail_at(e, values, "r", "expected r ≤ n = %d, found %ld", n, sg_int(values, "r"));
  double needed = ceil((1 - sg_real(values, "epsilon")) * n * (1 - 1e-12)); /* typed in decimals */
  *t = (tables){.n = n, .r = r, .needed = (int)fmax(needed, 1)};
  code->parts = n;
  code->promised = (int)fmin(r - 1 + n - t->needed, n - 1);
  code->exact = t->needed == n;
  code->flags = code->exact ? SG_WEIGHTS_CONSTANT : 0;
  code->state_size = code->round_size = sizeof(progress) + (size_t)n;
  long most = (long)n * r - (long)r * (r + 1) / 2;
  return sg_code_one_segment(code, values, "r", 1, (int)fmin((double)most + 1, 1e9), e);
}

static int share_of(const tables *t, const sg_message *message) {
  return (message->from + message->tag) % t->n;
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, share_of(code->self, message), 0, 1);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot,
                 sg_orders *orders) {
  const tables *t = code->self;
  double work = (double)code->shape.subsets / t->n;
  for (int k = 0; k < t->r; k++) {
    sg_task(orders, SG_ALL, snapshot, work, SG_DRAWS_OF_WORK, 0);
    sg_send(orders, SG_ALL, SG_MASTER, snapshot, 0, k, 0);
  }
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  unsigned char *met = &p->met[share_of(t, message)];
  bool surplus = *met;
  p->covered += !*met;
  *met = 1;
  return p->covered >= t->needed ? SG_READY : surplus ? SG_SKIP : SG_WAIT;
}

/* All holders of a missing share are missing. */
static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  int covered = 0;
  for (int share = 0; share < t->n; share++) {
    int k = 0;
    while (k < t->r && !present[(share - k + t->n) % t->n]) k++;
    covered += k < t->r;
  }
  return covered >= t->needed;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  int covered = 0;
  unsigned char *met = sg_used_scratch(used, (size_t)t->n);
  if (!met) return SG_NO_MEMORY;
  memset(met, 0, (size_t)t->n);
  for (int i = 0; i < used->count; i++) {
    unsigned char *mine = &met[share_of(t, used->message[i])];
    if (!*mine) used->W[i] = 1;
    covered += !*mine;
    *mine = 1;
  }
  /* Where a stop policy ends the round with what there is, that is what is used. */
  bool fewer = !code->exact && code->policy->wants & (SG_ENDS_WITH_ALL | SG_COUNTS_ITS_OWN);
  if (covered == 0 || (covered < t->needed && !fewer)) return SG_UNDECODABLE;
  double scale = (double)t->n / covered;
  for (int i = 0; i < used->count; i++) used->W[i] *= scale;
  used->info->alpha_error = covered * (scale - 1) * (scale - 1) + (t->n - covered);
  used->info->alpha_sum = t->n;
  return SG_OK;
}

const sg_code_type sg_uc_mmc = {
    .about = {.name = "uc-mmc",
              .brief = "every share's gradient sent at once",
              .summary = "Uncoded multi-message communication: workers compute r shares in cyclic "
                         "order and send each gradient at once; the master needs one of every "
                         "share, or of a part of them (partial recovery, approximate).",
              .reference = "Ozfatura, Ulukus, Gündüz (2020), arXiv:2004.04948, 1903.01974 (names "
                           "and structure recalled; laws derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .plan = plan,
    .arrive = arrive,
};
