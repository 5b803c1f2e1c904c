/* SPDX-License-Identifier: MIT */
/* Traces: reading, faults with their lines, block lengths, and which time a run sees when. */
#include "models/times/times.h"
#include "sim/core/array.h"
#include "sim/core/random.h"
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static sg_trace *parse(const char *text, sg_error *e) {
  sg_trace *t = NULL;
  sg_status status = sg_trace_parse("t.csv", text, strlen(text), &t, e);
  assert_int_equal(status == SG_OK, t != NULL);
  assert_int_equal(status == SG_OK, e->count == 0);
  return t;
}

static sg_trace *good(const char *text) {
  sg_error e = {0};
  sg_trace *t = parse(text, &e);
  if (!t) fail_msg("%s: %s", e.fault[0].place, e.fault[0].message);
  return t;
}

static void columns_in_any_order(void **state) {
  (void)state;
  sg_trace *t = good("\xef\xbb\xbf# source: here\r\n# licence: mine\r\n#unit : ms\r\n# a remark\r\n"
                     "send_s,compute_s,load,worker,iteration\r\n"
                     "0.5,4,2,9,20\r\n0,3,1,4,20\r\n\r\n1,1,1,4,10\r\n2, 2 ,1,\"9\",10\r\n");
  assert_int_equal(t->workers, 2);
  assert_int_equal(t->iterations, 2);
  static const double compute[] = {1, 2, 3, 4}, send[] = {1, 2, 0, 0.5}, load[] = {1, 1, 1, 2};
  assert_memory_equal(t->compute, compute, sizeof compute);
  assert_memory_equal(t->send, send, sizeof send);
  assert_memory_equal(t->load, load, sizeof load);
  assert_int_equal(t->worker_name[0], 4);
  assert_int_equal(t->worker_name[1], 9);
  assert_string_equal(t->source, "here");
  assert_string_equal(t->licence, "mine");
  assert_string_equal(t->unit, "ms");
  assert_false(t->seconds);
  sg_trace_free(t);
  t = good("iteration,worker,compute_s\n0,0,1e-3");
  assert_true(t->seconds && !t->send && !t->load);
  assert_string_equal(t->unit, "s");
  sg_trace_free(t);
}

/* The fault at a line, or a failed test. */
static const char *at_line(const sg_error *e, long line) {
  char place[40];
  snprintf(place, sizeof place, "t.csv:%ld", line);
  size_t n = strlen(place);
  for (int i = 0; i < e->count; i++)
    if (strncmp(e->fault[i].place, place, n) == 0 && strchr(":", e->fault[i].place[n]))
      return e->fault[i].message;
  fail_msg("no fault in line %ld", line);
  return "";
}

static void all_faults_with_their_lines(void **state) {
  (void)state;
  sg_error e = {0};
  parse("# unit: s\niteration,worker,compute_s\n0,0,1\n0,1,0\n0,2,-1\n0,3,nan\n0,4,1e999\n"
        "0.5,0,1\n-1,0,1\n1,x,1\n1,1\n1,2,3,4\n1,3,\n0,0,2\n",
        &e);
  assert_int_equal(e.count, 11);
  assert_non_null(strstr(at_line(&e, 4), "a time > 0"));
  assert_non_null(strstr(at_line(&e, 5), "\"-1\""));
  at_line(&e, 6), at_line(&e, 7), at_line(&e, 8), at_line(&e, 9), at_line(&e, 10);
  assert_non_null(strstr(at_line(&e, 11), "expected 3 fields, found 2"));
  at_line(&e, 12);
  assert_non_null(strstr(at_line(&e, 13), "found nothing"));
  assert_non_null(strstr(at_line(&e, 14), "already, in line 3"));
  assert_int_equal(sg_error_status(&e), SG_INVALID);
  sg_error_clear(&e);

  parse("iteration,worker,compute\n", &e);
  assert_non_null(strstr(e.fault[0].message, "did you mean \"compute_s\"?"));
  assert_non_null(strstr(e.fault[1].message, "there is no column \"compute_s\""));
  sg_error_clear(&e);
  parse("iteration,worker,compute_s,worker\n0,0,1,0\n", &e);
  assert_non_null(strstr(e.fault[0].message, "two columns"));
  sg_error_clear(&e);
  parse("", &e);
  sg_error_clear(&e);
  parse("# only a comment\n", &e);
  sg_error_clear(&e);
  parse("iteration,worker,compute_s\n", &e);
  sg_error_clear(&e);
  assert_int_equal(sg_trace_read("no such file", &(sg_trace *){0}, &e), SG_NO_INPUT);
  sg_error_clear(&e);
}

