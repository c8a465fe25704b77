// SPDX-License-Identifier: GPL-2.0
/*
 * rowtool FILE... : compile unwind rows of these files and of the vDSO and hand
 * them to the module, as the daemon does, without one
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "source/control_table.h"
#include "unwind/rows.h"

static int give(struct control *c, const char *name, int fd, const struct rows *r, uint8_t key)
{
	struct control_table t = { .key = { key },
				   .fd = fd,
				   .base = r->base,
				   .segments = r->segments,
				   .n_segments = r->n_segments,
				   .rows = r->rows,
				   .n_rows = r->n };
	int err = control_table_add(c, &t, NULL);

	if (err)
		fprintf(stderr, "rowtool: %s: %s\n", name, control_error(c));
	else
		printf("%s: %u rows of %s, %u opaque\n", name, r->n, r->origin, r->n_opaque);
	return err;
}

static int give_file(struct control *c, const char *path, uint8_t key)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct rows r = { 0 };

	if (fd < 0) {
		perror(path);
		return -1;
	}
	err = rows_of_fd(&r, fd, NULL);
	if (err)
		fprintf(stderr, "rowtool: %s: %s\n", path, strerror(-err));
	else
		err = give(c, path, fd, &r, key);
	rows_free(&r);
	close(fd);
	return err;
}

static int give_vdso(struct control *c)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *eh = (const void *)image;
	struct rows r = { 0 };
	int err;

	if (!image)
		return 0;
	err = rows_of_mem(&r, image, eh->e_shoff + (size_t)eh->e_shentsize * eh->e_shnum, NULL);
	if (err)
		fprintf(stderr, "rowtool: vDSO: %s\n", strerror(-err));
	else
		err = give(c, "vDSO", -1, &r, 255);
	rows_free(&r);
	return err;
}

int main(int argc, char **argv)
{
	char err[256] = "";
	struct control *c;
	int failed = 0;

	if (control_open(&c, err, sizeof(err))) {
		fprintf(stderr, "rowtool: %s\n", err);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		failed |= give_file(c, argv[i], (uint8_t)i) != 0;
	failed |= give_vdso(c) != 0;
	control_close(c);
	return failed;
}
