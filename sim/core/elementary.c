/* SPDX-License-Identifier: MIT */
/* See elementary.h. No operation here may be contracted to an FMA: the Makefile says so to the
 * compiler (-ffp-contract=off), and the golden hash of tests/golden.bats would tell. */
#include "sim/core/elementary.h"
#include "sim/core/elementary_rows.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double of_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Row i is of the mantissas in [0.6875, 1.375) that begin like 0.6875 + i/64 does: a middle with 10
 * binary places (1 around 1) whose reciprocal is nearly a double, that, and the middle's logarithm
 * in two parts like those of ln 2. */
const sg_log_row sg_log_rows[64] = {
    {0x1.62p-1, 0x1.724287f46debcp0, -0x1.79e26687dp-2, 0x1.309c168817444p-44},
    {0x1.658p-1, 0x1.6ea28d118b474p0, -0x1.6fcf4f6503p-2, -0x1.3f33da81b8631p-44},
    {0x1.69p-1, 0x1.6b1490aa31a3dp0, -0x1.65d558d4cep-2, -0x1.544fd2dc5bdcp-51},
    {0x1.6ep-1, 0x1.661ec6a5122f9p0, -0x1.57bf753c8dp-2, -0x1.fadedee5d40efp-46},
    {0x1.71p-1, 0x1.63356b88ac0dep0, -0x1.4f637ebbaap-2, 0x1.fc158cb3124b9p-44},
    {0x1.75p-1, 0x1.5f66434292dfcp0, -0x1.44591e053ap-2, 0x1.6e95892923d88p-47},
    {0x1.798p-1, 0x1.5b35e99f06714p0, -0x1.3811728565p-2, 0x1.a71e493a0702bp-45},
    {0x1.7d8p-1, 0x1.5791f34015792p0, -0x1.2d46602addp-2, 0x1.88d0ddcd54196p-45},
    {0x1.81p-1, 0x1.54725e6bb82fep0, -0x1.23ec5991ecp-2, 0x1.6dbe448a2e522p-44},
    {0x1.86p-1, 0x1.5015015015015p0, -0x1.16b5ccbadp-2, 0x1.23299042d74bfp-44},
    {0x1.8bp-1, 0x1.4bd3edda68fe1p0, -0x1.09aa572e6cp-2, -0x1.b50a1e1734342p-44},
    {0x1.8ep-1, 0x1.49539e3b2d067p0, -0x1.01eae5626cp-2, -0x1.a43dcfade85aep-44},
    {0x1.93p-1, 0x1.453d9e2c776cap0, -0x1.ea4449f04ap-3, -0x1.5e91663732a36p-44},
    {0x1.96p-1, 0x1.42d6625d51f87p0, -0x1.db13db0d48p-3, -0x1.2806a847527e6p-44},
    {0x1.998p-1, 0x1.4014014014014p0, -0x1.c97f8079d4p-3, -0x1.3b161a8c6e6c5p-45},
    {0x1.9d8p-1, 0x1.3cfb5b51698ebp0, -0x1.b5971a213ap-3, -0x1.9b50e83aa91dfp-44},
    {0x1.a18p-1, 0x1.39f1e5a22f36ep0, -0x1.a1dfc40f1cp-3, 0x1.01e0f004f3781p-44},
    {0x1.a68p-1, 0x1.363ac622898b1p0, -0x1.897e2b17b2p-3, 0x1.96b37380cbe9ep-45},
    {0x1.abp-1, 0x1.32f5ced6a1dfap0, -0x1.73cb9074fep-3, 0x1.d66a90d0005a6p-44},
    {0x1.adp-1, 0x1.3187758e9ebb6p0, -0x1.6a399dabbep-3, 0x1.8f934e66a15a6p-44},
    {0x1.b2p-1, 0x1.2e025c04b8097p0, -0x1.527e5e4a1cp-3, 0x1.4e60b8d4b411dp-44},
    {0x1.b5p-1, 0x1.2bef98e5a3711p0, -0x1.4462b9dc9cp-3, 0x1.84858a711b062p-44},
    {0x1.b9p-1, 0x1.293725bb804a5p0, -0x1.31b994d3a4p-3, -0x1.f098ee3a5081p-44},
    {0x1.be8p-1, 0x1.258de75895121p0, -0x1.185747dbecp-3, -0x1.e674445bd9b49p-44},
    {0x1.c2p-1, 0x1.23456789abcdfp0, -0x1.08598b59e4p-3, 0x1.7e5dd7009902cp-45},
    {0x1.c5p-1, 0x1.21579804855e6p0, -0x1.f57bc7d9p-4, -0x1.76a6c9ea8b04ep-46},
    {0x1.c98p-1, 0x1.1e7f0550db594p0, -0x1.ccfedbfeep-4, -0x1.3a8232fe71256p-44},
    {0x1.cep-1, 0x1.1bb4a4046ed29p0, -0x1.a4e7640b1cp-4, 0x1.e42b6b94407c8p-47},
    {0x1.d1p-1, 0x1.19e0119e0119ep0, -0x1.8a6477a91cp-4, -0x1.c28c0af9bd6dfp-44},
    {0x1.d6p-1, 0x1.16e0689427379p0, -0x1.5e95a4d978p-4, -0x1.1cb7ce1d17171p-44},
    {0x1.dbp-1, 0x1.13f0e8d344724p0, -0x1.333d7f8184p-4, 0x1.692b6a81b8848p-49},
    {0x1.ddp-1, 0x1.12c8b89edc0acp0, -0x1.2207b5c784p-4, -0x1.49d8cfc10c7bfp-44},
    {0x1.e2p-1, 0x1.0fef010fef011p0, -0x1.eea31c0068p-5, -0x1.c3dd83606d891p-44},
    {0x1.e68p-1, 0x1.0d6b154fb86f9p0, -0x1.a282b8a938p-5, 0x1.e8f5980efc8e3p-45},
    {0x1.e98p-1, 0x1.0bc4614657569p0, -0x1.70265a551p-5, 0x1.888df11fd5ce7p-45},
    {0x1.efp-1, 0x1.08cabb37565e2p0, -0x1.149e3e4008p-5, 0x1.2b98a9a4168fdp-44},
    {0x1.f28p-1, 0x1.06eecbe029155p0, -0x1.b5cc258b7p-6, -0x1.8e611b8afbfe8p-46},
    {0x1.f6p-1, 0x1.05197f7d73404p0, -0x1.432a92598p-6, -0x1.98139928637fep-47},
    {0x1.f9p-1, 0x1.038c6b78247fcp0, -0x1.c317384c8p-7, 0x1.41f33fcefb9fep-44},
    {0x1p0, 0x1p0, 0, 0},
    {0x1p0, 0x1p0, 0, 0},
    {0x1.068p0, 0x1.f3526859b8cecp-1, 0x1.9ace7551dp-6, -0x1.d75d97ec7c41p-45},
    {0x1.0a8p0, 0x1.ebd3cff850b0cp-1, 0x1.494acc34d8p-5, 0x1.11c78a56fd247p-45},
    {0x1.0e8p0, 0x1.e48df596f3394p-1, 0x1.c355dd092p-5, 0x1.f2ccc9abf8388p-45},
    {0x1.128p0, 0x1.dd7e5e316d94cp-1, 0x1.1dcb263dbp-4, 0x1.9444f5e9e8981p-44},
    {0x1.158p0, 0x1.d854df401d855p-1, 0x1.4a50d3aa1cp-4, -0x1.f7fe1308973e2p-45},
    {0x1.1a8p0, 0x1.cff8c01cff8cp-1, 0x1.9375e55594p-4, 0x1.eddc37380c364p-44},
    {0x1.1ep0, 0x1.ca4b3055ee191p-1, 0x1.c5e548f5bcp-4, 0x1.d0c57585fbe06p-46},
    {0x1.224p0, 0x1.c3954738ab1b9p-1, 0x1.012850a6ep-3, -0x1.a86194805bf94p-46},
    {0x1.25cp0, 0x1.be33da86a525bp-1, 0x1.19b4aa0ceep-3, -0x1.d88249621338bp-44},
    {0x1.2a4p0, 0x1.b77861d9cdc98p-1, 0x1.38d7699164p-3, 0x1.844a59e39bb7p-46},
    {0x1.2ep0, 0x1.b2036406c80d9p-1, 0x1.526e5e3a1cp-3, -0x1.790ba37fc5238p-44},
    {0x1.32p0, 0x1.ac5701ac5701bp-1, 0x1.6d60fe719ep-3, -0x1.bc6e557134767p-44},
    {0x1.36p0, 0x1.a6d01a6d01a6dp-1, 0x1.87fa06520cp-3, 0x1.22120401202fcp-44},
    {0x1.398p0, 0x1.a217ae575ff2fp-1, 0x1.9ef83d276ap-3, -0x1.730b7b3f9cep-45},
    {0x1.3dcp0, 0x1.9c8019c8019c8p-1, 0x1.ba8c10ae46p-3, 0x1.a32e29eee9d85p-44},
    {0x1.41cp0, 0x1.975f4768d3a48p-1, 0x1.d42adfec36p-3, -0x1.75c00fd804272p-46},
    {0x1.458p0, 0x1.92add0064ab74p-1, 0x1.ebe61f4dd8p-3, -0x1.3d45330fdca4dp-45},
    {0x1.4ap0, 0x1.8d3018d3018d3p-1, 0x1.0402594b4dp-2, 0x1.036b89ef42d7fp-48},
    {0x1.4e4p0, 0x1.88233b2a50cd4p-1, 0x1.111ce4003fp-2, -0x1.b3237096b4b6bp-46},
    {0x1.524p0, 0x1.8380183801838p-1, 0x1.1d4b5e796ap-2, 0x1.22a5bd197bac2p-45},
    {0x1.564p0, 0x1.7ef8b5038d8ebp-1, 0x1.29552f81ffp-2, 0x1.48d301771c408p-44},
    {0x1.5a8p0, 0x1.7a463005e918cp-1, 0x1.35f865c933p-2, -0x1.b07de4ea1a54ap-44},
    {0x1.5ep0, 0x1.767dce434a9b1p-1, 0x1.404308686ap-2, 0x1.f8ef43049f7d3p-44},
};

