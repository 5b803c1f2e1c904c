/* SPDX-License-Identifier: MIT */
/* All stop policies, and making one from a scheme's member `stop`. A new one is an entry of the
 * table, before the last, and what it names. */
#include "codes/frame/stop.h"

#include <limits.h>
#include <math.h>

/* --- Making one --------------------------------------------------------------------------------
 */

/* A policy of a type, made from its values or, without any, as it is. */
static sg_status make(sg_code *code, const sg_variant *type, const sg_values *values,
                      const sg_policy **out, sg_error *e) {
  sg_policy *stop = sg_code_alloc(code, 1, sizeof *stop);
  if (!stop) return sg_fail_memory(e);
  stop->type = (const sg_stop_type *)type;
  stop->wants = stop->type->wants;
  if (values && stop->type->value) stop->value = sg_real(values, stop->type->value);
  sg_status status =
      values && stop->type->create ? stop->type->create(stop, code, values, e) : SG_OK;
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) stop->wants |= stop->part[i]->wants;
  *out = stop;
  return status;
}

/* --- The parameters of each ------------------------------------------------------------------- */

static const sg_param count_params[] = {
    SG_ROW_INT("messages", 1, SG_UNBOUNDED,
               "how many messages the master waits for in each segment; the code's own number when "
               "absent (n - s of the codes that tolerate s stragglers)",
               .flags = SG_OPTIONAL),
    {0}};

static sg_status make_count(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  if (!sg_given(values, "messages")) return SG_OK;
  stop->messages = (int)sg_int(values, "messages");
  stop->wants |= SG_COUNTS_ITS_OWN;
  return SG_OK;
}

