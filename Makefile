# Cross-partition AI inference. `make` lists the targets.
#
# Deployment targets take ENV=name, a folder of terraform/environments. They show a plan and ask, unless AUTO_APPROVE=1.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
TWIN ?= local
VENV := .local/venv
TWIN_VENV := .local/twin-venv
ANALYSIS_VENV := .local/analysis-venv
CLIENTS_VENV := .local/clients-venv
NODE_CLIENTS := .local/node-clients
VENV_PYTHON := $(VENV)/bin/python
RUN := PYTHON="$(PYTHON)"

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- The twin -----------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## The main job, end to end, on the offline twin
	@$(VENV_PYTHON) scripts/demo.py

.PHONY: local-up
local-up: setup ## Start a twin and leave it running (TWIN=name for a second one)
	@$(VENV_PYTHON) scripts/twin.py up "$(TWIN)"

.PHONY: local-down
local-down: $(VENV)/ready ## Stop it
	@$(VENV_PYTHON) scripts/twin.py down "$(TWIN)"

# --- Quality ------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup $(VENV)/tools-ready $(ANALYSIS_VENV)/ready $(CLIENTS_VENV)/ready $(NODE_CLIENTS)/ready ## Every test there is
	@scripts/test.sh

.PHONY: lint
lint: setup $(VENV)/tools-ready $(ANALYSIS_VENV)/ready ## Formatting, types, shell, Terraform, checkov
	@scripts/lint.sh

# --- Deployment ---------------------------------------------------------------------------------------------------

.PHONY: package
package: $(VENV)/ready ## Build the artifact, the same bytes on every run
	@$(VENV_PYTHON) scripts/package.py .local/artifacts

.PHONY: bootstrap
bootstrap: setup require-env ## Once per account: the state bucket
	@scripts/bootstrap.sh "$(ENV)"

.PHONY: plan
plan: setup require-env ## What an apply would change, in both roots
	@scripts/terraform.sh "$(ENV)" infrastructure plan
	@scripts/terraform.sh "$(ENV)" application plan

.PHONY: apply
apply: setup require-env ## Apply the infrastructure
	@scripts/terraform.sh "$(ENV)" infrastructure apply

.PHONY: credential
credential: setup require-env ## Store the Commercial credential: make credential ENV=name < credential.json
	@$(VENV_PYTHON) scripts/put_credential.py "$(ENV)"

.PHONY: rotate-credential
rotate-credential: setup require-env ## Replace the Bedrock API key, failing no request (COMMERCIAL_AWS_PROFILE=name)
	@$(VENV_PYTHON) scripts/rotate_credential.py "$(ENV)"

.PHONY: switch-credential
switch-credential: setup require-env ## Put the tfvars' `credential` in service, failing no request
	@$(VENV_PYTHON) scripts/switch_credential.py "$(ENV)"

.PHONY: enable-federation
enable-federation: setup ## Once per GovCloud account: let roles get identity tokens; prints the issuer
	@$(VENV_PYTHON) scripts/enable_federation.py

.PHONY: release
release: setup require-env ## Package, upload and put in service (PERCENT=10: for that share of the calls)
	@RELEASE_PERCENT="$(PERCENT)" $(VENV_PYTHON) scripts/release.py "$(ENV)"

.PHONY: policy
policy: setup require-env ## Put the environment's policy in force, without a release (its folder's policy.yaml)
	@ARTIFACT_KEY= scripts/terraform.sh "$(ENV)" application apply
	@echo "policy: in force within a minute, version $$(scripts/terraform.sh "$(ENV)" application output -raw policy_version)"

.PHONY: releases
releases: setup require-env ## The releases a rollback can go to
	@$(VENV_PYTHON) scripts/release.py "$(ENV)" list

.PHONY: rollback
rollback: setup require-env ## Put an earlier release in service: ARTIFACT_KEY=router/...zip
	@test -n "$(ARTIFACT_KEY)" || { echo "error: name the release: ARTIFACT_KEY=router/<sha256>.zip (make releases ENV=$(ENV))" >&2; exit 2; }
	@$(VENV_PYTHON) scripts/release.py "$(ENV)" "$(ARTIFACT_KEY)"

.PHONY: destroy
destroy: setup require-env ## Destroy the application, then the infrastructure
	@scripts/terraform.sh "$(ENV)" application destroy
	@scripts/terraform.sh "$(ENV)" infrastructure destroy

.PHONY: require-env
require-env:
	@test -n "$(ENV)" || { echo "error: name the environment: ENV=name, a folder of terraform/environments" >&2; exit 2; }

