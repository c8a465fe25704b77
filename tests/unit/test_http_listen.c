// SPDX-License-Identifier: GPL-2.0
/* Listeners: addresses, the Unix socket, sockets passed in, TLS, and what is said when one fails. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "http/port_owner.h"
#include "test_http_world.h"

static char dir[40], path[60];

static void make_dir(void)
{
	if (*dir)
		return;
	strcpy(dir, "/tmp/ringprof-test-XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
}

static int dial_unix(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void ask_fd(int fd, const char *url, const char *headers, struct answer_got *a)
{
	CHECK(fd >= 0);
	put_request(fd, "GET", url, headers, NULL, 0);
	hear(fd, a);
}

/* Starts with these settings and must fail; the error is in err. */
static int fails(const struct http_config *cfg, char *err, size_t errlen)
{
	struct world w;
	int r;

	world_parts(&w);
	w.cfg = *cfg;
	r = world_serve(&w, err, errlen);
	world_free(&w);
	return r;
}

TEST(unix_socket_needs_no_token)
{
	const struct group *g = getgrnam("ringprof");
	struct answer_got a;
	struct stat st;
	struct world w;

	make_dir();
	world_parts(&w);
	w.cfg.unix_socket = path;
	world_start(&w);
	CHECK(!stat(path, &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0660);
	if (g && !geteuid())
		CHECK_EQ(st.st_gid, g->gr_gid);
	ask_fd(dial_unix(), "/api/v1/status", "Host: whatever\r\n", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	/* the TCP side goes on to want it */
	ask_with(&w, "GET", "/api/v1/status", "", &a);
	CHECK_EQ(a.status, 401);
	heard(&a);
	ask_fd(dial_unix(), "/debug/pprof/profile?seconds=1", "", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
	CHECK(stat(path, &st) && errno == ENOENT);
}

TEST(unix_socket_alone)
{
	struct answer_got a;
	struct world w;

	make_dir();
	world_parts(&w);
	w.cfg.listen = "";
	w.cfg.unix_socket = path;
	world_start(&w);
	CHECK_EQ(http_port(w.s), 0);
	ask_fd(dial_unix(), "/-/healthy", "", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

TEST(a_left_over_socket_is_replaced)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct answer_got a;
	struct world w;

	make_dir();
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	CHECK(!bind(fd, (struct sockaddr *)&un, sizeof(un)) && !listen(fd, 1));
	close(fd);
	world_parts(&w);
	w.cfg.unix_socket = path;
	world_start(&w);
	ask_fd(dial_unix(), "/-/healthy", "", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

TEST(a_live_socket_is_not)
{
	struct http_config cfg = { .listen = "", .unix_socket = path };
	struct answer_got a;
	struct world w;
	char err[512];

	make_dir();
	world_parts(&w);
	w.cfg.unix_socket = path;
	world_start(&w);
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -EADDRINUSE);
	CHECK(strstr(err, path) && strstr(err, "another ringprofd"));
	/* the first one is still there */
	ask_fd(dial_unix(), "/-/healthy", "", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

TEST(a_file_is_not_removed)
{
	struct http_config cfg = { .listen = "", .unix_socket = path };
	struct stat st;
	char err[512];
	FILE *f;

	make_dir();
	f = fopen(path, "w");
	CHECK(f);
	fclose(f);
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -EEXIST);
	CHECK(!stat(path, &st) && S_ISREG(st.st_mode));
	unlink(path);
}

TEST(a_taken_port_is_named_with_its_owner)
{
	struct http_config cfg = { 0 };
	char address[32], me[32], err[512], owner[96];
	struct world w;

	world_make(&w);
	snprintf(address, sizeof(address), "127.0.0.1:%d", http_port(w.s));
	cfg.listen = address;
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -EADDRINUSE);
	snprintf(me, sizeof(me), "(pid %d)", getpid());
	CHECK(strstr(err, address) && strstr(err, "is taken") && strstr(err, "listen="));
	CHECK(strstr(err, me));
	port_owner((uint16_t)http_port(w.s), owner, sizeof(owner));
	CHECK(strstr(owner, "test_http_liste"));
	world_free(&w);
	port_owner(1, owner, sizeof(owner));
	CHECK_STR(owner, "");
}

TEST(bad_addresses_are_named)
{
	static const struct {
		const char *listen;
		int r;
	} rows[] = {
		{ "4099", -EINVAL },
		{ "localhost", -EINVAL },
		{ "::1:4099", -EINVAL },
		{ "[::1]", -EINVAL },
		{ "127.0.0.1:", -EINVAL },
		{ "127.0.0.1:99999", -EINVAL },
		{ "127.0.0.1:x", -EINVAL },
		{ ":4099", -EINVAL },
		{ "[:4099", -EINVAL },
		{ "[]:4099", -EINVAL },
		{ "192.0.2.1:4099", -EADDRNOTAVAIL },
		{ "no.such.invalid:4099", -EADDRNOTAVAIL },
	};
	struct http_config cfg = { 0 };
	char err[512];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cfg.listen = rows[i].listen;
		CHECK_EQ(fails(&cfg, err, sizeof(err)), rows[i].r);
		CHECK(strstr(err, rows[i].listen));
	}
}

TEST(open_addresses_check_the_host)
{
	struct answer_got a;
	char header[300], name[256];
	struct world w;

	world_parts(&w);
	w.cfg.listen = "0.0.0.0:0";
	w.cfg.token = NULL; /* auth = none */
	w.cfg.allowed_hosts = "prof.example.org";
	world_start(&w);
	ask_with(&w, "GET", "/api/v1/status", "Host: 192.0.2.7:4099\r\n", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	ask_with(&w, "GET", "/api/v1/status", "Host: prof.example.org\r\n", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	CHECK(!gethostname(name, sizeof(name)));
	snprintf(header, sizeof(header), "Host: %s:4099\r\n", name);
	ask_with(&w, "GET", "/api/v1/status", header, &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	ask_with(&w, "GET", "/api/v1/status", "Host: evil.example\r\n", &a);
	CHECK_EQ(a.status, 403);
	heard(&a);
	world_free(&w);
}

TEST(all_addresses_of_both_families)
{
	struct answer_got a;
	struct world w;

	world_parts(&w);
	w.cfg.listen = "[::]:0";
	if (access("/proc/net/tcp6", F_OK)) {
		world_free(&w);
		SKIP("no IPv6 here");
	}
	world_start(&w);
	ask_with(&w, "GET", "/-/healthy", "Host: 127.0.0.1\r\n", &a); /* over IPv4 */
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

TEST(passed_sockets_are_used)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), plain = dup(0);
	struct http_config bad = { .listen_fds = &plain, .n_listen_fds = 1 };
	struct answer_got a;
	struct world w;
	char err[512];

	CHECK(!bind(fd, (struct sockaddr *)&in, sizeof(in)) && !listen(fd, 8));
	CHECK(!getsockname(fd, (struct sockaddr *)&in, &len));
	world_parts(&w);
	w.cfg.listen = "this is not looked at";
	w.cfg.listen_fds = &fd;
	w.cfg.n_listen_fds = 1;
	world_start(&w);
	CHECK_EQ(http_port(w.s), ntohs(in.sin_port));
	ask(&w, "/api/v1/status", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
	/* ours was a copy: theirs still listens */
	CHECK_EQ(close(dial_port(ntohs(in.sin_port))), 0);
	close(fd);
	CHECK_EQ(fails(&bad, err, sizeof(err)), -ENOTSOCK);
	CHECK(strstr(err, "no listening socket"));
	close(plain);
}

static void write_file(const char *name, const void *data, size_t len, char *ret, size_t size)
{
	FILE *f;

	snprintf(ret, size, "%s/%s", dir, name);
	f = fopen(ret, "w");
	CHECK(f && fwrite(data, 1, len, f) == len);
	fclose(f);
}

/* A key and a certificate of its own making. */
static void make_pair(char *cert, char *key, size_t size)
{
	gnutls_x509_privkey_t k;
	gnutls_x509_crt_t c;
	gnutls_datum_t pem;

	gnutls_x509_privkey_init(&k);
	gnutls_x509_crt_init(&c);
	CHECK_EQ(gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
					      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		 0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "1", 1);
	gnutls_x509_crt_set_activation_time(c, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(c, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(c, "CN=localhost", NULL);
	gnutls_x509_crt_set_key(c, k);
	CHECK_EQ(gnutls_x509_crt_sign2(c, c, k, GNUTLS_DIG_SHA256, 0), 0);
	CHECK_EQ(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file("cert.pem", pem.data, pem.size, cert, size);
	gnutls_free(pem.data);
	CHECK_EQ(gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file("key.pem", pem.data, pem.size, key, size);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(k);
}

/* One GET over TLS without looking at the certificate; false: no handshake. */
static bool ask_tls(int fd, const char *priority, const char *url, char *out, size_t len)
{
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	char text[300];
	ssize_t n = -1;
	size_t at = 0;

	gnutls_certificate_allocate_credentials(&cred);
	gnutls_init(&s, GNUTLS_CLIENT);
	gnutls_priority_set_direct(s, priority, NULL);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(s, fd);
	if (!gnutls_handshake(s)) {
		snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n" AUTH "Connection: close\r\n\r\n",
			 url);
		gnutls_record_send(s, text, strlen(text));
		while (at < len - 1 && (n = gnutls_record_recv(s, out + at, len - 1 - at)) > 0)
			at += (size_t)n;
	}
	out[at] = '\0';
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(cred);
	close(fd);
	return at;
}

TEST(tls)
{
	char cert[128], key[128], out[4096];
	struct answer_got a;
	struct world w;

	make_dir();
	make_pair(cert, key, sizeof(cert));
	world_parts(&w);
	w.cfg.tls_cert = cert;
	w.cfg.tls_key = key;
	w.cfg.unix_socket = path;
	world_start(&w);
	CHECK(ask_tls(dial(&w), "NORMAL", "/api/v1/status", out, sizeof(out)));
	CHECK(!strncmp(out, "HTTP/1.1 200 ", 13) && strstr(out, "{\"status\":\"fine\"}"));
	/* suspended and resumed under TLS */
	CHECK(ask_tls(dial(&w), "NORMAL", "/debug/pprof/profile?seconds=1", out, sizeof(out)));
	CHECK(!strncmp(out, "HTTP/1.1 200 ", 13));
	CHECK(ask_tls(dial(&w), "NORMAL", "/api/v1/targets", out, sizeof(out)));
	CHECK(strstr(out, "\"__scheme__\":\"https\""));
	CHECK(!ask_tls(dial(&w), "NORMAL:-VERS-ALL:+VERS-TLS1.1", "/-/healthy", out, sizeof(out)));
	ask(&w, "/-/healthy", &a); /* in plain text */
	CHECK_EQ(a.status, 0);
	/* the Unix socket is not encrypted */
	ask_fd(dial_unix(), "/-/healthy", "", &a);
	CHECK_EQ(a.status, 200);
	heard(&a);
	world_free(&w);
}

TEST(tls_trouble_is_named)
{
	struct http_config cfg = { .listen = "127.0.0.1:0" };
	char cert[128], key[128], junk[128], err[512];

	make_dir();
	make_pair(cert, key, sizeof(cert));
	write_file("junk.pem", "junk", 4, junk, sizeof(junk));
	cfg.tls_cert = cert;
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, "set both"));
	cfg.tls_key = "/no/such/file";
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -ENOENT);
	CHECK(strstr(err, "tls-key /no/such/file: "));
	cfg.tls_key = junk;
	CHECK_EQ(fails(&cfg, err, sizeof(err)), -EINVAL);
	CHECK(strstr(err, cert) && strstr(err, junk) && strstr(err, "PEM"));
}

TEST(traces_are_removed)
{
	static const char *const files[] = { "cert.pem", "key.pem", "junk.pem" };
	char file[160];

	make_dir();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, files[i]);
		unlink(file);
	}
	/* fails if a socket was left behind */
	CHECK_EQ(rmdir(dir), 0);
}

int main(void)
{
	return tap_main();
}
