#!/usr/bin/env bash
# Prints the folder of a Python environment with the packages of a requirements file; installs it when it is not there.
#
#   venv=$(infra/venv.sh infra/template/requirements.txt) || exit 2
set -euo pipefail
cd "$(dirname "$0")/.."
requirements=$1

cannot() {
  echo "$1" >&2
  exit 2
}

command -v python3 >/dev/null || cannot 'python3 is missing.'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || cannot 'python3 is older than 3.11.'
python3 -c 'import venv, ensurepip' 2>/dev/null || cannot 'python3 has no venv module (on Debian: python3-venv).'

# The folder is named after what is in it, so that a change of the requirements makes a new one.
venv=$PWD/target/venv/$(cksum <"$requirements" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  echo "Installing $(grep -c == "$requirements") packages into $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv" >&2 || cannot 'The virtual environment could not be made.'
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 ||
    cannot 'The packages could not be installed.'
  touch "$venv/complete"
fi
echo "$venv"
