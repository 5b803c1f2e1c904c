/* SPDX-License-Identifier: MIT */
/* Projectors of groups of which too few answer, and their means. */
#include "codes/tools/below.h"
#include "codes/tools/approximate.h"
#include "codes/tools/straggling.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>

const char *const sg_below_words[] = {"refuse", "minimum-norm", NULL};
const char *const sg_below_debiasings[] = {"none", "known", "measured", NULL};
enum { REFUSE };

/* All sets of a group's workers are walked while they cost at most so many multiplications, else a
 * sample of SAMPLE. Columns count as dependent below DEPENDENT of their length; E P_A as scalar
 * within NOT_SCALAR. */
enum { SAMPLE = 4000, MOST_WALKED = 14 };
static const double MOST_FLOPS = 5e7, DEPENDENT = 1e-9, NOT_SCALAR = 1e-9, LEAST_SHARE = 1e-6;

/* --- Means over the sets of a group's workers --------------------------------------------------
 */

typedef struct walk {
  const sg_inner *inner;
  const sg_columns *columns;
  int size;             /* workers of the group */
  const double *p;      /* their probabilities of straggling; NULL: of_size */
  const double *chance; /* of each set of so many that answer */
  double *basis;        /* m × m: orthonormal, of those at hand */
  double *mean;         /* m × m: Σ probability · P_A */
} walk;

/* Appends the columns of a worker to the basis. */
static int extend(const walk *w, int worker, int rank) {
  int m = w->inner->m;
  for (int k = 0; k < w->columns->each && rank < m; k++) {
    int c = w->columns->of ? w->columns->of(w->columns->self, w->size, worker, k) : worker;
    double *next = w->basis + (size_t)rank * (size_t)m, norm = 0, left = 0;
    memcpy(next, sg_inner_column(w->inner, c), (size_t)m * sizeof *next);
    for (int i = 0; i < m; i++) norm += next[i] * next[i];
    for (int pass = 0; pass < 2; pass++)
      for (int b = 0; b < rank; b++) {
        const double *of = w->basis + (size_t)b * (size_t)m;
        double along = 0;
        for (int i = 0; i < m; i++) along += of[i] * next[i];
        for (int i = 0; i < m; i++) next[i] -= along * of[i];
      }
    for (int i = 0; i < m; i++) left += next[i] * next[i];
    if (!(sqrt(left) > DEPENDENT * sqrt(norm))) continue;
    for (int i = 0; i < m; i++) next[i] /= sqrt(left);
    rank++;
  }
  return rank;
}

static void add_projector(const walk *w, int rank, double probability) {
  int m = w->inner->m;
  for (int b = 0; b < rank; b++) {
    const double *q = w->basis + (size_t)b * (size_t)m;
    for (int u = 0; u < m; u++)
      for (int v = 0; v < m; v++) w->mean[u * m + v] += probability * q[u] * q[v];
  }
}

static void walk_all(const walk *w, int worker, int rank, int answers, double probability) {
  if (probability == 0 && !w->chance) return;
  if (worker == w->size || (rank == w->inner->m && !w->chance)) {
    add_projector(w, rank, w->chance ? w->chance[answers] : probability);
    return;
  }
  double p = w->chance ? 0 : w->p[worker];
  walk_all(w, worker + 1, rank, answers, probability * p);
  walk_all(w, worker + 1, extend(w, worker, rank), answers + 1, probability * (1 - p));
}

/* chance[a] C(size, a) is the probability of a; sets of a are drawn by Floyd's method. */
static void draw_set(const walk *w, sg_stream *random, bool *present) {
  int size = w->size, answers = 0;
  memset(present, 0, (size_t)size * sizeof *present);
  if (!w->chance) {
    for (int i = 0; i < size; i++) present[i] = sg_uniform(random) >= w->p[i];
    return;
  }
  double u = sg_uniform(random), sets = 1;
  for (; answers < size; answers++) {
    u -= w->chance[answers] * sets;
    if (u < 0) break;
    sets = sets * (size - answers) / (answers + 1);
  }
  for (int j = size - answers; j < size; j++) {
    int pick = (int)(sg_uniform(random) * (j + 1));
    present[present[pick] ? j : pick] = true;
  }
}

