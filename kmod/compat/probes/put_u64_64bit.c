// SPDX-License-Identifier: GPL-2.0
/* 4.7: nla_put_u64_64bit() */
#include <net/netlink.h>
int probe(struct sk_buff *skb);
int probe(struct sk_buff *skb)
{
	return nla_put_u64_64bit(skb, 1, 2, 3);
}
