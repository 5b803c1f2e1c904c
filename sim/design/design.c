/* SPDX-License-Identifier: MIT */
/* Designs: begin, search, measure, write. */
#include "sim/design/design.h"
#include "sim/core/owned.h"

#include <math.h>
#include <string.h>

enum { FOR_SIGNS = 0xd030 };

const char *const sg_design_rows[SG_DESIGN_ROWS] = {"random", "random-regular", "greedy-degrees",
                                                    "designed", "fractional-repetition"};

/* --- The adversary ---------------------------------------------------------------------------- */

typedef struct adversary {
  sg_judge *judge;
  const sg_tanner *a;
  uint64_t *came;
  int left; /* stragglers */
} adversary;

static bool comes(const adversary *q, int worker) {
  return q->came[worker / 64] >> worker % 64 & 1;
}

/* Workers with the block that still come; they do not any more if `take`. */
static int holders(adversary *q, int block, bool take) {
  int count = 0;
  for (int j = 0; j < q->a->workers; j++) {
    if (!comes(q, j) || sg_tanner_find(q->a, j, block) < 0) continue;
    count++;
    if (take) q->came[j / 64] ^= (uint64_t)1 << j % 64;
  }
  return count;
}

static void isolate_more(adversary *q) {
  while (q->left > 0) {
    int best = -1, fewest = q->left + 1;
    for (int i = 0; i < q->a->blocks; i++) {
      int count = holders(q, i, false);
      if (count > 0 && count < fewest) {
        fewest = count;
        best = i;
      }
    }
    if (best < 0) return;
    q->left -= holders(q, best, true);
  }
}

/* The rest one by one, each where it costs most. */
static void spend(adversary *q) {
  for (; q->left > 0; q->left--) {
    int best = -1;
    double most = -1;
    for (int j = 0; j < q->a->workers; j++) {
      if (!comes(q, j)) continue;
      q->came[j / 64] ^= (uint64_t)1 << j % 64;
      double loss = sg_judge_set(q->judge, q->a, q->came);
      q->came[j / 64] ^= (uint64_t)1 << j % 64;
      if (loss > most + 1e-12) {
        most = loss;
        best = j;
      }
    }
    if (best < 0) return;
    q->came[best / 64] ^= (uint64_t)1 << best % 64;
  }
}

double sg_design_adversary(sg_judge *judge, const sg_tanner *a, int stragglers) {
  size_t W = ((size_t)a->workers + 63) / 64;
  SG_OWNED uint64_t *came = malloc(W * sizeof *came);
  double worst = 0;
  if (!came) return NAN;
  for (int i = 0; i < a->blocks; i++) {
    adversary q = {.judge = judge, .a = a, .came = came, .left = stragglers};
    memset(came, 0, W * sizeof *came);
    for (int j = 0; j < a->workers; j++) came[j / 64] |= (uint64_t)1 << j % 64;
    if (holders(&q, i, false) <= stragglers) q.left -= holders(&q, i, true);
    isolate_more(&q);
    spend(&q);
    worst = fmax(worst, sg_judge_set(judge, a, came));
  }
  return worst;
}

/* --- Measuring -------------------------------------------------------------------------------- */

typedef struct sums {
  double loss, loss2, error, error2, isolated, missing;
  long count;
} sums;

static double standard_error(double sum, double squares, long count) {
  double mean = sum / (double)count;
  return sqrt(fmax(squares / (double)count - mean * mean, 0) / (double)count);
}

/* Blocks of which nobody in the set has a copy. */
static int isolated(const sg_tanner *a, const uint64_t *came, unsigned char *covered) {
  int left = a->blocks;
  memset(covered, 0, (size_t)a->blocks);
  for (int j = 0; j < a->workers; j++) {
    if (!(came[j / 64] >> j % 64 & 1)) continue;
    const int *has = a->block + (size_t)j * (size_t)a->most;
    for (int s = 0; s < a->degree[j]; s++) {
      left -= !covered[has[s]];
      covered[has[s]] = 1;
    }
  }
  return left;
}

