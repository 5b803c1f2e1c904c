/* SPDX-License-Identifier: MIT */
/* What is done another way where workers are many: the same laws as the way of few, the same
 * coefficients, and no more steps than there are entries. */
#include "codes/tools/fewest.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/nulling.h"
#include "codes/tools/placement.h"
#include "sim/core/array.h"
#include "tests/support/placed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Placements ------------------------------------------------------------------------------- */

/* Chances by runs of workers, and how often they are asked for. */
typedef struct runs {
  int count;
  const int *end;
  const double *chance;
  long *asked;
} runs;

static double chance_of(const void *of, int worker, int block, int *end) {
  const runs *r = of;
  int k = 0;
  (void)block;
  ++*r->asked;
  while (worker >= r->end[k]) k++;
  *end = r->end[k];
  return r->chance[k];
}

typedef struct drawn {
  sg_code code;
  sg_approximate t;
} drawn;

static drawn draw(int workers, int blocks, const runs *r, bool cover, sg_drawn_by by,
                  uint64_t seed) {
  drawn d = {.code = {.shape = {.workers = workers, .seed = seed}}};
  sg_draw draw = {.blocks = blocks, .chance = chance_of, .of = r, .cover = cover, .by = by};
  sg_error *e = NULL;
  assert_int_equal(sg_placement_draw(&d.code, &draw, &d.t, e), SG_OK);
  assert_int_equal(d.t.a.rows, workers);
  return d;
}

static double chance_that_none(const runs *r) {
  double none = 1;
  for (int k = 0, first = 0; k < r->count; first = r->end[k++])
    none *= pow(1 - r->chance[k], r->end[k] - first);
  return none;
}

/* Of each worker, and of the first with each other one, that they have a block, both ways and with
 * and without covering: c_j and c_0 c_j over the chance that somebody has it. */
static void placements_by_skips_have_the_law(void **state) {
  (void)state;
  enum { WORKERS = 12, BLOCKS = 40000 };
  long asked = 0;
  const runs all[] = {{4, (const int[]){3, 5, 9, 12}, (const double[]){0.1, 0, 0.4, 0.02}, &asked},
                      {2, (const int[]){1, 12}, (const double[]){0.05, 0.01}, &asked},
                      {3, (const int[]){2, 3, 12}, (const double[]){0.3, 1, 0.2}, &asked}};
  for (int q = 0; q < 3; q++)
    for (int cover = 0; cover < 2; cover++)
      for (int by = SG_ONE_BY_ONE; by <= SG_BY_SKIPS; by++) {
        drawn d = draw(WORKERS, BLOCKS, &all[q], cover, (sg_drawn_by)by, (uint64_t)(7 + q));
        const sg_sparse *a = &d.t.a;
        double some = cover ? 1 - chance_that_none(&all[q]) : 1;
        bool *first = calloc(BLOCKS, sizeof *first), *any = calloc(BLOCKS, sizeof *any);
        assert_true(first && any);
        for (size_t k = a->begin[0]; k < a->begin[1]; k++) first[a->column[k]] = true;
        for (int j = 0; j < WORKERS; j++) {
          int end, both = 0, count = (int)(a->begin[j + 1] - a->begin[j]);
          double c = chance_of(&all[q], j, 0, &end), c0 = all[q].chance[0], p = c / some,
                 p0 = c0 * c / some;
          for (size_t k = a->begin[j]; k < a->begin[j + 1]; k++) {
            both += first[a->column[k]];
            any[a->column[k]] = true;
            assert_true(k == a->begin[j] || a->column[k] > a->column[k - 1]);
          }
          CLOSE(count, p * BLOCKS, 4.5 * sqrt(p * (1 - p) * BLOCKS) + 1e-9);
          if (j > 0) CLOSE(both, p0 * BLOCKS, 4.5 * sqrt(p0 * (1 - p0) * BLOCKS) + 1e-9);
        }
        for (int i = 0; cover && i < BLOCKS; i++) assert_true(any[i]);
        free(first);
        free(any);
        sg_arena_free(d.code.arena);
      }
}

/* Each entry, and each end of a run, asks for a chance once; covering once more for each run. */
static void many_workers_cost_what_they_have(void **state) {
  (void)state;
  enum { WORKERS = 5000, BLOCKS = 5000 };
  for (int cover = 0; cover < 2; cover++) {
    long asked = 0;
    const runs r = {2, (const int[]){100, WORKERS}, (const double[]){0.01, 0.0005}, &asked};
    drawn d = draw(WORKERS, BLOCKS, &r, cover, SG_BY_SIZE, 3);
    assert_true(d.t.a.begin[WORKERS] > 2 * BLOCKS);
    assert_in_range(asked, 1, 2 * (1 + cover) * BLOCKS);
    sg_arena_free(d.code.arena);
  }
  assert_false(sg_placement_is_large(4096)); /* whose numbers are in databases */
}

