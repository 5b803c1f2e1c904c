/* SPDX-License-Identifier: MIT */
/* Option tables: every kind of value, the forms that a line may have, and every fault at once. */
#include "sim/cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const colours[] = {"red", "green", "blue", NULL};

static const sg_option table[] = {
    {.name = "count",
     .letter = 'c',
     .kind = SG_OPTION_INTEGER,
     .value = "N",
     .min = 1,
     .max = 9,
     .fallback = "4",
     .help = "how many"},
    {.name = "colour",
     .kind = SG_OPTION_CHOICE,
     .value = "C",
     .choices = colours,
     .fallback = "green",
     .help = "which"},
    {.name = "red", .short_for = "colour", .fallback = "red", .help = "short for it"},
    {.name = "rate", .letter = 'r', .kind = SG_OPTION_REAL, .value = "X", .max = 2, .help = "rate"},
    {.name = "speeds", .kind = SG_OPTION_REALS, .value = "LIST", .help = "speeds"},
    {.name = "seed", .kind = SG_OPTION_SEED, .value = "S", .help = "seed"},
    {.name = "cause", .kind = SG_OPTION_LIST, .value = "WORD", .help = "causes"},
    {.name = "set", .kind = SG_OPTION_SETTING, .value = "/pointer=value", .help = "settings"},
    {.name = "file", .letter = 'f', .kind = SG_OPTION_FILE, .value = "FILE", .help = "a file"},
    {.name = "quiet", .letter = 'q', .help = "quiet"},
    {0}};

/* At most 15 words, ended by NULL. */
typedef struct line {
  sg_args args;
  sg_error error;
  sg_status status;
} line;

static void read_line(line *l, char *const *words) {
  char *argv[16] = {NULL};
  int argc = 0;
  for (; words[argc]; argc++) argv[argc] = words[argc];
  l->error = (sg_error){0};
  l->status = sg_args_read(table, argc, argv, &l->args, &l->error);
}

static void forget(line *l) {
  sg_args_free(&l->args);
  sg_error_clear(&l->error);
}

#define READ(l, ...) read_line(&(l), (char *[]){__VA_ARGS__, NULL})

static void defaults_stand_where_nothing_is_given(void **state) {
  (void)state;
  line l;
  READ(l, "word");
  assert_int_equal(l.status, SG_OK);
  assert_int_equal(sg_args_integer(&l.args, "count"), 4);
  assert_false(sg_args_given(&l.args, "count"));
  assert_string_equal(sg_args_text(&l.args, "colour"), "green");
  assert_int_equal(sg_args_find(&l.args, "colour")->choice, 1);
  assert_null(sg_args_text(&l.args, "file"));
  assert_int_equal(l.args.n_words, 1);
  assert_string_equal(l.args.word[0], "word");
  forget(&l);
}

static void every_kind_is_read(void **state) {
  (void)state;
  line l;
  READ(l, "--count", "9", "--colour=blue", "-r", "0.5", "--speeds", "4,1e1,0.25", "--seed",
       "18446744073709551615", "--cause", "a", "--cause=b", "--set", "/x/y=1=2", "-q");
  assert_int_equal(l.status, SG_OK);
  assert_int_equal(sg_args_integer(&l.args, "count"), 9);
  assert_int_equal(sg_args_find(&l.args, "colour")->choice, 2);
  assert_true(sg_args_find(&l.args, "rate")->number == 0.5);
  const sg_arg *speeds = sg_args_find(&l.args, "speeds");
  assert_int_equal(speeds->count, 3);
  assert_true(speeds->real[0] == 4 && speeds->real[1] == 10 && speeds->real[2] == 0.25);
  assert_true(sg_args_find(&l.args, "seed")->seed == UINT64_MAX);
  const sg_arg *causes = sg_args_find(&l.args, "cause");
  assert_int_equal(causes->count, 2);
  assert_string_equal(causes->item[0], "a");
  assert_string_equal(causes->item[1], "b");
  assert_string_equal(sg_args_find(&l.args, "set")->item[0], "/x/y=1=2");
  assert_true(sg_args_given(&l.args, "quiet"));
  forget(&l);
}

