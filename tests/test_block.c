/* SPDX-License-Identifier: MIT */
/* What a code can ask of the block besides whole gradients: coded data with a constant vector,
 * mini-batches, local steps, gradients of mixed age. Every run is recomputed here, in plain loops
 * over the data. */
#include "codes/frame/protocol.h"
#include "models/learning/data.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "sim/experiment/execute.h"
#include "tests/support/toy_codes.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 60, COLUMNS = 5, UPDATES = 40, SEED = 7 };
static const double step = 0.06;

static void fail_with(sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  sg_error_clear(e);
  fail();
}

/* --- A scenario whose scheme is a code that no registry has ----------------------------------- */

typedef struct scene {
  sg_scenario *scenario;
  sg_plan *plan;
  sg_point point;
  sg_values *scheme;
} scene;

static const char *network = "{}"; /* the scenario's "network" */

/* learning: members of "learning" besides data and optimiser; NULL: times only. */
static void open_scene(scene *s, const sg_code_type *type, int workers, const char *learning) {
  char text[1024], members[512] = "\"problem\":\"none\",\"length\":5";
  if (learning)
    snprintf(members, sizeof members,
             "%s,\"data\":{\"source\":\"csv\",\"path\":\"/tmp/%d-block.csv\","
             "\"label\":\"y\",\"test_share\":0},"
             "\"optimizer\":{\"method\":\"gradient-descent\",\"step\":%g}",
             learning, (int)getpid(), step);
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":%d},\"random\":{\"seed\":%d},"
           "\"delay\":{\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":2},"
           "\"network\":%s,\"learning\":{%s},\"schemes\":[{\"code\":\"uncoded\"}],"
           "\"stop\":{\"iterations\":%d}}",
           workers, SEED, network, members, UPDATES);
  sg_error e = {0};
  sg_status status = sg_scenario_parse("test.json", text, strlen(text), 0, NULL, &s->scenario, &e);
  if (!status) status = sg_plan_new(s->scenario, &s->plan, &e);
  if (status) fail_with(&e);
  s->scheme = sg_values_new(NULL, &type->about, "/schemes/0");
  s->point = *s->plan->point[0].point;
  s->point.scheme = s->scheme;
}

static void close_scene(scene *s) {
  sg_values_free(s->scheme);
  sg_plan_free(s->plan);
  sg_scenario_free(s->scenario);
}

typedef struct course {
  int rows;
  sg_iteration_record row[UPDATES];
} course;

static bool keep_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  course *c = user;
  assert_true(c->rows < UPDATES);
  c->row[c->rows++] = *row;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n, const sg_worker_summary_record *w) {
  (void)user, (void)replication, (void)summary, (void)n, (void)w;
  assert_string_equal(run->stop_reason, "iterations");
  return true;
}

/* The status of making the world and running it once; faults go to `e`. */
static sg_status run(const sg_code_type *type, int workers, const char *learning, course *c,
                     sg_error *e) {
  scene s = {0};
  sg_world *w = NULL;
  open_scene(&s, type, workers, learning);
  sg_status status = sg_world_new(&s.point, s.plan->cache, NULL, &w, e);
  if (!status) {
    assert_true(w->width == 1 || strstr(learning, "block_width"));
    const int replication = 0;
    const sg_block_options options = {0};
    const sg_sink sink = {.user = c, .row = keep_row, .finish = finish};
    status = sg_block_run(w, 1, &replication, &options, &sink, e);
  }
  sg_world_free(w, s.plan->cache);
  close_scene(&s);
  return status;
}

static void run_well(const sg_code_type *type, int workers, const char *learning, course *c) {
  sg_error e = {0};
  *c = (course){0};
  if (run(type, workers, learning, c, &e)) fail_with(&e);
  assert_int_equal(c->rows, UPDATES);
}

