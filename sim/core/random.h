/* SPDX-License-Identifier: MIT */
/* Counter-based random streams.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11) from Random123, as a gsl_rng_type of our own:
 * 64-bit key, doubles of 53 bits. A stream is addressed, never "the next number of a generator":
 *
 *   key     = seed (64 bits)
 *   counter = { draw << 16 | block, iteration, worker, purpose << 24 | replication }
 *
 * so that any delay of any worker in any iteration can be computed alone, results do not depend on
 * threads or order, and two schemes in one environment see the same delays (common random numbers).
 * A stream gives 2^17 doubles; large vectors use one stream per row or per chunk.
 *
 * Delays have the replication in their addresses; codes and data are drawn at replication 0 of a
 * seed. Where a scenario wants them drawn anew (`replicate`), that seed is itself an address:
 *
 *   seed of replication r = the first 64 bits of (seed, r, SG_FOR_SEEDS, 0, 0, 0)
 *
 * the same for code and data, whose purposes keep them apart, and for all schemes of a scenario. So
 * the code and data of a replication are those of a scenario with that seed. */
#ifndef SG_CORE_RANDOM_H
#define SG_CORE_RANDOM_H

#include "sim/core/lanes.h"

#include <gsl/gsl_rng.h>
#include <stdint.h>

/* What a stream is for. Append only: the numbers are part of the results. */
typedef enum sg_purpose {
  SG_FOR_COMPUTE = 1,    /* compute time of a task */
  SG_FOR_UPLINK = 2,     /* uplink time of a message */
  SG_FOR_CLASSES = 3,    /* assignment of workers to speed classes */
  SG_FOR_DATA = 4,       /* generated data sets */
  SG_FOR_SPLIT = 5,      /* train/test split, order of rows */
  SG_FOR_CODE = 6,       /* coefficients of random codes */
  SG_FOR_GRADIENT = 7,   /* gradients of the synthetic problem */
  SG_FOR_BATCH = 8,      /* mini-batches */
  SG_FOR_STATE = 9,      /* persistent state of workers (speed, memory, failures) */
  SG_FOR_COMMON = 10,    /* what all workers of an iteration share */
  SG_FOR_BOOTSTRAP = 11, /* resampling in statistics and traces */
  SG_FOR_JITTER = 12,    /* network jitter */
  SG_FOR_INITIAL = 13,   /* initial models */
  SG_FOR_CHECK = 14,     /* sampled straggler patterns and the like */
  SG_FOR_DITHER = 15,    /* random rounding of messages */
  SG_FOR_FORECAST = 16,  /* the seed of what codes are told beforehand */
  SG_FOR_SEEDS = 17      /* seeds of what replications draw anew */
} sg_purpose;

#define SG_MAX_REPLICATIONS (1 << 24)
#define SG_MAX_DRAWS        (1 << 16)

/* A stream that lives on the stack: no allocation, usable with every gsl_ran_ function through
 * `&stream.rng`. Do not copy it; position it again instead. */
typedef struct sg_stream {
  gsl_rng rng; /* rng.state points to `state` below */
  struct sg_philox_state {
    uint32_t key[2], counter[4], out[4];
    uint32_t used; /* 32-bit words taken from `out`; 4: none left */
  } state;
} sg_stream;

/* Positions a stream at the first number of the given address. replication < 2^24, draw < 2^16. */
void sg_stream_at(sg_stream *s, uint64_t seed, uint32_t replication, sg_purpose purpose,
                  uint32_t worker, uint32_t iteration, uint32_t draw);

/* The seed of what a replication draws anew besides its delays. */
uint64_t sg_replication_seed(uint64_t seed, uint32_t replication);

/* Uniform in [0, 1), 53 bits; exponential with the given mean. Faster than through GSL. */
double sg_uniform(sg_stream *s);
double sg_exponential(sg_stream *s, double mean);
/* The exponential time at a uniform. */
double sg_exponential_at(double u, double mean);

/* u[w] = the first sg_uniform of the stream at this address of worker w = 0 … n − 1. Several are
 * made side by side, in less than half the time where the processor has AVX2; the same bits
 * everywhere. */
void sg_uniforms_at(double *u, int n, uint64_t seed, uint32_t replication, sg_purpose purpose,
                    uint32_t iteration, uint32_t draw);

/* The same, on these vectors, which the processor must have, and in v[w] the second sg_uniform of
 * each stream; v NULL: not. */
void sg_uniform_pairs_at_with(sg_lanes lanes, double *u, double *v, int n, uint64_t seed,
                              uint32_t replication, sg_purpose purpose, uint32_t iteration,
                              uint32_t draw);

/* Uniforms of 32 bits in (0, 1), (w + ½) / 2^32 of the next words w of a stream, n of them, a
 * multiple of SG_COARSE: of each so many first the first words of all eight counters, then the
 * second ones, … A fifth of the time of sg_uniform with AVX2; the same bits everywhere. */
#define SG_COARSE 32
void sg_coarse_uniforms(sg_stream *s, double *u, long n);

#endif
