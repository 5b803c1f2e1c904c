/* SPDX-License-Identifier: MIT */
/* Local SGD and DiLoCo: H steps at each worker between two averages.
 *
 * All workers begin a phase with the same model, take H steps of an optimiser of their own on their
 * own data, and send how far they have come; the master's optimiser takes the mean of that for a
 * gradient. With one step of gradient descent it is synchronous descent, to the last bit.
 *
 * Blocking: a phase begins when the update with the last one is over, in the default round, so that
 * the scheme's stop policy (a quorum, a deadline, …) says for whom the master waits. A displacement
 * that comes later is of no use.
 *
 * Overlapped: phase p of a worker follows its phase p − 1 without a pause, from the model that the
 * displacements up to phase p − 2 have made, while those of phase p − 1 are on their way: one
 * update old. Who has not done phase p − 2 when the master goes on without it (quorum) hears so,
 * leaves it and begins the phase that is waited for with the newest model. What a crash took is
 * done again. */
#include "codes/frame/stop.h"
#include "codes/tools/learners.h"
#include "sim/core/random.h"

#include <limits.h>
#include <string.h>

static const char *const units[] = {"pseudo-gradient", "displacement", NULL};
static const char *const states[] = {"kept", "reset", NULL};
static const char *const outers[] = {"blocking", "overlapped", NULL};
static const char *const batches_first[] = {"batch", "part", "global-batch", NULL};

static const sg_param momentum_params[] = {
    SG_ROW_REAL("momentum", 0, 1, "β", .fallback = 0.9, .flags = SG_MAX_OPEN), {0}};
#define ROWS_ADAMW(decay)                                                                          \
  SG_ROW_REAL("beta1", 0, 1, "β₁, of the mean of gradients", .fallback = 0.9,                      \
              .flags = SG_MAX_OPEN),                                                               \
      SG_ROW_REAL("beta2", 0, 1, "β₂, of the mean of their squares", .fallback = 0.999,            \
                  .flags = SG_MAX_OPEN),                                                           \
      SG_ROW_REAL("epsilon", 0, SG_UNBOUNDED, "what is added to the root of that",                 \
                  .fallback = 1e-8, .flags = SG_MIN_OPEN),                                         \
      SG_ROW_REAL("weight_decay", 0, SG_UNBOUNDED,                                                 \
                  "λ, decoupled: each step takes rate · λ of the model, intercepts apart",         \
                  .fallback = decay)
static const sg_param adamw_params[] = {ROWS_ADAMW(0.01), {0}};
static const sg_param diloco_adamw_params[] = {ROWS_ADAMW(0.1), {0}};

#define SGD                                                                                        \
  { .name = "sgd", .summary = "x ← x − rate·g" }
#define MOMENTUM                                                                                   \
  {                                                                                                \
    .name = "momentum", .summary = "v ← βv + g, x ← x − rate·v",                                   \
    .reference = "Polyak 1964 (recalled)", .params = momentum_params                               \
  }
#define ADAMW(rows)                                                                                \
  {                                                                                                \
    .name = "adamw", .summary = "Adam with decoupled weight decay",                                \
    .reference = "Loshchilov, Hutter (ICLR 2019), arXiv:1711.05101; Kingma, Ba (ICLR 2015), "      \
                 "arXiv:1412.6980 (recalled)",                                                     \
    .params = rows                                                                                 \
  }
static const sg_variant inners[] = {SGD, MOMENTUM, ADAMW(adamw_params)};
static const sg_variant diloco_inners[] = {SGD, MOMENTUM, ADAMW(diloco_adamw_params)};
SG_VARIANTS(inner_at, inners)
SG_VARIANTS(diloco_inner_at, diloco_inners)
static const sg_family inner_family = {.selector = "method",
                                       .what = "inner optimiser",
                                       .at = inner_at,
                                       .fallback = "sgd",
                                       .by_name = true};
