/* SPDX-License-Identifier: MIT */
/* Estimators of the laws of a random time. Standing of the sources: recalled, unless derived. */
#include "sim/fit/laws.h"

#include "models/times/laws/laws.h"
#include "sim/core/array.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdlib.h>

#define LEVEL 0.95

static double mean_of(long n, const double *x) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += x[i];
  return sum / (double)n;
}

static double squares_of(long n, const double *x, double mean) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

static void take_logs(long n, const double *x, double shift, double *y) {
  for (long i = 0; i < n; i++) y[i] = log(x[i] - shift);
}

/* A step of Newton's method for k > 0, of at most a factor of 4; whether it was the last. */
static bool newton_step(double *k, double f, double slope) {
  double last = *k;
  *k = fmin(fmax(last - f / slope, last / 4), 4 * last);
  return fabs(*k - last) < 1e-10 * last;
}

/* --- exponential: {mean} ---------------------------------------------------------------------- */

static bool exponential_fit(long n, const double *x, double *v, double *loglik, double *work) {
  v[0] = mean_of(n, x); /* unbiased */
  *loglik = -(double)n * (log(v[0]) + 1);
  return true;
}

/* 2 n x̄ / mean has χ² with 2n degrees of freedom. */
static void exponential_interval(long n, const double *x, const double *v, double *low,
                                 double *high) {
  double k = (double)n;
  low[0] = 2 * k * v[0] / gsl_cdf_chisq_Qinv((1 - LEVEL) / 2, 2 * k);
  high[0] = 2 * k * v[0] / gsl_cdf_chisq_Pinv((1 - LEVEL) / 2, 2 * k);
}

static double exponential_draw(const double *v, sg_stream *s) {
  return sg_exponential(s, v[0]);
}

/* --- shifted exponential: {shift, mean excess} ------------------------------------------------ */

/* Maximum likelihood is (min, x̄ − min); unbiased: Epstein and Sobel 1954. A shift below 0 stands
 * for none. */
static bool shifted_fit(long n, const double *x, double *v, double *loglik, double *work) {
  double k = (double)n, excess = mean_of(n, x) - x[0];
  if (!(excess > 0) || n < 2) return false;
  v[1] = k / (k - 1) * excess;
  v[0] = x[0] - v[1] / k;
  *loglik = -k * (log(excess) + 1);
  return true;
}

/* 2 (n−1) m̂ / m has χ² with 2n − 2 degrees of freedom, n (min − shift) / m̂ has F with 2 and 2n − 2.
 */
static void shifted_interval(long n, const double *x, const double *v, double *low, double *high) {
  double k = (double)n, df = 2 * k - 2;
  low[0] = x[0] - gsl_cdf_fdist_Pinv(LEVEL, 2, df) * v[1] / k;
  high[0] = x[0];
  low[1] = df * v[1] / gsl_cdf_chisq_Qinv((1 - LEVEL) / 2, df);
  high[1] = df * v[1] / gsl_cdf_chisq_Pinv((1 - LEVEL) / 2, df);
}

/* --- Weibull: {scale, shape} ------------------------------------------------------------------ */

/* The root of Σ xᵏ y / Σ xᵏ − 1/k − ȳ, which increases in k. */
static bool weibull_above(long n, const double *y, double excess, double *v, double *loglik) {
  double mean = mean_of(n, y), top = y[n - 1], size = (double)n;
  double variance = squares_of(n, y, mean) / size;
  if (!(variance > 0) || !isfinite(variance)) return false;
  double k = M_PI / sqrt(6 * variance), s0 = 0;
  bool done = false;
  for (int step = 0; step < 60 && !done; step++) {
    double s1 = 0, s2 = 0;
    s0 = 0;
    for (long i = 0; i < n; i++) { /* relative to the largest, against overflow */
      double z = y[i] - top, p = exp(k * z);
      s0 += p;
      s1 += p * z;
      s2 += p * z * z;
    }
    double a = s1 / s0;
    done = newton_step(&k, a - 1 / k - (mean - top), s2 / s0 - a * a + 1 / (k * k));
  }
  if (!isfinite(k) || !(k > 0)) return false;
  double log_scale = top + log(s0 / size) / k;
  *loglik = size * (log(k) - k * log_scale - 1) + (k - 1) * mean * size;
  v[0] = exp(log_scale);
  v[1] = k;
  return isfinite(*loglik);
}

