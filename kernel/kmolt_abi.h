/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kmolt tool and the kmolt core agree on: the descriptors that update
 * modules carry.  docs/abi.md describes them in prose; io.kmolt.link writes
 * struct kmolt_update, io.kmolt.edition the others.  Any change of layout or
 * meaning raises KMOLT_ABI.
 */
#ifndef KMOLT_ABI_H
#define KMOLT_ABI_H

#include <linux/types.h>

#define KMOLT_MAGIC	0x0a746c6f6d6bULL	/* "kmolt\n", little endian */
#define KMOLT_MAGIC_EDITIONS	0x0a45746c6f6d6bULL	/* "kmoltE\n" */
#define KMOLT_MAGIC_ROUTES	0x0a52746c6f6d6bULL	/* "kmoltR\n" */
#define KMOLT_ABI	5

#define KMOLT_NAME_LEN		64
#define KMOLT_BUILD_ID_LEN	20
#define KMOLT_TEXT_LEN		64
#define KMOLT_LABEL_LEN		128
#define KMOLT_ROUTE_LEN		256

/* The slot is written only where it still holds what the base's file says. */
#define KMOLT_SLOT_OPTIONAL	1ULL

/*
 * The slot is the jump of a pad, "endbr64; jmp", in this update or in one of
 * the same base that stays: 5 bytes e9 rel32 and three of int3, aligned to 8;
 * @base and @value are where it leads.
 */
#define KMOLT_SLOT_JUMP		2ULL
#define KMOLT_SLOT_FLAGS	(KMOLT_SLOT_OPTIONAL | KMOLT_SLOT_JUMP)

/* The edition's code or strings can be reached from the heap: never free it. */
#define KMOLT_UPDATE_STICKY	1ULL
#define KMOLT_UPDATE_FLAGS	KMOLT_UPDATE_STICKY

/**
 * struct kmolt_slot - one word of the base that names code or constants, or a
 *	pad
 * @address: where it is; 8-byte aligned, inside the base's data or a pad
 * @base: what it holds while the base itself answers
 * @value: what it holds while this edition answers
 * @flags: KMOLT_SLOT_*
 */
struct kmolt_slot {
	u64 address;
	u64 base;
	u64 value;
	u64 flags;
};

/**
 * struct kmolt_redirect - a function whose callers go elsewhere
 * @site: address of the function's ftrace site
 * @target: the function that answers instead
 */
struct kmolt_redirect {
	u64 site;
	u64 target;
};

/**
 * struct kmolt_range - code in which no task may be
 * @start: first byte
 * @end: the byte after the last one
 */
struct kmolt_range {
	u64 start;
	u64 end;
};

/* The edition uses what this build brought to the kernel: variables, tables. */
#define KMOLT_WAY_USED		1ULL
#define KMOLT_WAY_FLAGS		KMOLT_WAY_USED

/**
 * struct kmolt_way - the way back to a build that an update was linked on
 * @name: of the edition, "" for the base
 * @flags: KMOLT_WAY_*
 * @home: address of @n_home struct kmolt_redirect, sorted by site: from the
 *	update to that build, for when it answers and the update is still loaded
 * @n_home: how many
 * @ranges: code that must be empty of tasks to go back there, sorted
 * @n_ranges: how many
 */
struct kmolt_way {
	char name[KMOLT_NAME_LEN];
	u64 flags;
	u64 home;
	u64 n_home;
	u64 ranges;
	u64 n_ranges;
};

