/* SPDX-License-Identifier: MIT */
/* sim/design: errors without weights against the decoder and against closed forms, banks, the
 * search. */
#include "sim/core/linalg.h"
#include "sim/design/design.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ‖1 − α‖² by LAPACK's minimum-norm least squares: none of the code under test. */
static double by_least_squares(const sg_tanner *a, const uint64_t *came) {
  enum { MOST = 100 };
  static double m[MOST * MOST], b[MOST], x[MOST];
  static lapack_int pivots[MOST];
  int count = 0, rows = a->blocks, ldb = a->blocks > a->workers ? a->blocks : a->workers;
  double left = 0;
  memset(m, 0, sizeof m);
  int worker[MOST];
  for (int j = 0; j < a->workers; j++)
    if (came[j / 64] >> j % 64 & 1) worker[count++] = j;
  for (int k = 0; k < count; k++)
    for (int s = 0; s < a->degree[worker[k]]; s++) {
      size_t at = (size_t)worker[k] * (size_t)a->most + (size_t)s;
      m[a->block[at] + k * rows] = a->coef[at];
    }
  static double copy[MOST * MOST];
  memcpy(copy, m, sizeof m);
  for (int i = 0; i < ldb; i++) b[i] = i < rows;
  if (count > 0)
    assert_int_equal(
        sg_least_squares(rows, count, 1, copy, rows, b, ldb, 1e-10, pivots, NULL, NULL), SG_OK);
  memcpy(x, b, sizeof x);
  for (int i = 0; i < rows; i++) {
    double alpha = 0;
    for (int k = 0; k < count; k++) alpha += m[i + k * rows] * x[k];
    left += (1 - alpha) * (1 - alpha);
  }
  return left;
}

static int isolated(const sg_tanner *a, const uint64_t *came) {
  int count = 0;
  for (int i = 0; i < a->blocks; i++) {
    bool covered = false;
    for (int j = 0; j < a->workers; j++)
      covered |= (came[j / 64] >> j % 64 & 1) && sg_tanner_find(a, j, i) >= 0;
    count += !covered;
  }
  return count;
}

/* Peeling as one would write it down. */
static int by_peeling(const sg_tanner *a, const uint64_t *came) {
  bool known[100] = {0}, more = true;
  int left = a->blocks;
  while (more) {
    more = false;
    for (int j = 0; j < a->workers; j++) {
      int unknown = 0, last = -1;
      if (!(came[j / 64] >> j % 64 & 1)) continue;
      for (int i = 0; i < a->blocks; i++)
        if (!known[i] && sg_tanner_find(a, j, i) >= 0) {
          unknown++;
          last = i;
        }
      if (unknown != 1) continue;
      known[last] = more = true;
      left--;
    }
  }
  return left;
}

static void draw_came(const sg_tanner *a, double p, uint32_t number, uint64_t *came) {
  sg_stream random;
  sg_stream_at(&random, 7, 0, SG_FOR_CHECK, 1, number, 0);
  memset(came, 0, 2 * sizeof *came);
  for (int j = 0; j < a->workers; j++)
    if (sg_uniform(&random) >= p) came[j / 64] |= (uint64_t)1 << j % 64;
}

