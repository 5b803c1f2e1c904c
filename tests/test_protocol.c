/* SPDX-License-Identifier: MIT */
/* Tests of orders and of the default protocol, without an engine: events in, orders out. */
#include "codes/frame/protocol.h"
#include "codes/frame/rank.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

/* --- A conversation with a code --------------------------------------------------------------- */

typedef struct talk {
  sg_code *code;
  sg_values *values;
  sg_protocol *protocol;
  sg_orders orders; /* the answer to the last event */
  sg_message message[MOST];
  int sent;
} talk;

static void start(talk *t, const sg_code_type *type, sg_values *values, int n, int subsets,
                  long length) {
  *t = (talk){.values = values};
  sg_shape shape = {.workers = n, .subsets = subsets, .length = length, .seed = 1, .updates = 1};
  sg_error e = {0};
  if (sg_code_new(type, &shape, values, &t->code, &e)) fail_msg("%s", e.fault[0].message);
  t->protocol = sg_protocol_new(t->code);
  assert_non_null(t->protocol);
}

static void start_named(talk *t, const char *name, int n, int count, const char *const *member) {
  const sg_code_type *type = sg_code_type_find(name);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  assert_non_null(values);
  for (int i = 0; i < count; i++)
    assert_int_equal(sg_values_parse(values, member[2 * i], member[2 * i + 1], NULL), SG_OK);
  start(t, type, values, n, n, 12);
}

static void stop(talk *t) {
  sg_orders_free(&t->orders);
  sg_protocol_free(t->protocol);
  sg_code_free(t->code);
  sg_values_free(t->values);
}

static void say(talk *t, const sg_event *event) {
  sg_orders_clear(&t->orders);
  sg_protocol_event(t->protocol, event, &t->orders);
  assert_false(t->orders.failed);
}

static void say_begin(talk *t, int round) {
  t->sent = 0;
  say(t, &(sg_event){.kind = SG_BEGIN, .round = round});
}

static const sg_message *say_arrival(talk *t, int round, int from, int at, int segment) {
  sg_message *m = &t->message[t->sent];
  *m = (sg_message){.id = t->sent++,
                    .from = from,
                    .to = at,
                    .snapshot = round,
                    .segment = segment,
                    .round = round};
  const sg_message *list[] = {m};
  say(t, &(sg_event){.kind = SG_ARRIVAL, .at = at, .from = from, .count = 1, .message = list});
  return m;
}

static void assert_waits(const talk *t) {
  assert_int_equal(t->orders.count, 0);
}

static void assert_drops(const talk *t, const sg_message *m) {
  assert_int_equal(t->orders.count, 1);
  assert_int_equal(t->orders.order[0].kind, SG_ORDER_DROP);
  assert_ptr_equal(t->orders.order[0].message, m);
}

static void assert_decodes(const talk *t, int snapshot) {
  assert_int_equal(t->orders.count, 2);
  const sg_order *o = t->orders.order;
  assert_int_equal(o[0].kind, SG_ORDER_DECODE);
  assert_int_equal(o[0].model, 0);
  assert_int_equal(o[0].snapshot, snapshot);
  assert_int_equal(o[0].flags, SG_LAST);
  assert_int_equal(o[1].kind, SG_ORDER_END_ROUND);
}

/* --- Orders ----------------------------------------------------------------------------------- */

