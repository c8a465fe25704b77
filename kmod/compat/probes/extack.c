// SPDX-License-Identifier: GPL-2.0
/* 4.12: genl_info carries extack */
#include <net/genetlink.h>
struct netlink_ext_ack *probe(struct genl_info *info, struct nlattr *a);
struct netlink_ext_ack *probe(struct genl_info *info, struct nlattr *a)
{
	NL_SET_ERR_MSG_ATTR(info->extack, a, "x");
	GENL_SET_ERR_MSG(info, "x");
	return info->extack;
}
