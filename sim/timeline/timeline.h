/* SPDX-License-Identifier: MIT */
/* What happened in some iterations of one run: spans, messages and decodes, taken from the event
 * log of a run that is simulated again (replay.h), and the files that are made of them. */
#ifndef SG_SIM_TIMELINE_H
#define SG_SIM_TIMELINE_H

#include "sim/core/text.h"
#include "sim/engine/run.h"

typedef enum sg_fate {
  SG_FATE_USED,      /* a decode used it */
  SG_FATE_UNUSED,    /* it came, and no decode used it */
  SG_FATE_LATE,      /* it came, or was on its way, when its round was over */
  SG_FATE_CANCELLED, /* before it was through its sender's link */
  SG_FATE_LOST,      /* erased */
  SG_FATE_UNDER_WAY  /* the run ended */
} sg_fate;
extern const char *const sg_fate_words[]; /* of each */

/* What takes time at a node, besides messages: a task, a model on its way to it, a signal or
 * command, word of a cancel, a time in which it is down; or the instant of a timer. */
typedef struct sg_span {
  sg_log_kind kind;
  bool cut;  /* cancelled; a signal or command: it never came */
  bool used; /* a task: a decode used a message that was sent after it */
  int node, round, snapshot, value;
  int before; /* the node's task before this one, −1 */
  double begin_s, end_s;
} sg_span;

/* A transmission of one or more messages. Times that never came are NAN. */
typedef struct sg_sent {
  long number; /* from 0, in the order in which their turns came */
  int from, to, segment, tag, round, snapshot, parts;
  double bytes;
  double prepare_s, ready_s;  /* encoded, or decoded by an inner node */
  double link_s, off_s;       /* on the sender's link */
  double come_s, delivered_s; /* in the receiver's ingress */
  double taken_s; /* begins to be received: of receivers that take one after another the end of a
                     wait, of others come_s */
  bool link_cut, late, lost;
  long into;      /* the receiver's own message that was made of it, −1 */
  long iteration; /* of the first decode that used it, −1 */
  int order; /* of arrival at its receiver: 1, 2, … in its round, without a barrier of all that
                is here; 0: it did not come */
  sg_fate fate;
} sg_sent;

typedef struct sg_decoding {
  long iteration; /* −1: it was refused */
  int model, snapshot;
  double begin_s, decoded_s, end_s; /* the update is the second part */
  int first_used, n_used;           /* in sg_timeline.used: messages, and those they are made of */
  int n_direct;                     /* of them to the master */
} sg_decoding;

typedef struct sg_timeline {
  /* What it is of. */
  char *label, *scenario;
  long long run_id;
  int replication;
  int workers, nodes; /* nodes beyond the workers are inner ones */
  bool barrier, fifo; /* fifo: receivers take one message after another */
  double update_s;
  long rows;                   /* of the run */
  double *row_end;             /* of each */
  long *decoded;               /* the numbers of the rows that are no skipped rounds */
  long n_decoded, first, last; /* the iterations that are wanted */
  double begin_s, end_s;       /* their time */

  int n_spans, spans_capacity, n_sent, sent_capacity, n_decodes, decodes_capacity;
  sg_span *span;
  sg_sent *sent; /* in the order of their numbers */
  sg_decoding *decode;
  long *used; /* numbers of messages */
  int n_used, used_capacity;

  struct sg_collecting *collecting; /* while the run goes on */
  bool failed;                      /* no memory */
} sg_timeline;

/* Ready for a log: what it is of and the rows are filled in. false: no memory. */
bool sg_timeline_begin(sg_timeline *t);
/* A log of sg_block_options. */
void sg_timeline_log(void *timeline, const sg_run_logged *entry);
/* The run is over. false: no memory. */
bool sg_timeline_end(sg_timeline *t);
void sg_timeline_free(sg_timeline *t);

/* The message of that number; NULL: it is not in the time that is wanted. */
const sg_sent *sg_timeline_sent(const sg_timeline *t, long number);
/* When the row began. */
static inline double sg_row_begin(const sg_timeline *t, long row) {
  return row > 0 ? t->row_end[row - 1] : 0;
}
/* "worker 3", "inner node 60", "master" */
void sg_put_node(const sg_timeline *t, int node, sg_buffer *out);

/* --- The files -------------------------------------------------------------------------------- */

/* Traces count nanoseconds, in 64 bits. */
#define SG_MOST_TRACE_S 9e9
/* A trace of Perfetto's own kind (protobuf). false: later than that, or no memory. */
bool sg_put_perfetto(const sg_timeline *t, sg_buffer *out);
/* The JSON format of Chrome's tracing, for all other viewers. The same. */
bool sg_put_chrome(const sg_timeline *t, sg_buffer *out);
/* A Gantt chart. */
void sg_put_gantt(const sg_timeline *t, sg_buffer *out);

#endif
