/* SPDX-License-Identifier: MIT */
/* The short name of a code with its parameters. */
#include "codes/frame/code.h"

#include <stdio.h>
#include <string.h>

/* Whether no other choice of the same table has this word. */
static bool is_unambiguous(const sg_param *table, const sg_param *own, const char *word) {
  for (const sg_param *p = table; p && p->name; p++) {
    if (p == own || p->kind != SG_CHOICE) continue;
    for (int i = 0; p->choices[i]; i++)
      if (strcmp(p->choices[i], word) == 0) return false;
  }
  return true;
}

static void print_members(const sg_values *values, bool common, const char *separator, char *label,
                          size_t size, int n);

/* A policy by its name, with the parameters that were given in brackets. */
static int print_variant(const sg_values *values, char *out, size_t size) {
  char inside[96] = "";
  print_members(values, false, ",", inside, sizeof inside, 0);
  print_members(values, true, ",", inside, sizeof inside, (int)strlen(inside));
  return snprintf(out, size, inside[0] ? " %s(%s)" : " %s", values->variant->name,
                  inside + (inside[0] == ','));
}

/* A few numbers as they are typed on a command line; otherwise how many items. */
static int print_list(const sg_values *values, const sg_param *p, char *out, size_t size) {
  enum { MOST_SHOWN = 8 };
  int count = sg_count(values, p->name), n = snprintf(out, size, " %s=", p->name);
  bool numbers = p->fields->kind == SG_INT || p->fields->kind == SG_REAL;
  if (!numbers || count == 0 || count > MOST_SHOWN)
    return snprintf(out, size, " %s=[%d]", p->name, count);
  for (int i = 0; i < count && (size_t)n < size; i++)
    n += snprintf(out + n, size - (size_t)n, i > 0 ? ",%.15g" : "%.15g",
                  sg_item(values, p->name, i)->number);
  return n;
}

static int print_member(const sg_values *values, const sg_param *p, char *out, size_t size) {
  const char *name = p->name;
  switch (p->kind) {
  case SG_INT: return snprintf(out, size, " %s=%ld", name, sg_int(values, name));
  case SG_REAL: return snprintf(out, size, " %s=%.15g", name, sg_real(values, name));
  case SG_BOOL: return snprintf(out, size, sg_bool(values, name) ? " %s" : " %s=false", name);
  case SG_CHOICE: {
    const char *word = sg_text(values, name);
    const sg_param *own = values->variant->params;
    if (!own || is_unambiguous(own, p, word)) return snprintf(out, size, " %s", word);
    return snprintf(out, size, " %s=%s", name, word);
  }
  case SG_TEXT: return snprintf(out, size, " %s=%s", name, sg_text(values, name));
  case SG_MATRIX: { /* without its folder */
    const char *path = sg_text(values, name), *slash = strrchr(path, '/');
    return snprintf(out, size, " %s=%s", name, slash ? slash + 1 : path);
  }
  case SG_SEED:
    return snprintf(out, size, " %s=%llu", name, (unsigned long long)sg_seed(values, name));
  case SG_LIST: return print_list(values, p, out, size);
  case SG_FAMILY: return print_variant(sg_object(values, name), out, size);
  case SG_OBJECT:
  case SG_ANY: break;
  }
  return snprintf(out, size, " %s", name);
}

static void print_members(const sg_values *values, bool common, const char *separator, char *label,
                          size_t size, int n) {
  const sg_param *table = common ? values->common : values->variant->params;
  for (const sg_param *p = table; p && p->name; p++) {
    if (!sg_given(values, p->name)) continue;
    if (n < 0 || (size_t)n >= size) return;
    int at = n;
    n += print_member(values, p, label + n, size - (size_t)n);
    if ((size_t)at < size && label[at] == ' ') label[at] = separator[0];
  }
}

void sg_code_label(const sg_values *values, char *label, size_t size) {
  int n = snprintf(label, size, "%s", values->variant->name);
  print_members(values, false, " ", label, size, n);
  print_members(values, true, " ", label, size, (int)strlen(label));
}
