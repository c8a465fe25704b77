/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that reads strangers' files for the daemon: symbol tables, debug
 * information, unwind information, mangled names. It is sent open descriptors and questions,
 * and sends back what it found; it runs under a user of its own, without
 * capabilities, under seccomp (base/sandbox.h). So what a crafted file does to
 * libelf, libdw or a decompressor, it does there.
 *
 * What comes back is bytes as hostile as the file: each answer is bounded, and
 * checked where it is taken apart. When the process ends it is started again,
 * at once the first time, later after a pause. The file that it was reading is
 * not read again in this run: it would end the next one, too. (Killed from
 * outside, or for lack of memory, it is asked once more first, and where slow_twice is set.)
 *
 *   daemon                                      reader
 *     question: operation, arguments, fds   ->
 *                                           <-  READER_OPEN: a file that belongs to it
 *     fd or error                           ->
 *                                           <-  status, answer
 *
 * One question at a time: who must not wait for another kind of question has a
 * reader of its own. Any thread may ask; a thread for each reader starts the
 * process and waits for its end, made by the first question: rights that are to
 * be given up are given up before.
 */
#ifndef RINGPROF_SYM_READER_H
#define RINGPROF_SYM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "sym/files.h"

#define READER_ARGV0 \
	"ringprof-reader" /* what a program that is started as such calls reader_main by */
#define READER_MAX_FDS 2
#define READER_TIMEOUT_NS \
	(120ULL * 1000000000)	       /* for one question; the largest files take seconds */
#define READER_REFUSED (-ECONNABORTED) /* the file is not read again */

enum reader_op {
	READER_OPEN, /* the reader's: a file that the one that it reads refers to */
	READER_TABLE,
	READER_LINES_OPEN,
	READER_LINES_LOOKUP,
	READER_LINES_CLOSE,
	READER_GO,
	READER_ROWS,
	READER_JIT,
	READER_DEMANGLE,
	READER_HELLO, /* any answer will do: it has started */
	READER_OPS
};

struct reader;

#define KEEPER_ARGV0 "ringprof-keeper" /* the same, of keeper_main */

struct reader_config {
	const char *name; /* what it reads, a short word; not copied */
	uid_t uid;	  /* what it runs as, if that may be chosen */
	gid_t gid;
	/* socket of a manager that starts keepers, not copied; without: we start it, as we are */
	const char *keeper;
	uint64_t max_memory; /* bytes of address space */
	uint64_t timeout;    /* ns, 0: READER_TIMEOUT_NS */
	/* ended as too slow, it is asked once more first: a short timeout passes on a busy host, too */
	bool slow_twice;
};

struct reader *reader_new(const struct reader_config *cfg); /* NULL: no memory */
/* Ends the process. Nobody asks any more. NULL is fine. */
void reader_free(struct reader *r);

/* A descriptor for the reader, which the caller of this closes, with its size; or -errno. */
typedef int (*reader_open_fn)(void *arg, const char *dir, const char *name, uint64_t *size);

struct reader_question {
	enum reader_op op;
	struct file *file; /* who is to blame; NULL: nobody */
	const void *args;
	size_t len;
	int fds[READER_MAX_FDS]; /* borrowed */
	uint32_t n_fds;
	reader_open_fn open; /* NULL: nothing is opened for it */
	void *arg;
	size_t max_answer;
	uint64_t process; /* it must be this one's to answer; 0: whichever there is */
};

struct reader_answer {
	void *data; /* the caller's to free */
	size_t len;
	uint64_t process; /* that answered; never the same for two */
	uint64_t ns;	  /* that it took, or was waited for, its start not counted */
};

/*
 * The reader's own status, negative for an error; and READER_REFUSED; -EAGAIN:
 * there is no process now, and it is worth asking later; -ESTALE: the process
 * that was meant is gone. Without ret->data where it is negative. A file is not to
 * blame for a process that does not start.
 */
int reader_ask(struct reader *r, const struct reader_question *q, struct reader_answer *ret);

enum reader_fault { READER_CRASHED, READER_KILLED, READER_SLOW, READER_NONSENSE, READER_FAULTS };
const char *reader_fault_name(enum reader_fault f);

struct reader_counters {
	const char *name;
	pid_t pid; /* 0: none now */
	uint64_t questions, starts;
	uint64_t deaths;		 /* that were not asked for */
	uint64_t refused[READER_FAULTS]; /* files, by what they did */
};
void reader_counters(struct reader *r, struct reader_counters *ret);
/*
 * A file refused since the one before: its path into path[len] and what it did;
 * false: there is none. For the log, one thread.
 */
bool reader_next_refused(struct reader *r, char *path, size_t len, enum reader_fault *ret);
/* The paths of the files refused last, as JSON strings, comma separated. */
void reader_list_refused(struct reader *r, struct buf *b);

/* ---- in the process itself ---- */

struct reader_conn;

struct reader_args {
	const void *data;
	size_t len;
	int fds[READER_MAX_FDS]; /* -1: none; closed by the caller */
};

/* Status, negative for an error; what is appended to ret is the answer. */
typedef int (*reader_serve_fn)(struct reader_conn *c, const struct reader_args *q, struct buf *ret);
/* A reader_open_fn, of a struct reader_conn: has the daemon open what the file refers to: a descriptor, the caller's, or -errno. */
int reader_open(void *conn, const char *dir, const char *name, uint64_t *size);
/*
 * Answers questions at that socket until it is closed, by ops[READER_OPS]. 0, or
 * -errno: what came makes no sense.
 */
int reader_serve(int sock, const reader_serve_fn *ops);
/* main() of the process, with the sandbox around it; never returns. */
void reader_main(int argc, char **argv, const reader_serve_fn *ops) __attribute__((noreturn));
/* main() of a process that makes one reader for who has connected to its standard input. */
void keeper_main(void) __attribute__((noreturn));

#endif
