// SPDX-License-Identifier: GPL-2.0
/*
 * The ELF reader on files made by the compiler: what it must find, and what
 * it must survive when they are cut short or their bytes are changed.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/debugfile.h"
#include "sym/elf_image.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_open.h"
#include "test_sym_world.h"

static const char source[] = "#include <stdlib.h>\n"
			     "static __attribute__((noinline)) int hidden(int x) { return x * 3; "
			     "}\n"
			     "__attribute__((noinline)) int shown(int x) { return hidden(x) + 1; "
			     "}\n"
			     "int weakly(int x) __attribute__((weak, alias(\"shown\")));\n"
			     "int data = 5;\n"
			     "int main(int c, char **v) { return shown(c) + abs(c) + rand(); }\n";

static void make(void)
{
	static int made;

	if (made)
		return;
	made = 1;
	write_text("p.c", source);
	if (sh("cc -O1 -fno-builtin -fcf-protection=full -Wl,--build-id=sha1 -rdynamic -o p p.c && "
	       "cc -O1 -fno-builtin -fcf-protection=none -Wl,--build-id=none -o noid p.c && "
	       "cp p bare && strip bare && "
	       "objcopy --only-keep-debug p p.dbg && "
	       "objcopy --only-keep-debug noid noid.dbg && "
	       "cp noid linked && strip linked && objcopy --add-gnu-debuglink=noid.dbg linked && "
	       /* mini debug info: the symbols that .dynsym lacks, as distributions make it */
	       "cp bare mini && objcopy -S --keep-symbol=hidden p keep && cp p.dbg mini.dbg && "
	       "objcopy --keep-symbol=hidden --strip-all --remove-section=.comment mini.dbg "
	       "mini.min && "
	       "xz -k mini.min && objcopy --add-section .gnu_debugdata=mini.min.xz mini"))
		abort();
}

TEST(symtab_has_the_functions_and_nothing_else)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	make();
	open_elf(&l, "p");
	CHECK_EQ(elf_add_symtab(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("p", "hidden")), "hidden");
	CHECK_STR(at(&t, nm("p", "hidden") + 1), "hidden");
	CHECK_STR(at(&t, nm("p", "shown")), "shown");
	CHECK_STR(at(&t, nm("p", "main")), "main");
	CHECK_STR(at(&t, nm("p", "_start")), "_start");
	CHECK_STR(at(&t, nm("p", "data")), "-");
	symtab_free(&t);
	close_elf(&l);
}

TEST(dynsym_and_plt_of_a_stripped_file)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;
	int plt = 0;

	make();
	open_elf(&l, "bare");
	CHECK_EQ(elf_add_symtab(&l.e, &b), 0);
	CHECK_EQ(elf_add_dynsym(&l.e, &b), 1);
	CHECK_EQ(elf_add_plt(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("p", "shown")), "shown");
	CHECK(strcmp(at(&t, nm("p", "hidden")), "hidden"));
	for (size_t i = 0; i < t.n; i++)
		plt += !strcmp(symtab_name(&t, &t.syms[i]), "rand@plt") ||
		       !strcmp(symtab_name(&t, &t.syms[i]), "abs@plt");
	CHECK_EQ(plt, 2);
	symtab_free(&t);
	close_elf(&l);
}

/* objdump knows the slots too: its answer is the truth here. */
static uint64_t objdump_slot(const char *file, const char *name)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "objdump -d '%s' | grep '<%s>:'", built(file), name);
	return address_from(cmd);
}

