/* SPDX-License-Identifier: MIT */
/* Snapshots of models: their slots, their names, and which of them nodes have been sent. */
#include "sim/engine/state.h"

#include <stdlib.h>

/* Names are mostly numbers that follow one another. */
static unsigned hash_of(const sg_run *run, int name) {
  return (unsigned)name & ((unsigned)run->names - 1);
}

int run_find_snapshot(const sg_run *run, int name) {
  const snapshot *p = run->snapshot;
  int recent = run->recent_snapshot;
  if (recent < run->snapshots && p[recent].alive && p[recent].name == name) return recent;
  int at = run->by_name[hash_of(run, name)];
  while (at >= 0 && p[at].name != name) at = p[at].next;
  return at;
}

/* Nobody asks for it any more: its slot is free for the next. */
void run_forget_snapshot(sg_run *run, int slot) {
  snapshot *p = &run->snapshot[slot];
  int *link = &run->by_name[hash_of(run, p->name)];
  while (*link != slot) link = &run->snapshot[*link].next;
  *link = p->next;
  p->alive = false;
  p->next = run->free_snapshot;
  run->free_snapshot = slot;
}

/* Chains stay short: twice as many heads as slots. */
static bool rehash(sg_run *run) {
  int names = run->names;
  while (names < 2 * run->snapshots) names *= 2;
  if (names == run->names) return true;
  int *grown = realloc(run->by_name, (size_t)names * sizeof *grown);
  if (!grown) {
    run_out_of_memory(run);
    return false;
  }
  run->by_name = grown;
  run->names = names;
  for (int i = 0; i < names; i++) grown[i] = -1;
  for (int slot = 0; slot < run->snapshots; slot++) {
    if (!run->snapshot[slot].alive) continue;
    int *head = &grown[hash_of(run, run->snapshot[slot].name)];
    run->snapshot[slot].next = *head;
    *head = slot;
  }
  return true;
}

/* A slot for a new snapshot; −1 without memory. */
static int take_slot(sg_run *run) {
  int slot = run->free_snapshot;
  if (slot >= 0) {
    run->free_snapshot = run->snapshot[slot].next;
    return slot;
  }
  slot = run->snapshots;
  if (!run_reserve(run, &run->snapshot, &run->snapshots_capacity, slot + 1, sizeof *run->snapshot))
    return -1;
  run->snapshot[slot].alive = false;
  run->snapshots++;
  return rehash(run) ? slot : -1;
}

void run_close_snapshot(sg_run *run, int slot) {
  snapshot *p = &run->snapshot[slot];
  p->open = false;
  if (p->alive && p->refs == 0) run_forget_snapshot(run, slot);
}

/* What stands between a snapshot and the one before it, compressed. */
static double difference_bits(const sg_run *run, int slot) {
  const sg_compressor *c = run->env->broadcast;
  if (sg_compressor_fixed(c)) return sg_compressor_bits(c, run->env->length);
  return run->hooks.model_bits ? run->hooks.model_bits(run->hooks.user, slot) : 0;
}

void run_order_snapshot(sg_run *run, const sg_order *order) {
  if (order->model < 0 || order->model >= run->code->models) {
    run_fail(run, "a snapshot of model %d, of which there are %d", order->model, run->code->models);
    return;
  }
  if (order->snapshot < 0) {
    run_fail(run, "a snapshot by the name of %d, but names begin at 0", order->snapshot);
    return;
  }
  if (run_find_snapshot(run, order->snapshot) >= 0) {
    run_fail(run, "a snapshot by the name of snapshot %d, which is still alive", order->snapshot);
    return;
  }
  int slot = take_slot(run);
  if (slot < 0) return;
  int *head = &run->by_name[hash_of(run, order->snapshot)];
  run->snapshot[slot] = (snapshot){.name = order->snapshot,
                                   .alive = true,
                                   .open = true,
                                   .everywhere = order->flags & SG_KNOWN,
                                   .next = *head,
                                   .serial = run->serial++};
  *head = slot;
  run->recent_snapshot = slot;
  if (run->hooks.snapshot && !run->hooks.snapshot(run->hooks.user, slot, order->model))
    run_out_of_memory(run);
  else if (run->env->broadcast)
    run->told += sg_bytes_of(difference_bits(run, slot));
}

/* --- What nodes know -------------------------------------------------------------------------- */

/* Whether a node could still be given a task at a snapshot it knows. */
static bool still_open(const sg_run *run, const known *k) {
  const snapshot *p = &run->snapshot[k->slot];
  return p->alive && p->open && p->serial == k->serial;
}

void run_forget_closed(sg_run *run, node *n) {
  int kept = 0;
  for (int i = 0; i < n->n_known; i++)
    if (still_open(run, &n->known[i])) n->known[kept++] = n->known[i];
  n->n_known = kept;
}

const known *run_find_known(const sg_run *run, const node *n, int slot) {
  for (int i = n->n_known - 1; i >= 0; i--)
    if (n->known[i].slot == slot && n->known[i].serial == run->snapshot[slot].serial)
      return &n->known[i];
  return NULL;
}

/* Room for one more. */
static bool reserve_known(sg_run *run, node *n) {
  if (n->n_known < n->known_capacity) return true;
  int capacity = 4 * n->known_capacity;
  bool first = n->known == &n->only_known;
  known *grown = realloc(first ? NULL : n->known, (size_t)capacity * sizeof *grown);
  if (!grown) {
    run_out_of_memory(run);
    return false;
  }
  if (first) *grown = n->only_known;
  n->known = grown;
  n->known_capacity = capacity;
  return true;
}

double run_make_known(sg_run *run, int index, int slot) {
  node *n = &run->node[index];
  const known *k = run_find_known(run, n, slot);
  if (run->snapshot[slot].everywhere || k) return k ? k->ready : run->now;
  if (n->n_known == n->known_capacity) run_forget_closed(run, n);
  if (!reserve_known(run, n)) return run->now;
  uint32_t serial = run->snapshot[slot].serial;
  double bytes = run->env->broadcast ? run->told - n->told : run->model_bytes;
  n->told = run->told;
  double ready = sg_links_send_bytes(run->links, index, serial, run->now, bytes);
  n->known[n->n_known++] = (known){.serial = serial, .slot = slot, .ready = ready};
  RUN_LOG(run, .kind = SG_LOG_MODEL, .node = index, .snapshot = run->snapshot[slot].name,
          .bytes = bytes, .begin_s = run->base + run->now, .end_s = run->base + ready);
  run->cost.bytes_broadcast += bytes;
  return ready;
}

bool run_any_open(const sg_run *run) {
  for (int slot = 0; slot < run->snapshots; slot++)
    if (run->snapshot[slot].alive && run->snapshot[slot].open) return true;
  return false;
}
