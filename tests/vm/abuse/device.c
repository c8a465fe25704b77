// SPDX-License-Identifier: GPL-2.0
/*
 * The device by every system call that takes a descriptor or a mapping, in
 * random order with random arguments; and a reader's page that says anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ringprof.h>

#include "abuse.h"
#include "source/control.h"

#define PAGE	 4096UL
#define MAX_FDS	 16
#define MAX_MAPS 32

static int fds[MAX_FDS];
static unsigned int n_fds;
static struct map {
	char *at;
	size_t len;
} maps[MAX_MAPS];
static unsigned int n_maps;
static uint64_t done, refused, mapped;

/* What a call gave: counted, nothing more. */
static bool count(long ret)
{
	*(ret < 0 ? &refused : &done) += 1;
	return ret >= 0;
}

static int any_fd(void)
{
	return n_fds ? fds[random_below(n_fds)] : -1;
}

static void keep_fd(int fd)
{
	if (!count(fd))
		return;
	if (n_fds < MAX_FDS)
		fds[n_fds++] = fd;
	else
		close(fd);
}

static void do_open(void)
{
	keep_fd(open(RINGPROF_DEVICE,
		     (int)random_below(3) | O_CLOEXEC | (random_below(2) ? O_NONBLOCK : 0)));
}

static void do_dup(void)
{
	keep_fd(dup(any_fd()));
}

static void do_close(void)
{
	unsigned int i;

	if (!n_fds)
		return;
	i = random_below(n_fds);
	count(close(fds[i]));
	fds[i] = fds[--n_fds];
}

/* The whole of CPU 0's ring, for a quarter of the lengths: else hardly a mapping were right. */
static size_t some_length(void)
{
	const size_t lens[] = { 1, PAGE, PAGE, 2 * PAGE, 3 * PAGE, 65536, 1UL << 32 };
	struct ringprof_ring_head *h;
	size_t n = PAGE;

	if (random_below(4))
		return lens[random_below(sizeof(lens) / sizeof(lens[0]))];
	h = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, any_fd(), (off_t)RINGPROF_MMAP_HEAD_OF(0));
	if (h != MAP_FAILED) {
		n += 2 * h->data_size;
		munmap(h, PAGE);
	}
	return n;
}

static void do_mmap(void)
{
	const uint64_t offs[] = { 0,
				  PAGE,
				  2 * PAGE,
				  RINGPROF_MMAP_TAIL_OF(1),
				  RINGPROF_MMAP_HEAD_OF(1),
				  RINGPROF_MMAP_HEAD_OF(7),
				  RINGPROF_MMAP_HEAD_OF(1 << 20),
				  0x7ffffffffffff000 };
	const int flags[] = { MAP_SHARED,
			      MAP_SHARED,
			      MAP_PRIVATE,
			      MAP_SHARED | MAP_POPULATE,
			      MAP_SHARED | MAP_LOCKED,
			      MAP_SHARED | MAP_HUGETLB };
	struct map m = { .len = some_length() };

	m.at = mmap(NULL, m.len, (int)random_below(8), flags[random_below(6)], any_fd(),
		    (off_t)offs[random_below(sizeof(offs) / sizeof(offs[0]))]);
	if (!count(m.at == MAP_FAILED ? -1 : 0))
		return;
	mapped++;
	if (n_maps < MAX_MAPS)
		maps[n_maps++] = m;
	else
		munmap(m.at, m.len);
}

static void do_munmap(void)
{
	unsigned int i;

	if (!n_maps)
		return;
	i = random_below(n_maps);
	count(munmap(maps[i].at, maps[i].len));
	maps[i] = maps[--n_maps];
}

static void part_of(const struct map *m, char **at, size_t *len)
{
	uint32_t pages = (uint32_t)((m->len + PAGE - 1) / PAGE), first = random_below(pages);

	*at = m->at + first * PAGE;
	*len = (1 + random_below(pages - first)) * PAGE;
}