static sg_status sample(const walk *w, uint64_t seed) {
  SG_OWNED bool *present = malloc((size_t)w->size * sizeof *present);
  if (!present) return SG_NO_MEMORY;
  for (int i = 0; i < SAMPLE; i++) {
    sg_stream random;
    int rank = 0;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0xfffd, (uint32_t)i, 0);
    draw_set(w, &random, present);
    for (int k = 0; k < w->size; k++)
      if (present[k]) rank = extend(w, k, rank);
    add_projector(w, rank, 1.0 / SAMPLE);
  }
  return SG_OK;
}

/* mean (m × m) = E P_A of a group; p: of its workers, or NULL and chance. *walked: over all sets.
 */
static sg_status mean_projector(const sg_inner *inner, const sg_columns *columns, int size,
                                const double *p, const double *chance, uint64_t seed, double *mean,
                                bool *walked) {
  size_t m = (size_t)inner->m;
  SG_OWNED double *basis = malloc(m * m * sizeof *basis);
  if (!basis) return SG_NO_MEMORY;
  walk w = {.inner = inner,
            .columns = columns,
            .size = size,
            .p = p,
            .chance = chance,
            .basis = basis,
            .mean = mean};
  memset(mean, 0, m * m * sizeof *mean);
  *walked = size <= MOST_WALKED && ldexp((double)(m * m) * columns->each, size) <= MOST_FLOPS;
  if (!*walked) return sample(&w, seed);
  walk_all(&w, 0, 0, 0, 1);
  return SG_OK;
}

/* Σ over the numbers of workers that answer, of any code of which every m columns have rank m. */
static sg_status closed_form(int size, int each, int m, const double *p, const double *chance,
                             double *out) {
  SG_OWNED double *answers = calloc((size_t)size + 1, sizeof *answers);
  if (!answers) return SG_NO_MEMORY;
  double e = 0;
  answers[0] = 1;
  for (int i = 0; i < size && !chance; i++)
    for (int a = i + 1; a >= 0; a--)
      answers[a] = answers[a] * p[i] + (a > 0 ? answers[a - 1] * (1 - p[i]) : 0);
  for (int a = 0, sets = 0; chance && a <= size; a++) {
    double all = 1;
    for (sets = 0; sets < a; sets++) all = all * (size - sets) / (sets + 1);
    answers[a] = chance[a] * all;
  }
  for (int a = 0; a <= size && a * each < m; a++) e += answers[a] * (1 - (double)a * each / m);
  *out = e;
  return SG_OK;
}

/* --- The error -------------------------------------------------------------------------------- */

/* Probabilities of a group's workers, by position. */
static void of_group(const sg_groups *g, int group, const double *p, double *own) {
  for (int i = 0; i < g->workers; i++)
    if (g->group[i] == group) own[g->position[i]] = p[i];
}

/* Of each set of `a` of a group's `size` workers when `count` of all `n` answer: C(n − size, count
 * − a) / C(n, count), by logarithms. */
static void chances(int n, int count, int size, double *chance) {
  for (int a = 0; a <= size; a++) {
    int others = n - size, left = count - a;
    chance[a] = 0;
    if (left < 0 || left > others) continue;
    double log_chance = lgamma(others + 1.0) - lgamma(left + 1.0) - lgamma(others - left + 1.0) -
                        lgamma(n + 1.0) + lgamma(count + 1.0) + lgamma(n - count + 1.0);
    chance[a] = exp(log_chance);
  }
}

static bool all_equal(int count, const double *p) {
  for (int i = 1; i < count; i++)
    if (p[i] != p[0]) return false;
  return true;
}

/* ‖P B − I‖² / m in the mean, with M = E P: (tr(Bᵀ M B) − 2 tr(M B) + m)/m. */
static double debiased_error(int m, const double *mean, const double *b) {
  double square = 0, cross = 0;
  for (int u = 0; u < m; u++)
    for (int v = 0; v < m; v++) {
      double mb = 0;
      for (int k = 0; k < m; k++) mb += mean[u * m + k] * b[k * m + v];
      square += b[u * m + v] * mb;
      if (u == v) cross += mb;
    }
  return (square - 2 * cross) / m + 1;
}

