/* SPDX-License-Identifier: MIT */
/* What approximate codes share: a sparse placement, decoders, debiasing, straggling probabilities.
 *
 * Such a code is a placement A, workers × blocks: worker j sends Σ_i A_ji g_i, the master combines
 * whatever has come, ĝ = Σ_j w_j y_j = Σ_i α_i g_i with α = Aᵀ w. A code of this kind fills A and
 * calls sg_approximate_new at the end of its `create`; `encode` and `weights` are given here:
 *
 *   static const sg_param params[] = {SG_ROW_INT("d", …), SG_ROWS_APPROXIMATE, {0}};
 *   const sg_code_type sg_my_code = {…, .create = create, .encode = sg_approximate_encode,
 *                                    .weights = sg_approximate_weights};
 *
 * Decoders (parameter `decoding`; theory: approximate-decoders)
 *   optimal    w = argmin ‖Aᵀ w − 1‖ over the workers that came, of least norm: by the code's own
 *              function where it has one, by LAPACK where the system is small, else by LSQR
 *   fixed      w = c on all of them, c = 1/(d (1 − p)), d as drawn: unbiased in the mean over
 *              blocks under independent straggling
 *   one-step   w = c, c = m/(d r) for r of m workers (Charles, Papailiopoulos, Ellenberg 2017,
 *              arXiv:1711.06771; the linear decoder of Raviv et al. 2017, arXiv:1707.03858)
 *   landweber  u_0 = 1, u_{t+1} = (I − A_Sᵀ A_S/ν) u_t for `steps` steps: between one-step and
 *              optimal (the algorithmic decoding of Charles et al.; recalled)
 *   constant   w = σ/(ε + ω (r − 1)), with mean sum σ and squared norm ε of a worker's row and mean
 *              inner product ω of two: of all weights that depend on r alone those of least mean
 *              error over sets of r (derived; Kadhe, Koyluoglu, Ramchandran 2019, arXiv:1904.13373,
 *              for designs, whose optimal weights they are)
 *   peel       1 on every block that peeling recovers, 0 on the others; where it recovers nothing,
 *              nothing, or optimal weights if the code says so
 *
 * d is the replication, Σ A over the number of blocks; of one-step weights the code may say what is
 * meant by it.
 *
 * Debiasing (parameter `debias`; theory: debiasing)
 *   known      α / κ, with κ = E 1ᵀα / blocks as the code's formula gives it
 *   measured   the same with κ as found in straggler patterns when the code is made: all of them
 *              where there are few, else a sample
 *   blocks     rows carry 1/κ_i, κ_i = E α_i as measured, so that every block is unbiased
 *
 * Straggling probabilities p_j: the parameter `p`; left out, those of the scenario (erasures,
 * crashes); where it has none, all sets of those that are not waited for are alike: s, or what a
 * stop policy "count" leaves over. Other policies do not say how many answer: without any of these
 * fixed weights and debiasing are refused with them.
 *
 * With nothing at all a step is skipped and counted; with fewer messages than waited for, where no
 * more can come, the master takes what there is (SG_ANY_COUNT). */
#ifndef SG_CODES_TOOLS_APPROXIMATE_H
#define SG_CODES_TOOLS_APPROXIMATE_H

#include "codes/frame/code.h"
#include "codes/tools/sparse.h"

typedef enum sg_decoding {
  SG_OPTIMAL,
  SG_FIXED,
  SG_ONE_STEP,
  SG_LANDWEBER,
  SG_CONSTANT,
  SG_PEEL
} sg_decoding;
typedef enum sg_debias {
  SG_DEBIAS_NONE,
  SG_DEBIAS_KNOWN,
  SG_DEBIAS_MEASURED,
  SG_DEBIAS_BLOCKS
} sg_debias;

extern const char *const sg_decodings[], *const sg_debiasings[]; /* the words, NULL-terminated */

#define SG_ROWS_STRAGGLING                                                                         \
  SG_ROW_INT("s", 0, SG_UNBOUNDED, "number of slowest workers that are not waited for"),           \
      SG_ROW_REAL("p", 0, 1,                                                                       \
                  "probability that a worker straggles, for fixed weights and debiasing; left "    \
                  "out: that of the scenario's erasures and crashes, else by how many messages "   \
                  "are waited for",                                                                \
                  .flags = SG_OPTIONAL | SG_MAX_OPEN)

#define SG_ROWS_APPROXIMATE SG_ROWS_DECODING(SG_OPTIMAL)

/* The same with another decoder as the default. */
#define SG_ROWS_DECODING(usual)                                                                    \
  SG_ROWS_STRAGGLING,                                                                              \
      SG_ROW_CHOICE("decoding", sg_decodings, usual,                                               \
                    "weights of the messages: optimal (least squares), fixed (the same whatever "  \
                    "has come, unbiased with p), one-step (by the number that has come, so that "  \
                    "the sum is unbiased), landweber (steps from one-step to optimal), constant "  \
                    "(by the number that has come, of least error), or peel (blocks that come "    \
                    "out one by one, others not at all)"),                                         \
      SG_ROW_INT("steps", 1, 100000, "steps of landweber", .fallback = 10),                        \
      SG_ROW_CHOICE("debias", sg_debiasings, SG_DEBIAS_NONE,                                       \
                    "none; known or measured: the sum over its mean share; blocks: each block "    \
                    "over its own mean share, as measured")

