# SPDX-License-Identifier: GPL-2.0
# The corpus: programs without frame pointers whose stacks must reach a root.
#
#   make corpus           builds build/corpus/SET/PROGRAM
#   make check-corpus     what takes longer or more packages than make check has
#                         (scripts/need corpus): Rust, Go, distribution programs,
#                         by the perf source here and by the module in a VM (KERNEL=6.1)
#   make corpus-programs  builds what those need, build/corpus/programs
#
# make check has the C and C++ ones, by tests/e2e/corpus.sh. A set is a compiler
# and a level: gcc-O2. static and static-pie are linked so, by gcc -O2; bare has
# no unwind information.

CORPUS := $(BUILD)/corpus
CORPUS_ALL := plain frames tail signals altstack threads coroutines switcher libc load plt throw objects spawn
CORPUS_SOME := plain frames signals tail throw objects
CORPUS_BARE := plain frames tail threads altstack
CORPUS_SETS := gcc-O2 gcc-O0 gcc-O3 clang-O2
CORPUS_PROGRAMS := $(CORPUS_ALL:%=gcc-O2/%) $(CORPUS_ALL:%=clang-O2/%) \
	$(CORPUS_SOME:%=gcc-O0/%) $(CORPUS_SOME:%=gcc-O3/%) \
	static/plain static/threads static/throw static-pie/signals static-pie/throw \
	$(CORPUS_BARE:%=bare/%)

CORPUS_WARN := -Wall -Wextra -Wshadow -Wno-unused-parameter
CORPUS_FLAGS := -D_GNU_SOURCE -fomit-frame-pointer $(CORPUS_WARN)
CORPUS_C := -std=gnu11 -Wstrict-prototypes -Wmissing-prototypes $(CORPUS_FLAGS)
CORPUS_CXX := -std=gnu++17 $(CORPUS_FLAGS)
CORPUS_LIBS := libwork.so libload0.so libload1.so

corpus: $(CORPUS_PROGRAMS:%=$(CORPUS)/%)
# of a plain name: its compiler and level are those of the folder
corpus_cc = $(firstword $(subst -, ,$(notdir $(@D))))
corpus_opt = -$(lastword $(subst -, ,$(notdir $(@D))))
corpus_cxx = $(patsubst clang,clang++,$(patsubst gcc,g++,$(corpus_cc)))

define corpus_set
$(CORPUS)/$(1)/%: tests/corpus/%.c tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $$(@D)
	$$(Q)$$(corpus_cc) $$(CORPUS_C) $$(corpus_opt) -o $$@ $$< -lpthread -ldl
$(CORPUS)/$(1)/%: tests/corpus/%.cc tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $$(@D)
	$$(Q)$$(corpus_cxx) $$(CORPUS_CXX) $$(corpus_opt) -o $$@ $$< -lpthread
$(CORPUS)/$(1)/lib%.so: tests/corpus/libwork.c tests/corpus/libwork.h tests/corpus/corpus.h
	@mkdir -p $$(@D)
	$$(Q)$$(corpus_cc) $$(CORPUS_C) $$(corpus_opt) -DVARIANT_$$* -fPIC -shared -Wl,-z,lazy -o $$@ $$<
$(CORPUS)/$(1)/plt: tests/corpus/plt.c $(CORPUS)/$(1)/libwork.so
	$$(Q)$$(corpus_cc) $$(CORPUS_C) $$(corpus_opt) -Wl,-z,lazy -Wl,-rpath,'$$$$ORIGIN' -o $$@ $$^
$(CORPUS)/$(1)/altstack: tests/corpus/signals.c
$(CORPUS)/$(1)/load: $(CORPUS)/$(1)/libload0.so $(CORPUS)/$(1)/libload1.so
endef
$(foreach s,$(CORPUS_SETS),$(eval $(call corpus_set,$(s))))

