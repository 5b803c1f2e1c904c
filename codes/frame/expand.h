/* SPDX-License-Identifier: MIT */
/* Rows written out densely, relays followed down to the parts: for the rank test, the default
 * decoder and the decoding error of approximate codes. */
#ifndef SG_CODES_EXPAND_H
#define SG_CODES_EXPAND_H

#include "codes/frame/code.h"

/* Buffers that are kept from one row to the next. Zero-initialise. */
typedef struct sg_expander {
  sg_row row;
  int count, capacity; /* messages still to be written out, with the factor they come with */
  sg_link *todo;
} sg_expander;

/* Adds scale × the row of `message` to dense[part · pieces + piece]; parts and coded parts both.
 * false: out of memory. */
bool sg_expand(sg_expander *x, const sg_code *code, const void *state, const sg_message *message,
               double scale, double *dense);
void sg_expander_free(sg_expander *x);

#endif
