/* SPDX-License-Identifier: MIT */
/* Fractional repetition used approximately (Charles, Papailiopoulos, Ellenberg 2017,
 * arXiv:1711.06771): groups of d workers hold the same d blocks of n and send their sum; groups of
 * which nobody answers are lost (recalled; theory: approximate-repetition).
 *
 * Optimal decoding takes one answer of each group, in O(n): of several that of the least number, or
 * their mean, which has the same α and is the least-norm solution. With independent straggling
 * E ‖α − 1‖² = n p^d and the mean share is κ = 1 − p^d; with r of n answers, all sets alike,
 * κ = 1 − C(n − d, r)/C(n, r) (derived). Both are least possible for such a load. Where d does not
 * divide n, groups have d workers or more, as equally many as can be.
 *
 * With the stop policy {"rule": "first-of", "first": {"rule": "count", "messages": …}, "second":
 * {"rule": "coverage", "share": 1}} this is ErasureHead (Wang, Charles, Papailiopoulos 2019,
 * arXiv:1901.09671; official code): the master stops when so many have come or all groups are
 * covered, takes the first of each group and does not rescale (published), or divides by κ. */
#include "codes/tools/repetition.h"

static const char *const answers[] = {"first", "mean", NULL};
enum { FIRST, MEAN };

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "computation load: workers of a group, and blocks that each of them has; where it "
               "does not divide n, groups have d or more",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("grouping", sg_grouping_names, SG_IN_ORDER,
                  "who is in a group: workers that follow one another, or by known speed, so that "
                  "slow workers are spread over the groups"),
    SG_ROW_CHOICE("answers", answers, FIRST,
                  "which of several answers of a group optimal decoding uses: the first, in the "
                  "order of the workers' numbers, or their mean"),
    SG_ROWS_APPROXIMATE,
    {0}};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long d = sg_int(values, "d");
  if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %ld", n, d);
  sg_repetition *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->mean = sg_choice(values, "answers") == MEAN;
  sg_status status = sg_approximate_straggling(code, values, &t->base, e);
  if (!status)
    status = sg_groups_make(code, n / (int)d, sg_choice(values, "grouping"), &t->groups, e);
  if (!status) status = sg_repetition_place(code, t, e);
  return status ? status : sg_approximate_new(code, values, &t->base, e);
}

const sg_code_type sg_approximate_repetition = {
    .about = {.name = "approximate-repetition",
              .brief = "groups that repeat, the lost ones left out",
              .summary = "Fractional repetition used approximately: groups of d workers with the "
                         "same blocks, one answer of each counts, and groups without an answer are "
                         "left out. Also ErasureHead, by its stop policy. Approximate.",
              .reference = "Charles, Papailiopoulos, Ellenberg 2017, arXiv:1711.06771 (recalled); "
                           "Wang, Charles, Papailiopoulos 2019, arXiv:1901.09671 (published).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
