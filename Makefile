# kmolt: set up, build, show and test. See CONTRIBUTING.md.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE := $(or $(KMOLT_CACHE),$(HOME)/.cache/kmolt)
export KMOLT_CACHE := $(CACHE)
# The kernels that guests boot and that the core is built for.
KERNELS ?= 6.1.0-55-amd64 6.1.0-56-amd64 $(NEWER)
# Pairs that docs/compatibility.md is about, OLD:NEW.
PAIRS ?= 6.1.0-50-amd64:6.1.0-53-amd64 6.1.0-55-amd64:6.1.0-56-amd64 6.12.115+deb12-amd64:$(NEWER)
# Modules are swapped on it; editions of functions are not for it.
NEWER := 6.12.117+deb12-amd64
OLDER = $(filter 6.1.%,$(KERNELS))

PACKAGES := qemu-system-x86 linux-headers-amd64 linux-source-6.1 linux-source-6.12 gcc libc6-dev make patch perl libzydis4.0 \
	libzstd1 zstd pahole busybox-static kmod cpio xz-utils e2fsprogs util-linux iproute2 binutils \
	ovmf sbsigntool openssl

JAVA_HOME := $(shell scripts/find-jdk)
export JAVA_HOME
MAVEN := mvn -B -q -ntp
# Tests of guests: two at a time, as a guest keeps one core busy.
TEST := mvn -B -ntp -DtestForks=2

CORE_SOURCES := $(wildcard kernel/*.c kernel/*.h kernel/Kbuild kernel/routes/*) scripts/build-core
CORES := $(KERNELS:%=target/kernel/%/kmolt.ko)
# The demo loads these.
EDITIONS := $(OLDER:%=target/editions/%/meminfo.ko)

.PHONY: help setup build check-core core kernels jar fixtures demo test test-612 test-soak debug-kernel test-debug test-thousand test-mutations compatibility test-quick clean format

help: ## say what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: ## install what is missing, fetch the kernels that the lab boots
	@command -v mvn >/dev/null || scripts/setup maven
	@scripts/setup $(PACKAGES)
	@$(MAKE) --no-print-directory jar
	@./kmolt lab kernel fetch --headers $(KERNELS)

jar: target/kmolt.jar

target/kmolt.jar: pom.xml $(shell find src/main -type f)
	@echo "building kmolt"
	@$(MAVEN) -DskipTests package
	@touch $@

core: $(CORES) ## build the core for KERNELS

target/kernel/%/kmolt.ko: $(CORE_SOURCES)
	@echo "building the core for $*"
	@scripts/build-core $* $(CACHE)/kernels/$* $(dir $@)

build: jar core ## build the tool and the core

fixtures: build $(EDITIONS) ## build the modules that tests and demo load and swap
	@tests/fixtures/build --kernel $(lastword $(OLDER))
	@tests/fixtures/build --kernel $(NEWER) minix jbd2 ext4 greeter waiter

target/editions/%/meminfo.ko: examples/editions/meminfo.c include/kmolt.h target/kmolt.jar
	@mkdir -p $(dir $@)
	@./kmolt edition build $< --kernel $* -o $@

demo: setup ## swap a mounted ext4 and a device of ours, route one user to an edition
	@$(MAKE) --no-print-directory build fixtures
	@./kmolt demo

test: setup ## everything that guards the product
	@scripts/setup clang-14
	@$(MAKE) --no-print-directory build fixtures check-core
	@$(TEST) verify -DexcludedTags=none
	@$(TEST) surefire:test -DexcludedTags=none -Dgroups=every-kernel -Dkmolt.kernel=$(NEWER) -Dkmolt.rounds=1

test-612: setup ## all tests of swaps on 6.12, of which test runs a part
	@$(MAKE) --no-print-directory build fixtures
	@tests/fixtures/build --kernel $(NEWER) editions swaps
	@$(TEST) test -DexcludedTags=none -Dtest='io.kmolt.swap.*Test' -Dkmolt.kernel=$(NEWER)

test-soak: setup ## what test does a few times only, many times: swaps and loads under load
	@$(MAKE) --no-print-directory build fixtures
	@$(TEST) test -DexcludedTags=none -Dkmolt.rounds=6 -Dkmolt.loads=200 -Dkmolt.swaps=24 -Dkmolt.flips=5000 \
		-Dtest='FileSystemSwapTest,GreeterSwapTest,EditionChainTest,ManyBuildsTest,EditionUnloadTest,EditionFlipTest'

debug-kernel: ## build the kernel that looks for mistakes (lockdep, KASAN), once; see CONTRIBUTING.md
	@scripts/setup $(PACKAGES) flex bison bc libelf-dev
	@scripts/build-debug-kernel

test-debug: setup debug-kernel ## all lab tests of swaps and editions on the debug kernel, which must report nothing
	@release=$$(scripts/build-debug-kernel --release) && \
		$(MAKE) --no-print-directory jar core target/editions/$$release/meminfo.ko KERNELS=$$release && \
		tests/fixtures/build --kernel $$release && \
		$(TEST) test -Dgroups=lab -DexcludedTags=stock -Dkmolt.kernel=$$release -Dkmolt.rounds=1 -Dkmolt.loads=50

test-thousand: setup ## 1,000 swaps of a busy module to 1,000 distinct builds: what is left in memory
	@$(MAKE) --no-print-directory build fixtures
	@mvn -B -ntp test -DexcludedTags=none -Dtest=ManyBuildsTest -Dkmolt.swaps=1000

MUTATIONS ?= 2000
SEED ?= 1

test-mutations: setup ## MUTATIONS (2000) changes of modules and sources with SEED, of which none may be missed; rebuilds, shuffles
	@scripts/setup ccache
	@$(MAKE) --no-print-directory build fixtures
	@echo "$(MUTATIONS) mutations with seed $(SEED)"
	@mvn -B -ntp test -DexcludedTags=none -Dtest='MutationTest,SourceMutationTest,ShuffledOrderTest,RebuildTest' \
		-Dkmolt.mutations=$(MUTATIONS) -Dkmolt.seed=$(SEED) -Dkmolt.shuffles=3 -Dkmolt.rebuilt=minix,jbd2,ext4

check-core: ## the kernel's own style check over the core
	@scripts/check-core $(CACHE)

compatibility: jar ## compare all modules of pairs of kernels, write docs/compatibility.md
	@KMOLT_JAVA_OPTS="$${KMOLT_JAVA_OPTS:--Xmx1g}" scripts/compatibility $(PAIRS)

test-quick: ## the tests that need no guest
	@$(MAVEN) test

format: ## format the Java sources
	@$(MAVEN) spotless:apply

clean: ## remove what was built; fetched kernels stay in the cache
	@rm -rf target
