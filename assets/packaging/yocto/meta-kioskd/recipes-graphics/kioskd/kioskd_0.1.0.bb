# Linted, not built: nobody has built it with BitBake yet. The crates come from `bitbake -c update_crates kioskd`, which
# writes kioskd-crates.inc beside this file.
SUMMARY = "Display side of an appliance: the logo, then one web page"
DESCRIPTION = "A compositor that draws the logo as its first frame, a supervisor that launches the browser and recovers it, and a command line for both."
HOMEPAGE = "https://example.org/kioskd"
BUGTRACKER = "https://example.org/kioskd/issues"
SECTION = "graphics"
CVE_PRODUCT = "kioskd"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=62cbbb661501a5fee39ee78ca09f3b02"

DEPENDS = "libinput libxkbcommon pixman seatd udev virtual/egl virtual/libgbm"

SRC_URI = "file://kioskd-${PV}.tar.gz"

inherit cargo cargo-update-recipe-crates pkgconfig systemd useradd

require kioskd-crates.inc

SYSTEMD_SERVICE:${PN} = "kiosk.service"

USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system kiosk-admin"
USERADD_PARAM:${PN} = "\
    --system --user-group --no-create-home kiosk-keyboard; \
    --system --user-group --home-dir ${localstatedir}/lib/kiosk --no-create-home --groups video,input,render,tty,kiosk-admin,kiosk-keyboard kiosk; \
    --system --user-group --home-dir ${localstatedir}/lib/kiosk-web --no-create-home --groups kiosk,render,audio kiosk-web; \
    --system --user-group --no-create-home kiosk-vnc; \
    --system --user-group --no-create-home kiosk-xwayland; \
    --system --user-group --no-create-home --groups kiosk-admin kiosk-agent \
"

CARGO_BUILD_FLAGS += "-p kioskd -p kiosk-session -p kioskctl -p kiosk-agent"

do_install() {
    # Man pages, completions and the boot splash come from programs that would have to run here.
    oe_runmake -C ${S} install DESTDIR=${D} PREFIX=${prefix} SYSCONFDIR=${sysconfdir} \
        programs=${B}/target/${CARGO_TARGET_SUBDIR} kioskctl=true kiosk_splash=true
}

FILES:${PN} += "\
    ${datadir}/bash-completion \
    ${datadir}/dbus-1 \
    ${datadir}/kiosk \
    ${datadir}/polkit-1 \
    ${nonarch_libdir}/kiosk \
    ${nonarch_libdir}/sysusers.d \
    ${nonarch_libdir}/tmpfiles.d \
    ${systemd_unitdir} \
"
# libwayland-server is loaded at the start and not linked.
RDEPENDS:${PN} += "dbus wayland xkeyboard-config"
