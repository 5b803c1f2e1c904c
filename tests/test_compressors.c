/* SPDX-License-Identifier: MIT */
/* The rules of the compressors, each against loops that share no code with it: what is quantised,
 * to the last bit, from the same uniforms; how many bits; means, errors, identities and optima
 * (theory: compressors). What is common to all is in test_compress.c. */
#include "models/compress/compress.h"
#include "sim/core/param.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sg_stream stream;
static sg_packed packed;

static double normal(void) {
  return sqrt(-2 * log1p(-sg_uniform(&stream))) * cos(2 * M_PI * sg_uniform(&stream));
}

static double laplace(void) {
  double u = sg_uniform(&stream) - 0.5;
  return -copysign(log1p(-2 * fabs(u)), u);
}

enum { GAUSSIAN, LAPLACE, CUBED, LAWS, TIES = LAWS, ZEROS, SUBNORMAL, HUGE_ONES, MIXED, SORTS };

static void fill(double *x, long n, int sort) {
  for (long i = 0; i < n; i++) {
    double z = sort == LAPLACE ? laplace() : normal();
    x[i] = sort == CUBED       ? z * z * z
           : sort == TIES      ? (double)(long)(2 * z)
           : sort == ZEROS     ? 0
           : sort == SUBNORMAL ? (double)(long)(9 * z) * 0x1p-1074
           : sort == HUGE_ONES ? z * 1e33
           : sort == MIXED     ? z * pow(10, 40 * sg_uniform(&stream) - 20) * (i % 3 > 0)
                               : z;
  }
}

static double *vector(long n, int sort) {
  double *x = calloc((size_t)n + 64, sizeof *x);
  assert_non_null(x);
  if (sort >= 0) fill(x, n, sort);
  return x;
}

/* "qsgd levels=3 code=elias" */
static sg_compressor made(const char *text) {
  sg_error e = {0};
  sg_compressor c;
  char copy[200];
  snprintf(copy, sizeof copy, "%s", text);
  char *at = strtok(copy, " ");
  const sg_variant *variant = sg_family_find(&sg_compressor_family, at);
  assert_non_null(variant);
  sg_values *v = sg_values_new(NULL, variant, "");
  assert_non_null(v);
  while ((at = strtok(NULL, " "))) {
    char *value = strchr(at, '=');
    *value++ = 0;
    assert_int_equal(sg_values_parse(v, at, value, &e), SG_OK);
  }
  assert_int_equal(sg_compressor_init(&c, v, &e), SG_OK);
  sg_values_free(v);
  return c;
}

static void dither_of(sg_dither *d, int message) {
  sg_dither_at(d, 77, (uint32_t)message, 3, 5, 0, 0);
}

/* y = C(x), by way of bytes that are exactly as many as counted. */
static double sent(const sg_compressor *c, long n, const double *x, int message, double *y) {
  sg_dither d;
  dither_of(&d, message);
  packed.count = packed.at = 0;
  c->type->encode(c->state, &d, n, x, &packed);
  assert_false(packed.failed);
  size_t bytes = (packed.count + 7) / 8;
  sg_packed copy = {.byte = malloc(bytes), .capacity = bytes, .count = packed.count};
  assert_non_null(copy.byte);
  memcpy(copy.byte, packed.byte, bytes);
  c->type->decode(c->state, n, &copy, y);
  assert_int_equal(copy.at, packed.count);
  sg_packed_free(&copy);
  return (double)packed.count;
}

/* --- To the last bit -------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* The least float that is not below. */
static double up(double x) {
  float f = (float)x;
  return (double)((double)f < x ? nextafterf(f, INFINITY) : f);
}

typedef struct plain {
  const double *x, *u, *down; /* down: magnitudes, largest first */
  long n;
  double *y, bits;
} plain;

static double sum_of(const double *x, long n, int power) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += power == 1 ? fabs(x[i]) : x[i] * x[i];
  return sum;
}

static double omega_bits(long value) { /* Elias's recursive code */
  double bits = 1;
  while (value > 1) {
    int length = 0;
    while (value >> length) length++;
    bits += length;
    value = length - 1;
  }
  return bits;
}