define corpus_static
$(CORPUS)/$(1)/%: tests/corpus/%.c tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $$(@D)
	$$(Q)gcc $$(CORPUS_C) -O2 -$(1) -o $$@ $$< -lpthread
$(CORPUS)/$(1)/%: tests/corpus/%.cc tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $$(@D)
	$$(Q)g++ $$(CORPUS_CXX) -O2 -$(1) -o $$@ $$< -lpthread
endef
$(eval $(call corpus_static,static))
$(eval $(call corpus_static,static-pie))

$(CORPUS)/bare/%: tests/corpus/%.c tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $(@D)
	$(Q)gcc $(CORPUS_C) -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables -o $@ $< -lpthread -ldl

# tests/e2e/forkstorm.sh: two storms, so that each exe belongs to one of them
$(CORPUS)/storm/storm-%: tests/corpus/storm.c tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $(@D)
	$(Q)gcc $(CORPUS_C) -O2 -o $@ $<
$(CORPUS)/storm/child-%: tests/corpus/storm.c tests/corpus/corpus.h tests/workloads/work.h
	@mkdir -p $(@D)
	$(Q)gcc $(CORPUS_C) -O2 -DSTORM_CHILD -o $@ $<
corpus: $(addprefix $(CORPUS)/storm/,storm-0 storm-1 child-0 child-1)

check-e2e: corpus

# Of other compilers; and the database of pgbench, ready made: all this is no
# work for an emulated CPU
PACKAGED := tests/corpus/packaged
PROGRAMS := $(CORPUS)/programs
corpus-programs: $(addprefix $(PROGRAMS)/,rust-abort rust-unwind rust-bare rust-bare-stripped go go-stripped \
	Work.class java-fp database.tar)

# bare: no unwind information at all in its own code
$(PROGRAMS)/rust-abort: RUST_FLAGS := -C panic=abort
$(PROGRAMS)/rust-unwind: RUST_FLAGS := -C panic=unwind
$(PROGRAMS)/rust-bare $(PROGRAMS)/rust-bare-stripped: RUST_FLAGS := -C panic=abort -C force-unwind-tables=no
$(PROGRAMS)/rust-bare-stripped: RUST_FLAGS += -C strip=symbols
$(PROGRAMS)/rust-%: $(PACKAGED)/rust.rs
	@mkdir -p $(@D)
	$(Q)rustc -O $(RUST_FLAGS) -o $@ $<

$(PROGRAMS)/go-stripped: GO_FLAGS := -ldflags='-s -w'
$(PROGRAMS)/go $(PROGRAMS)/go-stripped: $(PACKAGED)/goprog.go
	@mkdir -p $(@D)
	$(Q)GO111MODULE=off GOFLAGS= go build $(GO_FLAGS) -o $@ $<

$(PROGRAMS)/Work.class: $(PACKAGED)/Work.java
	$(Q)javac -d $(@D) $<
# one exe: the name of the process tells the two apart
$(PROGRAMS)/java-fp:
	@mkdir -p $(@D)
	$(Q)ln -sf "$$(readlink -f "$$(command -v java)")" $@
$(PROGRAMS)/database.tar: $(PACKAGED)/pgbench
	@mkdir -p $(@D)
	$(Q)$< make $@

# by the module beside the perf source and perf: the same programs in the same order
check-corpus:
	$(Q)scripts/need corpus
	$(Q)$(MAKE) --no-print-directory daemon corpus-programs $(WORK)/ringtool
	$(Q)$(MAKE) --no-print-directory check-lines
	$(Q)st=0; tests/run -t 1800 $(if $(RESULTS),-o $(RESULTS)) tests/corpus/packaged.sh \
		tests/vm/on,$(KERNEL),packaged || st=1; \
	cut -d'|' -f2- $(CORPUS)/packaged/table.txt | \
		paste -d' |' $(BUILD)/vm-$(KERNEL)/packaged/table.txt /dev/null - || st=1; exit $$st

.PHONY: corpus corpus-programs check-corpus
