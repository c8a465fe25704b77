/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What people call a container: its name and its pod's, from the files that
 * the runtime keeps beside it on the host. No runtime and no API server is
 * asked, so nothing has to be running, configured or waited for.
 *
 *   containerd  /run/containerd/io.containerd.runtime.v2.task/NS/ID/config.json
 *   cri-o       /{run/containers,var/lib/containers}/storage/overlay-containers/
 *               ID/userdata/config.json
 *   podman      .../storage/overlay-containers/containers.json, volatile-containers.json
 *   docker      /var/lib/docker/containers/ID/config.v2.json
 *   kubelet     names in /var/log/containers and /var/log/pods, for all others
 *
 * The files must be root's own and regular; of each a bounded number of bytes
 * is read. Answers are kept by container id, misses for some seconds only.
 * One thread.
 */
#ifndef RINGPROF_PROC_CONTAINER_H
#define RINGPROF_PROC_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#define CONTAINER_ID_LEN    64
#define CONTAINER_NAME_MAX  256 /* longer names are no names */
#define CONTAINER_JSON_MAX  (512U << 10)
#define CONTAINER_FILES_MAX 16384U /* names of one directory that are looked at */
#define CONTAINERS_MAX	    8192U  /* kept; a full table is begun anew */

struct container_names { /* "" where unknown */
	char container[CONTAINER_NAME_MAX], pod[CONTAINER_NAME_MAX], ns[CONTAINER_NAME_MAX];
};

struct containers;

/* host: the directory that stands for "/" (tests use another), NULL: "/". NULL: no memory. */
struct containers *containers_new(const char *host);
void containers_free(struct containers *c); /* NULL is fine */
/*
 * Names of the container with that id (64 hex digits). cgroup: path of its
 * cgroup, which may hold the pod's uid. now: mono ns. Good until the next
 * call; never NULL.
 */
const struct container_names *containers_get(struct containers *c, const char *id,
					     const char *cgroup, uint64_t now);
size_t containers_bytes(const struct containers *c);

/* ---- container_files.c: each fills what it finds, gives 0 or -ENOENT ---- */
/* host: O_PATH descriptor of "/". */
int container_from_containerd(int host, const char *id, struct container_names *ret);
int container_from_storage(int host, const char *id, struct container_names *ret);
int container_from_docker(int host, const char *id, struct container_names *ret);
int container_from_logs(int host, const char *id, struct container_names *ret);
int container_from_pod_logs(int host, const char *uid, struct container_names *ret);
/* The pod's uid in a cgroup path, into out[37]; "" if there is none. */
void container_pod_uid(const char *cgroup, char out[37]);

#endif
