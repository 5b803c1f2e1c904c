/* SPDX-License-Identifier: MIT */
/* Compressors: each that is registered against what its descriptor promises; those with formulas
 * against loops that share no code; what is sent, late, erased and cancelled in the engine; runs
 * with error feedback against descent in a page. */
#include "models/learning/data.h"
#include "sim/core/linalg.h"
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"
#include "tests/support/environment.h"
#include "tests/support/toy_codes.h"

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

static sg_stream stream;

static double normal(void) {
  return sqrt(-2 * log1p(-sg_uniform(&stream))) * cos(2 * M_PI * sg_uniform(&stream));
}

static void fail_with(sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  sg_error_clear(e);
  fail();
}

/* --- Every registered compressor -------------------------------------------------------------- */

static int word_of(const char *const *words, double u) {
  int count = 0;
  while (words[count]) count++;
  return (int)(count * (1 - u));
}

/* Parameters at random in the ranges of the table; `plain`: at their defaults. */
static sg_compressor compressor_of(const sg_variant *variant, bool plain) {
  sg_error e = {0};
  sg_compressor c;
  sg_values *v = sg_values_new(NULL, variant, "");
  assert_non_null(v);
  for (int i = 0; !plain && variant->params && variant->params[i].name; i++) {
    const sg_param *p = &variant->params[i];
    double u = 1 - sg_uniform(&stream), range = p->max - p->min;
    sg_status status = SG_OK;
    if (p->flags & SG_OPTIONAL) continue;
    if (p->choices && p->kind != SG_CHOICE && sg_uniform(&stream) < 0.5)
      status = sg_values_set_string(v, p->name, p->choices[word_of(p->choices, u)], &e);
    else if (p->kind == SG_INT)
      status = sg_values_set_number(v, p->name, floor(p->min + range * u * u * u), &e);
    else if (p->kind == SG_REAL)
      status = sg_values_set_number(v, p->name, p->min + range * u * u, &e);
    else if (p->kind == SG_BOOL)
      status = sg_values_set_bool(v, p->name, u < 0.5, &e);
    else if (p->kind == SG_CHOICE)
      status = sg_values_set_string(v, p->name, p->choices[word_of(p->choices, u)], &e);
    else if (p->kind != SG_LIST) /* lists stay empty */
      fail_msg("a parameter of a kind that this test does not know");
    if (status) fail_with(&e);
  }
  sg_status made = sg_compressor_init(&c, v, &e);
  sg_values_free(v);
  if (made != SG_INVALID || plain) {
    if (made) fail_with(&e);
    return c;
  }
  sg_error_clear(&e); /* parameters that are refused together: others */
  return compressor_of(variant, plain);
}

enum { KINDS = 5 };

static void fill(double *x, long n, int kind) {
  for (long i = 0; i < n; i++) {
    double z = normal();
    x[i] = kind == 0   ? z * z * z
           : kind == 1 ? 0
           : kind == 2 ? 1e-3 * (i == n / 2)
           : kind == 3 ? (i % 2 ? -2.5 : 2.5)
                       : z * 1e-42;
  }
}

static double norm_of(const double *x, long n) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

/* What the receiver makes of the packed bytes alone, in memory of exactly so many. */
static void receive(const sg_compressor *c, const sg_packed *sent, long n, double *y) {
  size_t bytes = (sent->count + 7) / 8;
  sg_packed copy = {.byte = malloc(bytes ? bytes : 1),
                    .capacity = bytes,
                    .count = sent->count,
                    .worker = sent->worker,
                    .key = sent->key};
  assert_non_null(copy.byte);
  memcpy(copy.byte, sent->byte, bytes);
  for (long i = 0; i < n; i++) y[i] = NAN;
  c->type->decode(c->state, n, &copy, y);
  assert_int_equal(copy.at, sent->count);
  sg_packed_free(&copy);
}

