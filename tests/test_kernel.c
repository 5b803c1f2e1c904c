/* SPDX-License-Identifier: MIT */
/* The kernel against plain loops: encode, decode, constant vector, errors and norms. */
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "sim/kernel.h"
#include "tests/support/environment.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGES = 24, TERMS = 400, LINKS = 100, ITEMS = 128, PIECES = 7 };

/* A set with the memory behind it. */
typedef struct random_set {
  sg_kernel_set set;
  int start[MESSAGES + 1], link_start[MESSAGES + 1], sum[ITEMS];
  sg_kernel_term term[TERMS];
  sg_kernel_link link[LINKS];
  double weight[MESSAGES * PIECES], coef[ITEMS], norm[ITEMS], bias[PIECES];
} random_set;

/* A problem at some models, the gradients in full beside it. */
typedef struct fixture {
  sg_problem *problem;
  sg_partition *partition;
  sg_workspace *ws;
  sg_kernel *kernel;
  long l;
  int parts, width, columns, n_items;
  double *x, *g; /* columns × l; n_items × l */
  const double *point[64];
  sg_partial item[ITEMS];
  sg_gradient_request request;
} fixture;

enum { FORMATS = 3 };
static sg_compressor formats[FORMATS];

static sg_stream stream;

static int below(int n) {
  return (int)(sg_uniform(&stream) * n);
}

static double number(void) {
  return 2 * sg_uniform(&stream) - 1;
}

static void begin(fixture *f, const char *problem, const char *settings, int parts, int width,
                  int columns) {
  sg_error e = {0};
  *f = (fixture){.parts = parts, .width = width, .columns = columns};
  sg_stream_at(&stream, 11, 0, SG_FOR_CHECK, (uint32_t)parts, (uint32_t)columns, 0);
  f->problem = learning_problem(problem, settings, parts, 1, &e);
  assert_non_null(f->problem);
  assert_int_equal(sg_partition_new(f->problem, parts, NULL, 0, NULL, &f->partition, &e), SG_OK);
  f->ws = sg_workspace_new(f->problem);
  f->kernel = sg_kernel_new();
  f->l = f->problem->length;
  f->n_items = parts * columns;
  assert_true(f->n_items <= ITEMS);
  f->x = calloc((size_t)(f->l * (width > columns ? width : columns)), sizeof *f->x);
  f->g = calloc((size_t)(f->l * f->n_items), sizeof *f->g);
  for (int c = 0; c < columns; c++) {
    f->point[c] = f->x + c * f->l;
    for (long i = 0; i < f->l; i++) f->x[c * f->l + i] = number();
    for (int p = 0; p < parts; p++) f->item[c * parts + p] = (sg_partial){.part = p, .column = c};
  }
  f->request = (sg_gradient_request){f->partition, width, columns, f->point, f->n_items, f->item,
                                     NULL,         NULL,  0,       0,        NULL};
  const double *tile[ITEMS];
  assert_int_equal(sg_problem_begin(f->problem, f->ws, &f->request, &e), SG_OK);
  assert_int_equal(sg_problem_tile(f->problem, f->ws, 0, 0, f->l, tile), SG_OK);
  for (int i = 0; i < f->n_items; i++)
    memcpy(f->g + i * f->l, tile[i], (size_t)f->l * sizeof(double));
}

static void end(fixture *f) {
  free(f->x);
  free(f->g);
  sg_kernel_free(f->kernel);
  sg_workspace_free(f->ws);
  sg_partition_free(f->partition);
  sg_problem_free(f->problem);
}

/* Messages of one column, many with the same terms or a window of them and more; some relays, some
 * without weight. */
