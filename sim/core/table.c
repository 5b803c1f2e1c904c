/* SPDX-License-Identifier: MIT */
/* Tables for people and programs: aligned text that fits a terminal, CSV, JSON, Markdown. */
#include "sim/core/table.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blanks between columns; a text column is not wrapped below NARROWEST, nor within words of up to
 * LONG_WORD columns if there is another way. */
enum { GAP = 2, NARROWEST = 10, LONG_WORD = 24 };

typedef enum kind { EMPTY, TEXT, INTEGER, NUMBER } kind;

typedef struct cell {
  kind kind;
  int digits;
  char *text; /* TEXT */
  long long integer;
  double number;
} cell;

struct sg_table {
  int n, n_capacity; /* columns */
  size_t count, capacity;
  cell *name, *cell; /* row by row */
  bool begun;        /* rows of it are printed and gone */
  bool failed;
};

/* A failed table stays usable, and so does none; sg_table_print then marks its output as failed. */
void sg_table_column(sg_table *t, const char *name) {
  if (!t) return;
  char *copy = name && SG_ROOM(t->name, t->n_capacity, t->n + 1) ? strdup(name) : NULL;
  if (copy)
    t->name[t->n++] = (cell){.kind = TEXT, .text = copy};
  else
    t->failed = true;
}

sg_table *sg_table_new(int n, const char *const *columns) {
  sg_table *t = calloc(1, sizeof *t);
  for (int i = 0; t && i < n; i++) sg_table_column(t, columns[i]);
  return t;
}

sg_table *sg_table_at(sg_table *t, const char *name) {
  if (!t || !name) return t;
  /* Rows are filled in the order of the first: mostly it is the next column. */
  size_t next = t->n ? t->count % (size_t)t->n : 0;
  if (t->n && !strcmp(t->name[next].text, name)) return t;
  if (sg_table_find(t, name) < 0) sg_table_column(t, name);
  return t;
}

void sg_table_drop_rows(sg_table *t) {
  while (t->count > 0) free(t->cell[--t->count].text);
}

void sg_table_free(sg_table *t) {
  if (!t) return;
  sg_table_drop_rows(t);
  while (t->n > 0) free(t->name[--t->n].text);
  free(t->cell);
  free(t->name);
  free(t);
}

static void add(sg_table *t, cell c) {
  if (t && SG_ROOM(t->cell, t->capacity, t->count + 1)) {
    t->cell[t->count++] = c;
  } else {
    if (t) t->failed = true;
    free(c.text);
  }
}

void sg_table_text(sg_table *t, const char *text) {
  cell c = {.kind = text ? TEXT : EMPTY, .text = text ? strdup(text) : NULL};
  if (t) t->failed |= text && !c.text;
  add(t, c);
}

void sg_table_buffer(sg_table *t, sg_buffer *text) {
  if (t) t->failed |= text->failed;
  sg_table_text(t, text->data);
  sg_buffer_free(text);
}

void sg_table_integer(sg_table *t, long long x) {
  add(t, (cell){.kind = INTEGER, .integer = x});
}

void sg_table_number(sg_table *t, double x, int digits) {
  add(t, (cell){.kind = isnan(x) ? EMPTY : NUMBER, .number = x, .digits = digits});
}

int sg_table_rows(const sg_table *t) {
  return t->n ? (int)(t->count / (size_t)t->n) : 0;
}

int sg_table_find(const sg_table *t, const char *name) {
  for (int j = 0; j < t->n; j++)
    if (!strcmp(t->name[j].text, name)) return j;
  return -1;
}

const char *sg_table_name(const sg_table *t, int column) {
  return column >= 0 && column < t->n ? t->name[column].text : NULL;
}

enum { NAMES = -1, RULE = -2 }; /* "rows" above the first */

static const cell *at(const sg_table *t, int row, int column) {
  return row == NAMES ? &t->name[column] : &t->cell[(size_t)row * (size_t)t->n + (size_t)column];
}

/* --- Columns and rows chosen and ordered ------------------------------------------------------ */

void sg_table_select(sg_table *t, int n, const int *column, const char *const *name) {
  sg_table chosen = {.failed = t->failed};
  for (int k = 0; k < n; k++) sg_table_column(&chosen, name[k]);
  for (int i = 0; i < sg_table_rows(t); i++)
    for (int k = 0; k < n; k++) {
      cell c = *at(t, i, column[k]);
      if (c.text && !(c.text = strdup(c.text))) chosen.failed = true;
      add(&chosen, c);
    }
  sg_table old = *t;
  *t = chosen;
  sg_table_drop_rows(&old);
  while (old.n > 0) free(old.name[--old.n].text);
  free(old.cell);
  free(old.name);
}

