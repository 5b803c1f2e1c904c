/* SPDX-License-Identifier: MIT */
/* What commands do with a scenario or a database, and what they say of it. */
#ifndef SG_SIM_SESSION_H
#define SG_SIM_SESSION_H

#include "sim/cli/command.h"
#include "sim/experiment/shard.h"

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
  sg_shard shard;        /* of how many: 0 where it is not wanted */
  sg_buffer place;       /* the shard's database */
  char number[24];       /* "3/8"; "": no shard */
  sg_db *known;          /* runs that it has are there already; NULL: none */
  sg_deal *deal;         /* NULL: all runs */
  sg_error error;
} sg_session;

/* Reads the scenario with --set, and plans it. The session must be closed in any case. */
sg_status sg_session_open(const sg_call *call, const char *path, sg_session *s);
/* Reads --output, --shard and --known. The database that is to be opened is then s->database, NULL:
 * the scenario's own. What a shard need not compute is what --known has, or else the database that
 * --output or the scenario names, from whose name that of the shard is made. */
sg_status sg_session_shard(const sg_call *call, sg_session *s);
/* Deals the runs of the plan out, whose replications are settled now. */
sg_status sg_session_deal(sg_session *s);
/* Opens a database; a NULL path: the scenario's own. Faults are left in the
 * session. */
sg_status sg_session_database(sg_session *s, const char *path, sg_open_mode mode);
/* Closes the database, where one is open; a fault of that becomes the status if there is none. */
sg_status sg_session_finish(sg_session *s, sg_status status);
/* Finishes, prints the faults, frees all; returns the exit code, which is `code` if all is well. */
int sg_session_close(sg_session *s, sg_status status, int code);

/* A line for each rule that a point breaks: "skipped: LABEL, AXIS = VALUE: the rule". */
void sg_put_skipped(const sg_plan *plan, const char *indent, bool axes, sg_buffer *out);

#define SG_OPTION_ROWS_SHARD(is)                                                                   \
  SG_OPTION_ROW(                                                                                   \
      "shard", 0, TEXT, "i/n",                                                                     \
      is " shard i of n (1 to n), in a database of its own, DB.shard-i-of-n.db; auto: what "       \
         "Slurm, Open MPI, PMI or, as auto/n, Kubernetes says"),                                   \
      SG_OPTION_ROW("known", 0, FILE, "DB",                                                        \
                    "runs that this database has are not computed; of a shard the one that is to " \
                    "be merged, if it is there")

/* Opens the database, asks, prints the answer or the faults; returns the exit code. */
int sg_ask(const sg_call *call);

typedef struct sg_provenance { /* what the texts of the invocation are in; not to be copied */
  sg_invocation invocation;
  char cpu[128], host[128];
} sg_provenance;

/* The command line, the build, the machine. Fills *p, which must live as long as the result is
 * used. (provenance.c) */
const sg_invocation *sg_provenance_read(const sg_call *call, int threads, sg_provenance *p);

/* run --what-if: computes what is missing, prints the table; returns the exit code. (what_if.c) */
int sg_what_if(const sg_call *call, const char *path, const atomic_bool *stop);

int sg_threads(const sg_args *args);         /* --threads, or the processors this process may use */
bool sg_wants_progress(const sg_args *args); /* no --quiet, and messages go to a terminal */

#endif
