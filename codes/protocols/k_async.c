/* SPDX-License-Identifier: MIT */
/* K-async and K-batch-async stochastic gradient descent: no barrier, and gradients of older models.
 *
 * The model is updated with the mean of the K gradients that came first, whatever model they were
 * taken at: exactly K, however many more come while an update takes its time. Nobody is cancelled.
 *
 * K-async: who has sent a gradient waits for the update that uses it, and goes on with the model
 * that comes of it; so the K are of distinct workers. K-batch-async: who has sent a mini-batch goes
 * on at once, with the newest model that there is, unless n mini-batches wait for the master
 * already: then it waits until an update begins.
 *
 * With max_lead (stale-synchronous, after Ho et al. 2013) a worker goes on only when the slowest
 * has sent at most so many gradients fewer than it; one that never comes back then stops them all.
 *
 * What a worker lost to a crash it is given anew when it is back. Where too few are left for K, a
 * run stalls or, if undecodable rounds are skipped, goes on with those there are. */
#include "codes/tools/learners.h"

#include <limits.h>
#include <string.h>

#define ROW_LEAD                                                                                   \
  SG_ROW_INT("max_lead", 0, SG_UNBOUNDED,                                                          \
             "by how many gradients a worker may be ahead of the slowest when it goes on; when "   \
             "left out there is no bound",                                                         \
             .flags = SG_OPTIONAL)
static const sg_param async_params[] = {SG_ROW_K("k", "gradients of an update"),
                                        SG_ROWS_LEARNERS(sg_gradients_of_learners),
                                        ROW_LEAD,
                                        {0}};
static const sg_param batch_params[] = {SG_ROW_K("k", "mini-batches of an update"),
                                        SG_ROWS_LEARNERS(sg_batches_of_learners),
                                        ROW_LEAD,
                                        {0}};

typedef struct tables {
  sg_learners learners;
  bool waits; /* K-async */
  long lead;  /* −1: no bound */
} tables;

/* Behind it stand `most` messages and their senders, then n numbers of gradients given after the
 * first, n numbers of those that have come and n workers that wait to go on. */
typedef struct progress {
  int version;
  int held, in_use; /* messages, and of them the first ones, in the update that is under way */
  int waiting;
  const sg_message *message[];
} progress;

/* In use; waiting; and one more of each worker. */
static int most(const sg_code *code) {
  return 3 * code->nodes;
}

static int *senders(const sg_code *code, progress *p) {
  return (int *)(void *)(p->message + most(code));
}

static int *given(const sg_code *code, progress *p) {
  return senders(code, p) + most(code);
}

static int *come(const sg_code *code, progress *p) {
  return given(code, p) + code->nodes;
}

static int *waiting(const sg_code *code, progress *p) {
  return come(code, p) + code->nodes;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_learners_read(code, values, "k", &t->learners, e);
  t->lead = sg_given(values, "max_lead") ? sg_int(values, "max_lead") : -1;
  code->flags |= SG_ASYNC;
  code->exact = false;
  code->state_size = sizeof(progress) + (size_t)most(code) * (sizeof(sg_message *) + sizeof(int)) +
                     3 * (size_t)shape->workers * sizeof(int);
  return status;
}

static sg_status waits_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  sg_status status = create(code, shape, values, e);
  if (!status) ((tables *)code->self)->waits = true;
  return status;
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  sg_learners_row(code, &t->learners, message->from, (unsigned)message->tag, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  return sg_learners_weights(code, used, 1);
}

static void give(const sg_code *code, progress *p, int worker, sg_orders *o) {
  const tables *t = code->self;
  sg_learners_give(&t->learners, worker, p->version, ++given(code, p)[worker], o);
}

/* How many gradients may have come of a worker that goes on. */
static long most_come(const sg_code *code, progress *p) {
  const tables *t = code->self;
  int *of = come(code, p), least = INT_MAX;
  if (t->lead < 0) return LONG_MAX;
  for (int i = 0; i < code->nodes; i++) least = of[i] < least ? of[i] : least;
  return t->lead < LONG_MAX - least ? least + t->lead : LONG_MAX;
}