/* y stands for the code's output where rounding errors of a norm could change its last bits. */
static void plain_qsgd(plain *p, const double *y, int s, bool elias) {
  double norm = 0;
  for (long i = 0; i < p->n; i++) norm = hypot(norm, p->x[i]);
  norm = up(norm);
  int width = (int)ceil(log2(s + 1));
  long last = -1;
  p->bits = 32 + (elias ? 0 : (double)p->n * (1 + width));
  for (long i = 0; i < p->n; i++) {
    double a = norm > 0 ? fabs(p->x[i]) / norm * s : 0, level = floor(a);
    double u = p->x[i] < 0 ? 1 - p->u[i] : p->u[i];
    level += u < a - level;
    double value = copysign(norm * level / s, p->x[i]);
    /* the same level, unless a lies as close to the uniform as roundings reach */
    double real = norm > 0 ? round(fabs(y[i]) / norm * s) : 0;
    bool close =
        fabs(a - floor(a) - u) < 1e-6 * s || a - floor(a) > 1 - 1e-6 * s || a - floor(a) < 1e-6 * s;
    if (real != level && !(close && fabs(real - level) <= 1))
      fail_msg("qsgd %d, n = %ld: level %g, not %g (of %.17g, u = %.17g)", s, p->n, real, level, a,
               u);
    p->y[i] = real == level && fabs(y[i] - value) <= 1e-6 * fabs(value) ? y[i] : value;
    if (real > 0 && elias) {
      p->bits += omega_bits(i - last) + 1 + omega_bits((long)real);
      last = i;
    }
    if (real != level) p->y[i] = y[i];
  }
  if (elias) p->bits += omega_bits(p->n - last);
}

static void plain_sign(plain *p) {
  double mean = (double)(float)(sum_of(p->x, p->n, 1) / (double)p->n);
  for (long i = 0; i < p->n; i++) p->y[i] = copysign(mean, p->x[i]);
  p->bits = 32 + (double)p->n;
}

static void plain_stochastic(plain *p) {
  double range = up(p->down[0]);
  for (long i = 0; i < p->n; i++)
    p->y[i] = range > 0 && p->u[i] >= 0.5 + 0.5 * (p->x[i] / range) ? -range : range;
  p->bits = 32 + (double)p->n;
}

static double trit_bits(long n) {
  return 8 * floor((double)n / 5) + ceil((double)(n % 5) * log2(3));
}

static void plain_terngrad(plain *p) {
  double range = up(p->down[0]);
  for (long i = 0; i < p->n; i++) {
    double a = fabs(p->x[i]);
    p->y[i] = a > 0 && a >= range * p->u[i] ? copysign(range, p->x[i]) : 0;
  }
  p->bits = 32 + trit_bits(p->n);
}

static long plain_k(const plain *p, double percentile) {
  if (percentile >= 0) {
    long k = (long)ceil((100 - percentile) * (double)p->n / 100);
    k = k < 1 ? 1 : k;
    while (k > 1 && p->down[k - 1] == 0) k--;
    return k;
  }
  double sum = 0, most = 0;
  long best = 1;
  for (long k = 1; k <= p->n; k++) {
    sum += p->down[k - 1];
    if (sum * sum / (double)k > most * (1 + 1e-13)) {
      most = sum * sum / (double)k;
      best = k;
    }
  }
  return best;
}

/* scale: 0 least squares, 1 unshrunk, 2 clipped. */
static void plain_percentile(plain *p, double percentile, int scale) {
  long k = plain_k(p, percentile), ties = 0;
  double cut = p->down[k - 1], sum = sum_of(p->down, k, 1), square = sum_of(p->x, p->n, 2);
  double c = cut == 0 ? 0 : scale == 0 ? sum / (double)k : scale == 1 ? square / sum : cut;
  c = (double)(float)c;
  for (long i = k; i > 0 && p->down[i - 1] == cut; i--) ties++;
  for (long i = 0; i < p->n; i++) {
    double a = fabs(p->x[i]);
    bool in = scale == 2 ? a >= c * p->u[i] : a > cut || (a == cut && ties-- > 0);
    p->y[i] = in && a > 0 && cut > 0 ? copysign(c, p->x[i]) : 0;
  }
  p->bits = 32 + trit_bits(p->n);
}

