/* SPDX-License-Identifier: MIT */
/* Tables of docs/validation.md on the arithmetic of group codes, as Markdown.
 *
 * group_tables: worst condition number over survivor sets per inner code (theory:
 * inner-conditions), the gain of least squares over all arrivals, chunk codes over all mixes of
 * arrivals, Ye and Abbe's constructions beside reference values (theory: ye-abbe-errors), and
 * decode errors beside theirs. Seed 1. */
#include "codes/linear/inner.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 200, SAMPLED = 2000, MOST = 64, PATTERNS = 300 };

static sg_code *make(int n, const char *name, uint64_t seed, ...) {
  const sg_code_type *type = sg_code_type_find(name);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_error e = {0};
  sg_code *code = NULL;
  va_list list;
  va_start(list, seed);
  for (const char *member; (member = va_arg(list, const char *));)
    sg_values_parse(values, member, va_arg(list, const char *), &e);
  va_end(list);
  sg_shape shape = {.workers = n, .subsets = n, .length = 960, .seed = seed, .updates = 1};
  if (sg_code_new(type, &shape, values, &code, &e) != SG_OK) {
    fprintf(stderr, "%s: %s\n", name, e.count ? e.fault[0].message : "?");
    exit(1);
  }
  sg_values_free(values);
  return code;
}

/* The m × n generator of a one-group code, from its rows. */
static void generator(const sg_code *code, double *g) {
  int m = code->segment[0].pieces;
  sg_row row = {0};
  memset(g, 0, sizeof *g * (size_t)m * (size_t)code->nodes);
  for (int i = 0; i < code->nodes; i++) {
    sg_message message = {.from = i, .to = SG_MASTER};
    sg_encode(code, NULL, &message, &row);
    for (int k = 0; k < row.n_terms; k++) g[row.term[k].piece + m * i] = row.term[k].coef;
  }
  sg_row_free(&row);
}

static double condition(int m, const double *g, const int *set) {
  double a[MOST * MOST], sigma[MOST];
  for (int i = 0; i < m; i++) memcpy(a + i * m, g + set[i] * m, (size_t)m * sizeof *a);
  return sg_singular_values(m, m, a, m, sigma) ? INFINITY : sigma[0] / sigma[m - 1];
}

static bool next_set(int n, int m, int *set) {
  int i = m - 1;
  while (i >= 0 && set[i] == n - m + i) i--;
  if (i < 0) return false;
  set[i]++;
  for (int j = i + 1; j < m; j++) set[j] = set[j - 1] + 1;
  return true;
}

/* Over all sets, or SAMPLED of them; the worst of a code that is better than `best` is not needed.
 */
static double worst_condition(int n, int m, const double *g, bool sampled) {
  int set[MOST];
  double worst = 0;
  sg_stream s;
  if (!sampled) {
    for (int i = 0; i < m; i++) set[i] = i;
    do worst = fmax(worst, condition(m, g, set));
    while (next_set(n, m, set));
    return worst;
  }
  sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int k = 0; k < SAMPLED; k++) {
    for (int c = 0, have = 0; c < n; c++)
      if (sg_uniform(&s) * (n - c) < m - have) set[have++] = c;
    worst = fmax(worst, condition(m, g, set));
  }
  return worst;
}

static int rising(const void *x, const void *y) {
  const double *a = x, *b = y;
  return (*a > *b) - (*a < *b);
}

/* Worst conditions of `draws` seeds, sorted. */
static void draw_all(int n, int m, const char *linear, bool sampled, int draws, double *worst) {
  double g[MOST * MOST];
  char d_text[12], m_text[12];
  snprintf(d_text, sizeof d_text, "%d", n);
  snprintf(m_text, sizeof m_text, "%d", m);
  for (int k = 0; k < draws; k++) {
    sg_code *code = make(n, "group", (uint64_t)k + 1, "d", d_text, "m", m_text, "linear_code",
                         linear, "stop", "count", NULL);
    generator(code, g);
    worst[k] = worst_condition(n, m, g, sampled);
    sg_code_free(code);
  }
  qsort(worst, (size_t)draws, sizeof *worst, rising);
}

