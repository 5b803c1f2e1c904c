/* SPDX-License-Identifier: MIT */
/* Amplification, the size of rounding errors of a decode: its definition, that the scale of rows
 * does not matter, and that it tells errors of codes that have nothing in common. */
#include "sim/check/check.h"
#include "sim/core/linalg.h"

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

static const double speeds[] = {4, 2, 1, 1, 3, 1, 2, 1, 1, 5, 1, 2};

/* Of a code's name and "member=value …". */
static sg_code *code_of(const char *name, const char *settings) {
  const sg_code_type *type = sg_code_type_find(name);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  const sg_shape shape = {
      .workers = 12, .subsets = 12, .length = 960, .speed = speeds, .seed = 3, .updates = 1};
  sg_code *code = NULL;
  sg_error e = {0};
  char *copy = strdup(settings), *left = copy;
  for (char *word; (word = strsep(&left, " "));) {
    char *value = word;
    const char *member = strsep(&value, "=");
    if (value) sg_values_parse(values, member, value, &e);
  }
  if (e.count || sg_code_new(type, &shape, values, &code, &e)) fail_msg("%s", e.fault[0].message);
  free(copy);
  sg_values_free(values);
  return code;
}

static sg_check *check(const char *name, const char *settings) {
  const sg_check_options options = {.patterns = 5000, .seed = 1, .threads = 1};
  sg_code *code = code_of(name, settings);
  sg_check *c = NULL;
  sg_error e = {0};
  if (sg_code_check(code, &options, &c, &e)) fail_msg("%s", e.fault[0].message);
  sg_code_free(code);
  return c;
}

/* √(Σ |w|² Σ b² share / m), from rows written out; parts of unequal size and pieces among them. */
static void is_what_its_definition_says(void **state) {
  static const struct {
    const char *name, *settings;
  } of[] = {{"uncoded", ""},
            {"heterogeneous", "s=2"},
            {"ye-abbe", "d=4 m=2 construction=polynomial"},
            {"group", "d=4 m=2 stop=count"},
            {"ignore-stragglers", "s=3"}};
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    sg_code *code = code_of(of[i].name, of[i].settings);
    int n = code->shape.workers, need = n - code->promised, pieces = code->segment[0].pieces;
    size_t size = (size_t)(code->parts * pieces);
    sg_message message[12];
    const sg_message *order[12];
    sg_weights w;
    sg_decoder *decoder = sg_decoder_new(code);
    sg_expander expander = {0};
    double *row = calloc(size, sizeof *row), sum = 0;
    assert_non_null(row);
    for (int k = 0; k < need; k++) {
      message[k] = (sg_message){.from = n - 1 - k, .to = SG_MASTER};
      order[k] = &message[k];
    }
    void *run_state = calloc(1, code->state_size + 1);
    for (int again = 0; again < 2; again++, sum = 0) { /* fresh, then kept */
      assert_int_equal(sg_decoder_weights(decoder, run_state, 0, need, order, &w, NULL), SG_OK);
      for (int k = 0; k < need; k++) {
        double rows = 0, weights = 0;
        memset(row, 0, size * sizeof *row);
        assert_true(sg_expand(&expander, code, run_state, order[k], 1, row));
        for (size_t j = 0; j < size; j++) {
          int part = (int)j / pieces;
          rows += row[j] * row[j] * (sg_code_edge(code, part + 1) - sg_code_edge(code, part));
        }
        for (int v = 0; v < pieces; v++) weights += w.w[k * pieces + v] * w.w[k * pieces + v];
        sum += weights * rows;
      }
      double expected = sqrt(sum / pieces);
      assert_true(fabs(w.info.amplification - expected) < 1e-12 * expected);
    }
    if (i == 0) assert_true(fabs(w.info.amplification - 1) < 1e-14);
    free(row);
    free(run_state);
    sg_expander_free(&expander);
    sg_decoder_free(decoder);
    sg_code_free(code);
  }
}

/* Messages times a thousand have weights of a thousandth. */
static void scale_does_not_matter(void **state) {
  char path[2][40];
  sg_check *c[2];
  for (int i = 0; i < 2; i++) {
    strcpy(path[i], "/tmp/straggle-matrix-XXXXXX");
    int fd = mkstemp(path[i]);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    double x = i ? 1000 : 1;
    fprintf(f, "%g,%g,%g,%g\n%g,%g,%g,%g\n", x, x, x, x, -2 * x, -x, x, 3 * x);
    fclose(f);
    char settings[120];
    snprintf(settings, sizeof settings, "d=4 linear_code=matrix stop=count generator=%s", path[i]);
    c[i] = check("group", settings);
    unlink(path[i]);
  }
  assert_true(c[0]->amplification.worst > 1.5);
  assert_true(fabs(c[1]->amplification.worst / c[0]->amplification.worst - 1) < 1e-12);
  assert_true(fabs(c[1]->amplification.median / c[0]->amplification.median - 1) < 1e-12);
  for (int i = 0; i < 2; i++) sg_check_free(c[i]);
}

/* On the common scale errors of float32 messages are amplification times those of an uncoded sum:
 * of the worst patterns within a factor of 2, over four orders of magnitude; the bare norms of
 * these codes' weights are no measure of them. */
static void tells_errors(void **state) {
  static const struct {
    const char *name, *settings;
  } of[] = {{"fractional-repetition", "s=3"},
            {"cyclic-repetition", "s=3"},
            {"cyclic-mds", "s=3"},
            {"ye-abbe", "d=4 m=2 construction=polynomial"},
            {"ye-abbe", "d=4 m=2 construction=random"},
            {"group", "d=4 m=2"},
            {"group", "d=4 m=2 linear_code=gaussian"},
            {"heterogeneous", "s=2"},
            {"reed-solomon", "s=3 mask=cyclic"},
            {"arbitrary-placement", "s=2 replication=4"}};
  sg_check *uncoded = check("uncoded", "");
  double unit = uncoded->error[SG_FLOAT32].worst * uncoded->norms_ratio, least = INFINITY, most = 0;
  assert_true(fabs(uncoded->amplification.worst - 1) < 1e-14);
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    sg_check *c = check(of[i].name, of[i].settings);
    double error = c->error[SG_FLOAT32].worst * c->norms_ratio,
           ratio = error / (unit * c->amplification.worst);
    if (!(ratio > .5 && ratio < 2)) print_error("%s %s: %g\n", of[i].name, of[i].settings, ratio);
    assert_true(ratio > .5 && ratio < 2);
    least = fmin(least, error);
    most = fmax(most, error);
    sg_check_free(c);
  }
  assert_true(most > 1e3 * least);
  sg_check_free(uncoded);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_its_definition_says),
                                     cmocka_unit_test(scale_does_not_matter),
                                     cmocka_unit_test(tells_errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
