/* SPDX-License-Identifier: MIT */
/* What decode weights cost: a fresh pattern, a cached one, and LAPACKE_dgels as a user would call
 * it on the same patterns (B_Fᵀ a = 1, an n × (n − s) system), in one program. Medians over the
 * patterns, best of five rounds, each with a code of its own seed; the residual max |a B − 1| of
 * both, in extended precision.
 * Then what a round costs whose end the rank test finds: a code of many messages (20 workers that
 * send 5 vectors each, one after another), decoded with the weights of the rank test and, as every
 * code once was, by least squares.
 *
 *   bench_decode [n s]      cyclic-repetition, 60 5 when left out */
#include "codes/frame/protocol.h"
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

/* --- A code of many messages ------------------------------------------------------------------ */

/* Worker i holds 5 cyclic parts; message j is a random combination of the first j + 1 of them. */
enum { MANY_N = 20, MANY_R = 5, MANY_ROUNDS = 4000 };

static void many_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_stream s;
  sg_stream_at(&s, code->shape.seed, 0, SG_FOR_CODE, (uint32_t)message->from, 0,
               (uint32_t)message->tag);
  for (int j = 0; j <= message->tag; j++)
    sg_row_part(row, (message->from + j) % MANY_N, 0, 2 * sg_uniform(&s) - 1);
}

static sg_status many_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  (void)shape, (void)values, (void)e;
  code->flags = SG_STOP_DECODABLE;
  return SG_OK;
}

static const sg_code_type many_type = {.about = {.name = "many", .summary = "", .reference = ""},
                                       .create = many_create,
                                       .encode = many_encode};

/* A round in a random order of the workers' messages; seconds of the rank test and of the decode
 * are added. Returns how many messages are used, 0: the sum is out of reach. */
static int many_round(sg_protocol *protocol, sg_decoder *decoder, int round, bool solved,
                      sg_orders *orders, double *test_s, double *decode_s) {
  static sg_message message[MANY_N * MANY_R];
  const sg_message *held[MANY_N * MANY_R];
  int sent[MANY_N] = {0}, held_count = 0;
  bool decodes = false;
  sg_stream stream;
  sg_stream_at(&stream, 2, 0, SG_FOR_CHECK, (uint32_t)round, 0, 0);
  sg_orders_clear(orders);
  sg_protocol_event(protocol, &(sg_event){.kind = SG_BEGIN, .round = round}, orders);
  for (int i = 0; i < MANY_N * MANY_R && !decodes; i++) {
    int from;
    do from = (int)(sg_uniform(&stream) * MANY_N);
    while (sent[from] == MANY_R);
    sg_message *m = &message[i];
    *m = (sg_message){.id = i,
                      .from = from,
                      .to = SG_MASTER,
                      .tag = sent[from]++,
                      .snapshot = round,
                      .round = round};
    const sg_message *list[] = {m};
    sg_orders_clear(orders);
    double start = sg_seconds_now();
    sg_protocol_event(
        protocol,
        &(sg_event){.kind = SG_ARRIVAL, .at = SG_MASTER, .from = from, .count = 1, .message = list},
        orders);
    *test_s += sg_seconds_now() - start;
    held[held_count++] = m;
    for (int k = 0; k < orders->count; k++) {
      held_count -= orders->order[k].kind == SG_ORDER_DROP;
      decodes |= orders->order[k].kind == SG_ORDER_DECODE;
    }
  }
  sg_weights w;
  double start = sg_seconds_now();
  sg_status status =
      !decodes ? SG_UNDECODABLE
      : solved
          ? sg_decoder_weights_in(decoder, protocol, 0, held_count, held, &w, NULL)
          : sg_decoder_weights(decoder, sg_protocol_state(protocol), 0, held_count, held, &w, NULL);
  *decode_s += sg_seconds_now() - start;
  return status ? 0 : held_count;
}

static bool bench_many(void) {
  sg_values *values = sg_values_new(NULL, &many_type.about, "");
  sg_shape shape = {.workers = MANY_N, .subsets = MANY_N, .length = 1000, .seed = 1, .updates = 1};
  sg_code *code;
  if (!values || sg_code_new(&many_type, &shape, values, &code, NULL)) return false;
  sg_protocol *protocol = sg_protocol_new(code);
  sg_decoder *decoder = sg_decoder_new(code);
  sg_orders orders = {0};
  double best[2][2] = {{INFINITY, INFINITY}, {INFINITY, INFINITY}};
  long used = 0;
  for (int turn = 0; turn < 2 * ROUNDS; turn++) {
    double test_s = 0, decode_s = 0;
    used = 0;
    for (int round = 0; round < MANY_ROUNDS; round++)
      used += many_round(protocol, decoder, round, turn % 2, &orders, &test_s, &decode_s);
    best[turn % 2][0] = fmin(best[turn % 2][0], test_s / MANY_ROUNDS);
    best[turn % 2][1] = fmin(best[turn % 2][1], decode_s / MANY_ROUNDS);
  }
  printf("\nmany messages, n = %d, r = %d: %.1f messages used a round; best of %d means\n\n"
         "| weights by | rank test, µs a round | decode, µs |\n|---|---|---|\n"
         "| least squares | %.2f | %.2f |\n| rank test | %.2f | %.2f |\n",
         MANY_N, MANY_R, (double)used / MANY_ROUNDS, ROUNDS, best[0][0] * 1e6, best[0][1] * 1e6,
         best[1][0] * 1e6, best[1][1] * 1e6);
  sg_orders_free(&orders);
  sg_decoder_free(decoder);
  sg_protocol_free(protocol);
  sg_code_free(code);
  sg_values_free(values);
  return true;
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
  return bench_many() ? EXIT_SUCCESS : EXIT_FAILURE;
}
