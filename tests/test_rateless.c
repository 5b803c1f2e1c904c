/* SPDX-License-Identifier: MIT */
/* Density evolution against kept numbers and simulated peeling; batch raptor, LDGM, d-fractional
 * repetition and IS-GC codes against closed forms, counting and peeling by hand. */
#include "codes/tools/density_evolution.h"
#include "codes/tools/sparse.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A number to the digits it is printed with, rounded. */
static void check_printed(double x, const char *printed) {
  const char *dot = strchr(printed, '.'), *e = strchr(printed, 'e');
  int digits = dot ? (int)((e ? e : printed + strlen(printed)) - dot) - 1 : 0;
  double unit = pow(10, (e ? atof(e + 1) : 0) - digits);
  if (!(fabs(x - atof(printed)) <= 0.5001 * unit)) fail_msg("%.10g, not %s", x, printed);
}

typedef struct moments {
  long count;
  double mean, squares;
} moments;

static void add(moments *m, double x) {
  double off = x - m->mean;
  m->mean += off / (double)++m->count;
  m->squares += off * (x - m->mean);
}

static double error_of(const moments *m) {
  return sqrt(m->squares / (double)(m->count - 1) / (double)m->count);
}

/* --- Density evolution ------------------------------------------------------------------------ */

static void density_evolution_has_kept_numbers(void **state) {
  static const struct {
    double eps;
    const char *mean, *first, *left[4];
  } raptor[] = {{.05, "4.154", ".1233", {".0369", ".0207", ".0102", ".0022"}},
                {.1, "3.028", NULL, {NULL, NULL, ".0602", ".0141"}}};
  static const double ratio[] = {1.05, 1.1, 1.2, 1.5};
  for (int k = 0; k < 2; k++) {
    double chance[64], sum = 0;
    int most = sg_raptor_degrees(raptor[k].eps, 60, chance);
    assert_int_equal(most, k ? 11 : 21);
    for (int i = 1; i <= most; i++) sum += chance[i];
    assert_true(fabs(sum - 1) < 1e-12);
    sg_degrees law = {most, chance};
    check_printed(sg_degrees_mean(&law), raptor[k].mean);
    if (raptor[k].first) check_printed(chance[1], raptor[k].first);
    for (int i = 0; i < 4; i++)
      if (raptor[k].left[i]) check_printed(sg_evolve_rateless(&law, ratio[i]), raptor[k].left[i]);
    /* Cut off: what is above the cut is at the cut. */
    assert_int_equal(sg_raptor_degrees(raptor[k].eps, 5, chance), 5);
    sum = 0;
    for (int i = 0; i <= 5; i++) sum += chance[i];
    assert_true(fabs(sum - 1) < 1e-12);
  }
  static const struct {
    double p;
    const char *q[6];
  } ldpc[] = {{.125, {".014446", "3.4115e-4", "2.24e-7"}},
              {.25, {".11092", ".040298", ".0081394", "4.4418e-4", "1.508e-6"}},
              {.3, {".17274", ".097551", ".045847", ".014145", ".0017798", "3.36e-5"}},
              {.4, {".31376", ".26794", ".23647", ".21167"}}};
  for (int k = 0; k < 4; k++) {
    double q[6];
    sg_evolve_ldpc(3, 6, ldpc[k].p, 6, q);
    for (int t = 0; t < 6 && ldpc[k].q[t]; t++) check_printed(q[t], ldpc[k].q[t]);
  }
  check_printed(sg_ldpc_threshold(3, 6), ".42944");
  check_printed(sg_ldpc_threshold(4, 8), ".38345");
}

/* Peeling of a random ensemble: messages of so many of `blocks` unknowns. Finite length: unknowns
 * share messages more often than trees do, an effect of order 1/blocks in the mean, for which 10
 * over blocks is allowed beside 4 standard errors. */
