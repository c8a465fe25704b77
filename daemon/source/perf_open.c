// SPDX-License-Identifier: GPL-2.0
/*
 * Opening perf events on kernels of all ages: each form is tried, from the
 * richest down, and the first that opens is the one. See perf_open.h.
 */
#include "source/perf_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "source/perf_record.h"
#include "source/perf_ring.h"

/* so slow that the event that only carries the side band never fires */
#define NEVER (1ULL << 62)

long perf_sysctl(const char *name, long otherwise)
{
	struct buf b = { 0 };
	char path[128];
	long v = otherwise;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	if (!buf_read_file(&b, path, 64) && b.data)
		v = strtol(b.data, NULL, 10);
	buf_free(&b);
	return v;
}

static bool is_unknown_form(int r)
{
	return r == -EINVAL || r == -E2BIG || r == -ENOENT || r == -EOPNOTSUPP;
}

static int try_open(struct perf_event_attr *attr, int cpu, int cgroup)
{
	int fd = perf_open_cpu(attr, cpu, cgroup);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int perf_probe_side(struct perf_event_attr *attr, int cpu)
{
	int r = -EINVAL;

	*attr = (struct perf_event_attr){
		.size = sizeof(*attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_RECORD_TYPE,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		.sample_id_all = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.cgroup = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	r = try_open(attr, cpu, -1);
	if (!is_unknown_form(r))
		return r;
	/* cgroups are told of since 5.7 */
	attr->cgroup = 0;
	r = try_open(attr, cpu, -1);
	if (!is_unknown_form(r))
		return r;
	/* no dummy event before 3.12 */
	attr->config = PERF_COUNT_SW_CPU_CLOCK;
	attr->sample_period = NEVER;
	r = try_open(attr, cpu, -1);
	if (!is_unknown_form(r))
		return r;
	/* nor these two before 3.16; without times on our clock there is no use in it */
	attr->mmap2 = 0;
	attr->comm_exec = 0;
	return try_open(attr, cpu, -1);
}

int perf_probe_sampling(struct perf_event_attr *attr, int cpu, int cgroup, uint64_t period,
			uint32_t max_stack, uint32_t user_stack)
{
	int r;

	*attr = (struct perf_event_attr){
		.size = sizeof(*attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = period,
		.sample_type = PERF_SAMPLING_TYPE | PERF_SAMPLE_CGROUP,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		.sample_max_stack = (uint16_t)max_stack,
		.disabled = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	if (user_stack) {
		attr->sample_type |= PERF_USER_TYPE;
		attr->sample_regs_user = perf_user_regs_mask;
		attr->sample_stack_user = user_stack;
		attr->exclude_callchain_user = 1;
	}
	r = try_open(attr, cpu, cgroup);
	if (!is_unknown_form(r))
		return r;
	/* before 5.7, or a kernel without CONFIG_CGROUP_PERF */
	attr->sample_type &= ~(uint64_t)PERF_SAMPLE_CGROUP;
	r = try_open(attr, cpu, cgroup);
	if (!is_unknown_form(r))
		return r;
	/* before 4.8: always 127 */
	attr->sample_max_stack = 0;
	return try_open(attr, cpu, cgroup);
}

static void explain_rights(char *err, size_t errlen)
{
	long paranoid = perf_sysctl("perf_event_paranoid", 2);

	if (paranoid > 2)
		snprintf(err, errlen,
			 "perf_event_open: not permitted: kernel.perf_event_paranoid is %ld, for "
			 "which kernels like Debian's ask for CAP_SYS_ADMIN, and this process has "
			 "it not (or a container's seccomp profile forbids the call): run as root, "
			 "restart a daemon that runs since before it was set, or set sysctl "
			 "kernel.perf_event_paranoid=2",
			 paranoid);
	else
		snprintf(err, errlen,
			 "perf_event_open: not permitted: kernel.perf_event_paranoid is %ld and "
			 "this process has neither CAP_PERFMON nor CAP_SYS_ADMIN (or a "
			 "container's seccomp profile forbids the call): run as root, give it "
			 "CAP_PERFMON, or set sysctl kernel.perf_event_paranoid=-1",
			 paranoid);
}

void perf_explain(int r, bool mapping, char *err, size_t errlen)
{
	if (mapping && (r == -EPERM || r == -ENOMEM))
		snprintf(err, errlen,
			 "perf ring: not even 16 KiB a CPU may be locked (%s): raise sysctl "
			 "kernel.perf_event_mlock_kb (now %ld) or the limit of locked memory "
			 "(ulimit -l), or give CAP_IPC_LOCK",
			 strerror(-r), perf_sysctl("perf_event_mlock_kb", 0));
	else if (r == -EPERM || r == -EACCES)
		explain_rights(err, errlen);
	else if (r == -ENOSYS)
		snprintf(err, errlen,
			 "perf_event_open: this kernel has no perf events (CONFIG_PERF_EVENTS), or "
			 "a seccomp profile hides them: load the ringprof module instead");
	else if (r == -EMFILE || r == -ENFILE)
		snprintf(err, errlen,
			 "perf_event_open: out of file descriptors, two are needed per CPU: raise "
			 "the limit (LimitNOFILE=, ulimit -n)");
	else if (is_unknown_form(r))
		snprintf(err, errlen,
			 "perf_event_open: this kernel cannot sample cpu-clock with "
			 "CLOCK_MONOTONIC "
			 "times (it is older than 4.1): load the ringprof module instead");
	else
		snprintf(err, errlen, "perf_event_open: %s", strerror(-r));
}

/* One line of mountinfo: "id parent maj:min root mountpoint options ... - fstype source opts" */
static bool perf_mount(char *line, bool v2, char **ret)
{
	char *rest = strstr(line, " - "), *p = line, *type, *opts;

	if (!rest)
		return false;
	*rest = 0;
	type = rest + 3;
	opts = strchr(type, ' ');
	if (!opts)
		return false;
	*opts++ = 0;
	if (strcmp(type, v2 ? "cgroup2" : "cgroup") || (!v2 && !strstr(opts, "perf_event")))
		return false;
	for (int field = 0; field < 4 && p; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return false;
	p[strcspn(p, " ")] = 0;
	*ret = p;
	return true;
}

/* Where perf's hierarchy is mounted: a v1 one with its controller, else v2. */
static int find_mount(char *ret, size_t len)
{
	for (int v2 = 0; v2 < 2; v2++) {
		cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
		char line[8192], *at;

		if (!f)
			return -errno;
		while (fgets(line, sizeof(line), f))
			if (perf_mount(line, v2, &at) && strlen(at) < len) {
				strcpy(ret, at);
				return 0;
			}
	}
	return -ENOENT;
}

int perf_open_cgroup(const char *path, char *err, size_t errlen)
{
	char mount[4096], full[8192];
	int fd, r = find_mount(mount, sizeof(mount));

	if (r) {
		snprintf(err, errlen, "cgroup %s: no cgroup hierarchy is mounted that perf knows",
			 path);
		return r;
	}
	while (*path == '/')
		path++;
	snprintf(full, sizeof(full), "%s/%s", mount, path);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	r = -errno;
	snprintf(err, errlen, "cgroup %s: %s: %s", path, full, strerror(-r));
	return r;
}
