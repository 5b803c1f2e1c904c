/* SPDX-License-Identifier: MIT */
/* Hadamard matrices of all orders up to 120 that can be made. */
#include "codes/tools/hadamard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void hadamard_matrices(void **state) {
  (void)state;
  static signed char h[121 * 121];
  for (int order = 1; order <= 120; order++) {
    bool exists = sg_hadamard_exists(order);
    /* All multiples of 4 but those that need prime powers or other constructions. */
    assert_int_equal(exists, order < 3 || (order % 4 == 0 && order != 52 && order != 92 &&
                                           order != 100 && order != 116));
    assert_int_equal(sg_hadamard(order, h), exists);
    for (int i = 0; exists && i < order; i++) {
      assert_int_equal(h[i], 1);
      for (int k = 0; k <= i; k++) {
        int product = 0;
        for (int j = 0; j < order; j++) product += h[i * order + j] * h[k * order + j];
        assert_int_equal(product, i == k ? order : 0);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(hadamard_matrices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
