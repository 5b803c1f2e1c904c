/* SPDX-License-Identifier: MIT */
/* Property tests of gradient codes. They find every registered code by themselves, walk a grid of
 * its parameters made from its own table, and check what the code promises: placement and load,
 * recovery for every promised pattern, refusal where the rows do not span the sum, the same code
 * for the same seed. Then the published and derived numbers of single schemes. */
#include "codes/frame/code.h"
#include "codes/frame/expand.h"
#include "codes/frame/protocol.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 64, LENGTH = 60, MESSAGES = 4 * MOST };

/* --- A code under test ------------------------------------------------------------------------ */

typedef struct bench {
  sg_values *values;
  sg_code *code;
  sg_decoder *decoder;
  void *state;
  int messages;
  sg_message message[MESSAGES]; /* all that the first round's plan sends, by sender */
  char label[160];
} bench;

/* The messages of a round, from the orders that open it. */
static void plan_messages(bench *b) {
  sg_protocol *protocol = sg_protocol_new(b->code);
  sg_orders orders = {0};
  assert_non_null(protocol);
  sg_protocol_event(protocol, &(sg_event){.kind = SG_BEGIN}, &orders);
  assert_false(orders.failed);
  for (int node = 0; node < b->code->nodes; node++)
    for (int i = 0; i < orders.count; i++) {
      const sg_order *o = &orders.order[i];
      if (o->kind != SG_ORDER_SEND || (o->node != node && o->node != SG_ALL)) continue;
      assert_true(b->messages < MESSAGES);
      b->message[b->messages] = (sg_message){
          .id = b->messages, .from = node, .to = SG_MASTER, .segment = o->segment, .tag = o->tag};
      b->messages++;
    }
  sg_orders_free(&orders);
  sg_protocol_free(protocol);
}

static sg_status open_code(bench *b, const sg_code_type *type, sg_values *values, int n,
                           uint64_t seed, sg_error *e) {
  *b = (bench){.values = values};
  sg_shape shape = {.workers = n, .subsets = n, .length = LENGTH, .seed = seed, .updates = 1};
  sg_status status = sg_code_new(type, &shape, values, &b->code, e);
  if (status) {
    assert_null(b->code);
    return status;
  }
  b->decoder = sg_decoder_new(b->code);
  b->state = calloc(1, b->code->state_size + 1);
  assert_true(b->decoder && b->state);
  if (type->begin_round) type->begin_round(b->code, b->state, 0);
  plan_messages(b);
  sg_code_label(values, b->label, sizeof b->label);
  return SG_OK;
}

static void close_code(bench *b) {
  sg_decoder_free(b->decoder);
  sg_code_free(b->code);
  free(b->state);
}

/* A code by name and a list of name, text pairs. */
static sg_values *values_of(const char *name, ...) {
  const sg_code_type *type = sg_code_type_find(name);
  assert_non_null(type);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
  assert_non_null(values);
  va_list list;
  va_start(list, name);
  const char *member;
  while ((member = va_arg(list, const char *)))
    assert_int_equal(sg_values_parse(values, member, va_arg(list, const char *), NULL), SG_OK);
  va_end(list);
  return values;
}

static void open_named(bench *b, sg_values *values, int n, uint64_t seed) {
  const sg_code_type *type = sg_code_type_find(values->variant->name);
  sg_error e = {0};
  if (open_code(b, type, values, n, seed, &e))
    fail_msg("%s: %s", type->about.name, e.fault[0].message);
}

static void close_named(bench *b) {
  sg_values_free(b->values);
  close_code(b);
}

/* Whether a message comes when exactly the workers of the bit set answer; of the others of a
 * partial code the first one does. */
static bool comes(const bench *b, int message, unsigned long present) {
  bool flag[MOST];
  for (int i = 0; i < b->code->nodes; i++) flag[i] = present >> i & 1;
  return sg_message_comes(b->code, &b->message[message], flag);
}

/* Weights when exactly the workers of the bit set answer; `turn` varies the order of arrival. */
static sg_status decode(bench *b, unsigned long present, int turn, sg_weights *w,
                        const sg_message **order) {
  int n = b->messages, count = 0;
  for (int k = 0; k < n; k++) {
    int i = turn % 2 ? (n - 1 - k + turn) % n : (k + turn) % n;
    if (comes(b, i, present)) order[count++] = &b->message[i];
  }
  sg_error e = {0};
  sg_status status = sg_decoder_weights(b->decoder, b->state, 0, count, order, w, &e);
  assert_int_equal(e.count, 0);
  return status;
}

/* Largest deviation of Σ w · row from the all-ones target. */
static double deviation(bench *b, const sg_weights *w) {
  static double alpha[MOST * MOST];
  int size = b->code->parts * w->pieces;
  double most = 0;
  assert_true(size <= MOST * MOST);
  for (int v = 0; v < w->pieces; v++) {
    memset(alpha, 0, (size_t)size * sizeof *alpha);
    for (int i = 0; i < w->count; i++) {
      double weight = w->w[i * w->pieces + v];
      if (weight == 0) continue;
      const sg_row *row = sg_decoder_row(b->decoder, i);
      assert_non_null(row);
      for (int t = 0; t < row->n_terms; t++)
        alpha[row->term[t].part * w->pieces + row->term[t].piece] += weight * row->term[t].coef;
    }
    for (int j = 0; j < size; j++) most = fmax(most, fabs(alpha[j] - (j % w->pieces == v)));
  }
  return most;
}

/* By brute force: whether the all-ones rows lie in the span of the rows, whose orthonormal basis is
 * that of their singular values above 1e-11 of the largest. Nothing of straggle is in this. */
