/* SPDX-License-Identifier: MIT */
/* Group codes from any linear code (Kadhe, Koyluoglu, Ramchandran 2020).
 *
 * n/d groups of d workers; all workers of a group hold the group's share h, cut into m pieces, and
 * worker c of the group sends Σ_u G[u][c] h[u]. Block length d = load, dimension m = communication
 * reduction, minimum distance − 1 = s. A group is decoded from m of its messages by an m × m solve;
 * the inverses for all survivor sets are tabulated when they are few, as one generator serves all
 * groups. Construction: the natural reading of the paper's abstract, verified numerically (recalled
 * and derived).
 *
 * Stopping as soon as every group can be decoded is never later than waiting for n − s workers and
 * survives s stragglers per group. */
#include "codes/code.h"
#include "codes/linear/linear.h"
#include "codes/rules.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <string.h>

static const char *const stops[] = {"count", "decodable", NULL};
enum { COUNT, DECODABLE };

static const sg_param params[] = {
    {.name = "d",
     .kind = SG_INT,
     .summary = "block length: workers in a group, and subsets that each of them computes when "
                "there are as many subsets as workers; divides the number of workers",
     .min = 1,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED},
    {.name = "m",
     .kind = SG_INT,
     .summary = "dimension: a message is 1/m of a gradient; may be left out where the linear code "
                "fixes it (repetition: 1, single-parity: d - 1)",
     .min = 1,
     .max = SG_UNBOUNDED,
     .flags = SG_OPTIONAL},
    {.name = "linear_code",
     .kind = SG_CHOICE,
     .summary = "the linear code inside the groups",
     .choices = sg_linear_names,
     .fallback = 0},
    {.name = "stop",
     .kind = SG_CHOICE,
     .summary = "when the master stops waiting: at the (n - s)-th message, or as soon as every "
                "group can be decoded",
     .choices = stops,
     .flags = SG_REQUIRED},
    {.name = NULL},
};

typedef struct tables {
  const sg_linear_type *linear;
  int d, m, stop;
  double *g;        /* m × d, column-major */
  double *binomial; /* (d + 1) × (m + 1): to number the survivor sets */
  double *inverse;  /* survivor sets × m × m, row by row; NULL: too many, solved as they come */
  double *cond1;    /* survivor sets; INFINITY: singular */
} tables;

/* What has come in this round. */
typedef struct progress {
  int come, complete; /* messages; groups with m of them */
  int have[];         /* per group */
} progress;

static const double MOST_TABULATED = 1 << 17; /* numbers: 1 MB */

/* --- Survivor sets ---------------------------------------------------------------------------- */

static double binomial(const tables *t, int a, int b) {
  return b > t->m ? 0 : t->binomial[a * (t->m + 1) + b];
}

/* The place of m rising positions among all such sets (combinatorial number system). */
static size_t set_number(const tables *t, const int *position) {
  double number = 0;
  for (int i = 0; i < t->m; i++) number += binomial(t, position[i], i + 1);
  return (size_t)number;
}

/* The next set in that order; false after the last. */
static bool next_set(const tables *t, int *position) {
  int i = 0;
  while (i < t->m - 1 && position[i] + 1 == position[i + 1]) i++;
  if (++position[i] >= t->d) return false;
  for (int j = 0; j < i; j++) position[j] = j;
  return true;
}

/* W (m × m, row by row) = G_F⁻¹ for the survivors F. */
static sg_status solve(const tables *t, const int *position, double *system, lapack_int *pivots,
                       double *w, double *cond1) {
  int m = t->m;
  *cond1 = 1;
  if (t->linear->add_up) {
    t->linear->add_up(t->d, m, position, w);
    return SG_OK;
  }
  /* The transposed system, so that the column-major solution is W row by row: G_Fᵀ Wᵀ = I. */
  for (int c = 0; c < m; c++)
    for (int u = 0; u < m; u++) system[c + u * m] = t->g[u + position[c] * m];
  memset(w, 0, (size_t)m * (size_t)m * sizeof *w);
  for (int u = 0; u < m; u++) w[u + u * m] = 1;
  return sg_solve(m, m, system, m, w, m, pivots, cond1);
}

