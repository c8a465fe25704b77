// SPDX-License-Identifier: GPL-2.0
/*
 * Names where tables do not say them as they are needed: of a program's entry
 * point, of what signal handlers of Go return to.
 */
#include <stdio.h>
#include <string.h>

#include "test_sym_open.h"
#include "test_sym_world.h"

/* Entry of `file` by what is known of it without .symtab; its distance from the entry point. */
static const char *entry_name(const char *file, unsigned int at_byte)
{
	static char name[64];
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	open_elf(&l, file);
	CHECK(elf_add_dynsym(&l.e, &b) >= 0);
	CHECK(elf_add_entry(&l.e, &b) >= 0);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	snprintf(name, sizeof(name), "%s", at(&t, l.e.eh.e_entry + at_byte));
	symtab_free(&t);
	close_elf(&l);
	return name;
}

TEST(the_entry_point_of_a_stripped_program_is_start)
{
	build_init();
	write_text("p.c", "int main(void) { return 0; }\n");
	write_text("run.c", "void own_entry(void) { __builtin_trap(); }\n"
			    "const char in[] __attribute__((section(\".interp\"))) = "
			    "\"/lib64/ld-linux-x86-64.so.2\";\n");
	CHECK(!sh("cc -shared -fPIC -Wl,-e,own_entry -o run.so run.c && strip run.so && "
		  "cc -o plain p.c && strip plain && "
		  "cc -no-pie -rdynamic -Wl,-e,main -o fixed p.c && strip fixed && "
		  "cc -static-pie -o spie p.c && strip spie"));
	CHECK_STR(entry_name("plain", 0), "_start");
	CHECK_STR(entry_name("plain", 33), "_start"); /* returned to by __libc_start_main */
	CHECK_STR(entry_name("plain", 48), "-");
	CHECK_STR(entry_name("spie", 33), "_start");
	/* what the file says itself comes first */
	CHECK_STR(entry_name("fixed", 0), "main");
	/* a library that can be run */
	CHECK_STR(entry_name("run.so", 0), "own_entry");
	CHECK(!sh("cc -shared -fPIC -fvisibility=hidden -Wl,-e,own_entry -o hid.so run.c && "
		  "strip hid.so"));
	CHECK_STR(entry_name("hid.so", 0), "-");
}

/* Start code by hand, a few bytes long, with labels that have neither type nor size. */
TEST(labels_of_the_file_come_before_a_guess)
{
	struct symtab_builder b = { 0 };
	struct loaded l;
	struct symtab t;

	write_text("hand.s", ".globl __own_begin\n__own_begin: call work\nhlt\n"
			     "work: nop\nret\n");
	CHECK(!sh("cc -nostdlib -static -Wl,-e,__own_begin -o hand hand.s"));
	open_elf(&l, "hand");
	CHECK_EQ(elf_add_symtab(&l.e, &b), 1);
	CHECK_EQ(elf_add_entry(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	CHECK_STR(at(&t, nm("hand", "__own_begin")), "__own_begin");
	CHECK_STR(at(&t, nm("hand", "work")), "work");
	CHECK_STR(at(&t, nm("hand", "work") + 1), "work");
	symtab_free(&t);
	close_elf(&l);
}

/* Not stripped: Go writes a .symtab as well. */
TEST(the_byte_before_a_go_signals_return_is_its_own)
{
	struct symtab_builder b = { 0 };
	uint64_t addr;
	struct loaded l;
	struct symtab t;

	write_text("go.c", "int before(int x) { return x * 3; }\nvoid ret(void) "
			   "__asm__(\"runtime.sigreturn\");\n"
			   "void ret(void) {}\n");
	CHECK_EQ(sh("cc -shared -fPIC -O1 -falign-functions=1 -o go.so go.c"), 0);
	open_elf(&l, "go.so");
	CHECK_EQ(elf_add_symtab(&l.e, &b), 1);
	CHECK_EQ(symtab_finish(&b, &t), 0);
	addr = nm("go.so", "runtime.sigreturn");
	CHECK_STR(at(&t, addr), "runtime.sigreturn");
	CHECK_STR(at(&t, addr - 1), "runtime.sigreturn");
	CHECK_STR(at(&t, addr - 2), "before");
	symtab_free(&t);
	close_elf(&l);
}

int main(void)
{
	return tap_main();
}
