/* SPDX-License-Identifier: MIT */
/* Files that a scenario names, of arbitrary bytes: a CSV file of data, sparse rows, a column of
 * times, a generator, a placement (the graph of workers and parts) and a trace. The first byte says
 * which it is; what is read is played for two rounds.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the files given to it, the same way every time:  fuzz_files ITERATIONS FILE… */
#include "tests/support/mutate.h"
#include "tests/support/play.h"

#include <stdio.h>
#include <string.h>

/* %s: the file. */
static const char *const scenario[] = {
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'logistic-regression','data':{'source':'csv','path':'%s','label':'y','standardize':"
    "true}},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'least-squares','data':{'source':'csv','path':'%s','label':'y','separator':';',"
    "'test_share':0.25}},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'empirical','path':'%s','column':'y'},"
    "'learning':{'problem':'none'},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'empirical','path':'%s'},"
    "'learning':{'problem':'none'},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':4},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'none','length':12},'schemes':[{'code':'group','d':4,'m':2,'linear_code':'matrix',"
    "'generator':'%s','stop':'decodable'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':4},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'none'},'schemes':[{'code':'arbitrary-placement','placement':'matrix','s':1,"
    "'matrix':'%s'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'softmax','data':{'source':'csv','path':'%s','label':'y','ignore':['id'],"
    "'standardize':true}},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'trace','path':'%s','mode':'replay',"
    "'past_end':'end'},'learning':{'problem':'none'},'schemes':[{'code':'uncoded'}],'stop':"
    "{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'trace','path':'%s','workers':'0,1-2'},"
    "'learning':{'problem':'none'},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'softmax','data':{'source':'libsvm','path':'%s','test_share':0.25}},"
    "'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}",
    "{'format':1,'cluster':{'workers':3},'delay':{'model':'exponential','mean_s':1},'learning':"
    "{'problem':'least-squares','data':{'source':'libsvm','path':'%s','first_index':0,'features':"
    "50,"
    "'standardize':false}},'schemes':[{'code':'uncoded'}],'stop':{'iterations':2}}"};
enum { SCENARIOS = sizeof scenario / sizeof *scenario };

static long played[SCENARIOS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char text[1024];
  int which = (uint8_t)(data[0] - '0') % SCENARIOS;
  const char *of = scenario[which], *hole = strstr(of, "%s");
  int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - of), of,
                   fuzz_file(data + 1, size - 1), hole + 2);
  for (int i = 0; i < n; i++)
    if (text[i] == '\'') text[i] = '"';
  played[which] += fuzz_play(text, (size_t)n, 0, NULL) > 0;
  return 0;
}

#ifndef SG_LIBFUZZER

static const char *const word[] = {",",
                                   "\n",
                                   "\r\n",
                                   "\r",
                                   "#",
                                   "\"",
                                   "\"\"",
                                   "1e308",
                                   "nan",
                                   "inf",
                                   "-1",
                                   "0",
                                   "1",
                                   "0x1p3",
                                   "1e999",
                                   "y",
                                   "\xff",
                                   "\xe2\x89",
                                   "1.5",
                                   " ",
                                   "\t",
                                   "7,7,7,7",
                                   "a,b,",
                                   "1e-320",
                                   "\xef\xbb\xbf",
                                   "-0",
                                   ";",
                                   "\"y\"",
                                   ":",
                                   " 3:1",
                                   "+1",
                                   "qid:1",
                                   " 50:-2e3",
                                   "2147483647:1",
                                   NULL};

int main(int argc, char **argv) {
  const mutation how = {.word = word, .lines = 40, .most = 4};
  LLVMFuzzerInitialize(&argc, &argv);
  int code = mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
  for (int i = 0; code == 0 && i < SCENARIOS; i++) {
    printf("%s%ld", i ? ", " : "files taken: ", played[i]);
    if (played[i] == 0) code = 1; /* no file of the kind goes past its reader */
  }
  puts("");
  return code;
}

#endif
