// SPDX-License-Identifier: GPL-2.0
/*
 * The files of container runtimes and of kubelet. What stands in them was
 * chosen by whoever made the container: names are taken only as long and as
 * plain as names are. No part of a path comes from a file, and an id or uid
 * from a cgroup's path is hex digits and dashes.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "proc/container.h"

#define UID_LEN	       36
#define NAMESPACES_MAX 64 /* of containerd that are tried */

/* openat2 came with 5.6; links below root's own directories are the admin's before that too */
static int open_below(int host, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
						    O_NOCTTY),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, host, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(host, path, (int)how.flags);
	return fd < 0 ? -errno : fd;
}

static bool trusted(int fd, mode_t kind)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == kind &&
	       (!st.st_uid || st.st_uid == geteuid());
}

static json_t *read_json(int host, const char *path)
{
	cleanup_close int fd = open_below(host, path, O_RDONLY);
	struct buf b = { 0 };
	json_t *j = NULL;

	if (fd >= 0 && trusted(fd, S_IFREG) && !buf_read_fd(&b, fd, CONTAINER_JSON_MAX) && b.len)
		j = json_loadb(b.data, b.len, 0, NULL);
	buf_free(&b);
	return j;
}

/* Takes text for a name if it may be one; true: it was. */
static bool take(char out[CONTAINER_NAME_MAX], const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n || n >= CONTAINER_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	memcpy(out, text, n + 1);
	return true;
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int found(const struct container_names *n)
{
	return *n->container || *n->pod ? 0 : -ENOENT;
}

/* The annotations that containerd's and cri-o's CRI, nerdctl and dockershim make. */
static void from_annotations(const json_t *a, struct container_names *ret)
{
	(void)(take(ret->container, text_in(a, "io.kubernetes.cri.container-name")) ||
	       take(ret->container, text_in(a, "io.kubernetes.container.name")) ||
	       take(ret->container, text_in(a, "nerdctl/name")));
	(void)(take(ret->pod, text_in(a, "io.kubernetes.cri.sandbox-name")) ||
	       take(ret->pod, text_in(a, "io.kubernetes.pod.name")));
	(void)(take(ret->ns, text_in(a, "io.kubernetes.cri.sandbox-namespace")) ||
	       take(ret->ns, text_in(a, "io.kubernetes.pod.namespace")));
	/* the process that holds a pod's namespaces open has no name of its own */
	if (!*ret->container && *ret->pod)
		take(ret->container, "POD");
}

static int from_bundle(int host, const char *path, struct container_names *ret)
{
	json_t *j = read_json(host, path);

	if (!j)
		return -ENOENT;
	from_annotations(json_object_get(j, "annotations"), ret);
	json_decref(j);
	return found(ret);
}

/* Calls fn for the names in a directory until it says 0; its last answer, -ENOENT: no names. */
static int each_name(int host, const char *path, size_t max, int (*fn)(void *arg, const char *name),
		     void *arg)
{
	cleanup_close int fd = open_below(host, path, O_RDONLY | O_DIRECTORY);
	DIR *d = fd >= 0 && trusted(fd, S_IFDIR) ? fdopendir(fd) : NULL;
	struct dirent *de;
	int r = -ENOENT;

	if (!d)
		return -ENOENT;
	fd = -1; /* the stream's now */
	while (r && max-- && (de = readdir(d)))
		if (de->d_name[0] != '.')
			r = fn(arg, de->d_name);
	closedir(d);
	return r;
}

struct search {
	int host;
	const char *id;
	struct container_names *ret;
	size_t n;
};

#define CONTAINERD_TASKS "run/containerd/io.containerd.runtime.v2.task"

static int in_namespace(void *arg, const char *name)
{
	struct search *s = arg;
	char path[512];

	snprintf(path, sizeof(path), CONTAINERD_TASKS "/%s/%s/config.json", name, s->id);
	return from_bundle(s->host, path, s->ret);
}

int container_from_containerd(int host, const char *id, struct container_names *ret)
{
	struct search s = { .host = host, .id = id, .ret = ret };

	return each_name(host, CONTAINERD_TASKS, NAMESPACES_MAX, in_namespace, &s);
}

/* podman keeps names in one file for all containers of a storage */
static int from_list(int host, const char *path, const char *id, struct container_names *ret)
{
	json_t *list = read_json(host, path), *c;
	size_t i;

	json_array_foreach(list, i, c)
	{
		const char *is = text_in(c, "id");

		if (!is || strcmp(is, id))
			continue;
		take(ret->container,
		     json_string_value(json_array_get(json_object_get(c, "names"), 0)));
		break;
	}
	json_decref(list);
	return found(ret);
}

int container_from_storage(int host, const char *id, struct container_names *ret)
{
	static const char *const dirs[] = { "run/containers/storage/overlay-containers",
					    "var/lib/containers/storage/overlay-containers" };
	char path[512];
	int r = -ENOENT;

	for (size_t i = 0; r && i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s/userdata/config.json", dirs[i], id);
		r = from_bundle(host, path, ret);
	}
	for (size_t i = 0; r && i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/containers.json", dirs[i]);
		r = from_list(host, path, id, ret);
		if (!r)
			break;
		snprintf(path, sizeof(path), "%s/volatile-containers.json", dirs[i]);
		r = from_list(host, path, id, ret);
	}
	return r;
}

int container_from_docker(int host, const char *id, struct container_names *ret)
{
	const char *name;
	char path[512];
	json_t *j;

	snprintf(path, sizeof(path), "var/lib/docker/containers/%s/config.v2.json", id);
	j = read_json(host, path);
	if (!j)
		return -ENOENT;
	from_annotations(json_object_get(json_object_get(j, "Config"), "Labels"), ret);
	name = text_in(j, "Name");
	if (!*ret->pod)
		take(ret->container, name && *name == '/' ? name + 1 : name);
	json_decref(j);
	return found(ret);
}

/* Takes [p, end) for a name. */
static bool take_part(char out[CONTAINER_NAME_MAX], const char *p, const char *end)
{
	char text[CONTAINER_NAME_MAX];

	if (end <= p || (size_t)(end - p) >= sizeof(text))
		return false;
	memcpy(text, p, (size_t)(end - p));
	text[end - p] = '\0';
	return take(out, text);
}

/* "POD_NAMESPACE_CONTAINER-ID.log": names of Kubernetes hold no '_'. */
static int log_name(void *arg, const char *name)
{
	const struct search *s = arg;
	const char *one = strchr(name, '_'), *two = one ? strchr(one + 1, '_') : NULL;
	const char *id = two ? strstr(two, s->id) : NULL;

	if (!id || id[-1] != '-' || strcmp(id + CONTAINER_ID_LEN, ".log"))
		return -ENOENT;
	if (!take_part(s->ret->pod, name, one) || !take_part(s->ret->ns, one + 1, two))
		return -ENOENT;
	return take_part(s->ret->container, two + 1, id - 1) ? 0 : -ENOENT;
}

int container_from_logs(int host, const char *id, struct container_names *ret)
{
	struct search s = { .host = host, .id = id, .ret = ret };

	return each_name(host, "var/log/containers", CONTAINER_FILES_MAX, log_name, &s);
}

static int only_name(void *arg, const char *name)
{
	struct search *s = arg;

	if (s->n++)
		s->ret->container[0] = '\0'; /* two containers: which one is not known */
	else
		take(s->ret->container, name);
	return -ENOENT;
}

/* "NAMESPACE_POD_UID" with a directory for each container */
static int pod_name(void *arg, const char *name)
{
	struct search *s = arg;
	const char *one = strchr(name, '_'), *two = one ? strchr(one + 1, '_') : NULL;
	struct search below = { .host = s->host, .ret = s->ret };
	char path[512];

	if (!two || strcmp(two + 1, s->id))
		return -ENOENT;
	if (!take_part(s->ret->ns, name, one) || !take_part(s->ret->pod, one + 1, two))
		return -ENOENT;
	snprintf(path, sizeof(path), "var/log/pods/%s", name);
	each_name(s->host, path, NAMESPACES_MAX, only_name, &below);
	return 0;
}

int container_from_pod_logs(int host, const char *uid, struct container_names *ret)
{
	struct search s = { .host = host, .id = uid, .ret = ret };

	return each_name(host, "var/log/pods", CONTAINER_FILES_MAX, pod_name, &s);
}

/*
 * systemd's driver writes the uid with '_' ("kubepods-besteffort-podUID.slice"),
 * cgroupfs's with '-' ("/kubepods/besteffort/podUID/"); a static pod's is 32
 * hex digits without either.
 */
void container_pod_uid(const char *cgroup, char out[UID_LEN + 1])
{
	out[0] = '\0';
	for (const char *p = strstr(cgroup, "pod"); p; p = strstr(p + 1, "pod")) {
		size_t n = 0;

		while (n < UID_LEN &&
		       (isxdigit((unsigned char)p[3 + n]) || p[3 + n] == '_' || p[3 + n] == '-')) {
			out[n] = p[3 + n] == '_' ? '-' : p[3 + n];
			n++;
		}
		if ((n == UID_LEN || n == 32) && !isalnum((unsigned char)p[3 + n])) {
			out[n] = '\0';
			return;
		}
		out[0] = '\0';
	}
}
