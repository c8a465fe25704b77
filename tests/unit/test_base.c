// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/plain.h"
#include "base/strtab.h"
#include "tap.h"

TEST(buf_grows_and_ends_in_nul)
{
	struct buf b = { 0 };

	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(strlen(b.data), b.len);
	CHECK(strstr(b.data, ",999,"));
	buf_free(&b);
}

TEST(buf_json_keeps_utf8_and_mends_bytes)
{
	struct buf b = { 0 };

	buf_json_string(&b, "a\"\\\n\x01<\xc3\xa4\xff\xed\xa0\x80");
	CHECK_STR(b.data, "\"a\\\"\\\\\\n\\u0001\\u003c\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			  "\xef\xbf\xbd\"");
	buf_free(&b);
}

TEST(plain_text_has_nothing_that_drives_a_terminal)
{
	char s[] = "a\tb\nc\033[31m\x7f\xc3\xa4 \xc2\x9b \xc2\xa0 \xc2";

	plain_text(s);
	CHECK_STR(s, "a\tb c [31m \xc3\xa4    \xc2\xa0 \xc2");
}

TEST(a_log_message_is_one_line)
{
	int old = dup(STDERR_FILENO), out = memfd_create("log", 0);
	char text[64] = "";

	CHECK(old >= 0 && out >= 0);
	dup2(out, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	log_init("x", LOG_LVL_INFO);
	log_info("%s: refused", "/tmp/a\n<3>b\033");
	dup2(old, STDERR_FILENO);
	CHECK(pread(out, text, sizeof(text) - 1, 0) > 0);
	close(out);
	close(old);
	CHECK_STR(text, "x: /tmp/a <3>b : refused\n");
}

TEST(hmap_finds_what_was_put)
{
	struct hmap m = { 0 };
	uint32_t v, n = 0;

	for (uint32_t i = 0; i < 10000; i++)
		CHECK_EQ(hmap_insert(&m, hash_mix(i, 7), i), 0);
	for (uint32_t i = 0; i < 10000; i += 2)
		CHECK(hmap_remove(&m, hash_mix(i, 7), i));
	for (uint32_t i = 0; i < 10000; i++) {
		HMAP_FOR_EACH (&m, hash_mix(i, 7), it, v)
			n += v == i;
	}
	CHECK_EQ(n, 5000);
	CHECK_EQ(m.live, 5000);
	hmap_free(&m);
}

TEST(array_room_grows_and_keeps)
{
	size_t cap = 0, moves = 0;
	uint32_t *a = NULL;

	for (uint32_t i = 0; i < 10000; i++) {
		size_t before = cap;
		uint32_t *p = array_room(a, &cap, i + 1, sizeof(*p));

		CHECK(p && cap > i);
		moves += cap != before;
		a = p;
		a[i] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		CHECK_EQ(a[i], i);
	CHECK(cap <= 15000);
	CHECK(moves < 25);
	free(a);
}

TEST(array_room_refuses_what_no_memory_holds)
{
	size_t cap = 0;
	char *p = array_room(NULL, &cap, 1, 1);

	CHECK(p && cap > 0);
	cap = 1;
	CHECK(!array_room(p, &cap, SIZE_MAX, 1));
	CHECK(!array_room(p, &cap, SIZE_MAX / 2, 4));
	CHECK_EQ(cap, 1);
	CHECK(array_room(p, &cap, 1, 1) == p);
	free(p);
}

TEST(strtab_interns)
{
	struct strtab *t = strtab_new();
	char s[32];

	CHECK(t);
	CHECK_EQ(strtab_add(t, ""), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(s, sizeof(s), "name%u", i);
		CHECK_EQ(strtab_add(t, s), i + 1);
	}
	CHECK_EQ(strtab_add(t, "name17"), 18);
	CHECK_STR(strtab_get(t, 18), "name17");
	CHECK_STR(strtab_get(t, 99999), "");
	strtab_free(t);
}

int main(void)
{
	return tap_main();
}
