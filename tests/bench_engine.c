/* SPDX-License-Identifier: MIT */
/* What a simulated round costs without arithmetic, and an update without a barrier:
 * ignore-stragglers, shifted-exponential compute and uplink times, the setting of the events
 * yardstick. A message takes a shared link 1 s, so that with many workers nearly all messages stand
 * in its queue. Prints nanoseconds. */
#include "sim/core/clock.h"
#include "tests/support/code_bench.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static void environment(test_environment *t, int n, const char *ingress) {
  test_environment_make(t, &(test_setup){.workers = n,
                                         .delay = "shifted-exponential",
                                         .delay_by = {1.6, 1.25},
                                         .uplink = "shifted-exponential",
                                         .uplink_by = {6, 10},
                                         .ingress = ingress,
                                         .ingress_Bps = 8e3,
                                         .length = 1000,
                                         .seed = 1});
}

static void rounds(int n, int s, long count, const char *ingress) {
  test_environment t;
  environment(&t, n, ingress);
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = count};
  sg_code *code = test_code(sg_code_type_find("ignore-stragglers"), &shape, "s", s);
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  double best = INFINITY, mean = 0;
  long events = 0;
  for (int repeat = 0; repeat < 5; repeat++) {
    sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
    double start = sg_thread_seconds();
    while (sg_run_advance(run) == SG_RUN_DECODE)
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = n - s});
    best = fmin(best, sg_thread_seconds() - start);
    mean = sg_run_now(run) / (double)count;
    events = sg_run_events(run);
    sg_run_free(run);
  }
  double ns = 1e9 * best / (double)count;
  printf("n=%-5d need=%-5d %-10s %9.0f ns a round, %5.1f ns an event, %5.2f ns × n log2 n, mean "
         "round %.3f s\n",
         n, n - s, ingress ? ingress : "unlimited", ns, 1e9 * best / (double)events,
         ns / (n * log2(n)), mean);
  sg_code_free(code);
  test_environment_free(&t);
}

/* --- Several messages of a worker ------------------------------------------------------------- */

/* Nanoseconds of processor time an event; decodes: with decode weights. */
static double events(test_environment *t, sg_code *code, long count, bool decodes) {
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  sg_run *run = sg_run_new(&t->env, code, 0, &limits, NULL, NULL);
  sg_decoder *decoder = sg_decoder_new(code);
  double start = (double)clock();
  while (sg_run_advance(run) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    sg_weights w;
    bool decoded = !decodes || !sg_decoder_weights_in(decoder, r->protocol, 0, r->segment->count,
                                                      r->segment->message, &w, NULL);
    sg_run_supply(run, &(sg_run_result){.decoded = decoded, .n_used = r->segment->count});
  }
  double ns = 1e9 * ((double)clock() - start) / CLOCKS_PER_SEC / (double)sg_run_events(run);
  sg_decoder_free(decoder);
  sg_run_free(run);
  return ns;
}

/* Rounds of several messages (theory: multi-message) against one with a message of each worker, in
 * turn; shift: of the time of a share; uplink: as above or free. */
static void several_messages(double shift, const char *uplink) {
  enum { N = 60, CASES = 4 };
  static const struct {
    const char *code, *member;
    double number;
    bool decodes;
    double wanted; /* at most so many times the first */
  } cases[CASES] = {{"ignore-stragglers", "s", 5, false, 0},
                    {"uc-mmc", "r", 5, false, 1.5},
                    {"uc-mmc", "r", 5, true, 1.5},
                    {"gc-mmc", "r", 5, true, 4}};
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = N,
                                          .delay = "shifted-exponential",
                                          .delay_by = {shift, 1.25},
                                          .uplink = uplink,
                                          .uplink_by = {6, 10},
                                          .length = 1000,
                                          .seed = 1});
  sg_shape shape = {.workers = N, .subsets = N, .length = 1000, .updates = 1};
  double best[CASES];
  for (int repeat = 0; repeat < 5; repeat++)
    for (int i = 0; i < CASES; i++) {
      sg_code *code =
          test_code(sg_code_type_find(cases[i].code), &shape, cases[i].member, cases[i].number);
      double ns = events(&t, code, 3000, cases[i].decodes);
      best[i] = repeat == 0 ? ns : fmin(best[i], ns);
      sg_code_free(code);
    }
  printf("n=%d, shift %g s, uplink %s: %s %.0f ns an event\n", N, shift, uplink ? uplink : "free",
         cases[0].code, best[0]);
  for (int i = 1; i < CASES; i++)
    printf("%s %s=%.0f%s: %.0f ns an event, ratio %.2f (wanted: at most %g)\n", cases[i].code,
           cases[i].member, cases[i].number, cases[i].decodes ? " with weights" : "", best[i],
           best[i] / best[0], cases[i].wanted);
  test_environment_free(&t);
}

