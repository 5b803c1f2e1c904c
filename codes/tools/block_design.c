/* SPDX-License-Identifier: MIT */
/* Sizes of blocks: closed forms, the sample average and its minimum, whole numbers. */
#include "codes/tools/block_design.h"
#include "sim/core/array.h"
#include "sim/core/elementary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With more than LARGE workers draws have as many times in all as with LARGE. */
enum { LARGE = 4096 };
enum { TIMES = 400000, LEAST_DRAWS = 1000, MOST_DRAWS = 20000, PROBES = 16, STEPS = 150 };

/* --- Times ------------------------------------------------------------------------------------ */

/* Whether twice the work takes twice the time, in the same draws. */
static bool probe(const sg_forecast *f, int n, double work, double *two, bool *in_proportion) {
  double *once = two, *twice = two + PROBES * n;
  if (!f->samples(f->of, work, PROBES, once) || !f->samples(f->of, 2 * work, PROBES, twice))
    return false;
  *in_proportion = true;
  for (int i = 0; i < PROBES * n; i++)
    if (!(fabs(twice[i] - 2 * once[i]) <= 1e-9 * twice[i])) *in_proportion = false;
  return true;
}

bool sg_block_times_new(const sg_forecast *forecast, int n, double work, sg_block_times *chosen,
                        sg_block_times *judged) {
  int draws = TIMES / n, least = n > LARGE ? LEAST_DRAWS * LARGE / n + 1 : LEAST_DRAWS;
  draws = draws < least ? least : draws > MOST_DRAWS ? MOST_DRAWS : draws;
  size_t each = (size_t)draws * (size_t)n;
  *chosen = *judged = (sg_block_times){.n = n, .draws = draws};
  double *time = chosen->time = malloc(2 * each * sizeof *time);
  bool in_proportion;
  if (!time || !probe(forecast, n, work, time, &in_proportion) ||
      !forecast->samples(forecast->of, work, 2 * draws, time))
    return false;
  for (int i = 0; i < 2 * draws; i++) sg_sort_doubles(time + (size_t)i * (size_t)n, (size_t)n);
  judged->time = time + each;
  chosen->in_proportion = judged->in_proportion = in_proportion;
  return true;
}

void sg_block_times_free(sg_block_times *times) {
  free(times->time);
  times->time = NULL;
}

/* --- Shares ----------------------------------------------------------------------------------- */

double sg_blocks_by_rate(int n, int first, const double *rate, double *x) {
  double sum = 0;
  for (int s = 0; s < n; s++) {
    x[s] = s < first ? 0 : s == first ? rate[s] : fmax(rate[s] - rate[s - 1], 0);
    sum += x[s] /= s + 1;
  }
  for (int s = first; s < n; s++) x[s] /= sum;
  return 1 / sum;
}

/* τ of a draw, and the block that it waits for. */
static double last_block(const double *time, int n, int first, const double *x, int *last) {
  double most = -1, sum = 0;
  for (int s = first; s < n; s++) {
    sum += (s + 1) * x[s];
    double end = time[n - 1 - s] * sum;
    if (end <= most) continue;
    most = end;
    *last = s;
  }
  return most;
}

double sg_blocks_mean(const sg_block_times *t, int first, const double *x, double *error) {
  double mean = 0, squares = 0;
  for (int i = 0; i < t->draws; i++) {
    int last;
    double tau = last_block(t->time + (size_t)i * (size_t)t->n, t->n, first, x, &last);
    double off = tau - mean;
    mean += off / (i + 1);
    squares += off * (tau - mean);
  }
  if (error) *error = sqrt(squares / (t->draws - 1) / t->draws);
  return mean;
}

/* The mean, and in wait[s] that of T₍n−s₎ where block s is the last. */
static double mean_and_waits(const sg_block_times *t, int first, const double *x, double *wait) {
  double mean = 0;
  memset(wait, 0, (size_t)t->n * sizeof *wait);
  for (int i = 0; i < t->draws; i++) {
    const double *time = t->time + (size_t)i * (size_t)t->n;
    int last = first;
    mean += last_block(time, t->n, first, x, &last) / t->draws;
    wait[last] += time[t->n - 1 - last] / t->draws;
  }
  return mean;
}

bool sg_blocks_minimise(const sg_block_times *t, int first, double *x) {
  int n = t->n;
  size_t bytes = (size_t)n * sizeof *x;
  double *best = malloc(2 * bytes), *wait = best + n, least = INFINITY;
  if (!best) return false;
  for (int k = 0; k < STEPS; k++) {
    double mean = mean_and_waits(t, first, x, wait), sum = 0, later = 0;
    if (mean < least) {
      least = mean;
      memcpy(best, x, bytes);
    }
    double step = 1 / sqrt(1 + k / 5.0);
    for (int s = n - 1; s >= first; s--) {
      later += wait[s];
      sum += x[s] *= sg_exp(-step * ((s + 1) * later / mean - 1));
    }
    for (int s = first; s < n; s++) x[s] /= sum;
  }
  memcpy(x, best, bytes);
  free(best);
  return true;
}

/* --- Whole sizes ------------------------------------------------------------------------------ */

void sg_blocks_round(int n, const double *x, long length, long *size, double *lost) {
  long left = length;
  for (int s = 0; s < n; s++) {
    double exact = x[s] * (double)length, whole = floor(exact + 1e-9);
    size[s] = (long)whole;
    lost[s] = exact - whole;
    left -= size[s];
  }
  for (; left > 0; left--) {
    int most = 0;
    for (int s = 1; s < n; s++)
      if (lost[s] > lost[most]) most = s;
    size[most]++;
    lost[most]--;
  }
}

/* --- Codes of blocks -------------------------------------------------------------------------- */

void sg_blocks_plan(const sg_code *code, const double *work, int snapshot, sg_orders *o) {
  for (int k = 0; k < code->segments; k++) {
    sg_task(o, SG_ALL, snapshot, work[k], SG_DRAWS_OF_WORK, 0);
    sg_send(o, SG_ALL, SG_MASTER, snapshot, k, 0, 0);
  }
}

sg_status sg_blocks_note(sg_code *code, sg_buffer *text, sg_error *e) {
  char *note = text->failed ? NULL : sg_code_alloc(code, text->length + 1, 1);
  if (note) memcpy(note, text->data, text->length + 1);
  code->note = note;
  sg_buffer_free(text);
  return note ? SG_OK : sg_fail_memory(e);
}
