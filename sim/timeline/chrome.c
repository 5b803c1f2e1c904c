/* SPDX-License-Identifier: MIT */
/* The JSON format of Chrome's tracing: what viewers beside Perfetto read. Times are microseconds.
 */
#include "sim/timeline/tracks.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct writing {
  const sg_tracks *tracks;
  sg_buffer *out;
  int n;
} writing;

/* {"ph": "X", "pid": 2, "tid": 200001 */
static void begin_event(writing *w, const char *phase, int track) {
  const sg_track *k = &w->tracks->track[track];
  sg_putf(w->out, "%s\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%d", w->n++ ? "," : "", phase,
          sg_track_process(k), sg_track_thread(w->tracks, track));
}

/* Exactly: nanoseconds as thousandths. */
static void put_time(sg_buffer *out, const char *name, int64_t ns) {
  sg_putf(out, ",\"%s\":%" PRId64 ".%03d", name, ns / 1000, (int)(ns % 1000));
}

static void put_metadata(writing *w, int track, const char *what, const char *key, const char *text,
                         int number) {
  begin_event(w, "M", track);
  sg_putf(w->out, ",\"name\":\"%s\",\"args\":{\"%s\":", what, key);
  if (text)
    sg_put_json_string(w->out, text);
  else
    sg_putf(w->out, "%d", number);
  sg_put(w->out, "}}");
}

static void put_process(writing *w, int track) {
  const sg_track *k = &w->tracks->track[track];
  const sg_timeline *t = w->tracks->timeline;
  sg_buffer name = {0};
  sg_put_node(t, k->node, &name);
  if (k->node == SG_MASTER)
    sg_putf(&name, ": %s, run %lld of %s", t->label, t->run_id, t->scenario);
  put_metadata(w, track, "process_name", "name", name.data ? name.data : "", 0);
  put_metadata(w, track, "process_sort_index", "sort_index", NULL, sg_track_process(k));
  w->out->failed |= name.failed;
  sg_buffer_free(&name);
}

/* An arrow is drawn from where a message's flow begins, through where it comes, to where it is
 * used: each inside of the slice, at its beginning. */
static void put_flows(writing *w, const sg_slice *slice, const sg_slice_text *text) {
  for (int i = 0; i < text->n_flows; i++) {
    const sg_sent *s = sg_timeline_sent(w->tracks->timeline, text->flow[i]);
    /* Where it began before the time that is drawn, nothing could be bound to. */
    if (!s || isnan(s->link_s)) continue;
    begin_event(w, text->first ? "s" : text->last ? "f" : "t", slice->track);
    sg_putf(w->out, ",\"cat\":\"message\",\"name\":\"message\",\"id\":%ld", s->number + 1);
    if (!text->first) sg_put(w->out, ",\"bp\":\"e\"");
    put_time(w->out, "ts", slice->begin_ns);
    sg_put(w->out, "}");
  }
}

static void put_slice(writing *w, const sg_slice *slice) {
  sg_slice_text text;
  sg_describe_slice(w->tracks, slice, &text);
  begin_event(w, "X", slice->track);
  sg_put(w->out, ",\"name\":");
  sg_put_json_string(w->out, text.name);
  sg_putf(w->out, ",\"cat\":\"%s\"", text.category);
  put_time(w->out, "ts", slice->begin_ns);
  put_time(w->out, "dur", slice->end_ns - slice->begin_ns);
  sg_put(w->out, ",\"args\":{");
  for (int i = 0; i < text.n_args; i++) {
    double x = text.arg[i].number;
    if (fabs(x) < 1e9 && x == (double)(int)x) { /* most are, and that takes a tenth of the time */
      sg_putf(w->out, "%s\"%s\":%d", i ? "," : "", text.arg[i].name, (int)x);
      continue;
    }
    sg_putf(w->out, "%s\"%s\":", i ? "," : "", text.arg[i].name);
    sg_put_json_number(w->out, x);
  }
  sg_put(w->out, "}}");
  put_flows(w, slice, &text);
}

bool sg_put_chrome(const sg_timeline *t, sg_buffer *out) {
  sg_tracks tracks;
  writing w = {.tracks = &tracks, .out = out};
  bool fine = sg_tracks_make(t, &tracks);
  sg_put(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
  for (int i = 0; fine && i < tracks.n_tracks; i++) {
    const sg_track *k = &tracks.track[i];
    if (i == 0 || k->node != k[-1].node) put_process(&w, i);
    put_metadata(&w, i, "thread_name", "name", sg_track_name(k), 0);
    put_metadata(&w, i, "thread_sort_index", "sort_index", NULL, i);
  }
  for (int i = 0; fine && i < tracks.n_slices; i++) put_slice(&w, &tracks.slice[i]);
  sg_put(out, "\n]}\n");
  sg_tracks_free(&tracks);
  return fine;
}
