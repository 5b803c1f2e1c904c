/* SPDX-License-Identifier: MIT */
/* The fit of a trace, step by step. */
#include "sim/fit/fit.h"

#include "sim/core/array.h"
#include "sim/fit/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many times the laws are fitted to a random sample: no law of two parameters survives
 * a test with more, and a bootstrap would take minutes. */
enum { MOST_FITTED = 10000 };

static size_t cells_of(const sg_trace *t) {
  return (size_t)t->iterations * (size_t)t->workers;
}

static sg_status take_times(sg_fit *f, sg_error *e) {
  const sg_trace *t = f->trace;
  size_t cells = cells_of(t);
  f->x = malloc(cells * sizeof *f->x);
  if (!f->x) return sg_fail_memory(e);
  bool startup = f->loads.scaling == SG_FIT_STARTUP;
  f->per_subset = startup ? fmax(0, f->loads.per_subset) : 0;
  double least = INFINITY; /* time per load */
  bool steep = false;      /* a slope that is steeper than a time allows */
  for (size_t k = 0; k < cells; k++) {
    double load = t->load ? t->load[k] : 1;
    least = fmin(least, t->compute[k] / load);
    steep |= t->compute[k] - f->per_subset * load <= 0;
  }
  if (startup && steep) f->per_subset = 0.99 * least; /* it keeps a hundredth of itself */
  for (size_t k = 0; k < cells; k++) {
    double load = t->load ? t->load[k] : 1;
    f->x[k] = startup ? t->compute[k] - f->per_subset * load : t->compute[k] / load;
    if (!(f->x[k] > 0))
      return sg_fail(e, SG_INVALID, NULL, "a time of %g s for a load of %g is too short for a fit",
                     t->compute[k], load);
  }
  return SG_OK;
}

/* A random sample without repeats, ascending. */
static long sample(const double *x, size_t n, uint64_t seed, double *out) {
  enum { CHUNK = 65536 };
  size_t wanted = n < MOST_FITTED ? n : MOST_FITTED, taken = 0;
  sg_stream s;
  for (size_t k = 0; k < n && taken < wanted; k++) {
    if (k % CHUNK == 0) sg_stream_at(&s, seed, 1, SG_FOR_BOOTSTRAP, 0, (uint32_t)(k / CHUNK), 0);
    if (sg_uniform(&s) * (double)(n - k) < (double)(wanted - taken)) out[taken++] = x[k];
  }
  sg_sort_doubles(out, taken);
  return (long)taken;
}

static int by_aic(const void *a, const void *b) {
  const sg_fitted *x = a, *y = b;
  if (x->ok != y->ok) return x->ok ? -1 : 1;
  if (x->aic != y->aic) return x->aic < y->aic ? -1 : 1;
  return (x->type > y->type) - (x->type < y->type);
}

/* Laws take four fifths of the time, with their bootstraps, about as the square of their number of
 * parameters; models the rest. */
static const double laws_share = 0.8;

static void tell(const sg_fit_options *o, double share) {
  if (o->progress) o->progress(o->user, share);
}

static double law_work(int count) {
  double work = 0;
  for (int i = 0; i < count; i++) work += pow(sg_fit_type_at(i)->parameters, 2);
  return work;
}

/* All laws, best first; the index of the simplest that is within 2 of the best: AIC does not tell
 * those apart. */
static sg_status fit_all(long n, const double *x, const sg_fit_options *o, int *count,
                         sg_fitted *law, int *best, sg_error *e) {
  int types = 0;
  while (sg_fit_type_at(types)) types++;
  for (*count = 0; *count < types; ++*count) {
    const sg_fit_type *type = sg_fit_type_at(*count);
    sg_status status = sg_fit_law(type, n, x, o->replicates, o->seed, &law[*count], e);
    if (status) return status;
    tell(o, laws_share * law_work(*count + 1) / law_work(types));
  }
  qsort(law, (size_t)*count, sizeof *law, by_aic);
  *best = 0;
  for (int i = 1; i < *count; i++)
    if (law[i].ok && law[i].aic <= law[0].aic + 2 &&
        law[i].type->parameters < law[*best].type->parameters)
      *best = i;
  return SG_OK;
}

static sg_status fit_laws(sg_fit *f, const sg_fit_options *o, sg_error *e) {
  double *x = malloc(cells_of(f->trace) * sizeof *x);
  if (!x) return sg_fail_memory(e);
  f->fitted = sample(f->x, cells_of(f->trace), o->seed, x);
  sg_status status = fit_all(f->fitted, x, o, &f->n_laws, f->law, &f->best, e);
  free(x);
  return status;
}

/* What is left of the times when what the structured model has besides is taken out. */
static sg_status fit_base(sg_fit *f, uint64_t seed, sg_error *e) {
  const sg_fit_structure *s = f->structure;
  sg_fit_parts parts = s->parts;
  size_t cells = cells_of(f->trace), n = 0, columns = (size_t)s->workers;
  double *x = malloc(2 * cells * sizeof *x), mean = 0;
  if (!x) return sg_fail_memory(e);
  for (size_t k = 0; k < cells; k++) {
    if (parts.stalls && s->stalled[k]) continue;
    double y = log(f->x[k]);
    if (parts.persistent) y -= log(s->factor[k % columns]);
    if (parts.common) y -= log(s->common[k / columns]);
    if (parts.memory && s->slow[k] > 0.5) y -= log(s->slowdown);
    x[n++] = y;
    mean += y;
  }
  mean /= (double)n;
  /* A row's mean holds 1/n of each of its residuals: dividing by it takes that away. */
  double widen = parts.common ? sqrt((double)columns / ((double)columns - 1)) : 1;
  for (size_t k = 0; k < n; k++) x[k] = exp(mean + (x[k] - mean) * widen);
  sg_fitted law[SG_FIT_LAWS];
  int count, best;
  long taken = sample(x, n, seed, x + cells);
  const sg_fit_options quick = {.seed = seed};
  sg_status status = fit_all(taken, x + cells, &quick, &count, law, &best, e);
  if (!status) f->base = law[best];
  free(x);
  return status;
}

sg_status sg_fit_new(const sg_trace *trace, const char *path, const sg_fit_options *o, sg_fit **out,
                     sg_error *e) {
  *out = NULL;
  sg_fit *f = calloc(1, sizeof *f);
  if (!f) return sg_fail_memory(e);
  *f = (sg_fit){.trace = trace, .path = path, .selected = o->selected, .replicates = o->replicates};
  sg_status status =
      sg_fit_load_scaling((long)cells_of(trace), trace->compute, trace->load, &f->loads, e);
  if (!status) status = take_times(f, e);
  if (!status) status = fit_laws(f, o, e);
  if (!status)
    status =
        sg_fit_structure_new(trace->iterations, trace->workers, f->x, o->seed, &f->structure, e);
  if (!status) status = fit_base(f, o->seed, e);
  if (!status) status = fit_models(f, o, laws_share, e);
  if (!status) status = fit_verdict(f, e);
  if (status)
    sg_fit_free(f);
  else
    *out = f;
  return status;
}

void sg_fit_free(sg_fit *f) {
  if (!f) return;
  sg_fit_structure_free(f->structure);
  for (int i = 0; i < SG_FIT_MODELS; i++) free(f->model[i].scenario);
  for (int i = 0; i < SG_FIT_WARNINGS; i++) free(f->warning[i]);
  free(f->verdict);
  free(f->x);
  free(f);
}
