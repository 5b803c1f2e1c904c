/* SPDX-License-Identifier: MIT */
/* Elias's recursive (omega) code of numbers ≥ 1: a group of bits for the number, before it one for
 * its length less 1, and so on down to 1; groups begin with a one, the end is a zero. Small
 * numbers, which most are, go by tables, which a message makes for itself. */
#ifndef SG_MODELS_ELIAS_H
#define SG_MODELS_ELIAS_H

#include "models/compress/packed.h"

/* *bits of the code, ≤ 56 for numbers below 2^40. */
SG_INLINE uint64_t sg_elias(uint64_t value, int *bits) {
  uint64_t code = 0;
  *bits = 1;
  while (value > 1) {
    int length = 64 - __builtin_clzll(value);
    code = code << length | (value << 1 & (((uint64_t)1 << length) - 1)) | 1;
    *bits += length;
    value = (uint64_t)length - 1;
  }
  return code;
}

enum { SG_ELIAS_SMALL = 16, SG_ELIAS_PEEK = 7 }; /* codes of numbers below 16 have at most 7 bits */

typedef struct sg_elias_table {
  uint32_t code[SG_ELIAS_SMALL];
  int bits[SG_ELIAS_SMALL];
  unsigned char value[1 << SG_ELIAS_PEEK], length[1 << SG_ELIAS_PEEK]; /* by the next bits; or 0 */
} sg_elias_table;

SG_INLINE void sg_elias_tables(sg_elias_table *t) {
  memset(t, 0, sizeof *t);
  for (int v = 1; v < SG_ELIAS_SMALL; v++) {
    t->code[v] = (uint32_t)sg_elias((uint64_t)v, &t->bits[v]);
    for (uint32_t at = t->code[v]; at < 1 << SG_ELIAS_PEEK; at += 1U << t->bits[v]) {
      t->value[at] = (unsigned char)v;
      t->length[at] = (unsigned char)t->bits[v];
    }
  }
}

/* A number, a bit, another number. */
SG_INLINE void sg_write_elias(sg_bit_writer *w, const sg_elias_table *t, uint64_t a, bool bit,
                              uint64_t b) {
  if (__builtin_expect(a < SG_ELIAS_SMALL && b < SG_ELIAS_SMALL, 1)) {
    int first = t->bits[a];
    uint64_t rest = (uint64_t)bit | (uint64_t)t->code[b] << 1;
    sg_write(w, t->code[a] | rest << first, first + 1 + t->bits[b]);
    return;
  }
  int bits;
  uint64_t code = sg_elias(a, &bits);
  sg_write(w, code, bits);
  sg_write(w, bit, 1);
  code = sg_elias(b, &bits);
  sg_write(w, code, bits);
}

SG_INLINE uint64_t sg_read_elias(sg_bit_reader *r, const sg_elias_table *t) {
  uint64_t next = sg_peek(r) & ((1 << SG_ELIAS_PEEK) - 1), value = t->value[next];
  if (__builtin_expect(value > 0, 1)) {
    r->at += t->length[next];
    return value;
  }
  value = 1;
  while (sg_read(r, 1)) {
    int length = (int)value;
    value = (uint64_t)1 << length | sg_read(r, length);
  }
  return value;
}

#endif