static void plain_top(plain *p, long k) {
  double cut = p->down[k - 1];
  long ties = 0, last = -1;
  int b = (int)floor(log2((double)p->n / (double)k));
  for (long i = k; i > 0 && p->down[i - 1] == cut; i--) ties++;
  p->bits = 0;
  for (long i = 0; i < p->n; i++) {
    double a = fabs(p->x[i]);
    bool in = a > cut || (a == cut && ties-- > 0);
    p->y[i] = in ? (double)(float)p->x[i] : 0;
    if (!in) continue;
    p->bits += 32 + (double)((i - last - 1) >> b) + 1 + b;
    last = i;
  }
}

/* Of two next to each other; y is one of them. */
static bool is_float_next_to(double y, double x) {
  float f = (float)x;
  double other = (double)((double)f < x   ? nextafterf(f, INFINITY)
                          : (double)f > x ? nextafterf(f, -INFINITY)
                                          : f);
  return y == (double)f || y == other;
}

/* Which of the two floats, and which set, is not asked. */
static void plain_rand(plain *p, const double *y, long k) {
  double factor = (double)p->n / (double)k;
  long sent_ones = 0;
  for (long i = 0; i < p->n; i++) {
    p->y[i] = y[i];
    if (y[i] == 0 && (p->x[i] == 0 || fabs(p->x[i]) >= 0x1p-140 || k < p->n)) continue;
    sent_ones++;
    assert_true(is_float_next_to(y[i] / factor, p->x[i]) ||
                fabs(y[i] / factor - p->x[i]) < 2e-7 * fabs(p->x[i]));
  }
  assert_true(sent_ones <= k);
  p->bits = 64 + 32 * (double)k;
}

static void plain_sparse(plain *p, const double *y, double share) {
  double budget = share * (double)p->n, t = INFINITY;
  double *rest = vector(p->n + 1, -1); /* Σ of the sorted from there on */
  long above = 0;                      /* of the sorted: those that are at least t */
  for (long i = p->n - 1; i >= 0; i--) rest[i] = rest[i + 1] + p->down[i];
  for (;; above++) {
    t = (double)above < budget ? rest[above] / (budget - (double)above) : 0;
    if (t <= 0 || above == p->n || p->down[above] < t) break;
  }
  free(rest);
  t = (double)(float)t;
  long last = -1, b = (long)floor(log2((double)p->n / ceil(budget)));
  bool lost = false; /* a float that was rounded to 0: bits are not followed */
  p->bits = 32;
  for (long i = 0; i < p->n; i++) {
    double a = fabs(p->x[i]), wanted = a < t ? copysign(t, p->x[i]) : p->x[i];
    lost = lost || (y[i] == 0 && a > 0 && a >= t);
    if (y[i] != 0) {
      assert_true(fabs(y[i] - wanted) <= 3e-7 * fabs(wanted) + 0x1p-149);
      assert_true(a > 0 && a >= p->u[i] * t * (1 - 1e-6));
      p->bits += (double)((i - last - 1) >> b) + 1 + (double)b + (a < t ? 2 : 33);
      last = i;
    } else if (a > p->u[i] * t * (1 + 1e-6) && a >= 0x1p-149)
      fail_msg("sparsification %g, n = %ld: %g is not sent, t = %g, u = %g", share, p->n, a, t,
               p->u[i]);
    p->y[i] = y[i];
  }
  p->bits = lost ? -1 : p->bits + (double)((p->n - last - 1) >> b) + 1 + (double)b;
}

