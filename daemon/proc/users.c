// SPDX-License-Identifier: GPL-2.0
/* A sorted table of /etc/passwd; the first line of an id counts, as for getpwuid(3). */
#include "proc/users.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"

struct user {
	uid_t uid;
	uint32_t line;
	char name[USER_NAME_MAX];
};

struct users {
	char *passwd;
	struct timespec mtime;
	ino_t ino;
	struct user *list;
	size_t n;
};

struct users *users_new(const char *passwd)
{
	struct users *u = calloc(1, sizeof(*u));

	if (u)
		u->passwd = strdup(passwd ? passwd : "/etc/passwd");
	if (u && !u->passwd) {
		free(u);
		return NULL;
	}
	return u;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	free(u->passwd);
	free(u->list);
	free(u);
}

static int compare(const void *pa, const void *pb)
{
	const struct user *a = pa, *b = pb;

	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* The old list stays where there is no memory for a new one. */
static void read_passwd(struct users *u)
{
	cleanup_fclose FILE *f = fopen(u->passwd, "re");
	struct user *list = NULL;
	size_t n = 0, cap = 0;
	struct passwd *pw;

	while (f && n < USERS_MAX && (pw = fgetpwent(f))) {
		struct user *p = array_room(list, &cap, n + 1, sizeof(*p));

		if (!p)
			break;
		list = p;
		list[n].uid = pw->pw_uid;
		list[n].line = (uint32_t)n;
		snprintf(list[n].name, sizeof(list[n].name), "%s", pw->pw_name);
		n++;
	}
	if (n)
		qsort(list, n, sizeof(*list), compare);
	free(u->list);
	u->list = list;
	u->n = n;
}

static void refresh(struct users *u)
{
	struct stat st;

	if (stat(u->passwd, &st))
		return;
	if (st.st_ino == u->ino && st.st_mtim.tv_sec == u->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == u->mtime.tv_nsec)
		return;
	u->ino = st.st_ino;
	u->mtime = st.st_mtim;
	read_passwd(u);
}

const char *users_name(struct users *u, uid_t uid, char out[USER_NAME_MAX])
{
	size_t lo = 0, hi;

	refresh(u);
	hi = u->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->list[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < u->n && u->list[lo].uid == uid)
		snprintf(out, USER_NAME_MAX, "%s", u->list[lo].name);
	else
		snprintf(out, USER_NAME_MAX, "%u", (unsigned int)uid);
	return out;
}

size_t users_bytes(const struct users *u)
{
	return sizeof(*u) + u->n * sizeof(*u->list);
}
