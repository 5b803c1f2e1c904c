/* SPDX-License-Identifier: MIT */
/* What decode weights cost: a fresh pattern, a cached one, and LAPACKE_dgels as a user would call
 * it on the same patterns (B_Fᵀ a = 1, an n × (n − s) system), in one program. Medians over the
 * patterns, best of five rounds, each with a code of its own seed; the residual max |a B − 1| of
 * both, in extended precision.
 *
 *   bench_decode [n s]      cyclic-repetition, 60 5 when left out */
#include "codes/frame/code.h"
#include "sim/core/array.h"
#include "sim/core/clock.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More patterns than the cache has room for, so that going through them in turn finds none. */
enum { PATTERNS = 1500, ROUNDS = 5 };

typedef struct bench {
  int n, s, f;
  sg_code *code;
  sg_decoder *decoder;
  sg_message *message;
  const sg_message **order; /* PATTERNS × f: who answered, in order of arrival */
  double *row;              /* n × n: row i of B is row + i n */
  double *time;             /* PATTERNS */
  double *residual;         /* PATTERNS */
} bench;

static double median(const double *x) {
  static double copy[PATTERNS];
  memcpy(copy, x, sizeof copy);
  sg_sort_doubles(copy, PATTERNS);
  return (copy[PATTERNS / 2 - 1] + copy[PATTERNS / 2]) / 2;
}

static double largest(const double *x) {
  double most = 0;
  for (int i = 0; i < PATTERNS; i++) most = fmax(most, x[i]);
  return most;
}

/* Random subsets of n − s workers in random order. */
static void draw_patterns(bench *b) {
  for (int p = 0; p < PATTERNS; p++) {
    sg_stream stream;
    const sg_message *all[4096];
    sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, (uint32_t)p, 0, 0);
    for (int i = 0; i < b->n; i++) all[i] = &b->message[i];
    for (int i = 0; i < b->f; i++) {
      int k = i + (int)(sg_uniform(&stream) * (b->n - i));
      const sg_message *taken = all[k];
      all[k] = all[i];
      b->order[p * b->f + i] = all[i] = taken;
    }
  }
}

static double residual(const bench *b, int p, const double *a) {
  static long double sum[4096];
  double most = 0;
  for (int j = 0; j < b->n; j++) sum[j] = -1;
  for (int i = 0; i < b->f; i++)
    for (int j = 0; j < b->n; j++)
      sum[j] += (long double)a[i] * b->row[b->order[p * b->f + i]->from * b->n + j];
  for (int j = 0; j < b->n; j++) most = fmax(most, fabs((double)sum[j]));
  return most;
}

/* One pass over the patterns; with `twice` the second of two calls in a row is timed. */
static void run_straggle(bench *b, bool twice, double *cond1) {
  sg_weights w;
  for (int p = 0; p < PATTERNS; p++) {
    const sg_message **order = b->order + p * b->f;
    for (int turn = twice ? 0 : 1; turn < 2; turn++) {
      double start = sg_seconds_now();
      sg_status status = sg_decoder_weights(b->decoder, NULL, 0, b->f, order, &w, NULL);
      b->time[p] = sg_seconds_now() - start;
      if (status) exit(EXIT_FAILURE);
    }
    b->residual[p] = residual(b, p, w.w);
    *cond1 = fmax(*cond1, w.info.cond1);
  }
}

static void run_dgels(bench *b) {
  double *a = malloc((size_t)b->n * (size_t)b->f * sizeof *a),
         *x = malloc((size_t)b->n * sizeof *x);
  for (int p = 0; p < PATTERNS; p++) {
    for (int i = 0; i < b->f; i++)
      memcpy(a + i * b->n, b->row + b->order[p * b->f + i]->from * b->n, (size_t)b->n * sizeof *a);
    for (int j = 0; j < b->n; j++) x[j] = 1;
    double start = sg_seconds_now();
    int info = LAPACKE_dgels(LAPACK_COL_MAJOR, 'N', b->n, b->f, 1, a, b->n, x, b->n);
    b->time[p] = sg_seconds_now() - start;
    if (info) exit(EXIT_FAILURE);
    b->residual[p] = residual(b, p, x);
  }
  free(a);
  free(x);
}

static bool make(bench *b, uint64_t seed) {
  const sg_code_type *type = sg_code_type_find("cyclic-repetition");
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_shape shape = {.workers = b->n, .subsets = b->n, .length = 1000, .seed = seed, .updates = 1};
  sg_row row = {0};
  size_t n = (size_t)b->n;
  if (!values || sg_values_set_number(values, "s", b->s, NULL) ||
      sg_code_new(type, &shape, values, &b->code, NULL))
    return false;
  b->decoder = sg_decoder_new(b->code);
  b->message = calloc(n, sizeof *b->message);
  b->order = calloc(PATTERNS * n, sizeof *b->order);
  b->row = calloc(n * n, sizeof *b->row);
  b->time = calloc(PATTERNS, sizeof *b->time);
  b->residual = calloc(PATTERNS, sizeof *b->residual);
  for (int i = 0; i < b->n; i++) {
    b->message[i] = (sg_message){.from = i, .to = SG_MASTER};
    sg_encode(b->code, NULL, &b->message[i], &row);
    for (int t = 0; t < row.n_terms; t++) b->row[i * b->n + row.term[t].part] = row.term[t].coef;
  }
  sg_row_free(&row);
  sg_values_free(values);
  return true;
}

static void unmake(bench *b) {
  sg_decoder_free(b->decoder);
  sg_code_free(b->code);
  free(b->message);
  free(b->order);
  free(b->row);
  free(b->time);
  free(b->residual);
}

int main(int argc, char **argv) {
  bench b = {.n = argc > 2 ? atoi(argv[1]) : 60, .s = argc > 2 ? atoi(argv[2]) : 5};
  b.f = b.n - b.s;
  double made = INFINITY, cond1 = 0, best[3] = {INFINITY, INFINITY, INFINITY};
  double middle[3] = {0}, worst[3] = {0};
  sg_blas_single_thread();
  if (b.n > 4096) return EXIT_FAILURE;
  for (int round = 0; round < ROUNDS; round++) {
    double start = sg_seconds_now();
    if (!make(&b, (uint64_t)round + 1)) return EXIT_FAILURE;
    made = fmin(made, sg_seconds_now() - start);
    draw_patterns(&b);
    for (int what = 0; what < 3; what++) {
      if (what == 0)
        run_dgels(&b);
      else
        run_straggle(&b, what == 2, &cond1);
      best[what] = fmin(best[what], median(b.time));
      middle[what] += median(b.residual) / ROUNDS;
      worst[what] = fmax(worst[what], largest(b.residual));
    }
    unmake(&b);
  }
  static const char *const names[] = {"LAPACKE_dgels", "fresh pattern", "cached pattern"};
  printf("cyclic-repetition n = %d, s = %d: made in %.3g ms; %d patterns, medians, best of %d; "
         "cond1 at most %.2g\n\n",
         b.n, b.s, made * 1e3, PATTERNS, ROUNDS, cond1);
  printf("| weights by | µs | times faster | residual, mean of medians | largest "
         "|\n|---|---|---|---|---|\n");
  for (int what = 0; what < 3; what++)
    printf("| %s | %.3f | %.1f | %.2g | %.2g |\n", names[what], best[what] * 1e6,
           best[0] / best[what], middle[what], worst[what]);
  return EXIT_SUCCESS;
}
