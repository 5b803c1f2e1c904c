/* SPDX-License-Identifier: MIT */
/* Sums of random times: closed forms where there are some, else convolution. */
#include "sim/expect/time.h"
#include "sim/core/array.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_interp.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>
#include <stdlib.h>

enum {
  MOST_ATOMS = 1 << 16,
  NODES = 21,           /* Chebyshev nodes of a cell */
  FIRST_OCTAVE = -24,   /* the octaves of a table, in units of the spread … */
  OCTAVES = 1024,       /* … as far as any tail reaches */
  DEEPEST = 14,         /* a cell is at least 2^−14 of its octave */
  MOST_CELLS = 64,      /* of an octave */
  MOST_INTERVALS = 1000 /* of GSL's adaptive quadrature */
};
/* Of log P in a cell, over 1 − log P: of a sum of two laws; ten times as much with each level of
 * sums below it, whose own errors are not smooth. */
static const double CELL_ERROR = 2e-12;

typedef enum kind {
  DISCRETE, /* atoms alone */
  GAMMA,
  HYPOEXPONENTIAL, /* Exp(slow) + Exp(fast), rates, slow ≤ fast */
  LAW,
  SUM
} kind;

/* log P(V > t) over a part of an octave of t − least. */
typedef struct cell {
  double begin, width; /* shares of the octave */
  bool empty;          /* P(V > t) underflows somewhere in it, and is taken for 0 */
  double value[NODES];
} cell;

typedef struct octave {
  bool filled;
  int cells, capacity;
  cell *cell; /* by begin */
} octave;

typedef struct variable {
  struct variable *next; /* of all that the time owns */
  kind kind;
  double least, spread; /* spread: about the median − least */
  double shape, scale;
  double slow, fast;
  const sg_law *law;
  double factor;
  const struct variable *a, *b;
  double cell_error;
  octave *table;                  /* of a SUM without atoms; filled as it is asked for */
  int atoms;                      /* by time */
  double *time, *weight, *beyond; /* one allocation; beyond: the probability of later atoms */
} variable;

static _Thread_local bool starved;

double sg_starve(void) {
  starved = true;
  return NAN;
}

bool sg_starved(void) {
  bool was = starved;
  starved = false;
  return was;
}

/* --- One variable ----------------------------------------------------------------------------- */

static double convolve(const variable *v, double t);
static double table_log(const variable *v, double t, double *slope);
static double table_half(const variable *a, const variable *b, double t, double half,
                         double reference);

static bool has_density(const variable *v) {
  return v->kind == SUM ? v->table != NULL : v->kind != DISCRETE;
}

/* (1 − exp(−z)) / z, for z ≥ 0 without the cancellation that two equal rates would bring. */
static double mean_decay(double z) {
  return z < 1e-12 ? 1 - z / 2 : -expm1(-z) / z;
}

/* Σ of the weights of atoms after t. */
static double atoms_late(const variable *v, double t) {
  if (t < v->time[0]) return 1;
  return v->beyond[gsl_interp_bsearch(v->time, t, 0, (size_t)v->atoms)];
}

static double late(const variable *v, double t) {
  double x = t - v->least;
  if (x < 0) return 1;
  switch (v->kind) {
  case DISCRETE: return atoms_late(v, t);
  case GAMMA: return v->shape == 1 ? exp(-x / v->scale) : gsl_cdf_gamma_Q(x, v->shape, v->scale);
  case HYPOEXPONENTIAL:
    return exp(-v->fast * x) +
           v->fast * exp(-v->slow * x) * x * mean_decay((v->fast - v->slow) * x);
  case LAW: return sg_law_tail(v->law, t / v->factor);
  case SUM: return v->table ? fmin(1, exp(table_log(v, t, NULL))) : convolve(v, t);
  }
  return NAN;
}

static double done(const variable *v, double t) {
  double x = t - v->least;
  if (x < 0) return 0;
  if (v->kind == GAMMA)
    return v->shape == 1 ? -expm1(-x / v->scale) : gsl_cdf_gamma_P(x, v->shape, v->scale);
  if (v->kind == LAW) return v->law->type->cdf(v->law->state, t / v->factor);
  return 1 - late(v, t);
}

