/* SPDX-License-Identifier: MIT */
/* Rounding to number formats, against bit patterns known by hand and against the compiler's own
 * conversion to float. */
#include "models/compress/compress.h"
#include "sim/core/random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const sg_compressor_type *format(sg_precision precision) {
  return (const sg_compressor_type *)sg_compressor_family.at(precision);
}

static double rounded(sg_precision precision, double x) {
  double four[4] = {1, x, 1, x}, one = x;
  format(precision)->round(NULL, 4, four);
  format(precision)->round(NULL, 1, &one);
  assert_memory_equal(&four[1], &one, sizeof one);
  assert_memory_equal(&four[3], &one, sizeof one);
  return one;
}

/* The upper half of the binary32 that a double is equal to; fails where it is equal to none. */
static unsigned bfloat16_bits(double x) {
  float narrow = (float)x;
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof bits);
  assert_true((double)narrow == x || isnan(x));
  if (!isnan(x)) assert_int_equal(bits & 0xffff, 0);
  return bits >> 16;
}

static void known_bit_patterns(void **state) {
  (void)state;
  static const struct {
    double x;
    unsigned bits;
  } known[] = {
      {0, 0x0000},
      {-0.0, 0x8000},
      {1, 0x3f80},
      {-2, 0xc000},
      {0.1, 0x3dcd},                   /* 0.1 = 1.6 · 2^-4 */
      {1.0 / 3, 0x3eab},               /* 0x3eaaaaab: up */
      {M_PI, 0x4049},                  /* 0x40490fdb: down */
      {1 + 0x1p-8, 0x3f80},            /* tie, to even: down */
      {1 + 0x3p-8, 0x3f82},            /* tie, to even: up */
      {1 + 0x1p-8 + 0x1p-40, 0x3f81},  /* just above a tie, not seen by a float in between */
      {1 + 0x3p-8 - 0x1p-40, 0x3f81},  /* just below one */
      {-1 - 0x1p-8 - 0x1p-52, 0xbf81}, /* the last bit of a double decides */
      {0x1.ffp0, 0x4000},              /* carries into the exponent */
      {0x1.fep127, 0x7f7f},            /* the largest */
      {0x1.feffffffffp127, 0x7f7f},    /* just under the largest and half a unit */
      {0x1.ffp127, 0x7f80},            /* from there on: infinite */
      {-1e300, 0xff80},
      {INFINITY, 0x7f80},
      {-INFINITY, 0xff80},
      {0x1p-126, 0x0080},    /* the smallest normal number */
      {0x1.fcp-127, 0x007f}, /* the largest subnormal one */
      {0x1.fep-127, 0x0080}, /* a tie between the two, to even */
      {0x1p-133, 0x0001},    /* the smallest */
      {-0x1p-134, 0x8000},   /* a tie with zero: keeps its sign */
      {0x1.0000000000001p-134, 0x0001},
      {0x1.8p-133, 0x0002},
      {DBL_TRUE_MIN, 0x0000},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    unsigned bits = bfloat16_bits(rounded(SG_BFLOAT16, known[i].x));
    if (bits != known[i].bits)
      fail_msg("%a: expected %04x, found %04x", known[i].x, known[i].bits, bits);
  }
  assert_true(isnan(rounded(SG_BFLOAT16, NAN)) && isnan(rounded(SG_BFLOAT16, -NAN)));
  uint64_t all_ones = UINT64_MAX >> 1;
  double nan;
  memcpy(&nan, &all_ones, sizeof nan);
  assert_true(isnan(rounded(SG_BFLOAT16, nan)) && isnan(rounded(SG_FLOAT32, nan)));
  assert_true(rounded(SG_FLOAT32, 1e39) == INFINITY && rounded(SG_FLOAT32, -1e39) == -INFINITY);
  assert_true(rounded(SG_FLOAT32, 0x1.fffffep127) == 0x1.fffffep127);
  assert_true(rounded(SG_FLOAT32, 1 + 0x1p-24) == 1 && rounded(SG_FLOAT32, 0x1p-149) == 0x1p-149);
}

static void random_numbers(void **state) {
  (void)state;
  enum { N = 1003 };
  double *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
  sg_stream random;
  sg_stream_at(&random, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < N; i++) /* all of a float's exponents and some more */
      x[i] = ldexp(2 * sg_uniform(&random) - 1, (int)(300 * sg_uniform(&random)) - 160);
    memcpy(y, x, N * sizeof *x);
    format(SG_FLOAT32)->round(NULL, N, y);
    for (int i = 0; i < N; i++) {
      double expected = (float)x[i];
      assert_memory_equal(&expected, &y[i], sizeof expected);
    }
    memcpy(y, x, N * sizeof *x);
    format(SG_BFLOAT16)->round(NULL, N, y);
    for (int i = 0; i < N; i++) {
      double size = fabs(x[i]), expected;
      int exponent;
      frexp(size, &exponent);
      double unit = ldexp(1, exponent - 8 < -133 ? -133 : exponent - 8);
      expected = nearbyint(size / unit) * unit; /* the mode is to nearest even */
      if (expected > 0x1.fep127) expected = INFINITY;
      expected = copysign(expected, x[i]);
      if (memcmp(&expected, &y[i], sizeof expected) != 0)
        fail_msg("%a: expected %a, found %a", x[i], expected, y[i]);
    }
  }
  free(x);
  free(y);
}

static void formats_are_named(void **state) {
  (void)state;
  static const char *const names[] = {"float64", "float32", "bfloat16"};
  for (int i = 0; i < SG_PRECISIONS; i++) {
    const sg_compressor_type *type = format((sg_precision)i);
    assert_string_equal(type->about.name, names[i]);
    assert_true(type->number_bits == 64 >> i);
    assert_true((type->round == NULL) == (i == SG_FLOAT64) && !type->encode);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_bit_patterns),
      cmocka_unit_test(random_numbers),
      cmocka_unit_test(formats_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
