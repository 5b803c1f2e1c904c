/* SPDX-License-Identifier: MIT */
/* Sparse random codes: how they are drawn, closed forms of their errors by enumeration of patterns,
 * lower bounds and identities of least squares (theory: bernoulli, stochastic-block,
 * approximate-repetition, stochastic-gradient-coding, approximate-bounds). Numbers are those of the
 * formulas, evaluated apart from the codes. */
#include "sim/core/linalg.h"
#include "tests/support/environment.h"
#include "tests/support/placed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Drawing ---------------------------------------------------------------------------------- */

static void bernoulli_is_drawn_as_it_says(void **state) {
  (void)state;
  moments entries = {0}, covered = {0}, empty = {0};
  for (uint64_t seed = 0; seed < 2000; seed++) {
    made m = make("bernoulli", "d=2", 20, seed);
    int holders[20] = {0}, none = 0;
    for (size_t k = 0; k < m.t->a.begin[20]; k++) holders[m.t->a.column[k]]++;
    for (int i = 0; i < 20; i++) none += holders[i] == 0;
    take(&entries, (double)m.t->a.begin[20]);
    take(&empty, none);
    drop(&m);
    m = make("bernoulli", "d=2 cover=true", 20, seed);
    memset(holders, 0, sizeof holders);
    for (size_t k = 0; k < m.t->a.begin[20]; k++) holders[m.t->a.column[k]]++;
    for (int i = 0; i < 20; i++) assert_true(holders[i] > 0);
    take(&covered, holders[0]);
    drop(&m);
  }
  double lost = pow(1 - 0.1, 20);
  check_z(&entries, 40, "entries");
  check_z(&empty, 20 * lost, "blocks that nobody has");
  check_z(&covered, 2 / (1 - lost), "workers of a block that has some");
}

/* Rows over 2d are cut to 2d, the others are as they were, and covered blocks stay covered. */
static void regularised(void **state) {
  (void)state;
  int cut = 0;
  moments kept = {0};
  for (uint64_t seed = 0; seed < 200; seed++) {
    made a = make("bernoulli", "d=1.5", 30, seed),
         b = make("bernoulli", "d=1.5 regularise=true", 30, seed);
    for (int j = 0; j < 30; j++) {
      size_t before = a.t->a.begin[j + 1] - a.t->a.begin[j],
             after = b.t->a.begin[j + 1] - b.t->a.begin[j];
      assert_int_equal(after, before > 3 ? 3 : before);
      cut += before > 3;
      if (before == 4) /* whether the first of four is kept */
        take(&kept, b.t->a.column[b.t->a.begin[j]] == a.t->a.column[a.t->a.begin[j]]);
    }
    drop(&a);
    drop(&b);
    b = make("bernoulli", "d=1.5 regularise=true cover=true", 30, seed);
    int holders[30] = {0};
    for (size_t k = 0; k < b.t->a.begin[30]; k++) holders[b.t->a.column[k]]++;
    for (int i = 0; i < 30; i++) assert_true(holders[i] > 0);
    drop(&b);
  }
  assert_true(cut > 100);
  check_z(&kept, 0.75, "the first of four");
}

static void communities(void **state) {
  (void)state;
  /* P = 1, Q = 0 is fractional repetition. */
  made a = make("stochastic-block", "c=3 P=1 Q=0", 12, 5),
       b = make("approximate-repetition", "d=3", 12, 9);
  assert_memory_equal(a.t->a.begin, b.t->a.begin, 13 * sizeof *a.t->a.begin);
  assert_memory_equal(a.t->a.column, b.t->a.column, 36 * sizeof *a.t->a.column);
  drop(&a);
  drop(&b);
  /* P = Q is the Bernoulli code. */
  a = make("stochastic-block", "c=3 P=0.25 Q=0.25", 12, 5);
  b = make("bernoulli", "d=3", 12, 5);
  assert_int_equal(a.t->a.begin[12], b.t->a.begin[12]);
  assert_memory_equal(a.t->a.column, b.t->a.column, a.t->a.begin[12] * sizeof *a.t->a.column);
  drop(&a);
  drop(&b);
  moments inside = {0}, across = {0};
  for (uint64_t seed = 0; seed < 400; seed++) {
    a = make("stochastic-block", "c=4 P=0.7 Q=0.1", 12, seed);
    int in = 0;
    for (int j = 0; j < 12; j++)
      for (size_t k = a.t->a.begin[j]; k < a.t->a.begin[j + 1]; k++)
        in += j / 4 == a.t->a.column[k] / 4;
    take(&inside, in);
    take(&across, (double)a.t->a.begin[12] - in);
    drop(&a);
  }
  check_z(&inside, 48 * 0.7, "inside");
  check_z(&across, 96 * 0.1, "across");
}

