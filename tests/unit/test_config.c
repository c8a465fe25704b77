// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "tap.h"

static char dir[] = "/tmp/ringprof-config-XXXXXX";
static char main_file[256];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	fputs(text, f);
	fclose(f);
}

TEST(units)
{
	uint64_t v;

	CHECK_EQ(parse_duration("10s", &v), 0);
	CHECK_EQ(v, 10000000000LL);
	CHECK_EQ(parse_duration("250ms", &v), 0);
	CHECK_EQ(v, 250000000LL);
	CHECK_EQ(parse_duration("10", &v), -EINVAL);
	CHECK_EQ(parse_duration("-1s", &v), -EINVAL);
	CHECK_EQ(parse_duration("99999999999999d", &v), -EINVAL);
	CHECK_EQ(parse_bytes("2GiB", &v), 0);
	CHECK_EQ(v, 2LL << 30);
	CHECK_EQ(parse_bytes("64 MiB", &v), -EINVAL);
	CHECK_EQ(parse_bytes("1MB", &v), 0);
	CHECK_EQ(v, 1000000);
}

TEST(percent)
{
	static const char *const bad[] = { "",	  "%",	 "-1",	"101%", "1%%",
					   "nan", "1e1", "0x1", " 1",	"1 %" };
	uint32_t v = 7;

	CHECK_EQ(parse_percent("1%", &v), 0);
	CHECK_EQ(v, 100);
	CHECK_EQ(parse_percent("0.25", &v), 0);
	CHECK_EQ(v, 25);
	CHECK_EQ(parse_percent("0", &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(parse_percent("100%", &v), 0);
	CHECK_EQ(v, 10000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(parse_percent(bad[i], &v), -EINVAL);
}

TEST(how_stacks_are_walked)
{
	struct config c;
	char err[512];

	config_init(&c);
	CHECK_STR(c.unwind, "rows");
	CHECK_EQ(c.perf_stack, 16384);
	CHECK_EQ(c.max_depth, 512);
	CHECK_EQ(c.budget, CONFIG_NO_BUDGET);
	CHECK_EQ(config_set(&c, "budget", "0.5%", err, sizeof(err)), 0);
	CHECK_EQ(c.budget, 50);
	CHECK_EQ(config_set(&c, "budget", "0", err, sizeof(err)), 0);
	CHECK_EQ(c.budget, 0);
	CHECK_EQ(config_set(&c, "budget", "", err, sizeof(err)), 0);
	CHECK_EQ(c.budget, CONFIG_NO_BUDGET);
	CHECK_EQ(config_set(&c, "budget", "200%", err, sizeof(err)), -EINVAL);
	CHECK_STR(err, "budget: '200%' is not PERCENT; allowed: 0 to 100%");
	CHECK_EQ(config_set(&c, "unwind", "dwarf", err, sizeof(err)), -EINVAL);
	CHECK_EQ(config_set(&c, "max-depth", "2049", err, sizeof(err)), -EINVAL);
	CHECK_EQ(config_set(&c, "max-depth", "2048", err, sizeof(err)), 0);
	CHECK_EQ(config_set(&c, "perf-stack", "64KiB", err, sizeof(err)), -EINVAL);
	CHECK_EQ(config_set(&c, "perf-stack", "1KiB", err, sizeof(err)), 0);
	CHECK_EQ(config_check(&c, err, sizeof(err)), -EINVAL);
	CHECK_EQ(config_set(&c, "perf-stack", "4100", err, sizeof(err)), 0);
	CHECK_EQ(config_check(&c, err, sizeof(err)), -EINVAL);
	CHECK_EQ(config_set(&c, "perf-stack", "0", err, sizeof(err)), 0);
	CHECK_EQ(config_check(&c, err, sizeof(err)), 0);
	config_free(&c);
}

TEST(defaults_pass_their_own_rules)
{
	struct config c;
	char err[512];

	CHECK_EQ(config_init(&c), 0);
	CHECK_EQ(config_check(&c, err, sizeof(err)), 0);
	CHECK_EQ(c.frequency, 99);
	CHECK_STR(c.listen, "127.0.0.1:4099");
	config_free(&c);
}

/* A key of the table, with its value in each. */
static void check_shown(struct config *shown, const struct config *defaults, const char *key,
			const char *value)
{
	char a[64], b[64], err[512];

	for (size_t i = 0; i < config_n_options; i++) {
		if (strcmp(key, config_options[i].name))
			continue;
		CHECK_EQ(config_set(shown, key, value, err, sizeof(err)), 0);
		if (strcmp(config_value(shown, i, a, sizeof(a)),
			   config_value(defaults, i, b, sizeof(b))))
			TAP_FAIL("%s = %s is not the default", key, value);
		return;
	}
	TAP_FAIL("%s is no key", key);
}

TEST(the_installed_file_shows_the_defaults)
{
	FILE *f = fopen("scripts/ringprofd.conf", "r");
	struct config shown, defaults;
	char line[512], key[64], value[256];
	int n = 0;

	CHECK(f);
	config_init(&shown);
	config_init(&defaults);
	/* up to the sections, which are examples */
	while (fgets(line, sizeof(line), f) && strncmp(line, "# [", 3)) {
		value[0] = '\0';
		if (sscanf(line, "# %63[a-z0-9-] = %255[^\n]", key, value) < 1 ||
		    strncmp(line + 2 + strlen(key), " =", 2))
			continue;
		check_shown(&shown, &defaults, key, value);
		n++;
	}
	CHECK(n > 15);
	fclose(f);
	config_free(&shown);
	config_free(&defaults);
}

TEST(file_and_drop_ins_in_order)
{
	struct config c;
	char err[512], sub[300];

	config_init(&c);
	write_file(main_file, "# comment\nfrequency = 49\nhistory = 30m\n"
			      "[external_labels]\nregion = eu\n");
	snprintf(sub, sizeof(sub), "%s.d", main_file);
	mkdir(sub, 0755);
	snprintf(sub, sizeof(sub), "%s.d/20-b.conf", main_file);
	write_file(sub, "frequency=51\n");
	snprintf(sub, sizeof(sub), "%s.d/10-a.conf", main_file);
	write_file(sub, "frequency=50\nlog-level = debug\n[external_labels]\nregion = us\n");
	CHECK_EQ(config_read(&c, main_file, true, err, sizeof(err)), 0);
	CHECK_EQ(c.frequency, 51);
	CHECK_STR(c.log_level, "debug");
	CHECK_EQ(c.n_external_labels, 1);
	CHECK_STR(c.external_labels[0].value, "us");
	config_free(&c);
}

TEST(rules_keep_their_order_and_place)
{
	char path[300], where[320], err[512];
	struct config c;

	config_init(&c);
	snprintf(path, sizeof(path), "%s/rules.conf", dir);
	write_file(path, "deployment-environment = lab\n\n[relabel one]\naction = drop\n"
			 "regex = a;b\n[relabel two]\nseparator = |\n[relabel one]\nregex=x\n");
	CHECK_EQ(config_read_file(&c, path, err, sizeof(err)), 0);
	CHECK_STR(c.deployment_environment, "lab");
	CHECK_EQ(c.n_relabel, 4);
	CHECK_STR(c.relabel[0].name, "one");
	CHECK_STR(c.relabel[0].key, "action");
	CHECK_STR(c.relabel[1].value, "a;b");
	CHECK_STR(c.relabel[2].name, "two");
	CHECK_STR(c.relabel[2].value, "|");
	CHECK_STR(c.relabel[3].name, "one");
	snprintf(where, sizeof(where), "%s:9", path);
	CHECK_STR(c.relabel[3].where, where);
	config_free(&c);
}

static void refused(const char *text, const char *want)
{
	struct config c;
	char err[512] = "", path[300];

	config_init(&c);
	snprintf(path, sizeof(path), "%s/bad.conf", dir);
	write_file(path, text);
	CHECK_EQ(config_read_file(&c, path, err, sizeof(err)), -EINVAL);
	if (!strstr(err, want))
		TAP_FAIL("message is '%s', not '%s'", err, want);
	config_free(&c);
}

TEST(errors_name_file_line_key_and_what_is_allowed)
{
	refused("frequency = 99\n\nfrequency = 0\n", "bad.conf:3: frequency: '0' is not HZ; "
						     "allowed: 1 to 10000");
	refused("source = bpf\n", "bad.conf:1: source: 'bpf' is not NAME; allowed: auto, kmod, "
				  "perf");
	refused("sauce = perf\n", "bad.conf:1: sauce: no such key");
	refused("frequency\n", "bad.conf:1: not KEY = VALUE");
	refused("[external_labels]\na-b = c\n", "a-b: not a label name");
	refused("[external_labels]\na=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\nj=1\nk=1\n"
		"l=1\nm=1\nn=1\no=1\np=1\nq=1\n",
		"bad.conf:18: q: too many labels; allowed: 16");
	refused("[relabels]\na = b\n", "[relabels]: no such section");
	refused("[http]\nlisten = x\n", "[http]: no such section");
	refused("history = 1\n", "bad.conf:1: history: '1' is not TIME");
	refused("cpus = 0-\n", "cpus: '0-' is not LIST; allowed: a CPU list");
	refused("cpus = 3-1\n", "cpus: '3-1' is not LIST");
	refused("cpus = 0,,1\n", "cpus: '0,,1' is not LIST");
	refused("listen = nohost\n", "listen: 'nohost' is not ADDRESS; allowed: HOST:PORT, "
				     "[V6]:PORT");
	refused("listen = ::1:80\n", "listen: '::1:80' is not ADDRESS");
	refused("listen = x:65536\n", "listen: 'x:65536' is not ADDRESS");
	refused("listen = :80\n", "listen: ':80' is not ADDRESS");
	refused("state-dir = run\n", "state-dir: 'run' is not DIR; allowed: an absolute path");
}

TEST(the_first_wrong_line_is_the_one_that_is_named)
{
	refused("nonsense\nfrequency = 0\n", "bad.conf:1: not KEY = VALUE");
	refused("frequency = 0\nnonsense\n", "bad.conf:1: frequency: '0'");
}

TEST(lines_mean_what_they_look_like)
{
	char text[400] = "frequency = 99\n# ";
	struct config c;
	char err[512] = "", path[300];

	refused("allowed-hosts = a,\n  b\n", "bad.conf:2: not KEY = VALUE");
	memset(text + strlen(text), 'x', 300);
	refused(text, "bad.conf:2: the line is too long; allowed: ");
	config_init(&c);
	snprintf(path, sizeof(path), "%s/good.conf", dir);
	write_file(path, "  frequency = 7\n\tcpus = 0-3,8\n listen = [::1]:80\nunix-socket =\n"
			 "cgroup = last line without end");
	CHECK_EQ(config_read_file(&c, path, err, sizeof(err)), 0);
	CHECK_EQ(c.frequency, 7);
	CHECK_STR(c.cpus, "0-3,8");
	CHECK_STR(c.listen, "[::1]:80");
	CHECK_STR(c.unix_socket, "");
	CHECK_STR(c.cgroup, "last line without end");
	/* a directory is no settings file */
	CHECK_EQ(config_read_file(&c, dir, err, sizeof(err)), -EISDIR);
	config_free(&c);
}

TEST(missing_file)
{
	struct config c;
	char err[512];

	config_init(&c);
	CHECK_EQ(config_read(&c, "/nonexistent/x.conf", false, err, sizeof(err)), 0);
	CHECK_EQ(config_read(&c, "/nonexistent/x.conf", true, err, sizeof(err)), -ENOENT);
	CHECK(strstr(err, "/nonexistent/x.conf"));
	config_free(&c);
}

TEST(checks_across_keys)
{
	struct config c;
	char err[512];

	config_init(&c);
	config_set(&c, "tls-cert", "/x", err, sizeof(err));
	CHECK_EQ(config_check(&c, err, sizeof(err)), -EINVAL);
	config_set(&c, "tls-cert", "", err, sizeof(err));
	config_set(&c, "auth", "none", err, sizeof(err));
	CHECK_EQ(config_check(&c, err, sizeof(err)), 0);
	config_set(&c, "user", "no-such-user", err, sizeof(err));
	CHECK_EQ(config_check(&c, err, sizeof(err)), -EINVAL);
	config_set(&c, "user", "root", err, sizeof(err));
	CHECK_EQ(config_check(&c, err, sizeof(err)), 0);
	config_set(&c, "listen", "0.0.0.0:4099", err, sizeof(err));
	CHECK_EQ(config_check(&c, err, sizeof(err)), -EINVAL);
	config_free(&c);
}

int main(void)
{
	char cmd[300];
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(main_file, sizeof(main_file), "%s/ringprofd.conf", dir);
	r = tap_main();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) || r;
}
