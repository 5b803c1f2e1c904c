/* SPDX-License-Identifier: MIT */
/* The rank test's weights: random sparse codes whose rows are known here, in extended precision. */
#include "codes/frame/protocol.h"
#include "codes/frame/rank.h"
#include "sim/core/array.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGES = 200, MOST = 60, SEED = 5 };

/* Message i is of worker i: rows over parts × pieces, with `set` coefficients that are not 0. */
static int parts, pieces, set;
static double rows[MESSAGES][MOST];

static sg_status sparse_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  (void)shape;
  code->parts = parts;
  code->flags = SG_STOP_DECODABLE;
  return sg_code_one_segment(code, values, NULL, pieces, code->nodes, e);
}

static void sparse_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  for (int j = 0; j < parts * pieces; j++)
    if (rows[message->from][j] != 0)
      sg_row_part(row, j / pieces, j % pieces, rows[message->from][j]);
}

static sg_code_type sparse_type = {.about = {.name = "sparse", .summary = "", .reference = ""},
                                   .create = sparse_create,
                                   .encode = sparse_encode};

/* Standard normal, by sums of uniforms. */
static double normal(sg_stream *s) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += sg_uniform(s);
  return sum;
}

static void draw_rows(int code) {
  int n = parts * pieces;
  memset(rows, 0, sizeof rows);
  for (int i = 0; i < MESSAGES; i++) {
    sg_stream s;
    sg_stream_at(&s, SEED, (uint32_t)code, SG_FOR_CHECK, (uint32_t)i, 0, 0);
    for (int t = 0; t < set; t++) rows[i][(int)(sg_uniform(&s) * n)] = normal(&s);
  }
}

typedef struct talk {
  sg_values *values;
  sg_code *code;
  sg_protocol *protocol;
  sg_decoder *decoder;
  sg_orders orders;
  sg_message message[MESSAGES];
  const sg_message *held[MESSAGES];
  int count;
} talk;

static void start(talk *t) {
  *t = (talk){.values = sg_values_new(NULL, &sparse_type.about, "")};
  sg_shape shape = {.workers = MESSAGES, .subsets = parts, .length = 60, .seed = 1, .updates = 1};
  sg_error e = {0};
  if (sg_code_new(&sparse_type, &shape, t->values, &t->code, &e))
    fail_msg("%s", e.fault[0].message);
  t->protocol = sg_protocol_new(t->code);
  t->decoder = sg_decoder_new(t->code);
  assert_true(t->protocol && t->decoder);
}

static void stop(talk *t) {
  sg_orders_free(&t->orders);
  sg_decoder_free(t->decoder);
  sg_protocol_free(t->protocol);
  sg_code_free(t->code);
  sg_values_free(t->values);
}

static void begin(talk *t, int round) {
  t->count = 0;
  sg_orders_clear(&t->orders);
  sg_protocol_event(t->protocol, &(sg_event){.kind = SG_BEGIN, .round = round}, &t->orders);
}

/* A message comes; whether the master decodes then. What is dropped is not held. */
static bool come(talk *t, int round, int from) {
  sg_message *m = &t->message[from];
  *m = (sg_message){.id = from, .from = from, .to = SG_MASTER, .snapshot = round, .round = round};
  const sg_message *list[] = {m};
  sg_orders_clear(&t->orders);
  sg_protocol_event(
      t->protocol,
      &(sg_event){.kind = SG_ARRIVAL, .at = SG_MASTER, .from = from, .count = 1, .message = list},
      &t->orders);
  assert_false(t->orders.failed);
  t->held[t->count++] = m;
  bool decodes = false;
  for (int i = 0; i < t->orders.count; i++) {
    t->count -= t->orders.order[i].kind == SG_ORDER_DROP;
    decodes |= t->orders.order[i].kind == SG_ORDER_DECODE;
  }
  return decodes;
}

/* Messages in a random order until the master decodes. false: all have come. */
static bool play(talk *t, int round) {
  int order[MESSAGES];
  sg_stream s;
  sg_stream_at(&s, SEED, (uint32_t)round, SG_FOR_CHECK, 0, 1, 0);
  for (int i = 0; i < MESSAGES; i++) order[i] = i;
  begin(t, round);
  for (int i = 0; i < MESSAGES; i++) {
    int j = i + (int)(sg_uniform(&s) * (MESSAGES - i)), from = order[j];
    order[j] = order[i];
    if (come(t, round, from)) return true;
  }
  return false;
}

