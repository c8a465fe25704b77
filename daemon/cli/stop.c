// SPDX-License-Identifier: GPL-2.0
/*
 * Ends a daemon that samples by perf events: they are its own, and go with it. It may
 * hang, so nothing is asked of it: who it is tells the lock that it holds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "cli/cli.h"

#define UNIT "ringprofd.service"
/* to write what it has; on a busy host that takes it a second */
#define TERM_NS (3 * NSEC_PER_SEC)
/* for the kernel to take its memory back */
#define KILL_NS (5 * NSEC_PER_SEC)
#define LOOK_NS (50 * NSEC_PER_MSEC)

/* Who has a state directory. */
struct holder {
	int fd; /* of the lock */
	pid_t pid;
	uint32_t events;
};

static bool is_held(const struct holder *h)
{
	if (flock(h->fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK;
	flock(h->fd, LOCK_UN);
	return false;
}

/* The daemon that has this directory; -ESRCH: none has it. */
static int open_lock(struct holder *h, const char *dir)
{
	char path[4096], text[32];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ringprofd.lock", dir);
	h->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (h->fd < 0)
		return errno == EACCES ? -errno : -ESRCH;
	n = is_held(h) ? read(h->fd, text, sizeof(text) - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	h->pid = (pid_t)strtol(text, NULL, 10);
	return h->pid > 1 ? 0 : -ESRCH;
}

/*
 * Its perf events, counted; -ESRCH: that process does not have the lock: it was
 * written in another PID name space.
 */
static int count_events(struct holder *h)
{
	char path[64], to[64];
	struct stat lock, st;
	struct dirent *e;
	bool has = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)h->pid);
	d = opendir(path);
	if (!d || fstat(h->fd, &lock)) {
		int r = -errno;

		if (d)
			closedir(d);
		return r;
	}
	while ((e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);

		to[n > 0 ? n : 0] = '\0';
		h->events += !strcmp(to, "anon_inode:[perf_event]");
		has |= to[0] == '/' && !fstatat(dirfd(d), e->d_name, &st, 0) &&
		       st.st_dev == lock.st_dev && st.st_ino == lock.st_ino;
	}
	closedir(d);
	return has ? 0 : -ESRCH;
}

/* systemd, where it started the daemon, would start it again. */
static void tell_systemd(pid_t pid)
{
	char *argv[] = { "systemctl", "stop", "--no-block", UNIT, NULL };
	char path[64];
	struct buf b = { 0 };
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (!buf_read_file(&b, path, 65536) && strstr(b.data, "/" UNIT "\n") &&
	    !posix_spawnp(&child, argv[0], NULL, NULL, argv, environ))
		waitpid(child, NULL, 0);
	buf_free(&b);
}

static bool gone_in(const struct holder *h, uint64_t ns)
{
	uint64_t until = mono_now() + ns;

	while (is_held(h)) {
		if (mono_now() > until)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	}
	return true;
}

static int end(const struct holder *h)
{
	tell_systemd(h->pid);
	if (kill(h->pid, SIGTERM) && errno != ESRCH)
		return cli_fail(cli_status_of(-errno), "stop: ringprofd (pid %d): %s; run as root",
				(int)h->pid, strerror(errno));
	if (gone_in(h, TERM_NS)) {
		printf("ringprofd (pid %d), which sampled by perf events, has ended\n",
		       (int)h->pid);
		return CLI_OK;
	}
	kill(h->pid, SIGKILL);
	if (!gone_in(h, KILL_NS))
		return cli_fail(CLI_FAILED,
				"stop: ringprofd (pid %d) was killed and is still there: it "
				"waits in the kernel (/proc/%d/stack), and ends when that does",
				(int)h->pid, (int)h->pid);
	printf("ringprofd (pid %d), which sampled by perf events, did not end in %d s and was "
	       "killed: what it had not written of the last seconds is lost\n",
	       (int)h->pid, (int)(TERM_NS / NSEC_PER_SEC));
	return CLI_OK;
}

static int stop_in(const char *dir)
{
	struct holder h = { .fd = -1 };
	int r = open_lock(&h, dir), status = CLI_ABSENT;

	r = r ? r : count_events(&h);
	if (r == -EACCES || r == -EPERM)
		status = cli_fail(CLI_DENIED, "stop: the ringprofd of %s: %s; run as root", dir,
				  strerror(-r));
	else if (!r && h.events)
		status = end(&h);
	if (h.fd >= 0)
		close(h.fd);
	return status;
}

int stop_daemons(const struct cli *c)
{
	struct config cfg;
	int status, other;

	if (c->socket) {
		cleanup_free char *path = strdup(c->socket);

		return path ? stop_in(dirname(path)) : cli_fail(CLI_FAILED, "stop: no memory");
	}
	status = stop_in(CLI_RUN_DIR);
	if (cli_settings(c, &cfg))
		return status;
	other = stop_in(cfg.state_dir);
	config_free(&cfg);
	if (status == CLI_ABSENT || (status == CLI_OK && other != CLI_ABSENT))
		return other;
	return status;
}
