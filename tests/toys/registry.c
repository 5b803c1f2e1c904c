/* SPDX-License-Identifier: MIT */
/* All registered codes and the toys, for programs in which the toys are codes like any other. */
#include "tests/support/toy_codes.h"

#define SG_MORE_CODES                                                                              \
  &toy_two_messages, &toy_nested, &toy_pipeline, &toy_async, &toy_batches, &toy_coded, &toy_tree,  \
      &toy_scaled, &toy_late,
#include "codes/registry.c"