static double peel_rateless(const sg_degrees *law, int blocks, int messages, uint32_t draw) {
  size_t entries = 0;
  sg_stream s;
  int *degree = malloc((size_t)messages * sizeof *degree);
  assert_non_null(degree);
  sg_stream_at(&s, 9, 0, SG_FOR_CHECK, 1, draw, 0);
  for (int j = 0; j < messages; j++) {
    double u = sg_uniform(&s);
    for (degree[j] = 1; degree[j] < law->most && u >= law->chance[degree[j]];)
      u -= law->chance[degree[j]++];
    entries += (size_t)degree[j];
  }
  void *memory = malloc(sg_sparse_bytes(messages, entries));
  sg_sparse a = sg_sparse_at(memory, messages, blocks, entries);
  for (int j = 0; j < messages; j++) {
    int column[64];
    double ones[64];
    sg_stream_at(&s, 9, 0, SG_FOR_CHECK, 2, (uint32_t)j, draw);
    for (int k = 0, taken = 0; k < degree[j]; k += !taken) {
      column[k] = (int)(sg_uniform(&s) * blocks);
      ones[k] = 1;
      for (int i = taken = 0; i < k; i++) taken |= column[i] == column[k];
    }
    sg_sparse_add_row(&a, degree[j], column, ones);
  }
  int least = blocks < messages ? blocks : messages;
  int *unknown = malloc(2 * (size_t)least * sizeof *unknown);
  void *work = malloc(sg_peel_bytes(&a));
  assert_true(unknown && work);
  int recovered = sg_peel(&a, unknown, unknown + least, work);
  free(work);
  free(unknown);
  free(memory);
  free(degree);
  return 1 - (double)recovered / blocks;
}

static void peeling_of_rateless_codes_is_as_evolved(void **state) {
  static const struct {
    double eps, ratio;
  } list[] = {{.05, 1.1}, {.05, 1.2}, {.05, 1.5}, {.1, 1.2}, {.1, 1.5}};
  for (int k = 0; k < 5; k++) {
    enum { BLOCKS = 20000, DRAWS = 12 };
    double chance[32];
    sg_degrees law = {sg_raptor_degrees(list[k].eps, 30, chance), chance};
    moments m = {0};
    for (uint32_t draw = 0; draw < DRAWS; draw++)
      add(&m, peel_rateless(&law, BLOCKS, (int)lround(list[k].ratio * BLOCKS),
                            draw + 100 * (uint32_t)k));
    double expected = sg_evolve_rateless(&law, list[k].ratio);
    if (!(fabs(m.mean - expected) <= 4 * error_of(&m) + 10.0 / BLOCKS))
      fail_msg("eps %g, %g: %.6g ± %.2g, evolved to %.6g", list[k].eps, list[k].ratio, m.mean,
               error_of(&m), expected);
  }
}

/* Rounds of peeling of a random regular code with p of its positions erased, all checks at once:
 * after each the share of positions that are still erased. Edges are matched at random, double ones
 * too. */
static void peel_ldpc(int length, int left, int right, double p, int rounds, uint32_t draw,
                      double *q) {
  int edges = length * left, checks = edges / right;
  int *end = malloc((size_t)edges * sizeof *end),
      *missing = malloc((size_t)checks * sizeof *missing);
  unsigned char *erased = malloc(2 * (size_t)length), *before = erased + length;
  assert_true(end && missing && erased);
  sg_stream s;
  for (int i = 0; i < edges; i++) end[i] = i / left;
  for (int i = edges - 1; i > 0; i--) { /* a stream for every so many numbers */
    if (i == edges - 1 || i % 50000 == 0)
      sg_stream_at(&s, 9, 0, SG_FOR_CHECK, 3, (uint32_t)i / 50000, draw);
    int j = (int)(sg_uniform(&s) * (i + 1)), kept = end[i];
    end[i] = end[j];
    end[j] = kept;
  }
  sg_stream_at(&s, 9, 0, SG_FOR_CHECK, 4, draw, 0);
  for (int i = 0, wanted = (int)lround(p * length); i < length; i++) {
    erased[i] = sg_uniform(&s) * (length - i) < wanted; /* so many, not about so many */
    wanted -= erased[i];
  }
  for (int t = 0; t < rounds; t++) {
    memcpy(before, erased, (size_t)length);
    for (int c = 0; c < checks; c++) {
      missing[c] = 0;
      for (int k = 0; k < right; k++) missing[c] += before[end[c * right + k]];
    }
    for (int c = 0; c < checks; c++)
      for (int k = 0; missing[c] == 1 && k < right; k++) erased[end[c * right + k]] = 0;
    q[t] = 0;
    for (int i = 0; i < length; i++) q[t] += (double)erased[i] / length;
  }
  free(end);
  free(missing);
  free(erased);
}

