/* SPDX-License-Identifier: MIT */
/* The table of laws in docs/delays.md, as Markdown: law_table. */
#include "models/times/law.h"

#include <stdio.h>

/* "mean_s, shape" */
static void print_names(const sg_param *row) {
  for (const sg_param *p = row; p->name; p++) printf("%s`%s`", p == row ? "" : ", ", p->name);
}

int main(void) {
  puts("| law | what it is | parameters | P(X > shift + t) | mean − shift | variance |\n"
       "|---|---|---|---|---|---|");
  for (int i = 0; sg_law_type_at(i); i++) {
    const sg_law_type *law = sg_law_type_at(i);
    printf("| `%s` | %s | ", law->about.name, law->about.summary);
    print_names(law->about.params);
    printf(" | %s | %s | %s |\n", law->formula[0], law->formula[1], law->formula[2]);
  }
  return 0;
}