static void check_one(const sg_compressor *c, sg_packed *packed, long n, int kind) {
  size_t size = (size_t)n * sizeof(double);
  int memories = sg_compressor_memory(c);
  double *x = malloc(size), *y = malloc(size), *z = malloc(size), bits;
  double *memory = memories ? calloc((size_t)memories, size) : NULL;
  sg_dither d;
  assert_true(x && y && z && (!memories || memory));
  sg_dither_at(&d, 5, 2, 3, 7, 1, 0);
  fill(x, n, kind);
  memcpy(y, x, size);
  assert_int_equal(sg_compress(c, packed, &d, n, y, memory, &bits), SG_OK);
  assert_true(bits > 0 && bits == floor(bits));
  if (sg_compressor_fixed(c)) assert_true(bits == sg_compressor_bits(c, n));
  for (long i = 0; i < n; i++) assert_true(isfinite(y[i]));
  if (sg_compressor_whole(c)) {
    assert_true(bits == (double)packed->count && sg_bytes_of(bits) == ceil(bits / 8));
    receive(c, packed, n, z);
    assert_memory_equal(y, z, size);
    /* The same address draws the same, whatever was drawn before. */
    memcpy(z, x, size);
    if (memory) memset(memory, 0, (size_t)memories * size);
    sg_dither_at(&d, 5, 2, 3, 7, 1, 0);
    assert_int_equal(sg_compress(c, packed, &d, n, z, memory, &bits), SG_OK);
    assert_memory_equal(y, z, size);
  } else {
    memcpy(z, y, size);
    assert_int_equal(sg_compress(c, NULL, NULL, n, z, NULL, &bits), SG_OK);
    assert_memory_equal(y, z, size); /* idempotent */
    for (long i = 0; i < n; i++) {   /* each coordinate by itself */
      z[0] = x[i];
      assert_int_equal(sg_compress(c, NULL, NULL, 1, z, NULL, &bits), SG_OK);
      assert_memory_equal(&y[i], &z[0], sizeof *z);
    }
  }
  /* A run that has diverged must be seen. */
  const double wrong[] = {NAN, INFINITY, -INFINITY, 1e300};
  for (int k = 0; k < 4; k++) {
    memcpy(z, x, size);
    z[n / 3] = wrong[k];
    sg_dither_at(&d, 5, 2, 3, 7, 1, 0);
    assert_int_equal(sg_compress(c, packed, &d, n, z, memory, &bits), SG_OK);
    bool finite = true;
    for (long i = 0; i < n; i++) finite = finite && isfinite(z[i]);
    assert_true(!finite || (wrong[k] == 1e300 && z[n / 3] == 1e300));
    if (memory) memset(memory, 0, (size_t)memories * size);
  }
  free(x);
  free(y);
  free(z);
  free(memory);
}

static void promises_are_kept(void **state) {
  (void)state;
  static const long lengths[] = {1, 2, 3, 7, 64, 999, 70001};
  sg_packed packed = {0};
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; sg_compressor_family.at(i); i++)
    for (int k = 0; k < 12; k++) {
      const sg_compressor c = compressor_of(sg_compressor_family.at(i), k == 0);
      for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++)
        check_one(&c, &packed, lengths[n], k % KINDS);
    }
  sg_packed_free(&packed);
}

/* What is unpacked from as many bytes as are counted is what the receiver has, to the last bit. */
static void long_messages_are_kept(void **state) {
  (void)state;
  sg_packed packed = {0};
  sg_stream_at(&stream, 8, 0, SG_FOR_CHECK, 0, 0, 0);
  for (long n = 1L << 20; n <= (1L << 20) + 1; n++) {
    size_t size = (size_t)n * sizeof(double);
    double *x = malloc(size), *y = malloc(size), *z = malloc(size), bits;
    assert_true(x && y && z);
    fill(x, n, 0);
    for (int i = 0; sg_compressor_family.at(i); i++) {
      const sg_compressor c = compressor_of(sg_compressor_family.at(i), true);
      if (!sg_compressor_whole(&c)) continue;
      sg_dither d;
      sg_dither_at(&d, 5, 2, 3, 7, 1, 0);
      memcpy(y, x, size);
      assert_int_equal(sg_compress(&c, &packed, &d, n, y, NULL, &bits), SG_OK);
      assert_true(bits == (double)packed.count);
      if (sg_compressor_fixed(&c)) assert_true(bits == sg_compressor_bits(&c, n));
      receive(&c, &packed, n, z);
      assert_memory_equal(y, z, size);
    }
    free(x);
    free(y);
    free(z);
  }
  sg_packed_free(&packed);
}

/* Means over the randomness, in standard errors of the mean. */
static void unbiased_ones_are(void **state) {
  (void)state;
  enum { N = 12, DRAWS = 20000 };
  sg_packed packed = {0};
  int found = 0;
  sg_stream_at(&stream, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; sg_compressor_family.at(i); i++)
    for (int k = 0; k < 4; k++) {
      const sg_compressor c = compressor_of(sg_compressor_family.at(i), k == 0);
      if (!c.unbiased) continue;
      assert_int_equal(c.feedback, SG_FEEDBACK_NONE);
      double x[N], y[N], sum[N] = {0}, square[N] = {0}, top = 0, bits;
      fill(x, N, 0);
      for (int r = 0; r < DRAWS; r++) {
        sg_dither d;
        sg_dither_at(&d, 1, (uint32_t)r, k, 0, 0, 0);
        memcpy(y, x, sizeof y);
        assert_int_equal(sg_compress(&c, &packed, &d, N, y, NULL, &bits), SG_OK);
        for (int j = 0; j < N; j++) {
          sum[j] += y[j] - x[j], square[j] += (y[j] - x[j]) * (y[j] - x[j]);
          top = fmax(top, fabs(y[j]));
        }
      }
      for (int j = 0; j < N; j++) {
        double mean = sum[j] / DRAWS, variance = square[j] / DRAWS - mean * mean;
        /* What is next to never 0, or next to always, seems to have no variance. It is at most that
         * of 0 and the largest number of all. */
        if (variance < 1e-9 * square[j] / DRAWS) variance = fabs(x[j]) * top;
        double error = sqrt(variance / DRAWS);
        if (fabs(mean) > 5 * error + 1e-12 * fabs(x[j]))
          fail_msg("%s: coordinate %d is off by %g, %g standard errors", c.type->about.name, j,
                   mean, mean / error);
      }
      found++;
    }
  assert_true(found >= 4);
  sg_packed_free(&packed);
}

