/* SPDX-License-Identifier: MIT */
/* What a simulated round costs without arithmetic, and an update without a barrier:
 * ignore-stragglers, shifted-exponential compute and uplink times, the setting of the events
 * yardstick. A message takes a shared link 1 s, so that with many workers nearly all messages stand
 * in its queue. Prints nanoseconds. */
#include "sim/core/clock.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static void rounds(int n, int s, long count, const char *ingress) {
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = n,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1.6, 1.25},
                                          .uplink = "shifted-exponential",
                                          .uplink_by = {6, 10},
                                          .ingress = ingress,
                                          .ingress_Bps = 8e3,
                                          .length = 1000,
                                          .seed = 1});
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = count};
  sg_code *code = test_code(sg_code_type_find("ignore-stragglers"), &shape, "s", s);
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  double best = INFINITY, mean = 0;
  long events = 0;
  for (int repeat = 0; repeat < 5; repeat++) {
    sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
    double start = sg_seconds_now();
    while (sg_run_advance(run) == SG_RUN_DECODE)
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = n - s});
    best = fmin(best, sg_seconds_now() - start);
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
 * turn; uplink: as above or free. */
static void several_messages(const char *uplink) {
  enum { N = 60, CASES = 4 };
  static const struct {
    const char *code, *member;
    double number;
    bool decodes;
  } cases[CASES] = {{"ignore-stragglers", "s", 5, false},
                    {"uc-mmc", "r", 5, false},
                    {"uc-mmc", "r", 5, true},
                    {"gc-mmc", "r", 5, true}};
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = N,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1.6, 1.25},
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
  for (int i = 0; i < CASES; i++)
    printf("n=%d %s=%.0f %s%s, uplink %s: %.0f ns an event, %.2f times the first\n", N,
           cases[i].member, cases[i].number, cases[i].code, cases[i].decodes ? " with weights" : "",
           uplink ? uplink : "free", best[i], best[i] / best[0]);
  test_environment_free(&t);
}

static void multi_message(void **state) {
  (void)state;
  several_messages("shifted-exponential");
  several_messages(NULL);
}

/* --- Without a barrier ------------------------------------------------------------------------ */

/* Every message updates the model (K = 1); its worker goes on with the new one. All that the
 * protocol does is O(1) in the number of workers. */
typedef struct each_state {
  int version, from; /* whose message is in the update */
} each_state;

static sg_status each_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  (void)values;
  code->parts = shape->workers;
  code->load = 1;
  code->flags = SG_ASYNC;
  code->exact = false;
  code->state_size = sizeof(each_state);
  return sg_code_one_segment(code, NULL, NULL, 1, 1, e);
}

static void each_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

static sg_status each_weights(const sg_code *code, const sg_used *used) {
  (void)code;
  used->W[0] = 1;
  used->info->alpha_error = used->info->alpha_sum = 0; /* of no account here */
  return SG_OK;
}

static void each_give(sg_orders *o, int worker, int version) {
  sg_task(o, worker, version, 1, 1, 0);
  sg_send(o, worker, SG_MASTER, version, 0, 0, 0);
}

static void each_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code;
  each_state *s = state;
  if (event->kind == SG_BEGIN) {
    sg_snapshot(o, 0, 0, 0);
    each_give(o, SG_ALL, 0);
  } else if (event->kind == SG_ARRIVAL) {
    s->from = event->from;
    sg_decode(o, 0, SG_ANY, SG_NO_SUM);
  } else if (event->kind == SG_UPDATED) {
    sg_close(o, s->version++);
    sg_snapshot(o, s->version, 0, 0);
    each_give(o, s->from, s->version);
  }
}

static const sg_code_type each = {.about = {.name = "bench-each", .summary = ""},
                                  .create = each_create,
                                  .encode = each_encode,
                                  .weights = each_weights,
                                  .on_event = each_on_event};

/* Nanoseconds an update; decodes: with the decoder, too. */
static double updates(int n, long count, bool decodes) {
  test_environment t;
  test_environment_make(&t, &(test_setup){.workers = n,
                                          .delay = "shifted-exponential",
                                          .delay_by = {1.6, 1.25},
                                          .uplink = "shifted-exponential",
                                          .uplink_by = {6, 10},
                                          .length = 1000,
                                          .seed = 1});
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = count};
  sg_code *code = test_code(&each, &shape, NULL, 0);
  sg_run_limits limits = {.iterations = count, .sim_time_s = INFINITY};
  double best = INFINITY;
  for (int repeat = 0; repeat < 5; repeat++) {
    sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
    sg_decoder *decoder = sg_decoder_new(code);
    double start = sg_seconds_now();
    while (sg_run_advance(run) == SG_RUN_DECODE) {
      const sg_run_request *r = sg_run_request_of(run);
      sg_weights w;
      if (decodes)
        sg_decoder_weights(decoder, r->state, 0, r->segment->count, r->segment->message, &w, NULL);
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
    }
    best = fmin(best, sg_seconds_now() - start);
    sg_decoder_free(decoder);
    sg_run_free(run);
  }
  sg_code_free(code);
  test_environment_free(&t);
  return 1e9 * best / (double)count;
}

static void without_a_barrier(void **state) {
  (void)state;
  for (int decodes = 0; decodes < 2; decodes++) {
    double few = updates(60, 200000, decodes), many = updates(1000, 200000, decodes);
    printf("K=1 without a barrier%s: n=60 %.0f ns an update, n=1000 %.0f ns, ratio %.2f\n",
           decodes ? " with decoder" : "", few, many, many / few);
  }
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void bench(void **state) {
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(multi_message),
                                     cmocka_unit_test(without_a_barrier), cmocka_unit_test(bench)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
