/* SPDX-License-Identifier: MIT */
/* Real cyclic MDS codes (Raviv, Tamo, Tandon, Dimakis 2017).
 *
 * Worker i holds shares i, …, i + s (mod n) with the coefficients of g(x) = Π (x − ω^e), ω =
 * exp(2πi/n), over the s consecutive exponents e that are symmetric about n/2: rows are cyclic
 * shifts of g, any n − s of them span the all-ones row. The exponents are whole numbers, and the
 * code cyclic, if n + s is odd. In closed form g_t ∝ Π_{i=1..t} sin(π(s − i + 1)/n) / sin(π i/n).
 * The left null space N of B is known too: cos(π i f/n) and sin(π i f/n), i = 0 … n − 1, at the
 * frequencies f = n − s + 1, n − s + 3, … ≤ n. With g(1) = 1 all weights are 1 when everyone
 * answers, and 1 − N (N[S])⁻¹ 1[S] with stragglers S. (derived; recalled that this is the paper's)
 *
 * n + s even: `raise` makes the code for s + 1 stragglers (load s + 2) in place of that for s;
 * `negacyclic` keeps s (load s + 1) and is not in the paper: the same formulas with half-odd
 * exponents give a code whose shifts change sign where they wrap; the positive vector v_j =
 * cos(π(2j − n + 1)/(2n)) takes the place of the all-ones row in it, and dividing column j by v_j
 * makes one of the other. (derived) */
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/elementary.h"
#include "sim/core/owned.h"

#include <math.h>

static const char *const evens[] = {"raise", "negacyclic", "reject", NULL};
enum { RAISE, NEGACYCLIC, REJECT };

static const sg_param params[] = {
    SG_ROW_STRAGGLERS(
        "number of stragglers tolerated; a worker computes s + 1 of n shares. n + s must be "
        "odd, see `even`"),
    SG_ROW_CHOICE("even", evens, RAISE,
                  "where n + s is even and s > 0, for which there is no real cyclic code: the code "
                  "for s + 1 stragglers (load s + 2, the master waits for n - s - 1), a code whose "
                  "shifts change sign where they wrap (load s + 1), or a fault"),
    {0}};

/* The orthonormal null basis, n × s: two columns for each frequency below n, one for n. */
static void fill_null(int n, int s, double *null) {
  double *column = null;
  for (int f = n - s + 1; f <= n; f += 2) {
    double scale = sqrt((f < n ? 2.0 : 1.0) / n);
    for (int i = 0; i < n; i++) {
      /* i f mod 2n keeps the argument small. */
      double angle = M_PI * (double)((long)i * f % (2L * n)) / n;
      column[i] = scale * sg_cos(angle);
      if (f < n) column[n + i] = scale * sg_sin(angle);
    }
    column += f < n ? 2 * n : n;
  }
}

/* Coefficients and the weights when everyone answers. */
static void fill_rows(sg_cyclic *t, double *full) {
  int n = t->n, s = t->s, wraps = s > 0 && (n + s) % 2 == 0;
  double *g = full, sum = 0; /* g in the beginning of full, which is filled afterwards */
  g[0] = 1;
  for (int k = 1; k <= s; k++)
    g[k] = g[k - 1] * sg_sin(M_PI * (s - k + 1) / n) / sg_sin(M_PI * k / n);
  for (int k = 0; k <= s; k++) sum += g[k] * (wraps ? sg_cos(M_PI * (2 * k - s) / (2.0 * n)) : 1);
  for (int i = 0; i < n; i++)
    for (int k = 0; k <= s; k++) {
      double v = wraps ? sg_cos(M_PI * (2 * ((i + k) % n) - n + 1) / (2.0 * n)) : 1;
      double sign = wraps && i + k >= n ? -1 : 1;
      t->coef[i * (s + 1) + k] = sign * g[k] / (sum * v);
    }
  for (int i = 0; i < n; i++) full[i] = wraps ? sg_cos(M_PI * (2 * i - n + 1 + s) / (2.0 * n)) : 1;
}

static sg_status make(sg_code *code, sg_cyclic *t) {
  size_t n = (size_t)t->n, s = (size_t)t->s;
  t->coef = sg_code_alloc(code, n * (s + 1), sizeof *t->coef);
  SG_OWNED double *null = malloc((n * s + 1) * sizeof *null), *full = malloc(n * sizeof *full);
  if (!t->coef || !null || !full) return SG_NO_MEMORY;
  fill_rows(t, full);
  fill_null(t->n, t->s, null);
  return sg_parity_known(code, t->n, t->s, 1, null, full, &t->parity);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, even = sg_choice(values, "even"), s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  bool is_even = s > 0 && (n + s) % 2 == 0;
  if (is_even && even == REJECT)
    return sg_fail_at(e, values, "s", "expected n + s odd (s = %d or %d with n = %d), found s = %d",
                      s - 1, s + 1, n, s);
  sg_cyclic *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->n = n;
  t->s = s + (is_even && even == RAISE);
  code->parts = n;
  code->promised = t->s;
  code->flags = SG_WEIGHTS_PURE;
  if (make(code, t)) return sg_fail_memory(e);
  return sg_code_one_segment(code, values, "s", 1, n - t->s, e);
}

const sg_code_type sg_cyclic_mds = {
    .about = {.name = "cyclic-mds",
              .brief = "real cyclic MDS code, deterministic",
              .summary = "Cyclic placement with the coefficients of a real cyclic MDS code: "
                         "deterministic, any n - s workers recover the sum (d = s + 1, m = 1).",
              .reference = "Raviv, Tamo, Tandon, Dimakis (2017), arXiv:1707.03858 (abstract "
                           "published; construction derived, recalled). Negacyclic variant: "
                           "derived here.",
              .params = params},
    .create = create,
    .encode = sg_cyclic_encode,
    .weights = sg_cyclic_weights,
};
