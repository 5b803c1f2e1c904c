/* SPDX-License-Identifier: MIT */
/* Rows of a coding matrix that vanish at given workers (theory: nulling). */
#ifndef SG_CODES_NULLING_H
#define SG_CODES_NULLING_H

#include "sim/core/linalg.h"

/* The m rows [X | I] (m × r, column-major, zero on entry) of B that belong to a part which `absent`
 * workers, listed in who, do not hold: X V_top = −V_bottom at these, V (r × n) having its last m
 * rows as V_bottom. With absent < r − m there are fewer equations than unknowns and X is the one of
 * minimum norm. SG_UNDECODABLE if V_top is rank-deficient there. scratch: absent (r − m) +
 * max(absent, r − m, 1) m numbers; pivots: max(absent, r − m). */
sg_status sg_nulling_block(const double *v, int r, int m, int absent, const int *who, double *block,
                           double *scratch, lapack_int *pivots);

#endif
