/* SPDX-License-Identifier: MIT */
/* The event log: its spans against the rows of the same run, and by hand. */
#include "tests/support/environment.h"
#include "tests/support/targets.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 400000 };

typedef struct entry {
  sg_run_logged what;
  sg_message message; /* a copy */
} entry;

static entry *entries;
static int n_entries;

static void take(void *user, const sg_run_logged *logged) {
  (void)user;
  assert_true(n_entries < MOST);
  entry *e = &entries[n_entries++];
  e->what = *logged;
  if (logged->message) e->message = *logged->message;
  e->what.message = NULL;
}

static int set_up(void **state) {
  (void)state;
  entries = calloc(MOST, sizeof *entries);
  return entries ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  free(entries);
  return 0;
}

typedef struct totals {
  double busy, sent, received, broadcast, now;
  int rows, decoded;
} totals;

static totals run_to_the_end(const sg_environment *env, const sg_code *code,
                             const sg_run_limits *limits) {
  totals t = {0};
  n_entries = 0;
  sg_run *run = sg_run_new(env, code, 0, limits, &(sg_run_hooks){.log = take}, NULL);
  assert_non_null(run);
  sg_run_status status;
  while ((status = sg_run_advance(run)) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    int count = 0;
    for (int s = 0; s < r->n_segments; s++) count += r->segment[s].count;
    sg_run_supply(run, &(sg_run_result){.decoded = count > 0, .decode_s = 0.0625, .n_used = count});
    const sg_iteration_record *row = sg_run_record(run);
    if (!row) continue;
    t.busy += row->busy_s;
    t.sent += row->bytes_sent;
    t.received += row->bytes_received;
    t.broadcast += row->bytes_broadcast;
    t.decoded += row->decoded;
    t.rows++;
  }
  if (status != SG_RUN_ITERATIONS) fail_msg("status %d: %s", status, sg_run_fault(run));
  t.now = sg_run_now(run);
  sg_run_free(run);
  return t;
}

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

/* Spans of one kind of one node follow one another. */
static void no_overlap(sg_log_kind kind, int nodes) {
  for (int v = 0; v < nodes; v++) {
    double end = 0;
    for (int i = 0; i < n_entries; i++) {
      const sg_run_logged *w = &entries[i].what;
      if (w->kind != kind || w->node != v) continue;
      if (!(w->begin_s >= end - 1e-9 && w->end_s >= w->begin_s - 1e-9))
        fail_msg("node %d: %g to %g after %g", v, w->begin_s, w->end_s, end);
      end = w->end_s;
    }
  }
}

static double sum(sg_log_kind kind, bool seconds) {
  double total = 0;
  for (int i = 0; i < n_entries; i++)
    if (entries[i].what.kind == kind)
      total += seconds ? entries[i].what.end_s - entries[i].what.begin_s : entries[i].what.bytes;
  return total;
}

static int count(sg_log_kind kind) {
  int n = 0;
  for (int i = 0; i < n_entries; i++) n += entries[i].what.kind == kind;
  return n;
}

static void check(const totals *t, int nodes, const char *what) {
  double received = 0;
  for (int i = 0; i < n_entries; i++) {
    const sg_run_logged *w = &entries[i].what;
    if (w->kind == SG_LOG_INGRESS && w->node == SG_MASTER && !w->cut) received += w->bytes;
    /* Told of when it is over, but for what is told of in advance. */
    if (i > 0 && w->kind == SG_LOG_UPLINK && w->cut) assert_true(w->end_s <= t->now + 1e-9);
  }
  double busy = sum(SG_LOG_TASK, true);
  if (!near(busy, t->busy)) fail_msg("%s: tasks of %.12g s, rows of %.12g s", what, busy, t->busy);
  if (!near(sum(SG_LOG_UPLINK, false), t->sent))
    fail_msg("%s: %g bytes sent, rows of %g", what, sum(SG_LOG_UPLINK, false), t->sent);
  if (!near(received, t->received))
    fail_msg("%s: %g bytes received, rows of %g", what, received, t->received);
  if (!near(sum(SG_LOG_MODEL, false), t->broadcast)) fail_msg("%s: models", what);
  assert_int_equal(count(SG_LOG_UPDATE), t->decoded);
  assert_true(count(SG_LOG_DECODE) >= t->rows);
  no_overlap(SG_LOG_TASK, nodes);
  no_overlap(SG_LOG_UPLINK, nodes);
}

