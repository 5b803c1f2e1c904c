/* SPDX-License-Identifier: MIT */
/* Parameter tables: the single source for reading, defaults, ranges, error messages, JSON Schema,
 * help and reference documentation.
 *
 * A table is a constant array of sg_param ending with {0}. Tables nest: a
 * member may be an object with a table of its own, a list, or a family (an object in which one
 * member, the selector, chooses a variant: "code": "group", "model": "pareto"). The whole scenario
 * format is one tree of tables; a gradient code or delay law contributes its own leaf table.
 *
 * Values read against a table are an sg_values, looked up by name. */
#ifndef SG_CORE_PARAM_H
#define SG_CORE_PARAM_H

#include "sim/core/error.h"
#include "sim/core/matrix.h"

#include <float.h>
#include <stdint.h>

typedef enum sg_kind {
  SG_INT,    /* a whole number, |x| ≤ 2^53 */
  SG_REAL,   /* a finite number */
  SG_BOOL,   /* true or false */
  SG_CHOICE, /* one of the strings in `choices` */
  SG_TEXT,   /* any string */
  SG_SEED,   /* a whole number up to 2^53 or a string of digits up to 2^64 − 1 */
  SG_MATRIX, /* the name of a CSV file of numbers, in a scenario relative to the scenario file; read
                when it is set. SG_REQUIRED or SG_OPTIONAL. The file's content is hashed. */
  SG_OBJECT, /* an object described by `fields` */
  SG_FAMILY, /* an object described by `fields` plus those of the variant that `family` selects */
  SG_LIST,   /* an array; each item as described by fields[0], whose name is not used */
  SG_ANY     /* taken as it is; its reader is elsewhere (values of a sweep) */
} sg_kind;

#define SG_UNBOUNDED DBL_MAX /* .max = SG_UNBOUNDED, .min = -SG_UNBOUNDED: no bound */

/* sg_param.flags. A path is a text that names a file, relative to the scenario file; the resolved
 * value is the path to open. The file's content goes into the hash, its name not. */
enum {
  SG_REQUIRED = 1,  /* must be given; the default is not used */
  SG_OPTIONAL = 2,  /* may be absent and has no default: ask sg_given() */
  SG_MIN_OPEN = 4,  /* the value must be greater than min, not equal */
  SG_MAX_OPEN = 8,  /* the value must be less than max, not equal */
  SG_UNHASHED = 16, /* does not change a result row: left out of a point's hash */
  SG_IS_PATH = 32,
  SG_IS_NAME = 64 /* SG_TEXT that is printed where people read: no control characters */
};

struct sg_family;

typedef struct sg_param {
  const char *name;
  sg_kind kind;
  const char *summary; /* a sentence for help, schema and reference; says the unit in words */
  double min, max;     /* SG_INT, SG_REAL: inclusive bounds, none if both are 0; SG_LIST: least and
                          most items (max 0: any number) */
  double fallback;     /* default of SG_INT, SG_REAL, SG_BOOL (0, 1), SG_CHOICE (index) */
  const char *text;    /* default of SG_TEXT and SG_SEED; NULL: "". SG_INT, SG_REAL with choices:
                          a word as the default */
  /* SG_CHOICE: NULL-terminated. SG_INT, SG_REAL: words that may stand for a number ("subsets":
   * "workers"); sg_text is then the word and the number 0, sg_text is NULL for a number. */
  const char *const *choices;
  const struct sg_param *fields;  /* SG_OBJECT, SG_FAMILY: members; SG_LIST: one entry, the item */
  const struct sg_family *family; /* SG_FAMILY */
  unsigned flags;
  /* "linear_code=ldpc": may be given only where that SG_CHOICE of the same object has that word;
   * NULL: always. See sg_values_check_with. */
  const char *with;
  const char *formerly; /* a name of old that readers explain when they meet it; NULL: none */
} sg_param;

/* Rows of tables by kind. The last argument is the summary; behind it stands, as designated
 * members, what only some rows have: .fallback = 3, .flags = SG_REQUIRED. */
#define SG_ROW(called, of_kind, ...)                                                               \
  { .name = called, .kind = of_kind, .summary = __VA_ARGS__ }
#define SG_ROW_INT(called, least, most, ...)                                                       \
  { .name = called, .kind = SG_INT, .min = least, .max = most, .summary = __VA_ARGS__ }
#define SG_ROW_REAL(called, least, most, ...)                                                      \
  { .name = called, .kind = SG_REAL, .min = least, .max = most, .summary = __VA_ARGS__ }
