/* SPDX-License-Identifier: MIT */
/* Which times come again and again: slow iterations at regular distances, workers that stall
 * together. */
#include "sim/fit/rectangle.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

/* --- Periods ---------------------------------------------------------------------------------- */

enum { FEWEST_TURNS = 5 };

/* Iterations with a stall, and those in which all were slow alone among the iterations around:
 * robustly five times further than iterations differ. */
static long slow_rows(const fit_data *d, const sg_fit_structure *s, bool *slow) {
  double *around = d->scratch, *list = around + d->rows;
  long found = 0;
  for (long i = 0; i < d->rows; i++) {
    double before = d->row[i > 0 ? i - 1 : 1], after = d->row[i + 1 < d->rows ? i + 1 : i - 1];
    around[i] = d->row[i] - fmax(before, after);
    list[i] = fabs(d->row[i]);
  }
  double limit = fmax(0.02, 5 * 1.4826 * fit_median((size_t)d->rows, list));
  for (long i = 0; i < d->rows; i++) {
    slow[i] = d->row[i] > limit && around[i] > limit;
    for (int w = 0; w < d->columns && !slow[i]; w++) slow[i] = s->stalled[fit_at(d, i, w)];
    found += slow[i];
  }
  return found;
}

/* How much likelier those iterations are when they prefer one place of a period, at best. */
static double best_period(long rows, long n, const long *at, long *count, long *period,
                          long *place) {
  double best = 0, all = (double)n;
  for (long p = 2; p <= rows / FEWEST_TURNS; p++) {
    memset(count, 0, (size_t)p * sizeof *count);
    long most = 0;
    for (long k = 0; k < n; k++)
      if (++count[at[k] % p] > count[most]) most = at[k] % p;
    double hits = (double)count[most],
           share = ceil((double)(rows - most) / (double)p) / (double)rows;
    double missed = all - hits, gain = hits * log(hits / (all * share));
    if (missed > 0) gain += missed * log(missed / (all * (1 - share)));
    if (hits <= all * share || gain <= best) continue;
    best = gain;
    *period = p;
    *place = most;
  }
  return best;
}

void fit_period(const fit_data *d, sg_fit_structure *s) {
  bool *slow = s->slow_row;
  s->period_p = NAN;
  if (d->rows < 4 * FEWEST_TURNS) return;
  long n = s->slow_rows = slow_rows(d, s, slow), *at = d->order, *count = at + d->rows, k = 0;
  if (n < FEWEST_TURNS) return;
  for (long i = 0; i < d->rows; i++)
    if (slow[i]) at[k++] = i;
  double found = best_period(d->rows, n, at, count, &s->period, &s->period_at);
  for (long i = s->period_at; i < d->rows; i += s->period) s->period_hits += slow[i];
  int above = 0, permutations = fit_permutations((double)n * (double)d->rows, 1e8);
  for (int p = 0; p < permutations; p++) {
    sg_stream g;
    long ignored[2], left = n;
    for (long i = 0; left > 0; i++) { /* selection sampling */
      if (i % 65536 == 0) fit_stream(d, &g, FIT_OF_PERIOD, p, i / 65536);
      if (sg_uniform(&g) * (double)(d->rows - i) < (double)left) at[n - left--] = i;
    }
    above += best_period(d->rows, n, at, count, &ignored[0], &ignored[1]) >= found;
  }
  s->period_p = (1.0 + above) / (1 + permutations);
}

/* --- Groups ----------------------------------------------------------------------------------- */

/* Of the stalls of worker u: how many there are, at how many v stalls too, and how many would be if
 * each other stall of the iteration were any other worker's. */
static bool stall_together(const fit_data *d, const sg_fit_structure *s, const long *of_row, int u,
                           int v) {
  long own = 0, both = 0;
  double expected = 0;
  for (long i = 0; i < d->rows; i++) {
    if (!s->stalled[fit_at(d, i, u)]) continue;
    own++;
    both += s->stalled[fit_at(d, i, v)];
    expected += (double)(of_row[i] - 1) / (d->columns - 1);
  }
  double pairs = 0.5 * d->columns * (d->columns - 1);
  return both > 2 && 2 * both > own &&
         gsl_cdf_binomial_Q((unsigned)both - 1, expected / (double)own, (unsigned)own) <
             0.01 / pairs;
}

/* Numbers the groups from 1; 0: a worker in none. */
void fit_groups(const fit_data *d, sg_fit_structure *s) {
  if ((double)d->cells * d->columns > 2e9) return; /* would take minutes */
  long *of_row = memset(d->order, 0, (size_t)d->rows * sizeof *d->order);
  for (size_t k = 0; k < d->cells; k++) of_row[k / (size_t)d->columns] += s->stalled[k];
  for (int u = 0; u < d->columns; u++)
    for (int v = u + 1; v < d->columns; v++) {
      if (s->group[u] > 0 && s->group[u] == s->group[v]) continue;
      if (!stall_together(d, s, of_row, u, v) || !stall_together(d, s, of_row, v, u)) continue;
      if (s->group[u] == 0) s->group[u] = s->group[v] ? s->group[v] : ++s->groups;
      int from = s->group[v], to = s->group[u];
      s->group[v] = to;
      for (int w = 0; from > 0 && w < d->columns; w++)
        if (s->group[w] == from) s->group[w] = to;
    }
}
