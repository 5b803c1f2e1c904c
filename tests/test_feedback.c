/* SPDX-License-Identifier: MIT */
/* Error feedback: every registered compressor with every kind of memory. */
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sg_stream stream;

static double normal(void) {
  return sqrt(-2 * log1p(-sg_uniform(&stream))) * cos(2 * M_PI * sg_uniform(&stream));
}

/* With its parameters at their defaults. */
static sg_compressor compressor_of(const sg_variant *variant) {
  sg_error e = {0};
  sg_compressor c;
  sg_values *v = sg_values_new(sg_compression_params, variant, "");
  assert_true(v && sg_compressor_init(&c, v, &e) == SG_OK);
  sg_values_free(v);
  return c;
}

/* C(x) alone, with the randomness of message k. */
static void plain(const sg_compressor *c, sg_packed *packed, int k, long n, double *x,
                  double *bits) {
  sg_compressor without = *c;
  sg_dither d;
  without.feedback = SG_FEEDBACK_NONE;
  sg_dither_at(&d, 3, 0, 1, (uint32_t)k, 0, 0);
  assert_int_equal(sg_compress(&without, packed, &d, n, x, NULL, bits), SG_OK);
}

/* Messages of a sender that remembers, against the two lines that define each memory. */
static void memories_are_those_of_their_definition(void **state) {
  (void)state;
  enum { N = 300, MESSAGES = 6 };
  sg_packed packed = {0};
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; sg_compressor_family.at(i); i++)
    for (int feedback = SG_FEEDBACK_CLASSIC; feedback <= SG_FEEDBACK_EF21; feedback++) {
      sg_compressor c = compressor_of(sg_compressor_family.at(i));
      double memory[N] = {0}, mine[N] = {0}, total[N] = {0}, sum[N] = {0};
      c.feedback = (sg_feedback)feedback;
      assert_true(sg_compressor_memory(&c) == 1 && sg_compressor_forms(&c) &&
                  sg_compressor_whole(&c));
      for (int k = 0; k < MESSAGES; k++) {
        double y[N], sent[N], bits, expected_bits, left = 0;
        bool classic = feedback == SG_FEEDBACK_CLASSIC;
        sg_dither d;
        for (int j = 0; j < N; j++) {
          y[j] = pow(normal(), 3);
          total[j] += y[j];
          sent[j] = classic ? y[j] + mine[j] : y[j] - mine[j];
        }
        for (int j = 0; j < N && classic; j++) mine[j] = sent[j];
        plain(&c, &packed, k, N, sent, &expected_bits);
        for (int j = 0; j < N; j++) mine[j] += classic ? -sent[j] : sent[j];
        sg_dither_at(&d, 3, 0, 1, (uint32_t)k, 0, 0);
        assert_int_equal(sg_compress(&c, &packed, &d, N, y, memory, &bits), SG_OK);
        assert_true(bits == expected_bits);
        assert_memory_equal(memory, mine, sizeof mine);
        assert_memory_equal(y, classic ? sent : mine, sizeof y);
        for (int j = 0; j < N && classic; j++) {
          sum[j] += y[j];
          left = fmax(left, fabs(total[j] - sum[j] - memory[j]));
        }
        assert_true(left < 1e-9); /* what was sent falls behind by the memory */
      }
    }
  sg_packed_free(&packed);
}

/* top-k has a memory unless it is told otherwise, and no other has. */
static void memories_by_default(void **state) {
  (void)state;
  for (int i = 0; sg_compressor_family.at(i); i++) {
    const char *name = sg_compressor_family.at(i)->name;
    const sg_compressor c = compressor_of(sg_compressor_family.at(i));
    bool remembers = strcmp(name, "top-k") == 0;
    assert_int_equal(c.feedback, remembers ? SG_FEEDBACK_CLASSIC : SG_FEEDBACK_NONE);
    assert_int_equal(sg_compressor_memory(&c), remembers);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memories_are_those_of_their_definition),
      cmocka_unit_test(memories_by_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
