// SPDX-License-Identifier: GPL-2.0
/*
 * mapper PROCESSES SECONDS FILE...: processes that all map these files executable
 *
 * Each works for a millisecond, sleeps for PROCESSES times 2.5 ms, and so on: all of
 * them together take 40 % of a CPU, however many there are, which is enough to
 * be sampled, whose files a profiler then has to know. They end with the first.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

static int map_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st))
		p = mmap(NULL, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED;
}

static void work(struct work_span w, useconds_t pause_us)
{
	while (work_goes_on(&w)) {
		int64_t end = clock_ns(CLOCK_MONOTONIC) + 1000000;

		while (clock_ns(CLOCK_MONOTONIC) < end)
			spin(5000);
		usleep(pause_us);
	}
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, failed = 0, number = 0;

	for (int i = 3; i < argc; i++)
		failed += map_file(argv[i]);
	printf("%d files, %d could not be mapped\n", argc - 3, failed);
	fflush(stdout);
	for (int i = 1; i < n; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			number = i;
			break;
		}
	}
	/* one after the other, not all at once */
	usleep((useconds_t)number * 2500);
	work(work_begin(argc > 2 ? argv[2] : "1"), n > 0 ? (useconds_t)n * 2500 : 500000);
	return 0;
}
