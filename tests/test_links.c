/* SPDX-License-Identifier: MIT */
/* Links in whole runs: broadcasts, half duplex, late messages, decode times at the master, against
 * schedules computed by hand. A model and a message have 8 bytes. */
#include "tests/support/environment.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct stage {
  test_environment t;
  sg_code *code;
  sg_run *run;
} stage;

static void start(stage *s, const sg_code_type *type, const char *param, double number,
                  test_setup setup, long iterations) {
  setup.delay = setup.delay ? setup.delay : "deterministic";
  test_environment_make(&s->t, &setup);
  sg_shape shape = {
      .workers = setup.workers, .subsets = setup.workers, .length = 1, .updates = iterations};
  s->code = test_code(type, &shape, param, number);
  sg_run_limits limits = {.iterations = iterations, .sim_time_s = INFINITY, .worker_rows = true};
  s->run = sg_run_new(&s->t.env, s->code, 0, &limits, NULL, NULL);
  assert_non_null(s->run);
}

/* The next row; the decode takes decode_s. */
static const sg_iteration_record *next(stage *s, double decode_s) {
  sg_run_status status = sg_run_advance(s->run);
  if (status != SG_RUN_DECODE) fail_msg("status %d: %s", status, sg_run_fault(s->run));
  sg_run_supply(s->run, &(sg_run_result){.decoded = true, .decode_s = decode_s, .n_used = 1});
  return sg_run_record(s->run);
}

static double arrival(const stage *s, int worker) {
  int count;
  return sg_run_worker_records(s->run, &count)[worker].arrival_s;
}

static void end(stage *s) {
  sg_run_free(s->run);
  sg_code_free(s->code);
  test_environment_free(&s->t);
}

/* Workers compute for 1 s. A hop takes 0.5 + 1 s. */
static void broadcasts(void **state) {
  (void)state;
  static const struct {
    const char *model;
    int fan_out;
    double there[7];
  } cases[] = {{"linear", 0, {1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5}},
               {"sequential", 0, {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5}},
               {"tree", 2, {1.5, 1.5, 3, 3, 3, 3, 4.5}},
               {"tree", 1, {1.5, 3, 4.5, 6, 7.5, 9, 10.5}},
               {"tree", 10, {1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    stage s;
    start(&s, sg_code_type_find("uncoded"), NULL, 0,
          (test_setup){.workers = 7,
                       .delay_by = {1},
                       .broadcast = cases[i].model,
                       .broadcast_by = {0.5, 8, cases[i].fan_out}},
          3);
    for (int round = 0; round < 3; round++) {
      const sg_iteration_record *row = next(&s, 0);
      double last = 0;
      for (int w = 0; w < 7; w++) {
        NEAR(arrival(&s, w), 1 + cases[i].there[w]);
        last = fmax(last, 1 + cases[i].there[w]);
      }
      NEAR(row->duration_s, last);
      NEAR(row->bytes_broadcast, 7 * 8);
      NEAR(row->busy_s, 7);
    }
    end(&s);
  }
}

/* The master sends to one after another, 2 s each, and waits for one worker in round 0: that ends
 * at 3 with worker 0, computing 1 s. The other two sends are dropped or go on until 6, 3 s into
 * round 1, which is over 3 · 2 + 1 s after they are through. */
static void a_sequential_broadcast_is_cut_short(void **state) {
  (void)state;
  static const struct {
    const char *late;
    double seconds;
  } cases[] = {{"cancel", 7}, {"occupy-link", 10}};
  for (int i = 0; i < 2; i++) {
    stage s;
    start(&s, &toy_waits, "later", 3,
          (test_setup){.workers = 3,
                       .delay_by = {1},
                       .broadcast = "sequential",
                       .broadcast_by = {0, 4},
                       .late_messages = cases[i].late},
          2);
    NEAR(next(&s, 0)->duration_s, 3);
    NEAR(next(&s, 0)->duration_s, cases[i].seconds);
    end(&s);
  }
}

/* Workers compute 1 and 2 s and send for 4 s; a model takes 1 s. Round 0 ends at 6 with the first
 * worker's message; the other's is on its link until 7. In round 1, with both:
 *   full duplex                 models at 1, computed at 3, sent at 7
 *   the same, link occupied     the same: the old message is through before the new one is due
 *   half duplex, cancelled      the same
 *   half duplex, link occupied  the model waits until 1, is there at 2; 4; 8
 *   half duplex, keep-partial   the same; the old message arrives, at 1, but is not waited for */
static void half_duplex(void **state) {
  (void)state;
  static const struct {
    const char *duplex, *late;
    sg_late_work work;
    double seconds;
    int received;
  } cases[] = {{"full", "cancel", SG_LATE_CANCEL, 7, 2},
               {"full", "occupy-link", SG_LATE_CANCEL, 7, 2},
               {"half", "cancel", SG_LATE_CANCEL, 7, 2},
               {"half", "occupy-link", SG_LATE_CANCEL, 8, 2},
               {"half", "cancel", SG_LATE_KEEP_PARTIAL, 8, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){2, 1},
                       .delay_by = {2},
                       .uplink = "deterministic",
                       .uplink_by = {4},
                       .broadcast = "linear",
                       .broadcast_by = {0, 8},
                       .duplex = cases[i].duplex,
                       .late_messages = cases[i].late,
                       .late_work = cases[i].work},
          2);
    NEAR(next(&s, 0)->duration_s, 6);
    const sg_iteration_record *row = next(&s, 0);
    assert_int_equal(row->n_received, cases[i].received);
    end(&s);
  }
}

