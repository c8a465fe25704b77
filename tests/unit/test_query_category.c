// SPDX-License-Identifier: GPL-2.0
/* Rules for categories: the built-in ones, those of a file, and wrong ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "query/category.h"
#include "tap.h"

TEST(wrong_rules_are_told)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "a function x\nb\n", "r:2: wants three words" },
		{ "a function\n", "r:1: wants three words" },
		{ "a colour x\n", "r:1: field 'colour'; allowed: function, binary, kind" },
		{ "\n\na kind (\n", "r:3: regular expression, its byte 2" },
	};
	struct categories *c = NULL;
	char err[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_EQ(categories_parse(&c, rows[i].text, "r", err, sizeof(err)), -EINVAL);
		if (!strstr(err, rows[i].says))
			TAP_FAIL("%s: %s", rows[i].text, err);
	}
}

static const char *category_by(const struct categories *c, const char *function, const char *binary,
			       enum frame_kind kind)
{
	const char *ret = CATEGORY_NONE;

	CHECK(category_of(c, kind, binary, function, &ret) >= 0);
	return ret;
}

static const char *category(const char *function, const char *binary, enum frame_kind kind)
{
	CHECK(categories_builtin() != NULL);
	return category_by(NULL, function, binary, kind);
}

TEST(own_rules_come_before_the_built_in_ones)
{
	static const char rules[] = "heap function ^_int_f\n";
	static const char all[] = "heap function ^_int_f\nrest function .";
	struct categories *c = NULL;
	char err[256];

	CHECK_EQ(categories_parse(&c, rules, "r", err, sizeof(err)), 0);
	CHECK_STR(category_by(c, "_int_free", "/lib/libc.so.6", FRAME_USER), "heap");
	CHECK_STR(category_by(c, "_int_malloc", "/lib/libc.so.6", FRAME_USER), "allocator");
	CHECK_STR(category_by(c, "main", "/bin/x", FRAME_USER), "business");
	categories_unref(c);
	CHECK_EQ(categories_parse(&c, all, "r", err, sizeof(err)), 0);
	CHECK_STR(category_by(c, "_int_malloc", "/lib/libc.so.6", FRAME_USER), "rest");
	categories_unref(c);
}

TEST(built_in_categories)
{
	CHECK_STR(category("runtime.gcBgMarkWorker", "/bin/go", FRAME_USER), "gc");
	CHECK_STR(category("runtime.mallocgc", "/bin/go", FRAME_USER), "allocator");
	CHECK_STR(category("_int_malloc", "/lib/libc.so.6", FRAME_USER), "allocator");
	CHECK_STR(category("operator new(unsigned long)", "/lib/libstdc++.so.6", FRAME_USER), "allo"
											      "cato"
											      "r");
	CHECK_STR(category("native_queued_spin_lock_slowpath", "[kernel.kallsyms]", FRAME_KERNEL),
		  "lock");
	CHECK_STR(category("mutex_lock", "[kernel.kallsyms]", FRAME_KERNEL), "lock");
	CHECK_STR(category("do_syscall_64", "[kernel.kallsyms]", FRAME_KERNEL), "syscall");
	CHECK_STR(category("ext4_file_write_iter", "[kernel.kallsyms]", FRAME_KERNEL), "kernel");
	CHECK_STR(category("whatever", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", FRAME_USER),
		  "crypto");
	CHECK_STR(category("ZSTD_compressBlock_fast", "/bin/x", FRAME_USER), "compression");
	CHECK_STR(category("google::protobuf::Message::Parse", "/bin/x", FRAME_USER), "serializatio"
										      "n");
	CHECK_STR(category("handle_order", "/bin/shop", FRAME_USER), "business");
}

int main(void)
{
	return tap_main();
}
