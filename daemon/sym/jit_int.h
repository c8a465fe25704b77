/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the JIT tables: jit.c keeps the registry, the thread and its
 * processes, jit_open.c finds and opens files, jit_read.c reads them on,
 * jit_ask.c asks the reader for what stands in them and takes its answer apart,
 * jit_table.c keeps and finds code. In the reader, jit_serve.c answers, and
 * jit_perfmap.c and jitdump.c parse.
 *
 * Locks: jit->lock before table->lock. The registry's is held for a few
 * instructions; a table's while one piece of code is put in or looked up.
 */
#ifndef RINGPROF_SYM_JIT_INT_H
#define RINGPROF_SYM_JIT_INT_H

#include <pthread.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "sym/jit.h"
#include "sym/jit_msg.h"

#define JIT_MAX_VERSIONS 64 /* a table with more is begun anew with what is alive */
#define JIT_MAX_CHANGES	 256

struct jit_code {
	STAILQ_ENTRY(jit_code) link; /* in the order told */
	uint64_t start, end;
	uint64_t time; /* mono ns it appeared; 0: before anything we saw */
	uint32_t version;
	struct jit_lines *lines; /* owned, or NULL */
	char name[];
};

STAILQ_HEAD(jit_code_list, jit_code);

struct jit_table {
	struct jit *j; /* a reference */
	uint32_t refs; /* atomic */
	uint32_t id;
	TAILQ_ENTRY(jit_table) link;	  /* j->tables: j->lock */
	pthread_mutex_t lock;		  /* the rest */
	void *versions[JIT_MAX_VERSIONS]; /* tsearch(3) trees of pieces that never overlap */
	uint32_t n_versions;
	struct jit_code_list all;
	uint64_t n_code; /* these two also read without the lock */
	size_t bytes;
	bool closed; /* takes no more code: emptied, or full of what is alive */
	/* times at which an address began to mean something else, not yet passed by */
	uint64_t changes[JIT_MAX_CHANGES];
	uint32_t n_changes;
	uint64_t seen; /* latest time that samples were looked up for */
};

enum jit_add {
	JIT_ADDED,
	JIT_SAME,    /* it is there already */
	JIT_FULL,    /* no room: over the table's bytes */
	JIT_CROWDED, /* no version left: the table has to be begun anew */
};

struct jit_table *jit_table_new(struct jit *j); /* NULL: no memory */
/*
 * Puts a piece of code in; lines (or NULL) becomes the table's in any case.
 * start < end. JIT_FULL also without memory.
 */
enum jit_add jit_table_add(struct jit_table *t, uint64_t start, uint64_t end, uint64_t time,
			   const char *name, size_t len, struct jit_lines *lines);
/* Code at old moved to start: as jit_table_add with its name; false: there is none. */
bool jit_table_move(struct jit_table *t, uint64_t old, uint64_t start, uint64_t size, uint64_t time,
		    enum jit_add *ret);
/* A new table with what is visible in t now; NULL: no memory. */
struct jit_table *jit_table_renew(struct jit_table *t);
/* Forgets all code and takes no more: its frames have no names from then on. */
void jit_table_clear(struct jit_table *t);
/* Has an address changed its meaning up to `time`? Each change is told once. */
bool jit_table_changed(struct jit_table *t, uint64_t time);

/* ---- jit.c ---- */

#define JIT_TAIL 64

struct jit_file {
	int fd;		 /* -1 */
	char *path;	 /* that is told, while fd >= 0; NULL: no memory */
	uint8_t key[20]; /* who is to blame (struct file), while fd >= 0 */
	struct jit_place place;
	char tail[JIT_TAIL]; /* what stood before at.off, to know a file that was written anew */
	size_t tail_len;
	uint64_t read;		       /* bytes in all, what was read anew too */
	bool cut;		       /* too long, or not to be understood: not read any more */
	struct timespec refused_ctime; /* each refusal counts once */
	enum jit_refusal refused;
};

struct jit_proc {
	struct jit *j;
	pid_t pid;
	uint64_t start_ticks;
	/* the collector's */
	uint64_t asked; /* mono ns of the last request */
	struct jit_table *view;
	/* under j->lock */
	uint32_t refs;
	bool queued, given_up;
	uint64_t since;		 /* mono ns the thread is at it; UINT64_MAX: waits for the reader */
	bool gone;		 /* atomic */
	uint64_t covered;	 /* the files were read at this mono time */
	struct jit_table *table; /* atomic; replaced by the thread */
	struct file_where dump;	 /* path owned; NULL: none */
	bool dump_is_new;
	TAILQ_ENTRY(jit_proc) link; /* j->queue */
	/* the thread's */
	struct jit_file map, dumped;
	pid_t ns_pid; /* 0: not known yet */
	uid_t uid;
	bool hopeless;	     /* its table is full of what is alive */
	bool host_root;	     /* it sees the host's files */
	uint64_t began;	     /* mono ns of the first reading */
	uint64_t last_read;  /* mono ns */
	uint64_t next_open;  /* mono ns: a map that is not there is not looked for each time */
	uint32_t open_pause; /* s */
	uint32_t tries;	     /* in vain, since the process went */
};

struct jit_thread;

struct jit {
	uint32_t refs; /* atomic */
	struct jit_config cfg;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	bool stop;
	TAILQ_HEAD(, jit_proc) queue;
	TAILQ_HEAD(, jit_table) tables;
	struct jit_thread *thread; /* the one that is not left behind; NULL: none */
	uint32_t left_behind;
	uint32_t asking; /* threads that wait for the reader's answer */
	uint32_t next_id;
	uint64_t patience_from, patience; /* ns the collector has waited since then */
	size_t bytes;			  /* atomic */
	uint32_t open_files;		  /* atomic */
	struct jit_counters c;		  /* atomic adds */
};

static inline void jit_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

struct jit *jit_ref(struct jit *j);
void jit_unref(struct jit *j);
/* Empties the largest tables until all are within the limit. */
void jit_shrink(struct jit *j);
/*
 * What stands between them is a question to the reader, which has a time limit
 * of its own. False: it is not to be asked for p. Thread.
 */
bool jit_begin_asking(struct jit_proc *p);
void jit_end_asking(struct jit_proc *p);

/* ---- jit_open.c ---- */

/* Opens p's perf map into p->map, if it has one that may be read; 0 or -errno. Thread. */
int jit_open_map(struct jit_proc *p);
/* The same with the jitdump that it maps. */
int jit_open_dump(struct jit_proc *p, const struct file_where *w);
void jit_close(struct jit *j, struct jit_file *f);
/* Counts that a file was refused, once for each file and reason. */
void jit_refuse(struct jit *j, struct jit_file *f, const struct stat *st, enum jit_refusal why);

/* ---- jit_ask.c ---- */

/*
 * Has a batch of the file read by the reader, or here: 1 there is more now, 0,
 * -errno as jit_take_answer, READER_REFUSED, -EAGAIN: nobody reads now. Thread.
 */
int jit_ask(struct jit_proc *p, struct jit_file *f, bool is_map, struct jit_sink *sink);

/* ---- jit_read.c ---- */

#define JIT_ROUND_BYTES (1U << 20) /* of one file at once, then others have their turn */

/* Reads on what the process has written; 1: there is more, 0. Thread. */
int jit_proc_read(struct jit_proc *p);

#endif
