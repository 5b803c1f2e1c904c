/* SPDX-License-Identifier: MIT */
/* Group codes below their threshold: a group of which too few answer is decoded all the same, by
 * minimum norm (theory: approximate-groups).
 *
 * The columns A of the generator that have come give P_A h in place of the group's share h, P_A the
 * projector on their span. With pieces of equal energy that are not correlated the relative squared
 * error is 1 − rank A/m. Debiasing multiplies by the inverse of E P_A, for workers that straggle
 * independently with probabilities p or, where the scheme's stop counts messages, for all sets of
 * so many workers alike. */
#ifndef SG_CODES_BELOW_H
#define SG_CODES_BELOW_H

#include "codes/tools/groups.h"

/* Optional without defaults, so that schemes that know nothing of them keep their names in
 * databases. */
#define SG_ROWS_BELOW                                                                              \
  SG_ROW_CHOICE("below", sg_below_words, 0,                                                        \
                "what the master does where a group has fewer messages than it takes: refuse to "  \
                "decode (exact), or estimate the group's sum by minimum norm (approximate), so "   \
                "that any stop may end a round; refuse when left out",                             \
                .flags = SG_OPTIONAL),                                                             \
      SG_ROW_CHOICE("debias", sg_below_debiasings, 0,                                              \
                    "none; known: estimates over 1 - e by the closed form, where the mean of "     \
                    "the projectors is a multiple of the unit matrix; measured: times the "        \
                    "inverse of that mean, over all sets of a group's workers or a sample; none "  \
                    "when left out",                                                               \
                    .flags = SG_OPTIONAL, .with = "below=minimum-norm"),                           \
      SG_ROW_REAL("p", 0, 1,                                                                       \
                  "probability that a worker straggles, for debiasing; left out: for a stop that " \
                  "counts messages all sets of so many are alike, else that of the scenario's "    \
                  "erasures and crashes",                                                          \
                  .flags = SG_OPTIONAL | SG_MAX_OPEN, .with = "below=minimum-norm")
extern const char *const sg_below_words[], *const sg_below_debiasings[];

/* Who sends which columns of a group's code: as in sg_groups_weights. */
typedef struct sg_columns {
  int each;
  int (*of)(const void *self, int size, int position, int tag); /* NULL: the position */
  const void *self;
} sg_columns;

/* Reads the members, after g->inner: with minimum-norm the code is not exact, takes any count, and
 * g->below and g->unbias are filled in. Appends what the error is to the note, memory of the code;
 * NULL: there is none yet. Faults: known where E P_A is not scalar, or no probabilities. */
sg_status sg_below_read(sg_code *code, const sg_values *values, sg_groups *g,
                        const sg_columns *columns, sg_error *e);

/* E err_norm with the weights as they are when worker j is missing with probability p[j],
 * independently (p NULL: when `count` answer, all sets alike): Σ_{a<m} C(d, a) (1 − p)^a p^(d − a)
 * (1 − a/m) for MDS codes, equal p and no debiasing, and then the e/(1 − e) of debiasing by it;
 * otherwise over all sets of a group's workers or a sample. To *error, NAN: the code is exact.
 * SG_NO_MEMORY. O(n d) or O(groups · sets · m²). */
sg_status sg_below_error(const sg_code *code, const sg_groups *g, const sg_columns *columns,
                         const double *p, int count, double *error);

#endif