static bool is_spanned(const bench *b, unsigned long present) {
  static double a[MOST * MESSAGES * MOST], u[MOST * MESSAGES * MOST], vt[MESSAGES * MESSAGES];
  static double sigma[MESSAGES], left[MOST * MOST];
  const sg_code *code = b->code;
  int pieces = code->segment[0].pieces, rows = code->parts * pieces, count = 0;
  sg_expander expander = {0};
  for (int i = 0; i < b->messages; i++) {
    if (!comes(b, i, present)) continue;
    double *column = a + count++ * rows;
    memset(column, 0, (size_t)rows * sizeof *column);
    assert_true(sg_expand(&expander, code, b->state, &b->message[i], 1, column));
  }
  sg_expander_free(&expander);
  if (count == 0) return false;
  int least = rows < count ? rows : count, rank = 0;
  assert_int_equal(
      LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', rows, count, a, rows, sigma, u, rows, vt, least), 0);
  while (rank < least && sigma[rank] > 1e-11 * sigma[0]) rank++;
  for (int v = 0; v < pieces; v++) {
    for (int j = 0; j < rows; j++) left[j] = j % pieces == v;
    for (int k = 0; k < rank; k++) {
      double along = 0;
      for (int j = v; j < rows; j += pieces) along += u[j + k * rows];
      for (int j = 0; j < rows; j++) left[j] -= along * u[j + k * rows];
    }
    for (int j = 0; j < rows; j++)
      if (fabs(left[j]) > 1e-5) return false;
  }
  return true;
}

/* --- What every code must satisfy ------------------------------------------------------------- */

static void check_rows(bench *b) {
  const sg_code *code = b->code;
  int pieces = code->segment[0].pieces;
  double load = 0, stored = 0;
  sg_row row = {0};
  for (int i = 0; i < code->nodes; i++) {
    unsigned char held[2 * MOST] = {0};
    double share = 0;
    for (int k = 0; k < b->messages; k++) {
      if (b->message[k].from != i) continue;
      sg_encode(code, b->state, &b->message[k], &row);
      assert_false(row.failed);
      for (int t = 0; t < row.n_terms; t++) {
        const sg_term *term = &row.term[t];
        assert_true(term->part >= 0 && term->part < code->parts);
        assert_true(term->piece >= 0 && term->piece < pieces);
        assert_true(term->coef != 0 && isfinite(term->coef));
        if (!held[term->part])
          share += sg_code_edge(code, term->part + 1) - sg_code_edge(code, term->part);
        held[term->part] = 1;
      }
    }
    assert_true(fabs(code->work[i] - share * code->shape.subsets) < 1e-9);
    load = fmax(load, code->work[i]);
    stored += share;
  }
  sg_row_free(&row);
  assert_true(code->load == load);
  assert_true(fabs(code->stored - stored) < 1e-9);
  assert_int_equal(code->reduction, pieces);
  /* No exact code can beat d ≥ s + m (Ye & Abbe 2018), where a worker sends 1/m of a gradient and
   * stragglers send nothing. */
  int sent = 0, most = 0;
  for (int i = 0; i < b->messages; i++) {
    sent = i > 0 && b->message[i].from == b->message[i - 1].from ? sent + 1 : 1;
    if (sent > most) most = sent;
  }
  double d = load * code->nodes / code->shape.subsets, m = (double)pieces / most;
  if (code->exact && !code->type->comes && d + 1e-9 < code->promised + m)
    fail_msg("%s, n = %d: d = %g is less than s + m = %d + %g, which no exact code can do",
             b->label, code->nodes, d, code->promised, m);
}

static bool is_promised(const bench *b, unsigned long present) {
  bool flag[MOST];
  int missing = 0;
  for (int i = 0; i < b->code->nodes; i++) {
    flag[i] = present >> i & 1;
    missing += !flag[i];
  }
  return b->code->type->promises ? b->code->type->promises(b->code, flag)
                                 : missing <= b->code->promised;
}

/* exact-codes.md, stability: what a scheme's arithmetic may lose for n ≤ 12. */
static double tolerance(const bench *b) {
  return strstr(b->label, "polynomial") || strstr(b->label, "vandermonde") ? 1e-7 : 1e-9;
}

static void check_same_bits(bench *b, unsigned long present, const sg_weights *first,
                            const sg_message **order) {
  double kept[MESSAGES * MOST];
  const sg_message *other[MESSAGES];
  int m = first->pieces, count = first->count;
  sg_decode_info info = first->info;
  for (int i = 0; i < count; i++)
    memcpy(kept + order[i]->id * m, first->w + i * m, (size_t)m * sizeof *kept);
  sg_weights again;
  assert_int_equal(decode(b, present, 3, &again, other), SG_OK);
  for (int i = 0; i < count; i++)
    assert_memory_equal(kept + other[i]->id * m, again.w + i * m, (size_t)m * sizeof *kept);
  assert_true(again.info.cond1 == info.cond1 && again.info.flops == info.flops);
}

static void check_pattern(bench *b, unsigned long present, bool rank) {
  const sg_message *order[MESSAGES];
  sg_weights w;
  sg_status status = decode(b, present, (int)(present % 5), &w, order);
  bool promised = is_promised(b, present);
  if (status == SG_OK) {
    double off = deviation(b, &w);
    if (b->code->exact && !(off <= tolerance(b)))
      fail_msg("%s, n = %d, pattern %lx: off by %g", b->label, b->code->nodes, present, off);
    assert_true(isfinite(w.info.cond1) && w.info.cond1 >= 1 - 1e-12);
    assert_true(w.info.amplification > 0 && w.info.flops >= 0);
    if (w.info.cond1 > 1 + 1e-9) assert_true(w.info.flops > 0);
    if (b->code->exact) assert_true(w.info.alpha_error == 0);
    check_same_bits(b, present, &w, order);
  } else {
    assert_int_equal(status, SG_UNDECODABLE);
    if (promised) fail_msg("%s, n = %d: refused %lx", b->label, b->code->nodes, present);
  }
  if (!rank || !b->code->exact) return;
  bool spanned = is_spanned(b, present);
  if (status == SG_OK && !spanned) fail_msg("%s: %lx is not spanned", b->label, present);
  if (status != SG_OK && strcmp(b->code->stop, "decodable") == 0 && spanned)
    fail_msg("%s: %lx could be decoded", b->label, present);
}

static void check_same_seed(bench *b, const sg_code_type *type) {
  bench again;
  sg_row x = {0}, y = {0};
  sg_error e = {0};
  if (open_code(&again, type, b->values, b->code->nodes, 1, &e))
    fail_msg("%s, n = %d, again: %s", b->label, b->code->nodes, e.fault[0].message);
  for (int i = 0; i < b->messages; i++) {
    sg_encode(b->code, b->state, &b->message[i], &x);
    sg_encode(again.code, again.state, &b->message[i], &y);
    assert_int_equal(x.n_terms, y.n_terms);
    for (int t = 0; t < x.n_terms; t++)
      assert_true(x.term[t].part == y.term[t].part && x.term[t].piece == y.term[t].piece &&
                  x.term[t].coef == y.term[t].coef);
  }
  sg_row_free(&x);
  sg_row_free(&y);
  close_code(&again);
}

static long made, refused;

/* Combinations of parameters of one code and n: met so far, and every how many-th is tested. The
 * many of a code with many parameters are thinned to at most MOST_COMBINATIONS. */
static long met, step;
enum { MOST_COMBINATIONS = 300 };

static void check_code(const sg_code_type *type, sg_values *values, int n) {
  bench b;
  sg_error e = {0};
  sg_status status = open_code(&b, type, values, n, 1, &e);
  if (status) {
    assert_int_equal(status, SG_INVALID);
    assert_true(e.count >= 1 && strncmp(e.fault[0].place, "/schemes/0", 10) == 0);
    if (!strstr(e.fault[0].message, "expected") || !strstr(e.fault[0].message, "found"))
      fail_msg("a poor message: %s", e.fault[0].message);
    sg_error_clear(&e);
    refused++;
    return;
  }
  made++;
  check_rows(&b);
  check_same_seed(&b, type);
  unsigned long all = 1UL << n;
  for (unsigned long present = 0; present < all; present++) {
    /* All promised patterns; of the others a sample where there are many. */
    bool sampled = n <= 6 || present % 61 == 7;
    if (sampled || is_promised(&b, present)) check_pattern(&b, present, sampled);
  }
  close_code(&b);
}

/* Whether a grid for n workers has the value; small n have all. */
static bool in_grid(long value, int n) {
  return n <= 6 || value <= 4 || value == n / 2 || value == n - 1 || value == n;
}

/* How many members may differ from their defaults together: all of a small code. */
static int most_departures(int n) {
  return n <= 4 ? 99 : n <= 6 ? 3 : 2;
}

/* Sets a member of kind SG_MATRIX to a file of that text. */
static sg_status set_matrix(sg_values *values, const char *name, const char *text, sg_error *e) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/test_codes_%ld.csv", (long)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  sg_status status = sg_values_parse(values, name, path, e);
  unlink(path);
  return status;
}