static void table_of_conditions(void) {
  static const int size[][2] = {{3, 2}, {4, 2},  {4, 3},  {6, 3},  {6, 4},  {8, 4},
                                {8, 6}, {10, 5}, {12, 6}, {16, 8}, {20, 10}};
  printf("| d, m | Gauss median (90 %%) | best of 100 Gauss | Haar median | best of %d Haar | "
         "systematic median | harmonic | Chebyshev | Vandermonde | sets | draws |\n"
         "|---|---|---|---|---|---|---|---|---|---|---|\n",
         DRAWS);
  for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
    int n = size[i][0], m = size[i][1], draws = n <= 10 ? DRAWS : n == 12 ? 100 : 30;
    bool sampled = n > 12;
    double gauss[DRAWS], best[1], haar[DRAWS], systematic[DRAWS], one[3];
    static const char *const fixed[] = {"harmonic", "chebyshev", "vandermonde"};
    draw_all(n, m, "gaussian", sampled, draws, gauss);
    draw_all(n, m, "best-gaussian", sampled, 1, best);
    draw_all(n, m, "haar", sampled, draws, haar);
    draw_all(n, m, "systematic-gaussian", sampled, draws, systematic);
    for (int k = 0; k < 3; k++) draw_all(n, m, fixed[k], false, 1, &one[k]);
    printf("| %d, %d | %.3g (%.3g) | %.3g | %.3g | %.3g | %.3g | %.4g | %.3g | %.3g | %s | %d |\n",
           n, m, gauss[draws / 2], gauss[draws * 9 / 10], best[0], haar[draws / 2], haar[0],
           systematic[draws / 2], one[0], one[1], one[2],
           sampled ? "2000 sampled of random codes" : "all", draws);
    fflush(stdout);
  }
}

/* --- Decoding --------------------------------------------------------------------------------- */

typedef struct trial {
  sg_code *code;
  sg_decoder *decoder;
  void *state;
  sg_message message[MOST];
} trial;

static void open_trial(trial *t, sg_code *code) {
  t->code = code;
  t->decoder = sg_decoder_new(code);
  t->state = calloc(1, code->state_size + 1);
  for (int i = 0; i < code->nodes; i++)
    t->message[i] = (sg_message){.id = i, .from = i, .to = SG_MASTER};
}

static void close_trial(trial *t) {
  sg_decoder_free(t->decoder);
  sg_code_free(t->code);
  free(t->state);
}