/* max |Σ w · row − target|. */
static double residual(const talk *t, const double *w) {
  long double most = 0;
  for (int v = 0; v < pieces; v++)
    for (int j = 0; j < parts * pieces; j++) {
      long double off = -(j % pieces == v);
      for (int i = 0; i < t->count; i++)
        off += (long double)w[i * pieces + v] * rows[t->held[i]->from][j];
      most = fmaxl(most, fabsl(off));
    }
  return (double)most;
}

static double median(double *x, int n) {
  sg_sort_doubles(x, (size_t)n);
  return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

/* Elimination and least squares on the same messages: the same weights, since the rows are
 * independent; residuals of the same size. */
static void weights_are_as_good_as_least_squares(void **state) {
  (void)state;
  enum { ROUNDS = 60 };
  static const int shapes[][3] = {{20, 1, 3}, {20, 1, 20}, {40, 1, 6}, {12, 2, 5}, {10, 3, 30}};
  static double mine[5 * ROUNDS], theirs[5 * ROUNDS];
  double worst = 0, worst_theirs = 0;
  int n = 0, taken = 0;
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    parts = shapes[k][0];
    pieces = shapes[k][1];
    set = shapes[k][2];
    draw_rows((int)k);
    talk t;
    start(&t);
    for (int round = 0; round < ROUNDS; round++) {
      double w[MESSAGES * 3];
      sg_weights fresh;
      assert_true(play(&t, round));
      assert_int_equal(
          sg_decoder_weights_in(t.decoder, t.protocol, 0, t.count, t.held, &fresh, NULL), SG_OK);
      memcpy(w, fresh.w, (size_t)(t.count * pieces) * sizeof *w);
      double cond1, flops, straight[MESSAGES * 3], size = 0, off = 0;
      if (sg_protocol_weights(t.protocol, 0, t.count, t.held, straight, &cond1, &flops))
        fail_msg("no weights");
      taken += fresh.info.cond1 == cond1 && fresh.info.flops == flops;
      mine[n] = residual(&t, straight);
      assert_int_equal(sg_decoder_weights(t.decoder, sg_protocol_state(t.protocol), 0, t.count,
                                          t.held, &fresh, NULL),
                       SG_OK);
      theirs[n] = residual(&t, fresh.w);
      for (int i = 0; i < t.count * pieces; i++) {
        size = fmax(size, fabs(fresh.w[i]));
        off = fmax(off, fabs(w[i] - fresh.w[i]));
      }
      assert_true(off <= 1e-12 * fmax(1, cond1) * size);
      assert_true(mine[n] <= 1e-10);
      worst = fmax(worst, mine[n]);
      worst_theirs = fmax(worst_theirs, theirs[n++]);
    }
    stop(&t);
  }
  double middle = median(mine, n), middle_theirs = median(theirs, n);
  print_message("residuals, median and largest: elimination %.2g %.2g, least squares %.2g %.2g\n",
                middle, worst, middle_theirs, worst_theirs);
  /* In one round the weights are so large that the decoder's own look at the residual, in double,
   * sees more than 1e-10. */
  assert_int_equal(taken, n - 1);
  assert_true(middle <= 3 * middle_theirs && worst <= 10 * worst_theirs);
}

/* ‖A‖₁ ‖A⁻¹‖₁ of the n × n matrix with these rows as columns, by Gauss and Jordan. */
static double condition(const talk *t, int n) {
  static long double a[MOST][2 * MOST];
  long double norm = 0, inverse = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      a[i][j] = rows[t->held[j]->from][i];
      a[i][n + j] = i == j;
    }
  for (int j = 0; j < n; j++) {
    long double sum = 0;
    for (int i = 0; i < n; i++) sum += fabsl(a[i][j]);
    norm = fmaxl(norm, sum);
  }
  for (int k = 0; k < n; k++) {
    int p = k;
    for (int i = k; i < n; i++)
      if (fabsl(a[i][k]) > fabsl(a[p][k])) p = i;
    long double pivot = a[p][k];
    for (int j = 0; j < 2 * n; j++) {
      long double x = a[p][j] / pivot;
      a[p][j] = a[k][j];
      a[k][j] = x;
    }
    for (int i = 0; i < n; i++) {
      long double f = a[i][k];
      if (i != k)
        for (int j = 0; j < 2 * n; j++) a[i][j] -= f * a[k][j];
    }
  }
  for (int j = n; j < 2 * n; j++) {
    long double sum = 0;
    for (int i = 0; i < n; i++) sum += fabsl(a[i][j]);
    inverse = fmaxl(inverse, sum);
  }
  return (double)(norm * inverse);
}