static sg_status measure(const sg_survival *of, const sg_search_options *o, int bank,
                         const sg_tanner *a, sums *s) {
  size_t W = ((size_t)a->workers + 63) / 64;
  sg_search_options plain = *o;
  plain.objective = SG_FOR_ERROR;
  sg_judge *judge = sg_judge_new(of, o, a->blocks, a->most, o->patterns);
  sg_judge *by_error = sg_judge_new(of, &plain, a->blocks, a->most, 1);
  SG_OWNED uint64_t *came = malloc(W * sizeof *came);
  SG_OWNED unsigned char *covered = malloc((size_t)a->blocks);
  sg_status status = judge && by_error && came && covered ? SG_OK : SG_NO_MEMORY;
  *s = (sums){0};
  for (int part = 0; !status && part < SG_DESIGN_FRESH; part++) {
    if (!sg_bank_fill(sg_judge_bank(judge), bank + part)) status = SG_NO_MEMORY;
    for (int i = 0; !status && i < o->patterns; i++) {
      double loss = sg_judge_loss(judge, a, i, came),
             error = o->objective == SG_FOR_ERROR ? loss : sg_judge_set(by_error, a, came);
      s->loss += loss;
      s->loss2 += loss * loss;
      s->error += error;
      s->error2 += error * error;
      s->isolated += isolated(a, came, covered);
      for (size_t w = 0; w < W; w++) s->missing -= __builtin_popcountll(came[w]);
      s->missing += a->workers;
      s->count++;
    }
  }
  sg_judge_free(judge);
  sg_judge_free(by_error);
  return status;
}

static sg_status fill_figures(const sg_survival *of, const sg_design_options *o, int bank,
                              sg_design *d, int row) {
  sg_design_figures *f = &d->row[row];
  const sg_tanner *a = f->placement;
  sums s;
  sg_status status = measure(of, &o->search, bank, a, &s);
  if (status) return status;
  f->loss = s.loss / (double)s.count;
  f->loss_error = standard_error(s.loss, s.loss2, s.count);
  f->error = s.error / (double)s.count;
  f->error_error = standard_error(s.error, s.error2, s.count);
  f->bound = s.isolated / (double)s.count / a->blocks;
  f->most = 0;
  for (int j = 0; j < a->workers; j++) f->most = a->degree[j] > f->most ? a->degree[j] : f->most;
  if (row != SG_DESIGN_FOUND) return SG_OK;
  d->patterns = s.count;
  d->missing = s.missing / (double)s.count;
  d->stragglers = (int)fmax(1, round(d->missing));
  return SG_OK;
}

/* --- The file --------------------------------------------------------------------------------- */

static void put_row(const sg_design *d, int row, sg_buffer *out) {
  const sg_design_figures *f = &d->row[row];
  sg_putf(out, "#   %-21s  %.6g ± %.2g", sg_design_rows[row], f->loss, f->loss_error);
  if (d->objective != SG_FOR_ERROR) sg_putf(out, "; error %.6g ± %.2g", f->error, f->error_error);
  sg_putf(out, "; bound %.6g; adversary %.6g; at most %d blocks, %d entries\n", f->bound,
          f->adversarial, f->most, f->placement->entries);
}