/* In a chain, worker 0 is still sending its late message when it is to receive the model and to
 * send it on. Models are there at 1 and 2, worker 0 computes to 4, worker 1 to 3; sending takes 4
 * s: round 0 ends at 7 with worker 1, worker 0's message is on its link until 8. Round 1: models at
 * 1 and 2, or at 2 and 3; computed at 4 and 3, or 5 and 4; sent at 8 and 7, or 9 and 8. */
static void half_duplex_in_a_chain(void **state) {
  (void)state;
  static const struct {
    const char *late;
    double seconds;
  } cases[] = {{"cancel", 8}, {"occupy-link", 9}};
  for (int i = 0; i < 2; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){1, 3},
                       .delay_by = {3},
                       .uplink = "deterministic",
                       .uplink_by = {4},
                       .broadcast = "tree",
                       .broadcast_by = {0, 8, 1},
                       .duplex = "half",
                       .late_messages = cases[i].late},
          2);
    NEAR(next(&s, 0)->duration_s, 7);
    NEAR(next(&s, 0)->duration_s, cases[i].seconds);
    NEAR(arrival(&s, 1), cases[i].seconds - 1);
    end(&s);
  }
}

/* Occupied links everywhere: computing takes 1 and 1.5 s, the uplink 2 s, the master's link 4 s for
 * a message alone. Round 0: the first message is on the master's link from 3, the second from 3.5.
 *   fifo        the first from 3 to 7, end of round 0; the second to 11, 4 into round 1. There the
 *               new messages come at 3 and 3.5, are served from 4 to 8 and to 12.
 *   fair-share  the first has 3.5 s of work left at 3.5: through at 10.5. The second then has 0.5 s
 *               left: to 0.5 in round 1. The new ones, at 3 and 3.5, are as in round 0: 10.5, 11.
 */
