/* SPDX-License-Identifier: MIT */
/* How safe a code is: recovery, conditioning and rounding errors over patterns of stragglers.
 *
 * A pattern is a set of workers that do not answer; all others do all their work and send all their
 * messages, and nodes that only relay are there. Where stragglers are slow, not lost, what they
 * send early comes all the same (sg_code_type.comes). Of codes whose protocol reacts to what
 * happens, or whose rounds depend on each other, every pattern is played for several rounds in
 * several orders of what happens (trial.h); it decodes if they all do. Every pattern goes through
 * the code's own rows and decode weights and through the one kernel. Patterns with at most s
 * workers missing (s = code->promised) are tried all, or, where there are too many, sampled
 * uniformly, and searched for the worst (greedy, then swaps of one worker). For every number of
 * responders it is counted how many sets decode, and, of codes that are not exact, how far their
 * sums are from the whole one.
 *
 * What is measured of a pattern that decodes
 *   cond2          2-norm condition number of its decode system: the rows of the messages that have
 *                  a weight, one row each, over (part, piece); σ_max / σ_min of the singular values
 *                  above max(rows, columns) · ε · σ_max, the numerical rank. So it ends near 1e13,
 *                  where no digit is left. Rows that share no part are systems of their own; of
 *                  these, and of several segments, the worst.
 *   amplification  sg_decode_info.amplification over all segments, as `decode_amp` of a run
 *   residual       max |Σ weight · row − 1| over the coefficients of the decoded sum
 *   error          ‖ĝ − Σ g‖ / Σ ‖g‖ for gradients of independent normal numbers, encoded in
 *                  float64, messages rounded to a format, decoded in float64; the sum to compare
 *                  with in compensated arithmetic. As `grad_scaled_err` of a run. With coded parts
 *                  gradients are those of least squares with one row in each part.
 *   deviation      Σ (α − 1)² / parts, α being the coefficients of the decoded sum */
#ifndef SG_CHECK_CHECK_H
#define SG_CHECK_CHECK_H

#include "codes/frame/code.h"
#include "models/compress/compress.h"
#include "sim/check/rehearsal.h"

typedef struct sg_check_options {
  long patterns; /* so many are tried one by one; of more, so many are sampled */
  /* Probabilities of straggling, given to the workers in turn; 0: nothing is asked. */
  int n_straggling;
  const double *straggling;
  uint64_t seed; /* of gradients, samples and searches; the code has its own */
  int threads;   /* the result is the same for any number */
  /* NULL, or called from the calling thread now and then with the share that is done. */
  void (*progress)(void *user, double share);
  void *user;
} sg_check_options;

/* Over the patterns tried with at most s missing that decode. Quantiles (nearest rank) are of the
 * patterns tried all or sampled; the worst is of those and of the searched ones. NAN: not known. */
typedef struct sg_check_spread {
  double median, p90, p99, worst;
  int n_missing, *missing; /* of the worst pattern; owned */
} sg_check_spread;

/* Sets of responders of one size. */
typedef struct sg_check_sets {
  int responders;
  double sets;                            /* that there are */
  long tried, decodable;                  /* tried == sets: counted, otherwise sampled */
  double mean_deviation, worst_deviation; /* of those that decode; NAN: none, or not known */
  /* Of codes that are not exact; NAN: not known. What an adversary found that takes workers away
   * one by one (straggling.h), and what no decoder can go below: of the mean over all sets and of
   * the worst one, by who holds what. */
  double greedy, least_mean, least_worst;
} sg_check_sets;

/* Each worker straggles with a probability of its own, independently. Where nothing is decoded the
 * coefficients α are 0. Means over all patterns, or over a sample. */
typedef struct sg_check_straggling {
  bool known;      /* it was asked for */
  bool enumerated; /* all patterns; otherwise `tried` drawn ones */
  long tried;
  double error, error_se;       /* of `deviation`, and its standard error: 0 if enumerated */
  double formula;               /* the same by the code's own (mean_error); NAN: none */
  double share;                 /* Σ α / parts: κ, 1 if there is no bias in the mean */
  double debiased;              /* deviation of α / κ */
  double recovered, refused;    /* probability that the sum comes out exactly, that nothing does */
  double bound, unbiased_bound; /* the least error of any decoder, of any unbiased one, with these
                                   holdings */
} sg_check_straggling;

typedef struct sg_check {
  int workers;
  long length;
  bool exact;
  bool partial;    /* who is missing has sent something all the same (sg_code_type.comes) */
  bool exhaustive; /* every pattern with at most s missing was tried */
  double patterns; /* that there are with at most s missing */
  long tried, searched;
  /* Promised by the code, and found in the messages of all patterns, orders and rounds that were
   * tried. d is the share of the data that the busiest worker holds, times n; 1/m what a worker
   * sends at a snapshot, in gradients; s the most workers any of which may be missing. */
  double d_promised, d_found, m_promised, m_found;
  int s_promised, s_found;
  bool s_proved; /* s_found rests on all patterns, not on samples */
  double copies; /* data held by all workers over the data; d where loads are equal */
  double slack;  /* copies − (s + m) as found, never negative: 0 is the optimal trade-off (Ye and
                    Abbe 2018); NAN for partial and approximate codes and for coded data, which have
                    another */
  long broken;   /* promised patterns that were refused */
  int n_broken_missing, *broken_missing; /* the first of them */
  long inaccurate; /* of the patterns tried: decoded, by an exact code, with an error of 1e-6 or
                      more even though messages are float64 */
  int n_sets;
  sg_check_sets *sets; /* from all workers downward; sizes that were not tried are left out */
  sg_check_straggling straggling;
  /* Σ ‖g‖ / ‖Σ g‖: times it, errors are relative to the sum, which is one scale for all codes; Σ
   * ‖g‖ is smaller where a code has fewer and larger parts. */
  double norms_ratio;
  sg_check_spread cond2, amplification, residual, error[SG_PRECISIONS];
  double encode_flops; /* of the busiest worker */
  double find_flops;   /* to find weights: the most of a pattern */
  double apply_flops;  /* to apply them, per coordinate of the gradient: the most of a pattern */
  /* What the master must receive: messages with a weight, and their length in gradients (· length ·
   * 8 bytes as float64); the least of a pattern tried and of one in which workers were left out,
   * from the last to the first, as long as the rest decodes. */
  double least_messages, received;
  /* Of one update, over all orders, rounds and patterns that were played: of codes without a
   * protocol of their own with everyone there, and the code's own stop rule. */
  sg_traffic_range traffic;
} sg_check;

/* Faults: not enough memory; SG_BUG, a mistake in the code's rows or protocol. O(patterns · (SVD of
 * the decode system + messages · length)). */
sg_status sg_code_check(const sg_code *code, const sg_check_options *options, sg_check **out,
                        sg_error *e);
void sg_check_free(sg_check *check);

#endif