/* 2^(i/64), and by which share of itself it is too small. */
const sg_power_row sg_power_rows[64] = {
    {0x1p0, 0},
    {0x1.02c9a3e778061p0, -0x1.160139cd8dc5dp-56},
    {0x1.059b0d3158574p0, 0x1.cd2523567f613p-55},
    {0x1.0874518759bc8p0, 0x1.0f74e61e6c861p-57},
    {0x1.0b5586cf9890fp0, 0x1.79aa65d837b6dp-54},
    {0x1.0e3ec32d3d1a2p0, 0x1.ebe3d702f9cd1p-60},
    {0x1.11301d0125b51p0, -0x1.556522a2fbd0ep-54},
    {0x1.1429aaea92dep0, -0x1.1c923b9d5f416p-54},
    {0x1.172b83c7d517bp0, -0x1.01b15eaa59348p-55},
    {0x1.1a35beb6fcb75p0, 0x1.b898c3f1353bfp-55},
    {0x1.1d4873168b9aap0, 0x1.aecf73e3a2f6p-54},
    {0x1.2063b88628cd6p0, 0x1.a6f4144a6c38dp-55},
    {0x1.2387a6e756238p0, 0x1.68efde3a8a894p-54},
    {0x1.26b4565e27cddp0, 0x1.0472b981fe7f2p-55},
    {0x1.29e9df51fdee1p0, 0x1.2f7e16d09ab31p-55},
    {0x1.2d285a6e4030bp0, 0x1.b3782720c0ab4p-55},
    {0x1.306fe0a31b715p0, 0x1.34d754db0abb6p-55},
    {0x1.33c08b26416ffp0, 0x1.fdd395dd3f84ap-55},
    {0x1.371a7373aa9cbp0, -0x1.24aedcc4b5068p-54},
    {0x1.3a7db34e59ff7p0, -0x1.1d1e83e9436d2p-56},
    {0x1.3dea64c123422p0, 0x1.59f48a72a4c6dp-55},
    {0x1.4160a21f72e2ap0, -0x1.8a78f4817895bp-58},
    {0x1.44e086061892dp0, 0x1.363ed60c2ac11p-59},
    {0x1.486a2b5c13cdp0, 0x1.ecce1daa10379p-57},
    {0x1.4bfdad5362a27p0, 0x1.690cebb7aafbp-56},
    {0x1.4f9b2769d2ca7p0, -0x1.f94340071a38ep-55},
    {0x1.5342b569d4f82p0, -0x1.8dec6bd0f385fp-56},
    {0x1.56f4736b527dap0, 0x1.3350518fdd78ep-54},
    {0x1.5ab07dd485429p0, 0x1.063e1e21c5409p-54},
    {0x1.5e76f15ad2148p0, 0x1.432e62b64c035p-54},
    {0x1.6247eb03a5585p0, -0x1.c33c53bef4da8p-55},
    {0x1.6623882552225p0, -0x1.3cedd78565858p-54},
    {0x1.6a09e667f3bcdp0, -0x1.3b3efbf5e2228p-54},
    {0x1.6dfb23c651a2fp0, -0x1.367efb86da9eep-57},
    {0x1.71f75e8ec5f74p0, -0x1.81f647e5a3ecfp-56},
    {0x1.75feb564267c9p0, -0x1.619321e55e68ap-55},
    {0x1.7a11473eb0187p0, -0x1.b32dcb94da51dp-56},
    {0x1.7e2f336cf4e62p0, 0x1.5ebe1abd66c55p-57},
    {0x1.82589994cce13p0, -0x1.369b6f13b3734p-54},
    {0x1.868d99b4492edp0, -0x1.4d450d872576ep-54},
    {0x1.8ace5422aa0dbp0, 0x1.db72fc1f0eab4p-55},
    {0x1.8f1ae99157736p0, 0x1.bf68359f35f44p-56},
    {0x1.93737b0cdc5e5p0, -0x1.da9b88b6c1e29p-58},
    {0x1.97d829fde4e5p0, -0x1.2434322f4f9aap-54},
    {0x1.9c49182a3f09p0, 0x1.1affc2b91ce27p-56},
    {0x1.a0c667b5de565p0, -0x1.7c50422622263p-55},
    {0x1.a5503b23e255dp0, -0x1.1bbd1d3bcbb15p-54},
    {0x1.a9e6b5579fdbfp0, 0x1.469846e735ab3p-55},
    {0x1.ae89f995ad3adp0, 0x1.c1a7792cb3387p-55},
    {0x1.b33a2b84f15fbp0, -0x1.5c3d956dcaebap-58},
    {0x1.b7f76f2fb5e47p0, -0x1.8d6f438ad9334p-57},
    {0x1.bcc1e904bc1d2p0, 0x1.4ffd70a5fddcdp-56},
    {0x1.c199bdd85529cp0, 0x1.36eae30af0cb3p-56},
    {0x1.c67f12e57d14bp0, 0x1.4e08fd10959acp-55},
    {0x1.cb720dcef9069p0, 0x1.76b2c6c921968p-57},
    {0x1.d072d4a07897cp0, -0x1.fad5d3ffffa6fp-55},
    {0x1.d5818dcfba487p0, 0x1.4a385a63d07a7p-56},
    {0x1.da9e603db3285p0, 0x1.e5a50d5c192acp-55},
    {0x1.dfc97337b9b5fp0, -0x1.2d52107b43e1fp-55},
    {0x1.e502ee78b3ff6p0, 0x1.4b604603a88d3p-56},
    {0x1.ea4afa2a490dap0, -0x1.ff7128fd391fp-55},
    {0x1.efa1bee615a27p0, 0x1.ec3bc41aa2008p-55},
    {0x1.f50765b6e454p0, 0x1.a64a931d185eep-55},
    {0x1.fa7c1819e90d8p0, 0x1.7893b4d91cd9dp-56},
};

