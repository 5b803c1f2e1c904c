/* SPDX-License-Identifier: MIT */
/* Property tests of gradient codes, registered ones and toys, whatever their protocol. They find
 * every code by themselves, walk a grid of its parameters made from its own table, and check what
 * the code promises. Codes whose messages do not depend on what happens: placement and load,
 * recovery for every promised pattern in every segment, refusal where the rows do not span the sum,
 * the same code for the same seed. All codes: rounds played without an engine in many orders, with
 * stragglers, late messages, crashes and early timers, and runs in the engine under all settings of
 * late work and late messages: each decode of an exact code is the sum, of one snapshot. */
#include "codes/frame/code.h"
#include "codes/tools/approximate.h"
#include "sim/check/check.h"
#include "sim/check/rehearsal.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "tests/support/code_bench.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = BENCH_MOST, MESSAGES = BENCH_MESSAGES };

/* What a scheme's arithmetic may lose for n ≤ 12. */
static double tolerance(const bench *b) {
  return strstr(b->label, "polynomial") || strstr(b->label, "vandermonde") ? 1e-7 : 1e-9;
}

/* --- Patterns of codes whose messages are always the same ones -------------------------------- */

/* By brute force: whether the all-ones rows lie in the span of the rows, whose orthonormal basis is
 * that of their singular values above 1e-11 of the largest. Nothing of straggle is in this. */
