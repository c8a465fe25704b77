// SPDX-License-Identifier: GPL-2.0
/*
 * The conversation with a reader that may do anything: this program is its own
 * reader, with operations that misbehave, and checks what becomes of it. What
 * is read is in test_sym_reading.c.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/reader_msg.h"
#include "tap.h"

#define SOCK	   3 /* a reader's */
#define MAX_ANSWER 64

/* ---- the reader: does what the question says ---- */

static void say(const void *p, size_t n)
{
	if (write(SOCK, p, n) != (ssize_t)n)
		_exit(3);
}

static void say_head(uint32_t magic, uint32_t op, uint64_t len)
{
	const struct reader_head h = { .magic = magic, .op = op, .len = len };

	say(&h, sizeof(h));
}

static int open_and_read(struct reader_conn *c, const char *name, struct buf *ret)
{
	char text[16] = "";
	uint64_t size;
	int fd = reader_open(c, "dir", name, &size);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd < 0)
		return fd;
	close(fd);
	buf_printf(ret, "%d %.*s", (int)size, (int)n, text);
	return 0;
}

/* Only what cannot be said in an answer; returns where there is one. */
static void misbehave(struct reader_conn *c, const char *what)
{
	struct buf b = { 0 };

	if (!strcmp(what, "abort"))
		abort();
	if (!strcmp(what, "exit"))
		_exit(0);
	if (!strcmp(what, "kill"))
		raise(SIGKILL);
	if (!strcmp(what, "hang"))
		sleep(60);
	if (!strcmp(what, "garbage"))
		say("this is not a message at all", 28);
	if (!strcmp(what, "half a head")) {
		say("rpr", 3);
		_exit(0);
	}
	if (!strcmp(what, "half an answer") || !strcmp(what, "killed in the middle")) {
		say_head(READER_MAGIC, READER_TABLE, 10);
		say("12345", 5);
		if (*what == 'k')
			raise(SIGKILL);
		_exit(0);
	}
	if (!strcmp(what, "drips"))
		for (const char *p = "rprdrprdrprd"; *p; p++, usleep(500000))
			say(p, 1);
	if (!strcmp(what, "another magic"))
		say_head(1, READER_TABLE, 0);
	if (!strcmp(what, "another operation"))
		say_head(READER_MAGIC, READER_ROWS, 0);
	if (!strcmp(what, "no operation"))
		say_head(READER_MAGIC, 99, 0);
	if (!strcmp(what, "too much"))
		say_head(READER_MAGIC, READER_TABLE, 1ULL << 40);
	if (!strcmp(what, "opens one text"))
		say_head(READER_MAGIC, READER_OPEN, 0);
	while (!strcmp(what, "opens for ever"))
		open_and_read(c, "none", &b);
}

static int serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	const char *what = q->len ? q->data : "";

	if (!strcmp(what, "fd"))
		return open_and_read(c, "some", ret);
	if (!strcmp(what, "no fd"))
		return open_and_read(c, "none", ret);
	if (!strcmp(what, "error"))
		return -EBADMSG;
	if (!strcmp(what, "again"))
		return -EAGAIN;
	if (!strcmp(what, "pid")) {
		buf_printf(ret, "%d", (int)getpid());
		return 7;
	}
	if (!strcmp(what, "given")) {
		buf_printf(ret, "%d %d", q->fds[0] >= 0, q->fds[1] >= 0);
		return 0;
	}
	misbehave(c, what);
	buf_puts(ret, what);
	return 0;
}

static const reader_serve_fn ops[READER_OPS] = { [READER_TABLE] = serve };

/* ---- who asks ---- */

static const struct reader_config config = { .name = "test",
					     .uid = 65534,
					     .gid = 65534,
					     .max_memory = 1ULL << 30,
					     .timeout = 3 * NSEC_PER_SEC };
static struct file good = { .key = { 1 }, .path = "/good", .size = 1 };

static int open_for(void *arg, const char *dir, const char *name, uint64_t *size)
{
	int p[2];

	if (strcmp(dir, "dir") || strcmp(name, "some"))
		return -ENOENT;
	if (pipe2(p, O_CLOEXEC) || write(p[1], "inside", 6) != 6)
		return -errno;
	close(p[1]);
	*size = 42;
	return p[0];
}

