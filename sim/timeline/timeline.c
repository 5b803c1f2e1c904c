/* SPDX-License-Identifier: MIT */
/* From the event log to spans, messages and decodes. What lies outside of the wanted time is
 * forgotten as soon as it is known, so that a few iterations of a long run need little memory. */
#include "sim/timeline/timeline.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_fate_words[] = {"used", "not used", "late", "cancelled", "lost", "under way"};

/* A message as the engine knows it: its numbers are used again. */
typedef struct live {
  sg_sent sent;
  bool active;
  int first; /* the message that stands for the transmission */
} live;

struct sg_collecting {
  live *live;
  int n_live, capacity;
  int first;    /* of the transmission that is being told of */
  long numbers; /* of transmissions */
  long updates; /* so far */
  int over;     /* the last round that is, −1 */
  int *task;    /* the last one of each node that was kept, −1 */
  int *settled; /* up to this one of its tasks it is known which were used, −1 */
  int *down;    /* its last span of being down without an end, −1 */
  int *word;    /* signals and commands of this round */
  int n_words, words_capacity;
};

/* What only touches the time that is wanted belongs to the iteration before or after it. */
static bool overlaps(const sg_timeline *t, double begin_s, double end_s) {
  if (t->begin_s == t->end_s) return begin_s == t->begin_s;
  return begin_s < t->end_s && (end_s > t->begin_s || begin_s == t->begin_s);
}

static bool is_wanted(const sg_timeline *t, long iteration) {
  return iteration >= t->first && iteration <= t->last;
}

bool sg_timeline_begin(sg_timeline *t) {
  struct sg_collecting *c = t->collecting = calloc(1, sizeof *c);
  if (!c) return false;
  c->over = -1;
  c->task = malloc((size_t)t->nodes * sizeof *c->task);
  c->settled = malloc((size_t)t->nodes * sizeof *c->settled);
  c->down = malloc((size_t)t->nodes * sizeof *c->down);
  bool fine = c->task && c->settled && c->down;
  for (int i = 0; fine && i < t->nodes; i++) c->task[i] = c->settled[i] = c->down[i] = -1;
  return fine;
}

static void stop_collecting(sg_timeline *t) {
  struct sg_collecting *c = t->collecting;
  if (!c) return;
  free(c->live);
  free(c->task);
  free(c->settled);
  free(c->down);
  free(c->word);
  free(c);
  t->collecting = NULL;
}

void sg_timeline_free(sg_timeline *t) {
  stop_collecting(t);
  free(t->label);
  free(t->scenario);
  free(t->row_end);
  free(t->decoded);
  free(t->span);
  free(t->sent);
  free(t->decode);
  free(t->used);
  *t = (sg_timeline){0};
}

/* --- Spans ------------------------------------------------------------------------------------ */

/* Its place; −1: it is not wanted, or there is no memory. */
static int add_span(sg_timeline *t, const sg_run_logged *e) {
  if (!overlaps(t, e->begin_s, e->end_s)) return -1;
  if (!SG_ROOM(t->span, t->spans_capacity, t->n_spans + 1)) {
    t->failed = true;
    return -1;
  }
  t->span[t->n_spans] = (sg_span){.kind = e->kind,
                                  .cut = e->cut,
                                  .node = e->node,
                                  .round = e->round,
                                  .snapshot = e->snapshot,
                                  .value = e->value,
                                  .before = -1,
                                  .begin_s = e->begin_s,
                                  .end_s = e->end_s};
  return t->n_spans++;
}

static void add_task(sg_timeline *t, const sg_run_logged *e) {
  int *last = &t->collecting->task[e->node];
  int at = add_span(t, e);
  if (at < 0) return;
  t->span[at].before = *last;
  *last = at;
}

/* Signals and commands that are on their way when the round ends never come. */
static void add_word(sg_timeline *t, const sg_run_logged *e) {
  struct sg_collecting *c = t->collecting;
  int at = add_span(t, e);
  if (at < 0) return;
  if (SG_ROOM(c->word, c->words_capacity, c->n_words + 1))
    c->word[c->n_words++] = at;
  else
    t->failed = true;
}

