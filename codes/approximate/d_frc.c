/* SPDX-License-Identifier: MIT */
/* d-fractional repetition (Wang, Liu, Shroff 2019, arXiv:1901.08166): fractional repetition whose
 * load d is chosen for the number of stragglers.
 *
 * Groups of d workers hold the same d blocks of n; a group of which nobody answers is lost. Exact
 * recovery with high probability needs a load of order log n/log(n/s), with an error ε one of order
 * log(1/ε)/log(n/s) (published), which is what
 *
 *   d = ⌈log n/log(n/s)⌉     without any other wish (recalled)
 *   d = the least for which P(exact) reaches `probability`, or the mean error is at most `eps`
 *
 * come to. With straggling probabilities p_j, or any s of n alike (derived):
 *
 *   P(exact) = Π_groups (1 − Π p_j)   Σ_j (−1)^j C(n/d, j) C(n − jd, s − jd)/C(n, s)
 *   E err = Σ_groups d/n Π p_j        C(n − d, s − d)/C(n, s)
 *
 * The alternating sum is computed without cancellation, group by group. Where d does not divide n,
 * groups have d workers or more. theory: d-frc */
#include "codes/tools/repetition.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "computation load: workers of a group and blocks of each of them; left out, it is "
               "chosen: by `probability` or `eps`, or else log n / log(n/s), rounded up",
               .flags = SG_OPTIONAL),
    SG_ROW_REAL("probability", 0, 1, "d is the least with which the sum is exact with this chance",
                .flags = SG_OPTIONAL | SG_MIN_OPEN | SG_MAX_OPEN),
    SG_ROW_REAL("eps", 0, 1,
                "d is the least with which the mean share of the blocks that are lost is at most "
                "this",
                .flags = SG_OPTIONAL | SG_MIN_OPEN | SG_MAX_OPEN),
    SG_ROW_CHOICE("grouping", sg_grouping_names, SG_IN_ORDER,
                  "who is in a group: workers that follow one another, or by known speed, so that "
                  "slow workers are spread over the groups"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct tables {
  sg_repetition of;
  double exact, error; /* P(exact), mean share of the blocks that are lost */
} tables;

/* --- What a load is worth --------------------------------------------------------------------- */

/* P(no group is lost | s are missing). Every worker is missing with probability q = s/n; then the
 * chance that s are and no group is lost, over the chance that s are. missing: 2 (s + 1) numbers.
 */
static double exact_of_number(const tables *t, double *missing) {
  int n = t->of.groups.workers, s = t->of.base.missing;
  double q = (double)s / n, *next = missing + s + 1;
  if (s == 0) return 1;
  memset(missing, 0, ((size_t)s + 1) * sizeof *missing);
  missing[0] = 1;
  for (int group = 0, before = 0; group < t->of.groups.count; group++) {
    int size = sg_group_size(&t->of.groups, group), most = before < s ? before : s;
    memset(next, 0, ((size_t)s + 1) * sizeof *next);
    double chance = pow(1 - q, size);
    for (int k = 0; k < size && k <= s; k++) {
      for (int i = 0; i <= most && i + k <= s; i++) next[i + k] += missing[i] * chance;
      chance *= q / (1 - q) * (size - k) / (k + 1);
    }
    memcpy(missing, next, ((size_t)s + 1) * sizeof *next);
    before += size - 1;
  }
  double log_of_s =
      lgamma(n + 1) - lgamma(s + 1) - lgamma(n - s + 1) + s * log(q) + (n - s) * log1p(-q);
  return fmin(1, missing[s] / exp(log_of_s));
}

/* Groups of d or more, and what they are worth. */
static sg_status make(sg_code *code, const sg_values *values, tables *t, int d, sg_error *e) {
  int n = code->shape.workers;
  sg_status status = sg_groups_make(code, n / d, sg_choice(values, "grouping"), &t->of.groups, e);
  if (status) return status;
  t->exact = 1;
  t->error = 0;
  for (int group = 0; group < t->of.groups.count; group++) {
    double lost = sg_repetition_lost(&t->of, group);
    t->exact *= 1 - lost;
    t->error += lost * sg_group_size(&t->of.groups, group) / n;
  }
  if (!t->of.base.counted) return SG_OK;
  SG_OWNED double *missing = malloc(2 * ((size_t)t->of.base.missing + 1) * sizeof *missing);
  if (!missing) return sg_fail_memory(e);
  t->exact = exact_of_number(t, missing);
  return SG_OK;
}

/* --- Choosing it ------------------------------------------------------------------------------ */

static sg_status choose(sg_code *code, const sg_values *values, tables *t, sg_error *e) {
  int n = code->shape.workers;
  bool by_chance = sg_given(values, "probability"), by_error = sg_given(values, "eps");
  double chance = by_chance ? sg_real(values, "probability") : 0,
         error = by_error ? sg_real(values, "eps") : 1;
  sg_status status = make(code, values, t, n, e);
  if (status) return status;
  if (t->exact < chance || t->error > error)
    return sg_fail_at(e, values, by_chance ? "probability" : "eps",
                      "expected %s %.6g, which d = n = %d has, found %g",
                      by_chance ? "a probability of at most" : "an error of at least",
                      by_chance ? t->exact : t->error, n, by_chance ? chance : error);
  for (int d = 1; d < n; d++) {
    status = make(code, values, t, d, e);
    if (status || (t->exact >= chance && t->error <= error)) return status;
  }
  return make(code, values, t, n, e);
}

static sg_status choose_load(sg_code *code, const sg_values *values, tables *t, sg_error *e) {
  int n = code->shape.workers,
      wishes = sg_given(values, "d") + sg_given(values, "probability") + sg_given(values, "eps");
  if (wishes > 1)
    return sg_fail_at(e, values, NULL,
                      "expected one of d, probability and eps at most, found %d of them", wishes);
  if (sg_given(values, "d")) {
    long d = sg_int(values, "d");
    if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %ld", n, d);
    return make(code, values, t, (int)d, e);
  }
  if (wishes) return choose(code, values, t, e);
  double p = t->of.base.p_mean, d = p > 0 ? ceil(log(n) / -log(p) - 1e-9) : 1;
  return make(code, values, t, (int)fmax(1, fmin(d, n)), e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_approximate_straggling(code, values, &t->of.base, e);
  if (!status) status = choose_load(code, values, t, e);
  if (status) return status;
  t->of.mean = true;
  status = sg_repetition_place(code, &t->of, e);
  if (status) return status;
  char *note = sg_code_alloc(code, 200, 1);
  if (!note) return sg_fail_memory(e);
  snprintf(note, 200,
           "%d groups of %d%s: the sum is exact with probability %.6g, the mean error is %.6g",
           t->of.groups.count, t->of.groups.least, t->of.groups.larger ? " or one more" : "",
           t->exact, t->error);
  code->note = note;
  return sg_approximate_new(code, values, &t->of.base, e);
}

const sg_code_type sg_d_frc = {
    .about = {.name = "d-frc",
              .brief = "repetition, load chosen; approximate",
              .summary =
                  "d-fractional repetition: groups of d workers with the same data, d chosen from "
                  "the number of workers, the stragglers and a chance of exact recovery or an "
                  "error. Approximate.",
              .reference = "Wang, Liu, Shroff 2019, arXiv:1901.08166 (order of the load published; "
                           "code recalled; probabilities derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