static bool is_after(const cell *a, const cell *b, bool descending) {
  if (a->kind == EMPTY || b->kind == EMPTY) return a->kind == EMPTY && b->kind != EMPTY;
  bool texts = a->kind == TEXT && b->kind == TEXT;
  if (!texts && (a->kind == TEXT || b->kind == TEXT)) return a->kind == TEXT;
  double x = a->kind == INTEGER ? (double)a->integer : a->number,
         y = b->kind == INTEGER ? (double)b->integer : b->number;
  double sign = texts ? strcmp(a->text, b->text) : (x > y) - (x < y);
  return descending ? sign < 0 : sign > 0;
}

/* Rows `of` of a table, as their places, merged from halves that are in order. */
static void merge_sort(const sg_table *t, int column, bool descending, int n, int *of, int *room) {
  if (n < 2) return;
  int half = n / 2;
  merge_sort(t, column, descending, half, of, room);
  merge_sort(t, column, descending, n - half, of + half, room);
  memcpy(room, of, (size_t)n * sizeof *of);
  for (int i = 0, j = half, k = 0; k < n; k++) {
    bool second = i == half ||
                  (j < n && is_after(at(t, room[i], column), at(t, room[j], column), descending));
    of[k] = room[second ? j++ : i++];
  }
}

void sg_table_sort(sg_table *t, int column, bool descending) {
  size_t rows = (size_t)sg_table_rows(t), n = (size_t)t->n;
  if (rows < 2) return;
  int *of = malloc(2 * rows * sizeof *of);
  cell *sorted = malloc(rows * n * sizeof *sorted);
  if (of && sorted) {
    for (size_t i = 0; i < rows; i++) of[i] = (int)i;
    merge_sort(t, column, descending, (int)rows, of, of + rows);
    for (size_t i = 0; i < rows; i++)
      memcpy(sorted + i * n, t->cell + (size_t)of[i] * n, n * sizeof *sorted);
    memcpy(t->cell, sorted, rows * n * sizeof *sorted);
  } else {
    t->failed = true;
  }
  free(of);
  free(sorted);
}

long long sg_table_value(const sg_table *t, int row, int column) {
  return at(t, row, column)->integer;
}

/* --- Text, Markdown, LaTeX: cells as people read them
 * --------------------------------------------- */

/* On a terminal. */
static int width_of(const char *s) {
  return sg_utf8_columns(s, strlen(s));
}

/* `digits` significant digits, without an exponent where that stays readable. Whole numbers have no
 * decimals. */
static void format_number(double x, int digits, char out[64]) {
  double size = fabs(x);
  if (size < 1e15 && x == floor(x)) {
    snprintf(out, 64, "%.0f", x + 0.0);
  } else if (size >= 1e-4 && size < 1e9) {
    /* The exponent after rounding: 9.996 with three digits is 10.0, not 10.00. */
    char rounded[64];
    snprintf(rounded, sizeof rounded, "%.*e", digits > 0 ? digits - 1 : 0, x);
    const char *e = strchr(rounded, 'e');
    int decimals = digits - 1 - (e ? atoi(e + 1) : 0);
    snprintf(out, 64, "%.*f", decimals > 0 ? decimals : 0, x);
  } else {
    snprintf(out, 64, "%.*g", digits, x);
  }
}

/* The text of a cell; `scratch` holds that of numbers. */
static const char *shown(const cell *c, char scratch[64]) {
  switch (c->kind) {
  case TEXT: return c->text;
  case INTEGER: snprintf(scratch, 64, "%lld", c->integer); return scratch;
  case NUMBER: format_number(c->number, c->digits, scratch); return scratch;
  case EMPTY: break;
  }
  return "";
}

static void put_blanks(sg_buffer *out, int n) {
  for (int i = 0; i < n; i++) sg_put_bytes(out, " ", 1);
}

typedef struct column {
  int width, narrowest;
  bool numeric;     /* right-aligned, never wrapped */
  const char *left; /* of the cell at hand */
} column;

bool sg_table_is_numeric(const sg_table *t, int j) {
  bool numbers = false;
  for (int i = 0; i < sg_table_rows(t); i++) {
    kind k = at(t, i, j)->kind;
    if (k == TEXT) return false;
    numbers |= k != EMPTY;
  }
  return numbers;
}

