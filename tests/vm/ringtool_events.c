// SPDX-License-Identifier: GPL-2.0
/*
 * ringtool events: what the module tells all who listen, a line each, until it
 * is killed. The first line says that it listens. What an event should not
 * carry is told at its end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "ringtool.h"

static const char *reason(struct nlattr *a)
{
	return a ? nla_get_string(a) : "none";
}

static void print_more(struct nlattr **a)
{
	for (int i = 1; i <= RINGPROF_A_MAX; i++)
		if (a[i] && i != RINGPROF_A_STATE && i != RINGPROF_A_HZ && i != RINGPROF_A_PERIOD &&
		    i != RINGPROF_A_UNIT && i != RINGPROF_A_EVENT_REASON)
			printf(" and attribute %d", i);
	printf("\n");
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *a[RINGPROF_A_MAX + 1];

	(void)arg;
	if (genlmsg_hdr(h)->cmd != RINGPROF_CMD_EVENT ||
	    genlmsg_parse(h, 0, a, RINGPROF_A_MAX, NULL) < 0)
		return NL_OK;
	printf("event \"%s\" state %u hz %u period %" PRIu64 " unit %u",
	       reason(a[RINGPROF_A_EVENT_REASON]),
	       a[RINGPROF_A_STATE] ? nla_get_u32(a[RINGPROF_A_STATE]) : 99,
	       a[RINGPROF_A_HZ] ? nla_get_u32(a[RINGPROF_A_HZ]) : 0,
	       a[RINGPROF_A_PERIOD] ? nla_get_u64(a[RINGPROF_A_PERIOD]) : 0,
	       a[RINGPROF_A_UNIT] ? nla_get_u32(a[RINGPROF_A_UNIT]) : 99);
	print_more(a);
	fflush(stdout);
	return NL_OK;
}

int events(void)
{
	struct nl_sock *sk = nl_socket_alloc();
	int group, r;

	if (!sk || genl_connect(sk))
		return ENOMEM;
	group = genl_ctrl_resolve_grp(sk, RINGPROF_GENL_NAME, RINGPROF_GENL_GROUP);
	r = group < 0 ? group : nl_socket_add_membership(sk, group);
	if (r) {
		fprintf(stderr, "ringtool: events: %s\n", nl_geterror(r));
		nl_socket_free(sk);
		return EPERM;
	}
	/* nobody asked for these: their numbers follow none of ours */
	nl_socket_disable_seq_check(sk);
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, on_event, NULL);
	printf("listening\n");
	fflush(stdout);
	do
		r = nl_recvmsgs_default(sk);
	while (r >= 0);
	fprintf(stderr, "ringtool: events: %s\n", nl_geterror(r));
	nl_socket_free(sk);
	return EIO;
}
