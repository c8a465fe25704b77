// SPDX-License-Identifier: GPL-2.0
/*
 * What a cgroup id stands for. An id is the number of the cgroup's directory.
 * It is learnt from the first process seen in it, and from then on needs no
 * look at /proc, so the next one may be gone already. What /proc says is
 * believed for an id only if the directory has that number, as the process may
 * have moved on since the sample. Of a process that is gone the kernel is
 * asked where the directory with that number is. The side band tells of cgroups
 * when they are made, so that short jobs have theirs when all of it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "proc/ptable_int.h"

#define FILEID_KERNFS_TYPE 0xfe /* include/linux/exportfs.h; since 5.5 */

/* Where the part `name` of a path begins that is found last; -1: nowhere. */
static long last_part(const char *path, const char *name)
{
	long at = -1;

	if (*name)
		for (const char *p = path; (p = strstr(p, name)); p++)
			at = p - path;
	return at;
}

void ptable_name_cgroup(struct ptable *t, const char *path, struct cgroup_names *ret)
{
	char unit[256], id[CONTAINER_ID_LEN + 1];

	cgroup_unit(path, unit, sizeof(unit));
	cgroup_container(path, id);
	ret->path = ptable_intern(t, path);
	ret->unit = ptable_intern(t, unit);
	ret->container_id = ptable_intern(t, id);
	/* the scope that a runtime made holds the id: it is no name for people */
	ret->in_container = *id &&
			    (strstr(unit, id) || last_part(path, id) > last_part(path, unit));
}

static const struct cgroup_names *known(const struct ptable *t, uint64_t id)
{
	uint32_t i;

	HMAP_FOR_EACH (&t->by_cgroup, hash_mix(id, 2), it, i)
		if (t->cgroups[i].id == id)
			return &t->cgroups[i];
	return NULL;
}

/* May ids be of this hierarchy? */
static bool in_use(const struct ptable *t, int kind)
{
	if (!t->cgroup_mounts[kind])
		return false;
	switch (t->cgroup_ids) {
	case CGROUP_IDS_UNIFIED:
		return kind == MOUNT_UNIFIED;
	case CGROUP_IDS_V1:
		return kind == (t->cgroup_mounts[MOUNT_MEMORY] ? MOUNT_MEMORY : MOUNT_CPUACCT);
	case CGROUP_IDS_PERF:
		return kind == (t->cgroup_mounts[MOUNT_PERF] ? MOUNT_PERF : MOUNT_UNIFIED);
	default:
		return true;
	}
}

static bool has_version_1(const struct ptable *t)
{
	for (int i = 0; i < MOUNT_KINDS; i++)
		if (i != MOUNT_UNIFIED && t->cgroup_mounts[i])
			return true;
	return false;
}

/*
 * The root says something of a process only where there is one hierarchy:
 * with several it may still be somewhere in another one.
 */
static bool says_something(const struct ptable *t, const char *path)
{
	return path[1] || !has_version_1(t);
}

/*
 * With several hierarchies ids may be of one that has no containers: there their
 * processes are where the runtime is.
 */
static bool hides_container(const struct ptable *t, const struct entry *e,
			    const struct cgroup_names *c)
{
	return *e->p.labels.container_id && !*c->container_id && has_version_1(t);
}

static bool is_directory_of(const struct ptable *t, const char *path, uint64_t id)
{
	char full[2 * PROC_PATH_MAX];
	struct stat st;

	for (int i = 0; i < MOUNT_KINDS; i++) {
		if (!in_use(t, i))
			continue;
		snprintf(full, sizeof(full), "%s%s", t->cgroup_mounts[i], path);
		if (!stat(full, &st) && st.st_ino == id)
			return true;
	}
	return false;
}

/* A full table is begun anew: cgroups of short jobs come and go by the thousand. */
static void learn(struct ptable *t, const struct cgroup_names *c)
{
	if (!t->cgroups)
		t->cgroups = calloc(CGROUPS_MAX, sizeof(*t->cgroups));
	if (!t->cgroups)
		return;
	if (t->n_cgroups == CGROUPS_MAX) {
		hmap_clear(&t->by_cgroup);
		t->n_cgroups = 0;
	}
	t->cgroups[t->n_cgroups] = *c;
	if (!hmap_insert(&t->by_cgroup, hash_mix(c->id, 2), t->n_cgroups))
		t->n_cgroups++;
}

