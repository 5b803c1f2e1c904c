/* SPDX-License-Identifier: MIT */
/* Nested codes: what is decided, who sends what, and what happens when who was to send fails.
 * Rounds played without an engine, event by event. */
#include "sim/check/rehearsal.h"
#include "tests/support/code_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_USED = 32 };

typedef struct stage {
  bench b;
  int used, tags[MOST_USED], from[MOST_USED];
} stage;

static sg_status on_stage(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                          bool *decoded, sg_error *e) {
  (void)e;
  stage *s = user;
  sg_weights w;
  *decoded = sg_decoder_weights(s->b.decoder, sg_protocol_state(r->protocol), 0, what->count,
                                what->message, &w, NULL) == SG_OK;
  s->used = 0;
  for (int i = 0; *decoded && i < what->count; i++) {
    if (w.w[i] == 0) continue;
    s->tags[s->used] = what->message[i]->tag;
    s->from[s->used++] = what->message[i]->from;
  }
  if (*decoded)
    assert_true(bench_deviation(s->b.code, sg_protocol_state(r->protocol), 0, &w, what->message) <
                1e-10);
  return SG_OK;
}

static void play(stage *s, const sg_cue *cue, int cues, int updates, int *sent) {
  const sg_script script = {
      .n_cues = cues, .cue = cue, .updates = 1, .decode = on_stage, .user = s};
  sg_rehearsal r;
  sg_error e = {0};
  assert_int_equal(sg_rehearse(s->b.code, &script, &r, &e), SG_OK);
  assert_int_equal(r.updates, updates);
  *sent = r.count;
  sg_rehearsal_free(&r);
}

#define WORK(i)                                                                                    \
  { SG_CUE_WORK, i }
#define SIGNAL(i)                                                                                  \
  { SG_CUE_SIGNAL, i }
#define COMMAND(i)                                                                                 \
  { SG_CUE_COMMAND, i }
#define COUNT(x) ((int)(sizeof(x) / sizeof *(x)))

/* Three workers, levels 0 and 1. Two have done both their tasks, all have done the first; what the
 * master has heard decides. */
static void first_level_heard_of_is_asked_for(void **state) {
  (void)state;
  stage s = {0};
  int sent;
  bench_open_named(&s.b, bench_values("nested", "s_max", "1", NULL), 3, 1);
  const sg_cue one[] = {{SG_CUE_BEGIN, 0}, WORK(0),   WORK(0),   WORK(1),   WORK(1),
                        SIGNAL(0),         SIGNAL(0), SIGNAL(1), SIGNAL(1), {SG_CUE_TIMER, 0},
                        WORK(2),           SIGNAL(2), COMMAND(2)};
  play(&s, one, COUNT(one), 1, &sent);
  assert_int_equal(sent, 2); /* worker 2, with one task done, sends nothing: its report is late */
  assert_true(s.used == 2 && s.tags[0] == 1 && s.tags[1] == 1);
  /* The third report comes at the same instant, before the timer of no seconds. */
  const sg_cue tie[] = {{SG_CUE_BEGIN, 0}, WORK(0),   WORK(0),   WORK(1),
                        WORK(1),           WORK(2),   SIGNAL(0), SIGNAL(0),
                        SIGNAL(1),         SIGNAL(1), SIGNAL(2), {SG_CUE_TIMER, 0}};
  play(&s, tie, COUNT(tie), 1, &sent);
  assert_int_equal(sent, 3);
  assert_true(s.used == 3 && s.tags[0] == 0 && s.tags[2] == 0);
  bench_close_named(&s.b);
}