/* The first-order bias of the shape, 18 (π² − 2 ζ(3)) / π⁴ = 1.3795 over n, is taken out (Ross
 * 1994; Cox and Snell 1968), and the scale follows from the shape; behind a shift as if that were
 * known. */
static void weibull_correct(long n, const double *y, double *v) {
  double top = y[n - 1], sum = 0;
  v[1] /= 1 + 1.3795 / (double)n;
  for (long i = 0; i < n; i++) sum += exp(v[1] * (y[i] - top));
  v[0] = exp(top + log(sum / (double)n) / v[1]);
}

static double weibull_draw(const double *v, sg_stream *s) {
  return v[0] * pow(sg_exponential(s, 1), 1 / v[1]);
}

/* --- gamma: {mean, shape} --------------------------------------------------------------------- */

/* From the mean and the mean logarithm: log k − ψ(k) = log mean − mean log. Newton from Minka's
 * start. */
static bool gamma_above(long n, const double *y, double mean, double *v, double *loglik) {
  double mean_log = mean_of(n, y), s = log(mean) - mean_log;
  if (!(s > 1e-14) || !isfinite(s)) return false;
  double k = (3 - s + sqrt((s - 3) * (s - 3) + 24 * s)) / (12 * s);
  bool done = false;
  for (int step = 0; step < 60 && !done; step++)
    done = newton_step(&k, log(k) - gsl_sf_psi(k) - s, 1 / k - gsl_sf_psi_1(k));
  if (!isfinite(k) || !(k > 0) || k > 1e9) return false;
  v[0] = mean;
  v[1] = k;
  *loglik = (double)n * (k * log(k / mean) - gsl_sf_lngamma(k) + (k - 1) * mean_log - k);
  return isfinite(*loglik);
}

/* Cox and Snell's first-order bias of the shape (Giles and Feng 2009; 3 k / n for large k). */
static void gamma_correct(long n, const double *y, double *v) {
  double k = v[1];
  double p1 = k < 1e5 ? gsl_sf_psi_n(1, k) : 1 / k + 1 / (2 * k * k);
  double p2 = k < 1e5 ? gsl_sf_psi_n(2, k) : -1 / (k * k) - 1 / (k * k * k);
  double information = k * p1 - 1;
  double bias = (k * p1 - k * k * p2 - 2) / (2 * (double)n * information * information);
  double corrected = k - bias;
  if (corrected > 0 && isfinite(corrected)) v[1] = corrected;
}

static double gamma_draw(const double *v, sg_stream *s) {
  return gsl_ran_gamma(&s->rng, v[1], v[0] / v[1]);
}

/* --- lognormal: {median, sigma} --------------------------------------------------------------- */

static bool lognormal_above(long n, const double *y, double excess, double *v, double *loglik) {
  double mean = mean_of(n, y), squares = squares_of(n, y, mean), size = (double)n;
  if (!(squares > 0) || !isfinite(squares) || n < 2) return false;
  v[0] = exp(mean);
  v[1] = sqrt(squares / (size - 1)); /* σ² without bias */
  *loglik = -size * (0.5 * log(2 * M_PI * squares / size) + 0.5 + mean);
  return true;
}

/* Student's t for the logarithm of the median, χ² for σ². */
static void lognormal_interval(long n, const double *x, const double *v, double *low,
                               double *high) {
  double k = (double)n, t = gsl_cdf_tdist_Qinv((1 - LEVEL) / 2, k - 1) * v[1] / sqrt(k);
  low[0] = v[0] * exp(-t);
  high[0] = v[0] * exp(t);
  low[1] = v[1] * sqrt((k - 1) / gsl_cdf_chisq_Qinv((1 - LEVEL) / 2, k - 1));
  high[1] = v[1] * sqrt((k - 1) / gsl_cdf_chisq_Pinv((1 - LEVEL) / 2, k - 1));
}

static double lognormal_draw(const double *v, sg_stream *s) {
  return v[0] * exp(v[1] * gsl_ran_gaussian_ziggurat(&s->rng, 1));
}

/* --- Pareto: {minimum, shape} ----------------------------------------------------------------- */

