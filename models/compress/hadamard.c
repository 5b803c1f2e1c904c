/* SPDX-License-Identifier: MIT */
/* The fast Walsh–Hadamard transform: blocks of sixteen numbers in registers, then stages of radix
 * eight and four over what a cache holds; longer vectors by rows and columns.
 *
 * A stage of step h takes a, b at distance h to a + b, a − b. The stages of a column transform of a
 * matrix with w columns are those of the plain one with steps w, 2 w, …: one function does both. */
#include "models/compress/hadamard.h"
#include "sim/core/simd.h"

#include <string.h>

enum { IN_CACHE = 1 << 13, ROW = 1 << 12, COLUMNS = 16 };

#define V(i) (*(sg_v4u *)(x + (i)))

SG_INLINE void both(sg_v4 *a, sg_v4 *b) {
  sg_v4 sum = *a + *b;
  *b = *a - *b;
  *a = sum;
}

/* Steps 1 and 2, inside a vector: every number is multiplied by ±1, which is exact. */
SG_INLINE void inside(sg_v4 *v) {
  const sg_v4 one = {1, -1, 1, -1}, two = {1, 1, -1, -1};
#ifdef __clang__
  sg_v4 t = __builtin_shufflevector(*v, *v, 1, 0, 3, 2) + *v * one;
  *v = __builtin_shufflevector(t, t, 2, 3, 0, 1) + t * two;
#else
  sg_v4 t = __builtin_shuffle(*v, (sg_v4i){1, 0, 3, 2}) + *v * one;
  *v = __builtin_shuffle(t, (sg_v4i){2, 3, 0, 1}) + t * two;
#endif
}

/* Steps 1, 2, 4 and 8. */
SG_INLINE void sixteen(double *x) {
  sg_v4 a = V(0), b = V(4), c = V(8), d = V(12);
  inside(&a), inside(&b), inside(&c), inside(&d);
  both(&a, &b), both(&c, &d);
  both(&a, &c), both(&b, &d);
  V(0) = a, V(4) = b, V(8) = c, V(12) = d;
}

SG_INLINE void eight(double *x, long h) {
  sg_v4 a = V(0), b = V(h), c = V(2 * h), d = V(3 * h);
  sg_v4 e = V(4 * h), f = V(5 * h), g = V(6 * h), k = V(7 * h);
  both(&a, &b), both(&c, &d), both(&e, &f), both(&g, &k);
  both(&a, &c), both(&b, &d), both(&e, &g), both(&f, &k);
  both(&a, &e), both(&b, &f), both(&c, &g), both(&d, &k);
  V(0) = a, V(h) = b, V(2 * h) = c, V(3 * h) = d;
  V(4 * h) = e, V(5 * h) = f, V(6 * h) = g, V(7 * h) = k;
}

SG_INLINE void four(double *x, long h) {
  sg_v4 a = V(0), b = V(h), c = V(2 * h), d = V(3 * h);
  both(&a, &b), both(&c, &d);
  both(&a, &c), both(&b, &d);
  V(0) = a, V(h) = b, V(2 * h) = c, V(3 * h) = d;
}

SG_INLINE void two(double *x, long h) {
  sg_v4 a = V(0), b = V(h);
  both(&a, &b);
  V(0) = a, V(h) = b;
}

/* Steps h, 2 h, … below n; h ≥ 4. As many of radix eight as there can be. */
SG_INLINE void stages(long n, double *x, long h) {
  int left = 0;
  while (h << left < n) left++;
  while (left > 0) {
    int radix = left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
    for (double *at = x; at < x + n; at += h << radix)
      for (long i = 0; i < h; i += 4)
        if (radix == 3)
          eight(at + i, h);
        else if (radix == 2)
          four(at + i, h);
        else
          two(at + i, h);
    h <<= radix;
    left -= radix;
  }
}

static SG_CLONES(in_cache, (long n, double *x), (n, x)) {
  for (long i = 0; i < n; i += 16) sixteen(x + i);
  stages(n, x, 16);
}

static void few(long n, double *x) {
  for (long h = 1; h < n; h *= 2)
    for (long i = 0; i < n; i += 2 * h)
      for (long k = i; k < i + h; k++) {
        double a = x[k], b = x[k + h];
        x[k] = a + b;
        x[k + h] = a - b;
      }
}

/* Magnitudes as whole numbers: NaN is above infinity, which is above all others. */
typedef int64_t bits4 __attribute__((vector_size(32), aligned(8), may_alias));

SG_INLINE void keep_largest(long n, const double *x, sg_v4i *most) {
  const sg_v4i magnitude = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
  sg_v4i a = *most, b = a;
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    sg_v4i v = *(const bits4 *)(x + i) & magnitude, w = *(const bits4 *)(x + i + 4) & magnitude;
    sg_v4i above = v > a, high = w > b;
    a = (v & above) | (a & ~above);
    b = (w & high) | (b & ~high);
  }
  sg_v4i above = b > a;
  a = (b & above) | (a & ~above);
  for (; i < n; i++) {
    int64_t v;
    memcpy(&v, x + i, sizeof v);
    v &= INT64_MAX;
    if (v > a[0]) a[0] = v;
  }
  *most = a;
}

static double largest_of(const sg_v4i *most) {
  int64_t v = (*most)[0];
  for (int k = 1; k < 4; k++)
    if ((*most)[k] > v) v = (*most)[k];
  double x;
  memcpy(&x, &v, sizeof x);
  return x;
}

SG_CLONES_OF(double, sg_largest, (long n, const double *x), (n, x)) {
  sg_v4i most = {0, 0, 0, 0};
  keep_largest(n, x, &most);
  return largest_of(&most);
}

static SG_CLONES_OF(double, columns, (long rows, long row, double *x, double *buffer),
                    (rows, row, x, buffer)) {
  sg_v4i most = {0, 0, 0, 0};
  for (long c = 0; c < row; c += COLUMNS) {
    for (long r = 0; r < rows; r++)
      memcpy(buffer + r * COLUMNS, x + r * row + c, COLUMNS * sizeof *x);
    stages(rows * COLUMNS, buffer, COLUMNS);
    keep_largest(rows * COLUMNS, buffer, &most);
    for (long r = 0; r < rows; r++)
      memcpy(x + r * row + c, buffer + r * COLUMNS, COLUMNS * sizeof *x);
  }
  return largest_of(&most);
}

/* Rows and columns are about equally long beyond 2^24. */
static long row_of(long n) {
  long row = ROW;
  while (n / row > row) row *= 2;
  return row;
}

long sg_hadamard_room(long n) {
  return n <= IN_CACHE ? 0 : n / row_of(n) * COLUMNS;
}

double sg_hadamard_of(long n, double *x, double *buffer, sg_hadamard_fill *fill, void *user) {
  if (n <= IN_CACHE) {
    if (fill) fill(user, 0, n, x);
    if (n < 16)
      few(n, x);
    else
      in_cache(n, x);
    return sg_largest(n, x);
  }
  long row = row_of(n);
  for (long at = 0; at < n; at += row) {
    if (fill) fill(user, at, row, x + at);
    in_cache(row, x + at);
  }
  return columns(n / row, row, x, buffer);
}

void sg_walsh_hadamard(long n, double *x, double *buffer) {
  sg_hadamard_of(n, x, buffer, NULL, NULL);
}
