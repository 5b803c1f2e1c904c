/* SPDX-License-Identifier: MIT */
/* The engine: rounds that stall, fail, are skipped; late work and late messages; timers and cuts;
 * ends of a run; costs; memory. Schedules are computed by hand. */
#include "tests/support/environment.h"
#include "tests/support/toy_codes.h"

#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

/* --- Runs ------------------------------------------------------------------------------------- */

typedef struct stage {
  test_environment t;
  sg_code *code;
  sg_run *run;
  int most_slots;
} stage;

static bool snapshot(void *user, int slot, int model) {
  stage *s = user;
  (void)model;
  if (slot + 1 > s->most_slots) s->most_slots = slot + 1;
  return true;
}

static void start(stage *s, const sg_code_type *type, const char *param, double number,
                  test_setup setup, sg_run_limits limits) {
  *s = (stage){0};
  test_environment_make(&s->t, &setup);
  sg_shape shape = {.workers = setup.workers,
                    .subsets = setup.workers,
                    .length = setup.length ? setup.length : 1,
                    .updates = limits.iterations};
  s->code = test_code(type, &shape, param, number);
  sg_run_hooks hooks = {.user = s, .snapshot = snapshot};
  if (limits.sim_time_s <= 0) limits.sim_time_s = INFINITY;
  s->run = sg_run_new(&s->t.env, s->code, 0, &limits, &hooks, NULL);
  assert_non_null(s->run);
}

static void end(stage *s) {
  sg_run_free(s->run);
  sg_code_free(s->code);
  test_environment_free(&s->t);
}

/* Decodes, or refuses, the next request. Its row, or NULL. */
static const sg_iteration_record *answer(stage *s, bool decoded) {
  sg_run_status status = sg_run_advance(s->run);
  if (status != SG_RUN_DECODE) fail_msg("status %d: %s", status, sg_run_fault(s->run));
  sg_run_supply(s->run, &(sg_run_result){.decoded = decoded, .n_used = 1});
  return sg_run_record(s->run);
}

/* --- Late work and late messages -------------------------------------------------------------- */

/* Two workers that compute 1 and 3 s and send in 1 s. Round 0 ends at 2 with the first worker's
 * message, round 1 waits for both. */
static void late_work(void **state) {
  (void)state;
  test_setup setup = {.workers = 2,
                      .speed = (const double[]){3, 1},
                      .delay = "deterministic",
                      .delay_by = {3},
                      .uplink = "deterministic",
                      .uplink_by = {1},
                      .late_work = SG_LATE_CANCEL};
  sg_run_limits limits = {.iterations = 3, .worker_rows = true};
  stage s;
  int count;
  start(&s, &toy_waits, "later", 2, setup, limits);
  const sg_iteration_record *row = answer(&s, true);
  NEAR(row->duration_s, 2);
  NEAR(row->busy_s, 1 + 2);
  NEAR(row->wasted_s, 2);
  NEAR(row->bytes_sent, 8);
  assert_int_equal(row->messages_sent, 1);
  assert_int_equal(row->signals_down, 1);
  assert_true(sg_run_worker_records(s.run, &count)[1].cancelled);
  row = answer(&s, true);
  NEAR(row->duration_s, 4);
  NEAR(row->wasted_s, 0);
  end(&s);

  /* The slow worker goes on for 1 s and begins round 1 late. */
  setup.late_work = SG_LATE_FINISH_FIRST;
  start(&s, &toy_waits, "later", 2, setup, limits);
  row = answer(&s, true);
  NEAR(row->duration_s, 2);
  NEAR(row->wasted_s, 2);
  row = answer(&s, true);
  NEAR(row->duration_s, 5);
  NEAR(row->busy_s, 1 + 1 + 3);
  NEAR(row->wasted_s, 1);
  assert_int_equal(row->n_received, 2);
  assert_int_equal(sg_run_worker_records(s.run, &count)[1].tasks, 1);
  row = answer(&s, true);
  NEAR(row->duration_s, 4);
  end(&s);

  /* Its running task is dropped, nothing was ready to be sent. */
  setup.late_work = SG_LATE_KEEP_PARTIAL;
  start(&s, &toy_waits, "later", 2, setup, limits);
  NEAR(answer(&s, true)->duration_s, 2);
  row = answer(&s, true);
  NEAR(row->duration_s, 4);
  assert_int_equal(row->n_received, 2);
  end(&s);
}