static const sg_family diloco_inner_family = {.selector = "method",
                                              .what = "inner optimiser",
                                              .at = diloco_inner_at,
                                              .fallback = "adamw",
                                              .by_name = true};

#define WHAT_INNER "the workers' optimiser, or the name of its method"
#define ROW_STATE                                                                                  \
  SG_ROW_CHOICE(                                                                                   \
      "inner_state", states, 0,                                                                    \
      "what the inner optimiser remembers is kept from phase to phase (it advances with "          \
      "displacements that are used), or is reset")
#define ROWS_OUTER                                                                                 \
  SG_ROW_CHOICE(                                                                                   \
      "outer", outers, 0,                                                                          \
      "whether workers wait for the update with what they have sent (blocking; the stop "          \
      "policy says for whom the master waits), or take the next steps meanwhile "                  \
      "(overlapped)"),                                                                             \
      SG_ROW_INT("quorum", 1, SG_UNBOUNDED,                                                        \
                 "overlapped: how many displacements of a phase the master needs; all when left "  \
                 "out. Blocking: see the stop policy quorum",                                      \
                 .flags = SG_OPTIONAL, .with = "outer=overlapped"),                                \
      SG_ROW_REAL("grace_s", 0, SG_UNBOUNDED,                                                      \
                  "overlapped: seconds after the last of the quorum for which the master waits "   \
                  "for more",                                                                      \
                  .with = "outer=overlapped")

