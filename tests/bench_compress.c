/* SPDX-License-Identifier: MIT */
/* Prints what compressors cost per coordinate: to pack a vector of normal numbers, and to unpack
 * it, processor time, best of several turns, beside a copy of the vector in the same run. Not a
 * test. bench_compress [LENGTH [NAME]]: compressors whose settings contain NAME. */
#include "models/compress/compress.h"
#include "sim/core/clock.h"
#include "tests/support/environment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5 };

/* What is wanted of packing: at most so many ns, or copies, a coordinate; 0: nothing. */
static const struct setting {
  const char *name, *members;
  double ns, copies;
} settings[] = {
    {"float32", "", 0, 0},
    {"bfloat16", "", 0, 0},
    {"scaled-sign", "", 0, 4},
    {"stochastic-sign", "", 4, 0},
    {"terngrad", "", 4, 0},
    {"qsgd", "levels=15", 4, 0},
    {"qsgd", "levels=255", 4, 0},
    {"qsgd", "levels=2048", 4, 0},
    {"qsgd", "levels=15,code=elias", 4, 0},
    {"qsgd", "levels=2048,code=elias", 0, 0},
    {"top-k", "share=0.01", 3, 0},
    {"percentile", "percentile=adaptive", 3, 0},
    {"percentile", "percentile=50", 3, 0},
    {"percentile", "percentile=50,scale=clipped", 0, 0},
    {"percentile", "percentile=adaptive,packing=arithmetic", 0, 0},
    {"rand-k", "share=0.01", 0, 4},
    {"rand-k", "share=0.5", 0, 0},
    {"sparsification", "share=0.05", 0, 0},
};

static sg_compressor compressor_of(const struct setting *s) {
  sg_error e = {0};
  sg_compressor c;
  char text[200];
  sg_values *v = sg_values_new(NULL, sg_family_find(&sg_compressor_family, s->name), "");
  if (!v || strlen(s->members) >= sizeof text) abort();
  strcpy(text, s->members);
  for (char *at = strtok(text, ","); at; at = strtok(NULL, ",")) {
    char *value = strchr(at, '=');
    *value++ = 0;
    if (sg_values_parse(v, at, value, &e)) abort();
  }
  if (sg_compressor_init(&c, v, &e)) abort();
  sg_values_free(v);
  return c;
}

/* Seconds to pack and to unpack. */
static void once(const sg_compressor *c, sg_packed *p, long n, const double *x, double *y,
                 double *pack, double *unpack, double *bits) {
  sg_dither d;
  sg_dither_at(&d, 1, 0, 0, 0, 0, 0);
  if (!c->type->encode) {
    memcpy(y, x, (size_t)n * sizeof *y);
    double start = sg_thread_seconds();
    c->type->round(c->state, n, y);
    *pack = sg_thread_seconds() - start;
    *bits = sg_compressor_bits(c, n);
    return;
  }
  p->count = p->at = 0;
  double start = sg_thread_seconds();
  c->type->encode(c->state, &d, n, x, p);
  double middle = sg_thread_seconds();
  c->type->decode(c->state, n, p, y);
  *unpack = sg_thread_seconds() - middle;
  *pack = middle - start;
  *bits = (double)p->count;
  if (p->failed || p->at != p->count) abort();
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1L << 22;
  if (n < 1) return EXIT_FAILURE;
  size_t size = (size_t)n * sizeof(double);
  double *x = malloc(size), *y = malloc(size + SG_COARSE * sizeof *y), copy = INFINITY;
  if (!x || !y) return EXIT_FAILURE;
  sg_stream s;
  for (long i = 0; i < n; i++) {
    if (i % 65536 == 0) sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, (uint32_t)(i / 65536), 0);
    x[i] = sqrt(-2 * log1p(-sg_uniform(&s))) * cos(2 * M_PI * sg_uniform(&s));
  }
  memset(y, 0, size);
  for (int round = 0; round < 2 * ROUNDS; round++) {
    double start = sg_thread_seconds();
    memcpy(y, x, size);
    copy = fmin(copy, sg_thread_seconds() - start);
    if (y[n / 2] != x[n / 2]) return EXIT_FAILURE;
  }
  printf("messages of %ld normal numbers, per coordinate; a copy takes %.3f ns; best of %d\n\n"
         "| compressor | pack, ns | copies | wanted | unpack, ns | copies | bits |\n"
         "|---|---|---|---|---|---|---|\n",
         n, 1e9 * copy / (double)n, ROUNDS);
  double uniforms = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    sg_dither d;
    sg_dither_at(&d, 1, 0, 0, 0, 0, 0);
    double start = sg_thread_seconds();
    for (long i = 0; i < n; i += 256) sg_dither_fill(&d, y, n - i < 256 ? n - i : 256);
    uniforms = fmin(uniforms, sg_thread_seconds() - start);
  }
  printf("| uniforms alone | %.2f | %.1f | – | – | – | – |\n", 1e9 * uniforms / (double)n,
         uniforms / copy);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const struct setting *of = &settings[i];
    char name[200], wanted[30] = "–";
    snprintf(name, sizeof name, "%s %s", of->name, of->members);
    if (argc > 2 && !strstr(name, argv[2])) continue;
    const sg_compressor c = compressor_of(of);
    sg_packed packed = {0};
    double pack = INFINITY, unpack = INFINITY, bits = 0;
    for (int round = 0; round < ROUNDS; round++) {
      double a = 0, b = 0;
      once(&c, &packed, n, x, y, &a, &b, &bits);
      pack = fmin(pack, a);
      unpack = fmin(unpack, b);
    }
    if (of->ns > 0) snprintf(wanted, sizeof wanted, "≤ %g ns", of->ns);
    if (of->copies > 0) snprintf(wanted, sizeof wanted, "≤ %g copies", of->copies);
    printf("| %s | %.2f | %.1f | %s | %.2f | %.1f | %.3f |\n", name, 1e9 * pack / (double)n,
           pack / copy, wanted, 1e9 * unpack / (double)n, unpack / copy, bits / (double)n);
    sg_packed_free(&packed);
  }
  free(x);
  free(y);
  return EXIT_SUCCESS;
}