static void check_plt(const char *file)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	open_elf(&l, file);
	CHECK_EQ(elf_add_plt(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK(objdump_slot(file, "rand@plt"));
	CHECK_STR(at(&t, objdump_slot(file, "rand@plt")), "rand@plt");
	CHECK_STR(at(&t, objdump_slot(file, "abs@plt") + 15), "abs@plt");
	symtab_free(&t);
	close_elf(&l);
}

/* Every slot has the name that objdump gives it, "*ABS*+0x...@plt" (an IFUNC's) none. */
static void check_all_slots(const char *file, int min_ifuncs)
{
	struct symtab_builder b = { 0 };
	char cmd[512], line[512], name[256];
	int slots = 0, ifuncs = 0;
	unsigned long long addr;
	struct loaded l;
	struct symtab t;
	FILE *p;

	open_elf(&l, file);
	CHECK_EQ(elf_add_plt(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	snprintf(cmd, sizeof(cmd), "objdump -d -j .plt -j .plt.sec '%s' 2>/dev/null", built(file));
	p = popen(cmd, "r");
	while (p && fgets(line, sizeof(line), p)) {
		if (sscanf(line, "%llx <%255[^>]>:", &addr, name) != 2 || !strstr(name, "@plt") ||
		    strstr(name, "@plt-"))
			continue;
		slots++;
		ifuncs += name[0] == '*';
		CHECK_STR(at(&t, addr), name[0] == '*' ? "-" : name);
	}
	CHECK(p && !pclose(p));
	CHECK(slots > ifuncs && ifuncs >= min_ifuncs);
	symtab_free(&t);
	close_elf(&l);
}

TEST(plt_slots_are_where_objdump_sees_them)
{
	make();
	check_plt("p");	   /* .plt.sec */
	check_plt("noid"); /* .plt */
	write_text("ifunc.c", "#include <stdlib.h>\n"
			      "static int one(int x) { return x; }\n"
			      "static int (*choose(void))(int) { return one; }\n"
			      "int picked(int x) __attribute__((ifunc(\"choose\"), "
			      "visibility(\"hidden\")));\n"
			      "int main(int n, char **v)\n"
			      "{ return rand() + picked(n) + atoi(v[0]) + (int)random(); }\n");
	CHECK_EQ(sh("cc -O1 -fcf-protection=none -Wl,-z,lazy -o ifunc ifunc.c && "
		    "cc -O1 -fcf-protection=full -Wl,-z,lazy,-z,ibtplt -o ifunc-ibt ifunc.c && "
		    "cp \"$(cc -print-file-name=libc.so.6)\" libc"),
		 0);
	check_all_slots("ifunc", 1);
	check_all_slots("ifunc-ibt", 1);
	check_all_slots("libc", 0);
}

TEST(build_id_is_what_readelf_says)
{
	uint8_t id[ELF_MAX_BUILD_ID];
	char hex[128] = "", cmd[512], line[256] = "";
	struct loaded l;
	size_t n;
	FILE *p;

	make();
	open_elf(&l, "p");
	n = elf_build_id(&l.e, id);
	CHECK_EQ(n, 20);
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", id[i]);
	snprintf(cmd, sizeof(cmd), "readelf -n '%s' | sed -n 's/.*Build ID: //p'", built("p"));
	p = popen(cmd, "r");
	CHECK(p && fgets(line, sizeof(line), p));
	pclose(p);
	line[strcspn(line, "\n")] = '\0';
	CHECK_STR(hex, line);
	close_elf(&l);
	open_elf(&l, "p.dbg");
	CHECK_EQ(elf_build_id(&l.e, id), 20);
	close_elf(&l);
	open_elf(&l, "noid");
	CHECK_EQ(elf_build_id(&l.e, id), 0);
	close_elf(&l);
}

TEST(short_build_ids_name_nothing)
{
	uint8_t id[ELF_MAX_BUILD_ID];
	struct loaded l;

	make();
	CHECK_EQ(sh("cc -O1 -Wl,--build-id=0x0102 -o shortid p.c"), 0);
	open_elf(&l, "shortid");
	CHECK_EQ(elf_build_id(&l.e, id), 0);
	close_elf(&l);
}

/* As table_read does it: 1 there is a debug file, whose .symtab is added. */
static int add_debug_symtab(struct elf_image *main, const char *path, pid_t pid, const char *dirs,
			    struct symtab_builder *b)
{
	struct debugfile_of of = { .path = path, .pid = pid, .dirs = dirs };
	struct debugfile f;
	struct elf_image e;
	int r = file_owner_get(main->fd, &of.owner);

	if (!r)
		r = debugfile_find(main, &of, ".symtab", &f);
	if (r)
		return r == -ENOENT ? 0 : r;
	r = elf_open_fd(&e, f.fd, f.size);
	if (!r) {
		r = elf_add_symtab(&e, b);
		elf_close(&e);
	}
	close(f.fd);
	return r;
}

TEST(debug_file_by_build_id)
{
	struct symtab_builder b = { 0 };
	uint8_t id[ELF_MAX_BUILD_ID];
	char dir[128], rest[64] = "";
	struct loaded l;
	struct symtab t;

	make();
	open_elf(&l, "bare");
	CHECK_EQ(add_debug_symtab(&l.e, built("bare"), 0, built("debug"), &b), 0);
	CHECK_EQ(elf_build_id(&l.e, id), 20);
	for (size_t i = 1; i < 20; i++)
		sprintf(rest + 2 * (i - 1), "%02x", id[i]);
	snprintf(dir, sizeof(dir), "debug/.build-id/%02x", id[0]);
	/* a file of that name with another build-id is not taken */
	CHECK_EQ(sh("mkdir -p %s && cc -O2 -Wl,--build-id=sha1 -o %s/%s.debug p.c", dir, dir, rest),
		 0);
	CHECK_EQ(add_debug_symtab(&l.e, built("bare"), 0, built("debug"), &b), 0);
	CHECK_EQ(sh("cp p.dbg %s/%s.debug", dir, rest), 0);
	CHECK_EQ(add_debug_symtab(&l.e, built("bare"), getpid(), built("debug"), &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("p", "hidden")), "hidden");
	symtab_free(&t);
	close_elf(&l);
}

TEST(debug_file_by_link_and_crc)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;
	uint32_t crc;
	char name[256];

	make();
	open_elf(&l, "linked");
	CHECK(elf_debuglink(&l.e, name, sizeof(name), &crc));
	CHECK_STR(name, "noid.dbg");
	CHECK_EQ(add_debug_symtab(&l.e, built("linked"), 0, "/nonexistent", &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("noid", "hidden")), "hidden");
	symtab_free(&t);
	/* in .debug, and then changed by one byte */
	CHECK_EQ(sh("mkdir -p .debug && mv noid.dbg .debug"), 0);
	CHECK_EQ(add_debug_symtab(&l.e, built("linked"), 0, "/nonexistent", &b), 1);
	symtab_builder_free(&b);
	CHECK_EQ(sh("echo >> .debug/noid.dbg"), 0);
	CHECK_EQ(add_debug_symtab(&l.e, built("linked"), 0, "/nonexistent", &b), 0);
	CHECK_EQ(b.n, 0);
	close_elf(&l);
}

TEST(mini_debug_info)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	make();
	open_elf(&l, "mini");
	CHECK_EQ(elf_add_symtab(&l.e, &b), 0);
	CHECK_EQ(elf_add_debugdata(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("p", "hidden")), "hidden");
	symtab_free(&t);
	close_elf(&l);
}

TEST(xz_bombs_are_cut_off)
{
	struct symtab_builder b = { 0 };
	struct loaded l;

	make();
	CHECK_EQ(sh("head -c 80000000 /dev/zero | xz -1 > bomb.xz && cp bare bomb && "
		    "objcopy --add-section .gnu_debugdata=bomb.xz bomb"),
		 0);
	open_elf(&l, "bomb");
	CHECK_EQ(elf_add_debugdata(&l.e, &b), -EINVAL);
	close_elf(&l);
}

TEST(a_32_bit_file_reads_the_same)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	write_text("s.s", ".text\n.globl shown\n.type shown,@function\nshown: nop\nnop\n"
			  ".size shown, 2\n.globl last\nlast: nop\n");
	CHECK_EQ(sh("as --32 -o s.o s.s && ld -m elf_i386 --build-id=sha1 -e shown -o s32 s.o"), 0);
	open_elf(&l, "s32");
	CHECK(!l.e.is64);
	CHECK_EQ(elf_add_symtab(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("s32", "shown") + 1), "shown");
	CHECK_STR(at(&t, nm("s32", "last")), "last");
	symtab_free(&t);
	close_elf(&l);
}