static void peeling_of_ldpc_codes_is_as_evolved(void **state) {
  static const double p[] = {.125, .25, .3, .4};
  enum { LENGTH = 30000, DRAWS = 10, ROUNDS = 4 };
  for (int k = 0; k < 4; k++) {
    moments m[ROUNDS] = {{0}};
    double q[ROUNDS];
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
      peel_ldpc(LENGTH, 3, 6, p[k], ROUNDS, draw + 50 * (uint32_t)k, q);
      for (int t = 0; t < ROUNDS; t++) add(&m[t], q[t]);
    }
    sg_evolve_ldpc(3, 6, p[k], ROUNDS, q);
    for (int t = 0; t < ROUNDS; t++)
      if (!(fabs(m[t].mean - q[t]) <= 4 * error_of(&m[t]) + 10.0 / LENGTH))
        fail_msg("p = %g, round %d: %.6g ± %.2g, evolved to %.6g", p[k], t + 1, m[t].mean,
                 error_of(&m[t]), q[t]);
  }
}

/* All is recovered a little below the threshold, much is left a little above it. */
static void thresholds_are_where_peeling_stops(void **state) {
  enum { ROUNDS = 400 };
  static double q[ROUNDS];
  static const int code[][2] = {{3, 6}, {4, 8}};
  for (int k = 0; k < 2; k++)
    for (int side = -1; side <= 1; side += 2) {
      double p = sg_ldpc_threshold(code[k][0], code[k][1]) + side * 0.012;
      peel_ldpc(24000, code[k][0], code[k][1], p, ROUNDS, 400 + (uint32_t)(2 * k + (side > 0)), q);
      if (side < 0 ? q[ROUNDS - 1] > 0.002 : q[ROUNDS - 1] < 0.15)
        fail_msg("(%d, %d), p = %g: %g are left", code[k][0], code[k][1], p, q[ROUNDS - 1]);
    }
}

/* --- Decodes ---------------------------------------------------------------------------------- */

/* The parts of each message as bits; all coefficients are 1. */
typedef struct decoded {
  bench_decoded of;
  unsigned long row[BENCH_MOST];
} decoded;

static void decode(bench *b, unsigned long present, decoded *out) {
  bench_decode_rows(b, present, &out->of);
  for (int i = 0; i < out->of.count; i++) {
    out->row[i] = 0;
    for (int k = 0; k < out->of.parts; k++) {
      assert_true(out->of.row[i][k] == 0 || out->of.row[i][k] == 1);
      out->row[i] |= (unsigned long)(out->of.row[i][k] != 0) << k;
    }
  }
}

/* The parts that come out one by one, by looking again and again. */
static unsigned long peel_by_looking(const decoded *d) {
  unsigned long known = 0, before;
  do {
    before = known;
    for (int i = 0; i < d->of.count; i++) {
      unsigned long left = d->row[i] & ~known;
      if (left && !(left & (left - 1))) known |= left;
    }
  } while (known != before);
  return known;
}

/* Recovered blocks have weight `one`, the others 0. */
static void check_peeled(const bench *b, const decoded *d, double one, unsigned long known) {
  for (int i = 0; i < d->of.parts; i++)
    if (fabs(d->of.alpha[i] - (known >> i & 1 ? one : 0)) > 1e-9)
      fail_msg("%s: part %d has %.9g", b->label, i, d->of.alpha[i]);
}

static void peeled_codes_recover_what_peeling_does(void **state) {
  static decoded d;
  sg_stream s;
  sg_stream_at(&s, 6, 0, SG_FOR_CHECK, 0, 0, 0);
  long peeled = 0, fallen = 0;
  for (int seed = 1; seed <= 12; seed++)
    for (int kind = 0; kind < 5; kind++) {
      bench b;
      sg_values *values =
          kind == 0   ? bench_values("brc", "eps", "0.1", "s", "6", NULL)
          : kind == 1 ? bench_values("brc", "eps", "0.05", "s", "6", "fallback", "zero", NULL)
          : kind == 2 ? bench_values("ldgm", "degrees", "1,4,2", NULL)
          : kind == 3 ? bench_values("ldgm", "placement", "uniform", "rescale", "false", NULL)
                      : bench_values("bernoulli", "d", "2", "decoding", "peel", NULL);
      bench_open_named(&b, values, 24, (uint64_t)seed);
      for (int trial = 0; trial < 30; trial++) {
        decode(&b, bench_sample(&s, 24, (int)(sg_uniform(&s) * 24)), &d);
        unsigned long known = peel_by_looking(&d);
        int u = __builtin_popcountl(known);
        peeled += u > 0;
        if (u == 0 && kind == 0) { /* least squares: A (1 − α) = 0, and better than nothing */
          for (int i = 0; i < d.of.count; i++) {
            double along = 0;
            for (int k = 0; k < d.of.parts; k++) along += d.row[i] >> k & 1 ? 1 - d.of.alpha[k] : 0;
            assert_true(fabs(along) < 1e-8);
          }
          assert_true(d.of.error < d.of.parts);
          fallen++;
        } else
          check_peeled(&b, &d, kind == 2 && u ? (double)d.of.parts / u : 1, known);
      }
      bench_close_named(&b);
    }
  assert_true(peeled > 500 && fallen > 5);
}

