/* SPDX-License-Identifier: MIT */
/* Local search over Tanner graphs. See search.h. */
#include "sim/design/search.h"
#include "sim/core/owned.h"

#include <math.h>
#include <string.h>

enum { FOR_MOVES = 0xd020, ATTEMPTS = 50, SELECTION = 4 };

const char *const sg_objectives[] = {"error", "peel", "time", NULL};

/* --- Measuring -------------------------------------------------------------------------------- */

struct sg_judge {
  const sg_search_options *o;
  sg_bank *bank;
  sg_residual *residual;
  int *order, n_order; /* of the last pattern */
  uint64_t *came;
  unsigned char *covered; /* blocks */
  bool beyond;            /* without blocks that nobody answers for */
};

sg_judge *sg_judge_new(const sg_survival *of, const sg_search_options *o, int blocks, int most,
                       int patterns) {
  size_t m = (size_t)of->workers;
  sg_judge *j = calloc(1, sizeof *j);
  if (!j) return NULL;
  j->o = o;
  j->bank = sg_bank_new(of, most, patterns);
  j->residual = sg_residual_new(blocks);
  j->order = malloc(m * sizeof *j->order);
  j->came = calloc((m + 63) / 64, sizeof *j->came);
  j->covered = malloc((size_t)blocks);
  if (!j->bank || !j->residual || !j->order || !j->came || !j->covered) {
    sg_judge_free(j);
    return NULL;
  }
  for (size_t k = 0; k < m; k++) j->order[k] = (int)k;
  return j;
}

void sg_judge_free(sg_judge *j) {
  if (!j) return;
  sg_bank_free(j->bank);
  sg_residual_free(j->residual);
  free(j->order);
  free(j->came);
  free(j->covered);
  free(j);
}

sg_bank *sg_judge_bank(sg_judge *j) {
  return j->bank;
}

double sg_judge_set(sg_judge *j, const sg_tanner *a, const uint64_t *came) {
  bool peel = j->o->objective == SG_FOR_PEEL;
  double loss = peel && j->beyond ? sg_residual_unpeeled_beyond(j->residual, a, came)
                : peel            ? sg_residual_unpeeled(j->residual, a, came)
                : j->beyond       ? sg_residual_beyond(j->residual, a, came)
                                  : sg_residual_error(j->residual, a, came);
  return loss / a->blocks;
}

/* Each block that nobody has answered for costs 1: only then is there anything to look at. */
static double time_to_error(sg_judge *j, const sg_tanner *a, int i) {
  int missing = a->blocks;
  memset(j->covered, 0, (size_t)a->blocks);
  sg_residual_begin(j->residual);
  for (int k = 0; k < j->n_order; k++) {
    int w = j->order[k];
    const int *has = a->block + (size_t)w * (size_t)a->most;
    for (int s = 0; s < a->degree[w]; s++) {
      missing -= !j->covered[has[s]];
      j->covered[has[s]] = 1;
    }
    sg_residual_add(j->residual, a, w);
    if (missing <= j->o->eps * a->blocks &&
        sg_residual_now(j->residual) <= j->o->eps * a->blocks + 1e-9)
      return sg_bank_time(j->bank, a, i, w);
  }
  return j->n_order > 0 ? sg_bank_time(j->bank, a, i, j->order[j->n_order - 1]) : 0;
}

static double loss_of(sg_judge *j, const sg_tanner *a, int i, const uint64_t *came) {
  return j->o->objective == SG_FOR_TIME ? time_to_error(j, a, i) : sg_judge_set(j, a, came);
}

double sg_judge_loss(sg_judge *j, const sg_tanner *a, int i, uint64_t *came) {
  uint64_t *set = came ? came : j->came;
  sg_bank_pattern(j->bank, a, i, set, j->order, &j->n_order);
  return loss_of(j, a, i, set);
}

/* --- Moves ------------------------------------------------------------------------------------ */

typedef struct move {
  int touched, worker[2];
  bool degrees; /* of them have changed */
} move;

/* An entry to a worker and a block that do not have each other. */
static bool relocate(sg_tanner *a, int from, int slot, int to, int block, move *m) {
  size_t at = (size_t)from * (size_t)a->most + (size_t)slot;
  int old = a->block[at];
  double coef = a->coef[at];
  if (sg_tanner_find(a, to, block) >= 0 || (block != old && a->copies[old] == 1) ||
      (to != from && a->degree[to] == a->most))
    return false;
  sg_tanner_remove(a, from, slot);
  sg_tanner_add(a, to, block, coef);
  *m = (move){.touched = 1 + (to != from), .worker = {from, to}, .degrees = to != from};
  return true;
}

