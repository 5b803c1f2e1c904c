/* SPDX-License-Identifier: MIT */
/* Memory that a block of code owns: what `SG_OWNED double *x = malloc(…);` points to is freed where
 * the block of x is left, by whichever way. */
#ifndef SG_CORE_OWNED_H
#define SG_CORE_OWNED_H

#include <stdlib.h>
#include <string.h>

#define SG_OWNED __attribute__((cleanup(sg_free_owned)))

static inline void sg_free_owned(void *variable) {
  void *memory;
  memcpy(&memory, variable, sizeof memory);
  free(memory);
}

#endif
