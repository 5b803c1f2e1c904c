/* SPDX-License-Identifier: MIT */
/* CodedReduce: a gradient code at every parent of a tree (Reisizadeh, Prakash, Pedarsani,
 * Avestimehr 2019, arXiv:1902.01981; abstract published, model recalled, placement derived).
 *
 * The master has w children, each inner worker too, down to depth L: w + … + w^L workers, numbered
 * level by level. Every parent decodes from all but s of its children. A worker at level k holds a
 * share r of the data and is responsible, with its subtree, for the share x_k of it:
 *
 *   x_1 = (s + 1)/w,  x_(k+1) = (s + 1)/w (x_k − r),  x_L = r,  so r = 1 / Σ_k (w/(s + 1))^k.
 *
 * Cyclic: parts of level k have k digits j_1 … j_k from 0 to w − 1, and so have its workers; worker
 * i_1 … i_k holds the parts with every j in {i, …, i + s} (mod w), with coefficient Π B[i, j] and B
 * the w × w matrix of cyclic.h. A parent's weights of its children's messages then leave its own
 * digits' coefficients on all parts below it, to which it adds its own. Repetition, where s + 1
 * divides w: digits of parts are from 0 to w/(s + 1) − 1, worker i holds the part with every j =
 * ⌊i/(s + 1)⌋, coefficients are 1, and one child of each group is enough. */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const insides[] = {"cyclic", "repetition", NULL};
enum { CYCLIC, REPETITION };

static const sg_param params[] = {
    SG_ROW_INT("fan_out", 1, SG_UNBOUNDED, "children of the master and of every inner worker (w)",
               .flags = SG_REQUIRED),
    SG_ROW_INT("depth", 1, 30,
               "levels of workers (L); w + w² + … + w^L must be the number of workers",
               .flags = SG_REQUIRED),
    SG_ROW_STRAGGLERS("children that every parent does without, fewer than w"),
    SG_ROW_CHOICE("inside", insides, CYCLIC,
                  "the code at a parent: cyclic, any w - s children; or repetition, one child of "
                  "each group of s + 1, which must divide w"),
    {0}};

enum { MOST_DEPTH = 30 };

typedef struct tables {
  int w, depth, s;
  int base;                  /* digits of parts are below it */
  int first[MOST_DEPTH + 2]; /* of each level from 1 on: its first worker; then n */
  int first_part[MOST_DEPTH + 2];
  int *level, *column; /* of each worker; column: its place among its parent's children */
  sg_cyclic *cyclic;   /* NULL: repetition */
} tables;

/* The state is what has come in this round: messages of each receiver, the master first, and behind
 * them, with repetition, a flag for each of its groups. Inner workers come before leaves. */
static int receivers(const tables *t) {
  return 1 + t->first[t->depth];
}

