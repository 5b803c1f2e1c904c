/* SPDX-License-Identifier: MIT */
/* Writes the example traces of scenarios/traces/:  make_traces FOLDER
 *
 * Each shows one thing, with numbers that are known. The formulas are written out here, apart from
 * the simulator's delay models, so that a fit of them is a test of both. Seed 1: the same files on
 * every machine but for the last digit of a time. */
#include "sim/core/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 12, ITERATIONS = 240 };

/* What a trace is made of; streams are addressed by its number. */
typedef struct recipe {
  const char *file, *about;
  bool persistent, memory, common, stalls, load, barrier;
} recipe;

static const recipe recipes[] = {
    {"independent.csv",
     "independent shifted exponential times: 1 s + Exp(mean 0.5 s); send times 0.2 s + Exp(0.1 s)",
     .load = false},
    {"persistent.csv",
     "worker w has speed 1 − w/24 for good, and two of them half; over it 1 s + Exp(mean 0.15 s)",
     .persistent = true},
    {"memory.csv",
     "slow and fast states: P(slow) = 0.05, P(recovery) = 0.2 an iteration, 2.5 times slower; over "
     "it 1 s + Exp(mean 0.2 s)",
     .memory = true},
    {"stalls.csv",
     "in one iteration of 40 a stall takes half of the workers, each 12 times as long; lognormal "
     "common factor of sigma 0.1; over it 1 s + Exp(mean 0.2 s)",
     .common = true, .stalls = true},
    {"loads.csv",
     "loads of 1, 2, 4 subsets in turn, a start of 0.8 s + Exp(mean 0.3 s) and 0.5 s a subset",
     .load = true},
    {"barrier.csv",
     "times that were taken behind a barrier: all workers show the slowest one's, 1 s + Exp(mean "
     "0.5 s), and their own clock's noise",
     .barrier = true},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

enum { OF_TIME, OF_SEND, OF_STATE, OF_COMMON, OF_STALL };

static double uniform(int r, int what, int worker, long iteration) {
  sg_stream s;
  sg_stream_at(&s, 1, (uint32_t)r, SG_FOR_DATA, (uint32_t)worker, (uint32_t)iteration,
               (uint32_t)what);
  return sg_uniform(&s);
}

static double exponential(int r, int what, int worker, long iteration, double mean) {
  return -mean * log1p(-uniform(r, what, worker, iteration));
}

static double normal(int r, int what, long iteration) {
  double u = uniform(r, what, 0, iteration), v = uniform(r, what, 1, iteration);
  return sqrt(-2 * log1p(-u)) * cos(2 * M_PI * v);
}

static double compute(int r, int worker, long i, bool *slow) {
  const recipe *x = &recipes[r];
  double t = 1 + exponential(r, OF_TIME, worker, i, r == 0 ? 0.5 : x->persistent ? 0.15 : 0.2);
  if (x->persistent) t /= (1 - worker / 24.0) * (worker % 5 == 3 ? 0.5 : 1);
  if (x->memory) {
    double u = uniform(r, OF_STATE, worker, i);
    *slow = i == 0 ? u < 0.2 : *slow ? u >= 0.2 : u < 0.05;
    if (*slow) t *= 2.5;
  }
  if (x->common) t *= exp(0.1 * normal(r, OF_COMMON, i));
  if (x->stalls && uniform(r, OF_STALL, WORKERS, i) < 1.0 / 40 &&
      uniform(r, OF_STALL, worker, i) < 0.5)
    t *= 12;
  return t;
}

static bool write_trace(const char *folder, int r) {
  const recipe *x = &recipes[r];
  char path[4096];
  bool slow[WORKERS] = {false};
  snprintf(path, sizeof path, "%s/%s", folder, x->file);
  FILE *f = fopen(path, "w");
  if (!f) return false;
  fprintf(f,
          "# source: made by tests/make_traces, seed 1: %s\n# licence: MIT\n# unit: "
          "s\niteration,worker,compute_s%s\n",
          x->about,
          r == 0    ? ",send_s"
          : x->load ? ",load"
                    : "");
  for (long i = 0; i < ITERATIONS; i++) {
    double slowest = 0;
    for (int w = 0; w < WORKERS; w++) slowest = fmax(slowest, exponential(r, OF_TIME, w, i, 0.5));
    for (int w = 0; w < WORKERS; w++) {
      int load = x->load ? 1 << i % 3 : 1;
      double t = compute(r, w, i, &slow[w]);
      if (x->load) t = 0.8 + exponential(r, OF_TIME, w, i, 0.3) + 0.5 * load;
      if (x->barrier) t = 1 + slowest + exponential(r, OF_SEND, w, i, 0.001);
      fprintf(f, "%ld,%d,%.5g", i, w, t);
      if (r == 0) fprintf(f, ",%.5g", 0.2 + exponential(r, OF_SEND, w, i, 0.1));
      if (x->load) fprintf(f, ",%d", load);
      fprintf(f, "\n");
    }
  }
  return fclose(f) == 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: make_traces FOLDER\n");
    return 64;
  }
  for (int r = 0; r < RECIPES; r++)
    if (!write_trace(argv[1], r)) {
      fprintf(stderr, "make_traces: cannot write %s/%s\n", argv[1], recipes[r].file);
      return 73;
    }
  return EXIT_SUCCESS;
}