static void fill(const fixture *f, random_set *r, long from, long to, int pieces, bool relays) {
  int column = below(f->columns), n = 1 + below(MESSAGES - 1), terms = 0, links = 0;
  *r = (random_set){.set = {.begin = from, .end = to, .pieces = pieces, .n_messages = n}};
  for (int i = 0; i < n; i++) {
    bool relay = relays && i > 0 && below(3) == 0, copy = i > 0 && below(3) > 0;
    int like = copy ? below(i) : 0, first = r->start[like];
    int kept = copy ? r->start[like + 1] - first : 0, shift = below(2) ? below(kept + 1) : 0;
    int more = copy && shift == 0 ? 0 : below(1 + TERMS / MESSAGES - (kept - shift));
    for (int t = shift; t < kept; t++)
      r->term[terms++] =
          (sg_kernel_term){r->term[first + t].item, r->term[first + t].piece, number()};
    for (int t = 0; t < more; t++)
      r->term[terms++] =
          (sg_kernel_term){column * f->parts + below(f->parts), below(pieces), number()};
    for (int t = 0; relay && t < 3; t++) r->link[links++] = (sg_kernel_link){below(i), number()};
    r->start[i + 1] = terms;
    r->link_start[i + 1] = links;
    bool unused = below(4) == 0;
    for (int q = 0; q < pieces; q++)
      r->weight[i * pieces + q] = unused || below(5) == 0 ? 0 : number();
  }
  r->set.n_sum = below(f->parts + 1);
  for (int i = 0; i < r->set.n_sum; i++) {
    r->sum[i] = column * f->parts + i;
    r->coef[i] = number();
  }
  r->set.sum_coef = below(2) ? r->coef : NULL;
  for (int q = 0; q < pieces; q++) r->bias[q] = below(3) == 0 ? 0 : number();
}

static void point_into(random_set *r, bool relays) {
  r->set.term_start = r->start;
  r->set.term = r->term;
  r->set.link_start = relays ? r->link_start : NULL;
  r->set.link = r->link;
  r->set.weight = r->weight;
  r->set.sum_item = r->sum;
  r->set.item_norm2 = r->norm;
}

/* Coordinate c of a piece of an item; zero past the end of the segment. */
static double at(const fixture *f, const sg_kernel_set *s, int item, int piece, long length,
                 long c) {
  long i = s->begin + piece * length + c;
  return i < s->end ? f->g[item * f->l + i] : 0;
}

static bool near(double a, double b, double size) {
  return fabs(a - b) <= 1e-12 * (fabs(size) + 1);
}

static void check(const fixture *f, const random_set *r) {
  const sg_kernel_set *s = &r->set;
  long length = (s->end - s->begin + s->pieces - 1) / s->pieces;
  double *y = calloc((size_t)(MESSAGES * length), sizeof *y), norm[ITEMS] = {0};
  double error2 = 0, sum2 = 0, norm2 = 0, dot = 0;
  for (int i = 0; i < s->n_messages; i++)
    for (long c = 0; c < length; c++) {
      double v = 0;
      for (int t = r->start[i]; t < r->start[i + 1]; t++)
        v += r->term[t].coef * at(f, s, r->term[t].item, r->term[t].piece, length, c);
      for (int t = r->link_start[i]; t < r->link_start[i + 1]; t++)
        v += r->link[t].coef * y[r->link[t].message * length + c];
      double bits;
      assert_int_equal(sg_compress(s->compressor, NULL, NULL, 1, &v, NULL, &bits), SG_OK);
      y[i * length + c] = v;
    }
  for (int q = 0; q < s->pieces; q++)
    for (long c = 0; c < length; c++) {
      long i = s->begin + q * length + c;
      if (i >= s->end) continue;
      double v = 0, size = 0, sum = 0;
      for (int m = 0; m < s->n_messages; m++) {
        v += r->weight[m * s->pieces + q] * y[m * length + c];
        size += fabs(r->weight[m * s->pieces + q] * y[m * length + c]);
      }
      if (s->constant) {
        v += s->bias[q] * s->constant[i];
        size += fabs(s->bias[q] * s->constant[i]);
      }
      for (int t = 0; t < s->n_sum; t++) {
        double g = at(f, s, r->sum[t], q, length, c);
        sum += (s->sum_coef ? r->coef[t] : 1) * g;
        norm[t] += g * g;
      }
      if (!near(s->decoded[i], v, size)) fail_msg("%ld: %g, %g", i, s->decoded[i], v);
      error2 += (v - sum) * (v - sum);
      sum2 += sum * sum;
      norm2 += v * v;
      dot += s->previous ? v * s->previous[i] : 0;
    }
  assert_true(near(s->error2, error2, 1e3 * error2));
  assert_true(near(s->sum2, sum2, sum2));
  assert_true(near(s->norm2, norm2, 1e3 * norm2));
  assert_true(near(s->dot_previous, dot, 1e3 * norm2));
  for (int t = 0; t < s->n_sum; t++) assert_true(near(s->item_norm2[t], norm[t], norm[t]));
  free(y);
}