/* Generators that are and that are not maximum distance separable, and one without full rank. */
static const char *const matrices[] = {"1,1\n", "1,0,1,0\n0,1,0,1\n", "1,0,1,1\n0,1,1,-1\n",
                                       "1,0,0,1,1\n0,1,0,1,0\n0,0,1,0,1\n", "1,2,3\n2,4,6\n"};

/* Gives every member of the table from `p` on each of its values in turn. */
static void walk(const sg_code_type *type, const sg_param *p, sg_values *values, int n, int left) {
  if (!p || !p->name) {
    if (step > 0 && met % step == 0) check_code(type, values, n);
    met++;
    return;
  }
  if (!(p->flags & SG_REQUIRED)) {
    walk(type, p + 1, values, n, left);
    if (left-- == 0 || !sg_values_with(values, p)) return;
  }
  sg_values *copy = sg_values_copy(values);
  assert_non_null(copy);
  if (p->kind == SG_INT)
    for (long x = p->min < 0 ? 0 : (long)p->min; x <= n + 1; x++) {
      if (!in_grid(x, n)) continue;
      assert_int_equal(sg_values_set_number(copy, p->name, (double)x, NULL), SG_OK);
      walk(type, p + 1, copy, n, left);
    }
  else if (p->kind == SG_CHOICE)
    for (int i = 0; p->choices[i]; i++) {
      assert_int_equal(sg_values_set_string(copy, p->name, p->choices[i], NULL), SG_OK);
      walk(type, p + 1, copy, n, left);
    }
  else if (p->kind == SG_MATRIX)
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) {
      /* Reading files takes long: not for combinations that are only counted. */
      bool last = !p[1].name;
      if (step > 0 && (!last || met % step == 0))
        assert_int_equal(set_matrix(copy, p->name, matrices[i], NULL), SG_OK);
      walk(type, p + 1, copy, n, left);
    }
  else
    assert_false(p->flags & SG_REQUIRED); /* a kind of member the walk has to learn */
  sg_values_free(copy);
}

static void every_code_keeps_its_promises(void **state) {
  (void)state;
  static const int sizes[] = {1, 2, 3, 4, 5, 6, 8, 12};
  const sg_code_type *type;
  for (int i = 0; (type = sg_code_type_at(i)); i++) {
    assert_ptr_equal(sg_code_type_find(type->about.name), type);
    assert_true(strlen(type->about.summary) > 20);
    made = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
      assert_non_null(values);
      met = step = 0;
      walk(type, type->about.params, values, sizes[k], most_departures(sizes[k])); /* counts */
      step = (met / MOST_COMBINATIONS + 1) | 1;
      met = 0;
      walk(type, type->about.params, values, sizes[k], most_departures(sizes[k]));
      sg_values_free(values);
    }
    assert_true(made >= 8);
  }
  assert_true(refused > 100);
}

/* Larger codes: sampled patterns of exactly s stragglers. */
static unsigned long sample_pattern(sg_stream *s, int n, int missing) {
  unsigned long present = (n == 64 ? 0 : 1UL << n) - 1;
  while (missing > 0) {
    int i = (int)(sg_uniform(s) * n);
    if (!(present >> i & 1)) continue;
    present &= ~(1UL << i);
    missing--;
  }
  return present;
}

static void large_codes_recover(void **state) {
  (void)state;
  sg_values *list[] = {
      values_of("uncoded", NULL),
      values_of("cyclic-repetition", "s", "3", NULL),
      values_of("cyclic-repetition", "s", "5", NULL),
      values_of("fractional-repetition", "s", "4", "stop", "count", NULL),
      values_of("ye-abbe", "d", "6", "m", "2", NULL),
      values_of("ye-abbe", "d", "8", "m", "2", "s", "4", NULL),
      values_of("ye-abbe", "d", "50", "m", "10", NULL),
      values_of("reed-solomon", "s", "5", NULL),
      values_of("reed-solomon", "s", "9", "parts", "40", "nodes", "roots-of-unity", NULL),
      values_of("cyclic-mds", "s", "5", NULL),
      values_of("cyclic-mds", "s", "4", "even", "negacyclic", NULL),
      values_of("heterogeneous", "s", "3", NULL),
      values_of("arbitrary-placement", "s", "3", "placement", "random", "replication", "5",
                "replication_max", "9", NULL),
      values_of("partial-cyclic", "s", "4", "p", "9", NULL),
      values_of("group", "d", "6", "m", "3", "stop", "count", NULL),
      values_of("group", "d", "6", "m", "3", "linear_code", "gaussian", "stop", "decodable", NULL),
      values_of("group", "d", "30", "m", "15", "stop", "count", NULL), /* too many to tabulate */
  };
  for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
    bench b;
    sg_stream s;
    open_named(&b, list[k], 60, 1);
    check_rows(&b);
    sg_stream_at(&s, 1, 0, SG_FOR_CHECK, (uint32_t)k, 0, 0);
    for (int t = 0; t < 100; t++)
      check_pattern(&b, sample_pattern(&s, 60, b.code->promised), false);
    if (b.code->promised > 0) check_pattern(&b, (1UL << 60) - 1, false);
    close_named(&b);
  }
}

/* --- Numbers of single schemes ---------------------------------------------------------------- */

static double choose(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
  return c;
}

/* P(R* ≤ f): the share of f-subsets that can be decoded. */
static void response_law(bench *b, double *law) {
  int n = b->code->nodes;
  const sg_message *order[MESSAGES];
  sg_weights w;
  for (int f = 0; f <= n; f++) law[f] = 0;
  for (unsigned long present = 0; present < 1UL << n; present++)
    if (decode(b, present, 0, &w, order) == SG_OK) law[__builtin_popcountl(present)]++;
  for (int f = 0; f <= n; f++) law[f] /= choose(n, f);
}

static void check_law(sg_values *values, int n, double mean, int first, int count,
                      const double *expected) {
  bench b;
  double law[MOST], sum = 0;
  open_named(&b, values, n, 1);
  response_law(&b, law);
  for (int f = 0; f < n; f++) sum += 1 - law[f];
  assert_true(fabs(sum - mean) < 5e-5);
  for (int i = 0; i < count; i++) assert_true(fabs(law[first + i] - expected[i]) < 5e-5);
  close_named(&b);
}

