/* SPDX-License-Identifier: GPL-2.0 */
/* One netlink request and its answers, for control.c and control_table.c. */
#ifndef RINGPROF_SOURCE_CONTROL_REQUEST_H
#define RINGPROF_SOURCE_CONTROL_REQUEST_H

#include "source/control.h"

struct nlattr;
struct nl_msg;

/* What goes out and what the callbacks of one request share. */
struct control_request {
	/* adds the request's attributes, NULL: none; 0 or -errno */
	int (*put)(struct nl_msg *msg, const void *arg);
	const void *arg;
	/* takes one answer's attributes, NULL: none wanted; 0 or -errno */
	int (*parse)(struct control_request *rq, struct nlattr *attrs, int len);
	void *ret;     /* of the parser's type */
	size_t max, n; /* results: room and how many came */
	/* control.c's own */
	struct control *c;
	bool done;
	int result;
};

/* Sends it and takes its answers. 0 or -errno, c's error text filled then. */
int control_request(struct control *c, uint8_t cmd, int flags, struct control_request *rq);
/* The same for a request with exactly one answer: none is -EBADMSG. */
int control_request_one(struct control *c, uint8_t cmd, struct control_request *rq);
/* Our own sentence as c's error text; gives r. */
int control_fail(struct control *c, int r, const char *text);

#endif
