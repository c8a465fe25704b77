// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family by random messages: commands, flags, attributes of the
 * right and of wrong types, sizes that lie, nesting, cut at any byte. Half of
 * the values are such as mean something, or nothing would get behind the policy.
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
#define DEEPEST 40 /* levels of nesting: more than netlink's policies allow */

struct message {
	unsigned char b[MESSAGE];
	size_t n;
};

static int sk = -1, family;
static uint64_t sent, refused, accepted, parts;

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

static void put_table_new(struct message *m)
{
	unsigned char key[RINGPROF_KEY_SIZE] = { (unsigned char)random_below(4) };
	struct ringprof_segment s[2] = { { 0, 0x1000, 0x1000 },
					 { random_u64(), some_number(), some_number() } };
	uint64_t base = some_number();

	put_bytes(m, RINGPROF_A_TABLE_KEY, key, sizeof(key));
	put_u32(m, RINGPROF_A_TABLE_FD, random_below(8));
	put_bytes(m, RINGPROF_A_TABLE_BASE, &base, 8);
	put_bytes(m, RINGPROF_A_TABLE_SEGMENTS, s, sizeof(s[0]) * (1 + random_below(2)));
	put_u32(m, RINGPROF_A_TABLE_N_ROWS,
		random_below(16) ? 1 + random_below(300) : (uint32_t)some_number());
}

static void put_table_rows(struct message *m)
{
	struct ringprof_row rows[32];
	uint32_t n = 1 + random_below(32);

	for (uint32_t i = 0; i < n; i++) {
		rows[i].pc = i * 16 + random_below(17);
		rows[i].rule = RINGPROF_CFA_SP | 1U << RINGPROF_RULE_OFF_SHIFT;
		if (!random_below(16))
			rows[i].rule = (uint32_t)random_u64();
	}
	put_u32(m, RINGPROF_A_TABLE_ID, random_below(64));
	put_u32(m, RINGPROF_A_TABLE_FIRST, random_below(4) ? 0 : random_below(300));
	put_bytes(m, RINGPROF_A_TABLE_DATA, rows, n * sizeof(rows[0]));
}

static void put_likely(struct message *m, uint8_t cmd)
{
	if (cmd == RINGPROF_CMD_TABLE_NEW)
		put_table_new(m);
	else if (cmd == RINGPROF_CMD_TABLE_ROWS)
		put_table_rows(m);
	else if (cmd == RINGPROF_CMD_TABLE_COMMIT || cmd == RINGPROF_CMD_TABLE_DEL)
		put_u32(m, RINGPROF_A_TABLE_ID, random_below(64));
	else if (cmd == RINGPROF_CMD_CONFIG_SET)
		put_u32(m, RINGPROF_A_HZ + (uint16_t)random_below(20), (uint32_t)some_number());
}

static void random_message(struct message *m)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)family,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			      .nlmsg_seq = (uint32_t)sent };
	struct genlmsghdr g = { .cmd = (uint8_t)random_below(RINGPROF_CMD_MAX + 3),
				.version = random_below(8) ? RINGPROF_GENL_VERSION
							   : (uint8_t)random_u64() };

	m->n = 0;
	if (!random_below(6))
		h.nlmsg_flags = (uint16_t)(random_u64() | NLM_F_REQUEST);
	put(m, &h, sizeof(h));
	put(m, &g, sizeof(g));
	if (random_below(3))
		put_likely(m, g.cmd);
	if (random_below(2))
		put_attrs(m, random_below(random_below(16) ? 4 : 60), 0);
	if (!random_below(16))
		m->n = sizeof(h) + random_below((uint32_t)(m->n - sizeof(h) + 1));
	h.nlmsg_len = random_below(64) ? (uint32_t)m->n : (uint32_t)random_u64();
	memcpy(m->b, &h, sizeof(h));
}

static void read_answer(const unsigned char *b, size_t n)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)b;

	for (int left = (int)n; nlmsg_ok(h, left); h = nlmsg_next((struct nlmsghdr *)h, &left)) {
		int error = 0;

		parts++;
		if (h->nlmsg_type != NLMSG_ERROR || nlmsg_datalen(h) < (int)sizeof(error))
			continue;
		memcpy(&error, nlmsg_data(h), sizeof(error));
		*(error ? &refused : &accepted) += 1;
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
	if (sk >= 0)
		close(sk);
	sk = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sk < 0 || connect(sk, (struct sockaddr *)&to, sizeof(to)))
		die("netlink socket");
	return family > 0;
}

/* Descriptors that TABLE_FD may name: a file, a directory, a device, a socket. */
static void some_files(void)
{
	if (open("/proc/self/exe", O_RDONLY) < 0 || open("/", O_RDONLY) < 0 ||
	    open("/dev/null", O_RDWR) < 0)
		die("open");
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
	return !accepted || !refused;
}
