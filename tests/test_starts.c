/* SPDX-License-Identifier: MIT */
/* Coupon collectors and tiers without an engine: what is picked, covered, given again and started
 * when. */
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

/* A code's protocol by itself: what it orders when messages come. */
typedef struct stage {
  bench b;
  sg_protocol *protocol;
  sg_orders orders;
  sg_message held[4 * MOST];
  int count, sends;
  int send_to[4 * MOST], send_tag[4 * MOST]; /* sends that the last event ordered */
  bool decodes;
} stage;

static void tell(stage *s, sg_event event) {
  sg_orders_clear(&s->orders);
  sg_protocol_event(s->protocol, &event, &s->orders);
  assert_false(s->orders.failed);
  s->sends = 0;
  s->decodes = false;
  for (int i = 0; i < s->orders.count; i++) {
    const sg_order *o = &s->orders.order[i];
    int first, end;
    s->decodes |= o->kind == SG_ORDER_DECODE;
    if (o->kind != SG_ORDER_SEND) continue;
    sg_order_nodes(o, s->b.code, &first, &end);
    for (; first < end; first++) {
      s->send_to[s->sends] = first;
      s->send_tag[s->sends++] = o->tag;
    }
  }
}

static void arrives(stage *s, int from, int tag) {
  sg_message *m = &s->held[s->count];
  *m = (sg_message){.id = s->count++, .from = from, .to = SG_MASTER, .tag = tag};
  tell(s, (sg_event){.kind = SG_ARRIVAL,
                     .at = SG_MASTER,
                     .from = from,
                     .count = 1,
                     .message = &(const sg_message *){m}});
}

static void open_stage(stage *s, sg_values *values, int n, uint64_t seed) {
  sg_error e = {0};
  memset(s, 0, sizeof *s);
  if (bench_open(&s->b, values, n, seed, &e)) fail_msg("%s", e.fault[0].message);
  s->protocol = sg_protocol_new(s->b.code);
  assert_non_null(s->protocol);
  tell(s, (sg_event){.kind = SG_BEGIN, .at = SG_MASTER});
}

static void close_stage(stage *s) {
  sg_orders_free(&s->orders);
  sg_protocol_free(s->protocol);
  bench_close(&s->b);
}

/* --- Coupon collectors ------------------------------------------------------------------------ */

/* By inclusion and exclusion. */
static double covered(int batches, int workers) {
  double p = 0, choose = 1;
  for (int j = 0; j <= batches; j++) {
    p += (j % 2 ? -1 : 1) * choose * pow(1 - (double)j / batches, workers);
    choose = choose * (batches - j) / (j + 1);
  }
  return p;
}

/* Draws of 20 workers that cover 5 batches: as often as the law says, and as the code says it. */
static void draws_cover_as_often_as_they_must(void **state) {
  (void)state;
  enum { DRAWS = 20000 };
  sg_values *values = bench_values("coupon-collector", "r", "4", "uncovered", "reassign", NULL);
  double law = covered(5, 20), said;
  assert_true(fabs(law - 0.942719) < 1e-6);
  int hits = 0;
  for (int seed = 1; seed <= DRAWS; seed++) {
    stage s;
    open_stage(&s, values, 20, (uint64_t)seed);
    int picked[5] = {0}, all = 1;
    assert_int_equal(s.sends, 20);
    for (int i = 0; i < 20; i++) picked[s.send_tag[i]]++;
    for (int b = 0; b < 5; b++) all &= picked[b] > 0;
    hits += all;
    assert_int_equal(!strstr(s.b.code->note, "reassigned"), all);
    assert_int_equal(sscanf(strstr(s.b.code->note, "probability"), "probability %lf", &said), 1);
    assert_true(fabs(said - law) < 1e-6);
    close_stage(&s);
  }
  assert_true(fabs((double)hits / DRAWS - law) < 4 * sqrt(law * (1 - law) / DRAWS));
  sg_values_free(values);
}

