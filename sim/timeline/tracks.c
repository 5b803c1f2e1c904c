/* SPDX-License-Identifier: MIT */
/* Which slice stands on which track, and what is said of it. */
#include "sim/timeline/tracks.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tracks of a process, in the order in which they are shown. */
enum {
  TRACK_ITERATIONS,
  TRACK_DECODE,
  TRACK_MODEL,
  TRACK_COMPUTE,
  TRACK_PREPARE,
  TRACK_LINK,
  TRACK_FLIGHT,
  TRACK_QUEUE,
  TRACK_RECEIVE,
  TRACK_SIGNALS,
  TRACK_KINDS
};
static const char *const track_names[] = {
    "iterations", "decode and update", "model", "compute", "encode",
    "link",       "in flight",         "queue", "receive", "signals"};

const char *sg_track_name(const sg_track *track) {
  return track_names[track->kind];
}

int sg_track_process(const sg_track *track) {
  return track->node + 2; /* the master first */
}

int sg_track_thread(const sg_tracks *tracks, int track) {
  const sg_track *t = &tracks->track[track];
  return sg_track_process(t) * 100000 + track % 100000;
}

/* --- Slices ----------------------------------------------------------------------------------- */

static int64_t ns(double seconds) {
  return llround(1e9 * seconds);
}

typedef struct wanted { /* a slice that has no track yet */
  sg_slice slice;
  int node, kind;
} wanted;

typedef struct gathering {
  wanted *item;
  int n, capacity;
  bool failed;
} gathering;

/* A slice from begin_s to end_s; one without a duration is an instant, where that is wanted. */
static void add(gathering *g, sg_slice_kind kind, int index, int node, int track, bool instant,
                double begin_s, double end_s) {
  if (isnan(begin_s) || isnan(end_s)) return;
  if (!SG_ROOM(g->item, g->capacity, g->n + 1)) {
    g->failed = true;
    return;
  }
  int64_t begin_ns = ns(begin_s), end_ns = ns(end_s);
  g->item[g->n++] = (wanted){.slice = {.kind = kind,
                                       .index = index,
                                       .instant = instant && begin_ns == end_ns,
                                       .begin_ns = begin_ns,
                                       .end_ns = end_ns},
                             .node = node,
                             .kind = track};
}

static void add_spans(const sg_timeline *t, gathering *g) {
  for (int i = 0; i < t->n_spans; i++) {
    const sg_span *s = &t->span[i];
    int kind = s->kind == SG_LOG_TASK || s->kind == SG_LOG_DOWN ? TRACK_COMPUTE
               : s->kind == SG_LOG_MODEL                        ? TRACK_MODEL
                                                                : TRACK_SIGNALS;
    bool instant = kind == TRACK_SIGNALS;
    if (s->kind == SG_LOG_MODEL && !(s->end_s > s->begin_s)) continue; /* all have it at once */
    add(g, SG_SLICE_SPAN, i, s->node, kind, instant, s->begin_s, s->end_s);
  }
}

/* Receivers that take one message after another have it wait before. */
static void add_messages(const sg_timeline *t, gathering *g) {
  for (int i = 0; i < t->n_sent; i++) {
    const sg_sent *s = &t->sent[i];
    if (s->ready_s > s->prepare_s)
      add(g, SG_SLICE_PREPARE, i, s->from, TRACK_PREPARE, false, s->prepare_s, s->ready_s);
    add(g, SG_SLICE_LINK, i, s->from, TRACK_LINK, false, s->link_s, s->off_s);
    if (s->come_s > s->off_s)
      add(g, SG_SLICE_FLIGHT, i, s->from, TRACK_FLIGHT, false, s->off_s, s->come_s);
    if (s->taken_s > s->come_s)
      add(g, SG_SLICE_QUEUE, i, s->to, TRACK_QUEUE, false, s->come_s, s->taken_s);
    add(g, SG_SLICE_ARRIVAL, i, s->to, TRACK_RECEIVE, true, s->taken_s, s->delivered_s);
  }
}