# --- Audit --------------------------------------------------------------------------------------------------------

.PHONY: verify-audit
verify-audit: $(VENV)/ready require-env ## Prove the archive complete and unchanged: FROM=2026-11-01 TO=2026-11-30 (days in UTC)
	@$(VENV_PYTHON) scripts/verify_audit.py "$(ENV)" "$(FROM)" "$(TO)"

.PHONY: reconcile-audit
reconcile-audit: $(VENV)/ready require-env ## Compare the records with what Commercial logged: FROM= TO= LOGS=folder or s3://...
	@$(VENV_PYTHON) scripts/reconcile_audit.py "$(ENV)" "$(FROM)" "$(TO)" $(LOGS)

.PHONY: dashboard
dashboard: $(VENV)/ready ## The dashboard's page on 127.0.0.1 (PORT=8788), signed with your AWS profile: ENV=name or API_URL=
	@$(VENV_PYTHON) scripts/dashboard.py $(if $(ENV),"$(ENV)")

# --- Clients ------------------------------------------------------------------------------------------------------

# Both take API_URL=https://... instead of ENV as well.
.PHONY: connect
connect: $(VENV)/ready ## Sign requests to the API for clients that cannot, on 127.0.0.1 (PORT=8787): ENV=name
	@$(VENV_PYTHON) scripts/connect.py $(if $(ENV),"$(ENV)")

.PHONY: client-profile
client-profile: $(VENV)/ready ## Point boto3 and the AWS CLI at the API in one AWS profile: ENV=name (OPTION=--show, --remove)
	@$(VENV_PYTHON) scripts/client_profile.py $(if $(ENV),"$(ENV)") $(OPTION)

# --- Set-up -------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: prerequisites $(VENV)/ready $(TWIN_VENV)/ready

.PHONY: prerequisites
prerequisites:
	@$(RUN) scripts/check_prerequisites.sh

# --no-compile: what is used gets compiled then; compiling everything first would double the time.
PIP_INSTALL := --disable-pip-version-check install -qq --no-compile
INSTALL := -m pip $(PIP_INSTALL)
# Into the environment of the target, which has no pip of its own.
INSTALL_BESIDE = $(VENV_PYTHON) -m pip --python $(@D)/bin/python $(PIP_INSTALL) -r $<

# What the scripts need; the tools for tests and lint come on top only where they are wanted.
$(VENV)/ready: requirements.txt lambda_src/requirements.txt
	@$(RUN) scripts/check_prerequisites.sh python
	@echo "==> setting up $(VENV) (once)"
	@"$(PYTHON)" -m venv $(VENV)
	@$(VENV_PYTHON) $(INSTALL) --require-hashes -r lambda_src/requirements.txt
	@$(VENV_PYTHON) $(INSTALL) $$(grep '^boto' requirements.txt)
	@touch $@

$(VENV)/tools-ready: requirements.txt | $(VENV)/ready
	@echo "==> installing the tools for tests and lint into $(VENV) (once; half a minute or more)"
	@$(VENV_PYTHON) $(INSTALL) -r requirements.txt
	@touch $@

$(ANALYSIS_VENV)/ready: tests/analysis-requirements.txt | $(VENV)/ready
	@echo "==> setting up $(@D) (once; half a minute or more)"
	@"$(PYTHON)" -m venv --without-pip $(@D)
	@$(INSTALL_BESIDE)
	@touch $@

$(CLIENTS_VENV)/ready: tests/client-requirements.txt | $(VENV)/ready
	@echo "==> setting up $(@D) (once; a minute or more)"
	@"$(PYTHON)" -m venv --without-pip $(@D)
	@$(INSTALL_BESIDE)
	@touch $@

# Where there is a Node that the AWS SDK runs on; elsewhere its test is skipped.
$(NODE_CLIENTS)/ready: tests/clients/package.json tests/clients/package-lock.json
	@if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null; then \
	  echo "==> setting up $(@D) (once)" && mkdir -p $(@D) && cp $^ $(@D) && \
	  npm --prefix $(@D) ci --no-audit --no-fund --loglevel=error >/dev/null && touch $@; \
	fi

# The Lambda processes of the twin use this Python, so it is the runtime's version where that is installed.
$(TWIN_VENV)/ready: tests/fakes/requirements.txt | $(VENV)/ready
	@echo "==> setting up $(TWIN_VENV) (once)"
	@"$$($(VENV_PYTHON) scripts/package.py --runtime-python)" -m venv --without-pip $(TWIN_VENV)
	@$(INSTALL_BESIDE)
	@touch $@
