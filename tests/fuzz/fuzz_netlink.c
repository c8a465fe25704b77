// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of a module that is not the one we know. The first byte says what
 * they are taken for; the rest is attributes, or a whole error message.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "source/control_msg.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void parse_stats(struct nlattr *a, int len)
{
	struct control_stats s;

	if (!control_parse_stats(a, len, &s))
		must(s.n_outcomes <= ARRAY_SIZE(s.outcomes) && s.n_unwind <= ARRAY_SIZE(s.unwind));
}

static void parse_config(struct nlattr *a, int len)
{
	struct control_config c;

	if (control_parse_config(a, len, &c))
		return;
	must(c.n_tgids <= ARRAY_SIZE(c.tgids));
	must(strlen(c.cpus) < sizeof(c.cpus) && strlen(c.cgroup) < sizeof(c.cgroup));
}

static void parse_error(const struct nlmsghdr *nlh, size_t size)
{
	char err[64] = "";

	if (size < sizeof(*nlh) || nlh->nlmsg_len > size)
		return;
	control_extack(nlh, err, sizeof(err));
	must(strlen(err) < sizeof(err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_table_info table;
	struct control_info info;
	uint32_t id;
	void *p;

	if (!size)
		return 0;
	p = malloc(size);
	if (!p)
		return 0;
	memcpy(p, data + 1, size - 1);
	switch (data[0]) {
	case 'i':
		if (!control_parse_info(p, (int)size - 1, &info))
			must(strlen(info.version) < sizeof(info.version));
		break;
	case 'c':
		parse_config(p, (int)size - 1);
		break;
	case 's':
		parse_stats(p, (int)size - 1);
		break;
	case 't':
		control_parse_table(p, (int)size - 1, &table);
		control_parse_table_id(p, (int)size - 1, &id);
		break;
	default:
		parse_error(p, size - 1);
	}
	free(p);
	return 0;
}