/* b = ⌈1/log(n/s)⌉ + 1 blocks in a batch, ⌊n/b⌋ batches; degrees by their law (χ² with cells of 5
 * and more). */
static void raptor_batches_and_degrees(void **state) {
  static const struct {
    const char *s;
    int n, parts;
  } list[] = {{"10", 40, 20}, {"20", 40, 13}, {"4", 40, 20}, {"0", 40, 40}, {"30", 40, 8}};
  for (int k = 0; k < 5; k++) {
    bench b;
    bench_open_named(&b, bench_values("brc", "eps", "0.1", "s", list[k].s, NULL), list[k].n, 1);
    assert_int_equal(b.code->parts, list[k].parts);
    bench_close_named(&b);
  }
  double chance[64];
  long count[16] = {0}, all = 0;
  int most = sg_raptor_degrees(.1, 60, chance);
  for (int seed = 1; seed <= 200; seed++) {
    bench b;
    static decoded d;
    bench_open_named(&b, bench_values("brc", "eps", "0.1", "batch", "1", NULL), 60, (uint64_t)seed);
    decode(&b, (1UL << 60) - 1, &d);
    for (int i = 0; i < 60; i++) count[__builtin_popcountl(d.row[i])]++;
    all += 60;
    bench_close_named(&b);
  }
  double chi2 = 0;
  for (int i = 1; i <= most; i++) {
    double expected = (double)all * chance[i];
    chi2 += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
  }
  assert_true(chi2 < 10 + 4 * sqrt(2 * 10)); /* 10 degrees of freedom */
}

/* Of few batches codes lose more than in the limit: as much as an ensemble of that size drawn here,
 * over codes of 400 seeds. */
static void raptor_codes_lose_what_their_ensemble_does(void **state) {
  enum { BATCHES = 30, MESSAGES = 45 };
  moments codes = {0}, ensemble = {0};
  double chance[64];
  sg_degrees law = {sg_raptor_degrees(.05, BATCHES, chance), chance};
  for (int seed = 1; seed <= 400; seed++) {
    bench b;
    static decoded d;
    bench_open_named(&b, bench_values("brc", "eps", "0.05", "batch", "2", "fallback", "zero", NULL),
                     60, (uint64_t)seed);
    decode(&b, (1UL << 60) - (1UL << 15), &d);
    add(&codes, d.of.error / d.of.parts);
    bench_close_named(&b);
  }
  for (uint32_t draw = 0; draw < 4000; draw++)
    add(&ensemble, peel_rateless(&law, BATCHES, MESSAGES, 1000 + draw));
  if (!(fabs(codes.mean - ensemble.mean) <= 4 * hypot(error_of(&codes), error_of(&ensemble))))
    fail_msg("codes lose %g ± %g, the ensemble %g ± %g", codes.mean, error_of(&codes),
             ensemble.mean, error_of(&ensemble));
  assert_true(ensemble.mean > sg_evolve_rateless(&law, 1.5) + 4 * error_of(&ensemble));
}

/* --- LDGM: the estimate ----------------------------------------------------------------------- */

