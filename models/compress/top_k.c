/* SPDX-License-Identifier: MIT */
/* Top-k: the k coordinates of largest magnitude (ties: the lower index).
 *
 * Values travel as floats, positions as gaps (gaps.h): 32 k bits and at most k (b + 1) + n/2^b,
 * b = ⌊log2(n/k)⌋, where ⌈log2 C(n, k)⌉ is the least for all sets of positions. Without rounding of
 * values ‖v − C(v)‖² ≤ (1 − k/n) ‖v‖². */
#include "models/compress/gaps.h"
#include "models/compress/select.h"

static const sg_param params[] = {SG_ROWS_KEPT, {0}};

static void pack(long n, const double *u, long k, const sg_cut *cut, int b, sg_bit_writer *w) {
  long before = -1, last = sg_cut_last(n, u, cut);
  for (long i = 0; i < n; i += 64) {
    double rest[64];
    int some = n - i < 64 ? (int)(n - i) : 64;
    if (some < 64) memcpy(rest, u + i, (size_t)some * sizeof *u);
    for (int j = some; j < 64; j++) rest[j] = NAN;
    for (uint64_t in = sg_reach_word(some < 64 ? rest : u + i, cut->value); in; in &= in - 1) {
      long at = i + __builtin_ctzll(in);
      if (at > last && fabs(u[at]) == cut->value) continue;
      sg_write_gap(w, at - before, b);
      sg_write(w, sg_float_bits(u[at]), 32);
      before = at;
    }
  }
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  const sg_kept *t = state;
  long k = sg_kept_of(t, n);
  int b = sg_rice_bits(n, k);
  sg_cut cut;
  sg_bit_writer w;
  if (!sg_cut_at(n, x, k, out, &cut)) return;
  bool finite = isfinite(cut.total);
  if (!sg_bits_begin(&w, out, sg_most_gap_bits(n, k, b) + 32 * (size_t)k)) return;
  if (finite) pack(n, x, k, &cut, b, &w);
  for (long i = 0; !finite && i < k; i++) { /* the run has diverged */
    sg_write_gap(&w, 1, b);
    sg_write(&w, sg_float_bits(NAN), 32);
  }
  sg_bits_end(&w, out);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const sg_kept *t = state;
  long k = sg_kept_of(t, n), at = -1;
  int b = sg_rice_bits(n, k);
  sg_bit_reader r = sg_reader_begin(in);
  memset(x, 0, (size_t)n * sizeof *x);
  for (long i = 0; i < k; i++) {
    at += sg_read_gap(&r, b);
    x[at] = sg_float_of(sg_read(&r, 32));
  }
  sg_reader_end(&r, in);
}

const sg_compressor_type sg_compressor_top_k = {
    .about = {.name = "top-k",
              .summary = "The coordinates of largest magnitude, as floats with their positions; "
                         "with error feedback unless the scenario says otherwise.",
              .reference = "Stich, Cordonnier, Jaggi 2018, arXiv 1809.07599; error feedback: "
                           "Karimireddy, Rebjock, Stich, Jaggi 2019, arXiv 1901.09847 (recalled); "
                           "the code of the positions is ours",
              .params = params},
    .feedback = SG_FEEDBACK_CLASSIC,
    .init = sg_kept_read,
    .encode = encode,
    .decode = decode};
