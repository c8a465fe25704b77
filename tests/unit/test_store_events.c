// SPDX-License-Identifier: GPL-2.0
/* Deploys that are noticed, and events that outlive the daemon. */
#include <errno.h>

#include "store/deploys.h"
#include "test_store_world.h"

struct heard {
	unsigned int n;
	char text[1024];
	uint64_t last;
};

static int hear(void *arg, const struct store_event *e)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s:%s:%s ", e->kind, e->service, e->version);
	h->last = e->time;
	h->n++;
	return 0;
}

static struct heard events(struct store *s, uint64_t from, uint64_t to)
{
	struct heard h = { 0 };

	CHECK_EQ(store_events(s, from, to, hear, &h), 0);
	return h;
}

/* A window of one sample of a service of that version. */
static struct window *of_program(struct model *m, uint64_t wall, const char *service,
				 const char *key, const char *version, const char *exe)
{
	struct model_series l = { .n = 2,
				  .labels = { { key, version }, { "service_name", service } } };
	struct model_proc p = { .comm = "x", .exe = exe };
	struct window *w = calloc(1, sizeof(*w));

	if (strcmp(key, "service_name") > 0) {
		l.labels[0].key = "service_name";
		l.labels[0].value = service;
		l.labels[1].key = key;
		l.labels[1].value = version;
	}
	p.series = model_add_series(m, &l);
	w->refs = 1;
	w->model = model_ref(m);
	w->start = wall - BASE + SEC;
	w->end = w->start + 10 * SEC;
	w->wall_start = wall;
	w->entries = calloc(1, sizeof(*w->entries));
	w->n_entries = 1;
	w->entries[0].thread = model_add_thread(m, model_add_proc(m, &p), 1);
	w->entries[0].count = 1;
	w->samples = 1;
	return w;
}

TEST(a_new_version_of_a_known_service_is_a_deploy)
{
	struct model *m = model_new();
	uint64_t t = BASE;
	struct store *s;
	struct heard h;

	world_begin();
	s = world_open(1 << 20, 1ULL << 30);
#define STEP(service, key, version) \
	CHECK_EQ(store_add(s, of_program(m, t += 10 * SEC, service, key, version, "/x")), 0)
	STEP("a", "service_version", "1");
	STEP("b", "build_id", "aa");
	STEP("a", "service_version", "1");
	store_sync(s);
	CHECK_EQ(events(s, 0, UINT64_MAX).n, 0);
	STEP("a", "service_version", "2");
	STEP("b", "build_id", "bb");
	STEP("a", "service_version", "1");
	STEP("c", "service_version", "1");
	store_sync(s);
	h = events(s, 0, UINT64_MAX);
	CHECK_STR(h.text, "deploy:a:2 deploy:b:bb ");
	CHECK_EQ(h.last, BASE + 50 * SEC);
	CHECK_EQ(events(s, BASE + 50 * SEC, BASE + 51 * SEC).n, 1);
	CHECK_EQ(events(s, BASE + 50 * SEC + 1, UINT64_MAX).n, 0);
	store_free(s);
	/* after a restart the versions are known */
	s = world_open(1 << 20, 1ULL << 30);
	STEP("a", "service_version", "2");
	STEP("c", "service_version", "1");
	STEP("c", "service_version", "2");
	store_sync(s);
	CHECK_STR(events(s, 0, UINT64_MAX).text, "deploy:a:2 deploy:b:bb deploy:c:2 ");
	store_free(s);
	model_unref(m);
	world_end();
}

TEST(programs_of_one_unit_have_versions_of_their_own)
{
	struct model *m = model_new();
	uint64_t t = BASE;
	struct store *s;

	world_begin();
	s = world_open(1 << 20, 1ULL << 30);
#define RUN(exe, version)                                                                          \
	CHECK_EQ(store_add(s, of_program(m, t += 10 * SEC, "u", "service_version", version, exe)), \
		 0)
	RUN("/bin/sh", "5.2");
	RUN("/usr/bin/curl", "8");
	RUN("/opt/app-1/app", "1");
	store_sync(s);
	CHECK_STR(events(s, 0, UINT64_MAX).text, "");
	/* a program new to it has the version of the others */
	RUN("/bin/env", "1");
	RUN("/opt/app-2/app", "2");
	RUN("/bin/env", "2");
	store_sync(s);
	CHECK_STR(events(s, 0, UINT64_MAX).text, "deploy:u:2 ");
	store_free(s);
	s = world_open(1 << 20, 1ULL << 30);
	RUN("/bin/sh", "5.2");
	RUN("/bin/grep", "3");
	RUN("/usr/bin/curl", "9");
	store_sync(s);
	CHECK_STR(events(s, 0, UINT64_MAX).text, "deploy:u:2 deploy:u:9 ");
	store_free(s);
	model_unref(m);
	world_end();
}

TEST(notes_are_kept)
{
	struct store_event e = { .time = BASE + SEC,
				 .kind = "note",
				 .service = "s",
				 .version = "",
				 .git_ref = "",
				 .text = "x" };
	char path[64], big[STORE_EVENT_TEXT + 2];
	uint64_t first, second;
	struct store *s;
	FILE *f;

	world_begin();
	s = world_open(1 << 20, 1ULL << 30);
	CHECK_EQ(store_event_add(s, &e, &first), 0);
	e.until = e.time + 10 * SEC;
	CHECK_EQ(store_event_add(s, &e, &second), 0);
	CHECK(second != first);
	e.kind = "party";
	CHECK_EQ(store_event_add(s, &e, &second), -EINVAL);
	e.kind = "note";
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	e.text = big;
	CHECK_EQ(store_event_add(s, &e, &second), -EINVAL);
	store_free(s);
	s = world_open(1 << 20, 1ULL << 30);
	CHECK_EQ(events(s, 0, UINT64_MAX).n, 2);
	CHECK_EQ(events(s, BASE + 5 * SEC, BASE + 6 * SEC).n, 1);
	store_free(s);
	/* a file that is none is set aside, and there is a new one */
	snprintf(path, sizeof(path), "%s/events.db", world_dir);
	f = fopen(path, "w");
	fputs("no database, but long enough to be looked at as one, which begins otherwise", f);
	fclose(f);
	s = world_open(1 << 20, 1ULL << 30);
	CHECK(history_message(s, big, sizeof(big)));
	CHECK(strstr(big, "events.db.refused"));
	CHECK_EQ(events(s, 0, UINT64_MAX).n, 0);
	e.text = "again";
	CHECK_EQ(store_event_add(s, &e, &second), 0);
	store_free(s);
	s = world_open(1 << 20, 1ULL << 30);
	CHECK_EQ(events(s, 0, UINT64_MAX).n, 1);
	store_free(s);
	world_end();
}

int main(void)
{
	return tap_main();
}