static bool exchange(sg_tanner *a, int u, int su, int v, int sv, move *m) {
  int *x = &a->block[(size_t)u * (size_t)a->most + (size_t)su],
      *y = &a->block[(size_t)v * (size_t)a->most + (size_t)sv], block = *x;
  if (u == v || block == *y || sg_tanner_find(a, u, *y) >= 0 || sg_tanner_find(a, v, block) >= 0)
    return false;
  *x = *y;
  *y = block;
  *m = (move){.touched = 2, .worker = {u, v}};
  return true;
}

/* An entry more, or one less, where that may pay. */
static bool resize(sg_tanner *a, int budget, int worker, int slot, sg_stream *random, bool signs,
                   move *m) {
  bool grow = sg_uniform(random) < 0.5;
  double coef = signs && sg_uniform(random) < 0.5 ? -1 : 1;
  int block = a->block[(size_t)worker * (size_t)a->most + (size_t)slot];
  if (grow) {
    worker = (int)(sg_uniform(random) * a->workers);
    block = (int)(sg_uniform(random) * a->blocks);
    if (a->entries >= budget || a->degree[worker] == a->most ||
        sg_tanner_find(a, worker, block) >= 0)
      return false;
    sg_tanner_add(a, worker, block, coef);
  } else {
    if (a->copies[block] == 1) return false;
    sg_tanner_remove(a, worker, slot);
  }
  *m = (move){.touched = 1, .worker = {worker}, .degrees = true};
  return true;
}

/* budget: of entries, where their number may change; else 0. */
static bool make_move(sg_tanner *a, int budget, bool signs, sg_stream *random, move *m) {
  enum { SAME_BLOCK, SAME_WORKER, ANYWHERE, EXCHANGE, KINDS };
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    int kind = (int)(sg_uniform(random) * (KINDS + (budget > 0))), u, su, v, sv;
    sg_tanner_entry(a, (int)(sg_uniform(random) * a->entries), &u, &su);
    int old = a->block[(size_t)u * (size_t)a->most + (size_t)su];
    if (kind == EXCHANGE) {
      sg_tanner_entry(a, (int)(sg_uniform(random) * a->entries), &v, &sv);
      if (exchange(a, u, su, v, sv, m)) return true;
      continue;
    }
    if (kind == KINDS) {
      if (resize(a, budget, u, su, random, signs, m)) return true;
      continue;
    }
    int to = kind == SAME_WORKER ? u : (int)(sg_uniform(random) * a->workers),
        block = kind == SAME_BLOCK ? old : (int)(sg_uniform(random) * a->blocks);
    if (relocate(a, u, su, to, block, m)) return true;
  }
  return false;
}

/* --- The search ------------------------------------------------------------------------------- */

typedef struct search {
  const sg_search_options *o;
  sg_judge *judge;
  int patterns, words;
  sg_tanner *now, *trial, *found; /* found: the best with this bank */
  double *loss, *fresh;           /* of each pattern, now and in the trial */
  uint64_t *came, *coming;        /* likewise */
  int *list;                      /* patterns in the order in which they are looked at */
  int *bucket, *begin;            /* to sort them: one each, and one for each number of workers */
  int *changed, n_changed;        /* patterns that the trial has evaluated */
  double *lost; /* of workers by number of blocks, where who comes is chance; or NULL */
  double known; /* of the losses: what that says without the patterns */
  double total; /* of the losses in the patterns */
  double best;  /* least sum of both with this bank */
} search;

/* N times the share of blocks that nobody answers for. */
static double known_of(const search *s, const sg_tanner *a) {
  return s->lost ? s->patterns * sg_tanner_bound(a, s->lost) : 0;
}

/* Patterns with a loss first, as only they can gain; the others by how few workers come, as there a
 * bad move is soonest found out. */
static void sort_patterns(search *s) {
  memset(s->begin, 0, ((size_t)s->now->workers + 3) * sizeof *s->begin);
  for (int i = 0; i < s->patterns; i++) {
    int count = 0;
    for (int w = 0; w < s->words; w++)
      count += __builtin_popcountll(s->came[(size_t)i * (size_t)s->words + (size_t)w]);
    s->bucket[i] = s->loss[i] > 0 ? 0 : count + 1;
    s->begin[s->bucket[i] + 1]++;
  }
  for (int k = 0; k < s->now->workers + 2; k++) s->begin[k + 1] += s->begin[k];
  for (int i = 0; i < s->patterns; i++) s->list[s->begin[s->bucket[i]]++] = i;
}

static bool next_bank(search *s, int number) {
  if (!sg_bank_fill(s->judge->bank, number)) return false;
  s->total = 0;
  for (int i = 0; i < s->patterns; i++) {
    s->loss[i] = sg_judge_loss(s->judge, s->now, i, s->came + (size_t)i * (size_t)s->words);
    s->total += s->loss[i];
  }
  sort_patterns(s);
  s->known = known_of(s, s->now);
  s->best = s->known + s->total;
  sg_tanner_copy(s->found, s->now);
  return true;
}

