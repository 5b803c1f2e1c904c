# straggle. `make run` and `make test` do all set-up; the other targets are in CONTRIBUTING.md.
VERSION = 0.1.0
BUILD  ?= build
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
PEERS  ?= ../shared/peers
# OpenBLAS starts its threads before main can say that it wants none.
export OPENBLAS_NUM_THREADS = 1

PACKAGES = gcc make pkg-config libgsl-dev libopenblas-dev liblapacke-dev libsqlite3-dev libcjson-dev \
           libmd-dev librandom123-dev
TEST_PACKAGES = libcmocka-dev bats sqlite3 zsh libxml2-utils python3
COOKBOOK_PACKAGES = python3 python3-pandas python3-matplotlib r-cran-rsqlite gnuplot-nox
# SimPy 3: what Debian 12 calls python3-simpy is version 2, another library.
BENCH_PACKAGES = python3 python3-numpy python3-scipy python3-simpy3

PKGS = gsl openblas lapacke sqlite3 libcjson libmd
# GSL without -lgslcblas: OpenBLAS gives the cblas_ symbols.
LDLIBS := -lgsl $(shell $(PKG_CONFIG) --libs openblas lapacke sqlite3 libcjson libmd 2>/dev/null) -lm -lpthread
WARN    = -Wall -Wextra -Wno-unused-parameter -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wundef -Wvla $(if $(WERROR),-Werror)
CPPFLAGS := -I. -D_GNU_SOURCE \
            $(patsubst -I%,-isystem %,$(filter -I%,$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)))
STD      = -std=gnu17 -fno-math-errno -ffp-contract=off
COMPILE  = $(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANITIZE) -MMD -MP
LINK     = $(CC) $(CFLAGS) $(SANITIZE)
# "CC sim/engine/run.c" instead of the whole command, which V=1 shows; nothing with make -s.
SILENT  := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
quiet    = $(if $(V),,@$(if $(SILENT),,echo "$(1) $(2)"; ))

