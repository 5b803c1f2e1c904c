/* SPDX-License-Identifier: MIT */
/* Scenario files: strict JSON, read against the tree of parameter tables, expanded into points.
 *
 * A point is one environment (one value of every sweep axis) with one scheme (one value of every
 * `each`). Its resolved configuration is an sg_values tree of the root table in which "schemes" is
 * replaced by the one scheme; its canonical JSON text, hashed, is the key under which results are
 * found again. */
#ifndef SG_SIM_SCENARIO_H
#define SG_SIM_SCENARIO_H

#include "sim/core/param.h"
#include "sim/core/text.h"

extern const sg_param sg_scenario_params[];        /* the root of the format */
extern const sg_param sg_scenario_scheme_params[]; /* what schemes have besides their code's */
extern const sg_param sg_paper_params[];           /* the member "paper" */

/* "by" of a target, and which end of an "order" is the better. */
enum { SG_BY_SIMULATION, SG_BY_CLOSED_FORM };
enum { SG_BEST_LEAST, SG_BEST_GREATEST };
/* Quantities that have a closed form: what the exact law of the iteration time says. */
extern const char *const sg_closed_form_words[];
/* The table of results that a target's quantity is a column of; NULL: it is by closed form. */
const char *sg_paper_table(const sg_values *target);

typedef struct sg_scenario sg_scenario;

typedef struct sg_override { /* --set /pointer=value; value is JSON, or a bare word */
  const char *pointer, *value;
} sg_override;

/* Reads and checks a scenario file. All faults are listed; each has a JSON pointer as its place
 * where it has one. *out is set (and must be freed) whenever the text could be read at all, so that
 * sg_scenario_report can show lines; the status says whether it is usable. "-" reads standard
 * input. */
sg_status sg_scenario_read(const char *path, int n_overrides, const sg_override *override,
                           sg_scenario **out, sg_error *e);
sg_status sg_scenario_parse(const char *path, const char *text, size_t length, int n_overrides,
                            const sg_override *override, sg_scenario **out, sg_error *e);
void sg_scenario_free(sg_scenario *s);

/* Whether its points can be looked at, for more faults, in spite of those that it has: all values
 * could be read. */
bool sg_scenario_is_complete(const sg_scenario *s);
const char *sg_scenario_path(const sg_scenario *s);
const char *sg_scenario_folder(const sg_scenario *s); /* with a '/' at its end, or "" */
const char *sg_scenario_name(const sg_scenario *s);   /* "name", or the file's name */
const char *sg_scenario_text(const sg_scenario *s);

/* Members that do not belong to a point. */
int sg_scenario_replications(const sg_scenario *s);       /* with "until", the least */
const sg_values *sg_scenario_until(const sg_scenario *s); /* NULL: absent */
const char *sg_scenario_database(const sg_scenario *s);   /* path to open, relative to the file */
int sg_scenario_detail(const sg_scenario *s);             /* an sg_detail */
const char *sg_scenario_baseline(const sg_scenario *s);   /* a code's name or a label; NULL: none */
const sg_values *sg_scenario_paper(const sg_scenario *s); /* NULL: it is none of a paper */
bool sg_scenario_skips_invalid(const sg_scenario *s);     /* "invalid_combinations": skip | error */

typedef struct sg_point {
  sg_values *values;              /* the resolved configuration; owned */
  const sg_values *scheme;        /* in it */
  char *env_json;                 /* canonical JSON of all hashed members but the scheme; owned */
  char *scheme_json;              /* canonical JSON of the scheme; owned */
  int n_axes;                     /* sweep axes, then those of this scheme: `each`, /schemes/… */
  int n_shared_axes;              /* the former, which are not in the scheme's label */
  char **axis_name, **axis_value; /* value as JSON text; owned */
  int scheme_index;               /* in the scenario's list */
  bool single;                    /* comes from no each and no sweep: if invalid, the scenario is */
} sg_point;

/* All points in the order of the scenario: for each environment, all schemes. A sweep axis within
 * one scheme (/schemes/2/d) multiplies that scheme only; a scheme whose configuration equals an
 * earlier one's is left out. Faults in values that a sweep or an `each` substitutes are reported at
 * the pointer of that value. */
sg_status sg_scenario_points(const sg_scenario *s, int *count, sg_point **points, sg_error *e);
void sg_points_free(int count, sg_point *points);
/* The first n axes for people: "n=12 s=2". */
void sg_point_put_axes(const sg_point *p, int n, sg_buffer *out);

/* Canonical JSON of values: members in the order of the table, defaults filled in, unhashed members
 * left out, numbers exact. */
void sg_values_to_json(const sg_values *v, sg_buffer *out);

/* Prints faults for people: file:line:column: error: /pointer: message, the source line with a
 * caret. s may be NULL. */
void sg_scenario_report(const sg_scenario *s, const char *path, const sg_error *e, bool color,
                        sg_buffer *out);

/* The JSON Schema (2020-12) of scenario files, and the reference in Markdown, from the tables. */
void sg_scenario_schema(sg_buffer *out);
void sg_scenario_reference(sg_buffer *out);
/* The reference of one table of members, as Markdown rows or as text for a terminal. */
void sg_param_reference(const sg_param *params, bool markdown, sg_buffer *out);

#endif
