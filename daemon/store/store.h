/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where closed windows go and where queries find them. Memory holds the last
 * hour in full detail (thread, CPU); below it a history on disk, if one was
 * opened: tiers of 10 s, 1 min, 10 min and 1 h by label set, under one hard
 * limit of bytes. Whoever asks gets windows in order of time and need not know
 * which tier they came from.
 *
 * Any thread. Adding never waits for a disk: a thread of the store's own
 * writes, at low priority.
 */
#ifndef RINGPROF_STORE_STORE_H
#define RINGPROF_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agg/window.h"

struct store;
struct selector;

struct store_config {
	uint64_t max_age; /* ns before the newest window's end */
	/*
	 * Windows, and each model once that one of them refers to. The newest
	 * window stays whatever the limit: it should be several times the
	 * aggregator's max_model_bytes.
	 */
	size_t max_bytes;
};

struct store *store_new(const struct store_config *cfg); /* NULL: no memory */
/* Closes the history too, all of the queue written. NULL is fine; references given out stay good. */
void store_free(struct store *s);
void store_reconfigure(struct store *s, const struct store_config *cfg);
/*
 * Takes over the caller's reference, also when it fails: 0 or -ENOMEM. Windows
 * come in order of their mono times and do not overlap.
 */
int store_add(struct store *s, struct window *w);

/* ---- the history on disk ---- */

struct history_config {
	const char *dir;     /* made if it is missing; one daemon's alone */
	const char *host;    /* told with pins that go elsewhere */
	uint64_t max_bytes;  /* of all files, the log included */
	uint64_t max_age[4]; /* ns: 10 s, 1 min, 10 min, 1 h */
	uint64_t raw_bytes;  /* of max_bytes for single samples of the last minutes; 0: none */
	/*
	 * Bytes that the numbering of the files that are written may take together,
	 * and no more that of files read lately: past it files are cut. 0: no limit.
	 */
	size_t memory;
	uint64_t (*now)(void); /* wall ns; NULL: the clock */
	/*
	 * Names a place for good, from the writer's thread: as query_resolve. vaddr:
	 * its ELF virtual address, *has_vaddr false: none.
	 */
	void (*name)(void *arg, const struct model_object *o, uint64_t off, struct sym_answer *ret,
		     bool *has_vaddr, uint64_t *vaddr);
	/*
	 * A kernel address as it may leave the host: so it is kept, for a file may go
	 * anywhere. From the writer's thread; NULL: as it is.
	 */
	uint64_t (*tell)(void *arg, const struct model_object *o, uint64_t off);
	void *arg;
};

/*
 * Opens what is there and starts the writer. Before the first window is added;
 * what is given to `name` must outlive the store. 0, or -errno with a sentence:
 * then the store goes on with memory alone.
 */
int store_open_history(struct store *s, const struct history_config *cfg, char *err, size_t errlen);
/* Limits of *cfg alone take effect. */
void store_limit_history(struct store *s, const struct history_config *cfg);
/* Blocks until all that was added is written, as far as it can be (tests, benches). */
void store_sync(struct store *s);

struct history_counters {
	uint64_t bytes, max_bytes, files, queued;
	uint64_t commits, windows_lost; /* could not be written */
	uint64_t queue_full;		/* of those: the writer did not keep up */
	uint64_t dropped_by_age, dropped_by_budget, dropped_by_full_disk; /* files */
	uint64_t dropped_raw; /* for what raw files may take */
	uint64_t refused;     /* files set aside */
	uint64_t series_other, names, names_unknown;
	uint64_t cache_bytes;
	uint64_t writer_bytes, cut; /* memory of what is written; files cut for its sake */
	uint64_t pins, pin_bytes;
	uint64_t raw_bytes, raw_max_bytes, raw_samples,
		raw_lost;		 /* samples: written, not written */
	uint64_t raw_oldest, raw_newest; /* wall ns, 0: none */
};
/* false: memory only. */
bool history_counters(struct store *s, struct history_counters *ret);
/* What is wrong with it now, one sentence; "" nothing. */
void history_trouble(struct store *s, char *ret, size_t len);
/* Takes the oldest line for the log; false: there is none. */
bool history_message(struct store *s, char *ret, size_t len);

