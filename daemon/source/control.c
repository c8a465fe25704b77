// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink client of the module: a blocking socket, one request at a time,
 * see control.h. What is in the messages is control_msg.c's.
 */
#include "source/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "source/absent.h"
#include "source/control_msg.h"
#include "source/control_request.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
/* START may wait for work queues and RCU; a module that takes longer is stuck */
#define TIMEOUT_SECONDS 10

struct control {
	struct nl_sock *sk;
	int family;
	char err[256];
};

const char *control_error(const struct control *c)
{
	return c->err;
}

int control_fail(struct control *c, int r, const char *text)
{
	snprintf(c->err, sizeof(c->err), "%s", text);
	return r;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct control_request *rq = arg;
	struct genlmsghdr *g = genlmsg_hdr(nlmsg_hdr(msg));

	if (rq->parse) {
		int r = rq->parse(rq, genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0));

		rq->result = rq->result ? rq->result : r;
	}
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	struct control_request *rq = arg;

	rq->done = true;
	return NL_STOP;
}

/* A dump that failed says so in its last message, not by an error of its own. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct control_request *rq = arg;
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	int error = 0;

	if (nlmsg_datalen(h) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(h), sizeof(error));
	if (error < 0)
		rq->result = error;
	return on_done(msg, arg);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct control_request *rq = arg;
	const struct nlmsghdr *nlh =
		(const struct nlmsghdr *)(const void *)((const char *)e - NLMSG_HDRLEN);

	rq->done = true;
	rq->result = e->error < 0 ? e->error : -EPROTO;
	if (!control_extack(nlh, rq->c->err, sizeof(rq->c->err)))
		rq->c->err[0] = 0;
	return NL_STOP;
}

static void explain_absent(char *err, size_t errlen)
{
	struct absent a;

	absent_explain(&a);
	snprintf(err, errlen, "the ringprof module is not loaded: %s", a.why);
}

/* Where the module said nothing itself. */
static void explain(char *err, size_t errlen, int r)
{
	if (r == -EPERM || r == -EACCES)
		snprintf(err, errlen,
			 "ringprof module: not permitted: run as root or with CAP_PERFMON (or "
			 "CAP_SYS_ADMIN) in the initial user namespace");
	else if (r == -ECANCELED)
		snprintf(err, errlen, "the ringprof module is " CONTROL_OFF);
	else if (r == -ENOENT)
		explain_absent(err, errlen);
	else
		snprintf(err, errlen, "ringprof module: %s", strerror(-r));
}

static int wait_answer(struct control *c, struct control_request *rq)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, rq);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, rq);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_done, rq);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, rq);
	while (!rq->done) {
		int r = nl_recvmsgs(c->sk, cb);

		if (r < 0 && !rq->done) {
			rq->result = r == -NLE_AGAIN ? -ETIMEDOUT : -EIO;
			break;
		}
	}
	nl_cb_put(cb);
	return rq->result;
}

/*
 * An attribute of 64 KiB, the most there can be, and some small ones. It is
 * cleared as a whole, so what says no more than its command gets less.
 */
#define MESSAGE_SIZE (65536 + 4096)
#define COMMAND_SIZE 256

int control_request(struct control *c, uint8_t cmd, int flags, struct control_request *rq)
{
	struct nl_msg *msg = nlmsg_alloc_size(rq->put ? MESSAGE_SIZE : COMMAND_SIZE);
	int r = -ENOMEM;

	c->err[0] = 0;
	rq->c = c;
	if (!msg)
		goto out;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, c->family, 0, flags, cmd,
			 RINGPROF_GENL_VERSION))
		goto out;
	if (rq->put && (r = rq->put(msg, rq->arg)))
		goto out;
	r = nl_send_auto(c->sk, msg) < 0 ? -EIO : wait_answer(c, rq);
out:
	nlmsg_free(msg);
	if (r && !c->err[0])
		explain(c->err, sizeof(c->err), r);
	return r;
}

static int parse_one(struct control_request *rq, int r)
{
	rq->n += !r;
	return r;
}

