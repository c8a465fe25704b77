// SPDX-License-Identifier: GPL-2.0
#include "sym/reader_msg.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(READER_MAX_FDS * sizeof(int))];
};

/* Until the socket is ready; in steps, as poll counts ms in an int. */
static int wait_for(int sock, short events, uint64_t until)
{
	struct pollfd p = { .fd = sock, .events = events };
	int r = 0;

	while (!r) {
		uint64_t now = until ? mono_now() : 0;

		if (until && now >= until)
			return -ETIMEDOUT;
		r = poll(&p, 1, until ? (int)((until - now) / NSEC_PER_MSEC % 60000) + 1 : -1);
		if (r < 0 && errno != EINTR)
			return -errno;
		r = r < 0 ? 0 : r;
	}
	return 0;
}

static int io_error(void)
{
	return errno == ECONNRESET ? -EPIPE : -errno;
}

static bool try_again(void)
{
	return errno == EINTR || errno == EAGAIN;
}

static void put_fds(struct msghdr *m, union control *c, const int *fds, uint32_t n)
{
	struct cmsghdr *h;

	if (!n)
		return;
	memset(c, 0, sizeof(*c));
	m->msg_control = c->bytes;
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
}

/* What is left of m after n bytes. */
static void advance(struct msghdr *m, size_t n)
{
	m->msg_control = NULL;
	m->msg_controllen = 0;
	while (m->msg_iovlen && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (!m->msg_iovlen)
		return;
	m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
	m->msg_iov->iov_len -= n;
}

int reader_send(int sock, const struct reader_head *h, const struct iovec *parts, int n,
		const int *fds, uint64_t until)
{
	struct reader_head head = *h;
	struct iovec iov[1 + READER_MAX_PARTS] = { { &head, sizeof(head) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 + (size_t)n };
	union control c;
	ssize_t sent;
	int r;

	head.magic = READER_MAGIC;
	for (int i = 0; i < n; i++) {
		iov[1 + i] = parts[i];
		head.len += parts[i].iov_len;
	}
	put_fds(&m, &c, fds, h->n_fds);
	while (m.msg_iovlen) {
		r = wait_for(sock, POLLOUT, until);
		if (r)
			return r;
		sent = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			advance(&m, (size_t)sent);
		else if (!try_again())
			return io_error();
	}
	return 0;
}

static int take(struct reader_msg *ret, struct msghdr *m)
{
	uint32_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t len = h->cmsg_len - CMSG_LEN(0);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
		    n + len / sizeof(int) > READER_MAX_FDS)
			return -EPROTO;
		memcpy(ret->fds + n, CMSG_DATA(h), len);
		n += (uint32_t)(len / sizeof(int));
	}
	return m->msg_flags & MSG_CTRUNC ? -EPROTO : (int)n;
}

/* All of len bytes; with what came along, if ret is there. The number of descriptors, or -errno. */
static int receive(int sock, void *to, size_t len, struct reader_msg *ret, uint64_t until)
{
	int n_fds = 0;

	for (size_t at = 0; at < len;) {
		struct iovec iov = { (char *)to + at, len - at };
		union control c;
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		int r = wait_for(sock, POLLIN, until);
		ssize_t n;

		if (r)
			return r;
		if (ret && !at) {
			m.msg_control = c.bytes;
			m.msg_controllen = sizeof(c.bytes);
		}
		n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (!n)
			return -EPIPE;
		if (n < 0 && !try_again())
			return io_error();
		if (n < 0)
			continue;
		r = ret && !at ? take(ret, &m) : 0;
		if (r < 0)
			return r;
		n_fds += r;
		at += (size_t)n;
	}
	return n_fds;
}

int reader_recv(int sock, struct reader_msg *ret, size_t max, bool take_fds, uint64_t until)
{
	struct reader_head h = { 0 };
	int r;

	*ret = (struct reader_msg){ .fds = { -1, -1 } };
	r = receive(sock, &h, sizeof(h), take_fds ? ret : NULL, until);
	if (r >= 0 && (h.magic != READER_MAGIC || h.op >= READER_OPS || h.len > max ||
		       h.n_fds != (uint32_t)r))
		r = -EPROTO;
	if (r >= 0 && h.len) {
		ret->data = malloc(h.len + 1);
		r = ret->data ? receive(sock, ret->data, h.len, NULL, until) : -ENOMEM;
	}
	if (r < 0) {
		reader_msg_done(ret);
		return r;
	}
	if (ret->data)
		((char *)ret->data)[h.len] = '\0';
	ret->op = h.op;
	ret->status = h.status;
	ret->len = h.len;
	return 0;
}

void reader_msg_done(struct reader_msg *m)
{
	for (int i = 0; i < READER_MAX_FDS; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free(m->data);
	*m = (struct reader_msg){ .fds = { -1, -1 } };
}
