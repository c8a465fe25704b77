# SPDX-License-Identifier: GPL-2.0
# Fuzzing: every tests/fuzz/fuzz_NAME.c has LLVMFuzzerTestOneInput; what it
# must never stumble over again stands in tests/fuzz/corpus/NAME/, one input a
# file. `make check-unit` runs those files (tests/unit/test_fuzz_corpus.sh),
# `make fuzz` looks for new ones: FUZZ_SECONDS= each, FUZZ= which.

FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ ?= $(FUZZ_SRCS:tests/fuzz/fuzz_%.c=%)
FUZZ_SECONDS ?= 60
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined

fuzz:
	$(Q)command -v clang >/dev/null || { echo "libFuzzer comes with clang: not found" >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang OPT='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=fuzzer-no-link $(FUZZ_SAN)' fuzz-targets
	$(Q)tests/fuzz/run build/fuzz/tests/fuzz $(FUZZ_SECONDS) $(FUZZ)

fuzz-targets: $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%)
fuzz-replays: $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libringprof.a
	$(Q)$(CC) -fsanitize=fuzzer -o $@ $^ $(ALL_LIBS)

# the same target over given files, with any compiler
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/replay.o $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libringprof.a
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

.PHONY: fuzz fuzz-targets fuzz-replays
-include $(wildcard $(BUILD)/tests/fuzz/*.d)