/* Of the part without atoms. */
static double density(const variable *v, double t) {
  double x = t - v->least, slope;
  if (x < 0) return 0;
  switch (v->kind) {
  case GAMMA: return gsl_ran_gamma_pdf(x, v->shape, v->scale);
  case HYPOEXPONENTIAL:
    return v->slow * v->fast * exp(-v->slow * x) * x * mean_decay((v->fast - v->slow) * x);
  case LAW: return v->law->type->density(v->law->state, t / v->factor) / v->factor;
  case SUM: return -exp(table_log(v, t, &slope)) * slope;
  case DISCRETE: break;
  }
  return 0;
}

/* --- Convolution ------------------------------------------------------------------------------ */

typedef struct product {
  const variable *a, *b;
  double t;
} product;

/* P(A > t − x) · density of B at x. */
static double product_at(double x, void *user) {
  const product *p = user;
  double d = density(p->b, x), l = late(p->a, p->t - x);
  return isfinite(d) ? d * l : 0;
}

/* P(B ≤ half, A + B > t), where A > t − half is needed. Over octaves of B, so that what is close to
 * its least time is seen however large t is. */
static double half_sum(const variable *a, const variable *b, double t, double half,
                       double reference, gsl_integration_workspace *w) {
  double p = 0;
  for (int i = 0; i < b->atoms; i++)
    if (b->time[i] <= half) p += b->weight[i] * late(a, t - b->time[i]);
  if (!has_density(b)) return p;
  if (b->kind == SUM) return p + table_half(a, b, t, half, reference);
  product both = {.a = a, .b = b, .t = t};
  gsl_function f = {.function = product_at, .params = &both};
  /* Tables have errors that are not smooth: more cannot be asked for. */
  double relative = 1e-11 + 10 * a->cell_error, absolute = 1e-3 * relative * reference;
  double from = b->least, width = b->spread / 64, rest = late(a, t - half);
  for (int i = 0; from < half; i++) {
    double to = fmin(half, b->least + width), value = 0, error = 0;
    if (!(to > from) || late(b, from) * rest < 1e-15 * reference) break;
    if (i == 0)
      gsl_integration_qags(&f, from, to, absolute, relative, MOST_INTERVALS, w, &value, &error);
    else
      gsl_integration_qag(&f, from, to, absolute, relative, MOST_INTERVALS, GSL_INTEG_GAUSS21, w,
                          &value, &error);
    p += value;
    from = to;
    width *= 2;
  }
  return p;
}

/* P(A + B > t). Either both are beyond their halves of t, or exactly one is not. */
static double convolve(const variable *v, double t) {
  const variable *a = v->a, *b = v->b;
  double x = t - v->least;
  if (x < 0) return 1;
  if (a->kind == DISCRETE) {
    double p = 0;
    for (int i = 0; i < a->atoms; i++) p += a->weight[i] * late(b, t - a->time[i]);
    return p;
  }
  gsl_integration_workspace *w = gsl_integration_workspace_alloc(MOST_INTERVALS);
  if (!w) return sg_starve();
  double half_a = a->least + x / 2, half_b = b->least + x / 2;
  double reference = fmax(late(a, t - b->least), late(b, t - a->least));
  double p = late(a, half_a) * late(b, half_b) + half_sum(a, b, t, half_b, reference, w) +
             half_sum(b, a, t, half_a, reference, w);
  gsl_integration_workspace_free(w);
  return p;
}

/* --- Tables of sums --------------------------------------------------------------------------- */

/* Chebyshev's, of the second kind, on [0, 1]. */
static const double node[NODES] = {
    /* sin²(π i / 40) */ 0, 0.0061558297024311365, 0.024471741852423214,
    0.05449673790581606,    0.09549150281252627,   0.14644660940672624,
    0.2061073738537634,     0.2730047501302265,    0.3454915028125263,
    0.4217827674798846,     0.4999999999999999,    0.5782172325201153,
    0.6545084971874737,     0.7269952498697734,    0.7938926261462365,
    0.8535533905932737,     0.9045084971874736,    0.9455032620941839,
    0.9755282581475768,     0.9938441702975689,    1};

