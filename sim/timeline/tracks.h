/* SPDX-License-Identifier: MIT */
/* A timeline as processes with tracks of slices, for viewers of traces: what both formats have in
 * common. On a track slices follow one another; what would overlap is on a further track of the
 * same name. */
#ifndef SG_SIM_TIMELINE_TRACKS_H
#define SG_SIM_TIMELINE_TRACKS_H

#include "sim/timeline/timeline.h"

typedef struct sg_track {
  int node, kind, lane; /* lane: 0, 1, … of tracks alike */
  int64_t end_ns;       /* of its last slice */
} sg_track;

typedef enum sg_slice_kind { /* of what it is a slice: an index into that list of the timeline */
                             SG_SLICE_SPAN,
                             SG_SLICE_PREPARE,
                             SG_SLICE_LINK,
                             SG_SLICE_FLIGHT,
                             SG_SLICE_QUEUE,
                             SG_SLICE_ARRIVAL,
                             SG_SLICE_DECODE,
                             SG_SLICE_UPDATE,
                             SG_SLICE_ITERATION
} sg_slice_kind;

typedef struct sg_slice {
  int track, index;
  sg_slice_kind kind;
  bool instant;
  int64_t begin_ns, end_ns;
} sg_slice;

typedef struct sg_tracks {
  const sg_timeline *timeline;
  int n_tracks, tracks_capacity, n_slices, slices_capacity;
  sg_track *track;
  sg_slice *slice; /* those of a track in the order of time */
} sg_tracks;

/* false: no memory, or times that nanoseconds cannot hold. To be freed in any case. */
bool sg_tracks_make(const sg_timeline *t, sg_tracks *out);
void sg_tracks_free(sg_tracks *tracks);

/* "compute", "link" */
const char *sg_track_name(const sg_track *track);
/* The process of a node, and the thread of a track: numbers for formats that have such. Processes
 * are in the order in which they are to be shown. */
int sg_track_process(const sg_track *track);
int sg_track_thread(const sg_tracks *tracks, int track);

enum { SG_MOST_ARGS = 8 };
typedef struct sg_arg_of { /* what a viewer shows of a slice */
  const char *name;
  double number;
} sg_arg_of;

typedef struct sg_slice_text {
  char name[64];
  const char *category;
  int n_args;
  sg_arg_of arg[SG_MOST_ARGS];
  /* Messages that flow through it: of a decode those that it used. */
  const long *flow;
  int n_flows;
  bool first, last; /* where a message's flow begins; where it has been used */
} sg_slice_text;
void sg_describe_slice(const sg_tracks *tracks, const sg_slice *slice, sg_slice_text *out);

#endif