static void errors_are_those_of_the_decoder(void **state) {
  static const struct {
    int workers, blocks, entries, most;
  } sizes[] = {{24, 16, 48, 8},  {12, 12, 20, 4}, {70, 80, 160, 6}, {6, 3, 9, 3},
               {90, 66, 140, 2}, {5, 5, 5, 1},    {30, 8, 100, 8}};
  static const double shares[] = {0.05, 0.3, 0.7, 1};
  long tried = 0, positive = 0;
  for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
    for (uint64_t seed = 1; seed <= 12; seed++) {
      sg_tanner *a = sg_tanner_new(sizes[z].workers, sizes[z].blocks, sizes[z].most);
      sg_residual *r = sg_residual_new(sizes[z].blocks);
      assert_non_null(a);
      assert_non_null(r);
      if (seed % 2)
        sg_tanner_random(a, sizes[z].entries, seed);
      else
        sg_tanner_regular(a, sizes[z].entries, seed);
      for (int j = 0; seed % 3 == 0 && j < a->workers * a->most; j++)
        a->coef[j] = seed % 2 ? (j % 2 ? 1 : -1) : 0.25 + j % 5;
      for (int p = 0; p < 4; p++)
        for (uint32_t k = 0; k < 40; k++) {
          uint64_t came[2];
          draw_came(a, shares[p], k + 100 * (uint32_t)seed, came);
          double error = sg_residual_error(r, a, came), wanted = by_least_squares(a, came);
          assert_true(fabs(error - wanted) < 1e-7 * a->blocks);
          assert_true(fabs(sg_residual_beyond(r, a, came) + isolated(a, came) - error) < 1e-9);
          sg_residual_begin(r);
          double before = a->blocks;
          for (int j = a->workers - 1; j >= 0; j--) {
            if (!(came[j / 64] >> j % 64 & 1)) continue;
            sg_residual_add(r, a, j);
            double now = sg_residual_now(r);
            assert_true(now <= before + 1e-7); /* one more never raises the error */
            before = now;
          }
          assert_true(fabs(sg_residual_now(r) - wanted) < 1e-7 * a->blocks);
          int left = by_peeling(a, came);
          assert_int_equal(sg_residual_unpeeled(r, a, came), left);
          assert_int_equal(sg_residual_unpeeled_beyond(r, a, came), left - isolated(a, came));
          assert_true(error <= left + 1e-9); /* least squares is never worse than peeling */
          tried++;
          positive += error > 1e-9;
        }
      sg_residual_free(r);
      sg_tanner_free(a);
    }
  assert_true(tried > 10000 && positive > 1000);
}

/* E e of K4 and of Petersen's graph, whose values were found by other means (derived). */
static double enumerate(const int (*edge)[2], int workers, int blocks, double p) {
  sg_tanner *a = sg_tanner_new(workers, blocks, 2);
  sg_residual *r = sg_residual_new(blocks);
  double mean = 0;
  for (int j = 0; j < workers; j++)
    for (int s = 0; s < 2; s++) sg_tanner_add(a, j, edge[j][s], 1);
  for (uint64_t came = 0; came < (uint64_t)1 << workers; came++) {
    int count = __builtin_popcountll(came);
    mean += pow(1 - p, count) * pow(p, workers - count) * sg_residual_error(r, a, &came) / blocks;
  }
  sg_residual_free(r);
  sg_tanner_free(a);
  return mean;
}

static void graphs_have_their_errors(void **state) {
  static const int k4[][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
  static const int petersen[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}, {0, 5}, {1, 6}, {2, 7},
                                    {3, 8}, {4, 9}, {5, 7}, {7, 9}, {9, 6}, {6, 8}, {8, 5}};
  assert_true(fabs(enumerate(k4, 6, 4, 0.2) - 0.01312) < 1e-10);
  assert_true(fabs(enumerate(petersen, 15, 10, 0.1) - 1.21778161e-3) < 5e-12);
  assert_true(fabs(enumerate(petersen, 15, 10, 0.2) - 9.92994634e-3) < 5e-12);
  assert_true(fabs(enumerate(petersen, 15, 10, 0.3) - 0.0335226033) < 5e-11);
}

/* Fractional repetition has exactly p^d under independent losses, and is the bound. */
static void groups_attain_the_bound(void **state) {
  sg_tanner *a = sg_tanner_new(12, 8, sg_tanner_repetition_most(12, 8, 24));
  sg_residual *r = sg_residual_new(8);
  double p[12], lost[9 * 12], mean = 0;
  for (int j = 0; j < 12; j++) p[j] = j % 2 ? 0.1 : 0.3;
  for (int d = 0; d < 9; d++) memcpy(lost + 12 * d, p, sizeof p);
  sg_tanner_repetition(a, 24);
  assert_int_equal(a->entries, 24);
  for (uint64_t came = 0; came < 4096; came++) {
    double chance = 1;
    for (int j = 0; j < 12; j++) chance *= came >> j & 1 ? 1 - p[j] : p[j];
    mean += chance * sg_residual_error(r, a, &came) / 8;
  }
  /* Groups 0–2, 3–5, 6–8, 9–11: .3 .1 .3, .1 .3 .1 and again. */
  assert_true(fabs(mean - (0.009 + 0.003) / 2) < 1e-14);
  assert_true(fabs(sg_tanner_bound(a, lost) - mean) < 1e-14);
  sg_residual_free(r);
  sg_tanner_free(a);
}

