/* SPDX-License-Identifier: MIT */
/* What pictures are put together from: texts, numbers, ticks, the style sheet. Numbers are written
 * by integers, so that the bytes are the same in every locale. */
#include "results/pictures/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Texts ------------------------------------------------------------------------------------ */

void sg_put_xml(sg_buffer *out, const char *text) {
  sg_buffer clean = {0};
  if (!text) return;
  sg_put_clean(&clean, text, strlen(text), "", '?');
  out->failed |= clean.failed;
  for (const char *at = clean.data ? clean.data : ""; *at;) {
    size_t n = strcspn(at, "<>&\"'");
    sg_put_bytes(out, at, n);
    at += n;
    switch (*at) {
    case '<': sg_put(out, "&lt;"); break;
    case '>': sg_put(out, "&gt;"); break;
    case '&': sg_put(out, "&amp;"); break;
    case '"': sg_put(out, "&quot;"); break;
    case '\'': sg_put(out, "&#39;"); break;
    default: break;
    }
    at += *at != '\0';
  }
  sg_buffer_free(&clean);
}

/* In em, as wide as in the widest of the usual fonts (DejaVu Sans); continuation bytes have none.
 */
static double em(unsigned char c) {
  if ((c & 0xC0) == 0x80) return 0;
  if (c >= 0x80) return c >= 0xE3 ? 1.0 : 0.72;
  if (strchr(" .,:;|!'ijl()[]ft-/", c)) return 0.4;
  if (strchr("mwMW%@&", c)) return 0.96;
  if (c == '=' || c == '<' || c == '>' || c == '+') return 0.84;
  return c >= 'A' && c <= 'Z' ? 0.72 : 0.635;
}

double sg_svg_text_width(const char *text, double size) {
  double width = 0;
  for (; *text; text++) width += em((unsigned char)*text);
  return size * width;
}

bool sg_put_svg_fitted(sg_buffer *out, const char *text, double size, double most) {
  if (most <= 0 || sg_svg_text_width(text, size) <= most) {
    sg_put_xml(out, text);
    return false;
  }
  double width = size * 0.9; /* of the dots */
  size_t n = 0;
  while (text[n] && (width += size * em((unsigned char)text[n])) <= most) n++;
  while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
  while (n > 0 && text[n - 1] == ' ') n--;
  char *head = strndup(text, n);
  out->failed |= !head;
  sg_put_xml(out, head);
  sg_put(out, "…");
  free(head);
  return true;
}

void sg_put_svg_line(sg_buffer *out, double x1, double y1, double x2, double y2,
                     const char *attributes) {
  sg_putf(out, "<path %s d=\"M", attributes);
  sg_put_coordinate(out, x1);
  sg_put(out, " ");
  sg_put_coordinate(out, y1);
  sg_put(out, "L");
  sg_put_coordinate(out, x2);
  sg_put(out, " ");
  sg_put_coordinate(out, y2);
  sg_put(out, "\"/>\n");
}

