/* SPDX-License-Identifier: MIT */
/* Slow and fast states of workers by Baum–Welch. */
#include "sim/fit/rectangle.h"

#include <math.h>

/* Of the fast state and the slow one. */
typedef struct chain {
  double mean[2], leave[2], sd;
} chain;

static double normal(double z, double mean, double sd) {
  double t = (z - mean) / sd;
  return exp(-0.5 * t * t) / sd + 1e-300;
}

typedef struct expected { /* sums over iterations, of expectations given the times */
  double n, slow;
  double from[2], left[2]; /* iterations in a state that has a next one; those that leave it then */
  double sum[2], square;
} expected;

static void normalise(double p[2]) {
  double sum = p[0] + p[1];
  p[0] /= sum;
  p[1] /= sum;
}

/* Forward–backward over one worker; z and probability (may be NULL) have stride `stride`. f, g:
 * 2·rows values each. */
static void worker_states(const chain *c, long rows, const double *z, long stride, double *f,
                          double *g, double *probability, expected *x) {
  double a[2][2] = {{1 - c->leave[0], c->leave[0]}, {c->leave[1], 1 - c->leave[1]}};
  double slow = c->leave[0] / (c->leave[0] + c->leave[1]), start[2] = {1 - slow, slow};
  for (long i = 0; i < rows; i++) {
    double *now = &f[2 * i], *last = now - 2;
    for (int v = 0; v < 2; v++)
      now[v] = normal(z[i * stride], c->mean[v], c->sd) *
               (i ? last[0] * a[0][v] + last[1] * a[1][v] : start[v]);
    normalise(now);
  }
  g[2 * (rows - 1)] = g[2 * (rows - 1) + 1] = 1;
  for (long i = rows - 1; i >= 0; i--) {
    double *now = &g[2 * i], b[2], joint[2][2], all = 0;
    if (i + 1 < rows) {
      for (int v = 0; v < 2; v++)
        b[v] = normal(z[(i + 1) * stride], c->mean[v], c->sd) * now[2 + v];
      for (int u = 0; u < 2; u++)
        for (int v = 0; v < 2; v++) all += joint[u][v] = f[2 * i + u] * a[u][v] * b[v];
      for (int u = 0; u < 2; u++) {
        x->from[u] += (joint[u][0] + joint[u][1]) / all;
        x->left[u] += joint[u][1 - u] / all;
        now[u] = a[u][0] * b[0] + a[u][1] * b[1];
      }
      normalise(now);
    }
    double is_slow = f[2 * i + 1] * now[1], is_fast = f[2 * i] * now[0], t = z[i * stride];
    double p = is_slow / (is_slow + is_fast), far = t - c->mean[0], near = t - c->mean[1];
    if (probability) probability[i * stride] = p;
    x->n++;
    x->slow += p;
    x->sum[0] += (1 - p) * t;
    x->sum[1] += p * t;
    x->square += (1 - p) * far * far + p * near * near;
  }
}

/* A stationary chain becomes slow as often as it recovers, so both rates come from all crossings:
 * then the share of slow iterations is that of the trace even where no slow state was seen to end
 * (rates that are estimated apart would make it slow for ever). */
void fit_states(const fit_data *d, double sd, sg_fit_structure *s) {
  double *z = d->z, *f = d->scratch, *g = f + 2 * d->rows;
  chain c = {.mean = {-0.5 * sd, 1.5 * sd}, .leave = {0.1, 0.3}, .sd = 0.7 * sd};
  bool done = !(sd > 0);
  for (int step = 0; step < 200 && !done; step++) {
    expected x = {0};
    for (int w = 0; w < d->columns; w++)
      worker_states(&c, d->rows, z + w, d->columns, f, g, NULL, &x);
    double crossings = fmax(0.5, (x.left[0] + x.left[1]) / 2);
    chain n = {.mean = {x.sum[0] / (x.n - x.slow), x.sum[1] / x.slow},
               .leave = {crossings / x.from[0], crossings / x.from[1]},
               .sd = sqrt(x.square / x.n)};
    if (!isfinite(n.mean[0] + n.mean[1] + n.sd + n.leave[0] + n.leave[1]) || !(n.sd > 0)) break;
    done = fabs(n.mean[1] - c.mean[1]) + fabs(n.mean[0] - c.mean[0]) < 1e-6 * sd &&
           fabs(n.leave[0] - c.leave[0]) < 1e-5 && fabs(n.leave[1] - c.leave[1]) < 1e-5;
    c = n;
    for (int u = 0; u < 2; u++) c.leave[u] = fmin(fmax(c.leave[u], 1e-6), 1 - 1e-6);
  }
  expected last = {0};
  for (int w = 0; w < d->columns && c.sd > 0; w++)
    worker_states(&c, d->rows, z + w, d->columns, f, g, s->slow + w, &last);
  s->recoveries = last.left[1];
  s->p_slow = c.leave[0];
  s->p_recover = c.leave[1];
  s->slowdown = exp(c.mean[1] - c.mean[0]);
}
