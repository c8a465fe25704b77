# SPDX-License-Identifier: GPL-2.0
# ringprof: `make help` lists what can be asked for.

PREFIX    ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(if $(filter /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc))
UNITDIR   ?= $(PREFIX)/lib/systemd/system
UDEVDIR   ?= $(PREFIX)/lib/udev/rules.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
KERNELDIR ?= /lib/modules/$(shell uname -r)/build
CC        ?= gcc
VERSION   := 0.1.0
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)

# for builds that a target asks for in one go; who says -j himself has his way
JOBS      = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# Objects of one compiler and one set of sanitizers stand in one folder.
BUILD     ?= build
SANITIZE  ?=
PKGS      := libmicrohttpd gnutls libnl-3.0 libnl-genl-3.0 libprotobuf-c inih jansson libcurl \
             libxxhash libpcre2-8 libcap-ng zlib liblzma libelf libdw libzstd sqlite3 libseccomp

WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
DEFS      := -D_GNU_SOURCE -DRINGPROF_VERSION='"$(VERSION)"' \
             -DRINGPROF_SYSCONFDIR='"$(SYSCONFDIR)"' -DRINGPROF_DATADIR='"$(PREFIX)/share/ringprof"'
OPT       ?= -O2 -g -fno-omit-frame-pointer
HARDEN    := $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(DEFS) $(SANITIZE) \
             -Idaemon -Iinclude -Iinclude/uapi -I$(BUILD)/gen $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   = $(SANITIZE) -pie -Wl,-z,relro,-z,now $(PKG_LIBS) -liberty -lpthread -ldl -lm $(LDFLAGS)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null)

STAGES    := base source proc unwind sym agg store query export http ui
LIB_SRCS  := $(wildcard $(STAGES:%=daemon/%/*.c)) $(wildcard daemon/cli/lib/*.c)
LIB_OBJS  := $(LIB_SRCS:%.c=$(BUILD)/%.o) $(BUILD)/gen/profile.pb-c.o $(BUILD)/gen/ui_assets.o
DAEMON_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard daemon/*.c))
CLI_OBJS  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard daemon/cli/*.c))
UI_FILES  := $(sort $(filter-out %.c %.h %.md,$(wildcard daemon/ui/*)))

all: daemon kmod

daemon: $(BUILD)/ringprofd $(BUILD)/ringprof

$(BUILD)/libringprof.a: $(LIB_OBJS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/ringprofd: $(DAEMON_OBJS) $(BUILD)/libringprof.a
	@echo "  LINK    $@"
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

$(BUILD)/ringprof: $(CLI_OBJS) $(BUILD)/libringprof.a
	@echo "  LINK    $@"
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

$(BUILD)/%.o: %.c | $(BUILD)/gen/profile.pb-c.h $(BUILD)/gen/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# generated code is not ours to warn about
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(Q)$(CC) $(ALL_CFLAGS) -w -c -o $@ $<

$(BUILD)/gen/profile.pb-c.c $(BUILD)/gen/profile.pb-c.h &: daemon/export/profile.proto
	@mkdir -p $(BUILD)/gen
	$(Q)protoc-c --c_out=$(BUILD)/gen -Idaemon/export $<

$(BUILD)/gen/ui_assets.c: $(UI_FILES) scripts/embed
	@mkdir -p $(BUILD)/gen
	$(Q)scripts/embed $(UI_FILES) > $@.tmp && mv $@.tmp $@

# a changed command line rebuilds everything
$(BUILD)/gen/flags: FORCE
	@mkdir -p $(@D)
	@pkg-config --exists --print-errors $(PKGS) && command -v protoc-c >/dev/null || \
		{ echo "libraries are missing; scripts/need build installs them (Debian)" >&2; exit 1; }
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || { rm -rf $(BUILD)/daemon $(BUILD)/tests; echo '$(CC) $(ALL_CFLAGS)' > $@; }

kmod:
	@if [ -e "$(KERNELDIR)/Makefile" ]; then \
		$(MAKE) --no-print-directory -C kmod KERNELDIR="$(KERNELDIR)" V=$(V); \
	else \
		echo "kmod: no kernel headers at $(KERNELDIR): module not built (install linux-headers-$$(uname -r) or give KERNELDIR=)"; \
	fi

clean:
	rm -rf $(BUILD)
	$(Q)$(MAKE) --no-print-directory -C kmod clean

FORCE:
.PHONY: all daemon kmod clean FORCE

-include $(shell find $(BUILD)/daemon -name '*.d' 2>/dev/null)
-include $(wildcard tests/*.mk scripts/*.mk dkms/*.mk)
