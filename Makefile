# The front door: `make help` lists what there is.
#
# Written for GNU make 3.81 (macOS) and newer. All paths are relative, so that the checkout may
# lie in a folder with spaces.

# `=`, not `?=`: tcsh exports a HOST of its own, which must not decide where we listen.
HOST = 127.0.0.1
PORT = 5050
ARGS =
DIR =
PYTHON =
STAGE =
TASK =
ALL =
N = 3

.DEFAULT_GOAL := help
.PHONY: help run-server run-client install-gui demo wiretap start check watch hint diff bots
.PHONY: grade release gradescope check-grade
.PHONY: test check-kit matrix mutants newcomer soak fuzz cuts faults bench lint format
.PHONY: screenshots recordings docs docs-serve check-docs lock clean always
# `make -j2 test lint` must not have two programs on one terminal.
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'Settings, with their defaults:'
	@echo '  HOST=127.0.0.1 PORT=5050   where the server listens and the client connects'
	@echo '  ARGS=                      more options: make run-client ARGS="--name sravya"'
	@echo '  DIR=                       run server.py or client.py of this folder instead'
	@echo '  STAGE= TASK= ALL=1         of the lab: make check STAGE=3 TASK=3.2'
	@echo '  SUBMISSIONS= STAGES=       whom and what to grade: make grade SUBMISSIONS=dir STAGES=1-3'
	@echo '  OUT=grades JOBS=2          where marks and reports go; how many are graded at once'
	@echo '  ROSTER= CONFIG=            the class as a CSV file; points and policy as a TOML file'
	@echo '  REDO= FORGET=              grade this student again; delete what is kept of this one'
	@echo '  SANDBOX= DASK=             another sandbox than the best there is; a cluster: tcp://host:port'
	@echo '  PYTHON=                    the Python to use, 3.11 or newer'

# ---- Run -------------------------------------------------------------------------------------

find_python = python=$$(sh requirements/find_python.sh $(if $(PYTHON),"$(PYTHON)")) || exit 1

# DIR for the shell: just as it was typed, whatever quotes, blanks or dollars are in it.
quoted_dir = '$(subst ','\'',$(value DIR))'

# Goes to the folder DIR, if one is named, which must have the program.
go_to_dir = $(if $(value DIR),dir=$(quoted_dir); test -f "$$dir/$(1)" || \
	{ echo "No $(1) in $$dir: DIR must name a folder that has one" >&2; exit 2; }; cd -- "$$dir" || exit 2;)

# exec: the program takes the shell's place, so that Ctrl-C reaches it once.
run-server: ## start the server (needs nothing but Python)
	@$(find_python); $(call go_to_dir,server.py) \
	exec "$$python" $(if $(value DIR),server.py,-m reference.server) "$(HOST)" "$(PORT)" $(ARGS)

# The window's packages are large: they come when --mode gui asks for it, or by make install-gui.
run-client: $(if $(value DIR),,.venv/$(if $(findstring --mode gui,$(ARGS)),gui,client).stamp) ## join the chat from a terminal
	@$(if $(value DIR),$(find_python),python=.venv/bin/python); $(call go_to_dir,client.py) \
	exec "$$python" $(if $(value DIR),client.py,-m reference.client) "$(HOST)" "$(PORT)" $(ARGS)

install-gui: .venv/gui.stamp ## install what the window needs (130 MB)
	@echo 'The window is ready: make run-client, and answer 2'

demo: .venv/client.stamp ## see what this is: a server, two scripted people, and you
	@exec .venv/bin/python -m labkit.demo $(ARGS)

wiretap: ## show every frame on its way (clients: make run-client PORT=5051)
	@$(find_python); exec "$$python" -m labkit wiretap --to "$(HOST):$(PORT)" $(ARGS)

# ---- The lab ---------------------------------------------------------------------------------

# What is needed is said here, so that nobody reads an error of a program that was given nothing.
stage = $(if $(STAGE),$(STAGE),$(error Which stage? make $@ STAGE=3))
labkit = $(find_python); exec "$$python" -m labkit

check_options = $(if $(value DIR),--dir=$(quoted_dir)) $(if $(TASK),--task $(TASK)) $(if $(ALL),--all) $(ARGS)

start: ## begin a stage of the lab: make start STAGE=1
	@$(labkit) start $(stage) $(ARGS)