static void end_words(sg_timeline *t, double now_s) {
  struct sg_collecting *c = t->collecting;
  for (int i = 0; i < c->n_words; i++) {
    sg_span *word = &t->span[c->word[i]];
    if (word->end_s > now_s) {
      word->end_s = now_s;
      word->cut = true;
    }
  }
  c->n_words = 0;
}

static void end_down(sg_timeline *t, int node, double now_s) {
  int *down = &t->collecting->down[node];
  if (*down >= 0) t->span[*down].end_s = now_s;
  *down = -1;
}

static void add_down(sg_timeline *t, const sg_run_logged *e) {
  int at = add_span(t, e);
  end_down(t, e->node, e->begin_s);
  if (at >= 0 && isinf(e->end_s)) t->collecting->down[e->node] = at;
}

/* --- Messages --------------------------------------------------------------------------------- */

static live *live_of(const sg_timeline *t, const sg_message *m) {
  struct sg_collecting *c = t->collecting;
  if (m->id >= c->n_live || c->live[m->id].first < 0) return NULL;
  live *l = &c->live[c->live[m->id].first];
  return l->active ? l : NULL;
}

/* over: its round is, so that what has not come will not. */
static sg_fate fate_of(const sg_sent *s, bool over) {
  if (s->lost) return SG_FATE_LOST;
  if (s->iteration >= 0) return SG_FATE_USED;
  if (s->late) return SG_FATE_LATE;
  if (!isnan(s->delivered_s)) return SG_FATE_UNUSED;
  if (!over) return SG_FATE_UNDER_WAY;
  return s->link_cut || isnan(s->link_s) ? SG_FATE_CANCELLED : SG_FATE_LATE;
}

/* Nothing more will be heard of it: its number is used again, or the run is over. */
static void settle(sg_timeline *t, live *l, bool again) {
  if (!l->active) return;
  l->active = false;
  sg_sent *s = &l->sent;
  double end_s = fmax(fmax(s->ready_s, s->off_s), s->delivered_s);
  if (!overlaps(t, s->prepare_s, end_s) && !is_wanted(t, s->iteration)) return;
  s->fate = fate_of(s, again || s->round <= t->collecting->over);
  if (SG_ROOM(t->sent, t->sent_capacity, t->n_sent + 1))
    t->sent[t->n_sent++] = *s;
  else
    t->failed = true;
}

static void begin_message(sg_timeline *t, const sg_run_logged *e) {
  struct sg_collecting *c = t->collecting;
  const sg_message *m = e->message;
  if (!SG_ROOM(c->live, c->capacity, m->id + 1)) {
    t->failed = true;
    return;
  }
  for (; c->n_live <= m->id; c->n_live++) c->live[c->n_live] = (live){.first = -1};
  live *l = &c->live[m->id];
  settle(t, l, true);
  if (e->value == 0) {
    c->first = m->id;
    *l = (live){.sent = {.number = c->numbers++,
                         .from = m->from,
                         .to = m->to,
                         .segment = m->segment,
                         .tag = m->tag,
                         .round = e->round,
                         .snapshot = m->snapshot,
                         .prepare_s = e->begin_s,
                         .ready_s = e->end_s,
                         .link_s = NAN,
                         .off_s = NAN,
                         .come_s = NAN,
                         .delivered_s = NAN,
                         .taken_s = NAN,
                         .lost = e->cut,
                         .into = -1,
                         .iteration = -1},
                .active = true};
  }
  l->first = c->first;
  live *whole = &c->live[c->first];
  whole->sent.parts++;
  for (int i = 0; i < m->n_in; i++) {
    live *input = live_of(t, m->in[i]);
    if (input) input->sent.into = whole->sent.number;
  }
}

static void take_link(sg_timeline *t, const sg_run_logged *e) {
  live *l = live_of(t, e->message);
  if (!l) return;
  l->sent.link_s = e->begin_s;
  l->sent.off_s = e->end_s;
  l->sent.link_cut = e->cut;
  l->sent.bytes = e->bytes;
}