static double encode_seconds(const void *user, double flops) {
  return flops / 16;
}

/* Rounds that are cut off, with every setting of what is late and every ingress; without a barrier;
 * signals and commands; an inner node; with and without a time of encoding, in which messages wait
 * for it when the round ends. */
static void spans_add_up_to_the_rows(void **state) {
  (void)state;
  const sg_code_type *types[] = {sg_code_type_find("ignore-stragglers"),
                                 &toy_async,
                                 &toy_nested,
                                 &toy_tree,
                                 &toy_pipeline,
                                 &toy_two_messages};
  static const int workers[] = {7, 7, 3, 4, 3, 3};
  for (int i = 0; i < 6; i++)
    for (int v = 0; v < 36; v++) {
      test_setup setup = {.workers = workers[i],
                          .delay = "shifted-exponential",
                          .delay_by = {1, 1.5},
                          .uplink = "shifted-exponential",
                          .uplink_by = {0.25, 1},
                          .ingress = (const char *const[]){NULL, "fifo", "fair-share"}[v % 3],
                          .ingress_Bps = 90,
                          .late_work = (sg_late_work)(v / 3 % 3),
                          .late_messages = v / 9 % 2 ? "occupy-link" : "cancel",
                          .broadcast = "linear",
                          .broadcast_by = {0.125, 1e3},
                          .duplex = v % 2 ? "half" : "full",
                          .signal_latency_s = 0.25,
                          .update_s = 0.25,
                          .length = 6,
                          .seed = (uint64_t)v};
      test_environment t;
      test_environment_make(&t, &setup);
      if (v >= 18) t.env.encode_seconds = encode_seconds;
      sg_shape shape = {.workers = workers[i], .subsets = 2 * workers[i], .length = 6};
      if (i == 0 || i == 3) shape.subsets = workers[i];
      sg_code *code = test_code(types[i], &shape, i == 0 ? "s" : NULL, 2);
      totals sums =
          run_to_the_end(&t.env, code, &(sg_run_limits){.iterations = 60, .sim_time_s = INFINITY});
      char what[64];
      snprintf(what, sizeof what, "%s, variant %d", types[i]->about.name, v);
      check(&sums, workers[i], what);
      if (i == 2) {
        assert_true(count(SG_LOG_SIGNAL) > 60);
        assert_int_equal(count(SG_LOG_COMMAND), 180);
      }
      sg_code_free(code);
      test_environment_free(&t);
    }
}

static void crashes(void **state) {
  (void)state;
  static const char *const models[] = {
      "\"model\":\"iterations\",\"mean_iterations\":4,\"mean_recovery_iterations\":2",
      "\"model\":\"seconds\",\"mean_iterations\":4,\"downtime\":{\"model\":\"exponential\","
      "\"mean_s\":2}"};
  for (int m = 0; m < 2; m++) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"format\":1,\"cluster\":{\"workers\":6,\"crashes\":{%s}},\"delay\":{\"model\":"
             "\"exponential\",\"mean_s\":1},\"network\":{\"uplink\":{\"model\":\"deterministic\","
             "\"value_s\":0.5}},\"learning\":{\"problem\":\"none\",\"length\":4},"
             "\"schemes\":[{\"code\":\"ignore-stragglers\",\"s\":3,\"stop\":{\"rule\":\"deadline\","
             "\"deadline_s\":2}}],\"stop\":{\"iterations\":300}}",
             models[m]);
    target_world w;
    assert_true(target_open_text(text, &w));
    totals t = run_to_the_end(&w.world->environment, w.world->code, &w.world->limits);
    check(&t, 6, models[m]);
    assert_true(count(SG_LOG_DOWN) > 100);
    for (int i = 0; i < n_entries; i++) {
      const sg_run_logged *down = &entries[i].what;
      if (down->kind != SG_LOG_DOWN) continue;
      assert_int_equal(isinf(down->end_s), m == 0);
      for (int j = i + 1; j < n_entries; j++) { /* nothing begins while it is down */
        const sg_run_logged *next = &entries[j].what;
        if (next->round > down->round) break;
        if (next->kind != SG_LOG_TASK || next->node != down->node) continue;
        assert_true(m == 1 && next->begin_s >= down->end_s - 1e-9);
        break;
      }
    }
    assert_true(count(SG_LOG_TIMER) > 0);
    target_close(&w);
  }
}