/* Bits written one way are read another, at any offset. */
static void packed_bits(void **state) {
  (void)state;
  sg_packed p = {0};
  enum { N = 3000 };
  static uint64_t value[N];
  static int width[N];
  size_t bits = 0;
  sg_stream_at(&stream, 3, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; i < N; i++) {
    width[i] = (int)(65 * sg_uniform(&stream));
    value[i] = (uint64_t)(sg_uniform(&stream) * 0x1p53) * 0x9e3779b97f4a7c15u;
    sg_pack(&p, value[i], width[i]);
    bits += (size_t)width[i];
    if (width[i] < 64) value[i] &= ((uint64_t)1 << width[i]) - 1;
  }
  assert_int_equal(p.count, bits);
  size_t at = 0;
  for (int i = 0; i < N; i++) { /* bit by bit, least significant first */
    uint64_t v = 0;
    for (int k = 0; k < width[i]; k++, at++) v |= (uint64_t)(p.byte[at / 8] >> at % 8 & 1) << k;
    assert_true(v == value[i] && sg_unpack(&p, width[i]) == v);
  }
  assert_int_equal(sg_unpack(&p, 64), 0); /* nothing stands past the end */
  sg_packed_free(&p);
}

/* Long vectors take their uniforms from many streams, none twice. */
static void uniforms_of_long_vectors(void **state) {
  (void)state;
  enum { N = 200000 };
  double *u = malloc(N * sizeof *u), sum = 0;
  assert_non_null(u);
  sg_dither d, other;
  sg_dither_at(&d, 1, 0, 0, 0, 0, 0);
  for (int i = 0; i < N; i++) sum += u[i] = sg_dither_next(&d);
  assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
  for (int i = 0; i + 65536 < N; i++) assert_true(u[i] != u[i + 65536]);
  for (int k = 0; k < 6; k++) { /* another address, another message */
    sg_dither_at(&other, 1 + (k == 0), k == 1, k == 2, k == 3, k == 4, k == 5);
    assert_true(sg_dither_next(&other) != u[0]);
  }
  free(u);
}

/* --- QSGD, top-k: their formulas -------------------------------------------------------------- */

/* Values are multiples of N/s next to the coordinate, and the squared error has the mean
 * N²/s² Σ f(1 − f). */
static void qsgd_rounds_to_its_levels(void **state) {
  (void)state;
  enum { N = 9, DRAWS = 20000 };
  static const int levels[] = {1, 3, 4, 200};
  sg_packed packed = {0};
  sg_stream_at(&stream, 4, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int k = 0; k < 4; k++) {
    int s = levels[k];
    const sg_compressor c = test_compressor("qsgd", (const double[]){s, 0});
    double x[N], y[N], bits, sum = 0, square = 0, expected = 0;
    fill(x, N, 0);
    double norm = norm_of(x, N);
    assert_true(sg_compressor_bits(&c, N) == 32 + N * (1 + ceil(log2(s + 1))));
    for (int i = 0; i < N; i++) {
      double f = fmod(fabs(x[i]) * s / norm, 1);
      expected += f * (1 - f) * norm * norm / s / s;
    }
    for (int r = 0; r < DRAWS; r++) {
      sg_dither d;
      double error2 = 0;
      sg_dither_at(&d, 9, (uint32_t)r, 0, (uint32_t)k, 0, 0);
      memcpy(y, x, sizeof y);
      assert_int_equal(sg_compress(&c, &packed, &d, N, y, NULL, &bits), SG_OK);
      for (int i = 0; i < N; i++) {
        double level = y[i] * s / norm;
        assert_true(fabs(level - round(level)) < 1e-6 * s && fabs(y[i] - x[i]) < norm / s);
        error2 += (y[i] - x[i]) * (y[i] - x[i]);
      }
      sum += error2;
      square += error2 * error2;
    }
    double mean = sum / DRAWS, error = sqrt((square / DRAWS - mean * mean) / DRAWS);
    assert_true(fabs(mean - expected) < 5 * error + 1e-6 * expected);
    assert_true(mean <= fmin((double)N / s / s, sqrt(N) / s) * norm * norm * (1 + 1e-6));
  }
  sg_packed_free(&packed);
}

