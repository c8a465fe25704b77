// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into a program: makes one of its allocations fail, or one of its calls
 * that open, read, write, map, cut, rename, sync or send, or that make a socket, a
 * poll set or a thread. Which: the Nth of those from one call stack, as the same
 * code asks the same thing at each, and threads do not change its turn. The file
 * that NTH_FILE names, mapped and shared with the test (nth.py), which may change
 * it at any time, says so, and there the call stacks are counted.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

enum { OFF, ALLOC, IO };
enum { N_STACKS = 1 << 13, DEPTH = 64 };

struct control {
	uint32_t kind;	 /* what fails */
	uint32_t on;	 /* all that follow fail, too */
	uint64_t stack;	 /* whose call fails; 0: none, they are counted */
	uint64_t nth;	 /* of that call stack, from 1 */
	uint64_t failed; /* calls that were made to fail */
	uint64_t lost;	 /* calls whose stack found no room below */
	uint64_t depth;
	uint64_t where[DEPTH]; /* return addresses of what failed first */
	struct {
		uint64_t stack, calls;
	} seen[N_STACKS];
};

static struct control none, *control = &none;

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t m);
extern void *__libc_realloc(void *p, size_t n);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("NTH_FILE");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	long p;

	if (fd < 0)
		return;
	p = syscall(SYS_mmap, NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p > 0)
		control = (struct control *)p;
}

struct stack {
	uint64_t pc[DEPTH];
	unsigned int n;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *c, void *arg)
{
	struct stack *s = arg;
	uint64_t pc = _Unwind_GetIP(c);
	unsigned int i;

	/* however deep a function calls itself, it is the same code */
	for (i = 0; i < s->n; i++)
		if (s->pc[i] == pc)
			return _URC_NO_REASON;
	s->pc[s->n++] = pc;
	return s->n < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* FNV-1a over the addresses; the test has their randomisation switched off */
static uint64_t hash_of(const struct stack *s)
{
	uint64_t h = 0xcbf29ce484222325ull;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		h = (h ^ s->pc[i]) * 0x100000001b3ull;
	return h ? h : 1;
}

/* how many calls from there were seen, this one among them; 0: no room */
static uint64_t count(uint64_t stack)
{
	uint64_t was;
	unsigned int i, at;

	for (i = 0; i < N_STACKS; i++) {
		at = (stack + i) % N_STACKS;
		was = 0;
		if (__atomic_compare_exchange_n(&control->seen[at].stack, &was, stack, 0,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    was == stack)
			return __atomic_add_fetch(&control->seen[at].calls, 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&control->lost, 1, __ATOMIC_RELAXED);
	return 0;
}

static int is_meant(void)
{
	static __thread int inside __attribute__((tls_model("initial-exec")));
	struct stack s = { .n = 0 };
	uint64_t stack, n, failed;

	/* what walking a stack asks for itself */
	if (inside)
		return 0;
	inside = 1;
	_Unwind_Backtrace(add_frame, &s);
	inside = 0;
	stack = hash_of(&s);
	n = count(stack);
	failed = __atomic_load_n(&control->failed, __ATOMIC_RELAXED);
	if (failed)
		return control->on;
	if (!control->stack || stack != control->stack || n != control->nth)
		return 0;
	memcpy(control->where, s.pc, sizeof(s.pc));
	control->depth = s.n;
	return 1;
}

static int fails(uint32_t kind, int error)
{
	if (__atomic_load_n(&control->kind, __ATOMIC_RELAXED) != kind || !is_meant())
		return 0;
	__atomic_add_fetch(&control->failed, 1, __ATOMIC_RELAXED);
	errno = error;
	return 1;
}

void *malloc(size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_realloc(p, n);
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return openat(AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *p, size_t n)
{
	return fails(IO, EIO) ? -1 : syscall(SYS_read, fd, p, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return fails(IO, EIO) ? -1 : syscall(SYS_pread64, fd, p, n, at);
}

/* Waking another thread by an eventfd cannot fail: it is no file of a disk. */
static int is_event(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & S_IFMT);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return !is_event(fd) && fails(IO, ENOSPC) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(IO, ENOSPC) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	if (fails(IO, ENOMEM))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

int ftruncate(int fd, off_t len)
{
	return fails(IO, ENOSPC) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int fsync(int fd)
{
	return fails(IO, EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(IO, EIO) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails(IO, ENOSPC) ? -1 : (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	return fails(IO, ENOSPC) ? -1 : (int)syscall(SYS_mkdirat, dir, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	return fails(IO, ENOBUFS) ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	return fails(IO, ENOMEM) ? -1 : syscall(SYS_recvmsg, fd, m, flags);
}

int socket(int domain, int type, int protocol)
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *a, socklen_t n)
{
	return fails(IO, EADDRINUSE) ? -1 : (int)syscall(SYS_bind, fd, a, n);
}

int listen(int fd, int backlog)
{
	return fails(IO, EADDRINUSE) ? -1 : (int)syscall(SYS_listen, fd, backlog);
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_accept4, fd, a, n, flags);
}

int accept(int fd, struct sockaddr *a, socklen_t *n)
{
	return accept4(fd, a, n, 0);
}

int eventfd(unsigned int value, int flags)
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_eventfd2, value, flags);
}

int epoll_create1(int flags)
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int set, int op, int fd, struct epoll_event *e)
{
	/* taking out what is in cannot fail */
	return op != EPOLL_CTL_DEL && fails(IO, ENOSPC)
		       ? -1
		       : (int)syscall(SYS_epoll_ctl, set, op, fd, e);
}

int pipe2(int fd[2], int flags)
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_pipe2, fd, flags);
}

int socketpair(int domain, int type, int protocol, int fd[2])
{
	return fails(IO, EMFILE) ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fd);
}

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		dlsym(RTLD_NEXT, "pthread_create");

	return fails(IO, EAGAIN) ? EAGAIN : real(t, attr, fn, arg);
}

/* stdio's and the directory's own calls stay inside of libc */
FILE *fopen(const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");

	return fails(IO, EMFILE) ? NULL : real(path, mode);
}

DIR *opendir(const char *path)
{
	DIR *(*real)(const char *) = dlsym(RTLD_NEXT, "opendir");

	return fails(IO, EMFILE) ? NULL : real(path);
}

/* the names that programs built for large files use, and those with _FORTIFY_SOURCE */
int __openat_2(int dir, const char *path, int flags);
int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

int ftruncate64(int fd, off64_t len) __attribute__((alias("ftruncate")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
ssize_t pread64(int fd, void *p, size_t n, off64_t at) __attribute__((alias("pread")));
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) __attribute__((alias("pwrite")));
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t at)
	__attribute__((alias("mmap")));