/* A reference to each window that overlaps [from, to), wall ns, oldest first. */
struct window_list {
	struct window **w;
	size_t n;
};
/* Memory alone: 0 or -ENOMEM; *ret is empty then. Free with window_list_free. */
int store_range(struct store *s, uint64_t wall_from, uint64_t wall_to, struct window_list *ret);
/* The same by mono ns (scrapes). */
int store_range_mono(struct store *s, uint64_t from, uint64_t to, struct window_list *ret);
void window_list_free(struct window_list *l);

struct store_counters {
	uint64_t windows, bytes, oldest_wall, newest_wall, dropped_by_budget, dropped_by_age;
};
void store_counters(struct store *s, struct store_counters *ret); /* of memory */

/* ---- asking: memory and disk together ---- */

enum store_tier { TIER_MEMORY, TIER_10S, TIER_1M, TIER_10M, TIER_1H, TIER_MAX };

struct store_ask {
	uint64_t from, to; /* wall ns; what overlaps, at the finest resolution kept for that time */
	/*
	 * ns; windows are no longer than this, unless nothing finer is kept; 0: as
	 * coarse as fits between from and to, finer at the edges
	 */
	uint64_t step;
	/* entries may be left out: n_entries 0, samples and weight of what sel takes are there */
	bool totals_only;
	/*
	 * NULL: all. Label sets that cannot match are not even read; what is given
	 * may still hold others, so who asks matches each entry yet. A selector by
	 * pid, tid or CPU finds nothing on disk: those are kept in memory alone.
	 */
	const struct selector *sel;
	/*
	 * Windows that were recorded elsewhere and imported are left out unless sel
	 * has a matcher of the label host, or this is set: numbers of this host are
	 * no sums of others'. Of those, and of this host's own, sel's matcher then
	 * leaves out whole windows of hosts that it does not take.
	 */
	bool all_hosts;
	const int *cancelled; /* stop when it turns non-zero; may be NULL */
	uint64_t deadline;    /* mono ns, 0: none */
};

/* What an answer was made of. */
struct store_used {
	uint32_t windows[TIER_MAX];
	uint32_t raw;		/* windows taken from single samples */
	uint64_t from, to;	/* sampled, wall ns; 0, 0: nothing was */
	uint32_t files_refused; /* that had to be left out: damaged, or the disk failed */
	uint32_t other_hosts;	/* that have imported windows in the range, left out */
};

/* w is good during the call (window_ref keeps it); nonzero ends the feed, and is its result. */
typedef int (*window_fn)(void *arg, struct window *w);

/*
 * Calls fn with the windows of that range in order of time, none twice, without
 * a gap but those of the recording. Those from disk have one thread (tid 0) a
 * label set, pid 0 and CPU 0; their mono times are the wall times; comm and exe
 * are labels; entries stand by label set, not by stack; losses, idle, period,
 * unit and cpus are as recorded. ret may be NULL. 0, fn's result, -ECANCELED,
 * -ETIMEDOUT, -ENOMEM.
 */
int store_feed(struct store *s, const struct store_ask *ask, window_fn fn, void *arg,
	       struct store_used *ret);

/*
 * Totals of one window by label set, for time lines and lists: no stack is
 * read. For each window (from, to: wall ns) in which samples could come, for
 * `sampled` ns of it, first one call with labels NULL: samples and weight are
 * what was lost in it. Then one for each label set that
 * sel takes; labels are good during the call. One set may come more than once
 * a window. Results as store_feed's.
 */
typedef int (*series_fn)(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
			 const struct model_series *labels, uint64_t samples, uint64_t weight);
int store_series(struct store *s, const struct store_ask *ask, series_fn fn, void *arg);

/*
 * Single samples of the last minutes, while they are kept: windows of that
 * range in order of time, whose entries have threads with pid and tid, and the
 * samples of each in order of time. w and the samples are good during the
 * call; nonzero ends it. The range is whole windows: who asks looks at the
 * times. Results as store_feed's.
 */
typedef int (*raw_fn)(void *arg, struct window *w, const struct raw_sample *s, uint32_t n);
int store_raw(struct store *s, const struct store_ask *ask, raw_fn fn, void *arg);
/* Are single samples kept, so that windows should come with their events? Any thread. */
bool store_keeps_raw(struct store *s);
/*
 * Is all of [from, to) that is in the store there as single samples, too?
 * Imported windows never are: sel as in store_ask.
 */