static const char *const rules[] = {"qsgd levels=1",
                                    "qsgd levels=15",
                                    "qsgd levels=200",
                                    "qsgd levels=65535",
                                    "qsgd levels=3 code=elias",
                                    "qsgd levels=60 code=elias",
                                    "scaled-sign",
                                    "stochastic-sign",
                                    "terngrad",
                                    "percentile percentile=0",
                                    "percentile percentile=70",
                                    "percentile percentile=100",
                                    "percentile",
                                    "percentile percentile=60 scale=unshrunk",
                                    "percentile scale=unshrunk",
                                    "percentile percentile=80 scale=clipped",
                                    "percentile percentile=100 scale=clipped",
                                    "percentile packing=arithmetic",
                                    "percentile percentile=90 packing=arithmetic",
                                    "top-k share=0.01",
                                    "top-k share=0.4",
                                    "top-k share=1",
                                    "rand-k share=0.01",
                                    "rand-k share=0.3",
                                    "rand-k share=0.7",
                                    "rand-k share=1",
                                    "sparsification share=0.01",
                                    "sparsification share=0.3",
                                    "sparsification share=1"};
enum { RULES = sizeof rules / sizeof *rules };

static double member(const char *rule, const char *name, double otherwise) {
  const char *at = strstr(rule, name);
  return at ? atof(at + strlen(name)) : otherwise;
}

/* false: bits are not known beforehand. */
static void apply_plainly(const char *rule, plain *p, const double *y) {
  bool arithmetic = strstr(rule, "arithmetic");
  long k = (long)ceil(member(rule, "share=", 0) * (double)p->n);
  if (strncmp(rule, "qsgd", 4) == 0)
    plain_qsgd(p, y, (int)member(rule, "levels=", 15), strstr(rule, "elias"));
  else if (strcmp(rule, "scaled-sign") == 0)
    plain_sign(p);
  else if (strcmp(rule, "stochastic-sign") == 0)
    plain_stochastic(p);
  else if (strcmp(rule, "terngrad") == 0)
    plain_terngrad(p);
  else if (strncmp(rule, "percentile", 10) == 0)
    plain_percentile(p, member(rule, "percentile=", -1),
                     strstr(rule, "unshrunk")  ? 1
                     : strstr(rule, "clipped") ? 2
                                               : 0);
  else if (strncmp(rule, "top-k", 5) == 0)
    plain_top(p, k);
  else if (strncmp(rule, "rand-k", 6) == 0)
    plain_rand(p, y, k);
  else
    plain_sparse(p, y, member(rule, "share=", 0));
  if (arithmetic) p->bits = -1;
}

static void check_rule(const char *rule, long n, int sort) {
  const sg_compressor c = made(rule);
  double *x = vector(n, sort), *y = vector(n, -1), *u = vector(n, -1), *down = vector(n, -1);
  plain p = {.x = x, .u = u, .down = down, .n = n, .y = vector(n, -1)};
  sg_dither d;
  dither_of(&d, 1);
  sg_dither_fill(&d, u, n);
  for (long i = 0; i < n; i++) down[i] = fabs(x[i]);
  qsort(down, (size_t)n, sizeof *down, by_size);
  double bits = sent(&c, n, x, 1, y);
  apply_plainly(rule, &p, y);
  for (long i = 0; i < n; i++)
    if (memcmp(&y[i], &p.y[i], sizeof *y) != 0 && !(y[i] == 0 && p.y[i] == 0) &&
        !(fabs(y[i] - p.y[i]) <= 1.3e-7 * fabs(y[i]) && sort != TIES))
      fail_msg("%s, n = %ld, sort %d: coordinate %ld is %.17g, not %.17g (of %.17g)", rule, n, sort,
               i, y[i], p.y[i], x[i]);
  if (p.bits >= 0 && bits != p.bits)
    fail_msg("%s, n = %ld, sort %d: %.0f bits, not %.0f", rule, n, sort, bits, p.bits);
  if (sg_compressor_fixed(&c)) assert_true(bits == sg_compressor_bits(&c, n));
  free(x);
  free(y);
  free(u);
  free(down);
  free(p.y);
}

