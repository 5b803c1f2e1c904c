/* SPDX-License-Identifier: MIT */
/* Commands that only read: check, compare, query, codes, schema, help. */
#include "codes/frame/code.h"
#include "results/compare.h"
#include "results/query.h"
#include "sim/cli/cli.h"
#include "sim/core/nearest.h"
#include "sim/experiment/plan.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int sg_cmd_check(int argc, char **argv) {
  sg_options o;
  if (!sg_options_read(argc, argv, "s", &o)) return o.code;
  int code = EX_OK;
  if (o.n_words == 0) code = sg_usage_fault("check", "expected a scenario file");
  for (int i = 0; i < o.n_words; i++) {
    sg_error e = {0};
    sg_scenario *s = NULL;
    sg_plan *plan = NULL;
    sg_status status = sg_scenario_read(o.word[i], o.n_overrides, o.override, &s, &e);
    if (status == SG_OK) status = sg_plan_new(s, &plan, &e);
    if (status != SG_OK) {
      code = sg_print_faults(s, o.word[i], o.format, &e);
    } else if (o.format == SG_FORMAT_JSON) {
      sg_print_faults(s, o.word[i], o.format, &e);
    } else {
      printf("%s: valid, %d points", o.word[i], plan->n_valid);
      if (plan->n_skipped) printf(", %d combinations that a code cannot have", plan->n_skipped);
      printf("\n");
      for (int k = 0; k < plan->count; k++) {
        const sg_planned *p = &plan->point[k];
        for (int f = 0; f < p->why.count; f++)
          printf("  skipped: %s: %s\n", p->label, p->why.fault[f].message);
      }
      sg_buffer notes = {0};
      sg_plan_notes(plan, &notes);
      int printed = notes.data ? sg_print(&notes) : EX_OK;
      if (printed != EX_OK) code = printed;
    }
    sg_plan_free(plan);
    sg_scenario_free(s);
  }
  sg_options_free(&o);
  return code;
}

/* Opens a database, asks, prints. */
static int ask(const char *command, const char *path, const sg_options *o,
               sg_status (*question)(sg_db *, const sg_options *, sg_buffer *, sg_error *)) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_buffer out = {0};
  sg_status status = sg_db_open(path, SG_OPEN_READ, &db, &e);
  if (status == SG_OK) status = question(db, o, &out, &e);
  if (db) sg_db_close(db, &e);
  if (status != SG_OK) {
    sg_buffer_free(&out);
    for (int i = 0; i < e.count; i++)
      fprintf(stderr, "straggle %s: %s\n", command, e.fault[i].message);
    sg_error_clear(&e);
    return sg_exit_code(status);
  }
  sg_error_clear(&e);
  return sg_print(&out);
}

static sg_status ask_compare(sg_db *db, const sg_options *o, sg_buffer *out, sg_error *e) {
  return sg_compare(db, o->baseline, o->format, sg_terminal_width(), sg_color(STDOUT_FILENO), out,
                    e);
}

static sg_status ask_query(sg_db *db, const sg_options *o, sg_buffer *out, sg_error *e) {
  return sg_query(db, o->n_words > 1 ? o->word[1] : NULL, o->format, sg_terminal_width(), out, e);
}

int sg_cmd_compare(int argc, char **argv) {
  sg_options o;
  if (!sg_options_read(argc, argv, "bf", &o)) return o.code;
  if (o.n_words != 1) return sg_usage_fault("compare", "expected one result database");
  return ask("compare", o.word[0], &o, ask_compare);
}

int sg_cmd_query(int argc, char **argv) {
  sg_options o;
  if (!sg_options_read(argc, argv, "f", &o)) return o.code;
  if (o.n_words < 1 || o.n_words > 2)
    return sg_usage_fault("query", "expected a result database and one question");
  return ask("query", o.word[0], &o, ask_query);
}