static bool fill_binomials(sg_code *code, tables *t) {
  int width = t->m + 1;
  t->binomial = sg_code_alloc(code, (size_t)(t->d + 1) * (size_t)width, sizeof *t->binomial);
  if (!t->binomial) return false;
  for (int a = 0; a <= t->d; a++)
    for (int b = 0; b <= t->m && b <= a; b++)
      t->binomial[a * width + b] = b == 0 ? 1 : binomial(t, a - 1, b - 1) + binomial(t, a - 1, b);
  return true;
}

static sg_status tabulate(sg_code *code, tables *t, sg_error *e) {
  size_t m = (size_t)t->m;
  double sets = binomial(t, t->d, t->m);
  if (sets * (double)(m * m) > MOST_TABULATED) return SG_OK;
  t->inverse = sg_code_alloc(code, (size_t)sets * m * m, sizeof *t->inverse);
  t->cond1 = sg_code_alloc(code, (size_t)sets, sizeof *t->cond1);
  double *system = sg_code_alloc(code, m * m, sizeof *system);
  lapack_int *pivots = sg_code_alloc(code, m, sizeof *pivots);
  int *position = sg_code_alloc(code, m, sizeof *position);
  if (!t->inverse || !t->cond1 || !system || !pivots || !position) return sg_fail_memory(e);
  for (int i = 0; i < t->m; i++) position[i] = i;
  size_t i = 0;
  do {
    if (solve(t, position, system, pivots, t->inverse + i * m * m, &t->cond1[i]))
      t->cond1[i] = INFINITY;
    i++;
  } while (next_set(t, position));
  return SG_OK;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* d and m, checked against n and against each other. */
static sg_status read_rules(tables *t, int n, const sg_values *values, sg_error *e) {
  long d = sg_int(values, "d");
  char list[200];
  if (d > n || n % d != 0)
    return sg_fail_at(e, values, "d", "expected d dividing n = %d (%s), found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), d);
  int only = t->linear->dimension ? t->linear->dimension((int)d) : 0;
  if (t->linear->dimension && only < 1)
    return sg_fail_at(e, values, "d", "expected d ≥ 2 with linear_code %s, found %ld",
                      t->linear->name, d);
  if (!only && !sg_given(values, "m"))
    return sg_fail_at(e, values, "m", "expected m, from 1 to d = %ld, found nothing", d);
  long m = sg_given(values, "m") ? sg_int(values, "m") : only;
  if (only && m != only)
    return sg_fail_at(e, values, "m", "expected m = %d with linear_code %s and d = %ld, found %ld",
                      only, t->linear->name, d, m);
  if (m > d)
    return sg_fail_at(e, values, "m", "expected m ≤ d = %ld (1 to %ld), found %ld", d, d, m);
  t->d = (int)d;
  t->m = (int)m;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->linear = sg_linear_type_at(sg_choice(values, "linear_code"));
  t->stop = sg_choice(values, "stop");
  sg_status status = read_rules(t, n, values, e);
  if (status) return status;
  t->g = sg_code_alloc(code, (size_t)t->m * (size_t)t->d, sizeof *t->g);
  if (!t->g || !fill_binomials(code, t)) return sg_fail_memory(e);
  t->linear->generate(t->d, t->m, shape->seed, t->g);
  code->parts = n / t->d;
  code->promised = t->linear->distance(t->d, t->m) - 1;
  code->stop = stops[t->stop];
  code->state_size = sizeof(progress) + (size_t)code->parts * sizeof(int);
  status = sg_code_one_segment(code, values, "m", t->m, n - code->promised, e);
  if (!status) status = tabulate(code, t, e);
  /* With a table a decode is a look-up: keeping whole patterns as well would only cost time. */
  if (!t->inverse) code->flags |= SG_WEIGHTS_PURE;
  return status;
}

static void encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int group = message->from / t->d;
  const double *column = t->g + message->from % t->d * t->m;
  (void)state;
  for (int u = 0; u < t->m; u++) sg_row_part(row, group, u, column[u]);
}

/* --- Decoding --------------------------------------------------------------------------------- */

typedef struct workspace {
  double *system, *w;
  int *position;
  lapack_int *pivots;
} workspace;

static bool carve(const tables *t, const sg_used *used, workspace *ws) {
  size_t m = (size_t)t->m;
  double *x = sg_used_scratch(used, 2 * m * m * sizeof *x +
                                        m * (sizeof *ws->position + sizeof *ws->pivots));
  if (!x) return false;
  *ws = (workspace){.system = x, .w = x + m * m, .position = (int *)(void *)(x + 2 * m * m)};
  ws->pivots = (lapack_int *)(ws->position + m);
  return true;
}

/* The inverse for the survivors in ws->position. */
static sg_status look_up(const tables *t, workspace *ws, const double **w, double *cond1) {
  if (!t->inverse) {
    *w = ws->w;
    return solve(t, ws->position, ws->system, ws->pivots, ws->w, cond1);
  }
  size_t i = set_number(t, ws->position);
  *w = t->inverse + i * (size_t)(t->m * t->m);
  *cond1 = t->cond1[i];
  return isinf(*cond1) ? SG_UNDECODABLE : SG_OK;
}

/* Messages come sorted by worker, hence group by group; the first m of each are used. */
static sg_status weights(const sg_code *code, const void *state, int segment, const sg_used *used,
                         double *W, double *bias, sg_decode_info *info) {
  const tables *t = code->self;
  int m = t->m, i = 0;
  workspace ws;
  (void)state;
  (void)segment;
  (void)bias;
  if (!carve(t, used, &ws)) return SG_NO_MEMORY;
  for (int group = 0; group < code->parts; group++) {
    int first = i, have = 0;
    for (; i < used->count && used->message[i]->from / t->d == group; i++)
      if (have < m) ws.position[have++] = used->message[i]->from % t->d;
    if (have < m) return SG_UNDECODABLE;
    const double *w;
    double cond1;
    sg_status status = look_up(t, &ws, &w, &cond1);
    if (status) return status;
    info->cond1 = fmax(info->cond1, cond1);
    memcpy(W + first * m, w, (size_t)m * (size_t)m * sizeof *w);
  }
  if (!t->linear->add_up) info->flops = code->parts * (2.0 / 3 + 2) * m * m * m;
  return SG_OK;
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  int missing = 0, worst = 0;
  for (int group = 0; group < code->parts; group++) {
    int lost = 0;
    for (int c = 0; c < t->d; c++) lost += !present[group * t->d + c];
    missing += lost;
    if (lost > worst) worst = lost;
  }
  return (t->stop == DECODABLE ? worst : missing) <= code->promised;
}

/* --- Stopping --------------------------------------------------------------------------------- */

static void begin_round(const sg_code *code, void *state, int round) {
  (void)round;
  memset(state, 0, code->state_size);
}

/* Messages beyond the m-th of a group are of no use. */
static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message) {
  const tables *t = code->self;
  progress *p = state;
  int *have = &p->have[message->from / t->d];
  bool surplus = *have == t->m;
  if (!surplus && ++*have == t->m) p->complete++;
  p->come++;
  bool ready = t->stop == DECODABLE ? p->complete == code->parts : p->come >= code->segment[0].need;
  if (ready) return SG_READY;
  return surplus ? SG_SKIP : SG_WAIT;
}

extern const sg_code_type sg_group;
const sg_code_type sg_group = {
    .about = {.name = "group",
              .summary = "Any [d, m] linear code inside groups of d workers that share the same "
                         "data: load d, messages of 1/m of a gradient, s = minimum distance - 1.",
              .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled "
                           "from the abstract; construction derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .begin_round = begin_round,
    .arrive = arrive,
};
