/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMOLT_UNWIND_H
#define KMOLT_UNWIND_H

#include <linux/types.h>

struct seq_file;

/* Functions of the kernel that it does not export. */
unsigned long unexported(const char *name);

/* stack.c: a sleeping task's stack. 0, or an error if the kernel is not as expected. */
int stack_init(void);
void show_stack_of(struct seq_file *m, pid_t nr);

/* probes.c: unwinding from within code. The callers hold one lock. */
int probes_init(void);
int probe_at(unsigned long address);
int probe_range(unsigned long address, unsigned long length);
void remove_probes(void);
void show_probes(struct seq_file *m);

/* astray.S */
void kmolt_unwind_astray(void);

#endif
