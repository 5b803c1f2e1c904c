/* SPDX-License-Identifier: MIT */
/* Collectives: whatever order things happen in, every worker ends with the whole sum of every
 * chunk, and it is the code's sum; copies are of one row, formed once. */
#include "codes/frame/collective.h"
#include "sim/check/rehearsal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct watch {
  const sg_code *code;
  bool late_forms; /* the late worker adds up for itself, too (straggl-ar) */
  int late;
  bool exact;
  int decodes;
} watch;

static const char *context = "";

/* Adds what a message is made of, by part. */
static void expand(const watch *w, const sg_rehearsal *r, const sg_message *m, double scale,
                   double *dense) {
  sg_expander x = {0};
  if (!sg_expand(&x, w->code, sg_protocol_state(r->protocol), m, scale, dense))
    fail_msg("%s: no row", context);
  sg_expander_free(&x);
}

static bool is_sum(const watch *w, const double *dense) {
  for (int p = 0; p < w->code->parts; p++)
    if (fabs(dense[p] - 1) > 1e-9) return false;
  return true;
}

/* A message that is another one passed on is that one: its row must say so. */
static const sg_message *origin_of(const watch *w, const sg_rehearsal *r, const sg_message *m) {
  const sg_schedule *s = sg_collective_schedule(w->code);
  sg_row row = {0};
  for (;;) {
    const sg_hop *hop = m->tag < s->hops ? &s->hop[m->tag] : NULL;
    if (!hop || hop->own == SG_OWN_ALL || hop->own == m->segment % s->chunks) break;
    if (!sg_encode(w->code, sg_protocol_state(r->protocol), m, &row))
      fail_msg("%s: no row", context);
    if (row.n_terms > 0 || row.n_links != 1 || row.link[0].coef != 1)
      fail_msg("%s: worker %d does not pass on what it has", context, m->from);
    m = row.link[0].message;
  }
  sg_row_free(&row);
  return m;
}

static bool is_now(const sg_rehearsal *r, const sg_message *m, int to, int segment) {
  return m->round == r->round && m->to == to && m->segment == segment;
}

/* What worker i ends with of a segment: a copy of the sum that `kept` is, passed on from who formed
 * it; or it has formed it itself. */
static void check_copy(const watch *w, const sg_rehearsal *r, const sg_message *kept, int i,
                       int segment) {
  const sg_schedule *s = sg_collective_schedule(w->code);
  double *dense = calloc((size_t)w->code->parts, sizeof *dense);
  int copies = 0;
  for (int k = 0; k < r->count; k++) {
    const sg_message *m = r->message[k];
    if (!is_now(r, m, i, segment)) continue;
    const sg_hop *hop = &s->hop[m->tag];
    bool whole = hop->copy && !hop->exchange;
    if (!whole) {
      expand(w, r, m, 1, dense);
      continue;
    }
    copies++;
    const sg_message *from = origin_of(w, r, m);
    if (from->from != kept->from && !(w->late_forms && from->from == w->late))
      fail_msg("%s: worker %d has a sum of %d's, not of %d's", context, i, from->from, kept->from);
    double *one = calloc((size_t)w->code->parts, sizeof *one);
    expand(w, r, m, 1, one);
    if (w->exact && !is_sum(w, one)) fail_msg("%s: worker %d has no sum", context, i);
    free(one);
  }
  if (copies > 1) fail_msg("%s: worker %d gets segment %d %d times", context, i, segment, copies);
  if (copies == 0) {
    const sg_message mine = {.from = i,
                             .to = SG_MASTER,
                             .segment = segment,
                             .snapshot = r->round,
                             .round = r->round,
                             .tag = s->hops};
    expand(w, r, &mine, 1, dense);
    if (w->exact && !is_sum(w, dense)) fail_msg("%s: worker %d has no sum", context, i);
    if (kept->from != i && !(w->late_forms && i == w->late))
      fail_msg("%s: worker %d adds up for itself", context, i);
  }
  free(dense);
}

