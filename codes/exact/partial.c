/* SPDX-License-Identifier: MIT */
/* Two-stage codes for partial stragglers (Tandon et al. 2017): p partitions per worker of which
 * p − s − 1 are its own and uncoded, s + 1 are coded.
 *
 * A worker computes its own partitions first and sends their sum (tag 0), then the coded ones and
 * sends their combination (tag 1): by cyclic repetition, or as groups of s + 1 workers with the
 * same partitions. The data is cut into (p − s) n partitions. The master waits for the first
 * message of everyone and for the second of any n − s (cyclic) or of one worker in each group
 * (repetition): stragglers are slow, not lost. A worker that is no more than alpha = p/(p − s − 1)
 * times slower has sent its first message when the others have sent their second; the load relative
 * to uncoded is p/(p − s) = alpha (s + 1)/(alpha + s). (published; load derived) Partitions need
 * not be equal: with a p that is not whole, any alpha is met. (derived)
 *
 * Parts: n private ones, then the coded ones (n shares, or one of each group). */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"

#include <math.h>

enum { OWN, CODED }; /* tags */

enum { EQUAL, UNEVEN };
static const char *const partitions[] = {"equal", "uneven", NULL};
static const sg_param params[] = {
    SG_ROW_STRAGGLERS(
        "number of partial stragglers whose second message is not waited for; a worker has "
        "s + 1 coded partitions"),
    SG_ROW_INT("p", 2, SG_UNBOUNDED,
               "partitions per worker, at least s + 2: p - s - 1 of its own and s + 1 coded ones, "
               "of (p - s) n in all; p or alpha must be given",
               .flags = SG_OPTIONAL),
    SG_ROW_REAL("alpha", 1, SG_UNBOUNDED,
                "how many times slower a straggler is at most, from above 1 to s + 2: p is the "
                "largest number with p/(p - s - 1) not below alpha",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_CHOICE("partitions", partitions, EQUAL,
                  "equal, as when left out: a whole number p of them; uneven: alpha is met exactly "
                  "and may be above "
                  "s + 2, with (s + 1)/(s + alpha) of the data the workers' own (a p that is not "
                  "whole)",
                  .flags = SG_OPTIONAL),
    {0}};

typedef struct tables {
  int n, s;
  double p;
  int groups;        /* of repetition; 0: cyclic */
  sg_cyclic *cyclic; /* NULL: repetition */
} tables;

/* What has come in this round. */
typedef struct progress {
  int own, coded;      /* first messages; second ones, of repetition: groups that have sent one */
  unsigned char met[]; /* per group */
} progress;

extern const sg_code_type sg_partial_cyclic, sg_partial_repetition;

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status read_p(tables *t, const sg_values *values, sg_error *e) {
  long s = t->s;
  bool has_p = sg_given(values, "p"), has_alpha = sg_given(values, "alpha");
  if (has_p == has_alpha)
    return sg_fail_at(e, values, NULL, "expected p or alpha, found %s", has_p ? "both" : "neither");
  if (has_p) {
    long p = sg_int(values, "p");
    t->p = (double)p;
    if (p < s + 2 || p > s + 1000000)
      return sg_fail_at(e, values, "p", "expected p from s + 2 = %ld to s + 1000000, found %ld",
                        s + 2, p);
    return SG_OK;
  }
  bool uneven = sg_given(values, "partitions") && sg_choice(values, "partitions") == UNEVEN;
  double alpha = sg_real(values, "alpha"), least = 1 + 1e-6 * (double)(s + 1);
  double most = uneven ? 1e6 : (double)(s + 2);
  if (alpha > most || alpha < least)
    return sg_fail_at(e, values, "alpha", "expected alpha from %.9g to %s%.9g, found %.9g", least,
                      uneven ? "" : "s + 2 = ", most, alpha);
  t->p = alpha * (double)(s + 1) / (alpha - 1);
  if (!uneven) t->p = floor(t->p * (1 + 1e-12));
  return SG_OK;
}

/* Where the parts begin: n private ones, `shared` coded ones. */
static bool fill_edges(sg_code *code, const tables *t, int shared) {
  double *edge = sg_code_alloc(code, (size_t)(t->n + shared + 1), sizeof *edge);
  if (!edge) return false;
  double own = (t->p - t->s - 1) / (t->p - t->s);
  for (int i = 0; i < t->n; i++) edge[i] = own * i / t->n;
  for (int j = 0; j <= shared; j++) edge[t->n + j] = own + (1 - own) * j / shared;
  edge[t->n + shared] = 1;
  code->edge = edge;
  code->parts = t->n + shared;
  return true;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  bool cyclic = code->type == &sg_partial_cyclic;
  int n = shape->workers, s = 0;
  sg_status status =
      cyclic ? sg_read_stragglers(values, n, &s, e) : sg_read_repetition(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  *t = (tables){.n = n, .s = s, .groups = cyclic ? 0 : n / (s + 1)};
  status = read_p(t, values, e);
  if (!status && cyclic)
    status = sg_cyclic_new(code, values, shape->workers, t->s, shape->seed, &t->cyclic, e);
  if (status) return status;
  if (!fill_edges(code, t, cyclic ? n : t->groups)) return sg_fail_memory(e);
  code->stop = "count";
  code->flags = cyclic ? SG_WEIGHTS_PURE : SG_WEIGHTS_CONSTANT;
  code->promised = t->s;
  code->state_size = code->round_size = sizeof(progress) + (size_t)t->groups;
  return sg_code_one_segment(code, values, "s", 1, n + (cyclic ? n - t->s : t->groups), e);
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  double partition = (double)code->shape.subsets / ((t->p - t->s) * t->n);
  double work[] = {partition * (t->p - t->s - 1), partition * (t->s + 1)};
  for (int stage = OWN; stage <= CODED; stage++) {
    sg_task(o, SG_ALL, snapshot, work[stage], SG_DRAWS_OF_WORK, 0);
    sg_send(o, SG_ALL, SG_MASTER, snapshot, 0, stage, 0);
  }
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int i = message->from;
  if (message->tag == OWN)
    sg_row_part(row, i, 0, 1);
  else if (!t->cyclic)
    sg_row_part(row, t->n + i / (t->s + 1), 0, 1);
  else
    for (int c = 0; c <= t->s; c++)
      sg_row_part(row, t->n + (i + c) % t->n, 0, t->cyclic->coef[i * (t->s + 1) + c]);
}

/* Late workers have sent their own part. */
static bool comes(const sg_code *code, const sg_message *message, const bool *present) {
  return message->tag == OWN || present[message->from];
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  bool surplus = false;
  if (message->tag == OWN) {
    p->own++;
  } else if (t->cyclic) {
    p->coded++;
  } else {
    unsigned char *met = &p->met[message->from / (t->s + 1)];
    surplus = *met;
    p->coded += !*met;
    *met = 1;
  }
  if (p->own == t->n && p->coded >= (t->cyclic ? t->n - t->s : t->groups)) return SG_READY;
  return surplus ? SG_SKIP : SG_WAIT;
}

/* --- Decoding --------------------------------------------------------------------------------- */

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  int own = 0, covered = 0, last = -1;
  for (int i = 0; i < used->count; i++) {
    const sg_message *message = used->message[i];
    int group = message->from / (t->s + 1);
    if (message->tag == OWN) {
      own++;
      used->W[i] = 1;
    } else if (!t->cyclic && group != last) {
      last = group;
      covered++;
      used->W[i] = 1;
    }
  }
  if (own < t->n || covered < t->groups) return SG_UNDECODABLE;
  return t->cyclic ? sg_parity_weights(t->cyclic->parity, used, CODED, NULL) : SG_OK;
}

#define PARTIAL(called, in_brief, in_words)                                                        \
  {                                                                                                \
    .about = {.name = called,                                                                      \
              .brief = in_brief,                                                                   \
              .summary = in_words,                                                                 \
              .params = params,                                                                    \
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 "   \
                           "and its official program (published); load derived."},                 \
    .create = create, .plan = plan, .encode = encode, .comes = comes, .arrive = arrive,            \
    .weights = weights                                                                             \
  }

const sg_code_type sg_partial_cyclic =
    PARTIAL("partial-cyclic", "two stages: uncoded, then cyclic",
            "Two stages: partitions of its own sent uncoded, then s + 1 coded ones by cyclic "
            "repetition; the second message of s workers is not waited for.");
const sg_code_type sg_partial_repetition =
    PARTIAL("partial-repetition", "two stages: uncoded, then repetition",
            "Two stages: partitions of its own sent uncoded, then the s + 1 of its group; one "
            "second message of each group is enough.");
