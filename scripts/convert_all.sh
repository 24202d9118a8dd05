#!/usr/bin/env bash
# Converts many models, several at a time as far as memory goes, each as scripts/convert.sh does, and says how all went.
#   MODELS=vgg_*,lenet   names and patterns; by default all that have weights, with WEIGHTS=random all
#   JOBS=n               at most so many at a time; by default one for two processors, but two at least
#   KEEP_GOING=1         goes on after a failure; else what runs is finished, and nothing more is started
#   convert_all.sh [--json]
source "$(dirname "$0")/lib.sh"
[ -n "${MODELS:-}" ] || [ -z "${SOURCE:-}${MODEL:-}" ] || die "$EXIT_USAGE" "convert-all takes MODELS=name,pattern, or all models without. \`make convert\` takes one, or SOURCE=."
export TIMING=${TIMING:-0} # several at a time say nothing about speed
prepare

megabytes() { # FIELD of /proc/meminfo; nothing where there is none
  awk -v field="$1:" '$1 == field {print int($2 / 1024)}' /proc/meminfo 2>/dev/null || true
}

# MB that may be taken: of this machine what is free, of another one, or a virtual one with the Docker engine, all.
memory() {
  local engine
  if [ "$RUNTIME" = docker ]; then
    engine=$(($(docker info -f '{{.MemTotal}}') / 1048576))
    [ "$engine" = "$(megabytes MemTotal)" ] || { echo "$engine" && return; }
  elif [ -z "$(megabytes MemAvailable)" ]; then
    echo $(($(sysctl -n hw.memsize) / 1048576)) && return
  fi
  megabytes MemAvailable
}

processors() { if [ "$RUNTIME" = docker ]; then docker info -f '{{.NCPU}}'; else getconf _NPROCESSORS_ONLN; fi; }

log_of() { # MODEL; beside its results
  local engine=${ENGINE:-native}
  [ "$engine" != native ] || engine=
  echo "output/$1${engine:+/$engine}/convert.log"
}

start() { # MODEL; in a process group of its own, so that Ctrl-C reaches it once, from here
  local log
  log=$(log_of "$1")
  mkdir -p "$(dirname "$log")"
  set -m
  MODEL=$1 SOURCE='' TF2TORCH_COMMAND="${TF2TORCH_COMMAND/convert-all/convert} MODEL=$1" scripts/convert.sh >"$log" 2>&1 </dev/null &
  set +m
  running[$1]=$!
  began[$1]=$SECONDS
  [ -z "$stopped" ] || interrupt "$1" # it came just now
}

start_what_fits() {
  local model used=0 left=()
  for model in "${!running[@]}"; do used=$((used + ${need[$model]})); done
  for model in "${waiting[@]}"; do
    if [ -z "$stopped$failed" ] && [ "${#running[@]}" -lt "$jobs" ] &&
      { [ "${#running[@]}" = 0 ] || [ $((used + ${need[$model]})) -le "$memory" ]; }; then
      start "$model"
      used=$((used + ${need[$model]}))
      [ -t 2 ] || say "$model: started"
    else
      left+=("$model")
    fi
  done
  waiting=("${left[@]}")
}

collect() { # what has ended
  local model code
  for model in "${!running[@]}"; do
    ! kill -0 "${running[$model]}" 2>/dev/null || continue
    code=0
    wait "${running[$model]}" || code=$?
    unset "running[$model]"
    ended+=("$model=$code:$((SECONDS - began[$model]))")
    [ "$code" = 0 ] || [ "${KEEP_GOING:-0}" != 0 ] || failed=yes
    erase
    case $code in
      0 | 5) say "$(last_line "$model")" ;;
      "$EXIT_INTERRUPTED") say "stopped $model" ;;
      *) say "exit code $code $model  $(last_line "$model")  -> $(log_of "$model")" ;;
    esac
  done
}

last_line() { tail -n 1 "$(log_of "$1")" 2>/dev/null | tr -d '\r' || true; } # MODEL

# On a terminal a line for each model that runs stands below those that have ended.
erase() {
  [ "$drawn" = 0 ] || printf '\033[%dA\033[J' "$drawn" >&2
  drawn=0
}
draw() {
  [ -t 2 ] || return 0
  local model width line lines=()
  width=$(tput cols 2>/dev/null || echo 80)
  while read -r model; do
    [ -n "$model" ] || continue # there is none
    printf -v line '%-28s %5d s  %s' "$model" $((SECONDS - began[$model])) "$(last_line "$model")"
    lines+=("${line:0:$((width - 1))}")
  done < <(printf '%s\n' "${!running[@]}" | sort)
  lines+=("$stopped${#ended[@]} of $count done, ${#running[@]} at work, $SECONDS s")
  erase
  printf '%s\n' "${lines[@]}" >&2
  drawn=${#lines[@]}
}

interrupt() { kill -INT -- "-${running[$1]}" 2>/dev/null || true; } # MODEL, with all that it has started
# shellcheck disable=SC2329  # the trap calls it
stop() {
  local model
  stopped="Stopping: "
  for model in "${!running[@]}"; do interrupt "$model"; done
}

declare -A need=() running=() began=()
waiting=() ended=() stopped='' failed='' drawn=0
plan=$(scripts/catalogue.sh fleet-plan --models "${MODELS:-}")
while read -r megabytes model; do waiting+=("$model") need[$model]=$megabytes; done <<<"$plan"
count=${#waiting[@]} memory=$(memory) processors=$(processors)
jobs=${JOBS:-$((processors / 2 < 2 ? 2 : processors / 2))}
[[ $jobs =~ ^[1-9][0-9]{0,3}$ ]] || die "$EXIT_USAGE" "JOBS=$jobs is not a number of conversions at a time."
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((processors > jobs ? processors / jobs : 1))}
say "$count models, at most $jobs at a time in $memory MB"
trap 'stop' INT TERM HUP
while start_what_fits && [ "${#running[@]}" != 0 ]; do
  draw
  sleep 0.5 || true
  collect
done
erase
trap - INT TERM HUP
for model in "${waiting[@]}"; do ended+=("$model=-"); done
code=0
scripts/catalogue.sh fleet-summary "$@" "${ended[@]}" || code=$?
[ -z "$stopped" ] || code=$EXIT_INTERRUPTED
exit "$code"
