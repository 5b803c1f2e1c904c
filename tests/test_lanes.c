/* SPDX-License-Identifier: MIT */
/* Every clone that this processor has against the scalar one, to the last bit: at odd lengths and
 * addresses, with numbers of many sizes. What the scalar ones should give is for other tests. */
#include "models/compress/compress.h"
#include "models/learning/combine.h"
#include "models/learning/optimizer.h"
#include "sim/core/array.h"
#include "sim/core/lanes.h"
#include "sim/core/random.h"
#include "sim/kernel.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sg_stream stream;

static double number(void) {
  double u = 2 * sg_uniform(&stream) - 1;
  return ldexp(u, (int)(40 * sg_uniform(&stream)) - 20);
}

/* What was computed, number after number. */
typedef struct results {
  double *x;
  size_t count, room;
} results;

static void keep(results *r, const double *x, long n) {
  assert_true(SG_ROOM(r->x, r->room, r->count + (size_t)n + 1));
  if (n > 0) memcpy(r->x + r->count, x, (size_t)n * sizeof *x);
  r->count += (size_t)n;
}

/* `work` with the same random numbers on all vectors. */
static void on_all_lanes(void (*work)(results *r)) {
  results first = {0}, r = {0};
  sg_use_lanes(SG_LANES_AVX512);
  const sg_lanes widest = sg_widest_lanes();
  for (int lanes = SG_SCALAR; lanes <= (int)widest; lanes++) {
    results *to = lanes == SG_SCALAR ? &first : &r;
    sg_use_lanes((sg_lanes)lanes);
    assert_int_equal(sg_widest_lanes(), lanes);
    to->count = 0;
    sg_stream_at(&stream, 21, 0, SG_FOR_CHECK, 0, 0, 0);
    work(to);
    assert_int_equal(to->count, first.count);
    for (size_t i = 0; i < to->count; i++)
      if (memcmp(&to->x[i], &first.x[i], sizeof *to->x) != 0)
        fail_msg("vectors %d, number %zu: %a, expected %a", lanes, i, to->x[i], first.x[i]);
  }
  assert_true(first.count > 0);
  sg_use_lanes(SG_LANES_AVX512);
  free(first.x);
  free(r.x);
}

/* --- Combinations ----------------------------------------------------------------------------- */

static void combine(results *r) {
  enum { TERMS = 7, MOST = 331 };
  static double x[TERMS][MOST + 8], y[4][MOST + 8], coef[4 * TERMS];
  static const int lengths[] = {0,  1,  3,  4,  7,  8,  9,  15,  16,  17,  31,
                                32, 33, 63, 64, 65, 96, 97, 127, 200, MOST};
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
    for (int terms = 0; terms <= TERMS; terms++)
      for (int offset = 0; offset < 3; offset++) {
        const double *from[TERMS];
        for (int t = 0; t < terms; t++) {
          from[t] = x[t] + (offset + 3 * t) % 8;
          for (int i = 0; i < MOST + 8; i++) x[t][i] = number();
        }
        for (int t = 0; t < 4 * TERMS; t++) coef[t] = number();
        double *const to[4] = {y[0] + offset, y[1] + 1, y[2] + 2 * offset, y[3]};
        for (int i = 0; i < MOST + 8; i++) y[0][i] = y[1][i] = y[2][i] = y[3][i] = number();
        for (int add = 0; add < 2; add++) {
          sg_combine(terms, from, coef, to[0], lengths[l], add);
          keep(r, y[0], MOST + 8); /* nothing past the end, either */
        }
        for (int outs = 1; outs <= 4; outs++) {
          sg_windows w = {.outs = outs};
          for (int j = 0; j < outs; j++) {
            w.first[j] = (terms * j + offset) / 6;
            w.end[j] = terms - (3 - j) * (terms - offset) / 5;
            if (w.end[j] < w.first[j]) w.end[j] = w.first[j];
          }
          sg_windows_cut(&w);
          sg_combine_windows(&w, from, coef, to, lengths[l]);
          for (int j = 0; j < 4; j++) keep(r, y[j], MOST + 8);
        }
      }
}