static void add_master(const sg_timeline *t, gathering *g) {
  for (long k = t->first; k <= t->last; k++)
    add(g, SG_SLICE_ITERATION, (int)(k - t->first), SG_MASTER, TRACK_ITERATIONS, false,
        sg_row_begin(t, k), t->row_end[k]);
  for (int i = 0; i < t->n_decodes; i++) {
    const sg_decoding *d = &t->decode[i];
    add(g, SG_SLICE_DECODE, i, SG_MASTER, TRACK_DECODE, d->iteration < 0, d->begin_s, d->decoded_s);
    if (d->end_s > d->decoded_s)
      add(g, SG_SLICE_UPDATE, i, SG_MASTER, TRACK_DECODE, false, d->decoded_s, d->end_s);
  }
}

/* --- Tracks ----------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
  const wanted *x = a, *y = b;
  if (x->node != y->node) return x->node - y->node;
  if (x->kind != y->kind) return x->kind - y->kind;
  if (x->slice.begin_ns != y->slice.begin_ns) return x->slice.begin_ns < y->slice.begin_ns ? -1 : 1;
  if (x->slice.end_ns != y->slice.end_ns) return x->slice.end_ns < y->slice.end_ns ? -1 : 1;
  if (x->slice.kind != y->slice.kind) return (int)x->slice.kind - (int)y->slice.kind;
  return x->slice.index - y->slice.index;
}

/* The first track of this kind, from `first` on, that is free at that time. */
static int find_track(sg_tracks *out, int first, const wanted *w) {
  int at = first;
  while (at < out->n_tracks && out->track[at].end_ns > w->slice.begin_ns) at++;
  if (at < out->n_tracks) return at;
  if (!SG_ROOM(out->track, out->tracks_capacity, at + 1)) return -1;
  out->track[out->n_tracks++] = (sg_track){.node = w->node, .kind = w->kind, .lane = at - first};
  return at;
}

static int by_track(const void *a, const void *b) {
  const sg_slice *x = a, *y = b;
  if (x->track != y->track) return x->track - y->track;
  if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
  if (x->end_ns != y->end_ns) return x->end_ns < y->end_ns ? -1 : 1;
  if (x->kind != y->kind) return (int)x->kind - (int)y->kind;
  return x->index - y->index;
}

bool sg_tracks_make(const sg_timeline *t, sg_tracks *out) {
  *out = (sg_tracks){.timeline = t};
  gathering g = {0};
  if (!(t->end_s < SG_MOST_TRACE_S)) return false;
  add_spans(t, &g);
  add_messages(t, &g);
  add_master(t, &g);
  bool fine = !g.failed && SG_ROOM(out->slice, out->slices_capacity, g.n + 1);
  if (fine && g.n > 0) qsort(g.item, (size_t)g.n, sizeof *g.item, by_place);
  for (int i = 0, first = 0; fine && i < g.n; i++) {
    const wanted *w = &g.item[i];
    if (i > 0 && (w->node != w[-1].node || w->kind != w[-1].kind)) first = out->n_tracks;
    sg_slice *slice = &out->slice[out->n_slices++];
    *slice = w->slice;
    slice->track = find_track(out, first, w);
    fine = slice->track >= 0;
    if (fine) out->track[slice->track].end_ns = slice->end_ns;
  }
  free(g.item);
  if (fine) qsort(out->slice, (size_t)out->n_slices, sizeof *out->slice, by_track);
  return fine;
}

void sg_tracks_free(sg_tracks *tracks) {
  free(tracks->track);
  free(tracks->slice);
}

/* --- What is said of a slice ------------------------------------------------------------------ */

static void say(sg_slice_text *out, const char *name, double number) {
  out->arg[out->n_args++] = (sg_arg_of){.name = name, .number = number};
}

static void say_name(sg_slice_text *out, const char *name, const char *fate) {
  snprintf(out->name, sizeof out->name, fate ? "%s (%s)" : "%s", name, fate);
}