/* Over codes, given u: mean of ĝ the sum, variance B² (1 − u/B)/u S². */
static void ldgm_estimates_have_their_variance(void **state) {
  enum { B = 8 };
  static const double g[B] = {3, -1, 4, 1, -5, 9, 2, 6};
  static const char *const placement[] = {"even", "uniform"};
  double total = 0, s2 = 0;
  for (int i = 0; i < B; i++) total += g[i];
  for (int i = 0; i < B; i++) s2 += (g[i] - total / B) * (g[i] - total / B) / (B - 1);
  for (int k = 0; k < 2; k++) {
    moments value[B + 1] = {{0}}, square[B + 1] = {{0}};
    for (int seed = 1; seed <= 12000; seed++) {
      bench b;
      static decoded d;
      bench_open_named(
          &b,
          bench_values("ldgm", "parts", "8", "placement", placement[k], "degrees", "2,6,1", NULL),
          12, (uint64_t)seed);
      decode(&b, 0x3ff, &d);
      double estimate = 0;
      int u = 0;
      for (int i = 0; i < B; i++) {
        estimate += d.of.alpha[i] * g[i];
        u += d.of.alpha[i] > 0.5;
      }
      add(&value[u], estimate);
      add(&square[u], (estimate - total) * (estimate - total));
      bench_close_named(&b);
    }
    int seen = 0;
    for (int u = 1; u < B; u++) {
      double variance = (double)(B * B) * (1 - (double)u / B) / u * s2;
      if (value[u].count < 100) continue;
      seen++;
      if (!(fabs(value[u].mean - total) <= 4 * error_of(&value[u])) ||
          !(fabs(square[u].mean - variance) <= 4 * error_of(&square[u])))
        fail_msg("%s, u = %d: mean %g ± %g of %g, variance %g ± %g of %g", placement[k], u,
                 value[u].mean, error_of(&value[u]), total, square[u].mean, error_of(&square[u]),
                 variance);
    }
    assert_true(seen >= 4);
    assert_true(value[B].count == 0 || fabs(value[B].mean - total) < 1e-9);
  }
}

/* --- d-FRC ------------------------------------------------------------------------------------ */

/* What the note says: groups, their size, P(exact), mean error. */
static void read_note(const bench *b, int *groups, int *size, double *exact, double *error) {
  const char *of = strstr(b->code->note, "probability ");
  assert_int_equal(sscanf(b->code->note, "%d groups of %d", groups, size), 2);
  assert_int_equal(sscanf(of, "probability %lf, the mean error is %lf", exact, error), 2);
}

/* By the alternating sum with Python's whole numbers; uneven groups by all patterns. */
static void repetition_probabilities_are_known(void **state) {
  static const struct {
    int n;
    const char *by, *s, *d, *exact, *error;
  } kept[] = {
      {20, "s", "4", "2", ".693498", ".0315789"},    {20, "s", "4", "4", ".998968", ".000206398"},
      {20, "s", "10", "5", ".935017", ".0162539"},   {60, "s", "12", "3", ".87491", ".00642899"},
      {12, "s", "5", "3", ".818182", ".0454545"},    {11, "s", "3", "3", ".993939", ".00165289"},
      {11, "s", "5", "3", ".909091", ".0275482"},    {11, "s", "7", "3", ".581818", ".134986"},
      {20, "p", "0.2", "4", ".992026", ".0016"},     {30, "p", "0.1", "3", ".990045", ".001"},
      {300, "s", "60", "5", ".983362", ".000278893"}};
  for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
    double exact, error;
    int groups, size;
    sg_values *values = bench_values("d-frc", kept[k].by, kept[k].s, "d", kept[k].d, NULL);
    const sg_shape shape = {.workers = kept[k].n, .subsets = kept[k].n, .length = 8, .updates = 1};
    sg_code *code = NULL;
    assert_int_equal(
        sg_code_new((const sg_code_type *)values->variant, &shape, values, &code, NULL), SG_OK);
    bench b = {.code = code};
    read_note(&b, &groups, &size, &exact, &error);
    check_printed(exact, kept[k].exact);
    check_printed(error, kept[k].error);
    sg_code_free(code);
    sg_values_free(values);
  }
}

