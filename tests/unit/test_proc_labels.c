// SPDX-License-Identifier: GPL-2.0
/*
 * Where labels come from: the environment, runtimes' and kubelet's files. Each
 * source as its owner writes it, and as a liar would; and all of it in a process.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/container.h"
#include "proc/otel.h"
#include "tap.h"
#include "test_proc_program.h"
#include "test_proc_world.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- OTEL_* ---- */

TEST(resource_attributes)
{
	struct otel o;

	CHECK(otel_attributes("service.name=shop,service.version=1.2,deployment.environment=prod",
			      &o));
	CHECK_STR(o.service_name, "shop");
	CHECK_STR(o.service_version, "1.2");
	CHECK_STR(o.environment, "prod");
	CHECK(otel_attributes(" service.name = a%20b%2Cc%3dd , x=y", &o));
	CHECK_STR(o.service_name, "a b,c=d");
	CHECK_STR(o.service_version, "");
	/* the newer name of the attribute wins, wherever it stands */
	CHECK(otel_attributes("deployment.environment.name=new,deployment.environment=old", &o));
	CHECK_STR(o.environment, "new");
	CHECK(otel_attributes("deployment.environment=old,deployment.environment.name=new", &o));
	CHECK_STR(o.environment, "new");
	CHECK(otel_attributes("", &o));
	CHECK_STR(o.service_name, "");
}

TEST(malformed_attributes_say_nothing)
{
	static const char *const bad[] = { "service.name=x,novalue", "service.name=x,=v",
					   "service.name=%",	     "service.name=%4",
					   "service.name=%zz",	     "service.name=a%00b",
					   "service.name=x,,y=z" };
	struct otel o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!otel_attributes(bad[i], &o));
		CHECK_STR(o.service_name, "");
	}
}

TEST(long_attributes_are_cut_between_characters)
{
	char long_one[2 * OTEL_ENTRY_MAX];
	struct otel o;

	strcpy(long_one, "service.name=");
	for (int i = 0; i < 200; i++)
		strcat(long_one, "\xc3\xa4");
	CHECK(otel_attributes(long_one, &o));
	CHECK_EQ(strlen(o.service_name), 254);
	memset(long_one + 13, 'x', sizeof(long_one) - 14);
	long_one[sizeof(long_one) - 1] = '\0';
	CHECK(!otel_attributes(long_one, &o));
}

static struct otel of_environ(const char *env, size_t n)
{
	int fd = memfd_create("environ", MFD_CLOEXEC);
	struct otel o;

	if (write(fd, env, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))
		abort();
	CHECK_EQ(otel_read_fd(fd, &o), 0);
	close(fd);
	return o;
}

#define ENVIRON(s) of_environ(s, sizeof(s) - 1)

TEST(named_keys_of_an_environment)
{
	struct otel o = ENVIRON("PATH=/bin\0OTEL_SERVICE_NAME=front\0"
				"OTEL_RESOURCE_ATTRIBUTES=service.name=back,service.version=7\0");

	CHECK_STR(o.service_name, "front");
	CHECK_STR(o.service_version, "7");
	o = ENVIRON("OTEL_RESOURCE_ATTRIBUTES=service.name=back\0OTEL_SERVICE_NAME=\0");
	CHECK_STR(o.service_name, "back");
	o = ENVIRON("XOTEL_SERVICE_NAME=a\0OTEL_SERVICE_NAMES=b\0OTEL_SERVICE_NAM=c\0");
	CHECK_STR(o.service_name, "");
	/* no NUL behind the last: it was being written, or is no environment */
	o = ENVIRON("OTEL_SERVICE_NAME=cut");
	CHECK_STR(o.service_name, "");
	o = ENVIRON("");
	CHECK_STR(o.service_name, "");
}