#define SG_ROW_CHOICE(called, words, usual, ...)                                                   \
  { .name = called, .kind = SG_CHOICE, .choices = words, .fallback = usual, .summary = __VA_ARGS__ }
#define SG_ROW_LIST(called, item, least, most, ...)                                                \
  {                                                                                                \
    .name = called, .kind = SG_LIST, .fields = item, .min = least, .max = most,                    \
    .summary = __VA_ARGS__                                                                         \
  }
#define SG_ROW_OBJECT(called, members, ...)                                                        \
  { .name = called, .kind = SG_OBJECT, .fields = members, .summary = __VA_ARGS__ }
#define SG_ROW_FAMILY(called, of_family, ...)                                                      \
  { .name = called, .kind = SG_FAMILY, .family = of_family, .summary = __VA_ARGS__ }

/* A member of a family: a gradient code, a delay law, a learning problem, … Descriptors of these
 * begin with an sg_variant, in the manner of gsl_rng_type. */
typedef struct sg_variant {
  const char *name, *summary;
  const char *reference;  /* authors, year, arXiv id, standing of the source; "", NULL: none */
  const sg_param *params; /* the variant's own members; may be NULL */
  const char *brief;      /* at most 40 characters, for lists; NULL where there is no list */
} sg_variant;

typedef struct sg_family {
  const char *selector;           /* the member that names the variant, e.g. "model" */
  const char *what;               /* "gradient code", for messages */
  const sg_variant *(*at)(int i); /* the i-th variant, NULL past the last */
  const char *fallback; /* the variant taken when the selector is absent; NULL: required */
  bool by_name; /* the variant's name alone, a string, stands for the object with its selector */
} sg_family;

/* An `at` whose variants are an array. */
#define SG_VARIANTS(function, array)                                                               \
  static const sg_variant *function(int i) {                                                       \
    return i >= 0 && (size_t)i < sizeof(array) / sizeof *(array) ? &(array)[i] : NULL;             \
  }

/* The variant of that name (NULL: the fallback), or NULL. */
const sg_variant *sg_family_find(const sg_family *family, const char *name);
/* The names of all variants, ending in NULL, to be freed. NULL: no memory. */
const char **sg_family_names(const sg_family *family);

typedef struct sg_value {
  bool given;               /* written in the scenario; otherwise the default, or absent */
  double number;            /* SG_INT, SG_REAL, SG_BOOL; SG_CHOICE: index */
  char *text;               /* SG_TEXT, SG_SEED, SG_CHOICE, SG_ANY (its JSON text), SG_MATRIX (the
                               path that was opened); owned */
  uint64_t seed;            /* SG_SEED */
  sg_matrix *matrix;        /* SG_MATRIX; owned */
  struct sg_values *object; /* SG_OBJECT, SG_FAMILY; NULL when optional and absent; owned */
  int count;                /* SG_LIST */
  struct sg_value *item;    /* SG_LIST: count values; owned */
} sg_value;

/* The members of one object. Immutable once read. */
typedef struct sg_values {
  const sg_param *common;    /* table of the object; may be NULL */
  const sg_variant *variant; /* of a family, else NULL */
  int n_common, n_own;
  sg_value *value; /* n_common + n_own entries: first the common members, then the variant's */
  char *pointer;   /* JSON pointer of the object ("" for the root); owned */
} sg_values;

/* All members at their defaults (required and optional scalars are absent; nested objects are made
 * with their defaults, families only if they have a fallback; lists are empty). NULL: no memory. */
sg_values *sg_values_new(const sg_param *common, const sg_variant *variant, const char *pointer);
sg_values *sg_values_copy(const sg_values *v);
void sg_values_free(sg_values *v);

/* The table row of a member and its value, or NULL if there is no such member. */
const sg_param *sg_values_param(const sg_values *v, const char *name);
sg_value *sg_values_find(const sg_values *v, const char *name);

/* Checks a value against the row's kind and range and stores it; a fault names what was expected
 * and what was found, at the member's pointer. Ranges are checked nowhere else. */
sg_status sg_values_set_number(sg_values *v, const char *name, double number, sg_error *e);
sg_status sg_values_set_bool(sg_values *v, const char *name, bool flag, sg_error *e);
sg_status sg_values_set_string(sg_values *v, const char *name, const char *text, sg_error *e);
/* As a person types it on a command line (name=text): parsed by the row's kind. A list of numbers
 * has commas between them. A family that goes
 * by name has its members in brackets if it has some: "deadline(deadline_s=30)". */
