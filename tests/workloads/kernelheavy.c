// SPDX-License-Identifier: GPL-2.0
/*
 * kernelheavy SECONDS | xROUNDS: reads /dev/zero in large pieces
 *
 * What dd does, with frame pointers: nearly all of its time is spent in the
 * kernel, below a user stack that is known (heavy_read < heavy_loop < main).
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

static char buf[1 << 20];

/*
 * The call itself stands here, not in a libc without frame pointers. A function
 * that touches no stack gets no frame whatever the options say, hence `r`.
 */
NOINLINE static long heavy_read(int fd)
{
	volatile long r;
	long got;

	__asm__ volatile("syscall"
			 : "=a"(got)
			 : "0"(SYS_read), "D"(fd), "S"(buf), "d"(sizeof(buf))
			 : "rcx", "r11", "memory");
	r = got;
	return r;
}

NOINLINE static int heavy_loop(int fd, const char *amount)
{
	struct work_span w = work_begin(amount);

	while (work_goes_on(&w)) {
		if (heavy_read(fd) <= 0)
			return 1;
	}
	work_end(&w);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = open("/dev/zero", O_RDONLY);
	int r = fd < 0 || heavy_loop(fd, argc > 1 ? argv[1] : "3");

	__asm__ volatile("" : "+r"(r));
	return r;
}
