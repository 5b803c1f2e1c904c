/* SPDX-License-Identifier: MIT */
/* The reference of the format, from the tables. */
#include "codes/frame/code.h"
#include "models/delay/delay.h"
#include "models/delay/modifiers.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <string.h>

/* The type and range of a member: what a message says is expected. */
static void put_type(const sg_param *row, sg_buffer *out) {
  switch (row->kind) {
  case SG_OBJECT: sg_put(out, "object"); break;
  case SG_FAMILY:
    sg_putf(out, row->family->by_name ? "%s %s: its name, or an object" : "object: %s %s",
            sg_article(row->family->what), row->family->what);
    break;
  case SG_LIST:
    sg_put(out, "list of: ");
    put_type(row->fields, out);
    break;
  case SG_ANY: sg_put(out, "any value"); break;
  case SG_TEXT: sg_put(out, row->flags & SG_IS_PATH ? "path" : "text"); break;
  case SG_MATRIX: sg_put(out, "path of a CSV file of numbers"); break;
  case SG_SEED: sg_put(out, "whole number up to 2^53, or digits in a string"); break;
  default: {
    sg_buffer b = {0};
    sg_param_expectation(row, &b);
    const char *text = b.failed ? "" : b.data;
    if (strncmp(text, "a ", 2) == 0) text += 2;
    sg_put(out, text);
    sg_buffer_free(&b);
  }
  }
}

static void put_default(const sg_param *row, sg_buffer *out) {
  if (row->flags & (SG_REQUIRED | SG_OPTIONAL)) {
    sg_put(out, row->flags & SG_REQUIRED ? "required" : "–");
    return;
  }
  switch (row->kind) {
  case SG_INT:
  case SG_REAL:
    if (row->text)
      sg_put(out, row->text);
    else
      sg_put_json_number(out, row->fallback);
    break;
  case SG_BOOL: sg_put(out, row->fallback != 0 ? "true" : "false"); break;
  case SG_CHOICE: sg_put(out, row->choices[(int)row->fallback]); break;
  case SG_TEXT: sg_put(out, row->text && row->text[0] ? row->text : "\"\""); break;
  case SG_SEED: sg_put(out, row->text ? row->text : "0"); break;
  case SG_FAMILY: sg_put(out, row->family->fallback ? row->family->fallback : "–"); break;
  case SG_OBJECT: sg_put(out, "its defaults"); break;
  default: sg_put(out, "–"); break;
  }
}

static void put_markdown_row(const sg_param *row, sg_buffer *out) {
  sg_buffer type = {0}, fallback = {0};
  put_type(row, &type);
  put_default(row, &fallback);
  sg_putf(out, "| `%s` | ", row->name);
  sg_put_markdown_cell(type.failed ? "" : type.data, out);
  sg_put(out, " | ");
  sg_put_markdown_cell(fallback.failed ? "" : fallback.data, out);
  sg_put(out, " | ");
  sg_put_markdown_cell(row->summary ? row->summary : "", out);
  sg_put(out, " |\n");
  sg_buffer_free(&type);
  sg_buffer_free(&fallback);
}

static void put_terminal_row(const sg_param *row, sg_buffer *out) {
  sg_putf(out, "  %s: ", row->name);
  put_type(row, out);
  if (row->flags & SG_REQUIRED) {
    sg_put(out, "; required");
  } else if (!(row->flags & SG_OPTIONAL) && row->kind != SG_LIST && row->kind != SG_ANY) {
    sg_put(out, "; default ");
    put_default(row, out);
  }
  sg_put(out, "\n");
  if (row->summary) sg_put_wrapped(out, "      ", "      ", row->summary, 78);
}

void sg_param_reference(const sg_param *params, bool markdown, sg_buffer *out) {
  if (markdown && params && params->name)
    sg_put(out, "| member | type | default | meaning |\n|---|---|---|---|\n");
  for (; params && params->name; params++)
    (markdown ? put_markdown_row : put_terminal_row)(params, out);
}

/* A table that has rows, and a blank line. */
static void put_table(const sg_param *table, sg_buffer *out) {
  if (!table || !table->name) return;
  sg_param_reference(table, true, out);
  sg_put(out, "\n");
}

static void put_section(const sg_param *row, const char *pointer, sg_buffer *out);

