/* SPDX-License-Identifier: MIT */
#include "tests/support/placed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "d=3 graph=circulant" */
sg_values *typed(const char *name, const char *words) {
  char copy[256];
  sg_values *values = bench_values(name, NULL);
  snprintf(copy, sizeof copy, "%s", words);
  for (char *rest, *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    char *equals = strchr(word, '=');
    assert_non_null(equals);
    *equals = 0;
    if (sg_values_parse(values, word, equals + 1, NULL)) fail_msg("%s: %s", name, word);
  }
  return values;
}

made make_with(const char *name, const char *words, int n, uint64_t seed,
               const sg_forecast *forecast) {
  made m = {.values = typed(name, words)};
  sg_shape shape = {
      .workers = n, .subsets = n, .length = 60, .seed = seed, .updates = 10, .forecast = forecast};
  sg_error e = {0};
  const sg_code_type *type = (const sg_code_type *)m.values->variant;
  if (sg_code_new(type, &shape, m.values, &m.code, &e))
    fail_msg("%s %s, n = %d: %s", name, words, n, e.fault[0].message);
  m.t = m.code->self;
  m.workers = n;
  m.blocks = m.code->parts;
  m.who = malloc((size_t)n * sizeof *m.who);
  m.w = malloc((size_t)n * sizeof *m.w);
  m.alpha = malloc((size_t)m.blocks * sizeof *m.alpha);
  assert_true(m.who && m.w && m.alpha);
  return m;
}

made make(const char *name, const char *words, int n, uint64_t seed) {
  return make_with(name, words, n, seed, NULL);
}

void drop(made *m) {
  sg_values_free(m->values);
  sg_code_free(m->code);
  free(m->who);
  free(m->w);
  free(m->alpha);
  free(m->scratch.data);
}

/* α of those for whom present is true; ‖α − 1‖². */
double decode(made *m, const bool *present) {
  sg_decode_info info = {0};
  int count = 0;
  double error = 0;
  for (int j = 0; j < m->workers; j++)
    if (present[j]) m->who[count++] = j;
  assert_int_equal(sg_approximate_weigh(m->t, count, m->who, m->w, &m->scratch, &info), SG_OK);
  sg_approximate_alpha(m->t, count, m->who, m->w, m->alpha);
  for (int i = 0; i < m->blocks; i++) error += (m->alpha[i] - 1) * (m->alpha[i] - 1);
  return error;
}

double decode_set(made *m, unsigned long set) {
  bool present[64];
  for (int j = 0; j < m->workers; j++) present[j] = set >> j & 1;
  return decode(m, present);
}

/* P(exactly these answer) with every worker straggling by p. */
double chance(int n, unsigned long set, double p) {
  double product = 1;
  for (int j = 0; j < n; j++) product *= set >> j & 1 ? 1 - p : p;
  return product;
}

/* E ‖α − 1‖² over all patterns. */
double mean_error(made *m, double p) {
  double mean = 0;
  for (unsigned long set = 0; set < 1UL << m->workers; set++)
    mean += chance(m->workers, set, p) * decode_set(m, set);
  return mean;
}

/* Over all sets of r. */
double mean_error_of(made *m, int r) {
  double mean = 0, sets = 0;
  for (unsigned long set = 0; set < 1UL << m->workers; set++)
    if (__builtin_popcountl(set) == r) {
      mean += decode_set(m, set);
      sets++;
    }
  return mean / sets;
}

double choose(int n, int k) {
  double c = k <= n;
  for (int i = 1; i <= k && c > 0; i++) c = c * (n - k + i) / i;
  return c;
}

sg_stream stream_of(uint32_t number) {
  sg_stream s;
  sg_stream_at(&s, 12, 0, SG_FOR_CHECK, 0, number, 0);
  return s;
}

void sample(sg_stream *s, int n, int r, bool *present) {
  for (int j = 0; j < n; j++) present[j] = false;
  for (int j = n - r; j < n; j++) { /* Floyd's method */
    int pick = (int)(sg_uniform(s) * (j + 1));
    present[present[pick] ? j : pick] = true;
  }
}

void take(moments *m, double x) {
  m->count++;
  m->sum += x;
  m->squares += x * x;
}

void check_z(const moments *m, double expected, const char *what) {
  double mean = m->sum / m->count;
  double error = sqrt((m->squares / m->count - mean * mean) / (m->count - 1));
  if (!(fabs(mean - expected) <= 4 * error))
    fail_msg("%s: %.8g ± %.2g, expected %.8g", what, mean, error, expected);
}
