/* SPDX-License-Identifier: MIT */
/* What a protocol can order beyond a round of tasks and messages: a decode of named messages, or of
 * kept ones; what costs nothing; work after a crash; orders from `arrive`; the default round
 * extended. And what it cannot order. Schedules are computed by hand. */
#include "codes/frame/protocol.h"
#include "tests/support/environment.h"
#include "tests/support/targets.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

static sg_code *make(const sg_code_type *type, int workers, long length, const char *stop) {
  sg_shape shape = {.workers = workers, .subsets = workers, .length = length, .updates = 8};
  sg_values *v = sg_values_new(sg_scheme_params, &type->about, "");
  sg_error e = {0};
  sg_code *code = NULL;
  assert_non_null(v);
  sg_status status = stop ? sg_values_parse(v, "stop", stop, &e) : SG_OK;
  if (!status) status = sg_code_new(type, &shape, v, &code, &e);
  if (status) fail_msg("%s", e.fault[0].message);
  sg_values_free(v);
  return code;
}

typedef struct stage {
  test_environment t;
  sg_code *code;
  sg_run *run;
} stage;

static void start(stage *s, const sg_code_type *type, const char *stop, test_setup setup,
                  long iterations) {
  *s = (stage){0};
  test_environment_make(&s->t, &setup);
  s->code = make(type, setup.workers, setup.length ? setup.length : 1, stop);
  sg_run_limits limits = {.iterations = iterations, .sim_time_s = INFINITY, .worker_rows = true};
  s->run = sg_run_new(&s->t.env, s->code, 0, &limits, NULL, NULL);
  assert_non_null(s->run);
}

static const sg_run_request *ask(stage *s) {
  sg_run_status status = sg_run_advance(s->run);
  if (status != SG_RUN_DECODE) fail_msg("status %d: %s", status, sg_run_fault(s->run));
  return sg_run_request_of(s->run);
}

static const sg_iteration_record *answer(stage *s) {
  sg_run_supply(s->run, &(sg_run_result){.decoded = true, .n_used = 1});
  assert_non_null(sg_run_record(s->run));
  return sg_run_record(s->run);
}

static void end(stage *s) {
  sg_run_free(s->run);
  sg_code_free(s->code);
  test_environment_free(&s->t);
}

/* --- K-asynchronous descent: a decode of exactly K of the held messages ----------------------- */

enum { K_NODES = 12 };

typedef struct k_state {
  int version, held, backs;
  bool updating;
  const sg_message *message[K_NODES]; /* held, in the order of arrival */
  bool in_use[K_NODES];
} k_state;

static int most_wanted; /* K */

static sg_status k_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                          sg_error *e) {
  (void)values;
  code->parts = shape->workers;
  code->load = 1;
  code->flags = SG_ASYNC;
  code->exact = false;
  code->state_size = sizeof(k_state);
  return sg_code_one_segment(code, NULL, NULL, 1, 1, e);
}

static void k_give(sg_orders *o, int worker, int version) {
  sg_task(o, worker, version, 1, 1, 0);
  sg_send(o, worker, SG_MASTER, version, 0, 0, 0);
}

static void k_decode(k_state *s, sg_orders *o) {
  if (s->updating || s->held < most_wanted) return;
  for (int i = 0; i < most_wanted; i++) {
    sg_use(o, s->message[i]);
    s->in_use[s->message[i]->from] = true;
  }
  s->held -= most_wanted;
  memmove(s->message, s->message + most_wanted, (size_t)s->held * sizeof(sg_message *));
  s->updating = true;
  sg_decode(o, 0, SG_ANY, SG_NO_SUM);
}

static void k_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  k_state *s = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    k_give(o, SG_ALL, 0);
    break;
  case SG_ARRIVAL:
    s->message[s->held++] = event->message[0];
    k_decode(s, o);
    break;
  case SG_UPDATED:
    s->updating = false;
    sg_close(o, s->version++);
    sg_snapshot(o, s->version, 0, 0);
    for (int i = 0; i < code->nodes; i++)
      if (s->in_use[i]) k_give(o, i, s->version);
    memset(s->in_use, 0, sizeof s->in_use);
    k_decode(s, o);
    break;
  case SG_BACK:
    s->backs++;
    k_give(o, event->at, s->version);
    break;
  default: break;
  }
}

static const sg_code_type k_async = {.about = {.name = "test-k-async", .summary = ""},
                                     .create = k_create,
                                     .encode = encode,
                                     .on_event = k_on_event};

