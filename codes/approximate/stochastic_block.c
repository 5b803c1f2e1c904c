/* SPDX-License-Identifier: MIT */
/* The stochastic block code (Charles, Papailiopoulos 2018, arXiv:1805.10378): n/c communities of c
 * workers and c blocks; a worker has a block of its own community with probability P, any other
 * with probability Q (recalled; theory: stochastic-block).
 *
 * P = 1, Q = 0 is fractional repetition, P = Q the Bernoulli code. In between, whoever wants to
 * choose the stragglers that hurt most has to find the communities (published). With one-step
 * weights, s̄ = P c + Q (n − c) and ρ = n/(r s̄), r of n workers (derived):
 *
 *   E ‖α − 1‖² = n (ρ² E X² − 2 ρ r s̄/n + 1),
 *   E X² = r s̄/n + r (r − 1)/(n (n − 1)) (s̄² − c P² − (n − c) Q²) */
#include "codes/tools/placement.h"
#include "codes/tools/rules.h"

static const sg_param params[] = {
    SG_ROW_INT("c", 1, SG_UNBOUNDED, "size of a community: so many workers and blocks; divides n",
               .flags = SG_REQUIRED),
    SG_ROW_REAL("P", 0, 1, "probability that a worker has a block of its own community",
                .fallback = 1),
    SG_ROW_REAL("Q", 0, 1, "probability that it has a block of another one"),
    SG_ROW("cover", SG_BOOL, "drawn given that every block has a worker"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct communities {
  int workers, size;
  double inside, across;
} communities;

static double chance(const void *of, int worker, int block, int *end) {
  const communities *c = of;
  int own = block / c->size * c->size;
  bool inside = worker >= own && worker < own + c->size;
  *end = inside ? own + c->size : worker < own ? own : c->workers;
  return inside ? c->inside : c->across;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long c = sg_int(values, "c");
  char list[200];
  if (c > n || n % c != 0)
    return sg_fail_at(e, values, "c", "expected a community that divides n = %d (%s), found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), c);
  communities of = {n, (int)c, sg_real(values, "P"), sg_real(values, "Q")};
  double load = of.inside * (double)c + of.across * (double)(n - c);
  if (!(load > 0))
    return sg_fail_at(e, values, "P", "expected P > 0 or, with c < n, Q > 0, found P = %g, Q = %g",
                      of.inside, of.across);
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_draw draw = {.blocks = n, .chance = chance, .of = &of, .cover = sg_bool(values, "cover")};
  sg_status status = sg_placement_draw(code, &draw, t, e);
  if (status) return status;
  if (!draw.cover) t->replication = load;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_stochastic_block = {
    .about = {.name = "stochastic-block",
              .brief = "random communities, approximate",
              .summary = "Stochastic block code: communities of c workers and blocks; a worker has "
                         "a block of its own community with probability P, of another one with "
                         "probability Q, and sends their sum. Approximate.",
              .reference = "Charles, Papailiopoulos 2018, arXiv:1805.10378 (recalled).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
