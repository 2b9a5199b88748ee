import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from terraform.mutate import ROOT, Mutation, MutationError, apply, assertions, check, deal, main, read

FOLDER = ROOT / "terraform"
LISTED = read(FOLDER / "mutations.toml")
MAIN = """
variable "size" {
  default = 1
  validation {
    condition     = var.size > 0
    error_message = "Too small."
  }
}
resource "terraform_data" "a" {
  input = "a"
}
resource "terraform_data" "b" {
  input = "b"
}
"""
TESTS = """
run "both_are_there" {
  assert {
    condition     = terraform_data.a.output == "a"
    error_message = "a is gone"
  }
  assert {
    condition     = terraform_data.b.output == "b"
    error_message = "b is gone"
  }
}
run "nothing_is_refused" {
  command = plan
  variables {
    size = 0
  }
  expect_failures = [var.size]
}
run "a_is_still_there" {
  assert {
    condition     = startswith(terraform_data.a.output, "a")
    error_message = "a went"
  }
}
"""
NO_A = Mutation("main.tf", 'input = "a"', 'input = "x"', ("a is gone", "a went"))
NO_B = Mutation("main.tf", 'input = "b"', 'input = "x"', ("b is gone",))
NO_SIZE = Mutation("main.tf", "var.size > 0", "can(var.size)", ("nothing_is_refused: var.size",))


def test_every_assertion_has_a_change_that_breaks_it() -> None:
    broken = {name for m in LISTED for name in m.breaks}
    assert set(assertions(FOLDER / "tests")) - broken == set()


def test_every_change_breaks_assertions_that_there_are() -> None:
    broken = {name for m in LISTED for name in m.breaks}
    assert broken - set(assertions(FOLDER / "tests")) == set()


def test_no_two_assertions_say_the_same() -> None:
    assert [name for name, n in Counter(assertions(FOLDER / "tests")).items() if n > 1] == []


def test_every_text_to_change_is_there_once() -> None:
    for m in LISTED:
        m.span((FOLDER / m.file).read_text())
        assert m.find != m.replace


def test_changes_that_touch_the_same_text_or_assertion_come_into_different_rounds(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(MAIN)
    again = Mutation("main.tf", "var.size > 0", "var.size > -1", NO_SIZE.breaks)
    wider = Mutation("main.tf", '  input = "b"\n', "", ("c is gone",))
    parts = deal([NO_SIZE, again, NO_B, wider], 1, tmp_path)
    assert [NO_SIZE, NO_B] in parts
    assert sorted(m.replace for part in parts for m in part) == sorted(m.replace for m in (NO_SIZE, again, NO_B, wider))
    assert all(len({m.find for m in part}) == len(part) for part in parts)


def test_several_changes_of_a_file_are_made_together(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(MAIN)
    apply([NO_SIZE, NO_B], tmp_path)
    assert (tmp_path / "main.tf").read_text() == MAIN.replace("var.size > 0", "can(var.size)").replace(
        '"b"\n}', '"x"\n}'
    )


def test_a_text_is_looked_for_in_its_block(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(MAIN)
    apply([Mutation("main.tf", "input", "triggers_replace", (), 'resource "terraform_data" "b"')], tmp_path)
    assert (tmp_path / "main.tf").read_text() == MAIN.replace('input = "b"', 'triggers_replace = "b"')


@pytest.mark.parametrize(
    ("find", "block", "says"),
    [
        ("input", "", "found 2 times"),
        ("output", "", "found 0 times"),
        ("input", 'resource "terraform_data" "c"', "found 0 times, expected once in resource"),
    ],
)
def test_a_text_that_is_not_there_once_is_an_error(find: str, block: str, says: str) -> None:
    with pytest.raises(MutationError, match=says):
        Mutation("main.tf", find, "", (), block).span(MAIN)


def test_no_rounds_are_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--rounds", "0"])
    assert "found 0 rounds, expected at least 1" in capsys.readouterr().err


@pytest.fixture(scope="module")
def terraform() -> str:
    command = shutil.which(os.environ.get("TERRAFORM", "terraform"))
    if command is None:
        pytest.skip("needs the command terraform")
    return command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tests = tmp_path / "root/terraform/tests"
    tests.mkdir(parents=True)
    (tests.parent / "main.tf").write_text(MAIN)
    (tests / "main.tftest.hcl").write_text(TESTS)
    return tmp_path / "root"


def test_assertions_that_notice_their_changes_pass_the_check(root: Path, terraform: str) -> None:
    assert check(root, [[NO_A, NO_SIZE], [NO_B]], terraform) == []


def test_what_notices_too_little_or_too_much_is_told(root: Path, terraform: str) -> None:
    blind = Mutation("main.tf", 'input = "b"', 'input = join("", ["b"])', NO_B.breaks)
    silent = Mutation("main.tf", 'input = "a"', 'input = "x"', ("a is gone",))
    fatal = Mutation("main.tf", 'input = "a"', "input = terraform_data.c", ("a is gone",))
    lenient = Mutation("main.tf", "var.size > 0", "var.size > -0.5 && true", ())
    assert check(root, [[blind], [silent], [lenient]], terraform) == [
        "round 1: held although its subject was broken: b is gone",
        "round 2: failed although no change of its round names it: a went",
        "round 3: failed although no change of its round names it: nothing_is_refused: var.size",
    ]
    (error, *others) = check(root, [[fatal]], terraform)
    assert "no failed assertion, but an error" in error
    assert any("held although its subject was broken: a is gone" in sentence for sentence in others)
