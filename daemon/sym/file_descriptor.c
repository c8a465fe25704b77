// SPDX-License-Identifier: GPL-2.0
/*
 * The descriptors of files with code. One stays open until debug information
 * was read (or looked for), as the path may be gone by then; at most max_open
 * of them, the oldest is closed first. What was opened to be read later is read
 * only if it is what it was: one who writes over a file in place would else
 * have other bytes read for it than those that it is known by.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/file_close.h"
#include "sym/file_open.h"
#include "sym/files_int.h"

void file_close_fd(struct file_priv *f)
{
	if (f->fd < 0)
		return;
	TAILQ_REMOVE(&f->fs->open, f, fd_link);
	f->fs->n_open--;
	file_close_aside(f->fd, f->on_disk);
	f->fd = -1;
}

void file_keep_fd(struct file_priv *f, int fd, const struct ident *id)
{
	struct files *fs = f->fs;

	if (fs->n_open >= fs->max_open)
		file_close_fd(TAILQ_FIRST(&fs->open));
	f->fd = fd;
	f->fd_ident = *id;
	TAILQ_INSERT_TAIL(&fs->open, f, fd_link);
	fs->n_open++;
}

/* What the registry knows of a file's descriptor, to be looked at without its lock. */
struct kept {
	int fd; /* a duplicate; -1: none is kept */
	struct ident fd_ident, ident;
	struct file_where where;
	bool strict;
};

static void copy_kept(struct file_priv *f, struct kept *ret)
{
	pthread_mutex_lock(&f->fs->lock);
	ret->fd = f->fd < 0 ? -1 : fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	ret->fd_ident = f->fd_ident;
	ret->ident = f->ident;
	ret->where = f->where;
	ret->strict = f->content_known;
	pthread_mutex_unlock(&f->fs->lock);
}

static void let_go(struct file_priv *f)
{
	pthread_mutex_lock(&f->fs->lock);
	file_close_fd(f);
	pthread_mutex_unlock(&f->fs->lock);
}

/* The bytes were looked at: as of then it is what it was. */
static void renew(struct file_priv *f, const struct ident *was, const struct ident *now)
{
	pthread_mutex_lock(&f->fs->lock);
	if (!memcmp(&f->fd_ident, was, sizeof(*was)))
		f->fd_ident = *now;
	pthread_mutex_unlock(&f->fs->lock);
}

/*
 * Is it what it was when it was opened? A file that loses its name, or gets another
 * one, has another time of change as well. Where bytes were compared, others may count
 * as this file, and who owns it can put the time of the writing back: then the bytes
 * are looked at again.
 */
static bool is_still(struct file_priv *f, const struct kept *k)
{
	struct ident now;
	struct stat st;

	if (fstat(k->fd, &st))
		return false;
	now = file_ident_of(&st);
	if (now.size != k->fd_ident.size || now.mtime != k->fd_ident.mtime)
		return false;
	if (!k->strict || now.ctime == k->fd_ident.ctime)
		return true;
	if (!file_has_content(f, k->fd))
		return false;
	renew(f, &k->fd_ident, &now);
	return true;
}

static int open_again(struct file_priv *f, const struct kept *k)
{
	struct file_where w = k->where;
	cleanup_close int fd = -1;
	struct ident now;
	struct stat st;

	/* it is compared with what was found then, so one that only lost a link will do */
	w.mapped = 0;
	fd = file_open_mapping(&w, &st);
	if (fd < 0)
		return fd;
	now = file_ident_of(&st);
	if (!memcmp(&k->ident, &now, sizeof(now)) || (k->strict && file_has_content(f, fd)))
		return steal_fd(&fd);
	return -ESTALE;
}

int file_open_fd(struct file *file)
{
	struct file_priv *f = file_priv(file);
	struct kept k;

	copy_kept(f, &k);
	if (k.fd < 0)
		return open_again(f, &k);
	/* a file system may make this wait */
	if (is_still(f, &k))
		return k.fd;
	let_go(f);
	file_put_fd(file, k.fd);
	return open_again(f, &k);
}

int file_take_fd(struct file_priv *f)
{
	int fd = file_open_fd_soon(&f->pub);

	if (fd >= 0)
		let_go(f);
	return fd;
}

void file_put_fd(struct file *f, int fd)
{
	file_close_aside(fd, file_priv(f)->on_disk);
}