static void uneven_groups(void **state) {
  (void)state;
  made m = make("approximate-repetition", "d=3", 11, 1); /* groups of 4, 4, 3 */
  static const int first[] = {0, 4, 8}, size[] = {4, 4, 3};
  for (int j = 0; j < 11; j++) {
    int group = j / 4;
    assert_int_equal(m.t->a.begin[j + 1] - m.t->a.begin[j], size[group]);
    for (int i = 0; i < size[group]; i++)
      assert_int_equal(m.t->a.column[m.t->a.begin[j] + (size_t)i], first[group] + i);
  }
  NEAR(m.code->load, 4);
  drop(&m);
  /* By known speed slow workers are in different groups, which hold the same blocks as before. */
  double speed[] = {1, 1, 4, 4, 4, 4};
  sg_values *values = typed("approximate-repetition", "d=3 grouping=by-speed");
  sg_shape shape = {.workers = 6, .subsets = 6, .length = 60, .speed = speed, .updates = 1};
  bench b;
  sg_error e = {0};
  assert_int_equal(bench_open_shaped(&b, values, &shape, &e), SG_OK);
  const sg_approximate *t = b.code->self;
  assert_true(t->a.column[t->a.begin[0]] != t->a.column[t->a.begin[1]]);
  bench_close_named(&b);
}

static void gradient_coding_is_placed_as_it_says(void **state) {
  (void)state;
  /* Each block on d workers; with numbers of its own on so many. */
  made m = make("sgc", "d=3", 10, 4);
  int on[10] = {0};
  for (size_t k = 0; k < m.t->a.begin[10]; k++) {
    on[m.t->a.column[k]]++;
    NEAR(m.t->a.value[k], 1.0 / 3);
  }
  for (int i = 0; i < 10; i++) assert_int_equal(on[i], 3);
  drop(&m);
  m = make("sgc", "replications=1,2,5", 5, 4);
  int own[3] = {0};
  for (size_t k = 0; k < m.t->a.begin[5]; k++) own[m.t->a.column[k]]++;
  assert_int_equal(m.blocks, 3);
  assert_true(own[0] == 1 && own[1] == 2 && own[2] == 5);
  drop(&m);
  /* Exactly balanced: any two blocks meet on a quarter of the workers. */
  m = make("sgc", "placement=hadamard", 28, 4);
  assert_int_equal(m.blocks, 27);
  for (int i = 0; i < 27; i++)
    for (int k = 0; k < 27; k++) {
      int both = 0;
      for (int j = 0; j < 28; j++) {
        bool has_i = false, has_k = false;
        for (size_t x = m.t->a.begin[j]; x < m.t->a.begin[j + 1]; x++) {
          has_i |= m.t->a.column[x] == i;
          has_k |= m.t->a.column[x] == k;
        }
        both += has_i && has_k;
      }
      assert_int_equal(both, i == k ? 14 : 7);
    }
  for (int j = 0; j < 28; j++)
    assert_int_equal(m.t->a.begin[j + 1] - m.t->a.begin[j], j == 0 ? 0 : 14);
  drop(&m);
  /* Drawn uniformly: two blocks meet on d²/m workers in the mean. */
  moments meet = {0};
  for (uint64_t seed = 0; seed < 2000; seed++) {
    m = make("sgc", "d=3 blocks=2", 10, seed);
    int both = 0;
    for (int j = 0; j < 10; j++) both += m.t->a.begin[j + 1] - m.t->a.begin[j] == 2;
    take(&meet, both);
    drop(&m);
  }
  check_z(&meet, 0.9, "workers with both blocks");
}

/* --- Errors: closed forms (theory: approximate-bounds and the codes' own) --------------------- */