/* x = 2^k m, and m = middle (1 + r): r is small, with a relative error of half an ulp. */
typedef struct reduced {
  double k, m, r;
  int row;
} reduced;

/* Of a normal number. */
static inline reduced reduce(uint64_t bits) {
  uint64_t distance = bits - 0x3fe6000000000000; /* from 0.6875 */
  int row = (int)(distance >> 46 & 63);
  int64_t k = (int64_t)distance >> 52;
  double m = of_bits(bits - ((uint64_t)k << 52));
  return (reduced){(double)k, m, (m - sg_log_rows[row].middle) * sg_log_rows[row].reciprocal, row};
}

/* ln(1 + r) − r + r²/2, of r and its square. */
static inline double cubic(double r, double r2) {
  return r * r2 *
         (1.0 / 3 - r * (1.0 / 4) + r2 * (1.0 / 5 - r * (1.0 / 6)) +
          r2 * r2 * (1.0 / 7 - r * (1.0 / 8) + r2 * (1.0 / 9)));
}

/* More is to be added to r. */
static inline double log_from(reduced a, double more) {
  double high = a.k * LN2_HIGH + sg_log_rows[a.row].high, sum = high + a.r, square = a.r * a.r;
  double low = a.k * LN2_LOW + sg_log_rows[a.row].low - more;
  return sum + (high - sum + a.r + (low + (cubic(a.r, square) - 0.5 * square)));
}

