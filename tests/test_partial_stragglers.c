/* SPDX-License-Identifier: MIT */
/* Partial stragglers without an engine: Q_max against all progress vectors, coefficients and
 * residuals against sums that know nothing of Gram matrices, orders, refusals. */
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 8 };

typedef struct stage {
  bench b;
  sg_protocol *protocol;
  sg_orders orders;
} stage;

static void open_stage(stage *s, sg_values *values, int n) {
  memset(s, 0, sizeof *s);
  bench_open_named(&s->b, values, n, 1);
  s->protocol = sg_protocol_new(s->b.code);
  assert_non_null(s->protocol);
}

static void close_stage(stage *s) {
  sg_orders_free(&s->orders);
  sg_protocol_free(s->protocol);
  bench_close_named(&s->b);
}

/* Whether the protocol tells workers anything when the event comes. */
static bool told(stage *s, sg_event event) {
  sg_orders_clear(&s->orders);
  sg_protocol_event(s->protocol, &event, &s->orders);
  assert_false(s->orders.failed);
  for (int i = 0; i < s->orders.count; i++)
    if (s->orders.order[i].kind == SG_ORDER_TELL) return true;
  return false;
}

static bool stops_at(stage *s, const int *done) {
  bool stops = told(s, (sg_event){.kind = SG_BEGIN});
  for (int j = 0; j < s->b.code->nodes; j++)
    for (int k = 1; k <= done[j]; k++)
      stops |= told(s, (sg_event){.kind = SG_SIGNAL, .from = j, .count = k});
  return stops;
}

/* How many chunks each worker is given. */
static void tasks_of(stage *s, int *tasks) {
  told(s, (sg_event){.kind = SG_BEGIN});
  memset(tasks, 0, MOST * sizeof *tasks);
  for (int i = 0; i < s->orders.count; i++) {
    int first, end;
    if (s->orders.order[i].kind != SG_ORDER_TASK) continue;
    sg_order_nodes(&s->orders.order[i], s->b.code, &first, &end);
    for (; first < end; first++) tasks[first]++;
  }
}

/* The next vector of 0 … most[j] in the order of counting. */
static bool next_vector(int n, const int *most, int *done) {
  for (int j = 0; j < n; j++) {
    if (done[j]++ < most[j]) return true;
    done[j] = 0;
  }
  return false;
}

/* The most chunks with which it does not stop yet, and one. */
static int brute_force(stage *s) {
  int tasks[MOST], done[MOST] = {0}, most = 0, n = s->b.code->nodes;
  tasks_of(s, tasks);
  do {
    int sum = 1;
    for (int j = 0; j < n; j++) sum += done[j];
    if (sum > most && !stops_at(s, done)) most = sum;
  } while (next_vector(n, tasks, done));
  return most;
}

static int printed(const stage *s) {
  int most = 0;
  assert_int_equal(sscanf(s->b.code->note, "Q_max = %d:", &most), 1);
  return most;
}

static char *number(char *text, int x) {
  snprintf(text, 12, "%d", x);
  return text;
}

static void printed_q_max_is_that_of_all_progress(void **state) {
  (void)state;
  static const char *const placement[] = {"cyclic", "random"}, *const order[] = {"given",
                                                                                 "optimised"};
  char g[12], q[12], c[12];
  for (int n = 1; n <= 6; n++)
    for (int replication = 1; replication <= n; replication++)
      for (int pieces = 1; pieces <= replication; pieces++)
        for (int kind = 0; kind < 4; kind++) {
          stage s;
          int chunks = kind == 3 ? n / 2 + 1 : n; /* also where workers have unequally many */
          open_stage(&s,
                     bench_values("partial-stragglers", "replication", number(g, replication),
                                  "pieces", number(q, pieces), "chunks", number(c, chunks),
                                  "placement", placement[kind > 0], "order", order[kind > 1], NULL),
                     n);
          assert_int_equal(printed(&s), brute_force(&s));
          /* Colours are the best where all are alike, as the circle is. */
          int d = replication, best = n * d - (d - pieces + 1) * (d - pieces + 2) / 2 + 1;
          if (kind == 0) assert_int_equal(printed(&s), best);
          if (kind == 2 && pieces == 1) assert_int_equal(printed(&s), best);
          close_stage(&s);
        }
}

