/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMOLT_COST_H
#define KMOLT_COST_H

int kmolt_cost_target(int a, long b);

#endif