static void put_member(const sg_param *row, const char *pointer, sg_buffer *out) {
  char place[256];
  snprintf(place, sizeof place, "%s/%s", pointer, row->name);
  put_section(row, place, out);
}

/* The sections of the members that are objects, after the table they are in. */
static void put_nested(const sg_param *table, const char *pointer, sg_buffer *out) {
  for (; table && table->name; table++) put_member(table, pointer, out);
}

/* Laws that may stand in several places are written out in one. */
static const struct {
  const sg_family *family;
  const char *pointer, *anchor;
} homes[] = {{&sg_delay_family, "/delay", "delay"},
             {&sg_factor_family, "/cluster/random_speed", "clusterrandom_speed"}};
enum { HOMES = sizeof homes / sizeof *homes };

/* Which of `homes` has a variant that stands at `pointer`; −1: it is to be written out there. */
static int home_of(const sg_variant *variant, const char *pointer) {
  const sg_variant *other;
  for (int h = 0; h < HOMES; h++)
    for (int i = 0; (other = homes[h].family->at(i)); i++)
      if (other == variant) return strcmp(pointer, homes[h].pointer) == 0 ? -1 : h;
  return -1;
}

/* Whether a variant before the i-th has the same member, as all learning problems have data. */
static bool had_before(const sg_family *family, int i, const sg_param *row) {
  for (int k = 0; k < i; k++)
    for (const sg_param *r = family->at(k)->params; r && r->name; r++)
      if (strcmp(r->name, row->name) == 0 && r->family == row->family && r->fields == row->fields)
        return true;
  return false;
}

static void put_variants(const sg_family *family, const char *pointer, sg_buffer *out) {
  const sg_variant *variant;
  for (int h = 0; h < HOMES; h++) {
    int n = 0;
    for (int i = 0; (variant = family->at(i)); i++)
      if (home_of(variant, pointer) == h) sg_putf(out, "%s`%s`", n++ ? ", " : "", variant->name);
    if (n) sg_putf(out, " — as under [%s](#%s).\n\n", homes[h].pointer, homes[h].anchor);
  }
  for (int i = 0; (variant = family->at(i)); i++) {
    if (home_of(variant, pointer) >= 0) continue;
    sg_putf(out, "**`\"%s\": \"%s\"`** — %s", family->selector, variant->name, variant->summary);
    if (variant->reference && variant->reference[0]) sg_putf(out, " (%s)", variant->reference);
    sg_put(out, "\n\n");
    put_table(variant->params, out);
  }
  for (int i = 0; (variant = family->at(i)); i++) {
    if (home_of(variant, pointer) >= 0) continue;
    for (const sg_param *row = variant->params; row && row->name; row++)
      if (!had_before(family, i, row)) put_member(row, pointer, out);
  }
}

static void put_section(const sg_param *row, const char *pointer, sg_buffer *out) {
  char place[260];
  if (row->kind == SG_LIST) {
    snprintf(place, sizeof place, "%.250s/…", pointer);
    put_section(row->fields, place, out);
    return;
  }
  if (row->kind != SG_OBJECT && row->kind != SG_FAMILY) return;
  sg_putf(out, "## %s\n\n", pointer);
  if (row->summary) sg_putf(out, "%s\n\n", row->summary);
  const sg_family *family = row->kind == SG_FAMILY ? row->family : NULL;
  const char *fallback = family ? family->fallback : NULL;
  if (family == &sg_code_family)
    sg_put(out, "`code` names the scheme; the schemes and their members are in "
                "[schemes.md](schemes.md). Any number, word or truth value of a scheme may be "
                "`{ \"each\": [ … ] }`: the scheme is then taken with each of the values. Every "
                "scheme may have besides:\n\n");
  else if (family)
    sg_putf(out, "`%s` names the %s%s%s%s; the members of each are below.\n\n", family->selector,
            family->what, fallback ? " (default: `" : "", fallback ? fallback : "",
            fallback ? "`)" : "");
  put_table(row->fields, out);
  if (family && family != &sg_code_family) put_variants(family, pointer, out);
  put_nested(row->fields, pointer, out);
}

void sg_scenario_reference(sg_buffer *out) {
  sg_put(out, "## The scenario\n\n");
  put_table(sg_scenario_params, out);
  put_nested(sg_scenario_params, "", out);
}