static void combinations(void **state) {
  on_all_lanes(combine);
}

/* --- Problems --------------------------------------------------------------------------------- */

enum { PARTS = 5, MODELS = 11, WIDTH = 16 };

/* Gradients and losses of all parts at some models: all at once in tiles, then the metrics. */
static void pass(results *r, const char *name, const char *settings, int subsets, int width,
                 int columns) {
  static const double edges[PARTS + 1] = {0, 0.04, 0.31, 0.33, 0.8, 1};
  sg_error e = {0};
  sg_problem *problem = learning_problem(name, settings, subsets, 3, &e);
  sg_partition *partition;
  assert_non_null(problem);
  assert_int_equal(sg_partition_new(problem, PARTS, edges, 0, NULL, &partition, &e), SG_OK);
  const long l = problem->length;
  sg_workspace *ws = sg_workspace_new(problem);
  double *x = calloc((size_t)(2 * l * WIDTH), sizeof *x), loss[MODELS];
  assert_true(ws && x);
  for (long i = 0; i < 2 * l * WIDTH; i++) x[i] = 4 * sg_uniform(&stream) - 2;
  const double *point[MODELS], *loss_at[MODELS], *tile[PARTS * MODELS];
  sg_partial item[PARTS * MODELS];
  for (int c = 0; c < columns; c++) {
    point[c] = x + c * l;
    loss_at[c] = x + (WIDTH + c) * l;
    for (int p = 0; p < PARTS; p++) item[c * PARTS + p] = (sg_partial){.part = p, .column = c};
  }
  const sg_gradient_request request = {.partition = partition,
                                       .width = width,
                                       .columns = columns,
                                       .x = point,
                                       .n_items = PARTS * columns,
                                       .item = item,
                                       .loss_x = loss_at,
                                       .loss = loss};
  assert_int_equal(sg_problem_begin(problem, ws, &request, &e), SG_OK);
  for (long b = 0; b < l; b += 77) {
    long end = b + 77 < l ? b + 77 : l;
    assert_int_equal(sg_problem_tile(problem, ws, 0, b, end, tile), SG_OK);
    for (int i = 0; i < PARTS * columns; i++) keep(r, tile[i], end - b);
  }
  keep(r, loss, columns);
  sg_metrics metrics[MODELS] = {0};
  if (problem->type->evaluate) {
    assert_int_equal(
        sg_problem_evaluate(problem, ws, SG_WANT_LOSS | SG_WANT_TEST, columns, point, metrics),
        SG_OK);
    for (int c = 0; c < columns; c++) keep(r, &metrics[c].loss, 1);
  }
  free(x);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(problem);
}

static void data_passes(results *r) {
  static const struct {
    const char *problem, *settings;
  } at[] = {
      {"logistic-regression", "data=gaussian-mixture data.rows=203 data.features=61"},
      {"hinge", "data=gaussian-mixture data.rows=101 data.features=8"},
      {"softmax", "data=gaussian-mixture data.rows=203 data.features=19 data.classes=3"},
      {"logistic-regression", "data=sparse-text data.rows=240 data.features=157 data.density=0.1"},
      {"least-squares", "data=sparse-text data.rows=130 data.features=333 data.density=0.05"},
      {"softmax", "data=sparse-text data.rows=200 data.features=300 data.density=0.05 "
                  "data.classes=11 data.intercept=false"},
  };
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    pass(r, at[i].problem, at[i].settings, PARTS, 1, 3);
    pass(r, at[i].problem, at[i].settings, PARTS, WIDTH, MODELS);
  }
}

static void gradients_and_losses(void **state) {
  on_all_lanes(data_passes);
}

