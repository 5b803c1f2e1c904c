/* SPDX-License-Identifier: MIT */
/* The forecast that codes are made with, from a point's delays, erasures and crashes. */
#ifndef SG_SIM_FORECAST_H
#define SG_SIM_FORECAST_H

#include "codes/frame/forecast.h"
#include "models/delay/delay.h"

typedef struct sg_forecaster sg_forecaster;

/* As the delay is now: what is taken away from it later (sg_delay_remove_causes) stays here. It
 * borrows the delay. updates: most iterations of a run. NULL: no memory. */
sg_forecaster *sg_forecaster_new(const sg_delay *delay, long updates);
void sg_forecaster_free(sg_forecaster *forecaster);
const sg_forecast *sg_forecaster_forecast(const sg_forecaster *forecaster);

#endif
