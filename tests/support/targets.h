/* SPDX-License-Identifier: MIT */
/* Published and derived values of iteration times and response counts, with the scenarios that they
 * are of. `straggle expect`'s module must give them to their printed digits (test_expect), and
 * simulation within its standard errors (validate). */
#ifndef SG_TESTS_TARGETS_H
#define SG_TESTS_TARGETS_H

#include "sim/experiment/plan.h"

typedef enum target_what { DURATION, RESPONSES, RESPONSES_WITHIN } target_what;

typedef struct target {
  bool quick;         /* part of the short form of validate */
  const char *source; /* section of docs/theory.md, label */
  int n;
  const char *scheme;  /* JSON members */
  const char *compute; /* delay members */
  const char *uplink;
  target_what what;
  int within;          /* RESPONSES_WITHIN: P(R* ≤ within) */
  const char *printed; /* as printed, with its digits; NULL: see closed */
  double closed; /* a closed form of theory: closed-forms, evaluated by other code than ours; NAN:
                    none, the module's value stands beside the simulation alone */
  const char *cluster; /* more members of the cluster: ",…" or "" */
} target;

extern const target targets[];
extern const int n_targets;

/* "computation only" and the like; "" for both. */
const char *target_kind(const target *t);
/* Whether the exact value is the printed one to its digits, or the closed form to 1e-10. */
bool target_met(const target *t, double exact);

/* A scenario of one point, kept open. All NULL after a fault, which is printed to stderr. */
typedef struct target_world {
  sg_scenario *scenario;
  sg_plan *plan;
  sg_world *world;
} target_world;
bool target_open(const target *t, long iterations, target_world *w);
bool target_open_text(const char *text, target_world *w);
void target_close(target_world *w);

#endif
