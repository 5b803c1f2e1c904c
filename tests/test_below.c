/* SPDX-License-Identifier: MIT */
/* Group codes below their threshold: every set of workers against the identities of projections,
 * means over all sets against closed forms and against numbers found with numpy's pinv. */
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 64 };

/* The code's own mean error. */
static double own_error(const bench *b, const double *p, int count) {
  double error = NAN;
  assert_int_equal(b->code->type->mean_error(b->code, p, count, &error), SG_OK);
  return error;
}

static void near(const char *what, double found, double wanted, double within) {
  if (!(fabs(found - wanted) <= within)) fail_msg("%s: %.15g, not %.15g", what, found, wanted);
}

/* alpha[v][j]: coefficient of (part, piece) j in decoded piece v; zeros where nobody answers. */
static int alpha_of(bench *b, unsigned long present, double alpha[SIZE][SIZE],
                    sg_decode_info *info) {
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  sg_expander x = {0};
  int pieces = b->code->segment[0].pieces, size = b->code->parts * pieces;
  assert_true(size <= SIZE);
  for (int v = 0; v < pieces; v++) memset(alpha[v], 0, SIZE * sizeof(double));
  sg_status status = bench_decode(b, present, 0, &w, order);
  assert_int_equal(status, present ? SG_OK : SG_UNDECODABLE);
  for (int v = 0; v < pieces && !status; v++)
    for (int i = 0; i < w.count; i++)
      assert_true(sg_expand(&x, b->code, b->state, order[i], w.w[i * pieces + v], alpha[v]));
  sg_expander_free(&x);
  *info = w.info;
  return size;
}

static double error_of(const bench *b, double alpha[SIZE][SIZE], int size) {
  int pieces = b->code->segment[0].pieces;
  double sum = 0;
  for (int v = 0; v < pieces; v++)
    for (int j = 0; j < size; j++)
      sum += (alpha[v][j] - (j % pieces == v)) * (alpha[v][j] - (j % pieces == v));
  return sum;
}

typedef struct means {
  double error, off; /* E err_norm; largest |E α − target| */
} means;

/* Over all sets, each with its probability: p independently, or count of n. */
static means mean_of(bench *b, const double *p, int count) {
  static double alpha[SIZE][SIZE], sum[SIZE][SIZE];
  int n = b->code->nodes, pieces = b->code->segment[0].pieces, size = b->code->parts * pieces;
  double all = 0;
  means m = {0};
  memset(sum, 0, sizeof sum);
  for (unsigned long set = 0; set < 1UL << n; set++) {
    double chance = 1;
    for (int i = 0; i < n && p; i++) chance *= set >> i & 1 ? 1 - p[i] : p[i];
    if (!p) chance = __builtin_popcountl(set) == count;
    if (chance == 0) continue;
    sg_decode_info info;
    alpha_of(b, set, alpha, &info);
    m.error += chance * error_of(b, alpha, size) / size;
    for (int v = 0; v < pieces; v++)
      for (int j = 0; j < size; j++) sum[v][j] += chance * alpha[v][j];
    all += chance;
  }
  m.error /= all;
  for (int v = 0; v < pieces; v++)
    for (int j = 0; j < size; j++) m.off = fmax(m.off, fabs(sum[v][j] / all - (j % pieces == v)));
  return m;
}

static double closed_form(int d, int m, double p) {
  double e = 0, sets = 1;
  for (int a = 0; a < m; a++) {
    e += sets * pow(1 - p, a) * pow(p, d - a) * (1 - (double)a / m);
    sets = sets * (d - a) / (a + 1);
  }
  return e;
}

static bench open_group(const char *d, const char *m, const char *code, const char *debias,
                        const char *p, int n) {
  bench b;
  sg_values *v = bench_values("group", "d", d, "linear_code", code, "below", "minimum-norm", NULL);
  if (m) assert_int_equal(sg_values_parse(v, "m", m, NULL), SG_OK);
  if (debias) assert_int_equal(sg_values_parse(v, "debias", debias, NULL), SG_OK);
  if (p) assert_int_equal(sg_values_parse(v, "p", p, NULL), SG_OK);
  bench_open_named(&b, v, n, 3);
  return b;
}