static void rules_are_followed(void **state) {
  (void)state;
  static const long lengths[] = {1, 2, 7, 63, 64, 65, 319, 320, 321, 1000, 4100};
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int r = 0; r < RULES; r++)
    for (int sort = 0; sort < SORTS; sort++)
      for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        check_rule(rules[r], lengths[i], sort);
}

static void long_messages(void **state) {
  (void)state;
  sg_stream_at(&stream, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  static const char *const of[] = {"qsgd levels=15",
                                   "qsgd levels=60 code=elias",
                                   "scaled-sign",
                                   "stochastic-sign",
                                   "terngrad",
                                   "percentile",
                                   "percentile percentile=70",
                                   "percentile packing=arithmetic",
                                   "top-k share=0.01",
                                   "rand-k share=0.01",
                                   "sparsification share=0.05"};
  for (size_t r = 0; r < sizeof of / sizeof *of; r++)
    for (int more = 0; more < 2; more++) check_rule(of[r], (1L << 20) + more, r % 2 ? CUBED : 0);
}

/* --- Means and errors ------------------------------------------------------------------------- */

/* E ‖C(v) − v‖² by the formulas, R and N exact; v without zeros. */
static double expected_error(const char *rule, long n, const double *x, const double *down) {
  double square = sum_of(x, n, 2), range = down[0], error = 0;
  long k = (long)ceil(member(rule, "share=", 0) * (double)n);
  if (strncmp(rule, "rand-k", 6) == 0) return ((double)n / (double)k - 1) * square;
  double s = member(rule, "levels=", 15), t = range, bias = 0;
  if (strstr(rule, "clipped")) {
    k = (long)ceil((100 - member(rule, "percentile=", 100)) * (double)n / 100);
    t = down[k < 1 ? 0 : k - 1];
  }
  if (strncmp(rule, "sparsification", 14) == 0) { /* by halving */
    double low = 0, high = sum_of(x, n, 1), budget = member(rule, "share=", 0) * (double)n;
    for (int i = 0; i < 200; i++) {
      double sum = 0;
      t = (low + high) / 2;
      for (long j = 0; j < n; j++) sum += fmin(1, down[j] / t);
      *(sum > budget ? &low : &high) = t;
    }
  }
  for (long i = 0; i < n; i++) {
    double a = fabs(x[i]), f = fmod(a * s / sqrt(square), 1), p = fmin(1, a / t);
    if (strncmp(rule, "qsgd", 4) == 0)
      error += square / s / s * f * (1 - f);
    else if (strncmp(rule, "stochastic", 10) == 0)
      error += range * range - a * a;
    else if (strncmp(rule, "terngrad", 8) == 0)
      error += a * (range - a);
    else if (strncmp(rule, "sparsification", 14) == 0)
      error += a * a * (1 / p - 1);
    else { /* clipped */
      error += a <= t ? a * (t - a) : 0;
      bias += a > t ? (a - t) * (a - t) : 0;
    }
  }
  return error + bias;
}

/* The mean of ‖C(v) − v‖² over many messages against the formula, and of each coordinate against
 * itself (clipped: what is left of it), for every law. */
static void errors_have_their_formulas(void **state) {
  (void)state;
  enum { N = 200, DRAWS = 3000 };
  static const char *const of[] = {"qsgd levels=1",
                                   "qsgd levels=15",
                                   "qsgd levels=100",
                                   "qsgd levels=7 code=elias",
                                   "stochastic-sign",
                                   "terngrad",
                                   "rand-k share=0.02",
                                   "rand-k share=0.6",
                                   "sparsification share=0.1",
                                   "sparsification share=0.6",
                                   "percentile percentile=70 scale=clipped",
                                   "percentile percentile=100 scale=clipped"};
  static double sum[N], square[N];
  sg_stream_at(&stream, 3, 0, SG_FOR_CHECK, 0, 0, 0);
  for (size_t r = 0; r < sizeof of / sizeof *of; r++)
    for (int law = 0; law < LAWS; law++) {
      const sg_compressor c = made(of[r]);
      double *x = vector(N, law), *y = vector(N, -1), *down = vector(N, -1), first = 0, second = 0;
      for (int i = 0; i < N; i++) {
        down[i] = fabs(x[i]);
        sum[i] = square[i] = 0;
      }
      qsort(down, N, sizeof *down, by_size);
      double clip = INFINITY, top = 0;
      if (strstr(of[r], "clipped")) clip = down[strstr(of[r], "=70") ? 59 : 0];
      for (int message = 0; message < DRAWS; message++) {
        sent(&c, N, x, message, y);
        double error = 0;
        for (int i = 0; i < N; i++) {
          double off = y[i] - x[i];
          error += off * off;
          off = y[i] - copysign(fmin(fabs(x[i]), clip), x[i]);
          sum[i] += off;
          square[i] += off * off;
          top = fmax(top, fabs(y[i]));
        }
        first += error;
        second += error * error;
      }
      double mean = first / DRAWS, wanted = expected_error(of[r], N, x, down);
      double spread = sqrt(fmax(second / DRAWS - mean * mean, 0) / DRAWS);
      if (!(fabs(mean - wanted) <= 4 * spread + 1e-6 * wanted))
        fail_msg("%s, law %d: error %g ± %g, not %g", of[r], law, mean, spread, wanted);
      double chi = 0;
      for (int i = 0; i < N; i++) {
        double m = sum[i] / DRAWS, v = square[i] / DRAWS - m * m;
        /* Of what was next to never sent, the variance is that of 0 and the largest. */
        if (square[i] < 30 * top * top) v = fmax(v, fabs(x[i]) * top);
        double z = m / sqrt(v / DRAWS + 1e-14 * x[i] * x[i]);
        if (fabs(z) > 5) fail_msg("%s, law %d: coordinate %d is off by %g", of[r], law, i, m);
        chi += z * z;
      }
      if (chi > N + 6 * sqrt(2.0 * N)) fail_msg("%s, law %d: chi2 %g", of[r], law, chi);
      free(x);
      free(y);
      free(down);
    }
}

/* Replicas draw independently: the errors of messages of other workers, replications, iterations,
 * transmissions and parts have no covariance. */
static void replicas_are_independent(void **state) {
  (void)state;
  enum { N = 4000 };
  static const char *const of[] = {"qsgd levels=15", "stochastic-sign", "terngrad",
                                   "rand-k share=0.3", "sparsification share=0.3"};
  sg_stream_at(&stream, 4, 0, SG_FOR_CHECK, 0, 0, 0);
  for (size_t r = 0; r < sizeof of / sizeof *of; r++) {
    const sg_compressor c = made(of[r]);
    double *x = vector(N, GAUSSIAN), *first = vector(N, -1), *other = vector(N, -1), bits;
    for (int k = -1; k < 6; k++) {
      sg_dither d;
      sg_dither_at(&d, 1 + (k == 0), k == 1, k == 2, k == 3, k == 4, k == 5);
      memcpy(k < 0 ? first : other, x, N * sizeof *x);
      assert_int_equal(sg_compress(&c, &packed, &d, N, k < 0 ? first : other, NULL, &bits), SG_OK);
      double sum = 0, square = 0;
      for (int i = 0; i < N && k >= 0; i++) {
        double product = (first[i] - x[i]) * (other[i] - x[i]);
        sum += product;
        square += product * product;
      }
      if (fabs(sum) > 4.5 * sqrt(square)) fail_msg("%s: address %d: %g", of[r], k, sum);
    }
    free(x);
    free(first);
    free(other);
  }
}

/* Of sets of k: every coordinate and every pair as often as any. */
static void random_sets_are_uniform(void **state) {
  (void)state;
  enum { N = 7, DRAWS = 20000 };
  for (int k = 1; k < N; k++) {
    char rule[40];
    snprintf(rule, sizeof rule, "rand-k k=%d", k);
    const sg_compressor c = made(rule);
    double x[N] = {1, 1, 1, 1, 1, 1, 1}, y[N + 64];
    int both[N][N] = {{0}};
    for (int message = 0; message < DRAWS; message++) {
      assert_true(sent(&c, N, x, message, y) == 64 + 32 * k);
      int count = 0;
      for (int i = 0; i < N; i++) {
        count += y[i] != 0;
        for (int j = 0; j < N; j++) both[i][j] += y[i] != 0 && y[j] != 0;
      }
      assert_int_equal(count, k);
    }
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double p = i == j ? (double)k / N : (double)k * (k - 1) / N / (N - 1);
        assert_true(fabs(both[i][j] - p * DRAWS) <= 4.5 * sqrt(p * (1 - p) * DRAWS));
      }
  }
}

