/* SPDX-License-Identifier: MIT */
/* Perfetto's own traces: a protobuf message Trace of TracePackets, of which we need few fields.
 * Their numbers are those of protos/perfetto/trace in Perfetto's sources. */
#include "sim/timeline/tracks.h"

#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <math.h>
#include <string.h>

/* --- Protobuf --------------------------------------------------------------------------------- */

static void put_varint(sg_buffer *b, uint64_t x) {
  char byte[10];
  int n = 0;
  do {
    byte[n] = (char)((x & 0x7F) | (x > 0x7F ? 0x80 : 0));
    x >>= 7;
    n++;
  } while (x);
  sg_put_bytes(b, byte, (size_t)n);
}

static void put_number(sg_buffer *b, int field, uint64_t x) {
  put_varint(b, (uint64_t)field << 3);
  put_varint(b, x);
}

/* fixed64, and the bits of a double */
static void put_fixed(sg_buffer *b, int field, uint64_t x) {
  char byte[8];
  put_varint(b, (uint64_t)field << 3 | 1);
  for (int i = 0; i < 8; i++) byte[i] = (char)(x >> 8 * i & 0xFF);
  sg_put_bytes(b, byte, 8);
}

static void put_double(sg_buffer *b, int field, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  put_fixed(b, field, bits);
}

static void put_bytes(sg_buffer *b, int field, const char *bytes, size_t n) {
  put_varint(b, (uint64_t)field << 3 | 2);
  put_varint(b, n);
  sg_put_bytes(b, bytes, n);
}

static void put_text(sg_buffer *b, int field, const char *text) {
  put_bytes(b, field, text, strlen(text));
}

/* The message in `inner`, which is emptied for the next one. */
static void put_message(sg_buffer *b, int field, sg_buffer *inner) {
  put_bytes(b, field, inner->data ? inner->data : "", inner->length);
  b->failed |= inner->failed;
  inner->length = 0;
}

/* --- Fields ----------------------------------------------------------------------------------- */

enum {
  TRACE_PACKET = 1,

  PACKET_TIMESTAMP = 8,
  PACKET_SEQUENCE = 10,
  PACKET_TRACK_EVENT = 11,
  PACKET_INTERNED = 12,
  PACKET_FLAGS = 13,
  PACKET_CLOCK = 58,
  PACKET_TRACK_DESCRIPTOR = 60,
  STATE_CLEARED = 1,
  NEEDS_STATE = 2,
  CLOCK_BOOTTIME = 6, /* which traces are shown in */
  SEQUENCE = 1,

  DESCRIPTOR_UUID = 1,
  DESCRIPTOR_NAME = 2,
  DESCRIPTOR_PROCESS = 3,
  DESCRIPTOR_THREAD = 4,
  DESCRIPTOR_PARENT = 5,
  DESCRIPTOR_ORDERING = 11,
  DESCRIPTOR_RANK = 12,
  ORDERING_EXPLICIT = 3,
  PROCESS_PID = 1,
  PROCESS_NAME = 6,

  INTERNED_CATEGORY = 1,
  INTERNED_EVENT = 2,
  INTERNED_ANNOTATION = 3,
  INTERNED_IID = 1,
  INTERNED_NAME = 2,

  EVENT_CATEGORY = 3,
  EVENT_ANNOTATION = 4,
  EVENT_TYPE = 9,
  EVENT_NAME = 10,
  EVENT_TRACK = 11,
  EVENT_FLOW = 47,
  SLICE_BEGIN = 1,
  SLICE_END = 2,
  INSTANT = 3,

  ANNOTATION_NAME = 1,
  ANNOTATION_INT = 4,
  ANNOTATION_DOUBLE = 5
};

/* --- Names that are written once -------------------------------------------------------------- */

typedef struct names { /* numbers from 1, by an open hash */
  int n, slots;
  struct name {
    char text[64];
    int number;
  } * slot;
} names;

static struct name *place_of(const names *known, const char *text) {
  unsigned hash = 5381;
  for (const char *at = text; *at; at++) hash = 33 * hash + (unsigned char)*at;
  struct name *s;
  while ((s = &known->slot[hash % (unsigned)known->slots])->number && strcmp(s->text, text) != 0)
    hash++;
  return s;
}