static void refused(const sg_code_type *type, int workers, const char *learning, sg_status expected,
                    const char *place, const char *words) {
  sg_error e = {0};
  course c = {0};
  assert_int_equal(run(type, workers, learning, &c, &e), expected);
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, place);
  if (!strstr(e.fault[0].message, words)) fail_msg("%s", e.fault[0].message);
  sg_error_clear(&e);
}

/* --- Plain least squares ---------------------------------------------------------------------- */

static sg_data *data;

static void make_file(const char *path) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "a,b,c,d,y\n");
  for (int i = 0; i < ROWS; i++)
    fprintf(f, "%g,%g,%g,%g,%g\n", sin(i * 1.7), cos(i * i * 0.3), sin(i * 0.9 + 1) * 1.5,
            (i * 7 % 11) / 5.5 - 1, sin(i * 1.7) - 0.5 * cos(i * 0.4) + 0.25);
  fclose(f);
}

static int set_up(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "/tmp/%d-block.csv", (int)getpid());
  sg_blas_single_thread();
  make_file(path);
  scene s = {0};
  sg_error e = {0};
  open_scene(&s, &toy_async, 4, "\"problem\":\"least-squares\"");
  const sg_values *learning = sg_section(s.plan->point[0].point, "learning");
  if (sg_data_new(sg_object(learning, "data"), true, SEED, &data, &e)) fail_with(&e);
  close_scene(&s);
  assert_int_equal(data->rows, ROWS);
  assert_int_equal(data->columns, COLUMNS);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "/tmp/%d-block.csv", (int)getpid());
  sg_data_free(data);
  return unlink(path);
}

static double residual(const double *x, long row) {
  double z = -data->y[row];
  for (int c = 0; c < COLUMNS; c++) z += data->x[row * COLUMNS + c] * x[c];
  return z;
}

static double plain_loss(const double *x) {
  double sum = 0;
  for (long r = 0; r < ROWS; r++) sum += residual(x, r) * residual(x, r) / 2;
  return sum / ROWS;
}

/* Adds scale × the gradient of one row's loss. */
static void add_row(const double *x, long row, double scale, double *g) {
  double z = residual(x, row);
  for (int c = 0; c < COLUMNS; c++) g[c] += scale * z * data->x[row * COLUMNS + c];
}

static void add_rows(const double *x, long from, long to, double scale, double *g) {
  for (long r = from; r < to; r++) add_row(x, r, scale, g);
}

/* Adds the gradient of a mini-batch of rows [from, from + rows) of part `part`, scaled up to the
 * part: `count` rows without replacement, by the list that a shuffle would make. */
static void add_batch(const double *x, int part, int name, long from, long rows, long count,
                      double *g) {
  long list[ROWS];
  sg_stream stream;
  sg_stream_at(&stream, SEED, 0, SG_FOR_BATCH, (uint32_t)part, (uint32_t)name, 0);
  for (long i = 0; i < rows; i++) list[i] = from + i;
  for (long i = 0; i < count; i++) {
    long k = i + (long)(sg_uniform(&stream) * (double)(rows - i)), taken = list[k];
    list[k] = list[i];
    list[i] = taken;
    add_row(x, taken, (double)rows / (double)count / ROWS, g);
  }
}

static void descend(double *x, const double *g) {
  for (int c = 0; c < COLUMNS; c++) x[c] -= step * g[c];
}

static void same_loss(const course *c, int update, const double *x) {
  double loss = plain_loss(x);
  if (!(fabs(c->row[update].loss - loss) <= 1e-11 * loss))
    fail_msg("update %d: %.17g, expected %.17g", update, c->row[update].loss, loss);
}

/* --- Coded data: a Lagrange code -------------------------------------------------------------- */

/* Two parts X_0, X_1 at β = ∓1/2, interpolated by X(z); worker i stores X(α_i) and sends X(α_i)ᵀ
 * X(α_i) x / N, of degree 2 in α_i: three workers suffice (Li et al., 1805.09934, with n = 5). */