static int list_codes(sg_format format) {
  static const char *const columns[] = {"code", "summary", "source"};
  sg_table *t = sg_table_new(3, columns);
  sg_buffer out = {0};
  for (int i = 0; sg_code_type_at(i); i++) {
    const sg_variant *about = &sg_code_type_at(i)->about;
    sg_table_text(t, about->name);
    sg_table_text(t, about->summary);
    if (format == SG_FORMAT_TEXT) {
      /* People see who and when; the full reference is in `codes show`. */
      char source[40];
      snprintf(source, sizeof source, "%.*s", (int)strcspn(about->reference, "(;"),
               about->reference);
      sg_table_text(t, source);
    } else {
      sg_table_text(t, about->reference);
    }
  }
  sg_table_print(t, format, sg_terminal_width(), &out);
  sg_table_free(t);
  return sg_print(&out);
}

int sg_cmd_codes(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "check") == 0) return sg_codes_check(argc - 1, argv + 1);
  sg_options o;
  if (!sg_options_read(argc, argv, "f", &o)) return o.code;
  if (o.n_words == 0) return list_codes(o.format);
  if (o.n_words != 2 || strcmp(o.word[0], "show") != 0)
    return sg_usage_fault("codes", "expected nothing, show NAME, or check NAME");
  const sg_code_type *type = sg_code_type_find(o.word[1]);
  if (!type) {
    const char *names[256] = {NULL};
    for (int i = 0; i < 255 && sg_code_type_at(i); i++) names[i] = sg_code_type_at(i)->about.name;
    return sg_usage_fault("codes", "there is no code \"%s\"%s", o.word[1],
                          sg_suggest(o.word[1], names).text);
  }
  sg_buffer out = {0};
  bool markdown = o.format == SG_FORMAT_MARKDOWN;
  if (o.format == SG_FORMAT_JSON) {
    sg_put(&out, "{");
    sg_put_json_name(&out, "code");
    sg_put_json_string(&out, type->about.name);
    sg_put_json_name(&out, "summary");
    sg_put_json_string(&out, type->about.summary);
    sg_put_json_name(&out, "reference");
    sg_put_json_string(&out, type->about.reference);
    sg_put_json_name(&out, "parameters");
    sg_put(&out, "[");
    for (const sg_param *p = type->about.params; p && p->name; p++) {
      sg_put(&out, p == type->about.params ? "{" : ", {");
      sg_put_json_name(&out, "name");
      sg_put_json_string(&out, p->name);
      sg_put_json_name(&out, "summary");
      sg_put_json_string(&out, p->summary);
      sg_put(&out, "}");
    }
    sg_put(&out, "]}\n");
  } else {
    sg_putf(&out, markdown ? "## `%s`\n\n%s\n\n" : "%s\n  %s\n", type->about.name,
            type->about.summary);
    if (*type->about.reference)
      sg_putf(&out, markdown ? "Source: %s\n\n" : "  Source: %s\n", type->about.reference);
    if (!markdown) sg_put(&out, "\n");
    sg_param_reference(type->about.params, markdown, &out);
  }
  return sg_print(&out);
}

int sg_cmd_schema(int argc, char **argv) {
  sg_options o;
  if (!sg_options_read(argc, argv, "r", &o)) return o.code;
  sg_buffer out = {0};
  if (o.reference)
    sg_scenario_reference(&out);
  else
    sg_scenario_schema(&out);
  return sg_print(&out);
}

int sg_cmd_help(int argc, char **argv) {
  const sg_command *c = argc > 1 ? sg_command_find(argv[1]) : NULL;
  if (argc > 1 && !c) return sg_usage_fault("help", "there is no command \"%s\"", argv[1]);
  if (c) {
    printf("straggle %s\n\n%s\n", c->usage, c->summary);
    if (*c->options) printf("\n%s", c->options);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
  }
  printf("straggle simulates stragglers in coded distributed gradient descent.\n\nUsage:\n");
  for (c = sg_commands; c->name; c++) printf("  straggle %s\n      %s\n", c->usage, c->summary);
  printf("  straggle --version\n\nExit codes follow sysexits(3): 0 fine, 64 usage, 65 bad "
         "scenario, 66 missing "
         "input,\n70 our fault, 73 and 74 cannot write, 75 database in use, 130 interrupted.\n");
  return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