/* What would change a mapping that is there. */
static void do_change(void)
{
	/* not those that harm the machine on purpose (HWPOISON) */
	const int advice[] = { MADV_DONTNEED,	MADV_REMOVE,   MADV_DONTFORK, MADV_DOFORK,
			       MADV_MERGEABLE,	MADV_HUGEPAGE, MADV_DODUMP,   MADV_FREE,
			       MADV_WIPEONFORK, MADV_COLD,     MADV_PAGEOUT };
	size_t len, page;
	void *moved;
	char *at;

	if (!n_maps)
		return;
	page = random_below(n_maps);
	part_of(&maps[page], &at, &len);
	switch (random_below(7)) {
	case 0:
		count(mprotect(at, len, (int)random_below(8)));
		break;
	case 1:
		count(madvise(at, len, advice[random_below(sizeof(advice) / sizeof(advice[0]))]));
		break;
	case 2:
		moved = mremap(maps[page].at, maps[page].len, maps[page].len, MREMAP_MAYMOVE);
		if (count(moved == MAP_FAILED ? -1 : 0))
			maps[page].at = moved;
		break;
	case 3:
		count(mremap(at, len, len * (1 + random_below(3)), MREMAP_MAYMOVE) == MAP_FAILED
			      ? -1
			      : 0);
		break;
	case 4:
		count(mlock(at, len));
		break;
	case 5:
		count(msync(at, len, MS_SYNC));
		break;
	default:
		count(munmap(at, len));
		break;
	}
}

/* Nobody but the module writes the head: not the debugger's way either. */
static void do_write_by_force(void)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	uint64_t x = random_u64();
	char buf[64];

	if (fd >= 0 && n_maps) {
		char *at = maps[random_below(n_maps)].at;

		count(pread(fd, buf, sizeof(buf), (off_t)at));
		count(pwrite(fd, &x, sizeof(x), (off_t)at));
	}
	if (fd >= 0)
		close(fd);
}

static void do_calls(void)
{
	char buf[256] = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct pollfd p = { .fd = any_fd(), .events = POLLIN | POLLOUT | POLLPRI };

	switch (random_below(9)) {
	case 0:
		count(read(p.fd, buf, sizeof(buf)));
		break;
	case 1:
		count(write(p.fd, buf, sizeof(buf)));
		break;
	case 2:
		count(ioctl(p.fd, random_u64(),
			    random_below(2) ? (unsigned long)buf : random_u64()));
		break;
	case 3:
		count(lseek(p.fd, (off_t)random_u64(), SEEK_SET));
		break;
	case 4:
		count(poll(&p, 1, 0));
		break;
	case 5:
		count(fcntl(p.fd, F_SETFL, (int)random_u64() & (O_APPEND | O_ASYNC | O_NONBLOCK)));
		break;
	case 6:
		count(preadv(p.fd, &iov, 1, 0));
		break;
	case 7:
		count(ftruncate(p.fd, (off_t)random_below(1 << 20)) | fsync(p.fd) |
		      fallocate(p.fd, 0, 0, 4096));
		break;
	default:
		count(sendfile(p.fd, p.fd, NULL, 4096));
		break;
	}
}

/* A descriptor in flight holds the device as one that is open. */
static void do_pass(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} u = { .buf = { 0 } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = u.buf,
			      .msg_controllen = sizeof(u.buf) };
	int pair[2], fd = any_fd();

	if (fd < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		return;
	u.head.cmsg_level = SOL_SOCKET;
	u.head.cmsg_type = SCM_RIGHTS;
	u.head.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&u.head), &fd, sizeof(fd));
	count(sendmsg(pair[0], &msg, 0));
	if (random_below(2))
		do_close();
	if (random_below(2) && recvmsg(pair[1], &msg, 0) == 1 && msg.msg_controllen) {
		memcpy(&fd, CMSG_DATA(&u.head), sizeof(fd));
		keep_fd(fd);
	}
	close(pair[0]);
	close(pair[1]);
}

