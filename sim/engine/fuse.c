/* SPDX-License-Identifier: MIT */
/* Fused tasks: a task and the message behind it as one event.
 *
 * Most tasks are followed by one message and nothing else, and nobody is told of their end. Then
 * that end needs no event: the message's own is scheduled when the task starts, and the end of the
 * task is accounted for when somebody asks. That halves the number of events. Whatever else
 * happens to the node in between splits the two again. */
#include "sim/engine/state.h"

int run_take_fused(sg_run *run, node *n, const job *task) {
  const job *next = n->jobs.head >= 0 ? &run->job[n->jobs.head] : NULL;
  if (!next || next->message < 0 || next->next >= 0 || !run_may_fuse(run, n, task) ||
      run_message(run, next->message)->free)
    return -1;
  return run_pop_job(run, &n->jobs).message;
}

void run_fused_task_done(sg_run *run, int index) {
  node *n = &run->node[index];
  double seconds = n->task_end - n->busy_from;
  if (run->hooks.log) {
    double end_s = run->base + n->task_end;
    run_log_task(run, index, n->task_end, false);
    run_log_send(run, n->uplink.head, end_s, end_s, false);
  }
  n->fused = n->computing = false;
  n->row_began = true;
  n->row_busy += seconds;
  n->worked += seconds;
  for (int i = n->uplink.head; i >= 0; i = run_message(run, i)->part)
    run_message(run, i)->worked = n->worked;
  run->cost.busy += seconds;
  run_count_transmission(run, n->uplink.head);
  n->tasks++;
  n->row_tasks++;
  run_release_snapshot(run, n->task_snapshot);
}

/* Puts the message of a fused task that is not over back. */
static void unfuse(sg_run *run, int index) {
  node *n = &run->node[index];
  int id = n->uplink.head;
  n->fused = n->sending = false;
  sg_queue_cancel(&run->queue, EV_UPLINK, index);
  n->uplink = (list){-1, -1};
  n->sent--;
  for (int i = id; i >= 0; i = run_message(run, i)->part) run_message(run, i)->place = IN_JOBS;
  job *send = run_append_job(run, index);
  if (send) send->message = id;
}

void run_split(sg_run *run, int index) {
  node *n = &run->node[index];
  run_count_busy(run, index);
  if (!n->fused) return; /* The task is over. */
  unfuse(run, index);
  run_schedule(run, n->task_end, EV_TASK, index, 0);
}
