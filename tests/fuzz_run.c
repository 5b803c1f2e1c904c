/* SPDX-License-Identifier: MIT */
/* Rounds of random scenarios made from the parameter tables: each byte of the input decides
 * something, which variant, which members are there, which value. So every new code, law or network
 * is in it without a word here. What is refused must be refused with a message, and what is played
 * must end with rows that can be.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without:
 *   fuzz_run ITERATIONS [FIRST]    scenarios of bytes drawn by number, from FIRST on
 *   fuzz_run -p FILE               prints the scenario that a file of bytes makes */
#include "sim/core/random.h"
#include "tests/support/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct maker {
  const uint8_t *data;
  size_t left;
  unsigned workers, items; /* items of the list at hand */
  sg_buffer out;
} maker;

static unsigned next(maker *m, unsigned below) {
  if (m->left == 0) return 0;
  m->left--;
  return *m->data++ % below;
}

static double within(const sg_param *p, double x) {
  if (p->min == 0 && p->max == 0) return x;
  if (x < p->min) x = p->min;
  if (x > p->max) x = p->max;
  if (x == p->min && p->flags & SG_MIN_OPEN) x = p->min + (p->max - p->min > 1 ? 0.5 : 1e-3);
  if (x == p->max && p->flags & SG_MAX_OPEN) x = p->max - 1e-3 * (p->max > 1 ? p->max : 1);
  return x;
}

static void put_number(maker *m, const sg_param *p) {
  static const double reals[] = {0.5, 0,   1,    0.1, 2,    3.7, 0.01, 10,
                                 100, 1e3, 1e-4, 1e6, 1e-9, 0.9, 0.25, 1e12};
  if (p->choices && next(m, 4) == 0) {
    unsigned words = 0;
    while (p->choices[words]) words++;
    sg_put_json_string(&m->out, p->choices[next(m, words)]);
  } else if (p->name && (strcmp(p->name, "share") == 0 || strcmp(p->name, "weight") == 0))
    sg_putf(&m->out, "%.17g", within(p, 1.0 / m->items)); /* they sum to 1 */
  else if (p->kind == SG_INT)
    sg_putf(&m->out, "%.0f", within(p, next(m, 8) ? next(m, 7) : next(m, 40)));
  else
    sg_putf(&m->out, "%.17g", within(p, reals[next(m, sizeof reals / sizeof *reals)]));
}

static void put_object(maker *m, const sg_param *fields, const sg_family *family, int depth);

static void put_value(maker *m, const sg_param *p, int depth) {
  unsigned words = 0;
  switch (p->kind) {
  case SG_INT:
  case SG_REAL: put_number(m, p); break;
  case SG_BOOL: sg_put(&m->out, next(m, 2) ? "true" : "false"); break;
  case SG_CHOICE:
    while (p->choices[words]) words++;
    sg_put_json_string(&m->out, p->choices[next(m, words)]);
    break;
  case SG_SEED: sg_putf(&m->out, "%u", next(m, 16)); break;
  case SG_OBJECT: put_object(m, p->fields, NULL, depth + 1); break;
  case SG_FAMILY: put_object(m, p->fields, p->family, depth + 1); break;
  case SG_LIST: {
    /* A number for each worker, or few objects. */
    bool numbers = p->fields->kind == SG_REAL || p->fields->kind == SG_INT;
    unsigned n = numbers && next(m, 8) ? m->workers : 1 + next(m, 9) / 4, before = m->items;
    sg_put(&m->out, "[");
    for (unsigned i = 0; i < n; i++) {
      if (i > 0) sg_put(&m->out, ",");
      m->items = n;
      put_value(m, p->fields, depth + 1);
    }
    sg_put(&m->out, "]");
    m->items = before;
    break;
  }
  default: sg_put_json_string(&m->out, "stalls"); break;
  }
}

/* Members that name files, and those whose size is set below. */
static bool is_left_out(const sg_param *p) {
  static const char *const names[] = {"$schema", "format",   "sweep",      "replications",
                                      "output",  "stop",     "random",     "workers",
                                      "name",    "baseline", "description"};
  if (p->kind == SG_MATRIX || p->kind == SG_ANY || p->flags & SG_IS_PATH) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(p->name, names[i]) == 0) return true;
  return false;
}

static bool needs_file(const sg_variant *v) {
  for (const sg_param *p = v->params; p && p->name; p++)
    if (p->flags & SG_REQUIRED && (p->kind == SG_MATRIX || p->flags & SG_IS_PATH)) return true;
  return false;
}

