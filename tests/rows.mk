# SPDX-License-Identifier: GPL-2.0
# What the VM tests of unwind rows need beside tests/vm.mk: a deep recursion
# without frame pointers, a program of many rows, and one that hands rows over.

$(BUILD)/workloads/deep-rows: tests/workloads/deep.c tests/workloads/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(WORK_CFLAGS) -fomit-frame-pointer -momit-leaf-frame-pointer -o $@ $< -lpthread

$(BUILD)/workloads/many: tests/workloads/many.c tests/workloads/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(WORK_CFLAGS) -fomit-frame-pointer -momit-leaf-frame-pointer -o $@ $<

$(BUILD)/workloads/rowtool: tests/vm/rowtool.c $(BUILD)/libringprof.a
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LIBS)

vm-programs: $(BUILD)/workloads/deep-rows $(BUILD)/workloads/many $(BUILD)/workloads/rowtool
