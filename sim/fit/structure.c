/* SPDX-License-Identifier: MIT */
/* Analysis of a rectangle of times into workers, iterations, memory and stalls. */
#include "sim/fit/structure.h"

#include "models/times/trace.h"
#include "sim/core/array.h"
#include "sim/core/random.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Permutations: enough for p = 0.001, fewer where a trace is very long. */
enum { PERMUTATIONS = 999, FEWEST = 99 };
#define MOST_SHUFFLED 2e7

typedef struct data {
  long rows;
  int columns;
  size_t cells;
  const double *x;
  double *y;            /* logarithms, stalls set aside */
  double *z;            /* cells: residuals */
  double *row, *column; /* effects */
  double *scratch;      /* cells and four times the rows */
  double *lag;          /* rows + 1 autocovariances */
  double *value;        /* of each permutation */
  long *order;          /* of the rows */
  uint64_t seed;
  int permutations;
} data;

/* Sorts. */
static double median(size_t n, double *x) {
  sg_sort_doubles(x, n);
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static size_t at(const data *d, long row, int column) {
  return (size_t)row * (size_t)d->columns + (size_t)column;
}

/* --- Stalls ----------------------------------------------------------------------------------- */

static double robust_spread(size_t n, const double *x, double *scratch) {
  memcpy(scratch, x, n * sizeof *x);
  double middle = median(n, scratch);
  for (size_t k = 0; k < n; k++) scratch[k] = fabs(x[k] - middle);
  return 1.4826 * median(n, scratch);
}

/* A stall is far off: four times the typical time, and six robust deviations. */
static double limit_of(double spread) {
  return fmax(log(4), 6 * spread);
}

/* Residuals from medians, which stalls do not move: y − median of the worker − median of the row.
 * Half of the workers may stall at once, so that the row's median is taken of those that are not
 * far off; if all are, the iteration was slow for all. */
static void robust_residuals(data *d, double *r) {
  double *list = d->scratch;
  for (size_t k = 0; k < d->cells; k++) r[k] = log(d->x[k]);
  for (int w = 0; w < d->columns; w++) {
    for (long i = 0; i < d->rows; i++) list[i] = r[at(d, i, w)];
    d->column[w] = median((size_t)d->rows, list);
    for (long i = 0; i < d->rows; i++) r[at(d, i, w)] -= d->column[w];
  }
  double limit = limit_of(robust_spread(d->cells, r, d->scratch));
  for (long i = 0; i < d->rows; i++) {
    size_t near = 0;
    for (int w = 0; w < d->columns; w++)
      if (r[at(d, i, w)] <= limit) list[near++] = r[at(d, i, w)];
    if (near == 0)
      for (int w = 0; w < d->columns; w++) list[near++] = r[at(d, i, w)];
    /* Of one or two workers the row's median is the time itself, of which nothing would be left. */
    d->row[i] = d->columns > 2 ? median(near, list) : 0;
    for (int w = 0; w < d->columns; w++) r[at(d, i, w)] -= d->row[i];
  }
}

/* The median of the up to four residuals of a worker around an iteration. */
static double around(const data *d, double *r, long row, int column) {
  double list[4];
  size_t n = 0;
  for (long i = row - 2; i <= row + 2; i++)
    if (i != row && i >= 0 && i < d->rows) list[n++] = r[at(d, i, column)];
  return n ? median(n, list) : 0;
}

/* A stall stands alone, as far from the worker's iterations before and after: a worker that is slow
 * for a while has memory and no stall. */
static void find_stalls(data *d, sg_fit_structure *s) {
  double *r = s->residual, sum = 0;
  robust_residuals(d, r);
  double limit = limit_of(robust_spread(d->cells, r, d->scratch));
  s->threshold = exp(limit);
  for (long i = 0; i < d->rows; i++) {
    bool any = false;
    for (int w = 0; w < d->columns; w++) {
      size_t k = at(d, i, w);
      s->stalled[k] = r[k] > limit && r[k] > limit + around(d, r, i, w);
      d->y[k] = s->stalled[k] ? d->column[w] + d->row[i] : log(d->x[k]);
      if (!s->stalled[k]) continue;
      s->stalls++;
      any = true;
      sum += exp(r[k]);
    }
    s->stall_rows += any;
  }
  s->stall_share = (double)s->stalls / (double)d->cells;
  s->stall_ratio = s->stalls ? sum / (double)s->stalls : NAN;
  s->together = s->stall_rows ? (double)s->stalls / (double)s->stall_rows : NAN;
}

/* --- Two-way analysis ------------------------------------------------------------------------- */

/* Effects of rows and columns, the mean, and sums of squares {columns, rows, residual}. */
static double effects(const data *d, double square[3]) {
  double mean = 0, *row = d->row, *column = d->column;
  for (size_t k = 0; k < d->cells; k++) mean += d->y[k];
  mean /= (double)d->cells;
  for (int w = 0; w < d->columns; w++) column[w] = 0;
  for (long i = 0; i < d->rows; i++) {
    double sum = 0;
    for (int w = 0; w < d->columns; w++) {
      double z = d->y[at(d, i, w)] - mean;
      sum += z;
      column[w] += z;
    }
    row[i] = sum / d->columns;
  }
  square[0] = square[1] = square[2] = 0;
  for (int w = 0; w < d->columns; w++) {
    column[w] /= (double)d->rows;
    square[0] += (double)d->rows * column[w] * column[w];
  }
  for (long i = 0; i < d->rows; i++) {
    square[1] += d->columns * row[i] * row[i];
    for (int w = 0; w < d->columns; w++) {
      double z = d->y[at(d, i, w)] - mean - row[i] - column[w];
      square[2] += z * z;
    }
  }
  return mean;
}

/* Fisher–Yates of n values that are `stride` apart. */
static void shuffle(double *x, long n, long stride, sg_stream *s) {
  for (long i = n - 1; i > 0; i--) {
    long j = (long)(sg_uniform(s) * (double)(i + 1));
    double swapped = x[i * stride];
    x[i * stride] = x[j * stride];
    x[j * stride] = swapped;
  }
}

/* Streams of permutations: one kind each. */
enum { OF_WORKERS = 1, OF_ITERATIONS, OF_MEMORY, OF_COMMON, OF_STALLS };

static void stream(const data *d, sg_stream *s, int kind, int replicate, long part) {
  sg_stream_at(s, d->seed, (uint32_t)kind, SG_FOR_BOOTSTRAP, (uint32_t)part, (uint32_t)replicate,
               0);
}

static void finish_effect(const data *d, sg_fit_effect *f) {
  int above = 0, count = d->permutations;
  for (int i = 0; i < count; i++) above += d->value[i] >= f->value;
  f->p = (1.0 + above) / (1 + count);
  sg_sort_doubles(d->value, (size_t)count);
  f->chance = d->value[(int)(0.95 * count)];
}

/* The share of an effect when it is chance which of a line's times is where, lines being what the
 * effect is not of: iterations for that of the workers, workers for that of the iterations. Sums of
 * squares of the other effect do not change. apart, next: from a line to the next, from a time of a
 * line to its next. */
static void test_effect(const data *d, int kind, long lines, long apart, long length, long next,
                        double mean, double total, sg_fit_effect *f) {
  double *x = memcpy(d->scratch, d->y, d->cells * sizeof *d->y);
  for (int p = 0; p < d->permutations; p++) {
    for (long i = 0; i < lines; i++) {
      sg_stream g;
      stream(d, &g, kind, p, i);
      shuffle(&x[i * apart], length, next, &g);
    }
    double squares = 0;
    for (long k = 0; k < length; k++) {
      double sum = 0;
      for (long i = 0; i < lines; i++) sum += x[i * apart + k * next] - mean;
      squares += sum * sum / (double)lines;
    }
    d->value[p] = total > 0 ? squares / total : 0;
  }
  finish_effect(d, f);
}

static void test_effects(const data *d, sg_fit_structure *s) {
  double square[3], mean = effects(d, square), total = square[0] + square[1] + square[2];
  s->worker.value = total > 0 ? square[0] / total : 0;
  s->iteration.value = total > 0 ? square[1] / total : 0;
  test_effect(d, OF_WORKERS, d->rows, d->columns, d->columns, 1, mean, total, &s->worker);
  test_effect(d, OF_ITERATIONS, d->columns, 1, d->rows, d->columns, mean, total, &s->iteration);
}

/* Σ over columns of Σ z(i) z(i−1), over Σ z², rows taken in the given order. */
static double lag_one(long rows, int columns, const double *z, const long *order) {
  double product = 0, square = 0;
  for (long i = 0; i < rows; i++) {
    const double *now = &z[order[i] * columns], *before = i ? &z[order[i - 1] * columns] : NULL;
    for (int w = 0; w < columns; w++) {
      square += now[w] * now[w];
      if (before) product += now[w] * before[w];
    }
  }
  return square > 0 ? product / square : 0;
}

static void test_memory(const data *d, int columns, const double *z, int kind, sg_fit_effect *f) {
  long *order = d->order;
  for (long i = 0; i < d->rows; i++) order[i] = i;
  f->value = lag_one(d->rows, columns, z, order);
  for (int p = 0; p < d->permutations; p++) {
    sg_stream g;
    for (long i = d->rows - 1, drawn = 0; i > 0; i--, drawn++) {
      if (drawn % 65536 == 0) stream(d, &g, kind, p, drawn / 65536);
      long j = (long)(sg_uniform(&g) * (double)(i + 1)), swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    d->value[p] = lag_one(d->rows, columns, z, order);
  }
  finish_effect(d, f);
}

/* --- Persistence and change ------------------------------------------------------------------- */

/* The long-run variance of columns relative to their variance, at least 1: lags up to twice where
 * autocorrelation ends are in the block length already, so that many are summed (Bartlett). */
static double inflation(const data *d, int columns, const double *z, long block) {
  long rows = d->rows;
  double *r = d->lag;
  long lags = 2 * block < rows / 4 ? 2 * block : rows / 4;
  if (block <= 1 || lags < 1) return 1;
  sg_autocovariances(rows, columns, z, lags, r);
  double sum = 1;
  for (long k = 1; k <= lags && r[0] > 0; k++)
    sum += 2 * (1 - (double)k / (double)(lags + 1)) * r[k] / r[0];
  return sum > 1 ? sum : 1;
}

static double correlation(int n, const double *x, const double *y) {
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < n; i++) mx += x[i] / n, my += y[i] / n;
  for (int i = 0; i < n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static void test_persistence(const data *d, const double *square, double factor,
                             sg_fit_structure *s) {
  double a = d->columns - 1, b = (double)(d->rows - 1) * a;
  s->persistent_p = NAN;
  s->halves = NAN;
  if (d->columns < 2 || d->rows < 4) return;
  if (square[2] > 0)
    s->persistent_p =
        gsl_cdf_fdist_Q(square[0] / a / (square[2] / b * factor), a, fmax(1, b / factor));
  double *first = d->scratch, *second = first + d->columns;
  memset(first, 0, 2 * (size_t)d->columns * sizeof *first);
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      (i < d->rows / 2 ? first : second)[w] += d->y[at(d, i, w)] - d->row[i];
  for (int w = 0; w < d->columns; w++) {
    first[w] /= (double)(d->rows / 2);
    second[w] /= (double)(d->rows - d->rows / 2);
  }
  s->halves = correlation(d->columns, first, second);
}

/* P(sup |Brownian bridge| > x). */
static double kolmogorov(double x) {
  double sum = 0;
  if (x < 0.2) return 1;
  for (int j = 1; j <= 100; j++) sum += (j % 2 ? 2 : -2) * exp(-2.0 * j * j * x * x);
  return sum > 1 ? 1 : sum < 0 ? 0 : sum;
}

/* The spread of a worker's sums is taken from the median of all workers, or the one that changes
 * would hide itself. */
static void find_change(const data *d, long block, sg_fit_structure *s) {
  double *z = d->z, *column = d->scratch, *scale = column + d->rows, best = 0;
  s->change_worker = -1;
  s->change_p = NAN;
  if (d->rows < 20 || d->columns < 3) return;
  for (int w = 0; w < d->columns; w++) {
    double square = 0;
    for (long i = 0; i < d->rows; i++) {
      column[i] = z[at(d, i, w)];
      square += column[i] * column[i];
    }
    scale[w] = square / (double)d->rows * inflation(d, 1, column, block);
  }
  double typical = median((size_t)d->columns, scale);
  for (int w = 0; w < d->columns; w++) {
    double sum = 0;
    for (long i = 0; i + 1 < d->rows; i++) {
      sum += z[at(d, i, w)];
      if (fabs(sum) <= best) continue;
      best = fabs(sum);
      s->change_worker = w;
      s->change_at = i + 1;
    }
  }
  if (s->change_worker < 0 || !(typical > 0)) return;
  s->change_p = fmin(1, d->columns * kolmogorov(best / sqrt((double)d->rows * typical)));
  double before = 0, after = 0;
  for (long i = 0; i < d->rows; i++)
    *(i < s->change_at ? &before : &after) += z[at(d, i, s->change_worker)];
  s->change_ratio = exp(after / (double)(d->rows - s->change_at) - before / (double)s->change_at);
}

/* --- Clustering of stalls --------------------------------------------------------------------- */

/* Whether stalls come together more than if each worker had them at times of its own. */
static void test_clustering(const data *d, sg_fit_structure *s) {
  if (s->stalls == 0 || d->columns < 2) {
    s->together_chance = s->together_p = NAN;
    return;
  }
  double sum = 0;
  int above = 0;
  for (int p = 0; p < d->permutations; p++) {
    long *of_row = memset(d->order, 0, (size_t)d->rows * sizeof *d->order);
    for (int w = 0; w < d->columns; w++) {
      sg_stream g;
      stream(d, &g, OF_STALLS, p, w);
      long left = 0;
      for (long i = 0; i < d->rows; i++) left += s->stalled[at(d, i, w)];
      for (long i = 0; i < d->rows && left > 0; i++) /* selection sampling */
        if (sg_uniform(&g) * (double)(d->rows - i) < (double)left) of_row[i]++, left--;
    }
    long rows = 0;
    for (long i = 0; i < d->rows; i++) rows += of_row[i] > 0;
    double together = (double)s->stalls / (double)rows;
    sum += together;
    above += together >= s->together;
  }
  s->together_chance = sum / d->permutations;
  s->together_p = (1.0 + above) / (1 + d->permutations);
}

/* --- Tail ------------------------------------------------------------------------------------- */

static void find_tail(const data *d, sg_fit_structure *s) {
  double usual = 0, stall = INFINITY;
  for (size_t k = 0; k < d->cells; k++)
    if (s->stalled[k])
      stall = fmin(stall, s->residual[k]);
    else
      usual = fmax(usual, s->residual[k]);
  /* Stalls behind a gap are a thing of their own, without one they are the end of the tail. */
  size_t n = 0;
  for (size_t k = 0; k < d->cells; k++)
    if (!s->stalled[k] || stall < 1.5 * usual) d->scratch[n++] = s->residual[k];
  sg_sort_doubles(d->scratch, n);
  size_t m = n / 10;
  s->tail = s->tail_error = NAN;
  if (m < 20) return;
  double from = d->scratch[n - m - 1], a0 = 0, a1 = 0;
  for (size_t j = 0; j < m; j++) {
    double excess = d->scratch[n - m + j] - from;
    a0 += excess;
    a1 += excess * (1 - ((double)j + 0.65) / (double)m);
  }
  a0 /= (double)m;
  a1 /= (double)m;
  if (!(a0 - 2 * a1 > 0)) return;
  s->tail = 2 - a0 / (a0 - 2 * a1);
  double k = -fmin(s->tail, 0.4); /* the formula needs ξ < ½ */
  s->tail_error = sqrt((1 + k) * (2 + k) * (2 + k) * (1 + k + 2 * k * k) / (1 + 2 * k) /
                       (3 + 2 * k) / (double)m);
}

/* --- Slow and fast states --------------------------------------------------------------------- */

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

static void find_states(const data *d, double sd, sg_fit_structure *s) {
  double *z = d->z, *f = d->scratch, *g = f + 2 * d->rows;
  chain c = {.mean = {-0.5 * sd, 1.5 * sd}, .leave = {0.1, 0.3}, .sd = 0.7 * sd};
  bool done = !(sd > 0);
  for (int step = 0; step < 200 && !done; step++) {
    expected x = {0};
    for (int w = 0; w < d->columns; w++)
      worker_states(&c, d->rows, z + w, d->columns, f, g, NULL, &x);
    chain n = {.mean = {x.sum[0] / (x.n - x.slow), x.sum[1] / x.slow},
               .leave = {x.left[0] / x.from[0], x.left[1] / x.from[1]},
               .sd = sqrt(x.square / x.n)};
    if (!isfinite(n.mean[0] + n.mean[1] + n.sd + n.leave[0] + n.leave[1]) || !(n.sd > 0)) break;
    done = fabs(n.mean[1] - c.mean[1]) + fabs(n.mean[0] - c.mean[0]) < 1e-6 * sd &&
           fabs(n.leave[0] - c.leave[0]) < 1e-5 && fabs(n.leave[1] - c.leave[1]) < 1e-5;
    c = n;
    for (int u = 0; u < 2; u++) c.leave[u] = fmin(fmax(c.leave[u], 1e-6), 1 - 1e-6);
  }
  expected ignored = {0};
  for (int w = 0; w < d->columns && c.sd > 0; w++)
    worker_states(&c, d->rows, z + w, d->columns, f, g, s->slow + w, &ignored);
  s->p_slow = c.leave[0];
  s->p_recover = c.leave[1];
  s->slowdown = exp(c.mean[1] - c.mean[0]);
}

/* --- All -------------------------------------------------------------------------------------- */

static double equal_rows(const data *d) {
  long equal = 0;
  for (long i = 0; i < d->rows; i++) {
    double least = INFINITY, most = 0;
    for (int w = 0; w < d->columns; w++) {
      double x = d->x[at(d, i, w)];
      least = fmin(least, x);
      most = fmax(most, x);
    }
    equal += most <= 1.01 * least;
  }
  return d->columns > 1 ? (double)equal / (double)d->rows : 0;
}

static double positive_root(double variance) {
  return variance > 0 ? sqrt(variance) : 0;
}

static void take_factors(const data *d, const double *square, sg_fit_structure *s) {
  double columns = d->columns, rows = (double)d->rows, sum = 0;
  double error = d->columns > 1 && d->rows > 1 ? square[2] / ((columns - 1) * (rows - 1)) : 0;
  s->residual_sd = sqrt(error);
  s->worker_sd = d->columns > 1 ? positive_root((square[0] / (columns - 1) - error) / rows) : 0;
  s->iteration_sd = d->rows > 1 ? positive_root((square[1] / (rows - 1) - error) / columns) : 0;
  for (int w = 0; w < d->columns; w++) sum += exp(d->column[w]);
  for (int w = 0; w < d->columns; w++) s->factor[w] = exp(d->column[w]) * columns / sum;
  for (long i = 0; i < d->rows; i++) s->common[i] = exp(d->row[i]);
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      s->residual[at(d, i, w)] = d->x[at(d, i, w)] / s->factor[w] / s->common[i];
}

/* What is left of y without the mean and those effects. */
static void take_residuals(const data *d, double mean, bool rows, bool columns) {
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      d->z[at(d, i, w)] =
          d->y[at(d, i, w)] - mean - (rows ? d->row[i] : 0) - (columns ? d->column[w] : 0);
}

static sg_fit_parts parts_of(const sg_fit_structure *s) {
  return (sg_fit_parts){
      .persistent = s->worker.p < 0.01 && s->persistent_p < 0.01 && s->worker_sd > 0.02,
      .memory = s->memory.p < 0.01 && s->memory.value > 0.1 && s->residual_sd > 0.01,
      .common = s->iteration.p < 0.01 && s->iteration_sd > 0.02 && s->workers > 2,
      .stalls = s->stalls > 2,
      .clustered = s->stalls > 2 && s->together_p < 0.01 && s->together > 1.2 * s->together_chance};
}

/* false: no memory. */
static bool analyse(data *d, sg_fit_structure *s) {
  double square[3];
  s->equal_rows = equal_rows(d);
  find_stalls(d, s);
  test_effects(d, s);
  double mean = effects(d, square);
  take_residuals(d, mean, true, true);
  take_factors(d, square, s);
  test_memory(d, d->columns, d->z, OF_MEMORY, &s->memory);
  test_memory(d, 1, d->row, OF_COMMON, &s->common_memory);
  long block = sg_block_length(d->rows, d->columns, d->z);
  s->block = sg_block_length(d->rows, d->columns, d->y);
  test_persistence(d, square, inflation(d, d->columns, d->z, block), s);
  find_change(d, block, s);
  test_clustering(d, s);
  find_tail(d, s);
  /* An effect that is chance alone would take a part of the slow states with it. */
  take_residuals(d, mean, s->iteration.p < 0.01, s->worker.p < 0.01 && s->persistent_p < 0.01);
  find_states(d, s->residual_sd, s);
  s->parts = parts_of(s);
  return block > 0 && s->block > 0;
}

sg_status sg_fit_structure_new(long iterations, int workers, const double *x, uint64_t seed,
                               sg_fit_structure **out, sg_error *e) {
  size_t rows = (size_t)iterations, columns = (size_t)workers, cells = rows * columns;
  double count = fmin(fmax(MOST_SHUFFLED / (double)cells, FEWEST), PERMUTATIONS);
  double *work = malloc((3 * cells + 6 * rows + 1 + columns + (size_t)count) * sizeof *work);
  long *order = malloc(rows * sizeof *order);
  sg_fit_structure *s = calloc(1, sizeof *s);
  bool ok = work && order && s && (s->stalled = calloc(cells, sizeof *s->stalled)) &&
            (s->factor = calloc(2 * cells + rows + columns, sizeof *s->factor));
  if (ok) {
    data d = {.rows = iterations,
              .columns = workers,
              .cells = cells,
              .x = x,
              .order = order,
              .seed = seed,
              .permutations = (int)count};
    d.y = work;
    d.z = d.y + cells;
    d.scratch = d.z + cells;
    d.row = d.scratch + cells + 4 * rows;
    d.lag = d.row + rows;
    d.column = d.lag + rows + 1;
    d.value = d.column + columns;
    s->workers = workers;
    s->iterations = iterations;
    s->residual = s->factor + columns;
    s->slow = s->residual + cells;
    s->common = s->slow + cells;
    ok = analyse(&d, s);
  }
  free(work);
  free(order);
  *out = ok ? s : NULL;
  if (ok) return SG_OK;
  sg_fit_structure_free(s);
  return sg_fail_memory(e);
}

void sg_fit_structure_free(sg_fit_structure *s) {
  if (!s) return;
  free(s->factor);
  free(s->stalled);
  free(s);
}

/* --- Load ------------------------------------------------------------------------------------- */

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
