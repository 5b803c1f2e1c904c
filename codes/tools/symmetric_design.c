/* SPDX-License-Identifier: MIT */
/* Symmetric block designs from finite fields. */
#include "codes/tools/symmetric_design.h"
#include "codes/tools/hadamard.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Whole numbers ---------------------------------------------------------------------------- */

static long root_of(long x) { /* the largest whole number with r² ≤ x */
  long r = 0;
  while ((r + 1) * (r + 1) <= x) r++;
  return r;
}

static bool is_prime(long p) {
  for (long k = 2; k * k <= p; k++)
    if (p % k == 0) return false;
  return p > 1;
}

/* The prime of which q is a power, and which one; 0: of none. */
static int prime_of(long q, int *power) {
  long p = 2;
  while (p * p <= q && q % p != 0) p++;
  if (p * p > q) p = q;
  *power = 0;
  for (; q > 1 && q % p == 0; q /= p) ++*power;
  return q == 1 && p > 1 ? (int)p : 0;
}

/* (a/p) for an odd prime p that does not divide a. */
static int legendre(long a, long p) {
  long power = 1, base = (a % p + p) % p;
  for (long k = (p - 1) / 2; k > 0; k /= 2) {
    if (k % 2) power = power * base % p;
    base = base * base % p;
  }
  return power == 1 ? 1 : -1;
}

/* --- What is possible ------------------------------------------------------------------------- */

/* Hilbert's symbol (a, b) at the prime p (Serre, A course in arithmetic, III.1; recalled). */
static int hilbert(long a, long b, long p) {
  int i = 0, j = 0;
  for (; a % p == 0; a /= p) i++;
  for (; b % p == 0; b /= p) j++;
  if (p == 2) {
    long u = ((a % 8) + 8) % 8, v = ((b % 8) + 8) % 8;
    bool odd =
        (u % 4 == 3 && v % 4 == 3) ^ (i % 2 && (v == 3 || v == 5)) ^ (j % 2 && (u == 3 || u == 5));
    return odd ? -1 : 1;
  }
  int symbol = i % 2 && j % 2 && p % 4 == 3 ? -1 : 1;
  if (j % 2) symbol *= legendre(a, p);
  if (i % 2) symbol *= legendre(b, p);
  return symbol;
}

bool sg_design_is_possible(long n, long l, long omega) {
  long a = l - omega, b = (n - 1) / 2 % 2 ? -omega : omega;
  if (n % 2 == 0) return root_of(a) * root_of(a) == a;
  if (hilbert(a, b, 2) < 0) return false;
  for (long p = 3; p <= a || p <= omega; p += 2)
    if (is_prime(p) && (a % p == 0 || omega % p == 0) && hilbert(a, b, p) < 0) return false;
  return true;
}

/* --- What can be made ------------------------------------------------------------------------- */

/* Q and D of n = (Q^(D+1) − 1)/(Q − 1), l = (Q^D − 1)/(Q − 1): Q = (n − 1)/l. */
static bool is_singer(int n, int l, int *q, int *dimension) {
  int power;
  if (l < 2 || (n - 1) % l != 0) return false;
  *q = (n - 1) / l;
  *dimension = 0;
  long points = 1; /* of dimension 0 */
  while (points < n) {
    points = points * *q + 1;
    ++*dimension;
  }
  return points == n && *dimension >= 2 && prime_of(*q, &power) > 0;
}

static bool is_menon(int n, int l) {
  int k = 0;
  for (int size = n; size > 1 && size % 4 == 0; size /= 4) k++;
  return k >= 2 && k < 15 && n == 1 << 2 * k && l == (1 << (2 * k - 1)) - (1 << (k - 1));
}

/* With 0 or without. */
static bool is_quartic(int n, int l, int with_zero) {
  long square = (n - (with_zero ? 9 : 1)) / 4, x = root_of(square);
  return n % 4 == 1 && x * x == square && x % 2 == 1 && is_prime(n) && l == (n - 1) / 4 + with_zero;
}

static sg_design_kind kind_of(int n, int l, int *q, int *dimension) {
  int power;
  *q = n;
  if (l == 1) return SG_DESIGN_ONE;
  if (l == n) return SG_DESIGN_ALL;
  if (is_singer(n, l, q, dimension)) return SG_DESIGN_SINGER;
  *q = n;
  if (n % 4 == 3 && l == n / 2 && prime_of(n, &power)) return SG_DESIGN_PALEY;
  for (*dimension = 0; *dimension < 2; ++*dimension)
    if (is_quartic(n, l, *dimension)) return SG_DESIGN_QUARTIC;
  if (n % 4 == 3 && l == n / 2 && sg_hadamard_exists(n + 1)) return SG_DESIGN_HADAMARD;
  return is_menon(n, l) ? SG_DESIGN_MENON : SG_DESIGN_NONE;
}