static void group_response_counts_follow_their_laws(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *d, *m;
    double mean;
  } cell[] = {{8, "4", "1", 2.6},     {8, "4", "2", 4.6286},  {8, "4", "3", 6.4286},
              {12, "3", "2", 9.5273}, {12, "4", "1", 4.4667}, {12, "4", "2", 7.4753},
              {12, "4", "3", 9.9818}, {12, "6", "3", 6.8701}};
  static const char *const linear[] = {"harmonic", "gaussian"};
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++)
    for (int k = 0; k < 2; k++)
      check_law(values_of("group", "d", cell[i].d, "m", cell[i].m, "stop", "decodable",
                          "linear_code", linear[k], NULL),
                cell[i].n, cell[i].mean, 0, 0, NULL);
  static const double small[] = {.5143, .8571, 1}, large[] = {.2338, .5455, .8, .9455, 1};
  check_law(values_of("group", "d", "4", "m", "2", "stop", "decodable", NULL), 8, 4.6286, 4, 3,
            small);
  check_law(values_of("group", "d", "4", "m", "2", "stop", "decodable", NULL), 12, 7.4753, 6, 5,
            large);
  check_law(values_of("fractional-repetition", "s", "3", NULL), 8, 2.6, 0, 0, NULL);
}

/* With a maximum-distance-separable inner code what is promised is exactly what can be decoded,
 * whatever the stop policy: that says when the master stops, not what it can do. */
static void group_promises_are_tight(void **state) {
  (void)state;
  static const char *const stops[] = {"decodable", "count"};
  for (int k = 0; k < 2; k++) {
    bench b;
    const sg_message *order[MESSAGES];
    sg_weights w;
    long promised = 0, decodable = 0;
    open_named(&b, values_of("group", "d", "4", "m", "2", "stop", stops[k], NULL), 8, 1);
    for (unsigned long present = 0; present < 256; present++) {
      promised += is_promised(&b, present);
      decodable += decode(&b, present, 0, &w, order) == SG_OK;
    }
    assert_int_equal(decodable, 11 * 11); /* 6 + 4 + 1 sets of at least 2 of 4 in each group */
    assert_int_equal(promised, 11 * 11);
    close_named(&b);
  }
}

/* Ratio of extreme singular values of the rows of some workers of a one-group code. */
static double condition(bench *b, unsigned long present) {
  double a[MOST * MOST] = {0}, sigma[MOST];
  int m = b->code->segment[0].pieces, count = 0;
  sg_expander expander = {0};
  for (int i = 0; i < b->code->nodes; i++)
    if (present >> i & 1)
      assert_true(sg_expand(&expander, b->code, b->state, &b->message[i], 1, a + m * count++));
  sg_expander_free(&expander);
  assert_int_equal(sg_singular_values(m, count, a, m, sigma), SG_OK);
  return sigma[0] / sigma[m - 1];
}

static double worst_condition(int d, int m) {
  char d_text[12], m_text[12];
  double worst = 0;
  bench b;
  snprintf(d_text, sizeof d_text, "%d", d);
  snprintf(m_text, sizeof m_text, "%d", m);
  open_named(&b, values_of("group", "d", d_text, "m", m_text, "stop", "count", NULL), d, 1);
  assert_true(fabs(condition(&b, (1UL << d) - 1) - 1) < 1e-12); /* a tight frame */
  for (unsigned long f = 0; f < 1UL << d; f++)
    if (__builtin_popcountl(f) == m) worst = fmax(worst, condition(&b, f));
  close_named(&b);
  return worst;
}

static void harmonic_conditions_equal_their_closed_forms(void **state) {
  (void)state;
  for (int d = 3; d <= 12; d++) {
    assert_true(fabs(worst_condition(d, 2) * tan(M_PI / (2 * d)) - 1) < 1e-10);
    assert_true(fabs(worst_condition(d, d - 1) / sqrt(d) - 1) < 1e-10);
  }
  /* exact-codes.md, worst kappa over all survivor sets. */
  assert_true(fabs(worst_condition(6, 3) - 5.83) < 5e-3);
  assert_true(fabs(worst_condition(6, 4) - 4.73) < 5e-3);
  assert_true(fabs(worst_condition(8, 4) - 15.3) < 5e-2);
  assert_true(fabs(worst_condition(8, 6) - 7.25) < 5e-3);
  assert_true(fabs(worst_condition(10, 5) - 42) < .5);
}

/* The largest error of a decoded gradient, relative to its largest coordinate, over sampled
 * patterns with gradients of N(0, 1)-like numbers. Really encodes and decodes. */
static double decode_error(bench *b, int patterns) {
  enum { WIDTH = 4 };
  static double g[MOST][MOST * WIDTH], f[MESSAGES][WIDTH];
  const sg_code *code = b->code;
  const sg_message *order[MESSAGES];
  int m = code->segment[0].pieces, n = code->nodes;
  sg_stream s;
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  double worst = 0, exact[MOST * WIDTH] = {0}, size = 0;
  for (int p = 0; p < code->parts; p++)
    for (int j = 0; j < m * WIDTH; j++) {
      g[p][j] = 3.46 * (sg_uniform(&s) - .5);
      exact[j] += g[p][j];
    }
  for (int j = 0; j < m * WIDTH; j++) size = fmax(size, fabs(exact[j]));
  for (int t = 0; t < patterns; t++) {
    sg_weights w;
    assert_int_equal(decode(b, sample_pattern(&s, n, code->promised), 0, &w, order), SG_OK);
    memset(f, 0, sizeof f);
    for (int i = 0; i < w.count; i++) {
      const sg_row *row = sg_decoder_row(b->decoder, i);
      for (int k = 0; k < row->n_terms; k++)
        for (int j = 0; j < WIDTH; j++)
          f[i][j] += row->term[k].coef * g[row->term[k].part][row->term[k].piece * WIDTH + j];
    }
    for (int v = 0; v < m; v++)
      for (int j = 0; j < WIDTH; j++) {
        double sum = 0;
        for (int i = 0; i < w.count; i++) sum += w.w[i * m + v] * f[i][j];
        worst = fmax(worst, fabs(sum - exact[v * WIDTH + j]) / size);
      }
  }
  return worst;
}

static double ye_abbe_error(int n, const char *d, const char *m, const char *construction) {
  bench b;
  open_named(&b, values_of("ye-abbe", "d", d, "m", m, "construction", construction, NULL), n, 1);
  double error = decode_error(&b, 300);
  close_named(&b);
  return error;
}

