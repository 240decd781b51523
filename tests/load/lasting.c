// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every process has open and mapped from beginning to end: a mapped file of its
 * own, a file that is only appended to, and one file that all processes map and write,
 * in parts so small that several of them lie in one page.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "files.h"

#define PART 1024	/* bytes of the common file that belong to one process */

static size_t shared_size(const struct options *opt)
{
	size_t size = (size_t)opt->procs * PART * (opt->small ? 8 : 32);

	return (size + PAGE - 1) / PAGE * PAGE;
}

bool make_shared(const struct options *opt)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/kl-shared", opt->target);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, shared_size(opt))) {
		fail("%s", path);
		return false;
	}
	close(fd);
	return true;
}

/* Creates a file of that size, full of contents, and a model of it. */
static int create(struct files *fs, const char *name, int flags, unsigned char **model,
		  size_t room, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0600);

	*model = calloc(1, room);
	if (fd < 0 || !*model) {
		fail("%s", name);
		return -1;
	}
	if (size) {
		fill(*model, ++fs->tag, 0, size);
		if (write(fd, *model, size) != (ssize_t)size) {
			fail("write %s", name);
			return -1;
		}
	}
	return fd;
}

bool start_lasting(struct files *fs)
{
	bool small = fs->opt->small;

	fs->map_size = small ? 16 << 10 : 64 << 10;
	fs->log_limit = small ? 16 << 10 : 64 << 10;
	fs->map_fd = create(fs, "kl-map", 0, &fs->map_model, fs->map_size, fs->map_size);
	fs->log_fd = create(fs, "kl-log", O_APPEND, &fs->log_model, fs->log_limit, 0);
	fs->all_model = calloc(1, shared_size(fs->opt));
	if (fs->map_fd < 0 || fs->log_fd < 0 || !fs->all_model)
		return false;
	if (!fs->has_map)
		return true;
	fs->map = mmap(NULL, fs->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fs->map_fd, 0);
	fs->all_map = mmap(NULL, shared_size(fs->opt), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fs->shared_fd, 0);
	if (fs->map == MAP_FAILED || fs->all_map == MAP_FAILED) {
		fail("mmap");
		return false;
	}
	return true;
}

static void some_range(struct files *fs, size_t size, size_t *offset, size_t *len)
{
	*offset = below(fs, size);
	*len = 1 + below(fs, PAGE);
	if (*len > size - *offset)
		*len = size - *offset;
}

static bool check_by_read(struct files *fs, const char *name, int fd, const unsigned char *model,
			  size_t offset, size_t len)
{
	if (pread(fd, fs->buffer, len, offset) != (ssize_t)len) {
		fail("read %s", name);
		return false;
	}
	atomic_fetch_add_explicit(&me->read, len, memory_order_relaxed);
	return same(name, fs->buffer, model + offset, offset, len);
}

static bool put_by_write(const char *name, int fd, const unsigned char *model, size_t offset,
			 size_t len)
{
	if (pwrite(fd, model + offset, len, offset) != (ssize_t)len) {
		fail("write %s", name);
		return false;
	}
	atomic_fetch_add_explicit(&me->written, len, memory_order_relaxed);
	return true;
}

/* Before anything is overwritten it must be what was written last. */
static void check_map(struct files *fs, size_t offset, size_t len)
{
	same("kl-map, mapped", fs->map + offset, fs->map_model + offset, offset, len);
}

/* Written through the mapping, read by a call. */
bool op_map_write(struct files *fs)
{
	size_t offset, len;

	if (!fs->has_map)
		return false;
	some_range(fs, fs->map_size, &offset, &len);
	check_map(fs, offset, len);
	fill(fs->map_model + offset, ++fs->tag, offset, len);
	memcpy(fs->map + offset, fs->map_model + offset, len);
	check_by_read(fs, "kl-map", fs->map_fd, fs->map_model, offset, len);
	return true;
}

/* Written by a call, read through the mapping. */
bool op_map_read(struct files *fs)
{
	size_t offset, len;

	if (!fs->has_map)
		return false;
	some_range(fs, fs->map_size, &offset, &len);
	check_by_read(fs, "kl-map", fs->map_fd, fs->map_model, offset, len);
	fill(fs->map_model + offset, ++fs->tag, offset, len);
	if (put_by_write("kl-map", fs->map_fd, fs->map_model, offset, len))
		check_map(fs, offset, len);
	return true;
}