/* Two workers: model 0.5 s, tasks of 1 and 3 s, messages of 1 s on the link and 0.25 s into the
 * master. The first ends the round, after its update of 0.125 s. Task and message of a worker are
 * one event, but two spans. */
static void by_hand(void **state) {
  (void)state;
  static const struct {
    sg_log_kind kind;
    int node;
    double begin, end;
    bool cut;
  } wanted[] = {
      {SG_LOG_ROUND_BEGIN, SG_MASTER, 0, 0, false},
      {SG_LOG_MODEL, 0, 0, 0.5, false},
      {SG_LOG_MODEL, 1, 0, 0.5, false},
      {SG_LOG_TASK, 0, 0.5, 1.5, false},
      {SG_LOG_SEND, 0, 1.5, 1.5, false},
      {SG_LOG_UPLINK, 0, 1.5, 2.5, false},
      {SG_LOG_INGRESS, SG_MASTER, 2.5, 2.75, false},
      {SG_LOG_DECODE, SG_MASTER, 2.75, 2.75, false},
      {SG_LOG_UPDATE, SG_MASTER, 2.75, 2.9375, false},
      {SG_LOG_ROUND_END, SG_MASTER, 2.75, 2.75, false},
      {SG_LOG_CANCEL, 1, 2.75, 2.75, false},
      {SG_LOG_TASK, 1, 0.5, 2.75, true},
      {SG_LOG_SETTLE, 1, 2.75, 2.75, false},
  };
  int n = sizeof wanted / sizeof *wanted;
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = 2,
                                          .speed = (const double[]){1, 1 / 3.0},
                                          .delay = "deterministic",
                                          .delay_by = {1},
                                          .uplink = "deterministic",
                                          .uplink_by = {1},
                                          .ingress = "fifo",
                                          .ingress_Bps = 32,
                                          .broadcast = "linear",
                                          .broadcast_by = {0.25, 32},
                                          .update_s = 0.125,
                                          .length = 1});
  sg_shape shape = {.workers = 2, .subsets = 2, .length = 1};
  sg_code *code = test_code(sg_code_type_find("ignore-stragglers"), &shape, "s", 1);
  run_to_the_end(&t.env, code, &(sg_run_limits){.iterations = 3, .sim_time_s = INFINITY});
  assert_int_equal(n_entries, 3 * n);
  for (int i = 0; i < n_entries; i++) {
    double base = 2.9375 * (i / n);
    const sg_run_logged *w = &entries[i].what;
    if (w->kind != wanted[i % n].kind || w->node != wanted[i % n].node ||
        w->cut != wanted[i % n].cut || !near(w->begin_s, base + wanted[i % n].begin) ||
        !near(w->end_s, base + wanted[i % n].end))
      fail_msg("entry %d: kind %d, node %d, %g to %g", i, w->kind, w->node, w->begin_s, w->end_s);
    assert_int_equal(w->round, i / n);
    if (w->kind == SG_LOG_TASK || w->kind == SG_LOG_MODEL) assert_int_equal(w->snapshot, i / n);
    if (w->kind == SG_LOG_UPLINK || w->kind == SG_LOG_INGRESS) {
      assert_int_equal(entries[i].message.from, 0);
      NEAR(w->bytes, 8);
    }
  }
  sg_code_free(code);
  test_environment_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(spans_add_up_to_the_rows),
                                     cmocka_unit_test(crashes), cmocka_unit_test(by_hand)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