/* The logarithm has a shifted exponential law with mean excess 1/shape. Without bias: Likeš 1969,
 * shape (n−2)/n of maximum likelihood, minimum x₁ (1 − 1/((n−1) shape)). */
static bool pareto_fit(long n, const double *x, double *v, double *loglik, double *y) {
  double k = (double)n;
  if (n < 3) return false;
  take_logs(n, x, 0, y);
  double excess = mean_of(n, y) - y[0];
  if (!(excess > 0)) return false;
  *loglik = -k * (log(excess) + 1) - k * (y[0] + excess);
  v[1] = (k - 2) / k / excess;
  v[0] = x[0] * (1 - excess / (k - 1));
  return v[0] > 0;
}

static void pareto_interval(long n, const double *x, const double *v, double *low, double *high) {
  double k = (double)n, df = 2 * k - 2, excess = (k - 2) / k / v[1], mean = k / (k - 1) * excess;
  low[0] = x[0] * exp(-gsl_cdf_fdist_Pinv(LEVEL, 2, df) * mean / k);
  high[0] = x[0];
  low[1] = gsl_cdf_chisq_Pinv((1 - LEVEL) / 2, df) / (df * mean);
  high[1] = gsl_cdf_chisq_Qinv((1 - LEVEL) / 2, df) / (df * mean);
}

static double pareto_draw(const double *v, sg_stream *s) {
  return v[0] * pow(1 - sg_uniform(s), -1 / v[1]); /* of (0, 1] */
}

/* --- Shifted laws: {shift, scale or mean or median, shape or sigma} --------------------------- */

/* The likelihood of a shift with the best law above it. It has no maximum where shape < 1: it grows
 * without end as the shift nears the least time. So the shift keeps the distance from it that the
 * unbiased estimate for an exponential law has, (x̄ − x₁)/n (derived: that is the order of the error
 * there), and the maximum is sought below. */
typedef struct profile {
  const sg_fit_type *type;
  long n;
  const double *x;
  double *y, mean;            /* logarithms above the shift; of x */
  gsl_min_fminimizer *search; /* made once */
} profile;

static bool fit_above(const profile *p, double shift, double *v, double *loglik) {
  take_logs(p->n, p->x, shift, p->y);
  return p->type->above(p->n, p->y, p->mean - shift, v, loglik);
}

static double minus_loglik(double log_distance, void *p) {
  const double *x = ((profile *)p)->x;
  double v[2], loglik;
  return fit_above(p, fmax(0, x[0] - exp(log_distance)), v, &loglik) ? -loglik : 1e300;
}

static bool best_shift(profile *p, double *shift) {
  enum { GRID = 10 };
  double least = log((p->mean - p->x[0]) / (double)p->n), most = log(p->x[0]);
  *shift = 0;
  if (!isfinite(least)) return false;
  if (!(least < most)) return true;
  double step = (most - least) / GRID, value[GRID + 1];
  int best = 0;
  for (int i = 0; i <= GRID; i++) {
    value[i] = minus_loglik(i == GRID ? most : least + i * step, p);
    if (value[i] < value[best]) best = i;
  }
  double at = best == GRID ? most : least + best * step;
  if (best > 0 && best < GRID && value[best] < value[best - 1] && value[best] < value[best + 1]) {
    gsl_min_fminimizer *m = p->search;
    gsl_function f = {minus_loglik, p};
    int status = gsl_min_fminimizer_set_with_values(m, &f, at, value[best], at - step,
                                                    value[best - 1], at + step, value[best + 1]);
    for (int i = 0; i < 30 && status == GSL_SUCCESS; i++) {
      status = gsl_min_fminimizer_iterate(m);
      double width = gsl_min_fminimizer_x_upper(m) - gsl_min_fminimizer_x_lower(m);
      if (width < 1e-3) break;
    }
    at = gsl_min_fminimizer_x_minimum(m);
  }
  *shift = best == GRID ? 0 : fmax(0, p->x[0] - exp(at));
  return true;
}

