/* SPDX-License-Identifier: MIT */
/* Ringmaster where worker i takes tau[i] seconds for each gradient: the times of updates with
 * simultaneous events in the order of the workers, by a clock of the test's own, and the bound on R
 * updates in a row, in the engine. Who is interrupted while it is down. */
#include "codes/frame/protocol.h"
#include "sim/core/random.h"
#include "tests/support/environment.h"
#include "tests/support/targets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 100 };

static sg_code *make(int workers, long r, bool stops) {
  const sg_code_type *type = sg_code_type_find("ringmaster");
  sg_values *v = sg_values_new(sg_scheme_params, &type->about, "");
  sg_shape shape = {.workers = workers, .subsets = workers, .length = 1, .seed = 1, .updates = 1};
  sg_code *code = NULL;
  assert_non_null(v);
  assert_int_equal(sg_values_set_number(v, "r", (double)r, NULL), SG_OK);
  assert_int_equal(sg_values_set_bool(v, "stops", stops, NULL), SG_OK);
  assert_int_equal(sg_code_new(type, &shape, v, &code, NULL), SG_OK);
  sg_values_free(v);
  return code;
}

/* --- The protocol by a clock of our own ------------------------------------------------------- */

typedef struct clockwork {
  sg_protocol *protocol;
  sg_orders orders;
  const double *tau;
  int workers;
  double now, end[MOST]; /* INFINITY: it does nothing */
  sg_message message[MOST];
  bool updates;
} clockwork;

static void say(clockwork *c, const sg_event *event) {
  sg_orders_clear(&c->orders);
  sg_protocol_event(c->protocol, event, &c->orders);
  assert_false(c->orders.failed);
  for (int i = 0; i < c->orders.count; i++) {
    const sg_order *o = &c->orders.order[i];
    int first = o->node == SG_ALL ? 0 : o->node, end = o->node == SG_ALL ? c->workers : first + 1;
    c->updates |= o->kind == SG_ORDER_DECODE;
    for (int w = first; w < end; w++) {
      if (o->kind == SG_ORDER_STOP) c->end[w] = INFINITY;
      if (o->kind == SG_ORDER_TASK) {
        assert_true(isinf(c->end[w])); /* one at a time */
        c->end[w] = c->now + c->tau[w];
      }
      if (o->kind == SG_ORDER_SEND)
        c->message[w] = (sg_message){
            .id = w, .from = w, .to = SG_MASTER, .snapshot = o->snapshot, .tag = o->tag};
    }
  }
}

/* When the last of so many updates is over. */
static double time_of(const double *tau, int workers, long r, bool stops, long updates) {
  sg_code *code = make(workers, r, stops);
  clockwork c = {.protocol = sg_protocol_new(code), .tau = tau, .workers = workers};
  assert_non_null(c.protocol);
  for (int w = 0; w < workers; w++) c.end[w] = INFINITY;
  say(&c, &(sg_event){.kind = SG_BEGIN, .at = SG_MASTER});
  for (long done = 0; done < updates;) {
    int w = 0;
    for (int i = 1; i < workers; i++)
      if (c.end[i] < c.end[w]) w = i;
    c.now = c.end[w];
    c.end[w] = INFINITY;
    sg_message come = c.message[w];
    const sg_message *m = &come;
    say(&c, &(sg_event){.kind = SG_ARRIVAL, .at = SG_MASTER, .from = w, .count = 1, .message = &m});
    while (c.updates) {
      c.updates = false;
      done++;
      say(&c, &(sg_event){.kind = SG_UPDATED, .at = SG_MASTER, .decoded = true});
    }
  }
  sg_orders_free(&c.orders);
  sg_protocol_free(c.protocol);
  sg_code_free(code);
  return c.now;
}

static void check_printed(const double *tau, long r, const char *expected) {
  char found[32];
  int digits = strchr(expected, '.') ? (int)strlen(strchr(expected, '.')) - 1 : 0;
  double time = time_of(tau, 100, r, true, 2000);
  snprintf(found, sizeof found, "%.*f", digits, time);
  assert_string_equal(found, expected);
  assert_true(digits > 0 || time == round(time));
}

/* tau_i = √i, 2000 updates: derived by another program. */
static void times_for_roots(void **state) {
  (void)state;
  double tau[MOST];
  for (int i = 0; i < MOST; i++) tau[i] = sqrt(i + 1);
  check_printed(tau, 1, "2000");
  check_printed(tau, 10, "520");
  check_printed(tau, 50, "215.0349");
}

/* --- The bound, in the engine ----------------------------------------------------------------- */

