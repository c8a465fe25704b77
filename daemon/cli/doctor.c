// SPDX-License-Identifier: GPL-2.0
/*
 * doctor: looks at this host the way the sources will, and says for each
 * thing found how it stands and the command that mends it. Checks only look;
 * none changes anything.
 */
#include <stdarg.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <linux/ringprof.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/disabled.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "ringprof/record.h"
#include "source/absent.h"
#include "source/control.h"
#include "source/known_bad.h"

void found(struct finding *f, const char *state, const char *fix, const char *fmt, ...)
{
	va_list ap;

	f->state = state;
	snprintf(f->fix, sizeof(f->fix), "%s", fix);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

bool read_line(const char *path, char *out, size_t len)
{
	cleanup_fclose FILE *f = fopen(path, "re");

	if (!f || !fgets(out, (int)len, f))
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void check_kernel(struct finding *f)
{
	struct utsname u;
	const char *bad;

	uname(&u);
	bad = known_bad_user_chains(u.release, u.version);
	found(f, "ok", "", "%s %s %s", u.sysname, u.release, u.machine);
	if (bad)
		found(f, "warning", "",
		      "%s: %s: perf by frame pointers is refused; the module and unwind rows do "
		      "without it",
		      u.release, bad);
	else if (strcmp(u.machine, "x86_64"))
		found(f, "warning", "",
		      "%s %s: the module is written for x86_64; the perf source works here",
		      u.release, u.machine);
}

static void check_modules(struct finding *f)
{
	struct utsname u;
	char path[512], line[16];

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile", u.release);
	if (access("/proc/modules", F_OK))
		found(f, "warning", "",
		      "this kernel loads no modules (no /proc/modules): perf source only");
	else if (read_line("/proc/sys/kernel/modules_disabled", line, sizeof(line)) && *line == '1')
		found(f, "warning", "",
		      "loading modules is switched off until reboot (kernel.modules_disabled)");
	else if (access(path, F_OK))
		found(f, "warning", "apt-get install linux-headers-$(uname -r)",
		      "no headers of the running kernel: the module cannot be built here");
	else
		found(f, "ok", "", "modules can be built and loaded");
}

static void check_module(struct finding *f)
{
	struct control *c = NULL;
	struct control_info info;
	struct absent a;
	char err[512];
	int r = control_open(&c, err, sizeof(err));

	absent_explain(&a);
	if (r == -ENOENT)
		found(f, "warning", a.fix, "not loaded: %s", a.why);
	else if (r)
		found(f, "warning", "", "%s", err);
	else if (control_info(c, &info))
		found(f, "warning", "", "loaded, but does not answer: %s", control_error(c));
	else if (!ringprof_major_ok(info.abi_major))
		found(f, "bad", "rmmod ringprof && modprobe ringprof",
		      "version %s speaks ABI %u, these programs %u and %u: an older module stayed "
		      "loaded",
		      info.version, info.abi_major, RINGPROF_ABI_MAJOR, RINGPROF_ABI_MAJOR - 1);
	else if (info.state == RINGPROF_STATE_OFF)
		found(f, "warning", "modprobe -r ringprof && modprobe ringprof off=0",
		      "version %s, %s; the perf source takes over", info.version,
		      control_state_name(info.state));
	else
		found(f, "ok", "", "version %s, %s", info.version, control_state_name(info.state));
	control_close(c);
}

/* A status of client_get: is one there, and does it answer? */
static int check_daemon(struct finding *f, const struct cli *cli)
{
	struct buf b = { 0 };
	int r = client_get(cli, "/-/healthy", &b, 5, true);
	char why[512];

	buf_free(&b);
	if (!r)
		found(f, "ok", "", "running");
	else if (r == CLI_DENIED)
		found(f, "warning", "sudo ringprof doctor",
		      "not for you to ask, if it runs: be root or in the group ringprof");
	else if (r != CLI_ABSENT)
		found(f, "bad", "journalctl -u ringprofd", "does not answer: %s", client_trouble());
	else if (disabled_check(why, sizeof(why)))
		found(f, "warning", "rm " DISABLED_FILE " && systemctl start ringprofd",
		      "switched off: " DISABLED_FILE " is there");
	else
		found(f, "warning", "systemctl enable --now ringprofd", "not running");
	return r;
}

static int try_event(uint32_t type, uint64_t config, int pid, int cpu)
{
	struct perf_event_attr a = { .type = type,
				     .size = sizeof(a),
				     .config = config,
				     .sample_period = 10101010,
				     .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
				     .disabled = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void check_perf(struct finding *f)
{
	char paranoid[16] = "?", needs[128];
	int r = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, -1, 0);
	bool admin;

	read_line("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	admin = atoi(paranoid) > 2;
	snprintf(needs, sizeof(needs), "%s (perf_event_paranoid %s: %s)", strerror(-r), paranoid,
		 admin ? "kernels that know it, like Debian's, ask for CAP_SYS_ADMIN"
		       : "CAP_PERFMON is asked for, before Linux 5.8 CAP_SYS_ADMIN");
	if (!r)
		found(f, "ok", "", "cpu-clock on every CPU (perf_event_paranoid %s)", paranoid);
	else if (r != -EACCES && r != -EPERM)
		found(f, "bad", "", "perf events do not work: %s (CONFIG_PERF_EVENTS?)",
		      strerror(-r));
	else if (geteuid())
		found(f, "warning", "sudo ringprof doctor",
		      "asked as an ordinary user, who may not: %s; the daemon may", needs);
	else
		found(f, "bad",
		      admin ? "docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined ..."
			    : "docker run --cap-add PERFMON --security-opt seccomp=unconfined ...",
		      "not allowed, root or not: %s; in a container its capabilities and its "
		      "seccomp "
		      "setting decide",
		      needs);
}

static void check_pmu(struct finding *f)
{
	int r = try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, -1);

	if (!r)
		found(f, "ok", "", "cycles can be counted");
	else
		found(f, "ok", "", "no hardware counter (%s): cpu-clock it is, as by default",
		      strerror(-r));
}

static void check_rate(struct finding *f)
{
	char max[32] = "0", stack[32] = "0";

	read_line("/proc/sys/kernel/perf_event_max_sample_rate", max, sizeof(max));
	read_line("/proc/sys/kernel/perf_event_max_stack", stack, sizeof(stack));
	if (atoi(max) && atoi(max) < 1000)
		found(f, "warning", "sysctl kernel.perf_event_max_sample_rate=100000",
		      "perf source: at most %s Hz, the kernel lowered it", max);
	else
		found(f, "ok", "", "perf source: up to %s Hz and %s frames", max, stack);
}

/* What whole stacks cost where no module walks them. */
static void check_stacks(struct finding *f)
{
	char mlock[32] = "0";

	read_line("/proc/sys/kernel/perf_event_mlock_kb", mlock, sizeof(mlock));
#ifdef __x86_64__
	found(f, "ok", "",
	      "whole by unwind rows; perf source: by copying 16 KiB a sample (perf-stack), about "
	      "1.7 MB a second and busy CPU at 99 Hz (perf_event_mlock_kb %s)",
	      mlock);
#else
	found(f, "warning", "", "frame pointers only on this architecture");
#endif
}

static void check_kallsyms(struct finding *f)
{
	char line[256] = "", restrict_line[16] = "?";

	read_line("/proc/sys/kernel/kptr_restrict", restrict_line, sizeof(restrict_line));
	if (!read_line("/proc/kallsyms", line, sizeof(line)))
		found(f, "bad", "", "no /proc/kallsyms: kernel frames stay without names");
	else if (strtoull(line, NULL, 16))
		found(f, "ok", "", "readable (kptr_restrict %s)", restrict_line);
	else
		found(f, "warning",
		      geteuid() ? "sudo ringprof doctor" : "sysctl kernel.kptr_restrict=1",
		      "addresses are hidden from you (kptr_restrict %s, CAP_SYSLOG): no kernel "
		      "names",
		      restrict_line);
}

static void check_debuginfo(struct finding *f)
{
	if (!access("/usr/lib/debug/.build-id", F_OK))
		found(f, "ok", "", "separate debug files in /usr/lib/debug");
	else
		found(f, "ok", "", "none installed: names come from the binaries' own tables");
}

static void check_cgroup(struct finding *f)
{
	if (!access("/sys/fs/cgroup/cgroup.controllers", F_OK))
		found(f, "ok", "", "version 2");
	else if (!access("/sys/fs/cgroup/unified", F_OK) || !access("/sys/fs/cgroup/memory", F_OK))
		found(f, "ok", "", "version 1 or both: services are told apart by path");
	else
		found(f, "warning", "",
		      "no cgroup file system: services are told apart by name only");
}

static void check_pid_namespace(struct finding *f)
{
	char link[64] = "";
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = '\0';
	/* the initial pid namespace's inode number is part of the kernel's ABI: PROC_PID_INIT_INO */
	if (!strcmp(link, "pid:[4026531836]"))
		found(f, "ok", "", "initial: every process of the host is seen");
	else
		found(f, "warning", "docker run --pid=host ...",
		      "a container's: other processes have no names here");
}

static void text(const json_t *o)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(o, "checks"), i, row)
	{
		const char *state = json_string_value(json_object_get(row, "state"));
		const char *fix = json_string_value(json_object_get(row, "fix"));

		printf("%-7s %-14s %s\n", state, json_string_value(json_object_get(row, "name")),
		       json_string_value(json_object_get(row, "text")));
		if (fix && *fix)
			printf("%22s -> %s\n", "", fix);
	}
	printf("\nbest source here: %s\n", json_string_value(json_object_get(o, "best_source")));
}

static void add(json_t *list, const char *name, const struct finding *f)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "state",
					      f->state, "text", f->text, "fix", f->fix));
}