static void known_q_max(void **state) {
  (void)state;
  stage s;
  open_stage(&s, bench_values("partial-stragglers", "replication", "3", NULL), 7);
  assert_int_equal(printed(&s), 16);
  assert_non_null(strstr(s.b.code->note, "no order has less"));
  close_stage(&s);
  open_stage(&s, bench_values("partial-stragglers", "replication", "3", "pieces", "2", NULL), 7);
  assert_int_equal(printed(&s), 19);
  close_stage(&s);
}

/* Random regular placements have orders as good as the circle's, and others have good ones, too. */
static void orders_are_optimised(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *chunks, *replication;
    int given, best;
  } known[] = {{40, "40", "5", 196, 186}, {12, "24", "3", 70, 63}, {20, "13", "5", 61, 56}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    for (int optimised = 0; optimised < 2; optimised++) {
      stage s;
      open_stage(&s,
                 bench_values("partial-stragglers", "replication", known[k].replication, "chunks",
                              known[k].chunks, "placement", "random", "order",
                              optimised ? "optimised" : "given", NULL),
                 known[k].n);
      assert_int_equal(printed(&s), optimised ? known[k].best : known[k].given);
      assert_int_equal(!strstr(s.b.code->note, "no order has less than"), optimised);
      close_stage(&s);
    }
}

/* --- Coefficients ----------------------------------------------------------------------------- */

/* The message of a worker as far as the frozen state says. */
static void row_of(const stage *s, int worker, sg_row *row) {
  const sg_message m = {.from = worker, .to = SG_MASTER};
  assert_true(sg_encode(s->b.code, sg_protocol_state(s->protocol), &m, row));
}

/* Workers 0, 1, 2 hold chunks (0, 1), (1, 2), (2, 0). */
static void with_one_piece_copies_are_averaged(void **state) {
  (void)state;
  stage s;
  sg_row row = {0};
  open_stage(&s, bench_values("partial-stragglers", "replication", "2", NULL), 3);
  const int done[] = {2, 2, 0};
  assert_true(stops_at(&s, done));
  static const double expected[3][3] = {{1, 0.5, 0}, {0, 0.5, 1}, {0, 0, 0}};
  for (int j = 0; j < 3; j++) {
    double found[3] = {0};
    row_of(&s, j, &row);
    for (int t = 0; t < row.n_terms; t++) found[row.term[t].part] += row.term[t].coef;
    for (int i = 0; i < 3; i++) assert_true(fabs(found[i] - expected[j][i]) < 1e-15);
  }
  sg_row_free(&row);
  close_stage(&s);
}

/* At a deadline chunk i, done by p_i < q workers, is projected on a space of p_i dimensions: off by
 * q − p_i of Σ (α − δ)². The reports that come later change nothing. */
static void a_deadline_leaves_what_projections_leave(void **state) {
  (void)state;
  stage s;
  open_stage(&s,
             bench_values("partial-stragglers", "replication", "4", "pieces", "3", "deadline_s",
                          "1", NULL),
             6);
  assert_false(s.b.code->exact);
  static const int vectors[][6] = {
      {1, 0, 0, 0, 0, 0}, {4, 3, 2, 1, 0, 0}, {1, 1, 1, 1, 1, 1}, {2, 2, 2, 2, 2, 2}};
  for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++) {
    int by[6] = {0}, count = 0;
    double left = 0;
    sg_message message[6];
    const sg_message *sent[6];
    for (int j = 0; j < 6; j++) {
      for (int k = 0; k < vectors[v][j]; k++) by[(j + k) % 6]++;
      message[count] = (sg_message){.id = count, .from = j, .to = SG_MASTER};
      if (vectors[v][j] > 0) sent[count] = &message[count], count++;
    }
    for (int i = 0; i < 6; i++) left += by[i] < 3 ? 3 - by[i] : 0;
    assert_false(stops_at(&s, vectors[v]));
    assert_true(told(&s, (sg_event){.kind = SG_TIMER}));
    assert_false(told(&s, (sg_event){.kind = SG_SIGNAL, .from = 5, .count = vectors[v][5] + 1}));
    sg_weights w;
    sg_error e = {0};
    assert_int_equal(
        sg_decoder_weights(s.b.decoder, sg_protocol_state(s.protocol), 0, count, sent, &w, &e),
        SG_OK);
    assert_true(fabs(w.info.alpha_error - left) < 1e-12);
    if (left > 0)
      assert_true(bench_deviation(s.b.code, sg_protocol_state(s.protocol), 0, &w, sent) > 0.1);
  }
  close_stage(&s);
}