/* Schemes with d = 3 ones, or their multiples, in every row of blocks. */
static const struct {
  const char *name, *words;
} row_regular[] = {{"approximate-repetition", "d=3"},
                   {"expander", "d=3"},
                   {"expander", "d=3 graph=bipartite"},
                   {"expander", "d=3 graph=circulant"},
                   {"sgc", "d=3"}};
enum { ROW_REGULAR = sizeof row_regular / sizeof *row_regular };

static made make_more(int i, const char *more, int n) {
  char words[200];
  snprintf(words, sizeof words, "%s %s", row_regular[i].words, more);
  return make(row_regular[i].name, words, n, 3);
}

/* Fixed decoding has e = p/(d (1 − p)), whatever the placement. */
static void fixed_decoding_depends_on_the_replication_alone(void **state) {
  (void)state;
  static const double p[] = {.1, .2, .3}, e[] = {.037037, .083333, .142857};
  for (int i = 0; i < ROW_REGULAR; i++)
    for (int k = 0; k < 3; k++) {
      char words[80];
      snprintf(words, sizeof words, "decoding=fixed p=%g", p[k]);
      made m = make_more(i, words, 12);
      double found = mean_error(&m, p[k]) / 12;
      CLOSE(found, e[k], 5e-7);
      CLOSE(found, p[k] / (3 * (1 - p[k])), 1e-12);
      drop(&m);
    }
}

/* One-step decoding of row-regular codes: n(n − d)(n − r)/(r d (n − 1)); optimal decoding of
 * repetition: n C(n − d, r)/C(n, r), the worst case d ⌊s/d⌋. */
static void errors_by_number_of_answers(void **state) {
  (void)state;
  for (int i = 0; i < ROW_REGULAR; i++) {
    if (strcmp(row_regular[i].name, "sgc") == 0) continue; /* loads differ */
    made m = make_more(i, "decoding=one-step", 10);
    for (int r = 1; r <= 10; r++)
      if (i > 0) CLOSE(mean_error_of(&m, r), 10.0 * 7 * (10 - r) / (r * 3 * 9), 1e-11);
    drop(&m);
  }
  made m = make("approximate-repetition", "d=3 decoding=one-step", 12, 1);
  for (int r = 1; r <= 12; r++)
    CLOSE(mean_error_of(&m, r), 12.0 * 9 * (12 - r) / (r * 3 * 11), 1e-11);
  drop(&m);
  m = make("approximate-repetition", "d=3", 12, 1);
  double worst[13] = {0}, above[13] = {0};
  for (unsigned long set = 0; set < 1UL << 12; set++) {
    int r = __builtin_popcountl(set);
    double error = decode_set(&m, set);
    worst[r] = fmax(worst[r], error);
    above[r] += error > 3.5; /* two groups or more */
  }
  for (int r = 0; r <= 12; r++) {
    if (r > 0) CLOSE(mean_error_of(&m, r), 12 * choose(9, r) / choose(12, r), 1e-11);
    NEAR(worst[r], 3 * ((12 - r) / 3));
    double bound = choose(4, 2) * choose(6, r) / choose(12, r);
    assert_true(above[r] / choose(12, r) <= bound + 1e-12); /* a = 1 */
  }
  drop(&m);
}

/* Printed digits. One-step errors are a quadratic form in who is there, so that their
 * exact mean at n = 100 follows from Σ_j |a_j|² and |Σ_j a_j|² of the code's own rows. */
static double one_step_mean(const made *m, int r) {
  int n = m->workers;
  double own = 0, all = 0, sum = 0, *row = calloc((size_t)m->blocks, sizeof *row);
  assert_non_null(row);
  for (size_t k = 0; k < m->t->a.begin[n]; k++) {
    own += m->t->a.value[k] * m->t->a.value[k];
    row[m->t->a.column[k]] += m->t->a.value[k];
  }
  for (int i = 0; i < m->blocks; i++) {
    all += row[i] * row[i];
    sum += row[i];
  }
  free(row);
  double c = n / (m->t->replication * r), share = (double)r / n, pair = share * (r - 1) / (n - 1);
  return c * c * (share * own + pair * (all - own)) - 2 * c * share * sum + m->blocks;
}