/* Computing takes 1 and 1.5 s, the master takes in a message in 4 s, one after another. Round 0
 * ends at 5 with the first message; the second has just begun to come in. */
static void late_messages(void **state) {
  (void)state;
  static const struct {
    sg_late_work work;
    const char *messages;
    double seconds;
    int received;
    double busy_s;
  } cases[] = {
      /* 1 → 5, 5 → 9. */
      {SG_LATE_CANCEL, "cancel", 9, 2, 8},
      {SG_LATE_FINISH_FIRST, "cancel", 9, 2, 8},
      /* The old message comes in to 4, the new ones to 8 and 12. */
      {SG_LATE_CANCEL, "occupy-link", 12, 2, 12},
      {SG_LATE_FINISH_FIRST, "occupy-link", 12, 2, 12},
      {SG_LATE_KEEP_PARTIAL, "cancel", 12, 3, 12},
      {SG_LATE_KEEP_PARTIAL, "occupy-link", 12, 3, 12},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){1.5, 1},
                       .delay = "deterministic",
                       .delay_by = {1.5},
                       .ingress = "fifo",
                       .ingress_Bps = 2,
                       .late_work = cases[i].work,
                       .late_messages = cases[i].messages},
          (sg_run_limits){.iterations = 3, .worker_rows = true});
    const sg_iteration_record *row = answer(&s, true);
    NEAR(row->duration_s, 5);
    NEAR(row->ingress_busy_s, 4);
    NEAR(row->bytes_sent, 16);
    NEAR(row->bytes_received, 8);
    row = answer(&s, true);
    NEAR(row->duration_s, cases[i].seconds);
    assert_int_equal(row->n_received, cases[i].received);
    NEAR(row->ingress_busy_s, cases[i].busy_s);
    answer(&s, true);
    assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
    end(&s);
  }
}

/* Workers compute 1 and 1.5 s and send for 4: the second message is on its uplink when the round
 * ends at 5. It frees its link at once, or at 5.5, or comes as an old one at 5.5. */
static void messages_on_the_uplink(void **state) {
  (void)state;
  static const struct {
    sg_late_work work;
    const char *messages;
    int received;
  } cases[] = {{SG_LATE_CANCEL, "cancel", 2},
               {SG_LATE_CANCEL, "occupy-link", 2},
               {SG_LATE_KEEP_PARTIAL, "cancel", 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){1.5, 1},
                       .delay = "deterministic",
                       .delay_by = {1.5},
                       .uplink = "deterministic",
                       .uplink_by = {4},
                       .late_work = cases[i].work,
                       .late_messages = cases[i].messages},
          (sg_run_limits){.iterations = 2, .worker_rows = true});
    int count;
    NEAR(answer(&s, true)->duration_s, 5);
    bool cancelled = sg_run_worker_records(s.run, &count)[1].cancelled;
    assert_int_equal(cancelled, cases[i].work == SG_LATE_CANCEL);
    const sg_iteration_record *row = answer(&s, true);
    NEAR(row->duration_s, 5.5);
    assert_int_equal(row->n_received, cases[i].received);
    end(&s);
  }
}

/* --- Refused decodes -------------------------------------------------------------------------- */

static void start_three(stage *s, sg_undecodable policy) {
  start(s, sg_code_type_find("ignore-stragglers"), "s", 1,
        (test_setup){.workers = 3,
                     .speed = (const double[]){1, 0.5, 0.25},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .update_s = 0.5},
        (sg_run_limits){.iterations = 3, .undecodable = policy});
}

