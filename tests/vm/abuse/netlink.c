// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family by random messages: commands, flags, attributes of the
 * right and of wrong types, sizes that lie, nesting, cut at any byte. Half of
 * the values are such as mean something, or nothing would get behind the policy;
 * at times a table goes its whole way. Acceptances are counted by command: each
 * must have had some, or what stands behind it was not tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <linux/ringprof.h>

#include "abuse.h"

#define MESSAGE 65536
#define DEEPEST 40    /* levels of nesting: more than netlink's policies allow */
#define ENOUGH	10000 /* messages among which each command is accepted */
#define RECENT	4096  /* messages whose answers may be on their way; a power of two */
#define ROWS	32    /* of a message */

struct message {
	unsigned char b[MESSAGE];
	size_t n;
};

static int sk = -1, family, program;
static uint64_t sent, refused, accepted, parts;
static uint64_t accepted_of[RINGPROF_CMD_MAX + 1];
static struct sent {
	uint32_t seq, what; /* what: rows of a TABLE_NEW, id of a TABLE_COMMIT */
	uint8_t cmd;
} recent[RECENT];
/* the table that this socket hands over now, as far as it is known; id 0: none */
static struct {
	uint32_t id, n_rows, first;
} table;
static uint32_t whole_table; /* the last one that was handed over whole; 0: none */

static void put(struct message *m, const void *p, size_t n)
{
	if (m->n + n > MESSAGE)
		return;
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

static void put_random(struct message *m, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = random_u64();

		put(m, &x, n - i < 8 ? n - i : 8);
	}
}

static uint64_t some_number(void)
{
	static const uint64_t v[] = { 0,       1,	 2,	     3,		7,
				      8,       99,	 512,	     999,	2048,
				      4096,    10000,	 16384,	     65536,	1 << 20,
				      1 << 24, 1U << 31, UINT32_MAX, INT64_MAX, UINT64_MAX };

	return random_below(4) ? v[random_below(sizeof(v) / sizeof(v[0]))] : random_u64();
}

static void put_string(struct message *m)
{
	static const char *const v[] = { "",	  "0",	      "0-1",	  "1-0", "0-99999999999",
					 "/",	  "/..",      "/x/../..", "a",	 "0,0,0,,",
					 "/proc", "\xff\xfe", "0-",	  "-1",	 "/.",
					 "1" };
	const char *s = v[random_below(sizeof(v) / sizeof(v[0]))];

	put(m, s, strlen(s) + random_below(2));
}

/* a table's segments and rows are arrays of these sizes */
static void put_array(struct message *m)
{
	const size_t size[] = { 4, 8, 20, sizeof(struct ringprof_segment) };
	size_t n = size[random_below(4)] * random_below(random_below(8) ? 8 : 600);

	put_random(m, n);
}

static void put_attrs(struct message *m, unsigned int n, unsigned int depth);

static void put_value(struct message *m, unsigned int depth)
{
	uint64_t x = some_number();

	switch (random_below(depth < DEEPEST ? 7 : 6)) {
	case 0:
	case 1:
		put(m, &x, 4);
		break;
	case 2:
		put(m, &x, 8);
		break;
	case 3:
		put_string(m);
		break;
	case 4:
		put_array(m);
		break;
	case 5:
		put_random(m, random_below(40));
		break;
	default:
		put_attrs(m, 1 + random_below(3), depth + 1);
		break;
	}
}

static void put_attr(struct message *m, unsigned int depth)
{
	struct nlattr a = { .nla_len = 0, .nla_type = (uint16_t)random_below(RINGPROF_A_MAX + 3) };
	size_t at = m->n;

	if (!random_below(8))
		a.nla_type |= NLA_F_NESTED;
	if (!random_below(32))
		a.nla_type |= NLA_F_NET_BYTEORDER;
	put(m, &a, sizeof(a));
	put_value(m, depth);
	/* a value that had no room ends the attribute where the message ends */
	a.nla_len = (uint16_t)(m->n - at);
	if (!random_below(16))
		a.nla_len = (uint16_t)random_u64();
	if (at + sizeof(a) <= m->n)
		memcpy(m->b + at, &a, sizeof(a));
	while (m->n % NLA_ALIGNTO)
		put(m, "", 1);
}