bool store_raw_covers(struct store *s, uint64_t from, uint64_t to, const struct selector *sel);
/* Waits, ns at most, until what was recorded up to now has been written. Any thread. */
void store_settle(struct store *s, uint64_t ns);

struct tier_info {
	const char *name;	 /* "memory", "10s", "1m", "10m", "1h" */
	uint64_t step;		 /* ns a window */
	uint64_t oldest, newest; /* wall ns, 0: none */
	uint64_t bytes, windows;
	uint64_t max_age;    /* ns */
	uint64_t guaranteed; /* bytes that finer tiers cannot take from it */
};
/* Memory first; at most max rows, the number of them (1 without a history on disk). */
size_t store_tiers(struct store *s, struct tier_info *ret, size_t max);

/* ---- events ---- */

struct store_event {
	uint64_t id;
	uint64_t time, until; /* wall ns; until 0: a moment */
	/* no pointer NULL; kind "deploy" or "note" */
	const char *kind, *service, *version, *git_ref, *text;
};
#define STORE_EVENT_TEXT 4096 /* bytes of one text, at most */

/* id of *e is not read. 0, -EINVAL (a text too long, an unknown kind), -ENOMEM, -EIO. */
int store_event_add(struct store *s, const struct store_event *e, uint64_t *ret_id);
/* Those that overlap [from, to), by time; texts are good during the call. As store_feed. */
int store_events(struct store *s, uint64_t from, uint64_t to,
		 int (*fn)(void *arg, const struct store_event *e), void *arg);

/* ---- pins: ranges that stay ---- */

struct store_pin {
	uint64_t id, from, to, bytes; /* from, to: wall ns */
	const char *name;	      /* never NULL */
	const char *origin; /* "": made here; else the host that an imported one is from */
};
#define STORE_PIN_NAME 200

/*
 * Keeps what there is of [from, to) whatever the limits, and through a power cut. 0; -EINVAL, -ENOTSUP
 * (no history on disk), -ENODATA (nothing was recorded then), -ENOSPC (pins may
 * hold half the budget), -EIO: with a sentence in err.
 */
int store_pin(struct store *s, uint64_t from, uint64_t to, const char *name, uint64_t *ret_id,
	      char *err, size_t errlen);
int store_unpin(struct store *s, uint64_t id); /* 0 or -ENOENT */
int store_pins(struct store *s, int (*fn)(void *arg, const struct store_pin *p), void *arg);

/* ---- ranges as one file, for elsewhere ---- */

/*
 * A file that holds a range, whole in itself: what store_import takes. It may be
 * gone from the directory; its bytes stay until it is closed, and count in the
 * budget. Any thread, one at a time.
 */
struct store_file;
/* All there is of the range. Errors as store_pin. Close *ret with store_file_close. */
int store_export(struct store *s, uint64_t from, uint64_t to, struct store_file **ret, char *err,
		 size_t errlen);
/* A pin as it is. Also -ENOENT: there is none of that number. */
int store_export_pin(struct store *s, uint64_t id, struct store_file **ret, char *err,
		     size_t errlen);
uint64_t store_file_size(const struct store_file *f); /* bytes */
/* n bytes or fewer from offset at: how many, 0 at the end, or -errno. */
ssize_t store_file_read(const struct store_file *f, uint64_t at, void *room, size_t n);
void store_file_close(struct store_file *f); /* NULL is fine */

/*
 * Such a file on its way in. It is read when all of it is there, and becomes a
 * pin (its range stays until unpinned) or leaves nothing behind.
 */
struct store_import;
/*
 * size: bytes that it will have, 0: not known. Errors as store_pin. Ended by
 * exactly one of store_import_end and _drop.
 */
int store_import_begin(struct store *s, uint64_t size, struct store_import **ret, char *err,
		       size_t errlen);
/*
 * The next bytes of it. 0, -ENOSPC (more than pins may hold), -EBADMSG (it begins
 * as no such file), -EIO: with a sentence in err.
 */
int store_import_write(struct store_import *in, const void *p, size_t n, char *err, size_t errlen);
/* -EBADMSG: it is no such file, or damaged. Frees in, also when it fails. */
int store_import_end(struct store_import *in, uint64_t *ret_id, char *err, size_t errlen);
void store_import_drop(struct store_import *in); /* NULL is fine */

#endif
