// SPDX-License-Identifier: GPL-2.0
/* 6.1: strict headers from this command on */
#include <net/genetlink.h>
struct genl_family probe = { .resv_start_op = 1 };