/* The k largest, found one after another; the lower index first. y: as sent; bits: of all. */
static void plain_top_k(const double *u, long n, long k, double *y, double *bits) {
  for (long i = 0; i < n; i++) y[i] = 0;
  char *taken = calloc((size_t)n, 1);
  assert_non_null(taken);
  for (long t = 0; t < k; t++) {
    long best = -1;
    for (long i = 0; i < n; i++)
      if (!taken[i] && (best < 0 || fabs(u[i]) > fabs(u[best]))) best = i;
    taken[best] = 1;
    y[best] = (double)(float)u[best];
  }
  int b = (int)floor(log2((double)n / (double)k));
  *bits = 32.0 * (double)k;
  for (long i = 0, last = -1; i < n; i++)
    if (taken[i]) {
      *bits += (double)((i - last - 1) / (1L << b)) + 1 + b;
      last = i;
    }
  free(taken);
}

/* C(u) and the memory over several messages, the bits of each, and the contraction. */
static void top_k_and_what_it_remembers(void **state) {
  (void)state;
  sg_packed packed = {0};
  sg_stream_at(&stream, 6, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int round = 0; round < 200; round++) {
    long n = 1 + (long)(sg_uniform(&stream) * 80);
    bool feedback = round % 2;
    double share = round % 7 == 0 ? 1 : 1e-3 + 0.999 * sg_uniform(&stream) * sg_uniform(&stream);
    long k = (long)ceil(share * (double)n);
    sg_compressor c = test_compressor("top-k", (const double[]){share});
    assert_int_equal(c.feedback, SG_FEEDBACK_CLASSIC);
    if (!feedback) c.feedback = SG_FEEDBACK_NONE;
    assert_int_equal(sg_compressor_memory(&c), feedback);
    double *x = calloc((size_t)n * 5, sizeof *x), *y = x + n, *e = y + n, *mine = e + n,
           *sent = mine + n, bits, expected, bits_seen[4];
    assert_non_null(x);
    for (int message = 0; message < 4; message++) {
      fill(x, n, round % KINDS == 4 ? 0 : round % KINDS);
      double u2 = 0, error2 = 0;
      for (long i = 0; i < n; i++) mine[i] += x[i];
      plain_top_k(mine, n, k, sent, &expected);
      memcpy(y, x, (size_t)n * sizeof *y);
      assert_int_equal(sg_compress(&c, &packed, NULL, n, y, feedback ? e : NULL, &bits), SG_OK);
      assert_memory_equal(y, sent, (size_t)n * sizeof *y);
      assert_true(bits == expected);
      bits_seen[message] = bits;
      for (long i = 0; i < n; i++) {
        u2 += mine[i] * mine[i];
        error2 += (mine[i] - y[i]) * (mine[i] - y[i]);
        mine[i] = feedback ? mine[i] - y[i] : 0;
      }
      assert_true(error2 <= (1 - (double)k / (double)n) * u2 + 1e-13 * u2);
      if (feedback) assert_memory_equal(e, mine, (size_t)n * sizeof *e);
    }
    if (n > 40 && k > 3 && k < n / 2 && round % KINDS == 0) /* bits depend on the data */
      assert_true(bits_seen[0] != bits_seen[1] || bits_seen[1] != bits_seen[2] ||
                  bits_seen[2] != bits_seen[3]);
    free(x);
  }
  sg_packed_free(&packed);
}

/* --- What is formed, and when ----------------------------------------------------------------- */

typedef struct formed {
  sg_run *run;
  int count;
  struct {
    int from, part;
    uint32_t iteration, draw;
    double time;
  } of[64];
} formed;

/* 100 · (sender + 1) bytes, which nobody can know before. */
static bool form(void *user, const sg_run_sent *sent, double *bits) {
  formed *f = user;
  assert_true(f->count < 64 && *bits == 0);
  f->of[f->count].from = sent->message->from;
  f->of[f->count].part = sent->part;
  f->of[f->count].iteration = sent->iteration;
  f->of[f->count].draw = sent->draw;
  f->of[f->count++].time = sg_run_now(f->run);
  *bits = 800.0 * (sent->message->from + 1) - 3; /* the last byte is not full */
  return true;
}

static bool keep(void *user, int slot, int model) {
  return user && slot >= 0 && model >= 0;
}

/* Three workers that compute 1, 2 and 6 s; headers of 50 bytes at 100 bytes a second. Round 0 ends
 * with the first arrival, round 1 waits for all. */
