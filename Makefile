# Every target says what it does: make help

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# One set of flags everywhere: another one would rebuild everything once more.
LDFLAGS := -X main.version=$(VERSION)
FUZZTIME ?= 30s

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build ./bin/ocapi
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ocapi ./cmd/ocapi

.PHONY: run
run: build ## Run Ocapi with embedded NATS and SQLite in ./data (settings: OCAPI_…)
	@exec ./bin/ocapi serve

.PHONY: cluster
cluster: ## Run a whole cluster on this machine: 3 NATS servers, PostgreSQL, 2 nodes, HAProxy with TLS
	$(GO) build -o bin/cluster ./cluster/run
	@exec ./bin/cluster

.PHONY: test
test: test-deps check ## Run everything: unit, contract, race, faults, end-to-end in a browser
	$(GO) test -race -timeout 25m $$($(GO) list ./... | grep -v /faults$$)
	@# What draws, renders, simulates in full or is timed is too slow under the race detector, where these tests do less.
	$(GO) test -timeout 10m -run 'Import|WriteDemo|FirstStart|RealMaterial|NobodyTells|WhoMeets|BarsHold|Overload|TakeTheSameTime|Simulate' ./corpus ./cmd/ocapi/corpus ./cmd/ocapi/program ./node ./domain ./simulation ./rate
	@# By itself, with nothing else to do for the machine: what it measures are seconds until a cluster serves again.
	$(GO) test -timeout 10m ./faults
	@# So too: it measures ratios of speeds.
	$(MAKE) bench-short

.PHONY: test-quick
test-quick: ## Run the tests without the race detector and without a browser
	$(GO) test $$($(GO) list ./... | grep -v /e2e$$)

.PHONY: test-faults
test-faults: test-deps ## Break a cluster in every way under load, for a quarter of an hour at most, and print what came of it
	OCAPI_FAULTS=long $(GO) test -count 1 -timeout 18m -v ./faults

.PHONY: test-deps
test-deps:
	@./scripts/test-deps

.PHONY: screenshots
screenshots: ## Take pictures of every state of the widget and of the pages, into ./screenshots
	OCAPI_SCREENSHOTS=$(CURDIR)/screenshots $(GO) test -count 1 -timeout 20m -run TestScreenshots ./e2e
	@echo "Look at screenshots/index.html"

.PHONY: check
check: ## Check formatting and go vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...

.PHONY: lint
lint: ## Run golangci-lint (fetches it through the Go module proxy)
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

.PHONY: bench
bench: ## Load a real server from a second process; compare it with ceilings and with others (a quarter of an hour)
	$(GO) run ./bench

.PHONY: bench-short
bench-short: ## The ratios of that alone, in a minute: fails where one became twice as bad
	$(GO) run ./bench -only regressions

.PHONY: bench-results
bench-results: ## Like bench, and keep the figures in bench/results for benchstat
	$(GO) run ./bench -results bench/results

.PHONY: simulate
simulate: build ## Play the attacker against both kinds of challenges; fails when a bar is broken
	./bin/ocapi simulate --type transcription
	./bin/ocapi simulate --type classification

.PHONY: widget
widget: ## Build ocapi.js and print the script tag to paste
	$(GO) run ./widget/build

.PHONY: voices
voices: ## Record the voices of audio challenges anew, with espeak-ng
	$(GO) run ./voices/record

.PHONY: clean
clean: ## Remove what was built (not ./data)
	rm -rf bin
