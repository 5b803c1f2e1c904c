/* SPDX-License-Identifier: MIT */
/* Speed of graph codes' decoders, in ratios to scipy's lsqr on the same patterns in the same run
 * (tests/peer_lsqr.py, one thread), and per edge from 10^3 to 10^6 edges.
 *
 *   bench_graph               tables
 *   bench_graph --write FILE  the patterns of the yardstick, for tests/peer_lsqr.py
 *   bench_graph --peer FILE   what the yardstick printed, for the ratios */
#include "codes/tools/incidence.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATTERNS = 40, ROUNDS = 5, CASES = 3 };

static const struct {
  const char *name;
  int p, q; /* of an LPS graph; or */
  int n, d; /* random regular */
  double straggling;
} cases[CASES] = {{"X^(5,13)", 5, 13, 0, 0, 0.3},
                  {"random n = 1000, d = 6", 0, 0, 1000, 6, 0.2},
                  {"random n = 1000, d = 3", 0, 0, 1000, 3, 0.2}};

typedef struct bench {
  sg_graph graph;
  sg_arena *arena;
  sg_incidence in;
  void *workspace;
  int *edge, count;
  double *w;
} bench;

static bool bench_of(bench *b) {
  b->workspace = malloc(sg_least_norm_bytes(&b->in));
  b->edge = malloc((size_t)b->graph.edges * sizeof *b->edge);
  b->w = malloc((size_t)b->graph.edges * sizeof *b->w);
  return b->workspace && b->edge && b->w;
}

static bool open_case(int k, bench *b) {
  *b = (bench){0};
  bool ok = cases[k].p ? sg_graph_lps(&b->graph, cases[k].p, cases[k].q)
                       : sg_graph_random_regular(&b->graph, cases[k].n, cases[k].d, 1);
  return ok && sg_incidence_new(&b->arena, &b->graph, &b->in) && bench_of(b);
}

static void close_bench(bench *b) {
  sg_graph_free(&b->graph);
  sg_arena_free(b->arena);
  free(b->workspace);
  free(b->edge);
  free(b->w);
}

/* Processor time, as the yardstick measures it: others may be on the machine. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(bench *b, double straggling, int number) {
  enum { LENGTH = 1 << 16 };
  sg_stream s;
  b->count = 0;
  for (int e = 0; e < b->graph.edges; e++) {
    if (e % LENGTH == 0)
      sg_stream_at(&s, 1, 0, SG_FOR_CHECK, (uint32_t)number, (uint32_t)(e / LENGTH), 0);
    if (sg_uniform(&s) >= straggling) b->edge[b->count++] = e;
  }
}

/* Mean seconds of a decode over the patterns, the best of rounds; ‖α − A w‖ and steps, means. */
static double seconds(bench *b, double straggling, int patterns, double tolerance, bool tree,
                      double *residual, double *steps) {
  double best = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    double sum = 0;
    *residual = *steps = 0;
    for (int i = 0; i < patterns; i++) {
      sg_incidence_report r;
      draw(b, straggling, i);
      double start = now();
      if (tree)
        sg_tree_weights(&b->in, b->count, b->edge, b->w, &r, b->workspace);
      else
        sg_least_norm_weights(&b->in, b->count, b->edge, tolerance, b->w, &r, b->workspace);
      sum += now() - start;
      *residual += r.residual / patterns;
      *steps += (double)r.steps / patterns;
    }
    best = fmin(best, sum / patterns);
  }
  return best;
}

static bool write_patterns(const char *path) {
  FILE *f = fopen(path, "w");
  for (int k = 0; f && k < CASES; k++) {
    bench b;
    if (!open_case(k, &b)) return false;
    for (int i = 0; i < PATTERNS; i++) {
      draw(&b, cases[k].straggling, i);
      fprintf(f, "%d %d", k, b.graph.vertices);
      for (int e = 0; e < b.count; e++)
        fprintf(f, " %d %d", b.graph.end[2 * b.edge[e]], b.graph.end[2 * b.edge[e] + 1]);
      fputs("\n", f);
    }
    close_bench(&b);
  }
  return f && fclose(f) == 0;
}

