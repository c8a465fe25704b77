// SPDX-License-Identifier: GPL-2.0
/*
 * Queries and the collector share files, tables and names: all of it at once,
 * with a byte limit so small that tables come and go under the readers.
 */
#include <pthread.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "sym/symbols.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

#define FILES	    3
#define KERNEL_ADDR 0xffffffff81000010ULL

static struct files *fs;
static struct symbols *syms;
static struct file_where where[FILES];
static uint64_t offset[FILES];
static int wrong;
static int done;

static void expect(const char *name, const char *want)
{
	if (strcmp(name, want))
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void *query(void *arg)
{
	uint64_t line_ns = NSEC_PER_SEC;
	struct sym_answer a;
	char module[32];

	for (int i = 0; i < 400; i++) {
		struct file *f = files_get(fs, &where[i % FILES]);

		if (!f) {
			expect("no file", "");
			continue;
		}
		symbols_resolve_function(syms, FRAME_USER, f, offset[i % FILES], &a);
		expect(a.lines[0].name, "inner");
		symbols_resolve(syms, FRAME_USER, f, offset[i % FILES], &a);
		expect(a.lines[0].name, "inner");
		/* another place each time, so that there is something to read */
		symbols_resolve_within(syms, FRAME_USER, f, offset[i % FILES] + i % 64, &line_ns,
				       &a);
		file_unref(f);
		symbols_resolve(syms, FRAME_KERNEL, NULL, KERNEL_ADDR, &a);
		expect(a.lines[0].name, "do_syscall_64");
		/* nobody's: asks for a refresh */
		symbols_resolve(syms, FRAME_KERNEL, NULL, KERNEL_ADDR + (1ULL << 30), &a);
		snprintf(module, sizeof(module), "[kernel]+0x%llx", KERNEL_ADDR + (1ULL << 30));
		expect(a.lines[0].name, module);
	}
	return NULL;
}

static void *refresh(void *arg)
{
	struct symbols_counters sc;
	struct files_counters fc;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		symbols_refresh_kernel(syms);
		symbols_counters(syms, &sc);
		files_counters(fs, &fc);
		usleep(1000);
	}
	return NULL;
}

static void prepare(void)
{
	static const char *const names[FILES] = { "a", "b", "c" };
	static char paths[FILES][256];
	struct symbols_config cfg = { .max_bytes = 16 << 20, .debug_dirs = "/nonexistent" };

	write_text("kallsyms", "ffffffff81000000 T do_syscall_64\n");
	write_text("f.c", "__attribute__((noinline)) int inner(int x) { return x * N; }\n"
			  "int main(int c, char **v) { return inner(c); }\n");
	cfg.kallsyms = built("kallsyms");
	fs = files_new(600);
	syms = symbols_new(&cfg, fs);
	if (!fs || !syms)
		abort();
	for (int i = 0; i < FILES; i++) {
		struct file *f;

		if (sh("cc -O1 -DN=%d -Wl,--build-id=sha1 -o %s f.c", i + 3, names[i]))
			abort();
		where[i].path = strcpy(paths[i], built(names[i]));
		f = files_get(fs, &where[i]);
		offset[i] = f ? off_of(f, nm(names[i], "inner")) : 0;
		file_unref(f);
	}
}

TEST(queries_share_what_comes_and_goes)
{
	struct files_counters c;
	pthread_t t[4], r;

	prepare();
	CHECK_EQ(pthread_create(&r, NULL, refresh, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, query, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(r, NULL);
	files_counters(fs, &c);
	printf("# %d table loads, %d evictions\n", (int)c.loads, (int)c.evictions);
	CHECK_EQ(wrong, 0);
	CHECK(c.evictions > 100);
	symbols_free(syms);
	files_free(fs);
}

int main(void)
{
	build_init();
	return tap_main();
}
