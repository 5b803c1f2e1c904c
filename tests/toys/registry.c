/* SPDX-License-Identifier: MIT */
/* All registered codes and the toys, for programs in which the toys are codes like any other. */
#define SG_MORE_CODES(X)                                                                           \
  X(toy_two_messages)                                                                              \
  X(toy_nested)                                                                                    \
  X(toy_pipeline) X(toy_async) X(toy_batches) X(toy_coded) X(toy_tree) X(toy_scaled) X(toy_late)
#include "codes/registry.c"
