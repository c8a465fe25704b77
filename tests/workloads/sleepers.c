// SPDX-License-Identifier: GPL-2.0
/*
 * sleepers PROCESSES: so many processes that wait, and do nothing else. Says when
 * all are there; they end with the first.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("sleepers: fork");
			return 1;
		}
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	printf("%d sleep\n", n);
	fflush(stdout);
	for (;;)
		pause();
}