static void orders_say_what_was_asked(void **state) {
  (void)state;
  sg_orders o = {0};
  sg_message m = {0};
  sg_snapshot(&o, 7, 1, 0);
  sg_task(&o, 3, 7, 2.5, 2, SG_REPORT);
  sg_send(&o, 3, SG_UP, 7, 1, 4, SG_WITH_PREVIOUS);
  sg_stop(&o, SG_ALL);
  sg_tell(&o, 2, 9);
  sg_timer(&o, SG_AFTER_FACTOR_OF_FIRST, 1.5, 6);
  sg_decode(&o, 1, SG_ANY, SG_NO_SUM);
  sg_close(&o, 7);
  sg_drop(&o, &m);
  sg_end_round(&o);
  static const sg_order_kind kinds[] = {
      SG_ORDER_SNAPSHOT, SG_ORDER_TASK,   SG_ORDER_SEND,  SG_ORDER_STOP, SG_ORDER_TELL,
      SG_ORDER_TIMER,    SG_ORDER_DECODE, SG_ORDER_CLOSE, SG_ORDER_DROP, SG_ORDER_END_ROUND};
  assert_int_equal(o.count, 10);
  for (int i = 0; i < 10; i++) assert_int_equal(o.order[i].kind, kinds[i]);
  assert_true(o.order[0].snapshot == 7 && o.order[0].model == 1);
  assert_true(o.order[1].node == 3 && o.order[1].work == 2.5 && o.order[1].draws == 2);
  assert_true(o.order[1].snapshot == 7 && o.order[1].flags == SG_REPORT);
  assert_true(o.order[2].to == SG_UP && o.order[2].segment == 1 && o.order[2].tag == 4);
  assert_true(o.order[2].node == 3 && o.order[2].flags == SG_WITH_PREVIOUS);
  assert_true(o.order[3].node == SG_ALL && o.order[4].node == 2 && o.order[4].arg == 9);
  assert_true(o.order[5].rule == SG_AFTER_FACTOR_OF_FIRST && o.order[5].value == 1.5);
  assert_true(o.order[5].arg == 6 && o.order[6].snapshot == SG_ANY && o.order[6].model == 1);
  assert_true(o.order[6].flags == SG_NO_SUM && o.order[8].message == &m);
  for (int i = 0; i < 200; i++) sg_close(&o, i);
  assert_true(o.count == 210 && o.order[209].snapshot == 199 && !o.failed);
  sg_orders_clear(&o);
  assert_int_equal(o.count, 0);
  sg_orders_free(&o);
}

/* --- The default round ------------------------------------------------------------------------ */

static void a_round_by_count(void **state) {
  (void)state;
  talk t;
  start_named(&t, "cyclic-repetition", 4, 1, (const char *const[]){"s", "2"});
  for (int round = 5; round < 7; round++) {
    say_begin(&t, round);
    assert_int_equal(t.orders.count, 1 + 2); /* all workers do the same */
    assert_int_equal(t.orders.order[0].kind, SG_ORDER_SNAPSHOT);
    assert_int_equal(t.orders.order[0].snapshot, round);
    const sg_order *task = &t.orders.order[1], *send = task + 1;
    assert_true(task->kind == SG_ORDER_TASK && task->node == SG_ALL && task->snapshot == round);
    assert_true(task->work == 3 && task->draws == 3 && task->flags == 0);
    assert_true(send->kind == SG_ORDER_SEND && send->node == SG_ALL && send->to == SG_MASTER);
    assert_true(send->snapshot == round && send->segment == 0 && send->tag == 0);
    say_arrival(&t, round, 2, SG_MASTER, 0);
    assert_waits(&t);
    say_arrival(&t, round, 0, SG_MASTER, 0);
    assert_decodes(&t, round);
    say(&t, &(sg_event){.kind = SG_UPDATED, .decoded = true});
    assert_waits(&t);
  }
  say(&t, &(sg_event){.kind = SG_STALLED});
  assert_waits(&t);
  stop(&t);
}

static void old_messages_are_dropped(void **state) {
  (void)state;
  talk t;
  start_named(&t, "uncoded", 2, 0, NULL);
  say_begin(&t, 3);
  say_arrival(&t, 3, 0, SG_MASTER, 0);
  assert_waits(&t);
  const sg_message *old = say_arrival(&t, 2, 1, SG_MASTER, 0);
  assert_drops(&t, old);
  say_arrival(&t, 3, 1, SG_MASTER, 0);
  assert_decodes(&t, 3);
  stop(&t);
}