/* The number of a text; 0: no memory. *new: it is to be written. */
static int number_of(names *known, const char *text, bool *new) {
  *new = false;
  if (2 * (known->n + 1) > known->slots) {
    names grown = {.n = known->n, .slots = known->slots ? 2 * known->slots : 64};
    grown.slot = calloc((size_t)grown.slots, sizeof *grown.slot);
    if (!grown.slot) return 0;
    for (int i = 0; i < known->slots; i++)
      if (known->slot[i].number) *place_of(&grown, known->slot[i].text) = known->slot[i];
    free(known->slot);
    *known = grown;
  }
  struct name *s = place_of(known, text);
  if (s->number) return s->number;
  strncpy(s->text, text, sizeof s->text - 1);
  *new = true;
  return s->number = ++known->n;
}

/* --- Packets ---------------------------------------------------------------------------------- */

typedef struct writing {
  const sg_tracks *tracks;
  sg_buffer *out;
  sg_buffer packet, event, inner, interned, name; /* each is empty between its uses */
  names events, categories, annotations;
  bool cleared; /* the first packet has said that nothing is known before it */
} writing;

static void end_packet(writing *w) {
  put_number(&w->packet, PACKET_SEQUENCE, SEQUENCE);
  put_number(&w->packet, PACKET_FLAGS, w->cleared ? NEEDS_STATE : STATE_CLEARED);
  w->cleared = true;
  put_message(w->out, TRACE_PACKET, &w->packet);
}

static uint64_t process_uuid(int process) {
  return (uint64_t)process << 32 | 1;
}

static uint64_t track_uuid(const writing *w, int track) {
  return (uint64_t)sg_track_process(&w->tracks->track[track]) << 32 | (uint64_t)(track + 2);
}

static void put_process(writing *w, const sg_track *track) {
  int process = sg_track_process(track);
  put_number(&w->event, DESCRIPTOR_UUID, process_uuid(process));
  put_number(&w->event, DESCRIPTOR_ORDERING, ORDERING_EXPLICIT);
  put_number(&w->inner, PROCESS_PID, (uint64_t)process);
  sg_put_node(w->tracks->timeline, track->node, &w->name);
  if (track->node == SG_MASTER) {
    const sg_timeline *t = w->tracks->timeline;
    sg_putf(&w->name, ": %s, run %lld of %s", t->label, t->run_id, t->scenario);
  }
  put_bytes(&w->inner, PROCESS_NAME, w->name.data ? w->name.data : "", w->name.length);
  w->name.length = 0;
  put_message(&w->event, DESCRIPTOR_PROCESS, &w->inner);
  put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->event);
  end_packet(w);
}

static void put_track(writing *w, int track) {
  const sg_track *k = &w->tracks->track[track];
  put_number(&w->event, DESCRIPTOR_UUID, track_uuid(w, track));
  put_number(&w->event, DESCRIPTOR_PARENT, process_uuid(sg_track_process(k)));
  put_text(&w->event, DESCRIPTOR_NAME, sg_track_name(k));
  put_number(&w->event, DESCRIPTOR_RANK, (uint64_t)track);
  put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->event);
  end_packet(w);
}

/* The number of a name, told in this packet if it is new. */
static uint64_t intern(writing *w, int field, names *known, const char *text) {
  bool new;
  int number = number_of(known, text, &new);
  if (number == 0) w->out->failed = true;
  if (!new) return (uint64_t)number;
  put_number(&w->inner, INTERNED_IID, (uint64_t)number);
  put_text(&w->inner, INTERNED_NAME, text);
  put_message(&w->interned, field, &w->inner);
  return (uint64_t)number;
}

static void put_argument(writing *w, const sg_arg_of *arg) {
  uint64_t name = intern(w, INTERNED_ANNOTATION, &w->annotations, arg->name);
  bool whole = fabs(arg->number) < 1e15 && arg->number == (double)(int64_t)arg->number;
  put_number(&w->inner, ANNOTATION_NAME, name);
  if (whole)
    put_number(&w->inner, ANNOTATION_INT, (uint64_t)(int64_t)arg->number);
  else
    put_double(&w->inner, ANNOTATION_DOUBLE, arg->number);
  put_message(&w->event, EVENT_ANNOTATION, &w->inner);
}

