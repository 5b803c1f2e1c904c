/* SPDX-License-Identifier: MIT */
/* Links: durations, and ingress queues against schedules computed by hand, a slow reference and
 * queueing formulas. */
#include "models/network/ingress.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static double uplink(const test_setup *s, int worker, uint32_t iteration, uint32_t draw,
                     double share, double bytes) {
  test_environment t;
  test_environment_make(&t, s);
  double seconds = sg_uplink_seconds(t.network, 3, worker, iteration, draw, share, bytes);
  test_environment_free(&t);
  return seconds;
}

static double draw(int worker, uint32_t iteration, uint32_t number) {
  sg_stream s;
  sg_stream_at(&s, 9, 3, SG_FOR_UPLINK, (uint32_t)worker, iteration, number);
  return 2 + sg_exponential(&s, 4);
}

static void uplinks(void **state) {
  (void)state;
  test_setup s = {.workers = 4, .delay = "deterministic", .delay_by = {1}, .seed = 9};
  NEAR(uplink(&s, 1, 2, 3, 0.5, 1000), 0);
  s.per_message_s = 0.125;
  NEAR(uplink(&s, 1, 2, 3, 0.5, 1000), 0.125);
  s.uplink = "linear";
  s.uplink_by[0] = 0.5;
  s.uplink_by[1] = 400;
  NEAR(uplink(&s, 1, 2, 3, 0.5, 1000), 0.125 + 0.5 + 2.5);
  s.uplink = "shifted-exponential";
  s.uplink_by[0] = 2;
  s.uplink_by[1] = 4;
  NEAR(uplink(&s, 1, 2, 3, 0.5, 1000), 0.125 + 0.5 * draw(1, 2, 3));
  NEAR(uplink(&s, 3, 7, 0, 0.25, 1000), 0.125 + 0.25 * draw(3, 7, 0));
  /* All messages of an iteration share one draw. */
  s.draw = "iteration";
  NEAR(uplink(&s, 1, 2, 3, 0.5, 1000), 0.125 + 0.5 * draw(1, 2, 0));
}

static void broadcast_and_signals(void **state) {
  (void)state;
  test_environment t;
  test_setup s = {.workers = 4, .delay = "deterministic", .delay_by = {1}};
  test_environment_make(&t, &s);
  NEAR(sg_broadcast_seconds(t.network, 1e9), 0);
  NEAR(sg_signal_seconds(t.network), 0);
  assert_false(sg_network_occupies_link(t.network));
  test_environment_free(&t);
  s.broadcast = "linear";
  s.broadcast_by[0] = 0.25;
  s.broadcast_by[1] = 100;
  s.signal_latency_s = 0.0625;
  s.late_messages = "occupy-link";
  test_environment_make(&t, &s);
  NEAR(sg_broadcast_seconds(t.network, 50), 0.75);
  NEAR(sg_signal_seconds(t.network), 0.0625);
  assert_true(sg_network_occupies_link(t.network));
  test_environment_free(&t);
}

static void kinds_of_ingress(void **state) {
  (void)state;
  static const char *const names[] = {"unlimited", "fifo", "fair-share"};
  for (int i = 0; i < 3; i++) {
    test_environment t;
    test_environment_make(&t, &(test_setup){.workers = 1,
                                            .delay = "deterministic",
                                            .delay_by = {1},
                                            .ingress = names[i],
                                            .ingress_Bps = 10});
    sg_ingress *q = sg_ingress_new(t.network);
    assert_int_equal(sg_ingress_unlimited(q), i == 0);
    if (i > 0) {
      assert_true(sg_ingress_push(q, 1, 0, 20));
      NEAR(sg_ingress_next(q), 3);
    }
    sg_ingress_free(q);
    test_environment_free(&t);
  }
}

/* The next delivery is `message` at `time`. */
static void delivers(sg_ingress *q, double time, int message) {
  NEAR(sg_ingress_next(q), time);
  assert_int_equal(sg_ingress_pop(q), message);
}