/* Nothing is done by the deadline: the first report is enough. */
static void after_the_deadline_the_first_report_will_do(void **state) {
  (void)state;
  stage s;
  open_stage(&s, bench_values("partial-stragglers", "replication", "2", "deadline_s", "1", NULL),
             4);
  assert_false(told(&s, (sg_event){.kind = SG_BEGIN}));
  assert_false(told(&s, (sg_event){.kind = SG_TIMER}));
  assert_true(told(&s, (sg_event){.kind = SG_SIGNAL, .from = 3, .count = 1}));
  close_stage(&s);
}

/* --- Placement -------------------------------------------------------------------------------- */

/* n workers with as many chunks each, chunks at so many different workers; the seed says which. */
static void random_placements_are_regular(void **state) {
  (void)state;
  for (int seed = 1; seed <= 20; seed++) {
    sg_values *values = bench_values("partial-stragglers", "placement", "random", "replication",
                                     "2", "pieces", "2", "chunks", "20", NULL);
    bench b;
    sg_error e = {0};
    assert_int_equal(bench_open(&b, values, 8, (uint64_t)seed, &e), SG_OK);
    sg_protocol *p = sg_protocol_new(b.code);
    sg_orders o = {0};
    int at[20] = {0};
    sg_protocol_event(p, &(sg_event){.kind = SG_BEGIN}, &o);
    for (int j = 0; j < 8; j++)
      for (int k = 1; k <= 5; k++) {
        sg_orders_clear(&o);
        sg_protocol_event(p, &(sg_event){.kind = SG_SIGNAL, .from = j, .count = k}, &o);
      }
    sg_row row = {0};
    for (int j = 0; j < 8; j++) {
      const sg_message m = {.from = j, .to = SG_MASTER};
      bool seen[20] = {false};
      assert_true(sg_encode(b.code, sg_protocol_state(p), &m, &row));
      for (int t = 0; t < row.n_terms; t++) {
        if (row.term[t].piece > 0) continue;
        assert_false(seen[row.term[t].part]);
        seen[row.term[t].part] = true;
        at[row.term[t].part]++;
      }
    }
    for (int i = 0; i < 20; i++) assert_int_equal(at[i], 2);
    assert_true(b.code->load == 8.0 / 20 * 5 && b.code->stored == 2);
    sg_row_free(&row);
    sg_orders_free(&o);
    sg_protocol_free(p);
    bench_close(&b);
    sg_values_free(values);
  }
}

/* A file says who does what in which order. */
static void a_matrix_says_the_order(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "/tmp/test_partial_%ld.csv", (long)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("2,1,0\n0,2,1\n0.5,0,2.5\n", file); /* the circle the other way round */
  fclose(file);
  sg_values *values = bench_values("partial-stragglers", "placement", "matrix", "matrix", path,
                                   "deadline_s", "1", NULL);
  unlink(path);
  stage s;
  sg_row row = {0};
  open_stage(&s, values, 3);
  const int one[] = {1, 1, 1};
  stops_at(&s, one);
  static const int first[] = {1, 2, 0};
  for (int j = 0; j < 3; j++) {
    row_of(&s, j, &row);
    assert_int_equal(row.n_terms, 1);
    assert_int_equal(row.term[0].part, first[j]);
  }
  sg_row_free(&row);
  close_stage(&s);
}

static void rules_are_named(void **state) {
  (void)state;
  bench_refused(bench_values("partial-stragglers", "replication", "2", "pieces", "3", NULL), 5,
                NULL, "expected pieces ≤ the least replication of a chunk, 2 (1 to 2), found 3");
  bench_refused(bench_values("partial-stragglers", "replication", "6", NULL), 5, NULL,
                "expected a replication of at most n = 5, found 6");
  bench_refused(bench_values("partial-stragglers", "pieces", "5", NULL), 5, NULL,
                "expected a replication of at most n = 5, found 6");
  bench_refused(bench_values("partial-stragglers", "placement", "matrix", NULL), 5, NULL,
                "a CSV file");
  bench_refused(bench_values("partial-stragglers", "replication", "2", "stop", "count", NULL), 5,
                NULL, "decides itself");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(printed_q_max_is_that_of_all_progress),
      cmocka_unit_test(known_q_max),
      cmocka_unit_test(orders_are_optimised),
      cmocka_unit_test(with_one_piece_copies_are_averaged),
      cmocka_unit_test(a_deadline_leaves_what_projections_leave),
      cmocka_unit_test(after_the_deadline_the_first_report_will_do),
      cmocka_unit_test(random_placements_are_regular),
      cmocka_unit_test(a_matrix_says_the_order),
      cmocka_unit_test(rules_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
