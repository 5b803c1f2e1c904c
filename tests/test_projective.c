/* SPDX-License-Identifier: MIT */
/* Projective derivative codes: rows, batch decoding against projectors from singular vectors, and
 * asynchronous updates that must sum to it, in random orders of arrival. */
#include "codes/tools/projective.h"
#include "sim/core/linalg.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 16 };
static sg_stream stream;

static void near(const char *what, double found, double wanted, double within) {
  if (!(fabs(found - wanted) <= within)) fail_msg("%s: %.15g, not %.15g", what, found, wanted);
}

static double normal(void) {
  return sqrt(-2 * log1p(-sg_uniform(&stream))) * cos(2 * M_PI * sg_uniform(&stream));
}

static void row_of(const bench *b, const sg_message *m, double *row) {
  sg_expander x = {0};
  memset(row, 0, (size_t)b->code->segment[0].pieces * sizeof *row);
  assert_true(sg_expand(&x, b->code, b->state, m, 1, row));
  sg_expander_free(&x);
}

/* P (blocks × blocks) = projector on the row space of count rows; its rank. */
static int projector(int blocks, int count, double row[][SIZE], double p[SIZE][SIZE]) {
  double a[SIZE * 64], sigma[SIZE], u[SIZE * SIZE], vt[64 * SIZE];
  int rank = 0, least = blocks < count ? blocks : count;
  memset(p, 0, SIZE * sizeof *p);
  if (count == 0) return 0;
  for (int j = 0; j < count; j++)
    for (int i = 0; i < blocks; i++) a[i + j * blocks] = row[j][i];
  assert_int_equal(
      LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', blocks, count, a, blocks, sigma, u, blocks, vt, least),
      0);
  while (rank < least && sigma[rank] > 1e-9 * sigma[0]) rank++;
  for (int k = 0; k < rank; k++)
    for (int i = 0; i < blocks; i++)
      for (int j = 0; j < blocks; j++) p[i][j] += u[i + k * blocks] * u[j + k * blocks];
  return rank;
}

static bench open_code(const char *name, const char *blocks, const char *weight, const char *more,
                       const char *value, int n) {
  bench b;
  sg_values *v = bench_values(name, "blocks", blocks, "weight", weight, NULL);
  if (more) assert_int_equal(sg_values_parse(v, more, value, NULL), SG_OK);
  bench_open_named(&b, v, n, 4);
  return b;
}

/* --- Rows --------------------------------------------------------------------------------------
 */

static void rows_are_spread(void **state) {
  (void)state;
  static const struct {
    int rows, blocks, weight;
    double coherence; /* at most */
  } cases[] = {{6, 6, 3, 0},    {3, 2, 2, .53}, {8, 6, 3, .6}, {12, 6, 3, .75}, {24, 12, 3, .71},
               {40, 20, 2, .8}, {7, 12, 3, 0},  {9, 4, 1, 1},  {5, 1, 3, 1},    {300, 150, 3, .71}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    int n = cases[k].rows, blocks = cases[k].blocks;
    sg_code code[2] = {{.shape = {.seed = 3}}, {.shape = {.seed = 3}}};
    sg_sparse c[2];
    sg_spread of = {0};
    for (int i = 0; i < 2; i++)
      assert_int_equal(sg_spread_rows(&code[i], n, blocks, cases[k].weight, &c[i], &of), SG_OK);
    size_t entries = c[0].begin[n];
    assert_memory_equal(c[0].column, c[1].column, entries * sizeof *c[0].column);
    assert_memory_equal(c[0].value, c[1].value, entries * sizeof *c[0].value);
    double *dense = calloc((size_t)n * (size_t)blocks, sizeof *dense), most = 0, sum = 0,
           fourth = 0;
    assert_non_null(dense);
    for (int j = 0; j < n; j++) {
      double norm = 0;
      assert_in_range(c[0].begin[j + 1] - c[0].begin[j], 1, (size_t)cases[k].weight);
      for (size_t e = c[0].begin[j]; e < c[0].begin[j + 1]; e++) {
        dense[j * blocks + c[0].column[e]] += c[0].value[e];
        norm += c[0].value[e] * c[0].value[e];
      }
      near("a norm", norm, 1, 1e-14);
    }
    for (int j = 0; j < n; j++)
      for (int i = 0; i < j; i++) {
        double dot = 0;
        for (int u = 0; u < blocks; u++) dot += dense[j * blocks + u] * dense[i * blocks + u];
        most = fmax(most, fabs(dot));
        sum += dot * dot;
        fourth += dot * dot * dot * dot;
      }
    free(dense);
    near("coherence", of.coherence, most, 1e-12);
    near("potential", of.potential, sum, 1e-9);
    near("welch", of.welch, fmax(0, ((double)n * n / blocks - n) / 2), 1e-12);
    assert_true(sum >= of.welch - 1e-9);
    assert_int_equal(of.rank, n < blocks ? n : blocks);
    if (!(most <= cases[k].coherence + 1e-12)) fail_msg("%d of %d: coherence %g", n, blocks, most);
    if (n == 24) assert_true(fourth < 6); /* 12 duplicates would have 12 */
    for (int i = 0; i < 2; i++) sg_arena_free(code[i].arena);
  }
}

