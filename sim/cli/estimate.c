/* SPDX-License-Identifier: MIT */
/* What is missing of a plan, and whether there is room for it. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Bytes of a stored row, measured on quickstart databases at each detail. */
enum { ITERATION_BYTES = 180, WORKER_BYTES = 40, RUN_BYTES = 600 };

/* Rows of few digits (1 worker, deterministic times) take 70 bytes of the 180, 22 of the 40. */
static const double least_share = 70.0 / ITERATION_BYTES;

/* Memory of a worker in a run of the engine, and of a run in the list of those that are missing.
 * Uncoded, timing only, 10⁶ workers take 0.9 kB each, their code and links included. */
enum { NODE_BYTES = 400, LISTED_BYTES = 4 };

double sg_stored_bytes(const sg_planned *p, sg_detail detail) {
  double row = detail == SG_DETAIL_SUMMARY ? 0 : ITERATION_BYTES;
  if (detail == SG_DETAIL_WORKER) row += WORKER_BYTES * p->facts.n_workers;
  return RUN_BYTES + row * (double)p->facts.max_iterations;
}

sg_status sg_count_missing(const sg_session *s, int point, int *runs, int *missing, sg_error *e) {
  const sg_planned *p = &s->plan->point[point];
  sg_db *const db[] = {s->db, s->known};
  sg_detail detail = (sg_detail)sg_scenario_detail(s->scenario);
  bool *has = calloc(2 * (size_t)p->replications, sizeof *has), *known = has + p->replications;
  sg_status status = has ? SG_OK : sg_fail_memory(e);
  for (int i = 0; i < 2 && !status; i++) {
    int64_t id = 0;
    if (db[i]) status = sg_db_find_point(db[i], p->key, &id, e);
    if (!status && id)
      status = sg_db_has_runs(db[i], id, p->replications, detail, i ? known : has, e);
  }
  *runs = *missing = 0;
  for (int r = 0; !status && r < p->replications; r++) {
    bool mine = sg_deal_has(s->deal, point, r);
    *runs += mine;
    *missing += mine && !has[r] && !known[r];
  }
  free(has);
  return status;
}

/* What the runs of a point surely need at the same time. */
static double memory_of(const sg_planned *p, int missing, int threads) {
  double runs = fmin(missing, (double)threads * p->abreast);
  double vectors = p->facts.timing_only ? 0 : 3 * sizeof(double) * (double)p->facts.length;
  return p->missing_bytes + runs * (vectors + (double)NODE_BYTES * p->facts.n_workers);
}

/* Whether a run may have fewer rows than it is allowed. Where workers crash it may stall. */
static bool may_end_early(const sg_planned *p) {
  const sg_values *stop = sg_section(p->point, "stop"), *cluster = sg_section(p->point, "cluster");
  return sg_given(stop, "sim_time_s") || sg_given(stop, "target_loss") ||
         sg_given(stop, "target_grad_norm2") ||
         strcmp(sg_object(cluster, "crashes")->variant->name, "none") != 0;
}

/* Free bytes where a file is, or is going to be. */
static double free_disk(const char *path, bool there) {
  struct statvfs disk;
  const char *slash = strrchr(path, '/');
  char folder[4096] = ".";
  if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
  /* Where there are no blocks at all, as in /proc, nothing can be created, which opening says. */
  if (statvfs(there ? path : folder, &disk) || disk.f_blocks == 0) return INFINITY;
  return (double)disk.f_bavail * (double)disk.f_frsize;
}

sg_status sg_session_room(sg_session *s, int threads) {
  const sg_plan *plan = s->plan;
  sg_detail detail = (sg_detail)sg_scenario_detail(s->scenario);
  double memory = 0, disk = 0, listed = 0;
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    int runs = 0, missing = 0;
    if (!p->valid || p->duplicate) continue;
    sg_status status = sg_count_missing(s, i, &runs, &missing, &s->error);
    if (status) return status;
    listed += missing;
    if (missing) memory = fmax(memory, memory_of(p, missing, threads));
    disk += least_share * missing * (may_end_early(p) ? RUN_BYTES : sg_stored_bytes(p, detail));
  }
  memory += listed * LISTED_BYTES;
  char needed[32], there[32];
  double left = sg_memory_available(), room = free_disk(s->database, s->db);
  if (memory > left)
    return sg_fail(&s->error, SG_NO_MEMORY, NULL,
                   "the missing runs need at least %s of memory, and %s are available; --force "
                   "tries it all the same",
                   sg_format_bytes(memory, needed), sg_format_bytes(left, there));
  if (disk > room)
    return sg_fail(&s->error, SG_NO_MEMORY, s->database,
                   "the missing runs take at least %s on the disk, and %s are free; --force tries "
                   "it all the same",
                   sg_format_bytes(disk, needed), sg_format_bytes(room, there));
  return SG_OK;
}
