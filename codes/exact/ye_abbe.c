/* SPDX-License-Identifier: MIT */
/* Communication–computation efficient gradient codes (Ye & Abbe 2018): load d, s stragglers,
 * messages of 1/m of a gradient, for any d ≥ s + m.
 *
 * Worker j holds shares j, …, j + d − 1 (mod n). Worker j's coefficient for piece u of share i is
 * entry (i, u) of B v_j, where v_j is column j of V ((n − s) × n) and B ((m n) × (n − s)) is such
 * that B V vanishes where share i is not held and the last m columns of B are stacked unit
 * matrices. The sum is then in the last m columns of (coefficients of the messages) V_F⁻¹, for any
 * n − s workers F.
 *
 * polynomial: V is a Vandermonde matrix, B holds the coefficients of recursively defined
 * polynomials. Its arithmetic breaks down near n = 20; the solution is given all the same, with its
 * condition, as that is what a user wants to see; its tables are dense, n × (n − s) numbers.
 * random: V has independent N(0, 1) entries, the rest of B is solved for share by share; of more
 * than 512 workers by the null space of V (nulling.h), in O(n d (s + m)²). (recalled, confirmed
 * numerically)
 */
#include "codes/linear/inner.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/nulling.h"
#include "codes/tools/parity.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>
#include <string.h>

static const char *const constructions[] = {"polynomial", "random", NULL};
enum { POLYNOMIAL, RANDOM };

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED, "load: shares of the data, of n, that a worker computes",
               .flags = SG_REQUIRED),
    SG_ROW_INT("m", 1, SG_UNBOUNDED, "communication reduction: a message is 1/m of a gradient",
               .flags = SG_REQUIRED),
    SG_ROW_INT("s", 0, SG_UNBOUNDED, "number of stragglers tolerated; d - m when left out",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("construction", constructions, RANDOM,
                  "how the coefficients are made: recursive polynomials (exact to about n = 18) or "
                  "random matrices"),
    {0}};

typedef struct tables {
  int n, d, s, m, construction;
  double *v;               /* (n − s) × n, column-major; NULL: of many workers (nulling.h) */
  double *coef;            /* [worker][share j, j + 1, …][piece] */
  const sg_parity *parity; /* NULL: the direct solve is cheaper, or wanted */
} tables;

/* --- Polynomial construction ------------------------------------------------------------------ */

/* Rows of B for share i: block[u + c · m] is the coefficient of x^c in its polynomial u. */
static void polynomial_block(const tables *t, int i, double *block) {
  int r = t->n - t->s, m = t->m, top = t->n - t->d;
  double *first = block; /* p^(1): zero at the points of the workers that do not hold share i */
  first[0] = 1;
  for (int k = 1; k <= top; k++) {
    double root = sg_vandermonde_point(t->n, (i + k) % t->n);
    for (int c = k; c >= 0; c--)
      first[c * m] = (c > 0 ? first[(c - 1) * m] : 0) - (c < k ? root * first[c * m] : 0);
  }
  /* p^(u+1) = x p^(u) − (coefficient of x^(n−d−1) in p^(u)) p^(1). */
  for (int u = 1; u < m; u++) {
    double factor = top > 0 ? block[u - 1 + (top - 1) * m] : 0;
    for (int c = 0; c < r; c++)
      block[u + c * m] = (c > 0 ? block[u - 1 + (c - 1) * m] : 0) - factor * first[c * m];
  }
}

/* --- Making ----------------------------------------------------------------------------------- */

/* Coefficients of share i at the workers that hold it: rows of B times columns of V. */
static void spread(tables *t, int i, const double *block) {
  int r = t->n - t->s, m = t->m;
  for (int k = 0; k < t->d; k++) {
    int worker = (i - k + t->n) % t->n;
    cblas_dgemv(CblasColMajor, CblasNoTrans, m, r, 1, block, m, t->v + worker * r, 1, 0,
                t->coef + ((size_t)worker * (size_t)t->d + (size_t)k) * (size_t)m, 1);
  }
}