/* Those that may, unless the master cannot keep up. */
static void go_on(const sg_code *code, progress *p, sg_orders *o) {
  if (p->waiting == 0 || p->held - p->in_use >= code->nodes) return;
  long most_of = most_come(code, p);
  int *who = waiting(code, p), stay = 0;
  for (int i = 0; i < p->waiting; i++)
    if (come(code, p)[who[i]] <= most_of)
      give(code, p, who[i], o);
    else
      who[stay++] = who[i];
  p->waiting = stay;
}

static void use(progress *p, int count, sg_orders *o) {
  p->in_use = count;
  for (int i = 0; i < count; i++) sg_use(o, p->message[i]);
  sg_decode(o, 0, SG_ANY, SG_NO_SUM);
}

static void arrival(const sg_code *code, progress *p, const sg_message *m, sg_orders *o) {
  const tables *t = code->self;
  bool busy = p->in_use > 0;
  senders(code, p)[p->held] = m->from;
  p->message[p->held++] = m;
  come(code, p)[m->from]++;
  if (!t->waits) waiting(code, p)[p->waiting++] = m->from;
  if (!busy && p->held >= t->learners.k) {
    use(p, t->learners.k, o);
    /* An update that takes no time is over before a timer that takes none: then who brought the
     * last gradient goes on with the new model. */
    if (!t->waits) sg_timer(o, SG_AFTER_SECONDS, 0, 0);
  } else {
    go_on(code, p, o);
  }
}

static void updated(const sg_code *code, progress *p, sg_orders *o) {
  const tables *t = code->self;
  int used = p->in_use, *from = senders(code, p);
  sg_close(o, p->version++);
  sg_snapshot(o, p->version, 0, 0);
  for (int i = 0; t->waits && i < used; i++) waiting(code, p)[p->waiting++] = from[i];
  p->held -= used;
  p->in_use = 0;
  memmove(p->message, p->message + used, (size_t)p->held * sizeof(sg_message *));
  memmove(from, from + used, (size_t)p->held * sizeof *from);
  if (p->held >= t->learners.k) use(p, t->learners.k, o);
  go_on(code, p, o);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    sg_learners_give(&t->learners, SG_ALL, 0, 0, o);
    break;
  case SG_ARRIVAL: arrival(code, p, event->message[0], o); break;
  case SG_TIMER: go_on(code, p, o); break;
  case SG_UPDATED:
    if (event->decoded) updated(code, p, o);
    break;
  case SG_BACK: give(code, p, event->at, o); break;
  case SG_STALLED:
    if (event->skip && p->held > 0) use(p, p->held, o);
    break;
  default: break;
  }
}

const sg_code_type sg_k_async = {
    .about = {.name = "k-async",
              .brief = "an update with every K gradients",
              .summary = "No barrier: the model is updated with the mean of every K workers' "
                         "gradients, however old; those K go on with the new model, the others "
                         "with what they are at. Approximate.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113; "
                           "Dutta, Wang, Joshi (2020), arXiv:2003.10579 (published); details "
                           "recalled, expectations derived.",
              .params = async_params},
    .create = waits_create,
    .encode = encode,
    .weights = weights,
    .on_event = on_event,
};

const sg_code_type sg_k_batch_async = {
    .about = {.name = "k-batch-async",
              .brief = "an update with every K mini-batches",
              .summary = "No barrier: the model is updated with the mean of every K mini-batches, "
                         "of whomever and however old; who has sent one goes on at once with the "
                         "newest model. Approximate.",
              .reference = "Dutta, Joshi, Ghosh, Dube, Nagpurkar (AISTATS 2018), arXiv:1803.01113; "
                           "Dutta, Wang, Joshi (2020), arXiv:2003.10579 (published); details "
                           "recalled, expectations derived.",
              .params = batch_params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .on_event = on_event,
};