/* Parts that are shares of one subset, and of several. */
static void drawn_gradients(results *r) {
  for (int width = 1; width <= 16; width += 15) {
    pass(r, "synthetic-gradient", "length=1301", PARTS + 1, width, 2);
    pass(r, "synthetic-gradient", "length=15", PARTS, width, 2);
    pass(r, "synthetic-gradient", "length=333", 29, width, 2);
    pass(r, "layered-gradient",
         "profile=conformer profile.width=16 profile.blocks=2 profile.kernel=3", 29, width, 1);
  }
}

static void synthetic_gradients(void **state) {
  on_all_lanes(drawn_gradients);
}

/* --- The kernel ------------------------------------------------------------------------------- */

/* Messages of three parts, four of each kind, decoded to pieces; with and without factors and what
 * was decoded before. */
static void decode(results *r, long length, long begin, int pieces) {
  enum { MESSAGES = 9, EACH = 3 };
  char settings[40];
  snprintf(settings, sizeof settings, "length=%ld", length);
  sg_error e = {0};
  sg_problem *problem = learning_problem("synthetic-gradient", settings, PARTS, 1, &e);
  sg_partition *partition;
  assert_non_null(problem);
  assert_int_equal(sg_partition_new(problem, PARTS, NULL, 0, NULL, &partition, &e), SG_OK);
  sg_workspace *ws = sg_workspace_new(problem);
  sg_kernel *kernel = sg_kernel_new();
  double *x = calloc((size_t)(3 * length), sizeof *x), *decoded = x + length,
         *previous = decoded + length;
  assert_true(ws && kernel && x);
  for (long i = 0; i < length; i++) x[i] = number(), previous[i] = number();
  sg_partial item[PARTS];
  int start[MESSAGES + 1] = {0}, sum[PARTS];
  sg_kernel_term term[MESSAGES * EACH];
  double weight[MESSAGES * 4], coef[PARTS], norm[PARTS];
  for (int p = 0; p < PARTS; p++) {
    item[p] = (sg_partial){.part = p};
    sum[p] = p;
    coef[p] = number();
  }
  for (int i = 0; i < MESSAGES; i++) {
    start[i + 1] = EACH * (i + 1);
    for (int t = 0; t < EACH; t++)
      term[EACH * i + t] = (sg_kernel_term){(i / 4 + t) % PARTS, t % pieces, number()};
    for (int q = 0; q < pieces; q++) weight[i * pieces + q] = number();
  }
  const double *point = x;
  const sg_gradient_request request = {.partition = partition,
                                       .width = 1,
                                       .columns = 1,
                                       .x = &point,
                                       .n_items = PARTS,
                                       .item = item};
  assert_int_equal(sg_problem_begin(problem, ws, &request, &e), SG_OK);
  for (int way = 0; way < 4; way++) {
    memset(norm, 0, sizeof norm);
    sg_kernel_set s = {.begin = begin,
                       .end = length,
                       .pieces = pieces,
                       .n_messages = MESSAGES,
                       .term_start = start,
                       .term = term,
                       .weight = weight,
                       .n_sum = PARTS,
                       .sum_item = sum,
                       .sum_coef = way % 2 ? coef : NULL,
                       .previous = way / 2 ? previous : NULL,
                       .decoded = decoded,
                       .item_norm2 = norm};
    assert_int_equal(sg_kernel_decode(kernel, problem, ws, &request, 1, &s), SG_OK);
    const double totals[] = {s.error2, s.sum2, s.norm2, s.dot_previous};
    keep(r, decoded, length);
    keep(r, totals, 4);
    keep(r, norm, PARTS);
  }
  free(x);
  sg_kernel_free(kernel);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(problem);
}

static void decode_segments(results *r) {
  static const long lengths[] = {1, 5, 8, 33, 100, 127, 1301, 2600};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (int pieces = 1; pieces <= 4; pieces++)
      for (long begin = 0; begin < 4 && begin < lengths[i]; begin++)
        decode(r, lengths[i], begin, pieces);
}

static void encoding_decoding_comparing(void **state) {
  on_all_lanes(decode_segments);
}

/* --- Optimizers and compressors --------------------------------------------------------------- */