/* The polynomial through the values at the nodes (barycentric), and its derivative. */
static double interpolate(const double *value, double at, double *slope) {
  double weight[NODES], gap[NODES], top = 0, bottom = 0, p, s = 0;
  int exact = -1;
  for (int i = 0; i < NODES; i++) {
    gap[i] = at - node[i];
    weight[i] = (i % 2 ? -1 : 1) * (i == 0 || i == NODES - 1 ? 0.5 : 1);
    if (gap[i] == 0) exact = i;
  }
  if (exact >= 0) {
    p = value[exact];
    for (int i = 0; slope && i < NODES; i++)
      if (i != exact) s += weight[i] / weight[exact] * (value[i] - p) / (node[i] - node[exact]);
  } else {
    for (int i = 0; i < NODES; i++) {
      top += weight[i] / gap[i] * value[i];
      bottom += weight[i] / gap[i];
    }
    p = top / bottom;
    for (int i = 0; slope && i < NODES; i++) s += weight[i] / gap[i] * (p - value[i]) / gap[i];
    s /= bottom;
  }
  if (slope) *slope = s;
  return p;
}

static bool good_enough(const variable *v, const cell *c, double t0, double width) {
  static const double probe[] = {0.03, 0.31, 0.72, 0.96};
  for (int i = 0; i < 4; i++) {
    double exact = log(convolve(v, t0 + width * (c->begin + c->width * probe[i])));
    double error = fabs(interpolate(c->value, probe[i], NULL) - exact);
    if (!(error < v->cell_error * (1 - exact))) return false;
  }
  return true;
}

/* Fills the share [begin, begin + share) of the octave that begins at t0, halving it where one
 * polynomial does not do. The first octave, next to the least time, is so short that its error does
 * not count, and may have a singularity: it is not halved. */
static bool fill(const variable *v, octave *o, double t0, double width, double begin, double share,
                 int depth) {
  cell c = {.begin = begin, .width = share};
  int under = 0;
  for (int i = 0; i < NODES; i++) {
    double p = convolve(v, t0 + width * (begin + share * node[i]));
    if (isnan(p)) return false;
    c.value[i] = log(fmin(p, 1));
    under += !(p > 1e-290);
  }
  bool fine = o == v->table || depth == DEEPEST || o->cells >= MOST_CELLS;
  if (under && (under == NODES || fine || depth >= 6)) c.empty = true;
  if (!under && !fine) fine = good_enough(v, &c, t0, width);
  if (c.empty || (fine && !under)) {
    if (!SG_ROOM(o->cell, o->capacity, o->cells + 1)) {
      sg_starve();
      return false;
    }
    o->cell[o->cells++] = c;
    return true;
  }
  return fill(v, o, t0, width, begin, share / 2, depth + 1) &&
         fill(v, o, t0, width, begin + share / 2, share / 2, depth + 1);
}

static const cell *find_cell(const octave *o, double at) {
  const cell *c = &o->cell[o->cells - 1];
  while (c > o->cell && c->begin > at) c--;
  return c;
}

/* Where octave e begins and how wide it is, in units of the spread. */
static double octave_begin(int e) {
  return e == FIRST_OCTAVE ? 0 : ldexp(1, e);
}

static double octave_width(int e) {
  return ldexp(1, e == FIRST_OCTAVE ? e + 1 : e);
}

/* Octave e, filled; NULL: no memory. */
static octave *get_octave(const variable *v, int e) {
  octave *o = &v->table[e - FIRST_OCTAVE];
  if (o->filled) return o;
  double t0 = v->least + octave_begin(e) * v->spread;
  if (!fill(v, o, t0, octave_width(e) * v->spread, 0, 1, 0)) return NULL;
  o->filled = true;
  return o;
}

