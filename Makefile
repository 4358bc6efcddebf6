# Everything a person does with this checkout; `make help` lists it.

CARGO ?= cargo
PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
# Of the machine that the tests boot. Programs built on a newer release do not run on bookworm.
GUEST_RELEASE ?= trixie
# Of the installed programs: release or dev.
PROFILE ?= release
CARGO_DENY_VERSION := 0.20.2
TYPOS_VERSION := 1.42.3

target := $(or $(CARGO_TARGET_DIR),target)
programs = $(target)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# Of `make deb`: this machine's own, or arm64 from any.
ARCH ?=
packages := -p kioskd -p kiosk-session -p kioskctl -p kiosk-agent
helpers := assets/run

.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1\t/p' $(MAKEFILE_LIST) | sort | expand -t 16

ifneq ($(filter-out $(shell dpkg --print-architecture 2>/dev/null),$(ARCH)),)
include assets/packaging/cross.mk
else
stage = $(abspath $(target))/stage
STRIP ?= strip

build: deps ## the three programs (PROFILE=release or dev)
	$(CARGO) build --locked --profile $(PROFILE) $(packages)
endif

run: PROFILE = dev
run: run-deps build ## the demo page on the best screen there is, or its picture where there is none
	@$(helpers)/demo $(programs)

deps: ## the Debian packages to build with
	@$(helpers)/packages build

run-deps: ## and those to show a page with
	@$(helpers)/packages run

test-deps: ## and those to test with
	@$(helpers)/packages test

include assets/install.mk

fmt: ## formats the code
	$(CARGO) fmt --all

check: check-fmt check-clippy check-msrv doc check-deny check-typos ## everything that looks at the code without running it

check-fmt:
	$(CARGO) fmt --all --check

# What a plain `cargo test` leaves out is left out of all targets too.
apart := --test nested --test soak --test clients --test conformance --test faults --test images --test vm --bench peers --bench boot --bench floods

check-clippy: deps
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p kiosk-tests $(apart) -- -D warnings
	$(CARGO) clippy --locked -p kiosk-wlcs --features conformance -- -D warnings

check-msrv: deps ## that the oldest toolchain that Cargo.toml claims builds everything
	@$(helpers)/msrv $(CARGO)

# Links from public items to private ones lead somewhere, since both are documented.
doc: deps ## the documentation of all items, private ones too; a warning is an error
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --locked --workspace --no-deps --document-private-items

# Advisories are checked where their database can be fetched, which takes a network that builders may not have: then it
# says that they were not.
check-deny:
	deny=$$($(helpers)/tool cargo-deny $(CARGO_DENY_VERSION)) && \
		$$deny --workspace check licenses bans sources && \
		if timeout 120 $$deny --workspace fetch db >/dev/null 2>&1; then \
			$$deny --workspace check --disable-fetch advisories; \
		else \
			echo "Advisories were NOT checked: their database can't be fetched from here" >&2; \
		fi

check-typos:
	$$($(helpers)/tool typos-cli $(TYPOS_VERSION) typos)

test: test-deps check test-unit test-conformance test-nested test-packaging test-deb test-machine ## all checks and tests: units, in-process, conformance, nested, packaging, packages, and the booted machine

# With LIMITED set, as the gate has it, a test that hangs is a failure with a name and not a run without an end. The
# times are far more than a slow machine takes, building included. Not by default: Ctrl+C would not reach the tests.
limited = $(if $(LIMITED),timeout --signal=INT --kill-after=20 $(1))

# One test, or several: those whose names contain T.
T ?=
chosen = $(if $(T),-- $(T))

test-unit: test-deps ## tests that need no machine of their own (T=part of a test's name)
	$(call limited,40m) $(CARGO) test --locked --workspace --no-fail-fast $(chosen)

test-nested: test-deps ## kioskd as a window of a headless weston (T=)
	$(call limited,15m) $(CARGO) test --locked --workspace --test nested --no-fail-fast $(chosen)

# Beside the workspace's programs, which have nothing of it.
test-conformance: test-deps ## WLCS, the Wayland conformance suite, but for what tests/wlcs/expected.toml says
	$(CARGO) build --locked -p kiosk-wlcs --features conformance
	KIOSKD_WLCS=$(abspath $(target))/debug/libkiosk_wlcs.so \
		$(call limited,15m) $(CARGO) test --locked --workspace --test conformance --no-fail-fast -- --nocapture