enum { LAGRANGE = 5 };
static const double beta[2] = {-0.5, 0.5}, place_of[LAGRANGE] = {-0.95, -0.59, 0.02, 0.58, 0.96};

static sg_status lagrange_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                 sg_error *e) {
  static const int both[] = {0, 1};
  sg_combination *coded = sg_code_alloc(code, LAGRANGE, sizeof *coded);
  double *coef = sg_code_alloc(code, 2 * LAGRANGE, sizeof *coef);
  if (!coded || !coef) return sg_fail_memory(e);
  for (int i = 0; i < LAGRANGE; i++) {
    coef[2 * i] = (place_of[i] - beta[1]) / (beta[0] - beta[1]);
    coef[2 * i + 1] = (place_of[i] - beta[0]) / (beta[1] - beta[0]);
    coded[i] = (sg_combination){.count = 2, .part = both, .coef = coef + 2 * i};
  }
  assert_int_equal(shape->workers, LAGRANGE);
  code->parts = 2;
  code->coded_parts = LAGRANGE;
  code->coded = coded;
  code->promised = LAGRANGE - 3;
  return sg_code_one_segment(code, values, NULL, 1, 3, e);
}

static void lagrange_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, code->parts + message->from, 0, 1);
}

static sg_status lagrange_weights(const sg_code *code, const sg_used *used) {
  (void)code;
  if (used->count < 3) return SG_UNDECODABLE;
  for (int i = 0; i < 3; i++)
    for (int b = 0; b < 2; b++) {
      double l = 1;
      for (int k = 0; k < 3; k++) {
        double at = place_of[used->message[k]->from];
        if (k != i) l *= (beta[b] - at) / (place_of[used->message[i]->from] - at);
      }
      used->W[i] += l;
    }
  return SG_OK;
}

static const sg_code_type lagrange = {.about = {.name = "test-lagrange", .summary = ""},
                                      .create = lagrange_create,
                                      .encode = lagrange_encode,
                                      .weights = lagrange_weights};

static void lagrange_codes_descend_as_plain_loops(void **state) {
  (void)state;
  course c;
  double x[COLUMNS] = {0};
  run_well(&lagrange, LAGRANGE, "\"problem\":\"least-squares\"", &c);
  for (int t = 0; t < UPDATES; t++) {
    double g[COLUMNS] = {0};
    add_rows(x, 0, ROWS, 1.0 / ROWS, g);
    descend(x, g);
    same_loss(&c, t, x);
    assert_int_equal(c.row[t].n_used, 3);
    assert_true(c.row[t].grad_scaled_err < 1e-14);
    assert_true(c.row[t].samples_used == ROWS);
    assert_true(c.row[t].staleness_mean == 0 && c.row[t].staleness_max == 0);
    assert_true(c.row[t].alpha_sum == 2 && isnan(c.row[t].err_norm));
  }
}

/* The same, but only the first two coordinates are decoded: the others get nothing, not even their
 * share of the constant vector. */
static sg_status half_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  static const sg_segment segment[] = {{0, 2, 1, 3}, {2, COLUMNS, 1, 3}};
  sg_status status = lagrange_create(code, shape, values, e);
  code->segment = segment;
  code->segments = 2;
  code->exact = false;
  return status;
}

static sg_status half_weights(const sg_code *code, const sg_used *used) {
  if (used->segment == 0) return lagrange_weights(code, used);
  used->bias[0] = 0;
  return SG_OK;
}

