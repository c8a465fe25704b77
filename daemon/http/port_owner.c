// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/tcp gives the listening socket's inode, /proc/PID/fd who holds
 * it. Runs once, when a port is taken; needs root to see all processes.
 */
#include "http/port_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TCP_STATE_LISTEN 0x0a

/* Inode of the listening socket of this port in one table, 0: none. */
static unsigned long find_inode(const char *table, uint16_t port)
{
	cleanup_fclose FILE *f = fopen(table, "re");
	unsigned int local, state;
	unsigned long inode;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line,
			   " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
			   &local, &state, &inode) == 3 &&
		    local == port && state == TCP_STATE_LISTEN)
			return inode;
	return 0;
}

static int holds(const char *pid, const char *socket)
{
	char dir[64], link[64];
	const struct dirent *e;
	int found = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	d = opendir(dir);
	if (!d)
		return 0;
	while (!found && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		found = !strcmp(link, socket);
	}
	closedir(d);
	return found;
}

static void tell(const char *pid, char *ret, size_t len)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	snprintf(ret, len, "%s (pid %.20s)", *comm ? comm : "a process", pid);
}

void port_owner(uint16_t port, char *ret, size_t len)
{
	unsigned long inode = find_inode("/proc/net/tcp", port);
	const struct dirent *e;
	char socket[40];
	DIR *d;

	*ret = '\0';
	if (!inode)
		inode = find_inode("/proc/net/tcp6", port);
	d = inode ? opendir("/proc") : NULL;
	if (!d)
		return;
	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	while (!*ret && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]) && holds(e->d_name, socket))
			tell(e->d_name, ret, len);
	closedir(d);
}
