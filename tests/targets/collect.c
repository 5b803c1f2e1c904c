/* SPDX-License-Identifier: MIT */
/* Seconds of an update of Rennala, Malenia and MindFlayer descent (theory: rennala, mindflayer). */
#include "tests/targets/targets.h"

#define EXPONENTIAL "\"model\":\"exponential\",\"mean_s\":1"

/* Worker i, from 1 on, takes √i seconds for a gradient. */
#define ROOTS                                                                                      \
  "1,0.70710678118654746,0.57735026918962584,0.5,0.44721359549995793,"                             \
  "0.40824829046386307,0.3779644730092272,0.35355339059327373,0.33333333333333331,"                \
  "0.31622776601683794,0.30151134457776363,0.28867513459481292,0.27735009811261457,"               \
  "0.2672612419124244,0.2581988897471611,0.25,0.24253562503633297,0.23570226039551587,"            \
  "0.22941573387056174,0.22360679774997896,0.21821789023599239,0.21320071635561041,"               \
  "0.20851441405707477,0.20412414523193154,0.20000000000000001,0.19611613513818404,"               \
  "0.19245008972987526,0.1889822365046136,0.18569533817705186,0.18257418583505536,"                \
  "0.17960530202677491,0.17677669529663687,0.17407765595569785,0.17149858514250882,"               \
  "0.1690308509457033,0.16666666666666666,0.16439898730535729,0.16222142113076254,"                \
  "0.16012815380508713,0.15811388300841897,0.15617376188860607,0.15430334996209191,"               \
  "0.15249857033260467,0.15075567228888181,0.14907119849998599,0.14744195615489714,"               \
  "0.14586499149789456,0.14433756729740646,0.14285714285714285,0.1414213562373095,"                \
  "0.14002800840280097,0.13867504905630729,0.13736056394868904,0.13608276348795434,"               \
  "0.13483997249264842,0.1336306209562122,0.13245323570650439,0.13130643285972254,"                \
  "0.13018891098082389,0.12909944487358055,0.12803687993289598,0.1270001270001905,"                \
  "0.12598815766974239,0.125,0.12403473458920847,0.12309149097933272,"                             \
  "0.12216944435630522,0.12126781251816648,0.1203858530857692,0.11952286093343936,"                \
  "0.11867816581938533,0.11785113019775793,0.11704114719613057,0.11624763874381928,"               \
  "0.11547005383792514,0.11470786693528087,0.11396057645963795,0.11322770341445956,"               \
  "0.1125087900926024,0.11180339887498948,0.1111111111111111,0.11043152607484653,"                 \
  "0.10976425998969035,0.10910894511799619,0.10846522890932808,0.10783277320343841,"               \
  "0.10721125348377948,0.10660035817780521,0.105999788000636,0.10540925533894598,"                 \
  "0.10482848367219183,0.10425720702853739,0.10369516947304253,0.10314212462587934,"               \
  "0.10259783520851541,0.10206207261596577,0.10153461651336192,0.10101525445522107,"               \
  "0.10050378152592121,0.10000000000000001"

#define OF_ROOTS(scheme)                                                                           \
  "{\"format\":1,\"cluster\":{\"workers\":100,\"speeds\":[" ROOTS                                  \
  "]},\"delay\":{\"model\":\"deterministic\",\"value_s\":1},\"schemes\":[{" scheme                 \
  "}],\"learning\":{\"problem\":\"none\",\"length\":960},\"replications\":1,\"random\":{\"seed\":" \
  "1},"                                                                                            \
  "\"output\":{\"detail\":\"summary\"}}"

#define RENNALA(b) "\"code\":\"rennala\",\"b\":" b
#define GOES_ON    ",\"interrupt\":false"
#define MALENIA(s) "\"code\":\"malenia\",\"s\":" s
#define HALVES     "\"code\":\"mindflayer\",\"time_limit\":0.6931471805599453,\"trials\":"

extern const rate_target collect_targets[];
const rate_target collect_targets[] = {
    /* The least T with Σ ⌊T/√i⌋ ≥ B: 1, √8, 6, √68. */
    {"rennala, derived", OF_ROOTS(RENNALA("1")), .value = 1},
    {"rennala, derived", OF_ROOTS(RENNALA("10")), .value = 2.8284271247},
    {"rennala, derived", OF_ROOTS(RENNALA("50")), .value = 6},
    {"rennala, derived", OF_ROOTS(RENNALA("100")), .value = 8.2462112512},
    /* B/(n μ). */
    {"rennala, derived", RATE_SCENARIO(10, EXPONENTIAL, "", RENNALA("3")), .value = 0.3},
    {"rennala, derived", RATE_SCENARIO(10, EXPONENTIAL, "", RENNALA("25")), .value = 2.5},
    /* Q(n)/(n μ), Q(n) = Σ n!/((n − i)! n^i) over i = 1 … n. */
    {"rennala, derived", RATE_SCENARIO(2, EXPONENTIAL, "", RENNALA("1") GOES_ON), .value = 0.75},
    {"rennala, derived", RATE_SCENARIO(10, EXPONENTIAL, "", RENNALA("1") GOES_ON),
     .value = 0.366021568},
    /* H_10/μ; E of the greater of two sums of two exponential times. */
    {"rennala, derived", RATE_SCENARIO(10, EXPONENTIAL, "", MALENIA("10")), .value = 2.9289682540},
    {"rennala, derived", RATE_SCENARIO(2, EXPONENTIAL, "", MALENIA("4")), .value = 2.75},
    /* Σ p^k/k over k = 1 … n, p = 1/2; of two attempts by quadrature. */
    {"mindflayer, derived", RATE_SCENARIO(10, EXPONENTIAL, "", HALVES "1"),
     .value = 0.6930648561507935},
    {"mindflayer, derived", RATE_SCENARIO(2, EXPONENTIAL, "", HALVES "2"),
     .value = 1.188911795139981},
    {0}};
