#!/usr/bin/env bash
# Writes models/<name>.toml for SOURCE. A container that reads SOURCE may not write into models/: it prints, this writes.
#   MODEL=name, or what SOURCE is called; FORCE=1 overwrites
source "$(dirname "$0")/lib.sh"
export ENGINE=native # the other one has no part in it
[ -n "${SOURCE:-}" ] || die "$EXIT_USAGE" "init wants SOURCE=: a graph (.pb), or a checkpoint, with its .meta or of the zoo's networks."
export MODEL=${MODEL:-$(source_model)}
prepare
text=$(run export init --stdout) # which checks the name, too
recipe=models/$MODEL.toml
partial=$(mktemp "$recipe.XXXXXX")
trap 'rm -f "$partial"' EXIT
printf '%s\n' "$text" >"$partial"
chmod 644 "$partial"
mv "$partial" "$recipe"
cat "$recipe"
say "That is $recipe now, yours to edit."