/* 2 min_m H_m (1 + R/m), H_m = m/Σ 1/τ over the m smallest. */
static double bound(const double *tau, int n, long r) {
  double sorted[MOST], rate = 0, least = INFINITY;
  for (int i = 0; i < n; i++) {
    int k = i;
    for (; k > 0 && sorted[k - 1] > tau[i]; k--) sorted[k] = sorted[k - 1];
    sorted[k] = tau[i];
  }
  for (int m = 1; m <= n; m++) {
    rate += 1 / sorted[m - 1];
    least = fmin(least, 2 * (m + (double)r) / rate);
  }
  return least;
}

/* The longest of all R updates in a row, as a share of the bound. */
static double longest(const double *tau, int n, long r, bool stops, int updates) {
  double speed[MOST], end[256], most = 0;
  test_environment t;
  for (int i = 0; i < n; i++) speed[i] = 1 / tau[i];
  test_environment_make(
      &t,
      &(test_setup){
          .workers = n, .speed = speed, .delay = "deterministic", .delay_by = {1}, .length = 1});
  sg_code *code = make(n, r, stops);
  sg_run_limits limits = {.iterations = updates, .sim_time_s = INFINITY};
  sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
  assert_non_null(run);
  for (int k = 0; k < updates; k++) {
    assert_int_equal(sg_run_advance(run), SG_RUN_DECODE);
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
    end[k] = sg_run_record(run)->start_s + sg_run_record(run)->duration_s;
    if (k + 1 >= r) most = fmax(most, end[k] - (k >= r ? end[k - r] : 0));
  }
  sg_run_free(run);
  sg_code_free(code);
  test_environment_free(&t);
  return most / bound(tau, n, r);
}

static void no_updates_take_longer(void **state) {
  (void)state;
  double most = 0, tau[MOST];
  for (uint32_t set = 0; set < 1000; set++) {
    sg_stream s;
    sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, set, 0);
    int n = 1 + (int)(20 * sg_uniform(&s)), r = 1 + (int)(30 * sg_uniform(&s));
    double spread = 4 * sg_uniform(&s); /* e-foldings, of quick and of slow ones */
    for (int i = 0; i < n; i++) tau[i] = exp(spread * (2 * sg_uniform(&s) - 1));
    for (int stops = 0; stops < 2; stops++) {
      double share = longest(tau, n, r, stops, 3 * r + 40);
      if (share > 1 + 1e-12) fail_msg("set %u, R = %d: %.17g of the bound", set, r, share);
      most = fmax(most, share);
    }
  }
  print_message("at most %.3f of the bound\n", most);
  assert_true(most > 0.5); /* or it would say little */
}

/* --- Interrupted while it was down ------------------------------------------------------------ */

/* What a worker lost to a crash would have taken it 1/speed seconds, and so long it is down: also
 * if it is interrupted meanwhile, and then it is not given work once more when it is back. */
static const double speeds[] = {1, 0.7, 0.3};

typedef struct downs {
  double since[3]; /* −INFINITY: it has not been down */
  int crashes, tasks, backs, early;
} downs;

static void watch(void *user, const sg_run_logged *what) {
  downs *d = user;
  int w = what->node;
  if (what->kind == SG_LOG_BACK) d->backs++;
  if (what->kind == SG_LOG_DOWN) {
    d->crashes++;
    d->since[w] = what->begin_s;
  }
  if (what->kind != SG_LOG_TASK) return;
  d->tasks++;
  d->early += what->begin_s > d->since[w] && what->begin_s < d->since[w] + (1 - 1e-9) / speeds[w];
}

static void who_is_down_begins_later(void **state) {
  (void)state;
  target_world w;
  assert_true(target_open_text(
      "{\"format\":1,\"cluster\":{\"workers\":3,\"speeds\":[1,0.7,0.3],\"crashes\":{\"model\":"
      "\"iterations\",\"mean_iterations\":5,\"mean_recovery_iterations\":2}},\"delay\":{\"model\":"
      "\"deterministic\",\"value_s\":1},\"learning\":{\"problem\":\"none\",\"length\":4},"
      "\"schemes\":[{\"code\":\"ringmaster\",\"r\":1,\"stops\":true}],\"stop\":{\"iterations\":"
      "1000}}",
      &w));
  downs d = {.since = {-INFINITY, -INFINITY, -INFINITY}};
  const sg_run_hooks hooks = {.user = &d, .log = watch};
  sg_run *run = sg_run_new(&w.world->environment, w.world->code, 0, &w.world->limits, &hooks, NULL);
  assert_non_null(run);
  while (sg_run_advance(run) == SG_RUN_DECODE)
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
  assert_int_equal(sg_run_advance(run), SG_RUN_ITERATIONS);
  sg_run_free(run);
  target_close(&w);
  assert_true(d.crashes > 100 && d.tasks > 1000);
  assert_true(d.backs > 0 && d.backs < 0.6 * d.crashes); /* not of those that were interrupted */
  assert_int_equal(d.early, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(times_for_roots),
      cmocka_unit_test(no_updates_take_longer),
      cmocka_unit_test(who_is_down_begins_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
