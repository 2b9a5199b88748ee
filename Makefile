# One vocabulary of tasks for people and CI. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PROFILE ?= leak
RUN ?=
# a recording of one's own, CSV or Parquet, and where its training part ends: a share of the rows or a time
DATA ?=
TRAIN_UNTIL ?=
# where decisions on a history go: a file of `make score`, a folder of `make beam`
OUT ?=
# Pub/Sub on this machine: auto (the official emulator where it is installed), official or embedded
PUBSUB ?= auto
# where the function of `make chaos` keeps its state: sqlite, or firestore (the official emulator)
STORE ?= sqlite
# the longest first, so that two processes end at about the same time
TESTS ?= tests/notebooks tests
JOBS ?= 2
# the service that `make revisions` and `make rollback` speak of
GCP_PROJECT ?=
GCP_REGION ?= europe-west1
GCP_API_SERVICE ?= aiot-api
# what `make redrive` publishes again (dead or parked), and whether it does or only counts
FROM ?= dead
GO ?=
REVISION ?=
BUNDLE ?=
URL ?= http://127.0.0.1:8080

LOCAL := .venv/local
DEV := .venv/dev
CHECKS := .venv/checks
DELIVERY := .venv/delivery
BEAM := .venv/beam
PEERS := .venv/peers
LOCKS := serving functions simulator local notebooks delivery

.PHONY: help demo up test check terraform mutate audit format train promote reexport propose data lab simulate \
  benchmark benchmark-data benchmark-skab benchmark-leak benchmark-fraud mlflow score beam image smoke revisions rollback \
  redrive rehearse chaos architecture costs bench-simulator bench-serving bench-stream hostile lock clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(LOCAL)/.ready ## set up, send real and simulated readings through the whole pipeline, and report
	@$(LOCAL)/bin/python -m local demo --pubsub $(PUBSUB)

up: $(LOCAL)/.ready ## set up and keep the whole pipeline running until Ctrl-C, addresses printed
	@$(LOCAL)/bin/python -m local up --pubsub $(PUBSUB)

test: $(DEV)/.ready $(CHECKS)/.ready $(BEAM)/.ready ## set up and run all tests (TESTS=tests/serving runs some)
	@$(DEV)/bin/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(DEV)/.ready $(CHECKS)/.ready ## format, lint, types, architecture, workflows, Terraform, secrets; changes nothing
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/mypy
	@$(DEV)/bin/lint-imports
	@$(DEV)/bin/python -m pytest --quiet tests/test_repository.py
	@checks/run

terraform: $(DEV)/.ready ## check and test the cloud's configuration, without an account (needs Terraform)
	@terraform/check.sh

mutate: $(DEV)/.ready ## show that each assertion of these tests fails when its subject is broken (minutes)
	@$(DEV)/bin/python terraform/mutate.py

audit: $(CHECKS)/.ready ## ask a database on the network for vulnerabilities of the locked packages
	@checks/audit

format: $(DEV)/.ready ## format the code and mend what the linter can
	@$(DEV)/bin/ruff check --fix .
	@$(DEV)/bin/ruff format .

train: $(DEV)/.ready data ## run the notebooks, tracked in MLflow (PROFILE=leak, fraud, skab, or DATA=my.csv PROFILE=my.yaml)
	@$(DEV)/bin/python -m aiot_anomaly.training train "$(PROFILE)" $(if $(DATA),--data "$(DATA)") \
	  $(if $(TRAIN_UNTIL),--train-until "$(TRAIN_UNTIL)")

promote: $(DEV)/.ready ## make a trained model the champion, and write its bundle (PROFILE=..., RUN=...)
	@$(DEV)/bin/python -m aiot_anomaly.training promote "$(PROFILE)" $(if $(RUN),--run $(RUN))

reexport: $(DEV)/.ready ## make a champion's graph again from its weights, with the same scores (PROFILE=...)
	@$(DEV)/bin/python -m aiot_anomaly.training reexport "$(PROFILE)"

propose: $(DEV)/.ready data ## train, and put a model that beats the champion on a branch (PROFILE=..., RUN=...)
	@$(DEV)/bin/python -m aiot_anomaly.training propose $(PROFILE) $(if $(RUN),--run $(RUN))