static void bias_is_the_share_of_the_constant_vector(void **state) {
  (void)state;
  sg_code_type half = lagrange;
  half.create = half_create;
  half.weights = half_weights;
  course c;
  double x[COLUMNS] = {0};
  run_well(&half, LAGRANGE, "\"problem\":\"least-squares\"", &c);
  for (int t = 0; t < UPDATES; t++) {
    double g[COLUMNS] = {0}, lost = 0, all = 0;
    add_rows(x, 0, ROWS, 1.0 / ROWS, g);
    for (int i = 0; i < COLUMNS; i++) {
      all += g[i] * g[i];
      if (i >= 2) lost += g[i] * g[i];
      if (i >= 2) g[i] = 0;
    }
    descend(x, g);
    same_loss(&c, t, x);
    assert_true(fabs(c.row[t].grad_rel_err - sqrt(lost / all)) < 1e-9);
    assert_true(isnan(c.row[t].alpha_sum)); /* coded parts are no share of the sum */
  }
}

static void coded_data_of_another_problem_is_a_fault_of_the_scheme(void **state) {
  (void)state;
  refused(&lagrange, LAGRANGE, "\"problem\":\"softmax\"", SG_INVALID, "/schemes/0",
          "linear in the model");
}

static sg_status strange_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  static const int part[] = {2};
  static const double one[] = {1};
  static const sg_combination coded[LAGRANGE] = {
      {1, part, one}, {1, part, one}, {1, part, one}, {1, part, one}, {1, part, one}};
  sg_status status = lagrange_create(code, shape, values, e);
  code->coded = coded;
  return status;
}

static sg_status batched_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  sg_status status = lagrange_create(code, shape, values, e);
  code->flags |= SG_BATCHES;
  return status;
}

static void mistakes_with_coded_parts_name_the_code(void **state) {
  (void)state;
  sg_code_type wrong = lagrange;
  wrong.create = strange_create;
  refused(&wrong, LAGRANGE, "\"problem\":\"least-squares\"", SG_BUG, "",
          "code test-lagrange: a coded part combines a part that the code does not have");
  wrong.create = batched_create;
  refused(&wrong, LAGRANGE, "\"problem\":\"least-squares\",\"batch_rows\":4", SG_BUG, "",
          "code test-lagrange: coded parts have neither mini-batches nor local steps");
}

/* --- Mini-batches ----------------------------------------------------------------------------- */

/* 4 workers, 4 parts; 0 and 1 send the sum of parts 0 and 1, 2 and 3 that of 2 and 3, of batch t +
 * 1 in iteration t. Of any three each pair has one. */
static sg_status pairs_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)shape;
  code->parts = 4;
  code->promised = 1;
  code->flags = SG_BATCHES;
  return sg_code_one_segment(code, values, NULL, 1, 3, e);
}

static void pairs_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_batch(row, message->snapshot + 1);
  for (int i = 0; i < 2; i++) sg_row_part(row, message->from / 2 * 2 + i, 0, 1);
}

static const sg_code_type pairs = {
    .about = {.name = "test-pairs", .summary = ""}, .create = pairs_create, .encode = pairs_encode};

static void batches_of_a_name_are_the_same_for_all_workers(void **state) {
  (void)state;
  course c;
  double x[COLUMNS] = {0};
  run_well(&pairs, 4, "\"problem\":\"least-squares\",\"batch_rows\":6", &c);
  for (int t = 0; t < UPDATES; t++) {
    double g[COLUMNS] = {0};
    for (int p = 0; p < 4; p++) add_batch(x, p, t + 1, 15 * p, 15, 6, g);
    descend(x, g);
    same_loss(&c, t, x);
    assert_true(c.row[t].grad_scaled_err < 1e-14);
    assert_true(c.row[t].samples_used == 4 * 6);
    assert_true(c.row[t].alpha_sum == 4);
  }
}

/* A worker's part and the version of the model that a message was computed at. */
static struct used_message { int update, from, version; } used_list[UPDATES * 8];
static int n_used_list, updates_seen;

static sg_status async_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  sg_status status = toy_async.create(code, shape, values, e);
  code->flags |= SG_BATCHES;
  return status;
}

static int name_of(int from, int version) {
  return 100 * from + version + 1;
}

