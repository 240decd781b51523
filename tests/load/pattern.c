// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-random numbers, and contents that tell where they belong. */

#include <stdio.h>
#include <string.h>

#include "load.h"

#define ODD	0x9e3779b97f4a7c15ULL
#define INVERSE	0xf1de83e19937733dULL	/* ODD * INVERSE == 1 (mod 2^64) */

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += ODD;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned int rng_below(struct rng *rng, unsigned int limit)
{
	return (rng_next(rng) >> 32) * limit >> 32;
}

static uint64_t word(uint32_t tag, uint64_t index)
{
	return ((uint64_t)tag << 32 | (uint32_t)index) * ODD;
}

void fill(void *buf, uint32_t tag, uint64_t offset, size_t len)
{
	unsigned char *p = buf;

	while (len) {
		uint64_t w = word(tag, offset / 8);
		size_t skip = offset % 8;
		size_t n = 8 - skip < len ? 8 - skip : len;

		memcpy(p, (unsigned char *)&w + skip, n);
		p += n;
		offset += n;
		len -= n;
	}
}

/* Says what is in the aligned word at offset of a buffer that begins at base. */
static void explain(char *text, size_t size, const unsigned char *buf, size_t len,
		    uint64_t base, uint64_t offset)
{
	uint64_t aligned = offset & ~7ULL;
	uint64_t w;

	if (aligned < base || aligned + 8 > base + len) {
		snprintf(text, size, "byte %02x", buf[offset - base]);
		return;
	}
	memcpy(&w, buf + (aligned - base), 8);
	if (!w) {
		snprintf(text, size, "zeros");
		return;
	}
	w *= INVERSE;
	snprintf(text, size, "write %08x for offset %llu", (unsigned int)(w >> 32),
		 (unsigned long long)(uint32_t)w * 8);
}

bool same(const char *what, const void *got, const void *expected, uint64_t offset, size_t len)
{
	const unsigned char *g = got, *e = expected;
	size_t first = 0, bad = 0, i;
	char is[64], should[64];

	if (!memcmp(got, expected, len))
		return true;
	for (i = len; i-- > 0;) {
		if (g[i] != e[i]) {
			first = i;
			bad++;
		}
	}
	explain(is, sizeof(is), g, len, offset, offset + first);
	explain(should, sizeof(should), e, len, offset, offset + first);
	mismatch("%s: %zu of %zu bytes differ, the first at offset %llu: is %s, should be %s",
		 what, bad, len, (unsigned long long)(offset + first), is, should);
	return false;
}