static void messages_are_formed_when_they_are_sent(void **state) {
  (void)state;
  for (int occupy = 0; occupy < 2; occupy++) {
    test_setup setup = {.workers = 3,
                        .speed = (const double[]){6, 3, 1},
                        .delay = "deterministic",
                        .delay_by = {6},
                        .uplink = "linear",
                        .uplink_by = {0, 100},
                        .compressor = "top-k",
                        .compressor_by = {0.1},
                        .late_messages = occupy ? "occupy-link" : "cancel",
                        .header_bytes = 50,
                        .length = 40};
    test_environment t;
    test_environment_make(&t, &setup);
    sg_shape shape = {.workers = 3, .subsets = 3, .length = 40, .updates = 2};
    sg_code *code = test_code(&toy_waits, &shape, "later", 3);
    formed f = {0};
    sg_run_limits limits = {.iterations = 2, .sim_time_s = INFINITY};
    sg_run_hooks hooks = {.user = &f, .snapshot = keep, .form = form};
    f.run = sg_run_new(&t.env, code, 0, &limits, &hooks, NULL);
    assert_non_null(f.run);
    assert_int_equal(sg_run_advance(f.run), SG_RUN_DECODE);
    /* Worker 0 sends from 1 to 2.5, worker 1 from 2 on; worker 2's turn never comes. */
    assert_int_equal(f.count, 2);
    assert_true(f.of[0].from == 0 && f.of[0].time == 1 && f.of[0].iteration == 0);
    assert_true(f.of[1].from == 1 && f.of[1].time == 2 && f.of[1].iteration == 0);
    NEAR(sg_run_now(f.run), 2.5);
    const sg_message *first = sg_run_request_of(f.run)->segment[0].message[0];
    sg_run_sent sent = sg_run_sent_of(f.run, first);
    assert_true(sg_run_bits(f.run, first) == 797 && sent.draw == 0 && sent.part == 0 &&
                sent.iteration == 0);
    sg_run_supply(f.run, &(sg_run_result){.decoded = true, .n_used = 1});
    NEAR(sg_run_record(f.run)->bytes_received, 150 * 1.0);
    NEAR(sg_run_record(f.run)->bytes_sent, 150 + 250);
    assert_int_equal(sg_run_advance(f.run), SG_RUN_DECODE);
    assert_int_equal(f.count, 5);
    for (int i = 2; i < 5; i++)
      assert_true(f.of[i].from == i - 2 && f.of[i].iteration == 1 && f.of[i].draw == 0);
    sg_run_supply(f.run, &(sg_run_result){.decoded = true, .n_used = 3});
    /* Worker 2: 6 s, then 350 bytes. */
    NEAR(sg_run_record(f.run)->duration_s, 6 + 3.5);
    NEAR(sg_run_record(f.run)->bytes_sent, 150 + 250 + 350);
    sg_run_free(f.run);
    sg_code_free(code);
    test_environment_free(&t);
  }
}

/* --- From a scenario -------------------------------------------------------------------------- */

static char folder[] = "/tmp/straggle-compress-XXXXXX";

static int set_up(void **state) {
  (void)state;
  sg_blas_single_thread();
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command);
}

/* The first point of a scenario. */
typedef struct stage {
  sg_scenario *scenario;
  sg_plan *plan;
  sg_world *world;
} stage;

static void make_world(stage *s, const char *text) {
  char path[100];
  sg_error e = {0};
  *s = (stage){0};
  snprintf(path, sizeof path, "%s/scenario.json", folder);
  sg_status status = sg_scenario_parse(path, text, strlen(text), 0, NULL, &s->scenario, &e);
  if (!status) status = sg_plan_new(s->scenario, &s->plan, &e);
  if (!status) status = sg_world_new(s->plan->point[0].point, s->plan->cache, NULL, &s->world, &e);
  if (status) fail_with(&e);
}

static void end_world(stage *s) {
  sg_world_free(s->world, s->plan->cache);
  sg_plan_free(s->plan);
  sg_scenario_free(s->scenario);
}

/* Worker 2 computes slowly enough for the others to be first. Erased messages are formed, too:
 * their sender cannot know. */
