/* SPDX-License-Identifier: MIT */
/* Schemes of five kinds, end to end through the engine with fixed delays, against schedules
 * computed by hand. Weights are really found at each decode. */
#include "tests/support/environment.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* One run: what the caller of the engine does, with a log of what it is asked. */
typedef struct play {
  test_environment t;
  sg_code *code;
  sg_run *run;
  sg_decoder *decoder;
  int slots[64], n_snapshots;    /* slot of the i-th snapshot */
  int used_snapshot[16], n_used; /* snapshots of the messages of the last request */
  int used_slot[16];
  sg_iteration_record row;
} play;

static bool snapshot(void *user, int slot, int model) {
  play *p = user;
  assert_true(model >= 0 && model < p->code->models);
  if (p->n_snapshots < 64) p->slots[p->n_snapshots] = slot;
  p->n_snapshots++;
  return true;
}

static void start_code(play *p, sg_code *code, test_setup setup, long iterations) {
  *p = (play){.code = code};
  test_environment_make(&p->t, &setup);
  sg_run_limits limits = {.iterations = iterations, .sim_time_s = INFINITY, .worker_rows = true};
  sg_run_hooks hooks = {.user = p, .snapshot = snapshot};
  p->run = sg_run_new(&p->t.env, p->code, 0, &limits, &hooks, NULL);
  p->decoder = sg_decoder_new(p->code);
  assert_non_null(p->run);
  assert_non_null(p->decoder);
}

static void start(play *p, const sg_code_type *type, test_setup setup, int subsets,
                  long iterations) {
  sg_shape shape = {.workers = setup.workers,
                    .subsets = subsets,
                    .length = setup.length,
                    .speed = setup.speed,
                    .updates = iterations};
  start_code(p, test_code(type, &shape, NULL, 0), setup, iterations);
}

/* What the row counts of messages, reports to the master, and signals to workers. */
static void counts(const play *p, int sent, int up, int down) {
  assert_int_equal(p->row.messages_sent, sent);
  assert_int_equal(p->row.signals_up, up);
  assert_int_equal(p->row.signals_down, down);
}

/* The next update. */
static const sg_run_request *next(play *p) {
  sg_run_status status = sg_run_advance(p->run);
  if (status != SG_RUN_DECODE) fail_msg("status %d: %s", status, sg_run_fault(p->run));
  const sg_run_request *request = sg_run_request_of(p->run);
  p->n_used = 0;
  for (int s = 0; s < request->n_segments; s++)
    for (int i = 0; i < request->segment[s].count; i++) {
      p->used_snapshot[p->n_used] = request->segment[s].message[i]->snapshot;
      p->used_slot[p->n_used] = sg_run_slot(p->run, request->segment[s].message[i]->snapshot);
      p->n_used++;
    }
  return request;
}

/* Finds weights. */
static void decode(play *p, const sg_run_request *request) {
  sg_error e = {0};
  for (int s = 0; s < request->n_segments; s++) {
    sg_weights w;
    sg_status status = sg_decoder_weights(p->decoder, request->state, s, request->segment[s].count,
                                          request->segment[s].message, &w, &e);
    assert_int_equal(status, SG_OK);
  }
  sg_run_supply(p->run, &(sg_run_result){.decoded = true, .n_used = p->n_used});
  assert_non_null(sg_run_record(p->run));
  p->row = *sg_run_record(p->run);
}

static void end(play *p, sg_run_status status) {
  assert_int_equal(sg_run_advance(p->run), status);
  sg_decoder_free(p->decoder);
  sg_run_free(p->run);
  sg_code_free(p->code);
  test_environment_free(&p->t);
}

