#!/bin/sh
# Options alone are HAProxy's. HAProxy runs in the foreground as a master with workers, so that it can be
# told by a signal to read its configuration again; any other command runs as it is.
set -e

case ${1:-} in
  -*) set -- haproxy "$@" ;;
esac
if [ "${1:-}" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