static void async_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_batch(row, name_of(message->from, message->snapshot));
  sg_row_part(row, message->from, 0, 1);
}

static sg_status async_weights(const sg_code *code, const sg_used *used) {
  for (int i = 0; i < used->count; i++)
    used_list[n_used_list++] =
        (struct used_message){updates_seen, used->message[i]->from, used->message[i]->snapshot};
  updates_seen++;
  return toy_async.weights(code, used);
}

static sg_code_type async_batches(void) {
  sg_code_type type = toy_async;
  type.create = async_create;
  type.encode = async_encode;
  type.weights = async_weights;
  return type;
}

/* Asynchronous descent: the versions that the messages were computed at are written down while it
 * runs; the models are made from them afterwards. */
static void asynchronous_descent_on_batches(void **state) {
  (void)state;
  static double version[UPDATES + 1][COLUMNS];
  const sg_code_type type = async_batches();
  course c;
  n_used_list = updates_seen = 0;
  run_well(&type, 5, "\"problem\":\"least-squares\",\"batch_rows\":5", &c);
  assert_int_equal(updates_seen, UPDATES);
  int stale = 0;
  for (int t = 0, i = 0; t < UPDATES; t++) {
    double g[COLUMNS] = {0}, ages = 0, oldest = 0;
    int count = 0;
    for (; i < n_used_list && used_list[i].update == t; i++, count++) {
      const struct used_message *m = &used_list[i];
      assert_true(m->version <= t);
      add_batch(version[m->version], m->from, name_of(m->from, m->version), 12 * m->from, 12, 5, g);
      ages += t - m->version;
      oldest = fmax(oldest, t - m->version);
      stale += m->version < t;
    }
    memcpy(version[t + 1], version[t], sizeof *version);
    descend(version[t + 1], g);
    same_loss(&c, t, version[t + 1]);
    assert_int_equal(c.row[t].n_used, count);
    assert_true(c.row[t].grad_scaled_err < 1e-14);
    assert_true(fabs(c.row[t].staleness_mean - ages / count) < 1e-14);
    assert_true(c.row[t].staleness_max == oldest);
    assert_true(c.row[t].samples_used == 5 * count);
    /* α of a part is 1 when its worker's message was used, of five parts. */
    assert_true(c.row[t].alpha_sum == count);
    assert_true(c.row[t].decoding_err == 5 - count);
    assert_true(fabs(c.row[t].err_norm - (5 - count) / 5.0) < 1e-15);
    assert_true(fabs(c.row[t].err_root - sqrt(5 - count)) < 1e-15);
  }
  assert_true(stale > UPDATES / 2);
}

/* The ages of snapshots are known when times only are simulated, too. */
static void ages_do_not_need_gradients(void **state) {
  (void)state;
  course learned, timed;
  run_well(&toy_async, 5, "\"problem\":\"least-squares\"", &learned);
  run_well(&toy_async, 5, NULL, &timed);
  double ages = 0;
  for (int t = 0; t < UPDATES; t++) {
    assert_true(learned.row[t].staleness_mean == timed.row[t].staleness_mean);
    assert_true(learned.row[t].staleness_max == timed.row[t].staleness_max);
    assert_true(learned.row[t].alpha_sum == timed.row[t].alpha_sum);
    assert_true(isnan(timed.row[t].samples_used));
    ages += timed.row[t].staleness_mean;
  }
  assert_true(ages > UPDATES);
}

/* Jobs of two models in turn. */
static void rows_name_their_model(void **state) {
  (void)state;
  course c;
  run_well(&toy_pipeline, 4, "\"problem\":\"least-squares\"", &c);
  for (int t = 0; t < UPDATES; t++) {
    assert_int_equal(c.row[t].model, t % 2);
    assert_true(c.row[t].staleness_max == 0);
  }
}

