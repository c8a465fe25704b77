# SPDX-License-Identifier: GPL-2.0
# The module in virtual machines, and the programs that are profiled there.
#
#   make check-vm [KERNEL=6.1]   all VM tests on one kernel
#   make check-matrix            on every kernel of tests/vm/matrix, last a line of each with its figures
#   make check-tree TREE= KERNEL_SRC=  on one of its source trees
#   make check-abuse             part abuse in full size: a million messages, of calls too
#   make check-soak [SOAK=20]    module and daemon under abuse for so many minutes

KERNEL ?= 6.1
VM_TIMEOUT ?= 1500
SOAK ?= 20
ABUSE_TIMEOUT ?= 7200
MATRIX_KERNELS ?= $(shell sed -n 's/^debian //p' tests/vm/matrix)
MATRIX_TIMEOUT ?= 3600
WORK := $(BUILD)/workloads
WORKLOADS := $(addprefix $(WORK)/,shares deep deep-start steady halfidle kernelheavy forkstorm mixed mapper sleepers)

# Fixed addresses and frame pointers everywhere: raw stacks are checked with nm
WORK_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer \
	-fno-optimize-sibling-calls -fno-pie -no-pie -Wall -Wextra -Wshadow -Wstrict-prototypes

workloads: $(WORKLOADS)

$(WORK)/%: tests/workloads/%.c tests/workloads/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(WORK_CFLAGS) -o $@ $< -lpthread

$(WORK)/deep-start: tests/workloads/deep.c tests/workloads/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(WORK_CFLAGS) -DOWN_START -nostartfiles -o $@ $< -lpthread

$(WORK)/mixed: tests/workloads/mixed
	@mkdir -p $(@D)
	$(Q)install -m755 $< $@

RINGTOOL := $(addprefix tests/vm/,ringtool.c ringtool_events.c ringtool_options.c ringtool_report.c ringtool_table.c ringread.c)
$(WORK)/ringtool: $(RINGTOOL) $(wildcard tests/vm/*.h) $(BUILD)/libringprof.a
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/vm -o $@ $(filter %.c %.a,$^) $(ALL_LIBS)

ABUSE := $(addprefix tests/vm/abuse/,abuse.c alloc.c device.c netlink.c stacks.c)
# the stack pointer alone tells of its frames
$(WORK)/abuse-rows: ABUSE_FRAMES := -fomit-frame-pointer
$(WORK)/abuse: ABUSE_FRAMES := -fno-omit-frame-pointer
$(WORK)/abuse $(WORK)/abuse-rows: $(ABUSE) tests/vm/abuse/abuse.h $(BUILD)/libringprof.a
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ABUSE_FRAMES) -Itests/vm/abuse -o $@ $(filter %.c %.a,$^) $(ALL_LIBS) -lpthread

# go tool pprof, ready made: compiling it is no work for an emulated CPU
$(WORK)/pprof:
	@mkdir -p $(@D)
	$(Q)cd / && go build -o $(CURDIR)/$@ cmd/pprof

vm-programs: workloads $(WORK)/ringtool $(WORK)/abuse $(WORK)/abuse-rows $(WORK)/pprof daemon corpus

# tests/run shows what failed; the figures are lines of their own. KERNELS [PROGRAM,ARG...]: run before
vm_on = $(Q)st=0; VM_TIMEOUT=$(VM_TIMEOUT) tests/run -t $$(($(VM_TIMEOUT) + 600)) \
	$(if $(RESULTS),-o $(RESULTS)) $(2) $(1:%=tests/vm/on$(comma)%) || st=1; \
	for k in $(1); do sed -n "s/^\# figure:/$$k:/p" build/vm-$$k.tap; done; (exit $$st)
comma := ,

check-vm: vm-clock vm-icount

vm-clock: vm-programs
	$(call vm_on,$(KERNEL),tests/vm/rig$(comma)$(KERNEL))

# its clock counts instructions: whatever else runs on the host leaves it alone
vm-icount: vm-programs
	$(call vm_on,$(KERNEL)+icount)

# what each way took and gave is printed; sizes in the environment win
check-abuse: vm-programs
	$(Q)export RINGPROF_ABUSE_MESSAGES=$${RINGPROF_ABUSE_MESSAGES:-1000000} \
		RINGPROF_ABUSE_ROUNDS=$${RINGPROF_ABUSE_ROUNDS:-1000000} \
		RINGPROF_ABUSE_SECONDS=$${RINGPROF_ABUSE_SECONDS:-60} VM_TIMEOUT=$(ABUSE_TIMEOUT); \
		tests/run -t $$(($(ABUSE_TIMEOUT) + 300)) $(if $(RESULTS),-o $(RESULTS)) tests/vm/on,$(KERNEL),abuse; st=$$?; \
		sed -n 's/^# figure:/$(KERNEL):/p' build/vm-$(KERNEL).tap; exit $$st

check-soak: vm-programs
	$(Q)RINGPROF_SOAK=$(SOAK) VM_TIMEOUT=$$(($(SOAK) * 60 + 900)) \
		tests/run -t $$(($(SOAK) * 60 + 1200)) $(if $(RESULTS),-o $(RESULTS)) tests/vm/on,$(KERNEL),soak
	$(Q)sed -n 's/^# figure:/$(KERNEL):/p' build/vm-$(KERNEL).tap

check-matrix: export RINGPROF_STRICT = 1
check-matrix: VM_TIMEOUT = $(MATRIX_TIMEOUT)
check-matrix: vm-programs
	$(call vm_on,$(MATRIX_KERNELS)) || st=1; tests/vm/summary $(MATRIX_KERNELS) || st=1; exit $$st

# its compiler and its configuration are those of tests/vm/matrix
tree_row = $(shell sed -n 's/^tree $(TREE) //p' tests/vm/matrix)
check-tree: vm-programs
	$(Q)[ -n "$(tree_row)" ] || { echo "TREE= one of:" $$(awk '$$1 == "tree" { print $$2 }' tests/vm/matrix) >&2; exit 2; }
	$(Q)[ -e "$(KERNEL_SRC)/Kbuild" ] || { echo "KERNEL_SRC= the source tree of $(TREE)" >&2; exit 2; }
	$(Q)export KERNEL_SRC="$(KERNEL_SRC)" KERNEL_CFLAGS='-w -Wno-error' KERNEL_SUITE=$(word 1,$(tree_row)) \
		KERNEL_CONFIG=$(patsubst %,tests/vm/%,$(filter-out -,$(word 2,$(tree_row)))) VM_TIMEOUT=$(MATRIX_TIMEOUT); \
		tests/run -t $$(($(MATRIX_TIMEOUT) + 3600)) $(if $(RESULTS),-o $(RESULTS)) \
		tests/vm/on,$(TREE)$(if $(strip $(TREE_PARTS)),$(comma)$(subst $(space),$(comma),$(strip $(TREE_PARTS)))); \
		st=$$?; tests/vm/summary $(TREE); exit $$st

.PHONY: workloads vm-programs check-vm vm-clock vm-icount check-abuse check-soak check-matrix check-tree