static sg_status on_decode(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                           bool *decoded, sg_error *e) {
  watch *w = user;
  *decoded = what->count == w->code->segments;
  if (!*decoded) return SG_OK;
  w->decodes++;
  double *dense = calloc((size_t)w->code->parts, sizeof *dense);
  for (int k = 0; k < what->count; k++) {
    memset(dense, 0, (size_t)w->code->parts * sizeof *dense);
    expand(w, r, what->message[k], 1, dense);
    if (w->exact && !is_sum(w, dense)) fail_msg("%s: what is decoded is no sum", context);
    for (int i = 0; i < w->code->shape.workers; i++)
      check_copy(w, r, what->message[k], i, what->message[k]->segment);
  }
  free(dense);
  return SG_OK;
}

static sg_code *make(const char *name, int n, int count, const char *const *member, sg_error *e) {
  const sg_code_type *type = sg_code_type_find(name);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_code *code = NULL;
  assert_non_null(values);
  for (int i = 0; i < count; i++) {
    const char *dot = strchr(member[2 * i], '.');
    sg_values *of = dot ? (sg_values *)(uintptr_t)sg_object(values, "collective") : values;
    if (sg_values_parse(of, dot ? dot + 1 : member[2 * i], member[2 * i + 1], NULL))
      fail_msg("%s=%s", member[2 * i], member[2 * i + 1]);
  }
  sg_shape shape = {.workers = n, .subsets = n, .length = 4L * n + 3, .seed = 1, .updates = 9};
  (void)sg_code_new(type, &shape, values, &code, e);
  sg_values_free(values);
  return code;
}

/* Played in the order of the orders, and in others. */
static void play(const char *name, int n, int count, const char *const *member, int late) {
  static char text[160];
  snprintf(text, sizeof text, "%s, %s, n = %d", name, member[1], n);
  context = text;
  sg_error e = {0};
  sg_code *code = make(name, n, count, member, &e);
  if (!code) fail_msg("%s: %s", context, e.fault[0].message);
  for (uint64_t seed = 0; seed < 4; seed++) {
    watch w = {.code = code, .exact = code->exact, .late = late, .late_forms = late >= 0};
    const sg_script script = {.seed = seed, .updates = 2, .decode = on_decode, .user = &w};
    sg_rehearsal r = {0};
    if (sg_rehearse(code, &script, &r, &e)) fail_msg("%s: %s", context, e.fault[0].message);
    if (w.decodes != 2) fail_msg("%s: %d updates", context, w.decodes);
    sg_rehearsal_free(&r);
  }
  sg_code_free(code);
}

#define RING                                                                                       \
  { "collective", "ring" }
#define PLAY(name, n, late, ...)                                                                   \
  do {                                                                                             \
    const char *const given[][2] = {__VA_ARGS__};                                                  \
    play(name, n, (int)(sizeof given / sizeof *given), &given[0][0], late);                        \
  } while (0)

static void every_worker_has_the_sum(void **state) {
  for (int n = 1; n <= 9; n++) {
    PLAY("uncoded", n, -1, {"collective", "ring"});
    PLAY("uncoded", n, -1, {"collective", "tree"});
  }
  for (int n = 1; n <= 16; n *= 2) PLAY("uncoded", n, -1, {"collective", "halving-doubling"});
  for (int n = 2; n <= 14; n += 2) PLAY("uncoded", n, 0, {"collective", "straggl-ar"});
  PLAY("uncoded", 8, 3, {"collective", "straggl-ar"}, {"collective.late_worker", "3"});
  PLAY("uncoded", 6, 5, {"collective", "straggl-ar"}, {"collective.late_worker", "5"});
}

static void buckets_are_summed_one_by_one(void **state) {
  PLAY("uncoded", 4, -1, {"collective", "ring"}, {"collective.buckets", "3"});
  PLAY("uncoded", 8, -1, {"collective", "halving-doubling"}, {"collective.buckets", "2"});
  PLAY("uncoded", 7, -1, {"collective", "tree"}, {"collective.buckets", "5"});
  PLAY("uncoded", 6, 0, {"collective", "straggl-ar"}, {"collective.buckets", "2"});
}

