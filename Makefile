# straggle: see README.md. `make run` and `make test` do all set-up.
PROGRAM = straggle
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= gcc
PKGS    = gsl openblas lapacke sqlite3 libcjson libmd
PKG_CONFIG ?= pkg-config

CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wundef -Wvla $(if $(WERROR),-Werror)
VERSION = 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$(shell git diff --quiet HEAD 2>/dev/null || echo +)

# GSL without -lgslcblas: OpenBLAS gives the cblas_ symbols.
CPPFLAGS += -I. -D_GNU_SOURCE $(filter-out -D_GNU_SOURCE,$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)))
LDLIBS   = -lgsl $(shell $(PKG_CONFIG) --libs openblas lapacke sqlite3 libcjson libmd 2>/dev/null) -lm -lpthread
STD      = -std=gnu17 -fno-math-errno -ffp-contract=off
COMPILE  = $(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANITIZE) -MMD -MP

SRC  := $(filter-out sim/cli/main.c,$(wildcard sim/*.c sim/*/*.c codes/*.c codes/*/*.c models/*/*.c results/*.c))
OBJ  := $(SRC:%.c=$(BUILD)/%.o)
LIB   = $(BUILD)/libstraggle.a
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

all: $(BUILD)/$(PROGRAM)

$(LIB): $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)

$(BUILD)/$(PROGRAM): $(BUILD)/sim/cli/main.o $(LIB)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c | setup
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# The schema is compiled in.
$(BUILD)/results/schema.inc: results/schema.sql
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@
$(BUILD)/results/database.o: $(BUILD)/results/schema.inc
$(BUILD)/results/database.o: CPPFLAGS += -I$(BUILD)/results

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(HELPERS) $(LIB)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LDLIBS) $(shell $(PKG_CONFIG) --libs cmocka)

setup:
clean:
	rm -rf build build-*

-include $(OBJ:.o=.d) $(BUILD)/sim/cli/main.d $(TESTS:=.d) $(HELPERS:.o=.d)
.PHONY: all setup clean
.SECONDARY:
