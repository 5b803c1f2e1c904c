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
#include "codes/tools/approximate.h"
#include "codes/tools/groups.h"
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
  sg_approximate base;
  sg_groups groups;
  double exact, error; /* P(exact), mean share of the blocks that are lost */
} tables;

/* Weights of least norm: the mean of a group's answers. */
static sg_status optimal(const sg_approximate *a, int count, const int *worker, double *w,
                         sg_scratch *scratch, sg_decode_info *info) {
  const tables *t = (const tables *)a;
  size_t size = (size_t)t->groups.count * sizeof(int);
  int *come = sg_scratch_get(scratch, size);
  if (!come) return SG_NO_MEMORY;
  memset(come, 0, size);
  for (int i = 0; i < count; i++) come[t->groups.group[worker[i]]]++;
  for (int i = 0; i < count; i++) w[i] = 1.0 / come[t->groups.group[worker[i]]];
  info->flops = count;
  return SG_OK;
}

/* --- What a load is worth --------------------------------------------------------------------- */

/* P(nobody of a group answers): each by p, or s of n alike. */
static double chance_lost(const tables *t, int group) {
  const sg_approximate *a = &t->base;
  int n = t->groups.workers;
  double lost = 1;
  if (a->counted)
    for (int i = 0; i < sg_group_size(&t->groups, group); i++)
      lost *= fmax(0, a->s - i) / (double)(n - i);
  for (int j = 0; !a->counted && j < n; j++)
    if (t->groups.group[j] == group) lost *= a->p[j];
  return lost;
}

/* P(no group is lost | s are missing). Every worker is missing with probability q = s/n; then the
 * chance that s are and no group is lost, over the chance that s are. missing: 2 (s + 1) numbers.
 */
static double exact_of_number(const tables *t, double *missing) {
  int n = t->groups.workers, s = t->base.s;
  double q = (double)s / n, *next = missing + s + 1;
  if (s == 0) return 1;
  memset(missing, 0, ((size_t)s + 1) * sizeof *missing);
  missing[0] = 1;
  for (int group = 0, before = 0; group < t->groups.count; group++) {
    int size = sg_group_size(&t->groups, group), most = before < s ? before : s;
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
  sg_status status = sg_groups_make(code, n / d, sg_choice(values, "grouping"), &t->groups, e);
  if (status) return status;
  t->exact = 1;
  t->error = 0;
  for (int group = 0; group < t->groups.count; group++) {
    double lost = chance_lost(t, group);
    t->exact *= 1 - lost;
    t->error += lost * sg_group_size(&t->groups, group) / n;
  }
  if (!t->base.counted) return SG_OK;
  SG_OWNED double *missing = malloc(2 * ((size_t)t->base.s + 1) * sizeof *missing);
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
  double p = t->base.p_mean, d = p > 0 ? ceil(log(n) / -log(p) - 1e-9) : 1;
  return make(code, values, t, (int)fmax(1, fmin(d, n)), e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_approximate_straggling(code, values, &t->base, e);
  if (!status) status = choose_load(code, values, t, e);
  if (status) return status;
  SG_OWNED double *ones = malloc((size_t)n * sizeof *ones);
  SG_OWNED int *block = malloc((size_t)n * sizeof *block);
  char *note = sg_code_alloc(code, 200, 1);
  size_t most = (size_t)t->groups.most;
  if (!ones || !block || !note || !sg_approximate_place(code, &t->base, n, (size_t)n * most))
    return sg_fail_memory(e);
  for (int i = 0; i < n; i++) ones[i] = 1;
  for (int j = 0; j < n; j++) {
    int group = t->groups.group[j], size = sg_group_size(&t->groups, group);
    /* Blocks go to the groups one after another, as many as there are workers. */
    int first = group * t->groups.least + (group < t->groups.larger ? group : t->groups.larger);
    for (int i = 0; i < size; i++) block[i] = first + i;
    sg_sparse_add_row(&t->base.a, size, block, ones);
  }
  snprintf(note, 200,
           "%d groups of %d%s: the sum is exact with probability %.6g, the mean error is %.6g",
           t->groups.count, t->groups.least, t->groups.larger ? " or one more" : "", t->exact,
           t->error);
  code->note = note;
  t->base.optimal = optimal;
  t->base.known = 1 - t->error;
  return sg_approximate_new(code, values, &t->base, e);
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
