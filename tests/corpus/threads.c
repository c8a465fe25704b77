// SPDX-License-Identifier: GPL-2.0
/* A pool of threads fed by a queue, and C11 threads that come and go. */
#include <pthread.h>
#include <threads.h>

#include "corpus.h"

#define POOL 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER, idle = PTHREAD_COND_INITIALIZER;
static int queued, open_jobs, stop;

NOINLINE static long job(long n)
{
	spin(100 * SPIN);
	KEEP(n);
	return n + 1;
}

NOINLINE static long take_job(void)
{
	long got;

	pthread_mutex_lock(&lock);
	while (!queued && !stop)
		pthread_cond_wait(&wake, &lock);
	got = queued ? queued-- : 0;
	pthread_mutex_unlock(&lock);
	return got;
}

NOINLINE static void job_done(void)
{
	pthread_mutex_lock(&lock);
	if (!--open_jobs)
		pthread_cond_signal(&idle);
	pthread_mutex_unlock(&lock);
}

static void *worker(void *arg)
{
	long n;

	while ((n = take_job())) {
		n = job(n);
		KEEP(n);
		job_done();
	}
	return arg;
}

NOINLINE static void round_of_jobs(int n)
{
	pthread_mutex_lock(&lock);
	queued = open_jobs = n;
	pthread_cond_broadcast(&wake);
	while (open_jobs)
		pthread_cond_wait(&idle, &lock);
	pthread_mutex_unlock(&lock);
}

static int short_thread(void *arg)
{
	long r = job((long)arg);

	KEEP(r);
	return (int)r;
}

int main(int argc, char **argv)
{
	pthread_t pool[POOL];
	int n = 0;

	corpus_begin(argc, argv);
	while (n < POOL && !pthread_create(&pool[n], NULL, worker, NULL))
		n++;
	if (n < POOL)
		return 1;
	while (corpus_running()) {
		thrd_t t;

		round_of_jobs(40);
		if (thrd_create(&t, short_thread, (void *)1L) == thrd_success)
			thrd_join(t, NULL);
	}
	pthread_mutex_lock(&lock);
	stop = 1;
	pthread_cond_broadcast(&wake);
	pthread_mutex_unlock(&lock);
	while (n--)
		pthread_join(pool[n], NULL);
	return 0;
}
