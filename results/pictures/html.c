/* SPDX-License-Identifier: MIT */
/* A page's frame, style and script, and its tables. */
#include "results/pictures/html.h"

#include "results/pictures/svg.h"
#include "results/query.h"

#include <string.h>

/* Nothing may be loaded, whatever a name in a database says. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"generator\" content=\"straggle report\">\n";

static const char style[] =
    ":root{--ink:#1a1a1a;--muted:#5a5a5a;--paper:#fff;--line:#dcdcdc;--soft:#f4f5f7;"
    "--link:#0057a8}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#ececec;--muted:#a8a8a8;"
    "--paper:#17191d;--line:#3a3e45;--soft:#22252b;--link:#7db8ff}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}\n"
    "body{margin:0;overflow-wrap:anywhere;background:var(--paper);color:var(--ink);font:16px/1.5 "
    "system-ui,\"DejaVu "
    "Sans\",\"Liberation Sans\",Arial,sans-serif}\n"
    "main,header,footer{max-width:84rem;margin:0 auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;line-height:1.2;margin:1.2rem 0 .2rem}"
    "h2{font-size:1.2rem;line-height:1.3;margin:2rem 0 .4rem}"
    "h3{font-size:1rem;margin:1.4rem 0 .3rem}\n"
    "p{margin:.4rem 0;max-width:46rem}.muted,.muted p{color:var(--muted);font-size:.875rem}"
    ".answer p:first-child{font-size:1.15rem}\n"
    "a{color:var(--link)}nav{font-size:.875rem;margin:.6rem 0}nav a{margin-right:.9rem;"
    "white-space:nowrap}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));"
    "gap:1rem 2.5rem;align-items:start}.figures>section{min-width:0}\n"
    "figure{margin:0}svg{display:block}\n"
    "code,pre{font:.8125rem/1.45 ui-monospace,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);padding:.6rem .8rem;"
    "border-radius:4px;margin:.5rem 0}\n"
    "details{margin:.4rem 0}summary{cursor:pointer;color:var(--muted);font-size:.875rem}\n"
    ".table{overflow:auto;max-height:32rem;margin:.5rem 0;border:1px solid var(--line);"
    "border-radius:4px;width:fit-content;max-width:100%}\n"
    "table{border-collapse:collapse;font-size:.8125rem;line-height:1.35;"
    "font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line);"
    "white-space:nowrap}"
    "th{position:sticky;top:0;background:var(--soft);font-weight:600}"
    "tr:last-child td{border-bottom:0}.n{text-align:right}\n"
    "td.long{white-space:normal;overflow-wrap:anywhere;min-width:16rem;max-width:30rem}\n"
    "th button{all:unset;cursor:pointer;font:inherit}th button:focus-visible{outline:2px solid "
    "var(--link)}th[aria-sort=ascending] button::after{content:\" ↑\"}"
    "th[aria-sort=descending] button::after{content:\" ↓\"}\n"
    ".copy{font:inherit;font-size:.8125rem;color:inherit;background:var(--soft);border:1px solid "
    "var(--line);border-radius:4px;padding:.15rem .6rem;cursor:pointer}\n"
    "footer{color:var(--muted);font-size:.8125rem;padding-top:1rem;padding-bottom:2rem}\n"
    "@media print{nav,.copy{display:none}.table{max-height:none;overflow:visible}"
    "figure,tr{break-inside:avoid}h2,h3{break-after:avoid}body{font-size:10pt}"
    ".figures{display:block}th{position:static}}\n";

/* Sorts by what a cell begins with: a number, else the text. Copies a table as CSV. */
static const char script[] =
    "'use strict';(()=>{\n"
    "const key=c=>{const t=c.textContent.trim().replace(/[≤>,]/g,'').replace(/−/g,'-');"
    "const x=parseFloat(t);return t===''||t==='—'||t==='–'?null:isNaN(x)?t:x};\n"
    "const before=(a,b,s)=>a===null||b===null?(a===null)-(b===null):"
    "typeof a!==typeof b?(typeof a==='number'?-1:1):s*(a<b?-1:a>b?1:0);\n"
    "for(const th of document.querySelectorAll('th')){\n"
    "const b=document.createElement('button');b.type='button';b.title='sort';"
    "b.append(...th.childNodes);th.append(b);\n"
    "b.onclick=()=>{const t=th.closest('table'),i=th.cellIndex,"
    "s=th.getAttribute('aria-sort')==='ascending'?-1:1;\n"
    "for(const o of t.querySelectorAll('th'))o.removeAttribute('aria-sort');\n"
    "th.setAttribute('aria-sort',s>0?'ascending':'descending');const body=t.tBodies[0];\n"
    "body.append(...[...body.rows].map(r=>[key(r.cells[i]),r])"
    ".sort((x,y)=>before(x[0],y[0],s)).map(x=>x[1]))}}\n"
    "const quote=x=>/[\",\\n]/.test(x)?'\"'+x.replace(/\"/g,'\"\"')+'\"':x;\n"
    "const csv=t=>[...t.rows].map(r=>[...r.cells].map(c=>quote(c.textContent)).join(',')).join("
    "'\\n')+'\\n';\n"
    "for(const d of document.querySelectorAll('.table')){\n"
    "const b=document.createElement('button'),text='copy CSV';b.type='button';b.className='copy';"
    "b.textContent=text;d.before(b);\n"
    "b.onclick=async()=>{const t=csv(d.querySelector('table'));let done=true;\n"
    "try{await navigator.clipboard.writeText(t)}catch(e){\n"
    "const a=document.createElement('textarea');a.value=t;document.body.append(a);a.select();"
    "done=document.execCommand('copy');a.remove()}\n"
    "b.textContent=done?'copied':'not copied';setTimeout(()=>{b.textContent=text},1500)}}\n"
    "})();\n";