static const sg_param local_params[] = {
    SG_ROW_INT("period", 1, SG_MAX_DRAWS, "H: local steps from one average to the next",
               .flags = SG_REQUIRED),
    SG_ROW_REAL("rate", 0, SG_UNBOUNDED,
                "step size of the local steps; when left out the step of learning.optimizer, whose "
                "gradient descent then averages plainly",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_CHOICE(
        "sends", units, 0,
        "the displacement over the rate (pseudo-gradient, in units of a gradient: with "
        "gradient descent the optimizer's step averages plainly if it is the rate) or the "
        "displacement itself (the optimizer's step is then the outer learning rate; 1 "
        "averages plainly)"),
    SG_ROW_FAMILY("inner", &inner_family, WHAT_INNER),
    ROW_STATE,
    ROWS_OUTER,
    SG_ROWS_LEARNERS(sg_gradients_of_learners),
    {0}};

static const sg_param diloco_params[] = {
    SG_ROW_INT("period", 1, SG_MAX_DRAWS, "H: inner steps of a phase", .fallback = 500),
    SG_ROW_REAL("rate", 0, SG_UNBOUNDED, "learning rate of the inner steps", .fallback = 4e-4,
                .flags = SG_MIN_OPEN),
    SG_ROW_FAMILY("inner", &diloco_inner_family, WHAT_INNER),
    ROW_STATE,
    ROWS_OUTER,
    SG_ROWS_LEARNERS(batches_first),
    {0}};

typedef struct tables {
  sg_learners learners;
  sg_local_optimizer inner;
  int period, draws; /* of a phase */
  double rate;       /* 0: of the master's optimiser */
  bool overlapped;
  int quorum; /* overlapped; 0: all, or those there are where no more can come */
  double grace;
} tables;

extern const sg_code_type sg_local_sgd, sg_diloco;
static const sg_code_type overlapped_local_sgd, overlapped_diloco;

/* --- What both have in common ----------------------------------------------------------------- */

static sg_local_optimizer read_inner(const sg_values *values) {
  const sg_values *v = sg_object(values, "inner");
  const char *method = v->variant->name;
  sg_local_optimizer inner = {.kept = sg_choice(values, "inner_state") == 0};
  if (strcmp(method, "momentum") == 0) {
    inner.method = SG_INNER_MOMENTUM;
    inner.momentum = sg_real(v, "momentum");
  } else if (strcmp(method, "adamw") == 0) {
    inner.method = SG_INNER_ADAMW;
    inner.beta1 = sg_real(v, "beta1");
    inner.beta2 = sg_real(v, "beta2");
    inner.epsilon = sg_real(v, "epsilon");
    inner.weight_decay = sg_real(v, "weight_decay");
  }
  return inner;
}

/* Draws of a phase: steps take times of their own. */
static sg_status read_draws(const sg_values *values, tables *t, sg_error *e) {
  int each = sg_draws_of_work(t->learners.work);
  t->period = (int)sg_int(values, "period");
  if (each > SG_MAX_DRAWS / t->period)
    return sg_fail_at(e, values, "period",
                      "expected at most %d with steps of work %g: a worker has %d random draws in "
                      "a phase; found %d",
                      SG_MAX_DRAWS / each, t->learners.work, SG_MAX_DRAWS, t->period);
  t->draws = t->period * each;
  return SG_OK;
}

static size_t state_size(int n);

static sg_status read_outer(sg_code *code, const sg_values *values, tables *t, sg_error *e) {
  int n = code->shape.workers;
  t->overlapped = sg_choice(values, "outer") == 1;
  if (!t->overlapped) return SG_OK;
  t->grace = sg_real(values, "grace_s");
  if (sg_given(values, "quorum") && sg_int(values, "quorum") > n)
    return sg_fail_at(e, values, "quorum", "expected quorum ≤ n = %d, found %ld", n,
                      sg_int(values, "quorum"));
  t->quorum = sg_given(values, "quorum") ? (int)sg_int(values, "quorum") : 0;
  if (t->grace > 0 && t->quorum == 0)
    return sg_fail_at(e, values, "grace_s",
                      "expected a \"quorum\" with it: without one the master waits for all, found "
                      "grace_s = %g alone",
                      t->grace);
  code->flags |= SG_ASYNC;
  code->type = code->type == &sg_diloco ? &overlapped_diloco : &overlapped_local_sgd;
  code->state_size = state_size(n);
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status a = sg_learners_read_rest(code, values, 1, &t->learners, e);
  if (a) return a;
  t->inner = read_inner(values);
  bool diloco = code->type == &sg_diloco;
  t->inner.rate_given = diloco || sg_given(values, "rate");
  t->inner.displacement = diloco || sg_choice(values, "sends") == 1;
  t->rate = t->inner.rate_given ? sg_real(values, "rate") : 0;
  if (t->inner.displacement && t->rate == 0)
    a = sg_fail_at(e, values, "rate",
                   "expected the rate of the local steps where workers send displacements, since "
                   "the optimizer's step is the outer learning rate then; found nothing");
  sg_status b = read_draws(values, t, e), c = read_outer(code, values, t, e);
  if (a || b || c) return a ? a : b ? b : c;
  code->local = &t->inner;
  code->load = t->period * t->learners.work;
  code->exact = false;
  code->flags |= SG_LOCAL | SG_ANY_COUNT | SG_WEIGHTS_BY_COUNT;
  return sg_code_one_segment(code, values, "period", 1, shape->workers, e);
}

static void give(const tables *t, int node, int snapshot, int phase, sg_orders *o) {
  sg_task(o, node, snapshot, t->period * t->learners.work, t->draws, 0);
  sg_send(o, node, SG_MASTER, snapshot, 0, phase, 0);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  give(code->self, SG_ALL, snapshot, 0, o);
}

/* Step t of a phase takes the mini-batch of the name t further; those of a worker, or of all with
 * shared data, have names of their own until these begin again after about 2^31. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  unsigned phase = (unsigned)(t->overlapped ? message->tag : message->snapshot);
  if (t->learners.shared) phase = phase * (unsigned)code->nodes + (unsigned)message->from;
  unsigned name = phase * (unsigned)t->period % (unsigned)(INT_MAX - t->period) + 1;
  if (code->flags & SG_BATCHES) sg_row_batch(row, (int)name);
  sg_row_part(row, t->learners.shared ? 0 : message->from, 0, 1);
  sg_row_local(row, t->period, t->rate);
}

/* Whoever has answered: how many are needed is the stop policy's business. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  return sg_learners_weights(code, used, 1);
}

/* --- Overlapped ------------------------------------------------------------------------------- */

/* Behind it stand the displacements at the master, of phases `version` and the next, n each by the
 * parity of the phase; then of each worker the phase that it began with when it had done `done`
 * tasks, these, and the last phase that it was given. */
typedef struct progress {
  int version; /* updates so far: the phase that is waited for */
  int held[2];
  int again;                /* since the last update: how often everybody began anew */
  bool in_use, grace, over; /* the update is under way; the grace time runs; it is over */
  const sg_message *message[];
} progress;

enum { CATCH_UP, LOST, ANEW, MOST_ANEW = 500 };

static size_t state_size(int n) {
  return sizeof(progress) + (size_t)n * (2 * sizeof(sg_message *) + 3 * sizeof(int));
}

static const sg_message **slot(const sg_code *code, progress *p, int phase, int worker) {
  return &p->message[(phase & 1) * code->nodes + worker];
}

static int *first(const sg_code *code, progress *p) {
  return (int *)(void *)(p->message + 2 * (ptrdiff_t)code->nodes);
}

static int *done(const sg_code *code, progress *p) {
  return first(code, p) + code->nodes;
}

static int *given(const sg_code *code, progress *p) {
  return done(code, p) + code->nodes;
}

/* A worker has two phases to do: the one that is waited for, and the next. */
static void give_to_next(const sg_code *code, progress *p, int worker, sg_orders *o) {
  int *last = &given(code, p)[worker];
  while (*last <= p->version) give(code->self, worker, p->version, ++*last, o);
}

static void use(const sg_code *code, progress *p, sg_orders *o) {
  p->in_use = true;
  for (int i = 0; i < code->nodes; i++) {
    const sg_message *m = *slot(code, p, p->version, i);
    if (m) sg_use(o, m);
  }
  sg_decode(o, 0, SG_ANY, SG_NO_SUM);
}

static void use_if_enough(const sg_code *code, progress *p, sg_orders *o) {
  const tables *t = code->self;
  int held = p->held[p->version & 1];
  if (p->in_use || held == 0) return;
  bool enough = t->quorum > 0 && held >= t->quorum;
  if (held == code->nodes || (enough && (t->grace == 0 || p->over))) {
    use(code, p, o);
  } else if (enough && !p->grace) {
    p->grace = true;
    sg_timer(o, SG_AFTER_SECONDS, t->grace, p->version);
  }
}

/* What comes too late, or twice after a crash, is of no use. */
static void arrival(const sg_code *code, progress *p, const sg_message *m, sg_orders *o) {
  const sg_message **place = slot(code, p, m->tag, m->from);
  if (m->tag < p->version + p->in_use || *place) {
    sg_drop(o, m);
    return;
  }
  *place = m;
  p->held[m->tag & 1]++;
  use_if_enough(code, p, o);
}

static void updated(const sg_code *code, progress *p, sg_orders *o) {
  int phase = p->version++;
  sg_close(o, phase);
  sg_snapshot(o, p->version, 0, 0);
  p->in_use = p->grace = p->over = false;
  p->again = 0;
  p->held[phase & 1] = 0;
  for (int i = 0; i < code->nodes; i++) {
    const sg_message **place = slot(code, p, phase, i);
    if (*place)
      give_to_next(code, p, i, o);
    else
      sg_tell(o, i, CATCH_UP);
    *place = NULL;
  }
  use_if_enough(code, p, o);
}

/* A worker that is behind, or has lost something: the next two phases anew, unless it is at one of
 * them. */
static void resume(const sg_code *code, progress *p, const sg_event *event, sg_orders *o) {
  int i = event->at, *from = &first(code, p)[i], *last = &given(code, p)[i];
  int at = *from + event->count - done(code, p)[i], begin = p->version;
  if (event->arg == CATCH_UP && at >= p->version) {
    give_to_next(code, p, i, o);
    return;
  }
  if (event->arg == LOST) {
    if (at > *last && *last > begin) begin = *last; /* erased: it has nothing else to do */
    if (begin == p->version && *slot(code, p, begin, i)) begin++;
  }
  sg_stop(o, i);
  *from = begin;
  *last = begin - 1;
  done(code, p)[i] = event->count;
  give_to_next(code, p, i, o);
}

/* No more can come of the phase: with those there are or, without a quorum, everybody anew. */
static void stalled(const sg_code *code, progress *p, sg_orders *o) {
  const tables *t = code->self;
  int held = p->held[p->version & 1];
  if (p->in_use) return;
  if (held > 0 && held >= t->quorum) {
    use(code, p, o);
  } else if (p->again++ < MOST_ANEW) {
    for (int i = 0; i < code->nodes; i++) {
      const sg_message **place = slot(code, p, p->version, i);
      if (*place) sg_drop(o, *place);
      *place = NULL;
    }
    p->held[p->version & 1] = 0;
    sg_tell(o, SG_ALL, ANEW);
  }
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  progress *p = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    for (int phase = 0; phase < 2; phase++) give(code->self, SG_ALL, 0, phase, o);
    for (int i = 0; i < code->nodes; i++) given(code, p)[i] = 1;
    break;
  case SG_ARRIVAL: arrival(code, p, event->message[0], o); break;
  case SG_TIMER:
    p->over = p->over || event->arg == p->version;
    use_if_enough(code, p, o);
    break;
  case SG_UPDATED:
    if (event->decoded) updated(code, p, o);
    break;
  case SG_COMMAND: resume(code, p, event, o); break;
  case SG_BACK: sg_tell(o, event->at, LOST); break;
  case SG_STALLED: stalled(code, p, o); break;
  default: break;
  }
}

