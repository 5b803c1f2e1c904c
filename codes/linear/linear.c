/* SPDX-License-Identifier: MIT */
#include "codes/linear/linear.h"

#include <stddef.h>

extern const sg_linear_type sg_linear_harmonic, sg_linear_gaussian, sg_linear_repetition,
    sg_linear_single_parity;

static const sg_linear_type *const types[] = {
    &sg_linear_harmonic,
    &sg_linear_gaussian,
    &sg_linear_repetition,
    &sg_linear_single_parity,
};

const char *const sg_linear_names[] = {"harmonic", "gaussian", "repetition", "single-parity", NULL};

const sg_linear_type *sg_linear_type_at(int i) {
  return i >= 0 && (size_t)i < sizeof types / sizeof *types ? types[i] : NULL;
}