static void two_messages_after_different_tasks(void **state) {
  (void)state;
  play p;
  /* 4 and 8 numbers of 8 bytes at 16 bytes a second: 2 and 4 s on the link. Worker 0 computes to
   * 1 and 3, sends 1–3 and 3–7; worker 1 computes to 2 and 6, sends 2–4 and 6–10. */
  start(&p, &toy_two_messages,
        (test_setup){.workers = 2,
                     .speed = (const double[]){1, 0.5},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "linear",
                     .uplink_by = {0, 16},
                     .broadcast = "linear",
                     .broadcast_by = {0.25, 96},
                     .length = 12},
        6, 2);
  for (int i = 0; i < 2; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->n_segments, 2);
    assert_int_equal(r->segment[0].count, 2);
    assert_int_equal(r->segment[1].count, 2);
    assert_int_equal(r->segment[1].message[0]->from, 0);
    assert_int_equal(r->segment[1].message[1]->from, 1);
    decode(&p, r);
    /* The model of 96 bytes takes 1.25 s to get to both. */
    NEAR(p.row.wait_s, 11.25);
    NEAR(p.row.start_s, 11.25 * i);
    NEAR(p.row.busy_s, 9);
    NEAR(p.row.wasted_s, 0);
    NEAR(p.row.bytes_sent, 192);
    counts(&p, 4, 0, 0);
    NEAR(p.row.bytes_received, 192);
    NEAR(p.row.bytes_broadcast, 192);
    assert_int_equal(p.row.last_worker, 1);
    assert_int_equal(p.row.n_received, 4);
    int count;
    const sg_worker_record *w = sg_run_worker_records(p.run, &count);
    assert_int_equal(count, 2);
    NEAR(w[0].compute_s, 3);
    NEAR(w[0].arrival_s, 8.25);
    NEAR(w[1].arrival_s, 11.25);
    assert_int_equal(w[1].tasks, 2);
    assert_int_equal(w[1].messages, 2);
    assert_true(w[1].used && !w[1].cancelled);
  }
  end(&p, SG_RUN_ITERATIONS);
}

static void nested(play *p, const double *speed) {
  start(p, &toy_nested,
        (test_setup){.workers = 3,
                     .speed = speed,
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "deterministic",
                     .uplink_by = {1},
                     .signal_latency_s = 0.25,
                     .length = 8},
        3, 2);
}

static void signals_and_stop(void **state) {
  (void)state;
  play p;
  /* Tasks end at 1, 2 | 2, 4 | 5, 10. The second worker's second signal comes at 4.25: level 1, all
   * told at 4.5; workers 0 and 1 send, worker 2 stops. */
  nested(&p, (const double[]){1, 0.5, 0.2});
  for (int i = 0; i < 2; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->segment[0].count, 2);
    assert_int_equal(r->segment[0].message[0]->tag, 1);
    decode(&p, r);
    NEAR(p.row.duration_s, 5.5);
    NEAR(p.row.busy_s, 2 + 4 + 4.5);
    NEAR(p.row.wasted_s, 4.5);
    NEAR(p.row.bytes_sent, 128);
    counts(&p, 2, 4, 3); /* both of two workers report; all are told, and hear of it there */
    int count;
    const sg_worker_record *w = sg_run_worker_records(p.run, &count);
    NEAR(w[2].compute_s, 4.5);
    assert_int_equal(w[2].tasks, 0);
    assert_false(w[2].used);
    assert_true(isnan(w[2].arrival_s));
  }
  end(&p, SG_RUN_ITERATIONS);

  /* First tasks end at 1, 1, 1.25. Level 0 at 1.5; at 1.75 the second tasks are stopped. */
  nested(&p, (const double[]){1, 1, 0.8});
  for (int i = 0; i < 2; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->segment[0].count, 3);
    assert_int_equal(r->segment[0].message[2]->tag, 0);
    decode(&p, r);
    NEAR(p.row.duration_s, 2.75);
    NEAR(p.row.busy_s, 3 * 1.75);
    NEAR(p.row.wasted_s, 0.75 + 0.75 + 0.5); /* the second tasks */
    counts(&p, 3, 3, 3);
  }
  end(&p, SG_RUN_ITERATIONS);

  /* Level 0 at 1.25, told at 1.5, the very instant at which worker 2 ends its second task: what is
   * finished at a time is finished for all that happens at that time. */
  nested(&p, (const double[]){1, 1, 4.0 / 3});
  for (int i = 0; i < 2; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->segment[0].count, 3);
    decode(&p, r);
    NEAR(p.row.duration_s, 2.5);
    NEAR(p.row.busy_s, 3 * 1.5);
    counts(&p, 3, 4, 3);
    int count;
    const sg_worker_record *w = sg_run_worker_records(p.run, &count);
    assert_int_equal(w[0].tasks, 1);
    assert_int_equal(w[2].tasks, 2);
  }
  end(&p, SG_RUN_ITERATIONS);
}