sg_status sg_values_parse(sg_values *v, const char *name, const char *text, sg_error *e);
/* A fault for every SG_REQUIRED member that is absent, in nested objects too. */
sg_status sg_values_check_required(const sg_values *v, sg_error *e);
/* A fault for every member given without the word of another that its row's `with` names. */
sg_status sg_values_check_with(const sg_values *v, sg_error *e);
/* Whether the row's `with` is met. */
bool sg_values_with(const sg_values *v, const sg_param *row);

/* --- For readers of formats: single rows and values ------------------------------------------- */

struct sg_buffer;

int sg_table_size(const sg_param *table);                 /* rows; 0 of NULL */
int sg_values_size(const sg_values *v);                   /* n_common + n_own */
const sg_param *sg_values_row(const sg_values *v, int i); /* the table row of value[i] */
/* "/a" + "b" → "/a/b", to be freed; NULL: no memory. */
char *sg_pointer_join(const char *pointer, const char *name);
/* As sg_values_set_…, for a value that is anywhere (an item of a list). */
sg_status sg_value_set_number(const sg_param *row, sg_value *value, const char *place,
                              double number, sg_error *e);
sg_status sg_value_set_bool(const sg_param *row, sg_value *value, const char *place, bool flag,
                            sg_error *e);
sg_status sg_value_set_string(const sg_param *row, sg_value *value, const char *place,
                              const char *text, sg_error *e);
/* A family's variant with all members at their defaults. */
sg_status sg_value_set_variant(const sg_param *row, sg_value *value, const char *place,
                               const char *name, sg_error *e);
/* Frees what a value owns and empties it. */
void sg_value_clear(sg_value *value);
/* Makes `count` empty items of a list that has none. false: no memory. */
bool sg_value_new_items(sg_value *list, int count);
/* "a" or "an". */
const char *sg_article(const char *word);
/* ""decodable", "count"". */
void sg_put_words(const char *const *words, struct sg_buffer *out);
/* "a whole number ≥ 0", for messages and documentation. */
void sg_param_expectation(const sg_param *row, struct sg_buffer *out);
/* "expected a whole number ≥ 0, found " and what was found, or its beginning. */
void sg_put_expected(const sg_param *row, const char *found, struct sg_buffer *out);
/* A fault with this message, which is freed. SG_NO_MEMORY if that has failed or place is NULL. */
sg_status sg_fail_buffer(sg_error *e, sg_status status, const char *place,
                         struct sg_buffer *message);
/* A string that is no word of the row, or a number that is not in its range, was found. */
sg_status sg_fail_word(const sg_param *row, const char *place, const char *text, sg_error *e);
sg_status sg_fail_number(const sg_param *row, const char *place, double number, sg_error *e);
/* ""d" is missing; expected …", for a member of the object at `pointer`. */
sg_status sg_fail_missing(sg_error *e, const char *pointer, const sg_param *row);
/* "unknown member "x"; did you mean "y"?"; the names are those of the tables and the selector (may
 * be NULL). */
sg_status sg_fail_unknown(sg_error *e, sg_status status, const char *place, const char *name,
                          const sg_param *common, const sg_variant *variant, const char *selector);
/* An unknown variant (name NULL: the selector is missing); lists all there are. */
sg_status sg_fail_variant(sg_error *e, const char *place, const sg_family *family,
                          const char *name);

/* Access by name. Asking for a name or a kind that the table does not have is a bug and aborts. */
bool sg_given(const sg_values *v, const char *name); /* present in the scenario */
long sg_int(const sg_values *v, const char *name);
double sg_real(const sg_values *v, const char *name);
bool sg_bool(const sg_values *v, const char *name);
int sg_choice(const sg_values *v, const char *name);       /* index into choices */
const char *sg_text(const sg_values *v, const char *name); /* the text or word; NULL when absent */
uint64_t sg_seed(const sg_values *v, const char *name);
const sg_matrix *sg_matrix_of(const sg_values *v, const char *name); /* NULL when absent */
const sg_values *sg_object(const sg_values *v, const char *name);    /* NULL when absent */
int sg_count(const sg_values *v, const char *name);
const sg_value *sg_item(const sg_values *v, const char *name, int i);

/* Adds an SG_INVALID fault at member `name` of `v` (NULL: at the object itself). For rules that
 * join several members: sg_fail_at(e, v, "d", "expected d ≥ s + m = %ld, found %ld", …). */
sg_status sg_fail_at(sg_error *e, const sg_values *v, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
