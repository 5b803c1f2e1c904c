/* SPDX-License-Identifier: MIT */
#include "codes/tools/collect.h"

#include <limits.h>

static int *waiting(sg_collected *c) {
  return (int *)(void *)(c + 1);
}

size_t sg_collect_state(const sg_code *code, size_t own) {
  return sizeof(sg_collected) + (size_t)code->nodes * (sizeof(int) + own);
}

int *sg_collect_own(const sg_code *code, void *state) {
  return waiting(state) + code->nodes;
}

/* The tag and the worker together say which one it is. */
void sg_collect_give(double work, sg_collected *c, int node, sg_orders *o) {
  unsigned tag = node == SG_ALL ? c->given : c->given - (unsigned)node;
  sg_task(o, node, c->version, work, SG_DRAWS_OF_WORK, 0);
  sg_send(o, node, SG_MASTER, c->version, 0, (int)(tag & INT_MAX), 0);
}

void sg_collect_row(const sg_code *code, bool shared, const sg_message *message, sg_row *row) {
  sg_row_batch(row, (int)(((unsigned)message->tag + (unsigned)message->from) % INT_MAX) + 1);
  sg_row_part(row, shared ? 0 : message->from, 0, 1);
}

static void give(const sg_code *code, const sg_collect *how, void *state, int node, sg_orders *o) {
  sg_collected *c = state;
  if (how->give)
    how->give(code, state, node, o);
  else
    sg_collect_give(how->work, c, node, o);
  c->given += node == SG_ALL ? (unsigned)code->nodes : 1;
}

/* Of a worker that has nothing to do. */
static void go_on(const sg_code *code, const sg_collect *how, sg_collected *c, int node,
                  sg_orders *o) {
  bool rests = c->come > 0 && how->rests && how->rests(code, c, node);
  if (!c->updating && !rests)
    give(code, how, c, node, o);
  else if (c->waiting < code->nodes)
    waiting(c)[c->waiting++] = node;
}

static void step(const sg_collect *how, sg_collected *c, sg_orders *o) {
  c->updating = true;
  sg_decode(o, 0, c->version, SG_LAST);
  if (how->interrupt && !how->once) sg_stop(o, SG_ALL);
}

static void arrival(const sg_code *code, const sg_collect *how, sg_collected *c,
                    const sg_message *m, sg_orders *o) {
  bool fresh = m->snapshot == c->version, wanted = fresh && !c->updating;
  if (!wanted) sg_drop(o, m);
  c->come += wanted;
  if (wanted && how->enough(code, c, m)) step(how, c, o);
  if (!how->once && (fresh || !how->interrupt)) go_on(code, how, c, m->from, o);
}

static void updated(const sg_code *code, const sg_collect *how, sg_collected *c, bool decoded,
                    sg_orders *o) {
  bool all = decoded && how->interrupt;
  if (decoded) {
    *c = (sg_collected){
        .version = c->version + 1, .given = c->given, .waiting = all ? 0 : c->waiting};
    sg_snapshot(o, c->version, 0, 0);
  }
  c->updating = false;
  if (all) give(code, how, c, SG_ALL, o);
  for (int i = 0; i < c->waiting; i++) give(code, how, c, waiting(c)[i], o);
  c->waiting = 0;
}

void sg_collect_event(const sg_code *code, const sg_collect *how, void *state,
                      const sg_event *event, sg_orders *o) {
  sg_collected *c = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    give(code, how, c, SG_ALL, o);
    break;
  case SG_ARRIVAL: arrival(code, how, c, event->message[0], o); break;
  case SG_UPDATED: updated(code, how, c, event->decoded, o); break;
  case SG_BACK: go_on(code, how, c, event->at, o); break;
  case SG_STALLED: /* Nobody is left who could bring more. */
    if (event->skip && c->come > 0) step(how, c, o);
    break;
  default: break;
  }
}