static void batches_need_a_size_and_a_flag(void **state) {
  (void)state;
  const sg_code_type type = async_batches();
  refused(&type, 5, "\"problem\":\"least-squares\"", SG_INVALID, "/learning/batch_rows",
          "the scheme \"toy-async\" computes on mini-batches");
  sg_code_type wrong = toy_async;
  wrong.encode = async_encode;
  refused(&wrong, 5, "\"problem\":\"least-squares\",\"batch_rows\":5", SG_BUG, "",
          "code toy-async: encode named a mini-batch, but the flag SG_BATCHES is missing");
}

static int sum_first, sum_count;

static sg_status sum_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                            sg_error *e) {
  sg_status status = async_create(code, shape, values, e);
  code->flags |= SG_LOCAL;
  return status;
}

static void sum_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  if (sum_count < 0) sg_row_local(row, 2, 0.1);
  sg_row_batches(row, sum_first, abs(sum_count));
}

static void sums_of_batches_have_names_of_ints(void **state) {
  (void)state;
  static const struct {
    int first, count;
    const char *mistake;
  } wrong[] = {{1, 0, "encode named less than one mini-batch"},
               {0, 2, "encode named less than one mini-batch"},
               {INT_MAX - 1, 2, "encode named mini-batches beyond the largest int"},
               {7, -2, "encode gave local steps on a sum of mini-batches"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char message[100];
    sg_code_type type = async_batches();
    sum_first = wrong[i].first;
    sum_count = wrong[i].count;
    type.encode = sum_encode;
    type.create = sum_create;
    snprintf(message, sizeof message, "code toy-async: %s", wrong[i].mistake);
    refused(&type, 5, "\"problem\":\"least-squares\",\"batch_rows\":5", SG_BUG, "", message);
  }
}

/* --- Several snapshots ------------------------------------------------------------------------ */

/* Decodes in every other round, from the messages of two: gradients at two snapshots of one model.
 */
static sg_status two_rounds_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                   sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->load = 1;
  code->state_size = sizeof(int);
  return SG_OK;
}

static void two_rounds_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

static void two_rounds_on_event(const sg_code *code, void *state, const sg_event *event,
                                sg_orders *o) {
  int *arrived = state;
  if (event->kind == SG_BEGIN) {
    *arrived = 0;
    sg_snapshot(o, event->round, 0, 0);
    sg_task(o, SG_ALL, event->round, 1, 1, 0);
    sg_send(o, SG_ALL, SG_MASTER, event->round, 0, 0, 0);
  } else if (event->kind == SG_ARRIVAL && ++*arrived == code->nodes) {
    if (event->round % 2) sg_decode(o, 0, SG_ANY, 0);
    if (event->round % 2) sg_close(o, event->round - 1);
    if (event->round % 2) sg_close(o, event->round);
    sg_end_round(o);
  }
}

static const sg_code_type two_rounds = {.about = {.name = "test-two-rounds", .summary = ""},
                                        .create = two_rounds_create,
                                        .encode = two_rounds_encode,
                                        .on_event = two_rounds_on_event};

static void several_snapshots_of_a_decode_need_width_1(void **state) {
  (void)state;
  course c;
  double x[COLUMNS] = {0};
  run_well(&two_rounds, 3, "\"problem\":\"least-squares\"", &c);
  for (int t = 0; t < UPDATES; t++) {
    double g[COLUMNS] = {0};
    add_rows(x, 0, ROWS, 1.0 / ROWS, g);
    descend(x, g);
    same_loss(&c, t, x);
    assert_int_equal(c.row[t].n_used, 6);
    assert_true(c.row[t].samples_used == ROWS);
  }
  refused(&two_rounds, 3, "\"problem\":\"least-squares\",\"block_width\":4", SG_INVALID,
          "/learning/block_width",
          "a decode of the code test-two-rounds uses gradients of several snapshots");
}

/* --- Local steps ------------------------------------------------------------------------------ */

enum { LOCAL_STEPS = 3 };
static const double local_rate = 0.05;

