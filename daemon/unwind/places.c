// SPDX-License-Identifier: GPL-2.0
/* See places.h. Two indices: mappings looked at lately, and inodes that were given. */
#include "unwind/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "sym/file_close.h"

/* by the mapping's numbers; a collision only looks again */
#define LOOKED 4096U
/* a table that is not ready by then is not waited for any more, so that others are */
#define WAIT_NS (60 * NSEC_PER_SEC)

struct looked {
	uint64_t dev, ino, time;
};

struct inode_id {
	uint64_t dev, ino, ctime;
};

struct waiting {
	int fd;
	struct file *file;
	uint64_t since;
};

struct places {
	struct looked looked[LOOKED];
	struct inode_id given[PLACES_KNOWN];
	struct hmap by_id; /* -> index of given */
	uint32_t n_given;
	struct waiting waiting[PLACES_WAITING];
	uint32_t n_waiting;
};

struct places *places_new(void)
{
	return calloc(1, sizeof(struct places));
}

static void drop(struct places *p, uint32_t i)
{
	file_close_aside(p->waiting[i].fd, false);
	file_unref(p->waiting[i].file);
	p->waiting[i] = p->waiting[--p->n_waiting];
}

void places_reset(struct places *p)
{
	while (p->n_waiting)
		drop(p, p->n_waiting - 1);
	memset(p->looked, 0, sizeof(p->looked));
	hmap_clear(&p->by_id);
	p->n_given = 0;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	places_reset(p);
	hmap_free(&p->by_id);
	free(p);
}

static uint64_t hash_of(const struct inode_id *id)
{
	return XXH3_64bits(id, sizeof(*id));
}

static struct inode_id id_of(const struct stat *st)
{
	return (struct inode_id){ st->st_dev, st->st_ino,
				  (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC +
					  (uint64_t)st->st_ctim.tv_nsec };
}

/* Its index in given; UINT32_MAX: it is not there. */
static uint32_t find(const struct places *p, const struct inode_id *id)
{
	uint32_t i;

	HMAP_FOR_EACH (&p->by_id, hash_of(id), it, i)
		if (!memcmp(&p->given[i], id, sizeof(*id)))
			return i;
	return UINT32_MAX;
}

static bool give(struct places *p, const struct stat *st)
{
	struct inode_id id = id_of(st);

	if (find(p, &id) != UINT32_MAX)
		return false;
	if (p->n_given == PLACES_KNOWN) {
		hmap_clear(&p->by_id);
		p->n_given = 0;
	}
	/* without memory it is given now, and cannot be told from a new one later */
	if (!hmap_insert(&p->by_id, hash_of(&id), p->n_given))
		p->given[p->n_given++] = id;
	return true;
}

bool places_give(struct places *p, int fd)
{
	struct stat st;

	return fstat(fd, &st) || give(p, &st);
}

bool places_seen(struct places *p, struct file *f, const struct file_where *w)
{
	uint64_t dev = (uint64_t)w->maj << 32 | w->min, now = mono_now();
	struct looked *l = &p->looked[hash_mix(dev, w->ino) % LOOKED];
	struct stat st;
	int fd;

	if (l->time && l->dev == dev && l->ino == w->ino && now - l->time < PLACES_AGAIN_NS)
		return true;
	if (p->n_waiting == PLACES_WAITING)
		return false;
	*l = (struct looked){ .dev = dev, .ino = w->ino, .time = now };
	fd = file_open_mapping_soon(f, w, &st);
	/* its file system does not answer now: until it does there is no use in waiting for it */
	if (fd == -EAGAIN) {
		l->time = 0;
		return false;
	}
	if (fd < 0)
		return true;
	if (!give(p, &st)) {
		file_close_aside(fd, w->maj != 0);
		return true;
	}
	p->waiting[p->n_waiting++] =
		(struct waiting){ .fd = fd, .file = file_ref(f), .since = now };
	return true;
}

/* It waited in vain, or there is no room to wait: whoever has its table later may give it. */
static void give_back(struct places *p, int fd)
{
	struct inode_id id;
	struct stat st;
	uint32_t i;

	if (fstat(fd, &st))
		return;
	id = id_of(&st);
	i = find(p, &id);
	if (i != UINT32_MAX)
		hmap_remove(&p->by_id, hash_of(&id), i);
}

bool places_again(struct places *p, int fd, struct file *f)
{
	if (p->n_waiting == PLACES_WAITING) {
		give_back(p, fd);
		file_close_aside(fd, false);
		file_unref(f);
		return false;
	}
	p->waiting[p->n_waiting++] = (struct waiting){ .fd = fd, .file = f, .since = mono_now() };
	return true;
}

int places_next(struct places *p, struct tables *t, const struct unwind_table **ret,
		struct file **ret_file)
{
	uint64_t now = mono_now();
	uint32_t i = 0;

	while (i < p->n_waiting) {
		struct waiting *w = &p->waiting[i];

		*ret = tables_get(t, w->file);
		if (*ret && (*ret)->view.n_rows) {
			int fd = w->fd;

			*ret_file = w->file;
			*w = p->waiting[--p->n_waiting];
			return fd;
		}
		if (!*ret && now - w->since <= WAIT_NS) {
			i++;
			continue;
		}
		if (!*ret || tables_may_come(t, *ret))
			give_back(p, w->fd);
		drop(p, i);
	}
	return -1;
}

uint32_t places_waiting(const struct places *p)
{
	return p->n_waiting;
}
