# Needs only Go, gcc (for the race detector), make and git. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

MODULE := github.com/netmode-io/netmode
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BIN := bin
comma := ,
LDFLAGS := -s -w -X $(MODULE)/pkg/version.Version=$(VERSION)

# The pure core: nothing in it needs a cluster, so nearly all of it must be tested.
COVERED := $(addprefix $(MODULE)/pkg/,api plan mode resolv workload policy engine patch jsonprune)
COVERAGE_MIN := 90

BENCHTIME ?= 1s
FUZZTIME ?= 60s

# golangci-lint and deadcode are pinned in a module of their own: their 200 dependencies are none of netmode's.
LINT := go tool -modfile=$(CURDIR)/.ci/lint/go.mod golangci-lint
# The generator of the CustomResourceDefinition likewise.
CONTROLLER_GEN := go tool -modfile=$(CURDIR)/.ci/generate/go.mod controller-gen
MODULES := . $(patsubst %/go.mod,%,$(wildcard e2e/go.mod))

ENGINE ?= $(firstword $(shell command -v podman) $(shell command -v docker))
IMAGE ?= localhost/netmode:$(VERSION)
E2E_IMAGE := localhost/netmode:e2e

.PHONY: build
build: ## build netmode and netmode-webhook, static, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/netmode ./cmd/netmode-webhook

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## show netmode at work on the examples: the real webhook, no cluster
	$(BIN)/netmode demo -f deploy/examples --webhook $(BIN)/netmode-webhook
	@echo; echo 'And what the policies of a platform team make of their pods:'
	$(BIN)/netmode demo -f deploy/examples/policies --webhook $(BIN)/netmode-webhook

# go test prints each test binary's share of all the covered packages, which misleads;
# sed drops these figures, and the gate prints the sum.
.PHONY: test
test: ## vet, then all tests under the race detector, then the coverage gate
	go vet ./...
	@mkdir -p $(BIN)
	CGO_ENABLED=1 go test -race -coverpkg=$(subst $() ,$(comma),$(COVERED)) -coverprofile=$(BIN)/coverage.out ./... \
		| sed -E -e '/^[[:space:]].*coverage: 0.0% of statements$$/d' -e 's/[[:space:]]*coverage: (\[no statements\]|[0-9.]+% of statements).*//'
	@echo 'Covered statements, at least $(COVERAGE_MIN) % each:'
	@awk -v min=$(COVERAGE_MIN) -v packages='$(COVERED)' -f .ci/coverage.awk $(BIN)/coverage.out
	@echo 'The test cluster'"'"'s own parts:'
	go -C e2e vet ./...
	CGO_ENABLED=1 go -C e2e test -race $$(go -C e2e list ./... | grep -v -e /apps$$ -e /chart$$ -e /integration$$ -e /suite$$)
	go -C e2e test ./chart # it has no goroutines, and would take ten times as long

.PHONY: lint
lint: ## check the code with golangci-lint and deadcode (the first run builds them)
	@echo 'lint: the first run on a machine builds golangci-lint, about 2 minutes; then it takes less than one'
	@for module in $(MODULES); do echo "lint: $$module"; (cd "$$module" && $(LINT) run ./...); .ci/deadcode "$$module"; done

.PHONY: generate
generate: ## write what the registries and the API types say into the files that repeat it
	@$(CONTROLLER_GEN) crd paths=./pkg/api/v1alpha1 output:crd:stdout | go run ./docs/generate

.PHONY: bench
bench: bench-parts bench-cpu ## run all benchmarks, then measure the webhook's CPU per request

.PHONY: bench-parts
bench-parts: ## run the benchmarks of the parts (BENCHTIME=1s each)
	@packages=$$(.ci/list-tests Benchmark | cut -d ' ' -f 1 | sort -u); \
	go test -run '^$$' -bench . -skip CPU -benchmem -benchtime $(BENCHTIME) $$packages

.PHONY: bench-cpu
bench-cpu: ## measure the webhook's CPU per request (CPU_BENCHTIME=45s; 1x is a smoke check)
	go test ./pkg/server/cpubench -run '^$$' -bench CPU -benchtime $(or $(CPU_BENCHTIME),45s) -v