/* exact-codes.md, stability of Ye–Abbe: the polynomial construction has to fail. */
static void polynomial_ye_abbe_loses_accuracy(void **state) {
  (void)state;
  assert_true(ye_abbe_error(8, "4", "2", "polynomial") < 1e-11);
  assert_true(ye_abbe_error(10, "5", "2", "polynomial") < 1e-10);
  double at_15 = ye_abbe_error(15, "7", "3", "polynomial");  /* 1.9e-9 there */
  double at_18 = ye_abbe_error(18, "9", "4", "polynomial");  /* 2.5e-6 */
  double at_20 = ye_abbe_error(20, "10", "5", "polynomial"); /* 4.8e-4 */
  double at_24 = ye_abbe_error(24, "12", "6", "polynomial"); /* 2.1 */
  assert_true(at_15 > 1e-11 && at_15 < 1e-7);
  assert_true(at_18 > 1e-8 && at_18 < 1e-4);
  assert_true(at_20 > 1e-6 && at_20 < 1e-1);
  assert_true(at_24 > 1e-3);
  assert_true(ye_abbe_error(20, "10", "5", "random") < 1e-9);
  assert_true(ye_abbe_error(24, "12", "6", "random") < 1e-9);
  assert_true(ye_abbe_error(30, "15", "7", "random") < 1e-9);
}

/* On the same (d, s, m), over a grid with d ≤ 12: the group code's worst error is no larger than
 * that of any construction of Ye and Abbe's, unless both are a few roundings. */
static void groups_are_as_accurate_as_ye_abbe(void **state) {
  (void)state;
  static const int sizes[] = {2, 4, 8, 10, 12, 20};
  static const char *const constructions[] = {"polynomial", "random"};
  int compared = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int d = 1; d <= sizes[i]; d++) {
      if (sizes[i] % d != 0 || d > 12) continue;
      for (int m = 1; m <= d; m++) {
        char d_text[12], m_text[12];
        bench b;
        if (d > 6 && m > 2 && m < d - 1 && m != d / 2) continue;
        snprintf(d_text, sizeof d_text, "%d", d);
        snprintf(m_text, sizeof m_text, "%d", m);
        open_named(&b, values_of("group", "d", d_text, "m", m_text, "stop", "count", NULL),
                   sizes[i], 1);
        double group = decode_error(&b, 50);
        close_named(&b);
        for (int k = 0; k < 2; k++) {
          open_named(&b,
                     values_of("ye-abbe", "d", d_text, "m", m_text, "construction",
                               constructions[k], NULL),
                     sizes[i], 1);
          double other = decode_error(&b, 50);
          close_named(&b);
          if (group > other && group > 1e-15)
            fail_msg("n = %d, d = %d, m = %d: group %g, ye-abbe %s %g", sizes[i], d, m, group,
                     constructions[k], other);
          compared++;
        }
      }
    }
  assert_true(compared >= 60);
}

static void ignoring_stragglers_says_what_it_loses(void **state) {
  (void)state;
  bench b;
  const sg_message *order[MESSAGES];
  sg_weights w;
  open_named(&b, values_of("ignore-stragglers", "s", "3", NULL), 10, 1);
  assert_false(b.code->exact);
  assert_int_equal(decode(&b, 0x3f8, 0, &w, order), SG_OK);
  assert_true(fabs(w.info.alpha_error - 10.0 * 3 / 7) < 1e-12);
  assert_int_equal(decode(&b, 0x3f0, 0, &w, order), SG_UNDECODABLE);
  close_named(&b);
}

static void additions_only_where_promised(void **state) {
  (void)state;
  sg_values *list[] = {
      values_of("uncoded", NULL), values_of("fractional-repetition", "s", "3", NULL),
      values_of("group", "d", "4", "linear_code", "repetition", "stop", "decodable", NULL),
      values_of("group", "d", "4", "linear_code", "single-parity", "stop", "decodable", NULL)};
  for (size_t k = 0; k < 4; k++) {
    bench b;
    const sg_message *order[MESSAGES];
    sg_weights w;
    open_named(&b, list[k], 8, 1);
    for (int late = 0; late < 8; late += 3) {
      unsigned long present = b.code->promised ? 0xffUL & ~(1UL << late) : 0xff;
      assert_int_equal(decode(&b, present, 0, &w, order), SG_OK);
      assert_true(w.info.cond1 == 1 && w.info.flops == 0);
      for (int i = 0; i < w.count * w.pieces; i++) assert_true(w.w[i] == 0 || fabs(w.w[i]) == 1);
      assert_true(deviation(&b, &w) == 0);
    }
    close_named(&b);
  }
}

static void assert_refused(sg_values *values, int n, const char *place, const char *message) {
  bench b;
  sg_error e = {0};
  const sg_code_type *type = sg_code_type_find(values->variant->name);
  assert_int_equal(open_code(&b, type, values, n, 1, &e), SG_INVALID);
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, place);
  assert_string_equal(e.fault[0].message, message);
  sg_error_clear(&e);
  sg_values_free(values);
}

/* --- Exact codes of exact-codes.md, sections 3.3 to 3.6 and 8 ----------------------------------
 */

/* The largest error of the weights over all patterns of at most s stragglers. */
static double worst_deviation(bench *b) {
  const sg_message *order[MESSAGES];
  sg_weights w;
  double worst = 0;
  int n = b->code->nodes;
  for (unsigned long present = 0; present < 1UL << n; present++) {
    if (__builtin_popcountl(present) < n - b->code->promised) continue;
    assert_int_equal(decode(b, present, 0, &w, order), SG_OK);
    worst = fmax(worst, deviation(b, &w));
  }
  return worst;
}

/* exact-codes.md 7.2: |a| |B_F|₂ / √n of the cyclic MDS code is worst for contiguous bursts; that
 * of Reed–Solomon codes with a spread mask stays far below. */
static double burst_amplification(sg_values *values, int n, int s) {
  static double rows[2 * MOST * MOST];
  double worst = 0, sigma[2 * MOST];
  const sg_message *order[MESSAGES];
  sg_weights w;
  bench b;
  open_named(&b, values, n, 1);
  for (int first = 0; first < n; first++) {
    unsigned long present = (1UL << n) - 1;
    for (int i = 0; i < s; i++) present &= ~(1UL << (first + i) % n);
    assert_int_equal(decode(&b, present, 0, &w, order), SG_OK);
    memset(rows, 0, sizeof rows);
    sg_expander expander = {0};
    for (int i = 0; i < w.count; i++)
      assert_true(sg_expand(&expander, b.code, b.state, order[i], 1, rows + i * n));
    sg_expander_free(&expander);
    assert_int_equal(sg_singular_values(n, w.count, rows, n, sigma), SG_OK);
    worst = fmax(worst, w.info.amplification * sigma[0] / sqrt(n));
  }
  close_named(&b);
  return worst;
}

static void weights_stay_as_small_as_the_handbook_says(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *s;
    double least, most;
  } cell[] = {{10, "1", 1.35, 1.45},  {10, "3", 10.5, 11.5}, {20, "3", 48.5, 49.5},
              {20, "5", 450, 550},    {30, "5", 2500, 3500}, {50, "5", 1.5e4, 2.5e4},
              {50, "9", .95e7, 1.5e7}};
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
    int n = cell[i].n, s = atoi(cell[i].s);
    double x = burst_amplification(values_of("cyclic-mds", "s", cell[i].s, NULL), n, s);
    assert_true(x >= cell[i].least && x <= cell[i].most);
    double y = burst_amplification(
        values_of("reed-solomon", "s", cell[i].s, "nodes", "roots-of-unity", NULL), n, s);
    assert_true(y <= fmax(2, x / 2));
  }
}

