/* SPDX-License-Identifier: MIT */
/* Symmetric block designs (n, ℓ, ω): n blocks and n workers, ℓ blocks at every worker and ℓ workers
 * with every block, any two workers have ω blocks in common, so that ℓ(ℓ − 1) = ω(n − 1).
 *
 * What can be made here, with the complement (n, n − ℓ, n − 2ℓ + ω) of each (all recalled from the
 * literature on designs; that they are designs is tested):
 *   trivial   (n, 1, 0), (n, n − 1, n − 2), (n, n, n)
 *   Singer    points and hyperplanes of the projective space of dimension D ≥ 2 over the field of a
 *             prime power Q: ℓ = (Q^D − 1)/(Q − 1), n = Qℓ + 1; D = 2: planes, ω = 1
 *   Paley     (q, (q − 1)/2, (q − 3)/4), the squares of a field of prime power q = 3 mod 4
 *   quartic   fourth powers modulo a prime p = 4x² + 1, x odd: (p, (p − 1)/4, (p − 5)/16); with 0,
 *             modulo p = 4x² + 9, x odd: (p, (p + 3)/4, (p + 3)/16)
 *   Hadamard  (4t − 1, 2t − 1, t − 1), of the matrices of order 4t of hadamard.h
 *   Menon     (4^k, 2^(2k−1) − 2^(k−1), 4^(k−1) − 2^(k−1)), powers of the matrix J − 2 I of order 4
 */
#ifndef SG_CODES_TOOLS_SYMMETRIC_DESIGN_H
#define SG_CODES_TOOLS_SYMMETRIC_DESIGN_H

#include "codes/frame/code.h"

typedef enum sg_design_kind {
  SG_DESIGN_NONE,
  SG_DESIGN_ONE, /* n, 1, 0 */
  SG_DESIGN_ALL, /* n, n, n */
  SG_DESIGN_SINGER,
  SG_DESIGN_PALEY,
  SG_DESIGN_QUARTIC,
  SG_DESIGN_HADAMARD,
  SG_DESIGN_MENON
} sg_design_kind;

typedef struct sg_design {
  int n, l, omega;
  sg_design_kind kind;
  bool complement;
  int q, dimension; /* of the field, of the space; quartic: 1 if 0 is one of the set */
} sg_design;

/* How the design of n workers with l blocks each can be made; kind NONE: not here. omega is then
 * l(l − 1)/(n − 1), rounded down. O(log² n √n). */
sg_design sg_design_find(int n, int l);

/* What it is called: "Singer", "complement of Paley". */
const char *sg_design_name(const sg_design *design);

/* Whether the theorem of Bruck, Ryser and Chowla (1949, 1950; recalled) leaves the design possible:
 * for even n, ℓ − ω is a square; for odd n, x² = (ℓ − ω) y² + (−1)^((n−1)/2) ω z² has a solution
 * other than 0 in whole numbers, which Hilbert's symbols decide. ω ≥ 1, ω < ℓ. */
bool sg_design_is_possible(long n, long l, long omega);

/* "(7, 3, 1)" for what is near (n, l): designs for n workers, then, with 1 < ℓ < n − 1, of the
 * nearest smaller and larger n. Returns `out`. */
char *sg_design_nearest(int n, int l, char *out, size_t size);

/* Writes has[j · n + i], 1 where worker j has block i. SG_NO_MEMORY. O(n² dimension). */
sg_status sg_design_fill(const sg_design *design, unsigned char *has);

#endif
