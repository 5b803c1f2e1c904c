/* SPDX-License-Identifier: MIT */
/* Rows of the result database as plain data. NAN becomes NULL. */
#ifndef SG_RESULTS_RECORD_H
#define SG_RESULTS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* One update of a model at the master. */
typedef struct sg_iteration_record {
  int64_t iteration; /* 0, 1, … */
  int64_t round;     /* the protocol's round */
  double start_s;    /* simulated time at which the round began */
  double duration_s; /* from there, or from the previous update without a barrier, to the end of the
                        update: the start of the next round */
  double wait_s;     /* until the master could decode */
  double decode_s;
  double update_s;
  bool decoded;    /* false: the round was skipped as undecodable */
  int n_used;      /* messages decoded */
  int n_received;  /* messages delivered to the master, used or not */
  int last_worker; /* the worker whose message was waited for last; −1 none */
  /* Cost since the previous row. */
  double bytes_received; /* delivered to the master */
  double bytes_sent; /* put on any uplink, delivered or not; without cancelled unstarted sends */
  double bytes_broadcast;
  double busy_s;   /* Σ over workers of seconds spent computing */
  double wasted_s; /* part of busy_s whose result was not used in a decode */
  /* The master's link, from the previous decode to this one; 0 where it is unlimited. */
  double ingress_busy_s;
  double queued_s;          /* Σ over ingress_messages of seconds waited */
  int64_t ingress_messages; /* transmissions that it delivered, late ones that are dropped too */
  /* Arithmetic; NAN when timing only. */
  double loss, test_loss, test_accuracy, test_auc;
  double grad_norm;
  double grad_rel_err;    /* ‖ĝ − Σg‖ / ‖Σg‖; NAN where ‖Σg‖ < 1e-8 Σ‖g_j‖ */
  double grad_scaled_err; /* ‖ĝ − Σg‖ / Σ‖g_j‖ */
  double decoding_err;    /* Σ(α − 1)² of codes that are not exact; NAN otherwise */
  double cond1_est, decode_amp;
} sg_iteration_record;

typedef struct sg_worker_record {
  int64_t iteration;
  int worker;
  double
      compute_s; /* spent computing in this iteration, cancelled work included; NAN: never began */
  double
      arrival_s;  /* when its last message was delivered, from the start of the round; NAN: never */
  int tasks;      /* tasks finished */
  int messages;   /* messages delivered */
  bool used;      /* a message of its was decoded */
  bool cancelled; /* it was still computing or sending when the round ended */
} sg_worker_record;

#endif
