/* SPDX-License-Identifier: MIT */
/* What `codes check` prints: a report for people, a row per code, JSON. */
#include "sim/cli/codes_check.h"
#include "sim/cli/output.h"

#include <math.h>
#include <stdio.h>

/* --- Texts ------------------------------------------------------------------------------------ */

void sg_put_missing(int n, const int *missing, sg_buffer *out) {
  sg_put(out, "[");
  for (int i = 0; i < n; i++) sg_putf(out, "%s%d", i ? "," : "", missing[i]);
  sg_put(out, "]");
}

/* "0 3 5", "none". */
static void put_workers(int n, const int *missing, sg_buffer *out) {
  if (n == 0) sg_put(out, "none");
  for (int i = 0; i < n; i++) sg_putf(out, "%s%d", i ? " " : "", missing[i]);
}

static void cell_workers(sg_table *t, const sg_check_spread *s) {
  sg_buffer text = {0};
  put_workers(s->n_missing, s->missing, &text);
  sg_table_text(t, isnan(s->worst) ? NULL : text.data);
  sg_buffer_free(&text);
}

/* Infinite where a message overflowed, which a table would show as unknown. */
static void cell_error(sg_table *t, double x) {
  if (isinf(x))
    sg_table_text(t, "overflow");
  else
    sg_table_number(t, x, 2);
}

static const char *s_found(const sg_check *c, char out[24]) {
  if (c->s_found < 0)
    snprintf(out, 24, "none");
  else
    snprintf(out, 24, "%s%d", c->s_proved ? "" : "~", c->s_found);
  return out;
}

static void put_spreads(const sg_check *c, int width, sg_buffer *out) {
  static const char *const columns[] = {"of a pattern", "median", "90 %",
                                        "99 %",         "worst",  "worst when missing"};
  static const char *const errors[] = {"error, float64 messages", "error, float32 messages",
                                       "error, bfloat16 messages"};
  sg_table *t = sg_table_new(6, columns);
  const sg_check_spread *spread[] = {&c->cond2,    &c->amplification, &c->residual,
                                     &c->error[0], &c->error[1],      &c->error[2]};
  const char *name[] = {
      "condition number", "decode amplification", "residual", errors[0], errors[1], errors[2]};
  for (int i = 0; i < 6; i++) {
    const sg_check_spread *s = spread[i];
    const double x[] = {s->median, s->p90, s->p99, s->worst};
    sg_table_text(t, name[i]);
    for (int k = 0; k < 4; k++)
      if (i < 3)
        sg_table_number(t, x[k], 4);
      else
        cell_error(t, x[k]);
    cell_workers(t, s);
  }
  sg_put_table(t, SG_FORMAT_TEXT, out);
}

/* Of approximate codes with the error of what they decode: Σ (α − 1)² per part. */
static void put_sets(const sg_check *c, int width, sg_buffer *out) {
  static const char *const columns[] = {"responders", "missing", "sets",       "tried",
                                        "decode",     "share",   "mean error", "worst error"};
  sg_table *t = sg_table_new(c->exact ? 6 : 8, columns);
  for (int i = 0; i < c->n_sets; i++) {
    const sg_check_sets *s = &c->sets[i];
    if (i > c->s_promised + 1 && s->decodable == 0) break;
    sg_table_integer(t, s->responders);
    sg_table_integer(t, c->workers - s->responders);
    sg_table_number(t, s->sets, 7);
    sg_table_integer(t, s->tried);
    sg_table_integer(t, s->decodable);
    sg_table_number(t, s->tried ? (double)s->decodable / (double)s->tried : NAN, 4);
    if (c->exact) continue;
    sg_table_number(t, s->mean_deviation, 4);
    sg_table_number(t, s->worst_deviation, 4);
  }
  sg_put_table(t, SG_FORMAT_TEXT, out);
}

