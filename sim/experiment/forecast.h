/* SPDX-License-Identifier: MIT */
/* The forecast that codes are made with, from a point's delays, erasures and crashes. */
#ifndef SG_SIM_FORECAST_H
#define SG_SIM_FORECAST_H

#include "codes/frame/forecast.h"
#include "models/delay/delay.h"

/* As the delay is now: what is taken away from it later (sg_delay_remove_causes) stays here. It
 * borrows the delay. updates: most iterations of a run. NULL: no memory. */
const sg_forecast *sg_forecast_new(const sg_delay *delay, long updates);
void sg_forecast_free(const sg_forecast *forecast);

/* The samples of a forecast from draw `first` on: sg_forecast.samples gives those from 0 on. first
 * + count < 2²³. false: out of memory. */
bool sg_forecast_draw(const sg_forecast *forecast, double work, long first, int count,
                      double *times);

#endif
