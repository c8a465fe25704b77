// SPDX-License-Identifier: GPL-2.0
/* See file_age.h. */
#include "sym/file_age.h"

#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "base/clock.h"

#define GRAIN_NS (10 * NSEC_PER_MSEC)  /* of times of change: a tick, at 100 Hz */
#define JUMP_NS	 (100 * NSEC_PER_MSEC) /* a clock that is drawn to another does not get so far */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t offset; /* wall - mono at the last question, 0: there was none */
static uint64_t set;   /* mono, when the clock was found to be another; 0: never */

/* What to add to a mono time of `mapped` and later; false: nobody knows. */
static bool wall_since(uint64_t mapped, int64_t *ret)
{
	int64_t now = wall_offset(), moved;
	bool known;

	pthread_mutex_lock(&lock);
	moved = now - offset;
	if (offset && (moved > (int64_t)JUMP_NS || moved < -(int64_t)JUMP_NS))
		set = mono_now();
	offset = now;
	known = mapped > set;
	pthread_mutex_unlock(&lock);
	*ret = now;
	return known;
}

uint32_t file_generation(int fd)
{
	/* the number says long, file systems write an int */
	long g = 0;

	return ioctl(fd, FS_IOC_GETVERSION, &g) ? 0 : (uint32_t)g;
}

bool file_changed_after(uint64_t mapped, uint64_t ctime)
{
	int64_t add;

	return mapped && wall_since(mapped, &add) && ctime > mapped + (uint64_t)add + GRAIN_NS &&
	       ctime <= wall_now() + GRAIN_NS;
}

bool file_is_later(const struct file_where *w, int fd, const struct stat *st)
{
	uint32_t g = w->generation ? file_generation(fd) : 0;

	if (g)
		return g != w->generation;
	return file_changed_after(w->mapped, (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC +
						     (uint64_t)st->st_ctim.tv_nsec);
}
