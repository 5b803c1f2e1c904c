/* SPDX-License-Identifier: MIT */
/* Orders: lists of plain data that a protocol writes and an engine carries out. */
#include "codes/frame/protocol.h"
#include "sim/core/array.h"

#include <stdlib.h>

static void add(sg_orders *o, const sg_order *order) {
  if (SG_ROOM(o->order, o->capacity, o->count + 1))
    o->order[o->count++] = *order;
  else
    o->failed = true;
}

void sg_snapshot(sg_orders *o, int snapshot, int model, unsigned flags) {
  add(o,
      &(sg_order){.kind = SG_ORDER_SNAPSHOT, .snapshot = snapshot, .model = model, .flags = flags});
}

void sg_task(sg_orders *o, int node, int snapshot, double work, int draws, unsigned flags) {
  add(o, &(sg_order){.kind = SG_ORDER_TASK,
                     .node = node,
                     .snapshot = snapshot,
                     .work = work,
                     .draws = draws,
                     .flags = flags});
}

void sg_send(sg_orders *o, int node, int to, int snapshot, int segment, int tag, unsigned flags) {
  add(o, &(sg_order){.kind = SG_ORDER_SEND,
                     .node = node,
                     .to = to,
                     .snapshot = snapshot,
                     .segment = segment,
                     .tag = tag,
                     .flags = flags});
}

void sg_stop(sg_orders *o, int node) {
  add(o, &(sg_order){.kind = SG_ORDER_STOP, .node = node});
}

void sg_tell(sg_orders *o, int node, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TELL, .node = node, .arg = arg});
}

void sg_timer(sg_orders *o, sg_timer_rule rule, double value, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TIMER, .rule = rule, .value = value, .arg = arg});
}

void sg_use(sg_orders *o, const sg_message *message) {
  add(o, &(sg_order){.kind = SG_ORDER_USE, .message = message});
}

void sg_decode(sg_orders *o, int model, int snapshot, unsigned flags) {
  add(o,
      &(sg_order){.kind = SG_ORDER_DECODE, .model = model, .snapshot = snapshot, .flags = flags});
}

void sg_close(sg_orders *o, int snapshot) {
  add(o, &(sg_order){.kind = SG_ORDER_CLOSE, .snapshot = snapshot});
}

void sg_drop(sg_orders *o, const sg_message *message) {
  add(o, &(sg_order){.kind = SG_ORDER_DROP, .message = message});
}

void sg_end_round(sg_orders *o) {
  add(o, &(sg_order){.kind = SG_ORDER_END_ROUND});
}

void sg_orders_clear(sg_orders *o) {
  o->count = 0;
  o->failed = false;
}

void sg_orders_free(sg_orders *o) {
  free(o->order);
  *o = (sg_orders){0};
}

/* --- What orders mean ------------------------------------------------------------------------- */

void sg_order_nodes(const sg_order *order, const sg_code *code, int *first, int *end) {
  *first = order->node == SG_ALL ? 0 : order->node;
  *end = order->node == SG_ALL ? code->nodes : order->node + 1;
}

sg_message sg_order_message(const sg_order *order, const sg_code *code, int node) {
  int to = order->to != SG_UP ? order->to : code->parent ? code->parent[node] : SG_MASTER;
  return (sg_message){.from = node,
                      .to = to,
                      .snapshot = order->snapshot,
                      .segment = order->segment,
                      .tag = order->tag};
}

bool sg_message_comes(const sg_code *code, const sg_message *message, const bool *present) {
  return code->type->comes ? code->type->comes(code, message, present) : present[message->from];
}
