/* SPDX-License-Identifier: MIT */
/* A tree whose inner nodes decode (after CodedReduce: Reisizadeh et al. 2019, arXiv:1902.01981):
 * three of them have three leaves each and wait for two, where s + 1 = 2 does not divide 3, so that
 * their weights are found anew for each pattern. From a scenario to rows; the schedule by hand. */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEAVES = 9, INNER = 3, NODES = LEAVES + INNER, ROWS = 20 };

typedef struct tables {
  sg_cyclic *cyclic;
  int column[NODES];
} tables;

typedef struct progress {
  int come[INNER], total;
} progress;

static bool singular; /* the weights are refused */

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  static const int parent[NODES] = {9,  9,  9,  10,        10,        10,
                                    11, 11, 11, SG_MASTER, SG_MASTER, SG_MASTER};
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  for (int v = 0; v < NODES; v++) t->column[v] = v < LEAVES ? v % 3 : -1;
  code->parts = NODES; /* a leaf's, and one of each inner node's own */
  code->parent = parent;
  code->state_size = sizeof(progress);
  code->promised = 0;
  sg_status status = sg_cyclic_new(code, values, 3, 1, shape->seed, &t->cyclic, e);
  return status ? status : sg_code_one_segment(code, values, NULL, 1, INNER, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int from = message->from;
  if (from >= LEAVES) {
    sg_row_part(row, from, 0, 1);
    return;
  }
  for (int k = 0; k < 2; k++)
    sg_row_part(row, from / 3 * 3 + (from % 3 + k) % 3, 0, t->cyclic->coef[from % 3 * 2 + k]);
}

static sg_status combine(const sg_code *code, const sg_message *message, const sg_used *used) {
  const tables *t = code->self;
  assert_int_equal(used->count, 2);
  assert_true(message->from >= LEAVES && used->message[0]->from < used->message[1]->from);
  if (singular) return SG_UNDECODABLE;
  return sg_parity_weights(t->cyclic->parity, used, 0, t->column);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  (void)code;
  for (int i = 0; i < used->count; i++) used->W[i] = 1;
  return used->count == INNER ? SG_OK : SG_UNDECODABLE;
}

static void begin_round(const sg_code *code, void *state, int round) {
  (void)code, (void)round;
  *(progress *)state = (progress){0};
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  (void)code, (void)orders;
  progress *p = state;
  if (message->to == SG_MASTER) return ++p->total == INNER ? SG_READY : SG_WAIT;
  int come = ++p->come[message->to - LEAVES];
  return come < 2 ? SG_WAIT : come == 2 ? SG_READY : SG_SKIP;
}

static const sg_code_type tree = {.about = {.name = "test-tree", .summary = ""},
                                  .create = create,
                                  .encode = encode,
                                  .combine = combine,
                                  .weights = weights,
                                  .begin_round = begin_round,
                                  .arrive = arrive};

typedef struct course {
  int rows;
  sg_iteration_record row[ROWS];
  char reason[32];
} course;

static bool keep_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  course *c = user;
  c->row[c->rows++] = *row;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n, const sg_worker_summary_record *w) {
  (void)replication, (void)summary, (void)n, (void)w;
  snprintf(((course *)user)->reason, sizeof((course *)user)->reason, "%s", run->stop_reason);
  return true;
}

static void run(course *c, const char *undecodable) {
  char text[1024];
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":12},\"random\":{\"seed\":3},"
           "\"delay\":{\"model\":\"deterministic\",\"value_s\":1},"
           "\"network\":{\"uplink\":{\"model\":\"deterministic\",\"value_s\":0.5}},"
           "\"master\":{\"decode\":{\"model\":\"flops\",\"flops_per_s\":1000}},"
           "\"encode\":{\"model\":\"none\"},"
           "\"learning\":{\"problem\":\"least-squares\",\"subsets\":12,\"data\":{\"source\":"
           "\"gaussian-mixture\",\"rows\":120,\"features\":9},\"optimizer\":{\"method\":"
           "\"gradient-descent\",\"step\":0.1}},\"schemes\":[{\"code\":\"uncoded\"}],"
           "\"stop\":{\"iterations\":%d,\"undecodable\":\"%s\"}}",
           ROWS, undecodable);
  sg_error e = {0};
  sg_scenario *scenario;
  sg_plan *plan;
  sg_world *w;
  assert_int_equal(sg_scenario_parse("test.json", text, strlen(text), 0, NULL, &scenario, &e),
                   SG_OK);
  assert_int_equal(sg_plan_new(scenario, &plan, &e), SG_OK);
  sg_point point = *plan->point[0].point;
  sg_values *scheme = sg_values_new(sg_scheme_params, &tree.about, "/schemes/0");
  point.scheme = scheme;
  assert_int_equal(sg_world_new(&point, plan->cache, NULL, &w, &e), SG_OK);
  *c = (course){0};
  const int replication = 0;
  const sg_block_options options = {0};
  const sg_sink sink = {.user = c, .row = keep_row, .finish = finish};
  assert_int_equal(sg_block_run(w, 1, &replication, &options, &sink, &e), SG_OK);
  sg_world_free(w, plan->cache);
  sg_values_free(scheme);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
}

static void inner_nodes_decode_in_simulated_time(void **state) {
  (void)state;
  course c;
  singular = false;
  run(&c, "wait");
  assert_int_equal(c.rows, ROWS);
  for (int i = 0; i < ROWS; i++) {
    const sg_iteration_record *r = &c.row[i];
    assert_true(r->decoded && r->grad_scaled_err < 1e-13);
    assert_true(r->cond1_est >= 1);
    /* Three decodes of the same kind of pattern; at 1000 flops a second. */
    assert_true(r->inner_decode_flops > 3 * 2 * 2 * 10);
    assert_true(fabs(r->inner_decode_s - r->inner_decode_flops / 1000) < 1e-12);
    /* Leaves compute two subsets and send: 2.5 s (the delay is by subset). The inner node, done at
     * 1 s, decodes and sends; the master sums three vectors of length 10: 60 flops. */
    double inner = r->inner_decode_s / 3;
    assert_true(fabs(r->wait_s - (2.5 + inner + 0.5)) < 1e-9);
    assert_true(fabs(r->decode_s - 0.06) < 1e-12);
    assert_true(fabs(r->duration_s - r->wait_s - r->decode_s) < 1e-12);
  }
}

static void a_refusal_of_an_inner_node_refuses_the_decode(void **state) {
  (void)state;
  course c;
  singular = true;
  run(&c, "skip");
  assert_int_equal(c.rows, ROWS);
  for (int i = 0; i < ROWS; i++) assert_false(c.row[i].decoded);
  run(&c, "error");
  assert_int_equal(c.rows, 0);
  assert_string_equal(c.reason, "undecodable");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inner_nodes_decode_in_simulated_time),
      cmocka_unit_test(a_refusal_of_an_inner_node_refuses_the_decode),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