/* Everything that is asked of a file, on bytes as they are; the answers may be any. */
static void exercise(const void *p, size_t len)
{
	struct symtab_builder b = { 0 };
	uint8_t id[ELF_MAX_BUILD_ID];
	struct elf_image e;
	struct symtab t;
	char name[256];
	uint32_t crc;

	if (elf_open_mem(&e, p, len))
		return;
	elf_build_id(&e, id);
	elf_debuglink(&e, name, sizeof(name), &crc);
	elf_add_symtab(&e, &b);
	elf_add_dynsym(&e, &b);
	elf_add_plt(&e, &b);
	elf_add_debugdata(&e, &b);
	elf_close(&e);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	for (uint64_t a = 0; a < 0x5000; a += 0x333)
		symtab_find(&t, a);
	symtab_free(&t);
}

static void cut_everywhere(const char *name)
{
	size_t len;
	char *whole = slurp(name, &len);

	for (size_t n = 0; n < len; n += 64) {
		char *p = malloc(n ? n : 1); /* exact: ASan sees a read behind it */

		memcpy(p, whole, n);
		exercise(p, n);
		free(p);
	}
	free(whole);
}

TEST(files_cut_at_every_64_bytes)
{
	make();
	cut_everywhere("p");
	cut_everywhere("mini");
	cut_everywhere("linked");
}

