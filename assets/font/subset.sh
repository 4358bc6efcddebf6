#!/bin/sh
# Makes kiosk-sans.ttf out of DejaVu Sans (Debian package fonts-dejavu-core); needs fonttools.
# Latin, Greek, Cyrillic, punctuation, arrows and a few signs; no hints and no layout tables, which the splash
# does not read; the kerning table stays.
set -eu
cd "$(dirname "$0")"
pyftsubset "${1:-/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf}" --output-file=kiosk-sans.ttf \
  --no-hinting --layout-features='' --legacy-kern --notdef-outline --no-glyph-names --no-recalc-timestamp \
  --drop-tables+=FFTM,GSUB,GPOS,GDEF,MATH --name-IDs='0,1,2,3,4,5,6,13,14' \
  --unicodes='U+0020-007E,U+00A0-00AC,U+00AE-017F,U+0192,U+0218-021B,U+0237,U+02BB-02BD,U+02C6,U+02C7,U+02D8-02DD,U+0300-0304,U+0306-030C,U+0327-0328,U+0384-03CE,U+0400-045F,U+0490-0491,U+1E9E,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032,U+2033,U+2039,U+203A,U+203E,U+2044,U+20AC,U+2116,U+2122,U+2190-2199,U+21BB,U+2212,U+2248,U+2260,U+2264,U+2265,U+25A1,U+25CF,U+2713,U+2714,U+2717,U+26A0,U+FFFD'
