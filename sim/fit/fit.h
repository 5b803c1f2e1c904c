/* SPDX-License-Identifier: MIT */
/* What a trace supports: laws, structure, a verdict in words, and how well each model gives the
 * iteration times of the trace. */
#ifndef SG_SIM_FIT_H
#define SG_SIM_FIT_H

#include "models/times/trace.h"
#include "sim/fit/laws.h"
#include "sim/fit/structure.h"

enum { SG_FIT_LAWS = 16, SG_FIT_WAITS = 5, SG_FIT_MODELS = SG_FIT_LAWS + 2 };

/* What a person should be warned of. */
typedef enum sg_fit_warning {
  SG_FIT_PERSISTENT, /* workers differ for good */
  SG_FIT_CHANGE,     /* a worker changes its speed for good */
  SG_FIT_MEMORY,     /* a slow worker stays slow for a while */
  SG_FIT_COMMON,     /* all are slow together */
  SG_FIT_STALLS,     /* rare, very long times */
  SG_FIT_CLUSTERED,  /* stalls of many workers at once */
  SG_FIT_PERIODIC,   /* slow iterations at regular distances */
  SG_FIT_HEAVY_TAIL, /* heavier than exponential */
  SG_FIT_BARRIER,    /* times include waiting for the others */
  SG_FIT_SHORT,      /* too little to tell */
  SG_FIT_WARNINGS
} sg_fit_warning;

extern const char *const sg_fit_warning_names[SG_FIT_WARNINGS];

typedef struct sg_fit_model {
  char name[64];
  char *scenario;            /* members, JSON without the outer braces; NULL: cannot be written */
  double mean[SG_FIT_WAITS]; /* iteration time; NAN: not simulated */
} sg_fit_model;

typedef struct sg_fit {
  const sg_trace *trace; /* borrowed */
  const char *path;      /* borrowed */
  const char *selected;  /* borrowed; NULL: all workers of the file */
  /* The times that were analysed, iterations × workers: per subset, or with scaling startup those
   * of the start alone, per_subset for each subset being taken out (else 0). */
  double *x, per_subset;
  long fitted; /* times that the laws were fitted to: all, or a random sample */
  int replicates;
  int n_laws;
  sg_fitted law[SG_FIT_LAWS]; /* by AIC, best first */
  int best;                   /* the simplest law that AIC does not tell from the best */
  sg_fit_structure *structure;
  sg_fit_loads loads;
  sg_fitted base; /* law of what is left when workers, common factor, memory and stalls are out */
  int n_waits, wait[SG_FIT_WAITS]; /* s: wait for n − s */
  double replayed[SG_FIT_WAITS], replayed_error[SG_FIT_WAITS];
  int n_models;
  sg_fit_model model[SG_FIT_MODELS]; /* laws in order, then "structured", then the bootstrap */
  int structured, bootstrap;         /* indices of those */
  int recommended;                   /* the model whose scenario is to be pasted */
  bool warned[SG_FIT_WARNINGS];
  char *warning[SG_FIT_WARNINGS]; /* a sentence each; NULL: none */
  char *verdict;                  /* sentences */
} sg_fit;

typedef struct sg_fit_options {
  uint64_t seed;
  const char *selected; /* the workers that the trace has, as in sg_trace_select; NULL: all */
  int replicates;       /* of the parametric bootstrap: 199 */
  void (*progress)(void *user,
                   double share); /* of the work, 0 … 1, as it goes on; NULL: not told */
  void *user;
} sg_fit_options;

/* path: of the trace, for the scenario fragments that name it. Deterministic in the seed. */
sg_status sg_fit_new(const sg_trace *trace, const char *path, const sg_fit_options *options,
                     sg_fit **out, sg_error *e);
void sg_fit_free(sg_fit *fit);

#endif
