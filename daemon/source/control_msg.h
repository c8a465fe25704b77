/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in the module's netlink messages: pure functions over bytes,
 * apart from the socket in control.c so that tests can feed them anything.
 */
#ifndef RINGPROF_SOURCE_CONTROL_MSG_H
#define RINGPROF_SOURCE_CONTROL_MSG_H

#include "source/control.h"
#include "source/control_table.h"

struct nlattr;
struct nlmsghdr;
struct nl_msg;

/* attrs: the first attribute and the bytes of all. 0 or -EBADMSG. */
int control_parse_info(struct nlattr *attrs, int len, struct control_info *ret);
int control_parse_config(struct nlattr *attrs, int len, struct control_config *ret);
int control_parse_stats(struct nlattr *attrs, int len, struct control_stats *ret);

/* Answers about unwind tables: of TABLE_GET, of TABLE_NEW. */
int control_parse_table(struct nlattr *attrs, int len, struct control_table_info *ret);
int control_parse_table_id(struct nlattr *attrs, int len, uint32_t *ret);

/* Appends what the set_* of cfg ask for; 0 or -EMSGSIZE. */
int control_put_config(struct nl_msg *msg, const struct control_config *cfg);

/* Appends what hands over rows [first, first + n) of a table; 0 or -EMSGSIZE. */
int control_put_rows(struct nl_msg *msg, const struct control_table *t, uint32_t id, uint32_t first,
		     uint32_t n);

/*
 * The extack text of an NLMSG_ERROR message (all of nlh->nlmsg_len readable),
 * into err; false when there is none.
 */
bool control_extack(const struct nlmsghdr *nlh, char *err, size_t errlen);

#endif
