// SPDX-License-Identifier: GPL-2.0
/* The reader's side: one question after the other; see reader.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/reader_msg.h"

#define MAX_QUESTION 4096						  /* bytes of arguments */
#define ALARM_S	     ((unsigned int)(READER_TIMEOUT_NS / 1000000000 * 2)) /* nobody waits that long */

struct reader_conn {
	int sock;
	int err; /* the conversation is over */
};

int reader_open(void *conn, const char *dir, const char *name, uint64_t *size)
{
	struct reader_conn *c = conn;
	const struct iovec parts[] = { { (char *)dir, strlen(dir) + 1 },
				       { (char *)name, strlen(name) + 1 } };
	struct reader_head h = { .op = READER_OPEN };
	struct reader_msg m;
	int r = c->err;

	if (!r)
		r = reader_send(c->sock, &h, parts, 2, NULL, 0);
	if (!r)
		r = reader_recv(c->sock, &m, sizeof(*size), true, 0);
	if (r) {
		c->err = r;
		return r;
	}
	r = m.status;
	if (!r && m.op == READER_OPEN && m.len == sizeof(*size) && m.fds[0] >= 0) {
		memcpy(size, m.data, sizeof(*size));
		r = steal_fd(&m.fds[0]);
	} else if (r >= 0) {
		r = -EPROTO;
	}
	reader_msg_done(&m);
	return r;
}

static int answer(struct reader_conn *c, const struct reader_msg *m, reader_serve_fn fn)
{
	const struct reader_args q = { m->data, m->len, { m->fds[0], m->fds[1] } };
	struct reader_head h = { .op = m->op };
	struct buf ret = { 0 };
	struct iovec part;
	int r;

	h.status = fn ? fn(c, &q, &ret) : -ENOSYS;
	if (ret.err)
		h.status = ret.err;
	part = (struct iovec){ ret.data, h.status < 0 ? 0 : ret.len };
	r = c->err ? c->err : reader_send(c->sock, &h, &part, 1, NULL, 0);
	buf_free(&ret);
	return r;
}

int reader_serve(int sock, const reader_serve_fn *ops)
{
	struct reader_conn c = { .sock = sock };
	int r;

	do {
		struct reader_msg m;

		r = reader_recv(sock, &m, MAX_QUESTION, true, 0);
		if (r)
			break;
		/* who does not come back ends, also when the daemon is gone */
		alarm(ALARM_S);
		r = answer(&c, &m, ops[m.op]);
		alarm(0);
		reader_msg_done(&m);
	} while (!r);
	return r == -EPIPE ? 0 : r;
}
