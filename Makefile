# For people who work on Cedar. Users need only: python3 manage.py up
BIN ?= .venv/bin
SHELL := /bin/bash
# Commands that need Django get a data folder of their own, never the clinic's.
MANAGE = DJANGO_SETTINGS_MODULE=clinic.settings_test $(BIN)/python -m django

# The check for missing migrations needs no database, and would warn that there is none.
MANAGE_QUIET = PYTHONWARNINGS=ignore::RuntimeWarning $(MANAGE)

.PHONY: help environment up test lint style imports templates types migrations diagrams format

help:
	@echo "make environment  .venv with the tools for tests, and the front-end assets"
	@echo "make up           the clinic with demo data"
	@echo "make test         all tests"
	@echo "make lint         style, imports, templates, types, migrations, diagrams"
	@echo "make format       put the code into the house style"

environment:
	python3 -m clinic.bootstrap --dev

up:
	python3 manage.py up --demo

test:
	python3 manage.py test

lint: style imports templates types migrations diagrams

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports:
	$(BIN)/lint-imports

templates:
	git ls-files -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2 --check

types:
	$(BIN)/mypy .

migrations:
	$(MANAGE_QUIET) makemigrations --check --dry-run

diagrams:
	$(MANAGE) diagrams --check

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2