static void two_jobs_in_flight(void **state) {
  (void)state;
  play p;
  start(&p, &toy_pipeline,
        (test_setup){.workers = 2,
                     .speed = (const double[]){1, 0.5},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "deterministic",
                     .uplink_by = {1},
                     .update_s = 0.5,
                     .length = 8},
        4, 4);
  for (int i = 0; i < 4; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->model, i % 2);
    assert_int_equal(r->update, i / 2);
    assert_int_equal(p.n_used, 4);
    for (int k = 0; k < 4; k++) {
      assert_int_equal(p.used_snapshot[k], i);
      assert_int_equal(p.used_slot[k], i % 2);
    }
    assert_int_equal(p.n_snapshots, i + 2);
    decode(&p, r);
    assert_int_equal(p.row.round, i + 1);
    /* Round 0 ends at 2 + 1 without an update: its time is the first row's. Then two tasks and two
     * vectors: the slower worker computes to 4 and sends to 6; half a second of update. */
    NEAR(p.row.start_s, i == 0 ? 0 : 3 + 6.5 * i);
    NEAR(p.row.wait_s, i == 0 ? 9 : 6);
    NEAR(p.row.duration_s, i == 0 ? 9.5 : 6.5);
    NEAR(p.row.busy_s, (i == 0 ? 3 : 0) + 6);
    NEAR(p.row.wasted_s, 0);
    assert_int_equal(p.row.n_received, i == 0 ? 6 : 4);
    counts(&p, i == 0 ? 6 : 4, 0, 0);
    assert_int_equal(sg_run_slot(p.run, i), -1);
    assert_int_equal(sg_run_slot(p.run, i + 1), (i + 1) % 2);
  }
  end(&p, SG_RUN_ITERATIONS);
}

static void no_barrier(void **state) {
  (void)state;
  /* Worker 0 delivers at 1, 2, 3, 4, …; worker 1 at 4, 8, …, and first, as it was sent off
   * earlier. */
  static const double when[] = {1, 2, 3, 4, 4, 5, 6, 7, 8};
  static const int who[] = {0, 0, 0, 1, 0, 0, 0, 0, 1};
  static const int at[] = {0, 1, 2, 0, 3, 5, 6, 7, 4};
  play p;
  start(&p, &toy_async,
        (test_setup){.workers = 2,
                     .speed = (const double[]){1, 0.25},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .length = 8},
        2, 9);
  int stale_slot = -1;
  for (int i = 0; i < 9; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->update, i);
    assert_int_equal(p.n_used, 1);
    assert_int_equal(r->segment[0].message[0]->from, who[i]);
    assert_int_equal(p.used_snapshot[0], at[i]);
    assert_int_equal(r->flags, SG_NO_SUM);
    if (i == 3) stale_slot = p.used_slot[0];
    decode(&p, r);
    NEAR(p.row.start_s + p.row.duration_s, when[i]);
    NEAR(p.row.start_s, i == 0 ? 0 : when[i - 1]);
  }
  /* The first model stays in slot 0 while others come and go in slot 1. */
  assert_int_equal(stale_slot, 0);
  for (int i = 1; i <= 3; i++) assert_int_equal(p.slots[i], 1);
  end(&p, SG_RUN_ITERATIONS);
}