static void check_budget(const sg_tanner *a, int entries) {
  int sum = 0;
  assert_int_equal(a->entries, entries);
  for (int j = 0; j < a->workers; j++) {
    assert_true(a->degree[j] >= 0 && a->degree[j] <= a->most);
    sum += a->degree[j];
    for (int s = 0; s < a->degree[j]; s++)
      assert_int_equal(sg_tanner_find(a, j, a->block[j * a->most + s]), s); /* once */
  }
  assert_int_equal(sum, entries);
  for (int i = 0; i < a->blocks; i++) assert_true(a->copies[i] > 0);
}

static void placements_keep_their_budget(void **state) {
  for (int n = 2; n < 20; n++)
    for (int m = 2; m < 20; m += 3)
      for (int load = 1; load <= 3; load++) {
        int entries = load * m < n ? n : load * m, most = 2 * ((entries + m - 1) / m);
        if (most > n) most = n;
        if (entries > n * m) continue;
        double *lost = malloc((size_t)(n + 1) * (size_t)m * sizeof *lost);
        for (int k = 0; k < (n + 1) * m; k++) lost[k] = 0.1 + 0.01 * (k % m);
        sg_tanner *a = sg_tanner_new(m, n, most);
        sg_tanner_regular(a, entries, 3);
        check_budget(a, entries);
        sg_tanner_free(a);
        a = sg_tanner_new(m, n, most);
        sg_tanner_greedy(a, entries, lost, 3);
        check_budget(a, entries);
        sg_tanner_free(a);
        free(lost);
      }
}

/* Unreliable workers get nothing while reliable ones have room; a worker that answers less often
 * the more it has to do is not given more than pays. */
static void greedy_degrees_follow_reliability(void **state) {
  double lost[5 * 8];
  sg_tanner *a = sg_tanner_new(8, 8, 4);
  for (int d = 0; d < 5; d++)
    for (int j = 0; j < 8; j++) lost[8 * d + j] = j < 4 ? 0.01 : 0.9;
  sg_tanner_greedy(a, 16, lost, 1);
  for (int j = 0; j < 8; j++) assert_int_equal(a->degree[j], j < 4 ? 4 : 0);
  sg_tanner_free(a);
  a = sg_tanner_new(8, 8, 4);
  for (int d = 0; d < 5; d++)
    for (int j = 0; j < 8; j++) lost[8 * d + j] = d < 2 ? 0.1 : 0.9;
  sg_tanner_greedy(a, 16, lost, 1);
  assert_int_equal(a->entries, 8);
  sg_tanner_free(a);
}

/* --- The search ------------------------------------------------------------------------------- */

enum { WORKERS = 12, BLOCKS = 8, ENTRIES = 24 };

static void design_with(const double *p, long moves, uint64_t seed, const atomic_bool *stop,
                        sg_design **out) {
  sg_survival of = {.workers = WORKERS, .lost = p, .seed = seed};
  sg_design_options o = {.blocks = BLOCKS,
                         .entries = ENTRIES,
                         .most = 4,
                         .heading = "",
                         .search = {.moves = moves,
                                    .refresh = 300,
                                    .patterns = 500,
                                    .heat = 0.05,
                                    .seed = seed,
                                    .stop = stop}};
  sg_error e = {0};
  assert_int_equal(sg_design_new(&of, &o, out, &e), SG_OK);
  sg_error_clear(&e);
}