/* --- Batch -------------------------------------------------------------------------------------
 */

static void batch_decoding(void **state) {
  (void)state;
  static const struct {
    const char *blocks, *weight;
    int n;
  } cases[] = {{"6", "3", 8}, {"8", "2", 8}, {"5", "3", 9}, {"10", "3", 6}, {"4", "1", 8}};
  sg_stream_at(&stream, 9, 0, SG_FOR_CHECK, 0, 0, 0);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bench b = open_code("projective-derivative", cases[k].blocks, cases[k].weight, NULL, NULL,
                        cases[k].n);
    int blocks = b.code->segment[0].pieces, n = cases[k].n;
    assert_true(b.code->flags & SG_ANY_COUNT && !b.code->exact);
    near("load", b.code->load, (double)n / blocks, 1e-12);
    near("copies", b.code->stored, n, 1e-12);
    for (unsigned long set = 1; set < 1UL << n; set++) {
      const sg_message *order[BENCH_MESSAGES];
      double row[64][SIZE], p[SIZE][SIZE], off = 0;
      sg_weights w;
      int count = 0;
      for (int i = 0; i < n; i++)
        if (set >> i & 1) row_of(&b, &b.message[i], row[count++]);
      int rank = projector(blocks, count, row, p);
      assert_int_equal(bench_decode(&b, set, 0, &w, order), SG_OK);
      near("err_norm", w.info.alpha_error / blocks, 1 - (double)rank / blocks, 1e-9);
      near("trace", w.info.alpha_sum, (double)rank / blocks, 1e-9);
      if (set % 5) continue;
      /* Of one v: v̂ = P v, and the error is that of what is orthogonal to it. */
      double v[SIZE], estimate[SIZE] = {0}, error = 0, left = 0, own[SIZE];
      for (int i = 0; i < blocks; i++) v[i] = normal();
      for (int i = 0; i < count; i++) {
        double y = 0;
        row_of(&b, order[i], own);
        for (int u = 0; u < blocks; u++) y += own[u] * v[u];
        for (int u = 0; u < blocks; u++) estimate[u] += w.w[i * blocks + u] * y;
      }
      for (int u = 0; u < blocks; u++) {
        double projected = 0;
        for (int i = 0; i < blocks; i++) projected += p[u][i] * v[i];
        off = fmax(off, fabs(projected - estimate[u]));
        error += (estimate[u] - v[u]) * (estimate[u] - v[u]);
        left += (v[u] - projected) * (v[u] - projected);
      }
      near("v", off, 0, 1e-9);
      near("what is lost", error, left, 1e-9);
    }
    bench_close_named(&b);
  }
}