static void errors_at_a_hundred_workers(void **state) {
  (void)state;
  static const int r[] = {90, 80, 70, 50};
  static const double regular[] = {.021324, .047980, .082251, .19192},
                      frc[] = {3.35e-6, 2.06e-4, .001893, .028142},
                      digit[] = {5e-7, 5e-7, 5e-7, 5e-6}, frc_digit[] = {5e-9, 5e-7, 5e-7, 5e-7};
  static const char *const words[] = {"d=5 decoding=one-step",
                                      "d=5 decoding=one-step graph=circulant"};
  for (int i = 0; i < 4; i++) {
    made m = make("approximate-repetition", words[0], 100, 2);
    CLOSE(one_step_mean(&m, r[i]) / 100, regular[i], digit[i]);
    drop(&m);
    m = make("expander", words[1], 100, 2);
    CLOSE(one_step_mean(&m, r[i]) / 100, regular[i], digit[i]);
    drop(&m);
    /* What the code itself knows of what is lost. */
    char s[40];
    snprintf(s, sizeof s, "d=5 s=%d", 100 - r[i]);
    m = make("approximate-repetition", s, 100, 2);
    CLOSE(1 - m.t->known, frc[i], frc_digit[i]);
    drop(&m);
  }
  /* q of ErasureHead. */
  made m = make("approximate-repetition", "d=2 s=15", 30, 1);
  CLOSE(1 - m.t->known, .24138, 5e-6);
  drop(&m);
  m = make("approximate-repetition", "d=3 s=15", 30, 1);
  CLOSE(1 - m.t->known, .112069, 5e-7);
  drop(&m);
}

/* Random placements: the Bernoulli code, and the formula of stochastic blocks, with |z| ≤ 4 over
 * placements and sets of answers both. */
static void one_step_errors_of_random_placements(void **state) {
  (void)state;
  static const int r[] = {90, 80, 70, 50};
  static const double printed[] = {.21111, .23750, .27143, .38};
  moments found[4] = {{0}}, blocks[4] = {{0}};
  sg_stream s = stream_of(1);
  bool present[100];
  for (uint64_t seed = 0; seed < 400; seed++) {
    made m = make("bernoulli", "d=5 decoding=one-step", 100, seed);
    for (int i = 0; i < 4; i++) {
      sample(&s, 100, r[i], present);
      take(&found[i], decode(&m, present) / 100);
    }
    drop(&m);
    m = make("stochastic-block", "c=10 P=0.4 Q=0.02 decoding=one-step", 100, seed);
    for (int i = 0; i < 4; i++) {
      sample(&s, 100, r[i], present);
      take(&blocks[i], decode(&m, present) / 100);
    }
    drop(&m);
  }
  double n = 100, mean = .4 * 10 + .02 * 90;
  for (int i = 0; i < 4; i++) {
    CLOSE((n - 5) / (r[i] * 5.0), printed[i], 5e-6);
    check_z(&found[i], (n - 5) / (r[i] * 5.0), "bernoulli");
    double rho = n / (r[i] * mean),
           x2 = r[i] / n * mean +
                r[i] * (r[i] - 1) / (n * (n - 1)) * (mean * mean - 10 * .16 - 90 * .0004);
    double formula = rho * rho * x2 - 2 * rho * r[i] * mean / n + 1;
    check_z(&blocks[i], formula, "stochastic-block");
    CLOSE(blocks[i].sum / blocks[i].count, formula, 0.01 * formula);
  }
}

/* Least squares on random circulant supports. */
static void optimal_errors_of_circulant_supports(void **state) {
  (void)state;
  static const int r[] = {80, 50};
  static const double printed[] = {.0207, .1133}, error[] = {1e-4, 4e-4};
  sg_stream s = stream_of(2);
  bool present[100];
  for (int i = 0; i < 2; i++) {
    moments found = {0};
    for (uint64_t seed = 0; seed < 150; seed++) {
      made m = make("expander", "d=5 graph=circulant", 100, seed);
      double mean = 0;
      for (int k = 0; k < 4; k++) {
        sample(&s, 100, r[i], present);
        mean += decode(&m, present) / 400;
      }
      take(&found, mean);
      drop(&m);
    }
    double mean = found.sum / found.count,
           sd = sqrt((found.squares / found.count - mean * mean) / (found.count - 1));
    if (fabs(mean - printed[i]) > 4 * hypot(sd, error[i]))
      fail_msg("r = %d: %.5g ± %.2g, expected %.5g", r[i], mean, sd, printed[i]);
  }
}

