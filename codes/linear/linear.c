/* SPDX-License-Identifier: MIT */
/* The table of inner codes. */
#include "codes/linear/inner.h"

extern const sg_linear_type sg_linear_harmonic, sg_linear_gaussian, sg_linear_best_gaussian,
    sg_linear_haar, sg_linear_systematic_gaussian, sg_linear_vandermonde, sg_linear_chebyshev,
    sg_linear_repetition, sg_linear_single_parity, sg_linear_hamming, sg_linear_extended_hamming,
    sg_linear_ldpc, sg_linear_matrix;

static const sg_linear_type *const types[] = {
    &sg_linear_harmonic,
    &sg_linear_gaussian,
    &sg_linear_best_gaussian,
    &sg_linear_haar,
    &sg_linear_systematic_gaussian,
    &sg_linear_vandermonde,
    &sg_linear_chebyshev,
    &sg_linear_repetition,
    &sg_linear_single_parity,
    &sg_linear_hamming,
    &sg_linear_extended_hamming,
    &sg_linear_ldpc,
    &sg_linear_matrix,
};

const char *const sg_linear_names[] = {
    "harmonic",  "gaussian",   "best-gaussian", "haar",    "systematic-gaussian", "vandermonde",
    "chebyshev", "repetition", "single-parity", "hamming", "extended-hamming",    "ldpc",
    "matrix",    NULL};

const sg_linear_type *sg_linear_type_at(int i) {
  return i >= 0 && (size_t)i < sizeof types / sizeof *types ? types[i] : NULL;
}

sg_status sg_linear_only(const sg_linear_type *type, const sg_values *values, int length, int only,
                         int *m, sg_error *e) {
  if (*m && *m != only)
    return sg_fail_at(e, values, "m",
                      "expected m = %d with linear_code %s and groups of %d workers, found %d",
                      only, type->name, length, *m);
  *m = only;
  return SG_OK;
}
