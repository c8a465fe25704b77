// SPDX-License-Identifier: GPL-2.0
/* 5.2: the policy is the family's */
#include <net/genetlink.h>
struct nla_policy pol[2];
struct genl_family probe = { .policy = pol };