static sg_status fill_coefficients(tables *t, uint64_t seed) {
  int r = t->n - t->s, absent = t->n - t->d;
  size_t n = (size_t)t->n, m = (size_t)t->m, size = m * (size_t)r;
  SG_OWNED double *block = malloc(size * sizeof *block);
  SG_OWNED double *scratch = malloc((n * (size_t)r + (n + 1) * m) * sizeof *scratch);
  SG_OWNED int *who = malloc((n + 1) * sizeof *who);
  SG_OWNED lapack_int *pivots = malloc((n + 1) * sizeof *pivots);
  if (!block || !scratch || !who || !pivots) return SG_NO_MEMORY;
  if (t->construction == RANDOM) sg_fill_gaussian(t->v, r, t->n, r, seed);
  for (int j = 0; t->construction == POLYNOMIAL && j < t->n; j++)
    sg_vandermonde_column(t->n, r, j, t->v + j * r);
  for (int i = 0; i < t->n; i++) {
    sg_status status = SG_OK;
    /* The workers that do not hold share i are the next n − d after it. */
    for (int k = 0; k < absent; k++) who[k] = (i + 1 + k) % t->n;
    memset(block, 0, size * sizeof *block);
    if (t->construction == POLYNOMIAL)
      polynomial_block(t, i, block);
    else
      status = sg_nulling_block(t->v, r, t->m, absent, who, block, scratch, pivots);
    if (status) return status;
    spread(t, i, block);
  }
  return SG_OK;
}

/* The parity-check form where it is cheaper. The polynomial construction is always solved directly,
 * as in the paper, so that its arithmetic shows. */
static sg_status make_decoder(sg_code *code, tables *t) {
  int r = t->n - t->s, m = t->m;
  if (t->construction == POLYNOMIAL || t->s >= r) return SG_OK;
  SG_OWNED double *target = calloc((size_t)r * (size_t)m, sizeof *target);
  if (!target) return SG_NO_MEMORY;
  for (int u = 0; u < m; u++) target[r - m + u + u * r] = 1;
  return sg_parity_new(code, r, t->n, r, m, t->v, target, &t->parity);
}

/* Of many workers. */
static sg_status make_large(sg_code *code, tables *t, uint64_t seed) {
  sg_nulling q;
  size_t d = (size_t)t->d, m = (size_t)t->m;
  SG_OWNED int *who = malloc(d * sizeof *who);
  SG_OWNED double *coef = malloc(d * m * sizeof *coef);
  sg_status status = sg_nulling_new(&q, t->n, t->s, t->m, t->d, seed);
  if (!status && (!who || !coef)) status = SG_NO_MEMORY;
  for (int i = 0; !status && i < t->n; i++) {
    for (int k = 0; k < t->d; k++) who[k] = (i - k + t->n) % t->n;
    status = sg_nulling_coefficients(&q, t->d, who, coef);
    for (size_t k = 0; !status && k < d; k++)
      memcpy(t->coef + ((size_t)who[k] * d + k) * m, coef + k * m, m * sizeof *coef);
  }
  if (!status) status = sg_nulling_decoder(code, &q, &t->parity);
  sg_nulling_free(&q);
  return status;
}

static sg_status make(sg_code *code, tables *t, uint64_t seed) {
  t->v = sg_code_alloc(code, (size_t)t->n * (size_t)(t->n - t->s), sizeof *t->v);
  if (!t->v) return SG_NO_MEMORY;
  sg_status status = fill_coefficients(t, seed);
  return status ? status : make_decoder(code, t);
}