/* A random order of arrival. */
static void shuffle(sg_stream *s, int n, int *order) {
  for (int i = 0; i < n; i++) order[i] = i;
  for (int i = n - 1; i > 0; i--) {
    int j = (int)(sg_uniform(s) * (i + 1)), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

/* What has come at the instant at which the code can first decode. */
static int arrivals(trial *t, const int *order, const sg_message **held) {
  int count = 0;
  memset(t->state, 0, t->code->round_size);
  for (int i = 0; i < t->code->nodes; i++) {
    const sg_message *m = &t->message[order[i]];
    sg_verdict verdict = t->code->type->arrive(t->code, t->state, m, NULL);
    if (verdict != SG_SKIP) held[count++] = m;
    if (verdict == SG_READY) break;
  }
  return count;
}

static void table_of_arrivals(void) {
  static const struct {
    int n;
    const char *d, *m, *linear;
  } cell[] = {{12, "4", "2", "harmonic"}, {12, "6", "3", "harmonic"},  {24, "6", "3", "harmonic"},
              {24, "8", "4", "harmonic"}, {48, "12", "6", "harmonic"}, {12, "4", "2", "gaussian"},
              {24, "6", "3", "gaussian"}, {24, "8", "4", "gaussian"},  {48, "12", "6", "gaussian"}};
  enum { ROUNDS = 10000 };
  printf("\n| n, d, m, code | arrivals at decode, needed | cond₁ first-m: mean log10, worst | "
         "least-squares | amplification first-m: mean, worst | least-squares "
         "|\n|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
    double sum_log[2] = {0}, worst[2] = {0}, sum_amp[2] = {0}, worst_amp[2] = {0}, come = 0;
    for (int k = 0; k < 2; k++) {
      trial t;
      sg_stream s;
      open_trial(&t, make(cell[i].n, "group", 1, "d", cell[i].d, "m", cell[i].m, "linear_code",
                          cell[i].linear, "stop", "decodable", "decode",
                          k ? "least-squares" : "first-m", NULL));
      sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, 1, 0);
      for (int round = 0; round < ROUNDS; round++) {
        int order[MOST];
        const sg_message *held[MOST];
        sg_weights w;
        shuffle(&s, cell[i].n, order);
        int count = arrivals(&t, order, held);
        if (sg_decoder_weights(t.decoder, t.state, 0, count, held, &w, NULL)) exit(1);
        sum_log[k] += log10(w.info.cond1) / ROUNDS;
        worst[k] = fmax(worst[k], w.info.cond1);
        sum_amp[k] += w.info.amplification / ROUNDS;
        worst_amp[k] = fmax(worst_amp[k], w.info.amplification);
        if (k) come += (double)count / ROUNDS;
      }
      close_trial(&t);
    }
    printf("| %d, %s, %s, %s | %.1f, %d | %.2f, %.3g | %.2f, %.3g | %.2f, %.3g | %.2f, %.3g |\n",
           cell[i].n, cell[i].d, cell[i].m, cell[i].linear, come,
           cell[i].n / atoi(cell[i].d) * atoi(cell[i].m), sum_log[0], worst[0], sum_log[1],
           worst[1], sum_amp[0], worst_amp[0], sum_amp[1], worst_amp[1]);
    fflush(stdout);
  }
}

static void table_of_chunks(void) {
  static const char *const size[][2] = {{"2", "4"}, {"4", "2"}, {"4", "4"}, {"4", "8"},
                                        {"6", "6"}, {"8", "8"}, {"4", "16"}};
  static const char *const linear[] = {"gaussian", "haar", "harmonic"};
  printf("\n| d, M | code | seed 1 |\n|---|---|---|\n");
  for (size_t i = 0; i < sizeof size / sizeof *size; i++)
    for (int k = 0; k < 3; k++) {
      sg_code *code = make(atoi(size[i][0]), "streamed-group", 1, "d", size[i][0], "chunks",
                           size[i][1], "linear_code", linear[k], NULL);
      printf("| %s, %s | %s | %s |\n", size[i][0], size[i][1], linear[k], code->note);
      sg_code_free(code);
    }
}

/* Largest error of a decoded gradient of N(0, 1)-like numbers, relative to its largest coordinate,
 * over sampled patterns of s stragglers; *median of the patterns. Frees the code. */
static double decode_errors(sg_code *code, double *median) {
  enum { WIDTH = 4 };
  static double g[MOST][MOST * WIDTH], f[MOST][WIDTH];
  double exact[MOST * WIDTH] = {0}, size = 0, error[PATTERNS] = {0};
  int m = code->segment[0].pieces, n = code->nodes;
  trial t;
  sg_stream s;
  open_trial(&t, code);
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  /* The same share of every subset, whatever the code's parts. */
  for (int j = 0; j < m * WIDTH; j++)
    for (int p = 0; p < n; p++) {
      double x = 3.46 * (sg_uniform(&s) - .5);
      int part = p * code->parts / n;
      g[part][j] = (p > 0 && part == (p - 1) * code->parts / n ? g[part][j] : 0) + x;
      exact[j] += x;
    }
  for (int j = 0; j < m * WIDTH; j++) size = fmax(size, fabs(exact[j]));
  for (int k = 0; k < PATTERNS; k++) {
    int order[MOST], count = n - code->promised;
    const sg_message *held[MOST];
    sg_weights w;
    shuffle(&s, n, order);
    for (int i = 0; i < count; i++) held[i] = &t.message[order[i]];
    if (sg_decoder_weights(t.decoder, t.state, 0, count, held, &w, NULL)) {
      error[k] = INFINITY;
      continue;
    }
    memset(f, 0, sizeof f);
    for (int i = 0; i < w.count; i++) {
      const sg_row *row = sg_decoder_row(t.decoder, i);
      for (int r = 0; r < row->n_terms; r++)
        for (int j = 0; j < WIDTH; j++)
          f[i][j] += row->term[r].coef * g[row->term[r].part][row->term[r].piece * WIDTH + j];
    }
    for (int v = 0; v < m; v++)
      for (int j = 0; j < WIDTH; j++) {
        double sum = 0;
        for (int i = 0; i < w.count; i++) sum += w.w[i * m + v] * f[i][j];
        error[k] = fmax(error[k], fabs(sum - exact[v * WIDTH + j]) / size);
      }
  }
  close_trial(&t);
  qsort(error, PATTERNS, sizeof *error, rising);
  *median = error[PATTERNS / 2];
  return error[PATTERNS - 1];
}

static double decode_error(sg_code *code) {
  double median;
  return decode_errors(code, &median);
}

/* Worst condition number of r columns of the r × n matrix V over sampled patterns. */
static double worst_of_patterns(int r, int n, const double *v) {
  double worst = 0;
  sg_stream s;
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 1, 0, 0);
  for (int k = 0; k < PATTERNS; k++) {
    int order[MOST];
    shuffle(&s, n, order);
    worst = fmax(worst, condition(r, v, order));
  }
  return worst;
}

/* The powers of 0 (n odd), 1, 1.5, 2, …, −1, −1.5, … (theory: ye-abbe). */
static void powers(int r, int n, double *v) {
  for (int j = 0; j < n; j++) {
    int k = j - n % 2, half = n / 2;
    double x = k < 0 ? 0 : k < half ? 1 + k / 2. : -1 - (k - half) / 2.;
    for (int c = 0; c < r; c++) v[c + j * r] = c ? v[c - 1 + j * r] * x : 1;
  }
}

