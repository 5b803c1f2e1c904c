/* SPDX-License-Identifier: MIT */
/* Quantiles over the iterations of all runs of a scheme: what the view v_iter_quantile says, which
 * takes ten times as long for thousands of schemes. */
#include "results/answers/judge.h"
#include "results/columns.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct group { /* of iterations */
  double mean, n;
  int at; /* in the order of runs */
} group;

static int by_mean(const void *a, const void *b) {
  const group *x = a, *y = b;
  return x->mean != y->mean ? (x->mean > y->mean) - (x->mean < y->mean) : x->at - y->at;
}

/* Linear between order statistics (type 7). A group stands at the middle of its ranks, a step below
 * the next. */
static double quantile(int n, const group *g, double p) {
  double total = 0, before = 0, found = NAN;
  for (int i = 0; i < n; i++) total += g[i].n;
  double wanted = p * (total - 1);
  for (int i = 0; i < n; before += g[i++].n) {
    const group *next = &g[i + 1 < n ? i + 1 : i];
    double rank = before + (g[i].n - 1) / 2, step = (g[i].n + next->n) / 2;
    if (wanted >= rank && wanted < rank + step)
      found = g[i].mean + (wanted - rank) / step * (next->mean - g[i].mean);
  }
  return found;
}

static void set_quantiles(sg_judged *j, int n, group *g) {
  if (n > 1) qsort(g, (size_t)n, sizeof *g, by_mean);
  for (const sg_column *c = sg_members_of("run_summary"); c; c = sg_column_after(c)) {
    if (c->fold != SG_FOLD_POOLED) continue;
    double percent = strtod(c->name + strlen("iter_p"), NULL); /* iter_p99_s */
    sg_column_set_number(c, &j->summary, n ? quantile(n, g, percent / 100) : NAN);
  }
}

sg_status sg_judge_pooled(sg_db *db, sg_comparison *c, sg_error *e) {
  sqlite3_stmt *s = NULL;
  group *g = NULL;
  int capacity = 0;
  sg_status status = sg_db_prepare(db,
                                   "SELECT g.mean_s, g.iterations FROM run r"
                                   " JOIN iter_time_group g USING (run_id)"
                                   " WHERE r.point_id = ? AND r.status <> 'running'"
                                   " ORDER BY r.replication, g.position",
                                   &s, e);
  for (int i = 0; i < c->n && !status; i++) {
    int n = 0;
    sqlite3_bind_int64(s, 1, c->scheme[i].point_id);
    while (sg_db_row(db, s, &status, e)) {
      if (SG_ROOM(g, capacity, n + 1)) {
        g[n] = (group){sqlite3_column_double(s, 0), sqlite3_column_double(s, 1), n};
        n++;
      } else {
        status = sg_fail_memory(e);
      }
    }
    if (!status) set_quantiles(&c->scheme[i], n, g);
    sqlite3_reset(s);
  }
  sqlite3_finalize(s);
  free(g);
  return status;
}