/* --- Percentile ternary ----------------------------------------------------------------------- */

static double product_of(const double *x, const double *y, long n) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

/* Scales are floats: identities of first order hold to 2^-24, those of second order to round-off.
 */
static void identities(void **state) {
  (void)state;
  sg_stream_at(&stream, 5, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int turn = 0; turn < 300; turn++) {
    long n = 1 + (long)(sg_uniform(&stream) * 700);
    int sort = turn % LAWS;
    char rule[80];
    double pi = turn % 4 == 0 ? -1 : turn % 10 == 1 ? 100 : floor(100 * sg_uniform(&stream));
    double *x = vector(n, sort), *y = vector(n, -1), *off = vector(n, -1);
    for (int scale = 0; scale < 2; scale++) {
      int length =
          snprintf(rule, sizeof rule, "percentile scale=%s", scale ? "unshrunk" : "least-squares");
      if (pi >= 0) snprintf(rule + length, sizeof rule - (size_t)length, " percentile=%g", pi);
      const sg_compressor c = made(rule);
      sent(&c, n, x, 0, y);
      double square = sum_of(x, n, 2), sum = 0, one = sum_of(x, n, 1);
      long k = 0;
      for (long i = 0; i < n; i++) {
        off[i] = y[i] - x[i];
        if (y[i] == 0) continue;
        k++;
        sum += fabs(x[i]);
        assert_true(x[i] * y[i] > 0);
      }
      if (pi >= 0) assert_int_equal(k, fmax(1, ceil((100 - pi) * (double)n / 100)));
      double share = sum * sum / (double)k / square, inner = product_of(x, y, n);
      double error = sum_of(off, n, 2), own = sum_of(y, n, 2), ulp = 0x1p-23 * square;
      if (scale == 0) {
        assert_true(fabs(error - (1 - share) * square) <= 1e-12 * square);
        assert_true(fabs(inner - share * square) <= ulp && fabs(own - share * square) <= ulp);
        assert_true(fabs(product_of(off, y, n)) <= ulp);
        double least = fmax(1 / (double)n, (double)k * one * one / (double)n / (double)n / square);
        assert_true(share >= least * (1 - 1e-12));
      } else {
        assert_true(fabs(inner - square) <= ulp);
        assert_true(fabs(error - (1 / share - 1) * square) <= 4 * ulp / share);
      }
    }
    free(x);
    free(y);
    free(off);
  }
}