static int needed(const tables *t) {
  return t->cyclic ? t->w - t->s : t->base;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* w + … + w^L, or any number above `most` if it is more. */
static long tree_size(long w, int depth, long most) {
  long size = 0, level = 1;
  for (int k = 0; k < depth && size <= most; k++) size += level *= w;
  return size;
}

/* "fan_out 12 (depth 1), 3 (depth 2)": all trees of n workers. */
static char *trees_of(int n, char *out, size_t size) {
  size_t length = 0;
  for (int depth = 1; depth <= MOST_DEPTH && tree_size(2, depth, n) <= n; depth++)
    for (int w = 2; w <= n && tree_size(w, depth, n) <= n; w++)
      if (tree_size(w, depth, n) == n && length < size)
        length += (size_t)snprintf(out + length, size - length, "%s%d (depth %d)",
                                   length ? ", " : "", w, depth);
  if (!length) snprintf(out, size, "1 (depth %d)", n);
  return out;
}

static sg_status check_size(const tables *t, int n, const sg_values *values, sg_error *e) {
  char list[200];
  long size = tree_size(t->w, t->depth, 1L << 31);
  if (size == n) return SG_OK;
  int depth = t->w == 1 ? (n < MOST_DEPTH ? n : MOST_DEPTH) : 1; /* of the largest that n has */
  while (t->w > 1 && depth < MOST_DEPTH && tree_size(t->w, depth + 1, n) <= n) depth++;
  long below = tree_size(t->w, depth, 1L << 31), above = tree_size(t->w, depth + 1, 1L << 31);
  return sg_fail_at(e, values, "depth",
                    "expected w + … + w^L = n (n = %d workers: fan_out %s; fan_out %d: n = %ld), "
                    "found a tree of %ld%s",
                    n, trees_of(n, list, sizeof list), t->w,
                    above - n < n - below || below > n ? above : below, size,
                    size > 1L << 31 ? " or more" : "");
}

static sg_status read(tables *t, int n, const sg_values *values, sg_error *e) {
  long w = sg_int(values, "fan_out"), s = sg_int(values, "s");
  char list[200];
  if (w > n)
    return sg_fail_at(e, values, "fan_out", "expected at most n = %d children, found %ld", n, w);
  t->w = (int)w;
  t->depth = (int)sg_int(values, "depth");
  sg_status status = check_size(t, n, values, e);
  if (status) return status;
  bool repeats = sg_choice(values, "inside") == REPETITION;
  if (s >= w)
    return sg_fail_at(e, values, "s", "expected s < fan_out = %ld (0 to %ld), found %ld", w, w - 1,
                      s);
  if (repeats && w % (s + 1) != 0)
    return sg_fail_at(e, values, "s",
                      "expected s + 1 dividing fan_out = %ld (s one of %s), or \"inside\": "
                      "\"cyclic\", found s = %ld",
                      w, sg_divisors((int)w, 1, list, sizeof list), s);
  t->s = (int)s;
  t->base = repeats ? t->w / (t->s + 1) : t->w;
  return SG_OK;
}

/* Who is whose child, and where parts begin. */
static sg_status build(sg_code *code, tables *t, bool repeats, sg_error *e) {
  int n = code->shape.workers, parts = 0;
  int *parent = sg_code_alloc(code, (size_t)n, sizeof *parent);
  double all = 0, width[MOST_DEPTH + 2]; /* all: 1/r */
  t->level = sg_code_alloc(code, (size_t)n, sizeof *t->level);
  t->column = sg_code_alloc(code, (size_t)n, sizeof *t->column);
  if (!parent || !t->level || !t->column) return sg_fail_memory(e);
  for (int k = 1, size = t->w, of_level = t->base; k <= t->depth; k++) {
    for (int i = 0; i < size; i++) {
      int v = t->first[k] + i;
      parent[v] = k == 1 ? SG_MASTER : t->first[k - 1] + i / t->w;
      t->level[v] = k;
      t->column[v] = i % t->w;
    }
    t->first[k + 1] = t->first[k] + size;
    t->first_part[k + 1] = parts += of_level;
    width[k] = (k == 1 ? 1 : width[k - 1]) / (repeats ? 1 : t->s + 1); /* in units of r */
    all += of_level * width[k];
    if (k == t->depth) break;
    size *= t->w;
    of_level *= t->base;
  }
  double *edge = sg_code_alloc(code, (size_t)parts + 1, sizeof *edge);
  if (!edge) return sg_fail_memory(e);
  double before = 0; /* of the levels above */
  for (int k = 1; k <= t->depth; k++) {
    int count = t->first_part[k + 1] - t->first_part[k];
    for (int i = 0; i < count; i++) edge[t->first_part[k] + i] = (before + i * width[k]) / all;
    before += count * width[k];
  }
  edge[parts] = 1;
  code->parts = parts;
  code->edge = edge;
  code->parent = parent;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  bool repeats = sg_choice(values, "inside") == REPETITION;
  sg_status status = read(t, shape->workers, values, e);
  if (!status && !repeats)
    status = sg_cyclic_new(code, values, t->w, t->s, shape->seed, &t->cyclic, e);
  if (!status) status = build(code, t, repeats, e);
  if (status) return status;
  code->promised = t->s;
  code->round_size = code->state_size =
      (size_t)receivers(t) * (sizeof(int) + (repeats ? (size_t)t->base : 0));
  char *note = sg_code_alloc(code, 160, 1);
  if (!note) return sg_fail_memory(e);
  snprintf(note, 160, "a tree of %d workers, each parent decodes from %d of %d children: r = %.6g",
           shape->workers, t->w - t->s, t->w, code->edge[t->first_part[2]] * (t->s + 1) / t->w);
  code->note = note;
  return sg_code_one_segment(code, values, "s", 1, needed(t), e);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* A worker's own terms; those of its children come with the weights of `combine`. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int k = t->level[message->from], each = t->cyclic ? t->s + 1 : 1, choices = 1;
  for (int i = 0; i < k; i++) choices *= each;
  for (int choice = 0; choice < choices; choice++) {
    /* Digits from the last to the first, of the worker and of the choice among its neighbours. */
    int worker = message->from - t->first[k], left = choice, part = 0, unit = 1;
    double coef = 1;
    for (int i = 0; i < k; i++, worker /= t->w, left /= each, unit *= t->base) {
      int digit = worker % t->w, step = left % each;
      if (t->cyclic) coef *= t->cyclic->coef[digit * each + step];
      part += unit * (t->cyclic ? (digit + step) % t->w : digit / (t->s + 1));
    }
    sg_row_part(row, t->first_part[k] + part, 0, coef);
  }
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  int *have = state, at = message->to + 1; /* the master's number is −1 */
  if (!t->cyclic) {
    unsigned char *met = (unsigned char *)(have + receivers(t)) + (ptrdiff_t)at * t->base;
    int group = t->column[message->from] / (t->s + 1);
    if (met[group]) return SG_SKIP;
    met[group] = 1;
  }
  int come = ++have[at], need = needed(t);
  return come < need ? SG_WAIT : come == need ? SG_READY : SG_SKIP;
}

/* Weights of the children of one parent: at the master, and before an inner worker sends. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  if (t->cyclic) return sg_parity_weights(t->cyclic->parity, used, 0, t->column);
  int groups = 0;
  for (int i = 0, last = -1; i < used->count; i++) { /* children come in their order */
    int group = t->column[used->message[i]->from] / (t->s + 1);
    if (group == last) continue;
    used->W[i] = 1;
    last = group;
    groups++;
  }
  return groups == t->base ? SG_OK : SG_UNDECODABLE;
}