/* K = 2, an update of 0.3 s, tasks of 1, 1.05, 1.1, 1.15, 1.2 and 9 s. During the first
 * update, 1.05 to 1.35, three more come: the second uses two of them, the third the last one and
 * the first that comes again, from 1.35 + 1. */
static void decodes_of_named_messages(void **state) {
  (void)state;
  static const int from[][2] = {{0, 1}, {2, 3}, {4, 0}, {1, 2}};
  static const double ends[] = {1.35, 1.65, 2.65, 3.05};
  stage s;
  most_wanted = 2;
  start(&s, &k_async, NULL,
        (test_setup){.workers = 6,
                     .speed = (const double[]){1, 1 / 1.05, 1 / 1.1, 1 / 1.15, 1 / 1.2, 1 / 9.0},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .update_s = 0.3},
        4);
  for (int i = 0; i < 4; i++) {
    const sg_run_segment *segment = ask(&s)->segment;
    assert_int_equal(segment->count, 2);
    for (int j = 0; j < 2; j++) assert_int_equal(segment->message[j]->from, from[i][j]);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->start_s + r->duration_s, ends[i]);
  }
  end(&s);
}

/* Twelve workers, K = 3. */
static sg_run_status under_crashes(const char *crashes, long *rows, int *backs) {
  char text[512];
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":12,\"crashes\":{%s}},\"delay\":{\"model\":"
           "\"exponential\",\"mean_s\":1},\"learning\":{\"problem\":\"none\",\"length\":4},"
           "\"schemes\":[{\"code\":\"uncoded\"}],\"stop\":{\"iterations\":1000}}",
           crashes);
  target_world w;
  assert_true(target_open_text(text, &w));
  sg_code *code = make(&k_async, 12, 4, NULL);
  most_wanted = 3;
  sg_run *run = sg_run_new(&w.world->environment, code, 0, &w.world->limits, NULL, NULL);
  sg_run_status status;
  *rows = 0;
  while ((status = sg_run_advance(run)) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    assert_int_equal(r->segment->count, 3);
    *backs = ((const k_state *)r->state)->backs;
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 3});
    ++*rows;
  }
  sg_run_free(run);
  sg_code_free(code);
  target_close(&w);
  return status;
}

static void work_after_a_crash(void **state) {
  (void)state;
  long rows;
  int backs;
  assert_int_equal(under_crashes("\"model\":\"iterations\",\"mean_iterations\":5,"
                                 "\"mean_recovery_iterations\":3",
                                 &rows, &backs),
                   SG_RUN_ITERATIONS);
  assert_int_equal(rows, 1000);
  /* 3000 tasks are done, three dead ones to five of them. */
  assert_true(backs > 0.8 * 1800 && backs < 1.25 * 1800);
  /* Who never comes back is never given anything again: the run stalls with too few. */
  assert_int_equal(under_crashes("\"model\":\"permanent\",\"mean_iterations\":20", &rows, &backs),
                   SG_RUN_STALLED);
  assert_true(rows > 20 && rows < 200);
  assert_int_equal(backs, 0);
}

/* --- Kept messages, times of events ----------------------------------------------------------- */

static double began_s; /* of the round, absolute */

/* Two workers; a decode with each arrival, the first message is kept for the second. */
static void keeps_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  (void)state;
  if (event->kind == SG_BEGIN) {
    began_s = event->now_s;
    NEAR(event->seconds, 0);
    NEAR(event->now_s, event->round * 3.0);
    sg_snapshot(o, event->round, 0, SG_KNOWN);
    sg_task(o, SG_ALL, event->round, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, event->round, 0, 0, 0);
    return;
  }
  NEAR(event->now_s - began_s, event->seconds);
  if (event->kind != SG_ARRIVAL) return;
  NEAR(event->seconds, event->from ? 3 : 1);
  sg_decode(o, 0, event->round, event->from ? SG_LAST : SG_KEEP);
  if (event->from) sg_end_round(o);
}

static sg_status plain_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values;
  (void)e;
  code->parts = shape->workers;
  code->load = 1;
  code->state_size = 64;
  return SG_OK;
}

static const sg_code_type keeps = {.about = {.name = "test-keeps", .summary = ""},
                                   .create = plain_create,
                                   .encode = encode,
                                   .on_event = keeps_on_event};