/* For people: one code. */
static void put_report(const sg_check_request *q, int subsets, const sg_checked *i,
                       sg_buffer *out) {
  const sg_check *c = i->check;
  char bytes[32], found[24];
  int width = sg_terminal_width();
  sg_putf(out, "%s\n  %d workers, %d subsets, gradient length %ld, seed %llu%s\n", i->label,
          c->workers, subsets, c->length, (unsigned long long)q->seed,
          c->exact ? "" : "; approximate: not the exact sum");
  sg_putf(out, "  patterns with at most %d %s: %.*g, ", c->s_promised,
          c->partial ? "late (only the first message comes)" : "missing",
          c->patterns < 1e15 ? 15 : 4, c->patterns);
  if (c->exhaustive)
    sg_put(out, "all tried\n\n");
  else
    sg_putf(out, "%ld sampled, %ld searched for the worst\n\n", c->tried, c->searched);

  sg_putf(out, "  promised  d = %.6g  s = %d  m = %.6g\n", c->d_promised, c->s_promised,
          c->m_promised);
  if (c->exact)
    sg_putf(out, "  found     d = %.6g  s = %s  m = %.6g", c->d_found, s_found(c, found),
            c->m_found);
  else
    sg_putf(out, "  found     d = %.6g  m = %.6g", c->d_found, c->m_found);
  double each = c->m_promised / c->m_found;
  if (each > 1 + 1e-9 && c->m_promised >= 1) sg_putf(out, " (a worker sends %.4g messages)", each);
  sg_putf(out, "\n  %.6g copies of the data", c->copies);
  if (!isnan(c->slack))
    sg_putf(out, c->slack == 0 ? ": s + m, the optimum" : "; s + m = %.6g would be the optimum",
            c->s_found + c->m_found);
  sg_put(out, "\n");
  if (i->note) sg_putf(out, "  %s\n", i->note);
  if (c->broken) {
    sg_putf(out, "  BROKEN    %ld promised patterns were refused, first with missing: ", c->broken);
    put_workers(c->n_broken_missing, c->broken_missing, out);
    sg_put(out, "\n");
  }
  if (c->inaccurate)
    sg_putf(
        out,
        "  UNSAFE    %ld of the %ld patterns decode with an error of 1e-6 or more, as float64\n",
        c->inaccurate, c->tried);
  sg_put(out, "\n");
  put_sets(c, width, out);
  sg_put(out, "\n");
  put_spreads(c, width, out);
  sg_putf(out, "\n  encode: %.6g flop on the busiest worker\n", c->encode_flops);
  sg_putf(out, "  decode: %.6g flop to find weights, %.4g per coordinate to apply them\n",
          c->find_flops, c->apply_flops);
  sg_putf(out, "  the master must receive %.6g messages: %.6g gradients, %s as float64\n",
          c->least_messages, c->received,
          sg_format_bytes(8 * c->received * (double)c->length, bytes));
  sg_put(out, "\nCondition numbers are 2-norm, by SVD, of the rows of the messages that have a "
              "weight, over (part, piece).\nErrors are relative to the sum of the norms of random "
              "gradients. ~: as far as samples tell.\n");
  if (!c->exact)
    sg_put(out, "Mean and worst error by number of responders: Σ (α − 1)² / parts, where Σ α g is "
                "what is decoded.\n");
}

/* --- One row per code ------------------------------------------------------------------------- */

