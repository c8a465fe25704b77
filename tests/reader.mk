# SPDX-License-Identifier: GPL-2.0
# The daemon whose readers die of a file that says so (tests/e2e/crash.h).

CRASH_DAEMON := build/tests/ringprofd-crash

$(CRASH_DAEMON): daemon/reading.c tests/e2e/crash.h $(DAEMON_OBJS) $(BUILD)/libringprof.a
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(ALL_CFLAGS) -I. -DREADER_TEST_CRASH -o $@ $< \
		$(filter-out $(BUILD)/daemon/reading.o,$(DAEMON_OBJS)) $(BUILD)/libringprof.a $(ALL_LIBS)