/* Everybody picks alone: a pair of workers picks the same batch once in 5 times. */
static void picks_are_independent(void **state) {
  (void)state;
  enum { DRAWS = 4000 };
  sg_values *values = bench_values("coupon-collector", "r", "4", "uncovered", "reassign", NULL);
  double same = 0, squares = 0;
  for (int seed = 1; seed <= DRAWS; seed++) {
    stage s;
    double pairs = 0;
    open_stage(&s, values, 20, (uint64_t)seed);
    for (int i = 0; i < 20; i++)
      for (int j = 0; j < i; j++) pairs += s.send_tag[i] == s.send_tag[j];
    same += pairs / 190 / DRAWS;
    squares += pairs / 190 * pairs / 190 / DRAWS;
    close_stage(&s);
  }
  assert_true(fabs(same - 0.2) < 4 * sqrt((squares - same * same) / DRAWS));
  sg_values_free(values);
}

/* With "resample" every draw covers, even where one in 2000 does. */
static void resampled_draws_cover(void **state) {
  (void)state;
  sg_values *values = bench_values("coupon-collector", "r", "1", NULL);
  for (int seed = 1; seed <= 20; seed++) {
    stage s;
    open_stage(&s, values, 10, (uint64_t)seed);
    bool picked[10] = {false};
    for (int i = 0; i < s.sends; i++) picked[s.send_tag[i]] = true;
    for (int b = 0; b < 10; b++) assert_true(picked[b]);
    close_stage(&s);
  }
  sg_values_free(values);
}

/* Three workers and five batches: whoever finishes is given what nobody has picked, in order; the
 * batches of a worker who is lost go to the others. */
static void finished_workers_get_what_is_missing(void **state) {
  (void)state;
  sg_values *values =
      bench_values("coupon-collector", "r", "1", "parts", "5", "uncovered", "reassign", NULL);
  stage s;
  int seed = 0, pick[3], missing[5], count;
  bool have[5];
  do { /* three different picks */
    if (seed++) close_stage(&s);
    open_stage(&s, values, 3, (uint64_t)seed);
    memset(have, 0, sizeof have);
    count = 0;
    for (int i = 0; i < 3; i++) have[pick[s.send_to[i]] = s.send_tag[i]] = true;
    for (int b = 0; b < 5; b++)
      if (!have[b]) missing[count++] = b;
  } while (count != 2);
  assert_true(s.b.code->stored == 3); /* anybody may need anything */
  arrives(&s, 1, pick[1]);
  assert_true(s.sends == 1 && s.send_to[0] == 1 && s.send_tag[0] == missing[0]);
  arrives(&s, 0, pick[0]);
  assert_true(s.sends == 1 && s.send_to[0] == 0 && s.send_tag[0] == missing[1]);
  arrives(&s, 1, missing[0]);
  assert_int_equal(s.sends, 0);
  arrives(&s, 0, missing[1]);
  assert_true(s.sends == 0 && !s.decodes);
  /* Worker 2 does not answer. */
  tell(&s, (sg_event){.kind = SG_STALLED, .at = SG_MASTER});
  assert_true(s.sends == 1 && s.send_to[0] == 0 && s.send_tag[0] == pick[2]);
  /* Nor does worker 0 now, who counts as lost. */
  tell(&s, (sg_event){.kind = SG_STALLED, .at = SG_MASTER});
  assert_true(s.sends == 1 && s.send_to[0] == 1 && s.send_tag[0] == pick[2]);
  tell(&s, (sg_event){.kind = SG_STALLED, .at = SG_MASTER, .skip = true});
  assert_true(s.sends == 0 && s.decodes); /* with what there is, which is refused */
  tell(&s, (sg_event){.kind = SG_UPDATED, .at = SG_MASTER});
  arrives(&s, 1, pick[2]);
  assert_true(s.decodes);
  close_stage(&s);
  sg_values_free(values);
}

