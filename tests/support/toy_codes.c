/* SPDX-License-Identifier: MIT */
#include "tests/support/toy_codes.h"

#include "codes/frame/protocol.h"

#include <math.h>

static sg_status segments(sg_code *code, int count, long first_end, int need, sg_error *e) {
  sg_segment *s = sg_code_alloc(code, (size_t)count, sizeof *s);
  if (!s) return sg_fail_memory(e);
  s[0] = (sg_segment){.begin = 0, .end = first_end, .pieces = 1, .need = need};
  if (count > 1)
    s[1] = (sg_segment){.begin = first_end, .end = code->shape.length, .pieces = 1, .need = need};
  code->segment = s;
  code->segments = count;
  return SG_OK;
}

static void encode_own_part(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

/* The code of Tandon et al. for 3 workers and 1 straggler: g0/2 + g1, g1 − g2, g0/2 + g2. */
static void encode_one_of_three(int worker, sg_row *row) {
  if (worker != 1) sg_row_part(row, 0, 0, 0.5);
  if (worker != 2) sg_row_part(row, 1, 0, 1);
  if (worker != 0) sg_row_part(row, 2, 0, worker == 1 ? -1 : 1);
}

static sg_status need_workers(const sg_values *values, const sg_shape *shape, int from, int to,
                              sg_error *e) {
  if (shape->workers >= from && shape->workers <= to) return SG_OK;
  return sg_fail_at(e, values, NULL, "expected %d to %d workers, found %d", from, to,
                    shape->workers);
}

/* Messages of a round that is over are none of this one's. Returns whether they were. */
static bool drop_late(const sg_event *event, sg_orders *o) {
  if (event->message[0]->round == event->round) return false;
  for (int i = 0; i < event->count; i++) sg_drop(o, event->message[i]);
  return true;
}

/* A round that can go nowhere any more. */
static void give_up(const sg_event *event, int snapshot, sg_orders *o) {
  if (!event->skip) return;
  sg_close(o, snapshot);
  sg_end_round(o);
}

/* --- Two messages of different length --------------------------------------------------------- */

static sg_status two_messages_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                     sg_error *e) {
  (void)values;
  code->parts = shape->workers;
  code->load = 3;
  return segments(code, 2, shape->length / 3, shape->workers, e);
}

static void two_messages_plan(const sg_code *code, const void *state, int round, int snapshot,
                              sg_orders *o) {
  (void)code;
  (void)state;
  (void)round;
  for (int s = 0; s < 2; s++) {
    sg_task(o, SG_ALL, snapshot, 1 + s, 1 + s, 0);
    sg_send(o, SG_ALL, SG_MASTER, snapshot, s, 0, 0);
  }
}

const sg_code_type toy_two_messages = {
    .about = {.name = "toy-two-messages",
              .summary = "Two segments, each with a task and a message of its own.",
              .reference = ""},
    .create = two_messages_create,
    .encode = encode_own_part,
    .plan = two_messages_plan};

/* --- Signals, commands, a stop in mid-iteration ----------------------------------------------- */

typedef struct nested_state {
  int done[3], level, arrived;
  bool told;
} nested_state;

static sg_status nested_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  (void)values;
  code->parts = 3;
  code->load = 2;
  code->promised = 1;
  code->state_size = sizeof(nested_state);
  sg_status status = need_workers(values, shape, 3, 3, e);
  return status ? status : segments(code, 1, shape->length, 3, e);
}

/* The state says which level was decided on. */
static void nested_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const nested_state *s = row->state;
  (void)code;
  if (s->level == 0)
    sg_row_part(row, message->from, 0, 1);
  else
    encode_one_of_three(message->from, row);
}

static void nested_signal(nested_state *s, const sg_event *event, sg_orders *o) {
  s->done[event->from] = event->count;
  int ones = 0, twos = 0;
  for (int i = 0; i < 3; i++) {
    ones += s->done[i] >= 1;
    twos += s->done[i] >= 2;
  }
  if (s->told || (ones < 3 && twos < 2)) return;
  s->told = true;
  s->level = twos >= 2;
  sg_tell(o, SG_ALL, s->level);
}

static void nested_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  nested_state *s = state;
  switch (event->kind) {
  case SG_BEGIN:
    *s = (nested_state){0};
    sg_snapshot(o, event->round, 0, 0);
    for (int i = 0; i < 2; i++) sg_task(o, SG_ALL, event->round, 1, 1, SG_REPORT);
    break;
  case SG_SIGNAL: nested_signal(s, event, o); break;
  case SG_COMMAND:
    sg_stop(o, event->at);
    if (event->count > event->arg) sg_send(o, event->at, SG_MASTER, event->round, 0, event->arg, 0);
    break;
  case SG_ARRIVAL:
    if (drop_late(event, o)) break;
    s->arrived += event->count;
    if (s->arrived != 3 - s->level) break;
    sg_decode(o, 0, event->round, SG_LAST);
    sg_end_round(o);
    break;
  case SG_STALLED: give_up(event, event->round, o); break;
  default: break;
  }
}

