/* SPDX-License-Identifier: MIT */
/* Scenarios to begin with, compiled into the program with the data that they need. */
#ifndef SG_SIM_TEMPLATES_H
#define SG_SIM_TEMPLATES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sg_template {
  const char *name, *summary; /* a sentence without its stop */
  const char *file;           /* in the tree */
  const char *data[3];        /* files that it needs, from the folder of `file`; ends in NULL */
  bool trace, fit;            /* @MEMBERS@ is of a trace; those that `fit` recommends */
} sg_template;

extern const sg_template sg_templates[];      /* ends in one without a name */
extern const char *const sg_template_names[]; /* in that order, ending in NULL */

/* The bytes of a file of the tree, with a NUL behind them, or NULL. */
const char *sg_embedded(const char *file, size_t *length);
/* The name of the i-th file, in alphabetical order within a folder; NULL: there are fewer. */
const char *sg_embedded_name(int i);

#endif
