/* SPDX-License-Identifier: MIT */
/* How times grow with the load. */
#include "sim/fit/structure.h"

#include <math.h>
#include <stdlib.h>

typedef struct loaded {
  double load, x;
} loaded;

static int by_load(const void *a, const void *b) {
  const loaded *p = a, *q = b;
  if (p->load != q->load) return p->load < q->load ? -1 : 1;
  return (p->x > q->x) - (p->x < q->x);
}

/* Weighted least squares of y on x; weights 1/variance. */
static void line(int n, const double *x, const double *y, const double *variance, double *at_zero,
                 double *slope, double *at_zero_error, double *slope_error) {
  double w = 0, wx = 0, wy = 0, xx = 0, xy = 0;
  for (int i = 0; i < n; i++) {
    double q = 1 / variance[i];
    w += q, wx += q * x[i], wy += q * y[i], xx += q * x[i] * x[i], xy += q * x[i] * y[i];
  }
  double det = w * xx - wx * wx;
  *slope = (w * xy - wx * wy) / det;
  *at_zero = (xx * wy - wx * xy) / det;
  *at_zero_error = sqrt(xx / det);
  *slope_error = sqrt(w / det);
}

static void choose_scaling(sg_fit_loads *out) {
  double log_load[SG_FIT_LOADS], log_sd[SG_FIT_LOADS], of_mean[SG_FIT_LOADS], of_sd[SG_FIT_LOADS];
  int n = out->count;
  double ignored;
  for (int i = 0; i < n; i++) {
    double m = (double)out->times[i];
    if (!(out->sd[i] > 0)) return;
    of_mean[i] = out->sd[i] * out->sd[i] / m;
    log_load[i] = log(out->load[i]);
    log_sd[i] = log(out->sd[i]);
    of_sd[i] = 2 / m; /* of an exponential law: (kurtosis − 1) / 4 = 2 */
  }
  line(n, out->load, out->mean, of_mean, &out->fixed, &out->per_subset, &out->fixed_error,
       &ignored);
  line(n, log_load, log_sd, of_sd, &ignored, &out->growth, &ignored, &out->growth_error);
  out->scaling = out->growth > 0.75   ? SG_FIT_PROPORTIONAL
                 : out->growth > 0.25 ? SG_FIT_ADDITIVE
                                      : SG_FIT_STARTUP;
}

sg_status sg_fit_load_scaling(long n, const double *x, const double *load, sg_fit_loads *out,
                              sg_error *e) {
  *out = (sg_fit_loads){.fixed = NAN, .per_subset = NAN, .growth = NAN};
  loaded *list = malloc((size_t)n * sizeof *list);
  if (!list) return sg_fail_memory(e);
  for (long i = 0; i < n; i++) list[i] = (loaded){load ? load[i] : 1, x[i]};
  qsort(list, (size_t)n, sizeof *list, by_load);
  for (long first = 0, last; first < n; first = last) {
    double sum = 0, squares = 0;
    for (last = first; last < n && list[last].load == list[first].load; last++) sum += list[last].x;
    long m = last - first;
    double mean = sum / (double)m;
    for (long i = first; i < last; i++) squares += (list[i].x - mean) * (list[i].x - mean);
    int k = out->count++;
    if (k >= SG_FIT_LOADS) continue;
    out->load[k] = list[first].load;
    out->times[k] = m;
    out->mean[k] = mean;
    out->sd[k] = m > 1 ? sqrt(squares / (double)(m - 1)) : 0;
  }
  free(list);
  if (out->count > SG_FIT_LOADS) out->count = SG_FIT_LOADS;
  if (out->count > 1) choose_scaling(out);
  return SG_OK;
}
