// SPDX-License-Identifier: GPL-2.0-only
/* The model of the tree of names, and how things in it are found and picked. */

#include <string.h>
#include <unistd.h>

#include "files.h"

/* Different names in one directory: few, so that the same ones come back, but enough. */
#define POOL 100
_Static_assert(POOL > MAX_NAMES, "a directory must never use up the names");

/* ---- paths: some of them are in use at the same time ---- */

const char *join(struct files *fs, int dir, const char *text)
{
	static char paths[4][PATH_SIZE];
	static int next;
	size_t length = strlen(text) + 1;
	char *p = paths[next++ % 4] + PATH_SIZE - length;

	memcpy(p, text, length);
	while (fs->dir[dir].name >= 0) {
		struct name *n = &fs->name[fs->dir[dir].name];

		length = strlen(n->text);
		*--p = '/';
		p -= length;
		memcpy(p, n->text, length);
		dir = n->dir;
	}
	return p;
}

const char *path_of_name(struct files *fs, int name)
{
	return join(fs, fs->name[name].dir, fs->name[name].text);
}

const char *path_of_dir(struct files *fs, int dir)
{
	return dir ? path_of_name(fs, fs->dir[dir].name) : ".";
}

/* ---- picking ---- */

int pick_name(struct files *fs, enum kind kind)
{
	int start = below(fs, MAX_NAMES);

	for (int i = 0; i < MAX_NAMES; i++) {
		int n = (start + i) % MAX_NAMES;

		if (fs->name[n].kind == kind)
			return n;
	}
	return -1;
}

int pick_dir(struct files *fs)
{
	int d;

	do
		d = below(fs, MAX_DIRS);
	while (!fs->dir[d].used);
	return d;
}

int find(struct files *fs, int dir, const char *text)
{
	for (int i = 0; i < MAX_NAMES; i++)
		if (fs->name[i].kind != FREE && fs->name[i].dir == dir &&
		    !strcmp(fs->name[i].text, text))
			return i;
	return -1;
}

/* A text that is not in use in the directory, from a fixed pool of all lengths. */
void pick_text(struct files *fs, int dir, char *text)
{
	do {
		unsigned int n = below(fs, POOL);
		int length = 3 + n % (fs->name_length - 2);

		memset(text, 'a' + n % 26, length);
		text[0] = '0' + n / 10;
		text[1] = '0' + n % 10;
		text[length] = 0;
	} while (find(fs, dir, text) >= 0);
}

/* A free entry with a new name in some directory, or -1. */
int new_name(struct files *fs, enum kind kind, int target)
{
	int n = pick_name(fs, FREE);

	if (n < 0)
		return -1;
	fs->name[n].dir = pick_dir(fs);
	pick_text(fs, fs->name[n].dir, fs->name[n].text);
	fs->name[n].target = target;
	fs->name[n].kind = kind;
	return n;
}

int name_of_file(struct files *fs, int file)
{
	for (int i = 0; i < MAX_NAMES; i++)
		if (fs->name[i].kind == A_FILE && fs->name[i].target == file)
			return i;
	return -1;
}

const char *path_of_file(struct files *fs, int file)
{
	int n = name_of_file(fs, file);

	return n < 0 ? "(no name)" : path_of_name(fs, n);
}

/* The name is gone from the file system; the file is, too, if it was the last one. */
void drop_name(struct files *fs, int name)
{
	int file = fs->name[name].target;

	fs->name[name].kind = FREE;
	if (--fs->file[file].links == 0)
		forget_file(fs, file);
}

/* After a fault: the file is not looked at again. */
void give_up(struct files *fs, int file)
{
	int n;

	while ((n = name_of_file(fs, file)) >= 0) {
		unlink(path_of_name(fs, n));
		fs->name[n].kind = FREE;
	}
	forget_file(fs, file);
}
