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
  double update_s; /* master: time of a model update */
  /* The time that so many flops of decoding take, for inner nodes that decode; NULL: none. */
  double (*flops_seconds)(const void *user, double flops);
  /* And of encoding, for all senders; NULL: none. */
  double (*encode_seconds)(const void *user, double flops);
  const void *flops_user;
  const sg_compressor *compressor; /* of messages; NULL: float64 */
  const sg_compressor *broadcast;  /* of differences of models; NULL: models as float64 */
  double header_bytes;             /* bytes of a transmission besides its numbers */
  long length;                     /* l */
  uint64_t seed;
} sg_environment;

typedef struct sg_run_limits {
  long iterations;   /* most updates */
  double sim_time_s; /* INFINITY: none */
  sg_undecodable undecodable;
  bool worker_rows; /* fill the per-worker records */
  bool usual_way;   /* no short cuts (plain.c): for tests, to which they must make no difference */
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
} sg_run_sent;

/* What happened in a run, for timelines. Spans are told of when they are over, so that they come in
 * the order of their ends (a task whose end needs no event: with its message), or, where that is
 * said, when they begin. Those that are under way when the run ends are cut there. */
typedef enum sg_log_kind {
  SG_LOG_ROUND_BEGIN,
  SG_LOG_ROUND_END, /* no more is asked for: updates may go on */
  SG_LOG_MODEL,     /* node, snapshot: the model is sent to it, until it can be used there; told of
                       when it is sent */
  SG_LOG_TASK,      /* node, snapshot: it computes; cut: the task was cancelled */
  SG_LOG_SEND,      /* node, message, value (its number in the transmission): its turn has come; it
                       is prepared (encoded, or decoded by an inner node) until it can be sent; told
                       of when its turn comes, of each message; cut: lost, nobody will see it */
  SG_LOG_UPLINK,    /* node, message, bytes: it sends; cut: cancelled on its way */
  SG_LOG_INGRESS, /* node (the receiver), message, bytes: from where it has come, with its latency,
                     to the delivery; cut: cancelled or come for nothing, its round being over */
  SG_LOG_SIGNAL,  /* node, value: tasks done; to the master; told of when it is sent. One that is
                     on its way at the end of the round never comes */
  SG_LOG_COMMAND, /* node, value: the argument; to the node; as signals */
  SG_LOG_CANCEL,  /* node: word that it may stop what it is at; told of when it is sent */
  SG_LOG_SETTLE,  /* node: what it has computed so far, as far as no message made use of it, was for
                     nothing; message: what it had computed before this one. An instant */
  SG_LOG_TIMER,   /* value: the argument; an instant */
  SG_LOG_DOWN,    /* node: a crash is noticed, until it is back or (end_s = INFINITY) for the rest
                     of the round; told of when it is noticed */
  SG_LOG_BACK,    /* node: the protocol is told; an instant */
  SG_LOG_DECODE,  /* model, used[value]: messages to decode with; an instant; cut: refused */
  SG_LOG_UPDATE   /* model, snapshot: decoding and updating; told of when it begins */
} sg_log_kind;

typedef struct sg_run_logged {
  sg_log_kind kind;
  bool cut;
  int round, node, model; /* node: SG_MASTER where none is named */
  int snapshot;           /* its name; −1 or SG_ANY: of none or any */
  int value;
  const sg_message *message; /* this and `used` are valid during the call */
  const sg_message *const *used;
  double begin_s, end_s; /* simulated, since the start of the run; equal: an instant */
  double bytes;
} sg_run_logged;

/* The caller keeps model snapshots, and forms messages where the compressor wants them formed when
 * they are sent. Called during sg_run_advance and sg_run_supply. */
typedef struct sg_run_hooks {
  void *user;
  /* The optimiser's evaluation point of `model`, now, is to be kept in slot `slot` (0, 1, …, reused
   * when free). slots never exceed the number of snapshots alive. false: out of memory. */
  bool (*snapshot)(void *user, int slot, int model);
  /* With environment.broadcast whose bits depend on the data: those of the difference that the
   * snapshot in that slot was sent as. NULL: nobody computes. */
  double (*model_bits)(void *user, int slot);
  /* With sg_compressor_forms, for every message that is sent, used later or not, in the order of a
   * worker's sends; messages that are cancelled before their turn never come here. *bits: how many
   * there are. NULL: nobody computes, and bits must be known beforehand. false: out of memory. */
  bool (*form)(void *user, const sg_run_sent *sent, double *bits);
  /* A message will never be of use again: it was used, dropped, cancelled, erased, or is on its way
   * for nothing. Once for each, whether it was formed or not. NULL: nobody asks. */
  void (*gone)(void *user, const sg_message *message);
  /* Told of everything that happens; NULL costs nothing. */
  void (*log)(void *user, const sg_run_logged *entry);
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
/* Its bits, without header and padding to whole bytes. */
double sg_run_bits(const sg_run *run, const sg_message *message);

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
const char *sg_run_fault(const sg_run *run); /* NULL: out of memory */

#endif