/* As R and pandas write tables: the header quoted, or everything. */
static void quoted_tables(void **state) {
  (void)state;
  static const char *const text[] = {
      "\"iteration\",\"worker\",\"compute_s\",\"note\"\n0,0,1.5,\"a, b\"\n0,1,2,c\n",
      "\"iteration\",\"worker\",\"compute_s\"\n\"0\",\"0\",\"1.5\"\n\"0\",\"1\",\"2\"\n"};
  sg_error e = {0};
  parse(text[0], &e); /* a column too many is said to be one, and nothing else is wrong */
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, "t.csv:1:34");
  sg_error_clear(&e);
  sg_trace *t = good(text[1]);
  assert_int_equal(t->workers, 2);
  assert_true(t->compute[0] == 1.5 && t->compute[1] == 2);
  sg_trace_free(t);
  parse("iteration,worker,compute_s\n0,0,0x1p3\n", &e);
  assert_string_equal(at_line(&e, 2),
                      "expected a time > 0 in column \"compute_s\", found \"0x1p3\"");
  sg_error_clear(&e);
}

static void gaps_are_listed_and_bounded(void **state) {
  (void)state;
  sg_error e = {0};
  parse("iteration,worker,compute_s\n5,0,1\n5,7,1\n6,7,1\n", &e);
  assert_int_equal(e.count, 1);
  assert_non_null(strstr(at_line(&e, 4), "iteration 6 has no row for worker 0"));
  sg_error_clear(&e);
  /* 3000 workers in as many iterations: nine million holes must cost neither time nor memory. */
  sg_buffer text = {0};
  sg_put(&text, "iteration,worker,compute_s\n");
  for (int i = 0; i < 3000; i++) sg_putf(&text, "%d,%d,1\n", i, i);
  parse(text.data, &e);
  assert_int_equal(e.count, 21);
  assert_non_null(strstr(e.fault[20].message, "8996980 more"));
  sg_error_clear(&e);
  sg_buffer_free(&text);
}

/* --- Block lengths ---------------------------------------------------------------------------- */

/* Columns of a first-order autoregression. */
static double *autoregression(long iterations, int workers, double rho) {
  double *x = malloc((size_t)(iterations * workers) * sizeof *x);
  assert_non_null(x);
  for (int w = 0; w < workers; w++) {
    double last = 0;
    for (long i = 0; i < iterations; i++) {
      sg_stream s;
      sg_stream_at(&s, 1, 0, SG_FOR_CHECK, (uint32_t)w, (uint32_t)i, 0);
      last = rho * last + sg_exponential(&s, 1) - 1;
      x[i * workers + w] = last;
    }
  }
  return x;
}

static void block_length_follows_the_memory(void **state) {
  (void)state;
  double *x = autoregression(2000, 8, 0), r[3];
  assert_int_equal(sg_block_length(2000, 8, x), 1);
  sg_autocovariances(2000, 8, x, 2, r);
  assert_true(fabs(r[0] - 1) < 0.1 && fabs(r[1]) < 4 / sqrt(16000));
  free(x);
  /* Of the exact spectrum of a first-order autoregression: (3/2 · (2ρ/(1−ρ²))² · N)^(1/3), 28.3 for
   * ρ = 0.7 and N = 2000. */
  x = autoregression(2000, 8, 0.7);
  long block = sg_block_length(2000, 8, x);
  assert_true(block > 18 && block < 50);
  sg_autocovariances(2000, 8, x, 2, r);
  assert_true(fabs(r[1] / r[0] - 0.7) < 0.03);
  free(x);
  /* A drift has no end of memory; blocks stay within bounds. */
  x = autoregression(300, 2, 0);
  for (int i = 0; i < 300; i++) x[2 * i] += i, x[2 * i + 1] += i;
  block = sg_block_length(300, 2, x);
  assert_true(block > 20 && block <= 51);
  free(x);
  const double few[] = {1, 2, 3};
  assert_int_equal(sg_block_length(3, 1, few), 1);
  const double constant[] = {1, 1, 1, 1, 1, 1, 1, 1};
  assert_int_equal(sg_block_length(8, 1, constant), 1);
}