/* The example of the handbook: roots of unity, cyclic mask, n = 12, d = 4. Its rows are those here
 * times n, its weights those here over n. */
static void reed_solomon_has_the_handbooks_numbers(void **state) {
  (void)state;
  bench b;
  const sg_message *order[MESSAGES];
  sg_weights w;
  double coef = 0, weight = 0;
  sg_row row[2] = {{0}, {0}};
  open_named(&b,
             values_of("reed-solomon", "s", "3", "nodes", "roots-of-unity", "mask", "cyclic", NULL),
             12, 1);
  assert_int_equal(b.messages, 24);
  for (int i = 0; i < b.messages; i += 2) {
    for (int k = 0; k < 2; k++) {
      sg_encode(b.code, b.state, &b.message[i + k], &row[k]);
    }
    for (int t = 0; t < row[0].n_terms; t++) {
      double imaginary = 0; /* purely real coefficients have no term in the second row */
      for (int k = 0; k < row[1].n_terms; k++)
        if (row[1].term[k].part == row[0].term[t].part) imaginary = row[1].term[k].coef;
      coef = fmax(coef, 12 * hypot(row[0].term[t].coef, imaginary));
    }
  }
  for (unsigned long present = 0; present < 4096; present++) {
    if (__builtin_popcountl(present) != 9) continue;
    assert_int_equal(decode(&b, present, 0, &w, order), SG_OK);
    assert_true(deviation(&b, &w) < 4e-14); /* 3e-14 there */
    for (int i = 0; i < w.count; i += 2) weight = fmax(weight, hypot(w.w[i], w.w[i + 1]) / 12);
  }
  assert_true(fabs(weight - .62) < 5e-3);
  assert_true(fabs(coef - 44.8) < 5e-2);
  sg_row_free(&row[0]);
  sg_row_free(&row[1]);
  close_named(&b);
}

/* Loads are those of a balanced mask, also for k other than n. */
static void reed_solomon_masks_are_balanced(void **state) {
  (void)state;
  for (int n = 2; n <= 13; n++)
    for (int s = 0; s < n; s++)
      for (int k = 1; k <= 2 * n + 1; k++)
        for (int mask = 0; mask < 2; mask++) {
          bench b;
          char s_text[12], k_text[12];
          double least = INFINITY, most = 0;
          snprintf(s_text, sizeof s_text, "%d", s);
          snprintf(k_text, sizeof k_text, "%d", k);
          open_named(&b,
                     values_of("reed-solomon", "s", s_text, "parts", k_text, "mask",
                               mask ? "cyclic" : "spread", NULL),
                     n, 1);
          for (int i = 0; i < n; i++) {
            least = fmin(least, b.code->work[i] * k / n);
            most = fmax(most, b.code->work[i] * k / n);
          }
          assert_true(fabs(most - ceil((double)k * (s + 1) / n)) < 1e-9);
          assert_true(fabs(least - floor((double)k * (s + 1) / n)) < 1e-9);
          assert_true(fabs(b.code->stored - (s + 1)) < 1e-9);
          close_named(&b);
        }
}

static void cyclic_mds_is_normalised_and_has_its_fallbacks(void **state) {
  (void)state;
  bench b;
  const sg_message *order[MESSAGES];
  sg_weights w;
  for (int s = 1; s < 12; s += 2) {
    char text[12];
    sg_row row = {0};
    snprintf(text, sizeof text, "%d", s);
    open_named(&b, values_of("cyclic-mds", "s", text, NULL), 12, 1);
    assert_true(b.code->promised == s && b.code->load == s + 1);
    assert_int_equal(decode(&b, 0xfff, 0, &w, order), SG_OK);
    for (int i = 0; i < 12; i++) assert_true(w.w[i] == 1);
    sg_encode(b.code, b.state, &b.message[0], &row);
    for (int t = 0; t < row.n_terms; t++) assert_true(fabs(row.term[t].coef) <= .5 + 1e-12);
    assert_true(worst_deviation(&b) < 1e-12);
    sg_row_free(&row);
    close_named(&b);
  }
  open_named(&b, values_of("cyclic-mds", "s", "2", NULL), 12, 1);
  assert_true(b.code->promised == 3 && b.code->load == 4 && b.code->segment[0].need == 9);
  close_named(&b);
  open_named(&b, values_of("cyclic-mds", "s", "2", "even", "negacyclic", NULL), 12, 1);
  assert_true(b.code->promised == 2 && b.code->load == 3);
  assert_true(worst_deviation(&b) < 1e-12);
  close_named(&b);
}

static sg_status open_shaped(bench *b, sg_values *values, const sg_shape *shape, sg_error *e) {
  *b = (bench){.values = values};
  sg_status status =
      sg_code_new(sg_code_type_find(values->variant->name), shape, values, &b->code, e);
  if (status) return status;
  b->decoder = sg_decoder_new(b->code);
  b->state = calloc(1, b->code->state_size + 1);
  assert_true(b->decoder && b->state);
  sg_code_label(values, b->label, sizeof b->label);
  plan_messages(b);
  return SG_OK;
}

static void loads_follow_speeds(void **state) {
  (void)state;
  static const double speed[] = {1, 3, 1, 2.5, 4, 1, 2, .5}; /* sum 15 */
  sg_shape shape = {
      .workers = 8, .subsets = 24, .length = LENGTH, .speed = speed, .seed = 1, .updates = 1};
  for (int s = 0; s <= 2; s++) {
    bench b;
    char text[12];
    snprintf(text, sizeof text, "%d", s);
    assert_int_equal(open_shaped(&b, values_of("heterogeneous", "s", text, NULL), &shape, NULL),
                     SG_OK);
    check_rows(&b);
    for (int i = 0; i < 8; i++)
      assert_true(fabs(b.code->work[i] - 24.0 * (s + 1) * speed[i] / 15) < 1e-9);
    assert_true(worst_deviation(&b) < 1e-11);
    close_named(&b);
  }
  bench b;
  sg_error e = {0};
  sg_values *values = values_of("heterogeneous", "s", "3", NULL);
  assert_int_equal(open_shaped(&b, values, &shape, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "s from 0 to 2: worker 4 of speed 4"));
  sg_error_clear(&e);
  sg_values_free(values);
  /* As many parts by their speed as can be; nobody waits long for a slow worker. */
  values = values_of("arbitrary-placement", "s", "1", "m", "2", "placement", "by-speed", "parts",
                     "30", NULL);
  assert_int_equal(open_shaped(&b, values, &shape, NULL), SG_OK);
  check_rows(&b);
  assert_true(worst_deviation(&b) < 1e-11);
  for (int i = 0; i < 8; i++) {
    double parts = b.code->work[i] * 30 / 24, share = 90 * speed[i] / 15;
    assert_true(parts >= share - 2 && parts <= share + 2);
  }
  close_named(&b);
}