static void put_table(const sg_check_request *q, int count, const sg_checked *checked,
                      sg_buffer *out) {
  static const char *const columns[] = {"code",
                                        "d",
                                        "s",
                                        "m",
                                        "slack",
                                        "patterns",
                                        "broken",
                                        "inaccurate",
                                        "cond2_median",
                                        "cond2_worst",
                                        "amp_worst",
                                        "err_float64",
                                        "err_float32",
                                        "err_bfloat16",
                                        "encode_flop",
                                        "find_flop",
                                        "apply_flop_per_coord",
                                        "received"};
  enum { COLUMNS = sizeof columns / sizeof *columns };
  sg_table *t = sg_table_new(COLUMNS, columns);
  for (int k = 0; k < count; k++) {
    const sg_check *c = checked[k].check;
    char found[24];
    sg_table_text(t, checked[k].label);
    sg_table_number(t, c->d_found, 4);
    if (!c->exact)
      sg_table_text(t, NULL);
    else if (c->s_proved && c->s_found >= 0)
      sg_table_integer(t, c->s_found);
    else
      sg_table_text(t, s_found(c, found));
    sg_table_number(t, c->m_found, 4);
    sg_table_number(t, c->slack, 4);
    sg_table_integer(t, c->tried);
    sg_table_integer(t, c->broken);
    sg_table_integer(t, c->inaccurate);
    sg_table_number(t, c->cond2.median, 3);
    sg_table_number(t, c->cond2.worst, 3);
    sg_table_number(t, c->amplification.worst, 3);
    for (int p = 0; p < SG_PRECISIONS; p++) cell_error(t, c->error[p].worst);
    sg_table_number(t, c->encode_flops, 4);
    sg_table_number(t, c->find_flops, 4);
    sg_table_number(t, c->apply_flops, 4);
    sg_table_number(t, c->received, 4);
  }
  sg_put_table(t, q->format, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_spread(sg_buffer *out, const char *name, const sg_check_spread *s) {
  sg_put_json_raw_member(out, name, "{");
  SG_PUT_NUMBERS(out, {"median", s->median}, {"p90", s->p90}, {"p99", s->p99}, {"worst", s->worst});
  sg_put_json_bool_member(out, "overflow", isinf(s->worst));
  sg_put_json_name(out, "worst_missing");
  sg_put_missing(s->n_missing, s->missing, out);
  sg_put(out, "}");
}

static void put_json(const sg_check_request *q, int subsets, const sg_checked *i, sg_buffer *out) {
  const sg_check *c = i->check;
  static const char *const errors[] = {"error_float64", "error_float32", "error_bfloat16"};
  char seed[24];
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)q->seed);
  sg_put(out, "{");
  sg_put_json_text_member(out, "label", i->label);
  sg_put_json_text_member(out, "code", i->code);
  sg_put_json_raw_member(out, "config", i->config);
  SG_PUT_NUMBERS(out, {"workers", c->workers}, {"subsets", subsets}, {"length", (double)c->length});
  sg_put_json_text_member(out, "speeds", q->speeds ? q->speeds : "1");
  sg_put_json_text_member(out, "seed", seed); /* a number above 2^53 would not read back */
  sg_put_json_bool_member(out, "exact", c->exact);
  sg_put_json_bool_member(out, "partial", c->partial);
  sg_put_json_number_member(out, "patterns", c->patterns);
  sg_put_json_bool_member(out, "exhaustive", c->exhaustive);
  SG_PUT_NUMBERS(out, {"patterns_tried", (double)c->tried},
                 {"patterns_searched", (double)c->searched}, {"d_promised", c->d_promised},
                 {"s_promised", c->s_promised}, {"m_promised", c->m_promised},
                 {"d_found", c->d_found}, {"s_found", c->s_found});
  sg_put_json_bool_member(out, "s_proved", c->s_proved);
  SG_PUT_NUMBERS(out, {"m_found", c->m_found}, {"copies", c->copies}, {"slack", c->slack});
  if (i->note) sg_put_json_text_member(out, "note", i->note);
  SG_PUT_NUMBERS(out, {"broken_promises", (double)c->broken},
                 {"patterns_inaccurate", (double)c->inaccurate});
  sg_put_json_name(out, "broken_missing");
  if (c->broken)
    sg_put_missing(c->n_broken_missing, c->broken_missing, out);
  else
    sg_put(out, "null");
  sg_put_json_raw_member(out, "sets", "[");
  for (int k = 0; k < c->n_sets; k++) {
    sg_put(out, k ? ", {" : "{");
    SG_PUT_NUMBERS(out, {"responders", c->sets[k].responders}, {"sets", c->sets[k].sets},
                   {"tried", (double)c->sets[k].tried}, {"decodable", (double)c->sets[k].decodable},
                   {"mean_deviation", c->sets[k].mean_deviation},
                   {"worst_deviation", c->sets[k].worst_deviation});
    sg_put(out, "}");
  }
  sg_put(out, "]");
  put_spread(out, "cond2", &c->cond2);
  put_spread(out, "amplification", &c->amplification);
  put_spread(out, "residual", &c->residual);
  for (int p = 0; p < SG_PRECISIONS; p++) put_spread(out, errors[p], &c->error[p]);
  SG_PUT_NUMBERS(out, {"encode_flops", c->encode_flops}, {"find_flops", c->find_flops},
                 {"apply_flops_per_coordinate", c->apply_flops},
                 {"least_messages", c->least_messages}, {"received_gradients", c->received},
                 {"received_bytes", 8 * c->received * (double)c->length});
  sg_put(out, "}");
}

int sg_print_checks(const sg_check_request *q, int subsets, int count, const sg_checked *checked) {
  sg_buffer out = {0};
  if (q->format == SG_FORMAT_JSON) {
    if (q->all) sg_put(&out, "[");
    for (int i = 0; i < count; i++) {
      if (i > 0) sg_put(&out, ",\n");
      put_json(q, subsets, &checked[i], &out);
    }
    sg_put(&out, q->all ? "]\n" : "\n");
  } else if (q->format == SG_FORMAT_TEXT && !q->all) {
    put_report(q, subsets, checked, &out);
  } else {
    put_table(q, count, checked, &out);
    if (q->format == SG_FORMAT_TEXT)
      sg_put(&out,
             "\ncond2: 2-norm condition number of the rows that have a weight; amp: size of the "
             "decode weights;\nerr: worst error over the sum of norms of random gradients, by "
             "format of messages; received: gradients.\nParameters that change none of these "
             "numbers are shown once.\n");
  }
  return sg_print(&out);
}