/* --- Replay and bootstraps -------------------------------------------------------------------- */

static char path[] = "/tmp/straggle-trace-XXXXXX";

/* 3 workers × 7 iterations; the time says where it is from: 100·iteration + worker + 1. */
static int write_trace(void **state) {
  (void)state;
  int fd = mkstemp(path);
  FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!f) return -1;
  fprintf(f, "# unit: ticks\niteration,worker,compute_s,send_s\n");
  for (int i = 0; i < 7; i++)
    for (int w = 0; w < 3; w++) fprintf(f, "%d,%d,%d,%d.5\n", i, w, 100 * i + w + 1, 100 * i + w);
  return fclose(f);
}

static int remove_trace(void **state) {
  (void)state;
  return unlink(path);
}

static sg_values *replay_values(const char *mode, double block) {
  sg_error e = {0};
  sg_values *v = sg_values_new(NULL, &sg_replay_variant, "/delay");
  sg_values_set_string(v, "path", path, &e);
  if (mode) sg_values_set_string(v, "mode", mode, &e);
  if (block > 0) sg_values_set_number(v, "block_iterations", block, &e);
  sg_values_set_number(v, "unit_s", 2, &e);
  assert_int_equal(e.count, 0);
  return v;
}

static sg_replay *replay(const char *mode, double block, int workers, sg_replay_column column) {
  sg_error e = {0};
  sg_values *v = replay_values(mode, block);
  sg_replay *r = NULL;
  assert_int_equal(sg_replay_new(v, workers, column, 0, &r, &e), SG_OK);
  sg_values_free(v);
  return r;
}

static double expected(long iteration, int worker) {
  return 2 * (double)(100 * iteration + worker + 1);
}

static void replay_and_its_ends(void **state) {
  (void)state;
  sg_replay *r = replay("replay", 0, 3, SG_REPLAY_COMPUTE);
  for (uint32_t i = 0; i < 21; i++)
    for (int w = 0; w < 3; w++)
      assert_true(sg_replay_seconds(r, 5, i, w, i, 9) == expected(i % 7, w));
  assert_int_equal(sg_replay_iterations(r), 0);
  sg_replay_free(r);
  /* More workers: the second copy is half the trace ahead; the last has one worker only. */
  r = replay("replay", 0, 4, SG_REPLAY_COMPUTE);
  assert_true(sg_replay_seconds(r, 5, 0, 2, 1, 0) == expected(1, 2));
  assert_true(sg_replay_seconds(r, 5, 0, 3, 1, 0) == expected(1 + 3, 0));
  sg_buffer note = {0};
  sg_replay_note(r, &note);
  assert_non_null(strstr(note.data, "2 copies"));
  sg_buffer_free(&note);
  sg_replay_free(r);
  r = replay("replay", 0, 2, SG_REPLAY_SEND);
  assert_true(sg_replay_seconds(r, 5, 0, 1, 3, 0) == 2 * 301.5);
  sg_replay_free(r);

  sg_error e = {0};
  sg_values *v = replay_values("replay", 0);
  sg_values_set_string(v, "past_end", "end", &e);
  assert_int_equal(sg_replay_new(v, 3, SG_REPLAY_COMPUTE, 0, &r, &e), SG_OK);
  assert_int_equal(sg_replay_iterations(r), 7);
  sg_replay_free(r);
  sg_values_free(v);
}