stage: build ## an installed tree, for the machine tests
	@rm -rf $(stage)
	@$(MAKE) --no-print-directory install install-containers PROFILE=$(PROFILE) DESTDIR=$(stage) >/dev/null
	@$(STRIP) --strip-debug $(stage)$(PREFIX)/bin/* $(stage)$(PREFIX)/lib/kiosk/$(unit_program)

# What the unit tests were built with, so that nothing is compiled twice.
test-machine: PROFILE = dev
test-machine: packages = --workspace
test-machine: test-deps stage ## the kiosk in a booted Debian under QEMU (T=, GUEST_RELEASE=trixie or bookworm)
	KIOSKD_STAGE=$(stage) KIOSKD_GUEST_RELEASE=$(GUEST_RELEASE) $(call limited,60m) $(CARGO) test --locked --workspace --test vm $(chosen)

# Its root is built of its own, once.
test-programs: PROFILE = dev
test-programs: packages = --workspace
test-programs: test-deps stage ## other programs and a container as the shell, in a booted Debian; not in the gate (T=)
	KIOSKD_GUEST_PROGRAMS=yes KIOSKD_STAGE=$(stage) KIOSKD_GUEST_RELEASE=$(GUEST_RELEASE) \
		$(call limited,60m) $(CARGO) test --locked --workspace --test vm $(chosen)

deb: deb-deps stage ## the Debian packages, in target/deb (VERSION=, PROFILE=, ARCH=arm64 for another machine's)
	assets/packaging/deb $(stage) $(target)/deb $(VERSION)
	@ls $(target)/deb/*.deb

apt-repository: deb ## a signed repository of them, in target/apt (KEY=, of your keyring)
	assets/packaging/apt-repository $(target)/deb $(target)/apt $(KEY)

# VERSION= LOGO= SCREEN= URL= ROTATION= WIFI= UPDATES= KEY= SECURE_BOOT_KEY= SECURE_BOOT_CERTIFICATE= HARDWARE= FORMATS=: assets/images/build says what each is.
export VERSION LOGO SCREEN URL ROTATION WIFI UPDATES KEY SECURE_BOOT_KEY SECURE_BOOT_CERTIFICATE HARDWARE FORMATS

image: as-root image-deps deb ## an x86-64 disk image, in target/image (LOGO= URL= ROTATION= WIFI= HARDWARE=yes FORMATS="qcow2 xz ova raw")
	assets/images/build $(target)/deb $(stage) $(target)/image
	@ls -s -h $(target)/image/*.*

# By rpi-image-gen, in a checkout of its own. Its packages are made before, by `make deb ARCH=arm64`; the programs of this
# machine draw the logo and check what is said.
export RPI_IMAGE_GEN BOARD

image-pi: stage ## an image for a Raspberry Pi, in target/image-pi (RPI_IMAGE_GEN=DIR BOARD=pi5 LOGO= URL= ROTATION= WIFI= SCREEN=)
	assets/images/rpi/build $(target)/deb $(stage) $(target)/image-pi
	@ls -s -h $(target)/image-pi/*.*

# Before anything is built.
as-root:
	@[ "$$(id -u)" = 0 ] || { echo "image: it needs root: sudo make $(MAKECMDGOALS) …" >&2; exit 1; }

image-deps: deb-deps
	@$(helpers)/packages image

deb-deps: deps
	@$(helpers)/packages deb

# Installed, upgraded, downgraded, removed and purged in roots of both releases.
test-deb: PROFILE = dev
test-deb: packages = --workspace
test-deb: test-deps deb-deps stage ## the packages in fresh Debian roots
	$(call limited,20m) tests/deb/run $(stage) $(target)/deb-test

# kioskd's image by buildah, run by podman as far as a machine lets it, and a shell in a container.
test-containers: PROFILE = dev
test-containers: packages = --workspace
test-containers: test-deps deb-deps stage ## kioskd in a container, and a shell in one
	@$(helpers)/packages containers
	$(call limited,15m) tests/containers/run $(stage) $(programs) $(target)/containers-test

# The ways in for other systems: linted, and their files compared with those of `make install`.
test-packaging: PROFILE = dev
test-packaging: packages = --workspace
test-packaging: test-deps build ## init scripts and packages for other systems, as far as they can be looked at here
	$(call limited,10m) tests/packaging/run $(programs)
	$(call limited,10m) tests/images/check $(programs)
	$(call limited,10m) tests/images/raspberry-pi $(programs)

# Disk images, booted as they are flashed. PART: a part's name, such as boots or falls_back.
test-images: PROFILE = dev
test-images: packages = --workspace
# Of arm64 alone no disk image is made.
only_arm64 := $(filter arm64%,$(PART))
test-images: as-root test-deps $(if $(only_arm64),,image-deps deb) ## disk images from the build to the page, in QEMU; not in the gate (PART=)
	@$(helpers)/packages test-images
ifeq ($(only_arm64),)
	tests/images/run $(target)/deb $(stage) $(abspath $(target))/images-test
endif
ifneq ($(or $(only_arm64),$(if $(PART),,all)),)
	@$(helpers)/packages test-arm64
	$(MAKE) --no-print-directory deb ARCH=arm64 PROFILE=$(PROFILE)
	tests/images/arm64 $(target)/deb $(abspath $(target))/images-test/arm64
endif
	KIOSKD_IMAGES=$(abspath $(target))/images-test $(CARGO) test --locked --workspace --test images -- $(PART)

# How long `make fuzz` goes on with each of its targets.
FUZZ_SECONDS ?= 60

fuzz-deps: deps
	@$(helpers)/packages fuzz

fuzz: fuzz-wire fuzz-parsers ## hostile clients, files and messages, each kind for FUZZ_SECONDS (60)

fuzz-wire: test-deps ## hostile Wayland clients, with the seed of one that did harm
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --locked -p kiosk-tests --test in_process bad::wire_fuzz -- --nocapture

fuzz-parsers: fuzz-deps ## whatever is read from elsewhere, by libFuzzer (T=a target, such as config)
	CARGO="$(CARGO)" tests/fuzz/run $(abspath $(target)) $(FUZZ_SECONDS) $(T)

# How long `make soak` goes on. The browser's own memory is not watched: kiosk-session bounds it.
SOAK_MINUTES ?= 240

soak: test-deps ## hours of a kiosk's life (SOAK_MINUTES=240), with a picture of what both daemons hold
	$(CARGO) build --locked --workspace
	SOAK_MINUTES=$(SOAK_MINUTES) $(CARGO) test --locked --workspace --test soak -- --nocapture
	@ls tests/out/soak.svg

clients: deps ## Debian's own programs on kioskd's sockets, with their pictures in tests/out/clients (T=)
	@$(helpers)/packages clients
	$(CARGO) build --locked --workspace
	$(CARGO) test --locked --workspace --test clients --no-fail-fast $(chosen)
	@ls tests/out/clients/*.png

# How often `make faults` does each fault. A minute's rest is between two.
FAULTS_REPEAT ?= 20
FAULTS ?=

faults: test-deps ## how soon each fault is noticed, and the page back (FAULTS_REPEAT=20, FAULTS=part of a name), as a table
	$(CARGO) build --locked --workspace
	FAULTS_REPEAT=$(FAULTS_REPEAT) FAULTS="$(FAULTS)" $(CARGO) test --locked --workspace --test faults -- --nocapture

bench: test-deps stage ## the figures beside cage's and weston's, in one booted machine
	KIOSKD_STAGE=$(stage) $(CARGO) test --locked --workspace --bench peers

# Starts of each that count, beside one that does not.
BOOT_RUNS ?= 3

bench-boot: as-root test-deps image-deps deb ## power-on to the page beside cage's, with the same disk image, as a table (BOOT_RUNS=3)
	@$(helpers)/packages test-images
	ONLY_IMAGE=yes tests/images/run $(target)/deb $(stage) $(abspath $(target))/images-bench
	tests/images/cage $(abspath $(target))/images-bench/kiosk_1.raw $(abspath $(target))/images-bench
	BOOT_RUNS=$(BOOT_RUNS) KIOSKD_IMAGES=$(abspath $(target))/images-bench $(CARGO) test --locked --workspace --bench boot

SHOW ?= small
profile: test-deps build ## where a frame's time goes, by spans: a table, and a flame graph (SHOW=small or full, PROFILE=release)
	$(CARGO) build --locked --profile $(PROFILE) -p kiosk-tests --bin kiosk-profile --bin kiosk-bench-client
	@mkdir -p tests/out
	$(programs)/kiosk-profile $(programs) tests/out/profile.svg --show $(SHOW)

bench-floods: test-deps stage ## how long others wait while every socket is flooded, natively
	KIOSKD_BIN=$(stage)/usr/bin/kioskd $(CARGO) test --locked --workspace --bench floods

bench-fleet: ## a fleet's devices against mosquitto and prometheus of this machine; FLEET=1000 for fewer than 10,000
	$(CARGO) run --release --locked -p kiosk-tests --bin kiosk-fleet

clean: ## what was built
	$(CARGO) clean
	rm -rf tests/out

.PHONY: help build run clients deps run-deps test-deps install install-public install-devices install-containers install-openrc fmt check doc check-fmt check-clippy check-msrv \
	check-deny check-typos test test-unit test-conformance test-nested stage test-machine deb deb-deps as-root image image-deps image-pi test-images test-deb test-containers test-packaging fuzz fuzz-deps fuzz-wire fuzz-parsers soak faults bench bench-boot bench-floods bench-fleet profile clean