static void put_members(maker *m, const sg_param *fields, int depth, bool *any) {
  /* The sizes of data and messages, which may be anything, are small. */
  static const char *const sizes[] = {"rows", "features", "length", "size", "width", "blocks"};
  for (const sg_param *p = fields; p && p->name; p++) {
    bool size = false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      size |= strcmp(p->name, sizes[i]) == 0 && p->kind == SG_INT;
    if (is_left_out(p) || (!(p->flags & SG_REQUIRED) && !size && next(m, 7) != 1)) continue;
    sg_put(&m->out, *any ? ",\n" : "\n");
    *any = true;
    sg_put_json_string(&m->out, p->name);
    sg_put(&m->out, ":");
    if (size) {
      unsigned x = next(m, 256); /* mostly small: large data takes the time of all else */
      sg_putf(&m->out, "%.0f", within(p, 1 + (x < 208 ? 11 + x % 24 : x % 96)));
    } else
      put_value(m, p, depth);
  }
}

static bool has_workers(const sg_param *fields) {
  for (const sg_param *p = fields; p && p->name; p++)
    if (strcmp(p->name, "workers") == 0 && p->kind == SG_INT && p->flags & SG_REQUIRED) return true;
  return false;
}

static void put_object(maker *m, const sg_param *fields, const sg_family *family, int depth) {
  bool any = false;
  sg_put(&m->out, "{");
  if (depth < 0) { /* the root */
    sg_put(&m->out, "\"format\":1,\"replications\":2,\"output\":{\"detail\":\"worker\"}");
    sg_putf(&m->out, ",\"random\":{\"seed\":%u},\"stop\":{\"iterations\":%u", next(m, 16),
            1 + next(m, 8));
    static const char *const then[] = {"wait", "skip", "error"};
    sg_putf(&m->out, ",\"undecodable\":\"%s\"}", then[next(m, 3)]);
    any = true;
  } else if (has_workers(fields)) {
    sg_putf(&m->out, "\"workers\":%u", m->workers);
    any = true;
  }
  if (family) {
    int n = 0;
    while (family->at(n)) n++;
    int i = (int)next(m, (unsigned)n);
    for (int k = 0; k < n && needs_file(family->at(i)); k++) i = (i + 1) % n;
    sg_putf(&m->out, "%s\"%s\":\"%s\"", any ? "," : "", family->selector, family->at(i)->name);
    any = true;
    put_members(m, family->at(i)->params, depth, &any);
  }
  put_members(m, fields, depth, &any);
  sg_put(&m->out, "}");
}

static sg_buffer make(const uint8_t *data, size_t size) {
  static const unsigned workers[] = {6, 12, 4, 8, 1, 2, 3, 5, 7, 9, 10, 16};
  maker m = {.data = data, .left = size, .items = 1};
  m.workers = workers[next(&m, sizeof workers / sizeof *workers)];
  put_object(&m, sg_scenario_params, NULL, -1);
  return m.out;
}

static long played;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sg_buffer text = make(data, size);
  if (text.failed) abort();
  played += fuzz_play(text.data, text.length, 0, NULL);
  sg_buffer_free(&text);
  return 0;
}

#ifndef SG_LIBFUZZER

static int print_made(const char *path) {
  char *bytes;
  size_t size;
  sg_error e = {0};
  if (sg_read_file(path, NULL, &bytes, &size, &e) != SG_OK) return 66;
  sg_buffer text = make((const uint8_t *)bytes, size);
  puts(text.data);
  sg_buffer_free(&text);
  free(bytes);
  return 0;
}

int main(int argc, char **argv) {
  enum { LONGEST = 400 };
  uint8_t bytes[LONGEST];
  if (argc == 3 && strcmp(argv[1], "-p") == 0) return print_made(argv[2]);
  long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0,
       first = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
  if (n < 1) {
    fprintf(stderr, "usage: fuzz_run ITERATIONS [FIRST] | -p FILE\n");
    return 64;
  }
  LLVMFuzzerInitialize(&argc, &argv);
  for (long i = first; i < first + n; i++) {
    sg_stream s;
    sg_stream_at(&s, (uint64_t)i, 0, SG_FOR_CHECK, 0, 0, 0);
    for (int k = 0; k < LONGEST; k++) bytes[k] = (uint8_t)(sg_uniform(&s) * 256);
    LLVMFuzzerTestOneInput(bytes, LONGEST);
  }
  printf("%ld scenarios, %ld points played\n", n, played);
  return 0;
}

#endif