/* log P(V > t); -INFINITY where it underflows. slope: its derivative, 1/s. */
static double table_log(const variable *v, double t, double *slope) {
  double x = (t - v->least) / v->spread;
  int e = x >= ldexp(1, FIRST_OCTAVE + 1) ? ilogb(x) : FIRST_OCTAVE;
  if (slope) *slope = 0;
  if (e - FIRST_OCTAVE >= OCTAVES) return -INFINITY;
  const octave *o = get_octave(v, e);
  if (!o) return NAN;
  double at = (x - octave_begin(e)) / octave_width(e);
  const cell *c = find_cell(o, at);
  if (c->empty) return -INFINITY;
  double p = interpolate(c->value, (at - c->begin) / c->width, slope);
  if (slope) *slope /= c->width * octave_width(e) * v->spread;
  return p;
}

/* half_sum for a B that is tabulated: Gauss and Legendre's rule in each of its cells. The first
 * octave, where the density may be singular, is so short that its probability may be at its end. */
static double table_half(const variable *a, const variable *b, double t, double half,
                         double reference) {
  enum { POINTS = 24 };
  gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(POINTS);
  if (!rule) return sg_starve();
  product both = {.a = a, .b = b, .t = t};
  gsl_function f = {.function = product_at, .params = &both};
  double rest = late(a, t - half);
  double first = fmin(half, b->least + octave_width(FIRST_OCTAVE) * b->spread);
  double p = done(b, first) * late(a, t - (b->least + first) / 2);
  for (int e = FIRST_OCTAVE + 1; e < FIRST_OCTAVE + OCTAVES; e++) {
    double begin = b->least + octave_begin(e) * b->spread, width = octave_width(e) * b->spread;
    if (begin >= half || late(b, begin) * rest < 1e-15 * reference) break;
    const octave *o = get_octave(b, e);
    if (!o) {
      p = NAN;
      break;
    }
    for (int c = 0; c < o->cells && !o->cell[c].empty; c++) {
      double from = begin + o->cell[c].begin * width, to = from + o->cell[c].width * width;
      if (from < half) p += gsl_integration_glfixed(&f, from, fmin(to, half), rule);
    }
  }
  gsl_integration_glfixed_table_free(rule);
  return p;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* A copy of `like` with room for its atoms; NULL: no memory. */
static variable *add_variable(sg_time *x, const variable *like) {
  variable *v = malloc(sizeof *v);
  if (!v) return NULL;
  *v = *like;
  v->next = x->variable;
  x->variable = v;
  v->time = calloc(3 * (size_t)v->atoms + 1, sizeof *v->time);
  if (!v->time) return NULL;
  v->weight = v->time + v->atoms;
  v->beyond = v->weight + v->atoms;
  return v;
}

/* Sorts the atoms and joins those whose times differ by rounding. */
static void settle_atoms(variable *v) {
  if (v->atoms == 0) return;
  gsl_sort2(v->time, 1, v->weight, 1, (size_t)v->atoms);
  int kept = 0;
  for (int i = 1; i < v->atoms; i++) {
    if (v->time[i] - v->time[kept] <= 1e-14 * v->time[i]) {
      v->weight[kept] += v->weight[i];
    } else {
      v->time[++kept] = v->time[i];
      v->weight[kept] = v->weight[i];
    }
  }
  v->atoms = kept + 1;
  double sum = 0;
  for (int i = kept; i >= 0; i--) {
    v->beyond[i] = sum;
    sum += v->weight[i];
  }
}

/* a + b as a variable of its own. */
static sg_status add_sum(sg_time *x, const variable *a, const variable *b, const variable **out,
                         sg_error *e) {
  if (b->kind == DISCRETE) { /* the one with finitely many values comes first */
    const variable *first = b;
    b = a;
    a = first;
  }
  if (a->kind != DISCRETE && (!has_density(a) || !has_density(b)))
    return sg_fail(e, SG_INVALID, NULL, "a sum of random times needs a density that is not known");
  if ((double)a->atoms * b->atoms > MOST_ATOMS)
    return sg_fail(e, SG_INVALID, NULL, "the sum of the times takes more than %d values",
                   MOST_ATOMS);
  variable *v = add_variable(
      x,
      &(variable){
          .kind = SUM, .a = a, .b = b, .least = a->least + b->least, .atoms = a->atoms * b->atoms});
  if (!v) return sg_fail_memory(e);
  *out = v;
  for (int i = 0; i < v->atoms; i++) {
    int of_a = i / b->atoms, of_b = i % b->atoms;
    v->time[i] = a->time[of_a] + b->time[of_b];
    v->weight[i] = a->weight[of_a] * b->weight[of_b];
  }
  settle_atoms(v);
  if (a->kind == DISCRETE && b->kind == DISCRETE) {
    v->kind = DISCRETE;
    return SG_OK;
  }
  v->spread = a->spread + b->spread;
  v->cell_error = fmax(CELL_ERROR, 10 * fmax(a->cell_error, b->cell_error));
  if (a->atoms || b->atoms) return SG_OK;
  v->table = calloc(OCTAVES, sizeof *v->table);
  return v->table ? SG_OK : sg_fail_memory(e);
}

/* Where a law begins: a time that is known to be too early, to the last digits. */
static double law_least(const sg_law *law, double median) {
  double low = 0, high = median;
  while (high - low > 1e-15 * high && high > 1e-300) {
    double middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (law->type->cdf(law->state, middle) > 0)
      high = middle;
    else
      low = middle;
  }
  return low;
}

/* One draw of a law that is no gamma. */
static sg_status add_law(sg_time *x, const sg_law *law, double scale, const variable **out,
                         sg_error *e) {
  const sg_law_type *type = law->type;
  double time, probability, sum = 0;
  int atoms = 0;
  while (type->atom && type->atom(law->state, atoms, &time, &probability)) atoms++;
  variable *v =
      add_variable(x, &(variable){.kind = LAW, .law = law, .factor = scale, .atoms = atoms});
  if (!v) return sg_fail_memory(e);
  *out = v;
  for (int i = 0; i < atoms; i++) {
    type->atom(law->state, i, &time, &v->weight[i]);
    v->time[i] = time * scale;
    sum += v->weight[i];
  }
  settle_atoms(v);
  if (sum > 1 - 1e-9) {
    v->kind = DISCRETE;
    v->least = v->time[0];
    v->spread = v->time[v->atoms - 1] - v->least;
    return SG_OK;
  }
  double median = 1;
  while (median < 1e300 && type->cdf(law->state, median) < 0.5) median *= 2;
  v->least = law_least(law, median) * scale;
  double *spread = &v->spread;
  *spread = 1;
  while (*spread < 1e300 && late(v, v->least + *spread) > 0.5) *spread *= 2;
  while (*spread > 1e-300 && late(v, v->least + *spread / 2) <= 0.5) *spread /= 2;
  return SG_OK;
}

/* Adds v to a sum, NULL: there is none yet. v: NULL where there was no memory for it. */
static sg_status join(sg_time *x, const variable **sum, const variable *v, sg_error *e) {
  if (!v) return sg_fail_memory(e);
  if (*sum) return add_sum(x, *sum, v, sum, e);
  *sum = v;
  return SG_OK;
}

/* Adds the sum of `draws` independent copies, by doubling. */
static sg_status join_draws(sg_time *x, const variable *v, int draws, sg_error *e) {
  const variable *total = NULL;
  sg_status status = SG_OK;
  for (int left = draws; left > 0 && !status; left /= 2) {
    if (left % 2) status = join(x, &total, v, e);
    if (left > 1 && !status) status = add_sum(x, v, v, &v, e);
  }
  return status ? status : join(x, &x->sum, total, e);
}

/* Gammas, of which there are few: those of one scale have been joined. */
static sg_status add_gammas(sg_time *x, int count, const double *shape, const double *scale,
                            sg_error *e) {
  sg_status status = SG_OK;
  if (count == 2 && shape[0] == 1 && shape[1] == 1) {
    variable sum = {.kind = HYPOEXPONENTIAL,
                    .slow = 1 / fmax(scale[0], scale[1]),
                    .fast = 1 / fmin(scale[0], scale[1]),
                    .spread = scale[0] + scale[1]};
    return join(x, &x->sum, add_variable(x, &sum), e);
  }
  for (int i = 0; i < count && !status; i++) {
    variable v = {
        .kind = GAMMA, .shape = shape[i], .scale = scale[i], .spread = shape[i] * scale[i]};
    status = join(x, &x->sum, add_variable(x, &v), e);
  }
  return status;
}

static sg_status add_parts(sg_time *x, int n, const sg_time_part *part, double *shape,
                           double *scale, sg_error *e) {
  int gammas = 0;
  for (int i = 0; i < n; i++) {
    const sg_time_part *p = &part[i];
    const sg_law_type *type = p->law->type;
    double shift, k, theta, time, probability;
    x->mean += p->draws * p->scale * type->mean(p->law->state);
    x->variance += p->draws * p->scale * p->scale * type->variance(p->law->state);
    if (type->gamma && type->gamma(p->law->state, &shift, &k, &theta)) {
      x->constant += p->draws * p->scale * shift;
      theta *= p->scale;
      int same = 0;
      while (same < gammas && fabs(scale[same] - theta) > 1e-15 * theta) same++;
      if (same == gammas) {
        scale[gammas] = theta;
        shape[gammas++] = 0;
      }
      shape[same] += p->draws * k;
    } else if (type->atom && type->atom(p->law->state, 0, &time, &probability) &&
               probability == 1) {
      x->constant += p->draws * p->scale * time;
    } else {
      const variable *v = NULL;
      sg_status status = add_law(x, p->law, p->scale, &v, e);
      if (!status) status = join_draws(x, v, p->draws, e);
      if (status) return status;
    }
  }
  return add_gammas(x, gammas, shape, scale, e);
}

/* What is known beforehand of the whole: its least time, its atoms, and as bends the least time and
 * where values of a summand with finitely many meet the least of the other. */
static sg_status describe(sg_time *x, sg_error *e) {
  const variable *v = x->sum;
  const variable *values = v && v->kind == SUM && v->a->kind == DISCRETE ? v->a : NULL;
  x->least = x->constant + (v ? v->least : 0);
  x->discrete = !v || v->kind == DISCRETE;
  x->atoms = v ? v->atoms : 1;
  x->bends = 1 + (values ? values->atoms : 0);
  x->atom = malloc((size_t)(x->atoms + x->bends) * sizeof *x->atom);
  if (!x->atom) return sg_fail_memory(e);
  x->bend = x->atom + x->atoms;
  for (int i = 0; i < x->atoms; i++) x->atom[i] = x->constant + (v ? v->time[i] : 0);
  x->bend[0] = x->least;
  for (int i = 1; i < x->bends; i++) x->bend[i] = x->constant + values->time[i - 1] + v->b->least;
  return SG_OK;
}

sg_status sg_time_new(double constant, int n_parts, const sg_time_part *part, sg_time **out,
                      sg_error *e) {
  sg_time *x = calloc(1, sizeof *x);
  double *gamma = calloc((size_t)(2 * n_parts + 1), sizeof *gamma);
  sg_status status = x && gamma ? SG_OK : sg_fail_memory(e);
  if (!status) {
    x->constant = x->mean = constant;
    status = add_parts(x, n_parts, part, gamma, gamma + n_parts, e);
  }
  if (!status) status = describe(x, e);
  free(gamma);
  if (status) sg_time_free(x);
  *out = status ? NULL : x;
  return status;
}

void sg_time_free(sg_time *x) {
  if (!x) return;
  for (variable *v = x->variable, *next; v; v = next) {
    next = v->next;
    for (int o = 0; v->table && o < OCTAVES; o++) free(v->table[o].cell);
    free(v->table);
    free(v->time);
    free(v);
  }
  free(x->atom);
  free(x);
}

/* --- Questions -------------------------------------------------------------------------------- */

double sg_time_late(const sg_time *x, double t) {
  return x->sum ? late(x->sum, t - x->constant) : t < x->constant;
}

double sg_time_done(const sg_time *x, double t) {
  return x->sum ? done(x->sum, t - x->constant) : t >= x->constant;
}
