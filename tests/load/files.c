// SPDX-License-Identifier: GPL-2.0-only
/* The load on a file system: every process works in a directory of its own. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files.h"

#define MIN_BUDGET	(128 * 1024)	/* bytes that a process needs */
#define MIN_FILES	4

static struct statvfs initially;	/* before any process began */

static const struct {
	operation *run;
	int weight;
} operations[] = {
	{ op_create, 8 },	{ op_overwrite, 12 },	{ op_append, 7 },
	{ op_sparse, 3 },	{ op_truncate, 5 },	{ op_sync, 2 },
	{ op_read, 18 },	{ op_check, 3 },	{ op_rename, 6 },
	{ op_rename_over, 3 },	{ op_link, 3 },		{ op_unlink, 5 },
	{ op_orphan, 2 },	{ op_symlink, 2 },	{ op_mkdir, 2 },
	{ op_rmdir, 2 },	{ op_rename_dir, 2 },	{ op_readdir, 4 },
	{ op_refused, 3 },	{ op_direct, 2 },	{ op_fallocate, 1 },
	{ op_splice, 2 },	{ op_tmpfile, 1 },	{ op_xattr, 3 },
	{ op_setattr, 3 },	{ op_reopen, 4 },	{ op_map_write, 5 },
	{ op_map_read, 4 },	{ op_msync, 1 },	{ op_log, 4 },
	{ op_shared, 4 },	{ op_statfs, 1 },
};

static void directory_of(char *path, size_t size, const struct options *opt, int index)
{
	snprintf(path, size, "%s/kl%d", opt->target, index);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What an earlier run left that was killed. */
static bool clear_directory(const char *path)
{
	if (!nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) || errno == ENOENT)
		return true;
	fail("cannot clear %s", path);
	return false;
}

/*
 * Half of what is free at the start is for all processes together, so that even a file
 * system that frees late does not run full.
 */
static unsigned long long budget(const struct options *opt)
{
	return (unsigned long long)initially.f_bavail * initially.f_frsize / 2 / opt->procs;
}

static unsigned long long files(const struct options *opt)
{
	return initially.f_favail / 3 / opt->procs;
}

static bool prepare(const struct options *opt)
{
	char path[PATH_SIZE];

	for (int i = 0; i < MAX_PROCS; i++) {
		directory_of(path, sizeof(path), opt, i);
		if (!clear_directory(path))
			return false;
	}
	for (int i = 0; i < opt->procs; i++) {
		directory_of(path, sizeof(path), opt, i);
		if (mkdir(path, 0755)) {
			fail("%s", path);
			return false;
		}
	}
	if (statvfs(opt->target, &initially)) {
		fail("%s", opt->target);
		return false;
	}
	if (budget(opt) < MIN_BUDGET || (initially.f_files && files(opt) < MIN_FILES)) {
		errno = 0;
		fail("%s has too little space for %d processes", opt->target, opt->procs);
		return false;
	}
	return make_shared(opt);
}

static size_t least(unsigned long long a, unsigned long long b)
{
	return a < b ? a : b;
}

static void set_limits(struct files *fs)
{
	bool small = fs->opt->small;

	fs->budget = least(budget(fs->opt), small ? 512 << 10 : 8 << 20);
	fs->max_file = least(fs->budget / 4, 1 << 20);
	fs->max_write = small ? 4 << 10 : 16 << 10;
	fs->max_files = small ? 16 : MAX_FILES;
	if (initially.f_files)
		fs->max_files = least(files(fs->opt), fs->max_files);
	fs->name_length = MAX_NAME_LENGTH;
	if (initially.f_namemax)
		fs->name_length = least(initially.f_namemax, MAX_NAME_LENGTH);
}