static void multi_message(void **state) {
  (void)state;
  several_messages(1.6, "shifted-exponential");
  several_messages(1.6, NULL);
  several_messages(0, NULL); /* many messages that add nothing */
}

/* --- Without a barrier ------------------------------------------------------------------------ */

/* Nanoseconds an update with every message; decodes: with the decoder, too. */
static double updates(const char *k_async, int n, long count, bool decodes) {
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = n,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1.6, 1.25},
                                          .uplink = "shifted-exponential",
                                          .uplink_by = {6, 10},
                                          .length = 1000,
                                          .seed = 1});
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = count};
  sg_code *code = test_code(sg_code_type_find(k_async), &shape, "k", 1);
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  double best = INFINITY;
  for (int repeat = 0; repeat < 5; repeat++) {
    sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
    sg_decoder *decoder = sg_decoder_new(code);
    double start = sg_thread_seconds();
    while (sg_run_advance(run) == SG_RUN_DECODE) {
      const sg_run_request *r = sg_run_request_of(run);
      sg_weights w;
      if (decodes)
        sg_decoder_weights(decoder, r->state, 0, r->segment->count, r->segment->message, &w, NULL);
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
    }
    best = fmin(best, sg_thread_seconds() - start);
    sg_decoder_free(decoder);
    sg_run_free(run);
  }
  sg_code_free(code);
  test_environment_free(&t);
  return 1e9 * best / (double)count;
}

static void without_a_barrier(void **state) {
  (void)state;
  static const char *const codes[] = {"k-async", "k-batch-async"};
  for (int i = 0; i < 2; i++)
    for (int decodes = 0; decodes < 2; decodes++) {
      double few = updates(codes[i], 60, 200000, decodes),
             many = updates(codes[i], 1000, 200000, decodes);
      printf("%s k=1%s: n=60 %.0f ns an update, n=1000 %.0f ns, ratio %.2f\n", codes[i],
             decodes ? " with decoder" : "", few, many, many / few);
    }
}

/* --- Sequential gradient coding --------------------------------------------------------------- */

enum { SEQUENTIAL_N = 256 };

/* What no simulation of its rounds can do without: per worker and round a Philox block, a
 * logarithm, a push and a pop of a binary heap. Processor seconds of a round. */
static double bare_loop(long count) {
  double heap[SEQUENTIAL_N], sum = 0, start = sg_thread_seconds();
  for (long r = 0; r < count; r++) {
    int size = 0;
    for (uint32_t w = 0; w < SEQUENTIAL_N; w++) {
      sg_stream stream;
      sg_stream_at(&stream, 1, 0, SG_FOR_COMPUTE, w, (uint32_t)r, 0);
      double time = 1 - 0.3 * log(1 - sg_uniform(&stream));
      int i = size++;
      for (; i > 0 && heap[(i - 1) / 2] > time; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
      heap[i] = time;
    }
    while (size > 0) {
      sum += heap[0];
      double last = heap[--size];
      int i = 0;
      for (int child; (child = 2 * i + 1) < size; i = child) {
        if (child + 1 < size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[i] = heap[child];
      }
      heap[i] = last;
    }
  }
  double seconds = (sg_thread_seconds() - start) / (double)count;
  return sum > 0 ? seconds : 0;
}

/* Processor seconds of a round; decodes: with the weights, too. */
static double sequential_rounds(const bench *b, long count, bool decodes) {
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = SEQUENTIAL_N,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1, 0.3},
                                          .scaling = "startup",
                                          .per_subset_s = 0.01,
                                          .length = 1000,
                                          .seed = 1});
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  sg_run *run = sg_run_new(&t.env, b->code, 0, &limits, NULL, NULL);
  double start = sg_thread_seconds();
  while (sg_run_advance(run) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    sg_weights w;
    if (decodes)
      sg_decoder_weights(b->decoder, r->state, 0, r->segment->count, r->segment->message, &w, NULL);
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = SEQUENTIAL_N});
  }
  double seconds = (sg_thread_seconds() - start) / (double)sg_run_rounds(run);
  if (sg_run_rounds(run) < count) printf("%s: did not finish\n", b->label);
  sg_run_free(run);
  test_environment_free(&t);
  return seconds;
}

