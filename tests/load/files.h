/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One process's directory in the tested file system, and the model of what must be in
 * it. All operations keep both in step; where an operation fails that must not fail,
 * the file is given up, so that one fault is counted once.
 */
#ifndef KMOLT_LOAD_FILES_H
#define KMOLT_LOAD_FILES_H

#include <sys/types.h>

#include "load.h"

#define MAX_FILES	40
#define MAX_DIRS	8
#define MAX_NAMES	96
#define MAX_NAME_LENGTH	60
#define PATH_SIZE	640	/* MAX_DIRS names and one more */
#define PAGE		4096

struct file {
	bool used;
	int fd;			/* kept open, or -1 */
	int links;
	mode_t mode;
	size_t size;
	size_t room;		/* bytes allocated for data */
	unsigned char *data;	/* what must be in the file */
	int xattr_length;	/* 0: has none */
	unsigned char xattr[48];
};

enum kind { FREE, A_FILE, A_DIR, A_LINK };

struct name {
	enum kind kind;
	int dir;		/* in which it is */
	int target;		/* of the files or directories */
	char text[MAX_NAME_LENGTH + 1];
	char link[40];		/* a symbolic link's contents */
};

struct dir {
	bool used;
	int name;		/* -1: the process's own directory */
};

struct files {
	const struct options *opt;
	struct rng rng;
	int index;		/* of the process */
	uint32_t tag;		/* of the latest write */

	/* limits, from the size of the file system */
	size_t budget, used;	/* bytes in files */
	size_t max_file, max_write;
	int max_files, name_length;

	/* what the file system can do, found out by trying */
	bool has_xattr, has_direct, has_map, has_tmpfile, has_fallocate, has_dir_links;

	struct file file[MAX_FILES];
	struct dir dir[MAX_DIRS];
	struct name name[MAX_NAMES];

	/* long-lived: a mapped file, an append-only file, and the file of all processes */
	int map_fd, log_fd, shared_fd;
	unsigned char *map, *map_model, *log_model;
	size_t map_size, log_size, log_limit;
	unsigned char *all_map, *all_model;	/* the model: own parts only */
	unsigned char *buffer;			/* page-aligned, max_write and more */
};

/* An operation. false: nothing to do it with. */
typedef bool operation(struct files *fs);

static inline unsigned int below(struct files *fs, unsigned int limit)
{
	return rng_below(&fs->rng, limit);
}

/* tree.c: paths (four of them may be in use at a time), and what is where */
const char *join(struct files *fs, int dir, const char *text);
const char *path_of_name(struct files *fs, int name);
const char *path_of_dir(struct files *fs, int dir);
const char *path_of_file(struct files *fs, int file);
int pick_name(struct files *fs, enum kind kind);
int pick_dir(struct files *fs);
void pick_text(struct files *fs, int dir, char *text);
int find(struct files *fs, int dir, const char *text);
int new_name(struct files *fs, enum kind kind, int target);
int name_of_file(struct files *fs, int file);
void drop_name(struct files *fs, int name);
void give_up(struct files *fs, int file);

/* names.c */
operation op_create, op_rename, op_rename_over, op_link, op_unlink, op_orphan, op_symlink;
void rename_to_new(struct files *fs, int name, int dir);
bool check_link(struct files *fs, int name);

/* dirs.c */
operation op_mkdir, op_rmdir, op_rename_dir, op_readdir, op_refused;
bool check_dir(struct files *fs, int dir);
bool check_links(struct files *fs);
void remove_everything(struct files *fs);

/* data.c */
operation op_overwrite, op_append, op_sparse, op_truncate, op_direct, op_fallocate, op_tmpfile;
int new_file(struct files *fs);
void forget_file(struct files *fs, int file);
int pick_file(struct files *fs);
int use_file(struct files *fs, int file, int flags);
void done_with(struct files *fs, int file, int fd);

/* check.c */
operation op_read, op_check, op_splice, op_sync, op_xattr, op_setattr, op_reopen;
bool check_file(struct files *fs, int file);
void drop_cache(struct files *fs, int file);

/* lasting.c: what stays open and mapped from beginning to end */
operation op_map_write, op_map_read, op_msync, op_log, op_shared, op_statfs;
bool make_shared(const struct options *opt);
bool start_lasting(struct files *fs);
bool check_lasting(struct files *fs);
void stop_lasting(struct files *fs);

#endif
