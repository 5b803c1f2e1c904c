/* SPDX-License-Identifier: MIT */
/* Links: durations, and ingress queues against schedules computed by hand, a slow reference and
 * queueing formulas. */
#include "models/network/model.h"
#include "sim/core/classes.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double uplink(const test_setup *s, int worker, uint32_t iteration, uint32_t draw,
                     double share, double bytes) {
  test_environment t;
  test_environment_make(&t, s);
  double seconds = sg_uplink_seconds(t.network, 3, worker, iteration, draw, share, bytes);
  sg_links *links =
      sg_links_new(t.network, worker + 1, 8); /* what was drawn ahead changes nothing */
  assert_non_null(links);
  for (uint32_t ahead = iteration; ahead < iteration + 2; ahead++) {
    assert_true(sg_links_draw_ahead(links, worker + 1, 3, ahead));
    assert_true(sg_links_uplink_seconds(links, 3, worker, iteration, draw, share, bytes) ==
                seconds);
  }
  sg_links_free(links);
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

static void jitter(void **state) {
  (void)state;
  test_setup s = {.workers = 4,
                  .delay = "deterministic",
                  .delay_by = {1},
                  .uplink = "exponential",
                  .uplink_by = {1},
                  .draw = "iteration",
                  .jitter = "shifted-exponential",
                  .jitter_by = {0.25, 3},
                  .seed = 9};
  sg_stream of_law, of_jitter;
  sg_stream_at(&of_law, 9, 3, SG_FOR_UPLINK, 1, 2, 0);
  sg_stream_at(&of_jitter, 9, 3, SG_FOR_JITTER, 1, 2, 5);
  double law = sg_exponential(&of_law, 1), seconds = 0.25 + sg_exponential(&of_jitter, 3);
  /* The length of a message and the speed of the link change the law's part alone. */
  const double speed[] = {1, 4, 1, 1};
  NEAR(uplink(&s, 1, 2, 5, 0.5, 1000), 0.5 * law + seconds);
  s.uplink_speed = speed;
  NEAR(uplink(&s, 1, 2, 5, 0.5, 1000), 0.5 * law / 4 + seconds);

  /* Mean 3.25, variance 9, of messages that are independent of one another. */
  s.uplink = NULL;
  s.draw = NULL;
  test_environment t;
  test_environment_make(&t, &s);
  enum { ITERATIONS = 10000 };
  double sum = 0, squares = 0, product = 0, n = 8.0 * ITERATIONS;
  for (uint32_t i = 0; i < ITERATIONS; i++)
    for (int w = 0; w < 4; w++) {
      double a = sg_uplink_seconds(t.network, 0, w, i, 0, 1, 1) - 3.25;
      double b = sg_uplink_seconds(t.network, 0, w, i, 1, 1, 1) - 3.25;
      sum += a + b;
      squares += a * a + b * b;
      product += a * b;
    }
  assert_true(fabs(sum / n) < 4 * 3 / sqrt(n));
  assert_true(fabs(squares / n - 9) < 4 * 9 * sqrt(8 / n)); /* the fourth moment is 9 σ⁴ */
  assert_true(fabs(product / (n / 2)) < 4 * 9 / sqrt(n / 2));
  test_environment_free(&t);
}

static void classes_of_links(void **state) {
  (void)state;
  const double up[] = {1, 2, 0.5, 4}, down[] = {1, 0.25, 2, 1};
  test_setup s = {.workers = 4,
                  .delay = "deterministic",
                  .delay_by = {1},
                  .uplink = "linear",
                  .uplink_by = {0.5, 100},
                  .per_message_s = 1,
                  .broadcast = "linear",
                  .broadcast_by = {0.25, 100},
                  .uplink_speed = up,
                  .downlink_speed = down};
  test_environment t;
  test_environment_make(&t, &s);
  sg_links *links = sg_links_new(t.network, 5, 200);
  assert_non_null(links);
  for (int w = 0; w < 4; w++) {
    NEAR(sg_uplink_seconds(t.network, 0, w, 0, 0, 1, 400), 1 + 0.5 + 4 / up[w]);
    NEAR(sg_links_send_model(links, w, 0, 10), 10 + 0.25 + 2 / down[w]);
  }
  /* A node that is no worker has a nominal link. */
  NEAR(sg_uplink_seconds(t.network, 0, 4, 0, 0, 1, 400), 5.5);
  NEAR(sg_links_send_model(links, 4, 0, 10), 12.25);
  sg_links_free(links);
  test_environment_free(&t);
}

/* 10 workers, 0.3 of them slow: the random assignment makes 3 slow, not the first three, and not
 * those that the classes of speed would make slow. */
static void links_are_assigned_by_the_seed(void **state) {
  (void)state;
  bool differs = false;
  for (uint64_t seed = 0; seed < 20; seed++) {
    sg_error e = {0};
    sg_values *v = sg_values_new(sg_network_params, NULL, "/network");
    sg_value *classes = sg_values_find(v, "classes");
    classes->given = true;
    classes->count = 2;
    classes->item = calloc(2, sizeof *classes->item);
    for (int i = 0; i < 2; i++) {
      const sg_param *fields = sg_values_param(v, "classes")->fields[0].fields;
      classes->item[i].object = sg_values_new(fields, NULL, "/network/classes/0");
      sg_values_set_number(classes->item[i].object, "share", i == 0 ? 0.3 : 0.7, &e);
    }
    int links[10], again[10], speeds[10], slow = 0;
    assert_int_equal(sg_classes_assign(v, 10, SG_CLASSES_OF_LINKS, seed, links, &e), SG_OK);
    assert_int_equal(sg_classes_assign(v, 10, SG_CLASSES_OF_LINKS, seed, again, &e), SG_OK);
    assert_int_equal(sg_classes_assign(v, 10, SG_CLASSES_OF_SPEED, seed, speeds, &e), SG_OK);
    for (int w = 0; w < 10; w++) slow += links[w] == 0;
    assert_int_equal(slow, 3);
    assert_memory_equal(links, again, sizeof links);
    differs |= memcmp(links, speeds, sizeof links) != 0;
    sg_values_set_number(classes->item[1].object, "share", 0.6, &e);
    assert_int_not_equal(sg_classes_assign(v, 10, SG_CLASSES_OF_LINKS, seed, links, &e), SG_OK);
    assert_string_equal(e.fault[0].place, "/network/classes");
    sg_error_clear(&e);
    sg_values_free(v);
  }
  assert_true(differs);
}

static sg_links *broadcast(test_environment *t, test_setup s, double latency, double bandwidth,
                           int fan_out, int nodes, double bytes) {
  s.delay = "deterministic";
  s.delay_by[0] = 1;
  s.broadcast_by[0] = latency;
  s.broadcast_by[1] = bandwidth;
  s.broadcast_by[2] = fan_out;
  test_environment_make(t, &s);
  sg_links *links = sg_links_new(t->network, nodes, bytes);
  assert_non_null(links);
  return links;
}

static void close_links(test_environment *t, sg_links *links) {
  sg_links_free(links);
  test_environment_free(t);
}

/* After D hops f + f² + … + f^D workers have the model. */
static void tree(void **state) {
  (void)state;
  for (int fan_out = 1; fan_out <= 4; fan_out++) {
    test_environment t;
    sg_links *links = broadcast(&t, (test_setup){.workers = 200, .broadcast = "tree"}, 0.5, 100,
                                fan_out, 200, 25);
    int depth = 1, size = fan_out, reached = fan_out;
    for (int w = 0; w < 200; w++) {
      if (w == reached) {
        depth++;
        size *= fan_out;
        reached += size;
      }
      NEAR(sg_links_send_model(links, w, 0, 3), 3 + depth * 0.75);
    }
    close_links(&t, links);
  }
  /* Behind a slow link all is late: 0 → 2, 3; 1 → 4, 5; 2 → 6. */
  const double down[] = {1, 0.5, 1, 0.25, 1, 1, 1};
  test_environment t;
  sg_links *links =
      broadcast(&t, (test_setup){.workers = 7, .broadcast = "tree", .downlink_speed = down}, 0.5,
                100, 2, 7, 100);
  const double there[] = {1.5, 2.5, 3, 6, 4, 4, 4.5};
  for (int w = 0; w < 7; w++) NEAR(sg_links_send_model(links, w, 0, 0), there[w]);
  close_links(&t, links);
}

static void one_after_another(void **state) {
  (void)state;
  const double down[] = {1, 0.5, 1};
  test_environment t;
  sg_links *links =
      broadcast(&t, (test_setup){.workers = 3, .broadcast = "sequential", .downlink_speed = down},
                0.5, 100, 1, 3, 200);
  NEAR(sg_links_send_model(links, 0, 0, 1), 3.5); /* on the master's link from 1 to 3 */
  NEAR(sg_links_send_model(links, 1, 0, 1), 7.5); /* 3 to 7 */
  NEAR(sg_links_send_model(links, 2, 0, 1), 9.5); /* 7 to 9 */
  NEAR(sg_links_send_model(links, 0, 1, 8), 11.5);
  NEAR(sg_links_send_model(links, 0, 2, 20), 22.5); /* 20 to 22: it was free */
  /* A new round at 21: what is on the link goes on, or nothing does but what is wanted. */
  sg_links_begin_round(links, 3, 21, true);
  NEAR(sg_links_send_model(links, 0, 3, 0), 3.5);
  sg_links_begin_round(links, 3, 1, false);
  NEAR(sg_links_send_model(links, 0, 4, 0), 2.5);
  sg_links_begin_round(links, 3, 1, false);
  sg_links_keep(links, 0, 1.5);
  NEAR(sg_links_send_model(links, 0, 5, 0), 3.5);
  close_links(&t, links);
}

static void half_duplex(void **state) {
  (void)state;
  test_setup s = {.workers = 3, .broadcast = "linear", .duplex = "half"};
  test_environment t;
  sg_links *links = broadcast(&t, s, 0.5, 100, 0, 3, 50);
  assert_true(sg_network_half_duplex(t.network));
  NEAR(sg_links_send_message(links, 0, 0, 4), 4);
  NEAR(sg_links_send_model(links, 0, 0, 1), 5);   /* 4 to 5, behind the message */
  NEAR(sg_links_send_message(links, 0, 4, 2), 7); /* 5 to 7, behind the model */
  NEAR(sg_links_send_model(links, 0, 1, 4.5), 8); /* 7 to 8 */
  NEAR(sg_links_send_message(links, 0, 10, 2), 12);
  NEAR(sg_links_send_model(links, 1, 1, 4.5), 5.5); /* another worker's link */
  /* Round from 11 on: the message is on the link until 12, or has been cancelled. */
  sg_links_begin_round(links, 3, 11, true);
  NEAR(sg_links_send_model(links, 0, 2, 0), 2);
  sg_links_begin_round(links, 3, 1, false);
  NEAR(sg_links_send_model(links, 0, 3, 0), 1);
  close_links(&t, links);

  /* A chain: the second worker gets the model when the first, which was busy until 4, has it. A
   * model that goes to the second alone does not wait for the first. */
  s.broadcast = "tree";
  links = broadcast(&t, s, 0.5, 100, 1, 3, 50);
  sg_links_send_message(links, 0, 0, 4);
  NEAR(sg_links_send_model(links, 0, 7, 1), 5);
  NEAR(sg_links_send_model(links, 1, 7, 1), 6);
  NEAR(sg_links_send_model(links, 2, 7, 1), 7);
  sg_links_send_message(links, 0, 8, 4);
  NEAR(sg_links_send_model(links, 1, 8, 8), 10);
  close_links(&t, links);

  /* The master's link waits for the first worker, the others with it. */
  s.broadcast = "sequential";
  links = broadcast(&t, s, 0.5, 100, 0, 3, 50);
  sg_links_send_message(links, 0, 0, 4);
  NEAR(sg_links_send_model(links, 0, 0, 1), 5);   /* on the master's link from 4 to 4.5 */
  NEAR(sg_links_send_model(links, 1, 0, 1), 5.5); /* 4.5 to 5 */
  close_links(&t, links);

  s.broadcast = NULL; /* no time, no waiting */
  test_environment_make(
      &t, &(test_setup){.workers = 1, .delay = "deterministic", .delay_by = {1}, .duplex = "half"});
  links = sg_links_new(t.network, 1, 50);
  sg_links_send_message(links, 0, 0, 4);
  NEAR(sg_links_send_model(links, 0, 0, 1), 1);
  close_links(&t, links);
}

static void broadcast_and_signals(void **state) {
  (void)state;
  test_environment t;
  test_setup s = {.workers = 4, .delay = "deterministic", .delay_by = {1}};
  test_environment_make(&t, &s);
  sg_links *links = sg_links_new(t.network, 4, 1e9);
  NEAR(sg_links_send_model(links, 0, 0, 2), 2);
  NEAR(sg_links_send_message(links, 0, 2, 3), 5);
  NEAR(sg_signal_seconds(t.network), 0);
  assert_false(sg_network_occupies_link(t.network));
  assert_false(sg_network_half_duplex(t.network));
  close_links(&t, links);
  s.broadcast = "linear";
  s.broadcast_by[0] = 0.25;
  s.broadcast_by[1] = 100;
  s.signal_latency_s = 0.0625;
  s.late_messages = "occupy-link";
  test_environment_make(&t, &s);
  links = sg_links_new(t.network, 4, 50);
  for (int w = 0; w < 4; w++) NEAR(sg_links_send_model(links, w, 0, 2), 2.75);
  NEAR(sg_signal_seconds(t.network), 0.0625);
  assert_true(sg_network_occupies_link(t.network));
  close_links(&t, links);
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

static sg_ingress *make_ingress(sg_ingress_kind kind, double bandwidth) {
  return sg_ingress_new(&(sg_network){.ingress = kind, .ingress_bandwidth = bandwidth});
}

/* The next delivery is `message` at `time`. */
static void delivers(sg_ingress *q, double time, int message) {
  NEAR(sg_ingress_next(q), time);
  assert_int_equal(sg_ingress_pop(q), message);
}

static void first_come_first_served(void **state) {
  (void)state;
  sg_ingress *q = make_ingress(SG_INGRESS_FIFO, 10);
  sg_ingress_used used;
  assert_true(isinf(sg_ingress_next(q)));
  /* Messages of 4, 1 and 2 s come at 1, 2 and 3. */
  sg_ingress_push(q, 1, 100, 40);
  sg_ingress_push(q, 2, 7, 10);
  sg_ingress_push(q, 3, 8, 20);
  used = sg_ingress_usage(q, 3);
  NEAR(used.busy_s, 2);
  NEAR(used.queued_s, 0);
  delivers(q, 5, 100);
  delivers(q, 6, 7);
  used = sg_ingress_usage(q, 6);
  NEAR(used.busy_s, 3);
  NEAR(used.queued_s, 3); /* message 7 waited from 2 to 5 */
  assert_int_equal(used.taken, 2);
  delivers(q, 8, 8);
  assert_true(isinf(sg_ingress_next(q)));
  used = sg_ingress_usage(q, 10);
  NEAR(used.busy_s, 2); /* idle from 8 */
  NEAR(used.queued_s, 3);

  /* The clock is set back by 15 while messages of 4 and 1 s wait: from 10 to 14, −1 in the new
   * time, and to 0. */
  sg_ingress_push(q, 10, 1, 40);
  sg_ingress_push(q, 10, 4, 10);
  sg_ingress_shift(q, 15);
  delivers(q, -1, 1);
  delivers(q, 0, 4);
  /* Nothing is wanted any more. */
  sg_ingress_push(q, 1, 5, 10);
  sg_ingress_push(q, 1, 6, 10);
  sg_ingress_usage(q, 1);
  int dropped = sg_ingress_drop(q, 1.5) + sg_ingress_drop(q, 1.5);
  assert_int_equal(dropped, 5 + 6);
  assert_int_equal(sg_ingress_drop(q, 1.5), -1);
  assert_true(isinf(sg_ingress_next(q)));
  used = sg_ingress_usage(q, 2);
  NEAR(used.busy_s, 0.5);
  NEAR(used.queued_s, 0);
  assert_int_equal(used.taken, 0);
  sg_ingress_push(q, 3, 5, 10);
  delivers(q, 4, 5);
  /* Thousands, while the first of them are being served. */
  for (int i = 0; i < 5000; i++) {
    sg_ingress_push(q, 10 + 0.5 * i, i, 10);
    if (i % 2) delivers(q, 11 + i / 2, i / 2);
  }
  for (int i = 2500; i < 5000; i++) delivers(q, 11 + i, i);
  sg_ingress_free(q);
}

static void shared_fairly(void **state) {
  (void)state;
  sg_ingress *q = make_ingress(SG_INGRESS_FAIR_SHARE, 10);
  sg_ingress_used used;
  /* 40 bytes from 0 on; at 1, with 30 left, 10 more bytes come: these take 2 s at half the rate. At
   * 3 the first has 20 left: it ends at 5. */
  sg_ingress_push(q, 0, 1, 40);
  NEAR(sg_ingress_next(q), 4);
  sg_ingress_push(q, 1, 2, 10);
  delivers(q, 3, 2);
  used = sg_ingress_usage(q, 3);
  NEAR(used.busy_s, 3);
  NEAR(used.queued_s, 1); /* 2 s instead of 1 */
  delivers(q, 5, 1);
  used = sg_ingress_usage(q, 6);
  NEAR(used.busy_s, 2);
  NEAR(used.queued_s, 1); /* 5 s instead of 4 */

  /* Three of 30 bytes at 10, another of 10 at 13, when 20 are left of each: it ends at 17, when 10
   * are left of the others, which end at 20. */
  for (int i = 0; i < 3; i++) sg_ingress_push(q, 10, i, 30);
  NEAR(sg_ingress_next(q), 19);
  sg_ingress_push(q, 13, 3, 10);
  delivers(q, 17, 3);
  delivers(q, 20, 0); /* equal: in the order of arrival */
  sg_ingress_shift(q, 20);
  delivers(q, 0, 1);
  delivers(q, 0, 2);
  NEAR(sg_ingress_usage(q, 0).busy_s, 10);
  sg_ingress_push(q, 1, 0, 30);
  sg_ingress_push(q, 1, 1, 10);
  assert_int_equal(sg_ingress_drop(q, 2) + sg_ingress_drop(q, 2), 1);
  assert_int_equal(sg_ingress_drop(q, 2), -1);
  NEAR(sg_ingress_usage(q, 2).busy_s, 1);
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
  sg_ingress *q = make_ingress(SG_INGRESS_FAIR_SHARE, 3);
  int pushed = 0, delivered = 0, most = 0, who, count;
  while (pushed < 400 || sg_ingress_next(q) < INFINITY) {
    double next = slow_next(&s, 3, &who, &count);
    if (count > most) most = count;
    double event = pushed < 400 ? s.now + sg_exponential(&stream, 1) : INFINITY;
    if (next <= event) {
      slow_run(&s, 3, next, count);
      assert_true(fabs(sg_ingress_next(q) - next) < 1e-9 * (1 + next));
      assert_int_equal(sg_ingress_pop(q), who);
      s.there[who] = false;
      delivered++;
    } else {
      slow_run(&s, 3, event, count > 0 ? count : 1);
      s.left[pushed] = sg_exponential(&stream, 2.8);
      s.there[pushed] = true;
      sg_ingress_push(q, event, pushed, s.left[pushed]);
      pushed++;
    }
  }
  assert_int_equal(delivered, 400);
  assert_true(most > 5);
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
      sg_ingress *q = make_ingress((sg_ingress_kind)kind, 1);
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
      cmocka_unit_test(uplinks),
      cmocka_unit_test(jitter),
      cmocka_unit_test(classes_of_links),
      cmocka_unit_test(links_are_assigned_by_the_seed),
      cmocka_unit_test(tree),
      cmocka_unit_test(one_after_another),
      cmocka_unit_test(half_duplex),
      cmocka_unit_test(broadcast_and_signals),
      cmocka_unit_test(kinds_of_ingress),
      cmocka_unit_test(first_come_first_served),
      cmocka_unit_test(shared_fairly),
      cmocka_unit_test(fair_share_against_a_slow_reference),
      cmocka_unit_test(queueing_formulas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
