// SPDX-License-Identifier: GPL-2.0
/* Children by vfork, posix_spawn and fork: busy before exec, and as this program again. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

extern char **environ;

NOINLINE static long work(long n)
{
	spin((uint64_t)n * SPIN);
	KEEP(n);
	return n + 1;
}

NOINLINE static long short_life(void)
{
	long r = work(20000);

	KEEP(r);
	return r + 1;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* the child runs on the parent's memory until it execs */
NOINLINE static int by_vfork(char **args)
{
	pid_t pid = vfork();

	if (!pid) {
		work(8000);
		execv(args[0], args);
		_exit(127);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

NOINLINE static int by_spawn(char **args)
{
	pid_t pid;

	if (posix_spawn(&pid, args[0], NULL, NULL, args, environ))
		return -1;
	return wait_for(pid);
}

NOINLINE static int by_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		short_life();
		_exit(0);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

static double children_seconds(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u))
		return 1e9;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	char self[] = "/proc/self/exe", child[] = "-c";
	char *args[] = { self, child, NULL };
	double seconds = argc > 1 ? atof(argv[1]) : 1;

	if (argc > 1 && !strcmp(argv[1], child)) {
		short_life();
		return 0;
	}
	while (children_seconds() < seconds)
		if (by_vfork(args) || by_spawn(args) || by_fork())
			return 1;
	return 0;
}