static void put_attrs(struct message *m, unsigned int n, unsigned int depth)
{
	while (n--)
		put_attr(m, depth);
}

/*
 * What each command takes, rightly put together but for the numbers: a table
 * is not begun by chance.
 */
static void put_u32(struct message *m, uint16_t type, uint32_t x)
{
	struct nlattr a = { .nla_len = sizeof(a) + 4, .nla_type = type };

	put(m, &a, sizeof(a));
	put(m, &x, 4);
}

static void put_bytes(struct message *m, uint16_t type, const void *p, size_t n)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + n), .nla_type = type };

	put(m, &a, sizeof(a));
	put(m, p, n);
	while (m->n % NLA_ALIGNTO)
		put(m, "", 1);
}

static uint32_t some_id(uint32_t known)
{
	return known && random_below(4) ? known : random_below(64);
}

static void put_table_new(struct message *m, uint32_t *ret_rows)
{
	unsigned char key[RINGPROF_KEY_SIZE] = { (unsigned char)random_below(4) };
	struct ringprof_segment s[2] = { { 0, 0x1000, 0x1000 },
					 { random_u64(), some_number(), some_number() } };
	uint64_t base = some_number();

	*ret_rows = random_below(16) ? 1 + random_below(random_below(4) ? ROWS : 300)
				     : (uint32_t)some_number();
	put_bytes(m, RINGPROF_A_TABLE_KEY, key, sizeof(key));
	put_u32(m, RINGPROF_A_TABLE_FD, random_below(2) ? (uint32_t)program : random_below(8));
	put_bytes(m, RINGPROF_A_TABLE_BASE, &base, 8);
	put_bytes(m, RINGPROF_A_TABLE_SEGMENTS, s, sizeof(s[0]) * (1 + random_below(2)));
	put_u32(m, RINGPROF_A_TABLE_N_ROWS, *ret_rows);
}

static void put_row_data(struct message *m, uint32_t n, bool good)
{
	struct ringprof_row rows[ROWS];

	for (uint32_t i = 0; i < n; i++) {
		rows[i].pc = (table.first + i) * 16 + random_below(good ? 16 : 17);
		rows[i].rule = RINGPROF_CFA_SP | 1U << RINGPROF_RULE_OFF_SHIFT;
		if (!good && !random_below(16))
			rows[i].rule = (uint32_t)random_u64();
	}
	put_bytes(m, RINGPROF_A_TABLE_DATA, rows, n * sizeof(rows[0]));
}

/* The next rows of the table that is handed over, or any. */
static void put_table_rows(struct message *m)
{
	bool good = table.id && table.first < table.n_rows && random_below(4);
	uint32_t n = good ? table.n_rows - table.first : 1 + random_below(ROWS);
	uint32_t first = random_below(4) ? 0 : random_below(300);

	n = n < ROWS ? n : ROWS;
	put_u32(m, RINGPROF_A_TABLE_ID, good ? table.id : some_id(table.id));
	put_u32(m, RINGPROF_A_TABLE_FIRST, good ? table.first : first);
	put_row_data(m, n, good);
	/* taken for accepted: if they were not, this table is none any more */
	if (good)
		table.first += n;
}

/* One setting; now and then one without which no START and no table would be accepted again. */
static void put_setting(struct message *m)
{
	uint64_t budget = 64 << 20;

	switch (random_below(12)) {
	case 0:
		put_u32(m, RINGPROF_A_EVENT, RINGPROF_EVENT_CPU_CLOCK);
		break;
	case 1:
		put_bytes(m, RINGPROF_A_CPUS, "", 1);
		break;
	case 2:
		put_bytes(m, RINGPROF_A_TABLE_BUDGET, &budget, sizeof(budget));
		break;
	default:
		put_u32(m, RINGPROF_A_HZ + (uint16_t)random_below(20), (uint32_t)some_number());
		break;
	}
}