/* Also: a snapshot that all know is not broadcast, though a model takes 8 s to get to a worker. */
static void kept_messages(void **state) {
  (void)state;
  stage s;
  start(&s, &keeps, NULL,
        (test_setup){.workers = 2,
                     .speed = (const double[]){1, 1 / 3.0},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .broadcast = "linear",
                     .broadcast_by = {0, 1}},
        4);
  for (int round = 0; round < 2; round++) {
    int count;
    assert_int_equal(ask(&s)->segment->count, 1);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 1);
    NEAR(r->busy_s, 2);
    NEAR(r->wasted_s, 0);
    assert_true(sg_run_worker_records(s.run, &count)[0].used);
    const sg_run_request *request = ask(&s);
    assert_int_equal(request->segment->count, 2);
    assert_int_equal(request->segment->message[0]->from, 0);
    r = answer(&s);
    NEAR(r->duration_s, 2);
    NEAR(r->busy_s, 2);
    NEAR(r->wasted_s, 0);
    NEAR(r->bytes_broadcast, 0);
    assert_true(sg_run_worker_records(s.run, &count)[0].used);
    assert_true(sg_run_worker_records(s.run, &count)[1].used);
  }
  assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
  end(&s);
}

/* --- Free messages ---------------------------------------------------------------------------- */

static int arrivals;

/* A task, a paid message of 2 s on the link and a free one behind it. */
static void free_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  int *come = state;
  if (event->kind == SG_BEGIN) {
    *come = 0;
    sg_snapshot(o, event->round, 0, 0);
    sg_task(o, 0, event->round, 1, 1, 0);
    sg_send(o, 0, SG_MASTER, event->round, 0, 0, 0);
    sg_send(o, 0, SG_MASTER, event->round, 0, 1, SG_FREE);
  }
  if (event->kind != SG_ARRIVAL) return;
  ++*come;
  assert_int_equal(event->message[0]->tag, *come == 1);
  NEAR(event->seconds, *come == 1 ? 1 : 3);
  if (*come < 2) return;
  sg_decode(o, 0, event->round, SG_LAST);
  sg_end_round(o);
}

/* At 1 s both send a free message; the first ends the round, the second is late at once. */
static void late_free_on_event(const sg_code *code, void *state, const sg_event *event,
                               sg_orders *o) {
  (void)code;
  int *come = state;
  if (event->kind == SG_BEGIN) {
    *come = 0;
    sg_snapshot(o, event->round, 0, 0);
    sg_timer(o, SG_AFTER_SECONDS, 1, 0);
  }
  if (event->kind == SG_TIMER) sg_send(o, SG_ALL, SG_MASTER, event->round, 0, 0, SG_FREE);
  if (event->kind != SG_ARRIVAL) return;
  arrivals++;
  if (++*come > 1) {
    sg_drop(o, event->message[0]);
    return;
  }
  sg_decode(o, 0, event->round, 0);
  sg_end_round(o);
}

static void free_messages(void **state) {
  (void)state;
  const sg_code_type type = {.about = {.name = "test-free", .summary = ""},
                             .create = plain_create,
                             .encode = encode,
                             .on_event = free_on_event};
  const sg_code_type late = {.about = {.name = "test-late-free", .summary = ""},
                             .create = plain_create,
                             .encode = encode,
                             .on_event = late_free_on_event};
  test_setup setup = {.workers = 2,
                      .delay = "deterministic",
                      .delay_by = {1},
                      .uplink = "deterministic",
                      .uplink_by = {2}};
  for (int v = 0; v < 6; v++) {
    setup.late_work = (sg_late_work)(v % 3);
    setup.late_messages = v / 3 ? "occupy-link" : "cancel";
    stage s;
    start(&s, &type, NULL, setup, 3);
    for (int i = 0; i < 3; i++) {
      assert_int_equal(ask(&s)->segment->count, 2);
      const sg_iteration_record *r = answer(&s);
      NEAR(r->duration_s, 3);
      NEAR(r->busy_s, 1);
      NEAR(r->bytes_sent, 8);
      NEAR(r->bytes_received, 8);
      assert_int_equal(r->n_received, 2);
      assert_int_equal(r->messages_sent, 2);
    }
    assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
    end(&s);
    arrivals = 0;
    start(&s, &late, NULL, setup, 3);
    for (int i = 0; i < 3; i++) {
      assert_int_equal(ask(&s)->segment->count, 1);
      assert_int_equal(sg_run_request_of(s.run)->segment->message[0]->from, 0);
      const sg_iteration_record *r = answer(&s);
      NEAR(r->duration_s, 1);
      NEAR(r->bytes_sent, 0);
    }
    assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
    /* The third round's second message would come after the run's end. */
    assert_int_equal(arrivals, setup.late_work == SG_LATE_KEEP_PARTIAL ? 5 : 3);
    end(&s);
  }
}

/* --- Orders from arrive; the default round extended ------------------------------------------- */