bool op_msync(struct files *fs)
{
	if (!fs->has_map)
		return false;
	if (msync(fs->map, fs->map_size, below(fs, 2) ? MS_SYNC : MS_ASYNC))
		fail("msync");
	return true;
}

static bool check_whole(struct files *fs, const char *name, int fd, const unsigned char *model,
			size_t size)
{
	size_t at, len;

	for (at = 0; at < size; at += len) {
		len = size - at < fs->max_write ? size - at : fs->max_write;
		if (!check_by_read(fs, name, fd, model, at, len))
			return false;
	}
	return true;
}

bool op_log(struct files *fs)
{
	size_t len = 1 + below(fs, 300);

	if (fs->log_size + len > fs->log_limit) {
		check_whole(fs, "kl-log", fs->log_fd, fs->log_model, fs->log_size);
		if (ftruncate(fs->log_fd, 0))
			fail("truncate kl-log");
		fs->log_size = 0;
	}
	fill(fs->log_model + fs->log_size, ++fs->tag, fs->log_size, len);
	if (write(fs->log_fd, fs->log_model + fs->log_size, len) != (ssize_t)len)
		fail("append to kl-log");
	fs->log_size += len;
	atomic_fetch_add_explicit(&me->written, len, memory_order_relaxed);
	return true;
}

/* A part of the file that all processes write: by one way, and looked at by the other. */
bool op_shared(struct files *fs)
{
	unsigned int parts = shared_size(fs->opt) / PART / fs->opt->procs;
	size_t offset = ((size_t)below(fs, parts) * fs->opt->procs + fs->index) * PART;

	if (below(fs, 2) || !fs->has_map) {
		check_by_read(fs, "kl-shared", fs->shared_fd, fs->all_model, offset, PART);
		fill(fs->all_model + offset, ++fs->tag, offset, PART);
		put_by_write("kl-shared", fs->shared_fd, fs->all_model, offset, PART);
	} else {
		same("kl-shared, mapped", fs->all_map + offset, fs->all_model + offset, offset,
		     PART);
		fill(fs->all_model + offset, ++fs->tag, offset, PART);
		memcpy(fs->all_map + offset, fs->all_model + offset, PART);
	}
	return true;
}

bool op_statfs(struct files *fs)
{
	struct statvfs st;

	if (fstatvfs(fs->shared_fd, &st))
		fail("statfs");
	else if (st.f_bfree > st.f_blocks || st.f_bavail > st.f_bfree || !st.f_bavail ||
		 st.f_ffree > st.f_files)
		mismatch("statfs: %llu of %llu blocks free, %llu available, %llu of %llu inodes",
			 (unsigned long long)st.f_bfree, (unsigned long long)st.f_blocks,
			 (unsigned long long)st.f_bavail, (unsigned long long)st.f_ffree,
			 (unsigned long long)st.f_files);
	return true;
}

bool check_lasting(struct files *fs)
{
	bool good = check_whole(fs, "kl-map", fs->map_fd, fs->map_model, fs->map_size);

	if (fs->has_map)
		good &= same("kl-map, mapped", fs->map, fs->map_model, 0, fs->map_size);
	good &= check_whole(fs, "kl-log", fs->log_fd, fs->log_model, fs->log_size);
	for (size_t at = (size_t)fs->index * PART; at + PART <= shared_size(fs->opt);
	     at += (size_t)fs->opt->procs * PART)
		good &= check_by_read(fs, "kl-shared", fs->shared_fd, fs->all_model, at, PART);
	if (fsync(fs->map_fd) || fsync(fs->log_fd) || fsync(fs->shared_fd))
		fail("fsync");
	posix_fadvise(fs->log_fd, 0, 0, POSIX_FADV_DONTNEED);
	return good;
}

void stop_lasting(struct files *fs)
{
	if (fs->has_map) {
		munmap(fs->map, fs->map_size);
		munmap(fs->all_map, shared_size(fs->opt));
	}
	if (close(fs->map_fd) || close(fs->log_fd) || close(fs->shared_fd))
		fail("close");
	if (!fs->opt->keep && (unlink("kl-map") || unlink("kl-log")))
		fail("unlink kl-map, kl-log");
}