/* Where as many rows are kept as there are columns, A_P is A: an estimate of a norm of its inverse
 * is never above it, and rarely far below. */
static void the_condition_is_estimated(void **state) {
  (void)state;
  int square = 0;
  parts = 24;
  pieces = 1;
  set = 4;
  draw_rows(9);
  talk t;
  start(&t);
  for (int round = 0; round < 100; round++) {
    double w[MESSAGES], cond1 = 0, flops = 0;
    assert_true(play(&t, round));
    assert_int_equal(sg_protocol_weights(t.protocol, 0, t.count, t.held, w, &cond1, &flops), SG_OK);
    assert_true(flops > 2 * t.count && flops < 4.0 * t.count * t.count * parts);
    if (t.count < parts) continue;
    double exact = condition(&t, parts);
    assert_true(cond1 <= exact * (1 + 1e-9) && cond1 >= exact / 3);
    square++;
  }
  assert_true(square > 20);
  stop(&t);
}

/* Weights are for the messages that were kept, in whatever order they are named, and for no others;
 * there are none before the sum is within reach. */
static void weights_are_of_the_kept_messages(void **state) {
  (void)state;
  static const double small[5][3] = {{1, 1, 0}, {0, 1, 1}, {1, 2, 1}, {0, 2, 0}, {0, 0, 1}};
  parts = 3;
  pieces = 1;
  memset(rows, 0, sizeof rows);
  for (int i = 0; i < 5; i++) memcpy(rows[i], small[i], sizeof small[i]);
  talk t;
  double w[5], cond1, flops;
  start(&t);
  begin(&t, 0);
  assert_false(come(&t, 0, 1));
  assert_false(come(&t, 0, 0));
  assert_false(come(&t, 0, 2)); /* the sum of both: dropped */
  assert_int_equal(t.count, 2);
  assert_int_equal(sg_protocol_weights(t.protocol, 0, 2, t.held, w, &cond1, &flops),
                   SG_UNDECODABLE);
  assert_true(come(&t, 0, 3)); /* 1, 1, 1 = row 0 + row 1 − row 3 / 2 */
  const sg_message *mixed[] = {t.held[2], t.held[1], t.held[0]};
  assert_int_equal(sg_protocol_weights(t.protocol, 0, 3, mixed, w, &cond1, &flops), SG_OK);
  assert_true(fabs(w[0] + 0.5) < 1e-15 && fabs(w[1] - 1) < 1e-15 && fabs(w[2] - 1) < 1e-15);
  assert_int_equal(sg_protocol_weights(t.protocol, 0, 2, mixed, w, &cond1, &flops), SG_UNDECODABLE);
  const sg_message other = {.id = 4, .from = 4, .to = SG_MASTER};
  mixed[1] = &other;
  assert_int_equal(sg_protocol_weights(t.protocol, 0, 3, mixed, w, &cond1, &flops), SG_UNDECODABLE);
  /* The decoder then has least squares: what it finds is right, or there is nothing to find. */
  const sg_message *all[] = {t.held[0], t.held[1], t.held[2], &other};
  sg_weights found;
  assert_int_equal(sg_decoder_weights_in(t.decoder, t.protocol, 0, 4, all, &found, NULL), SG_OK);
  for (int j = 0; j < 3; j++) {
    double sum = found.w[3] * small[4][j];
    for (int i = 0; i < 3; i++) sum += found.w[i] * small[all[i]->from][j];
    assert_true(fabs(sum - 1) < 1e-13);
  }
  begin(&t, 1); /* nothing is left of the last round */
  assert_int_equal(sg_protocol_weights(t.protocol, 0, 3, t.held, w, &cond1, &flops),
                   SG_UNDECODABLE);
  stop(&t);
}

/* A code that promises weights that depend on the set alone keeps least squares, to the last bit in
 * every order; elimination in different orders differs, but for rounding only. */
static void pure_weights_do_not_know_the_order(void **state) {
  (void)state;
  parts = 20;
  pieces = 1;
  set = 20;
  draw_rows(3);
  double pure[2][MOST], mixed[2][MOST];
  for (int what = 0; what < 2; what++) {
    talk t;
    start(&t);
    if (what == 0) t.code->flags |= SG_WEIGHTS_PURE;
    for (int round = 0; round < 2; round++) {
      bool ends = false;
      sg_weights found;
      begin(&t, round);
      for (int i = 0; i < 20; i++) ends = come(&t, round, round ? 19 - i : i);
      assert_true(ends);
      sg_decoder *own = sg_decoder_new(t.code); /* with an empty cache */
      assert_int_equal(sg_decoder_weights_in(own, t.protocol, 0, 20, t.held, &found, NULL), SG_OK);
      for (int i = 0; i < 20; i++) (what ? mixed : pure)[round][t.held[i]->from] = found.w[i];
      sg_decoder_free(own);
    }
    stop(&t);
  }
  assert_memory_equal(pure[0], pure[1], 20 * sizeof(double));
  assert_memory_not_equal(mixed[0], mixed[1], 20 * sizeof(double));
  for (int i = 0; i < 20; i++) assert_true(fabs(mixed[0][i] - mixed[1][i]) < 1e-10);
}

