// SPDX-License-Identifier: GPL-2.0-only
/* The model of what is in the files, and the operations that write. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

/* ---- the model ---- */

int new_file(struct files *fs)
{
	int f;

	for (f = 0; f < fs->max_files && fs->file[f].used; f++)
		;
	if (f == fs->max_files)
		return -1;
	fs->file[f] = (struct file){ .used = true, .fd = -1, .mode = 0600 + below(fs, 0100) };
	return f;
}

void forget_file(struct files *fs, int file)
{
	struct file *f = &fs->file[file];

	if (f->fd >= 0 && close(f->fd))
		fail("close");
	fs->used -= f->size;
	free(f->data);
	*f = (struct file){ .fd = -1 };
}

/* What is added reads as zeros. false: there is no room for it. */
static bool model_resize(struct files *fs, int file, size_t size)
{
	struct file *f = &fs->file[file];

	if (size > fs->max_file || (size > f->size && fs->used - f->size + size > fs->budget))
		return false;
	if (size > f->room) {
		size_t room = size < 2 * f->room ? 2 * f->room : size;
		unsigned char *data = realloc(f->data, room);

		if (!data)
			return false;
		f->data = data;
		f->room = room;
	}
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	fs->used += size - f->size;
	f->size = size;
	return true;
}

int pick_file(struct files *fs)
{
	int start = below(fs, MAX_FILES);

	for (int i = 0; i < MAX_FILES; i++)
		if (fs->file[(start + i) % MAX_FILES].used)
			return (start + i) % MAX_FILES;
	return -1;
}

/* The descriptor that is kept, or a new one, which done_with() closes. */
int use_file(struct files *fs, int file, int flags)
{
	int fd = fs->file[file].fd;

	if (fd >= 0 && !flags)
		return fd;
	fd = open(path_of_file(fs, file), O_RDWR | flags);
	if (fd < 0)
		fail("open %s", path_of_file(fs, file));
	return fd;
}

void done_with(struct files *fs, int file, int fd)
{
	if (fd >= 0 && fd != fs->file[file].fd && close(fd))
		fail("close %s", path_of_file(fs, file));
}

/* ---- writing ---- */

/* Writes len bytes at offset to the model and to the file. */
static bool put(struct files *fs, int file, size_t offset, size_t len, int flags)
{
	struct file *f = &fs->file[file];
	ssize_t n;
	int fd;

	if (offset + len > f->size && !model_resize(fs, file, offset + len))
		return false;
	fill(f->data + offset, ++fs->tag, offset, len);
	fd = use_file(fs, file, flags);
	if (fd < 0) {
		give_up(fs, file);
		return true;
	}
	if (flags & O_DIRECT) {
		memcpy(fs->buffer, f->data + offset, len);
		n = pwrite(fd, fs->buffer, len, offset);
	} else if (flags & O_APPEND) {
		n = write(fd, f->data + offset, len);
	} else {
		n = pwrite(fd, f->data + offset, len, offset);
	}
	if (n != (ssize_t)len) {
		if (n >= 0)
			errno = 0;
		fail("write of %zu bytes at %zu of %s gave %zd", len, offset,
		     path_of_file(fs, file), n);
		done_with(fs, file, fd);
		give_up(fs, file);
		return true;
	}
	done_with(fs, file, fd);
	atomic_fetch_add_explicit(&me->written, len, memory_order_relaxed);
	return true;
}

static size_t some_bytes(struct files *fs)
{
	/* Mostly small, sometimes many. */
	return 1 + below(fs, below(fs, 4) ? fs->max_write / 8 : fs->max_write);
}

bool op_overwrite(struct files *fs)
{
	int f = pick_file(fs);

	return f >= 0 && put(fs, f, below(fs, fs->file[f].size + 1), some_bytes(fs), 0);
}

bool op_append(struct files *fs)
{
	int f = pick_file(fs);

	return f >= 0 && put(fs, f, fs->file[f].size, some_bytes(fs), O_APPEND);
}

bool op_sparse(struct files *fs)
{
	int f = pick_file(fs);

	return f >= 0 && put(fs, f, fs->file[f].size + below(fs, 4 * fs->max_write),
			     some_bytes(fs), 0);
}

bool op_truncate(struct files *fs)
{
	int f = pick_file(fs), fd, err;
	size_t size;

	if (f < 0)
		return false;
	/* Mostly shorter, sometimes longer, sometimes empty. */
	size = below(fs, 4) ? below(fs, fs->file[f].size + 1) :
		below(fs, 3) ? fs->file[f].size + below(fs, 2 * fs->max_write) : 0;
	if (!model_resize(fs, f, size))
		return false;
	fd = use_file(fs, f, 0);
	err = below(fs, 2) ? ftruncate(fd, size) : truncate(path_of_file(fs, f), size);
	if (err) {
		fail("truncate %s to %zu", path_of_file(fs, f), size);
		done_with(fs, f, fd);
		give_up(fs, f);
		return true;
	}
	done_with(fs, f, fd);
	return true;
}

/* Past the page cache, and read back past it as well. */
bool op_direct(struct files *fs)
{
	size_t offset, len;
	struct file *f;
	int file, fd;

	if (!fs->has_direct)
		return false;
	file = pick_file(fs);
	if (file < 0)
		return false;
	f = &fs->file[file];
	offset = (size_t)below(fs, f->size / PAGE + 1) * PAGE;
	len = (1 + below(fs, fs->max_write / PAGE)) * PAGE;
	if (!put(fs, file, offset, len, O_DIRECT) || !f->used)
		return false;
	fd = use_file(fs, file, O_DIRECT);
	if (pread(fd, fs->buffer, len, offset) != (ssize_t)len)
		fail("direct read of %s", path_of_file(fs, file));
	else
		same(path_of_file(fs, file), fs->buffer, f->data + offset, offset, len);
	done_with(fs, file, fd);
	return true;
}

/* Makes a hole, or adds space. */
bool op_fallocate(struct files *fs)
{
	bool hole = below(fs, 2);
	size_t offset, len, end;
	struct file *f;
	int file, fd;

	if (!fs->has_fallocate)
		return false;
	file = pick_file(fs);
	if (file < 0 || !fs->file[file].size)
		return false;
	f = &fs->file[file];
	offset = below(fs, f->size);
	len = 1 + below(fs, 2 * fs->max_write);
	end = offset + len;
	if (hole)
		memset(f->data + offset, 0, (end < f->size ? end : f->size) - offset);
	else if (end > f->size && !model_resize(fs, file, end))
		return false;
	fd = use_file(fs, file, 0);
	if (fallocate(fd, hole ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : 0, offset, len))
		fail("fallocate %s", path_of_file(fs, file));
	done_with(fs, file, fd);
	return true;
}

bool op_tmpfile(struct files *fs)
{
	size_t len = some_bytes(fs);
	unsigned char *expected;
	int fd;

	if (!fs->has_tmpfile)
		return false;
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	expected = malloc(len);
	if (fd < 0 || !expected) {
		fail("O_TMPFILE");
	} else {
		fill(expected, ++fs->tag, 0, len);
		if (pwrite(fd, expected, len, 0) != (ssize_t)len ||
		    pread(fd, fs->buffer, len, 0) != (ssize_t)len)
			fail("write and read of a file without a name");
		else
			same("a file without a name", fs->buffer, expected, 0, len);
	}
	free(expected);
	if (fd >= 0)
		close(fd);
	return true;
}