const sg_code_type toy_nested = {
    .about = {.name = "toy-nested",
              .summary = "Two levels of redundancy; signals say when which will do.",
              .reference = ""},
    .create = nested_create,
    .encode = nested_encode,
    .on_event = nested_on_event};

/* --- State across iterations, two jobs in flight ---------------------------------------------- */

typedef struct pipeline_state {
  int arrived;
} pipeline_state;

static sg_status pipeline_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                 sg_error *e) {
  (void)values;
  code->parts = 2 * shape->workers;
  code->models = 2;
  code->load = 2;
  code->state_size = sizeof(pipeline_state);
  return segments(code, 1, shape->length, 2 * shape->workers, e);
}

static void pipeline_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, 2 * message->from + message->tag, 0, 1);
}

static void pipeline_on_event(const sg_code *code, void *state, const sg_event *event,
                              sg_orders *o) {
  pipeline_state *s = state;
  int job = event->round;
  switch (event->kind) {
  case SG_BEGIN:
    s->arrived = 0;
    sg_snapshot(o, job, job % 2, 0);
    sg_task(o, SG_ALL, job, 1, 1, 0);
    if (job > 0) sg_task(o, SG_ALL, job - 1, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, job, 0, 0, 0);
    if (job > 0) sg_send(o, SG_ALL, SG_MASTER, job - 1, 0, 1, SG_WITH_PREVIOUS);
    break;
  case SG_ARRIVAL:
    if (drop_late(event, o) || ++s->arrived != code->nodes) break;
    if (job > 0) sg_decode(o, (job - 1) % 2, job - 1, SG_LAST);
    sg_end_round(o);
    break;
  case SG_UPDATED: /* the other half was lost in the round before */
    if (!event->decoded) give_up(event, job - 1, o);
    break;
  case SG_STALLED: give_up(event, job - 1, o); break;
  default: break;
  }
}

const sg_code_type toy_pipeline = {
    .about = {.name = "toy-pipeline",
              .summary = "Two jobs in flight: each is computed in two rounds.",
              .reference = ""},
    .create = pipeline_create,
    .encode = pipeline_encode,
    .on_event = pipeline_on_event};

/* --- No barrier ------------------------------------------------------------------------------- */

typedef struct async_state {
  int version, waiting;
  bool updating;
  bool came[64], in_use[64]; /* whose message is held; whose is in the update under way */
} async_state;

static sg_status async_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values;
  code->parts = shape->workers;
  code->load = 1;
  code->flags = SG_ASYNC;
  code->exact = false;
  code->state_size = sizeof(async_state);
  sg_status status = need_workers(values, shape, 1, 64, e);
  return status ? status : segments(code, 1, shape->length, 1, e);
}

/* The sum of the gradients at hand, as asynchronous descent wants it. */
static sg_status async_weights(const sg_code *code, const sg_used *used) {
  (void)code;
  for (int i = 0; i < used->count; i++) used->W[i] = 1;
  return used->count > 0 ? SG_OK : SG_UNDECODABLE;
}

static void async_give(sg_orders *o, int worker, int version) {
  sg_task(o, worker, version, 1, 1, 0);
  sg_send(o, worker, SG_MASTER, version, 0, 0, 0);
}

static void async_decode(const sg_code *code, async_state *s, sg_orders *o) {
  for (int i = 0; i < code->nodes; i++) {
    s->in_use[i] = s->came[i];
    s->came[i] = false;
  }
  s->waiting = 0;
  s->updating = true;
  sg_decode(o, 0, SG_ANY, SG_NO_SUM);
}

static void async_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  async_state *s = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    async_give(o, SG_ALL, 0);
    break;
  case SG_ARRIVAL:
    s->came[event->from] = true;
    s->waiting++;
    if (!s->updating) async_decode(code, s, o);
    break;
  case SG_UPDATED:
    s->updating = false;
    sg_close(o, s->version++);
    sg_snapshot(o, s->version, 0, 0);
    for (int i = 0; i < code->nodes; i++)
      if (s->in_use[i]) async_give(o, i, s->version);
    if (s->waiting > 0) async_decode(code, s, o);
    break;
  case SG_BACK: async_give(o, event->at, s->version); break;
  default: break;
  }
}

const sg_code_type toy_async = {
    .about = {.name = "toy-async",
              .summary = "No barrier: every message that comes updates the model.",
              .reference = ""},
    .create = async_create,
    .encode = encode_own_part,
    .weights = async_weights,
    .on_event = async_on_event};