static void blocks_are_consecutive_and_whole(void **state) {
  (void)state;
  enum { BLOCKS = 2000 };
  sg_replay *r = replay("block-bootstrap", 3, 6, SG_REPLAY_COMPUTE);
  sg_replay *send = replay("block-bootstrap", 3, 6, SG_REPLAY_SEND);
  int start[7] = {0}, together = 0;
  for (uint32_t b = 0; b < BLOCKS; b++) {
    long first = lround((sg_replay_seconds(r, 5, 1, 0, 3 * b, 0) / 2 - 1) / 100);
    long copy = lround((sg_replay_seconds(r, 5, 1, 3, 3 * b, 0) / 2 - 1) / 100);
    start[first]++;
    together += first == copy;
    for (uint32_t i = 0; i < 3; i++)
      for (int w = 0; w < 3; w++) {
        long at = (first + (long)i) % 7;
        assert_true(sg_replay_seconds(r, 5, 1, w, 3 * b + i, 0) == expected(at, w));
        assert_true(sg_replay_seconds(r, 5, 1, 3 + w, 3 * b + i, 0) == expected((copy + i) % 7, w));
        /* Messages go with the times they were measured with. */
        assert_true(sg_replay_seconds(send, 5, 1, w, 3 * b + i, 0) == expected(at, w) - 1);
      }
  }
  double sd = sqrt(BLOCKS / 7.0 * 6 / 7);
  for (int i = 0; i < 7; i++) assert_true(fabs(start[i] - BLOCKS / 7.0) < 4 * sd);
  assert_true(fabs(together - BLOCKS / 7.0) < 4 * sd);
  sg_replay_free(r);
  sg_replay_free(send);
  /* Other replications, other blocks. */
  r = replay("block-bootstrap", 3, 3, SG_REPLAY_COMPUTE);
  int same = 0;
  for (uint32_t k = 0; k < 200; k++)
    same += sg_replay_seconds(r, 5, k, 0, 0, 0) == sg_replay_seconds(r, 5, k + 1, 0, 0, 0);
  assert_true(same < 60);
  sg_replay_free(r);
}

static void iterations_and_single_times(void **state) {
  (void)state;
  enum { COUNT = 21000 };
  sg_replay *rows = replay("iteration-bootstrap", 0, 3, SG_REPLAY_COMPUTE);
  sg_replay *iid = replay("iid-bootstrap", 0, 3, SG_REPLAY_COMPUTE);
  int cell[7][3] = {{0}}, pairs = 0;
  for (uint32_t i = 0; i < COUNT; i++) {
    double first = sg_replay_seconds(rows, 5, 0, 0, i, 0);
    assert_true(sg_replay_seconds(rows, 5, 0, 2, i, 0) == first + 4);
    int code = (int)lround(sg_replay_seconds(iid, 5, 0, 1, i, 0) / 2) - 1;
    cell[code / 100][code % 100]++;
    pairs += sg_replay_seconds(iid, 5, 0, 1, i, 0) == sg_replay_seconds(iid, 5, 0, 1, i, 1);
  }
  double mean = COUNT / 21.0, sd = sqrt(mean * 20 / 21);
  for (int i = 0; i < 7; i++)
    for (int w = 0; w < 3; w++) assert_true(fabs(cell[i][w] - mean) < 4 * sd);
  assert_true(fabs(pairs - mean) < 4 * sd);
  sg_buffer note = {0};
  sg_replay_note(iid, &note);
  assert_non_null(strstr(note.data, "warning"));
  sg_buffer_free(&note);
  sg_replay_free(rows);
  sg_replay_free(iid);
}

static void faults_of_the_member(void **state) {
  (void)state;
  sg_error e = {0};
  sg_replay *r = NULL;
  sg_values *v = sg_values_new(NULL, &sg_replay_variant, "/delay");
  sg_values_set_string(v, "path", path, &e);
  assert_int_equal(sg_replay_new(v, 3, SG_REPLAY_COMPUTE, 0, &r, &e), SG_INVALID);
  assert_string_equal(e.fault[0].place, "/delay/unit_s");
  assert_non_null(strstr(e.fault[0].message, "ticks"));
  sg_error_clear(&e);
  sg_values_set_string(v, "path", "/nowhere/at.all", &e);
  assert_int_equal(sg_replay_new(v, 3, SG_REPLAY_COMPUTE, 0, &r, &e), SG_NO_INPUT);
  assert_string_equal(e.fault[0].place, "/delay/path");
  assert_int_equal(sg_error_status(&e), SG_NO_INPUT);
  sg_error_clear(&e);
  sg_values_set_string(v, "path", path, &e);
  sg_values_set_number(v, "unit_s", 2, &e);
  sg_values_set_string(v, "workers", "1-7", &e);
  assert_int_equal(sg_replay_new(v, 2, SG_REPLAY_COMPUTE, 0, &r, &e), SG_OK);
  sg_replay_free(r);
  sg_values_set_string(v, "workers", "5", &e);
  assert_int_equal(sg_replay_new(v, 2, SG_REPLAY_COMPUTE, 0, &r, &e), SG_INVALID);
  assert_string_equal(e.fault[0].place, "/delay/workers");
  sg_error_clear(&e);
  sg_values_free(v);
}

