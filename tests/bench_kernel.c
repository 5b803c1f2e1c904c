/* SPDX-License-Identifier: MIT */
/* Prints how long gradients and the kernel take, best and median of several rounds. Not a test.
 * bench_kernel [NAME [PRECISION]]: settings whose names contain NAME; 0, 1, 2: messages as float64,
 * float32, bfloat16. */
#include "models/learning/problem.h"
#include "sim/core/array.h"
#include "sim/core/clock.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "sim/kernel.h"
#include "tests/support/environment.h"
#include "tests/support/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct setting {
  const char *name, *problem, *settings;
  int n, width, d, m, used; /* m = 1: cyclic; m > 1: groups of d */
  int rounds;
} setting;

static void print_times(const char *what, int n, double *t) {
  sg_sort_doubles(t, (size_t)n);
  printf("  %-8s best %10.1f us, median %10.1f us\n", what, 1e6 * t[0], 1e6 * t[n / 2]);
}

/* Groups are parts of their own; in a cyclic code the subsets are. */
static int parts_of(const setting *s) {
  return s->m == 1 ? s->n : s->n / s->d;
}

/* The rows of the messages that are used, with arbitrary coefficients: only their shape matters. */
static void fill_set(const setting *s, int column, long l, sg_kernel_set *set, sg_stream *random) {
  int parts = parts_of(s), term = 0;
  int messages = s->m == 1 ? s->used : parts * s->m, per_message = s->m == 1 ? s->d : s->m;
  int *start = calloc((size_t)messages + 1, sizeof *start),
      *sum = calloc((size_t)parts, sizeof *sum);
  sg_kernel_term *t = calloc((size_t)(messages * per_message), sizeof *t);
  double *weight = calloc((size_t)(messages * s->m), sizeof *weight);
  double *norm = calloc((size_t)parts, sizeof *norm);
  if (!start || !sum || !t || !weight || !norm) abort();
  for (int i = 0; i < messages; i++) {
    for (int j = 0; j < per_message; j++) {
      int part = s->m == 1 ? (i + j) % parts : i % parts;
      t[term++] =
          (sg_kernel_term){column * parts + part, s->m == 1 ? 0 : j, sg_uniform(random) - 0.5};
    }
    start[i + 1] = term;
    for (int q = 0; q < s->m; q++) weight[i * s->m + q] = sg_uniform(random);
  }
  for (int p = 0; p < parts; p++) sum[p] = column * parts + p;
  *set = (sg_kernel_set){.end = l,
                         .pieces = s->m,
                         .n_messages = messages,
                         .term_start = start,
                         .term = t,
                         .weight = weight,
                         .n_sum = parts,
                         .sum_item = sum,
                         .item_norm2 = norm,
                         .decoded = calloc((size_t)l, sizeof(double))};
}

static void run(const setting *s, const sg_compressor *compressor) {
  sg_error e = {0};
  int parts = parts_of(s);
  sg_problem *problem = learning_problem(s->problem, s->settings, s->n, 1, &e);
  sg_partition *partition;
  if (!problem || sg_partition_new(problem, parts, NULL, 0, NULL, &partition, &e)) abort();
  long l = problem->length;
  sg_workspace *ws = sg_workspace_new(problem);
  sg_kernel *kernel = sg_kernel_new();
  double *x = calloc((size_t)(l * s->width), sizeof *x);
  const double *column[64];
  double loss[64];
  sg_partial *item = calloc((size_t)(parts * s->width), sizeof *item);
  sg_kernel_set set[64];
  sg_stream random;
  sg_stream_at(&random, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  double *begin = calloc((size_t)s->rounds, sizeof *begin), *decode = calloc((size_t)s->rounds, 8);
  if (!ws || !kernel || !x || !item || !begin || !decode) abort();
  for (int c = 0; c < s->width; c++) {
    column[c] = x + c * l;
    for (long i = 0; i < l; i++) x[c * l + i] = 0.01 * (sg_uniform(&random) - 0.5);
    for (int p = 0; p < parts; p++) item[c * parts + p] = (sg_partial){.part = p, .column = c};
    fill_set(s, c, l, &set[c], &random);
    set[c].compressor = compressor;
  }
  sg_gradient_request request = {.partition = partition,
                                 .width = s->width,
                                 .columns = s->width,
                                 .x = column,
                                 .n_items = parts * s->width,
                                 .item = item,
                                 .loss_x = column,
                                 .loss = loss};
  for (int r = 0; r < s->rounds; r++) {
    double t0 = sg_seconds_now();
    if (sg_problem_begin(problem, ws, &request, &e)) abort();
    double t1 = sg_seconds_now();
    if (sg_kernel_decode(kernel, problem, ws, &request, s->width, set)) abort();
    begin[r] = t1 - t0;
    decode[r] = sg_seconds_now() - t1;
  }
  printf("%s, per step of %d run%s\n", s->name, s->width, s->width > 1 ? "s" : "");
  print_times("begin", s->rounds, begin);
  print_times("kernel", s->rounds, decode);
  for (int c = 0; c < s->width; c++) {
    free((void *)set[c].term_start);
    free((void *)set[c].term);
    free((void *)set[c].weight);
    free((void *)set[c].sum_item);
    free(set[c].item_norm2);
    free(set[c].decoded);
  }
  free(begin);
  free(decode);
  free(item);
  free(x);
  sg_kernel_free(kernel);
  sg_workspace_free(ws);
  sg_partition_free(partition);
  sg_problem_free(problem);
}

int main(int argc, char **argv) {
  static const char small[] = "data=gaussian-mixture data.rows=1200 data.features=100 "
                              "data.intercept=false data.test_share=0";
  static const char medium[] = "data=gaussian-mixture data.rows=6000 data.features=10000 "
                               "data.intercept=false data.test_share=0";
  const setting settings[] = {
      {"small-cyclic", "logistic-regression", small, 12, 1, 3, 1, 10, 4000},
      {"small-group", "logistic-regression", small, 12, 1, 3, 2, 0, 4000},
      {"wide-cyclic", "synthetic-gradient", "length=1000000", 30, 1, 6, 1, 25, 15},
      {"wide-group", "synthetic-gradient", "length=1000000", 30, 1, 6, 4, 0, 15},
      {"medium-dense cyclic", "logistic-regression", medium, 60, 1, 6, 1, 55, 15},
      {"medium-dense group", "logistic-regression", medium, 60, 1, 6, 4, 0, 15},
      {"medium-dense cyclic", "logistic-regression", medium, 60, 32, 6, 1, 55, 3},
      {"medium-dense group", "logistic-regression", medium, 60, 32, 6, 4, 0, 3},
  };
  static const char *const formats[] = {"float64", "float32", "bfloat16"};
  int format = argc > 2 ? atoi(argv[2]) : 0;
  if (format < 0 || format > 2) return 64;
  const sg_compressor compressor = test_compressor(formats[format], NULL);
  sg_blas_single_thread();
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (argc < 2 || strstr(settings[i].name, argv[1])) run(&settings[i], &compressor);
  return 0;
}
