// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a fuzz target over files: the regression corpus, without libFuzzer.
 * Each input lies in memory of exactly its size, so that ASan sees a read past
 * its end. Usage: replay_NAME FILE...; prints how many were run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	long len;

	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0) {
		perror(path);
		return -1;
	}
	rewind(f);
	p = malloc(len ? (size_t)len : 1);
	if (!p || fread(p, 1, (size_t)len, f) != (size_t)len) {
		perror(path);
		return -1;
	}
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(p, (size_t)len);
	free(p);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (run_file(argv[i]))
			return 1;
	printf("%d\n", argc - 1);
	return 0;
}