static void late_messages_on_a_shared_link(void **state) {
  (void)state;
  static const struct {
    const char *ingress, *late;
    double first, second, busy, queued;
  } cases[] = {{"fifo", "cancel", 7, 11, 8, 3.5},
               {"fifo", "occupy-link", 7, 12, 12, 3.5 + 1 + 4.5},
               {"fair-share", "cancel", 10.5, 11, 8, 3.5 + 3.5},
               {"fair-share", "occupy-link", 10.5, 11, 8.5, 3.5 + 3.5 + 3.5}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){1.5, 1},
                       .delay_by = {1.5},
                       .uplink = "deterministic",
                       .uplink_by = {2},
                       .ingress = cases[i].ingress,
                       .ingress_Bps = 2,
                       .duplex = "half", /* changes nothing: no model takes time */
                       .late_messages = cases[i].late},
          2);
    const sg_iteration_record *row = next(&s, 0);
    NEAR(row->duration_s, cases[i].first);
    NEAR(row->ingress_busy_s, cases[i].first - 3);
    NEAR(row->queued_s, strcmp(cases[i].ingress, "fifo") == 0 ? 0 : 3.5);
    row = next(&s, 0);
    NEAR(row->duration_s, cases[i].second);
    NEAR(row->ingress_busy_s, cases[i].busy);
    NEAR(row->queued_s, cases[i].queued);
    assert_int_equal(row->n_received, 2);
    /* The old message, too, where it has gone through the link. */
    assert_int_equal(row->ingress_messages, strcmp(cases[i].late, "cancel") == 0 ? 2 : 3);
    end(&s);
  }
}

/* The master decodes for 3 s and updates for 1 s: the next round begins 4 s later, and links that
 * are occupied are so meanwhile. Computing takes 1 and 1.5 s, the master's link 4 s a message:
 * decodes at 5; the second message is through at 9, when round 1 begins. There decoding takes 0.5
 * s.
 */
static void decoding_takes_time(void **state) {
  (void)state;
  static const char *const late[] = {"cancel", "occupy-link"};
  for (int i = 0; i < 2; i++) {
    stage s;
    start(&s, &toy_waits, "later", 2,
          (test_setup){.workers = 2,
                       .speed = (const double[]){1.5, 1},
                       .delay_by = {1.5},
                       .ingress = "fifo",
                       .ingress_Bps = 2,
                       .late_messages = late[i],
                       .update_s = 1},
          3);
    const sg_iteration_record *row = next(&s, 3);
    NEAR(row->wait_s, 5);
    NEAR(row->decode_s, 3);
    NEAR(row->update_s, 1);
    NEAR(row->duration_s, 9);
    row = next(&s, 0.5);
    NEAR(row->start_s, 9);
    NEAR(row->wait_s, 9); /* 1 to 5, 5 to 9 */
    NEAR(row->duration_s, 10.5);
    NEAR(row->ingress_busy_s, i == 0 ? 8 : 12); /* since the first decode */
    row = next(&s, 0);
    NEAR(row->start_s, 19.5);
    end(&s);
  }
}

/* The same delays, jitter and links whatever else is going on: a scheme that waits for fewer sees
 * the arrivals of one that waits for all, as long as messages do not queue. */
static void common_random_numbers(void **state) {
  (void)state;
  static const double up[] = {1, 2, 0.5, 1, 1, 2, 0.5, 1};
  test_setup setup = {.workers = 8,
                      .delay = "exponential",
                      .delay_by = {1},
                      .uplink = "exponential",
                      .uplink_by = {2},
                      .jitter = "exponential",
                      .jitter_by = {0.5},
                      .uplink_speed = up,
                      .broadcast = "tree",
                      .broadcast_by = {0.1, 80, 2},
                      .seed = 5};
  stage all, some;
  start(&all, sg_code_type_find("uncoded"), NULL, 0, setup, 200);
  start(&some, sg_code_type_find("ignore-stragglers"), "s", 3, setup, 200);
  for (int round = 0; round < 200; round++) {
    next(&all, 0);
    next(&some, 0);
    int came = 0;
    for (int w = 0; w < 8; w++) {
      if (isnan(arrival(&some, w))) continue;
      NEAR(arrival(&some, w), arrival(&all, w));
      came++;
    }
    assert_int_equal(came, 5);
  }
  end(&all);
  end(&some);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(broadcasts),
      cmocka_unit_test(a_sequential_broadcast_is_cut_short),
      cmocka_unit_test(half_duplex),
      cmocka_unit_test(half_duplex_in_a_chain),
      cmocka_unit_test(late_messages_on_a_shared_link),
      cmocka_unit_test(decoding_takes_time),
      cmocka_unit_test(common_random_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
