// SPDX-License-Identifier: GPL-2.0
/*
 * What the module says by itself: that its state or its settings have changed, see
 * control.h. A socket of its own, as answers to requests must not mix with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include <linux/ringprof.h>

#include "source/control.h"

struct control_watch {
	struct nl_sock *sk;
};

int control_watch_open(struct control_watch **ret)
{
	struct control_watch *w = calloc(1, sizeof(*w));
	int group = -1;

	if (!w)
		return -ENOMEM;
	w->sk = nl_socket_alloc();
	if (w->sk && !genl_connect(w->sk))
		group = genl_ctrl_resolve_grp(w->sk, RINGPROF_GENL_NAME, RINGPROF_GENL_GROUP);
	if (group < 0 || nl_socket_add_membership(w->sk, group)) {
		control_watch_close(w);
		return -EIO;
	}
	*ret = w;
	return 0;
}

void control_watch_close(struct control_watch *w)
{
	if (!w)
		return;
	nl_socket_free(w->sk);
	free(w);
}

/* Which it was is not asked: too many of them at once are one as well (ENOBUFS). */
bool control_watch_changed(struct control_watch *w)
{
	bool changed = false;
	char byte;

	while (recv(nl_socket_get_fd(w->sk), &byte, sizeof(byte), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		changed = true;
	return changed;
}
