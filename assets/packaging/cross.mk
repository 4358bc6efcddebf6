# `make deb ARCH=arm64` on another machine: the programs for that one's processor. Included by the Makefile where ARCH is
# not this machine's own.
#
# What is made from the programs (man pages, completions, the boot splash) comes from ones that run here, built beside
# them. Debian's libraries of both architectures stand beside each other; Rust's standard library for the other one
# comes by rustup.

ifneq ($(ARCH),arm64)
$(error ARCH=$(ARCH): packages are made for this machine's own architecture, and from elsewhere for arm64)
endif

triple := aarch64-unknown-linux-gnu
gnu := aarch64-linux-gnu

programs = $(target)/$(triple)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
stage = $(abspath $(target))/stage-$(ARCH)
STRIP = $(gnu)-strip
export DEB_HOST_ARCH := $(ARCH)
export KIOSKD_TARGET := $(triple)

# Built by make's prerequisites before they are asked for anything.
here_run := $(target)/debug
kioskctl = $(here_run)/kioskctl
kiosk_splash = $(here_run)/kiosk-splash

cross_build = CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$(gnu)-gcc CC_aarch64_unknown_linux_gnu=$(gnu)-gcc \
	AR_aarch64_unknown_linux_gnu=$(gnu)-ar PKG_CONFIG_ALLOW_CROSS=1 \
	PKG_CONFIG_LIBDIR=/usr/lib/$(gnu)/pkgconfig:/usr/share/pkgconfig \
	$(CARGO) build --locked --target $(triple)

.PHONY: cross-deps
cross-deps: deps
	@$(helpers)/packages cross-$(ARCH)
	@! command -v rustup >/dev/null || rustup --quiet target add $(triple)

build: cross-deps
	$(CARGO) build --locked -p kioskctl --bin kioskctl -p kioskd --bin kiosk-splash
	$(cross_build) --profile $(PROFILE) $(packages)
