/* SPDX-License-Identifier: MIT */
/* Weights that do not change: what codes say of theirs (SG_WEIGHTS_CONSTANT, SG_WEIGHTS_BY_COUNT),
 * against rounds of every registered code played in many orders, with stragglers. Error feedback
 * rests on it. */
#include "sim/check/rehearsal.h"
#include "sim/core/linalg.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORKERS = 6 };

/* The weights that messages of one kind, (from, segment, tag), were given; `count`: messages of the
 * segment that were used. */
typedef struct seen {
  int from, segment, tag, count;
  double w[WORKERS + 2];
} seen;

typedef struct witness {
  bench *b;
  seen *of;
  size_t n, capacity;
  bool constant, by_count; /* so far */
  int refused;             /* decodes of this play */
} witness;

static bool differ(const double *a, const double *b, int pieces) {
  double most = 0, off = 0;
  for (int i = 0; i < pieces; i++) {
    most = fmax(most, fmax(fabs(a[i]), fabs(b[i])));
    off = fmax(off, fabs(a[i] - b[i]));
  }
  return off > 1e-9 * most;
}

static void look_at(witness *x, const sg_message *m, int count, const double *w, int pieces) {
  seen s = {.from = m->from, .segment = m->segment, .tag = m->tag, .count = count};
  bool zero = true, known = false;
  for (int i = 0; i < pieces && i < WORKERS + 2; i++) {
    s.w[i] = w[i];
    zero = zero && fabs(w[i]) < 1e-12;
  }
  if (zero) return; /* it is not used, and its sender remembers nothing of it */
  for (size_t i = 0; i < x->n; i++) {
    const seen *o = &x->of[i];
    if (o->from != s.from || o->segment != s.segment || o->tag != s.tag) continue;
    bool other = differ(o->w, s.w, pieces < WORKERS + 2 ? pieces : WORKERS + 2);
    if (other) x->constant = false;
    if (other && o->count == s.count) x->by_count = false;
    known = known || (!other && o->count == s.count);
  }
  if (known) return;
  if (x->n == x->capacity) {
    x->capacity = 2 * x->capacity + 64;
    x->of = realloc(x->of, x->capacity * sizeof *x->of);
    assert_non_null(x->of);
  }
  x->of[x->n++] = s;
}

static sg_status on_stage(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                          bool *decoded, sg_error *e) {
  witness *x = user;
  *decoded = true;
  for (int s = 0; s < x->b->code->segments; s++) {
    const sg_message *mine[BENCH_MESSAGES];
    sg_weights w;
    int n = 0;
    for (int i = 0; i < what->count; i++)
      if (what->message[i]->segment == s) mine[n++] = what->message[i];
    sg_status status =
        sg_decoder_weights(x->b->decoder, sg_protocol_state(r->protocol), s, n, mine, &w, e);
    if (status == SG_UNDECODABLE) { /* at a deadline perhaps for ever */
      *decoded = false;
      return ++x->refused > 3 ? SG_INTERRUPTED : SG_OK;
    }
    assert_int_equal(status, SG_OK);
    for (int i = 0; i < n; i++) look_at(x, mine[i], n, w.w + i * w.pieces, w.pieces);
  }
  return SG_OK;
}

static void play(witness *x) {
  bool present[BENCH_MOST];
  for (unsigned long set = 0; set < 1UL << WORKERS; set++)
    for (int seed = 0; seed < 2; seed++) {
      sg_rehearsal r;
      sg_error e = {0};
      for (int i = 0; i < x->b->code->nodes; i++) present[i] = i >= WORKERS || set >> i & 1;
      sg_script script = {.present = present,
                          .seed = set + 64 * (unsigned)seed + 1,
                          .updates = x->b->code->models + 2,
                          .late = seed,
                          .timers = seed,
                          .decode = on_stage,
                          .user = x};
      x->refused = 0;
      sg_status status = sg_rehearse(x->b->code, &script, &r, &e);
      if (status && status != SG_INTERRUPTED && !strstr(e.fault[0].message, "come to rest"))
        fail_msg("%s: %s", x->b->label, e.fault[0].message);
      sg_error_clear(&e);
      sg_rehearsal_free(&r);
    }
}