int verb_doctor(struct cli *c)
{
	static const struct {
		const char *name;
		void (*check)(struct finding *f);
	} checks[] = {
		{ "kernel", check_kernel },
		{ "modules", check_modules },
		{ "module", check_module },
		{ "perf source", check_perf },
		{ "perf limits", check_rate },
		{ "user stacks", check_stacks },
		{ "PMU", check_pmu },
		{ "lockdown", check_lockdown },
		{ "Secure Boot", check_secure_boot },
		{ "kernel names", check_kallsyms },
		{ "debug files", check_debuginfo },
		{ "cgroups", check_cgroup },
		{ "pid namespace", check_pid_namespace },
	};
	json_t *o = json_object(), *list = json_array();
	bool module = false, perf = false, unknown = false, answers;
	struct finding f;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		checks[i].check(&f);
		add(list, checks[i].name, &f);
		module |= checks[i].check == check_module && !strcmp(f.state, "ok");
		perf |= checks[i].check == check_perf && !strcmp(f.state, "ok");
		unknown |= checks[i].check == check_perf && !strcmp(f.state, "warning");
	}
	answers = !check_daemon(&f, c);
	add(list, "daemon", &f);
	json_object_set_new(o, "checks", list);
	json_object_set_new(o, "best_source",
			    json_string(module	  ? "kmod"
					: perf	  ? "perf"
					: unknown ? "unknown"
						  : "none"));
	cli_emit(c, o, text);
	if (module || perf || (unknown && answers))
		return CLI_OK;
	return unknown ? CLI_DENIED : CLI_FAILED;
}
