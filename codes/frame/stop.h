/* SPDX-License-Identifier: MIT */
/* Stop policies: when the master stops waiting and decodes with what has come.
 *
 * A scheme's member `stop` chooses one, whatever the code; the code only says how far it is
 * (`arrive`, or the rank test). A policy is an entry of the table in codes/stops.c. The default
 * round (protocol.h) asks it after each arrival, and sets and handles its timers. */
#ifndef SG_CODES_FRAME_STOP_H
#define SG_CODES_FRAME_STOP_H

#include "codes/frame/protocol.h"

/* What has come in this round of one segment. What a policy does not want is 0 or false. */
typedef struct sg_arrivals {
  int come;       /* messages, those that add nothing too */
  int need;       /* the code's own count: segment.need */
  bool decodable; /* SG_WANTS_DECODABLE */
  double covered; /* SG_WANTS_COVERAGE: share of the parts that some row of them contains */
} sg_arrivals;

enum { /* sg_stop_type.wants */
       SG_WANTS_DECODABLE = 1,
       SG_WANTS_COVERAGE = 2,
       /* The round ends with what there is when all its messages have come, though the policy is
        * not met. Without it (count, decodable) more may be needed than a round has. */
       SG_ENDS_WITH_ALL = 4,
       /* It was asked for a number of messages, which may be less than the code's own. */
       SG_COUNTS_ITS_OWN = 8,
       SG_COUNTS = 16, /* it is met by the number of messages that have come; no `met` */
       /* Fewer than `messages` are never decoded, and `value` seconds after so many of each segment
        * have come it is met. */
       SG_IS_QUORUM = 32
};

typedef struct sg_policy sg_policy;

typedef struct sg_stop_type {
  sg_variant about;
  unsigned wants;
  bool timed; /* met when a timer fires: value by `rule`, as an SG_TIMER of a round's begin */
  sg_timer_rule rule;
  const char *value; /* a real parameter that is the policy's value; NULL: `create` fills it */
  /* Fills value and part from the parameters. NULL: there are none. */
  sg_status (*create)(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e);
  /* Whether the policy is met. NULL: it counts, or is met by its timer only. */
  bool (*met)(const sg_policy *stop, const sg_arrivals *arrivals);
} sg_stop_type;

/* Made with its code, then immutable. */
struct sg_policy {
  const sg_stop_type *type;
  unsigned wants; /* those of its parts too */
  double value;   /* the policy's parameter */
  int messages; /* SG_COUNTS: met when so many have come; 0: the code's own number. SG_IS_QUORUM */
  const sg_policy *part[2];
};

/* The policies that may stand inside another; selector "rule". All of them: code.h. */
extern const sg_family sg_stop_part_family;

/* The policy of the scheme's values, or the code's own where they give none. */
sg_status sg_stop_of_scheme(sg_code *code, const sg_values *scheme, const sg_policy **out,
                            sg_error *e);

/* Asked at every arrival, and most policies count. */
static inline bool sg_stop_met(const sg_policy *stop, const sg_arrivals *arrivals) {
  if (stop->type->wants & SG_COUNTS)
    return arrivals->come >= (stop->messages > 0 ? stop->messages : arrivals->need);
  return stop->type->met && stop->type->met(stop, arrivals);
}

/* How many messages of a segment are needed for any decode, 0: the policy does not say. */
int sg_stop_least(const sg_policy *stop);

/* The deadline in seconds from the round's start that the policy sets (INFINITY: none), and whether
 * it is timed in another way, too. */
double sg_stop_deadline(const sg_policy *stop, bool *other);

#endif
