# The `install` target: every file of a package, under $(DESTDIR). Included by the Makefile, which defines DESTDIR,
# PREFIX, SYSCONFDIR and programs.
#
# Enables and starts nothing, and makes no users: systemd-sysusers does, and `systemctl enable kiosk`.

bindir := $(PREFIX)/bin
libdir := $(PREFIX)/lib
datadir := $(PREFIX)/share

# The last is for trying out an installation.
installed_programs := kioskd kiosk-session kioskctl kiosk-agent kiosk-splash kiosk-describe-inputs kiosk-demo-shell
# A unit's alone: not in $(bindir).
unit_program := kiosk-xwayland

install_program := install -D -m 0755
install_file := install -D -m 0644

install: $(addprefix $(programs)/,$(installed_programs) $(unit_program)) ## all files of a package: DESTDIR= PREFIX=/usr SYSCONFDIR=/etc
	for program in $(installed_programs); do \
		$(install_program) $(programs)/$$program $(DESTDIR)$(bindir)/$$program || exit; \
	done
	install -d $(DESTDIR)$(libdir)/systemd/system
	for unit in assets/systemd/*.service assets/systemd/*.socket assets/systemd/*.path assets/systemd/*.mount assets/systemd/*.target; do \
		installed=$(DESTDIR)$(libdir)/systemd/system/$${unit##*/}; \
		sed 's|^\(ExecStart=\|ExecStartPre=-+\|ExecReload=+\)/usr/bin/kiosk|\1$(bindir)/kiosk|; s|^ExecStart=/usr/lib/|ExecStart=$(libdir)/|' $$unit >$$installed && chmod 0644 $$installed || exit; \
	done
	$(install_program) assets/systemd/kiosk-generator $(DESTDIR)$(libdir)/systemd/system-generators/kiosk-generator
	$(install_program) $(programs)/$(unit_program) $(DESTDIR)$(libdir)/kiosk/$(unit_program)
	$(install_program) assets/init/prepare $(DESTDIR)$(libdir)/kiosk/prepare
	$(install_program) assets/container/in-container $(DESTDIR)$(libdir)/kiosk/in-container
	$(install_file) assets/sysusers/kiosk.conf $(DESTDIR)$(libdir)/sysusers.d/kiosk.conf
	$(install_file) assets/tmpfiles/kiosk.conf $(DESTDIR)$(libdir)/tmpfiles.d/kiosk.conf
	$(install_file) assets/dbus/org.kioskd.conf $(DESTDIR)$(datadir)/dbus-1/system.d/org.kioskd.conf
	for interface in assets/dbus/interfaces/*.xml; do \
		$(install_file) $$interface $(DESTDIR)$(datadir)/dbus-1/interfaces/$${interface##*/} || exit; \
	done
	$(install_file) assets/polkit/org.kioskd.policy $(DESTDIR)$(datadir)/polkit-1/actions/org.kioskd.policy
	$(install_file) assets/polkit/50-kiosk.rules $(DESTDIR)$(datadir)/polkit-1/rules.d/50-kiosk.rules
	$(install_file) assets/pam/kiosk $(DESTDIR)$(SYSCONFDIR)/pam.d/kiosk
	$(install_file) assets/logo/logo.svg $(DESTDIR)$(datadir)/kiosk/logo.svg
	$(install_file) assets/keyboard/glib-2.0/settings/keyfile $(DESTDIR)$(datadir)/kiosk/keyboard/glib-2.0/settings/keyfile
	$(install_file) assets/kiosk.d.ts $(DESTDIR)$(datadir)/kiosk/kiosk.d.ts
	for schema in docs/schemas/*.json; do \
		$(install_file) $$schema $(DESTDIR)$(datadir)/kiosk/schemas/$${schema##*/} || exit; \
	done
	$(install_file) docs/schemas/files/container.json $(DESTDIR)$(datadir)/kiosk/schemas/files/container.json
	for file in assets/prometheus/*; do \
		$(install_file) $$file $(DESTDIR)$(datadir)/kiosk/prometheus/$${file##*/} || exit; \
	done
	$(install_file) assets/chromium/kiosk.json $(DESTDIR)$(SYSCONFDIR)/chromium/policies/managed/kiosk.json
	$(install_file) assets/config/config.toml $(DESTDIR)$(datadir)/doc/kiosk/config.toml
	$(install_file) LICENSE $(DESTDIR)$(datadir)/doc/kiosk/copyright
	for page in assets/man/*.[1-8]; do \
		$(install_file) $$page $(DESTDIR)$(datadir)/man/man$${page##*.}/$${page##*/} || exit; \
	done
	$(kioskctl) generate man $(DESTDIR)$(datadir)/man/man1 >/dev/null
	$(kioskctl) generate config-man $(DESTDIR)$(datadir)/man/man5 >/dev/null
	$(kioskctl) generate bash $(DESTDIR)$(datadir)/bash-completion/completions >/dev/null
	$(kioskctl) generate zsh $(DESTDIR)$(datadir)/zsh/vendor-completions >/dev/null
	$(kioskctl) generate fish $(DESTDIR)$(datadir)/fish/vendor_completions.d >/dev/null
	completions=$(DESTDIR)$(datadir)/bash-completion/completions; \
		! [ -e $$completions/kioskctl.bash ] || mv $$completions/kioskctl.bash $$completions/kioskctl

	$(kiosk_splash) --name kiosk --root $(DESTDIR)/ --config assets/config/config.toml --logo assets/logo/logo.svg >/dev/null

