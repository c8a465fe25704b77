// SPDX-License-Identifier: GPL-2.0
/*
 * What container runtimes and kubelet leave on a host: JSON of any bytes in the
 * files where it is looked for, names of any bytes in their directories, and
 * the path of a cgroup. The first byte says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "proc/container.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "01234567-89ab-cdef-0123-456789abcdef"

static const struct place {
	char kind;
	const char *dir, *file; /* file NULL: the input is its name */
	int (*ask)(int host, const char *id, struct container_names *ret);
	const char *id;
} places[] = {
	{ 'd', "var/lib/docker/containers/" ID, "config.v2.json", container_from_docker, ID },
	{ 'c', "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID, "config.json",
	  container_from_containerd, ID },
	{ 's', "run/containers/storage/overlay-containers/" ID "/userdata", "config.json",
	  container_from_storage, ID },
	{ 'l', "var/lib/containers/storage/overlay-containers", "containers.json",
	  container_from_storage, ID },
	{ 'n', "var/log/containers", NULL, container_from_logs, ID },
	{ 'p', "var/log/pods", NULL, container_from_pod_logs, UID },
};

static char root[] = "/tmp/fuzz_container.XXXXXX";
static int host = -1;

static void must(int good)
{
	if (!good)
		abort();
}

static void remove_root(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", root);
	must(!system(cmd));
}

static void make_root(void)
{
	char cmd[512];

	must(mkdtemp(root) != NULL);
	atexit(remove_root);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(cmd, sizeof(cmd), "mkdir -p %s/%s", root, places[i].dir);
		must(!system(cmd));
	}
	host = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(host >= 0);
}

static void see_name(const char *name)
{
	size_t n = strnlen(name, CONTAINER_NAME_MAX);

	must(n < CONTAINER_NAME_MAX);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)name[i] >= 0x20 && name[i] != 0x7f);
}

static void ask(const struct place *p)
{
	struct container_names names = { 0 };
	int r = p->ask(host, p->id, &names);

	must(r == -ENOENT || (!r && (*names.container || *names.pod || *names.ns)));
	see_name(names.container);
	see_name(names.pod);
	see_name(names.ns);
}

static void with_file(const struct place *p, const uint8_t *data, size_t size)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", p->dir, p->file);
	fd = openat(host, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	ask(p);
	unlinkat(host, path, 0);
}

/* A directory does for kubelet's files, too: only the name is looked at. */
static void with_name(const struct place *p, const char *name)
{
	char path[512];

	if (!*name || strchr(name, '/') || strlen(name) > 255 || *name == '.')
		return;
	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	must(!mkdirat(host, path, 0700));
	ask(p);
	must(!unlinkat(host, path, AT_REMOVEDIR));
}

static void with_text(const struct place *p, const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), uid[37];

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (p) {
		with_name(p, text);
	} else {
		container_pod_uid(text, uid);
		must(strspn(uid, "0123456789abcdefABCDEF-") == strlen(uid));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct place *p = NULL;

	if (host < 0)
		make_root();
	if (!size)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].kind == (char)data[0])
			p = &places[i];
	if (p && p->file)
		with_file(p, data + 1, size - 1);
	else
		with_text(p, data + 1, size - 1);
	return 0;
}