static bool is_spanned(const bench *b, int segment, unsigned long present) {
  static double a[MOST * MESSAGES * MOST], u[MOST * MESSAGES * MOST], vt[MESSAGES * MESSAGES];
  static double sigma[MESSAGES], left[MOST * MOST];
  const sg_code *code = b->code;
  int pieces = code->segment[segment].pieces, rows = code->parts * pieces, count = 0;
  sg_expander expander = {0};
  for (int i = 0; i < b->messages; i++) {
    if (b->message[i].segment != segment || !bench_comes(b, i, present)) continue;
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

static void check_same_bits(bench *b, int segment, unsigned long present, const sg_weights *first,
                            const sg_message **order) {
  double kept[MESSAGES * MOST];
  const sg_message *other[MESSAGES];
  int m = first->pieces, count = first->count;
  sg_decode_info info = first->info;
  for (int i = 0; i < count; i++)
    memcpy(kept + order[i]->id * m, first->w + i * m, (size_t)m * sizeof *kept);
  sg_weights again;
  assert_int_equal(bench_decode_segment(b, segment, present, 3, &again, other), SG_OK);
  for (int i = 0; i < count; i++)
    assert_memory_equal(kept + other[i]->id * m, again.w + i * m, (size_t)m * sizeof *kept);
  assert_true(again.info.cond1 == info.cond1 && again.info.flops == info.flops);
}

static void check_segment(bench *b, int segment, unsigned long present, bool rank) {
  const sg_message *order[MESSAGES];
  sg_weights w;
  sg_status status = bench_decode_segment(b, segment, present, (int)(present % 5), &w, order);
  if (status == SG_OK) {
    double off = bench_deviation(b->code, b->state, segment, &w, order);
    if (b->code->exact && !(off <= tolerance(b)))
      fail_msg("%s, n = %d, segment %d, pattern %lx: off by %g", b->label, b->code->nodes, segment,
               present, off);
    assert_true(isfinite(w.info.cond1) && w.info.cond1 >= 1 - 1e-12);
    /* Of an approximate code there may be nothing of use: a step of 0. */
    assert_true(w.info.amplification > 0 || (!b->code->exact && w.info.amplification == 0));
    assert_true(w.info.flops >= 0);
    if (w.info.cond1 > 1 + 1e-9) assert_true(w.info.flops > 0);
    if (b->code->exact) assert_true(w.info.alpha_error == 0);
    check_same_bits(b, segment, present, &w, order);
  } else {
    assert_int_equal(status, SG_UNDECODABLE);
    if (bench_is_promised(b, present))
      fail_msg("%s, n = %d: refused %lx in segment %d", b->label, b->code->nodes, present, segment);
  }
  if (!rank || !b->code->exact || b->code->coded_parts) return;
  bool spanned = is_spanned(b, segment, present);
  if (status == SG_OK && !spanned) fail_msg("%s: %lx is not spanned", b->label, present);
  if (status != SG_OK && strcmp(b->code->stop, "decodable") == 0 && spanned)
    fail_msg("%s: %lx could be decoded", b->label, present);
}

static void check_pattern(bench *b, unsigned long present, bool rank) {
  for (int s = 0; s < b->code->segments; s++) check_segment(b, s, present, rank);
}

static void check_same_seed(bench *b) {
  bench again;
  sg_row x = {0}, y = {0};
  sg_error e = {0};
  if (bench_open(&again, b->values, b->code->nodes, 1, &e))
    fail_msg("%s, n = %d, again: %s", b->label, b->code->nodes, e.fault[0].message);
  for (int i = 0; i < b->messages; i++) {
    assert_true(sg_encode(b->code, b->state, &b->message[i], &x));
    assert_true(sg_encode(again.code, again.state, &b->message[i], &y));
    assert_int_equal(x.n_terms, y.n_terms);
    for (int t = 0; t < x.n_terms; t++)
      assert_true(x.term[t].part == y.term[t].part && x.term[t].piece == y.term[t].piece &&
                  x.term[t].coef == y.term[t].coef);
  }
  sg_row_free(&x);
  sg_row_free(&y);
  bench_close(&again);
}

/* Least squares, theory: approximate-decoders: 1ᵀα = ‖α‖², what is left is orthogonal to what
 * came, and one more survivor never raises the error. Its error; 1 per block if nobody is there. */
static double check_optimal(const bench *b, unsigned long present) {
  const sg_approximate *t = b->code->self;
  int worker[MOST], count = 0, blocks = t->a.columns;
  double w[MOST], alpha[MOST * MOST], sum = 0, square = 0, error = 0;
  sg_scratch scratch = {0};
  sg_decode_info info;
  assert_true(blocks <= MOST * MOST);
  for (int j = 0; j < b->code->nodes; j++)
    if (present >> j & 1) worker[count++] = j;
  assert_int_equal(sg_approximate_weigh(t, count, worker, w, &scratch, &info), SG_OK);
  sg_approximate_alpha(t, count, worker, w, alpha);
  for (int i = 0; i < blocks; i++) {
    sum += alpha[i];
    square += alpha[i] * alpha[i];
    error += (alpha[i] - 1) * (alpha[i] - 1);
  }
  if (fabs(sum - square) > 1e-9 * blocks || fabs(error - (blocks - sum)) > 1e-9 * blocks)
    fail_msg("%s, %lx: Σα = %g, ‖α‖² = %g, error %g", b->label, present, sum, square, error);
  for (int i = 0; i < count; i++) {
    double along = 0;
    for (size_t k = t->a.begin[worker[i]]; k < t->a.begin[worker[i] + 1]; k++)
      along += t->a.value[k] * (1 - alpha[t->a.column[k]]);
    if (fabs(along) > 1e-9) fail_msg("%s, %lx: a residual of %g", b->label, present, along);
  }
  free(scratch.data);
  return error;
}

static void check_optimal_patterns(const bench *b, int n) {
  const sg_approximate *t = b->code->self;
  if (b->code->type->weights != sg_approximate_weights || t->decoding != SG_OPTIMAL ||
      t->debias != SG_DEBIAS_NONE)
    return;
  for (unsigned long present = 0; present < 1UL << n; present++) {
    if (n > 6 && present % 61 != 7) continue;
    double error = check_optimal(b, present);
    for (int j = 0; j < n; j++)
      if (!(present >> j & 1) && check_optimal(b, present | 1UL << j) > error + 1e-9)
        fail_msg("%s: worker %d makes %lx worse", b->label, j, present);
  }
}

static void check_patterns(bench *b, int n) {
  bench_check_rows(b);
  check_same_seed(b);
  check_optimal_patterns(b, n);
  for (unsigned long present = 0; present < 1UL << n; present++) {
    /* All promised patterns of exact codes; of the others a sample where there are many. */
    bool sampled = n <= 6 || present % 61 == 7;
    bool must = sampled || (b->code->exact && bench_is_promised(b, present));
    if (must) check_pattern(b, present, sampled);
  }
}

/* --- Any protocol, without an engine ---------------------------------------------------------- */

/* Weights for the messages of a decode, segment by segment; of an exact code they give the sum. */
static bool decode_all(bench *b, const void *state, int count, const sg_message *const *message) {
  for (int s = 0; s < b->code->segments; s++) {
    const sg_message *mine[MESSAGES];
    sg_weights w;
    sg_error e = {0};
    int n = 0;
    for (int i = 0; i < count; i++) {
      assert_true(n < MESSAGES);
      if (message[i]->segment == s) mine[n++] = message[i];
    }
    sg_status status = sg_decoder_weights(b->decoder, state, s, n, mine, &w, &e);
    if (e.count) fail_msg("%s: %s", b->label, e.fault[0].message);
    if (status) return false;
    if (!b->code->exact) continue;
    double off = bench_deviation(b->code, state, s, &w, mine);
    if (!(off <= tolerance(b)))
      fail_msg("%s, n = %d, segment %d of %d messages: off by %g", b->label, b->code->nodes, s, n,
               off);
  }
  return true;
}

static sg_status on_stage(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                          bool *decoded, sg_error *e) {
  (void)e;
  *decoded = decode_all(user, sg_protocol_state(r->protocol), what->count, what->message);
  return SG_OK;
}

/* Updates reached, and in *sum what the sequence of senders comes to. */
static int play(bench *b, sg_script script, long *sum) {
  sg_rehearsal r;
  sg_error e = {0};
  script.decode = on_stage;
  script.user = b;
  if (sg_rehearse(b->code, &script, &r, &e))
    fail_msg("%s, n = %d, seed %d: %s", b->label, b->code->nodes, (int)script.seed,
             e.fault[0].message);
  int updates = r.updates;
  *sum = r.rounds;
  for (int i = 0; i < r.count; i++) *sum = (*sum * 31 + r.message[i]->from * 7 + i) % 1000003;
  sg_rehearsal_free(&r);
  return updates;
}

static void check_plays(bench *b) {
  int n = b->code->nodes, updates = b->code->models + 3;
  bool present[MOST];
  for (int seed = 0; seed < 8; seed++) {
    sg_script script = {.seed = (uint64_t)seed, .updates = updates, .late = seed % 2};
    long sum, again;
    /* Everyone is there: each update comes, in whatever order, whatever arrives late. */
    if (play(b, script, &sum) != updates)
      fail_msg("%s, n = %d, seed %d: stalled with everybody there", b->label, n, seed);
    play(b, script, &again);
    assert_int_equal(sum, again);
    /* With crashes and timers at any time the scenario may have to skip rounds; they go on. */
    script.skip = script.timers = true;
    script.crashes = 0.03;
    if (play(b, script, &sum) != updates)
      fail_msg("%s, n = %d, seed %d: does not go on after crashes", b->label, n, seed);
  }
  for (unsigned long set = 0; set < 1UL << n; set++) {
    for (int i = 0; i < n; i++) present[i] = set >> i & 1;
    long sum;
    sg_script script = {
        .present = present, .seed = set % 7, .updates = updates, .late = set % 2 == 0};
    int reached = play(b, script, &sum);
    /* Slow workers' first messages do not come here: more than promised. */
    if (reached < updates && bench_is_promised(b, set) && !b->code->type->comes)
      fail_msg("%s, n = %d: promised %lx, but stalled", b->label, n, set);
  }
}

/* What the check says of it: never less than the bounds. */
static void check_check(bench *b) {
  static const double p[] = {0.3, 0.1};
  const sg_check_options options = {
      .patterns = 40, .seed = 3, .threads = 1, .n_straggling = 2, .straggling = p};
  sg_check *c = NULL;
  sg_error e = {0};
  if (sg_code_check(b->code, &options, &c, &e)) fail_msg("%s: %s", b->label, e.fault[0].message);
  if (c->broken) fail_msg("%s, n = %d: a promise is broken", b->label, b->code->nodes);
  assert_true(isnan(c->slack) || c->slack >= 0);
  assert_int_equal(isnan(c->slack), !c->exact || c->partial || b->code->coded_parts > 0);
  assert_true(c->copies <= b->code->stored + 1e-9);
  if (c->exact) assert_true(c->s_found >= b->code->promised);
  for (int q = 0; q < c->n_sets && !c->exact && !b->code->coded_parts; q++) {
    const sg_check_sets *sets = &c->sets[q];
    bool all = (double)sets->tried == sets->sets && sets->decodable == sets->tried;
    if (all && sets->mean_deviation < sets->least_mean - 1e-9)
      fail_msg("%s, n = %d, %d missing: mean error %g, no decoder is below %g", b->label,
               b->code->nodes, q, sets->mean_deviation, sets->least_mean);
    if (all && fmax(sets->worst_deviation, sets->greedy) < sets->least_worst - 1e-9)
      fail_msg("%s, n = %d, %d missing: worst error %g, no decoder is below %g", b->label,
               b->code->nodes, q, sets->worst_deviation, sets->least_worst);
    if (all) assert_true(isnan(sets->greedy) || sets->greedy <= sets->worst_deviation + 1e-9);
  }
  assert_true(c->straggling.known);
  if (!b->code->coded_parts && !c->partial && c->straggling.error < c->straggling.bound - 1e-9)
    fail_msg("%s, n = %d: error %g under straggling, no decoder is below %g", b->label,
             b->code->nodes, c->straggling.error, c->straggling.bound);
  sg_check_free(c);
}

/* --- Any protocol, in the engine -------------------------------------------------------------- */

static bool keep_nothing(void *user, int slot, int model) {
  (void)user, (void)slot, (void)model;
  return true;
}

static void run(bench *b, test_setup setup, long iterations) {
  const sg_message *all[2 * MESSAGES];
  test_environment t;
  test_environment_make(&t, &setup);
  sg_run_limits limits = {
      .iterations = iterations, .sim_time_s = INFINITY, .undecodable = SG_UNDEC_WAIT};
  sg_run_hooks hooks = {.snapshot = keep_nothing};
  sg_run *r = sg_run_new(&t.env, b->code, 0, &limits, &hooks, NULL);
  assert_non_null(r);
  sg_run_status status;
  while ((status = sg_run_advance(r)) == SG_RUN_DECODE) {
    const sg_run_request *q = sg_run_request_of(r);
    int count = 0;
    for (int s = 0; s < q->n_segments; s++)
      for (int i = 0; i < q->segment[s].count; i++) {
        assert_true(count < 2 * MESSAGES);
        all[count++] = q->segment[s].message[i];
      }
    bool decoded = decode_all(b, q->state, count, all);
    sg_run_supply(r, &(sg_run_result){.decoded = decoded, .decode_s = 0.1, .n_used = count});
  }
  if (status != SG_RUN_ITERATIONS)
    fail_msg("%s, n = %d, late work %d, late messages %s: ended with %d: %s", b->label,
             b->code->nodes, (int)setup.late_work, setup.late_messages, (int)status,
             status == SG_RUN_FAILED ? sg_run_fault(r) : "");
  sg_run_free(r);
  test_environment_free(&t);
}

static void check_runs(bench *b) {
  static const char *const late_messages[] = {"cancel", "occupy-link"};
  for (int work = 0; work < 3; work++)
    for (int messages = 0; messages < 2; messages++)
      for (int slow = 0; slow < 2; slow++)
        run(b,
            (test_setup){.workers = b->code->nodes,
                         .delay = "exponential",
                         .delay_by = {1},
                         .subsets = b->code->shape.subsets,
                         .uplink = "exponential",
                         .uplink_by = {1},
                         .signal_latency_s = 0.05,
                         .late_work = (sg_late_work)work,
                         .late_messages = late_messages[messages],
                         .update_s = slow ? 1.5 : 0,
                         .length = b->code->shape.length,
                         .seed = 5},
            6 * b->code->models);
}

/* --- The grid --------------------------------------------------------------------------------- */

static long made, refused, played, fit; /* fit: for this n */

/* Combinations of parameters of one code and n: met so far, and every how many-th is tested. The
 * many of a code with many parameters are thinned to at most MOST_COMBINATIONS, of which every
 * so-many-th is played and run. */
static long met, step;
#ifdef __SANITIZE_ADDRESS__ /* which takes ten times as long, and looks for something else */
enum { MOST_COMBINATIONS = 60, PLAYED_EACH = 6 };
#else
enum { MOST_COMBINATIONS = 160, PLAYED_EACH = 8 };
#endif

static void check_code(sg_values *values, int n) {
  bench b;
  sg_error e = {0};
  sg_status status = bench_open(&b, values, n, 1, &e);
  if (status) {
    assert_int_equal(status, SG_INVALID);
    assert_true(e.count >= 1 && strncmp(e.fault[0].place, "/schemes/0", 10) == 0);
    if (!strstr(e.fault[0].message, "expected") || !strstr(e.fault[0].message, "found"))
      fail_msg("a poor message: %s", e.fault[0].message);
    sg_error_clear(&e);
    refused++;
    return;
  }
  bool is_static = sg_rehearsal_is_static(b.code);
  made++;
  if (is_static) check_patterns(&b, n);
  if (n <= 6 && (!is_static || fit++ % PLAYED_EACH == 0)) {
    played++;
    check_plays(&b);
    check_runs(&b);
    check_check(&b);
  }
  bench_close(&b);
}

/* Whether a grid for n workers has the value; small n have all. */
static bool in_grid(long value, int n) {
  return n <= 6 || value <= 4 || value == n / 2 || value == n - 1 || value == n;
}

/* How many members may differ from their defaults together: all of a small code with few. */
static int most_departures(const sg_code_type *type, int n) {
  int members = 0;
  for (const sg_param *p = type->about.params; p && p->name; p++)
    members += !(p->flags & SG_REQUIRED);
  if (members > 7) return n <= 4 ? 3 : 2;
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

/* Matrices of gradient codes for n workers: the identity; pairs that send the same (n/2 columns)
 * and the weights of all choices of one of each; and rows of two neighbours that are orthogonal to
 * a vector h with Σ h = 0, which tolerate a straggler (Tandon et al. 2017). ENTRIES: not a matrix
 * but its entries, those of a circle of neighbours. false: not for this n. */
enum { IDENTITY, PAIRS, CHOICES, NEIGHBOURS, ENTRIES, KINDS };
static bool make_entries(int n, char *out, size_t size) {
  size_t at = (size_t)snprintf(out, size, "%d,%d,%d\n", n, n, n > 1 ? 2 * n : n);
  for (int i = 0; i < n; i++) {
    at += (size_t)snprintf(out + at, size - at, "%d,%d,1\n", i, i);
    if (n > 1) at += (size_t)snprintf(out + at, size - at, "%d,%d,0.5\n", i, (i + 1) % n);
    assert_true(at < size);
  }
  return true;
}

static bool make_matrix(int kind, int n, char *out, size_t size) {
  if (kind == ENTRIES) return make_entries(n, out, size);
  bool fits = kind == IDENTITY || (kind == NEIGHBOURS ? n > 2 : n % 2 == 0);
  int columns = kind == PAIRS ? n / 2 : n, rows = kind == CHOICES ? 1 << n / 2 : n;
  size_t at = 0;
  for (int i = 0; i < rows && fits; i++)
    for (int j = 0; j < columns; j++) {
      double h = i == n - 1 ? -(double)n * (n - 1) / 2 : i + 1,
             next = i == n - 2 ? -(double)n * (n - 1) / 2 : (i + 1) % n + 1;
      double x = kind == IDENTITY   ? i == j
                 : kind == PAIRS    ? i / 2 == j
                 : kind == CHOICES  ? (i >> j / 2 & 1) == j % 2
                 : j == i           ? 1
                 : j == (i + 1) % n ? -h / next
                                    : 0;
      at += (size_t)snprintf(out + at, size - at, "%.17g%c", x, j + 1 < columns ? ',' : '\n');
      assert_true(at < size);
    }
  return fits;
}

/* Generators that are and that are not maximum distance separable, and one without full rank. */
static const char *const matrices[] = {"1,1\n", "1,0,1,0\n0,1,0,1\n", "1,0,1,1\n0,1,1,-1\n",
                                       "1,0,0,1,1\n0,1,0,1,0\n0,0,1,0,1\n", "1,2,3\n2,4,6\n"};
enum { FIXED = sizeof matrices / sizeof *matrices };

/* A number that the row allows, at that share of its range. */
static double in_range(const sg_param *p, double share) {
  bool bounded = p->min != 0 || p->max != 0;
  double min = bounded && p->min > -SG_UNBOUNDED ? p->min : -2;
  double max = bounded && p->max < SG_UNBOUNDED ? p->max : min + 4;
  double x = min + share * (max - min);
  return p->kind == SG_INT ? nearbyint(x) : x;
}

/* A list of so many numbers, or all there is room for. */
static void set_list(sg_values *values, const sg_param *p, int count) {
  sg_value *list = sg_values_find(values, p->name);
  bool bounded = p->min != 0 || p->max != 0;
  if (bounded && count < p->min) count = (int)p->min;
  if (bounded && count > p->max) count = (int)p->max;
  sg_value_clear(list);
  assert_true(sg_value_new_items(list, count));
  list->given = true;
  assert_true(p->fields->kind == SG_REAL || p->fields->kind == SG_INT);
  for (int i = 0; i < count; i++)
    assert_int_equal(
        sg_value_set_number(p->fields, &list->item[i], "/schemes/0",
                            in_range(p->fields, (0.37 * i + 0.2) - floor(0.37 * i + 0.2)), NULL),
        SG_OK);
}

/* Gives every member of the table from `p` on each of its values in turn. */
static void walk(const sg_code_type *type, const sg_param *p, sg_values *values, int n, int left) {
  if (!p || !p->name) {
    if (step > 0 && met % step == 0) check_code(values, n);
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
  else if (p->kind == SG_REAL)
    for (int i = 1; i < 4; i++) {
      assert_int_equal(sg_values_set_number(copy, p->name, in_range(p, i / 4.0), NULL), SG_OK);
      walk(type, p + 1, copy, n, left);
    }
  else if (p->kind == SG_LIST)
    for (int count = 1; count <= n + 1; count += n) {
      set_list(copy, p, count);
      walk(type, p + 1, copy, n, left);
    }
  else if (p->kind == SG_CHOICE)
    for (int i = 0; p->choices[i]; i++) {
      assert_int_equal(sg_values_set_string(copy, p->name, p->choices[i], NULL), SG_OK);
      walk(type, p + 1, copy, n, left);
    }
  else if (p->kind == SG_MATRIX)
    for (size_t i = 0; i < FIXED + KINDS; i++) {
      static char text[1 << 14];
      if (i >= FIXED && !make_matrix((int)(i - FIXED), n, text, sizeof text)) continue;
      /* Reading files takes long: not for combinations that are only counted. */
      bool last = !p[1].name;
      if (step > 0 && (!last || met % step == 0))
        assert_int_equal(set_matrix(copy, p->name, i < FIXED ? matrices[i] : text, NULL), SG_OK);
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
    bool is_toy = strncmp(type->about.name, "toy-", 4) == 0;
    made = played = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
      assert_non_null(values);
      met = step = 0;
      walk(type, type->about.params, values, sizes[k],
           most_departures(type, sizes[k])); /* counts */
      step = (met / MOST_COMBINATIONS + 1) | 1;
      met = fit = 0;
      walk(type, type->about.params, values, sizes[k], most_departures(type, sizes[k]));
      sg_values_free(values);
    }
    assert_true(made >= (is_toy ? 1 : 8)); /* some toys are for one number of workers */
    assert_true(played >= (is_toy ? 1 : 2));
  }
  assert_true(refused > 100);
}

/* Larger codes: sampled patterns of exactly s stragglers. */
static void large_codes_recover(void **state) {
  (void)state;
  sg_values *list[] = {
      bench_values("uncoded", NULL),
      bench_values("cyclic-repetition", "s", "3", NULL),
      bench_values("cyclic-repetition", "s", "5", NULL),
      bench_values("fractional-repetition", "s", "4", "stop", "count", NULL),
      bench_values("ye-abbe", "d", "6", "m", "2", NULL),
      bench_values("ye-abbe", "d", "8", "m", "2", "s", "4", NULL),
      bench_values("ye-abbe", "d", "50", "m", "10", NULL),
      bench_values("reed-solomon", "s", "5", NULL),
      bench_values("reed-solomon", "s", "9", "parts", "40", "nodes", "roots-of-unity", NULL),
      bench_values("cyclic-mds", "s", "5", NULL),
      bench_values("cyclic-mds", "s", "4", "even", "negacyclic", NULL),
      bench_values("heterogeneous", "s", "3", NULL),
      bench_values("arbitrary-placement", "s", "3", "placement", "random", "replication", "5",
                   "replication_max", "9", NULL),
      bench_values("partial-cyclic", "s", "4", "p", "9", NULL),
      bench_values("group", "d", "6", "m", "3", "stop", "count", NULL),
      bench_values("group", "d", "6", "m", "3", "linear_code", "gaussian", "stop", "decodable",
                   NULL),
      bench_values("group", "d", "30", "m", "15", "stop", "count", NULL), /* too many to tabulate */
  };
  for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
    bench b;
    sg_stream s;
    bench_open_named(&b, list[k], 60, 1);
    bench_check_rows(&b);
    sg_stream_at(&s, 1, 0, SG_FOR_CHECK, (uint32_t)k, 0, 0);
    for (int t = 0; t < 100; t++) check_pattern(&b, bench_sample(&s, 60, b.code->promised), false);
    if (b.code->promised > 0) check_pattern(&b, (1UL << 60) - 1, false);
    bench_close_named(&b);
  }
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_keeps_its_promises),
      cmocka_unit_test(large_codes_recover),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