static void put_file(const sg_design_options *o, sg_design *d) {
  static const char *const meanings[] = {
      "mean of ‖1 − α‖² / blocks by optimal decoding",
      "mean share of blocks that peeling does not recover",
      "mean seconds until ‖1 − α‖² / blocks is small enough, else until the last answer"};
  sg_buffer *out = &d->file;
  const sg_tanner *a = d->row[SG_DESIGN_FOUND].placement;
  sg_put(out, "# A sparse code, made by straggle codes design, for {\"code\": \"sparse\"}.\n"
              "# Numbers: workers, blocks, entries; then worker, block (from 0) and coefficient of "
              "each entry.\n");
  sg_put(out, o->heading);
  sg_putf(out,
          "# search: seed %llu, %ld moves, %ld kept, %d patterns, drawn again every %ld moves\n",
          (unsigned long long)o->search.seed, d->search.moves, d->search.kept, o->search.patterns,
          o->search.refresh);
  if (d->search.interrupted)
    sg_putf(out, "# INTERRUPTED after %ld of %ld moves: the best so far\n", d->search.moves,
            o->search.moves);
  sg_putf(
      out,
      "# objective: %s\n# on %ld fresh patterns, %.4g workers missing in the mean; bound: blocks "
      "that nobody answers for;\n# adversary: %s, %d missing, found greedily\n",
      meanings[d->objective], d->patterns, d->missing,
      d->objective == SG_FOR_PEEL ? "objective" : "error", d->stragglers);
  for (int row = 0; row < SG_DESIGN_ROWS; row++) put_row(d, row, out);
  sg_putf(out, "%d,%d,%d\n", a->workers, a->blocks, a->entries);
  for (int j = 0; j < a->workers; j++)
    for (int s = 0; s < a->degree[j]; s++) {
      size_t at = (size_t)j * (size_t)a->most + (size_t)s;
      sg_putf(out, "%d,%d,%g\n", j, a->block[at], a->coef[at]);
    }
}

/* --- Putting it together ---------------------------------------------------------------------- */

static sg_status check(const sg_survival *of, const sg_design_options *o, sg_error *e) {
  double most = (double)of->workers * o->most;
  if (o->entries < o->blocks)
    return sg_fail(e, SG_INVALID, NULL,
                   "expected at least an entry for each of %d blocks, found %d entries", o->blocks,
                   o->entries);
  if (o->entries > most || o->entries > (double)of->workers * o->blocks)
    return sg_fail(e, SG_INVALID, NULL,
                   "expected at most %.0f entries for %d workers of at most %d blocks each, found "
                   "%d",
                   fmin(most, (double)of->workers * o->blocks), of->workers, o->most, o->entries);
  return SG_OK;
}

static void draw_signs(sg_tanner *a, uint64_t seed) {
  for (int j = 0; j < a->workers; j++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CHECK, FOR_SIGNS, (uint32_t)j, 0);
    for (int s = 0; s < a->degree[j]; s++)
      a->coef[(size_t)j * (size_t)a->most + (size_t)s] = sg_uniform(&random) < 0.5 ? -1 : 1;
  }
}

/* Probabilities of loss for the greedy degrees and the bound, from a bank of their own. */
static sg_status find_lost(const sg_survival *of, const sg_design_options *o, int number,
                           double *lost) {
  sg_bank *bank = sg_bank_new(of, o->most, o->search.patterns);
  int usual = (o->entries + of->workers - 1) / of->workers;
  bool ok = bank && sg_bank_fill(bank, number) && sg_bank_lost(bank, o->most, usual, lost);
  sg_bank_free(bank);
  return ok ? SG_OK : SG_NO_MEMORY;
}

static sg_status begin(const sg_survival *of, const sg_design_options *o, const double *lost,
                       sg_design *d) {
  uint64_t seed = o->search.seed;
  for (int row = 0; row < SG_DESIGN_ROWS; row++) {
    int most = row == SG_DESIGN_GROUPS
                   ? sg_tanner_repetition_most(of->workers, o->blocks, o->entries)
                   : o->most;
    d->row[row].placement = sg_tanner_new(of->workers, o->blocks, most);
    if (!d->row[row].placement) return SG_NO_MEMORY;
  }
  sg_tanner_random(d->row[SG_DESIGN_RANDOM].placement, o->entries, seed);
  sg_tanner_regular(d->row[SG_DESIGN_REGULAR].placement, o->entries, seed);
  if (!sg_tanner_greedy(d->row[SG_DESIGN_GREEDY].placement, o->entries, lost, seed))
    return SG_NO_MEMORY;
  sg_tanner_repetition(d->row[SG_DESIGN_GROUPS].placement, o->entries);
  for (int row = 0; o->signs && row < SG_DESIGN_FOUND; row++)
    draw_signs(d->row[row].placement, seed);
  return SG_OK;
}