static void codes_are_summed(void **state) {
  PLAY("cyclic-repetition", 6, -1, {"collective", "ring"}, {"s", "2"});
  PLAY("cyclic-repetition", 8, -1, {"collective", "halving-doubling"}, {"s", "3"});
  PLAY("fractional-repetition", 6, -1, {"collective", "tree"}, {"s", "2"});
  PLAY("fractional-repetition", 6, 0, {"collective", "straggl-ar"}, {"s", "1"},
       {"stop", "decodable"});
  PLAY("group", 8, -1, {"collective", "ring"}, {"d", "4"}, {"m", "1"}, {"stop", "decodable"});
  PLAY("k-sync", 6, -1, {"collective", "ring"}, {"k", "6"});
  PLAY("k-sync", 6, -1, {"collective", "tree"}, {"k", "4"});
  PLAY("ignore-stragglers", 6, -1, {"collective", "ring"}, {"s", "2"});
}

/* The rounds after the late worker: n − 2 + ⌈log₂ n⌉, whoever it is. */
static void late_worker_rounds(void **state) {
  sg_values *values = sg_values_new(NULL, sg_family_find(&sg_collective_family, "straggl-ar"), "");
  const sg_collective_type *type = (const sg_collective_type *)values->variant;
  for (int n = 2; n <= 64; n += 2) {
    sg_schedule s;
    sg_error e = {0};
    int least = n - 2;
    for (int k = 1; k < n; k *= 2) least++;
    assert_int_equal(sg_schedule_make(type, n, values, &s, &e), SG_OK);
    int rounds = s.hop[s.hops - 1].round + 1 - (n > 2 ? n - 2 : 0);
    if (rounds != least) fail_msg("n = %d: %d rounds, not %d", n, rounds, least);
    /* Each sends one and receives one at most. */
    for (int h = 0; h < s.hops; h++)
      for (int k = h + 1; k < s.hops && s.hop[k].round == s.hop[h].round; k++)
        if (s.hop[k].from == s.hop[h].from || s.hop[k].to == s.hop[h].to)
          fail_msg("n = %d: twice in round %d", n, s.hop[h].round);
    sg_schedule_free(&s);
  }
  sg_values_free(values);
}

static void refuse(const char *name, int n, const char *what, int count,
                   const char *const *member) {
  sg_error e = {0};
  sg_code *code = make(name, n, count, member, &e);
  assert_null(code);
  if (!strstr(e.fault[0].place, "/collective") || !strstr(e.fault[0].message, what))
    fail_msg("%s: %s", e.fault[0].place, e.fault[0].message);
  sg_error_clear(&e);
}
#define REFUSE(name, n, what, ...)                                                                 \
  do {                                                                                             \
    const char *const given[][2] = {__VA_ARGS__};                                                  \
    refuse(name, n, what, (int)(sizeof given / sizeof *given), &given[0][0]);                      \
  } while (0)

static void what_does_not_fit_is_refused(void **state) {
  REFUSE("uncoded", 6, "the nearest are 4 and 8", {"collective", "halving-doubling"});
  REFUSE("uncoded", 5, "even number", {"collective", "straggl-ar"});
  REFUSE("uncoded", 4, "0 to 3", {"collective", "straggl-ar"}, {"collective.late_worker", "4"});
  REFUSE("uncoded", 4, "as many coordinates as chunks", {"collective", "ring"},
         {"collective.buckets", "9"});
  REFUSE("cyclic-repetition", 4, "expected one bucket", {"collective", "ring"},
         {"collective.buckets", "2"}, {"s", "1"});
  REFUSE("group", 6, "pieces", RING, {"d", "3"}, {"m", "2"});
  REFUSE("k-async", 6, "protocol of its own", RING, {"k", "2"});
  REFUSE("k-batch-sync", 6, "several messages", RING, {"k", "2"});
  REFUSE("coded-reduce", 6, "other workers", RING, {"fan_out", "2"}, {"depth", "2"}, {"s", "1"});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_worker_has_the_sum),
      cmocka_unit_test(buckets_are_summed_one_by_one),
      cmocka_unit_test(codes_are_summed),
      cmocka_unit_test(late_worker_rounds),
      cmocka_unit_test(what_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
