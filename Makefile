# Everything that is done with Portico. `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
TOOLS := $(CURDIR)/.tools
export PATH := $(TOOLS):$(PATH)

TEMPL := v0.3.977
GOLANGCI := v2.15.0
GOFUMPT := v0.12.0
AXE := 4.14.1
MAILPIT := v1.27.11
OIDC := 9.13.3

.PHONY: help run build generate fmt lint test test-fast check bench clean parts

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: build ## Start a demonstration that is ready to look at (needs only Go)
	@./bin/portico demo

build: ## Build bin/portico
	@CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/portico ./cmd/portico

generate: $(TOOLS)/templ-$(TEMPL) ## Write the Go code of the views
	@templ generate -path views

fmt: $(TOOLS)/gofumpt-$(GOFUMPT) $(TOOLS)/templ-$(TEMPL) ## Format everything
	@templ fmt views
	@gofumpt -w $$(git ls-files '*.go' | grep -v '_templ\.go$$')

lint: $(TOOLS)/golangci-$(GOLANGCI) ## Check style, import directions and common faults
	@golangci-lint run ./...

test-fast: ## Test what needs only Go (SQLite, no browser)
	@go test -short ./...

test: parts build ## Test everything: SQLite, MariaDB, SMTP, browser; installs what is missing
	@PORTICO_TEST_TOOLS=$(TOOLS) go run ./internal/store/storetest/withmariadb go test -timeout 40m ./...

check: generated formatted lint test ## All of the above, as it must be before a landing

bench: build ## Measure against a bare baseline in the same run (SIZE=1m for a million people)
	@go run ./internal/store/storetest/withmariadb go run ./cmd/bench -size $(or $(SIZE),10k)

clean: ## Remove what was built, and the demonstration
	@rm -rf bin .tools .demo

.PHONY: generated formatted
generated: generate
	@git diff --exit-code -- '*_templ.go' || { echo 'The generated code is out of date: run make generate and commit.'; exit 1; }

formatted: $(TOOLS)/gofumpt-$(GOFUMPT)
	@unformatted=$$(gofumpt -l $$(git ls-files '*.go' | grep -v '_templ\.go$$')); \
	 [ -z "$$unformatted" ] || { echo "Not formatted (run make fmt): $$unformatted"; exit 1; }

# What the tests need besides Go. Each is installed once, and only when it is missing.
parts: packages $(TOOLS)/axe-$(AXE) $(TOOLS)/mailpit-$(MAILPIT) $(TOOLS)/oidc-$(OIDC)

.PHONY: packages
packages:
	@missing=; \
	 { command -v mariadbd || ls /usr/sbin/mariadbd; } >/dev/null 2>&1 || [ -n "$$PORTICO_TEST_MYSQL_DSN" ] || missing="$$missing mariadb-server"; \
	 command -v chromium >/dev/null 2>&1 || missing="$$missing chromium"; \
	 command -v node >/dev/null 2>&1 || missing="$$missing nodejs"; \
	 command -v npm >/dev/null 2>&1 || missing="$$missing npm"; \
	 [ -z "$$missing" ] || { echo "Installing Debian packages:$$missing"; \
	   apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }

$(TOOLS)/templ-$(TEMPL):
	@echo "Installing templ $(TEMPL)"; GOBIN=$(TOOLS) go install github.com/a-h/templ/cmd/templ@$(TEMPL) && touch $@

$(TOOLS)/gofumpt-$(GOFUMPT):
	@echo "Installing gofumpt $(GOFUMPT)"; GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@$(GOFUMPT) && touch $@

$(TOOLS)/golangci-$(GOLANGCI):
	@echo "Installing golangci-lint $(GOLANGCI) (takes some minutes)"; \
	 GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) && touch $@

$(TOOLS)/mailpit-$(MAILPIT):
	@echo "Installing mailpit $(MAILPIT)"; GOBIN=$(TOOLS) go install github.com/axllent/mailpit@$(MAILPIT) && touch $@

$(TOOLS)/oidc-$(OIDC): | packages
	@echo "Installing oidc-provider $(OIDC)"; mkdir -p $(TOOLS)/oidc && cd $(TOOLS)/oidc && \
	 { [ -f package.json ] || echo '{"private":true}' > package.json; } && npm install --silent --no-audit --no-fund oidc-provider@$(OIDC) >/dev/null && touch $@

$(TOOLS)/axe-$(AXE): | packages
	@echo "Installing axe-core $(AXE)"; mkdir -p $(TOOLS)/axe && cd $(TOOLS)/axe && \
	 { [ -f package.json ] || echo '{"private":true}' > package.json; } && npm install --silent --no-audit --no-fund axe-core@$(AXE) >/dev/null && touch $@