data: $(DEV)/.ready ## simulate the data that PROFILE=leak or fraud is trained on
	@PYTHON=$(CURDIR)/$(DEV)/bin/python notebooks/data.sh "$(PROFILE)"

benchmark: benchmark-data ## measure everything: SKAB, leaks and frauds into docs/results.md (about an hour on 2 cores)
	@$(DEV)/bin/python -m aiot_anomaly.training benchmark

benchmark-skab: $(DEV)/.ready ## only the table of SKAB (minutes); the others stay as they are
	@$(DEV)/bin/python -m aiot_anomaly.training benchmark skab

benchmark-leak: $(DEV)/.ready ## only the table of the leaks, simulated first
	@for fleet in leak leak-benchmark; do PYTHON=$(CURDIR)/$(DEV)/bin/python notebooks/data.sh $$fleet || exit 1; done
	@$(DEV)/bin/python -m aiot_anomaly.training benchmark leak

benchmark-fraud: $(DEV)/.ready ## only the table of the frauds, simulated first
	@PYTHON=$(CURDIR)/$(DEV)/bin/python notebooks/data.sh fraud
	@$(DEV)/bin/python -m aiot_anomaly.training benchmark fraud

benchmark-data: $(DEV)/.ready
	@for fleet in leak leak-benchmark fraud; do PYTHON=$(CURDIR)/$(DEV)/bin/python notebooks/data.sh $$fleet || exit 1; done

lab: $(DEV)/.ready ## open JupyterLab on the notebooks
	@$(DEV)/bin/jupyter lab --notebook-dir notebooks

simulate: $(DEV)/.ready ## show in pictures what the simulator makes: notebook 00 as reports/00_simulate.html
	@mkdir -p reports
	@$(DEV)/bin/papermill --cwd notebooks notebooks/00_simulate.ipynb reports/00_simulate.ipynb
	@$(DEV)/bin/jupyter nbconvert --to html --log-level ERROR reports/00_simulate.ipynb
	@echo "see reports/00_simulate.html"

mlflow: $(DEV)/.ready ## open the MLflow UI on the local store
	@$(DEV)/bin/python -m aiot_anomaly.training ui

score: $(LOCAL)/.ready ## decide a recording of any length (DATA=file or gs://..., PROFILE=..., OUT=decisions.parquet)
	@$(LOCAL)/bin/python -m aiot_anomaly score $(HISTORY)

beam: $(BEAM)/.ready ## decide a fleet's history with Apache Beam, here (DATA='folder/*.parquet' PROFILE=... OUT=folder)
	@$(BEAM)/bin/python -m batch $(HISTORY)

HISTORY = "$(or $(DATA),$(error DATA is not set: name the recording))" --profile "$(PROFILE)" \
  --out "$(or $(OUT),$(error OUT is not set: name where the decisions go))"

image: $(CHECKS)/.ready ## build the API's image and its bill of materials (docker, or IMAGE_BUILDER=...)
	@scripts/image.sh

smoke: $(DELIVERY)/.ready ## test a running API with the golden windows of its bundles (URL=...)
	@$(DELIVERY)/bin/python -m delivery smoke $(URL)

revisions: $(DELIVERY)/.ready ## list the API's revisions on Cloud Run and their traffic (GCP_PROJECT=...)
	@$(DELIVERY)/bin/python -m delivery revisions $(CLOUD_RUN)

rollback: $(DELIVERY)/.ready ## give all traffic to the revision before (or REVISION=..., or BUNDLE=leak@...)
	@$(DELIVERY)/bin/python -m delivery rollback $(CLOUD_RUN) \
	  $(if $(REVISION),--revision $(REVISION)) $(if $(BUNDLE),--bundle $(BUNDLE))

CLOUD_RUN = --project $(or $(GCP_PROJECT),$(error GCP_PROJECT is not set: make revisions GCP_PROJECT=my-project)) \
  --region $(GCP_REGION) --service $(GCP_API_SERVICE)

redrive: $(LOCAL)/.ready ## publish dead letters again, or FROM=parked (GO=1; else they are counted)
	@$(LOCAL)/bin/python -m functions redrive $(FROM) $(if $(GCP_PROJECT),--project $(GCP_PROJECT)) $(if $(GO),--go)

