// SPDX-License-Identifier: GPL-2.0
/* groups that ask for a capability */
#include <net/genetlink.h>
struct genl_multicast_group probe = { .name = "x", .flags = GENL_MCAST_CAP_SYS_ADMIN };