/* Whether the move leaves the pattern as it is: the same workers come, and those that have changed
 * are not among them. Otherwise who comes is in s->coming. */
static bool untouched(search *s, const move *m, int i) {
  sg_judge *j = s->judge;
  size_t W = (size_t)s->words;
  const uint64_t *before = s->came + (size_t)i * W;
  uint64_t *after = s->coming + (size_t)i * W;
  bool there = false;
  if (m->degrees && j->bank->timed)
    sg_bank_pattern(j->bank, s->trial, i, after, j->order, &j->n_order);
  else {
    memcpy(after, before, W * sizeof *after);
    if (s->o->objective == SG_FOR_TIME) /* for the order */
      sg_bank_pattern(j->bank, s->trial, i, after, j->order, &j->n_order);
  }
  for (int k = 0; k < m->touched; k++)
    there |= (before[m->worker[k] / 64] | after[m->worker[k] / 64]) >> m->worker[k] % 64 & 1;
  return !there && memcmp(before, after, W * sizeof *after) == 0;
}

/* Whether the sum of losses stays within `most`; it is then *total. */
static bool evaluate(search *s, const move *m, double most, double *total) {
  double known = 0; /* of the patterns that were looked at */
  s->n_changed = 0;
  for (int k = 0; k < s->patterns; k++) {
    int i = s->list[k];
    if (untouched(s, m, i)) {
      known += s->loss[i];
      continue;
    }
    s->fresh[i] = loss_of(s->judge, s->trial, i, s->coming + (size_t)i * (size_t)s->words);
    known += s->fresh[i];
    s->changed[s->n_changed++] = i;
    if (known > most) return false; /* no loss is negative */
  }
  *total = known;
  return known <= most;
}

static void keep(search *s, double known, double total) {
  size_t W = (size_t)s->words;
  for (int k = 0; k < s->n_changed; k++) {
    int i = s->changed[k];
    s->loss[i] = s->fresh[i];
    memcpy(s->came + (size_t)i * W, s->coming + (size_t)i * W, W * sizeof *s->came);
  }
  sg_tanner *last = s->now;
  s->now = s->trial;
  s->trial = last;
  s->known = known;
  s->total = total;
  sort_patterns(s);
  if (known + total >= s->best) return;
  s->best = known + total;
  sg_tanner_copy(s->found, s->now);
}

static bool try_move(search *s, long number, double temperature) {
  sg_stream random;
  move m;
  double total;
  sg_stream_at(&random, s->o->seed, 0, SG_FOR_CHECK, FOR_MOVES, (uint32_t)number, 0);
  sg_tanner_copy(s->trial, s->now);
  /* By chance alone an entry more is never worse for the bound. */
  int budget = s->lost ? 0 : s->o->budget;
  if (!make_move(s->trial, budget, s->o->signs, &random, &m)) return false;
  double most = s->known + s->total + temperature * sg_exponential(&random, 1),
         known = known_of(s, s->trial);
  /* What is added up in another order is not less for that. */
  if (!evaluate(s, &m, most - known + 1e-9 * s->patterns, &total)) return false;
  keep(s, known, total);
  return true;
}

/* --- The best of what was found --------------------------------------------------------------- */

typedef struct found {
  int count, room;
  sg_tanner **item;
} found;

static bool same(const sg_tanner *a, const sg_tanner *b) {
  if (memcmp(a->degree, b->degree, (size_t)a->workers * sizeof *a->degree) != 0) return false;
  for (int j = 0; j < a->workers; j++)
    for (int s = 0; s < a->degree[j]; s++)
      if (sg_tanner_find(b, j, a->block[(size_t)j * (size_t)a->most + (size_t)s]) < 0) return false;
  return true;
}

static bool remember(found *f, const sg_tanner *a) {
  for (int k = 0; k < f->count; k++)
    if (same(f->item[k], a)) return true;
  sg_tanner *copy = f->count < f->room ? sg_tanner_new(a->workers, a->blocks, a->most) : NULL;
  if (!copy) return false;
  sg_tanner_copy(copy, a);
  f->item[f->count++] = copy;
  return true;
}