/* exact-codes.md 4.4: n = 9, k = 7, s = 2, m = 2, replication from 4 to 6. */
static void any_placement_will_do(void **state) {
  (void)state;
  static const char *const names[] = {"cyclic", "random"};
  for (int k = 0; k < 2; k++) {
    bench b;
    open_named(&b,
               values_of("arbitrary-placement", "s", "2", "parts", "7", "replication", "4",
                         "replication_max", "6", "placement", names[k], NULL),
               9, 1);
    assert_true(b.code->reduction == 2 && b.code->promised == 2 && b.code->parts == 7);
    assert_true(b.code->stored > 4 && b.code->stored < 6);
    check_rows(&b);
    assert_true(worst_deviation(&b) < 1e-12);
    close_named(&b);
  }
  /* The same from a file: worker i holds part j unless i + j is a multiple of 3. */
  char path[] = "/tmp/straggle-placement-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  FILE *f = fdopen(file, "w");
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 5; j++) fprintf(f, "%d%c", (i + j) % 3 != 0, j < 4 ? ',' : '\n');
  fclose(f);
  bench b;
  open_named(
      &b, values_of("arbitrary-placement", "s", "1", "placement", "matrix", "matrix", path, NULL),
      6, 1);
  assert_true(b.code->parts == 5 && b.code->reduction == 3); /* r = 4 */
  check_rows(&b);
  assert_true(worst_deviation(&b) < 1e-12);
  sg_row row = {0};
  sg_encode(b.code, b.state, &b.message[1], &row);
  for (int t = 0; t < row.n_terms; t++) assert_true((1 + row.term[t].part) % 3 != 0);
  sg_row_free(&row);
  close_named(&b);
  assert_refused(
      values_of("arbitrary-placement", "s", "1", "placement", "matrix", "matrix", path, NULL), 7,
      "/schemes/0/matrix", "expected a row for each of n = 7 workers, found 6");
  unlink(path);
}

/* First messages of everyone and second messages of `second`. */
static sg_status decode_stages(bench *b, unsigned long first, unsigned long second, sg_weights *w) {
  const sg_message *order[MESSAGES];
  int count = 0;
  for (int i = 0; i < b->messages; i++) {
    const sg_message *m = &b->message[i];
    if ((m->tag == 0 ? first : second) >> m->from & 1) order[count++] = m;
  }
  return sg_decoder_weights(b->decoder, b->state, 0, count, order, w, NULL);
}

/* Whether the stop rule says ready, whatever the order of arrival. */
static bool is_ready(bench *b, unsigned long first, unsigned long second) {
  bool ready = false;
  b->code->type->begin_round(b->code, b->state, 0);
  for (int i = b->messages - 1; i >= 0; i--) {
    const sg_message *m = &b->message[i];
    if (!((m->tag == 0 ? first : second) >> m->from & 1)) continue;
    ready |= b->code->type->arrive(b->code, b->state, m, NULL) == SG_READY;
  }
  return ready;
}

static void partial_codes_need_all_first_messages(void **state) {
  (void)state;
  static const char *const names[] = {"partial-cyclic", "partial-repetition"};
  for (int k = 0; k < 2; k++)
    for (int p = 4; p <= 7; p += 3) { /* s = 2 */
      bench b;
      char text[12];
      sg_weights w;
      snprintf(text, sizeof text, "%d", p);
      open_named(&b, values_of(names[k], "s", "2", "p", text, NULL), 6, 1);
      assert_true(fabs(b.code->load - (double)p / (p - 2)) < 1e-12);
      assert_true(b.code->promised == 2 && b.code->type->comes);
      for (int i = 0; i < 6; i++) /* first messages hold p − s − 1 of (p − s) n partitions */
        assert_true(fabs(sg_code_edge(b.code, i + 1) - sg_code_edge(b.code, i) -
                         (p - 3.0) / ((p - 2) * 6)) < 1e-12);
      for (unsigned long second = 0; second < 64; second++) {
        bool enough =
            k == 0 ? __builtin_popcountl(second) >= 4 : (second & 7) != 0 && (second & 070) != 0;
        assert_int_equal(decode_stages(&b, 63, second, &w), enough ? SG_OK : SG_UNDECODABLE);
        if (enough) assert_true(deviation(&b, &w) < 1e-11);
        assert_true(is_ready(&b, 63, second) == enough);
        assert_int_equal(decode_stages(&b, 62, second, &w), SG_UNDECODABLE);
        assert_false(is_ready(&b, 62, second));
      }
      close_named(&b);
    }
  /* alpha: the largest p that is still safe; 2 (s + 1) for alpha = 2, load 4/3 for s = 1. */
  bench b;
  open_named(&b, values_of("partial-cyclic", "s", "1", "alpha", "2", NULL), 6, 1);
  assert_true(fabs(b.code->load - 4.0 / 3) < 1e-12);
  close_named(&b);
  open_named(&b, values_of("partial-cyclic", "s", "2", "alpha", "1.7", NULL), 6, 1);
  assert_true(fabs(b.code->load - 7.0 / 5) < 1e-12); /* p = 7: 7/4 ≥ 1.7 > 8/5 */
  close_named(&b);
}

/* --- The framework ---------------------------------------------------------------------------- */

/* Tandon et al. (2017), the figure with three workers: B and its decoding rows A. */
static const double figure_b[3][3] = {{.5, 1, 0}, {0, 1, -1}, {.5, 0, 1}};
static const double figure_a[3][3] = {{0, 1, 2}, {1, 0, 1}, {2, -1, 0}};

static sg_status figure_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  code->promised = 1;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, NULL, 1, shape->workers - 1, e);
}

static void figure_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  for (int p = 0; p < 3; p++) sg_row_part(row, p, 0, figure_b[message->from][p]);
}

static const sg_code_type figure_type = {
    .about = {.name = "figure", .summary = "", .reference = ""},
    .create = figure_create,
    .encode = figure_encode};

static void least_squares_finds_the_published_weights(void **state) {
  (void)state;
  bench b;
  const sg_message *order[MESSAGES];
  sg_weights w;
  sg_values *values = sg_values_new(NULL, &figure_type.about, "");
  assert_int_equal(open_code(&b, &figure_type, values, 3, 1, NULL), SG_OK);
  check_rows(&b);
  assert_true(b.code->load == 2 && b.code->stored == 2);
  for (int late = 0; late < 3; late++) {
    assert_int_equal(decode(&b, 7UL & ~(1UL << late), late, &w, order), SG_OK);
    for (int i = 0; i < 2; i++) assert_true(fabs(w.w[i] - figure_a[late][order[i]->from]) < 1e-14);
    assert_true(w.info.flops > 0 && w.info.cond1 > 1);
  }
  for (int i = 0; i < 3; i++) assert_int_equal(decode(&b, 1UL << i, 0, &w, order), SG_UNDECODABLE);
  close_named(&b);
}

