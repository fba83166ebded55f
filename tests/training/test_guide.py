"""The commands of docs/training.md take the options that they are shown with."""

import argparse
import importlib

import pytest

from tests.training_guide import commands


class Parsed(Exception):
    """The command line was understood."""


@pytest.mark.parametrize("command", [c for c in commands() if c.module.startswith("training.")], ids=str)
def test_options_are_understood(command, monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def stop(parser, *arguments):
        parse(parser, *arguments)
        raise Parsed

    module = importlib.import_module(command.module)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(Parsed):
        module.main(list(command.arguments))