/* Random sets of random segments, together and each alone. */
static void random_sets(fixture *f, int rounds, bool relays) {
  enum { SETS = 5 };
  random_set *r = calloc(SETS, sizeof *r);
  double *decoded = calloc((size_t)(SETS * f->l), sizeof *decoded);
  double *previous = calloc((size_t)f->l, sizeof *previous),
         *alone = calloc((size_t)f->l, sizeof *alone),
         *constant = calloc((size_t)f->l, sizeof *constant);
  sg_kernel_set sets[SETS];
  for (long i = 0; i < f->l; i++) previous[i] = number(), constant[i] = number();
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < SETS; i++) {
      long from = below((int)f->l), to = from + 1 + below((int)(f->l - from));
      if (i == 1 || i == 3) from = r[0].set.begin, to = r[0].set.end; /* share tiles */
      fill(f, &r[i], from, to, i == 1 || i == 3 ? r[0].set.pieces : 1 + below(PIECES), relays);
      point_into(&r[i], relays);
      r[i].set.decoded = decoded + i * f->l;
      r[i].set.previous = i % 2 ? previous : NULL;
      r[i].set.constant = i < 3 ? constant : NULL; /* those that share tiles differ in it */
      r[i].set.bias = i < 4 ? r[i].bias : NULL;
      r[i].set.compressor = &formats[below(FORMATS)];
      sets[i] = r[i].set;
      for (long c = 0; c < f->l; c++) r[i].set.decoded[c] = -77;
    }
    assert_int_equal(sg_kernel_decode(f->kernel, f->problem, f->ws, &f->request, SETS, sets),
                     SG_OK);
    for (int i = 0; i < SETS; i++) {
      r[i].set = sets[i];
      check(f, &r[i]);
      for (long c = 0; c < f->l; c++) /* nothing else is written */
        if (c < sets[i].begin || c >= sets[i].end) assert_true(sets[i].decoded[c] == -77);
      sg_kernel_set one = sets[i];
      one.decoded = alone;
      one.item_norm2 = NULL;
      assert_int_equal(sg_kernel_decode(f->kernel, f->problem, f->ws, &f->request, 1, &one), SG_OK);
      assert_memory_equal(alone + one.begin, sets[i].decoded + one.begin,
                          (size_t)(one.end - one.begin) * sizeof *alone);
      assert_true(one.error2 == sets[i].error2 && one.sum2 == sets[i].sum2 &&
                  one.norm2 == sets[i].norm2 && one.dot_previous == sets[i].dot_previous);
    }
  }
  free(r);
  free(decoded);
  free(previous);
  free(alone);
  free(constant);
}

static void sets_are_those_of_plain_loops(void **state) {
  (void)state;
  fixture f;
  begin(&f, "synthetic-gradient", "length=1301", 5, 1, 1); /* several tiles */
  random_sets(&f, 60, false);
  random_sets(&f, 60, true);
  end(&f);
  begin(&f, "synthetic-gradient", "length=6", 3, 1, 2); /* pieces without a coordinate */
  random_sets(&f, 200, true);
  end(&f);
}

static void sets_on_real_data(void **state) {
  (void)state;
  static const char data[] = "data=gaussian-mixture data.rows=200 data.features=150 data.classes=3";
  fixture f;
  begin(&f, "softmax", data, 7, 1, 1);
  random_sets(&f, 20, true);
  end(&f);
  begin(&f, "softmax", data, 7, 16, 11); /* tiles across classes, unused columns */
  random_sets(&f, 20, true);
  end(&f);
}