/**
 * struct kmolt_update - the change set of one update module
 * @magic: KMOLT_MAGIC
 * @abi: KMOLT_ABI
 * @size: sizeof(struct kmolt_update)
 * @flags: KMOLT_UPDATE_*
 * @boot_id: /proc/sys/kernel/random/boot_id of the boot it was linked for
 * @base: name of the module that it updates
 * @from: name of the edition that answered when it was linked, "" for the base
 * @base_address: the base's address as in /proc/modules
 * @base_size: the base's size as in /proc/modules
 * @base_load: which load of the base it is: the inode number of its folder in
 *	/sys/module, which no other load has in the same boot
 * @base_note: address of the 20 bytes of the base's build-id
 * @base_build_id: what these must be
 * @build_id: build-id of the build that the edition was linked from
 * @version: its MODULE_VERSION, or ""
 * @srcversion: its srcversion, or ""
 * @exit: the edition's module_exit, 0 if it has none
 * @exit_stub: what goes into the base's struct module as its exit
 * @slots: address of @n_slots struct kmolt_slot: words of the base, then pads of
 *	other updates, then its own pads, each of the three sorted by address
 * @n_slots: how many
 * @redirects: address of @n_redirects struct kmolt_redirect, sorted by site:
 *	from the base, and from the editions that it was linked on, to this one
 * @n_redirects: how many
 * @ways: address of @n_ways struct kmolt_way: to each build that it was linked
 *	on, the base first, @from last.  The one in use leads to the last of
 *	them that was not dropped
 * @n_ways: how many
 * @commit_ranges: code that must be empty of tasks to commit, sorted
 * @n_commit_ranges: how many
 * @prepare: the new build's prepare hook, int (*)(void); 0 if it has none
 * @unprepare: what takes @prepare back, void (*)(void); 0 if it has none
 * @reckoned: address of @n_reckoned u64: which loads of other updates it was
 *	linked with an eye to, numbered as @base_load.  Those of their functions
 *	that must be empty are in @commit_ranges
 * @n_reckoned: how many
 */
struct kmolt_update {
	u64 magic;
	u32 abi;
	u32 size;
	u64 flags;
	char boot_id[KMOLT_NAME_LEN];
	char base[KMOLT_NAME_LEN];
	char from[KMOLT_NAME_LEN];
	u64 base_address;
	u64 base_size;
	u64 base_load;
	u64 base_note;
	u8 base_build_id[KMOLT_BUILD_ID_LEN];
	u8 build_id[KMOLT_BUILD_ID_LEN];
	char version[KMOLT_TEXT_LEN];
	char srcversion[KMOLT_TEXT_LEN];
	u64 exit;
	u64 exit_stub;
	u64 slots;
	u64 n_slots;
	u64 redirects;
	u64 n_redirects;
	u64 ways;
	u64 n_ways;
	u64 commit_ranges;
	u64 n_commit_ranges;
	u64 prepare;
	u64 unprepare;
	u64 reckoned;
	u64 n_reckoned;
};

/**
 * struct kmolt_code - one edition of a function
 * @address: where it begins, in the update module
 * @number: what a route calls it, 1 to 255
 */
struct kmolt_code {
	u64 address;
	u64 number;
};

/**
 * struct kmolt_function - a function of the kernel that has editions
 * @address: where it begins
 * @object_address: its module's address as in /proc/modules, 0 for vmlinux
 * @object_load: its module's, as &kmolt_update.base_load, 0 for vmlinux
 * @label: what people call it, unique within the update: NAME, MODULE:NAME or
 *	either with ",N" for the Nth of that name
 * @object: its module's name, "" for vmlinux
 * @marker: address of a u64 in the update module.  While it is 0, calls of the
 *	original from editions go to the function's body; else to its entry,
 *	with @marker in r10, by which the dispatcher knows them
 * @editions: address of @n_editions struct kmolt_code, sorted by number
 * @n_editions: how many
 */
struct kmolt_function {
	u64 address;
	u64 object_address;
	u64 object_load;
	char label[KMOLT_LABEL_LEN];
	char object[KMOLT_NAME_LEN];
	u64 marker;
	u64 editions;
	u64 n_editions;
};

/**
 * struct kmolt_editions - what an update module with editions brings
 * @magic: KMOLT_MAGIC_EDITIONS
 * @abi: KMOLT_ABI
 * @size: sizeof(struct kmolt_editions)
 * @boot_id: /proc/sys/kernel/random/boot_id of the boot it was linked for
 * @name: what people call the update
 * @functions: address of @n_functions struct kmolt_function
 * @n_functions: how many
 */
struct kmolt_editions {
	u64 magic;
	u32 abi;
	u32 size;
	char boot_id[KMOLT_NAME_LEN];
	char name[KMOLT_NAME_LEN];
	u64 functions;
	u64 n_functions;
};