static int parse_info(struct control_request *rq, struct nlattr *attrs, int len)
{
	return parse_one(rq, control_parse_info(attrs, len, rq->ret));
}

static int parse_config(struct control_request *rq, struct nlattr *attrs, int len)
{
	return parse_one(rq, control_parse_config(attrs, len, rq->ret));
}

static int parse_stats(struct control_request *rq, struct nlattr *attrs, int len)
{
	struct control_stats *all = rq->ret;

	if (rq->n == rq->max)
		return 0;
	return parse_one(rq, control_parse_stats(attrs, len, &all[rq->n]));
}

int control_request_one(struct control *c, uint8_t cmd, struct control_request *rq)
{
	int r = control_request(c, cmd, NLM_F_ACK, rq);

	if (r || rq->n)
		return r;
	return control_fail(c, -EBADMSG, "ringprof module: an answer without content");
}

int control_info(struct control *c, struct control_info *ret)
{
	struct control_request rq = { .parse = parse_info, .ret = ret };

	return control_request_one(c, RINGPROF_CMD_INFO, &rq);
}

int control_get(struct control *c, struct control_config *ret)
{
	struct control_request rq = { .parse = parse_config, .ret = ret };

	return control_request_one(c, RINGPROF_CMD_CONFIG_GET, &rq);
}

int control_stats(struct control *c, struct control_stats *ret)
{
	struct control_request rq = { .parse = parse_stats, .ret = ret, .max = 1 };

	return control_request_one(c, RINGPROF_CMD_STATS, &rq);
}

int control_stats_cpus(struct control *c, struct control_stats *ret, size_t max)
{
	struct control_request rq = { .parse = parse_stats, .ret = ret, .max = max };
	int r = control_request(c, RINGPROF_CMD_STATS, NLM_F_DUMP, &rq);

	return r ? r : (int)rq.n;
}

static int put_config(struct nl_msg *msg, const void *arg)
{
	return control_put_config(msg, arg);
}

int control_set(struct control *c, const struct control_config *cfg)
{
	struct control_request rq = { .put = put_config, .arg = cfg };

	if (cfg->n_tgids > sizeof(cfg->tgids) / sizeof(cfg->tgids[0])) {
		snprintf(c->err, sizeof(c->err), "at most %zu processes can be filtered for",
			 sizeof(cfg->tgids) / sizeof(cfg->tgids[0]));
		return -E2BIG;
	}
	return control_request(c, RINGPROF_CMD_CONFIG_SET, NLM_F_ACK, &rq);
}

int control_start(struct control *c)
{
	struct control_request rq = { 0 };

	return control_request(c, RINGPROF_CMD_START, NLM_F_ACK, &rq);
}

int control_stop(struct control *c)
{
	struct control_request rq = { 0 };

	return control_request(c, RINGPROF_CMD_STOP, NLM_F_ACK, &rq);
}

static void set_options(struct nl_sock *sk)
{
	struct timeval tv = { .tv_sec = TIMEOUT_SECONDS };
	int one = 1;

	/* without these the answers are only barer, or waited for longer */
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static int connect_family(struct control *c)
{
	int r = genl_connect(c->sk);

	if (r)
		return r == -NLE_NOMEM ? -ENOMEM : -EIO;
	set_options(c->sk);
	nl_socket_disable_auto_ack(c->sk);
	c->family = genl_ctrl_resolve(c->sk, RINGPROF_GENL_NAME);
	if (c->family >= 0)
		return 0;
	return c->family == -NLE_OBJ_NOTFOUND ? -ENOENT : -EIO;
}

int control_open(struct control **ret, char *err, size_t errlen)
{
	struct control *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		goto fail;
	c->sk = nl_socket_alloc();
	if (!c->sk)
		goto fail;
	r = connect_family(c);
	if (r)
		goto fail;
	*ret = c;
	return 0;
fail:
	control_close(c);
	explain(err, errlen, r);
	return r;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	nl_socket_free(c->sk);
	free(c);
}
