# One vocabulary of tasks for people and CI. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PROFILE ?= leak
RUN ?=
# Pub/Sub on this machine: auto (the official emulator where it is installed), official or embedded
PUBSUB ?= auto
# the longest first, so that two processes end at about the same time
TESTS ?= tests/notebooks tests
JOBS ?= 2

LOCAL := .venv/local
DEV := .venv/dev
CHECKS := .venv/checks
LOCKS := serving functions simulator local notebooks

.PHONY: help demo up test check format train promote data lab mlflow lock clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(LOCAL)/.ready ## set up, send real and simulated readings through the whole pipeline, and report
	@$(LOCAL)/bin/python -m local demo --pubsub $(PUBSUB)

up: $(LOCAL)/.ready ## set up and keep the whole pipeline running until Ctrl-C, addresses printed
	@$(LOCAL)/bin/python -m local up --pubsub $(PUBSUB)

test: $(DEV)/.ready $(CHECKS)/.ready ## set up and run all tests (TESTS=tests/serving runs some)
	@$(DEV)/bin/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(DEV)/.ready $(CHECKS)/.ready ## format, lint, types, architecture, workflows, Terraform, secrets; changes nothing
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/mypy
	@$(DEV)/bin/lint-imports
	@$(DEV)/bin/python -m pytest --quiet tests/test_repository.py
	@checks/run

format: $(DEV)/.ready ## format the code and mend what the linter can
	@$(DEV)/bin/ruff check --fix .
	@$(DEV)/bin/ruff format .

train: $(DEV)/.ready data ## run the notebooks with Papermill, tracked in MLflow (PROFILE=leak or skab)
	@$(DEV)/bin/python -m aiot_anomaly.training train $(PROFILE)

promote: $(DEV)/.ready ## make a trained model the champion, and write its bundle (PROFILE=..., RUN=... or the newest)
	@$(DEV)/bin/python -m aiot_anomaly.training promote $(PROFILE) $(if $(RUN),--run $(RUN))

data: $(DEV)/.ready ## simulate the data that PROFILE=leak is trained on
	@case $(PROFILE) in leak) $(MAKE) --no-print-directory data/leak/test/readings.csv ;; esac

# 48 districts teach the network; the first eight are also watched for twelve weeks, with leaks of 2, 5 and 10 %
data/leak/train/readings.csv: | $(DEV)/.ready
	$(DEV)/bin/python -m simulator water --districts 48 --start 2026-05-04T00:00Z --end 2026-06-29T00:00Z \
	  --seed 7 --sink csv --out data/leak/train

data/leak/test/readings.csv: data/leak/train/readings.csv | $(DEV)/.ready
	$(DEV)/bin/python -m simulator water --districts 8 --start 2026-06-29T00:00Z --end 2026-09-21T00:00Z \
	  --seed 7 --random-leaks 6 --leak-sizes 2,5,10 --leak-days 5 --quiet-days 3 --sink csv --out data/leak/test

lab: $(DEV)/.ready ## open JupyterLab on the notebooks
	@$(DEV)/bin/jupyter lab --notebook-dir notebooks

mlflow: $(DEV)/.ready ## open the MLflow UI on the local store
	@$(DEV)/bin/python -m aiot_anomaly.training ui

lock: $(DEV)/.ready ## resolve all lock files anew, with hashes and without any address
	@$(DEV)/bin/uv pip compile --upgrade $(LOCK_OPTIONS) requirements-dev.in -o requirements-dev.txt
	@for room in $(LOCKS); do \
	  $(DEV)/bin/uv pip compile $(LOCK_OPTIONS) -c requirements-dev.txt $$room/requirements.in -o $$room/requirements.txt; \
	done
	@$(DEV)/bin/uv pip compile --upgrade $(LOCK_OPTIONS) checks/requirements.in -o checks/requirements.txt

LOCK_OPTIONS := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

clean: ## remove environments, caches and results; data and mlruns stay
	rm -rf .venv .local reports .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(LOCAL)/.ready: local/requirements.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(LOCAL) local/requirements.txt

$(DEV)/.ready: requirements-dev.txt pyproject.toml
	@scripts/setup.sh "$(PYTHON)" $(DEV) requirements-dev.txt

$(CHECKS)/.ready: checks/requirements.txt
	@scripts/setup.sh "$(PYTHON)" $(CHECKS) checks/requirements.txt
