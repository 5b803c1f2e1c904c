/* SPDX-License-Identifier: MIT */
/* A stored point as a scenario again. */
#ifndef SG_SIM_TIMELINE_CONFIGURATION_H
#define SG_SIM_TIMELINE_CONFIGURATION_H

#include "sim/scenario/scenario.h"

typedef struct sg_stored_point {
  char *config_json;    /* of `point` */
  char *text, *path;    /* of its scenario */
  int n_axes;           /* of the point */
  char **name, **value; /* values are JSON */
  long subsets, length; /* of its problem */
} sg_stored_point;
void sg_stored_point_clear(sg_stored_point *p);

/* The point alone, as a scenario. A configuration does not say what its files are called: that is
 * taken from the scenario's text. times_only: without its learning problem, of which sizes are
 * kept, and without what a run ends by besides its times. Faults name members of that scenario. */
sg_status sg_rebuild_scenario(const sg_stored_point *p, bool times_only, int n_overrides,
                              const sg_override *override, sg_scenario **out, sg_error *e);

#endif