/* --- Through the engine ----------------------------------------------------------------------- */

typedef struct durations {
  double *value;
  long count, room;
} durations;

static bool keep_duration(void *user, int replication, const sg_iteration_record *row, int n,
                          const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  durations *d = user;
  assert_true(d->count < d->room);
  d->value[d->count++] = row->duration_s;
  return true;
}

static bool ignore_end(void *user, int replication, const sg_run_row *run,
                       const sg_summary_record *summary, int n,
                       const sg_worker_summary_record *worker) {
  (void)user, (void)replication, (void)run, (void)summary, (void)n, (void)worker;
  return true;
}

/* The iteration times of a scenario of one point; returns how many there were. */
static long simulate(const char *text, double *value, long room) {
  sg_error e = {0};
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_world *world = NULL;
  sg_status status = sg_scenario_parse("t.json", text, strlen(text), 0, NULL, &scenario, &e);
  if (status == SG_OK) status = sg_plan_new(scenario, &plan, &e);
  if (status == SG_OK) status = sg_world_new(plan->point[0].point, plan->cache, NULL, &world, &e);
  durations d = {.value = value, .room = room};
  const sg_sink sink = {.user = &d, .row = keep_duration, .finish = ignore_end};
  const sg_block_options options = {0};
  const int replication = 0;
  if (status == SG_OK) status = sg_block_run(world, 1, &replication, &options, &sink, &e);
  if (status != SG_OK) fail_msg("%s: %s", e.fault[0].place, e.fault[0].message);
  sg_world_free(world, plan->cache);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  return d.count;
}

/* A replayed iteration lasts, to the last bit, until the (n − s)-th worker of the trace is done. */
static void check_replay(const char *file, double unit) {
  static const int waits[] = {0, 1, 2, 4, 8};
  sg_error e = {0};
  sg_trace *t = NULL;
  if (sg_trace_read(file, &t, &e) != SG_OK) fail_msg("%s", e.fault[0].message);
  int n = t->workers;
  double *found = calloc((size_t)t->iterations, sizeof *found);
  double *row = calloc((size_t)n, sizeof *row);
  assert_true(found && row);
  for (size_t k = 0; k < sizeof waits / sizeof *waits && waits[k] < n; k++) {
    char scheme[80], text[1024];
    snprintf(scheme, sizeof scheme,
             k ? "\"code\":\"ignore-stragglers\",\"s\":%d" : "\"code\":\"uncoded\"", waits[k]);
    snprintf(text, sizeof text,
             "{\"format\":1,\"cluster\":{\"workers\":%d},\"delay\":{\"model\":\"trace\",\"path\":"
             "\"%s\",\"mode\":\"replay\",\"past_end\":\"end\",\"unit_s\":%.17g},\"learning\":"
             "{\"problem\":\"none\"},\"schemes\":[{%s}],\"stop\":{\"iterations\":%ld}}",
             n, file, unit, scheme, t->iterations + 5);
    assert_int_equal(simulate(text, found, t->iterations), t->iterations);
    for (long i = 0; i < t->iterations; i++) {
      for (int w = 0; w < n; w++) row[w] = t->compute[i * n + w] * unit;
      sg_sort_doubles(row, (size_t)n);
      assert_true(found[i] == row[n - 1 - waits[k]]);
    }
  }
  free(found);
  free(row);
  sg_trace_free(t);
}