/* The same by all patterns of a number, through the decoder; and κ by them. */
static void repetition_loses_what_it_says(void **state) {
  for (int n = 11; n <= 12; n++) {
    static decoded d;
    double exact, error, lost = 0, found = 0, sets = 0;
    int groups, size;
    bench b, debiased;
    bench_open_named(&b, bench_values("d-frc", "d", "3", "s", "5", NULL), n, 1);
    bench_open_named(&debiased, bench_values("d-frc", "d", "3", "s", "5", "debias", "known", NULL),
                     n, 1);
    double shares = 0;
    read_note(&b, &groups, &size, &exact, &error);
    for (unsigned long set = 0; set < 1UL << n; set++) {
      if (__builtin_popcountl(set) != n - 5) continue;
      decode(&b, set, &d);
      found += d.of.error < 1e-20;
      lost += d.of.error / n;
      sets++;
      decode(&debiased, set, &d);
      shares += d.of.sum / n;
    }
    assert_true(fabs(found / sets - exact) < 1e-5 && fabs(lost / sets - error) < 1e-6);
    assert_true(fabs(shares / sets - 1) < 1e-12);
    bench_close_named(&b);
    bench_close_named(&debiased);
  }
}

/* The load: log n/log(n/s) rounded up, or the least that does what is asked. */
static void repetition_chooses_its_load(void **state) {
  static const struct {
    int n;
    const char *s, *by, *value;
    int d;
  } kept[] = {{20, "4", "s", "4", 2},
              {60, "12", "s", "12", 3},
              {20, "10", "s", "10", 5},
              {20, "0", "s", "0", 1},
              {20, "4", "probability", "0.69", 2},
              {20, "4", "probability", "0.7", 3},
              {20, "4", "eps", "0.0316", 2},
              {20, "4", "eps", "0.0002064", 4},
              {20, "4", "eps", "0.000206", 5},
              {60, "12", "probability", "0.8749", 3},
              {20, "19", "eps", "0.951", 1}};
  for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
    double exact, error;
    int groups, size;
    bench b;
    bench_open_named(&b, bench_values("d-frc", "s", kept[k].s, kept[k].by, kept[k].value, NULL),
                     kept[k].n, 1);
    read_note(&b, &groups, &size, &exact, &error);
    if (groups != kept[k].n / kept[k].d)
      fail_msg("%s, n = %d: %d groups", b.label, kept[k].n, groups);
    bench_close_named(&b);
  }
}

/* --- IS-GC ------------------------------------------------------------------------------------ */

/* The largest set of workers with disjoint parts among those of the messages, by trying all. */
static int largest(const decoded *d, int from, unsigned long used) {
  int best = 0;
  for (int i = from; i < d->of.count; i++)
    if (!(d->row[i] & used)) {
      int more = 1 + largest(d, i + 1, used | d->row[i]);
      if (more > best) best = more;
    }
  return best;
}

static void ignorance_takes_a_largest_set(void **state) {
  static decoded d;
  for (int n = 1; n <= 12; n++)
    for (int c = 1; c <= n; c++)
      for (int cyclic = 0; cyclic < 2; cyclic++)
        for (int rescale = 0; rescale < 2; rescale++) {
          if (!cyclic && n % c) continue;
          if (rescale && n > 8) continue;
          char text[8];
          bench b;
          snprintf(text, sizeof text, "%d", c);
          bench_open_named(&b,
                           bench_values("is-gc", "c", text, "placement",
                                        cyclic ? "cyclic" : "fractional", "rescale",
                                        rescale ? "true" : "false", NULL),
                           n, 1);
          for (unsigned long set = 1; set < 1UL << n; set++) {
            int chosen = 0;
            unsigned long taken = 0;
            decode(&b, set, &d);
            double one = 0;
            for (int i = 0; i < d.of.count; i++) {
              if (d.of.w[i] == 0) continue;
              if (taken & d.row[i]) fail_msg("%s, n = %d: %lx shares parts", b.label, n, set);
              taken |= d.row[i];
              one = d.of.w[i];
              chosen++;
            }
            int most = largest(&d, 0, 0);
            if (chosen != most)
              fail_msg("%s, n = %d: %lx takes %d of %d", b.label, n, set, chosen, most);
            assert_true(fabs(one - (rescale ? (double)n / (chosen * c) : 1)) < 1e-14);
            assert_true(fabs(d.of.sum - (rescale ? n : chosen * c)) < 1e-9);
          }
          bench_close_named(&b);
        }
}

/* Σα of the sums as they are is c times the groups, whose mean has a closed form. Tables of (n/c)
 * (1 − C(n − c, w)/C(n, w)), w = 1 … n, by Python's whole numbers. */