static int ask(struct reader *r, const char *what, struct file *f, char text[MAX_ANSWER + 1])
{
	const struct reader_question q = { .op = READER_TABLE,
					   .file = f,
					   .args = what,
					   .len = strlen(what) + 1,
					   .open = open_for,
					   .max_answer = MAX_ANSWER };
	struct reader_answer a;
	int n = reader_ask(r, &q, &a);

	text[0] = '\0';
	if (n >= 0 && a.data)
		snprintf(text, MAX_ANSWER + 1, "%s", (char *)a.data);
	free(a.data);
	return n;
}

static int pid_of(struct reader *r)
{
	char text[MAX_ANSWER + 1];

	CHECK_EQ(ask(r, "pid", &good, text), 7);
	return atoi(text);
}

static uint64_t refused_for(struct reader *r, enum reader_fault f)
{
	struct reader_counters c;

	reader_counters(r, &c);
	return c.refused[f];
}

TEST(a_question_is_answered)
{
	struct reader *r = reader_new(&config);
	char text[MAX_ANSWER + 1];

	CHECK_EQ(ask(r, "hello", &good, text), 0);
	CHECK_STR(text, "hello");
	CHECK(pid_of(r) != getpid());
	CHECK_EQ(pid_of(r), pid_of(r));
	CHECK_EQ(ask(r, "error", &good, text), -EBADMSG);
	/* what only the daemon says does not come from there */
	CHECK_EQ(ask(r, "again", &good, text), -EINVAL);
	reader_free(r);
}

TEST(descriptors_go_in_and_files_are_asked_for)
{
	struct reader_question q = { .op = READER_TABLE,
				     .args = "given",
				     .len = 6,
				     .fds = { 0, 1 },
				     .n_fds = 2,
				     .max_answer = MAX_ANSWER };
	struct reader *r = reader_new(&config);
	char text[MAX_ANSWER + 1];
	struct reader_answer a;

	CHECK_EQ(reader_ask(r, &q, &a), 0);
	CHECK_STR(a.data, "1 1");
	free(a.data);
	q.n_fds = 0;
	CHECK_EQ(reader_ask(r, &q, &a), 0);
	CHECK_STR(a.data, "0 0");
	free(a.data);
	CHECK_EQ(ask(r, "fd", &good, text), 0);
	CHECK_STR(text, "42 inside");
	CHECK_EQ(ask(r, "no fd", &good, text), -ENOENT);
	/* an operation that it does not know is an error, no end */
	q.op = READER_GO;
	CHECK_EQ(reader_ask(r, &q, &a), -ENOSYS);
	CHECK_STR((ask(r, "still", &good, text), text), "still");
	reader_free(r);
}

TEST(one_that_is_killed_is_started_again)
{
	struct reader *r = reader_new(&config);
	struct reader_counters c;
	int pid = pid_of(r);

	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK(pid_of(r) != pid);
	reader_counters(r, &c);
	CHECK_EQ(c.deaths, 1);
	CHECK_EQ(c.starts, 2);
	CHECK_EQ(c.refused[READER_KILLED], 0);
	reader_free(r);
}

TEST(what_was_open_in_one_is_not_asked_of_the_next)
{
	struct reader_question q = { .op = READER_TABLE, .args = "x", .len = 2, .max_answer = 64 };
	struct reader *r = reader_new(&config);
	struct reader_answer a;
	int pid = pid_of(r);

	CHECK_EQ(reader_ask(r, &q, &a), 0);
	free(a.data);
	q.process = a.process;
	CHECK_EQ(reader_ask(r, &q, &a), 0);
	free(a.data);
	kill(pid, SIGKILL);
	CHECK(pid_of(r) != pid);
	CHECK_EQ(reader_ask(r, &q, &a), -ESTALE);
	reader_free(r);
}