/* The error of a plain sum in floating point, as the kernel sees it and in long double. */
static void rounding_errors_are_measured(void **state) {
  (void)state;
  fixture f;
  begin(&f, "synthetic-gradient", "length=2003", 24, 1, 1);
  static random_set r;
  r = (random_set){.set = {.end = f.l, .pieces = 1, .n_messages = 24, .n_sum = 24}};
  for (int i = 0; i < 24; i++) {
    r.term[i] = (sg_kernel_term){i, 0, 1};
    r.start[i + 1] = i + 1;
    r.weight[i] = 1;
    r.sum[i] = i;
  }
  point_into(&r, false);
  r.set.decoded = calloc((size_t)f.l, sizeof(double));
  assert_int_equal(sg_kernel_decode(f.kernel, f.problem, f.ws, &f.request, 1, &r.set), SG_OK);
  long double error2 = 0;
  for (long c = 0; c < f.l; c++) {
    long double sum = 0;
    for (int i = 0; i < 24; i++) sum += f.g[i * f.l + c];
    error2 += (r.set.decoded[c] - sum) * (r.set.decoded[c] - sum);
  }
  assert_true(error2 > 0);
  assert_true(fabs(r.set.error2 / (double)error2 - 1) < 1e-2);
  r.weight[3] = 0;
  assert_true(sg_kernel_decode_flops(&r.set) == 2.0 * 23 * 2003);
  r.bias[0] = 1;
  r.set.bias = r.bias;
  assert_true(sg_kernel_decode_flops(&r.set) == 2.0 * 24 * 2003);
  free(r.set.decoded);
  end(&f);
}

static void a_diverged_run_is_seen(void **state) {
  (void)state;
  fixture f;
  begin(&f, "synthetic-gradient", "length=40", 3, 1, 1);
  f.x[0] = NAN;
  static random_set r;
  r = (random_set){.set = {.end = f.l, .pieces = 1, .n_messages = 1, .n_sum = 1}};
  r.term[0] = (sg_kernel_term){0, 0, 1};
  r.start[1] = 1;
  r.weight[0] = 1;
  point_into(&r, false);
  r.set.decoded = calloc((size_t)f.l, sizeof(double));
  assert_int_equal(sg_problem_begin(f.problem, f.ws, &f.request, NULL), SG_OK);
  assert_int_equal(sg_kernel_decode(f.kernel, f.problem, f.ws, &f.request, 1, &r.set), SG_OK);
  assert_true(isnan(r.set.error2) && isnan(r.set.norm2) && isnan(r.norm[0]));
  free(r.set.decoded);
  end(&f);
}

#ifndef NDEBUG
/* Whether a decode of the set is stopped by an assertion, in a process of its own. */
static bool is_stopped(const fixture *f, const sg_kernel_set *set) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL); /* cmocka's handler would jump into the test */
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    sg_kernel_set copy = *set;
    sg_kernel_decode(f->kernel, f->problem, f->ws, &f->request, 1, &copy);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void what_is_not_there_stops_at_an_assertion(void **state) {
  (void)state;
  fixture f;
  begin(&f, "synthetic-gradient", "length=40", 3, 1, 1);
  static random_set good, r;
  good = (random_set){.set = {.end = f.l, .pieces = 2, .n_messages = 2, .n_sum = 1}};
  good.term[0] = (sg_kernel_term){2, 1, 1};
  good.start[1] = good.start[2] = 1;
  good.link_start[2] = 1;
  good.weight[0] = good.weight[2] = 1;
  good.set.decoded = calloc((size_t)f.l, sizeof(double));
  for (int mistake = 0; mistake < 9; mistake++) {
    r = good;
    point_into(&r, true);
    if (mistake == 1) r.term[0].item = 3;
    if (mistake == 2) r.term[0].item = -1;
    if (mistake == 3) r.term[0].piece = 2;
    if (mistake == 4) r.link[0].message = 1; /* itself */
    if (mistake == 5) r.set.end = f.l + 1;
    if (mistake == 6) r.set.begin = f.l;
    if (mistake == 7) r.sum[0] = 3;
    if (mistake == 8) r.set.constant = r.set.decoded; /* without bias */
    assert_int_equal(is_stopped(&f, &r.set), mistake > 0);
  }
  free(good.set.decoded);
  end(&f);
}
#endif

