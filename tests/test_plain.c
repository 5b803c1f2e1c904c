/* SPDX-License-Identifier: MIT */
/* The short cuts of a plain round against the usual way: the same rows, requests, events and times,
 * to the last bit, over randomly drawn settings. */
#include "sim/core/random.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 40, SETTINGS = 4000 };

static sg_stream stream;

static int below(int n) {
  return (int)(sg_uniform(&stream) * n);
}

static bool chance(double p) {
  return sg_uniform(&stream) < p;
}

static bool same(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

/* --- A code whose workers are given a second task in a round: every third, when its first message
 * has come. */

static sg_status again_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->state_size = sizeof(int);
  return SG_OK;
}

static void again_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

static void again_begin(const sg_code *code, void *state, int round) {
  (void)code, (void)round;
  *(int *)state = 0;
}

static sg_verdict again_arrive(const sg_code *code, void *state, const sg_message *message,
                               sg_orders *orders) {
  int *arrived = state;
  if (message->tag == 0 && message->from % 3 == 0) {
    sg_task(orders, message->from, message->snapshot, 1, SG_DRAWS_OF_WORK, 0);
    sg_send(orders, message->from, SG_MASTER, message->snapshot, 0, 1, 0);
  }
  return ++*arrived == code->nodes + (code->nodes + 2) / 3 ? SG_READY : SG_WAIT;
}

static const sg_code_type again = {.about = {.name = "again", .summary = "", .reference = ""},
                                   .create = again_create,
                                   .encode = again_encode,
                                   .begin_round = again_begin,
                                   .arrive = again_arrive};

/* --- Settings --------------------------------------------------------------------------------- */

typedef struct setting {
  test_setup setup;
  const char *code, *member;
  double number, refused; /* share of decodes that are */
  sg_undecodable undecodable;
  bool worker_rows;
  double sim_time_s, speed[MOST], up[MOST], down[MOST];
} setting;

/* Times on a grid, so that many are equal, or from laws. */
static const char *draw_law(double by[2], double scale) {
  static const char *const names[] = {"deterministic", "exponential", "shifted-exponential",
                                      "pareto"};
  int law = below(4);
  by[0] = scale * (1 + below(3));
  by[1] = law == 3 ? 1 + below(3) : scale * (1 + below(3));
  return names[law];
}

static void draw(setting *x) {
  static const struct {
    const char *code, *member;
  } codes[] = {{"ignore-stragglers", "s"},
               {"cyclic-repetition", "s"},
               {"uncoded", NULL},
               {"fractional-repetition", "s"},
               {"uc-mmc", "r"},
               {NULL, NULL}}; /* again */
  static const char *const scalings[] = {NULL, "additive", "startup"},
                           *const ingress[] = {NULL, "fifo", "fair-share"},
                           *const broadcast[] = {NULL, NULL, "linear", "sequential", "tree"},
                           *const late[] = {NULL, "cancel", "occupy-link"};
  int code = below(6), n = 4 * (1 + below(MOST / 4));
  *x = (setting){.code = codes[code].code,
                 .member = codes[code].member,
                 .number = code == 3 || code == 4 ? 1 : below(n / 2),
                 .refused = chance(0.3) ? 0.3 : 0,
                 .undecodable = chance(0.5) ? SG_UNDEC_WAIT : SG_UNDEC_SKIP,
                 .worker_rows = chance(0.5),
                 .sim_time_s = chance(0.2) ? 30 : INFINITY};
  for (int w = 0; w < n; w++) {
    x->speed[w] = 1 + below(3);
    x->up[w] = 1 + below(2);
    x->down[w] = 1 + below(2);
  }
  test_setup *s = &x->setup;
  *s = (test_setup){.workers = n, .length = 1000, .seed = 1 + (uint64_t)below(1000)};
  s->delay = draw_law(s->delay_by, 1);
  s->scaling = scalings[below(3)];
  if (s->scaling && strcmp(s->scaling, "startup") == 0) s->per_subset_s = 0.5 * below(3);
  if (chance(0.4)) s->speed = x->speed;
  int uplink = below(4);
  if (uplink == 1) {
    s->uplink = "linear";
    s->uplink_by[0] = 0.5 * below(3);
    s->uplink_by[1] = 8000;
  } else if (uplink > 1) {
    s->uplink = draw_law(s->uplink_by, 2);
  }
  if (chance(0.2)) s->jitter = draw_law(s->jitter_by, 0.5);
  if (chance(0.2)) s->per_message_s = 0.25;
  s->ingress = ingress[below(3)];
  if (s->ingress) s->ingress_Bps = 8000 * (1 + below(4));
  s->broadcast = broadcast[below(5)];
  if (s->broadcast) {
    s->broadcast_by[0] = 0.25 * below(3);
    s->broadcast_by[1] = 16000;
    s->broadcast_by[2] = 2;
    if (chance(0.3)) s->duplex = "half";
  }
  if (chance(0.2) && (s->broadcast || uplink == 1)) {
    s->uplink_speed = x->up;
    s->downlink_speed = x->down;
  }
  if (chance(0.4)) s->signal_latency_s = 0.5 * (1 + below(4));
  s->late_messages = late[below(3)];
  s->late_work = (sg_late_work)below(2);
  if (chance(0.3)) s->update_s = 0.5 * (1 + below(3));
  if (chance(0.3)) s->header_bytes = 100;
}

