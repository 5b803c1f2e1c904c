/* SPDX-License-Identifier: MIT */
/* What codes say and what they do: the flops of finding weights against the calls of LAPACK and
 * BLAS that are really made, and what is left when memory runs out while a code is made. Functions
 * of the libraries are defined here in place of their own and pass calls on. */
#include "codes/frame/code.h"
#include "codes/frame/protocol.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Counting calls --------------------------------------------------------------------------- */

static double counted; /* flops of the calls since it was last cleared, by their usual formulas */

static void *next_of(const char *name) {
  void *f = dlsym(RTLD_NEXT, name);
  assert_non_null(f);
  return f;
}

/* Passes a call on to the library's function of the same name. */
#define PASS(how, type, name, ...)                                                                 \
  static type *next;                                                                               \
  if (!next) {                                                                                     \
    void *f = next_of(name);                                                                       \
    memcpy(&next, &f, sizeof next);                                                                \
  }                                                                                                \
  how next(__VA_ARGS__)

static double lu(double n) {
  return 2.0 / 3 * n * n * n;
}

typedef lapack_int gesv(int, lapack_int, lapack_int, double *, lapack_int, lapack_int *, double *,
                        lapack_int);
lapack_int LAPACKE_dgesv_work(int layout, lapack_int n, lapack_int nrhs, double *a, lapack_int lda,
                              lapack_int *ipiv, double *b, lapack_int ldb) {
  counted += lu(n) + 2.0 * n * n * nrhs;
  PASS(return, gesv, "LAPACKE_dgesv_work", layout, n, nrhs, a, lda, ipiv, b, ldb);
}

typedef lapack_int getrf(int, lapack_int, lapack_int, double *, lapack_int, lapack_int *);
lapack_int LAPACKE_dgetrf_work(int layout, lapack_int m, lapack_int n, double *a, lapack_int lda,
                               lapack_int *ipiv) {
  counted += lu(n);
  PASS(return, getrf, "LAPACKE_dgetrf_work", layout, m, n, a, lda, ipiv);
}

typedef lapack_int getrs(int, char, lapack_int, lapack_int, const double *, lapack_int,
                         const lapack_int *, double *, lapack_int);
lapack_int LAPACKE_dgetrs_work(int layout, char trans, lapack_int n, lapack_int nrhs,
                               const double *a, lapack_int lda, const lapack_int *ipiv, double *b,
                               lapack_int ldb) {
  counted += 2.0 * n * n * nrhs;
  PASS(return, getrs, "LAPACKE_dgetrs_work", layout, trans, n, nrhs, a, lda, ipiv, b, ldb);
}

typedef void gemv(CBLAS_LAYOUT, CBLAS_TRANSPOSE, blasint, blasint, double, const double *, blasint,
                  const double *, blasint, double, double *, blasint);