static void mean_errors(void **state) {
  (void)state;
  static const struct {
    const char *d, *m, *code;
    int n;
    double p, e, debiased; /* with measured bias */
  } cases[] = {
      {"4", "1", "harmonic", 8, .2, .0016, .00160256410256},
      {"4", "2", "harmonic", 8, .2, .0144, .0146103896104},
      {"4", "2", "harmonic", 4, .1, .0019, .00190361687206},
      {"4", "2", "harmonic", 4, .3, .0459, .0481081647626},
      {"5", "3", "harmonic", 5, .2, .0216533333333, .0221338637288},
      {"6", "4", "harmonic", 6, .3, .084456, .0922683888901},
      {"7", NULL, "hamming", 7, .1, .0017119, .00171531670349},
      {"7", NULL, "hamming", 7, .2, .0145152, .014762441181},
      {"7", NULL, "hamming", 7, .3, .0494343, .0523896662285},
      {"4", NULL, "single-parity", 8, .2, .0698666666667, .0756604506605},
      {"4", "2", "gaussian", 8, .2, .0144, NAN},
      {"5", "3", "haar", 10, .2, .0216533333333, NAN},
      {"6", "2", "vandermonde", 6, .2, NAN, NAN},
      {"4", "2", "systematic-gaussian", 4, .2, .0144, NAN},
      {"3", "1", "repetition", 9, .2, .008, .00806451612903},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double p[BENCH_MOST];
    char text[16];
    snprintf(text, sizeof text, "%g", cases[k].p);
    for (int i = 0; i < cases[k].n; i++) p[i] = cases[k].p;
    bench b = open_group(cases[k].d, cases[k].m, cases[k].code, NULL, NULL, cases[k].n);
    assert_true(b.code->flags & SG_ANY_COUNT && !b.code->exact);
    means m = mean_of(&b, p, 0);
    double formula = closed_form(atoi(cases[k].d), b.code->segment[0].pieces, cases[k].p);
    if (!isnan(cases[k].e)) near(b.label, m.error, cases[k].e, 1e-12);
    near(b.label, own_error(&b, p, 0), m.error, 1e-12);
    if (strcmp(cases[k].code, "hamming") != 0)
      near(b.label, formula, m.error, 1e-12);
    else
      assert_true(formula < m.error); /* fewer sets of 4 decode than of an MDS code */
    assert_non_null(strstr(b.code->note, "minimum-norm below it"));
    bench_close_named(&b);

    b = open_group(cases[k].d, cases[k].m, cases[k].code, "measured", text, cases[k].n);
    m = mean_of(&b, p, 0);
    near(b.label, m.off, 0, 1e-12);
    if (!isnan(cases[k].debiased)) near(b.label, m.error, cases[k].debiased, 1e-12);
    near(b.label, own_error(&b, p, 0), m.error, 1e-12);
    bench_close_named(&b);
  }
}