/* Tries out, in the process's empty directory, what is not there everywhere. */
static void probe(struct files *fs)
{
	int fd = open("probe", O_RDWR | O_CREAT | O_EXCL, 0600);
	struct stat st;
	void *map;

	if (fd < 0) {
		fail("probe");
		return;
	}
	memset(fs->buffer, 1, PAGE);
	if (write(fd, fs->buffer, PAGE) != PAGE)
		fail("probe: write");
	fs->has_xattr = !fsetxattr(fd, "user.kmolt", "x", 1, 0);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fs->has_map = map != MAP_FAILED;
	if (fs->has_map)
		munmap(map, PAGE);
	fs->has_fallocate = !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
	close(fd);

	fd = open("probe", O_RDWR | O_DIRECT);
	fs->has_direct = fd >= 0 && pwrite(fd, fs->buffer, PAGE, 0) == PAGE;
	if (fd >= 0)
		close(fd);
	unlink("probe");

	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	fs->has_tmpfile = fd >= 0;
	if (fd >= 0)
		close(fd);

	/* Some file systems do not count a directory's links. */
	if (mkdir("probe", 0700) || mkdir("probe/d", 0700) || stat("probe", &st))
		fail("probe");
	fs->has_dir_links = st.st_nlink == 3;
	rmdir("probe/d");
	rmdir("probe");
}

static bool start(struct files *fs, const struct options *opt, int index)
{
	char path[PATH_SIZE];

	fs->opt = opt;
	fs->index = index;
	fs->rng.state = opt->seed * MAX_PROCS + index;
	fs->tag = (uint32_t)(index + 1) << 24;
	fs->dir[0] = (struct dir){ .used = true, .name = -1 };
	for (int i = 0; i < MAX_FILES; i++)
		fs->file[i].fd = -1;

	umask(0);
	directory_of(path, sizeof(path), opt, index);
	if (chdir(path)) {
		fail("%s", path);
		return false;
	}
	fs->shared_fd = open("../kl-shared", O_RDWR);
	if (fs->shared_fd < 0) {
		fail("kl-shared");
		return false;
	}
	set_limits(fs);
	if (posix_memalign((void **)&fs->buffer, PAGE, fs->max_write + 2 * PAGE)) {
		fail("no memory");
		return false;
	}
	probe(fs);
	if (!index)
		note("%d processes on %s, seed %llu:%s%s%s%s%s, %zu KB each", opt->procs,
		     opt->target, (unsigned long long)opt->seed, fs->has_map ? " mmap" : "",
		     fs->has_direct ? " direct" : "", fs->has_xattr ? " xattr" : "",
		     fs->has_tmpfile ? " tmpfile" : "", fs->has_fallocate ? " fallocate" : "",
		     fs->budget >> 10);
	return start_lasting(fs);
}

static void step(struct files *fs)
{
	int total = 0, at;
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		total += operations[i].weight;
	do {
		at = below(fs, total);
		for (i = 0; at >= operations[i].weight; i++)
			at -= operations[i].weight;
	} while (!operations[i].run(fs));
	next_iteration();
}

/* Everything twice: as it is in memory, and as it comes back from the disk. */
static void verify(struct files *fs)
{
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < MAX_FILES; i++) {
			if (!fs->file[i].used)
				continue;
			if (pass)
				drop_cache(fs, i);
			check_file(fs, i);
			next_iteration();
		}
		for (int i = 0; i < MAX_DIRS; i++)
			if (fs->dir[i].used)
				check_dir(fs, i);
		check_links(fs);
		check_lasting(fs);
	}
}

static void run(const struct options *opt, int index)
{
	static struct files fs;

	if (!start(&fs, opt, index))
		return;
	enter(RUNNING);
	while (!stopping())
		step(&fs);
	enter(VERIFYING);
	verify(&fs);
	stop_lasting(&fs);
	if (!opt->keep)
		remove_everything(&fs);
}

static void finish(const struct options *opt)
{
	char path[PATH_SIZE];

	if (opt->keep)
		return;
	for (int i = 0; i < opt->procs; i++) {
		directory_of(path, sizeof(path), opt, i);
		if (shared->tally[i].phase == DONE && rmdir(path))
			fail("%s, which must be empty", path);
	}
	snprintf(path, sizeof(path), "%s/kl-shared", opt->target);
	if (unlink(path))
		fail("%s", path);
}

const struct workload files_workload = {
	.prepare = prepare,
	.run = run,
	.finish = finish,
};
