/* SPDX-License-Identifier: MIT */
/* Percentile ternary: the k coordinates of largest magnitude become ±c, the others 0 (theory:
 * percentile-ternary). K: these k (ties: the lower index), S: the sum of their magnitudes.
 *
 *   least-squares   c = S/k; no variance, and ‖C(v) − v‖² = N² − S²/k
 *   unshrunk        c = N²/S, so that ⟨C(v), v⟩ = N²; ‖C(v) − v‖² = (kN²/S² − 1) N²
 *   clipped         c = τ, the k-th magnitude; τ sgn(v_i) with probability min(1, |v_i|/τ): the
 * mean is v clipped to ±τ
 *
 * k = max(1, ⌈(1 − π/100) n⌉), or the one that maximises S²/k, but never more than there are
 * coordinates that are not 0. Digits go five a byte, or through an arithmetic coder. */
#include "models/compress/arithmetic.h"
#include "models/compress/select.h"

enum { LEAST_SQUARES, UNSHRUNK, CLIPPED };
enum { TRITS, ARITHMETIC };

typedef struct percentile {
  double above; /* 100 − π; −1: adaptive */
  int scale, packing;
} percentile;
SG_COMPRESSOR_FITS(percentile);

static const char *const scales[] = {"least-squares", "unshrunk", "clipped", NULL};
static const char *const packings[] = {"trits", "arithmetic", NULL};
static const char *const adaptive[] = {"adaptive", NULL};

static const sg_param params[] = {
    SG_ROW_REAL("percentile", 0, 100,
                "Percentile of the magnitudes below which coordinates are 0; \"adaptive\": the one "
                "whose message, scaled by least squares, has the least error.",
                .choices = adaptive, .text = "adaptive"),
    SG_ROW_CHOICE(
        "scale", scales, LEAST_SQUARES,
        "Size of the others: by least squares (shrunk); \"unshrunk\", whose product with "
        "the vector is the vector's square; \"clipped\": the threshold, and what is below "
        "it at random."),
    SG_ROW_CHOICE("packing", packings, TRITS,
                  "Five coordinates a byte, or by an arithmetic coder, whose bits depend on the "
                  "data and which takes longer."),
    {0}};

static double bits_of(const void *state, long n) {
  return 32 + sg_trit_bits(n);
}

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  percentile *p = (percentile *)c->state;
  p->above = sg_text(values, "percentile") ? -1 : 100 - sg_real(values, "percentile");
  p->scale = sg_choice(values, "scale");
  p->packing = sg_choice(values, "packing");
  if (p->packing == TRITS) c->bits = bits_of;
  c->unbiased = p->scale == CLIPPED && p->above == 0; /* TernGrad */
  return SG_OK;
}

/* Which are sent: none of them 0. */
static bool choose(const percentile *p, long n, const double *x, sg_packed *out, sg_cut *cut) {
  if (p->above < 0) return sg_best_cut(n, x, out, cut);
  long k = (long)ceil(p->above * (double)n / 100);
  if (!sg_cut_at(n, x, k < 1 ? 1 : k, out, cut)) return false;
  if (!isfinite(cut->total) || cut->total == 0 || cut->value > 0) return true;
  return sg_cut_at(n, x, cut->k - cut->ties, out, cut);
}

/* x without those that equal the cut and are not in; NULL: no memory. */
static const double *without_ties(long n, const double *x, const sg_cut *cut, sg_packed *p) {
  long last = sg_cut_last(n, x, cut);
  if (last == n - 1) return x;
  double *y = sg_packed_scratch(p, n);
  if (!y) return NULL;
  memcpy(y, x, (size_t)n * sizeof *y);
  for (long i = last + 1; i < n; i++)
    if (fabs(y[i]) == cut->value) y[i] = 0;
  return y;
}

/* The digits, once more, by the arithmetic coder. */
static void recode(long n, double c, sg_packed *out) {
  double *x = sg_packed_scratch(out, n + n / 32 + 2);
  if (!x) return;
  out->at = 32;
  sg_unpack_trits(out, n, 1, x);
  out->count = out->at = 0;
  sg_pack_float(out, c);
  sg_pack_ternary(out, n, x, (uint32_t *)(void *)(x + n));
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  const percentile *p = state;
  double c = 0, threshold = INFINITY;
  sg_cut cut;
  if (!choose(p, n, x, out, &cut)) return;
  sg_moments m = {.most = cut.most, .sum = cut.total};
  if (!sg_sendable(&m)) {
    c = NAN;
  } else if (cut.total > 0 && p->scale == CLIPPED) {
    threshold = c = (double)(float)cut.value;
  } else if (cut.total > 0) {
    m = p->scale == UNSHRUNK ? sg_moments_of(n, x) : m;
    double norm = p->scale == UNSHRUNK ? sg_norm_of(n, x, &m) : 0;
    c = p->scale == UNSHRUNK ? norm / cut.sum * norm : cut.sum / (double)cut.k;
    threshold = cut.value;
    x = without_ties(n, x, &cut, out);
    if (!x) return;
  }
  sg_pack_float(out, c);
  sg_pack_trits(out, n, x, threshold, p->scale == CLIPPED ? dither : NULL);
  if (p->packing == ARITHMETIC && !out->failed) recode(n, c, out);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const percentile *p = state;
  double c = sg_unpack_float(in);
  if (p->packing == ARITHMETIC)
    sg_unpack_ternary(in, n, c, x);
  else
    sg_unpack_trits(in, n, c, x);
}

const sg_compressor_type sg_compressor_percentile = {
    .about = {.name = "percentile",
              .summary =
                  "The coordinates above a percentile of the magnitudes become plus or minus "
                  "one number, the others zero: five coordinates a byte.",
              .reference = "Levy, Choukroun, Wolf 2024, arXiv 2410.05911 (ternary weights, "
                           "published; the adaptive percentile as recalled); its use on messages "
                           "and all formulas are derived",
              .params = params},
    .init = init,
    .encode = encode,
    .decode = decode};
