/* SPDX-License-Identifier: MIT */
/* Philox against Random123's known answers, and how streams are addressed. */
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* kat_vectors of Random123 for philox4x32 with 10 rounds: counter, key, result. */
static void known_answers(void **state) {
  (void)state;
  static const uint32_t vectors[][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
       0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
       0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    sg_stream s;
    sg_stream_at(&s, 0, 0, SG_FOR_COMPUTE, 0, 0, 0);
    memcpy(s.state.counter, vectors[i], 4 * sizeof(uint32_t));
    memcpy(s.state.key, vectors[i] + 4, 2 * sizeof(uint32_t));
    for (int word = 0; word < 4; word++)
      assert_int_equal(gsl_rng_get(&s.rng), vectors[i][6 + word]);
  }
}

static void address(void **state) {
  (void)state;
  sg_stream s;
  sg_stream_at(&s, UINT64_C(0x0123456789abcdef), 0xabcdef, SG_FOR_UPLINK, 77, 88, 99);
  assert_int_equal(s.state.key[0], 0x89abcdef);
  assert_int_equal(s.state.key[1], 0x01234567);
  assert_int_equal(s.state.counter[0], 99u << 16);
  assert_int_equal(s.state.counter[1], 88);
  assert_int_equal(s.state.counter[2], 77);
  assert_int_equal(s.state.counter[3], 2u << 24 | 0xabcdef);
}

/* Each part of the address alone gives another stream; the same address the same one. */
static void every_part_matters(void **state) {
  (void)state;
  double first[8];
  sg_stream s;
  for (int i = 0; i < 8; i++) {
    uint64_t seed = (i == 1 ? 2 : 1) + (i == 7 ? UINT64_C(1) << 40 : 0);
    sg_stream_at(&s, seed, 2 + (i == 2), SG_FOR_COMPUTE + (i == 3), 4 + (i == 4), 5 + (i == 5),
                 6 + (i == 6));
    first[i] = sg_uniform(&s);
    for (int j = 0; j < i; j++) assert_true(first[i] != first[j]);
  }
  sg_stream_at(&s, 1, 2, SG_FOR_COMPUTE, 4, 5, 6);
  assert_true(sg_uniform(&s) == first[0]);
}

/* A stream is 2^17 doubles long: its last block is not the next stream's first. */
static void streams_do_not_overlap(void **state) {
  (void)state;
  sg_stream s, next;
  sg_stream_at(&s, 1, 0, SG_FOR_DATA, 0, 0, 0);
  sg_stream_at(&next, 1, 0, SG_FOR_DATA, 0, 0, 1);
  double start = sg_uniform(&next);
  for (int i = 0; i < 1 << 17; i++) assert_true(sg_uniform(&s) != start);
  assert_true(sg_uniform(&s) == start);
}

/* Words of eight counters, first words first, whatever was taken from the stream before. */
static void coarse_uniforms(void **state) {
  (void)state;
  enum { COUNT = 5 * SG_COARSE };
  double u[COUNT], sum = 0;
  sg_stream s, words;
  sg_stream_at(&s, 3, 1, SG_FOR_DITHER, 2, 4, 5);
  sg_coarse_uniforms(&s, u, 2 * SG_COARSE);
  sg_coarse_uniforms(&s, u + 2 * SG_COARSE, 3 * SG_COARSE);
  sg_stream_at(&words, 3, 1, SG_FOR_DITHER, 2, 4, 5);
  for (int group = 0; group < COUNT; group += SG_COARSE)
    for (int counter = 0; counter < 8; counter++)
      for (int word = 0; word < 4; word++) {
        double w = (double)gsl_rng_get(&words.rng);
        assert_true(u[group + 8 * word + counter] == (w + 0.5) / 4294967296);
        sum += w / 4294967296;
      }
  assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
  assert_true(sg_uniform(&s) == sg_uniform(&words)); /* and on from there */
}