/* A child that touches what it got: mappings are not inherited, descriptors are. */
static void do_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return;
	if (!pid) {
		for (int i = 0; i < 8; i++)
			random_below(2) ? do_mmap() : do_calls();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void one_round(void)
{
	static void (*const calls[])(void) = { do_open,	  do_dup,   do_close,  do_mmap,
					       do_mmap,	  do_mmap,  do_munmap, do_change,
					       do_change, do_calls, do_calls,  do_write_by_force,
					       do_pass };

	if (!random_below(64))
		do_fork();
	else
		calls[random_below(sizeof(calls) / sizeof(calls[0]))]();
}

/* The device when whoever else has it lets it go, a minute at most. */
static int patient_open(void)
{
	double until = now_seconds() + 60;
	int fd;

	do {
		fd = open(RINGPROF_DEVICE, O_RDONLY | O_CLOEXEC);
	} while (fd < 0 && errno == EBUSY && now_seconds() < until && !usleep(10000));
	if (fd < 0)
		die(RINGPROF_DEVICE);
	return fd;
}

/* The first page of CPU 0's ring says what it said. */
static int head_is_whole(void)
{
	int fd = patient_open();
	struct ringprof_ring_head *h;

	h = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)RINGPROF_MMAP_HEAD_OF(0));
	if (h == MAP_FAILED)
		die("head of CPU 0");
	if (h->magic == RINGPROF_MAGIC && h->abi_major == RINGPROF_ABI_MAJOR && h->cpu == 0)
		return 0;
	fprintf(stderr, "abuse: somebody wrote into the head of CPU 0\n");
	return 1;
}

int abuse_device(int argc, char **argv)
{
	long rounds = atol(argv[0]), i;
	double until;

	(void)argc;
	random_seed(strtoull(argv[1], NULL, 0));
	for (i = 0; i < rounds; i++)
		one_round();
	/* another one may have had the device all the while: it ends as well */
	for (until = now_seconds() + 60; !mapped && now_seconds() < until; i++)
		one_round();
	while (n_maps)
		do_munmap();
	while (n_fds)
		do_close();
	printf("device: %ld rounds, %llu calls done, %llu refused, %llu mappings made\n", i,
	       (unsigned long long)done, (unsigned long long)refused, (unsigned long long)mapped);
	/* poll(2) of no descriptor is done as well: only a mapping shows that the device was there */
	return !mapped || !refused ? 1 : head_is_whole();
}

static struct ringprof_ring_tail *map_tail(int fd, unsigned int cpu)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)RINGPROF_MMAP_TAIL_OF(cpu));

	return p == MAP_FAILED ? NULL : p;
}

/* Every byte of the page, at any moment; now and then a position that could be. */
static void lie(struct ringprof_ring_tail *tail, const struct ringprof_ring_head *head)
{
	uint64_t *words = (uint64_t *)tail;

	for (size_t i = 0; i < PAGE / 8; i++)
		__atomic_store_n(&words[i], random_u64() >> random_below(64), __ATOMIC_RELAXED);
	__atomic_store_n(&tail->tail, head->head + random_below(64) - 32, __ATOMIC_RELAXED);
	__atomic_store_n(&tail->tail, head->head - random_below(1 << 16), __ATOMIC_RELAXED);
}

int abuse_lie(int argc, char **argv)
{
	struct ringprof_ring_tail *tails[64];
	const struct ringprof_ring_head *heads[64];
	double until = now_seconds() + atof(argv[0]);
	int fd = open(RINGPROF_DEVICE, O_RDWR | O_CLOEXEC);
	unsigned int n;
	long lies = 0;

	(void)argc;
	random_seed(strtoull(argv[1], NULL, 0));
	if (fd < 0)
		die(RINGPROF_DEVICE);
	for (n = 0; n < 64 && (tails[n] = map_tail(fd, n)); n++) {
		heads[n] = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
				(off_t)RINGPROF_MMAP_HEAD_OF(n));
		if (heads[n] == MAP_FAILED)
			die("head");
	}
	if (!n)
		die("tail of CPU 0");
	for (; now_seconds() < until; lies++)
		lie(tails[lies % n], heads[lies % n]);
	printf("lie: %ld pages of lies to %u CPUs\n", lies, n);
	return 0;
}