/* The search begins with greedy degrees or the regular placement, whichever a bank finds better. */
static sg_status choose_start(const sg_survival *of, const sg_design_options *o, int number,
                              sg_design *d) {
  static const int rows[] = {SG_DESIGN_GREEDY, SG_DESIGN_REGULAR};
  sg_judge *judge = sg_judge_new(of, &o->search, o->blocks, o->most, o->search.patterns);
  double sum[2] = {0};
  bool ok = judge && sg_bank_fill(sg_judge_bank(judge), number);
  for (int k = 0; ok && k < 2; k++)
    for (int i = 0; i < o->search.patterns; i++)
      sum[k] += sg_judge_loss(judge, d->row[rows[k]].placement, i, NULL);
  sg_judge_free(judge);
  sg_tanner_copy(d->row[SG_DESIGN_FOUND].placement, d->row[rows[sum[1] < sum[0]]].placement);
  return ok ? SG_OK : SG_NO_MEMORY;
}

static sg_status measure_all(const sg_survival *of, const sg_design_options *o, int bank,
                             const double *lost, sg_design *d) {
  sg_status status = SG_OK;
  sg_judge *judge = sg_judge_new(of, &o->search, o->blocks, o->most, 1);
  if (!judge) return SG_NO_MEMORY;
  for (int row = 0; row < SG_DESIGN_ROWS && !status; row++) {
    status = fill_figures(of, o, bank, d, row);
    if (o->search.progress)
      o->search.progress(o->search.user, SG_DESIGN_SEARCH_SHARE + (1 - SG_DESIGN_SEARCH_SHARE) *
                                                                      (row + 1) / SG_DESIGN_ROWS);
  }
  for (int row = 0; row < SG_DESIGN_ROWS && !status; row++) {
    sg_design_figures *f = &d->row[row];
    f->adversarial = sg_design_adversary(judge, f->placement, d->stragglers);
    if (isnan(f->adversarial)) status = SG_NO_MEMORY;
    if (sg_survival_by_chance(of)) f->bound = sg_tanner_bound(f->placement, lost);
  }
  sg_judge_free(judge);
  return status;
}

static void show(void *user, double share) {
  const sg_design_options *o = user;
  o->search.progress(o->search.user, SG_DESIGN_SEARCH_SHARE * share);
}

sg_status sg_design_new(const sg_survival *of, const sg_design_options *o, sg_design **out,
                        sg_error *e) {
  sg_status status = check(of, o, e);
  if (status) return status;
  sg_design *d = calloc(1, sizeof *d);
  SG_OWNED double *lost = calloc(((size_t)o->blocks + 1) * (size_t)of->workers, sizeof *lost);
  int bank = 0;
  if (!d || !lost) status = SG_NO_MEMORY;
  if (!status) {
    *d = (sg_design){.workers = of->workers, .blocks = o->blocks, .objective = o->search.objective};
    status = find_lost(of, o, bank++, lost);
  }
  /* Groups may have more blocks than `most`; by chance all numbers of blocks are the same. */
  for (int k = o->most + 1; !status && k <= o->blocks; k++)
    memcpy(lost + (size_t)k * (size_t)of->workers, lost + (size_t)o->most * (size_t)of->workers,
           (size_t)of->workers * sizeof *lost);
  if (!status) status = begin(of, o, lost, d);
  if (!status) status = choose_start(of, o, bank++, d);
  sg_search_options search = o->search;
  search.budget = o->entries;
  search.signs = o->signs;
  search.progress = search.progress ? show : NULL;
  search.user = (void *)(uintptr_t)o;
  if (!status)
    status = sg_search(of, &search, d->row[SG_DESIGN_FOUND].placement, &bank, &d->search);
  if (!status) {
    sg_tanner_sort(d->row[SG_DESIGN_FOUND].placement);
    status = measure_all(of, o, bank, lost, d);
  }
  if (!status) put_file(o, d);
  if (!status && d->file.failed) status = SG_NO_MEMORY;
  if (!status) {
    *out = d;
    return SG_OK;
  }
  sg_design_free(d);
  return sg_fail_memory(e);
}

void sg_design_free(sg_design *d) {
  if (!d) return;
  for (int row = 0; row < SG_DESIGN_ROWS; row++) sg_tanner_free(d->row[row].placement);
  sg_buffer_free(&d->file);
  free(d);
}