static sg_status local_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->flags = SG_LOCAL;
  return SG_OK;
}

static void local_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  sg_row_local(row, LOCAL_STEPS, local_rate);
}

static const sg_code_type local = {
    .about = {.name = "test-local", .summary = ""}, .create = local_create, .encode = local_encode};

static void local_steps_are_those_of_plain_loops(void **state) {
  (void)state;
  enum { WORKERS = 3, OWN = ROWS / WORKERS };
  course c;
  double x[COLUMNS] = {0};
  run_well(&local, WORKERS, "\"problem\":\"least-squares\"", &c);
  for (int t = 0; t < UPDATES; t++) {
    double sum[COLUMNS] = {0};
    for (int w = 0; w < WORKERS; w++) {
      double y[COLUMNS];
      memcpy(y, x, sizeof y);
      for (int k = 0; k < LOCAL_STEPS; k++) { /* on the mean loss of the worker's own rows */
        double g[COLUMNS] = {0};
        add_rows(y, OWN * w, OWN * (w + 1), 1.0 / OWN, g);
        for (int i = 0; i < COLUMNS; i++) y[i] -= local_rate * g[i];
      }
      for (int i = 0; i < COLUMNS; i++) sum[i] += (x[i] - y[i]) / local_rate / WORKERS;
    }
    descend(x, sum);
    same_loss(&c, t, x);
    assert_true(c.row[t].grad_scaled_err < 1e-13);
  }
}

static sg_status local_batches_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                      sg_error *e) {
  sg_status status = local_create(code, shape, values, e);
  code->flags |= SG_BATCHES;
  return status;
}

static void local_batches_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  local_encode(code, message, row);
  sg_row_batch(row, 10 * message->snapshot + 1);
}

/* Every local step has a mini-batch of its own. */
static void local_steps_on_batches(void **state) {
  (void)state;
  enum { WORKERS = 3, OWN = ROWS / WORKERS, BATCH = 7 };
  sg_code_type type = local;
  type.create = local_batches_create;
  type.encode = local_batches_encode;
  course c;
  double x[COLUMNS] = {0};
  run_well(&type, WORKERS, "\"problem\":\"least-squares\",\"batch_rows\":7", &c);
  for (int t = 0; t < UPDATES; t++) {
    double sum[COLUMNS] = {0};
    for (int w = 0; w < WORKERS; w++) {
      double y[COLUMNS];
      memcpy(y, x, sizeof y);
      for (int k = 0; k < LOCAL_STEPS; k++) {
        double g[COLUMNS] = {0}; /* of the part's share of the mean loss */
        add_batch(y, w, 10 * t + 1 + k, OWN * w, OWN, BATCH, g);
        for (int i = 0; i < COLUMNS; i++) y[i] -= local_rate * WORKERS * g[i];
      }
      for (int i = 0; i < COLUMNS; i++) sum[i] += (x[i] - y[i]) / local_rate / WORKERS;
    }
    descend(x, sum);
    same_loss(&c, t, x);
    assert_true(c.row[t].samples_used == WORKERS * LOCAL_STEPS * BATCH);
  }
}

static void uneven_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  sg_row_local(row, 1 + message->from, local_rate);
}

static void no_steps_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  sg_row_local(row, 0, local_rate);
}

static void mistakes_with_local_steps_name_the_code(void **state) {
  (void)state;
  sg_code_type wrong = local;
  wrong.encode = uneven_encode;
  refused(&wrong, 3, "\"problem\":\"least-squares\"", SG_BUG, "",
          "code test-local: the rows of a decode differ in their local steps: expected 1 at rate "
          "0.05, found 3 at rate 0.05");
  wrong.encode = no_steps_encode;
  refused(&wrong, 3, "\"problem\":\"least-squares\"", SG_BUG, "",
          "code test-local: local steps must be at least one, and their rate positive or 0");
  wrong = pairs;
  wrong.encode = local_encode;
  refused(&wrong, 4, "\"problem\":\"least-squares\",\"batch_rows\":6", SG_BUG, "",
          "code test-pairs: encode gave local steps, but the flag SG_LOCAL is missing");
}

