/* SPDX-License-Identifier: MIT */
/* What commands do with a scenario or a database, and what they say of it. */
#ifndef SG_SIM_SESSION_H
#define SG_SIM_SESSION_H

#include "sim/cli/command.h"
#include "sim/experiment/plan.h"

#include <stdatomic.h>

typedef struct sg_session {
  const char *path;
  sg_format format; /* of faults */
  sg_scenario *scenario;
  sg_plan *plan;
  const char *database; /* NULL: none was opened */
  sg_db *db;
  int n_overrides;
  sg_override *override; /* --set, and room for one more; owned, and so are their texts */
  sg_error error;
} sg_session;

/* Reads the scenario with --set, and plans it. The session must be closed in any case. */
sg_status sg_session_open(const sg_call *call, const char *path, sg_session *s);
/* Says where results go, s->database: to `path`, or where it is NULL to the scenario's own
 * database, which must be in the scenario's folder with all links followed. */
sg_status sg_session_place(sg_session *s, const char *path);
/* Opens that database. Faults are left in the session. */
sg_status sg_session_database(sg_session *s, const char *path, sg_open_mode mode);
/* Closes the database, where one is open; a fault of that becomes the status if there is none. */
sg_status sg_session_finish(sg_session *s, sg_status status);
/* Finishes, prints the faults, frees all; returns the exit code, which is `code` if all is well.
 * After SG_INTERRUPTED nothing is freed: threads may have been left that still read the plan. */
int sg_session_close(sg_session *s, sg_status status, int code);

/* Bytes that a run of a point takes in the database at most. (estimate.c) */
double sg_stored_bytes(const sg_planned *p, sg_detail detail);
/* How many of a point's runs a database (NULL: none) lacks. */
sg_status sg_count_missing(sg_db *db, const sg_planned *p, int replications, sg_detail detail,
                           int *missing, sg_error *e);
/* SG_NO_MEMORY, with how much: the missing runs need more memory than there is, or will fill the
 * disk. s->database must be known; where it is not open all runs are missing. */
sg_status sg_session_room(sg_session *s, int threads);

/* A line for each rule that a point breaks: "skipped: LABEL, AXIS = VALUE: the rule". */
void sg_put_skipped(const sg_plan *plan, const char *indent, bool axes, sg_buffer *out);


/* Opens the database, asks, prints the answer or the faults; returns the exit code. */
int sg_ask(const sg_call *call);

typedef struct sg_provenance { /* what the texts of the invocation are in; not to be copied */
  sg_invocation invocation;
  char cpu[128], host[128];
} sg_provenance;

/* The command line, the build, the machine. Fills *p, which must live as long as the result is
 * used. (provenance.c) */
const sg_invocation *sg_provenance_read(const sg_call *call, int threads, sg_provenance *p);

/* Whether signals that ask to end stop runs, by the flag that it returns, or end the program. */
const atomic_bool *sg_catch_signals(bool open);

/* run --what-if: computes what is missing, prints the table; returns the exit code. (what_if.c) */
int sg_what_if(const sg_call *call, const char *path);

int sg_threads(const sg_args *args);         /* --threads, or the processors this process may use */
bool sg_wants_progress(const sg_args *args); /* no --quiet, and messages go to a terminal */

#endif