/* Changes each byte of a range to a few others. */
static void flip_range(char *p, size_t len, size_t from, size_t to)
{
	static const unsigned char with[] = { 0x01, 0x80, 0xff, 0x7f };

	for (size_t i = from; i < to && i < len; i++) {
		for (size_t k = 0; k < sizeof(with); k++) {
			char was = p[i];

			p[i] = (char)((unsigned char)p[i] ^ with[k]);
			exercise(p, len);
			p[i] = was;
		}
	}
}

static void flip_headers(const char *name)
{
	struct elf_image e;
	size_t len;
	char *p = slurp(name, &len);

	CHECK_EQ(elf_open_mem(&e, p, len), 0);
	flip_range(p, len, 0, sizeof(Elf64_Ehdr));
	flip_range(p, len, e.eh.e_phoff, e.eh.e_phoff + e.n_ph * sizeof(Elf64_Phdr));
	flip_range(p, len, e.eh.e_shoff, e.eh.e_shoff + e.eh.e_shnum * sizeof(Elf64_Shdr));
	elf_close(&e);
	free(p);
}

TEST(every_byte_of_the_headers_changed)
{
	make();
	flip_headers("bare");
	flip_headers("mini");
}

TEST(random_bytes_changed_anywhere)
{
	size_t len;
	char *p;

	make();
	p = slurp("p", &len);
	srand(7);
	for (int i = 0; i < 2000; i++) {
		size_t where = (size_t)rand() % len;
		char was = p[where];

		p[where] = (char)rand();
		exercise(p, len);
		if (i % 16)
			p[where] = was; /* some stay: damage adds up */
	}
	free(p);
}

/* Every symbol's name would be the rest of a string table without an end. */
TEST(names_without_an_end_cost_no_more_than_their_limit)
{
	const size_t n = 100000, text = 0x1000, len = 16 << 20;
	const size_t at_syms = 4096, at_str = at_syms + n * sizeof(Elf64_Sym);
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_shoff = sizeof(eh),
			  .e_shentsize = sizeof(Elf64_Shdr),
			  .e_shnum = 4 };
	Elf64_Shdr sh[4] = { [1] = { .sh_type = SHT_SYMTAB,
				     .sh_entsize = sizeof(Elf64_Sym),
				     .sh_offset = at_syms,
				     .sh_size = n * sizeof(Elf64_Sym),
				     .sh_link = 2 },
			     [2] = { .sh_type = SHT_STRTAB, .sh_offset = at_str, .sh_size = len },
			     [3] = { .sh_type = SHT_PROGBITS,
				     .sh_flags = SHF_EXECINSTR,
				     .sh_addr = text,
				     .sh_size = n } };
	struct symtab_builder b = { .max_names = 32 << 20 };
	char *p = calloc(1, at_str + len);
	uint64_t t0 = mono_now();
	struct elf_image e;
	struct symtab t;

	memcpy(p, &eh, sizeof(eh));
	memcpy(p + sizeof(eh), sh, sizeof(sh));
	memset(p + at_str, 'a', len);
	for (size_t i = 0; i < n; i++)
		((Elf64_Sym *)(p + at_syms))[i] = (Elf64_Sym){ .st_name = (uint32_t)i,
							       .st_info = STT_FUNC,
							       .st_shndx = 3,
							       .st_value = text + i };
	CHECK_EQ(elf_open_mem(&e, p, at_str + len), 0);
	CHECK_EQ(elf_add_symtab(&e, &b), 1);
	elf_close(&e);
	free(p);
	CHECK(b.dropped > 0 && b.names_len <= 32 << 20);
	CHECK_EQ(b.n, (32 << 20) / SYM_NAME_MAX);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	symtab_free(&t);
	CHECK(mono_now() - t0 < 10 * NSEC_PER_SEC);
}

int main(void)
{
	build_init();
	return tap_main();
}