/* --- Gradients beside the snapshot ------------------------------------------------------------ */

static const double beside_factor = -0.4;
static unsigned beside_flags = SG_OFFSET | SG_WEIGHTS_CONSTANT;

static sg_status beside_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->flags = beside_flags;
  return SG_OK;
}

static void beside_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  sg_row_offset(row, beside_factor);
}

static const sg_code_type beside = {.about = {.name = "test-beside", .summary = ""},
                                    .create = beside_create,
                                    .encode = beside_encode};

/* Two of five coordinates of gradients at x − 0.4 e go out, with what was left of those before. */
static void gradients_beside_the_snapshot_follow_what_was_not_sent(void **state) {
  (void)state;
  enum { WORKERS = 3, SENT = 2 };
  course c;
  double x[COLUMNS] = {0}, memory[WORKERS][COLUMNS] = {{0}};
  network = "{\"compression\":{\"compressor\":\"top-k\",\"share\":0.4}}";
  run_well(&beside, WORKERS, "\"problem\":\"least-squares\"", &c);
  for (int k = 0; k < UPDATES; k++) {
    double sum[COLUMNS] = {0};
    for (int w = 0; w < WORKERS; w++) {
      double at[COLUMNS], u[COLUMNS] = {0};
      for (int i = 0; i < COLUMNS; i++) at[i] = x[i] + beside_factor * memory[w][i];
      add_rows(at, w * ROWS / WORKERS, (w + 1) * ROWS / WORKERS, 1.0 / ROWS, u);
      for (int i = 0; i < COLUMNS; i++) memory[w][i] += u[i];
      for (int n = 0; n < SENT; n++) { /* what is left of a coordinate that was sent is near 0 */
        int most = 0;
        for (int i = 1; i < COLUMNS; i++)
          if (fabs(memory[w][i]) > fabs(memory[w][most])) most = i;
        double value = (double)(float)memory[w][most];
        sum[most] += value;
        memory[w][most] -= value;
      }
    }
    descend(x, sum);
    same_loss(&c, k, x);
  }
  beside_flags = SG_WEIGHTS_CONSTANT;
  refused(&beside, WORKERS, "\"problem\":\"least-squares\"", SG_BUG, "", "SG_OFFSET is missing");
  beside_flags = SG_OFFSET | SG_WEIGHTS_CONSTANT;
  network = "{}";
  refused(&beside, WORKERS, "\"problem\":\"least-squares\"", SG_INVALID, "/schemes/0",
          "expected a network.compression with feedback \"classic\", found \"float64\" without");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lagrange_codes_descend_as_plain_loops),
      cmocka_unit_test(bias_is_the_share_of_the_constant_vector),
      cmocka_unit_test(coded_data_of_another_problem_is_a_fault_of_the_scheme),
      cmocka_unit_test(mistakes_with_coded_parts_name_the_code),
      cmocka_unit_test(batches_of_a_name_are_the_same_for_all_workers),
      cmocka_unit_test(asynchronous_descent_on_batches),
      cmocka_unit_test(ages_do_not_need_gradients),
      cmocka_unit_test(rows_name_their_model),
      cmocka_unit_test(batches_need_a_size_and_a_flag),
      cmocka_unit_test(sums_of_batches_have_names_of_ints),
      cmocka_unit_test(several_snapshots_of_a_decode_need_width_1),
      cmocka_unit_test(local_steps_are_those_of_plain_loops),
      cmocka_unit_test(local_steps_on_batches),
      cmocka_unit_test(mistakes_with_local_steps_name_the_code),
      cmocka_unit_test(gradients_beside_the_snapshot_follow_what_was_not_sent)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