static void erased_messages_are_formed(void **state) {
  (void)state;
  stage s;
  make_world(
      &s,
      "{\"format\":1,\"cluster\":{\"workers\":5,\"erasure\":{\"model\":\"uniform\",\"count\":2}},"
      "\"delay\":{\"model\":\"deterministic\",\"value_s\":1},"
      "\"network\":{\"compression\":{\"compressor\":\"top-k\"}},"
      "\"learning\":{\"problem\":\"synthetic-gradient\",\"length\":30},"
      "\"schemes\":[{\"code\":\"ignore-stragglers\",\"s\":2}],\"stop\":{\"iterations\":4}}");
  formed f = {0};
  sg_run_hooks hooks = {.user = &f, .snapshot = keep, .form = form};
  f.run = sg_run_new(&s.world->environment, s.world->code, 0, &s.world->limits, &hooks, NULL);
  assert_non_null(f.run);
  for (int round = 0; round < 4; round++) {
    assert_int_equal(sg_run_advance(f.run), SG_RUN_DECODE);
    assert_int_equal(sg_run_request_of(f.run)->segment[0].count, 3);
    assert_int_equal(f.count, 5 * (round + 1));
    for (int w = 0; w < 5; w++)
      assert_true(f.of[5 * round + w].from == w &&
                  f.of[5 * round + w].iteration == (uint32_t)round);
    sg_run_supply(f.run, &(sg_run_result){.decoded = true, .n_used = 3});
  }
  sg_run_free(f.run);
  end_world(&s);
}

/* A header is counted once per transmission: two jobs' vectors travel together. */
static void headers_of_transmissions(void **state) {
  (void)state;
  double sent[2][4];
  for (int k = 0; k < 2; k++) {
    test_setup setup = {.workers = 3,
                        .delay = "deterministic",
                        .delay_by = {1},
                        .header_bytes = 20.0 * k,
                        .compressor = "float32",
                        .length = 10};
    test_environment t;
    test_environment_make(&t, &setup);
    sg_shape shape = {.workers = 3, .subsets = 3, .length = 10, .updates = 4};
    sg_code *code = test_code(&toy_pipeline, &shape, NULL, 0);
    sg_run_limits limits = {.iterations = 4, .sim_time_s = INFINITY};
    sg_run *run =
        sg_run_new(&t.env, code, 0, &limits, &(sg_run_hooks){.user = &t, .snapshot = keep}, NULL);
    assert_non_null(run);
    for (int i = 0; i < 4; i++) {
      assert_int_equal(sg_run_advance(run), SG_RUN_DECODE);
      const sg_run_request *request = sg_run_request_of(run);
      for (int m = 0; m < request->segment[0].count; m++)
        assert_true(sg_run_bits(run, request->segment[0].message[m]) == 320);
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 3});
      sent[k][i] = sg_run_record(run)->bytes_sent;
    }
    sg_run_free(run);
    sg_code_free(code);
    test_environment_free(&t);
  }
  for (int i = 1; i < 4; i++) {
    NEAR(sent[0][i], 3 * 2 * 40);
    NEAR(sent[1][i], 3 * (2 * 40 + 20));
  }
}

/* --- Runs with error feedback against descent in a page --------------------------------------- */

enum { WORKERS = 4, MOST = 64 };

typedef struct course {
  int rows;
  double loss[MOST], bits[MOST];
  bool used[MOST][WORKERS];
} course;

static bool keep_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  (void)replication;
  course *c = user;
  assert_true(c->rows < MOST && n == WORKERS);
  for (int w = 0; w < n; w++) c->used[c->rows][w] = worker[w].used;
  c->bits[c->rows] = row->bits;
  c->loss[c->rows++] = row->loss;
  return true;
}

static bool keep_going(void *user, int replication, const sg_run_row *run,
                       const sg_summary_record *summary, int n, const sg_worker_summary_record *w) {
  (void)user, (void)replication, (void)run, (void)summary, (void)n, (void)w;
  return true;
}

static course run_course(const sg_world *w) {
  sg_error e = {0};
  course c = {0};
  const int replication = 0;
  const sg_block_options options = {.worker_rows = true};
  const sg_sink sink = {.user = &c, .row = keep_row, .finish = keep_going};
  if (sg_block_run(w, 1, &replication, &options, &sink, &e)) fail_with(&e);
  return c;
}

/* Logistic regression of the rows [from, to) of all rows, unregularised. */
static double plain_loss(const sg_data *d, long from, long to, const double *x, double *gradient) {
  double loss = 0;
  for (long c = 0; c < d->columns; c++) gradient[c] = 0;
  for (long r = from; r < to; r++) {
    const double *row = d->x + r * d->columns;
    double z = 0;
    for (long c = 0; c < d->columns; c++) z += row[c] * x[c];
    loss += log1p(exp(-fabs(z))) + (z > 0 ? z : 0) - d->y[r] * z;
    double residual = 1 / (1 + exp(-z)) - d->y[r];
    for (long c = 0; c < d->columns; c++) gradient[c] += residual * row[c] / (double)d->rows;
  }
  return loss / (double)d->rows;
}

/* Whether losses and bits are those of: worker w sends the k largest of its gradient and what it
 * has not sent (ef21: of its gradient less what the master has of it, to which that is added);
 * sends[i % period][w]: it sends in iteration i; the sum of those used is scaled by 4/3. */
