#!/usr/bin/env bash
# Stands in for docker in the tests of `make smoke`: a container is a process on this machine, $CODE its image.
set -euo pipefail

command=$1
shift
case $command in
  run)
    environment=()
    while [ $# -gt 1 ]; do
      case $1 in
        --env) environment+=("$2"); shift ;;
        --name | --cap-drop | --security-opt | --tmpfs) shift ;;
      esac
      shift
    done
    module=$(sed -n 's/^CMD \["python", "-m", "\(.*\)"\]$/\1/p' "$CODE/Dockerfile")
    (
      cd "$CODE/src"
      env "${environment[@]}" python -m "$module" > "$FOLDER/log" 2>&1 && code=0 || code=$?
      echo "$code" > "$FOLDER/code"
    ) > /dev/null 2>&1 &
    echo $! > "$FOLDER/pid"
    ;;
  exec) shift; "$@" ;;
  wait)
    for _ in {1..200}; do [ -s "$FOLDER/code" ] && break; sleep 0.1; done
    cat "$FOLDER/code"
    ;;
  logs) cat "$FOLDER/log" ;;
  rm)
    pkill -P "$(cat "$FOLDER/pid")" || true
    rm -f "$FOLDER/code"
    ;;
esac