/* --- Gradients -------------------------------------------------------------------------------- */

/* E (ĝ − g)² of scalar gradients. */
static double gradient_variance(made *m, double p, const double *g) {
  double mean = 0;
  for (unsigned long set = 0; set < 1UL << m->workers; set++) {
    double off = 0;
    decode_set(m, set);
    for (int i = 0; i < m->blocks; i++) off += (m->alpha[i] - 1) * g[i];
    mean += chance(m->workers, set, p) * off * off;
  }
  return mean;
}

/* Exactly 49.5, by both formulas, that of balanced placements and p/((1 − p) d²) Σ_j |Σ g_i|². */
static void hadamard_design_has_its_variance(void **state) {
  (void)state;
  static const double g[] = {1, 2, 3, 4, 5, 6, 7};
  double p = .3, squares = 140, sum = 28;
  made m = make("sgc", "placement=hadamard p=0.3", 8, 1);
  assert_int_equal(m.blocks, 7);
  double found = gradient_variance(&m, p, g), by_workers = 0;
  CLOSE(found, 49.5, 1e-12);
  CLOSE(p / (1 - p) * ((1. / 4 - 1. / 8) * squares + sum * sum / 8), 49.5, 1e-12);
  for (int j = 0; j < 8; j++) {
    double y = 0;
    for (size_t k = m.t->a.begin[j]; k < m.t->a.begin[j + 1]; k++) y += g[m.t->a.column[k]];
    by_workers += y * y;
  }
  CLOSE(p / ((1 - p) * 16) * by_workers, 49.5, 1e-12);
  drop(&m);
}

/* The formulas on any gradients: fixed decoding of row-regular placements, repetition
 * debiased by what it knows. */
static void gradient_errors_equal_their_formulas(void **state) {
  (void)state;
  double g[12], p = .2;
  sg_stream s = stream_of(3);
  for (int i = 0; i < 12; i++) g[i] = 2 * sg_uniform(&s) - 0.7;
  for (int i = 0; i < ROW_REGULAR; i++) {
    made m = make_more(i, "decoding=fixed p=0.2", 12);
    double by_workers = 0;
    for (int j = 0; j < 12; j++) {
      double y = 0;
      for (size_t k = m.t->a.begin[j]; k < m.t->a.begin[j + 1]; k++) y += g[m.t->a.column[k]];
      by_workers += y * y;
    }
    CLOSE(gradient_variance(&m, p, g), p / ((1 - p) * 9) * by_workers, 1e-10);
    drop(&m);
  }
  made m = make("approximate-repetition", "d=3 p=0.2 debias=known", 12, 1);
  double groups = 0, lost = p * p * p;
  for (int k = 0; k < 4; k++) groups += pow(g[3 * k] + g[3 * k + 1] + g[3 * k + 2], 2);
  CLOSE(gradient_variance(&m, p, g), lost / (1 - lost) * groups, 1e-10);
  CLOSE(mean_error(&m, p) / 12, lost / (1 - lost), 1e-12);
  drop(&m);
}

/* Blocks on different numbers of workers, by the size of their gradients: the mean over placements.
 */
static void replications_may_differ(void **state) {
  (void)state;
  static const double g[] = {1, -2, 3, 4}, on[] = {1, 2, 3, 5};
  double p = .25, sum = 0, formula = 0;
  moments found = {0};
  for (int i = 0; i < 4; i++) {
    sum += g[i];
    formula += (1 / on[i] - 1. / 6) * g[i] * g[i];
  }
  formula = p / (1 - p) * (formula + sum * sum / 6);
  for (uint64_t seed = 0; seed < 500; seed++) {
    made m = make("sgc", "replications=1,2,3,5 p=0.25", 6, seed);
    take(&found, gradient_variance(&m, p, g));
    drop(&m);
  }
  check_z(&found, formula, "unequal replications");
}