check: .venv/test.stamp ## check your work: make check STAGE=1 [TASK=1.2] [ALL=1]
	@.venv/bin/python -m labkit check $(if $(TASK),$(STAGE),$(stage)) $(check_options)

watch: .venv/test.stamp ## check it at each save: make watch STAGE=1
	@.venv/bin/python -m labkit watch $(stage) $(check_options)

hint: ## one more hint each time: make hint TASK=1.2
	@$(labkit) hint $(if $(TASK),$(TASK),$(error Which task? make hint TASK=3.2))

diff: ## see what a stage adds to the one before: make diff STAGE=2
	@$(labkit) diff $(stage) $(ARGS)

bots: ## have scripted people join a server: make bots N=3
	@$(labkit) bots "$(N)" "$(HOST)" "$(PORT)"

# ---- Grading ---------------------------------------------------------------------------------

SUBMISSIONS =
OUT = grades
STAGES =
JOBS = 2
ROSTER =
CONFIG =
SANDBOX =
DASK =
REDO =
FORGET =

grade_options = --out "$(OUT)" --jobs $(JOBS) $(if $(STAGES),--stages $(STAGES)) \
	$(if $(ROSTER),--roster "$(ROSTER)") $(if $(CONFIG),--config "$(CONFIG)") \
	$(if $(SANDBOX),--sandbox $(SANDBOX)) $(if $(DASK),--dask $(DASK)) \
	$(if $(REDO),--redo "$(REDO)") $(if $(FORGET),--forget "$(FORGET)") $(ARGS)

# As root the sandbox's package is installed; else the grader says what is missing.
grade: .venv/grade.stamp $(if $(DASK),.venv/dask.stamp) ## grade a class: make grade SUBMISSIONS=dir STAGES=1-3 [ROSTER=roster.csv]
	@[ "$$(id -u)" -ne 0 ] || sh requirements/debian.sh debian-grade.txt sandbox
	@exec .venv/bin/python -m labkit grade "$(if $(SUBMISSIONS)$(FORGET)$(findstring --override,$(ARGS)),$(SUBMISSIONS),$(error \
		Which submissions? make grade SUBMISSIONS=dir))" $(grade_options)

release: .venv/test.stamp ## make the student kit: make release STAGES=1-2
	@exec .venv/bin/python -m labkit release $(if $(STAGES),$(STAGES),$(error Which stages? make release STAGES=1-2)) \
		$(if $(CONFIG),--config "$(CONFIG)") $(ARGS)

gradescope: .venv/test.stamp ## make the autograder zip for Gradescope: make gradescope STAGES=1-2
	@exec .venv/bin/python -m labkit gradescope $(if $(STAGES),--stages $(STAGES)) \
		$(if $(CONFIG),--config "$(CONFIG)") $(ARGS)

# ---- Check -----------------------------------------------------------------------------------

test: .venv/test.stamp .venv/grade.stamp ## run the tests on all cores (ARGS="-k files" for some of them)
	@sh requirements/debian.sh
	.venv/bin/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

# Students may not know annotations yet, so the stages have none: mypy checks what follows without them.
unannotated = --allow-untyped-defs --allow-untyped-calls --disable-error-code var-annotated \
	--disable-error-code union-attr --disable-error-code misc

check-kit: .venv/test.stamp ## check the lab itself: each task left undone is noticed
	.venv/bin/python -m pytest --numprocesses auto --dist worksteal tests/kit/heavy_ladder.py $(ARGS)

matrix: .venv/test.stamp ## check the tests: other styles pass, buggy programs are caught
	.venv/bin/python -m labkit matrix $(ARGS)

mutants: .venv/test.stamp ## check the tests: what small changes do they not notice?
	.venv/bin/python -m labkit mutants $(ARGS)

soak: .venv/test.stamp ## let a hundred people come and go for ten minutes (ARGS="--minutes 1")
	.venv/bin/python -m tests.reference.soak $(ARGS)

fuzz: .venv/test.stamp ## feed a million frames that are nearly right (ARGS="--seed 1")
	.venv/bin/python -m tests.reference.fuzz $(ARGS)

cuts: .venv/test.stamp ## chat and send a file through a thousand cuts: nothing is lost
	.venv/bin/python -m tests.reference.cutting $(ARGS)

faults: .venv/test.stamp ## break everything around a running server, one thing at a time
	@sh requirements/debian.sh
	.venv/bin/python -m pytest tests/reference/test_faults.py tests/reference/heavy_breakdowns.py \
		tests/reference/test_resume.py $(ARGS)