/* When worker 0 has answered it is given worker 1's part, too, which is stopped. */
static sg_verdict helps_arrive(const sg_code *code, void *state, const sg_message *m,
                               sg_orders *o) {
  (void)code;
  (void)state;
  if (m->tag == 1) return SG_READY;
  sg_stop(o, 1);
  sg_task(o, 0, m->snapshot, 1, 1, 0);
  sg_send(o, 0, SG_MASTER, m->snapshot, 0, 1, 0);
  return SG_WAIT;
}

static void helps_encode(const sg_code *code, const sg_message *m, sg_row *row) {
  (void)code;
  sg_row_part(row, m->from + m->tag, 0, 1);
}

static void arrivals_that_give_orders(void **state) {
  (void)state;
  const sg_code_type helps = {.about = {.name = "test-helps", .summary = ""},
                              .create = plain_create,
                              .encode = helps_encode,
                              .arrive = helps_arrive};
  stage s;
  start(&s, &helps, NULL,
        (test_setup){.workers = 2,
                     .speed = (const double[]){1, 0.1},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "deterministic",
                     .uplink_by = {0.5}},
        2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ask(&s)->segment->count, 2);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 3); /* 0 → 1 → 1.5, 1.5 → 2.5 → 3 */
    NEAR(r->busy_s, 2 + 1.5);
    NEAR(r->wasted_s, 1.5);
  }
  end(&s);
}

/* Two tasks each, reported; as soon as two workers have done both the third is stopped. */
typedef struct stops_state {
  int done;
} stops_state;

static void stops_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  stops_state *s = state;
  if (event->kind == SG_BEGIN) s->done = 0;
  if (event->kind != SG_SIGNAL) {
    sg_round_event(event, o);
    return;
  }
  s->done += event->count == 2;
  if (s->done == 2 && event->count == 2)
    for (int i = 0; i < code->nodes; i++)
      if (i == 2) sg_stop(o, i);
}

static void stops_plan(const sg_code *code, const void *state, int round, int snapshot,
                       sg_orders *o) {
  (void)code, (void)state, (void)round;
  for (int i = 0; i < 2; i++) sg_task(o, SG_ALL, snapshot, 0.5, 1, SG_REPORT);
  sg_send(o, SG_ALL, SG_MASTER, snapshot, 0, 0, 0);
}

static sg_status stops_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  code->flags = SG_ROUNDS;
  code->exact = false;
  return plain_create(code, shape, values, e);
}

static void the_default_round_extended(void **state) {
  (void)state;
  const sg_code_type stops = {.about = {.name = "test-stops", .summary = ""},
                              .create = stops_create,
                              .encode = encode,
                              .plan = stops_plan,
                              .on_event = stops_on_event};
  test_setup setup = {.workers = 3,
                      .speed = (const double[]){1, 0.5, 0.1},
                      .delay = "deterministic",
                      .delay_by = {1},
                      .uplink = "deterministic",
                      .uplink_by = {1},
                      .signal_latency_s = 0.25};
  stage s;
  /* Tasks end at 0.5, 1 | 1, 2 | 5, 10: at 2.25 the third is told to stop, which it hears at 2.5,
   * at 3 two have come. */
  start(&s, &stops, "count(messages=2)", setup, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ask(&s)->segment->count, 2);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 3);
    NEAR(r->busy_s, 1 + 2 + 2.5);
    NEAR(r->wasted_s, 2.5);
    assert_int_equal(r->n_used, 1);
  }
  end(&s);
  /* A deadline: all three were expected, two come. */
  start(&s, &stops, "deadline(deadline_s=4)", setup, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ask(&s)->segment->count, 2);
    NEAR(answer(&s)->duration_s, 4);
  }
  end(&s);
}

static void durations_add_up(void **state) {
  (void)state;
  static const struct {
    const sg_code_type *type;
    int workers;
  } toys[] = {{&toy_two_messages, 3}, {&toy_nested, 3}, {&toy_pipeline, 2},
              {&toy_async, 5},        {&toy_tree, 4},   {&toy_waits, 3}};
  for (size_t i = 0; i < sizeof toys / sizeof *toys; i++) {
    stage s;
    start(&s, toys[i].type, NULL,
          (test_setup){.workers = toys[i].workers,
                       .delay = "shifted-exponential",
                       .delay_by = {1, 2},
                       .uplink = "exponential",
                       .uplink_by = {0.5},
                       .update_s = 0.125,
                       .length = 6,
                       .seed = 7},
          40);
    double sum = 0;
    for (int row = 0; row < 40; row++) {
      ask(&s);
      const sg_iteration_record *r = answer(&s);
      NEAR(r->start_s, sum);
      sum += r->duration_s;
    }
    assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
    NEAR(sg_run_now(s.run), sum);
    end(&s);
  }
}