static bool as_plain(const stage *s, const course *c, double step, long k, bool ef21, int period,
                     const bool (*sends)[WORKERS]) {
  sg_error e = {0};
  sg_data *d = NULL;
  const sg_values *learning = sg_section(s->plan->point[0].point, "learning");
  if (sg_data_new(sg_object(learning, "data"), false, 1, &d, &e)) fail_with(&e);
  long n = d->columns;
  double *x = calloc((size_t)n * (4 + WORKERS), sizeof *x), bits;
  double *g = x + n, *sum = g + n, *sent = sum + n, *memory = sent + n;
  assert_non_null(x);
  bool same = true;
  for (int i = 0; i < c->rows; i++) {
    double used_bits = 0;
    for (long j = 0; j < n; j++) sum[j] = 0;
    for (int w = 0; w < WORKERS; w++) {
      double *m = memory + w * n;
      assert_true(!c->used[i][w] || sends[i % period][w]);
      if (!sends[i % period][w]) continue;
      plain_loss(d, w * d->rows / WORKERS, (w + 1) * d->rows / WORKERS, x, g);
      for (long j = 0; j < n; j++) g[j] += ef21 ? -m[j] : m[j];
      plain_top_k(g, n, k, sent, &bits);
      used_bits += c->used[i][w] ? bits : 0;
      for (long j = 0; j < n; j++) m[j] = ef21 ? m[j] + sent[j] : g[j] - sent[j];
      for (long j = 0; j < n && c->used[i][w]; j++) sum[j] += 4.0 / 3 * (ef21 ? m : sent)[j];
    }
    for (long j = 0; j < n; j++) x[j] -= step * sum[j];
    double loss = plain_loss(d, 0, d->rows, x, g);
    same = same && fabs(c->loss[i] - loss) < 1e-9 * loss && c->bits[i] == used_bits;
  }
  free(x);
  sg_data_free(d);
  return same;
}

#define RUN                                                                                        \
  "\"learning\":{\"problem\":\"logistic-regression\",\"data\":{\"source\":\"gaussian-mixture\","   \
  "\"rows\":400,\"features\":19,\"test_share\":0},"                                                \
  "\"optimizer\":{\"method\":\"gradient-descent\",\"step\":0.6}},"                                 \
  "\"schemes\":[{\"code\":\"ignore-stragglers\",\"s\":1}],\"stop\":{\"iterations\":48}"
#define NETWORK(feedback)                                                                          \
  "\"network\":{\"uplink\":{\"model\":\"linear\",\"latency_s\":1,\"bandwidth_Bps\":1e6},"          \
  "\"compression\":{\"compressor\":\"top-k\",\"share\":0.15,\"feedback\":\"" feedback "\"}}"

/* Only messages that are used advance the memory of their sender, late ones and those that are
 * cancelled before their turn do not: all has an effect on later losses. */
static void check_late_and_cancelled(bool ef21) {
  /* Iteration by iteration: 3 is late on its way; 3 is cancelled at work; 0 is late; 1 is cancelled
   * at work. */
  static const double seconds[4][WORKERS] = {
      {1, 1.1, 1.2, 1.9}, {1, 1.1, 1.2, 9}, {1.9, 1.1, 1, 1.2}, {1, 9, 1.1, 1.2}};
  static const bool used[4][WORKERS] = {{1, 1, 1, 0}, {1, 1, 1, 0}, {0, 1, 1, 1}, {1, 0, 1, 1}};
  static const bool sent[4][WORKERS] = {{1, 1, 1, 1}, {1, 1, 1, 0}, {1, 1, 1, 1}, {1, 0, 1, 1}};
  static const bool all[4][WORKERS] = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};
  char path[100];
  snprintf(path, sizeof path, "%s/times.csv", folder);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "# source: by hand\n# licence: MIT\n# unit: s\niteration,worker,compute_s\n");
  for (int i = 0; i < 4; i++)
    for (int w = 0; w < WORKERS; w++) fprintf(f, "%d,%d,%g\n", i, w, seconds[i][w]);
  fclose(f);
  stage s;
#define LATE(feedback)                                                                             \
  "{\"format\":1,\"cluster\":{\"workers\":4},\"delay\":{\"model\":\"trace\",\"path\":\"times."     \
  "csv\","                                                                                         \
  "\"mode\":\"replay\"}," NETWORK(feedback) "," RUN "}"
  make_world(&s, ef21 ? LATE("ef21") : LATE("classic"));
  assert_int_equal(s.world->width, 1);
  course c = run_course(s.world);
  assert_int_equal(c.rows, 48);
  for (int i = 0; i < 48; i++)
    for (int w = 0; w < WORKERS; w++) assert_int_equal(c.used[i][w], seconds[i % 4][w] < 1.5);
  assert_true(as_plain(&s, &c, 0.6, 3, ef21, 4, used));
  assert_false(as_plain(&s, &c, 0.6, 3, ef21, 4, sent));
  assert_false(as_plain(&s, &c, 0.6, 3, ef21, 4, all));
  end_world(&s);
}