static void known_bias(void **state) {
  (void)state;
  static const char *const cases[][3] = {{"4", "1", "harmonic"},
                                         {"4", "2", "harmonic"},
                                         {"8", "2", "harmonic"},
                                         {"3", "1", "gaussian"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double p[8] = {.2, .2, .2, .2, .2, .2, .2, .2};
    int d = atoi(cases[k][0]);
    bench b = open_group(cases[k][0], cases[k][1], cases[k][2], "known", ".2", d < 4 ? 6 : 8);
    means m = mean_of(&b, p, 0);
    double e = closed_form(d, b.code->segment[0].pieces, .2);
    near(b.label, m.off, 0, 1e-12);
    near(b.label, m.error, e / (1 - e), 1e-12);
    near(b.label, own_error(&b, p, 0), m.error, 1e-12);
    bench_close_named(&b);
  }
  /* E P_A is block-scalar, but with two blocks or more not scalar: refused. */
  bench_refused(bench_values("group", "d", "5", "m", "3", "below", "minimum-norm", "debias",
                             "known", "p", ".2", NULL),
                5, "/schemes/0/debias", "expected measured");
  bench_refused(bench_values("group", "d", "4", "m", "2", "linear_code", "gaussian", "below",
                             "minimum-norm", "debias", "known", "p", ".2", NULL),
                4, "/schemes/0/debias", "expected measured");
  bench_refused(bench_values("group", "d", "7", "linear_code", "hamming", "below", "minimum-norm",
                             "debias", "known", "p", ".2", NULL),
                7, "/schemes/0/debias", "expected measured");
}

/* A count of messages: all sets of so many are alike, and the bias is that of these. */
static void counted_sets(void **state) {
  (void)state;
  static const struct {
    int n;
    double e, debiased;
  } cases[] = {{12, .247474747474747, .328859060402685}, {8, .035714285714286, .037037037037037}};
  for (int k = 0; k < 2; k++)
    for (int known = -1; known < 2; known++) {
      bench b;
      sg_values *v = bench_values("group", "d", "4", "m", "2", "below", "minimum-norm", "stop",
                                  "count(messages=5)", NULL);
      if (known >= 0)
        assert_int_equal(sg_values_parse(v, "debias", known ? "known" : "measured", NULL), SG_OK);
      bench_open_named(&b, v, cases[k].n, 1);
      means m = mean_of(&b, NULL, 5);
      near(b.label, m.error, known < 0 ? cases[k].e : cases[k].debiased, 1e-12);
      if (known >= 0) near(b.label, m.off, 0, 1e-12);
      near(b.label, own_error(&b, NULL, 5), m.error, 1e-12);
      bench_close_named(&b);
    }
}

/* Workers that straggle with different probabilities, in groups of two sizes. */
typedef struct known_workers {
  double p[11];
} known_workers;

static double straggling(void *of, int worker) {
  return ((known_workers *)of)->p[worker];
}

static void unequal_workers(void **state) {
  (void)state;
  known_workers of;
  for (int i = 0; i < 11; i++) of.p[i] = .05 + .04 * i;
  const sg_forecast forecast = {.of = &of, .straggling = straggling};
  sg_shape shape = {
      .workers = 11, .subsets = 11, .length = BENCH_LENGTH, .seed = 1, .forecast = &forecast};
  static const char *const cases[][3] = {
      {"harmonic", "2", "measured"}, {"gaussian", "3", "measured"}, {"harmonic", "1", "known"}};
  for (int k = 0; k < 3; k++) {
    bench b;
    sg_error e = {0};
    sg_values *v =
        bench_values("group", "d", "5", "m", cases[k][1], "linear_code", cases[k][0], "groups",
                     "uneven", "below", "minimum-norm", "debias", cases[k][2], NULL);
    assert_int_equal(bench_open_shaped(&b, v, &shape, &e), SG_OK);
    means m = mean_of(&b, of.p, 0);
    near(b.label, m.off, 0, 1e-12);
    near(b.label, own_error(&b, of.p, 0), m.error, 1e-12);
    assert_non_null(strstr(b.code->note, "in the mean"));
    bench_close_named(&b);
  }
  bench_refused(bench_values("group", "d", "4", "m", "2", "below", "minimum-norm", "debias",
                             "measured", NULL),
                4, "/schemes/0/p", "expected p");
  bench_refused(bench_values("group", "d", "4", "m", "2", "p", ".2", NULL), 4, "/schemes/0/p",
                "expected \"p\" only with below \"minimum-norm\"");
}

/* With P_A in place of 1: the trace is the squared norm, what is left is orthogonal to every row
 * that has come, one more survivor never raises the error; and where the exact code decodes the
 * weights are its own to the last bit. */
static void check_identities(bench *b, bench *exact) {
  static double alpha[SIZE][SIZE];
  int n = b->code->nodes, pieces = b->code->segment[0].pieces, whole = 0;
  double *error = malloc(sizeof *error << n);
  assert_non_null(error);
  for (unsigned long set = 0; set < 1UL << n; set++) {
    sg_decode_info info;
    int size = alpha_of(b, set, alpha, &info);
    double trace = 0, square = 0;
    error[set] = error_of(b, alpha, size);
    for (int v = 0; v < pieces; v++)
      for (int j = 0; j < size; j++) {
        square += alpha[v][j] * alpha[v][j];
        if (j % pieces == v) trace += alpha[v][j];
      }
    near(b->label, trace, square, 1e-9);
    near(b->label, error[set], size - trace, 1e-9);
    for (int i = 0; i < n; i++)
      if (set >> i & 1) assert_true(error[set] <= error[set & ~(1UL << i)] + 1e-9);
    if (!set) continue;
    near(b->label, info.alpha_error, error[set], 1e-9);
    near(b->label, info.alpha_sum, trace / pieces, 1e-9);
    for (int i = 0; i < b->messages; i++) {
      if (!bench_comes(b, i, set)) continue;
      double row[SIZE] = {0};
      sg_expander x = {0};
      assert_true(sg_expand(&x, b->code, b->state, &b->message[i], 1, row));
      sg_expander_free(&x);
      for (int v = 0; v < pieces; v++) {
        double along = 0;
        for (int j = 0; j < size; j++) along += row[j] * ((j % pieces == v) - alpha[v][j]);
        near(b->label, along, 0, 1e-9);
      }
    }
    const sg_message *order[2][BENCH_MESSAGES];
    sg_weights own, other;
    if (bench_decode(exact, set, 1, &other, order[0])) continue;
    assert_int_equal(bench_decode(b, set, 1, &own, order[1]), SG_OK);
    assert_memory_equal(own.w, other.w, (size_t)(own.count * pieces) * sizeof *own.w);
    whole++;
  }
  assert_true(whole > 0);
  free(error);
}

static void identities(void **state) {
  (void)state;
  static const char *const cases[][5] = {{"group", "d=4", "m=2", "harmonic", "8"},
                                         {"group", "d=5", "m=3", "gaussian", "10"},
                                         {"group", "d=7", "m=4", "hamming", "7"},
                                         {"group", "d=4", "m=3", "single-parity", "8"},
                                         {"group", "d=6", "m=1", "repetition", "6"},
                                         {"streamed-group", "d=3", "chunks=4", "harmonic", "6"},
                                         {"streamed-group", "d=4", "chunks=6", "haar", "4"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bench b[2];
    for (int i = 0; i < 2; i++) {
      char name[2][16], *value[2];
      for (int j = 0; j < 2; j++) {
        snprintf(name[j], sizeof name[j], "%s", cases[k][1 + j]);
        value[j] = strchr(name[j], '=');
        *value[j]++ = 0;
      }
      bool streamed = cases[k][0][0] == 's';
      sg_values *v = bench_values(cases[k][0], name[0], value[0], name[1], value[1], "linear_code",
                                  cases[k][3], "below", i ? "refuse" : "minimum-norm", NULL);
      if (streamed) /* two workers are a group short of nothing, one is half */
        assert_int_equal(sg_values_parse(v, "chunks_per_worker", "2", NULL), SG_OK);
      bench_open_named(&b[i], v, atoi(cases[k][4]), 5);
    }
    check_identities(&b[0], &b[1]);
    for (int i = 0; i < 2; i++) bench_close_named(&b[i]);
  }
}

static void streamed_means(void **state) {
  (void)state;
  double p[8];
  for (int i = 0; i < 8; i++) p[i] = .2;
  for (int debias = 0; debias < 2; debias++) {
    bench b;
    sg_values *v = bench_values("streamed-group", "d", "4", "chunks", "6", "chunks_per_worker", "2",
                                "below", "minimum-norm", NULL);
    if (debias) {
      assert_int_equal(sg_values_parse(v, "debias", "measured", NULL), SG_OK);
      assert_int_equal(sg_values_parse(v, "p", ".2", NULL), SG_OK);
    }
    bench_open_named(&b, v, 8, 1);
    means m = mean_of(&b, p, 0);
    near(b.label, own_error(&b, p, 0), m.error, 1e-12);
    if (debias) near(b.label, m.off, 0, 1e-12);
    /* Three workers have six chunks: (4, 3) in workers. */
    if (!debias) near(b.label, m.error, closed_form(4, 3, .2), 1e-12);
    bench_close_named(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mean_errors),  cmocka_unit_test(known_bias),
      cmocka_unit_test(counted_sets), cmocka_unit_test(unequal_workers),
      cmocka_unit_test(identities),   cmocka_unit_test(streamed_means),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