/* Times with all their bits, so that a rounding anywhere shows. */
static void replay_is_exact(void **state) {
  (void)state;
  char file[] = "/tmp/straggle-exact-XXXXXX";
  int fd = mkstemp(file);
  FILE *f = fdopen(fd, "w");
  assert_non_null(f);
  fprintf(f, "iteration,worker,compute_s\n");
  for (uint32_t i = 0; i < 200; i++)
    for (uint32_t w = 0; w < 12; w++) {
      sg_stream s;
      sg_stream_at(&s, 1, 0, SG_FOR_CHECK, w, i, 0);
      fprintf(f, "%u,%u,%.17g\n", i, w, 0.1 + sg_exponential(&s, 1e3));
    }
  assert_int_equal(fclose(f), 0);
  check_replay(file, 1);
  check_replay(file, 0.1);
  unlink(file);
  static const char *const real[] = {"pai-job1", "pai-job2", "bytedance-se"};
  for (int i = 0; i < 3; i++) { /* where the real traces are at hand */
    char name[128];
    snprintf(name, sizeof name, "../shared/traces/%s.csv", real[i]);
    if (access(name, R_OK) == 0) check_replay(name, i < 2 ? 0.001 : 1);
  }
}

/* Compute and send times of the same iteration, a message of half a gradient half of its time. */
static void send_times_feed_the_uplink(void **state) {
  (void)state;
  char text[1024];
  double found[7];
  static const char *const modes[] = {"replay", "block-bootstrap"};
  for (int m = 0; m < 2; m++) {
    snprintf(text, sizeof text,
             "{\"format\":1,\"cluster\":{\"workers\":3},\"delay\":{\"model\":\"trace\",\"path\":"
             "\"%s\",\"mode\":\"%s\",\"unit_s\":2},\"network\":{\"uplink\":{\"model\":\"trace\","
             "\"path\":\"%s\",\"mode\":\"%s\",\"unit_s\":2}},\"learning\":{\"problem\":\"none\"},"
             "\"schemes\":[{\"code\":\"uncoded\"}],\"stop\":{\"iterations\":7}}",
             path, modes[m], path, modes[m]);
    assert_int_equal(simulate(text, found, 7), 7);
    for (int i = 0; i < 7; i++) { /* 2 (100 j + 3) + 2 (100 j + 2.5) for some iteration j */
      double j = (found[i] - 11) / 400;
      assert_true(j == floor(j) && j >= 0 && j < 7 && (m == 1 || j == i));
    }
  }
}

static void workers_are_chosen(void **state) {
  (void)state;
  sg_error e = {0};
  sg_trace *t =
      good("iteration,worker,compute_s,load\n0,3,1,1\n0,5,2,1\n0,8,3,2\n1,3,4,1\n1,5,5,1\n"
           "1,8,6,2\n");
  static const char *const wrong[] = {"",  "4",   "3,", "3-",
                                      "a", "3;5", "-3", "99999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(sg_trace_select(t, wrong[i], &e), SG_USAGE);
    sg_error_clear(&e);
  }
  assert_int_equal(sg_trace_select(t, "8,1-4", &e), SG_OK);
  static const double compute[] = {1, 3, 4, 6}, load[] = {1, 2, 1, 2};
  assert_int_equal(t->workers, 2);
  assert_memory_equal(t->compute, compute, sizeof compute);
  assert_memory_equal(t->load, load, sizeof load);
  assert_int_equal(t->worker_name[1], 8);
  sg_trace_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_in_any_order),
      cmocka_unit_test(all_faults_with_their_lines),
      cmocka_unit_test(quoted_tables),
      cmocka_unit_test(gaps_are_listed_and_bounded),
      cmocka_unit_test(block_length_follows_the_memory),
      cmocka_unit_test(replay_and_its_ends),
      cmocka_unit_test(blocks_are_consecutive_and_whole),
      cmocka_unit_test(iterations_and_single_times),
      cmocka_unit_test(faults_of_the_member),
      cmocka_unit_test(replay_is_exact),
      cmocka_unit_test(send_times_feed_the_uplink),
      cmocka_unit_test(workers_are_chosen),
  };
  return cmocka_run_group_tests(tests, write_trace, remove_trace);
}
