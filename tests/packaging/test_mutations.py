"""The list of mutations fits the code: see scripts/mutate.py, which applies them."""

from environment import ROOT
from mutations import MUTATIONS


def test_every_mutation_applies():
    gone = [
        f"{mutation.file}: {mutation.name}"
        for mutation in MUTATIONS
        if (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.text) != 1
    ]
    assert not gone, "text not found exactly once; change scripts/mutations.py with the code"


def test_every_mutation_changes_something_and_is_looked_for():
    assert all(mutation.text != mutation.becomes for mutation in MUTATIONS)
    assert len({(mutation.file, mutation.name) for mutation in MUTATIONS}) == len(MUTATIONS)
    for test in {test for mutation in MUTATIONS for test in mutation.tests}:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8"), test