/* Lines "case seconds residual" and one with the version. */
static void read_peer(const char *path, double *peer, double *residual, char *version,
                      size_t size) {
  FILE *f = path ? fopen(path, "r") : NULL;
  char line[200];
  for (int k = 0; k < CASES; k++) peer[k] = residual[k] = NAN;
  snprintf(version, size, "not here");
  while (f && fgets(line, sizeof line, f)) {
    int k;
    double s, r;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%d %lf %lf", &k, &s, &r) == 3 && k >= 0 && k < CASES)
      peer[k] = s, residual[k] = r;
    else
      snprintf(version, size, "%s", line);
  }
  if (f) fclose(f);
}

static bool against_peer(const char *path) {
  double peer[CASES], off[CASES];
  char version[200];
  read_peer(path, peer, off, version, sizeof version);
  printf("graph codes, %d patterns, means, best of %d; yardstick: %s\n\n"
         "| graph, p | weights | µs a pattern | residual | steps | yardstick, µs | its residual | "
         "times faster | wanted |\n|---|---|---|---|---|---|---|---|---|\n",
         PATTERNS, ROUNDS, version);
  for (int k = 0; k < CASES; k++) {
    bench b;
    if (!open_case(k, &b)) return false;
    static const char *const names[] = {"tree", "minimum-norm", "minimum-norm, equal residual"};
    for (int way = 0; way < 3; way++) {
      double residual, steps, tolerance = way == 2 ? (isnan(off[k]) ? 1e-6 : off[k]) : 0;
      double s = seconds(&b, cases[k].straggling, PATTERNS, tolerance, way == 0, &residual, &steps);
      printf("| %s, %g | %s | %.1f | %.2g | %.1f | %.0f | %.2g | %.1f | %s |\n", cases[k].name,
             cases[k].straggling, names[way], s * 1e6, residual, steps, peer[k] * 1e6, off[k],
             peer[k] / s,
             way == 0   ? "20"
             : way == 2 ? "5"
                        : "–");
    }
    close_bench(&b);
  }
  return true;
}

static bool by_size(void) {
  printf(
      "\nlinear-time weights by size, p = 0.2 (circulant: neighbours are near in memory; random: "
      "they are anywhere)\n\n| graph | edges | ns an edge | memory, KiB |\n|---|---|---|---|\n");
  for (int kind = 0; kind < 2; kind++)
    for (int edges = 1000; edges <= 1000000; edges *= 10) {
      bench b = {0};
      bool ok = kind ? sg_graph_random_regular(&b.graph, edges * 2 / 3 / 2 * 2, 3, 1)
                     : sg_graph_circulant(&b.graph, edges / 2, 2, (int[]){1, 7});
      if (!ok || !sg_incidence_new(&b.arena, &b.graph, &b.in) || !bench_of(&b)) return false;
      double residual, steps;
      int patterns = edges >= 1000000 ? 5 : edges >= 100000 ? 20 : 200;
      double s = seconds(&b, 0.2, patterns, 0, true, &residual, &steps);
      size_t bytes = sg_tree_weights_bytes(&b.in) + (size_t)b.graph.edges * (16 + 8 + 4) +
                     (size_t)b.graph.vertices * 4;
      printf("| %s | %d | %.1f | %.0f |\n", kind ? "random cubic" : "circulant 1, 7", b.graph.edges,
             s * 1e9 / b.graph.edges, (double)bytes / 1024);
      close_bench(&b);
    }
  return true;
}

int main(int argc, char **argv) {
  sg_blas_single_thread();
  if (argc > 2 && strcmp(argv[1], "--write") == 0)
    return write_patterns(argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
  const char *peer = argc > 2 && strcmp(argv[1], "--peer") == 0 ? argv[2] : NULL;
  return against_peer(peer) && by_size() ? EXIT_SUCCESS : EXIT_FAILURE;
}