/* The exact mean error over all 4,096 patterns, by LAPACK. */
static double exact_error(const sg_tanner *a, const double *p) {
  double mean = 0;
  for (uint64_t came = 0; came < 1 << WORKERS; came++) {
    double chance = 1;
    for (int j = 0; j < WORKERS; j++) chance *= came >> j & 1 ? 1 - p[j] : p[j];
    mean += chance * by_least_squares(a, &came) / BLOCKS;
  }
  return mean;
}

static void figures_are_exact_means(void **state) {
  double p[WORKERS];
  for (int j = 0; j < WORKERS; j++) p[j] = j % 2 ? 0.05 : 0.4;
  sg_design *d;
  design_with(p, 900, 5, NULL, &d);
  for (int row = 0; row < SG_DESIGN_ROWS; row++) {
    const sg_design_figures *f = &d->row[row];
    double exact = exact_error(f->placement, p);
    assert_true(fabs(f->loss - exact) <= 4 * f->loss_error);
    assert_true(f->bound <= exact + 1e-12);
    if (row == SG_DESIGN_FOUND) check_budget(f->placement, ENTRIES);
  }
  assert_true(exact_error(d->row[SG_DESIGN_FOUND].placement, p) <
              0.5 * exact_error(d->row[SG_DESIGN_RANDOM].placement, p));
  sg_design_free(d);
}

static void one_seed_makes_one_file(void **state) {
  double p[WORKERS];
  for (int j = 0; j < WORKERS; j++) p[j] = 0.2;
  sg_design *a, *b, *c;
  design_with(p, 700, 1, NULL, &a);
  design_with(p, 700, 1, NULL, &b);
  design_with(p, 700, 2, NULL, &c);
  assert_string_equal(a->file.data, b->file.data);
  assert_string_not_equal(a->file.data, c->file.data);
  sg_design_free(a);
  sg_design_free(b);
  sg_design_free(c);
}

static void a_stopped_search_keeps_what_it_has(void **state) {
  double p[WORKERS];
  for (int j = 0; j < WORKERS; j++) p[j] = 0.2;
  atomic_bool stop = true;
  sg_design *d;
  design_with(p, 700, 1, &stop, &d);
  assert_true(d->search.interrupted);
  assert_int_equal(d->search.moves, 0);
  check_budget(d->row[SG_DESIGN_FOUND].placement, ENTRIES);
  assert_non_null(strstr(d->file.data, "# INTERRUPTED after 0 of 700 moves"));
  sg_design_free(d);
}

/* The worst of all sets of s workers is never exceeded, and nearly found. */
static void the_adversary_is_no_better_than_the_worst(void **state) {
  double p[WORKERS], found = 0, there = 0;
  for (int j = 0; j < WORKERS; j++) p[j] = 0.4;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    sg_design *d;
    design_with(p, 300, seed, NULL, &d);
    assert_int_equal(d->stragglers, 5);
    for (int row = 0; row < SG_DESIGN_ROWS; row++) {
      double worst = 0;
      for (uint64_t came = 0; came < 1 << WORKERS; came++)
        if (WORKERS - __builtin_popcountll(came) == d->stragglers)
          worst = fmax(worst, by_least_squares(d->row[row].placement, &came) / BLOCKS);
      assert_true(d->row[row].adversarial <= worst + 1e-9);
      assert_true(d->row[row].adversarial >= 0.5 * worst);
      found += d->row[row].adversarial;
      there += worst;
    }
    sg_design_free(d);
  }
  assert_true(found > 0.8 * there);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_are_those_of_the_decoder),
      cmocka_unit_test(graphs_have_their_errors),
      cmocka_unit_test(groups_attain_the_bound),
      cmocka_unit_test(placements_keep_their_budget),
      cmocka_unit_test(greedy_degrees_follow_reliability),
      cmocka_unit_test(figures_are_exact_means),
      cmocka_unit_test(one_seed_makes_one_file),
      cmocka_unit_test(a_stopped_search_keeps_what_it_has),
      cmocka_unit_test(the_adversary_is_no_better_than_the_worst),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
