# Two commands do everything: `make demo` and `make test`. Both install what is missing, and say so first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:

PYTHON ?= python3
VENV := .venv
RELEASE_FLAGS := -c release --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s
# Debian's names of what the program is built with, of the Java that the embedded AWS runs Spark on, and of the tool
# that makes the tests' certificates.
PACKAGES := libcurl4-openssl-dev libssl-dev libyaml-dev libexpat1-dev zlib1g-dev libpq-dev openjdk-17-jre-headless \
	openssl

.PHONY: help setup packages venv build release demo test test-crash format lint schema bench clean

help:
	@echo "make demo     set up, build, and run the shipped stack on the embedded AWS"
	@echo "make test     set up, build, and run all tests"
	@echo "make test-crash  kill up, destroy and run at every request, and see that the next command settles it"
	@echo "make release  the release binary, in .build/release/mrhealth"
	@echo "make bench    measure against Terraform (where it is installed)"
	@echo "make format   format the sources;  make schema  write the stack file's JSON Schema"

setup: packages venv

packages:
	@missing=()
	for package in $(PACKAGES); do
	  [ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null)" = installed ] || missing+=("$$package")
	done
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
	if [ "$${#missing[@]}" -gt 0 ]; then
	  echo "Installing Debian packages: $${missing[*]}"
	  if [ "$$(id -u)" = 0 ]; then sudo=(); else sudo=(sudo); fi
	  "$${sudo[@]}" apt-get update -qq
	  "$${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null
	fi

venv: packages
	@wanted="$$(sha256sum local/requirements.txt | cut -d' ' -f1)"
	if [ "$$(cat $(VENV)/.requirements 2>/dev/null)" != "$$wanted" ]; then
	  echo "Installing Python packages into $(VENV): the embedded AWS and Spark (about 1 GB, a few minutes)"
	  $(PYTHON) -m venv $(VENV)
	  $(VENV)/bin/python3 -m pip install --quiet --disable-pip-version-check --no-input -r local/requirements.txt
	  echo "$$wanted" > $(VENV)/.requirements
	fi

build: packages
	@swift build

release: packages
	@swift build $(RELEASE_FLAGS) --product mrhealth

demo: setup release
	@MRHEALTH=.build/release/mrhealth PYTHON=$(VENV)/bin/python3 ./demo.sh

test: setup
	@$(VENV)/bin/python3 Tests/run.py

# Every crash point of up, destroy and run: half an hour.
test-crash: setup build
	@$(VENV)/bin/python3 Tests/crash_points.py

format:
	@swift format -i --recursive Package.swift Sources Tests

lint:
	@swift format lint --strict --recursive Package.swift Sources Tests

schema: build
	@.build/debug/mrhealth validate --print-schema > templates/stack.schema.json

bench: setup release
	@$(VENV)/bin/python3 Benchmarks/run.py

clean:
	@rm -rf .build $(VENV)