static void a_refused_decode_waits_or_skips(void **state) {
  (void)state;
  talk t;
  start_named(&t, "cyclic-repetition", 5, 1, (const char *const[]){"s", "2"});
  say_begin(&t, 0);
  for (int i = 0; i < 3; i++) say_arrival(&t, 0, i, SG_MASTER, 0);
  assert_decodes(&t, 0);
  say(&t, &(sg_event){.kind = SG_UPDATED, .decoded = false});
  assert_waits(&t);
  say_arrival(&t, 0, 3, SG_MASTER, 0); /* one more message, one more try */
  assert_decodes(&t, 0);
  say(&t, &(sg_event){.kind = SG_UPDATED, .decoded = false, .skip = true});
  assert_int_equal(t.orders.count, 2);
  assert_int_equal(t.orders.order[0].kind, SG_ORDER_CLOSE);
  assert_int_equal(t.orders.order[0].snapshot, 0);
  assert_int_equal(t.orders.order[1].kind, SG_ORDER_END_ROUND);
  say_begin(&t, 1);
  say_arrival(&t, 1, 0, SG_MASTER, 0);
  assert_waits(&t);
  stop(&t);
}

static void groups_stop_when_decodable(void **state) {
  (void)state;
  talk t;
  for (int first = 0; first < 2; first++) {
    start_named(&t, "group", 8, 4,
                (const char *const[]){"d", "4", "m", "2", "stop", "decodable", "decode",
                                      first ? "first-m" : "least-squares"});
    assert_int_equal(t.code->parts, 2);
    assert_true(t.code->work[0] == 4 && t.code->reduction == 2);
    assert_string_equal(t.code->stop, "decodable");
    for (int round = 0; round < 2; round++) {
      say_begin(&t, round);
      say_arrival(&t, round, 1, SG_MASTER, 0);
      say_arrival(&t, round, 3, SG_MASTER, 0);
      assert_waits(&t);
      const sg_message *surplus = say_arrival(&t, round, 0, SG_MASTER, 0);
      if (first)
        assert_drops(&t, surplus);
      else
        assert_waits(&t); /* it makes least squares better */
      say_arrival(&t, round, 4, SG_MASTER, 0);
      assert_waits(&t);
      say_arrival(&t, round, 7, SG_MASTER, 0);
      assert_decodes(&t, round);
    }
    stop(&t);
  }
}

static void groups_stop_by_count(void **state) {
  (void)state;
  talk t;
  start_named(&t, "group", 8, 4,
              (const char *const[]){"d", "4", "m", "2", "stop", "count", "decode", "first-m"});
  say_begin(&t, 0);
  static const int arrivals[] = {0, 1, 2, 4, 5, 3}; /* the third and the last are surplus */
  for (int i = 0; i < 6; i++) {
    const sg_message *m = say_arrival(&t, 0, arrivals[i], SG_MASTER, 0);
    if (i == 2)
      assert_drops(&t, m);
    else if (i < 5)
      assert_waits(&t);
  }
  assert_decodes(&t, 0); /* at the n − s = 6th message, even one that is not needed */
  stop(&t);
}

static void repetition_wants_one_of_each_group(void **state) {
  (void)state;
  talk t;
  start_named(&t, "fractional-repetition", 6, 1, (const char *const[]){"s", "2"});
  say_begin(&t, 0);
  say_arrival(&t, 0, 0, SG_MASTER, 0);
  assert_waits(&t);
  const sg_message *second = say_arrival(&t, 0, 2, SG_MASTER, 0);
  assert_drops(&t, second);
  say_arrival(&t, 0, 3, SG_MASTER, 0);
  assert_decodes(&t, 0);
  stop(&t);
}

/* --- Codes with nothing but create and encode ------------------------------------------------- */

/* Two pieces, two segments of different count; a plain copy of everything on every worker. */
static const sg_segment two_segments[] = {{0, 8, 2, 2}, {8, 12, 1, 3}};

