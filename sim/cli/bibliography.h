/* SPDX-License-Identifier: MIT */
/* The papers of codes, as BibTeX. */
#ifndef SG_SIM_BIBLIOGRAPHY_H
#define SG_SIM_BIBLIOGRAPHY_H

#include "sim/core/text.h"

/* Those that a code's reference names by their arXiv number; NULL: those of all codes, each once.
 */
void sg_put_bib(const char *reference, sg_buffer *out);

#endif
