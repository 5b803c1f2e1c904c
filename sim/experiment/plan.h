/* SPDX-License-Identifier: MIT */
/* The plan of a scenario: its points, which of them a code cannot have, and their keys. */
#ifndef SG_SIM_PLAN_H
#define SG_SIM_PLAN_H

#include "sim/experiment/world.h"

typedef struct sg_planned {
  const sg_point *point;
  /* Facts of the code and problem, for the database and for people; without configuration and axes,
   * which are made when the point is written. The keys are SHA-256 of what can change a result row.
   * Not valid: the scheme's label alone is known. */
  sg_point_record facts;
  char key[65], env_key[65], label[128], stop[16],
      compression[128]; /* what texts of facts point to */
  sg_error why;         /* not valid: the rules it breaks */
  bool valid;
  bool duplicate;                   /* the same key as an earlier point: not run again */
  int width;                        /* runs that a block takes side by side */
  int abreast;                      /* runs that it should take, for speed alone; ≥ width */
  int replications;                 /* that are wanted of the point */
  double data_bytes, missing_bytes; /* of the data; of them what is not in memory yet */
  char *note;                       /* lines for people about the environment ("": none); owned */
  char *code_note;                  /* what the code has to say, such as sizes of blocks; or NULL */
} sg_planned;

typedef struct sg_plan {
  const sg_scenario *scenario; /* borrowed */
  sg_problem_cache *cache;     /* owned, or borrowed from another plan */
  bool borrows;
  int n_raw;
  sg_point *raw;
  int count;
  sg_planned *point; /* all points, valid or not, in the order of the scenario */
  int n_valid, n_skipped;
} sg_plan;

/* Makes every point's world once, so that what cannot run is known before anything runs. A point
 * from no sweep and no `each` must be valid; others are skipped, unless the scenario wants errors.
 * *out is set only on success. */
sg_status sg_plan_new(const sg_scenario *scenario, sg_plan **out, sg_error *e);
/* The same with the data of another plan, which must outlive it. */
sg_status sg_plan_beside(const sg_plan *other, const sg_scenario *scenario, sg_plan **out,
                         sg_error *e);
void sg_plan_free(sg_plan *plan);

/* Appends each line of the points' notes once, indented; with_codes: and of their codes'. */
void sg_plan_notes(const sg_plan *plan, bool with_codes, sg_buffer *out);

#endif
