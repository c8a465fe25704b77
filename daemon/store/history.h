/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The history on disk, inside the store: files of all tiers, the queue of
 * windows to write, and the writer's thread.
 *
 * Locks: history.lock guards lists, rows, counters and queue, and is never held
 * while a file is read or written, nor together with a file's own lock. That
 * one comes before its dictionary's, which several files share.
 */
#ifndef RINGPROF_STORE_HISTORY_H
#define RINGPROF_STORE_HISTORY_H

#include "store/deploys.h"
#include "store/hfile.h"
#include "store/roll.h"
#include "store/store_int.h"

#define HISTORY_DAY	 (86400 * UINT64_C(1000000000))
#define HISTORY_TIERS	 4	  /* on disk: TIER_10S .. TIER_1H */
#define TIER_RAW	 TIER_MAX /* files of single samples: no tier of answers by stack */
#define HISTORY_KINDS	 5	  /* of files: the tiers, and raw */
#define HISTORY_MESSAGES 8
#define HISTORY_QUEUE	 64	     /* windows: some ten minutes */
#define HISTORY_LEAST	 (1U << 20)  /* bytes of a file that is not cut yet */
#define HISTORY_CACHE	 (96U << 20) /* bytes of dictionaries read from files */

struct history {
	struct store *store;
	char *dir, *host;
	int lock_fd;
	uint64_t origin;	 /* whose windows those of this directory are */
	uint64_t boot, run;	 /* what kernel addresses, and JITs, are told apart by */
	struct roll roll;	 /* the writer's: all tiers */
	struct roll raw;	 /* likewise */
	ZSTD_CCtx *packer;	 /* likewise: one for both */
	struct deploys *deploys; /* the writer's */
	pthread_t thread;
	bool started;

	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct history_config cfg; /* dir and host are not in it */
	struct hfile **files;	   /* by tier, then time */
	size_t n_files, cap_files;
	struct {
		struct window *w;
		uint64_t seq;
	} queue[HISTORY_QUEUE];
	size_t head, queued;
	bool stop, busy;
	uint64_t stopped; /* mono ns */
	uint64_t next_pin;
	uint64_t reserved; /* bytes of pins in the making: they count in the budget */
	uint64_t left;	   /* bytes of files that could not be opened: likewise */
	uint64_t aside;	   /* bytes of files set aside: likewise */
	struct history_counters c;
	bool full; /* the disk: said once */
	char trouble[256];
	char messages[HISTORY_MESSAGES][512];
	unsigned int n_messages;
};

extern const uint64_t history_steps[HISTORY_KINDS];
extern const char *const history_names[HISTORY_KINDS];

uint64_t history_now(const struct history *h);
/*
 * Has the stop come, and a moment passed? What is written from then on keeps
 * its file and place alone: whoever stops the daemon does not wait for debug
 * information to be read.
 */
bool history_hurries(struct history *h);
/* Takes a reference, or counts a loss. Never waits for the disk. */
void history_add(struct history *h, struct window *w, uint64_t seq);
void history_close(struct history *h);

/* ---- files.c: with the lock not held ---- */
/* Opens all that is in the directory; 0 or -errno. */
int history_scan(struct history *h);
/* Into the list; the list takes the reference over. 0 or -ENOMEM. */
int history_add_file(struct history *h, struct hfile *f);
/* With the lock held: out of the list; its reference is the caller's. */
struct hfile *history_take_out(struct history *h, size_t i);
/* files_aside.c: likewise. Sets a file aside, and says why. */
void history_refuse(struct history *h, const char *path, const char *why);
void history_count_aside(struct history *h); /* looks at what they take again */
void history_drop_aside(struct history *h);  /* all of them, from the disk */
/*
 * The last file of that tier and day, if it may be written on as far as can be
 * seen without reading it: a reference, for history_release. NULL: there is none.
 */
struct hfile *history_last_file(struct history *h, uint32_t tier, uint64_t day);
/*
 * A new one, as file i of dictionary d, which has nothing of it yet; likewise. 0
 * or -errno.
 */
int history_new_file(struct history *h, uint32_t tier, uint64_t day, struct dict *d, unsigned int i,
		     struct hfile **ret);
/*
 * Lets go of what is too old, found to be bad, or in the way of `need` bytes
 * more; full: the disk is, one file goes in any case. False: there is no room,
 * and nothing left that may go.
 */
bool history_room(struct history *h, uint64_t need, bool full);
/* The writer lets go of a file that it got so; takes the reference over. */
void history_release(struct history *h, struct hfile *f);
/* Is a file of so many bytes too large to be written on? */
bool history_is_full(struct history *h, uint32_t tier, uint64_t bytes);
/* Bytes that raw files may take, 0: none are kept. With the lock held. */
uint64_t history_raw_share(const struct history *h);
uint64_t history_share(const struct history *h, uint32_t tier); /* bytes guaranteed */
/* Notes that f cannot be read (a reader's finding); the writer sets it aside. */
void history_found_bad(struct history *h, struct hfile *f, const char *why);
/* Says that the disk does not give what is in f, once a file. */
void history_found_unreadable(struct history *h, struct hfile *f);
/* Room for one row more; then what came of a commit. */
int history_row_room(struct history *h, struct hfile *f);
void history_committed(struct history *h, struct hfile *f, const struct hrow *row, int err);
void history_sized(struct history *h, struct hfile *f); /* looks at its size again */
void history_lost(struct history *h, uint32_t tier, int err);
void history_count_others(struct history *h, uint64_t n);
void history_count_names(struct history *h, uint64_t named, uint64_t unknown);
bool history_is_bad(struct history *h, const struct hfile *f);
/*
 * Waits until the writer has nothing to do, until the mono time `until` at the
 * latest. False: it had nothing to do before, or has something still. Any thread.
 */
bool history_wait(struct history *h, uint64_t until);
/* The highest number of a ten in that tier. */
uint64_t history_last_seq(struct history *h, uint32_t tier);
void *history_writer(void *history); /* the thread */
void history_say(struct history *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lets dictionaries go that were not used lately. */
void history_trim_cache(struct history *h);

#endif
