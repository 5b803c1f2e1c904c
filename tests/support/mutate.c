/* SPDX-License-Identifier: MIT */
#include "tests/support/mutate.h"
#include "sim/core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t mutate_below(size_t n) {
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

/* One change: bytes flipped, cut, doubled, moved, a digit changed, or a word put in or over. */
static size_t mutate(uint8_t *text, size_t size, size_t room, const char *w) {
  size_t at = mutate_below(size + 1), n = mutate_below(mutate_below(4) ? 8 : 64) + 1;
  switch (mutate_below(7)) {
  case 0:
    if (at < size) text[at] = (uint8_t)mutate_below(256);
    return size;
  case 1: /* cut */
    if (at + n > size) return size;
    memmove(text + at, text + at + n, size - at - n);
    return size - n;
  case 2: /* double a stretch */
    if (at + n > size || size + n > room) return size;
    memmove(text + at + n, text + at, size - at);
    return size + n;
  case 3: /* a stretch from somewhere else */
    if (at + n > size) return size;
    memmove(text + at, text + mutate_below(size - n + 1), n);
    return size;
  case 4: /* another digit: mostly still valid */
    if (at < size && text[at] >= '0' && text[at] <= '9')
      text[at] = (uint8_t)('0' + mutate_below(10));
    return size;
  case 5: /* put a word in */
    n = strlen(w);
    if (size + n > room) return size;
    memmove(text + at + n, text + at, size - at);
    memcpy(text + at, w, n);
    return size + n;
  default: /* put a word over */
    n = strlen(w);
    if (at + n > size) return size;
    memcpy(text + at, w, n);
    return size;
  }
}

int mutate_file(const char *path, long iterations, const mutation *how,
                int (*target)(const uint8_t *data, size_t size)) {
  char *seed;
  size_t length, words = 0, kept = 0;
  sg_error e = {0};
  if (sg_read_file(path, NULL, &seed, &length, &e) != SG_OK) {
    fprintf(stderr, "%s\n", e.fault[0].message);
    sg_error_clear(&e);
    return 66;
  }
  while (how->word[words]) words++;
  for (int lines = 0; kept < length && (!how->lines || lines < how->lines); kept++)
    lines += seed[kept] == '\n';
  size_t room = kept + 4096;
  uint8_t *text = malloc(room + 1);
  for (long i = 0; text && i < iterations; i++) {
    memcpy(text, seed, kept);
    size_t size = kept;
    for (size_t k = mutate_below((size_t)how->most) + 1; i > 0 && k > 0; k--)
      size = mutate(text, size, room, how->word[mutate_below(words)]);
    /* A copy of exactly this size, so that a sanitizer sees a byte read too many. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) break;
    memcpy(exact, text, size);
    target(exact, size);
    free(exact);
  }
  free(text);
  free(seed);
  return 0;
}

int mutate_main(int argc, char **argv, const mutation *how,
                int (*target)(const uint8_t *data, size_t size)) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s ITERATIONS FILE…\n", argv[0]);
    return 64;
  }
  long iterations = strtol(argv[1], NULL, 10);
  int code = 0;
  for (int i = 2; i < argc && code == 0; i++) code = mutate_file(argv[i], iterations, how, target);
  return code;
}
