/* SPDX-License-Identifier: MIT */
/* The times of decodes of several sizes on this machine, kept in the database. */
#include "sim/experiment/calibrate.h"

#include "sim/core/clock.h"
#include "sim/core/linalg.h"

#include <stdlib.h>

enum { MESSAGES = 16, REPEATS = 5 };

/* What a master does: a weighted sum of messages of length l. The best of several tries, each long
 * enough for the clock. */
static double time_decode(long l, const double *messages, const double *weights, double *out) {
  double best = 1e300;
  for (int r = 0; r < REPEATS; r++) {
    long times = 0;
    double begin = sg_seconds_now(), now;
    do {
      cblas_dgemv(CblasColMajor, CblasNoTrans, (int)l, MESSAGES, 1, messages, (int)l, weights, 1, 0,
                  out, 1);
      times++;
      now = sg_seconds_now();
    } while (now - begin < 2e-3);
    double each = (now - begin) / (double)times;
    if (each < best) best = each;
  }
  return best;
}

sg_status sg_calibrate(sg_calibration *c, sg_error *e) {
  static const long length[] = {1, 16, 256, 4096, 32768, 262144};
  const long most = length[sizeof length / sizeof *length - 1];
  double *messages = malloc((size_t)most * MESSAGES * sizeof *messages);
  double *out = malloc((size_t)most * sizeof *out), weights[MESSAGES];
  sg_status status = messages && out ? SG_OK : sg_fail_memory(e);
  if (!status) {
    for (long i = 0; i < most * MESSAGES; i++) messages[i] = 1.0 / (double)(i + 1);
    for (int i = 0; i < MESSAGES; i++) weights[i] = 1.0 / (i + 1);
    c->n = 0;
    for (size_t i = 0; i < sizeof length / sizeof *length; i++) {
      c->flops[c->n] = 2.0 * MESSAGES * (double)length[i];
      c->seconds[c->n++] = time_decode(length[i], messages, weights, out);
    }
  }
  free(messages);
  free(out);
  return status;
}

double sg_calibration_seconds(const sg_calibration *c, double flops) {
  if (!c || c->n == 0 || flops <= 0) return 0;
  int last = c->n - 1, i = 0;
  if (flops <= c->flops[0]) return c->seconds[0];
  if (flops >= c->flops[last]) return c->seconds[last] * flops / c->flops[last];
  while (c->flops[i + 1] < flops) i++;
  double t = (flops - c->flops[i]) / (c->flops[i + 1] - c->flops[i]);
  return c->seconds[i] + t * (c->seconds[i + 1] - c->seconds[i]);
}