# For a terminal that anybody can walk up to, beside `install`: what its keys may not do.
install-public: ## for images of terminals in public: no SysRq, no Ctrl+Alt+Del, no power key, no virtual terminals
	$(install_file) assets/public/sysctl.conf $(DESTDIR)$(libdir)/sysctl.d/60-kiosk-public.conf
	$(install_file) assets/public/logind.conf $(DESTDIR)$(libdir)/systemd/logind.conf.d/60-kiosk-public.conf
	$(install_file) assets/public/system.conf $(DESTDIR)$(libdir)/systemd/system.conf.d/60-kiosk-public.conf
	$(install_file) assets/public/kiosk.toml $(DESTDIR)$(libdir)/kiosk/config.d/60-public.toml
	install -d $(DESTDIR)$(SYSCONFDIR)/systemd/system
	ln -sf /dev/null $(DESTDIR)$(SYSCONFDIR)/systemd/system/ctrl-alt-del.target

# For systems without systemd, beside `install`. The service scanner's directory of runit and s6 has no usual place.
install-openrc: ## what OpenRC starts the kiosk with (for s6 and runit see assets/init)
	$(install_program) assets/init/openrc/kiosk $(DESTDIR)$(SYSCONFDIR)/init.d/kiosk
	$(install_program) assets/init/openrc/kiosk-session $(DESTDIR)$(SYSCONFDIR)/init.d/kiosk-session

# For pages that are granted cameras, serial ports and the like, beside `install`.
install-devices: ## what lets the browser reach cameras and serial adapters: a group, a udev rule and a drop-in
	$(install_file) assets/devices/kiosk-devices.conf $(DESTDIR)$(libdir)/sysusers.d/kiosk-devices.conf
	$(install_file) assets/devices/70-kiosk-devices.rules $(DESTDIR)$(libdir)/udev/rules.d/70-kiosk-devices.rules
	$(install_file) assets/devices/kiosk-session.conf $(DESTDIR)$(libdir)/systemd/system/kiosk-session.service.d/50-devices.conf

# For shells that run in containers ([shell] container), beside `install`. Podman itself is the distribution's.
install-containers: ## what runs a shell in a container: a socket, a unit and a user of its own
	for unit in kiosk-container.socket kiosk-container@.service; do \
		installed=$(DESTDIR)$(libdir)/systemd/system/$$unit; \
		$(install_file) assets/container/systemd/$$unit $$installed && \
			sed -i 's|^ExecStart=/usr/bin/kiosk|ExecStart=$(bindir)/kiosk|' $$installed || exit; \
	done
	$(install_file) assets/container/systemd/kiosk-container.conf $(DESTDIR)$(libdir)/sysusers.d/kiosk-container.conf
	$(install_file) assets/container/systemd/kiosk-container-tmpfiles.conf $(DESTDIR)$(libdir)/tmpfiles.d/kiosk-container.conf

# (What bash-completion looks for has the program's name and no suffix.)

# When cross-building, ones that run here, for man pages and completions, and for the boot splash.
kioskctl ?= $(programs)/kioskctl
kiosk_splash ?= $(programs)/kiosk-splash

# Only where they are missing: `make install` after `make build` needs no compiler, as with sudo.
$(addprefix $(programs)/,$(installed_programs) $(unit_program)):
	@$(MAKE) --no-print-directory build
