"""What each server reads at its start and no server changes: read once, before processes are forked
(`tests/preloaded.py`)."""

from importlib import import_module
from pkgutil import iter_modules

from gateway import cli, policies
from gateway.authentication.suffixes import public_suffixes
from gateway.web.compiled_pages import every_template

public_suffixes()
policies.load(None)
for templates, name in every_template():
    templates.get_template(name)
for each in iter_modules(cli.__path__):  # those of the commands, and what they import
    import_module(f"gateway.cli.{each.name}")