static int made, constant, by_count, varying;

static void check_code(sg_values *values) {
  bench b;
  sg_error e = {0};
  if (bench_open(&b, values, WORKERS, 1, &e)) {
    sg_error_clear(&e);
    return;
  }
  witness x = {.b = &b, .constant = true, .by_count = true};
  play(&x);
  bool says_constant = b.code->flags & SG_WEIGHTS_CONSTANT,
       says_by_count = b.code->flags & SG_WEIGHTS_BY_COUNT;
  if (says_constant && !x.constant) fail_msg("%s: weights are not constant", b.label);
  if (says_by_count && !x.by_count) fail_msg("%s: weights depend on more than a number", b.label);
  made++;
  constant += says_constant;
  by_count += says_by_count;
  varying += !x.constant;
  free(x.of);
  bench_close(&b);
}

/* The code's own stop policy, and others under which fewer messages are used. */
static void check_policies(const sg_values *values) {
  static const char *const policies[] = {NULL, "deadline(deadline_s=1)", "coverage(share=0.4)",
                                         "count(messages=3)"};
  for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
    sg_values *copy = sg_values_copy(values);
    assert_non_null(copy);
    sg_error e = {0};
    if (policies[i] && sg_values_parse(copy, "stop", policies[i], &e))
      fail_msg("%s", e.fault[0].message);
    check_code(copy);
    sg_values_free(copy);
  }
}

/* Members on small values or any of their words, at most `left` of them. */
static void walk(const sg_param *p, sg_values *values, int left) {
  if (!p || !p->name) {
    if (sg_values_check_required(values, NULL) == SG_OK) check_policies(values);
    return;
  }
  walk(p + 1, values, left);
  if (left == 0 || !sg_values_with(values, p)) return;
  for (int i = 0; i < 3 || (p->kind == SG_CHOICE && p->choices[i]); i++) {
    sg_values *copy = sg_values_copy(values);
    assert_non_null(copy);
    sg_status status = SG_INVALID;
    if (p->kind == SG_INT)
      status = sg_values_set_number(copy, p->name, i + 1, NULL);
    else if (p->kind == SG_REAL)
      status = sg_values_set_number(copy, p->name, 0.2 * (i + 1), NULL);
    else if (p->kind == SG_CHOICE && p->choices[i])
      status = sg_values_set_string(copy, p->name, p->choices[i], NULL);
    if (status == SG_OK) walk(p + 1, copy, left - 1);
    sg_values_free(copy);
    if (p->kind == SG_CHOICE && !p->choices[i]) break;
  }
}

/* Codes of which it is known that some of their settings say so. */
static const char *const known[] = {"uncoded",
                                    "fractional-repetition",
                                    "ignore-stragglers",
                                    "bernoulli",
                                    "osgc",
                                    "block-design",
                                    "partial-repetition",
                                    "uc-mmc",
                                    "coupon-collector",
                                    "k-sync",
                                    "k-batch-sync"};

static void codes_know_whether_their_weights_change(void **state) {
  (void)state;
  const sg_code_type *type;
  for (int i = 0; (type = sg_code_type_at(i)); i++) {
    made = constant = by_count = varying = 0;
    sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
    assert_non_null(values);
    walk(type->about.params, values, 2);
    sg_values_free(values);
    bool says = constant + by_count > 0, expected = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      expected = expected || strcmp(known[k], type->about.name) == 0;
    if (expected && !says) fail_msg("%s says nothing of its weights", type->about.name);
  }
  sg_values *optimal = bench_values("bernoulli", "d", "2", "s", "2", NULL);
  made = constant = by_count = varying = 0;
  check_code(optimal);
  assert_true(made == 1 && constant + by_count == 0 && varying == 1);
  sg_values_free(optimal);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_know_whether_their_weights_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