static const struct {
	const char *what;
	enum reader_fault fault;
} faults[] = {
	{ "abort", READER_CRASHED },
	{ "exit", READER_CRASHED },
	{ "kill", READER_KILLED },
	{ "hang", READER_SLOW },
	{ "drips", READER_SLOW },
	{ "garbage", READER_NONSENSE },
	{ "half a head", READER_CRASHED },
	{ "half an answer", READER_CRASHED },
	{ "killed in the middle", READER_KILLED },
	{ "another magic", READER_NONSENSE },
	{ "another operation", READER_NONSENSE },
	{ "no operation", READER_NONSENSE },
	{ "too much", READER_NONSENSE },
	{ "opens one text", READER_NONSENSE },
};

TEST(a_file_that_ends_it_is_not_read_again)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct file bad = { .key = { 2 }, .path = "/bad", .size = i };
		struct reader *r = reader_new(&config);
		char text[MAX_ANSWER + 1], path[64];
		struct reader_counters c;
		enum reader_fault fault;

		printf("# %s\n", faults[i].what);
		CHECK_STR((ask(r, "before", &good, text), text), "before");
		CHECK(!reader_next_refused(r, path, sizeof(path), &fault));
		CHECK_EQ(ask(r, faults[i].what, &bad, text), READER_REFUSED);
		CHECK_EQ(refused_for(r, faults[i].fault), 1);
		CHECK_STR((ask(r, "after", &good, text), text), "after");
		reader_counters(r, &c);
		/* it would be well, but is not asked about it */
		CHECK_EQ(ask(r, "harmless", &bad, text), READER_REFUSED);
		CHECK(reader_next_refused(r, path, sizeof(path), &fault));
		CHECK_STR(path, "/bad");
		CHECK_EQ(fault, faults[i].fault);
		CHECK(!reader_next_refused(r, path, sizeof(path), &fault));
		reader_counters(r, &c);
		CHECK_EQ(c.deaths, faults[i].fault == READER_KILLED ? 2 : 1);
		reader_free(r);
	}
}

TEST(another_file_by_the_same_key_is_read)
{
	struct file bad = { .key = { 3 }, .path = "/bad", .size = 1 }, other = bad;
	struct reader *r = reader_new(&config);
	char text[MAX_ANSWER + 1];

	other.size = 2;
	CHECK_EQ(ask(r, "abort", &bad, text), READER_REFUSED);
	CHECK_STR((ask(r, "other", &other, text), text), "other");
	reader_free(r);
}

TEST(one_that_asks_for_files_for_ever_is_ended)
{
	struct reader_config slow = config;
	struct reader *r;
	char text[MAX_ANSWER + 1];
	struct file bad = { .key = { 4 }, .path = "/bad" };

	slow.timeout = 60 * NSEC_PER_SEC;
	r = reader_new(&slow);
	CHECK_EQ(ask(r, "opens for ever", &bad, text), READER_REFUSED);
	CHECK_EQ(refused_for(r, READER_NONSENSE), 1);
	reader_free(r);
}

/* The one after the first pause comes soon; who asks meanwhile is told so, and does not wait long. */
TEST(one_that_ends_again_and_again_is_given_time)
{
	struct reader *r = reader_new(&config);
	char text[MAX_ANSWER + 1];
	uint64_t began;
	int n = 0;

	for (uint32_t i = 0; i < 8 && n != -EAGAIN; i++) {
		struct file bad = { .key = { 5 }, .path = "/bad", .size = i };

		n = ask(r, "abort", &bad, text);
	}
	CHECK_EQ(n, -EAGAIN);
	began = mono_now();
	CHECK_EQ(ask(r, "hello", &good, text), -EAGAIN);
	CHECK(mono_now() - began < 2 * NSEC_PER_SEC);
	for (int i = 0; i < 100 && n == -EAGAIN; i++, usleep(100000))
		n = ask(r, "hello", &good, text);
	CHECK_EQ(n, 0);
	reader_free(r);
}

/* ---- messages ---- */

struct pair {
	int a, b;
};

static struct pair sockets(void)
{
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	return (struct pair){ s[0], s[1] };
}

static void done(struct pair p)
{
	close(p.a);
	close(p.b);
}