static void refused_and_waiting(void **state) {
  (void)state;
  stage s;
  start_three(&s, SG_UNDEC_WAIT);
  assert_null(answer(&s, false)); /* at 2 */
  assert_int_equal(sg_run_advance(s.run), SG_RUN_DECODE);
  assert_int_equal(sg_run_request_of(s.run)->segment[0].count, 3);
  const sg_iteration_record *row = answer(&s, true); /* at 4 */
  assert_true(row->decoded);
  NEAR(row->wait_s, 4);
  NEAR(row->duration_s, 4.5);
  assert_int_equal(row->last_worker, 2);
  /* The next round is free of the last one's refusal; refused to its end, it cannot be decoded. */
  assert_null(answer(&s, false));
  assert_null(answer(&s, false));
  assert_int_equal(sg_run_advance(s.run), SG_RUN_UNDECODABLE);
  NEAR(sg_run_now(s.run), 8.5);
  end(&s);
}

static void refused_and_skipped(void **state) {
  (void)state;
  stage s;
  start_three(&s, SG_UNDEC_SKIP);
  const sg_iteration_record *row = answer(&s, false);
  assert_non_null(row);
  assert_false(row->decoded);
  assert_int_equal(row->iteration, 0);
  assert_int_equal(row->n_used, 0);
  NEAR(row->duration_s, 2); /* nothing was updated */
  NEAR(row->busy_s, 1 + 2 + 2);
  NEAR(row->wasted_s, 5);
  row = answer(&s, true);
  assert_true(row->decoded);
  assert_int_equal(row->iteration, 1);
  NEAR(row->start_s, 2);
  NEAR(row->duration_s, 2.5);
  /* What was held is dropped: its model takes no slot. */
  assert_int_equal(s.most_slots, 1);
  assert_false(answer(&s, false)->decoded);
  assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
  NEAR(sg_run_now(s.run), 6.5);
  end(&s);
}

static void refused_is_an_error(void **state) {
  (void)state;
  stage s;
  start_three(&s, SG_UNDEC_ERROR);
  assert_null(answer(&s, false));
  assert_int_equal(sg_run_advance(s.run), SG_RUN_UNDECODABLE);
  end(&s);
}

