/* SPDX-License-Identifier: MIT */
/* All gradient codes. A new code adds a declaration and a line. */
#include "codes/frame/code.h"

#include <string.h>

extern const sg_code_type sg_uncoded, sg_ignore_stragglers, sg_fractional_repetition,
    sg_cyclic_repetition, sg_ye_abbe, sg_group, sg_reed_solomon, sg_cyclic_mds, sg_heterogeneous,
    sg_arbitrary_placement, sg_partial_cyclic, sg_partial_repetition, sg_streamed_group;

static const sg_code_type *const types[] = {
    &sg_uncoded,
    &sg_ignore_stragglers,
    &sg_fractional_repetition,
    &sg_cyclic_repetition,
    &sg_ye_abbe,
    &sg_group,
    &sg_reed_solomon,
    &sg_cyclic_mds,
    &sg_heterogeneous,
    &sg_arbitrary_placement,
    &sg_partial_cyclic,
    &sg_partial_repetition,
    &sg_streamed_group,
};

const sg_code_type *sg_code_type_at(int i) {
  return i >= 0 && (size_t)i < sizeof types / sizeof *types ? types[i] : NULL;
}

const sg_code_type *sg_code_type_find(const char *name) {
  const sg_code_type *type;
  for (int i = 0; (type = sg_code_type_at(i)); i++)
    if (strcmp(type->about.name, name) == 0) return type;
  return NULL;
}

static const sg_variant *variant_at(int i) {
  const sg_code_type *type = sg_code_type_at(i);
  return type ? &type->about : NULL;
}

const sg_family sg_code_family = {.selector = "code", .what = "gradient code", .at = variant_at};
