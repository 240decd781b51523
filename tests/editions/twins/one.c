// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>

#include "twins.h"

static __as_written int kmolt_twin(int x)
{
	return x + 1;
}

int show_one(struct seq_file *m, void *v)
{
	seq_printf(m, "one %d\n", kmolt_twin(100));
	return 0;
}
