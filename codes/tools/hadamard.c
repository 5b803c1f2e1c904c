/* SPDX-License-Identifier: MIT */
/* Hadamard matrices by Paley and Sylvester. */
#include "codes/tools/hadamard.h"

static bool is_prime(int q) {
  if (q < 2) return false;
  for (int k = 2; k <= q / k; k++)
    if (q % k == 0) return false;
  return true;
}

/* The construction that gives the order without doubling. */
typedef enum seed_kind { NONE, ONE, PALEY_ONE, PALEY_TWO } seed_kind;

static seed_kind kind_of(int order) {
  if (order == 1) return ONE;
  if (order % 4 != 0) return NONE;
  if (is_prime(order - 1)) return PALEY_ONE;                       /* then = 3 mod 4 */
  if (order % 8 == 4 && is_prime(order / 2 - 1)) return PALEY_TWO; /* then = 1 mod 4 */
  return NONE;
}

/* The order that doubling begins with; 0: there is none. */
static int seed_of(int order) {
  for (; order > 0; order = order % 2 ? 0 : order / 2)
    if (kind_of(order) != NONE) return order;
  return 0;
}

bool sg_hadamard_exists(int order) {
  return order > 0 && seed_of(order) > 0;
}

/* The Legendre symbol of x modulo a prime q, by Euler's criterion. */
static int legendre(int x, int q) {
  long power = 1, base = ((long)x % q + q) % q;
  if (base == 0) return 0;
  for (int k = (q - 1) / 2; k > 0; k /= 2) {
    if (k % 2) power = power * base % q;
    base = base * base % q;
  }
  return power == 1 ? 1 : -1;
}

/* Entry (i, j) of the bordered Jacobsthal matrix of order q + 1: 0 on the diagonal, ones in row 0,
 * `border` in column 0. With border −1 (q = 3 mod 4) it is skew, with 1 (q = 1 mod 4) symmetric. */
static int conference(int i, int j, int q, int border, const signed char *symbol) {
  if (i == 0) return j > 0;
  return j == 0 ? border : symbol[(i - j + q) % q];
}

static int entry_of(seed_kind kind, int i, int j, int q, const signed char *symbol) {
  switch (kind) {
  case PALEY_ONE: return conference(i, j, q, -1, symbol) + (i == j);
  case PALEY_TWO: { /* C ⊗ [1 1; 1 −1] + I ⊗ [1 −1; −1 −1] */
    int c = conference(i / 2, j / 2, q, 1, symbol), both = i % 2 && j % 2;
    return i / 2 == j / 2 ? (i % 2 || j % 2 ? -1 : 1) : both ? -c : c;
  }
  default: return 1;
  }
}

bool sg_hadamard(int order, signed char *h) {
  int seed = order > 0 ? seed_of(order) : 0;
  if (seed == 0) return false;
  seed_kind kind = kind_of(seed);
  int q = kind == PALEY_TWO ? seed / 2 - 1 : seed - 1;
  signed char *symbol = h + (long)order * order;
  for (int x = 0; x < q; x++) symbol[x] = (signed char)legendre(x, q);
  for (int i = 0; i < order; i++)
    for (int j = 0; j < order; j++) {
      int sign = entry_of(kind, i % seed, j % seed, q, symbol);
      if (__builtin_popcount((unsigned)(i / seed) & (unsigned)(j / seed)) % 2) sign = -sign;
      h[(long)i * order + j] = (signed char)sign;
    }
  for (int j = 0; j < order; j++)
    if (h[j] < 0)
      for (int i = 0; i < order; i++) h[(long)i * order + j] = (signed char)-h[(long)i * order + j];
  return true;
}
