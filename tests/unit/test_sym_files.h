/* SPDX-License-Identifier: GPL-2.0 */
/* Files of a small program and its copies, for the tests of the registry. */
#ifndef RINGPROF_TESTS_SYM_FILES_H
#define RINGPROF_TESTS_SYM_FILES_H

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/files_int.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

static const char source[] = "__attribute__((noinline)) int inner(int x) { return x * 3; }\n"
			     "int main(int c, char **v) { return inner(c); }\n";

static struct file_where where(const char *name)
{
	struct file_where w = { .path = built(name) };
	struct stat st;

	if (stat(w.path, &st))
		abort();
	w.ino = st.st_ino;
	w.maj = major(st.st_dev);
	w.min = minor(st.st_dev);
	return w;
}

static void make(void)
{
	static int made;

	if (made++)
		return;
	write_text("f.c", source);
	if (sh("cc -O1 -Wl,--build-id=sha1 -o one f.c && cp one copy && cp one stripped && "
	       "strip -s stripped && cc -O1 -Wl,--build-id=none -o plain f.c && cp plain plain2 && "
	       "cc -O0 -DX -Wl,--build-id=none -o other f.c"))
		abort();
}

__attribute__((unused)) static void get(struct files *fs, const char *const *names, int n,
					struct file **f)
{
	for (int i = 0; i < n; i++) {
		struct file_where w = where(names[i]);

		f[i] = files_get(fs, &w);
		CHECK(f[i]);
	}
}

/* A file of its own content: `plain` and a number behind it. */
__attribute__((unused)) static struct file *get_numbered(struct files *fs, const char *name,
							 int number)
{
	struct file_where w;
	size_t len;
	char *p = slurp("plain", &len);
	FILE *out = fopen(built(name), "w");
	bool ok = out && fwrite(p, 1, len, out) == len && fwrite(&number, 4, 1, out) == 1;

	free(p);
	CHECK(out && !fclose(out) && ok);
	w = where(name);
	return files_get(fs, &w);
}

__attribute__((unused)) static struct file *get_one(struct files *fs, const char *name)
{
	struct file_where w = where(name);

	return files_get(fs, &w);
}

#endif