void sg_table_put_cell(const sg_table *t, int row, int j, sg_buffer *out) {
  const cell *c = at(t, row, j);
  char scratch[64];
  if (c->kind == NUMBER && c->digits >= 17 && isfinite(c->number))
    sg_put_json_number(out, c->number); /* shorter where that reads back to the same */
  else
    sg_put(out, shown(c, scratch));
}

int sg_table_columns(const sg_table *t) {
  return t->n;
}

static int longest_word(const char *s) {
  int longest = 0;
  while (*s) {
    size_t n = strcspn(s, " ");
    int width = sg_utf8_columns(s, n);
    if (width > longest) longest = width;
    s += n + strspn(s + n, " ");
  }
  return longest < LONG_WORD ? longest : LONG_WORD;
}

static void measure(const sg_table *t, column *columns) {
  char scratch[64];
  for (int j = 0; j < t->n; j++) {
    int width = width_of(t->name[j].text), narrowest = width > NARROWEST ? width : NARROWEST;
    bool numeric = sg_table_is_numeric(t, j);
    for (int i = 0; i < sg_table_rows(t); i++) {
      const char *text = shown(at(t, i, j), scratch);
      int w = width_of(text), word = numeric ? 0 : longest_word(text);
      if (w > width) width = w;
      if (word > narrowest) narrowest = word;
    }
    if (numeric || narrowest > width) narrowest = width;
    columns[j] = (column){.width = width, .narrowest = narrowest, .numeric = numeric};
  }
}

int sg_table_width(const sg_table *t) {
  column *columns = calloc((size_t)t->n + 1, sizeof *columns);
  int width = -GAP;
  if (columns) measure(t, columns);
  for (int j = 0; columns && j < t->n; j++) width += GAP + columns[j].width;
  free(columns);
  return width > 0 ? width : 0;
}

int sg_table_narrow(sg_table *t, int width, int least) {
  column *columns = calloc((size_t)t->n + 1, sizeof *columns);
  if (!columns) {
    t->failed = true;
    return 0;
  }
  measure(t, columns);
  int keep = 0, used = -GAP, left = t->n;
  for (; keep < t->n; keep++) {
    used += GAP + columns[keep].width;
    if (keep >= least && used > width) break;
  }
  free(columns);
  int *of = malloc(((size_t)keep + 1) * sizeof *of);
  const char **name = malloc(((size_t)keep + 1) * sizeof *name);
  for (int k = 0; of && name && k < keep; k++) {
    of[k] = k;
    name[k] = t->name[k].text;
  }
  if (of && name && keep < t->n)
    sg_table_select(t, keep, of, name);
  else
    t->failed |= !of || !name;
  free(of);
  free(name);
  return left - keep;
}

/* Narrows the widest text column, one place at a time, until the table fits; false, and nothing is
 * changed, if it cannot. */
static bool squeeze(const sg_table *t, column *columns, int width) {
  int excess = (t->n - 1) * GAP - width;
  for (int j = 0; j < t->n; j++) excess += columns[j].width;
  for (; excess > 0; excess--) {
    column *widest = NULL;
    for (column *c = columns; c < columns + t->n; c++)
      if (c->width > c->narrowest && (!widest || c->width > widest->width)) widest = c;
    if (!widest) {
      measure(t, columns);
      return false;
    }
    widest->width--;
  }
  return true;
}

/* The bytes of a line of at most `width` columns that begins with `s`, broken at its last blank if
 * one is there; *next: where the following line begins. */
static size_t take_line(const char *s, int width, const char **next) {
  size_t n = 0, blank = 0;
  int used = 0;
  while (s[n]) {
    size_t length = 1;
    while (((unsigned char)s[n + length] & 0xC0) == 0x80) length++;
    used += sg_utf8_columns(s + n, length);
    if (used > width && n > 0) break;
    if (s[n] == ' ' && n > 0) blank = n;
    n += length;
  }
  if (s[n] && s[n] != ' ' && blank) n = blank;
  *next = s + n + strspn(s + n, " ");
  return n;
}

/* The next line of a cell. */
static void put_field(sg_buffer *out, column *c, bool last) {
  const char *text = c->left;
  size_t n = take_line(text, c->width, &c->left);
  int blanks = c->width - sg_utf8_columns(text, n);
  if (c->numeric) put_blanks(out, blanks);
  sg_put_clean(out, text, n, "", ' ');
  if (!c->numeric && !last) put_blanks(out, blanks);
}