static void take_ingress(sg_timeline *t, const sg_run_logged *e) {
  live *l = live_of(t, e->message);
  if (!l) return;
  l->sent.come_s = e->begin_s;
  l->sent.delivered_s = e->end_s;
  l->sent.late = e->cut;
  l->sent.bytes = e->bytes;
}

/* --- Decodes ---------------------------------------------------------------------------------- */

/* What a node had computed when the turn of a message came and that was not settled before is used
 * with it, or was for nothing. (As costs.c has it.) */
static void settle_tasks(sg_timeline *t, int node, double until_s, bool used) {
  struct sg_collecting *c = t->collecting;
  int settled = c->settled[node], last = -1;
  for (int i = c->task[node]; i > settled; i = t->span[i].before) {
    if (t->span[i].end_s > until_s) continue;
    if (last < 0) last = i;
    t->span[i].used = used && !t->span[i].cut;
  }
  if (last >= 0) c->settled[node] = last;
}

static void take_settle(sg_timeline *t, const sg_run_logged *e) {
  const live *l = e->message ? live_of(t, e->message) : NULL;
  if (!e->message)
    settle_tasks(t, e->node, INFINITY, false);
  else if (l)
    settle_tasks(t, e->node, l->sent.prepare_s, false);
}

static void use_message(sg_timeline *t, const sg_message *m, long iteration) {
  for (int i = 0; i < m->n_in; i++) use_message(t, m->in[i], iteration);
  live *l = live_of(t, m);
  if (!l) return;
  if (l->sent.iteration < 0) l->sent.iteration = iteration;
  settle_tasks(t, l->sent.from, l->sent.prepare_s, true);
}

/* To the last decode: a message, and behind it those that it was made of. */
static void add_used(sg_timeline *t, const sg_message *m, bool direct) {
  sg_decoding *d = &t->decode[t->n_decodes - 1];
  const live *l = live_of(t, m);
  if (!SG_ROOM(t->used, t->used_capacity, t->n_used + 1)) {
    t->failed = true;
    return;
  }
  /* Messages of one transmission follow one another. */
  if (l && (d->n_used == 0 || t->used[t->n_used - 1] != l->sent.number)) {
    t->used[t->n_used++] = l->sent.number;
    d->n_used++;
    d->n_direct += direct;
  }
  for (int i = 0; i < m->n_in; i++) add_used(t, m->in[i], false);
}

static void add_decode(sg_timeline *t, const sg_run_logged *e) {
  long updates = t->collecting->updates;
  long iteration = e->cut || updates >= t->n_decoded ? -1 : t->decoded[updates];
  for (int i = 0; i < e->value && iteration >= 0; i++) use_message(t, e->used[i], iteration);
  if (iteration < 0 ? !overlaps(t, e->begin_s, e->end_s) : !is_wanted(t, iteration)) return;
  if (!SG_ROOM(t->decode, t->decodes_capacity, t->n_decodes + 1)) {
    t->failed = true;
    return;
  }
  t->decode[t->n_decodes++] = (sg_decoding){.iteration = iteration,
                                            .model = e->model,
                                            .snapshot = e->snapshot,
                                            .begin_s = e->begin_s,
                                            .decoded_s = e->begin_s,
                                            .end_s = e->end_s,
                                            .first_used = t->n_used};
  for (int i = 0; i < e->value; i++) add_used(t, e->used[i], true);
}

/* Comes right behind its decode. */
static void add_update(sg_timeline *t, const sg_run_logged *e) {
  t->collecting->updates++;
  sg_decoding *d = t->n_decodes > 0 ? &t->decode[t->n_decodes - 1] : NULL;
  if (!d || d->iteration != t->decoded[t->collecting->updates - 1]) return;
  d->begin_s = e->begin_s;
  d->end_s = e->end_s;
  d->decoded_s = fmax(e->begin_s, e->end_s - t->update_s);
}