static sg_status read_rules(tables *t, int n, const sg_values *values, sg_error *e) {
  long d = sg_int(values, "d"), m = sg_int(values, "m");
  if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %ld", n, d);
  if (m > d) return sg_fail_at(e, values, "m", "expected m ≤ d = %ld (d ≥ s + m), found %ld", d, m);
  long s = sg_given(values, "s") ? sg_int(values, "s") : d - m;
  if (s > d - m)
    return sg_fail_at(e, values, "s", "expected s ≤ d - m = %ld (d ≥ s + m), found %ld", d - m, s);
  int construction = sg_choice(values, "construction");
  if (construction == POLYNOMIAL && s != d - m)
    return sg_fail_at(e, values, "s",
                      "expected s = d - m = %ld with construction polynomial, found %ld", d - m, s);
  *t = (tables){.n = n, .d = (int)d, .s = (int)s, .m = (int)m, .construction = construction};
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = read_rules(t, shape->workers, values, e);
  if (!status) status = sg_code_one_segment(code, values, "m", t->m, t->n - t->s, e);
  if (status) return status;
  size_t n = (size_t)t->n;
  t->coef = sg_code_alloc(code, n * (size_t)t->d * (size_t)t->m, sizeof *t->coef);
  if (!t->coef) return sg_fail_memory(e);
  code->parts = t->n;
  code->promised = t->s;
  code->flags = SG_WEIGHTS_PURE;
  bool large = t->construction == RANDOM && sg_nulling_is_large(t->n, t->s, t->m);
  status = (large ? make_large : make)(code, t, shape->seed);
  return sg_made_at_random(status, values, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int worker = message->from;
  const double *coef = t->coef + (size_t)worker * (size_t)t->d * (size_t)t->m;
  for (int k = 0; k < t->d; k++)
    for (int u = 0; u < t->m; u++)
      sg_row_part(row, (worker + k) % t->n, u, coef[(size_t)k * (size_t)t->m + (size_t)u]);
}

/* --- Decoding --------------------------------------------------------------------------------- */

/* The last m columns of V_F⁻¹, for the first n − s workers F that answered. The rows of V_F are
 * powers of very different size, so it is its transpose, a row per worker, that is factorised. */
static sg_status solve_directly(const tables *t, const sg_used *used) {
  sg_decode_info *info = used->info;
  int m = t->m, r = t->n - t->s;
  size_t size = (size_t)r;
  if (used->count < r) return SG_UNDECODABLE;
  double *a = sg_used_scratch(used, (size * size + size * (size_t)m) * sizeof *a +
                                        size * sizeof(lapack_int));
  if (!a) return SG_NO_MEMORY;
  double *x = a + size * size;
  lapack_int *pivots = (lapack_int *)(void *)(x + size * (size_t)m);
  memset(x, 0, size * (size_t)m * sizeof *x);
  for (int u = 0; u < m; u++) x[r - m + u + u * r] = 1;
  for (int i = 0; i < r; i++)
    for (int c = 0; c < r; c++) a[i + c * r] = t->v[c + used->message[i]->from * r];
  sg_status status = sg_solve_transposed(r, m, a, r, x, r, pivots, &info->cond1);
  info->flops = 2.0 / 3 * r * r * r + 2.0 * m * r * r;
  if (t->construction == POLYNOMIAL && status == SG_UNDECODABLE && isfinite(info->cond1))
    status = SG_OK;
  if (status) return status;
  for (int i = 0; i < r; i++)
    for (int u = 0; u < m; u++) used->W[i * m + u] = x[i + u * r];
  return SG_OK;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return t->parity ? sg_parity_weights(t->parity, used, 0, NULL) : solve_directly(t, used);
}

const sg_code_type sg_ye_abbe = {
    .about = {.name = "ye-abbe",
              .brief = "optimal trade-off of load, s and length",
              .summary = "Optimal trade-off of load, stragglers and message length: any n - s "
                         "workers recover the sum from messages of 1/m of a gradient, d = s + m.",
              .reference = "Ye, Abbe (ICML 2018), arXiv:1802.03475 (abstract published; "
                           "constructions recalled and confirmed numerically).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
