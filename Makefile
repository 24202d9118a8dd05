# Every target is a short script in scripts/. `make help` lists them; variables are given as make convert MODEL=vgg_16.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# What is said on the command line reaches the scripts through the environment. Manifests repeat it.
VARIABLES := RUNTIME GPU MODEL SOURCE NETWORK NUM_CLASSES INPUT_SHAPE PREPROCESS SCOPE_MAP EMA AUX_LOGITS INPUT OUTPUT ENGINE WEIGHTS SEED IMAGES DEVICE DEVICES TIMING FORMATS PROOF BISECT FORCE FROM OFFLINE
said = $(foreach name,$(VARIABLES),$(if $(filter command line,$(origin $(name))),$(name)=$($(name))))
export TF2TORCH_COMMAND := $(strip make $(MAKECMDGOALS) $(said))

##@ Convert
.PHONY: demo convert convert-all plan fetch export codegen build-model evaluate report report-all compare benchmark weights
demo: ## the whole road on inception_v3 with seeded random weights: no download of weights
	@MODEL=inception_v3 SOURCE= WEIGHTS=random scripts/convert.sh
convert: ## a model from checkpoint to verdict: MODEL= or SOURCE=file INPUT= OUTPUT= or SOURCE=checkpoint NETWORK= NUM_CLASSES= SCOPE_MAP=a=b EMA=1, ENGINE=native|mmdnn WEIGHTS=pretrained|random PROOF=1 FORCE=1 FROM=codegen
	@scripts/convert.sh
convert-all: ## many models, several at a time, with a table at the end: MODELS=name,pattern JOBS=n KEEP_GOING=1 JSON=1, and what convert takes
	@scripts/convert_all.sh $(if $(filter-out 0,$(JSON)),--json)
plan: ## what convert would do, and why
	@scripts/plan.sh
fetch: ## download and check the published checkpoint: MODEL= OFFLINE=1
	@scripts/stage.sh fetch
export: ## TensorFlow: the network as a graph, its weights, what it computes
	@scripts/stage.sh export
codegen: ## PyTorch source from the graph
	@scripts/stage.sh codegen
build-model: ## the model files: .pth, and FORMATS=npy,pt2
	@scripts/stage.sh build
evaluate: ## compare with TensorFlow: IMAGES=folder DEVICE=auto|cpu|cuda DEVICES=all TIMING=0 PROOF=1 BISECT=1
	@scripts/stage.sh evaluate
report: ## print the last report and its verdict
	@scripts/stage.sh report
report-all: ## output/index.html, a table of every report in output/
	@scripts/report_all.sh
compare: ## both engines on a model, side by side: MODEL= JSON=1
	@scripts/compare.sh $(if $(filter-out 0,$(JSON)),--json)
benchmark: ## times and memory, beside MMdnn and networks written by hand: MODEL= RUNS=1
	@scripts/benchmark.sh

weights: ## another checkpoint onto a converted network: CHECKPOINT= ONTO=output/model/converted_pytorch.py, or MODEL= ONTO=timm:name|file.py:factory
	@scripts/weights.sh

##@ Look
.PHONY: list info inspect init ops tensorboard
list: ## the models there are: JSON=1
	@scripts/catalogue.sh list $(if $(filter-out 0,$(JSON)),--json)
info: ## all about one model: MODEL= JSON=1
	@scripts/catalogue.sh info $(if $(filter-out 0,$(JSON)),--json)
inspect: ## a network before it is converted, inputs, outputs, operations, parameters: MODEL= or SOURCE=file JSON=1
	@scripts/stage.sh export inspect $(if $(filter-out 0,$(JSON)),--json)
init: ## models/<name>.toml of a model of your own, as far as its files tell: SOURCE=file MODEL=name FORCE=1
	@scripts/init.sh
ops: ## the TensorFlow operations that the engine native knows: JSON=1
	@scripts/catalogue.sh ops $(if $(filter-out 0,$(JSON)),--json)
tensorboard: ## the graphs of both sides, the errors and the images in TensorBoard on 127.0.0.1: MODEL= TENSORBOARD_PORT=6006 DETACH=1 STOP=1
	@scripts/tensorboard.sh

##@ MMdnn
.PHONY: mmdnn
mmdnn: ## one of MMdnn's six commands as it is: CMD='mmtoir --help'
	@scripts/mmdnn.sh $(CMD)

##@ The machine
.PHONY: images env doctor shell-tensorflow shell-pytorch clean
images: ## build both images: FORCE=1
	@scripts/images.sh $(if $(filter-out 0,$(FORCE)),--force)
env: ## write .env, so that a plain `docker compose up` is right too: GPU=auto|0|1
	@scripts/env.sh
doctor: ## check this machine, each finding with the command that mends it
	@scripts/doctor.sh
shell-tensorflow: ## a shell where TensorFlow is
	@scripts/shell.sh tensorflow
shell-pytorch: ## a shell where PyTorch is
	@scripts/shell.sh pytorch
clean: ## remove intermediates: ALL=1 also results, images and the virtual environment
	@scripts/clean.sh

##@ Develop
.PHONY: test test-zoo zoo-table sizes ops-table snapshots lint format lock help
test: ## set up, then every test that this machine can run: TESTS='-k parity'
	@scripts/test.sh
test-zoo: ## every recipe with seeded weights, and the tables of it: ENGINE=native|mmdnn MODELS= JOBS=
	@scripts/test_zoo.sh
zoo-table: ## write the tables of docs/zoo.md, docs/mmdnn.md and README.md from the results in output/
	@scripts/catalogue.sh zoo-table --write
sizes: ## write models/sizes.csv anew, for which every network is built: MODELS='lenet,vgg_*' only these
	@scripts/venv.sh --test && PYTHONPATH=src $(or $(VENV),.venv)/bin/python -m tests.zoo.write_sizes '$(MODELS)'
ops-table: ## write docs/ops.md from the operations and their tests
	@scripts/venv.sh --test && PYTHONPATH=src $(or $(VENV),.venv)/bin/python -m tests.ops.write_table
snapshots: ## write the generated sources that the tests compare with anew
	@scripts/venv.sh --test && PYTHONPATH=src $(or $(VENV),.venv)/bin/python -m tests.emit.write_snapshots
lint: ## ruff, mypy, shellcheck, hadolint, compose files
	@scripts/lint.sh
format: ## let ruff lay out the source
	@scripts/venv.sh --test && $(or $(VENV),.venv)/bin/ruff format && $(or $(VENV),.venv)/bin/ruff check --fix
lock: ## resolve the pinned requirements again
	@scripts/lock.sh
help: ## this text
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' Makefile
