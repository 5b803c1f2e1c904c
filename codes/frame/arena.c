/* SPDX-License-Identifier: MIT */
/* A code's memory: blocks that live and go with it. */
#include "codes/frame/code.h"

#include <stdlib.h>

struct sg_arena {
  struct sg_arena *next;
  max_align_t data[];
};

void *sg_code_alloc(sg_code *code, size_t count, size_t size) {
  if (size && count > (SIZE_MAX - sizeof(struct sg_arena)) / size) return NULL;
  struct sg_arena *block = calloc(1, sizeof *block + count * size);
  if (!block) return NULL;
  block->next = code->arena;
  code->arena = block;
  return block->data;
}

void sg_code_free(sg_code *code) {
  if (!code) return;
  while (code->arena) {
    struct sg_arena *next = code->arena->next;
    free(code->arena);
    code->arena = next;
  }
  free(code);
}

double sg_code_edge(const sg_code *code, int part) {
  return code->edge ? code->edge[part] : (double)part / code->parts;
}
