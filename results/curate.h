/* SPDX-License-Identifier: MIT */
/* What a database has of which scenario, and taking results out of it again. */
#ifndef SG_RESULTS_CURATE_H
#define SG_RESULTS_CURATE_H

#include "results/results.h"

/* The path of another scenario file that has results here under the same name: with another text,
 * from another place. Nothing is put where there is none. */
sg_status sg_db_namesake(sg_db *db, const char *name, const char *path, const char *sha256,
                         sg_buffer *out, sg_error *e);

/* What is to be forgotten: the points that all of the given conditions hold for. */
typedef struct sg_forget {
  int n_environments; /* one of these; numbers as `compare` counts, or beginnings of env_sha256 */
  const char *const *environment;
  const char *scenario; /* name, or path; NULL: any */
  const char *scheme;   /* label, or name of the code; NULL: any */
  const char *where;    /* an SQL expression over the columns of v_point; NULL: all */
} sg_forget;

typedef struct sg_forgotten {
  int64_t environments, points, runs;
  sg_buffer list; /* "LABEL, AXES: 20 runs\n" of each point, up to a number of them */
} sg_forgotten;

/* Counts and lists them. A condition that nothing in the database is called by is SG_USAGE, with
 * the nearest name; so is an expression that SQLite does not take. */
sg_status sg_forget_find(sg_db *db, const sg_forget *what, sg_forgotten *found, sg_error *e);
/* Takes them out of a database that is open for writing, with scenarios that no point is left of,
 * and makes the file smaller; the command's own line in `invocation` says what was done. */
sg_status sg_forget_points(sg_db *db, const sg_forget *what, const sg_invocation *invocation,
                           sg_forgotten *found, sg_error *e);

#endif
