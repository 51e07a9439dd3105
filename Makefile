# Lotcast's commands; `make help` lists them. They are the same on a developer's machine and in CI.
PYTHON ?= python3
PROMTOOL ?= promtool
VENV := .venv
BIN := $(VENV)/bin
# Where the machine has no Node.js, tools/setup.sh puts one into the venv.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
STAMPS := .stamps
# Tests that start processes, real cameras or browsers carry one of these marks.
SLOW := e2e or compose or package or slow or long
FAST := not ($(SLOW))
# Slow tests often wait, so few cores get two workers more. A file's tests share what one of them starts.
SIDE_BY_SIDE := -n $(shell cores=$$(nproc); echo $$((cores < 4 ? cores + 2 : cores))) --dist loadfile --no-loadscope-reorder
PYTHON_TESTS := --ignore=tests/e2e --ignore=tests/compose --ignore=tests/package
BUS_TESTS := tests/common tests/gateway/test_redis_away.py tests/gateway/test_many_gateways.py \
	tests/ingest/test_ownership.py tests/ingest/test_frame_writer.py tests/detector/test_publisher.py \
	tests/detector/test_service.py tests/redis_access
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo ultralytics test test-long test-fast coverage test-random test-python test-python-long test-wheel-redis test-bare-machine test-package test-web \
	test-e2e test-e2e-long test-five-minutes test-compose test-alerts constraints bench-detector bench-gateway bench-ingest bench-redis-memory bench-truth replay-day soak screenshots train-occupancy check check-web audit format web wheel clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(STAMPS)/run web/dist/index.html ## run the whole system on a rendered parking lot, until Ctrl-C
	@exec $(BIN)/lotcast demo

ultralytics: ## add Ultralytics with torch: for .pt files, TensorRT engines, and exports of models
	@tools/setup.sh ultralytics $(PYTHON) $(VENV)

# The browser and Python's processes are both asked for promised times: beside each other, one of them would be late.
test: $(STAMPS)/dev $(STAMPS)/web $(STAMPS)/browser web/dist/index.html ## set up what tests need, and test every part: Python, web, browser
	@echo "the dashboard's and the browser's tests run side by side; the output of each follows when it has ended"
	@browser=0; $(MAKE) --no-print-directory --keep-going --output-sync=target -j2 test-web test-e2e || browser=$$?; \
	$(MAKE) --no-print-directory test-python && exit $$browser

# The browser's tests count seconds, so Python's give way to them.
test-long: $(STAMPS)/dev $(STAMPS)/browser web/dist/index.html ## what takes minutes: lots played, many pictures, requests and failures, the pages over a whole loop, a lot set up by hand
	@echo "two suites run side by side; each one's output follows when it has ended"
	@$(MAKE) --no-print-directory --keep-going --output-sync=target -j2 test-e2e-long test-python-long GIVE_WAY="nice -n 5"

test-fast: $(STAMPS)/dev ## what starts no process and takes no seconds, in under a minute: before each commit
	$(BIN)/pytest -q -m "$(FAST)" -n auto --dist loadfile

coverage: $(STAMPS)/dev ## test-fast with branch coverage; fails under the floor in pyproject.toml
	$(BIN)/pytest -q -m "$(FAST)" -n auto --dist loadfile --cov --cov-report=term:skip-covered

test-random: $(STAMPS)/dev ## test-fast in random order: finds tests that depend on others; SEED= repeats an order
	$(BIN)/pytest -q -m "$(FAST)" -n auto --dist loadfile -p randomly --randomly-seed=$(or $(SEED),$(shell date +%s))

test-python: $(STAMPS)/dev ## Python tests of make test, against real redis-servers
	$(BIN)/pytest -m "not long" $(PYTHON_TESTS) $(SIDE_BY_SIDE)

test-python-long: $(STAMPS)/dev ## Python tests of make test-long
	$(GIVE_WAY) $(BIN)/pytest -m long $(PYTHON_TESTS) $(SIDE_BY_SIDE)

test-web: $(STAMPS)/web ## the dashboard's tests
	cd web && $(NPM) test

test-e2e: $(STAMPS)/dev $(STAMPS)/browser web/dist/index.html ## the whole system in a real browser, about two minutes
	$(BIN)/pytest tests/e2e -m "not long" -n 2 --dist loadgroup

# A lot is set up before the demo runs, which would slow it down.
test-e2e-long: $(STAMPS)/dev $(STAMPS)/browser web/dist/index.html ## the browser's tests of make test-long
	$(BIN)/pytest tests/e2e/test_five_minutes.py tests/e2e/test_demo.py -m long

test-five-minutes: $(STAMPS)/dev $(STAMPS)/browser web/dist/index.html ## a real lot is set up on the page from nothing, each click counted, about two and a half minutes
	$(BIN)/pytest tests/e2e/test_five_minutes.py

test-wheel-redis: $(STAMPS)/dev ## what goes over the bus, on the wheel's redis-server instead of the machine's
	LOTCAST_TEST_REDIS=wheel $(BIN)/pytest $(SIDE_BY_SIDE) $(BUS_TESTS)

