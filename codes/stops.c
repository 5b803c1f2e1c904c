/* SPDX-License-Identifier: MIT */
/* All stop policies. A new one adds a declaration and a line. */
#include "codes/frame/stop.h"

#include <string.h>

extern const sg_stop_type sg_stop_count, sg_stop_decodable, sg_stop_coverage, sg_stop_deadline_s,
    sg_stop_first_factor, sg_stop_first_of;

static const sg_stop_type *const types[] = {
    &sg_stop_count,        &sg_stop_decodable, &sg_stop_coverage, &sg_stop_deadline_s,
    &sg_stop_first_factor, &sg_stop_first_of, /* the last: it may not stand inside itself */
};

enum { TYPES = sizeof types / sizeof *types };

const sg_stop_type *sg_stop_type_at(int i) {
  return i >= 0 && i < TYPES ? types[i] : NULL;
}

const sg_stop_type *sg_stop_type_find(const char *name) {
  for (int i = 0; i < TYPES; i++)
    if (strcmp(types[i]->about.name, name) == 0) return types[i];
  return NULL;
}

static const sg_variant *any_at(int i) {
  return i >= 0 && i < TYPES ? &types[i]->about : NULL;
}

static const sg_variant *part_at(int i) {
  return i >= 0 && i < TYPES - 1 ? &types[i]->about : NULL;
}

const sg_family sg_stop_family = {
    .selector = "rule", .what = "stop policy", .at = any_at, .by_name = true};
const sg_family sg_stop_part_family = {
    .selector = "rule", .what = "stop policy", .at = part_at, .by_name = true};