static void memory_of_late_and_cancelled_messages(void **state) {
  (void)state;
  check_late_and_cancelled(false);
  check_late_and_cancelled(true);
}

/* An erased message leaves the memory of its sender as it was. */
static void check_erased(bool ef21) {
  static const bool all[1][WORKERS] = {{1, 1, 1, 1}};
  stage s;
#define ERASED(feedback)                                                                           \
  "{\"format\":1,\"cluster\":{\"workers\":4,\"erasure\":{\"model\":\"uniform\",\"count\":1}},"     \
  "\"delay\":{\"model\":\"deterministic\",\"value_s\":1}," NETWORK(feedback) "," RUN "}"
  make_world(&s, ef21 ? ERASED("ef21") : ERASED("classic"));
  course c = run_course(s.world);
  assert_int_equal(c.rows, 48);
  int erased[WORKERS] = {0};
  for (int i = 0; i < 48; i++)
    for (int w = 0; w < WORKERS; w++) erased[w] += !c.used[i][w];
  for (int w = 0; w < WORKERS; w++) assert_true(erased[w] > 0 && erased[w] < 48);
  assert_true(as_plain(&s, &c, 0.6, 3, ef21, 48, (const bool(*)[WORKERS])c.used));
  assert_false(as_plain(&s, &c, 0.6, 3, ef21, 1, all));
  end_world(&s);
}

static void memory_of_erased_messages(void **state) {
  (void)state;
  check_erased(false);
  check_erased(true);
}

/* --- Protocols of other kinds ----------------------------------------------------------------- */

static bool keep_error(void *user, int replication, const sg_iteration_record *row, int n,
                       const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  course *c = user;
  assert_true(row->grad_rel_err >= 0 && row->bits > 0);
  c->loss[0] = fmax(c->loss[0], row->grad_rel_err);
  c->rows++;
  return true;
}

/* With compressors that lose next to nothing, formed when they are sent or when they are used, the
 * decoded sum is next to right. */
static void every_kind_of_protocol(void **state) {
  (void)state;
  static const struct {
    const char *compression;
    double worst;
  } how[] = {{"\"top-k\",\"share\":1,\"insist\":true", 1e-5},
             {"\"top-k\",\"share\":1,\"feedback\":\"none\",\"insist\":true", 1e-5},
             {"\"qsgd\",\"levels\":65535", 1e-2}};
  for (int i = 0; i < 3 * TOY_KINDS; i++) {
    const struct toy_kind *toy = &toy_kinds[i / 3];
    char text[1024];
    snprintf(text, sizeof text,
             "{\"format\":1,\"cluster\":{\"workers\":%d},"
             "\"delay\":{\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":1},"
             "\"network\":{\"compression\":{\"compressor\":%s}},"
             "\"learning\":{\"problem\":\"logistic-regression\",\"data\":{\"source\":"
             "\"gaussian-mixture\",\"rows\":200,\"features\":8}},"
             "\"schemes\":[{\"code\":\"%s\"}],\"stop\":{\"iterations\":30}}",
             toy->workers, how[i % 3].compression, toy->code);
    stage s;
    make_world(&s, text);
    sg_error e = {0};
    course c = {0};
    const int replication = 0;
    const sg_block_options options = {0};
    const sg_sink sink = {.user = &c, .row = keep_error, .finish = keep_going};
    if (sg_block_run(s.world, 1, &replication, &options, &sink, &e)) fail_with(&e);
    assert_int_equal(c.rows, 30);
    if (!(c.loss[0] > 0 && c.loss[0] < how[i % 3].worst))
      fail_msg("%s, %s: error %g", toy->code, how[i % 3].compression, c.loss[0]);
    end_world(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promises_are_kept),
      cmocka_unit_test(long_messages_are_kept),
      cmocka_unit_test(unbiased_ones_are),
      cmocka_unit_test(packed_bits),
      cmocka_unit_test(uniforms_of_long_vectors),
      cmocka_unit_test(qsgd_rounds_to_its_levels),
      cmocka_unit_test(top_k_and_what_it_remembers),
      cmocka_unit_test(messages_are_formed_when_they_are_sent),
      cmocka_unit_test(erased_messages_are_formed),
      cmocka_unit_test(headers_of_transmissions),
      cmocka_unit_test(memory_of_late_and_cancelled_messages),
      cmocka_unit_test(memory_of_erased_messages),
      cmocka_unit_test(every_kind_of_protocol),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