void sg_html_begin(sg_buffer *out, const char *title) {
  sg_put(out, head);
  sg_html_text(out, "title", title);
  sg_put(out, "<style>\n");
  sg_put(out, style);
  sg_put_svg_style(out);
  sg_put(out, "</style>\n</head>\n<body>\n");
}

void sg_html_end(sg_buffer *out) {
  sg_put(out, "<script>\n");
  sg_put(out, script);
  sg_put(out, "</script>\n</body>\n</html>\n");
}

void sg_html_text(sg_buffer *out, const char *tag, const char *text) {
  sg_putf(out, "<%s>", tag);
  sg_put_xml(out, text);
  sg_putf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void sg_html_lines(sg_buffer *out, const char *tag, const char *text) {
  while (text && *text) {
    size_t n = strcspn(text, "\n");
    sg_buffer line = {0};
    sg_put_bytes(&line, text, n);
    if (n) sg_html_text(out, tag, line.data);
    out->failed |= line.failed;
    sg_buffer_free(&line);
    text += n + (text[n] == '\n');
  }
}

static bool is_plain(const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "@%+=:,./-_";
  return *word && word[strspn(word, plain)] == '\0';
}

void sg_html_command(sg_buffer *out, int n, const char *const *word) {
  sg_buffer line = {0};
  for (int i = 0; i < n; i++) {
    sg_put(&line, i ? " " : "");
    if (is_plain(word[i])) {
      sg_put(&line, word[i]);
      continue;
    }
    sg_put(&line, "'");
    for (const char *at = word[i]; *at; at++)
      if (*at == '\'')
        sg_put(&line, "'\\''");
      else
        sg_put_bytes(&line, at, 1);
    sg_put(&line, "'");
  }
  sg_html_text(out, "code", line.data);
  out->failed |= line.failed;
  sg_buffer_free(&line);
}

/* What is wider than this may be broken into lines. */
enum { LONG = 60 };

int sg_html_table(sg_buffer *out, const sg_table *t, int most) {
  int rows = sg_table_rows(t), columns = sg_table_columns(t);
  sg_put(out, "<div class=\"table\"><table>\n<thead><tr>");
  for (int j = 0; j < columns; j++) {
    sg_put(out, sg_table_is_numeric(t, j) ? "<th class=\"n\">" : "<th>");
    sg_put_xml(out, sg_table_name(t, j));
  }
  sg_put(out, "</thead>\n<tbody>\n");
  sg_buffer cell = {0};
  for (int i = 0; i < rows && i < most; i++) {
    sg_put(out, "<tr>");
    for (int j = 0; j < columns; j++) {
      cell.length = 0;
      sg_put(&cell, "");
      sg_table_put_cell(t, i, j, &cell);
      bool wide = cell.length > LONG;
      sg_put(out, sg_table_is_numeric(t, j) ? "<td class=\"n\">"
                  : wide                    ? "<td class=\"long\">"
                                            : "<td>");
      sg_put_xml(out, cell.data);
    }
    sg_put(out, "\n");
  }
  out->failed |= cell.failed;
  sg_buffer_free(&cell);
  sg_put(out, "</tbody></table></div>\n");
  return rows > most ? rows - most : 0;
}

sg_status sg_html_query(sg_db *db, const char *sql, int most, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(db, sql, &s, e);
  sg_table *t = sg_table_new(0, NULL);
  for (int j = 0; !status && t && j < sqlite3_column_count(s); j++)
    sg_table_column(t, sqlite3_column_name(s, j));
  while (t && sg_db_row(db, s, &status, e))
    for (int j = 0; j < sqlite3_column_count(s); j++) sg_put_value(t, s, j);
  sqlite3_finalize(s);
  if (!status && !t) status = sg_fail_memory(e);
  int left = status ? 0 : sg_html_table(out, t, most);
  if (left) sg_putf(out, "<p class=\"muted\">… %d more rows.</p>\n", left);
  sg_table_free(t);
  return status;
}
