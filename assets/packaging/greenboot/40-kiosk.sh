#!/bin/sh
# For greenboot: a boot is good when the page has been on the screen for half a minute. Goes to
# /etc/greenboot/check/required.d/40-kiosk.sh, executable.
# greenboot runs it before boot-complete.target, as kiosk-health.service would be, which stays off then.
set -eu
kioskctl wait page-visible --stable 30s --timeout 5m
