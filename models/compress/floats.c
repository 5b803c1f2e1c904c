/* SPDX-License-Identifier: MIT */
/* Number formats: each coordinate by itself is rounded to what the format can hold. */
#include "models/compress/compress.h"
#include "sim/core/precision.h"

static double bits64(const void *state, long length) {
  return 64.0 * (double)length;
}

static double bits32(const void *state, long length) {
  return 32.0 * (double)length;
}

static double bits16(const void *state, long length) {
  return 16.0 * (double)length;
}

static void round32(const void *state, long n, double *x) {
  sg_round(SG_FLOAT32, n, x);
}

static void round16(const void *state, long n, double *x) {
  sg_round(SG_BFLOAT16, n, x);
}

const sg_compressor_type sg_compressor_float64 = {
    .about = {.name = "float64",
              .summary = "Numbers travel as they are computed: IEEE 754 binary64, 64 bits each."},
    .flags = SG_COMPRESS_LOCAL | SG_COMPRESS_FIXED,
    .bits = bits64};

const sg_compressor_type sg_compressor_float32 = {
    .about = {.name = "float32",
              .summary = "Numbers are rounded to IEEE 754 binary32, to nearest: 32 bits each."},
    .flags = SG_COMPRESS_LOCAL | SG_COMPRESS_FIXED,
    .bits = bits32,
    .round = round32};

const sg_compressor_type sg_compressor_bfloat16 = {
    .about = {.name = "bfloat16",
              .summary = "Numbers are rounded to the upper half of a binary32 (8 significant "
                         "bits), to nearest: 16 bits each."},
    .flags = SG_COMPRESS_LOCAL | SG_COMPRESS_FIXED,
    .bits = bits16,
    .round = round16};
