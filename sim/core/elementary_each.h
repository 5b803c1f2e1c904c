/* SPDX-License-Identifier: MIT */
/* The functions of elementary.c on vectors, once for each width: elementary_lanes.c includes this
 * with D (a vector of doubles), W (of 64-bit words), WIDTH, TARGET, and NAME, LOAD, STORE, SQRT,
 * ANY (whether a lane of a comparison is true), LOG_ROWS and POWER_ROWS of that width.
 *
 * Each lane sees the operations of the scalar function in their order. Where that has cases, only
 * the usual one is here: the loops at the end stop at the first vector with another, and say how
 * many numbers they have made. */

#define INLINE TARGET static inline __attribute__((always_inline))

INLINE D NAME(select)(W mask, D yes, D no) {
  return (D)((mask & (W)yes) | (~mask & (W)no));
}

INLINE W NAME(normal)(D x) {
  return (W)(x >= DBL_MIN) & (W)(x <= DBL_MAX);
}

INLINE D NAME(size)(D x) {
  return (D)((W)x & ~(UINT64_C(1) << 63));
}

typedef struct NAME(reduced) {
  W biased; /* the exponent, and 1024 */
  D k, m, r, middle, reciprocal, high, low;
} NAME(reduced);

/* An integer below 2^52 becomes a double by standing behind the one bit of 2^52. */
INLINE void NAME(reduce)(D x, NAME(reduced) * a) {
  W bits = (W)x, distance = bits - UINT64_C(0x3fe6000000000000);
  a->biased = (distance + (UINT64_C(1024) << 52)) >> 52;
  a->k = (D)(a->biased | UINT64_C(0x4330000000000000)) - (0x1p52 + 1024);
  a->m = (D)(bits - (distance & ~(uint64_t)0 << 52));
  LOG_ROWS(distance >> 46 & 63, &a->middle, &a->reciprocal, &a->high, &a->low);
  a->r = (a->m - a->middle) * a->reciprocal;
}

INLINE D NAME(cubic)(D r, D r2) {
  return r * r2 *
         (1.0 / 3 - r * (1.0 / 4) + r2 * (1.0 / 5 - r * (1.0 / 6)) +
          r2 * r2 * (1.0 / 7 - r * (1.0 / 8) + r2 * (1.0 / 9)));
}

INLINE D NAME(log_from)(const NAME(reduced) * a, D more) {
  D front = a->k * LN2_HIGH + a->high, sum = front + a->r, square = a->r * a->r;
  D rest = a->k * LN2_LOW + a->low - more;
  return sum + (front - sum + a->r + (rest + (NAME(cubic)(a->r, square) - 0.5 * square)));
}

INLINE D NAME(exp_of)(D x, D more) {
  D shifted = x * 0x1.71547652b82fep6 + 0x1.8p52, n = shifted - 0x1.8p52;
  D r = x - n * 0x1.62e42fefap-7 - n * 0x1.cf79abc9e3b3ap-46 + more, r2 = r * r, value, missing;
  POWER_ROWS((W)shifted & 63, &value, &missing);
  D e = r2 * (0.5 + r * (1.0 / 6) + r2 * (1.0 / 24 + r * (1.0 / 120) + r2 * (1.0 / 720)));
  e = value + value * (missing + e + r);
  return e * (D)((((W)shifted >> 6) + 1023) << 52);
}

INLINE D NAME(half_of)(D x) {
  return (D)((W)x & UINT64_C(0xfffffffff8000000));
}

INLINE D NAME(product_error)(D a, D b, D product) {
  D a1 = NAME(half_of)(a), a2 = a - a1, b1 = NAME(half_of)(b), b2 = b - b1;
  return a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2;
}

INLINE D NAME(ratio)(const double p[8], const double q[8], D x) {
  D above = (D){0} + p[7], below = (D){0} + q[7];
  for (int i = 6; i >= 0; i--) {
    above = above * x + p[i];
    below = below * x + q[i];
  }
  return above / below;
}

TARGET static long NAME(logs)(double *x, long n, double y) {
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    D at = LOAD(x + i);
    NAME(reduced) a;
    if (ANY(~NAME(normal)(at))) break;
    NAME(reduce)(at, &a);
    STORE(x + i, NAME(log_from)(&a, (D){0}));
  }
  return i;
}

TARGET static long NAME(log1ps)(double *x, long n, double y) {
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    D at = LOAD(x + i), sum = 1 + at, more = 1 - sum + at;
    NAME(reduced) a;
    if (ANY(~(NAME(normal)(sum) & (W)(at <= 1) & (W)(NAME(size)(at) >= 0x1p-28)))) break;
    NAME(reduce)(sum, &a);
    more *= (D)((2047 - a.biased) << 52) * a.reciprocal;
    D r = a.r + more;
    more = a.r - r + more;
    a.r = r;
    STORE(x + i, NAME(log_from)(&a, -more));
  }
  return i;
}

TARGET static long NAME(exps)(double *x, long n, double y) {
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    D at = LOAD(x + i);
    if (ANY(~(W)(NAME(size)(at) < 700))) break;
    STORE(x + i, NAME(exp_of)(at, (D){0}));
  }
  return i;
}

TARGET static long NAME(pows)(double *x, long n, double y) {
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    D at = LOAD(x + i), power = (D){0} + y;
    NAME(reduced) a;
    if (ANY(~(NAME(normal)(at) & (W)(at != 1)))) break;
    NAME(reduce)(at, &a);
    D r = a.r, front = NAME(half_of)(r), square = r * r;
    D below = (a.m - a.middle - front * a.middle - (r - front) * a.middle) * a.reciprocal;
    D rest = NAME(cubic)(r, square) - 0.5 * (NAME(product_error)(r, r, square) + 2 * r * below);
    rest -= square * square * square * square * square * (1.0 / 10 - r * (1.0 / 11));
    D high = a.k * LN2_HIGH + a.high, sum = high + r;
    D less = -0.5 * square, all = sum + less;
    D low = a.k * LN2_LOW + a.low + below + rest + (high - sum + r) + (sum - all + less);
    D log = all + low;
    low = all - log + low;
    D size = power * log;
    if (ANY(~((W)(NAME(size)(size) < 700) & (W)(NAME(size)(size) >= 0x1p-60)))) break;
    STORE(x + i, NAME(exp_of)(size, NAME(product_error)(power, log, size) + power * low));
  }
  return i;
}

TARGET static long NAME(normal_quantiles)(double *x, long n, double y) {
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    D p = LOAD(x + i), from_half = p - 0.5, end = NAME(select)((W)(p < 0.5), p, 1 - p);
    W middle = (W)(NAME(size)(from_half) <= 0.425);
    NAME(reduced) a;
    if (ANY(~NAME(normal)(end))) break;
    NAME(reduce)(end, &a);
    D r = SQRT(-NAME(log_from)(&a, (D){0}));
    if (ANY(~(middle | (W)(r <= 5)))) break;
    D z = NAME(ratio)(sg_normal_side[0], sg_normal_side[1], r - 1.6);
    z = NAME(select)((W)(p < 0.5), -z, z);
    D near = from_half * NAME(ratio)(sg_normal_middle[0], sg_normal_middle[1],
                                     0.180625 - from_half * from_half);
    STORE(x + i, NAME(select)(middle, near, z));
  }
  return i;
}

#undef INLINE
