// SPDX-License-Identifier: GPL-2.0
/*
 * Questions to a reader, and what becomes of those that it did not survive.
 *
 * A file is known by key and size here: two files with one build-id are not
 * told apart by who wrote them, so one that crashes a reader takes those with
 * it that have both from it. They have no names then, no more.
 */
#include "sym/reader.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/file_close.h"
#include "sym/reader_int.h"
#include "sym/reader_msg.h"

#define START_WAIT_NS NSEC_PER_SEC	  /* for a process that is to be started */
#define START_NS      (10 * NSEC_PER_SEC) /* until it answers, on a host that does all at once */
#define MAX_OPENS     16384		  /* files asked for in one question */
#define OPEN_MAX      (2 * 4096 + 2)

const char *reader_fault_name(enum reader_fault f)
{
	static const char *const names[READER_FAULTS] = {
		[READER_CRASHED] = "crashed",
		[READER_KILLED] = "killed",
		[READER_SLOW] = "too slow",
		[READER_NONSENSE] = "nonsense",
	};

	return names[f];
}

static bool is_refused(const struct reader *r, const struct file *f)
{
	uint64_t n = r->n_refused < READER_MAX_REFUSED ? r->n_refused : READER_MAX_REFUSED;

	for (uint64_t i = 0; f && i < n; i++)
		if (r->refused[i].size == f->size &&
		    !memcmp(r->refused[i].key, f->key, sizeof(f->key)))
			return true;
	return false;
}

static void refuse(struct reader *r, const struct file *f, enum reader_fault fault)
{
	struct refused *x;

	pthread_mutex_lock(&r->lock);
	x = &r->refused[r->n_refused++ % READER_MAX_REFUSED];
	memcpy(x->key, f->key, sizeof(x->key));
	x->size = f->size;
	x->fault = fault;
	snprintf(x->path, sizeof(x->path), "%s", f->path);
	r->c.refused[fault]++;
	pthread_mutex_unlock(&r->lock);
}

/* Our end of the socket, for the time of a question; -EAGAIN there is none, -ESTALE another one. */
static int take_socket(struct reader *r, uint64_t wanted, uint64_t *ret_process)
{
	uint64_t until = mono_now() + START_WAIT_NS;
	int ret;

	pthread_mutex_lock(&r->lock);
	/* what an ended one had open is not waited for */
	if (!r->stop && (!wanted || wanted > r->ended) && !reader_run(r))
		while (r->sock < 0 && !r->stop && r->next_start < until && reader_wait(r, until))
			;
	ret = r->sock >= 0 ? r->sock : -EAGAIN;
	if (wanted && (wanted != r->process || wanted <= r->ended))
		ret = -ESTALE;
	if (ret >= 0)
		r->sock = -1;
	r->c.questions++;
	*ret_process = r->process;
	pthread_mutex_unlock(&r->lock);
	return ret;
}

static void give_back(struct reader *r, int sock, uint64_t process)
{
	pthread_mutex_lock(&r->lock);
	/* it may have ended meanwhile, killed by somebody */
	if (r->process == process && r->pid)
		r->sock = sock;
	else
		close(sock);
	pthread_mutex_unlock(&r->lock);
}

/* The file that it asks for on the way to its answer. */
static int open_for(const struct reader_question *q, const struct reader_msg *m, int sock,
		    uint64_t until)
{
	const char *dir = m->data, *name = dir ? dir + strlen(dir) + 1 : NULL;
	struct reader_head h = { .op = READER_OPEN };
	uint64_t size = 0;
	struct iovec part = { &size, sizeof(size) };
	int fd, r;

	/* both texts end in the message: it has a NUL behind */
	if (!dir || name > dir + m->len)
		return -EPROTO;
	fd = q->open ? q->open(q->arg, dir, name, &size) : -ENOENT;
	h.status = fd < 0 ? fd : 0;
	h.n_fds = fd >= 0;
	r = reader_send(sock, &h, &part, 1, &fd, until);
	/* it may lie anywhere */
	file_close_aside(fd, false);
	return r;
}

static int converse(int sock, const struct reader_question *q, uint64_t timeout,
		    struct reader_msg *m)
{
	const struct reader_head h = { .op = q->op, .n_fds = q->n_fds };
	const struct iovec part = { (void *)q->args, q->len };
	uint64_t until = mono_now() + timeout;
	size_t max = q->max_answer > OPEN_MAX ? q->max_answer : OPEN_MAX;
	int err = reader_send(sock, &h, &part, 1, q->fds, until);

	for (int i = 0; !err && i < MAX_OPENS; i++) {
		err = reader_recv(sock, m, max, false, until);
		if (err)
			break;
		if (m->op != READER_OPEN)
			return m->op == q->op && m->status >= -4095 ? 0 : -EPROTO;
		err = open_for(q, m, sock, until);
		reader_msg_done(m);
	}
	return err ? err : -EPROTO;
}

/* Has it started? Else it is gone afterwards. */
static bool greet(struct reader *r, int sock, uint64_t process)
{
	const struct reader_question q = { .op = READER_HELLO };
	struct reader_msg m = { .fds = { -1, -1 } };
	int err = process == r->greeted ? 0 : converse(sock, &q, START_NS, &m);

	reader_msg_done(&m);
	if (!err) {
		r->greeted = process;
		return true;
	}
	close(sock);
	reader_reap(r, process);
	return false;
}

