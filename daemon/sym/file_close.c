// SPDX-License-Identifier: GPL-2.0
/* See file_close.h. The threads are detached, and stay once there was need of them. */
#include "sym/file_close.h"

#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static int waiting[CLOSE_WAITING];
static uint32_t n_waiting, n_threads, n_idle;

static void *close_main(void *arg)
{
	pthread_setname_np(pthread_self(), "close-files");
	pthread_mutex_lock(&lock);
	for (;;) {
		int fd;

		while (!n_waiting) {
			n_idle++;
			pthread_cond_wait(&work, &lock);
			n_idle--;
		}
		fd = waiting[--n_waiting];
		pthread_mutex_unlock(&lock);
		close(fd);
		pthread_mutex_lock(&lock);
	}
	return arg;
}

/* lock held */
static void need_thread(void)
{
	pthread_attr_t attr;
	pthread_t t;

	if (n_idle >= n_waiting || n_threads == CLOSE_MAX_THREADS)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	n_threads += !pthread_create(&t, &attr, close_main, NULL);
	pthread_attr_destroy(&attr);
}

void file_close_aside(int fd, bool on_disk)
{
	if (fd < 0)
		return;
	if (on_disk) {
		close(fd);
		return;
	}
	pthread_mutex_lock(&lock);
	if (n_waiting < CLOSE_WAITING) {
		waiting[n_waiting++] = fd;
		need_thread();
		pthread_cond_signal(&work);
	}
	pthread_mutex_unlock(&lock);
}