static sg_status segments_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                 sg_error *e) {
  (void)shape;
  (void)values;
  (void)e;
  code->parts = 1;
  code->segments = 2;
  code->segment = two_segments;
  return SG_OK;
}

static void segments_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  int pieces = code->segment[message->segment].pieces;
  for (int u = 0; u < pieces; u++) sg_row_part(row, 0, u, u == 0 ? 1 : message->from + 1);
}

static const sg_code_type segments_type = {
    .about = {.name = "segments", .summary = "", .reference = ""},
    .create = segments_create,
    .encode = segments_encode};

static void every_segment_has_its_count(void **state) {
  (void)state;
  talk t;
  start(&t, &segments_type, sg_values_new(NULL, &segments_type.about, ""), 3, 6, 12);
  assert_true(t.code->work[0] == 6 && t.code->stored == 3);
  say_begin(&t, 0);
  assert_int_equal(t.orders.count, 1 + 1 + 2); /* a task and two messages, for all */
  say_arrival(&t, 0, 0, SG_MASTER, 1);
  say_arrival(&t, 0, 0, SG_MASTER, 0);
  say_arrival(&t, 0, 1, SG_MASTER, 1);
  say_arrival(&t, 0, 2, SG_MASTER, 1); /* segment 1 is complete */
  assert_waits(&t);
  say_arrival(&t, 0, 1, SG_MASTER, 0);
  assert_decodes(&t, 0);
  stop(&t);
}

/* A code without structure for the rank test: rows over 5 parts, some of them dependent. */
static const double scattered[7][5] = {{1, 2, 0, 0, 0}, {2, 4, 0, 0, 0}, {0, 0, 1, -1, 0},
                                       {0, 0, 0, 1, 1}, {0, 1, 0, 0, 3}, {3, 2, 2, 2, -1},
                                       {1, 1, 1, 1, 1}};

static sg_status scattered_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                  sg_error *e) {
  (void)shape;
  (void)values;
  (void)e;
  code->parts = 5;
  code->flags = SG_STOP_DECODABLE;
  return SG_OK;
}

static void scattered_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  for (int p = 0; p < 5; p++) sg_row_part(row, p, 0, scattered[message->from][p]);
}

static const sg_code_type scattered_type = {
    .about = {.name = "scattered", .summary = "", .reference = ""},
    .create = scattered_create,
    .encode = scattered_encode};

static void rank_test_stops_at_the_first_instant(void **state) {
  (void)state;
  talk t;
  start(&t, &scattered_type, sg_values_new(NULL, &scattered_type.about, ""), 7, 5, 12);
  assert_string_equal(t.code->stop, "decodable");
  say_begin(&t, 0);
  say_arrival(&t, 0, 0, SG_MASTER, 0);
  assert_waits(&t);
  const sg_message *twice = say_arrival(&t, 0, 1, SG_MASTER, 0); /* dependent: dropped */
  assert_drops(&t, twice);
  say_arrival(&t, 0, 6, SG_MASTER, 0); /* the sum itself */
  assert_decodes(&t, 0);
  stop(&t);
}