static void stalled(void **state) {
  (void)state;
  stage s;
  start(&s, &toy_waits, "later", 3,
        (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
        (sg_run_limits){.iterations = 3});
  assert_non_null(answer(&s, true));
  assert_int_equal(sg_run_advance(s.run), SG_RUN_STALLED);
  NEAR(sg_run_now(s.run), 2);
  assert_int_equal(sg_run_advance(s.run), SG_RUN_STALLED);
  end(&s);
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void simulated_time(void **state) {
  (void)state;
  test_setup setup = {.workers = 1, .delay = "deterministic", .delay_by = {1}, .update_s = 0.5};
  stage s;
  /* An update that ends at the limit counts. */
  start(&s, &toy_waits, NULL, 0, setup, (sg_run_limits){.iterations = 9, .sim_time_s = 3});
  assert_non_null(answer(&s, true));
  assert_non_null(answer(&s, true));
  assert_int_equal(sg_run_advance(s.run), SG_RUN_TIME);
  end(&s);
  /* One that is decoded before it and ends after it does not. */
  start(&s, &toy_waits, NULL, 0, setup, (sg_run_limits){.iterations = 9, .sim_time_s = 2.75});
  assert_non_null(answer(&s, true));
  assert_null(answer(&s, true));
  assert_int_equal(sg_run_advance(s.run), SG_RUN_TIME);
  NEAR(sg_run_now(s.run), 2.75);
  end(&s);
}

/* --- Protocols of their own ------------------------------------------------------------------- */

static sg_status plain_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values;
  (void)e;
  code->parts = shape->workers;
  code->load = 1;
  return SG_OK;
}

static void restless_on_event(const sg_code *code, void *state, const sg_event *event,
                              sg_orders *o) {
  (void)code;
  (void)state;
  if (event->kind == SG_BEGIN || event->kind == SG_TIMER) sg_timer(o, SG_AFTER_SECONDS, 0, 0);
}

static void never_hangs(void **state) {
  (void)state;
  const sg_code_type restless = {.about = {.name = "test-restless", .summary = ""},
                                 .create = plain_create,
                                 .encode = encode,
                                 .on_event = restless_on_event};
  stage s;
  start(&s, &restless, NULL, 0,
        (test_setup){.workers = 1, .delay = "deterministic", .delay_by = {1}},
        (sg_run_limits){.iterations = 1});
  assert_int_equal(sg_run_advance(s.run), SG_RUN_FAILED);
  assert_non_null(strstr(sg_run_fault(s.run), "one instant"));
  end(&s);
}

/* An order that cannot be carried out, by number. */
static void wrong_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)state;
  if (event->kind != SG_BEGIN) return;
  sg_snapshot(o, 7, 0, 0);
  switch (code->promised) {
  case 0: sg_task(o, 5, 7, 1, 1, 0); break;
  case 1: sg_task(o, 0, 8, 1, 1, 0); break;
  case 2: sg_task(o, 0, 7, -1, 1, 0); break;
  case 3: sg_send(o, 0, 0, 7, 0, 0, 0); break;
  case 4: sg_send(o, 0, SG_MASTER, 7, 1, 0, 0); break;
  case 5: sg_send(o, 0, SG_MASTER, 7, 0, 0, SG_WITH_PREVIOUS); break;
  case 6: sg_decode(o, 1, 7, 0); break;
  case 7: sg_decode(o, 0, 8, 0); break;
  case 8: sg_snapshot(o, 7, 0, 0); break;
  case 9:
    sg_end_round(o);
    sg_end_round(o);
    break;
  case 10: sg_timer(o, SG_AFTER_SECONDS, -1, 0); break;
  case 11:
    sg_close(o, 7);
    sg_task(o, 0, 7, 1, 1, 0);
    break;
  case 12: sg_snapshot(o, 9, 1, 0); break;
  case 13: sg_task(o, 0, 7, 1, 1 << 17, 0); break;
  }
}

static const sg_param wrong_params[] = {
    {.name = "which", .kind = SG_INT, .summary = "", .min = 0, .max = 100}, {0}};

static sg_status wrong_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  code->promised = (int)sg_int(values, "which");
  return plain_create(code, shape, values, e);
}

static void wrong_orders(void **state) {
  (void)state;
  const sg_code_type wrong = {
      .about = {.name = "test-wrong", .summary = "", .params = wrong_params},
      .create = wrong_create,
      .encode = encode,
      .on_event = wrong_on_event};
  for (int which = 0; which <= 13; which++) {
    stage s;
    start(&s, &wrong, "which", which,
          (test_setup){.workers = 2, .delay = "deterministic", .delay_by = {1}},
          (sg_run_limits){.iterations = 1});
    if (sg_run_advance(s.run) != SG_RUN_FAILED) fail_msg("order %d is carried out", which);
    assert_true(strlen(sg_run_fault(s.run)) > 10);
    end(&s);
  }
}

/* Cuts: a deadline at twice the first arrival, then what comes one by one, all four wanted. */
typedef struct cut {
  int count, arg;
} cut;
static cut cuts[8];
static int n_cuts;

static void cuts_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  int *seen = state;
  if (event->kind == SG_BEGIN) {
    *seen = 0;
    sg_snapshot(o, event->round, 0, 0);
    sg_task(o, SG_ALL, event->round, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, event->round, 0, 0, 0);
    sg_timer(o, SG_AFTER_FACTOR_OF_FIRST, 2, 42);
  }
  assert_int_not_equal(event->kind, SG_ARRIVAL);
  assert_int_not_equal(event->kind, SG_TIMER);
  if (event->kind != SG_CUT) return;
  if (n_cuts < 8) cuts[n_cuts++] = (cut){event->count, event->arg};
  *seen += event->count;
  if (*seen < code->nodes) return;
  sg_decode(o, 0, event->round, SG_LAST);
  sg_end_round(o);
}

static sg_status cuts_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  code->flags = SG_SEE_CUTS;
  code->state_size = sizeof(int);
  return plain_create(code, shape, values, e);
}

