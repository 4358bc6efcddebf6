#!/bin/sh
# Turns the add-on's options into kioskd's configuration, and starts it. What is kept is in /data, as for every add-on.
set -eu
options=${KIOSK_ADDON_OPTIONS:-/data/options.json}
config=${KIOSK_ADDON_CONFIG:-/etc/kiosk/config.d/60-home-assistant.toml}
mkdir -p "$(dirname "$config")"
# A JSON text is a TOML one.
jq -r '"[shell]\nurl = \(.url | tojson)\n[output.\"*\"]\nrotation = \(.rotation | tonumber)"' "$options" >"$config"
[ -n "${KIOSK_ADDON_OPTIONS:-}" ] || for kept in kiosk kiosk-web; do
    mkdir -p "/data/$kept"
    chown "$kept:$kept" "/data/$kept"
    rm -rf "/var/lib/$kept"
    ln -s "/data/$kept" "/var/lib/$kept"
done
exec "${KIOSK_ADDON_START:-/usr/lib/kiosk/in-container}"