static void optimise(results *r, const char *settings) {
  enum { L = 75, STRIDE = 25, STEPS = 4 };
  char all[128];
  snprintf(all, sizeof all, "length=1 %s", settings);
  sg_values *v = learning_values("none", all);
  sg_error e = {0};
  sg_optimizer *o;
  assert_int_equal(sg_optimizer_new(sg_object(v, "optimizer"), &o, &e), SG_OK);
  const sg_problem problem = {.length = L, .stride = STRIDE, .unregularised = 1, .l2 = 0.1};
  double x[4][L], point[L], g[L], *vectors[4] = {x[0], x[1], x[2], x[3]};
  assert_true(sg_optimizer_vectors(o) <= 4);
  for (int i = 0; i < L; i++) x[0][i] = x[1][i] = x[2][i] = x[3][i] = number();
  for (int t = 0; t < STEPS; t++) {
    for (int i = 0; i < L; i++) g[i] = number();
    sg_optimizer_point(o, L, t, vectors, point);
    sg_optimizer_step(o, &problem, t, vectors, point, g);
    for (int k = 0; k < sg_optimizer_vectors(o); k++) keep(r, vectors[k], L);
  }
  free(o);
  sg_values_free(v);
}

static void optimise_all(results *r) {
  optimise(r, "optimizer=gradient-descent optimizer.step=0.3");
  optimise(r, "optimizer=nesterov optimizer.step=0.3");
  optimise(r, "optimizer=heavy-ball optimizer.step=0.3");
}

static void optimizers(void **state) {
  on_all_lanes(optimise_all);
}

/* What the receiver has, and the bytes that were sent. */
static void compress_all(results *r) {
  static const long lengths[] = {1, 3, 7, 64, 65, 999, 5003, 70001};
  sg_packed packed = {0};
  for (int i = 0; sg_compressor_family.at(i); i++) {
    sg_error e = {0};
    sg_compressor c;
    sg_values *v = sg_values_new(NULL, sg_compressor_family.at(i), "");
    assert_non_null(v);
    assert_int_equal(sg_compressor_init(&c, v, &e), SG_OK);
    sg_values_free(v);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
      const long n = lengths[k], memories = sg_compressor_memory(&c);
      double *x = malloc((size_t)(n + 1) * sizeof *x), bits;
      double *memory = calloc((size_t)(n * memories + 1), sizeof *memory);
      assert_true(x && memory);
      for (long j = 1; j <= n; j++) x[j] = number();
      sg_dither d;
      sg_dither_at(&d, 5, 2, 3, 7, 1, 0);
      assert_int_equal(sg_compress(&c, &packed, &d, n, x + 1, memory, &bits), SG_OK);
      keep(r, x + 1, n);
      keep(r, &bits, 1);
      for (size_t b = 0; sg_compressor_whole(&c) && b < packed.count / 8; b++)
        keep(r, &(double){packed.byte[b]}, 1);
      free(x);
      free(memory);
    }
  }
  sg_packed_free(&packed);
}

static void compressors(void **state) {
  on_all_lanes(compress_all);
}

/* --- What may be used ------------------------------------------------------------------------- */

static void no_wider_than_the_processor(void **state) {
  sg_use_lanes(SG_LANES_AVX512);
  const sg_lanes widest = sg_widest_lanes();
  for (int most = SG_SCALAR; most <= SG_LANES_AVX512; most++) {
    sg_use_lanes((sg_lanes)most);
    assert_int_equal(sg_widest_lanes(), most < (int)widest ? most : (int)widest);
  }
  sg_use_lanes(SG_LANES_AVX512);
  static const char *const names[] = {"scalar", "AVX2", "AVX-512"};
  print_message("vectors: up to %s\n", names[widest]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_wider_than_the_processor),
      cmocka_unit_test(combinations),
      cmocka_unit_test(gradients_and_losses),
      cmocka_unit_test(synthetic_gradients),
      cmocka_unit_test(encoding_decoding_comparing),
      cmocka_unit_test(optimizers),
      cmocka_unit_test(compressors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