/* In every order of arrival the rank test and the default decoder agree about when it is enough. */
static void rank_test_agrees_with_the_decoder(void **state) {
  (void)state;
  talk t;
  start(&t, &scattered_type, sg_values_new(NULL, &scattered_type.about, ""), 7, 5, 12);
  sg_decoder *decoder = sg_decoder_new(t.code);
  assert_non_null(decoder);
  long early = 0;
  for (int trial = 0; trial < 500; trial++) {
    int order[7] = {0, 1, 2, 3, 4, 5, 6};
    sg_stream s;
    sg_stream_at(&s, 1, (uint32_t)trial, SG_FOR_CHECK, 0, 0, 0);
    for (int i = 6; i > 0; i--) {
      int j = (int)(sg_uniform(&s) * (i + 1)), kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    say_begin(&t, trial);
    const sg_message *held[7];
    for (int i = 0; i < 7; i++) {
      held[i] = say_arrival(&t, trial, order[i], SG_MASTER, 0);
      bool ready = t.orders.count == 2;
      sg_weights w;
      sg_status status = sg_decoder_weights(decoder, NULL, 0, i + 1, held, &w, NULL);
      assert_int_equal(status, ready ? SG_OK : SG_UNDECODABLE);
      early += ready && i < 6;
      if (ready) break;
    }
  }
  assert_true(early > 100);
  sg_decoder_free(decoder);
  stop(&t);
}

/* With pieces, the count of a maximum-distance-separable code is what the rank test finds. */
static void rank_test_knows_pieces(void **state) {
  (void)state;
  talk t;
  bool failed = false;
  start_named(&t, "ye-abbe", 8, 2, (const char *const[]){"d", "5", "m", "2"});
  sg_rank *rank = sg_rank_new(t.code, 0);
  assert_non_null(rank);
  for (int turn = 0; turn < 8; turn++) {
    sg_rank_clear(rank);
    for (int i = 0; i < 5; i++) {
      sg_message m = {.from = (3 * i + turn) % 8, .to = SG_MASTER};
      assert_int_equal(sg_rank_add(rank, NULL, &m, &failed), i < 4 ? SG_WAIT : SG_READY);
      assert_int_equal(sg_rank_add(rank, NULL, &m, &failed), i < 4 ? SG_SKIP : SG_READY);
    }
  }
  assert_false(failed);
  sg_rank_free(rank);
  stop(&t);
}

/* A tree: 0 and 1 under 2; 2 and 3 under the master. An inner node adds its own share. */
static const int tree_parent[] = {2, 2, SG_MASTER, SG_MASTER};
static const sg_segment tree_segment = {0, 12, 1, 2};

static sg_status tree_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  (void)shape;
  (void)values;
  (void)e;
  code->parts = 4;
  code->parent = tree_parent;
  code->segment = &tree_segment;
  return SG_OK;
}

static void tree_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
  for (int i = 0; i < message->n_in; i++) sg_row_message(row, message->in[i], 1);
}

static const sg_code_type tree_type = {.about = {.name = "tree", .summary = "", .reference = ""},
                                       .create = tree_create,
                                       .encode = tree_encode};

static void inner_nodes_pass_on(void **state) {
  (void)state;
  talk t;
  start(&t, &tree_type, sg_values_new(NULL, &tree_type.about, ""), 4, 4, 12);
  assert_true(t.code->work[2] == 1 && t.code->stored == 1);
  say_begin(&t, 0);
  int sends = 0;
  for (int i = 0; i < t.orders.count; i++) {
    const sg_order *o = &t.orders.order[i];
    if (o->kind != SG_ORDER_SEND) continue;
    assert_true(o->to == SG_UP && o->node != 2);
    sends++;
  }
  assert_int_equal(sends, 3);
  const sg_message *in[2];
  in[0] = say_arrival(&t, 0, 1, 2, 0);
  assert_waits(&t);
  in[1] = say_arrival(&t, 0, 0, 2, 0);
  assert_int_equal(t.orders.count, 1);
  assert_true(t.orders.order[0].kind == SG_ORDER_SEND && t.orders.order[0].node == 2);
  assert_true(t.orders.order[0].to == SG_UP && t.orders.order[0].snapshot == 0);
  const sg_message *right = say_arrival(&t, 0, 3, SG_MASTER, 0);
  assert_waits(&t);
  sg_message *left = &t.message[t.sent++];
  *left = (sg_message){.from = 2, .to = SG_MASTER, .n_in = 2, .in = in};
  const sg_message *held[] = {right, left};
  say(&t,
      &(sg_event){.kind = SG_ARRIVAL, .at = SG_MASTER, .from = 2, .count = 1, .message = held + 1});
  assert_decodes(&t, 0);
  /* The relay's row goes down to the parts. */
  sg_decoder *decoder = sg_decoder_new(t.code);
  sg_weights w;
  assert_int_equal(sg_decoder_weights(decoder, NULL, 0, 2, held, &w, NULL), SG_OK);
  assert_true(fabs(w.w[0] - 1) < 1e-14 && fabs(w.w[1] - 1) < 1e-14);
  assert_int_equal(sg_decoder_row(decoder, 1)->n_links, 2);
  assert_int_equal(sg_decoder_weights(decoder, NULL, 0, 1, held + 1, &w, NULL), SG_UNDECODABLE);
  sg_decoder_free(decoder);
  stop(&t);
}

