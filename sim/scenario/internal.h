/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef SG_SIM_SCENARIO_INTERNAL_H
#define SG_SIM_SCENARIO_INTERNAL_H

#include "sim/scenario/json.h"
#include "sim/scenario/scenario.h"

#define MOST_POINTS 100000

/* A member that takes several values in turn: an entry of "sweep", or an `each` in a scheme. */
typedef struct scenario_axis {
  char *name;
  char *path;       /* JSON pointer of the member */
  char *entry;      /* JSON pointer of what has the list of values */
  const char *list; /* its name there: "values" or "each" */
  int count;
  const cJSON **value; /* count values, in the scenario's tree: a list there has no index */
  int scheme;          /* index of the scheme it belongs to; −1: the environment */
} scenario_axis;

typedef struct axes {
  int count, capacity;
  scenario_axis *axis;
} axes;

struct sg_scenario {
  char *path, *folder, *name, *database;
  sg_buffer text;
  json_text written; /* the text's tree as it is */
  cJSON *tree;       /* with the overrides in it */
  sg_values *values; /* each `each` at its first value, sweeps at what is written */
  axes axes;         /* sweeps, then each */
  int n_overrides;
  char **override; /* "/pointer=value" */
  bool usable;
  bool complete; /* all values could be read, whatever else is wrong: points can be made */
};

/* --- axes.c ----------------------------------------------------------------------------------- */

/* Copies the texts but for `list`; values is a list of a tree that lives longer. */
sg_status sg_axes_add(axes *all, const char *name, const char *path, const char *entry,
                      const char *list, const cJSON *values, int scheme, sg_error *e);
void sg_axes_free(axes *all);
/* Appends the entries of "sweep" to the scenario's axes. */
sg_status sg_read_sweeps(sg_scenario *s, sg_error *e);
/* Faults of names, paths and values of all axes, the first `sweeps` of which are of "sweep"; known:
 * those that reading the scenario as it is written has found. */
void sg_check_axes(const sg_scenario *s, int sweeps, const sg_error *known, sg_error *e);

/* --- reader.c: a cJSON tree → values ---------------------------------------------------------- */

typedef struct reader {
  const char *folder; /* of the scenario file, with a '/' at the end, or "" */
  sg_error *e;
  /* Where `each` of schemes is collected; NULL: there is none left to be found. */
  axes *each;
  int scheme; /* index of the scheme being read, −1 outside */
} reader;

/* Reads a scalar. Faults are at `place` (NULL: no memory for it). */
void sg_read_scalar(const reader *r, const sg_param *row, const cJSON *item, const char *place,
                    sg_value *value);
/* An object; NULL if there is no memory. A member named `skip` (may be NULL) keeps its default. */
sg_values *sg_read_object(reader *r, const sg_param *common, const sg_family *family,
                          const cJSON *item, const char *pointer, const char *skip);

bool sg_is_scalar(const sg_param *row);
/* Whether a file that a member names as `written` is there, at `path`; else that is a fault, with
 * what is there. (files.c) */
bool sg_check_file(const reader *r, const char *place, const char *written, const char *path);
/* The list of {"each": […]}, or NULL. */
const cJSON *sg_each_of(const cJSON *item);

/* --- locate.c: JSON pointers against the format ----------------------------------------------- */

typedef struct target {
  cJSON *parent;       /* the object or list that holds the member */
  char *name;          /* of the member, or its index; owned */
  cJSON *item;         /* NULL: it is absent */
  const sg_param *row; /* what the format says of it; NULL for a selector */
  bool unhashed;       /* it or something around it */
} target;

/* Finds what a pointer names. A fault is at `place`. To be freed with sg_target_clear. */
sg_status sg_find_target(cJSON *root, const char *pointer, const char *place, target *t,
                         sg_error *e);
void sg_target_clear(target *t);
/* Puts a value, which is taken over (NULL: no memory), where a pointer says; missing objects on the
 * way are made. A fault has `place` and `status`. */
sg_status sg_put_at(cJSON *root, const char *pointer, cJSON *value, sg_status status,
                    const char *place, sg_error *e);

/* --- points.c --------------------------------------------------------------------------------- */

/* One scheme, or all but the schemes, with one value of each of its axes. */
typedef struct variation {
  sg_values *values;
  char *json;
  int scheme;  /* −1: the environment */
  int *choice; /* for every axis of the scenario an index into its values; 0 for axes of others */
} variation;

typedef struct variations {
  int count, capacity;
  variation *list;
} variations;

/* All schemes with all values of their axes, later equals of earlier ones left out. To be freed in
 * spite of faults. */
sg_status sg_vary_schemes(const sg_scenario *s, variations *all, sg_error *e);
void sg_variations_free(variations *all);

/* --- paper.c ---------------------------------------------------------------------------------- */

/* Codes and labels of the list of schemes, made when they are wanted. */
typedef struct scheme_names {
  const sg_scenario *of;
  bool made;
  const char **name; /* ends in NULL; owned, and so are the labels */
  char (*label)[256];
} scheme_names;
/* Whether `name` is one; a name that may be one is where the scenario has other faults. */
bool sg_names_scheme(scheme_names *known, const char *name, sg_error *e);
void sg_scheme_names_clear(scheme_names *known);

/* Faults of the member "paper" that its own table does not find. */
void sg_check_paper(const sg_scenario *s, sg_error *e);

/* --- report.c --------------------------------------------------------------------------------- */

bool sg_same_fault(const sg_fault *a, const sg_fault *b);
/* Sorts faults by their place in the file, equal ones once; of very many the rest is counted. */
void sg_sort_faults(const sg_scenario *s, sg_error *e);

#endif
