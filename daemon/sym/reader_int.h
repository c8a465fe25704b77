/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What reader.c (questions) and reader_process.c (the process and its thread)
 * share. Two locks, in that order:
 *   turn  held by who asks, for the whole question
 *   lock  everything below it; short
 */
#ifndef RINGPROF_SYM_READER_INT_H
#define RINGPROF_SYM_READER_INT_H

#include <pthread.h>

#include "sym/reader.h"

#define READER_MAX_REFUSED 1024 /* files; past that the first one is forgotten */
#define READER_PATH_MAX	   256	/* of a path that is told */

struct refused {
	uint8_t key[20];
	uint64_t size;
	enum reader_fault fault;
	char path[READER_PATH_MAX];
};

struct reader {
	struct reader_config cfg;
	pthread_mutex_t turn;
	struct refused refused[READER_MAX_REFUSED]; /* turn, and lock to change it */
	struct {
		uint8_t key[20];
		uint64_t size;
		enum reader_op op; /* READER_OPEN: there is none */
	} suspect;		   /* the question at which it ended by accident last; turn */

	uint64_t greeted; /* the last process that has started; turn */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, stop;
	pid_t pid;	     /* 0: none; not reaped yet */
	int keeper;	     /* connection to who made it, -1: we did */
	int sock;	     /* -1: none, or in use by who asks */
	uint64_t process;    /* counts them */
	uint64_t ended;	     /* the last one that was reaped */
	int wait_status;     /* of that */
	uint64_t next_start; /* mono ns, 0: now */
	uint32_t failures;   /* deaths shortly after a start, in a row */
	uint64_t n_refused, told;
	struct reader_counters c;
};

/* Starts the thread if it does not run yet; lock held. 0 or -errno. */
int reader_run(struct reader *r);
/*
 * Until the process of that number is reaped; killed if it has not ended by
 * itself. Its status; 0: it cannot be killed now, as a file system holds it.
 */
int reader_reap(struct reader *r, uint64_t process);
/* Waits for changed, until mono ns; lock held. false: time is up. */
bool reader_wait(struct reader *r, uint64_t until);

/* In a new process, with its end of the socket: it becomes the reader. */
void reader_become(const struct reader_config *cfg, int sock) __attribute__((noreturn));

/*
 * Has cfg->keeper make a reader with that end of a socket, which stays the
 * caller's. The connection to the keeper, or -errno: there is none.
 */
int keeper_start(const struct reader_config *cfg, int sock, pid_t *ret_pid);
/* Until that reader has ended, also by shutdown(2) of the connection: its wait status. */
int keeper_wait(int fd);

#endif
