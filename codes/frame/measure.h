/* SPDX-License-Identifier: MIT */
/* Work, load and stored data of a code, from its rows and its plan. */
#ifndef SG_CODES_MEASURE_H
#define SG_CODES_MEASURE_H

#include "codes/frame/code.h"

/* Fills work, and load and stored where create left them open: from the rows of the default plan,
 * or from the first round's plan of a code with its own. */
sg_status sg_measure(sg_code *code, sg_error *e);

#endif