/* Level 0 is decided, and worker 2 crashes at its second task before it hears of it. */
static void next_level_when_who_was_to_send_fails(void **state) {
  (void)state;
  stage s = {0};
  int sent;
  bench_open_named(&s.b, bench_values("nested", "s_max", "2", NULL), 4, 1);
  sg_cue cue[] = {{SG_CUE_BEGIN, 0}, WORK(0),           WORK(1),          WORK(2),
                  WORK(3),           SIGNAL(0),         SIGNAL(1),        SIGNAL(2),
                  SIGNAL(3),         {SG_CUE_TIMER, 0}, {SG_CUE_CRASH, 2}};
  play(&s, cue, COUNT(cue), 1, &sent);
  assert_int_equal(sent, 3 + 3); /* of level 0, which do not give the sum, and of level 1 */
  assert_int_equal(s.used, 3);
  for (int i = 0; i < 3; i++) assert_true(s.tags[i] == 1 && s.from[i] != 2);
  /* Three are more than any level bears. */
  const sg_cue worse[] = {
      {SG_CUE_BEGIN, 0}, WORK(0),           WORK(1),          WORK(2),   WORK(3),
      SIGNAL(0),         SIGNAL(1),         SIGNAL(2),        SIGNAL(3), {SG_CUE_TIMER, 0},
      {SG_CUE_CRASH, 2}, {SG_CUE_CRASH, 1}, {SG_CUE_CRASH, 0}};
  play(&s, worse, COUNT(worse), 0, &sent);
  bench_close_named(&s.b);
}

/* Groups 0–1, 2–3, … of level 1, all of level 3: one of each group is enough. */
static void one_of_every_group_is_enough(void **state) {
  (void)state;
  stage s = {0};
  int sent;
  bench_open_named(&s.b, bench_values("nested", "levels", "0,1,3", "family", "repetition", NULL), 8,
                   1);
  const sg_cue cue[] = {{SG_CUE_BEGIN, 0}, WORK(0),           WORK(0),    WORK(3),    WORK(3),
                        WORK(5),           WORK(5),           WORK(4),    WORK(4),    WORK(7),
                        WORK(7),           SIGNAL(0),         SIGNAL(0),  SIGNAL(3),  SIGNAL(3),
                        SIGNAL(4),         SIGNAL(4),         SIGNAL(5),  SIGNAL(5),  SIGNAL(7),
                        SIGNAL(7),         {SG_CUE_TIMER, 0}, COMMAND(0), COMMAND(1), COMMAND(2),
                        COMMAND(3),        COMMAND(4),        COMMAND(5), COMMAND(6), COMMAND(7)};
  play(&s, cue, COUNT(cue), 1, &sent);
  assert_int_equal(sent, 5); /* both of a group; those with one task done send nothing */
  assert_int_equal(s.used, 4);
  for (int i = 0; i < 4; i++) assert_true(s.tags[i] == 1);
  bench_close_named(&s.b);
}

static void levels_that_do_not_nest_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *member, *value, *family, *want;
    int n;
  } wrong[] = {
      {"levels", "0,1,2", "repetition", "(of these: 0, 2)", 12},
      {"levels", "1,4,5,11", "repetition", "(of these: 1, 5, 11)", 12},
      {"levels", "4", "repetition", "(of these: 0)", 12},
      {"levels", "0,2,1", "cyclic", "found 1 after 2", 12},
      {"levels", "0,12", "cyclic", "(0 to 11), found 12", 12},
      {"s_max", "3", "repetition", "(of these: 0, 1, 3)", 12},
      {"s_max", "5", "cyclic", "expected s_max < n = 5 (0 to 4), found 5", 5},
      {"family", "cyclic", "cyclic", "expected s_max or levels, found neither", 5},
  };
  for (int i = 0; i < COUNT(wrong); i++) {
    sg_values *values =
        bench_values("nested", "family", wrong[i].family, wrong[i].member, wrong[i].value, NULL);
    bench_refused(values, wrong[i].n, NULL, wrong[i].want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_level_heard_of_is_asked_for),
      cmocka_unit_test(next_level_when_who_was_to_send_fails),
      cmocka_unit_test(one_of_every_group_is_enough),
      cmocka_unit_test(levels_that_do_not_nest_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