/* Directions all alike: rank/K of the energy, in the mean over 4,000 vectors. */
static void captured_energy(void **state) {
  (void)state;
  enum { DRAWS = 4000 };
  bench b = open_code("projective-derivative", "6", "3", NULL, NULL, 8);
  sg_stream_at(&stream, 10, 0, SG_FOR_CHECK, 0, 0, 0);
  static const unsigned long sets[] = {0x01, 0x0b, 0x33, 0x5d, 0xe7, 0xff};
  for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
    const sg_message *order[BENCH_MESSAGES];
    double row[64][SIZE], p[SIZE][SIZE], sum = 0, square = 0, energy = 0;
    sg_weights w;
    int count = 0;
    for (int i = 0; i < 8; i++)
      if (sets[k] >> i & 1) row_of(&b, &b.message[i], row[count++]);
    int rank = projector(6, count, row, p);
    assert_int_equal(bench_decode(&b, sets[k], 0, &w, order), SG_OK);
    for (int i = 0; i < count; i++) row_of(&b, order[i], row[i]);
    for (int r = 0; r < DRAWS; r++) {
      double v[SIZE], estimate[SIZE] = {0}, captured = 0, all = 0;
      for (int u = 0; u < 6; u++) v[u] = normal();
      for (int i = 0; i < count; i++) {
        double y = 0;
        for (int u = 0; u < 6; u++) y += row[i][u] * v[u];
        for (int u = 0; u < 6; u++) estimate[u] += w.w[i * 6 + u] * y;
      }
      for (int u = 0; u < 6; u++) {
        captured += estimate[u] * estimate[u];
        all += v[u] * v[u];
      }
      double share = captured / all;
      sum += share / DRAWS;
      square += share * share / DRAWS;
      energy += captured / DRAWS;
    }
    double se = sqrt(fmax(0, square - sum * sum) / DRAWS);
    near("share of the energy", sum, rank / 6.0, 4 * se + 1e-9);
    near("energy", energy, rank, 4 * sqrt(2.0 * rank / DRAWS));
  }
  bench_close_named(&b);
}

/* A worker that never answers: without turns one direction is never seen; with them all are. */
static void turns(void **state) {
  (void)state;
  for (int more = 0; more < 3; more++) {
    bench b;
    sg_values *v = bench_values("projective-derivative", "blocks", "6", "weight", "2", NULL);
    if (more) assert_int_equal(sg_values_parse(v, "rotate", "true", NULL), SG_OK);
    if (more > 1) assert_int_equal(sg_values_parse(v, "rows", "15", NULL), SG_OK);
    bench_open_named(&b, v, 6, 2);
    double row[64][SIZE], p[SIZE][SIZE];
    int count = 0, seen[64] = {0};
    for (int round = 0; round < 12; round++) {
      sg_orders o = {0};
      b.code->type->plan(b.code, b.state, round, round, &o);
      for (int i = 0; i < o.count; i++) {
        if (o.order[i].kind != SG_ORDER_SEND) continue;
        sg_message m = sg_order_message(&o.order[i], b.code, o.order[i].node);
        seen[m.tag]++;
        if (m.from != 0 && round < 8) row_of(&b, &m, row[count++]);
      }
      sg_orders_free(&o);
    }
    assert_int_equal(projector(6, count, row, p), more ? 6 : 5);
    int rows = more > 1 ? 15 : 6;
    for (int j = 0; j < rows; j++) assert_true(seen[j] > 0);
    bench_close_named(&b);
  }
}

/* --- Asynchronous ------------------------------------------------------------------------------
 */

typedef struct play {
  bench *b;
  sg_protocol *protocol;
  sg_orders orders;
  int n, blocks;
  sg_message pool[4096]; /* all messages ever; [i] of worker i is under way */
  int used, way[SIZE];
  /* Of the basis at hand: rows of all that came, and Σ of the updates' α. */
  int come, updates;
  double row[64][SIZE], sum[SIZE][SIZE];
  int bases, dropped, most_stale, version;
} play;

/* What has been summed up is the projector on all that has come of this basis. */
static void check_basis(play *p) {
  double wanted[SIZE][SIZE];
  int rank = projector(p->blocks, p->come, p->row, wanted);
  assert_int_equal(rank, p->updates);
  for (int i = 0; i < p->blocks; i++)
    for (int j = 0; j < p->blocks; j++) near("Σ updates", p->sum[i][j], wanted[i][j], 1e-9);
}