/* --- What cannot be ordered ------------------------------------------------------------------- */

static int which;
static const sg_message *kept;

static void wrong_at_arrival(const sg_event *event, sg_orders *o) {
  const sg_message *m = event->message[0];
  sg_message copy = *m;
  static sg_message foreign;
  foreign = copy;
  switch (which) {
  case 0: sg_drop(o, &foreign); break;
  case 1: sg_drop(o, NULL); break;
  case 2:
    sg_drop(o, m);
    sg_drop(o, m);
    break;
  case 3:
    sg_use(o, &foreign);
    sg_decode(o, 0, event->round, 0);
    break;
  case 4:
    sg_use(o, NULL);
    sg_decode(o, 0, event->round, 0);
    break;
  case 5: sg_use(o, m); break;
  case 6:
    sg_drop(o, m);
    sg_use(o, m);
    break;
  case 7:
    sg_decode(o, 0, event->round, SG_KEEP);
    sg_decode(o, 0, event->round, 0);
    break;
  case 8:
    sg_decode(o, 0, event->round, SG_LAST);
    sg_decode(o, 0, event->round, 0);
    break;
  case 9:
    sg_end_round(o);
    sg_task(o, 0, event->round, 1, 1, 0);
    break;
  case 10: /* kept after its round: round 1 has nothing of its own yet */
    kept = m;
    sg_decode(o, 0, event->round, SG_LAST);
    sg_end_round(o);
    break;
  default: break;
  }
}

static void wrong_at_begin(const sg_event *event, sg_orders *o) {
  int p = event->round;
  if (which == 10 && p == 1) {
    sg_use(o, kept);
    sg_decode(o, 0, SG_ANY, 0);
    return;
  }
  sg_snapshot(o, p, 0, 0);
  sg_task(o, which < 25 ? 0 : SG_ALL, p, 1, 1, 0);
  switch (which) {
  case 25: /* together with the task */ sg_send(o, SG_ALL, SG_MASTER, p, 9, 0, 0); break;
  case 26: sg_send(o, SG_ALL, -7, p, 0, 0, 0); break;
  case 11: sg_stop(o, 2); break;
  case 12: sg_tell(o, -5, 0); break;
  case 13: sg_snapshot(o, SG_ANY, 0, 0); break;
  case 14: sg_timer(o, SG_AFTER_SECONDS, NAN, 0); break;
  case 15: sg_timer(o, SG_AFTER_FACTOR_OF_FIRST, -1, 0); break;
  case 16: sg_task(o, 0, p, 1, INT32_MAX, 0); break;
  case 17: sg_task(o, 0, p, NAN, 1, 0); break;
  case 18: sg_snapshot(o, p, 0, 0); break;
  case 19:
    sg_send(o, 0, SG_MASTER, p, 0, 0, SG_FREE);
    sg_send(o, 0, SG_MASTER, p, 0, 0, SG_WITH_PREVIOUS);
    break;
  case 20: /* to the same receiver only */
    sg_send(o, 0, SG_MASTER, p, 0, 0, 0);
    sg_send(o, 0, 1, p, 0, 0, SG_WITH_PREVIOUS);
    break;
  case 21: sg_send(o, 0, -7, p, 0, 0, 0); break;
  case 22: sg_send(o, 0, SG_MASTER, p, -1, 0, 0); break;
  case 23: sg_decode(o, -1, p, 0); break;
  case 24: sg_task(o, 0, p, INFINITY, 1, 0); break;
  case 27: sg_timer_of(o, 2, 1, 0); break;
  case 28: sg_timer_of(o, SG_ALL, NAN, 0); break;
  case 29: sg_stop_queued(o, 2); break;
  case 30: /* beside tasks: nothing before it */
    sg_send_after(o, 0, SG_MASTER, p, 0, 0, 0, SG_WITH_PREVIOUS);
    break;
  case 31: /* another receiver */
    sg_send_after(o, 0, SG_MASTER, p, 0, 0, 1, 0);
    sg_send_after(o, 0, 1, p, 0, 1, 1, SG_WITH_PREVIOUS);
    break;
  case 32: /* another sender */
    sg_send_after(o, 1, SG_MASTER, p, 0, 0, 0, 0);
    sg_send_after(o, 0, SG_MASTER, p, 0, 1, 0, SG_WITH_PREVIOUS);
    break;
  case 33: /* something else between them */
    sg_send_after(o, 0, SG_MASTER, p, 0, 0, 1, 0);
    sg_tell(o, 1, 0);
    sg_send_after(o, 0, SG_MASTER, p, 0, 1, 1, SG_WITH_PREVIOUS);
    break;
  default: sg_send(o, 0, SG_MASTER, p, 0, 0, 0); break;
  }
}