sg_design sg_design_find(int n, int l) {
  sg_design d = {.n = n, .l = l, .omega = n > 1 ? (int)((long)l * (l - 1) / (n - 1)) : 1};
  if (l < 1 || l > n || (n > 1 && (long)l * (l - 1) % (n - 1) != 0)) return d;
  d.kind = kind_of(n, l, &d.q, &d.dimension);
  if (d.kind || l == n) return d;
  d.kind = kind_of(n, n - l, &d.q, &d.dimension);
  d.complement = d.kind != SG_DESIGN_NONE;
  return d;
}

const char *sg_design_name(const sg_design *design) {
  static const char *const names[][2] = {
      [SG_DESIGN_NONE] = {"none", "none"},
      [SG_DESIGN_ONE] = {"every block at one worker", "every block at all workers but one"},
      [SG_DESIGN_ALL] = {"every block at all workers", "none"},
      [SG_DESIGN_SINGER] = {"points and hyperplanes (Singer)",
                            "complement of points and hyperplanes (Singer)"},
      [SG_DESIGN_PALEY] = {"squares of a field (Paley)",
                           "complement of the squares of a field (Paley)"},
      [SG_DESIGN_QUARTIC] = {"fourth powers modulo a prime",
                             "complement of the fourth powers modulo a prime"},
      [SG_DESIGN_HADAMARD] = {"from a Hadamard matrix", "complement of one from a Hadamard matrix"},
      [SG_DESIGN_MENON] = {"a power of J - 2 I (Menon)", "complement of a power of J - 2 I"},
  };
  return names[design->kind][design->complement];
}

/* --- What is near ----------------------------------------------------------------------------- */

/* The ℓ nearest to l with 1 < ℓ < n − 1; 0: there is none. */
static int nearest_load(int n, int l) {
  int best = 0;
  for (int k = 2; k < n - 1; k++)
    if (sg_design_find(n, k).kind && (!best || abs(k - l) < abs(best - l))) best = k;
  return best;
}

static size_t put(const sg_design *d, const char *before, char *out, size_t size, size_t at) {
  if (at + 1 >= size) return at;
  int n = snprintf(out + at, size - at, "%s(%d, %d, %d)", before, d->n, d->l, d->omega);
  return at + (size_t)n;
}

char *sg_design_nearest(int n, int l, char *out, size_t size) {
  size_t at = 0;
  out[0] = '\0';
  for (int k = 1; k <= n && at + 24 < size / 2; k++) {
    sg_design d = sg_design_find(n, k);
    if (d.kind) at = put(&d, at ? ", " : "", out, size, at);
  }
  for (int side = -1; side <= 1; side += 2)
    for (int other = n + side; other >= 7 && other <= 4 * n + 8; other += side) {
      int k = nearest_load(other, l);
      if (!k) continue;
      sg_design d = sg_design_find(other, k);
      at = put(&d, side < 0 || !strstr(out, "; ") ? "; " : " and ", out, size, at);
      break;
    }
  return out;
}

/* --- Finite fields ---------------------------------------------------------------------------- */

/* Elements are 0 … q − 1, the digits to base p being the coefficients of a polynomial. */
typedef struct field {
  int p, degree, q;
  int *power, *log; /* q − 1 powers of an element that has all; log[0] is not used */
} field;

/* x · a, with x^degree = the polynomial `tail`. */
static int times_x(const field *f, int a, int tail) {
  int top = a / (f->q / f->p), shifted = a % (f->q / f->p) * f->p, sum = 0;
  for (int digit = 0, unit = 1; digit < f->degree; digit++, unit *= f->p)
    sum += (shifted / unit % f->p + top * (tail / unit % f->p)) % f->p * unit;
  return sum;
}

/* Fills the powers of x, or, in a field of prime order, of the number x; false: they are not all.
 */
static bool has_all_powers(const field *f, int tail) {
  int a = 1;
  for (int k = 0; k < f->q - 1; k++) {
    f->power[k] = a;
    f->log[a] = k;
    a = f->degree > 1 ? times_x(f, a, tail) : (int)((long)a * tail % f->q);
    if (a == 0 || (a == 1 && k < f->q - 2)) return false;
  }
  return a == 1;
}

/* memory: 2 q numbers. */
static field make_field(int q, int *memory) {
  field f = {.q = q, .power = memory, .log = memory + q};
  f.p = prime_of(q, &f.degree);
  int tail = 1;
  while (!has_all_powers(&f, tail)) tail++; /* a primitive polynomial exists */
  return f;
}

static int minus(const field *f, int a, int b) {
  int sum = 0;
  for (int unit = 1; unit < f->q; unit *= f->p)
    sum += (a / unit % f->p - b / unit % f->p + f->p) % f->p * unit;
  return sum;
}

