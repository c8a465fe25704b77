/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsers of what /proc says about a process: pure functions over text, which
 * partly is what the process itself chose (its name, its paths).
 */
#ifndef RINGPROF_PROC_PARSE_H
#define RINGPROF_PROC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/ptable.h"

#define PROC_COMM_MAX 64 /* kernel workers have longer names than TASK_COMM_LEN */

struct map_line {
	uint64_t start, end, pgoff, ino;
	uint32_t maj, min;
	bool exec;
	const char *path; /* in the line, as it stands there */
	size_t path_len;
};

/* One line of /proc/PID/maps in [p, end), without its newline; false: it is none. */
bool maps_parse_line(const char *p, const char *end, struct map_line *ret);
/*
 * A mapping's path for use: "\012" decoded, " (deleted)" cut off. Into
 * out[len], cut to fit; gives its length.
 */
size_t maps_path(const char *path, size_t path_len, char *out, size_t len);
/* What a mapping with that path is. */
enum map_kind maps_kind(const char *path);

struct proc_stat {
	char comm[PROC_COMM_MAX];
	char state;
	pid_t ppid;
	bool kthread;
	bool ending; /* it exits, or has and nobody waited for it */
	uint32_t threads;
	uint64_t start_time; /* clock ticks after boot */
};

/* The text of /proc/PID/stat, NUL-terminated; the name in it may hold anything. */
bool stat_parse(const char *text, struct proc_stat *ret);
/* Effective user id from the text of /proc/PID/status. */
bool status_uid(const char *text, uid_t *ret);

/*
 * Path from the text of /proc/PID/cgroup: of the unified hierarchy if it is
 * not the root there, else of systemd's, else the first one that is not the
 * root, else "/"; of those in a container if there are any, else of all. False:
 * no line made sense.
 */
bool cgroup_path(const char *text, char *out, size_t len);
/* Is it of a host with the unified hierarchy alone? */
bool cgroup_is_unified(const char *text);
/*
 * systemd unit that a cgroup path belongs to: the innermost .service or
 * .scope, else the innermost .slice, else "".
 */
void cgroup_unit(const char *path, char *out, size_t len);
/*
 * Container id: the innermost part of the path with exactly 64 hex digits,
 * bare (/docker/ID, /kubepods/.../ID), or behind a runtime's prefix, with or
 * without ".scope" (docker-, cri-containerd-, crio-, libpod-, and
 * "SLICE:cri-containerd:ID" where kubelet and containerd use different cgroup
 * drivers). Monitor processes ("crio-conmon-ID.scope") are not in the
 * container. "" if none.
 */
void cgroup_container(const char *path, char out[65]);

#endif
