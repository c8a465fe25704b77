// SPDX-License-Identifier: GPL-2.0
/*
 * sleepers PROCESSES [WORK_MS REST_MS]: so many processes that wait, and do nothing else, or
 * work for so long and then rest, again and again. Says when all are there; they end with the first.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void work(long ms)
{
	clock_t end = clock() + ms * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		;
}

static void live(long work_ms, long rest_ms)
{
	struct timespec rest = { rest_ms / 1000, rest_ms % 1000 * 1000000 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!work_ms)
		pause();
	for (;;) {
		work(work_ms);
		nanosleep(&rest, NULL);
	}
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;
	long work_ms = argc > 3 ? atol(argv[2]) : 0, rest_ms = argc > 3 ? atol(argv[3]) : 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("sleepers: fork");
			return 1;
		}
		if (!pid)
			live(work_ms, rest_ms);
	}
	printf("%d sleep\n", n);
	fflush(stdout);
	for (;;)
		pause();
}
