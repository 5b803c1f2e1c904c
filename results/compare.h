/* SPDX-License-Identifier: MIT */
/* The comparison of schemes, printed: `straggle compare`. What it says is judged in judge.c. */
#ifndef SG_RESULTS_COMPARE_H
#define SG_RESULTS_COMPARE_H

#include "results/results.h"
#include "sim/core/table.h"

/* The paired comparison of all schemes of each environment with its baseline. text: for people,
 * with a heading per environment, notes and a legend; otherwise one table of all rows, with a
 * column for each axis of the sweeps. baseline: a code or scheme label instead of the stored one,
 * or NULL. */
sg_status sg_compare(sg_db *db, const char *baseline, sg_format format, int width, bool color,
                     sg_buffer *out, sg_error *e);

#endif