void cblas_dgemv(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE trans, blasint m, blasint n, double alpha,
                 const double *a, blasint lda, const double *x, blasint incx, double beta,
                 double *y, blasint incy) {
  counted += 2.0 * m * n;
  PASS(, gemv, "cblas_dgemv", layout, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

typedef void gemm(CBLAS_LAYOUT, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, blasint, blasint, blasint, double,
                  const double *, blasint, const double *, blasint, double, double *, blasint);
void cblas_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n,
                 blasint k, double alpha, const double *a, blasint lda, const double *b,
                 blasint ldb, double beta, double *c, blasint ldc) {
  counted += 2.0 * m * n * k;
  PASS(, gemm, "cblas_dgemm", layout, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* --- Counting and failing allocations --------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_MALLOC 0
#else
#define OWN_MALLOC 1
#endif
#else
#define OWN_MALLOC 1
#endif

static bool watching;
static double asked;                    /* bytes, given back or not */
static long allocations, live, fail_at; /* fail_at: number of the allocation that fails; −1: none */

#if OWN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool refuses(void) {
  return watching && allocations++ == fail_at;
}

/* OpenBLAS's kernels for small matrices on AVX-512 do not look at what they get. */
static bool is_blas(const void *caller) {
  Dl_info where;
  return dladdr(caller, &where) && where.dli_fname && strstr(where.dli_fname, "openblas");
}

void *malloc(size_t size) {
  if (watching) asked += (double)size;
  bool refused = refuses() && !is_blas(__builtin_return_address(0));
  void *block = refused ? NULL : __libc_malloc(size);
  live += watching && block;
  return block;
}

void *calloc(size_t count, size_t size) {
  if (watching) asked += (double)count * (double)size;
  void *block = refuses() ? NULL : __libc_calloc(count, size);
  live += watching && block;
  return block;
}

void *realloc(void *old, size_t size) {
  if (watching) asked += (double)size;
  void *block = refuses() ? NULL : __libc_realloc(old, size);
  live += watching && block && !old;
  return block;
}

void free(void *block) {
  live -= watching && block;
  __libc_free(block);
}
#endif

/* --- Codes ------------------------------------------------------------------------------------ */

typedef struct choice { /* a code and its parameters */
  const char *name, *pair[6][2];
  bool counts; /* its calls and its loops are what it says; otherwise tables save calls */
} choice;

/* At least one of every registered code, n = 24. */
static const choice choices[] = {
    {"uncoded", {{NULL}}, true},
    {"ignore-stragglers", {{"s", "3"}}, true},
    {"fractional-repetition", {{"s", "3"}}, true},
    {"cyclic-repetition", {{"s", "3"}}, true},
    {"cyclic-repetition", {{"s", "5"}}, true},
    {"cyclic-repetition", {{"s", "18"}}, true}, /* the direct form */
    {"ye-abbe", {{"d", "6"}, {"m", "2"}}, true},
    {"ye-abbe", {{"d", "20"}, {"m", "4"}}, true},
    {"ye-abbe", {{"d", "6"}, {"m", "2"}, {"construction", "polynomial"}}, true},
    {"group", {{"d", "4"}, {"m", "2"}, {"stop", "decodable"}}, false},
    {"group", {{"d", "24"}, {"m", "12"}, {"stop", "count"}}, false},
    {"streamed-group", {{"d", "4"}, {"chunks", "3"}}, false},
    {"reed-solomon", {{"s", "4"}}, true},
    {"reed-solomon", {{"s", "4"}, {"nodes", "roots-of-unity"}, {"parts", "17"}}, true},
    {"cyclic-mds", {{"s", "5"}}, true},
    {"cyclic-mds", {{"s", "4"}, {"even", "negacyclic"}}, true},
    {"heterogeneous", {{"s", "3"}}, true},
    {"load-balanced", {{NULL}}, true},
    {"evict", {{"workers", "3"}}, true},
    {"backup-workers", {{"b", "4"}}, true},
    {"drop-compute", {{"micro_batches", "4"}, {"threshold_s", "2"}}, false},
    {"speculative-copies", {{"left", "4"}}, false},
    {"partial-stragglers",
     {{"placement", "random"}, {"pieces", "3"}, {"order", "optimised"}},
     true},
    {"nested", {{"s_max", "3"}}, false},
    {"uc-mmc", {{"r", "3"}}, false},
    {"gc-mmc", {{"r", "3"}}, false},
    {"gc-mmc-partial", {{"r", "3"}, {"epsilon", "0.1"}}, false},
    {"block-coordinate", {{"design", "large-time"}}, false},
    {"hierarchical-layers", {{"coordinates", "12"}}, false},
    {"clustered", {{"clusters", "4"}, {"s", "2"}}, false},
    {"dynamic-clusters", {{"clusters", "4"}, {"s", "2"}}, false},
    {"coded-reduce", {{"fan_out", "24"}, {"depth", "1"}, {"s", "2"}}, false},
    {"lcc-mmc", {{"r", "3"}}, false},
    {"polynomial-regression", {{"r", "4"}}, false},
    {"bacc", {{"parts", "8"}}, false},
    {"hierarchical", {{"edges", "4"}, {"s_e", "1"}, {"s_w", "1"}}, false},
    {"sequential-gc", {{"s", "3"}}, false},
    {"sr-sgc", {{"B", "2"}, {"W", "3"}, {"lambda", "4"}}, false},
    {"m-sgc", {{"B", "1"}, {"W", "2"}, {"lambda", "4"}}, false},
    {"adaptive-k", {{"k_max", "8"}}, false},
    {"k-sync", {{"k", "3"}}, false},
    {"k-batch-sync", {{"k", "3"}}, false},
    {"k-async", {{"k", "3"}}, false},
    {"k-batch-async", {{"k", "3"}}, false},
    {"local-sgd", {{"period", "4"}}, false},
    {"diloco", {{NULL}}, false},
    {"ssp", {{"s", "2"}}, false},
    {"fedbuff", {{"k", "3"}, {"concurrency", "8"}}, false},
    {"delay-adaptive", {{NULL}}, false},
    {"ringmaster", {{"r", "3"}, {"stops", "true"}}, false},
    {"rennala", {{"b", "30"}}, false},
    {"malenia", {{"s", "40"}}, false},
    {"mindflayer", {{"time_limit", "1"}, {"trials", "2"}, {"weights", "by-worker"}}, false},
    {"coupon-collector", {{"r", "5"}}, true},
    {"tiered", {{"s", "3"}, {"start", "20"}, {"after", "5"}}, true},
    {"bernoulli", {{"d", "3"}, {"s", "2"}, {"debias", "measured"}}, false},
    {"graph", {{"graph", "random-regular"}, {"d", "3"}, {"s", "2"}}, false},
    {"stochastic-block", {{"c", "6"}, {"P", "0.6"}, {"Q", "0.1"}}, false},
    {"approximate-repetition", {{"d", "3"}, {"s", "4"}}, false},
    {"expander", {{"d", "3"}, {"s", "3"}}, false},
    {"expander", {{"d", "3"}, {"s", "3"}, {"coefficients", "optimal"}}, false},
    {"sgc", {{"d", "3"}, {"s", "3"}}, false},
    {"block-design", {{"d", "23"}}, false},
    {"soft-block-design", {{"d", "4"}}, false},
    {"sparse-gaussian", {{"d", "4"}, {"omega", "0.7"}}, false},
    {"d-frc", {{"s", "4"}}, false},
    {"brc", {{"s", "4"}, {"eps", "0.05"}}, false},
    {"ldgm", {{"s", "4"}}, false},
    {"product", {{"workers1", "4"}, {"d1", "3"}, {"d2", "2"}, {"s", "4"}}, false},
    {"is-gc", {{"c", "3"}, {"s", "4"}}, false},
    {"osgc", {{NULL}}, false},
    {"sparse", {{"file", "tests/scenarios/sparse24.csv"}}, false},
    {"projective-derivative", {{"blocks", "8"}}, false},
    {"projective-derivative-async", {{"blocks", "8"}}, false},
    {"arbitrary-placement",
     {{"s", "3"}, {"placement", "random"}, {"replication", "5"}, {"replication_max", "8"}},
     true},
    {"matrix", {{"encode", "tests/scenarios/pairs24.csv"}}, false},
    {"partial-cyclic", {{"s", "3"}, {"p", "6"}}, true},
    {"partial-repetition", {{"s", "3"}, {"alpha", "2"}}, true},
};
enum { N = 24, CHOICES = sizeof choices / sizeof *choices };

static sg_values *values_of(const choice *c) {
  const sg_code_type *type = sg_code_type_find(c->name);
  assert_non_null(type);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  assert_non_null(values);
  for (int i = 0; i < 6 && c->pair[i][0]; i++)
    assert_int_equal(sg_values_parse(values, c->pair[i][0], c->pair[i][1], NULL), SG_OK);
  return values;
}

static sg_status make(const choice *c, const sg_values *values, sg_code **code) {
  sg_shape shape = {.workers = N, .subsets = N, .length = 120, .seed = 1, .updates = 1};
  return sg_code_new(sg_code_type_find(c->name), &shape, values, code, NULL);
}

static void every_code_is_chosen(void **state) {
  (void)state;
  const sg_code_type *type;
  for (int i = 0; (type = sg_code_type_at(i)); i++) {
    bool chosen = false;
    for (int k = 0; k < CHOICES; k++) chosen |= strcmp(choices[k].name, type->about.name) == 0;
    if (!chosen) fail_msg("%s is missing from the list of this test", type->about.name);
  }
}

/* The messages of a round, by sender. */
static int plan_messages(const sg_code *code, sg_message *message) {
  sg_protocol *protocol = sg_protocol_new(code);
  sg_orders orders = {0};
  int count = 0;
  assert_non_null(protocol);
  sg_protocol_event(protocol, &(sg_event){.kind = SG_BEGIN}, &orders);
  for (int node = 0; node < N; node++)
    for (int i = 0; i < orders.count; i++) {
      const sg_order *o = &orders.order[i];
      if (o->kind == SG_ORDER_SEND && (o->node == node || o->node == SG_ALL))
        message[count++] = (sg_message){.from = node, .to = SG_MASTER, .tag = o->tag};
    }
  sg_orders_free(&orders);
  sg_protocol_free(protocol);
  return count;
}

/* The loops of our own that find weights run over the null basis or the row space (at most n × n
 * numbers for each piece and twice, with refinement) and over the rows: an upper bound. */
static double most_in_loops(const sg_code *code, const void *state, const sg_message *message,
                            int count) {
  sg_row row = {0};
  double s = code->promised, n = N, pieces = code->segment[0].pieces, terms = 0;
  for (int i = 0; i < count; i++) {
    sg_encode(code, state, &message[i], &row);
    terms += row.n_terms;
  }
  sg_row_free(&row);
  double narrow = fmax(fmin(s, n - s), 4);
  return pieces * (4 * n * narrow + 4 * narrow * narrow + 2 * terms + 2 * n) + 8 * n * narrow;
}

static void flops_are_those_of_the_calls(void **state) {
  (void)state;
  for (int k = 0; k < CHOICES; k++) {
    sg_values *values = values_of(&choices[k]);
    sg_code *code;
    sg_message message[4 * N];
    assert_int_equal(make(&choices[k], values, &code), SG_OK);
    /* Other messages in other rounds, of several segments or of inner nodes. */
    if (code->type->on_event || code->parent || code->segments > 1) {
      sg_code_free(code);
      sg_values_free(values);
      continue;
    }
    sg_decoder *decoder = sg_decoder_new(code);
    void *zero = calloc(1, code->state_size + 1);
    assert_true(decoder && zero);
    if (code->type->begin_round) code->type->begin_round(code, zero, 0);
    int all = plan_messages(code, message), seen = 0;
    double bound = most_in_loops(code, zero, message, all);
    for (int first = 0; first < N; first++) {
      const sg_message *order[4 * N];
      sg_weights w, again;
      int count = 0, missing = code->promised;
      for (int i = 0; i < all; i++) { /* a burst; partial codes lose second messages */
        bool present[N];
        for (int v = 0; v < N; v++) present[v] = (v - first + N) % N >= missing;
        if (sg_message_comes(code, &message[i], present)) order[count++] = &message[i];
      }
      counted = 0;
      if (sg_decoder_weights(decoder, zero, 0, count, order, &w, NULL)) continue;
      double made = counted, said = w.info.flops;
      seen++;
      if (!(made <= 1.001 * said + 1))
        fail_msg("%s: %g flops in calls, %g said", choices[k].name, made, said);
      if (choices[k].counts && !(said <= made + bound))
        fail_msg("%s: %g flops said, %g in calls and at most %g in loops", choices[k].name, said,
                 made, bound);
      counted = 0;
      assert_int_equal(sg_decoder_weights(decoder, zero, 0, count, order, &again, NULL), SG_OK);
      assert_true(again.info.flops == said); /* whether the cache knows the pattern or not */
      if (code->flags & SG_WEIGHTS_PURE) assert_true(counted == 0);
    }
    if (seen == 0) fail_msg("%s: nothing was decoded", choices[k].name);
    sg_decoder_free(decoder);
    free(zero);
    sg_code_free(code);
    sg_values_free(values);
  }
}

/* cyclic-repetition, written out: an s × s inverse, two projections, a residual over the n − s rows
 * that answered with s + 1 coefficients each, a product with an n × n matrix. */
static void flops_of_cyclic_repetition(void **state) {
  (void)state;
  const choice c = {"cyclic-repetition", {{"s", "5"}}, true};
  sg_values *values = values_of(&c);
  sg_code *code;
  sg_message message[N];
  const sg_message *order[N];
  sg_weights w;
  double n = N, s = 5;
  assert_int_equal(make(&c, values, &code), SG_OK);
  sg_decoder *decoder = sg_decoder_new(code);
  for (int i = 0; i < N - 5; i++) {
    message[i] = (sg_message){.from = i + 2, .to = SG_MASTER};
    order[i] = &message[i];
  }
  assert_int_equal(sg_decoder_weights(decoder, NULL, 0, N - 5, order, &w, NULL), SG_OK);
  double inverse = 8.0 / 3 * s * s * s, projection = 2 * s * s + 2 * n * s;
  double expected = inverse + 2 * projection + 2 * (n - s) * (s + 1) + 2 * n * n + n;
  assert_true(fabs(w.info.flops - expected) < 1e-9 * expected);
  sg_decoder_free(decoder);
  sg_code_free(code);
  sg_values_free(values);
}

/* Of all terms of a round's rows, where all of them can be told without a round. */
static double rows_of(const sg_code *code) {
  if (code->type->on_event || code->parent || code->segments > 1) return 0;
  sg_message message[4 * N];
  sg_row row = {0};
  void *zero = calloc(1, code->state_size + 1);
  assert_non_null(zero);
  if (code->type->begin_round) code->type->begin_round(code, zero, 0);
  double sum = 0;
  for (int i = plan_messages(code, message) - 1; i >= 0; i--) {
    sg_encode(code, zero, &message[i], &row);
    for (int t = 0; t < row.n_terms; t++)
      sum += row.term[t].coef * cos(1 + i + 7 * row.term[t].part + 3 * row.term[t].piece);
  }
  free(zero);
  sg_row_free(&row);
  return sum;
}

/* A code that is made all the same, since the C library's qsort does without the memory that it
 * does not get, is the same code. */
static void running_out_of_memory_leaves_nothing(void **state) {
  (void)state;
  if (!OWN_MALLOC) skip();
  for (int k = 0; k < CHOICES; k++) {
    sg_values *values = values_of(&choices[k]);
    sg_code *code;
    fail_at = -1;
    allocations = live = 0;
    watching = true;
    sg_status status = make(&choices[k], values, &code);
    watching = false;
    assert_int_equal(status, SG_OK);
    const double rows = rows_of(code);
    watching = true;
    sg_code_free(code);
    watching = false;
    assert_int_equal(live, 0);
    long all = allocations, step = all / 200 + 1;
    assert_true(all > 1);
    for (long i = 0; i < all; i += step) {
      code = (sg_code *)values; /* must be cleared */
      fail_at = i;
      allocations = live = 0;
      watching = true;
      status = make(&choices[k], values, &code);
      watching = false;
      const bool made = !status && code;
      if (made && rows_of(code) != rows)
        fail_msg("%s: allocation %ld of %ld fails: other rows", choices[k].name, i, all);
      watching = true;
      if (made) sg_code_free(code);
      watching = false;
      if ((!made && (status != SG_NO_MEMORY || code)) || live)
        fail_msg("%s: allocation %ld of %ld fails: status %d, %ld blocks are left", choices[k].name,
                 i, all, status, live);
    }
    sg_values_free(values);
  }
}

/* Bytes that are asked for while a code of 10,000 workers with sparse tables is made, whether they
 * are given back or not: in proportion to the numbers of the tables, far from n² = 800 MB. */
static void tables_of_many_workers(void **state) {
  (void)state;
  enum { MANY = 10000 };
  static const choice sparse[] = {
      {"uncoded", {{NULL}}, true},
      {"fractional-repetition", {{"s", "3"}}, true},
      {"cyclic-repetition", {{"s", "3"}}, true},
      {"cyclic-mds", {{"s", "5"}}, true},
      {"reed-solomon", {{"s", "4"}}, true},
      {"heterogeneous", {{"s", "3"}}, true},
      {"group", {{"d", "4"}, {"m", "2"}}, true},
      {"streamed-group", {{"d", "4"}, {"chunks", "2"}}, true},
      {"partial-cyclic", {{"s", "3"}, {"p", "6"}}, true},
      {"partial-repetition", {{"s", "3"}, {"alpha", "2"}}, true},
      {"nested", {{"s_max", "3"}}, true},
      {"tiered", {{"s", "3"}, {"start", "20"}, {"after", "5"}}, true},
      {"coded-reduce", {{"fan_out", "10000"}, {"depth", "1"}, {"s", "2"}}, true},
      {"clustered", {{"clusters", "10"}, {"s", "2"}}, true},
      {"sequential-gc", {{"s", "3"}}, true},
      {"sr-sgc", {{"B", "2"}, {"W", "3"}, {"lambda", "4"}}, true},
      {"m-sgc", {{"B", "1"}, {"W", "2"}, {"lambda", "4"}}, true},
  };
  if (!OWN_MALLOC) skip();
  for (size_t k = 0; k < sizeof sparse / sizeof *sparse; k++) {
    sg_values *values = values_of(&sparse[k]);
    sg_shape shape = {.workers = MANY, .subsets = MANY, .length = 1000, .seed = 1, .updates = 1};
    sg_code *code;
    asked = 0;
    fail_at = -1;
    watching = true;
    sg_status status = sg_code_new(sg_code_type_find(sparse[k].name), &shape, values, &code, NULL);
    watching = false;
    assert_int_equal(status, SG_OK);
    if (!(asked < 50e6)) fail_msg("%s: %g bytes", sparse[k].name, asked);
    sg_code_free(code);
    sg_values_free(values);
  }
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_is_chosen),
      cmocka_unit_test(flops_are_those_of_the_calls),
      cmocka_unit_test(flops_of_cyclic_repetition),
      cmocka_unit_test(running_out_of_memory_leaves_nothing),
      cmocka_unit_test(tables_of_many_workers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
