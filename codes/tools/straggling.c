/* SPDX-License-Identifier: MIT */
/* What a scenario says of straggling. */
#include "codes/tools/straggling.h"

#include <string.h>

double *sg_straggling_of(sg_code *code, const sg_values *values, bool *known) {
  int n = code->shape.workers;
  const sg_forecast *forecast = code->shape.forecast;
  bool given = sg_given(values, "p");
  double *p = sg_code_alloc(code, (size_t)n, sizeof *p);
  *known = given;
  for (int j = 0; p && j < n; j++) {
    double said = forecast ? forecast->straggling(forecast->of, j) : 0;
    p[j] = given ? sg_real(values, "p") : said > 0 ? said : 0; /* said may be NAN */
    *known |= p[j] > 0;
  }
  return p;
}

sg_stop_kind sg_stop_given(const sg_values *values, int n, int *messages) {
  const sg_values *stop = sg_values_param(values, "stop") ? sg_object(values, "stop") : NULL;
  *messages = 0;
  if (!stop) return SG_STOP_BY_CODE;
  if (strcmp(stop->variant->name, "count") != 0) return SG_STOP_OPEN;
  if (!sg_given(stop, "messages")) return SG_STOP_BY_COUNT;
  long count = sg_int(stop, "messages");
  *messages = count < n ? (int)count : n;
  return SG_STOP_BY_COUNT;
}