void sg_timeline_log(void *timeline, const sg_run_logged *e) {
  sg_timeline *t = timeline;
  switch (e->kind) {
  case SG_LOG_ROUND_BEGIN:
    for (int i = 0; i < t->nodes; i++) end_down(t, i, e->begin_s);
    break;
  case SG_LOG_ROUND_END:
    t->collecting->over = e->round;
    end_words(t, e->begin_s);
    break;
  case SG_LOG_TASK: add_task(t, e); break;
  case SG_LOG_SEND: begin_message(t, e); break;
  case SG_LOG_SETTLE: take_settle(t, e); break;
  case SG_LOG_UPLINK: take_link(t, e); break;
  case SG_LOG_INGRESS: take_ingress(t, e); break;
  case SG_LOG_SIGNAL:
  case SG_LOG_COMMAND: add_word(t, e); break;
  case SG_LOG_DOWN: add_down(t, e); break;
  case SG_LOG_BACK: end_down(t, e->node, e->begin_s); break;
  case SG_LOG_DECODE: add_decode(t, e); break;
  case SG_LOG_UPDATE: add_update(t, e); break;
  case SG_LOG_MODEL:
  case SG_LOG_CANCEL:
  case SG_LOG_TIMER: add_span(t, e); break;
  }
}

/* --- The end ---------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  const sg_sent *x = a, *y = b;
  return (x->number > y->number) - (x->number < y->number);
}

/* At one receiver, whatever their round. */
static int by_delivery(const void *a, const void *b) {
  const sg_sent *x = *(sg_sent *const *)a, *y = *(sg_sent *const *)b;
  if (x->to != y->to) return x->to - y->to;
  if (x->delivered_s != y->delivered_s) return x->delivered_s > y->delivered_s ? 1 : -1;
  return by_number(x, y);
}

static int by_arrival(const void *a, const void *b) {
  const sg_sent *x = *(sg_sent *const *)a, *y = *(sg_sent *const *)b;
  if (x->to != y->to || x->round == y->round) return by_delivery(a, b);
  return x->round - y->round;
}

static bool put_in_order(sg_timeline *t) {
  sg_sent **came = calloc((size_t)t->n_sent + 1, sizeof(sg_sent *));
  if (!came) return false;
  size_t n = 0;
  for (int i = 0; i < t->n_sent; i++)
    if (!isnan(t->sent[i].delivered_s)) came[n++] = &t->sent[i];
  qsort(came, n, sizeof *came, by_delivery);
  for (size_t i = 0; i < n; i++) {
    bool behind = t->fifo && i > 0 && came[i]->to == came[i - 1]->to;
    double free_s = behind ? came[i - 1]->delivered_s : 0;
    came[i]->taken_s = fmin(fmax(came[i]->come_s, free_s), came[i]->delivered_s);
  }
  qsort(came, n, sizeof *came, by_arrival);
  for (size_t i = 0; i < n; i++) {
    bool goes_on = i > 0 && came[i]->to == came[i - 1]->to && came[i]->round == came[i - 1]->round;
    came[i]->order = goes_on ? came[i - 1]->order + 1 : 1;
  }
  free(came);
  return true;
}

bool sg_timeline_end(sg_timeline *t) {
  struct sg_collecting *c = t->collecting;
  double end_s = t->rows > 0 ? t->row_end[t->rows - 1] : 0;
  for (int i = 0; i < c->n_live; i++) settle(t, &c->live[i], false);
  for (int i = 0; i < t->nodes; i++) end_down(t, i, end_s);
  stop_collecting(t);
  if (t->failed) return false;
  qsort(t->sent, (size_t)t->n_sent, sizeof *t->sent, by_number);
  return put_in_order(t);
}

const sg_sent *sg_timeline_sent(const sg_timeline *t, long number) {
  int low = 0, high = t->n_sent;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (t->sent[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < t->n_sent && t->sent[low].number == number ? &t->sent[low] : NULL;
}

void sg_put_node(const sg_timeline *t, int node, sg_buffer *out) {
  if (node == SG_MASTER)
    sg_put(out, "master");
  else
    sg_putf(out, "%s %d", node < t->workers ? "worker" : "inner node", node);
}
