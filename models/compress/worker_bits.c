/* SPDX-License-Identifier: MIT */
/* A uniform quantiser whose bits differ by worker, as CAGC shares them out (arXiv:2605.15890).
 *
 * With b bits a coordinate is rounded at random, without bias, to one of the 2^b numbers
 *   −R + 2 R l / (2^b − 1),   l = 0 … 2^b − 1,   R = max |v_i|, sent as it is (64 bits),
 * so that E ‖C(v) − v‖² = Σ Δ² f (1 − f) ≤ n R²/(2^b − 1)², Δ = 2 R/(2^b − 1), f the coordinate's
 * place between two of them: the D/(2^b − 1)² of the allocation. b = 1 is ±R (stochastic sign). A
 * worker without bits sends nothing, of which the receiver makes zeros. (The quantiser is a
 * reconstruction; the allocation is that of the official code.) */
#include "models/compress/compress.h"
#include "sim/core/bits.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORKERS = 2 * (SG_COMPRESSOR_STATE - 8) };

typedef struct worker_bits {
  int workers;                          /* in the list, which is repeated */
  unsigned char bits[MOST_WORKERS / 2]; /* 4 each */
} worker_bits;
SG_COMPRESSOR_FITS(worker_bits);

static const sg_param one_bits = SG_ROW_INT("", 0, SG_MOST_BITS, "");
static const sg_param one_probability = SG_ROW_REAL("", 0, 1, "");
static const sg_param params[] = {
    SG_ROW_INT("bits", 1, SG_MOST_BITS,
               "bits of a coordinate; with straggling the mean over the "
               "workers",
               .fallback = 4),
    SG_ROW_LIST("straggling", &one_probability, 0, MOST_WORKERS,
                "probability that each worker straggles: bits are shared out by what messages are "
                "worth, Σ (1 − p) / (D/(2^b − 1)² + p), and workers that straggle often may have "
                "none; empty: all have the same"),
    SG_ROW_REAL("variance", 0, SG_UNBOUNDED, "D of that rule", .fallback = 1, .flags = SG_MIN_OPEN),
    SG_ROW_LIST("worker_bits", &one_bits, 0, MOST_WORKERS,
                "bits of each worker, in place of all this; shorter lists are repeated"),
    {0}};

static int bits_of(const worker_bits *w, int worker) {
  int i = worker % w->workers;
  return w->bits[i / 2] >> (i % 2 ? 4 : 0) & 15;
}

static void set_bits(worker_bits *w, int i, int bits) {
  w->bits[i / 2] = (unsigned char)(w->bits[i / 2] | bits << (i % 2 ? 4 : 0));
}

static sg_status share(worker_bits *w, const sg_values *values, sg_error *e) {
  int n = w->workers = sg_count(values, "straggling");
  double worth;
  SG_OWNED double *p = malloc((size_t)n * sizeof *p);
  SG_OWNED int *bits = malloc((size_t)n * sizeof *bits);
  if (!p || !bits) return sg_fail_memory(e);
  for (int i = 0; i < n; i++) p[i] = sg_item(values, "straggling", i)->number;
  if (sg_share_bits(n, p, sg_real(values, "variance"), n * (int)sg_int(values, "bits"), bits,
                    &worth))
    return sg_fail_memory(e);
  for (int i = 0; i < n; i++) set_bits(w, i, bits[i]);
  return SG_OK;
}

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  worker_bits *w = (worker_bits *)c->state;
  int given = sg_count(values, "worker_bits"), sum = 0;
  if (given > 0 && sg_count(values, "straggling") > 0)
    return sg_fail_at(e, values, "worker_bits",
                      "expected worker_bits or straggling, from which they follow, found both");
  if (given == 0 && sg_count(values, "straggling") > 0) return share(w, values, e);
  w->workers = given > 0 ? given : 1;
  for (int i = 0; i < w->workers; i++) {
    int bits =
        given > 0 ? (int)sg_item(values, "worker_bits", i)->number : (int)sg_int(values, "bits");
    set_bits(w, i, bits);
    sum += bits;
  }
  if (sum == 0)
    return sg_fail_at(e, values, "worker_bits",
                      "expected a worker that has bits (1 to %d), found only zeros", SG_MOST_BITS);
  if (given == 0) {
    c->head_bits = 64;
    c->number_bits = (double)sum;
  }
  return SG_OK;
}

static double largest(long n, const double *x) {
  double most = 0;
  for (long i = 0; i < n; i++) {
    if (!isfinite(x[i])) return NAN;
    most = fmax(most, fabs(x[i]));
  }
  return most;
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  int bits = bits_of(state, out->worker);
  if (bits == 0) return;
  double range = largest(n, x), levels = ldexp(1, bits) - 1, scale = levels / 2 / range;
  bool fine = range > 0 && isfinite(range);
  uint64_t head;
  memcpy(&head, &range, sizeof head);
  sg_pack(out, head, 64);
  for (long i = 0; i < n; i++) {
    double u = sg_dither_next(dither), level = 0;
    if (fine) {
      /* scale may overflow where the range is subnormal. */
      double a = isfinite(scale) ? (x[i] + range) * scale : (x[i] / range + 1) * (levels / 2);
      level = floor(a);
      level += u < a - level;
      level = fmin(level, levels); /* a rounding error above */
    }
    sg_pack(out, (uint64_t)level, bits);
  }
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  int bits = bits_of(state, in->worker);
  if (bits == 0) {
    memset(x, 0, (size_t)n * sizeof *x);
    return;
  }
  uint64_t head = sg_unpack(in, 64);
  double range, levels = ldexp(1, bits) - 1;
  memcpy(&range, &head, sizeof range);
  for (long i = 0; i < n; i++) x[i] = range * ((2 * (double)sg_unpack(in, bits) - levels) / levels);
}

const sg_compressor_type sg_compressor_worker_bits = {
    .about = {.name = "worker-bits",
              .summary = "Uniform stochastic rounding between ± the largest magnitude, with bits "
                         "of their own for each worker, given or shared out by how often they "
                         "straggle.",
              .reference = "CAGC, arXiv 2605.15890 (the allocation, official code; the quantiser "
                           "is a reconstruction)",
              .params = params},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