/* Whether a positive finite normal number. */
static inline bool is_normal(uint64_t bits) {
  return bits - 0x0010000000000000 < 0x7fe0000000000000;
}

/* Of what is no positive finite normal number. */
static __attribute__((noinline, cold)) double log_of_other(double x) {
  if (x == 0) return -INFINITY;
  if (!(x > 0)) return NAN;
  if (x > DBL_MAX) return x;
  reduced a = reduce(bits_of(x * 0x1p52));
  a.k -= 52;
  return log_from(a, 0);
}

double sg_log(double x) {
  uint64_t bits = bits_of(x);
  return is_normal(bits) ? log_from(reduce(bits), 0) : log_of_other(x);
}

double sg_log1p(double x) {
  if (fabs(x) < 0x1p-28) return x - 0.5 * x * x; /* −0 stays it */
  double sum = 1 + x;
  if (x > 0x1p54 || !(sum > 0)) return sg_log(sum);
  double more = x > 1 ? x - sum + 1 : 1 - sum + x; /* 1 + x = sum + more */
  reduced a = reduce(bits_of(sum));
  more *= of_bits((uint64_t)(1023 - (int)a.k) << 52) * sg_log_rows[a.row].reciprocal;
  double r = a.r + more;
  more = a.r - r + more;
  a.r = r;
  return log_from(a, -more);
}

