/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages between daemon and reader: a head, descriptors along with it, bytes
 * behind it; over a stream socket. Each side holds what comes against its
 * limits before there is memory for it.
 *
 * No state. Any thread.
 */
#ifndef RINGPROF_SYM_READER_MSG_H
#define RINGPROF_SYM_READER_MSG_H

#include <stdint.h>
#include <sys/uio.h>

#include "sym/reader.h"

#define READER_MAX_PARTS 3

struct reader_head {
	uint32_t magic;
	uint32_t op;
	int32_t status;
	uint32_t n_fds;
	uint64_t len;
};

#define READER_MAGIC 0x72707264U

struct reader_msg {
	uint32_t op;
	int status;
	int fds[READER_MAX_FDS]; /* -1: none */
	void *data;		 /* malloc'ed, with a NUL behind; NULL: none */
	size_t len;
};

/*
 * until: mono ns, 0: for ever. 0, -ETIMEDOUT, -EPIPE the other one is gone, also
 * in the middle of a message, -errno.
 */
int reader_send(int sock, const struct reader_head *h, const struct iovec *parts, int n,
		const int *fds, uint64_t until);
/*
 * The next message, of at most max bytes. take_fds false: descriptors are not
 * let in. As reader_send, and -EPROTO: it makes no sense; ret holds nothing
 * where it is not 0.
 */
int reader_recv(int sock, struct reader_msg *ret, size_t max, bool take_fds, uint64_t until);
void reader_msg_done(struct reader_msg *m); /* closes and frees */

#endif
