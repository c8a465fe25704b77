// SPDX-License-Identifier: GPL-2.0
#include "base/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"

#define MAX_FILES 16 /* a question has three, and one that is asked for on the way */

/* Each is made by libc or by our readers; nothing that takes a path, starts or touches others. */
static const int calls[] = {
	SCMP_SYS(alarm),     SCMP_SYS(brk),	     SCMP_SYS(clock_gettime),
	SCMP_SYS(close),     SCMP_SYS(exit),	     SCMP_SYS(exit_group),
	SCMP_SYS(fstat),     SCMP_SYS(futex),	     SCMP_SYS(getpid),
	SCMP_SYS(getrandom), SCMP_SYS(gettid),	     SCMP_SYS(lseek),
	SCMP_SYS(madvise),   SCMP_SYS(mremap),	     SCMP_SYS(munmap),
	SCMP_SYS(poll),	     SCMP_SYS(pread64),	     SCMP_SYS(read),
	SCMP_SYS(recvmsg),   SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),   SCMP_SYS(sysinfo),
};

/* Libraries try and do without (libdw, qsort, malloc), and say so by what they were refused for. */
static const int refused[] = {
	SCMP_SYS(access),   SCMP_SYS(lstat),	  SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(stat),
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static int limit(int what, uint64_t most)
{
	const struct rlimit l = { most, most };

	return setrlimit(what, &l) ? -errno : 0;
}

/* Memory, but none that is executed. */
static int allow_memory(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp plain = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &plain);

	return r ? r : seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &plain);
}

/* glibc's fstat(fd) is newfstatat(fd, "", AT_EMPTY_PATH): that there is no path cannot be seen. */
static int allow_fstat(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp by_fd = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH),
				  by_path = SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH);
	int r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, &by_fd);

	return r ? r
		 : seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
					  &by_path);
}

/*
 * Any other call is as if the kernel did not have it. To be killed for one would
 * be no safer, and a libc that makes a call more than those that this was tried
 * with would cost a host all its names.
 */
static int filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = f ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < ARRAY_SIZE(calls); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; !r && i < ARRAY_SIZE(refused); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	if (!r)
		r = allow_memory(f);
	if (!r)
		r = allow_fstat(f);
	if (!r)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

/* One that can take a filter looks for it at the address, before anything else. */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) && errno == EFAULT;
}

int sandbox_enter(uint64_t max_memory)
{
	int r = limit(RLIMIT_CORE, 0);

	if (!r)
		r = limit(RLIMIT_FSIZE, 0);
	if (!r)
		r = limit(RLIMIT_NOFILE, MAX_FILES);
	if (!r && !SANITIZED)
		r = limit(RLIMIT_AS, max_memory);
	if (r)
		return r;
	/* whoever runs under the same user is a stranger, too */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	/* without: a user of its own without any right is what such a kernel offers */
	return SANITIZED || !kernel_has_filters() ? 0 : filter();
}
