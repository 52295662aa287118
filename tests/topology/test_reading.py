"""Files that are no topology at all, and files meant to do harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anycastlab.errors import TopologyError
from anycastlab.topology import source
from anycastlab.topology.load import load
from anycastlab.topology.problems import MOST_PROBLEMS

from .texts import SMALL, complaints, loaded


def refused(path: Path) -> str:
    with pytest.raises(TopologyError) as caught:
        load(path)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert refused(path) == f"{path}:1:1: cannot read the file: No such file or directory"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}:1:1: this is a directory, not a topology file"


def test_a_part_of_the_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(SMALL)
    assert "cannot read the file: Not a directory" in refused(tmp_path / "file" / "lab.yaml")


def test_a_file_of_50_megabytes_is_refused_unparsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.touch()
    os.truncate(path, 50_000_000)
    with pytest.raises(TopologyError) as caught:
        source.read(str(path))
    assert str(caught.value) == f"{path}:1:1: too large: a topology file has at most 5 MB"


def test_a_file_just_small_enough_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(SMALL + "#" * (source.LARGEST_FILE - len(SMALL)))
    assert load(path).network.name == "small"


def test_the_first_byte_that_is_no_utf8_is_pointed_at(tmp_path: Path) -> None:
    path = tmp_path / "latin1.yaml"
    path.write_bytes("name: lab\n# é\ndescription: Zürich".encode().replace(b"\xc3\xbc", b"\xfc"))
    assert refused(path) == f"{path}:3:15: not UTF-8 text"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load(path).network.name == "small"


def test_a_control_character_is_pointed_at() -> None:
    assert complaints("name: lab\nnodes: \x00") == ["2:8: not text: character '\\x00'"]


def test_a_name_beyond_ascii_is_placed_by_characters_not_bytes() -> None:
    assert complaints(SMALL + "description: züé\nlinsk: []\n") == [
        "6:1: unknown key 'linsk'; did you mean 'links'?"
    ]
    mistake = complaints('{name: lab, description: "züé", nodes: {r1: ruter}}')
    assert mistake[0].startswith("1:45: ")


def test_a_billion_laughs_are_not_written_out() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    (message,) = complaints("\n".join(lines))
    assert message.endswith(f"more than {source.MOST_VALUES} values, with the aliases written out")


def test_more_values_than_any_topology_has_are_refused() -> None:
    text = "a: [" + "1, " * (source.MOST_VALUES - 3)
    assert "not valid YAML" in complaints(text)[0]
    assert complaints(text + "1, 1]")[0].endswith(" values, with the aliases written out")


def test_a_few_aliases_are_welcome() -> None:
    text = SMALL.replace("s1: server", "s1: &s server, s2: *s").replace("[s1]", "&m [s1, s2]")
    document = loaded(text.replace("}}", "}, B: {members: *m}}"))
    assert document.network.groups["B"].instances == ("s1", "s2")


def test_a_mistake_in_an_aliased_list_is_reported_at_what_was_written() -> None:
    text = "name: l\nnodes: {r1: router}\nanycast:\n  A: &g {members: [r2]}\n  B: *g\n"
    assert complaints(text) == [
        "4:20: member 'r2' of group A is not a node; did you mean 'r1'?",
        "4:20: member 'r2' of group B is not a node; did you mean 'r1'?",
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(opening: str) -> None:
    (message,) = complaints(opening * 20_000)
    assert "nested more than 50 levels deep" in message


def test_an_alias_to_what_contains_it_is_refused_as_key_too() -> None:
    assert complaints("a: &a {*a : b}") == ["1:8: alias *a contains itself"]


def test_only_so_many_mistakes_are_shown() -> None:
    lines = "\n".join(f"  r{number}: ruter" for number in range(10_000))
    messages = complaints(f"name: lab\nnodes:\n{lines}\n")
    assert len(messages) == MOST_PROBLEMS + 1
    assert messages[-1].endswith(f"more mistakes follow: only {MOST_PROBLEMS} are shown")


def test_a_message_is_one_line_of_bounded_length() -> None:
    text = f'name: lab\nnodes: {{"a\\nb": client, {"x" * 999}: client}}\n'
    members = f'anycast: {{A: {{members: ["a\\nb", {"x" * 999}]}}}}\n'
    messages = complaints(text + members)
    assert len(messages) == 4
    assert all(message.isprintable() and len(message) < 600 for message in messages)


def test_only_so_many_double_keys_are_shown() -> None:
    assert len(complaints("a: 1\n" * 10_000)) == MOST_PROBLEMS + 1


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("12", 12),
        ("-1_000", -1000),
        ("0x1f", 31),
        ("1.5", 1.5),
        ("-.INF", float("-inf")),
        ("2.5e+3", 2500.0),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("2001:db8::1", "2001:db8::1"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_plain_value_is_read_as_yaml_says(written: str, value: object) -> None:
    read = source.parse(f"key: {written}", "lab.yaml")
    assert read.data == {"key": value}
    assert type(read.data["key"]) is type(value)
    assert read.problems.marks() == set()


@pytest.mark.parametrize("tag", ["!!int", "!!bool", "!secret", "!!python/none"])
def test_a_tag_other_than_that_of_text_is_refused(tag: str) -> None:
    assert source.parse(f"key: {tag} 1", "lab.yaml").problems.marks() == {(1, 6)}


@pytest.mark.parametrize("written", ["010", "-07", "1:30", "1:30.5", "0b_", "9" * 5000])
def test_a_number_that_surprises_is_refused_and_kept_as_text(written: str) -> None:
    read = source.parse(f"key: {written}", "lab.yaml")
    assert read.data == {"key": written}
    assert read.problems.marks() == {(1, 6)}


def test_the_pure_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    before = loaded(SMALL)
    monkeypatch.setattr(source, "_SafeLoader", yaml.SafeLoader)
    assert loaded(SMALL).network == before.network
    assert complaints("a: &a {*a : b}") == ["1:8: alias *a contains itself"]