static void fifty_three_bits(void **state) {
  (void)state;
  sg_stream s;
  sg_stream_at(&s, 9, 0, SG_FOR_DATA, 0, 0, 0);
  bool odd = false;
  double sum = 0, squares = 0;
  enum { COUNT = 100000 };
  for (int i = 0; i < COUNT; i++) {
    double u = sg_uniform(&s), scaled = u * 0x1p53;
    assert_true(u >= 0 && u < 1);
    assert_true(scaled == floor(scaled));
    odd |= fmod(scaled, 2) == 1;
    sum += u;
    squares += u * u;
  }
  assert_true(odd);
  double mean = sum / COUNT, variance = squares / COUNT - mean * mean;
  assert_true(fabs(mean - 0.5) < 4 * sqrt(1.0 / 12 / COUNT));
  assert_true(fabs(variance - 1.0 / 12) < 4 * sqrt(1.0 / 180 / COUNT));
}

/* GSL sees the same numbers, and its distributions work on them. */
static void through_gsl(void **state) {
  (void)state;
  sg_stream s, same;
  sg_stream_at(&s, 3, 1, SG_FOR_DATA, 2, 0, 0);
  sg_stream_at(&same, 3, 1, SG_FOR_DATA, 2, 0, 0);
  for (int i = 0; i < 9; i++) assert_true(gsl_rng_uniform(&s.rng) == sg_uniform(&same));
  /* The exponential law takes one number a draw and is that number's quantile. */
  sg_stream_at(&s, 3, 1, SG_FOR_DATA, 2, 0, 0);
  sg_stream_at(&same, 3, 1, SG_FOR_DATA, 2, 0, 0);
  for (int i = 0; i < 9; i++)
    assert_true(fabs(sg_exponential(&s, 2.5) + 2.5 * log1p(-sg_uniform(&same))) < 1e-13);
  double sum = 0;
  for (int i = 0; i < 20000; i++) sum += gsl_ran_gaussian_ziggurat(&s.rng, 1);
  assert_true(fabs(sum / 20000) < 4 / sqrt(20000));
  assert_int_equal(gsl_rng_max(&s.rng), 0xffffffff);

  gsl_rng *made = gsl_rng_alloc(s.rng.type);
  assert_non_null(made);
  gsl_rng_set(made, 0);
  assert_int_equal(gsl_rng_get(made), 0x6627e8d5);
  gsl_rng_free(made);
}

/* Many side by side are those of single streams, on all vectors that the processor has, also where
 * the number is no multiple of a vector, and whatever the address. */
static void side_by_side(void **state) {
  (void)state;
  static const int counts[] = {0, 1, 7, 8, 9, 15, 16, 17, 60, 1003};
  static const struct {
    uint64_t seed;
    uint32_t replication, iteration, draw;
  } at[] = {{1, 0, 0, 0},
            {UINT64_C(0xfedcba9876543210), 0xffffff, 0xffffffff, 0xffff},
            {UINT64_C(0x80000000ffffffff), 77, 100000, 3}};
  double u[1004], v[1004];
  for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
    for (size_t i = 0; i < sizeof at / sizeof *at * (sg_widest_lanes() + 1u); i++) {
      size_t a = i % (sizeof at / sizeof *at);
      u[counts[k]] = v[counts[k]] = -1;
      sg_uniform_pairs_at_with((sg_lanes)(i / (sizeof at / sizeof *at)), u, k % 3 ? v : NULL,
                               counts[k], at[a].seed, at[a].replication, SG_FOR_UPLINK,
                               at[a].iteration, at[a].draw);
      for (int w = 0; w < counts[k]; w++) {
        sg_stream s;
        sg_stream_at(&s, at[a].seed, at[a].replication, SG_FOR_UPLINK, (uint32_t)w, at[a].iteration,
                     at[a].draw);
        assert_true(u[w] == sg_uniform(&s));
        if (k % 3) assert_true(v[w] == sg_uniform(&s));
      }
      assert_true(u[counts[k]] == -1 && v[counts[k]] == -1);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),      cmocka_unit_test(address),
      cmocka_unit_test(every_part_matters), cmocka_unit_test(streams_do_not_overlap),
      cmocka_unit_test(coarse_uniforms),    cmocka_unit_test(fifty_three_bits),
      cmocka_unit_test(through_gsl),        cmocka_unit_test(side_by_side),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