static sg_status combine(const sg_code *code, const sg_message *message, const sg_used *used) {
  return weights(code, used);
}

/* From the leaves up: whose message can come. */
static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  SG_OWNED unsigned char *met = calloc((size_t)receivers(t), (size_t)t->w);
  SG_OWNED int *have = calloc((size_t)receivers(t), sizeof *have);
  if (!met || !have) return false;
  for (int v = t->first[t->depth + 1] - 1; v >= 0; v--) {
    bool inner = t->level[v] < t->depth;
    if (!present[v] || (inner && have[v + 1] < needed(t))) continue;
    int at = code->parent[v] + 1, place = t->column[v] / (t->cyclic ? 1 : t->s + 1);
    have[at] += !met[at * t->w + place];
    met[at * t->w + place] = 1;
  }
  return have[0] >= needed(t);
}

const sg_code_type sg_coded_reduce = {
    .about = {.name = "coded-reduce",
              .brief = "a tree with a gradient code at every parent",
              .summary = "A tree of workers in which every parent decodes from all but s of its w "
                         "children, adds its own share and sends one vector up (CodedReduce).",
              .reference = "Reisizadeh, Prakash, Pedarsani, Avestimehr (2019), arXiv:1902.01981 "
                           "(abstract published, model recalled, placement derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .combine = combine,
    .weights = weights,
    .promises = promises,
    .arrive = arrive,
};
