// SPDX-License-Identifier: GPL-2.0
/*
 * storm CHILD N MS: N processes one after another, each busy for MS of CPU time
 *
 * Every second one runs CHILD for it (this source with STORM_CHILD), the others
 * work themselves. Prints what the kernel booked for all of them, in ns.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

NOINLINE static long busy(double ms)
{
	int64_t end = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (int64_t)(ms * 1e6);
	long n = 0;

	for (; clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end; n++)
		spin(100 * SPIN);
	return n;
}

#ifdef STORM_CHILD
NOINLINE static long execed_work(double ms)
{
	long n = busy(ms);

	KEEP(n);
	return n;
}

int main(int argc, char **argv)
{
	long n = execed_work(argc > 1 ? atof(argv[1]) : 5);

	KEEP(n);
	return 0;
}
#else
NOINLINE static long forked_work(double ms)
{
	long n = busy(ms);

	KEEP(n);
	return n;
}

static int64_t used_ns(int who)
{
	struct rusage u;

	if (getrusage(who, &u))
		return 0;
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static void child(const char *path, char *ms, int n)
{
	char *const argv[] = { (char *)path, ms, NULL };

	if (n & 1) {
		execv(path, argv);
		_exit(127);
	}
	forked_work(atof(ms));
	_exit(0);
}

int main(int argc, char **argv)
{
	int n = argc > 3 ? atoi(argv[2]) : 0, status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid)
			child(argv[1], argv[3], i);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	printf("%lld\n", (long long)(used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN)));
	return n == 0;
}
#endif
