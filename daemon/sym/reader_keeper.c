// SPDX-License-Identifier: GPL-2.0
/*
 * A keeper: one process for each reader, started by the service manager for a
 * connection to its socket, under the readers' user. It makes the reader, as a
 * daemon that may not change the user of a process cannot, says how it ended,
 * and ends it when the daemon hangs up. It sees no byte of anybody's files.
 *
 *   daemon                                      keeper
 *     name and memory, the reader's socket  ->
 *                                           <-  its pid
 *     (hangs up: it is to end)
 *                                           <-  its wait status
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/reader_int.h"
#include "sym/reader_msg.h"

#define START_NS (5 * NSEC_PER_SEC) /* a manager takes ms, on a loaded host more */
#define MAX_NAME 16

struct order {
	uint64_t max_memory;
	char name[MAX_NAME];
};

/* ---- the daemon's side ---- */

static int call(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	return connect(fd, (struct sockaddr *)&un, sizeof(un)) ? -errno : steal_fd(&fd);
}

int keeper_start(const struct reader_config *cfg, int sock, pid_t *ret_pid)
{
	const struct reader_head h = { .op = READER_OPEN, .n_fds = 1 };
	struct order o = { .max_memory = cfg->max_memory };
	const struct iovec part = { &o, sizeof(o) };
	uint64_t until = mono_now() + START_NS;
	cleanup_close int fd = call(cfg->keeper);
	struct reader_msg m;
	int r = fd < 0 ? fd : 0;

	strncpy(o.name, cfg->name, sizeof(o.name) - 1);
	if (!r)
		r = reader_send(fd, &h, &part, 1, &sock, until);
	if (!r)
		r = reader_recv(fd, &m, 0, false, until);
	if (r)
		return r;
	*ret_pid = m.status;
	reader_msg_done(&m);
	return *ret_pid > 0 ? steal_fd(&fd) : -EPROTO;
}

int keeper_wait(int fd)
{
	struct reader_msg m;
	int status = SIGKILL;

	/* a keeper that is gone took it along */
	if (reader_recv(fd, &m, sizeof(status), false, 0))
		return status;
	if (m.len == sizeof(status))
		memcpy(&status, m.data, sizeof(status));
	reader_msg_done(&m);
	return status;
}

/* ---- the keeper's ---- */

static int tell(int fd, int status, const void *data, size_t len)
{
	const struct reader_head h = { .op = READER_OPEN, .status = status };
	const struct iovec part = { (void *)data, len };

	return reader_send(fd, &h, &part, 1, NULL, 0);
}

/* Until the reader has ended by itself, or the daemon has hung up. */
static void watch(int fd, int children, pid_t pid)
{
	struct pollfd p[] = { { fd, POLLIN, 0 }, { children, POLLIN, 0 } };
	int status = 0;

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* a daemon that has ended does not want to know */
	(void)tell(fd, 0, &status, sizeof(status));
}

static int watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

void keeper_main(void)
{
	struct reader_config cfg = { 0 };
	int children = watch_children();
	struct reader_msg m;
	struct order o;
	pid_t pid;

	/* nobody's business, also not that of a reader that was taken over */
	if (children < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    reader_recv(STDIN_FILENO, &m, sizeof(o), true, mono_now() + START_NS))
		_exit(1);
	if (m.len != sizeof(o) || m.fds[0] < 0)
		_exit(1);
	memcpy(&o, m.data, sizeof(o));
	o.name[sizeof(o.name) - 1] = '\0';
	cfg.name = o.name;
	cfg.max_memory = o.max_memory;
	pid = fork();
	if (!pid)
		reader_become(&cfg, m.fds[0]);
	/* the reader's end is its own: it is closed with it */
	reader_msg_done(&m);
	if (pid < 0 || tell(STDIN_FILENO, pid, NULL, 0))
		_exit(1);
	watch(STDIN_FILENO, children, pid);
	_exit(0);
}