/* --- A protocol of its own -------------------------------------------------------------------- */

static void own_event(const sg_code *code, void *state, const sg_event *event, sg_orders *orders) {
  (void)code;
  int *count = state;
  if (event->kind == SG_BEGIN) sg_timer(orders, SG_AFTER_SECONDS, 2, ++*count);
}

static sg_status own_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                            sg_error *e) {
  (void)shape;
  (void)values;
  (void)e;
  code->state_size = sizeof(int);
  code->flags = SG_ASYNC;
  code->load = 1.5;
  return SG_OK;
}

static const sg_code_type own_type = {.about = {.name = "own", .summary = "", .reference = ""},
                                      .create = own_create,
                                      .encode = segments_encode,
                                      .on_event = own_event};

static void own_protocols_take_over(void **state) {
  (void)state;
  talk t;
  start(&t, &own_type, sg_values_new(NULL, &own_type.about, ""), 4, 4, 12);
  assert_true(t.code->load == 1.5 && t.code->stored == 1.5 && !t.code->work);
  say_begin(&t, 0);
  say_begin(&t, 1);
  assert_int_equal(t.orders.count, 1);
  assert_true(t.orders.order[0].kind == SG_ORDER_TIMER && t.orders.order[0].arg == 2);
  assert_int_equal(*(const int *)sg_protocol_state(t.protocol), 2);
  stop(&t);
}

static sg_status wrong_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  static const sg_segment gap[] = {{0, 4, 1, 1}, {5, 12, 1, 1}};
  (void)shape;
  (void)values;
  (void)e;
  code->segments = 2;
  code->segment = gap;
  return SG_OK;
}

static void an_authors_mistakes_are_found(void **state) {
  (void)state;
  static const sg_code_type wrong = {.about = {.name = "wrong", .summary = "", .reference = ""},
                                     .create = wrong_create,
                                     .encode = segments_encode};
  sg_values *values = sg_values_new(NULL, &wrong.about, "");
  sg_shape shape = {.workers = 2, .subsets = 2, .length = 12, .seed = 1};
  sg_code *code;
  sg_error e = {0};
  assert_int_equal(sg_code_new(&wrong, &shape, values, &code, &e), SG_BUG);
  assert_null(code);
  assert_string_equal(e.fault[0].message, "code wrong: segments must follow one another");
  sg_error_clear(&e);
  sg_values_free(values);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(orders_say_what_was_asked),
      cmocka_unit_test(a_round_by_count),
      cmocka_unit_test(old_messages_are_dropped),
      cmocka_unit_test(a_refused_decode_waits_or_skips),
      cmocka_unit_test(groups_stop_when_decodable),
      cmocka_unit_test(groups_stop_by_count),
      cmocka_unit_test(repetition_wants_one_of_each_group),
      cmocka_unit_test(every_segment_has_its_count),
      cmocka_unit_test(rank_test_stops_at_the_first_instant),
      cmocka_unit_test(rank_test_agrees_with_the_decoder),
      cmocka_unit_test(rank_test_knows_pieces),
      cmocka_unit_test(inner_nodes_pass_on),
      cmocka_unit_test(own_protocols_take_over),
      cmocka_unit_test(an_authors_mistakes_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
