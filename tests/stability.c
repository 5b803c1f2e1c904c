/* SPDX-License-Identifier: MIT */
/* The stability table of the exact codes with full-length messages (theory: full-length-errors):
 * for n workers and s stragglers the largest residual max |a B_F − 1| and |a| |B_F|₂ / √n, a bound
 * of the amplification, of the weights a that straggle finds, over at most 200 patterns, median of
 * 9 draws of random codes. Patterns: all if there are no more than 200, else the n contiguous ones
 * and random ones. Prints Markdown, the reference values in brackets. */
#include "codes/frame/code.h"
#include "codes/frame/protocol.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100, PATTERNS = 200, DRAWS = 9, ARMS = 4 };

typedef struct arm {
  const char *name, *code, *member[2], *value[2];
  bool random;
} arm;

static const arm arms[ARMS] = {
    {"cyclic-repetition", "cyclic-repetition", {NULL}, {NULL}, true},
    {"cyclic-mds", "cyclic-mds", {NULL}, {NULL}, false},
    {"reed-solomon real", "reed-solomon", {NULL}, {NULL}, false},
    {"reed-solomon roots-of-unity", "reed-solomon", {"nodes"}, {"roots-of-unity"}, false},
};

static const struct {
  int n, s;
  const char *reference[2]; /* residual, bound */
} cases[] = {
    {10, 1, {"1e-13, 4e2", "2e-15, 1.4"}}, {10, 3, {"2e-12, 2e4", "8e-15, 11"}},
    {20, 3, {"8e-12, 1e5", "3e-14, 49"}},  {20, 5, {"1e-11, 1e5", "3e-13, 5e2"}},
    {30, 5, {"4e-11, 2e5", "1e-12, 3e3"}}, {50, 5, {"9e-11, 2e6", "2e-11, 2e4"}},
    {50, 9, {"8e-11, 2e6", "5e-9, 1e7"}},  {100, 3, {"3e-10, 1e6", "2e-12, 1e3"}},
};

typedef unsigned char pattern[MOST]; /* 1: missing */

/* The patterns of n and s; returns how many. */
static int make_patterns(int n, int s, pattern *p) {
  double all = 1;
  for (int i = 1; i <= s; i++) all = all * (n - s + i) / i;
  memset(p, 0, PATTERNS * sizeof *p);
  if (all <= PATTERNS) { /* rising positions, in lexical order */
    int at[MOST], count = 0;
    for (int i = 0; i < s; i++) at[i] = i;
    for (;;) {
      for (int i = 0; i < s; i++) p[count][at[i]] = 1;
      count++;
      int i = s - 1;
      while (i >= 0 && at[i] == n - s + i) i--;
      if (i < 0) return count;
      at[i]++;
      for (int k = i + 1; k < s; k++) at[k] = at[k - 1] + 1;
    }
  }
  sg_stream stream;
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, (uint32_t)n, (uint32_t)s, 0);
  for (int k = 0; k < PATTERNS; k++)
    for (int missing = 0; missing < s;) {
      int i = k < n ? (k + missing) % n : (int)(sg_uniform(&stream) * n);
      missing += !p[k][i];
      p[k][i] = 1;
    }
  return PATTERNS;
}

/* Residual and bound of the weights of some messages. */
static void judge(const sg_code *code, const sg_weights *w, const sg_message *const *order,
                  double *residual, double *bound) {
  static double b[2 * MOST * MOST], sum[MOST], sigma[2 * MOST];
  sg_expander expander = {0};
  int k = code->parts;
  double size = 0;
  memset(b, 0, sizeof b);
  for (int j = 0; j < k; j++) sum[j] = -1;
  for (int i = 0; i < w->count; i++) {
    if (!sg_expand(&expander, code, NULL, order[i], 1, b + i * k)) exit(EXIT_FAILURE);
    for (int j = 0; j < k; j++) sum[j] += w->w[i] * b[i * k + j];
    size += w->w[i] * w->w[i];
  }
  sg_expander_free(&expander);
  for (int j = 0; j < k; j++) *residual = fmax(*residual, fabs(sum[j]));
  if (sg_singular_values(k, w->count, b, k, sigma)) exit(EXIT_FAILURE);
  *bound = fmax(*bound, sqrt(size / k) * sigma[0]);
}

static void measure(const arm *a, int n, int s, uint64_t seed, const pattern *p, int count,
                    double *residual, double *bound) {
  const sg_code_type *type = sg_code_type_find(a->code);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_shape shape = {.workers = n, .subsets = n, .length = 1, .seed = seed, .updates = 1};
  sg_code *code;
  sg_error e = {0};
  sg_values_set_number(values, "s", s, &e);
  for (int i = 0; i < 2; i++)
    if (a->member[i]) sg_values_parse(values, a->member[i], a->value[i], &e);
  if (e.count || sg_code_new(type, &shape, values, &code, &e)) {
    fprintf(stderr, "%s: %s\n", a->name, e.fault[0].message);
    exit(EXIT_FAILURE);
  }
  sg_decoder *decoder = sg_decoder_new(code);
  int each = code->segment[0].need / (n - code->promised);
  sg_message message[2 * MOST];
  *residual = *bound = 0;
  for (int i = 0; i < each * n; i++)
    message[i] = (sg_message){.from = i / each, .to = SG_MASTER, .tag = i % each};
  for (int k = 0; k < count; k++) {
    const sg_message *order[2 * MOST];
    sg_weights w;
    int f = 0;
    for (int i = 0; i < each * n; i++)
      if (!p[k][i / each]) order[f++] = &message[i];
    if (sg_decoder_weights(decoder, NULL, 0, f, order, &w, NULL)) exit(EXIT_FAILURE);
    judge(code, &w, order, residual, bound);
  }
  sg_decoder_free(decoder);
  sg_code_free(code);
  sg_values_free(values);
}

static double median(double *x, int n) {
  sg_sort_doubles(x, (size_t)n);
  return x[n / 2];
}

int main(void) {
  sg_blas_single_thread();
  printf("| n, s |");
  for (int a = 0; a < ARMS; a++) printf(" %s |", arms[a].name);
  printf("\n|---|---|---|---|---|\n");
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    static pattern p[PATTERNS];
    int n = cases[c].n, s = cases[c].s, count = make_patterns(n, s, p);
    printf("| %d, %d |", n, s);
    for (int a = 0; a < ARMS; a++) {
      double residual[DRAWS], bound[DRAWS];
      int draws = arms[a].random ? DRAWS : 1;
      for (int k = 0; k < draws; k++)
        measure(&arms[a], n, s, (uint64_t)k + 1, (const pattern *)p, count, &residual[k],
                &bound[k]);
      printf(" %.0e, %.1e", median(residual, draws), median(bound, draws));
      if (a < 2) printf(" (%s)", cases[c].reference[a]);
      printf(" |");
    }
    printf("\n");
    fflush(stdout);
  }
  return EXIT_SUCCESS;
}
