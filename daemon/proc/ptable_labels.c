// SPDX-License-Identifier: GPL-2.0
/* Whose a process is: its labels, and which of them becomes the name of its service. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/ptable_int.h"

void labels_set(struct entry *e, const char **label, const char *interned)
{
	if (*label == interned)
		return;
	*label = interned;
	e->p.labels_gen++;
}

void labels_init(struct ptable *t, struct entry *e)
{
	struct process_labels *l = &e->p.labels;
	const char *environment = t->cfg.environment ? t->cfg.environment : "";

	*l = (struct process_labels){ "", "", "", "", "", "", "", "", "", "", "", "", "" };
	l->deployment_environment = ptable_intern(t, environment);
	e->otel_name = e->otel_version = e->exe_version = "";
}

/*
 * "kworker/3:1-events" and its hundred siblings are one service: kernel
 * threads count up to the '/'.
 */
void labels_set_service(struct ptable *t, struct entry *e)
{
	const struct process_labels *l = &e->p.labels;
	const char *s;
	char name[PROC_COMM_MAX];

	if (*e->otel_name) {
		s = e->otel_name;
	} else if (*l->unit && !e->in_container) {
		s = l->unit;
	} else if (*l->container) {
		s = l->container;
	} else if (*l->container_id) {
		snprintf(name, sizeof(name), "%.12s", l->container_id);
		s = ptable_intern(t, name);
	} else {
		int n = (int)(e->p.kthread ? strcspn(l->comm, "/") : strlen(l->comm));

		snprintf(name, sizeof(name), "%.*s", n, l->comm);
		s = ptable_intern(t, name);
	}
	labels_set(e, &e->p.labels.service_name, s);
}

void labels_set_comm(struct ptable *t, struct entry *e, const char *comm)
{
	labels_set(e, &e->p.labels.comm, ptable_intern(t, comm));
	labels_set_service(t, e);
}

void labels_set_exe(struct ptable *t, struct entry *e, const char *exe)
{
	labels_set(e, &e->p.labels.exe, ptable_intern(t, exe));
}

void labels_set_user(struct ptable *t, struct entry *e, const char *user)
{
	labels_set(e, &e->p.labels.user, ptable_intern(t, user));
}

static void set_version(struct entry *e)
{
	labels_set(e, &e->p.labels.service_version,
		   *e->otel_version ? e->otel_version : e->exe_version);
}

void labels_set_otel(struct ptable *t, struct entry *e, const struct otel *o)
{
	const char *environment = t->cfg.environment ? t->cfg.environment : "";

	e->otel_name = ptable_intern(t, o->service_name);
	e->otel_version = ptable_intern(t, o->service_version);
	if (*o->environment)
		environment = o->environment;
	labels_set(e, &e->p.labels.deployment_environment, ptable_intern(t, environment));
	labels_set_service(t, e);
	set_version(e);
}

void labels_set_exe_facts(struct ptable *t, struct entry *e, const struct exe_facts *f)
{
	labels_set(e, &e->p.labels.build_id, ptable_intern(t, f ? f->build_id : ""));
	e->exe_version = ptable_intern(t, f ? f->version : "");
	set_version(e);
}

void labels_apply_cgroup(struct ptable *t, struct entry *e, const struct cgroup_names *c)
{
	struct process_labels *l = &e->p.labels;
	const struct container_names *n;

	e->in_container = c->in_container;
	labels_set(e, &l->cgroup, c->path);
	labels_set(e, &l->unit, c->unit);
	labels_set(e, &l->container_id, c->container_id);
	n = containers_get(t->containers, c->container_id, c->path, mono_now());
	labels_set(e, &l->container, ptable_intern(t, n->container));
	labels_set(e, &l->pod, ptable_intern(t, n->pod));
	labels_set(e, &l->ns, ptable_intern(t, n->ns));
	labels_set_service(t, e);
}

void labels_set_cgroup_path(struct ptable *t, struct entry *e, const char *path)
{
	struct cgroup_names c = { 0 };

	ptable_name_cgroup(t, path, &c);
	labels_apply_cgroup(t, e, &c);
}