/* The cells of a row, line by line, until nothing is left of any. */
static void put_line(const sg_table *t, column *columns, int row, int begin, int end,
                     sg_buffer *out) {
  for (bool first = true, more = true; more; first = false) {
    more = false;
    /* Column 0 is repeated in front of every block. */
    for (int j = 0; j < end; j = j < begin ? begin : j + 1) {
      char scratch[64]; /* of numbers, which are never wrapped */
      column *c = &columns[j];
      if (first && row != RULE) c->left = shown(at(t, row, j), scratch);
      for (int i = 0; row == RULE && i < c->width; i++) sg_put(out, "─");
      if (row != RULE) put_field(out, c, j == end - 1);
      if (j < end - 1) put_blanks(out, GAP);
      if (row != RULE && !*c->left) c->left = "";
      more |= row != RULE && *c->left;
    }
    sg_put(out, "\n");
  }
}

static void put_block(const sg_table *t, column *columns, int begin, int end, sg_buffer *out) {
  put_line(t, columns, NAMES, begin, end, out);
  put_line(t, columns, RULE, begin, end, out);
  for (int i = 0; i < sg_table_rows(t); i++) put_line(t, columns, i, begin, end, out);
}

/* Text columns that alone are too wide for a block are wrapped beside the first column. */
static void cap(column *columns, int n, int width) {
  int half = width / 2 > NARROWEST ? width / 2 : NARROWEST;
  if (!columns[0].numeric && columns[0].width > half) columns[0].width = half;
  int room = width - columns[0].width - GAP;
  if (room < NARROWEST) room = NARROWEST;
  for (int j = 1; j < n; j++)
    if (!columns[j].numeric && columns[j].width > room) columns[j].width = room;
}

static void print_text(const sg_table *t, int width, sg_buffer *out) {
  column *columns = calloc((size_t)t->n, sizeof *columns);
  if (!columns) {
    out->failed = true;
    return;
  }
  measure(t, columns);
  if (width <= 0 || squeeze(t, columns, width)) {
    put_block(t, columns, 0, t->n, out);
  } else {
    cap(columns, t->n, width);
    for (int begin = 0; begin < t->n;) {
      int end = begin, used = begin ? columns[0].width : -GAP;
      do used += GAP + columns[end++].width;
      while (end < t->n && used + GAP + columns[end].width <= width);
      if (begin) sg_put(out, "\n");
      put_block(t, columns, begin, end, out);
      begin = end;
    }
  }
  free(columns);
}

static void print_markdown(const sg_table *t, sg_buffer *out) {
  char scratch[64];
  for (int i = NAMES; i < sg_table_rows(t); i++) {
    for (int j = 0; j < t->n; j++) {
      sg_put(out, "| ");
      sg_put_markdown_cell(shown(at(t, i, j), scratch), out);
      sg_put(out, " ");
    }
    sg_put(out, "|\n");
    for (int j = 0; i == NAMES && j < t->n; j++)
      sg_put(out, sg_table_is_numeric(t, j) ? "|---:" : "|---");
    if (i == NAMES) sg_put(out, "|\n");
  }
}

/* What has a meaning for LaTeX, and signs of ours that its fonts lack. */
static void put_latex(const char *s, sg_buffer *out) {
  static const struct {
    const char *text, *latex;
  } escape[] = {{"\\", "\\textbackslash{}"},
                {"{", "\\{"},
                {"}", "\\}"},
                {"&", "\\&"},
                {"%", "\\%"},
                {"$", "\\$"},
                {"#", "\\#"},
                {"_", "\\_"},
                {"~", "\\textasciitilde{}"},
                {"^", "\\textasciicircum{}"},
                {"<", "\\textless{}"},
                {">", "\\textgreater{}"},
                {"|", "\\textbar{}"},
                {"[", "{[}"},
                {"]", "{]}"},
                {"×", "\\(\\times\\)"},
                {"≤", "\\(\\le\\)"},
                {"←", "\\(\\leftarrow\\)"},
                {"−", "\\(-\\)"},
                {NULL, NULL}};
  while (*s) {
    int k = 0;
    while (escape[k].text && strncmp(s, escape[k].text, strlen(escape[k].text)) != 0) k++;
    if (escape[k].text) {
      sg_put(out, escape[k].latex);
      s += strlen(escape[k].text);
    } else {
      size_t n = 1;
      while (((unsigned char)s[n] & 0xC0) == 0x80) n++;
      sg_put_clean(out, s, n, "", ' ');
      s += n;
    }
  }
}