/* --- Coded data ------------------------------------------------------------------------------- */

enum { POINTS = 5 };

/* The gradient of least squares at the model x, from coded parts and the constant vector: what a
 * set has decoded, against the sum of the true partial gradients. */
typedef struct coded {
  sg_problem *problem;
  sg_partition *partition;
  sg_workspace *ws;
  sg_kernel *kernel;
  double *x, *decoded;
  const double *point;
  sg_partial item[POINTS + 3];
  sg_gradient_request request;
} coded;

static void begin_coded(coded *k, const char *settings, int parts, int n, const sg_coded_part *m,
                        int width) {
  sg_error e = {0};
  *k = (coded){.kernel = sg_kernel_new()};
  k->problem = learning_problem("least-squares", settings, parts, 1, &e);
  assert_non_null(k->problem);
  assert_int_equal(sg_partition_new(k->problem, parts, NULL, n, m, &k->partition, &e), SG_OK);
  k->ws = sg_workspace_new(k->problem);
  size_t l = (size_t)k->problem->length;
  k->x = calloc(l * (size_t)width, sizeof *k->x);
  k->decoded = calloc(l, sizeof *k->decoded);
  sg_stream_at(&stream, 12, 0, SG_FOR_CHECK, 0, 0, 0);
  for (size_t i = 0; i < l; i++) k->x[i] = number();
  k->point = k->x;
  for (int p = 0; p < parts + n; p++) k->item[p] = (sg_partial){.part = p};
  k->request = (sg_gradient_request){.partition = k->partition,
                                     .width = width,
                                     .columns = 1,
                                     .x = &k->point,
                                     .n_items = parts + n,
                                     .item = k->item};
  assert_int_equal(sg_problem_begin(k->problem, k->ws, &k->request, &e), SG_OK);
}

static void end_coded(coded *k) {
  free(k->x);
  free(k->decoded);
  sg_kernel_free(k->kernel);
  sg_workspace_free(k->ws);
  sg_partition_free(k->partition);
  sg_problem_free(k->problem);
}

/* Lagrange coding (Li et al.): three parts at β = −1, 0, 1, data interpolated at five points α; any
 * five values of h(α) = X(α)ᵀX(α) x, a polynomial of degree 4, give h(−1) + h(0) + h(1). */
static void lagrange_coded_data_decode(void **state) {
  (void)state;
  static const double alpha[POINTS] = {-1.2, -0.7, 0.3, 0.6, 1.1}, beta[3] = {-1, 0, 1};
  double coef[POINTS][3], weight[POINTS] = {0};
  static const int every[] = {0, 1, 2};
  sg_coded_part m[POINTS];
  for (int a = 0; a < POINTS; a++) {
    for (int j = 0; j < 3; j++) {
      coef[a][j] = 1;
      for (int i = 0; i < 3; i++)
        if (i != j) coef[a][j] *= (alpha[a] - beta[i]) / (beta[j] - beta[i]);
    }
    m[a] = (sg_coded_part){3, every, coef[a]};
    for (int j = 0; j < 3; j++) {
      double product = 1;
      for (int i = 0; i < POINTS; i++)
        if (i != a) product *= (beta[j] - alpha[i]) / (alpha[a] - alpha[i]);
      weight[a] += product;
    }
  }
  for (int width = 1; width <= 4; width += 3) {
    coded k;
    begin_coded(&k, "data=gaussian-mixture data.rows=150 data.features=700 data.test_share=0", 3,
                POINTS, m, width);
    const double bias = 1;
    static random_set r;
    r = (random_set){.set = {.end = k.problem->length,
                             .pieces = 1,
                             .n_messages = POINTS,
                             .n_sum = 3,
                             .constant = sg_partition_constant(k.partition),
                             .bias = &bias}};
    for (int a = 0; a < POINTS; a++) {
      r.term[a] = (sg_kernel_term){3 + a, 0, 1};
      r.start[a + 1] = a + 1;
      r.weight[a] = weight[a];
    }
    for (int p = 0; p < 3; p++) r.sum[p] = p;
    point_into(&r, false);
    r.set.decoded = k.decoded;
    assert_int_equal(sg_kernel_decode(k.kernel, k.problem, k.ws, &k.request, 1, &r.set), SG_OK);
    assert_true(r.set.sum2 > 1e-4 && r.set.error2 < 1e-24 * r.set.sum2);
    end_coded(&k);
  }
}

