# make demo   set up, run the main job on real input, say where to look
# make test   set up, run the tests
# make check  format, lint and types      make docs  write what is generated
# make site-app  build the page that recognizes in the browser alone into out/app; needs npm
# make site-app APP=src/gafas/web/app  build it into the package, for make wheel and gafas serve --local
# make site-app MODEL=free  build it with weights that a company may use, or with a .onnx file of one's own
# make site   build the website of the documentation into out/site
# make coverage  run the tests and say which lines they miss; fails under the floor
# make wheel  build what is released into out/dist
# make constraints  choose the newest versions of everything that is installed here
# make attributions  list whose photos the models learnt from; needs GAFAS_EYEWEAR
# make parity-vectors  write what each stage of recognizing takes and gives, for the page's engine
# make golden, make selfcheck-answers     write down what new weights answer
# make screenshots  take the pictures of the web page, which needs Chromium, and of verdicts
# make speed  measure times and memory (minutes, on an idle computer)
# make benchmark-batch  measure `gafas batch`: what it costs, and what it survives (half an hour, on an idle Linux machine, as root)
# make benchmark-service  measure the service (five minutes, on an idle computer)
# make benchmark-browser  compare the page's engine with Python; needs npm, Chromium, and web, multi and life in GAFAS_EYEWEAR (minutes, on an idle computer)
# make benchmark-detector  measure the rules by which faces are sought; needs GAFAS_CMU, and in GAFAS_EYEWEAR life and multi (fifteen minutes)
# make benchmark-own-photos  train on a few dozen photos; needs fairface in GAFAS_EYEWEAR (minutes)
# make benchmark-adapt  learn own labels from few photos, beside a training; needs GAFAS_EYEWEAR (fifteen minutes, on an idle Linux machine)
# make benchmark-audit  plant wrong labels and look for them; needs GAFAS_EYEWEAR (minutes)
# make benchmark  train the experiment under every protocol (hours)
# make benchmark-eyewear  measure the models of eyewear in the package; needs GAFAS_EYEWEAR and GAFAS_CMU (minutes)
# make benchmark-check  measure how often verdicts of gafas check are wrong; needs GAFAS_EYEWEAR (minutes)
# make benchmark-ablations  train the recipe of faces with one change at a time; needs GAFAS_EYEWEAR and GAFAS_CMU (hours)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT := out
APP := $(OUT)/app
MODEL := research

.PHONY: demo browser programs engine test coverage check docs site site-app wheel constraints attributions parity-vectors golden selfcheck-answers screenshots speed benchmark benchmark-adapt benchmark-audit benchmark-batch benchmark-browser benchmark-service benchmark-detector benchmark-own-photos benchmark-eyewear benchmark-check benchmark-ablations clean

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(PYTHON) -m venv $(VENV) && $(PIP) --constraint constraints.txt

$(VENV)/ready: pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev]'
	touch $@

$(VENV)/demo: pyproject.toml constraints.txt
	$(INSTALL) -e '.[demo]'
	touch $@

$(VENV)/site: pyproject.toml constraints.txt
	$(INSTALL) -e '.[site]'
	touch $@

# What the tests need holds what the demo needs.
demo: $(if $(wildcard $(VENV)/ready),$(VENV)/ready,$(VENV)/demo)
	$(BIN)/python -m tools.demo $(OUT)

# The tests of the web page need a browser. Where none can be installed, they say so and are skipped.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; } \
	>/dev/null 2>&1 || true

# The tests of what is written into XMP ask two programs to read it; without them they are skipped.
programs:
	@{ command -v exiftool && command -v exiv2; } >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends libimage-exiftool-perl exiv2; } \
	>/dev/null 2>&1 || true

# What runs models in a browser. Where npm is missing, its tests say so and are skipped.
engine:
	@command -v npm >/dev/null && $(MAKE) --no-print-directory node_modules/ready || true

node_modules/ready: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

test: $(VENV)/ready browser programs engine
	$(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist worksteal

# A run of its own: it takes longer.
coverage: $(VENV)/ready browser programs engine
	$(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist worksteal --cov --cov-report=term-missing:skip-covered

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/ready
	$(BIN)/python -m tools.docs

site: $(VENV)/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

site-app: $(VENV)/ready node_modules/ready
	$(BIN)/python -m tools.app $(APP) --model $(MODEL)

wheel: $(VENV)/ready
	$(BIN)/python -m build --wheel --outdir $(OUT)/dist

constraints: $(VENV)/ready
	$(BIN)/uv pip compile pyproject.toml --all-extras --upgrade --universal --python-version 3.11 --no-header \
	--no-annotate --quiet --output-file $(VENV)/constraints.txt
	(head -1 constraints.txt && cat $(VENV)/constraints.txt) > $(VENV)/new && mv $(VENV)/new constraints.txt

attributions: $(VENV)/ready
	$(BIN)/python -m tools.attributions

parity-vectors: $(VENV)/ready
	$(BIN)/python -m tools.parity_vectors

golden: $(VENV)/ready
	$(BIN)/python -m tools.golden

selfcheck-answers: $(VENV)/ready
	$(BIN)/python -m tools.selfcheck_pictures

screenshots: $(VENV)/ready
	$(BIN)/python -m tools.web_pictures
	$(BIN)/python -m tools.check_pictures

speed: $(VENV)/ready
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m tools.docs

benchmark-browser: $(VENV)/ready node_modules/ready
	$(BIN)/python -m benchmarks.browser $(GAFAS_EYEWEAR)

benchmark-detector: $(VENV)/ready
	$(BIN)/python benchmarks/detector.py $(GAFAS_CMU) $(GAFAS_EYEWEAR)

benchmark-batch: $(VENV)/ready
	$(BIN)/python -m benchmarks.batch
	$(BIN)/python -m tools.docs

benchmark-service: $(VENV)/ready
	$(BIN)/python -m benchmarks.service
	$(BIN)/python -m tools.docs

benchmark-own-photos: $(VENV)/ready
	$(BIN)/python -m benchmarks.own_photos

benchmark-adapt: $(VENV)/ready
	$(BIN)/python -m benchmarks.adapt

benchmark-audit: $(VENV)/ready
	$(BIN)/python -m benchmarks.audit
	$(BIN)/python -m tools.docs

benchmark: $(VENV)/ready
	$(BIN)/python -m benchmarks.commands cmu
	$(BIN)/python -m tools.docs

benchmark-eyewear: $(VENV)/ready
	$(BIN)/python -m benchmarks.commands eyewear
	for name in $(patsubst src/gafas/models/eyewear-%.onnx,%,$(wildcard src/gafas/models/eyewear-*.onnx)); do \
	  $(BIN)/python -m benchmarks.commands eyewear --model $$name --out benchmarks/eyewear-$$name.json || exit; done
	$(BIN)/python -m tools.docs

benchmark-check: $(VENV)/ready
	$(BIN)/python -m benchmarks.check
	$(BIN)/python -m tools.docs

benchmark-ablations: $(VENV)/ready
	$(BIN)/python -m benchmarks.ablations

clean:
	rm -rf $(VENV) $(OUT)