static sg_run *begin(const setting *x, const test_environment *t, const sg_code *code, bool usual) {
  sg_run_limits limits = {.iterations = 12,
                          .sim_time_s = x->sim_time_s,
                          .undecodable = x->undecodable,
                          .worker_rows = x->worker_rows,
                          .usual_way = usual};
  return sg_run_new(&t->env, code, 3, &limits, NULL, NULL);
}

#define SAME(a, b, i)                                                                              \
  if (!same((double)(a), (double)(b)))                                                             \
  fail_msg("setting %d: %.17g, expected %.17g: " #a, i, (double)(a), (double)(b))

static void compare_requests(const sg_run_request *a, const sg_run_request *b, int i) {
  SAME(a->update, b->update, i);
  for (int k = 0; k < a->n_segments; k++) {
    SAME(a->segment[k].count, b->segment[k].count, i);
    for (int m = 0; m < a->segment[k].count; m++) {
      const sg_message *p = a->segment[k].message[m], *q = b->segment[k].message[m];
      assert_true(p->id == q->id && p->from == q->from && p->round == q->round &&
                  p->snapshot == q->snapshot && p->segment == q->segment && p->tag == q->tag);
    }
  }
}

static void compare_rows(const sg_run *a, const sg_run *b, int i) {
  const sg_iteration_record *p = sg_run_record(a), *q = sg_run_record(b);
  assert_true(!p == !q);
  if (!p) return;
#define SG_ITERATION(type, name, ...) SAME(p->name, q->name, i);
#include "results/columns.def"
  int n = 0, m = 0;
  const sg_worker_record *v = sg_run_worker_records(a, &n), *w = sg_run_worker_records(b, &m);
  assert_int_equal(n, m);
  for (int k = 0; k < n; k++) {
#define SG_WORKER(type, name, ...) SAME(v[k].name, w[k].name, i);
#include "results/columns.def"
  }
}

/* How many rounds there were. */
static long compare(const setting *x, int i) {
  test_environment t;
  test_environment_make(&t, &x->setup);
  int n = x->setup.workers;
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .updates = 12};
  sg_code *code =
      test_code(x->code ? sg_code_type_find(x->code) : &again, &shape, x->member, x->number);
  sg_run *a = begin(x, &t, code, false), *b = begin(x, &t, code, true);
  assert_true(a && b);
  for (int decodes = 0;; decodes++) {
    sg_run_status p = sg_run_advance(a), q = sg_run_advance(b);
    assert_int_equal(p, q);
    SAME(sg_run_now(a), sg_run_now(b), i);
    SAME(sg_run_events(a), sg_run_events(b), i);
    SAME(sg_run_rounds(a), sg_run_rounds(b), i);
    if (p != SG_RUN_DECODE || decodes > 500) break;
    compare_requests(sg_run_request_of(a), sg_run_request_of(b), i);
    sg_run_result result = {.decoded = !chance(x->refused),
                            .decode_s = 0.125 * below(3),
                            .n_used = sg_run_request_of(a)->segment[0].count};
    sg_run_supply(a, &result);
    sg_run_supply(b, &result);
    compare_rows(a, b, i);
  }
  if (sg_run_fault(a)) fail_msg("setting %d: %s", i, sg_run_fault(a));
  long rounds = sg_run_rounds(a);
  sg_run_free(a);
  sg_run_free(b);
  sg_code_free(code);
  test_environment_free(&t);
  return rounds;
}

static void short_cuts_make_no_difference(void **state) {
  (void)state;
  long rounds = 0;
  for (int i = 0; i < SETTINGS; i++) {
    setting x;
    sg_stream_at(&stream, 14, 0, SG_FOR_CHECK, 0, (uint32_t)i, 0);
    draw(&x);
    rounds += compare(&x, i);
  }
  assert_true(rounds > 5 * SETTINGS); /* most runs have all their updates */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(short_cuts_make_no_difference)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