static sg_status group_error(const sg_code *code, const sg_groups *g, const sg_columns *columns,
                             int group, const double *own, const double *chance, double *error) {
  const sg_inner *inner = sg_group_inner(g, group);
  size_t m = (size_t)inner->m;
  int size = sg_group_size(g, group);
  bool walked;
  if (inner->mds && !g->unbias)
    return closed_form(size, columns->each, inner->m, own, chance, error);
  SG_OWNED double *mean = malloc(m * m * sizeof *mean);
  if (!mean || mean_projector(inner, columns, size, own, chance, code->shape.seed, mean, &walked))
    return SG_NO_MEMORY;
  double trace = 0;
  for (size_t u = 0; u < m; u++) trace += mean[u * m + u];
  *error = g->unbias ? debiased_error((int)m, mean, g->unbias + (size_t)group * m * m)
                     : 1 - trace / (double)m;
  return SG_OK;
}

sg_status sg_below_error(const sg_code *code, const sg_groups *g, const sg_columns *columns,
                         const double *p, int count, double *out) {
  size_t most = (size_t)g->most;
  *out = NAN;
  if (!g->below) return SG_OK;
  SG_OWNED double *own = malloc((3 * most + 1) * sizeof *own);
  if (!own) return SG_NO_MEMORY;
  double *before = own + most, *chance = before + most, error = 0, sum = 0;
  bool alike = !p || all_equal(g->workers, p);
  for (int group = 0; group < g->count; group++) {
    size_t size = (size_t)sg_group_size(g, group);
    bool same = group > 0 && group != g->larger && alike;
    if (p) {
      of_group(g, group, p, own);
      same = same || (group > 0 && group != g->larger && !g->unbias &&
                      memcmp(own, before, size * sizeof *own) == 0);
      memcpy(before, own, size * sizeof *own);
    } else if (!same) {
      chances(g->workers, count, (int)size, chance);
    }
    sg_status status =
        same ? SG_OK : group_error(code, g, columns, group, own, p ? NULL : chance, &error);
    if (status) return status;
    sum += error;
  }
  *out = sum / g->count;
  return SG_OK;
}

/* --- Debiasing -------------------------------------------------------------------------------- */

/* 1/(1 − e) times the unit matrix, or why not. */
static sg_status known_bias(const sg_values *values, const sg_inner *inner, int size,
                            const sg_columns *columns, const double *p, const double *chance,
                            const double *mean, bool walked, double *unbias, sg_error *e) {
  int m = inner->m;
  /* m = 1: a number. Harmonic, m = 2, equal probabilities: a cyclic shift of the set turns P_A by
   * an angle, and the mean over all shifts is unchanged by turning. */
  bool scalar = m == 1;
  if (walked) {
    scalar = true;
    for (int u = 0; u < m; u++)
      for (int v = 0; v < m; v++)
        scalar &= fabs(mean[u * m + v] - (u == v) * mean[0]) <= NOT_SCALAR;
  } else if (m == 2 && strcmp(inner->type->name, "harmonic") == 0 && columns->each == 1) {
    scalar = chance || all_equal(size, p);
  }
  if (!scalar || !inner->mds)
    return sg_fail_at(e, values, "debias",
                      "expected measured, as the mean of the projectors is not a multiple of the "
                      "unit matrix with %s, m = %d (it is with m = 1, and with harmonic, m = 2 and "
                      "equal probabilities), found \"known\"",
                      inner->type->name, m);
  double lost;
  if (closed_form(size, columns->each, m, p, chance, &lost)) return sg_fail_memory(e);
  for (int u = 0; u < m * m; u++) unbias[u] = 0;
  for (int u = 0; u < m; u++) unbias[u * m + u] = 1 / (1 - lost);
  return SG_OK;
}

static sg_status invert_mean(const sg_values *values, int m, double *mean, double *unbias,
                             sg_error *e) {
  SG_OWNED lapack_int *pivots = malloc((size_t)m * sizeof *pivots);
  if (!pivots) return sg_fail_memory(e);
  double cond1;
  for (int u = 0; u < m; u++)
    for (int v = 0; v < m; v++) unbias[u * m + v] = u == v;
  sg_status status = sg_solve(m, m, mean, m, unbias, m, pivots, &cond1);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status || !(cond1 < 1 / LEAST_SHARE))
    return sg_fail_at(e, values, "debias",
                      "expected a code that recovers a share of every piece in the mean, found "
                      "pieces that hardly ever come: a smaller p, or none");
  return SG_OK;
}