typedef struct sg_approximate sg_approximate;

/* Optimal weights of a code of its own: w[0 … count) for the workers worker[0 … count), rising,
 * count ≥ 1, zero on entry. info: cond1 and flops, if known. scratch: workspace. SG_NO_MEMORY. */
typedef sg_status sg_optimal_weights(const sg_approximate *a, int count, const int *worker,
                                     double *w, sg_scratch *scratch, sg_decode_info *info);

/* Lives in the code's arena, as code->self; a code with tables of its own has it as their first
 * member. The caller fills in what stands above the line before sg_approximate_new. */
struct sg_approximate {
  sg_sparse a;                 /* workers × blocks */
  sg_optimal_weights *optimal; /* NULL: by least squares */
  sg_optimal_weights *quick;   /* others of the same α, for measuring κ; NULL: the same */
  double replication;          /* d, as one-step weights have it; 0: Σ A / blocks */
  double known;                /* κ of optimal decoding at the probabilities p; 0: no formula */
  /* σ, ε and ω of constant weights; all 0: those of A. */
  double sum, energy, overlap;
  bool resort;  /* peel: optimal weights where it recovers nothing */
  bool enlarge; /* peel: weights are times blocks/(those recovered) */
  /* ---- */
  sg_decoding decoding;
  sg_debias debias;
  int steps, s;
  double fixed;    /* c of fixed weights */
  double step;     /* 1/ν of landweber */
  double scale;    /* of all weights: 1/κ */
  const double *p; /* workers: straggling probabilities */
  double p_mean;   /* their mean */
  bool counted;    /* `missing` of them are, all sets equally likely, rather than each by p */
  int missing;
  bool unknown;      /* nothing says how many */
  double *row_scale; /* blocks: 1/κ_i of `blocks`; NULL: ones */
};

/* Reads s and p, before anything else needs them: into t->s, t->p, t->p_mean and what follows.
 * Faults: s ≥ n. */
sg_status sg_approximate_straggling(sg_code *code, const sg_values *values, sg_approximate *t,
                                    sg_error *e);

/* An empty placement in the code's arena, for `entries` entries: add a row for each worker in turn
 * with sg_sparse_add_row, which may have none (an idle worker). false: no memory. */
bool sg_approximate_place(sg_code *code, sg_approximate *t, int blocks, size_t entries);

/* Reads the switches and fills the code: parts, promised, flags, its one segment, stop at n − s
 * messages. t is code->self or its first member. Faults: no formula for `known`; a debias of fixed
 * or one-step weights, which have nothing to mend; p that nothing tells. Measuring costs up to
 * 4,096 decodes. */
sg_status sg_approximate_new(sg_code *code, const sg_values *values, sg_approximate *t,
                             sg_error *e);

/* κ of weights that depend on the number of answers only, and are w(r) at r of them: the mean of
 * r w(r) σ/blocks, for any sets if all rows of A have the same sum. With sg_approximate_straggling
 * read, and σ filled in. The w of constant weights: sg_approximate_constant. O(workers²). */
double sg_approximate_constant(const sg_approximate *t, int count);
/* false: no memory. */
bool sg_approximate_known_by_count(const sg_approximate *t, double *kappa);

/* Optimal weights as they are found for codes without a function of their own. */
sg_optimal_weights sg_approximate_least_squares;
/* The most workspace that it takes, whoever answers: for codes that keep theirs before it. */
size_t sg_approximate_bytes(const sg_approximate *t);

/* For sg_code_type: worker's row of A; a worker without blocks sends nothing of use. */
void sg_approximate_encode(const sg_code *code, const sg_message *message, sg_row *row);
sg_status sg_approximate_weights(const sg_code *code, const sg_used *used);

/* The same weights without messages, debiased: for whoever tries patterns by itself. worker[count]
 * rising; w: count numbers. count = 0: nothing to do. */
sg_status sg_approximate_weigh(const sg_approximate *t, int count, const int *worker, double *w,
                               sg_scratch *scratch, sg_decode_info *info);
/* α (blocks numbers) of those weights. O(entries). */
void sg_approximate_alpha(const sg_approximate *t, int count, const int *worker, const double *w,
                          double *alpha);

/* κ and, where kappa is not NULL, the κ_i (blocks numbers) of the weights as they are: over all
 * patterns of up to 12 workers, of more over 2,000. seed: of the sample. */
sg_status sg_approximate_measure(const sg_approximate *t, uint64_t seed, double *mean,
                                 double *kappa);

#endif