/* e^(x + more), where more is small to x, and |x| is such that k is one of an int. */
static inline double exp_of(double x, double more) {
  double shifted = x * 0x1.71547652b82fep6 + 0x1.8p52;
  int64_t k = (int64_t)(bits_of(shifted) << 13) >> 13; /* x 64/ln 2, rounded */
  double n = shifted - 0x1.8p52;
  double r = x - n * 0x1.62e42fefap-7 - n * 0x1.cf79abc9e3b3ap-46 + more, r2 = r * r;
  int row = (int)(k & 63);
  double value = sg_power_rows[row].value;
  double e = r2 * (0.5 + r * (1.0 / 6) + r2 * (1.0 / 24 + r * (1.0 / 120) + r2 * (1.0 / 720)));
  e = value + value * (sg_power_rows[row].missing + e + r);
  k >>= 6;
  if (k > -1022 && k < 1024) return e * of_bits((uint64_t)(k + 1023) << 52);
  /* Twice half the way: the first product is exact. */
  return e * of_bits((uint64_t)(k / 2 + 1023) << 52) * of_bits((uint64_t)(k - k / 2 + 1023) << 52);
}

/* Beyond, e^x is infinite and 0; between, k lies in (−2048, 2048). */
static const double most = 710, least = -746;

double sg_exp(double x) {
  if (x < most && x > least) return exp_of(x, 0);
  return isnan(x) ? x : x > 0 ? INFINITY : 0;
}

