/* SPDX-License-Identifier: MIT */
/* The registered codes, by number and by name. */
#include "codes/frame/code.h"

#include <string.h>

const sg_code_type *sg_code_type_at(int i) {
  for (int k = 0; sg_code_types[k]; k++)
    if (k == i) return sg_code_types[k];
  return NULL;
}

const sg_code_type *sg_code_type_find(const char *name) {
  for (int i = 0; sg_code_types[i]; i++)
    if (strcmp(sg_code_types[i]->about.name, name) == 0) return sg_code_types[i];
  return NULL;
}

static const sg_variant *variant_at(int i) {
  const sg_code_type *type = sg_code_type_at(i);
  return type ? &type->about : NULL;
}

const sg_family sg_code_family = {.selector = "code", .what = "gradient code", .at = variant_at};
