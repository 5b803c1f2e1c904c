/* SPDX-License-Identifier: MIT */
/* All gradient codes. A new code adds a declaration and a line.
 *
 * A program with codes of its own defines SG_MORE_CODES ("&mine, &yours,"), includes this file and
 * links the object before the library (tests/toys/registry.c). */
#include "codes/frame/code.h"

#ifndef SG_MORE_CODES
#define SG_MORE_CODES
#endif

extern const sg_code_type sg_uncoded, sg_ignore_stragglers, sg_fractional_repetition,
    sg_cyclic_repetition, sg_ye_abbe, sg_group, sg_reed_solomon, sg_cyclic_mds, sg_heterogeneous,
    sg_arbitrary_placement, sg_partial_cyclic, sg_partial_repetition, sg_streamed_group,
    sg_gradient_matrix;

const sg_code_type *const sg_code_types[] = {
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
    &sg_gradient_matrix,
    SG_MORE_CODES NULL,
};

const sg_code_type *sg_code_type_at(int i) {
  for (int k = 0; sg_code_types[k]; k++)
    if (k == i) return sg_code_types[k];
  return NULL;
}

static const sg_variant *variant_at(int i) {
  const sg_code_type *type = sg_code_type_at(i);
  return type ? &type->about : NULL;
}

const sg_family sg_code_family = {.selector = "code", .what = "gradient code", .at = variant_at};

const sg_code_type *sg_code_type_find(const char *name) {
  return (const sg_code_type *)sg_family_find(&sg_code_family, name);
}