/* Published values of the optimum for two laws: means of 20 draws, D = 4000, within 0.01. */
static void adaptive_optima(void **state) {
  (void)state;
  enum { N = 4000, DRAWS = 20 };
  static const double wanted[2][4] = {{0.8098, 0.5405, 0.6120, 1.2240}, {0.7358, 0.3679, 1, 2}};
  const sg_compressor c = made("percentile"), tight = made("percentile packing=arithmetic");
  sg_stream_at(&stream, 6, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int law = 0; law < 2; law++) {
    double mean[4] = {0}, bits = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
      double *x = vector(N, law), *y = vector(N, -1), least = INFINITY, most = 0, off = 0;
      sent(&c, N, x, 0, y);
      int k = 0;
      for (int i = 0; i < N; i++) {
        k += y[i] != 0;
        if (y[i] != 0) least = fmin(least, fabs(x[i]));
        most = fmax(most, fabs(y[i]));
        off += (y[i] - x[i]) * (y[i] - x[i]);
      }
      const double found[4] = {1 - off / sum_of(x, N, 2), (double)k / N, least, most};
      for (int i = 0; i < 4; i++) mean[i] += found[i] / DRAWS;
      bits += (sent(&tight, N, x, 0, y) - 32) / N / DRAWS;
      free(x);
      free(y);
    }
    for (int i = 0; i < 4; i++)
      if (fabs(mean[i] - wanted[law][i]) > 0.01 * (i == 3 && law == 1 ? 2 : 1))
        fail_msg("law %d, figure %d: %g, not %g", law, i, mean[i], wanted[law][i]);
    /* 1.536 and 1.317 bits, and the coder's head of up to 96 */
    assert_true(fabs(bits - (law ? 1.317 : 1.536)) < 0.01 + 96.0 / N);
  }
}

