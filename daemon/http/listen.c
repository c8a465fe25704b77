// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that are listened on: TCP, Unix, and those systemd passes. They are
 * opened here and not by libmicrohttpd, because only so an error can say what
 * it was about. At start, one thread.
 */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/readonly.h"
#include "http/internal.h"
#include "http/port_owner.h"

#define BACKLOG 512

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage room;
};

static struct listener *new_listener(struct http_server *s, int fd, const char *name)
{
	struct listener *l = &s->listeners[s->n_listeners];
	union address a = { 0 };
	socklen_t len = sizeof(a);

	if (s->n_listeners == MAX_LISTENERS || getsockname(fd, &a.sa, &len))
		return NULL;
	*l = (struct listener){ .srv = s, .fd = fd };
	l->policy = host_policy_of(&a.sa);
	l->unix_socket = a.sa.sa_family == AF_UNIX;
	snprintf(l->name, sizeof(l->name), "%s", name);
	if (!s->port && a.sa.sa_family == AF_INET)
		s->port = ntohs(a.in.sin_port);
	if (!s->port && a.sa.sa_family == AF_INET6)
		s->port = ntohs(a.in6.sin6_port);
	s->n_listeners++;
	return l;
}

/* "host:port", "[v6]:port" -> parts of copy; false: neither. */
static bool split_address(char *copy, char **host, char **port)
{
	char *colon = strrchr(copy, ':');
	size_t n;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = copy;
	n = (size_t)(colon - copy);
	if (*copy != '[')
		return n && !strchr(copy, ':');
	if (copy[n - 1] != ']' || n < 3)
		return false;
	copy[n - 1] = '\0';
	*host = copy + 1;
	return true;
}

static int bind_one(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0, r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* [::] means every address, the IPv4 ones too, whatever the sysctl says */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int bind_error(const char *listen, const char *port, int r, char *err, size_t errlen)
{
	char owner[96] = "";

	if (r == -EADDRINUSE) {
		port_owner((uint16_t)atoi(port), owner, sizeof(owner));
		snprintf(err, errlen,
			 "listen %s: the port is taken%s%s; if that is another ringprofd, see "
			 "`ringprof status`, else set listen= to a free port",
			 listen, *owner ? " by " : "", owner);
	} else if (r == -EACCES) {
		snprintf(err, errlen,
			 "listen %s: no right to use this port; set listen= to one above 1023",
			 listen);
	} else if (r == -EADDRNOTAVAIL) {
		snprintf(err, errlen, "listen %s: this host has no such address; see `ip address`",
			 listen);
	} else {
		snprintf(err, errlen, "listen %s: %s", listen, strerror(-r));
	}
	return r;
}

static int open_tcp(struct http_server *s, char *err, size_t errlen)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	cleanup_free char *copy = strdup(s->cfg.listen);
	struct addrinfo *list = NULL;
	char *host, *port;
	int fd, r;

	if (!copy)
		return -ENOMEM;
	if (!split_address(copy, &host, &port)) {
		snprintf(err, errlen, "listen: '%s' is no address; allowed: HOST:PORT, [V6]:PORT",
			 s->cfg.listen);
		return -EINVAL;
	}
	r = getaddrinfo(host, port, &hints, &list);
	if (r) {
		snprintf(err, errlen, "listen %s: %s", s->cfg.listen, gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	fd = bind_one(list);
	freeaddrinfo(list);
	if (fd < 0)
		return bind_error(s->cfg.listen, port, fd, err, errlen);
	new_listener(s, fd, s->cfg.listen);
	return 0;
}

/* A socket file that nobody answers on is left over from a crash; else who is there is told. */
static int clear_path(const struct sockaddr_un *un, char *err, size_t errlen)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (lstat(un->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen, "unix-socket %s: there is a file of this name", un->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)un, sizeof(*un)) || errno == EAGAIN) {
		snprintf(err, errlen,
			 "unix-socket %s: another ringprofd answers there; see `ringprof status`",
			 un->sun_path);
		return -EADDRINUSE;
	}
	return unlink(un->sun_path) && errno != ENOENT ? -errno : 0;
}

/* 0660 root:ringprof; where there is no such group, root's alone. */
static void give_to_group(const char *path)
{
	const struct group *g = getgrnam("ringprof");

	/* without the right to give it away it stays our own group's: no wider */
	if (g && chown(path, (uid_t)-1, g->gr_gid))
		return;
	if (chmod(path, 0660))
		return;
}

static int open_unix(struct http_server *s, char *err, size_t errlen)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = s->cfg.unix_socket;
	struct stat st;
	int fd, r;

	if (strlen(path) >= sizeof(un.sun_path)) {
		snprintf(err, errlen, "unix-socket %s: the path is too long; allowed: %zu bytes",
			 path, sizeof(un.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(un.sun_path, path);
	r = clear_path(&un, err, errlen);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* the file is never wider than this, not even between bind and chmod */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&un, sizeof(un))) {
		r = -errno;
		close(fd);
		return r;
	}
	if (!lstat(path, &st)) {
		s->socket_dev = st.st_dev;
		s->socket_ino = st.st_ino;
	}
	give_to_group(path);
	if (listen(fd, BACKLOG) || !new_listener(s, fd, path)) {
		r = -errno;
		close(fd);
		return r;
	}
	return 0;
}

/* Copies of systemd's: closing ours must not end the unit's socket. */
static int open_passed(struct http_server *s, char *err, size_t errlen)
{
	for (int i = 0; i < s->cfg.n_listen_fds; i++) {
		int fd = fcntl(s->cfg.listen_fds[i], F_DUPFD_CLOEXEC, 0);
		int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
		int listening = 0;
		socklen_t len = sizeof(listening);
		char name[40];

		snprintf(name, sizeof(name), "passed socket %d", s->cfg.listen_fds[i]);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
		    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) || !listening ||
		    !new_listener(s, fd, name)) {
			if (fd >= 0)
				close(fd);
			snprintf(err, errlen, "%s is no listening socket (at most %d)", name,
				 MAX_LISTENERS - 2);
			return -ENOTSOCK;
		}
	}
	return 0;
}

int listen_open(struct http_server *s, char *err, size_t errlen)
{
	int r = 0;

	if (s->cfg.n_listen_fds > 0)
		r = open_passed(s, err, errlen);
	else if (s->cfg.listen && *s->cfg.listen)
		r = open_tcp(s, err, errlen);
	if (r || !s->cfg.unix_socket || !*s->cfg.unix_socket)
		return r;
	r = open_unix(s, err, errlen);
	if (r && !*err)
		snprintf(err, errlen, "unix-socket %s: %s%s", s->cfg.unix_socket, strerror(-r),
			 readonly_hint(r));
	return r;
}

void listen_close(struct http_server *s)
{
	struct stat st;

	for (unsigned int i = 0; i < s->n_listeners; i++)
		if (s->listeners[i].fd >= 0)
			close(s->listeners[i].fd);
	/* the path may be another daemon's by now */
	if (s->socket_ino && !lstat(s->cfg.unix_socket, &st) && st.st_ino == s->socket_ino &&
	    st.st_dev == s->socket_dev)
		unlink(s->cfg.unix_socket);
}
