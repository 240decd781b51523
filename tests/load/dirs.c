// SPDX-License-Identifier: GPL-2.0-only
/* Operations on directories, and the checks of what is in them. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

static int depth(struct files *fs, int dir)
{
	int n = 0;

	for (; fs->dir[dir].name >= 0; dir = fs->name[fs->dir[dir].name].dir)
		n++;
	return n;
}

static bool is_inside(struct files *fs, int dir, int outer)
{
	while (dir != outer && fs->dir[dir].name >= 0)
		dir = fs->name[fs->dir[dir].name].dir;
	return dir == outer;
}

static int entries(struct files *fs, int dir, enum kind kind)
{
	int n = 0;

	for (int i = 0; i < MAX_NAMES; i++)
		n += fs->name[i].dir == dir &&
			(kind == FREE ? fs->name[i].kind != FREE : fs->name[i].kind == kind);
	return n;
}

bool op_mkdir(struct files *fs)
{
	int d, n;

	for (d = 0; d < MAX_DIRS && fs->dir[d].used; d++)
		;
	if (d == MAX_DIRS)
		return false;
	n = new_name(fs, A_DIR, d);
	if (n < 0)
		return false;
	if (depth(fs, fs->name[n].dir) > 2) {
		fs->name[n].kind = FREE;
		return false;
	}
	if (mkdir(path_of_name(fs, n), 0755)) {
		fail("mkdir %s", path_of_name(fs, n));
		fs->name[n].kind = FREE;
		return true;
	}
	fs->dir[d] = (struct dir){ .used = true, .name = n };
	return true;
}

bool op_rmdir(struct files *fs)
{
	int n = pick_name(fs, A_DIR);

	if (n < 0)
		return false;
	if (entries(fs, fs->name[n].target, FREE)) {
		if (!rmdir(path_of_name(fs, n)) || (errno != ENOTEMPTY && errno != EEXIST))
			fail("rmdir of %s, which is not empty", path_of_name(fs, n));
		return true;
	}
	if (rmdir(path_of_name(fs, n)))
		fail("rmdir %s", path_of_name(fs, n));
	fs->dir[fs->name[n].target].used = false;
	fs->name[n].kind = FREE;
	return true;
}

bool op_rename_dir(struct files *fs)
{
	int n = pick_name(fs, A_DIR), over = pick_name(fs, A_DIR), to = pick_dir(fs);
	struct name *o;

	if (n < 0)
		return false;
	o = &fs->name[over];
	/* An empty directory may be replaced, unless it is a part of the other. */
	if (over != n && !entries(fs, o->target, FREE) &&
	    !is_inside(fs, o->dir, fs->name[n].target)) {
		if (rename(path_of_name(fs, n), path_of_name(fs, over)))
			fail("rename %s over %s", path_of_name(fs, n), path_of_name(fs, over));
		fs->dir[o->target].used = false;
		fs->name[n].dir = o->dir;
		strcpy(fs->name[n].text, o->text);
		o->kind = FREE;
		return true;
	}
	rename_to_new(fs, n, is_inside(fs, to, fs->name[n].target) ? fs->name[n].dir : to);
	return true;
}

/* Reads a directory and compares the names in it with those that must be there. */
bool check_dir(struct files *fs, int dir)
{
	bool seen[MAX_NAMES] = { false }, good = true;
	const char *path = path_of_dir(fs, dir);
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(path);
	int n;

	if (!d) {
		fail("opendir %s", path);
		return false;
	}
	while (errno = 0, (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		n = find(fs, dir, e->d_name);
		/* The lasting files are not part of the model. */
		if (n < 0 && !dir && !strncmp(e->d_name, "kl-", 3))
			continue;
		if (n < 0 || seen[n]) {
			mismatch("%s: %s is there %s", path, e->d_name,
				 n < 0 ? "but should not be" : "twice");
			good = false;
		} else {
			seen[n] = true;
		}
	}
	if (errno)
		fail("readdir %s", path);
	for (n = 0; n < MAX_NAMES; n++) {
		if (fs->name[n].kind != FREE && fs->name[n].dir == dir && !seen[n]) {
			mismatch("%s: %s is missing", path, fs->name[n].text);
			good = false;
		}
	}
	if (fstat(dirfd(d), &st)) {
		fail("stat %s", path);
	} else if (fs->has_dir_links && (int)st.st_nlink != 2 + entries(fs, dir, A_DIR)) {
		mismatch("%s has %d links, should have %d", path, (int)st.st_nlink,
			 2 + entries(fs, dir, A_DIR));
		good = false;
	}
	closedir(d);
	return good;
}

bool op_readdir(struct files *fs)
{
	check_dir(fs, pick_dir(fs));
	return true;
}

bool check_links(struct files *fs)
{
	bool good = true;

	for (int i = 0; i < MAX_NAMES; i++)
		if (fs->name[i].kind == A_LINK)
			good &= check_link(fs, i);
	return good;
}

static void must_fail(const char *what, int result, int wanted)
{
	if (result >= 0) {
		if (result > 2)
			close(result);
		mismatch("%s did not fail", what);
	} else if (errno != wanted) {
		fail("%s should have failed with \"%s\"", what, strerror(wanted));
	}
}

/* What must be refused. */
bool op_refused(struct files *fs)
{
	int n = pick_name(fs, A_FILE), dir = pick_dir(fs);
	char text[MAX_NAME_LENGTH + 1], longer[MAX_NAME_LENGTH + 2];

	switch (below(fs, 5)) {
	case 0:
		pick_text(fs, dir, text);
		must_fail("open of a missing file", open(join(fs, dir, text), O_RDONLY), ENOENT);
		return true;
	case 1:
		if (n < 0)
			return false;
		must_fail("exclusive create of an existing file",
			  open(path_of_name(fs, n), O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
		return true;
	case 2:
		if (n < 0)
			return false;
		must_fail("mkdir of an existing file", mkdir(path_of_name(fs, n), 0700), EEXIST);
		return true;
	case 3:
		if (n < 0)
			return false;
		must_fail("rmdir of a file", rmdir(path_of_name(fs, n)), ENOTDIR);
		return true;
	default:
		if (fs->name_length == MAX_NAME_LENGTH)
			return false;
		memset(longer, 'l', fs->name_length + 1);
		longer[fs->name_length + 1] = 0;
		must_fail("a name that is too long",
			  open(join(fs, dir, longer), O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
		return true;
	}
}

/* Empties the process's directory, the innermost directories first. */
void remove_everything(struct files *fs)
{
	for (int i = 0; i < MAX_NAMES; i++) {
		struct name *n = &fs->name[i];

		if (n->kind != A_FILE && n->kind != A_LINK)
			continue;
		if (unlink(path_of_name(fs, i)))
			fail("unlink %s", path_of_name(fs, i));
		if (n->kind == A_FILE)
			drop_name(fs, i);
		n->kind = FREE;
	}
	for (int d = MAX_DIRS; d > 0; d--) {
		for (int i = 0; i < MAX_NAMES; i++) {
			struct name *n = &fs->name[i];

			if (n->kind != A_DIR || depth(fs, n->target) != d)
				continue;
			if (rmdir(path_of_name(fs, i)))
				fail("rmdir %s", path_of_name(fs, i));
			fs->dir[n->target].used = false;
			n->kind = FREE;
		}
	}
}
