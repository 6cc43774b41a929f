# Hive. `make help` lists the targets. Everything that is built goes to build/ (or build/VARIANT/).

VARIANT ?=
BUILD   := build$(if $(VARIANT),/$(VARIANT))
BIN     := $(BUILD)/bin
OBJ     := $(BUILD)/obj

CC      ?= cc
PYTHON  ?= $(firstword $(foreach p,python3 /usr/bin/python3,$(if $(shell $(p) -c 'import pytest' 2>/dev/null && echo y),$(p))) python3)
PREFIX  ?= /usr/local

PACKAGES := libmicrohttpd libcurl libcjson libmd
SCREEN   := ncursesw
UNIT     := cmocka

# Sanitizer builds: `make test-asan`, `make test-tsan`, or VARIANT=asan with any target.
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZE_tsan := -fsanitize=thread
SANITIZE      := $(SANITIZE_$(VARIANT))

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wwrite-strings
ifdef CI
WARNINGS += -Werror
endif
OPTIMIZE ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -Iinclude -include include/hive/banned.h
CFLAGS   += -std=c17 $(OPTIMIZE) -fno-omit-frame-pointer $(WARNINGS) $(SANITIZE) -pthread
LDFLAGS  += $(SANITIZE) -pthread

flags = $(shell pkg-config --$(1) $(2) 2>/dev/null)