static void ignorance_recovers_groups(void **state) {
  static const char *const nine[] = {"1.000000", "1.750000", "2.285714", "2.642857", "2.857143",
                                     "2.964286", "3.000000", "3.000000", "3.000000"};
  double groups[10] = {0}, sets[10] = {0};
  static decoded d;
  bench b;
  bench_open_named(&b, bench_values("is-gc", "c", "3", "rescale", "false", NULL), 9, 1);
  for (unsigned long set = 1; set < 512; set++) {
    decode(&b, set, &d);
    groups[d.of.count] += d.of.sum / 3;
    sets[d.of.count]++;
  }
  for (int w = 1; w <= 9; w++) check_printed(groups[w] / sets[w], nine[w - 1]);
  bench_close_named(&b);
}

/* No block is favoured on a circle: E α_i over all sets, p = 1/2. */
static void ignorance_favours_nobody(void **state) {
  static decoded d;
  double mean[12] = {0}, all = 0;
  bench b;
  bench_open_named(&b, bench_values("is-gc", "c", "3", "placement", "cyclic", NULL), 12, 1);
  for (unsigned long set = 1; set < 4096; set++) {
    decode(&b, set, &d);
    for (int i = 0; i < 12; i++) mean[i] += d.of.alpha[i] / 4095;
  }
  for (int i = 0; i < 12; i++) all += mean[i] / 12;
  assert_true(fabs(all - 1) < 1e-9);
  for (int i = 0; i < 12; i++)
    if (fabs(mean[i] - 1) > 0.04) fail_msg("part %d has %g in the mean", i, mean[i]);
  bench_close_named(&b);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void refusals_name_what_is_near(void **state) {
  bench_refused(bench_values("brc", "eps", "0.1", "batch", "9", NULL), 8, "/schemes/0/batch",
                "expected batch ≤ n = 8, found 9");
  sg_values *values =
      sg_values_new(sg_scheme_params, &sg_code_type_find("brc")->about, "/schemes/0");
  sg_error e = {0};
  assert_int_equal(sg_values_set_number(values, "eps", 0.25, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "expected a number > 0 and < 0.25, found 0.25"));
  sg_error_clear(&e);
  sg_values_free(values);
  bench_refused(bench_values("is-gc", "c", "3", NULL), 8, "/schemes/0/c",
                "expected c dividing n = 8 (1, 2, 4, 8), or \"placement\": \"cyclic\", found 3");
  bench_refused(bench_values("is-gc", "c", "9", "placement", "cyclic", NULL), 8, "/schemes/0/c",
                "expected c ≤ n = 8, found 9");
  bench_refused(bench_values("d-frc", "d", "3", "eps", "0.1", NULL), 8, "/schemes/0",
                "expected one of d, probability and eps at most, found 2 of them");
  bench_refused(bench_values("d-frc", "p", "0.5", "probability", "0.99", NULL), 4,
                "/schemes/0/probability",
                "expected a probability of at most 0.9375, which d = n = 4 has, found 0.99");
  bench_refused(bench_values("d-frc", "p", "0.5", "eps", "0.05", NULL), 4, "/schemes/0/eps",
                "expected an error of at least 0.0625, which d = n = 4 has, found 0.05");
  bench_refused(bench_values("ldgm", "degrees", "0,0", NULL), 8, "/schemes/0/degrees",
                "expected a weight above 0, found none");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(density_evolution_has_kept_numbers),
      cmocka_unit_test(peeling_of_rateless_codes_is_as_evolved),
      cmocka_unit_test(peeling_of_ldpc_codes_is_as_evolved),
      cmocka_unit_test(thresholds_are_where_peeling_stops),
      cmocka_unit_test(peeled_codes_recover_what_peeling_does),
      cmocka_unit_test(raptor_batches_and_degrees),
      cmocka_unit_test(raptor_codes_lose_what_their_ensemble_does),
      cmocka_unit_test(ldgm_estimates_have_their_variance),
      cmocka_unit_test(repetition_probabilities_are_known),
      cmocka_unit_test(repetition_loses_what_it_says),
      cmocka_unit_test(repetition_chooses_its_load),
      cmocka_unit_test(ignorance_takes_a_largest_set),
      cmocka_unit_test(ignorance_recovers_groups),
      cmocka_unit_test(ignorance_favours_nobody),
      cmocka_unit_test(refusals_name_what_is_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
