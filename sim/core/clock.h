/* SPDX-License-Identifier: MIT */
/* The one clock: for progress, elapsed times and measurements; never for simulated time. */
#ifndef SG_CORE_CLOCK_H
#define SG_CORE_CLOCK_H

#include <time.h>

/* Seconds since some moment of the past; runs on when the time of day is set. */
static inline double sg_seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Processor seconds: of this thread, of the whole program. */
static inline double sg_thread_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double sg_process_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
