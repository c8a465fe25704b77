/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test files made at run time by the compiler and binutils, so that no binary
 * stands in the repository: one directory a program, removed at exit.
 */
#ifndef RINGPROF_TESTS_SYM_BUILD_H
#define RINGPROF_TESTS_SYM_BUILD_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char build_dir[64];

__attribute__((unused)) static int sh(const char *fmt, ...)
{
	char cmd[4096], full[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "cd '%s' && { %s\n} </dev/null 2>>log 1>>log", build_dir, cmd);
	return system(full);
}

static void build_cleanup(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", build_dir);
	if (system(cmd))
		fprintf(stderr, "cannot remove %s\n", build_dir);
}

__attribute__((unused)) static void build_init(void)
{
	/* what the tests build is not the code under test: no sanitizers there */
	unsetenv("LD_PRELOAD");
	strcpy(build_dir, "/tmp/ringprof-sym-XXXXXX");
	if (!mkdtemp(build_dir))
		abort();
	atexit(build_cleanup);
}

__attribute__((unused)) static const char *built(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", build_dir, name);
	return path[i];
}

__attribute__((unused)) static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(built(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

/* The address that the first line of a command's output begins with, 0: none. */
__attribute__((unused)) static uint64_t address_from(const char *cmd)
{
	unsigned long long v = 0;
	char line[512];
	FILE *p = popen(cmd, "r");

	if (p && fgets(line, sizeof(line), p))
		v = strtoull(line, NULL, 16);
	if (p)
		pclose(p);
	return v;
}

/* Value of a symbol by nm(1), 0: not there. */
__attribute__((unused)) static uint64_t nm(const char *file, const char *symbol)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "nm '%s' 2>/dev/null | grep -E ' %s$'", built(file), symbol);
	return address_from(cmd);
}

__attribute__((unused)) static char *slurp(const char *name, size_t *len)
{
	FILE *f = fopen(built(name), "r");
	char *p = NULL;

	if (!f)
		abort();
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	p = malloc(*len + 1);
	if (!p || fread(p, 1, *len, f) != *len)
		abort();
	fclose(f);
	return p;
}

#endif
