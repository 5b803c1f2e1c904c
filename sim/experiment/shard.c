/* SPDX-License-Identifier: MIT */
/* Reads which shard a process is, and deals a plan's runs out. */
#include "sim/experiment/shard.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SHARDS = 100000 };

/* --- Which shard ------------------------------------------------------------------------------ */

/* A whole number ≥ 0 that ends at `end`; −1: it is none. */
static int whole(const char *text, char end) {
  char *stop;
  if (!text || *text < '0' || *text > '9') return -1;
  long x = strtol(text, &stop, 10);
  return *stop == end && x < 1 << 30 ? (int)x : -1;
}

static int variable(const char *name) {
  return whole(getenv(name), '\0');
}

/* Of an array job; its numbers may begin anywhere and have a step. false: there is none. */
static bool find_array(sg_shard *s, sg_error *e) {
  int id = variable("SLURM_ARRAY_TASK_ID"), step = variable("SLURM_ARRAY_TASK_STEP");
  int least = variable("SLURM_ARRAY_TASK_MIN"), most = variable("SLURM_ARRAY_TASK_MAX");
  *s = (sg_shard){0, 1};
  if (id < 0) return false;
  if (step < 1) step = 1;
  s->count = variable("SLURM_ARRAY_TASK_COUNT");
  s->index = (id - least) / step;
  if (least < 0 || most < least || id < least || (id - least) % step ||
      (most - least) / step + 1 != s->count)
    sg_fail(e, SG_USAGE, "--shard auto",
            "the numbers of the Slurm array have gaps, so it may be a part of one; say which shard "
            "this is, as in --shard $SLURM_ARRAY_TASK_ID/8");
  return true;
}

/* Of processes that were started together. mpirun starts its own through Slurm where it can, so
 * what it says goes first. srun says who it started by SLURM_STEP_ID: a batch script has a rank,
 * too. */
static bool find_task(sg_shard *s) {
  static const struct {
    const char *rank, *size, *only;
  } from[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL},
              {"PMI_RANK", "PMI_SIZE", NULL},
              {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"}};
  *s = (sg_shard){0, 1};
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    if (from[i].only && !getenv(from[i].only)) continue;
    sg_shard found = {variable(from[i].rank), variable(from[i].size)};
    if (found.index < 0 || found.index >= found.count) continue;
    *s = found;
    return true;
  }
  return false;
}

/* Ranks whose number of processes is not in the environment. */
static bool find_index(int total, sg_shard *s) {
  int index = variable("JOB_COMPLETION_INDEX");
  if (index < 0) index = variable("PMIX_RANK");
  *s = (sg_shard){index, total};
  return index >= 0;
}

/* total 0: not given. */
static sg_status find_shard(int total, sg_shard *out, sg_error *e) {
  sg_shard array, task;
  sg_error own = {0};
  bool in_array = find_array(&array, &own), in_task = find_task(&task);
  sg_status status = sg_error_status(&own);
  sg_error_move(e, &own);
  if (status) return status;
  *out = (sg_shard){array.index * task.count + task.index, array.count * task.count};
  if (!in_array && !in_task && !find_index(total, out))
    return sg_fail(e, SG_USAGE, "--shard auto",
                   "the environment has no array job of Slurm, no rank of srun, Open MPI or PMI, "
                   "and no JOB_COMPLETION_INDEX; say which shard this is, as in --shard 1/8");
  if (out->count == 0)
    return sg_fail(e, SG_USAGE, "--shard auto",
                   "number %d was found, but not of how many; say it, as in --shard auto/8",
                   out->index);
  if (total && out->count != total)
    return sg_fail(e, SG_USAGE, "--shard auto", "expected %d shards, found %d in the environment",
                   total, out->count);
  if (out->index >= out->count)
    return sg_fail(e, SG_USAGE, "--shard auto",
                   "expected a number from 0 to %d in the environment, found %d", out->count - 1,
                   out->index);
  return SG_OK;
}

sg_status sg_shard_read(const char *text, sg_shard *out, sg_error *e) {
  const char *slash = strchr(text, '/');
  int total = slash ? whole(slash + 1, '\0') : 0;
  bool found = !strncmp(text, "auto", 4) && (!text[4] || text + 4 == slash);
  if (found && !slash) return find_shard(0, out, e);
  if (found && total > 0 && total <= MOST_SHARDS) return find_shard(total, out, e);
  int index = slash ? whole(text, '/') : -1;
  if (total < 1 || total > MOST_SHARDS || index < 1 || index > total)
    return sg_fail(
        e, SG_USAGE, "--shard",
        "expected i/n with i from 1 to n and n up to %d, auto, or auto/n; found \"%.60s\"%s",
        MOST_SHARDS, text, index == 0 && total > 0 ? ": numbers begin at 1" : "");
  *out = (sg_shard){index - 1, total};
  return SG_OK;
}

void sg_shard_put_database(const sg_shard *shard, const char *database, sg_buffer *out) {
  size_t n = strlen(database);
  if (n > 3 && !strcmp(database + n - 3, ".db")) n -= 3;
  sg_put_bytes(out, database, n);
  sg_putf(out, ".shard-%d-of-%d.db", shard->index + 1, shard->count);
}