/* Path below the mount of the directory with that number, into out[PROC_PATH_MAX]. */
static bool path_of_id(const char *mount, uint64_t id, char *out)
{
	struct {
		struct file_handle h;
		uint64_t id;
	} handle = { .h = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS_TYPE } };
	cleanup_close int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = -1;
	char link[64], text[PROC_PATH_MAX];
	size_t skip = strlen(mount);
	ssize_t n;

	_Static_assert(sizeof(handle) == sizeof(struct file_handle) + sizeof(id), "no padding");
	handle.id = id;
	if (dir >= 0)
		fd = open_by_handle_at(dir, &handle.h, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (strncmp(text, mount, skip) || text[skip] != '/' || strstr(text, " (deleted)"))
		return false;
	strcpy(out, text + skip);
	return true;
}

/*
 * For a process that is gone. Only where one hierarchy is meant, and only if
 * it says more than what the parent had: with memory accounting off, many
 * units share one of memory's directories.
 */
static void ask_kernel(struct ptable *t, struct entry *e, uint64_t id)
{
	const char *have = e->p.labels.cgroup;
	struct cgroup_names c = { .id = id };
	char path[PROC_PATH_MAX];
	int mount = -1;

	for (int i = 0; i < MOUNT_KINDS; i++) {
		if (!in_use(t, i))
			continue;
		if (mount >= 0)
			return;
		mount = i;
	}
	if (mount < 0 || !path_of_id(t->cgroup_mounts[mount], id, path))
		return;
	if (!path[1] || (!strncmp(have, path, strlen(path)) && have[strlen(path)] == '/'))
		return;
	ptable_name_cgroup(t, path, &c);
	if (!hides_container(t, e, &c))
		labels_apply_cgroup(t, e, &c);
}

void ptable_cgroup_id(struct ptable *t, struct entry *e, uint64_t id)
{
	const struct cgroup_names *have = known(t, id);
	struct cgroup_names c = { .id = id };
	char path[PROC_PATH_MAX];

	e->p.cgroup_id = id;
	if (have && !hides_container(t, e, have)) {
		labels_apply_cgroup(t, e, have);
		return;
	}
	if (e->unreadable || ptable_read_cgroup(t, e, path)) {
		ask_kernel(t, e, id);
		return;
	}
	ptable_name_cgroup(t, path, &c);
	labels_apply_cgroup(t, e, &c);
	if (!have && says_something(t, path) && is_directory_of(t, path, id))
		learn(t, &c);
}

void ptable_cgroup_made(struct ptable *t, uint64_t id, const char *path)
{
	int perf = t->cgroup_mounts[MOUNT_PERF] ? MOUNT_PERF : MOUNT_UNIFIED;
	struct cgroup_names c = { .id = id };

	/* perf's ids are of its own hierarchy; where samples have those of another, they may be anybody's */
	if (!in_use(t, perf) || known(t, id) || strlen(path) >= PROC_PATH_MAX)
		return;
	ptable_name_cgroup(t, path, &c);
	learn(t, &c);
}

void ptable_cgroup_ids(struct ptable *t, enum cgroup_ids which)
{
	if (t->cgroup_ids == which)
		return;
	t->cgroup_ids = which;
	hmap_clear(&t->by_cgroup);
	t->n_cgroups = 0;
}

static void add_mount(struct ptable *t, int kind, const char *dir)
{
	if (!t->cgroup_mounts[kind])
		t->cgroup_mounts[kind] = strdup(dir);
}

void ptable_find_cgroup_mounts(struct ptable *t)
{
	static const struct {
		const char *option;
		int kind;
	} v1[] = { { "memory", MOUNT_MEMORY },
		   { "cpuacct", MOUNT_CPUACCT },
		   { "perf_event", MOUNT_PERF },
		   { "name=systemd", MOUNT_SYSTEMD } };
	char line[2 * PROC_PATH_MAX];
	struct mntent m;
	FILE *f;

	if (t->cfg.cgroup_root) {
		add_mount(t, MOUNT_UNIFIED, t->cfg.cgroup_root);
		return;
	}
	f = setmntent("/proc/self/mounts", "re");
	while (f && getmntent_r(f, &m, line, sizeof(line))) {
		if (!strcmp(m.mnt_type, "cgroup2"))
			add_mount(t, MOUNT_UNIFIED, m.mnt_dir);
		for (size_t i = 0; i < ARRAY_SIZE(v1) && !strcmp(m.mnt_type, "cgroup"); i++)
			if (hasmntopt(&m, v1[i].option))
				add_mount(t, v1[i].kind, m.mnt_dir);
	}
	if (f)
		endmntent(f);
}
