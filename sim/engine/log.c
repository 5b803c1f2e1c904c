/* SPDX-License-Identifier: MIT */
/* What the caller's log is told: absolute times, names in place of slots. */
#include "sim/engine/state.h"

void run_log_entry(const sg_run *run, sg_run_logged entry) {
  entry.round = run->round;
  run->hooks.log(run->hooks.user, &entry);
}

void run_log_task(const sg_run *run, int index, double end, bool cut) {
  const node *n = &run->node[index];
  double end_s = run->base + end;
  /* One that waits for the model has not begun. */
  if (cut && n->task_begin > end_s) return;
  RUN_LOG(run, .kind = SG_LOG_TASK, .cut = cut, .node = index, .snapshot = n->task_name,
          .begin_s = n->task_begin, .end_s = end_s);
}

void run_log_send(const sg_run *run, int id, double begin_s, double ready_s, bool lost) {
  for (; id >= 0; id = run_message(run, id)->part) {
    const message *m = run_message(run, id);
    RUN_LOG(run, .kind = SG_LOG_SEND, .cut = lost, .node = m->view.from,
            .snapshot = m->view.snapshot, .message = &m->view, .value = m->number,
            .begin_s = begin_s, .end_s = ready_s);
  }
}

void run_log_signal(const sg_run *run, sg_log_kind kind, int index, int value) {
  double now_s = run->base + run->now;
  RUN_LOG(run, .kind = kind, .node = index, .snapshot = -1, .value = value, .begin_s = now_s,
          .end_s = now_s + run->signal_s);
}

void run_log_settle(const sg_run *run, int index, const sg_message *before) {
  double now_s = run->base + run->now;
  RUN_LOG(run, .kind = SG_LOG_SETTLE, .node = index, .snapshot = -1, .message = before,
          .begin_s = now_s, .end_s = now_s);
}

void run_log_cancel(const sg_run *run, int index, double seconds) {
  double now_s = run->base + run->now;
  RUN_LOG(run, .kind = SG_LOG_CANCEL, .node = index, .snapshot = -1, .begin_s = now_s,
          .end_s = now_s + seconds);
}

void run_log_uplink(const sg_run *run, int id, bool cut) {
  const message *m = run_message(run, id);
  int index = m->view.from;
  const node *n = &run->node[index];
  double now_s = run->base + run->now;
  if (cut && n->send_begin > now_s) return; /* It waited for a link that goes one way at a time. */
  RUN_LOG(run, .kind = SG_LOG_UPLINK, .cut = cut, .node = index, .snapshot = m->view.snapshot,
          .message = &m->view, .bytes = m->bytes, .begin_s = n->send_begin, .end_s = now_s);
}

void run_log_ingress(const sg_run *run, int id, bool cut) {
  const message *m = run_message(run, id);
  RUN_LOG(run, .kind = SG_LOG_INGRESS, .cut = cut, .node = m->view.to, .snapshot = m->view.snapshot,
          .message = &m->view, .bytes = m->bytes, .begin_s = m->entered,
          .end_s = run->base + run->now);
}

void run_log_rest(sg_run *run) {
  if (!run->hooks.log) return;
  for (int i = 0; i < run->nodes; i++) {
    node *n = &run->node[i];
    if (n->fused) run_count_busy(run, i);
    if (n->computing) run_log_task(run, i, run->now, true);
    if (n->sending && !n->fused) run_log_uplink(run, n->uplink.head, true);
  }
  for (int id = 0; id < run->messages; id++) {
    const message *m = run_message(run, id);
    if (m->place == IN_INGRESS && m->first) run_log_ingress(run, id, true);
  }
}