void sg_put_svg_text(sg_buffer *out, double x, double y, const char *class_name, const char *anchor,
                     const char *text, double size, double most) {
  sg_buffer fitted = {0};
  out->failed |= !text; /* no memory for it */
  if (!text) return;
  bool cut = sg_put_svg_fitted(&fitted, text, size, most);
  sg_put(out, "<text");
  sg_put_svg_number(out, "x", x);
  sg_put_svg_number(out, "y", y);
  if (class_name && *class_name) sg_putf(out, " class=\"%s\"", class_name);
  if (strcmp(anchor, "start") != 0) sg_putf(out, " text-anchor=\"%s\"", anchor);
  sg_put(out, ">");
  if (cut) {
    sg_put(out, "<title>");
    sg_put_xml(out, text);
    sg_put(out, "</title>");
  }
  sg_put(out, fitted.data ? fitted.data : "");
  sg_put(out, "</text>\n");
  out->failed |= fitted.failed;
  sg_buffer_free(&fitted);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

void sg_put_coordinate(sg_buffer *out, double x) {
  long tenths = isnan(x) ? 0 : lround(10 * fmin(fmax(x, -1e7), 1e7));
  long size = labs(tenths);
  sg_putf(out, "%s%ld", tenths < 0 ? "-" : "", size / 10);
  if (size % 10) sg_putf(out, ".%ld", size % 10);
}

void sg_put_svg_number(sg_buffer *out, const char *name, double x) {
  sg_putf(out, " %s=\"", name);
  sg_put_coordinate(out, x);
  sg_put(out, "\"");
}

static void put_superscript(sg_buffer *out, int n) {
  static const char *const digit[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  if (n < 0) sg_put(out, "⁻");
  if (abs(n) >= 100) sg_put(out, digit[abs(n) / 100]);
  if (abs(n) >= 10) sg_put(out, digit[abs(n) / 10 % 10]);
  sg_put(out, digit[abs(n) % 10]);
}

/* x = mantissa · 10^exponent of so many digits, which are whole: 10^(digits − 1) ≤ mantissa. By the
 * program's own printing, whose digits are exact. */
static long long decompose(double x, int digits, int *exponent) {
  sg_buffer text = {0};
  long long mantissa = 0;
  sg_putf(&text, "%.*e", digits - 1, fabs(x));
  *exponent = 0;
  for (const char *at = text.data ? text.data : ""; *at; at++) {
    if (*at >= '0' && *at <= '9') mantissa = 10 * mantissa + (*at - '0');
    if (*at != 'e') continue;
    *exponent = atoi(at + 1) - (digits - 1);
    break;
  }
  sg_buffer_free(&text);
  return mantissa;
}

static void put_grouped(sg_buffer *out, long long whole) {
  if (whole >= 1000) put_grouped(out, whole / 1000);
  sg_putf(out, whole >= 1000 ? ",%03lld" : "%lld", whole >= 1000 ? whole % 1000 : whole);
}

/* mantissa · 10^exponent without more zeros than it takes; `decimals`: at least so many. */
static void put_decimal(sg_buffer *out, long long mantissa, int exponent, int decimals) {
  for (; exponent > 0; exponent--) mantissa *= 10;
  long long unit = 1;
  for (int k = exponent; k < 0; k++) unit *= 10;
  put_grouped(out, mantissa / unit);
  long long rest = mantissa % unit;
  int places = -exponent;
  for (; places > decimals && rest % 10 == 0; places--) rest /= 10;
  if (places > 0) sg_putf(out, ".%0*lld", places, rest);
}

static void put_power(sg_buffer *out, long long mantissa, int exponent) {
  while (mantissa && mantissa % 10 == 0) {
    mantissa /= 10;
    exponent++;
  }
  long long unit = 1;
  for (; mantissa / unit >= 10; unit *= 10) exponent++;
  if (mantissa != 1) {
    sg_putf(out, "%lld", mantissa / unit);
    long long rest = mantissa % unit;
    int places = 0;
    for (long long k = unit; k > 1; k /= 10) places++;
    if (places) sg_putf(out, ".%0*lld", places, rest);
    sg_put(out, "×");
  }
  sg_put(out, "10");
  put_superscript(out, exponent);
}

void sg_put_figure(sg_buffer *out, double x, int digits) {
  int exponent;
  if (!isfinite(x)) {
    sg_put(out, isnan(x) ? "–" : x > 0 ? "∞" : "−∞");
    return;
  }
  if (x < 0) sg_put(out, "−");
  long long mantissa = decompose(x, digits, &exponent);
  int size = exponent + digits - 1; /* of the first digit */
  if (mantissa == 0)
    sg_put(out, "0");
  else if (size >= -4 && size < 7)
    put_decimal(out, mantissa, exponent, 0);
  else
    put_power(out, mantissa, exponent);
}

/* --- Ticks ------------------------------------------------------------------------------------ */

static void add_tick(sg_ticks *t, double at, const char *text) {
  if (t->n >= SG_MOST_TICKS) return;
  t->at[t->n] = at;
  size_t n = strlen(text);
  bool fits = n < sizeof t->text[0];
  memcpy(t->text[t->n], fits ? text : "", fits ? n + 1 : 1);
  t->n++;
}

/* k · step, where step = mantissa · 10^exponent. */
static void add_step(sg_ticks *t, long long k, int mantissa, int exponent) {
  sg_buffer text = {0};
  long long number = k * mantissa;
  double at = (double)number;
  at = exponent < 0 ? at / pow(10, -exponent) : at * pow(10, exponent);
  if (number < 0) sg_put(&text, "−");
  number = llabs(number);
  int size = exponent;
  for (long long rest = number; rest >= 10; rest /= 10) size++;
  if (number == 0)
    sg_put(&text, "0");
  else if (size < 6 && exponent > -5)
    put_decimal(&text, number, exponent, exponent < 0 ? -exponent : 0);
  else
    put_power(&text, number, exponent);
  add_tick(t, at, text.data ? text.data : "");
  sg_buffer_free(&text);
}

static void linear_ticks(double low, double high, int wanted, sg_ticks *t) {
  double rough = (high - low) / wanted;
  if (!(rough > 0) || !isfinite(rough)) return;
  int exponent = (int)floor(log10(rough));
  double mantissa = rough / pow(10, exponent);
  int step = mantissa <= 1.0001 ? 1 : mantissa <= 2.0001 ? 2 : mantissa <= 5.0001 ? 5 : 1;
  exponent += mantissa > 5.0001;
  double unit = step * pow(10, exponent);
  double first = ceil(low / unit - 1e-9), last = floor(high / unit + 1e-9);
  if (fabs(first) > 1e12 || fabs(last) > 1e12) return; /* a range too small for its place */
  for (double k = first; k <= last; k++) add_step(t, (long long)k, step, exponent);
}

static void log_tick(sg_ticks *t, int digit, int exponent, bool shown) {
  sg_buffer text = {0};
  double at = exponent < 0 ? digit / pow(10, -exponent) : digit * pow(10, exponent);
  if (shown && exponent >= -3 && exponent <= 4)
    put_decimal(&text, digit, exponent, 0);
  else if (shown)
    put_power(&text, digit, exponent);
  add_tick(t, at, text.data ? text.data : "");
  sg_buffer_free(&text);
}

/* Decades, every second, third … of them where they are many; 2 and 5 between them where few. */
static void log_ticks(double low, double high, int wanted, sg_ticks *t) {
  if (!(low > 0) || !isfinite(high)) return;
  double decades = log10(high) - log10(low); /* the quotient may overflow */
  int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
  int every = (int)fmax(1, ceil(decades / wanted));
  if (decades < 0.9) { /* hardly longer than a linear one */
    linear_ticks(low, high, wanted, t);
    return;
  }
  for (int k = first; k <= last; k++) {
    static const int digit[] = {1, 2, 5};
    for (int i = 0; i < (decades <= 3 ? 3 : 1); i++) {
      double at = digit[i] * pow(10, k);
      if (at < low * (1 - 1e-9) || at > high * (1 + 1e-9)) continue;
      if (i == 0 && ((k % every) + every) % every != 0) continue;
      log_tick(t, digit[i], k, i == 0 || decades <= 2);
    }
  }
}

void sg_find_ticks(double low, double high, bool log, int wanted, sg_ticks *out) {
  out->n = 0;
  wanted = wanted < 2 ? 2 : wanted > 12 ? 12 : wanted;
  if (log) log_ticks(low, high, wanted, out);
  /* A range may lie between two round numbers. */
  for (int more = wanted; !log && out->n < 2 && more <= 8 * wanted; more *= 2) {
    out->n = 0;
    linear_ticks(low, high, more, out);
  }
}

/* --- Colours and shapes ----------------------------------------------------------------------- */

unsigned sg_svg_heat(double share, bool *dark) {
  static const unsigned char cividis[][3] = {
      {0, 34, 78},     {18, 53, 112},   {59, 73, 108},   {87, 93, 109},  {112, 113, 115},
      {138, 134, 120}, {165, 156, 116}, {195, 179, 105}, {225, 204, 85}, {254, 232, 56}};
  enum { LAST = sizeof cividis / sizeof *cividis - 1 };
  double at = LAST * fmin(fmax(isnan(share) ? 0 : share, 0), 1);
  int i = at >= LAST ? LAST - 1 : (int)at;
  unsigned color = 0;
  for (int k = 0; k < 3; k++) {
    double x = cividis[i][k] + (at - i) * (cividis[i + 1][k] - cividis[i][k]);
    color = color << 8 | (unsigned)lround(x);
  }
  *dark = at < 0.5 * LAST;
  return color;
}

static void put_polygon(sg_buffer *out, int n, const double (*corner)[2], double x, double y,
                        double r) {
  for (int i = 0; i < n; i++) {
    sg_put(out, i ? "L" : "M");
    sg_put_coordinate(out, x + r * corner[i][0]);
    sg_put(out, " ");
    sg_put_coordinate(out, y + r * corner[i][1]);
  }
  sg_put(out, "Z");
}

void sg_put_svg_shape(sg_buffer *out, int i, double x, double y, double r) {
  static const double square[][2] = {{-.9, -.9}, {.9, -.9}, {.9, .9}, {-.9, .9}},
                      up[][2] = {{0, -1.2}, {1.15, .85}, {-1.15, .85}},
                      diamond[][2] = {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}},
                      down[][2] = {{0, 1.2}, {1.15, -.85}, {-1.15, -.85}},
                      plus[][2] = {{-.4, -1.2}, {.4, -1.2}, {.4, -.4},   {1.2, -.4},
                                   {1.2, .4},   {.4, .4},   {.4, 1.2},   {-.4, 1.2},
                                   {-.4, .4},   {-1.2, .4}, {-1.2, -.4}, {-.4, -.4}},
                      cross[][2] = {{-1.15, -.6}, {-.6, -1.15}, {0, -.55},   {.6, -1.15},
                                    {1.15, -.6},  {.55, 0},     {1.15, .6},  {.6, 1.15},
                                    {0, .55},     {-.6, 1.15},  {-1.15, .6}, {-.55, 0}},
                      bar[][2] = {{-1.3, -.5}, {1.3, -.5}, {1.3, .5}, {-1.3, .5}};
  switch (i % 8) {
  case 1: put_polygon(out, 4, square, x, y, r); break;
  case 2: put_polygon(out, 3, up, x, y, r); break;
  case 3: put_polygon(out, 4, diamond, x, y, r); break;
  case 4: put_polygon(out, 3, down, x, y, r); break;
  case 5: put_polygon(out, 12, plus, x, y, r); break;
  case 6: put_polygon(out, 12, cross, x, y, r); break;
  case 7: put_polygon(out, 4, bar, x, y, r); break;
  default:
    sg_put(out, "M");
    sg_put_coordinate(out, x - r);
    sg_put(out, " ");
    sg_put_coordinate(out, y);
    for (int half = 0; half < 2; half++) {
      sg_put(out, "a");
      sg_put_coordinate(out, r);
      sg_put(out, " ");
      sg_put_coordinate(out, r);
      sg_put(out, " 0 1 0 ");
      sg_put_coordinate(out, half ? -2 * r : 2 * r);
      sg_put(out, " 0");
    }
    sg_put(out, "Z");
  }
}

/* --- The style sheet -------------------------------------------------------------------------- */

typedef struct palette {
  const char *text, *muted, *grid, *axis, *paper;
  const char *color[SG_SVG_COLORS];
} palette;

/* Okabe and Ito without yellow, which white paper does not show; on black paper two are lighter. */
static const palette light = {
    "#1a1a1a", "#5a5a5a",
    "#e3e3e3", "#8a8a8a",
    "#ffffff", {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}};
static const palette dark = {
    "#ececec", "#a8a8a8",
    "#33363c", "#7c8088",
    "#17191d", {"#4aa3df", "#f0793a", "#20c997", "#e29bc4", "#f0b429", "#9bd9ff", "#ffffff"}};

static void put_palette(sg_buffer *out, const palette *p) {
  sg_putf(out, ".sg text{fill:%s}.sg .sg-muted{fill:%s}.sg .sg-grid{stroke:%s}", p->text, p->muted,
          p->grid);
  sg_putf(out, ".sg .sg-axis,.sg .sg-ref{stroke:%s}.sg .sg-paper{fill:%s}", p->axis, p->paper);
  sg_putf(out, ".sg .sg-over{stroke:%s}.sg .sg-ring{stroke:%s}\n", p->paper, p->text);
  for (int i = 0; i < SG_SVG_COLORS; i++)
    sg_putf(out, ".sg .sg-c%d{stroke:%s}.sg .sg-f%d{fill:%s}", i, p->color[i], i, p->color[i]);
  sg_put(out, "\n");
}

void sg_put_svg_style(sg_buffer *out) {
  sg_put(out, ".sg{font:14px system-ui,\"DejaVu Sans\",\"Liberation Sans\",Arial,sans-serif;"
              "max-width:100%;height:auto}\n"
              ".sg .sg-title{font-size:16px;font-weight:600}.sg .sg-small{font-size:13px}"
              ".sg .sg-cell{font-size:12px}\n"
              ".sg .sg-grid,.sg .sg-axis{fill:none;stroke-width:1}"
              ".sg .sg-ref{fill:none;stroke-width:1.2;stroke-dasharray:5 4}\n"
              ".sg .sg-line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:butt}"
              ".sg .sg-bar{fill:none;stroke-width:1.4}.sg .sg-thin{fill:none;stroke-width:.8}"
              ".sg .sg-band{fill-opacity:.2}\n"
              ".sg .sg-ring{fill:none;stroke-width:1.4}.sg .sg-best{fill:none;stroke-width:2}"
              ".sg .sg-hatch{fill:none;stroke:#fff;stroke-width:1.2;stroke-opacity:.75}\n"
              ".sg .sg-over{paint-order:stroke;stroke-width:3;stroke-linejoin:round}"
              ".sg .sg-white{fill:#fff}.sg .sg-black{fill:#000}\n"
              ".sg .sg-d1{stroke-dasharray:7 3}.sg .sg-d2{stroke-dasharray:2 3}"
              ".sg .sg-d3{stroke-dasharray:9 3 2 3}.sg .sg-d4{stroke-dasharray:13 4}\n");
  put_palette(out, &light);
  sg_put(out, "@media screen and (prefers-color-scheme:dark){\n");
  put_palette(out, &dark);
  sg_put(out, "}\n");
}
