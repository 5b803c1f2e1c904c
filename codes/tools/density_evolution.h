/* SPDX-License-Identifier: MIT */
/* Density evolution: what share of the unknowns peeling leaves, as their number grows.
 *
 * Rateless codes (LT, batch raptor) and low-density parity-check codes, as published for erasure
 * channels (Luby, Mitzenmacher, Shokrollahi, Spielman 2001; recalled) and checked by simulated
 * peeling. theory: density-evolution */
#ifndef SG_CODES_TOOLS_DENSITY_EVOLUTION_H
#define SG_CODES_TOOLS_DENSITY_EVOLUTION_H

/* A law of degrees: P(k) = chance[k], k = 1 … most; chance[0] is not used. */
typedef struct sg_degrees {
  int most;
  const double *chance;
} sg_degrees;

double sg_degrees_mean(const sg_degrees *law);

/* The degrees of a batch raptor code (Wang, Liu, Shroff 2019, arXiv:1901.08166; recalled), eps <
 * 1/4: with K = ⌊1/eps⌋ and u = 2 eps (1 − 2 eps)/(1 − 4 eps)²,
 *
 *   P(1) = u/(u + 1)   P(k) = 1/(k (k − 1) (u + 1)), 2 ≤ k ≤ K   P(K + 1) = 1/(K (u + 1))
 *
 * Degrees above `most` count as `most`. chance: most + 1 numbers. Returns the largest degree. */
int sg_raptor_degrees(double eps, int most, double *chance);

/* Every message is the sum of that many of the unknowns, all alike, and there are `ratio` messages
 * for each unknown. The share that peeling leaves: the largest root of
 *
 *   x = exp(−ratio Σ k P(k) (1 − x)^(k − 1)),
 *
 * to which iteration from x = 1 falls. O(most) an iteration, at most 10⁶ of them. */
double sg_evolve_rateless(const sg_degrees *law, double ratio);

/* Regular LDPC codes: every position in `left` checks of `right` positions, erased with probability
 * p. The share of positions still erased after t = 1 … rounds, into q[t − 1]:
 *
 *   x_0 = p   x_t = p (1 − (1 − x_{t−1})^(right−1))^(left−1)
 *   Q_t = p (1 − (1 − x_{t−1})^(right−1))^left */
void sg_evolve_ldpc(int left, int right, double p, int rounds, double *q);

/* The largest p from which all is recovered: the minimum over 0 < x ≤ 1 of x divided by
 * (1 − (1 − x)^(right−1))^(left−1), to 1e-9. left ≥ 3 (with 2 it is 1/(right − 1), at x = 0). */
double sg_ldpc_threshold(int left, int right);

#endif
