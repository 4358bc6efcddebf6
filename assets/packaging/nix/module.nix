# A NixOS module, with the package. Parsed, not built: nobody has built it on NixOS yet.
#
#   imports = [ ./kioskd/assets/packaging/nix/module.nix ];
#   services.kioskd = { enable = true; settings.shell.url = "http://localhost:3000"; };
{ config, lib, pkgs, ... }:

let
  cfg = config.services.kioskd;
  toml = pkgs.formats.toml { };

  kioskd = pkgs.rustPlatform.buildRustPackage {
    pname = "kioskd";
    version = "0.1.0";
    src = ../../..;
    cargoLock.lockFile = ../../../Cargo.lock;
    cargoBuildFlags = [ "-p" "kioskd" "-p" "kiosk-session" "-p" "kioskctl" "-p" "kiosk-agent" ];
    doCheck = false; # The tests want weston, Chromium and QEMU.
    nativeBuildInputs = [ pkgs.pkg-config ];
    buildInputs = with pkgs; [ libGL libgbm libinput libxkbcommon pixman seatd udev ];
    installPhase = ''
      make install DESTDIR= PREFIX=$out SYSCONFDIR=$out/etc programs=target/${pkgs.stdenv.hostPlatform.rust.cargoShortTarget}/release
    '';
    meta = {
      description = "Display side of an appliance: the logo, then one web page";
      license = lib.licenses.mit;
      platforms = lib.platforms.linux;
    };
  };
in
{
  options.services.kioskd = {
    enable = lib.mkEnableOption "the kiosk: the logo, then one web page";
    package = lib.mkOption {
      type = lib.types.package;
      default = kioskd;
      description = "What is started.";
    };
    settings = lib.mkOption {
      type = toml.type;
      default = { };
      description = "What /etc/kiosk/config.toml says; see kiosk.toml(5).";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."kiosk/config.toml".source = toml.generate "kiosk.toml" (
      lib.recursiveUpdate { shell.browser = "${pkgs.chromium}/bin/chromium"; } cfg.settings
    );
    # libwayland-server is loaded at the start and not linked.
    systemd.services.kiosk.environment.LD_LIBRARY_PATH = lib.makeLibraryPath [ pkgs.wayland pkgs.libGL ];
    systemd.packages = [ cfg.package ];
    systemd.tmpfiles.packages = [ cfg.package ];
    services.dbus.packages = [ cfg.package ];
    security.polkit.enable = true;
    security.pam.services.kiosk.startSession = true;
    systemd.services.kiosk.wantedBy = [ "graphical.target" ];
    systemd.defaultUnit = "graphical.target";

    # The users of assets/sysusers/kiosk.conf.
    users.groups = { kiosk = { }; kiosk-admin = { }; kiosk-web = { }; kiosk-vnc = { }; kiosk-xwayland = { }; kiosk-agent = { }; kiosk-keyboard = { }; };
    users.users.kiosk = {
      isSystemUser = true;
      group = "kiosk";
      home = "/var/lib/kiosk";
      extraGroups = [ "video" "input" "render" "tty" "kiosk-admin" "kiosk-keyboard" ];
    };
    users.users.kiosk-web = {
      isSystemUser = true;
      group = "kiosk-web";
      home = "/var/lib/kiosk-web";
      extraGroups = [ "kiosk" "render" "audio" ];
    };
    users.users.kiosk-vnc = {
      isSystemUser = true;
      group = "kiosk-vnc";
    };
    users.users.kiosk-xwayland = {
      isSystemUser = true;
      group = "kiosk-xwayland";
    };
    users.users.kiosk-agent = {
      isSystemUser = true;
      group = "kiosk-agent";
      extraGroups = [ "kiosk-admin" ];
    };
    users.users.kiosk-keyboard = {
      isSystemUser = true;
      group = "kiosk-keyboard";
    };
  };
}
