/* SPDX-License-Identifier: MIT */
/* Number formats of messages, and rounding to them.
 *
 * Numbers are computed in float64; what is sent may be float32 (IEEE 754 binary32) or bfloat16 (the
 * upper half of a binary32: 8 bits of exponent, 8 significant bits). A rounded number is kept as
 * the double of equal value. */
#ifndef SG_CORE_PRECISION_H
#define SG_CORE_PRECISION_H

typedef enum sg_precision { SG_FLOAT64, SG_FLOAT32, SG_BFLOAT16 } sg_precision;
enum { SG_PRECISIONS = 3 };

extern const char *const sg_precision_names[]; /* "float64", … NULL-terminated, for tables */

/* Bytes of one number on the wire: 8, 4, 2. */
double sg_precision_bytes(sg_precision precision);

/* Rounds x[0 … n − 1] in place: to nearest, ties to even, once (bfloat16 does not go through
 * float32, which would round twice). Subnormal results are kept; what exceeds the largest number of
 * the format by half a unit or more becomes an infinity; NaN stays NaN; signs of zeros are kept.
 * float64: nothing is done. */
void sg_round(sg_precision precision, long n, double *x);

#endif
