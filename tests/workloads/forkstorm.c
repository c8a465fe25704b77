// SPDX-License-Identifier: GPL-2.0
/*
 * forkstorm SECONDS | xPROCESSES: processes that live a few milliseconds, one after another
 *
 * Half of them exec this program again with -c, half only run and leave; both
 * kinds spin for a moment. Prints how many there were (given their number: the
 * ns that they took).
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

NOINLINE static void child_work(void)
{
	spin(300000);
	__asm__ volatile("");
}

static void child(const char *self, int n)
{
	if (n & 1)
		execl(self, self, "-c", (char *)NULL);
	child_work();
	_exit(0);
}

int main(int argc, char **argv)
{
	struct work_span w;
	int n = 0;

	if (argc > 1 && !strcmp(argv[1], "-c")) {
		child_work();
		return 0;
	}
	w = work_begin(argc > 1 ? argv[1] : "3");
	for (; work_goes_on(&w); n++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid)
			child("/proc/self/exe", n);
		waitpid(pid, NULL, 0);
	}
	if (w.deadline)
		printf("{\"processes\":%d}\n", n);
	work_end(&w);
	return 0;
}