/* The first half of its digits. */
static inline double half_of(double x) {
  return of_bits(bits_of(x) & 0xfffffffff8000000);
}

/* a b = product + what is returned. Of factors that are neither huge nor tiny (Dekker, 1971). */
static inline double product_error(double a, double b, double product) {
  double a1 = half_of(a), a2 = a - a1, b1 = half_of(b), b2 = b - b1;
  return a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2;
}

double sg_pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (!(x >= 0) || isnan(y)) return NAN;
  if (x == 0 || isinf(x) || isinf(y)) return (y > 0) == (x > 1) ? INFINITY : 0;
  bool normal = is_normal(bits_of(x));
  reduced a = reduce(bits_of(normal ? x : x * 0x1p52));
  if (!normal) a.k -= 52;
  /* ln x in two parts: its terms down to the square with their errors, and two terms more. */
  double r = a.r, middle = sg_log_rows[a.row].middle, front = half_of(r), square = r * r;
  double below =
      (a.m - middle - front * middle - (r - front) * middle) * sg_log_rows[a.row].reciprocal;
  double rest = cubic(r, square) - 0.5 * (product_error(r, r, square) + 2 * r * below);
  rest -= square * square * square * square * square * (1.0 / 10 - r * (1.0 / 11));
  double high = a.k * LN2_HIGH + sg_log_rows[a.row].high, sum = high + r;
  double less = -0.5 * square, all = sum + less;
  double low =
      a.k * LN2_LOW + sg_log_rows[a.row].low + below + rest + (high - sum + r) + (sum - all + less);
  double log = all + low;
  low = all - log + low;
  double size = y * log;
  if (!(size < most && size > least)) return size > 0 ? INFINITY : 0;
  if (fabs(size) < 0x1p-60) return 1 + size; /* tiny factors may have no exact product */
  return exp_of(size, product_error(y, log, size) + y * low);
}

/* x = n π/2 + r + below, as in fdlibm: π/2 in three parts, the first two of 33 bits. */
static int quarter_turns(double x, double *r, double *below) {
  double n = x * 0x1.45f306dc9c883p-1 + 0x1.8p52 - 0x1.8p52;
  double near = x - n * 0x1.921fb544p0, part = n * 0x1.0b4611a6p-34, all = near - part;
  part = n * 0x1.3198a2e037073p-69 - (near - all - part);
  *r = all - part;
  *below = all - *r - part;
  return (int)n & 3;
}

static double sin_of(double x, double below) {
  double z = x * x, v = z * x;
  double r = 8.33333333332248946124e-3 +
             z * (-1.98412698298579493134e-4 +
                  z * (2.75573137070700676789e-6 +
                       z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
  return x - (z * (0.5 * below - v * r) - below + v * 1.66666666666666324348e-1);
}

static double cos_of(double x, double below) {
  double z = x * x, half = 0.5 * z, w = 1 - half;
  double r = z * (4.16666666666666019037e-2 +
                  z * (-1.38888888888741095749e-3 + z * 2.48015872894767294178e-5)) +
             z * z * z * z *
                 (-2.75573143513906633035e-7 +
                  z * (2.08757232129817482790e-9 - z * 1.13596475577881948265e-11));
  return w + (1 - w - half + (z * r - x * below));
}

static double turned(double x, int quarters) {
  double r, below;
  quarters += quarter_turns(x, &r, &below);
  double y = quarters & 1 ? cos_of(r, below) : sin_of(r, below);
  return quarters & 2 ? -y : y;
}

double sg_sin(double x) {
  return turned(x, 0);
}

double sg_cos(double x) {
  return turned(x, 1);
}

/* --- Functions of distributions ----------------------------------------------------------------
 */

/* ln Γ(x) − ((x − ½) ln x − x + ½ ln 2π), for x ≥ 10: Stirling's series. */
static double stirling(double x) {
  static const double c[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                             1.0 / 1188, -691.0 / 360360, 1.0 / 156};
  double sum = 0, y = 1 / (x * x);
  for (int i = 6; i >= 0; i--) sum = sum * y + c[i];
  return sum / x;
}

static const double half_log_2pi = 0x1.d67f1c864beb5p-1;

double sg_log_gamma(double x) {
  double product = 1;
  if (x > 1e300) return INFINITY;
  while (x < 10) product *= x++;
  return (x - 0.5) * sg_log(x) - x + half_log_2pi + stirling(x) - sg_log(product);
}

static double ratio(const double p[8], const double q[8], double x) {
  double above = 0, below = 0;
  for (int i = 7; i >= 0; i--) {
    above = above * x + p[i];
    below = below * x + q[i];
  }
  return above / below;
}

const double sg_normal_middle[2][8] = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3},
    {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3}};