SRC   := $(filter-out sim/cli/main.c,$(wildcard sim/*.c sim/*/*.c codes/*.c codes/*/*.c models/*/*.c models/*/*/*.c results/*.c results/*/*.c))
OBJ   := $(SRC:%.c=$(BUILD)/%.o)
LIB   := $(BUILD)/libstraggle.a
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
TOOLS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out $(wildcard tests/test_*.c tests/fail_*.c),$(wildcard tests/*.c)))
# Let allocations and writes fail. A sanitizer's own would come in their way.
FAIL_MALLOC := $(if $(SANITIZE),,$(BUILD)/tests/fail_malloc.so)
FAIL_WRITE := $(if $(SANITIZE),,$(BUILD)/tests/fail_write.so)
SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
# Tests in which threads meet.
THREAD_TESTS = test_results test_experiment test_check

all: $(BUILD)/straggle

$(LIB): $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)

$(BUILD)/straggle: $(BUILD)/sim/cli/main.o $(LIB)
	$(call quiet,LD,$@)$(LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(COMPILE) -c -o $@ $<

# Indexes and views of the database are compiled in.
$(BUILD)/results/schema.inc: results/schema.sql
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@
$(BUILD)/results/columns.o: $(BUILD)/results/schema.inc
$(BUILD)/results/columns.o: CPPFLAGS += -I$(BUILD)/results

# What `init` writes is compiled in: scenarios, and the data that they need.
EMBEDDED := $(sort $(wildcard scenarios/*.json scenarios/clusters/*.json scenarios/papers/*.json scenarios/data/* \
  sim/cli/templates/*))
$(BUILD)/sim/cli/embedded.inc: $(EMBEDDED)
	@mkdir -p $(@D)
	@for f in $(filter-out %.schema.json,$^); do \
	  printf '{"%s", (const unsigned char[]){' $$f; od -An -v -tx1 $$f | sed 's/ \(..\)/0x\1,/g'; \
	  printf '0}, %s},\n' $$(wc -c < $$f); done > $@
$(BUILD)/sim/cli/templates.o: $(BUILD)/sim/cli/embedded.inc
$(BUILD)/sim/cli/templates.o: CPPFLAGS += -I$(BUILD)/sim/cli

# The revision changes with every commit: only this object depends on it.
# An unpacked archive may lie in another repository, whose commit is not ours.
REVISION := $(shell test -e .git && git describe --always --dirty=+ --abbrev=12 2>/dev/null || echo unknown)
$(BUILD)/revision: $(if $(filter $(REVISION),$(shell cat $(BUILD)/revision 2>/dev/null)),,FORCE)
	@mkdir -p $(@D)
	@echo $(REVISION) > $@
$(BUILD)/sim/cli/provenance.o: $(BUILD)/revision
$(BUILD)/sim/cli/provenance.o: CPPFLAGS += -DSG_VERSION='"$(VERSION)"' -DSG_REVISION='"$(REVISION)"'

# The widest vectors that the program uses: scalar, avx2, avx512; empty: all that the processor has.
LANES ?=
SG_LANES_OF_scalar = SG_SCALAR
SG_LANES_OF_avx2   = SG_LANES_AVX2
SG_LANES_OF_avx512 = SG_LANES_AVX512
$(if $(LANES),$(if $(SG_LANES_OF_$(LANES)),,$(error LANES=$(LANES): expected scalar, avx2 or avx512)))
$(BUILD)/lanes: $(if $(filter x$(LANES),x$(shell cat $(BUILD)/lanes 2>/dev/null)),,FORCE)
	@mkdir -p $(@D)
	@echo $(LANES) > $@
$(BUILD)/sim/core/lanes.o: $(BUILD)/lanes
$(BUILD)/sim/core/lanes.o: CPPFLAGS += $(if $(LANES),-DSG_MOST_LANES=$(SG_LANES_OF_$(LANES)))

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(SUPPORT) $(LIB)
	$(call quiet,LD,$@)$(LINK) -o $@ $(filter %.o,$^) $(LIB) $(LDLIBS) -lcmocka

$(BUILD)/tests/fuzz_%: LDLIBS += $(FUZZ_LINK)

# Programs whose registry has the toy codes of the tests, too.
TOYS := $(BUILD)/tests/straggle-toys
$(TOYS): $(BUILD)/sim/cli/main.o $(BUILD)/tests/toys/registry.o $(BUILD)/tests/support/toy_codes.o $(LIB)
	$(call quiet,LD,$@)$(LINK) -o $@ $^ $(LDLIBS)
$(addprefix $(BUILD)/tests/,test_codes test_compress test_experiment): $(BUILD)/tests/toys/registry.o
$(BUILD)/tests/validate_protocols: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/targets/*.c))

$(BUILD)/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(COMPILE) -fPIC -shared -o $@ $<

# --- What people type --------------------------------------------------------------------------

# Installs what is missing from Debian's packages, with sudo when not root.
define install_packages
	@command -v dpkg-query >/dev/null || { echo "Not a Debian system: please install the equivalents of: $(1)"; exit 0; }; \
	missing=; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ $$(id -u) = 0 ] || sudo=sudo; \
	  echo "Installing Debian packages:$$missing"; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef
setup:
	$(call install_packages,$(PACKAGES))
setup-tests:
	$(call install_packages,$(PACKAGES) $(TEST_PACKAGES))

# The main job: the quickstart scenario on real data, and its comparison.
run: setup
	@$(MAKE) --no-print-directory all
	$(BUILD)/straggle run scenarios/quickstart.json
	$(BUILD)/straggle compare scenarios/quickstart.db

test: setup-tests
	@$(MAKE) --no-print-directory check

# In the order of their time, the longest first: so many side by side as there are processors.
FIRST = guide protocols pathwise shard commands papers cli files timeline limits jobs
# Pages, numbers and other programs are nothing for a sanitizer, which sees all protocols in
# protocols.bats, all codes and compressors in their tests in C, and anything in fuzz_run.
BEYOND = $(if $(SANITIZE),bench guide jobs cookbook converters docs includes golden pathwise commands shard report first \
  whatif sparse_codes convergence designs block_coordinate nested trees async groups mmc starts sequential \
  coded_data partial_stragglers exact_codes papers plot samples timeline design collective collect \
  baselines no_barrier local quadratic clusters comparison embedding feedback compression compare \
  codes_check expect stop)
BATS = $(filter-out $(BEYOND),$(FIRST) $(filter-out $(FIRST),$(patsubst tests/%.bats,%,$(wildcard tests/*.bats))))
VALIDATE = validate validate_network validate_delays validate_fit validate_fit_rates \
  validate_compare validate_blame validate_protocols

# Commands on standard input, one a line, so many side by side as there are processors; each prints
# when it is over, and last how long that took.
SIDE_BY_SIDE = xargs -d '\n' -P "$$(nproc)" -n 1 sh -c \
  'log=$$LOGS/$$(echo "$$0" | tr -c "a-zA-Z0-9_.\n" _ | cut -c 1-100).log; echo "== $$0" > "$$log"; begin=$$(date +%s); \
   $$0 >> "$$log" 2>&1; status=$$?; echo "== $$(($$(date +%s) - begin)) s: $$0" >> "$$log"; \
   cat "$$log"; [ $$status = 0 ] || echo "FAILED: $$0" | tee -a "$$log" >&2; [ $$status = 0 ]'
FIRST_TESTS = codes protocol check expect compress block
TESTS_IN_ORDER = $(FIRST_TESTS:%=$(BUILD)/tests/test_%) $(filter-out $(FIRST_TESTS:%=$(BUILD)/tests/test_%),$(TESTS))

check: all $(TESTS) $(TOOLS) $(TOYS) $(FAIL_MALLOC) $(FAIL_WRITE)
	@rm -rf $(BUILD)/logs && mkdir -p $(BUILD)/logs
	@export STRAGGLE=$(abspath $(BUILD)/straggle) TOYS=$(abspath $(TOYS)) LOGS=$(abspath $(BUILD)/logs) SETTINGS=$(if $(SANITIZE),2,16); \
	  { echo "$(BUILD)/tests/fuzz_run $(if $(SANITIZE),500,1000)"; \
	    printf 'bats tests/%s.bats\n' $(BATS); printf '%s\n' $(TESTS_IN_ORDER); \
	    $(if $(FAIL_MALLOC),echo "tests/torture_memory.sh $(BUILD)/straggle $(FAIL_MALLOC) 5";) \
	    $(if $(FAIL_WRITE),echo "tests/torture_disk.sh $(BUILD)/straggle $(FAIL_WRITE) 4";) \
	    echo "tests/torture_corrupt.sh $(BUILD)/straggle 12"; \
	    echo "$(BUILD)/tests/fuzz_files 500 $(wildcard tests/corpus/files/*)"; \
	    echo "$(BUILD)/tests/fuzz_set 500 $(wildcard tests/corpus/set/*)"; \
	    echo "$(BUILD)/tests/fuzz_database 200"; \
	    $(if $(SANITIZE),,printf '$(BUILD)/tests/%s --short\n' $(VALIDATE);) \
	  } | $(SIDE_BY_SIDE) || { echo "FAILED:"; grep -h '^not ok\|^FAILED' $(BUILD)/logs/*; exit 1; }
	@echo "All tests passed: $(words $(TESTS)) programs, $$(cat $(BUILD)/logs/*.log | grep -c '^ok') bats, torture, fuzz $(if $(SANITIZE),,and validation )in short."

# All recipes of docs/cookbook.md; `check` runs those that need nothing but Python.
cookbook: setup-tests
	$(call install_packages,$(COOKBOOK_PACKAGES))
	@$(MAKE) --no-print-directory all
	@COOKBOOK=all STRAGGLE=$(abspath $(BUILD)/straggle) bats tests/cookbook.bats

# Simulated means against closed forms, at least 100,000 iterations each.
validate: setup-tests
	@$(MAKE) --no-print-directory all $(VALIDATE:%=$(BUILD)/tests/%)
	@for v in $(VALIDATE); do echo "== $$v"; $(BUILD)/tests/$$v || exit 1; done
	$(BUILD)/straggle papers --quiet --brief
	tests/design_seeds.sh $(BUILD)/straggle
	STRAGGLE=$(abspath $(BUILD)/straggle) bats tests/protocols.bats

torture: setup-tests
	@$(MAKE) --no-print-directory all $(FAIL_MALLOC) $(FAIL_WRITE)
	tests/torture_kill.sh $(BUILD)/straggle 1000
	tests/torture_memory.sh $(BUILD)/straggle $(FAIL_MALLOC) 1000
	tests/torture_disk.sh $(BUILD)/straggle $(FAIL_WRITE) all
	tests/torture_corrupt.sh $(BUILD)/straggle 500

# The sweeps of docs/comparison.md, its tables and its picture: minutes. With COMPARISON_SET='--set
# /replications=2' or the like, and another PAGE and PICTURE, in less.
COMPARISON_PAGE ?= docs/comparison.md
COMPARISON_PICTURE ?= docs/pictures/comparison.svg
comparison: setup-tests
	@$(MAKE) --no-print-directory all
	@mkdir -p $(BUILD)/comparison
	@for s in scenarios/comparison/*.json; do n=$$(basename $$s .json); rm -f $(BUILD)/comparison/$$n.db; \
	  echo "== $$n"; $(BUILD)/straggle run --quiet $$s -o $(BUILD)/comparison/$$n.db $(COMPARISON_SET) && \
	  $(BUILD)/straggle compare $(BUILD)/comparison/$$n.db --per-code --across step --json \
	    > $(BUILD)/comparison/$$n.json || exit 1; done
	python3 scenarios/comparison/page.py $(BUILD)/comparison $(COMPARISON_PAGE) $(COMPARISON_PICTURE)

# BENCH='--only events --rounds 3' or the like; '--markdown docs/performance.md' writes its tables.
bench: setup
	$(call install_packages,$(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory all $(addprefix $(BUILD)/tests/bench_,floor engine decode compress graph embed)
	python3 tests/bench.py --program $(BUILD)/straggle --peers "$(PEERS)" $(BENCH)

# Coverage-guided, each target for FUZZ_SECONDS, from the corpus in the tree; what is found is kept
# in build-fuzz/corpus, where the next time goes on, and inputs that fail in build-fuzz/found.
# Executions are counted over all times in build-fuzz/executions. Allocations are remembered without
# their stacks, and comparisons are not traced, which doubled the time for the same coverage. To see
# the stacks run a failing input without ASAN_OPTIONS.
FUZZERS = scenario trace files set run database
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
FUZZ_AIM = 10000000
fuzz: export ASAN_OPTIONS = quarantine_size_mb=4:malloc_context_size=0
fuzz: setup-tests
	$(call install_packages,clang)
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang CFLAGS="-O1 -g" FUZZ_LINK=-fsanitize=fuzzer \
	  SANITIZE="-DSG_LIBFUZZER -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	    -fno-sanitize-coverage=trace-cmp" \
	  $(FUZZERS:%=build-fuzz/tests/fuzz_%)
	@mkdir -p build-fuzz/found build-fuzz/executions
	@for t in $(FUZZERS); do mkdir -p build-fuzz/corpus/$$t; \
	  seeds=tests/corpus/$$t; [ $$t != scenario ] || seeds=tests/scenarios; \
	  build-fuzz/tests/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -fork=$(FUZZ_JOBS) -timeout=20 -max_len=4096 \
	    -rss_limit_mb=4096 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1 -artifact_prefix=build-fuzz/found/$$t- \
	    build-fuzz/corpus/$$t $$seeds >build-fuzz/$$t.log 2>&1; \
	  now=$$(sed -n 's/^#\([0-9]*\):.* cov: .*/\1/p' build-fuzz/$$t.log | tail -n 1); now=$${now:-0}; \
	  all=$$(( now + $$(cat build-fuzz/executions/$$t 2>/dev/null || echo 0) )); echo $$all >build-fuzz/executions/$$t; \
	  printf '%-8s %9d executions, %5d/s; in all %9d of %d; %d inputs in its corpus\n' $$t $$now $$(( now / $(FUZZ_SECONDS) )) \
	    $$all $(FUZZ_AIM) $$(ls build-fuzz/corpus/$$t | wc -l); \
	  [ $$now != 0 ] || { tail -n 5 build-fuzz/$$t.log; exit 1; }; done
	@ls build-fuzz/found; [ -z "$$(ls build-fuzz/found)" ]
	@echo "Nothing was found. To go on: make fuzz FUZZ_SECONDS=3600 FUZZ_JOBS=2; one target: FUZZERS=run"

# The same without guidance or clang: mutated scenarios, files and command lines, always the same.
FUZZ_ITERATIONS ?= 200000
fuzz-blind: setup-tests
	@$(MAKE) --no-print-directory BUILD=build-asan SANITIZE="$(ASAN)" build-asan/tests/fuzz_check $(FUZZERS:%=build-asan/tests/fuzz_%)
	build-asan/tests/fuzz_scenario $(FUZZ_ITERATIONS) scenarios/*.json tests/scenarios/*.json
	build-asan/tests/fuzz_check $(FUZZ_ITERATIONS)
	build-asan/tests/fuzz_trace $$(( $(FUZZ_ITERATIONS) / 100 )) scenarios/traces/*.csv
	build-asan/tests/fuzz_set $(FUZZ_ITERATIONS) tests/corpus/set/*
	build-asan/tests/fuzz_files $$(( $(FUZZ_ITERATIONS) / 10 )) tests/corpus/files/*
	build-asan/tests/fuzz_run $$(( $(FUZZ_ITERATIONS) / 10 ))
	build-asan/tests/fuzz_database $$(( $(FUZZ_ITERATIONS) / 100 ))

ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all
asan ubsan: setup-tests
	@$(MAKE) --no-print-directory BUILD=build-asan SANITIZE="$(ASAN)" CFLAGS="-O1 -g" check
tsan: setup-tests
	@$(MAKE) --no-print-directory BUILD=build-tsan SANITIZE="-fsanitize=thread" CFLAGS="-O1 -g" \
	  $(THREAD_TESTS:%=build-tsan/tests/%)
	@for t in $(THREAD_TESTS); do TSAN_OPTIONS=halt_on_error=1 build-tsan/tests/$$t || exit 1; done

# The pages, the table of laws and the schema that come from tables; the rest of the pages is kept.
docs: all $(BUILD)/tests/law_table
	$(BUILD)/straggle schema > scenarios/scenario.schema.json
	$(BUILD)/straggle man --format markdown > docs/commands.md
	@sed -i 's/^version: .*/version: $(VERSION)/' CITATION.cff
	@awk 'FNR == NR { if (/^Every/) end = 1; if (!end && /^\| `/) rows = rows $$0 "\n"; next } \
	  /^\| command \|/ { table = 1; print; next } table && /^\|---/ { print; printf "%s", rows; next } \
	  table && /^\|/ { next } { table = 0; print }' docs/commands.md README.md > $(BUILD)/page.md && mv $(BUILD)/page.md README.md
	@$(BUILD)/straggle papers --quiet --brief --format markdown > $(BUILD)/papers.md
	@for page in README.md docs/papers.md; do \
	  awk 'FNR == NR { if (/^\| / && !/^\| paper /) rows = rows $$0 "\n"; next } \
	    /^\| paper \|/ { table = 1; print; next } table && /^\|---/ { print; printf "%s", rows; next } \
	    table && /^\|/ { next } { table = 0; print }' $(BUILD)/papers.md $$page > $(BUILD)/page.md && \
	  mv $(BUILD)/page.md $$page || exit 1; done
	@sed '/^## /,$$d' docs/scenario.md > $(BUILD)/page.md
	@$(BUILD)/straggle schema --reference >> $(BUILD)/page.md && mv $(BUILD)/page.md docs/scenario.md
	@sed '/^## /,$$d' docs/schemes.md > $(BUILD)/page.md
	@$(BUILD)/straggle codes --format json | python3 -c 'import json, sys; \
	  [print(c["kind"], c["code"], sep="|") for c in json.load(sys.stdin)]' | while IFS='|' read -r kind c; do \
	  [ "$$kind" = "$$last" ] || printf '## %s\n\n' "$$(echo "$$kind" | sed 's/./\U&/')"; last=$$kind; \
	  $(BUILD)/straggle codes show $$c --format markdown | sed 's/^## /### /' && echo || exit 1; done >> $(BUILD)/page.md
	@mv $(BUILD)/page.md docs/schemes.md
	@sed '/^## All columns/,$$d' docs/database.md > $(BUILD)/page.md
	@rm -f $(BUILD)/columns.db && $(BUILD)/straggle run --quiet tests/scenarios/columns.json -o $(BUILD)/columns.db
	@(printf '## All columns\n\n`make docs` makes this from `results/columns.def` and `results/columns.c`.\n' && \
	  for t in $$(sqlite3 $(BUILD)/columns.db "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
	    AND name NOT IN ('v_axes', 'sqlite_sequence') ORDER BY type, rowid"); do \
	  printf '\n### %s\n\n' $$t && $(BUILD)/straggle query $(BUILD)/columns.db "SELECT c.name AS column, unit, meaning \
	    FROM pragma_table_info('$$t') c JOIN column_doc ON table_name = '$$t' AND column_name = c.name \
	    ORDER BY c.cid" --format markdown || exit 1; done) >> $(BUILD)/page.md
	@mv $(BUILD)/page.md docs/database.md
	@sed '/^## All codes/,$$d' docs/stability.md > $(BUILD)/page.md
	@(printf '## All codes\n\n`straggle codes check --all --format markdown`: 12 workers, length 960, seed 1.\n\n' && \
	  $(BUILD)/straggle codes check --all --format markdown) >> $(BUILD)/page.md
	@mv $(BUILD)/page.md docs/stability.md
	@sed '/^| law |/,$$d' docs/delays.md > $(BUILD)/page.md
	@$(BUILD)/tests/law_table >> $(BUILD)/page.md
	@sed '1,/^| law |/d' docs/delays.md | sed '1,/^$$/{/^|/d}' >> $(BUILD)/page.md
	@mv $(BUILD)/page.md docs/delays.md

tidy:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	clang-tidy --quiet $(SRC) -- $(STD) $(CPPFLAGS) -I$(BUILD)/results -I$(BUILD)/sim/cli -DSG_VERSION='""' -DSG_REVISION='""'

SHARE = $(DESTDIR)$(PREFIX)/share
PAGES = README.md CONTRIBUTING.md SECURITY.md LICENSE CITATION.cff
install: all
	install -D -m 755 $(BUILD)/straggle "$(DESTDIR)$(PREFIX)/bin/straggle"
	@rm -rf $(BUILD)/man && mkdir -p $(BUILD)/man
	@$(BUILD)/straggle man -o $(BUILD)/man
	@$(BUILD)/straggle completion bash > $(BUILD)/straggle.bash
	@$(BUILD)/straggle completion zsh > $(BUILD)/_straggle
	install -D -m 644 -t "$(SHARE)/man/man1" $(BUILD)/man/*.1
	install -D -m 644 $(BUILD)/straggle.bash "$(SHARE)/bash-completion/completions/straggle"
	install -D -m 644 $(BUILD)/_straggle "$(SHARE)/zsh/site-functions/_straggle"
	install -D -m 644 -t "$(SHARE)/doc/straggle" $(PAGES)
	install -D -m 644 -t "$(SHARE)/doc/straggle/docs" $(wildcard docs/*.md)
	install -D -m 644 -t "$(SHARE)/straggle/scenarios" scenarios/*.json
	install -D -m 644 -t "$(SHARE)/straggle/scenarios/clusters" scenarios/clusters/*.json
	install -D -m 644 -t "$(SHARE)/straggle/scenarios/papers" scenarios/papers/*.json
	install -D -m 644 -t "$(SHARE)/straggle/scenarios/comparison" scenarios/comparison/*.json
	install -D -m 755 -t "$(SHARE)/straggle/scenarios/jobs" scenarios/jobs/*
	install -D -m 644 -t "$(SHARE)/straggle/scenarios/data" scenarios/data/*
	install -D -m 644 -t "$(SHARE)/straggle/scenarios/traces" scenarios/traces/*.csv
	install -D -m 755 -t "$(SHARE)/straggle/scenarios/traces/convert" scenarios/traces/convert/*

# What `install` has put there, and no more: results of the user's in these folders stay.
uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/straggle" "$(SHARE)/man/man1/straggle.1" "$(SHARE)/man/man1"/straggle-*.1 \
	  "$(SHARE)/bash-completion/completions/straggle" "$(SHARE)/zsh/site-functions/_straggle"
	rm -rf "$(SHARE)/doc/straggle"
	@for f in scenarios/*.json scenarios/clusters/*.json scenarios/papers/*.json scenarios/comparison/*.json scenarios/jobs/* scenarios/data/* scenarios/traces/*.csv \
	  scenarios/traces/convert/*; do rm -f "$(SHARE)/straggle/$$f"; done
	@find "$(SHARE)/straggle" -depth -type d -empty -delete 2>/dev/null || true

clean:
	rm -rf build build-*

-include $(OBJ:.o=.d) $(BUILD)/sim/cli/main.d $(wildcard $(BUILD)/tests/*.d $(BUILD)/tests/*/*.d)
.PHONY: all setup setup-tests run test check cookbook comparison validate browser torture bench fuzz fuzz-blind asan ubsan tsan docs tidy install uninstall clean FORCE
.SECONDARY:
