# SPDX-License-Identifier: GPL-2.0
# make check-unit: every tests/unit/test_*.c is a TAP program, linked with the
# library, built with ASan and UBSan. tests/unit/tsan_*.c get TSan instead.

UNIT_SRCS := $(wildcard tests/unit/test_*.c)
TSAN_SRCS := $(wildcard tests/unit/tsan_*.c)
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
RESULTS ?=

check-unit: daemon
	$(Q)$(MAKE) $(JOBS) --no-print-directory BUILD=build/asan SANITIZE='$(ASAN)' OPT='-O1 -g -fno-omit-frame-pointer' unit-programs
	$(Q)$(MAKE) $(JOBS) --no-print-directory BUILD=build/tsan SANITIZE='-fsanitize=thread' OPT='-O1 -g' tsan-programs
	$(Q)tests/run -j $$(nproc) $(if $(RESULTS),-o $(RESULTS)) $(wildcard tests/unit/test_*.sh) \
		$(UNIT_SRCS:%.c=build/asan/%) $(TSAN_SRCS:%.c=build/tsan/%)

unit-programs: $(UNIT_SRCS:%.c=$(BUILD)/%)
tsan-programs: $(TSAN_SRCS:%.c=$(BUILD)/%)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libringprof.a
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS)

$(BUILD)/tests/%.o: tests/%.c | $(BUILD)/gen/profile.pb-c.h $(BUILD)/gen/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/lib -I. -MMD -MP -c -o $@ $<

.PHONY: check-unit unit-programs tsan-programs
.SECONDARY:
-include $(wildcard $(BUILD)/tests/*/*.d)
