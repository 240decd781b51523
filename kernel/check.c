// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a descriptor of any kind may say, whoever wrote it: where its parts may
 * lie, and what a text may hold.
 */
#include <linux/ctype.h>
#include <linux/overflow.h>

#include "internal.h"

/**
 * kmolt_array_ok - whether an array lies in a module
 * @mod: the module
 * @address: where it begins
 * @n: how many elements; none are always there
 * @size: bytes of each
 */
bool kmolt_array_ok(const struct module *mod, u64 address, u64 n, size_t size)
{
	u64 bytes;

	if (!n)
		return true;
	return address % 8 == 0 && !check_mul_overflow(n, (u64)size, &bytes) &&
	       kmolt_in_module(mod, address, bytes);
}

/**
 * kmolt_word_ok - whether a word may be written as long as a module is loaded
 * @mod: the module
 * @address: where it is
 * @size: its bytes; it is aligned to as many
 */
bool kmolt_word_ok(const struct module *mod, u64 address, size_t size)
{
	struct kmolt_range data = kmolt_module_data(mod);

	return address % size == 0 && address >= data.start &&
	       address < data.end && size <= data.end - address;
}

/**
 * kmolt_descriptor_ok - whether a descriptor stays as long as its module
 * @mod: the module
 * @desc: the descriptor
 * @size: its bytes
 */
bool kmolt_descriptor_ok(const struct module *mod, const void *desc, size_t size)
{
	return kmolt_array_ok(mod, (u64)desc, 1, size);
}

/**
 * kmolt_text_ok - whether a text is one that people can read on one line
 * @text: the text, in a field
 * @size: bytes of the field, with the NUL
 * @allowed: what it may hold besides letters and digits; NULL for anything
 *	printable
 */
bool kmolt_text_ok(const char *text, size_t size, const char *allowed)
{
	size_t length = strnlen(text, size), i;

	if (length == size)
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(text[i]) || !isprint(text[i]) ||
		    (allowed && !isalnum(text[i]) && !strchr(allowed, text[i])))
			return false;
	return true;
}

/**
 * kmolt_in_text - whether an address is in a module's code
 * @mod: the module
 * @address: the address
 */
bool kmolt_in_text(const struct module *mod, u64 address)
{
	struct kmolt_range text = kmolt_module_text(mod);

	return address >= text.start && address < text.end;
}

/**
 * kmolt_ranges_ok - whether each range ends behind where it begins
 * @address: array of struct kmolt_range
 * @n: how many
 */
bool kmolt_ranges_ok(u64 address, u64 n)
{
	const struct kmolt_range *ranges = (const struct kmolt_range *)address;
	u64 i;

	for (i = 0; i < n; i++)
		if (ranges[i].start > ranges[i].end)
			return false;
	return true;
}
