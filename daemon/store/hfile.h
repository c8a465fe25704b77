/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One file of the history: SQLite, write-ahead log while it grows, whole in
 * itself. Holds segments of the dictionary, windows, and their heads beside
 * them. The writer's thread writes through a connection of its own; readers
 * share another one under the file's lock, for single rows at a time: a long
 * read would keep the log from being folded in.
 *
 * Power may fail: synchronous=NORMAL, so the last seconds may be missing then,
 * but what is there is whole; pins are all there (pins_adopt). A killed process loses nothing it committed.
 */
#ifndef RINGPROF_STORE_HFILE_H
#define RINGPROF_STORE_HFILE_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/code.h"
#include "store/store.h"

struct selector;

#define HFILE_VERSION 2		 /* 1 is read and written on */
#define HFILE_APP_ID  0x52504831 /* "RPH1" */
/*
 * Bytes of a dictionary in memory: some kilobytes from elsewhere may unpack to
 * gigabytes. Files of our own are closed at a fifth of that, pins end at half.
 */
#define HFILE_MAX_DICT (256U << 20)

/*
 * Entries of one window: more than the writer puts into one, 120 MiB. A file from
 * elsewhere may claim any number, and pack it into nothing.
 */
#define HFILE_MAX_ENTRIES (5U << 20)

struct hrow { /* what is known of a window without reading it */
	int64_t id;
	uint64_t from, to; /* wall ns */
	uint64_t first_seq, last_seq;
};

struct hfile {
	int refs; /* atomic */
	char *path;
	uint32_t tier;	 /* enum store_tier */
	uint64_t day;	 /* of its windows, days of the epoch; 0 in pins */
	uint32_t number; /* of several files of a day; a pin's id */
	bool is_pin;
	char *pin_name;	 /* never NULL in pins */
	char *pin_host;	 /* whose windows these are; never NULL */
	uint64_t origin; /* whose history it is */
	/* the history's lock */
	struct hrow *rows; /* as they were written */
	size_t n_rows, cap_rows;
	uint64_t bytes;	 /* of all that belongs to it, when last looked at */
	bool busy;	 /* the writer's now: must not go */
	const char *bad; /* why it is to be set aside; NULL: it is fine */
	bool unreadable; /* the disk failed at it: said once */
	/* the file's lock */
	pthread_mutex_t lock;
	sqlite3 *db; /* readers' */
	sqlite3_stmt *get_head, *get_data;
	struct dict *dict; /* a reference, perhaps with more than the file; NULL: not read */
	uint64_t used;	   /* mono ns of the last read */
	/* the writer's thread */
	unsigned int dict_file; /* which one it is of the dictionary's */
	int64_t version;	/* of the file as it is */
	bool cut;		/* is not to be written on: its numbering took too much memory */
	sqlite3 *wdb;
	sqlite3_stmt *put_seg, *put_win, *put_data;
};

/* Has it a window in [from, to), wall ns? With the history's lock. */
static inline bool hfile_overlaps(const struct hfile *f, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < f->n_rows; i++)
		if (f->rows[i].from < to && f->rows[i].to > from)
			return true;
	return false;
}

/*
 * A new file, to be written on as hfile_write_on says; must not be there. pin_name
 * NULL: no pin. 0 or -errno.
 */
int hfile_create(struct hfile **ret, const char *path, uint64_t origin, const char *host,
		 const char *pin_name, struct dict *d, unsigned int i);
/*
 * Checks it and reads its rows: 0; -EBADMSG: *why says what is wrong (static
 * text); -ENOMEM, -ENOSPC, -EIO: nothing is known of the file.
 */
int hfile_open(struct hfile **ret, const char *path, const char **why);
/*
 * Ready for hfile_commit, as file i of the writable dictionary d, whose mark says
 * what f has of it. Readers share d from now on (a reference is taken). 0 or
 * -errno.
 */
int hfile_write_on(struct hfile *f, struct dict *d, unsigned int i);
/* Folds in the log of a file that is written on, as far as nobody else reads it. 0 or -errno. */
int hfile_fold(struct hfile *f);
/*
 * Folds in the log, closes the writer's side and gives back the dictionary. 0, or -errno: the log stays
 * beside the file, to be folded in at the next start.
 */
int hfile_seal(struct hfile *f);
struct hfile *hfile_ref(struct hfile *f);
void hfile_unref(struct hfile *f); /* NULL is fine */
/* Takes the file and what SQLite made beside it from the disk. */
void hfile_unlink(struct hfile *f);
/* The same by name; there may be nothing. */
void hfile_remove(const char *path);
/* To NAME.refused, likewise. */
void hfile_set_aside(const char *path);
uint64_t hfile_size(const char *path); /* on the disk now, bytes */
/* The same without what goes when it is closed, once its log is folded in. */
uint64_t hfile_own_size(const char *path);

/* A window on its way to the file. */
struct hfile_batch {
	struct buf seg, head, data; /* packed; seg empty: nothing new in the dictionary */
};

/*
 * Packs a window (and what is new of the dictionary); entries are sorted, *head's
 * sums are filled in and freed. *packer NULL: made, the caller's to free. 0,
 * -ENOMEM, -EIO, -EFBIG (too much is new). Free the batch in any case.
 */
int hfile_pack(struct hfile *f, ZSTD_CCtx **packer, struct code_head *head,
	       const struct code_entry *e, uint32_t n, struct hfile_batch *ret);
void hfile_batch_free(struct hfile_batch *b);
/* What the batch may add to the file and its log, bytes. */
uint64_t hfile_batch_need(const struct hfile_batch *b);
/* Writes it in one transaction; row->id is filled. 0, -ENOSPC, -EIO, -EBADMSG, -ENOMEM. */
int hfile_commit(struct hfile *f, struct hrow *row, const struct hfile_batch *b);

/*
 * Reads one window: head, and entries unless totals_only. The model it refers
 * to is read when it is not there. 0; -ENOMEM, -EIO, -EBADMSG; matcher_test's.
 */
int hfile_window(struct hfile *f, const struct hrow *row, const struct selector *sel,
		 bool totals_only, struct window **ret);
/* How many entries the window says it has, read from its head alone. As hfile_window. */
int hfile_entries(struct hfile *f, const struct hrow *row, uint64_t *ret);
/* All of a window of a raw file, and its samples, to be freed. As hfile_window. */
int hfile_raw(struct hfile *f, const struct hrow *row, struct window **ret,
	      struct raw_sample **samples, uint32_t *n);
/* Totals by label set to fn, see store_series. */
int hfile_series(struct hfile *f, const struct hrow *row, const struct selector *sel, series_fn fn,
		 void *arg);
/*
 * Has it label sets of a host that sel takes? 1, 0, matcher_test's errors, or as
 * hfile_window. Reads the dictionary when the host told with the file is not it.
 */
int hfile_has_host(struct hfile *f, const struct selector *sel);
/* The dictionary, if it is not there; with the file's lock held. As hfile_window. */
int hfile_load(struct hfile *f, const char **why);
/* Bytes that hfile_forget would give back. */
size_t hfile_cached(struct hfile *f);
/* Lets go of dictionary and readers' connection, unless it is written on or in use right now. */
void hfile_forget(struct hfile *f);

#endif
