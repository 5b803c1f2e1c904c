/* SPDX-License-Identifier: MIT */
/* Decode times of this machine: master.decode.model = measured. */
#ifndef SG_SIM_CALIBRATE_H
#define SG_SIM_CALIBRATE_H

#include "results/results.h"

/* Times the kernel's decode on made-up messages of growing size: seconds as a function of flops.
 * Takes about a second. */
sg_status sg_calibrate(sg_calibration *c, sg_error *e);

/* Linear interpolation in the table, its last rate beyond it. */
double sg_calibration_seconds(const sg_calibration *c, double flops);

#endif