TEST(large_environments_are_read_in_pieces)
{
	static const char var[] = "OTEL_SERVICE_NAME=behind";
	size_t at[] = { 4090, 4096 - 18, 8192 - 1, 100000, OTEL_ENVIRON_MAX - 40 };
	char *env = calloc(1, OTEL_ENVIRON_MAX + 4096);

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		memset(env, 'x', OTEL_ENVIRON_MAX + 4096);
		env[at[i] - 1] = '\0';
		memcpy(env + at[i], var, sizeof(var));
		CHECK_STR(of_environ(env, OTEL_ENVIRON_MAX + 4096).service_name, "behind");
	}
	memset(env, 'x', OTEL_ENVIRON_MAX + 4096);
	env[OTEL_ENVIRON_MAX + 9] = '\0';
	memcpy(env + OTEL_ENVIRON_MAX + 10, var, sizeof(var));
	CHECK_STR(of_environ(env, OTEL_ENVIRON_MAX + 4096).service_name, "");
	free(env);
}

/* ---- containers ---- */

static struct container_names names_of(const char *id, const char *cgroup)
{
	struct containers *c = containers_new(root);
	struct container_names n = *containers_get(c, id, cgroup, 1);

	containers_free(c);
	return n;
}

TEST(containerd_bundles)
{
	struct container_names n;

	fresh();
	text("run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
	     "{\"process\":{},\"annotations\":{\"io.kubernetes.cri.container-name\":\"web\","
	     "\"io.kubernetes.cri.sandbox-name\":\"web-0\","
	     "\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}");
	text("run/containerd/io.containerd.runtime.v2.task/other/" ID2 "/config.json",
	     "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-0\","
	     "\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}");
	n = names_of(ID, "/");
	CHECK_STR(n.container, "web");
	CHECK_STR(n.pod, "web-0");
	CHECK_STR(n.ns, "shop");
	n = names_of(ID2, "/");
	CHECK_STR(n.container, "POD");
	CHECK_STR(n.pod, "web-0");
}

TEST(crio_and_podman_storage)
{
	struct container_names n;

	fresh();
	text("var/lib/containers/storage/overlay-containers/" ID "/userdata/config.json",
	     "{\"annotations\":{\"io.kubernetes.container.name\":\"db\","
	     "\"io.kubernetes.pod.name\":\"db-1\",\"io.kubernetes.pod.namespace\":\"data\"}}");
	text("var/lib/containers/storage/overlay-containers/containers.json",
	     "[{\"id\":\"" ID "\",\"names\":[\"no\"]},{\"id\":\"" ID2 "\",\"names\":[\"mine\","
	     "\"b\"]}]");
	n = names_of(ID, "/");
	CHECK_STR(n.container, "db");
	CHECK_STR(n.pod, "db-1");
	CHECK_STR(n.ns, "data");
	n = names_of(ID2, "/");
	CHECK_STR(n.container, "mine");
	CHECK_STR(n.pod, "");
}

TEST(docker_containers)
{
	struct container_names n;

	fresh();
	text("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/"
								"happy_name\",\"Config\":{"
								"\"Labels\":{}}}");
	text("var/lib/docker/containers/" ID2 "/config.v2.json",
	     "{\"Name\":\"/k8s_web_web-0\",\"Config\":{\"Labels\":{"
	     "\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.pod.name\":\"web-0\","
	     "\"io.kubernetes.pod.namespace\":\"shop\"}}}");
	n = names_of(ID, "/");
	CHECK_STR(n.container, "happy_name");
	n = names_of(ID2, "/");
	CHECK_STR(n.container, "web");
	CHECK_STR(n.ns, "shop");
}

#define POD_UID "12345678-1234-1234-1234-123456789abc"

TEST(kubelet_log_names)
{
	struct container_names n;

	fresh();
	text("var/log/containers/web-0_shop_web-" ID ".log", "");
	run("mkdir -p '%s/var/log/pods/shop_solo_" POD_UID "/only'", root);
	n = names_of(ID, "/");
	CHECK_STR(n.container, "web");
	CHECK_STR(n.pod, "web-0");
	CHECK_STR(n.ns, "shop");
	n = names_of(ID2, "/kubepods.slice/kubepods-besteffort-pod12345678_1234_1234_1234_"
			  "123456789abc.slice/x-" ID2 ".scope");
	CHECK_STR(n.container, "only");
	CHECK_STR(n.pod, "solo");
	run("mkdir '%s/var/log/pods/shop_solo_" POD_UID "/second'", root);
	n = names_of(ID2, "/kubepods/besteffort/pod" POD_UID "/" ID2);
	CHECK_STR(n.container, "");
	CHECK_STR(n.pod, "solo");
	CHECK_STR(n.ns, "shop");
}

