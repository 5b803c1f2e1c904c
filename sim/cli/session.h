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
  sg_buffer part;        /* the shard's database */
  char number[24];       /* "3/8"; "": no shard */
  sg_db *known;          /* runs that it has are there already; NULL: none */
  sg_deal *deal;         /* NULL: all runs */
  sg_error error;
} sg_session;

/* Reads the scenario with --set, and plans it. The session must be closed in any case. */
sg_status sg_session_open(const sg_call *call, const char *path, sg_session *s);
/* Says where results go, s->database: to `path`, or where it is NULL to the scenario's own
 * database, which must be in the scenario's folder with all links followed. */
sg_status sg_session_place(sg_session *s, const char *path);
/* Reads --output, --shard and --known. s->database is then the one that is to be opened, a shard's
 * being named after the one that all shards are merged into. What need not be computed is what
 * --known has or, for a shard, that one. */
sg_status sg_session_shard(const sg_call *call, sg_session *s);
/* Deals the runs of the plan out, whose replications are settled now. */
sg_status sg_session_deal(sg_session *s);
/* Opens a database; path as above. Faults are left in the session. */
sg_status sg_session_database(sg_session *s, const char *path, sg_open_mode mode);
/* Opens s->database to write, once the missing runs have room or --force is given. */
sg_status sg_session_output(sg_session *s, const sg_args *args);
/* Closes the database, where one is open; a fault of that becomes the status if there is none. */
sg_status sg_session_finish(sg_session *s, sg_status status);
/* Finishes, prints the faults, frees all; returns the exit code, which is `code` if all is well.
 * After SG_INTERRUPTED nothing is freed: threads may have been left that still read the plan. */
int sg_session_close(sg_session *s, sg_status status, int code);

/* Bytes that a run of a point takes in the database at most. (estimate.c) */
double sg_stored_bytes(const sg_planned *p, sg_detail detail);
/* How many runs of a point the session is to have, and which of them its databases lack. */
sg_status sg_count_missing(const sg_session *s, int point, int *runs, int *missing, sg_error *e);
/* SG_NO_MEMORY, with how much: the missing runs need more memory than there is, or will fill the
 * disk. s->database must be known; where it is not open all runs are missing. */
sg_status sg_session_room(sg_session *s, int threads);

/* The rules that skipped points break (skipped.c): a line each, "skipped: LABEL: the rule", with
 * the environments that it is broken in; `all`: a line for each of these. */
sg_status sg_put_skipped(const sg_plan *plan, bool all, sg_buffer *out, sg_error *e);
/* The same as a list of objects of JSON. */
void sg_put_skipped_json(const sg_plan *plan, sg_buffer *out);

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

/* Whether signals that ask to end stop runs, by the flag that it returns, or end the program. */
const atomic_bool *sg_catch_signals(bool open);

/* run --what-if: computes what is missing, prints the table; returns the exit code. (what_if.c) */
int sg_what_if(const sg_call *call, const char *path);

/* plan --suggest: simulates the candidates of the scenario's codes and prints the fastest `best` of
 * each environment. (suggest.c) */
sg_status sg_suggest_parameters(sg_session *s, long best, int *code);

int sg_processors(void);                     /* that this process may use */
int sg_threads(const sg_args *args);         /* --threads, or those */
bool sg_wants_progress(const sg_args *args); /* no --quiet, and messages go to such a terminal */

#endif