static void wrong_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  (void)state;
  if (event->kind == SG_BEGIN) wrong_at_begin(event, o);
  if (event->kind == SG_ARRIVAL) wrong_at_arrival(event, o);
}

static void faults_name_the_code(void **state) {
  (void)state;
  const sg_code_type wrong = {.about = {.name = "test-wrong", .summary = ""},
                              .create = plain_create,
                              .encode = encode,
                              .on_event = wrong_on_event};
  for (which = 0; which <= 33; which++) {
    stage s;
    start(&s, &wrong, NULL, (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
          9);
    sg_run_status status;
    for (int i = 0; (status = sg_run_advance(s.run)) == SG_RUN_DECODE && i < 20; i++)
      sg_run_supply(s.run, &(sg_run_result){.decoded = true});
    if (status != SG_RUN_FAILED) fail_msg("order %d: status %d", which, status);
    const char *fault = sg_run_fault(s.run);
    if (strncmp(fault, "test-wrong orders ", 18) || strlen(fault) < 30)
      fail_msg("order %d: %s", which, fault);
    end(&s);
  }
}

/* A message that goes with the previous one, ordered in mid-task: whether task and message are one
 * event, as nobody is told of the task's end, or two. */
static void joins_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)state;
  if (event->kind == SG_BEGIN) {
    sg_snapshot(o, event->round, 0, 0);
    sg_task(o, 0, event->round, 1, 1, code->promised ? SG_REPORT : 0);
    sg_send(o, 0, SG_MASTER, event->round, 0, 0, 0);
    sg_timer(o, SG_AFTER_SECONDS, 0.5, 0);
  } else if (event->kind == SG_TIMER) {
    sg_send(o, 0, SG_MASTER, event->round, 0, 1, SG_WITH_PREVIOUS);
  } else if (event->kind == SG_ARRIVAL) {
    assert_int_equal(event->count, 2);
    sg_decode(o, 0, event->round, SG_LAST);
    sg_end_round(o);
  }
}

static sg_status reports_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  code->promised = 1;
  return plain_create(code, shape, values, e);
}

static void joined_in_mid_task(void **state) {
  (void)state;
  for (int reports = 0; reports < 2; reports++) {
    const sg_code_type joins = {.about = {.name = "test-joins", .summary = ""},
                                .create = reports ? reports_create : plain_create,
                                .encode = encode,
                                .on_event = joins_on_event};
    stage s;
    start(&s, &joins, NULL,
          (test_setup){.workers = 1,
                       .delay = "deterministic",
                       .delay_by = {1},
                       .uplink = "linear",
                       .uplink_by = {0, 8}},
          2);
    for (int i = 0; i < 2; i++) {
      assert_int_equal(ask(&s)->segment->count, 2);
      const sg_iteration_record *r = answer(&s);
      NEAR(r->duration_s, 3); /* 16 bytes behind the task */
      NEAR(r->bytes_sent, 16);
    }
    end(&s);
  }
}

/* --- Sends beside tasks, copies ----------------------------------------------------------------
 */

/* Node 0 sends two messages together at once, and two together after the first of its three tasks
 * of a second; node 1, which gets these, sends on what it holds three times, the last time without
 * keeping it, and then has nothing more to send on. 8 bytes a second. */
static void beside_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  int p = event->round, *come = state;
  if (event->kind == SG_BEGIN) {
    *come = 0;
    sg_snapshot(o, p, 0, 0);
    for (int k = 0; k < 3; k++) sg_task(o, 0, p, 1, 1, 0);
    sg_send_after(o, 0, 1, p, 0, 0, 1, 0);
    sg_send_after(o, 0, 1, p, 0, 1, 1, SG_WITH_PREVIOUS);
    sg_send_after(o, 0, SG_MASTER, p, 0, 2, 0, 0);
    sg_send_after(o, 0, SG_MASTER, p, 0, 3, 0, SG_WITH_PREVIOUS);
  } else if (event->kind == SG_ARRIVAL && event->at == 1) {
    NEAR(event->seconds, 4); /* the link was taken until 2 */
    assert_int_equal(event->count, 2);
    for (int k = 0; k < 4; k++) sg_send_after(o, 1, SG_MASTER, p, 0, 4 + k, 0, k < 2 ? SG_COPY : 0);
  } else if (event->kind == SG_ARRIVAL) {
    const sg_message *m = event->message[0];
    NEAR(event->seconds, *come == 0 ? 2 : 4 + *come);
    assert_int_equal(event->count, *come == 0 ? 2 : 1);
    assert_int_equal(m->tag, *come == 0 ? 2 : 3 + *come);
    assert_int_equal(m->n_in, m->tag < 4 || m->tag == 7 ? 0 : 2);
    for (int i = 0; i < m->n_in; i++) assert_int_equal(m->in[i]->tag, i);
    if (++*come < 5) return;
    sg_decode(o, 0, p, SG_LAST);
    sg_end_round(o);
  }
}