static void deadlines(void **state) {
  (void)state;
  const sg_code_type type = {.about = {.name = "test-cuts", .summary = ""},
                             .create = cuts_create,
                             .encode = encode,
                             .on_event = cuts_on_event};
  stage s;
  n_cuts = 0;
  /* Arrivals at 1, 1.25, 2, 4: the deadline, at 2, lets in what comes at 2. */
  start(&s, &type, NULL, 0,
        (test_setup){.workers = 4,
                     .speed = (const double[]){1, 0.8, 0.5, 0.25},
                     .delay = "deterministic",
                     .delay_by = {1}},
        (sg_run_limits){.iterations = 2});
  NEAR(answer(&s, true)->wait_s, 4);
  NEAR(answer(&s, true)->wait_s, 4);
  assert_int_equal(n_cuts, 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(cuts[i].count, i % 2 ? 1 : 3);
    assert_int_equal(cuts[i].arg, i % 2 ? 0 : 42);
  }
  end(&s);
}

/* --- Draws, order, memory --------------------------------------------------------------------- */

/* Round times of a code with `s` of 8 workers not waited for. */
static void round_times(int s, const char *uplink, const char *draw, double *seconds, int rounds) {
  stage st;
  start(&st, sg_code_type_find("ignore-stragglers"), "s", s,
        (test_setup){.workers = 8,
                     .delay = "shifted-exponential",
                     .delay_by = {1, 2},
                     .uplink = uplink,
                     .uplink_by = {0.5, 1},
                     .draw = draw,
                     .seed = 5},
        (sg_run_limits){.iterations = rounds});
  for (int i = 0; i < rounds; i++) seconds[i] = answer(&st, true)->duration_s;
  end(&st);
}

/* The i-th smallest delay of a round is the round time of the code that waits for i + 1 workers:
 * all codes see the same delays. */
static void common_random_numbers(void **state) {
  (void)state;
  double all[50], some[50], again[50];
  round_times(0, "shifted-exponential", NULL, all, 50);
  round_times(3, "shifted-exponential", NULL, some, 50);
  round_times(3, "shifted-exponential", "iteration", again, 50);
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = 8,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1, 2},
                                          .uplink = "shifted-exponential",
                                          .uplink_by = {0.5, 1},
                                          .seed = 5});
  sg_delay_run *delay = sg_delay_run_new(t.delay, 0);
  for (int i = 0; i < 50; i++) {
    double time[8];
    int below = 0;
    double most = 0;
    for (int w = 0; w < 8; w++) {
      time[w] = sg_delay_seconds(delay, w, (uint32_t)i, 0, 1, 1) +
                sg_uplink_seconds(t.network, 0, w, (uint32_t)i, 0, 1, 8);
      most = fmax(most, time[w]);
    }
    for (int w = 0; w < 8; w++) below += time[w] < some[i] - 1e-12;
    NEAR(all[i], most);
    assert_int_equal(below, 4);
    NEAR(some[i], again[i]); /* One message a round: its draw is the iteration's. */
  }
  sg_delay_run_free(delay);
  test_environment_free(&t);
}

static void no_allocation_after_the_first_rounds(void **state) {
  (void)state;
  static const char *const ingress[] = {NULL, "fifo", "fair-share"};
  for (int i = 0; i < 3; i++) {
    stage s;
    start(&s, sg_code_type_find("ignore-stragglers"), "s", 5,
          (test_setup){.workers = 60,
                       .delay = "shifted-exponential",
                       .delay_by = {1, 2},
                       .uplink = "exponential",
                       .uplink_by = {3},
                       .ingress = ingress[i],
                       .ingress_Bps = 8,
                       .late_work = SG_LATE_FINISH_FIRST,
                       .late_messages = "occupy-link",
                       .length = 1,
                       .seed = 3},
          (sg_run_limits){.iterations = 1000});
    for (int round = 0; round < 100; round++) answer(&s, true);
    size_t before = mallinfo2().uordblks;
    for (int round = 0; round < 900; round++) answer(&s, true);
    assert_int_equal(mallinfo2().uordblks, before);
    assert_int_equal(sg_run_advance(s.run), SG_RUN_ITERATIONS);
    assert_int_equal(s.most_slots, 1);
    assert_int_equal(sg_run_rounds(s.run), 1000);
    end(&s);
  }
}

