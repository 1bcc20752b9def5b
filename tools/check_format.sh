#!/usr/bin/env bash
# Checks (or with --fix makes) the format of the sources. The public header, and what it was, is laid out by hand.
set -uo pipefail
cd "${TRUNKLINE_CHECK_ROOT:-$(dirname "${BASH_SOURCE[0]}")/..}" || exit 1

folders=()
for folder in core capi bindings cli examples tests bench; do
  [[ -d $folder ]] && folders+=("$folder")
done
mapfile -t files < <(find "${folders[@]}" -regex '.*\.\(c\|cpp\|h\|hpp\)' ! -name trunkline.h | sort)
if ((${#files[@]} == 0)); then
  echo "FAILED format: there are no sources"
  exit 1
fi
if [[ ${1:-} == --fix ]]; then
  exec clang-format-14 -i "${files[@]}"
fi
if output=$(clang-format-14 --dry-run -Werror "${files[@]}" 2>&1); then
  echo "ok format: ${#files[@]} files"
else
  echo "FAILED format: make format corrects it"
  grep -oE '^[^ :]+:[0-9]+' <<<"$output" | sort -u | sed 's/^/    /' | head -40
  [[ $output == *:* ]] || echo "    $output"
  exit 1
fi