/* r of n answers, not rescaled (ErasureHead): E ĝ = (1 − q) g and its second moment. */
static void erasurehead_moments(void **state) {
  (void)state;
  double g[12], mean = 0, second = 0, groups = 0, sum = 0;
  sg_stream s = stream_of(4);
  for (int i = 0; i < 12; i++) sum += g[i] = 2 * sg_uniform(&s) - 0.7;
  for (int k = 0; k < 4; k++) groups += pow(g[3 * k] + g[3 * k + 1] + g[3 * k + 2], 2);
  made m = make("approximate-repetition", "d=3 s=7", 12, 1);
  int r = 5;
  for (unsigned long set = 0; set < 1UL << 12; set++)
    if (__builtin_popcountl(set) == r) {
      double found = 0;
      decode_set(&m, set);
      for (int i = 0; i < 12; i++) found += m.alpha[i] * g[i] / sqrt(choose(12, r));
      mean += found / sqrt(choose(12, r));
      second += found * found;
    }
  double q = choose(9, r) / choose(12, r), q2 = choose(6, r) / choose(12, r);
  CLOSE(mean, (1 - q) * sum, 1e-11);
  CLOSE(second, (1 - q) * groups + (1 - 2 * q + q2) * (sum * sum - groups), 1e-11);
  drop(&m);
}

/* Probabilities that differ by worker: fixed weights keep every block unbiased, and repetition
 * knows its share. */
static double half_and_half(void *of, int worker) {
  (void)of;
  return worker < 5 ? .05 : .4;
}

static void probabilities_that_differ(void **state) {
  (void)state;
  const sg_forecast forecast = {.straggling = half_and_half};
  made m = make_with("sgc", "d=3", 10, 2, &forecast),
       frc = make_with("approximate-repetition", "d=2 debias=known", 10, 2, &forecast);
  double mean[10] = {0}, kept = 0;
  for (unsigned long set = 0; set < 1UL << 10; set++) {
    double product = 1;
    for (int j = 0; j < 10; j++)
      product *= set >> j & 1 ? 1 - half_and_half(NULL, j) : half_and_half(NULL, j);
    decode_set(&m, set);
    for (int i = 0; i < 10; i++) mean[i] += product * m.alpha[i];
    decode_set(&frc, set);
    for (int i = 0; i < 10; i++) kept += product * frc.alpha[i];
  }
  for (int i = 0; i < 10; i++) CLOSE(mean[i], 1, 1e-12);
  CLOSE(kept, 10, 1e-12);
  drop(&m);
  drop(&frc);
}

/* --- Bounds and identities -------------------------------------------------------------------- */

static const struct {
  const char *name, *words;
} all[] = {{"approximate-repetition", "d=3"},
           {"approximate-repetition", "d=3 answers=mean"},
           {"expander", "d=3"},
           {"expander", "d=3 coefficients=optimal"},
           {"expander", "d=3 graph=bipartite"},
           {"expander", "d=3 graph=bipartite coefficients=optimal"},
           {"expander", "d=3 graph=circulant"},
           {"expander", "d=3 graph=circulant coefficients=optimal"},
           {"expander", "d=2 identity=true"},
           {"sgc", "d=3 decoding=optimal"},
           {"sgc", "replications=1,2,3,4,5,1,2,3,4,5 decoding=optimal"},
           {"bernoulli", "d=3"},
           {"bernoulli", "d=3 cover=true regularise=true"},
           {"stochastic-block", "c=5 P=0.5 Q=0.1"}};
enum { ALL = sizeof all / sizeof *all };

/* For optimal decoding 1ᵀα = |α|², A_Sᵀ(1 − α) = 0, one more answer never raises the error; no
 * fixed decoder is better; E e ≥ p^d, which repetition attains; an adversary with s stragglers
 * isolates ⌊s/d⌋ blocks. */