/* All calls go to the original: the function needs no dispatcher. */
#define KMOLT_ROUTE_NONE	1ULL

/**
 * struct kmolt_route - the dispatcher of one function
 * @function: address of the function
 * @flags: KMOLT_ROUTE_*
 * @entry: the dispatcher; ends in a return to stay with the original, or takes
 *	the return address off the stack and jumps to an edition
 * @shared: the same where another user of ftrace has changed where the return
 *	leads: before @entry's code, returns if r10 is the function's marker
 * @first: goes to @entry if @go is not 0, else to the @entry of the routes
 *	that were in force before, or returns if the function had none
 * @first_shared: the same after the check that @shared makes
 * @text: the route as it was typed
 */
struct kmolt_route {
	u64 function;
	u64 flags;
	u64 entry;
	u64 shared;
	u64 first;
	u64 first_shared;
	char text[KMOLT_ROUTE_LEN];
};

/**
 * struct kmolt_routes - the dispatchers of all functions of one update
 * @magic: KMOLT_MAGIC_ROUTES
 * @abi: KMOLT_ABI
 * @size: sizeof(struct kmolt_routes)
 * @boot_id: /proc/sys/kernel/random/boot_id of the boot they were made for
 * @editions: name of the update whose editions they lead to
 * @from: name of the module with the routes that were in force, "" for none
 * @go: address of a u32, 0 when loaded, that all @first entries read
 * @routes: address of @n_routes struct kmolt_route, in the order of the
 *	update's functions
 * @n_routes: how many: as many as the update has functions
 */
struct kmolt_routes {
	u64 magic;
	u32 abi;
	u32 size;
	char boot_id[KMOLT_NAME_LEN];
	char editions[KMOLT_NAME_LEN];
	char from[KMOLT_NAME_LEN];
	u64 go;
	u64 routes;
	u64 n_routes;
};

#define KMOLT_RECORD_MAGIC	0x0a5a746c6f6d6bULL	/* "kmoltZ\n" */
#define KMOLT_RECORD_VERSION	1
#define KMOLT_RECORD_ENTRIES	63

/**
 * struct kmolt_record_entry - one change, as the record in memory keeps it
 * @number: 1 for the first one since the core was loaded, and so on; 0 if
 *	there is none, or it was being written
 * @seconds: when: since 1970, UTC
 * @pause_ns: how long all CPUs stood still
 * @pid: process that held /dev/kmolt, or that unloads the base
 * @uid: user
 * @verb: staged, committed, reverted, dropped, discarded or unloaded
 * @comm: name of the process
 * @module: the base
 * @edition: with what
 * @answers: who answers since then: an edition, "base", or "none" for a base
 *	that was unloaded
 * @build_id: of @edition
 */
struct kmolt_record_entry {
	u64 number;
	u64 seconds;
	u64 pause_ns;
	u32 pid;
	u32 uid;
	char verb[16];
	char comm[16];
	char module[56];
	char edition[56];
	char answers[56];
	u8 build_id[KMOLT_BUILD_ID_LEN];
	u8 reserved[4];
};

/**
 * struct kmolt_record - the last changes, for who reads a memory dump
 * @magic: KMOLT_RECORD_MAGIC
 * @magic_inverse: its bits inverted
 * @version: KMOLT_RECORD_VERSION
 * @header_size: bytes before @entries
 * @entry_size: of each of @entries
 * @n_entries: how many there is room for
 * @count: how many changes there were; number N is at (N - 1) % @n_entries
 * @address: where this is, in the kernel's address space
 * @boot_id: of the boot
 * @release: of the kernel
 * @entries: a ring
 *
 * Aligned to a page.
 */
struct kmolt_record {
	u64 magic;
	u64 magic_inverse;
	u32 version;
	u32 header_size;
	u32 entry_size;
	u32 n_entries;
	u64 count;
	u64 address;
	char boot_id[KMOLT_NAME_LEN];
	char release[64];
	u8 reserved[80];
	struct kmolt_record_entry entries[KMOLT_RECORD_ENTRIES];
};

#endif