/* Reference values of theory: ye-abbe-errors. */
static void table_of_ye_abbe(void) {
  static const struct {
    int n, d, m;
    const char *error, *condition, *random, *random_condition;
  } rows[] = {{8, 4, 2, "8e-14 / 1e-14", "2e3", "3e-13", "2e3"},
              {10, 5, 2, "1.5e-12 / 4e-14", "5e4", "6e-13", "5e3"},
              {15, 7, 3, "1.9e-9 / 1e-10", "1.5e8", "6e-12", "1.5e4"},
              {18, 9, 4, "2.5e-6 / 2e-8", "3e11", "2e-11", "1e4"},
              {20, 10, 5, "4.8e-4 / 7e-6", "4e13", "1e-11", "8e3"},
              {22, 11, 5, "4e-3 / 6e-5", "2e15", "1e-11", "1e4"},
              {23, 11, 5, "1.6e-2 / 1.5e-4", "6e15", "3e-11", "3e4"},
              {24, 12, 6, "2.1 / 1e-2", "4e17", "1.5e-11", "4e3"},
              {30, 15, 7, "2e5 / 3e2", "3e23", "1.5e-11", "4e4"}};
  printf("\n| n, (d, s, m) | polynomial: worst / median error | κ(V_F) | random, 3 draws: worst "
         "error | κ(V_F) | group harmonic: worst / median error |\n|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static double v[MOST * MOST];
    int n = rows[i].n, s = rows[i].d - rows[i].m, r = n - s;
    char d[12], m[12];
    double median, worst = 0, kappa = 0;
    snprintf(d, sizeof d, "%d", rows[i].d);
    snprintf(m, sizeof m, "%d", rows[i].m);
    double polynomial = decode_errors(
        make(n, "ye-abbe", 1, "d", d, "m", m, "construction", "polynomial", NULL), &median);
    powers(r, n, v);
    printf("| %d, (%s, %d, %s) | %.1e / %.0e; %s | %.0e; %s ", n, d, s, m, polynomial, median,
           rows[i].error, worst_of_patterns(r, n, v), rows[i].condition);
    for (uint64_t seed = 1; seed <= 3; seed++) {
      worst = fmax(worst, decode_error(make(n, "ye-abbe", seed, "d", d, "m", m, NULL)));
      sg_fill_gaussian(v, r, n, r, seed);
      kappa = fmax(kappa, worst_of_patterns(r, n, v));
    }
    printf("| %.1e; %s | %.0e; %s ", worst, rows[i].random, kappa, rows[i].random_condition);
    worst = decode_errors(
        make(n, "group", 1, "d", d, "m", m, "stop", "count", "groups", "uneven", NULL), &median);
    printf("| %.1e / %.0e |\n", worst, median);
    fflush(stdout);
  }
}

/* Returns how many times a construction of Ye and Abbe's was more accurate. */
static int table_of_errors(void) {
  static const int size[][3] = {{4, 2, 1},   {4, 4, 2},  {8, 4, 1},  {8, 4, 2},   {8, 4, 3},
                                {10, 5, 2},  {12, 4, 2}, {12, 6, 3}, {15, 5, 3},  {18, 9, 4},
                                {20, 10, 5}, {24, 6, 3}, {24, 8, 4}, {24, 12, 6}, {30, 15, 7},
                                {40, 10, 5}, {60, 6, 3}};
  static const char *const constructions[] = {"polynomial", "random"};
  int worse = 0;
  printf("\n| n, (d, s, m) | group harmonic | ye-abbe polynomial | ye-abbe random "
         "|\n|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
    int n = size[i][0];
    char d[12], m[12];
    snprintf(d, sizeof d, "%d", size[i][1]);
    snprintf(m, sizeof m, "%d", size[i][2]);
    double group = decode_error(make(n, "group", 1, "d", d, "m", m, "stop", "count", NULL)), error;
    printf("| %d, (%s, %d, %s) | %.1e ", n, d, size[i][1] - size[i][2], m, group);
    for (int k = 0; k < 2; k++) {
      error = decode_error(
          make(n, "ye-abbe", 1, "d", d, "m", m, "construction", constructions[k], NULL));
      printf("| %.1e ", error);
      worse += group > error;
    }
    printf("|\n");
    fflush(stdout);
  }
  printf("\nworse than a construction of Ye and Abbe: %d of %zu\n", worse,
         2 * sizeof size / sizeof *size);
  return worse;
}

int main(void) {
  sg_blas_single_thread();
  table_of_conditions();
  table_of_arrivals();
  table_of_chunks();
  table_of_ye_abbe();
  return table_of_errors() ? 1 : 0;
}