static void first_come_first_served(void **state) {
  (void)state;
  sg_ingress *q = sg_ingress_make(SG_INGRESS_FIFO, 10);
  double busy, queued;
  assert_true(isinf(sg_ingress_next(q)));
  /* Messages of 4, 1 and 2 s come at 1, 2 and 3. */
  sg_ingress_push(q, 1, 100, 40);
  sg_ingress_push(q, 2, 7, 10);
  sg_ingress_push(q, 3, 8, 20);
  sg_ingress_usage(q, 3, &busy, &queued);
  NEAR(busy, 2);
  NEAR(queued, 0);
  delivers(q, 5, 100);
  delivers(q, 6, 7);
  sg_ingress_usage(q, 6, &busy, &queued);
  NEAR(busy, 3);
  NEAR(queued, 3); /* message 7 waited from 2 to 5 */
  delivers(q, 8, 8);
  assert_true(isinf(sg_ingress_next(q)));
  sg_ingress_usage(q, 10, &busy, &queued);
  NEAR(busy, 2); /* idle from 8 */
  NEAR(queued, 3);

  /* Removal in mid-service gives the link to the next at once; one that waits just goes. */
  sg_ingress_push(q, 10, 1, 40);
  sg_ingress_push(q, 10, 2, 30);
  sg_ingress_push(q, 10, 3, 20);
  sg_ingress_push(q, 10, 4, 10);
  sg_ingress_remove(q, 11, 3);
  sg_ingress_remove(q, 12, 1);
  sg_ingress_remove(q, 12, 1); /* it is gone already */
  delivers(q, 15, 2);
  /* The clock is set back by 15: message 4 is served from 0 to 1. */
  sg_ingress_shift(q, 15);
  delivers(q, 1, 4);
  sg_ingress_push(q, 2, 5, 10);
  sg_ingress_clear(q);
  assert_true(isinf(sg_ingress_next(q)));
  sg_ingress_push(q, 3, 5, 10);
  delivers(q, 4, 5);
  sg_ingress_free(q);
}

static void shared_fairly(void **state) {
  (void)state;
  sg_ingress *q = sg_ingress_make(SG_INGRESS_FAIR_SHARE, 10);
  double busy, queued;
  /* 40 bytes from 0 on; at 1, with 30 left, 10 more bytes come: these take 2 s at half the rate. At
   * 3 the first has 20 left: it ends at 5. */
  sg_ingress_push(q, 0, 1, 40);
  NEAR(sg_ingress_next(q), 4);
  sg_ingress_push(q, 1, 2, 10);
  delivers(q, 3, 2);
  sg_ingress_usage(q, 3, &busy, &queued);
  NEAR(busy, 3);
  NEAR(queued, 1); /* 2 s instead of 1 */
  delivers(q, 5, 1);
  sg_ingress_usage(q, 6, &busy, &queued);
  NEAR(busy, 2);
  NEAR(queued, 1); /* 5 s instead of 4 */

  /* Three of 30 bytes at 10; one goes at 13 with 20 left: the others, 20 left each, end at 17. */
  for (int i = 0; i < 3; i++) sg_ingress_push(q, 10, i, 30);
  NEAR(sg_ingress_next(q), 19);
  sg_ingress_remove(q, 13, 1);
  delivers(q, 17, 0); /* equal: in the order of arrival */
  sg_ingress_shift(q, 17);
  delivers(q, 0, 2);
  sg_ingress_usage(q, 0, &busy, &queued);
  NEAR(busy, 7);
  sg_ingress_free(q);
}

/* Fair sharing step by step: bytes left of each message. */
typedef struct slow {
  double left[400];
  bool there[400];
  double now;
} slow;

static double slow_next(const slow *s, double bandwidth, int *who, int *count) {
  *who = -1;
  *count = 0;
  for (int i = 0; i < 400; i++)
    if (s->there[i]) {
      ++*count;
      if (*who < 0 || s->left[i] < s->left[*who]) *who = i;
    }
  return *who < 0 ? INFINITY : s->now + s->left[*who] * *count / bandwidth;
}

