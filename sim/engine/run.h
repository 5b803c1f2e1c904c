/* SPDX-License-Identifier: MIT */
/* One simulated run: clock, event queue, master and workers, driven by a code's protocol.
 *
 * Timing and arithmetic are separate. The engine knows who computed what and which messages are
 * where and when; it never sees a gradient. It stops at each decode, tells the caller which
 * messages (of which model snapshots) the master uses, and goes on when the caller says what came
 * of it:
 *
 *   while ((status = sg_run_advance(run)) == SG_RUN_DECODE) {
 *     const sg_run_request *request = sg_run_request_of(run);
 *     … weights, gradients, kernel, optimiser …
 *     sg_run_supply(run, &result);          // the row of this update: sg_run_record(run)
 *   }
 *
 * Orders behind a refused decode in the same batch are void; the protocol gets UPDATED with decoded
 * = false and orders anew. A model may be decoded for again once its UPDATED event has come.
 *
 * Simultaneous events go by (time, kind, sequence): updates, arrivals, task ends, signals,
 * commands, timers, then in the order in which they were scheduled (a message that follows a task
 * whose end nobody is told of, together with that task). Times are relative to the start
 * of the round; the absolute start is kept beside them. After the first round nothing is allocated
 * unless a round has more messages than any before it. */
#ifndef SG_SIM_ENGINE_RUN_H
#define SG_SIM_ENGINE_RUN_H

#include "codes/frame/protocol.h"
#include "models/compress/compress.h"
#include "models/delay/delay.h"
#include "models/network/network.h"
#include "results/record.h"

typedef enum sg_late_work {
  SG_LATE_CANCEL,
  SG_LATE_FINISH_FIRST,
  SG_LATE_KEEP_PARTIAL
} sg_late_work;
typedef enum sg_undecodable { SG_UNDEC_WAIT, SG_UNDEC_SKIP, SG_UNDEC_ERROR } sg_undecodable;

/* What the runs of one environment share. Borrowed: the caller keeps all of it alive. */
typedef struct sg_environment {
  const sg_delay *delay;
  const sg_network *network;
  sg_late_work late_work;
  double update_s;                 /* master: time of a model update */
  const sg_compressor *compressor; /* of messages; NULL: float64, as which models travel */
  double header_bytes;             /* bytes of a transmission besides its numbers */
  long length;                     /* l */
  uint64_t seed;
} sg_environment;

typedef struct sg_run_limits {
  long iterations;   /* most updates */
  double sim_time_s; /* INFINITY: none */
  sg_undecodable undecodable;
  bool worker_rows; /* fill the per-worker records */
} sg_run_limits;

typedef enum sg_run_status {
  SG_RUN_DECODE,      /* the master wants to decode: see sg_run_request_of */
  SG_RUN_ITERATIONS,  /* all updates done */
  SG_RUN_TIME,        /* simulated time is up */
  SG_RUN_STALLED,     /* no event is left and the protocol has no order */
  SG_RUN_UNDECODABLE, /* an undecodable round, and the scenario says error */
  SG_RUN_FAILED       /* out of memory or an invalid order: sg_run_fault */
} sg_run_status;

typedef struct sg_run sg_run;

/* A message whose turn on the uplink has come: what it takes to form it. */
typedef struct sg_run_sent {
  const sg_message *message;
  const void *state;        /* the code's state in the run */
  uint32_t iteration, draw; /* of the transmission: address of its randomness */
  int part;                 /* of the transmission: 0, 1, … */
  double bits;              /* 0 until it is formed, where they depend on the data */
} sg_run_sent;

/* The caller keeps model snapshots, and forms messages where the compressor wants them formed when
 * they are sent. Called during sg_run_advance and sg_run_supply. */
typedef struct sg_run_hooks {
  void *user;
  /* The optimiser's evaluation point of `model`, now, is to be kept in slot `slot` (0, 1, …, reused
   * when free). slots never exceed the number of snapshots alive. false: out of memory. */
  bool (*snapshot)(void *user, int slot, int model);
  /* With sg_compressor_forms, for every message that is sent, used later or not, in the order of a
   * worker's sends; messages that are cancelled before their turn never come here. *bits: how many
   * there are. NULL: nobody computes, and bits must be known beforehand. false: out of memory. */
  bool (*form)(void *user, const sg_run_sent *sent, double *bits);
} sg_run_hooks;

/* The messages of one segment, in the order of arrival. */
typedef struct sg_run_segment {
  int segment;
  int count;
  const sg_message *const *message;
} sg_run_segment;

typedef struct sg_run_request {
  int model;
  long update;                 /* 0, 1, …: updates of this model so far */
  unsigned flags;              /* SG_LAST, SG_NO_SUM */
  const void *state;           /* the code's state in this run, for encode */
  const sg_protocol *protocol; /* of this run, for sg_decoder_weights_in */
  int n_segments;              /* all of the code's, in order, those without a message too */
  const sg_run_segment *segment;
} sg_run_request;

typedef struct sg_run_result {
  bool decoded;              /* false: the weights were refused */
  double decode_s;           /* simulated decode time at the master */
  int n_used;                /* messages with a weight that is not zero */
  double norm, dot_previous; /* for SG_WANTS_VALUES */
} sg_run_result;

sg_run *sg_run_new(const sg_environment *environment, const sg_code *code, uint32_t replication,
                   const sg_run_limits *limits, const sg_run_hooks *hooks, sg_error *e);
void sg_run_free(sg_run *run);

sg_run_status sg_run_advance(sg_run *run);
const sg_run_request *sg_run_request_of(const sg_run *run);
/* The slot in which the snapshot of a message's snapshot is kept; −1 if it is gone. */
int sg_run_slot(const sg_run *run, int snapshot);
void sg_run_supply(sg_run *run, const sg_run_result *result);
/* How a message that has been sent was sent. */
sg_run_sent sg_run_sent_of(const sg_run *run, const sg_message *message);

/* After sg_run_supply: the timing and cost part of the row of this update (of a skipped round too,
 * with decoded = false). Numbers about arithmetic are NAN for the caller to fill. NULL after a
 * refused decode that the protocol answers by waiting, and after an update that ends past
 * limits.sim_time_s, which does not count. limits.iterations counts rows, skipped rounds too. */
const sg_iteration_record *sg_run_record(const sg_run *run);
/* The workers' rows of it, if limits.worker_rows. */
const sg_worker_record *sg_run_worker_records(const sg_run *run, int *count);

/* Simulated seconds since the start, rounds begun, events handled. */
double sg_run_now(const sg_run *run);
long sg_run_rounds(const sg_run *run);
long sg_run_events(const sg_run *run);
const char *sg_run_fault(const sg_run *run);

#endif
