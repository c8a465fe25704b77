// SPDX-License-Identifier: GPL-2.0
/* export and import: a range of the history as one file, to keep or to carry elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/output.h"

#define TIMEOUT 3600

const struct cli_option export_options[] = {
	{ "pin", 0, "ID", "a pinned range, as ringprof pins lists them" },
	{ "from", 0, "TIME", "begin of any other range" },
	{ "until", 0, "TIME", "end (default now)" },
	{ 0 },
};

static int export_path(const struct cli *c, struct buf *path)
{
	const char *pin = cli_value(c, "pin"), *from = cli_value(c, "from");

	if (c->n_args != 1 || !pin == !from)
		return cli_fail(CLI_USAGE, "export: needs a file, and --pin or --from");
	buf_puts(path, "/api/v1/export");
	client_param(path, "id", pin);
	client_param(path, "from", from);
	client_param(path, "until", cli_value(c, "until"));
	return path->err ? cli_fail(CLI_FAILED, "out of memory") : 0;
}

static void export_text(const json_t *o)
{
	printf("%lld bytes in %s\n", (long long)json_integer_value(json_object_get(o, "bytes")),
	       json_string_value(json_object_get(o, "file")));
}

/* Half a file must not look like one: it gets its name when it is whole. */
static int export_to(struct cli *c, const char *path, const char *file)
{
	struct output out;
	struct stat st;
	long long bytes;
	int r;

	/* a device or a pipe must not be replaced */
	if (!stat(file, &st) && !S_ISREG(st.st_mode))
		return cli_fail(CLI_USAGE,
				"%s: no regular file; allowed: one, or - for standard "
				"output",
				file);
	r = output_begin(&out, file);
	if (r)
		return cli_fail(CLI_FAILED, "%s: %s", file, strerror(-r));
	r = client_download(c, path, out.f, TIMEOUT);
	if (r) {
		output_end(&out, -EIO);
		return r;
	}
	bytes = ftell(out.f);
	r = output_end(&out, 0);
	if (r)
		return cli_fail(CLI_FAILED, "%s: %s", file, strerror(-r));
	return cli_emit(c, json_pack("{s:s, s:I}", "file", file, "bytes", (json_int_t)bytes),
			export_text);
}

static int export_stdout(struct cli *c, const char *path)
{
	int r;

	if (isatty(STDOUT_FILENO))
		return cli_fail(CLI_USAGE, "export: the file is binary; send it elsewhere: > "
					   "incident.rph");
	r = client_download(c, path, stdout, TIMEOUT);
	if (!r && fflush(stdout))
		r = cli_fail(CLI_FAILED, "writing: %s", strerror(errno));
	return r;
}

int verb_export(struct cli *c)
{
	struct buf path = { 0 };
	int r = export_path(c, &path);

	if (!r && !strcmp(c->args[0], "-"))
		r = export_stdout(c, path.data);
	else if (!r)
		r = export_to(c, path.data, c->args[0]);
	buf_free(&path);
	return r;
}

static void import_text(const json_t *o)
{
	printf("%lld\n", (long long)json_integer_value(json_object_get(o, "id")));
}

int verb_import(struct cli *c)
{
	cleanup_fclose FILE *f = NULL;
	json_t *o = NULL;
	struct stat st;
	int r;

	if (c->n_args != 1)
		return cli_fail(CLI_USAGE, "import: needs a file that ringprof export made");
	f = fopen(c->args[0], "re");
	if (!f || fstat(fileno(f), &st))
		return cli_fail(CLI_USAGE, "%s: %s", c->args[0], strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cli_fail(CLI_USAGE, "%s: no regular file", c->args[0]);
	r = client_upload(c, "/api/v1/import", f, (uint64_t)st.st_size, TIMEOUT, &o);
	return r ? r : cli_emit(c, o, import_text);
}