newcomer: .venv/test.stamp ## go a newcomer's way through all stages, task by task
	.venv/bin/python -m labkit.newcomer $(ARGS)

check-grade: .venv/test.stamp .venv/dask.stamp ## check the grading: attacks, a class of 60, a cluster, the student kit
	@sh requirements/debian.sh debian-grade.txt sandbox
	.venv/bin/python -m pytest tests/grade/heavy_*.py $(ARGS)

bench: ## measure the server beside Redis, ngircd and others (ARGS=--quick: a glance)
	@sh requirements/debian.sh debian-bench.txt benchmarks
	@$(find_python); exec "$$python" -m benchmarks.run $(ARGS)

# A stage's folder is a program of its own: each has a wire.py, so each is checked by itself.
lint: .venv/dask.stamp .venv/lint.stamp ## check style, format and types
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy $(wildcard reference labkit benchmarks tests requirements/install.py)
	@for stage in $(wildcard stages/[0-9]_*); do \
		echo "mypy in $$stage"; \
		(cd $$stage && ../../.venv/bin/python -m mypy --config-file ../../pyproject.toml $(unannotated) \
			--cache-dir ../../.mypy_cache/$$stage .) || exit 1; \
	done

format: .venv/lint.stamp ## format the code, and mend what ruff can mend
	.venv/bin/python -m ruff check --fix-only .
	.venv/bin/python -m ruff format .

# ---- The guide -------------------------------------------------------------------------------

screenshots: .venv/test.stamp ## make the pictures of the windows anew, in labs/images
	.venv/bin/python -m labkit.screenshots labs/images
	.venv/bin/python -m labkit.guide.window labs/images/stage-4.png

recordings: .venv/test.stamp ## make the guide's recordings and diagrams anew, in labs/recordings
	.venv/bin/python -m labkit.guide.record $(ARGS)
	.venv/bin/python -m labkit.wiretap.pictures labs
	.venv/bin/python -m labkit.picture labs/images/session.svg

# Never --quiet: with it, mkdocs lets broken links pass. (The banner is of mkdocs-material, for its own authors.)
mkdocs = NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs

docs: .venv/docs.stamp node_modules/.package-lock.json ## build the lab guide as a site, in site/
	$(mkdocs) build --strict

docs-serve: .venv/docs.stamp node_modules/.package-lock.json ## read the lab guide in a browser, built anew at each save
	$(mkdocs) serve $(ARGS)

check-docs: docs .venv/test.stamp ## open every page in a browser, and follow them (ARGS: crawl, follow or recordings)
	@sh requirements/debian.sh debian-docs.txt guide
	.venv/bin/python -m labkit.guide.check $(ARGS)

# ---- Install ---------------------------------------------------------------------------------

# A group is installed when its stamp is missing or older than its lock. An existing .venv/bin/python
# that is gone (its Python was removed) makes all stamps old; a PYTHON= may differ from .venv's.
.venv/client.stamp .venv/gui.stamp .venv/test.stamp .venv/lint.stamp .venv/docs.stamp .venv/lock.stamp \
.venv/grade.stamp .venv/dask.stamp: \
.venv/%.stamp: requirements/%.txt .venv/bin/python $(if $(PYTHON),always)
	@$(find_python); "$$python" requirements/install.py $*

.venv/bin/python:

# What the guide carries and is checked with: npm writes this file last.
node_modules/.package-lock.json: package-lock.json package.json
	@sh requirements/npm.sh guide

always:

# In this order, each bound by the ones before: all groups share one .venv.
compile = .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make lock" $(ARGS)

lock: .venv/lock.stamp ## pin the packages of pyproject.toml (ARGS=--upgrade: newer ones)
	$(compile) --group client -o requirements/client.txt
	$(compile) --group gui -c requirements/client.txt -o requirements/gui.txt
	$(compile) --group test -c requirements/gui.txt -o requirements/test.txt
	$(compile) --group lint -c requirements/test.txt -o requirements/lint.txt
	$(compile) --group docs -c requirements/lint.txt -o requirements/docs.txt
	$(compile) --group grade -c requirements/docs.txt -o requirements/grade.txt
	$(compile) --group dask -c requirements/grade.txt -o requirements/dask.txt
	$(compile) --group lock -o requirements/lock.txt

clean: ## remove what make installed and tools left (downloads stay)
	rm -rf .venv node_modules benchmarks/build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
