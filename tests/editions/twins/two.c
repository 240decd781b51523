// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>

#include "twins.h"

static __as_written int kmolt_twin(int x)
{
	return x + 2;
}

int show_two(struct seq_file *m, void *v)
{
	seq_printf(m, "two %d\n", kmolt_twin(100));
	return 0;
}
