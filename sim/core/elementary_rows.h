/* SPDX-License-Identifier: MIT */
/* The tables and constants behind elementary.h, for elementary.c and its vectors. */
#ifndef SG_CORE_ELEMENTARY_ROWS_H
#define SG_CORE_ELEMENTARY_ROWS_H

/* ln 2 in two parts; the first has zeros behind its 42nd binary place, so that its products with
 * exponents, and sums of these with the logarithms below, are exact. */
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW  0x1.ef35793c7673p-45

/* Of a mantissa: see elementary.c. */
typedef struct sg_log_row {
  double middle, reciprocal, high, low;
} sg_log_row;
typedef struct sg_power_row {
  double value, missing;
} sg_power_row;
extern const sg_log_row sg_log_rows[64];
extern const sg_power_row sg_power_rows[64];

/* Wichura's rational functions, above and below, of a probability near the half, at the sides and
 * far out. */
extern const double sg_normal_middle[2][8], sg_normal_side[2][8], sg_normal_far[2][8];

#endif
