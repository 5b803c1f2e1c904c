/* SPDX-License-Identifier: MIT */
/* Environments for tests, without a scenario file. */
#ifndef SG_TESTS_ENVIRONMENT_H
#define SG_TESTS_ENVIRONMENT_H

#include "sim/engine/run.h"

/* Equal but for rounding. */
#define NEAR(found, expected)                                                                      \
  assert_true(fabs((double)(found) - (double)(expected)) < 1e-12 * (1 + fabs((double)(expected))))

/* Members that are zero or NULL keep their defaults. Laws take their parameters in the order of
 * their tables: deterministic {value_s}, exponential {mean_s}, shifted-exponential {shift_s,
 * mean_excess_s}; linear {latency_s, bandwidth_Bps}; tree {latency_s, bandwidth_Bps, fan_out}. */
typedef struct test_setup {
  int workers;
  const double *speed; /* workers values, or NULL: all 1 */
  const char *delay;
  double delay_by[2];
  const char *unit, *scaling;
  double per_subset_s;
  int subsets;
  const char *uplink;
  double uplink_by[2], per_message_s;
  const char *draw;
  const char *jitter;
  double jitter_by[2];
  const double *uplink_speed, *downlink_speed; /* workers values, or both NULL: all 1 */
  const char *duplex;
  const char *ingress;
  double ingress_Bps;
  const char *broadcast;
  double broadcast_by[3];
  double signal_latency_s;
  const char *late_messages;
  sg_late_work late_work;
  const char *compressor; /* NULL: float64 */
  double compressor_by[2];
  double update_s, header_bytes;
  long length;
  uint64_t seed;
} test_setup;

typedef struct test_environment {
  sg_delay *delay;
  sg_network *network;
  sg_compressor compressor;
  sg_environment env;
} test_environment;

/* Fails the running test on any fault. */
void test_environment_make(test_environment *t, const test_setup *setup);
void test_environment_free(test_environment *t);

/* The values of a family's variant with its parameters set in the order of its table. */
sg_values *test_variant(const sg_family *family, const sg_param *common, const char *name,
                        const double *by);
/* A compressor, with its parameters in the order of its table. */
sg_compressor test_compressor(const char *name, const double *by);
/* The values of sg_cluster_params with a class of its own for each worker, in order. */
sg_values *test_cluster(int workers, const double *speed);

/* A code made with its parameters at their defaults but for one (NULL: none). */
sg_code *test_code(const sg_code_type *type, const sg_shape *shape, const char *name,
                   double number);

#endif