/* take_socket's, of a process that has started; one that was killed meanwhile is no reason to give up. */
static int take_started(struct reader *r, uint64_t wanted, uint64_t *ret_process)
{
	for (int i = 0; i < 2; i++) {
		int sock = take_socket(r, wanted, ret_process);

		if (sock < 0 || greet(r, sock, *ret_process))
			return sock;
	}
	return -EAGAIN;
}

static enum reader_fault fault_of(int err, int wait_status)
{
	if (err == -ETIMEDOUT)
		return READER_SLOW;
	if (err == -EPROTO)
		return READER_NONSENSE;
	return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL ? READER_KILLED
									    : READER_CRASHED;
}

/* One try; *ret_fault is set where it took the process with it. */
static int ask(struct reader *r, const struct reader_question *q, struct reader_answer *ret,
	       enum reader_fault *ret_fault)
{
	struct reader_msg m = { .fds = { -1, -1 } };
	uint64_t process, began;
	int sock = take_started(r, q->process, &process), err;

	*ret_fault = READER_FAULTS;
	if (sock < 0)
		return sock;
	began = mono_now();
	err = converse(sock, q, r->cfg.timeout, &m);
	ret->ns += mono_now() - began;
	if (err == -ENOMEM) {
		/* here, for what it says: it is in the middle of saying it */
		close(sock);
		reader_reap(r, process);
		return err;
	}
	if (err) {
		reader_msg_done(&m);
		/* closed first: one that lives on finds nobody to talk to */
		close(sock);
		*ret_fault = fault_of(err, reader_reap(r, process));
		return -EAGAIN;
	}
	give_back(r, sock, process);
	if (m.status >= 0) {
		ret->data = m.data;
		ret->len = m.len;
		ret->process = process;
	} else {
		free(m.data);
	}
	/* these two are ours to say */
	return m.status == -EAGAIN || m.status == READER_REFUSED ? -EINVAL : m.status;
}

static bool is_suspect(const struct reader *r, const struct reader_question *q)
{
	return r->suspect.op == q->op && r->suspect.size == q->file->size &&
	       !memcmp(r->suspect.key, q->file->key, sizeof(r->suspect.key));
}

/* It ended at this question, perhaps by accident. Whoever did it, a second time is none. */
static bool ended_again(struct reader *r, const struct reader_question *q)
{
	bool again = is_suspect(r, q);

	r->suspect.op = again ? READER_OPEN : q->op;
	r->suspect.size = q->file->size;
	memcpy(r->suspect.key, q->file->key, sizeof(r->suspect.key));
	return again;
}

static bool may_be_accident(const struct reader *r, enum reader_fault fault)
{
	return fault == READER_KILLED || (fault == READER_SLOW && r->cfg.slow_twice);
}

static int ask_twice(struct reader *r, const struct reader_question *q, struct reader_answer *ret)
{
	enum reader_fault fault;
	int err;

	if (is_refused(r, q->file))
		return READER_REFUSED;
	do {
		err = ask(r, q, ret, &fault);
		if (fault == READER_FAULTS && err >= 0 && q->file && is_suspect(r, q))
			r->suspect.op = READER_OPEN;
		if (fault == READER_FAULTS || !q->file)
			return err;
		if (!may_be_accident(r, fault) || ended_again(r, q)) {
			refuse(r, q->file, fault);
			return READER_REFUSED;
		}
	} while (!q->process);
	return -ESTALE;
}

int reader_ask(struct reader *r, const struct reader_question *q, struct reader_answer *ret)
{
	int err;

	*ret = (struct reader_answer){ 0 };
	pthread_mutex_lock(&r->turn);
	err = ask_twice(r, q, ret);
	pthread_mutex_unlock(&r->turn);
	return err;
}

void reader_counters(struct reader *r, struct reader_counters *ret)
{
	pthread_mutex_lock(&r->lock);
	*ret = r->c;
	ret->name = r->cfg.name;
	ret->pid = r->pid;
	pthread_mutex_unlock(&r->lock);
}

bool reader_next_refused(struct reader *r, char *path, size_t len, enum reader_fault *ret)
{
	const struct refused *x;
	bool more;

	pthread_mutex_lock(&r->lock);
	more = r->told < r->n_refused;
	if (more) {
		x = &r->refused[r->told++ % READER_MAX_REFUSED];
		snprintf(path, len, "%s", x->path);
		*ret = x->fault;
	}
	pthread_mutex_unlock(&r->lock);
	return more;
}

void reader_list_refused(struct reader *r, struct buf *b)
{
	uint64_t first;

	pthread_mutex_lock(&r->lock);
	first = r->n_refused > 10 ? r->n_refused - 10 : 0;
	for (uint64_t i = first; i < r->n_refused; i++) {
		buf_puts(b, i == first ? "" : ",");
		buf_json_string(b, r->refused[i % READER_MAX_REFUSED].path);
	}
	pthread_mutex_unlock(&r->lock);
}
