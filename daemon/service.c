// SPDX-License-Identifier: GPL-2.0
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

void service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_close int fd = -1;
	size_t n = path ? strlen(path) : 0;

	if (!n || n >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* a manager that does not listen is not our trouble */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

uint64_t service_watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000 / 2;
}

int service_listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int n = 0;

	if (pid && fds && strtol(pid, NULL, 10) == getpid())
		n = (int)strtol(fds, NULL, 10);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (n < 0 || n > 16)
		n = 0;
	for (int fd = 3; fd < 3 + n; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return n;
}

void service_raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max < 65536 ? l.rlim_max : 65536;
	/* not raised: the limits of connections and files are met earlier, with their messages */
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

int service_kallsyms(void)
{
	static const char name[] = "/proc/kallsyms";
	char path[sizeof(name) + 1];
	struct statfs fs;
	ssize_t n = readlink("/proc/self/fd/0", path, sizeof(path));
	int fd;

	if (n != sizeof(name) - 1 || memcmp(path, name, sizeof(name) - 1) || fstatfs(0, &fs) ||
	    fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? 0 : fd;
}

/*
 * setgid: sockets made in it later, without the right to chown, still belong to
 * the group. Where it stands already it is left alone: systemd's
 * RestrictSUIDSGID= lets nobody set it.
 */
static int own_dir(const char *dir, char *err, size_t errlen)
{
	struct group *g = getgrnam("ringprof");
	struct stat st;

	if (g && !geteuid() &&
	    (chown(dir, 0, g->gr_gid) || stat(dir, &st) ||
	     (!(st.st_mode & S_ISGID) && chmod(dir, 02755)))) {
		int e = errno;

		snprintf(err, errlen, "%s: %s; set state-dir to a directory of root", dir,
			 strerror(e));
		return -e;
	}
	return 0;
}

/* The directory changes hands under the lock alone: it may be a daemon's of another user. */
int service_lock(const char *dir, char *err, size_t errlen)
{
	char path[4096], text[32] = "";
	cleanup_close int fd = -1;
	int r;

	if (mkdir(dir, 0755) && errno != EEXIST) {
		r = -errno;
		snprintf(err, errlen, "%s: %s; run as root or set state-dir", dir, strerror(-r));
		return r;
	}
	snprintf(path, sizeof(path), "%s/ringprofd.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		r = -errno;
		snprintf(err, errlen, "%s: %s; run as root or set state-dir", path, strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
		snprintf(err, errlen,
			 "another ringprofd runs here (pid %s, lock %s); stop it first, or give "
			 "this one its own state-dir, listen and unix-socket",
			 *text ? text : "unknown", path);
		return -EBUSY;
	}
	r = own_dir(dir, err, errlen);
	if (r)
		return r;
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0) {
		r = -errno;
		snprintf(err, errlen, "%s: %s", path, strerror(-r));
		return r;
	}
	return steal_fd(&fd);
}

static int token_make(const char *path, char *err, size_t errlen)
{
	unsigned char raw[32];
	char hex[2 * sizeof(raw) + 2];
	struct group *g = getgrnam("ringprof");
	cleanup_close int fd = -1;
	int r;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	hex[2 * sizeof(raw)] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	/* whatever the umask is */
	if (fd < 0 || fchmod(fd, 0640) || fchown(fd, 0, g ? g->gr_gid : 0) ||
	    write(fd, hex, sizeof(hex) - 1) != (ssize_t)sizeof(hex) - 1) {
		r = errno ? -errno : -EIO;
		snprintf(err, errlen,
			 "%s: cannot make the credential: %s; make the directory, set token-file, "
			 "or set auth = none",
			 path, strerror(-r));
		/* a part of one would be in the next start's way */
		if (fd >= 0)
			unlink(path);
		return r;
	}
	return 0;
}

static int token_check(const char *path, const char *t, char *err, size_t errlen)
{
	size_t n = strlen(t);

	for (const char *p = t; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == ':' || *p == '@' || *p == '/')
			n = 0;
	if (n >= 16 && n <= 512)
		return 0;
	snprintf(err, errlen,
		 "%s: the credential must be one line of 16 to 512 printable characters without : "
		 "@ /; remove the file to have one made",
		 path);
	return -EINVAL;
}

int service_token(const char *path, char **ret, char *err, size_t errlen)
{
	struct buf b = { 0 };
	char *slash, dir[4096];
	int r;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST && errno != EROFS && errno != EACCES) {
			r = -errno;
			snprintf(err, errlen, "%s: %s", dir, strerror(-r));
			return r;
		}
	}
	if (access(path, F_OK)) {
		r = token_make(path, err, errlen);
		if (r)
			return r;
	}
	r = buf_read_file(&b, path, 4096);
	if (r) {
		snprintf(err, errlen, "%s: %s; be root or in the group ringprof", path,
			 strerror(-r));
		buf_free(&b);
		return r;
	}
	b.data[strcspn(b.data, "\r\n")] = '\0';
	r = token_check(path, b.data, err, errlen);
	if (r)
		buf_free(&b);
	else
		*ret = b.data;
	return r;
}
