#!/usr/bin/env bash
# Shows MODEL in TensorBoard, on this machine only, until Ctrl-C: the graphs of both sides, the error of each module, the
# images; for ENGINE=mmdnn the graph that it has exported (mmvismeta).
#   DETACH=1 leaves it running; STOP=1 stops it; TENSORBOARD_PORT=6006
source "$(dirname "$0")/lib.sh"
url=http://127.0.0.1:${TENSORBOARD_PORT:=6006}/
export TENSORBOARD_PORT
pid_file=.cache/tensorboard.pid

stop() {
  if [ "$RUNTIME" = docker ]; then
    docker compose --progress quiet --profile tools rm --stop --force tensorboard >/dev/null
  elif [ -f "$pid_file" ]; then
    kill -- "-$(cat "$pid_file")" 2>/dev/null || true
    rm -f "$pid_file"
  fi
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$TENSORBOARD_PORT") 2>/dev/null; }

if [ "${STOP:-0}" = 1 ]; then choose_runtime && if [ "$RUNTIME" = docker ]; then scripts/env.sh --quiet && load_env; fi && stop && exit 0; fi
prepare
MODEL=${MODEL:-${SOURCE_NAME:+$(source_model)}}
MODEL=${MODEL:-inception_v3}
if [ "${ENGINE:-native}" = mmdnn ]; then graph=output/$MODEL/mmdnn/$MODEL.ckpt.meta; else graph=output/$MODEL/status.json; fi
[ -f "$graph" ] || die 3 "There is no $graph, so nothing to show. \`make export MODEL=$MODEL${ENGINE:+ ENGINE=$ENGINE}\` writes it."
stop
! answers || die "$EXIT_MACHINE" "Port $TENSORBOARD_PORT is taken. Choose another with TENSORBOARD_PORT=."
say "Starting TensorBoard ..."
if [ "$RUNTIME" = docker ]; then
  docker compose --progress quiet --profile tools up --detach --no-deps --wait tensorboard >/dev/null 2>&1 ||
    { docker compose --profile tools logs --no-log-prefix tensorboard >&2 && stop && die 1 "TensorBoard did not come up: see above."; }
else
  mkdir -p .cache
  setsid bash -c 'exec "$@"' _ env PYTHONPATH=src IMAGES="${IMAGES:-models/photographs}" PATH="$VENV_PATH:$PATH" "$VENV/bin/python" -m tf2torch.cli tensorboard \
    --host 127.0.0.1 --port "$TENSORBOARD_PORT" >.cache/tensorboard.log 2>&1 &
  echo $! >"$pid_file"
  for _ in $(seq 240); do
    if answers; then break; fi
    kill -0 "$(cat "$pid_file")" 2>/dev/null || { cat .cache/tensorboard.log >&2 && die 1 "TensorBoard did not come up: see above."; }
    sleep 0.5
  done
  answers || { stop && die 1 "TensorBoard did not answer within two minutes: .cache/tensorboard.log."; }
fi
if [ "${DETACH:-0}" = 1 ]; then
  say "TensorBoard shows $MODEL at $url until \`make tensorboard STOP=1\`."
  exit 0
fi
trap 'stop; exit 130' INT TERM
say "TensorBoard shows $MODEL at $url; Ctrl-C stops it."
while answers; do sleep 1 & wait $!; done
stop