static void no_barrier_and_a_slow_master(void **state) {
  (void)state;
  play p;
  /* Updates take 3 s. Worker 0 delivers at 1: update 1–4. */
  start(&p, &toy_async,
        (test_setup){.workers = 3,
                     .speed = (const double[]){1, 0.5, 0.4},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .update_s = 3,
                     .length = 8},
        3, 3);
  decode(&p, next(&p));
  counts(&p, 1, 0, 0);
  NEAR(p.row.wait_s, 1);
  NEAR(p.row.duration_s, 4);
  assert_int_equal(p.row.n_received, 1);
  /* Workers 1 (at 2) and 2 (at 2.5) wait for the master. */
  const sg_run_request *r = next(&p);
  assert_int_equal(r->segment[0].count, 2);
  assert_int_equal(p.used_snapshot[0], 0);
  assert_int_equal(p.used_snapshot[1], 0);
  decode(&p, r);
  NEAR(p.row.start_s, 4);
  NEAR(p.row.wait_s, 0);
  NEAR(p.row.duration_s, 3);
  /* Worker 0 began again at 4 with the model of version 1. */
  r = next(&p);
  assert_int_equal(p.used_snapshot[0], 1);
  decode(&p, r);
  NEAR(p.row.start_s, 7);
  NEAR(p.row.duration_s, 3);
  end(&p, SG_RUN_ITERATIONS);
}

static void decoding_at_an_inner_node(void **state) {
  (void)state;
  play p;
  /* Leaves have 2 parts, sent in 2 s: at node 3 at 4, 6 and, too late, 22. Node 3 has long done its
   * own part, it sends at 6. */
  start(&p, &toy_tree,
        (test_setup){.workers = 4,
                     .speed = (const double[]){1, 0.5, 0.1, 1},
                     .delay = "deterministic",
                     .delay_by = {1},
                     .uplink = "deterministic",
                     .uplink_by = {2},
                     .length = 8},
        4, 3);
  for (int i = 0; i < 3; i++) {
    const sg_run_request *r = next(&p);
    assert_int_equal(r->segment[0].count, 1);
    const sg_message *m = r->segment[0].message[0];
    assert_int_equal(m->from, 3);
    assert_int_equal(m->n_in, 2);
    assert_int_equal(m->in[0]->from, 0);
    assert_int_equal(m->in[1]->from, 1);
    decode(&p, r);
    NEAR(p.row.duration_s, 8);
    NEAR(p.row.busy_s, 2 + 4 + 8 + 1);
    NEAR(p.row.wasted_s, 8);
    assert_int_equal(p.row.n_received, 1);
    NEAR(p.row.bytes_sent, 3 * 64);
    counts(&p, 3, 0, 1); /* the third leaf computes for nothing until it hears of the end */
    int count;
    const sg_worker_record *w = sg_run_worker_records(p.run, &count);
    assert_true(w[0].used && w[1].used && !w[2].used && w[3].used);
    assert_true(w[2].cancelled);
  }
  end(&p, SG_RUN_ITERATIONS);
}

/* A two-stage code with s = 1, p = 3: one partition of its own, two coded ones, 2 n in all and as
 * many subsets, so that the tasks are of 1 and 2 subsets. A subset takes 1 s over the speed, a
 * message half a second. Returns how long an iteration takes. */
static double two_stages(play *p, const char *name, int workers, const double *speed) {
  const sg_code_type *type = sg_code_type_find(name);
  sg_shape shape = {.workers = workers, .subsets = 2 * workers, .length = 8, .updates = 2};
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_code *code;
  assert_non_null(values);
  assert_int_equal(sg_values_set_number(values, "s", 1, NULL), SG_OK);
  assert_int_equal(sg_values_set_number(values, "p", 3, NULL), SG_OK);
  assert_int_equal(sg_code_new(type, &shape, values, &code, NULL), SG_OK);
  sg_values_free(values);
  for (int i = 0; i < workers; i++) NEAR(code->work[i], 3);
  start_code(p, code,
             (test_setup){.workers = workers,
                          .speed = speed,
                          .delay = "deterministic",
                          .delay_by = {1},
                          .uplink = "deterministic",
                          .uplink_by = {0.5},
                          .length = 8},
             2);
  double duration = 0;
  for (int i = 0; i < 2; i++) {
    decode(p, next(p));
    if (i > 0) NEAR(p->row.duration_s, duration);
    duration = p->row.duration_s;
  }
  return duration;
}

