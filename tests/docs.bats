#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Pages stand alone: links lead somewhere, citations have a section, prose is of one width.

setup() {
  export LC_ALL=C.UTF-8
  root="$BATS_TEST_DIRNAME/.."
  cd "$root"
}

pages() { # those that belong to the tree, not to a build
  echo README.md CONTRIBUTING.md docs/*.md
}

# Prose of a page with its line numbers, "line:text": without code, tables, headings and what the
# program writes (`docs` in the Makefile).
prose() {
  local generated='^$'
  case "$1" in
    docs/scenario.md | docs/schemes.md) generated='^## ' ;;
    docs/stability.md) generated='^## All codes' ;;
    docs/commands.md) generated='.' ;;
  esac
  awk -v generated="$generated" '
    generated != "^$" && $0 ~ generated { exit }
    /^```/ { fence = !fence; next }
    fence || /^\|/ || /^#/ { blank = 0; next }
    /^    / && (blank || code) { code = 1; next }
    { code = 0; blank = /^$/; if (!blank) print NR ":" $0 }' "$1"
}

too_wide() { # lines of prose above 100 columns
  local page
  for page; do
    prose "$page" | grep -E '^[0-9]+:.{101,}' | sed "s|^|$page:|" || true
  done
}

anchors() { # of the headings of a page, as GitHub makes them
  awk '/^```/ { fence = !fence } !fence && /^#+ / { sub(/^#+ /, ""); print }' "$1" |
    sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g; s/.*/\L&/; s/[^[:alnum:] _-]//g; s/ /-/g'
}

broken_links() { # "page: link" of relative links without a file or heading
  local page link file anchor
  for page; do
    while read -r link; do
      [[ -z "$link" || "$link" == http*://* || "$link" == mailto:* ]] && continue
      file="${link%%#*}" anchor=
      [[ "$link" == *'#'* ]] && anchor="${link#*#}"
      [ -n "$file" ] && file="$(dirname "$page")/$file" || file="$page"
      if [ ! -e "$file" ] || { [ -n "$anchor" ] && ! anchors "$file" | grep -qxF -- "$anchor"; }; then
        echo "$page: $link"
      fi
    done < <(awk '/^```/ { fence = !fence } !fence && !/^    /' "$page" |
      sed -E 's/`[^`]*`//g' | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\((.*)\)$/\1/')
  done
}

# Texts that are not in the repository, and numbers of their sections.
dangling="(^|[^-])(exact|approximate|flexible)-codes|[Hh]andbook|\b[Tt]he theory\b|\b[Tt]heory's\b"
dangling+='|\bT-[0-9]\b|\b[VI][0-9]{1,2}\b|\b[Ss]ections? [0-9]+\.[0-9]|^ */\* [0-9]+\.[0-9]+[:,]'

sources() { # everything that people read; this file names the patterns
  find "$@" -type f \( -name '*.[ch]' -o -name '*.md' -o -name '*.bats' -o -name '*.py' -o -name '*.sql' \
    -o -name Makefile -o -name '*.json' \) ! -path '*/data/*' ! -name docs.bats -print0
}

# The names in "theory: name", one a line, wherever comments break their lines.
citations() {
  sources "$@" | xargs -0 cat | sed -E 's/^[ \t]*(\*|#|\/\/)?[ \t]*//' | tr '\n' ' ' |
    grep -oE '\btheory: *[a-z0-9-]+' | sed -E 's/.*: *//' | sort -u
}

tree="README.md CONTRIBUTING.md Makefile codes docs models results scenarios sim tests"

@test "links of the pages lead to files and headings that there are" {
  run broken_links $(pages)
  echo "$output"
  [ -z "$output" ]
}

@test "every page is reached from README" {
  local page seen=README.md next
  while :; do
    next=$(for page in $seen; do
      echo "$page"
      grep -oE '\]\([^)# ]+\.md' "$page" | sed -E "s|^\]\(|$(dirname "$page")/|; s|^\./||"
    done | xargs -n 1 realpath --relative-to=. | sort -u)
    [ "$next" = "$(echo "$seen" | tr ' ' '\n')" ] && break
    seen="$next"
  done
  for page in $(pages); do
    echo "$page"
    grep -qxF "$page" <<<"$seen"
  done
}

@test "every page leads back to the list of pages" {
  run grep -L '](../README.md#all-pages)' docs/*.md
  [ -z "$output" ]
}

@test "no citation of a text that is not here" {
  run bash -c "$(declare -f sources); sources $tree | xargs -0 grep -nE \"\$1\"" _ "$dangling"
  echo "$output"
  [ -z "$output" ]
}

@test "every cited section of docs/theory.md is there, and every section has a label" {
  local name
  [ "$(citations $tree | wc -l)" -ge 15 ]
  for name in $(citations $tree); do
    echo "theory: $name"
    anchors docs/theory.md | grep -qxF -- "$name"
  done
  run awk '/^### / { if (name && !label) print name; name = $2; label = 0 }
           /\*(published|recalled|derived)/ { label = 1 }
           END { if (!label) print name }' docs/theory.md
  echo "$output"
  [ -z "$output" ]
}

@test "prose is at most 100 columns wide" {
  run too_wide $(pages)
  echo "$output"
  [ -z "$output" ]
}

@test "the checks find what is wrong" {
  mkdir "$BATS_TEST_TMPDIR/bad"
  cd "$BATS_TEST_TMPDIR/bad"
  local wide="$(printf 'x%.0s' {1..101})"
  printf '%s\n' '# A page' '' "$wide" "| $wide |" '' "    $wide" '' "* $wide" '```' "$wide" '```' \
    '[a](#a-page) [b](#b) [c](page.md#a-page) [d](none.md) `[e](none)`' > page.md
  run too_wide page.md
  [ "${#lines[@]}" -eq 2 ]
  [[ "${lines[0]}" == page.md:3:* && "${lines[1]}" == page.md:8:* ]]
  run broken_links page.md
  [ "$output" = "page.md: #b
page.md: none.md" ]
  printf '%s\n' '/* theory: one. exact-codes 2.2, the handbook' ' * (theory:' ' * two-words) */' > a.c
  printf '%s\n' '/* T-6 */' '/* 12.3: E[T] */' '/* I3, the theory */' 'int t0, V, x = 12;' > b.c
  [ "$(citations . | tr '\n' ' ')" = "one two-words " ]
  [ "$(sources . | xargs -0 grep -nE "$dangling" | wc -l)" -eq 4 ]
}