/* --- The codes -------------------------------------------------------------------------------- */

#define ABOUT_LOCAL                                                                                \
  .about = {.name = "local-sgd",                                                                   \
            .brief = "H local steps between averages",                                             \
            .summary = "Every worker takes H steps by itself from the common model on its own "    \
                       "data; the master averages how far they have come. Approximate.",           \
            .reference = "Stich (ICLR 2019), arXiv:1805.09767 (recalled); Wang, Joshi (MLSys "     \
                         "2019), arXiv:1810.08313 (published: the time of a step); overlapped: "   \
                         "derived, related to Douillard et al. (2025), arXiv:2501.18512 "          \
                         "(recalled).",                                                            \
            .params = local_params}
#define ABOUT_DILOCO                                                                               \
  .about = {                                                                                       \
      .name = "diloco",                                                                            \
      .brief = "H steps of AdamW between averages",                                                \
      .summary = "Local steps of AdamW whose state stays at the workers; the displacements "       \
                 "themselves are averaged, so that learning.optimizer is the outer one: "          \
                 "nesterov with step 0.7 and momentum 0.9 (recalled). Approximate.",               \
      .reference =                                                                                 \
          "Douillard et al. (2023), arXiv:2311.08105 (published; H, learning rates, "              \
          "momentum and decay recalled); overlapped: derived, related to "                         \
          "Douillard et al. (2025), arXiv:2501.18512; AdamW: Loshchilov, Hutter (ICLR 2019), "     \
          "arXiv:1711.05101, Kingma, Ba (ICLR 2015), arXiv:1412.6980 (all recalled).",             \
      .params = diloco_params}
#define COMMON .create = create, .encode = encode, .weights = weights

const sg_code_type sg_local_sgd = {ABOUT_LOCAL, COMMON, .plan = plan};
const sg_code_type sg_diloco = {ABOUT_DILOCO, COMMON, .plan = plan};
static const sg_code_type overlapped_local_sgd = {ABOUT_LOCAL, COMMON, .on_event = on_event};
static const sg_code_type overlapped_diloco = {ABOUT_DILOCO, COMMON, .on_event = on_event};