static sg_status remove_bias(sg_code *code, const sg_values *values, sg_groups *g,
                             const sg_columns *columns, const double *p, int count, sg_error *e) {
  size_t m = (size_t)g->inner[1]->m, most = (size_t)g->most;
  double *unbias = sg_code_alloc(code, (size_t)g->count * m * m, sizeof *unbias);
  SG_OWNED double *own = malloc((m * m + 2 * most + 1) * sizeof *own);
  if (!unbias || !own) return sg_fail_memory(e);
  double *chance = own + most, *mean = chance + most + 1;
  bool known = strcmp(sg_text(values, "debias"), "known") == 0, walked = false;
  bool alike = count || all_equal(g->workers, p);
  for (int group = 0; group < g->count; group++) {
    const sg_inner *inner = sg_group_inner(g, group);
    int size = sg_group_size(g, group);
    double *to = unbias + (size_t)group * m * m;
    if (alike && group > 0 && group != g->larger) {
      memcpy(to, to - m * m, m * m * sizeof *to);
      continue;
    }
    if (count)
      chances(code->nodes, count, size, chance);
    else
      of_group(g, group, p, own);
    sg_status status = mean_projector(inner, columns, size, own, count ? chance : NULL,
                                      code->shape.seed, mean, &walked);
    if (status) return sg_fail_memory(e);
    status = known ? known_bias(values, inner, size, columns, own, count ? chance : NULL, mean,
                                walked, to, e)
                   : invert_mean(values, (int)m, mean, to, e);
    if (status) return status;
  }
  g->unbias = unbias;
  return SG_OK;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static sg_status write_note(sg_code *code, const sg_groups *g, const sg_columns *columns, double *p,
                            bool given, sg_error *e) {
  enum { SIZE = 400 };
  const double usual[] = {.1, .2, .3};
  char *note = sg_code_alloc(code, SIZE, 1);
  if (!note) return sg_fail_memory(e);
  int n = snprintf(note, SIZE, "%s%sminimum-norm below it: mean e", code->note ? code->note : "",
                   code->note ? "; " : "");
  double mean = 0;
  for (int j = 0; j < g->workers; j++) mean += p[j] / g->workers;
  for (int k = 0; k < (given ? 1 : 3); k++) {
    for (int j = 0; j < g->workers && !given; j++) p[j] = usual[k];
    double error;
    if (sg_below_error(code, g, columns, p, 0, &error)) return sg_fail_memory(e);
    n +=
        snprintf(note + n, (size_t)(SIZE - n), "%s %.6g at p = %.4g%s", k ? "," : "", error,
                 given ? mean : usual[k], given && !all_equal(g->workers, p) ? " in the mean" : "");
  }
  snprintf(note + n, (size_t)(SIZE - n), " (%s)",
           g->inner[0]->mds && g->inner[1]->mds && !g->unbias ? "closed form"
                                                              : "by sets of a group");
  code->note = note;
  return SG_OK;
}

sg_status sg_below_read(sg_code *code, const sg_values *values, sg_groups *g,
                        const sg_columns *columns, sg_error *e) {
  if (sg_choice(values, "below") == REFUSE) return SG_OK;
  bool known;
  int count; /* of one message of each worker; 0: not said, or p counts */
  sg_stop_given(values, code->nodes, &count);
  if (sg_given(values, "p") || columns->each > 1) count = 0;
  double *p = sg_straggling_of(code, values, &known);
  if (!p) return sg_fail_memory(e);
  g->below = true;
  code->exact = false;
  code->flags |= SG_ANY_COUNT;
  if (sg_choice(values, "debias") != 0) {
    if (!known && !count)
      return sg_fail_at(e, values, "p",
                        "expected p, or a scenario with erasures or crashes, or a stop that counts "
                        "messages, for debias \"%s\"; found none of them",
                        sg_text(values, "debias"));
    sg_status status = remove_bias(code, values, g, columns, known ? p : NULL, count, e);
    if (status) return status;
  }
  return write_note(code, g, columns, p, known, e);
}