/* 7 parts in batches of 3: the last has one. */
static void the_last_batch_has_what_is_left(void **state) {
  (void)state;
  sg_values *values = bench_values("coupon-collector", "r", "3", "parts", "7", NULL);
  stage s;
  open_stage(&s, values, 14, 1);
  const sg_code *code = s.b.code;
  assert_int_equal(code->parts, 3);
  double stored = 0;
  for (int i = 0; i < s.orders.count; i++) {
    const sg_order *o = &s.orders.order[i];
    if (o->kind != SG_ORDER_TASK) continue;
    const sg_order *send = o + 1;
    double work = send->tag == 2 ? 2 : 6; /* of 14 subsets */
    assert_true(send->kind == SG_ORDER_SEND && fabs(o->work - work) < 1e-12);
    stored += work / 14;
  }
  assert_true(code->load == 6 && fabs(code->stored - stored) < 1e-12);
  close_stage(&s);
  sg_values_free(values);
}

/* --- Tiers ------------------------------------------------------------------------------------ */

static void others_start_after_so_many_messages(void **state) {
  (void)state;
  sg_values *values = bench_values("tiered", "s", "2", "start", "4", "after", "3", "stop",
                                   "coverage(share=1)", NULL);
  stage s;
  open_stage(&s, values, 7, 1);
  assert_int_equal(s.sends, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(s.send_to[i], i);
  arrives(&s, 2, 0);
  arrives(&s, 0, 0);
  assert_int_equal(s.sends, 0);
  arrives(&s, 3, 0);
  assert_int_equal(s.sends, 3);
  for (int i = 0; i < 3; i++) assert_int_equal(s.send_to[i], 4 + i);
  close_stage(&s);
  sg_values_free(values);
}

/* The deadline's "all have come" means the workers that were started, however they were. */
static void all_are_those_that_were_started(void **state) {
  (void)state;
  sg_values *values = bench_values("tiered", "s", "4", "start", "2", "after", "2", "base", "cyclic",
                                   "stop", "deadline(deadline_s=100)", NULL);
  for (int lost = 0; lost < 2; lost++) {
    stage s;
    open_stage(&s, values, 5, 1);
    arrives(&s, 0, 0);
    assert_false(s.decodes);
    if (lost)
      tell(&s, (sg_event){.kind = SG_STALLED, .at = SG_MASTER});
    else
      arrives(&s, 1, 0);
    assert_true(s.sends == 3 && !s.decodes);
    for (int i = 2; i < 5; i++) {
      assert_false(s.decodes);
      arrives(&s, i, 0);
    }
    assert_int_equal(s.decodes, !lost); /* of the five one is still expected */
    close_stage(&s);
  }
  sg_values_free(values);
}

static void rules_are_named(void **state) {
  (void)state;
  bench_refused(bench_values("coupon-collector", "r", "7", NULL), 6, NULL,
                "expected r ≤ parts = 6");
  bench_refused(bench_values("coupon-collector", "r", "1", "parts", "20", NULL), 6, NULL,
                "expected at most n = 6 batches (r ≥ 4)");
  bench_refused(bench_values("coupon-collector", "r", "1", NULL), 40, NULL,
                "with a probability of 6.7e-17");
  bench_refused(bench_values("tiered", "s", "1", "start", "7", "after", "1", NULL), 6, NULL,
                "expected start ≤ n = 6");
  bench_refused(bench_values("tiered", "s", "1", "start", "3", "after", "4", NULL), 6, NULL,
                "expected after ≤ start = 3");
  bench_refused(
      bench_values("tiered", "s", "3", "start", "3", "after", "1", "base", "repetition", NULL), 6,
      NULL, "s + 1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(draws_cover_as_often_as_they_must),
      cmocka_unit_test(picks_are_independent),
      cmocka_unit_test(resampled_draws_cover),
      cmocka_unit_test(finished_workers_get_what_is_missing),
      cmocka_unit_test(the_last_batch_has_what_is_left),
      cmocka_unit_test(others_start_after_so_many_messages),
      cmocka_unit_test(all_are_those_that_were_started),
      cmocka_unit_test(rules_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
