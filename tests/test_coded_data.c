/* SPDX-License-Identifier: MIT */
/* Codes on coded data: any messages of the threshold's number decode, whoever sent them; Berrut's
 * weights by their formula; and errors that grow with n or do not. */
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Weights for the messages of a bit set. */
static sg_status decode(bench *b, unsigned long set, sg_weights *w, const sg_message **message) {
  int count = 0;
  for (int i = 0; i < b->messages; i++)
    if (set >> i & 1) message[count++] = &b->message[i];
  return sg_decoder_weights(b->decoder, b->state, 0, count, message, w, NULL);
}

/* Not only all that a set of workers sends, as in the property tests: any set of messages. */
static void any_messages_of_the_threshold_decode(void **state) {
  (void)state;
  static const struct {
    const char *code, *r;
    int n, need;
  } cases[] = {{"lcc-mmc", "2", 2, 3},
               {"lcc-mmc", "3", 4, 7},
               {"lcc-mmc", "2", 6, 11},
               {"polynomial-regression", "2", 9, 9},
               {"polynomial-regression", "3", 9, 5},
               {"polynomial-regression", "4", 9, 5}, /* groups of 3, so 3 of them */
               {"polynomial-regression", "9", 9, 1}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bench b;
    sg_weights w;
    const sg_message *message[BENCH_MESSAGES];
    bench_open_named(&b, bench_values(cases[k].code, "r", cases[k].r, NULL), cases[k].n, 1);
    long decoded = 0;
    for (unsigned long set = 1; set < 1UL << b.messages; set++) {
      int count = __builtin_popcountl(set);
      if (count < cases[k].need - 1 || count > cases[k].need + 1) continue;
      sg_status status = decode(&b, set, &w, message);
      assert_int_equal(status, count < cases[k].need ? SG_UNDECODABLE : SG_OK);
      if (status) continue;
      double off = bench_deviation(b.code, b.state, 0, &w, message);
      if (!(off < 1e-9)) fail_msg("%s, n = %d: off by %g", b.label, cases[k].n, off);
      decoded++;
    }
    assert_true(decoded > 0);
    bench_close_named(&b);
  }
}

/* From 9 workers and 3 parts, without workers 1, 4 and 8: Σ_j of the value at β_j of the
 * interpolant with signs that alternate along those that came. */
static void berrut_weights_are_the_formula(void **state) {
  (void)state;
  enum { N = 9, K = 3, COUNT = 6 };
  static const int came[COUNT] = {0, 2, 3, 5, 6, 7};
  for (int half = 0; half < 2; half++) {
    bench b;
    sg_weights w;
    const sg_message *message[BENCH_MESSAGES];
    bench_open_named(&b, bench_values("bacc", "parts", "3", "ends", half ? "half" : "whole", NULL),
                     N, 1);
    assert_int_equal(decode(&b, 0x0ed, &w, message), SG_OK);
    assert_int_equal(w.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
      long double want = 0;
      assert_int_equal(message[i]->from, came[i]);
      for (int j = 0; j < K; j++) {
        long double at = cosl((2 * j + 1) * M_PIl / (2 * K)), sum = 0, mine = 0;
        for (int k = 0; k < COUNT; k++) {
          long double part = (k % 2 ? -1 : 1) / (at - cosl(came[k] * M_PIl / (N - 1)));
          if (half && (k == 0 || k == COUNT - 1)) part /= 2;
          sum += part;
          if (k == i) mine = part;
        }
        want += mine / sum;
      }
      assert_true(fabsl(w.w[i] - want) < 1e-13L);
    }
    bench_close_named(&b);
  }
}

/* The mean logarithm of by how much errors of messages can grow, over 200 sets of half the workers.
 */
static double growth(const char *code, const char *member, int value, int n) {
  bench b;
  sg_weights w;
  sg_stream random;
  char number[8];
  double sum = 0;
  const sg_message *message[BENCH_MESSAGES];
  snprintf(number, sizeof number, "%d", value);
  bench_open_named(&b, bench_values(code, member, number, NULL), n, 1);
  sg_stream_at(&random, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(decode(&b, bench_sample(&random, n, n / 2), &w, message), SG_OK);
    sum += log10(w.info.cond1) / 200;
  }
  bench_close_named(&b);
  return sum;
}

static void only_interpolation_by_polynomials_explodes(void **state) {
  (void)state;
  /* Degree n/2 - 2 from n/2 values, and as many parts on Berrut's curve. */
  double before = 0;
  for (int n = 12; n <= 60; n += 12) {
    double berrut = growth("bacc", "parts", n / 4, n);
    double lagrange = growth("polynomial-regression", "r", 4, n);
    print_message("n = %d: 10^%.2f for Berrut, 10^%.2f for Lagrange\n", n, berrut, lagrange);
    assert_true(berrut < 1.2);
    assert_true(lagrange > before + 0.5);
    before = lagrange;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_messages_of_the_threshold_decode),
      cmocka_unit_test(berrut_weights_are_the_formula),
      cmocka_unit_test(only_interpolation_by_polynomials_explodes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