test-bare-machine: $(STAMPS)/dev ## a fresh clone's `make demo` where redis-server, Node.js and browsers are hidden; wants root
	$(BIN)/python -m tools.bare_machine

test-package: wheel ## install the built wheel into a fresh environment, and run its demo in an empty folder
	$(BIN)/pytest -m package tests/package

wheel: $(STAMPS)/dev web/dist/index.html ## build the wheel, with the dashboard and the demo in it, into dist/
	@rm -rf build dist services/gateway/dashboard_files
	cp -r web/dist services/gateway/dashboard_files
	$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir lotcast ./tools/opencv-python
	$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir dist .
	@rm -rf build services/gateway/dashboard_files lotcast/opencv_python-*.whl

audit: $(STAMPS)/dev $(STAMPS)/web ## known vulnerabilities in what we depend on: pip-audit, npm audit
	$(BIN)/pip-audit --skip-editable --progress-spinner off
	cd web && $(NPM) audit --audit-level=moderate

test-compose: $(STAMPS)/dev ## compose.yaml on this machine's container engine, while parts of it are killed
	$(BIN)/pytest -s -m compose tests/compose

test-alerts: ## the alert rules on invented numbers; wants Prometheus's promtool (PROMTOOL=)
	$(PROMTOOL) check config --syntax-only deploy/monitoring/prometheus.yml
	$(PROMTOOL) check rules deploy/monitoring/alerts.yml
	$(PROMTOOL) test rules tests/monitoring/alerts.test.yml

constraints: ## write the versions that images are made of anew: the newest that pyproject.toml allows
	docker build -f deploy/Dockerfile --target constraints --no-cache-filter resolver --output deploy/image .

bench-detector: $(STAMPS)/dev ## the detector beside its bare engine and Ultralytics' way
	$(BIN)/python -m bench.detector

bench-gateway: $(STAMPS)/dev ## the gateway beside Node, a bare socket loop and the design it replaces
	$(BIN)/python -m bench.gateway

bench-ingest: $(STAMPS)/dev ## how many cameras one core reads, beside OpenCV's way
	$(BIN)/python -m bench.ingest

bench-redis-memory: $(STAMPS)/dev ## what a camera takes in Redis with all its keys at their bounds
	$(BIN)/python -m bench.redis_memory

bench-truth: $(STAMPS)/dev ## how right spaces are, beside others' rules; DATA= folder with acpds, pklot, videos, models; MODEL= a YOLO11n
	$(BIN)/python -m bench.truth $(if $(DATA),--data "$(DATA)") $(if $(MODEL),--model "$(MODEL)")

replay-day: $(STAMPS)/dev ## 24 hours of the demo's lots through the detector, in all weathers, beside their truth
	$(BIN)/python -m bench.day

soak: $(STAMPS)/dev web/dist/index.html ## twenty minutes of the whole system, into docs/soak.svg; MINUTES= for another length
	$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),20)

screenshots: $(STAMPS)/dev $(STAMPS)/browser web/dist/index.html ## every page of the dashboard, from a running demo, into docs/images
	$(BIN)/python -m tools.screenshots

train-occupancy: $(STAMPS)/dev ## train the judges of spaces; DATA= folder with acpds and pklot, MODEL= YOLO11n as .xml or .onnx
	@$(BIN)/python -c "import onnx, torch" 2>/dev/null || $(BIN)/python -m pip install -e '.[training]'
	$(BIN)/python -m training.occupancy --data "$(DATA)" --model "$(MODEL)"

check: $(STAMPS)/dev $(STAMPS)/web ## formatting, lint, types, import directions, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generated --check
	@$(MAKE) --no-print-directory check-web

check-web: $(STAMPS)/dev $(STAMPS)/web ## the dashboard's part of it
	cd web && $(NPM) run lint && $(NPM) run typecheck && $(NPM) run api:check

format: $(STAMPS)/dev ## put code and generated files in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tools.generated
	cd web && $(NPM) run api

web: web/dist/index.html ## build the dashboard

clean: ## remove what the other commands made, the demo's training data too
	rm -rf $(VENV) $(STAMPS) build dist web/node_modules web/dist tests/artifacts

# What each command needs, made once and again when its list of packages changes.

$(STAMPS)/run: pyproject.toml tools/setup.sh
	@tools/setup.sh run $(PYTHON) $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml tools/setup.sh
	@tools/setup.sh dev $(PYTHON) $(VENV)
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

$(STAMPS)/web: web/package.json web/package-lock.json tools/setup.sh
	@tools/setup.sh web $(PYTHON) $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/browser: $(STAMPS)/dev
	@tools/setup.sh browser $(PYTHON) $(VENV)
	@mkdir -p $(STAMPS) && touch $@

web/dist/index.html: $(STAMPS)/web $(WEB_SOURCES)
	cd web && $(NPM) run build
	@touch $@
