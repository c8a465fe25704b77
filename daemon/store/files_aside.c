// SPDX-License-Identifier: GPL-2.0
/*
 * Files set aside as NAME.refused: whoever wants to know what befell them finds
 * them there, until their room is needed. They count in the budget, and are the
 * first to go.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/history.h"

static bool is_aside(const char *name)
{
	static const char end[] = ".refused";
	size_t n = strlen(name);

	return n >= sizeof(end) && !strcmp(name + n - (sizeof(end) - 1), end);
}

/* The bytes of all of them, which are taken away when drop is set. */
static uint64_t each_aside(const struct history *h, bool drop)
{
	DIR *dir = opendir(h->dir);
	struct dirent *e;
	uint64_t n = 0;
	struct stat st;

	while (dir && (e = readdir(dir))) {
		if (!is_aside(e->d_name) || fstatat(dirfd(dir), e->d_name, &st, 0))
			continue;
		n += (uint64_t)st.st_size;
		if (drop)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
	return n;
}

void history_count_aside(struct history *h)
{
	uint64_t n = each_aside(h, false);

	pthread_mutex_lock(&h->lock);
	h->aside = n;
	pthread_mutex_unlock(&h->lock);
}

void history_refuse(struct history *h, const char *path, const char *why)
{
	hfile_set_aside(path);
	history_say(h, "history: %s: %s; it is set aside as %s.refused", path, why, path);
	pthread_mutex_lock(&h->lock);
	h->c.refused++;
	pthread_mutex_unlock(&h->lock);
	history_count_aside(h);
}

void history_drop_aside(struct history *h)
{
	(void)each_aside(h, true);
	history_count_aside(h);
	history_say(h, "history: %s: files set aside as .refused are gone: their room was needed",
		    h->dir);
}