static void optimal_decoding_keeps_its_identities(void **state) {
  (void)state;
  enum { N = 10 };
  static double error[1 << N];
  for (int i = 0; i < ALL; i++) {
    made m = make(all[i].name, all[i].words, N, 6);
    double load = (double)m.t->a.begin[N] / N, worst[N + 1] = {0};
    char one_step[200];
    snprintf(one_step, sizeof one_step, "%.150s%s", all[i].words,
             strstr(all[i].words, "decoding") ? "" : " decoding=one-step");
    made other = make(all[i].name, one_step, N, 6);
    for (unsigned long set = 0; set < 1UL << N; set++) {
      error[set] = decode_set(&m, set);
      double sum = 0, squares = 0;
      for (int k = 0; k < m.blocks; k++) {
        sum += m.alpha[k];
        squares += m.alpha[k] * m.alpha[k];
      }
      CLOSE(sum, squares, 1e-10);
      CLOSE(error[set], m.blocks - sum, 1e-10);
      for (int j = 0; j < N; j++) {
        double along = 0;
        for (size_t k = m.t->a.begin[j]; k < m.t->a.begin[j + 1]; k++)
          along += m.t->a.value[k] * (1 - m.alpha[m.t->a.column[k]]);
        if (set >> j & 1) {
          CLOSE(along, 0, 1e-10);
          assert_true(error[set] <= error[set & ~(1UL << j)] + 1e-10);
        }
      }
      assert_true(error[set] <= m.blocks + 1e-10);
      assert_true(decode_set(&other, set) >= error[set] - 1e-10);
      int s = N - __builtin_popcountl(set);
      worst[s] = fmax(worst[s], error[set]);
    }
    for (int s = 0; s <= N; s++) assert_true(worst[s] >= floor(s / load) - 1e-9);
    for (double p = .05; p < .9; p += .12) {
      double mean = 0, bias = 0;
      for (unsigned long set = 0; set < 1UL << N; set++) mean += chance(N, set, p) * error[set] / N;
      bias = 1 - mean; /* 1ᵀα = n − ‖α − 1‖² */
      assert_true(mean >= pow(p, load) - 1e-12);
      assert_true(mean / bias >= pow(p, load) / (1 - pow(p, load)) - 1e-12);
    }
    drop(&m);
    drop(&other);
  }
}

/* The largest eigenvalue of Cov α over all patterns. */
static double covariance_norm(made *m, double p) {
  int n = m->blocks;
  double mean[12] = {0}, c[144] = {0}, value[12];
  for (unsigned long set = 0; set < 1UL << m->workers; set++) {
    double by = chance(m->workers, set, p);
    decode_set(m, set);
    for (int i = 0; i < n; i++) {
      mean[i] += by * m->alpha[i];
      for (int k = 0; k < n; k++) c[i + k * n] += by * m->alpha[i] * m->alpha[k];
    }
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) c[i + k * n] -= mean[i] * mean[k];
  assert_int_equal(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'L', n, c, n, value), 0);
  return value[n - 1];
}

static void covariances_of_repetition_and_of_fixed_weights(void **state) {
  (void)state;
  double p = .3, lost = p * p * p;
  made m = make("approximate-repetition", "d=3 p=0.3 debias=known", 12, 1);
  CLOSE(covariance_norm(&m, p), 3 * lost / (1 - lost), 1e-11);
  drop(&m);
  for (int i = 0; i < ROW_REGULAR; i++) {
    m = make_more(i, "decoding=fixed p=0.3", 12);
    double norm = covariance_norm(&m, p);
    assert_true(norm >= p / (1 - p) - 1e-11);
    if (strcmp(row_regular[i].name, "sgc") != 0) /* rows and columns both regular */
      CLOSE(norm, p / (1 - p), 1e-11);
    drop(&m);
  }
}

/* One answer of a group, or the mean of all: the same α; the mean is the least-norm solution. */
static void answers_of_a_group(void **state) {
  (void)state;
  made first = make("approximate-repetition", "d=3", 11, 1),
       mean = make("approximate-repetition", "d=3 answers=mean", 11, 1);
  for (unsigned long set = 1; set < 1UL << 11; set++) {
    double norms[2] = {0};
    NEAR(decode_set(&first, set), decode_set(&mean, set));
    for (int i = 0; i < 11; i++) NEAR(first.alpha[i], mean.alpha[i]);
    int count = __builtin_popcountl(set), seen[3] = {0};
    for (int i = 0; i < count; i++) {
      int group = first.who[i] / 4;
      NEAR(first.w[i], seen[group] == 0);
      seen[group]++;
      norms[0] += first.w[i] * first.w[i];
      norms[1] += mean.w[i] * mean.w[i];
    }
    double least = 0;
    for (int k = 0; k < 3; k++) least += seen[k] ? 1.0 / seen[k] : 0;
    NEAR(norms[1], least);
    assert_true(norms[0] >= norms[1] - 1e-12);
  }
  drop(&first);
  drop(&mean);
}