/* --- Bits ------------------------------------------------------------------------------------- */

/* Beside ⌈log2 C(n, k)⌉ for the positions, of which no code has less for all sets; and the paper's
 * bound for Elias. */
static void bits_beside_their_bounds(void **state) {
  (void)state;
  enum { N = 20000 };
  sg_stream_at(&stream, 7, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; i < 6; i++) {
    static const long ks[] = {1, 20, 200, 1000, 5000, 20000};
    long k = ks[i];
    char rule[40];
    snprintf(rule, sizeof rule, "top-k k=%ld", k);
    const sg_compressor c = made(rule);
    double *x = vector(N, GAUSSIAN), *y = vector(N, -1);
    double bits = sent(&c, N, x, 0, y);
    double least =
        ceil((lgamma(N + 1.0) - lgamma((double)k + 1) - lgamma((double)(N - k) + 1)) / log(2));
    int b = (int)floor(log2((double)N / (double)k));
    assert_true(bits <= 32.0 * (double)k + (double)k * (b + 1) + (double)(N >> b));
    if (k > 1 && k < N) assert_true(bits >= 32.0 * (double)k + least - 64);
    assert_true(bits - 32.0 * (double)k <= 1.08 * least + (k < N ? 8 : N));
    free(x);
    free(y);
  }
  for (int i = 0; i < 4; i++) {
    static const int levels[] = {1, 4, 16, 60};
    char rule[40];
    snprintf(rule, sizeof rule, "qsgd levels=%d code=elias", levels[i]);
    const sg_compressor c = made(rule);
    double *x = vector(N, GAUSSIAN), *y = vector(N, -1), s = levels[i], bits = 0;
    for (int message = 0; message < 10; message++) bits += sent(&c, N, x, message, y) / 10;
    double m = s * (s + sqrt(N));
    assert_true(bits <= 32 + (3 + 1.5 * log2(2 * (s * s + N) / m)) * m);
    assert_true(bits < 32 + N * (1 + ceil(log2(s + 1))));
    free(x);
    free(y);
  }
}

/* Whatever the compressor, what is not finite is seen, wherever it stands. */
static void diverged_messages_are_seen(void **state) {
  (void)state;
  static const double wrong[] = {NAN, -NAN, INFINITY, -INFINITY};
  enum { N = 1000 };
  sg_stream_at(&stream, 8, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int r = 0; r < RULES; r++)
    for (int k = 0; k < 12; k++) {
      const sg_compressor c = made(rules[r]);
      double *x = vector(N, k % LAWS), *y = vector(N, -1), sum = 0;
      x[(k * 337 + 999) % N] = wrong[k % 4];
      if (k > 8) x[5] = wrong[(k + 2) % 4];
      sent(&c, N, x, k, y);
      for (int i = 0; i < N; i++) sum += y[i] * 0;
      assert_true(isnan(sum));
      free(x);
      free(y);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rules_are_followed),
      cmocka_unit_test(long_messages),
      cmocka_unit_test(errors_have_their_formulas),
      cmocka_unit_test(replicas_are_independent),
      cmocka_unit_test(random_sets_are_uniform),
      cmocka_unit_test(identities),
      cmocka_unit_test(adaptive_optima),
      cmocka_unit_test(bits_beside_their_bounds),
      cmocka_unit_test(diverged_messages_are_seen),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  sg_packed_free(&packed);
  return failed;
}