TEST(uids_of_pods_in_cgroup_paths)
{
	char uid[37];

	container_pod_uid("/kubepods/podless/pod0123/pod" POD_UID "/x", uid);
	CHECK_STR(uid, POD_UID);
	container_pod_uid("/kubepods.slice/kubepods-pod0123456789abcdef0123456789abcdef.slice",
			  uid);
	CHECK_STR(uid, "0123456789abcdef0123456789abcdef");
	container_pod_uid("/machine.slice/libpod-" ID ".scope", uid);
	CHECK_STR(uid, "");
	container_pod_uid("/kubepods/pod", uid);
	CHECK_STR(uid, "");
}

/* What a container's owner may put there must neither be followed nor believed. */
TEST(bad_bundles_have_no_names)
{
	static const char path[] = "var/lib/docker/containers/" ID "/config.v2.json";
	char deep[20000], *large = calloc(1, CONTAINER_JSON_MAX + 100);
	struct container_names n;

	fresh();
	text("elsewhere", "{\"Name\":\"/stolen\"}");
	text("var/lib/docker/containers/" ID "/x", "");
	run("ln -s ../../../../../elsewhere '%s/%s'", root, path);
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	run("rm '%s/%s'; mkfifo '%s/%s'", root, path, root, path);
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	run("rm '%s/%s'", root, path);
	text(path, "{\"Name\":\"/two\\nlines\"}");
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	text(path, "[1,2");
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	memset(deep, '[', sizeof(deep));
	file(path, deep, sizeof(deep));
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	strcpy(large, "{\"Name\":\"/x\"}");
	memset(large + 13, ' ', CONTAINER_JSON_MAX);
	file(path, large, CONTAINER_JSON_MAX + 50);
	n = names_of(ID, "/");
	CHECK_STR(n.container, "");
	file(path, large, CONTAINER_JSON_MAX - 50);
	n = names_of(ID, "/");
	CHECK_STR(n.container, "x");
	if (!geteuid()) {
		run("chown 12345 '%s/%s'", root, path);
		n = names_of(ID, "/");
		CHECK_STR(n.container, "");
	}
	free(large);
}

TEST(misses_are_asked_again_and_the_table_has_a_limit)
{
	struct containers *c;
	char id[65];

	fresh();
	c = containers_new(root);
	CHECK_STR(containers_get(c, ID, "/", 1)->container, "");
	text("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/late\"}");
	CHECK_STR(containers_get(c, ID, "/", 2)->container, "");
	CHECK_STR(containers_get(c, ID, "/", 6 * NSEC_PER_SEC)->container, "late");
	CHECK_STR(containers_get(c, "short", "/", 1)->container, "");
	for (unsigned int i = 0; i < CONTAINERS_MAX + 10; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		containers_get(c, id, "/", 1);
	}
	CHECK(containers_bytes(c) < 16 << 20);
	containers_free(c);
}

/* ---- all of it in a process ---- */

TEST(labels_of_a_process)
{
	struct ptable_config cfg = {
		.proc_root = root, .cgroup_root = root, .host_root = root, .environment = "lab"
	};
	static const char cgroup[] = "0::/kubepods.slice/kubepods-podx.slice/cri-containerd-" ID
				     ".scope\n";
	struct process *p;
	struct ptable *t;

	fresh();
	t = ptable_new(&cfg, NULL);
	text("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/happy\"}");
	fake(&(struct fake){ .pid = 1, .comm = "a", .cgroup = cgroup });
	fake(&(struct fake){ .pid = 2, .comm = "b", .cgroup = cgroup });
	file("2/environ", "OTEL_SERVICE_NAME=said\0", 23);
	fake(&(struct fake){ .pid = 3, .comm = "c", .cgroup = "0::/system.slice/d.service\n" });
	file("3/environ",
	     "OTEL_RESOURCE_ATTRIBUTES=service.version=3,deployment.environment=prod\0", 71);
	p = sample(t, 1);
	CHECK_STR(p->labels.service_name, "happy");
	CHECK_STR(p->labels.container, "happy");
	CHECK_STR(p->labels.container_id, ID);
	CHECK_STR(p->labels.deployment_environment, "lab");
	CHECK_STR(p->labels.service_version, "");
	p = sample(t, 2);
	CHECK_STR(p->labels.service_name, "said");
	p = sample(t, 3);
	CHECK_STR(p->labels.service_name, "d.service");
	CHECK_STR(p->labels.service_version, "3");
	CHECK_STR(p->labels.deployment_environment, "prod");
	/* a child is what its parent is; after exec it is asked again */
	ev_fork(t, 3, 4, 4);
	CHECK_STR(sample(t, 4)->labels.service_version, "3");
	ev_comm(t, 4, 4, "gone", true);
	CHECK_STR(sample(t, 4)->labels.deployment_environment, "prod");
	file("3/environ", "X=1\0", 4);
	ev_comm(t, 3, 3, "again", true);
	p = sample(t, 3);
	CHECK_STR(p->labels.deployment_environment, "lab");
	CHECK_STR(p->labels.service_version, "");
	ptable_free(t);
}

