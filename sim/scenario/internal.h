/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef SG_SIM_SCENARIO_INTERNAL_H
#define SG_SIM_SCENARIO_INTERNAL_H

#include "sim/scenario/json.h"
#include "sim/scenario/scenario.h"

/* --- axes.c ----------------------------------------------------------------------------------- */

/* A member that takes several values in turn: an entry of "sweep", or an `each` in a scheme. */
typedef struct scenario_axis {
  char *name;
  char *path;  /* JSON pointer of the member */
  char *place; /* JSON pointer of the list of values */
  int count;
  const cJSON **value; /* count values, in the scenario's tree: a list there has no index */
  int scheme;          /* index of the scheme it belongs to; −1: the environment */
} scenario_axis;

typedef struct axes {
  int count, capacity;
  scenario_axis *axis;
} axes;

/* Copies the texts; values is a list of a tree that lives longer. false: no memory. */
bool sg_axes_add(axes *list, const char *name, const char *path, const char *place,
                 const cJSON *values, int scheme);
/* Moves an axis to the end of a list; `from` is empty afterwards. NULL: no memory. */
scenario_axis *sg_axes_take(axes *list, scenario_axis *from);
void sg_axes_free(axes *list);

/* --- reader.c: a cJSON tree → values ---------------------------------------------------------- */

typedef struct reader {
  const char *folder; /* of the scenario file, with a '/' at the end, or "" */
  sg_error *e;
  /* Where `each` of schemes is collected; NULL: there is none left to be found. */
  axes *each;
  int scheme; /* index of the scheme being read, −1 outside */
} reader;

/* Reads a scalar. Faults are at `place`. */
bool sg_read_scalar(const reader *r, const sg_param *row, const cJSON *item, const char *place,
                    sg_value *value);
/* Any value. */
bool sg_read_value(reader *r, const sg_param *row, const cJSON *item, const char *place,
                   sg_value *value);
/* An object; NULL if there is no memory. Members listed in `skip` (may be NULL) keep their default.
 */
sg_values *sg_read_object(reader *r, const sg_param *common, const sg_family *family,
                          const cJSON *item, const char *pointer, const char *skip);

bool sg_is_scalar(const sg_param *row);
/* The list of {"each": […]}, or NULL. */
const cJSON *sg_each_of(const cJSON *item);
/* "an object", "the string "x"", "null", … */
void sg_describe_json(const cJSON *item, sg_buffer *out);

/* --- locate.c: JSON pointers against the format ----------------------------------------------- */

typedef struct target {
  cJSON *parent;           /* the object or list that holds the member; NULL: the root itself */
  char *name;              /* of the member, or its index; owned */
  const sg_param *row;     /* what the format says of it; NULL for a selector */
  const sg_family *family; /* of a selector */
  bool unhashed;           /* it or something around it */
} target;

/* Finds what a pointer names. With create, missing objects on the way are made. A fault has `place`
 * and `status`. The target must be freed with sg_target_clear. */
bool sg_find_target(cJSON *root, const char *pointer, bool create, sg_status status,
                    const char *place, target *t, sg_error *e);
void sg_target_clear(target *t);
/* Puts a value, which is taken over, at the target. false: no memory. */
bool sg_target_put(const target *t, cJSON *value);

/* --- points.c --------------------------------------------------------------------------------- */

#define MOST_POINTS 100000

struct sg_scenario {
  char *path, *folder, *text, *name, *database;
  size_t length;
  cJSON *tree;       /* with the overrides in it */
  sg_values *values; /* each `each` at its first value, sweeps at what is written */
  axes axes;         /* sweeps, then each */
  int n_overrides;
  char **override_pointer, **override_value;
  bool usable;
};

/* axes.c: appends the entries of "sweep" to the scenario's axes. Faults of names, paths and values
 * go to `e`; known: those that reading the scenario as it is written has found. */
void sg_read_sweeps(sg_scenario *s, const sg_error *known, sg_error *e);
/* Takes over the `each` that the reader found, behind the sweeps, and checks their values. */
void sg_add_each(sg_scenario *s, axes *each, sg_error *e);

/* One scheme with one value of each of its axes. */
typedef struct variation {
  sg_values *values;
  char *json;
  int scheme;
  int n_axes;
  const scenario_axis **axis; /* n_axes */
  int *choice;                /* index into the values of each axis */
} variation;

/* All schemes with all values of their axes, later equals of earlier ones left out. */
sg_status sg_vary_schemes(const sg_scenario *s, int *count, variation **list, sg_error *e);
void sg_variations_free(int count, variation *list);

/* --- canonical.c ------------------------------------------------------------------------------ */

/* As sg_values_to_json, with the family's selector; members named `skip` (may be NULL) are left
 * out. */
void sg_put_values(const sg_values *v, const sg_family *family, const char *skip, sg_buffer *out);

#endif