static void slow_run(slow *s, double bandwidth, double now, int count) {
  for (int i = 0; i < 400; i++)
    if (s->there[i]) s->left[i] -= (now - s->now) * bandwidth / count;
  s->now = now;
}

static void fair_share_against_a_slow_reference(void **state) {
  (void)state;
  static slow s;
  sg_stream stream;
  sg_stream_at(&stream, 4, 0, SG_FOR_CHECK, 0, 0, 0);
  sg_ingress *q = sg_ingress_make(SG_INGRESS_FAIR_SHARE, 3);
  int pushed = 0, delivered = 0, removed = 0, who, count;
  while (pushed < 400 || sg_ingress_next(q) < INFINITY) {
    double next = slow_next(&s, 3, &who, &count);
    double event = pushed < 400 ? s.now + sg_exponential(&stream, 1) : INFINITY;
    if (next <= event) {
      slow_run(&s, 3, next, count);
      assert_true(fabs(sg_ingress_next(q) - next) < 1e-9 * (1 + next));
      assert_int_equal(sg_ingress_pop(q), who);
      s.there[who] = false;
      delivered++;
    } else if (count > 0 && sg_uniform(&stream) < 0.2) {
      slow_run(&s, 3, event, count);
      sg_ingress_remove(q, event, who);
      s.there[who] = false;
      removed++;
    } else {
      slow_run(&s, 3, event, count > 0 ? count : 1);
      s.left[pushed] = sg_exponential(&stream, 2.8);
      s.there[pushed] = true;
      sg_ingress_push(q, event, pushed, s.left[pushed]);
      pushed++;
    }
  }
  assert_int_equal(delivered + removed, 400);
  assert_true(removed > 20 && delivered > 200);
  sg_ingress_free(q);
}

/* Mean time in the system of messages of 1 s that come at random at rate 0.6, over many runs:
 * fifo (M/D/1): 1 + ρ / 2(1 − ρ); processor sharing, whatever the law of the lengths: 1/(1 − ρ). */
static void queueing_formulas(void **state) {
  (void)state;
  enum { RUNS = 100, WARM = 500, COUNT = 3000 };
  static double came[WARM + COUNT];
  for (int kind = SG_INGRESS_FIFO; kind <= SG_INGRESS_FAIR_SHARE; kind++) {
    double sum = 0, squares = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
      sg_stream s;
      sg_stream_at(&s, 1, run, SG_FOR_CHECK, 0, 0, 0);
      sg_ingress *q = sg_ingress_make((sg_ingress_kind)kind, 1);
      double arrival = sg_exponential(&s, 1 / 0.6), mean = 0;
      for (int pushed = 0, popped = 0; popped < WARM + COUNT;) {
        double next = sg_ingress_next(q);
        if (pushed < WARM + COUNT && arrival < next) {
          came[pushed] = arrival;
          sg_ingress_push(q, arrival, pushed++, 1);
          arrival += sg_exponential(&s, 1 / 0.6);
        } else {
          int message = sg_ingress_pop(q);
          popped++;
          if (message >= WARM) mean += (next - came[message]) / COUNT;
        }
      }
      sum += mean;
      squares += mean * mean;
      sg_ingress_free(q);
    }
    double mean = sum / RUNS, error = sqrt((squares / RUNS - mean * mean) / (RUNS - 1));
    double expected = kind == SG_INGRESS_FIFO ? 1 + 0.6 / (2 * 0.4) : 1 / 0.4;
    assert_true(fabs(mean - expected) < 4 * error);
    assert_true(error < 0.02 * expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(uplinks),           cmocka_unit_test(broadcast_and_signals),
      cmocka_unit_test(kinds_of_ingress),  cmocka_unit_test(first_come_first_served),
      cmocka_unit_test(shared_fairly),     cmocka_unit_test(fair_share_against_a_slow_reference),
      cmocka_unit_test(queueing_formulas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