/* Equal workers: messages are in the order of the workers, whatever the heap does. */
static void simultaneous_events(void **state) {
  (void)state;
  stage s;
  start(&s, sg_code_type_find("uncoded"), NULL, 0,
        (test_setup){.workers = 100,
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "deterministic",
                     .uplink_by = {1}},
        (sg_run_limits){.iterations = 2});
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sg_run_advance(s.run), SG_RUN_DECODE);
    const sg_run_segment *segment = sg_run_request_of(s.run)->segment;
    assert_int_equal(segment->count, 100);
    for (int w = 0; w < 100; w++) assert_int_equal(segment->message[w]->from, w);
    answer(&s, true);
  }
  end(&s);
}

/* --- Tasks that need no event of their own ---------------------------------------------------- */

/* Every worker has a task and a message; at 3 s worker 1 is stopped, 2 is given more to do. With
 * report = 1 the master is told of the end of tasks, which it does not care about: then they are
 * events, otherwise they need not be, and nothing else may differ. */
static const sg_param meddles_params[] = {
    {.name = "report", .kind = SG_INT, .summary = "", .min = 0, .max = 1}, {0}};

typedef struct meddles_state {
  int round, arrived;
  bool busy, over; /* busy: with the update that the timer asks for */
} meddles_state;

static sg_status meddles_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  int *report = sg_code_alloc(code, 1, sizeof *report);
  if (!report) return sg_fail_memory(e);
  *report = (int)sg_int(values, "report");
  code->self = report;
  code->parts = shape->workers;
  code->load = 2;
  code->state_size = sizeof(meddles_state);
  return SG_OK;
}

static void meddles_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  meddles_state *s = state;
  unsigned flags = *(const int *)code->self ? SG_REPORT : 0;
  switch (event->kind) {
  case SG_BEGIN:
    *s = (meddles_state){.round = event->round};
    sg_snapshot(o, s->round, 0, 0);
    sg_task(o, SG_ALL, s->round, 1, 1, flags);
    for (int i = 0; i < code->nodes; i++) sg_send(o, i, i == 3 ? 4 : SG_MASTER, s->round, 0, 0, 0);
    sg_timer(o, SG_AFTER_SECONDS, 3, 0);
    sg_tell(o, 3, 7);
    break;
  case SG_TIMER:
    sg_stop(o, 1);
    sg_task(o, 2, s->round, 1, 1, flags);
    sg_send(o, 2, SG_MASTER, s->round, 0, 1, 0);
    sg_decode(o, 0, s->round, 0); /* of what is there: a row in the middle of a round */
    s->busy = true;
    break;
  case SG_COMMAND:
    sg_send(o, 3, 4, s->round, 0, 2, 0); /* behind the first; worker 4 sends them on */
    break;
  case SG_UPDATED:
    s->busy = false;
    /* fall through */
  case SG_ARRIVAL:
    s->arrived += event->kind == SG_ARRIVAL && event->at == SG_MASTER;
    if (s->arrived < code->nodes - 2 || s->busy || s->over) break;
    s->over = true;
    sg_decode(o, 0, s->round, SG_LAST);
    sg_end_round(o);
    break;
  default: break;
  }
}

static const sg_code_type meddles = {
    .about = {.name = "test-meddles", .summary = "", .params = meddles_params},
    .create = meddles_create,
    .encode = encode,
    .on_event = meddles_event};