rehearse: $(DEV)/.ready ## play good and bad roll-outs with real API processes on this machine
	@$(DEV)/bin/python -m local.cloud_run rehearse

chaos: $(LOCAL)/.ready ## kill function and API, take the store away: is the same decided? (STORE=firestore)
	@$(LOCAL)/bin/python -m local.chaos --pubsub $(PUBSUB) --store $(STORE)

architecture: $(DEV)/.ready ## draw docs/architecture.svg anew
	@$(DEV)/bin/python -m docs.architecture

costs: $(DEV)/.ready ## print what a month and what fleets cost, and put it into docs/deploy.md and docs/scale.md
	@$(DEV)/bin/python -m docs.costs --write
	@$(DEV)/bin/python -m docs.scale --write

bench-simulator: $(DEV)/.ready ## rates of publishing, beside a bare loop on the same emulator, and of simulating districts
	@$(DEV)/bin/python -m simulator.benchmark --least 0.8
	@$(DEV)/bin/python -m simulator.hydraulics_benchmark

bench-serving: $(DEV)/.ready $(PEERS)/.ready ## the API beside what people would use instead, into docs/serving.md (SECONDS=0.3 ROUNDS=1: quick)
	@$(DEV)/bin/python -m benchmarks.serving $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SECONDS)$(ROUNDS),,--write)

hostile: $(DEV)/.ready ## attack a running API with 20,000 generated bodies, and more (minutes; make test does a part)
	@HOSTILE_BODIES=20000 SCHEMATHESIS_EXAMPLES=100 $(DEV)/bin/python -m pytest --timeout 1800 \
	  tests/serving/test_hostile.py tests/serving/test_unbreakable.py tests/serving/test_schema.py

bench-stream: $(DEV)/.ready ## the function beside a bare one and a skeleton, into docs/stream.md (QUICK=1: does it work?)
	@$(DEV)/bin/python -m benchmarks.stream $(if $(QUICK),--quick,--write)

lock: $(DEV)/.ready ## resolve all lock files anew, with hashes and without any address
	@$(DEV)/bin/uv pip compile --upgrade $(LOCK_OPTIONS) requirements-dev.in -o requirements-dev.txt
	@for room in $(LOCKS); do \
	  $(DEV)/bin/uv pip compile $(LOCK_OPTIONS) -c requirements-dev.txt $$room/requirements.in -o $$room/requirements.txt; \
	done
	@# Beam wants older packages than the rest of the house; what decides the scores is the same
	@grep -oE '^($(SHARED))==[^ ]+' requirements-dev.txt >.venv/shared.txt
	@$(DEV)/bin/uv pip compile --upgrade $(LOCK_OPTIONS) -c .venv/shared.txt \
	  batch/requirements.in -o batch/requirements.txt
	@$(DEV)/bin/uv pip compile --upgrade $(LOCK_OPTIONS) checks/requirements.in -o checks/requirements.txt
	@# the peers have our versions wherever one of them does not ask for another
	@cp requirements-dev.txt benchmarks/serving/peers.txt
	@$(DEV)/bin/uv pip compile $(LOCK_OPTIONS) benchmarks/serving/peers.in -o benchmarks/serving/peers.txt

SHARED := duckdb|editables|hatchling|numpy|onnxruntime|pandas|pyarrow|pydantic|pyyaml|tqdm
LOCK_OPTIONS := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

clean: ## remove environments, caches and results; data and mlruns stay
	rm -rf .venv .local reports .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(LOCAL)/.ready: local/requirements.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(LOCAL) local/requirements.txt

$(DEV)/.ready: requirements-dev.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(DEV) requirements-dev.txt

$(DELIVERY)/.ready: delivery/requirements.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(DELIVERY) delivery/requirements.txt

$(BEAM)/.ready: batch/requirements.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(BEAM) batch/requirements.txt

$(PEERS)/.ready: benchmarks/serving/peers.txt
	@scripts/setup.sh "$(PYTHON)" $(PEERS) benchmarks/serving/peers.txt

$(CHECKS)/.ready: checks/requirements.txt
	@scripts/setup.sh "$(PYTHON)" $(CHECKS) checks/requirements.txt
