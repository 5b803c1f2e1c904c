/* SPDX-License-Identifier: MIT */
/* What a paper says against what we find: the targets of a scenario's member "paper".
 *
 * A target names a point of the plan and a quantity of it, simulated or by the exact law of the
 * iteration time; ours is judged by the rule that the target itself has. Nothing here knows a paper
 * or a code by name. */
#ifndef SG_SIM_PAPERS_PAPERS_H
#define SG_SIM_PAPERS_PAPERS_H

#include "sim/experiment/plan.h"

typedef enum sg_paper_verdict {
  SG_EQUAL,            /* to the printed digits */
  SG_WITHIN,           /* z, or percent */
  SG_RANKED,           /* the ranking is the paper's */
  SG_NOT_REPRODUCIBLE, /* the set-up is unknown: not judged */
  SG_DIFFERS,
  SG_VERDICTS
} sg_paper_verdict;
extern const char *const sg_paper_verdict_words[]; /* "equal", … in that order */

typedef struct sg_judged {
  const sg_values *target;         /* borrowed from the scenario */
  const sg_planned **point, *over; /* one of "scheme", all of "order", or none; owned list; NULL */
  int n_points;
  double value, error; /* ours, and its standard error (0: exact); NAN: none */
  double off; /* from the paper's: standard errors with "z", else percent; NAN: not judged */
  sg_paper_verdict verdict;
  char *why; /* it differs or is not reproducible; NULL: there is nothing to say; owned */
} sg_judged;

typedef struct sg_paper {
  const sg_plan *plan;    /* borrowed */
  const sg_values *about; /* the member "paper" */
  int count;
  sg_judged *of;
  bool simulated; /* a target wants runs */
} sg_paper;

/* Finds the points that the targets name; a fault, at the target's pointer, for each that names
 * none or several. plan must outlive it. *out must be freed in spite of faults. */
sg_status sg_paper_new(const sg_plan *plan, sg_paper **out, sg_error *e);
void sg_paper_free(sg_paper *p);
/* Leaves no runs but those that the targets want: others get 0 replications. */
void sg_paper_trim(const sg_paper *p, sg_plan *plan);
/* Fills in ours and the verdicts. db has the runs, and may be NULL where none are wanted. */
sg_status sg_paper_judge(sg_paper *p, sg_db *db, sg_error *e);

#endif