static void put_likely(struct message *m, struct sent *s)
{
	if (s->cmd == RINGPROF_CMD_TABLE_NEW)
		put_table_new(m, &s->what);
	else if (s->cmd == RINGPROF_CMD_TABLE_ROWS)
		put_table_rows(m);
	else if (s->cmd == RINGPROF_CMD_TABLE_COMMIT)
		put_u32(m, RINGPROF_A_TABLE_ID, s->what = some_id(table.id));
	else if (s->cmd == RINGPROF_CMD_TABLE_DEL)
		put_u32(m, RINGPROF_A_TABLE_ID, some_id(whole_table));
	else if (s->cmd == RINGPROF_CMD_CONFIG_SET)
		put_setting(m);
}

static void random_message(struct message *m)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)family,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			      .nlmsg_seq = (uint32_t)sent };
	struct sent *s = &recent[sent % RECENT];
	struct genlmsghdr g = { .cmd = (uint8_t)random_below(RINGPROF_CMD_MAX + 3),
				.version = random_below(8) ? RINGPROF_GENL_VERSION
							   : (uint8_t)random_u64() };

	*s = (struct sent){ .seq = (uint32_t)sent, .cmd = g.cmd };
	m->n = 0;
	if (g.cmd == RINGPROF_CMD_TABLE_GET && random_below(2))
		h.nlmsg_flags |= NLM_F_DUMP;
	if (!random_below(6))
		h.nlmsg_flags = (uint16_t)(random_u64() | NLM_F_REQUEST);
	put(m, &h, sizeof(h));
	put(m, &g, sizeof(g));
	if (random_below(3))
		put_likely(m, s);
	if (random_below(2))
		put_attrs(m, random_below(random_below(16) ? 4 : 60), 0);
	if (!random_below(16))
		m->n = sizeof(h) + random_below((uint32_t)(m->n - sizeof(h) + 1));
	h.nlmsg_len = random_below(64) ? (uint32_t)m->n : (uint32_t)random_u64();
	memcpy(m->b, &h, sizeof(h));
}

/* What the answer says of tables. */
static void follow_table(const struct sent *s, const struct nlmsghdr *h, bool done)
{
	struct nlattr *id;

	if (!done && h->nlmsg_type == family && s->cmd == RINGPROF_CMD_TABLE_NEW) {
		id = nlmsg_find_attr((struct nlmsghdr *)h, GENL_HDRLEN, RINGPROF_A_TABLE_ID);
		if (!id)
			return;
		table.id = nla_get_u32(id);
		table.n_rows = s->what;
		table.first = 0;
	} else if (done && s->cmd == RINGPROF_CMD_TABLE_COMMIT) {
		whole_table = s->what;
	}
}

/* NLMSG_DONE ends a dump, which has no other acknowledgement. */
static void read_one(const struct nlmsghdr *h)
{
	const struct sent *s = &recent[h->nlmsg_seq % RECENT];
	bool ours = s->seq == h->nlmsg_seq && s->cmd <= RINGPROF_CMD_MAX;
	int error = 0;

	if ((h->nlmsg_type != NLMSG_ERROR && h->nlmsg_type != NLMSG_DONE) ||
	    nlmsg_datalen(h) < (int)sizeof(error)) {
		if (ours)
			follow_table(s, h, false);
		return;
	}
	memcpy(&error, nlmsg_data(h), sizeof(error));
	*(error ? &refused : &accepted) += 1;
	if (error || !ours)
		return;
	accepted_of[s->cmd]++;
	follow_table(s, h, true);
}

