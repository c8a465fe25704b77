// SPDX-License-Identifier: GPL-2.0
/*
 * Whose a process is: its labels, and the cgroup that most of them come from.
 *
 * A sample carries a cgroup id. What an id stands for is learnt from the
 * first process seen in it, and from then on needs no look at /proc, so the
 * next one may be gone already. Ids are the inode numbers of cgroup
 * directories: what /proc says is believed for an id only if the directory
 * has that number, as the process may have moved on since the sample.
 */
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "proc/ptable_int.h"

void labels_init(struct process_labels *l)
{
	*l = (struct process_labels){ "", "", "", "", "", "", "" };
}

static void set(struct entry *e, const char **label, const char *interned)
{
	if (*label == interned)
		return;
	*label = interned;
	e->p.labels_gen++;
}

/* The scope that a container runtime made is no name for people. */
static bool unit_is_container(const struct process_labels *l)
{
	return l->container_id[0] && (strstr(l->unit, l->container_id) || !l->unit[0]);
}

/*
 * Unit, else container, else name. "kworker/3:1-events" and its hundred
 * siblings are one service: kernel threads count up to the '/'.
 */
static void set_service(struct ptable *t, struct entry *e)
{
	const struct process_labels *l = &e->p.labels;
	char name[PROC_COMM_MAX];

	if (l->unit[0] && !unit_is_container(l)) {
		set(e, &e->p.labels.service_name, l->unit);
	} else if (l->container_id[0]) {
		snprintf(name, sizeof(name), "%.12s", l->container_id);
		set(e, &e->p.labels.service_name, ptable_intern(t, name));
	} else {
		int n = (int)(e->p.kthread ? strcspn(l->comm, "/") : strlen(l->comm));

		snprintf(name, sizeof(name), "%.*s", n, l->comm);
		set(e, &e->p.labels.service_name, ptable_intern(t, name));
	}
}

void labels_set_comm(struct ptable *t, struct entry *e, const char *comm)
{
	set(e, &e->p.labels.comm, ptable_intern(t, comm));
	set_service(t, e);
}

void labels_set_exe(struct ptable *t, struct entry *e, const char *exe)
{
	set(e, &e->p.labels.exe, ptable_intern(t, exe));
}

void labels_set_user(struct ptable *t, struct entry *e, const char *user)
{
	set(e, &e->p.labels.user, ptable_intern(t, user));
}

static void name_cgroup(struct ptable *t, const char *path, struct cgroup_names *ret)
{
	char unit[256], container[65];

	cgroup_unit(path, unit, sizeof(unit));
	cgroup_container(path, container);
	ret->path = ptable_intern(t, path);
	ret->unit = ptable_intern(t, unit);
	ret->container = ptable_intern(t, container);
}

static void apply(struct ptable *t, struct entry *e, const struct cgroup_names *c)
{
	set(e, &e->p.labels.cgroup, c->path);
	set(e, &e->p.labels.unit, c->unit);
	set(e, &e->p.labels.container_id, c->container);
	set_service(t, e);
}

void labels_set_cgroup_path(struct ptable *t, struct entry *e, const char *path)
{
	struct cgroup_names c = { 0 };

	name_cgroup(t, path, &c);
	apply(t, e, &c);
}

static const struct cgroup_names *known(const struct ptable *t, uint64_t id)
{
	uint32_t i;

	HMAP_FOR_EACH (&t->by_cgroup, hash_mix(id, 2), it, i)
		if (t->cgroups[i].id == id)
			return &t->cgroups[i];
	return NULL;
}

static bool is_directory_of(const struct ptable *t, const char *path, uint64_t id)
{
	char full[2 * PROC_PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(t->cgroup_mounts) && t->cgroup_mounts[i]; i++) {
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

void labels_cgroup_id(struct ptable *t, struct entry *e, uint64_t id)
{
	const struct cgroup_names *have = known(t, id);
	struct cgroup_names c = { .id = id };
	char path[PROC_PATH_MAX];

	e->p.cgroup_id = id;
	if (have) {
		apply(t, e, have);
		return;
	}
	if (e->unreadable || ptable_read_cgroup(t, e->p.pid, path))
		return; /* what the parent had, or what was read before, has to do */
	name_cgroup(t, path, &c);
	apply(t, e, &c);
	if (is_directory_of(t, path, id))
		learn(t, &c);
}

static void add_mount(struct ptable *t, const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->cgroup_mounts); i++) {
		if (t->cgroup_mounts[i])
			continue;
		t->cgroup_mounts[i] = strdup(dir);
		return;
	}
}

/* Hierarchies whose ids a source may deliver: the unified one, or perf_event's under v1. */
void labels_find_mounts(struct ptable *t)
{
	char line[2 * PROC_PATH_MAX];
	struct mntent m;
	FILE *f;

	if (t->cfg.cgroup_root) {
		add_mount(t, t->cfg.cgroup_root);
		return;
	}
	f = setmntent("/proc/self/mounts", "re");
	while (f && getmntent_r(f, &m, line, sizeof(line)))
		if (!strcmp(m.mnt_type, "cgroup2") ||
		    (!strcmp(m.mnt_type, "cgroup") &&
		     (hasmntopt(&m, "perf_event") || hasmntopt(&m, "name=systemd"))))
			add_mount(t, m.mnt_dir);
	if (f)
		endmntent(f);
}