static void patterns_are_remembered(void **state) {
  (void)state;
  bench b;
  const sg_message *order[MESSAGES];
  sg_weights w;
  long asked, found;
  open_named(&b, values_of("cyclic-repetition", "s", "2", NULL), 12, 1);
  for (int turn = 0; turn < 4; turn++) assert_int_equal(decode(&b, 0xfdb, turn, &w, order), SG_OK);
  sg_decoder_cache_counts(b.decoder, &asked, &found);
  assert_true(asked == 4 && found == 3);
  close_named(&b);
  /* More patterns than there is room for: the oldest go, what is answered stays right. */
  open_named(&b, values_of("cyclic-repetition", "s", "5", NULL), 16, 1);
  for (int round = 0; round < 2; round++)
    for (unsigned long present = 0; present < 1UL << 16; present++) {
      if (__builtin_popcountl(present) != 11) continue;
      assert_int_equal(decode(&b, present, 0, &w, order), SG_OK);
      if (present % 16 == 3) assert_true(deviation(&b, &w) < 1e-9);
      assert_int_equal(decode(&b, present, 1, &w, order), SG_OK);
    }
  sg_decoder_cache_counts(b.decoder, &asked, &found);
  assert_int_equal(asked, 4 * 4368);
  assert_int_equal(found, 2 * 4368); /* the second of each pair, nothing of the round before */
  close_named(&b);
}

static void assert_label(sg_values *values, const char *expected) {
  char label[64];
  sg_code_label(values, label, sizeof label);
  assert_string_equal(label, expected);
  sg_code_label(values, label, 8); /* cut, not overrun */
  assert_true(strlen(label) < 8);
  sg_values_free(values);
}

static void labels_are_short(void **state) {
  (void)state;
  assert_label(values_of("uncoded", NULL), "uncoded");
  assert_label(
      values_of("group", "d", "4", "m", "2", "linear_code", "harmonic", "stop", "decodable", NULL),
      "group d=4 m=2 harmonic decodable");
  assert_label(values_of("ye-abbe", "d", "4", "m", "2", "construction", "polynomial", NULL),
               "ye-abbe d=4 m=2 polynomial");
}

static void faults_name_the_rule(void **state) {
  (void)state;
  assert_refused(values_of("group", "d", "4", "m", "2", "stop", "count", NULL), 10, "/schemes/0/d",
                 "expected d dividing n = 10 (1, 2, 5, 10), or \"groups\": \"uneven\", found 4");
  assert_refused(values_of("group", "d", "5", "stop", "count", NULL), 10, "/schemes/0/m",
                 "expected m, from 1 to d = 5, found nothing");
  assert_refused(values_of("fractional-repetition", "s", "2", NULL), 10, "/schemes/0/s",
                 "expected s + 1 dividing n = 10 (s one of 0, 1, 4, 9), found s = 2");
  assert_refused(values_of("cyclic-repetition", "s", "10", NULL), 10, "/schemes/0/s",
                 "expected s < n = 10 (0 to 9), found 10");
  assert_refused(values_of("ye-abbe", "d", "4", "m", "2", "s", "3", NULL), 10, "/schemes/0/s",
                 "expected s ≤ d - m = 2 (d ≥ s + m), found 3");
  assert_refused(values_of("cyclic-mds", "s", "4", "even", "reject", NULL), 10, "/schemes/0/s",
                 "expected n + s odd (s = 3 or 5 with n = 10), found s = 4");
  assert_refused(values_of("partial-repetition", "s", "2", "p", "5", NULL), 10, "/schemes/0/s",
                 "expected s + 1 dividing n = 10 (s one of 0, 1, 4, 9), found s = 2");
  assert_refused(values_of("partial-cyclic", "s", "2", "p", "3", NULL), 10, "/schemes/0/p",
                 "expected p from s + 2 = 4 to s + 1000000, found 3");
  assert_refused(values_of("partial-cyclic", "s", "2", "alpha", "5", NULL), 10, "/schemes/0/alpha",
                 "expected alpha from 1.000003 to s + 2 = 4, found 5");
  assert_refused(values_of("partial-cyclic", "s", "2", NULL), 10, "/schemes/0",
                 "expected p or alpha, found neither");
  assert_refused(values_of("arbitrary-placement", "s", "2", "replication", "4", "m", "3", NULL), 10,
                 "/schemes/0/m", "expected m ≤ least replication - s = 2 (1 to 2), found 3");
  assert_refused(
      values_of("group", "d", "64", "m", "61", "stop", "count", NULL), 64, "/schemes/0/m",
      "expected at most as many pieces (m) as a gradient has coordinates (60), found 61");
}

/* Work is counted in the scenario's subsets, whatever parts the code has chosen. */
static void work_is_counted_in_subsets(void **state) {
  (void)state;
  sg_values *values = values_of("cyclic-repetition", "s", "2", NULL);
  double speed[12] = {2};
  sg_shape shape = {.workers = 12, .subsets = 48, .length = 10, .speed = speed, .seed = 1};
  sg_code *code;
  assert_int_equal(sg_code_new(sg_code_type_find("cyclic-repetition"), &shape, values, &code, NULL),
                   SG_OK);
  assert_true(code->load == 12 && code->work[5] == 12 && fabs(code->stored - 3) < 1e-12);
  assert_true(code->shape.speed != speed && code->shape.speed[0] == 2);
  assert_string_equal(code->stop, "count");
  sg_code_free(code);
  sg_values_free(values);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_keeps_its_promises),
      cmocka_unit_test(large_codes_recover),
      cmocka_unit_test(group_response_counts_follow_their_laws),
      cmocka_unit_test(group_promises_are_tight),
      cmocka_unit_test(harmonic_conditions_equal_their_closed_forms),
      cmocka_unit_test(polynomial_ye_abbe_loses_accuracy),
      cmocka_unit_test(groups_are_as_accurate_as_ye_abbe),
      cmocka_unit_test(ignoring_stragglers_says_what_it_loses),
      cmocka_unit_test(additions_only_where_promised),
      cmocka_unit_test(weights_stay_as_small_as_the_handbook_says),
      cmocka_unit_test(reed_solomon_has_the_handbooks_numbers),
      cmocka_unit_test(reed_solomon_masks_are_balanced),
      cmocka_unit_test(cyclic_mds_is_normalised_and_has_its_fallbacks),
      cmocka_unit_test(loads_follow_speeds),
      cmocka_unit_test(any_placement_will_do),
      cmocka_unit_test(partial_codes_need_all_first_messages),
      cmocka_unit_test(least_squares_finds_the_published_weights),
      cmocka_unit_test(patterns_are_remembered),
      cmocka_unit_test(labels_are_short),
      cmocka_unit_test(faults_name_the_rule),
      cmocka_unit_test(work_is_counted_in_subsets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