static void a_line_has_many_forms(void **state) {
  (void)state;
  line l;
  /* Joined letters, a value in the same word, a unique beginning, words between, "-" and "--". */
  READ(l, "one", "-qc7", "--fil=x", "-", "--", "--count", "-z");
  assert_int_equal(l.status, SG_OK);
  assert_true(sg_args_given(&l.args, "quiet"));
  assert_int_equal(sg_args_integer(&l.args, "count"), 7);
  assert_string_equal(sg_args_text(&l.args, "file"), "x");
  assert_int_equal(l.args.n_words, 4);
  assert_string_equal(l.args.word[1], "-");
  assert_string_equal(l.args.word[2], "--count");
  assert_string_equal(l.args.word[3], "-z");
  forget(&l);
  /* The last of several counts, be it the short form. */
  READ(l, "--colour", "blue", "--red", "-f", "a", "-f", "-b");
  assert_int_equal(l.status, SG_OK);
  assert_int_equal(sg_args_find(&l.args, "colour")->choice, 0);
  assert_string_equal(sg_args_text(&l.args, "file"), "-b");
  forget(&l);
  READ(l, "--help", "--nonsense");
  assert_true(l.args.help);
  forget(&l);
}

static void all_faults_are_told(void **state) {
  (void)state;
  line l;
  READ(l, "--cuont=3", "-z", "-c", "10", "--colour", "gren", "--speeds", "1,,2", "--seed", "-1",
       "--quiet=yes", "--set", "x=1", "-r0", "--file");
  static const char *const expected[] = {
      "there is no option --cuont; did you mean --count?",
      "there is no option -z",
      "--count: expected a whole number from 1 to 9, found \"10\"",
      "--colour: expected red, green or blue, found \"gren\"; did you mean \"green\"?",
      "--speeds: expected numbers > 0 with commas, such as 4,1,1, found \"1,,2\"",
      "--seed: expected a whole number from 0 to 2^64 - 1, found \"-1\"",
      "--quiet: expected no value, found \"yes\"",
      "--set: expected /pointer=value, found \"x=1\"",
      "--rate: expected a number > 0 and ≤ 2, found \"0\"",
      "--file: expected the name of a file, found nothing"};
  enum { FAULTS = sizeof expected / sizeof *expected };
  assert_int_equal(l.status, SG_USAGE);
  assert_int_equal(l.error.count, FAULTS);
  for (int i = 0; i < FAULTS; i++) assert_string_equal(l.error.fault[i].message, expected[i]);
  forget(&l);
  READ(l, "--co", "3");
  assert_int_equal(l.status, SG_USAGE);
  assert_string_equal(l.error.fault[0].message, "--co can be --count or --colour");
  forget(&l);
}

static void numbers_have_no_rests_and_no_ends(void **state) {
  (void)state;
  char *wrong[][2] = {{"--count", ""},     {"--count", "1x"},
                      {"--count", "1e0"},  {"--count", "0"},
                      {"--rate", "nan"},   {"--rate", "2.1"},
                      {"--rate", "1,1"},   {"--speeds", ""},
                      {"--speeds", "1,"},  {"--speeds", "inf"},
                      {"--speeds", "1,0"}, {"--seed", ""},
                      {"--seed", "1 "},    {"--seed", "18446744073709551616"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    line l;
    READ(l, wrong[i][0], wrong[i][1]);
    assert_int_equal(l.status, SG_USAGE);
    assert_int_equal(l.error.count, 1);
    forget(&l);
  }
}

/* Lists of a descriptor end in a row that nobody fills. */
static void lists_of_commands_end(void **state) {
  (void)state;
  for (const sg_command *const *c = sg_commands; *c; c++) {
    assert_null((*c)->operands[sizeof(*c)->operands / sizeof *(*c)->operands - 1].name);
    assert_null((*c)->options[sizeof(*c)->options / sizeof *(*c)->options - 1].name);
    assert_null((*c)->text[sizeof(*c)->text / sizeof *(*c)->text - 1]);
    assert_null((*c)->examples[sizeof(*c)->examples / sizeof *(*c)->examples - 1].line);
    assert_int_equal(!!(*c)->run + !!(*c)->print + !!(*c)->ask, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_stand_where_nothing_is_given),
      cmocka_unit_test(every_kind_is_read),
      cmocka_unit_test(a_line_has_many_forms),
      cmocka_unit_test(all_faults_are_told),
      cmocka_unit_test(numbers_have_no_rests_and_no_ends),
      cmocka_unit_test(lists_of_commands_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
