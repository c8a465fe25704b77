// SPDX-License-Identifier: GPL-2.0
/*
 * Files of holes that claim tables of 2^40 bytes: each costs an attacker
 * nothing, and reading it must not cost much either.
 */
#include "base/clock.h"
#include "test_sym_open.h"

#define HUGE_TABLE (1ULL << 40)
#define SIZE	   (1LL << 42)

static const char names[] = "\0.symtab\0.rela.plt\0.plt.sec\0.dynsym\0.dynstr\0.shstrtab";

static uint32_t name_at(const char *name)
{
	uint32_t at = 1;

	while (strcmp(names + at, name))
		at += (uint32_t)strlen(names + at) + 1;
	return at;
}

/* sh[0] is none, the last one the section names; false: no such file can be here */
static bool write_sparse(const char *file, Elf64_Shdr *sh, uint16_t n)
{
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_machine = EM_X86_64,
			  .e_shoff = sizeof(eh),
			  .e_shentsize = sizeof(*sh),
			  .e_shnum = n,
			  .e_shstrndx = (uint16_t)(n - 1),
			  .e_phentsize = sizeof(Elf64_Phdr) };
	int fd = open(built(file), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool ok;

	sh[n - 1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				  .sh_offset = sizeof(eh) + n * sizeof(*sh),
				  .sh_size = sizeof(names),
				  .sh_name = name_at(".shstrtab") };
	CHECK(fd >= 0);
	CHECK(write(fd, &eh, sizeof(eh)) == sizeof(eh));
	CHECK(write(fd, sh, n * sizeof(*sh)) == (ssize_t)(n * sizeof(*sh)));
	CHECK(write(fd, names, sizeof(names)) == sizeof(names));
	ok = !ftruncate(fd, SIZE);
	close(fd);
	return ok;
}

static void check(const char *file, int (*add)(struct elf_image *, struct symtab_builder *))
{
	struct symtab_builder b = { 0 };
	uint64_t t0 = mono_now();
	struct loaded l;

	open_elf(&l, file);
	CHECK_EQ(add(&l.e, &b), 1);
	CHECK_EQ(b.n, 0);
	close_elf(&l);
	printf("# %llu ms\n", (unsigned long long)((mono_now() - t0) / NSEC_PER_MSEC));
	CHECK(mono_now() - t0 < 20 * NSEC_PER_SEC);
}

TEST(symbols_without_an_end)
{
	Elf64_Shdr sh[4] = { [1] = { .sh_type = SHT_SYMTAB,
				     .sh_name = name_at(".symtab"),
				     .sh_entsize = sizeof(Elf64_Sym),
				     .sh_offset = 4096,
				     .sh_size = HUGE_TABLE,
				     .sh_link = 2 },
			     [2] = { .sh_type = SHT_STRTAB, .sh_offset = 64, .sh_size = 8 } };

	if (!write_sparse("symbols", sh, 4))
		SKIP("no file system for sparse files here");
	check("symbols", elf_add_symtab);
}

TEST(calls_of_libraries_without_an_end)
{
	Elf64_Shdr sh[6] = { [1] = { .sh_type = SHT_RELA,
				     .sh_name = name_at(".rela.plt"),
				     .sh_entsize = sizeof(Elf64_Rela),
				     .sh_offset = 4096,
				     .sh_size = HUGE_TABLE,
				     .sh_link = 3 },
			     [2] = { .sh_type = SHT_PROGBITS,
				     .sh_name = name_at(".plt.sec"),
				     .sh_addr = 4096,
				     .sh_offset = 4096,
				     .sh_size = HUGE_TABLE },
			     [3] = { .sh_type = SHT_DYNSYM,
				     .sh_name = name_at(".dynsym"),
				     .sh_entsize = sizeof(Elf64_Sym),
				     .sh_offset = 4096,
				     .sh_size = 10 * sizeof(Elf64_Sym),
				     .sh_link = 4 },
			     [4] = { .sh_type = SHT_STRTAB,
				     .sh_name = name_at(".dynstr"),
				     .sh_offset = 4096,
				     .sh_size = 8 } };

	if (!write_sparse("calls", sh, 6))
		SKIP("no file system for sparse files here");
	check("calls", elf_add_plt);
}

int main(void)
{
	build_init();
	return tap_main();
}