/* Of a block, which is independent of the others: the sum of its numbers, of their squares, and of
 * the products of all pairs of workers have the means ℓ, ℓ and (n − 1) ω. */
static void check_moments(const char *name, const char *words, double l, double omega) {
  enum { N = 5000 };
  made m = make(name, words, N, 11);
  const sg_sparse *a = &m.t->a;
  moments sum = {0}, size = {0}, product = {0};
  double *s = calloc(2 * N, sizeof *s), *q = s + N;
  int *column = calloc(N, sizeof *column);
  assert_true(s && column);
  for (int j = 0; j < N; j++)
    for (size_t k = a->begin[j]; k < a->begin[j + 1]; k++) {
      s[a->column[k]] += a->value[k];
      q[a->column[k]] += a->value[k] * a->value[k];
      assert_true(column[a->column[k]] != j + 1); /* no block twice */
      column[a->column[k]] = j + 1;
    }
  for (int i = 0; i < N; i++) {
    take(&sum, s[i]);
    take(&size, q[i]);
    take(&product, s[i] * s[i] - q[i]);
  }
  check_z(&sum, l, "sum");
  check_z(&size, l, "squares");
  check_z(&product, (N - 1) * omega, "products");
  free(s);
  free(column);
  drop(&m);
}

static void random_designs_of_many_workers_have_their_moments(void **state) {
  (void)state;
  check_moments("soft-block-design", "d=6.3 omega=0.02", 6.3, 0.02);
  check_moments("soft-block-design", "d=40 omega=0.4", 40, 0.4);
  check_moments("sparse-gaussian", "d=6 omega=0.02", 6, 0.02);
  check_moments("sparse-gaussian", "d=20 omega=0.1 density=0.02", 20, 0.1);
}

/* --- The fewest ------------------------------------------------------------------------------- */

/* Whatever rounds take: always of the fewest, and all of these alike. */
static void the_fewest_are_taken_all_alike(void **state) {
  (void)state;
  enum { COUNT = 7, ROUNDS = 60000 };
  int order[COUNT], rounds[COUNT] = {0}, first[COUNT] = {0}, second[COUNT] = {0}, starts = 0;
  sg_fewest f;
  sg_stream s = stream_of(17);
  sg_fewest_begin(&f, COUNT, order);
  for (int r = 0; r < ROUNDS; r++) {
    int wanted = 1 + (int)(sg_uniform(&s) * COUNT), level = rounds[0], low = 0;
    bool taken[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) level = rounds[i] < level ? rounds[i] : level;
    for (int i = 0; i < COUNT; i++) low += rounds[i] == level;
    for (int k = 0; k < wanted; k++) {
      int item = sg_fewest_take(&f, &s), least = -1;
      assert_in_range(item, 0, COUNT - 1);
      assert_false(taken[item]);
      for (int i = 0; i < COUNT; i++)
        if (!taken[i] && (least < 0 || rounds[i] < least)) least = rounds[i];
      assert_int_equal(rounds[item], least);
      taken[item] = true;
      if (k == 0 && low == COUNT) first[item]++, starts++;
      if (k == 1 && low == COUNT) second[item]++;
    }
    sg_fewest_end_round(&f);
    for (int i = 0; i < COUNT; i++) rounds[i] += taken[i];
  }
  assert_true(starts > 1000);
  for (int i = 0; i < COUNT; i++) {
    double p = 1.0 / COUNT;
    CLOSE(first[i], p * starts, 4.5 * sqrt(p * starts));
    CLOSE(second[i], p * starts * (COUNT - 1) / COUNT, 4.5 * sqrt(p * starts));
  }
}

/* Blocks of ldgm are at equally many workers, give or take one. */
static void many_workers_are_dealt_blocks_evenly(void **state) {
  (void)state;
  enum { N = 5000, BLOCKS = 700 };
  made m = make("ldgm", "parts=700", N, 5);
  int have[BLOCKS] = {0}, least = N, most = 0;
  for (size_t k = 0; k < m.t->a.begin[N]; k++) have[m.t->a.column[k]]++;
  for (int i = 0; i < BLOCKS; i++) {
    least = have[i] < least ? have[i] : least;
    most = have[i] > most ? have[i] : most;
  }
  assert_true(least > 0 && most - least <= 1);
  drop(&m);
}