/* --- The deal --------------------------------------------------------------------------------- */

/* What a block is expected to cost, in nanoseconds or so: events of workers, passes over the data,
 * coordinates of messages. Whole numbers, so that every machine deals the same. It is only to tell
 * large points from small ones: how soon a run reaches its target is not known. */
double sg_block_cost(const sg_planned *p) {
  double one = 2000 + 300.0 * p->facts.n_workers;
  double data = p->facts.timing_only ? 0 : p->data_bytes / 4;
  double messages = p->facts.timing_only ? 0 : (double)p->facts.length * p->facts.n_workers;
  double each = one * p->width + data + messages * p->width;
  return (double)(long)(each / 1000 + 1) * (double)p->facts.max_iterations;
}

typedef struct priced {
  const sg_planned *point;
  double cost;
} priced;

/* Dearest first; among equals by the key, which has no relation to the order of a scenario, in
 * which every n-th point may be the slow one. */
static int by_cost(const void *a, const void *b) {
  const priced *p = a, *q = b;
  if (p->cost != q->cost) return p->cost < q->cost ? 1 : -1;
  return strcmp(p->point->key, q->point->key);
}

typedef struct load {
  double cost;
  int shard;
} load;

static bool lighter(const load *a, const load *b) {
  return a->cost != b->cost ? a->cost < b->cost : a->shard < b->shard;
}

/* Restores a heap whose first load has grown. */
static void sink(load *heap, int n) {
  for (int i = 0, least; (least = 2 * i + 1) < n; i = least) {
    if (least + 1 < n && lighter(&heap[least + 1], &heap[least])) least++;
    if (!lighter(&heap[least], &heap[i])) return;
    load moved = heap[i];
    heap[i] = heap[least];
    heap[least] = moved;
  }
}

static int blocks_of(const sg_planned *p) {
  return p->valid && !p->duplicate ? (p->replications + p->width - 1) / p->width : 0;
}

static void deal_out(sg_deal *d, int n, const priced *price, load *heap) {
  int shards = d->shard.count;
  double all = 0, rounds = 0;
  for (int i = 0; i < shards; i++) heap[i] = (load){.shard = i};
  for (const priced *p = price; p < price + n; p++) {
    int blocks = blocks_of(p->point), *owner = d->owner + d->first[p->point - d->plan->point];
    /* Every point begins with another shard, so that more replications later are even, too. */
    d->turn[p->point - d->plan->point] = (int)(p - price) % shards;
    rounds += p->cost * (blocks / shards);
    all += p->cost * blocks;
    for (int b = 0; b < blocks % shards; b++) {
      owner[b] = heap[0].shard;
      heap[0].cost += p->cost;
      sink(heap, shards);
    }
  }
  for (int i = 0; i < shards; i++)
    d->share[heap[i].shard] = all > 0 ? (rounds + heap[i].cost) / all : 0;
}

sg_status sg_deal_new(const sg_plan *plan, sg_shard shard, sg_deal **out, sg_error *e) {
  *out = NULL;
  sg_deal *d = calloc(1, sizeof *d);
  if (!d) return sg_fail_memory(e);
  size_t left = 0, points = (size_t)plan->count, shards = (size_t)shard.count;
  *d = (sg_deal){.shard = shard, .plan = plan, .first = calloc(points + 1, sizeof *d->first)};
  d->turn = calloc(points + 1, sizeof *d->turn);
  priced *price = calloc(points + 1, sizeof *price);
  load *heap = calloc(shards, sizeof *heap);
  int n = 0;
  for (int i = 0; d->first && price && i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    d->first[i] = (int)left;
    left += (size_t)(blocks_of(p) % shard.count);
    if (blocks_of(p)) price[n++] = (priced){p, sg_block_cost(p)};
  }
  d->owner = left < 1 << 30 ? calloc(left + 1, sizeof *d->owner) : NULL;
  d->share = calloc(shards, sizeof *d->share);
  bool ok = d->first && price && heap && d->owner && d->turn && d->share;
  if (ok) {
    qsort(price, (size_t)n, sizeof *price, by_cost);
    deal_out(d, n, price, heap);
    *out = d;
  } else {
    sg_deal_free(d);
  }
  free(price);
  free(heap);
  return ok ? SG_OK : sg_fail_memory(e);
}

void sg_deal_free(sg_deal *deal) {
  if (!deal) return;
  free(deal->first);
  free(deal->owner);
  free(deal->turn);
  free(deal->share);
  free(deal);
}

bool sg_deal_has(const sg_deal *deal, int point, int replication) {
  if (!deal) return true;
  const sg_planned *p = &deal->plan->point[point];
  int block = replication / p->width, shards = deal->shard.count;
  int even = blocks_of(p) / shards * shards;
  int owner = block < even ? (block + deal->turn[point]) % shards
                           : deal->owner[deal->first[point] + block - even];
  return owner == deal->shard.index;
}
