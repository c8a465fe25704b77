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

# libraries that differ in nothing but their stack
$(BUILD)/workloads/swap-%.so: tests/workloads/swap_lib.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -DROOM=$* -fomit-frame-pointer -fPIC -shared -nostdlib -o $@ $<

$(BUILD)/workloads/swap: tests/workloads/swap.c tests/workloads/work.h $(BUILD)/workloads/swap-64.so \
		$(BUILD)/workloads/swap-640.so
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(WORK_CFLAGS) -o $@ $< -lpthread -ldl

$(BUILD)/workloads/rowtool: tests/vm/rowtool.c $(BUILD)/libringprof.a
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LIBS)

vm-programs: $(addprefix $(BUILD)/workloads/,deep-rows many swap rowtool)