/* Carries orders out; returns whether there was a decode. */
static bool carry_out(play *p) {
  const sg_message *used[SIZE];
  int n_used = 0;
  bool decoded = false;
  for (int i = 0; i < p->orders.count; i++) {
    const sg_order *o = &p->orders.order[i];
    switch (o->kind) {
    case SG_ORDER_SEND:
      assert_true(p->used < 4096);
      p->way[o->node] = p->used;
      p->pool[p->used] = sg_order_message(o, p->b->code, o->node);
      p->pool[p->used].id = p->used;
      p->used++;
      break;
    case SG_ORDER_USE: used[n_used++] = o->message; break;
    case SG_ORDER_DECODE: {
      sg_weights w;
      assert_true(o->flags & SG_KEEP && o->snapshot == SG_ANY);
      assert_int_equal(sg_decoder_weights(p->b->decoder, sg_protocol_state(p->protocol), 0, n_used,
                                          used, &w, NULL),
                       SG_OK);
      for (int k = 0; k < n_used; k++) {
        double own[SIZE];
        row_of(p->b, used[k], own);
        for (int v = 0; v < p->blocks; v++)
          for (int u = 0; u < p->blocks; u++) p->sum[v][u] += w.w[k * p->blocks + v] * own[u];
        int stale = p->version - used[k]->snapshot;
        if (stale > p->most_stale) p->most_stale = stale;
      }
      near("of one step", w.info.alpha_error, p->blocks - 1, 1e-9); /* q qᵀ has rank 1 */
      p->updates++;
      decoded = true;
      break;
    }
    case SG_ORDER_DROP: p->dropped++; break;
    default: break;
    }
  }
  sg_orders_clear(&p->orders);
  return decoded;
}

static void tell(play *p, sg_event event) {
  sg_protocol_event(p->protocol, &event, &p->orders);
  assert_false(p->orders.failed);
}

static void updates_sum_to_batch(void **state) {
  (void)state;
  static const struct {
    const char *blocks, *weight, *rotate;
    int n, slowest; /* a worker that hardly ever answers, −1: none */
  } cases[] = {{"6", "3", "false", 8, -1}, {"6", "3", "true", 8, 2},   {"8", "2", "false", 8, 1},
               {"5", "3", "true", 9, -1},  {"10", "3", "true", 6, -1}, {"4", "1", "false", 8, 0}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    static play p;
    bench b = open_code("projective-derivative-async", cases[k].blocks, cases[k].weight, "rotate",
                        cases[k].rotate, cases[k].n);
    memset(&p, 0, sizeof p);
    p.b = &b;
    p.n = cases[k].n;
    p.blocks = b.code->segment[0].pieces;
    p.protocol = sg_protocol_new(b.code);
    assert_non_null(p.protocol);
    sg_stream_at(&stream, 11, 0, SG_FOR_CHECK, 0, (uint32_t)k, 0);
    tell(&p, (sg_event){.kind = SG_BEGIN});
    carry_out(&p);
    for (int arrival = 0; arrival < 600; arrival++) {
      int worker = (int)(sg_uniform(&stream) * p.n);
      if (worker == cases[k].slowest && sg_uniform(&stream) < .9) continue;
      const sg_message *m = &p.pool[p.way[worker]];
      if (p.updates == p.blocks || p.come == p.n) { /* this one begins another basis */
        check_basis(&p);
        memset(p.sum, 0, sizeof p.sum);
        p.come = p.updates = 0;
        p.bases++;
      }
      row_of(&b, m, p.row[p.come++]);
      tell(&p, (sg_event){
                   .kind = SG_ARRIVAL, .at = SG_MASTER, .from = worker, .count = 1, .message = &m});
      if (carry_out(&p)) {
        tell(&p, (sg_event){.kind = SG_UPDATED, .decoded = true});
        p.version++;
        assert_false(carry_out(&p));
      }
      check_basis(&p);
    }
    assert_true(p.bases > 30 && p.most_stale > 0);
    sg_orders_free(&p.orders);
    sg_protocol_free(p.protocol);
    bench_close_named(&b);
  }
}

static void refusals(void **state) {
  (void)state;
  bench_refused(bench_values("projective-derivative", "blocks", "4", "rows", "9", NULL), 6,
                "/schemes/0/rows", "expected without rotate 6 combinations");
  bench_refused(
      bench_values("projective-derivative", "blocks", "4", "rows", "5", "rotate", "true", NULL), 6,
      "/schemes/0/rows", "expected at least 6 combinations");
  bench_refused(bench_values("projective-derivative", "blocks", "4", "weight", "4", NULL), 6,
                "/schemes/0/weight", "expected a weight of 1 to 3, found 4");
  bench_refused(bench_values("projective-derivative", "blocks", "61", NULL), 6, "/schemes/0/blocks",
                "expected at most as many pieces");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_spread),      cmocka_unit_test(batch_decoding),
      cmocka_unit_test(captured_energy),      cmocka_unit_test(turns),
      cmocka_unit_test(updates_sum_to_batch), cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