static const sg_param coverage_params[] = {
    SG_ROW_REAL(
        "share", 0, 1,
        "share of the parts of the data that must be contained in the messages that have come",
        .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static const sg_param deadline_params[] = {SG_ROW_REAL("deadline_s", 0, SG_UNBOUNDED,
                                                       "seconds from the start of the iteration",
                                                       .flags = SG_REQUIRED | SG_MIN_OPEN),
                                           {0}};

static const sg_param first_factor_params[] = {
    SG_ROW_REAL("mu", 0, SG_UNBOUNDED,
                "the tolerance μ: the master waits until 1 + μ times the first arrival",
                .flags = SG_REQUIRED),
    {0}};

static sg_status make_first_factor(sg_policy *stop, sg_code *code, const sg_values *values,
                                   sg_error *e) {
  stop->value = 1 + sg_real(values, "mu");
  return SG_OK;
}

static const sg_param quorum_params[] = {
    SG_ROW_INT("count", 1, SG_UNBOUNDED,
               "K: with fewer messages of a segment there is no update; where no more can come, "
               "approximate codes skip the iteration (others as stop.undecodable says)",
               .flags = SG_REQUIRED),
    SG_ROW_REAL("grace_s", 0, SG_UNBOUNDED,
                "seconds after the K-th message for which the master waits for more, unless all "
                "have come"),
    {0}};

/* Of codes with a plan of their own nobody knows here how many messages a round has. */
static sg_status make_quorum(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  long count = sg_int(values, "count");
  bool each_one = !code->type->on_event && !code->parent;
  if (each_one && !code->type->plan && count > code->nodes)
    return sg_fail_at(e, values, "count",
                      "expected at most n = %d, the messages that a segment has in a round, found "
                      "%ld",
                      code->nodes, count);
  stop->messages = count < INT_MAX ? (int)count : INT_MAX;
  return SG_OK;
}

static const sg_param first_of_params[] = {
    SG_ROW_FAMILY("first", &sg_stop_part_family, "a stop policy", .flags = SG_REQUIRED),
    SG_ROW_FAMILY("second", &sg_stop_part_family, "another one", .flags = SG_REQUIRED),
    {0}};

static sg_status make_first_of(sg_policy *stop, sg_code *code, const sg_values *values,
                               sg_error *e) {
  const sg_values *first = sg_object(values, "first"), *second = sg_object(values, "second");
  sg_status status = make(code, first->variant, first, &stop->part[0], e);
  return status ? status : make(code, second->variant, second, &stop->part[1], e);
}

/* --- When each is met ------------------------------------------------------------------------- */

/* The sum can be recovered, as the code or the rank test says. */
static bool is_decodable(const sg_policy *stop, const sg_arrivals *arrivals) {
  return arrivals->decodable;
}

static bool is_covered(const sg_policy *stop, const sg_arrivals *arrivals) {
  return arrivals->covered >= stop->value * (1 - 1e-12); /* a share of k parts, typed in decimals */
}

static bool has_quorum(const sg_policy *stop, const sg_arrivals *arrivals) {
  return stop->value == 0 && arrivals->come >= stop->messages;
}

static bool has_either(const sg_policy *stop, const sg_arrivals *arrivals) {
  return sg_stop_met(stop->part[0], arrivals) || sg_stop_met(stop->part[1], arrivals);
}

/* --- All of them ------------------------------------------------------------------------------ */

static const sg_stop_type types[] = {
    {.about = {.name = "count",
               .summary = "at the (n - s)-th message, or at the number given",
               .params = count_params},
     .wants = SG_COUNTS,
     .create = make_count},
    {.about = {.name = "decodable", .summary = "as soon as what has come determines the sum"},
     .wants = SG_WANTS_DECODABLE,
     .met = is_decodable},
    {.about = {.name = "coverage",
               .summary = "as soon as a share of the data is contained in what has come",
               .params = coverage_params},
     .wants = SG_WANTS_COVERAGE | SG_ENDS_WITH_ALL,
     .value = "share",
     .met = is_covered},
    /* What comes at that very instant is in time. Nothing at all: the iteration is skipped. */
    {.about = {.name = "deadline",
               .summary = "at a time from the start of the iteration, or when all have come",
               .params = deadline_params},
     .wants = SG_ENDS_WITH_ALL,
     .timed = true,
     .rule = SG_AFTER_SECONDS,
     .value = "deadline_s"},
    /* The straggler detection of sequential gradient coding. */
    {.about = {.name = "first-factor",
               .summary = "at 1 + μ times the time of the first arrival, or when all have come",
               .reference = "Krishnan, Ebrahimi, Khisti (ICLR 2023), arXiv:2211.13802 (recalled)",
               .params = first_factor_params},
     .wants = SG_ENDS_WITH_ALL,
     .timed = true,
     .rule = SG_AFTER_FACTOR_OF_FIRST,
     .create = make_first_factor},
    /* The timer is set by the K-th message. */
    {.about = {.name = "quorum",
               .summary = "K messages, and those that come within a grace time after the K-th; or "
                          "when all have come",
               .reference = "As in fault-tolerant training loops that go on with the workers there "
                            "are (derived)",
               .params = quorum_params},
     .wants = SG_ENDS_WITH_ALL | SG_COUNTS_ITS_OWN | SG_IS_QUORUM,
     .value = "grace_s",
     .create = make_quorum,
     .met = has_quorum},
    {.about = {.name = "first-of",
               .summary = "the first of two policies that is met",
               .params = first_of_params},
     .create = make_first_of,
     .met = has_either}, /* the last: it may not stand inside itself */
};

enum { TYPES = sizeof types / sizeof *types };

static const sg_variant *any_at(int i) {
  return i >= 0 && i < TYPES ? &types[i].about : NULL;
}

static const sg_variant *part_at(int i) {
  return i < TYPES - 1 ? any_at(i) : NULL;
}

const sg_family sg_stop_family = {
    .selector = "rule", .what = "stop policy", .at = any_at, .by_name = true};
const sg_family sg_stop_part_family = {
    .selector = "rule", .what = "stop policy", .at = part_at, .by_name = true};

/* --- What is common to them ------------------------------------------------------------------- */

const char *const sg_layer_words[] = {"together", "one-by-one", NULL};

const sg_param sg_scheme_params[] = {SG_ROWS_SCHEME, {0}};

sg_status sg_stop_of_scheme(sg_code *code, const sg_values *scheme, const sg_policy **out,
                            sg_error *e) {
  const sg_values *given =
      scheme && sg_values_param(scheme, "stop") ? sg_object(scheme, "stop") : NULL;
  if (given && code->type->on_event && !(code->flags & SG_ROUNDS))
    return sg_fail_at(e, scheme, "stop",
                      "expected no \"stop\" with \"%s\", whose protocol decides itself when to "
                      "decode, found \"%s\"",
                      code->type->about.name, given->variant->name);
  if (given) return make(code, given->variant, given, out, e);
  /* A code that says itself when it is ready, or one whose messages are counted. */
  bool says = code->type->arrive || code->flags & SG_STOP_DECODABLE;
  const sg_variant *own = sg_family_find(&sg_stop_family, says ? "decodable" : "count");
  return make(code, own, NULL, out, e);
}

int sg_stop_least(const sg_policy *stop) {
  if (stop->type->wants & SG_IS_QUORUM) return stop->messages;
  if (!stop->part[0]) return 0;
  int first = sg_stop_least(stop->part[0]), second = sg_stop_least(stop->part[1]);
  return first < second ? first : second;
}

double sg_stop_deadline(const sg_policy *stop, bool *other) {
  double deadline = INFINITY;
  if (stop->type->wants & SG_IS_QUORUM && stop->value > 0) *other = true;
  if (stop->type->timed && stop->type->rule == SG_AFTER_SECONDS)
    deadline = stop->value;
  else if (stop->type->timed)
    *other = true;
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) deadline = fmin(deadline, sg_stop_deadline(stop->part[i], other));
  return deadline;
}
