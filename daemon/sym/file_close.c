// SPDX-License-Identifier: GPL-2.0
/* See file_close.h. The threads are detached, and stay once there was need of them. */
#include "sym/file_close.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

struct closing {
	int fd;
	dev_t dev; /* 0: not known */
};

/* what a thread is at */
struct at_work {
	dev_t dev;
	uint64_t since; /* mono ns; 0: nothing */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct closing *waiting; /* the oldest first */
static size_t n_waiting, cap_waiting, n_open;
static struct at_work busy[CLOSE_MAX_THREADS];
static uint32_t n_threads;

/* What the kernel knows by itself: its server is not asked. */
static dev_t device_of(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st))
		return 0;
	return makedev(st.stx_dev_major, st.stx_dev_minor);
}

/* behind `before` others of its device */
static bool has_turn(dev_t dev, size_t before)
{
	for (uint32_t i = 0; i < n_threads; i++)
		before += busy[i].since && busy[i].dev == dev;
	return !dev || before < CLOSE_PER_DEVICE;
}

/* Takes the oldest that has its turn; false: there is none. */
static bool take(struct closing *ret)
{
	for (size_t i = 0; i < n_waiting; i++) {
		if (!has_turn(waiting[i].dev, 0))
			continue;
		*ret = waiting[i];
		n_waiting--;
		memmove(waiting + i, waiting + i + 1, (n_waiting - i) * sizeof(*waiting));
		return true;
	}
	return false;
}

static void *close_main(void *arg)
{
	struct at_work *me = arg;
	struct closing c;

	pthread_setname_np(pthread_self(), "close-files");
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!take(&c))
			pthread_cond_wait(&work, &lock);
		*me = (struct at_work){ c.dev, mono_now() };
		pthread_mutex_unlock(&lock);
		close(c.fd);
		pthread_mutex_lock(&lock);
		me->since = 0;
		n_open--;
	}
	return NULL;
}

static size_t count_before(size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < at && n < CLOSE_PER_DEVICE; i++)
		n += waiting[i].dev == waiting[at].dev;
	return n;
}

/* How many could be closed at once; no more are counted than there can be threads. */
static size_t count_ready(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_waiting && n < CLOSE_MAX_THREADS; i++)
		n += has_turn(waiting[i].dev, 0) && has_turn(waiting[i].dev, count_before(i));
	return n;
}

/* Those that have not begun yet as well. */
static uint32_t count_free(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_threads; i++)
		n += !busy[i].since;
	return n;
}

/* lock held */
static void need_thread(void)
{
	pthread_attr_t attr;
	pthread_t t;

	if (n_threads == CLOSE_MAX_THREADS || count_free() >= count_ready())
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	n_threads += !pthread_create(&t, &attr, close_main, &busy[n_threads]);
	pthread_attr_destroy(&attr);
}

/* Without memory it stays open. lock held */
static void add(int fd, dev_t dev)
{
	struct closing *room = array_room(waiting, &cap_waiting, n_waiting + 1, sizeof(*room));

	n_open++;
	if (!room)
		return;
	waiting = room;
	waiting[n_waiting++] = (struct closing){ fd, dev };
	need_thread();
	pthread_cond_signal(&work);
}

void file_close_aside(int fd, bool on_disk)
{
	dev_t dev;

	if (fd < 0)
		return;
	if (on_disk) {
		close(fd);
		return;
	}
	dev = device_of(fd);
	pthread_mutex_lock(&lock);
	add(fd, dev);
	pthread_mutex_unlock(&lock);
}

bool file_close_hangs(uint32_t maj, uint32_t min)
{
	bool all, found = false;
	uint32_t n = 0;
	uint64_t now;

	pthread_mutex_lock(&lock);
	now = mono_now(); /* not before one that was taken up meanwhile */
	for (uint32_t i = 0; i < n_threads; i++) {
		if (!busy[i].since || now - busy[i].since < CLOSE_HANGS_NS)
			continue;
		found = found || busy[i].dev == makedev(maj, min);
		n++;
	}
	all = n == CLOSE_MAX_THREADS;
	pthread_mutex_unlock(&lock);
	return found || all;
}

size_t file_close_waiting(void)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = n_open;
	pthread_mutex_unlock(&lock);
	return n;
}