static void read_answer(const unsigned char *b, size_t n)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)b;

	for (int left = (int)n; nlmsg_ok(h, left); h = nlmsg_next((struct nlmsghdr *)h, &left)) {
		parts++;
		read_one(h);
	}
}

static void drain(void)
{
	static unsigned char b[1 << 17] __attribute__((aligned(8)));
	ssize_t n;

	do {
		n = recv(sk, b, sizeof(b), MSG_DONTWAIT);
		if (n > 0)
			read_answer(b, (size_t)n);
		/* ENOBUFS: more answers than the socket holds, which is no fault */
	} while (n > 0 || (n < 0 && errno == ENOBUFS));
}

/* The family's number changes with each load of the module; false: it is not loaded. */
static bool connect_family(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct nl_sock *s = nl_socket_alloc();

	if (!s || genl_connect(s))
		die("generic netlink");
	family = genl_ctrl_resolve(s, RINGPROF_GENL_NAME);
	nl_socket_free(s);
	if (sk >= 0) {
		drain();
		close(sk);
	}
	/* a table not whole goes with the socket that handed it over */
	table.id = 0;
	sk = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sk < 0 || connect(sk, (struct sockaddr *)&to, sizeof(to)))
		die("netlink socket");
	return family > 0;
}

/* Descriptors that TABLE_FD may name: a file, a directory, a device, a socket. */
static void some_files(void)
{
	program = open("/proc/self/exe", O_RDONLY);
	if (program < 0 || open("/", O_RDONLY) < 0 || open("/dev/null", O_RDWR) < 0)
		die("open");
}

/* A notification is no command: that one must always have been refused. */
static bool each_was_accepted(void)
{
	static const char *const names[] = {
		[RINGPROF_CMD_INFO] = "INFO",
		[RINGPROF_CMD_CONFIG_GET] = "CONFIG_GET",
		[RINGPROF_CMD_CONFIG_SET] = "CONFIG_SET",
		[RINGPROF_CMD_START] = "START",
		[RINGPROF_CMD_STOP] = "STOP",
		[RINGPROF_CMD_STATS] = "STATS",
		[RINGPROF_CMD_EVENT] = "EVENT",
		[RINGPROF_CMD_TABLE_NEW] = "TABLE_NEW",
		[RINGPROF_CMD_TABLE_ROWS] = "TABLE_ROWS",
		[RINGPROF_CMD_TABLE_COMMIT] = "TABLE_COMMIT",
		[RINGPROF_CMD_TABLE_DEL] = "TABLE_DEL",
		[RINGPROF_CMD_TABLE_GET] = "TABLE_GET",
	};
	bool good = true;

	_Static_assert(sizeof(names) / sizeof(names[0]) == RINGPROF_CMD_MAX + 1, "name each "
										 "command");
	printf("netlink: accepted:");
	for (int i = 1; i <= RINGPROF_CMD_MAX; i++) {
		printf(" %s %llu", names[i], (unsigned long long)accepted_of[i]);
		good &= (i == RINGPROF_CMD_EVENT) == !accepted_of[i];
	}
	printf("\n");
	return good;
}

int abuse_netlink(int argc, char **argv)
{
	static struct message m;
	uint64_t messages = strtoull(argv[0], NULL, 0);

	(void)argc;
	random_seed(strtoull(argv[1], NULL, 0));
	some_files();
	while (sent < messages) {
		if (sent % 1000 == 0 && !connect_family())
			usleep(1000);
		random_message(&m);
		if (send(sk, m.b, m.n, MSG_DONTWAIT) < 0)
			refused++;
		if (++sent % 16 == 0)
			drain();
	}
	drain();
	printf("netlink: %llu messages, %llu refused, %llu accepted, %llu answers\n",
	       (unsigned long long)sent, (unsigned long long)refused, (unsigned long long)accepted,
	       (unsigned long long)parts);
	return (!each_was_accepted() && messages >= ENOUGH) || !accepted || !refused;
}
