// SPDX-License-Identifier: GPL-2.0
/*
 * The user side of perf's mmap ring: data_head is read with acquire, data_tail
 * written with release, as linux/perf_event.h asks. Records are read in place;
 * only one that wraps is copied.
 */
#include "source/perf_ring.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIN_BYTES  16384U
#define MAX_RECORD 65536U /* perf_event_header.size is 16 bits */

static int open_event(struct perf_event_attr *attr, int cpu, int cgroup)
{
	unsigned long flags = PERF_FLAG_FD_CLOEXEC | (cgroup >= 0 ? PERF_FLAG_PID_CGROUP : 0);
	long fd = syscall(SYS_perf_event_open, attr, cgroup, cpu, -1, flags);

	return fd < 0 ? -errno : (int)fd;
}

/* In force for this thread or not; false: it has not been left to us, or nothing changes. */
static bool set_sys_admin(bool on)
{
	if (capng_get_caps_process() || !capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN) ||
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) == (int)on)
		return false;
	return !capng_update(on ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, CAP_SYS_ADMIN) &&
	       !capng_apply(CAPNG_SELECT_CAPS);
}

int perf_open_cpu(struct perf_event_attr *attr, int cpu, int cgroup)
{
	int fd = open_event(attr, cpu, cgroup);

	if (fd == -EACCES && set_sys_admin(true)) {
		fd = open_event(attr, cpu, cgroup);
		set_sys_admin(false);
	}
	return fd;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int map(struct perf_ring *r, size_t bytes)
{
	void *p = mmap(NULL, page_size() + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->page = p;
	r->data = (unsigned char *)p + page_size();
	r->size = bytes;
	return 0;
}

int perf_ring_open(struct perf_ring *r, int fd, size_t bytes)
{
	size_t size = MIN_BYTES > page_size() ? MIN_BYTES : page_size();
	int ret;

	*r = (struct perf_ring){ .fd = fd };
	while (size < bytes)
		size *= 2;
	while ((ret = map(r, size)) && (ret == -EPERM || ret == -ENOMEM) && size > MIN_BYTES)
		size /= 2;
	if (!ret && !(r->scratch = malloc(MAX_RECORD)))
		ret = -ENOMEM;
	if (ret)
		perf_ring_close(r);
	return ret;
}

void perf_ring_close(struct perf_ring *r)
{
	if (r->fd < 0)
		return;
	if (r->page)
		munmap(r->page, page_size() + r->size);
	close(r->fd);
	free(r->scratch);
	*r = (struct perf_ring){ .fd = -1 };
}

void perf_ring_note(struct perf_ring *r)
{
	r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
}

static void copy_out(const struct perf_ring *r, uint64_t pos, void *to, size_t n)
{
	size_t from = pos & (r->size - 1), first = r->size - from;

	if (first > n)
		first = n;
	memcpy(to, r->data + from, first);
	memcpy((char *)to + first, r->data, n - first);
}

/* Nothing can be made of what is there: go on where the kernel goes on. */
static const struct perf_event_header *drop_all(struct perf_ring *r)
{
	r->corrupt += r->head - r->pos;
	r->at = r->head;
	r->pos = r->head;
	return NULL;
}

const struct perf_event_header *perf_ring_next(struct perf_ring *r)
{
	uint64_t left = r->head - r->pos;
	size_t from = r->pos & (r->size - 1);
	struct perf_event_header h;

	r->at = r->pos;
	if (!left)
		return NULL;
	if (left > r->size || left < sizeof(h))
		return drop_all(r);
	copy_out(r, r->pos, &h, sizeof(h));
	if (h.size < sizeof(h) || h.size % 8 || h.size > left)
		return drop_all(r);
	r->pos += h.size;
	if (from + h.size <= r->size)
		return (const void *)(r->data + from);
	copy_out(r, r->at, r->scratch, h.size);
	return (const void *)r->scratch;
}

void perf_ring_release(struct perf_ring *r, bool keep)
{
	__atomic_store_n(&r->page->data_tail, keep ? r->at : r->pos, __ATOMIC_RELEASE);
}

void perf_ring_release_lazily(struct perf_ring *r)
{
	/* data_tail is our own: nobody else writes it */
	if (r->pos - r->page->data_tail > r->size / 4)
		perf_ring_release(r, false);
}

int perf_ring_enabled_ns(const struct perf_ring *r, uint64_t *ret)
{
	uint64_t v[2]; /* value, time enabled */
	ssize_t n = read(r->fd, v, sizeof(v));

	if (n != sizeof(v))
		return n < 0 ? -errno : -EIO;
	*ret = v[1];
	return 0;
}

size_t perf_ring_bytes(const struct perf_ring *r)
{
	return r->fd < 0 ? 0 : r->size + page_size() + MAX_RECORD;
}
