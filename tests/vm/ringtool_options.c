// SPDX-License-Identifier: GPL-2.0
/* ringtool's options, and the mappings that the module must refuse. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ringtool.h"

/* Every run starts from the same settings, whatever the one before had. */
static void defaults(struct options *o)
{
	struct control_config *c = &o->cfg;

	memset(o, 0, sizeof(*o));
	c->hz = 499;
	c->max_depth = RINGPROF_MAX_DEPTH;
	c->set_hz = c->set_event = c->set_ring_size = c->set_max_depth = true;
	c->set_flags = c->set_budget = c->set_cpus = c->set_cgroup = c->set_tgids = true;
}

bool options_parse(struct options *o, int argc, char **argv)
{
	int c;

	defaults(o);
	while ((c = getopt(argc, argv, "+F:d:D:c:r:f:b:B:p:g:s:o:nta")) != -1) {
		switch (c) {
		case 'F':
			o->cfg.hz = atoi(optarg);
			break;
		case 'd':
			o->seconds = atof(optarg);
			break;
		case 'D':
			o->cfg.max_depth = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			snprintf(o->cfg.cpus, sizeof(o->cfg.cpus), "%s", optarg);
			break;
		case 'r':
			o->cfg.ring_size = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			o->cfg.flags = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			o->cfg.node_budget = strtoul(optarg, NULL, 0);
			o->cfg.set_node_budget = true;
			break;
		case 'B':
			o->cfg.budget = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->cfg.tgids[o->cfg.n_tgids++ % 256] = atoi(optarg);
			break;
		case 'g':
			snprintf(o->cfg.cgroup, sizeof(o->cfg.cgroup), "%s", optarg);
			break;
		case 's':
			o->stacks = optarg;
			break;
		case 'o':
			o->output = optarg;
			break;
		case 'n':
			o->no_drain = true;
			break;
		case 't':
			o->bad_tail = true;
			break;
		case 'a':
			o->all = true;
			break;
		default:
			return false;
		}
	}
	o->command = optind < argc ? argv + optind : NULL;
	return true;
}

int options_apply(struct control *c, const struct options *o)
{
	return control_set(c, &o->cfg);
}

struct rule {
	const char *name;
	size_t length; /* in pages; 0: of the whole head mapping */
	int prot, flags, err;
	uint64_t offset;
};

static size_t whole(int fd, long page)
{
	struct ringprof_ring_head *h =
		mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)RINGPROF_MMAP_HEAD_OF(0));
	size_t n;

	if (h == MAP_FAILED)
		return 0;
	n = page + 2 * h->data_size;
	munmap(h, page);
	return n;
}

/* Which errno a mapping gave; one that worked is undone and gives 0. */
static int try_map(int fd, size_t len, int prot, int flags, uint64_t off)
{
	void *p = mmap(NULL, len, prot, flags, fd, (off_t)off);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, len);
	return 0;
}

static int say(const char *name, bool good, int err)
{
	printf("%s %s (%s)\n", good ? "ok" : "not ok", name, err ? strerror(err) : "allowed");
	return !good;
}

/* The errno that a child gets which asks for its page there; -1: it could not ask. */
static int seen_by_child(void *p, size_t page)
{
	unsigned char in_core;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(mincore(p, page, &in_core) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Kernels before 4.15 split mappings without a word to their driver (kmod/compat/mm.h). */
static bool asks_before_split(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > 4 || (major == 4 && minor >= 15);
}

static int split_rules(void *part, size_t len)
{
	int bad, r = munmap(part, len) ? errno : 0;

	bad = say("munmap of a part is refused", r == EINVAL, r);
	r = mprotect(part, len, PROT_NONE) ? errno : 0;
	return bad + say("mprotect of a part is refused", r == EINVAL, r);
}

/* What can be asked of a mapping afterwards. */
static int later_rules(int fd, size_t len, size_t page)
{
	char *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)RINGPROF_MMAP_HEAD_OF(0));
	int bad = 0, r;

	if (p == MAP_FAILED)
		return say("the whole head mapping", false, errno);
	r = mprotect(p, len, PROT_READ | PROT_WRITE) ? errno : 0;
	bad += say("mprotect to writable is refused", r == EACCES, r);
	r = mprotect(p, len, PROT_READ | PROT_EXEC) ? errno : 0;
	bad += say("mprotect to executable is refused", r == EACCES, r);
	if (asks_before_split())
		bad += split_rules(p + page, page);
	r = mremap(p, len, len * 2, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0;
	bad += say("mremap to grow is refused", r == EFAULT, r);
	r = seen_by_child(p, page);
	bad += say("a child does not inherit it", r == ENOMEM, r);
	munmap(p, len);
	return bad;
}

int rules(int fd)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t len = whole(fd, page);
	uint64_t head = RINGPROF_MMAP_HEAD_OF(0), tail = RINGPROF_MMAP_TAIL_OF(0);
	const struct rule list[] = {
		{ "head page alone, read only", 1, PROT_READ, MAP_SHARED, 0, head },
		{ "head and data, read only", 0, PROT_READ, MAP_SHARED, 0, head },
		{ "tail, writable", 1, PROT_READ | PROT_WRITE, MAP_SHARED, 0, tail },
		{ "head, writable", 1, PROT_READ | PROT_WRITE, MAP_SHARED, EPERM, head },
		{ "head, executable", 1, PROT_READ | PROT_EXEC, MAP_SHARED, EPERM, head },
		{ "head and half of its data", 2, PROT_READ, MAP_SHARED, EINVAL, head },
		{ "two tail pages", 2, PROT_READ | PROT_WRITE, MAP_SHARED, EINVAL, tail },
		{ "an offset within the data", 1, PROT_READ, MAP_SHARED, EINVAL, head + page },
		{ "tail, private", 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, EINVAL, tail },
		{ "a CPU that there cannot be", 1, PROT_READ, MAP_SHARED, ENXIO,
		  RINGPROF_MMAP_HEAD_OF(100000) },
	};
	int bad = 0;

	if (!len)
		return say("CPU 0 has a ring", false, errno);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct rule *r = &list[i];
		int e = try_map(fd, r->length ? r->length * page : len, r->prot, r->flags,
				r->offset);

		bad += say(r->name, e == r->err, e);
	}
	return bad + later_rules(fd, len, page) ? 1 : 0;
}