static sg_status beside_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  code->state_size = sizeof(int);
  return plain_create(code, shape, values, e);
}

static void sends_beside_tasks(void **state) {
  (void)state;
  const sg_code_type beside = {.about = {.name = "test-beside", .summary = ""},
                               .create = beside_create,
                               .encode = encode,
                               .on_event = beside_on_event};
  stage s;
  start(&s, &beside, NULL,
        (test_setup){.workers = 2,
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "linear",
                     .uplink_by = {0, 8}},
        3);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(ask(&s)->segment->count, 6);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 8);
    NEAR(r->bytes_sent, 64);
    NEAR(r->busy_s, 3);
    assert_int_equal(r->messages_sent, 8);
  }
  end(&s);
}

/* What a node has computed is wasted when it is told that it is useless, and what it sends then
 * does not make it useful; what it computes afterwards is. */
static void discard_on_event(const sg_code *code, void *state, const sg_event *event,
                             sg_orders *o) {
  (void)code;
  (void)state;
  int p = event->round;
  if (event->kind == SG_BEGIN) {
    sg_snapshot(o, p, 0, 0);
    for (int k = 0; k < 3; k++) sg_task(o, 0, p, 1, 1, 0);
    sg_timer(o, SG_AFTER_SECONDS, 1.5, 0);
  } else if (event->kind == SG_TIMER) {
    sg_discard(o, 0);
    sg_send_after(o, 0, SG_MASTER, p, 0, 0, 0, SG_FREE);
    if (p > 0) sg_task(o, 0, p, 1, 1, 0);
    sg_send(o, 0, SG_MASTER, p, 0, 1, SG_FREE);
  } else if (event->kind == SG_ARRIVAL && event->message[0]->tag == 1) {
    sg_decode(o, 0, p, SG_LAST);
    sg_end_round(o);
  }
}

static void useless_work(void **state) {
  (void)state;
  const sg_code_type discards = {.about = {.name = "test-discards", .summary = ""},
                                 .create = plain_create,
                                 .encode = encode,
                                 .on_event = discard_on_event};
  stage s;
  start(&s, &discards, NULL, (test_setup){.workers = 1, .delay = "deterministic", .delay_by = {1}},
        2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ask(&s)->segment->count, 2);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 1.5 + i);
    NEAR(r->busy_s, 1.5 + i);
    NEAR(r->wasted_s, 1.5);
  }
  end(&s);
}

/* --- Timers of nodes -------------------------------------------------------------------------- */

/* Three tasks each, and a clock: the first worker then finishes what it is at, the second drops it.
 * The third is stopped when the first answers, and given another task and another clock. */
typedef struct clocks_state {
  int come, fired;
} clocks_state;

static void clock_fires(const sg_event *event, clocks_state *s, sg_orders *o) {
  static const struct {
    int at, arg, count;
    bool busy;
    double seconds;
  } expected[] = {{0, 7, 1, true, 1.5}, {1, 8, 1, true, 2.5}, {2, 9, 1, false, 2.75}};
  assert_true(s->fired < 3);
  assert_int_equal(event->at, expected[s->fired].at);
  assert_int_equal(event->arg, expected[s->fired].arg);
  assert_int_equal(event->count, expected[s->fired].count);
  assert_int_equal(event->busy, expected[s->fired].busy);
  NEAR(event->seconds, expected[s->fired].seconds);
  s->fired++;
  if (event->at == 0) sg_stop_queued(o, 0);
  if (event->at == 1) sg_stop(o, 1);
  sg_send(o, event->at, SG_MASTER, event->round, 0, 0, 0);
}

static void clocks_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  clocks_state *s = state;
  int p = event->round;
  if (event->kind == SG_BEGIN) {
    *s = (clocks_state){0};
    sg_snapshot(o, p, 0, 0);
    sg_timer_of(o, SG_ALL, 9, 1); /* replaced */
    sg_timer_of(o, 0, 1.5, 7);
    sg_timer_of(o, 1, 2.5, 8);
    sg_timer_of(o, 2, 5, 1); /* stopped */
    for (int i = 0; i < 3; i++) sg_task(o, SG_ALL, p, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, p, 0, 1, 0);
  } else if (event->kind == SG_TIMER) {
    clock_fires(event, s, o);
  } else if (event->kind == SG_ARRIVAL) {
    s->come++;
    if (event->message[0]->from == 0) {
      sg_stop(o, 2); /* it hears of it after a quarter of a second */
      sg_task(o, 2, p, 0.05, 1, 0);
      sg_timer_of(o, 2, 0.5, 9);
    }
    if (s->come < 3) return;
    sg_decode(o, 0, p, SG_LAST);
    sg_end_round(o);
  }
}

