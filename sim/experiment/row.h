/* SPDX-License-Identifier: MIT */
/* The last row of a run, which waits until its loss is known, and what the run adds up to.
 *
 * The loss of an iteration is that of the model after its update; it comes from the pass over the
 * data that the next gradient needs anyway. So rows leave a run one iteration late. */
#ifndef SG_SIM_ROW_H
#define SG_SIM_ROW_H

#include "sim/experiment/recipe.h"
#include "sim/experiment/sink.h"
#include "sim/experiment/tally.h"

typedef struct sg_held_row {
  const sg_world *world;
  const sg_block_options *options;
  const sg_sink *sink;
  sg_workspace *ws; /* NULL when timing only */
  const sg_snapshots *snapshots;
  sg_error *error;
  int replication;
  bool live;                   /* the run is not over */
  bool held;                   /* there is a row */
  bool due;                    /* and its loss is wanted */
  bool tested;                 /* its test metrics are known */
  int model;                   /* that it updated */
  long updates;                /* of that model, with it; of a code with one model iterations */
  bool *reached;               /* models that have reached the target, */
  int n_reached;               /* so many */
  long losses;                 /* that are known */
  double highest;              /* of them */
  double before, next_before;  /* what that was earlier (row.c) */
  const char *status, *reason; /* of the end of the run */
  sg_iteration_record row;
  sg_worker_record *workers;
  int n_workers;
  sg_tally *tally;
} sg_held_row;

/* false: no memory; sg_held_free all the same. */
bool sg_held_init(sg_held_row *h, const sg_snapshots *snapshots, int replication, sg_workspace *ws,
                  const sg_block_options *options, const sg_sink *sink, sg_error *e);
void sg_held_free(sg_held_row *h);

/* The run is over. */
void sg_held_end(sg_held_row *h, const char *status, const char *reason);

/* Lets the held row go and holds that of an update of `model`: the engine's record and what came of
 * the decode. May end the run. */
sg_status sg_held_put(sg_held_row *h, const sg_run *run, int model, const sg_recipe *recipe,
                      bool decoded);

/* The next pass over the data is to bring the loss of the held row. */
bool sg_held_wants_loss(const sg_held_row *h);
/* The same, for the last row of a run that is over. Such a row is always measured; its test metrics
 * may be lacking although its loss is known. */
bool sg_held_lacks_loss(const sg_held_row *h);
bool sg_held_lacks_test(const sg_held_row *h);
/* The loss has come: is the run over, or over for another reason? */
void sg_held_loss(sg_held_row *h, double loss);
/* Metrics of the held row's model, each of `what` a pass of its own. */
sg_status sg_held_measure(sg_held_row *h, unsigned what);

/* The run's last row and its summary. */
sg_status sg_held_finish(sg_held_row *h, const sg_run *run, const sg_recipe *recipe);

#endif