/* Known by events alone: what the parent's environment says, and what the mapped file is. */
TEST(labels_of_a_process_that_is_gone)
{
	struct ptable_config cfg = { .proc_root = root, .cgroup_root = root, .host_root = root };
	struct program a = program("{\"version\":\"1.0\"}", NULL, 0);
	struct event ev = { .type = EV_MMAP, .pid = 7, .tid = 7 };
	char path[300];
	struct process *p;
	struct ptable *t;
	struct stat st;

	fresh();
	t = ptable_new(&cfg, NULL);
	file("prog", &a, sizeof(a));
	snprintf(path, sizeof(path), "%s/prog", root);
	CHECK_EQ(stat(path, &st), 0);
	fake(&(struct fake){ .pid = 6, .comm = "sh" });
	file("6/environ", "OTEL_SERVICE_NAME=batch\0", 24);
	CHECK_EQ(ptable_scan(t, now()), 0);
	ev_fork(t, 6, 7, 7);
	ev_comm(t, 7, 7, "prog", true);
	/* inside of execve */
	p = sample(t, 7);
	CHECK_STR(p->labels.service_name, "batch");
	CHECK_STR(p->labels.service_version, "");
	ev.time = now();
	ev.mmap.addr = 0x1000;
	ev.mmap.len = 0x1000;
	ev.mmap.ino = st.st_ino;
	ev.mmap.path = path;
	ptable_event(t, &ev);
	p = sample(t, 7);
	CHECK_STR(p->labels.exe, path);
	CHECK_STR(p->labels.service_version, "1.0");
	/* another file took the path: it is not the one that ran */
	ev_fork(t, 6, 8, 8);
	ev_comm(t, 8, 8, "prog", true);
	ev.pid = ev.tid = 8;
	ev.time = now();
	ev.mmap.ino = st.st_ino + 1000000;
	ptable_event(t, &ev);
	p = sample(t, 8);
	CHECK_STR(p->labels.exe, path);
	CHECK_STR(p->labels.service_version, "");
	CHECK_STR(p->labels.service_name, "batch");
	ptable_free(t);
}

TEST(the_inner_one_of_unit_and_container_names_the_service)
{
	static const struct {
		const char *cgroup, *service;
	} cases[] = {
		{ "0::/system.slice/docker-" ID ".scope\n", "0123456789ab" },
		{ "0::/system.slice/docker-" ID ".scope/system.slice/x.service\n", "x.service" },
		{ "0::/system.slice/docker.service/docker/" ID "\n", "0123456789ab" },
		{ "0::/kubepods.slice/kubepods-pod1.slice/" ID "\n", "0123456789ab" },
		{ "0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID "\n",
		  "0123456789ab" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n", "x."
											    "servic"
											    "e" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/"
		  "contain"
		  "er\n",
		  "0123456789ab" },
		{ "0::/machine.slice/libpod-conmon-" ID ".scope\n", "libpod-conmon-" ID ".scope" },
		{ "0::/\n", "comm" },
	};
	struct ptable *t = new_table(0);

	for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
		fake(&(struct fake){ .pid = 10 + i, .comm = "comm", .cgroup = cases[i].cgroup });
		CHECK_STR(sample(t, 10 + i)->labels.service_name, cases[i].service);
	}
	ptable_free(t);
}

int main(void)
{
	proc_init();
	return tap_main();
}