const double sg_normal_side[2][8] = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9}};
const double sg_normal_far[2][8] = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15}};

double sg_normal_quantile(double p) {
  double from_half = p - 0.5;
  if (fabs(from_half) <= 0.425)
    return from_half *
           ratio(sg_normal_middle[0], sg_normal_middle[1], 0.180625 - from_half * from_half);
  double r = sqrt(-sg_log(p < 0.5 ? p : 1 - p));
  if (isinf(r)) return p < 0.5 ? -INFINITY : INFINITY;
  double z = r <= 5 ? ratio(sg_normal_side[0], sg_normal_side[1], r - 1.6)
                    : ratio(sg_normal_far[0], sg_normal_far[1], r - 5);
  return p < 0.5 ? -z : z;
}

/* t^shape e^(−t)/Γ(shape + 1), of t = e^x. */
static double gamma_front(double shape, double x, double t) {
  if (shape < 10) return sg_exp(shape * x - t - sg_log_gamma(shape + 1));
  double away = (t - shape) / shape; /* without the cancellation of large terms */
  return sg_exp(-shape * (away - sg_log1p(away)) - 0.5 * sg_log(shape) - half_log_2pi -
                stirling(shape));
}

/* P(Γ ≤ t)/front, by its series. */
static double gamma_below(double shape, double t) {
  double sum = 1, term = 1;
  for (double n = shape + 1; term > sum * 0x1p-54; n++) sum += term *= t / n;
  return sum;
}

/* P(Γ > t)/front, by Legendre's continued fraction (Lentz's method); for t > shape + 1. */
static double gamma_above(double shape, double t) {
  double b = t + 1 - shape, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100000; i++) {
    double a = i * (shape - i);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    h *= d * c;
    if (fabs(d * c - 1) < 0x1p-52) break;
  }
  return shape * h;
}

/* In x = ln t, ln P is concave and ln Q is too, so that Newton's method converges from any place.
 * The start is the series of P at 0, or Wilson and Hilferty's (1931) cube of a normal time. */
double sg_gamma_quantile(double shape, double p) {
  if (p <= 0) return 0;
  double c = 1 / (9 * shape), cube = 1 - c + sg_normal_quantile(p) * sqrt(c);
  double x =
      cube > 0.3 ? sg_log(shape) + 3 * sg_log(cube) : (sg_log(p) + sg_log_gamma(shape + 1)) / shape;
  for (int i = 0; i < 100; i++) {
    double t = sg_exp(x), front = gamma_front(shape, x, t), step;
    if (t <= DBL_MIN) break; /* P = t^shape/Γ(shape + 1) to the last bit */
    bool series = t <= shape + 1;
    double part = series ? front * gamma_below(shape, t) : front * gamma_above(shape, t);
    double below = series ? part : 1 - part, above = series ? 1 - part : part;
    double density = front * shape; /* of x */
    if (p < 0.5)
      step = below > 0 && density > 0 ? sg_log(p / below) * below / density : 1;
    else
      step = above > 0 && density > 0 ? sg_log(above / (1 - p)) * above / density : -1;
    x += fmax(-30, fmin(step, 1));
    if (fabs(step) < 1e-14 * (1 + fabs(x))) break;
  }
  return sg_exp(x);
}