/* Moment encoding (Maity et al.): the pieces of XᵀX x under the code (1, 1, 1 and 1, 2, 3) of two
 * messages for three pieces and one systematic; what is not recovered is 0 with its bias. */
static void encoded_moments_decode(void **state) {
  (void)state;
  const sg_coded_part all = {1, (const int[]){0}, (const double[]){1}};
  coded k;
  begin_coded(&k, "data=gaussian-mixture data.rows=90 data.features=598 data.test_share=0", 1, 1,
              &all, 1);
  long l = k.problem->length, piece = 200;
  assert_int_equal(l, 599); /* the last piece is padded */
  static random_set r;
  double bias[3] = {1, 1, 1};
  r = (random_set){.set = {.end = l,
                           .pieces = 3,
                           .n_messages = 3,
                           .n_sum = 1,
                           .constant = sg_partition_constant(k.partition),
                           .bias = bias}};
  for (int q = 0; q < 3; q++) {
    r.term[q] = (sg_kernel_term){1, q, 1};
    r.term[3 + q] = (sg_kernel_term){1, q, q + 1};
  }
  r.term[6] = (sg_kernel_term){1, 0, 1};
  r.start[1] = 3, r.start[2] = 6, r.start[3] = 7;
  /* y0 = a + b + c, y1 = a + 2 b + 3 c, y2 = a: b = 3 y0 − y1 − 2 a, c = y1 − 2 y0 + a. */
  const double weight[3][3] = {{0, 3, -2}, {0, -1, 1}, {1, -2, 1}};
  memcpy(r.weight, weight, sizeof weight);
  point_into(&r, false);
  r.set.decoded = k.decoded;
  assert_int_equal(sg_kernel_decode(k.kernel, k.problem, k.ws, &k.request, 1, &r.set), SG_OK);
  assert_true(r.set.sum2 > 1e-4 && r.set.error2 < 1e-24 * r.set.sum2);
  double kept = 0;
  for (long i = 0; i < l; i++)
    if (i / piece != 1) kept += k.decoded[i] * k.decoded[i];
  for (int i = 0; i < 3; i++) r.weight[3 * i + 1] = 0;
  bias[1] = 0;
  assert_int_equal(sg_kernel_decode(k.kernel, k.problem, k.ws, &k.request, 1, &r.set), SG_OK);
  for (long i = piece; i < 2 * piece; i++) assert_true(k.decoded[i] == 0);
  assert_true(near(r.set.norm2, kept, kept) && r.set.error2 > 1e-3 * r.set.sum2);
  end_coded(&k);
}

int main(void) {
  sg_blas_single_thread();
  static const char *const names[FORMATS] = {"float64", "float32", "bfloat16"};
  for (int i = 0; i < FORMATS; i++) formats[i] = test_compressor(names[i], NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_are_those_of_plain_loops),
      cmocka_unit_test(sets_on_real_data),
      cmocka_unit_test(rounding_errors_are_measured),
      cmocka_unit_test(a_diverged_run_is_seen),
#ifndef NDEBUG
      cmocka_unit_test(what_is_not_there_stops_at_an_assertion),
#endif
      cmocka_unit_test(lagrange_coded_data_decode),
      cmocka_unit_test(encoded_moments_decode),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