/* --- Nulling ---------------------------------------------------------------------------------- */

/* V with the frame's null space and with D as its last rows: the coefficients by its rows are those
 * by the frame, whoever holds a part. */
static void coefficients_are_those_of_the_rows(void **state) {
  (void)state;
  enum { N = 24, S = 3, M = 2, R = N - S, TOP = R - M, WIDE = S + M };
  sg_nulling q;
  assert_int_equal(sg_nulling_new(&q, N, S, M, N, 9), SG_OK);
  double space[N * N] = {0}, unused[N * WIDE], v[R * N], block[M * R], scratch[N * R + (N + 1) * M],
                   own[N * M];
  lapack_int pivots[N + 1];
  for (int i = 0; i < N; i++)
    for (int k = 0; k < WIDE; k++) space[i + k * N] = q.frame[k + i * WIDE];
  assert_int_equal(sg_pivoted_qr(N, WIDE, WIDE, space, N, unused, WIDE, pivots), SG_OK);
  for (int i = 0; i < N; i++)
    for (int r = 0; r < R; r++)
      v[r + i * R] = r < TOP ? space[i + (WIDE + r) * N] : q.frame[S + r - TOP + i * WIDE];
  sg_stream s = stream_of(23);
  for (int turn = 0; turn < 200; turn++) {
    int who[N], absent[N], holders = WIDE + turn % (N - WIDE + 1), count = 0, others = 0;
    bool held[N];
    sample(&s, N, holders, held);
    for (int i = 0; i < N; i++) *(held[i] ? &who[count++] : &absent[others++]) = i;
    memset(block, 0, sizeof block);
    assert_int_equal(sg_nulling_block(v, R, M, others, absent, block, scratch, pivots), SG_OK);
    assert_int_equal(sg_nulling_coefficients(&q, holders, who, own), SG_OK);
    for (int k = 0; k < holders; k++)
      for (int u = 0; u < M; u++) {
        double expected = cblas_ddot(R, block + u, M, v + who[k] * R, 1), size = 0;
        for (int i = 0; i < holders * M; i++) size = fmax(size, fabs(own[i]));
        CLOSE(own[k * M + u], expected, 1e-9 * size);
      }
  }
  sg_nulling_free(&q);
  assert_false(sg_nulling_is_large(512, 3, 2)); /* whose weights are in databases */
  assert_true(sg_nulling_is_large(513, 3, 2));
  assert_false(sg_nulling_is_large(600, 300, 2));
}

/* --- Sorting ---------------------------------------------------------------------------------- */

typedef struct numbered {
  double x;
  size_t place;
} numbered;

static int by_size_and_place(const void *a, const void *b) {
  const numbered *p = a, *q = b;
  if (p->x != q->x) return p->x < q->x ? -1 : 1;
  return (p->place > q->place) - (p->place < q->place);
}

/* To the bit: zeros of either sign stay in their order. */
static void numbers_are_sorted_stably(void **state) {
  (void)state;
  enum { MOST = 3000 };
  static double own[MOST];
  static numbered other[MOST];
  sg_stream s = stream_of(31);
  for (size_t n = 0; n < MOST; n = n < 70 ? n + 1 : n * 5 / 3)
    for (int kind = 0; kind < 4; kind++) {
      for (size_t i = 0; i < n; i++) {
        double u = sg_uniform(&s);
        own[i] = kind == 0 ? u : kind == 1 ? floor(8 * u) - 4 : kind == 2 ? (double)i : -(double)i;
        if (own[i] == 0 && u < 0.53) own[i] = -0.0;
        if (kind == 0 && u > 0.99) own[i] = INFINITY;
        other[i] = (numbered){own[i], i};
      }
      sg_sort_doubles(own, n);
      qsort(other, n, sizeof *other, by_size_and_place);
      for (size_t i = 0; i < n; i++) assert_memory_equal(&own[i], &other[i].x, sizeof *own);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(placements_by_skips_have_the_law),
      cmocka_unit_test(many_workers_cost_what_they_have),
      cmocka_unit_test(random_designs_of_many_workers_have_their_moments),
      cmocka_unit_test(the_fewest_are_taken_all_alike),
      cmocka_unit_test(many_workers_are_dealt_blocks_evenly),
      cmocka_unit_test(coefficients_are_those_of_the_rows),
      cmocka_unit_test(numbers_are_sorted_stably),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