/* As sg_fit_type.fit, of every type; `search` is used again and again. */
static bool fit(const sg_fit_type *type, long n, const double *x, double *v, double *loglik,
                double *y, gsl_min_fminimizer *search) {
  if (type->fit) return type->fit(n, x, v, loglik, y);
  profile p = {.type = type, .n = n, .x = x, .y = y, .mean = mean_of(n, x), .search = search};
  double shift = 0;
  if (type->location[0]) {
    if (n < 4 || !best_shift(&p, &shift) || !(x[0] > shift)) return false;
    *v++ = shift;
  }
  if (!fit_above(&p, shift, v, loglik)) return false;
  if (type->correct) type->correct(n, y, v);
  return true;
}

double sg_fit_draw(const sg_fit_type *type, const double *v, sg_stream *s) {
  return type->location[0] ? v[0] + type->draw(v + 1, s) : type->draw(v, s);
}

/* --- The table -------------------------------------------------------------------------------- */

/* Behind a name, the law of scenarios and the number of parameters: what differs. */
#define LAW(called, in_scenarios, count, ...)                                                      \
  { .name = called, .model = in_scenarios, .parameters = count, __VA_ARGS__ }
/* The functions of a law that may have a shift. */
#define ABOVE(of) .above = of##_above, .draw = of##_draw, .law = &sg_law_##of

static const sg_fit_type types[] = {
    LAW("exponential", "exponential", 1, .parameter = {"mean_s"}, .fit = exponential_fit,
        .interval = exponential_interval, .draw = exponential_draw,
        .law = &sg_law_shifted_exponential),
    LAW("shifted exponential", "shifted-exponential", 2, .parameter = {"shift_s", "mean_excess_s"},
        .location = {true}, .fit = shifted_fit, .interval = shifted_interval,
        .draw = exponential_draw, .law = &sg_law_shifted_exponential),
    LAW("weibull", "weibull", 2, .parameter = {"scale_s", "shape"}, ABOVE(weibull),
        .correct = weibull_correct),
    LAW("gamma", "gamma", 2, .parameter = {"mean_s", "shape"}, ABOVE(gamma),
        .correct = gamma_correct),
    LAW("lognormal", "lognormal", 2, .parameter = {"median_s", "sigma"}, ABOVE(lognormal),
        .interval = lognormal_interval),
    LAW("pareto", "pareto", 2, .parameter = {"minimum_s", "shape"}, .fit = pareto_fit,
        .interval = pareto_interval, .draw = pareto_draw, .law = &sg_law_pareto),
    LAW("shifted weibull", "weibull", 3, .parameter = {"shift_s", "scale_s", "shape"},
        .location = {true}, ABOVE(weibull), .correct = weibull_correct),
    LAW("shifted gamma", "gamma", 3, .parameter = {"shift_s", "mean_s", "shape"},
        .location = {true}, ABOVE(gamma), .correct = gamma_correct),
    LAW("shifted lognormal", "lognormal", 3, .parameter = {"shift_s", "median_s", "sigma"},
        .location = {true}, ABOVE(lognormal))};

const sg_fit_type *sg_fit_type_at(int i) {
  return i >= 0 && (size_t)i < sizeof types / sizeof *types ? &types[i] : NULL;
}

/* --- Goodness of fit -------------------------------------------------------------------------- */

/* Kolmogorov–Smirnov and Anderson–Darling distances of an ascending sample. u: n values of
 * workspace. */
static void distances(const sg_fit_type *type, const double *v, long n, const double *x, double *u,
                      double *ks, double *ad) {
  double size = (double)n, sum = 0;
  sg_law law;
  sg_law_set(&law, type->law, type->parameters, v);
  *ks = 0;
  for (long i = 0; i < n; i++) {
    u[i] = type->law->cdf(law.state, x[i]);
    *ks = fmax(*ks, fmax(u[i] - (double)i / size, (double)(i + 1) / size - u[i]));
  }
  for (long i = 0; i < n; i++) { /* a time outside of the law has a large, finite weight */
    double below = fmax(u[i], 1e-300), above = fmax(1 - u[n - 1 - i], 1e-300);
    sum += (2.0 * (double)i + 1) * (log(below) + log(above));
  }
  *ad = -size - sum / size;
}

typedef struct bootstrap {
  gsl_min_fminimizer *search;
  double *x, *u, *estimate[SG_FIT_PARAMS]; /* n, n, replicates each */
} bootstrap;

