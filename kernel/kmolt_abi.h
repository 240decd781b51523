/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kmolt tool and the kmolt core agree on: the descriptor that an
 * update module carries.  docs/abi.md describes it in prose; io.kmolt.link's
 * UpdateDescriptor writes it.  Any change of layout or meaning raises
 * KMOLT_ABI.
 */
#ifndef KMOLT_ABI_H
#define KMOLT_ABI_H

#include <linux/types.h>

#define KMOLT_MAGIC	0x0a746c6f6d6bULL	/* "kmolt\n", little endian */
#define KMOLT_ABI	1

#define KMOLT_NAME_LEN		64
#define KMOLT_BUILD_ID_LEN	20
#define KMOLT_TEXT_LEN		64

/* The slot is written only where it still holds what the base's file says. */
#define KMOLT_SLOT_OPTIONAL	1ULL

/* The edition's code or strings can be reached from the heap: never free it. */
#define KMOLT_UPDATE_STICKY	1ULL

/**
 * struct kmolt_slot - one word of the base that names code or constants
 * @address: where it is; 8-byte aligned, inside the base
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
 * struct kmolt_redirect - a function of the base whose callers go elsewhere
 * @site: address of the function's ftrace site, inside the base
 * @target: the function that answers instead, inside the edition
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
 * @base_percpu: the base's per-CPU area, 0 where the tool did not need it
 * @base_note: address of the 20 bytes of the base's build-id
 * @base_build_id: what these must be
 * @build_id: build-id of the build that the edition was linked from
 * @version: its MODULE_VERSION, or ""
 * @srcversion: its srcversion, or ""
 * @exit: the edition's module_exit, 0 if it has none
 * @exit_stub: what goes into the base's struct module as its exit
 * @slots: address of @n_slots struct kmolt_slot, sorted by address
 * @n_slots: how many
 * @redirects: address of @n_redirects struct kmolt_redirect, sorted by site
 * @n_redirects: how many
 * @commit_ranges: code that must be empty of tasks to commit, sorted
 * @n_commit_ranges: how many
 * @revert_ranges: code that must be empty of tasks to revert, sorted
 * @n_revert_ranges: how many
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
	u64 base_percpu;
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
	u64 commit_ranges;
	u64 n_commit_ranges;
	u64 revert_ranges;
	u64 n_revert_ranges;
};

#endif