# The rooms. A folder's own flags say what it may see: hivetop and the launcher see include/ alone.
LIB_SOURCES      := $(wildcard hive/base/*.c hive/client/*.c hive/server/*.c hive/history/*.c)
CORE_SOURCES     := $(wildcard hive/raft/*.c hive/machine/*.c hive/store/*.c hive/faults/*.c hive/queen/*.c hive/drone/*.c hive/http/*.c hive/cli/*.c)
HIVETOP_SOURCES  := $(wildcard hivetop/*.c)
LAUNCHER_SOURCES := $(wildcard launcher/*.c)
UNIT_SOURCES     := $(wildcard tests/unit/*.c)
TESTLIB_SOURCES  := $(wildcard tests/lib/*.c)
BENCH_SOURCES    := $(wildcard tests/bench/*.c)
SIM_SOURCES      := $(wildcard tests/sim/*.c)

objects = $(patsubst %.c,$(OBJ)/%.o,$(1))

LIBHIVE   := $(BUILD)/lib/libhive.a
COREHIVE  := $(BUILD)/lib/core.a
TESTLIB   := $(BUILD)/lib/testlib.a
TOPLIB    := $(BUILD)/lib/hivetop.a
LAUNCHLIB := $(BUILD)/lib/launcher.a
SIMLIB    := $(BUILD)/lib/sim.a
SIM      := $(BUILD)/sim/simulator
PROGRAMS := $(BIN)/hive $(BIN)/hivetop $(BIN)/launcher
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
BENCHES  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SOURCES))

LIBS        = $(call flags,libs,$(PACKAGES)) -lm
SCREEN_LIBS = $(call flags,libs,$(SCREEN))
UNIT_LIBS   = $(call flags,libs,$(UNIT))

.DEFAULT_GOAL := all
.PHONY: all programs units benches help run test test-asan test-tsan check sim mutants bench lint format docs install uninstall \
        deps test-deps clean
.DELETE_ON_ERROR:
.SECONDARY:

all: deps ## Install what the build needs (if missing) and build the programs
	@$(MAKE) --no-print-directory programs docs

programs: $(PROGRAMS)
units: $(UNITS)
benches: $(BENCHES)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: all ## Build, launch 5 queens and 3 drones, and open hivetop on them
	@$(BIN)/launcher --queens 5 --drones 3 --top

# ---- compiling ----

$(OBJ)/hive/%.o: CPPFLAGS += -Ihive
$(OBJ)/tests/%.o: CPPFLAGS += -Ihive -Itests -I.
$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(call flags,cflags,$(PACKAGES)) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIBHIVE): $(call objects,$(LIB_SOURCES))
$(COREHIVE): $(call objects,$(CORE_SOURCES))
$(TESTLIB): $(call objects,$(TESTLIB_SOURCES))
$(TOPLIB): $(call objects,$(filter-out %/main.c,$(HIVETOP_SOURCES)))
$(LAUNCHLIB): $(call objects,$(filter-out %/main.c,$(LAUNCHER_SOURCES)))
$(SIMLIB): $(call objects,$(filter-out %/main.c,$(SIM_SOURCES)))
$(LIBHIVE) $(COREHIVE) $(TESTLIB) $(TOPLIB) $(LAUNCHLIB) $(SIMLIB):
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(BIN)/hive: $(OBJ)/hive/main.o $(COREHIVE) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BIN)/hivetop: $(call objects,$(HIVETOP_SOURCES)) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(SCREEN_LIBS) $(LIBS)

$(BIN)/launcher: $(call objects,$(LAUNCHER_SOURCES)) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# The simulator has of a queen what is pure, and nothing else.
SIM_TESTED := $(wildcard hive/raft/*.c hive/machine/*.c hive/store/*.c hive/queen/replica*.c) hive/queen/pending.c hive/queen/message.c hive/queen/digests.c

$(BUILD)/unit/sim_%: $(OBJ)/tests/unit/sim_%.o $(SIMLIB) $(call objects,$(SIM_TESTED)) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS) $(LIBS)

# Programs are tested apart: each may call its files and functions as it likes.
$(BUILD)/unit/hivetop_%: $(OBJ)/tests/unit/hivetop_%.o $(TESTLIB) $(TOPLIB) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS) $(SCREEN_LIBS) $(LIBS)

$(BUILD)/unit/launcher_%: $(OBJ)/tests/unit/launcher_%.o $(TESTLIB) $(LAUNCHLIB) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS) $(LIBS)

$(BUILD)/unit/%: $(OBJ)/tests/unit/%.o $(TESTLIB) $(COREHIVE) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS) $(LIBS)

$(SIM): $(OBJ)/tests/sim/main.o $(SIMLIB) $(call objects,$(SIM_TESTED)) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/bench/%: $(OBJ)/tests/bench/%.o $(COREHIVE) $(LIBHIVE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- testing ----

test: test-deps ## Install what the tests need (if missing), build, and run every test
	@$(MAKE) --no-print-directory check

check: programs units docs $(SIM)
	@$(PYTHON) tests/run --build $(BUILD)

test-asan: test-deps ## The tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory check VARIANT=asan

test-tsan: test-deps ## The tests under ThreadSanitizer
	@$(MAKE) --no-print-directory check VARIANT=tsan

RUNS ?= 1000
sim: $(SIM) ## Simulate whole clusters: RUNS=10000 runs, or one with its trace: SEED=42 [SIM_OPTIONS=…]
	@$(SIM) $(if $(SEED),--seed $(SEED) --trace -,--runs $(RUNS)) $(SIM_OPTIONS)

mutants: test-deps ## Seed a bug at a time into the core, and show which test finds it
	@$(PYTHON) tests/mutants/run

bench: test-deps ## Writes per second and latency, beside etcd's where it is installed
	@$(MAKE) --no-print-directory programs benches
	@$(PYTHON) tests/bench/run --build $(BUILD)

lint: ## Layout, and the static checkers
	@share/lint

format: ## Lay the code out (clang-format)
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# ---- documents made from the programs' own tables ----

DOCS := $(foreach p,hive hivetop launcher,$(BUILD)/share/man/man1/$(p).1 \
        $(BUILD)/share/bash-completion/completions/$(p) $(BUILD)/share/zsh/site-functions/_$(p) \
        $(BUILD)/share/fish/vendor_completions.d/$(p).fish)
docs: $(DOCS)

generate = @mkdir -p $(@D) && $< $(1) > $@
$(BUILD)/share/man/man1/%.1: $(BIN)/%
	$(call generate,--generate-man)
$(BUILD)/share/bash-completion/completions/%: $(BIN)/%
	$(call generate,--generate-completion=bash)
$(BUILD)/share/zsh/site-functions/_%: $(BIN)/%
	$(call generate,--generate-completion=zsh)
$(BUILD)/share/fish/vendor_completions.d/%.fish: $(BIN)/%
	$(call generate,--generate-completion=fish)

install: all ## Install programs, man pages, completions and lessons under PREFIX (default /usr/local; DESTDIR is honoured)
	@install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	@cd $(BUILD) && find share -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/{} \;
	@install -d $(DESTDIR)$(PREFIX)/share/hive/lessons
	install -m 644 share/lessons/* $(DESTDIR)$(PREFIX)/share/hive/lessons

uninstall: ## Remove what install put there
	@for p in hive hivetop launcher; do rm -f $(DESTDIR)$(PREFIX)/bin/$$p $(DESTDIR)$(PREFIX)/share/man/man1/$$p.1 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$p \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$p.fish; done
	@rm -rf $(DESTDIR)$(PREFIX)/share/hive

deps:
	@share/install-dependencies build

test-deps:
	@share/install-dependencies build test

clean: ## Remove everything that was built
	rm -rf build