TEST(a_message_comes_as_it_was_sent)
{
	const struct iovec parts[] = { { "one", 3 }, { NULL, 0 }, { "two", 3 } };
	const struct reader_head h = { .op = READER_GO, .status = -5, .n_fds = 2 };
	struct pair p = sockets();
	const int fds[] = { p.a, p.b };
	struct reader_msg m;

	CHECK_EQ(reader_send(p.a, &h, parts, 3, fds, 0), 0);
	CHECK_EQ(reader_recv(p.b, &m, 6, true, 0), 0);
	CHECK_EQ(m.op, READER_GO);
	CHECK_EQ(m.status, -5);
	CHECK_EQ(m.len, 6);
	CHECK_STR(m.data, "onetwo");
	CHECK(m.fds[0] > p.b && m.fds[1] > p.b);
	CHECK(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	reader_msg_done(&m);
	done(p);
}

TEST(wrong_messages_are_refused)
{
	const struct iovec parts[] = { { "bytes", 5 } };
	struct reader_head h = { .op = READER_GO };
	struct reader_msg m;
	struct pair p = sockets();

	CHECK_EQ(reader_send(p.a, &h, parts, 1, NULL, 0), 0);
	CHECK_EQ(reader_recv(p.b, &m, 4, true, 0), -EPROTO);
	done(p);
	/* descriptors to who takes none, and others than were announced */
	p = sockets();
	h.n_fds = 1;
	CHECK_EQ(reader_send(p.a, &h, parts, 1, &p.a, 0), 0);
	CHECK_EQ(reader_recv(p.b, &m, 5, false, 0), -EPROTO);
	done(p);
	p = sockets();
	h = (struct reader_head){ .magic = READER_MAGIC, .n_fds = 1 };
	CHECK_EQ(write(p.a, &h, sizeof(h)), (ssize_t)sizeof(h));
	CHECK_EQ(reader_recv(p.b, &m, 5, true, 0), -EPROTO);
	done(p);
}

static int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST(more_descriptors_than_there_may_be_are_closed)
{
	struct reader_head h = { .magic = READER_MAGIC, .n_fds = 5 };
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(5 * sizeof(int))];
	} c = { .bytes = { 0 } };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr out = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = c.bytes,
			      .msg_controllen = sizeof(c.bytes) };
	const int fds[5] = { 0, 0, 0, 0, 0 };
	struct pair p = sockets();
	struct reader_msg m;
	int before = lowest_fd();

	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
	CHECK_EQ(sendmsg(p.a, &out, 0), (ssize_t)sizeof(h));
	CHECK_EQ(reader_recv(p.b, &m, 5, true, 0), -EPROTO);
	CHECK_EQ(lowest_fd(), before);
	done(p);
}

TEST(the_end_and_the_time_are_told_apart)
{
	struct pair p = sockets();
	struct reader_msg m;

	CHECK_EQ(reader_recv(p.b, &m, 5, true, mono_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	CHECK_EQ(write(p.a, "rp", 2), 2);
	CHECK_EQ(reader_recv(p.b, &m, 5, true, mono_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	done(p);
	p = sockets();
	close(p.a);
	CHECK_EQ(reader_recv(p.b, &m, 5, true, 0), -EPIPE);
	CHECK_EQ(reader_send(p.b, &(struct reader_head){ 0 }, NULL, 0, NULL, 0), -EPIPE);
	close(p.b);
}

/* The last one, as the right does not come back. The daemon has none to signal other users. */
TEST(one_of_another_user_is_ended)
{
	struct file bad = { .key = { 6 }, .path = "/bad" };
	struct reader *r = reader_new(&config);
	char text[MAX_ANSWER + 1];
	int pid;

	if (geteuid())
		SKIP("needs root");
	pid = pid_of(r);
	capng_get_caps_process();
	CHECK_EQ(capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_KILL), 0);
	CHECK_EQ(capng_apply(CAPNG_SELECT_CAPS), 0);
	CHECK(kill(pid, 0) && errno == EPERM);
	CHECK_EQ(ask(r, "hang", &bad, text), READER_REFUSED);
	CHECK_EQ(refused_for(r, READER_SLOW), 1);
	CHECK(pid_of(r) != pid);
	pid = pid_of(r);
	reader_free(r);
	CHECK(kill(pid, 0) && errno == ESRCH);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], READER_ARGV0))
		reader_main(argc, argv, ops);
	return tap_main();
}
