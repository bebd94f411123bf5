#!/bin/sh
# test-install.sh PACKAGE: installs the Debian package into fresh Debians, one after the other, and
# starts it there as its service would; upgrades, removes and purges it.  As root; needs debootstrap
# and this machine's archive of Debian.  A Debian that cannot be had is told, and only 12 has to be.
set -eu
package=$1
version=$(dpkg-deb -f "$package" Version)
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
  grep -v security | sort -u | head -1)
root=$(mktemp -d /var/tmp/moonledger-install.XXXXXX)
chmod 755 "$root" # it becomes everybody's /
server=

finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 1' INT TERM

enter="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot $root"

inside() {
  $enter "$@"
}

# The command of the unit, as the unit's user; until it answers.
start() {
  command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/moonledger.service")
  $enter setpriv --reuid=moonledger --regid=moonledger --clear-groups $command &
  server=$!
  tries=0
  until inside moonledger health --quiet 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] && kill -0 "$server"
    sleep 0.1
  done
}

stop() {
  kill "$server"
  wait "$server"
  server=
}

requests() {
  inside moonledger usage model --json | sed 's/.*"totals":.*"requests":\([0-9]*\).*/\1/'
}

expect() {
  [ "$2" = "$3" ] || { echo "$1: expected $3, got $2" >&2 && exit 1; }
}

# The same program as a later package.
later_package() {
  work=$root/tmp/later
  dpkg-deb -R "$1" "$work"
  sed -i "s/^Version: .*/Version: $version+later/" "$work/DEBIAN/control"
  dpkg-deb -b "$work" "$root/tmp/later.deb" >/dev/null
  rm -r "$work"
}

try() {
  cp "$package" "$root/tmp/first.deb"
  later_package "$package"
  mount -t proc proc "$root/proc"
  inside dpkg -i /tmp/first.deb
  expect "owner of the data" "$(inside stat -c %U:%a /var/lib/moonledger)" moonledger:750
  start
  printf '{"model":"m","cost_usd":1}\n' >"$root/tmp/one.json"
  inside moonledger import /tmp/one.json
  expect "rows of the server" "$(requests)" 1
  stop
  expect "rows of the file" "$(requests)" 1
  echo '-- mine' >>"$root/etc/moonledger/config.lua"
  inside dpkg -i /tmp/later.deb
  expect "version" "$(inside dpkg-query -W -f '${Version}' moonledger)" "$version+later"
  tail -1 "$root/etc/moonledger/config.lua" | grep -q mine
  start
  expect "rows after the upgrade" "$(requests)" 1
  stop
  inside dpkg -r moonledger
  inside dpkg -P moonledger
  [ ! -e "$root/etc/moonledger" ] && [ -s "$root/var/lib/moonledger/moonledger.db" ]
  umount "$root/proc"
}

for debian in bookworm trixie; do
  echo "== $debian" >&2
  if ! debootstrap --variant=minbase "$debian" "$root" "$archive" >"$root.log" 2>&1; then
    tail -3 "$root.log" >&2
    [ "$debian" != bookworm ] || exit 1
    echo "$debian cannot be had here." >&2
  else
    try >&2
    echo "$debian: installed, started, upgraded, removed; its data stayed"
  fi
  rm -f "$root.log"
  rm -rf --one-file-system "$root"
  mkdir -m 755 "$root"
done
