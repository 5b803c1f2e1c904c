/* SPDX-License-Identifier: MIT */
/* The hops of a collective, one after another, as in theory: all-reduce. */
#include "sim/expect/hops.h"
#include "codes/frame/collective.h"

#include <math.h>
#include <stdlib.h>

static double bytes_of(const sg_world *w, const sg_hop *hop) {
  double bytes = w->environment.header_bytes;
  for (int c = hop->first; c < hop->first + hop->count; c++)
    bytes += sg_bytes_of(
        sg_compressor_bits(w->environment.compressor, sg_segment_length(&w->code->segment[c])));
  return bytes;
}

/* Where it is one: the seconds of a hop. */
static const char *certain(const sg_world *w, int from, double bytes, double *seconds) {
  sg_uplink_form up;
  double model = (double)w->environment.length * sizeof(double);
  const char *why = sg_uplink_form_of(w->network, from, bytes / model, bytes, &up);
  *seconds = up.certain;
  return why ? why : up.laws > 0 ? "the times of hops are random" : NULL;
}

const char *sg_hops_seconds(const sg_world *w, const double *ready, double *seconds, bool *memory) {
  const sg_schedule *s = sg_collective_schedule(w->code);
  int n = s->workers;
  *seconds = 0;
  if (sg_network_half_duplex(w->network)) return "links go one way at a time";
  if (sg_collective_buckets(w->code) > 1) return "communication overlaps with computing";
  double latency = sg_uplink_latency(w->network);
  double *at = calloc(3 * (size_t)n, sizeof *at), *next = at + n, *link = next + n;
  *memory = at != NULL;
  if (!at) return NULL;
  const char *why = NULL;
  for (int i = 0; i < n; i++) *seconds = fmax(*seconds, at[i] = next[i] = ready ? ready[i] : 0);
  for (int h = 0; h < s->hops && !why; h++) {
    const sg_hop *hop = &s->hop[h];
    for (int i = 0; i < n && (h == 0 || hop->round != s->hop[h - 1].round); i++) at[i] = next[i];
    double takes;
    why = certain(w, hop->from, bytes_of(w, hop), &takes);
    link[hop->from] = fmax(link[hop->from], at[hop->from]) + takes - latency;
    double there = link[hop->from] + latency;
    next[hop->to] = fmax(next[hop->to], there);
    if (s->blocking) next[hop->from] = fmax(next[hop->from], there);
    *seconds = fmax(*seconds, there);
  }
  free(at);
  return why;
}

bool sg_hops_any_order(const sg_world *w) {
  const sg_code *code = w->code;
  const sg_schedule *s = sg_collective_schedule(code);
  double first = 0, other;
  if (!s->symmetric) return false;
  for (int h = 0; h < s->hops; h++)
    if (certain(w, s->hop[h].from, bytes_of(w, &s->hop[0]), h ? &other : &first) ||
        (h && other != first))
      return false;
  for (int c = 1; c < code->segments; c++)
    if (sg_segment_length(&code->segment[c]) != sg_segment_length(&code->segment[0])) return false;
  return true;
}
