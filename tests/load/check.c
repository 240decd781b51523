// SPDX-License-Identifier: GPL-2.0-only
/* Reading and checking of files; attributes, descriptors, and the way to the disk. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files.h"

/* Reads and compares; at the end of the file less than len must come. */
static bool check_range(struct files *fs, int file, int fd, size_t offset, size_t len)
{
	struct file *f = &fs->file[file];
	size_t left = offset < f->size ? f->size - offset : 0;
	size_t expected = len < left ? len : left;
	ssize_t n = pread(fd, fs->buffer, len, offset);

	if (n < 0) {
		fail("read %s", path_of_file(fs, file));
		return false;
	}
	atomic_fetch_add_explicit(&me->read, n, memory_order_relaxed);
	if ((size_t)n != expected) {
		mismatch("read of %zu bytes at %zu of %s gave %zd, should give %zu", len, offset,
			 path_of_file(fs, file), n, expected);
		return false;
	}
	return !n || same(path_of_file(fs, file), fs->buffer, f->data + offset, offset, n);
}

bool op_read(struct files *fs)
{
	int f = pick_file(fs), fd;
	bool good;

	if (f < 0)
		return false;
	fd = use_file(fs, f, 0);
	good = fd >= 0 && check_range(fs, f, fd, below(fs, fs->file[f].size + 1),
				      1 + below(fs, fs->max_write));
	done_with(fs, f, fd);
	if (!good)
		give_up(fs, f);
	return true;
}

static bool check_attributes(struct files *fs, int file, int fd)
{
	struct file *f = &fs->file[file];
	unsigned char value[sizeof(f->xattr)];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st)) {
		fail("stat %s", path_of_file(fs, file));
		return false;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 07777) != f->mode ||
	    (size_t)st.st_size != f->size || (int)st.st_nlink != f->links) {
		mismatch("%s is mode %o, size %lld, %d links; should be mode %o, size %zu, %d links",
			 path_of_file(fs, file), st.st_mode, (long long)st.st_size,
			 (int)st.st_nlink, S_IFREG | f->mode, f->size, f->links);
		return false;
	}
	if (!fs->has_xattr)
		return true;
	n = fgetxattr(fd, "user.kmolt", value, sizeof(value));
	if (n < 0 && errno == ENODATA)
		n = 0;
	if (n < 0) {
		fail("getxattr %s", path_of_file(fs, file));
		return false;
	}
	if (n == f->xattr_length && !memcmp(value, f->xattr, n))
		return true;
	mismatch("attribute of %s has %zd bytes, should have %d, or others",
		 path_of_file(fs, file), n, f->xattr_length);
	return false;
}

bool check_file(struct files *fs, int file)
{
	int fd = open(path_of_file(fs, file), O_RDONLY);
	size_t size = fs->file[file].size;
	bool good;

	if (fd < 0)
		fail("open %s", path_of_file(fs, file));
	good = fd >= 0 && check_attributes(fs, file, fd);
	for (size_t at = 0; good && at <= size; at += fs->max_write)
		good = check_range(fs, file, fd, at, fs->max_write);
	if (fd >= 0)
		close(fd);
	if (!good)
		give_up(fs, file);
	return good;
}

bool op_check(struct files *fs)
{
	int f = pick_file(fs);

	if (f < 0)
		return false;
	check_file(fs, f);
	return true;
}

/* Through a pipe. */
bool op_splice(struct files *fs)
{
	int file = pick_file(fs), fd, pipes[2];
	off_t offset;
	loff_t at;
	size_t len;
	ssize_t n;

	if (file < 0 || !fs->file[file].size)
		return false;
	offset = below(fs, fs->file[file].size);
	len = fs->file[file].size - offset;
	if (len > PAGE)
		len = PAGE;
	fd = use_file(fs, file, 0);
	if (fd < 0 || pipe(pipes)) {
		fail("pipe");
		return true;
	}
	at = offset;
	n = splice(fd, &at, pipes[1], NULL, len, 0);
	if (n <= 0 || read(pipes[0], fs->buffer, n) != n)
		fail("splice %s", path_of_file(fs, file));
	else
		same(path_of_file(fs, file), fs->buffer, fs->file[file].data + offset, offset, n);
	close(pipes[0]);
	close(pipes[1]);
	done_with(fs, file, fd);
	return true;
}

/* ---- attributes, descriptors and the disk ---- */

bool op_sync(struct files *fs)
{
	int f = pick_file(fs), fd;

	if (f < 0)
		return false;
	fd = use_file(fs, f, 0);
	if (below(fs, 2) ? fsync(fd) : fdatasync(fd))
		fail("fsync %s", path_of_file(fs, f));
	else if (below(fs, 2))
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	done_with(fs, f, fd);
	return true;
}

/* So that the next read comes from the disk. */
void drop_cache(struct files *fs, int file)
{
	int fd = use_file(fs, file, 0);

	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("fsync %s", path_of_file(fs, file));
	done_with(fs, file, fd);
}

bool op_xattr(struct files *fs)
{
	struct file *f;
	int file, fd;

	if (!fs->has_xattr)
		return false;
	file = pick_file(fs);
	if (file < 0)
		return false;
	f = &fs->file[file];
	fd = use_file(fs, file, 0);
	if (f->xattr_length && !below(fs, 3)) {
		f->xattr_length = 0;
		if (fremovexattr(fd, "user.kmolt"))
			fail("removexattr %s", path_of_file(fs, file));
	} else {
		f->xattr_length = 1 + below(fs, sizeof(f->xattr));
		fill(f->xattr, ++fs->tag, 0, f->xattr_length);
		if (fsetxattr(fd, "user.kmolt", f->xattr, f->xattr_length, 0))
			fail("setxattr %s", path_of_file(fs, file));
	}
	done_with(fs, file, fd);
	return true;
}

/* Mode and time of modification. */
bool op_setattr(struct files *fs)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = 0 } };
	int file = pick_file(fs), fd;
	struct stat st;

	if (file < 0)
		return false;
	fd = use_file(fs, file, 0);
	if (fd < 0 || !check_attributes(fs, file, fd)) {
		done_with(fs, file, fd);
		give_up(fs, file);
		return true;
	}
	fs->file[file].mode = 0600 + below(fs, 0100);
	times[1].tv_sec = 1000000000 + below(fs, 1000000000);
	if (fchmod(fd, fs->file[file].mode) || futimens(fd, times) || fstat(fd, &st))
		fail("chmod and utimens %s", path_of_file(fs, file));
	else if (st.st_mtime != times[1].tv_sec)
		mismatch("mtime of %s is %lld, should be %lld", path_of_file(fs, file),
			 (long long)st.st_mtime, (long long)times[1].tv_sec);
	else if ((st.st_mode & 07777) != fs->file[file].mode)
		mismatch("mode of %s is %o, should be %o", path_of_file(fs, file),
			 st.st_mode & 07777, fs->file[file].mode);
	done_with(fs, file, fd);
	return true;
}

/* Files stay open for long, but not for ever. */
bool op_reopen(struct files *fs)
{
	int f = pick_file(fs);

	if (f < 0)
		return false;
	if (fs->file[f].fd >= 0) {
		if (below(fs, 3))
			return false;
		if (close(fs->file[f].fd))
			fail("close %s", path_of_file(fs, f));
		fs->file[f].fd = -1;
	} else {
		fs->file[f].fd = open(path_of_file(fs, f), O_RDWR);
		if (fs->file[f].fd < 0)
			fail("open %s", path_of_file(fs, f));
	}
	return true;
}