static sg_status batches_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  sg_status status = async_create(code, shape, values, e);
  code->flags |= SG_BATCHES;
  return status;
}

/* A name of its own for each worker and version. */
static void batches_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_batch(row, message->snapshot * code->nodes + message->from + 1);
  sg_row_part(row, message->from, 0, 1);
}

const sg_code_type toy_batches = {
    .about = {.name = "toy-batches",
              .summary = "No barrier, and each gradient is of another mini-batch.",
              .reference = ""},
    .create = batches_create,
    .encode = batches_encode,
    .weights = async_weights,
    .on_event = async_on_event};

/* --- Coded data ------------------------------------------------------------------------------- */

static const double beta[2] = {-0.5, 0.5};

/* Where worker i's data lie on the line through both parts. */
static double coded_place(const sg_code *code, int i) {
  return cos((2 * i + 1) * M_PI / (2 * code->nodes));
}

static sg_status coded_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  static const int both[] = {0, 1};
  sg_status status = need_workers(values, shape, 4, 64, e);
  if (status) return status;
  size_t n = (size_t)shape->workers;
  sg_combination *coded = sg_code_alloc(code, n, sizeof *coded);
  double *coef = sg_code_alloc(code, 2 * n, sizeof *coef);
  if (!coded || !coef) return sg_fail_memory(e);
  for (int i = 0; i < shape->workers; i++, coef += 2) {
    coef[0] = (coded_place(code, i) - beta[1]) / (beta[0] - beta[1]);
    coef[1] = (coded_place(code, i) - beta[0]) / (beta[1] - beta[0]);
    coded[i] = (sg_combination){.count = 2, .part = both, .coef = coef};
  }
  code->parts = 2;
  code->coded_parts = shape->workers;
  code->coded = coded;
  code->promised = shape->workers - 3;
  return segments(code, 1, shape->length, 3, e);
}

static void coded_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, code->parts + message->from, 0, 1);
}

/* Lagrange interpolation of a polynomial of degree 2, at the places of the two parts. */
static sg_status coded_weights(const sg_code *code, const sg_used *used) {
  if (used->count < 3) return SG_UNDECODABLE;
  for (int i = 0; i < 3; i++)
    for (int b = 0; b < 2; b++) {
      double l = 1;
      for (int k = 0; k < 3; k++) {
        double at = coded_place(code, used->message[k]->from);
        if (k != i) l *= (beta[b] - at) / (coded_place(code, used->message[i]->from) - at);
      }
      used->W[i] += l;
    }
  return SG_OK;
}

const sg_code_type toy_coded = {
    .about = {.name = "toy-coded",
              .summary = "A line through two parts of the data; any three points on it will do.",
              .reference = ""},
    .create = coded_create,
    .encode = coded_encode,
    .weights = coded_weights};

/* --- Decoding at an inner node ---------------------------------------------------------------- */

typedef struct tree_state {
  int arrived;
} tree_state;

static sg_status tree_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  static const int parent[] = {3, 3, 3, SG_MASTER};
  (void)values;
  code->parts = 4;
  code->parent = parent;
  code->state_size = sizeof(tree_state);
  sg_status status = need_workers(values, shape, 4, 4, e);
  return status ? status : segments(code, 1, shape->length, 1, e);
}

static void tree_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  /* Weights of the two messages that came, by who is missing. */
  static const double weight[3][3] = {{0, 1, 2}, {1, 0, 1}, {2, -1, 0}};
  (void)code;
  if (message->from < 3) {
    encode_one_of_three(message->from, row);
    return;
  }
  sg_row_part(row, 3, 0, 1);
  if (message->n_in != 2) return;
  int missing = 3 - message->in[0]->from - message->in[1]->from;
  for (int i = 0; i < 2; i++)
    sg_row_message(row, message->in[i], weight[missing][message->in[i]->from]);
}

static void tree_begin_round(const sg_code *code, void *state, int round) {
  (void)code;
  (void)round;
  ((tree_state *)state)->arrived = 0;
}

static sg_verdict tree_arrive(const sg_code *code, void *state, const sg_message *message,
                              sg_orders *orders) {
  (void)orders;
  (void)code;
  if (message->to == SG_MASTER) return SG_READY;
  int arrived = ++((tree_state *)state)->arrived;
  return arrived < 2 ? SG_WAIT : arrived == 2 ? SG_READY : SG_SKIP;
}

/* Any leaf may be missing, their parent may not. */
static bool tree_promises(const sg_code *code, const bool *present) {
  (void)code;
  return present[3] && present[0] + present[1] + present[2] >= 2;
}

const sg_code_type toy_tree = {
    .about = {.name = "toy-tree",
              .summary = "Three leaves whose parent decodes what any two of them sent.",
              .reference = ""},
    .create = tree_create,
    .encode = tree_encode,
    .promises = tree_promises,
    .begin_round = tree_begin_round,
    .arrive = tree_arrive};

