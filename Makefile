# The five commands of this repository. Each works on a fresh machine, or says what it lacks and how to get it.
.PHONY: run test lint bench schema help

help:
	@echo "make run     build, start with sample data, print URL and API key"
	@echo "make test    the whole suite, on SQLite and on PostgreSQL"
	@echo "make lint    formatting, clippy, rustdoc, generated files"
	@echo "make bench   the benchmark: a table here, JSON in target/bench.json"
	@echo "make schema  write schema.graphql"

run: need-rust
	cargo run --release -- demo

test: need-rust need-postgres
	cargo test --lib --bins --test it

lint: need-rust
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D unused
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet
	@cargo run --quiet -- schema | diff -u schema.graphql - \
		|| { echo "schema.graphql is out of date: run make schema" >&2; exit 1; }

bench: need-rust need-postgres
	cargo bench --bench commlog

schema: need-rust
	@mkdir -p target
	cargo run --quiet -- schema > target/schema.graphql
	mv target/schema.graphql schema.graphql

.PHONY: need-rust need-postgres
need-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing. Get it from https://rustup.rs: \
	curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (for SQLite). Debian, Ubuntu: apt install build-essential. \
	Fedora: dnf install gcc. macOS: xcode-select --install" >&2; exit 1; }

# The suite starts a PostgreSQL of its own from these binaries, and never touches a running server.
need-postgres:
	@sh .ci/postgres