/* A message's flow has its number, from 1. Directions follow from the times. */
static void put_begin(writing *w, const sg_slice *slice) {
  sg_slice_text text;
  sg_describe_slice(w->tracks, slice, &text);
  put_number(&w->event, EVENT_TYPE, slice->instant ? INSTANT : SLICE_BEGIN);
  put_number(&w->event, EVENT_TRACK, track_uuid(w, slice->track));
  put_number(&w->event, EVENT_CATEGORY,
             intern(w, INTERNED_CATEGORY, &w->categories, text.category));
  put_number(&w->event, EVENT_NAME, intern(w, INTERNED_EVENT, &w->events, text.name));
  for (int i = 0; i < text.n_args; i++) put_argument(w, &text.arg[i]);
  for (int i = 0; i < text.n_flows; i++)
    if (sg_timeline_sent(w->tracks->timeline, text.flow[i]))
      put_fixed(&w->event, EVENT_FLOW, (uint64_t)text.flow[i] + 1);
}

typedef struct moment { /* the beginning or end of a slice */
  int64_t at_ns;
  int place; /* among all in the order of tracks */
  int slice;
  bool end;
} moment;

static int by_time(const void *a, const void *b) {
  const moment *x = a, *y = b;
  if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
  return x->place - y->place;
}

static void put_moment(writing *w, const moment *m) {
  const sg_slice *slice = &w->tracks->slice[m->slice];
  put_number(&w->packet, PACKET_TIMESTAMP, (uint64_t)m->at_ns);
  put_number(&w->packet, PACKET_CLOCK, CLOCK_BOOTTIME);
  if (m->end) {
    put_number(&w->event, EVENT_TYPE, SLICE_END);
    put_number(&w->event, EVENT_TRACK, track_uuid(w, slice->track));
  } else {
    put_begin(w, slice);
    if (w->interned.length > 0) put_message(&w->packet, PACKET_INTERNED, &w->interned);
  }
  put_message(&w->packet, PACKET_TRACK_EVENT, &w->event);
  end_packet(w);
}

/* Events are in the order of time, as in a trace that was recorded; simultaneous ones in the order
 * of tracks, workers before the master, whose decode comes behind what it uses. */
static bool put_events(writing *w) {
  const sg_tracks *k = w->tracks;
  SG_OWNED moment *list = calloc(2 * (size_t)k->n_slices + 1, sizeof *list);
  int n = 0, first = 0;
  if (!list) return false;
  while (first < k->n_slices && k->track[k->slice[first].track].node == SG_MASTER) first++;
  for (int i = 0; i < k->n_slices; i++) {
    int slice = (first + i) % k->n_slices;
    const sg_slice *s = &k->slice[slice];
    list[n] = (moment){.at_ns = s->begin_ns, .place = n, .slice = slice};
    n++;
    if (s->instant) continue;
    list[n] = (moment){.at_ns = s->end_ns, .place = n, .slice = slice, .end = true};
    n++;
  }
  qsort(list, (size_t)n, sizeof *list, by_time);
  for (int i = 0; i < n; i++) put_moment(w, &list[i]);
  return true;
}

bool sg_put_perfetto(const sg_timeline *t, sg_buffer *out) {
  sg_tracks tracks;
  writing w = {.tracks = &tracks, .out = out};
  bool fine = sg_tracks_make(t, &tracks);
  for (int i = 0; fine && i < tracks.n_tracks; i++) {
    const sg_track *track = &tracks.track[i];
    if (i == 0 || track->node != track[-1].node) put_process(&w, track);
    put_track(&w, i);
  }
  fine = fine && put_events(&w);
  sg_tracks_free(&tracks);
  sg_buffer *const parts[] = {&w.packet, &w.event, &w.inner, &w.interned, &w.name};
  for (int i = 0; i < 5; i++) {
    out->failed |= parts[i]->failed;
    sg_buffer_free(parts[i]);
  }
  free(w.events.slot);
  free(w.categories.slot);
  free(w.annotations.slot);
  return fine;
}