static void sequential(void **state) {
  (void)state;
  enum { ROUNDS = 3000 };
  sg_shape shape = {.workers = SEQUENTIAL_N,
                    .subsets = SEQUENTIAL_N,
                    .length = 1000,
                    .seed = 1,
                    .updates = ROUNDS};
  sg_values *values = bench_values("m-sgc", "B", "1", "W", "2", "lambda", "27", NULL);
  bench b;
  double bare = INFINITY, best = INFINITY, weights = INFINITY;
  assert_int_equal(bench_open_shaped(&b, values, &shape, NULL), SG_OK);
  for (int repeat = 0; repeat < 5; repeat++) {
    bare = fmin(bare, bare_loop(ROUNDS));
    best = fmin(best, sequential_rounds(&b, ROUNDS, false));
    weights = fmin(weights, sequential_rounds(&b, ROUNDS / 3, true));
  }
  printf("%s, n=%d: %.0f rounds a second of the processor, bare loop %.0f, ratio %.2f (wanted: at "
         "least 0.25); with weights %.0f\n",
         b.label, SEQUENTIAL_N, 1 / best, 1 / bare, bare / best, 1 / weights);
  bench_close_named(&b);
}

/* --- Many workers ----------------------------------------------------------------------------- */

/* Nanoseconds a worker and round: of a run's first round, in which its memory is touched for the
 * first time, and of the fastest of the others. usual: on the usual way. */
typedef struct cost {
  double first, later;
} cost;

static cost cost_of(int n, const char *ingress, bool usual) {
  enum { ROUNDS = 20 };
  test_environment t;
  environment(&t, n, ingress);
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = ROUNDS};
  sg_code *code = test_code(sg_code_type_find("ignore-stragglers"), &shape, "s", n / 20);
  sg_run_limits limits = {.iterations = ROUNDS, .sim_time_s = INFINITY, .usual_way = usual};
  sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
  cost c = {INFINITY, INFINITY};
  double before = sg_thread_seconds();
  for (int round = 0; sg_run_advance(run) == SG_RUN_DECODE; round++) {
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = n - n / 20});
    double now = sg_thread_seconds(), *to = round == 0 ? &c.first : &c.later;
    *to = fmin(*to, 1e9 * (now - before) / n);
    before = now;
  }
  sg_run_free(run);
  sg_code_free(code);
  test_environment_free(&t);
  return c;
}

static void many_workers(void **state) {
  (void)state;
  enum { SIZES = 3 };
  static const int size[SIZES] = {1000, 10000, 100000};
  for (int way = 0; way < 4; way++) {
    const char *ingress = way % 2 ? "fair-share" : NULL;
    cost best[SIZES] = {{INFINITY, INFINITY}, {INFINITY, INFINITY}, {INFINITY, INFINITY}};
    for (int repeat = 0; repeat < 5; repeat++)
      for (int i = 0; i < SIZES; i++) {
        cost c = cost_of(size[i], ingress, way > 1);
        best[i] = (cost){fmin(best[i].first, c.first), fmin(best[i].later, c.later)};
      }
    printf("%s, %s, ns a worker and round:", way > 1 ? "usual way" : "straight way",
           ingress ? ingress : "unlimited");
    for (int i = 0; i < SIZES; i++)
      printf(" n=%d %.1f (first %.1f),", size[i], best[i].later, best[i].first);
    printf(" ratio of the last two %.2f (wanted: at most 1.5)\n", best[2].later / best[1].later);
  }
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void with_rounds(void **state) {
  (void)state;
  rounds(12, 2, 100000, NULL);
  rounds(60, 5, 20000, NULL);
  rounds(60, 5, 20000, "fifo");
  rounds(60, 5, 20000, "fair-share");
  rounds(256, 16, 5000, NULL);
  rounds(100, 5, 10000, "fair-share");
  rounds(1000, 50, 1000, "fair-share");
  rounds(10000, 500, 50, "fair-share");
  rounds(10000, 500, 50, "fifo");
}

/* bench_engine [name]: all, or the benchmarks whose names match. */
int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(multi_message), cmocka_unit_test(without_a_barrier),
      cmocka_unit_test(sequential), cmocka_unit_test(with_rounds), cmocka_unit_test(many_workers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