static void partial_stragglers(void **state) {
  (void)state;
  play p;
  /* Tasks end at 1, 3 | 2, 6 | 4, 12; messages arrive half a second later. All first ones are there
   * at 4.5, two second ones at 6.5. Worker 2 is then 2.5 s into its second task. */
  NEAR(two_stages(&p, "partial-cyclic", 3, (const double[]){1, 0.5, 0.25}), 6.5);
  assert_int_equal(p.row.n_used, 5);
  NEAR(p.row.busy_s, 3 + 6 + 6.5);
  NEAR(p.row.wasted_s, 2.5); /* of no use since its first message */
  NEAR(p.row.bytes_received, 5 * 64);
  counts(&p, 5, 0, 1);
  assert_int_equal(p.row.last_worker, 1);
  int count;
  const sg_worker_record *w = sg_run_worker_records(p.run, &count);
  assert_true(w[0].tasks == 2 && w[0].messages == 2 && w[2].tasks == 1 && w[2].messages == 1);
  end(&p, SG_RUN_ITERATIONS);
  /* A straggler alpha = p/(p − s − 1) = 3 times slower costs nothing, a slower one is waited for.
   */
  NEAR(two_stages(&p, "partial-cyclic", 3, (const double[]){1, 1, 1 / 3.0}), 3.5);
  end(&p, SG_RUN_ITERATIONS);
  NEAR(two_stages(&p, "partial-cyclic", 3, (const double[]){1, 1, 0.125}), 8.5);
  assert_int_equal(p.row.last_worker, 2);
  end(&p, SG_RUN_ITERATIONS);
  /* Groups {0, 1} and {2, 3}: second messages of 0 and 3 at 3.5, the last first one at 4.5. */
  NEAR(two_stages(&p, "partial-repetition", 4, (const double[]){1, 0.5, 0.25, 1}), 4.5);
  assert_int_equal(p.row.n_used, 6);
  assert_int_equal(p.row.last_worker, 2);
  end(&p, SG_RUN_ITERATIONS);
}

/* Two real vectors in one transmission: Reed–Solomon with roots of unity, twice the bytes. */
static void complex_messages(void **state) {
  (void)state;
  play p;
  const sg_code_type *type = sg_code_type_find("reed-solomon");
  sg_shape shape = {.workers = 4, .subsets = 4, .length = 8, .updates = 1};
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_code *code;
  assert_non_null(values);
  assert_int_equal(sg_values_set_number(values, "s", 1, NULL), SG_OK);
  assert_int_equal(sg_values_set_string(values, "nodes", "roots-of-unity", NULL), SG_OK);
  assert_int_equal(sg_code_new(type, &shape, values, &code, NULL), SG_OK);
  sg_values_free(values);
  /* 2 subsets at speeds 1, 1/2, 1/4, 1/8 end at 2, 4, 8, 16; 128 bytes at 32 a second take 4 s. The
   * third of four is there at 12. */
  start_code(&p, code,
             (test_setup){.workers = 4,
                          .speed = (const double[]){1, 0.5, 0.25, 0.125},
                          .delay = "deterministic",
                          .delay_by = {1},
                          .uplink = "linear",
                          .uplink_by = {0, 32},
                          .length = 8},
             1);
  decode(&p, next(&p));
  NEAR(p.row.duration_s, 12);
  NEAR(p.row.bytes_received, 3 * 128);
  assert_int_equal(p.row.n_used, 6);
  counts(&p, 6, 0, 1);
  end(&p, SG_RUN_ITERATIONS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(partial_stragglers),
      cmocka_unit_test(complex_messages),
      cmocka_unit_test(two_messages_after_different_tasks),
      cmocka_unit_test(signals_and_stop),
      cmocka_unit_test(two_jobs_in_flight),
      cmocka_unit_test(no_barrier),
      cmocka_unit_test(no_barrier_and_a_slow_master),
      cmocka_unit_test(decoding_at_an_inner_node),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
