################################################################################
#
# kioskd
#
################################################################################

# Its form is checked, not built: nobody has built it in Buildroot yet. The source is a tarball of a release in the
# download directory; kioskd.hash is made with it.
KIOSKD_VERSION = 0.1.0
KIOSKD_SOURCE = kioskd-$(KIOSKD_VERSION).tar.gz
KIOSKD_SITE = https://example.org/kioskd
KIOSKD_LICENSE = MIT
KIOSKD_LICENSE_FILES = LICENSE
KIOSKD_DEPENDENCIES = host-pkgconf dbus libegl libgbm libinput libxkbcommon pixman seatd udev wayland xkeyboard-config
KIOSKD_CARGO_BUILD_OPTS = -p kioskd -p kiosk-session -p kioskctl -p kiosk-agent

# Man pages and completions come from programs that run here; an image has no use for either.
define KIOSKD_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) install DESTDIR=$(TARGET_DIR) PREFIX=/usr SYSCONFDIR=/etc \
		programs=$(@D)/target/$(RUSTC_TARGET_NAME)/$(if $(BR2_ENABLE_DEBUG),debug,release) kioskctl=true kiosk_splash=true
endef

define KIOSKD_USERS
	- -1 kiosk-admin -1 - - - - Members control the kiosk
	kiosk -1 kiosk -1 * /var/lib/kiosk - video,input,render,tty,kiosk-admin,kiosk-keyboard Kiosk display
	kiosk-web -1 kiosk-web -1 * /var/lib/kiosk-web - kiosk,render,audio Kiosk browser
	kiosk-vnc -1 kiosk-vnc -1 * - - - Kiosk remote viewing
	kiosk-xwayland -1 kiosk-xwayland -1 * - - - Kiosk X11 server
	kiosk-agent -1 kiosk-agent -1 * - - kiosk-admin Kiosk HTTP interface
	kiosk-keyboard -1 kiosk-keyboard -1 * - - - Kiosk on-screen keyboard
endef

$(eval $(cargo-package))