/* One replicate's estimates and distances. false: none. */
static bool replicate(const sg_fitted *f, long n, int index, uint64_t seed, bootstrap *b,
                      double *ks, double *ad) {
  enum { CHUNK = 4096 }; /* a stream has 2^17 numbers */
  sg_stream s;
  double v[SG_FIT_PARAMS], loglik;
  for (long i = 0; i < n; i++) {
    if (i % CHUNK == 0)
      sg_stream_at(&s, seed, 0, SG_FOR_BOOTSTRAP, (uint32_t)(f->type - types), (uint32_t)index,
                   (uint32_t)(1 + i / CHUNK));
    b->x[i] = sg_fit_draw(f->type, f->value, &s);
    if (!isfinite(b->x[i])) return false;
  }
  sg_sort_doubles(b->x, (size_t)n);
  if (!(b->x[n - 1] > b->x[0])) return false;
  if (!fit(f->type, n, b->x, v, &loglik, b->u, b->search)) return false;
  for (int p = 0; p < f->type->parameters; p++) b->estimate[p][index] = v[p];
  distances(f->type, v, n, b->x, b->u, ks, ad);
  return true;
}

/* The interval of a pivot: estimate − value for locations, estimate / value for the others. */
static void bootstrap_interval(sg_fitted *f, int p, int count, double *estimate) {
  sg_sort_doubles(estimate, (size_t)count);
  int k = (int)((count + 1) * (1 - LEVEL) / 2);
  if (k < 1) return;
  double below = estimate[k - 1], above = estimate[count - k], x = f->value[p];
  f->low[p] = f->type->location[p] ? fmax(0, 2 * x - above) : x * x / above;
  f->high[p] = f->type->location[p] ? fmax(0, 2 * x - below) : x * x / below;
}

static void resample(sg_fitted *f, long n, int replicates, uint64_t seed, bootstrap *b) {
  int count = 0, ks_above = 0, ad_above = 0;
  for (int r = 0; r < replicates; r++) {
    double ks, ad;
    if (!replicate(f, n, r, seed, b, &ks, &ad)) continue;
    ks_above += ks >= f->ks;
    ad_above += ad >= f->ad;
    for (int p = 0; p < f->type->parameters; p++) b->estimate[p][count] = b->estimate[p][r];
    count++;
  }
  if (count < replicates / 2 || count == 0) return; /* the law is at the edge of what it can be */
  f->ks_p = (1.0 + ks_above) / (1 + count);
  f->ad_p = (1.0 + ad_above) / (1 + count);
  for (int p = 0; p < f->type->parameters && !f->type->interval; p++)
    bootstrap_interval(f, p, count, b->estimate[p]);
}

sg_status sg_fit_law(const sg_fit_type *type, long n, const double *x, int replicates,
                     uint64_t seed, sg_fitted *f, sg_error *e) {
  *f = (sg_fitted){.type = type, .ks_p = NAN, .ad_p = NAN, .aic = INFINITY};
  for (int p = 0; p < SG_FIT_PARAMS; p++) f->low[p] = f->high[p] = NAN;
  if (n < 3 || !(x[n - 1] > x[0])) return SG_OK;
  size_t cells = (size_t)n, room = (size_t)replicates + 1;
  double *work = malloc((2 * cells + SG_FIT_PARAMS * room) * sizeof *work);
  gsl_min_fminimizer *search = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
  if (!work || !search) {
    free(work);
    if (search) gsl_min_fminimizer_free(search);
    return sg_fail_memory(e);
  }
  bootstrap b = {.search = search, .x = work, .u = work + cells};
  for (size_t p = 0; p < SG_FIT_PARAMS; p++) b.estimate[p] = work + 2 * cells + p * room;
  f->ok = fit(type, n, x, f->value, &f->loglik, b.u, search) && isfinite(f->loglik);
  for (int p = 0; p < type->parameters; p++)
    f->ok = f->ok && isfinite(f->value[p]) && (type->location[p] || f->value[p] > 0);
  if (f->ok) {
    f->aic = 2 * type->parameters - 2 * f->loglik;
    distances(type, f->value, n, x, b.u, &f->ks, &f->ad);
    if (type->interval) type->interval(n, x, f->value, f->low, f->high);
    if (replicates > 0) resample(f, n, replicates, seed, &b);
  }
  gsl_min_fminimizer_free(search);
  free(work);
  return SG_OK;
}