static void print_latex(const sg_table *t, sg_buffer *out) {
  char scratch[64];
  sg_put(out, "\\begin{tabular}{");
  for (int j = 0; j < t->n; j++) sg_put(out, sg_table_is_numeric(t, j) ? "r" : "l");
  sg_put(out, "}\n\\toprule\n");
  for (int i = NAMES; i < sg_table_rows(t); i++) {
    for (int j = 0; j < t->n; j++) {
      sg_put(out, j ? " & " : "");
      put_latex(shown(at(t, i, j), scratch), out);
    }
    sg_put(out, i == NAMES ? " \\\\\n\\midrule\n" : " \\\\\n");
  }
  sg_put(out, "\\bottomrule\n\\end{tabular}\n");
}

/* --- CSV and JSON: cells as programs read them ------------------------------------------------ */

/* RFC 4180, with bare line feeds. NULL is an empty field, an empty text is "". Line feeds and tabs
 * belong to texts such as a scenario; other control characters do not pass, as on a terminal. */
static void put_csv_text(const char *s, sg_buffer *out) {
  bool quoted = !*s || strpbrk(s, ",\"\r\n");
  if (quoted) sg_put(out, "\"");
  while (*s) {
    size_t n = strcspn(s, "\"");
    sg_put_clean(out, s, n, "\n\t", '?');
    s += n;
    if (*s) sg_put(out, "\"\"");
    s += *s != '\0';
  }
  if (quoted) sg_put(out, "\"");
}

static void put_json_cell(const cell *c, sg_buffer *out) {
  switch (c->kind) {
  case TEXT: sg_put_json_string(out, c->text); break;
  case INTEGER: sg_putf(out, "%lld", c->integer); break;
  case NUMBER: sg_put_json_number(out, c->number); break;
  case EMPTY: sg_put(out, "null"); break;
  }
}

static void put_csv_cell(const cell *c, sg_buffer *out) {
  if (c->kind == TEXT)
    put_csv_text(c->text, out);
  else if (c->kind == NUMBER && isinf(c->number))
    sg_put(out, c->number > 0 ? "inf" : "-inf");
  else if (c->kind != EMPTY)
    put_json_cell(c, out);
}

static void print_csv(const sg_table *t, sg_buffer *out) {
  for (int i = t->begun ? 0 : NAMES; i < sg_table_rows(t); i++) {
    for (int j = 0; j < t->n; j++) {
      if (j) sg_put(out, ",");
      put_csv_cell(at(t, i, j), out);
    }
    sg_put(out, "\n");
  }
}

static void print_json(const sg_table *t, bool end, sg_buffer *out) {
  bool any = t->begun || sg_table_rows(t) > 0;
  if (!t->begun) sg_put(out, "[");
  for (int i = 0; i < sg_table_rows(t); i++) {
    sg_put(out, i || t->begun ? ",\n {" : "\n {");
    for (int j = 0; j < t->n; j++) {
      if (j) sg_put(out, ", ");
      put_json_cell(&t->name[j], out);
      sg_put(out, ": ");
      put_json_cell(at(t, i, j), out);
    }
    sg_put(out, "}");
  }
  if (end) sg_put(out, any ? "\n]\n" : "]\n");
}

bool sg_table_print_rows(sg_table *t, sg_format format, sg_buffer *out) {
  if (t->failed || t->n == 0 || (format != SG_FORMAT_CSV && format != SG_FORMAT_JSON)) return false;
  if (format == SG_FORMAT_CSV)
    print_csv(t, out);
  else
    print_json(t, false, out);
  sg_table_drop_rows(t);
  t->begun = true;
  return true;
}

void sg_table_print(const sg_table *t, sg_format format, int width, sg_buffer *out) {
  out->failed |= !t || t->failed;
  if (out->failed || t->n == 0) return;
  switch (format) {
  case SG_FORMAT_TEXT: print_text(t, width, out); break;
  case SG_FORMAT_CSV: print_csv(t, out); break;
  case SG_FORMAT_JSON: print_json(t, true, out); break;
  case SG_FORMAT_MARKDOWN: print_markdown(t, out); break;
  case SG_FORMAT_LATEX: print_latex(t, out); break;
  }
}