/* --- Refused ---------------------------------------------------------------------------------- */

static void refused(const char *name, const char *words, int n, const char *place,
                    const char *message) {
  bench_refused(typed(name, words), n, place, message);
}

static void what_is_refused(void **state) {
  (void)state;
  refused("bernoulli", "d=13", 12, "/schemes/0/d", "expected d ≤ n = 12, found 13");
  refused("stochastic-block", "c=5", 12, "/schemes/0/c",
          "expected a community that divides n = 12 (1, 2, 3, 4, 6, 12), found 5");
  refused("stochastic-block", "c=3 P=0 Q=0", 12, "/schemes/0/P",
          "expected P > 0 or, with c < n, Q > 0, found P = 0, Q = 0");
  refused("approximate-repetition", "d=13", 12, "/schemes/0/d", "expected d ≤ n = 12, found 13");
  refused("approximate-repetition", "d=3 s=12", 12, "/schemes/0/s", "expected s < n = 12");
  refused("expander", "d=12", 12, "/schemes/0/d", "expected d ≤ 11 with n = 12 workers, found 12");
  refused("expander", "d=3", 11, "/schemes/0/d",
          "expected n d even, as every edge has two ends (d = 2 or 4), found n = 11, d = 3");
  refused("expander", "", 12, "/schemes/0/d", "expected a degree from 1 to 11, found none");
  refused("expander", "graph=margulis", 12, "/schemes/0/graph",
          "expected n = 9 or 16 workers with margulis, a square, found 12");
  refused("expander", "graph=margulis d=3", 16, "/schemes/0/d", "expected 8");
  refused("expander", "graph=bipartite d=3 identity=true", 12, "/schemes/0/identity",
          "expected no identity with a bipartite graph");
  refused("expander", "d=3 coefficients=optimal", 1000, "/schemes/0/coefficients",
          "expected equal, or a graph of at most 450 edges and vertices in all");
  refused("sgc", "", 12, "/schemes/0/d", "expected d or replications, found neither");
  refused("sgc", "d=3 replications=1,2", 12, "/schemes/0/d",
          "expected d or replications, found both");
  refused("sgc", "d=13", 12, "/schemes/0/d",
          "expected at most n = 12 workers for a block, found 13");
  refused("sgc", "replications=1,13", 12, "/schemes/0/replications", "expected at most n = 12");
  refused("sgc", "replications=1,2 blocks=3", 12, "/schemes/0/replications",
          "expected a number for each of the 3 blocks, found 2");
  refused("sgc", "placement=hadamard", 14, "/schemes/0/placement",
          "(nearest 12 and 16), found n = 14");
  refused("sgc", "placement=hadamard", 52, "/schemes/0/placement", "(nearest 48 and 56)");
  refused("sgc", "placement=hadamard", 2, "/schemes/0/placement", "(4 is the first), found n = 2");
  refused("sgc", "placement=hadamard d=3", 12, "/schemes/0/d", "expected d = n/2 = 6");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bernoulli_is_drawn_as_it_says),
      cmocka_unit_test(regularised),
      cmocka_unit_test(communities),
      cmocka_unit_test(uneven_groups),
      cmocka_unit_test(gradient_coding_is_placed_as_it_says),
      cmocka_unit_test(fixed_decoding_depends_on_the_replication_alone),
      cmocka_unit_test(errors_by_number_of_answers),
      cmocka_unit_test(errors_at_a_hundred_workers),
      cmocka_unit_test(one_step_errors_of_random_placements),
      cmocka_unit_test(optimal_errors_of_circulant_supports),
      cmocka_unit_test(hadamard_design_has_its_variance),
      cmocka_unit_test(gradient_errors_equal_their_formulas),
      cmocka_unit_test(replications_may_differ),
      cmocka_unit_test(erasurehead_moments),
      cmocka_unit_test(probabilities_that_differ),
      cmocka_unit_test(optimal_decoding_keeps_its_identities),
      cmocka_unit_test(covariances_of_repetition_and_of_fixed_weights),
      cmocka_unit_test(answers_of_a_group),
      cmocka_unit_test(what_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
