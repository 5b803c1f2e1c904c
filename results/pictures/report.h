/* SPDX-License-Identifier: MIT */
/* A database as one page of HTML: the answer in words, the pictures with their numbers, where all
 * of it comes from. Nothing is loaded from anywhere; without JavaScript all can be read, with it
 * tables can be sorted and copied. The bytes depend on the database and the options alone. */
#ifndef SG_RESULTS_PICTURES_REPORT_H
#define SG_RESULTS_PICTURES_REPORT_H

#include "results/results.h"

/* A page is smaller. Tables that do not fit are thinned, pictures that do not are left out; the
 * page says so where it is. */
#define SG_REPORT_BYTES 1000000u

typedef struct sg_report_options {
  const char *name;     /* of the database, in the commands that the page shows */
  const char *title;    /* NULL: the names of the scenarios */
  const char *baseline; /* as for sg_judge */
} sg_report_options;

/* SG_INVALID where the database has no finished runs. */
sg_status sg_report(sg_db *db, const sg_report_options *options, sg_buffer *out, sg_error *e);

#endif
