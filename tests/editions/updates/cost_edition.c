// SPDX-License-Identifier: GPL-2.0-only
/*
 * Editions of kmolt_cost_target, whose calls kmolt_cost counts the instructions of. The
 * first is the original with another constant: as many instructions, and a sum that
 * tells that it answered. The second calls the original.
 */
#include <kmolt.h>

MODULE_LICENSE("GPL");

KMOLT_EDITION(kmolt_cost_target, 1, kmolt_cost)
static int like_the_original(int a, long b)
{
	return a + (int)b + 1;
}

KMOLT_EDITION(kmolt_cost_target, 2, kmolt_cost)
static int on_top_of_the_original(int a, long b)
{
	return kmolt_original(on_top_of_the_original, a, b) + 2;
}
