/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tables.c (the registry, any thread) and tables_make.c (its thread)
 * share. t->lock guards all but what is said to be one's own; nothing that can
 * wait is done under it.
 */
#ifndef RINGPROF_UNWIND_TABLES_INT_H
#define RINGPROF_UNWIND_TABLES_INT_H

#include <pthread.h>

#include "base/hmap.h"
#include "unwind/tables.h"
#include "unwind/tables_cache.h"

#define TABLES_MAX	 8192 /* files */
#define TABLES_MAX_QUEUE 4096

enum table_state { TABLE_NEW, TABLE_QUEUED, TABLE_READY, TABLE_FAILED, TABLE_NO_ROOM };

struct table {
	struct unwind_table pub; /* first */
	enum table_state state;
	struct file *file; /* a reference; NULL: the vDSO */
	struct cache_rows rows;
	uint32_t *index;
	uint64_t used;	/* mono ns when it was asked for last */
	uint64_t retry; /* not before, after a failure */
	uint32_t tries; /* that failed */
	uint64_t bytes;
};

struct tables {
	struct files *files;
	struct reader *reader; /* NULL: files are read here */
	char *dir;	       /* of the cache, NULL: none */
	uint64_t max_disk;
	struct cachedir cache; /* the thread's */
	uint64_t max_bytes;

	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	pthread_t thread;
	bool started, stop, busy;
	struct table *tables[TABLES_MAX]; /* NULL: free */
	uint32_t n_tables;		  /* first that was never used */
	struct hmap by_key;		  /* key -> index of tables */
	uint32_t queue[TABLES_MAX_QUEUE];
	uint32_t q_n;
	uint32_t *order; /* [number - 1]: index of tables */
	size_t n_order, cap_order;
	uint64_t wanted; /* bytes of tables that had no room */
	struct tables_counters c;
	uint64_t trimmed; /* c.compiled when freed memory was given back last */
	struct table *vdso;
	struct unwind_table none; /* what is given for a table that cannot be had */
};

/*
 * The smallest file of a queue that is not empty, out of it; lock held. A
 * browser takes seconds: the libraries that all programs share do not wait for it.
 */
uint32_t tables_take(struct tables *t);
/* Thread: makes what is queued, until t->stop. */
void *tables_thread(void *arg);
/* The vDSO's table from our own memory; 0, -ENOENT, -errno. No lock held, no thread yet. */
int tables_make_vdso(struct table *e);
/* Index and view of e->rows; 0 or -ENOMEM. */
int tables_view(struct table *e);
/* Gives e, ready, its number; lock held. */
void tables_number(struct tables *t, uint32_t i);
void table_release(struct table *e);

#endif