static int times(const field *f, int a, int b) {
  return a && b ? f->power[(f->log[a] + f->log[b]) % (f->q - 1)] : 0;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* a / b of two that are not 0. */
static int ratio(const field *f, int a, int b) {
  return f->power[(f->log[a] - f->log[b] + f->q - 1) % (f->q - 1)];
}

/* The points whose coordinates before `first` are 0 and there 1, the others being the digits of
 * their number to base q, that are orthogonal to u. Its last coordinate that is not 0, if it is
 * behind `first`, follows from the others. rest: how many points there are. */
static void fill_orthogonal(const field *f, int size, const int *u, int first, int rest,
                            unsigned char *has) {
  int last = size - 1, unit = rest / f->q;
  for (; last > first && u[last] == 0; last--) unit /= f->q;
  if (last == first) {
    memset(has, u[first] == 0, (size_t)rest);
    return;
  }
  for (int high = 0; high < rest; high += unit * f->q)
    for (int low = 0; low < unit; low++) {
      int sum = minus(f, 0, u[first]); /* of the products with the others, with a minus */
      for (int k = first + 1, left = low; k < last; k++, left /= f->q)
        sum = minus(f, sum, times(f, u[k], left % f->q));
      has[high + low + (sum ? ratio(f, sum, u[last]) : 0) * unit] = 1;
    }
}

/* Points of the projective space: vectors whose first coordinate other than 0 is 1. Hyperplane j
 * has the points orthogonal to point j. O(n l dimension), but for the zeros. */
static void fill_singer(const sg_design *d, const field *f, unsigned char *has) {
  enum { MOST = 32 }; /* coordinates: 2^31 points */
  int size = d->dimension + 1, rest[MOST], u[MOST] = {0};
  rest[size - 1] = 1;
  for (int k = size - 1; k > 0; k--) rest[k - 1] = rest[k] * f->q;
  memset(has, 0, (size_t)d->n * (size_t)d->n);
  for (int first = 0; first < size; first++)
    for (int number = 0; number < rest[first]; number++) {
      for (int k = 0, left = number; k < size; k++) {
        u[k] = k > first ? left % f->q : k == first;
        if (k > first) left /= f->q;
      }
      for (int other = 0; other < size; has += rest[other++])
        fill_orthogonal(f, size, u, other, rest[other], has);
    }
}

/* Differences that are a power of the generator whose exponent `each` divides; 0 too if with_zero.
 */
static void fill_powers(const field *f, int each, bool with_zero, unsigned char *has) {
  int n = f->q;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      int difference = minus(f, i, j);
      bool is_power = difference && f->log[difference] % each == 0;
      has[(size_t)j * (size_t)n + (size_t)i] = difference ? is_power : with_zero;
    }
}

/* Entry (j, i) of (J − 2 I)^⊗k is (−1)^(digits to base 4 in which j and i agree). A worker has the
 * blocks where it is −1, the rarer sign, as rows have sum 2^k. */
static void fill_menon(int n, unsigned char *has) {
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      int agree = 0;
      for (int a = j, b = i, size = n; size > 1; a /= 4, b /= 4, size /= 4) agree += a % 4 == b % 4;
      has[(size_t)j * (size_t)n + (size_t)i] = agree % 2 == 1;
    }
}

/* The matrix without its first row and column, which are made all ones. */
static sg_status fill_hadamard(int n, unsigned char *has) {
  size_t order = (size_t)n + 1;
  SG_OWNED signed char *h = malloc(order * order + order);
  if (!h || !sg_hadamard((int)order, h)) return SG_NO_MEMORY;
  for (size_t j = 1; j < order; j++)
    for (size_t i = 1; i < order; i++)
      has[(j - 1) * (size_t)n + i - 1] = h[j * order + i] == h[j * order];
  return SG_OK;
}

sg_status sg_design_fill(const sg_design *d, unsigned char *has) {
  size_t n = (size_t)d->n;
  bool fields =
      d->kind == SG_DESIGN_SINGER || d->kind == SG_DESIGN_PALEY || d->kind == SG_DESIGN_QUARTIC;
  SG_OWNED int *memory = calloc(2 * (size_t)d->q, sizeof *memory);
  if (!memory) return SG_NO_MEMORY;
  field f = {0};
  sg_status status = SG_OK;
  if (fields) f = make_field(d->q, memory);
  switch (d->kind) {
  case SG_DESIGN_NONE:
  case SG_DESIGN_ONE:
    for (size_t k = 0; k < n * n; k++) has[k] = k % n == k / n;
    break;
  case SG_DESIGN_ALL: memset(has, 1, n * n); break;
  case SG_DESIGN_SINGER: fill_singer(d, &f, has); break;
  case SG_DESIGN_PALEY: fill_powers(&f, 2, false, has); break;
  case SG_DESIGN_QUARTIC: fill_powers(&f, 4, d->dimension, has); break;
  case SG_DESIGN_HADAMARD: status = fill_hadamard(d->n, has); break;
  case SG_DESIGN_MENON: fill_menon(d->n, has); break;
  }
  for (size_t k = 0; d->complement && k < n * n; k++) has[k] ^= 1;
  return status;
}