/* The same rows beside as many columns as are not gone through any more, each of which has a
 * message of its own (a tag). */
enum { BESIDE = 1000 };

static sg_status wide_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  sg_status status = sparse_create(code, shape, values, e);
  code->parts += BESIDE;
  return status;
}

static void wide_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  if (message->tag > 0)
    sg_row_part(row, parts + message->tag - 1, 0, 1);
  else
    sparse_encode(code, message, row);
}

static sg_code_type wide_type = {.about = {.name = "wide", .summary = "", .reference = ""},
                                 .create = wide_create,
                                 .encode = wide_encode};

static sg_rank *rank_of(const sg_code_type *type, sg_values **values, sg_code **code) {
  sg_shape shape = {.workers = MESSAGES, .subsets = parts, .length = 60, .seed = 1, .updates = 1};
  sg_error e = {0};
  *values = sg_values_new(NULL, &type->about, "");
  if (sg_code_new(type, &shape, *values, code, &e)) fail_msg("%s", e.fault[0].message);
  sg_rank *rank = sg_rank_new(*code, 0);
  assert_non_null(rank);
  return rank;
}

/* Verdicts and weights are those of the rows alone, to the bit. */
static void many_columns_change_nothing(void **state) {
  (void)state;
  static double w[MESSAGES + BESIDE], narrow_w[MESSAGES];
  static sg_message beside[BESIDE], message[MESSAGES];
  const sg_message *kept[MESSAGES + BESIDE];
  int ready = 0;
  parts = 60;
  pieces = 1;
  for (int code = 0; code < 12; code++) {
    set = 3 + code;
    draw_rows(code);
    sg_values *values, *narrow_values;
    sg_code *wide_code, *narrow_code;
    sg_rank *wide = rank_of(&wide_type, &values, &wide_code),
            *narrow = rank_of(&sparse_type, &narrow_values, &narrow_code);
    for (int round = 0; round < 2; round++) {
      bool failed = false;
      int count = 0;
      sg_verdict verdict = SG_WAIT;
      sg_rank_clear(wide);
      sg_rank_clear(narrow);
      for (int j = 0; j < BESIDE; j++) {
        beside[j] = (sg_message){.id = MESSAGES + j, .tag = j + 1};
        assert_int_equal(sg_rank_add(wide, NULL, &beside[j], &failed), SG_WAIT);
      }
      for (int i = 0; i < MESSAGES && verdict != SG_READY; i++) {
        message[i] = (sg_message){.id = i, .from = (i * (round + 1) * 3 + 7) % MESSAGES};
        verdict = sg_rank_add(narrow, NULL, &message[i], &failed);
        assert_int_equal(sg_rank_add(wide, NULL, &message[i], &failed), verdict);
        if (verdict != SG_SKIP) kept[count++] = &message[i];
      }
      assert_false(failed);
      if (verdict != SG_READY) continue;
      double cond1, flops;
      ready++;
      assert_int_equal(sg_rank_weights(narrow, count, kept, narrow_w, &cond1, &flops), SG_OK);
      for (int j = 0; j < BESIDE; j++) kept[count + j] = &beside[j];
      assert_int_equal(sg_rank_weights(wide, count + BESIDE, kept, w, &cond1, &flops), SG_OK);
      assert_memory_equal(w, narrow_w, (size_t)count * sizeof *w);
      for (int j = 0; j < BESIDE; j++) assert_true(w[count + j] == 1);
    }
    sg_rank_free(wide);
    sg_rank_free(narrow);
    sg_code_free(wide_code);
    sg_code_free(narrow_code);
    sg_values_free(values);
    sg_values_free(narrow_values);
  }
  assert_true(ready > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_are_as_good_as_least_squares),
      cmocka_unit_test(the_condition_is_estimated),
      cmocka_unit_test(weights_are_of_the_kept_messages),
      cmocka_unit_test(pure_weights_do_not_know_the_order),
      cmocka_unit_test(many_columns_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