/* --- A real number and a list ------------------------------------------------------------------
 */

static const sg_param factor_item = {.kind = SG_REAL, .summary = "a factor", .min = 0.25, .max = 4};
static const sg_param scaled_params[] = {
    {.name = "scale",
     .kind = SG_REAL,
     .summary = "What every message is multiplied by.",
     .min = 0.5,
     .max = 2,
     .flags = SG_REQUIRED},
    {.name = "factors",
     .kind = SG_LIST,
     .summary = "What messages are multiplied by, besides, in turn.",
     .min = 1,
     .max = 5,
     .fields = &factor_item,
     .flags = SG_REQUIRED},
    {0}};

static sg_status scaled_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  int count = sg_count(values, "factors");
  double *factor = sg_code_alloc(code, (size_t)shape->workers, sizeof *factor);
  if (!factor) return sg_fail_memory(e);
  if (count > shape->workers)
    return sg_fail_at(e, values, "factors", "expected at most n = %d factors, found %d",
                      shape->workers, count);
  for (int i = 0; i < shape->workers; i++)
    factor[i] = sg_real(values, "scale") * sg_item(values, "factors", i % count)->number;
  code->self = factor;
  code->parts = shape->workers;
  return SG_OK;
}

static void scaled_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->from, 0, ((const double *)code->self)[message->from]);
}

const sg_code_type toy_scaled = {
    .about = {.name = "toy-scaled",
              .summary = "Each worker sends its part, multiplied by a number.",
              .reference = "",
              .params = scaled_params},
    .create = scaled_create,
    .encode = scaled_encode};

/* --- Late messages are used ------------------------------------------------------------------- */

static sg_status late_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  code->parts = shape->workers;
  code->load = 1;
  code->exact = false;
  code->state_size = sizeof(int);
  sg_status status = need_workers(values, shape, 2, 1000000, e);
  return status ? status : segments(code, 1, shape->length, 1, e);
}

/* Whatever the master holds at the second message of an iteration. */
static void late_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  int *come = state;
  switch (event->kind) {
  case SG_BEGIN:
    *come = 0;
    sg_snapshot(o, event->round, 0, 0);
    sg_task(o, SG_ALL, event->round, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, event->round, 0, 0, 0);
    break;
  case SG_ARRIVAL: /* One that comes after the end, or of an earlier iteration, is kept. */
    if (event->message[0]->round != event->round || ++*come != 2) break;
    sg_decode(o, 0, SG_ANY, SG_NO_SUM);
    sg_close(o, event->round);
    sg_end_round(o);
    break;
  case SG_STALLED: give_up(event, event->round, o); break;
  default: break;
  }
}

const sg_code_type toy_late = {
    .about = {.name = "toy-late",
              .summary = "Two messages of an iteration, and what has come late of earlier ones.",
              .reference = ""},
    .create = late_create,
    .encode = encode_own_part,
    .weights = async_weights,
    .on_event = late_on_event};

/* --- Waiting for fewer workers in round 0 than later ----------------------------------------- */

static const sg_param waits_params[] = {
    {.name = "later", .kind = SG_INT, .summary = "", .min = 1, .max = 100, .fallback = 1}, {0}};

typedef struct waits_state {
  int round, arrived;
} waits_state;

static sg_status waits_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  int *later = sg_code_alloc(code, 1, sizeof *later);
  if (!later) return sg_fail_memory(e);
  *later = (int)sg_int(values, "later");
  code->self = later;
  code->parts = shape->workers;
  code->state_size = sizeof(waits_state);
  return SG_OK;
}

static void waits_begin_round(const sg_code *code, void *state, int round) {
  (void)code;
  *(waits_state *)state = (waits_state){.round = round};
}

static sg_verdict waits_arrive(const sg_code *code, void *state, const sg_message *message,
                               sg_orders *orders) {
  (void)orders;
  (void)message;
  waits_state *s = state;
  int need = s->round == 0 ? 1 : *(const int *)code->self;
  return ++s->arrived >= need ? SG_READY : SG_WAIT;
}

const sg_code_type toy_waits = {
    .about = {.name = "test-waits",
              .summary = "Waits for one worker at first, later for as many as given.",
              .reference = "",
              .params = waits_params},
    .create = waits_create,
    .encode = encode_own_part,
    .begin_round = waits_begin_round,
    .arrive = waits_arrive};

const struct toy_kind toy_kinds[TOY_KINDS] = {{"toy-two-messages", 4},
                                              {"toy-nested", 3},
                                              {"toy-pipeline", 4},
                                              {"toy-async", 5},
                                              {"toy-tree", 4}};
