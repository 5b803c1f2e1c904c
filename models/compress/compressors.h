/* SPDX-License-Identifier: MIT */
/* What the files of compressors share, and the descriptors that compress.c lists. */
#ifndef SG_MODELS_COMPRESSORS_H
#define SG_MODELS_COMPRESSORS_H

#include "models/compress/compress.h"

#define FITS(type) _Static_assert(sizeof(type) <= SG_COMPRESSOR_STATE, "too large for a state")

extern const sg_compressor_type sg_compressor_float64, sg_compressor_float32,
    sg_compressor_bfloat16, sg_compressor_qsgd, sg_compressor_top_k;

#endif