static void describe_span(const sg_span *s, sg_slice_text *out) {
  switch (s->kind) {
  case SG_LOG_TASK:
    out->category = "compute";
    say_name(out, "compute", s->cut ? "cancelled" : s->used ? NULL : "not used");
    break;
  case SG_LOG_DOWN: out->category = "down", say_name(out, "down", NULL); break;
  case SG_LOG_MODEL: out->category = "model", say_name(out, "model", NULL); break;
  case SG_LOG_SIGNAL:
    out->category = "signal";
    say_name(out, "signal to the master", s->cut ? "never came" : NULL);
    break;
  case SG_LOG_COMMAND:
    out->category = "signal";
    say_name(out, "command from the master", s->cut ? "never came" : NULL);
    break;
  case SG_LOG_CANCEL: out->category = "signal", say_name(out, "cancel", NULL); break;
  default: out->category = "signal", say_name(out, "timer", NULL); break;
  }
  /* As the rows have them: nanoseconds are rounded. */
  say(out, "begin_s", s->begin_s);
  say(out, "end_s", s->end_s);
  say(out, "round", s->round);
  if (s->snapshot >= 0) say(out, "snapshot", s->snapshot);
  if (s->kind == SG_LOG_TASK) say(out, "used", s->used);
  if (s->kind == SG_LOG_SIGNAL) say(out, "tasks", s->value);
  if (s->kind == SG_LOG_COMMAND || s->kind == SG_LOG_TIMER) say(out, "argument", s->value);
}

static void describe_message(const sg_sent *s, sg_slice_kind kind, sg_slice_text *out) {
  const char *fate = s->fate == SG_FATE_USED ? NULL : sg_fate_words[s->fate];
  out->category = "message";
  switch (kind) {
  case SG_SLICE_PREPARE: say_name(out, "encode", fate); break;
  case SG_SLICE_LINK: say_name(out, "send", fate); break;
  case SG_SLICE_FLIGHT: say_name(out, "in flight", fate); break;
  case SG_SLICE_QUEUE: say_name(out, "wait", fate); break;
  default: say_name(out, "receive", fate); break;
  }
  say(out, "message", (double)s->number);
  say(out, "from", s->from);
  if (s->parts > 1) say(out, "parts", s->parts);
  say(out, "segment", s->segment);
  say(out, "bytes", s->bytes);
  say(out, "snapshot", s->snapshot);
  if (s->order > 0 && kind == SG_SLICE_ARRIVAL) say(out, "order of arrival", s->order);
  if (s->iteration >= 0) say(out, "used by iteration", (double)s->iteration);
  if (kind == SG_SLICE_LINK || kind == SG_SLICE_ARRIVAL) {
    out->flow = &s->number;
    out->n_flows = 1;
    out->first = kind == SG_SLICE_LINK;
  }
}

static void describe_decode(const sg_timeline *t, const sg_decoding *d, bool update,
                            sg_slice_text *out) {
  out->category = "decode";
  if (d->iteration < 0)
    say_name(out, "decode", "refused");
  else
    snprintf(out->name, sizeof out->name, "%s %ld", update ? "update" : "decode", d->iteration);
  say(out, "begin_s", update ? d->decoded_s : d->begin_s);
  say(out, "end_s", update ? d->end_s : d->decoded_s);
  say(out, "model", d->model);
  if (d->snapshot >= 0) say(out, "snapshot", d->snapshot);
  say(out, "messages", d->n_direct);
  if (update || d->iteration < 0) return;
  out->flow = t->used + d->first_used;
  out->n_flows = d->n_used;
  out->last = true;
}

void sg_describe_slice(const sg_tracks *tracks, const sg_slice *slice, sg_slice_text *out) {
  const sg_timeline *t = tracks->timeline;
  *out = (sg_slice_text){.category = "iteration"};
  switch (slice->kind) {
  case SG_SLICE_SPAN: describe_span(&t->span[slice->index], out); break;
  case SG_SLICE_DECODE:
  case SG_SLICE_UPDATE:
    describe_decode(t, &t->decode[slice->index], slice->kind == SG_SLICE_UPDATE, out);
    break;
  case SG_SLICE_ITERATION:
    snprintf(out->name, sizeof out->name, "iteration %ld", t->first + slice->index);
    say(out, "begin_s", sg_row_begin(t, t->first + slice->index));
    say(out, "end_s", t->row_end[t->first + slice->index]);
    break;
  default: describe_message(&t->sent[slice->index], slice->kind, out); break;
  }
}