.PHONY: fuzz
fuzz: ## run every fuzz target, one after the other (FUZZTIME=60s each)
	@.ci/list-tests Fuzz | while read -r package name; do \
		echo "fuzz: $$name in $$package for $(FUZZTIME)"; \
		go test "$$package" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null; \
	done

# The namespaces' label changes many documents.
CORPUS_FLAGS ?= --cluster-dns=10.96.0.10 --cluster-domain=cluster.local --namespace-labels=netmode.io/mode=hostnetwork

.PHONY: corpus
corpus: ## render all manifests below a folder, and hold them against kubectl's reader (DIR=folder)
	@test -n '$(DIR)' || { echo 'corpus: no folder: make corpus DIR=path/of/a/folder' >&2; exit 1; }
	@go -C e2e run ./cmd/corpus '$(abspath $(DIR))' $(CORPUS_FLAGS)

.PHONY: image
image: ## build the container image with podman or docker (IMAGE=name:tag)
	@test -n '$(ENGINE)' || { echo 'image: neither podman nor docker is here. On Debian: apt-get install podman' >&2; exit 1; }
	@$(MAKE) --no-print-directory build BIN=$(BIN)/image GOOS=linux
	$(ENGINE) build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: cluster
cluster: ## make the kind cluster netmode, or use the one here (NODES=1|2, CLUSTER_NAME, KEEP=1)
	@go -C e2e run ./cmd/cluster up

.PHONY: cluster-down
cluster-down: ## remove the kind cluster netmode and all that belongs to it
	@go -C e2e run ./cmd/cluster down

.PHONY: install
install: image ## put netmode, as it is here, into the cluster netmode
	@go -C e2e run ./cmd/install $(IMAGE)

.PHONY: integration
integration: ## test against a real API server and etcd on loopback, no kubelet: seconds
	@echo 'integration: the first run on a machine builds Kubernetes and etcd, about 12 minutes; then seconds'
	@go -C e2e test ./integration -count=1 -v -timeout 40m

.PHONY: scale
scale: ## measure the webhook beside 10,000 namespaces, 20,000 Services and 100 policies: 2 minutes
	@NETMODE_SCALE=1 go -C e2e test ./integration -count=1 -v -timeout 40m -run '^TestScale$$'

.PHONY: bench-apiserver
bench-apiserver: ## measure a Pod CREATE through the real API server, netmode beside others: ROUNDS=10 of a minute or more
	@NETMODE_BENCH_APISERVER=$(or $(ROUNDS),10) go -C e2e test ./integration -count=1 -v -timeout 60m -run '^TestBenchAPIServer$$'

.PHONY: e2e
e2e: ## test on a kind cluster: build the image, install netmode, look into real pods (KEEP=1)
	@$(MAKE) --no-print-directory image IMAGE=$(E2E_IMAGE)
	@IMAGE=$(E2E_IMAGE) go -C e2e test ./suite -count=1 -v -timeout 60m -parallel 16

# What a -run of go test chooses: APPS='ZooKeeper|OpenMPI'. The first run makes the image, some 5 minutes.
APPS ?= .

.PHONY: apps
apps: ## run real programs with the manifests of deploy/examples on a kind cluster (APPS='ZooKeeper|OpenMPI', KEEP=1)
	@$(MAKE) --no-print-directory image IMAGE=$(E2E_IMAGE)
	@IMAGE=$(E2E_IMAGE) go -C e2e test ./apps -count=1 -v -timeout 60m -parallel 2 -run '^TestApps$$/^program$$/^($(APPS))'

.PHONY: drain
drain: ## replace the webhook's pods under load on a kind cluster, 30 rollouts and 10 node drains: 25 minutes
	@$(MAKE) --no-print-directory image IMAGE=$(E2E_IMAGE)
	@IMAGE=$(E2E_IMAGE) NETMODE_ROLLOUTS=30 NETMODE_DRAINS=10 go -C e2e test ./suite -count=1 -v -timeout 90m -run '^TestEndToEnd$$/^alone$$/^drained$$'

.PHONY: clean
clean: ## remove what make built
	rm -rf $(BIN)
