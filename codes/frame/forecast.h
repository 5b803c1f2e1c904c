/* SPDX-License-Identifier: MIT */
/* What a code may know beforehand of the times of the workers that it is made for.
 *
 * T_1 … T_n are the times that the n workers need for `work` subsets each in one iteration, and
 * T_(1) ≤ … ≤ T_(n) the same in order. A code asks in `create`, through shape->forecast, and only
 * there: NULL where there is no scenario (codes check) or the caller knows nothing. What is not
 * asked for costs nothing. The same scenario gives the same numbers, to the last bit, to a plan and
 * to every run of it.
 *
 * Times are compute times, from the moment at which a worker begins: the scenario's delay with its
 * speeds and modifiers and, for crashes that last for seconds, the time down. Links, ingress and
 * broadcast are not in them, since these depend on what the code has not said yet. Workers that are
 * lost in an iteration have the times that they would have had: how often that is, is `straggling`.
 *
 * Means come from a sample of 10⁵ draws of all workers (for n > 40: of 4·10⁶/n, at least 100):
 * their standard error is the standard deviation of T_(k) (of 1/T_(k)) over the root of that, 0.3 %
 * of it for n ≤ 40. Whether a mean exists is known exactly, from the tails of the laws. What-if
 * points (`without`) get the forecast of the scenario as it is: their codes are the same. */
#ifndef SG_CODES_FRAME_FORECAST_H
#define SG_CODES_FRAME_FORECAST_H

#include <stdbool.h>

typedef struct sg_forecast {
  void *of; /* the first argument of the functions */

  /* E T_(k), k = 1 … n; INFINITY where there is no mean. NAN: out of memory. The first call for a
   * work draws the sample, O(draws · n log n), a tenth of a second for 10⁶ times; the others are
   * O(1), for any work where times are in proportion to it. 1 ≤ k ≤ n, work > 0. */
  double (*mean)(void *of, double work, int k);

  /* E 1/T_(k); INFINITY where there is none (k = 1 of unshifted exponentials). NAN: out of memory.
   */
  double (*inverse_mean)(void *of, double work, int k);

  /* times[i · n + w]: the time of worker w in the i-th draw, from streams that no run uses and the
   * means do not either; the same in each call. count < 2²³. false: out of memory. */
  bool (*samples)(void *of, double work, int count, double *times);

  /* The probability that the worker's messages never come in an iteration, drawn uniformly from
   * those of the run: erasures and crashes, exactly. NAN where it is not known before the code is
   * there (erasure by the worst pattern). */
  double (*straggling)(void *of, int worker);
} sg_forecast;

#endif
