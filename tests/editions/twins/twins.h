/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMOLT_TWINS_H
#define KMOLT_TWINS_H

#include <linux/compiler.h>

struct seq_file;

/* Called as written, under the name that it has in the source. */
#define __as_written __attribute__((__noipa__))

int show_one(struct seq_file *m, void *v);
int show_two(struct seq_file *m, void *v);

#endif
