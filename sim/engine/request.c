/* SPDX-License-Identifier: MIT */
/* The request of a decode: which of the messages that the master holds it uses. */
#include "sim/engine/state.h"

#include <string.h>

/* Whether the batch goes on with a decode, the messages that it uses being named one by one. */
static bool decode_follows(const sg_run *run) {
  const sg_orders *o = &run->orders;
  int i = run->cursor;
  if (i < o->count && o->order[i].kind == SG_ORDER_USE) return true; /* asked again with that one */
  while (i < o->count && o->order[i].kind != SG_ORDER_DECODE) i++;
  return i < o->count;
}

void run_order_use(sg_run *run, const sg_order *order) {
  message *m = run_owns(run, order->message) ? run_message(run, order->message->id) : NULL;
  if (!m || m->place != IN_HANDS || m->view.to != SG_MASTER) {
    run_fail(run, "the use of a message that the master does not hold");
    return;
  }
  if (!decode_follows(run)) {
    run_fail(run, "the use of a message without a decode behind it");
    return;
  }
  run->n_named += !m->named;
  m->named = true;
}

/* Whether a decode of this slot (−1: any) uses a held message. */
static bool is_wanted(const sg_run *run, const sg_message *held, int slot) {
  const message *m = run_message(run, held->id);
  return run->n_named > 0 ? m->named : slot < 0 || m->snapshot == slot;
}

static void forget_names(sg_run *run) {
  for (int i = 0; i < run->n_held && run->n_named > 0; i++) {
    message *m = run_message(run, run->held[i]->id);
    run->n_named -= m->named;
    m->named = false;
  }
}

/* Sorts the wanted messages into segments, in the order of arrival. */
static void build_request(sg_run *run, int slot) {
  sg_run_segment *segment = run->segment;
  for (int s = 0; s < run->code->segments; s++) segment[s] = (sg_run_segment){.segment = s};
  /* Of those that came quietly everything is known without a look. */
  bool all = run->n_named == 0 && (slot < 0 || slot == run->quiet_slot);
  int sure = all ? run->n_quiet : 0;
  run->n_wanted = segment->count = sure;
  run->last_worker = sure > 0 ? run->held[sure - 1]->from : -1;
  for (int i = sure; i < run->n_held; i++) {
    if (!is_wanted(run, run->held[i], slot)) continue;
    segment[run->held[i]->segment].count++;
    /* Who hands a sum over without a link has not been waited for more than others. */
    if (!run_message(run, run->held[i]->id)->free) run->last_worker = run->held[i]->from;
    run->n_wanted++;
  }
  if (!run_reserve(run, &run->wanted, &run->wanted_capacity, run->n_wanted + 1,
                   sizeof *run->wanted))
    return;
  int start = 0;
  for (int s = 0; s < run->code->segments; s++) {
    segment[s].message = run->wanted + start;
    start += segment[s].count;
    segment[s].count = 0;
  }
  if (run->code->segments == 1 && run->n_held > 0 && run->n_wanted == run->n_held) {
    memcpy(run->wanted, run->held, (size_t)run->n_held * sizeof *run->held);
    segment->count = run->n_held;
    return;
  }
  for (int i = 0; i < run->n_held; i++) {
    if (!is_wanted(run, run->held[i], slot)) continue;
    sg_run_segment *s = &segment[run->held[i]->segment];
    run->wanted[(s->message - run->wanted) + s->count++] = run->held[i];
  }
}

void run_order_decode(sg_run *run, const sg_order *order) {
  int slot = order->snapshot == SG_ANY ? -1 : run_find_snapshot(run, order->snapshot);
  if (order->model < 0 || order->model >= run->code->models) {
    run_fail(run, "a decode for model %d, of which there are %d", order->model, run->code->models);
  } else if (run->model[order->model].pending) {
    run_fail(run, "a decode for model %d before its last update is over", order->model);
  } else if (slot < 0 && order->snapshot != SG_ANY) {
    run_fail(run, "a decode of snapshot %d, which is gone", order->snapshot);
  } else {
    build_request(run, slot);
    forget_names(run);
    run->decode = *order;
    run->deciding = true;
    run->request = (sg_run_request){.model = order->model,
                                    .update = run->model[order->model].updates,
                                    .flags = order->flags & (SG_LAST | SG_NO_SUM),
                                    .state = sg_protocol_state(run->protocol),
                                    .protocol = run->protocol,
                                    .n_segments = run->code->segments,
                                    .segment = run->segment};
  }
}
