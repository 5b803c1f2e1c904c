/* SPDX-License-Identifier: MIT */
/* Workspace that grows to what was asked for most and is kept. */
#ifndef SG_CODES_FRAME_SCRATCH_H
#define SG_CODES_FRAME_SCRATCH_H

#include <stddef.h>

typedef struct sg_scratch { /* zero-initialise; free(data) */
  void *data;
  size_t size;
} sg_scratch;

/* At least `bytes` bytes, aligned for any type, not cleared. NULL: no memory. */
void *sg_scratch_get(sg_scratch *scratch, size_t bytes);

#endif
