/* SPDX-License-Identifier: MIT */
/* Sparse codes designed for a cluster: what is wanted, what was found, and the file of it that the
 * code `sparse` reads (codes/approximate/sparse.c). theory: sparse. */
#ifndef SG_SIM_DESIGN_DESIGN_H
#define SG_SIM_DESIGN_DESIGN_H

#include "sim/core/error.h"
#include "sim/core/text.h"
#include "sim/design/search.h"

typedef struct sg_design_options {
  int blocks, entries, most; /* most: blocks of a worker */
  bool signs;                /* coefficients ±1 by chance, rather than ones */
  sg_search_options search;  /* its seed is that of all; budget and signs are filled in */
  const char *heading;       /* lines for the file, each ending in a line feed: what it is for */
} sg_design_options;

enum { SG_DESIGN_FRESH = 25 };      /* banks of `patterns` patterns that figures are measured on */
#define SG_DESIGN_SEARCH_SHARE 0.85 /* of the time that a design takes, for progress */

/* The placements that are compared, in the order of the report. */
typedef enum sg_design_row {
  SG_DESIGN_RANDOM,  /* blocks on workers drawn at random */
  SG_DESIGN_REGULAR, /* blocks and workers of equal degrees */
  SG_DESIGN_GREEDY,  /* greedy block degrees */
  SG_DESIGN_FOUND,   /* what the search found */
  SG_DESIGN_GROUPS,  /* fractional repetition */
  SG_DESIGN_ROWS
} sg_design_row;
extern const char *const sg_design_rows[SG_DESIGN_ROWS];

typedef struct sg_design_figures {
  sg_tanner *placement;
  double loss, loss_error;   /* mean of the objective on fresh banks, and its standard error */
  double error, error_error; /* that of optimal decoding, err_norm; the same for this objective */
  double bound;              /* below every decoder's mean error: blocks that nobody answers for;
                                exact where workers are lost by chance, else as measured */
  double adversarial;        /* objective (for time: error) with `stragglers` missing, found
                                greedily; a worse set may exist */
  int most;                  /* the largest degree of a worker */
} sg_design_figures;

typedef struct sg_design {
  int workers, blocks;
  sg_objective objective;
  sg_design_figures row[SG_DESIGN_ROWS];
  int stragglers; /* of the adversary: as many as are missing in the mean, at least 1 */
  double missing; /* workers that do not count, mean of the design on fresh banks */
  long patterns;  /* that figures are measured on */
  sg_search_report search;
  sg_buffer file; /* the code file */
} sg_design;

/* Searches, measures and writes the text of the file. The same for the same arguments, unless it is
 * stopped. Faults: more entries than fit, fewer than blocks. *out is set on success only. */
sg_status sg_design_new(const sg_survival *of, const sg_design_options *o, sg_design **out,
                        sg_error *e);
void sg_design_free(sg_design *d);

/* The greedy adversary (after the search of Munim and Ramamoorthy's CVX_AGC, published): isolates a
 * block, then the block that shares most workers with those isolated, as long as there are
 * stragglers left; these then go one by one where they cost most. From every block; the worst loss
 * of all. */
double sg_design_adversary(sg_judge *judge, const sg_tanner *a, int stragglers);

#endif
