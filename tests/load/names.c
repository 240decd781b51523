// SPDX-License-Identifier: GPL-2.0-only
/* Operations on the names of files and on symbolic links. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

bool op_create(struct files *fs)
{
	int file = new_file(fs), n, fd;

	if (file < 0)
		return false;
	n = new_name(fs, A_FILE, file);
	if (n < 0) {
		forget_file(fs, file);
		return false;
	}
	fd = open(path_of_name(fs, n), O_RDWR | O_CREAT | O_EXCL, fs->file[file].mode);
	if (fd < 0) {
		fail("create %s", path_of_name(fs, n));
		fs->name[n].kind = FREE;
		forget_file(fs, file);
		return true;
	}
	fs->file[file].links = 1;
	if (below(fs, 3))
		close(fd);
	else
		fs->file[file].fd = fd;
	return true;
}

void rename_to_new(struct files *fs, int n, int dir)
{
	struct name to = fs->name[n];

	to.dir = dir;
	pick_text(fs, to.dir, to.text);
	if (rename(path_of_name(fs, n), join(fs, to.dir, to.text))) {
		fail("rename %s to %s", path_of_name(fs, n), join(fs, to.dir, to.text));
		return;
	}
	fs->name[n] = to;
}

bool op_rename(struct files *fs)
{
	int n = pick_name(fs, below(fs, 8) ? A_FILE : A_LINK);

	if (n < 0)
		return false;
	rename_to_new(fs, n, below(fs, 2) ? pick_dir(fs) : fs->name[n].dir);
	return true;
}

bool op_rename_over(struct files *fs)
{
	int n = pick_name(fs, A_FILE), over = pick_name(fs, A_FILE), dir;

	/* Between two names of one file, rename() does nothing. */
	if (n < 0 || fs->name[n].target == fs->name[over].target)
		return false;
	if (rename(path_of_name(fs, n), path_of_name(fs, over))) {
		fail("rename %s over %s", path_of_name(fs, n), path_of_name(fs, over));
		return true;
	}
	dir = fs->name[over].dir;
	strcpy(fs->name[n].text, fs->name[over].text);
	drop_name(fs, over);
	fs->name[n].dir = dir;
	return true;
}

bool op_link(struct files *fs)
{
	int from = pick_name(fs, A_FILE), n;

	if (from < 0 || fs->file[fs->name[from].target].links >= 4)
		return false;
	n = new_name(fs, A_FILE, fs->name[from].target);
	if (n < 0)
		return false;
	if (link(path_of_name(fs, from), path_of_name(fs, n))) {
		fail("link %s to %s", path_of_name(fs, from), path_of_name(fs, n));
		fs->name[n].kind = FREE;
		return true;
	}
	fs->file[fs->name[n].target].links++;
	return true;
}

bool op_unlink(struct files *fs)
{
	int n = pick_name(fs, A_FILE);

	if (n < 0)
		return false;
	if (unlink(path_of_name(fs, n)))
		fail("unlink %s", path_of_name(fs, n));
	drop_name(fs, n);
	return true;
}

/* A file that is open lives on without a name. */
bool op_orphan(struct files *fs)
{
	int n = pick_name(fs, A_FILE), fd;
	struct file *f;
	struct stat st;
	size_t len;

	if (n < 0)
		return false;
	f = &fs->file[fs->name[n].target];
	if (f->links != 1)
		return false;
	fd = open(path_of_name(fs, n), O_RDONLY);
	if (fd < 0 || unlink(path_of_name(fs, n))) {
		fail("open and unlink %s", path_of_name(fs, n));
	} else {
		len = f->size < fs->max_write ? f->size : fs->max_write;
		if (fstat(fd, &st) || pread(fd, fs->buffer, len, f->size - len) != (ssize_t)len)
			fail("read of an unlinked file");
		else if (st.st_nlink)
			mismatch("an unlinked file has %d links", (int)st.st_nlink);
		else if (len)
			same("an unlinked file", fs->buffer, f->data + f->size - len,
			     f->size - len, len);
	}
	if (fd >= 0)
		close(fd);
	drop_name(fs, n);
	return true;
}

bool check_link(struct files *fs, int n)
{
	char text[64];
	ssize_t len = readlink(path_of_name(fs, n), text, sizeof(text));

	if (len < 0) {
		fail("readlink %s", path_of_name(fs, n));
		return false;
	}
	if (len == (ssize_t)strlen(fs->name[n].link) && !memcmp(text, fs->name[n].link, len))
		return true;
	mismatch("link %s is \"%.*s\", should be \"%s\"", path_of_name(fs, n), (int)len, text,
		 fs->name[n].link);
	return false;
}

/* Makes one, or looks at one and perhaps removes it. */
bool op_symlink(struct files *fs)
{
	int n = below(fs, 2) ? pick_name(fs, A_LINK) : -1;

	if (n >= 0) {
		check_link(fs, n);
		if (below(fs, 2))
			return true;
		if (unlink(path_of_name(fs, n)))
			fail("unlink %s", path_of_name(fs, n));
		fs->name[n].kind = FREE;
		return true;
	}
	n = new_name(fs, A_LINK, -1);
	if (n < 0)
		return false;
	snprintf(fs->name[n].link, sizeof(fs->name[n].link), "nowhere/%u/%.*s", below(fs, 1000),
		 (int)below(fs, 20), "abcdefghijklmnopqrst");
	if (symlink(fs->name[n].link, path_of_name(fs, n))) {
		fail("symlink %s", path_of_name(fs, n));
		fs->name[n].kind = FREE;
	}
	return true;
}