static void same_rows(stage *a, stage *b) {
  int relayed = 0;
  for (;;) {
    sg_run_status status = sg_run_advance(a->run);
    if (status != sg_run_advance(b->run)) fail_msg("one run is over, the other is not");
    if (status != SG_RUN_DECODE) {
      assert_int_equal(status, SG_RUN_ITERATIONS);
      break;
    }
    const sg_run_segment *m = sg_run_request_of(a->run)->segment;
    const sg_run_segment *n = sg_run_request_of(b->run)->segment;
    assert_int_equal(m->count, n->count);
    for (int i = 0; i < m->count; i++) {
      assert_int_equal(m->message[i]->from, n->message[i]->from);
      assert_int_equal(m->message[i]->n_in, n->message[i]->n_in);
      relayed += m->message[i]->n_in;
    }
    const sg_run_result result = {.decoded = true, .decode_s = 0.25, .n_used = m->count};
    sg_run_supply(a->run, &result);
    sg_run_supply(b->run, &result);
    const sg_iteration_record *r = sg_run_record(a->run), *t = sg_run_record(b->run);
    NEAR(r->duration_s, t->duration_s);
    NEAR(r->start_s, t->start_s);
    NEAR(r->busy_s, t->busy_s);
    NEAR(r->wasted_s, t->wasted_s);
    NEAR(r->bytes_sent, t->bytes_sent);
    NEAR(r->bytes_received, t->bytes_received);
    NEAR(r->queued_s, t->queued_s);
    int count;
    const sg_worker_record *v = sg_run_worker_records(a->run, &count);
    const sg_worker_record *w = sg_run_worker_records(b->run, &count);
    for (int i = 0; i < count; i++) {
      assert_int_equal(v[i].tasks, w[i].tasks);
      assert_int_equal(v[i].messages, w[i].messages);
      assert_int_equal(v[i].cancelled, w[i].cancelled);
      assert_int_equal(v[i].used, w[i].used);
      assert_true((isnan(v[i].compute_s) && isnan(w[i].compute_s)) ||
                  fabs(v[i].compute_s - w[i].compute_s) < 1e-9);
      assert_true((isnan(v[i].arrival_s) && isnan(w[i].arrival_s)) ||
                  fabs(v[i].arrival_s - w[i].arrival_s) < 1e-9);
    }
  }
  /* The second run has had an event for every task, and signals. */
  assert_true(sg_run_events(a->run) < sg_run_events(b->run));
  assert_true(relayed > 0);
}

static void ends_of_tasks_need_no_event(void **state) {
  (void)state;
  for (int variant = 0; variant < 3 * 2 * 3; variant++) {
    test_setup setup = {.workers = 7,
                        .delay = "shifted-exponential",
                        .delay_by = {1, 1.5},
                        .uplink = "shifted-exponential",
                        .uplink_by = {0.5, 1},
                        .ingress = (const char *const[]){NULL, "fifo", "fair-share"}[variant % 3],
                        .ingress_Bps = 40,
                        .late_work = (sg_late_work)(variant / 3 % 3),
                        .late_messages = variant / 9 ? "occupy-link" : "cancel",
                        .broadcast = "linear",
                        .broadcast_by = {0.125, 1e3},
                        .signal_latency_s = 0.75,
                        .seed = 5};
    sg_run_limits limits = {.iterations = 600, .worker_rows = true};
    stage fused, apart;
    start(&fused, &meddles, "report", 0, setup, limits);
    start(&apart, &meddles, "report", 1, setup, limits);
    same_rows(&fused, &apart);
    end(&fused);
    end(&apart);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(late_work),
      cmocka_unit_test(late_messages),
      cmocka_unit_test(messages_on_the_uplink),
      cmocka_unit_test(refused_and_waiting),
      cmocka_unit_test(refused_and_skipped),
      cmocka_unit_test(refused_is_an_error),
      cmocka_unit_test(stalled),
      cmocka_unit_test(simulated_time),
      cmocka_unit_test(never_hangs),
      cmocka_unit_test(wrong_orders),
      cmocka_unit_test(deadlines),
      cmocka_unit_test(common_random_numbers),
      cmocka_unit_test(no_allocation_after_the_first_rounds),
      cmocka_unit_test(simultaneous_events),
      cmocka_unit_test(ends_of_tasks_need_no_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