static sg_status clocks_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  code->state_size = sizeof(clocks_state);
  return plain_create(code, shape, values, e);
}

static void timers_of_nodes(void **state) {
  (void)state;
  const sg_code_type clocks = {.about = {.name = "test-clocks", .summary = ""},
                               .create = clocks_create,
                               .encode = encode,
                               .on_event = clocks_on_event};
  stage s;
  start(&s, &clocks, NULL,
        (test_setup){.workers = 3,
                     .speed = (const double[]){1, 0.5, 0.1},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .signal_latency_s = 0.25},
        3);
  for (int i = 0; i < 3; i++) { /* 0: 1, 2 and sends; 1: 2, cut at 2.5; 2: cut at 2.25, 2.75 */
    assert_int_equal(ask(&s)->segment->count, 3);
    const sg_iteration_record *r = answer(&s);
    NEAR(r->duration_s, 2.75);
    NEAR(r->busy_s, 2 + 2.5 + 2.75);
    NEAR(r->wasted_s, 0.5 + 2.25);
    NEAR(r->signals_down, 1);
  }
  end(&s);
}

/* --- Assertions ------------------------------------------------------------------------------- */

static void call_without_the_flag(void) {
  sg_code *code = make(&toy_nested, 3, 1, NULL);
  sg_protocol *p = sg_protocol_new(code);
  sg_orders o = {.round = p};
  sg_round_event(&(sg_event){.kind = SG_BEGIN}, &o);
}

static void call_outside_of_a_protocol(void) {
  sg_orders o = {0};
  sg_round_event(&(sg_event){.kind = SG_BEGIN}, &o);
}

static void supply_unasked(void) {
  stage s;
  start(&s, &toy_waits, NULL, (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
        2);
  sg_run_supply(s.run, &(sg_run_result){.decoded = true});
}

static void supply_negative_seconds(void) {
  stage s;
  start(&s, &toy_waits, NULL, (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
        2);
  ask(&s);
  sg_run_supply(s.run, &(sg_run_result){.decoded = true, .decode_s = -1});
}

static void ask_how_a_copy_was_sent(void) {
  stage s;
  start(&s, &toy_waits, NULL, (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
        2);
  sg_message copy = *ask(&s)->segment->message[0];
  sg_run_sent_of(s.run, &copy);
}

static void decode_of_another_segment(void) {
  sg_code *code = make(&toy_waits, 2, 1, NULL);
  sg_weights w;
  sg_message m = {.from = 0, .segment = 1};
  const sg_message *list[] = {&m};
  sg_decoder_weights(sg_decoder_new(code), NULL, 0, 1, list, &w, NULL);
}

static void decode_of_no_segment(void) {
  sg_code *code = make(&toy_waits, 2, 1, NULL);
  sg_weights w;
  sg_decoder_weights(sg_decoder_new(code), NULL, 1, 0, NULL, &w, NULL);
}

/* In a child of its own, which must abort. */
static void assertions(void **state) {
  (void)state;
  static void (*const misuse[])(void) = {call_without_the_flag,   call_outside_of_a_protocol,
                                         supply_unasked,          supply_negative_seconds,
                                         ask_how_a_copy_was_sent, decode_of_another_segment,
                                         decode_of_no_segment};
  for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      if (!freopen("/dev/null", "w", stderr)) _exit(1);
      signal(SIGABRT, SIG_DFL);
      misuse[i]();
      _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) fail_msg("misuse %zu passes", i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_of_named_messages),
      cmocka_unit_test(work_after_a_crash),
      cmocka_unit_test(kept_messages),
      cmocka_unit_test(free_messages),
      cmocka_unit_test(arrivals_that_give_orders),
      cmocka_unit_test(the_default_round_extended),
      cmocka_unit_test(durations_add_up),
      cmocka_unit_test(faults_name_the_code),
      cmocka_unit_test(sends_beside_tasks),
      cmocka_unit_test(useless_work),
      cmocka_unit_test(joined_in_mid_task),
      cmocka_unit_test(timers_of_nodes),
      cmocka_unit_test(assertions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