static sg_status choose(const search *s, const sg_survival *of, const found *f, int bank,
                        sg_tanner *a) {
  const sg_search_options *o = s->o;
  sg_judge *judge = sg_judge_new(of, o, a->blocks, a->most, o->patterns);
  SG_OWNED double *sum = calloc((size_t)f->count + 1, sizeof *sum);
  sg_status status = judge && sum ? SG_OK : SG_NO_MEMORY;
  int best = 0;
  for (int k = 0; !status && k < f->count; k++) sum[k] = SELECTION * known_of(s, f->item[k]);
  if (!status) judge->beyond = s->lost;
  for (int part = 0; !status && part < SELECTION; part++) {
    if (!sg_bank_fill(judge->bank, bank + part)) status = SG_NO_MEMORY;
    for (int k = 0; !status && k < f->count; k++)
      for (int i = 0; i < o->patterns; i++) sum[k] += sg_judge_loss(judge, f->item[k], i, NULL);
  }
  for (int k = 1; !status && k < f->count; k++)
    if (sum[k] < sum[best]) best = k;
  if (!status) sg_tanner_copy(a, f->item[best]);
  sg_judge_free(judge);
  return status;
}

/* --- Putting it together ---------------------------------------------------------------------- */

static bool allocate(search *s, const sg_survival *of, const sg_tanner *a) {
  size_t N = (size_t)s->patterns, W = ((size_t)a->workers + 63) / 64;
  s->words = (int)W;
  s->judge = sg_judge_new(of, s->o, a->blocks, a->most, s->patterns);
  s->now = sg_tanner_new(a->workers, a->blocks, a->most);
  s->trial = sg_tanner_new(a->workers, a->blocks, a->most);
  s->found = sg_tanner_new(a->workers, a->blocks, a->most);
  s->loss = calloc(2 * N, sizeof *s->loss);
  s->came = calloc(2 * N * W, sizeof *s->came);
  s->list = calloc(3 * N + (size_t)a->workers + 3, sizeof *s->list);
  if (sg_survival_by_chance(of)) {
    size_t m = (size_t)a->workers;
    s->lost = malloc(((size_t)a->most + 1) * m * sizeof *s->lost);
    for (int d = 0; s->lost && d <= a->most; d++)
      memcpy(s->lost + (size_t)d * m, of->lost, m * sizeof *s->lost);
    if (!s->lost || !s->judge) return false;
    s->judge->beyond = true;
  }
  if (!s->judge || !s->now || !s->trial || !s->found || !s->loss || !s->came || !s->list)
    return false;
  s->fresh = s->loss + N;
  s->coming = s->came + N * W;
  s->changed = s->list + N;
  s->bucket = s->changed + N;
  s->begin = s->bucket + N;
  return true;
}

static void release(search *s, found *f) {
  sg_judge_free(s->judge);
  sg_tanner_free(s->now);
  sg_tanner_free(s->trial);
  sg_tanner_free(s->found);
  free(s->loss);
  free(s->came);
  free(s->list);
  free(s->lost);
  for (int k = 0; k < f->count; k++) sg_tanner_free(f->item[k]);
  free(f->item);
}

static bool stopped(const sg_search_options *o) {
  return o->stop && atomic_load(o->stop);
}

static sg_status walk(search *s, found *f, int *bank, sg_search_report *report) {
  const sg_search_options *o = s->o;
  double heat = 0;
  for (long k = 0; k < o->moves && !stopped(o); k++) {
    if (k % o->refresh == 0) {
      if (k > 0 && !remember(f, s->found)) return SG_NO_MEMORY;
      if (!next_bank(s, (*bank)++)) return SG_NO_MEMORY;
      if (k == 0) {
        report->first = (s->known + s->total) / s->patterns;
        heat = o->heat * (s->known + s->total);
      }
    }
    double left = 1 - (double)k / (double)o->moves;
    report->moves++;
    report->kept += try_move(s, k, heat * left);
    if (o->progress) o->progress(o->user, (double)(k + 1) / (double)o->moves);
  }
  report->interrupted = report->moves < o->moves;
  report->last = report->moves > 0 ? (s->known + s->total) / s->patterns : NAN;
  if (report->moves == 0) return SG_OK;
  return remember(f, s->found) && remember(f, s->now) ? SG_OK : SG_NO_MEMORY;
}

sg_status sg_search(const sg_survival *of, const sg_search_options *o, sg_tanner *a, int *bank,
                    sg_search_report *report) {
  search s = {.o = o, .patterns = o->patterns};
  found f = {.room = (int)(o->moves / o->refresh) + 4};
  *report = (sg_search_report){0};
  int selection = *bank;
  *bank += SELECTION;
  f.item = calloc((size_t)f.room, sizeof(sg_tanner *));
  sg_status status = f.item && allocate(&s, of, a) ? SG_OK : SG_NO_MEMORY;
  if (!status) sg_tanner_copy(s.now, a);
  if (!status && !remember(&f, a)) status = SG_NO_MEMORY;
  if (!status) status = walk(&s, &f, bank, report);
  if (!status) status = choose(&s, of, &f, selection, a);
  release(&s, &f);
  return status;
}
